//! Who provides an environment.

use std::fmt;
use std::str::FromStr;

/// Who provides an environment: the values of MLflow's `--env-manager`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnvManager {
    /// A Python that is there, as it is. Nothing is installed.
    Local,
    /// `uv`: a virtual environment in seconds; it fetches a Python that is missing.
    Uv,
    /// `venv` or `virtualenv`, and `pip`, with a Python of this machine.
    Virtualenv,
    /// `conda`, `mamba` or `micromamba`, from the model's `conda.yaml`.
    Conda,
}

impl EnvManager {
    /// All of them, in the order in which MLflow names them.
    pub const ALL: [Self; 4] = [Self::Local, Self::Conda, Self::Virtualenv, Self::Uv];

    /// MLflow's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Uv => "uv",
            Self::Virtualenv => "virtualenv",
            Self::Conda => "conda",
        }
    }
}

impl fmt::Display for EnvManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none of a manager, said as MLflow says it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Invalid value for `env_manager`: {0}. Must be one of ['local', 'conda', 'virtualenv', 'uv']"
)]
pub struct UnknownManager(String);

impl FromStr for EnvManager {
    type Err = UnknownManager;

    fn from_str(name: &str) -> Result<Self, UnknownManager> {
        let found = Self::ALL.into_iter().find(|manager| manager.name() == name);
        found.ok_or_else(|| UnknownManager(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_have_mlflows_names() {
        for manager in EnvManager::ALL {
            assert_eq!(manager.to_string().parse(), Ok(manager));
        }
        let wrong = "Conda".parse::<EnvManager>().unwrap_err().to_string();
        assert!(
            wrong.contains("`env_manager`: Conda. Must be one of ['local', 'conda'"),
            "{wrong}"
        );
    }
}
