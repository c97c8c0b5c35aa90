//! What a dashboard shows, as plain data: everything that is drawn is a field here, so that numbers can be tested
//! without looking at a picture, and a picture can be drawn without a database.

use audit_core::Severity;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::period::Period;

/// One picture's worth of figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    /// What the picture is called; empty for `Data quality`.
    #[serde(default)]
    pub title: String,
    /// Name of the database.
    pub database: String,
    /// First and last day, and the zone they are told in.
    pub period: Period,
    /// What was left out, in words, for example `only severity critical`; empty when nothing was.
    #[serde(default)]
    pub only: String,
    /// The moment the figures are of: the clock of the pipeline, which in a replay is that of what it replays.
    pub as_of: DateTime<Utc>,
    /// When the figures were read.
    pub drawn_at: DateTime<Utc>,
    /// Rows that were written in the period.
    pub checked: Checked,
    /// Rows that fail a rule now.
    pub failing: Failing,
    /// Rows that were set aside.
    pub set_aside: SetAside,
    /// Alerts that have not ended.
    pub open_alerts: OpenAlerts,
    /// Failures that should have been put right by now.
    pub overdue: Overdue,
    /// The pipeline itself.
    pub pipeline: Pipeline,
    /// Findings and changes over the period, one entry for every step of time, none left out.
    pub steps: Vec<Step>,
    /// The rules that fail most now, worst first.
    pub failing_rules: Vec<FailingRule>,
    /// How many rules fail now; may be more than are in the list.
    pub failing_rules_in_all: usize,
    /// How many rules are in force.
    pub rules: usize,
    /// Quality of the watched tables, worst first.
    pub tables: Vec<TableQuality>,
    /// Failed rows by weekday (Monday first) and hour of the day.
    pub by_hour: Vec<[i64; 24]>,
    /// Alerts that were open in the period, worst first.
    pub alerts: Vec<AlertSpan>,
    /// How many alerts were open in the period; may be more than are in the list.
    pub alerts_in_all: usize,
    /// Half of the alerts were taken on within this time.
    pub median_to_acknowledge: Option<Seconds>,
    /// Half of the alerts ended within this time.
    pub median_to_resolve: Option<Seconds>,
    /// Who wrote most in the period.
    pub writers: Vec<Writer>,
    /// How many writers there were; may be more than are in the list.
    pub writers_in_all: usize,
}

/// A length of time in whole seconds.
pub type Seconds = i64;

/// Rows that were written, each of which was checked when it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Rows that were inserted or updated in the period.
    pub rows: i64,
    /// The same in the period of the same length before; null when the watch had not begun.
    pub before: Option<i64>,
    /// How many tables are watched.
    pub tables: usize,
}

/// Rows that fail a rule now. A row counts once for every rule that it fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failing {
    /// Failures in all tables.
    pub rows: i64,
    /// Failures of business-critical rules.
    pub critical: i64,
    /// Rows in all watched tables.
    pub of_rows: i64,
    /// Statements for which a rule could not be evaluated.
    pub errors: i64,
}

/// Rows in quarantine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SetAside {
    /// Still held.
    pub held: i64,
    /// How long the oldest has been held.
    pub oldest: Option<Seconds>,
    /// Put back.
    pub released: i64,
    /// Thrown away.
    pub discarded: i64,
}

/// Alerts that have not ended, by severity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenAlerts {
    /// Critical, important, normal, low.
    pub by_severity: [i64; 4],
    /// Those that somebody has taken on.
    pub acknowledged: i64,
}

impl OpenAlerts {
    /// All of them.
    pub fn total(&self) -> i64 {
        self.by_severity.iter().sum()
    }

    /// The worst severity with an open alert.
    pub fn worst(&self) -> Option<(Severity, i64)> {
        Severity::ALL
            .into_iter()
            .zip(self.by_severity)
            .find(|(_, number)| *number > 0)
    }
}

/// The place of a severity in lists of four, worst first.
pub(crate) fn place(severity: Severity) -> usize {
    Severity::ALL
        .iter()
        .position(|other| *other == severity)
        .unwrap_or(3)
}

/// Failures that should have been put right by now: for each rule those that fail now and were not written within
/// the last `fix_within`. When corrections took back newer failures first there are more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overdue {
    /// Failures that are too old.
    pub rows: i64,
    /// Failures that somebody has to put right at some time.
    pub of_rows: i64,
    /// The worst severity among those that are too old.
    pub worst: Option<Severity>,
}

/// Whether the pipeline itself is well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// By how many seconds the tick is late: how much longer the oldest change has waited for it than it may.
    pub behind: f64,
    /// Log rows that wait for the tick.
    pub waiting: i64,
    /// Messages that were accepted by their provider.
    pub delivered: i64,
    /// Messages that are on their way.
    pub undelivered: i64,
    /// Messages that were given up.
    pub dead: i64,
    /// Channels that are paused because their credentials were refused.
    pub paused_channels: i64,
    /// Whether a tick has ever run.
    pub ticked: bool,
    /// How many seconds ago the last tick ran; 0 in a replay.
    #[serde(default)]
    pub silent: f64,
    /// Size of the log on disk, in bytes.
    pub log_bytes: i64,
    /// Sealed segments.
    pub segments: i64,
}

/// One column of the charts over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its beginning, in local time.
    pub start: NaiveDateTime,
    /// Written rows that failed a rule: critical, important, normal, low.
    pub failed: [i64; 4],
    /// Rows inserted, updated and deleted.
    pub written: i64,
}

impl Step {
    /// Written rows that failed a rule of any severity.
    pub fn failures(&self) -> i64 {
        self.failed.iter().sum()
    }
}

/// A rule that fails now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailingRule {
    /// The table, without its schema where that is `public`.
    pub table: String,
    /// What the rule says, in words.
    pub says: String,
    /// Its name.
    pub rule: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// Who has to put it right.
    pub owner: String,
    /// Rows that fail it now.
    pub failing: i64,
    /// Since when it has failed.
    pub since: Option<DateTime<Utc>>,
}

/// Quality of a table: which share of its rows passes every rule.
///
/// Counters know how many rows fail each rule, not which rows fail several. So the share lies between two bounds,
/// which are one where no row fails two rules:
///
/// * `at_least` = 1 − (sum of the failures of all rules) ÷ rows, and no less than 0
/// * `at_most` = 1 − (failures of the rule that fails most) ÷ rows
///
/// Rows that were set aside are not in the table and count in neither. An empty table has no quality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableQuality {
    /// The table, without its schema where that is `public`.
    pub table: String,
    /// Rows in it now.
    pub rows: i64,
    /// Rules in force.
    pub rules: i64,
    /// Lower bound of the share of rows that pass every rule.
    pub at_least: Option<f64>,
    /// Upper bound of the share of rows that pass every rule.
    pub at_most: Option<f64>,
    /// Whether it is getting better: of the rows written in the second half of the period, how much larger a share
    /// passed than of those written in the first half, by the lower bound. Nothing unless a hundred rows were written in
    /// each half, because less says little.
    pub change: Option<f64>,
}

/// An alert from its opening to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertSpan {
    /// The policy that opened it.
    pub policy: String,
    /// What it is about: the group of a summary, or table and rule.
    pub about: String,
    /// One sentence with the numbers, as last observed while it held.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// When the condition was first seen to hold.
    pub opened_at: DateTime<Utc>,
    /// When somebody took it on.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When it ended; null while it is open.
    pub resolved_at: Option<DateTime<Utc>>,
}

impl AlertSpan {
    /// The name it has in charts.
    pub fn name(&self) -> String {
        let policy = self.policy.replace(['_', '-'], " ");
        if self.about.is_empty() {
            policy
        } else {
            format!("{policy} · {}", self.about)
        }
    }
}

/// Somebody who wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Writer {
    /// The actor, else the application, else the role.
    pub name: String,
    /// Rows inserted, updated and deleted in the period.
    pub rows: i64,
}
