//! Params: written once.

use modelyard_protocol::ErrorCode;
use modelyard_store::Store;

use crate::harness::*;

on_both_engines!(
    a_param_never_changes,
    the_same_value_again_is_not_an_error,
    a_batch_names_every_clash_and_keeps_nothing,
    params_come_back_by_key_in_byte_order,
);

async fn a_param_never_changes(store: Store) {
    let id = run(&store).await;
    store.log_param(id.clone(), pair("lr", "0.1")).await.unwrap();
    let (code, message) = refused(store.log_param(id.clone(), pair("lr", "0.2")).await);
    assert_eq!(code, ErrorCode::InvalidParameterValue);
    let expected = format!(
        "Changing param values is not allowed. Param with key='lr' was already logged with \
         value='0.1' for run ID='{id}'. Attempted logging new value '0.2'."
    );
    assert_eq!(message, expected);
    assert_eq!(shown(&read(&store, &id).await.params), [("lr", "0.1")]);
    let other = run(&store).await;
    store.log_param(other, pair("lr", "0.2")).await.unwrap();
}

async fn the_same_value_again_is_not_an_error(store: Store) {
    let id = run(&store).await;
    for _ in 0..3 {
        store.log_param(id.clone(), pair("lr", "")).await.unwrap();
        log(&store, &id, &[("a", "1"), ("lr", ""), ("b", "2")], &[], &[]).await.unwrap();
    }
    let params = read(&store, &id).await.params;
    assert_eq!(shown(&params), [("a", "1"), ("b", "2"), ("lr", "")]);
    let (code, _) = refused(store.log_param(id, pair("lr", " ")).await);
    assert_eq!(code, ErrorCode::InvalidParameterValue, "an empty value is a value");
}

async fn a_batch_names_every_clash_and_keeps_nothing(store: Store) {
    let id = run(&store).await;
    log(&store, &id, &[("a", "1"), ("b", "2"), ("c", "3")], &[], &[]).await.unwrap();
    let batch = [("new", "x"), ("a", "1"), ("b", "9"), ("c", "8")];
    let (code, message) = refused(log(&store, &id, &batch, &[], &[]).await);
    assert_eq!(code, ErrorCode::InvalidParameterValue);
    let start = "Changing param values is not allowed. Params were already logged='[";
    assert!(message.starts_with(start), "{message}");
    for clash in [
        "{'key': 'b', 'old_value': '2', 'new_value': '9'}",
        "{'key': 'c', 'old_value': '3', 'new_value': '8'}",
    ] {
        assert!(message.contains(clash), "{message}");
    }
    assert!(!message.contains("'key': 'a'") && !message.contains("'key': 'new'"), "{message}");
    assert!(message.ends_with(&format!("]' for run ID='{id}'.")), "{message}");
    let params = read(&store, &id).await.params;
    assert_eq!(shown(&params), [("a", "1"), ("b", "2"), ("c", "3")]);
}

async fn params_come_back_by_key_in_byte_order(store: Store) {
    let id = run(&store).await;
    let keys = ["b", "a", "B", "_", "é", "a b", "a.b", "z", "Z", "10", "9"];
    let params: Vec<_> = keys.iter().map(|key| (*key, "v")).collect();
    log(&store, &id, &params, &[], &[]).await.unwrap();
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let found = read(&store, &id).await.params;
    assert_eq!(found.iter().map(|param| param.key.as_str()).collect::<Vec<_>>(), sorted);
}
