//! Values on their way out of a statement.

use tokio_postgres::types::Type;

use crate::{Error, Result};

/// One row of a result, read by column index.
pub enum Row<'r> {
    /// A row of SQLite, valid until the next step.
    Sqlite(&'r rusqlite::Row<'r>),
    /// A row of PostgreSQL.
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// A 64-bit integer; an error if NULL.
    pub fn int(&self, column: usize) -> Result<i64> {
        self.opt_int(column)?.ok_or_else(|| unexpected(column, "an integer"))
    }

    /// A 64-bit integer or NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(row) => match row.get_ref(column)? {
                rusqlite::types::ValueRef::Null => Ok(None),
                value => {
                    value.as_i64().map(Some).map_err(|_wrong_type| unexpected(column, "an integer"))
                }
            },
            Self::Postgres(row) => Ok(match *row.columns()[column].type_() {
                Type::INT4 => row.try_get::<_, Option<i32>>(column)?.map(i64::from),
                Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(i64::from),
                _ => row.try_get(column)?,
            }),
        }
    }

    /// A flag: any integer but 0.
    pub fn flag(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A double; an error if NULL.
    pub fn real(&self, column: usize) -> Result<f64> {
        self.opt_real(column)?.ok_or_else(|| unexpected(column, "a number"))
    }

    /// A double or NULL.
    pub fn opt_real(&self, column: usize) -> Result<Option<f64>> {
        match self {
            Self::Sqlite(row) => match row.get_ref(column)? {
                rusqlite::types::ValueRef::Null => Ok(None),
                // A REAL column may come back as an integer through an expression.
                #[expect(clippy::cast_precision_loss, reason = "SQLite stored it from a double")]
                rusqlite::types::ValueRef::Integer(value) => Ok(Some(value as f64)),
                value => {
                    value.as_f64().map(Some).map_err(|_wrong_type| unexpected(column, "a number"))
                }
            },
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A text; an error if NULL.
    pub fn text(&self, column: usize) -> Result<&str> {
        self.opt_text(column)?.ok_or_else(|| unexpected(column, "a text"))
    }

    /// A text or NULL.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>> {
        match self {
            Self::Sqlite(row) => match row.get_ref(column)? {
                rusqlite::types::ValueRef::Null => Ok(None),
                value => {
                    value.as_str().map(Some).map_err(|_wrong_type| unexpected(column, "a text"))
                }
            },
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// An owned text; an error if NULL.
    pub fn string(&self, column: usize) -> Result<String> {
        self.text(column).map(ToOwned::to_owned)
    }

    /// An owned text or NULL.
    pub fn opt_string(&self, column: usize) -> Result<Option<String>> {
        Ok(self.opt_text(column)?.map(ToOwned::to_owned))
    }
}

fn unexpected(column: usize, expected: &str) -> Error {
    Error::Other(format!("column {column} does not hold {expected}"))
}
