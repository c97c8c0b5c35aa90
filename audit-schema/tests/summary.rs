//! Summaries are what a GROUP BY gives, in every snapshot.
#![cfg(feature = "embedded")]

mod shared;

use std::sync::atomic::{AtomicBool, Ordering};

use shared::{orders, refused, rule, run, show, tick, watched, wrong};

const BY_REGION: &str = r#"select audit.declare_summary('orders', 'by_region', '{
    "group_by": [{"name": "region", "expression": "region"}],
    "measures": [{"name": "orders", "function": "count"}, {"name": "noted", "function": "count_if", "expression": "note is not null"},
        {"name": "total", "function": "sum", "expression": "amount"}, {"name": "mean", "function": "avg", "expression": "amount"}]}');
    select audit.compile('orders')"#;

#[test]
fn a_summary_follows_inserts_updates_deletes_and_truncates() {
    let (_database, mut db) = orders();
    run(&mut db, BY_REGION);
    let shown = "select region, orders, noted, total, round(mean, 2) from audit_compiled.by_region order by region";
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', 2, null), (3, null, null, null)",
    );
    assert_eq!(show(&mut db, shown), "(EU,2,1,3,1.50)\n(,1,0,,)");
    tick(&mut db);
    assert_eq!(show(&mut db, shown), "(EU,2,1,3,1.50)\n(,1,0,,)");
    run(
        &mut db,
        "update orders set region = 'US', amount = 5 where id = 1; delete from orders where id = 3",
    );
    assert_eq!(show(&mut db, shown), "(EU,1,0,2,2.00)\n(US,1,1,5,5.00)");
    run(
        &mut db,
        "truncate orders; insert into orders values (9, 'EU', 9, null)",
    );
    assert_eq!(show(&mut db, shown), "(EU,1,0,9,9.00)");
    tick(&mut db);
    assert_eq!(show(&mut db, shown), "(EU,1,0,9,9.00)");
    run(&mut db, "truncate orders");
    tick(&mut db);
    assert_eq!(show(&mut db, shown), "");
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit_compiled.by_region_base"
        ),
        "(0)"
    );
}

#[test]
fn buckets_follow_the_calendar_of_their_time_zone() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer primary key, at timestamptz, local timestamp, day date)",
    );
    for (name, column, width) in [
        ("a", "at", "1 day"),
        ("b", "local", "1 day"),
        ("c", "day", "1 month"),
        ("d", "at", "15 minutes"),
    ] {
        run(
            &mut db,
            &format!(
                r#"select audit.declare_summary('orders', '{name}', '{{"bucket": {{"column": "{column}", "width": "{width}", "time_zone": "America/New_York"}}, "group_by": [], "measures": [{{"name": "orders", "function": "count"}}]}}')"#
            ),
        );
    }
    run(
        &mut db,
        "select audit.compile('orders'); set timezone = 'America/New_York'",
    );
    // 10 March 2013 has 23 hours there.
    run(
        &mut db,
        "insert into orders values (1, '2013-03-10 00:30-05', '2013-03-10 00:30', '2013-03-10'), (2, '2013-03-10 23:59-04', '2013-03-10 23:59', '2013-03-31'), (3, '2013-03-11 00:00-04', '2013-03-11 00:00', '2013-04-01')",
    );
    for _ in 0..2 {
        assert_eq!(
            show(&mut db, "select * from audit_compiled.a order by 1"),
            "(\"2013-03-10 00:00:00-05\",2)\n(\"2013-03-11 00:00:00-04\",1)"
        );
        assert_eq!(
            show(&mut db, "select * from audit_compiled.b order by 1"),
            "(\"2013-03-10 00:00:00-05\",2)\n(\"2013-03-11 00:00:00-04\",1)"
        );
        assert_eq!(
            show(&mut db, "select * from audit_compiled.c order by 1"),
            "(\"2013-03-01 00:00:00-05\",2)\n(\"2013-04-01 00:00:00-04\",1)"
        );
        assert_eq!(
            show(&mut db, "select * from audit_compiled.d order by 1"),
            "(\"2013-03-10 00:30:00-05\",1)\n(\"2013-03-10 23:45:00-04\",1)\n(\"2013-03-11 00:00:00-04\",1)"
        );
        tick(&mut db);
        assert_eq!(wrong(&mut db), "");
    }
}

#[test]
fn a_summary_declared_on_a_full_table_starts_from_a_scan() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 10) i",
    );
    run(
        &mut db,
        &format!("begin; delete from orders where id = 10; {BY_REGION}; commit"),
    );
    run(&mut db, "delete from orders where id = 1");
    assert_eq!(
        show(
            &mut db,
            "select orders, total from audit_compiled.by_region"
        ),
        "(8,44)"
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select orders, total from audit_compiled.by_region"
        ),
        "(8,44)"
    );
}

#[test]
fn a_changed_summary_starts_anew_and_a_retired_one_is_gone() {
    let (_database, mut db) = orders();
    run(&mut db, BY_REGION);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'US', 2, null)",
    );
    run(
        &mut db,
        r#"select audit.declare_summary('orders', 'by_region', '{"group_by": [], "where": "region = ''EU''", "measures": [{"name": "orders", "function": "count"}]}'); select audit.compile('orders')"#,
    );
    assert_eq!(
        show(&mut db, "select * from audit_compiled.by_region"),
        "(1)"
    );
    run(
        &mut db,
        "select audit.retire_summary(2); select audit.compile('orders')",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from pg_class where relnamespace = 'audit_compiled'::regnamespace"
        ),
        "(0)"
    );
}

#[test]
fn what_can_not_be_summed_is_refused() {
    let (_database, mut db) = orders();
    for (definition, expected) in [
        (
            r#"{"group_by": [], "measures": [{"name": "x", "function": "sum", "expression": "nothing"}]}"#,
            "predicate_is_not_valid: column \"nothing\" does not exist",
        ),
        (
            r#"{"group_by": [], "measures": [{"name": "x", "function": "count_if", "expression": "amount"}]}"#,
            "predicate_is_not_valid: argument of IS TRUE must be type boolean, not type numeric",
        ),
        (
            r#"{"bucket": {"column": "at", "width": "1 day"}, "group_by": [], "measures": []}"#,
            "column_does_not_exist: table orders has no column `at`",
        ),
    ] {
        assert_eq!(
            refused(
                &mut db,
                &format!("select audit.declare_summary('orders', 's', '{definition}')")
            ),
            expected
        );
    }
}

/// Writers on a few groups, readers in repeatable read, and two ticks at once: each read equals a GROUP BY in its snapshot.
#[test]
fn every_snapshot_is_exact_while_writers_and_ticks_run() {
    let (database, mut db) = orders();
    run(&mut db, BY_REGION);
    rule(&mut db, r#"'placed', 'not_null', '{"column": "region"}'"#);
    let database = &database;
    let done = AtomicBool::new(false);
    let done = &done;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| scope.spawn(move || {
                let mut db = database.connect();
                for round in 0..60 {
                    let from = writer * 100_000 + round * 100;
                    run(&mut db, &format!(
                        "insert into orders select i, case when i % 7 > 0 then 'r' || i % 3 end, i % 11, null from generate_series({from}, {from} + {}) i;
                        update orders set amount = amount + 1, region = 'r' || id % 2 where id between {from} and {from} + 9;
                        delete from orders where id = {from} + 3;
                        begin; update orders set amount = 1000 where id between {from} and {from} + 50; rollback;
                        insert into orders values ({from} + 99, 'r0', 1, 'x')",
                        if round % 9 == 0 { 90 } else { 12 }
                    ));
                }
            }))
            .collect();
        for _ in 0..2 {
            scope.spawn(move || {
                let mut db = database.connect();
                while !done.load(Ordering::Relaxed) {
                    run(&mut db, "select audit.tick(now(), 40)");
                }
            });
        }
        let reader = scope.spawn(move || {
            let mut db = database.connect();
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                run(&mut db, "begin isolation level repeatable read");
                let live = show(&mut db, "select region, orders, total, (select sum(failing) from audit.rule_counter), (select rows from audit.table_counter) from audit_compiled.by_region order by region");
                let scanned = show(&mut db, "select region, count(*), sum(amount), (select count(*)::numeric from orders where region is null), (select count(*) from orders) from orders group by region order by region");
                run(&mut db, "commit");
                assert_eq!(live, scanned);
                reads += 1;
            }
            reads
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 3);
    });
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}
