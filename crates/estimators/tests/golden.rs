//! Predictions against what the real libraries answered: the same bits, or within the stated
//! tolerance where the libraries' own sums depend on the machine.
//!
//! `tests/golden/train.py` makes the cases. A sample of them is checked in. `make test-golden` makes
//! all of them, with many versions of the libraries, and names their folder in `MODELYARD_GOLDEN`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;

use std::path::Path;

use cases::{Answer, Case, Folder};
use modelyard_estimators::{Error, Method, Output, Values};

/// Units in the last place that exponentials and logarithms may differ: numpy takes them from the
/// processor's vector unit, where there is one, or from the C library.
const EXPONENTIAL_ULPS: u64 = 4;

/// How much was compared.
#[derive(Debug, Default)]
struct Tally {
    answers: usize,
    values: usize,
    refusals: usize,
    python: Vec<String>,
    wrong: Vec<String>,
}

fn check_folder(path: &Path) -> Tally {
    let folder = Folder::read(path);
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for case in &folder.cases {
        for file in &case.files {
            let name = format!("{}/{file}", path.file_name().unwrap().to_string_lossy());
            match folder.model(case, file) {
                Ok(_) if case.refused.is_some() => wrong.push(format!("{name}: was read")),
                Ok(model) => {
                    for answer in &case.answers {
                        let method = Method::parse(&answer.method).unwrap();
                        let got = model.predict(method, folder.table(&answer.input));
                        let done = compare(&folder, case, answer, got, &mut tally);
                        if let Err(what) = done {
                            wrong
                                .push(format!("{name} {} {}: {what}", answer.method, answer.input));
                        }
                    }
                }
                Err(error)
                    if case.refused.as_ref().is_some_and(|why| error.to_string().contains(why)) =>
                {
                    tally.refusals += 1;
                }
                Err(error) if case.refused.is_some() => wrong.push(format!("{name}: {error}")),
                Err(Error::NeedsPython(reason)) => tally.python.push(format!("{name}: {reason}")),
                Err(error) => wrong.push(format!("{name}: {error}")),
            }
        }
    }
    tally.wrong = wrong;
    tally
}

fn compare(
    folder: &Folder,
    case: &Case,
    answer: &Answer,
    got: Result<Output, Error>,
    tally: &mut Tally,
) -> Result<(), String> {
    match (&answer.file, &answer.error, got) {
        (Some(file), _, Ok(output)) => {
            let expected = folder.output(file);
            if expected.shape != output.shape {
                return Err(format!("shape {:?}, expected {:?}", output.shape, expected.shape));
            }
            tally.answers += 1;
            tally.values += output.shape.iter().product::<usize>();
            compare_values(case, &answer.method, &output.values, &expected.values)
        }
        (None, Some(expected), Err(Error::Rows(message))) => {
            tally.refusals += 1;
            if message == *expected {
                return Ok(());
            }
            Err(format!("refused with '{message}', expected '{expected}'"))
        }
        (file, error, got) => {
            let got = got.map(|output| output.shape);
            Err(format!("{got:?}, expected {file:?} {error:?}"))
        }
    }
}

fn compare_values(
    case: &Case,
    method: &str,
    got: &Values,
    expected: &Values,
) -> Result<(), String> {
    let (got, expected) = match (got, expected) {
        (Values::F64(got), Values::F64(expected)) => (got.clone(), expected.clone()),
        (Values::F32(got), Values::F32(expected)) => {
            let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
            (wide(got), wide(expected))
        }
        _ if got == expected => return Ok(()),
        _ => return Err("labels differ".to_owned()),
    };
    let exponential = case.exponential.iter().any(|name| name == method);
    let near = |a: f64, b: f64| {
        let same = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let ulps = a.to_bits().abs_diff(b.to_bits());
        // Relative to 1 for what is near 0: a sum of large terms is not exact in small ones.
        let close = (a - b).abs() <= case.tolerance * a.abs().max(b.abs()).max(1.0);
        same || (exponential && ulps <= EXPONENTIAL_ULPS) || (case.tolerance > 0.0 && close)
    };
    let differs = got.iter().zip(&expected).enumerate().filter(|(_, (a, b))| !near(**a, **b));
    let differs: Vec<_> = differs.collect();
    match differs.first() {
        None => Ok(()),
        Some((at, (a, b))) => Err(format!("{} differ, at {at}: {a:e} != {b:e}", differs.len())),
    }
}

#[test]
fn predictions_have_the_bits_of_the_libraries() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cases");
    let mut folders = cases::folders(&sample);
    assert_eq!(folders.len(), 2, "the checked-in sample is gone");
    if let Some(matrix) = std::env::var_os("MODELYARD_GOLDEN") {
        folders = cases::folders(Path::new(&matrix));
        assert!(folders.len() >= 8, "{}: only {} sets", matrix.display(), folders.len());
    }
    let (mut answers, mut wrong) = (0, Vec::new());
    for folder in folders {
        let tally = check_folder(&folder);
        let (values, refusals) = (tally.values, tally.refusals);
        let name = folder.file_name().unwrap().to_string_lossy();
        println!("{name}: {} answers, {values} values, {refusals} refusals", tally.answers);
        println!("  for Python: {}", tally.python.join("\n  for Python: "));
        answers += tally.answers;
        wrong.extend(tally.wrong);
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(answers > 100, "only {answers} answers were compared");
}
