//! Silences: what nobody has to hear of for a while, because somebody knows.
//!
//! ```no_run
//! use audit_core::alert::Matchers;
//! use audit_schema::{alert, silence};
//!
//! # fn main() -> audit_schema::Result<()> {
//! let mut connection = audit_schema::connect("postgresql:///shop")?;
//! let clock = alert::clock(&mut connection)?;
//! let work = silence::New {
//!     matchers: Matchers { table: vec!["public.orders".to_owned()], ..Matchers::default() },
//!     from: None,
//!     until: clock + chrono::TimeDelta::hours(2),
//!     reason: "the feed is being moved".to_owned(),
//! };
//! silence::add(&mut connection, &work, clock)?;
//! # Ok(())
//! # }
//! ```

use audit_core::Hours;
use audit_core::alert::Matchers;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::identity::the_only;
use crate::{Error, Result, alert};

/// A silence as people look at it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Silence {
    /// Identifies it.
    pub silence_id: Uuid,
    /// Its name, if the policy declares it.
    pub name: Option<String>,
    /// Which alerts nobody has to hear of.
    pub matchers: Matchers,
    /// When it begins.
    pub from: DateTime<Utc>,
    /// The hours in which it is in force, if it is not all the time.
    pub hours: Option<Hours>,
    /// When it ends, or ended: by itself, or because somebody ended it.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub author: String,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
    /// Whether it is to come, in force or over.
    pub state: State,
    /// How many open alerts it mutes.
    pub mutes: usize,
}

/// Where a silence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has not begun, or waits for its next hours.
    ToCome,
    /// It mutes what it matches.
    InForce,
    /// It has ended.
    Over,
}

/// What nobody has to hear of, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct New {
    /// Which alerts.
    pub matchers: Matchers,
    /// When it begins; `None` means now.
    pub from: Option<DateTime<Utc>>,
    /// When it ends.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// Says that nobody has to hear of certain alerts until a time. They are recorded all the same, and what still fires when
/// the silence ends is told then.
///
/// # Errors
/// When it says nothing about which alerts (constraint `silence_means_something`), gives no reason
/// (`silence_has_a_reason`), does not end after it begins (`silence_ends_after_it_begins`), lasts longer than the policy
/// allows (`silence_is_short_enough`), or the database refuses.
pub fn add(conn: &mut PgConnection, new: &New, clock: DateTime<Utc>) -> Result<Uuid> {
    #[derive(QueryableByName)]
    struct Added {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let matchers = serde_json::to_value(&new.matchers).map_err(Error::unreadable)?;
    let added: Added = diesel::sql_query("select audit.add_silence($1, $2, $3, $4, $5) as id")
        .bind::<Jsonb, _>(matchers)
        .bind::<Timestamptz, _>(new.until)
        .bind::<Text, _>(&new.reason)
        .bind::<Nullable<Timestamptz>, _>(new.from)
        .bind::<Timestamptz, _>(clock)
        .get_result(conn)?;
    Ok(added.id)
}

/// Ends a silence before its time. What still fires is told at the next tick.
///
/// # Errors
/// When it has ended already (constraint `silence_is_in_force`), or the database refuses.
pub fn end(
    conn: &mut PgConnection,
    silence: Uuid,
    reason: &str,
    clock: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query("select audit.end_silence($1, $2, $3)")
        .bind::<SqlUuid, _>(silence)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(clock)
        .execute(conn)?;
    Ok(())
}

/// The silence whose identity begins with some characters.
///
/// # Errors
/// When there is none or several, or the pipeline may not be read.
pub fn find(conn: &mut PgConnection, id: &str) -> Result<Uuid> {
    the_only(conn, "silence", "audit.silence", "silence_id", id)
}

/// Silences that are in force or to come, and those that are over if they are wanted, the first to end first.
///
/// # Errors
/// When the pipeline is not installed or may not be read.
pub fn list(conn: &mut PgConnection, over: bool, clock: DateTime<Utc>) -> Result<Vec<Silence>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        silence_id: Uuid,
        #[diesel(sql_type = Nullable<Text>)]
        name: Option<String>,
        #[diesel(sql_type = Jsonb)]
        matchers: Value,
        #[diesel(sql_type = Nullable<Jsonb>)]
        hours: Option<Value>,
        #[diesel(sql_type = Bool)]
        is_on: bool,
        #[diesel(sql_type = Timestamptz)]
        from: DateTime<Utc>,
        #[diesel(sql_type = Timestamptz)]
        until: DateTime<Utc>,
        #[diesel(sql_type = Text)]
        reason: String,
        #[diesel(sql_type = Text)]
        author: String,
        #[diesel(sql_type = Nullable<Text>)]
        ended_by: Option<String>,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            silence.silence_id,
            silence.name,
            silence.matchers,
            silence.hours,
            silence.hours is null or audit._hours_left(silence.hours, $2) > interval '0' as is_on,
            silence.from_time as \"from\",
            coalesce(silence.ended_at, silence.until_time) as until,
            silence.reason,
            silence.author,
            silence.ended_by
        from audit.silence as silence
        where $1 or coalesce(silence.ended_at, silence.until_time) > $2
        order by until, silence.silence_id",
    )
    .bind::<Bool, _>(over)
    .bind::<Timestamptz, _>(clock)
    .load(conn)?;
    let open = alert::list(
        conn,
        &alert::Filter {
            limit: i64::MAX,
            ..alert::Filter::default()
        },
    )?;
    rows.into_iter()
        .map(|row| {
            let matchers: Matchers =
                serde_json::from_value(row.matchers).map_err(Error::unreadable)?;
            let state = match clock {
                _ if row.until <= clock => State::Over,
                _ if row.from > clock || !row.is_on => State::ToCome,
                _ => State::InForce,
            };
            let mutes = match state {
                State::InForce => open
                    .iter()
                    .filter(|alert| alert.is_matched(&matchers))
                    .count(),
                State::ToCome | State::Over => 0,
            };
            Ok(Silence {
                silence_id: row.silence_id,
                name: row.name,
                matchers,
                hours: row
                    .hours
                    .map(serde_json::from_value)
                    .transpose()
                    .map_err(Error::unreadable)?,
                from: row.from,
                until: row.until,
                reason: row.reason,
                author: row.author,
                ended_by: row.ended_by,
                state,
                mutes,
            })
        })
        .collect()
}
