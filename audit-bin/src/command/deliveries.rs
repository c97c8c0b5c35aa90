//! `audit deliveries`: the messages of alerts, which of them were given up and why, and driving them again.

use anyhow::bail;
use audit_schema::delivery::{self, DeadRecipient, Filter, Listed, Shown, State};
use audit_schema::outbox;
use chrono::Utc;
use clap::{Subcommand, ValueEnum};
use diesel::PgConnection;
use serde_json::json as object;

use crate::cells;
use crate::command::{Format, Output, json};
use crate::terminal::{Columns, Painted, Style, Tone, count, duration, number, shorten};

/// What is done with deliveries.
#[derive(Debug, Subcommand)]
pub enum DeliveriesCommand {
    /// List the messages that are not delivered, newest first; the program ends with 1 if some were given up
    #[command(after_help = "Example:\n  audit deliveries list --state dead --channel ops")]
    List {
        /// Only those in this state; may be given several times
        #[arg(long, value_enum)]
        state: Vec<StateOption>,
        /// Only those to this channel
        #[arg(long, value_name = "NAME")]
        channel: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20, value_name = "COUNT")]
        limit: i64,
        /// How they are written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show one message, and what came of every attempt to deliver it
    #[command(after_help = "Example:\n  audit deliveries show 3f2a")]
    Show {
        /// Its id, or the first characters of it
        id: String,
        /// How it is written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Try messages again, now: those that were given up from their first attempt on
    #[command(after_help = "Example:\n  audit deliveries retry --channel ops")]
    Retry {
        /// Their ids, or the first characters of them
        ids: Vec<String>,
        /// Every message to this channel that was given up
        #[arg(long, value_name = "NAME", conflicts_with = "ids")]
        channel: Option<String>,
        /// Every message that was given up
        #[arg(long, conflicts_with_all = ["ids", "channel"])]
        all: bool,
    },
    /// Use a channel again that was paused because it was refused
    #[command(after_help = "Example:\n  audit deliveries resume ops")]
    Resume {
        /// The name of the channel
        channel: String,
    },
    /// Write to a recipient again that was left out because the provider called it dead
    #[command(after_help = "Example:\n  audit deliveries restore ops ann@example.com")]
    Restore {
        /// The name of the channel
        channel: String,
        /// The recipient, as the policy spells it
        address: String,
    },
}

/// The state of a delivery, in the words of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StateOption {
    /// It waits for its time
    Waiting,
    /// Somebody is sending it
    Sending,
    /// The provider took it
    Delivered,
    /// It was given up
    Dead,
}

impl From<StateOption> for State {
    fn from(option: StateOption) -> Self {
        match option {
            StateOption::Waiting => State::Ready,
            StateOption::Sending => State::Sending,
            StateOption::Delivered => State::Delivered,
            StateOption::Dead => State::Dead,
        }
    }
}

/// Runs a command about deliveries.
///
/// # Errors
/// Whatever stands in its way.
pub fn run(
    connection: &mut PgConnection,
    command: DeliveriesCommand,
    style: Style,
) -> anyhow::Result<Output> {
    match command {
        DeliveriesCommand::List {
            state,
            channel,
            limit,
            format,
        } => {
            let states: Vec<State> = match state.as_slice() {
                [] => vec![State::Ready, State::Sending, State::Dead],
                some => some.iter().copied().map(State::from).collect(),
            };
            let filter = Filter {
                states,
                channel,
                limit,
            };
            let listed = delivery::list(connection, &filter)?;
            let all = delivery::count(connection, &filter)?;
            let dead = delivery::dead_recipients(connection)?;
            let dead = dead.into_iter().filter(|recipient| {
                filter
                    .channel
                    .as_ref()
                    .is_none_or(|channel| *channel == recipient.channel)
            });
            let dead: Vec<DeadRecipient> = dead.collect();
            Ok(Output {
                text: match format {
                    Format::Text => render(&listed, all, &dead, style),
                    Format::Json => json(&object!({ "deliveries": listed, "left_out": dead }))?,
                },
                well: listed.iter().all(|delivery| delivery.state != "dead"),
            })
        }
        DeliveriesCommand::Show { id, format } => {
            let shown = delivery::show(connection, &id)?;
            Ok(match format {
                Format::Text => render_one(&shown, style).into(),
                Format::Json => json(&shown)?.into(),
            })
        }
        DeliveriesCommand::Retry { ids, channel, all } => retry(connection, &ids, channel, all),
        DeliveriesCommand::Resume { channel } => {
            if !outbox::resume_channel(connection, &channel)? {
                bail!("no channel `{channel}` is paused");
            }
            Ok(format!("the channel {channel} is used again\n").into())
        }
        DeliveriesCommand::Restore { channel, address } => {
            if !delivery::take_back_in(connection, &channel, &address)? {
                bail!("the channel `{channel}` does not leave out `{address}`");
            }
            Ok(format!("{address} is written to again\n").into())
        }
    }
}

fn retry(
    connection: &mut PgConnection,
    ids: &[String],
    channel: Option<String>,
    all: bool,
) -> anyhow::Result<Output> {
    let mut driven = 0;
    match (ids, &channel, all) {
        ([], None, false) => {
            bail!("no message is named; give ids, --channel, or --all")
        }
        ([], Some(channel), _) => driven = delivery::redrive_channel(connection, channel)?,
        ([], None, true) => {
            for channel in outbox::channels(connection)? {
                driven += delivery::redrive_channel(connection, &channel.name)?;
            }
        }
        (ids, ..) => {
            for id in ids {
                let delivery_id = delivery::find(connection, id)?;
                match delivery::redrive(connection, delivery_id)? {
                    Some(State::Delivered) => bail!("`{id}` was delivered already"),
                    Some(State::Sending) => bail!("`{id}` is being sent at this moment"),
                    _ => driven += 1,
                }
            }
        }
    }
    Ok(format!(
        "{} to be tried again, by the next audit-notify\n",
        count(driven, "message")
    )
    .into())
}

/// Shows deliveries, of so many that there are, and the recipients that are left out.
pub fn render(listed: &[Listed], all: i64, dead: &[DeadRecipient], style: Style) -> String {
    let mut text = String::new();
    if listed.is_empty() {
        text.push_str(&style.good("✓ nothing waits, and nothing was given up"));
        text.push('\n');
    } else {
        let headings = [
            "id", "state", "severity", "channel", "what", ">attempt", "next", "why",
        ];
        let mut columns = Columns::new(style, &headings);
        for delivery in listed {
            columns.row(cells![
                delivery
                    .delivery_id
                    .to_string()
                    .get(..8)
                    .unwrap_or_default()
                    .to_owned(),
                state(delivery),
                Painted::severity(&delivery.severity),
                delivery.channel.clone(),
                what(delivery),
                number(i64::from(delivery.attempt)),
                next(delivery),
                shorten(delivery.error.as_deref().unwrap_or_default(), 60),
            ]);
        }
        let shown = i64::try_from(listed.len()).unwrap_or(i64::MAX);
        let summary = if all > shown {
            format!("{} of {}", number(shown), count(all, "message"))
        } else {
            count(shown, "message")
        };
        text.push_str(&format!(
            "{}\n\n{}\n",
            columns.render(),
            style.bold(&summary)
        ));
    }
    for recipient in dead {
        text.push_str(&style.quiet(&format!(
            "{} is left out of {} since {}: {}",
            recipient.address,
            recipient.channel,
            style.time(recipient.at),
            recipient.why
        )));
        text.push('\n');
    }
    text
}

/// Shows one delivery, whole.
pub fn render_one(shown: &Shown, style: Style) -> String {
    let delivery = &shown.delivery;
    let mut text = format!(
        "{}\n{} · {} through {} to {} · {} · since {}\n",
        style.bold(&format!("{}  {}", what(delivery), delivery.delivery_id)),
        style.paint(&state(delivery)),
        delivery.kind,
        delivery.provider,
        delivery.channel,
        style.paint(&Painted::severity(&delivery.severity)),
        style.time(delivery.created_at),
    );
    if let Some(message_id) = &delivery.message_id {
        text.push_str(&format!("the provider calls it {message_id}\n"));
    }
    let mut columns = Columns::new(
        style,
        &[">attempt", "when", "outcome", ">status", "worker", "why"],
    );
    for attempt in &shown.attempts {
        columns.row(cells![
            number(i64::from(attempt.attempt)),
            style.time(attempt.ended_at),
            attempt.outcome.clone(),
            attempt
                .status
                .map_or_else(String::new, |status| status.to_string()),
            attempt.worker.clone().unwrap_or_default(),
            attempt.error.clone().unwrap_or_default(),
        ]);
    }
    if !columns.is_empty() {
        text.push_str(&format!("\n{}\n", columns.render()));
    }
    if let Some(message) = &shown.text {
        text.push('\n');
        for line in message.lines() {
            text.push_str(format!("  {line}").trim_end());
            text.push('\n');
        }
    }
    text
}

/// What a message tells: one sentence, and how many more there are.
fn what(delivery: &Listed) -> String {
    let more = match delivery.more {
        0 => String::new(),
        more => format!(" and {} more", number(i64::from(more))),
    };
    let digest = if delivery.kind == "digest" {
        "digest: "
    } else {
        ""
    };
    format!("{digest}{}{more}", shorten(&delivery.title, 60))
}

fn state(delivery: &Listed) -> Painted {
    match delivery.state.as_str() {
        "ready" if delivery.kind == "digest" && delivery.due_at > Utc::now() => "collecting".into(),
        "dead" => Painted::new("given up", Tone::Severity(audit_core::Severity::Critical)),
        "ready" if delivery.paused => {
            Painted::new("paused", Tone::Severity(audit_core::Severity::Important))
        }
        "ready" => "waiting".into(),
        other => other.into(),
    }
}

fn next(delivery: &Listed) -> String {
    let wait = delivery.due_at - Utc::now();
    match delivery.state.as_str() {
        "ready" if delivery.paused => String::new(),
        "ready" if wait.num_seconds() <= 0 => "now".to_owned(),
        "ready" => format!("in {}", duration(wait)),
        _ => String::new(),
    }
}
