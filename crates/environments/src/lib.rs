//! Python environments of models: found where they lie already, built where they do not.
//!
//! A model says which Python and which packages it wants; an [`EnvManager`] says who provides them. What comes out
//! is the path of an interpreter that has them, and a [`Environment`] that keeps the folder from being removed for
//! as long as it is held.
//!
//! - Environments lie in one folder, each under a key that is a digest of all that was wanted ([`Wanted`]), so the
//!   same wish is met once. Processes that want the same wait for each other at a lock file.
//! - What is there without its marker was interrupted, and is built anew. A build that fails leaves nothing; its
//!   last lines are in the [`Error`].
//! - Requirements are texts of strangers. They are read line by line, options by a list of what is allowed, and reach
//!   an installer in a file. An installer gets some variables of this process's environment, never all: packages
//!   may run code while they are installed. They do so as this user, who can read more than variables: a model that
//!   nobody trusts wants a machine of its own.
//! - Dropping a future ends the installer's whole process group. Installers hold the lock too, so even when this
//!   process is killed nobody builds where one of its installers still writes.

mod cache;
mod check;
mod conda;
mod error;
mod install;
mod inventory;
mod key;
mod local;
mod manager;
mod paths;
mod plan;
mod prepare;
mod process;
mod progress;
mod pythons;
mod requirements;
mod settings;
mod tools;
mod uv;
mod version;
mod virtualenv;
mod wanted;

pub use error::Error;
pub use inventory::{Cached, Removal, Removed};
pub use manager::{EnvManager, UnknownManager};
pub use prepare::{Environment, Environments};
pub use progress::{Progress, Stage};
pub use settings::Settings;
pub use wanted::{Mlflow, UvProject, Wanted};
