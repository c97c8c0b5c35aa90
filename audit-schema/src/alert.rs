//! What people see of alerts, and what they do about them: take them on, let them rest, resolve them.
//!
//! Who acts is recorded: the role that is logged in, or the person whom [`context::set`](crate::context::set) names in the
//! same transaction. Every function takes the time: see [`clock`].

use audit_core::Severity;
use audit_core::alert::{Matchers, Observation};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::Result;
use crate::identity::the_only;

/// Takes an alert on: it stays open, and nobody is reminded of it any more. Its history keeps who did it, and why.
///
/// # Errors
/// When the alert is not open (constraint `acknowledged_alert_is_open`), or the database refuses.
pub fn acknowledge(
    conn: &mut PgConnection,
    alert: Uuid,
    reason: &str,
    clock: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query("select audit.acknowledge($1, $2, $3)")
        .bind::<SqlUuid, _>(alert)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(clock)
        .execute(conn)?;
    Ok(())
}

/// Lets an alert rest until a time. If its condition still holds then, it fires again.
///
/// # Errors
/// When the alert is not open (constraint `snoozed_alert_is_open`), the time is not to come (`snooze_ends_later`), or the
/// database refuses.
pub fn snooze(
    conn: &mut PgConnection,
    alert: Uuid,
    until: DateTime<Utc>,
    reason: &str,
    clock: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query("select audit.snooze($1, $2, $3, $4)")
        .bind::<SqlUuid, _>(alert)
        .bind::<Timestamptz, _>(until)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(clock)
        .execute(conn)?;
    Ok(())
}

/// Says that an alert is over, and tells everybody who was told of it. It stays resolved, whether or not its condition
/// holds, until the condition has ended once.
///
/// # Errors
/// When the alert is not open (constraint `resolved_alert_is_open`), or the database refuses.
pub fn resolve(
    conn: &mut PgConnection,
    alert: Uuid,
    reason: &str,
    clock: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query("select audit.resolve($1, $2, $3)")
        .bind::<SqlUuid, _>(alert)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(clock)
        .execute(conn)?;
    Ok(())
}

/// The time in which alerts live: now, or in a replay the time of what was replayed last.
///
/// # Errors
/// When the pipeline is not installed or may not be read.
pub fn clock(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    #[derive(QueryableByName)]
    struct Clock {
        #[diesel(sql_type = Timestamptz)]
        clock: DateTime<Utc>,
    }
    let row: Clock =
        diesel::sql_query("select status.as_of as clock from audit.pipeline_status as status")
            .get_result(conn)?;
    Ok(row.clock)
}

/// Which alerts are asked for. What is not given does not filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Also those that are resolved.
    pub resolved: bool,
    /// Only of this policy.
    pub policy: Option<String>,
    /// Only about this table, as `schema.table` or `table`.
    pub table: Option<String>,
    /// Only of this severity.
    pub severity: Option<String>,
    /// Only those that this owner has to see to.
    pub owner: Option<String>,
    /// At most so many.
    pub limit: i64,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            resolved: false,
            policy: None,
            table: None,
            severity: None,
            owner: None,
            limit: 1_000,
        }
    }
}

/// An alert as people look at it.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct Alert {
    /// Identifies the episode.
    #[diesel(sql_type = SqlUuid)]
    pub alert_id: Uuid,
    /// The identity of what it is about: the same for every episode.
    #[diesel(sql_type = Text)]
    pub fingerprint: String,
    /// The policy that raised it.
    #[diesel(sql_type = Text)]
    pub policy: String,
    /// The table that it is about.
    #[diesel(sql_type = Nullable<Text>)]
    pub table: Option<String>,
    /// The rule that it is about.
    #[diesel(sql_type = Nullable<Text>)]
    pub rule: Option<String>,
    /// The group that it is about.
    #[diesel(sql_type = Jsonb)]
    pub group: Value,
    /// `critical`, `important`, `normal` or `low`.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// `pending`, `firing`, `acknowledged`, `snoozed` or `resolved`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Why nobody is told of it now.
    #[diesel(sql_type = Nullable<Text>)]
    pub muted: Option<String>,
    /// What it says.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Who has to act.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// Where to read what to do.
    #[diesel(sql_type = Nullable<Text>)]
    pub runbook: Option<String>,
    /// When its condition began to hold; after a reopening, when it began again.
    #[diesel(sql_type = Timestamptz)]
    pub opened_at: DateTime<Utc>,
    /// When it had held long enough.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub fired_at: Option<DateTime<Utc>>,
    /// When people were last told.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub notified_at: Option<DateTime<Utc>>,
    /// Who took it on.
    #[diesel(sql_type = Nullable<Text>)]
    pub acknowledged_by: Option<String>,
    /// Until when nobody wants to hear of it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub snoozed_until: Option<DateTime<Utc>>,
    /// When nobody had taken it on in time.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub escalated_at: Option<DateTime<Utc>>,
    /// When it was over.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub resolved_at: Option<DateTime<Utc>>,
    /// How often it came back soon after it was over.
    #[diesel(sql_type = Integer)]
    pub reopened: i32,
}

/// An alert with its history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The alert.
    #[serde(flatten)]
    pub alert: Alert,
    /// The numbers as last observed while it held.
    pub observed: Value,
    /// What happened to it, oldest first.
    pub transitions: Vec<Transition>,
    /// Who was told, oldest first.
    pub deliveries: Vec<Delivery>,
}

/// A move of an alert from one state to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Transition {
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// The state before; `None` when the episode opened.
    #[diesel(sql_type = Nullable<Text>)]
    pub from_state: Option<String>,
    /// The state after.
    #[diesel(sql_type = Text)]
    pub to_state: String,
    /// Who or what moved it; `tick` when time and data did.
    #[diesel(sql_type = Text)]
    pub actor: String,
    /// Why.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// One sentence with the numbers at that moment.
    #[diesel(sql_type = Text)]
    pub title: String,
}

/// A message about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Delivery {
    /// The channel.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// `firing`, `repeat`, `resolved`, or `several`: it tells of other alerts, too.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// When it was caused.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// `ready`, `sending`, `delivered` or `dead`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Why the last attempt failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
}

pub(crate) const ALERT: &str = "select
    alert.alert_id,
    alert.fingerprint,
    alert.policy,
    watched.name as \"table\",
    rule.name as rule,
    alert.group_values as \"group\",
    alert.severity,
    alert.state,
    alert.muted,
    alert.title,
    alert.owner,
    alert.runbook,
    alert.opened_at,
    alert.fired_at,
    alert.notified_at,
    alert.acknowledged_by,
    alert.snoozed_until,
    alert.escalated_at,
    alert.resolved_at,
    alert.reopened
from audit.alert as alert
left join audit.watched_table as watched on watched.table_id = alert.table_id
left join audit.rule as rule on rule.rule_id = alert.rule_id";

/// Alerts, the worst first, of one severity the newest first; those that are resolved below the others.
///
/// # Errors
/// When the pipeline is not installed or may not be read.
pub fn list(conn: &mut PgConnection, filter: &Filter) -> Result<Vec<Alert>> {
    Ok(diesel::sql_query(format!(
        "{ALERT}
        where ($1 or alert.state <> 'resolved')
            and ($2 is null or $2 = alert.policy)
            and ($3 is null or $3 in (watched.name, split_part(watched.name, '.', 2)))
            and ($4 is null or $4 = alert.severity)
            and ($5 is null or $5 = alert.owner)
        order by
            alert.state = 'resolved',
            alert.resolved_at desc,
            array_position(array['critical', 'important', 'normal', 'low'], alert.severity),
            alert.opened_at desc,
            alert.title
        limit $6"
    ))
    .bind::<Bool, _>(filter.resolved)
    .bind::<Nullable<Text>, _>(&filter.policy)
    .bind::<Nullable<Text>, _>(&filter.table)
    .bind::<Nullable<Text>, _>(&filter.severity)
    .bind::<Nullable<Text>, _>(&filter.owner)
    .bind::<BigInt, _>(filter.limit)
    .load(conn)?)
}

/// One alert with its history.
///
/// # Errors
/// When there is none with this identity, or the pipeline may not be read.
pub fn show(conn: &mut PgConnection, alert: Uuid) -> Result<Shown> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        alert: Alert,
    }
    #[derive(QueryableByName)]
    struct Observed {
        #[diesel(sql_type = Jsonb)]
        observed: Value,
    }
    let row: Row = diesel::sql_query(format!("{ALERT} where alert.alert_id = $1"))
        .bind::<SqlUuid, _>(alert)
        .get_result(conn)?;
    let Observed { observed } = diesel::sql_query(
        "select alert.observed from audit.alert as alert where alert.alert_id = $1",
    )
    .bind::<SqlUuid, _>(alert)
    .get_result(conn)?;
    let transitions = diesel::sql_query(
        "select moved.at, moved.from_state, moved.to_state, moved.actor, moved.reason, moved.title
        from audit.alert_transition as moved
        where moved.alert_id = $1
        order by moved.alert_transition_id",
    )
    .bind::<SqlUuid, _>(alert)
    .load(conn)?;
    let deliveries = diesel::sql_query(
        "select channel.name as channel, delivery.kind, delivery.at, delivery.state, delivery.last_error
        from audit.outbox as delivery
        join audit.channel as channel on channel.channel_id = delivery.channel_id
        where delivery.alert_id = $1
            or delivery.kind = 'several'
                and delivery.more && array(
                    select moved.alert_transition_id from audit.alert_transition as moved where moved.alert_id = $1
                )
        order by delivery.created_at, channel.name",
    )
    .bind::<SqlUuid, _>(alert)
    .load(conn)?;
    Ok(Shown {
        alert: row.alert,
        observed,
        transitions,
        deliveries,
    })
}

/// The alert whose identity begins with some characters.
///
/// # Errors
/// When there is none or several, or the pipeline may not be read.
pub fn find(conn: &mut PgConnection, id: &str) -> Result<Uuid> {
    the_only(conn, "alert", "audit.alert", "alert_id", id)
}

impl Alert {
    /// Whether a silence with these matchers would be for it.
    #[must_use]
    pub fn is_matched(&self, matchers: &Matchers) -> bool {
        let observation = Observation {
            policy: self.policy.clone(),
            fingerprint: self.fingerprint.clone(),
            holds: true,
            lingers: false,
            muted: None,
            severity: self.severity.parse().unwrap_or(Severity::Important),
            title: self.title.clone(),
            group: self.group.as_object().cloned().unwrap_or_default(),
            observed: serde_json::Map::new(),
            table: self.table.clone(),
            rule: self.rule.clone(),
            owner: self.owner.clone(),
        };
        matchers.matches(&observation)
    }
}
