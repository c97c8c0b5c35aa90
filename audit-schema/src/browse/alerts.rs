//! Alerts by pages.

use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel::{PgConnection, RunQueryDsl};

use super::{Listed, MENTIONS, Page, Total};
use crate::Result;
use crate::alert::{ALERT, Alert};

/// Which alerts are asked for. What is not given does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Only those whose policy, title, table, rule or owner mentions this.
    pub text: Option<String>,
    /// Also those that are resolved.
    pub resolved: bool,
    /// Only those in this state.
    pub state: Option<String>,
    /// Only those of this severity.
    pub severity: Option<String>,
    /// Only those that this owner has to see to.
    pub owner: Option<String>,
    /// Only those about this table, or a rule of it.
    pub table_id: Option<i32>,
    /// Only those about this rule.
    pub rule_id: Option<i32>,
}

/// Alerts that people were told of, the worst first, of one severity the newest first; those that are resolved below the
/// others.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn alerts(
    connection: &mut PgConnection,
    filter: &AlertFilter,
    page: Page,
) -> Result<Listed<Alert>> {
    let condition = format!(
        "alert.fired_at is not null
            and ($1 is null or {MENTIONS}alert.policy, alert.title, watched.name, rule.name, alert.owner))) > 0)
            and ($2 or alert.state <> 'resolved')
            and ($3 is null or $3 = alert.state)
            and ($4 is null or $4 = alert.severity)
            and ($5 is null or $5 = alert.owner)
            and ($6 is null or $6 = coalesce(rule.table_id, alert.table_id))
            and ($7 is null or $7 = alert.rule_id)"
    );
    let rows = diesel::sql_query(format!(
        "{ALERT}
        where {condition}
        order by
            alert.state = 'resolved',
            alert.resolved_at desc,
            array_position(array['critical', 'important', 'normal', 'low'], alert.severity),
            alert.opened_at desc,
            alert.title,
            alert.alert_id
        offset $8 limit $9"
    ))
    .bind::<Nullable<Text>, _>(&filter.text)
    .bind::<Bool, _>(filter.resolved)
    .bind::<Nullable<Text>, _>(&filter.state)
    .bind::<Nullable<Text>, _>(&filter.severity)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<Nullable<Integer>, _>(filter.table_id)
    .bind::<Nullable<Integer>, _>(filter.rule_id)
    .bind::<BigInt, _>(page.offset())
    .bind::<BigInt, _>(page.size)
    .load(connection)?;
    let Total { total } = diesel::sql_query(format!(
        "select count(*) as total
        from audit.alert as alert
        left join audit.watched_table as watched on watched.table_id = alert.table_id
        left join audit.rule as rule on rule.rule_id = alert.rule_id
        where {condition}"
    ))
    .bind::<Nullable<Text>, _>(&filter.text)
    .bind::<Bool, _>(filter.resolved)
    .bind::<Nullable<Text>, _>(&filter.state)
    .bind::<Nullable<Text>, _>(&filter.severity)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<Nullable<Integer>, _>(filter.table_id)
    .bind::<Nullable<Integer>, _>(filter.rule_id)
    .get_result(connection)?;
    Ok(Listed { rows, total })
}
