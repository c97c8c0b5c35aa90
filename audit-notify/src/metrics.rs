//! What a monitoring system reads: the text format of Prometheus.

use std::fmt::Write as _;

use audit_schema::delivery::Figures;
use chrono::{DateTime, Utc};

/// Reads one figure.
type Value = fn(&Figures) -> f64;

/// The deliveries of all channels in Prometheus's text format.
///
/// # Examples
///
/// ```
/// use audit_notify::metrics::prometheus;
/// use audit_schema::delivery::Figures;
///
/// let text = prometheus(&[Figures {
///     channel: "ops".to_owned(),
///     paused: false,
///     waiting: 3,
///     oldest_seconds: 12.5,
///     dead: 0,
///     attempts: vec![41, 2, 0, 0, 0],
///     within: vec![30, 40, 41, 41, 41, 41, 41, 41, 41],
///     seconds: 17.25,
/// }], chrono::DateTime::UNIX_EPOCH);
/// assert!(text.contains("audit_outbox_waiting{channel=\"ops\"} 3\n"));
/// assert!(text.contains("audit_delivery_seconds_bucket{channel=\"ops\",le=\"0.25\"} 30\n"));
/// assert!(text.contains("audit_delivery_seconds_bucket{channel=\"ops\",le=\"+Inf\"} 41\n"));
/// ```
#[must_use]
pub fn prometheus(channels: &[Figures], now: DateTime<Utc>) -> String {
    let mut text = String::new();
    let gauges: [(&str, &str, Value); 4] = [
        (
            "audit_outbox_waiting",
            "Messages that wait or are being sent.",
            |channel| as_float(channel.waiting),
        ),
        (
            "audit_outbox_dead",
            "Messages that were given up.",
            |channel| as_float(channel.dead),
        ),
        (
            "audit_outbox_oldest_seconds",
            "For how long the oldest message has waited.",
            |channel| channel.oldest_seconds,
        ),
        (
            "audit_channel_paused",
            "1 while a channel is paused because it was refused.",
            |channel| f64::from(u8::from(channel.paused)),
        ),
    ];
    for (name, help, value) in gauges {
        head(&mut text, name, "gauge", help);
        for channel in channels {
            let _ = writeln!(text, "{name}{{{}}} {}", label(channel), value(channel));
        }
    }

    let name = "audit_delivery_attempts_total";
    let help = "Attempts to deliver, by what came of them.";
    head(&mut text, name, "counter", help);
    for channel in channels {
        for (outcome, count) in Figures::OUTCOMES.iter().zip(&channel.attempts) {
            let label = label(channel);
            let _ = writeln!(text, "{name}{{{label},outcome=\"{outcome}\"}} {count}");
        }
    }

    let name = "audit_delivery_seconds";
    let help = "How long after it was caused a message was delivered.";
    head(&mut text, name, "histogram", help);
    for channel in channels {
        let label = label(channel);
        let bounds = Figures::BOUNDS.iter().map(ToString::to_string);
        for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(&channel.within) {
            let _ = writeln!(text, "{name}_bucket{{{label},le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(text, "{name}_sum{{{label}}} {}", channel.seconds);
        let all = channel.within.last().copied().unwrap_or_default();
        let _ = writeln!(text, "{name}_count{{{label}}} {all}");
    }

    let name = "audit_notify_last_round_timestamp_seconds";
    head(
        &mut text,
        name,
        "gauge",
        "When audit-notify last went round.",
    );
    let _ = writeln!(text, "{name} {}", now.timestamp());
    text
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn label(channel: &Figures) -> String {
    let name = channel.channel.replace('\\', "\\\\");
    let name = name.replace('"', "\\\"").replace('\n', "\\n");
    format!("channel=\"{name}\"")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a monitoring system counts in floats"
)]
fn as_float(count: i64) -> f64 {
    count as f64
}
