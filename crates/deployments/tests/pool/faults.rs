//! Models that crash, hang, grow, or are too slow: the calls inside them fail, and no others.

use std::num::NonZeroUsize;
use std::process::Command;
use std::time::Duration;

use modelyard_deployments::workers::{Failure, Pool, State, WorkerConfig};

use crate::world::{self, Model, interpreters, pool, rows, tell, text, until};

/// As many workers.
fn workers(count: usize) -> impl Fn(&mut WorkerConfig) {
    move |config| config.workers = NonZeroUsize::new(count).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test sends signals")]
fn signal(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_fails_the_call_inside_and_the_worker_comes_back() {
    for python in interpreters() {
        let model = Model::new("Told");
        let pool = Pool::start(model.config(&python)).await.unwrap();
        let failure = pool.predict(tell("end 7")).await.unwrap_err();
        assert_eq!(failure.status(), 500);
        let Failure::Died { why, last_lines } = failure else { panic!("{failure:?}") };
        assert_eq!(why, "ended with code 7");
        assert_eq!(last_lines.last().unwrap(), "about to end");
        // A call that comes meanwhile waits for the next worker.
        assert_eq!(text(pool.predict(tell("say again")).await), r#"["again"]"#);
        let worker = pool.status().workers.remove(0);
        assert_eq!((worker.restarts, worker.last_end.as_deref()), (1, Some("ended with code 7")));
        let failure = pool.predict(tell("orphan")).await.unwrap_err();
        assert!(matches!(&failure, Failure::Died { why, .. } if why == "ended with code 4"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_calls_under_load_only_those_in_the_killed_worker_fail() {
    let change = |config: &mut WorkerConfig| {
        workers(2)(config);
        config.queue_max = 1000;
        config.environment = vec![("CALL_SECONDS".into(), "0.02".into())];
    };
    let Some(pool) = pool("Sums", change).await else { return };
    until(&pool, world::all_idle).await;
    let calls: Vec<_> = (0..200)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.predict(rows(&[f64::from(n), 0.0])).await })
        })
        .collect();
    let status = until(&pool, |status| {
        status.workers.iter().all(|worker| worker.state == State::Busy && worker.requests > 3)
    });
    signal("-KILL", status.await.workers[0].pid.unwrap());
    let mut died = 0;
    for (n, call) in calls.into_iter().enumerate() {
        match call.await.unwrap() {
            Err(Failure::Died { why, .. }) => {
                assert_eq!(why, "was ended by signal 9");
                died += 1;
            }
            reply => assert_eq!(text(reply), format!("[{n}.0]")),
        }
    }
    assert!(died <= 1, "{died} calls failed");
    let status = until(&pool, world::all_idle).await;
    assert_eq!(status.workers.iter().map(|worker| worker.restarts).sum::<u64>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_call_is_late_and_the_others_go_on() {
    let change = |config: &mut WorkerConfig| {
        workers(2)(config);
        config.deadline = Duration::from_secs(10);
    };
    let Some(pool) = pool("Told", change).await else { return };
    until(&pool, world::all_idle).await;
    for hang in ["sleep 1000", "stuck"] {
        let hanging = tokio::spawn({
            let pool = pool.clone();
            async move { pool.predict(tell(hang)).await }
        });
        until(&pool, |status| status.in_flight == 1).await;
        assert_eq!(text(pool.predict(tell("say meanwhile")).await), r#"["meanwhile"]"#);
        assert_eq!(hanging.await.unwrap(), Err(Failure::Deadline));
        let status = until(&pool, |status| {
            let ends = status.workers.iter().filter_map(|worker| worker.last_end.as_ref());
            ends.filter(|end| end.contains("did not answer")).count() > 0 && world::all_idle(status)
        });
        assert!(status.await.workers.iter().any(|worker| worker.restarts > 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_busy_and_a_call_that_waited_too_long_is_late() {
    let change = |config: &mut WorkerConfig| {
        config.queue_max = 2;
        config.deadline = Duration::from_secs(2);
        config.grace = Duration::from_secs(60);
    };
    let Some(pool) = pool("Told", change).await else { return };
    let slow = |word: &'static str| {
        let pool = pool.clone();
        tokio::spawn(async move { pool.predict(tell(word)).await })
    };
    let first = slow("sleep 10");
    until(&pool, |status| status.in_flight == 1).await;
    let waiting = [slow("say one"), slow("say two")];
    until(&pool, |status| status.queued == 2).await;
    let failure = pool.predict(tell("say three")).await.unwrap_err();
    let Failure::Busy { retry_after } = failure else { panic!("{failure:?}") };
    assert!(retry_after >= Duration::from_secs(1));
    for call in [first].into_iter().chain(waiting) {
        assert_eq!(call.await.unwrap(), Err(Failure::Deadline));
    }
    // The worker came back within its grace, and nobody waits for what it was late with.
    let status = until(&pool, |status| status.in_flight == 0).await;
    assert_eq!((status.queued, status.workers[0].restarts), (0, 0));
    assert_eq!(text(pool.predict(tell("say on")).await), r#"["on"]"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_the_queue_is_forgotten() {
    let Some(pool) = pool("Told", |config| config.queue_max = 1).await else { return };
    let first = tokio::spawn({
        let pool = pool.clone();
        async move { pool.predict(tell("sleep 3")).await }
    });
    until(&pool, |status| status.in_flight == 1).await;
    for _ in 0..5 {
        let leaving = pool.predict(tell("end 9"));
        assert!(tokio::time::timeout(Duration::from_millis(20), leaving).await.is_err());
    }
    assert_eq!(text(pool.predict(tell("say stays")).await), r#"["stays"]"#);
    assert_eq!(text(first.await.unwrap()), r#"["slept"]"#);
    assert_eq!(pool.status().workers[0].restarts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_dies_time_and_again_is_given_up_for_a_while() {
    let model = Model::new("Told");
    let Some(python) = world::interpreter() else { return };
    let pool = Pool::start(model.config(&python)).await.unwrap();
    assert_eq!(text(pool.predict(tell("say once")).await), r#"["once"]"#);
    // From now on it cannot be loaded.
    std::fs::write(model.path().join("class.txt"), "Dies").unwrap();
    let failure = pool.predict(tell("end 1")).await.unwrap_err();
    assert!(matches!(failure, Failure::Died { .. }));
    let failure = pool.predict(tell("say more")).await.unwrap_err();
    let Failure::Unavailable { why } = failure else { panic!("{failure:?}") };
    assert!(why.contains("ended with code 7"), "{why}");
    let status = pool.status();
    assert_eq!((status.workers[0].state, status.workers[0].pid), (State::Broken, None));
    assert_eq!(status.workers[0].last_lines.last().unwrap(), "loading goes very wrong");
    let failure = pool.predict(tell("say at once")).await.unwrap_err();
    assert!(matches!(failure, Failure::Unavailable { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited_and_a_full_worker_is_replaced() {
    let change = |config: &mut WorkerConfig| config.memory_max_bytes = Some(900 << 20);
    let Some(pool) = pool("Told", change).await else { return };
    let failure = pool.predict(tell("hog 3000")).await.unwrap_err();
    let Failure::Model { stack_trace, .. } = failure else { panic!("{failure:?}") };
    assert!(stack_trace.unwrap().contains("MemoryError"));
    assert_eq!(text(pool.predict(tell("hog 10")).await), "[10485760]");
    loop {
        if pool.status().workers[0].restarts > 0 {
            break;
        }
        // What does not fit any more fails; until then it is kept.
        let _ = pool.predict(tell("keep 40")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let status = until(&pool, world::all_idle).await;
    assert!(status.workers[0].last_end.as_ref().unwrap().contains("memory was full"));
    assert!(status.workers[0].rss_bytes.unwrap() < 800 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_pool_ends_what_it_has_and_leaves_nothing() {
    let Some(pool) = pool("Told", |_| {}).await else { return };
    let child = text(pool.predict(tell("child")).await);
    let child = child.trim_matches(['[', ']']).to_owned();
    let worker = pool.status().workers[0].pid.unwrap().to_string();
    assert!(is_running(&child) && is_running(&worker));
    let last = tokio::spawn({
        let pool = pool.clone();
        async move { pool.predict(tell("sleep 0.5")).await }
    });
    until(&pool, |status| status.in_flight == 1).await;
    pool.stop(Duration::from_secs(60)).await;
    assert_eq!(text(last.await.unwrap()), r#"["slept"]"#);
    while is_running(&child) || is_running(&worker) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_dropped_leaves_nothing_and_touches_no_other() {
    let (Some(first), Some(second)) = (pool("Told", |_| {}).await, pool("Told", |_| {}).await)
    else {
        return;
    };
    let worker = first.status().workers[0].pid.unwrap().to_string();
    let call = tokio::spawn(async move { first.predict(tell("sleep 1000")).await });
    assert_eq!(text(second.predict(tell("say here")).await), r#"["here"]"#);
    call.abort();
    while is_running(&worker) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(text(second.predict(tell("say still here")).await), r#"["still here"]"#);
    assert_eq!(second.status().workers[0].restarts, 0);
}
