//! The bytes of one journal record.
//!
//! A segment is a header and then records without gaps. A record is 32 bytes of head, the path,
//! the data. Both carry the segment's epoch, so that what an earlier use of the file left behind
//! is never taken for a record of this one.

use crate::path::ArtifactPath;

/// Bytes of a segment's header and of a record's head.
pub(super) const HEAD_BYTES: usize = 32;

const SEGMENT_MAGIC: u32 = u32::from_le_bytes(*b"MYs1");
const RECORD_MAGIC: u32 = u32::from_le_bytes(*b"MYr1");

/// The header of a segment in its current use.
pub(super) fn segment_header(epoch: u64) -> [u8; HEAD_BYTES] {
    head(SEGMENT_MAGIC, epoch, 0, 0, 0)
}

/// The epoch in a segment's header; `None` if there is no whole header.
pub(super) fn read_segment_header(bytes: &[u8]) -> Option<u64> {
    let head = Head::read(bytes)?;
    (head.magic == SEGMENT_MAGIC).then_some(head.epoch)
}

/// A record whose checksum is known but whose epoch is not yet.
pub(super) struct Draft<'a> {
    path: &'a ArtifactPath,
    data: &'a [&'a [u8]],
    data_len: usize,
    checksum: u32,
}

impl<'a> Draft<'a> {
    /// Prepares a record: the expensive part, done without a lock.
    pub(super) fn new(path: &'a ArtifactPath, data: &'a [&'a [u8]]) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(path.as_str().as_bytes());
        data.iter().for_each(|part| hasher.update(part));
        let data_len = data.iter().map(|part| part.len()).sum();
        Self { path, data, data_len, checksum: hasher.finalize() }
    }

    /// Bytes the record takes.
    pub(super) fn len(&self) -> usize {
        HEAD_BYTES + self.path.as_str().len() + self.data_len
    }

    /// Appends the record to `buffer`.
    pub(super) fn write(&self, epoch: u64, buffer: &mut Vec<u8>) {
        let path = self.path.as_str().as_bytes();
        let lengths = (path.len() as u32, self.data_len as u32);
        buffer.extend_from_slice(&head(RECORD_MAGIC, epoch, lengths.0, lengths.1, self.checksum));
        buffer.extend_from_slice(path);
        self.data.iter().for_each(|part| buffer.extend_from_slice(part));
    }
}

/// A record as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) path: ArtifactPath,
    pub(super) data: &'a [u8],
}

/// Takes the first record of this epoch off `bytes`. `None` at the end, which is the first place
/// where no whole, unharmed record stands.
pub(super) fn take<'a>(epoch: u64, bytes: &mut &'a [u8]) -> Option<Record<'a>> {
    let head = Head::read(bytes)?;
    if head.magic != RECORD_MAGIC || head.epoch != epoch {
        return None;
    }
    let rest = &bytes[HEAD_BYTES..];
    let (path, rest) = rest.split_at_checked(head.path_len as usize)?;
    let (data, rest) = rest.split_at_checked(head.data_len as usize)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(path);
    hasher.update(data);
    if hasher.finalize() != head.checksum {
        return None;
    }
    let path = ArtifactPath::parse(std::str::from_utf8(path).ok()?).ok()?;
    *bytes = rest;
    Some(Record { path, data })
}

fn head(magic: u32, epoch: u64, path_len: u32, data_len: u32, checksum: u32) -> [u8; HEAD_BYTES] {
    let mut bytes = [0; HEAD_BYTES];
    bytes[0..4].copy_from_slice(&magic.to_le_bytes());
    bytes[4..12].copy_from_slice(&epoch.to_le_bytes());
    bytes[12..16].copy_from_slice(&path_len.to_le_bytes());
    bytes[16..20].copy_from_slice(&data_len.to_le_bytes());
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    let own_checksum = crc32fast::hash(&bytes[..24]);
    bytes[24..28].copy_from_slice(&own_checksum.to_le_bytes());
    bytes
}

struct Head {
    magic: u32,
    epoch: u64,
    path_len: u32,
    data_len: u32,
    checksum: u32,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEAD_BYTES] = bytes.first_chunk()?;
        let number = |at: usize| {
            let mut four = [0; 4];
            four.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(four)
        };
        if crc32fast::hash(&bytes[..24]) != number(24) {
            return None;
        }
        let epoch = u64::from(number(4)) | u64::from(number(8)) << 32;
        let (path_len, data_len) = (number(12), number(16));
        Some(Self { magic: number(0), epoch, path_len, data_len, checksum: number(20) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ArtifactPath {
        ArtifactPath::parse(text).expect(text)
    }

    fn written(epoch: u64, records: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, data) in records {
            let path = path(name);
            let parts = [&data[..data.len() / 2], &data[data.len() / 2..]];
            let draft = Draft::new(&path, &parts);
            let before = bytes.len();
            draft.write(epoch, &mut bytes);
            assert_eq!(bytes.len() - before, draft.len());
        }
        bytes
    }

    #[test]
    fn records_come_back_in_order_and_whole() {
        let bytes = written(7, &[("a/b", b"hello"), ("c", b"")]);
        let mut rest = bytes.as_slice();
        assert_eq!(take(7, &mut rest), Some(Record { path: path("a/b"), data: b"hello" }));
        assert_eq!(take(7, &mut rest), Some(Record { path: path("c"), data: b"" }));
        assert_eq!(take(7, &mut rest), None);
    }

    #[test]
    fn other_epochs_and_torn_records_end_the_segment() {
        let bytes = written(7, &[("a", b"hello")]);
        assert_eq!(take(8, &mut bytes.as_slice()), None);
        for cut in 0..bytes.len() {
            assert_eq!(take(7, &mut &bytes[..cut]), None, "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut harmed = bytes.clone();
            harmed[at] ^= 0x10;
            let unused = (28..HEAD_BYTES).contains(&at);
            assert_eq!(take(7, &mut harmed.as_slice()).is_some(), unused, "harmed at {at}");
        }
    }

    #[test]
    fn a_header_is_not_a_record() {
        let header = segment_header(u64::MAX - 1);
        assert_eq!(read_segment_header(&header), Some(u64::MAX - 1));
        assert_eq!(take(u64::MAX - 1, &mut header.as_slice()), None);
        assert_eq!(read_segment_header(&[0; 64]), None);
        assert_eq!(read_segment_header(&header[..20]), None);
    }
}
