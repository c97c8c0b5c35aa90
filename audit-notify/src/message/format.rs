//! How values, times and keys are written in messages.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use uuid::Uuid;

/// A value as people read it: thousands apart, ratios in percent, no more digits than tell something.
pub(super) fn value(name: &str, value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(truth) => if *truth { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (_, Some(ratio)) if name.ends_with("_ratio") => format!("{:.1} %", ratio * 100.0),
            (Some(whole), _) => grouped(&whole.to_string()),
            (None, Some(float)) => {
                let text = format!("{float:.1}");
                grouped(text.strip_suffix(".0").unwrap_or(&text))
            }
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Sets thousands apart.
pub(super) fn grouped(number: &str) -> String {
    let (sign, rest) = match number.strip_prefix('-') {
        Some(rest) => ("−", rest),
        None => ("", number),
    };
    let (whole, fraction) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    let mut digits = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            digits.push(',');
        }
        digits.push(digit);
    }
    format!("{sign}{digits}{fraction}")
}

pub(super) fn moment(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%A %-d %B %Y, %H:%M %Z")
        .to_string()
}

/// A length of time in the largest unit that tells it.
pub(super) fn words(length: TimeDelta) -> String {
    let minutes = length.num_minutes();
    let (count, unit) = match minutes {
        ..1 => return "less than a minute".to_owned(),
        1..120 => (minutes, "minute"),
        120..2880 => (length.num_hours(), "hour"),
        _ => (length.num_days(), "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Keeps both ends of a text that is too long.
pub(super) fn shorten(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let tail = most / 3;
    let head = most - tail - 1;
    let head: String = characters[..head].iter().collect();
    let tail: String = characters[characters.len() - tail..].iter().collect();
    format!("{head}…{tail}")
}

/// A key without what may be a name, an address or a number of a person: of long words and long numbers only the ends are
/// left. `audit findings` shows keys whole, to those who may see them.
pub(super) fn masked(key: &str) -> String {
    const WORD: usize = 4;
    const NUMBER: usize = 9;
    if key.parse::<Uuid>().is_ok() {
        return key.to_owned();
    }
    let kind = |character: char| (character.is_alphabetic(), character.is_ascii_digit());
    let characters: Vec<char> = key.chars().collect();
    characters
        .chunk_by(|one, next| kind(*one) == kind(*next))
        .map(|run| {
            let longest = match kind(run[0]) {
                (true, _) => WORD,
                (_, true) => NUMBER,
                _ => usize::MAX,
            };
            match run {
                [first, .., last] if run.len() >= longest => format!("{first}•••{last}"),
                run => run.iter().collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(value("flights", &json!(1_234_567)), "1,234,567");
        assert_eq!(value("balance", &json!(-1234.25)), "−1,234.2");
        assert_eq!(value("failing_ratio", &json!(0.0625)), "6.2 %");
        assert_eq!(value("mean_delay", &json!(12.0)), "12");
        assert_eq!(value("mean_delay", &Value::Null), "–");
    }

    #[test]
    fn a_length_of_time_is_told_in_the_largest_unit_that_tells_it() {
        assert_eq!(words(TimeDelta::seconds(20)), "less than a minute");
        assert_eq!(words(TimeDelta::minutes(90)), "90 minutes");
        assert_eq!(words(TimeDelta::hours(25)), "25 hours");
        assert_eq!(words(TimeDelta::days(9)), "9 days");
    }

    #[test]
    fn keys_do_not_tell_who_somebody_is() {
        for (key, shown) in [
            ("17", "17"),
            ("12345678", "12345678"),
            ("4111111111111111", "4•••1"),
            ("N14228", "N14228"),
            ("[\"EWR\", 3]", "[\"EWR\", 3]"),
            ("ann.smith@example.com", "ann.s•••h@e•••e.com"),
            ("Jürgen", "J•••n"),
            (
                "8d2f2a60-dead-4000-8000-00000000beef",
                "8d2f2a60-dead-4000-8000-00000000beef",
            ),
        ] {
            assert_eq!(masked(key), shown);
        }
    }

    #[test]
    fn a_long_subject_keeps_both_ends() {
        let subject = shorten(&format!("Critical: public.{}, EWR", "x".repeat(200)), 77);
        assert_eq!(subject.chars().count(), 77);
        assert!(
            subject.starts_with("Critical: public.x") && subject.ends_with("x, EWR"),
            "{subject}"
        );
    }
}
