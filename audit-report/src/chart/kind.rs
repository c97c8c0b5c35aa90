//! Which charts there are, and how they are called on a command line.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A question that a chart answers.
///
/// # Examples
/// ```
/// use audit_report::chart::Kind;
/// assert_eq!("heatmap".parse(), Ok(Kind::Heatmap));
/// for kind in Kind::ALL {
///     assert_eq!(kind.to_string().parse(), Ok(kind));
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// How good each table is: the share of its rows that pass every rule.
    Quality,
    /// What failed over time, by severity.
    Findings,
    /// When it fails: hour of the day by weekday.
    Heatmap,
    /// Alerts from opening over acknowledgement to resolution.
    Alerts,
}

/// A name that no chart has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no chart called `{name}`; there are {}", Kind::ALL.iter().map(Kind::to_string).collect::<Vec<_>>().join(", "))]
pub struct NoKind {
    /// What was given.
    pub name: String,
}

impl Kind {
    /// Every chart that any database has.
    pub const ALL: [Kind; 4] = [Kind::Quality, Kind::Findings, Kind::Heatmap, Kind::Alerts];

    /// Its name on a command line and in an address.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Quality => "quality",
            Kind::Findings => "findings",
            Kind::Heatmap => "heatmap",
            Kind::Alerts => "alerts",
        }
    }

    /// What it shows, in a few words.
    pub fn about(&self) -> &'static str {
        match self {
            Kind::Quality => "quality of each table",
            Kind::Findings => "findings by severity over time",
            Kind::Heatmap => "when it fails, by hour and weekday",
            Kind::Alerts => "alerts with acknowledgement and resolution",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = NoKind;

    fn from_str(text: &str) -> Result<Self, NoKind> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| NoKind {
                name: text.to_owned(),
            })
    }
}
