//! Points in time on the command line: `7d` (ago), `2026-11-24`, `2026-11-24T18:00:00Z`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::commands::gc::age;
use crate::exit::Usage;

/// Reads a point in time as milliseconds since the Unix epoch. A date, and a time without a zone, is
/// one of `zone`.
///
/// # Errors
/// [`Usage`] for anything else.
pub(super) fn parse(text: &str, now_ms: i64, zone: &TimeZone) -> Result<i64, Usage> {
    if let Some(age_ms) = age::parse(text) {
        return Ok(now_ms.saturating_sub(age_ms));
    }
    let moment = text.parse::<Timestamp>().ok();
    let local = || text.parse::<DateTime>().ok()?.to_zoned_datetime(zone.clone()).ok();
    match moment.or_else(|| local().map(|local| local.timestamp())) {
        Some(moment) => Ok(moment.as_millisecond()),
        None => Err(Usage(format!(
            "--since must be a length of time before now (7d, 12h), a date (2026-11-24) or a time \
             (2026-11-24T18:00:00, with or without its zone), not '{text}'"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_456_105_169;

    #[test]
    fn ages_dates_and_times_are_read() {
        let parse = |text| parse(text, NOW_MS, &TimeZone::UTC).expect("a time");
        assert_eq!(parse("1d"), NOW_MS - 86_400_000);
        assert_eq!(parse("1970-01-02"), 86_400_000);
        assert_eq!(parse("1970-01-02T00:00:01Z"), 86_401_000);
        assert_eq!(parse("1970-01-02T00:00:01"), 86_401_000);
        assert_eq!(parse("1970-01-02T01:00:00+01:00"), 86_400_000);
    }

    #[test]
    fn the_rest_is_refused() {
        for text in ["", "yesterday", "2026-13-01", "-1d", "24.11.2026"] {
            assert!(parse(text, NOW_MS, &TimeZone::UTC).is_err(), "{text}");
        }
    }
}
