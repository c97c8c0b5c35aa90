//! Made-up charts: one of every kind from an ordinary winter, without anything, with far too much, and with names that
//! try to break out.

use audit_core::Severity;
use audit_report::chart::{
    Alerts, Changes, Channel, Chart, Data, Deliveries, Distribution, Findings, Frame, Fresh,
    Freshness, Group, Heatmap, HeldByRule, Latency, Pareto, ParetoRule, PassRate, PassRateStep,
    Quality, Quarantine, Response, RulePassRate, SeverityResponse, Summary, Written,
};
use audit_report::dashboard::{AlertSpan, Dashboard, TableQuality};
use chrono::TimeDelta;

use super::Dice;

fn frame(dashboard: &Dashboard) -> Frame {
    Frame {
        database: dashboard.database.clone(),
        period: dashboard.period.clone(),
        as_of: dashboard.as_of,
        drawn_at: dashboard.drawn_at,
        only: String::new(),
    }
}

fn charts(dashboard: &Dashboard, data: Vec<Data>) -> Vec<Chart> {
    data.into_iter()
        .map(|data| Chart::new(frame(dashboard), data))
        .collect()
}

/// A chart of every kind without anything in it.
pub fn empty() -> Vec<Chart> {
    let dashboard = super::empty();
    let data = vec![
        Data::Quality(Quality::default()),
        Data::PassRate(PassRate::default()),
        Data::Findings(Findings {
            steps: dashboard.steps.clone(),
            alerts: Vec::new(),
        }),
        Data::Pareto(Pareto::default()),
        Data::Heatmap(Heatmap {
            by_hour: vec![[0; 24]; 7],
        }),
        Data::Freshness(Freshness::default()),
        Data::Changes(Changes::default()),
        Data::Alerts(Alerts {
            alerts: Vec::new(),
            in_all: 0,
            open: 0,
            median_to_acknowledge: None,
            median_to_resolve: None,
        }),
        Data::Response(Response::default()),
        Data::Quarantine(Quarantine::default()),
        Data::Deliveries(Deliveries::default()),
        Data::Summary(Summary {
            name: "departures_by_day".into(),
            table: "flights".into(),
            measure: "cancelled".into(),
            function: "count_if".into(),
            split_by: vec!["origin".into()],
            bucket: Some(("1 day".into(), "America/New_York".into())),
            ..Summary::default()
        }),
        Data::Summary(Summary {
            name: "departures_by_carrier".into(),
            table: "flights".into(),
            measure: "flights".into(),
            function: "count".into(),
            ..Summary::default()
        }),
    ];
    charts(&dashboard, data)
}

/// A chart of every kind, of things with names that a function gives, each list as long as `many`.
fn filled(
    dashboard: &Dashboard,
    many: usize,
    in_all: usize,
    name: &dyn Fn(usize) -> String,
) -> Vec<Chart> {
    let mut dice = Dice(many as u64 * 31 + 5);
    let severity = |nth: usize| Severity::ALL[nth % 4];
    let starts: Vec<_> = dashboard.steps.iter().map(|step| step.start).collect();
    let as_of = dashboard.as_of;

    let tables = (0..many)
        .map(|nth| TableQuality {
            table: name(nth),
            rows: dice.up_to(2_000_000_000),
            rules: dice.up_to(40),
            at_least: (nth % 7 != 6).then(|| 1.0 - dice.up_to(300) as f64 / 1000.0),
            at_most: (nth % 7 != 6).then_some(1.0),
            change: (nth % 3 == 0).then(|| dice.up_to(200) as f64 / 1000.0 - 0.1),
        })
        .collect();
    let rules = (0..many.min(6))
        .map(|nth| {
            let steps: Vec<PassRateStep> = starts
                .iter()
                // Some days nothing was written, and one rule saw a single day.
                .filter(|start| nth != 4 || **start == starts[starts.len() / 2])
                .map(|start| {
                    let checked = 100 + dice.up_to(900);
                    PassRateStep {
                        start: *start,
                        checked,
                        failed: dice.up_to(checked / (nth as i64 * nth as i64 * 4 + 2)),
                    }
                })
                .enumerate()
                .filter(|(day, _)| nth == 4 || day % (11 + nth) != 3)
                .map(|(_, step)| step)
                .collect();
            RulePassRate {
                table: name(nth),
                says: name(nth + 1),
                rule: name(nth + 2),
                severity: severity(nth),
                owner: name(nth + 3),
                checked: steps.iter().map(|step| step.checked).sum(),
                failed: steps.iter().map(|step| step.failed).sum(),
                steps,
            }
        })
        .collect();
    let failed: Vec<i64> = (0..many)
        .map(|nth| 1_000_000 / (nth as i64 * nth as i64 + 1))
        .collect();
    let all: i64 = failed.iter().sum::<i64>() + (in_all - many) as i64;
    let mut sum = 0;
    let pareto = failed
        .into_iter()
        .enumerate()
        .map(|(nth, failed)| {
            sum += failed;
            ParetoRule {
                table: name(nth),
                says: name(nth + 1),
                rule: name(nth + 2),
                severity: severity(nth),
                owner: name(nth + 3),
                failed,
                failing: failed / 2,
                so_far: sum as f64 / all as f64,
            }
        })
        .collect();
    let entries: Vec<Fresh> = (0..many)
        .map(|nth| {
            let limit = (nth % 3 != 2).then_some(3_600 * (1 + nth as i64));
            let age = match nth {
                0 => Some(9 * 86_400),
                3 => None,
                _ => Some(dice.up_to(3_600 * (2 + nth as i64))),
            };
            Fresh {
                table: name(nth),
                rule: limit.map(|_| name(nth + 1)),
                group: if nth % 4 == 0 {
                    name(nth + 2)
                } else {
                    String::new()
                },
                severity: limit.map(|_| severity(nth)),
                owner: name(nth + 3),
                newest: age.map(|age| as_of - TimeDelta::seconds(age)),
                age,
                limit,
            }
        })
        .collect();
    let names: Vec<String> = (0..many.min(4)).map(name).collect();
    let mut cells = Vec::new();
    for (place, table) in names.iter().enumerate() {
        for (nth, actor) in names.iter().map(Some).chain([None]).enumerate() {
            for start in &starts {
                let rows = dice.up_to(100_000 / (1 + place as i64 * 40 + nth as i64 * 3));
                if rows % 5 > 0 {
                    cells.push(Written {
                        table: Some(table.clone()),
                        actor: actor.cloned(),
                        start: *start,
                        rows,
                    });
                }
            }
        }
    }
    cells.push(Written {
        table: None,
        actor: None,
        start: starts[0],
        rows: 1,
    });
    let alerts: Vec<AlertSpan> = (0..many)
        .map(|nth| {
            let opened_at = dashboard.period.start()
                + TimeDelta::hours(dice.up_to(dashboard.period.days() * 20));
            let acknowledged_at =
                (nth % 3 > 0).then(|| opened_at + TimeDelta::minutes(dice.up_to(4_000)));
            let resolved_at = (nth % 4 > 0).then(|| {
                acknowledged_at.unwrap_or(opened_at) + TimeDelta::minutes(dice.up_to(9_000))
            });
            AlertSpan {
                policy: name(nth),
                about: name(nth + 1),
                title: name(nth + 2),
                severity: severity(nth / 4 * 3),
                opened_at,
                acknowledged_at,
                resolved_at,
            }
        })
        .collect();
    let spread = |most: i64, dice: &mut Dice| Distribution {
        classes: (0..8).map(|_| dice.up_to(most)).collect(),
        median: Some(dice.up_to(9_000)),
        p90: Some(9_000 + dice.up_to(900_000)),
    };
    let severities = Severity::ALL
        .into_iter()
        .map(|severity| SeverityResponse {
            severity,
            alerts: many as i64 * 9,
            to_acknowledge: spread(many as i64, &mut dice),
            to_resolve: spread(many as i64, &mut dice),
        })
        .collect();
    let held = (0..many)
        .map(|nth| HeldByRule {
            table: name(nth),
            rule: name(nth + 1),
            severity: severity(nth),
            owner: name(nth + 2),
            held: (0..5)
                .map(|_| dice.up_to(9_000 / (nth as i64 + 1)))
                .collect(),
            oldest_held_at: as_of - TimeDelta::days(nth as i64 * 3 + 1),
        })
        .collect();
    let channels = (0..many.min(12))
        .map(|nth| Channel {
            name: name(nth),
            delivered: dice.up_to(40_000),
            undelivered: nth as i64 % 3,
            dead: nth as i64 % 2,
            median: Some(0.4 + nth as f64 * 70.0),
            p95: Some(2.4 + nth as f64 * 300.0),
            steps: starts
                .iter()
                .enumerate()
                .filter(|(day, _)| (day + nth) % 4 > 0)
                .map(|(_, start)| {
                    let median = 0.2 + dice.up_to(900) as f64 / 1000.0 * (1.0 + nth as f64 * 99.0);
                    Latency {
                        start: *start,
                        delivered: 4,
                        median,
                        p95: median * 3.5,
                    }
                })
                .collect(),
        })
        .collect();
    let lines = (0..many.min(6))
        .map(|nth| Group {
            name: name(nth),
            value: None,
            buckets: (0..dashboard.period.days())
                .filter(|day| nth != 2 || day % 9 > 1)
                .map(|day| {
                    let value =
                        (nth != 3 || day % 13 > 0).then(|| dice.up_to(900) as f64 / 7.0 - 20.0);
                    (dashboard.period.start() + TimeDelta::days(day), value)
                })
                .collect(),
        })
        .collect();
    let bars = (0..many)
        .map(|nth| Group {
            name: name(nth),
            value: (nth != 5)
                .then(|| 4_000.0 / (nth as f64 + 1.0) - if nth > 9 { 900.0 } else { 0.0 }),
            buckets: Vec::new(),
        })
        .collect();
    let summary = |name: String, bucket, groups| Summary {
        table: "flights".into(),
        measure: name.clone(),
        function: "avg".into(),
        split_by: vec![name.clone()],
        bucket,
        groups,
        in_all,
        cut: many > 20,
        name,
    };
    let data = vec![
        Data::Quality(Quality { tables, in_all }),
        Data::PassRate(PassRate { rules, in_all }),
        Data::Findings(Findings {
            steps: dashboard.steps.clone(),
            alerts: dashboard.alerts.clone(),
        }),
        Data::Pareto(Pareto {
            rules: pareto,
            in_all,
            failed: all,
        }),
        Data::Heatmap(Heatmap {
            by_hour: dashboard.by_hour.clone(),
        }),
        Data::Freshness(Freshness {
            too_old: entries
                .iter()
                .filter(|entry| entry.age > entry.limit && entry.limit.is_some())
                .count(),
            entries,
            in_all,
        }),
        Data::Changes(Changes {
            tables: names.clone(),
            tables_in_all: in_all.max(5),
            actors: names,
            actors_in_all: in_all.max(5),
            cells,
        }),
        Data::Alerts(Alerts {
            open: alerts
                .iter()
                .filter(|alert| alert.resolved_at.is_none())
                .count() as i64,
            alerts,
            in_all,
            median_to_acknowledge: Some(660),
            median_to_resolve: Some(176_400),
        }),
        Data::Response(Response { severities }),
        Data::Quarantine(Quarantine {
            rules: held,
            in_all,
            held: 12_345,
            oldest_held_at: Some(as_of - TimeDelta::days(400)),
        }),
        Data::Deliveries(Deliveries { channels, in_all }),
        Data::Summary(summary(name(0), Some(("1 day".into(), name(1))), lines)),
        Data::Summary(summary(name(2), None, bars)),
    ];
    charts(dashboard, data)
}

/// As a team of an ordinary size has it.
pub fn ordinary() -> Vec<Chart> {
    let names = [
        "flights", "weather", "planes", "airports", "airlines", "delays", "crews", "gates",
    ];
    filled(&super::ordinary(), 8, 8, &|nth| names[nth % 8].into())
}

/// Ten thousand rules, a thousand tables, and long names that differ at their ends.
pub fn busy() -> Vec<Chart> {
    filled(&super::busy(), 60, 10_000, &|nth| {
        format!("warehouse_of_the_north.fact_orders_by_customer_and_week_{nth:05}_v2")
    })
}

/// Names that try to break out of the picture.
pub fn hostile() -> Vec<Chart> {
    filled(&super::hostile(), 8, 9, &|nth| {
        super::NASTY[nth % 6].repeat(2)
    })
}
