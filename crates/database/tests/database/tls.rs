//! TLS towards PostgreSQL: what each mode accepts, against a server whose certificate an authority of the
//! tests has signed for `localhost`.

use std::path::Path;

use modelyard_database::{DatabaseUri, Error, Result};

use crate::harness::*;

/// Opens a database with options and says whether the connection is encrypted.
async fn encrypted(host: &str, options: &str) -> Result<bool> {
    let url = modelyard_testkit::postgres_url().unwrap().replace("127.0.0.1", host);
    let uri = DatabaseUri::parse(&format!("{url}?{options}"))?;
    let db = open(&uri, ITEMS).await?;
    let sql = "SELECT CAST(ssl AS INT) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    Ok(db.read(sql, |conn, sql| Box::pin(number(conn, sql))).await? != 0)
}

/// An authority that has signed nothing.
#[expect(clippy::disallowed_methods, reason = "a certificate is made by openssl")]
fn stranger(folder: &Path) -> String {
    let (key, certificate) = (folder.join("key.pem"), folder.join("stranger.pem"));
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args(["-subj", "/CN=stranger", "-days", "2", "-keyout"])
        .arg(key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    certificate.to_str().unwrap().to_owned()
}

#[test]
fn modes_check_what_they_promise() {
    let Some(authority) = modelyard_testkit::postgres_authority() else { return };
    let authority = authority.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stranger = stranger(folder.path());
    let signed = |mode: &str, root: &str| format!("sslmode={mode}&sslrootcert={root}");
    // The host and the options, and what comes of it: encryption, none, or a refusal that says so.
    let cases: [(&str, String, std::result::Result<bool, &str>); 14] = [
        ("127.0.0.1", "sslmode=disable".into(), Ok(false)),
        ("127.0.0.1", String::new(), Ok(true)),
        ("127.0.0.1", "sslmode=prefer".into(), Ok(true)),
        ("127.0.0.1", "sslmode=require".into(), Ok(true)),
        ("localhost", "sslmode=require&channel_binding=disable".into(), Ok(true)),
        ("localhost", signed("require", authority), Ok(true)),
        ("localhost", signed("require", &stranger), Err("UnknownIssuer")),
        ("127.0.0.1", signed("verify-ca", authority), Ok(true)),
        ("localhost", signed("verify-ca", &stranger), Err("UnknownIssuer")),
        ("localhost", signed("verify-full", authority), Ok(true)),
        ("127.0.0.1", signed("verify-full", authority), Err("not valid for name")),
        ("localhost", signed("verify-full", &stranger), Err("UnknownIssuer")),
        // The operating system does not know the tests' authority.
        ("localhost", "sslmode=verify-full".into(), Err("")),
        ("localhost", "sslrootcert=system".into(), Err("")),
    ];
    runtime().block_on(async {
        for (host, options, expected) in cases {
            match (encrypted(host, &options).await, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{host} {options}"),
                (Err(Error::Unavailable(reason) | Error::Refused(reason)), Err(said)) => {
                    assert!(reason.contains(said), "{host} {options}: {reason}");
                }
                (outcome, _) => panic!("{host} {options}: {outcome:?}"),
            }
        }
    });
}
