//! `audit silence`: what nobody has to hear of for a while.

use anyhow::anyhow;
use audit_core::Severity;
use audit_core::alert::Matchers;
use audit_schema::alert;
use audit_schema::silence::{self, New, Silence, State};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand};
use diesel::PgConnection;
use serde_json::Value;

use crate::cells;
use crate::command::alerts::{in_the_name_of, length, short};
use crate::command::as_of::time;
use crate::command::{Format, Output, json, watched};
use crate::terminal::{Columns, Painted, Style, Tone, count, duration, number};

/// What is done about silences.
#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// Say which alerts nobody has to hear of, until when and why; they are recorded all the same
    #[command(
        after_help = "Example:\n  audit silence add --table orders --for 4h --reason \"nightly load\""
    )]
    #[command(group(ArgGroup::new("time").required(true).args(["length", "until"])))]
    Add {
        /// Which alerts are meant
        #[command(flatten)]
        which: MatcherOptions,
        /// For how long, for example 30m, 4h or 2d
        #[arg(long = "for", value_name = "TIME", value_parser = length)]
        length: Option<chrono::TimeDelta>,
        /// Until when, for example "2026-01-31 08:00" (in the time zone shown) or 2026-01-31T08:00:00Z
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// From when on [default: now]
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Why nobody has to hear of them
        #[arg(long)]
        reason: String,
        /// The person who asks for it, for the record
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
    /// List silences that are in force or to come
    #[command(after_help = "Example:\n  audit silence list --all")]
    List {
        /// Also those that are over
        #[arg(long)]
        all: bool,
        /// How they are written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// End a silence before its time
    #[command(after_help = "Example:\n  audit silence end 3f2a")]
    End {
        /// Its id, or the first characters of it
        id: String,
        /// Why, for the record
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// The person who ends it, for the record
        #[arg(long, value_name = "NAME")]
        actor: Option<String>,
    },
}

/// Which alerts are meant: those of which all that is said is true. What is given several times means any of these.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(["policy", "table", "rule", "severity", "owner", "group"])))]
pub struct MatcherOptions {
    /// Alerts of this policy
    #[arg(long)]
    policy: Vec<String>,
    /// Alerts about this table
    #[arg(long)]
    table: Vec<String>,
    /// Alerts about the rule with this name
    #[arg(long)]
    rule: Vec<String>,
    /// Alerts of this severity
    #[arg(long)]
    severity: Vec<Severity>,
    /// Alerts that this person or team has to see to
    #[arg(long)]
    owner: Vec<String>,
    /// Alerts about a group with this value
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    group: Vec<(String, Value)>,
}

impl MatcherOptions {
    fn matchers(self, connection: &mut PgConnection) -> anyhow::Result<Matchers> {
        // A table as a person types it; one that is not watched would match nothing.
        let table = self
            .table
            .iter()
            .map(|name| Ok(watched(connection, name)?.name))
            .collect::<anyhow::Result<_>>()?;
        Ok(Matchers {
            policy: self.policy,
            table,
            rule: self.rule,
            severity: self.severity,
            owner: self.owner,
            group: self.group.into_iter().collect(),
        })
    }
}

/// Runs a command about silences.
///
/// # Errors
/// Whatever stands in its way.
pub fn run(
    connection: &mut PgConnection,
    command: SilenceCommand,
    style: Style,
) -> anyhow::Result<Output> {
    let clock = alert::clock(connection)?;
    let text = match command {
        SilenceCommand::Add {
            which,
            length,
            until,
            from,
            reason,
            actor,
        } => {
            let from = from.map(|from| time(&from, style.zone)).transpose()?;
            let until = match (length, until) {
                (Some(length), _) => from.unwrap_or(clock) + length,
                (None, Some(until)) => time(&until, style.zone)?,
                (None, None) => clock,
            };
            let new = New {
                matchers: which.matchers(connection)?,
                from,
                until,
                reason,
            };
            let id = in_the_name_of(connection, actor, |connection| {
                silence::add(connection, &new, clock)
            })?;
            let open = alert::list(connection, &alert::Filter::default())?;
            let matched = open
                .iter()
                .filter(|alert| alert.is_matched(&new.matchers))
                .count();
            format!(
                "{} silences {} until {} · {} now\n",
                short(id),
                new.matchers,
                style.time(until),
                count(size(matched), "open alert"),
            )
        }
        SilenceCommand::List { all, format } => {
            let silences = silence::list(connection, all, clock)?;
            match format {
                Format::Text => render(&silences, clock, style),
                Format::Json => json(&silences)?,
            }
        }
        SilenceCommand::End { id, reason, actor } => {
            let id = silence::find(connection, &id)?;
            in_the_name_of(connection, actor, |connection| {
                silence::end(connection, id, &reason, clock)
            })?;
            "1 silence ended; what still fires is told at the next tick\n".to_owned()
        }
    };
    Ok(text.into())
}

/// Shows silences as a person reads them.
pub fn render(silences: &[Silence], clock: DateTime<Utc>, style: Style) -> String {
    if silences.is_empty() {
        return style.good("✓ nothing is silenced") + "\n";
    }
    let headings = [
        "id", "state", "what", "from", "until", ">left", ">mutes", "by", "why",
    ];
    let mut columns = Columns::new(style, &headings);
    for silence in silences {
        let (state, left) = match silence.state {
            State::ToCome => (Painted::new("to come", Tone::Quiet), String::new()),
            State::InForce => ("in force".into(), duration(silence.until - clock)),
            State::Over => {
                let text = match &silence.ended_by {
                    Some(person) => format!("ended by {person}"),
                    None => "over".to_owned(),
                };
                (Painted::new(text, Tone::Quiet), String::new())
            }
        };
        columns.row(cells![
            short(silence.silence_id),
            state,
            match &silence.hours {
                Some(hours) => format!("{}, {hours}", silence.matchers),
                None => silence.matchers.to_string(),
            },
            style.time(silence.from),
            style.time(silence.until),
            left,
            number(size(silence.mutes)),
            silence.author.clone(),
            silence.reason.clone(),
        ]);
    }
    let in_force = silences
        .iter()
        .filter(|silence| silence.state == State::InForce)
        .count();
    let summary = format!("{} in force", count(size(in_force), "silence"));
    format!("{}\n\n{}\n", columns.render(), style.bold(&summary))
}

/// `origin=EWR`: values are compared as texts.
fn assignment(text: &str) -> anyhow::Result<(String, Value)> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| anyhow!("expected NAME=VALUE"))?;
    Ok((name.to_owned(), Value::String(value.to_owned())))
}

fn size(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
