//! Time-driven rules: asking those that are due, and telling how they are.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;

use crate::Result;

/// A question that takes longer is cut off, and its rule is in error: the others, and the alerts, must not wait for it.
const LONGEST_QUESTION: &str = "30s";

/// How one group of a time-driven rule is.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct TimeRuleStatus {
    /// Schema and name of the table.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// The name of the rule.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// `fresh`, `gap`, `row_count`, `volume`, `reconcile`, `sql` or `bounds`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// `critical`, `important`, `normal` or `low`.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// Who has to fix what fails.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// It is on trial, and never alerts.
    #[diesel(sql_type = Bool)]
    pub shadow: bool,
    /// The group: its columns and their values, as text or null; empty for a rule without groups, and for an answer that
    /// is about a rule as a whole.
    #[diesel(sql_type = Jsonb)]
    pub group: Value,
    /// `ok`, `failing`, `no_data` or `error`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Whether it is taken as failing.
    #[diesel(sql_type = Bool)]
    pub fails: bool,
    /// Since when it is in this state, by the clock of the tick.
    #[diesel(sql_type = Timestamptz)]
    pub since: DateTime<Utc>,
    /// When it was last asked, by the clock of the tick.
    #[diesel(sql_type = Timestamptz)]
    pub checked_at: DateTime<Utc>,
    /// What was found.
    #[diesel(sql_type = Nullable<Text>)]
    pub value: Option<String>,
    /// What should be found.
    #[diesel(sql_type = Nullable<Text>)]
    pub expected: Option<String>,
    /// What was found, in words; for an error its message.
    #[diesel(sql_type = Nullable<Text>)]
    pub detail: Option<String>,
}

/// How every group of every time-driven rule in force is: what fails first, then errors, then the worst severity.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn time_rules(connection: &mut PgConnection) -> Result<Vec<TimeRuleStatus>> {
    Ok(diesel::sql_query(
        "select
            status.table_name as \"table\",
            status.name,
            status.kind,
            status.severity,
            status.owner,
            status.shadow,
            status.group_values as \"group\",
            status.state,
            status.fails,
            status.since,
            status.checked_at,
            status.value,
            status.expected,
            status.detail
        from audit.time_rule_status as status
        order by
            status.shadow,
            not status.fails,
            status.state <> 'error',
            array_position(array['critical', 'important', 'normal', 'low'], status.severity),
            status.table_name,
            status.name,
            status.group_values",
    )
    .load(connection)?)
}

/// Asks the rules that are due, each in a transaction of its own and no longer than a bounded time.
pub(crate) fn ask_due(connection: &mut PgConnection, clock: DateTime<Utc>) -> Result<()> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = Integer)]
        rule_id: i32,
    }
    let due: Vec<Due> = diesel::sql_query("select due as rule_id from audit.due_rules($1) as due")
        .bind::<Timestamptz, _>(clock)
        .load(connection)?;
    for Due { rule_id } in due {
        let outcome = connection.transaction(|connection| {
            connection.batch_execute(&format!(
                "set local statement_timeout = '{LONGEST_QUESTION}'"
            ))?;
            diesel::sql_query("select audit.ask_rule($1, $2)")
                .bind::<Integer, _>(rule_id)
                .bind::<Timestamptz, _>(clock)
                .execute(connection)
        });
        // What the rule itself raises is its answer; what comes out here cut it off.
        if let Err(diesel::result::Error::DatabaseError(_, information)) = &outcome {
            diesel::sql_query("select audit.record_rule_error($1, $2, $3)")
                .bind::<Integer, _>(rule_id)
                .bind::<Timestamptz, _>(clock)
                .bind::<Text, _>(information.message())
                .execute(connection)?;
        } else {
            outcome?;
        }
    }
    Ok(())
}
