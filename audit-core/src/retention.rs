//! How long what is over is kept.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::Period;

/// What grows with time and can be dropped when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// The log of changes.
    Changes,
    /// Findings, and how time-driven rules came to be as they are.
    Findings,
    /// Rows that were released from quarantine or discarded.
    Quarantine,
    /// Evidence of statements that were refused.
    Rejections,
    /// Checks of existing rows that have ended.
    Checks,
    /// Alerts that were resolved.
    Alerts,
    /// Messages about resolved alerts.
    Deliveries,
}

/// How long each kind is kept, where it is said. What nobody says anything of is kept for ever.
///
/// # Examples
///
/// ```
/// use audit_core::{Kept, Retention};
///
/// let mut retention = Retention::default();
/// retention.keep(Kept::Changes, Some("2y".parse().unwrap()));
/// retention.keep(Kept::Findings, None);
/// assert_eq!(retention.to_string(), "changes 2 years, findings forever");
/// assert_eq!(retention.definition()["changes"], "2 years");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    kept: BTreeMap<Kept, Option<Period>>,
}

impl Kept {
    /// All kinds.
    pub const ALL: [Kept; 7] = [
        Kept::Changes,
        Kept::Findings,
        Kept::Quarantine,
        Kept::Rejections,
        Kept::Checks,
        Kept::Alerts,
        Kept::Deliveries,
    ];

    /// The word for it in the policy file and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Kept::Changes => "changes",
            Kept::Findings => "findings",
            Kept::Quarantine => "quarantine",
            Kept::Rejections => "rejections",
            Kept::Checks => "checks",
            Kept::Alerts => "alerts",
            Kept::Deliveries => "deliveries",
        }
    }

    /// Whether a table may have its own: an alert and a message may be about several.
    pub const fn is_of_a_table(self) -> bool {
        !matches!(self, Kept::Alerts | Kept::Deliveries)
    }
}

impl Retention {
    /// Says how long a kind is kept; `None` means for ever.
    pub fn keep(&mut self, kind: Kept, period: Option<Period>) {
        self.kept.insert(kind, period);
    }

    /// How long a kind is kept, if it is said: `Some(None)` means for ever.
    pub fn get(&self, kind: Kept) -> Option<Option<Period>> {
        self.kept.get(&kind).copied()
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// As the database stores it: a length of time in words, or `forever`, for each kind.
    pub fn definition(&self) -> Value {
        let kept = self.kept.iter();
        Value::Object(
            kept.map(|(kind, period)| (kind.name().to_owned(), Value::from(in_words(*period))))
                .collect::<Map<_, _>>(),
        )
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, period)) in self.kept.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(
                formatter,
                "{separator}{} {}",
                kind.name(),
                in_words(*period)
            )?;
        }
        Ok(())
    }
}

fn in_words(period: Option<Period>) -> String {
    period.map_or_else(|| "forever".to_owned(), |period| period.to_string())
}
