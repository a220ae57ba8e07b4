//! Artifact locations that lead elsewhere (CVE-2023-6909, -6975, CVE-2024-1483, -1593, -1594,
//! -2928, -3573, -3848, -8859, GHSA-mr9f-g8qf-4w4j).

use std::net::TcpListener;

use serde_json::json;

use crate::world::{DOORS, World};

/// Hosts that are this machine, in every way to write it.
const HERE: [&str; 14] = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "100.64.0.1",
    "0.0.0.0",
    "localhost.",
    "user@evil@127.0.0.1",
    "evil%5c@127.0.0.1",
];

fn hostile(world: &World) -> Vec<String> {
    let fixed = [
        "file:etc",
        "file://HOST/../../../etc",
        "file://./etc",
        "file:../../etc",
        "file:////etc",
        "//etc",
        "///etc",
        "../etc",
        "../../../../etc",
        "..",
        "",
        " /etc",
        "/etc\n",
        "\t/etc",
        "\0/etc",
        "//proc/self/root",
        "\\\\host\\share",
        "\\etc",
        "C:\\x",
        "C:/x",
        "#/../../../etc",
        "/etc#",
        "http:///#/../../../etc",
        "http:///#/../../../../etc/",
        "http://h#/../../../../../etc/",
        "http:///?/../../../../etc/",
        "http://h/api/2.0/mlflow-artifacts/artifacts/;..%2f..",
        "http://h/api/2.0/mlflow-artifacts/artifacts/..%2f..",
        "http://h/x",
        "https://h/x",
        "http:/etc",
        "http:etc",
        "ftp://evil/x",
        "ftp://evil/..",
        "ftp:///etc",
        "sftp://evil/x",
        "hdfs://evil:8020/x",
        "hdfs:///x",
        "viewfs://evil/x",
        "r2://bucket@evil/x",
        "b2://bucket@evil/x",
        "abfss://container@evil/x",
        "mlflow-artifacts://evil:1/",
        "mlflow-artifacts://evil/x",
        "mlflow-artifacts:/../x",
        "mlflow-artifacts:/x/../../y",
        "mlflow-artifacts:/%2e%2e/x",
        "mlflow-artifacts:/%252e%252e%252fx",
        "mlflow-artifacts:////etc",
        "mlflow-artifacts:/.modelyard",
        "mlflow-artifacts:/a\\b",
        "mlflow-artifacts:/a#b",
        "mlflow-artifacts:/a;b",
        "mlflow-artifacts:/a?b",
        "dbfs:/../../etc",
        "s3:/b/../../x",
        "s3://b/../x",
        "s3://b/x;..",
        "s3://b/%2e%2e/x",
        "s3://b/x?y=../",
        "s3://b/x?y=%252e%252e/",
        "s3:///x",
        "gs://b/..",
        "runs:/x/y",
        "models:/x/1",
        "javascript:alert(1)",
        "data:text/html,x",
    ];
    let mut locations: Vec<String> = fixed.iter().map(|&it| it.to_owned()).collect();
    // Empty is the default location, which is fine.
    locations.retain(|location| !location.is_empty());
    locations.push(format!("{}/../", world.store().display()));
    locations
}

/// Folders of this machine that are none of the server's: fine as places for clients, as in MLflow,
/// but the server may not go there.
fn local(world: &World) -> Vec<String> {
    let fixed = [
        "file:///etc",
        "file:/etc",
        "FILE:///etc",
        "File:///etc",
        "file://localhost/etc",
        "file:///etc%2f",
        "/etc",
        "etc",
        "./etc",
        "~",
        ".",
        "/",
    ];
    let mut locations: Vec<String> = fixed.iter().map(|&it| it.to_owned()).collect();
    locations.push(world.outside().display().to_string());
    locations.push(format!("file://{}", world.outside().display()));
    locations.push(world.server.data().display().to_string());
    locations.push(format!("{}/.modelyard/x", world.store().display()));
    locations.push(format!("{}2", world.store().display()));
    locations
}

/// Makes an experiment there, and fails if the server reads or writes anything of its runs.
fn assert_out_of_reach(world: &mut World, location: &str) {
    let body = json!({"name": format!("at {location}"), "artifact_location": location});
    let experiment = world.call("experiments/create", &body)["experiment_id"].clone();
    let run = json!({"experiment_id": experiment, "start_time": 1});
    let run = world.call("runs/create", &run)["run"]["info"]["run_id"].clone();
    let run = run.as_str().expect("an id");
    let model = json!({"experiment_id": experiment, "name": "m"});
    let model = world.call("logged-models", &model)["model"]["info"]["model_id"].clone();
    let model = format!("mlflow/logged-models/{}/artifacts", model.as_str().expect("an id"));
    for path in ["secret.txt", "passwd", "../passwd", "kept.txt"] {
        for (method, target) in [
            ("GET", format!("/get-artifact?run_uuid={run}&path={path}")),
            ("GET", format!("/api/2.0/mlflow/artifacts/list?run_id={run}")),
            ("GET", format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path={path}")),
            ("POST", format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path={path}")),
            ("GET", format!("/ajax-api/2.0/{model}/files?artifact_file_path={path}")),
            ("GET", format!("/api/2.0/{model}/directories")),
        ] {
            let reply = world.wire.send(method, target.as_bytes(), &[], b"pwned");
            world.refused(location, &reply);
        }
    }
    let reply = world.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}"));
    let message = reply.json()["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("--allow-artifact-location"), "says what to do: {message}");
}

#[test]
fn local_folders_elsewhere_are_out_of_the_servers_reach() {
    let mut world = World::new();
    for location in local(&world) {
        assert_out_of_reach(&mut world, &location);
    }
    world.assert_unharmed();
}

#[test]
fn no_experiment_is_placed_elsewhere() {
    for mut world in World::everywhere() {
        for door in DOORS {
            for (number, location) in hostile(&world).into_iter().enumerate() {
                let name = format!("{door} {number}");
                let body = json!({"name": name, "artifact_location": location});
                let reply = world.post(door, "experiments/create", &body);
                world.refused(&location, &reply);
                assert_eq!(reply.json()["error_code"], "INVALID_PARAMETER_VALUE", "{location}");
                let target = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=";
                let target = format!("{target}{}%20{number}", door.replace('/', "%2f"));
                assert_eq!(world.get(&target).status, 404, "{location} was refused but kept");
            }
        }
        world.assert_unharmed();
    }
}

/// The server must not even try to connect.
#[test]
fn no_location_makes_the_server_connect() {
    let mut world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("not blocking");
    let port = listener.local_addr().expect("its address").port();
    for scheme in ["http", "https", "ftp", "sftp", "hdfs", "mlflow-artifacts", "r2", "abfss"] {
        for host in HERE {
            let location = format!("{scheme}://{host}:{port}/x");
            let body = json!({"name": location, "artifact_location": location});
            let reply = world.post("/api", "experiments/create", &body);
            world.refused(&location, &reply);
        }
    }
    // Locations that are allowed are for the clients: the server does not go there.
    for (scheme, status, code) in [
        ("s3", 400, "INVALID_PARAMETER_VALUE"),
        ("gs", 400, "INVALID_PARAMETER_VALUE"),
        ("dbfs", 501, "NOT_IMPLEMENTED"),
        ("foo", 501, "NOT_IMPLEMENTED"),
        ("databricks", 501, "NOT_IMPLEMENTED"),
    ] {
        let location = format!("{scheme}://127.0.0.1:{port}/x");
        let body = json!({"name": location, "artifact_location": location});
        let experiment = world.call("experiments/create", &body)["experiment_id"].clone();
        let run = json!({"experiment_id": experiment, "start_time": 1});
        let run = world.call("runs/create", &run)["run"]["info"]["run_id"].clone();
        let run = run.as_str().expect("an id");
        for target in [
            format!("/get-artifact?run_uuid={run}&path=x"),
            format!("/api/2.0/mlflow/artifacts/list?run_id={run}"),
        ] {
            let reply = world.get(&target);
            assert_eq!(reply.status, status, "{target}: {reply:?}");
            assert_eq!(reply.json()["error_code"], code);
        }
        let target = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=x");
        let reply = world.wire.send("POST", target.as_bytes(), &[], b"pwned");
        assert_eq!(reply.status, status, "{reply:?}");
    }
    let error = listener.accept().expect_err("nobody came");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    world.assert_unharmed();
}

/// What the operator allows is allowed, and no more.
#[test]
fn allowed_folders_end_where_they_end() {
    let extra = tempfile::tempdir().expect("a folder");
    let folder = extra.path().join("allowed");
    std::fs::create_dir(&folder).expect("made");
    let folder = folder.display().to_string();
    let mut world = World::with(&["--allow-artifact-location", &folder]);
    let inside = json!({"name": "inside", "artifact_location": format!("{folder}/a")});
    let experiment = world.call("experiments/create", &inside)["experiment_id"].clone();
    let run = json!({"experiment_id": experiment, "start_time": 1});
    let run = world.call("runs/create", &run)["run"]["info"]["run_id"].clone();
    let run = run.as_str().expect("an id").to_owned();
    let target = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=d/x.txt");
    let reply = world.wire.send("POST", target.as_bytes(), &[], b"fine");
    assert_eq!(reply.status, 200, "{reply:?}");
    let file = format!("{folder}/a/{run}/artifacts/d/x.txt");
    assert_eq!(std::fs::read(file).expect("it is there"), b"fine");
    for location in
        [format!("{folder}2/a"), extra.path().display().to_string(), format!("{folder}/.modelyard")]
    {
        assert_out_of_reach(&mut world, &location);
    }
    let location = format!("{folder}/../a");
    let body = json!({"name": location, "artifact_location": location});
    let reply = world.post("/api", "experiments/create", &body);
    world.refused(&location, &reply);
    world.assert_unharmed();
}
