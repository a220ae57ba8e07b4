//! An operation on its way through SQLite's writer thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::sqlite::Job;
use crate::{Conn, Error, Failure, Operation, Result};

/// Polls an operation once. On SQLite it never waits, so one poll is the whole of it; an operation that
/// would wait (for a network, say) inside a transaction is a fault of ours.
pub(crate) fn poll_once<D, T, E: Failure>(
    conn: &mut Conn,
    data: &D,
    operation: &impl Operation<D, T, E>,
) -> Result<T, E> {
    let attempt = || {
        let mut future = pin!(operation(conn, data));
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    match catch_unwind(AssertUnwindSafe(attempt)) {
        Ok(Poll::Ready(outcome)) => outcome,
        Ok(Poll::Pending) => {
            Err(Error::Other("an operation waited inside a transaction".into()).into())
        }
        Err(_) => Err(Error::Other("an operation panicked".into()).into()),
    }
}

/// The outcome of a future that never waits, as all of SQLite's.
pub(crate) fn block_on_ready<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(Error::Other("an operation waited on SQLite".into())),
    }
}

/// An operation, its input, and where its outcome goes.
pub(crate) struct Write<D, T, E, F> {
    data: D,
    operation: F,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<D, T, E, F> Write<D, T, E, F> {
    pub(crate) fn new(data: D, operation: F) -> (Box<Self>, oneshot::Receiver<Result<T, E>>) {
        let (reply, outcome) = oneshot::channel();
        (Box::new(Self { data, operation, outcome: None, reply }), outcome)
    }
}

impl<D, T, E, F> Job for Write<D, T, E, F>
where
    D: Send,
    T: Send,
    E: Failure,
    F: Operation<D, T, E>,
{
    fn run(&mut self, conn: &mut Conn) -> bool {
        let outcome = poll_once(conn, &self.data, &self.operation);
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn finish(self: Box<Self>, commit: Result<()>) {
        let outcome = match (self.outcome, commit) {
            // A failure of the operation itself says more than that of the commit.
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Some(outcome), Ok(())) => outcome,
            (None, Ok(())) => Err(Error::Other("a write was not run".into()).into()),
        };
        // Whoever asked may have gone away; the write stands.
        let _ = self.reply.send(outcome);
    }
}
