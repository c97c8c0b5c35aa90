//! What reading a chart costs: it does not grow with the log, and ten thousand rules and a thousand tables stay usable.

mod departures;

use audit_report::chart::{self, Data, Kind, Size};
use audit_report::{Range, Selection, Style, dashboard};
use audit_schema::testing::{Database, database};
use chrono::NaiveDate;
use departures::{fold, lines, number, run};
use diesel::{Connection, PgConnection};

fn february() -> Selection {
    Range {
        since: NaiveDate::from_ymd_opt(2013, 2, 1).map(Into::into),
        until: NaiveDate::from_ymd_opt(2013, 2, 28),
        zone: Some(chrono_tz::America::New_York),
    }
    .into()
}

/// A watched table with a rule and a summary.
fn watched() -> (Database, PgConnection) {
    let database = database();
    let mut connection = database.connect();
    run(
        &mut connection,
        r#"create table public.departures (id integer primary key, at timestamptz, airport text, tailnum text);
        select audit.watch('public.departures');
        select audit.declare_rule('public.departures', 'tailnum_is_known', 'not_null', '{"column": "tailnum"}');
        select audit.declare_rule('public.departures', 'departures_come', 'fresh', '{"within": "1 day"}');
        select audit.declare_summary('public.departures', 'by_day', '{
            "bucket": {"column": "at", "width": "1 day", "time_zone": "America/New_York"},
            "group_by": [{"name": "airport", "expression": "airport"}],
            "measures": [{"name": "departures", "function": "count", "expression": null}]}');
        select audit.compile('public.departures');"#,
    );
    (database, connection)
}

/// Writes departures of eight days, all in the same hours, with so many statements.
fn write(connection: &mut PgConnection, statements: i32) {
    for day in 5..=12 {
        for _ in 0..statements {
            run(
                connection,
                &format!(
                    "begin;
                    select audit.set_context(actor => 'replay', occurred_at => '2013-02-{day:02} 18:30:00 America/New_York');
                    insert into public.departures
                    select (select count(*) from public.departures) + n, '2013-02-{day:02} 18:30:00 America/New_York', 'JFK',
                        case when n > 3 then 'N' || n end
                    from generate_series(1, 20) as n;
                    commit;"
                ),
            );
        }
    }
}

/// How many rows every table gave away while all charts and the dashboard were read.
fn rows_read(database: &Database) -> Vec<String> {
    // A session of its own: what an older one has read is not told apart.
    database
        .connect()
        .transaction(|connection| -> Result<_, audit_report::Error> {
            // Tables this short are scanned because that costs less; what counts is that nothing has to be.
            run(
                connection,
                "set local enable_seqscan = off; set local jit = off;",
            );
            for kind in chart::kinds(connection)? {
                chart::load(connection, &kind, &february())?;
            }
            dashboard::load(connection, &february())?;
            // Of this transaction alone, and exact: nothing has to be flushed.
            Ok(lines(
                connection,
                "select relname, seq_tup_read + coalesce(idx_tup_fetch, 0)
                from pg_stat_xact_all_tables
                where schemaname in ('audit', 'audit_compiled', 'public')
                    and seq_tup_read + coalesce(idx_tup_fetch, 0) > 0
                order by relname",
            ))
        })
        .expect("the figures are read")
}

fn rows_of(read: &[String], table: &str) -> i64 {
    let starts = format!("({table},");
    let line = read.iter().find(|line| line.starts_with(&starts));
    line.map_or(0, |line| {
        let number = line.trim_start_matches(&starts).trim_end_matches(')');
        number.parse().expect("a number")
    })
}

#[test]
fn the_rows_read_for_charts_do_not_grow_with_the_log() {
    let (database, mut connection) = watched();
    write(&mut connection, 1);
    fold(&mut connection);
    run(&mut connection, "analyze");
    let short = rows_read(&database);
    write(&mut connection, 12);
    fold(&mut connection);
    run(&mut connection, "analyze");
    let long = rows_read(&database);

    let logged = number(&mut connection, "select sum(rows) from audit.segment");
    assert_eq!(logged, 8 * 13 * 20, "the log is thirteen times as long");
    assert_eq!(rows_of(&long, "change"), 0, "the head is empty");
    assert_eq!(
        rows_of(&long, "departures"),
        0,
        "a watched table is never read"
    );
    // Of the segments only the newest number is looked up.
    let segments: i64 = long
        .iter()
        .filter(|line| line.starts_with("(segment"))
        .map(|line| {
            line.rsplit(',')
                .next()
                .unwrap_or("0")
                .trim_end_matches(')')
                .parse::<i64>()
                .expect("a number")
        })
        .sum();
    let loads = (Kind::ALL.len() + 2) as i64;
    assert!(
        segments <= loads,
        "{segments} rows of segments for {loads} pictures"
    );
    assert_eq!(rows_of(&long, "finding"), rows_of(&short, "finding"));
    let all = |read: &[String]| -> i64 {
        read.iter()
            .filter(|line| !line.starts_with("(segment"))
            .map(|line| {
                line.rsplit(',')
                    .next()
                    .unwrap_or("0")
                    .trim_end_matches(')')
                    .parse::<i64>()
                    .expect("a number")
            })
            .sum()
    };
    assert_eq!(all(&long), all(&short), "{short:#?} {long:#?}");
}

#[test]
fn what_waits_in_the_head_is_in_every_chart() {
    let (database, mut connection) = watched();
    write(&mut connection, 1);
    assert_eq!(
        number(&mut connection, "select count(*) from audit.change"),
        8
    );
    let read = rows_read(&database);
    assert!(rows_of(&read, "change") > 0);
    let chart = chart::load(&mut connection, &Kind::Pareto, &february()).expect("it is read");
    let Data::Pareto(pareto) = chart.data else {
        panic!("another chart");
    };
    assert_eq!(pareto.failed, 8 * 3);
}

/// Declarations of a thousand tables with ten rules each, and the counters and hours that they would have.
fn warehouse(connection: &mut PgConnection) {
    run(
        connection,
        "insert into audit.watched_table (relation, name, owner)
        select (9000000 + n)::oid::regclass, 'warehouse.fact_table_number_' || n, 'team-' || n % 7
        from generate_series(1, 1000) as n;
        insert into audit.rule (table_id, name, kind, class, definition, severity, owner)
        select
            watched.table_id, 'column_' || n || '_is_known',
            case when n = 10 then 'fresh' else 'not_null' end,
            case when n = 10 then 'time' else 'row' end,
            case when n = 10 then '{\"within\": \"1 day\"}' else jsonb_build_object('column', 'column_' || n) end,
            (array['critical', 'important', 'normal', 'low'])[1 + n % 4], ''
        from audit.watched_table as watched
        cross join generate_series(1, 10) as n;
        insert into audit.table_counter_base (table_id, rows, written_at)
        select table_id, 1000000 + table_id, timestamptz '2013-02-28 12:00Z' - table_id * interval '10 minutes' from audit.watched_table;
        insert into audit.rule_counter_base (rule_id, failing)
        select rule_id, rule_id from audit.rule where class = 'row';
        insert into audit.table_activity_base (table_id, hour, op, actor, changes, rows)
        select table_id, timestamptz '2013-02-05 12:00Z' + table_id % 20 * interval '1 day', 'I', 'loader-' || table_id % 50, 1, 1000
        from audit.watched_table;
        insert into audit.rule_activity_base (rule_id, hour, findings, failed)
        select rule_id, timestamptz '2013-02-05 12:00Z' + table_id % 20 * interval '1 day', 1, 1 + rule_id % 99
        from audit.rule where class = 'row';
        insert into audit.quarantine (lsn, xid, at, table_id, op, key, rules, row, session_role)
        select pg_current_wal_lsn(), pg_current_xact_id(), now(), table_id, 'I', 'k', array[rule_id], '{}', 'loader'
        from audit.rule where class = 'row';
        insert into audit.alert (fingerprint, policy, rule_id, severity, title, state, opened_at, fired_at, last_held_at)
        select 'f' || rule_id, 'bad rows', rule_id, severity, name, 'firing', '2013-02-10 12:00Z', '2013-02-10 12:00Z', '2013-02-10 12:00Z'
        from audit.rule;
        analyze;",
    );
}

#[test]
fn ten_thousand_rules_and_a_thousand_tables_stay_usable() {
    let database = database();
    let mut connection = database.connect();
    warehouse(&mut connection);
    assert_eq!(
        number(&mut connection, "select count(*) from audit.rule"),
        10_000
    );
    let more = [
        (Kind::Quality, "tables more"),
        (Kind::PassRate, "rules more"),
        (Kind::Pareto, "rules more"),
        (Kind::Freshness, "entries more"),
        (Kind::Changes, "tables more"),
        (Kind::Alerts, "more"),
        (Kind::Quarantine, "rules more"),
    ];
    for kind in Kind::ALL {
        let chart = chart::load(&mut connection, &kind, &february()).expect("it is read");
        let svg = chart
            .svg(&Style::light(), Size::default())
            .expect("it is drawn");
        assert!(svg.len() < 250_000, "{kind}: {} bytes", svg.len());
        let figures = serde_json::to_string(&chart).expect("it is written").len();
        assert!(figures < 250_000, "{kind}: {figures} bytes of figures");
        if let Some((_, words)) = more.iter().find(|(known, _)| *known == kind) {
            assert!(svg.contains(words), "{kind}");
        }
    }
    let dashboard = dashboard::load(&mut connection, &february()).expect("it is read");
    assert_eq!(
        (
            dashboard.rules,
            dashboard.failing_rules_in_all,
            dashboard.checked.tables
        ),
        (10_000, 9_000, 1_000)
    );
    assert!(
        dashboard.failing_rules.len() < 100
            && dashboard.tables.len() < 100
            && dashboard.alerts.len() <= 400
    );
    let rows = number(
        &mut connection,
        "select sum(rows) from audit.table_counter_base",
    );
    assert_eq!(dashboard.failing.of_rows, rows);
    let svg = dashboard::svg(&dashboard, &Style::light()).expect("it is drawn");
    assert!(svg.contains("rules more") && svg.contains("tables more") && svg.len() < 300_000);
}
