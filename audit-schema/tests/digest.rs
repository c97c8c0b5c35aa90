//! Digests: what does not have to be told at once is collected, and told in one message.

mod airport;

use airport::{airport, count, fly, line, noon, policy, run, ticked};
use audit_schema::outbox::{self, Claim, Delivery, Told};
use audit_schema::testing::Database;
use chrono::{TimeDelta, Utc};
use diesel::RunQueryDsl;
use diesel::sql_types::Jsonb;
use serde_json::{Value, json};

fn routes(database: &Database, routes: Value) {
    diesel::sql_query("select audit.declare_routes($1)")
        .bind::<Jsonb, _>(routes)
        .execute(&mut database.connect())
        .unwrap();
}

/// Each morning at eight in London; what is critical goes to oncall, and is told at once.
fn mornings(database: &Database) {
    let every_day =
        json!({ "days": [1, 2, 3, 4, 5, 6, 7], "at": "08:00", "time_zone": "Europe/London" });
    routes(
        database,
        json!([{ "severity": ["critical"], "to": ["oncall"] }, { "to": ["ops"], "digest": every_day }]),
    );
}

/// An alert for each origin with few flights, on whatever day.
fn few(database: &Database) {
    run(
        database,
        r#"select audit.declare_summary('public.flights', 'departures', '{
            "group_by": [{"name": "origin", "expression": "origin"}],
            "measures": [{"name": "flights", "function": "count", "expression": null}]}');
        select audit.compile('public.flights')"#,
    );
    policy(
        database,
        "few",
        json!({ "on": "departures", "when": "flights < 9", "severity": "normal", "say": "{origin}: few" }),
    );
}

/// A flight from each of some origins.
fn fly_from(database: &Database, origins: std::ops::RangeInclusive<i32>) {
    run(
        database,
        &format!(
            "insert into flights select id, 'A' || id, 'N1', 900, '2013-02-08 12:00-05' from generate_series({}, {}) as id",
            origins.start(),
            origins.end()
        ),
    );
}

/// Channel, kind, how many transitions it tells of, and how long it waits in minutes.
fn waiting(database: &Database) -> String {
    line(
        database,
        "select concat_ws(' ', channel.name, delivery.kind, 1 + cardinality(delivery.more),
            round(extract(epoch from delivery.due_at - delivery.created_at) / 60))
        from audit.outbox as delivery join audit.channel as channel using (channel_id)
        where delivery.state = 'ready'
        order by delivery.created_at, channel.name",
    )
}

/// Claims what is due so much later, in real time.
fn claim(database: &Database, later: TimeDelta) -> Vec<Delivery> {
    let wall = Some(Utc::now() + later);
    outbox::claim(&mut database.connect(), &Claim::default(), wall).unwrap()
}

/// What a digest says of each alert.
fn said(delivery: &Delivery) -> Vec<String> {
    let mut said: Vec<String> = delivery.told().unwrap().iter().map(place).collect();
    said.sort();
    said
}

fn place(told: &Told) -> String {
    let (title, state) = (&told.alert.title, &told.transition.to_state);
    let new = if told.is_new { " new" } else { "" };
    let standing = if told.standing { " standing" } else { "" };
    format!("{title} {state}{new}{standing}")
}

#[test]
fn what_is_collected_until_the_morning_is_one_message() {
    let database = airport();
    few(&database);
    mornings(&database);
    fly_from(&database, 1..=3);
    ticked(&database, noon());
    ticked(&database, noon());
    assert_eq!(waiting(&database), "ops digest 3 900");
    fly_from(&database, 4..=4);
    run(&database, "delete from flights where id = 1");
    ticked(&database, noon() + TimeDelta::hours(1));
    assert_eq!(waiting(&database), "ops digest 5 900");
    assert_eq!(
        line(
            &database,
            "select concat_ws(' ', name, waiting, collected) from audit.channel_state order by name"
        ),
        "oncall 0 0\nops 0 5"
    );
    assert!(claim(&database, TimeDelta::hours(14)).is_empty());
    let digest = claim(&database, TimeDelta::hours(15)).remove(0);
    assert_eq!(digest.kind, "digest");
    assert_eq!(
        said(&digest),
        [
            "A1: few resolved new",
            "A2: few firing new",
            "A3: few firing new",
            "A4: few firing new"
        ]
    );
}

#[test]
fn the_next_digest_says_what_is_still_open() {
    let database = airport();
    few(&database);
    mornings(&database);
    fly_from(&database, 1..=3);
    ticked(&database, noon());
    let digest = claim(&database, TimeDelta::hours(15)).remove(0);
    outbox::complete(&mut database.connect(), &digest, None, None, None).unwrap();
    // Nothing happened, so there is no digest.
    ticked(&database, noon() + TimeDelta::hours(16));
    assert_eq!(waiting(&database), "");
    run(&database, "delete from flights where id = 1");
    ticked(&database, noon() + TimeDelta::hours(17));
    let digest = claim(&database, TimeDelta::hours(40)).remove(0);
    assert_eq!(
        said(&digest),
        [
            "A1: few resolved",
            "A2: few firing standing",
            "A3: few firing standing"
        ]
    );
}

#[test]
fn what_gets_worse_is_told_at_once_although_its_digest_waits() {
    let database = airport();
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 9", "severity": "normal", "say": "{origin}: few",
            "escalate": { "after": "1 hour", "severity": "critical", "to": ["ops"] } }),
    );
    mornings(&database);
    fly(&database, 1..=4, "900", "2013-02-08");
    ticked(&database, noon());
    ticked(&database, noon() + TimeDelta::hours(1));
    assert_eq!(
        waiting(&database),
        "ops digest 1 900\nops firing 1 0\noncall firing 1 0"
    );
    let mut claimed: Vec<String> = claim(&database, TimeDelta::minutes(1))
        .iter()
        .map(|delivery| format!("{} {}", delivery.channel_name, delivery.kind))
        .collect();
    claimed.sort();
    assert_eq!(claimed, ["oncall firing", "ops firing"]);
    assert_eq!(
        count(
            &database,
            "audit.outbox where kind <> 'digest' and thread = alert_id"
        ),
        2
    );
}

#[test]
fn a_digest_that_should_be_out_already_takes_in_what_comes_now() {
    let database = airport();
    few(&database);
    mornings(&database);
    fly_from(&database, 1..=1);
    ticked(&database, noon());
    // Nobody was there to send it.
    run(
        &database,
        "update audit.outbox set due_at = due_at - interval '2 days', created_at = created_at - interval '2 days'",
    );
    fly_from(&database, 2..=2);
    ticked(&database, noon() + TimeDelta::hours(24));
    assert_eq!(count(&database, "audit.outbox"), 1);
    assert_eq!(
        said(&claim(&database, TimeDelta::zero())[0]),
        ["A1: few firing new", "A2: few firing new"]
    );
}

#[test]
fn outside_of_hours_news_are_for_a_digest_and_within_them_they_are_told() {
    let database = airport();
    few(&database);
    let hours = json!({ "days": [1, 2, 3, 4, 5], "from": "08:00", "to": "17:30", "time_zone": "Europe/London" });
    let noon_on_sundays = json!({ "days": [7], "at": "12:00", "time_zone": "UTC" });
    routes(
        &database,
        json!([
            { "to": ["ops"], "hours": hours, "otherwise": "digest", "continue": true },
            { "to": ["oncall"], "hours": hours, "otherwise": "digest", "digest": noon_on_sundays },
        ]),
    );
    fly_from(&database, 1..=1);
    ticked(&database, noon());
    assert_eq!(waiting(&database), "ops firing 1 0\noncall firing 1 0");
    fly_from(&database, 2..=2);
    ticked(&database, noon() + TimeDelta::hours(1));
    assert_eq!(
        waiting(&database),
        "ops firing 1 0\noncall firing 1 0\nops digest 1 3720\noncall digest 1 2520"
    );
}

#[test]
fn digests_go_out_by_the_clock_of_their_zone() {
    let database = airport();
    let wait = |digest: &str, clock: &str| {
        line(
            &database,
            &format!(
                "select extract(epoch from audit._digest_wait('{digest}', '{clock}')) / 3600 || ''"
            ),
        )
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
    };
    let daily = r#"{"days": [1, 2, 3, 4, 5, 6, 7], "at": "08:00", "time_zone": "Europe/London"}"#;
    assert_eq!(wait(daily, "2013-02-08 17:00Z"), "15");
    // The clocks go forward in this night.
    assert_eq!(wait(daily, "2013-03-30 08:00Z"), "23");
    assert_eq!(wait(r#""hourly""#, "2013-02-08 17:45Z"), "0.25");
    assert_eq!(wait(r#""hourly""#, "2013-02-08 17:00Z"), "1");
    let monday = r#"{"days": [1], "at": "08:00", "time_zone": "UTC"}"#;
    assert_eq!(wait(monday, "2013-02-11 08:00Z"), "168");
}

#[test]
fn what_the_pipeline_says_about_itself_waits_for_no_digest() {
    let database = airport();
    routes(&database, json!([{ "to": ["ops"], "digest": "hourly" }]));
    run(
        &database,
        "update audit.channel set paused_at = now(), paused_why = 'no' where name = 'oncall'",
    );
    ticked(&database, noon());
    assert_eq!(waiting(&database), "ops firing 1 0");
}

#[test]
fn whoever_is_left_out_is_told_of_through_another_channel_or_else_the_same() {
    let database = airport();
    run(
        &database,
        r#"update audit.channel set provider = 'postmark', definition = '{"postmark": {"to": ["ann@example.com", "bob@example.com"]}}' where name = 'ops';
        select audit.leave_out('ops', 'ann@example.com', 'inactive'); select audit.leave_out('ops', 'old@example.com', 'not in the policy any more')"#,
    );
    let title = "select title from audit.alert where state <> 'resolved'";
    ticked(&database, noon());
    assert_eq!(waiting(&database), "oncall firing 1 0");
    assert_eq!(
        line(&database, title),
        "channel ops leaves out who can not be reached: ann@example.com: inactive"
    );
    run(
        &database,
        "select audit.take_back_in('ops', 'ann@example.com')",
    );
    ticked(&database, noon());
    assert_eq!(line(&database, title), "");
    run(
        &database,
        "update audit.channel set retired_at = now() where name = 'oncall'; select audit.leave_out('ops', 'bob@example.com', 'gone')",
    );
    ticked(&database, noon());
    assert_eq!(
        line(
            &database,
            "select name from audit.outbox join audit.channel using (channel_id) order by at, alert_transition_id desc limit 1"
        ),
        "ops"
    );
}

#[test]
fn several_notifiers_at_once_tell_each_alert_in_one_digest() {
    let database = airport();
    few(&database);
    mornings(&database);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let database = &database;
            scope.spawn(move || {
                for batch in 0..5 {
                    let first = worker * 100 + batch * 10;
                    fly_from(database, first..=first + 9);
                    ticked(database, noon());
                    // Some are claimed while others still come in.
                    let wall = Some(Utc::now() + TimeDelta::hours(15));
                    let mut connection = database.connect();
                    for digest in outbox::claim(&mut connection, &Claim::default(), wall).unwrap() {
                        outbox::complete(&mut connection, &digest, None, None, None).unwrap();
                    }
                }
            });
        }
    });
    ticked(&database, noon());
    let told = "(select unnest(alert_transition_id || more) as id from audit.outbox) as told";
    assert_eq!(count(&database, "audit.alert where state = 'firing'"), 200);
    assert_eq!(count(&database, told), 200);
    assert_eq!(
        count(
            &database,
            &format!("(select distinct id from {told}) as once")
        ),
        200
    );
    assert_eq!(count(&database, "audit.outbox where kind <> 'digest'"), 0);
}

#[test]
fn all_that_send_draw_from_one_bucket_of_tokens() {
    let database = airport();
    policy(
        &database,
        "few",
        json!({ "on": "departures_by_day", "when": "flights < 9", "severity": "normal", "messages": "each" }),
    );
    run(
        &database,
        "update audit.channel set per_second = 2 where name = 'ops'; update audit.channel set per_minute = 100",
    );
    fly_from(&database, 1..=20);
    ticked(&database, noon());
    let wall = Utc::now() + TimeDelta::minutes(1);
    let waits = |milliseconds: i64| -> Vec<i64> {
        let wall = Some(wall + TimeDelta::milliseconds(milliseconds));
        let claimed = outbox::claim(&mut database.connect(), &Claim::default(), wall).unwrap();
        claimed
            .iter()
            .map(|delivery| delivery.wait.num_milliseconds())
            .collect()
    };
    // Two tokens are there, two more come within a second, and what is drawn is gone for everybody.
    assert_eq!(waits(0), [0, 0, 500, 1000]);
    assert_eq!(waits(0), [0; 0]);
    assert_eq!(waits(500), [1000]);
    // However long nobody draws, there are no more than two.
    assert_eq!(waits(60_000), [0, 0, 500, 1000]);
    assert_eq!(count(&database, "audit.outbox where state = 'sending'"), 9);
}
