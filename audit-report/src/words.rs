//! What the titles say. A title is a sentence about the figures, so it is computed from them.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

use crate::dashboard::{AlertSpan, Step};
use crate::format::{count, days, joined, short, thousands};
use crate::period::{Period, StepWidth};

pub(crate) const WEEKDAYS: [&str; 7] = [
    "Mondays",
    "Tuesdays",
    "Wednesdays",
    "Thursdays",
    "Fridays",
    "Saturdays",
    "Sundays",
];

/// The steps that stand out: at most three, far above what is usual. In order of time.
pub(crate) fn outstanding(steps: &[Step]) -> Vec<usize> {
    let mut totals: Vec<i64> = steps.iter().map(Step::failures).collect();
    totals.sort_unstable();
    let usual = median(&totals);
    let mut distances: Vec<i64> = totals.iter().map(|total| (total - usual).abs()).collect();
    distances.sort_unstable();
    // Half of all steps lie within `spread` of the usual; three times as far again is far, and so is half as much more.
    let spread = median(&distances);
    let bar = (usual + 6 * spread).max(usual + usual / 2).max(usual + 5);
    let mut high: Vec<usize> = (0..steps.len())
        .filter(|step| steps[*step].failures() > bar)
        .collect();
    if steps.len() < 5 {
        return Vec::new();
    }
    high.sort_by_key(|step| std::cmp::Reverse(steps[*step].failures()));
    // What is less than half of the highest does not stand out beside it.
    let least = high.first().map_or(0, |step| steps[*step].failures()) * 3 / 5;
    high.retain(|step| steps[*step].failures() >= least);
    high.truncate(3);
    high.sort_unstable();
    high
}

fn median(sorted: &[i64]) -> i64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// Title of the columns of findings.
pub(crate) fn findings(steps: &[Step], step: StepWidth) -> String {
    let head = format!("Findings by {} and severity", step.name());
    let total: i64 = steps.iter().map(Step::failures).sum();
    if total == 0 {
        return format!("{head}: none");
    }
    let high = outstanding(steps);
    if high.is_empty() {
        let mut totals: Vec<i64> = steps.iter().map(Step::failures).collect();
        totals.sort_unstable();
        let usual = median(&totals);
        return if usual > 0 {
            format!("{head}: about {} rows {}", short(rough(usual)), per(step))
        } else {
            format!("{head}: {} in all", count(total, "row", "rows"))
        };
    }
    let verb = if high.len() == 1 {
        "stands out"
    } else {
        "stand out"
    };
    let starts: Vec<NaiveDateTime> = high.iter().map(|place| steps[*place].start).collect();
    format!("{head}: {} {verb}", steps_in_words(&starts, step))
}

/// Two significant figures: what `about` promises.
fn rough(number: i64) -> i64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    (number + unit / 2) / unit * unit
}

fn per(step: StepWidth) -> &'static str {
    match step {
        StepWidth::Hour => "an hour",
        StepWidth::Day => "a day",
        StepWidth::Week => "a week",
        StepWidth::Month => "a month",
        StepWidth::Year => "a year",
    }
}

fn steps_in_words(starts: &[NaiveDateTime], step: StepWidth) -> String {
    let dates: Vec<NaiveDate> = starts.iter().map(NaiveDateTime::date).collect();
    match step {
        StepWidth::Day => days(&dates),
        StepWidth::Hour => joined(
            starts
                .iter()
                .map(|start| start.format("%H:%M on %-d %B").to_string()),
            "and",
        ),
        StepWidth::Week => {
            let weeks = joined(
                dates.iter().map(|date| date.format("%-d %B").to_string()),
                "and",
            );
            if dates.len() == 1 {
                format!("the week of {weeks}")
            } else {
                format!("the weeks of {weeks}")
            }
        }
        StepWidth::Year => joined(
            dates.iter().map(|date| date.format("%Y").to_string()),
            "and",
        ),
        StepWidth::Month => joined(
            dates.iter().map(|date| date.format("%B %Y").to_string()),
            "and",
        ),
    }
}

/// Title of the quality of tables.
pub(crate) const QUALITY: &str = "Quality by table, share of rows that pass every rule";

/// Title of the bars of failing rules.
pub(crate) fn failing(failing: usize, rules: usize) -> String {
    match (failing, rules) {
        (_, 0) => "What fails most now".into(),
        (0, _) => "What fails most now: nothing".into(),
        (failing, rules) => format!(
            "What fails most now: {} of {}",
            failing,
            count(rules as i64, "rule", "rules")
        ),
    }
}

/// Title of the heat map: the weekday and the hours with most failures, when they have clearly more than others.
pub(crate) fn by_hour(by_hour: &[[i64; 24]]) -> String {
    let weekdays: Vec<i64> = by_hour.iter().map(|hours| hours.iter().sum()).collect();
    let total: i64 = weekdays.iter().sum();
    if total == 0 || weekdays.len() != 7 {
        return "When it fails, by weekday and hour".into();
    }
    let mut parts = Vec::new();
    let weekday = (0..7)
        .max_by_key(|day| (weekdays[*day], std::cmp::Reverse(*day)))
        .unwrap_or(0);
    if weekdays[weekday] * 7 * 4 > total * 5 {
        parts.push(format!("on {}", WEEKDAYS[weekday]));
    }
    let hours: Vec<i64> = (0..24)
        .map(|hour| by_hour.iter().map(|day| day[hour]).sum())
        .collect();
    let window = |from: usize| hours[from..from + 3].iter().sum::<i64>();
    let from = (0..=21)
        .max_by_key(|hour| (window(*hour), std::cmp::Reverse(*hour)))
        .unwrap_or(0);
    if window(from) * 24 > total * 3 * 3 / 2 {
        parts.push(format!("between {from:02}:00 and {:02}:00", from + 3));
    }
    if parts.is_empty() {
        "When it fails: at all hours alike".into()
    } else {
        format!("When it fails: most {}", parts.join(", "))
    }
}

/// Title of the alerts.
pub(crate) fn alerts(all: usize, open: i64) -> String {
    let head = "Alerts, from opening to resolution";
    match (all, open) {
        (0, _) => head.into(),
        (_, 0) => format!("{head}: all over"),
        (all, open) => format!(
            "{head}: {} of {} still open",
            thousands(open),
            thousands(all as i64)
        ),
    }
}

/// Title of the changes.
pub(crate) fn changes(steps: &[Step], step: StepWidth) -> String {
    let total: i64 = steps.iter().map(|step| step.written).sum();
    if total == 0 {
        return format!("Changes written per {}", step.name());
    }
    format!(
        "Changes written per {}: {} in all",
        step.name(),
        count(total, "row", "rows")
    )
}

/// The alert that is told of beside the columns: the worst, and among those the one that most others of its policy
/// opened together with. With how many others.
pub(crate) fn told<'a>(alerts: &'a [AlertSpan], period: &Period) -> Option<(&'a AlertSpan, usize)> {
    let together = |one: &AlertSpan, other: &AlertSpan| {
        one.policy == other.policy
            && one.severity == other.severity
            && (one.opened_at - other.opened_at).abs() <= TimeDelta::hours(36)
    };
    let start = period.start();
    alerts
        .iter()
        .filter(|alert| alert.opened_at >= start)
        .map(|alert| {
            let with = alerts.iter().filter(|other| together(alert, other)).count();
            (alert, with - 1)
        })
        .max_by_key(|(alert, others)| (alert.severity, *others, std::cmp::Reverse(alert.opened_at)))
}

/// When an alert opened, was taken on and ended, in as few words as the days need.
pub(crate) fn life(alert: &AlertSpan, period: &Period) -> String {
    let local = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&period.zone).naive_local();
    let opened = local(alert.opened_at);
    let mut day = opened.date();
    let mut told = |at: NaiveDateTime| {
        let text = if at.date() == day {
            at.format("%H:%M")
        } else {
            at.format("%-d %b %H:%M")
        }
        .to_string();
        day = at.date();
        text
    };
    let mut text = format!("opened {}", opened.format("%-d %b %H:%M"));
    if let Some(at) = alert.acknowledged_at {
        text.push_str(&format!(", acknowledged {}", told(local(at))));
    }
    match alert.resolved_at {
        Some(at) => text.push_str(&format!(", resolved {}", told(local(at)))),
        None => text.push_str(", still open"),
    }
    text
}

/// Labels of the axis of time: the place of a step and what is written below it. At most `most` of them, at places
/// that people count by: the 1st and 15th of a month, quarters, the hours of a quarter of a day.
pub(crate) fn ticks(
    steps: &[NaiveDateTime],
    width: StepWidth,
    most: usize,
) -> Vec<(usize, String)> {
    let most = most.max(1);
    let label = |pattern: &str, chosen: &dyn Fn(NaiveDateTime) -> bool| -> Vec<(usize, String)> {
        steps
            .iter()
            .enumerate()
            .filter(|(_, start)| chosen(**start))
            .map(|(place, start)| (place, start.format(pattern).to_string()))
            .collect()
    };
    let mut choices: Vec<Vec<(usize, String)>> = Vec::new();
    match width {
        StepWidth::Hour => {
            for hours in [3, 6, 12] {
                let mut labels = label("%H:%M", &|at| at.hour() % hours == 0);
                for (place, text) in &mut labels {
                    let at = steps[*place];
                    if at.hour() == 0 {
                        *text = at.format("%-d %B").to_string();
                    }
                }
                choices.push(labels);
            }
            choices.push(label("%-d %B", &|at| at.hour() == 0));
        }
        StepWidth::Day => {
            if steps.len() <= 21 {
                choices.push(label("%-d %B", &|_| true));
                choices.push(label("%-d %B", &|at| at.day() % 2 == 1));
            }
            choices.push(label("%-d %B", &|at| matches!(at.day(), 1 | 8 | 15 | 22)));
            choices.push(label("%-d %B", &|at| matches!(at.day(), 1 | 15)));
            choices.push(label("%-d %B", &|at| at.day() == 1));
        }
        StepWidth::Year => {
            for years in [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] {
                choices.push(label("%Y", &|at| at.year() % years == 0));
            }
        }
        StepWidth::Week | StepWidth::Month => {
            for months in [1, 2, 3, 4, 6, 12, 24, 60, 120] {
                choices.push(label("%b %Y", &|at| {
                    let month = at.year() as u32 * 12 + at.month0();
                    month.is_multiple_of(months) && (width == StepWidth::Month || at.day() <= 7)
                }));
            }
        }
    }
    let chosen = choices
        .into_iter()
        .find(|labels| !labels.is_empty() && labels.len() <= most);
    chosen.unwrap_or_else(|| {
        let first = steps
            .first()
            .map(|start| (0, start.format("%-d %b %Y").to_string()));
        first.into_iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(totals: &[i64]) -> Vec<Step> {
        let first = NaiveDate::from_ymd_opt(2013, 2, 1)
            .unwrap()
            .and_hms_opt(0, 0, 0)
            .unwrap();
        totals
            .iter()
            .enumerate()
            .map(|(day, total)| Step {
                start: first + TimeDelta::days(day as i64),
                failed: [0, *total, 0, 0],
                written: 0,
            })
            .collect()
    }

    #[test]
    fn two_days_far_above_the_others_stand_out() {
        assert_eq!(
            outstanding(&steps(&[30, 31, 28, 33, 30, 29, 32, 500, 490, 60, 31])),
            [7, 8]
        );
    }

    #[test]
    fn ordinary_days_do_not_stand_out() {
        assert!(outstanding(&steps(&[30, 31, 28, 33, 30, 29, 32, 35, 36, 31])).is_empty());
        assert!(outstanding(&steps(&[0, 0, 0, 0, 0, 0])).is_empty());
        assert!(outstanding(&[]).is_empty());
    }

    #[test]
    fn about_means_two_figures() {
        assert_eq!([7, 64, 886, 51_955].map(rough), [7, 64, 890, 52_000]);
    }
}
