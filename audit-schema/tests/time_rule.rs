//! Time-driven rules, asked with a clock that the test holds in its hand.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::testing::Database;
use diesel::PgConnection;
use shared::{ask, run, show, watched};

/// Readings of three stations, written at no particular time.
fn readings() -> (Database, PgConnection) {
    watched(
        "readings",
        "create table readings (id integer generated always as identity primary key, station text, at timestamptz, level numeric)",
    )
}

/// Declares a time-driven rule on `readings` and compiles.
#[track_caller]
fn declare(db: &mut PgConnection, kind: &str, definition: &str) {
    run(
        db,
        &format!(
            "select audit.declare_rule('readings', '{kind}', '{kind}', '{definition}'); select audit.compile('readings')"
        ),
    );
}

/// Inserts readings of a station at times.
#[track_caller]
fn read(db: &mut PgConnection, station: &str, times: &str) {
    run(
        db,
        &format!(
            "insert into readings (station, at, level) select {station}, v.t, 1 from {times} v (t)"
        ),
    );
}

#[test]
fn a_table_is_fresh_while_something_is_written() {
    let (_database, mut db) = readings();
    declare(&mut db, "fresh", r#"{"within": "2 hours"}"#);
    run(
        &mut db,
        "begin; select audit.set_context(occurred_at => '2013-02-08 10:00Z'); insert into readings (station) values ('a'); commit",
    );
    let asked = ["2013-02-08 12:00Z", "2013-02-08 12:01Z"].map(|clock| ask(&mut db, clock));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,ok,f,"2013-02-08 10:00:00 UTC","the newest is 02:00:00 old")
    (,failing,t,"2013-02-08 10:00:00 UTC","the newest is 02:01:00 old")
    "#);
    shared::tick(&mut db);
    run(
        &mut db,
        "begin; select audit.set_context(occurred_at => '2013-02-08 12:30Z'); delete from readings; commit",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:31Z"), @r#"(,ok,f,"2013-02-08 12:30:00 UTC","the newest is 00:01:00 old")"#);
    shared::tick(&mut db);
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 14:31Z"), @r#"(,failing,t,"2013-02-08 12:30:00 UTC","the newest is 02:01:00 old")"#);
    insta::assert_snapshot!(show(&mut db, "select from_state, to_state, fails, at from audit.time_rule_transition order by time_rule_transition_id"), @r#"
    (,ok,f,"2013-02-08 12:00:00+00")
    (ok,failing,t,"2013-02-08 12:01:00+00")
    (failing,ok,f,"2013-02-08 12:31:00+00")
    (ok,failing,t,"2013-02-08 14:31:00+00")
    "#);
    insta::assert_snapshot!(show(&mut db, "select op, rows, new_failed, old_failed, samples, occurred_at from audit.finding order by occurred_at"), @r#"
    (,0,1,0,"[{""found"": ""the newest is 02:01:00 old"", ""expected"": ""no older than 2 hours""}]","2013-02-08 12:01:00+00")
    (,0,0,1,"[{""found"": ""the newest is 00:01:00 old"", ""expected"": ""no older than 2 hours""}]","2013-02-08 12:31:00+00")
    (,0,1,0,"[{""found"": ""the newest is 02:01:00 old"", ""expected"": ""no older than 2 hours""}]","2013-02-08 14:31:00+00")
    "#);
}

#[test]
fn nothing_grows_old_outside_of_hours_also_when_clocks_are_put_forward() {
    let (_database, mut db) = readings();
    declare(
        &mut db,
        "fresh",
        r#"{"within": "2 hours", "during": "05:00-23:00 America/New_York", "column": "at"}"#,
    );
    // Clocks went from 2:00 to 3:00 on 10 March, outside of the hours.
    read(
        &mut db,
        "'a'",
        "(values (timestamptz '2013-03-09 22:00 America/New_York'))",
    );
    let asked = [
        "2013-03-09 23:30 America/New_York",
        "2013-03-10 04:59 America/New_York",
        "2013-03-10 06:00 America/New_York",
        "2013-03-10 06:05 America/New_York",
    ]
    .map(|clock| ask(&mut db, clock));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,ok,f,"2013-03-10 03:00:00 UTC","the newest is 01:00:00 old")
    (,ok,f,"2013-03-10 03:00:00 UTC","the newest is 01:00:00 old")
    (,ok,f,"2013-03-10 03:00:00 UTC","the newest is 02:00:00 old")
    (,failing,t,"2013-03-10 03:00:00 UTC","the newest is 02:05:00 old")
    "#);
}

#[test]
fn hours_may_be_those_of_some_days_and_go_on_past_midnight() {
    let (_database, mut db) = readings();
    // 8 February 2013 was a Friday.
    insta::assert_snapshot!(
        show(
            &mut db,
            "select during, audit._time_within('2013-02-08 12:00Z', '2013-02-12 12:00Z', during) from (values
                (null), ('08:00-18:00'), ('Mon-Fri 08:00-18:00'), ('Sat 08:00-24:00'), ('Fri-Mon 22:00-02:00 UTC'), ('00:00-24:00'), ('Sun 12:00-13:00 Asia/Kolkata')) v (during)"
        ),
        @r#"
    (,"4 days")
    (08:00-18:00,40:00:00)
    ("Mon-Fri 08:00-18:00",20:00:00)
    ("Sat 08:00-24:00",16:00:00)
    ("Fri-Mon 22:00-02:00 UTC",16:00:00)
    (00:00-24:00,"3 days 24:00:00")
    ("Sun 12:00-13:00 Asia/Kolkata",01:00:00)
    "#
    );
    // The day on which clocks go forward has 23 hours, the one on which they go back has 25.
    insta::assert_snapshot!(
        show(
            &mut db,
            "select audit._time_within(d::timestamp at time zone 'America/New_York', (d + 1)::timestamp at time zone 'America/New_York', '00:00-24:00 America/New_York')
            from (values (date '2013-03-10'), (date '2013-11-03'), (date '2013-06-01')) v (d)"
        ),
        @r#"
    (23:00:00)
    ("1 day 01:00:00")
    ("1 day")
    "#
    );
}

#[test]
fn each_group_is_fresh_by_itself_and_null_is_a_group() {
    let (_database, mut db) = readings();
    declare(
        &mut db,
        "fresh",
        r#"{"within": "1 hour", "column": "at", "group_by": ["station"]}"#,
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 09:00Z"), @r#"(,no_data,t,,"there is nothing to judge")"#);
    read(&mut db, "'a'", "(values (timestamptz '2013-02-08 10:00Z'))");
    read(
        &mut db,
        "null",
        "(values (timestamptz '2013-02-08 11:30Z'))",
    );
    // What lies ahead of the clock makes nothing fresh.
    read(
        &mut db,
        "'b'",
        "(values (timestamptz '2013-02-08 08:00Z'), ('2099-01-01 00:00Z'))",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:00Z"), @r#"
    (null,ok,f,"2013-02-08 11:30:00 UTC","the newest is 00:30:00 old")
    (a,failing,t,"2013-02-08 10:00:00 UTC","the newest is 02:00:00 old")
    (b,failing,t,"2013-02-08 08:00:00 UTC","the newest is 04:00:00 old")
    "#);
    read(&mut db, "'a'", "(values (timestamptz '2013-02-08 12:00Z'))");
    run(&mut db, "delete from readings where station = 'b'");
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:10Z"), @r#"
    (null,ok,f,"2013-02-08 11:30:00 UTC","the newest is 00:40:00 old")
    (a,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:10:00 old")
    (b,no_data,t,,"there is nothing of it any more")
    "#);
    insta::assert_snapshot!(show(&mut db, "select failing, errors from audit.rule_counter"), @"(1,0)");
}

#[test]
fn a_rule_says_what_it_means_that_there_is_no_data() {
    let (_database, mut db) = readings();
    for (name, kind, more) in [
        ("fresh", "fresh", r#", "column": "at""#),
        (
            "fresh_pass",
            "fresh",
            r#", "column": "at", "on_no_data": "pass""#,
        ),
        ("gap", "gap", r#", "column": "at", "width": "1 hour""#),
        (
            "volume",
            "volume",
            r#", "column": "at", "per": "1 day", "history": "8 weeks", "minimum": 4, "threshold": 3.5"#,
        ),
        (
            "volume_fail",
            "volume",
            r#", "column": "at", "per": "1 day", "history": "8 weeks", "minimum": 4, "threshold": 3.5, "on_no_data": "fail""#,
        ),
    ] {
        run(
            &mut db,
            &format!(
                "select audit.declare_rule('readings', '{name}', '{kind}', '{{\"within\": \"1 hour\"{more}}}')"
            ),
        );
    }
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:00Z"), @r#"
    (,no_data,t,,"there is none")
    (,no_data,f,,"there is none")
    (,no_data,f,,"there is nothing to judge")
    (,no_data,f,0,"0 of the 4 windows that are needed are known")
    (,no_data,t,0,"0 of the 4 windows that are needed are known")
    "#);
}

#[test]
fn a_column_without_a_time_zone_is_read_in_that_of_the_rule() {
    let (_database, mut db) = watched(
        "readings",
        "create table readings (id integer primary key, at timestamp, day date); create index on readings (at)",
    );
    run(
        &mut db,
        "insert into readings values (1, '2013-02-08 10:00', '2013-02-07');
         select audit.declare_rule('readings', 'at', 'fresh', '{\"within\": \"1 hour\", \"column\": \"at\", \"time_zone\": \"America/New_York\"}');
         select audit.declare_rule('readings', 'day', 'fresh', '{\"within\": \"1 day\", \"column\": \"day\", \"time_zone\": \"America/New_York\"}');
         select audit.declare_rule('readings', 'gap', 'gap', '{\"width\": \"1 hour\", \"column\": \"at\", \"time_zone\": \"America/New_York\", \"until\": \"now\"}');
         select audit.declare_rule('readings', 'rows', 'row_count', '{\"per\": \"1 day\", \"column\": \"day\", \"time_zone\": \"America/New_York\", \"min\": 1}')",
    );
    let asked = ["2013-02-08 16:00Z", "2013-02-08 16:10Z"].map(|clock| ask(&mut db, clock));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,ok,f,"2013-02-08 15:00:00 UTC","the newest is 01:00:00 old")
    (,failing,t,"2013-02-07 05:00:00 UTC","the newest is 1 day 11:00:00 old")
    (,ok,f,0,"no gap")
    (,ok,f,1,"1 row from 2013-02-07 00:00 to 2013-02-08 00:00")
    (,failing,t,"2013-02-08 15:00:00 UTC","the newest is 01:10:00 old")
    (,failing,t,"2013-02-07 05:00:00 UTC","the newest is 1 day 11:10:00 old")
    (,ok,f,0,"no gap")
    (,ok,f,1,"1 row from 2013-02-07 00:00 to 2013-02-08 00:00")
    "#);
    insta::assert_snapshot!(ask(&mut db, "2013-02-09 05:00Z"), @r#"
    (,failing,t,"2013-02-08 15:00:00 UTC","the newest is 14:00:00 old")
    (,failing,t,"2013-02-07 05:00:00 UTC","the newest is 2 days old")
    (,failing,t,13,"13 without a row, the first from 2013-02-08 11:00 on")
    (,failing,t,0,"0 rows from 2013-02-08 00:00 to 2013-02-09 00:00")
    "#);
}

#[test]
fn a_gap_is_a_stretch_without_a_row_between_the_first_and_the_last() {
    let (_database, mut db) = readings();
    declare(
        &mut db,
        "gap",
        r#"{"column": "at", "width": "1 hour", "over": "1 day", "group_by": ["station"]}"#,
    );
    read(
        &mut db,
        "'a'",
        "generate_series(timestamptz '2013-02-08 00:10Z', '2013-02-08 10:10Z', '1 hour')",
    );
    read(
        &mut db,
        "null",
        "(values (timestamptz '2013-02-08 03:59Z'), ('2013-02-08 04:00Z'), ('2013-02-08 07:00Z'))",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:30Z"), @r#"
    (null,failing,t,2,"2 without a row, the first from 2013-02-08 05:00 on")
    (a,ok,f,0,"no gap")
    "#);
    read(
        &mut db,
        "null",
        "(values (timestamptz '2013-02-08 05:00Z'), ('2013-02-08 06:59:59.999999Z'))",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:35Z"), @r#"
    (null,ok,f,0,"no gap")
    (a,ok,f,0,"no gap")
    "#);
    // What is older than it looks back still says that rows are to be expected.
    read(&mut db, "'a'", "(values (timestamptz '2013-02-09 12:00Z'))");
    insta::assert_snapshot!(ask(&mut db, "2013-02-09 12:40Z"), @r#"
    (null,no_data,f,,"there is nothing of it any more")
    (a,failing,t,24,"24 without a row, the first from 2013-02-08 12:00 on")
    "#);
    insta::assert_snapshot!(show(&mut db, "select group_values, samples from audit.time_rule_state order by 1"), @r#"
    ("{""station"": null}",)
    ("{""station"": ""a""}","[""2013-02-08 12:00"", ""2013-02-08 13:00"", ""2013-02-08 14:00""]")
    "#);
}

#[test]
fn a_gap_may_reach_until_now_and_days_have_as_many_hours_as_they_have() {
    let (_database, mut db) = readings();
    for (name, width) in [("gap_days", "1 day"), ("gap_hours", "1 hour")] {
        run(
            &mut db,
            &format!(
                r#"select audit.declare_rule('readings', '{name}', 'gap', '{{"column": "at", "width": "{width}", "over": "5 days", "until": "now", "time_zone": "America/New_York"}}')"#
            ),
        );
    }
    // The last moments of each day; clocks went back on 3 November 2013, which had 25 hours.
    read(
        &mut db,
        "'a'",
        "(select l at time zone 'America/New_York' from generate_series(timestamp '2013-11-01 23:30', '2013-11-04 23:30', '1 day') l)",
    );
    run(
        &mut db,
        "delete from readings where at = timestamp '2013-11-02 23:30' at time zone 'America/New_York'",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-11-05 00:00 America/New_York"), @r#"
    (,failing,t,1,"1 without a row, the first from 2013-11-02 00:00 on")
    (,failing,t,71,"71 without a row, the first from 2013-11-02 00:00 on")
    "#);
    insta::assert_snapshot!(ask(&mut db, "2013-11-06 00:00 America/New_York"), @r#"
    (,failing,t,2,"2 without a row, the first from 2013-11-02 00:00 on")
    (,failing,t,95,"95 without a row, the first from 2013-11-02 00:00 on")
    "#);
}

#[test]
fn rows_are_counted_per_window_by_a_column() {
    let (_database, mut db) = readings();
    declare(
        &mut db,
        "row_count",
        r#"{"per": "1 day", "column": "at", "min": 23, "max": 24, "time_zone": "America/New_York", "group_by": ["station"]}"#,
    );
    // A reading an hour: 24 on 9 March, 23 on 10 March, when clocks go forward.
    read(
        &mut db,
        "'a'",
        "generate_series(timestamptz '2013-03-09 00:00 America/New_York', '2013-03-11 22:30 America/New_York', '1 hour')",
    );
    read(
        &mut db,
        "null",
        "(values (timestamptz '2013-03-09 00:00 America/New_York'))",
    );
    let asked = [
        "2013-03-10 00:00 America/New_York",
        "2013-03-11 00:00 America/New_York",
        "2013-03-12 00:00 America/New_York",
    ]
    .map(|clock| ask(&mut db, clock));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (null,failing,t,1,"1 row from 2013-03-09 00:00 to 2013-03-10 00:00")
    (a,ok,f,24,"24 rows from 2013-03-09 00:00 to 2013-03-10 00:00")
    (null,failing,t,0,"0 rows from 2013-03-10 00:00 to 2013-03-11 00:00")
    (a,ok,f,23,"23 rows from 2013-03-10 00:00 to 2013-03-11 00:00")
    (null,failing,t,0,"0 rows from 2013-03-11 00:00 to 2013-03-12 00:00")
    (a,ok,f,23,"23 rows from 2013-03-11 00:00 to 2013-03-12 00:00")
    "#);
    read(
        &mut db,
        "'a'",
        "(values (timestamptz '2013-03-11 23:00 America/New_York'), ('2013-03-11 23:01 America/New_York'), ('2013-03-11 23:02 America/New_York'))",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-03-12 00:10 America/New_York"), @r#"
    (null,failing,t,0,"0 rows from 2013-03-11 00:00 to 2013-03-12 00:00")
    (a,failing,t,26,"26 rows from 2013-03-11 00:00 to 2013-03-12 00:00")
    "#);
}

#[test]
fn rows_are_counted_per_window_as_they_were_written() {
    let (_database, mut db) = readings();
    declare(&mut db, "row_count", r#"{"per": "1 hour", "max": 2}"#);
    let mut write = |time: &str, statement: &str| {
        run(
            &mut db,
            &format!(
                "begin; select audit.set_context(occurred_at => '{time}'); {statement}; commit"
            ),
        );
    };
    write(
        "2013-02-08 10:59Z",
        "insert into readings (station) values ('a'), ('b')",
    );
    write(
        "2013-02-08 11:00Z",
        "insert into readings (station) values ('a'), ('b'), ('c')",
    );
    write(
        "2013-02-08 11:10Z",
        "update readings set level = 2; delete from readings where station = 'a'",
    );
    // Before anything was written nobody knows whether all of the window was watched.
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 11:30Z"), @r#"(,no_data,f,,"not all of 2013-02-08 10:00 to 2013-02-08 11:00 is known")"#);
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:00Z"), @r#"(,failing,t,3,"3 rows from 2013-02-08 11:00 to 2013-02-08 12:00")"#);
    shared::tick(&mut db);
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:30Z"), @r#"(,failing,t,3,"3 rows from 2013-02-08 11:00 to 2013-02-08 12:00")"#);
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 13:00Z"), @r#"(,ok,f,0,"0 rows from 2013-02-08 12:00 to 2013-02-08 13:00")"#);
}

#[test]
fn a_table_that_was_just_watched_has_its_time() {
    let (_database, mut db) = readings();
    declare(&mut db, "fresh", r#"{"within": "2 hours"}"#);
    let asked = ["2 hours", "2 hours 1 minute"].map(|later| {
        let clock = show(
            &mut db,
            &format!("select watched_at + interval '{later}' from audit.watched_table"),
        );
        ask(&mut db, clock.trim_matches(['(', ')', '"']))
    });
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,ok,f,,"nothing was written since the watch began")
    (,failing,t,,"nothing was written since the watch began")
    "#);
}

#[test]
fn a_gap_is_not_over_because_it_is_longer_than_the_rule_looks_back() {
    let (_database, mut db) = readings();
    declare(
        &mut db,
        "gap",
        r#"{"column": "at", "width": "1 hour", "until": "now"}"#,
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 09:00Z"), @r#"(,no_data,f,,"there is nothing to judge")"#);
    read(&mut db, "'a'", "(values (timestamptz '2013-02-08 10:00Z'))");
    let asked = ["2013-02-08 12:00Z", "2013-03-08 12:00Z"].map(|clock| ask(&mut db, clock));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,failing,t,1,"1 without a row, the first from 2013-02-08 11:00 on")
    (,no_data,t,,"there is nothing to judge")
    "#);
}
