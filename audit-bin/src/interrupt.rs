//! Ctrl-C: what runs on the server is cancelled, so that nothing goes on without anybody who waits for it.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, Once};
use std::time::Duration;
use std::{io, process, thread};

use audit_schema::pool;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The signal that came; 0 if none did.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// The connections to cancel: the address and the process of the server.
static RUNNING: Mutex<Vec<(String, i32)>> = Mutex::new(Vec::new());

static ONCE: Once = Once::new();

/// How long the command has, once what it waits for was cancelled, until the program ends anyway.
const GRACE: Duration = Duration::from_secs(2);

/// The signals that end a command.
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// From now on Ctrl-C cancels what a process of the server runs for this one.
///
/// # Errors
/// If the system lets nobody listen to signals.
pub fn cancels(url: &str, pid: i32) -> io::Result<()> {
    if let Ok(mut running) = RUNNING.lock() {
        running.push((url.to_owned(), pid));
    }
    let mut outcome = Ok(());
    ONCE.call_once(|| {
        outcome = Signals::new(SIGNALS).map(|mut signals| {
            thread::spawn(move || {
                for signal in signals.forever() {
                    // Who asks twice does not want to wait.
                    if SIGNAL.swap(signal, Ordering::SeqCst) != 0 {
                        process::exit(128 + signal);
                    }
                    thread::spawn(move || {
                        cancel_all();
                        thread::sleep(GRACE);
                        process::exit(128 + signal);
                    });
                }
            });
        });
    });
    outcome
}

/// The code to end with if a signal came: 130 after Ctrl-C.
pub fn code() -> Option<u8> {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => None,
        signal => u8::try_from(128 + signal).ok(),
    }
}

/// A server that does not answer can not be told; it notices that the program is gone.
fn cancel_all() {
    let running = RUNNING.lock().map(|running| running.clone());
    for (url, pid) in running.unwrap_or_default() {
        let _ = pool::cancel(&url, pid);
    }
}
