//! What people do about alerts: take them on, or silence them for a while.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::Result;

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

/// Silences an alert until a time. If its condition still holds then, it fires again.
///
/// # Errors
/// When the alert is not open (constraint `snoozed_alert_is_open`), or the database refuses.
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
