//! `audit undo`: the statements that take back what was written, shown or run.

use anyhow::bail;
use audit_schema::inspect;
use audit_schema::undo::{self, Undo, UndoStatus, UndoStep};
use diesel::PgConnection;

use crate::command::Output;
use crate::terminal::{Style, count};

/// Shows what takes something back, or takes it back.
///
/// # Errors
/// If nothing of it is in the log, or it is to be run and can not be, as a whole.
pub fn run(
    connection: &mut PgConnection,
    what: &Undo,
    table: Option<&str>,
    run: bool,
    style: Style,
) -> anyhow::Result<Output> {
    let table = match table {
        None => None,
        Some(name) => match inspect::watched_table(connection, name)? {
            Some(watched) => Some(watched.name),
            None => bail!("`{name}` is not a watched table"),
        },
    };
    let steps = if run {
        undo::run(connection, what, table.as_deref())?
    } else {
        undo::show(connection, what, table.as_deref())?
    };
    Ok(render(&steps, style))
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
