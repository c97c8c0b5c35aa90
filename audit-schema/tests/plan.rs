//! A policy and a database: what would change, what did change, and what the database has to say about a policy.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::Policy;
use audit_schema::plan::{Object, Verb};
use audit_schema::testing::{self, Database};
use audit_schema::{Error, apply, plan};
use diesel::PgConnection;
use insta::assert_snapshot;
use shared::{run, show};

const POLICY: &str = r#"
version: 1
defaults: { owner: data@example.com }
tables:
  public.flights:
    why: Departures drive crew and gate planning.
    rules:
      - not_null: tailnum
      - one_of: { origin: [EWR, JFK, LGA] }
        severity: critical
        action: quarantine
      - references: { carrier: public.airlines.carrier }
        severity: critical
        action: reject
      - unique: [carrier, flight]
      - name: arrived_flights_departed
        expression: arr_time is null or dep_time is not null
        where: distance > 0
        fix_within: 36h
  public.airlines:
summaries:
  departures:
    from: public.flights
    bucket: { column: time_hour, width: 1 day, time_zone: America/New_York }
    group_by: [origin]
    measures: { flights: count, cancelled: { count_if: dep_time is null }, miles: { sum: distance } }
alerts:
  cancellations: { on: departures, when: cancelled > 0.25 * flights, severity: critical }
  bad_rows: { on: rules, when: failing_ratio > 0.05 and rows > 10, for: 10m }
channels:
  disk: { file: { directory: mail } }
routes:
  - { severity: critical, to: disk }
  - { to: disk }
"#;

/// A database with the tables of [`POLICY`], none of them watched.
fn flights() -> (Database, PgConnection) {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "create table airlines (carrier text primary key, name text);
         create table flights (
             id bigint primary key, carrier text, flight integer, origin text, tailnum text, distance integer,
             dep_time integer, arr_time integer, time_hour timestamptz
         );
         insert into airlines values ('UA', 'United'), ('AA', 'American');
         insert into flights (id, carrier, flight, origin, tailnum, distance, dep_time, arr_time, time_hour)
         select n, case when n % 50 = 0 then 'ZZ' else 'UA' end, n % 90, 'EWR', case when n % 3 <> 0 then 'N1' end, 100, 517, 830, '2013-01-01'
         from generate_series(1, 100) n;",
    );
    (database, connection)
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// What a person reads about a policy that the database does not understand.
#[track_caller]
fn errors(connection: &mut PgConnection, text: &str) -> String {
    let policy = policy(text);
    let planned = match plan(connection, &policy) {
        Ok(plan) => panic!("the policy was planned: {plan}"),
        Err(Error::Policy(errors)) => errors.to_string(),
        Err(other) => panic!("{other:?}"),
    };
    let applied = match apply(connection, &policy) {
        Ok(plan) => panic!("the policy was applied: {plan}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(planned, applied, "plan and apply say the same");
    assert_eq!(everything(connection), "", "something was applied");
    planned
}

/// Everything that is declared, one a line.
fn everything(connection: &mut PgConnection) -> String {
    show(
        connection,
        "select * from (
             select 'table' as kind, name, '' as what from audit.watched_table where unwatched_at is null
             union all select 'rule', name, definition::text from audit.rule where retired_at is null
             union all select 'summary', name, (definition - 'checked' - 'columns')::text from audit.summary where retired_at is null
             union all select 'alert', name, definition::text from audit.alert_policy where retired_at is null
             union all select 'channel', name, definition::text from audit.channel where retired_at is null
             union all select 'route', position::text, definition::text from audit.route where retired_at is null
             union all select 'trigger', tgrelid::regclass::text, tgname from pg_trigger where tgname like 'audit%' and tgrelid::regclass::text not like 'audit.%'
             union all select 'generated', relname, '' from pg_class where relnamespace = 'audit_compiled'::regnamespace and relkind in ('r', 'v')
         ) as declared order by kind, name, what",
    )
}

#[test]
fn a_plan_says_what_would_change_and_changes_nothing() {
    let (_database, mut connection) = flights();
    let plan = plan(&mut connection, &policy(POLICY)).unwrap();
    assert_snapshot!(plan, @r"
    + table   public.flights: Departures drive crew and gate planning.
      + rule    not_null_tailnum  ● normal, flag: tailnum is not null
          33 of 100 rows fail it now
      + rule    one_of_origin  ▲ critical, quarantine: origin is one of EWR, JFK, LGA
      + rule    references_carrier  ▲ critical, reject: carrier is in public.airlines.carrier
          2 of 100 rows fail it now
      + rule    unique_carrier_flight  ● normal, flag: carrier and flight are unique together
          9 of 100 rows fail it now
          ! no index on public.flights (carrier, flight): every write of public.flights reads all of it
      + rule    arrived_flights_departed  ● normal, flag: arr_time is null or dep_time is not null
    + table   public.airlines
    + summary departures of public.flights: flights = count, cancelled = count_if(dep_time is null), miles = sum(distance) by origin and 1 day of time_hour
    + alert   cancellations: departures when cancelled > 0.25 * flights
    + alert   bad_rows: rules when failing_ratio > 0.05 and rows > 10
    + channel disk: file in mail
    + route   1: critical to disk
    + route   2: everything to disk
    ! writers of public.airlines wait (share row exclusive), while it is read once
    ! writers of public.flights wait (share row exclusive), while about 100 rows are read 6 times
    ! clients of public.flights (references_carrier): a statement that writes a failing row ends with an error (SQLSTATE AU001), and nothing of it is written
    ! clients of public.flights (one_of_origin): a failing row that was inserted is gone after the statement, a failing update undone, though the row count and RETURNING showed them
    13 to create, 0 to change, 0 to drop
    ");
    assert_eq!(everything(&mut connection), "");
}

#[test]
fn what_was_planned_is_applied_and_applying_again_changes_nothing() {
    let (_database, mut connection) = flights();
    let policy = policy(POLICY);
    let planned = plan(&mut connection, &policy).unwrap();
    let applied = apply(&mut connection, &policy).unwrap();
    let names = |plan: &audit_schema::Plan| -> Vec<_> {
        plan.changes
            .iter()
            .map(|change| (change.verb, change.object, change.name.clone()))
            .collect()
    };
    assert_eq!(names(&planned), names(&applied));
    let declared = everything(&mut connection);
    assert_snapshot!(declared, @r#"
    (alert,bad_rows,"{""on"": ""rules"", ""for"": ""10 minutes"", ""when"": ""failing_ratio > 0.05 and rows > 10"", ""severity"": ""inherit""}")
    (alert,cancellations,"{""on"": ""departures"", ""when"": ""cancelled > 0.25 * flights"", ""severity"": ""critical""}")
    (channel,disk,"{""file"": {""directory"": ""mail""}}")
    (generated,departures,"")
    (generated,departures_base,"")
    (route,1,"{""to"": [""disk""], ""severity"": [""critical""]}")
    (route,2,"{""to"": [""disk""]}")
    (rule,arrived_flights_departed,"{""expression"": ""arr_time is null or dep_time is not null""}")
    (rule,not_null_tailnum,"{""column"": ""tailnum""}")
    (rule,one_of_origin,"{""column"": ""origin"", ""values"": [""EWR"", ""JFK"", ""LGA""]}")
    (rule,references_carrier,"{""key"": ""carrier"", ""table"": ""public.airlines"", ""column"": ""carrier""}")
    (rule,unique_carrier_flight,"{""columns"": [""carrier"", ""flight""]}")
    (summary,departures,"{""bucket"": {""width"": ""1 day"", ""column"": ""time_hour"", ""time_zone"": ""America/New_York""}, ""group_by"": [{""name"": ""origin"", ""expression"": ""origin""}], ""measures"": [{""name"": ""flights"", ""function"": ""count"", ""expression"": null}, {""name"": ""cancelled"", ""function"": ""count_if"", ""expression"": ""dep_time is null""}, {""name"": ""miles"", ""function"": ""sum"", ""expression"": ""distance""}]}")
    (table,public.airlines,"")
    (table,public.flights,"")
    (trigger,airlines,audit_delete)
    (trigger,airlines,audit_insert)
    (trigger,airlines,audit_truncate)
    (trigger,airlines,audit_update)
    (trigger,flights,audit_delete)
    (trigger,flights,audit_insert)
    (trigger,flights,audit_truncate)
    (trigger,flights,audit_update)
    "#);

    assert!(plan(&mut connection, &policy).unwrap().is_empty());
    assert!(apply(&mut connection, &policy).unwrap().is_empty());
    assert_eq!(everything(&mut connection), declared);
    assert_snapshot!(plan(&mut connection, &policy).unwrap(), @"nothing to do: the database is as the policy declares it");
}

#[test]
fn an_applied_policy_counts_and_catches() {
    let (_database, mut connection) = flights();
    apply(&mut connection, &policy(POLICY)).unwrap();
    run(
        &mut connection,
        "insert into flights (id, carrier, flight, origin, distance) values (1000, 'UA', 1000, 'XXX', 1), (1001, 'UA', 1001, 'JFK', 1)",
    );
    assert_snapshot!(show(
        &mut connection,
        "select r.name, c.failing from audit.rule_counter c join audit.rule r using (rule_id) order by r.name"
    ), @r"
    (arrived_flights_departed,0)
    (not_null_tailnum,34)
    (one_of_origin,0)
    (references_carrier,2)
    (unique_carrier_flight,9)
    ");
    assert_snapshot!(show(
        &mut connection,
        "select origin, flights, cancelled, miles from audit_compiled.departures order by 1"
    ), @r"
    (EWR,100,0,10000)
    (JFK,1,1,1)
    ");
    assert_snapshot!(show(&mut connection, "select key, state from audit.quarantine"), @"(1000,held)");
}

#[test]
fn a_changed_policy_changes_only_what_differs() {
    let (_database, mut connection) = flights();
    apply(&mut connection, &policy(POLICY)).unwrap();
    let changed = POLICY
        .replace("why: Departures drive crew", "why: Departures decide crew")
        .replace(
            "      - not_null: tailnum\n",
            "      - not_null: tailnum\n        severity: low\n",
        )
        .replace("[EWR, JFK, LGA]", "[EWR, JFK]")
        .replace(
            "      - unique: [carrier, flight]\n",
            "      - not_blank: dest\n"
                .replace("dest", "carrier")
                .as_str(),
        )
        .replace("miles: { sum: distance }", "hours: { avg: distance }")
        .replace("0.25 * flights", "0.5 * flights")
        .replace("directory: mail", "directory: post")
        .replace("  - { to: disk }\n", "");
    let policy = policy(&changed);
    let planned = plan(&mut connection, &policy).unwrap();
    assert_snapshot!(planned, @r"
    ~ table   public.flights
        why: Departures drive crew and gate planning. → Departures decide crew and gate planning.
      ~ rule    not_null_tailnum  ○ low, flag: tailnum is not null
          severity: normal → low
          fix_within: 7 days → none
          33 of 100 rows fail it now
      ~ rule    one_of_origin  ▲ critical, quarantine: origin is one of EWR, JFK
          rule: origin is one of EWR, JFK, LGA → origin is one of EWR, JFK
      + rule    not_blank_carrier  ● normal, flag: carrier is not blank
      - rule    unique_carrier_flight
    ~ summary departures of public.flights
        measures: flights = count, cancelled = count_if(dep_time is null), miles = sum(distance) → flights = count, cancelled = count_if(dep_time is null), hours = avg(distance)
    ~ alert   cancellations
        when: cancelled > 0.25 * flights → cancelled > 0.5 * flights
    ~ channel disk
        channel: file directory mail → file directory post
    - route   2
    ! writers of public.flights wait (share row exclusive), while about 100 rows are read 3 times
    ! clients of public.flights (one_of_origin): a failing row that was inserted is gone after the statement, a failing update undone, though the row count and RETURNING showed them
    1 to create, 6 to change, 2 to drop
    ");
    let applied = apply(&mut connection, &policy).unwrap();
    assert_eq!(planned.counts(), applied.counts());
    assert!(plan(&mut connection, &policy).unwrap().is_empty());
    assert_snapshot!(show(
        &mut connection,
        "select name, count(*) filter (where retired_at is null) as live, count(*) as versions from audit.rule group by name order by name"
    ), @r"
    (arrived_flights_departed,1,1)
    (not_blank_carrier,1,1)
    (not_null_tailnum,1,2)
    (one_of_origin,1,2)
    (references_carrier,1,1)
    (unique_carrier_flight,0,1)
    ");
}

#[test]
fn a_table_that_leaves_the_policy_is_no_longer_watched() {
    let (_database, mut connection) = flights();
    apply(&mut connection, &policy(POLICY)).unwrap();
    let less = policy("version: 1\ntables: { public.airlines: { owner: data@example.com } }\n");
    assert_snapshot!(plan(&mut connection, &less).unwrap(), @r"
    - summary departures of public.flights
    - alert   cancellations
    - alert   bad_rows
    - channel disk
    - route   1
    - route   2
    - table   public.flights
    ! writers of public.flights wait (access exclusive)
    0 to create, 0 to change, 7 to drop
    ");
    apply(&mut connection, &less).unwrap();
    assert_snapshot!(everything(&mut connection), @r#"
    (table,public.airlines,"")
    (trigger,airlines,audit_delete)
    (trigger,airlines,audit_insert)
    (trigger,airlines,audit_truncate)
    (trigger,airlines,audit_update)
    "#);
    // And it can come back.
    let again = apply(&mut connection, &policy(POLICY)).unwrap();
    assert!(
        again
            .changes
            .iter()
            .any(|change| change.verb == Verb::Create && change.object == Object::Table)
    );
    assert!(plan(&mut connection, &policy(POLICY)).unwrap().is_empty());
}

#[test]
fn lengths_of_time_that_mean_the_same_are_the_same() {
    let (_database, mut connection) = flights();
    let text = |length: &str| {
        format!(
            "version: 1\ntables:\n  public.flights:\n    rules:\n      - not_null: tailnum\n        fix_within: {length}\n"
        )
    };
    apply(&mut connection, &policy(&text("1w"))).unwrap();
    assert!(
        plan(&mut connection, &policy(&text("7 days")))
            .unwrap()
            .is_empty()
    );
    assert!(
        plan(&mut connection, &policy(&text("168h")))
            .unwrap()
            .is_empty()
    );
    assert!(
        !plan(&mut connection, &policy(&text("none")))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_plan_does_not_disturb_writers_and_readers() {
    let (database, mut connection) = flights();
    apply(&mut connection, &policy(POLICY)).unwrap();
    // Somebody writes and reads, and has not committed.
    let mut writer = database.connect();
    run(
        &mut writer,
        "begin; insert into flights (id, carrier, flight, origin) values (2000, 'UA', 2000, 'JFK'); select * from audit_compiled.departures",
    );
    run(&mut connection, "set lock_timeout = '2s'");
    let changed = policy(
        &POLICY
            .replace("miles: { sum: distance }", "hours: { avg: distance }")
            .replace("[EWR, JFK, LGA]", "[EWR]"),
    );
    assert!(!plan(&mut connection, &changed).unwrap().is_empty());
    run(&mut writer, "commit");
}

#[test]
fn an_unknown_table_is_told_with_its_place() {
    let (_database, mut connection) = flights();
    assert_snapshot!(errors(&mut connection, "version: 1\ntables:\n  public.fligths:\n  nowhere.nothing:\n  public.what is this:\n"), @r"
    audit.yml:3:3: there is no table `public.fligths`
      |
    3 |   public.fligths:
      |   ^^^^^^^^^^^^^^
      = did you mean `public.flights`?

    audit.yml:4:3: there is no table `nowhere.nothing`
      |
    4 |   nowhere.nothing:
      |   ^^^^^^^^^^^^^^^
      = expected the name of a table of this database, as `schema.table`

    audit.yml:5:3: there is no table `public.what is this`
      |
    5 |   public.what is this:
      |   ^^^^^^^^^^^^^^^^^^^
      = expected the name of a table of this database, as `schema.table`

    3 errors; nothing was applied
    ");
}

#[test]
fn what_cannot_be_watched_is_told_with_its_place() {
    let (_database, mut connection) = flights();
    run(&mut connection, "create view late as select * from flights");
    assert_snapshot!(errors(&mut connection, "version: 1\ntables:\n  public.late:\n  audit.change:\n  pg_catalog.pg_class:\n  public.flights:\n  public.\"flights\":\n"), @r#"
    audit.yml:3:3: `public.late` cannot be watched: it is a view
      |
    3 |   public.late:
      |   ^^^^^^^^^^^
      = expected an ordinary or partitioned table

    audit.yml:4:3: `audit.change` cannot be watched: it is part of the pipeline itself
      |
    4 |   audit.change:
      |   ^^^^^^^^^^^^
      = expected an ordinary or partitioned table

    audit.yml:5:3: `pg_catalog.pg_class` cannot be watched: it is a system table
      |
    5 |   pg_catalog.pg_class:
      |   ^^^^^^^^^^^^^^^^^^^
      = expected an ordinary or partitioned table

    audit.yml:7:3: `public."flights"` and `public.flights` are the same table
      |
    7 |   public."flights":
      |   ^^^^^^^^^^^^^^^^

    4 errors; nothing was applied
    "#);
}

#[test]
fn unknown_columns_are_told_with_their_places() {
    let (_database, mut connection) = flights();
    assert_snapshot!(errors(&mut connection, "
version: 1
tables:
  public.flights:
    rules:
      - not_null: [origin, tailnumber]
      - range: { distanse: { min: 1 } }
      - unique: [carrier, flihgt]
      - references: { carier: public.airlines.carrier }
      - references: { carrier: public.airlines.code }
      - references: { origin: public.airports.faa }
      - name: departed
        expression: dep_tme is not null
        where: distnce > 0
summaries:
  departures: { from: public.flights, group_by: [orgin], measures: { flights: count } }
  bucketed: { from: public.flights, bucket: { column: time_our, width: 1d }, measures: { flights: count } }
"), @r#"
    audit.yml:6:28: table flights has no column `tailnumber`
      |
    6 |       - not_null: [origin, tailnumber]
      |                            ^^^^^^^^^^
      = did you mean `tailnum`?

    audit.yml:7:18: table flights has no column `distanse`
      |
    7 |       - range: { distanse: { min: 1 } }
      |                  ^^^^^^^^
      = did you mean `distance`?

    audit.yml:8:27: table flights has no column `flihgt`
      |
    8 |       - unique: [carrier, flihgt]
      |                           ^^^^^^
      = did you mean `flight`?

    audit.yml:9:23: table flights has no column `carier`
      |
    9 |       - references: { carier: public.airlines.carrier }
      |                       ^^^^^^
      = did you mean `carrier`?

    audit.yml:10:32: table `public.airlines` has no column `code`
       |
    10 |       - references: { carrier: public.airlines.code }
       |                                ^^^^^^^^^^^^^^^^^^^^
       = its columns are carrier, name

    audit.yml:11:31: there is no table `public.airports`
       |
    11 |       - references: { origin: public.airports.faa }
       |                               ^^^^^^^^^^^^^^^^^^^
       = did you mean `public.airlines`?

    audit.yml:13:21: column "dep_tme" does not exist
       |
    13 |         expression: dep_tme is not null
       |                     ^^^^^^^^^^^^^^^^^^^
       = did you mean `dep_time`?

    audit.yml:14:16: column "distnce" does not exist
       |
    14 |         where: distnce > 0
       |                ^^^^^^^^^^^
       = did you mean `distance`?

    audit.yml:16:50: column "orgin" does not exist
       |
    16 |   departures: { from: public.flights, group_by: [orgin], measures: { flights: count } }
       |                                                  ^^^^^
       = did you mean `origin`?

    audit.yml:17:55: table flights has no column `time_our`
       |
    17 |   bucketed: { from: public.flights, bucket: { column: time_our, width: 1d }, measures: { flights: count } }
       |                                                       ^^^^^^^^
       = did you mean `time_hour`?

    10 errors; nothing was applied
    "#);
}

#[test]
fn expressions_that_do_not_parse_are_told_with_their_places() {
    let (_database, mut connection) = flights();
    assert_snapshot!(errors(&mut connection, "
version: 1
tables:
  public.flights:
    rules:
      - { name: broken, expression: dep_time is is null }
      - { name: number, expression: dep_time + 1 }
      - { name: typed, expression: origin > 5 }
      - { name: hostile, expression: 'true; drop table flights' }
      - { name: limited, expression: dep_time > 0, where: origin in ( }
      - matches: { tailnum: '[' }
      - range: { distance: { min: far } }
      - one_of: { flight: [one, two] }
summaries:
  departures:
    from: public.flights
    group_by: [{ early: dep_time < }]
    measures: { flights: count }
  miles:
    from: public.flights
    measures: { miles: { sum: origin || 1 }, odd: { count_if: dep_time } }
    where: nonsense(1)
"), @r#"
    audit.yml:6:37: syntax error at or near "is"
      |
    6 |       - { name: broken, expression: dep_time is is null }
      |                                     ^^^^^^^^^^^^^^^^^^^
      = the expression is SQL over one row of the table, for example: arr_time is null or dep_time is not null

    audit.yml:7:37: argument of IS FALSE must be type boolean, not type integer
      |
    7 |       - { name: number, expression: dep_time + 1 }
      |                                     ^^^^^^^^^^^^
      = the expression is SQL over one row of the table, for example: arr_time is null or dep_time is not null

    audit.yml:8:36: operator does not exist: text > integer
      |
    8 |       - { name: typed, expression: origin > 5 }
      |                                    ^^^^^^^^^^
      = the expression is SQL over one row of the table, for example: arr_time is null or dep_time is not null

    audit.yml:9:38: an expression may not contain a semicolon
      |
    9 |       - { name: hostile, expression: 'true; drop table flights' }
      |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^
      = write chr(59) where the character itself is meant

    audit.yml:10:59: syntax error at or near ")"
       |
    10 |       - { name: limited, expression: dep_time > 0, where: origin in ( }
       |                                                           ^^^^^^^^^^^
       = the expression is SQL over one row of the table, for example: arr_time is null or dep_time is not null

    audit.yml:11:29: invalid regular expression: brackets [] not balanced
       |
    11 |       - matches: { tailnum: '[' }
       |                             ^^^

    audit.yml:12:28: invalid input syntax for type integer: "far"
       |
    12 |       - range: { distance: { min: far } }
       |                            ^

    audit.yml:13:27: invalid input syntax for type integer: "one"
       |
    13 |       - one_of: { flight: [one, two] }
       |                           ^

    audit.yml:17:25: syntax error at or near ")"
       |
    17 |     group_by: [{ early: dep_time < }]
       |                         ^^^^^^^^^^
       = the expression is SQL over one row of the table, for example: arr_time is null or dep_time is not null

    audit.yml:21:31: there is no sum of values of the type text
       |
    21 |     measures: { miles: { sum: origin || 1 }, odd: { count_if: dep_time } }
       |                               ^^^^^^^^^^^

    audit.yml:21:63: argument of IS TRUE must be type boolean, not type integer
       |
    21 |     measures: { miles: { sum: origin || 1 }, odd: { count_if: dep_time } }
       |                                                               ^^^^^^^^
       = the expression is SQL over one row of the table, for example: arr_time is null or dep_time is not null

    audit.yml:22:12: function nonsense(integer) does not exist
       |
    22 |     where: nonsense(1)
       |            ^^^^^^^^^^^
       = the expression is SQL over one row of the table, for example: arr_time is null or dep_time is not null

    12 errors; nothing was applied
    "#);
}

#[test]
fn a_condition_of_an_alert_that_does_not_parse_is_told_with_its_place() {
    let (_database, mut connection) = flights();
    assert_snapshot!(errors(&mut connection, "
version: 1
tables: { public.flights: {} }
summaries:
  departures: { from: public.flights, group_by: [origin], measures: { flights: count } }
alerts:
  many: { on: departures, when: fligths > 1 }
  several: { on: departures, when: flights > origin }
  number: { on: departures, when: flights }
  bad_rows: { on: rules, when: failing_ratio >> }
  hostile: { on: rules, when: 'true; drop table flights' }
"), @r#"
    audit.yml:7:33: column "fligths" does not exist
      |
    7 |   many: { on: departures, when: fligths > 1 }
      |                                 ^^^^^^^^^^^
      = did you mean `flights`?

    audit.yml:8:36: operator does not exist: bigint > text
      |
    8 |   several: { on: departures, when: flights > origin }
      |                                    ^^^^^^^^^^^^^^^^
      = it is SQL over origin, flights

    audit.yml:9:35: argument of IS TRUE must be type boolean, not type bigint
      |
    9 |   number: { on: departures, when: flights }
      |                                   ^^^^^^^
      = it is SQL over origin, flights

    audit.yml:10:32: syntax error at or near ")"
       |
    10 |   bad_rows: { on: rules, when: failing_ratio >> }
       |                                ^^^^^^^^^^^^^^^^
       = it is SQL over rule_id, table_id, table, severity, owner, rule, kind, action, why, failing, errors, rows, failing_ratio

    audit.yml:11:31: a condition may not contain a semicolon
       |
    11 |   hostile: { on: rules, when: 'true; drop table flights' }
       |                               ^^^^^^^^^^^^^^^^^^^^^^^^^^
       = write chr(59) where the character itself is meant

    5 errors; nothing was applied
    "#);
}

#[test]
fn quarantine_needs_a_primary_key() {
    let (_database, mut connection) = flights();
    run(&mut connection, "create table notes (note text)");
    assert_snapshot!(errors(&mut connection, "
version: 1
tables:
  public.notes:
    rules:
      - not_blank: note
        action: quarantine
"), @r"
    audit.yml:7:17: rule `not_blank_note` can not quarantine rows of notes, which has no primary key
      |
    7 |         action: quarantine
      |                 ^^^^^^^^^^
      = add a primary key, or use the action flag or reject

    1 error; nothing was applied
    ");
}

#[test]
fn an_administrator_who_owns_the_tables_needs_no_more_rights() {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "do $$ begin create role plan_admin login; exception when duplicate_object then null; end $$;
         grant audit_admin to plan_admin;
         create schema shop authorization plan_admin;
         set role plan_admin;
         create table shop.orders (id bigint primary key, amount numeric, region text);
         insert into shop.orders values (1, -5, 'north');",
    );
    let text = "
version: 1
tables:
  shop.orders:
    rules:
      - range: { amount: { min: 0 } }
        action: quarantine
      - unique: [region, amount]
summaries:
  by_region: { from: shop.orders, group_by: [region], measures: { orders: count, total: { sum: amount } } }
alerts:
  bad_rows: { on: rules, when: failing > 0 }
channels: { disk: { file: { directory: mail } } }
routes: [{ to: disk }]
";
    let planned = plan(&mut connection, &policy(text)).unwrap();
    let failing: Vec<_> = planned
        .changes
        .iter()
        .filter_map(|change| change.failing)
        .map(|failing| failing.failing)
        .collect();
    assert_eq!(failing, [1, 0]);
    apply(&mut connection, &policy(text)).unwrap();
    assert!(apply(&mut connection, &policy(text)).unwrap().is_empty());
    run(&mut connection, "reset role");
}

#[test]
fn two_who_apply_at_once_apply_once() {
    let (database, _connection) = flights();
    let changes: Vec<usize> = std::thread::scope(|scope| {
        let applying: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    apply(&mut database.connect(), &policy(POLICY))
                        .unwrap()
                        .changes
                        .len()
                })
            })
            .collect();
        applying
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        changes.iter().filter(|count| **count > 0).count(),
        1,
        "{changes:?}"
    );
}

#[test]
fn the_policy_of_the_demo_is_applied() {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        include_str!("../../examples/flights/schema.sql"),
    );
    let policy = policy(include_str!("../../examples/flights/audit.yml"));
    let planned = plan(&mut connection, &policy).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        planned.counts().0,
        policy.tables.len()
            + policy
                .tables
                .iter()
                .map(|table| table.rules.len())
                .sum::<usize>()
            + policy.summaries.len()
            + policy.alerts.len()
            + policy.channels.len()
            + policy.routes.len()
    );
    apply(&mut connection, &policy).unwrap();
    assert!(plan(&mut connection, &policy).unwrap().is_empty());
}

#[test]
fn a_partitioned_table_is_counted_by_its_partitions() {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "create table readings (id bigint, day date, value integer, primary key (id, day)) partition by range (day);
         create table readings_2013 partition of readings for values from ('2013-01-01') to ('2014-01-01');
         insert into readings select n, '2013-02-08', n from generate_series(1, 20) n;",
    );
    let policy = policy(
        "version: 1\ntables:\n  public.readings:\n    rules:\n      - range: { value: { max: 15 } }\n",
    );
    let planned = plan(&mut connection, &policy).unwrap();
    assert_snapshot!(planned, @r"
    + table   public.readings
      + rule    range_value  ● normal, flag: value at most 15
          5 of 20 rows fail it now
    ! writers of public.readings wait (share row exclusive), while about 20 rows are read 2 times
    2 to create, 0 to change, 0 to drop
    ");
    apply(&mut connection, &policy).unwrap();
    assert_snapshot!(show(&mut connection, "select failing from audit.rule_counter"), @"(5)");
}
