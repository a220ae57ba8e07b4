//! The file of one benchmark run, and looking up figures in it.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::peers::Peer;
use crate::suite::{Cell, Mode};

/// All figures of one run and where they were taken.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) mode: Mode,
    pub(crate) machine: Machine,
    pub(crate) cells: Vec<Cell>,
}

/// The machine measured on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_mib: u64,
    pub(crate) kernel: String,
}

impl Machine {
    pub(crate) fn here() -> Result<Self> {
        let line = |path: &str, start: &str| -> Result<String> {
            let text = std::fs::read_to_string(path)?;
            let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_default();
            Ok(line.split_once(':').map_or("", |(_, value)| value.trim()).to_owned())
        };
        let memory = line("/proc/meminfo", "MemTotal")?;
        let kib: u64 = memory.trim_end_matches(" kB").trim().parse().context("MemTotal")?;
        Ok(Self {
            processor: line("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            memory_mib: kib / 1024,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        })
    }
}

impl Results {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Replaces the cells of the workloads measured anew and keeps the rest, which stay figures of
    /// their own run.
    pub(crate) fn merge(mut self, newer: Self) -> Self {
        let again = |old: &Cell| {
            newer.cells.iter().any(|new| new.workload == old.workload && new.server == old.server)
        };
        self.cells.retain(|old| !again(old));
        self.cells.extend(newer.cells);
        Self { mode: newer.mode, machine: newer.machine, cells: self.cells }
    }

    pub(crate) fn cell(&self, workload: &str, variant: &str, server: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| {
            cell.workload == workload && cell.variant == variant && cell.server == server
        })
    }

    pub(crate) fn value(
        &self,
        workload: &str,
        variant: &str,
        server: &str,
        name: &str,
    ) -> Option<f64> {
        self.cell(workload, variant, server)?.values.get(name).copied()
    }

    /// Variants of a workload in the order they were measured.
    pub(crate) fn variants(&self, workload: &str) -> Vec<&str> {
        let mut variants: Vec<&str> = Vec::new();
        for cell in self.cells.iter().filter(|cell| cell.workload == workload) {
            if !variants.contains(&cell.variant.as_str()) {
                variants.push(&cell.variant);
            }
        }
        variants
    }

    /// How many times better ours is than `peer` in one figure: more a second, or less time or
    /// memory.
    pub(crate) fn ratio(&self, workload: &str, variant: &str, peer: Peer) -> Option<f64> {
        let ours = self.cell(workload, variant, Peer::Modelyard.name())?;
        let theirs = self.cell(workload, variant, peer.name())?;
        if ours.run != theirs.run {
            return None;
        }
        let both = |name: &str| Some((*ours.values.get(name)?, *theirs.values.get(name)?));
        if let Some((ours, theirs)) = both("rate_per_s") {
            return Some(ours / theirs);
        }
        let (ours, theirs) = both("median_ms").or_else(|| both("pss_mib"))?;
        Some(theirs / ours)
    }
}
