//! Storms: whatever fails, and however often, a handful of messages says exactly how much.

mod airport;

use airport::{airport, count, line, noon, policy, run, ticked, told};
use audit_core::alert::Message::{Firing, Resolved};
use audit_schema::testing::Database;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

fn policies(database: &Database) {
    policy(
        database,
        "bad_rows",
        json!({ "on": "rules", "when": "failing > 0", "severity": "inherit" }),
    );
    policy(
        database,
        "burst",
        json!({ "on": "findings", "within": "1 hour", "when": "failed > 100", "severity": "inherit",
            "say": "{table}: {findings} statements, {failed} rows" }),
    );
}

fn minutes(count: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(count)
}

/// Every tick of an hour after the storm, then one when it is put right: what was told in all.
fn messages_of_an_hour(database: &Database) -> i64 {
    for minute in 1..60 {
        assert_eq!(told(&ticked(database, minutes(minute))), []);
    }
    run(database, "truncate flights");
    ticked(database, minutes(61));
    assert_eq!(count(database, "audit.alert where state <> 'resolved'"), 0);
    count(database, "audit.outbox")
}

#[test]
fn a_million_rows_in_one_statement_are_told_in_two_messages_and_their_end_in_two() {
    let database = airport();
    policies(&database);
    run(
        &database,
        &format!(
            "begin; select audit.set_context(occurred_at => '{}');
            insert into flights select id, 'EWR', null, 1 from generate_series(1, 1000000) as id; commit",
            noon()
        ),
    );
    assert_eq!(
        told(&ticked(&database, noon())),
        [
            (
                Firing,
                "public.flights: 1,000,000 of 1,000,000 rows fail the rule not_null_tailnum"
            ),
            (Firing, "public.flights: 1 statements, 1,000,000 rows"),
        ]
    );
    assert_eq!(messages_of_an_hour(&database), 4);
}

/// Writes rows that fail, each in a statement of its own. How many is for whoever wants to see a million: it takes as long
/// as so many writes take.
fn single_rows() -> i64 {
    option_env!("AUDIT_STORM")
        .and_then(|number| number.parse().ok())
        .unwrap_or(20_000)
}

#[test]
fn single_rows_are_told_in_two_messages_however_many_statements_they_come_in() {
    let database = airport();
    policies(&database);
    let rows = single_rows();
    // The tick runs while the storm goes on: what it tells first, it does not tell again.
    let parts = 10;
    for part in 0..parts {
        run(
            &database,
            &format!(
                "begin; select audit.set_context(occurred_at => '{}');
                do $$ begin
                    for id in {} .. {} loop
                        insert into flights values (id, 'EWR', null, 1);
                    end loop;
                end $$; commit",
                noon(),
                part * rows / parts + 1,
                (part + 1) * rows / parts
            ),
        );
        let report = ticked(&database, noon());
        assert_eq!(report.notices.len(), if part == 0 { 2 } else { 0 });
    }
    assert_eq!(
        line(
            &database,
            "select replace(title, ',', '') from audit.alert order by policy"
        ),
        format!(
            "public.flights: {rows} of {rows} rows fail the rule not_null_tailnum\n\
             public.flights: {rows} statements {rows} rows"
        )
    );
    assert_eq!(messages_of_an_hour(&database), 4);
}

#[test]
fn a_thousand_alerts_at_once_are_told_in_one_message_and_their_end_in_one() {
    let database = airport();
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 3", "severity": "normal" }),
    );
    run(
        &database,
        "insert into flights select id, 'A' || id, 'N1', 1, '2013-02-08 12:00-05' from generate_series(1, 1000) as id",
    );
    assert_eq!(ticked(&database, noon()).notices.len(), 1000);
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', kind, 1 + cardinality(more)) from audit.outbox"
        ),
        "several 1000"
    );
    run(&database, "truncate flights");
    let over = ticked(&database, minutes(30)).notices;
    assert!(over.iter().all(|notice| notice.message == Resolved));
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', kind, 1 + cardinality(more), count(thread) over (partition by thread)) from audit.outbox"
        ),
        "several 1000 2\nseveral 1000 2"
    );
}
