//! Times without a zone, in nanoseconds since 1970, between text and number.

use crate::frame::NOT_A_TIME;

const NS_PER_S: i64 = 1_000_000_000;
const S_PER_DAY: i64 = 86_400;
/// The years that fit into 64 bits of nanoseconds, whole ones only.
const YEARS: std::ops::RangeInclusive<i64> = 1678..=2261;

/// Days since 1970 of a day of the Gregorian calendar.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day at their end.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn day_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The text of pandas' `Timestamp.isoformat`.
pub(crate) fn iso(ns: i64) -> String {
    if ns == NOT_A_TIME {
        return "NaT".into();
    }
    let (seconds, ns) = (ns.div_euclid(NS_PER_S), ns.rem_euclid(NS_PER_S));
    let (year, month, day) = day_of(seconds.div_euclid(S_PER_DAY));
    let of_day = seconds.rem_euclid(S_PER_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if ns % 1000 != 0 {
        text.push_str(&format!(".{ns:09}"));
    } else if ns != 0 {
        text.push_str(&format!(".{:06}", ns / 1000));
    }
    text
}

/// The parts that a text has, and with which separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// How many letters the date has: a year, a month or a day.
    date: usize,
    separator: Option<u8>,
    seconds: bool,
    fraction: bool,
}

/// Reads `2026`, `2026-11`, `2026-11-24`, `2026-11-24T10:11`, `…:12` and `…:12.123456789`, with `T`
/// or a space.
/// Other forms, other years and what is no day are `None`.
pub(crate) fn parse(text: &str) -> Option<(i64, Form)> {
    let bytes = text.as_bytes();
    let number = |from: usize, len: usize| -> Option<i64> {
        let digits = bytes.get(from..from + len)?;
        digits.iter().try_fold(0, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let mark = |at: usize, mark: u8| (bytes.get(at) == Some(&mark)).then_some(());
    let date = bytes.len().min(10);
    let year = number(0, 4)?;
    let (month, day) = match date {
        4 => (1, 1),
        7 => (mark(4, b'-').and_then(|()| number(5, 2))?, 1),
        _ => (number(5, 2)?, mark(4, b'-').and(mark(7, b'-')).and_then(|()| number(8, 2))?),
    };
    let days = days_of(year, month, day);
    if !YEARS.contains(&year) || day_of(days) != (year, month, day) {
        return None;
    }
    let mut form = Form { date, separator: None, seconds: false, fraction: false };
    let mut seconds = days * S_PER_DAY;
    let mut ns = 0;
    if bytes.len() > 10 {
        form.separator = Some(bytes[10]).filter(|b| matches!(b, b'T' | b' '));
        form.separator?;
        let (hour, minute) = (number(11, 2)?, number(14, 2)?);
        mark(13, b':')?;
        let mut second = 0;
        if bytes.len() > 16 {
            form.seconds = true;
            mark(16, b':')?;
            second = number(17, 2)?;
        }
        if bytes.len() > 19 {
            form.fraction = true;
            mark(19, b'.')?;
            let digits = bytes.len() - 20;
            if !(1..=9).contains(&digits) {
                return None;
            }
            ns = (digits..9).try_fold(number(20, digits)?, |ns: i64, _| ns.checked_mul(10))?;
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        seconds += hour * 3600 + minute * 60 + second;
    }
    Some((seconds * NS_PER_S + ns, form))
}

/// Reads the same forms with a zone behind the time, which NumPy takes off: `Z` or `+02:00`.
pub(crate) fn parse_zoned(text: &str) -> Option<i64> {
    if let Some((ns, _)) = parse(text) {
        return Some(ns);
    }
    let (text, minutes) = match text.strip_suffix('Z') {
        Some(text) => (text, 0),
        None => {
            let (text, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
            let number = |from: usize, to: usize| zone.get(from..to)?.parse::<u8>().ok();
            let minutes = i64::from(number(1, 3)?) * 60 + i64::from(number(4, 6)?);
            match (zone.as_bytes()[0], zone.as_bytes()[3]) {
                (b'+', b':') => (text, minutes),
                (b'-', b':') => (text, -minutes),
                _ => return None,
            }
        }
    };
    let (ns, form) = parse(text)?;
    form.separator?;
    ns.checked_sub(minutes * 60 * NS_PER_S)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for (text, ns, written) in [
            ("1970-01-01", 0, "1970-01-01T00:00:00"),
            ("2000-02-29 00:00", 951_782_400 * NS_PER_S, "2000-02-29T00:00:00"),
            ("1969-12-31T23:59:59.5", -NS_PER_S / 2, "1969-12-31T23:59:59.500000"),
            (
                "2023-11-14T22:13:20.000000001",
                1_700_000_000 * NS_PER_S + 1,
                "2023-11-14T22:13:20.000000001",
            ),
        ] {
            assert_eq!(parse(text).unwrap().0, ns, "{text}");
            assert_eq!(iso(ns), written);
        }
        assert_eq!(parse("1970").map(|(ns, _)| ns), Some(0));
        assert_eq!(parse("1970-02").map(|(ns, _)| ns), Some(31 * S_PER_DAY * NS_PER_S));
        assert_eq!(parse_zoned("1970-01-01T00:00Z"), Some(0));
        assert_eq!(parse_zoned("1970-01-01T02:00:00.5+02:00"), Some(NS_PER_S / 2));
        assert_eq!(parse_zoned("1970-01-01T00:00-00:01"), Some(60 * NS_PER_S));
        for text in
            ["1970-01-01Z", "1970Z", "Z", "1970-01-01T00:00+0200", "é", "1970-01-01T00:00+é"]
        {
            assert_eq!(parse_zoned(text), None, "{text}");
        }
        for text in [
            "",
            "202",
            "2026-1",
            "2026-13-01",
            "2026-02-30",
            "2026-11-24T",
            "2026-11-24T24:00",
            "1600-01-01",
            "2026-11-24T10:11:12Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(ns in -9_200_000_000_000_000_000_i64..9_180_000_000_000_000_000) {
            prop_assert_eq!(parse(&iso(ns)).unwrap().0, ns);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,30}") {
            let _ = parse(&text);
        }
    }
}
