//! Listing artifacts.

use std::io::{self, Write};

use serde::Serialize;

use super::path::{self, Folder};
use crate::commands::connection::Session;
use crate::commands::source;
use crate::output::{Cell, Column, Format, Table, Terminal, csv, json, time, to_stdout};
use crate::transfer::Node;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run.
    #[arg(long, short, value_name = "ID")]
    run_id: String,
    /// The folder to list; without it, the top.
    #[arg(long, short, value_name = "PATH", value_parser = path::parse)]
    artifact_path: Option<Folder>,
    /// How to write it; a table on a terminal and JSON elsewhere if not given.
    #[arg(long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
}

/// A file or folder, with the fields that MLflow's command line gives it.
#[derive(Debug, Serialize)]
struct Artifact {
    /// From the top of the run's artifacts on.
    path: String,
    is_dir: bool,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
}

pub(super) fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let folder = args.artifact_path.clone().unwrap_or_default().0;
    let run = session.client.run(&args.run_id)?;
    let nodes = source::list(session, &run, folder.as_ref())?;
    let artifact = |node: Node| Artifact {
        path: folder.as_ref().map_or(node.name.clone(), |folder| format!("{folder}/{}", node.name)),
        is_dir: node.size.is_none(),
        file_size: node.size,
    };
    let artifacts: Vec<Artifact> = nodes.into_iter().map(artifact).collect();
    to_stdout(|out| match Format::json_unless_terminal(args.output) {
        Format::Table => table(&artifacts).write(out, Terminal::stdout()),
        Format::Json => json(out, &artifacts),
        Format::Csv => lines(out, &artifacts),
    })
}

fn table(artifacts: &[Artifact]) -> Table {
    let mut table = Table::new(vec![Column::number("Size"), Column::whole("Path")]);
    for artifact in artifacts {
        let (size, path) = match artifact.file_size {
            Some(bytes) => (time::size(bytes), artifact.path.clone()),
            None => ("-".to_owned(), format!("{}/", artifact.path)),
        };
        table.push(vec![Cell::new(size), Cell::new(path)]);
    }
    table
}

fn lines(out: &mut dyn Write, artifacts: &[Artifact]) -> io::Result<()> {
    csv::line(out, ["path", "is_dir", "file_size"])?;
    for artifact in artifacts {
        let size = artifact.file_size.map(|bytes| bytes.to_string()).unwrap_or_default();
        let is_dir = if artifact.is_dir { "true" } else { "false" };
        csv::line(out, [artifact.path.as_str(), is_dir, &size])?;
    }
    Ok(())
}
