//! Links, pipes and races inside the artifact store, put there by whoever can write to the disk.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::world::{CANARY, DOORS, World};

/// The files of the world's run are here.
fn folder(world: &World) -> std::path::PathBuf {
    world.store().join(&world.experiment).join(&world.run).join("artifacts")
}

#[test]
fn no_handler_follows_a_link_out() {
    let mut world = World::new();
    let folder = folder(&world);
    symlink(world.outside(), folder.join("link")).expect("linked");
    symlink(world.outside().join("secret.txt"), folder.join("file")).expect("linked");
    symlink("../../../../secret.txt", folder.join("climbing")).expect("linked");
    symlink("/proc/self/root", folder.join("magic")).expect("linked");
    let (run, root) = (world.run.clone(), format!("/{}/{}/artifacts", world.experiment, world.run));
    for door in DOORS {
        for path in ["link/secret.txt", "link/new", "magic/etc/passwd", "link/a/b"] {
            for method in ["GET", "PUT", "DELETE"] {
                let reply = world.proxy(door, method, &format!("{root}/{path}"), b"pwned");
                world.refused(&format!("{method} {path}"), &reply);
            }
        }
        for path in ["file", "climbing"] {
            let reply = world.proxy(door, "GET", &format!("{root}/{path}"), b"");
            world.refused(path, &reply);
            let reply = world.get(&format!("/get-artifact?run_uuid={run}&path={path}"));
            world.refused(path, &reply);
        }
        for path in ["link", "magic", "magic/etc"] {
            let reply =
                world.get(&format!("{door}/2.0/mlflow/artifacts/list?run_id={run}&path={path}"));
            world.refused(path, &reply);
        }
        let reply = world.get(&format!("{door}/2.0/mlflow/artifacts/list?run_id={run}"));
        assert_eq!(reply.json()["files"].as_array().map(Vec::len), Some(1), "{reply:?}");
    }
    // Of the links themselves only the links can be removed.
    for path in ["link", "file", "climbing", "magic"] {
        let reply = world.proxy("/api", "DELETE", &format!("{root}/{path}"), b"");
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(folder.join(path).symlink_metadata().is_err(), "the link is gone");
    }
    world.assert_unharmed();
}

#[test]
fn a_write_never_goes_through_a_link() {
    let mut world = World::new();
    let folder = folder(&world);
    let secret = world.outside().join("secret.txt");
    let root = format!("/{}/{}/artifacts", world.experiment, world.run);
    for large in [false, true] {
        symlink(&secret, folder.join("soft")).expect("linked");
        std::fs::hard_link(&secret, folder.join("hard")).expect("linked");
        let body = vec![b'x'; if large { 300_000 } else { 10 }];
        for name in ["soft", "hard"] {
            let reply = world.proxy("/api", "PUT", &format!("{root}/{name}"), &body);
            assert_eq!(reply.status, 200, "{reply:?}");
            assert_eq!(std::fs::read(folder.join(name)).expect("a file of its own"), body);
            let reply = world.proxy("/api", "DELETE", &format!("{root}/{name}"), b"");
            assert_eq!(reply.status, 200, "{reply:?}");
        }
    }
    world.assert_unharmed();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "std makes no pipes")]
fn a_pipe_does_not_hang_the_server() {
    let mut world = World::new();
    let folder = folder(&world);
    let made = Command::new("mkfifo").arg(folder.join("pipe")).status().expect("run mkfifo");
    assert!(made.success());
    let root = format!("/{}/{}/artifacts", world.experiment, world.run);
    for door in DOORS {
        let reply = world.proxy(door, "GET", &format!("{root}/pipe"), b"");
        world.refused("GET pipe", &reply);
    }
    let run = world.run.clone();
    let reply = world.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}"));
    assert!(!reply.text().contains("pipe"), "{reply:?}");
    std::fs::remove_file(folder.join("pipe")).expect("removed");
    world.assert_unharmed();
}

/// Two names are exchanged as fast as it goes; whatever a download meets, it is not the secret.
#[test]
fn swapping_a_folder_for_a_link_during_downloads_does_not_help() {
    let mut world = World::new();
    let folder = folder(&world);
    std::fs::create_dir(folder.join("swapped")).expect("made");
    std::fs::write(folder.join("swapped/secret.txt"), "harmless").expect("written");
    symlink(world.outside(), folder.join("link")).expect("linked");
    let target = format!("/{}/{}/artifacts/swapped/secret.txt", world.experiment, world.run);
    let stop = AtomicBool::new(false);
    let (mut served, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| swap(&folder, &stop));
        for _ in 0..500 {
            let reply = world.proxy("/api", "GET", &target, b"");
            assert!(!reply.reveals(CANARY), "{reply:?}");
            match reply.status {
                200 => served += 1,
                400..500 => refused += 1,
                _ => panic!("{reply:?}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(served + refused == 500);
    std::fs::remove_dir_all(folder.join("swapped")).expect("removed");
    std::fs::remove_file(folder.join("link")).expect("removed");
    world.assert_unharmed();
}

/// Ends with the names as they were.
fn swap(folder: &Path, stop: &AtomicBool) {
    let (real, link, aside) = (folder.join("swapped"), folder.join("link"), folder.join("aside"));
    let exchange = || {
        std::fs::rename(&real, &aside).expect("renamed");
        std::fs::rename(&link, &real).expect("renamed");
        std::fs::rename(&aside, &link).expect("renamed");
    };
    while !stop.load(Ordering::Relaxed) {
        exchange();
        exchange();
    }
}
