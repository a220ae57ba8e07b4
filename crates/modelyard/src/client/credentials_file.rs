//! `~/.mlflow/credentials`, where MLflow's client looks for a user name and a password.
//!
//! It is what Python's `configparser` reads: sections, `key = value` or `key: value`, comments
//! after `#` or `;`, keys without case, `%%` for a percent sign.

use std::path::Path;

use super::Error;

/// The one section that counts.
const SECTION: &str = "[mlflow]";

/// The user name and the password of the file below `home`; none if there is no such file.
///
/// # Errors
/// [`Error::Setting`] if the file is there and cannot be read.
pub(super) fn read(home: &Path) -> Result<[Option<String>; 2], Error> {
    let path = home.join(".mlflow/credentials");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok([None, None]),
        Err(error) => Err(Error::Setting(format!("cannot read {}: {error}", path.display()))),
    }
}

fn parse(text: &str) -> [Option<String>; 2] {
    let mut found = [None, None];
    let mut counts = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            counts = line == SECTION;
        } else if counts
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once(['=', ':'])
        {
            let place = match key.trim().to_ascii_lowercase().as_str() {
                "mlflow_tracking_username" => &mut found[0],
                "mlflow_tracking_password" => &mut found[1],
                _ => continue,
            };
            let value = value.trim().replace("%%", "%");
            *place = (!value.is_empty()).then_some(value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_its_section_counts() {
        let text = "[other]\nmlflow_tracking_username = no\n\n[mlflow]\n# mlflow_tracking_username \
                    = old\nMLFLOW_TRACKING_USERNAME: ann\nmlflow_tracking_password = a=b:50%%\n";
        assert_eq!(parse(text), [Some("ann".to_owned()), Some("a=b:50%".to_owned())]);
        assert_eq!(parse("mlflow_tracking_username = no\n[mlflow]\n"), [None, None]);
    }
}
