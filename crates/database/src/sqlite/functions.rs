//! SQL functions of ours on SQLite.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

/// Replaces `LIKE` by a case-sensitive match, as on PostgreSQL. SQLite's own takes exponential time for
/// patterns such as `%a%a%a%b`; this one takes at most pattern times text.
pub(super) fn register(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("like", 2, flags, |call| {
        let (ValueRef::Text(pattern), ValueRef::Text(text)) = (call.get_raw(0), call.get_raw(1))
        else {
            return Ok(None);
        };
        Ok(Some(like(pattern, text)))
    })
}

/// SQL's `LIKE` without an escape character: `%` is any text, `_` any one character.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when the current attempt fails: behind the last `%`, one character further.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == b'%' {
            p += 1;
            retry = Some((p, t));
        } else if p < pattern.len() && t < text.len() && pattern[p] == b'_' {
            p += 1;
            t += char_len(text[t]);
        } else if p < pattern.len() && t < text.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if p == pattern.len() && t >= text.len() {
            return true;
        } else if let Some((after, from)) = retry.filter(|&(_, from)| from < text.len()) {
            let next = from + char_len(text[from]);
            retry = Some((after, next));
            (p, t) = (after, next);
        } else {
            return false;
        }
    }
}

/// The length in bytes of the UTF-8 character that starts with this byte.
const fn char_len(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn matches_as_sql_says() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("a%", "abc", true),
            ("%c", "abc", true),
            ("%b%", "abc", true),
            ("a_c", "abc", true),
            ("a_c", "aéc", true),
            ("a__c", "aéc", false),
            ("A%", "abc", false),
            ("%é", "caf\u{e9}", true),
            ("a%b%c", "a-b-b-c", true),
            ("a%b%c", "a-b-b-d", false),
            ("%%", "x", true),
            ("_", "", false),
            ("100%", "100", true),
        ] {
            assert_eq!(
                like(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{text} LIKE {pattern}"
            );
        }
    }

    /// The definition, read word by word; exponential for hostile patterns.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|at| by_definition(rest, &text[at..])),
            Some(('_', rest)) => !text.is_empty() && by_definition(rest, &text[1..]),
            Some((char, rest)) => text.first() == Some(char) && by_definition(rest, &text[1..]),
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config {
            cases: 2_000,
            failure_persistence: None,
            ..Default::default()
        })]
        #[test]
        fn matches_as_the_definition_does(pattern in "[ab%_é🦀]{0,8}", text in "[abé🦀]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            proptest::prop_assert_eq!(
                like(pattern.as_bytes(), text.as_bytes()),
                by_definition(&chars(&pattern), &chars(&text))
            );
        }
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let pattern = "%a".repeat(2_000) + "b";
        assert!(!like(pattern.as_bytes(), "a".repeat(20_000).as_bytes()));
    }
}
