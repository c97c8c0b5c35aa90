//! `audit quarantine`: the rows that were set aside or hidden, and what is done with them.

use anyhow::{Context as _, anyhow, bail};
use audit_core::QuarantineMode;
use audit_schema::context::{self, Context};
use audit_schema::quarantine::{
    self, Edit, Event, Filter, Handled, Outcome, QuarantinedRow, Release, Shown,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::{ArgGroup, Args, Subcommand};
use diesel::{Connection, PgConnection};
use serde_json::{Map, Value};

use crate::cells;
use crate::command::findings::values;
use crate::command::{Format, Output, json};
use crate::terminal::{Columns, Painted, Style, Tone, count, duration, number, table_name};

/// What is done with rows in quarantine.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// List the rows that wait, newest first
    #[command(
        after_help = "Example:\n  audit quarantine list --table orders --owner shop@example.com"
    )]
    List {
        /// Which rows are listed
        #[command(flatten)]
        filter: FilterOptions,
        /// At most so many
        #[arg(long, default_value_t = 20, value_name = "COUNT")]
        limit: i64,
        /// How they are written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show one row with all its values, and what was done with it
    #[command(after_help = "Example:\n  audit quarantine show 3f2a")]
    Show {
        /// Its id, or the first characters of it
        id: String,
        /// How it is written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Give rows new values; the rules are asked when a row is released
    #[command(
        after_help = "Example:\n  audit quarantine edit 3f2a --set amount=5 --reason \"as the customer says\""
    )]
    #[command(group(ArgGroup::new("values").required(true).multiple(true).args(["set", "patch"])))]
    Edit {
        /// Which rows are meant
        #[command(flatten)]
        which: Which,
        /// A column and its new value, as JSON or as a plain text; may be given several times
        #[arg(long, value_name = "COLUMN=VALUE", value_parser = assignment)]
        set: Vec<(String, Value)>,
        /// Columns and their new values as a JSON object
        #[arg(long, value_name = "JSON", value_parser = patch)]
        patch: Option<Map<String, Value>>,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
    /// Put rows back into their tables; a row that still fails stays, with the reasons
    #[command(after_help = "Example:\n  audit quarantine release --rule range_amount --dry-run")]
    Release {
        /// Which rows are meant
        #[command(flatten)]
        which: Which,
        /// Replace rows of the table that changed, went or came in the meantime
        #[arg(long)]
        overwrite: bool,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
    /// Throw rows away
    #[command(after_help = "Example:\n  audit quarantine discard 3f2a --reason \"test data\"")]
    Discard {
        /// Which rows are meant
        #[command(flatten)]
        which: Which,
        /// Why nobody will miss them
        #[arg(long)]
        reason: String,
    },
}

/// Which rows are meant.
#[derive(Debug, Args)]
pub struct FilterOptions {
    /// Only of this table
    #[arg(long)]
    table: Option<String>,
    /// Only of the rule with this name
    #[arg(long)]
    rule: Option<String>,
    /// Only the rows with this primary key
    #[arg(long)]
    key: Option<String>,
    /// Only those that this person or team answers for
    #[arg(long)]
    owner: Option<String>,
    /// Only those that wait since this time or later, as 2013-02-08 or 2013-02-08T18:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<DateTime<Utc>>,
    /// Only those that waited before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<DateTime<Utc>>,
}

/// Which rows are worked on, by whom, and whether really.
#[derive(Debug, Args)]
pub struct Which {
    /// Their ids, or the first characters of them
    ids: Vec<String>,
    #[command(flatten)]
    filter: FilterOptions,
    /// Every row that waits
    #[arg(long)]
    all: bool,
    /// At most so many, the oldest first
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    limit: i64,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// The person on whose behalf it is done, for the record
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// How what came of it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl FilterOptions {
    fn filter(self, limit: i64) -> Filter {
        Filter {
            table: self.table,
            rule: self.rule,
            key: self.key,
            owner: self.owner,
            since: self.since,
            until: self.until,
            limit,
            ..Filter::default()
        }
    }
}

impl Which {
    /// The filter; never everything by mistake.
    fn filter(self, connection: &mut PgConnection) -> anyhow::Result<Filter> {
        let mut filter = self.filter.filter(self.limit);
        filter.ids = self
            .ids
            .iter()
            .map(|id| quarantine::find(connection, id))
            .collect::<Result<_, _>>()?;
        if filter.is_everything() && !self.all {
            bail!("no row is named; give ids, a filter such as --rule, or --all");
        }
        Ok(filter)
    }
}

/// Runs a command about rows in quarantine.
///
/// # Errors
/// Whatever stands in its way. A row that is refused is none: it is told, and the program ends with 1.
pub fn run(
    connection: &mut PgConnection,
    command: QuarantineCommand,
    style: Style,
) -> anyhow::Result<Output> {
    match command {
        QuarantineCommand::List {
            filter,
            limit,
            format,
        } => {
            let filter = filter.filter(limit);
            let rows = quarantine::list(connection, &filter)?;
            let waiting = quarantine::count(connection, &filter)?;
            Ok(match format {
                Format::Text => render(&rows, waiting, style).into(),
                Format::Json => json(&rows)?.into(),
            })
        }
        QuarantineCommand::Show { id, format } => {
            let shown = quarantine::show(connection, &id)?;
            Ok(match format {
                Format::Text => render_one(&shown, style).into(),
                Format::Json => json(&shown)?.into(),
            })
        }
        QuarantineCommand::Edit {
            which,
            set,
            patch,
            reason,
        } => {
            let mut values = patch.unwrap_or_default();
            values.extend(set);
            let options = Edit {
                reason,
                dry_run: which.dry_run,
            };
            work(connection, which, style, |connection, filter| {
                quarantine::edit(connection, filter, &Value::Object(values), &options)
            })
        }
        QuarantineCommand::Release {
            which,
            overwrite,
            reason,
        } => {
            let options = Release {
                reason,
                overwrite,
                dry_run: which.dry_run,
            };
            work(connection, which, style, |connection, filter| {
                quarantine::release(connection, filter, &options)
            })
        }
        QuarantineCommand::Discard { which, reason } => {
            let dry_run = which.dry_run;
            work(connection, which, style, |connection, filter| {
                quarantine::discard(connection, filter, &reason, dry_run)
            })
        }
    }
}

/// Does something with the rows that are meant, in the name of the actor, in one transaction.
fn work(
    connection: &mut PgConnection,
    which: Which,
    style: Style,
    action: impl FnOnce(&mut PgConnection, &Filter) -> audit_schema::Result<Vec<Handled>>,
) -> anyhow::Result<Output> {
    let (dry_run, actor, format) = (which.dry_run, which.actor.clone(), which.format);
    let filter = which.filter(connection)?;
    let handled = connection.transaction::<_, anyhow::Error, _>(|connection| {
        context::set(
            connection,
            &Context {
                actor,
                ..Context::default()
            },
        )?;
        Ok(action(connection, &filter)?)
    })?;
    Ok(Output {
        text: match format {
            Format::Text => render_handled(&handled, dry_run, style),
            Format::Json => json(&handled)?,
        },
        well: handled
            .iter()
            .all(|row| !matches!(row.outcome, Outcome::Refused | Outcome::Unknown)),
    })
}

/// Shows rows that wait in quarantine, of so many that do.
pub fn render(rows: &[QuarantinedRow], waiting: i64, style: Style) -> String {
    if rows.is_empty() {
        return style.good("✓ nothing is set aside") + "\n";
    }
    let mut columns = Columns::new(
        style,
        &[
            "id",
            "severity",
            "table",
            "key",
            "what",
            "because of",
            "values",
            "written by",
            "owner",
            ">for",
        ],
    );
    for row in rows {
        columns.row(cells![
            short(&row.quarantine_id),
            Painted::severity(&row.severity),
            table_name(&row.table),
            row.key.clone(),
            what(row),
            row.rules.join(", "),
            values(&row.values),
            row.writer.clone(),
            row.owner.clone(),
            age(row.age),
        ]);
    }
    let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let summary = if waiting > shown {
        format!(
            "{} of {} in quarantine",
            number(shown),
            count(waiting, "row")
        )
    } else {
        let oldest = rows.iter().map(|row| row.age).fold(0.0, f64::max);
        format!(
            "{} in quarantine · the oldest for {}",
            count(shown, "row"),
            age(oldest)
        )
    };
    format!("{}\n\n{}\n", columns.render(), style.bold(&summary))
}

/// Shows one row in quarantine, whole.
pub fn render_one(shown: &Shown, style: Style) -> String {
    let held = &shown.held;
    let mut text = format!(
        "{}\n{} · {} · {} · since {}, for {}\n",
        style.bold(&format!(
            "{} {}  {}",
            table_name(&held.table),
            held.key,
            held.quarantine_id
        )),
        held.state,
        what(held),
        style.paint(&Painted::severity(&held.severity)),
        style.time(held.since),
        age(held.age),
    );
    text.push_str(&format!(
        "because of {} · written by {}{}{}\n\n",
        held.rules.join(", "),
        held.writer,
        match held.owner.as_str() {
            "" => String::new(),
            owner => format!(" · owner {owner}"),
        },
        held.fix_by
            .map(|time| format!(" · to be seen to by {}", style.time(time)))
            .unwrap_or_default(),
    ));

    let mut headings = vec!["column", "value"];
    if shown.restored.is_some() {
        headings.push("in the table");
    }
    let mut columns = Columns::new(style, &headings);
    let failing = held.values.as_object();
    for (name, value) in &shown.row {
        let value_text = plain(value);
        let mut cells = vec![
            Painted::from(name.as_str()),
            if failing.is_some_and(|failing| failing.contains_key(name)) {
                Painted::new(value_text, Tone::Bold)
            } else {
                value_text.into()
            },
        ];
        if let Some(restored) = &shown.restored {
            let there = restored.get(name);
            cells.push(match there {
                Some(there) if there == value => Painted::new("same", Tone::Quiet),
                Some(there) => plain(there).into(),
                None => "–".into(),
            });
        }
        columns.row(cells);
    }
    text.push_str(&columns.render());
    text.push('\n');
    for event in &shown.events {
        text.push('\n');
        text.push_str(&render_event(event, style));
    }
    text
}

fn render_event(event: &Event, style: Style) -> String {
    let mut text = format!(
        "{}  {} by {}",
        style.time(event.at),
        event.kind,
        event.author.name()
    );
    if let Some(reason) = &event.reason {
        text.push_str(&format!(": {reason}"));
    }
    text.push('\n');
    for (name, new) in event.new.iter().flatten() {
        let old = event.old.as_ref().and_then(|old| old.get(name));
        text.push_str(&format!(
            "  {name} {} → {}\n",
            old.map_or_else(|| "–".to_owned(), plain),
            plain(new)
        ));
    }
    for reason in &event.reasons {
        text.push_str(&format!("  {}: {}\n", reason.name, reason.message));
    }
    text
}

/// Shows what came of rows: those that are refused one by one, and sums them up.
pub fn render_handled(rows: &[Handled], dry_run: bool, style: Style) -> String {
    if rows.is_empty() {
        return "no row in quarantine is meant\n".to_owned();
    }
    let mut text = String::new();
    let mut columns = Columns::new(style, &["id", "table", "key", "refused because of", ""]);
    for row in rows {
        for (place, reason) in row.reasons.iter().enumerate() {
            let first = place == 0;
            columns.row(cells![
                if first { short(&row.quarantine_id) } else { "" },
                if first { table_name(&row.table) } else { "" },
                if first { row.key.as_str() } else { "" },
                Painted::new(
                    reason.name.as_str(),
                    Tone::Severity(audit_core::Severity::Important)
                ),
                reason.message.as_str(),
            ]);
        }
    }
    if !columns.is_empty() {
        text.push_str(&columns.render());
        text.push_str("\n\n");
    }
    let mut counts: Vec<(Outcome, i64)> = Vec::new();
    for row in rows {
        match counts
            .iter_mut()
            .find(|(outcome, _)| *outcome == row.outcome)
        {
            Some((_, rows)) => *rows += 1,
            None => counts.push((row.outcome, 1)),
        }
    }
    let summary: Vec<String> = counts
        .iter()
        .map(|(outcome, rows)| format!("{} {}", count(*rows, "row"), outcome.name()))
        .collect();
    text.push_str(&style.bold(&summary.join(" · ")));
    if dry_run {
        text.push_str(&style.quiet(" · a dry run: nothing was changed"));
    }
    text.push('\n');
    text
}

fn what(row: &QuarantinedRow) -> &'static str {
    match (row.mode, row.op.as_str()) {
        (QuarantineMode::Hide, _) => "hidden",
        (QuarantineMode::SetAside, "U") => "update (undone)",
        (QuarantineMode::SetAside, _) => "insert",
    }
}

/// The first characters of an identity, by which `show` finds it again.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of an age")]
fn age(seconds: f64) -> String {
    duration(TimeDelta::seconds(seconds as i64))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `amount=5`: a value that is no JSON is a text.
fn assignment(text: &str) -> anyhow::Result<(String, Value)> {
    let (column, value) = text
        .split_once('=')
        .ok_or_else(|| anyhow!("expected COLUMN=VALUE"))?;
    Ok((
        column.to_owned(),
        serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())),
    ))
}

fn patch(text: &str) -> anyhow::Result<Map<String, Value>> {
    serde_json::from_str(text).context("expected a JSON object such as {\"amount\": 5}")
}

fn time(text: &str) -> anyhow::Result<DateTime<Utc>> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    text.parse()
        .context("expected a day such as 2013-02-08, or a time such as 2013-02-08T18:00:00Z")
}
