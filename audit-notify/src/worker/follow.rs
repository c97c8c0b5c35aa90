//! On and on, as a service.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use audit_schema::{delivery, outbox};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::lane::Lanes;
use super::round::deliver;
use super::{Options, RunReport};
use crate::clock::Clock;
use crate::error::Result;
use crate::metrics::prometheus;
use crate::provider::Http;

/// The longest pause between two attempts to reach a database that went away.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often whoever waits for a sign of life gets one.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// How often figures are made: they read all deliveries.
const FIGURES: Duration = Duration::from_secs(15);

/// Ticks and delivers, on and on, until `stop` is set or the clock ends; what is being sent then is finished. A database that
/// goes away is waited for, and what providers answered meanwhile is written down when it is back.
///
/// # Errors
/// When the database can not be reached to begin with.
pub fn follow(
    url: &str,
    mut options: Options,
    mut clock: impl Clock,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    let connection = audit_schema::connect(url)?;
    let witness = options.witness.clone();
    std::thread::scope(|scope| {
        let mut service = Service {
            connection: Some(connection),
            lanes: Lanes::new(scope, &stop, witness),
            seen: None,
            signed: None,
            published: None,
        };
        let mut pause = options.interval;
        while !stop.load(Ordering::Relaxed) {
            let wait = match service.turn(url, &mut options, &clock) {
                Ok(()) => {
                    pause = options.interval;
                    options.poll.min(options.interval)
                }
                Err(error) => {
                    service.connection = None;
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "trying the database again"
                    );
                    let wait = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    wait
                }
            };
            if pass(&mut clock, wait, options.interval, &stop).is_break() {
                break;
            }
        }
        if let Err(error) = service.finish(url, &mut options, &clock) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what came of some messages could not be written down, so they may be sent again"
            );
        }
        Ok(())
    })
}

/// Waits in slices, so that a long pause does not keep whoever wants to stop.
fn pass(
    clock: &mut impl Clock,
    wait: Duration,
    interval: Duration,
    stop: &AtomicBool,
) -> ControlFlow<()> {
    let mut left = wait;
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let slice = left.min(interval.max(Duration::from_millis(1)));
        clock.wait(slice)?;
        left -= slice;
    }
    ControlFlow::Continue(())
}

/// What a service keeps from turn to turn.
struct Service<'scope, 'env> {
    /// `None` while the database is away.
    connection: Option<PgConnection>,
    lanes: Lanes<'scope, 'env>,
    /// How far writers had come after the last round, and when that was.
    seen: Option<(String, DateTime<Utc>)>,
    /// When somebody last got a sign of life.
    signed: Option<Instant>,
    /// When figures were last made.
    published: Option<Instant>,
}

impl Service<'_, '_> {
    /// Goes round, if there is a reason to.
    fn turn(&mut self, url: &str, options: &mut Options, clock: &dyn Clock) -> Result<()> {
        let conn = match &mut self.connection {
            Some(conn) => conn,
            none => {
                let conn = audit_schema::connect(url)?;
                tracing::info!("the database is back");
                self.seen = None;
                none.insert(conn)
            }
        };
        let now = clock.now();
        let is_due = is_due(conn, options.interval, now, self.seen.as_ref())?;
        if !is_due && !self.lanes.wait(Duration::ZERO) {
            return Ok(());
        }
        let mut report = RunReport::default();
        let mut before = None;
        if is_due {
            self.seen = None;
            before = Some(outbox::snapshot(conn)?);
            report.tick = audit_schema::tick(conn, now)?;
        }
        let at_most = Some(options.interval);
        deliver(conn, options, clock, &mut self.lanes, at_most, &mut report)?;
        // The round itself moved the position, and so did whoever wrote meanwhile: that is looked at once more.
        if let Some(before) = before {
            let position = outbox::position(conn)?;
            if !outbox::changed_since(conn, &before)? {
                self.seen = Some((position, now));
            }
        }
        if self.published.is_none_or(|at| at.elapsed() >= FIGURES) {
            self.published = Some(Instant::now());
            publish(conn, options, clock)?;
        }
        tell(&report);
        if let Some(listener) = options.listener.as_mut() {
            listener(&report);
        }
        if let Some(heartbeat) = &options.heartbeat
            && self.signed.is_none_or(|at| at.elapsed() >= SIGN_OF_LIFE)
        {
            self.signed = Some(Instant::now());
            // Whoever waits for it may be slow to take it.
            let heartbeat = Arc::clone(heartbeat);
            std::thread::spawn(move || sign_of_life(&heartbeat));
        }
        Ok(())
    }

    /// Waits for what is being sent, and writes down what came of it.
    fn finish(&mut self, url: &str, options: &mut Options, clock: &dyn Clock) -> Result<()> {
        if self.lanes.is_idle() {
            return Ok(());
        }
        let conn = match &mut self.connection {
            Some(conn) => conn,
            none => none.insert(audit_schema::connect(url)?),
        };
        let mut report = RunReport::default();
        deliver(conn, options, clock, &mut self.lanes, None, &mut report)?;
        tell(&report);
        if let Some(listener) = options.listener.as_mut() {
            listener(&report);
        }
        Ok(())
    }
}

/// Whether the last round is long enough ago, or somebody wrote something since.
fn is_due(
    conn: &mut PgConnection,
    interval: Duration,
    now: DateTime<Utc>,
    seen: Option<&(String, DateTime<Utc>)>,
) -> Result<bool> {
    let interval = TimeDelta::from_std(interval).unwrap_or(TimeDelta::seconds(1));
    Ok(match seen {
        Some((position, at)) if now - *at < interval => outbox::position(conn)? != *position,
        _ => true,
    })
}

pub(super) fn publish(
    conn: &mut PgConnection,
    options: &mut Options,
    clock: &dyn Clock,
) -> Result<()> {
    if let Some(metrics) = options.metrics.as_mut() {
        let now = clock.wall().unwrap_or_else(Utc::now);
        metrics(&prometheus(&delivery::figures(conn)?, now));
    }
    Ok(())
}

/// That it does not get through is not our trouble: whoever waits for it will say so.
pub(super) fn sign_of_life(heartbeat: &Http) {
    if let Err(error) = heartbeat.post("", &[], b"{}") {
        tracing::warn!("no sign of life could be given: {error}");
    }
}

fn tell(report: &RunReport) {
    for notice in &report.tick.notices {
        tracing::info!(severity = %notice.severity, "{}: {}", notice.message, notice.title);
    }
    for delivered in &report.delivered {
        tracing::info!(
            channel = delivered.channel,
            subject = delivered.subject,
            "delivered"
        );
    }
    for undelivered in report.delayed.iter().chain(&report.dead) {
        tracing::warn!(
            channel = undelivered.channel,
            subject = undelivered.subject,
            "{}",
            undelivered.error
        );
    }
    for (channel, address) in &report.left_out {
        tracing::warn!(channel, address, "a dead recipient is left out from now on");
    }
    for (channel, why) in &report.unusable {
        tracing::error!(channel, "{why}");
    }
}
