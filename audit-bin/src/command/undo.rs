//! `audit undo`: the statements that take back what was written, shown or run.

use audit_schema::undo::{self, Undo, UndoStatus, UndoStep};
use chrono::Utc;
use chrono_tz::Tz;
use clap::Args;
use diesel::PgConnection;

use crate::command::as_of::time;
use crate::command::{Format, Output, json, watched};
use crate::terminal::{Style, count};

/// The options of `audit undo`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct UndoOptions {
    /// The change at this position of the log, as `audit history` shows it
    #[arg(long, group = "what", value_name = "LSN")]
    change: Option<String>,
    /// The transaction with this number
    #[arg(long, group = "what", value_name = "XID")]
    transaction: Option<u64>,
    /// Whatever this actor wrote, or this role where it named no actor
    #[arg(long, group = "what", value_name = "NAME", requires = "since")]
    actor: Option<String>,
    /// From this time on
    #[arg(long, value_name = "TIME", requires = "actor")]
    since: Option<String>,
    /// Until this time [default: now]
    #[arg(long, value_name = "TIME", requires = "actor")]
    until: Option<String>,
    /// Only what was written to this table
    #[arg(long)]
    table: Option<String>,
    /// Run the statements, all of them or none, instead of showing them
    #[arg(long)]
    run: bool,
    /// How they are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl UndoOptions {
    fn what(&self, zone: Tz) -> anyhow::Result<Undo> {
        Ok(match (&self.change, self.transaction, &self.actor) {
            (Some(lsn), ..) => Undo::Change(lsn.clone()),
            (_, Some(xid), _) => Undo::Transaction(xid),
            (.., name) => Undo::Actor {
                name: name.clone().unwrap_or_default(),
                since: time(self.since.as_deref().unwrap_or_default(), zone)?,
                until: match &self.until {
                    Some(until) => time(until, zone)?,
                    None => Utc::now(),
                },
            },
        })
    }
}

/// Shows what takes something back, or takes it back.
///
/// # Errors
/// If nothing of it is in the log, or it is to be run and can not be, as a whole.
pub fn run(
    connection: &mut PgConnection,
    options: &UndoOptions,
    style: Style,
) -> anyhow::Result<Output> {
    let what = &options.what(style.zone)?;
    let table = match options.table.as_deref() {
        None => None,
        Some(name) => Some(watched(connection, name)?.name),
    };
    let steps = if options.run {
        undo::run(connection, what, table.as_deref())?
    } else {
        undo::show(connection, what, table.as_deref())?
    };
    let shown = render(&steps, style);
    Ok(match options.format {
        Format::Text => shown,
        Format::Json => Output {
            text: json(&steps)?,
            well: shown.well,
        },
    })
}

/// Shows the statements, so that they can be run as they stand: what is refused is a comment. Not well if anything is.
pub fn render(steps: &[UndoStep], style: Style) -> Output {
    let mut lines = Vec::new();
    let mut refused: i64 = 0;
    let mut done = false;
    for step in steps {
        let row = match &step.key {
            Some(key) => format!("{} of {} {key}", step.op, step.table),
            None => format!("{} of {}", step.op, step.table),
        };
        let about = comment(&format!("{row} · {} · {}", style.time(step.at), step.lsn));
        match &step.status {
            UndoStatus::Refused { reason, .. } => {
                refused += 1;
                lines.push(style.quiet(&about));
                lines.push(style.bad(&comment(&format!("✗ refused: {reason}"))));
            }
            status => {
                done |= *status == UndoStatus::Done;
                lines.push(style.quiet(&about));
                if !step.unknown.is_empty() {
                    let unknown =
                        format!("as they are, not in the log: {}", step.unknown.join(", "));
                    lines.push(style.quiet(&comment(&unknown)));
                }
                lines.push(format!(
                    "{};",
                    step.statement.as_deref().unwrap_or_default()
                ));
            }
        }
    }
    let all = count(i64::try_from(steps.len()).unwrap_or(i64::MAX), "statement");
    let last = if done {
        style.good(&format!("-- ✓ {all} run"))
    } else if refused > 0 {
        style.bad(&format!(
            "-- ✗ {refused} of {} refused, so nothing would be run",
            count(i64::try_from(steps.len()).unwrap_or(i64::MAX), "change")
        ))
    } else {
        style.bold(&format!("-- {all}, not run; --run does it"))
    };
    Output {
        text: format!("{}\n\n{last}\n", lines.join("\n")),
        well: refused == 0,
    }
}

/// A comment of one line, whatever is in a key or a name: the output may be run as it stands.
fn comment(text: &str) -> String {
    format!("-- {}", text.replace(char::is_control, " "))
}
