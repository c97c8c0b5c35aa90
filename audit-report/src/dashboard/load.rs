//! Reads a dashboard from a database, in one snapshot, through [`audit_schema::metrics`].

use std::collections::HashMap;

use audit_core::RuleKind;
use audit_schema::metrics::{self, Scope};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::PgConnection;

use super::data::{
    AlertSpan, Checked, Dashboard, Failing, FailingRule, OpenAlerts, Overdue, Pipeline, SetAside,
    Step, TableQuality, Writer, place,
};
use crate::error::Result;
use crate::period::Period;
use crate::selection::{Selection, window};

/// How many of each list the dashboard has room for, with some to spare for taller pictures.
const LISTED: i64 = 24;

/// How many episodes of alerts are read: those of one subject share a row.
pub(crate) const EPISODES: i64 = 400;

/// Reads the figures of a dashboard, all in one snapshot. It reads counters, hourly activities, alerts and the outbox,
/// never the packed log: the time it takes does not grow with it.
///
/// # Errors
/// When the pipeline is not installed or may not be read.
pub fn load(connection: &mut PgConnection, selection: &Selection) -> Result<Dashboard> {
    metrics::in_one_snapshot(connection, |connection| read(connection, selection))
}

fn read(connection: &mut PgConnection, selection: &Selection) -> Result<Dashboard> {
    let status = metrics::pipeline(connection)?;
    let (period, scope) = selection.scope(connection, status.as_of)?;

    let changes = metrics::changes(connection, &scope)?;
    let before = before(connection, &period, &scope)?;
    let steps = steps(&period, &changes, &metrics::failures(connection, &scope)?);
    let rules = metrics::rule_totals(connection, &scope)?;
    let failing_rules = metrics::failing_rules(connection, &scope, LISTED)?;
    let tables = metrics::table_totals(connection, &scope)?;
    let unfixed = metrics::unfixed(connection, &scope)?;
    let quarantine = metrics::quarantine(connection, &scope)?;
    let totals = metrics::alert_totals(connection, &scope)?;
    let writers = metrics::writers(connection, &scope, LISTED)?;

    let mut open_alerts = OpenAlerts::default();
    for open in metrics::open_alerts(connection, &scope)? {
        open_alerts.by_severity[place(open.severity)] = open.open;
        open_alerts.acknowledged += open.acknowledged;
    }
    Ok(Dashboard {
        title: String::new(),
        database: status.database.clone(),
        as_of: status.as_of,
        drawn_at: status.now,
        checked: Checked {
            rows: changes.iter().map(|change| change.checked).sum(),
            before,
            tables: size(tables.tables),
        },
        failing: Failing {
            rows: rules.failing,
            critical: rules.critical,
            of_rows: tables.rows,
            errors: rules.errors,
        },
        set_aside: SetAside {
            held: quarantine.held,
            oldest: quarantine
                .oldest_held_at
                .map(|at| (status.as_of - at).num_seconds().max(0)),
            released: quarantine.released,
            discarded: quarantine.discarded,
        },
        open_alerts,
        overdue: Overdue {
            rows: unfixed.iter().map(|failure| failure.overdue).sum(),
            of_rows: unfixed.iter().map(|failure| failure.failing).sum(),
            worst: unfixed
                .iter()
                .filter(|failure| failure.overdue > 0)
                .map(|failure| failure.severity)
                .max(),
        },
        pipeline: pipeline(&status),
        steps,
        failing_rules_in_all: size(rules.failing_rules),
        rules: size(rules.rules),
        failing_rules: failing_rules.into_iter().map(failing_rule).collect(),
        tables: read_quality(connection, &scope, LISTED)?,
        by_hour: read_hours_of_week(connection, &scope)?,
        alerts: read_alerts(connection, &scope, EPISODES)?,
        alerts_in_all: size(totals.alerts),
        median_to_acknowledge: totals
            .median_seconds_to_acknowledge
            .map(|seconds| seconds as i64),
        median_to_resolve: totals
            .median_seconds_to_resolve
            .map(|seconds| seconds as i64),
        writers_in_all: writers.first().map_or(0, |writer| size(writer.writers)),
        writers: writers
            .into_iter()
            .map(|writer| Writer {
                name: writer.name,
                rows: writer.rows,
            })
            .collect(),
        only: selection.only(),
        period,
    })
}

/// The quality of tables, the worst first, and whether it is getting better.
pub(crate) fn read_quality(
    connection: &mut PgConnection,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<TableQuality>> {
    let changes: HashMap<String, f64> = metrics::write_quality(connection, scope)?
        .into_iter()
        .filter_map(|table| Some((table.name.clone(), better(&table)?)))
        .collect();
    Ok(metrics::quality(connection, scope, limit)?
        .into_iter()
        .map(|table| TableQuality {
            table: short_name(&table.name).to_owned(),
            rows: table.rows,
            rules: table.rules,
            at_least: table.share_passing_at_least,
            at_most: table.share_passing_at_most,
            change: changes.get(&table.name).copied(),
        })
        .collect())
}

/// What failed by weekday, Monday first, and hour of the day.
pub(crate) fn read_hours_of_week(
    connection: &mut PgConnection,
    scope: &Scope,
) -> Result<Vec<[i64; 24]>> {
    let mut by_hour = vec![[0; 24]; 7];
    for failure in metrics::failures_by_hour_of_week(connection, scope)? {
        let day = usize::try_from(failure.weekday - 1).ok();
        let hour = usize::try_from(failure.hour).ok();
        if let Some(cell) = day
            .zip(hour)
            .and_then(|(day, hour)| by_hour.get_mut(day)?.get_mut(hour))
        {
            *cell = failure.failed;
        }
    }
    Ok(by_hour)
}

/// Alerts that were open in a period, the worst first.
pub(crate) fn read_alerts(
    connection: &mut PgConnection,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<AlertSpan>> {
    Ok(metrics::alerts(connection, scope, limit)?
        .into_iter()
        .map(|alert| AlertSpan {
            policy: alert.policy,
            about: short_name(&alert.about).to_owned(),
            title: alert.title,
            severity: alert.severity,
            opened_at: alert.opened_at,
            acknowledged_at: alert.acknowledged_at,
            resolved_at: alert.resolved_at,
        })
        .collect())
}

/// A number of things that are counted in SQL.
pub(crate) fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Rows checked in the period of the same length before; nothing when there was no change in it, because the watch had
/// hardly begun.
fn before(connection: &mut PgConnection, period: &Period, scope: &Scope) -> Result<Option<i64>> {
    let last = period.first - TimeDelta::days(1);
    let first = last - TimeDelta::days(period.days() - 1);
    let earlier = Period::new(first, last, period.zone);
    if earlier.first != first {
        return Ok(None);
    }
    // A period that the watch began in the middle of would make any growth look enormous.
    let began = metrics::activity(connection, &scope.filter)?.map(|activity| activity.first);
    if began.is_none_or(|began| began > earlier.start() + TimeDelta::days(1)) {
        return Ok(None);
    }
    let scope = Scope {
        window: window(&earlier),
        filter: scope.filter.clone(),
    };
    let checked: i64 = metrics::changes(connection, &scope)?
        .iter()
        .map(|change| change.checked)
        .sum();
    Ok((checked > 0).then_some(checked))
}

/// One entry for every step of a period, none left out.
pub(crate) fn steps(
    period: &Period,
    changes: &[metrics::ChangeStep],
    failures: &[metrics::FailureStep],
) -> Vec<Step> {
    let mut steps: Vec<Step> = period
        .steps()
        .into_iter()
        .map(|start| Step {
            start,
            failed: [0; 4],
            written: 0,
        })
        .collect();
    let places: HashMap<NaiveDateTime, usize> = steps
        .iter()
        .enumerate()
        .map(|(place, step)| (step.start, place))
        .collect();
    for change in changes {
        if let Some(found) = places.get(&change.start) {
            steps[*found].written += change.rows;
        }
    }
    for failure in failures {
        if let Some(found) = places.get(&failure.start) {
            steps[*found].failed[place(failure.severity)] += failure.failed;
        }
    }
    steps
}

/// How much larger a share of the rows passed in the second half of the period.
fn better(table: &metrics::WriteQuality) -> Option<f64> {
    let share = |checked: i64, failed: i64| {
        (checked >= 100).then(|| (1.0 - failed as f64 / checked as f64).max(0.0))
    };
    Some(
        share(table.checked_after, table.failed_after)?
            - share(table.checked_before, table.failed_before)?,
    )
}

fn failing_rule(rule: metrics::RuleStatus) -> FailingRule {
    FailingRule {
        table: short_name(&rule.table).to_owned(),
        says: says(&rule.kind, rule.definition, &rule.name),
        rule: rule.name,
        severity: rule.severity,
        owner: rule.owner,
        failing: rule.failing,
        since: rule.first_failed_hour,
    }
}

/// What a rule demands, in words.
pub(crate) fn says(kind: &str, definition: serde_json::Value, name: &str) -> String {
    // A rule that a person named says best what it demands in that name; a condition in SQL says it worst.
    match RuleKind::from_definition(kind, definition) {
        Ok(RuleKind::Expression { .. }) | Err(_) => name.replace('_', " "),
        Ok(RuleKind::References { column, table, .. }) => {
            format!("{column} is in {}", short_name(&table))
        }
        Ok(kind) => kind.to_string(),
    }
}

fn pipeline(status: &metrics::PipelineStatus) -> Pipeline {
    Pipeline {
        behind: status.seconds_behind,
        waiting: status.waiting,
        delivered: status.delivered,
        undelivered: status.undelivered,
        dead: status.dead,
        paused_channels: status.paused_channels,
        ticked: status.ticked_at.is_some(),
        // In a replay the last tick is years ahead of what it was run for.
        silent: status
            .ticked_at
            .map_or(0.0, |ticked| seconds(status.as_of - ticked).max(0.0)),
        log_bytes: status.log_bytes,
        segments: status.segments,
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds for a picture")]
fn seconds(time: TimeDelta) -> f64 {
    time.num_seconds() as f64
}

/// A table without the schema that says nothing.
pub(crate) fn short_name(table: &str) -> &str {
    table.strip_prefix("public.").unwrap_or(table)
}
