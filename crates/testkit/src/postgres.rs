//! A PostgreSQL cluster shared by all test processes, and a fresh database for each test.
//!
//! The first process that needs it runs `initdb` and `postgres` under the folder of [`Cluster`];
//! the others find it there; see `shared`. PostgreSQL refuses to run as root, so root runs it as
//! another user.
//!
//! Where `openssl` is installed the server offers TLS, with a certificate for `localhost` that an
//! authority of the cluster's own has signed ([`postgres_authority`]).
//!
//! The databases sort text by the rules of a language (ICU, `en-US`), as production databases do:
//! a statement that relies on byte order must say so.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::NoTls;

use crate::left_out::{Lack, left_out};
use crate::shared;

/// A base URL (without database name) of a server to use instead of starting one.
const OVERRIDE: &str = "MODELYARD_TEST_PG";
/// The file in the cluster's folder that holds the authority's certificate.
const AUTHORITY: &str = "authority.pem";
/// What kinds of certificates there are.
const OPENSSL: &str = "[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost
";
/// The URL of a fresh, empty database, or `None`, noted by [`left_out`], where PostgreSQL is not
/// installed. The database is dropped some time after the test process has ended.
///
/// # Panics
/// If PostgreSQL is installed but cannot be started; and where it is not installed, if `CI` is
/// `true`, lest a build server skip half of the tests unseen.
pub fn postgres_url() -> Option<String> {
    static BASE: OnceLock<Option<String>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let base = BASE.get_or_init(|| std::env::var(OVERRIDE).ok().or_else(Cluster::join));
    let Some(base) = base else {
        let why = "PostgreSQL is not installed (no `initdb`): its half of this test is left out";
        left_out(Lack::Component, why);
        return None;
    };
    let name = format!("t_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    create_database(base, &name);
    Some(format!("{base}/{name}"))
}

/// Takes a database of [`postgres_url`] away from whoever uses it.
///
/// # Panics
/// If the database cannot be dropped.
pub fn drop_postgres(url: &str) {
    let (base, name) = url.rsplit_once('/').expect("a database name");
    let work = async |client: tokio_postgres::Client| {
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        client.execute(&drop, &[]).await.expect("drop a database");
    };
    with_client(base, work).expect("connect to the test cluster");
}

/// The certificate (PEM) of the authority that signed the server's, or `None` (with a message on
/// stderr) where PostgreSQL or `openssl` is not installed.
///
/// # Panics
/// As [`postgres_url`].
pub fn postgres_authority() -> Option<PathBuf> {
    postgres_url()?;
    let path = Cluster::root().join(AUTHORITY);
    if std::env::var(OVERRIDE).is_ok() || !path.exists() {
        let why = "the test server has no known authority: a test of TLS is left out";
        left_out(Lack::Component, why);
        return None;
    }
    Some(path)
}

/// Where the shared cluster lives: `$TMPDIR/modelyard-test-postgres-2-UID`; the number changes with
/// what older test programs would not expect there.
struct Cluster {
    root: PathBuf,
    tools: PathBuf,
}

impl Cluster {
    /// The base URL of the running cluster, started if need be.
    fn join() -> Option<String> {
        let tools = find_tools()?;
        let root = Self::root();
        let cluster = Self { root: root.clone(), tools };
        Some(shared::join(&root, answers, |data| cluster.start(data)))
    }

    fn root() -> PathBuf {
        shared::root("postgres-2")
    }

    /// Starts a new cluster in an empty folder.
    fn start(&self, data: &Path) -> String {
        let account = Account::for_postgres();
        if let Some(account) = &account {
            chown(data, Some(account.uid), Some(account.gid)).expect("chown the data folder");
        }
        self.initdb(data, account.as_ref());
        let port = shared::free_port();
        let certificate = self.certify(data, account.as_ref());
        self.spawn(data, port, certificate, account.as_ref());
        format!("postgresql://postgres@127.0.0.1:{port}")
    }

    fn initdb(&self, data: &Path, account: Option<&Account>) {
        let with_icu: &[&str] = &["--locale-provider=icu", "--icu-locale=en-US"];
        let mut said = String::new();
        for locale in [with_icu, &[]] {
            let mut command = as_user(account, &self.tools.join("initdb"));
            command.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]);
            command.args(locale).arg("--no-sync").arg("-D").arg(data).current_dir("/");
            let output = command.output().expect("run initdb");
            if output.status.success() {
                return;
            }
            said.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        panic!("initdb failed: {said}");
    }

    /// Makes an authority and a server certificate in the data folder; `false` where that fails.
    fn certify(&self, data: &Path, account: Option<&Account>) -> bool {
        let authority = self.root.join(AUTHORITY);
        let _ = fs::remove_file(&authority);
        fs::write(data.join("openssl.cnf"), OPENSSL).expect("write openssl.cnf");
        let openssl = |args: &str| {
            let mut command = Command::new("openssl");
            command.args(args.split(' ')).current_dir(data).stdin(Stdio::null());
            command.output().is_ok_and(|output| output.status.success())
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config openssl.cnf";
        let made = openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 3650 -subj /CN=tests -extensions ca"
        )) && openssl(&format!(
            "req {key} -keyout server.key -out server.csr -subj /CN=localhost"
        )) && openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.crt \
             -days 3650 -extfile openssl.cnf -extensions server",
        );
        if made {
            let key = data.join("server.key");
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("chmod the key");
            if let Some(Account { uid, gid }) = account {
                chown(&key, Some(*uid), Some(*gid)).expect("chown the key");
            }
            fs::copy(data.join("ca.pem"), &authority).expect("copy the authority");
        }
        made
    }

    /// Starts `postgres`.
    fn spawn(&self, data: &Path, port: u16, tls: bool, account: Option<&Account>) {
        let mut server = as_user(account, &self.tools.join("postgres"));
        server.arg("-D").arg(data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""]);
        for setting in [
            // Losing the data of a test in a power failure harms nobody.
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=300",
            "shared_buffers=64MB",
            "log_min_messages=warning",
            if tls { "ssl=on" } else { "ssl=off" },
        ] {
            server.args(["-c", setting]);
        }
        shared::keep(&self.root, data, "QUIT", &server);
    }
}

/// The account PostgreSQL runs under when the tests run as root.
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    fn for_postgres() -> Option<Self> {
        if shared::own_uid() != 0 {
            return None;
        }
        let passwd = fs::read_to_string("/etc/passwd").expect("read /etc/passwd");
        let find = |name: &str| {
            let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            let mut number = || fields.next()?.parse().ok();
            Some(Self { uid: number()?, gid: number()? })
        };
        Some(find("postgres").or_else(|| find("nobody")).expect("an account that is not root"))
    }
}

fn as_user(account: Option<&Account>, program: &Path) -> Command {
    let Some(Account { uid, gid }) = account else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--clear-groups");
    command.arg("--").arg(program);
    command
}

/// The folder with `initdb` and `postgres`: on `PATH`, or where Debian puts them.
fn find_tools() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().find(|dir| dir.join("initdb").exists() && dir.join("postgres").exists())
}

fn answers(base: &str) -> bool {
    with_client(base, async |_| ()).is_ok()
}

/// Creates a database, and drops those of test processes that have ended.
fn create_database(base: &str, name: &str) {
    let work = async |client: tokio_postgres::Client| {
        let rows = client
            .query("SELECT datname FROM pg_database WHERE datname LIKE 't\\_%'", &[])
            .await
            .expect("list databases");
        for row in rows {
            let old: String = row.get(0);
            if old.split('_').nth(1).is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                // Another process may be doing the same.
                let _ = client
                    .execute(&format!("DROP DATABASE IF EXISTS {old} WITH (FORCE)"), &[])
                    .await;
            }
        }
        let create = format!("CREATE DATABASE {name}");
        client.execute(&create, &[]).await.expect("create a database");
    };
    with_client(base, work).expect("connect to the test cluster");
}

/// Runs `work` on a connection, from a thread of its own so that callers may be async.
fn with_client<F>(base: &str, work: F) -> Result<(), tokio_postgres::Error>
where
    F: AsyncFnOnce(tokio_postgres::Client) + Send,
{
    let url = format!("{base}/postgres");
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("start a runtime").block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            let pump = tokio::spawn(connection);
            work(client).await;
            // Ends once the client is dropped; its outcome no longer matters.
            let _ = pump.await;
            Ok(())
        })
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("the database thread panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_gives_an_empty_database_of_its_own() {
        let (Some(first), Some(second)) = (postgres_url(), postgres_url()) else { return };
        assert_ne!(first, second);
        let (base, name) = first.rsplit_once('/').expect("a database name");
        let exists = async |client: tokio_postgres::Client| {
            let query = "SELECT 1 FROM pg_database WHERE datname = $1";
            client.query_one(query, &[&name]).await.expect("the database exists");
        };
        with_client(base, exists).expect("connect");
    }
}
