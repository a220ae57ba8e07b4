//! Where a database is.

use std::fmt;
use std::path::PathBuf;

use crate::{Error, Result};

/// A parsed `--backend-store-uri`.
#[derive(Clone)]
pub enum DatabaseUri {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, as a URL that the driver understands.
    Postgres(String),
}

impl DatabaseUri {
    /// Reads `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://…`, with or without
    /// SQLAlchemy's driver suffix (`postgresql+psycopg2://…`).
    ///
    /// # Errors
    /// [`Error::Refused`] with the forms that are understood, for everything else.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |reason: String| Err(Error::Refused(reason));
        let Some((scheme, rest)) = text.split_once("://") else {
            return refused(format!(
                "'{text}' is not a database URI; use sqlite:///file.db or postgresql://user@host/db \
                 (MLflow's file store is not supported)"
            ));
        };
        let (engine, _driver) = scheme.split_once('+').unwrap_or((scheme, ""));
        match engine {
            "sqlite" => match rest.strip_prefix('/') {
                Some("" | ":memory:") | None => refused(
                    "an in-memory database would lose acknowledged writes; name a file".into(),
                ),
                Some(path) if path.contains('?') => {
                    refused("options in a sqlite:// URI are not supported".into())
                }
                Some(path) => Ok(Self::Sqlite(path.into())),
            },
            "postgresql" | "postgres" => Ok(Self::Postgres(format!("postgresql://{rest}"))),
            other => refused(format!(
                "databases of kind '{other}' are not supported; use sqlite:///file.db or \
                 postgresql://user@host/db"
            )),
        }
    }
}

/// Shows the place without the password.
impl fmt::Display for DatabaseUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:///{}", path.display()),
            Self::Postgres(url) => {
                let rest = url.trim_start_matches("postgresql://");
                let (place, _options) = rest.split_once('?').unwrap_or((rest, ""));
                let host = place.rsplit_once('@').map_or(place, |(_secret, host)| host);
                write!(f, "postgresql://{host}")
            }
        }
    }
}

impl fmt::Debug for DatabaseUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_mlflow_users_write() {
        for (text, shown) in [
            ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
            ("sqlite:////var/lib/m.db", "sqlite:////var/lib/m.db"),
            ("postgresql://u:secret@db:5432/m?sslmode=disable", "postgresql://db:5432/m"),
            ("postgresql+psycopg2://u:p%40ss@db/m", "postgresql://db/m"),
            ("postgres://db/m", "postgresql://db/m"),
        ] {
            assert_eq!(DatabaseUri::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["./mlruns", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:", "mssql+pyodbc://x"]
        {
            assert!(matches!(DatabaseUri::parse(text), Err(Error::Refused(_))), "{text}");
        }
    }
}
