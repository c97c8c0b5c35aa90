//! The figures that a dashboard draws are those that SQL finds in the tables.

mod departures;

use audit_core::Severity;
use audit_report::dashboard::{self, Dashboard};
use audit_report::{Range, Selection, Style, png};
use audit_schema::testing::database;
use chrono::NaiveDate;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;

use departures::{departures, fold, number};

fn figures(connection: &mut PgConnection) -> Dashboard {
    let range = Range {
        since: NaiveDate::from_ymd_opt(2013, 2, 5).map(Into::into),
        until: NaiveDate::from_ymd_opt(2013, 2, 12),
        zone: Some(chrono_tz::America::New_York),
    };
    dashboard::load(connection, &range.into()).expect("the figures are read")
}

#[test]
fn failures_and_rows_are_those_of_a_scan() {
    let (_database, mut connection) = departures();
    let missing = number(
        &mut connection,
        "select count(*) filter (where tailnum is null) + count(*) filter (where airport is null) from public.departures",
    );
    let rows = number(&mut connection, "select count(*) from public.departures");
    let figures = figures(&mut connection);
    assert_eq!(figures.failing.rows, missing);
    assert_eq!(figures.failing.of_rows, rows);
    assert_eq!(figures.failing_rules_in_all, 2);
    assert_eq!(figures.failing_rules[0].says, "tailnum is not null");
    assert_eq!(figures.failing_rules[0].owner, "fleet@example.com");
    assert_eq!(figures.failing_rules[0].severity, Severity::Important);
    assert_eq!(figures.checked.rows, 800);
}

#[test]
fn columns_of_the_chart_are_days_of_the_time_zone() {
    let (_database, mut connection) = departures();
    let figures = figures(&mut connection);
    let shown: Vec<String> = figures
        .steps
        .iter()
        .map(|step| format!("{} {:?}", step.start.format("%d"), step.failed))
        .collect();
    // Half past six in the evening of New York is the next day for nobody but UTC.
    assert_eq!(
        shown,
        [
            "05 [1, 4, 0, 10]",
            "06 [1, 4, 0, 10]",
            "07 [1, 4, 0, 10]",
            "08 [1, 60, 0, 10]",
            "09 [1, 4, 0, 10]",
            "10 [1, 4, 0, 10]",
            "11 [1, 4, 0, 10]",
            "12 [1, 4, 0, 10]",
        ]
    );
    assert_eq!(figures.by_hour[4][18], 71, "8 February was a Friday");
    assert_eq!(figures.by_hour.iter().flatten().sum::<i64>(), 8 * 15 + 56);
}

#[test]
fn rows_set_aside_count_neither_as_failing_nor_as_rows() {
    let (_database, mut connection) = departures();
    let figures = figures(&mut connection);
    assert_eq!(figures.set_aside.held, 8);
    assert_eq!(figures.failing.critical, 0);
    assert_eq!(
        number(
            &mut connection,
            "select count(*) from public.departures where airport = 'ORD'"
        ),
        0
    );
}

#[test]
fn quality_lies_between_its_bounds() {
    let (_database, mut connection) = departures();
    let passing = number(
        &mut connection,
        "select count(*) from public.departures where tailnum is not null and airport is not null",
    );
    let rows = number(&mut connection, "select count(*) from public.departures");
    let share = passing as f64 / rows as f64;
    let quality = &figures(&mut connection).tables[0];
    assert_eq!(quality.table, "departures");
    let (low, high) = (
        quality.at_least.expect("there are rows"),
        quality.at_most.expect("there are rows"),
    );
    assert!(low <= share && share <= high, "{low} ≤ {share} ≤ {high}");
}

#[test]
fn quality_gets_better_when_fewer_of_the_newer_rows_fail() {
    let (_database, mut connection) = departures();
    // 1 + 1 + 1 + 1 set aside, 4 + 4 + 4 + 60 tail numbers and 40 airports missing in the first four days; 16 tail
    // numbers in the last four.
    let failed = |tailnum: i64| (4 + tailnum + 40) as f64 / 400.0;
    let change = figures(&mut connection).tables[0]
        .change
        .expect("there are enough rows");
    assert!(
        (change - (failed(72) - failed(16))).abs() < 1e-9,
        "{change}"
    );
}

#[test]
fn failures_are_overdue_when_they_are_older_than_their_deadline() {
    let (_database, mut connection) = departures();
    connection
        .batch_execute("select audit.tick('2013-02-12 20:00:00 America/New_York')")
        .expect("the tick runs");
    let figures = figures(&mut connection);
    // Of 87 tail numbers to find within a day, only the four of 12 February have time left. The row of 8 February that
    // was set aside lacks its tail number too, and does not count.
    assert_eq!((figures.overdue.rows, figures.overdue.of_rows), (83, 87));
    assert_eq!(figures.overdue.worst, Some(Severity::Important));
    assert_eq!(figures.set_aside.oldest, Some(7 * 86_400 + 5_400));
}

#[test]
fn the_tick_changes_no_figure_but_its_own() {
    let (_database, mut connection) = departures();
    let mut before = figures(&mut connection);
    fold(&mut connection);
    let mut after = figures(&mut connection);
    assert_eq!(after.pipeline.waiting, 0);
    assert!(before.pipeline.waiting > 0);
    assert_eq!(
        before.pipeline.behind, 0.0,
        "a short head may wait for a minute"
    );
    for figures in [&mut before, &mut after] {
        figures.pipeline = dashboard::Pipeline::default();
        (figures.as_of, figures.drawn_at) = Default::default();
        figures.set_aside.oldest = None;
    }
    assert_eq!(before, after);
}

#[test]
fn how_long_no_tick_has_run_is_known() {
    let (_database, mut connection) = departures();
    connection
        .batch_execute("select audit.tick()")
        .expect("the tick runs");
    assert!(figures(&mut connection).pipeline.silent < 7_200.0);
    connection
        .batch_execute("update audit.progress set ticked_at = ticked_at - interval '2 hours', clock = clock - interval '2 hours'")
        .expect("time passes");
    assert!(figures(&mut connection).pipeline.silent >= 7_200.0);
}

#[test]
fn alerts_are_those_that_were_open_in_the_range() {
    let (_database, mut connection) = departures();
    connection
        .batch_execute(
            "insert into audit.alert (fingerprint, policy, group_values, severity, title, state, opened_at, fired_at,
                acknowledged_at, last_held_at, resolved_at)
            values
                ('a', 'cancellations', '{\"origin\": \"JFK\"}', 'critical', 'JFK: 60 of 100', 'resolved',
                    '2013-02-08 12:00Z', '2013-02-08 12:00Z', '2013-02-08 12:20Z', '2013-02-08 18:00Z', '2013-02-08 20:00Z'),
                ('b', 'cancellations', '{\"origin\": \"EWR\"}', 'critical', 'EWR: 50 of 90', 'resolved',
                    '2013-02-08 10:00Z', '2013-02-08 10:00Z', null, '2013-02-08 18:00Z', '2013-02-08 14:00Z'),
                ('c', 'few_departures', '{}', 'low', 'few', 'acknowledged',
                    '2013-01-08 10:00Z', '2013-01-08 10:00Z', '2013-01-08 10:10Z', '2013-02-08 18:00Z', null),
                ('d', 'long_ago', '{}', 'critical', 'over', 'resolved',
                    '2013-01-08 10:00Z', '2013-01-08 10:00Z', null, '2013-01-08 10:00Z', '2013-01-09 10:00Z'),
                ('e', 'only_pending', '{}', 'critical', 'nobody was told', 'pending',
                    '2013-02-08 10:00Z', null, null, '2013-02-08 10:00Z', null)",
        )
        .expect("alerts are written");
    let figures = figures(&mut connection);
    let names: Vec<String> = figures.alerts.iter().map(|alert| alert.name()).collect();
    assert_eq!(
        names,
        [
            "cancellations · EWR",
            "cancellations · JFK",
            "few departures"
        ]
    );
    assert_eq!(figures.alerts_in_all, 3);
    assert_eq!(figures.open_alerts.by_severity, [0, 0, 0, 1]);
    assert_eq!(figures.open_alerts.acknowledged, 1);
    assert_eq!(figures.median_to_acknowledge, Some(15 * 60));
    assert_eq!(figures.median_to_resolve, Some(6 * 3_600));
}

#[test]
fn the_writer_is_the_actor_that_was_named() {
    let (_database, mut connection) = departures();
    let figures = figures(&mut connection);
    assert_eq!(figures.writers[0].name, "replay");
    assert_eq!(figures.writers_in_all, 1);
}

#[test]
fn the_range_is_that_of_the_changes_unless_it_is_given() {
    let (_database, mut connection) = departures();
    let figures =
        dashboard::load(&mut connection, &Selection::default()).expect("the figures are read");
    assert_eq!(
        figures.period.first,
        NaiveDate::from_ymd_opt(2013, 2, 5).expect("a date")
    );
    assert_eq!(
        figures.period.last,
        NaiveDate::from_ymd_opt(2013, 2, 12).expect("a date")
    );
    assert_eq!(figures.period.zone, chrono_tz::UTC);
}

#[test]
fn a_database_without_a_watched_table_can_be_drawn() {
    let database = database();
    let figures = dashboard::load(&mut database.connect(), &Selection::default())
        .expect("the figures are read");
    let svg = dashboard::svg(&figures, &Style::light()).expect("it is drawn");
    assert!(svg.contains("no table is watched"));
    assert!(png(&svg, 1.0).expect("it is rasterised").len() > 10_000);
}

#[test]
fn a_reader_sees_the_dashboard_without_any_right_on_the_data() {
    let (_database, mut connection) = departures();
    connection
        .batch_execute("begin; set local role audit_reader;")
        .expect("a superuser may become anybody");
    assert_eq!(figures(&mut connection).set_aside.held, 8);
}
