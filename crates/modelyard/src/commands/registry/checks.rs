//! `modelyard registry checks …`.

use clap::ArgGroup;

use super::version::VersionArgs;
use super::why::Why;
use crate::client::{Check, Outcome, VersionName};
use crate::commands::connection::Session;
use crate::output::{Cell, Column, Format, Table, Terminal, csv as lines, json, time, to_stdout};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show the newest outcome of every check of a version.
    List(ListArgs),
    /// Note the outcome of a check, in place of an earlier one.
    Record(RecordArgs),
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `record`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("outcome").required(true))]
pub(super) struct RecordArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// The check.
    #[arg(value_name = "CHECK")]
    check: String,
    /// The version has passed.
    #[arg(long, group = "outcome")]
    passed: bool,
    /// The version has failed.
    #[arg(long, group = "outcome")]
    failed: bool,
    /// What was found.
    #[arg(long, short, value_name = "TEXT")]
    details: Option<String>,
    /// The run that did the checking.
    #[arg(long, short, value_name = "ID")]
    run_id: Option<String>,
    #[command(flatten)]
    why: Why,
}

pub(super) fn run(session: &Session, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list(session, args),
        Command::Record(args) => record(session, args),
    }
}

fn record(session: &Session, args: &RecordArgs) -> anyhow::Result<()> {
    let (client, model) = (args.why.client(session)?, &args.version.model);
    let version = args.version.number(&client)?;
    let outcome = Outcome {
        passed: args.passed,
        details: args.details.as_deref(),
        run_id: args.run_id.as_deref(),
    };
    client.record_check(VersionName { name: model, version: &version }, &args.check, &outcome)?;
    let (check, word) = (&args.check, word(args.passed));
    session.console.say(&format!("Version {version} of '{model}' has {word} '{check}'."));
    Ok(())
}

const fn word(passed: bool) -> &'static str {
    if passed { "passed" } else { "failed" }
}

fn list(session: &Session, args: &ListArgs) -> anyhow::Result<()> {
    let version = args.version.number(&session.client)?;
    let version = VersionName { name: &args.version.model, version: &version };
    let checks = session.client.checks(version)?;
    to_stdout(|out| match args.output {
        Format::Table => table(session, &checks).write(out, Terminal::stdout()),
        Format::Json => json(out, &serde_json::json!({ "checks": checks })),
        Format::Csv => {
            lines::line(out, ["name", "outcome", "timestamp", "details", "run_id"])?;
            for check in &checks {
                let (outcome, time) = (word(check.passed), time::for_csv(check.timestamp));
                lines::line(out, [&check.name, outcome, &time, &check.details, &check.run_id])?;
            }
            Ok(())
        }
    })
}

fn table(session: &Session, checks: &[Check]) -> Table {
    let clock = session.clock();
    let mut table = Table::new(vec![
        Column::text("Check"),
        Column::whole("Outcome"),
        Column::whole("When").droppable(),
        Column::text("Details").droppable(),
    ]);
    for check in checks {
        table.push(vec![
            Cell::new(&check.name),
            Cell::new(word(check.passed)),
            Cell::new(clock.time(check.timestamp)),
            Cell::new(&check.details),
        ]);
    }
    table
}
