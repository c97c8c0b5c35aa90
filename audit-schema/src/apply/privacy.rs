//! What the log must not know, and how long it remembers.

use std::collections::HashMap;

use audit_core::policy::{Declared as At, Part, did_you_mean};
use audit_core::{Function, Kept, Summary, TablePolicy};
use diesel::result::DatabaseErrorInformation;
use diesel::sql_types::{Array, Integer, Jsonb, Oid, Text};
use diesel::{QueryableByName, RunQueryDsl};
use serde_json::{Map, Value};

use super::Work;
use crate::Result;
use crate::declared;
use crate::plan::{Difference, Object, Planned, Verb};
use crate::words::differs;

/// What changes of a table besides its reason and its owner.
#[derive(Clone, Copy)]
pub(super) struct Private {
    columns: bool,
    retention: bool,
}

impl Private {
    pub(super) fn any(self) -> bool {
        self.columns || self.retention
    }
}

impl Work<'_> {
    /// What becomes different in what a table hides and how long it is kept. Columns that are not there are reported.
    pub(super) fn privacy_changes(
        &mut self,
        table: &TablePolicy,
        stored: Option<&declared::Table>,
        change: &mut Planned,
    ) -> Private {
        let (redact, hash, retain) = match stored {
            Some(stored) => (
                stored.redact.clone(),
                stored.hash.clone(),
                stored.retain.clone(),
            ),
            None => (Vec::new(), Vec::new(), Value::Object(Map::new())),
        };
        let before = change.differences.len();
        differs(
            &mut change.differences,
            "redact",
            &redact.join(", "),
            &table.redact.join(", "),
        );
        differs(
            &mut change.differences,
            "hash",
            &hash.join(", "),
            &table.hash.join(", "),
        );
        let columns = change.differences.len() > before;
        retention_differences(&mut change.differences, &retain, &table.retain.definition());
        let retention = retain != table.retain.definition();

        let hides = |column: &String| table.redact.contains(column) || table.hash.contains(column);
        let hidden = |column: &&String| redact.contains(column) || hash.contains(column);
        if stored.is_some() {
            let newly: Vec<&str> = table
                .redact
                .iter()
                .chain(&table.hash)
                .filter(|column| !hidden(column))
                .map(String::as_str)
                .collect();
            if !newly.is_empty() {
                let kept = table
                    .retain
                    .get(Kept::Changes)
                    .or_else(|| self.policy.defaults.retain.get(Kept::Changes))
                    .flatten();
                change.notes.push(format!(
                    "what was logged before has the values of {}, and is kept {}",
                    newly.join(", "),
                    kept.map_or_else(|| "for ever".to_owned(), |period| format!("for {period}"))
                ));
            }
            let shown: Vec<&str> = redact
                .iter()
                .chain(&hash)
                .filter(|column| !hides(column))
                .map(String::as_str)
                .collect();
            if !shown.is_empty() {
                change
                    .notes
                    .push(format!("values of {} are logged again", shown.join(", ")));
            }
        }
        let hashed_key = self.relations.get(&table.name).is_some_and(|relation| {
            relation
                .key_columns
                .iter()
                .any(|column| table.hash.contains(column))
        });
        if hashed_key && columns {
            change.notes.push(
                "the key is hashed: no as-of and no undo, and histories are found by the hash"
                    .to_owned(),
            );
        }
        Private { columns, retention }
    }

    /// Declares what a table hides and how long it is kept.
    pub(super) fn privacy(
        &mut self,
        table: &TablePolicy,
        oid: u32,
        private: Private,
    ) -> Result<()> {
        let at = At::Table(table.name.clone());
        if private.columns {
            let known = self
                .relations
                .get(&table.name)
                .map(|relation| relation.columns.clone())
                .unwrap_or_default();
            let mut missing = false;
            for column in table.redact.iter().chain(&table.hash) {
                if !known.contains(column) {
                    missing = true;
                    let help = did_you_mean(column, known.iter().map(String::as_str))
                        .unwrap_or_else(|| format!("expected one of {}", known.join(", ")));
                    self.problem(
                        &at,
                        &Part::Column(column.clone()),
                        format!("table {} has no column `{column}`", table.name),
                        Some(help),
                    );
                }
            }
            if missing {
                return Ok(());
            }
            let outcome = self.attempt(|connection| {
                diesel::sql_query("select audit.redact($1::oid::regclass, $2, $3)")
                    .bind::<Oid, _>(oid)
                    .bind::<Array<Text>, _>(&table.redact)
                    .bind::<Array<Text>, _>(&table.hash)
                    .execute(connection)
            });
            if let Err(error) = outcome {
                return self.refused(&at, column_part, error);
            }
            self.touch(&table.name);
        }
        if private.retention {
            diesel::sql_query("select audit.declare_retention($1::oid::regclass, $2)")
                .bind::<Oid, _>(oid)
                .bind::<Jsonb, _>(table.retain.definition())
                .execute(self.connection)?;
        }
        Ok(())
    }

    /// Declares how long is kept what no table says anything else of.
    pub(super) fn retention(&mut self) -> Result<()> {
        let mut wanted = self.policy.defaults.retain.definition();
        // For ever is what holds without a word.
        if let Value::Object(kinds) = &mut wanted {
            kinds.retain(|_, period| period != "forever");
        }
        let mut differences = Vec::new();
        retention_differences(&mut differences, &self.declared.retain, &wanted);
        if differences.is_empty() {
            return Ok(());
        }
        diesel::sql_query("select audit.declare_retention(null, $1)")
            .bind::<Jsonb, _>(&wanted)
            .execute(self.connection)?;
        self.plan.changes.push(Planned {
            verb: Verb::Change,
            object: Object::Retention,
            name: "defaults".to_owned(),
            table: None,
            what: String::new(),
            severity: None,
            action: None,
            differences,
            cost: None,
            failing: None,
            notes: Vec::new(),
        });
        Ok(())
    }

    /// Reports summaries and time-driven rules that would keep values of columns that are redacted or hashed.
    pub(super) fn hidden_reads(&mut self, summaries: &HashMap<String, i32>) -> Result<()> {
        #[derive(QueryableByName)]
        struct Read {
            #[diesel(sql_type = Oid)]
            relation: u32,
            #[diesel(sql_type = Text)]
            object: String,
            #[diesel(sql_type = Integer)]
            number: i32,
            #[diesel(sql_type = Text)]
            name: String,
            #[diesel(sql_type = Text)]
            column: String,
        }
        let reads: Vec<Read> = diesel::sql_query(
            "select w.relation::oid as relation, h.object, h.number, h.name, h.\"column\"
            from audit._hidden_reads() h
            join audit.watched_table w using (table_id)
            where w.unwatched_at is null",
        )
        .load(self.connection)?;
        for read in reads {
            let (at, part) = if read.object == "rule" {
                let Some(table) = self.table_with(read.relation) else {
                    continue;
                };
                let at = At::Rule {
                    table,
                    rule: read.name.clone(),
                };
                (at, Part::Column(read.column.clone()))
            } else {
                // A plan gives the new version of a summary another name, and leaves the former where it is.
                let policy = self.policy;
                let Some(summary) = policy
                    .summaries
                    .iter()
                    .find(|summary| summaries.get(&summary.name) == Some(&read.number))
                else {
                    continue;
                };
                let part = reading_part(summary, &read.column);
                (At::Summary(summary.name.clone()), part)
            };
            let name = match &at {
                At::Summary(name) => name.clone(),
                _ => read.name,
            };
            self.problem(
                &at,
                &part,
                format!(
                    "the {} `{name}` reads `{}`, whose values are not kept",
                    read.object, read.column
                ),
                Some(format!(
                    "take the column out of the {}, or out of `redact` and `hash`",
                    read.object
                )),
            );
        }
        Ok(())
    }

    fn table_with(&self, relation: u32) -> Option<String> {
        self.relations
            .iter()
            .find(|(_, found)| found.relation == relation)
            .map(|(name, _)| name.clone())
    }
}

/// The part of a summary that reads a column: the first that names it.
pub(super) fn reading_part(summary: &Summary, column: &str) -> Part {
    let names = |text: &str| {
        text.split(|character: char| !(character.is_alphanumeric() || character == '_'))
            .any(|word| word == column)
    };
    if let Some(bucket) = &summary.bucket
        && bucket.column == column
    {
        return Part::Column(column.to_owned());
    }
    if let Some(group) = summary.group_by.iter().find(|group| {
        names(&group.expression)
            || group
                .reference
                .as_ref()
                .is_some_and(|reference| reference.column == column)
    }) {
        return Part::Group(group.name.clone());
    }
    let measure = summary.measures.iter().find(|measure| {
        measure.function != Function::Count && measure.expression.as_deref().is_some_and(names)
    });
    if let Some(measure) = measure {
        return Part::Measure(measure.name.clone());
    }
    match &summary.condition {
        Some(condition) if names(condition) => Part::Condition,
        _ => Part::Name,
    }
}

fn column_part(information: &dyn DatabaseErrorInformation) -> Part {
    information
        .column_name()
        .map_or(Part::Name, |column| Part::Column(column.to_owned()))
}

/// One difference for each kind whose time differs.
fn retention_differences(differences: &mut Vec<Difference>, before: &Value, after: &Value) {
    let text = |value: &Value, kind: &str| {
        value
            .get(kind)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    for kind in Kept::ALL {
        let (before, after) = (text(before, kind.name()), text(after, kind.name()));
        differs(differences, property(kind), &before, &after);
    }
}

fn property(kind: Kept) -> &'static str {
    match kind {
        Kept::Changes => "retain changes",
        Kept::Findings => "retain findings",
        Kept::Quarantine => "retain quarantine",
        Kept::Rejections => "retain rejections",
        Kept::Checks => "retain checks",
        Kept::Alerts => "retain alerts",
        Kept::Deliveries => "retain deliveries",
    }
}
