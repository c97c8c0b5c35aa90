//! What is written, and what is attached to the tables that it is written to.

use std::path::Path;

use crate::Outcome;

/// A table that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Twenty columns, with real rows.
    Flights,
    /// Four columns.
    Narrow,
}

impl Table {
    pub const ALL: [Table; 2] = [Table::Flights, Table::Narrow];

    pub fn name(self) -> &'static str {
        match self {
            Table::Flights => "flights",
            Table::Narrow => "narrow",
        }
    }

    pub fn definition(self) -> &'static str {
        match self {
            Table::Flights => include_str!("sql/flights.sql"),
            Table::Narrow => include_str!("sql/narrow.sql"),
        }
    }

    /// Writes all rows of the source in one statement.
    pub fn bulk_insert(self) -> String {
        let statement = match self {
            Table::Flights => include_str!("sql/flights_insert.sql"),
            Table::Narrow => include_str!("sql/narrow_insert.sql"),
        };
        statement.replace("{table}", self.name())
    }

    /// Changes every row in one statement.
    pub fn bulk_update(self) -> String {
        format!("update {} set {}", self.name(), self.assignment())
    }

    pub fn bulk_delete(self) -> String {
        format!("delete from {}", self.name())
    }

    /// A script for pgbench that inserts one row.
    pub fn single_insert(self) -> &'static str {
        match self {
            Table::Flights => include_str!("sql/flights_single_insert.pgbench"),
            Table::Narrow => include_str!("sql/narrow_single_insert.pgbench"),
        }
    }

    /// A script for pgbench that updates one of the rows with the keys 1 to `rows`.
    pub fn single_update(self, rows: i64) -> String {
        format!(
            "\\set id random(1, {rows})\nupdate {} set {} where id = :id;\n",
            self.name(),
            self.assignment()
        )
    }

    pub fn assignment(self) -> &'static str {
        match self {
            Table::Flights => "dep_delay = dep_delay + 1, arr_delay = arr_delay + 1",
            Table::Narrow => "amount = amount + 1",
        }
    }
}

/// Something that is attached to a table: nothing, the pipeline, or what it is compared with.
#[derive(Clone, Debug)]
pub struct Subject {
    pub name: String,
    pub title: String,
    /// Whether it is the pipeline, whose log is packed by the tick.
    pub pipeline: bool,
    /// Runs once in a database.
    pub install: String,
    /// Runs once for a table, whose name stands for `{table}` and `:table`.
    pub enable: String,
    /// Empties its log between two measurements.
    pub reset: String,
}

const WATCHED: &str = include_str!("subjects/watched.sql");
const RULES: &str = include_str!("subjects/rules.sql");
const SUMMARIES: &str = include_str!("subjects/summaries.sql");
const JSONB: &str = include_str!("subjects/jsonb_install.sql");
const RESET: &str = "truncate bench_log.change";

impl Subject {
    pub fn bare() -> Self {
        Self::new("bare", "no trigger", false, "")
    }

    pub fn watched() -> Self {
        Self::new("watched", "watched", true, WATCHED)
    }

    /// With ten rules; they name columns of the flights.
    pub fn rules() -> Self {
        Self::new(
            "rules",
            "watched, 10 rules",
            true,
            &[WATCHED, RULES].concat(),
        )
    }

    /// With five summaries, also of the flights.
    pub fn summaries() -> Self {
        let enable = [WATCHED, SUMMARIES].concat();
        Self::new("summaries", "watched, 5 summaries", true, &enable)
    }

    /// With everything.
    pub fn full() -> Self {
        let enable = [WATCHED, RULES, SUMMARIES].concat();
        Self::new("full", "watched, 10 rules, 5 summaries", true, &enable)
    }

    /// What no trigger can be cheaper than.
    pub fn floors() -> [Self; 2] {
        let empty = include_str!("subjects/empty_statement.sql");
        let row = Self::new(
            "row_insert",
            "floor: row trigger with one insert",
            false,
            include_str!("subjects/row_insert.sql"),
        );
        [
            Self::new(
                "empty_statement",
                "floor: empty statement trigger",
                false,
                empty,
            ),
            Self {
                reset: "truncate bench_log.touched".to_owned(),
                ..row
            },
        ]
    }

    /// The yardstick of log size.
    pub fn jsonb_statement() -> Self {
        let enable = include_str!("subjects/jsonb_statement.sql");
        Self {
            install: JSONB.to_owned(),
            reset: RESET.to_owned(),
            ..Self::new(
                "jsonb_statement",
                "statement trigger, one jsonb row per row",
                false,
                enable,
            )
        }
    }

    /// The common extension.
    pub fn jsonb_row() -> Self {
        let enable = include_str!("peers/row_trigger_jsonb/enable.sql");
        Self {
            install: include_str!("peers/row_trigger_jsonb/install.sql").to_owned(),
            reset: include_str!("peers/row_trigger_jsonb/reset.sql").to_owned(),
            ..Self::new("jsonb_row", "row trigger, jsonb log", false, enable)
        }
    }

    /// Another audit extension: `NAME=install.sql,enable.sql`, and perhaps `,reset.sql`.
    pub fn peer(argument: &str) -> Outcome<Self> {
        let wanted = "--peer takes NAME=install.sql,enable.sql[,reset.sql]";
        let (title, files) = argument.split_once('=').ok_or(wanted)?;
        let texts = files
            .split(',')
            .map(|file| {
                std::fs::read_to_string(Path::new(file))
                    .map_err(|error| format!("cannot read `{file}`: {error}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let [install, enable, rest @ ..] = texts.as_slice() else {
            return Err(wanted.into());
        };
        // The name becomes part of a database's.
        let name: String = title
            .chars()
            .map(|letter| match letter.to_ascii_lowercase() {
                letter @ ('a'..='z' | '0'..='9') => letter,
                _ => '_',
            })
            .collect();
        Ok(Self {
            install: install.clone(),
            reset: rest.first().cloned().unwrap_or_default(),
            ..Self::new(&format!("peer_{name}"), title, false, enable)
        })
    }

    /// What attaches it to a table.
    pub fn enable(&self, table: Table) -> String {
        with_table(&self.enable, table.name())
    }

    fn new(name: &str, title: &str, pipeline: bool, enable: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            pipeline,
            install: String::new(),
            enable: enable.to_owned(),
            reset: String::new(),
        }
    }
}

/// All that is compared on a table, the bare table first.
pub fn subjects(table: Table, peers: &[Subject]) -> Vec<Subject> {
    let mut subjects = vec![Subject::bare(), Subject::watched()];
    if table == Table::Flights {
        subjects.extend([Subject::rules(), Subject::summaries()]);
    }
    subjects.extend(Subject::floors());
    subjects.extend([Subject::jsonb_statement(), Subject::jsonb_row()]);
    subjects.extend(peers.iter().cloned());
    subjects
}

/// Puts the table's name where a file has `{table}`, or, as psql has it, `:table`, `:'table'` and `:"table"`.
fn with_table(text: &str, table: &str) -> String {
    let text = text
        .replace("{table}", table)
        .replace(":'table'", &format!("'{table}'"))
        .replace(":\"table\"", &format!("\"{table}\""));
    let mut filled = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(place) = rest.find(":table") {
        let (before, after) = (&rest[..place], &rest[place + ":table".len()..]);
        let part_of_a_word = after
            .starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
            || before.ends_with(':');
        filled.push_str(before);
        filled.push_str(if part_of_a_word { ":table" } else { table });
        rest = after;
    }
    filled + rest
}
