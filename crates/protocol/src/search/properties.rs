//! Property tests of the grammar.

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
