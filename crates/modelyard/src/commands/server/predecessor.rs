//! What MLflow's own server or client left in the working folder, which this server does not read.

use std::path::Path;

use modelyard_database::DatabaseUri;

use super::DataArgs;
use crate::config::Data;

/// A line about it, if this server is about to start empty beside it.
pub(super) fn note(args: &DataArgs, data: &Data, here: &Path) -> Option<String> {
    let asked = args.backend_store_uri.as_deref().is_some_and(|uri| !uri.trim().is_empty());
    let empty = matches!(&data.database, DatabaseUri::Sqlite(path) if !path.exists());
    if asked || !empty {
        return None;
    }
    let folder = here.join("mlruns");
    let holds_something =
        || std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    let found = match () {
        () if here.join("mlflow.db").is_file() => "./mlflow.db",
        () if holds_something() => "./mlruns",
        () => return None,
    };
    Some(format!(
        "{found} holds data of MLflow, which this server does not read: it starts empty, in {}. \
         Importing is not built yet; `mlflow server` still shows them",
        args.data_dir.display()
    ))
}
