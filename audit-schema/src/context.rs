//! Says on whose behalf a transaction writes, so that the log can tell.

use chrono::{DateTime, Utc};
use diesel::connection::TransactionManager;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::error::{Error, Result};

/// Who writes, for which request, and when what is written happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The person on whose behalf the application writes.
    pub actor: Option<String>,
    /// The request that leads to the writes.
    pub request_id: Option<String>,
    /// When what is written happened, for replays and backfills; from 1970 on, in microseconds.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// Sets the context of the current transaction; it ends with it. What is not given is unset.
///
/// Needs no right on the schema `audit`, and works where the pipeline is not installed. From SQL, or any other
/// language, `select audit.set_context(actor => …, request_id => …, occurred_at => …)` does the same.
///
/// # Examples
///
/// ```no_run
/// use audit_schema::context::{self, Context};
/// use diesel::Connection;
///
/// # let mut connection = audit_schema::connect("")?;
/// connection.transaction(|connection| {
///     context::set(connection, &Context { actor: Some("ana@example.com".to_owned()), ..Context::default() })
///     // … and write.
/// })?;
/// # Ok::<(), audit_schema::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NotInTransaction`] outside a transaction, where it would have no effect.
pub fn set(connection: &mut PgConnection, context: &Context) -> Result<()> {
    type Manager = <PgConnection as Connection>::TransactionManager;
    let depth = Manager::transaction_manager_status_mut(connection).transaction_depth();
    if depth.ok().flatten().is_none() {
        return Err(Error::NotInTransaction);
    }
    // The log takes a whole number of microseconds, without a sign; an earlier time is left out.
    let occurred_at = context
        .occurred_at
        .map(|time| time.timestamp_micros())
        .filter(|time| *time >= 0);
    diesel::sql_query(
        "select
            pg_catalog.set_config('audit.actor', $1, true),
            pg_catalog.set_config('audit.request_id', $2, true),
            pg_catalog.set_config('audit.occurred_at', $3, true)",
    )
    .bind::<Text, _>(context.actor.as_deref().unwrap_or_default())
    .bind::<Text, _>(context.request_id.as_deref().unwrap_or_default())
    .bind::<Text, _>(occurred_at.map(|time| time.to_string()).unwrap_or_default())
    .execute(connection)?;
    Ok(())
}
