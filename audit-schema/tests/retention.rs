//! What is over is dropped when it is older than it is kept, step by step; what is open stays, no counter changes, and the
//! chain of seals goes on.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::testing::Database;
use chrono::{TimeDelta, Utc};
use diesel::PgConnection;
use insta::assert_snapshot;
use proptest::prelude::*;
use shared::{orders, refused, rule, run, show, tick, wrong};

/// Two watched tables: `orders`, of which everything is kept for a day, and `items`, which says nothing.
fn shop() -> (Database, PgConnection) {
    let (database, mut db) = orders();
    run(
        &mut db,
        r#"create table items (id integer primary key); select audit.watch('items');
        select audit.declare_retention('orders', '{"changes": "1 day", "findings": "1 day", "quarantine": "1 day", "rejections": "1 day", "checks": "1 day"}')"#,
    );
    (database, db)
}

/// Lets retention work two days from now, until nothing is left to drop.
fn two_days_later(db: &mut PgConnection) {
    for _ in 0..100 {
        if show(db, "select audit.retain(now() + interval '2 days')") == "(0)" {
            return;
        }
    }
    panic!("retention does not come to an end");
}

/// What readers see of counters and summaries.
fn counted(db: &mut PgConnection) -> String {
    [
        "select * from audit.table_counter order by 1",
        "select * from audit.rule_counter order by 1",
        "select * from audit.rule_activity order by 1, 2",
        "select * from audit.table_activity order by 1, 2, 3, 4",
        "select table_id, released, discarded from audit.quarantine_status order by 1",
        "select delivered, segments from audit.pipeline_status",
        "select * from audit_compiled.by_region order by 1",
    ]
    .map(|query| show(db, query))
    .join("\n")
}

const BY_REGION: &str = r#"select audit.declare_summary('orders', 'by_region', '{"group_by": [{"name": "region", "expression": "region"}], "measures": [{"name": "orders", "function": "count"}, {"name": "largest", "function": "max", "expression": "amount"}]}'); select audit.compile('orders')"#;

#[test]
fn what_is_old_goes_and_counters_summaries_and_seals_stay() {
    let (_database, mut db) = shop();
    rule(
        &mut db,
        r#"'positive', 'range', '{"column": "amount", "min": 0}'"#,
    );
    rule(
        &mut db,
        r#"'small', 'range', '{"column": "amount", "max": 9}', action => 'quarantine'"#,
    );
    rule(
        &mut db,
        r#"'sold', 'not_null', '{"column": "region"}', action => 'reject'"#,
    );
    run(&mut db, BY_REGION);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, null), (2, 'US', 5, null), (3, 'EU', 99, null), (4, 'EU', 98, null);
         insert into items values (1), (2); update orders set amount = 2 where id = 2;
         select audit.discard_held('{\"key\": \"3\"}', 'odd'); select audit.edit_held('{\"key\": \"4\"}', '{\"amount\": 1}'); select audit.release_held('{\"key\": \"4\"}')",
    );
    reject(&mut db, "insert into orders values (9, null, 1, null)");
    run(
        &mut db,
        "do $$ declare id bigint := audit.begin_check('orders', null, true); begin while (select ended_at is null from audit.check_run) loop perform audit.check_batch(id, 100); end loop; end $$",
    );
    tick(&mut db);
    let before = counted(&mut db);
    let rows = "select (select count(*) from audit.segment), (select count(*) from audit.finding), (select count(*) from audit.quarantine), (select count(*) from audit.quarantine_event), (select count(*) from audit.rejection), (select count(*) from audit.check_run)";
    assert_eq!(show(&mut db, "select audit.retain()"), "(0)");
    assert_snapshot!(show(&mut db, rows), @"(4,3,2,3,1,1)");
    two_days_later(&mut db);
    assert_snapshot!(show(&mut db, rows), @"(1,0,0,0,0,0)");
    assert_eq!(counted(&mut db), before);
    assert_eq!(wrong(&mut db), "");

    // What is written afterwards is chained to what is there no more.
    run(
        &mut db,
        "insert into orders values (10, 'EU', -1, null); insert into items values (3)",
    );
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
    assert_snapshot!(show(&mut db, "select regexp_replace(found, '\\d{4}-.*?(,|$)', '…\\1', 'g') from audit.verify() where kind = 'seals'"), @r#"("unbroken chain from segment 4 on; retention dropped 3, the last on …, with changes until …")"#);
}

/// Keeps the evidence of a statement that is refused.
fn reject(db: &mut PgConnection, statement: &str) {
    match diesel::connection::SimpleConnection::batch_execute(db, statement) {
        Err(diesel::result::Error::DatabaseError(_, information)) => {
            let evidence = information
                .details()
                .unwrap_or_default()
                .replace('\'', "''");
            run(db, &format!("select audit.record_rejection('{evidence}')"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_log_says_where_it_begins_and_refuses_what_lies_before() {
    let (_database, mut db) = shop();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null); insert into items values (1)",
    );
    tick(&mut db);
    run(&mut db, "update orders set amount = 2");
    two_days_later(&mut db);
    for query in [
        "select audit.as_of('orders', (select watched_at from audit.watched_table where name = 'public.orders'))",
        "select audit.replay_differences('orders')",
    ] {
        let said = refused(&mut db, query);
        assert!(
            said.starts_with("log_was_dropped: the log of public.orders begins at 20"),
            "{said}"
        );
    }
    // From where it begins on it is whole.
    assert_eq!(
        show(
            &mut db,
            "select a.key, a.row ->> 'amount' from audit.watched_table w cross join lateral audit.as_of('orders'::regclass, w.kept_from) a where w.name = 'public.orders'"
        ),
        "(1,1)"
    );
    assert_eq!(
        show(&mut db, "select op from audit.history('orders', '1')"),
        "(U)"
    );
    assert_eq!(
        show(
            &mut db,
            "select p.log_from = i.watched_at, w.kept_from > w.watched_at, i.kept_from is null from audit.pipeline_status p, audit.watched_table w, audit.watched_table i where w.name = 'public.orders' and i.name = 'public.items'"
        ),
        "(t,t,t)"
    );
    let watched = audit_schema::inspect::watched_table(&mut db, "orders")
        .unwrap()
        .unwrap();
    assert!(watched.kept_from.is_some());
    assert_eq!(
        audit_schema::inspect::replayable_tables(&mut db).unwrap(),
        ["public.items"]
    );
}

#[test]
fn what_is_open_is_never_dropped() {
    let (_database, mut db) = shop();
    rule(
        &mut db,
        r#"'small', 'range', '{"column": "amount", "max": 9}', action => 'quarantine'"#,
    );
    run(
        &mut db,
        r#"select audit.declare_retention(null, '{"alerts": "1 day", "deliveries": "1 day"}');
        insert into orders values (1, 'EU', 99, null);
        select audit.begin_check('orders', null, true);
        insert into audit.channel (name, provider) values ('disk', 'file');
        insert into audit.alert (fingerprint, policy, severity, title, state, opened_at, last_held_at, resolved_at)
        select n::text, 'p', 'low', 't', case when n = 1 then 'firing' else 'resolved' end, now(), now(), case when n > 1 then now() end
        from generate_series(1, 4) n;
        update audit.alert set stays_resolved = true where fingerprint = '3';
        insert into audit.alert_transition (alert_id, to_state, at) select alert_id, 'firing', now() from audit.alert;
        -- The first alert is open, the second is over and its message is on its way, the third is kept quiet, the fourth is over.
        insert into audit.outbox (alert_id, alert_transition_id, channel_id, kind, thread, at, state, delivered_at)
        select t.alert_id, t.alert_transition_id, c.channel_id, 'firing', gen_random_uuid(), now(), case a.fingerprint when '2' then 'ready' else 'delivered' end, case a.fingerprint when '2' then null else now() end
        from audit.alert_transition t join audit.alert a using (alert_id) cross join audit.channel c;
        insert into audit.delivery_attempt (delivery_id, attempt, outcome) select delivery_id, 1, 'delivered' from audit.outbox"#,
    );
    tick(&mut db);
    two_days_later(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select (select count(*) from audit.quarantine), (select count(*) from audit.check_run)"
        ),
        "(1,1)"
    );
    assert_eq!(
        show(
            &mut db,
            "select a.fingerprint, o.state, count(d.delivery_id) from audit.alert a left join audit.outbox o using (alert_id) left join audit.delivery_attempt d using (delivery_id) group by 1, 2 order by 1"
        ),
        "(1,delivered,1)\n(2,ready,1)\n(3,,0)"
    );
    assert_eq!(
        show(&mut db, "select delivered from audit.pipeline_status"),
        "(3)"
    );
}

#[test]
fn a_message_that_told_of_an_open_alert_stays() {
    let (_database, mut db) = shop();
    run(
        &mut db,
        r#"select audit.declare_retention(null, '{"alerts": "1 day", "deliveries": "1 day"}');
        insert into audit.channel (name, provider) values ('disk', 'file');
        insert into audit.alert (fingerprint, policy, severity, title, state, opened_at, last_held_at, resolved_at)
        values ('open', 'p', 'low', 't', 'firing', now(), now(), null), ('over', 'p', 'low', 't', 'resolved', now(), now(), now());
        insert into audit.alert_transition (alert_id, to_state, at) select alert_id, 'firing', now() from audit.alert;
        insert into audit.outbox (alert_id, alert_transition_id, channel_id, kind, more, thread, at, state, delivered_at)
        select t.alert_id, t.alert_transition_id, c.channel_id, 'several', array(select t.alert_transition_id from audit.alert_transition t join audit.alert a using (alert_id) where a.fingerprint = 'open'), gen_random_uuid(), now(), 'delivered', now()
        from audit.alert_transition t join audit.alert a using (alert_id) cross join audit.channel c where a.fingerprint = 'over'"#,
    );
    two_days_later(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select (select count(*) from audit.alert), (select count(*) from audit.outbox)"
        ),
        "(2,1)"
    );
    run(
        &mut db,
        "update audit.alert set state = 'resolved', resolved_at = now()",
    );
    two_days_later(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select (select count(*) from audit.alert), (select count(*) from audit.outbox)"
        ),
        "(0,0)"
    );
}

#[test]
fn nobody_else_drops_anything() {
    let (_database, mut db) = shop();
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    tick(&mut db);
    two_days_later(&mut db);
    for table in ["change", "segment", "dropped_segment", "finding"] {
        assert!(
            refused(&mut db, &format!("delete from audit.{table}"))
                .starts_with("log_is_append_only"),
            "{table}"
        );
    }
    for table in [
        "alert_transition",
        "delivery_attempt",
        "quarantine_event",
        "time_rule_transition",
    ] {
        assert!(
            refused(&mut db, &format!("delete from audit.{table}"))
                .starts_with("history_is_append_only"),
            "{table}"
        );
    }
    for role in ["audit_reader", "audit_operator", "audit_admin"] {
        assert!(
            refused(
                &mut db,
                &format!("begin; set local role {role}; delete from audit.dropped_segment")
            )
            .contains("permission denied")
        );
        run(&mut db, "rollback");
    }
}

/// Segments as if they had been sealed six years ago, and the chain after them anew.
const LONG_AGO: &str = "
    create function long_ago(upto bigint) returns void language plpgsql as $$
    declare s audit.segment; before bytea := '';
    begin
        perform audit._add_partition('2020-01-01');
        set local session_replication_role = replica;
        update audit.segment g
        set month = '2020-01-01', at_lo = g.at_lo - interval '6 years', at_hi = g.at_hi - interval '6 years', ats = array(select a - interval '6 years' from unnest(g.ats) a)
        where g.segment_id <= upto;
        for s in select g.* from audit.segment g order by g.segment_id loop
            s.previous := before;
            before := audit._digest(s);
            update audit.segment g set previous = s.previous, digest = before where g.segment_id = s.segment_id;
        end loop;
        set local session_replication_role = origin;
    end $$";

#[test]
fn a_month_of_which_nothing_is_kept_goes_as_a_whole() {
    let (_database, mut db) = shop();
    for id in 1..6 {
        run(
            &mut db,
            &format!("insert into orders values ({id}, 'EU', 1, null)"),
        );
        tick(&mut db);
    }
    run(&mut db, LONG_AGO);
    run(&mut db, "select long_ago(3)");
    assert_eq!(wrong(&mut db), "");
    let month = "select to_regclass('audit.segment_2020_01') is not null, (select count(*) from audit.segment), (select array_agg(to_segment - from_segment + 1) from audit.dropped_segment)";
    assert_eq!(show(&mut db, month), "(t,5,)");
    // Whoever reads the month is not waited for: its segments go one by one.
    let mut reader = _database.connect();
    run(
        &mut reader,
        "begin; select count(*) from audit.segment_2020_01",
    );
    assert_eq!(show(&mut db, "select audit.retain(most => 10)"), "(1)");
    assert_eq!(show(&mut db, month), "(t,4,{1})");
    run(&mut reader, "commit");
    run(&mut db, "select audit.retain()");
    assert_eq!(show(&mut db, month), "(f,2,\"{1,2}\")");
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_month_with_something_that_is_kept_loses_the_rest() {
    let (_database, mut db) = shop();
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    tick(&mut db);
    run(&mut db, "insert into items values (1)");
    tick(&mut db);
    run(&mut db, "insert into orders values (2, 'EU', 1, null)");
    tick(&mut db);
    run(&mut db, LONG_AGO);
    run(&mut db, "select long_ago(3); select audit.retain()");
    assert_eq!(show(&mut db, "select segment_id from audit.segment"), "(2)");
    assert_eq!(wrong(&mut db), "");
    // Also when nothing is left the next segment is chained to the last one.
    run(
        &mut db,
        r#"select audit.declare_retention('items', '{"changes": "1 year"}'); select audit.retain()"#,
    );
    assert_eq!(show(&mut db, "select count(*) from audit.segment"), "(0)");
    run(&mut db, "insert into items values (2)");
    tick(&mut db);
    assert_eq!(show(&mut db, "select segment_id from audit.segment"), "(4)");
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn tampering_shows_after_retention_as_before() {
    let (_database, mut db) = shop();
    for id in 1..4 {
        run(
            &mut db,
            &format!("insert into orders values ({id}, 'EU', 1, null)"),
        );
        tick(&mut db);
        run(&mut db, &format!("insert into items values ({id})"));
        tick(&mut db);
    }
    two_days_later(&mut db);
    assert_eq!(wrong(&mut db), "");
    for tampering in [
        "delete from audit.segment where segment_id = 4",
        "update audit.segment set digest = sha256('x') where segment_id = 2",
        "delete from audit.dropped_segment where from_segment = 1",
        "delete from audit.dropped_segment where from_segment = 5",
        "update audit.dropped_segment set rows = 7 where from_segment = 3",
        "update audit.dropped_segment set digest = sha256('x') where from_segment = 3",
        "delete from audit.segment where segment_id = 6; delete from audit.dropped_segment where from_segment = 3",
        "delete from audit.segment where segment_id = 4; update audit.dropped_segment set to_segment = 5, digest = (select digest from audit.dropped_segment where from_segment = 5) where from_segment = 3; delete from audit.dropped_segment where from_segment = 5",
    ] {
        run(
            &mut db,
            &format!("begin; set local session_replication_role = replica; {tampering}"),
        );
        assert!(wrong(&mut db).contains("broken at segment"), "{tampering}");
        run(&mut db, "rollback");
    }
}

#[test]
fn one_step_drops_no_more_than_it_is_told_to() {
    let (_database, mut db) = shop();
    rule(
        &mut db,
        r#"'positive', 'range', '{"column": "amount", "min": 0}'"#,
    );
    for id in 1..8 {
        run(
            &mut db,
            &format!("insert into orders values ({id}, 'EU', -1, null)"),
        );
    }
    tick(&mut db);
    let step = "select audit.retain(now() + interval '2 days', most => 3)";
    let dropped: Vec<String> = (0..4).map(|_| show(&mut db, step)).collect();
    assert_eq!(dropped, ["(4)", "(3)", "(1)", "(0)"]);
}

#[test]
fn a_table_says_otherwise_than_the_defaults_and_the_log_of_one_that_is_not_watched_any_more_goes_too()
 {
    let (_database, mut db) = orders();
    run(
        &mut db,
        r#"create table items (id integer primary key); select audit.watch('items');
        create table past (id integer primary key); select audit.watch('past');
        select audit.declare_retention(null, '{"changes": "1 day", "findings": "forever"}');
        select audit.declare_retention('items', '{"changes": "forever"}');
        insert into orders values (1, 'EU', 1, null); insert into items values (1); insert into past values (1)"#,
    );
    tick(&mut db);
    run(&mut db, "select audit.unwatch('past')");
    two_days_later(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select w.name from audit.segment s join audit.watched_table w using (table_id)"
        ),
        "(public.items)"
    );
    assert_eq!(
        show(&mut db, "select kind, keep from audit.retention"),
        "(changes,\"1 day\")"
    );
}

#[test]
fn what_is_not_how_long_something_can_be_kept_is_refused() {
    let (_database, mut db) = orders();
    let said = [
        r#"select audit.declare_retention('orders', '{"alerts": "1 day"}')"#,
        r#"select audit.declare_retention(null, '{"changes": "soon"}')"#,
        r#"select audit.declare_retention(null, '{"changes": "0 days"}')"#,
        r#"select audit.declare_retention('pg_class', '{"changes": "1 day"}')"#,
    ]
    .map(|statement| refused(&mut db, statement));
    assert_snapshot!(said.join("\n"), @r"
    retention_kind_is_not_known: nothing is kept under the name `alerts`
    retention_is_not_a_length_of_time: `soon` is not how long something can be kept
    retention_is_not_a_length_of_time: `0 days` is not how long something can be kept
    table_is_not_watched: pg_class is not watched
    ");
}

#[test]
fn the_tick_drops_and_doctor_says_when_it_does_not() {
    let (_database, mut db) = shop();
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    tick(&mut db);
    let lag = "select remark from audit.doctor() where remark = 'retention_lags'";
    assert_eq!(show(&mut db, lag), "");
    run(
        &mut db,
        "update audit.progress set retained_at = now() - interval '2 days'",
    );
    assert_eq!(show(&mut db, lag), "(retention_lags)");
    let report = audit_schema::tick(&mut db, Utc::now() + TimeDelta::days(2)).unwrap();
    assert_eq!(report.dropped, 1);
    assert_eq!(show(&mut db, lag), "");
    // Nothing is looked for again in the ten minutes after.
    run(&mut db, "insert into orders values (2, 'EU', 1, null)");
    tick(&mut db);
    let report = audit_schema::tick(&mut db, Utc::now() + TimeDelta::days(2)).unwrap();
    assert_eq!(report.dropped, 0);
}

#[test]
fn a_time_driven_rule_keeps_how_it_came_to_be_as_it_is() {
    let (_database, mut db) = shop();
    rule(
        &mut db,
        r#"'some', 'sql', '{"query": "select from public.orders", "every": "1 minute"}'"#,
    );
    for (minute, change) in [
        "select 1",
        "insert into orders values (1, 'EU', 1, null)",
        "delete from orders",
    ]
    .iter()
    .enumerate()
    {
        run(&mut db, change);
        run(
            &mut db,
            &format!(
                "select audit.ask_rule(due, now() + interval '{} minutes') from audit.due_rules(now() + interval '{0} minutes') due",
                2 * minute
            ),
        );
    }
    assert_eq!(
        show(
            &mut db,
            "select to_state from audit.time_rule_transition order by 1"
        ),
        "(failing)\n(ok)\n(ok)"
    );
    two_days_later(&mut db);
    assert_eq!(
        show(&mut db, "select to_state from audit.time_rule_transition"),
        "(ok)"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_dropped_counters_and_seals_stay_right(
        steps in proptest::collection::vec((0..6_u8, 1..9_i32, 1..40_i64), 1..25)
    ) {
        let (_database, mut db) = shop();
        rule(&mut db, r#"'positive', 'range', '{"column": "amount", "min": 0}'"#);
        run(&mut db, BY_REGION);
        for (kind, id, most) in steps {
            match kind {
                0 => run(&mut db, &format!("insert into orders values ({id}, 'EU', {id} - 4, null) on conflict (id) do update set amount = orders.amount - 1")),
                1 => run(&mut db, &format!("insert into items values ({id}) on conflict do nothing; delete from items where id = {id} - 1")),
                2 => run(&mut db, &format!("delete from orders where id = {id}")),
                3 => run(&mut db, "truncate orders"),
                4 => tick(&mut db),
                _ => {
                    let before = counted(&mut db);
                    run(&mut db, &format!("select audit.retain(now() + interval '2 days', most => {most})"));
                    prop_assert_eq!(counted(&mut db), before);
                }
            }
        }
        tick(&mut db);
        prop_assert_eq!(wrong(&mut db), "");
        prop_assert_eq!(show(&mut db, "select audit.replay_differences('items')"), "(0)");
    }
}
