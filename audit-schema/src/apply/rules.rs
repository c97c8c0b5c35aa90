//! Rules: declared, and counted where that helps who reads a plan.

use std::collections::HashMap;
use std::time::Instant;

use audit_core::policy::{Declared as At, Part, did_you_mean};
use audit_core::{Bounds, Measured, Reconcile, Rule, RuleKind, TablePolicy};
use diesel::result::{DatabaseErrorInformation, Error as DieselError, QueryResult};
use diesel::sql_types::{BigInt, Bool, Double, Integer, Jsonb, Nullable, Oid, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};

use super::{Number, Progress, Work};
use crate::Result;
use crate::declared;
use crate::plan::{Cost, Failing, Object, Planned, Verb};
use crate::words::rule_differences;

/// About so many rows of a large table are looked at.
const SAMPLE: f64 = 100_000.0;

/// The size in bytes of a row of a table that was never analysed.
const USUAL_ROW: i64 = 100;

impl Work<'_> {
    pub(super) fn rule(
        &mut self,
        table: &TablePolicy,
        rule: &Rule,
        oid: u32,
        seconds: &HashMap<String, i64>,
    ) -> Result<()> {
        let definition = rule.kind.definition();
        let fix_within = rule
            .fix_within
            .and_then(|period| seconds.get(&period.to_string()).copied());
        let stored = self
            .declared
            .rules
            .iter()
            .find(|stored| stored.relation == oid && stored.name == rule.name);
        let differences = stored.map_or_else(Vec::new, |stored| {
            rule_differences(stored, rule, &definition, fix_within)
        });
        if stored.is_some_and(|stored| !stored.broken) && differences.is_empty() {
            return Ok(());
        }
        if let Some(stored) = stored
            && !differences.is_empty()
            && self.stays(Object::Rule, stored.rule_id)
        {
            let watched = self.declared.tables.iter().find(|of| of.relation == oid);
            let name = watched.map_or(table.name.as_str(), |watched| watched.name.as_str());
            self.keep(
                Object::Rule,
                &stored.name,
                Some(name),
                stored.in_words(),
                &stored.origin,
                Some(differences),
            );
            return Ok(());
        }

        let at = At::Rule {
            table: table.name.clone(),
            rule: rule.name.clone(),
        };
        let outcome = self.attempt(|connection| {
            diesel::sql_query(
                "select audit.declare_rule($1::oid::regclass, $2, $3, $4, $5, $6, $7, $8, $9, $10::interval, $11, $12, $13, $14, $15) as number",
            )
            .bind::<Oid, _>(oid)
            .bind::<Text, _>(&rule.name)
            .bind::<Text, _>(rule.kind.name())
            .bind::<Jsonb, _>(&definition)
            .bind::<Nullable<Text>, _>(&rule.condition)
            .bind::<Text, _>(rule.severity.name())
            .bind::<Text, _>(rule.action.name())
            .bind::<Text, _>(&rule.owner)
            .bind::<Text, _>(&rule.why)
            .bind::<Nullable<Text>, _>(rule.fix_within.map(|period| period.to_string()))
            .bind::<Text, _>(rule.nulls.name())
            .bind::<Text, _>(rule.on_error.name())
            .bind::<Nullable<Double>, _>(rule.mostly)
            .bind::<Bool, _>(rule.shadow)
            .bind::<Text, _>(rule.mode.name())
            .get_result::<Number>(connection)
        });
        let rule_id = match outcome {
            Ok(row) => row.number,
            Err(error) => return self.rule_refused(&at, rule, oid, error),
        };
        // A broken rule that can be evaluated again comes back by itself.
        if stored.is_some_and(|stored| stored.rule_id == rule_id) {
            return Ok(());
        }
        let class = self.class(rule_id)?;
        // Of rules about changes and about who writes no row can be said to fail now.
        let counts_rows = matches!(class.as_str(), "row" | "lookup");
        if counts_rows {
            self.touch(&table.name).scans += 1;
        } else {
            self.touch(&table.name);
        }
        let mut notes = self.rule_notes(table, rule)?;
        let cost = match class.as_str() {
            "lookup" if notes.is_empty() => Cost::Lookup,
            "lookup" => Cost::Scan,
            "transition" => Cost::Transition,
            "statement" => Cost::Statement,
            "time" => Cost::Time,
            _ => Cost::Row,
        };
        if stored.is_none() {
            notes.extend(self.taken_back(Object::Rule, Some(oid), &rule.name));
        }
        let change = Planned {
            verb: if stored.is_some() {
                Verb::Change
            } else {
                Verb::Create
            },
            object: Object::Rule,
            name: rule.name.clone(),
            table: Some(table.name.clone()),
            what: rule.kind.to_string(),
            severity: Some(rule.severity),
            action: Some(rule.action),
            differences,
            failing: match counts_rows {
                true => self.count_failing(&table.name, &rule.name, rule_id)?,
                false => None,
            },
            cost: Some(cost),
            notes,
        };
        self.plan.changes.push(change);
        Ok(())
    }

    /// What a rule looks at, as the database found out.
    fn class(&mut self, rule_id: i32) -> Result<String> {
        #[derive(QueryableByName)]
        struct Class {
            #[diesel(sql_type = Text)]
            class: String,
        }
        Ok(
            diesel::sql_query("select r.class from audit.rule r where r.rule_id = $1")
                .bind::<Integer, _>(rule_id)
                .get_result::<Class>(self.connection)?
                .class,
        )
    }

    /// Reports what is wrong with a rule: what the database said, and what it did not come to.
    fn rule_refused(&mut self, at: &At, rule: &Rule, oid: u32, error: DieselError) -> Result<()> {
        let referred = match &rule.kind {
            RuleKind::References { table, key, .. } => Some((table, Some(key))),
            RuleKind::Reconcile(Reconcile { table, measure, .. }) => match measure {
                Measured::Count => Some((table, None)),
                Measured::Sum { its, .. } => Some((table, Some(its))),
            },
            _ => None,
        };
        if let (Some((table, key)), DieselError::DatabaseError(_, information)) = (referred, &error)
        {
            let known = match information.constraint_name() {
                Some("referenced_table_does_not_exist") => {
                    let names = declared::table_names(self.connection)?;
                    let help = did_you_mean(table, names.iter().map(String::as_str))
                        .unwrap_or_else(|| {
                            let column = if key.is_some() { ".column" } else { "" };
                            format!("expected `schema.table{column}`")
                        });
                    Some((format!("there is no table `{table}`"), help))
                }
                Some("predicate_is_not_valid") => declared::relation(self.connection, table)?
                    .zip(key)
                    .filter(|(relation, key)| !relation.columns.contains(key))
                    .map(|(relation, key)| {
                        let columns = relation.columns.iter().map(String::as_str);
                        let help = did_you_mean(key, columns).unwrap_or_else(|| {
                            format!("its columns are {}", relation.columns.join(", "))
                        });
                        (format!("table `{table}` has no column `{key}`"), help)
                    }),
                _ => None,
            };
            if let Some((message, help)) = known {
                self.problem(at, &Part::Reference, message, Some(help));
                return Ok(());
            }
        }
        let part = |information: &dyn DatabaseErrorInformation| rule_part(rule, information);
        self.refused(at, part, error)?;
        // The database stops at the first expression that it does not understand.
        if let Some(condition) = &rule.condition {
            self.check_expression(
                at,
                &Part::Condition,
                oid,
                &format!("({condition}\n) is true"),
            )?;
        }
        Ok(())
    }

    /// Lets the database read the expressions of rules about summaries, which are known by now.
    pub(super) fn bounds(&mut self, summaries: &HashMap<String, i32>) -> Result<()> {
        for table in &self.policy.tables {
            for rule in &table.rules {
                let RuleKind::Bounds(Bounds {
                    on, value, when, ..
                }) = &rule.kind
                else {
                    continue;
                };
                // The summary itself is wrong, which has been said.
                let Some(summary) = summaries.get(on) else {
                    continue;
                };
                let when = when.as_deref().unwrap_or("true");
                let condition = format!("({value}\n)::numeric is not null and ({when}\n)");
                let outcome = self.attempt(|connection| {
                    diesel::sql_query("select audit._check_alert($1, $2)")
                        .bind::<Jsonb, _>(serde_json::json!({ "when": condition }))
                        .bind::<Integer, _>(*summary)
                        .execute(connection)
                });
                if let Err(error) = outcome {
                    let at = At::Rule {
                        table: table.name.clone(),
                        rule: rule.name.clone(),
                    };
                    self.refused(&at, |_| Part::Expression, error)?;
                }
            }
        }
        Ok(())
    }

    /// How many of the rows that exist fail a rule that was just declared. An apply starts the counters anyway, and the
    /// counters say.
    fn count_failing(&mut self, table: &str, rule: &str, rule_id: i32) -> Result<Option<Failing>> {
        let (Some(largest), Some(relation)) = (self.how.counted_up_to, self.relations.get(table))
        else {
            return Ok(None);
        };
        let (oid, bytes) = (relation.relation, relation.bytes);
        (self.progress)(Progress::Counting { table, rule });
        let begun = Instant::now();
        let counted = if bytes > largest {
            let rows = match relation.rows {
                0 => (bytes / USUAL_ROW).max(1),
                rows => rows,
            };
            self.sampled(rule_id, rows)
        } else {
            self.counted(table, oid, rule_id)
        };
        let (failing, share) = match counted {
            Ok(Some(counted)) => counted,
            Ok(None) => return Ok(None),
            // Counting is a service; a plan is worth having without it.
            Err(DieselError::DatabaseError(..)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let touched = self.touch(table);
        touched.measured += begun.elapsed().as_secs_f64() / share;
        touched.measured_scans += 1;
        Ok(Some(failing))
    }

    /// By reading the whole table; nothing where the rule raises an error. With the share of the table that was read.
    fn counted(
        &mut self,
        table: &str,
        oid: u32,
        rule_id: i32,
    ) -> QueryResult<Option<(Failing, f64)>> {
        #[derive(QueryableByName)]
        struct Rows {
            #[diesel(sql_type = BigInt)]
            rows: i64,
        }
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = Nullable<BigInt>)]
            failing: Option<i64>,
        }
        let rows = match self.counted_rows.get(table) {
            Some(rows) => *rows,
            None => {
                let counted = self.attempt(|connection| {
                    let name = table_in_sql(connection, oid)?;
                    diesel::sql_query(format!("select count(*) as rows from {name}"))
                        .get_result::<Rows>(connection)
                })?;
                self.counted_rows.insert(table.to_owned(), counted.rows);
                counted.rows
            }
        };
        if let Some(relation) = self.relations.get_mut(table) {
            relation.rows = rows;
        }
        let count: Count = self.attempt(|connection| {
            diesel::sql_query("select audit._scan_rule($1) as failing")
                .bind::<Integer, _>(rule_id)
                .get_result(connection)
        })?;
        Ok(count.failing.map(|failing| {
            let failing = Failing {
                failing,
                rows,
                sample: None,
            };
            (failing, 1.0)
        }))
    }

    /// By looking at a sample of a table that has about so many rows; nothing for rules of which a sample does not tell.
    fn sampled(&mut self, rule_id: i32, rows: i64) -> QueryResult<Option<(Failing, f64)>> {
        #[derive(QueryableByName)]
        struct Sample {
            #[diesel(sql_type = BigInt)]
            failing: i64,
            #[diesel(sql_type = BigInt)]
            rows: i64,
        }
        let percent = (SAMPLE / rows as f64 * 100.0).min(100.0);
        let sample: Vec<Sample> = self.attempt(|connection| {
            diesel::sql_query("select s.failing, s.rows from audit._sample_rule($1, $2) s")
                .bind::<Integer, _>(rule_id)
                .bind::<Double, _>(percent)
                .load(connection)
        })?;
        Ok(sample
            .first()
            .filter(|sample| sample.rows > 0)
            .map(|sample| {
                let estimated = sample.failing as f64 / sample.rows as f64 * rows as f64;
                let failing = Failing {
                    failing: estimated.round() as i64,
                    rows,
                    sample: Some(sample.rows),
                };
                (failing, percent / 100.0)
            }))
    }

    fn rule_notes(&mut self, table: &TablePolicy, rule: &Rule) -> Result<Vec<String>> {
        if rule.kind.is_time_driven() {
            return self.reading_notes(table, rule);
        }
        let (looked_up, columns) = match &rule.kind {
            RuleKind::References { table, key, .. } => (table.as_str(), vec![key.clone()]),
            RuleKind::Unique { columns } => (table.name.as_str(), columns.clone()),
            RuleKind::NoOverlap { columns, from, .. } if columns.is_empty() => {
                (table.name.as_str(), vec![from.clone()])
            }
            RuleKind::NoOverlap { columns, .. } => (table.name.as_str(), columns.clone()),
            _ => return Ok(Vec::new()),
        };
        if declared::has_index(self.connection, looked_up, &columns)? {
            return Ok(Vec::new());
        }
        Ok(vec![format!(
            "no index on {looked_up} ({}): every write of {} reads all of it",
            columns.join(", "),
            table.name
        )])
    }

    /// What it costs to ask a time-driven rule, where it costs reading a table whole.
    fn reading_notes(&mut self, table: &TablePolicy, rule: &Rule) -> Result<Vec<String>> {
        let read = match &rule.kind {
            RuleKind::Reconcile(reconcile) => format!(
                "each time it is asked, it reads all of {} and of {}",
                table.name, reconcile.table
            ),
            RuleKind::Fresh(fresh) if !fresh.rows.group_by.is_empty() => format!(
                "each time it is asked, it reads all of {}: `every` says how often that is",
                table.name
            ),
            kind => {
                let rows = match kind {
                    RuleKind::Fresh(fresh) => &fresh.rows,
                    RuleKind::Gap(gap) => &gap.rows,
                    RuleKind::RowCount(row_count) => &row_count.rows,
                    RuleKind::Volume(volume) => &volume.rows,
                    _ => return Ok(Vec::new()),
                };
                let Some(column) = &rows.column else {
                    return Ok(Vec::new());
                };
                if declared::has_index(self.connection, &table.name, std::slice::from_ref(column))?
                {
                    return Ok(Vec::new());
                }
                format!(
                    "no index on {} ({column}): each time it is asked, it reads all of it",
                    table.name
                )
            }
        };
        Ok(vec![read])
    }
}

/// What of a rule the database refused.
fn rule_part(rule: &Rule, information: &dyn DatabaseErrorInformation) -> Part {
    match information.constraint_name() {
        Some("column_does_not_exist") => Part::Column(
            information
                .column_name()
                .or_else(|| rule.kind.columns().first().copied())
                .unwrap_or_default()
                .to_owned(),
        ),
        Some("table_has_no_primary_key" | "rule_can_not_hide") => Part::Action,
        Some("referenced_table_does_not_exist") => Part::Reference,
        _ => {
            // The database is given the condition inside of an expression of its own.
            let is_condition = rule.condition.as_ref().is_some_and(|condition| {
                information
                    .details()
                    .is_some_and(|detail| *detail == format!("({condition}\n) is true"))
            });
            if is_condition {
                Part::Condition
            } else {
                Part::Expression
            }
        }
    }
}

fn table_in_sql(connection: &mut PgConnection, oid: u32) -> QueryResult<String> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    Ok(diesel::sql_query("select $1::oid::regclass::text as name")
        .bind::<Oid, _>(oid)
        .get_result::<Name>(connection)?
        .name)
}
