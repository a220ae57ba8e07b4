//! A search of experiments finds what reading all of them one by one would find.

use modelyard_protocol::search::{
    ExperimentFilter, ExperimentNumber, ExperimentOrderField, ExperimentText, Expr, Number,
    parse_experiment_order,
};
use modelyard_store::{
    Experiment, ExperimentQuery, KeyValue, Lifecycle, NewExperiment, Store, View,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::generate::{self, TEXTS};
use super::{check, sample};
use crate::harness::{CLOCK_START_MS, on_postgres, on_sqlite, read_experiment};
use crate::model::{self, Sorted};

/// How many experiments there are beside the default one.
const EXPERIMENTS: usize = 60;

#[test]
fn equals_a_naive_search_on_sqlite() {
    on_sqlite(async |store| equals_a_naive_search(&store, 192).await);
}

#[test]
fn equals_a_naive_search_on_postgres() {
    on_postgres(async |store| equals_a_naive_search(&store, 48).await);
}

async fn equals_a_naive_search(store: &Store, cases: u32) {
    let rows = make(store).await;
    check(cases, &query(), async |query| same(store, &rows, query).await);
}

const TAGS: [&str; 2] = ["t", "é k"];

/// Makes experiments, and reads them back one by one.
async fn make(store: &Store) -> Vec<Experiment> {
    let spec = (select(&TEXTS[..]), generate::pairs(&TAGS), 0..4_u8);
    let mut rows = vec![read_experiment(store, 0).await];
    let mut touched = Vec::new();
    for (n, (word, tags, fate)) in
        sample(&prop::collection::vec(spec, EXPERIMENTS)).into_iter().enumerate()
    {
        let tags = tags.into_iter().map(|(key, value)| KeyValue { key: key.to_owned(), value });
        let name = format!("{word} {n}");
        let new =
            NewExperiment { name: name.clone(), artifact_location: None, tags: tags.collect() };
        let id = store.create_experiment(new).await.unwrap();
        touched.push((id, name, fate));
    }
    for (id, name, fate) in touched {
        match fate {
            0 => store.delete_experiment(id).await.unwrap(),
            1 => store.rename_experiment(id, name).await.unwrap(),
            _ => {}
        }
        rows.push(read_experiment(store, id).await);
    }
    rows
}

fn leaf() -> impl Strategy<Value = ExperimentFilter> {
    let clock = 0..i64::try_from(EXPERIMENTS * 2).unwrap();
    let time = clock.prop_map(|n| Number::Integer(CLOCK_START_MS + n)).boxed();
    let id = (0..i64::try_from(EXPERIMENTS).unwrap()).prop_map(Number::Integer).boxed();
    let number = |field: ExperimentNumber, literal| {
        generate::number_test(literal).prop_map(move |test| Expr::Number(field, test))
    };
    let key = prop_oneof![4 => select(&TAGS[..]), 1 => Just("rare"), 1 => Just("absent")];
    let names = select(&TEXTS[..])
        .prop_flat_map(|word| (0..EXPERIMENTS).prop_map(move |n| format!("{word} {n}")));
    let values = prop_oneof![5 => generate::value(), 1 => generate::rare_value()].boxed();
    prop_oneof![
        1 => number(ExperimentNumber::Id, id),
        1 => number(ExperimentNumber::CreationTime, time.clone()),
        1 => number(ExperimentNumber::LastUpdateTime, time),
        2 => generate::text_test(names.boxed())
            .prop_map(|test| Expr::Text(ExperimentText::Name, test)),
        4 => (key, generate::text_test(values))
            .prop_map(|(key, test)| Expr::Text(ExperimentText::Tag(key.to_owned()), test)),
    ]
}

fn query() -> impl Strategy<Value = ExperimentQuery> {
    let fields = ["name", "experiment_id", "creation_time", "last_update_time"];
    let order = (subsequence(fields.to_vec(), 0..=4).prop_shuffle(), any::<[bool; 4]>());
    let order = order.prop_map(|(fields, ascending)| {
        let clauses: Vec<_> = fields
            .iter()
            .zip(ascending)
            .map(|(field, up)| format!("{field} {}", if up { "ASC" } else { "DESC" }))
            .collect();
        parse_experiment_order(&clauses).unwrap()
    });
    let filter = prop::option::weighted(0.9, generate::nested(leaf()));
    (select(View::ALL), filter, order, 1..30_usize).prop_map(|(view, filter, order, limit)| {
        ExperimentQuery { view, filter, order, limit, after: None }
    })
}

async fn same(store: &Store, rows: &[Experiment], mut query: ExperimentQuery) {
    let expected = naive(rows, &query);
    let mut expected = expected.as_slice();
    loop {
        let page = store.search_experiments(query.clone()).await.unwrap();
        let (shown, rest) = expected.split_at(query.limit.min(expected.len()));
        assert_eq!(page.rows.iter().collect::<Vec<_>>(), shown);
        assert_eq!(page.next.is_some(), !rest.is_empty(), "a next page exists just if it has rows");
        let Some(next) = page.next else { return };
        query.after = Some(next);
        expected = rest;
    }
}

fn naive<'r>(rows: &'r [Experiment], query: &ExperimentQuery) -> Vec<&'r Experiment> {
    let mut found: Vec<_> = rows
        .iter()
        .filter(|row| match query.view {
            View::ActiveOnly => row.lifecycle == Lifecycle::Active,
            View::DeletedOnly => row.lifecycle == Lifecycle::Deleted,
            View::All => true,
        })
        .filter(|row| query.filter.as_ref().is_none_or(|filter| passes(filter, row)))
        .collect();
    found.sort_by(|a, b| {
        model::compare(&query.order, *a, *b, |field, row: &Experiment| match field {
            ExperimentOrderField::Name => Sorted::Text(&row.name),
            ExperimentOrderField::Id => Sorted::number(Some(row.id as f64)),
            ExperimentOrderField::CreationTime => Sorted::number(Some(row.created_ms as f64)),
            ExperimentOrderField::LastUpdateTime => Sorted::number(Some(row.updated_ms as f64)),
        })
    });
    found
}

fn passes(filter: &ExperimentFilter, row: &Experiment) -> bool {
    let number = |field: &ExperimentNumber| match field {
        ExperimentNumber::Id => row.id,
        ExperimentNumber::CreationTime => row.created_ms,
        ExperimentNumber::LastUpdateTime => row.updated_ms,
    };
    let text = |field: &ExperimentText| match field {
        ExperimentText::Name => Some(row.name.as_str()),
        ExperimentText::Tag(key) => {
            row.tags.iter().find(|tag| tag.key == *key).map(|tag| tag.value.as_str())
        }
    };
    model::holds(
        filter,
        &|field, test| model::number(Some(number(field) as f64), test),
        &|field, test| model::text(text(field), test),
    )
}
