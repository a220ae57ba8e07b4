//! `modelyard trash …`: what was deleted.

use clap::ArgGroup;

use super::connection::{self, Session};
use super::search;
use crate::client::{Deleted, TrashKind};
use crate::output::{Cell, Column, Format, Table, Terminal, csv as lines, json, time, to_stdout};

/// Arguments of `modelyard trash`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: connection::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what was deleted, the latest first.
    List(ListArgs),
    /// Take something back into use, an experiment with all of its runs.
    Restore(ItemArgs),
    /// Remove something in the trash for good, with its artifacts.
    Delete(DeleteArgs),
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Of this kind only.
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<TrashKind>,
    /// The runs and logged models of this experiment, deleted or in use. Without it, those of
    /// experiments in use.
    #[arg(long, short = 'x', value_name = "ID")]
    experiment_id: Option<String>,
    /// How to write what was found.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// What a command works on.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("item").required(true))]
struct ItemArgs {
    /// An experiment, with all that is in it.
    #[arg(long, short = 'x', value_name = "ID", group = "item")]
    experiment_id: Option<String>,
    /// A run.
    #[arg(long, short = 'r', value_name = "ID", group = "item")]
    run_id: Option<String>,
    /// A logged model.
    #[arg(long, short = 'm', value_name = "ID", group = "item")]
    logged_model_id: Option<String>,
}

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
struct DeleteArgs {
    #[command(flatten)]
    item: ItemArgs,
    /// Remove it even if its artifacts are where the server does not reach, and leave those.
    #[arg(long)]
    leave_unreachable_artifacts: bool,
    /// Remove it even if a version of a registered model has its artifacts, and so loses them.
    #[arg(long)]
    even_if_registered: bool,
}

impl ItemArgs {
    fn item(&self) -> (TrashKind, &str) {
        match (&self.experiment_id, &self.run_id) {
            (Some(id), _) => (TrashKind::Experiment, id),
            (None, Some(id)) => (TrashKind::Run, id),
            // One of the three is there.
            (None, None) => {
                (TrashKind::LoggedModel, self.logged_model_id.as_deref().unwrap_or_default())
            }
        }
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let session = args.connection.open(false)?;
    match &args.command {
        Command::List(args) => list(&session, args),
        Command::Restore(args) => {
            let (kind, id) = args.item();
            session.client.restore_from_trash(kind, id)?;
            session.console.say(&format!("{} {id} has been restored.", title(kind)));
            Ok(())
        }
        Command::Delete(args) => {
            let (kind, id) = args.item.item();
            let leave = args.leave_unreachable_artifacts;
            session.client.delete_from_trash(kind, id, leave, args.even_if_registered)?;
            let title = title(kind);
            session.console.say(&format!("{title} with ID {id} has been permanently deleted."));
            Ok(())
        }
    }
}

fn list(session: &Session, args: &ListArgs) -> anyhow::Result<()> {
    let kinds: &[TrashKind] = match (args.kind, &args.experiment_id) {
        (Some(TrashKind::Experiment), _) => &[TrashKind::Experiment],
        (Some(TrashKind::Run), _) => &[TrashKind::Run],
        (Some(TrashKind::LoggedModel), _) => &[TrashKind::LoggedModel],
        (None, Some(_)) => &[TrashKind::Run, TrashKind::LoggedModel],
        (None, None) => &[TrashKind::Experiment, TrashKind::Run, TrashKind::LoggedModel],
    };
    let mut found = Vec::new();
    for kind in kinds {
        let experiment = args.experiment_id.as_deref();
        let all = search::List::default().pages(|max_results, token| {
            session.client.trash(*kind, experiment, max_results, token.as_deref())
        })?;
        found.extend(all.items);
    }
    to_stdout(|out| match args.output {
        Format::Table => table(session, &found).write(out, Terminal::stdout()),
        Format::Json => json(out, &serde_json::json!({ "items": found })),
        Format::Csv => csv(out, &found),
    })
}

fn table(session: &Session, found: &[Deleted]) -> Table {
    let clock = session.clock();
    let mut table = Table::new(vec![
        Column::whole("Kind"),
        Column::whole("ID"),
        Column::text("Name"),
        Column::text("Experiment"),
        Column::whole("Deleted"),
        Column::number("Runs").droppable(),
        Column::number("Models").droppable(),
        Column::text("Kept For").droppable(),
    ]);
    for item in found {
        let count = |count: i64| match item.kind {
            TrashKind::Experiment => count.to_string(),
            _ => "-".to_owned(),
        };
        table.push(vec![
            Cell::new(item.kind.name()),
            Cell::new(&item.id),
            Cell::new(&item.name),
            Cell::new(&item.experiment_name),
            Cell::new(clock.time(item.deletion_time)),
            Cell::new(count(item.run_count)),
            Cell::new(count(item.logged_model_count)),
            Cell::new(item.retention.as_deref().unwrap_or("-")),
        ]);
    }
    table
}

fn csv(out: &mut dyn std::io::Write, found: &[Deleted]) -> std::io::Result<()> {
    let titles = [
        "kind",
        "id",
        "name",
        "experiment_id",
        "experiment_name",
        "deletion_time",
        "artifact_uri",
        "run_count",
        "logged_model_count",
        "retention",
        "purging",
    ];
    lines::line(out, titles.map(str::to_owned))?;
    for item in found {
        let fields = [
            item.kind.name().to_owned(),
            item.id.clone(),
            item.name.clone(),
            item.experiment_id.clone(),
            item.experiment_name.clone(),
            time::for_csv(item.deletion_time),
            item.artifact_uri.clone(),
            item.run_count.to_string(),
            item.logged_model_count.to_string(),
            item.retention.clone().unwrap_or_default(),
            item.purging.to_string(),
        ];
        lines::line(out, fields)?;
    }
    Ok(())
}

fn title(kind: TrashKind) -> &'static str {
    match kind {
        TrashKind::Experiment => "Experiment",
        TrashKind::Run => "Run",
        TrashKind::LoggedModel => "Logged model",
    }
}
