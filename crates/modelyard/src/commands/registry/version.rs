//! Which version a command is about.

use crate::client::{Client, Version, VersionName};

/// A version on the command line.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(super) struct VersionArgs {
    /// The registered model.
    #[arg(value_name = "MODEL")]
    pub(super) model: String,
    /// The number of the version, or `@` and an alias.
    #[arg(value_name = "VERSION")]
    version: String,
}

impl VersionArgs {
    /// Finds out the number that an alias stands for.
    pub(super) fn number(&self, client: &Client) -> anyhow::Result<String> {
        match self.version.strip_prefix('@') {
            Some(alias) => Ok(client.version_by_alias(&self.model, alias)?.version),
            None => Ok(self.version.clone()),
        }
    }

    /// Reads the version.
    pub(super) fn read(&self, client: &Client) -> anyhow::Result<Version> {
        let version = self.number(client)?;
        Ok(client.version(VersionName { name: &self.model, version: &version })?)
    }
}
