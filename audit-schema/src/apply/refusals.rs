//! What the database refuses, told with its place in the policy file.

use audit_core::policy::{Declared as At, Part, did_you_mean};
use audit_core::{RuleKind, Subject};
use diesel::RunQueryDsl;
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Bool, Oid, Text};

use super::Work;
use crate::Result;

impl Work<'_> {
    /// Reports what the database refused with its place in the file. What is not about the policy is passed on.
    pub(super) fn refused(
        &mut self,
        at: &At,
        part: impl FnOnce(&dyn DatabaseErrorInformation) -> Part,
        error: DieselError,
    ) -> Result<()> {
        // Only what the pipeline itself raised is about the policy, and it names a fact. A right that is missing, or a
        // lock that is not to be had, are not.
        let information = match &error {
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, information)
                if information.constraint_name().is_some() =>
            {
                information
            }
            _ => return Err(error.into()),
        };
        let part = part(information.as_ref());
        let message = information.message();
        let columns = self.columns_of(at);
        // A column that is there and can not be had is not misspelt.
        let missing = information
            .column_name()
            .filter(|_| information.constraint_name() == Some("column_does_not_exist"))
            .map(str::to_owned)
            .or_else(|| missing_column(message));
        let help = match &missing {
            Some(missing) => did_you_mean(missing, columns.iter().map(String::as_str))
                .or_else(|| Some(format!("expected one of {}", columns.join(", ")))),
            None => information.hint().map(as_help),
        };
        // What the pipeline itself makes of a value needs no lesson in SQL.
        let is_sql = |part: &Part| {
            !matches!(part, Part::Expression)
                || match at {
                    At::Rule { table, rule } => self.policy.tables.iter().any(|of| {
                        of.name == *table
                            && of.rules.iter().any(|of| {
                                of.name == *rule
                                    && (of.kind.is_time_driven()
                                        || matches!(of.kind, RuleKind::Expression { .. }))
                            })
                    }),
                    _ => true,
                }
        };
        let help = help.filter(|_| missing.is_some() || is_sql(&part));
        let message = readable(message);
        self.problem(at, &part, message, help);
        Ok(())
    }

    /// Reports an expression that the database does not understand.
    pub(super) fn check_expression(
        &mut self,
        at: &At,
        part: &Part,
        oid: u32,
        sql: &str,
    ) -> Result<()> {
        // A rule may compare a row with what it was before an update.
        let pairs = matches!(at, At::Rule { .. });
        let outcome = self.attempt(|connection| {
            diesel::sql_query("select audit._canonical($1::oid::regclass, $2, $3)")
                .bind::<Oid, _>(oid)
                .bind::<Text, _>(sql)
                .bind::<Bool, _>(pairs)
                .execute(connection)
        });
        match outcome {
            Ok(_) => Ok(()),
            Err(error) => self.refused(at, |_| part.clone(), error),
        }
    }

    pub(super) fn problem(&mut self, at: &At, part: &Part, message: String, help: Option<String>) {
        self.problems
            .push(self.policy.problem(at, part, message, help));
    }

    /// The names that an expression of a declaration may use.
    fn columns_of(&self, at: &At) -> Vec<String> {
        let summary = |name: &str| {
            self.policy
                .summaries
                .iter()
                .find(|summary| summary.name == *name)
        };
        let table = match at {
            At::Rule { table, rule } => {
                let tables = self.policy.tables.iter().filter(|of| of.name == *table);
                let mut rules = tables.flat_map(|of| &of.rules);
                if let Some(RuleKind::Bounds(bounds)) =
                    rules.find(|of| of.name == *rule).map(|of| &of.kind)
                {
                    return summary(&bounds.on)
                        .map(|summary| summary.columns().into_iter().map(str::to_owned).collect())
                        .unwrap_or_default();
                }
                Some(table)
            }
            At::Table(table) => Some(table),
            At::Summary(name) => summary(name).map(|summary| &summary.table),
            At::Alert(name) => {
                let alert = self.policy.alerts.iter().find(|alert| alert.name == *name);
                let names = match alert.map(|alert| (&alert.on, alert.on.variables(alert.per))) {
                    Some((_, Some(variables))) => variables.to_vec(),
                    Some((Subject::Summary(name), None)) => summary(name)
                        .map(|summary| summary.columns())
                        .unwrap_or_default(),
                    _ => Vec::new(),
                };
                return names.into_iter().map(str::to_owned).collect();
            }
            _ => None,
        };
        table
            .and_then(|table| self.relations.get(table))
            .map(|relation| relation.columns.clone())
            .unwrap_or_default()
    }
}

/// The column in a message such as `column "dep_tme" does not exist`.
fn missing_column(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("column ")?;
    let (name, _) = rest.split_once(" does not exist")?;
    let name = name.trim_matches('"');
    Some(
        name.rsplit_once('.')
            .map_or(name, |(_, column)| column)
            .to_owned(),
    )
}

/// A message of the database without the names that only the pipeline gives to things.
fn readable(message: &str) -> String {
    message
        .replace("audit_row.", "")
        .replace("audit_referenced.", "")
}

/// A hint of the database as a line of our own: no capital at its start, no full stop at its end.
fn as_help(hint: &str) -> String {
    let hint = hint.strip_suffix('.').unwrap_or(hint);
    let mut characters = hint.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}
