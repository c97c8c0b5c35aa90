//! `audit alerts`: what is open, what became of it, and what people do about it.

use audit_core::Severity;
use audit_schema::alert::{self, Alert, Filter, Shown};
use audit_schema::context::{self, Context};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand};
use diesel::{Connection, PgConnection};
use uuid::Uuid;

use crate::cells;
use crate::command::as_of::time;
use crate::command::{Format, Output, json};
use crate::terminal::{Columns, Painted, Style, Tone, count, duration, number, table_name};

/// What is done about alerts.
#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// List open alerts, the worst first
    #[command(after_help = "Example:\n  audit alerts list --severity critical")]
    List {
        /// Which alerts are listed
        #[command(flatten)]
        filter: FilterOptions,
        /// How they are written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show one alert with its history, and who was told
    #[command(after_help = "Example:\n  audit alerts show 3f2a")]
    Show {
        /// Its id, or the first characters of it
        id: String,
        /// How it is written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take alerts on: they stay open, and nobody is reminded of them any more
    #[command(after_help = "Example:\n  audit alerts ack 3f2a --reason \"on it\" --actor ann")]
    Ack {
        /// Which alerts are meant, and who acts
        #[command(flatten)]
        which: Which,
    },
    /// Let alerts rest for a while; what still holds then fires again
    #[command(after_help = "Example:\n  audit alerts snooze 3f2a --for 4h")]
    #[command(group(ArgGroup::new("time").required(true).args(["length", "until"])))]
    Snooze {
        /// Which alerts are meant, and who acts
        #[command(flatten)]
        which: Which,
        /// For how long, for example 30m, 4h or 2d
        #[arg(long = "for", value_name = "TIME", value_parser = length)]
        length: Option<chrono::TimeDelta>,
        /// Until when, for example "2026-01-31 08:00" (in the time zone shown) or 2026-01-31T08:00:00Z
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Say that alerts are over; they stay resolved until their conditions have ended once
    #[command(
        after_help = "Example:\n  audit alerts resolve 3f2a --reason \"the supplier sent it anew\""
    )]
    Resolve {
        /// Which alerts are meant, and who acts
        #[command(flatten)]
        which: Which,
    },
}

/// Which alerts are listed.
#[derive(Debug, Args)]
pub struct FilterOptions {
    /// Also those that are resolved
    #[arg(long)]
    all: bool,
    /// Only of this policy
    #[arg(long)]
    policy: Option<String>,
    /// Only about this table
    #[arg(long)]
    table: Option<String>,
    /// Only of this severity
    #[arg(long)]
    severity: Option<Severity>,
    /// Only those that this person or team has to see to
    #[arg(long)]
    owner: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
}

/// Which alerts are meant, who acts, and why.
#[derive(Debug, Args)]
pub struct Which {
    /// Their ids, or the first characters of them
    #[arg(required = true)]
    ids: Vec<String>,
    /// Why, for the record
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// The person who does it, for the record
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

/// Runs a command about alerts.
///
/// # Errors
/// Whatever stands in its way. Of several alerts either all are moved or none.
pub fn run(
    connection: &mut PgConnection,
    command: AlertsCommand,
    style: Style,
) -> anyhow::Result<Output> {
    let clock = alert::clock(connection)?;
    let text = match command {
        AlertsCommand::List { filter, format } => {
            let filter = Filter {
                resolved: filter.all,
                policy: filter.policy,
                table: filter.table,
                severity: filter.severity.map(|severity| severity.name().to_owned()),
                owner: filter.owner,
                limit: filter.limit,
            };
            let alerts = alert::list(connection, &filter)?;
            match format {
                Format::Text => render(&alerts, clock, style),
                Format::Json => json(&alerts)?,
            }
        }
        AlertsCommand::Show { id, format } => {
            let id = alert::find(connection, &id)?;
            let shown = alert::show(connection, id)?;
            match format {
                Format::Text => render_one(&shown, clock, style),
                Format::Json => json(&shown)?,
            }
        }
        AlertsCommand::Ack { which } => {
            let moved = act(connection, &which, |connection, id, reason| {
                alert::acknowledge(connection, id, reason, clock)
            })?;
            format!("{} acknowledged\n", count(moved, "alert"))
        }
        AlertsCommand::Snooze {
            which,
            length,
            until,
        } => {
            let until = match (length, until) {
                (Some(length), _) => clock + length,
                (None, Some(until)) => time(&until, style.zone)?,
                (None, None) => clock,
            };
            let moved = act(connection, &which, |connection, id, reason| {
                alert::snooze(connection, id, until, reason, clock)
            })?;
            format!(
                "{} snoozed until {}\n",
                count(moved, "alert"),
                style.time(until)
            )
        }
        AlertsCommand::Resolve { which } => {
            let moved = act(connection, &which, |connection, id, reason| {
                alert::resolve(connection, id, reason, clock)
            })?;
            format!(
                "{} resolved, until the condition has ended and holds again\n",
                count(moved, "alert")
            )
        }
    };
    Ok(text.into())
}

/// Does something about each alert that is meant, in the name of the actor, in one transaction.
fn act(
    connection: &mut PgConnection,
    which: &Which,
    action: impl Fn(&mut PgConnection, Uuid, &str) -> audit_schema::Result<()>,
) -> anyhow::Result<i64> {
    let mut ids = Vec::new();
    for id in &which.ids {
        let id = alert::find(connection, id)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    in_the_name_of(connection, which.actor.clone(), |connection| {
        ids.iter()
            .try_for_each(|id| action(connection, *id, &which.reason))
    })?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// Does something in one transaction in the name of an actor.
pub(crate) fn in_the_name_of<T>(
    connection: &mut PgConnection,
    actor: Option<String>,
    action: impl FnOnce(&mut PgConnection) -> audit_schema::Result<T>,
) -> audit_schema::Result<T> {
    connection.transaction(|connection| {
        let context = Context {
            actor,
            ..Context::default()
        };
        context::set(connection, &context)?;
        action(connection)
    })
}

/// `30m`, `4h`, `2d`.
pub(crate) fn length(text: &str) -> Result<chrono::TimeDelta, audit_core::Error> {
    Ok(text.parse::<audit_core::Period>()?.to_delta())
}

/// Shows alerts as a person reads them.
pub fn render(alerts: &[Alert], clock: DateTime<Utc>, style: Style) -> String {
    if alerts.is_empty() {
        return style.good("✓ no alert is open") + "\n";
    }
    let headings = [
        "id", "severity", "state", "what", "policy", "owner", "since", ">for",
    ];
    let mut columns = Columns::new(style, &headings);
    for alert in alerts {
        let ended = alert.resolved_at.unwrap_or(clock);
        columns.row(cells![
            short(alert.alert_id),
            Painted::severity(&alert.severity),
            state(alert),
            alert.title.clone(),
            alert.policy.clone(),
            alert.owner.clone(),
            style.time(alert.opened_at),
            duration(ended - alert.opened_at),
        ]);
    }
    let open: Vec<&Alert> = alerts
        .iter()
        .filter(|alert| alert.state != "resolved")
        .collect();
    let muted = open.iter().filter(|alert| alert.muted.is_some()).count();
    let mut summary = count(size(open.len()), "open alert");
    if muted > 0 {
        summary.push_str(&format!(" · {} muted", number(size(muted))));
    }
    if open.len() < alerts.len() {
        let over = number(size(alerts.len() - open.len()));
        summary.push_str(&format!(" · {over} resolved"));
    }
    format!("{}\n\n{}\n", columns.render(), style.bold(&summary))
}

/// Shows one alert, whole.
pub fn render_one(shown: &Shown, clock: DateTime<Utc>, style: Style) -> String {
    let alert = &shown.alert;
    let mut text = format!(
        "{}\n{} · {} · {}\n",
        style.bold(&format!("{}  {}", alert.title, short(alert.alert_id))),
        style.paint(&Painted::severity(&alert.severity)),
        style.paint(&state(alert)),
        since(alert, clock, style),
    );
    let mut about = vec![format!("policy {}", alert.policy)];
    about.extend(
        alert
            .table
            .as_deref()
            .map(|table| format!("table {}", table_name(table))),
    );
    about.extend(alert.rule.as_deref().map(|rule| format!("rule {rule}")));
    if !alert.owner.is_empty() {
        about.push(format!("owner {}", alert.owner));
    }
    about.extend(alert.runbook.clone());
    text.push_str(&format!("{}\n", about.join(" · ")));
    if let Some(muted) = &alert.muted {
        text.push_str(&format!("nobody is told: {muted}\n"));
    }
    if let Some(until) = alert.snoozed_until {
        text.push_str(&format!("snoozed until {}\n", style.time(until)));
    }

    let mut history = Columns::new(style, &["when", "state", "by", "why"]);
    for moved in &shown.transitions {
        history.row(cells![
            style.time(moved.at),
            moved.to_state.clone(),
            moved.actor.clone(),
            moved.reason.clone(),
        ]);
    }
    text.push_str(&format!("\n{}\n", history.render()));
    if shown.deliveries.is_empty() {
        text.push_str(&format!("\n{}\n", style.quiet("nobody was told")));
        return text;
    }
    let mut told = Columns::new(style, &["when", "channel", "message", "delivery"]);
    for delivery in &shown.deliveries {
        let sent = match &delivery.last_error {
            Some(error) if delivery.state != "delivered" => format!("{}: {error}", delivery.state),
            _ => delivery.state.clone(),
        };
        told.row(cells![
            style.time(delivery.at),
            delivery.channel.clone(),
            match delivery.kind.as_str() {
                "several" => "together with others",
                kind => kind,
            },
            sent,
        ]);
    }
    text.push_str(&format!("\n{}\n", told.render()));
    text
}

fn since(alert: &Alert, clock: DateTime<Utc>, style: Style) -> String {
    let began = style.time(alert.opened_at);
    match alert.resolved_at {
        Some(ended) => format!(
            "from {began} to {}, for {}",
            style.time(ended),
            duration(ended - alert.opened_at)
        ),
        None => format!("since {began}, for {}", duration(clock - alert.opened_at)),
    }
}

/// The state, and what a person has to know about it.
fn state(alert: &Alert) -> Painted {
    let mut text = alert.state.clone();
    if let (Some(person), "acknowledged") = (&alert.acknowledged_by, alert.state.as_str()) {
        text.push_str(&format!(" by {person}"));
    }
    if alert.muted.is_some() {
        text.push_str(" (muted)");
    }
    match alert.state.as_str() {
        "resolved" => Painted::new(text, Tone::Good),
        "firing" if alert.muted.is_none() => text.into(),
        _ => Painted::new(text, Tone::Quiet),
    }
}

/// The first characters of an identity, by which `show` finds it again.
pub(crate) fn short(id: Uuid) -> String {
    let mut text = id.to_string();
    text.truncate(8);
    text
}

fn size(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
