//! Time-driven rules from a policy file: planned, applied, and refused with their place.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::Policy;
use audit_schema::testing::{Database, database};
use audit_schema::{apply, plan, time_rule};
use diesel::PgConnection;
use shared::{ask, run};

fn flights() -> (Database, PgConnection) {
    let database = database();
    let mut db = database.connect();
    run(
        &mut db,
        "create table flights (id integer primary key, origin text, time_hour timestamptz, dep_time integer, fee numeric);
         create table ledger (origin text, amount numeric);
         create index on flights (time_hour)",
    );
    (database, db)
}

fn policy(rules: &str, measures: &str) -> Policy {
    let text = format!(
        "version: 1
tables:
  public.flights:
    owner: ops@example.com
    rules:
{rules}
summaries:
  by_day: {{ from: public.flights, group_by: [origin], measures: {{ {measures} }} }}
"
    );
    Policy::parse(&text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// What a person reads about rules that the database refuses.
fn errors(db: &mut PgConnection, rules: &str) -> String {
    match plan(db, &policy(rules, "flights: count")) {
        Ok(plan) => panic!("the policy was accepted: {plan}"),
        Err(error) => {
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        }
    }
}

const RULES: &str = r#"
      - fresh: { within: 2h, during: "05:00-23:00 America/New_York" }
        severity: critical
      - gap: { column: time_hour, width: 1h, group_by: [origin] }
        where: dep_time is not null
      - name: newest
        fresh: { within: 1 day, column: time_hour, group_by: [origin] }
        every: 1h
      - reconcile: { sum: { fee: public.ledger.amount }, group_by: [origin] }
      - name: no_future
        sql: select id from flights where time_hour > now() + interval '1 year'
      - bounds: { on: by_day, value: cancelled / flights, max: 0.25, when: flights >= 50 }"#;

const MEASURES: &str = "flights: count, cancelled: { count_if: dep_time is null }";

#[test]
fn a_plan_shows_them_and_an_apply_makes_the_database_so() {
    let (_database, mut db) = flights();
    let policy_of_six = policy(RULES, MEASURES);
    insta::assert_snapshot!(plan(&mut db, &policy_of_six).unwrap().to_string(), @"
    + table   public.flights
      + rule    fresh  ▲ critical, flag: something is written every 2 hours during 05:00-23:00 America/New_York
      + rule    gap_time_hour_origin  ● normal, flag: a row in every 1 hour by time_hour for each origin
      + rule    newest  ● normal, flag: time_hour has a new value every 1 day for each origin
          ! each time it is asked, it reads all of public.flights: `every` says how often that is
      + rule    reconcile_fee_origin  ● normal, flag: the sum of fee is that of public.ledger.amount for each origin
          ! each time it is asked, it reads all of public.flights and of public.ledger
      + rule    no_future  ● normal, flag: no row from select id from flights where time_hour > now() + interval '1 year'
      + rule    bounds_by_day  ● normal, flag: cancelled / flights of by_day at most 0.25 when flights >= 50
    + summary by_day of public.flights: flights = count, cancelled = count_if(dep_time is null) by origin
    ! writers of public.flights wait (share row exclusive), while it is read once
    8 to create, 0 to change, 0 to drop
    ");

    apply(&mut db, &policy_of_six).unwrap();
    assert!(apply(&mut db, &policy_of_six).unwrap().is_empty());
    assert!(plan(&mut db, &policy_of_six).unwrap().is_empty());

    run(
        &mut db,
        "begin; select audit.set_context(occurred_at => '2013-02-08 10:29Z');
         insert into flights values (1, 'EWR', '2013-02-08 10:00Z', 1, 2); insert into ledger values ('EWR', 3); commit",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 10:30Z"), @r#"
    (EWR,no_data,f,,"there is too little to judge")
    (,ok,f,"2013-02-08 10:29:00 UTC","the newest is 00:01:00 old")
    (EWR,ok,f,0,"no gap")
    (EWR,ok,f,"2013-02-08 10:00:00 UTC","the newest is 00:30:00 old")
    (,ok,f,0,"0 rows")
    (EWR,failing,t,2,"a difference of -1")
    "#);
    let first: Vec<String> = time_rule::time_rules(&mut db)
        .unwrap()
        .into_iter()
        .take(2)
        .map(|rule| {
            format!(
                "{} {} {} {} {}",
                rule.table, rule.name, rule.group, rule.state, rule.owner
            )
        })
        .collect();
    insta::assert_snapshot!(first.join("\n"), @r#"
    public.flights reconcile_fee_origin {"origin":"EWR"} failing ops@example.com
    public.flights fresh {} ok ops@example.com
    "#);

    // One changes, one goes, and a summary gets the measure that a rule asks for.
    let changed = policy(
        "
      - gap: { column: time_hour, width: 2h, group_by: [origin] }
        where: dep_time is not null
        severity: important
      - bounds: { on: by_day, value: fees / flights, max: 100 }",
        "flights: count, fees: { sum: fee }",
    );
    insta::assert_snapshot!(plan(&mut db, &changed).unwrap().to_string(), @"
      table   public.flights
      ~ rule    gap_time_hour_origin  ◆ important, flag: a row in every 2 hours by time_hour for each origin
          rule: a row in every 1 hour by time_hour for each origin → a row in every 2 hours by time_hour for each origin
          severity: normal → important
          fix_within: 7 days → 1 day
      ~ rule    bounds_by_day  ● normal, flag: fees / flights of by_day at most 100
          rule: cancelled / flights of by_day at most 0.25 when flights >= 50 → fees / flights of by_day at most 100
      - rule    fresh
      - rule    newest
      - rule    reconcile_fee_origin
      - rule    no_future
    ~ summary by_day of public.flights
        measures: flights = count, cancelled = count_if(dep_time is null) → flights = count, fees = sum(fee)
    0 to create, 3 to change, 4 to drop
    ");
    apply(&mut db, &changed).unwrap();
    assert!(apply(&mut db, &changed).unwrap().is_empty());
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 10:40Z"), @r#"
    (EWR,ok,f,2,"fees / flights is 2")
    (EWR,ok,f,0,"no gap")
    "#);
}

#[test]
fn what_only_the_database_knows_is_told_with_its_place() {
    let (_database, mut db) = flights();
    insta::assert_snapshot!(errors(&mut db, "
      - fresh: { within: 2h, column: time_huor }
      - gap: { column: origin, width: 1h }
      - volume: { per: 1h, column: time_hour, group_by: [orgin] }
      - row_count: { per: 1h, column: time_hour, min: 1 }
        where: dep_tme > 1
      - row_count: { per: 10m, min: 1 }
      - reconcile: { count: public.legder }
      - reconcile: { sum: { fee: public.ledger.amonut } }
      - reconcile: { sum: { fees: public.ledger.amount } }
        name: fees
      - name: query
        sql: select id from fligths
      - name: write
        sql: delete from flights
      - name: two
        bounds: { on: by_day, value: cancelled / flights, max: 1 }
      - name: three
        bounds: { on: by_day, value: flights, when: origin, max: 1 }"), @r#"
    audit.yml:7:38: table flights has no column `time_huor`
      |
    7 |       - fresh: { within: 2h, column: time_huor }
      |                                      ^^^^^^^^^
      = did you mean `time_hour`?

    audit.yml:8:14: column origin is of type text, which is no time
      |
    8 |       - gap: { column: origin, width: 1h }
      |              ^
      = it needs a date or a timestamp

    audit.yml:9:58: table flights has no column `orgin`
      |
    9 |       - volume: { per: 1h, column: time_hour, group_by: [orgin] }
      |                                                          ^^^^^
      = did you mean `origin`?

    audit.yml:11:16: column "dep_tme" does not exist
       |
    11 |         where: dep_tme > 1
       |                ^^^^^^^^^^^
       = did you mean `dep_time`?

    audit.yml:12:20: rule `row_count` counts rows as they were written, which is known by the hour
       |
    12 |       - row_count: { per: 10m, min: 1 }
       |                    ^
       = give it whole hours, or a column in which the rows have their time

    audit.yml:13:29: there is no table `public.legder`
       |
    13 |       - reconcile: { count: public.legder }
       |                             ^^^^^^^^^^^^^
       = did you mean `public.ledger`?

    audit.yml:14:34: table `public.ledger` has no column `amonut`
       |
    14 |       - reconcile: { sum: { fee: public.ledger.amonut } }
       |                                  ^^^^^^^^^^^^^^^^^^^^
       = did you mean `amount`?

    audit.yml:15:29: table flights has no column `fees`
       |
    15 |       - reconcile: { sum: { fees: public.ledger.amount } }
       |                             ^^^^
       = did you mean `fee`?

    audit.yml:18:14: relation "fligths" does not exist
       |
    18 |         sql: select id from fligths
       |              ^^^^^^^^^^^^^^^^^^^^^^
       = it is one SELECT, whose columns have different names; each row that it gives is a failure

    audit.yml:20:14: syntax error at or near "from"
       |
    20 |         sql: delete from flights
       |              ^^^^^^^^^^^^^^^^^^^
       = it is one SELECT, whose columns have different names; each row that it gives is a failure

    audit.yml:22:38: column "cancelled" does not exist
       |
    22 |         bounds: { on: by_day, value: cancelled / flights, max: 1 }
       |                                      ^^^^^^^^^^^^^^^^^^^
       = expected one of origin, flights

    audit.yml:24:38: argument of AND must be type boolean, not type text
       |
    24 |         bounds: { on: by_day, value: flights, when: origin, max: 1 }
       |                                      ^^^^^^^
       = it is SQL over origin, flights

    12 errors; nothing was applied
    "#);
}
