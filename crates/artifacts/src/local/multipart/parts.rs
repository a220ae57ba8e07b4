//! Which parts of an upload are there, and where they lie.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::staged::Staged;
use super::{PART_MAX_BYTES, PORTION_BYTES, Upload};
use crate::error::{Error, Result};
use crate::repository::FinishedPart;

/// The parts of one upload.
pub(super) struct Parts {
    count: u32,
    /// The size of all parts but the last, in bytes, once one of them was begun.
    size_bytes: Option<u64>,
    finished: BTreeMap<u32, Part>,
    /// The parts that are being received.
    writing: HashMap<u32, Arc<Turn>>,
    /// The last part, if it came when nobody knew where it belongs.
    apart: Option<Staged>,
    /// They are being put together: none may change any more.
    closed: bool,
}

struct Part {
    size_bytes: u64,
    etag: String,
}

/// Where a part is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this offset of the common file.
    InFile(u64),
    /// In a file of its own.
    Apart,
}

/// Whether one reception of a part may still write. Locked while it writes.
type Turn = Mutex<bool>;

/// The right to write one part, until it is dropped or the part comes again.
pub(super) struct Writing {
    upload: Arc<Upload>,
    number: u32,
    turn: Arc<Turn>,
}

impl Writing {
    /// Holds off a later reception of the same part while this one writes.
    ///
    /// # Errors
    /// If there is a later one: a client that lost its connection may send a part again before
    /// the server notices, and then the second is the one that counts.
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, bool>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if *turn { Ok(turn) } else { Err(self.overtaken()) }
    }

    /// Notes that the part is whole.
    pub(super) fn finish(&self, size_bytes: u64, etag: &str, apart: Option<Staged>) -> Result<()> {
        let mut parts = self.upload.parts();
        if !parts.is_current(self) {
            return Err(self.overtaken());
        }
        if apart.is_some() {
            parts.apart = apart;
        }
        parts.finished.insert(self.number, Part { size_bytes, etag: etag.to_owned() });
        Ok(())
    }

    fn overtaken(&self) -> Error {
        Error::Multipart(format!("Part {} came again meanwhile.", self.number))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut parts = self.upload.parts();
        if parts.is_current(self) {
            parts.writing.remove(&self.number);
        }
    }
}

impl Parts {
    pub(super) fn new(count: u32) -> Self {
        Self {
            count,
            size_bytes: None,
            finished: BTreeMap::new(),
            writing: HashMap::new(),
            apart: None,
            closed: false,
        }
    }

    /// Whether no part has come or is coming.
    pub(super) fn is_empty(&self) -> bool {
        self.finished.is_empty() && self.writing.is_empty() && !self.closed
    }

    /// Whether nothing is being done with it.
    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_empty() && !self.closed
    }

    /// Begins to receive a part. What was received of it before is void, and whoever still
    /// receives it stops. Blocks until then.
    pub(super) fn begin(
        upload: &Arc<Upload>,
        number: u32,
        size_bytes: u64,
    ) -> Result<(Place, Arc<Writing>)> {
        let turn = Arc::new(Turn::new(true));
        let mut parts = upload.parts();
        if parts.closed {
            return Err(Error::Multipart("The parts are being put together already.".into()));
        }
        let place = parts.place(number, size_bytes)?;
        parts.finished.remove(&number);
        let earlier = parts.writing.insert(number, Arc::clone(&turn));
        drop(parts);
        if let Some(earlier) = earlier {
            *earlier.lock().unwrap_or_else(PoisonError::into_inner) = false;
        }
        Ok((place, Arc::new(Writing { upload: Arc::clone(upload), number, turn })))
    }

    fn is_current(&self, writing: &Writing) -> bool {
        let current = self.writing.get(&writing.number);
        current.is_some_and(|turn| Arc::ptr_eq(turn, &writing.turn))
    }

    fn place(&mut self, number: u32, size_bytes: u64) -> Result<Place> {
        let refuse = |text: String| Err(Error::Multipart(text));
        let count = self.count;
        if !(1..=count).contains(&number) {
            return refuse(format!("This upload has parts 1 to {count}, not {number}."));
        }
        if size_bytes == 0 || size_bytes > PART_MAX_BYTES {
            return refuse(format!("A part has 1 to {PART_MAX_BYTES} bytes, not {size_bytes}."));
        }
        let is_last = number == count;
        match self.size_bytes {
            None if count == 1 => Ok(Place::InFile(0)),
            None if is_last => Ok(Place::Apart),
            None => {
                self.size_bytes = Some(size_bytes);
                Ok(Place::InFile(offset(number, size_bytes)))
            }
            Some(others) if size_bytes == others || (is_last && size_bytes < others) => {
                Ok(Place::InFile(offset(number, others)))
            }
            Some(others) => refuse(format!(
                "Part {number} has {size_bytes} bytes, but others have {others}: all parts but \
                 the last must be of one size."
            )),
        }
    }

    /// The part that was kept apart, and where it belongs.
    pub(super) fn take_apart(&mut self) -> Option<(Apart, u64)> {
        let staged = self.apart.take()?;
        Some((Apart(staged), offset(self.count, self.size_bytes.unwrap_or_default())))
    }

    /// Checks the client's list of parts against what is there; if it is right, no part can change
    /// from here on.
    pub(super) fn close(&mut self, listed: &[FinishedPart]) -> Result<()> {
        self.check(listed)?;
        self.closed = true;
        Ok(())
    }

    fn check(&self, listed: &[FinishedPart]) -> Result<()> {
        let refuse = |text: String| Err(Error::Multipart(text));
        if let Some(number) = self.writing.keys().min() {
            return refuse(format!("Part {number} is still being uploaded."));
        }
        let listed: BTreeMap<u32, &str> =
            listed.iter().map(|part| (part.number, part.etag.as_str())).collect();
        for number in 1..=self.count {
            let Some(etag) = listed.get(&number) else {
                return refuse(format!("Part {number} is missing in the list of parts."));
            };
            match self.finished.get(&number) {
                None => return refuse(format!("Part {number} was not uploaded.")),
                Some(part) if bare(&part.etag) != bare(etag) => {
                    return refuse(format!("Part {number} has another ETag than the one given."));
                }
                Some(_) => {}
            }
        }
        if listed.len() > self.count as usize {
            return refuse(format!("This upload has only {} parts.", self.count));
        }
        self.check_last()
    }

    /// The last part may have come before the size of the others was known.
    fn check_last(&self) -> Result<()> {
        let last = self.finished.get(&self.count).map(|part| part.size_bytes);
        match (last, self.size_bytes) {
            (Some(last), Some(others)) if last > others => Err(Error::Multipart(format!(
                "The last part has {last} bytes, more than the {others} of the others."
            ))),
            _ => Ok(()),
        }
    }
}

/// Bounded: 10,000 parts of 5 GiB stay far below 2^63.
fn offset(number: u32, size_bytes: u64) -> u64 {
    u64::from(number - 1) * size_bytes
}

/// An entity tag without the quotes that some clients drop.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// The last part, in a file of its own.
pub(super) struct Apart(Staged);

impl Apart {
    /// Copies it to where it belongs.
    pub(super) fn copy_to(&self, file: &File, mut offset: u64) -> Result<()> {
        let mut buffer = vec![0; PORTION_BYTES];
        let mut from = &*self.0.file;
        let mut copy = || {
            from.rewind()?;
            loop {
                let read = from.read(&mut buffer)?;
                if read == 0 {
                    return Ok(());
                }
                file.write_all_at(&buffer[..read], offset)?;
                offset += read as u64;
            }
        };
        copy().map_err(Error::io("writing a part"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(parts: &[(u32, &str)]) -> Vec<FinishedPart> {
        let part = |(number, etag): &(u32, &str)| FinishedPart {
            number: *number,
            etag: (*etag).to_owned(),
        };
        parts.iter().map(part).collect()
    }

    fn finished(parts: &mut Parts, number: u32, size_bytes: u64, etag: &str) {
        parts.finished.insert(number, Part { size_bytes, etag: etag.to_owned() });
    }

    fn message<T>(outcome: Result<T>) -> String {
        outcome.err().expect("refused").to_string()
    }

    #[test]
    fn the_first_part_to_arrive_fixes_the_size() {
        let mut parts = Parts::new(4);
        assert_eq!(parts.place(4, 3).expect("last"), Place::Apart);
        assert_eq!(parts.place(2, 10).expect("first to come"), Place::InFile(10));
        assert_eq!(parts.place(3, 10).expect("fits"), Place::InFile(20));
        assert_eq!(parts.place(4, 10).expect("fits"), Place::InFile(30));
        assert_eq!(parts.place(4, 3).expect("fits"), Place::InFile(30));
        assert!(message(parts.place(1, 9)).contains("must be of one size"));
        assert!(message(parts.place(4, 11)).contains("must be of one size"));
        assert_eq!(Parts::new(1).place(1, 7).expect("alone"), Place::InFile(0));
    }

    #[test]
    fn numbers_and_sizes_are_bounded() {
        let mut parts = Parts::new(2);
        for number in [0, 3] {
            assert!(message(parts.place(number, 1)).contains("parts 1 to 2"));
        }
        for size in [0, PART_MAX_BYTES + 1] {
            assert!(message(parts.place(1, size)).contains("A part has 1 to"));
        }
    }

    #[test]
    fn the_list_must_name_every_part_with_its_tag() {
        let mut parts = Parts::new(2);
        finished(&mut parts, 1, 10, "\"a\"");
        assert!(message(parts.check(&listed(&[(1, "a")]))).contains("Part 2 is missing"));
        assert!(message(parts.check(&listed(&[(1, "a"), (2, "b")]))).contains("not uploaded"));
        finished(&mut parts, 2, 10, "\"b\"");
        assert!(message(parts.check(&listed(&[(1, "x"), (2, "b")]))).contains("another ETag"));
        let extra = listed(&[(1, "a"), (2, "b"), (3, "c")]);
        assert!(message(parts.check(&extra)).contains("only 2 parts"));
        parts.check(&listed(&[(2, "\"b\""), (1, "a")])).expect("complete");
        parts.writing.insert(1, Arc::default());
        assert!(message(parts.check(&listed(&[(1, "a"), (2, "b")]))).contains("still being"));
    }

    #[test]
    fn a_last_part_larger_than_the_others_is_refused_late() {
        let mut parts = Parts::new(2);
        assert_eq!(parts.place(2, 50).expect("early"), Place::Apart);
        finished(&mut parts, 2, 50, "b");
        parts.place(1, 10).expect("fixes the size");
        finished(&mut parts, 1, 10, "a");
        let list = listed(&[(1, "a"), (2, "b")]);
        assert!(message(parts.check(&list)).contains("more than the 10"));
    }
}
