//! What concerns folders of this machine only: links, special files, permissions, crashes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use modelyard_artifacts::{
    ArtifactPath, Error, FinishedPart, LocalRepository, RESERVED_NAME, Repository,
};
use modelyard_protocol::{Context, Environment};

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).expect(text)
}

struct Counters {
    now_ms: Arc<AtomicU64>,
    random: AtomicU64,
}

impl Environment for Counters {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed) as i64
    }

    fn random(&self) -> u128 {
        u128::from(self.random.fetch_add(1, Ordering::Relaxed)) << 64
    }
}

/// A root, a folder outside it with a file nobody may reach, and the clock.
/// Empty files that a repository keeps ready for uploads.
const SPARES_MAX: usize = 32;

struct Fixture {
    temp: tempfile::TempDir,
    now_ms: Arc<AtomicU64>,
    opened: AtomicU64,
}

impl Fixture {
    fn new() -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        fs::create_dir(temp.path().join("root")).expect("made");
        fs::create_dir(temp.path().join("outside")).expect("made");
        fs::write(temp.path().join("outside/secret"), CANARY).expect("written");
        Self { temp, now_ms: Arc::default(), opened: AtomicU64::new(1) }
    }

    fn root(&self) -> PathBuf {
        self.temp.path().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.temp.path().join("outside")
    }

    fn open(&self) -> Repository {
        let random = AtomicU64::new(self.opened.fetch_add(1, Ordering::Relaxed) << 32);
        let context = Context::new(Counters { now_ms: Arc::clone(&self.now_ms), random });
        Repository::Local(LocalRepository::open(&self.root(), context).expect("opened"))
    }

    fn assert_outside_untouched(&self) {
        let names: Vec<_> = fs::read_dir(self.outside()).expect("listed").collect();
        assert_eq!(names.len(), 1);
        assert_eq!(fs::read(self.outside().join("secret")).expect("read"), CANARY);
    }

    /// Everything in the reserved folder, with permissions.
    /// How many temporary files there are: empty ones, and others.
    fn temporary(&self) -> (usize, usize) {
        let is_temporary = |file: &&PathBuf| {
            let name = file.file_name().expect("a name").to_string_lossy();
            file.is_file() && name != "lock" && !name.starts_with("journal-")
        };
        let found = self.reserved();
        let sizes = found.keys().filter(is_temporary).filter_map(|file| fs::metadata(file).ok());
        let (empty, written): (Vec<_>, Vec<_>) = sizes.partition(|file| file.len() == 0);
        (empty.len(), written.len())
    }

    fn reserved(&self) -> BTreeMap<PathBuf, u32> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.root().join(RESERVED_NAME)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            found.insert(folder.clone(), fs::metadata(&folder).expect("there").mode() & 0o7777);
            for entry in entries {
                let entry = entry.expect("listed");
                let metadata = entry.metadata().expect("there");
                match metadata.is_dir() {
                    true => folders.push(entry.path()),
                    false => drop(found.insert(entry.path(), metadata.mode() & 0o7777)),
                }
            }
        }
        found
    }
}

const CANARY: &[u8] = b"canary 7f3a";

async fn put(repository: &Repository, name: &str, data: &[u8]) -> Result<u64, Error> {
    let body = stream::iter([Ok::<_, io::Error>(Bytes::copy_from_slice(data))]);
    repository.upload(&path(name), None, body).await
}

async fn get(repository: &Repository, name: &str) -> Result<Vec<u8>, Error> {
    let file = repository.open(&path(name)).await?;
    let parts: Vec<Bytes> = file.into_stream(0..u64::MAX).try_collect().await.expect("read");
    Ok(parts.concat())
}

async fn names(repository: &Repository) -> Vec<String> {
    repository.list(None).await.expect("listed").into_iter().map(|entry| entry.name).collect()
}

const LARGE: usize = 300_000;

#[tokio::test]
async fn links_lead_nowhere_outside() {
    let fixture = Fixture::new();
    let (root, outside) = (fixture.root(), fixture.outside());
    symlink(&outside, root.join("absolute")).expect("linked");
    symlink("../outside", root.join("relative")).expect("linked");
    symlink(outside.join("secret"), root.join("file")).expect("linked");
    symlink("/proc/self/root", root.join("magic")).expect("linked");
    symlink("loop", root.join("loop")).expect("linked");
    let repository = fixture.open();
    for link in ["absolute", "relative", "loop", "magic"] {
        for name in [format!("{link}/secret"), format!("{link}/etc/hosts")] {
            get(&repository, &name).await.expect_err("read through a link");
            repository.delete(&path(&name)).await.expect_err("delete through a link");
            for len in [3, LARGE] {
                let outcome = put(&repository, &name, &vec![0; len]).await;
                assert!(matches!(outcome, Err(Error::Outside(_))), "{name}: {outcome:?}");
            }
        }
        let listed = repository.list(Some(&path(link))).await;
        assert!(matches!(listed, Err(Error::Outside(_))), "{link}: {listed:?}");
    }
    get(&repository, "file").await.expect_err("read through a link");
    assert_eq!(names(&repository).await, [""; 0], "and they are not listed");
    fixture.assert_outside_untouched();
}

#[tokio::test]
async fn a_link_itself_can_be_replaced_and_removed() {
    let fixture = Fixture::new();
    let (root, outside) = (fixture.root(), fixture.outside());
    for name in ["a", "b"] {
        symlink(outside.join("secret"), root.join(name)).expect("linked");
    }
    symlink(&outside, root.join("c")).expect("linked");
    fs::hard_link(outside.join("secret"), root.join("hard")).expect("linked");
    let repository = fixture.open();
    put(&repository, "a", b"new").await.expect("in place of the link");
    put(&repository, "b", &[1; LARGE]).await.expect("in place of the link");
    put(&repository, "hard", b"new").await.expect("in place of the name");
    repository.delete(&path("c")).await.expect("only the link");
    assert_eq!(get(&repository, "a").await.expect("a file"), b"new");
    assert_eq!(names(&repository).await, ["a", "b", "hard"]);
    fixture.assert_outside_untouched();
}

#[tokio::test]
async fn links_inside_the_root_work() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    put(&repository, "real/file", b"x").await.expect("stored");
    symlink("real", fixture.root().join("link")).expect("linked");
    symlink("real/file", fixture.root().join("to-file")).expect("linked");
    assert_eq!(get(&repository, "link/file").await.expect("inside"), b"x");
    put(&repository, "link/second", b"y").await.expect("inside");
    assert_eq!(get(&repository, "real/second").await.expect("inside"), b"y");
    assert_eq!(names(&repository).await, ["link", "real", "to-file"]);
    repository.delete(&path("link")).await.expect("the link only");
    assert_eq!(get(&repository, "real/file").await.expect("still there"), b"x");
}

#[tokio::test]
async fn special_files_are_neither_read_nor_listed() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let pipe = rustix::fs::CWD;
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(pipe, root.join("pipe"), rustix::fs::FileType::Fifo, mode, 0)
        .expect("made");
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).expect("bound");
    let repository = fixture.open();
    for name in ["pipe", "socket"] {
        let outcome = get(&repository, name).await;
        assert!(matches!(outcome, Err(Error::Special(_))), "{name}: {outcome:?}");
    }
    assert_eq!(names(&repository).await, [""; 0]);
    put(&repository, "pipe", b"x").await.expect("in place of the pipe");
    repository.delete(&path("socket")).await.expect("removed");
    assert_eq!(names(&repository).await, ["pipe"]);
}

/// The folder is exchanged for a link out and back, as fast as it goes, while files are read from
/// it and written to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanging_a_folder_for_a_link_does_not_help() {
    let fixture = Fixture::new();
    let root = fixture.root();
    let repository = fixture.open();
    put(&repository, "d/secret", b"harmless").await.expect("stored");
    symlink(fixture.outside(), root.join("link")).expect("linked");
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, folder) = (Arc::clone(&stop), root.clone());
    let exchanging = std::thread::spawn(move || {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        let (folder, link) = (folder.join("d"), folder.join("link"));
        let mut rounds = 0;
        while !stopped.load(Ordering::Relaxed) {
            renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).expect("exchanged");
            rounds += 1;
        }
        rounds
    });
    for round in 0..400 {
        if let Ok(data) = get(&repository, "d/secret").await {
            assert_ne!(data, CANARY);
        }
        let _ = put(&repository, "d/written", b"x").await;
        let _ = repository.delete(&path("d/written")).await;
        if round % 40 == 0 {
            let _ = put(&repository, "d/large", &[0; LARGE]).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    assert!(exchanging.join().expect("no panic") > 0);
    fixture.assert_outside_untouched();
}

#[tokio::test]
async fn the_reserved_folder_is_private_and_hidden() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    assert!(fixture.reserved().is_empty(), "reading leaves no trace");
    put(&repository, "f", b"x").await.expect("stored");
    let multipart = repository.create_multipart(&path("m"), 2).await.expect("begun");
    let body = || stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
    repository.upload_part(&multipart, 2, 2, body()).await.expect("stored");
    let found = fixture.reserved();
    assert!(found.len() >= 7, "{found:?}");
    for (path, mode) in &found {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{}", path.display());
    }
    assert_eq!(names(&repository).await, ["f"]);
    let mode = fs::metadata(fixture.root().join("f")).expect("there").permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
    assert_eq!(mode & 0o111, 0, "artifacts are not executable");
}

#[tokio::test]
async fn finished_and_broken_uploads_leave_no_files_behind() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    put(&repository, "f", b"x").await.expect("stored");
    put(&repository, "g", &[0; LARGE]).await.expect("stored");
    let broken = stream::iter([Ok(Bytes::from(vec![0; LARGE])), Err(io::Error::other("gone"))]);
    repository.upload(&path("h"), None, broken).await.expect_err("broken off");
    let endless = stream::iter([Ok::<_, io::Error>(Bytes::from(vec![0; LARGE]))]);
    let endless = Box::pin(endless.chain(stream::pending()));
    let target = path("h");
    let given_up = repository.upload(&target, None, endless);
    tokio::time::timeout(std::time::Duration::from_millis(50), given_up).await.expect_err("hangs");
    // More often than files are kept ready, all of which are empty.
    for _ in 0..SPARES_MAX + 10 {
        let multipart = repository.create_multipart(&path("m"), 1).await.expect("begun");
        repository.abort_multipart(&multipart, &path("m")).await.expect("aborted");
    }
    let multipart = repository.create_multipart(&path("m"), 1).await.expect("begun");
    let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
    let etag = repository.upload_part(&multipart, 1, 2, body).await.expect("stored");
    let list = [FinishedPart { number: 1, etag }];
    repository.complete_multipart(&multipart, &path("m"), &list).await.expect("completed");
    put(&repository, "f/below", b"x").await.expect_err("a file is in the way");
    repository.delete(&path("g")).await.expect("removed");
    eventually(|| {
        let (empty, written) = fixture.temporary();
        written == 0 && empty <= SPARES_MAX
    })
    .await;
    drop(repository);
    eventually(|| fixture.reserved().len() <= 2).await;
}

/// Removal of an unfinished file happens on another thread.
async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never came true");
}

/// What a killed process leaves: its reserved folder, not locked any more, and a tree in which
/// some files that it acknowledged are missing, empty or torn, as after a power cut.
fn crash(repository: Repository, fixture: &Fixture) {
    let reserved = fixture.root().join(RESERVED_NAME);
    let saved = fixture.temp.path().join("saved");
    copy_folder(&reserved, &saved);
    drop(repository);
    fs::remove_dir_all(&reserved).expect("removed");
    fs::rename(&saved, &reserved).expect("restored");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("known").is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

#[tokio::test]
async fn acknowledged_uploads_survive_a_power_cut() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    for (name, data) in [("a/kept", "1"), ("a/torn", "22"), ("b/c/lost", "3"), ("again", "old")] {
        put(&repository, name, data.as_bytes()).await.expect("stored");
    }
    put(&repository, "again", b"new").await.expect("stored");
    put(&repository, "empty", b"").await.expect("stored");
    crash(repository, &fixture);
    let root = fixture.root();
    let untouched = fs::metadata(root.join("a/kept")).expect("there").mtime_nsec();
    fs::write(root.join("a/torn"), "").expect("torn");
    fs::remove_dir_all(root.join("b")).expect("lost");
    fs::remove_file(root.join("again")).expect("lost");
    fs::remove_file(root.join("empty")).expect("lost");
    let repository = fixture.open();
    for (name, data) in
        [("a/kept", "1"), ("a/torn", "22"), ("b/c/lost", "3"), ("again", "new"), ("empty", "")]
    {
        let found = get(&repository, name).await.expect(name);
        assert_eq!(found, data.as_bytes(), "{name}");
    }
    let after = fs::metadata(root.join("a/kept")).expect("there").mtime_nsec();
    assert_eq!(untouched, after, "what is whole is left alone");
    assert_eq!(fixture.reserved().len(), 2, "nothing is left of the dead process");
}

#[tokio::test]
async fn what_was_deleted_or_replaced_does_not_come_back() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    for name in ["gone", "folder/a", "folder/b", "large", "parts"] {
        put(&repository, name, b"small").await.expect("stored");
    }
    repository.delete(&path("gone")).await.expect("removed");
    repository.delete(&path("folder")).await.expect("removed");
    put(&repository, "large", &[1; LARGE]).await.expect("stored");
    let multipart = repository.create_multipart(&path("parts"), 1).await.expect("begun");
    let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"parts"))]);
    let etag = repository.upload_part(&multipart, 1, 5, body).await.expect("stored");
    let list = [FinishedPart { number: 1, etag }];
    repository.complete_multipart(&multipart, &path("parts"), &list).await.expect("completed");
    put(&repository, "folder/b", b"second").await.expect("stored");
    crash(repository, &fixture);
    let repository = fixture.open();
    assert_eq!(names(&repository).await, ["folder", "large", "parts"]);
    assert_eq!(get(&repository, "large").await.expect("there").len(), LARGE);
    assert_eq!(get(&repository, "parts").await.expect("there"), b"parts");
    assert_eq!(get(&repository, "folder/b").await.expect("there"), b"second");
    get(&repository, "folder/a").await.expect_err("removed");
}

#[tokio::test]
async fn recovery_stops_rather_than_lose_an_acknowledged_upload() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    put(&repository, "a", b"1").await.expect("stored");
    crash(repository, &fixture);
    let root = fixture.root();
    fs::remove_file(root.join("a")).expect("lost");
    // A folder where the journal wants to write stands for a disk that fails.
    let process = fs::read_dir(root.join(RESERVED_NAME)).expect("listed");
    let process = process.map(|entry| entry.expect("listed").path()).find(|path| path.is_dir());
    let process = process.expect("the dead process's folder");
    fs::create_dir_all(process.join("redo/in-the-way")).expect("made");
    let context = || {
        let random = AtomicU64::new(77 << 40);
        Context::new(Counters { now_ms: Arc::default(), random })
    };
    let refused = LocalRepository::open(&root, context());
    assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
    fs::remove_dir_all(process.join("redo")).expect("repaired");
    let repository = Repository::Local(LocalRepository::open(&root, context()).expect("opened"));
    assert_eq!(get(&repository, "a").await.expect("recovered"), b"1");
}

#[tokio::test]
async fn a_second_process_leaves_the_first_alone() {
    let fixture = Fixture::new();
    let first = fixture.open();
    put(&first, "a", b"1").await.expect("stored");
    let multipart = first.create_multipart(&path("m"), 1).await.expect("begun");
    let second = fixture.open();
    put(&second, "b", b"2").await.expect("stored");
    drop(second);
    let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
    let etag = first.upload_part(&multipart, 1, 2, body).await.expect("still under way");
    let list = [FinishedPart { number: 1, etag }];
    first.complete_multipart(&multipart, &path("m"), &list).await.expect("completed");
    put(&first, "c", b"3").await.expect("stored");
    assert_eq!(names(&first).await, ["a", "b", "c", "m"]);
}

#[tokio::test]
async fn uploads_in_parts_that_nobody_finishes_expire() {
    const HOUR_MS: u64 = 60 * 60 * 1000;
    let fixture = Fixture::new();
    let repository = fixture.open();
    let old = repository.create_multipart(&path("old"), 2).await.expect("begun");
    let touched = repository.create_multipart(&path("touched"), 2).await.expect("begun");
    let part = || stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
    fixture.now_ms.store(HOUR_MS - 1, Ordering::Relaxed);
    repository.upload_part(&touched, 1, 2, part()).await.expect("stored");
    fixture.now_ms.store(HOUR_MS + 1, Ordering::Relaxed);
    let begin = async || repository.create_multipart(&path("new"), 2).await.expect("begun");
    begin().await;
    let expired = repository.upload_part(&old, 1, 2, part()).await;
    assert!(matches!(expired, Err(Error::NoSuchUpload(_))), "{expired:?}");
    // What has parts is kept for a day.
    fixture.now_ms.store(24 * HOUR_MS, Ordering::Relaxed);
    begin().await;
    repository.upload_part(&touched, 2, 2, part()).await.expect("not expired");
    fixture.now_ms.store(48 * HOUR_MS, Ordering::Relaxed);
    begin().await;
    let expired = repository.upload_part(&touched, 2, 2, part()).await;
    assert!(matches!(expired, Err(Error::NoSuchUpload(_))), "{expired:?}");
}

#[tokio::test]
async fn the_number_of_uploads_in_parts_is_bounded() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    let mut begun = 0;
    let refused = loop {
        match repository.create_multipart(&path("m"), 1).await {
            Ok(_) => begun += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::TooManyUploads), "{refused:?}");
    assert_eq!(begun, 200);
    // Whoever is idle for long makes room.
    fixture.now_ms.fetch_add(11 * 60 * 1000, Ordering::Relaxed);
    repository.create_multipart(&path("m"), 1).await.expect("room was made");
}

/// The thread that puts the parts together is not free until the client has asked twice.
#[test]
fn a_client_that_breaks_off_while_parts_are_put_together_may_ask_again() {
    let fixture = Fixture::new();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build();
    runtime.expect("started").block_on(async {
        let repository = fixture.open();
        let id = repository.create_multipart(&path("m"), 1).await.expect("begun");
        let body = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"xx"))]);
        let etag = repository.upload_part(&id, 1, 2, body).await.expect("stored");
        let list = [FinishedPart { number: 1, etag }];
        let (free, wait) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || wait.recv());
        let whole = path("m");
        let first = repository.complete_multipart(&id, &whole, &list);
        assert!(first.now_or_never().is_none(), "the client breaks off");
        let second = repository.complete_multipart(&id, &whole, &list);
        let mut second = std::pin::pin!(second);
        assert!(second.as_mut().now_or_never().is_none(), "waits for the first");
        free.send(()).expect("waiting");
        second.await.expect("completed");
        busy.await.expect("ended").expect("freed");
        assert_eq!(get(&repository, "m").await.expect("there"), b"xx");
    });
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_ends_in_an_error() {
    let fixture = Fixture::new();
    let repository = fixture.open();
    put(&repository, "f", &vec![7; 4 << 20]).await.expect("stored");
    let file = repository.open(&path("f")).await.expect("there");
    let on_disk = fs::OpenOptions::new().write(true).open(fixture.root().join("f"));
    on_disk.expect("opened").set_len(1 << 20).expect("cut");
    let outcome: Result<Vec<Bytes>, _> = file.into_stream(0..u64::MAX).try_collect().await;
    assert_eq!(outcome.expect_err("short").kind(), io::ErrorKind::UnexpectedEof);
}
