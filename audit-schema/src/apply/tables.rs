//! Watched tables: which ones the policy names, and what becomes of each.

use std::collections::HashMap;

use audit_core::TablePolicy;
use audit_core::policy::{Declared as At, Part, did_you_mean};
use diesel::RunQueryDsl;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Integer, Oid, Text};

use super::{LOCK, Mode, Work};
use crate::Result;
use crate::declared;
use crate::plan::{Object, Planned, Verb};
use crate::words::differs;

impl Work<'_> {
    pub(super) fn resolve_tables(&mut self) -> Result<()> {
        let mut names: Option<Vec<String>> = None;
        let mut seen: HashMap<u32, &str> = HashMap::new();
        for table in &self.policy.tables {
            let at = At::Table(table.name.clone());
            // What is not even a name makes the look-up itself fail.
            let found = match self.attempt(|connection| declared::relation(connection, &table.name))
            {
                Ok(found) => found,
                Err(DieselError::DatabaseError(..)) => None,
                Err(error) => return Err(error.into()),
            };
            let Some(relation) = found else {
                if names.is_none() {
                    names = Some(declared::table_names(self.connection)?);
                }
                let known = names.iter().flatten().map(String::as_str);
                let help = did_you_mean(&table.name, known).unwrap_or_else(|| {
                    "expected the name of a table of this database, as `schema.table`".to_owned()
                });
                self.problem(
                    &at,
                    &Part::Name,
                    format!("there is no table `{}`", table.name),
                    Some(help),
                );
                continue;
            };
            if relation.kind != "table" {
                let message = format!(
                    "`{}` cannot be watched: it is {}",
                    table.name, relation.kind
                );
                self.problem(
                    &at,
                    &Part::Name,
                    message,
                    Some("expected an ordinary or partitioned table".to_owned()),
                );
                continue;
            }
            if let Some(first) = seen.insert(relation.relation, &table.name) {
                let message = format!("`{}` and `{first}` are the same table", table.name);
                self.problem(&at, &Part::Name, message, None);
                continue;
            }
            self.relations.insert(table.name.clone(), relation);
        }
        Ok(())
    }

    pub(super) fn table(&mut self, table: &TablePolicy) -> Result<()> {
        let Some(relation) = self.relations.get(&table.name) else {
            return Ok(());
        };
        let (oid, has_key) = (relation.relation, relation.has_key);
        let stored = self
            .declared
            .tables
            .iter()
            .find(|stored| stored.relation == oid);
        let mut change = Planned {
            verb: Verb::Create,
            object: Object::Table,
            name: table.name.clone(),
            table: None,
            what: table.why.clone(),
            severity: None,
            action: None,
            differences: Vec::new(),
            failing: None,
            cost: None,
            notes: Vec::new(),
        };
        let changed = match stored {
            None => {
                if !has_key {
                    change
                        .notes
                        .push("no primary key: nobody can ask for the history of a row".to_owned());
                }
                self.touch(&table.name).is_new = true;
                self.touch(&table.name).scans += 1;
                true
            }
            Some(stored) => {
                change.verb = Verb::Change;
                change.what = String::new();
                differs(&mut change.differences, "why", &stored.why, &table.why);
                differs(
                    &mut change.differences,
                    "owner",
                    &stored.owner,
                    &table.owner,
                );
                !change.differences.is_empty()
            }
        };
        let private = self.privacy_changes(table, stored, &mut change);
        let changed = changed || private.any();
        if changed {
            let mode = self.mode;
            if mode == Mode::Apply && stored.is_none() {
                // The watch takes this lock for its triggers, without an end to its patience.
                self.patience
                    .lock(self.connection, Some((oid, &table.name)), LOCK)?;
            }
            let watched = self.attempt(|connection| match (mode, stored) {
                (Mode::Apply, _) => {
                    diesel::sql_query("select audit.watch($1::oid::regclass, $2, $3)")
                        .bind::<Oid, _>(oid)
                        .bind::<Text, _>(&table.why)
                        .bind::<Text, _>(&table.owner)
                        .execute(connection)
                }
                (Mode::Try, None) => {
                    diesel::sql_query("select audit._preview_watch($1::oid::regclass)")
                        .bind::<Oid, _>(oid)
                        .execute(connection)
                }
                (Mode::Try, Some(_)) => Ok(0),
            });
            if let Err(error) = watched {
                return self.refused(&At::Table(table.name.clone()), |_| Part::Name, error);
            }
            self.privacy(table, oid, private)?;
            self.plan.changes.push(change);
        }

        let periods: Vec<String> = table
            .rules
            .iter()
            .filter_map(|rule| rule.fix_within.map(|period| period.to_string()))
            .collect();
        let seconds = declared::seconds(self.connection, &periods)?;
        for rule in &table.rules {
            self.rule(table, rule, oid, &seconds)?;
        }
        let name = stored.map_or_else(|| table.name.clone(), |stored| stored.name.clone());
        let stored_rules = self.declared.rules.iter();
        for stored in stored_rules.filter(|stored| stored.relation == oid) {
            if table.rules.iter().all(|rule| rule.name != stored.name) {
                if self.stays(Object::Rule, stored.rule_id) {
                    let what = stored.in_words();
                    self.keep(
                        Object::Rule,
                        &stored.name,
                        Some(&name),
                        what,
                        &stored.origin,
                        None,
                    );
                    continue;
                }
                diesel::sql_query("select audit.retire_rule($1)")
                    .bind::<Integer, _>(stored.rule_id)
                    .execute(self.connection)?;
                self.touch(&table.name);
                self.drop_object(Object::Rule, &stored.name, Some(&table.name));
            }
        }
        Ok(())
    }
}
