//! URIs of artifacts, as far as they follow from each other.

/// Appends `path` to the path of a URI, before its query and fragment: how the locations of runs and models
/// follow from that of their experiment. A text without a scheme is a path as a whole. MLflow's
/// `append_to_uri_path`, but that the rest stays as it is written.
pub fn append(uri: &str, path: &str) -> String {
    let end = if has_scheme(uri) { uri.find(['?', '#']) } else { None };
    let (base, rest) = uri.split_at(end.unwrap_or(uri.len()));
    let separator = if base.is_empty() || base.ends_with('/') { "" } else { "/" };
    [base, separator, path, rest].concat()
}

/// Whether the text begins with a scheme, as RFC 3986 spells it.
fn has_scheme(uri: &str) -> bool {
    let Some((scheme, _)) = uri.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
}

#[cfg(test)]
mod tests {
    use super::append;

    /// Answers of MLflow 3.17.2.
    #[test]
    fn paths_are_appended_as_mlflow_does() {
        for (uri, expected) in [
            ("s3://b/p?region=x", "s3://b/p/r/artifacts?region=x"),
            ("s3://b/p/?region=x", "s3://b/p/r/artifacts?region=x"),
            ("s3://b?region=x", "s3://b/r/artifacts?region=x"),
            ("s3://b/p?a=/x?y", "s3://b/p/r/artifacts?a=/x?y"),
            ("s3://b/p?a=1#f", "s3://b/p/r/artifacts?a=1#f"),
            ("s3://b/p#f", "s3://b/p/r/artifacts#f"),
            ("s3://b", "s3://b/r/artifacts"),
            ("s3://b/", "s3://b/r/artifacts"),
            ("s3://b/p//", "s3://b/p//r/artifacts"),
            ("wasbs://c@a.blob/x?y=1", "wasbs://c@a.blob/x/r/artifacts?y=1"),
            ("mlflow-artifacts:/", "mlflow-artifacts:/r/artifacts"),
            ("mlflow-artifacts:/1", "mlflow-artifacts:/1/r/artifacts"),
            ("mlflow-artifacts://h:5/1", "mlflow-artifacts://h:5/1/r/artifacts"),
            ("file:///d/", "file:///d/r/artifacts"),
            ("file:rel", "file:rel/r/artifacts"),
            ("/", "/r/artifacts"),
            ("/data/x", "/data/x/r/artifacts"),
            ("/data/what?x", "/data/what?x/r/artifacts"),
            ("/data/a#b", "/data/a#b/r/artifacts"),
            ("./mlruns", "./mlruns/r/artifacts"),
            ("", "r/artifacts"),
        ] {
            assert_eq!(append(uri, "r/artifacts"), expected, "{uri}");
        }
    }
}
