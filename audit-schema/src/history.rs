//! The versions of one row, from the log.

use audit_core::{Op, RowChange};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde_json::{Map, Value};

use crate::author::AuthorRow;
use crate::{Error, Result};

/// What happened to the row of `table` with the primary key `key`, oldest first.
///
/// The key is the text of the primary key, or a JSON array of its columns where it has several.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> audit_schema::Result<()> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// for change in audit_schema::history(&mut connection, "public.orders", "42")? {
///     println!("{} {} by {}", change.at, change.op, change.author.name());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the table does not exist, or the role may not read the log.
pub fn history(connection: &mut PgConnection, table: &str, key: &str) -> Result<Vec<RowChange>> {
    let rows: Vec<Row> = diesel::sql_query(
        "select
            h.lsn::text as lsn, h.xid::text as transaction, h.at, h.occurred_at, h.op::text as op, h.old_key, h.new_key,
            h.session_role, h.actor, h.application, host(h.client) as client, h.request_id, h.cause, h.old, h.new, h.sealed
        from audit.history($1::regclass, $2) h",
    )
    .bind::<Text, _>(table)
    .bind::<Text, _>(key)
    .load(connection)?;
    rows.into_iter().map(|row| row.change(table)).collect()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    lsn: String,
    #[diesel(sql_type = Text)]
    transaction: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    occurred_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    op: String,
    #[diesel(sql_type = Nullable<Text>)]
    old_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    new_key: Option<String>,
    #[diesel(embed)]
    author: AuthorRow,
    #[diesel(sql_type = Nullable<Text>)]
    cause: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    old: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    new: Option<Value>,
    #[diesel(sql_type = Bool)]
    sealed: bool,
}

impl Row {
    fn change(self, table: &str) -> Result<RowChange> {
        Ok(RowChange {
            lsn: self.lsn,
            xid: self.transaction.parse().map_err(Error::unreadable)?,
            at: self.at,
            occurred_at: self.occurred_at,
            table: table.to_owned(),
            op: Op::from_letter(&self.op).map_err(Error::unreadable)?,
            old_key: self
                .old_key
                .filter(|old| Some(old) != self.new_key.as_ref()),
            key: self.new_key,
            author: self.author.into(),
            cause: self.cause,
            old: self.old.and_then(object),
            new: self.new.and_then(object),
            sealed: self.sealed,
        })
    }
}

/// The fields of a logged row.
pub(crate) fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}
