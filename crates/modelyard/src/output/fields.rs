//! One object: a line for each of its fields.

use std::io::{self, Write};

use anstyle::Style;

use super::Terminal;
use super::text::{visible, width};

/// Labels and values, in the order they are shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a line.
    pub(crate) fn push(&mut self, label: &str, value: &str) {
        self.0.push((visible(label).into_owned(), visible(value).into_owned()));
    }

    /// Writes `Label  : value` with the colons below each other, as MLflow does.
    pub(crate) fn write(&self, out: &mut dyn Write, terminal: Terminal) -> io::Result<()> {
        let widest = self.0.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
        let bold = if terminal.colours { Style::new().bold() } else { Style::new() };
        for (label, value) in &self.0 {
            let space = " ".repeat(widest - width(label));
            writeln!(out, "{bold}{label}{bold:#}{space}  : {value}")?;
        }
        Ok(())
    }
}
