//! The tick moves each change once, whatever happens to it, and what is sealed can not be changed unseen.
#![cfg(feature = "embedded")]

mod shared;

use diesel::connection::SimpleConnection;
use shared::{orders, run, show, tick, watched, wrong};

#[test]
fn who_wrote_is_kept_for_each_row_of_a_segment() {
    let (_database, mut db) = orders();
    for (id, actor) in [(1, "Ada"), (2, "Ben"), (3, "")] {
        run(
            &mut db,
            &format!(
                "begin; select audit.set_context(actor => nullif('{actor}', ''), request_id => 'r-1'); insert into orders values ({id}, 'EU', 1, null), ({id} + 10, 'EU', 1, null); commit"
            ),
        );
    }
    let before = show(&mut db, WHO);
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select rows, contexts ->> 'actor', contexts ->> 'request_id', contexts ->> 'role' from audit.segment"
        ),
        "(6,\"[\"\"Ada\"\",\"\"Ada\"\",\"\"Ben\"\",null,\"\"Ben\"\",null]\",r-1,)"
    );
    assert_eq!(show(&mut db, WHO), before);
}

/// Everything that is known about each changed row.
const WHO: &str = "select key, lsn, xid, at, session_role, role, actor, application, client, request_id, cause from audit.row_change order by key";

#[test]
fn single_writes_end_in_few_segments_in_the_order_of_their_keys() {
    let (_database, mut db) = orders();
    for id in [5, 3, 4, 1, 2] {
        run(
            &mut db,
            &format!("insert into orders values ({id}, 'EU', {id}, null)"),
        );
    }
    run(
        &mut db,
        "update orders set amount = 7 where id = 3; update orders set note = 'x' where id = 4",
    );
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(10, 2000) i",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select segment_id, op, rows, key_lo, key_hi, array(select json_array_elements_text(coalesce(new, old) -> 'id') limit 5), cardinality(lsns) from audit.segment order by 1"
        ),
        "(1,I,1000,10,999,\"{10,11,12,13,14}\",1)\n(2,I,991,1010,2000,\"{1010,1011,1012,1013,1014}\",1)\n(3,I,5,1,5,\"{1,2,3,4,5}\",5)\n(4,U,2,3,4,\"{3,4}\",2)"
    );
    // Columns that no row of the segment changed are left out of the new side.
    assert_eq!(
        show(
            &mut db,
            "select json_object_keys(new) from audit.segment where op = 'U' order by 1"
        ),
        "(amount)\n(id)\n(note)"
    );
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn a_change_is_found_in_its_history_before_and_after_it_is_sealed() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 1500) i",
    );
    run(&mut db, "update orders set amount = 0 where id = 77");
    tick(&mut db);
    run(&mut db, "delete from orders where id = 77");
    assert_eq!(
        show(
            &mut db,
            "select op, old ->> 'amount', new ->> 'amount', sealed from audit.history('orders', '77')"
        ),
        "(I,,77,t)\n(U,77,0,t)\n(D,0,,f)"
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.history('orders', '1501')"
        ),
        "(0)"
    );
}

#[test]
fn a_history_tells_table_kind_key_and_writer_of_each_change() {
    let (_database, mut db) = orders();
    run(&mut db, "insert into orders values (7, 'EU', 7, null)");
    tick(&mut db);
    run(&mut db, "update orders set id = 8 where id = 7");
    let changes = audit_schema::history(&mut db, "public.orders", "8").unwrap();
    let [_, change] = changes.as_slice() else {
        panic!("expected two changes, got {changes:?}");
    };
    assert_eq!(change.table, "public.orders");
    assert_eq!(change.op, audit_core::Op::Update);
    assert_eq!(change.key.as_deref(), Some("8"));
    assert_eq!(change.old_key.as_deref(), Some("7"));
    assert_eq!(change.old.as_ref().unwrap()["id"], 7);
    assert_eq!(change.author.session_role, "postgres");
    assert!(!change.sealed);
}

#[test]
fn nothing_is_moved_past_an_open_transaction_and_readers_stay_exact() {
    let (database, mut db) = orders();
    let mut open = database.connect();
    run(
        &mut open,
        "begin; insert into orders values (1, 'EU', 1, null)",
    );
    run(
        &mut db,
        "insert into orders values (2, 'EU', 1, null); select audit.tick()",
    );
    assert_eq!(show(&mut db, "select count(*) from audit.segment"), "(0)");
    assert_eq!(show(&mut db, "select rows from audit.table_counter"), "(1)");
    run(&mut open, "commit");
    assert_eq!(show(&mut db, "select rows from audit.table_counter"), "(2)");
    tick(&mut db);
    assert_eq!(show(&mut db, "select sum(rows) from audit.segment"), "(2)");
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_tick_that_dies_at_any_step_loses_and_doubles_nothing() {
    let (database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 3000) i",
    );
    for id in 5000..5040 {
        run(
            &mut db,
            &format!("insert into orders values ({id}, 'EU', 1, null)"),
        );
    }
    // Cut off after ever longer times, by the server itself, until one comes through.
    let mut cut = 0;
    for milliseconds in (1..).step_by(3) {
        let mut ticking = database.connect();
        run(
            &mut ticking,
            &format!("set statement_timeout = {milliseconds}"),
        );
        if ticking.batch_execute("select audit.tick()").is_ok() {
            break;
        }
        cut += 1;
        assert_eq!(show(&mut db, "select count(*) from audit.segment"), "(0)");
        assert_eq!(
            show(&mut db, "select rows from audit.table_counter"),
            "(3040)"
        );
    }
    assert!(cut > 0);
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select sum(rows) from audit.segment"),
        "(3040)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn two_ticks_at_once_move_each_change_once() {
    let (database, mut db) = orders();
    for id in 0..200 {
        run(
            &mut db,
            &format!("insert into orders values ({id}, 'EU', 1, null)"),
        );
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut ticking = database.connect();
                for _ in 0..20 {
                    run(&mut ticking, "select audit.tick(now(), 10)");
                }
            });
        }
    });
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select sum(rows), count(distinct segment_id) = max(segment_id) from audit.segment"
        ),
        "(200,t)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_patient_tick_leaves_a_short_young_head_alone() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null); select audit.tick(patience => '1 hour')",
    );
    assert_eq!(show(&mut db, "select count(*) from audit.change"), "(1)");
    run(
        &mut db,
        "insert into orders select i, 'EU', 1, null from generate_series(2, 1000) i",
    );
    for _ in 0..2000 {
        run(
            &mut db,
            "select audit.tick(patience => '1 hour'), pg_sleep(0.005)",
        );
        if show(&mut db, "select count(*) from audit.change") == "(0)" {
            return;
        }
    }
    panic!("a long head was left alone");
}

#[test]
fn tampering_with_a_segment_shows() {
    let (_database, mut db) = orders();
    for id in 1..4 {
        run(
            &mut db,
            &format!("insert into orders values ({id}, 'EU', 1, null)"),
        );
        tick(&mut db);
    }
    assert_eq!(wrong(&mut db), "");
    // A superuser can do anything, but not unseen.
    run(
        &mut db,
        "set session_replication_role = replica; create table kept as select * from audit.segment",
    );
    run(
        &mut db,
        "update audit.segment set new = '{\"id\":[1],\"region\":[\"XX\"],\"amount\":[1],\"note\":[null]}' where segment_id = 2",
    );
    assert_eq!(
        wrong(&mut db),
        "(seals,audit.segment,\"unbroken chain\",\"broken at segment 2\")"
    );
    run(&mut db, "delete from audit.segment where segment_id = 2");
    assert_eq!(
        wrong(&mut db),
        "(seals,audit.segment,\"unbroken chain\",\"broken at segment 3\")"
    );
    run(
        &mut db,
        "insert into audit.segment select * from kept where segment_id = 2",
    );
    assert_eq!(wrong(&mut db), "");
}

/// The rules of bodies that run on one machine and on many: see docs/DESIGN.md, "Past one machine".
#[test]
fn a_generated_statement_that_reads_new_rows_names_no_table_of_the_pipeline() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id bigint primary key, region text, amount numeric)",
    );
    run(
        &mut db,
        r#"
        create table regions (code text primary key);
        select audit.declare_rule('orders', 'a', 'references', '{"column": "region", "table": "public.regions", "key": "code"}', action => 'quarantine');
        select audit.declare_rule('orders', 'b', 'unique', '{"columns": ["region", "amount"]}', action => 'quarantine');
        select audit.declare_rule('orders', 'c', 'expression', '{"expression": "1 / amount > 0"}', action => 'reject');
        select audit.compile('orders')"#,
    );
    let bodies = show(
        &mut db,
        "select prosrc from pg_proc where pronamespace = 'audit_compiled'::regnamespace",
    );
    let mut read = 0;
    for statement in bodies.split(';') {
        // A cast to the row type of the table reads nothing.
        let statement = statement.to_lowercase().replace("::public.orders", "");
        // A loop's query is one statement, what is in the loop another.
        for part in statement.split(" loop\n") {
            if part.contains("new_rows") || part.contains("old_rows") {
                read += 1;
                assert!(
                    !part.contains("audit.") && !part.contains("public."),
                    "{part}"
                );
            }
        }
    }
    assert!(read > 20);
    for word in [
        "notify",
        "temporary",
        "advisory",
        "nextval",
        "tg_table_name",
    ] {
        assert!(!bodies.to_lowercase().contains(word), "{word}");
    }
}
