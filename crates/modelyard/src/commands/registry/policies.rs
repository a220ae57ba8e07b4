//! `modelyard registry policy …`: protected aliases.

use super::why::Why;
use crate::client::AliasPolicy;
use crate::commands::connection::Session;
use crate::output::{Cell, Column, Format, Table, Terminal, csv as lines, json, to_stdout};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show the protected aliases of a registered model, and the checks they demand.
    Show(ShowArgs),
    /// Protect an alias: from now on it moves only to versions that have passed these checks.
    Set(SetArgs),
    /// Lift the protection of an alias.
    Remove(RemoveArgs),
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `set`.
#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    model: String,
    /// The alias, whether it is there or not.
    #[arg(value_name = "ALIAS")]
    alias: String,
    /// A check, in place of those of an earlier policy; may be repeated.
    #[arg(long = "check", short, value_name = "NAME", required = true)]
    checks: Vec<String>,
    #[command(flatten)]
    why: Why,
}

/// Arguments of `remove`.
#[derive(Debug, clap::Args)]
pub(super) struct RemoveArgs {
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
        Command::Show(args) => show(session, args),
        Command::Set(args) => {
            let client = args.why.client(session)?;
            let policy = client.set_alias_policy(&args.model, &args.alias, &args.checks)?;
            let (model, checks) = (&args.model, policy.checks.join(", "));
            let text = format!("'{}' of '{model}' now demands: {checks}.", policy.alias);
            session.console.say(&text);
            Ok(())
        }
        Command::Remove(args) => {
            let client = args.why.client(session)?;
            let policy = client.set_alias_policy(&args.model, &args.alias, &[])?;
            let text = format!("'{}' of '{}' is not protected any more.", policy.alias, args.model);
            session.console.say(&text);
            Ok(())
        }
    }
}

fn show(session: &Session, args: &ShowArgs) -> anyhow::Result<()> {
    let policies = session.client.alias_policies(&args.model)?;
    to_stdout(|out| match args.output {
        Format::Table => table(&policies).write(out, Terminal::stdout()),
        Format::Json => json(out, &serde_json::json!({ "policies": policies })),
        Format::Csv => {
            lines::line(out, ["alias", "check"])?;
            for policy in &policies {
                for check in &policy.checks {
                    lines::line(out, [&policy.alias, check])?;
                }
            }
            Ok(())
        }
    })
}

fn table(policies: &[AliasPolicy]) -> Table {
    let mut table = Table::new(vec![Column::whole("Alias"), Column::text("Checks")]);
    for policy in policies {
        table.push(vec![Cell::new(&policy.alias), Cell::new(policy.checks.join(", "))]);
    }
    table
}
