//! What one benchmark run holds: which servers, how long, and the figures gathered so far.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::load::{Measured, Plan};
use crate::peers::{Peer, Programs};
use crate::process::{Memory, Running};

/// Bytes in a MiB.
pub(crate) const MIB: f64 = 1_048_576.0;

/// How much time the measurements take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// A few minutes: shorter spans, a tenth of the data.
    Quick,
    /// The sizes of the published results.
    Full,
}

/// One measured figure set: a workload's variant on one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) workload: String,
    pub(crate) variant: String,
    pub(crate) server: String,
    /// Figures by name, the unit last in each name.
    pub(crate) values: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The bench run it was measured in; figures of two runs are never compared. Empty in files of
    /// before.
    #[serde(default)]
    pub(crate) run: String,
}

/// A benchmark run in progress.
pub(crate) struct Suite {
    pub(crate) programs: Programs,
    pub(crate) peers: Vec<Peer>,
    pub(crate) mode: Mode,
    /// Data folders of the servers; removed at the end.
    pub(crate) scratch: PathBuf,
    /// Filled databases that a later run may use again.
    pub(crate) seeds: PathBuf,
    pub(crate) cells: Vec<Cell>,
    /// Names this run.
    pub(crate) run: String,
}

impl Suite {
    /// The smaller of two sizes in quick mode.
    pub(crate) const fn pick(&self, quick: u64, full: u64) -> u64 {
        match self.mode {
            Mode::Quick => quick,
            Mode::Full => full,
        }
    }

    /// The usual plan over `connections`.
    pub(crate) const fn plan(&self, connections: usize) -> Plan {
        let (warmup, span) = match self.mode {
            Mode::Quick => (300, 1_500),
            Mode::Full => (1_000, 6_000),
        };
        Plan {
            connections,
            warmup: Duration::from_millis(warmup),
            span: Duration::from_millis(span),
        }
    }

    /// Starts `peer` on an empty folder and waits until it is idle.
    pub(crate) fn fresh(&self, peer: Peer, workload: &str) -> Result<Running> {
        let server = self.start_empty(peer, workload)?;
        server.settle()?;
        Ok(server)
    }

    /// Starts `peer` on an empty folder.
    pub(crate) fn start_empty(&self, peer: Peer, workload: &str) -> Result<Running> {
        let folder = self.scratch.join(format!("{workload}-{}", peer.name()));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        self.programs.start(peer, &folder)
    }

    /// Notes figures and shows them on stderr as progress.
    pub(crate) fn note(
        &mut self,
        workload: &str,
        variant: &str,
        server: &str,
        values: &[(&str, f64)],
    ) {
        let shown: Vec<String> =
            values.iter().map(|(name, value)| format!("{name} {}", short(*value))).collect();
        crate::progress(&format!("{workload} {variant:<28} {server:<10} {}", shown.join("  ")));
        self.cells.push(Cell {
            workload: workload.to_owned(),
            variant: variant.to_owned(),
            server: server.to_owned(),
            values: values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            error: None,
            run: self.run.clone(),
        });
    }

    /// Notes a measured load; `per_operation` units of work are in one operation.
    pub(crate) fn note_load(
        &mut self,
        workload: &str,
        variant: &str,
        peer: Peer,
        measured: &Measured,
        per_operation: f64,
    ) {
        self.note_as(workload, variant, peer.name(), measured, per_operation);
    }

    /// Like [`Suite::note_load`], for what is not a peer.
    pub(crate) fn note_as(
        &mut self,
        workload: &str,
        variant: &str,
        server: &str,
        measured: &Measured,
        per_operation: f64,
    ) {
        let operations = measured.operations as f64;
        let values = [
            ("rate_per_s", measured.rate() * per_operation),
            ("p50_ms", measured.latency_ms(0.50)),
            ("p99_ms", measured.latency_ms(0.99)),
            ("server_cpu_ms", measured.usage.server_s * 1e3 / operations),
            ("generator_cpu_ms", measured.usage.generator_s * 1e3 / operations),
            ("others_cores", measured.usage.others_share),
            ("count", operations),
            ("errors", measured.errors as f64),
        ];
        self.note(workload, variant, server, &values);
        if let (Some(error), Some(cell)) = (&measured.first_error, self.cells.last_mut()) {
            crate::progress(&format!("  {} errors, the first: {error}", measured.errors));
            cell.error = Some(error.clone());
        }
    }

    /// Notes that a workload could not be measured on a peer; the others go on.
    pub(crate) fn note_failure(&mut self, workload: &str, peer: Peer, error: &anyhow::Error) {
        crate::progress(&format!("{workload} {} FAILED: {error:#}", peer.name()));
        self.cells.push(Cell {
            workload: workload.to_owned(),
            variant: "failed".to_owned(),
            server: peer.name().to_owned(),
            values: BTreeMap::new(),
            error: Some(format!("{error:#}")),
            run: self.run.clone(),
        });
    }

    /// Notes the memory of a server.
    pub(crate) fn note_memory(&mut self, workload: &str, variant: &str, peer: Peer, at: &Running) {
        let Memory { rss, pss } = at.memory();
        let values = [
            ("rss_mib", rss as f64 / MIB),
            ("pss_mib", pss as f64 / MIB),
            ("processes", at.processes() as f64),
        ];
        self.note(workload, variant, peer.name(), &values);
    }

    /// Fails when ours answered anything but what was expected.
    pub(crate) fn check_no_errors(&self) -> Result<()> {
        let failed: Vec<String> = self
            .cells
            .iter()
            .filter(|cell| cell.server == Peer::Modelyard.name())
            .filter_map(|cell| {
                let error = cell.error.as_ref()?;
                Some(format!("{} {}: {error}", cell.workload, cell.variant))
            })
            .collect();
        ensure!(failed.is_empty(), "modelyard answered with errors:\n{}", failed.join("\n"));
        Ok(())
    }
}

/// A number with about three significant digits, thousands grouped.
pub(crate) fn short(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let magnitude = value.abs();
    let decimals = match magnitude {
        m if m >= 100.0 || m == 0.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (text.as_str(), String::new()),
    };
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &fraction
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(1_234_567.8), "1,234,568");
        assert_eq!(short(12.345), "12.3");
        assert_eq!(short(0.1234), "0.123");
        assert_eq!(short(-1_000.0), "-1,000");
        assert_eq!(short(0.0), "0");
        assert_eq!(short(f64::NAN), "–");
    }
}
