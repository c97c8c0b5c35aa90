//! On and on, as a service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use audit_schema::{delivery, outbox};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::round::SHORT;
use super::{Options, RunReport, round};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::metrics::prometheus;
use crate::provider::Http;

/// The longest pause between two attempts to reach a database that went away.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often whoever waits for a sign of life gets one.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// How often figures are made: they read all deliveries.
const FIGURES: Duration = Duration::from_secs(15);

/// Ticks and delivers, on and on, until `stop` is set or the clock ends. A database that goes away is waited for.
///
/// # Errors
/// When the database can not be reached to begin with.
pub fn follow(
    url: &str,
    mut options: Options,
    mut clock: impl Clock,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    let mut connection = Some(audit_schema::connect(url)?);
    let mut pause = options.interval;
    let mut seen = None;
    let mut signed: Option<Instant> = None;
    let mut published: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        let worked = match connection.as_mut() {
            Some(conn) => {
                round_if_due(conn, &mut options, &clock, &stop, &mut seen).and_then(|report| {
                    if report.is_some() && published.is_none_or(|at| at.elapsed() >= FIGURES) {
                        published = Some(Instant::now());
                        publish(conn, &mut options, &clock)?;
                    }
                    Ok(report)
                })
            }
            None => match audit_schema::connect(url) {
                Ok(conn) => {
                    tracing::info!("the database is back");
                    connection = Some(conn);
                    seen = None;
                    continue;
                }
                Err(error) => Err(Error::from(error)),
            },
        };
        let wait = match worked {
            Ok(report) => {
                pause = options.interval;
                if let Some(report) = report {
                    tell(&report);
                    if let Some(listener) = options.listener.as_mut() {
                        listener(&report);
                    }
                    if let Some(heartbeat) = &options.heartbeat
                        && signed.is_none_or(|at| at.elapsed() >= SIGN_OF_LIFE)
                    {
                        signed = Some(Instant::now());
                        sign_of_life(heartbeat);
                    }
                }
                options.poll.min(options.interval)
            }
            Err(error) => {
                connection = None;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "trying the database again"
                );
                let wait = pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
                wait
            }
        };
        // In slices, so that a long pause does not keep whoever wants to stop.
        let mut left = wait;
        while !left.is_zero() && !stop.load(Ordering::Relaxed) {
            let slice = left.min(options.interval.max(Duration::from_millis(1)));
            if clock.wait(slice).is_break() {
                return Ok(());
            }
            left -= slice;
        }
    }
    Ok(())
}

/// A round, if the last one is long enough ago or somebody wrote something since.
fn round_if_due(
    conn: &mut PgConnection,
    options: &mut Options,
    clock: &dyn Clock,
    stop: &AtomicBool,
    seen: &mut Option<(String, DateTime<Utc>)>,
) -> Result<Option<RunReport>> {
    let interval = TimeDelta::from_std(options.interval).unwrap_or(TimeDelta::seconds(1));
    if let Some((position, at)) = seen
        && clock.now() - *at < interval
        && outbox::position(conn)? == *position
    {
        return Ok(None);
    }
    let (began, now) = (Instant::now(), clock.now());
    *seen = None;
    let report = round(conn, options, clock, stop)?;
    // The round itself moved the position, and so did whoever wrote meanwhile.
    if began.elapsed() < SHORT {
        *seen = Some((outbox::position(conn)?, now));
    }
    Ok(Some(report))
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
