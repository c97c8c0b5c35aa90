//! Summaries: declared, changed and retired.

use std::collections::HashMap;

use audit_core::policy::{Declared as At, Part};
use audit_core::{Function, Summary};
use diesel::RunQueryDsl;
use diesel::result::DatabaseErrorInformation;
use diesel::sql_types::{Integer, Jsonb, Oid, Text};

use super::privacy::reading_part;
use super::{Mode, Number, Work};
use crate::Result;
use crate::plan::{Object, Planned, Verb};
use crate::words::{differs, in_words, summary_in_words};

impl Work<'_> {
    /// Declares the summaries, and gives the number of each one by its name.
    pub(super) fn summaries(&mut self) -> Result<HashMap<String, i32>> {
        let mut numbers = HashMap::new();
        for stored in &self.declared.summaries {
            if self
                .policy
                .summaries
                .iter()
                .all(|summary| summary.name != stored.name)
            {
                if self.stays(Object::Summary, stored.summary_id) {
                    let what = in_words(&stored.definition["measures"]);
                    let table = Some(stored.table.as_str());
                    self.keep(
                        Object::Summary,
                        &stored.name,
                        table,
                        what,
                        &stored.origin,
                        None,
                    );
                    continue;
                }
                // In a plan the view stays where readers use it.
                if self.mode == Mode::Apply {
                    diesel::sql_query("select audit.retire_summary($1)")
                        .bind::<Integer, _>(stored.summary_id)
                        .execute(self.connection)?;
                }
                self.drop_object(Object::Summary, &stored.name, Some(&stored.table));
            }
        }
        for (position, summary) in self.policy.summaries.iter().enumerate() {
            if let Some(number) = self.summary(summary, position)? {
                numbers.insert(summary.name.clone(), number);
            }
        }
        Ok(numbers)
    }

    fn summary(&mut self, summary: &Summary, position: usize) -> Result<Option<i32>> {
        let Some(oid) = self
            .relations
            .get(&summary.table)
            .map(|relation| relation.relation)
        else {
            return Ok(None);
        };
        let definition = summary.definition();
        let stored = self
            .declared
            .summaries
            .iter()
            .find(|stored| stored.name == summary.name);
        let mut differences = Vec::new();
        if let Some(stored) = stored {
            if stored.relation == oid && stored.definition == definition {
                return Ok(Some(stored.summary_id));
            }
            differs(&mut differences, "from", &stored.table, &summary.table);
            for property in ["bucket", "group_by", "measures", "where", "retain"] {
                differs(
                    &mut differences,
                    property,
                    &in_words(&stored.definition[property]),
                    &in_words(&definition[property]),
                );
            }
        }
        if let Some(stored) = stored
            && self.stays(Object::Summary, stored.summary_id)
        {
            let what = in_words(&stored.definition["measures"]);
            let table = Some(stored.table.as_str());
            self.keep(
                Object::Summary,
                &stored.name,
                table,
                what,
                &stored.origin,
                Some(differences),
            );
            return Ok(Some(stored.summary_id));
        }
        let at = At::Summary(summary.name.clone());
        // A plan must not take the view of the former version away from its readers, not even until it rolls back.
        let name = match (self.mode, stored) {
            (Mode::Try, Some(_)) => format!("audit_plan_{position}"),
            _ => summary.name.clone(),
        };
        let outcome = self.attempt(|connection| {
            diesel::sql_query("select audit.declare_summary($1::oid::regclass, $2, $3) as number")
                .bind::<Oid, _>(oid)
                .bind::<Text, _>(&name)
                .bind::<Jsonb, _>(&definition)
                .get_result::<Number>(connection)
        });
        let number = match outcome {
            Ok(row) => row.number,
            Err(error) => {
                let part =
                    |information: &dyn DatabaseErrorInformation| summary_part(summary, information);
                self.refused(&at, part, error)?;
                // The database stops at the first expression that it does not understand.
                for (part, sql) in summary_expressions(summary) {
                    self.check_expression(&at, &part, oid, &sql)?;
                }
                return Ok(None);
            }
        };
        self.touch(&summary.table);
        let change = Planned {
            verb: if stored.is_some() {
                Verb::Change
            } else {
                Verb::Create
            },
            object: Object::Summary,
            name: summary.name.clone(),
            table: Some(summary.table.clone()),
            what: if stored.is_some() {
                String::new()
            } else {
                summary_in_words(summary)
            },
            severity: None,
            action: None,
            differences,
            failing: None,
            cost: None,
            notes: match stored {
                Some(_) => Vec::new(),
                None => {
                    let note = self.taken_back(Object::Summary, None, &summary.name);
                    note.into_iter().collect()
                }
            },
        };
        self.plan.changes.push(change);
        Ok(Some(number))
    }
}

/// What of a summary the database refused.
fn summary_part(summary: &Summary, information: &dyn DatabaseErrorInformation) -> Part {
    if let Some("column_does_not_exist") = information.constraint_name() {
        return summary
            .bucket
            .as_ref()
            .map_or(Part::Name, |bucket| Part::Column(bucket.column.clone()));
    }
    if let (Some("column_is_not_logged"), Some(column)) =
        (information.constraint_name(), information.column_name())
    {
        return reading_part(summary, column);
    }
    let detail = information.details().unwrap_or_default();
    let found = summary_expressions(summary)
        .into_iter()
        .find(|(_, sql)| sql == detail);
    match found {
        Some((part, _)) => part,
        None if summary.bucket.is_some() => Part::Bucket,
        None => Part::Name,
    }
}

/// The expressions of a summary, as the database is given them.
fn summary_expressions(summary: &Summary) -> Vec<(Part, String)> {
    let groups = summary
        .group_by
        .iter()
        .map(|group| (Part::Group(group.name.clone()), group.expression.clone()));
    let measures = summary.measures.iter().filter_map(|measure| {
        let expression = measure.expression.as_ref()?;
        let sql = match measure.function {
            Function::CountIf => format!("({expression}\n) is true"),
            _ => expression.clone(),
        };
        Some((Part::Measure(measure.name.clone()), sql))
    });
    let condition = summary
        .condition
        .iter()
        .map(|condition| (Part::Condition, format!("({condition}\n) is true")));
    groups.chain(measures).chain(condition).collect()
}
