//! Comma-separated values, RFC 4180 with `\n` at line ends, as pandas writes them.

use std::io::{self, Write};

/// Writes one line.
pub(crate) fn line<T: AsRef<str>>(
    out: &mut dyn Write,
    fields: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        let field = field.as_ref();
        if field.contains(['"', ',', '\n', '\r']) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        let mut out = Vec::new();
        line(&mut out, ["a b", "", "c,d", "e\"f", "g\nh", "実験"]).expect("a Vec takes all");
        assert_eq!(String::from_utf8_lossy(&out), "a b,,\"c,d\",\"e\"\"f\",\"g\nh\",実験\n");
    }
}
