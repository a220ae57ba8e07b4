//! Showing webhooks and their deliveries, and testing them.

use anyhow::bail;

use super::{IdArgs, PageArgs, parse_event, show};
use crate::commands::connection::Session;
use crate::output::{Format, Terminal, json, to_stdout};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    page: PageArgs,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
pub(super) struct GetArgs {
    #[command(flatten)]
    id: IdArgs,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Of which event; the webhook's first if not said.
    #[arg(long, short, value_name = "EVENT", value_parser = parse_event)]
    event: Option<String>,
    /// Print the result as JSON.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum State {
    /// It waits for its first or next attempt.
    Pending,
    /// It has arrived.
    Delivered,
    /// It is not attempted any more.
    Failed,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
        }
    }
}

/// Arguments of `deliveries`.
#[derive(Debug, clap::Args)]
pub(super) struct DeliveriesArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Only those that are so far.
    #[arg(long, short, value_enum, value_name = "STATE")]
    state: Option<State>,
    #[command(flatten)]
    page: PageArgs,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

pub(super) fn list(session: &Session, args: &ListArgs) -> anyhow::Result<()> {
    let found = args
        .page
        .search()
        .pages(|limit, token| session.client.webhooks(limit, token.as_deref()))?;
    to_stdout(|out| match args.output {
        Format::Table => show::table(&found.items, &session.clock()).write(out, Terminal::stdout()),
        Format::Json => show::json_page(out, &found),
        Format::Csv => show::csv(out, &found.items),
    })?;
    found.tell_of_more(&session.console);
    Ok(())
}

pub(super) fn get(session: &Session, args: &GetArgs) -> anyhow::Result<()> {
    let webhook = session.client.webhook(&args.id.webhook_id)?;
    to_stdout(|out| match args.output {
        Format::Table => show::fields(out, &webhook, &session.clock(), Terminal::stdout()),
        Format::Json => json(out, &show::Json::from(&webhook)),
        Format::Csv => show::csv(out, std::slice::from_ref(&webhook)),
    })
}

/// Fails when the receiver does not take it, so that scripts notice.
pub(super) fn test(session: &Session, args: &TestArgs) -> anyhow::Result<()> {
    let result = session.client.test_webhook(&args.id.webhook_id, args.event.as_deref())?;
    to_stdout(|out| match args.output {
        Some(_) => json(out, &result),
        None => show::result(out, &result, Terminal::stdout()),
    })?;
    if result.success {
        return Ok(());
    }
    bail!("the receiver has not taken the test")
}

pub(super) fn deliveries(session: &Session, args: &DeliveriesArgs) -> anyhow::Result<()> {
    let (id, state) = (&args.id.webhook_id, args.state.map(State::name));
    let found = args
        .page
        .search()
        .pages(|limit, token| session.client.deliveries(id, state, limit, token.as_deref()))?;
    to_stdout(|out| match args.output {
        Format::Table => {
            show::delivery_table(&found.items, &session.clock()).write(out, Terminal::stdout())
        }
        Format::Json => show::deliveries_json(out, &found),
        Format::Csv => show::deliveries_csv(out, &found.items),
    })?;
    found.tell_of_more(&session.console);
    Ok(())
}
