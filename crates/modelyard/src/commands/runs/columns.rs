//! The columns of `runs list` beyond the fixed ones.

use std::str::FromStr;

use crate::client::{Number, Run};
use crate::output::{Cell, Column};

/// A column that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extra {
    Metric(String),
    Param(String),
    Tag(String),
    User,
    ExperimentId,
    LifecycleStage,
    ArtifactUri,
}

impl FromStr for Extra {
    type Err = String;

    /// Reads a column as the search language names it.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some((entity, key)) = text.split_once('.').filter(|(_, key)| !key.is_empty()) {
            let key = key.to_owned();
            match entity {
                "metrics" | "metric" => return Ok(Self::Metric(key)),
                "params" | "param" => return Ok(Self::Param(key)),
                "tags" | "tag" => return Ok(Self::Tag(key)),
                _ => {}
            }
        }
        match text {
            "user" | "user_id" => Ok(Self::User),
            "experiment_id" => Ok(Self::ExperimentId),
            "lifecycle_stage" => Ok(Self::LifecycleStage),
            "artifact_uri" => Ok(Self::ArtifactUri),
            _ => Err("expected metrics.KEY, params.KEY, tags.KEY, user, experiment_id, \
                      lifecycle_stage or artifact_uri"
                .to_owned()),
        }
    }
}

impl Extra {
    /// Its title and shape.
    pub(super) fn column(&self) -> Column {
        match self {
            Self::Metric(key) => Column::number(key),
            Self::Param(key) | Self::Tag(key) => Column::text(key),
            Self::User => Column::text("User"),
            Self::ExperimentId => Column::number("Experiment"),
            Self::LifecycleStage => Column::whole("Stage"),
            Self::ArtifactUri => Column::text("Artifact URI"),
        }
    }

    /// Its value for one run; empty where the run has none.
    pub(super) fn cell(&self, run: &Run) -> Cell {
        match self {
            Self::Metric(key) => {
                let found = run.data.metrics.iter().find(|metric| metric.key == *key);
                Cell::new(found.map(|metric| short(&metric.value)).unwrap_or_default())
            }
            Self::Param(key) => Cell::new(run.data.params().get(key.as_str()).unwrap_or(&"")),
            Self::Tag(key) => Cell::new(run.data.tags().get(key.as_str()).unwrap_or(&"")),
            Self::User => Cell::new(&run.info.user_id),
            Self::ExperimentId => Cell::new(&run.info.experiment_id),
            Self::LifecycleStage => Cell::new(&run.info.lifecycle_stage),
            Self::ArtifactUri => Cell::new(&run.info.artifact_uri),
        }
    }
}

/// A metric to six significant digits, for the eye; JSON and CSV have all of them.
pub(super) fn short(number: &Number) -> String {
    const DIGITS: i32 = 6;
    let Some(value) = number.value() else { return number.text().to_owned() };
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let exponent = value.abs().log10().floor() as i32;
    if !(-4..DIGITS + 2).contains(&exponent) {
        let text = format!("{value:.*e}", DIGITS as usize - 1);
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", without_zeros(digits));
    }
    let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// Takes the zeros off the end of a decimal fraction.
fn without_zeros(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_in_the_search_language() {
        assert_eq!("metrics.a.b".parse(), Ok(Extra::Metric("a.b".into())));
        assert_eq!(" param.lr".parse(), Ok(Extra::Param("lr".into())));
        assert_eq!("user".parse(), Ok(Extra::User));
        assert!("metrics.".parse::<Extra>().is_err());
        assert!("colour".parse::<Extra>().expect_err("unknown").contains("metrics.KEY"));
    }

    #[test]
    fn numbers_are_shown_to_six_digits() {
        let shown = |text: &str| {
            let number = serde_json::from_str(text).expect("a number");
            short(&number)
        };
        assert_eq!(shown("0.9123456789"), "0.912346");
        assert_eq!(shown("0.5"), "0.5");
        assert_eq!(shown("12345678"), "12345678");
        assert_eq!(shown("100.0"), "100");
        assert_eq!(shown("-1234.5678"), "-1234.57");
        assert_eq!(shown("1.7976931348623157e+308"), "1.79769e308");
        assert_eq!(shown("0.00001"), "1e-5");
        assert_eq!(shown("0.0"), "0");
        assert_eq!(shown("\"NaN\""), "NaN");
        assert_eq!(shown("\"-Infinity\""), "-inf");
    }
}
