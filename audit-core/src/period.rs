//! Lengths of time as people write them: `4h`, `10m`, `7d`, `1 day`.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// A length of time as a policy names it: a whole number of one unit.
///
/// It is written short (`4h`) or in words (`4 hours`). It is shown, and stored, in words, which PostgreSQL reads
/// as an `interval`.
///
/// # Examples
///
/// ```
/// use audit_core::Period;
///
/// let period: Period = "4h".parse().unwrap();
/// assert_eq!(period.to_string(), "4 hours");
/// assert_eq!("1 day".parse::<Period>().unwrap().short(), "1d");
/// assert_eq!(period.to_delta(), chrono::TimeDelta::hours(4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    count: u32,
    unit: Unit,
}

/// The units of a [`Period`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `s`, second.
    Second,
    /// `m`, `min`, minute.
    Minute,
    /// `h`, hour.
    Hour,
    /// `d`, day.
    Day,
    /// `w`, week.
    Week,
    /// month; it has no short form, because `m` is the minute.
    Month,
    /// `y`, year.
    Year,
}

impl Period {
    /// A number of units.
    pub const fn new(count: u32, unit: Unit) -> Self {
        Period { count, unit }
    }

    /// A number of minutes.
    pub const fn minutes(count: u32) -> Self {
        Period::new(count, Unit::Minute)
    }

    /// A number of hours.
    pub const fn hours(count: u32) -> Self {
        Period::new(count, Unit::Hour)
    }

    /// A number of days.
    pub const fn days(count: u32) -> Self {
        Period::new(count, Unit::Day)
    }

    /// The number of units.
    pub fn count(self) -> u32 {
        self.count
    }

    /// The unit.
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// The length to calculate with: a day has 24 hours, a month 30 days and a year 365 days.
    pub fn to_delta(self) -> TimeDelta {
        let seconds = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
            Unit::Month => 30 * 86_400,
            Unit::Year => 365 * 86_400,
        };
        // 2^32 years in seconds is far below the limit of TimeDelta, so this cannot overflow.
        TimeDelta::try_seconds(i64::from(self.count) * seconds).unwrap_or(TimeDelta::MAX)
    }

    /// The short form, such as `4h`.
    pub fn short(self) -> String {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
            Unit::Day => "d",
            Unit::Week => "w",
            Unit::Month => " months",
            Unit::Year => "y",
        };
        format!("{}{unit}", self.count)
    }
}

impl Unit {
    fn word(self) -> &'static str {
        match self {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Year => "year",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.count == 1 { "" } else { "s" };
        formatter.pad(&format!("{} {}{plural}", self.count, self.unit.word()))
    }
}

impl FromStr for Period {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || Error::NotAPeriod {
            text: text.to_owned(),
        };
        let trimmed = text.trim();
        let digits = trimmed
            .find(|character: char| !character.is_ascii_digit())
            .ok_or_else(refused)?;
        let (count, unit) = trimmed.split_at(digits);
        let count = count.parse::<u32>().map_err(|_| refused())?;
        let unit = match unit.trim_start() {
            "s" | "sec" | "second" | "seconds" => Unit::Second,
            "m" | "min" | "minute" | "minutes" => Unit::Minute,
            "h" | "hour" | "hours" => Unit::Hour,
            "d" | "day" | "days" => Unit::Day,
            "w" | "week" | "weeks" => Unit::Week,
            "month" | "months" => Unit::Month,
            "y" | "year" | "years" => Unit::Year,
            _ => return Err(refused()),
        };
        Ok(Period { count, unit })
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_forms_mean_the_same() {
        for (short, long) in [
            ("30s", "30 seconds"),
            ("10m", "10 minutes"),
            ("4h", "4 hours"),
            ("1d", "1 day"),
            ("2w", "2 weeks"),
            ("2y", "2 years"),
        ] {
            let period: Period = short.parse().unwrap();
            assert_eq!(period.to_string(), long);
            assert_eq!(long.parse::<Period>().unwrap(), period);
            assert_eq!(period.short(), short);
        }
    }

    #[test]
    fn what_is_not_a_period_is_refused() {
        for text in [
            "",
            "4",
            "h",
            "4 h ours",
            "-4h",
            "4.5h",
            "99999999999h",
            "soon",
            "4h 30m",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_longest_period_can_be_calculated_with() {
        assert!(Period::new(u32::MAX, Unit::Year).to_delta() > TimeDelta::days(365));
    }
}
