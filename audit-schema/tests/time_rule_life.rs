//! Time-driven rules from their declaration to their end: what is refused, what an error does, who sees how they are.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::alert::Message;
use audit_schema::testing::{Database, database};
use audit_schema::tick;
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use shared::{ask, refused, run, show, watched, wrong};

/// Readings of stations.
fn readings() -> (Database, PgConnection) {
    watched(
        "readings",
        "create table readings (id integer primary key, station text, at timestamptz)",
    )
}

fn fresh(name: &str) -> String {
    format!(
        r#"select audit.declare_rule('readings', '{name}', 'fresh', '{{"within": "1 hour", "column": "at"}}', severity => 'critical');"#
    )
}

#[test]
fn what_can_not_be_asked_is_refused() {
    let (_database, mut db) = readings();
    let mut refusal = |kind: &str, definition: &str, more: &str| {
        refused(
            &mut db,
            &format!("select audit.declare_rule('readings', 'r', '{kind}', '{definition}'{more})"),
        )
    };
    let refusals = [
        ("fresh", r#"{"within": "1 hour"}"#, ", action => 'reject'"),
        ("fresh", r#"{"within": "1 hour"}"#, ", nulls => 'fail'"),
        ("fresh", r#"{"within": "1 hour"}"#, ", on_error => 'block'"),
        ("fresh", r#"{"within": "1 hour"}"#, ", mostly => 0.5"),
        ("fresh", r#"{"within": "1 hour"}"#, ", condition => 'true'"),
        ("fresh", r#"{"within": "1 hour", "group_by": ["station"]}"#, ""),
        ("fresh", r#"{"within": "1 hour", "on_error": "pass"}"#, ""),
        ("fresh", r#"{"within": "soon"}"#, ""),
        ("fresh", r#"{"within": "0 hours"}"#, ""),
        ("fresh", r#"{"column": "at"}"#, ""),
        ("fresh", r#"{"within": "1 hour", "column": "att"}"#, ""),
        ("fresh", r#"{"within": "1 hour", "column": "station"}"#, ""),
        ("fresh", r#"{"within": "1 hour", "column": "at"}"#, ", condition => 'nothing > 1'"),
        ("fresh", r#"{"within": "1 hour", "during": "9-5"}"#, ""),
        ("fresh", r#"{"within": "1 hour", "during": "09:00-17:00 Europe/Lundun"}"#, ""),
        ("gap", r#"{"column": "at", "width": "1 second", "over": "1 day"}"#, ""),
        ("gap", r#"{"column": "at", "width": "1 hour", "group_by": ["statoin"]}"#, ""),
        ("row_count", r#"{"per": "1 day", "column": "at", "min": 2, "max": 1}"#, ""),
        ("row_count", r#"{"per": "1 day", "column": "at"}"#, ""),
        ("row_count", r#"{"per": "10 minutes", "min": 1}"#, ""),
        ("row_count", r#"{"per": "1 day", "column": "at", "min": 1, "time_zone": "Nowhere"}"#, ""),
        ("volume", r#"{"per": "5 hours", "column": "at", "history": "8 weeks", "minimum": 4, "threshold": 3.5}"#, ""),
        ("volume", r#"{"per": "1 hour", "column": "at", "history": "4 weeks", "minimum": 8, "threshold": 3.5}"#, ""),
        ("reconcile", r#"{"measure": "median", "table": "public.readings"}"#, ""),
        ("reconcile", r#"{"measure": "count", "table": "public.nowhere"}"#, ""),
        ("reconcile", r#"{"measure": "sum", "column": "id", "table": "public.readings", "its": "level"}"#, ""),
        ("reconcile", r#"{"measure": "sum", "column": "station", "table": "public.readings", "its": "id"}"#, ""),
        ("bounds", r#"{"on": "by_day", "value": "a; b", "max": 1}"#, ""),
        ("bounds", r#"{"on": "by_day", "value": "a"}"#, ""),
    ]
    .map(|(kind, definition, more)| refusal(kind, definition, more));
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    time_rule_only_flags: rule `r` is asked by the tick, when rows are long written, so it can not reject them
    nulls_say_nothing_to_the_kind: rule `r` is fresh, and looks at no row while it is written
    nulls_say_nothing_to_the_kind: rule `r` is fresh, and looks at no row while it is written
    mostly_is_about_rows_that_are_flagged: rule `r` can not be kept mostly
    time_rule_has_no_rows: rule `r` can have no condition: it reads no rows of its table
    time_rule_has_no_rows: rule `r` can have no groups: it reads no rows of its table
    time_rule_is_not_valid: rule `r` has an option that is no word of it
    time_rule_is_not_valid: invalid input syntax for type interval: "soon"
    time_rule_is_not_valid: rule `r` has a length of time that is none
    time_rule_is_not_valid: rule `r` does not say all that fresh needs
    column_does_not_exist: table readings has no column `att`
    predicate_is_not_valid: column station is of type text, which is no time
    predicate_is_not_valid: column "nothing" does not exist
    time_rule_is_not_valid: `9-5` are no hours
    time_rule_is_not_valid: rule `r` has a time zone that is not known
    time_rule_is_not_valid: rule `r` looks at more than 10,000 stretches
    column_does_not_exist: table readings has no column `statoin`
    time_rule_is_not_valid: nothing is at least 2 and at most 1
    time_rule_is_not_valid: rule `r` has no bound
    time_rule_is_not_valid: rule `r` counts rows as they were written, which is known by the hour
    time_rule_is_not_valid: rule `r` has a time zone that is not known
    time_rule_is_not_valid: rule `r` compares a window with those of other weeks, and windows of 05:00:00 are not at the same times in each
    time_rule_is_not_valid: rule `r` needs 8 weeks, and its history is shorter
    time_rule_is_not_valid: rule `r` compares neither counts nor sums
    referenced_table_does_not_exist: rule `r` refers to table `public.nowhere`, which does not exist
    predicate_is_not_valid: table public.readings has no column `level`
    predicate_is_not_valid: function sum(text) does not exist
    predicate_is_not_valid: an expression may not contain a semicolon
    time_rule_is_not_valid: rule `r` has no bound
    "#);
}

#[test]
fn a_writer_does_not_notice_time_driven_rules() {
    let (_database, mut db) = readings();
    let generated = "select proname, md5(pg_get_functiondef(oid)) from pg_proc where pronamespace = 'audit_compiled'::regnamespace order by 1";
    let before = show(&mut db, generated);
    run(
        &mut db,
        &format!(
            r#"{} select audit.declare_rule('readings', 'gap', 'gap', '{{"column": "at", "width": "1 hour"}}', 'station is not null');
            select audit.compile('readings'); insert into readings values (1, null, null)"#,
            fresh("fresh")
        ),
    );
    assert_eq!(show(&mut db, generated), before);
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(
            &mut db,
            "select audit.begin_check('readings'), count(*) from audit.finding"
        ),
        "(,0)"
    );
}

#[test]
fn a_rule_that_raises_disturbs_no_other_and_is_in_error_until_it_does_not() {
    let (_database, mut db) = readings();
    run(
        &mut db,
        r#"create function late(at timestamptz) returns boolean language plpgsql stable as 'begin if at < ''2013-01-01'' then raise exception ''too early: %'', at; end if; return true; end';
        select audit.declare_rule('readings', 'a', 'fresh', '{"within": "1 hour", "column": "at", "group_by": ["station"]}', 'late(at)');
        select audit.declare_rule('readings', 'b', 'fresh', '{"within": "1 hour", "column": "at", "on_error": "fail"}', 'late(at)');
        select audit.declare_rule('readings', 'c', 'fresh', '{"within": "1 hour", "column": "at"}');
        select audit.compile('readings');
        insert into readings values (1, 'x', '2013-02-08 10:00Z'), (2, 'y', '2013-02-08 12:00Z')"#,
    );
    let mut asked = vec![ask(&mut db, "2013-02-08 12:00Z")];
    run(
        &mut db,
        "insert into readings values (3, 'x', '2012-02-08 10:00Z')",
    );
    // What was found of the groups stays, while the rule as a whole is in error.
    asked.push(ask(&mut db, "2013-02-08 12:30Z"));
    run(&mut db, "delete from readings where id = 3");
    asked.push(ask(&mut db, "2013-02-08 12:40Z"));
    insta::assert_snapshot!(asked.join("\n--\n"), @r#"
    (x,failing,t,"2013-02-08 10:00:00 UTC","the newest is 02:00:00 old")
    (y,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:00:00 old")
    (,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:00:00 old")
    (,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:00:00 old")
    --
    (,error,f,,"too early: 2012-02-08 10:00:00+00")
    (x,failing,t,"2013-02-08 10:00:00 UTC","the newest is 02:00:00 old")
    (y,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:00:00 old")
    (,error,t,,"too early: 2012-02-08 10:00:00+00")
    (,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:30:00 old")
    --
    (x,failing,t,"2013-02-08 10:00:00 UTC","the newest is 02:40:00 old")
    (y,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:40:00 old")
    (,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:40:00 old")
    (,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:40:00 old")
    "#);
    insta::assert_snapshot!(
        show(&mut db, "select r.name, t.group_values, t.from_state, t.to_state, t.fails from audit.time_rule_transition t join audit.rule r using (rule_id) order by t.time_rule_transition_id"),
        @r#"
    (a,"{""station"": ""x""}",,failing,t)
    (a,"{""station"": ""y""}",,ok,f)
    (b,{},,ok,f)
    (c,{},,ok,f)
    (a,{},,error,f)
    (b,{},ok,error,t)
    (a,{},error,ok,f)
    (b,{},error,ok,f)
    "#
    );
    insta::assert_snapshot!(show(&mut db, "select r.name, f.keys, f.new_failed, f.old_failed, f.error from audit.finding f join audit.rule r using (rule_id) order by f.occurred_at, r.name, f.keys"), @r#"
    (a,"{""station = x""}",1,0,)
    (a,,0,0,"too early: 2012-02-08 10:00:00+00")
    (b,,1,0,"too early: 2012-02-08 10:00:00+00")
    (b,,0,1,)
    "#);
    run(
        &mut db,
        "insert into readings values (3, 'x', '2012-02-08 10:00Z')",
    );
    ask(&mut db, "2013-02-08 12:50Z");
    insta::assert_snapshot!(show(&mut db, "select r.name, c.failing, c.errors from audit.rule_counter c join audit.rule r using (rule_id) order by 1"), @"
    (a,1,1)
    (b,1,1)
    (c,0,0)
    ");
}

#[test]
fn a_question_that_is_cut_off_is_an_error_of_its_rule_alone() {
    let (database, mut db) = readings();
    run(
        &mut db,
        &format!(
            r#"create function endless() returns boolean language plpgsql stable as 'begin raise exception using errcode = ''57014'', message = ''canceling statement due to statement timeout''; end';
            select audit.declare_rule('readings', 'endless', 'sql', '{{"query": "select 1 where public.endless()"}}', severity => 'critical');
            {} select audit.compile('readings'); insert into readings values (1, null, '2013-02-08 10:00Z')"#,
            fresh("fresh")
        ),
    );
    tick(&mut database.connect(), clock("2013-02-08T10:30:00Z")).unwrap();
    insta::assert_snapshot!(show(&mut db, "select name, state, fails, detail from audit.time_rule_status order by 1"), @r#"
    (endless,error,f,"canceling statement due to statement timeout")
    (fresh,ok,f,"the newest is 00:30:00 old")
    "#);
}

#[test]
fn a_rule_is_asked_no_more_often_than_it_says() {
    let (_database, mut db) = readings();
    run(
        &mut db,
        r#"select audit.declare_rule('readings', 'a', 'fresh', '{"within": "1 hour"}');
        select audit.declare_rule('readings', 'b', 'fresh', '{"within": "1 hour", "column": "at"}');
        select audit.declare_rule('readings', 'c', 'fresh', '{"within": "1 hour", "every": "10 minutes"}');
        select audit.declare_rule('readings', 'd', 'sql', '{"query": "select 1"}');
        select audit.compile('readings')"#,
    );
    for clock in [
        "10:00", "10:00", "10:01", "10:04", "10:05", "10:10", "11:00", "09:00",
    ] {
        ask(&mut db, &format!("2013-02-08 {clock}Z"));
        let due = show(
            &mut db,
            "select string_agg(name || ' ' || to_char(checked_at, 'HH24:MI'), ', ' order by name) from audit.time_rule_status",
        );
        run(
            &mut db,
            &format!(
                "create table if not exists seen (clock text, due text); insert into seen values ('{clock}', $${due}$$)"
            ),
        );
    }
    insta::assert_snapshot!(show(&mut db, "select clock, due from seen order by ctid"), @r#"
    (10:00,"(""a 10:00, b 10:00, c 10:00, d 10:00"")")
    (10:00,"(""a 10:00, b 10:00, c 10:00, d 10:00"")")
    (10:01,"(""a 10:01, b 10:00, c 10:00, d 10:00"")")
    (10:04,"(""a 10:04, b 10:00, c 10:00, d 10:00"")")
    (10:05,"(""a 10:05, b 10:05, c 10:00, d 10:00"")")
    (10:10,"(""a 10:10, b 10:10, c 10:10, d 10:00"")")
    (11:00,"(""a 11:00, b 11:00, c 11:00, d 11:00"")")
    (09:00,"(""a 09:00, b 09:00, c 09:00, d 09:00"")")
    "#);
}

#[test]
fn a_column_that_is_renamed_is_followed_and_one_that_is_dropped_is_an_error() {
    let (_database, mut db) = readings();
    run(
        &mut db,
        r#"select audit.declare_rule('readings', 'a', 'fresh', '{"within": "1 hour", "column": "at", "group_by": ["station"]}', 'station <> ''x''');
        select audit.compile('readings');
        insert into readings values (1, 'a', '2013-02-08 10:00Z');
        alter table readings rename at to "time of %s";
        alter table readings rename station to "the ""station"" ";"#,
    );
    let mut asked = vec![ask(&mut db, "2013-02-08 10:30Z")];
    run(&mut db, r#"alter table readings drop "time of %s""#);
    asked.push(ask(&mut db, "2013-02-08 10:40Z"));
    run(
        &mut db,
        r#"alter table readings add "time of %s" timestamptz"#,
    );
    asked.push(ask(&mut db, "2013-02-08 10:50Z"));
    insta::assert_snapshot!(asked.join("\n--\n"), @r#"
    (a,ok,f,"2013-02-08 10:00:00 UTC","the newest is 00:30:00 old")
    --
    (,error,f,,"column time of %s does not exist")
    (a,ok,f,"2013-02-08 10:00:00 UTC","the newest is 00:30:00 old")
    --
    (a,no_data,t,,"there is nothing of it any more")
    "#);
}

#[test]
fn strange_names_are_names() {
    let (_database, mut db) = watched(
        r#""Strange %s ; ""table"" ""#,
        r#"create table "Strange %s ; ""table"" " ("a ""b"" %1$s '" text, "at %L" timestamptz, "x'); drop table y" numeric)"#,
    );
    run(
        &mut db,
        r#"insert into "Strange %s ; ""table"" " values ('it''s %s', '2013-02-08 10:00Z', 1), (null, '2013-02-08 09:00Z', 2), (null, '2013-02-08 11:00Z', 2);
        select audit.declare_rule('"Strange %s ; ""table"" "', kind, kind, definition || '{"column": "at %L", "group_by": ["a \"b\" %1$s ''", "x''); drop table y"]}')
        from (values
            ('fresh', '{"within": "1 hour"}'::jsonb), ('gap', '{"width": "1 hour"}'), ('row_count', '{"per": "1 hour", "min": 1}'),
            ('volume', '{"per": "1 hour", "history": "8 weeks", "minimum": 1, "threshold": 3.5}')) r (kind, definition);
        select audit.declare_rule('"Strange %s ; ""table"" "', 'sum', 'reconcile', '{"measure": "sum", "column": "x''); drop table y", "table": "public.\"Strange %s ; \"\"table\"\" \"", "its": "x''); drop table y", "group_by": ["a \"b\" %1$s ''"]}');
        select audit.compile('"Strange %s ; ""table"" "')"#,
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 11:30Z"), @r#"
    ("null 2",ok,f,"2013-02-08 11:00:00 UTC","the newest is 00:30:00 old")
    ("it's %s 1",failing,t,"2013-02-08 10:00:00 UTC","the newest is 01:30:00 old")
    ("null 2",failing,t,1,"1 without a row, the first from 2013-02-08 10:00 on")
    ("it's %s 1",ok,f,0,"no gap")
    ("it's %s 1",ok,f,1,"1 row from 2013-02-08 10:00 to 2013-02-08 11:00")
    (null,ok,f,4,"no difference")
    ("it's %s",ok,f,1,"no difference")
    ("it's %s 1",no_data,f,1,"0 of the 1 windows that are needed are known")
    "#);
}

#[test]
fn a_rule_that_is_taken_back_is_asked_no_more_and_a_new_version_begins_anew() {
    let (_database, mut db) = readings();
    run(
        &mut db,
        &format!(
            "{} select audit.compile('readings'); insert into readings values (1, null, '2013-02-08 09:00Z')",
            fresh("fresh")
        ),
    );
    let mut asked = vec![ask(&mut db, "2013-02-08 12:00Z")];
    run(
        &mut db,
        r#"select audit.declare_rule('readings', 'fresh', 'fresh', '{"within": "4 hours", "column": "at"}'); select audit.compile('readings')"#,
    );
    asked.push(show(&mut db, "select * from audit.rule_counter"));
    asked.push(ask(&mut db, "2013-02-08 12:01Z"));
    run(
        &mut db,
        "select audit.retire_rule(rule_id) from audit.rule where retired_at is null; select audit.compile('readings')",
    );
    asked.push(ask(&mut db, "2013-02-09 12:01Z"));
    run(
        &mut db,
        &format!(
            "{} select audit.compile('readings'); select audit.unwatch('readings')",
            fresh("again")
        ),
    );
    asked.push(ask(&mut db, "2013-02-09 13:01Z"));
    run(
        &mut db,
        &format!(
            "select audit.watch('readings'); {} select audit.compile('readings'); drop table readings",
            fresh("again")
        ),
    );
    asked.push(ask(&mut db, "2013-02-09 14:01Z"));
    insta::assert_snapshot!(asked.join("\n--\n"), @r#"
    (,failing,t,"2013-02-08 09:00:00 UTC","the newest is 03:00:00 old")
    --
    (2,1,0,0)
    --
    (,ok,f,"2013-02-08 09:00:00 UTC","the newest is 03:01:00 old")
    --

    --

    --
    "#);
}

#[test]
fn history_is_only_ever_added_to() {
    let (_database, mut db) = readings();
    run(
        &mut db,
        &format!("{} select audit.compile('readings')", fresh("fresh")),
    );
    ask(&mut db, "2013-02-08 12:00Z");
    assert_eq!(
        refused(
            &mut db,
            "update audit.time_rule_transition set to_state = 'ok'"
        ),
        "history_is_append_only: the history in audit.time_rule_transition is append-only"
    );
}

#[test]
fn only_the_tick_asks_and_readers_see_the_answers() {
    let (_database, mut db) = readings();
    run(
        &mut db,
        &format!("{} select audit.compile('readings')", fresh("fresh")),
    );
    assert_eq!(
        refused(&mut db, "set role audit_reader; select audit.ask_rule(1)"),
        "-: permission denied for function ask_rule"
    );
    run(&mut db, "reset role; set role audit_operator");
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:00Z"), @r#"(,no_data,t,,"there is none")"#);
    run(&mut db, "reset role; set role audit_reader");
    assert_eq!(
        show(&mut db, "select state from audit.time_rule_status"),
        "(no_data)"
    );
}

fn clock(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

#[test]
fn an_alert_on_rules_tells_of_time_driven_ones_and_when_they_end() {
    let database = database();
    let mut db = database.connect();
    run(
        &mut db,
        r#"create table public.readings (id integer primary key, station text, at timestamptz);
        select audit.watch('readings', owner => 'weather@example.com');
        select audit.declare_rule('readings', 'fresh', 'fresh', '{"within": "1 hour", "column": "at", "group_by": ["station"]}', severity => 'critical', fix_within => '1 hour');
        select audit.declare_rule('readings', 'trial', 'fresh', '{"within": "1 hour"}', shadow => true);
        select audit.compile('readings');
        insert into audit.alert_policy (name, definition) values ('late', '{"on": "rules", "when": "failing > 0", "severity": "inherit"}');
        insert into readings values (1, 'a', '2013-02-08 10:00Z'), (2, null, '2013-02-08 10:00Z'), (3, 'b', '2013-02-08 11:30Z')"#,
    );
    let told = |time: &str| {
        let report = tick(&mut database.connect(), clock(time)).unwrap();
        assert!(report.errors.is_empty(), "{:?}", report.errors);
        let told: Vec<(Message, String)> = report
            .notices
            .into_iter()
            .map(|notice| (notice.message, notice.title))
            .collect();
        format!("{told:?}")
    };
    let mut notices = vec![told("2013-02-08T11:00:00Z"), told("2013-02-08T12:00:00Z")];
    insta::assert_snapshot!(
        show(&mut db, "select name, class, rows, failing, errors, taken_as_failing, first_failed_hour from audit.rule_status order by name"),
        @r#"
    (fresh,time,3,2,0,2,"2013-02-08 12:00:00+00")
    (trial,time,1,0,0,0,)
    "#
    );
    insta::assert_snapshot!(show(&mut db, "select failing_rules, failures, rules, share_passing_at_least from audit.table_quality"), @"(1,0,1,1)");
    run(
        &mut db,
        "insert into readings values (4, 'a', '2013-02-08 12:20Z'), (5, null, '2013-02-08 12:20Z'), (6, 'b', '2013-02-08 12:20Z')",
    );
    notices.push(told("2013-02-08T12:30:00Z"));
    insta::assert_snapshot!(notices.join("\n"), @r#"
    []
    [(Firing, "public.readings fresh: null: the newest is 02:00:00 old; a: the newest is 02:00:00 old")]
    [(Resolved, "public.readings fresh: b: the newest is 00:10:00 old; null: the newest is 00:10:00 old; a: the newest is 00:10:00 old")]
    "#);
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn two_ticks_ask_once_also_when_their_clocks_differ() {
    let (database, mut db) = readings();
    run(
        &mut db,
        &format!("{} select audit.compile('readings')", fresh("fresh")),
    );
    let mut other = database.connect();
    run(
        &mut other,
        "begin; select audit.ask_rule(1, '2013-02-08 12:00Z')",
    );
    let answer = "select audit.ask_rule(1, '2013-02-08 11:59:58Z')";
    assert_eq!(show(&mut db, answer), "(f)");
    run(&mut other, "commit");
    assert_eq!(show(&mut db, answer), "(f)");
    assert_eq!(
        show(
            &mut db,
            "select checked_at from audit.time_rule_state union all select at from audit.time_rule_transition"
        ),
        "(\"2013-02-08 12:00:00+00\")\n(\"2013-02-08 12:00:00+00\")"
    );
}

#[test]
fn the_owner_of_a_table_declares_them_and_lends_what_they_read() {
    let database = database();
    let mut db = database.connect();
    run(
        &mut db,
        r#"create role time_rule_owner in role audit_admin;
        grant create on schema public to time_rule_owner;
        create schema closed authorization time_rule_owner;
        create schema foreign_land; create table foreign_land.secrets (id integer);
        set role time_rule_owner;
        create table readings (id integer primary key, station text, at timestamptz);
        create table closed.ledger (id integer);
        select audit.watch('readings');
        select audit.declare_summary('readings', 'by_station', '{"group_by": [{"name": "station", "expression": "station"}], "measures": [{"name": "readings", "function": "count", "expression": null}]}');
        select audit.declare_rule('readings', kind, kind, definition)
        from (values
            ('fresh', '{"within": "1 hour", "column": "at"}'::jsonb), ('gap', '{"column": "at", "width": "1 hour"}'), ('row_count', '{"per": "1 hour", "column": "at", "min": 1}'),
            ('volume', '{"per": "1 hour", "column": "at", "history": "8 weeks", "minimum": 1, "threshold": 3.5}'),
            ('reconcile', '{"measure": "count", "table": "closed.ledger"}'), ('sql', '{"query": "select id from closed.ledger where id < 0"}'),
            ('bounds', '{"on": "by_station", "value": "readings", "min": 2}')) r (kind, definition);
        select audit.compile('readings');
        insert into readings values (1, 'a', '2013-02-08 12:00Z')"#,
    );
    run(&mut db, "reset role; set role audit_operator");
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 12:30Z"), @r#"
    (a,failing,t,1,"readings is 1")
    (,ok,f,"2013-02-08 12:00:00 UTC","the newest is 00:30:00 old")
    (,ok,f,0,"no gap")
    (,failing,t,1,"a difference of 1")
    (,failing,t,0,"0 rows from 2013-02-08 11:00 to 2013-02-08 12:00")
    (,ok,f,0,"0 rows")
    (,no_data,f,0,"0 of the 1 windows that are needed are known")
    "#);
    // What he may not read himself he can not lend.
    run(&mut db, "reset role; set role time_rule_owner");
    assert_eq!(
        refused(
            &mut db,
            r#"select audit.declare_rule('readings', 'spy', 'sql', '{"query": "select id from foreign_land.secrets"}')"#
        ),
        "predicate_is_not_valid: permission denied for schema foreign_land"
    );
    run(
        &mut db,
        "reset role; grant usage on schema foreign_land to time_rule_owner; set role time_rule_owner",
    );
    let spy = r#"select audit.declare_rule('readings', 'spy', 'sql', '{"query": "select id from foreign_land.secrets"}')"#;
    let secret = "relation_can_not_be_read: rule `spy` reads foreign_land.secrets, which time_rule_owner may not";
    assert_eq!(refused(&mut db, spy), secret);
    run(
        &mut db,
        "reset role; select audit.watch('foreign_land.secrets'); set role time_rule_owner",
    );
    assert_eq!(refused(&mut db, spy), secret);
}
