//! `modelyard webhooks …`.

mod change;
mod read;
mod show;

use modelyard_protocol::webhooks::WebhookEvent;

use super::{connection, search};

/// Arguments of `modelyard webhooks`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: connection::Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create a webhook.
    Create(change::CreateArgs),
    /// Show all webhooks, the newest first.
    List(read::ListArgs),
    /// Show one webhook.
    Get(read::GetArgs),
    /// Change a webhook.
    Update(change::UpdateArgs),
    /// Delete a webhook with its deliveries, those that wait included.
    Delete(IdArgs),
    /// Send an example to a webhook, once, and show what it answers.
    Test(read::TestArgs),
    /// Show what a webhook was told and is to be told, the newest first.
    Deliveries(read::DeliveriesArgs),
    /// Send a delivery again, with the same id and body.
    Redeliver(change::RedeliverArgs),
}

/// The webhook a command works on.
#[derive(Debug, clap::Args)]
struct IdArgs {
    /// The webhook.
    #[arg(long, short = 'w', value_name = "ID")]
    webhook_id: String,
}

/// How much of a list is shown.
#[derive(Debug, clap::Args)]
struct PageArgs {
    /// Show at most so many. Without it, all are shown.
    #[arg(long, value_name = "N")]
    max_results: Option<u32>,
    /// Go on where a list with --max-results stopped; the other arguments must be the same.
    #[arg(long, value_name = "TOKEN")]
    page_token: Option<String>,
}

impl PageArgs {
    fn search(&self) -> search::Args {
        let (max_results, page_token) = (self.max_results, self.page_token.clone());
        search::Args { max_results, page_token, ..search::Args::everything() }
    }
}

/// Reads the name of an event.
fn parse_event(text: &str) -> Result<String, String> {
    if WebhookEvent::from_name(text).is_some() {
        return Ok(text.to_owned());
    }
    let all: Vec<String> = WebhookEvent::all().map(WebhookEvent::name).collect();
    Err(format!("there is no such event; there are {}", all.join(", ")))
}

/// Runs the command that was asked for.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let creates = matches!(args.command, Command::Create(_));
    let session = args.connection.open(creates)?;
    match &args.command {
        Command::Create(args) => change::create(&session, args),
        Command::List(args) => read::list(&session, args),
        Command::Get(args) => read::get(&session, args),
        Command::Update(args) => change::update(&session, args),
        Command::Delete(args) => change::delete(&session, args),
        Command::Test(args) => read::test(&session, args),
        Command::Deliveries(args) => read::deliveries(&session, args),
        Command::Redeliver(args) => change::redeliver(&session, args),
    }
}
