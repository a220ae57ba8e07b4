//! Every table of Modelyard and its SQL.
//!
//! An operation is one `async fn` over a connection inside a transaction; [`Store`] offers each as a method
//! that owns its transaction. Rows are types of this crate, never those of the wire.

mod batch;
mod changes;
mod chunks;
mod datasets;
mod error;
mod events;
mod experiment_search;
mod experiments;
mod history;
mod history_sample;
mod logged_model_search;
mod logged_models;
mod metric_names;
mod metrics;
mod overview;
mod params;
mod purge;
mod registry;
mod rows;
mod run_data;
mod run_search;
mod runs;
mod schema;
mod search;
mod tags;
mod trash;
mod webhooks;

use modelyard_database::{Database, DatabaseUri, Engine, Load};
use modelyard_protocol::Context;

pub use batch::Batch;
pub use changes::{Change, ChangeKind};
pub use datasets::{Dataset, DatasetInput, DatasetSummary, RunInputs};
pub use error::{Error, Result};
pub use events::{Action, Author, Event, EventQuery};
pub use experiment_search::ExperimentQuery;
pub use experiments::{Experiment, NewExperiment};
pub use history::{HistoryPage, SeriesPoint};
pub use logged_model_search::{DatasetFilter, LoggedModelQuery};
pub use logged_models::{LoggedModel, ModelMetric, NewLoggedModel};
pub use metrics::{MetricPoint, ModelLink};
pub use overview::{Columns, ExperimentOverview, SeriesSummary};
pub use registry::{
    AliasPolicy, CheckOutcome, ModelVersion, ModelVersionQuery, NewCheckOutcome, NewModelVersion,
    NewRegisteredModel, RegisteredModel, RegisteredModelQuery, Rollback, StageMove,
};
pub use rows::{Cursor, KeyValue, Lifecycle, LoggedModelStatus, ModelStage, Page, RunStatus, View};
pub use run_data::Run;
pub use run_search::RunQuery;
#[doc(hidden)]
pub use run_search::SearchPlan;
pub use runs::{ModelOutput, NewRun, RunInfo, RunUpdate};
pub use schema::newest_version as newest_schema_version;
pub use trash::{TrashItem, TrashKind, TrashQuery, TrashScope};
pub use webhooks::{
    Attempt, Claim, Claimed, Delivery, DeliveryQuery, DeliveryState, NewWebhook, Outbox, Verdict,
    Webhook, WebhookUpdate, sealed_secrets,
};

use changes::Changes;
use metric_names::MetricNames;

/// What the store needs to know of the server around it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the artifacts of an experiment without a location of its own go: `ROOT/EXPERIMENT_ID`.
    pub artifact_root: String,
}

/// Experiments, runs, metrics, datasets, models, the registry and its webhooks, kept in a database.
pub struct Store {
    db: Database,
    context: Context,
    settings: Settings,
    names: MetricNames,
    changes: Changes,
    outbox: Outbox,
}

impl Store {
    /// Opens or creates the database, brings its schema up to date and makes sure that a new one has
    /// MLflow's experiment `0`, `Default`.
    pub async fn open(uri: &DatabaseUri, settings: Settings, context: Context) -> Result<Self> {
        let db = Database::open(uri, schema::MIGRATIONS, &context).await?;
        let store = Self {
            db,
            context,
            settings,
            names: MetricNames::default(),
            changes: Changes::new(),
            outbox: Outbox::default(),
        };
        store.create_default_experiment().await?;
        Ok(store)
    }

    /// The engine underneath.
    pub fn engine(&self) -> Engine {
        self.db.engine()
    }

    /// What the database has done and has still to do.
    pub fn load(&self) -> Load {
        self.db.load()
    }

    /// Whether the database answers and takes writes: one small read.
    pub async fn check(&self) -> Result<()> {
        self.db.check_writes()?;
        self.db.read((), |conn, ()| Box::pin(experiments::probe(conn))).await
    }

    /// The changes from now on, each sent after its commit.
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}
