//! Ctrl-C in the middle of writing files.

use tokio::signal::unix::{SignalKind, signal};

use super::destination::Destination;

/// What a process that ended by SIGINT has, by convention of the shells.
const EXIT_CODE: i32 = 130;

/// Removes half-written files when the person gives up, from the moment this returns. Without a way
/// to hear the signal, the process just ends, and the files with their telling names stay.
pub(super) fn clean_up_on_interrupt(destination: &Destination) {
    let destination = destination.clone();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    let interrupt = {
        let _inside = runtime.enter();
        signal(SignalKind::interrupt())
    };
    let Ok(mut interrupt) = interrupt else { return };
    std::thread::spawn(move || {
        if runtime.block_on(interrupt.recv()).is_some() {
            destination.clean_up();
            std::process::exit(EXIT_CODE);
        }
    });
}
