//! Rules on names, lengths and values, with MLflow's messages.

mod registry;

use std::borrow::Cow;

use crate::error::Error;
use crate::limits;
use crate::wire::{Rules, python_json};

pub use registry::{
    alias, check_name, model_version, model_version_tag, new_alias, new_registered_model_name,
    registered_model_name, registry_description, registry_max_results, registry_tag, stage,
};

/// Parses an experiment id.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is not an integer.
pub fn experiment_id(text: &str) -> Result<i64, Error> {
    text.trim().parse().map_err(|_not_an_integer| {
        Error::invalid(format!(
            "Invalid experiment ID '{}'. Experiment ID must be a valid integer.",
            excerpt(text)
        ))
    })
}

/// Checks a run id where MLflow checks its form (log-batch, log-inputs): letters, digits, `_` and
/// `-`, at most 256.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn run_id(text: &str) -> Result<(), Error> {
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let rest = chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if first && rest && text.chars().count() <= 256 {
        return Ok(());
    }
    Err(invalid_value("run_id", text, None))
}

/// Checks the key of a metric, parameter or tag. `path` is what the message calls it.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it has characters other than letters, digits, `_`, `-`, `.`,
/// space, `:` and `/`, or would name another file when taken as a path.
pub fn key(key: &str, path: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ' ' | ':');
    if !key.chars().all(allowed) {
        let rule = "Names may only contain alphanumerics, underscores (_), dashes (-), periods \
                    (.), spaces ( ), colon(:) and slashes (/).";
        return Err(invalid_value(path, key, Some(rule)));
    }
    // Without a slash only dots can be taken for another path.
    if !key.is_empty() && !key.starts_with('.') && !key.contains('/') {
        return Ok(());
    }
    let normal = normal_path(key);
    if normal != key || normal == "." || normal.starts_with("..") || normal.starts_with('/') {
        return Err(another_path(path, key, &normal));
    }
    Ok(())
}

/// The error for a name that means another one when it is taken as a path.
fn another_path(path: &str, name: &str, normal: &str) -> Error {
    let rule = format!(
        "Names may be treated as files in certain cases, and must not resolve to other names when \
         treated as such. This name would resolve to '{}'",
        excerpt(normal)
    );
    invalid_value(path, name, Some(&rule))
}

/// Checks a length in characters. `name` is what the message calls the value.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn length(value: &str, limit: usize, name: &str) -> Result<(), Error> {
    // Bytes bound characters from above, so most values need no counting.
    if value.len() <= limit || value.chars().nth(limit).is_none() {
        return Ok(());
    }
    Err(Error::invalid(format!("'{name}' exceeds the maximum length of {limit} characters")))
}

/// Makes a value fit a length in characters: cuts it, or refuses it where the rules say so.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`; `name` is what the message calls the value.
pub fn fit(rules: Rules, value: &mut String, limit: usize, name: &str) -> Result<(), Error> {
    if !rules.cut_long_values {
        return length(value, limit, name);
    }
    if value.len() > limit
        && let Some((end, _)) = value.char_indices().nth(limit)
    {
        value.truncate(end);
    }
    Ok(())
}

/// Refuses the character U+0000, which PostgreSQL cannot store (MLflow on SQLite takes it).
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn storable(value: &str, path: &str) -> Result<(), Error> {
    if value.as_bytes().contains(&0) {
        return Err(Error::invalid(format!(
            "Invalid value for parameter '{path}' supplied: it contains the character U+0000, \
             which cannot be stored. Remove it."
        )));
    }
    Ok(())
}

/// [`storable`] and [`length`] in one.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn text(value: &str, limit: usize, path: &str) -> Result<(), Error> {
    storable(value, path)?;
    length(value, limit, path)
}

/// Checks the name of an experiment.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is empty or too long.
pub fn experiment_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::invalid("Invalid experiment name: ''"));
    }
    text(name, limits::MAX_EXPERIMENT_NAME_CHARS, "name")
}

/// Checks the key and value of an experiment tag; values are not cut.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn experiment_tag(tag_key: &str, value: &str) -> Result<(), Error> {
    key(tag_key, "key")?;
    length(tag_key, limits::MAX_EXPERIMENT_TAG_KEY_CHARS, "key")?;
    text(value, limits::MAX_EXPERIMENT_TAG_VALUE_CHARS, "value")
}

/// Whether an experiment tag holds a custom view of the UI, of which an experiment may have
/// [`limits::MAX_CUSTOM_VIEWS_PER_EXPERIMENT`].
pub fn is_custom_view(tag_key: &str) -> bool {
    tag_key.starts_with("mlflow.customView.view")
}

/// The error for one custom view too many.
pub fn too_many_custom_views(experiment_id: Option<&str>) -> Error {
    let of = experiment_id.map(|id| format!(" for experiment {id}")).unwrap_or_default();
    Error::invalid(format!(
        "Unable to create another custom view{of}; the maximum number of custom views per \
         experiment is {}. Delete an existing custom view before creating a new one.",
        limits::MAX_CUSTOM_VIEWS_PER_EXPERIMENT
    ))
}

/// Checks the name of a logged model.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is empty, too long or has one of `/ : . % " '`.
pub fn logged_model_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains(['/', ':', '.', '%', '"', '\'']) {
        // As Python quotes a text.
        let quote = if name.contains('\'') && !name.contains('"') { '"' } else { '\'' };
        return Err(Error::invalid(format!(
            "Invalid model name ({quote}{}{quote}) provided. Model name must be a non-empty string \
             and cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")",
            excerpt(name)
        )));
    }
    text(name, limits::MAX_LOGGED_MODEL_NAME_CHARS, "name")
}

/// Checks the number of results asked for.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is not between 1 and `limit`.
pub fn max_results(value: i64, limit: i64) -> Result<(), Error> {
    let rule = if value < 1 {
        "a positive integer".to_owned()
    } else if value > limit {
        format!("at most {limit}")
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "Invalid value {value} for parameter 'max_results' supplied. It must be {rule}"
    )))
}

/// MLflow's message for a value that breaks a rule.
pub(crate) fn invalid_value(path: &str, value: &str, rule: Option<&str>) -> Error {
    let value = python_json(&value.into());
    Error::invalid(match rule {
        Some(rule) => format!("Invalid value {value} for parameter '{path}' supplied: {rule}"),
        None => format!("Invalid value {value} for parameter '{path}' supplied."),
    })
}

/// At most the first 200 characters of a client's text, for messages.
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(200) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// POSIX path normalisation: what Python's `posixpath.normpath` gives.
fn normal_path(path: &str) -> String {
    let leading = match path.bytes().take_while(|b| *b == b'/').count() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if leading.is_empty() => parts.push(".."),
            ".." => {}
            part => parts.push(part),
        }
    }
    let normal = format!("{leading}{}", parts.join("/"));
    if normal.is_empty() { ".".to_owned() } else { normal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths_in_their_normal_form() {
        for good in ["loss", "a/b c:d-e.f_g", "ключ", "a..b", ".a", "a."] {
            assert!(key(good, "key").is_ok(), "{good}");
        }
        for bad in [
            "", ".", "..", "..a", "../a", "a/../b", "/a", "a/", "a//b", "./a", "a#b", "a\nb", "a\0",
        ] {
            assert!(key(bad, "key").is_err(), "{bad}");
        }
    }

    #[test]
    fn key_messages_are_mlflows() {
        assert_eq!(
            key("a/../b", "metrics[0].name").unwrap_err().message,
            "Invalid value \"a/../b\" for parameter 'metrics[0].name' supplied: Names may be \
             treated as files in certain cases, and must not resolve to other names when treated \
             as such. This name would resolve to 'b'"
        );
    }

    #[test]
    fn lengths_count_characters() {
        assert!(length(&"é".repeat(250), 250, "key").is_ok());
        assert!(length(&"é".repeat(251), 250, "key").is_err());
        let mut value = "é".repeat(10);
        let keep = Rules { cut_long_values: false };
        let error = fit(keep, &mut value, 3, "Param value").unwrap_err();
        assert_eq!(error.message, "'Param value' exceeds the maximum length of 3 characters");
        assert!(fit(keep, &mut value, 10, "Param value").is_ok());
        assert!(fit(Rules::default(), &mut value, 3, "Param value").is_ok());
        assert_eq!(value, "ééé");
    }

    #[test]
    fn ids_have_their_form() {
        assert_eq!(experiment_id("42"), Ok(42));
        assert!(experiment_id("abc").is_err());
        assert!(experiment_id("99999999999999999999").is_err());
        assert!(run_id("0af-b_c").is_ok());
        for bad in ["", "-a", "a/b", "a.b", &"a".repeat(257)] {
            assert!(run_id(bad).is_err(), "{bad}");
        }
    }
}
