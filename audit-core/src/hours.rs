//! Hours of work: `Mon-Fri 08:00-18:00 Europe/London`.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// Days of the week and a time of day on them, in a time zone. A span that ends before it begins ends on the next day.
///
/// # Examples
///
/// ```
/// use audit_core::Hours;
///
/// let hours: Hours = "mon-fri 8:00-18:00 Europe/London".parse().unwrap();
/// assert_eq!(hours.to_string(), "Mon-Fri 08:00-18:00 Europe/London");
/// assert_eq!("Sat,Sun 00:00-24:00 UTC".parse::<Hours>().unwrap().to_string(), "Sat,Sun 00:00-24:00 UTC");
/// assert!("weekdays 08:00-18:00 Europe/London".parse::<Hours>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Whether Monday, Tuesday … Sunday is among the days.
    days: [bool; 7],
    /// The first minute, counted from midnight.
    from: u16,
    /// The first minute after the last; 1440 is the end of the day.
    to: u16,
    /// Whose clock it is.
    zone: Tz,
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
pub(crate) const END_OF_DAY: u16 = 24 * 60;

impl fmt::Display for Hours {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!(
            "{} {}-{} {}",
            name_days(&self.days),
            clock(self.from),
            clock(self.to),
            self.zone
        );
        formatter.pad(&text)
    }
}

impl FromStr for Hours {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || Error::NotHours {
            text: text.to_owned(),
        };
        let mut words = text.split_whitespace();
        let (Some(days), Some(span), Some(zone), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(refused());
        };
        let (from, to) = span.split_once('-').ok_or_else(refused)?;
        let hours = Hours {
            days: read_days(days).ok_or_else(refused)?,
            from: minute(from).ok_or_else(refused)?,
            to: minute(to).ok_or_else(refused)?,
            zone: zone.parse().map_err(|_| refused())?,
        };
        if hours.from == hours.to || hours.from == END_OF_DAY {
            return Err(refused());
        }
        Ok(hours)
    }
}

/// What the database stores: days as numbers from Monday, times of day and the zone, so that SQL can reckon with them.
#[derive(Serialize, Deserialize)]
struct Stored {
    days: Vec<usize>,
    from: String,
    to: String,
    time_zone: String,
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = Stored {
            days: day_numbers(&self.days),
            from: clock(self.from),
            to: clock(self.to),
            time_zone: self.zone.name().to_owned(),
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let text = format!(
            "{} {}-{} {}",
            stored_days(&stored.days),
            stored.from,
            stored.to,
            stored.time_zone
        );
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The numbers of the days, from 1 for Monday to 7 for Sunday.
pub(crate) fn day_numbers(days: &[bool; 7]) -> Vec<usize> {
    (1..=7).filter(|day| days[day - 1]).collect()
}

/// `Mon-Fri` or `Sat,Sun`.
pub(crate) fn name_days(days: &[bool; 7]) -> String {
    let numbers = day_numbers(days);
    let name = |day: &usize| DAYS[day - 1];
    match numbers.as_slice() {
        [first, .., last] if numbers.len() > 2 && last - first + 1 == numbers.len() => {
            format!("{}-{}", name(first), name(last))
        }
        days => days.iter().map(name).collect::<Vec<_>>().join(","),
    }
}

pub(crate) fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The names of days that are stored as numbers.
pub(crate) fn stored_days(numbers: &[usize]) -> String {
    let names: Vec<&str> = numbers
        .iter()
        .filter_map(|day| DAYS.get(day.checked_sub(1)?).copied())
        .collect();
    names.join(",")
}

/// `8:00`, `17:30` or `24:00`.
pub(crate) fn minute(text: &str) -> Option<u16> {
    if text == "24:00" {
        return Some(END_OF_DAY);
    }
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    u16::try_from((time - NaiveTime::MIN).num_minutes()).ok()
}

/// `Mon-Fri`, `Sat,Sun`, `Fri-Mon` or `daily`.
pub(crate) fn read_days(text: &str) -> Option<[bool; 7]> {
    if text.eq_ignore_ascii_case("daily") {
        return Some([true; 7]);
    }
    let day = |name: &str| {
        let day: Weekday = name.parse().ok()?;
        Some(day.num_days_from_monday() as usize)
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        for step in 0..=(last + 7 - first) % 7 {
            days[(first + step) % 7] = true;
        }
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> Hours {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        for (written, read) in [
            (
                "Mon-Fri 08:00-18:00 Europe/London",
                "Mon-Fri 08:00-18:00 Europe/London",
            ),
            (
                "monday,Wed,fri 9:30-12:00 UTC",
                "Mon,Wed,Fri 09:30-12:00 UTC",
            ),
            ("Fri-Mon 22:00-06:00 UTC", "Mon,Fri,Sat,Sun 22:00-06:00 UTC"),
            ("daily 00:00-24:00 UTC", "Mon-Sun 00:00-24:00 UTC"),
        ] {
            assert_eq!(hours(written).to_string(), read);
        }
    }

    #[test]
    fn what_are_not_hours_is_refused() {
        for text in [
            "",
            "Mon-Fri",
            "Mon-Fri 08:00-18:00",
            "Mon-Fri 08:00-18:00 Mars/Olympus",
            "Mon-Fri 08:00 Europe/London",
            "Mon-Fri 08:00-08:00 Europe/London",
            "Mon-Fri 25:00-26:00 Europe/London",
            "Mon-Fri 24:00-08:00 Europe/London",
            "Mon-Fri 08:00-18:00 Europe/London UTC",
        ] {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let hours = hours("Mon,Wed-Fri 22:00-06:00 America/New_York");
        let stored = serde_json::to_value(&hours).unwrap();
        assert_eq!(
            stored.to_string(),
            r#"{"days":[1,3,4,5],"from":"22:00","time_zone":"America/New_York","to":"06:00"}"#
        );
        assert_eq!(serde_json::from_value::<Hours>(stored).unwrap(), hours);
    }
}
