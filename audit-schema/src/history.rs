//! The versions of one row, from the log.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;

use crate::Result;

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct Version {
    /// When it happened.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// `I` insert, `U` update, `D` delete.
    #[diesel(sql_type = Text)]
    pub op: String,
    /// Primary key before the change.
    #[diesel(sql_type = Nullable<Text>)]
    pub old_key: Option<String>,
    /// Primary key after the change.
    #[diesel(sql_type = Nullable<Text>)]
    pub new_key: Option<String>,
    /// The row before; none for an insert.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub old: Option<Value>,
    /// The row after; none for a delete.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub new: Option<Value>,
    /// The role that logged in.
    #[diesel(sql_type = Text)]
    pub session_role: String,
    /// The person on whose behalf an application wrote, if it said so.
    #[diesel(sql_type = Nullable<Text>)]
    pub actor: Option<String>,
    /// `application_name` of the session.
    #[diesel(sql_type = Nullable<Text>)]
    pub application: Option<String>,
    /// The request that led to the write, if the application said so.
    #[diesel(sql_type = Nullable<Text>)]
    pub request_id: Option<String>,
    /// Why the pipeline itself wrote, for example `quarantine`.
    #[diesel(sql_type = Nullable<Text>)]
    pub cause: Option<String>,
    /// The transaction that wrote.
    #[diesel(sql_type = Text)]
    pub transaction: String,
    /// Whether it is in a sealed segment already.
    #[diesel(sql_type = Bool)]
    pub sealed: bool,
}

/// The versions of the row of `table` with the primary key `key`, oldest first.
///
/// The key is the text of the primary key, or a JSON array of its columns where it has several.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> audit_schema::Result<()> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// for version in audit_schema::history(&mut connection, "public.orders", "42")? {
///     println!("{} {} by {}", version.at, version.op, version.session_role);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the table does not exist, or the role may not read the log.
pub fn history(connection: &mut PgConnection, table: &str, key: &str) -> Result<Vec<Version>> {
    Ok(diesel::sql_query(
        "select
            h.at, h.op::text, h.old_key, h.new_key, h.old, h.new, h.session_role, h.actor, h.application, h.request_id,
            h.cause, h.xid::text as transaction, h.sealed
        from audit.history($1::regclass, $2) h",
    )
    .bind::<Text, _>(table)
    .bind::<Text, _>(key)
    .load(connection)?)
}
