//! What a transaction does, and how its failures are sorted.

use std::future::Future;
use std::pin::Pin;

use crate::{Conn, Error, Result};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The body of a transaction over its input `D`. It may run more than once, so its input is borrowed.
///
/// Implemented by closures such as `|conn, batch| Box::pin(runs::log_batch(conn, batch))`.
pub trait Operation<D, T, E>:
    for<'c> Fn(&'c mut Conn, &'c D) -> BoxFuture<'c, Result<T, E>> + Send + Sync
{
}

impl<D, T, E, F> Operation<D, T, E> for F where
    F: for<'c> Fn(&'c mut Conn, &'c D) -> BoxFuture<'c, Result<T, E>> + Send + Sync
{
}

/// The error of an operation: a rule of the domain, or the database's.
pub trait Failure: From<Error> + Send + 'static {
    /// The database's error, if it is one.
    fn database(&self) -> Option<&Error>;

    /// Whether another transaction won, so that trying again may succeed.
    fn is_conflict(&self) -> bool {
        matches!(self.database(), Some(Error::Busy(_)))
    }

    /// Says of a read that ran out of time that it asked for too much: a read waits for nobody.
    #[must_use]
    fn of_a_read(self) -> Self {
        match self.database() {
            Some(Error::Timeout(text)) => Error::TooExpensive(text.clone()).into(),
            _ => self,
        }
    }
}

impl Failure for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
    }
}
