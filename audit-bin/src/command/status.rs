//! `audit status`: is anything wrong now, what fails most, and is the pipeline itself healthy?

use audit_core::Severity;
use audit_schema::doctor::Remark;
use audit_schema::inspect::{self, PipelineStatus, RuleStatus, Status, TableStatus};
use audit_schema::time_rule::TimeRuleStatus;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::Value;

use crate::cells;
use crate::command::plan::last_apply;
use crate::command::{Format, FormatOption, Output, check, json};
use crate::terminal::{
    Columns, Painted, Style, Tone, count, duration, number, percent, shorten, table_name,
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

/// Shows the status as a person reads it, not wider than 100 columns: how bad it is, tables, what fails, alerts, the
/// pipeline itself, and a line that sums up.
pub fn render(status: &Status, style: Style) -> String {
    let mut parts = vec![title(status, style)];
    if status.tables.is_empty() {
        parts.push(
            "No table is watched. Write a policy with `audit init` and run `audit apply`."
                .to_owned(),
        );
        return parts.join("\n\n") + "\n";
    }
    parts.push(by_severity(status, style));
    parts.push(tables(status, style));
    parts.push(rules(status, style));
    parts.extend(time_rules(status, style));
    parts.push(alerts(status, style));
    parts.extend(check::last(&status.checks, style));
    parts.push(pipeline(status, style));
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

/// How many rules of each severity fail now: the worst word of the morning comes first.
fn by_severity(status: &Status, style: Style) -> String {
    let severities = [
        Severity::Critical,
        Severity::Important,
        Severity::Normal,
        Severity::Low,
    ];
    let words: Vec<String> = severities
        .iter()
        .map(|severity| {
            let failing = failing(status)
                .filter(|rule| !rule.shadow && rule.severity == severity.name())
                .count();
            let text = format!("{} {failing} {severity}", severity.symbol());
            match failing {
                0 => style.quiet(&text),
                _ => style.paint(&Painted::new(text, Tone::Severity(*severity))),
            }
        })
        .collect();
    format!("{} {}", style.quiet("rules failing"), words.join("   "))
}

fn tables(status: &Status, style: Style) -> String {
    let mut columns = Columns::new(
        style,
        &[
            "table",
            ">rows",
            ">passing",
            ">inserted",
            ">updated",
            ">deleted",
            ">set aside",
            ">rules failing",
        ],
    );
    for table in &status.tables {
        let failing = format!("{} of {}", table.failing_rules, table.rules);
        columns.row(cells![
            shorten(table_name(&table.name), 28),
            number(table.rows),
            passing(status, table),
            number(table.inserted),
            number(table.updated),
            number(table.deleted),
            match table.held {
                0 => Painted::new("0", Tone::Quiet),
                held => Painted::new(number(held), Tone::Severity(Severity::Important)),
            },
            match table.failing_rules {
                0 => Painted::new(failing, Tone::Good),
                _ => Painted::from(failing),
            },
        ]);
    }
    columns.render()
}

/// The share of the rows of a table that pass every rule. One row may fail several, so that it is at least this.
fn passing(status: &Status, table: &TableStatus) -> Painted {
    let failures = status
        .rules
        .iter()
        .filter(|rule| rule.table == table.name && !rule.time_driven)
        .map(|rule| rule.taken_as_failing);
    let (sum, worst) = failures.fold((0, 0), |(sum, worst): (i64, i64), failing| {
        (sum + failing, worst.max(failing))
    });
    if table.rows == 0 {
        return Painted::new("–", Tone::Quiet);
    }
    if sum == 0 {
        return Painted::new("100 %", Tone::Good);
    }
    // What rounds to all must not look as if it were all.
    let share = (1.0 - sum as f64 / table.rows as f64).clamp(0.0, 0.999);
    let sign = if sum == worst { "" } else { "≥ " };
    format!("{sign}{}", percent(share)).into()
}

fn rules(status: &Status, style: Style) -> String {
    let mut columns = Columns::new(
        style,
        &[
            "rule that fails now",
            "severity",
            ">rows",
            ">share",
            ">last",
            "owner",
        ],
    );
    for rule in failing(status).filter(|rule| !rule.time_driven) {
        let shadow = if rule.shadow { " (shadow)" } else { "" };
        let name = format!("{}.{}", table_name(&rule.table), rule.name);
        columns.row(cells![
            format!("{}{shadow}", shorten(&name, 38 - shadow.len())),
            Painted::severity(&rule.severity),
            number(rule.failing),
            match rule.failing {
                0 => String::new(),
                _ => percent(rule.failing_ratio),
            },
            since(rule.last_failed, status),
            shorten(&rule.owner, 20),
        ]);
    }
    if columns.is_empty() {
        return style.good("✓ every row passes every rule");
    }
    columns.render()
}

/// For how long, by the clock of the tick: `6 h`.
fn since(time: Option<DateTime<Utc>>, status: &Status) -> String {
    time.zip(status.pipeline.clock)
        .map(|(time, clock)| duration((clock - time).max(TimeDelta::zero())))
        .unwrap_or_default()
}

/// The groups of time-driven rules that are not as they should be; nothing where no such rule was asked.
fn time_rules(status: &Status, style: Style) -> Option<String> {
    let groups: &[TimeRuleStatus] = &status.time_rules;
    let mut columns = Columns::new(
        style,
        &["time-driven rule", "severity", "state", ">for", "found"],
    );
    for group in groups
        .iter()
        .filter(|group| group.fails || group.state == "error")
    {
        let shadow = if group.shadow { " (shadow)" } else { "" };
        columns.row(cells![
            format!(
                "{}{shadow}",
                shorten(
                    &format!(
                        "{}.{}{}",
                        table_name(&group.table),
                        group.name,
                        group_name(&group.group)
                    ),
                    30 - shadow.len()
                )
            ),
            Painted::severity(&group.severity),
            group.state.replace('_', " "),
            since(Some(group.since), status),
            shorten(group.detail.as_deref().unwrap_or_default(), 34),
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
    let mut columns = Columns::new(style, &["open alert", "severity", "state", ">for", "owner"]);
    for alert in &status.open_alerts {
        columns.row(cells![
            shorten(&alert.title, 48),
            Painted::severity(&alert.severity),
            alert.state.clone(),
            since(Some(alert.opened_at), status),
            shorten(&alert.owner, 16),
        ]);
    }
    if columns.is_empty() {
        return style.good("✓ no open alert");
    }
    columns.render()
}

/// The pipeline itself, a line for each part.
fn pipeline(status: &Status, style: Style) -> String {
    let pipeline = &status.pipeline;
    let mut lines = vec![("log", log(pipeline))];
    if pipeline.oldest_held_at.is_some() {
        let held = status.tables.iter().map(|table| table.held).sum();
        let oldest = since(pipeline.oldest_held_at, status);
        let age = match oldest.as_str() {
            "" => String::new(),
            oldest => format!(" · the oldest for {oldest}"),
        };
        lines.push((
            "quarantine",
            format!("{} set aside{age}", count(held, "row")),
        ));
    }
    lines.push(("deliveries", deliveries(pipeline)));
    if let Some(last) = &status.last_apply {
        lines.push(("policy", shorten(&last_apply(last, style), 88)));
    }
    let mut text: Vec<String> = lines
        .into_iter()
        .map(|(name, facts)| format!("{}{facts}", style.quiet(&format!("{name:<12}"))))
        .collect();
    text.push(format!(
        "{}{}",
        style.quiet(&format!("{:<12}", "doctor")),
        doctor(&status.remarks, style)
    ));
    text.join("\n")
}

/// What readers of counters and summaries still add up themselves, what is sealed, and which summaries are on their way.
fn log(pipeline: &PipelineStatus) -> String {
    let mut facts = vec![format!(
        "{} in {}",
        count(pipeline.sealed_rows, "changed row"),
        count(pipeline.segments, "sealed segment")
    )];
    if pipeline.head_rows > 0 {
        let age = duration(TimeDelta::seconds(pipeline.waiting_seconds));
        facts.push(format!(
            "{} to be folded, the oldest for {age}",
            number(pipeline.head_rows)
        ));
    }
    if !pipeline.starting.is_empty() {
        facts.push(format!("summaries start: {}", pipeline.starting.join(", ")));
    }
    facts.join(" · ")
}

/// The worst remarks by their names; `audit doctor` has the rest.
fn doctor(remarks: &[Remark], style: Style) -> String {
    let wrong: Vec<&Remark> = remarks.iter().filter(|remark| remark.is_wrong()).collect();
    let Some(worst) = wrong.first() else {
        return style.good(match remarks.len() {
            0 => "✓ nothing is wrong",
            _ => "✓ nothing is wrong; `audit doctor` has advice",
        });
    };
    let text = format!(
        "{} {} {}",
        worst.severity.symbol(),
        worst.remark,
        shorten(&worst.object, 22)
    );
    let more = match wrong.len() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    format!(
        "{}{more}; `audit doctor` says what to do",
        style.paint(&Painted::new(text, Tone::Severity(worst.severity)))
    )
}

fn summary(status: &Status, style: Style) -> String {
    let critical = status
        .open_alerts
        .iter()
        .filter(|alert| alert.severity == "critical")
        .count();
    let held = status.tables.iter().map(|table| table.held).sum();
    let mut facts = vec![
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
    ];
    let wrong = status
        .remarks
        .iter()
        .filter(|remark| remark.is_wrong())
        .count();
    if wrong > 0 {
        facts.push(count(size(wrong), "remark"));
    }
    let line = facts.join(" · ");
    let is_ill = status
        .remarks
        .iter()
        .any(|remark| remark.severity == Severity::Critical);
    let pipeline = &status.pipeline;
    if critical > 0 || pipeline.dead > 0 || !pipeline.paused_channels.is_empty() || is_ill {
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

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
