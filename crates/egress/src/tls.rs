//! Encryption, trusting the authorities that the system trusts.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use crate::Error;

/// A connector that reads the system's certificates when it is first needed.
#[derive(Default)]
pub(crate) struct Tls(OnceCell<TlsConnector>);

impl Tls {
    pub(crate) async fn connector(&self) -> Result<TlsConnector, Error> {
        let made = self.0.get_or_try_init(|| async {
            let config = tokio::task::spawn_blocking(config).await;
            let config = config.map_err(|error| Error::Broken(error.to_string()))??;
            Ok(TlsConnector::from(Arc::new(config)))
        });
        made.await.cloned()
    }
}

fn config() -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let message = "the operating system of the server has no trusted certificate authorities";
        return Err(Error::Broken(message.to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Broken(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
