//! Searching experiments: filters, orderings, paging.

use modelyard_protocol::search::{parse_experiment_filter, parse_experiment_order};
use modelyard_store::{ExperimentQuery, NewExperiment, Store, View};

use crate::harness::*;

on_both_engines!(
    filters_find_what_they_say,
    orderings_sort_as_they_say,
    pages_give_the_whole_list_while_rows_are_added,
    deleted_experiments_are_found_by_their_view,
);

fn query(view: View, filter: &str, order_by: &[&str]) -> ExperimentQuery {
    let order_by: Vec<_> = order_by.iter().map(|&clause| clause.to_owned()).collect();
    ExperimentQuery {
        view,
        filter: parse_experiment_filter(filter).unwrap(),
        order: parse_experiment_order(&order_by).unwrap(),
        limit: 1_000,
        after: None,
    }
}

async fn names(store: &Store, query: ExperimentQuery) -> Vec<String> {
    let page = store.search_experiments(query).await.unwrap();
    assert_eq!(page.next, None);
    page.rows.into_iter().map(|experiment| experiment.name).collect()
}

/// Creates experiments with one tag `t` each, where a value is given.
async fn create(store: &Store, list: &[(&str, Option<&str>)]) -> Vec<i64> {
    let mut ids = Vec::new();
    for (name, tag) in list {
        let new = NewExperiment {
            name: (*name).to_owned(),
            artifact_location: None,
            tags: tag.iter().map(|value| pair("t", value)).collect(),
        };
        ids.push(store.create_experiment(new).await.unwrap());
    }
    ids
}

async fn filters_find_what_they_say(store: Store) {
    let list = [
        ("alpha", Some("x")),
        ("Beta", Some("X")),
        ("gamma%", Some("")),
        ("Ärger", None),
        ("it's", Some("x y")),
    ];
    let ids = create(&store, &list).await;
    let created = read_experiment(&store, ids[1]).await.created_ms;
    let cases: Vec<(String, &[&str])> = vec![
        ("name = 'alpha'".into(), &["alpha"]),
        ("name != 'alpha'".into(), &["Beta", "Default", "gamma%", "it's", "Ärger"]),
        ("name LIKE '%a'".into(), &["Beta", "alpha"]),
        ("name LIKE 'b%'".into(), &[]),
        ("name ILIKE 'b%'".into(), &["Beta"]),
        ("name LIKE '_rger'".into(), &["Ärger"]),
        ("name LIKE '%\\%'".into(), &[]),
        ("name IN ('alpha', 'Beta', 'x')".into(), &["Beta", "alpha"]),
        ("name = \"it's\"".into(), &["it's"]),
        (format!("experiment_id = '{}'", ids[0]), &["alpha"]),
        (format!("experiment_id IN ('{}', '{}')", ids[2], ids[3]), &["gamma%", "Ärger"]),
        (format!("experiment_id NOT IN ('0', '{}')", ids[0]), &["Beta", "gamma%", "it's", "Ärger"]),
        (format!("creation_time <= {created} AND name != 'Default'"), &["Beta", "alpha"]),
        (format!("last_update_time > {created}"), &["gamma%", "it's", "Ärger"]),
        (format!("creation_time BETWEEN {created} AND {created}"), &["Beta"]),
        ("tags.t = 'x'".into(), &["alpha"]),
        ("tags.t ILIKE 'x'".into(), &["Beta", "alpha"]),
        ("tags.t != 'x'".into(), &["Beta", "gamma%", "it's"]),
        ("NOT tags.t = 'x'".into(), &["Beta", "Default", "gamma%", "it's", "Ärger"]),
        ("tags.t IS NULL".into(), &["Default", "Ärger"]),
        ("tags.t IS NOT NULL AND tags.t LIKE 'x%'".into(), &["alpha", "it's"]),
        ("tags.nothing != 'x'".into(), &[]),
        ("name = 'alpha' OR tags.t = ''".into(), &["alpha", "gamma%"]),
    ];
    for (filter, expected) in cases {
        let found = names(&store, query(View::ActiveOnly, &filter, &["name"])).await;
        assert_eq!(found, expected, "{filter}");
    }
}

async fn orderings_sort_as_they_say(store: Store) {
    let ids = create(&store, &[("b", None), ("a", None), ("C", None), ("é", None)]).await;
    store.rename_experiment(ids[0], "b".to_owned()).await.unwrap();
    let cases: [(&[&str], [&str; 5]); 6] = [
        (&[], ["é", "C", "a", "b", "Default"]),
        (&["name"], ["C", "Default", "a", "b", "é"]),
        (&["name DESC"], ["é", "b", "a", "Default", "C"]),
        (&["experiment_id"], ["Default", "b", "a", "C", "é"]),
        (&["last_update_time DESC"], ["b", "é", "C", "a", "Default"]),
        (&["creation_time ASC", "name"], ["Default", "b", "a", "C", "é"]),
    ];
    for (order_by, expected) in cases {
        let found = names(&store, query(View::ActiveOnly, "", order_by)).await;
        assert_eq!(found, expected, "{order_by:?}");
    }
}

async fn pages_give_the_whole_list_while_rows_are_added(store: Store) {
    let list: Vec<String> = (0..17).map(|n| format!("e{:02}", n * 5 % 17)).collect();
    let list: Vec<_> = list.iter().map(|name| (name.as_str(), None)).collect();
    create(&store, &list).await;
    for (round, order_by) in
        [&[][..], &["name"], &["name DESC"], &["last_update_time"]].into_iter().enumerate()
    {
        for limit in [1, 4, 100] {
            let whole = names(&store, query(View::All, "", order_by)).await;
            let mut query = ExperimentQuery { limit, ..query(View::All, "", order_by) };
            let mut seen = Vec::new();
            let mut added = 0..6;
            loop {
                let page = store.search_experiments(query.clone()).await.unwrap();
                assert!(page.rows.len() <= limit);
                seen.extend(page.rows.into_iter().map(|experiment| experiment.name));
                let Some(next) = page.next else { break };
                query.after = Some(next);
                if let Some(n) = added.next() {
                    let name = format!("{}, {round} {limit} {n}", ["a", "e05", "z"][n % 3]);
                    experiment(&store, &name).await;
                }
            }
            let mut distinct = seen.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), seen.len(), "{order_by:?}: a row came twice");
            seen.retain(|name| whole.contains(name));
            assert_eq!(seen, whole, "{order_by:?} by {limit}");
        }
    }
}

async fn deleted_experiments_are_found_by_their_view(store: Store) {
    let ids = create(&store, &[("kept", None), ("gone", Some("x"))]).await;
    store.delete_experiment(ids[1]).await.unwrap();
    let cases: [(View, &[&str]); 3] = [
        (View::ActiveOnly, &["Default", "kept"]),
        (View::DeletedOnly, &["gone"]),
        (View::All, &["Default", "gone", "kept"]),
    ];
    for (view, expected) in cases {
        assert_eq!(names(&store, query(view, "", &["name"])).await, expected);
    }
    let page = store.search_experiments(query(View::DeletedOnly, "", &[])).await.unwrap();
    assert_eq!(shown(&page.rows[0].tags), [("t", "x")], "tags come along");
}
