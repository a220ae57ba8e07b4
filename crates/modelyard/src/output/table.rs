//! Tables of plain text that fit the terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Terminal;
use super::text::{fit, visible, width};

/// Between two columns.
const GAP: usize = 2;

/// Where the text stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    title: String,
    align: Align,
    /// How narrow it may become, in terminal columns; `None`: never cut.
    least: Option<usize>,
    /// Whether a narrow terminal does without it.
    droppable: bool,
}

impl Column {
    /// A column of texts that are no use when cut, such as ids.
    pub(crate) fn whole(title: &str) -> Self {
        Self {
            title: visible(title).into_owned(),
            align: Align::Left,
            least: None,
            droppable: false,
        }
    }

    /// A column of texts that may be cut.
    pub(crate) fn text(title: &str) -> Self {
        const LEAST: usize = 10;
        Self { least: Some(LEAST), ..Self::whole(title) }
    }

    /// A column of numbers: right-aligned, never cut.
    pub(crate) fn number(title: &str) -> Self {
        Self { align: Align::Right, ..Self::whole(title) }
    }

    /// The column, left out where the terminal is too narrow for all.
    pub(crate) fn droppable(self) -> Self {
        Self { droppable: true, ..self }
    }
}

/// One field of a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A field in the terminal's own colour.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: visible(text.as_ref()).into_owned(), style: Style::new() }
    }

    /// The status of a run, in its colour.
    pub(crate) fn status(status: &str) -> Self {
        let colour = match status {
            "FINISHED" => AnsiColor::Green,
            "FAILED" => AnsiColor::Red,
            "KILLED" => AnsiColor::Yellow,
            "RUNNING" => AnsiColor::Cyan,
            _ => return Self::new(status),
        };
        Self { style: colour.on_default(), ..Self::new(status) }
    }
}

/// Rows under titles.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row with one field for each column.
    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// Writes titles, a rule and the rows; as MLflow's tables, so that `tail -n +3` is the data.
    pub(crate) fn write(&self, out: &mut dyn Write, terminal: Terminal) -> io::Result<()> {
        let widths = self.widths(terminal.width);
        let paint = |style: Style| if terminal.colours { style } else { Style::new() };
        let bold = paint(Style::new().bold());
        let titles = self.columns.iter().map(|column| (column.title.as_str(), bold));
        self.write_line(out, &widths, titles)?;
        let rules: Vec<String> =
            widths.iter().map(|width| "-".repeat(width.unwrap_or(0))).collect();
        let rule = rules.iter().map(|rule| (rule.as_str(), Style::new()));
        self.write_line(out, &widths, rule)?;
        for row in &self.rows {
            let cells = row.iter().map(|cell| (cell.text.as_str(), paint(cell.style)));
            self.write_line(out, &widths, cells)?;
        }
        Ok(())
    }

    fn write_line<'a>(
        &self,
        out: &mut dyn Write,
        widths: &[Option<usize>],
        fields: impl Iterator<Item = (&'a str, Style)>,
    ) -> io::Result<()> {
        let mut line = String::new();
        for ((text, style), (column, space)) in fields.zip(self.columns.iter().zip(widths)) {
            let Some(space) = *space else { continue };
            let gap = if line.is_empty() { "" } else { &" ".repeat(GAP) };
            let text = fit(text, space);
            let space = " ".repeat(space - width(&text));
            let (before, after) = match column.align {
                Align::Left => ("", space.as_str()),
                Align::Right => (space.as_str(), ""),
            };
            line.push_str(&format!("{gap}{before}{style}{text}{style:#}{after}"));
        }
        writeln!(out, "{}", line.trim_end())
    }

    /// The width of each column; `None` for those left out. If the terminal is too narrow, those
    /// that can be spared go first, then the widest that may shrink do so, one by one, until the
    /// line fits or nothing more can be done.
    fn widths(&self, terminal: Option<usize>) -> Vec<Option<usize>> {
        let natural = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|row| width(&row[index].text));
            Some(cells.max().unwrap_or(0).max(width(&column.title)))
        };
        let mut widths: Vec<Option<usize>> = self.columns.iter().enumerate().map(natural).collect();
        let Some(available) = terminal else { return widths };
        let least = |index: usize, width: usize| {
            self.columns[index].least.map_or(width, |least| least.min(width))
        };
        for index in (0..widths.len()).rev() {
            let narrowest = widths.iter().enumerate().map(|(i, w)| w.map(|w| least(i, w)));
            if line_width(narrowest) > available && self.columns[index].droppable {
                widths[index] = None;
            }
        }
        while line_width(widths.iter().copied()) > available {
            let shrinkable = widths.iter_mut().enumerate().filter_map(|(index, width)| {
                width.as_mut().filter(|width| **width > least(index, **width))
            });
            let Some(widest) = shrinkable.max() else { break };
            *widest -= 1;
        }
        widths
    }
}

/// The width of a line with these columns.
fn line_width(widths: impl Iterator<Item = Option<usize>>) -> usize {
    let (count, sum) =
        widths.flatten().fold((0, 0), |(count, sum), width| (count + 1, sum + width));
    sum + GAP * usize::saturating_sub(count, 1)
}

/// A table below an empty line; nothing if there is nothing in it.
pub(crate) fn section<const N: usize>(
    out: &mut dyn Write,
    terminal: Terminal,
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let mut table = Table::new(columns.into());
    for row in rows {
        table.push(row.into_iter().map(Cell::new).collect());
    }
    writeln!(out)?;
    table.write(out, terminal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(vec![
            Column::whole("ID"),
            Column::text("Name"),
            Column::number("acc"),
            Column::whole("Status").droppable(),
        ]);
        for (id, name, accuracy, status) in [
            ("1", "a name that is much too long for it", "0.5", "FINISHED"),
            ("22", "実験\u{1b}[2J", "12.25", "FAILED"),
        ] {
            let row = vec![id, name, accuracy].into_iter().map(Cell::new);
            table.push(row.chain([Cell::status(status)]).collect());
        }
        table
    }

    fn written(width: Option<usize>, colours: bool) -> String {
        let mut out = Vec::new();
        sample().write(&mut out, Terminal { width, colours }).expect("a Vec takes all");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn nothing_is_cut_without_a_terminal() {
        insta::assert_snapshot!(written(None, false), @r"
        ID  Name                                   acc  Status
        --  -----------------------------------  -----  --------
        1   a name that is much too long for it    0.5  FINISHED
        22  実験\u{1b}[2J                        12.25  FAILED
        ");
    }

    #[test]
    fn texts_shrink_to_the_terminal_but_ids_and_numbers_do_not() {
        let narrow = written(Some(40), false);
        assert!(narrow.lines().all(|line| width(line) <= 40), "{narrow}");
        assert!(narrow.contains("a name that is muc…") && narrow.contains("12.25"), "{narrow}");
        assert!(narrow.contains("FINISHED"), "{narrow}");
    }

    #[test]
    fn what_can_be_spared_goes_before_the_line_is_broken() {
        let narrow = written(Some(24), false);
        assert!(narrow.lines().all(|line| width(line) <= 24), "{narrow}");
        assert!(narrow.contains("12.25") && !narrow.contains("FINISHED"), "{narrow}");
        let tiny = written(Some(5), false);
        assert!(tiny.contains("22") && tiny.contains("12.25") && tiny.contains("a name th…"));
    }

    #[test]
    fn colours_change_no_width() {
        let plain = written(Some(60), false);
        let coloured = written(Some(60), true);
        assert!(coloured.contains("\u{1b}[32mFINISHED\u{1b}[0m"), "{coloured:?}");
        let stripped: String = anstream_free(&coloured);
        assert_eq!(stripped, plain);
    }

    /// Takes the escape sequences out.
    fn anstream_free(text: &str) -> String {
        let mut parts = text.split('\u{1b}');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |plain, part| plain + part.split_once('m').map_or("", |(_, rest)| rest))
    }
}
