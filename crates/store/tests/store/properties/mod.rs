//! Properties that hold for data at random.
//!
//! A failure prints the smallest case that was found and the seed; `PROPTEST_RNG_SEED=SEED` repeats it.
//! `PROPTEST_CASES` multiplies the cases: 256 is one time.

mod engines;
mod generate;
mod metrics;
mod paging;
mod registry;
mod search;
mod search_experiments;
mod search_models;

use std::hash::{BuildHasher, RandomState};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Checks a property, which panics where it does not hold.
///
/// # Panics
/// If it fails for a case.
#[expect(clippy::print_stderr, reason = "the test runner shows it when the test fails")]
fn check<S: Strategy>(cases: u32, strategy: &S, property: impl AsyncFn(S::Value)) {
    let (mut runner, seed) = runner(cases);
    let runtime = tokio::runtime::Handle::current();
    let outcome = runner.run(strategy, |case| {
        tokio::task::block_in_place(|| runtime.block_on(property(case)));
        Ok(())
    });
    if let Err(failure) = outcome {
        eprintln!("PROPTEST_RNG_SEED={seed}");
        panic!("{failure}");
    }
}

/// One value at random, not shrunk when a test fails with it.
fn sample<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>) -> T {
    let (mut runner, _) = runner(1);
    strategy.new_tree(&mut runner).unwrap().current()
}

fn runner(cases: u32) -> (TestRunner, u64) {
    let given = Config::default();
    let seed = match given.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(cases),
    };
    let config = Config {
        cases: cases * given.cases / 256,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 400,
        failure_persistence: None,
        ..given
    };
    (TestRunner::new(config), seed)
}
