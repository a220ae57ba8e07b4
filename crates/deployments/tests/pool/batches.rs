//! Calls put together: the answers are those that each would have had alone.

use std::time::Duration;

use modelyard_deployments::workers::{Batching, Call, Failure, Pool, WorkerConfig};
use modelyard_models::frame::{Column, Frame, Name};
use modelyard_models::json::{self, Value};
use modelyard_models::scoring::{Input, Request};

use crate::world::{self, Model, interpreters, pool, raw, rows, text, typed};

/// Puts calls together, of a model that takes a while.
fn together(config: &mut WorkerConfig) {
    config.batch = Batching::Adaptive { rows_max: 64, delay_max: Duration::from_millis(5) };
    config.environment = vec![("CALL_SECONDS".into(), "0.1".into())];
}

/// Makes all calls at the same time; the answers in their order.
async fn all(pool: &Pool, calls: Vec<Call>) -> Vec<Result<String, Failure>> {
    let tasks: Vec<_> = calls
        .into_iter()
        .map(|call| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.predict(call).await.map(|reply| text(Ok(reply))) })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Frames of one to three rows.
fn frames() -> Vec<Vec<f64>> {
    let cells = |n: u32| (0..2 + n % 3 * 2).map(|at| f64::from(n * 10 + at)).collect();
    (0..24).map(cells).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_calls_one_by_one() {
    type Row = fn(f64) -> String;
    let classes: [(&str, Row); 3] = [
        ("Sums", |sum| format!("{sum:.1}")),
        ("Records", |sum| format!(r#"{{"sum": {sum:.1}, "name": "n{sum}"}}"#)),
        ("Lists", |sum| format!(r#"{{"sum": {sum:.1}}}"#)),
    ];
    for python in interpreters() {
        for (class, row) in classes {
            let model = Model::new(class);
            let mut config = model.config(&python);
            together(&mut config);
            let pool = Pool::start(config).await.unwrap();
            let expected = frames().into_iter().map(|cells| {
                let sums = cells.chunks(2).map(|pair| row(pair[0] + pair[1]));
                Ok(format!("[{}]", sums.collect::<Vec<_>>().join(", ")))
            });
            let calls = frames().iter().map(|cells| rows(cells)).collect();
            assert_eq!(all(&pool, calls).await, expected.collect::<Vec<_>>(), "{class}");
            let batches = pool.status().batches;
            assert!(batches.batches > 0 && batches.largest > 1, "{batches:?}");
            assert_eq!(batches.off, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_does_not_fail_its_neighbours() {
    let Some(pool) = pool("Sums", together).await else { return };
    let calls = (0..12).map(|n| rows(&[if n == 5 { -1.0 } else { 1.0 }, f64::from(n)])).collect();
    for (n, answer) in all(&pool, calls).await.into_iter().enumerate() {
        match answer {
            Ok(sum) => assert_eq!(sum, format!("[{}.0]", n + 1)),
            Err(failure) => {
                assert!(n == 5 && matches!(failure, Failure::Model { status: 400, .. }))
            }
        }
    }
    assert!(pool.status().batches.batches > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_with_one_answer_for_all_rows_is_asked_one_by_one() {
    let Some(pool) = pool("Total", together).await else { return };
    let calls = || (0..6).map(|n| rows(&[f64::from(n), 1.0])).collect::<Vec<_>>();
    let expected: Vec<_> = (0..6).map(|n| Ok(format!("[{}.0]", n + 1))).collect();
    assert_eq!(all(&pool, calls()).await, expected);
    assert!(pool.status().batches.off.unwrap().contains("one answer for each row"));
    let before = pool.status().batches.batches;
    assert_eq!(all(&pool, calls()).await, expected);
    assert_eq!(pool.status().batches.batches, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_models_example_shows_whether_its_rows_are_on_their_own() {
    let example = "saved_input_example_info:\n  artifact_path: input_example.json\n  pandas_orient: split\n  type: dataframe\n";
    for python in interpreters() {
        for (class, off) in [("Sums", None), ("Ranks", Some("depends on other rows"))] {
            let model = Model::with(class, example);
            let data = r#"{"columns": ["a", "b"], "data": [[9.5, 2], [0.25, 1]]}"#;
            std::fs::write(model.path().join("input_example.json"), data).unwrap();
            let mut config = model.config(&python);
            config.batch = Batching::Adaptive { rows_max: 8, delay_max: Duration::ZERO };
            let pool = Pool::start(config).await.unwrap();
            let found = pool.status().batches.off;
            assert_eq!(found.is_some(), off.is_some(), "{class}: {found:?}");
            assert!(off.is_none_or(|off| found.is_some_and(|found| found.contains(off))));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_alike_is_put_together() {
    let Some(pool) = pool("Sums", together).await else { return };
    let columns = |name: &str, column: Column| {
        let names = [Name::from(name), Name::from("b")].into();
        let rows = column.len();
        typed(Input::Frame(Frame::from_columns(names, rows, vec![column.clone(), column])))
    };
    let with_params = || {
        let Call::Typed { mut request } = rows(&[1.0, 2.0]) else { panic!() };
        let Value::Dict(params) = json::parse_text(r#"{"p": 1}"#).unwrap() else { panic!() };
        request.params = Some(params);
        Call::Typed { request: Request { unwrapped: true, ..request } }
    };
    let mut calls = Vec::new();
    let body = r#"{"dataframe_split": {"columns": ["x"], "data": [[4]]}}"#;
    for _ in 0..3 {
        calls.extend([
            rows(&[1.0, 2.0]),
            columns("a", Column::F64(vec![1.0])),
            columns("a", Column::I64(vec![2])),
            columns("c", Column::I64(vec![3])),
            raw("application/json", body),
            with_params(),
            rows(&[]),
        ]);
    }
    let expected = ["[3.0]", "[2.0]", "[4.0]", "[6.0]", r#"{"predictions": [4.0]}"#, "[3.0]", "[]"];
    for (at, answer) in all(&pool, calls).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap(), expected[at % expected.len()]);
    }
    let status = world::until(&pool, world::all_idle).await;
    assert_eq!((status.queued, status.in_flight, status.batches.off), (0, 0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_no_more_rows_than_it_may() {
    let change = |config: &mut WorkerConfig| {
        together(config);
        config.batch = Batching::Adaptive { rows_max: 4, delay_max: Duration::from_millis(5) };
    };
    let Some(pool) = pool("Sums", change).await else { return };
    let mut calls: Vec<_> = (0..20).map(|n| rows(&[f64::from(n), 0.0])).collect();
    calls.push(rows(&[1.0; 20]));
    let answers = all(&pool, calls).await;
    assert_eq!(answers[20].clone().unwrap(), format!("[{}]", ["2.0"; 10].join(", ")));
    assert!(answers.iter().all(Result::is_ok));
    let batches = pool.status().batches;
    assert!((2..=4).contains(&batches.largest), "{batches:?}");
}
