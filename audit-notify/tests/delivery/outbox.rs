//! Deliveries: retried, rescued, paused, given up; never lost and never doubled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use audit_notify::provider::Timeouts;
use audit_notify::{Options, Outcome, round, run_once};
use audit_schema::outbox::{self, Claim, resume_channel};
use audit_schema::testing::database;
use chrono::{TimeDelta, Utc};
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde_json::{Value, json};

use crate::plant::{At, count, declare_channel, once, options, outcomes, resend, run, trouble};
use crate::provider::{Answer, Provider};

#[test]
fn what_is_due_is_delivered_once() {
    let server = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let report = once(&database, At::noon());
    assert_eq!(report.outcome(), Outcome::Done);
    assert_eq!(
        report.delivered[0].subject,
        "Critical: public.trouble, trouble, T1"
    );
    assert_eq!(once(&database, At::noon()).delivered, []);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(
        count(
            &database,
            "audit.outbox where state = 'delivered' and provider_message_id like '49a3999c%' and picture is null"
        ),
        1
    );
}

#[test]
fn a_message_that_fails_is_tried_again_when_the_provider_allows_it() {
    let server = Provider::start([
        Answer::status(500),
        Answer::status(429).with("retry-after", "3600"),
    ]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let noon = At::noon();

    let report = once(&database, noon);
    assert_eq!(report.outcome(), Outcome::Delayed);
    assert_eq!(report.delayed[0].error, "the provider answered 500");
    once(&database, noon.later(TimeDelta::seconds(14)));
    assert_eq!(server.requests().len(), 1, "too early");
    once(&database, noon.later(TimeDelta::seconds(31)));
    once(&database, noon.later(TimeDelta::seconds(3_600)));
    assert_eq!(server.requests().len(), 2, "the provider asked for an hour");
    assert_eq!(
        once(&database, noon.later(TimeDelta::seconds(3_700)))
            .delivered
            .len(),
        1
    );

    assert_eq!(
        outcomes(&database),
        "1 failed 500, 2 failed 429, 3 delivered 200"
    );
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.header("idempotency-key")
                == requests[0].header("idempotency-key"))
    );
    assert!(
        requests
            .iter()
            .all(|request| request.body == requests[0].body),
        "every attempt sends the same"
    );
}

#[test]
fn every_attempt_sends_the_picture_of_the_first() {
    let server = Provider::start([Answer::status(500)]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let drawn = Arc::new(AtomicUsize::new(0));
    let noon = At::noon();
    for clock in [noon, noon.later(TimeDelta::minutes(1))] {
        let drawn = Arc::clone(&drawn);
        let picture =
            move |_: &mut PgConnection| Some(vec![drawn.fetch_add(1, Ordering::SeqCst) as u8]);
        let mut options = Options {
            picture: Some(Box::new(picture)),
            ..options()
        };
        run_once(&mut database.connect(), &mut options, &clock).unwrap();
    }
    assert_eq!(drawn.load(Ordering::SeqCst), 1);
    let requests = server.requests();
    assert_eq!(
        requests[0].json()["attachments"][0]["content_id"],
        "dashboard"
    );
    assert_eq!(requests[0].body, requests[1].body);
}

#[test]
fn a_provider_that_can_not_be_reached_is_waited_for() {
    let nobody = Provider::start([]).url();
    let database = trouble(3);
    declare_channel(&database, "ops", "resend", resend("http://127.0.0.1:9"));
    let noon = At::noon();
    let report = once(&database, noon);
    assert_eq!(report.outcome(), Outcome::Delayed);
    assert!(
        report.delayed[0]
            .error
            .starts_with("`127.0.0.1:9` could not be reached: "),
        "{:?}",
        report.delayed
    );
    assert_eq!(
        outcomes(&database),
        "1 failed",
        "the others are not tried in vain"
    );
    assert_eq!(count(&database, "audit.outbox where state = 'ready'"), 3);
    drop(nobody);

    let server = Provider::start([]);
    diesel::sql_query("update audit.channel set definition = $1")
        .bind::<Jsonb, _>(resend(&server.url()))
        .execute(&mut database.connect())
        .unwrap();
    assert_eq!(
        once(&database, noon.later(TimeDelta::minutes(1)))
            .delivered
            .len(),
        3
    );
}

#[test]
fn a_provider_that_hangs_does_not_hold_up_another() {
    let hanging = Provider::start([Answer::Hang]);
    let server = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&hanging.url()));
    declare_channel(&database, "oncall", "resend", resend(&server.url()));
    run(
        &database,
        "update audit.route set definition = '{\"to\": [\"ops\", \"oncall\"]}'",
    );
    let mut options = Options {
        timeouts: Timeouts {
            connect: Duration::from_millis(300),
            total: Duration::from_millis(300),
        },
        ..options()
    };
    let noon = At::noon();
    let report = run_once(&mut database.connect(), &mut options, &noon).unwrap();
    assert_eq!(report.delivered[0].channel, "oncall");
    assert!(
        report.delayed[0]
            .error
            .ends_with("it did not answer in time"),
        "{:?}",
        report.delayed
    );
    assert_eq!(
        once(&database, noon.later(TimeDelta::minutes(1))).delivered[0].channel,
        "ops"
    );
}

#[test]
fn refused_credentials_pause_the_channel_and_lose_nothing() {
    let refusal = json!({ "statusCode": 401, "name": "restricted_api_key", "message": "This API key may not send" });
    let server = Provider::start([Answer::json(401, refusal)]);
    let other = Provider::start([]);
    let database = trouble(3);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    declare_channel(&database, "spare", "resend", resend(&other.url()));

    let noon = At::noon();
    let report = once(&database, noon);
    assert_eq!(report.outcome(), Outcome::Trouble);
    assert_eq!(
        report.paused,
        [(
            "ops".to_owned(),
            "the provider answered 401: restricted_api_key: This API key may not send".to_owned()
        )]
    );
    assert_eq!(server.requests().len(), 1, "one refusal is enough");
    assert_eq!(
        count(
            &database,
            "audit.outbox where state = 'ready' and attempt = 0"
        ),
        3
    );

    // The next tick says so through the channel that is left.
    let report = once(&database, noon);
    assert_eq!(report.delivered.len(), 1);
    assert_eq!(report.delivered[0].channel, "spare");
    assert_eq!(report.delivered[0].subject, "Critical: audit pipeline, ops");

    assert!(resume_channel(&mut database.connect(), "ops").unwrap());
    let report = once(&database, noon);
    assert_eq!(report.outcome(), Outcome::Done);
    assert_eq!(
        report
            .delivered
            .iter()
            .filter(|delivered| delivered.channel == "ops")
            .count(),
        3
    );
    assert_eq!(other.requests().len(), 2, "that it is over is told as well");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_missing_secret_is_reported_and_costs_no_attempt() {
    let server = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let noon = At::noon();
    let mut without = Options {
        environment: Box::new(|_| None),
        ..options()
    };
    let report = run_once(&mut database.connect(), &mut without, &noon).unwrap();
    assert_eq!(report.outcome(), Outcome::Trouble);
    assert_eq!(
        report.unusable,
        [(
            "ops".to_owned(),
            "the environment variable `KEY` is not set".to_owned()
        )]
    );
    assert_eq!(
        once(&database, noon.later(TimeDelta::minutes(1)))
            .delivered
            .len(),
        1
    );
    assert_eq!(outcomes(&database), "1 delivered 200");
}

#[test]
fn after_the_last_attempt_a_message_is_dead_and_can_be_driven_again() {
    let server = Provider::start((0..10).map(|_| Answer::status(500)));
    let other = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    declare_channel(&database, "spare", "resend", resend(&other.url()));
    let mut clock = At::noon();
    for attempt in 1..10 {
        assert_eq!(
            once(&database, clock).outcome(),
            Outcome::Delayed,
            "attempt {attempt}"
        );
        clock = clock.later(TimeDelta::hours(6));
    }
    let report = once(&database, clock);
    assert_eq!(report.outcome(), Outcome::Trouble);
    assert_eq!(report.dead.len(), 1);
    assert_eq!(
        once(&database, clock).delivered[0].channel,
        "spare",
        "somebody hears of it"
    );

    run(&database, "select audit.redrive('ops')");
    let report = once(&database, clock);
    assert!(
        report
            .delivered
            .iter()
            .any(|delivered| delivered.channel == "ops"),
        "{report:?}"
    );
}

#[test]
fn a_message_that_the_provider_can_not_read_is_dead_at_once() {
    let server = Provider::start([Answer::json(
        422,
        json!({ "name": "missing_required_field", "message": "to" }),
    )]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let report = once(&database, At::noon());
    assert_eq!(
        report.dead[0].error,
        "the provider answered 422: missing_required_field: to"
    );
}

#[test]
fn two_notifiers_at_once_deliver_each_message_once() {
    let server = Provider::start([]);
    let database = trouble(9);
    for channel in ["ops", "oncall", "office"] {
        declare_channel(&database, channel, "resend", resend(&server.url()));
    }
    run(
        &database,
        "update audit.route set definition = '{\"to\": [\"ops\", \"oncall\", \"office\"]}'",
    );
    let clock = At::noon();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let database = &database;
            scope.spawn(move || {
                let mut options = Options {
                    worker: format!("worker {worker}"),
                    batch: 2,
                    ..options()
                };
                round(
                    &mut database.connect(),
                    &mut options,
                    &clock,
                    &AtomicBool::new(false),
                )
                .unwrap();
            });
        }
    });
    // A worker that found nothing to claim may have left while another one still held the first message of an alert.
    once(&database, clock);
    let mut keys: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.header("idempotency-key").to_owned())
        .collect();
    assert_eq!(keys.len(), 27);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 27);
}

#[test]
fn what_a_killed_worker_held_is_sent_again_under_the_same_key() {
    let server = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let noon = At::noon();
    audit_schema::tick(&mut database.connect(), noon.now).unwrap();
    let claim = Claim {
        worker: "killed".to_owned(),
        ..Claim::default()
    };
    let held = outbox::claim(&mut database.connect(), &claim, Some(noon.wall))
        .unwrap()
        .remove(0);

    assert_eq!(
        once(&database, noon.later(TimeDelta::seconds(119))).delivered,
        []
    );
    assert_eq!(
        once(&database, noon.later(TimeDelta::seconds(120)))
            .delivered
            .len(),
        1
    );
    assert_eq!(
        server.requests()[0].header("idempotency-key"),
        held.delivery_id.to_string()
    );
    assert_eq!(outcomes(&database), "1 abandoned, 2 delivered 200");

    // Whoever comes back from the dead has nothing to say any more.
    let wall = Some(noon.wall);
    assert!(!outbox::complete(&mut database.connect(), &held, Some(200), None, wall).unwrap());
    assert!(!outbox::release(&mut database.connect(), &held, TimeDelta::zero(), wall).unwrap());
    assert!(!outbox::refuse(&mut database.connect(), &held, "late", None, wall).unwrap());
    assert_eq!(outcomes(&database), "1 abandoned, 2 delivered 200");
}

#[test]
fn the_end_is_told_after_the_beginning() {
    let server = Provider::start([Answer::status(500)]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let noon = At::noon();
    once(&database, noon);
    run(&database, "delete from public.trouble");
    assert_eq!(
        once(&database, noon.later(TimeDelta::seconds(5))).delivered,
        [],
        "the beginning is still to be told"
    );
    let report = once(&database, noon.later(TimeDelta::minutes(1)));
    let kinds: Vec<&str> = report
        .delivered
        .iter()
        .map(|delivered| delivered.kind.name())
        .collect();
    assert_eq!(kinds, ["firing", "resolved"]);
    let threads: Vec<Value> = server
        .requests()
        .iter()
        .map(|request| request.json()["headers"]["References"].clone())
        .collect();
    assert_eq!(threads[1], threads[2]);
}

#[test]
fn a_storm_is_told_in_a_handful_of_messages() {
    let server = Provider::start([]);
    let database = trouble(1_000);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let report = once(&database, At::noon());
    assert_eq!(report.tick.notices.len(), 1_000);
    assert_eq!(report.delivered.len(), 10);
    assert_eq!(
        report.delivered[9].subject,
        "Critical: 991 alerts of trouble, 991 critical"
    );
}

#[test]
fn an_overlapping_run_leaves_the_work_to_the_first() {
    let server = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let mut first = database.connect();
    assert!(outbox::try_only_notifier(&mut first).unwrap());
    assert!(once(&database, At::noon()).busy);
    outbox::release_only_notifier(&mut first).unwrap();
    assert_eq!(once(&database, At::noon()).delivered.len(), 1);
}

#[test]
fn a_member_of_audit_operator_may_do_all_of_it() {
    let server = Provider::start([Answer::status(500), Answer::status(401)]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let mut conn = database.connect();
    conn.batch_execute("set session authorization audit_operator")
        .unwrap();
    let noon = At::noon();
    for clock in [noon, noon.later(TimeDelta::minutes(1))] {
        run_once(&mut conn, &mut options(), &clock).unwrap();
    }
    assert!(resume_channel(&mut conn, "ops").unwrap());
    let report = run_once(
        &mut conn,
        &mut options(),
        &noon.later(TimeDelta::minutes(2)),
    )
    .unwrap();
    assert!(!report.delivered.is_empty());
    for statement in [
        "delete from audit.outbox",
        "update audit.alert set state = 'firing'",
        "delete from audit.delivery_attempt",
    ] {
        assert!(conn.batch_execute(statement).is_err(), "{statement}");
    }
}

#[test]
fn a_message_about_a_rule_shows_how_it_fails() {
    let server = Provider::start([]);
    let database = database();
    run(
        &database,
        r#"create table public.orders (name text primary key, amount numeric);
        select audit.watch('public.orders');
        select audit.declare_rule('public.orders', 'positive', 'range', '{"column": "amount", "min": 0}', severity => 'critical');
        select audit.compile('public.orders');
        insert into audit.alert_policy (name, definition)
        values ('bad_rows', '{"on": "rules", "when": "failing > 0", "severity": "inherit"}');
        insert into audit.route (position, definition) values (1, '{"to": ["ops"]}');
        begin; select audit.set_context('ana'); insert into orders values ('first', 1), ('second', -1); commit;
        insert into orders values ('17', -2), ('18', -3)"#,
    );
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let now = At {
        now: Utc::now() + TimeDelta::minutes(1),
        wall: Utc::now() + TimeDelta::minutes(1),
    };
    once(&database, now);
    let text = server.requests()[0].json()["text"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("  last 24 hours"))
        .take(3)
        .collect();
    assert_eq!(
        shown,
        [
            "  last 24 hours  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█  at most 3 rows in an hour",
            "  for example    17, 18, s•••d",
            "  written by     postgres, ana",
        ]
    );
}

#[test]
fn a_message_about_a_summary_shows_the_course_of_its_group() {
    let server = Provider::start([]);
    let database = database();
    run(
        &database,
        r#"create table public.orders (id integer primary key, shop text, at timestamptz);
        select audit.watch('public.orders');
        select audit.declare_summary('public.orders', 'orders_by_hour', '{
            "bucket": {"column": "at", "width": "1 hour", "time_zone": "UTC"},
            "group_by": [{"name": "shop", "expression": "shop"}],
            "measures": [{"name": "anything", "function": "count", "expression": null},
                         {"name": "orders", "function": "count", "expression": null}]}');
        select audit.compile('public.orders');
        insert into audit.alert_policy (name, definition)
        values ('rush', '{"on": "orders_by_hour", "when": "orders >= 8", "severity": "critical"}');
        insert into audit.route (position, definition) values (1, '{"to": ["ops"]}');
        insert into orders select n, 'north', '2013-02-08 16:30Z' from generate_series(1, 8) as n;
        insert into orders select 10 + n, 'north', '2013-02-08 13:30Z' from generate_series(1, 4) as n;
        insert into orders select 20 + n, 'south', '2013-02-08 14:30Z' from generate_series(1, 7) as n;
        insert into orders values (30, 'north', '2013-02-07 16:30Z'), (31, 'north', '2013-02-08 17:30Z')"#,
    );
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let quarter_to = At {
        now: "2013-02-08T16:45:00Z".parse().unwrap(),
        ..At::noon()
    };
    once(&database, quarter_to);
    let text = server.requests()[0].json()["text"].to_string();
    assert!(
        text.contains("orders, last 24 hours  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▅▁▁█  at most 8 in an hour"),
        "{text}"
    );
}

#[test]
fn a_summary_that_can_not_be_read_holds_up_no_message() {
    let server = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    audit_schema::tick(&mut database.connect(), At::noon().now).unwrap();
    run(
        &database,
        r#"update audit.summary set definition = definition || '{"bucket": {"column": "at", "width": "1 day", "time_zone": "UTC"}}'"#,
    );
    let delivered = once(&database, At::noon()).delivered;
    assert_eq!(
        delivered[0].subject,
        "Critical: public.trouble, trouble, T1"
    );
}

#[test]
fn another_channel_tells_of_one_that_is_not_reached_for_long() {
    let server = Provider::start((0..4).map(|_| Answer::status(503)));
    let other = Provider::start([]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    declare_channel(&database, "spare", "resend", resend(&other.url()));
    let mut clock = At::noon();
    for _ in 0..5 {
        once(&database, clock);
        clock = clock.later(TimeDelta::hours(1));
    }
    // Then it is reached again.
    once(&database, clock);
    let said: Vec<String> = other
        .requests()
        .iter()
        .map(|request| {
            request.json()["text"]
                .as_str()
                .unwrap()
                .lines()
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(
        said[0],
        "channel ops is not reached, 1 messages wait: the provider answered 503"
    );
    assert!(said[1].starts_with("Over after "), "{said:?}");
    assert_eq!(server.requests().len(), 5);
}
