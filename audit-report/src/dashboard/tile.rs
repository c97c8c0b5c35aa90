//! The six numbers at the top, in words: for pictures and for pages.

use audit_core::Severity;
use chrono::TimeDelta;

use super::data::Dashboard;
use crate::format::{count, duration, percent, short};

/// The tick is late when it keeps anything waiting for so many seconds, or did not run for as long.
const LATE: f64 = 300.0;

/// What a tile vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It only says how much.
    Neutral,
    /// All is well.
    Good,
    /// Somebody has to do something.
    Bad(Severity),
}

/// A number, its unit and what to think of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tile {
    pub(crate) label: &'static str,
    pub(crate) number: String,
    pub(crate) unit: String,
    /// What stands for the unit where there is no room for it.
    pub(crate) short_unit: Option<String>,
    pub(crate) note: String,
    pub(crate) tone: Tone,
    /// Whether the sign of a severity stands before the number.
    pub(crate) sign: Option<Severity>,
    pub(crate) trend: Vec<i64>,
    /// Where the live page tells more.
    pub(crate) more: &'static str,
}

/// What a dashboard says first.
pub(crate) fn tiles(data: &Dashboard) -> Vec<Tile> {
    vec![
        checked(data),
        failing(data),
        set_aside(data),
        alerts(data),
        overdue(data),
        pipeline(data),
    ]
}

fn checked(data: &Dashboard) -> Tile {
    let days = count(data.period.days(), "day", "days");
    Tile {
        label: "Rows checked",
        number: short(data.checked.rows),
        unit: format!(
            "in {days}, {}",
            count(data.checked.tables as i64, "table", "tables")
        ),
        short_unit: None,
        note: match data.checked.before {
            Some(before) if before > 0 => {
                let change = (data.checked.rows - before) as f64 / before as f64;
                let sign = if change < 0.0 { "−" } else { "+" };
                format!("{sign}{} against the {days} before", percent(change.abs()))
            }
            _ => "as they were written".to_owned(),
        },
        tone: Tone::Neutral,
        sign: None,
        trend: data.steps.iter().map(|step| step.written).collect(),
        more: "/tables",
    }
}

fn failing(data: &Dashboard) -> Tile {
    let failing = &data.failing;
    let critical = if failing.critical > 0 {
        Tone::Bad(Severity::Critical)
    } else if failing.errors > 0 {
        Tone::Bad(Severity::Important)
    } else if failing.rows == 0 && data.rules > 0 {
        Tone::Good
    } else {
        Tone::Neutral
    };
    Tile {
        label: "Failing now",
        number: short(failing.rows),
        unit: match (failing.of_rows, failing.rows) {
            (0, _) => "no rows yet".to_owned(),
            (rows, 0) => format!("of {}", count(rows, "row", "rows")),
            (rows, _) => format!("failures in {}", count(rows, "row", "rows")),
        },
        short_unit: None,
        note: match (failing.critical, failing.errors) {
            _ if data.rules == 0 => "no rules are declared".to_owned(),
            (0, 0) if failing.rows == 0 => "every row passes every rule".to_owned(),
            (0, 0) => "none business critical".to_owned(),
            (0, errors) => format!(
                "rules could not be evaluated {}",
                count(errors, "time", "times")
            ),
            (critical, _) if failing.of_rows > 0 => format!(
                "{} business critical ({})",
                short(critical),
                percent(critical as f64 / failing.of_rows as f64)
            ),
            (critical, _) => format!("{} business critical", short(critical)),
        },
        tone: critical,
        sign: (failing.critical > 0).then_some(Severity::Critical),
        trend: data.steps.iter().map(|step| step.failures()).collect(),
        more: "/rules?failing=on",
    }
}

fn set_aside(data: &Dashboard) -> Tile {
    let aside = &data.set_aside;
    Tile {
        label: "Set aside",
        number: short(aside.held),
        unit: match aside.oldest {
            Some(oldest) if aside.held > 0 => {
                format!("rows, oldest {}", duration(TimeDelta::seconds(oldest)))
            }
            _ => "rows in quarantine".to_owned(),
        },
        short_unit: None,
        note: format!(
            "{} released, {} discarded",
            short(aside.released),
            short(aside.discarded)
        ),
        tone: Tone::Neutral,
        sign: None,
        trend: Vec::new(),
        more: "/quarantine",
    }
}

fn alerts(data: &Dashboard) -> Tile {
    let open = &data.open_alerts;
    let worst = open.worst().map(|(severity, _)| severity);
    let parts: Vec<String> = Severity::ALL
        .into_iter()
        .zip(open.by_severity)
        .filter(|(_, number)| *number > 0)
        .map(|(severity, number)| format!("{} {severity}", short(number)))
        .collect();
    let less_severe = |number: i64| short(open.total() - number);
    Tile {
        label: "Open alerts",
        number: short(open.total()),
        unit: if parts.is_empty() {
            "all quiet".to_owned()
        } else {
            parts.join(", ")
        },
        short_unit: open
            .worst()
            .filter(|_| parts.len() > 1)
            .map(|(severity, number)| {
                let others = less_severe(number);
                format!("{} {severity}, {others} less severe", short(number))
            }),
        note: match (open.total(), open.acknowledged) {
            (0, _) => format!(
                "{} in this range",
                count(data.alerts_in_all as i64, "alert", "alerts")
            ),
            (_, 0) => "none acknowledged".to_owned(),
            (_, taken) => format!("{} acknowledged", short(taken)),
        },
        tone: worst.map_or(Tone::Good, Tone::Bad),
        sign: worst,
        trend: Vec::new(),
        more: "/alerts",
    }
}

fn overdue(data: &Dashboard) -> Tile {
    let overdue = &data.overdue;
    Tile {
        label: "Overdue to fix",
        number: short(overdue.rows),
        unit: if overdue.of_rows == 0 {
            "nothing has to be fixed".to_owned()
        } else {
            format!(
                "of {} to fix",
                count(overdue.of_rows, "failure", "failures")
            )
        },
        short_unit: None,
        note: match overdue.worst {
            None => "in time".to_owned(),
            Some(Severity::Critical) => "some business critical".to_owned(),
            Some(severity) => format!("at worst {severity}"),
        },
        tone: overdue.worst.map_or(Tone::Good, Tone::Bad),
        sign: overdue.worst,
        trend: Vec::new(),
        more: "/rules?overdue=on",
    }
}

fn pipeline(data: &Dashboard) -> Tile {
    let pipeline = &data.pipeline;
    // Nothing was written, perhaps; but nothing that time alone causes was noticed either.
    let silent = pipeline.behind <= LATE && pipeline.silent > LATE;
    let late = pipeline.behind > LATE || silent;
    let (note, well) = match (
        pipeline.dead,
        pipeline.paused_channels,
        pipeline.undelivered,
        pipeline.delivered,
    ) {
        (0, 0, 0, 0) => ("no messages yet".to_owned(), true),
        (0, 0, 0, sent) => (
            format!("all {} delivered", count(sent, "message", "messages")),
            true,
        ),
        (0, 0, waiting, _) => (
            format!("{} on the way", count(waiting, "message", "messages")),
            true,
        ),
        (0, paused, ..) => (
            format!("{} paused", count(paused, "channel", "channels")),
            false,
        ),
        (dead, ..) => (
            format!("{} not delivered", count(dead, "message", "messages")),
            false,
        ),
    };
    Tile {
        label: "Pipeline",
        number: if pipeline.ticked || pipeline.waiting > 0 {
            let shown = if silent {
                pipeline.silent
            } else {
                pipeline.behind
            };
            duration(TimeDelta::milliseconds((shown * 1000.0) as i64))
        } else {
            "–".to_owned()
        },
        unit: match (silent, pipeline.ticked) {
            (true, _) => "since the last tick",
            (_, true) => "behind the newest write",
            _ => "no tick has run yet",
        }
        .to_owned(),
        short_unit: None,
        note,
        tone: match (well && !late, pipeline.ticked) {
            (false, _) => Tone::Bad(Severity::Important),
            (true, true) => Tone::Good,
            (true, false) => Tone::Neutral,
        },
        sign: (!well || late).then_some(Severity::Important),
        trend: Vec::new(),
        more: "/pipeline",
    }
}
