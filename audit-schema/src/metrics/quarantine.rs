//! Rows that were set aside.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::Scope;
use crate::Result;

/// Rows in quarantine, of all tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Quarantine {
    /// Rows that wait.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    /// Rows that were put back.
    #[diesel(sql_type = BigInt)]
    pub released: i64,
    /// Rows that were thrown away.
    #[diesel(sql_type = BigInt)]
    pub discarded: i64,
    /// When the oldest of those that wait was set aside.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest_held_at: Option<DateTime<Utc>>,
}

/// Rows in quarantine. They are about a severity and an owner if one of the rules is that they fail.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn quarantine(connection: &mut PgConnection, scope: &Scope) -> Result<Quarantine> {
    Ok(scope
        .query(
            "select
                count(*) filter (where aside.state = 'held') as held,
                count(*) filter (where aside.state = 'released') as released,
                count(*) filter (where aside.state = 'discarded') as discarded,
                min(coalesce(aside.occurred_at, aside.at)) filter (where aside.state = 'held') as oldest_held_at
            from audit.quarantine as aside
            join audit.watched_table as watched
                on watched.table_id = aside.table_id
            where ($1 is null or aside.table_id = any ($1))
                and (
                    $2 is null and $3 is null
                    or exists (
                        select
                        from audit.rule as rule
                        where rule.rule_id = any (aside.rules)
                            and ($2 is null or coalesce(nullif(rule.owner, ''), watched.owner) = any ($2))
                            and ($3 is null or rule.severity = any ($3))
                    )
                )",
        )
        .get_result(connection)?)
}
