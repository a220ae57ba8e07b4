//! What a process prints: the last lines of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Where a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How much of the output is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Most lines.
    pub lines: usize,
    /// Most bytes of all lines together.
    pub bytes: usize,
    /// Most bytes of one line; the rest of a longer one is dropped.
    pub line_bytes: usize,
}

impl Default for Keep {
    /// Enough for a stack trace or two.
    fn default() -> Self {
        Self { lines: 200, bytes: 64 << 10, line_bytes: 4 << 10 }
    }
}

/// The last lines, oldest first.
#[derive(Debug)]
pub(crate) struct Tail {
    keep: Keep,
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    pub(crate) fn new(keep: Keep) -> Self {
        Self { keep, lines: VecDeque::new(), bytes: 0 }
    }

    pub(crate) fn push(&mut self, line: &str) {
        self.bytes += line.len();
        self.lines.push_back(line.to_owned());
        while self.lines.len() > self.keep.lines || self.bytes > self.keep.bytes {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

/// The last lines that a process has printed, also when it has ended.
#[derive(Debug, Clone)]
pub struct Output(Arc<Mutex<Tail>>);

impl Output {
    pub(crate) fn new(keep: Keep) -> Self {
        Self(Arc::new(Mutex::new(Tail::new(keep))))
    }

    pub(crate) fn push(&self, line: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// The lines, oldest first.
    pub fn last_lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines()
    }
}

/// Makes lines of bytes as they come.
#[derive(Debug)]
pub(crate) struct Lines {
    line_bytes: usize,
    line: Vec<u8>,
    is_cut: bool,
    /// A carriage return was the last byte: what follows it overwrites the line, unless it ends.
    returned: bool,
}

impl Lines {
    pub(crate) fn new(line_bytes: usize) -> Self {
        Self { line_bytes, line: Vec::new(), is_cut: false, returned: false }
    }

    /// Takes the next bytes and hands on each line that ends in them.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut on_line: impl FnMut(&str)) {
        for byte in bytes {
            match byte {
                b'\n' => self.end(&mut on_line),
                b'\r' => self.returned = true,
                byte => {
                    if self.returned {
                        self.clear();
                    }
                    if self.line.len() < self.line_bytes {
                        self.line.push(*byte);
                    } else {
                        self.is_cut = true;
                    }
                }
            }
        }
    }

    /// Hands on a last line without end.
    pub(crate) fn finish(&mut self, mut on_line: impl FnMut(&str)) {
        if !self.line.is_empty() {
            self.end(&mut on_line);
        }
    }

    fn end(&mut self, on_line: &mut impl FnMut(&str)) {
        let mut text = String::from_utf8_lossy(&self.line).into_owned();
        if self.is_cut {
            text.push('…');
        }
        on_line(&text);
        self.clear();
    }

    fn clear(&mut self) {
        self.line.clear();
        self.is_cut = false;
        self.returned = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(line_bytes: usize, chunks: &[&[u8]]) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = Lines::new(line_bytes);
        for chunk in chunks {
            lines.feed(chunk, |line| found.push(line.to_owned()));
        }
        lines.finish(|line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        assert_eq!(lines(99, &[b"on", b"e\ntwo\n\nth", b"ree"]), ["one", "two", "", "three"]);
        assert_eq!(lines(99, &[b"windows\r", b"\nend\r\n"]), ["windows", "end"]);
        assert_eq!(lines(99, &[b"caf\xc3", b"\xa9\n\xff\n"]), ["café", "\u{fffd}"]);
    }

    #[test]
    fn a_progress_bar_is_one_line() {
        assert_eq!(lines(99, &[b"10%\r20%\r", b"30%\ndone\n"]), ["30%", "done"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        assert_eq!(lines(4, &[&[b'x'; 100], b"\nshort\n"]), ["xxxx…", "shor…"]);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut tail = Tail::new(Keep { lines: 2, bytes: 10, line_bytes: 99 });
        for line in ["one", "two", "three"] {
            tail.push(line);
        }
        assert_eq!(tail.lines(), ["two", "three"]);
        tail.push("long enough");
        assert_eq!(tail.lines(), [""; 0]);
        tail.push("a");
        assert_eq!(tail.lines(), ["a"]);
    }
}
