//! Silences that a policy declares: planned, or for hours that come again and again.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::Policy;
use audit_core::alert::Matchers;
use audit_schema::testing::{self, Database};
use audit_schema::{Error, apply, plan, silence};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use insta::assert_snapshot;
use shared::{run, show};

fn policy(silences: &str) -> Policy {
    let text = format!(
        "version: 1\ndefaults: {{ owner: ops@example.com }}\ntables: {{ public.a: {{ rules: [{{ not_null: x }}] }} }}\n{silences}"
    );
    Policy::parse(&text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"))
}

const NIGHTLY: &str = "
silences:
  nightly:
    match: { table: public.a }
    hours: Sat,Sun 22:00-02:00 Europe/London
    until: 2026-12-01
    why: The nightly load.
";

fn database() -> (Database, PgConnection) {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "create table a (id integer primary key, x text)",
    );
    (database, connection)
}

fn applied(connection: &mut PgConnection, policy: &Policy) -> String {
    let text = apply(connection, policy).unwrap().to_string();
    assert!(plan(connection, policy).unwrap().is_empty());
    text
}

/// The end of the silence that is in force at a time, if one is.
fn until(connection: &mut PgConnection, clock: &str) -> String {
    show(
        connection,
        &format!("select s ->> 'until' from audit.silences_at('{clock}') s"),
    )
}

#[test]
fn a_silence_is_declared_changed_and_dropped() {
    let (_database, mut connection) = database();
    applied(&mut connection, &policy(""));
    assert_snapshot!(applied(&mut connection, &policy(NIGHTLY)), @r"
    + silence nightly: table public.a at Sat,Sun 22:00-02:00 Europe/London until 2026-12-01 00:00 UTC: The nightly load.
    1 to create, 0 to change, 0 to drop
    ");
    assert_snapshot!(applied(&mut connection, &policy(&NIGHTLY.replace("Sat,Sun", "Sun").replace("nightly load", "load"))), @r"
    ~ silence nightly
        hours: Sat,Sun 22:00-02:00 Europe/London → Sun 22:00-02:00 Europe/London
        why: The nightly load. → The load.
    0 to create, 1 to change, 0 to drop
    ");
    assert_snapshot!(applied(&mut connection, &policy("")), @r"
    - silence nightly
    0 to create, 0 to change, 1 to drop
    ");
    assert_snapshot!(
        show(&mut connection, "select name, hours is not null, reason, author, ended_at is not null from audit.silence order by created_at"),
        @r#"
    (nightly,t,"The nightly load.",ops@example.com,t)
    (nightly,t,"The load.",ops@example.com,t)
    "#
    );
}

#[test]
fn a_silence_with_hours_is_in_force_within_them_until_they_end() {
    let (_database, mut connection) = database();
    applied(&mut connection, &policy(NIGHTLY));
    run(
        &mut connection,
        "update audit.silence set from_time = '2026-01-01'",
    );
    // Saturday night in London, in winter; the clocks go forward on 29 March at 01:00.
    assert_eq!(until(&mut connection, "2026-01-03 21:59:59Z"), "");
    assert_eq!(
        until(&mut connection, "2026-01-03 22:00Z"),
        "(2026-01-04T02:00:00+00:00)"
    );
    assert_eq!(
        until(&mut connection, "2026-01-04 01:59:59Z"),
        "(2026-01-04T02:00:00+00:00)"
    );
    assert_eq!(until(&mut connection, "2026-01-04 02:00Z"), "");
    assert_eq!(until(&mut connection, "2026-01-06 23:00Z"), "");
    assert_eq!(
        until(&mut connection, "2026-03-29 00:59Z"),
        "(2026-03-29T01:00:00+00:00)"
    );
    assert_eq!(until(&mut connection, "2026-12-06 23:00Z"), "");
    let saturday: DateTime<Utc> = "2026-01-03T23:00:00Z".parse().unwrap();
    let mut state = |clock| {
        let silences = silence::list(&mut connection, false, clock).unwrap();
        (
            silences[0].name.clone(),
            silences[0].hours.as_ref().unwrap().to_string(),
            silences[0].state,
        )
    };
    let name = Some("nightly".to_owned());
    let hours = "Sat,Sun 22:00-02:00 Europe/London".to_owned();
    assert_eq!(
        state(saturday),
        (name.clone(), hours.clone(), silence::State::InForce)
    );
    assert_eq!(
        state(saturday + TimeDelta::hours(12)),
        (name, hours, silence::State::ToCome)
    );
}

#[test]
fn a_silence_that_is_over_is_neither_an_error_nor_a_difference() {
    let (_database, mut connection) = database();
    let over = policy(
        "silences: { past: { match: { table: public.a }, until: 2020-01-01, why: over } }\n",
    );
    applied(&mut connection, &over);
    applied(&mut connection, &policy(""));
}

#[test]
fn the_longest_silence_holds_for_everybody() {
    let (_database, mut connection) = database();
    let limited = |rest: &str| {
        let text = format!(
            "version: 1\ndefaults: {{ owner: ops, silences: {{ longest: 2d }} }}\ntables: {{ public.a: }}\n{rest}"
        );
        Policy::parse(&text, "audit.yml").unwrap()
    };
    assert_snapshot!(applied(&mut connection, &limited("")), @r"
    + table   public.a
    ~ silence of any kind
        longest: any length → 2 days
    ! writers of public.a wait (share row exclusive), while it is read once
    1 to create, 1 to change, 0 to drop
    ");
    let clock: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut ask = |length| {
        let new = silence::New {
            matchers: Matchers {
                table: vec!["public.a".to_owned()],
                ..Matchers::default()
            },
            from: None,
            until: clock + length,
            reason: "known".to_owned(),
        };
        silence::add(&mut connection, &new, clock).map_err(|error| error.fact().unwrap().to_owned())
    };
    assert!(ask(TimeDelta::days(2)).is_ok());
    assert_eq!(
        ask(TimeDelta::days(3)).unwrap_err(),
        "silence_is_short_enough"
    );
    let long = limited(
        "silences: { past: { match: { table: public.a }, until: 2099-01-01, why: long } }\n",
    );
    let Err(Error::Policy(errors)) = plan(&mut connection, &long) else {
        panic!("the policy was planned");
    };
    assert_snapshot!(errors, @r"
    audit.yml:4:13: the silence would last longer than 2 days
      |
    4 | silences: { past: { match: { table: public.a }, until: 2099-01-01, why: long } }
      |             ^^^^
      = the defaults of the policy say how long a silence may last

    1 error; nothing was applied
    ");
    assert_snapshot!(applied(&mut connection, &policy("")), @r"
    ~ table   public.a
        owner: ops → ops@example.com
      + rule    not_null_x  ● normal, flag: x is not null
    ~ silence of any kind
        longest: 2 days → any length
    ! writers of public.a wait (share row exclusive), while it is read once
    1 to create, 2 to change, 0 to drop
    ");
}
