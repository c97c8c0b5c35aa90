//! What shows how it came to an alert: a chart, some keys, who wrote them.

use audit_schema::outbox::{self, Told};
use serde_json::json;

use super::format::{grouped, masked, value};

/// How it came to an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The last 24 hours of a rule, or the last 24 buckets of a summary.
    pub trend: Chart,
    /// The keys of some failing rows, masked.
    pub keys: Vec<String>,
    /// Who wrote them.
    pub writers: Vec<String>,
}

/// A small chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What is shown: `Rows that failed in the last 24 hours`.
    pub title: String,
    /// The same, as short as it goes: `last 24 hours`.
    pub label: String,
    /// The numbers, the oldest first.
    pub values: Vec<f64>,
    /// The greatest of them, in words.
    pub most: String,
}

/// `None` if nothing failed lately, or where there is no course of time.
pub(super) fn evidence(told: &Told) -> Option<Evidence> {
    match (&told.evidence, &told.course) {
        (Some(found), _) => failing(found),
        (None, Some(course)) => in_buckets(course),
        (None, None) => None,
    }
}

fn failing(found: &outbox::Evidence) -> Option<Evidence> {
    let most = found.trend.iter().copied().max().unwrap_or_default();
    (most > 0).then(|| Evidence {
        trend: Chart {
            title: "Rows that failed in the last 24 hours".to_owned(),
            label: "last 24 hours".to_owned(),
            values: found.trend.iter().map(|rows| as_float(*rows)).collect(),
            most: format!(
                "at most {} {} in an hour",
                grouped(&most.to_string()),
                if most == 1 { "row" } else { "rows" }
            ),
        },
        keys: found.keys.iter().map(|key| masked(key)).collect(),
        writers: found.writers.clone(),
    })
}

fn in_buckets(course: &outbox::Course) -> Option<Evidence> {
    let most = course.values.iter().copied().fold(0.0, f64::max);
    let measure = course.measure.replace('_', " ");
    // `1 day` is said as days, `15 minutes` as what it is.
    let (buckets, bucket) = match course.width.strip_prefix("1 ") {
        Some(unit) => (format!("{} {unit}s", course.values.len()), unit.to_owned()),
        None => (
            format!("{} times {}", course.values.len(), course.width),
            course.width.clone(),
        ),
    };
    (most > 0.0 && most.is_finite()).then(|| Evidence {
        trend: Chart {
            title: format!("{} in the last {buckets}", upper_first(&measure)),
            label: format!("{measure}, last {buckets}"),
            values: course.values.clone(),
            most: format!(
                "at most {} in {}",
                value(&course.measure, &json!(most)),
                with_article(&bucket)
            ),
        },
        keys: Vec::new(),
        writers: Vec::new(),
    })
}

/// `an hour`, `a day`, `15 minutes`.
fn with_article(unit: &str) -> String {
    match unit {
        "hour" => "an hour".to_owned(),
        unit if unit.contains(' ') => unit.to_owned(),
        unit => format!("a {unit}"),
    }
}

fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[expect(clippy::cast_precision_loss, reason = "a bar is some pixels high")]
fn as_float(count: i64) -> f64 {
    count as f64
}
