//! Links and special files.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use modelyard_artifacts::Error;

use crate::fixture::*;

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
