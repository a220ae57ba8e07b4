//! `modelyard registry aliases …`.

use super::version::VersionArgs;
use super::why::Why;
use crate::client::VersionName;
use crate::commands::connection::Session;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an alias name a version; a protected one only if the version has passed its checks.
    Set(SetArgs),
    /// Remove an alias.
    Delete(DeleteArgs),
}

/// Arguments of `set`.
#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// The alias.
    #[arg(value_name = "ALIAS")]
    alias: String,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
pub(super) struct DeleteArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The alias.
    #[arg(value_name = "ALIAS")]
    alias: String,
    #[command(flatten)]
    why: Why,
}

pub(super) fn run(session: &Session, command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Set(args) => {
            let (client, model) = (args.why.client(session)?, &args.version.model);
            let version = args.version.number(&client)?;
            client.set_alias(&args.alias, VersionName { name: model, version: &version })?;
            let alias = &args.alias;
            session.console.say(&format!("'{alias}' of '{model}' is now version {version}."));
        }
        Command::Delete(args) => {
            args.why.client(session)?.delete_alias(&args.model, &args.alias)?;
            let (model, alias) = (&args.model, &args.alias);
            session.console.say(&format!("'{model}' has no alias '{alias}' any more."));
        }
    }
    Ok(())
}
