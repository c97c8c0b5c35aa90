//! Deliveries: claimed with a lease in a short transaction, sent by the caller outside any transaction, and completed by
//! whoever still holds the lease.
//!
//! Every function takes the time as an option: `None` is the clock of the server, which is what a program wants; a test
//! says what time it is.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::query_dsl::LoadQuery;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Integer, Interval, Jsonb, Nullable, Text, Timestamptz,
    Uuid as SqlUuid,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Error, Result};

/// How a worker claims deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The name of the worker, for whoever looks at what is being sent.
    pub worker: String,
    /// For how long the worker may be busy before somebody else tries.
    pub lease: Duration,
    /// How many deliveries at most for each channel.
    pub at_most: i32,
    /// How often a delivery is tried before it is dead.
    pub last_attempt: i32,
    /// The numbers of channels that are passed over, because the worker is still busy with them.
    pub busy: Vec<i32>,
}

impl Default for Claim {
    fn default() -> Self {
        Claim {
            worker: "audit-notify".into(),
            lease: Duration::minutes(2),
            at_most: 20,
            last_attempt: 10,
            busy: Vec::new(),
        }
    }
}

/// A delivery that is leased to us.
#[derive(Debug, Clone, QueryableByName)]
pub struct Delivery {
    /// Identifies the delivery, and is its idempotency key.
    #[diesel(sql_type = SqlUuid)]
    pub delivery_id: Uuid,
    /// Proves that we hold the lease.
    #[diesel(sql_type = SqlUuid)]
    pub lease_token: Uuid,
    /// Which attempt this is, from 1.
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    /// `firing`, `repeat`, `resolved`, `several` or `digest`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The number of the channel.
    #[diesel(sql_type = Integer)]
    pub channel_id: i32,
    /// The name of the channel.
    #[diesel(sql_type = Text)]
    pub channel_name: String,
    /// Which wire format the channel speaks.
    #[diesel(sql_type = Text)]
    pub provider: String,
    /// The options of the channel.
    #[diesel(sql_type = Jsonb)]
    pub channel_definition: Value,
    /// What to tell: an array of [`Told`].
    #[diesel(sql_type = Jsonb)]
    told: Value,
    /// The message as an earlier attempt rendered it.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub message: Option<Value>,
    /// The picture as an earlier attempt drew it.
    #[diesel(sql_type = Nullable<Binary>)]
    pub picture: Option<Vec<u8>>,
    /// How long to wait before it is sent, so that the channel does not get more than it may in a second.
    #[diesel(sql_type = Interval)]
    pub wait: Duration,
}

impl Delivery {
    /// What there is to tell: one alert, or several when one message stands for many.
    ///
    /// # Errors
    /// When the database holds something that this version can not read.
    pub fn told(&self) -> Result<Vec<Told>> {
        serde_json::from_value(self.told.clone()).map_err(Error::unreadable)
    }
}

/// An alert, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The episode as it is now.
    pub alert: ToldAlert,
    /// What happened at the moment the message is about.
    pub transition: ToldTransition,
    /// The watched table, if the alert is about one.
    pub table: Option<String>,
    /// The rule, if the alert is about one.
    pub rule: Option<String>,
    /// The summary, if the alert is about one.
    pub summary: Option<String>,
    /// The columns of the summary, in the order in which they are declared.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The condition of the alert policy, as declared.
    pub condition: Option<String>,
    /// The alert whose thread the message belongs to.
    #[serde(default)]
    pub thread: Option<Uuid>,
    /// How the rule fails, if the alert is about one.
    #[serde(default)]
    pub evidence: Option<Evidence>,
    /// The course of the summary, if the alert is about one with buckets.
    #[serde(default)]
    pub course: Option<Course>,
    /// In a digest: it began, or began again, since the last one.
    #[serde(default)]
    pub is_new: bool,
    /// In a digest: nothing happened to it since the last one, and it is still open.
    #[serde(default)]
    pub standing: bool,
}

/// The course of a measure of a summary, in the group that an alert is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The name of the measure.
    pub measure: String,
    /// How long a bucket is.
    pub width: String,
    /// What it was in each of the last 24 buckets, the oldest first.
    pub values: Vec<f64>,
}

/// How a rule fails, from its newest findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The keys of some failing rows, the newest first.
    pub keys: Vec<String>,
    /// Who wrote them.
    pub writers: Vec<String>,
    /// How many rows failed in each of the last 24 hours, the oldest first.
    pub trend: Vec<i64>,
}

impl Told {
    /// Whether the pipeline speaks of itself: of a paused channel, or of deliveries that were given up.
    #[must_use]
    pub fn is_about_pipeline(&self) -> bool {
        self.alert.policy == "pipeline"
    }
}

/// The part of an episode that a message tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToldAlert {
    /// Identifies the episode.
    pub alert_id: Uuid,
    /// What the alert is about; the same for every episode of it.
    pub fingerprint: String,
    /// Name of the alert policy.
    pub policy: String,
    /// The group of the summary.
    pub group_values: Value,
    /// How bad it is, as a word.
    pub severity: String,
    /// One sentence with the numbers, as last observed.
    pub title: String,
    /// Who has to act.
    pub owner: String,
    /// Who took it on.
    #[serde(default)]
    pub acknowledged_by: Option<String>,
    /// Where to read what to do.
    pub runbook: Option<String>,
    /// The time zone in which to tell its times.
    pub time_zone: Option<String>,
    /// When the condition was first seen to hold.
    pub opened_at: DateTime<Utc>,
    /// When people were first told.
    pub fired_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub resolved_at: Option<DateTime<Utc>>,
    /// The numbers as last observed while it held.
    pub observed: Value,
}

/// The part of a transition that a message tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToldTransition {
    /// The state before.
    pub from_state: Option<String>,
    /// The state after.
    pub to_state: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// One sentence with the numbers at that moment.
    pub title: String,
    /// The numbers at that moment.
    pub observed: Value,
}

/// What became of a delivery that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It is tried again later.
    Later,
    /// It was given up.
    Dead,
    /// The lease was lost: somebody else answers for it.
    LeaseLost,
}

/// Why an attempt failed, and what the provider said about trying again.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// What went wrong, in words; never a secret.
    pub error: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<i32>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// Trying again would give the same answer.
    pub permanent: bool,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<String>,
}

/// Leases deliveries that are due.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn claim(
    conn: &mut PgConnection,
    claim: &Claim,
    wall: Option<DateTime<Utc>>,
) -> Result<Vec<Delivery>> {
    Ok(diesel::sql_query(
        "select delivery_id, lease_token, attempt, kind, channel_id, channel_name, provider, channel_definition, told, message, picture, wait \
         from audit.claim_deliveries($1, $2, $3, $4, $5, $6)",
    )
    .bind::<Text, _>(&claim.worker)
    .bind::<Interval, _>(claim.lease)
    .bind::<Integer, _>(claim.at_most)
    .bind::<Integer, _>(claim.last_attempt)
    .bind::<Array<Integer>, _>(&claim.busy)
    .bind::<Nullable<Timestamptz>, _>(wall)
    .load(conn)?)
}

/// Keeps a message as rendered, so that every further attempt sends the same. False if the lease was lost.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn keep_message(
    conn: &mut PgConnection,
    delivery: &Delivery,
    message: &Value,
    picture: Option<&[u8]>,
) -> Result<bool> {
    answer(
        diesel::sql_query("select audit.keep_message($1, $2, $3, $4) as answer")
            .bind::<SqlUuid, _>(delivery.delivery_id)
            .bind::<SqlUuid, _>(delivery.lease_token)
            .bind::<Jsonb, _>(message)
            .bind::<Nullable<Binary>, _>(picture),
        conn,
    )
}

/// Writes down that the provider accepted a message. False if the lease was lost.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn complete(
    conn: &mut PgConnection,
    delivery: &Delivery,
    status: Option<i32>,
    message_id: Option<&str>,
    wall: Option<DateTime<Utc>>,
) -> Result<bool> {
    answer(
        diesel::sql_query("select audit.complete_delivery($1, $2, $3, $4, $5) as answer")
            .bind::<SqlUuid, _>(delivery.delivery_id)
            .bind::<SqlUuid, _>(delivery.lease_token)
            .bind::<Nullable<Integer>, _>(status)
            .bind::<Nullable<Text>, _>(message_id)
            .bind::<Nullable<Timestamptz>, _>(wall),
        conn,
    )
}

/// Writes down that an attempt failed: the delivery is tried again later, or given up after `last_attempt`.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn fail(
    conn: &mut PgConnection,
    delivery: &Delivery,
    failure: &Failure,
    last_attempt: i32,
    wall: Option<DateTime<Utc>>,
) -> Result<Failed> {
    let row: State = diesel::sql_query(
        "select audit.fail_delivery($1, $2, $3, $4, $5, permanent => $6, last_attempt => $7, wall => $8) as state",
    )
    .bind::<SqlUuid, _>(delivery.delivery_id)
    .bind::<SqlUuid, _>(delivery.lease_token)
    .bind::<Text, _>(&failure.error)
    .bind::<Nullable<Integer>, _>(failure.status)
    .bind::<Nullable<Interval>, _>(failure.retry_after)
    .bind::<Bool, _>(failure.permanent)
    .bind::<Integer, _>(last_attempt)
    .bind::<Nullable<Timestamptz>, _>(wall)
    .get_result(conn)?;
    Ok(match row.state.as_deref() {
        None => Failed::LeaseLost,
        Some("dead") => Failed::Dead,
        Some(_) => Failed::Later,
    })
}

/// Gives a delivery back that was not tried, without counting an attempt. False if the lease was lost.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn release(
    conn: &mut PgConnection,
    delivery: &Delivery,
    wait: Duration,
    wall: Option<DateTime<Utc>>,
) -> Result<bool> {
    answer(
        diesel::sql_query("select audit.release_delivery($1, $2, $3, $4) as answer")
            .bind::<SqlUuid, _>(delivery.delivery_id)
            .bind::<SqlUuid, _>(delivery.lease_token)
            .bind::<Interval, _>(wait)
            .bind::<Nullable<Timestamptz>, _>(wall),
        conn,
    )
}

/// Writes down that the provider refused our credentials: pauses the channel, keeps its deliveries. False if the lease
/// was lost.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn refuse(
    conn: &mut PgConnection,
    delivery: &Delivery,
    error: &str,
    status: Option<i32>,
    wall: Option<DateTime<Utc>>,
) -> Result<bool> {
    answer(
        diesel::sql_query("select audit.refuse_delivery($1, $2, $3, $4, $5) as answer")
            .bind::<SqlUuid, _>(delivery.delivery_id)
            .bind::<SqlUuid, _>(delivery.lease_token)
            .bind::<Text, _>(error)
            .bind::<Nullable<Integer>, _>(status)
            .bind::<Nullable<Timestamptz>, _>(wall),
        conn,
    )
}

/// Uses a paused channel again. False if no channel of that name was paused.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn resume_channel(conn: &mut PgConnection, name: &str) -> Result<bool> {
    answer(
        diesel::sql_query("select audit.resume_channel($1) as answer").bind::<Text, _>(name),
        conn,
    )
}

/// A channel, and what waits for it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ChannelState {
    /// The name of the channel.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Which wire format it speaks.
    #[diesel(sql_type = Text)]
    pub provider: String,
    /// When it was paused; `None` while it is used.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub paused_at: Option<DateTime<Utc>>,
    /// What the provider answered.
    #[diesel(sql_type = Nullable<Text>)]
    pub paused_why: Option<String>,
    /// How many messages wait, or are being sent.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// How many news are collected for the digest to come.
    #[diesel(sql_type = BigInt)]
    pub collected: i64,
    /// How many messages were given up.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// How many messages were delivered.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Since when the oldest message waits.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub waiting_since: Option<DateTime<Utc>>,
}

/// The channels that are in force, by name.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn channels(conn: &mut PgConnection) -> Result<Vec<ChannelState>> {
    Ok(diesel::sql_query(
        "select name, provider, paused_at, paused_why, waiting, collected, dead, delivered, waiting_since \
         from audit.channel_state order by name",
    )
    .load(conn)?)
}

/// How far writers have come: as long as it stays the same, nobody wrote anything.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn position(conn: &mut PgConnection) -> Result<String> {
    #[derive(QueryableByName)]
    struct Position {
        #[diesel(sql_type = Text)]
        position: String,
    }
    let row: Position = diesel::sql_query("select pg_current_wal_insert_lsn()::text as position")
        .get_result(conn)?;
    Ok(row.position)
}

/// What is visible now; for [`changed_since`].
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn snapshot(conn: &mut PgConnection) -> Result<String> {
    #[derive(QueryableByName)]
    struct Snapshot {
        #[diesel(sql_type = Text)]
        snapshot: String,
    }
    let row: Snapshot =
        diesel::sql_query("select pg_current_snapshot()::text as snapshot").get_result(conn)?;
    Ok(row.snapshot)
}

/// Whether a change waits in the log that was not visible then. Reads the head of the log, as every tick does.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn changed_since(conn: &mut PgConnection, snapshot: &str) -> Result<bool> {
    answer(
        diesel::sql_query(
            "select exists (select from audit.change as change where not pg_visible_in_snapshot(change.xid, $1::pg_snapshot)) as answer",
        )
        .bind::<Text, _>(snapshot),
        conn,
    )
}

/// Makes sure that one short-lived notifier runs at a time; false if another one does. The lock is the session's.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn try_only_notifier(conn: &mut PgConnection) -> Result<bool> {
    answer(
        diesel::sql_query(
            "select pg_try_advisory_lock(hashtextextended('audit-notify', 0)) as answer",
        ),
        conn,
    )
}

/// Lets another notifier run.
///
/// # Errors
/// When the database can not be reached or refuses.
pub fn release_only_notifier(conn: &mut PgConnection) -> Result<bool> {
    answer(
        diesel::sql_query(
            "select pg_advisory_unlock(hashtextextended('audit-notify', 0)) as answer",
        ),
        conn,
    )
}

fn answer<'a, Q>(query: Q, conn: &mut PgConnection) -> Result<bool>
where
    Q: LoadQuery<'a, PgConnection, Answer>,
{
    Ok(query.get_result::<Answer>(conn)?.answer)
}
