//! Creating, deleting, restoring and renaming experiments.

use super::IdArgs;
use crate::commands::connection::Session;
use crate::commands::{later, tags};
use crate::output::{json, to_stdout};

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// Its name; no other experiment may have it, not even a deleted one.
    #[arg(long, short = 'n', value_name = "NAME")]
    experiment_name: String,
    /// Where the artifacts of its runs go: each run gets RUN_ID/artifacts below it. Without it,
    /// the server chooses.
    #[arg(long, short = 'l', value_name = "URI")]
    artifact_location: Option<String>,
    /// A tag; may be repeated.
    #[arg(long, short, value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// Print the id as JSON instead of a sentence.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
    /// Not built yet.
    #[arg(long, value_name = "DURATION", hide = true)]
    trace_archival_retention: Option<String>,
}

impl CreateArgs {
    /// Refuses what is not built yet, before anything is created.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match self.trace_archival_retention {
            Some(_) => Err(later::about_traces("--trace-archival-retention")),
            None => Ok(()),
        }
    }
}

/// Arguments of `rename`.
#[derive(Debug, clap::Args)]
pub(super) struct RenameArgs {
    #[command(flatten)]
    id: IdArgs,
    /// The new name.
    #[arg(long, value_name = "NAME")]
    new_name: String,
}

pub(super) fn create(session: &Session, args: &CreateArgs) -> anyhow::Result<()> {
    let tags = tags::parse(&args.tags)?;
    let name = &args.experiment_name;
    let id = session.client.create_experiment(name, args.artifact_location.as_deref(), &tags)?;
    to_stdout(|out| match args.output {
        Some(_) => json(out, &serde_json::json!({"experiment_id": id, "name": name})),
        // Scripts read the id from MLflow's sentence.
        None => writeln!(out, "Created experiment '{name}' with id {id}"),
    })
}

pub(super) fn delete(session: &Session, args: &IdArgs) -> anyhow::Result<()> {
    let id = &args.experiment_id;
    session.client.delete_experiment(id)?;
    session.console.say(&format!("Experiment with ID {id} has been deleted."));
    Ok(())
}

pub(super) fn restore(session: &Session, args: &IdArgs) -> anyhow::Result<()> {
    let id = &args.experiment_id;
    session.client.restore_experiment(id)?;
    session.console.say(&format!("Experiment with id {id} has been restored."));
    Ok(())
}

pub(super) fn rename(session: &Session, args: &RenameArgs) -> anyhow::Result<()> {
    let (id, name) = (&args.id.experiment_id, &args.new_name);
    session.client.rename_experiment(id, name)?;
    session.console.say(&format!("Experiment with id {id} has been renamed to '{name}'."));
    Ok(())
}
