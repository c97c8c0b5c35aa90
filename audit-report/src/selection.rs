//! What figures are about: a range of days in a time zone, and only some tables, owners and severities.

use std::str::FromStr;

use audit_core::Severity;
use audit_schema::metrics::{self, Filter, Scope, Window};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::format::joined;
use crate::period::{Period, StepWidth};

/// Which days figures are of. What is left out is taken from the database.
///
/// # Examples
/// ```
/// use audit_report::Range;
/// use chrono::NaiveDate;
///
/// let february = Range {
///     since: NaiveDate::from_ymd_opt(2013, 2, 1).map(Into::into),
///     until: NaiveDate::from_ymd_opt(2013, 2, 28),
///     zone: Some(chrono_tz::America::New_York),
/// };
/// let last_month = Range { since: "30d".parse().ok(), ..Range::default() };
/// assert_ne!(february, last_month);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// First day; by default that of the first change.
    pub since: Option<Since>,
    /// Last day; by default that of the last change, or today where `since` counts days back.
    pub until: Option<NaiveDate>,
    /// Where days begin; by default the zone that most summaries are declared in, else UTC.
    pub zone: Option<Tz>,
}

/// Where a range begins.
///
/// # Examples
/// ```
/// use audit_report::Since;
/// assert_eq!("30d".parse(), Ok(Since::Days(30)));
/// assert_eq!("2w".parse(), Ok(Since::Days(14)));
/// assert!("yesterday".parse::<Since>().unwrap_err().to_string().contains("30d"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Since {
    /// On a day.
    Day(NaiveDate),
    /// So many days before the end of the last day: 1 is the last day alone.
    Days(u32),
}

impl From<NaiveDate> for Since {
    fn from(day: NaiveDate) -> Self {
        Since::Day(day)
    }
}

/// A beginning of a range that can not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no beginning: write a day as 2026-11-01, or how far back as 30d, 12w or 1y")]
pub struct NoSince {
    /// What was given.
    pub text: String,
}

impl FromStr for Since {
    type Err = NoSince;

    fn from_str(text: &str) -> Result<Self, NoSince> {
        let wrong = || NoSince {
            text: text.to_owned(),
        };
        if let Ok(day) = text.parse() {
            return Ok(Since::Day(day));
        }
        let (number, days) = [('d', 1), ('w', 7), ('y', 365)]
            .into_iter()
            .find_map(|(unit, days)| Some((text.strip_suffix(unit)?, days)))
            .ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        match number.checked_mul(days) {
            Some(days) if (1..=MOST_DAYS).contains(&days) => Ok(Since::Days(days)),
            _ => Err(wrong()),
        }
    }
}

/// As far back as one may ask: the calendar has to know the day.
const MOST_DAYS: u32 = 365 * 1_000;

/// What figures are about. An empty list leaves nothing out.
///
/// # Examples
/// ```
/// use audit_core::Severity;
/// use audit_report::{Range, Selection};
///
/// let selection = Selection {
///     tables: vec!["flights".into()],
///     severities: vec![Severity::Critical, Severity::Important],
///     ..Range::default().into()
/// };
/// assert_eq!(selection.only(), "only table flights, severity critical or important");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The days.
    pub range: Range,
    /// Watched tables, as `schema.table`, or as `table` for any schema.
    pub tables: Vec<String>,
    /// Whoever has to put right what fails: the owner of a rule, or else of its table.
    pub owners: Vec<String>,
    /// How bad a failure is. What was written has no severity, and is never left out for one.
    pub severities: Vec<Severity>,
}

impl From<Range> for Selection {
    fn from(range: Range) -> Self {
        Selection {
            range,
            ..Selection::default()
        }
    }
}

impl Selection {
    /// What is left out, in words; empty when nothing is.
    pub fn only(&self) -> String {
        let either = |what: &str, names: &mut dyn Iterator<Item = String>| {
            let names = joined(names, "or");
            (!names.is_empty()).then(|| format!("{what} {names}"))
        };
        let parts: Vec<String> = [
            either("table", &mut self.tables.iter().cloned()),
            either("owner", &mut self.owners.iter().cloned()),
            either(
                "severity",
                &mut self.severities.iter().map(Severity::to_string),
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!("only {}", parts.join(", "))
        }
    }

    /// The days that are meant, and what is asked of the database.
    pub(crate) fn scope(
        &self,
        connection: &mut PgConnection,
        as_of: DateTime<Utc>,
    ) -> Result<(Period, Scope)> {
        let some = |empty: bool| (!empty).then_some(());
        let filter = Filter {
            tables: some(self.tables.is_empty())
                .map(|()| metrics::table_ids(connection, &self.tables))
                .transpose()?,
            owners: some(self.owners.is_empty()).map(|()| self.owners.clone()),
            severities: some(self.severities.is_empty()).map(|()| self.severities.clone()),
        };
        let period = self.period(connection, &filter, as_of)?;
        let window = window(&period);
        Ok((period, Scope { window, filter }))
    }

    fn period(
        &self,
        connection: &mut PgConnection,
        filter: &Filter,
        as_of: DateTime<Utc>,
    ) -> Result<Period> {
        let range = &self.range;
        let zone = match range.zone {
            Some(zone) => zone,
            None => metrics::time_zone(connection)?
                .and_then(|name| name.parse().ok())
                .unwrap_or(Tz::UTC),
        };
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        // At midnight the day that ended is the last one: the new one has nothing yet.
        let as_of = as_of - TimeDelta::seconds(1);
        let activity = match (range.since, range.until) {
            (Some(_), Some(_)) | (Some(Since::Days(_)), None) => None,
            _ => metrics::activity(connection, filter)?,
        };
        let until = range.until.unwrap_or_else(|| {
            activity
                .as_ref()
                .map_or(day(as_of), |activity| day(activity.last).min(day(as_of)))
        });
        let since = match range.since {
            Some(Since::Day(day)) if day > until => {
                return Err(Error::NoRange { since: day, until });
            }
            Some(Since::Day(day)) => day,
            Some(Since::Days(days)) => until - TimeDelta::days(i64::from(days) - 1),
            None => activity
                .as_ref()
                .map_or(until - TimeDelta::days(29), |activity| day(activity.first))
                .min(until),
        };
        Ok(Period::new(since, until, zone))
    }
}

/// The period as the database is asked for it.
pub(crate) fn window(period: &Period) -> Window {
    Window {
        from: period.start(),
        to: period.end(),
        time_zone: period.zone.name().to_owned(),
        step: match period.step {
            StepWidth::Hour => metrics::Step::Hour,
            StepWidth::Day => metrics::Step::Day,
            StepWidth::Week => metrics::Step::Week,
            StepWidth::Month => metrics::Step::Month,
            StepWidth::Year => metrics::Step::Year,
        },
    }
}
