//! The proxy: whole paths in, files out.

use std::io::{Read, Write};

use serde_json::json;

use crate::{PROXY, assert_refused, get, names, pattern, put, start};

#[test]
fn a_file_comes_back_with_what_browsers_and_caches_need() {
    let server = start(&[]);
    put(&server, "a/plot.png", b"png");
    let answer = get(&server, "a/plot.png");
    assert_eq!((answer.status, answer.text()), (200, "png"));
    assert_eq!(answer.header("content-type"), "image/png");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=plot.png");
    assert_eq!(answer.header("content-length"), "3");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("last-modified").ends_with(" GMT"));
    let head = server.send("HEAD", &format!("{PROXY}/a/plot.png"), &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-type", "content-length", "content-disposition", "etag", "last-modified"] {
        assert_eq!(head.header(name), answer.header(name), "{name}");
    }
}

#[test]
fn a_copy_is_asked_after_before_it_is_used() {
    let server = start(&[]);
    put(&server, "f", b"one");
    let first = get(&server, "f");
    let ask =
        |name: &str, value: &str| server.send("GET", &format!("{PROXY}/f"), &[(name, value)], b"");
    let known = ask("if-none-match", first.header("etag"));
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(known.header("etag"), first.header("etag"));
    assert_eq!(ask("if-modified-since", first.header("last-modified")).status, 304);
    put(&server, "f", b"two");
    let changed = ask("if-none-match", first.header("etag"));
    assert_eq!((changed.status, changed.text()), (200, "two"));
}

#[test]
fn any_single_range_of_small_and_large_files_is_served() {
    let server = start(&[]);
    for size in [1_000, 3 << 20] {
        let data = pattern(size);
        put(&server, "f", &data);
        let etag = get(&server, "f").header("etag").to_owned();
        let ask = |range: &str, if_range: &str| {
            let headers = [("range", range), ("if-range", if_range)];
            server.send("GET", &format!("{PROXY}/f"), &headers, b"")
        };
        for (range, part) in [
            ("bytes=0-0".to_owned(), 0..1),
            ("bytes=10-19".to_owned(), 10..20),
            (format!("bytes={}-", size / 2), size / 2..size),
            ("bytes=-7".to_owned(), size - 7..size),
            (format!("bytes=1-{}", size * 2), 1..size),
        ] {
            let answer = ask(&range, &etag);
            assert_eq!(answer.status, 206, "{range}");
            assert!(answer.body == data[part.clone()], "{range}");
            let shown = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            assert_eq!(answer.header("content-range"), shown);
        }
        let beyond = ask(&format!("bytes={size}-"), &etag);
        assert_eq!(beyond.status, 416);
        assert_eq!(beyond.header("content-range"), format!("bytes */{size}"));
        let another = ask("bytes=10-19", "\"another\"");
        assert_eq!((another.status, another.body.len()), (200, size));
    }
}

#[test]
fn folders_are_listed_and_removed() {
    let server = start(&[]);
    for name in ["1/b.txt", "1/a/c", "1/a/d/e", "1/empty", "2/x"] {
        put(&server, name, if name == "1/empty" { b"" } else { b"12345" });
    }
    assert_eq!(names(&server.get(PROXY)), ["1/", "2/"]);
    let listing = server.get(&format!("{PROXY}?path=1"));
    assert_eq!(names(&listing), ["a/", "b.txt", "empty"]);
    let expected = json!({"path": "b.txt", "is_dir": false, "file_size": 5});
    assert_eq!(listing.json()["files"][1], expected);
    assert_eq!(listing.json()["files"][2], json!({"path": "empty", "is_dir": false}));
    assert_eq!(server.get(&format!("{PROXY}?path=1/b.txt")).text(), "{}", "a file has no files");
    let delete = |path: &str| server.send("DELETE", &format!("{PROXY}/{path}"), &[], b"");
    for path in ["1/a", "1/a", "nothing"] {
        assert_eq!((delete(path).status, delete(path).text()), (200, "{}"), "{path}");
    }
    assert_eq!(names(&server.get(&format!("{PROXY}?path=1"))), ["b.txt", "empty"]);
    assert_refused(&get(&server, "1/a/c"), 404, "No such artifact: '1/a/c'");
}

#[test]
fn names_that_are_taken_or_incomplete_are_refused() {
    let server = start(&[]);
    put(&server, "folder/file", b"x");
    let upload = |path: &str, size: usize| {
        server.send("PUT", &format!("{PROXY}/{path}"), &[], &vec![b'x'; size])
    };
    for size in [1, 100_000] {
        assert_refused(&upload("folder", size), 400, "refers to a directory");
        assert_refused(&upload("folder/file/x", size), 400, "is a file, not a folder");
        assert_refused(&upload("folder/", size), 400, "must include a filename");
        assert_refused(&upload("what?x.txt", size), 400, "must not contain '?'");
    }
    assert_refused(&upload("", 1), 400, "Invalid path");
    assert_refused(&get(&server, "folder"), 400, "refers to a directory");
    assert_eq!(names(&server.get(&format!("{PROXY}?path=folder"))), ["file"]);
}

/// Most clients send everything before they read the answer; they must still get to read it.
#[test]
fn a_refused_upload_is_told_why_however_large_it_is() {
    let server = start(&[]);
    put(&server, "folder/file", b"x");
    let body = vec![b'x'; 8 << 20];
    for path in ["folder", "../x", ".modelyard/x"] {
        let mut stream = server.connect();
        let head = format!(
            "PUT {PROXY}/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(&body).expect("the server reads to the end");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        assert!(answer.contains("INVALID_PARAMETER_VALUE"), "{path}: {answer}");
    }
}

#[test]
fn an_upload_of_unknown_length_is_stored_whole_or_not_at_all() {
    let server = start(&[]);
    let data = pattern(700_000);
    let head = |name: &str| {
        format!(
            "PUT {PROXY}/{name} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
             Connection: close\r\n\r\n"
        )
        .into_bytes()
    };
    let mut request = head("chunked");
    for chunk in data.chunks(50_000) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    let whole = [&request[..], b"0\r\n\r\n"].concat();
    assert!(server.raw(&whole).starts_with("HTTP/1.1 200 "));
    assert!(get(&server, "chunked").body == data);

    let mut stream = server.connect();
    let broken = [&head("broken")[..], &request[request.len() - 50_002..]].concat();
    stream.write_all(&broken).expect("sent");
    drop(stream);
    assert_eq!(get(&server, "broken").status, 404);
}

#[test]
fn half_a_server_keeps_its_half() {
    let artifacts = start(&["--artifacts-only"]);
    put(&artifacts, "f", b"x");
    assert_eq!(get(&artifacts, "f").text(), "x");
    assert_eq!(artifacts.get("/get-artifact?run_id=x&path=f").status, 503);
    let tracking = start(&["--no-serve-artifacts"]);
    assert_eq!(get(&tracking, "f").status, 503);
    assert_eq!(tracking.send("PUT", &format!("{PROXY}/f"), &[], b"x").status, 503);
    let info = tracking.get("/api/3.0/mlflow/server-info").json();
    assert_eq!(info["multipart_uploads_enabled"], false);
}
