//! Runs in memory, searched by reading every one of them: what the store's answers are held against. It
//! shares no code with the store.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use modelyard_protocol::search::{
    CompareOp, DatasetField, Expr, Number, NumberTest, OrderKey, RunFilter, RunNumber, RunOrder,
    RunOrderField, RunText, TextTest,
};
use modelyard_store::{Lifecycle, Run, View};

/// A run with everything that a search can look at.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) run_id: String,
    pub(crate) experiment: i64,
    pub(crate) deleted: bool,
    pub(crate) name: String,
    pub(crate) user_id: String,
    pub(crate) status: &'static str,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: Option<i64>,
    pub(crate) artifact_uri: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// The latest values.
    pub(crate) metrics: BTreeMap<String, f64>,
    /// Name, digest and context.
    pub(crate) datasets: Vec<(String, String, Option<String>)>,
}

impl Row {
    /// Whether the store shows the same run.
    ///
    /// # Panics
    /// If not, naming what differs.
    pub(crate) fn assert_shown_as(&self, run: &Run) {
        let info = &run.info;
        assert_eq!(
            (&info.run_id, info.experiment_id, &info.name, &info.user_id, info.status.name()),
            (&self.run_id, self.experiment, &self.name, &self.user_id, self.status)
        );
        assert_eq!((info.start_ms, info.end_ms), (self.start_ms, self.end_ms));
        assert_eq!(info.lifecycle == Lifecycle::Deleted, self.deleted);
        let pairs = |list: &[modelyard_store::KeyValue]| -> BTreeMap<String, String> {
            list.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect()
        };
        assert_eq!(pairs(&run.params), self.params);
        assert_eq!(pairs(&run.tags), self.tags);
        let metrics: BTreeMap<_, _> =
            run.metrics.iter().map(|point| (point.key.clone(), point.value)).collect();
        assert_eq!(format!("{metrics:?}"), format!("{:?}", self.metrics));
        let datasets: Vec<_> = run
            .datasets
            .iter()
            .map(|input| {
                let context = input.tags.iter().find(|tag| tag.key == "mlflow.data.context");
                let context = context.map(|tag| tag.value.clone());
                (input.dataset.name.clone(), input.dataset.digest.clone(), context)
            })
            .collect();
        assert_eq!(datasets, self.datasets);
    }
}

/// What a search should find, in order.
pub(crate) fn search<'r>(
    rows: &'r [Row],
    experiments: &[i64],
    view: View,
    filter: Option<&RunFilter>,
    order: &RunOrder,
) -> Vec<&'r Row> {
    let mut found: Vec<_> = rows
        .iter()
        .filter(|row| experiments.contains(&row.experiment))
        .filter(|row| match view {
            View::ActiveOnly => !row.deleted,
            View::DeletedOnly => row.deleted,
            View::All => true,
        })
        .filter(|row| filter.is_none_or(|filter| passes(filter, row)))
        .collect();
    found.sort_by(|a, b| compare(order, *a, *b, sorted));
    found
}

fn passes(filter: &RunFilter, row: &Row) -> bool {
    holds(filter, &|field, test| number(number_of(field, row), test), &|field, test| match field {
        RunText::Dataset(field) => {
            let values: Vec<_> = row.datasets.iter().filter_map(|set| part(*field, set)).collect();
            match test {
                TextTest::IsNull { negated } => values.is_empty() != *negated,
                test => values.into_iter().any(|value| text(Some(value), test)),
            }
        }
        field => text(text_of(field, row), test),
    })
}

/// Whether a filter holds, given what its tests say.
pub(crate) fn holds<N, T>(
    filter: &Expr<N, T>,
    number: &impl Fn(&N, &NumberTest) -> bool,
    text: &impl Fn(&T, &TextTest) -> bool,
) -> bool {
    match filter {
        Expr::And(parts) => parts.iter().all(|part| holds(part, number, text)),
        Expr::Or(parts) => parts.iter().any(|part| holds(part, number, text)),
        Expr::Not(inner) => !holds(inner, number, text),
        Expr::Number(field, test) => number(field, test),
        Expr::Text(field, test) => text(field, test),
    }
}

fn part(field: DatasetField, set: &(String, String, Option<String>)) -> Option<&str> {
    match field {
        DatasetField::Name => Some(&set.0),
        DatasetField::Digest => Some(&set.1),
        DatasetField::Context => set.2.as_deref(),
    }
}

fn number_of(field: &RunNumber, row: &Row) -> Option<f64> {
    match field {
        RunNumber::Metric(key) => row.metrics.get(key).copied(),
        RunNumber::StartTime => Some(row.start_ms as f64),
        RunNumber::EndTime => row.end_ms.map(|ms| ms as f64),
    }
}

fn text_of<'r>(field: &RunText, row: &'r Row) -> Option<&'r str> {
    match field {
        RunText::Param(key) => row.params.get(key).map(String::as_str),
        RunText::Tag(key) => row.tags.get(key).map(String::as_str),
        RunText::RunId => Some(&row.run_id),
        RunText::RunName => Some(&row.name),
        RunText::UserId => Some(&row.user_id),
        RunText::Status => Some(row.status),
        RunText::ArtifactUri => Some(&row.artifact_uri),
        RunText::Dataset(_) => unreachable!("a run has many"),
    }
}

/// The numbers in tests are small enough for doubles to hold them exactly, and NaN is unequal to all of them,
/// as doubles have it.
pub(crate) fn number(value: Option<f64>, test: &NumberTest) -> bool {
    let double = |number: &Number| match *number {
        Number::Integer(value) => value as f64,
        Number::Float(value) => value,
    };
    let Some(value) = value else { return matches!(test, NumberTest::IsNull { negated: false }) };
    match test {
        NumberTest::Compare(op, other) => {
            let other = double(other);
            match op {
                CompareOp::Equal => value == other,
                CompareOp::NotEqual => value != other,
                CompareOp::Less => value < other,
                CompareOp::LessOrEqual => value <= other,
                CompareOp::Greater => value > other,
                CompareOp::GreaterOrEqual => value >= other,
            }
        }
        NumberTest::In { values, negated } => {
            values.iter().any(|other| value == double(other)) != *negated
        }
        NumberTest::Between { low, high, negated } => {
            (double(low) <= value && value <= double(high)) != *negated
        }
        NumberTest::IsNull { negated } => *negated,
    }
}

pub(crate) fn text(value: Option<&str>, test: &TextTest) -> bool {
    let Some(value) = value else { return matches!(test, TextTest::IsNull { negated: false }) };
    match test {
        TextTest::Equal { value: other, negated } => (value == other) != *negated,
        TextTest::Like { pattern, case_insensitive, negated } => {
            let (mut pattern, mut value) = (pattern.clone(), value.to_owned());
            if *case_insensitive {
                pattern.make_ascii_lowercase();
                value.make_ascii_lowercase();
            }
            let pattern: Vec<char> = pattern.chars().collect();
            let value: Vec<char> = value.chars().collect();
            like(&pattern, &value) != *negated
        }
        TextTest::In { values, negated } => values.iter().any(|other| value == other) != *negated,
        TextTest::IsNull { negated } => *negated,
    }
}

fn like(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|skipped| like(rest, &text[skipped..])),
        Some(('_', rest)) => !text.is_empty() && like(rest, &text[1..]),
        Some((char, rest)) => text.first() == Some(char) && like(rest, &text[1..]),
    }
}

/// A value to sort by; texts sort by bytes, NaN follows all numbers and nothing follows NaN.
#[derive(Debug)]
pub(crate) enum Sorted<'r> {
    Number(f64),
    Text(&'r str),
    NotANumber,
    Missing,
}

impl Sorted<'_> {
    pub(crate) fn number(value: Option<f64>) -> Self {
        match value {
            None => Self::Missing,
            Some(value) if value.is_nan() => Self::NotANumber,
            Some(value) => Self::Number(value),
        }
    }
}

/// Compares two rows by the values that `sorted` gives of them.
pub(crate) fn compare<'r, F, R>(
    order: &[OrderKey<F>],
    a: &'r R,
    b: &'r R,
    sorted: impl Fn(&F, &'r R) -> Sorted<'r>,
) -> Ordering {
    for key in order {
        let ordering = match (sorted(&key.field, a), sorted(&key.field, b)) {
            (Sorted::Number(a), Sorted::Number(b)) => {
                turned(a.partial_cmp(&b).unwrap(), key.ascending)
            }
            (Sorted::Text(a), Sorted::Text(b)) => {
                turned(a.as_bytes().cmp(b.as_bytes()), key.ascending)
            }
            // Whatever the direction.
            (a, b) => place(&a).cmp(&place(&b)),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

fn turned(ordering: Ordering, ascending: bool) -> Ordering {
    if ascending { ordering } else { ordering.reverse() }
}

fn place(value: &Sorted<'_>) -> u8 {
    match value {
        Sorted::Number(_) | Sorted::Text(_) => 0,
        Sorted::NotANumber => 1,
        Sorted::Missing => 2,
    }
}

fn sorted<'r>(field: &RunOrderField, row: &'r Row) -> Sorted<'r> {
    let number = Sorted::number;
    let text = |value: Option<&'r String>| {
        value.map_or(Sorted::Missing, |value| Sorted::Text(value.as_str()))
    };
    match field {
        RunOrderField::Metric(key) => number(row.metrics.get(key).copied()),
        RunOrderField::Param(key) => text(row.params.get(key)),
        RunOrderField::Tag(key) => text(row.tags.get(key)),
        RunOrderField::StartTime => number(Some(row.start_ms as f64)),
        RunOrderField::EndTime => number(row.end_ms.map(|ms| ms as f64)),
        RunOrderField::RunId => text(Some(&row.run_id)),
        RunOrderField::RunName => text(Some(&row.name)),
        RunOrderField::UserId => text(Some(&row.user_id)),
        RunOrderField::Status => Sorted::Text(row.status),
        RunOrderField::ArtifactUri => text(Some(&row.artifact_uri)),
    }
}
