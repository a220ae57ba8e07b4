//! Runs as comma-separated values, in the columns of MLflow's `experiments csv`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::client::{Number, Run};
use crate::output::{csv, time};

const FIXED: [&str; 6] =
    ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"];

/// Writes a header and one line for each run; each kind of key is in alphabetical order. A metric
/// that a run does not have is empty, one that is not a number is `NaN`.
pub(crate) fn write(out: &mut dyn Write, runs: &[Run]) -> io::Result<()> {
    let keys = |of: fn(&Run) -> Vec<&str>| -> BTreeSet<&str> { runs.iter().flat_map(of).collect() };
    let metrics = keys(|run| run.data.metrics.iter().map(|metric| metric.key.as_str()).collect());
    let params = keys(|run| run.data.params.iter().map(|param| param.key.as_str()).collect());
    let tags = keys(|run| run.data.tags.iter().map(|tag| tag.key.as_str()).collect());
    let titles = FIXED.map(str::to_owned).into_iter();
    let titles = titles
        .chain(metrics.iter().map(|key| format!("metrics.{key}")))
        .chain(params.iter().map(|key| format!("params.{key}")))
        .chain(tags.iter().map(|key| format!("tags.{key}")));
    csv::line(out, titles)?;
    for run in runs {
        let (of_metrics, of_params, of_tags) =
            (run.data.metrics(), run.data.params(), run.data.tags());
        let fixed = fixed(run);
        let fields = fixed
            .iter()
            .map(String::as_str)
            .chain(metrics.iter().map(|key| of_metrics.get(key).map_or("", |value| number(value))))
            .chain(params.iter().map(|key| of_params.get(key).copied().unwrap_or_default()))
            .chain(tags.iter().map(|key| of_tags.get(key).copied().unwrap_or_default()));
        csv::line(out, fields)?;
    }
    Ok(())
}

fn fixed(run: &Run) -> [String; 6] {
    let time = |time_ms: Option<i64>| time_ms.map(time::for_csv).unwrap_or_default();
    [
        run.info.run_id.clone(),
        run.info.experiment_id.clone(),
        run.info.status.clone(),
        run.info.artifact_uri.clone(),
        time(run.info.start_time),
        time(run.info.end_time),
    ]
}

/// All digits; infinities in the spelling of pandas.
fn number(value: &Number) -> &str {
    match value.text() {
        "Infinity" => "inf",
        "-Infinity" => "-inf",
        text => text,
    }
}
