//! How summaries begin, change, grow old, break and end, while others write and read.
#![cfg(feature = "embedded")]

mod shared;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shared::{orders, refused, run, show, tick, watched, wrong};

const ENDS: &str = r#"select audit.declare_summary('orders', 'ends', '{
    "group_by": [{"name": "region", "expression": "region"}],
    "measures": [{"name": "orders", "function": "count"}, {"name": "total", "function": "sum", "expression": "amount"},
        {"name": "least", "function": "min", "expression": "amount"}, {"name": "most", "function": "max", "expression": "amount"},
        {"name": "spread", "function": "stddev", "expression": "amount"}]}')"#;

const SHOWN: &str = "select region, orders, total, least, most, round(spread, 3) from audit_compiled.ends order by region";

#[test]
fn ends_survive_deletes() {
    let (_database, mut db) = orders();
    run(&mut db, &format!("{ENDS}; select audit.compile('orders')"));
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 5) i",
    );
    tick(&mut db);
    run(
        &mut db,
        "delete from orders where id = 5; update orders set amount = 9 where id = 1",
    );
    for _ in 0..2 {
        assert_eq!(show(&mut db, SHOWN), "(EU,4,18,2,9,3.109)");
        tick(&mut db);
    }
    run(&mut db, "delete from orders where amount in (9, 2)");
    assert_eq!(show(&mut db, SHOWN), "(EU,2,7,3,4,0.707)");
}

#[test]
fn what_is_no_number_leaves_no_trace_when_it_goes() {
    let (_database, mut db) = orders();
    run(&mut db, &format!("{ENDS}; select audit.compile('orders')"));
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'EU', 2, null), (3, 'EU', 'NaN', null), (4, 'EU', 'Infinity', null), (5, 'EU', '-Infinity', null)",
    );
    tick(&mut db);
    run(&mut db, "delete from orders where id in (3, 5)");
    assert_eq!(show(&mut db, SHOWN), "(EU,3,Infinity,1,Infinity,NaN)");
    run(&mut db, "delete from orders where id = 4");
    for _ in 0..2 {
        assert_eq!(show(&mut db, SHOWN), "(EU,2,3,1,2,0.707)");
        tick(&mut db);
    }
    assert_eq!(
        show(
            &mut db,
            "select value, rows from audit_compiled.ends_values_4 order by 1"
        ),
        "(1,1)\n(2,1)"
    );
}

/// A summary that waits, in its scan, for a lock that the test holds.
const SLOW: &str = "create function held(id bigint) returns boolean immutable language plpgsql as
    'begin if id = 30000 then perform pg_advisory_lock_shared(7); perform pg_advisory_unlock_shared(7); end if; return true; end'";

#[test]
fn writers_go_on_and_others_see_how_far_it_came_while_a_summary_starts() {
    let (database, mut db) = orders();
    run(
        &mut db,
        &format!(
            "{SLOW}; grant execute on function held(bigint) to audit_owner; insert into orders select i, 'EU', 1, repeat('x', 50) from generate_series(1, 30000) i"
        ),
    );
    tick(&mut db);
    // Who is writing when the scan begins is not in it, and counts when he commits.
    let mut writer = database.connect();
    run(
        &mut db,
        r#"select audit.declare_summary('orders', 'slow', '{"group_by": [{"name": "region", "expression": "region"}], "where": "held(id)",
            "measures": [{"name": "orders", "function": "count"}, {"name": "total", "function": "sum", "expression": "amount"}, {"name": "most", "function": "max", "expression": "amount"}]}');
        select audit.compile('orders', start_summaries => false); select pg_advisory_lock(7)"#,
    );
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| {
            let mut db = database.connect();
            run(&mut db, "select audit.compile('orders')");
        });
        while show(&mut db, "select percent > 0 from audit.summary_progress") != "(t)" {
            std::thread::yield_now();
            assert!(!starting.is_finished());
        }
        run(
            &mut writer,
            "set lock_timeout = '20s'; begin; update orders set amount = amount + 1 where id <= 2000; insert into orders values (0, 'US', 5, null); commit; delete from orders where id between 29000 and 29999",
        );
        run(&mut db, "select audit.tick(); select pg_advisory_unlock(7)");
        starting.join().unwrap();
    });
    for _ in 0..2 {
        assert_eq!(
            show(
                &mut db,
                "select region, orders, total, most from audit_compiled.slow order by 1"
            ),
            "(EU,29000,31000,2)\n(US,1,5,5)"
        );
        tick(&mut db);
    }
    assert_eq!(wrong(&mut db), "");
    assert_eq!(show(&mut db, "select * from audit.summary_progress"), "");
}

/// An update of many rows leaves columns that it did not change out of the log, unless a summary reads them.
#[test]
fn who_logged_less_than_a_summary_reads_is_waited_for() {
    let (database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 100) i",
    );
    tick(&mut db);
    let mut writer = database.connect();
    run(
        &mut writer,
        "begin; update orders set note = 'x'; update orders set region = 'US' where id > 50",
    );
    run(
        &mut db,
        &format!("{ENDS}; select audit.compile('orders', start_summaries => false)"),
    );
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| {
            let mut db = database.connect();
            run(&mut db, "select audit.compile('orders')");
        });
        while show(
            &mut db,
            "select count(*) from pg_locks where not granted and relation = 'orders'::regclass and database = (select oid from pg_database where datname = current_database())",
        ) == "(0)"
        {
            std::thread::yield_now();
            assert!(!starting.is_finished());
        }
        run(
            &mut writer,
            "update orders set amount = 0 where id = 1; commit",
        );
        starting.join().unwrap();
    });
    run(&mut writer, "update orders set note = 'y'");
    for _ in 0..2 {
        assert_eq!(
            show(
                &mut db,
                "select region, orders, total from audit_compiled.ends order by 1"
            ),
            "(EU,50,1274)\n(US,50,3775)"
        );
        tick(&mut db);
    }
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn folding_blocks_no_writer_and_no_writer_blocks_folding() {
    let (database, mut db) = orders();
    run(&mut db, &format!("{ENDS}; select audit.compile('orders')"));
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 2000) i",
    );
    let mut writer = database.connect();
    run(&mut writer, "set lock_timeout = '20s'");
    // The tick has folded and does not commit.
    let mut ticking = database.connect();
    loop {
        run(&mut ticking, "begin; select audit.tick()");
        if show(&mut ticking, "select count(*) from audit.change") == "(0)" {
            break;
        }
        run(&mut ticking, "rollback");
    }
    run(
        &mut writer,
        "insert into orders values (0, 'EU', 0, null); update orders set amount = 1; delete from orders where id = 1",
    );
    assert_eq!(show(&mut writer, SHOWN), "(EU,2000,2000,1,1,0.000)");
    run(&mut ticking, "commit");
    assert_eq!(show(&mut writer, SHOWN), "(EU,2000,2000,1,1,0.000)");
    // A writer that does not commit.
    run(&mut writer, "begin; update orders set amount = 3");
    run(
        &mut ticking,
        "set lock_timeout = '20s'; select audit.tick()",
    );
    assert_eq!(show(&mut ticking, SHOWN), "(EU,2000,2000,1,1,0.000)");
    run(&mut writer, "commit");
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn the_former_version_stands_until_the_new_one_has_started() {
    let (_database, mut db) = orders();
    run(&mut db, &format!("{ENDS}; select audit.compile('orders')"));
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 3) i",
    );
    run(
        &mut db,
        r#"select audit.declare_summary('orders', 'ends', '{"group_by": [], "measures": [{"name": "noted", "function": "max", "expression": "note"}]}');
        select audit.compile('orders', start_summaries => false); update orders set amount = amount + 1, note = 'n' || id"#,
    );
    assert_eq!(show(&mut db, SHOWN), "(EU,3,9,2,4,1.000)");
    tick(&mut db);
    assert_eq!(show(&mut db, SHOWN), "(EU,3,9,2,4,1.000)");
    run(&mut db, "select audit.compile('orders')");
    assert_eq!(show(&mut db, "select * from audit_compiled.ends"), "(n3)");
    assert_eq!(wrong(&mut db), "");
    run(&mut db, "select audit.retire_summary(2)");
    assert_eq!(
        show(
            &mut db,
            "select relname from pg_class where relnamespace = 'audit_compiled'::regnamespace"
        ),
        ""
    );
}

/// Runs the tick for a time until the head is empty.
fn tick_at(db: &mut diesel::PgConnection, clock: &str) {
    while show(db, "select count(*) from audit.change") != "(0)" {
        run(db, &format!("select audit.tick('{clock}')"));
    }
}

#[test]
fn old_buckets_go_and_do_not_come_back() {
    let (_database, mut db) = watched(
        "events",
        "create table events (id integer primary key, at timestamptz, size integer)",
    );
    run(
        &mut db,
        r#"select audit.declare_summary('events', 'by_day', '{"bucket": {"column": "at", "width": "1 day", "time_zone": "America/New_York"}, "retain": "90 days", "group_by": [],
            "measures": [{"name": "events", "function": "count"}, {"name": "largest", "function": "max", "expression": "size"}]}'); select audit.compile('events');
        insert into events select i, timestamptz '2013-01-01 12:00-05' + i * interval '1 day', i from generate_series(0, 9) i; insert into events values (90, null, 90)"#,
    );
    tick_at(&mut db, "2013-01-11");
    let kept = "select bucket at time zone 'America/New_York', events, largest from audit_compiled.by_day order by 1 limit 2";
    assert_eq!(
        show(&mut db, kept),
        "(\"2013-01-01 00:00:00\",1,0)\n(\"2013-01-02 00:00:00\",1,1)"
    );
    // The bucket of the 5th ends at the very moment 90 days before: it has ended, that of the 6th has not.
    run(
        &mut db,
        "select audit.tick(timestamptz '2013-01-06 00:00-05' + interval '90 days')",
    );
    let after = "(\"2013-01-06 00:00:00\",1,5)\n(\"2013-01-07 00:00:00\",1,6)";
    assert_eq!(show(&mut db, kept), after);
    run(
        &mut db,
        "insert into events values (100, '2013-01-02 00:00-05', 100); update events set size = 7 where id = 1; delete from events where id in (2, 3); update events set at = '2013-01-03 00:00-05' where id = 9",
    );
    for _ in 0..2 {
        assert_eq!(show(&mut db, kept), after);
        assert_eq!(
            show(
                &mut db,
                "select count(*), sum(events) from audit_compiled.by_day"
            ),
            "(5,5)"
        );
        assert_eq!(wrong(&mut db), "");
        tick_at(&mut db, "2013-04-06 00:00-04");
    }
    // The clock does not bring them back.
    run(&mut db, "select audit.tick('2013-01-01'::timestamptz)");
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        refused(
            &mut db,
            r#"select audit.declare_summary('events', 'all_time', '{"retain": "1 day", "group_by": [], "measures": [{"name": "n", "function": "count"}]}')"#
        ),
        "only_buckets_grow_old: the summary `all_time` has no bucket, so nothing of it grows old"
    );
}

#[test]
fn verify_names_the_group_that_differs() {
    let (_database, mut db) = orders();
    run(&mut db, &format!("{ENDS}; select audit.compile('orders')"));
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'US', 2, null), (3, null, 3, null)",
    );
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
    run(
        &mut db,
        "update audit_compiled.ends_base set m3_sum = 5 where k1 = 'EU'; delete from audit_compiled.ends_base where k1 is null",
    );
    assert_eq!(
        wrong(&mut db),
        "(summary,ends,\"region EU: orders 1, total 1, least 1, most 1, spread null; region null: orders 1, total 3, least 3, most 3, spread null\",\"region EU: orders 1, total 5, least 1, most 1, spread null; region null: no such group\")"
    );
}

#[test]
fn a_summary_that_raises_does_not_keep_the_tick_from_its_work() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        &format!(
            r#"{ENDS}; select audit.declare_summary('orders', 'rates', '{{"group_by": [], "measures": [{{"name": "rate", "function": "sum", "expression": "1 / amount"}}]}}'); select audit.compile('orders')"#
        ),
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 0, null), (2, 'EU', 2, null)",
    );
    tick(&mut db);
    assert_eq!(show(&mut db, SHOWN), "(EU,2,2,0,2,1.414)");
    assert_eq!(
        refused(&mut db, "select * from audit_compiled.rates"),
        "-: invalid input syntax for type boolean: \"the summary rates can not be folded: division by zero\""
    );
    assert_eq!(
        show(
            &mut db,
            "select remark, object from audit.doctor() where remark ~ 'summary'"
        ),
        "(summary_broken,rates)"
    );
    run(
        &mut db,
        "update orders set amount = 4 where id = 1; select audit.compile('orders')",
    );
    assert_eq!(
        show(&mut db, "select * from audit_compiled.rates"),
        "(0.75000000000000000000)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_group_follows_a_reference_to_what_it_is_called_now() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table regions (code text primary key, name text); insert into regions values ('EU', 'Europe'), ('UK', 'Europe')",
    );
    let declared = r#"select audit.declare_summary('orders', 'by_name', '{"group_by": [{"name": "name", "expression": "region", "reference": {"table": "public.regions", "key": "code", "column": "name"}}],
        "measures": [{"name": "orders", "function": "count"}, {"name": "most", "function": "max", "expression": "amount"}]}'); select audit.compile('orders')"#;
    assert_eq!(
        refused(&mut db, declared),
        "group_follows_a_references_rule: no rule says that region references public.regions.code"
    );
    run(
        &mut db,
        r#"select audit.declare_rule('orders', 'known', 'references', '{"column": "region", "table": "public.regions", "key": "code"}')"#,
    );
    run(&mut db, declared);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'UK', 2, null), (3, 'XX', 3, null), (4, null, 4, null)",
    );
    let shown = "select * from audit_compiled.by_name order by 1";
    assert_eq!(show(&mut db, shown), "(Europe,2,2)\n(,2,4)");
    tick(&mut db);
    run(
        &mut db,
        "update regions set name = 'Britain' where code = 'UK'; insert into regions values ('XX', 'Unknown')",
    );
    assert_eq!(
        show(&mut db, shown),
        "(Britain,1,2)\n(Europe,1,1)\n(Unknown,1,3)\n(,1,4)"
    );
}

#[test]
fn an_expression_gives_the_same_for_the_same_row_at_any_time() {
    let (_database, mut db) = watched(
        "events",
        "create table events (id integer primary key, at timestamptz, note text, shape point)",
    );
    let mut declare = |part: &str| {
        refused(
            &mut db,
            &format!(
                r#"select audit.declare_summary('events', 's', '{{"group_by": [], "measures": [{{"name": "n", "function": "count"}}], {part}}}')"#
            ),
        )
    };
    for part in [
        r#""group_by": [{"name": "day", "expression": "at::date"}]"#,
        r#""where": "at > now()""#,
        r#""where": "id in (select 1)""#,
    ] {
        assert_eq!(
            declare(part),
            "predicate_is_not_valid: an expression of a summary must give the same for the same row at any time, in any session"
        );
    }
    assert_eq!(
        declare(r#""measures": [{"name": "n", "function": "max", "expression": "shape"}]"#),
        "predicate_is_not_valid: there is no max of values of the type point"
    );
    assert_eq!(
        declare(r#""measures": [{"name": "n", "function": "avg", "expression": "note"}]"#),
        "predicate_is_not_valid: there is no avg of values of the type text"
    );
}

#[test]
fn widths_that_look_alike_are_not_the_same() {
    let (_database, mut db) = watched(
        "events",
        "create table events (id integer primary key, at timestamptz)",
    );
    for (name, width) in [
        ("a", "30 days"),
        ("b", "1 month"),
        ("c", "2 weeks"),
        ("d", "6 hours"),
        ("e", "2 months"),
        ("f", "1 hour"),
    ] {
        run(
            &mut db,
            &format!(
                r#"select audit.declare_summary('events', '{name}', '{{"bucket": {{"column": "at", "width": "{width}", "time_zone": "Europe/Berlin"}}, "group_by": [], "measures": [{{"name": "n", "function": "count"}}]}}')"#
            ),
        );
    }
    run(
        &mut db,
        "select audit.compile('events'); set timezone = 'Europe/Berlin';
        insert into events values (1, '2024-10-27 02:30+02'), (2, '2024-10-27 02:30+01'), (3, '2024-11-01 00:00+01')",
    );
    let shown = |name: &str| {
        format!(
            "select to_char(bucket, 'MM-DD HH24:MI OF'), n from audit_compiled.{name} order by bucket"
        )
    };
    assert_eq!(show(&mut db, &shown("a")), "(\"10-23 00:00 +02\",3)");
    assert_eq!(
        show(&mut db, &shown("b")),
        "(\"10-01 00:00 +02\",2)\n(\"11-01 00:00 +01\",1)"
    );
    assert_eq!(show(&mut db, &shown("c")), "(\"10-21 00:00 +02\",3)");
    assert_eq!(
        show(&mut db, &shown("d")),
        "(\"10-27 01:00 +02\",2)\n(\"11-01 00:00 +01\",1)"
    );
    assert_eq!(
        show(&mut db, &shown("e")),
        "(\"09-01 00:00 +02\",2)\n(\"11-01 00:00 +01\",1)"
    );
    assert_eq!(
        show(&mut db, &shown("f")),
        "(\"10-27 02:00 +02\",1)\n(\"10-27 02:00 +01\",1)\n(\"11-01 00:00 +01\",1)"
    );
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
}

/// Sixteen writers on one group, two that fold, and readers in repeatable read, for a time: each read is a GROUP BY in the
/// same snapshot. `make soak` gives it minutes.
#[test]
fn every_read_is_exact_while_sixteen_write_one_group() {
    let (database, mut db) = orders();
    run(&mut db, &format!("{ENDS}; select audit.compile('orders')"));
    let lasts = option_env!("SOAK_SECONDS")
        .map_or(2, |seconds| seconds.parse().expect("a number of seconds"));
    let end = Instant::now() + Duration::from_secs(lasts);
    let database = &database;
    let done = AtomicBool::new(false);
    let done = &done;
    let reads = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..16)
            .map(|writer| {
                scope.spawn(move || {
                    let mut db = database.connect();
                    let mut round = 0;
                    while Instant::now() < end {
                        let from = writer * 100_000_000 + round * 100;
                        run(&mut db, &format!(
                            "insert into orders select i, 'EU', i % 97, null from generate_series({from}, {from} + {}) i;
                            update orders set amount = amount + 1 where id between {from} and {from} + 3;
                            delete from orders where id between {from} - 100 and {from} - 90;
                            begin; update orders set amount = 5000 where id between {from} and {from} + 9; rollback",
                            if round % 7 == 0 { 90 } else { 9 }
                        ));
                        round += 1;
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(move || {
                let mut db = database.connect();
                while !done.load(Ordering::Relaxed) {
                    run(&mut db, "select audit.tick(now(), 5000)");
                }
            });
        }
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(move || {
                    let mut db = database.connect();
                    let mut reads = 0;
                    while !done.load(Ordering::Relaxed) {
                        run(&mut db, "begin isolation level repeatable read");
                        let live = show(&mut db, "select * from audit_compiled.ends");
                        let scanned = show(&mut db, "select region, count(*), sum(amount), min(amount), max(amount), stddev(amount) from orders group by region");
                        run(&mut db, "commit");
                        assert_eq!(live, scanned);
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .sum::<u32>()
    });
    assert!(reads > 3);
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
}
