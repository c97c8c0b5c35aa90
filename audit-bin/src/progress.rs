//! What a long command is busy with, on standard error, and only if a person looks at it.

use std::io::{self, IsTerminal};
use std::time::Duration;

use audit_schema::apply::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::{count, duration, table_name};

/// A line that tells what is done and for how long.
#[derive(Debug)]
pub struct Spinner {
    bar: ProgressBar,
}

impl Spinner {
    /// A line that is not shown yet.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed:.dim}") {
            bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        }
        Self { bar }
    }

    /// Tells something new.
    pub fn tell(&self, what: String) {
        self.bar.reset_elapsed();
        self.bar.set_message(what);
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    /// Tells what a plan or an apply is busy with. That it waits for a lock is told to a log, too.
    pub fn applying(&self, progress: Progress<'_>) {
        match progress {
            Progress::Counting { table, rule } => self.tell(format!(
                "counting the rows of {} that fail {rule}",
                table_name(table)
            )),
            Progress::Starting { table, rows, scans } => self.tell(format!(
                "counters of {} start: {}, read {}; its writers wait",
                table_name(table),
                count(rows, "row"),
                count(i64::try_from(scans).unwrap_or(i64::MAX), "time")
            )),
            Progress::Summing { table } => self.tell(format!(
                "summaries of {} start; its writers go on",
                table_name(table)
            )),
            Progress::Locked {
                table,
                holders,
                attempt,
                pause,
            } => {
                let who: Vec<String> = holders.iter().map(|holder| holder.in_words()).collect();
                let what = table.map_or("somebody else applies a policy", table_name);
                let again = duration(chrono::TimeDelta::from_std(pause).unwrap_or_default());
                let text = format!(
                    "{what}: locked by {}; attempt {} in {again}",
                    who.join(", "),
                    attempt + 1
                );
                if io::stderr().is_terminal() {
                    self.tell(text);
                } else {
                    let _ = io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes());
                }
            }
        }
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Spinner {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.end();
    }
}
