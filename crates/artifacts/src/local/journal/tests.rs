//! The journal on its own: with a map for a tree, and a disk that can be told to fail.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::segment::SEGMENT_BYTES;
use super::*;

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).expect(text)
}

fn new_file(dir: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(dir.join(name))
}

/// A journal in a folder, whose tree counts its syncs and fails on demand.
struct Fixture {
    dir: tempfile::TempDir,
    journal: Journal,
    syncs: Arc<AtomicUsize>,
    broken: Arc<AtomicBool>,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (syncs, broken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, breaks) = (Arc::clone(&syncs), Arc::clone(&broken));
        let sync_tree = Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            if breaks.load(Ordering::SeqCst) { Err(io::Error::other("broken")) } else { Ok(()) }
        });
        let journal = Journal::start(|name| new_file(dir.path(), name), sync_tree);
        Self { journal: journal.expect("started"), dir, syncs, broken }
    }

    fn append(&self, name: &str, data: &[u8]) {
        drop(self.journal.append(&path(name), &[data]).expect("durable"));
    }

    /// What a restart would find, in order.
    fn left(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        let open = |name: &str| File::open(self.dir.path().join(name));
        let redo = |path: &ArtifactPath, data: &[u8]| {
            found.push((path.to_string(), data.to_vec()));
            Ok(())
        };
        let count = recover(open, redo).expect("readable");
        assert_eq!(count, found.len());
        found
    }
}

#[test]
fn records_are_found_after_a_crash_in_the_order_of_writing() {
    let journal = Fixture::new();
    assert_eq!(journal.left(), []);
    journal.append("a", b"1");
    journal.append("b/c", b"");
    journal.append("a", b"2");
    let expected = [("a", "1"), ("b/c", ""), ("a", "2")];
    assert_eq!(
        journal.left(),
        expected.map(|(name, data)| (name.to_owned(), data.as_bytes().to_vec()))
    );
}

#[test]
fn settling_voids_what_concerns_a_path_and_nothing_is_synced_without_need() {
    let journal = Fixture::new();
    journal.append("a/b", b"1");
    journal.journal.settle(&path("a/bc")).expect("nothing to do");
    journal.journal.settle(&path("b")).expect("nothing to do");
    assert_eq!(journal.syncs.load(Ordering::SeqCst), 0);
    assert_eq!(journal.left().len(), 1);
    journal.journal.settle(&path("a")).expect("settled");
    assert_eq!(journal.syncs.load(Ordering::SeqCst), 1);
    assert_eq!(journal.left(), []);
    journal.append("a/b", b"2");
    journal.journal.settle(&path("a/b")).expect("settled");
    assert_eq!(journal.left(), []);
}

#[test]
fn a_record_stays_while_its_file_is_on_the_way_into_the_tree() {
    let journal = Fixture::new();
    let applying = journal.journal.append(&path("a"), &[b"1"]).expect("durable");
    std::thread::scope(|scope| {
        let settling = scope.spawn(|| journal.journal.settle(&path("a")));
        // However the threads run, the tree must not be synced before the file is in it.
        for _ in 0..100 {
            std::thread::yield_now();
            assert_eq!(journal.syncs.load(Ordering::SeqCst), 0);
        }
        assert_eq!(journal.left().len(), 1);
        drop(applying);
        settling.join().expect("no panic").expect("settled");
    });
    assert_eq!(journal.left(), []);
}

#[test]
fn closing_leaves_nothing_to_recover() {
    let mut journal = Fixture::new();
    journal.append("a", b"1");
    journal.journal.close().expect("closed");
    assert_eq!(journal.left(), []);
    assert_eq!(journal.syncs.load(Ordering::SeqCst), 1);
}

#[test]
fn more_than_both_segments_hold_goes_through() {
    let journal = Fixture::new();
    let data = vec![7; 1 << 20];
    let count = 3 * SEGMENT_BYTES / data.len();
    for number in 0..count {
        journal.append(&format!("file-{number}"), &data);
    }
    let left = journal.left();
    assert!(left.len() < count && journal.syncs.load(Ordering::SeqCst) > 0);
    let (last, _) = left.last().expect("the newest are there");
    assert_eq!(last, &format!("file-{}", count - 1));
}

#[test]
fn many_threads_lose_nothing() {
    let journal = Fixture::new();
    let threads = 8;
    let each = 200;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let journal = &journal;
            scope.spawn(move || {
                for number in 0..each {
                    let name = format!("{thread}/{}", number % 10);
                    journal.append(&name, format!("{number}").as_bytes());
                }
            });
        }
    });
    let newest: BTreeMap<_, _> = journal.left().into_iter().collect();
    assert_eq!(newest.len(), threads * 10);
    for (name, data) in newest {
        let slot: usize = name.rsplit('/').next().expect("a slot").parse().expect("a number");
        assert_eq!(data, format!("{}", each - 10 + slot).into_bytes(), "{name}");
    }
}

#[test]
fn a_tree_that_cannot_be_synced_ends_all_writing_and_keeps_the_records() {
    let mut journal = Fixture::new();
    journal.append("a", b"1");
    journal.journal.check().expect("ready");
    journal.broken.store(true, Ordering::SeqCst);
    assert!(matches!(journal.journal.settle(&path("a")), Err(Error::Poisoned)));
    assert!(matches!(journal.journal.append(&path("b"), &[b"2"]), Err(Error::Poisoned)));
    assert!(matches!(journal.journal.check(), Err(Error::Poisoned)));
    assert!(matches!(journal.journal.close(), Err(Error::Poisoned)));
    assert_eq!(journal.left(), [("a".to_owned(), b"1".to_vec())]);
}

#[test]
fn a_journal_that_cannot_be_written_ends_all_writing() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = Journal::start(|name| new_file(dir.path(), name), Box::new(|| Ok(())));
    let journal = journal.expect("started");
    let read_only = File::open(dir.path().join(FILE_NAMES[0])).expect("opened");
    journal.shared.lock().segments[0].file = Arc::new(read_only);
    assert!(matches!(journal.append(&path("a"), &[b"1"]), Err(Error::Poisoned)));
    assert!(matches!(journal.append(&path("a"), &[b"1"]), Err(Error::Poisoned)));
}
