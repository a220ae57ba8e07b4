//! TLS towards PostgreSQL, in libpq's words:
//!
//! | `sslmode` | encrypted | the server's certificate |
//! |---|---|---|
//! | `disable` | never | |
//! | `prefer` (default) | if the server offers it | not checked |
//! | `require` | always | not checked; with `sslrootcert` as `verify-ca` |
//! | `verify-ca` | always | must be signed by a trusted root |
//! | `verify-full` | always | and made out for the host of the URL |
//!
//! `sslrootcert=FILE` (PEM) names the trusted roots. Without it, and with `sslrootcert=system`, they are those
//! of the operating system; libpq would read `~/.postgresql/root.crt`. With `system` the mode is
//! `verify-full`, as in libpq.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Error, Result};

/// libpq's `sslmode`, but for `allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// The operating system's authorities.
    System,
    /// Those of a PEM file.
    File(PathBuf),
}

/// What a URL says about TLS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: SslMode,
    pub(super) roots: Roots,
}

impl Tls {
    /// Reads the values of `sslmode` and `sslrootcert`, where given.
    pub(super) fn parse(mode: Option<&str>, roots: Option<&str>) -> Result<Self> {
        let refused = |reason: String| Err(Error::Refused(reason));
        let system = roots == Some("system");
        let mode = match mode {
            None if system => SslMode::VerifyFull,
            None | Some("prefer") => SslMode::Prefer,
            Some("disable") => SslMode::Disable,
            Some("require") => SslMode::Require,
            Some("verify-ca") => SslMode::VerifyCa,
            Some("verify-full") => SslMode::VerifyFull,
            Some(other) => {
                return refused(format!(
                    "sslmode={other} is not supported; use disable, prefer, require, verify-ca or \
                     verify-full"
                ));
            }
        };
        if system && mode != SslMode::VerifyFull {
            return refused("sslrootcert=system needs sslmode=verify-full".into());
        }
        if roots.is_some() && matches!(mode, SslMode::Disable | SslMode::Prefer) {
            return refused(
                "sslrootcert needs sslmode=require, verify-ca or verify-full; without one of them \
                 no certificate is checked"
                    .into(),
            );
        }
        let mode = match (mode, roots) {
            (SslMode::Require, Some(_)) => SslMode::VerifyCa,
            (mode, _) => mode,
        };
        let roots = match roots {
            None | Some("system") => Roots::System,
            Some(file) => Roots::File(file.into()),
        };
        Ok(Self { mode, roots })
    }

    /// The driver's part of the mode.
    pub(super) fn driver_mode(&self) -> tokio_postgres::config::SslMode {
        match self.mode {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                tokio_postgres::config::SslMode::Require
            }
        }
    }

    /// What makes the connections.
    ///
    /// # Errors
    /// [`Error::Refused`] when the roots cannot be read.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.mode {
            SslMode::Disable | SslMode::Prefer | SslMode::Require => {
                Arc::new(Unchecked(Arc::clone(&provider)))
            }
            SslMode::VerifyCa => Arc::new(AnyName(self.chain(&provider)?)),
            SslMode::VerifyFull => self.chain(&provider)?,
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Other(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }

    fn chain(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
        let roots = Arc::new(self.roots.load()?);
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|error| Error::Refused(format!("no certificate can be checked: {error}")))
    }
}

impl Roots {
    fn load(&self) -> Result<RootCertStore> {
        let mut store = RootCertStore::empty();
        match self {
            Self::System => {
                let found = rustls_native_certs::load_native_certs();
                store.add_parsable_certificates(found.certs);
                if store.is_empty() {
                    return Err(Error::Refused(
                        "the operating system has no trusted certificate authorities; name a file \
                         with sslrootcert=FILE"
                            .into(),
                    ));
                }
            }
            Self::File(path) => {
                let refused = |error: &dyn std::fmt::Display| {
                    let path = path.display();
                    Error::Refused(format!("sslrootcert={path} cannot be read: {error}"))
                };
                let certificates =
                    CertificateDer::pem_file_iter(path).map_err(|error| refused(&error))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| refused(&error))?;
                    store.add(certificate).map_err(|error| refused(&error))?;
                }
                if store.is_empty() {
                    return Err(refused(&"it holds no certificate"));
                }
            }
        }
        Ok(store)
    }
}

/// Takes any certificate, as libpq's `prefer` and `require` do: it keeps out who listens, not who stands in
/// between.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes a certificate that a trusted root has signed, for whatever name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::Error::InvalidCertificate as Invalid;
        // The chain is checked first; that it was wrong would be said instead of the name.
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            Err(Invalid(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_mean_what_libpq_says() {
        let system = Roots::System;
        let file = || Roots::File("ca.pem".into());
        for (mode, roots, expected) in [
            (None, None, (SslMode::Prefer, system.clone())),
            (Some("disable"), None, (SslMode::Disable, system.clone())),
            (Some("require"), None, (SslMode::Require, system.clone())),
            (Some("require"), Some("ca.pem"), (SslMode::VerifyCa, file())),
            (Some("verify-ca"), Some("ca.pem"), (SslMode::VerifyCa, file())),
            (Some("verify-full"), Some("ca.pem"), (SslMode::VerifyFull, file())),
            (Some("verify-full"), None, (SslMode::VerifyFull, system.clone())),
            (None, Some("system"), (SslMode::VerifyFull, system)),
        ] {
            let tls = Tls::parse(mode, roots).unwrap();
            assert_eq!((tls.mode, tls.roots), expected, "{mode:?} {roots:?}");
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        for (mode, roots, named) in [
            (Some("allow"), None, "sslmode=allow"),
            (Some("Require"), None, "sslmode=Require"),
            (None, Some("ca.pem"), "sslrootcert"),
            (Some("disable"), Some("ca.pem"), "sslrootcert"),
            (Some("prefer"), Some("ca.pem"), "sslrootcert"),
            (Some("require"), Some("system"), "sslrootcert=system"),
        ] {
            let Err(Error::Refused(reason)) = Tls::parse(mode, roots) else {
                panic!("{mode:?} {roots:?} was accepted")
            };
            assert!(reason.contains(named), "{reason}");
        }
    }

    #[test]
    fn roots_that_cannot_be_read_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for path in [
            folder.path().join("absent.pem"),
            file("empty.pem", ""),
            file("broken.pem", broken),
            folder.path().to_owned(),
        ] {
            let tls = Tls { mode: SslMode::VerifyFull, roots: Roots::File(path.clone()) };
            let Err(Error::Refused(reason)) = tls.connector().map(|_| ()) else {
                panic!("{} was accepted", path.display())
            };
            assert!(reason.contains(path.to_str().unwrap()), "{reason}");
        }
    }
}
