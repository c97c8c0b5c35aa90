//! Changes: what happened to the rows of watched tables, as the log tells it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Error;

/// What kind of statement made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// `I` in the log.
    Insert,
    /// `U` in the log.
    Update,
    /// `D` in the log.
    Delete,
    /// `T` in the log.
    Truncate,
}

/// Who wrote, as far as the database and the application said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The role that logged in.
    pub session_role: String,
    /// The person on whose behalf an application wrote.
    pub actor: Option<String>,
    /// `application_name` of the session.
    pub application: Option<String>,
    /// The network address of the client; `None` on a unix socket, and where it is not kept.
    pub client: Option<String>,
    /// The request that led to the write.
    pub request_id: Option<String>,
}

/// One changed row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowChange {
    /// The position in the log, as PostgreSQL writes it: `0/1A2B3C`.
    pub lsn: String,
    /// The transaction that wrote.
    pub xid: u64,
    /// When it was logged, by the clock of the server.
    pub at: DateTime<Utc>,
    /// When it happened, if the writer said that it replays older events.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The watched table, as `schema.table`.
    pub table: String,
    /// What kind of statement it was.
    pub op: Op,
    /// The primary key of the row after the change, before it for a delete, as text; `None` without one.
    pub key: Option<String>,
    /// The key before, where an update changed it.
    pub old_key: Option<String>,
    /// Who wrote.
    pub author: Author,
    /// Why the pipeline itself wrote, for example `quarantine`; `None` for everybody else.
    pub cause: Option<String>,
    /// The row before; `None` for an insert.
    pub old: Option<Map<String, Value>>,
    /// The row after; `None` for a delete.
    pub new: Option<Map<String, Value>>,
    /// Whether it is in a sealed segment already.
    pub sealed: bool,
}

impl Op {
    /// The kind of statement with this letter in the log.
    ///
    /// # Examples
    ///
    /// ```
    /// use audit_core::Op;
    ///
    /// assert_eq!(Op::from_letter("U").unwrap(), Op::Update);
    /// assert!(Op::from_letter("x").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// When the text is not one of the letters `I`, `U`, `D` and `T`.
    pub fn from_letter(letter: &str) -> Result<Op, Error> {
        match letter {
            "I" => Ok(Op::Insert),
            "U" => Ok(Op::Update),
            "D" => Ok(Op::Delete),
            "T" => Ok(Op::Truncate),
            _ => Err(Error::UnknownWord {
                what: "kind of statement",
                text: letter.to_owned(),
                expected: "I, U, D or T",
            }),
        }
    }

    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Op::Insert => "insert",
            Op::Update => "update",
            Op::Delete => "delete",
            Op::Truncate => "truncate",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl Author {
    /// The name to show: the actor if one was named, else the application, else the role.
    ///
    /// # Examples
    ///
    /// ```
    /// use audit_core::Author;
    ///
    /// let mut author = Author { session_role: "postgres".to_owned(), ..Author::default() };
    /// assert_eq!(author.name(), "postgres");
    /// author.actor = Some("ada@example.com".to_owned());
    /// assert_eq!(author.name(), "ada@example.com");
    /// ```
    pub fn name(&self) -> &str {
        self.actor
            .as_deref()
            .or(self.application.as_deref())
            .unwrap_or(&self.session_role)
    }
}

impl RowChange {
    /// The time to show: when it happened, or else when it was logged.
    pub fn time(&self) -> DateTime<Utc> {
        self.occurred_at.unwrap_or(self.at)
    }
}
