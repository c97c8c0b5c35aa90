//! Takes back what was written, row by row, refusing rows that changed since.

use audit_core::Op;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use crate::{Error, Result};

/// What to take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// What is at one position of the log, as PostgreSQL writes it: `0/1A2B3C`. A statement of more than 1,000 rows has
    /// several.
    Change(String),
    /// Everything that a transaction wrote.
    Transaction(u64),
    /// What one actor wrote, or a role that named no actor.
    Actor {
        /// Who.
        name: String,
        /// From this time on.
        since: DateTime<Utc>,
        /// Until this time.
        until: DateTime<Utc>,
    },
}

/// What takes back the change of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UndoStep {
    /// The statement; `None` for a truncate, whose rows are not in the log.
    pub statement: Option<String>,
    /// Whether it can be run, or has been.
    pub status: UndoStatus,
    /// The table, as `schema.table`.
    pub table: String,
    /// The primary key that the change left or deleted.
    pub key: Option<String>,
    /// What kind of change is taken back.
    pub op: Op,
    /// The log position of the change.
    pub lsn: String,
    /// The transaction that made it.
    pub xid: u64,
    /// When it was logged.
    pub at: DateTime<Utc>,
    /// Columns whose values the log does not know, because they are redacted or hashed: they stay as they are.
    pub unknown: Vec<String>,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UndoStatus {
    /// It can be run.
    Ready,
    /// It was run.
    Done,
    /// It can not be run.
    Refused {
        /// Why.
        reason: String,
        /// The log position of the later change that stands in the way, if there is one.
        later: Option<String>,
    },
}

/// The steps that would take something back, in the order to run them: newest first. Nothing is changed.
///
/// # Examples
///
/// ```no_run
/// use audit_schema::undo::{self, Undo};
///
/// # fn main() -> audit_schema::Result<()> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// for step in undo::show(&mut connection, &Undo::Transaction(740), None)? {
///     println!("{:?} {}", step.status, step.statement.unwrap_or_default());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When nothing of it is in the log (`nothing_to_undo`), or the role may not read the log or the tables.
pub fn show(
    connection: &mut PgConnection,
    what: &Undo,
    table: Option<&str>,
) -> Result<Vec<UndoStep>> {
    steps(connection, what, table, false)
}

/// Takes something back: all of it or, if one step is refused, nothing. It is logged like any write, with the cause `undo`,
/// on behalf of whom the [context](crate::context) names.
///
/// # Errors
///
/// When a step is refused (`undo_is_refused`), a deletion would cascade to other rows (`undo_would_cascade`), nothing of
/// it is in the log (`nothing_to_undo`), or the role may not write the tables.
pub fn run(
    connection: &mut PgConnection,
    what: &Undo,
    table: Option<&str>,
) -> Result<Vec<UndoStep>> {
    connection.transaction(|connection| steps(connection, what, table, true))
}

fn steps(
    connection: &mut PgConnection,
    what: &Undo,
    table: Option<&str>,
    execute: bool,
) -> Result<Vec<UndoStep>> {
    let (mut change, mut transaction, mut actor, mut since, mut until) =
        (None, None, None, None, None);
    match what {
        Undo::Change(lsn) => change = Some(lsn.as_str()),
        Undo::Transaction(xid) => transaction = Some(xid.to_string()),
        Undo::Actor {
            name,
            since: from,
            until: to,
        } => {
            actor = Some(name.as_str());
            since = Some(*from);
            until = Some(*to);
        }
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            u.statement, u.status, u.table_name, u.key, u.op::text as op, u.lsn::text as lsn, u.xid::text::bigint as xid, u.at,
            u.reason, u.later_lsn::text as later, coalesce(u.unknown, '{}') as unknown
        from audit.undo($1::pg_lsn, $2::xid8, $3, $4, $5, $6::regclass, $7) u",
    )
    .bind::<Nullable<Text>, _>(change)
    .bind::<Nullable<Text>, _>(transaction)
    .bind::<Nullable<Text>, _>(actor)
    .bind::<Nullable<Timestamptz>, _>(since)
    .bind::<Nullable<Timestamptz>, _>(until)
    .bind::<Nullable<Text>, _>(table)
    .bind::<Bool, _>(execute)
    .load(connection)?;
    rows.into_iter().map(UndoStep::try_from).collect()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    statement: Option<String>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    key: Option<String>,
    #[diesel(sql_type = Text)]
    op: String,
    #[diesel(sql_type = Text)]
    lsn: String,
    #[diesel(sql_type = BigInt)]
    xid: i64,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    later: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    unknown: Vec<String>,
}

impl TryFrom<Row> for UndoStep {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            statement: row.statement,
            status: match (row.status.as_str(), row.reason) {
                (_, Some(reason)) => UndoStatus::Refused {
                    reason,
                    later: row.later,
                },
                ("done", None) => UndoStatus::Done,
                _ => UndoStatus::Ready,
            },
            table: row.table_name,
            key: row.key,
            op: Op::from_letter(&row.op).map_err(Error::unreadable)?,
            lsn: row.lsn,
            xid: u64::try_from(row.xid).map_err(Error::unreadable)?,
            at: row.at,
            unknown: row.unknown,
        })
    }
}
