//! Many params, metrics and tags of a run in one request.

use modelyard_database::Conn;

use crate::metrics::{self, MetricPoint};
use crate::rows::KeyValue;
use crate::{ChangeKind, Result, Store, params, runs, tags};

/// What a request logs to a run.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Points of metrics.
    pub metrics: Vec<MetricPoint>,
    /// Params, each key once.
    pub params: Vec<KeyValue>,
    /// Tags; of equal keys the last wins.
    pub tags: Vec<KeyValue>,
}

impl Store {
    /// Logs a batch to an active run: all of it or nothing. (MLflow keeps the params of a batch whose
    /// tags it refuses.)
    pub async fn log_batch(&self, run_id: String, batch: Batch) -> Result<()> {
        let known = self.known_names(&batch.metrics);
        let kinds: Vec<_> = kinds(&batch).collect();
        let data = (run_id.clone(), batch, known);
        let (experiment, found) = self
            .db
            .write(data, |conn, (run, batch, known)| Box::pin(log(conn, run, batch, known)))
            .await?;
        self.names.remember(found);
        for kind in kinds {
            self.changes.tell(experiment, Some(&run_id), kind);
        }
        Ok(())
    }
}

/// What a batch changes.
fn kinds(batch: &Batch) -> impl Iterator<Item = ChangeKind> {
    let Batch { metrics, params, tags } = batch;
    let present = [
        (ChangeKind::Metrics, !metrics.is_empty()),
        (ChangeKind::Models, metrics.iter().any(|point| point.model.is_some())),
        (ChangeKind::Params, !params.is_empty()),
        (ChangeKind::Tags, !tags.is_empty()),
        (ChangeKind::Run, tags.iter().any(tags::renames)),
    ];
    present.into_iter().filter_map(|(kind, present)| present.then_some(kind))
}

async fn log(
    conn: &mut Conn,
    run_id: &str,
    batch: &Batch,
    known: &[Option<i64>],
) -> Result<(i64, Vec<(String, i64)>)> {
    let run = runs::find_active(conn, run_id).await?;
    if !batch.params.is_empty() {
        params::log_all(conn, run.id, run_id, &batch.params).await?;
    }
    let mut found = Vec::new();
    if !batch.metrics.is_empty() {
        found = metrics::log_all(conn, &run, run_id, &batch.metrics, known).await?;
    }
    if !batch.tags.is_empty() {
        tags::set_all(conn, run.id, &batch.tags).await?;
    }
    Ok((run.experiment, found))
}
