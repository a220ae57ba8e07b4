//! The SQL in the store's sources: placeholders in order, statements that both engines understand, and no
//! statement that reads a whole table.

use std::path::Path;

use modelyard_database::{Conn, Database, Error, Migration, Param};

use crate::harness::*;

/// The schema, as the sources have it.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "tracking",
        schema: include_str!("../../src/migrations/0001_tracking.sql"),
    },
    Migration {
        version: 2,
        name: "registry",
        schema: include_str!("../../src/migrations/0002_registry.sql"),
    },
    Migration {
        version: 3,
        name: "webhooks",
        schema: include_str!("../../src/migrations/0003_webhooks.sql"),
    },
    Migration {
        version: 4,
        name: "places of model versions",
        schema: include_str!("../../src/migrations/0004_version_places.sql"),
    },
];

/// A text in the sources, and where it stands.
#[derive(Debug)]
struct Literal {
    place: String,
    text: String,
}

/// All texts in the sources, but for unit tests.
fn literals() -> Vec<Literal> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                let source = source.split("#[cfg(test)]").next().unwrap();
                let file = path.file_name().unwrap().to_str().unwrap();
                found.extend(
                    texts(source)
                        .into_iter()
                        .map(|(line, text)| Literal { place: format!("{file}:{line}"), text }),
                );
            }
        }
    }
    found
}

/// The string literals of a Rust source without raw strings, with their lines.
fn texts(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut line, mut rest) = (1, source.chars().peekable());
    while let Some(char) = rest.next() {
        match char {
            '\n' => line += 1,
            '/' if rest.peek() == Some(&'/') => {
                rest.by_ref().take_while(|&char| char != '\n').for_each(drop);
                line += 1;
            }
            // A character; a lifetime has no closing quote.
            '\'' => {
                let mut ahead = rest.clone();
                let escaped = ahead.next() == Some('\\');
                if escaped {
                    ahead.next();
                }
                if ahead.next() == Some('\'') {
                    rest = ahead;
                }
            }
            '"' => {
                let start = line;
                let mut text = String::new();
                while let Some(char) = rest.next().filter(|&char| char != '"') {
                    line += usize::from(char == '\n');
                    if char != '\\' {
                        text.push(char);
                        continue;
                    }
                    match rest.next() {
                        Some('\n') => {
                            line += 1;
                            while let Some(space) = rest.next_if(|char| char.is_whitespace()) {
                                line += usize::from(space == '\n');
                            }
                        }
                        Some('n') => text.push('\n'),
                        Some(other) => text.push(other),
                        None => {}
                    }
                }
                found.push((start, text));
            }
            _ => {}
        }
    }
    found
}

/// The numbers of the placeholders of a text, in the order of their first appearance.
fn placeholders(text: &str) -> Vec<usize> {
    let mut numbers = Vec::new();
    for (at, _) in text.match_indices('$') {
        let digits: String =
            text[at + 1..].chars().take_while(|char| char.is_ascii_digit()).collect();
        match digits.parse() {
            Ok(number) if !numbers.contains(&number) => numbers.push(number),
            _ => {}
        }
    }
    numbers
}

#[test]
fn texts_are_found_in_sources() {
    let source =
        "let a = \"x\\\n   y\"; // \"no\"\nlet c = '\"'; let d: &'a str = \"$2 \\\"z\\\"\";";
    let expected = [(1, "xy".to_owned()), (3, "$2 \"z\"".to_owned())];
    assert_eq!(texts(source), expected);
    assert_eq!(placeholders("$2, $1, $2 ${x} $10"), [2, 1, 10]);
}

/// SQLite numbers placeholders as they appear, PostgreSQL as they are written.
#[test]
fn placeholders_first_appear_in_order() {
    let mut checked = 0;
    for Literal { place, text } in literals() {
        let numbers = placeholders(&text);
        let expected: Vec<usize> = (1..=numbers.len()).collect();
        assert_eq!(numbers, expected, "{place}: {text}");
        checked += usize::from(!numbers.is_empty());
    }
    assert!(checked > 40, "only {checked} texts with placeholders were found");
}

/// The texts that are statements of their own, not the beginnings of one.
fn statements() -> Vec<Literal> {
    let found = literals().into_iter().filter_map(|Literal { place, text }| {
        // A list of rows.
        let text = text.replace("{ids}", "$1, $2");
        let reads = text.starts_with("SELECT ") && text.contains(" FROM ");
        let writes = (text.starts_with("INSERT ") && text.contains(" VALUES "))
            || (text.starts_with("UPDATE ") && text.contains(" WHERE "))
            || text.starts_with("DELETE ");
        let open = text.matches('(').count() > text.matches(')').count();
        let whole = !open && !text.ends_with("= ") && !text.ends_with(", ") && !text.contains('{');
        ((reads || writes) && whole).then_some(Literal { place, text })
    });
    found.collect()
}

/// Hands each statement's plan to `each`.
async fn explain_all(
    uri: modelyard_database::DatabaseUri,
    mut each: impl FnMut(&Literal, Vec<String>),
) {
    let db = Database::open(&uri, MIGRATIONS, &context()).await.unwrap();
    let statements = statements();
    assert!(statements.len() > 40, "only {} statements were found", statements.len());
    for literal in statements {
        let text = literal.text.clone();
        let plan = db.read(text, |conn, text| Box::pin(explain(conn, text))).await;
        let plan = plan.unwrap_or_else(|error| {
            panic!("{} is not understood: {error}\n{}", literal.place, literal.text)
        });
        each(&literal, plan);
    }
}

async fn explain(conn: &mut Conn, text: &str) -> Result<Vec<String>, Error> {
    let nothing = vec![Param::Null; placeholders(text).len()];
    conn.explain(text, &nothing).await
}

/// Tables that hold more than a handful of rows.
const LARGE: [&str; 11] = [
    "run",
    "param",
    "run_tag",
    "metric",
    "metric_point",
    "metric_name",
    "model_version",
    "model_version_tag",
    "event",
    "webhook_delivery",
    "webhook_lane",
];

#[test]
fn sqlite_understands_every_statement_and_scans_no_large_table() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(explain_all(sqlite_uri(folder.path()), |literal, plan| {
        for line in plan {
            let Some(scanned) = line.strip_prefix("SCAN ") else { continue };
            let alias = scanned.split(' ').next().unwrap();
            let is = |table: &&str| {
                let named = |name: &str| literal.text.contains(&format!("{name} {table} {alias}"));
                alias == *table || named("FROM") || named("JOIN")
            };
            assert!(!LARGE.iter().any(is), "{}: {line}", literal.place);
        }
    }));
}

#[test]
fn postgres_understands_every_statement() {
    let Some(uri) = postgres_uri() else { return };
    runtime().block_on(explain_all(uri, |literal, plan| {
        assert!(!plan.is_empty(), "{}", literal.place);
    }));
}
