//! What a tick makes of alert policies.

mod airport;

use airport::{
    airport, alert_id, cancellations, count, fly, line, noon, policy, run, ticked, told,
};
use audit_core::alert::Message;
use audit_schema::alert;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;

#[test]
fn a_summary_over_its_threshold_fires_and_resolves() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=3, "null", "2013-02-08");
    fly(&database, 4..=5, "900", "2013-02-08");

    assert_eq!(
        told(&ticked(&database, noon())),
        [(
            Message::Firing,
            "EWR: 3 of 5 departures cancelled on 2013-02-08"
        )]
    );
    fly(&database, 6..=30, "900", "2013-02-08");
    assert_eq!(
        told(&ticked(&database, noon() + TimeDelta::hours(2))),
        [(
            Message::Resolved,
            "EWR: 3 of 30 departures cancelled on 2013-02-08"
        )]
    );
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', from_state, to_state, reason) from audit.alert_transition order by alert_transition_id"
        ),
        "pending the condition began to hold\n\
         pending firing the condition has held long enough\n\
         firing resolved the condition does not hold any more"
    );
    assert_eq!(
        count(
            &database,
            "audit.alert where state = 'resolved' and title like 'EWR: 3 of 5%'"
        ),
        1
    );
    assert_eq!(
        line(
            &database,
            "select c.name || ' ' || o.kind from audit.outbox o join audit.channel c using (channel_id) order by o.alert_transition_id, c.name"
        ),
        "oncall firing\nops firing\noncall resolved\nops resolved"
    );
}

#[test]
fn the_past_does_not_fire() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-07");
    assert_eq!(told(&ticked(&database, noon())), []);
    // Half past midnight in New York is another day than in Greenwich an hour before.
    assert_eq!(
        told(&ticked(&database, "2013-02-08T04:59:59Z".parse().unwrap())).len(),
        1
    );
    assert_eq!(
        told(&ticked(&database, "2013-02-08T05:00:00Z".parse().unwrap()))[0].0,
        Message::Resolved
    );
}

#[test]
fn ticking_again_changes_nothing_until_a_reminder_is_due() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    assert_eq!(told(&ticked(&database, noon())), []);
    assert_eq!(told(&ticked(&database, noon() + TimeDelta::hours(3))), []);
    assert_eq!(
        told(&ticked(&database, noon() + TimeDelta::hours(4)))[0].0,
        Message::Repeat
    );
    assert_eq!(count(&database, "audit.alert"), 1);
}

#[test]
fn a_ratio_of_failing_rows_fires_with_the_severity_of_the_rule() {
    let database = airport();
    policy(
        &database,
        "bad_rows",
        serde_json::json!({ "on": "rules", "when": "failing_ratio > 0.05", "for": "10 minutes", "severity": "inherit" }),
    );
    run(
        &database,
        "insert into public.flights select id, 'EWR', nullif(id, 1)::text, 1, now() from generate_series(1, 10) as id",
    );
    assert_eq!(told(&ticked(&database, noon())), []);
    let report = ticked(&database, noon() + TimeDelta::minutes(10));
    assert_eq!(
        told(&report),
        [(
            Message::Firing,
            "public.flights: 1 of 10 rows fail the rule not_null_tailnum"
        )]
    );
    assert_eq!(report.notices[0].severity, audit_core::Severity::Important);
    assert_eq!(
        count(
            &database,
            "audit.alert where rule_id is not null and owner = 'ops@example.com'"
        ),
        1
    );

    run(
        &database,
        "update public.flights set tailnum = 'N1' where tailnum is null",
    );
    assert_eq!(
        told(&ticked(&database, noon() + TimeDelta::minutes(11)))[0].0,
        Message::Resolved
    );
}

#[test]
fn a_policy_that_can_not_be_evaluated_disturbs_no_other() {
    let database = airport();
    policy(
        &database,
        "broken",
        serde_json::json!({ "on": "rules", "when": "faling > 1", "severity": "low" }),
    );
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    let report = ticked(&database, noon());
    assert_eq!(report.errors.len(), 1);
    assert_eq!(
        told(&report),
        [
            (
                Message::Firing,
                "alert policy broken can not be evaluated: column \"faling\" does not exist"
            ),
            (
                Message::Firing,
                "EWR: 5 of 5 departures cancelled on 2013-02-08"
            ),
        ]
    );
    // The first is about no table, so no route takes it.
    assert_eq!(report.unrouted, 1);

    run(
        &database,
        "update audit.alert_policy set definition = definition || '{\"when\": \"failing > 1\"}' where name = 'broken'",
    );
    assert_eq!(told(&ticked(&database, noon()))[0].0, Message::Resolved);
}

#[test]
fn what_a_retired_policy_opened_resolves_with_its_reason() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    run(
        &database,
        "update audit.alert_policy set retired_at = now()",
    );
    assert_eq!(told(&ticked(&database, noon()))[0].0, Message::Resolved);
    assert_eq!(
        line(
            &database,
            "select reason from audit.alert_transition where to_state = 'resolved'"
        ),
        "the alert policy was taken back"
    );
}

#[test]
fn two_ticks_at_once_open_one_episode() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    let notices: usize = std::thread::scope(|scope| {
        let ticks: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| ticked(&database, noon()).notices.len()))
            .collect();
        ticks.into_iter().map(|tick| tick.join().unwrap()).sum()
    });
    assert_eq!(notices, 1);
    assert_eq!(count(&database, "audit.alert"), 1);
    assert_eq!(count(&database, "audit.outbox"), 2);
}

#[test]
fn a_channel_gets_at_most_ten_messages_a_minute() {
    let database = airport();
    policy(
        &database,
        "all",
        serde_json::json!({ "on": "departures_by_day", "when": "flights > 0", "severity": "normal", "messages": "each" }),
    );
    run(
        &database,
        "insert into public.flights select id, 'A' || id, 'N1', 1, '2013-02-08 12:00-05' from generate_series(1, 500) as id",
    );
    assert_eq!(ticked(&database, noon()).notices.len(), 500);
    assert_eq!(count(&database, "audit.outbox"), 10);
    assert_eq!(
        count(
            &database,
            "audit.outbox where kind = 'several' and cardinality(more) = 490"
        ),
        1
    );

    // The end is told as well: in nine messages, and in the one that nobody has begun to send.
    run(
        &database,
        "update audit.alert_policy set retired_at = now()",
    );
    ticked(&database, noon() + TimeDelta::hours(1));
    assert_eq!(count(&database, "audit.outbox"), 19);
}

#[test]
fn an_acknowledged_alert_is_not_repeated_and_still_resolves() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    let id = alert_id(&database);
    alert::acknowledge(&mut database.connect(), id, "Ann is on it", noon()).unwrap();
    assert_eq!(told(&ticked(&database, noon() + TimeDelta::hours(5))), []);
    run(&database, "truncate public.flights");
    assert_eq!(
        told(&ticked(&database, noon() + TimeDelta::hours(6)))[0].0,
        Message::Resolved
    );
    let refused = alert::acknowledge(&mut database.connect(), id, "too late", noon()).unwrap_err();
    assert_eq!(refused.fact(), Some("acknowledged_alert_is_open"));
}

#[test]
fn a_snoozed_alert_fires_again_if_it_still_holds() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    let id = alert_id(&database);
    let later = noon() + TimeDelta::hours(6);
    alert::snooze(&mut database.connect(), id, later, "lunch", noon()).unwrap();
    assert_eq!(told(&ticked(&database, noon() + TimeDelta::hours(5))), []);
    assert_eq!(told(&ticked(&database, later))[0].0, Message::Repeat);
}

#[test]
fn the_history_of_alerts_can_not_be_changed() {
    let database = airport();
    for statement in [
        "update audit.alert_transition set reason = ''",
        "delete from audit.alert_transition",
        "truncate audit.alert_transition cascade",
        "update audit.delivery_attempt set error = ''",
    ] {
        let error = database.connect().batch_execute(statement).unwrap_err();
        assert_eq!(
            audit_schema::Error::from(error).fact(),
            Some("history_is_append_only"),
            "{statement}"
        );
    }
}
