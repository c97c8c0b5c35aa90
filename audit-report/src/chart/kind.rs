//! Which charts there are, and how they are called on a command line.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A question that a chart answers. As text it is its name, as on a command line.
///
/// # Examples
/// ```
/// use audit_report::chart::Kind;
/// assert_eq!("pass-rate".parse(), Ok(Kind::PassRate));
/// let cancelled = Kind::Summary { name: "departures_by_day".into(), measure: Some("cancelled".into()) };
/// assert_eq!("summary:departures_by_day:cancelled".parse(), Ok(cancelled));
/// for kind in Kind::ALL {
///     assert_eq!(kind.to_string().parse(), Ok(kind));
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Kind {
    /// How good each table is: the share of its rows that pass every rule.
    Quality,
    /// Which share of the written rows passed each rule, over time.
    PassRate,
    /// What failed over time, by severity.
    Findings,
    /// Which few rules cause most of the failures.
    Pareto,
    /// When it fails: hour of the day by weekday.
    Heatmap,
    /// Since when tables are silent, against how long they may be.
    Freshness,
    /// Who writes how much to which table, over time.
    Changes,
    /// Alerts from opening over acknowledgement to resolution.
    Alerts,
    /// How long until alerts are acknowledged and resolved.
    Response,
    /// How long rows have waited in quarantine.
    Quarantine,
    /// How long messages are on their way, by channel.
    Deliveries,
    /// What a declared summary says: lines where it has buckets of time, else bars.
    Summary {
        /// The summary.
        name: String,
        /// Which of its measures; by default the first that is a number.
        measure: Option<String>,
    },
}

/// A name that no chart has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no chart called `{name}`; there are {} and summary:NAME", Kind::ALL.map(|kind| kind.to_string()).join(", "))]
pub struct NoKind {
    /// What was given.
    pub name: String,
}

impl Kind {
    /// Every chart that any database has. Beside them there is one for every measure of every declared summary.
    pub const ALL: [Kind; 11] = [
        Kind::Quality,
        Kind::PassRate,
        Kind::Findings,
        Kind::Pareto,
        Kind::Heatmap,
        Kind::Freshness,
        Kind::Changes,
        Kind::Alerts,
        Kind::Response,
        Kind::Quarantine,
        Kind::Deliveries,
    ];

    /// Its name without what it is of: that of a chart of a summary is `summary`.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Quality => "quality",
            Kind::PassRate => "pass-rate",
            Kind::Findings => "findings",
            Kind::Pareto => "pareto",
            Kind::Heatmap => "heatmap",
            Kind::Freshness => "freshness",
            Kind::Changes => "changes",
            Kind::Alerts => "alerts",
            Kind::Response => "response",
            Kind::Quarantine => "quarantine",
            Kind::Deliveries => "deliveries",
            Kind::Summary { .. } => "summary",
        }
    }

    /// What it shows, in a few words.
    pub fn about(&self) -> &'static str {
        match self {
            Kind::Quality => "quality of each table",
            Kind::PassRate => "share of written rows that passed each rule, over time",
            Kind::Findings => "findings by severity over time",
            Kind::Pareto => "which few rules cause most failures",
            Kind::Heatmap => "when it fails, by hour and weekday",
            Kind::Freshness => "how long tables have been silent",
            Kind::Changes => "changes by table and actor over time",
            Kind::Alerts => "alerts with acknowledgement and resolution",
            Kind::Response => "time to acknowledge and to resolve, by severity",
            Kind::Quarantine => "rows in quarantine by rule and age",
            Kind::Deliveries => "how long messages were on their way, by channel",
            Kind::Summary { .. } => "a declared summary",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Summary {
                name,
                measure: Some(measure),
            } => write!(formatter, "summary:{name}:{measure}"),
            Kind::Summary { name, .. } => write!(formatter, "summary:{name}"),
            plain => formatter.pad(plain.name()),
        }
    }
}

impl FromStr for Kind {
    type Err = NoKind;

    fn from_str(text: &str) -> Result<Self, NoKind> {
        let wrong = || NoKind {
            name: text.to_owned(),
        };
        if let Some(summary) = text.strip_prefix("summary:") {
            let (name, measure) = match summary.split_once(':') {
                Some((name, measure)) => (name, Some(measure.to_owned())),
                None => (summary, None),
            };
            if name.is_empty() || measure.as_deref() == Some("") {
                return Err(wrong());
            }
            return Ok(Kind::Summary {
                name: name.to_owned(),
                measure,
            });
        }
        Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(wrong)
    }
}

impl TryFrom<String> for Kind {
    type Error = NoKind;

    fn try_from(text: String) -> Result<Self, NoKind> {
        text.parse()
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> String {
        kind.to_string()
    }
}
