//! `audit status`: is anything wrong now, what fails most, and is the pipeline itself healthy?

use audit_schema::inspect::{self, PipelineStatus, RuleStatus, Status};
use audit_schema::time_rule::TimeRuleStatus;
use diesel::PgConnection;
use serde_json::Value;

use crate::cells;
use crate::command::{Format, FormatOption, Output, check, json};
use crate::terminal::{
    Columns, Painted, Style, count, duration, number, percent, shorten, table_name,
};

/// Reads the status, and tells it.
///
/// # Errors
/// If the pipeline may not be read.
pub fn run(
    connection: &mut PgConnection,
    options: FormatOption,
    style: Style,
) -> anyhow::Result<Output> {
    let status = inspect::status(connection)?;
    Ok(match options.format {
        Format::Text => render(&status, style).into(),
        Format::Json => json(&status)?.into(),
    })
}

/// Shows the status as a person reads it: tables, rules that fail, open alerts, and a line that sums up.
pub fn render(status: &Status, style: Style) -> String {
    let mut parts = vec![title(status, style)];
    if status.tables.is_empty() {
        parts.push("No table is watched. Write a policy and run `audit apply POLICY`.".to_owned());
        return parts.join("\n\n") + "\n";
    }
    parts.push(tables(status, style));
    parts.push(rules(status, style));
    parts.extend(time_rules(&status.time_rules, style));
    parts.push(alerts(status, style));
    parts.extend(check::last(&status.checks, style));
    parts.extend(folding(&status.pipeline));
    parts.push(summary(status, style));
    parts.join("\n\n") + "\n"
}

fn title(status: &Status, style: Style) -> String {
    let when = match status.pipeline.clock {
        Some(clock) => format!("{} {}", style.time(clock), style.zone),
        None => "audit-notify has not run yet".to_owned(),
    };
    let facts = format!("PostgreSQL {} · {when}", status.server_version);
    format!("{}  {}", style.bold(&status.database), style.quiet(&facts))
}

fn tables(status: &Status, style: Style) -> String {
    let mut columns = Columns::new(
        style,
        &[
            "table",
            ">rows",
            ">inserted",
            ">updated",
            ">deleted",
            ">set aside",
            ">rules failing",
        ],
    );
    for table in &status.tables {
        columns.row(cells![
            table_name(&table.name),
            number(table.rows),
            number(table.inserted),
            number(table.updated),
            number(table.deleted),
            number(table.held),
            format!("{} of {}", table.failing_rules, table.rules),
        ]);
    }
    columns.render()
}

fn rules(status: &Status, style: Style) -> String {
    let mut columns = Columns::new(
        style,
        &[
            "rule that fails now",
            "severity",
            ">rows",
            ">share",
            "last failed",
            "owner",
        ],
    );
    for rule in failing(status).filter(|rule| !rule.time_driven) {
        columns.row(cells![
            format!(
                "{}.{}{}",
                table_name(&rule.table),
                rule.name,
                if rule.shadow { " (shadow)" } else { "" }
            ),
            Painted::severity(&rule.severity),
            number(rule.failing),
            percent(rule.failing_ratio),
            rule.last_failed
                .map(|time| style.time(time))
                .unwrap_or_default(),
            rule.owner.clone(),
        ]);
    }
    if columns.is_empty() {
        return style.good("✓ every row passes every rule");
    }
    columns.render()
}

/// The groups of time-driven rules that are not as they should be; nothing where no such rule was asked.
fn time_rules(groups: &[TimeRuleStatus], style: Style) -> Option<String> {
    let mut columns = Columns::new(
        style,
        &[
            "time-driven rule",
            "severity",
            "state",
            "since",
            "found",
            "expected",
        ],
    );
    for group in groups
        .iter()
        .filter(|group| group.fails || group.state == "error")
    {
        let shadow = if group.shadow { " (shadow)" } else { "" };
        columns.row(cells![
            format!(
                "{}.{}{shadow}{}",
                table_name(&group.table),
                group.name,
                group_name(&group.group)
            ),
            Painted::severity(&group.severity),
            group.state.replace('_', " "),
            style.time(group.since),
            shorten(group.detail.as_deref().unwrap_or_default(), 60),
            shorten(group.expected.as_deref().unwrap_or_default(), 40),
        ]);
    }
    match (groups.len(), columns.is_empty()) {
        (0, _) => None,
        (_, true) => Some(style.good("✓ every time-driven rule is kept")),
        _ => Some(columns.render()),
    }
}

/// The values of a group: ` EWR, null`; nothing for a rule without groups.
fn group_name(group: &Value) -> String {
    let values: Vec<&str> = group
        .as_object()
        .into_iter()
        .flat_map(|columns| columns.values())
        .map(|value| value.as_str().unwrap_or("null"))
        .collect();
    match values.as_slice() {
        [] => String::new(),
        values => format!(" {}", values.join(", ")),
    }
}

fn failing(status: &Status) -> impl Iterator<Item = &RuleStatus> {
    status.rules.iter().filter(|rule| {
        rule.taken_as_failing > 0 || rule.errors > 0 || rule.shadow && rule.failing > 0
    })
}

fn alerts(status: &Status, style: Style) -> String {
    let mut columns = Columns::new(style, &["open alert", "severity", "state", "for", "owner"]);
    for alert in &status.open_alerts {
        let lasts = status
            .pipeline
            .clock
            .map(|clock| duration(clock - alert.opened_at));
        columns.row(cells![
            alert.title.clone(),
            Painted::severity(&alert.severity),
            alert.state.clone(),
            lasts.unwrap_or_default(),
            alert.owner.clone(),
        ]);
    }
    if columns.is_empty() {
        return style.good("✓ no open alert");
    }
    columns.render()
}

fn summary(status: &Status, style: Style) -> String {
    let critical = status
        .open_alerts
        .iter()
        .filter(|alert| alert.severity == "critical")
        .count();
    let held = status.tables.iter().map(|table| table.held).sum();
    let facts = [
        count(size(status.tables.len()), "table"),
        format!(
            "{} of {} failing",
            failing(status).filter(|rule| !rule.shadow).count(),
            count(size(status.rules.len()), "rule")
        ),
        format!(
            "{} open, {} critical",
            count(size(status.open_alerts.len()), "alert"),
            number(size(critical))
        ),
        format!("{} set aside", count(held, "row")),
        deliveries(&status.pipeline),
    ];
    let line = facts.join(" · ");
    if critical > 0 || status.pipeline.dead > 0 || !status.pipeline.paused_channels.is_empty() {
        style.bad(&line)
    } else {
        style.bold(&line)
    }
}

fn deliveries(pipeline: &PipelineStatus) -> String {
    let mut facts = vec![format!(
        "{} delivered",
        count(pipeline.delivered, "message")
    )];
    if pipeline.waiting > 0 {
        facts.push(format!("{} waiting", number(pipeline.waiting)));
    }
    if pipeline.collected > 0 {
        facts.push(format!("{} for a digest", number(pipeline.collected)));
    }
    if pipeline.dead > 0 {
        facts.push(format!("{} dead", number(pipeline.dead)));
    }
    if !pipeline.paused_channels.is_empty() {
        facts.push(format!("paused: {}", pipeline.paused_channels.join(", ")));
    }
    facts.join(", ")
}

/// What readers of counters and summaries still add up themselves, and which summaries are on their way.
fn folding(pipeline: &PipelineStatus) -> Option<String> {
    let mut facts = Vec::new();
    if pipeline.head_rows > 0 {
        let age = duration(chrono::TimeDelta::seconds(pipeline.waiting_seconds));
        facts.push(format!(
            "{} to be folded, the oldest for {age}",
            count(pipeline.head_rows, "changed row")
        ));
    }
    if !pipeline.starting.is_empty() {
        facts.push(format!("summaries start: {}", pipeline.starting.join(", ")));
    }
    (!facts.is_empty()).then(|| facts.join(" · "))
}

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
