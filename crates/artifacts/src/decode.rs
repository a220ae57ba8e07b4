//! Percent-decoding, once for the name and over and over for the check.

/// Rounds of decoding after which a text that still changes is refused. Nested encodings serve no
/// honest client; ten rounds are what MLflow allows.
pub(crate) const ROUNDS_MAX: usize = 10;

/// Decodes the percent escapes of a URL once.
///
/// Returns `None` if the result is not UTF-8. A `%` that starts no escape stays as it is.
pub(crate) fn once(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

/// Calls `look` with `text` and with everything it turns into under repeated decoding, until it
/// stops changing.
///
/// A check of a path must see all of these: a reader further down that decodes once more than we
/// did must not get to another place.
///
/// # Errors
/// What `look` returns, or `still_changing` after [`ROUNDS_MAX`] rounds.
pub(crate) fn each_stage<E>(
    text: &str,
    still_changing: impl FnOnce() -> E,
    mut look: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut stage = text.as_bytes().to_vec();
    for _ in 0..=ROUNDS_MAX {
        look(&stage)?;
        match round(&stage) {
            Some(next) => stage = next,
            None => return Ok(()),
        }
    }
    Err(still_changing())
}

/// One round: `%41` and Microsoft's `%u0041`. `None` if there was nothing to decode.
fn round(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%'
            && let Some((bytes, after)) = escape(tail)
        {
            decoded.extend_from_slice(&bytes);
            rest = after;
        } else {
            decoded.push(byte);
            rest = tail;
        }
    }
    (decoded != text).then_some(decoded)
}

/// What an escape means, given the text after its `%`, and the text after the escape.
fn escape(after_percent: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    if let Some((&[high, low], rest)) = after_percent.split_first_chunk::<2>()
        && let (Some(high), Some(low)) = (hex(high), hex(low))
    {
        return Some((vec![(high << 4 | low) as u8], rest));
    }
    let (digits, rest) = after_percent.strip_prefix(b"u")?.split_first_chunk::<4>()?;
    let code = digits.iter().try_fold(0, |code, digit| Some(code << 4 | hex(*digit)?))?;
    let character = char::from_u32(code)?;
    Some((character.to_string().into_bytes(), rest))
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(text: &str) -> Result<Vec<String>, &'static str> {
        let mut seen = Vec::new();
        each_stage(
            text,
            || "too deep",
            |stage| {
                seen.push(String::from_utf8_lossy(stage).into_owned());
                Ok(())
            },
        )?;
        Ok(seen)
    }

    #[test]
    fn every_stage_is_seen() {
        assert_eq!(stages("plain").expect("shallow"), ["plain"]);
        assert_eq!(stages("%252e").expect("shallow"), ["%252e", "%2e", "."]);
        assert_eq!(stages("%u002e%").expect("shallow"), ["%u002e%", ".%"]);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("%{}2e", "25".repeat(depth));
        assert!(stages(&nested(ROUNDS_MAX - 1)).is_ok());
        assert_eq!(stages(&nested(ROUNDS_MAX)), Err("too deep"));
    }

    #[test]
    fn a_name_is_decoded_once() {
        assert_eq!(once("a%20b+c%2525").as_deref(), Some("a b+c%25"));
        assert_eq!(once("100%"), Some("100%".to_owned()));
        assert_eq!(once("%c0%ae"), None, "overlong UTF-8");
    }
}
