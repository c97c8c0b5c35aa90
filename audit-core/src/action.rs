//! What happens to a row that fails a rule.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What happens to a row that fails a rule, whatever the rule's severity.
///
/// The worst action of a row's failed rules wins, and [`Action::Reject`] is the greatest.
///
/// # Examples
///
/// ```
/// use audit_core::Action;
///
/// assert_eq!(Action::Flag.max(Action::Quarantine), Action::Quarantine);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The row is written, and a finding says that it fails.
    #[default]
    Flag,
    /// The write succeeds, and the row is set aside until somebody releases, edits or discards it.
    Quarantine,
    /// The write fails with SQLSTATE `AU001`.
    Reject,
}

impl Action {
    /// Every action, mildest first.
    pub const ALL: [Action; 3] = [Action::Flag, Action::Quarantine, Action::Reject];

    /// The word, in lower case, as the policy file and the database spell it.
    pub fn name(self) -> &'static str {
        match self {
            Action::Flag => "flag",
            Action::Quarantine => "quarantine",
            Action::Reject => "reject",
        }
    }
}

/// What [`Action::Quarantine`] does with a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineMode {
    /// The row is taken out of the table, or put back to its last good version.
    #[default]
    SetAside,
    /// The row stays in the table, and a generated view does not show it.
    Hide,
}

impl QuarantineMode {
    /// Every mode.
    pub const ALL: [QuarantineMode; 2] = [QuarantineMode::SetAside, QuarantineMode::Hide];

    /// The word, as the policy file and the database spell it.
    pub fn name(self) -> &'static str {
        match self {
            QuarantineMode::SetAside => "set_aside",
            QuarantineMode::Hide => "hide",
        }
    }
}

impl FromStr for QuarantineMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        QuarantineMode::ALL
            .into_iter()
            .find(|mode| mode.name() == text)
            .ok_or_else(|| Error::UnknownWord {
                what: "mode",
                text: text.to_owned(),
                expected: "set_aside or hide",
            })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Action::ALL
            .into_iter()
            .find(|action| action.name() == text)
            .ok_or_else(|| Error::UnknownWord {
                what: "action",
                text: text.to_owned(),
                expected: "flag, quarantine or reject",
            })
    }
}
