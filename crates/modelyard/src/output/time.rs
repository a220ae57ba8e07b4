//! Times and sizes as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Writes times in one time zone.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    zone: TimeZone,
    now_ms: i64,
}

impl Clock {
    /// The machine's time zone, or the one that `TZ` names.
    pub(crate) fn local(now_ms: i64) -> Self {
        Self { zone: TimeZone::system(), now_ms }
    }

    /// Date, time and zone: `2026-08-21 17:04:03 UTC`. MLflow's own form.
    pub(crate) fn time(&self, epoch_ms: i64) -> String {
        match Timestamp::from_millisecond(epoch_ms) {
            Ok(time) => time
                .to_zoned_datetime(self.zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S %Z")
                .to_string(),
            // Before the year -9999 or after 9999.
            Err(_) => format!("{epoch_ms} ms"),
        }
    }

    /// The same with the distance from now: `2026-08-21 17:04:03 UTC (3 hours ago)`.
    pub(crate) fn time_and_age(&self, epoch_ms: i64) -> String {
        format!("{} ({})", self.time(epoch_ms), self.age(epoch_ms))
    }

    /// The distance from now in its largest unit.
    fn age(&self, epoch_ms: i64) -> String {
        let age_ms = self.now_ms.saturating_sub(epoch_ms);
        let units = [(DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute")];
        if age_ms < -MINUTE_MS {
            return "in the future".to_owned();
        }
        let unit = units.into_iter().find(|(length_ms, _)| age_ms >= *length_ms);
        let Some((length_ms, name)) = unit else { return "just now".to_owned() };
        let count = age_ms / length_ms;
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {name}{plural} ago")
    }
}

/// A time for programs: `2026-08-21 17:04:03.120+00:00`, the form of pandas.
pub(crate) fn for_csv(epoch_ms: i64) -> String {
    match Timestamp::from_millisecond(epoch_ms) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S.%3f+00:00").to_string(),
        Err(_) => epoch_ms.to_string(),
    }
}

/// A length of time in its two largest units: `1h 02m`, `3m 20s`, `4.2s`, `350ms`.
pub(crate) fn duration(length_ms: i64) -> String {
    match length_ms {
        ..0 => "-".to_owned(),
        0..SECOND_MS => format!("{length_ms}ms"),
        SECOND_MS..MINUTE_MS => format!("{}.{}s", length_ms / 1000, length_ms % 1000 / 100),
        MINUTE_MS..HOUR_MS => {
            format!("{}m {:02}s", length_ms / MINUTE_MS, length_ms % MINUTE_MS / SECOND_MS)
        }
        HOUR_MS..DAY_MS => {
            format!("{}h {:02}m", length_ms / HOUR_MS, length_ms % HOUR_MS / MINUTE_MS)
        }
        _ => format!("{}d {:02}h", length_ms / DAY_MS, length_ms % DAY_MS / HOUR_MS),
    }
}

/// A size in binary units: `512 B`, `1.5 KiB`.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_MS: i64 = 1_790_000_000_000;

    fn utc() -> Clock {
        Clock { zone: TimeZone::UTC, now_ms: NOON_MS }
    }

    #[test]
    fn times_name_their_zone() {
        assert_eq!(utc().time(1_795_456_105_169), "2026-11-23 17:48:25 UTC");
        let seoul = TimeZone::fixed(jiff::tz::offset(9));
        let clock = Clock { zone: seoul, now_ms: 0 };
        assert_eq!(clock.time(1_795_456_105_169), "2026-11-24 02:48:25 +09");
        assert_eq!(utc().time(i64::MAX), "9223372036854775807 ms");
    }

    #[test]
    fn ages_are_in_one_unit() {
        let age = |age_ms| utc().age(NOON_MS - age_ms);
        assert_eq!(age(59_999), "just now");
        assert_eq!(age(60_000), "1 minute ago");
        assert_eq!(age(3 * HOUR_MS + 59 * MINUTE_MS), "3 hours ago");
        assert_eq!(age(49 * HOUR_MS), "2 days ago");
        assert_eq!(age(-61_000), "in the future");
    }

    #[test]
    fn durations_show_two_units() {
        let shown: Vec<String> =
            [0, 999, 4_250, 60_000, 3_599_999, HOUR_MS + 2 * MINUTE_MS, 50 * HOUR_MS, -1]
                .map(duration)
                .into();
        assert_eq!(shown, ["0ms", "999ms", "4.2s", "1m 00s", "59m 59s", "1h 02m", "2d 02h", "-"]);
    }

    #[test]
    fn csv_times_keep_their_milliseconds() {
        assert_eq!(for_csv(1_795_456_105_169), "2026-11-23 17:48:25.169+00:00");
        assert_eq!(for_csv(0), "1970-01-01 00:00:00.000+00:00");
    }
}
