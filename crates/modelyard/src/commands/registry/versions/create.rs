//! Making versions: from a run, a logged model, a source, or another version.

use clap::ArgGroup;

use crate::client::{Client, NewVersion};
use crate::commands::connection::Session;
use crate::commands::registry::show;
use crate::commands::registry::version::VersionArgs;
use crate::commands::registry::why::Why;
use crate::commands::tags;
use crate::exit::Usage;
use crate::output::{json, to_stdout};

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("from").required(true).multiple(true))]
pub(in crate::commands::registry) struct CreateArgs {
    /// The registered model; made if it is missing.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The run whose files they are; with --path, or with a --source that lies within the run.
    #[arg(long, short, value_name = "ID", group = "from")]
    run_id: Option<String>,
    /// Where in the run the model is: a path of its artifacts, or the name of a model it logged.
    #[arg(long, short, value_name = "PATH", requires = "run_id", conflicts_with = "source")]
    path: Option<String>,
    /// The logged model that it is (m-…).
    #[arg(long, short, value_name = "ID", group = "from", conflicts_with_all = ["run_id", "source"])]
    logged_model_id: Option<String>,
    /// Where the files are: an artifact URI, such as s3://bucket/path.
    #[arg(long, short, value_name = "URI", group = "from")]
    source: Option<String>,
    /// What it is.
    #[arg(long, short, value_name = "TEXT")]
    description: Option<String>,
    /// A tag; may be repeated.
    #[arg(long, short, value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// Print the version as JSON instead of a sentence.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `copy`.
#[derive(Debug, clap::Args)]
pub(in crate::commands::registry) struct CopyArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// The registered model to get a new version; made if it is missing.
    #[arg(value_name = "TO-MODEL")]
    to: String,
    /// Print the version as JSON instead of a sentence.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
    #[command(flatten)]
    why: Why,
}

pub(super) fn create(session: &Session, args: &CreateArgs) -> anyhow::Result<()> {
    let (client, tags) = (args.why.client(session)?, tags::parse(&args.tags)?);
    let new = NewVersion {
        name: &args.model,
        description: args.description.clone(),
        tags,
        ..origin(&client, args)?
    };
    make(session, &client, &new, args.output.is_some())
}

/// Source, run and logged model of the new version.
fn origin<'a>(client: &Client, args: &CreateArgs) -> anyhow::Result<NewVersion<'a>> {
    if let Some(id) = &args.logged_model_id {
        return of_logged_model(client, id);
    }
    let run_id = args.run_id.clone();
    if let Some(source) = &args.source {
        return Ok(NewVersion { source: source.clone(), run_id, ..NewVersion::default() });
    }
    let (Some(run_id), Some(path)) = (run_id, &args.path) else {
        let text = "where in the run is the model? Give --path, or --source.";
        return Err(Usage(text.to_owned()).into());
    };
    let run = client.run(&run_id)?;
    let (info, path) = (&run.info, path.trim_matches('/'));
    // From MLflow 3 on, models lie beside the run's artifacts.
    if let Some(id) = client.logged_model_id_of_run(&info.experiment_id, &info.run_id, path)? {
        return of_logged_model(client, &id);
    }
    let source = format!("{}/{path}", info.artifact_uri.trim_end_matches('/'));
    Ok(NewVersion { source, run_id: Some(run_id), ..NewVersion::default() })
}

fn of_logged_model<'a>(client: &Client, id: &str) -> anyhow::Result<NewVersion<'a>> {
    let model = client.logged_model(id)?;
    let run_id = Some(model.source_run_id).filter(|run| !run.is_empty());
    let source = format!("models:/{id}");
    Ok(NewVersion { source, run_id, model_id: Some(id.to_owned()), ..NewVersion::default() })
}

pub(super) fn copy(session: &Session, args: &CopyArgs) -> anyhow::Result<()> {
    let client = args.why.client(session)?;
    let from = args.version.read(&client)?;
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let new = NewVersion {
        name: &args.to,
        source: format!("models:/{}/{}", from.name, from.version),
        run_id: given(from.run_id),
        model_id: None,
        run_link: given(from.run_link),
        description: given(from.description),
        tags: from.tags,
    };
    make(session, &client, &new, args.output.is_some())
}

/// Makes the version, and the registered model before it if need be.
fn make(
    session: &Session,
    client: &Client,
    new: &NewVersion<'_>,
    as_json: bool,
) -> anyhow::Result<()> {
    match client.model(new.name) {
        Ok(_) => {}
        Err(error) if error.is_not_found() => {
            client.create_model(new.name, None, &[])?;
            session.console.say(&format!("The model '{}' has been registered.", new.name));
        }
        Err(error) => return Err(error.into()),
    }
    let made = client.create_version(new)?;
    to_stdout(|out| match as_json {
        true => json(out, &show::VersionJson::from(&made)),
        // MLflow's sentence.
        false => writeln!(out, "Created version '{}' of model '{}'.", made.version, made.name),
    })
}
