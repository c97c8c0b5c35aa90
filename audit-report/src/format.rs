//! How numbers, durations, dates and names are written in pictures and documents: one way everywhere.

use chrono::{Datelike, NaiveDate, TimeDelta};

/// Writes a number with separated thousands.
///
/// # Examples
/// ```
/// assert_eq!(audit_report::format::thousands(51_955), "51,955");
/// assert_eq!(audit_report::format::thousands(-1_000), "−1,000");
/// ```
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('−');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a large number in the room of a few characters: in millions or billions from a million on.
///
/// # Examples
/// ```
/// assert_eq!(audit_report::format::short(51_955), "51,955");
/// assert_eq!(audit_report::format::short(1_234_567_890), "1.23 bn");
/// assert_eq!(audit_report::format::short(50_000_000), "50 m");
/// ```
pub fn short(number: i64) -> String {
    let size = number.unsigned_abs() as f64;
    let (scaled, unit) = match number.unsigned_abs() {
        0..=999_999 => return thousands(number),
        1_000_000..=999_999_999 => (size / 1e6, "m"),
        _ => (size / 1e9, "bn"),
    };
    let decimals = if scaled < 10.0 {
        2
    } else if scaled < 100.0 {
        1
    } else {
        0
    };
    let sign = if number < 0 { "−" } else { "" };
    let digits = format!("{scaled:.decimals$}");
    let digits = if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        &digits
    };
    format!("{sign}{digits} {unit}")
}

/// Writes a number of any kind in the room of a few characters: three figures where it is small, thousands where it is not.
///
/// # Examples
/// ```
/// use audit_report::format::decimal;
/// assert_eq!(decimal(12.639), "12.6");
/// assert_eq!(decimal(0.012_34), "0.0123");
/// assert_eq!(decimal(-51_955.2), "−51,955");
/// assert_eq!(decimal(3.0), "3");
/// ```
pub fn decimal(number: f64) -> String {
    let size = number.abs();
    if size >= 1000.0 {
        return short(number.round() as i64);
    }
    if size < 1e-9 {
        return "0".into();
    }
    let decimals = (2.0 - size.log10().floor()).clamp(0.0, 9.0) as usize;
    let digits = format!("{size:.decimals$}");
    let digits = if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        &digits
    };
    format!("{}{digits}", if number < 0.0 { "−" } else { "" })
}

/// Writes a share (1 is all) in percent with one decimal. What is not all never reads `100.0 %`, and what is not
/// nothing never reads `0.0 %`.
///
/// # Examples
/// ```
/// use audit_report::format::percent;
/// assert_eq!(percent(0.0335), "3.4 %");
/// assert_eq!(percent(1.0), "100.0 %");
/// assert_eq!(percent(0.999_99), "99.9 %");
/// assert_eq!(percent(0.000_01), "<0.1 %");
/// ```
pub fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.000_5 {
        return "<0.1 %".into();
    }
    let rounded = (share * 1000.0).round() / 10.0;
    let shown = if share < 1.0 && rounded >= 100.0 {
        99.9
    } else {
        rounded
    };
    format!("{shown:.1} %")
}

/// Writes the difference of two shares in points of a percent.
///
/// # Examples
/// ```
/// use audit_report::format::points;
/// assert_eq!(points(-0.006), "−0.6 pt");
/// assert_eq!(points(0.001), "+0.1 pt");
/// assert_eq!(points(0.000_1), "±0 pt");
/// ```
pub fn points(difference: f64) -> String {
    let tenths = (difference * 1000.0).round() as i64;
    match tenths {
        0 => "±0 pt".into(),
        tenths if tenths < 0 => format!("−{:.1} pt", tenths.abs() as f64 / 10.0),
        tenths => format!("+{:.1} pt", tenths as f64 / 10.0),
    }
}

/// Writes a duration in its largest sensible unit, with the next one where that says more.
///
/// # Examples
/// ```
/// use audit_report::format::duration;
/// use chrono::TimeDelta;
/// assert_eq!(duration(TimeDelta::milliseconds(400)), "0.4 s");
/// assert_eq!(duration(TimeDelta::minutes(11)), "11 min");
/// assert_eq!(duration(TimeDelta::hours(49)), "2 d 1 h");
/// ```
pub fn duration(length: TimeDelta) -> String {
    let milliseconds = length.num_milliseconds().max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0 if milliseconds == 0 => "0 s".into(),
        0..=9 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        10..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => {
            let (hours, minutes) = (seconds / 3_600, seconds % 3_600 / 60);
            if hours < 10 && minutes > 0 {
                format!("{hours} h {minutes} min")
            } else {
                format!("{hours} h")
            }
        }
        _ => {
            let (days, hours) = (seconds / 86_400, seconds % 86_400 / 3_600);
            if days < 10 && hours > 0 {
                format!("{days} d {hours} h")
            } else {
                format!("{days} d")
            }
        }
    }
}

/// Writes a number of bytes.
///
/// # Examples
/// ```
/// assert_eq!(audit_report::format::bytes(2_202_010), "2.1 MB");
/// ```
pub fn bytes(size: i64) -> String {
    let size = size.max(0) as f64;
    match size {
        s if s < 1024.0 => format!("{s:.0} B"),
        s if s < 1024.0 * 1024.0 => format!("{:.0} kB", s / 1024.0),
        s if s < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MB", s / (1024.0 * 1024.0)),
        s => format!("{:.1} GB", s / (1024.0 * 1024.0 * 1024.0)),
    }
}

/// Writes a few days of one or more months as a person would say them.
///
/// # Examples
/// ```
/// use audit_report::format::days;
/// use chrono::NaiveDate;
/// let day = |month, day| NaiveDate::from_ymd_opt(2013, month, day).unwrap();
/// assert_eq!(days(&[day(2, 8), day(2, 9)]), "8 and 9 February");
/// assert_eq!(days(&[day(2, 8), day(2, 9), day(2, 10)]), "8 to 10 February");
/// assert_eq!(days(&[day(1, 31), day(2, 9)]), "31 January and 9 February");
/// ```
pub fn days(days: &[NaiveDate]) -> String {
    let month = |day: &NaiveDate| day.format("%B").to_string();
    let full = |day: &NaiveDate| format!("{} {}", day.day(), month(day));
    let in_a_row = days
        .windows(2)
        .all(|pair| pair[0].succ_opt() == Some(pair[1]));
    match days {
        [] => String::new(),
        [only] => full(only),
        [first, .., last] => {
            let one_month = days
                .iter()
                .all(|day| day.month() == first.month() && day.year() == first.year());
            let name = |day: &NaiveDate| {
                if one_month {
                    day.day().to_string()
                } else {
                    full(day)
                }
            };
            let tail = full(last);
            if days.len() > 2 && in_a_row {
                format!("{} to {tail}", name(first))
            } else {
                let head: Vec<String> = days[..days.len() - 1].iter().map(name).collect();
                format!("{} and {tail}", head.join(", "))
            }
        }
    }
}

/// Writes a first and a last day, once as much as both share.
///
/// # Examples
/// ```
/// use audit_report::format::date_range;
/// use chrono::NaiveDate;
/// let day = |month, day| NaiveDate::from_ymd_opt(2013, month, day).unwrap();
/// assert_eq!(date_range(day(1, 1), day(2, 28)), "1 Jan – 28 Feb 2013");
/// assert_eq!(date_range(day(2, 8), day(2, 8)), "8 Feb 2013");
/// ```
pub fn date_range(first: NaiveDate, last: NaiveDate) -> String {
    let end = last.format("%-d %b %Y");
    if first == last {
        end.to_string()
    } else if first.year() == last.year() {
        format!("{} – {end}", first.format("%-d %b"))
    } else {
        format!("{} – {end}", first.format("%-d %b %Y"))
    }
}

/// Writes a number with its noun, in the singular for one.
///
/// # Examples
/// ```
/// use audit_report::format::count;
/// assert_eq!(count(1, "table", "tables"), "1 table");
/// assert_eq!(count(2_000, "table", "tables"), "2,000 tables");
/// ```
pub fn count(number: i64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        thousands(number),
        if number == 1 { one } else { many }
    )
}

/// Lists things as a person would.
///
/// # Examples
/// ```
/// use audit_report::format::joined;
/// assert_eq!(joined(["a", "b", "c"].map(String::from).into_iter(), "and"), "a, b and c");
/// ```
pub fn joined(words: impl Iterator<Item = String>, last: &str) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, head)) => format!("{} {last} {end}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_use_the_largest_sensible_unit() {
        let shown: Vec<String> = [
            0, 3, 75, 119, 120, 3_600, 7_200, 9_000, 86_400, 172_800, 777_600, 8_640_000,
        ]
        .into_iter()
        .map(|seconds| duration(TimeDelta::seconds(seconds)))
        .collect();
        assert_eq!(
            shown.join(" | "),
            "0 s | 3.0 s | 75 s | 119 s | 2 min | 60 min | 2 h | 2 h 30 min | 24 h | 2 d | 9 d | 100 d"
        );
    }

    #[test]
    fn smallest_and_largest_numbers_are_written() {
        assert_eq!(thousands(i64::MIN), "−9,223,372,036,854,775,808");
        assert_eq!(short(i64::MAX), "9223372037 bn");
    }
}
