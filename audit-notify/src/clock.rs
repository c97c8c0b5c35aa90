//! Time, as the worker sees it.

use std::ops::ControlFlow;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// What time it is, and how to wait for more of it.
///
/// # Examples
///
/// A clock that stands still, for a test:
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::Duration;
/// use audit_notify::Clock;
/// use chrono::{DateTime, Utc};
///
/// struct Frozen(DateTime<Utc>);
///
/// impl Clock for Frozen {
///     fn now(&self) -> DateTime<Utc> {
///         self.0
///     }
///     fn wait(&mut self, _at_most: Duration) -> ControlFlow<()> {
///         ControlFlow::Break(())
///     }
/// }
/// ```
pub trait Clock: Send {
    /// The time for which alerts are evaluated. A replay tells the replayed time.
    fn now(&self) -> DateTime<Utc>;

    /// Waits for the next round, at most so long. Breaks when there will be none.
    fn wait(&mut self, at_most: Duration) -> ControlFlow<()>;

    /// The time by which deliveries are leased and tried again: real time even in a replay, and `None`, the clock of the
    /// database server, for everybody but tests.
    fn wall(&self) -> Option<DateTime<Utc>> {
        None
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn wait(&mut self, at_most: Duration) -> ControlFlow<()> {
        std::thread::sleep(at_most);
        ControlFlow::Continue(())
    }
}
