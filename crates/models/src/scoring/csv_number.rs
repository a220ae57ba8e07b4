//! Numbers in CSV. Since its version 3, pandas rounds them correctly.

/// The field without the spaces of C around it, and that without its sign.
fn trimmed(field: &str) -> (&str, &str) {
    let text = field.trim_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    (text, text.strip_prefix(['-', '+']).unwrap_or(text))
}

/// An integer with or without sign, of 64 bits with or without sign.
pub(crate) fn integer(field: &str) -> Option<i128> {
    let (text, digits) = trimmed(field);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i128 = text.parse().ok()?;
    let fits = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value);
    fits.then_some(value)
}

/// A float: digits with a point and an exponent, or an infinity. What is too large for a float is
/// none, and what pandas makes of it is not asked for.
pub(crate) fn double(field: &str) -> Option<f64> {
    let (text, unsigned) = trimmed(field);
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
    if !unsigned.bytes().all(number) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_pandas_reads() {
        let text = include_str!("../../tests/recordings/csv_floats.txt");
        for line in text.lines() {
            let (field, bits) = line.split_once(' ').unwrap();
            let expected = f64::from_bits(u64::from_str_radix(bits, 16).unwrap());
            assert_eq!(double(field).unwrap().to_bits(), expected.to_bits(), "{field}");
        }
        assert!(text.lines().count() > 200);
    }

    #[test]
    fn what_is_no_number_is_none() {
        for field in ["", " ", "x", "1_000", "0x10", "1e", "e5", ".", "1 2", "+-1", "1e999"] {
            assert_eq!(double(field), None, "{field}");
        }
        assert_eq!(integer(" +5 "), Some(5));
        assert_eq!(integer("18446744073709551615"), Some(u64::MAX.into()));
        for field in
            ["18446744073709551616", "1.0", "", "-", "99999999999999999999999999999999999999999"]
        {
            assert_eq!(integer(field), None, "{field}");
        }
    }
}
