//! Which table belongs to which subject, and where its box stands in the picture.

use audit_schema::catalogue::{Catalogue, Table};

use super::markdown::anchor;

/// A subject: tables that are read together.
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Its column in the picture, from the left.
    pub(super) column: usize,
    tables: &'static [&'static str],
}

pub(super) const SUBJECTS: [Subject; 11] = [
    Subject {
        name: "Declarations",
        about: "What a team declares: which tables are watched, what correct data looks like, what is summed up.",
        column: 2,
        tables: &[
            "watched_table",
            "rule",
            "summary",
            "schema_drift",
            "setting",
            "retention",
            "hash_salt",
            "applied_policy",
        ],
    },
    Subject {
        name: "The log",
        about: "What was written, in two levels: the head, and the sealed segments the tick packs it into. Log tables carry no foreign keys, because a writer must not lock what another writer locks.",
        column: 0,
        tables: &["change", "segment", "dropped_segment"],
    },
    Subject {
        name: "What failed",
        about: "Rules failed by statements, rows that were set aside, statements that were refused, and rules evaluated on the rows that exist.",
        column: 1,
        tables: &[
            "finding",
            "quarantine",
            "quarantine_event",
            "quarantine_secret",
            "rejection",
            "check_run",
        ],
    },
    Subject {
        name: "Counters",
        about: "Folded bases of the live counters, and how far the tick has come. A reader adds what is not folded yet.",
        column: 3,
        tables: &[
            "progress",
            "table_counter_base",
            "rule_counter_base",
            "table_activity_base",
            "rule_activity_base",
        ],
    },
    Subject {
        name: "What time tells",
        about: "How time-driven rules are, as the tick found them, and how they came to be so.",
        column: 4,
        tables: &["time_rule_state", "time_rule_transition", "volume_verdict"],
    },
    Subject {
        name: "Who hears of it",
        about: "When somebody is to be told, and on which way.",
        column: 3,
        tables: &["alert_policy", "channel", "route"],
    },
    Subject {
        name: "Alerts",
        about: "Episodes, from their opening to their resolution.",
        column: 4,
        tables: &["alert", "alert_transition", "silence"],
    },
    Subject {
        name: "Deliveries",
        about: "Messages of alerts to channels, and what came of each attempt.",
        column: 5,
        tables: &["outbox", "delivery_attempt", "dead_recipient"],
    },
    Subject {
        name: "Installation",
        about: "Which version is installed.",
        column: 5,
        tables: &["migration", "source"],
    },
    Subject {
        name: "Generated in audit_compiled",
        about: "Folded bases of the summaries, generated from their declarations.",
        column: 1,
        tables: &[],
    },
    Subject {
        name: "Watched tables",
        about: "The tables of the application. The pipeline attaches triggers to them and changes nothing else.",
        column: 0,
        tables: &[],
    },
];

/// The place of a table's subject in [`SUBJECTS`].
pub(super) fn subject_of(table: &Table) -> usize {
    let named = |name: &str| {
        SUBJECTS
            .iter()
            .position(|subject| subject.name == name)
            .unwrap_or(0)
    };
    match table.schema.as_str() {
        "audit_compiled" => named("Generated in audit_compiled"),
        "audit" => SUBJECTS
            .iter()
            .position(|subject| subject.tables.contains(&table.name.as_str()))
            .unwrap_or_else(|| named("Installation")),
        _ => named("Watched tables"),
    }
}

/// The tables of every subject, in the order in which the subject names them, else by name.
pub(super) fn tables_by_subject(catalogue: &Catalogue) -> Vec<(&'static Subject, Vec<&Table>)> {
    SUBJECTS
        .iter()
        .enumerate()
        .map(|(place, subject)| {
            let mut tables: Vec<&Table> = catalogue
                .tables
                .iter()
                .filter(|table| subject_of(table) == place)
                .collect();
            tables.sort_by_key(|table| {
                subject
                    .tables
                    .iter()
                    .position(|name| *name == table.name)
                    .unwrap_or(usize::MAX)
            });
            (subject, tables)
        })
        .filter(|(_, tables)| !tables.is_empty())
        .collect()
}

/// Tables that one diagram shows.
pub(super) struct Diagram<'c> {
    pub(super) name: String,
    pub(super) about: &'static str,
    pub(super) tables: Vec<&'c Table>,
}

/// How many tables one diagram shows at most; more can not be read.
const MOST: usize = 24;

/// A diagram for each subject. Watched tables have one for each schema, and what is too large is cut into several.
pub(super) fn diagrams(catalogue: &Catalogue) -> Vec<Diagram<'_>> {
    let mut diagrams = Vec::new();
    for (subject, tables) in tables_by_subject(catalogue) {
        let mut parts: Vec<(String, Vec<&Table>)> = Vec::new();
        for table in tables {
            let name = if subject.name == "Watched tables" {
                format!("{} of {}", subject.name, table.schema)
            } else {
                subject.name.to_owned()
            };
            match parts.iter_mut().find(|(other, _)| *other == name) {
                Some((_, tables)) => tables.push(table),
                None => parts.push((name, vec![table])),
            }
        }
        for (name, tables) in parts {
            let of = tables.len().div_ceil(MOST);
            for (place, tables) in tables.chunks(MOST).enumerate() {
                diagrams.push(Diagram {
                    name: if of > 1 {
                        format!("{name}, {} of {of}", place + 1)
                    } else {
                        name.clone()
                    },
                    about: subject.about,
                    tables: tables.to_vec(),
                });
            }
        }
    }
    diagrams
}

impl Diagram<'_> {
    /// The file with its picture.
    pub(super) fn file(&self) -> String {
        format!("erd-{}.svg", anchor(&self.name))
    }
}

/// The short name of a type, without spaces.
pub(super) fn short_type(data_type: &str) -> String {
    data_type
        .replace("timestamp with time zone", "timestamptz")
        .replace("timestamp without time zone", "timestamp")
        .replace("time without time zone", "time")
        .replace("double precision", "float8")
        .replace("character varying", "varchar")
        .replace("\"char\"", "char")
        .replace(' ', "_")
}
