//! Paths that climb, in every handler that takes one (CVE-2023-1176, -2780, -30172, -3765, -6015,
//! -6018, -6753, -6831, -6976, -6977, CVE-2024-1558, -1560, -3848, CVE-2026-2033).

use serde_json::json;

use crate::wire::Reply;
use crate::world::{DOORS, LOOT, World};

/// Paths as they stand in a URL: none may be taken.
fn hostile(world: &World) -> Vec<String> {
    let outside = world.outside().display().to_string();
    let encoded = outside.replace('/', "%2f");
    let fixed = [
        // CVE-2023-30172, CVE-2023-6015, CVE-2023-6976: plain and once encoded.
        "..",
        "../secret.txt",
        "../../../../etc/passwd",
        "..%2fsecret.txt",
        "..%2F..%2F..%2F..%2Fetc%2Fpasswd",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        ".%2e/secret.txt",
        "%2E./secret.txt",
        "a/../../secret.txt",
        "a/..",
        "a//../../secret.txt",
        "./../secret.txt",
        // CVE-2023-6831, CVE-2024-1560: encoded several times over.
        "%252e%252e%252fsecret.txt",
        "%252E%252E%252F%252E%252E%252Fetc%252Fpasswd",
        "%25252e%25252e%25252fsecret.txt",
        "%2525252525252525252525252e%2525252525252525252525252e/x",
        // CVE-2023-1176, CVE-2023-6977: absolute.
        "/etc/passwd",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "%252fetc%252fpasswd",
        "/proc/self/root/etc/passwd",
        // CVE-2023-1177, -2780, CVE-2024-3573: as a URI.
        "file:%2f%2f%2fetc%2fpasswd",
        "file:///etc/passwd",
        "FILE:etc",
        "file%3a/etc/passwd",
        "http://127.0.0.1:9/x",
        // CVE-2023-3765, CVE-2023-6753: drives and backslashes.
        "C:/",
        "C:",
        "c:%5cwindows%5cwin.ini",
        "C%3a%5Ctmp%5Cx",
        "%5c%5chost%5cshare",
        "..%5c..%5cx",
        "a%5c..%5c..%5cx",
        "a%5cb",
        "%255c..%255c..%255cx",
        // CVE-2024-1483, -1594, -3848: fragments and queries in the name.
        "%23/../../etc",
        "a%23b",
        "a%3f/a",
        // Control characters and encodings that are none.
        "a%00.txt",
        "%00",
        "..%00/x",
        "a%0ab",
        "a%0d%0aSet-Cookie:%20x=y",
        "a%7f",
        "%c0%ae%c0%ae/secret.txt",
        "%c0%ae%c0%ae%c0%afsecret.txt",
        "%e0%80%ae%e0%80%ae/x",
        "%ff%fe",
        "%u002e%u002e/secret.txt",
        "%ef%bc%8e%ef%bc%8e/secret.txt",
        "%e2%80%a5/x",
        ".../x",
        "..%20/secret.txt",
        "..%09/x",
        // What the store keeps for itself.
        ".modelyard",
        ".modelyard/lock",
        ".MODELYARD/lock",
        "./.modelyard/lock",
        "x/.modelyard/y",
    ];
    let mut paths: Vec<String> = fixed.iter().map(|&path| path.to_owned()).collect();
    for depth in [1, 3, 8, 40] {
        paths.push(format!("{}{}/secret.txt", "../".repeat(depth), &outside[1..]));
        paths.push(format!("{}{}%2fsecret.txt", "..%2f".repeat(depth), &encoded[3..]));
    }
    paths.push(format!("{outside}/secret.txt"));
    paths.push(format!("{encoded}%2fsecret.txt"));
    paths.push(format!("..%2f..%2f..%2f..%2ftmp%2f{LOOT}"));
    paths.push(format!("/tmp/{LOOT}"));
    paths.push("n".repeat(256));
    paths.push("%ed%95%9c".repeat(86));
    paths.push("d/".repeat(101) + "x");
    paths.push("long/".repeat(900));
    paths
}

/// Every handler that takes a path in its URL, but for the doors.
fn handlers(world: &World) -> Vec<(&'static str, String)> {
    let (run, model) = (&world.run, &world.model);
    vec![
        ("GET", "/2.0/mlflow-artifacts/artifacts/PATH".into()),
        ("HEAD", "/2.0/mlflow-artifacts/artifacts/PATH".into()),
        ("PUT", "/2.0/mlflow-artifacts/artifacts/PATH".into()),
        ("DELETE", "/2.0/mlflow-artifacts/artifacts/PATH".into()),
        ("GET", "/2.0/mlflow-artifacts/artifacts?path=PATH".into()),
        ("GET", "/2.0/mlflow-artifacts/presigned/PATH".into()),
        ("GET", format!("/2.0/mlflow/artifacts/list?run_id={run}&path=PATH")),
        ("GET", format!("/2.0/mlflow/get-artifact?run_uuid={run}&path=PATH")),
        ("POST", format!("/2.0/mlflow/upload-artifact?run_uuid={run}&path=PATH")),
        (
            "GET",
            format!(
                "/2.0/mlflow/logged-models/{model}/artifacts/directories?artifact_directory_path=PATH"
            ),
        ),
        (
            "GET",
            format!("/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path=PATH"),
        ),
    ]
}

#[test]
fn no_handler_takes_a_path_that_climbs() {
    for mut world in World::everywhere() {
        for (method, template) in handlers(&world) {
            for door in DOORS {
                for path in hostile(&world) {
                    let target = format!("{}{door}{template}", world.prefix).replace("PATH", &path);
                    let body: &[u8] = if matches!(method, "PUT" | "POST") { b"pwned" } else { b"" };
                    let reply = world.wire.send(method, target.as_bytes(), &[], body);
                    world.refused(&format!("{method} {target}"), &reply);
                }
            }
        }
        for path in hostile(&world) {
            let target = format!("/get-artifact?run_uuid={}&path={path}", world.run);
            let reply = world.get(&target);
            world.refused(&target, &reply);
        }
        world.assert_unharmed();
    }
}

/// Bytes that no URL may contain, and a fragment, which no client sends.
#[test]
fn no_handler_takes_raw_bytes_that_climb() {
    let mut world = World::new();
    let attacks: [&[u8]; 8] = [
        b"..\\..\\x",
        b"a\\..\\..\\x",
        b"C:\\Windows\\win.ini",
        b"#/../../../etc",
        b"\xc0\xae\xc0\xae/secret.txt",
        b"..\xc0\xafsecret.txt",
        b"a\x00b",
        b"a\tb",
    ];
    for method in ["GET", "PUT", "DELETE"] {
        for attack in attacks {
            let target = [b"/api/2.0/mlflow-artifacts/artifacts/", attack].concat();
            let reply = world.wire.send(method, &target, &[], b"");
            world.refused(&String::from_utf8_lossy(&target), &reply);
        }
    }
    world.assert_unharmed();
}

/// The path stands in the URL or in the JSON.
#[test]
fn uploads_in_parts_and_presigned_urls_take_no_path_that_climbs() {
    for mut world in World::everywhere() {
        for door in DOORS {
            for path in hostile(&world) {
                for action in ["create", "complete", "abort"] {
                    let target =
                        format!("{}{door}/2.0/mlflow-artifacts/mpu/{action}/{path}", world.prefix);
                    let part = json!([{"part_number": 1, "etag": "x", "url": "u"}]);
                    let id = "0".repeat(32);
                    let body =
                        json!({"path": LOOT, "num_parts": 1, "upload_id": id, "parts": part});
                    let reply = world.wire.json("POST", &target, &body);
                    world.refused(&target, &reply);
                }
                for action in ["presigned-upload-url", "presigned-download-url"] {
                    let run = world.run.clone();
                    let body = json!({"run_id": run, "path": path});
                    let reply = world.post(door, &format!("artifacts/{action}"), &body);
                    world.refused(&format!("{action} {path}"), &reply);
                }
            }
        }
        world.assert_unharmed();
    }
}

/// MLflow's client sends the path of the file on its own disk, whatever that is; of it, only the
/// last name counts.
#[test]
fn the_clients_own_path_does_not_decide_where_parts_go() {
    let mut world = World::new();
    for (path, made) in [
        ("../../../tmp/big.bin", true),
        ("/etc/big.bin", true),
        ("C:\\data\\big.bin", true),
        ("..", false),
        ("../", false),
        ("a\0", false),
        (".modelyard", false),
    ] {
        let target = "/api/2.0/mlflow-artifacts/mpu/create/folder";
        let reply = world.wire.json("POST", target, &json!({"path": path, "num_parts": 1}));
        assert_eq!(reply.status == 200, made, "{path:?}: {reply:?}");
        world.keeps_secrets(path, &reply);
        if !made {
            continue;
        }
        let begun = reply.json();
        let url = begun["credentials"][0]["url"].as_str().expect("a URL").to_owned();
        let target = url.split_once("localhost").expect("the host asked for").1;
        let part = world.wire.send("PUT", target.as_bytes(), &[], b"pwned");
        assert_eq!(part.status, 200, "{part:?}");
        let etag = part.head.lines().find_map(|line| line.strip_prefix("etag: "));
        let parts = json!([{"part_number": 1, "etag": etag.expect("a tag"), "url": url}]);
        let body = json!({"path": path, "upload_id": begun["upload_id"], "parts": parts});
        let target = "/api/2.0/mlflow-artifacts/mpu/complete/folder";
        let done = world.wire.json("POST", target, &body);
        assert_eq!(done.status, 200, "{done:?}");
        let file = world.store().join("folder/big.bin");
        assert_eq!(std::fs::read(&file).expect("it is there"), b"pwned");
        std::fs::remove_file(&file).expect("removed");
    }
    world.assert_unharmed();
}

/// Names that only look dangerous: they are names of files like any other, and stay inside.
#[test]
fn odd_names_stay_inside() {
    let mut world = World::new();
    let names = [
        "..;/x",
        "..%ef%bc%8fx",
        "%e2%80%ae.txt",
        "trailing.",
        "trailing%20",
        "~root",
        "$HOME",
        "%60id%60",
        "-rf",
        "a:b",
        "%25",
        "%2525",
        "CON",
        "aux.txt",
        "A",
        "a",
    ];
    for name in names {
        let reply = world.proxy("/api", "PUT", &format!("/odd/{name}"), name.as_bytes());
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
    }
    for name in names {
        let reply = world.proxy("/ajax-api", "GET", &format!("/odd/{name}"), b"");
        assert_eq!((reply.status, reply.text().as_str()), (200, name), "nothing was overwritten");
    }
    let gone = world.proxy("/api", "DELETE", "/odd", b"");
    assert_eq!(gone.status, 200, "{gone:?}");
    world.assert_unharmed();
}

/// CVE-2023-6975 and its kin: ids are not paths either.
#[test]
fn ids_are_not_paths() {
    let mut world = World::new();
    for id in ["..", "..%2f..%2fsecret.txt", "%2e%2e%2f", "x%00", "/etc/passwd", "%c0%ae", "*"] {
        let long = "x".repeat(4096);
        for id in [id, long.as_str()] {
            for target in [
                format!("/get-artifact?run_uuid={id}&path=secret.txt"),
                format!("/api/2.0/mlflow/artifacts/list?run_id={id}"),
                format!("/api/2.0/mlflow/runs/get?run_id={id}"),
                format!("/api/2.0/mlflow/experiments/get?experiment_id={id}"),
                format!("/api/2.0/mlflow/logged-models/{id}"),
                format!("/api/2.0/mlflow/logged-models/{id}/artifacts/directories"),
                format!(
                    "/ajax-api/2.0/mlflow/logged-models/{id}/artifacts/files?artifact_file_path=x"
                ),
            ] {
                let reply = world.get(&target);
                world.refused(&target, &reply);
            }
            let target = format!("/api/2.0/mlflow-artifacts/mpu/part/{id}/1");
            let reply = world.wire.send("PUT", target.as_bytes(), &[], b"x");
            world.refused(&target, &reply);
        }
    }
    world.assert_unharmed();
}

/// A door that is not in the table is no door.
#[test]
fn other_spellings_of_the_routes_lead_nowhere() {
    let mut world = World::new();
    let file = format!("{}/{}/artifacts/kept.txt", world.experiment, world.run);
    for (method, target) in [
        ("GET", format!("/api/2.0/mlflow-artifacts/artifacts;/{file}")),
        ("GET", format!("/API/2.0/mlflow-artifacts/artifacts/{file}")),
        ("GET", format!("//api/2.0/mlflow-artifacts/artifacts/{file}")),
        ("GET", format!("/api/2.0/../2.0/mlflow-artifacts/artifacts/{file}")),
        ("GET", format!("/api/2.0/mlflow-artifacts/./artifacts/{file}")),
        ("GET", format!("/api%2f2.0/mlflow-artifacts/artifacts/{file}")),
        ("POST", format!("/api/2.0/mlflow-artifacts/artifacts/{file}")),
        ("POST", format!("/api/2.0/mlflow/upload-artifact?run_uuid={}&path=x", world.run)),
    ] {
        let reply: Reply = world.wire.send(method, target.as_bytes(), &[], b"");
        world.refused(&target, &reply);
    }
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let target = format!("/api/2.0/mlflow-artifacts/artifacts/{file}");
        let reply = world.wire.send("GET", target.as_bytes(), &[(header, "DELETE")], b"");
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    world.assert_unharmed();
}
