//! `modelyard registry versions …`.

mod create;

use super::show;
use super::version::VersionArgs;
use super::why::Why;
use crate::client::{Client, RegistrySearch, VersionName};
use crate::commands::connection::Session;
use crate::commands::{search, tags};
use crate::output::{Format, Terminal, to_stdout};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Find versions of all registered models, or of one.
    #[command(visible_alias = "list")]
    Search(SearchArgs),
    /// Show a version.
    Show(ShowArgs),
    /// Make a version from a run, a logged model or any source of files.
    Create(create::CreateArgs),
    /// Make a version of another registered model from a version.
    Copy(create::CopyArgs),
    /// Move a version to a stage.
    Transition(TransitionArgs),
    /// Change the description of a version.
    Describe(DescribeArgs),
    /// Set tags of a version.
    Tag(TagArgs),
    /// Remove tags of a version.
    Untag(UntagArgs),
    /// Delete a version and the aliases that name it; its number is not used again.
    Delete(DeleteArgs),
}

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
pub(super) struct SearchArgs {
    /// Only those of this registered model.
    #[arg(value_name = "MODEL")]
    model: Option<String>,
    #[command(flatten)]
    list: search::List,
    /// How to write what was found.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `transition`.
#[derive(Debug, clap::Args)]
pub(super) struct TransitionArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// The stage.
    #[arg(value_enum, value_name = "STAGE", ignore_case = true)]
    stage: Stage,
    /// Move the versions that are in the stage to Archived.
    #[arg(long)]
    archive_existing_versions: bool,
    #[command(flatten)]
    why: Why,
}

/// MLflow's stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Stage {
    None,
    Staging,
    Production,
    Archived,
}

/// Arguments of `describe`.
#[derive(Debug, clap::Args)]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// The new description; empty for none.
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `tag`.
#[derive(Debug, clap::Args)]
pub(super) struct TagArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// The tags.
    #[arg(value_name = "KEY=VALUE", required = true)]
    tags: Vec<String>,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `untag`.
#[derive(Debug, clap::Args)]
pub(super) struct UntagArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// The keys of the tags.
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    version: VersionArgs,
    #[command(flatten)]
    why: Why,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }
}

pub(super) fn run(session: &Session, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Search(args) => search(session, args),
        Command::Show(args) => show(session, args),
        Command::Create(args) => create::create(session, args),
        Command::Copy(args) => create::copy(session, args),
        Command::Transition(args) => {
            let (stage, archive) = (args.stage.name(), args.archive_existing_versions);
            change(session, &args.version, &args.why, "moved", |client, version| {
                client.move_to_stage(version, stage, archive).map(drop)
            })
        }
        Command::Describe(args) => {
            change(session, &args.version, &args.why, "described", |client, version| {
                client.describe_version(version, &args.text)
            })
        }
        Command::Tag(args) => {
            let tags = tags::parse(&args.tags)?;
            change(session, &args.version, &args.why, "tagged", |client, version| {
                tags.iter().try_for_each(|tag| client.set_version_tag(version, tag))
            })
        }
        Command::Untag(args) => {
            change(session, &args.version, &args.why, "untagged", |client, version| {
                args.keys.iter().try_for_each(|key| client.delete_version_tag(version, key))
            })
        }
        Command::Delete(args) => {
            change(session, &args.version, &args.why, "deleted", Client::delete_version)
        }
    }
}

/// Changes a version and says so.
fn change(
    session: &Session,
    args: &VersionArgs,
    why: &Why,
    done: &str,
    make: impl FnOnce(&Client, VersionName<'_>) -> Result<(), crate::client::Error>,
) -> anyhow::Result<()> {
    let client = why.client(session)?;
    let version = args.number(&client)?;
    make(&client, VersionName { name: &args.model, version: &version })?;
    session.console.say(&format!("Version {version} of '{}' has been {done}.", args.model));
    Ok(())
}

fn search(session: &Session, args: &SearchArgs) -> anyhow::Result<()> {
    let filter = filter(args)?;
    let found = args.list.pages(|max_results, page_token| {
        session.client.search_versions(&RegistrySearch {
            filter: filter.as_deref(),
            order_by: &args.list.order_by,
            max_results,
            page_token: page_token.as_deref(),
        })
    })?;
    to_stdout(|out| match args.output {
        Format::Table => {
            show::version_table(&found.items, &session.clock()).write(out, Terminal::stdout())
        }
        Format::Json => show::json_versions(out, &found),
        Format::Csv => show::csv_versions(out, &found.items),
    })?;
    found.tell_of_more(&session.console);
    Ok(())
}

/// The filter with the model in it.
fn filter(args: &SearchArgs) -> anyhow::Result<Option<String>> {
    let Some(model) = &args.model else { return Ok(args.list.filter.clone()) };
    let quote = match (model.contains('\''), model.contains('"')) {
        (false, _) => '\'',
        (true, false) => '"',
        (true, true) => {
            let text = "a filter cannot hold a name with both kinds of quotes; search without it";
            return Err(crate::exit::Usage(text.to_owned()).into());
        }
    };
    let of_model = format!("name = {quote}{model}{quote}");
    Ok(Some(match &args.list.filter {
        // MLflow's own server knows no parentheses, and no OR that would need them.
        Some(filter) if filter.to_ascii_uppercase().contains(" OR ") => {
            format!("{of_model} AND ({filter})")
        }
        Some(filter) => format!("{of_model} AND {filter}"),
        None => of_model,
    }))
}

fn show(session: &Session, args: &ShowArgs) -> anyhow::Result<()> {
    let version = args.version.read(&session.client)?;
    to_stdout(|out| match args.output {
        Format::Table => show::version(out, &version, &session.clock(), Terminal::stdout()),
        Format::Json => show::json_version(out, &version),
        Format::Csv => show::csv_versions(out, std::slice::from_ref(&version)),
    })
}
