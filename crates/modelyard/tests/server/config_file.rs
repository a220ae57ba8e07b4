//! `modelyard server --config FILE`.

use std::io::Write;

use tempfile::NamedTempFile;

use crate::setup;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let file = file(
        "static-prefix = '/file'\nserve-artifacts = false\nport = 1\n\
         allow-artifact-scheme = ['sftp', 'ftp']\nx-frame-options = 'DENY'\n",
    );
    let path = file.path().to_str().expect("UTF-8");
    // The port of the environment is a free one; port 1 would be refused.
    let server = setup(&["--config", path]).start();
    assert!(server.url().ends_with("/file"), "{}", server.url());
    let info = server.get("/api/modelyard/v1/server");
    assert_eq!(info.json()["serves_artifacts"], false);
    assert_eq!(info.header("x-frame-options"), "DENY");

    let server = setup(&["--serve-artifacts"])
        .env("MODELYARD_CONFIG", path)
        .env("MLFLOW_STATIC_PREFIX", "/variable")
        .env("MLFLOW_SERVER_X_FRAME_OPTIONS", "")
        .start();
    assert!(server.url().ends_with("/variable"), "{}", server.url());
    let info = server.get("/api/modelyard/v1/server");
    assert_eq!(info.json()["serves_artifacts"], true);
    assert_eq!(info.header("x-frame-options"), "DENY", "an empty variable is none");

    let args = ["--config", path, "--static-prefix", "/typed"];
    let server = setup(&args).env("MLFLOW_STATIC_PREFIX", "/variable").start();
    assert!(server.url().ends_with("/typed"), "{}", server.url());
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    for (text, named) in [
        ("prot = 5001\n", "'prot'"),
        ("no-serve-artifacts = true\n", "'no-serve-artifacts'"),
        ("config = 'other.toml'\n", "'config'"),
        ("[port]\nx = 1\n", "'port'"),
        ("dev = true\nhost = \n", "line 2"),
        (
            "dev = true\nartifact-location-max-length = 'long'\n",
            "invalid value 'long' for '--artifact-location-max-length",
        ),
        ("app-name = 'basic-auth'\n", "--app-name basic-auth"),
    ] {
        let file = file(text);
        let path = file.path().to_str().expect("UTF-8");
        let (status, said) = setup(&["--config", path]).fail();
        assert_eq!(status.code(), Some(2), "{said}");
        assert!(said.contains(named), "{said}");
        assert!(said.contains(path) || text.starts_with("app-name"), "{said}");
    }
    let (status, said) = setup(&["--config", "/no/such/file.toml"]).fail();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("/no/such/file.toml"), "{said}");
}
