//! MLflow's messages, error codes and search grammar: pure, no I/O, no async.

pub mod context;
pub mod digest;
pub mod error;
pub mod limits;
pub mod messages;
pub mod names;
pub mod page_token;
pub mod search;
pub mod states;
pub mod uri;
pub mod validate;
pub mod webhooks;
pub mod wire;

pub use context::{Context, Environment};
pub use error::{Error, ErrorCode};
pub use states::{
    LifecycleStage, LoggedModelStatus, ModelStage, ModelVersionStatus, RunStatus, ViewType,
};
