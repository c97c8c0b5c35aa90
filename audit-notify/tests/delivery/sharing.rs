//! Channels, recipients and workers that share the work of one outbox.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use audit_notify::{Channel, Options, Outcome, round, run_once};
use audit_schema::testing::Database;
use chrono::TimeDelta;
use serde_json::json;

use crate::plant::{
    At, Board, count, declare_channel, once, options, outcomes, resend, run, trouble,
};
use crate::provider::{Answer, Provider};
use crate::rogue::{Deed, Rogue};

/// A message about every alert that there is, past the cap of a channel, for one channel.
fn flood(database: &Database, channel: &str) {
    run(
        database,
        &format!(
            "insert into audit.outbox
             select (jsonb_populate_record(kept.delivery, jsonb_build_object(
                 'delivery_id', gen_random_uuid(), 'alert_id', told.alert_id, 'thread', told.alert_id,
                 'alert_transition_id', told.alert_transition_id))).*
             from (select o as delivery, o.channel_id from audit.outbox o join audit.channel c using (channel_id)
                   where c.name = '{channel}' and o.kind = 'firing' limit 1) as kept
             cross join audit.alert_transition as told
             where told.to_state = 'firing'
                 and not exists (
                     select from audit.outbox o
                     where o.alert_transition_id = told.alert_transition_id and o.channel_id = kept.channel_id)"
        ),
    );
}

#[test]
fn many_messages_of_one_channel_do_not_keep_another_waiting() {
    let (busy, quiet) = (Provider::start([]), Provider::start([]));
    let database = trouble(300);
    declare_channel(&database, "busy", "resend", resend(&busy.url()));
    declare_channel(&database, "quiet", "resend", resend(&quiet.url()));
    run(
        &database,
        "update audit.route set definition = '{\"to\": [\"busy\"]}'",
    );
    let noon = At::noon().later(TimeDelta::hours(1));
    audit_schema::tick(&mut database.connect(), noon.now).unwrap();
    flood(&database, "busy");
    run(
        &database,
        "update audit.route set definition = '{\"to\": [\"quiet\"]}'; insert into public.trouble values ('late')",
    );
    let mut options = Options {
        batch: 5,
        ..options()
    };
    let report = run_once(&mut database.connect(), &mut options, &noon).unwrap();
    let place = report
        .delivered
        .iter()
        .position(|delivered| delivered.channel == "quiet");
    assert!(place.is_some_and(|place| place <= 5), "{place:?}");
    assert!(report.delivered.len() > 290, "{}", report.delivered.len());
}

#[test]
fn four_workers_deliver_a_flood_once() {
    let server = Provider::start([]);
    let database = trouble(400);
    declare_channel(&database, "ops", "resend", resend(&server.url()));
    let noon = At::noon().later(TimeDelta::hours(1));
    audit_schema::tick(&mut database.connect(), noon.now).unwrap();
    flood(&database, "ops");
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let database = &database;
            scope.spawn(move || {
                let mut options = Options {
                    worker: format!("worker {worker}"),
                    ..options()
                };
                round(
                    &mut database.connect(),
                    &mut options,
                    &noon,
                    &AtomicBool::new(false),
                )
                .unwrap();
            });
        }
    });
    once(&database, noon);
    assert_eq!(
        count(&database, "audit.outbox where state <> 'delivered'"),
        0
    );
    let mut keys: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.header("idempotency-key").to_owned())
        .collect();
    assert_eq!(
        i64::try_from(keys.len()).unwrap(),
        count(&database, "audit.outbox")
    );
    keys.sort();
    keys.dedup();
    assert_eq!(
        i64::try_from(keys.len()).unwrap(),
        count(&database, "audit.outbox")
    );
}

#[test]
fn whatever_a_provider_does_nothing_is_lost_and_every_attempt_is_the_same() {
    let rogue = Rogue::start([
        Deed::Reset,
        Deed::Say(String::new()),
        Deed::Say("220 mail.example.com ESMTP\r\n".to_owned()),
        Deed::Say("HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nshort".to_owned()),
        Deed::Say(
            "HTTP/1.1 302 Over there\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
        Deed::Say("HTTP/1.1 429 Slowly\r\ncontent-length: 0\r\n\r\n".to_owned()),
        Deed::Say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":".to_owned()),
    ]);
    let database = trouble(1);
    declare_channel(&database, "ops", "resend", resend(&rogue.url()));
    let mut clock = At::noon();
    for _ in 0..9 {
        once(&database, clock);
        clock = clock.later(TimeDelta::hours(7));
    }
    assert_eq!(
        outcomes(&database),
        "1 failed, 2 failed, 3 failed, 4 failed, 5 failed 302, 6 failed 429, 7 delivered 200"
    );
    let requests = rogue.requests();
    assert_eq!(requests.len(), 7, "what was delivered is not sent again");
    let bare = |request: &String| request.replace(&rogue.url()["http://".len()..], "");
    assert!(
        requests
            .iter()
            .all(|request| bare(request) == bare(&requests[0]))
    );
}

#[test]
fn a_dead_recipient_is_left_out_and_the_others_get_the_message() {
    let named = |names: &str| {
        let message =
            format!("You tried to send to inactive recipients. Found inactive addresses: {names}.");
        Answer::json(422, json!({ "ErrorCode": 406, "Message": message }))
    };
    let taken = Answer::json(
        200,
        json!({ "ErrorCode": 0, "Message": "OK", "MessageID": "m" }),
    );
    let server = Provider::start([named("ann@example.com"), taken, named("bob@example.com")]);
    let database = trouble(1);
    let definition = json!({ "postmark": {
        "from": "audit@example.com", "to": ["Ann <ann@example.com>", "bob@example.com"],
        "api_key": { "env": "KEY" }, "base_url": server.url(), "allow_private": true,
    }});
    declare_channel(&database, "ops", "postmark", definition);
    let noon = At::noon();
    let report = once(&database, noon);
    assert_eq!(
        report.left_out,
        [("ops".to_owned(), "Ann <ann@example.com>".to_owned())]
    );
    assert_eq!(report.outcome(), Outcome::Delayed);
    assert_eq!(
        once(&database, noon.later(TimeDelta::minutes(1)))
            .delivered
            .len(),
        1
    );
    assert_eq!(server.requests()[1].json()["To"], "bob@example.com");

    // When nobody is left, nobody is asked.
    run(&database, "insert into public.trouble values ('new')");
    assert_eq!(
        once(&database, noon.later(TimeDelta::minutes(2))).outcome(),
        Outcome::Trouble
    );
    run(&database, "insert into public.trouble values ('newer')");
    let report = once(&database, noon.later(TimeDelta::minutes(3)));
    assert_eq!(
        report.dead[0].error,
        "every recipient of the channel is dead"
    );
    assert_eq!(server.requests().len(), 3);
    assert_eq!(
        count(&database, "audit.dead_recipient where channel = 'ops'"),
        2
    );
}

#[test]
fn a_program_brings_along_a_channel_of_its_own() {
    let database = trouble(1);
    declare_channel(&database, "ops", "custom", json!({ "custom": {} }));
    let noon = At::noon();
    let report = once(&database, noon);
    let why = "the channel is a custom one, and this program has none of its name";
    assert_eq!(report.unusable, [("ops".to_owned(), why.to_owned())]);

    let board = Arc::new(Board::default());
    let mut options = Options {
        channels: [("ops".to_owned(), Arc::clone(&board) as Arc<dyn Channel>)].into(),
        ..options()
    };
    let report = run_once(
        &mut database.connect(),
        &mut options,
        &noon.later(TimeDelta::minutes(1)),
    )
    .unwrap();
    assert_eq!(report.outcome(), Outcome::Done);
    assert_eq!(*board.subjects(), ["Critical: public.trouble, trouble, T1"]);
}

#[test]
fn pagerduty_hears_who_took_an_alert_on_and_people_do_not() {
    let taken = || Answer::json(202, json!({ "status": "success", "dedup_key": "k" }));
    let (pager, mail) = (
        Provider::start([taken(), taken(), taken()]),
        Provider::start([]),
    );
    let database = trouble(1);
    let definition = json!({ "pagerduty": {
        "routing_key": { "env": "KEY" }, "base_url": pager.url(), "allow_private": true,
    }});
    declare_channel(&database, "ops", "pagerduty", definition);
    declare_channel(&database, "mail", "resend", resend(&mail.url()));
    run(
        &database,
        "update audit.route set definition = '{\"to\": [\"ops\", \"mail\"]}'",
    );
    let noon = At::noon();
    once(&database, noon);
    run(
        &database,
        "select audit.acknowledge(alert_id, clock => '2013-02-08 17:00Z') from audit.alert",
    );
    let later = noon.later(TimeDelta::minutes(1));
    assert_eq!(once(&database, later).delivered.len(), 1);
    run(&database, "delete from public.trouble");
    once(&database, later);
    let events: Vec<(String, String)> = pager
        .requests()
        .iter()
        .map(|request| {
            let event = request.json();
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            (text("event_action"), text("dedup_key"))
        })
        .collect();
    let actions: Vec<&str> = events.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
    assert!(events.iter().all(|(_, key)| *key == events[0].1));
    assert_eq!(mail.requests().len(), 2);
}
