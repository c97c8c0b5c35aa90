//! Made-up figures, for looking at the drawing and for testing it: an ordinary winter, nothing at all, far too much,
//! and names that try to break out.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod charts;

use audit_core::Severity;
use audit_report::dashboard::{
    AlertSpan, Checked, Dashboard, Failing, FailingRule, OpenAlerts, Overdue, Period, Pipeline,
    SetAside, Step, StepWidth, TableQuality, Writer,
};
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date")
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

/// The same numbers on every run.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, most: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % (most as u64 + 1)) as i64
    }
}

fn nothing(period: Period) -> Dashboard {
    let steps = period
        .steps()
        .into_iter()
        .map(|start| Step {
            start,
            failed: [0; 4],
            written: 0,
        })
        .collect();
    Dashboard {
        title: String::new(),
        database: "flights".into(),
        only: String::new(),
        as_of: period.end() - TimeDelta::minutes(1),
        drawn_at: at("2026-11-24T10:15:00Z"),
        checked: Checked::default(),
        failing: Failing::default(),
        set_aside: SetAside::default(),
        open_alerts: OpenAlerts::default(),
        overdue: Overdue::default(),
        pipeline: Pipeline::default(),
        steps,
        failing_rules: Vec::new(),
        failing_rules_in_all: 0,
        rules: 0,
        tables: Vec::new(),
        by_hour: vec![[0; 24]; 7],
        alerts: Vec::new(),
        alerts_in_all: 0,
        median_to_acknowledge: None,
        median_to_resolve: None,
        writers: Vec::new(),
        writers_in_all: 0,
        period,
    }
}

/// A watched database without anything in it.
pub fn empty() -> Dashboard {
    nothing(Period::new(
        date(2013, 1, 1),
        date(2013, 2, 28),
        Tz::America__New_York,
    ))
}

fn rule(
    table: &str,
    says: &str,
    severity: Severity,
    owner: &str,
    failing: i64,
    since: &str,
) -> FailingRule {
    FailingRule {
        table: table.into(),
        says: says.into(),
        rule: says.replace(' ', "_"),
        severity,
        owner: owner.into(),
        failing,
        since: Some(at(since)),
    }
}

fn alert(
    policy: &str,
    about: &str,
    title: &str,
    severity: Severity,
    opened: &str,
    resolved: Option<&str>,
) -> AlertSpan {
    AlertSpan {
        policy: policy.into(),
        about: about.into(),
        title: title.into(),
        severity,
        opened_at: at(opened),
        acknowledged_at: Some(at(opened) + TimeDelta::minutes(11)),
        resolved_at: resolved.map(at),
    }
}

fn table(name: &str, rows: i64, rules: i64, failures: i64, most: i64) -> TableQuality {
    TableQuality {
        table: name.into(),
        rows,
        rules,
        at_least: (rows > 0).then(|| (1.0 - failures as f64 / rows as f64).max(0.0)),
        at_most: (rows > 0).then(|| 1.0 - most as f64 / rows as f64),
        change: (rows > 1_000).then(|| (rows % 7 - 3) as f64 / 1_000.0),
    }
}

/// An ordinary winter with one blizzard.
pub fn ordinary() -> Dashboard {
    let mut dashboard = empty();
    let mut dice = Dice(0x5DEE_CE66);
    for step in &mut dashboard.steps {
        let blizzard = step.start.month() == 2 && matches!(step.start.day(), 8 | 9);
        let sunday = step.start.weekday() == chrono::Weekday::Sun;
        step.written = 820 + dice.up_to(90) - if sunday { 110 } else { 0 };
        let (normal, important) = if blizzard { (170, 210) } else { (4, 6) };
        step.failed = [
            if blizzard { 20 } else { 0 },
            important + dice.up_to(15),
            normal + dice.up_to(12),
            14 + dice.up_to(10),
        ];
    }
    for (day, hours) in dashboard.by_hour.iter_mut().enumerate() {
        for (hour, value) in hours.iter_mut().enumerate() {
            if (5..23).contains(&hour) {
                *value = 3 + dice.up_to(9) + if day == 4 && hour > 13 { 50 } else { 0 };
            }
        }
    }
    dashboard.checked = Checked {
        rows: 56_305,
        before: None,
        tables: 5,
    };
    dashboard.failing = Failing {
        rows: 1_743,
        critical: 0,
        of_rows: 61_112,
        errors: 0,
    };
    dashboard.set_aside = SetAside {
        held: 12,
        oldest: Some(7_500),
        released: 6,
        discarded: 1,
    };
    dashboard.open_alerts = OpenAlerts {
        by_severity: [1, 0, 0, 1],
        acknowledged: 1,
    };
    dashboard.overdue = Overdue {
        rows: 0,
        of_rows: 37,
        worst: None,
    };
    dashboard.pipeline = Pipeline {
        behind: 0.42,
        waiting: 3,
        delivered: 14,
        ticked: true,
        log_bytes: 2_202_010,
        segments: 214,
        ..Pipeline::default()
    };
    dashboard.rules = 32;
    dashboard.failing_rules_in_all = 8;
    dashboard.failing_rules = vec![
        rule(
            "flights",
            "dest is in airports",
            Severity::Low,
            "reference-data@example.com",
            1_204,
            "2013-01-01T12:00:00Z",
        ),
        rule(
            "flights",
            "arr_time is null or dep_time is not null",
            Severity::Important,
            "ops-data@example.com",
            407,
            "2013-01-01T12:00:00Z",
        ),
        rule(
            "flights",
            "tailnum is not null",
            Severity::Normal,
            "ops-data@example.com",
            88,
            "2013-01-02T12:00:00Z",
        ),
        rule(
            "weather",
            "dewp <= temp",
            Severity::Important,
            "weather@example.com",
            31,
            "2013-01-14T12:00:00Z",
        ),
        rule(
            "flights",
            "air_time between 1 and 1440",
            Severity::Important,
            "ops-data@example.com",
            9,
            "2013-02-03T12:00:00Z",
        ),
        rule(
            "flights",
            "time_hour, carrier, flight, origin is unique",
            Severity::Normal,
            "",
            4,
            "2013-02-09T12:00:00Z",
        ),
    ];
    dashboard.tables = vec![
        table("flights", 51_955, 14, 1_800, 1_204),
        table("planes", 3_322, 7, 70, 70),
        table("weather", 4_243, 9, 4, 4),
        table("airports", 1_458, 5, 0, 0),
        table("airlines", 16, 2, 0, 0),
    ];
    dashboard.alerts = vec![
        alert(
            "cancellations",
            "LGA",
            "LGA: 206 of 260 departures cancelled on 8 February",
            Severity::Critical,
            "2013-02-08T10:41:00Z",
            Some("2013-02-10T12:05:00Z"),
        ),
        alert(
            "cancellations",
            "EWR",
            "EWR: 190 of 330 departures cancelled on 8 February",
            Severity::Critical,
            "2013-02-08T11:41:00Z",
            Some("2013-02-10T11:05:00Z"),
        ),
        alert(
            "cancellations",
            "JFK",
            "JFK: 90 of 300 departures cancelled on 8 February",
            Severity::Critical,
            "2013-02-08T15:41:00Z",
            Some("2013-02-10T08:05:00Z"),
        ),
        alert(
            "no_weather",
            "JFK",
            "No weather for three hours",
            Severity::Important,
            "2013-01-13T08:41:00Z",
            Some("2013-01-13T12:05:00Z"),
        ),
        alert(
            "bad_rows",
            "flights · dest is in airports",
            "2.3 % of rows fail",
            Severity::Low,
            "2013-01-01T10:00:00Z",
            None,
        ),
    ];
    dashboard.alerts_in_all = 5;
    dashboard.median_to_acknowledge = Some(660);
    dashboard.median_to_resolve = Some(176_400);
    dashboard.writers = vec![
        Writer {
            name: "replay".into(),
            rows: 50_210,
        },
        Writer {
            name: "ada@example.com".into(),
            rows: 912,
        },
    ];
    dashboard.writers_in_all = 2;
    dashboard
}

/// Two years, many of everything, large numbers, much of it bad.
pub fn busy() -> Dashboard {
    let mut dashboard = nothing(Period::new(
        date(2024, 11, 25),
        date(2026, 11, 24),
        Tz::Europe__Berlin,
    ));
    assert_eq!(dashboard.period.step, StepWidth::Week);
    let mut dice = Dice(0xBEEF);
    dashboard.database = "warehouse_production_eu_central".into();
    for step in &mut dashboard.steps {
        step.written = 38_000_000 + dice.up_to(9_000_000);
        step.failed = [
            dice.up_to(40_000),
            120_000 + dice.up_to(60_000),
            dice.up_to(150_000),
            200_000 + dice.up_to(90_000),
        ];
    }
    for hours in &mut dashboard.by_hour {
        for value in hours {
            *value = 80_000 + dice.up_to(9_000);
        }
    }
    dashboard.checked = Checked {
        rows: 4_418_230_112,
        before: Some(4_102_113_090),
        tables: 240,
    };
    dashboard.failing = Failing {
        rows: 31_224_518,
        critical: 40_112,
        of_rows: 12_402_118_004,
        errors: 3,
    };
    dashboard.set_aside = SetAside {
        held: 118_230,
        oldest: Some(86_400 * 41),
        released: 8_112_004,
        discarded: 40_118,
    };
    dashboard.open_alerts = OpenAlerts {
        by_severity: [12, 48, 130, 9],
        acknowledged: 31,
    };
    dashboard.overdue = Overdue {
        rows: 1_208_112,
        of_rows: 30_118_400,
        worst: Some(Severity::Critical),
    };
    dashboard.pipeline = Pipeline {
        behind: 5_400.0,
        waiting: 81_223,
        delivered: 90_112,
        undelivered: 12,
        dead: 4,
        ticked: true,
        log_bytes: 812_330_118_400,
        segments: 4_418_230,
        ..Pipeline::default()
    };
    dashboard.rules = 2_118;
    dashboard.failing_rules_in_all = 611;
    for (place, severity) in [3, 1, 0, 2, 1, 1].into_iter().enumerate() {
        let name = format!("warehouse.fact_orders_{place}");
        let mut rule = rule(
            &name,
            "customer_reference is in customers_with_a_contract_in_force.customer_reference",
            Severity::ALL[severity],
            "team-order-to-cash-data-quality@subsidiary.example.com",
            9_118_230 / (place as i64 * place as i64 + 1),
            "2025-01-03T12:00:00Z",
        );
        rule.rule = "references_customer_reference".into();
        dashboard.failing_rules.push(rule);
    }
    for place in 0..40 {
        dashboard.tables.push(table(
            &format!("warehouse.fact_orders_by_region_and_day_{place}"),
            52_118_230 + place,
            12,
            20_000_000 - place * 500_000,
            9_000_000 - place * 220_000,
        ));
    }
    for place in 0..12 {
        let severity = Severity::ALL[place / 4];
        let opened = format!("2026-{:02}-11T10:41:00Z", place % 10 + 1);
        dashboard.alerts.push(alert(
            "late_orders_per_region",
            &format!("country={place}, channel=online"),
            "Orders of the last day are 42.0 % below the usual for a Tuesday",
            severity,
            &opened,
            (place % 3 > 0).then_some("2026-11-12T09:00:00Z"),
        ));
    }
    dashboard.alerts_in_all = 1_830;
    dashboard.median_to_acknowledge = Some(5_000);
    dashboard.median_to_resolve = Some(1_176_400);
    for name in [
        "airflow-load-orders-nightly-full-refresh@production",
        "dbt",
        "ada@example.com",
        "postgres",
    ] {
        dashboard.writers.push(Writer {
            name: name.into(),
            rows: 900_118_400,
        });
    }
    dashboard.writers_in_all = 44;
    dashboard
}

/// Figures without any sense over any period.
pub fn random(period: Period) -> Dashboard {
    let mut dashboard = Dashboard {
        alerts: ordinary().alerts,
        failing_rules: ordinary().failing_rules,
        ..nothing(period)
    };
    let mut dice = Dice(dashboard.steps.len() as u64 + 7);
    for step in &mut dashboard.steps {
        step.written = dice.up_to(i64::MAX / 1_000_000);
        step.failed = [0; 4].map(|_| dice.up_to(dice_limit(step.written)));
    }
    for value in dashboard.by_hour.iter_mut().flatten() {
        *value = dice.up_to(1_000_000_000_000);
    }
    let opened = dashboard.period.start() + TimeDelta::hours(5);
    for (place, alert) in dashboard.alerts.iter_mut().enumerate() {
        alert.opened_at = opened + TimeDelta::hours(place as i64);
        alert.resolved_at = (place % 2 == 0).then(|| opened + TimeDelta::days(place as i64 * 3));
    }
    dashboard
}

fn dice_limit(written: i64) -> i64 {
    if written % 3 == 0 {
        0
    } else {
        written % 1_000_000
    }
}

/// What a name may be.
pub const NASTY: [&str; 6] = [
    "</text></svg><script>alert(1)</script>",
    "a\" onload=\"alert(1)",
    "line\nbreak\ttab\u{0}nul\u{8}back & amp; &#60;",
    "\u{202E}txet desrever\u{202C} ]]> <!-- -->",
    "数据质量检查·データ品質·данные·δεδομένα·بيانات·नमस्ते·🎉🎉",
    "W̷̢̛͓͎̝̲͇i̵̧̛̖̱͓d̶̡̛̲̮e̴͎̖̍ ﷽ ₿ ∑",
];

/// Names that try to break out of the picture.
pub fn hostile() -> Dashboard {
    let nasty = NASTY;
    let mut dashboard = ordinary();
    dashboard.database = nasty.join(" ");
    for (place, rule) in dashboard.failing_rules.iter_mut().enumerate() {
        rule.says = nasty[place].repeat(2);
        rule.table = nasty[place].into();
        rule.owner = nasty[(place + 1) % 6].into();
    }
    for (place, table) in dashboard.tables.iter_mut().enumerate() {
        table.table = nasty[place].into();
    }
    for (place, alert) in dashboard.alerts.iter_mut().enumerate() {
        alert.title = nasty[place].repeat(3);
        alert.policy = nasty[place].into();
    }
    for (place, writer) in dashboard.writers.iter_mut().enumerate() {
        writer.name = nasty[place + 3].into();
    }
    dashboard
}
