//! `audit check`: rules on the rows that exist, with a bar of progress, and an exit code that says how bad it is.

mod results;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::bail;
use audit_core::Severity;
use audit_schema::check::{
    self, Checked, CheckedRule, How, LastCheck, Options, Progress, Throttle,
};
use chrono::Utc;
use clap::Args;
use diesel::PgConnection;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use uuid::Uuid;

use crate::cells;
use crate::command::findings::values;
use crate::command::import::write;
use crate::command::{Ended, read_policy};
use crate::terminal::{Columns, Painted, Style, Tone, count, number, percent, shorten, table_name};

/// The options of `audit check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  audit check orders --throttle 25%
  audit check --format junit --out report.xml --fail-on important

A check that was cut off, even by kill -9, goes on where it stopped when it is run again.
It ends with 0 if every rule holds, else by the worst that does not: 10 low, 11 normal, 12 important, 13 critical.")]
pub struct CheckOptions {
    /// The tables, as schema.table or table [default: every watched table with a rule]
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
    /// Only the rule with this name; may be repeated
    #[arg(long = "rule", value_name = "NAME")]
    rules: Vec<String>,
    /// Check the rules of this policy, which need not be applied; nothing of it is kept, so it begins anew each time
    #[arg(long, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write the result to this file, and what a person reads to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rules below this severity are reported, and do not count for the exit code
    #[arg(long, value_name = "SEVERITY", value_parser = severity, default_value = "low")]
    fail_on: Severity,
    /// Begin anew, even if a check was cut off
    #[arg(long)]
    restart: bool,
    /// Work for this share of the time, as in 25%, or read at most so many rows a second, as in 5000/s
    #[arg(long, value_name = "LIMIT", value_parser = throttle)]
    throttle: Option<Throttle>,
    /// Exactly so many rows in a transaction [default: as many as take a tenth of a second]
    #[arg(long, value_name = "COUNT", hide_short_help = true, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    batch_rows: Option<u32>,
}

/// How the result of a check is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// As JSON, for programs
    Json,
    /// As JUnit XML, for the test reports of CI
    Junit,
    /// As run_results.json of dbt, for tools that read it
    Dbt,
}

fn severity(text: &str) -> Result<Severity, String> {
    text.parse()
        .map_err(|error: audit_core::Error| error.to_string())
}

/// `25%` or `5000/s`.
fn throttle(text: &str) -> Result<Throttle, String> {
    let wrong =
        || "expected a share of the time, as in 25%, or a number of rows, as in 5000/s".to_owned();
    let (digits, is_share) = match (text.strip_suffix('%'), text.strip_suffix("/s")) {
        (Some(digits), _) => (digits, true),
        (_, Some(digits)) => (digits, false),
        _ => return Err(wrong()),
    };
    let value: f64 = digits.trim().parse().map_err(|_| wrong())?;
    match (is_share, value) {
        (true, value) if value > 0.0 && value <= 100.0 => Ok(Throttle::Share(value / 100.0)),
        (false, value) if value > 0.0 && value.is_finite() => Ok(Throttle::RowsPerSecond(value)),
        _ => Err(wrong()),
    }
}

/// Checks, and tells what was found.
///
/// # Errors
/// If a table can't be checked. What was found before is in the database.
pub fn run(
    connection: &mut PgConnection,
    asked: &CheckOptions,
    style: Style,
) -> anyhow::Result<Ended> {
    let options = Options {
        rules: asked.rules.clone(),
        restart: asked.restart,
        batch_rows: asked.batch_rows,
        throttle: asked.throttle.unwrap_or_default(),
    };
    let mut bar = Bar::new();
    let mut checked = Vec::new();
    if let Some(policy) = &asked.policy {
        let policy = read_policy(policy)?;
        checked = check::check_policy(
            connection,
            &policy,
            &asked.tables,
            &options,
            &mut |progress| bar.show(progress),
        )?;
    } else {
        let tables = match asked.tables.as_slice() {
            [] => check::tables_with_rules(connection, &asked.rules)?,
            named => named.to_vec(),
        };
        for table in tables {
            checked.extend(check::check(
                connection,
                &table,
                &options,
                &mut |progress| bar.show(progress),
            )?);
        }
    }
    bar.end();
    if checked.iter().all(|one| one.rules.is_empty()) && !asked.rules.is_empty() {
        bail!("there is no rule `{}` to check", asked.rules.join("`, `"));
    }
    let mut ended = render(&checked, asked.fail_on, style);
    let written = match asked.format {
        Format::Text => None,
        Format::Json => Some(results::json(&checked, asked.fail_on, ended.code)?),
        Format::Junit => Some(results::junit(&checked, asked.fail_on)),
        Format::Dbt => Some(results::dbt(
            &checked,
            asked.fail_on,
            Utc::now(),
            Uuid::new_v4(),
        )?),
    };
    match (&asked.out, written) {
        (Some(path), written) => {
            write(path, written.as_deref().unwrap_or(&ended.text))?;
        }
        (None, Some(written)) => ended.text = written,
        (None, None) => {}
    }
    Ok(ended)
}

/// Shows what was found: for each table the rules that do not hold, and a line that sums up.
///
/// Only what is at least as bad as `fail_on` counts for the code.
pub fn render(checked: &[Checked], fail_on: Severity, style: Style) -> Ended {
    if checked.is_empty() {
        return Ended {
            text: "There is no rule to check.\n".to_owned(),
            code: 0,
        };
    }
    let mut parts: Vec<String> = checked.iter().map(|one| table(one, style)).collect();
    let worst = checked.iter().filter_map(Checked::worst).max();
    let rules = checked.iter().flat_map(|one| &one.rules);
    let facts = [
        count(size(checked.len()), "table"),
        count(checked.iter().map(|one| one.rows).sum(), "row"),
        format!(
            "{} of {} failing",
            rules.clone().filter(|rule| !rule.holds()).count(),
            count(size(rules.count()), "rule")
        ),
    ];
    let line = facts.join(" · ");
    parts.push(match worst {
        Some(worst) => style.paint(&Painted::new(
            format!("{line}, the worst is {worst}"),
            if worst == Severity::Low {
                Tone::Bold
            } else {
                Tone::Severity(worst)
            },
        )),
        None => style.good(&line),
    });
    Ended {
        text: parts.join("\n\n") + "\n",
        code: match worst.filter(|worst| *worst >= fail_on) {
            None => 0,
            Some(Severity::Low) => 10,
            Some(Severity::Normal) => 11,
            Some(Severity::Important) => 12,
            Some(Severity::Critical) => 13,
        },
    }
}

fn table(checked: &Checked, style: Style) -> String {
    let mut facts = vec![format!("{} read", count(checked.rows, "row"))];
    if checked.resumed_at > 0 {
        facts.push(format!("{} of them before", number(checked.resumed_at)));
    }
    let seconds = checked.took.as_secs_f64();
    if seconds > 0.0 {
        let rate = (checked.rows - checked.resumed_at) as f64 / seconds;
        facts.push(format!("{seconds:.1} s, {} rows/s", number(rate as i64)));
    }
    facts.push(format!(
        "{} of up to {} ms",
        count(checked.batches, "transaction"),
        number(i64::try_from(checked.longest.as_millis()).unwrap_or(i64::MAX))
    ));
    let mut lines = vec![format!(
        "{}  {}",
        style.bold(table_name(&checked.table)),
        style.quiet(&facts.join(" · "))
    )];
    let mut columns = Columns::new(
        style,
        &[
            "rule that fails",
            "severity",
            ">rows",
            ">share",
            "first keys",
            "example",
            "owner",
        ],
    );
    for rule in checked.rules.iter().filter(|rule| !rule.holds()) {
        columns.row(cells![
            match (rule.shadow, checked.keeps(rule)) {
                (true, _) => format!("{} (shadow)", rule.name),
                (false, true) => format!("{} (mostly kept)", rule.name),
                (false, false) => rule.name.clone(),
            },
            Painted::severity(rule.severity.name()),
            number(rule.failing),
            if checked.rows > 0 {
                percent(rule.failing as f64 / checked.rows as f64)
            } else {
                String::new()
            },
            keys(&rule.keys, rule.failing),
            rule.samples.first().map(values).unwrap_or_default(),
            rule.owner.clone(),
        ]);
    }
    if !columns.is_empty() {
        lines.push(columns.render());
    }
    lines.extend(
        checked
            .rules
            .iter()
            .filter_map(note)
            .map(|note| style.bad(&note)),
    );
    let held = checked.rules.iter().filter(|rule| rule.holds()).count();
    if held > 0 {
        let verb = if held == 1 { "holds" } else { "hold" };
        lines.push(style.good(&format!(
            "✓ {} {verb} for every row",
            count(size(held), "rule")
        )));
    }
    for rule in checked.rules.iter().filter(|rule| rule.how == How::Whole) {
        lines.push(style.quiet(&format!(
            "  {}: no index on its columns, so one statement read the whole table",
            rule.name
        )));
    }
    if !checked.by_key {
        lines.push(style.quiet(
            "  no primary key: read by place; a row that was updated meanwhile may be missed or read twice",
        ));
    }
    lines.join("\n")
}

/// What a rule that raises errors says.
fn note(rule: &CheckedRule) -> Option<String> {
    let error = rule.error.as_ref()?;
    let rows = if rule.error_keys.is_empty() {
        "it".to_owned()
    } else {
        format!(
            "{} ({})",
            count(rule.errors, "row"),
            keys(&rule.error_keys, rule.errors)
        )
    };
    let end = if rule.given_up { "; given up" } else { "" };
    Some(format!(
        "  {} can not be evaluated for {rows}: {}{end}",
        rule.name,
        shorten(error, 80)
    ))
}

/// The first keys, three if they are short, and how many more there are.
fn keys(keys: &[String], all: i64) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut width = 0;
    for key in keys.iter().take(3) {
        width += key.chars().count() + 1;
        if width > 48 && !shown.is_empty() {
            break;
        }
        shown.push(shorten(key, 60));
    }
    let more = all - size(shown.len());
    if more > 0 && !shown.is_empty() {
        shown.push(format!("+{}", number(more)));
    }
    shown.join(" ")
}

/// The last checks for `audit status`; nothing if there was none.
pub fn last(checks: &[LastCheck], style: Style) -> Option<String> {
    let mut columns = Columns::new(
        style,
        &["last check", "when", ">rows", ">rules failing", "state"],
    );
    for check in checks {
        let state = match check.ended_at {
            Some(_) => Painted::new("done", Tone::Quiet),
            None => format!(
                "{} done; `audit check` goes on",
                percent(check.rows as f64 / check.expected.max(check.rows).max(1) as f64)
            )
            .into(),
        };
        columns.row(cells![
            table_name(&check.table),
            style.time(check.ended_at.unwrap_or(check.started_at)),
            number(check.rows),
            format!("{} of {}", check.failing_rules, check.rules),
            state,
        ]);
    }
    (!columns.is_empty()).then(|| columns.render())
}

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A bar of progress on standard error, if that is a terminal: the result alone goes to standard output.
struct Bar {
    bar: ProgressBar,
    table: String,
    begun: Instant,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{msg:<24} {bar:30} {percent:>3} %  {prefix}")
        {
            bar.set_style(style.progress_chars("━━─"));
        }
        Self {
            bar,
            table: String::new(),
            begun: Instant::now(),
        }
    }

    fn show(&mut self, progress: Progress<'_>) {
        if self.table != progress.table {
            progress.table.clone_into(&mut self.table);
            self.begun = Instant::now();
            self.bar
                .set_message(shorten(table_name(progress.table), 24));
        }
        let rows = |rows: i64| u64::try_from(rows).unwrap_or_default();
        self.bar
            .set_length(rows(progress.expected.max(progress.rows)));
        self.bar.set_position(rows(progress.rows));
        let seconds = self.begun.elapsed().as_secs_f64().max(1e-3);
        let rate = (progress.rows - progress.resumed_at) as f64 / seconds;
        let mut facts = format!(
            "{} of {} rows, {} rows/s",
            number(progress.rows),
            number(progress.expected),
            number(rate as i64)
        );
        let left = (progress.expected - progress.rows) as f64 / rate;
        if let Some(rule) = progress
            .whole
            .filter(|_| progress.rows >= progress.expected)
        {
            facts = format!("{rule} asks the whole table");
        } else if left.is_finite() && left >= 1.0 {
            let left = chrono::TimeDelta::seconds(left as i64);
            facts += &format!(", {} left", crate::terminal::duration(left));
        }
        self.bar.set_prefix(facts);
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
