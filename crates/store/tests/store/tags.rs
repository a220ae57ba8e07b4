//! Tags of runs.

use modelyard_protocol::ErrorCode;
use modelyard_store::Store;
use serde_json::json;

use crate::harness::*;

on_both_engines!(
    the_last_value_wins,
    removing_a_tag_that_is_not_there_is_an_error,
    items_are_appended_to_a_list,
);

async fn the_last_value_wins(store: Store) {
    let id = run(&store).await;
    store.set_tag(id.clone(), pair("a", "1")).await.unwrap();
    store.set_tag(id.clone(), pair("a", "2")).await.unwrap();
    let batch = [("b", "1"), ("c", ""), ("b", "2"), ("a", "3"), ("b", "3")];
    log(&store, &id, &[], &[], &batch).await.unwrap();
    let run = read(&store, &id).await;
    let own: Vec<_> = shown(&run.tags).into_iter().filter(|(key, _)| key.len() == 1).collect();
    assert_eq!(own, [("a", "3"), ("b", "3"), ("c", "")]);
}

async fn removing_a_tag_that_is_not_there_is_an_error(store: Store) {
    let id = run(&store).await;
    store.set_tag(id.clone(), pair("a", "1")).await.unwrap();
    store.delete_tag(id.clone(), "a".to_owned()).await.unwrap();
    let (code, message) = refused(store.delete_tag(id.clone(), "a".to_owned()).await);
    assert_eq!(code, ErrorCode::ResourceDoesNotExist);
    assert_eq!(message, format!("No tag with name: a in run with id {id}"));
}

async fn items_are_appended_to_a_list(store: Store) {
    let id = run(&store).await;
    let key = "mlflow.log-model.history";
    let list = async || {
        let tags = read(&store, &id).await.tags;
        tags.into_iter().find(|tag| tag.key == key).map(|tag| tag.value)
    };
    let append = |item| store.append_to_tag(id.clone(), key.to_owned(), item);
    append(json!({"path": "a"})).await.unwrap();
    append(json!({"path": "b\"é"})).await.unwrap();
    let both = json!([{"path": "a"}, {"path": "b\"é"}]);
    assert_eq!(list().await.map(|text| serde_json::from_str(&text).unwrap()), Some(both));
    // What is no list makes way for one.
    store.set_tag(id.clone(), pair(key, "not JSON")).await.unwrap();
    append(json!(1)).await.unwrap();
    assert_eq!(list().await.as_deref(), Some("[1]"));
}
