//! The same operations in the same order have the same answers on both engines.

mod ops;

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

use modelyard_protocol::search::{
    OrderByField, parse_logged_model_filter, parse_logged_model_order,
};
use modelyard_store::{
    Batch, ExperimentQuery, LoggedModel, LoggedModelQuery, ModelOutput, NewExperiment, Result, Run,
    RunInfo, RunInputs, RunQuery, RunUpdate, Store,
};
use proptest::collection::vec;

use self::ops::{MODEL_FILTERS, MODEL_ORDERS, Op, op};
use super::check;
use crate::datasets::input;
use crate::harness::*;
use crate::logged_models::{linked, new_model};

/// A store, and what a case made in it so far.
struct Side<'s> {
    store: &'s Store,
    case: usize,
    experiments: Vec<i64>,
    runs: Vec<String>,
    models: Vec<String>,
}

#[test]
fn agree() {
    let Some(uri) = postgres_uri() else { return };
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let (sqlite, postgres) = (open(&sqlite_uri(folder.path())).await, open(&uri).await);
        let cases = AtomicUsize::new(0);
        check(64, &vec(op(), 1..60), async |ops| {
            let case = cases.fetch_add(1, Ordering::Relaxed);
            let mut sides = [Side::new(&sqlite, case).await, Side::new(&postgres, case).await];
            for op in ops {
                let [sqlite, postgres] = &mut sides;
                assert_eq!(sqlite.run(&op).await, postgres.run(&op).await, "{op:?}");
            }
        });
    });
}

/// What an operation answered, without the numbers that engines are free to choose.
type Answer = std::result::Result<String, String>;

impl<'s> Side<'s> {
    async fn new(store: &'s Store, case: usize) -> Self {
        let mut side =
            Self { store, case, experiments: Vec::new(), runs: Vec::new(), models: Vec::new() };
        side.run(&Op::CreateExperiment(0)).await.unwrap();
        side
    }

    fn name(&self, n: usize) -> String {
        format!("case {} experiment {n}", self.case)
    }

    fn experiment(&self, n: usize) -> i64 {
        self.experiments[n % self.experiments.len()]
    }

    fn run_id(&self, n: usize) -> String {
        if self.runs.is_empty() {
            "nobody".to_owned()
        } else {
            self.runs[n % self.runs.len()].clone()
        }
    }

    fn model_id(&self, n: usize) -> String {
        let models = &self.models;
        if models.is_empty() { "nothing".to_owned() } else { models[n % models.len()].clone() }
    }

    /// Which of the case's experiments this is.
    fn place(&self, id: i64) -> usize {
        self.experiments.iter().position(|&known| known == id).expect("one of the case's")
    }

    /// An answer as text; experiments are named by their place.
    fn told<T: Debug>(&self, outcome: Result<T>) -> Answer {
        outcome.map(|value| format!("{value:?}")).map_err(|error| {
            let told = error.to_client();
            let words = told.message.split(' ').map(|word| {
                let id = word.strip_prefix("id=").unwrap_or(word);
                let place = self.experiments.iter().position(|known| known.to_string() == id);
                place.map_or(word.to_owned(), |place| format!("#{place}"))
            });
            let message = words.collect::<Vec<_>>().join(" ");
            format!("{:?} {message}", told.code)
        })
    }

    fn info(&self, run: &RunInfo) -> String {
        let RunInfo { run_id, name, status, start_ms, end_ms, lifecycle, .. } = run;
        let place = self.place(run.experiment_id);
        format!("{run_id} #{place} {name:?} {status:?} {start_ms} {end_ms:?} {lifecycle:?}")
    }

    fn whole(&self, run: &Run) -> String {
        let Run { metrics, params, tags, datasets, model_inputs, model_outputs, .. } = run;
        let info = self.info(&run.info);
        format!(
            "{info} {metrics:?} {params:?} {tags:?} {datasets:?} {model_inputs:?} {model_outputs:?}"
        )
    }

    fn model(&self, model: &LoggedModel) -> String {
        let LoggedModel { model_id, name, created_ms, updated_ms, status, lifecycle, .. } = model;
        let LoggedModel { params, tags, metrics, source_run_id, .. } = model;
        let place = self.place(model.experiment_id);
        format!(
            "{model_id} #{place} {name:?} {created_ms} {updated_ms} {status:?} {lifecycle:?} \
             {params:?} {tags:?} {metrics:?} {source_run_id}"
        )
    }

    /// Runs an operation; after one that writes to a run, the run is part of the answer.
    async fn run(&mut self, op: &Op) -> Answer {
        match op {
            Op::CreateExperiment(..)
            | Op::RenameExperiment(..)
            | Op::DeleteExperiment(..)
            | Op::RestoreExperiment(..)
            | Op::TagExperiment(..)
            | Op::UntagExperiment(..)
            | Op::SearchExperiments(..) => self.run_on_experiments(op).await,
            Op::History(..)
            | Op::SearchRuns(..)
            | Op::SearchDatasets
            | Op::Overview(..)
            | Op::SearchModels(..) => self.run_read(op).await,
            Op::CreateModel(..)
            | Op::FinalizeModel(..)
            | Op::DeleteModel(..)
            | Op::TagModel(..)
            | Op::UntagModel(..)
            | Op::ModelParams(..)
            | Op::ModelMetric(..) => self.run_on_models(op).await,
            _ => self.run_on_runs(op).await,
        }
    }

    async fn run_on_experiments(&mut self, op: &Op) -> Answer {
        let store = self.store;
        match op {
            Op::CreateExperiment(n) => {
                let new = NewExperiment {
                    name: self.name(*n),
                    artifact_location: None,
                    tags: Vec::new(),
                };
                let made = store.create_experiment(new).await;
                if let Ok(id) = made {
                    self.experiments.push(id);
                }
                self.told(made.map(|_| ()))
            }
            Op::RenameExperiment(e, n) => {
                self.told(store.rename_experiment(self.experiment(*e), self.name(*n)).await)
            }
            Op::DeleteExperiment(e) => {
                self.told(store.delete_experiment(self.experiment(*e)).await)
            }
            Op::RestoreExperiment(e) => {
                self.told(store.restore_experiment(self.experiment(*e)).await)
            }
            Op::TagExperiment(e, tag) => {
                self.told(store.set_experiment_tag(self.experiment(*e), tag.clone()).await)
            }
            Op::UntagExperiment(e, key) => {
                self.told(store.delete_experiment_tag(self.experiment(*e), key.clone()).await)
            }
            Op::SearchExperiments(view, filter, order) => {
                let query = ExperimentQuery {
                    view: *view,
                    filter: filter.clone(),
                    order: order.clone(),
                    limit: 1_000,
                    after: None,
                };
                let found = store.search_experiments(query).await.map(|page| {
                    let own =
                        page.rows.into_iter().filter(|row| self.experiments.contains(&row.id));
                    own.map(|row| {
                        let at = (self.place(row.id), row.created_ms, row.updated_ms);
                        (at, row.name, row.lifecycle, row.tags)
                    })
                    .collect::<Vec<_>>()
                });
                self.told(found)
            }
            _ => unreachable!("not of experiments"),
        }
    }

    async fn run_on_runs(&mut self, op: &Op) -> Answer {
        let store = self.store;
        let (run_id, outcome) = match op {
            Op::CreateRun(e, name, start_ms) => {
                let made = store.create_run(new_run(self.experiment(*e), name, *start_ms)).await;
                if let Ok(run) = &made {
                    self.runs.push(run.info.run_id.clone());
                }
                return self.told(made.map(|run| self.whole(&run)));
            }
            Op::UpdateRun(r, status, name) => {
                let update = RunUpdate { status: *status, end_ms: Some(1), name: name.clone() };
                let updated = store.update_run(self.run_id(*r), update).await;
                return self.told(updated.map(|run| self.info(&run)));
            }
            Op::DeleteRun(r) => (r, store.delete_run(self.run_id(*r)).await),
            Op::RestoreRun(r) => (r, store.restore_run(self.run_id(*r)).await),
            Op::LogMetric(r, point) => (r, store.log_metric(self.run_id(*r), point.clone()).await),
            Op::LogParam(r, param) => (r, store.log_param(self.run_id(*r), param.clone()).await),
            Op::SetTag(r, tag) => (r, store.set_tag(self.run_id(*r), tag.clone()).await),
            Op::DeleteTag(r, key) => (r, store.delete_tag(self.run_id(*r), key.clone()).await),
            Op::AppendToTag(r, key) => {
                (r, store.append_to_tag(self.run_id(*r), key.clone(), 1.into()).await)
            }
            Op::LogBatch(r, metrics, params, tags) => {
                let batch =
                    Batch { metrics: metrics.clone(), params: params.clone(), tags: tags.clone() };
                (r, store.log_batch(self.run_id(*r), batch).await)
            }
            Op::LogInputs(r, list) => {
                let datasets = list
                    .iter()
                    .map(|(name, context)| input(name, "1", context.as_deref()))
                    .collect();
                let inputs = RunInputs { datasets, models: vec!["m-1".to_owned()] };
                (r, store.log_inputs(self.run_id(*r), inputs).await)
            }
            Op::LogOutputs(r, m, step) => {
                let output = ModelOutput { model_id: self.model_id(*m), step: *step };
                (r, store.log_outputs(self.run_id(*r), vec![output]).await)
            }
            _ => unreachable!("not of runs"),
        };
        let told = self.told(outcome)?;
        let run = self.told(store.run(self.run_id(*run_id)).await.map(|run| self.whole(&run)))?;
        let series = self.told(store.run_metrics(self.run_id(*run_id)).await)?;
        Ok(format!("{told} {run} {series}"))
    }

    async fn run_read(&mut self, op: &Op) -> Answer {
        let store = self.store;
        match op {
            Op::History(r, key) => {
                let page = store.metric_history(self.run_id(*r), key.clone(), None, 3).await;
                let sample =
                    store.sample_metric(self.run_id(*r), key.clone(), Some((0, 1)), 2).await;
                Ok(format!("{} {}", self.told(page)?, self.told(sample)?))
            }
            Op::SearchRuns(view, filter, order, limit) => {
                let query = RunQuery {
                    experiments: self.experiments.clone(),
                    view: *view,
                    filter: filter.clone(),
                    order: order.clone(),
                    limit: *limit,
                    after: None,
                };
                let page = store.search_runs(query.clone()).await.unwrap();
                let mut shown: Vec<_> = page.rows.iter().map(|run| self.whole(run)).collect();
                if page.next.is_some() {
                    let query = RunQuery { after: page.next, ..query };
                    let page = store.search_runs(query).await.unwrap();
                    shown.extend(page.rows.iter().map(|run| run.info.run_id.clone()));
                }
                Ok(shown.join("\n"))
            }
            Op::SearchDatasets => {
                let found = store.search_datasets(self.experiments.clone(), 3).await.unwrap();
                let mut shown: Vec<_> = found
                    .into_iter()
                    .map(|row| (self.place(row.experiment_id), row.name, row.digest, row.context))
                    .collect();
                shown.dedup();
                Ok(format!("{shown:?}"))
            }
            Op::Overview(e) => {
                let overviews = store.experiment_overviews(self.experiments.clone()).await;
                let columns = store.experiment_columns(self.experiment(*e)).await;
                Ok(format!("{} {}", self.told(overviews)?, self.told(columns)?))
            }
            Op::SearchModels(filter, order) => {
                let order = OrderByField {
                    field_name: MODEL_ORDERS[*order].to_owned(),
                    ascending: filter % 2 == 0,
                    dataset_name: None,
                    dataset_digest: None,
                };
                let query = LoggedModelQuery {
                    experiments: self.experiments.clone(),
                    filter: parse_logged_model_filter(MODEL_FILTERS[*filter]).unwrap(),
                    datasets: Vec::new(),
                    order: parse_logged_model_order(&[order]).unwrap(),
                    limit: 5,
                    after: None,
                };
                let found = store.search_logged_models(query).await.map(|page| {
                    let models: Vec<_> = page.rows.iter().map(|row| self.model(row)).collect();
                    (models, page.next.is_some())
                });
                self.told(found)
            }
            _ => unreachable!("writes"),
        }
    }

    async fn run_on_models(&mut self, op: &Op) -> Answer {
        let store = self.store;
        let (model, outcome) = match op {
            Op::CreateModel(e, r, name) => {
                let new = modelyard_store::NewLoggedModel {
                    source_run_id: self.run_id(*r),
                    ..new_model(self.experiment(*e), name)
                };
                let made = store.create_logged_model(new).await;
                if let Ok(model) = &made {
                    self.models.push(model.model_id.clone());
                }
                return self.told(made.map(|model| self.model(&model)));
            }
            Op::FinalizeModel(m, status) => {
                (m, store.finalize_logged_model(self.model_id(*m), *status).await.map(|_| ()))
            }
            Op::DeleteModel(m) => (m, store.delete_logged_model(self.model_id(*m)).await),
            Op::TagModel(m, tags) => {
                let tagged = store.set_logged_model_tags(self.model_id(*m), tags.clone()).await;
                (m, tagged.map(|_| ()))
            }
            Op::UntagModel(m, key) => {
                (m, store.delete_logged_model_tag(self.model_id(*m), key.clone()).await)
            }
            Op::ModelParams(m, params) => {
                (m, store.log_logged_model_params(self.model_id(*m), params.clone()).await)
            }
            Op::ModelMetric(r, m, point, data) => {
                let point = linked(point.clone(), &self.model_id(*m), (data.as_str(), "1"));
                (m, store.log_metric(self.run_id(*r), point).await)
            }
            _ => unreachable!("not of models"),
        };
        let told = self.told(outcome)?;
        let model = store.logged_model(self.model_id(*model), true).await;
        let model = self.told(model.map(|model| self.model(&model)))?;
        Ok(format!("{told} {model}"))
    }
}
