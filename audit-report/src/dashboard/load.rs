//! Reads a dashboard from a database, in one snapshot, through [`audit_schema::metrics`].

use std::collections::HashMap;

use audit_core::{RuleKind, Severity};
use audit_schema::metrics::{self, Window};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;

use super::data::{
    AlertSpan, Checked, Dashboard, Failing, FailingRule, OpenAlerts, Overdue, Period, Pipeline,
    SetAside, Step, StepWidth, TableQuality, Writer, place,
};
use crate::error::Result;

/// What a dashboard is about. What is left out is taken from the database.
///
/// # Examples
/// ```
/// use audit_report::dashboard::Range;
/// use chrono::NaiveDate;
///
/// let february = Range {
///     first: NaiveDate::from_ymd_opt(2013, 2, 1),
///     last: NaiveDate::from_ymd_opt(2013, 2, 28),
///     zone: Some(chrono_tz::America::New_York),
/// };
/// assert_ne!(february, Range::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First day; by default that of the first change.
    pub first: Option<NaiveDate>,
    /// Last day; by default that of the last change.
    pub last: Option<NaiveDate>,
    /// Where days begin; by default the zone that most summaries are declared in, else UTC.
    pub zone: Option<Tz>,
}

/// How many of each list the dashboard has room for, with some to spare for taller pictures.
const LISTED: i64 = 24;

/// How many episodes of alerts are read: those of one subject share a row.
const EPISODES: i64 = 400;

/// Reads the figures of a dashboard, all in one snapshot. It reads counters, hourly activities, alerts and the outbox,
/// never the packed log: the time it takes does not grow with it.
///
/// # Errors
/// When the pipeline is not installed or may not be read.
pub fn load(connection: &mut PgConnection, range: &Range) -> Result<Dashboard> {
    metrics::in_one_snapshot(connection, |connection| read(connection, range))
}

fn read(connection: &mut PgConnection, range: &Range) -> Result<Dashboard> {
    let status = metrics::pipeline(connection)?;
    let period = period(connection, range, status.as_of)?;
    let window = window(&period);

    let changes = metrics::changes(connection, &window)?;
    let before = before(connection, &period)?;
    let steps = steps(&period, &changes, &metrics::failures(connection, &window)?);
    let rules = metrics::rules(connection)?;
    let quality = metrics::quality(connection)?;
    let changes_of: HashMap<String, f64> = metrics::write_quality(connection, &window)?
        .into_iter()
        .filter_map(|table| Some((table.name.clone(), better(&table)?)))
        .collect();
    let unfixed = metrics::unfixed(connection)?;
    let quarantine = metrics::quarantine(connection)?;
    let totals = metrics::alert_totals(connection, &window)?;
    let writers = metrics::writers(connection, &window, LISTED)?;

    let mut by_hour = vec![[0; 24]; 7];
    for failure in metrics::failures_by_hour_of_week(connection, &window)? {
        let day = usize::try_from(failure.weekday - 1).ok();
        let hour = usize::try_from(failure.hour).ok();
        if let Some(cell) = day
            .zip(hour)
            .and_then(|(day, hour)| by_hour.get_mut(day)?.get_mut(hour))
        {
            *cell = failure.failed;
        }
    }
    let mut open_alerts = OpenAlerts::default();
    for open in metrics::open_alerts(connection)? {
        open_alerts.by_severity[place(open.severity)] = open.open;
        open_alerts.acknowledged += open.acknowledged;
    }
    let alerts = metrics::alerts(connection, &window, EPISODES)?
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
        .collect();

    Ok(Dashboard {
        database: status.database.clone(),
        as_of: status.as_of,
        drawn_at: status.now,
        checked: Checked {
            rows: changes.iter().map(|change| change.checked).sum(),
            before,
            tables: quality.len(),
        },
        failing: Failing {
            rows: rules.iter().map(|rule| rule.failing).sum(),
            critical: rules
                .iter()
                .filter(|rule| rule.severity == Severity::Critical)
                .map(|rule| rule.failing)
                .sum(),
            of_rows: quality.iter().map(|table| table.rows).sum(),
            errors: rules.iter().map(|rule| rule.errors).sum(),
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
        failing_rules_in_all: rules.iter().filter(|rule| rule.failing > 0).count(),
        rules: rules.len(),
        failing_rules: rules
            .into_iter()
            .filter(|rule| rule.failing > 0)
            .take(LISTED as usize)
            .map(failing_rule)
            .collect(),
        tables: quality
            .into_iter()
            .map(|table| TableQuality {
                table: short_name(&table.name).to_owned(),
                rows: table.rows,
                rules: table.rules,
                at_least: table.share_passing_at_least,
                at_most: table.share_passing_at_most,
                change: changes_of.get(&table.name).copied(),
            })
            .collect(),
        by_hour,
        alerts,
        alerts_in_all: usize::try_from(totals.alerts).unwrap_or(0),
        median_to_acknowledge: totals
            .median_seconds_to_acknowledge
            .map(|seconds| seconds as i64),
        median_to_resolve: totals
            .median_seconds_to_resolve
            .map(|seconds| seconds as i64),
        writers_in_all: writers
            .first()
            .map_or(0, |writer| usize::try_from(writer.writers).unwrap_or(0)),
        writers: writers
            .into_iter()
            .map(|writer| Writer {
                name: writer.name,
                rows: writer.rows,
            })
            .collect(),
        period,
    })
}

fn period(connection: &mut PgConnection, range: &Range, as_of: DateTime<Utc>) -> Result<Period> {
    let zone = match range.zone {
        Some(zone) => zone,
        None => metrics::time_zone(connection)?
            .and_then(|name| name.parse().ok())
            .unwrap_or(Tz::UTC),
    };
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let activity = metrics::activity(connection)?;
    let last = range.last.unwrap_or_else(|| {
        activity
            .as_ref()
            .map_or(day(as_of), |activity| day(activity.last).min(day(as_of)))
    });
    let first = range.first.unwrap_or_else(|| {
        activity
            .as_ref()
            .map_or(last - TimeDelta::days(29), |activity| day(activity.first))
            .min(last)
    });
    Ok(Period::new(first, last, zone))
}

fn window(period: &Period) -> Window {
    Window {
        from: period.start(),
        to: period.end(),
        time_zone: period.zone.name().to_owned(),
        step: match period.step {
            StepWidth::Hour => metrics::Step::Hour,
            StepWidth::Day => metrics::Step::Day,
            StepWidth::Week => metrics::Step::Week,
            StepWidth::Month => metrics::Step::Month,
            StepWidth::Year => metrics::Step::Year,
        },
    }
}

/// Rows checked in the period of the same length before; nothing when there was no change in it, because the watch had
/// hardly begun.
fn before(connection: &mut PgConnection, period: &Period) -> Result<Option<i64>> {
    let last = period.first - TimeDelta::days(1);
    let first = last - TimeDelta::days(period.days() - 1);
    let earlier = Period::new(first, last, period.zone);
    if earlier.first != first {
        return Ok(None);
    }
    // A period that the watch began in the middle of would make any growth look enormous.
    let began = metrics::activity(connection)?.map(|activity| activity.first);
    if began.is_none_or(|began| began > earlier.start() + TimeDelta::days(1)) {
        return Ok(None);
    }
    let checked: i64 = metrics::changes(connection, &window(&earlier))?
        .iter()
        .map(|change| change.checked)
        .sum();
    Ok((checked > 0).then_some(checked))
}

fn steps(
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
    // A rule that a person named says best what it demands in that name; a condition in SQL says it worst.
    let says = match RuleKind::from_definition(&rule.kind, rule.definition) {
        Ok(RuleKind::Expression { .. }) | Err(_) => rule.name.replace('_', " "),
        Ok(RuleKind::References { column, table, .. }) => {
            format!("{column} is in {}", short_name(&table))
        }
        Ok(kind) => kind.to_string(),
    };
    FailingRule {
        table: short_name(&rule.table).to_owned(),
        says,
        rule: rule.name,
        severity: rule.severity,
        owner: rule.owner,
        failing: rule.failing,
        since: rule.first_failed_hour,
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
fn short_name(table: &str) -> &str {
    table.strip_prefix("public.").unwrap_or(table)
}
