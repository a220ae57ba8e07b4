//! Numbers between text and binary, by Python's rules.

/// Appends the digits of a finite float as Python's `repr` has them: the fewest that read back to
/// the same number, with an exponent below 1e-4 and from 1e16.
pub(crate) fn write_finite(value: f64, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let size = value.abs();
    // Inside this range the forms are the same.
    if (1e-3..1e15).contains(&size) || size == 0.0 {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let digits = digits.trim_matches('0');
    let whole_len = i32::try_from(whole.len()).unwrap_or(0) - i32::try_from(leading).unwrap_or(0);
    // The value is 0.DIGITS times ten to this power.
    lay_out(sign, digits, whole_len + exponent, out);
}

fn lay_out(sign: &str, digits: &str, point: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(sign.as_bytes());
    let count = i32::try_from(digits.len()).unwrap_or(0);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let text = if (-3..=0).contains(&point) {
        format!("0.{}{digits}", zeros(-point))
    } else if (1..=16).contains(&point) {
        if count <= point {
            format!("{digits}{}.0", zeros(point - count))
        } else {
            let at = usize::try_from(point).unwrap_or(0);
            format!("{}.{}", &digits[..at], &digits[at..])
        }
    } else {
        let exponent = point - 1;
        let (first, rest) = digits.split_at(digits.len().min(1));
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{first}{dot}{rest}e{sign}{:02}", exponent.abs())
    };
    out.extend_from_slice(text.as_bytes());
}

/// What Python's `float()` makes of a text.
pub(crate) fn float_of(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.contains('_') { without_underscores(text)?.parse().ok() } else { text.parse().ok() }
}

/// What Python's `int()` makes of a text: its digits, with a sign if it is negative.
pub(crate) fn integer_of(text: &str) -> Option<String> {
    let text = text.trim();
    let text = if text.contains('_') { without_underscores(text)? } else { text.to_owned() };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() { "0".into() } else { format!("{sign}{digits}") })
}

/// Underscores may stand between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let allowed = |at: usize| at > 0 && digit(at - 1) && digit(at + 1);
    let places = || bytes.iter().enumerate().filter(|(_, b)| **b == b'_');
    places().all(|(at, _)| allowed(at)).then(|| text.replace('_', ""))
}

/// A float as C casts it to 32 bits on x86: what does not fit becomes the least integer.
#[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
pub(crate) fn to_i32(value: f64) -> i32 {
    if value > -2_147_483_649.0 && value < 2_147_483_648.0 { value as i32 } else { i32::MIN }
}

/// A float as C casts it to 64 bits on x86: what does not fit becomes the least integer.
#[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
pub(crate) fn to_i64(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { value as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbers_as_in_python() {
        assert_eq!(float_of(" 1_000.5 "), Some(1000.5));
        assert_eq!(float_of("-Infinity"), Some(f64::NEG_INFINITY));
        assert!(float_of("nan").is_some_and(f64::is_nan));
        for text in ["", "1__0", "_1", "1_", "1e", "0x1", "True"] {
            assert_eq!(float_of(text), None, "{text}");
        }
        assert_eq!(integer_of(" +007 ").as_deref(), Some("7"));
        assert_eq!(integer_of("-1_0").as_deref(), Some("-10"));
        assert_eq!(integer_of("-0").as_deref(), Some("0"));
        assert_eq!(integer_of("1.0"), None);
        assert_eq!(integer_of("-"), None);
    }

    #[test]
    fn floats_are_cast_as_c_casts_them() {
        assert_eq!((to_i32(-2.9), to_i32(3e9), to_i32(f64::NAN)), (-2, i32::MIN, i32::MIN));
        assert_eq!((to_i64(2.9), to_i64(1e19), to_i64(-1e19)), (2, i64::MIN, i64::MIN));
        assert_eq!(to_i32(2_147_483_647.5), i32::MAX);
    }
}
