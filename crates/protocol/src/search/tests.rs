//! What MLflow reads and refuses, and what we read beyond it.

use super::*;

fn run(filter: &str) -> RunFilter {
    parse_run_filter(filter).unwrap().unwrap()
}

#[test]
fn mlflows_filters_are_read() {
    let read = [
        "metrics.m > 1 metrics.n > 2",
        "AND metrics.m > 1",
        "metrics.m > 1 AND AND metrics.n>1",
        "metrics.m > 1 AND",
        "params.a = 'it''s'",
        "tags.'a b'='x'",
        "tags.a.`b c` = 'x'",
        "params.0abc='x'",
        "params.ключ='x'",
        "`run name` = 'x'",
        "\"run name\"='x'",
        "run.run_id IN ('a',)",
        "run_id NOT IN ('a',\"b\")",
        "tags.a is null",
        "tags.`` = 'x'",
        "tags. = 'x'",
        "tags.a LIKE 'b%'AND tags.c='d'",
        "metrics.a> 1E-3 and metrics.b > 1.",
        "start_time=1001.5",
        "tags.mlflow.loggedArtifacts LIKE '%\"path\"%:%\"tab.json\",%\"type\"%:%\"table\"%'",
    ];
    for filter in read {
        assert!(parse_run_filter(filter).is_ok(), "{filter}");
    }
    assert_eq!(parse_run_filter(""), Ok(None));
    assert_eq!(
        run("params.a = 'it''s'"),
        Expr::Text(
            RunText::Param("a".into()),
            TextTest::Equal { value: "it''s".into(), negated: false }
        )
    );
    assert_eq!(
        run("created = 1001.5"),
        Expr::Number(
            RunNumber::StartTime,
            NumberTest::Compare(CompareOp::Equal, Number::Float(1001.5))
        )
    );
}

#[test]
fn mlflows_refusals_stay_refusals() {
    let refused = [
        "Metrics.m > 1",
        "metrics.m > +1",
        "metrics.m = 0x1f",
        "tags.a-b='x'",
        "metrics.m#a > 1",
        "metrics.m > 'a'",
        "params.a = b",
        "params.a = 5",
        "params.a > 'b'",
        "metrics.m LIKE 'a'",
        "run_id > 'a'",
        "run_id in ()",
        "run_id IN ('a',1)",
        "metrics.m > 1;",
        "metrics.m > 1; metrics.n > 1",
        "1 < metrics.m",
        "'x' = tags.a",
        "metrics.m",
        "metrics.m >",
        "metrics . m > 1",
        "tags.a='x' -- c",
        "dataset.foo='a'",
        "metrics.m == 1",
        "metrics.m <> 1",
        "name = 'x'",
        "lifecycle_stage = 'active'",
        "timestamp > 5",
        "metrics.m > metrics.n",
        "tags.a = 'x' 'y'",
        "tags.a = 'x",
        "metrics.m > nan",
        "()",
    ];
    for filter in refused {
        let error = parse_run_filter(filter).expect_err(filter);
        assert!(error.message.contains("at character "), "{filter}: {error}");
    }
}

#[test]
fn places_count_characters() {
    let error = parse_run_filter("tags.ключ = 'é' AND foo = 'x'").unwrap_err();
    assert!(error.message.ends_with("(at character 21 of the filter)."), "{error}");
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    let leaf = |key: &str| run(&format!("tags.{key} = 'x'"));
    assert_eq!(
        run("tags.a='x' OR NOT tags.b='x' AND tags.c='x'"),
        Expr::Or(vec![leaf("a"), Expr::And(vec![Expr::Not(Box::new(leaf("b"))), leaf("c")])])
    );
}

#[test]
fn depth_and_size_are_limited() {
    let nested = |levels: usize| format!("{}tags.a='x'{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse_run_filter(&nested(crate::limits::MAX_FILTER_DEPTH)).is_ok());
    assert!(parse_run_filter(&nested(crate::limits::MAX_FILTER_DEPTH + 1)).is_err());
    assert!(parse_run_filter(&"NOT ".repeat(50_000)).is_err());
    let many = |count: usize| vec!["tags.a='x'"; count].join(" AND ");
    assert!(parse_run_filter(&many(crate::limits::MAX_FILTER_COMPARISONS)).is_ok());
    assert!(parse_run_filter(&many(crate::limits::MAX_FILTER_COMPARISONS + 1)).is_err());
    let list = format!("run_id IN ({}'x')", "'x',".repeat(crate::limits::MAX_FILTER_LITERALS));
    assert!(parse_run_filter(&list).is_err());
}

#[test]
fn experiments_take_their_own_fields_only() {
    let read = [
        "name='x'",
        "attribute.name ILIKE 'x%'",
        "experiment_id='5'",
        "experiment_id NOT IN ('1','2')",
        "creation_time > 5",
        "creation_time BETWEEN 1 AND 2",
        "tag.a IS NOT NULL",
        "name IN ('a')",
    ];
    for filter in read {
        assert!(parse_experiment_filter(filter).is_ok(), "{filter}");
    }
    let refused = [
        "attributes.name='x'",
        "experiment_id=5",
        "experiment_id > '5'",
        "experiment_id = 'abc'",
        "creation_time>1.5",
        "creation_time>'5'",
        "params.a='x'",
        "lifecycle_stage='active'",
    ];
    for filter in refused {
        assert!(parse_experiment_filter(filter).is_err(), "{filter}");
    }
}

#[test]
fn logged_models_take_unquoted_texts_and_both_status_names() {
    let status = |value: &str| {
        Expr::Text(LoggedModelText::Status, TextTest::Equal { value: value.into(), negated: false })
    };
    let parse = |filter: &str| parse_logged_model_filter(filter).unwrap().unwrap();
    assert_eq!(parse("status = 'LOGGED_MODEL_UPLOAD_FAILED'"), status("FAILED"));
    assert_eq!(parse("attributes.status = READY AND"), status("READY"));
    assert!(
        matches!(parse("params.lr = 0.01"), Expr::Text(_, TextTest::Equal { value, .. }) if value == "0.01")
    );
    let refused = [
        "param.a='x'",
        "foo='x'",
        "metrics.m > '1'",
        "metrics.m LIKE 'x'",
        "name > 'x'",
        "name IN ()",
    ];
    for filter in refused {
        assert!(parse_logged_model_filter(filter).is_err(), "{filter}");
    }
}

fn order(clauses: &[&str]) -> Result<RunOrder, crate::Error> {
    parse_run_order(&clauses.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>())
}

#[test]
fn run_orders_end_in_mlflows_tie_breaks() {
    let key = |field, ascending| OrderKey { field, ascending };
    use RunOrderField as F;
    assert_eq!(order(&[]).unwrap(), [key(F::StartTime, false), key(F::RunId, true)]);
    assert_eq!(
        order(&["metrics.`a b` DESC", "Created"]).unwrap(),
        [key(F::Metric("a b".into()), false), key(F::StartTime, true), key(F::RunId, true)]
    );
    assert_eq!(order(&["run_id desc"]).unwrap(), [key(F::RunId, false)]);
}

#[test]
fn orders_mlflow_cannot_read_are_refused() {
    let refused = [
        "metrics.m FOO",
        "metrics.m DESC x",
        "a, b",
        "",
        "run name",
        "`run name`",
        "datasets.name",
        "metrics.a-b",
        "params.x;",
        "'metrics.m'",
        "lifecycle_stage",
    ];
    for clause in refused {
        assert!(order(&[clause]).is_err(), "{clause}");
    }
    assert!(order(&["start_time", "created DESC"]).is_err());
    assert!(order(&["metrics.m"; 17]).is_err());
}
