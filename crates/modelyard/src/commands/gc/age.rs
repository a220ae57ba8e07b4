//! Lengths of time, written as `mlflow gc --older-than` takes them: `30d`, `1.5h`, `1d2h3m4s`.

/// The units in the order in which they must come, with their milliseconds.
const UNITS: [(char, f64); 4] =
    [('d', 86_400_000.0), ('h', 3_600_000.0), ('m', 60_000.0), ('s', 1_000.0)];

/// The longest time, in milliseconds, that Python's `timedelta` takes.
const LONGEST_MS: f64 = 999_999_999.0 * 86_400_000.0;

/// Reads a length of time in milliseconds; `None` if it is not one.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total_ms = 0.0;
    for (unit, unit_ms) in UNITS {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Some(after) = rest[digits..].strip_prefix(unit) else { continue };
        let number: f64 = rest[..digits].parse().ok()?;
        total_ms += number * unit_ms;
        rest = after;
    }
    let understood = rest.is_empty() && !text.is_empty() && total_ms <= LONGEST_MS;
    #[expect(clippy::cast_possible_truncation, reason = "below the bound, and MLflow cuts, too")]
    understood.then_some(total_ms as i64)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_mlflow_reads_is_read() {
        for (text, ms) in [
            ("30d", 2_592_000_000),
            ("1d2h3m4s", 93_784_000),
            ("1.2d3h4m5s", 114_725_000),
            ("0s", 0),
            ("0.0015s", 1),
            (".5m", 30_000),
            ("8h", 28_800_000),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn the_rest_is_not() {
        for text in
            ["", "7", "d", "1w", "4s3m", "-1d", "1 d", "1.2.3d", "1d2", "9999999999d", "1d1d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
