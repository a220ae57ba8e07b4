//! The secrets of webhooks, which are kept encrypted.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use modelyard_protocol::Context;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest;
use tokio::sync::OnceCell;

/// What the key's derivation and the text's first bytes say of the form: another one can follow.
const PURPOSE: &[u8] = b"modelyard webhook secrets 1";
const FORM: u8 = 1;
/// Bytes of a key, as in MLflow's.
const KEY_BYTES: usize = 32;
/// The longest key file that is read.
const FILE_MAX_BYTES: u64 = 1024;

/// Where the key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// From the person who started the server.
    Given(Key),
    /// From this file, which is made when it is needed and not there.
    File(PathBuf),
    /// There is none.
    Missing,
}

/// A key as it is given: 32 bytes. Not shown.
#[derive(Clone)]
pub struct Key([u8; KEY_BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// A text that is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key is 32 bytes in URL-safe base64, as Python makes it: \
     from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"
)]
pub struct BadKey;

impl KeySource {
    /// The key in a text: MLflow's form of it, that of Fernet.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn given(text: &str) -> Result<Self, BadKey> {
        parse(text).map(Self::Given).ok_or(BadKey)
    }
}

fn parse(text: &str) -> Option<Key> {
    let bytes = URL_SAFE.decode(text.trim()).or_else(|_| STANDARD.decode(text.trim())).ok()?;
    Some(Key(bytes.try_into().ok()?))
}

/// Why a secret cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// No key was given.
    #[error(
        "A webhook's secret is kept encrypted, and this server has no key: servers that share a database need \
         the same one. Set MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY for each of them, or leave the secret out."
    )]
    NoKey,
    /// The key's file cannot be used.
    #[error("the key file {}: {cause}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// Another key is needed, or the text is not whole.
    #[error(
        "the secret cannot be decrypted: it was encrypted with another key. Start the server with that one, or set \
         the secret again"
    )]
    Closed,
}

/// Encrypts and decrypts.
pub(crate) struct Secrets {
    source: KeySource,
    key: OnceCell<LessSafeKey>,
    context: Context,
}

impl Secrets {
    pub(crate) fn new(source: KeySource, context: Context) -> Self {
        Self { source, key: OnceCell::new(), context }
    }

    /// The secret as text that only the key opens, and only for this webhook.
    pub(crate) async fn seal(&self, webhook_id: &str, secret: &str) -> Result<String, Fault> {
        let key = self.key().await?;
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&self.context.random().to_le_bytes()[..NONCE_LEN]);
        let mut sealed = secret.as_bytes().to_vec();
        let (once, bound_to) = (Nonce::assume_unique_for_key(nonce), Aad::from(webhook_id));
        key.seal_in_place_append_tag(once, bound_to, &mut sealed)
            .map_err(|_unspecified| Fault::Closed)?;
        let text = [&[FORM], nonce.as_slice(), &sealed].concat();
        Ok(STANDARD.encode(text))
    }

    /// The secret of a webhook.
    pub(crate) async fn open(&self, webhook_id: &str, sealed: &str) -> Result<String, Fault> {
        let key = self.key().await?;
        let mut bytes = STANDARD.decode(sealed).map_err(|_not_base64| Fault::Closed)?;
        if bytes.len() < 1 + NONCE_LEN || bytes[0] != FORM {
            return Err(Fault::Closed);
        }
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&bytes[1..=NONCE_LEN]);
        let (once, bound_to) = (Nonce::assume_unique_for_key(nonce), Aad::from(webhook_id));
        let opened = key
            .open_in_place(once, bound_to, &mut bytes[1 + NONCE_LEN..])
            .map_err(|_unspecified| Fault::Closed)?;
        String::from_utf8(opened.to_vec()).map_err(|_not_text| Fault::Closed)
    }

    async fn key(&self) -> Result<&LessSafeKey, Fault> {
        let read = self.key.get_or_try_init(|| async {
            let key = match &self.source {
                KeySource::Given(key) => key.clone(),
                KeySource::Missing => return Err(Fault::NoKey),
                KeySource::File(path) => {
                    let fault = |cause| Fault::File { path: path.clone(), cause };
                    let (path, context) = (path.clone(), self.context.clone());
                    let read = tokio::task::spawn_blocking(move || read_or_make(&path, &context));
                    read.await.map_err(|error| fault(error.to_string()))?.map_err(fault)?
                }
            };
            derive(&key)
        });
        read.await
    }
}

/// The key in use: not the given one, which MLflow may use for its own form.
fn derive(key: &Key) -> Result<LessSafeKey, Fault> {
    let mut digest = digest::Context::new(&digest::SHA256);
    digest.update(PURPOSE);
    digest.update(&key.0);
    let key = UnboundKey::new(&CHACHA20_POLY1305, digest.finish().as_ref());
    Ok(LessSafeKey::new(key.map_err(|_unspecified| Fault::Closed)?))
}

/// The key in a file. Without one a new key is made; it is in the file, synced, before it is used.
fn read_or_make(path: &Path, context: &Context) -> Result<Key, String> {
    match File::open(path) {
        Ok(file) => return read(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.to_string()),
    }
    let mut bytes = [0; KEY_BYTES];
    bytes[..16].copy_from_slice(&context.random().to_le_bytes());
    bytes[16..].copy_from_slice(&context.random().to_le_bytes());
    match make(path, &bytes, context) {
        Ok(()) => Ok(Key(bytes)),
        // Another process was faster; all use its key.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(File::open(path).map_err(|error| error.to_string())?)
        }
        Err(error) => Err(error.to_string()),
    }
}

fn read(file: File) -> Result<Key, String> {
    let mut text = String::new();
    file.take(FILE_MAX_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    parse(&text).ok_or_else(|| BadKey.to_string())
}

/// Only a whole file gets the name, and only the first.
fn make(path: &Path, key: &[u8; KEY_BYTES], context: &Context) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", context.uuid_hex()));
    let partial = PathBuf::from(name);
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        writeln!(file, "{}", URL_SAFE.encode(key))?;
        file.sync_all()?;
        std::fs::hard_link(&partial, path)
    })();
    std::fs::remove_file(&partial)?;
    written?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::{AtomicU64, Ordering};

    use modelyard_protocol::Environment;

    use super::*;

    struct Counter(AtomicU64);

    impl Environment for Counter {
        fn now_ms(&self) -> i64 {
            0
        }

        fn random(&self) -> u128 {
            self.0.fetch_add(1, Ordering::Relaxed).into()
        }
    }

    fn secrets(source: KeySource, seed: u64) -> Secrets {
        Secrets::new(source, Context::new(Counter(AtomicU64::new(seed))))
    }

    #[tokio::test]
    async fn a_secret_opens_with_its_key_for_its_webhook_only() {
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let ours = secrets(KeySource::given(key).expect("a key"), 1);
        let sealed = ours.seal("w", "s3cret").await.expect("sealed");
        assert!(!sealed.contains("s3cret"));
        assert_ne!(sealed, ours.seal("w", "s3cret").await.expect("sealed"));
        assert_eq!(ours.open("w", &sealed).await.expect("opened"), "s3cret");
        assert!(ours.open("other", &sealed).await.is_err());
        let other = key.replace("AAEC", "AAED");
        let theirs = secrets(KeySource::given(&other).expect("a key"), 1);
        assert!(theirs.open("w", &sealed).await.is_err());
        for broken in ["", "AQ==", "!", &sealed[..20]] {
            assert!(ours.open("w", broken).await.is_err(), "{broken}");
        }
        assert!(KeySource::given("short").is_err());
    }

    #[tokio::test]
    async fn a_key_file_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("webhook.key");
        let sealed =
            secrets(KeySource::File(path.clone()), 1).seal("w", "x").await.expect("sealed");
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = secrets(KeySource::File(path.clone()), 99);
        assert_eq!(again.open("w", &sealed).await.expect("opened"), "x");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
        std::fs::write(&path, "nonsense").expect("written");
        let damaged = secrets(KeySource::File(path), 1).seal("w", "x").await;
        assert!(matches!(damaged, Err(Fault::File { .. })));
        assert!(matches!(secrets(KeySource::Missing, 1).seal("w", "x").await, Err(Fault::NoKey)));
    }
}
