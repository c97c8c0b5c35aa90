//! What the log leaves out: columns that no row of a chunk changed.
#![cfg(feature = "embedded")]

mod shared;

use shared::{orders, run, show, tick, watched};

/// The columns that the log has of the updates of a table, on either side.
const COLUMNS: &str = "select distinct (select string_agg(k, '+' order by k) from jsonb_object_keys(old) k), (select string_agg(k, '+' order by k) from jsonb_object_keys(new) k) from audit.row_change where op = 'U' order by 1, 2";

#[test]
fn an_update_of_many_rows_logs_the_key_and_what_it_changed() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 2500) i; update orders set amount = amount + 1 where id > 500",
    );
    assert_eq!(show(&mut db, COLUMNS), "(amount+id,amount+id)");
    run(&mut db, "update orders set region = 'US' where id = 1");
    assert_eq!(
        show(&mut db, COLUMNS),
        "(amount+id,amount+id)\n(amount+id+note+region,amount+id+note+region)",
        "one row is logged whole"
    );
}

#[test]
fn what_looks_equal_but_is_written_otherwise_is_a_change() {
    let (_database, mut db) = watched(
        "odd",
        "create table odd (id integer primary key, n numeric, f float8, i interval, t text, same text)",
    );
    run(
        &mut db,
        "insert into odd select g, 1, 0, '1 day', 'a', repeat('long ', 10000) from generate_series(1, 3) g; update odd set n = 1.00, f = '-0', i = '24 hours'",
    );
    assert_eq!(show(&mut db, COLUMNS), "(f+i+id+n,f+i+id+n)");
    assert_eq!(
        show(
            &mut db,
            "select distinct old ->> 'n', new ->> 'n', old ->> 'i', new ->> 'i' from audit.row_change where op = 'U'"
        ),
        "(1,1.00,\"1 day\",24:00:00)"
    );
}

#[test]
fn what_summaries_read_is_never_left_out() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        r#"select audit.declare_summary('orders', 'by_region', '{"group_by": [{"name": "region", "expression": "region"}], "measures": [{"name": "amount", "function": "sum", "expression": "amount"}]}');
        select audit.compile('orders');
        insert into orders select i, 'R' || i % 3, i, null from generate_series(1, 30) i; update orders set note = 'x'"#,
    );
    assert_eq!(
        show(&mut db, COLUMNS),
        "(amount+id+note+region,amount+id+note+region)"
    );
    run(
        &mut db,
        "select audit.retire_summary(summary_id) from audit.summary; select audit.compile('orders'); update orders set note = 'y'",
    );
    assert_eq!(
        show(&mut db, COLUMNS),
        "(amount+id+note+region,amount+id+note+region)\n(id+note,id+note)"
    );
}

#[test]
fn a_chunk_in_which_a_key_changed_is_whole() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 5) i; update orders set id = case when id = 5 then 6 else id end",
    );
    assert_eq!(
        show(&mut db, COLUMNS),
        "(amount+id+note+region,amount+id+note+region)"
    );
}

#[test]
fn without_a_key_the_rows_before_are_whole() {
    let (_database, mut db) = watched("loose", "create table loose (a integer, b text)");
    run(
        &mut db,
        "insert into loose select i, 'b' from generate_series(1, 5) i; update loose set a = a + 1; update loose set a = a",
    );
    assert_eq!(show(&mut db, COLUMNS), "(a+b,a+b)");
    for _ in ["head", "segments"] {
        assert_eq!(
            show(&mut db, "select audit.replay_differences('loose')"),
            "(0)"
        );
        tick(&mut db);
    }
}

#[test]
fn updates_that_changed_different_columns_are_packed_apart() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, 'n' from generate_series(1, 10) i;
        update orders set amount = 0 where id < 4; update orders set region = null where id > 7; update orders set amount = 5 where id in (2, 3); update orders set note = null where id = 9",
    );
    let changes = "select key, old, new from audit.row_change where op = 'U' order by lsn, key";
    let before = show(&mut db, changes);
    let columns = show(&mut db, COLUMNS);
    tick(&mut db);
    assert_eq!(show(&mut db, changes), before);
    assert_eq!(show(&mut db, COLUMNS), columns);
    assert_eq!(show(&mut db, "select count(*) from audit.change"), "(0)");
    assert_eq!(
        show(
            &mut db,
            "select rows from audit.segment where op = 'U' order by 1"
        ),
        "(1)\n(3)\n(5)"
    );
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}
