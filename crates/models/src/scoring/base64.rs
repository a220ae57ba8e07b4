//! Base64 as leniently as Python's `base64.decodebytes` reads it.

/// Decodes; letters that are none of base64 are left out, and the first complete padding ends it.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut place = 0;
    let mut pads = 0;
    let mut left = 0;
    for letter in text {
        if *letter == b'=' {
            if place >= 2 {
                pads += 1;
                if place + pads >= 4 {
                    return Ok(out);
                }
            }
            continue;
        }
        let Some(bits) = bits_of(*letter) else { continue };
        pads = 0;
        match place {
            0 => left = bits,
            1 => {
                out.push(left << 2 | bits >> 4);
                left = bits & 0x0f;
            }
            2 => {
                out.push(left << 4 | bits >> 2);
                left = bits & 0x03;
            }
            _ => out.push(left << 6 | bits),
        }
        place = (place + 1) % 4;
    }
    match place {
        0 => Ok(out),
        1 => {
            let letters = out.len() / 3 * 4 + 1;
            Err(format!(
                "Invalid base64-encoded string: number of data characters ({letters}) cannot be 1 more than a multiple of 4"
            ))
        }
        _ => Err("Incorrect padding".into()),
    }
}

fn bits_of(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_base64_is_left_out() {
        assert_eq!(decode(b"aG k=\n").unwrap(), b"hi");
        assert_eq!(decode(b"aGk=aGk=").unwrap(), b"hi");
        assert_eq!(decode(b"aGk").unwrap_err(), "Incorrect padding");
        assert!(decode(b"not base64!").unwrap_err().contains("characters (9)"));
        assert_eq!(decode("é".as_bytes()).unwrap(), b"");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode(STANDARD.encode(&bytes).as_bytes()).unwrap(), bytes);
        }

        #[test]
        fn anything_is_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&bytes);
        }
    }
}
