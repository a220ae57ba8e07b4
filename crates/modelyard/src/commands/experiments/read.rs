//! Finding and showing experiments, and exporting their runs.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{ArgGroup, ValueHint};

use super::{IdArgs, show};
use crate::client::{ExperimentSearch, RunSearch, ViewType};
use crate::commands::connection::Session;
use crate::commands::{runs, search};
use crate::output::{Format, Terminal, to_stdout};

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
pub(super) struct SearchArgs {
    #[command(flatten)]
    search: search::Args,
    /// How to write what was found.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("experiment").required(true))]
pub(super) struct GetArgs {
    /// The experiment with this id.
    #[arg(long, short = 'x', value_name = "ID", group = "experiment")]
    experiment_id: Option<String>,
    /// The experiment with this name.
    #[arg(long, short = 'n', value_name = "NAME", group = "experiment")]
    experiment_name: Option<String>,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `csv`.
#[derive(Debug, clap::Args)]
pub(super) struct CsvArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Write to this file instead of stdout; it is replaced as a whole.
    #[arg(long, short = 'o', value_name = "FILE", value_hint = ValueHint::FilePath)]
    filename: Option<PathBuf>,
}

pub(super) fn search(session: &Session, args: &SearchArgs) -> anyhow::Result<()> {
    let found = args.search.list.pages(|max_results, page_token| {
        session.client.search_experiments(&ExperimentSearch {
            filter: args.search.list.filter.clone(),
            order_by: args.search.list.order_by.clone(),
            view_type: args.search.view.into(),
            max_results,
            page_token,
        })
    })?;
    let with_stage = args.search.view != search::View::ActiveOnly;
    to_stdout(|out| match args.output {
        Format::Table => {
            let table = show::table(&found.items, &session.clock(), with_stage);
            table.write(out, Terminal::stdout())
        }
        Format::Json => show::json_page(out, &found),
        Format::Csv => show::csv(out, &found.items),
    })?;
    found.tell_of_more(&session.console);
    Ok(())
}

pub(super) fn get(session: &Session, args: &GetArgs) -> anyhow::Result<()> {
    let experiment = match &args.experiment_name {
        Some(name) => session.client.experiment_by_name(name)?,
        // One of both is there.
        None => session.client.experiment(args.experiment_id.as_deref().unwrap_or_default())?,
    };
    to_stdout(|out| match args.output {
        Format::Table => show::fields(out, &experiment, &session.clock(), Terminal::stdout()),
        Format::Json => show::json_one(out, &experiment),
        Format::Csv => show::csv(out, std::slice::from_ref(&experiment)),
    })
}

pub(super) fn csv(session: &Session, args: &CsvArgs) -> anyhow::Result<()> {
    let id = &args.id.experiment_id;
    // A search in an experiment that does not exist finds nothing; say so instead.
    session.client.experiment(id)?;
    let found = search::List::default().pages(|max_results, page_token| {
        session.client.search_runs(&RunSearch {
            experiment_ids: vec![id.clone()],
            filter: None,
            run_view_type: ViewType::ActiveOnly,
            max_results,
            order_by: Vec::new(),
            page_token,
        })
    })?;
    let Some(path) = &args.filename else {
        return to_stdout(|out| runs::csv::write(out, &found.items));
    };
    crate::files::replace(path, &session.context, |out| runs::csv::write(out, &found.items))
        .with_context(|| format!("cannot write {}", path.display()))?;
    let path = path.display();
    session
        .console
        .say(&format!("Experiment with ID {id} has been exported as a CSV to file: {path}."));
    Ok(())
}
