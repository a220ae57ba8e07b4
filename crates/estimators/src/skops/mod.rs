//! skops files: a zip archive with a `schema.json` of nested records and one file per array.
//!
//! skops asks the user which classes to trust, because it makes them. Here nothing is made, so there
//! is nothing to trust: what the records say is checked by whoever uses them.

mod archive;
mod reader;

use crate::document::Document;
use crate::error::{Error, Result};
use crate::graph::Graph;

const FORMAT: &str = "skops";

/// The newest layout of skops' files that is known.
const PROTOCOL_MAX: i64 = 2;

/// Reads one skops file.
pub(crate) fn read(bytes: &[u8]) -> Result<Graph> {
    let mut archive = archive::Archive::open(bytes)?;
    let schema = Document::from_json(&archive.schema()?)?;
    let protocol = schema.get("protocol").and_then(Document::int);
    if !protocol.is_some_and(|protocol| (0..=PROTOCOL_MAX).contains(&protocol)) {
        return Err(Error::python("the skops file is of an unknown protocol"));
    }
    reader::Reader::new(archive).run(&schema)
}

#[cfg(test)]
mod tests;
