//! Who is told of alerts and who is not: silences, inhibition, groups, escalation, hours of work, caps, and what people do.

mod airport;

use airport::{
    airport, alert_id, cancellations, count, fly, line, noon, policy, run, ticked, told,
};
use audit_core::alert::Matchers;
use audit_core::alert::Message::{Firing, Repeat, Resolved};
use audit_schema::context::{self, Context};
use audit_schema::testing::Database;
use audit_schema::{alert, silence};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::Connection;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

fn hours(count: i64) -> DateTime<Utc> {
    noon() + TimeDelta::hours(count)
}

fn matchers(value: Value) -> Matchers {
    serde_json::from_value(value).unwrap()
}

/// Adds a silence from noon on, in the name of Ana.
fn silenced(database: &Database, value: Value, until: DateTime<Utc>) -> uuid::Uuid {
    let new = silence::New {
        matchers: matchers(value),
        from: None,
        until,
        reason: "snow is known".to_owned(),
    };
    let mut connection = database.connect();
    connection
        .transaction(|connection| {
            let ana = Context {
                actor: Some("ana".to_owned()),
                ..Context::default()
            };
            context::set(connection, &ana)?;
            silence::add(connection, &new, noon())
        })
        .unwrap()
}

/// What is in the outbox: channel, kind, how many transitions it tells of.
fn outbox(database: &Database) -> String {
    line(
        database,
        "select concat_ws(' ', channel.name, delivery.kind, 1 + cardinality(delivery.more))
        from audit.outbox as delivery join audit.channel as channel using (channel_id)
        order by delivery.at, channel.name, delivery.created_at",
    )
}

/// How long messages wait, in whole minutes of an hour more or less.
fn waits(database: &Database) -> String {
    line(
        database,
        "select concat_ws(' ', channel.name, round(extract(epoch from delivery.due_at - delivery.created_at) / 60), 1 + cardinality(delivery.more))
        from audit.outbox as delivery join audit.channel as channel using (channel_id)
        order by delivery.created_at, channel.name",
    )
}

fn routes(database: &Database, routes: Value) {
    use diesel::RunQueryDsl;
    diesel::sql_query("select audit.declare_routes($1)")
        .bind::<diesel::sql_types::Jsonb, _>(routes)
        .execute(&mut database.connect())
        .unwrap();
}

#[test]
fn a_silenced_alert_is_recorded_and_told_when_the_silence_ends() {
    let database = airport();
    cancellations(&database);
    silenced(&database, json!({ "group": { "origin": "EWR" } }), hours(3));
    fly(&database, 1..=5, "null", "2013-02-08");
    assert_eq!(told(&ticked(&database, hours(1))), []);
    assert_eq!(
        line(
            &database,
            "select concat_ws(': ', state, muted) from audit.alert"
        ),
        "firing: silenced until 2013-02-08 20:00 UTC by ana: snow is known"
    );
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', to_state, actor, reason) from audit.alert_transition order by alert_transition_id"
        ),
        "pending tick the condition began to hold\n\
         firing tick the condition has held long enough; silenced until 2013-02-08 20:00 UTC by ana: snow is known"
    );
    assert_eq!(
        told(&ticked(&database, hours(3))),
        [(Firing, "EWR: 5 of 5 departures cancelled on 2013-02-08")]
    );
    assert_eq!(count(&database, "audit.alert where muted is not null"), 0);
}

#[test]
fn what_ends_in_a_silence_is_told_to_those_who_heard_of_it_and_to_nobody_else() {
    let database = airport();
    cancellations(&database);
    silenced(&database, json!({ "policy": ["cancellations"] }), hours(3));
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, hours(1));
    run(&database, "truncate flights");
    assert_eq!(told(&ticked(&database, hours(2))), []);
    fly(&database, 1..=5, "null", "2013-02-08");
    assert_eq!(told(&ticked(&database, hours(3)))[0].0, Firing);
    silenced(&database, json!({ "policy": ["cancellations"] }), hours(9));
    run(&database, "truncate flights");
    assert_eq!(told(&ticked(&database, hours(4)))[0].0, Resolved);
}

#[test]
fn a_silence_that_is_ended_early_mutes_nothing_any_more() {
    let database = airport();
    cancellations(&database);
    let id = silenced(&database, json!({ "severity": ["critical"] }), hours(9));
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    let mut connection = database.connect();
    silence::end(&mut connection, id, "it was not only snow", hours(1)).unwrap();
    assert_eq!(told(&ticked(&database, hours(1)))[0].0, Firing);
    assert_eq!(
        silence::end(&mut connection, id, "", hours(1))
            .unwrap_err()
            .fact(),
        Some("silence_is_in_force")
    );
    assert_eq!(
        line(
            &database,
            "select concat_ws(', ', author, reason, ended_by, end_reason) from audit.silence"
        ),
        "ana, snow is known, postgres, it was not only snow"
    );
}

#[test]
fn a_silence_says_for_what_until_when_and_why() {
    let database = airport();
    let mut connection = database.connect();
    let mut refused = |matchers: &str, until: &str, reason: &str| {
        let error = connection
            .batch_execute(&format!(
                "select audit.add_silence('{matchers}', {until}, '{reason}', clock => '2013-02-08 17:00Z')"
            ))
            .unwrap_err();
        audit_schema::Error::from(error).fact().unwrap().to_owned()
    };
    let later = "'2013-02-09 17:00Z'";
    let something = r#"{"policy": ["x"]}"#;
    assert_eq!(refused("{}", later, "known"), "silence_means_something");
    assert_eq!(
        refused(r#"{"tabel": ["x"]}"#, later, "known"),
        "silence_matchers_are_known"
    );
    assert_eq!(
        refused(r#"{"table": "x"}"#, later, "known"),
        "silence_matchers_are_known"
    );
    assert_eq!(refused(something, later, " "), "silence_has_a_reason");
    assert_eq!(
        refused(something, "null", "known"),
        "silence_ends_after_it_begins"
    );
    assert_eq!(
        refused(something, "'2013-02-07 17:00Z'", "known"),
        "silence_ends_after_it_begins"
    );
}

#[test]
fn silences_are_listed_with_what_they_mute() {
    let database = airport();
    cancellations(&database);
    silenced(&database, json!({ "table": ["public.flights"] }), hours(3));
    silenced(&database, json!({ "policy": ["late"] }), hours(1));
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    let mut connection = database.connect();
    let listed: Vec<_> = silence::list(&mut connection, true, hours(2))
        .unwrap()
        .into_iter()
        .map(|silence| (silence.matchers.to_string(), silence.state, silence.mutes))
        .collect();
    assert_eq!(
        listed,
        [
            ("policy late".to_owned(), silence::State::Over, 0),
            (
                "table public.flights".to_owned(),
                silence::State::InForce,
                1
            )
        ]
    );
    assert_eq!(
        silence::list(&mut connection, false, hours(2))
            .unwrap()
            .len(),
        1
    );
}

/// Alerts about late departures, which are explained by cancellations at the same airport.
fn late_and_cancelled() -> Database {
    let database = airport();
    cancellations(&database);
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 6", "severity": "normal",
            "say": "{origin}: few", "inhibited_by": ["cancellations"], "messages": "each" }),
    );
    database
}

#[test]
fn what_another_alert_explains_is_told_when_that_one_is_over() {
    let database = late_and_cancelled();
    fly(&database, 1..=4, "null", "2013-02-08");
    run(
        &database,
        "insert into flights values (100, 'JFK', 'N1', 1, '2013-02-08 12:00-05')",
    );
    // JFK has few flights and no cancellations.
    assert_eq!(
        told(&ticked(&database, noon())),
        [
            (Firing, "EWR: 4 of 4 departures cancelled on 2013-02-08"),
            (Firing, "JFK: few")
        ]
    );
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', state, muted) from audit.alert where title = 'EWR: few'"
        ),
        "firing inhibited by cancellations: EWR: 4 of 4 departures cancelled on 2013-02-08"
    );
    run(&database, "update flights set dep_time = 900");
    assert_eq!(
        told(&ticked(&database, hours(1))),
        [
            (Resolved, "EWR: 0 of 4 departures cancelled on 2013-02-08"),
            (Firing, "EWR: few")
        ]
    );
}

#[test]
fn what_is_explained_ends_without_a_word_with_what_explains_it() {
    let database = late_and_cancelled();
    fly(&database, 1..=4, "null", "2013-02-08");
    ticked(&database, noon());
    run(&database, "truncate flights");
    assert_eq!(told(&ticked(&database, hours(1))).len(), 1);
    assert_eq!(count(&database, "audit.alert where state = 'resolved'"), 2);
    assert_eq!(count(&database, "audit.alert where muted is not null"), 0);
}

#[test]
fn a_table_is_explained_by_a_table_that_it_refers_to() {
    let database = airport();
    run(
        &database,
        r#"create table public.airports (faa text primary key, name text);
        select audit.watch('public.airports');
        select audit.declare_rule('public.airports', 'named', 'not_null', '{"column": "name"}');
        select audit.declare_rule('public.flights', 'known_origin', 'references', '{"column": "origin", "table": "public.airports", "key": "faa"}');
        select audit.compile('public.airports');
        select audit.compile('public.flights');"#,
    );
    policy(
        &database,
        "bad_rows",
        json!({ "on": "rules", "when": "failing > 0", "severity": "normal", "inhibited_by": ["parents"], "say": "{table} {rule}" }),
    );
    run(
        &database,
        "insert into airports values ('EWR', null); insert into flights values (1, 'JFK', null, 1)",
    );
    assert_eq!(
        told(&ticked(&database, noon())),
        [(Firing, "public.airports named")]
    );
    run(&database, "update airports set name = 'Newark'");
    let report = ticked(&database, hours(1));
    let mut titles: Vec<_> = told(&report).into_iter().map(|(_, title)| title).collect();
    titles.sort_unstable();
    assert_eq!(
        titles,
        [
            "public.airports named",
            "public.flights known_origin",
            "public.flights not_null_tailnum"
        ]
    );
}

#[test]
fn alerts_of_one_policy_that_move_together_share_a_message_in_each_channel() {
    let database = airport();
    cancellations(&database);
    run(
        &database,
        "insert into flights select id, (array['EWR', 'JFK', 'LGA'])[id % 3 + 1], 'N1', null, '2013-02-08 12:00-05' from generate_series(1, 30) as id",
    );
    assert_eq!(ticked(&database, noon()).notices.len(), 3);
    assert_eq!(outbox(&database), "oncall several 3\nops several 3");
    // One of them ends by itself: it belongs to the thread of the message in which it began.
    run(
        &database,
        "update flights set dep_time = 900 where origin = 'LGA'",
    );
    ticked(&database, hours(1));
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', delivery.kind, count(*), count(distinct delivery.thread))
            from audit.outbox as delivery group by delivery.kind order by 1"
        ),
        "resolved 2 1\nseveral 2 1"
    );
    assert_eq!(
        count(
            &database,
            "(select from audit.outbox group by channel_id having count(distinct thread) > 1) as torn"
        ),
        0
    );
}

#[test]
fn a_message_stands_alone_where_the_policy_says_so() {
    let database = airport();
    policy(
        &database,
        "each",
        json!({ "on": "departures_by_day", "when": "flights > 0", "severity": "normal", "messages": "each" }),
    );
    run(
        &database,
        "insert into flights select id, 'A' || id, 'N1', 1, '2013-02-08 12:00-05' from generate_series(1, 3) as id",
    );
    ticked(&database, noon());
    assert_eq!(
        outbox(&database),
        "ops firing 1\nops firing 1\nops firing 1"
    );
}

#[test]
fn a_channel_says_how_many_messages_a_minute_it_gets() {
    let database = airport();
    run(
        &database,
        "update audit.channel set per_minute = 3 where name = 'ops'",
    );
    policy(
        &database,
        "each",
        json!({ "on": "departures_by_day", "when": "flights > 0", "severity": "normal", "messages": "each" }),
    );
    run(
        &database,
        "insert into flights select id, 'A' || id, 'N1', 1, '2013-02-08 12:00-05' from generate_series(1, 20) as id",
    );
    ticked(&database, noon());
    assert_eq!(
        outbox(&database),
        "ops firing 1\nops firing 1\nops several 18"
    );
}

#[test]
fn what_nobody_takes_on_is_told_to_others_and_then_they_hear_all() {
    let database = airport();
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 9", "severity": "normal",
            "escalate": { "after": "30 minutes", "to": ["oncall"] } }),
    );
    fly(&database, 1..=4, "900", "2013-02-08");
    ticked(&database, noon());
    assert_eq!(outbox(&database), "ops firing 1");
    assert_eq!(
        told(&ticked(&database, noon() + TimeDelta::minutes(29))),
        []
    );
    assert_eq!(
        told(&ticked(&database, noon() + TimeDelta::minutes(30)))[0].0,
        Firing
    );
    assert_eq!(told(&ticked(&database, hours(1))), []);
    run(&database, "truncate flights");
    ticked(&database, hours(2));
    assert_eq!(
        outbox(&database),
        "ops firing 1\noncall firing 1\nops firing 1\noncall resolved 1\nops resolved 1"
    );
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', from_state, to_state, actor, reason) from audit.alert_transition where reason like 'nobody%'"
        ),
        "firing firing tick nobody has taken it on in time"
    );
}

#[test]
fn what_is_taken_on_in_time_does_not_escalate() {
    let database = airport();
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 9", "severity": "normal",
            "escalate": { "after": "30 minutes", "severity": "critical" } }),
    );
    fly(&database, 1..=4, "900", "2013-02-08");
    ticked(&database, noon());
    let id = alert_id(&database);
    alert::acknowledge(&mut database.connect(), id, "", noon()).unwrap();
    assert_eq!(told(&ticked(&database, hours(1))), []);
    // A new one that nobody takes on becomes critical, and so takes the route of critical ones.
    run(&database, "truncate flights");
    ticked(&database, hours(2));
    fly(&database, 1..=4, "900", "2013-02-08");
    ticked(&database, hours(3));
    let report = ticked(&database, hours(4));
    assert_eq!(report.notices[0].severity, audit_core::Severity::Critical);
    assert_eq!(
        count(
            &database,
            "audit.outbox join audit.channel using (channel_id) where name = 'oncall'"
        ),
        1
    );
}

#[test]
fn an_alert_that_a_person_resolved_stays_so_until_its_condition_has_ended_once() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    let id = alert_id(&database);
    alert::resolve(&mut database.connect(), id, "a drill", hours(1)).unwrap();
    assert_eq!(
        outbox(&database),
        "oncall firing 1\nops firing 1\noncall resolved 1\nops resolved 1"
    );
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', from_state, to_state, actor, reason) from audit.alert_transition where to_state = 'resolved'"
        ),
        "firing resolved postgres a drill"
    );
    assert_eq!(told(&ticked(&database, hours(2))), []);
    assert_eq!(told(&ticked(&database, hours(30 * 24))), []);
    let refused = alert::resolve(&mut database.connect(), id, "", hours(3)).unwrap_err();
    assert_eq!(refused.fact(), Some("resolved_alert_is_open"));

    run(&database, "truncate flights");
    assert_eq!(told(&ticked(&database, hours(3))), []);
    assert_eq!(count(&database, "audit.alert where stays_resolved"), 0);
    fly(&database, 1..=5, "null", "2013-02-08");
    assert_eq!(told(&ticked(&database, hours(4)))[0].0, Firing);
}

#[test]
fn nobody_hears_of_the_end_of_an_alert_that_was_resolved_before_it_fired() {
    let database = airport();
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 9", "severity": "normal", "for": "1 hour" }),
    );
    fly(&database, 1..=4, "900", "2013-02-08");
    ticked(&database, noon());
    let id = alert_id(&database);
    alert::resolve(&mut database.connect(), id, "", noon()).unwrap();
    ticked(&database, hours(2));
    assert_eq!(outbox(&database), "");
}

#[test]
fn a_snooze_ends_later() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    let id = alert_id(&database);
    let refused = alert::snooze(&mut database.connect(), id, noon(), "", hours(1)).unwrap_err();
    assert_eq!(refused.fact(), Some("snooze_ends_later"));
}

#[test]
fn a_person_waits_for_a_tick_that_is_under_way() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    let id = alert_id(&database);
    let mut tick = database.connect();
    tick.batch_execute("begin; select audit.latest_episodes(now())")
        .unwrap();
    let mut person = database.connect();
    person.batch_execute("set lock_timeout = '50ms'").unwrap();
    assert!(alert::acknowledge(&mut person, id, "", noon()).is_err());
    tick.batch_execute("commit").unwrap();
    alert::acknowledge(&mut person, id, "", noon()).unwrap();
}

/// Noon in New York is five in the afternoon in London; nobody there works at night.
fn in_office_hours(database: &Database) {
    let office = json!({ "days": [1, 2, 3, 4, 5], "from": "08:00", "to": "18:00", "time_zone": "Europe/London" });
    routes(
        database,
        json!([{ "severity": ["critical"], "to": ["oncall"] }, { "hours": office, "to": ["ops"] }]),
    );
}

#[test]
fn what_comes_outside_of_hours_waits_for_them_in_one_message() {
    let database = airport();
    in_office_hours(&database);
    for name in ["few", "fewer"] {
        policy(
            &database,
            name,
            json!({ "on": "departures_by_day", "when": "flights < 9", "severity": "normal" }),
        );
    }
    fly(&database, 1..=4, "900", "2013-02-08");
    // Friday, seven in the evening in London: the next hours begin on Monday at eight, 61 hours later.
    ticked(&database, hours(2));
    assert_eq!(waits(&database), "ops 3660 2");
    // What is critical meanwhile goes its own way, and what ends is told in the message that waits.
    cancellations(&database);
    fly(&database, 5..=30, "null", "2013-02-08");
    ticked(&database, hours(3));
    assert_eq!(waits(&database), "ops 3660 4\noncall 0 1");
}

#[test]
fn what_comes_within_hours_does_not_wait() {
    let database = airport();
    in_office_hours(&database);
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 9", "severity": "normal" }),
    );
    fly(&database, 1..=4, "900", "2013-02-08");
    ticked(&database, noon());
    assert_eq!(waits(&database), "ops 0 1");
    // Its end comes when they have gone home.
    run(&database, "truncate flights");
    ticked(&database, hours(2));
    assert_eq!(waits(&database), "ops 0 1\nops 3660 1");
}

#[test]
fn outside_of_hours_the_next_route_is_taken_if_the_first_says_so() {
    let database = airport();
    let office = json!({ "days": [1, 2, 3, 4, 5], "from": "08:00", "to": "18:00", "time_zone": "Europe/London" });
    let routed = |last: Value| {
        routes(
            &database,
            json!([{ "hours": office, "otherwise": "next", "to": ["ops"] }, last]),
        );
    };
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 9", "severity": "normal" }),
    );
    fly(&database, 1..=4, "900", "2013-02-08");
    routed(json!({ "to": ["oncall"] }));
    ticked(&database, hours(2));
    assert_eq!(waits(&database), "oncall 0 1");
    // Where no other route matches, the message waits after all.
    run(
        &database,
        "update audit.alert set state = 'pending', notified_at = null; delete from audit.outbox",
    );
    routed(json!({ "severity": ["low"], "to": ["oncall"] }));
    ticked(&database, hours(2));
    assert_eq!(waits(&database), "ops 3660 1");
}

#[test]
fn hours_begin_when_the_clock_of_their_zone_says_so() {
    let database = airport();
    for (hours, clock, waits) in [
        // London changes to summer time on 31 March 2013, a Sunday.
        (
            ("Mon-Fri", "08:00", "18:00", "Europe/London"),
            "2013-03-29 18:00Z",
            "61:00:00",
        ),
        (
            ("Mon-Fri", "08:00", "18:00", "Europe/London"),
            "2013-03-29 17:59Z",
            "00:00:00",
        ),
        (
            ("Mon-Fri", "08:00", "18:00", "Europe/London"),
            "2013-04-01 07:00Z",
            "00:00:00",
        ),
        (
            ("daily", "22:00", "06:00", "UTC"),
            "2013-02-08 05:59Z",
            "00:00:00",
        ),
        (
            ("daily", "22:00", "06:00", "UTC"),
            "2013-02-08 06:00Z",
            "16:00:00",
        ),
        (
            ("Sat", "00:00", "24:00", "America/New_York"),
            "2013-02-09 05:00Z",
            "00:00:00",
        ),
        (
            ("Sat", "00:00", "24:00", "America/New_York"),
            "2013-02-10 05:00Z",
            "144:00:00",
        ),
    ] {
        let (days, from, to, zone) = hours;
        let hours: audit_core::Hours = format!("{days} {from}-{to} {zone}").parse().unwrap();
        let stored = serde_json::to_string(&hours).unwrap();
        assert_eq!(
            line(
                &database,
                &format!(
                    "select (extract(epoch from audit._hours_wait('{stored}', '{clock}')) * interval '1 second')::text"
                )
            ),
            waits,
            "{hours} at {clock}"
        );
    }
}

#[test]
fn a_reminder_that_was_due_in_a_silence_comes_after_it() {
    let database = airport();
    cancellations(&database);
    fly(&database, 1..=5, "null", "2013-02-08");
    ticked(&database, noon());
    silenced(&database, json!({ "policy": ["cancellations"] }), hours(6));
    assert_eq!(told(&ticked(&database, hours(5))), []);
    assert_eq!(told(&ticked(&database, hours(6)))[0].0, Repeat);
}
