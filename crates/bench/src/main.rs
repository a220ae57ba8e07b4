//! Load generator and benchmarks of Modelyard beside its peers: see `bench/README.md`.

mod bare;
mod bulk;
mod data;
mod goals;
mod http;
mod limits;
mod load;
mod peers;
mod process;
mod random;
mod report;
mod results;
mod scaling;
mod seed;
mod suite;
mod workloads;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::peers::{Peer, Programs};
use crate::results::{Machine, Results};
use crate::suite::{Mode, Suite};
use crate::workloads::Workload;

/// Benchmarks of Modelyard beside MLflow and FastTrackML.
#[derive(Debug, Parser)]
#[command(name = "modelyard-bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures, writes the results and prints the tables.
    Run(Run),
    /// Prints the tables of written results.
    Report {
        /// A file written by `run`.
        results: PathBuf,
    },
    /// A bare HTTP server, started by `run` to measure the library's limit.
    #[command(hide = true)]
    BareServer { address: SocketAddr },
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    programs: Programs,
    /// Sizes and spans.
    #[arg(long, value_enum, default_value = "quick")]
    mode: Mode,
    /// Only these servers; all that have a program otherwise.
    #[arg(long, value_enum, value_delimiter = ',')]
    servers: Vec<Peer>,
    /// Only these workloads; all otherwise.
    #[arg(long, value_enum, value_delimiter = ',')]
    workloads: Vec<Workload>,
    /// Leave out the limits of the machine.
    #[arg(long)]
    no_limits: bool,
    /// Leave out the growth with the database.
    #[arg(long)]
    no_scaling: bool,
    /// Where the results go; figures of workloads not measured now are kept.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keeps the peers' filled databases here for the next run.
    #[arg(long, value_name = "FOLDER", default_value = "target/bench-seeds")]
    seeds: PathBuf,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Task::Run(arguments) => run(arguments),
        Task::Report { results } => print(&report::render(&Results::read(&results)?)),
        Task::BareServer { address } => bare::serve(address),
    }
}

fn run(arguments: Run) -> Result<()> {
    let available = arguments.programs.available();
    let peers: Vec<Peer> = match arguments.servers.as_slice() {
        [] => available.clone(),
        named => named.to_vec(),
    };
    if let Some(missing) = peers.iter().find(|peer| !available.contains(peer)) {
        bail!("no program given for {0}: pass --{0} PATH", missing.name());
    }
    let scratch = tempfile::Builder::new().prefix("modelyard-bench-").tempdir()?;
    let mut suite = Suite {
        programs: arguments.programs,
        peers,
        mode: arguments.mode,
        scratch: scratch.path().to_path_buf(),
        seeds: arguments.seeds,
        cells: Vec::new(),
        run: run_name()?,
    };
    let workloads = match arguments.workloads.as_slice() {
        [] => Workload::ALL.to_vec(),
        named => named.to_vec(),
    };
    // One thread for all connections: the servers share these cores.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for workload in workloads {
            workload.run(&mut suite).await;
        }
        if !arguments.no_limits {
            limits::run(&mut suite).await?;
        }
        if !arguments.no_scaling {
            scaling::run(&mut suite).await?;
        }
        anyhow::Ok(())
    })?;
    let cells = std::mem::take(&mut suite.cells);
    let mut results = Results { mode: suite.mode, machine: Machine::here()?, cells };
    if let Some(out) = &arguments.out {
        if out.exists() {
            results = Results::read(out)?.merge(results);
        }
        results.write(out)?;
    }
    print(&report::render(&results))?;
    suite.cells = results.cells;
    suite.check_no_errors()
}

/// A name that no other run has.
fn run_name() -> Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned())
}

fn print(text: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// Tells on stderr what is being done.
fn progress(text: &str) {
    // A closed stderr must not end a measurement.
    let _ = writeln!(std::io::stderr(), "{text}");
}
