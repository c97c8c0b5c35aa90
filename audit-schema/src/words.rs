//! Declarations in words: what changes in them, and what they do, in one line each.

use audit_core::{
    AlertPolicy, Digest, Hours, Otherwise, Period, Provider, Route, Rule, RuleKind, Setting,
    Subject, Summary, Unit,
};
use serde::Deserialize;
use serde_json::Value;

use crate::declared;
use crate::plan::Difference;

/// What changes in a rule that stays.
pub(crate) fn rule_differences(
    stored: &declared::Rule,
    rule: &Rule,
    definition: &Value,
    fix_within: Option<i64>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    if stored.kind != rule.kind.name() || stored.definition != *definition {
        let before = RuleKind::from_definition(&stored.kind, stored.definition.clone())
            .map_or_else(|_| stored.definition.to_string(), |kind| kind.to_string());
        differences.push(Difference {
            property: "rule",
            before,
            after: rule.kind.to_string(),
        });
    }
    differs(
        &mut differences,
        "where",
        stored.condition.as_deref().unwrap_or_default(),
        rule.condition.as_deref().unwrap_or_default(),
    );
    differs(
        &mut differences,
        "severity",
        &stored.severity,
        rule.severity.name(),
    );
    differs(
        &mut differences,
        "action",
        &stored.action,
        rule.action.name(),
    );
    differs(&mut differences, "mode", &stored.mode, rule.mode.name());
    differs(&mut differences, "owner", &stored.owner, &rule.owner);
    differs(&mut differences, "why", &stored.why, &rule.why);
    if stored.fix_within != fix_within {
        differences.push(Difference {
            property: "fix_within",
            before: stored
                .fix_within
                .map_or_else(|| "none".to_owned(), length_in_words),
            after: rule
                .fix_within
                .map_or_else(|| "none".to_owned(), |period| period.to_string()),
        });
    }
    differs(&mut differences, "nulls", &stored.nulls, rule.nulls.name());
    differs(
        &mut differences,
        "on_error",
        &stored.on_error,
        rule.on_error.name(),
    );
    let share = |mostly: Option<f64>| mostly.map_or_else(String::new, |share| share.to_string());
    differs(
        &mut differences,
        "mostly",
        &share(stored.mostly),
        &share(rule.mostly),
    );
    differs(
        &mut differences,
        "shadow",
        &stored.shadow.to_string(),
        &rule.shadow.to_string(),
    );
    differences
}

/// Notes a property that changes.
pub(crate) fn differs(
    differences: &mut Vec<Difference>,
    property: &'static str,
    before: &str,
    after: &str,
) {
    if before != after {
        differences.push(Difference {
            property,
            before: before.to_owned(),
            after: after.to_owned(),
        });
    }
}

/// A length of time in the largest unit that fits.
pub(crate) fn length(seconds: i64) -> Option<Period> {
    let (count, unit) = match seconds {
        _ if seconds % 86_400 == 0 => (seconds / 86_400, Unit::Day),
        _ if seconds % 3_600 == 0 => (seconds / 3_600, Unit::Hour),
        _ if seconds % 60 == 0 => (seconds / 60, Unit::Minute),
        _ => (seconds, Unit::Second),
    };
    u32::try_from(count)
        .ok()
        .map(|count| Period::new(count, unit))
}

fn length_in_words(seconds: i64) -> String {
    length(seconds).map_or_else(|| format!("{seconds} seconds"), |length| length.to_string())
}

/// A part of a definition, for the line that says what changes.
pub(crate) fn in_words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(", "),
        // A group or a measure of a summary.
        Value::Object(fields) if fields.contains_key("name") => {
            let name = in_words(&fields["name"]);
            let mut expression = fields.get("expression").map(in_words).unwrap_or_default();
            if let Some(reference) = fields.get("reference") {
                expression = format!("{expression} -> {}", in_words(&reference["column"]));
            }
            match fields.get("function").map(in_words) {
                Some(function) if expression.is_empty() => format!("{name} = {function}"),
                Some(function) => format!("{name} = {function}({expression})"),
                None if expression == name => name,
                None => format!("{name} = {expression}"),
            }
        }
        // When digests of a route go out.
        Value::Object(fields) if fields.contains_key("days") && fields.contains_key("at") => {
            Digest::deserialize(value).map_or_else(|_| value.to_string(), |at| at.to_string())
        }
        // The hours of a route.
        Value::Object(fields) if fields.contains_key("days") => {
            Hours::deserialize(value).map_or_else(|_| value.to_string(), |hours| hours.to_string())
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name} {}", in_words(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

/// A summary, in one line.
pub(crate) fn summary_in_words(summary: &Summary) -> String {
    let definition = summary.definition();
    let mut text = in_words(&definition["measures"]);
    let mut by = Vec::new();
    if !summary.group_by.is_empty() {
        by.push(in_words(&definition["group_by"]));
    }
    if let Some(bucket) = &summary.bucket {
        by.push(format!("{} of {}", bucket.width, bucket.column));
    }
    if !by.is_empty() {
        text.push_str(" by ");
        text.push_str(&by.join(" and "));
    }
    if let Some(condition) = &summary.condition {
        text.push_str(" where ");
        text.push_str(condition);
    }
    if let Some(period) = summary.retain {
        text.push_str(&format!(", kept for {period}"));
    }
    text
}

/// An alert policy, in one line.
pub(crate) fn alert_in_words(alert: &AlertPolicy) -> String {
    let mut text = match (&alert.on, alert.within) {
        (Subject::Rules, _) => "any rule".to_owned(),
        (Subject::Findings, Some(within)) => format!("findings of the last {within}"),
        (Subject::Findings, None) => "findings".to_owned(),
        (Subject::Overdue, _) => "what is overdue".to_owned(),
        (Subject::Summary(name), _) => name.clone(),
    };
    text.push_str(&format!(" when {}", alert.when));
    if let Some(period) = alert.hold_for {
        text.push_str(&format!(" for {period}"));
    }
    if let Some(until) = &alert.until {
        text.push_str(&format!(", until {until}"));
    }
    text
}

/// Where a channel leads, in one line.
pub(crate) fn provider_in_words(provider: &Provider) -> String {
    let name = provider.name();
    if let Some(mail) = provider.mail() {
        let to: Vec<&str> = mail.recipients().map(String::as_str).collect();
        return format!("{name} to {}", to.join(", "));
    }
    match provider {
        Provider::Webhook {
            url: Setting::Literal(url),
            ..
        } => format!("{name} to {url}"),
        Provider::File { directory } => format!("{name} in {directory}"),
        _ => name.to_owned(),
    }
}

/// A route, in one line.
pub(crate) fn route_in_words(route: &Route) -> String {
    let mut conditions: Vec<String> = Vec::new();
    if !route.severity.is_empty() {
        let words: Vec<&str> = route
            .severity
            .iter()
            .map(|severity| severity.name())
            .collect();
        conditions.push(words.join(" or "));
    }
    if let Some(owner) = &route.owner {
        conditions.push(format!("of {owner}"));
    }
    if let Some(table) = &route.table {
        conditions.push(format!("about {table}"));
    }
    let mut what = if conditions.is_empty() {
        "everything".to_owned()
    } else {
        conditions.join(" ")
    };
    if let Some(hours) = &route.hours {
        what.push_str(&format!(" at {hours}"));
        match route.otherwise {
            Otherwise::Wait => {}
            Otherwise::Next => what.push_str(" (else the next)"),
            Otherwise::Digest => what.push_str(" (else in a digest)"),
        }
    }
    if let Some(digest) = &route.digest {
        what.push_str(&format!(" in a digest ({digest})"));
    }
    let more = if route.go_on { ", and goes on" } else { "" };
    format!("{what} to {}{more}", route.to.join(", "))
}
