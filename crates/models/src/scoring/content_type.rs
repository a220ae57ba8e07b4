//! Which content types the protocol has; compared as MLflow compares them.

use super::fault::Rejection;

/// What the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// JSON in one of its forms.
    Json,
    /// CSV with a header.
    Csv,
    /// A Parquet file.
    Parquet,
}

const CHANGED: &str = "IMPORTANT: The MLflow Model scoring protocol has changed in MLflow version 2.0. If you are seeing this error, you are likely using an outdated scoring request format. To resolve the error, either update your request format or adjust your MLflow Model's requirements file to specify an older version of MLflow (for example, change the 'mlflow' requirement specifier to 'mlflow==1.30.0'). If you are making a request using the MLflow client (e.g. via `mlflow.pyfunc.spark_udf()`), upgrade your MLflow client to a version >= 2.0 in order to use the new request format. For more information about the updated MLflow Model scoring protocol in MLflow 2.0, see https://mlflow.org/docs/latest/models.html#deploy-mlflow-models.";

/// MLflow's hint at the protocol's change, which ends some of its messages.
pub(crate) fn change_hint() -> &'static str {
    CHANGED
}

impl Media {
    /// Reads a header. MLflow fails on a missing one; here it is an unknown type.
    pub fn of_header(header: Option<&str>) -> Result<Self, Rejection> {
        let whole = header.unwrap_or_default();
        let mut parts = whole.split(';').map(str::trim);
        let mime = parts.next().unwrap_or_default();
        let mut charset = "utf-8".to_owned();
        let mut unknown = Vec::new();
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            if key == "charset" {
                charset = value.to_lowercase();
            } else {
                unknown.push(key);
            }
        }
        if charset != "utf-8" {
            return Err(Rejection::MediaType("The scoring server only supports UTF-8".into()));
        }
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return Err(Rejection::MediaType(format!(
                "Unrecognized content type parameters: {unknown}. {CHANGED}"
            )));
        }
        match mime {
            "application/json" => Ok(Self::Json),
            "text/csv" => Ok(Self::Csv),
            "application/vnd.apache.parquet" => Ok(Self::Parquet),
            _ => Err(Rejection::MediaType(format!(
                "This predictor only supports the following content types: Types: ['text/csv', 'application/json', 'application/vnd.apache.parquet']. Got '{whole}'."
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_types_and_one_parameter_are_known() {
        assert_eq!(Media::of_header(Some("application/json; charset=UTF-8")), Ok(Media::Json));
        assert_eq!(Media::of_header(Some("text/csv")), Ok(Media::Csv));
        for header in [
            None,
            Some(""),
            Some("Application/JSON"),
            Some("text/csv;"),
            Some("text/csv; charset=latin-1"),
        ] {
            assert_eq!(Media::of_header(header).unwrap_err().status(), 415, "{header:?}");
        }
    }
}
