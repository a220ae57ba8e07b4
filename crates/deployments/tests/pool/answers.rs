//! What comes back from a model that does as it should, or raises.

use std::time::Duration;

use modelyard_deployments::workers::{Failure, Pool, Reply, StartError};
use modelyard_models::json::Value;

use crate::world::{self, Model, interpreters, pool, raw, rows, tell, text, value};

/// The body of a request with one text, as it comes.
fn body(text: &str) -> String {
    format!(r#"{{"dataframe_split": {{"columns": ["do"], "data": [["{text}"]]}}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn models_answer_and_raise_as_in_mlflows_server() {
    for python in interpreters() {
        let model = Model::new("Told");
        let pool = Pool::start(model.config(&python)).await.unwrap();
        assert_eq!(text(pool.predict(tell("say \"hé\"")).await), r#"["\"h\u00e9\""]"#);
        let answer = pool.predict(raw("application/json", &body("say ho"))).await.unwrap();
        let Reply::Answer { status: 200, content_type, body: ho } = answer else { panic!() };
        assert_eq!(
            (content_type.as_str(), &*ho),
            ("application/json", &b"{\"predictions\": [\"ho\"]}"[..])
        );
        let answer = pool.predict(raw("text/html", "x")).await.unwrap();
        let Reply::Answer { status: 415, content_type, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(content_type, "text/plain; charset=utf-8");
        for (word, code, last) in [
            ("raises", "BAD_REQUEST", "for inference."),
            ("refuse", "INVALID_PARAMETER_VALUE", "\nError: no, thanks"),
        ] {
            let said = format!("{word} no, thanks");
            let failure = pool.predict(tell(&said)).await.unwrap_err();
            let Failure::Model {
                status: 400, error_code, message, stack_trace, body: typed, ..
            } = failure
            else {
                panic!("{failure:?}")
            };
            assert_eq!(error_code, code);
            assert!(message.ends_with(last), "{message}");
            assert_eq!(
                word == "raises",
                stack_trace.is_some_and(|s| s.contains("ValueError: no, thanks"))
            );
            let answer = pool.predict(raw("application/json", &body(&said))).await.unwrap();
            let Reply::Answer { status: 400, body: untyped, .. } = answer else { panic!() };
            let untyped = modelyard_models::json::parse(&untyped).unwrap();
            let typed = modelyard_models::json::parse(&typed).unwrap();
            for key in ["error_code", "message", "sqlstate", "error_class"] {
                assert_eq!(typed.get(key), untyped.get(key), "{key}");
            }
        }
        // MLflow has no JSON for what it cannot write, and for a model that wants to leave.
        for word in ["object", "leave"] {
            let failure = pool.predict(tell(word)).await.unwrap_err();
            let Failure::Model { status: 500, content_type, body, .. } = failure else { panic!() };
            assert_eq!(
                (&*content_type, &*body),
                ("text/plain; charset=utf-8", &b"Internal Server Error"[..])
            );
        }
        assert_eq!(text(pool.predict(tell("say still here")).await), r#"["still here"]"#);
        pool.stop(Duration::from_secs(5)).await;
        let failure = pool.predict(tell("say x")).await.unwrap_err();
        assert!(matches!(failure, Failure::Unavailable { .. }), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_of_all_types_come_back_as_they_are() {
    let Some(pool) = pool("Told", |_| {}).await else { return };
    for kind in ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", ">f8", ">i4"] {
        let whole = kind.contains(['i', 'u']);
        let expected = if whole { "[[0, 2], [1, 3]]" } else { "[[0.0, 2.0], [1.0, 3.0]]" };
        let reply = pool.predict(tell(&format!("array {kind}"))).await;
        assert_eq!(kind != "f2", matches!(reply, Ok(Reply::Output(_))), "{kind}");
        assert_eq!(text(reply), expected, "{kind}");
    }
    let others = [
        ("bool", "[[false, true], [true, true]]"),
        ("str", r#"[["0", "2"], ["1", "3"]]"#),
        ("object", "[[0, 2], [1, 3]]"),
        ("datetime64[ns]", "[[0, 2], [1, 3]]"),
    ];
    for (kind, expected) in others {
        assert_eq!(text(pool.predict(tell(&format!("array {kind}"))).await), expected, "{kind}");
    }
    // More than fits into any buffer on the way.
    let Ok(Reply::Output(modelyard_models::scoring::Output::Tensor(tensor))) =
        pool.predict(tell("many 64")).await
    else {
        panic!()
    };
    assert_eq!(tensor.shape, [64 << 17]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_prints_is_kept_and_breaks_nothing() {
    let Some(pool) = pool("Told", |_| {}).await else { return };
    assert_eq!(text(pool.predict(tell("print some words")).await), r#""printed""#);
    let status = world::until(&pool, |status| {
        status.workers[0].last_lines.iter().filter(|line| *line == "some words").count() == 2
    });
    let lines = status.await.workers[0].last_lines.clone();
    for line in ["raw", "from a child"] {
        assert!(lines.iter().any(|l| l == line), "{lines:?}");
    }
    assert_eq!(text(pool.predict(tell("say on")).await), r#"["on"]"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_sees_its_own_environment_only() {
    let change = |config: &mut modelyard_deployments::workers::WorkerConfig| {
        config.environment =
            vec![("OWN".into(), "yes".into()), ("MKL_NUM_THREADS".into(), "7".into())];
    };
    let Some(pool) = pool("Told", change).await else { return };
    let mut seen = Vec::new();
    for name in ["OWN", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "CARGO_MANIFEST_DIR"] {
        let answer = value(pool.predict(tell(&format!("environment {name}"))).await);
        seen.push(answer.as_list().unwrap()[0].clone());
    }
    let cores = std::thread::available_parallelism().unwrap().to_string();
    assert_eq!(seen, ["yes".into(), "7".into(), Value::from(cores), Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_be_loaded_says_why() {
    for python in interpreters() {
        let failing = Model::new("Fails");
        let error = Pool::start(failing.config(&python)).await.unwrap_err();
        assert_eq!(error.to_string(), "the model cannot be loaded: ValueError: cannot be loaded");
        assert!(error.last_lines().iter().any(|line| line == "loading goes wrong"));
        let dying = Model::new("Dies");
        let error = Pool::start(dying.config(&python)).await.unwrap_err();
        assert_eq!(error.to_string(), "the worker ended with code 7 before the model was loaded");
        assert_eq!(error.last_lines().last().unwrap(), "loading goes very wrong");
    }
    let Some(python) = world::interpreter() else { return };
    let late = Model::new("Late");
    let mut config = late.config(&python);
    config.start_deadline = Duration::from_millis(100);
    let error = Pool::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::Late { .. }), "{error}");
    let error = Pool::start(late.config("/no/python".as_ref())).await.unwrap_err();
    assert!(matches!(error, StartError::Spawn { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_of_numbers_are_summed() {
    let Some(pool) = pool("Sums", |_| {}).await else { return };
    assert_eq!(text(pool.predict(rows(&[1.0, 2.5, 3.0, f64::NAN])).await), "[3.5, NaN]");
    let versions = pool.status().versions.unwrap();
    assert!(versions.python.starts_with("3.") && versions.mlflow.starts_with("3."));
}
