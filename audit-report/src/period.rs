//! A stretch of days, cut into the steps that charts over time have a column for.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// First and last day of what is shown, both included, and the zone in which days begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub first: NaiveDate,
    /// Last day.
    pub last: NaiveDate,
    /// Where days begin and times are told.
    pub zone: Tz,
    /// Width of one column.
    pub step: StepWidth,
}

impl Period {
    /// A period with the step that suits its length. Years before 1 and after 9999 are left out.
    pub fn new(first: NaiveDate, last: NaiveDate, zone: Tz) -> Self {
        let lowest = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or(NaiveDate::MIN);
        let highest = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX);
        let first = first.clamp(lowest, highest);
        let last = last.clamp(first, highest);
        let step = StepWidth::for_days((last - first).num_days() + 1);
        Period {
            first,
            last,
            zone,
            step,
        }
    }

    /// How many days it has.
    pub fn days(&self) -> i64 {
        (self.last - self.first).num_days() + 1
    }

    /// Its first moment.
    pub fn start(&self) -> DateTime<Utc> {
        midnight(self.first, self.zone)
    }

    /// The first moment after it.
    pub fn end(&self) -> DateTime<Utc> {
        midnight(self.last + Duration::days(1), self.zone)
    }

    /// The beginnings of all its steps, in local time.
    pub fn steps(&self) -> Vec<NaiveDateTime> {
        let end = (self.last + Duration::days(1))
            .and_hms_opt(0, 0, 0)
            .unwrap_or_default();
        let mut at = self
            .step
            .start_of(self.first.and_hms_opt(0, 0, 0).unwrap_or_default());
        let mut steps = Vec::new();
        while at < end {
            steps.push(at);
            at = self.step.after(at);
        }
        steps
    }
}

/// The first moment of a day in a zone; where a clock change skips midnight, the first moment that exists.
fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    (0..24)
        .filter_map(|hour| day.and_hms_opt(hour, 0, 0))
        .find_map(|time| time.and_local_timezone(zone).earliest())
        .map_or_else(
            || day.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc(),
            |time| time.to_utc(),
        )
}

/// How much time one column stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepWidth {
    /// An hour, for up to three days.
    Hour,
    /// A day, for up to three months.
    Day,
    /// A week from Monday on, for up to two years.
    Week,
    /// A month, for up to ten years.
    Month,
    /// A year.
    Year,
}

impl StepWidth {
    /// The step that gives a period at most some hundred columns.
    pub fn for_days(days: i64) -> Self {
        match days {
            ..=3 => StepWidth::Hour,
            4..=100 => StepWidth::Day,
            101..=730 => StepWidth::Week,
            731..=3_660 => StepWidth::Month,
            _ => StepWidth::Year,
        }
    }

    /// Its name: hour, day, week, month, year.
    pub fn name(self) -> &'static str {
        match self {
            StepWidth::Hour => "hour",
            StepWidth::Day => "day",
            StepWidth::Week => "week",
            StepWidth::Month => "month",
            StepWidth::Year => "year",
        }
    }

    /// How a step that begins at a local time is called.
    pub fn label(self, start: NaiveDateTime) -> String {
        start
            .format(match self {
                StepWidth::Hour => "%Y-%m-%d %H:%M",
                StepWidth::Day | StepWidth::Week => "%Y-%m-%d",
                StepWidth::Month => "%Y-%m",
                StepWidth::Year => "%Y",
            })
            .to_string()
    }

    /// The beginning of the step that a local time lies in.
    pub fn start_of(self, time: NaiveDateTime) -> NaiveDateTime {
        use chrono::Datelike;
        let day = time.date();
        let first = match self {
            StepWidth::Hour => return day.and_hms_opt(time.hour(), 0, 0).unwrap_or(time),
            StepWidth::Day => day,
            StepWidth::Week => {
                day - Duration::days(i64::from(day.weekday().num_days_from_monday()))
            }
            StepWidth::Month => day.with_day(1).unwrap_or(day),
            StepWidth::Year => day.with_ordinal(1).unwrap_or(day),
        };
        first.and_hms_opt(0, 0, 0).unwrap_or(time)
    }

    /// The beginning of the next step.
    pub fn after(self, start: NaiveDateTime) -> NaiveDateTime {
        match self {
            StepWidth::Hour => start + Duration::hours(1),
            StepWidth::Day => start + Duration::days(1),
            StepWidth::Week => start + Duration::days(7),
            StepWidth::Month => start + chrono::Months::new(1),
            StepWidth::Year => start + chrono::Months::new(12),
        }
    }
}
