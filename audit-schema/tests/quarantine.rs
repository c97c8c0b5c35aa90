//! Rows that are set aside: out of the table, in quarantine, and nothing lost.
#![cfg(feature = "embedded")]

mod shared;

use shared::{orders, rule, run, show, tick, watched, wrong};

const POSITIVE: &str =
    r#"'positive', 'range', '{"column": "amount", "min": 0}', action => 'quarantine'"#;
const HELD: &str = "select op, key, row ->> 'amount', restored ->> 'amount', state from audit.quarantine order by lsn, key";

#[test]
fn a_failing_insert_is_taken_out_of_the_table_and_kept() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', -2, 'b'), (3, 'EU', 3, 'c')",
    );
    assert_eq!(
        show(&mut db, "select id from orders order by id"),
        "(1)\n(3)"
    );
    assert_eq!(show(&mut db, HELD), "(I,2,-2,,held)");
    assert_eq!(
        show(
            &mut db,
            "select op, cause from audit.row_change order by lsn, place"
        ),
        "(I,)\n(I,)\n(I,)\n(D,quarantine)"
    );
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(0)"
    );
}

#[test]
fn a_failing_update_leaves_the_last_good_version() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', 2, 'b'), (3, 'EU', 30, 'c')",
    );
    run(
        &mut db,
        "update orders set amount = amount - 10, id = id + 100, note = 'bad'",
    );
    assert_eq!(
        show(&mut db, "select id, amount, note from orders order by id"),
        "(1,1,a)\n(2,2,b)\n(103,20,bad)"
    );
    assert_eq!(show(&mut db, HELD), "(U,101,-9,1,held)\n(U,102,-8,2,held)");
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn a_row_that_was_bad_before_is_only_flagged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'old sin')",
    );
    rule(&mut db, POSITIVE);
    rule(
        &mut db,
        r#"'noted', 'not_null', '{"column": "note"}', action => 'quarantine'"#,
    );
    run(&mut db, "update orders set amount = -5");
    run(&mut db, "update orders set amount = 5, note = null");
    assert_eq!(show(&mut db, "select amount, note from orders"), "(5,)");
    assert_eq!(
        show(&mut db, "select count(*) from audit.quarantine"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn all_rules_that_a_row_fails_are_named_and_the_worst_action_wins() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    rule(
        &mut db,
        r#"'noted', 'not_null', '{"column": "note"}', action => 'quarantine'"#,
    );
    rule(&mut db, r#"'placed', 'not_null', '{"column": "region"}'"#);
    run(
        &mut db,
        "insert into orders values (1, null, -1, null), (2, null, 1, 'x')",
    );
    assert_eq!(
        show(&mut db, "select key, rules from audit.quarantine"),
        "(1,\"{1,2}\")"
    );
    assert_eq!(show(&mut db, "select id from orders"), "(2)");
    assert_eq!(
        show(
            &mut db,
            "select rule_id, sum(new_failed) from audit.finding group by 1 order by 1"
        ),
        "(1,1)\n(2,1)\n(3,2)"
    );
}

#[test]
fn returning_and_generated_columns_work_as_before() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer generated always as identity primary key, amount integer, twice integer generated always as (amount * 2) stored, tags text[])",
    );
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "do $$ declare ids text; begin
            with written as (insert into orders (amount, tags) values (1, '{a}'), (-1, '{b}') returning id, twice)
            select string_agg(id || ':' || twice, ',') into ids from written;
            if ids <> '1:2,2:-2' then raise exception '%', ids; end if;
        end $$",
    );
    run(&mut db, "update orders set amount = -7, tags = '{x,y}'");
    assert_eq!(
        show(&mut db, "select id, amount, twice, tags from orders"),
        "(1,1,2,{a})"
    );
}

#[test]
fn duplicates_are_set_aside_and_the_first_stays() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'once', 'unique', '{"columns": ["region", "note"]}', action => 'quarantine'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', 2, 'a'), (3, 'EU', 3, 'b'); insert into orders values (4, 'EU', 4, 'b')",
    );
    assert_eq!(
        show(&mut db, "select id from orders order by 1"),
        "(1)\n(3)"
    );
    run(&mut db, "update orders set note = 'a' where id = 3");
    assert_eq!(
        show(&mut db, "select id, note from orders order by 1"),
        "(1,a)\n(3,b)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn rows_of_a_partitioned_table_are_set_aside_wherever_they_were_written() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer, region text, amount integer, primary key (id, region)) partition by list (region);
        create table orders_eu partition of orders for values in ('EU'); create table orders_us partition of orders for values in ('US')",
    );
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1), (2, 'US', -1); insert into orders_us values (3, 'US', 3), (4, 'US', -4)",
    );
    run(
        &mut db,
        "update orders set region = 'US', amount = -1 where id = 1; update orders_us set amount = -3 where id = 3",
    );
    assert_eq!(
        show(&mut db, "select id, region, amount from orders order by id"),
        "(1,EU,1)\n(3,US,3)"
    );
    assert_eq!(
        show(&mut db, "select count(*) from audit.quarantine"),
        "(4)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn what_is_set_aside_goes_with_the_transaction() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "begin; insert into orders values (1, 'EU', -1, null); rollback; insert into orders values (2, 'EU', 2, null)",
    );
    assert_eq!(
        show(&mut db, "select count(*) from audit.quarantine"),
        "(0)"
    );
    assert_eq!(show(&mut db, "select cause from audit.change"), "()");
}

#[test]
fn a_large_load_with_a_few_bad_rows_keeps_the_good_ones() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders select i, 'EU', case when i % 1000 = 0 then -1 else i end, 'x' from generate_series(1, 20000) i",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*), (select count(*) from audit.quarantine) from orders"
        ),
        "(19980,20)"
    );
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
}
