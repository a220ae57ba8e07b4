//! Rules of the model registry.

use super::{another_path, excerpt, key, length, text};
use crate::error::Error;
use crate::limits;
use crate::names::PROMPT_TEXT_TAG;
use crate::states::ModelStage;

fn missing(path: &str) -> Error {
    Error::invalid(format!("Missing value for required parameter '{path}'."))
}

/// Checks the name of a registered model.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is blank, too long, has one of `/ :`, or would name another file when
/// taken as a path.
pub fn registered_model_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(missing("name"));
    }
    if name.contains(['/', ':']) {
        return Err(Error::invalid(format!(
            "Invalid model name '{}'. Names cannot contain '/' or ':'.",
            excerpt(name)
        )));
    }
    // Without a slash only dots can be taken for another path.
    if matches!(name, "." | "..") {
        return Err(another_path("name", name, name));
    }
    text(name, limits::MAX_REGISTERED_MODEL_NAME_CHARS, "name")
}

/// As [`registered_model_name`], for the new name of one that is renamed.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn new_registered_model_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(missing("new_name"));
    }
    registered_model_name(name)
}

/// Reads the number of a version as Python's `int` does.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is not an integer. One that is out of range is no version's.
pub fn model_version(version: &str) -> Result<i64, Error> {
    let trimmed = version.trim();
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let well_formed = digits
        .split('_')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !well_formed {
        return Err(Error::invalid(format!(
            "Parameter 'version' must be an integer, got '{}'.",
            excerpt(version)
        )));
    }
    Ok(trimmed.replace('_', "").parse().unwrap_or(-1))
}

/// Checks a tag of a registered model.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn registry_tag(tag_key: &str, value: &str) -> Result<(), Error> {
    key(tag_key, "key")?;
    length(tag_key, limits::MAX_REGISTRY_TAG_KEY_CHARS, "key")?;
    text(value, limits::MAX_REGISTRY_TAG_VALUE_CHARS, "value")
}

/// Checks a tag of a version.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn model_version_tag(tag_key: &str, value: &str) -> Result<(), Error> {
    let limit = limits::MAX_REGISTRY_TAG_VALUE_CHARS;
    if tag_key == PROMPT_TEXT_TAG && length(value, limit, "value").is_err() {
        return Err(Error::invalid(format!(
            "Prompt text exceeds max length of {limit} characters."
        )));
    }
    registry_tag(tag_key, value)
}

/// Checks the description of a registered model or a version.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn registry_description(description: &str) -> Result<(), Error> {
    text(description, limits::MAX_REGISTRY_DESCRIPTION_CHARS, "description")
}

/// Checks the form of an alias.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn alias(alias: &str) -> Result<(), Error> {
    if alias.is_empty() {
        return Err(Error::invalid("Registered model alias name cannot be empty."));
    }
    if !alias.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return Err(Error::invalid(format!(
            "Invalid alias name: '{}'. Names may only contain alphanumerics, underscores (_), and \
             dashes (-).",
            excerpt(alias)
        )));
    }
    length(alias, limits::MAX_ALIAS_CHARS, "Registered model alias name")
}

/// Checks an alias that is to be set: some names mean something already.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn new_alias(name: &str) -> Result<(), Error> {
    alias(name)?;
    if name.eq_ignore_ascii_case("latest") {
        return Err(Error::invalid("'latest' alias name (case insensitive) is reserved."));
    }
    let number = name.strip_prefix(['v', 'V']).filter(|number| !number.is_empty());
    if number.is_some_and(|number| number.chars().all(char::is_numeric)) {
        return Err(Error::invalid(format!("Version alias name '{name}' is reserved.")));
    }
    Ok(())
}

/// Reads a stage, in any case.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn stage(name: &str) -> Result<ModelStage, Error> {
    let found = ModelStage::ALL.iter().find(|stage| stage.name().eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        Error::invalid(format!(
            "Invalid Model Version stage: {}. Value must be one of None, Staging, Production, \
             Archived.",
            excerpt(name)
        ))
    })
}

/// Checks the number of results asked of the registry's searches.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is not between 1 and `limit`.
pub fn registry_max_results(value: i64, limit: i64) -> Result<(), Error> {
    if value < 1 {
        return Err(Error::invalid(format!(
            "Invalid value for max_results. It must be a positive integer, but got {value}"
        )));
    }
    if value > limit {
        return Err(Error::invalid(format!(
            "Invalid value for request parameter max_results. It must be at most {limit}, but got \
             value {value}"
        )));
    }
    Ok(())
}

/// Checks the name of a check of a version.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is blank or too long.
pub fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(missing("check"));
    }
    text(name, limits::MAX_CHECK_NAME_CHARS, "check")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_neither_paths_nor_uris() {
        for good in ["m", "a b.c", "модель", "m\\n", " m"] {
            assert!(registered_model_name(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "a/b", "a:b", ".", "..", "a\0", &"x".repeat(257)] {
            assert!(registered_model_name(bad).is_err(), "{bad}");
        }
        assert_eq!(
            new_registered_model_name(" ").unwrap_err().message,
            "Missing value for required parameter 'new_name'."
        );
    }

    #[test]
    fn versions_are_read_as_python_reads_integers() {
        for (text, number) in [("1", 1), (" 7 ", 7), ("007", 7), ("-1", -1), ("+1", 1), ("1_0", 10)]
        {
            assert_eq!(model_version(text), Ok(number), "{text}");
        }
        assert_eq!(model_version("99999999999999999999"), Ok(-1));
        for bad in ["", "abc", "1.0", "1 2", "_1", "1__0", "0x1"] {
            assert!(model_version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn some_aliases_are_taken() {
        for good in ["champion", "a-b_c", "vx", "v", "v1x", "latest1", "é"] {
            assert!(new_alias(good).is_ok(), "{good}");
        }
        for bad in ["", "latest", "LATEST", "v1", "V22", "a b", "a/b", "a.b", &"x".repeat(256)] {
            assert!(new_alias(bad).is_err(), "{bad}");
        }
        assert!(alias("latest").is_ok());
    }

    #[test]
    fn stages_are_known_in_any_case() {
        assert_eq!(stage("production"), Ok(ModelStage::Production));
        assert_eq!(stage("NONE"), Ok(ModelStage::None));
        assert!(stage("Deleted_Internal").is_err());
    }
}
