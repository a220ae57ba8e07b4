//! Property tests of the grammar, and the corpus of what MLflow reads and refuses.

use proptest::prelude::*;

use super::*;

fn quote(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}

fn number_text(number: Number) -> String {
    match number {
        Number::Integer(value) => value.to_string(),
        Number::Float(value) if value == f64::INFINITY => "1e999".to_owned(),
        Number::Float(value) if value == f64::NEG_INFINITY => "-1e999".to_owned(),
        Number::Float(value) => format!("{value:?}"),
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("({})", values.collect::<Vec<_>>().join(", "))
}

fn number_test(test: &NumberTest) -> String {
    match test {
        NumberTest::Compare(op, value) => format!("{} {}", op.symbol(), number_text(*value)),
        NumberTest::In { values, negated } => {
            format!("{}IN {}", not(*negated), list(values.iter().map(|v| number_text(*v))))
        }
        NumberTest::Between { low, high, negated } => {
            format!("{}between {} and {}", not(*negated), number_text(*low), number_text(*high))
        }
        NumberTest::IsNull { negated } => format!("is {}null", not(*negated)),
    }
}

fn text_test(test: &TextTest) -> String {
    match test {
        TextTest::Equal { value, negated } => {
            format!("{} {}", if *negated { "!=" } else { "=" }, quote(value))
        }
        TextTest::Like { pattern, case_insensitive, negated } => {
            let like = if *case_insensitive { "ILIKE" } else { "like" };
            format!("{}{like} {}", not(*negated), quote(pattern))
        }
        TextTest::In { values, negated } => {
            format!("{}IN {}", not(*negated), list(values.iter().map(|v| quote(v))))
        }
        TextTest::IsNull { negated } => format!("IS {}NULL", not(*negated)),
    }
}

fn run_number(field: &RunNumber) -> String {
    match field {
        RunNumber::Metric(key) => format!("metrics.`{key}`"),
        RunNumber::StartTime => "attributes.start_time".to_owned(),
        RunNumber::EndTime => "end_time".to_owned(),
    }
}

fn run_text(field: &RunText) -> String {
    match field {
        RunText::Param(key) => format!("param.\"{key}\""),
        RunText::Tag(key) => format!("tags.`{key}`"),
        RunText::RunId => "run_id".to_owned(),
        RunText::RunName => "`Run name`".to_owned(),
        RunText::UserId => "attr.user_id".to_owned(),
        RunText::Status => "status".to_owned(),
        RunText::ArtifactUri => "run.artifact_uri".to_owned(),
        RunText::Dataset(DatasetField::Name) => "dataset.name".to_owned(),
        RunText::Dataset(DatasetField::Digest) => "datasets.digest".to_owned(),
        RunText::Dataset(DatasetField::Context) => "dataset.context".to_owned(),
    }
}

fn print(filter: &RunFilter) -> String {
    let join = |operands: &[RunFilter], word: &str| {
        operands.iter().map(print).collect::<Vec<_>>().join(word)
    };
    match filter {
        Expr::And(operands) => format!("({})", join(operands, " AND ")),
        Expr::Or(operands) => format!("({})", join(operands, " or ")),
        Expr::Not(operand) => format!("NOT ({})", print(operand)),
        Expr::Number(field, test) => format!("{} {}", run_number(field), number_test(test)),
        Expr::Text(field, test) => format!("{} {}", run_text(field), text_test(test)),
    }
}

/// Texts that can be written: not both quotes, no backslash before a closing quote.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[^'\\\\]{0,8}", "[^\"\\\\]{0,8}", "%?[a-zé_%]{0,5}"]
        .prop_map(|text| text.replace("''", "'").replace("\"\"", "\""))
}

fn key() -> impl Strategy<Value = String> {
    "[^`\"\\\\]{0,8}"
}

fn float() -> impl Strategy<Value = Number> {
    any::<f64>().prop_filter("no NaN", |v| !v.is_nan()).prop_map(Number::Float)
}

fn leaf_number() -> impl Strategy<Value = RunFilter> {
    let test = |number: BoxedStrategy<Number>| {
        let op = prop_oneof![
            Just(CompareOp::Equal),
            Just(CompareOp::NotEqual),
            Just(CompareOp::Less),
            Just(CompareOp::LessOrEqual),
            Just(CompareOp::Greater),
            Just(CompareOp::GreaterOrEqual),
        ];
        prop_oneof![
            (op, number.clone()).prop_map(|(op, value)| NumberTest::Compare(op, value)),
            (proptest::collection::vec(number.clone(), 1..4), any::<bool>())
                .prop_map(|(values, negated)| NumberTest::In { values, negated }),
            (number.clone(), number, any::<bool>())
                .prop_map(|(low, high, negated)| NumberTest::Between { low, high, negated }),
            any::<bool>().prop_map(|negated| NumberTest::IsNull { negated }),
        ]
    };
    let attribute = prop_oneof![Just(RunNumber::StartTime), Just(RunNumber::EndTime)];
    prop_oneof![
        (key(), test(float().boxed()))
            .prop_map(|(key, test)| Expr::Number(RunNumber::Metric(key), test)),
        (attribute, test(any::<i64>().prop_map(Number::Integer).boxed()))
            .prop_map(|(field, test)| Expr::Number(field, test)),
    ]
}

fn leaf_text() -> impl Strategy<Value = RunFilter> {
    let field = prop_oneof![
        key().prop_map(RunText::Param),
        key().prop_map(RunText::Tag),
        Just(RunText::RunId),
        Just(RunText::RunName),
        Just(RunText::UserId),
        Just(RunText::Status),
        Just(RunText::ArtifactUri),
        Just(RunText::Dataset(DatasetField::Name)),
        Just(RunText::Dataset(DatasetField::Digest)),
        Just(RunText::Dataset(DatasetField::Context)),
    ];
    let test = prop_oneof![
        (text(), any::<bool>()).prop_map(|(value, negated)| TextTest::Equal { value, negated }),
        (text(), any::<bool>(), any::<bool>()).prop_map(|(pattern, case_insensitive, negated)| {
            TextTest::Like { pattern, case_insensitive, negated }
        }),
        (proptest::collection::vec(text(), 1..4), any::<bool>())
            .prop_map(|(values, negated)| TextTest::In { values, negated }),
        any::<bool>().prop_map(|negated| TextTest::IsNull { negated }),
    ];
    (field, test).prop_map(|(field, test)| Expr::Text(field, test))
}

fn filter() -> impl Strategy<Value = RunFilter> {
    prop_oneof![leaf_number(), leaf_text()].prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|operand| Expr::Not(Box::new(operand))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(filter in filter()) {
        let text = print(&filter);
        prop_assert_eq!(parse_run_filter(&text), Ok(Some(filter)), "{}", text);
    }

    #[test]
    fn nothing_panics(
        text in ".*",
        soup in proptest::collection::vec(
            prop_oneof![
                Just("metrics.m"), Just("tags.`a b`"), Just("name"), Just("'x'"), Just("\"y\""),
                Just("1"), Just("-.5"), Just("="), Just("!="), Just("<"), Just("("), Just(")"),
                Just(","), Just("AND"), Just("or"), Just("NOT"), Just("IN"), Just("between"),
                Just("IS"), Just("NULL"), Just("LIKE"), Just("é"), Just("`"), Just("'"),
            ],
            0..12,
        ),
    ) {
        for text in [text, soup.join(" "), soup.concat()] {
            let _ = parse_run_filter(&text);
            let _ = parse_experiment_filter(&text);
            let _ = parse_logged_model_filter(&text);
            let _ = parse_run_order(std::slice::from_ref(&text));
            let _ = parse_experiment_order(&[text]);
        }
    }
}

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
