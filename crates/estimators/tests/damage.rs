//! Real files, damaged at random: whatever comes out, no reader panics, hangs, or takes much more
//! memory than the file is large.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;

use std::io::{Cursor, Read, Write};
use std::path::Path;

use cases::{Case, Folder};
use modelyard_estimators::{Cells, Error, Method, Table};
use peak_alloc::PeakAlloc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Memory that any file may take, and how many times its own size more.
const ANY_BYTES: usize = 4 << 20;
const FACTOR: usize = 100;

/// Damages to each file, unless `MODELYARD_DAMAGES` says how many.
const ROUNDS: usize = 60;

/// A small random generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(7) {
            0 => bytes.truncate(at),
            1 => {
                for _ in 0..=self.below(8) {
                    let at = self.below(bytes.len());
                    bytes[at] ^= 1 << self.below(8);
                }
            }
            // Lengths that lie, in all widths and both byte orders.
            2 => {
                let width = [1, 2, 4, 8][self.below(4)];
                let lie = [[0xff; 8], [0, 0, 0, 0x7f, 0, 0, 0, 0], [0x7f; 8]][self.below(3)];
                let end = (at + width).min(bytes.len());
                bytes[at..end].copy_from_slice(&lie[..end - at]);
            }
            3 => {
                let end = (at + self.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let from = self.below(bytes.len());
                let end = (from + self.below(200)).min(bytes.len());
                let copy = bytes[from..end].to_vec();
                bytes.splice(at..at, copy);
            }
            5 => {
                let byte = self.below(256) as u8;
                bytes[at] = byte;
            }
            // Digits of texts.
            _ => {
                let digit = bytes[at..].iter().position(u8::is_ascii_digit);
                if let Some(digit) = digit {
                    bytes[at + digit] = b"-0123456789.e"[self.below(13)];
                }
            }
        }
    }
}

/// Damages one entry inside a skops file: the archive's checksums would hide most other damage.
fn damage_entry(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut entries = Vec::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).unwrap();
        entries.push((entry.name().unwrap().into_owned(), contents));
    }
    // Half of the time the schema.
    let schema = entries.iter().position(|(name, _)| name == "schema.json").unwrap();
    let at = if random.below(2) == 0 { schema } else { random.below(entries.len()) };
    random.damage(&mut entries[at].1);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, contents) in entries {
        writer.start_file(name, options).unwrap();
        writer.write_all(&contents).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Reads and, if that succeeds, predicts. What was read is `true`.
fn attempt(case: &Case, file: &str, bytes: &[u8], table: &Table) -> bool {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let model = cases::read(case, file, bytes);
    let taken = ALLOCATOR.peak_usage().saturating_sub(before);
    let allowed = ANY_BYTES + FACTOR * bytes.len();
    assert!(taken <= allowed, "{file}: {taken} bytes were taken for {}", bytes.len());
    match model {
        Ok(model) => {
            for method in [Method::Predict, Method::PredictProba, Method::DecisionFunction] {
                if let Ok(output) = model.predict(method, table) {
                    assert_eq!(output.shape[0], table.rows());
                }
            }
            true
        }
        Err(Error::Rows(message)) => panic!("{file}: a reader speaks of rows: {message}"),
        Err(_) => false,
    }
}

/// The first rows of a table.
fn short(table: &Table) -> Table {
    let columns = table.columns().iter().map(|cells| match cells {
        Cells::F64(cells) => Cells::F64(cells[..20].to_vec()),
        Cells::I64(cells) => Cells::I64(cells[..20].to_vec()),
        Cells::Text(cells) => Cells::Text(cells[..20].to_vec()),
        other => other.clone(),
    });
    Table::new(table.names().map(<[_]>::to_vec), columns.collect()).unwrap()
}

#[test]
fn damaged_files_do_no_harm() {
    let rounds =
        std::env::var("MODELYARD_DAMAGES").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut tried, mut read) = (0, 0);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cases");
    for folder in cases::folders(&sample) {
        let folder = Folder::read(&folder);
        for case in &folder.cases {
            let input = case.answers.first().map_or("clean", |answer| answer.input.as_str());
            let table = short(folder.table(input));
            for file in &case.files {
                let original = folder.bytes(file);
                for round in 0..rounds {
                    let mut bytes = if file.ends_with(".skops") && round % 4 != 0 {
                        damage_entry(&mut random, &original)
                    } else {
                        original.clone()
                    };
                    if !file.ends_with(".skops") || round % 4 == 0 {
                        random.damage(&mut bytes);
                    }
                    tried += 1;
                    read += usize::from(attempt(case, file, &bytes, &table));
                }
            }
        }
    }
    println!("{tried} damaged files, {read} could be read nevertheless");
    assert!(tried >= rounds * 40 && read > 0 && read < tried);
}
