//! What alert policies look at: what was found lately, what is overdue, and when an alert begins and ends.

mod airport;

use airport::{airport, count, fly, line, noon, policy, run, ticked, told};
use audit_core::alert::Message::{Firing, Repeat, Resolved};
use audit_schema::testing::Database;
use chrono::TimeDelta;
use serde_json::json;

/// A rule about changes, which has no counter, and one that is only flagged.
fn flights_with_rules() -> Database {
    let database = airport();
    run(
        &database,
        r#"select audit.declare_rule('public.flights', 'fixed_origin', 'immutable', '{"column": "origin"}', severity => 'critical', owner => 'fleet@example.com');
        select audit.compile('public.flights');"#,
    );
    database
}

/// Writes as somebody who says when it happened.
fn at(database: &Database, minutes_after_noon: i64, statement: &str) {
    let time = noon() + TimeDelta::minutes(minutes_after_noon);
    run(
        database,
        &format!("begin; select audit.set_context(occurred_at => '{time}'); {statement}; commit"),
    );
}

fn minutes(count: i64) -> chrono::DateTime<chrono::Utc> {
    noon() + TimeDelta::minutes(count)
}

#[test]
fn a_rate_of_findings_fires_and_ends_with_its_window() {
    let database = airport();
    policy(
        &database,
        "burst",
        json!({ "on": "findings", "within": "1 hour", "when": "failed >= 3", "severity": "inherit" }),
    );
    at(
        &database,
        0,
        "insert into flights select id, 'EWR', null, 1 from generate_series(1, 2) id",
    );
    assert_eq!(told(&ticked(&database, minutes(0))), []);
    at(
        &database,
        30,
        "insert into flights select id, 'EWR', null, 1 from generate_series(3, 4) id",
    );
    assert_eq!(
        told(&ticked(&database, minutes(30))),
        [(
            Firing,
            "public.flights: 4 rows failed the rule not_null_tailnum within 1 hour"
        )]
    );
    // Half an hour later the first two are older than an hour. That the rows still fail does not matter.
    assert_eq!(
        told(&ticked(&database, minutes(60))),
        [(
            Resolved,
            "public.flights: 2 rows failed the rule not_null_tailnum within 1 hour"
        )]
    );
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', severity, owner, fingerprint) from audit.alert"
        ),
        r#"important ops@example.com burst {"rule": "not_null_tailnum", "table": "public.flights"}"#
    );
}

#[test]
fn a_rule_about_changes_is_alerted_on_by_its_findings() {
    let database = flights_with_rules();
    policy(
        &database,
        "changed",
        json!({ "on": "findings", "within": "1 day", "when": "kind = 'immutable' and findings > 0", "severity": "inherit", "say": "{findings} statements changed {rule}" }),
    );
    fly(&database, 1..=3, "1", "2013-02-08");
    at(&database, 1, "update flights set origin = 'JFK'");
    let report = ticked(&database, minutes(2));
    assert_eq!(
        told(&report),
        [(Firing, "1 statements changed fixed_origin")]
    );
    assert_eq!(report.notices[0].severity, audit_core::Severity::Critical);
    assert_eq!(
        line(&database, "select owner from audit.alert"),
        "fleet@example.com"
    );
}

#[test]
fn findings_of_a_table_are_counted_together_and_are_as_bad_as_the_worst() {
    let database = flights_with_rules();
    policy(
        &database,
        "table_burst",
        json!({ "on": "findings", "within": "1 hour", "per": "table", "when": "rules >= 2", "severity": "inherit" }),
    );
    at(
        &database,
        0,
        "insert into flights select id, 'EWR', null, 1 from generate_series(1, 5) id",
    );
    assert_eq!(told(&ticked(&database, minutes(0))), []);
    at(
        &database,
        1,
        "update flights set origin = 'JFK' where id < 3",
    );
    // The update is a finding of the other rule, too: its two rows still have no tail number.
    let report = ticked(&database, minutes(1));
    assert_eq!(
        told(&report),
        [(
            Firing,
            "public.flights: 9 rows failed 2 rules within 1 hour"
        )]
    );
    assert_eq!(report.notices[0].severity, audit_core::Severity::Critical);
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', owner, fingerprint, rule_id) from audit.alert"
        ),
        r#"ops@example.com table_burst {"table": "public.flights"}"#
    );
}

#[test]
fn what_was_refused_counts_as_far_as_its_evidence_was_kept() {
    let database = airport();
    run(
        &database,
        r#"select audit.declare_rule('public.flights', 'given_origin', 'not_null', '{"column": "origin"}', action => 'reject');
        select audit.compile('public.flights');"#,
    );
    policy(
        &database,
        "refused",
        json!({ "on": "findings", "within": "1 hour", "when": "rejected > 1", "severity": "inherit", "say": "{rejected} rows refused by {rule}" }),
    );
    let mut connection = database.connect();
    use diesel::connection::SimpleConnection;
    let error = connection
        .batch_execute("insert into flights select id from generate_series(1, 3) id")
        .unwrap_err();
    let rejection = audit_schema::Rejection::from_error(&error).unwrap();
    audit_schema::record_rejection(&mut connection, &rejection).unwrap();
    assert_eq!(
        told(&ticked(&database, chrono::Utc::now())),
        [(Firing, "3 rows refused by given_origin")]
    );
}

#[test]
fn what_should_have_been_put_right_matters_one_step_more() {
    let database = airport();
    run(
        &database,
        r#"select audit.declare_rule('public.flights', 'given_origin', 'not_null', '{"column": "origin"}', severity => 'normal', action => 'quarantine', owner => 'desk@example.com', fix_within => '2 hours');
        update audit.rule set fix_within = '1 day' where name = 'not_null_tailnum';
        select audit.compile('public.flights');"#,
    );
    policy(
        &database,
        "late",
        json!({ "on": "overdue", "when": "overdue > 0", "severity": "inherit" }),
    );
    at(
        &database,
        0,
        "insert into flights values (1, null, 'N1', 1), (2, 'EWR', null, 1)",
    );
    assert_eq!(told(&ticked(&database, minutes(119))), []);
    assert_eq!(
        told(&ticked(&database, minutes(121))),
        [(
            Firing,
            "public.flights: 1 rows that fail the rule given_origin are overdue"
        )]
    );
    assert_eq!(
        told(&ticked(&database, minutes(26 * 60))),
        [(
            Firing,
            "public.flights: 1 rows that fail the rule not_null_tailnum are overdue"
        )]
    );
    assert_eq!(
        line(
            &database,
            "select severity || ' ' || owner from audit.alert order by opened_at"
        ),
        "important desk@example.com\ncritical ops@example.com"
    );
    run(
        &database,
        "update flights set tailnum = 'N1'; select audit.discard_held('{}', 'a test', false)",
    );
    assert_eq!(told(&ticked(&database, minutes(27 * 60))).len(), 2);
    assert_eq!(count(&database, "audit.alert where state <> 'resolved'"), 0);
}

#[test]
fn overdue_rows_of_a_table_are_one_alert() {
    let database = airport();
    run(
        &database,
        "update audit.rule set fix_within = '1 hour' where name = 'not_null_tailnum'",
    );
    policy(
        &database,
        "late",
        json!({ "on": "overdue", "per": "table", "when": "overdue > 0", "severity": "inherit" }),
    );
    at(
        &database,
        0,
        "insert into flights select id, 'EWR', null, 1 from generate_series(1, 1200) id",
    );
    assert_eq!(
        told(&ticked(&database, minutes(180))),
        [(
            Firing,
            "public.flights: 1,200 rows that fail 1 rules are overdue"
        )]
    );
}

/// A policy that fires at one number of rows without a tail number, and one that is over at another.
fn tails(database: &Database, more: serde_json::Value) {
    let mut definition = json!({ "on": "rules", "when": "failing >= 10", "severity": "normal" });
    for (name, value) in more.as_object().unwrap() {
        definition[name] = value.clone();
    }
    policy(database, "tails", definition);
}

fn failing(database: &Database, rows: i32) {
    run(
        database,
        &format!(
            "truncate flights; insert into flights select id, 'EWR', null, 1 from generate_series(1, {rows}) id"
        ),
    );
}

#[test]
fn an_alert_with_an_end_of_its_own_goes_on_until_it() {
    let database = airport();
    tails(&database, json!({ "until": "failing < 5" }));
    let mut told_of = Vec::new();
    for (minute, rows) in [(0, 9), (1, 10), (2, 9), (3, 5), (4, 12), (5, 4), (6, 9)] {
        failing(&database, rows);
        let report = ticked(&database, minutes(minute));
        told_of.extend(report.notices.iter().map(|notice| (minute, notice.message)));
    }
    assert_eq!(told_of, [(1, Firing), (5, Resolved)]);
}

#[test]
fn flapping_numbers_lead_to_one_episode() {
    for (patience, messages) in [
        // Held open, it is told once.
        (json!({ "keep_firing_for": "10 minutes" }), vec![Firing]),
        // Left to end, it comes back as the same one.
        (
            json!({ "reopen_within": "10 minutes" }),
            [Firing, Resolved].repeat(20),
        ),
    ] {
        let database = airport();
        tails(&database, patience);
        let mut told_of = Vec::new();
        for minute in 0..40 {
            failing(&database, if minute % 2 == 0 { 10 } else { 0 });
            let report = ticked(&database, minutes(minute));
            told_of.extend(report.notices.iter().map(|notice| notice.message));
        }
        assert_eq!(told_of, messages);
        assert_eq!(count(&database, "audit.alert"), 1);
    }
}

#[test]
fn flapping_numbers_with_patience_are_told_in_two_messages() {
    let database = airport();
    tails(
        &database,
        json!({ "for": "2 minutes", "keep_firing_for": "10 minutes" }),
    );
    for minute in 0..60 {
        // Three minutes of four it holds; after forty minutes it is over.
        failing(
            &database,
            if minute % 4 < 3 && minute < 40 { 10 } else { 0 },
        );
        ticked(&database, minutes(minute));
    }
    assert_eq!(count(&database, "audit.alert where state = 'resolved'"), 1);
    assert_eq!(count(&database, "audit.outbox"), 2);
}

#[test]
fn what_comes_back_later_than_a_policy_says_is_a_new_alert() {
    let database = airport();
    tails(&database, json!({ "reopen_within": "3 days" }));
    failing(&database, 10);
    ticked(&database, noon());
    failing(&database, 0);
    ticked(&database, noon() + TimeDelta::hours(1));
    failing(&database, 10);
    ticked(&database, noon() + TimeDelta::hours(60));
    assert_eq!(count(&database, "audit.alert where reopened = 1"), 1);
    failing(&database, 0);
    ticked(&database, noon() + TimeDelta::hours(61));
    failing(&database, 10);
    ticked(&database, noon() + TimeDelta::hours(200));
    assert_eq!(count(&database, "audit.alert"), 2);
}

#[test]
fn reminders_stop_with_the_alert() {
    let database = airport();
    tails(&database, json!({ "repeat_every": "30 minutes" }));
    let mut told_of = Vec::new();
    for minute in 0..100 {
        if minute % 10 == 0 {
            failing(&database, if minute < 70 { 10 } else { 0 });
        }
        let report = ticked(&database, minutes(minute));
        told_of.extend(report.notices.iter().map(|notice| (minute, notice.message)));
    }
    assert_eq!(
        told_of,
        [(0, Firing), (30, Repeat), (60, Repeat), (70, Resolved)]
    );
}
