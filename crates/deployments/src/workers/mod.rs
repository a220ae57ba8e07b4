//! Python workers: processes that serve one model, in its own environment, when the native engine
//! cannot.
//!
//! A [`Pool`] owns some processes of one model. A decoded request goes to one of them as typed
//! columns, past MLflow's parsing, casting and enforcement, which `models` has done; whatever only
//! MLflow's own code can answer goes there as it came. A model that crashes, hangs or grows costs
//! the calls that are inside the process, and no others.

mod batch;
mod channel;
mod config;
mod failure;
mod pool;
mod queue;
mod slot;
mod status;
mod wire;
mod worker;

use bytes::Bytes;
use modelyard_models::scoring::{Output, Request};

pub use config::{Batching, WorkerConfig};
pub use failure::{Failure, StartError};
pub use pool::Pool;
pub use status::{Batches, State, Status, Versions, WorkerStatus};

/// What is asked of a model.
#[derive(Debug)]
pub enum Call {
    /// A request that was decoded; see [`Pool::takes`].
    Typed {
        /// The request.
        request: Request,
    },
    /// A request as it came, for MLflow's own code.
    Raw {
        /// Its `Content-Type`.
        content_type: Option<String>,
        /// Its body.
        body: Bytes,
    },
}

/// What a model answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// An array of numbers or booleans.
    Output(Output),
    /// The JSON of the prediction, without `predictions` around it.
    Json(Vec<u8>),
    /// MLflow's own answer to [`Call::Raw`].
    Answer {
        /// The HTTP status.
        status: u16,
        /// The `Content-Type`.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
}
