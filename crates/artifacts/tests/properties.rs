//! What must hold for every text whatsoever.

use std::path::{Component, Path};

use modelyard_artifacts::{
    ArtifactPath, ArtifactUri, DEPTH_MAX, NAME_MAX_BYTES, PATH_MAX_BYTES, RESERVED_NAME,
};
use proptest::prelude::*;

/// Texts made of what attacks are made of, and of ordinary names.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "..",
            ".",
            "/",
            "//",
            "\\",
            "%2e",
            "%2E%2e",
            "%252e",
            "%2f",
            "%252F",
            "%5c",
            "%00",
            "\0",
            "\n",
            "#",
            "?",
            ";",
            ":",
            "C:",
            "file:",
            "http://",
            "%u002e",
            "．",
            "%",
            "%25",
            ".modelyard",
            "a",
            "b.txt",
            "é",
            " ",
            "~",
            "\u{202e}",
            "\u{85}",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z]{1,8}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Percent-decodes until nothing changes, as a careless reader further down might.
fn decoded_to_the_end(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..50 {
        let next = percent_decode(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

    #[test]
    fn reading_a_path_twice_changes_nothing(text in hostile()) {
        if let Ok(path) = ArtifactPath::parse(&text) {
            prop_assert_eq!(ArtifactPath::parse(path.as_str()), Ok(path.clone()));
            prop_assert_eq!(ArtifactPath::parse_folder(path.as_str()), Ok(Some(path)));
        }
    }

    #[test]
    fn a_path_never_leaves_its_root(text in hostile()) {
        if let Ok(path) = ArtifactPath::parse(&text) {
            for reading in [path.as_str().to_owned(), decoded_to_the_end(path.as_str())] {
                let mut depth = 0;
                for component in Path::new(&reading.replace('\\', "/")).components() {
                    match component {
                        Component::Normal(_) => depth += 1,
                        Component::CurDir => {}
                        _ => prop_assert!(false, "{:?} leads elsewhere", reading),
                    }
                }
                prop_assert!(depth > 0 || reading != path.as_str());
            }
        }
    }

    #[test]
    fn names_are_safe_on_their_own(text in hostile()) {
        if let Ok(path) = ArtifactPath::parse(&text) {
            prop_assert!(path.as_str().len() <= PATH_MAX_BYTES);
            prop_assert!(path.names().count() <= DEPTH_MAX);
            for name in path.names() {
                prop_assert!(!name.is_empty() && name.len() <= NAME_MAX_BYTES);
                prop_assert!(name != "." && name != "..");
                prop_assert!(!name.eq_ignore_ascii_case(RESERVED_NAME));
                prop_assert!(!name.contains(['/', '\\', '#', '?']));
                prop_assert!(!name.contains(char::is_control));
            }
        }
    }

    #[test]
    fn joining_is_the_same_as_reading_the_whole(left in hostile(), right in hostile()) {
        if let (Ok(left), Ok(right)) = (ArtifactPath::parse(&left), ArtifactPath::parse(&right)) {
            let joined = right.below(Some(&left)).expect("short");
            prop_assert!(joined.is_within(&left));
            prop_assert_eq!(joined.file_name(), right.file_name());
            prop_assert_eq!(ArtifactPath::parse(joined.as_str()), Ok(joined));
        }
    }

    #[test]
    fn every_part_of_a_path_is_one(text in hostile()) {
        if let Ok(path) = ArtifactPath::parse(&text) {
            let names: Vec<&str> = path.names().collect();
            for cut in 1..names.len() {
                for part in [names[..cut].join("/"), names[cut..].join("/")] {
                    let parsed = ArtifactPath::parse(&part);
                    prop_assert_eq!(parsed.as_ref().map(|p| p.as_str()), Ok(part.as_str()));
                }
            }
        }
    }

    #[test]
    fn ordinary_names_are_never_refused(
        names in prop::collection::vec("[A-Za-z0-9_+%=,@(){}é한-][A-Za-z0-9 ._+%=,@(){}é한-]{0,30}", 1..5)
    ) {
        let text = names.join("/").replace("..", ".x");
        // An escape in the name may still spell something that is refused.
        let end = decoded_to_the_end(&text);
        prop_assume!(!end.contains("..") && !end.contains(':'));
        let starts = |name| decoded_to_the_end(name).starts_with(['/', '\\']);
        prop_assume!(!text.split('/').any(starts));
        let path = ArtifactPath::parse(&text).expect("ordinary");
        prop_assert_eq!(path.as_str(), text);
    }

    #[test]
    fn a_location_is_stable_and_does_not_climb(text in hostile(), scheme in "([a-z0-9-]{1,9}:)?/{0,3}") {
        let text = format!("{scheme}{text}");
        if let Ok(uri) = ArtifactUri::parse(&text, Path::new("/work")) {
            let again = ArtifactUri::parse(uri.as_str(), Path::new("/elsewhere"));
            prop_assert_eq!(again, Ok(uri.clone()));
            let end = decoded_to_the_end(uri.as_str()).replace('\\', "/");
            prop_assert!(!end.split(['/', '?']).any(|name| name == ".."), "{}", end);
            let below = ArtifactUri::parse(&uri.appended("r/artifacts"), Path::new("/work"));
            prop_assert!(below.is_ok(), "a run below {} is readable", uri);
        }
    }
}
