//! What is declared: watched tables with their rules and summaries, alert policies, channels and routes.

use std::collections::BTreeMap;

use audit_core::{RuleKind, Summary};
use diesel::sql_types::{Array, Bool, Double, Integer, Jsonb, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Deserialize;
use serde_json::Value;

use super::{Declared, DeclaredRule, Watched, When, grouped};
use crate::words::summary_in_words;
use crate::{Error, Result};

pub(super) fn watched(connection: &mut PgConnection) -> Result<Vec<Watched>> {
    #[derive(QueryableByName)]
    struct TableRow {
        #[diesel(sql_type = Integer)]
        table_id: i32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        why: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Array<Text>)]
        key_columns: Vec<String>,
    }
    #[derive(QueryableByName)]
    struct RuleRow {
        #[diesel(sql_type = Integer)]
        table_id: i32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Jsonb)]
        definition: Value,
        #[diesel(sql_type = Array<Text>)]
        columns: Vec<String>,
        #[diesel(sql_type = Text)]
        condition: String,
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = Text)]
        action: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Text)]
        why: String,
        #[diesel(sql_type = Nullable<Integer>)]
        fix_seconds: Option<i32>,
        #[diesel(sql_type = Bool)]
        nulls_fail: bool,
        #[diesel(sql_type = Bool)]
        error_blocks: bool,
        #[diesel(sql_type = Text)]
        class: String,
        #[diesel(sql_type = Bool)]
        shadow: bool,
        #[diesel(sql_type = Nullable<Double>)]
        mostly: Option<f64>,
        #[diesel(sql_type = Bool)]
        hides: bool,
    }
    #[derive(QueryableByName)]
    struct SummaryRow {
        #[diesel(sql_type = Integer)]
        table_id: i32,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Jsonb)]
        definition: Value,
    }
    let tables: Vec<TableRow> = diesel::sql_query(
        "select w.table_id, w.name, w.why, w.owner, w.key_columns
        from audit.watched_table as w
        where w.unwatched_at is null
        order by w.name collate \"C\"",
    )
    .load(connection)?;
    let rules: Vec<RuleRow> = diesel::sql_query(
        "select
            r.table_id,
            r.name,
            r.kind,
            r.definition,
            r.columns,
            coalesce(r.condition, '') as condition,
            r.severity,
            r.action,
            r.owner,
            r.why,
            extract(epoch from r.fix_within)::integer as fix_seconds,
            r.nulls = 'fail' as nulls_fail,
            r.on_error = 'block' as error_blocks,
            r.class,
            r.shadow,
            r.mostly,
            r.mode = 'hide' as hides
        from audit.rule as r
        where r.retired_at is null
        order by
            array_position(array['critical', 'important', 'normal', 'low'], r.severity),
            array_position(array['reject', 'quarantine', 'flag'], r.action),
            r.name collate \"C\"",
    )
    .load(connection)?;
    let summaries: Vec<SummaryRow> = diesel::sql_query(
        "select s.table_id, s.name, s.definition
        from audit.summary as s
        where s.retired_at is null
        order by s.name collate \"C\"",
    )
    .load(connection)?;
    let mut rules_of: BTreeMap<i32, Vec<DeclaredRule>> = BTreeMap::new();
    for row in rules {
        let every = row.definition["every"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let demands = RuleKind::from_definition(&row.kind, row.definition)
            .map_or_else(|_| row.name.replace('_', " "), |kind| kind.to_string());
        rules_of
            .entry(row.table_id)
            .or_default()
            .push(DeclaredRule {
                name: row.name,
                kind: row.kind,
                demands,
                columns: row.columns,
                condition: row.condition,
                severity: row.severity.parse().map_err(Error::unreadable)?,
                action: row.action.parse().map_err(Error::unreadable)?,
                owner: row.owner,
                why: row.why,
                fix_within: row.fix_seconds.map(span).unwrap_or_default(),
                nulls_fail: row.nulls_fail,
                error_blocks: row.error_blocks,
                when: match row.class.as_str() {
                    "time" => When::Asked,
                    "transition" => When::Updated,
                    _ => When::Written,
                },
                every,
                shadow: row.shadow,
                mostly: row.mostly,
                hides: row.hides,
            });
    }
    let mut summaries_of: BTreeMap<i32, Vec<Declared>> = grouped(summaries, |row| {
        (
            row.table_id,
            Declared {
                what: Summary::deserialize(&row.definition)
                    .map(|summary| summary_in_words(&summary))
                    .unwrap_or_default(),
                name: row.name,
                owner: String::new(),
                definition: row.definition,
            },
        )
    });
    Ok(tables
        .into_iter()
        .map(|row| Watched {
            rules: rules_of.remove(&row.table_id).unwrap_or_default(),
            summaries: summaries_of.remove(&row.table_id).unwrap_or_default(),
            name: row.name,
            why: row.why,
            owner: row.owner,
            key_columns: row.key_columns,
        })
        .collect())
}

/// Names, owners and definitions, with what each does in the words that `in_words` finds for its definition. One that
/// is not as this version writes them has none.
pub(super) fn declared(
    connection: &mut PgConnection,
    query: &str,
    in_words: impl Fn(&Value) -> serde_json::Result<String>,
) -> Result<Vec<Declared>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Jsonb)]
        definition: Value,
    }
    let rows: Vec<Row> = diesel::sql_query(query).load(connection)?;
    Ok(rows
        .into_iter()
        .map(|row| Declared {
            what: in_words(&row.definition).unwrap_or_default(),
            name: row.name,
            owner: row.owner,
            definition: row.definition,
        })
        .collect())
}

/// A length of time in words: `4 hours`, `1 day`.
fn span(seconds: i32) -> String {
    let (number, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_in_their_largest_unit() {
        assert_eq!(
            [14_400, 86_400, 604_800, 90].map(span),
            ["4 hours", "1 day", "7 days", "90 seconds"]
        );
    }
}
