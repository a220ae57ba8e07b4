//! `modelyard registry models …`.

use super::show;
use super::why::Why;
use crate::client::RegistrySearch;
use crate::commands::connection::Session;
use crate::commands::{search, tags};
use crate::output::{Format, Terminal, to_stdout};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Find registered models; all if nothing else is asked for.
    #[command(visible_alias = "list")]
    Search(SearchArgs),
    /// Show a registered model.
    Show(ShowArgs),
    /// Register a model, as yet without versions.
    Create(CreateArgs),
    /// Give a registered model another name; its versions, aliases and history go with it.
    Rename(RenameArgs),
    /// Change the description of a registered model.
    Describe(DescribeArgs),
    /// Set tags of a registered model.
    Tag(TagArgs),
    /// Remove tags of a registered model.
    Untag(UntagArgs),
    /// Delete a registered model with its versions and aliases; its history stays.
    Delete(DeleteArgs),
}

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
pub(super) struct SearchArgs {
    #[command(flatten)]
    list: search::List,
    /// How to write what was found.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// Its name; no other registered model or prompt may have it.
    #[arg(value_name = "MODEL")]
    model: String,
    /// What it is.
    #[arg(long, short, value_name = "TEXT")]
    description: Option<String>,
    /// A tag; may be repeated.
    #[arg(long, short, value_name = "KEY=VALUE")]
    tags: Vec<String>,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `rename`.
#[derive(Debug, clap::Args)]
pub(super) struct RenameArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The new name.
    #[arg(value_name = "NEW-NAME")]
    new_name: String,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `describe`.
#[derive(Debug, clap::Args)]
pub(super) struct DescribeArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The new description; empty for none.
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `tag`.
#[derive(Debug, clap::Args)]
pub(super) struct TagArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The tags.
    #[arg(value_name = "KEY=VALUE", required = true)]
    tags: Vec<String>,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `untag`.
#[derive(Debug, clap::Args)]
pub(super) struct UntagArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The keys of the tags.
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
pub(super) struct DeleteArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    #[command(flatten)]
    why: Why,
}

impl Command {
    /// Whether a data folder may be made for it.
    pub(super) fn creates(&self) -> bool {
        matches!(self, Self::Create(_))
    }
}

pub(super) fn run(session: &Session, command: &Command) -> anyhow::Result<()> {
    let say = |text: &str| session.console.say(text);
    match command {
        Command::Search(args) => return search(session, args),
        Command::Show(args) => return show(session, args),
        Command::Create(args) => return create(session, args),
        Command::Rename(args) => {
            let (model, new) = (&args.model, &args.new_name);
            args.why.client(session)?.rename_model(model, new)?;
            say(&format!("The registered model '{model}' has been renamed to '{new}'."));
        }
        Command::Describe(args) => {
            args.why.client(session)?.describe_model(&args.model, &args.text)?;
            say(&format!("The registered model '{}' has been described.", args.model));
        }
        Command::Tag(args) => {
            let (client, tags) = (args.why.client(session)?, tags::parse(&args.tags)?);
            for tag in &tags {
                client.set_model_tag(&args.model, tag)?;
            }
            say(&format!("The registered model '{}' has been tagged.", args.model));
        }
        Command::Untag(args) => {
            let client = args.why.client(session)?;
            for key in &args.keys {
                client.delete_model_tag(&args.model, key)?;
            }
            say(&format!("Tags of the registered model '{}' have been removed.", args.model));
        }
        Command::Delete(args) => {
            args.why.client(session)?.delete_model(&args.model)?;
            say(&format!("The registered model '{}' has been deleted.", args.model));
        }
    }
    Ok(())
}

fn search(session: &Session, args: &SearchArgs) -> anyhow::Result<()> {
    let found = args.list.pages(|max_results, page_token| {
        session.client.search_models(&RegistrySearch {
            filter: args.list.filter.as_deref(),
            order_by: &args.list.order_by,
            max_results,
            page_token: page_token.as_deref(),
        })
    })?;
    to_stdout(|out| match args.output {
        Format::Table => {
            show::model_table(&found.items, &session.clock()).write(out, Terminal::stdout())
        }
        Format::Json => show::json_models(out, &found),
        Format::Csv => show::csv_models(out, &found.items),
    })?;
    found.tell_of_more(&session.console);
    Ok(())
}

fn show(session: &Session, args: &ShowArgs) -> anyhow::Result<()> {
    let model = session.client.model(&args.model)?;
    to_stdout(|out| match args.output {
        Format::Table => show::model(out, &model, &session.clock(), Terminal::stdout()),
        Format::Json => show::json_model(out, &model),
        Format::Csv => show::csv_models(out, std::slice::from_ref(&model)),
    })
}

fn create(session: &Session, args: &CreateArgs) -> anyhow::Result<()> {
    let (client, tags) = (args.why.client(session)?, tags::parse(&args.tags)?);
    let made = client.create_model(&args.model, args.description.as_deref(), &tags)?;
    session.console.say(&format!("The model '{}' has been registered.", made.name));
    Ok(())
}
