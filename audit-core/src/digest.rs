//! When digests go out: `hourly`, `daily`, `Mon-Fri 08:00 Europe/London`.

use std::fmt;
use std::str::FromStr;

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;
use crate::hours::{END_OF_DAY, clock, day_numbers, minute, name_days, read_days, stored_days};

/// When what was collected for a channel is told in one message: at each full hour, or on days of the week at a time of day.
///
/// A time of day that is not said is 08:00, a time zone UTC; a week begins on Monday.
///
/// # Examples
///
/// ```
/// use audit_core::Digest;
///
/// let digest: Digest = "daily".parse().unwrap();
/// assert_eq!(digest.to_string(), "Mon-Sun 08:00 UTC");
/// let digest: Digest = "weekly 7:30 Europe/London".parse().unwrap();
/// assert_eq!(digest.to_string(), "Mon 07:30 Europe/London");
/// assert_eq!("hourly".parse::<Digest>().unwrap().to_string(), "hourly");
/// assert!("yearly".parse::<Digest>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(When);

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    Hourly,
    Days { days: [bool; 7], at: u16, zone: Tz },
}

const HOURLY: &str = "hourly";

/// When nothing else is said.
const MORNING: u16 = 8 * 60;

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            When::Hourly => formatter.pad(HOURLY),
            When::Days { days, at, zone } => {
                formatter.pad(&format!("{} {} {zone}", name_days(days), clock(*at)))
            }
        }
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || Error::NotADigest {
            text: text.to_owned(),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, at, zone) = match words.as_slice() {
            [word] if word.eq_ignore_ascii_case(HOURLY) => return Ok(Digest(When::Hourly)),
            [days] => (days, None, None),
            [days, at] => (days, Some(at), None),
            [days, at, zone] => (days, Some(at), Some(zone)),
            _ => return Err(refused()),
        };
        let days = if days.eq_ignore_ascii_case("weekly") {
            "Mon"
        } else {
            days
        };
        Ok(Digest(When::Days {
            days: read_days(days).ok_or_else(refused)?,
            at: match at {
                None => MORNING,
                Some(at) => minute(at)
                    .filter(|at| *at != END_OF_DAY)
                    .ok_or_else(refused)?,
            },
            zone: match zone {
                None => Tz::UTC,
                Some(zone) => zone.parse().map_err(|_| refused())?,
            },
        }))
    }
}

/// What the database stores, so that SQL can reckon with it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Word(String),
    Days {
        days: Vec<usize>,
        at: String,
        time_zone: String,
    },
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = match &self.0 {
            When::Hourly => Stored::Word(HOURLY.to_owned()),
            When::Days { days, at, zone } => Stored::Days {
                days: day_numbers(days),
                at: clock(*at),
                time_zone: zone.name().to_owned(),
            },
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Stored::deserialize(deserializer)? {
            Stored::Word(word) => word,
            Stored::Days {
                days,
                at,
                time_zone,
            } => format!("{} {at} {time_zone}", stored_days(&days)),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        for text in [
            "hourly",
            "daily",
            "weekly 16:00",
            "Mon-Fri 8:00 Europe/London",
        ] {
            let digest: Digest = text.parse().unwrap();
            let stored = serde_json::to_value(&digest).unwrap();
            assert_eq!(serde_json::from_value::<Digest>(stored).unwrap(), digest);
            assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        }
    }

    #[test]
    fn what_is_no_time_for_a_digest_is_refused() {
        for text in [
            "",
            "monthly",
            "08:00",
            "hourly 08:00",
            "daily 24:00",
            "daily 8",
            "daily 08:00 Mars/Olympus",
            "daily 08:00 UTC please",
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
