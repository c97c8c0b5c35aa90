//! Findings: rules failed by statements.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Action, Author, Op, Severity};

/// One rule failed by one statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Identifies the finding.
    pub finding_id: String,
    /// When it was found, by the clock of the server.
    pub at: DateTime<Utc>,
    /// When it happened, if the writer said that it replays older events.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The watched table, as `schema.table`.
    pub table: String,
    /// The name of the rule.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was done with the failing rows.
    pub action: Action,
    /// Nothing was done, because the rule is on trial.
    pub shadow: bool,
    /// Who has to fix it.
    pub owner: String,
    /// What kind of statement it was; `None` where nobody wrote, and the tick found that a time-driven rule fails.
    pub op: Option<Op>,
    /// How many rows the statement wrote.
    pub rows: i64,
    /// How many of the written rows fail the rule.
    pub new_failed: i64,
    /// How many rows that were updated or deleted failed the rule before.
    pub old_failed: i64,
    /// The primary keys of the first failing rows, as text.
    pub keys: Vec<String>,
    /// The first failing rows, or the rule's columns of them.
    pub samples: Vec<Value>,
    /// The error that the rule itself raised, if it could not be evaluated.
    pub error: Option<String>,
    /// Until when it has to be fixed; `None` means that nobody has to.
    pub fix_by: Option<DateTime<Utc>>,
    /// Who wrote.
    pub author: Author,
}

impl Finding {
    /// The time to show: when it happened, or else when it was found.
    pub fn time(&self) -> DateTime<Utc> {
        self.occurred_at.unwrap_or(self.at)
    }
}
