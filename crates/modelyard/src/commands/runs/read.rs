//! Finding and showing runs.

use super::columns::Extra;
use super::{IdArgs, csv, show};
use crate::client::RunSearch;
use crate::commands::connection::{Session, variable};
use crate::commands::search;
use crate::exit::Usage;
use crate::output::{Format, Terminal, to_stdout};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// An experiment; may be repeated. Without it and without --experiment-name, the one that
    /// MLFLOW_EXPERIMENT_ID or MLFLOW_EXPERIMENT_NAME names.
    #[arg(long, short = 'x', value_name = "ID")]
    experiment_id: Vec<String>,
    /// An experiment by its name; may be repeated.
    #[arg(long, short = 'n', value_name = "NAME")]
    experiment_name: Vec<String>,
    #[command(flatten)]
    search: search::Args,
    /// Show these too: metrics.KEY, params.KEY, tags.KEY, user, experiment_id, lifecycle_stage,
    /// artifact_uri.
    #[arg(long, short, value_name = "COLUMN,…", value_delimiter = ',')]
    columns: Vec<Extra>,
    /// How to write what was found; JSON and CSV hold every parameter, metric and tag.
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

/// Arguments of `describe`.
#[derive(Debug, clap::Args)]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    id: IdArgs,
    /// How to write it; a table on a terminal and JSON elsewhere if not given.
    #[arg(long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
}

pub(super) fn list(session: &Session, args: &ListArgs) -> anyhow::Result<()> {
    let experiment_ids = experiments(session, args)?;
    let found = args.search.list.pages(|max_results, page_token| {
        session.client.search_runs(&RunSearch {
            experiment_ids: experiment_ids.clone(),
            filter: args.search.list.filter.clone(),
            run_view_type: args.search.view.into(),
            max_results,
            order_by: args.search.list.order_by.clone(),
            page_token,
        })
    })?;
    to_stdout(|out| match args.output {
        Format::Table => {
            let table = show::table(&found.items, &args.columns, &session.clock());
            table.write(out, Terminal::stdout())
        }
        Format::Json => show::json_page(out, &found),
        Format::Csv => csv::write(out, &found.items),
    })?;
    found.tell_of_more(&session.console);
    Ok(())
}

/// The ids of the experiments to search in. What is on the command line goes before the
/// environment, and every experiment must exist: a search elsewhere would just find nothing.
fn experiments(session: &Session, args: &ListArgs) -> anyhow::Result<Vec<String>> {
    let (mut ids, mut names) = (args.experiment_id.clone(), args.experiment_name.clone());
    if ids.is_empty() && names.is_empty() {
        ids.extend(variable("MLFLOW_EXPERIMENT_ID"));
    }
    if ids.is_empty() && names.is_empty() {
        names.extend(variable("MLFLOW_EXPERIMENT_NAME"));
    }
    if ids.is_empty() && names.is_empty() {
        return Err(Usage(
            "which experiment? Give --experiment-id or --experiment-name, or set \
             MLFLOW_EXPERIMENT_ID."
                .to_owned(),
        )
        .into());
    }
    let by_id = ids.iter().map(|id| session.client.experiment(id));
    let by_name = names.iter().map(|name| session.client.experiment_by_name(name));
    let found: Result<Vec<_>, _> = by_id.chain(by_name).collect();
    Ok(found?.into_iter().map(|experiment| experiment.experiment_id).collect())
}

pub(super) fn describe(session: &Session, args: &DescribeArgs) -> anyhow::Result<()> {
    let run = session.client.run(&args.id.run_id)?;
    to_stdout(|out| match Format::json_unless_terminal(args.output) {
        Format::Table => show::details(out, &run, &session.clock(), Terminal::stdout()),
        Format::Json => show::json_one(out, &run),
        Format::Csv => csv::write(out, std::slice::from_ref(&run)),
    })
}
