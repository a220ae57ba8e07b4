//! The thread that starts processes. A child may ask the kernel to be killed when its parent dies,
//! and for the kernel that is the thread which started it: so it must be one that never ends.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

type Started = io::Result<Child>;

struct Order {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<Started>,
}

/// Starts a command for the runtime of the caller.
pub(crate) async fn spawn(command: Command) -> Started {
    static ORDERS: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let (answer, started) = oneshot::channel();
    let order = Order { command, runtime: Handle::current(), answer };
    let orders = ORDERS.get_or_init(|| Mutex::new(start_thread()));
    let gone = || io::Error::other("the thread that starts processes has ended");
    if orders.lock().unwrap_or_else(PoisonError::into_inner).send(order).is_err() {
        return Err(gone());
    }
    started.await.unwrap_or_else(|_| Err(gone()))
}

fn start_thread() -> Sender<Order> {
    let (orders, arriving) = channel::<Order>();
    let work = move || {
        while let Ok(Order { mut command, runtime, answer }) = arriving.recv() {
            let _entered = runtime.enter();
            // If nobody waits any more, the child is dropped, which kills it.
            let _ = answer.send(command.spawn());
        }
    };
    // Without the thread every order fails, with its reason.
    let _ = thread::Builder::new().name("spawner".into()).spawn(work);
    orders
}
