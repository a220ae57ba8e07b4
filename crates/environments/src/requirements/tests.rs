use super::*;

fn read(text: &str) -> Requirements {
    Requirements::read(text, &[]).unwrap()
}

fn refused(text: &str) -> String {
    Requirements::read(text, &[]).unwrap_err().to_string()
}

#[test]
fn what_mlflow_writes_is_taken_as_it_is() {
    let text = "mlflow==3.17.2\nnumpy==2.3.5 # why\n# a comment\nscikit-learn[all]==1.8.0 ; python_version > '3.8'\n\
                --extra-index-url https://download.example/cpu\nfoo \\\n  >=1\n";
    let found = read(text);
    assert_eq!(
        found.text(),
        "--extra-index-url https://download.example/cpu\nmlflow==3.17.2\nnumpy==2.3.5\n\
         scikit-learn[all]==1.8.0 ; python_version > '3.8'\nfoo    >=1\n"
    );
    assert!(!found.all_pinned());
    assert!(read("a==1\nwheels/own-1.0-py3-none-any.whl\n").all_pinned());
    assert!(!read("a==1.*").all_pinned());
}

#[test]
fn the_same_wishes_have_the_same_form() {
    let one = read("Scikit_Learn[all] == 1.8.0 ; python_version > '3.8'\nb==1 --hash=sha256:00\n");
    let other = read("b == 1  --hash=sha256:00\n\nscikit.learn[all]==1.8.0;python_version > '3.8'");
    assert_eq!(one.normalised(), other.normalised());
    assert_ne!(read("a==1").normalised(), read("a==1.0").normalised());
    // The first index has precedence.
    let first = read("-i https://a\n--extra-index-url=https://b\na");
    assert_ne!(
        first.normalised(),
        read("--extra-index-url https://b\n-i https://a\na").normalised()
    );
    assert_eq!(
        first.normalised(),
        read("a\n--index-url https://a\n--extra-index-url https://b").normalised()
    );
}

#[test]
fn options_are_allowed_by_a_list() {
    let found =
        read("--pre\n--no-index\n-fhttps://links\n--only-binary=:all:\n--require-hashes\na\n");
    assert_eq!(found.uv_arguments(), ["--prerelease=allow", "--require-hashes"]);
    assert_eq!(found.uv_text(), "--no-index\n--find-links https://links\n--only-binary :all:\na\n");
    assert!(found.text().starts_with("--pre\n--no-index\n--require-hashes\n"));
    for line in [
        "--trusted-host x",
        "-r other.txt",
        "-cother.txt",
        "--target /x",
        "--config-settings a=b",
        "--index-url https://a --target /x",
        "--index-url file:///x",
        "--index-urlx",
        "a==1 --global-option=--x",
        "a --config-settings=x=y",
        "-",
    ] {
        assert!(refused(line).contains("cannot be used"), "{line}");
    }
    assert!(refused("a\0b").contains("control character"));
    assert!(refused("--trusted-host x").contains("PIP_TRUSTED_HOST"));
}

#[test]
fn paths_stay_below_the_models_folder() {
    let found = read(
        "./wheels/a.whl[x] ; python_version > '3'\n-e ./code\nb @ ./b\nc.tar.gz\n--find-links links/\n",
    );
    let paths: Vec<_> = found.paths.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(paths, ["b", "c.tar.gz", "code", "links", "wheels/a.whl"]);
    assert!(found.text().contains("\n./code\n"), "an editable install is a plain one");
    for line in [
        "/etc/x",
        "../x",
        "./a/../../x",
        ".",
        "a @ file:///x",
        "file:///x.whl",
        "file:x",
        "-f ../x",
        "-e /x",
    ] {
        assert!(
            refused(line).contains("below the model's folder") || refused(line).contains("scheme"),
            "{line}"
        );
    }
}

#[test]
fn addresses_have_an_allowed_scheme() {
    for line in [
        "https://x/y.whl",
        "a @ https://x/y.whl#sha256=00",
        "a@https://x/y.whl",
        "a [b]@ https://x/y.whl",
        "git+https://x/y@main#egg=z",
        "-e git+ssh://git@x/y#egg=z",
        "a[b] @ git+https://x/y ; python_version > '3'",
    ] {
        assert!(read(line).paths.is_empty(), "{line}");
    }
    for line in
        ["ftp://x/y.whl", "git+file:///x", "git+ext://x", "a@ftp://x", "a @ ssh://x", "FILE:///x"]
    {
        assert!(refused(line).contains("scheme"), "{line}");
    }
}

#[test]
fn mlflow_is_found_as_mlflow_finds_itself() {
    let asks = |text: &str| read(text).asks_for(&["mlflow", "mlflow-skinny"]);
    for text in [
        "mlflow",
        "MLflow==2.1",
        "mlflow_skinny[x]>1",
        "mlflow @ git+https://x/y",
        "mlflow==1 --hash=sha256:0",
    ] {
        assert!(asks(text), "{text}");
    }
    assert!(asks("git+https://github.com/mlflow/mlflow@branch"));
    for text in ["", "mlflow-tracing==3", "mlflowx", "numpy ; extra == 'mlflow'"] {
        assert!(!asks(text), "{text}");
    }
}

#[test]
fn variables_are_named_if_the_operator_passes_them() {
    let text = "--index-url https://user:${TOKEN}@index/simple\na";
    assert!(refused(text).contains("the variable TOKEN is not passed on"));
    assert!(Requirements::read(text, &["TOKEN".to_owned()]).is_ok());
    assert!(Requirements::read("a==${PIP_INDEX_URL}", &["TOKEN".to_owned()]).is_err());
}
