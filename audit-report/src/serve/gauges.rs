//! What programs ask: figures for Prometheus, and whether all is well.

use std::fmt::Write as _;

use audit_schema::browse::{self, Gauges, SeverityGauge};
use audit_schema::metrics;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::visit::blocking;
use super::{Site, guard};

/// The tick is late when it did not run for so many seconds, or keeps anything waiting for as long.
const LATE: f64 = 300.0;

/// The figures in Prometheus's text format. How many there are depends on nothing.
pub(super) async fn prometheus(State(site): State<Site>) -> Response {
    let listeners = site.0.live.listeners();
    blocking(&site, move |site| {
        let mut answer = match read(&site) {
            Ok(gauges) => guard::plain(StatusCode::OK, write(&gauges, listeners)),
            Err(why) => guard::plain(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        };
        if answer.status() == StatusCode::OK {
            answer.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
            );
        }
        answer
    })
    .await
}

/// 200 if the database answers and the pipeline keeps up, else 503 with the reasons, one a line.
pub(super) async fn health(State(site): State<Site>) -> Response {
    blocking(&site, |site| {
        let reasons = match read(&site) {
            Ok(gauges) => unwell(&gauges),
            Err(why) => vec![why],
        };
        if reasons.is_empty() {
            guard::plain(StatusCode::OK, "ok\n")
        } else {
            guard::plain(StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
        }
    })
    .await
}

/// Whoever asks is told what is the case, and nothing that only the operator should know.
fn read(site: &Site) -> Result<Gauges, String> {
    let mut connection = site
        .0
        .pool
        .get()
        .map_err(|_| "the database does not answer".to_owned())?;
    let rights =
        browse::rights(&mut connection).map_err(|_| "the database does not answer".to_owned())?;
    if !rights.installed {
        return Err("the pipeline is not installed".to_owned());
    }
    if !rights.read {
        return Err(format!(
            "the role {} may not read the pipeline",
            rights.role
        ));
    }
    metrics::in_one_snapshot(&mut connection, browse::gauges).map_err(|error| {
        tracing::error!(%error, "the figures could not be read");
        "the figures could not be read".to_owned()
    })
}

fn unwell(gauges: &Gauges) -> Vec<String> {
    let mut reasons = Vec::new();
    // A replay has its own clock, and ends.
    let replay = (gauges.pipeline.now - gauges.pipeline.as_of).num_seconds() > 3600;
    if gauges.since_tick < 0.0 {
        reasons.push("no tick has run yet".to_owned());
    } else if gauges.since_tick > LATE && !replay {
        reasons.push(format!("the last tick ran {:.0} s ago", gauges.since_tick));
    }
    if gauges.pipeline.seconds_behind > LATE {
        reasons.push(format!(
            "the tick is {:.0} s behind",
            gauges.pipeline.seconds_behind
        ));
    }
    if gauges.pipeline.paused_channels > 0 {
        reasons.push(format!(
            "{} channels are paused",
            gauges.pipeline.paused_channels
        ));
    }
    reasons
}

fn write(gauges: &Gauges, listeners: usize) -> String {
    let pipeline = &gauges.pipeline;
    let mut text = String::new();
    let singles: [(&str, &str, f64); 14] = [
        ("audit_tables", "Watched tables.", float(gauges.tables)),
        (
            "audit_head_log_rows",
            "Log rows that wait for the tick.",
            float(pipeline.waiting),
        ),
        (
            "audit_tick_behind_seconds",
            "By how much the tick is late.",
            pipeline.seconds_behind,
        ),
        (
            "audit_tick_age_seconds",
            "Since the last tick; -1 if none has run.",
            gauges.since_tick,
        ),
        (
            "audit_log_bytes",
            "Size of the log on disk.",
            float(pipeline.log_bytes),
        ),
        (
            "audit_segments",
            "Sealed segments.",
            float(pipeline.segments),
        ),
        (
            "audit_quarantine_rows",
            "Rows that wait in quarantine.",
            float(gauges.held),
        ),
        (
            "audit_quarantine_oldest_seconds",
            "For how long the oldest of them has waited.",
            gauges.oldest_held,
        ),
        (
            "audit_deliveries_delivered",
            "Messages that were delivered.",
            float(pipeline.delivered),
        ),
        (
            "audit_deliveries_waiting",
            "Messages on their way.",
            float(pipeline.undelivered),
        ),
        (
            "audit_deliveries_dead",
            "Messages that were given up.",
            float(pipeline.dead),
        ),
        (
            "audit_channels_paused",
            "Channels that are paused because they were refused.",
            float(pipeline.paused_channels),
        ),
        (
            "audit_report_listeners",
            "Open pages that are kept up to date.",
            float(i64::try_from(listeners).unwrap_or(i64::MAX)),
        ),
        ("audit_up", "1: the database answered.", 1.0),
    ];
    for (name, help, value) in singles {
        head(&mut text, name, help);
        let _ = writeln!(text, "{name} {value}");
    }
    type Value = fn(&SeverityGauge) -> i64;
    let by_severity: [(&str, &str, Value); 5] = [
        ("audit_rules", "Rules in force.", |one| one.rules),
        ("audit_failing_rules", "Rules that fail now.", |one| {
            one.failing_rules
        }),
        (
            "audit_failing_rows",
            "Rows that fail now; a row counts once for every rule that it fails.",
            |one| one.failing_rows,
        ),
        (
            "audit_overdue_rows",
            "Failures that should have been put right by now, at least.",
            |one| one.overdue_rows,
        ),
        (
            "audit_rule_errors",
            "Statements for which a rule could not be evaluated.",
            |one| one.errors,
        ),
    ];
    for (name, help, value) in by_severity {
        head(&mut text, name, help);
        for one in &gauges.severities {
            let _ = writeln!(
                text,
                "{name}{{severity=\"{}\"}} {}",
                one.severity,
                value(one)
            );
        }
    }
    let name = "audit_alerts_open";
    head(&mut text, name, "Alerts that have not ended.");
    for one in &gauges.severities {
        for (state, number) in [
            ("firing", one.firing),
            ("acknowledged", one.acknowledged),
            ("snoozed", one.snoozed),
        ] {
            let _ = writeln!(
                text,
                "{name}{{severity=\"{}\",state=\"{state}\"}} {number}",
                one.severity
            );
        }
    }
    text
}

fn head(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a monitoring system counts in floats"
)]
fn float(number: i64) -> f64 {
    number as f64
}
