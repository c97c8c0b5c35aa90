//! Writes that a rule refused: what their error says, and how its evidence is kept.
//!
//! A refused statement fails with SQLSTATE `AU001`. The first rule is the constraint of the error, its schema, table and
//! column are those of the watched table, and DETAIL holds everything as json: all rules that refused, how many rows,
//! which keys, who wrote. The rollback takes nothing of that away, because it is in the error.
//!
//! # Examples
//!
//! ```no_run
//! use audit_schema::rejection::{self, Rejection};
//! use diesel::connection::SimpleConnection;
//!
//! # fn main() -> audit_schema::Result<()> {
//! # let mut connection = audit_schema::connect("")?;
//! if let Err(error) = connection.batch_execute("insert into orders values (1, -5)") {
//!     if let Some(rejection) = Rejection::from_error(&error) {
//!         for rule in &rejection.rejected {
//!             eprintln!("{}: {} rows, for example {:?}", rule.rule, rule.rows, rule.keys);
//!         }
//!         rejection::record_rejection(&mut connection, &rejection)?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use chrono::{DateTime, Utc};
use diesel::connection::TransactionManager;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, Result};

/// A statement that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// Every rule that refused it, or that blocks because it can not be evaluated.
    pub rejected: Vec<RejectedBy>,
    /// The watched table, as `schema.table`.
    pub table: String,
    /// `insert` or `update`.
    pub op: String,
    /// How many rows the statement wrote.
    pub rows: i64,
    /// Identifies the rejection.
    pub rejection_id: Uuid,
    /// The number by which the log names the table.
    pub table_id: i32,
    /// When it was refused, by the clock of the server.
    pub at: DateTime<Utc>,
    /// When it would have happened, if the writer said that it replays older events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<DateTime<Utc>>,
    /// The role that logged in.
    pub session_role: String,
    /// The role set by `SET ROLE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The person on whose behalf an application wrote, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// `application_name` of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The network address of the client; `None` on a unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The request that led to the write, if the application said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One rule that refused a statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RejectedBy {
    /// The name of the rule.
    pub rule: String,
    /// `critical`, `important`, `normal` or `low`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The columns that it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// How many of the written rows fail it; 0 where it could not be evaluated.
    #[serde(default)]
    pub rows: i64,
    /// The primary keys of the first ten of them, as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// The columns of the rule of the first three of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Value>,
    /// Why it could not be evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why the rule exists, in the words of its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl Rejection {
    /// The rejection that an error of diesel tells of; `None` for every other error.
    #[must_use]
    pub fn from_error(error: &diesel::result::Error) -> Option<Self> {
        match error {
            diesel::result::Error::DatabaseError(_, information) => {
                Self::parse(information.details()?)
            }
            _ => None,
        }
    }

    /// The rejection in the DETAIL of an error; `None` if it is something else.
    ///
    /// ```
    /// use audit_schema::rejection::Rejection;
    /// assert_eq!(Rejection::parse("Key (id)=(1) already exists."), None);
    /// ```
    #[must_use]
    pub fn parse(detail: &str) -> Option<Self> {
        serde_json::from_str(detail).ok()
    }
}

/// Keeps the evidence of a rejection in `audit.rejection`, in a transaction of its own. True the first time: evidence that
/// the database itself has kept through its second connection, or that is handed in again, is kept once.
///
/// The role needs the right to execute `audit.record_rejection(json)`.
///
/// # Errors
///
/// [`Error::InTransaction`] inside a transaction, whose rollback would take the evidence along.
pub fn record_rejection(connection: &mut PgConnection, rejection: &Rejection) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Recorded {
        #[diesel(sql_type = Bool)]
        recorded: bool,
    }
    type Manager = <PgConnection as Connection>::TransactionManager;
    let depth = Manager::transaction_manager_status_mut(connection).transaction_depth();
    if depth.ok().flatten().is_some() {
        return Err(Error::InTransaction);
    }
    let evidence = serde_json::to_value(rejection).map_err(Error::unreadable)?;
    let kept: Recorded = connection.transaction(|connection| {
        diesel::sql_query("select audit.record_rejection($1) as recorded")
            .bind::<Json, _>(evidence)
            .get_result(connection)
    })?;
    Ok(kept.recorded)
}
