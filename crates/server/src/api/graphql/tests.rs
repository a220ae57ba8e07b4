use apollo_compiler::response::JsonValue;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing;

async fn ask(app: &AppState, query: &str, variables: Value) -> Answer {
    let body = json!({ "query": query, "variables": variables });
    let query = serde_json::from_value(body).expect("a query");
    answer(app, &query).await.expect("an answer")
}

#[tokio::test]
async fn the_schema_is_valid_and_introspection_answers_from_it() {
    let (app, _router, _folder) = testing::app(|_| {}).await;
    assert!(SCHEMA.is_some());
    let answer = ask(&app, "{ __schema { queryType { name } } __typename }", Value::Null).await;
    assert_eq!(answer.errors, None);
    let data = answer.data.expect("data");
    assert_eq!(data.get("__typename"), Some(&JsonValue::from("Query")));
}

/// Fragments that use others twice double with each; no limit of MLflow's counts the fragments themselves.
#[tokio::test]
async fn queries_that_grow_when_they_are_spread_out_are_refused() {
    let (app, _router, _folder) = testing::app(|_| {}).await;
    let chain = (0..1100).map(|i| format!("fragment F{i} on Test{{...F{}}}", i + 1));
    let chain: String = chain.collect();
    let chain = format!("{{ test(inputString: \"x\") {{ ...F0 }} }} {chain}");
    let wide =
        format!("{{ test(inputString: \"x\") {{ {} output }} }}", "...{output}".repeat(1100));
    let nested = format!("{{ {} __typename {} }}", "... { ".repeat(3000), "}".repeat(3000));
    let broad = format!("{{ test(inputString: [{}]) {{ output }} }}", "1, ".repeat(30_000));
    for query in [chain, wide] {
        let answer = ask(&app, &query, Value::Null).await;
        let errors = answer.errors.expect("errors");
        assert!(errors[0].starts_with("Query exceeds maximum total"), "{errors:?}");
    }
    for text in [nested, broad] {
        let query = Query { query: text, variables: None, operation: None };
        let error = answer(&app, &query).await.expect_err("refused");
        assert_eq!(error.error.code.http_status(), 400, "{error:?}");
    }
}

/// Pieces of queries, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "!",
        "$",
        "@",
        "...",
        "on",
        "query",
        "mutation",
        "fragment",
        "F",
        "test",
        "output",
        "mlflowGetRun",
        "input",
        "run",
        "info",
        "\"",
        "\"\"\"",
        "\\u{110000}",
        "1e999",
        "-",
        "null",
        "$v",
        "@skip(if: true)",
        "__schema",
        "__type",
        "types",
        "é\u{0}",
        "#",
        ",",
        "inputString",
        "=",
        "|",
        "&",
        "String",
        "extend",
        "schema",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn no_text_is_answered_by_a_fault(text in prop_oneof![pieces(), any::<String>()]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (app, _router, _folder) = testing::app(|_| {}).await;
            let query = Query { query: text, variables: None, operation: None };
            if let Err(error) = answer(&app, &query).await {
                assert_eq!(error.error.code.http_status(), 400, "{error:?}");
            }
        });
    }
}
