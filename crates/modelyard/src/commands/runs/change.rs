//! Creating, deleting and restoring runs.

use anyhow::Context as _;

use super::IdArgs;
use crate::client::{NewRun, Run, Tag};
use crate::commands::connection::{Session, variable};
use crate::commands::tags;
use crate::exit::Usage;
use crate::output::{json, to_stdout};

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The experiment. Without it and without --experiment-name, the one that
    /// MLFLOW_EXPERIMENT_ID or MLFLOW_EXPERIMENT_NAME names.
    #[arg(long, short = 'x', value_name = "ID", conflicts_with = "experiment_name")]
    experiment_id: Option<String>,
    /// The experiment by its name; it is created if there is none.
    #[arg(long, short = 'n', value_name = "NAME")]
    experiment_name: Option<String>,
    /// The name of the run; the server makes one up if there is none.
    #[arg(long, value_name = "NAME")]
    run_name: Option<String>,
    /// What the run is about.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A tag; may be repeated.
    #[arg(long, short, value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// How the run ended.
    #[arg(long, value_enum, default_value_t = Status::Finished, ignore_case = true)]
    status: Status,
    /// The run to nest this one under.
    #[arg(long, value_name = "ID")]
    parent_run_id: Option<String>,
}

/// The ways a run can end, in MLflow's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Status {
    /// As it should.
    #[value(name = "finished")]
    Finished,
    /// With an error.
    #[value(name = "failed")]
    Failed,
    /// Stopped from outside.
    #[value(name = "killed")]
    Killed,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

pub(super) fn create(session: &Session, args: &CreateArgs) -> anyhow::Result<()> {
    let user = variable("LOGNAME").or_else(|| variable("USER"));
    let tags = run_tags(args, user.as_deref())?;
    let experiment_id = experiment(session, args)?;
    if let Some(parent) = &args.parent_run_id {
        let parent = session.client.run(parent)?;
        anyhow::ensure!(
            parent.info.lifecycle_stage != "deleted",
            "the parent run {} is deleted; restore it first",
            parent.info.run_id
        );
    }
    let run = session.client.create_run(&NewRun {
        experiment_id: &experiment_id,
        run_name: args.run_name.as_deref(),
        user_id: user.as_deref(),
        start_time: session.context.now_ms(),
        tags: &tags,
    })?;
    let end_ms = session.context.now_ms();
    let status = args.status.name();
    let id = &run.info.run_id;
    session.client.end_run(id, status, end_ms).with_context(|| {
        format!("the run {id} was created, but its status could not be set to {status}")
    })?;
    report(&run, status)
}

/// Prints what MLflow's command prints.
fn report(run: &Run, status: &str) -> anyhow::Result<()> {
    let summary = serde_json::json!({
        "run_id": run.info.run_id,
        "experiment_id": run.info.experiment_id,
        "status": status,
        "run_name": run.info.run_name,
    });
    to_stdout(|out| json(out, &summary))
}

fn experiment(session: &Session, args: &CreateArgs) -> anyhow::Result<String> {
    let (mut id, mut name) = (args.experiment_id.clone(), args.experiment_name.clone());
    if id.is_none() && name.is_none() {
        id = variable("MLFLOW_EXPERIMENT_ID");
        name = variable("MLFLOW_EXPERIMENT_NAME");
    }
    match (id, name) {
        (Some(id), _) => Ok(id),
        (None, Some(name)) => by_name(session, &name),
        (None, None) => {
            let text = "which experiment? Give --experiment-id or --experiment-name.";
            Err(Usage(text.to_owned()).into())
        }
    }
}

fn by_name(session: &Session, name: &str) -> anyhow::Result<String> {
    match session.client.experiment_by_name(name) {
        Ok(found) if found.lifecycle_stage == "deleted" => anyhow::bail!(
            "the experiment '{name}' is deleted; bring it back with `modelyard experiments \
             restore -x {}`",
            found.experiment_id
        ),
        Ok(found) => Ok(found.experiment_id),
        Err(error) if error.is_not_found() => {
            let id = session.client.create_experiment(name, None, &[])?;
            session.console.say(&format!("Created the experiment '{name}' with id {id}."));
            Ok(id)
        }
        Err(error) => Err(error.into()),
    }
}

/// The tags MLflow's client gives every run, then the user's.
fn run_tags(args: &CreateArgs, user: Option<&str>) -> Result<Vec<Tag>, Usage> {
    let own = tags::parse(&args.tags)?;
    let standard = [
        ("mlflow.user", user.map(str::to_owned)),
        ("mlflow.source.name", Some("modelyard".to_owned())),
        ("mlflow.source.type", Some("LOCAL".to_owned())),
        ("mlflow.note.content", args.description.clone()),
        ("mlflow.parentRunId", args.parent_run_id.clone()),
    ];
    let is_own = |key: &str| own.iter().any(|tag| tag.key == key);
    let mut all: Vec<Tag> = standard
        .into_iter()
        .filter(|(key, _)| !is_own(key))
        .filter_map(|(key, value)| Some(Tag { key: key.to_owned(), value: value? }))
        .collect();
    all.extend(own);
    Ok(all)
}

pub(super) fn delete(session: &Session, args: &IdArgs) -> anyhow::Result<()> {
    session.client.delete_run(&args.run_id)?;
    session.console.say(&format!("Run with ID {} has been deleted.", args.run_id));
    Ok(())
}

pub(super) fn restore(session: &Session, args: &IdArgs) -> anyhow::Result<()> {
    session.client.restore_run(&args.run_id)?;
    session.console.say(&format!("Run with id {} has been restored.", args.run_id));
    Ok(())
}
