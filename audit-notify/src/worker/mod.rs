//! The worker: ticks, and delivers what is due. Once, for cron; or on and on.

mod follow;
mod lane;
mod options;
mod preview;
mod report;
mod round;

use std::sync::atomic::AtomicBool;

use audit_schema::outbox;
use diesel::PgConnection;

use crate::clock::Clock;
use crate::error::Result;

pub use follow::follow;
pub use options::{Environment, Listener, Metrics, Options, Picture, Step, Witness};
pub use preview::{Due, preview};
pub use report::{Delivered, Outcome, RunReport, Undelivered};
pub use round::round;

/// Ticks, delivers all that is due, and returns: for cron. Does nothing while another run of it is at work, so that runs
/// may overlap.
///
/// # Examples
///
/// ```no_run
/// use audit_notify::{Options, Outcome, SystemClock, run_once};
///
/// let mut conn = audit_schema::connect("postgres://localhost/shop")?;
/// let mut options = Options { environment: Box::new(|name| std::env::var(name).ok()), ..Options::default() };
/// let report = run_once(&mut conn, &mut options, &SystemClock)?;
/// assert_eq!(report.outcome(), Outcome::Done);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the database can not be reached or refuses. What could not be delivered is in the report.
pub fn run_once(
    conn: &mut PgConnection,
    options: &mut Options,
    clock: &dyn Clock,
) -> Result<RunReport> {
    if !outbox::try_only_notifier(conn)? {
        return Ok(RunReport {
            busy: true,
            ..RunReport::default()
        });
    }
    let report = round(conn, options, clock, &AtomicBool::new(false));
    outbox::release_only_notifier(conn)?;
    let report = report?;
    follow::publish(conn, options, clock)?;
    if let Some(heartbeat) = &options.heartbeat {
        follow::sign_of_life(heartbeat);
    }
    Ok(report)
}
