//! Creating, changing and deleting webhooks, and sending deliveries again.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueHint;

use super::{IdArgs, parse_event, show};
use crate::client::WebhookChange;
use crate::commands::connection::Session;
use crate::exit::Usage;
use crate::output::{json, to_stdout};

/// Whether a webhook is sent anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Status {
    /// It is.
    Active,
    /// It is not; what waits for it waits on.
    Disabled,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
        }
    }
}

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// Its name: letters, digits, `.`, `_` and `-`, at most 63.
    #[arg(long, short = 'n', value_name = "NAME")]
    name: String,
    /// Where it is sent to.
    #[arg(long, short = 'u', value_name = "URL")]
    url: String,
    /// What it is told of, such as model_version.created; may be repeated.
    #[arg(long = "event", short, value_name = "EVENT", required = true, value_parser = parse_event)]
    events: Vec<String>,
    #[command(flatten)]
    more: MoreArgs,
    /// Print the webhook as JSON instead of a sentence.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    output: Option<String>,
}

/// What may be said of a webhook, new or not.
#[derive(Debug, clap::Args)]
struct MoreArgs {
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// What deliveries are signed with; an empty one takes the signature away. Others on this
    /// machine can see it while the command runs.
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// File whose first line is the secret; `-` for stdin.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    secret_file: Option<PathBuf>,
    /// Whether it is sent anything.
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<Status>,
}

impl MoreArgs {
    fn secret(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.secret_file else { return Ok(self.secret.clone()) };
        let mut line = String::new();
        let read = if path.as_os_str() == "-" {
            std::io::stdin().lock().read_line(&mut line)
        } else {
            File::open(path).and_then(|file| BufReader::new(file).read_line(&mut line))
        };
        read.with_context(|| format!("cannot read the secret from {}", path.display()))?;
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// Arguments of `update`.
#[derive(Debug, clap::Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    id: IdArgs,
    /// The new name.
    #[arg(long, short = 'n', value_name = "NAME")]
    name: Option<String>,
    /// The new URL. What waits is sent there.
    #[arg(long, short = 'u', value_name = "URL")]
    url: Option<String>,
    /// What it is told of from now on, instead of what it was; may be repeated.
    #[arg(long = "event", short, value_name = "EVENT", value_parser = parse_event)]
    events: Vec<String>,
    #[command(flatten)]
    more: MoreArgs,
}

/// Arguments of `redeliver`.
#[derive(Debug, clap::Args)]
pub(super) struct RedeliverArgs {
    #[command(flatten)]
    id: IdArgs,
    /// The delivery, as `deliveries` shows it.
    #[arg(long, short = 'd', value_name = "ID")]
    delivery_id: String,
}

pub(super) fn create(session: &Session, args: &CreateArgs) -> anyhow::Result<()> {
    let webhook = session.client.create_webhook(&WebhookChange {
        name: Some(args.name.clone()),
        url: Some(args.url.clone()),
        events: args.events.clone(),
        description: args.more.description.clone(),
        secret: args.more.secret()?,
        status: args.more.status.map(Status::name),
    })?;
    to_stdout(|out| match args.output {
        Some(_) => json(out, &show::Json::from(&webhook)),
        None => writeln!(out, "Created webhook '{}' with id {}", webhook.name, webhook.webhook_id),
    })
}

pub(super) fn update(session: &Session, args: &UpdateArgs) -> anyhow::Result<()> {
    let change = WebhookChange {
        name: args.name.clone(),
        url: args.url.clone(),
        events: args.events.clone(),
        description: args.more.description.clone(),
        secret: args.more.secret()?,
        status: args.more.status.map(Status::name),
    };
    let says_nothing = change.name.is_none()
        && change.url.is_none()
        && change.events.is_empty()
        && change.description.is_none()
        && change.secret.is_none()
        && change.status.is_none();
    if says_nothing {
        return Err(Usage("say what to change: see modelyard webhooks update --help".into()).into());
    }
    let id = &args.id.webhook_id;
    session.client.update_webhook(id, &change)?;
    session.console.say(&format!("Webhook with id {id} has been updated."));
    Ok(())
}

pub(super) fn delete(session: &Session, args: &IdArgs) -> anyhow::Result<()> {
    let id = &args.webhook_id;
    session.client.delete_webhook(id)?;
    session.console.say(&format!("Webhook with id {id} has been deleted."));
    Ok(())
}

pub(super) fn redeliver(session: &Session, args: &RedeliverArgs) -> anyhow::Result<()> {
    let id = &args.delivery_id;
    session.client.redeliver(&args.id.webhook_id, id)?;
    session.console.say(&format!("Delivery {id} will be sent again."));
    Ok(())
}
