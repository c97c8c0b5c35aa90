//! Rows that are hidden stay in their table; the view of visible rows leaves them out for as long as they fail.
#![cfg(feature = "embedded")]

mod shared;

use diesel::PgConnection;
use shared::{orders, refused, rule, run, show, tick, watched, wrong};

const HIDE: &str = r#"'positive', 'range', '{"column": "amount", "min": 0}', action => 'quarantine', mode => 'hide'"#;
const SET_ASIDE: &str = r#"'noted', 'not_null', '{"column": "note"}', action => 'quarantine'"#;
const VISIBLE: &str = "select id, amount from audit_compiled.public_orders_visible order by id";
const ENTRIES: &str =
    "select key, op, mode, rules, row ->> 'amount', state from audit.quarantine order by lsn, key";

#[track_caller]
fn release(db: &mut PgConnection, options: &str) -> String {
    show(
        db,
        &format!(
            "select key, outcome, (select string_agg(r ->> 'name', ' ') from jsonb_array_elements(reasons) r) from audit.release_held('{{}}'{options})"
        ),
    )
}

#[test]
fn a_failing_row_stays_in_its_table_and_is_not_visible() {
    let (_database, mut db) = orders();
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', -2, 'b'); insert into orders values (3, 'EU', null, 'c')",
    );
    assert_eq!(show(&mut db, "select count(*) from orders"), "(3)");
    assert_eq!(show(&mut db, VISIBLE), "(1,1)\n(3,)");
    assert_eq!(show(&mut db, ENTRIES), "(2,I,hide,{1},-2,held)");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(1)"
    );
    assert_eq!(
        show(&mut db, "select action, new_failed from audit.finding"),
        "(quarantine,1)"
    );
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_corrected_row_is_visible_at_once_and_its_entry_is_closed_by_the_tick() {
    let (_database, mut db) = orders();
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders select i, 'EU', -i, 'a' from generate_series(1, 3) i; update orders set amount = 5 where id = 1; delete from orders where id = 2",
    );
    assert_eq!(show(&mut db, VISIBLE), "(1,5)");
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select key, state, (select string_agg(kind || ': ' || reason, ',') from audit.quarantine_event e where e.quarantine_id = q.quarantine_id) from audit.quarantine q order by key"
        ),
        "(1,released,\"released: no rule hides the row any more\")\n(2,discarded,\"discarded: the row is gone\")\n(3,held,)"
    );
}

#[test]
fn a_row_that_goes_on_failing_has_one_entry_for_its_newest_version() {
    let (_database, mut db) = orders();
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'); update orders set amount = -2; update orders set amount = -3",
    );
    assert_eq!(show(&mut db, ENTRIES), "(1,I,hide,{1},-3,held)");
    tick(&mut db);
    assert_eq!(show(&mut db, ENTRIES), "(1,I,hide,{1},-3,held)");
    run(&mut db, "update orders set amount = 1");
    tick(&mut db);
    run(&mut db, "update orders set amount = -4");
    assert_eq!(
        show(&mut db, ENTRIES),
        "(1,I,hide,{1},-3,released)\n(1,U,hide,{1},-4,held)"
    );
}

#[test]
fn a_row_that_fails_both_ways_is_set_aside() {
    let (_database, mut db) = orders();
    rule(&mut db, HIDE);
    rule(&mut db, SET_ASIDE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'), (2, 'EU', -2, null), (3, 'EU', 3, null), (4, 'EU', 4, 'd');
        update orders set amount = -4, note = null where id = 4; update orders set amount = -1.5 where id = 1",
    );
    assert_eq!(
        show(&mut db, "select id, amount, note from orders order by id"),
        "(1,-1.5,a)\n(4,4,d)"
    );
    assert_eq!(show(&mut db, VISIBLE), "(4,4)");
    assert_eq!(
        show(&mut db, ENTRIES),
        "(2,I,set_aside,\"{1,2}\",-2,held)\n(3,I,set_aside,{2},3,held)\n(4,U,set_aside,\"{1,2}\",-4,held)\n(1,I,hide,{1},-1.5,held)"
    );
    run(
        &mut db,
        r#"select audit.edit_held('{"rule": "noted"}', '{"note": "x"}')"#,
    );
    assert_eq!(
        release(&mut db, ""),
        "(2,refused,positive)\n(3,released,)\n(4,refused,positive)\n(1,refused,positive)"
    );
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn an_edit_of_a_hidden_row_reaches_the_table_on_release() {
    let (_database, mut db) = orders();
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'), (2, 'EU', -2, 'b'), (3, 'EU', -3, 'c'), (4, 'EU', -4, 'd')",
    );
    run(
        &mut db,
        r#"select audit.edit_held('{}', '{"amount": 7}'); select audit.edit_held('{"key": "2"}', '{"amount": -7}'); update orders set note = 'newer' where id = 3; delete from orders where id = 4"#,
    );
    assert_eq!(show(&mut db, "select sum(amount) from orders"), "(-6)");
    assert_eq!(
        release(&mut db, ", dry_run => true"),
        "(1,released,)\n(2,refused,positive)\n(4,discarded,)\n(3,refused,positive)"
    );
    assert_eq!(
        release(&mut db, ""),
        "(1,released,)\n(2,refused,positive)\n(4,discarded,)\n(3,refused,positive)"
    );
    assert_eq!(
        show(&mut db, "select id, amount, note from orders order by id"),
        "(1,7,a)\n(2,-2,b)\n(3,-3,newer)"
    );
    assert_eq!(show(&mut db, VISIBLE), "(1,7)");
    // A change of another kind does not reach the entry.
    run(
        &mut db,
        r#"select audit.edit_held('{"key": "3"}', '{"amount": 8}'); alter table orders disable trigger audit_update; update orders set note = 'newest' where id = 3; alter table orders enable trigger audit_update"#,
    );
    assert_eq!(
        release(&mut db, ""),
        "(2,refused,positive)\n(3,refused,row_changed)"
    );
    assert_eq!(
        release(&mut db, ", overwrite => true"),
        "(2,refused,positive)\n(3,released,)"
    );
    assert_eq!(show(&mut db, VISIBLE), "(1,7)\n(3,8)");
}

#[test]
fn a_discarded_hidden_row_stays_hidden() {
    let (_database, mut db) = orders();
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'); select audit.discard_held('{}', 'known')",
    );
    assert_eq!(show(&mut db, "select count(*) from orders"), "(1)");
    assert_eq!(show(&mut db, VISIBLE), "");
}

#[test]
fn who_may_read_the_table_may_read_the_view() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create role hide_app; grant select on orders to hide_app; create role hide_other",
    );
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', -2, 'b')",
    );
    run(&mut db, "set role hide_app");
    assert_eq!(show(&mut db, VISIBLE), "(1,1)");
    run(&mut db, "set role hide_other");
    let refusal = refused(&mut db, VISIBLE);
    assert!(refusal.contains("permission denied"), "{refusal}");
    run(
        &mut db,
        "reset role; drop owned by hide_app; drop role hide_app; drop role hide_other",
    );
}

#[test]
fn the_view_follows_the_table_and_its_rules() {
    let (_database, mut db) = orders();
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', 2, null); alter table orders add column extra text default 'x'",
    );
    assert_eq!(
        show(
            &mut db,
            "select * from audit_compiled.public_orders_visible"
        ),
        "(1,EU,1,a,x)\n(2,EU,2,,x)"
    );
    run(
        &mut db,
        "alter table orders rename column region to area; alter table orders rename to sales",
    );
    assert_eq!(
        show(
            &mut db,
            "select area from audit_compiled.public_orders_visible where id = 1"
        ),
        "(EU)"
    );
    run(&mut db, "alter table sales rename to orders");
    rule(
        &mut db,
        r#"'noted', 'not_null', '{"column": "note"}', action => 'quarantine', mode => 'hide'"#,
    );
    assert_eq!(show(&mut db, VISIBLE), "(1,1)");
    run(
        &mut db,
        "select audit.retire_rule(rule_id) from audit.rule; select audit.compile('orders')",
    );
    assert_eq!(
        show(
            &mut db,
            "select to_regclass('audit_compiled.public_orders_visible')"
        ),
        "()"
    );
    rule(&mut db, HIDE);
    run(&mut db, "select audit.unwatch('orders'); drop table orders");
}

#[test]
fn only_rules_about_one_row_by_itself_can_hide() {
    let (_database, mut db) = orders();
    for (arguments, refusal) in [
        (
            r#"'once', 'unique', '{"columns": ["note"]}', action => 'quarantine', mode => 'hide'"#,
            "rule_can_not_hide: rule `once` can not hide rows: it looks beyond one row by itself",
        ),
        (
            r#"'fixed', 'immutable', '{"column": "note"}', action => 'quarantine', mode => 'hide'"#,
            "rule_can_not_hide: rule `fixed` can not hide rows: it looks beyond one row by itself",
        ),
        (
            r#"'positive', 'range', '{"column": "amount", "min": 0}', mode => 'hide'"#,
            "rule_can_not_hide: rule `positive` has mode hide, and its action is flag",
        ),
    ] {
        assert_eq!(
            refused(
                &mut db,
                &format!("select audit.declare_rule('orders', {arguments})")
            ),
            refusal
        );
    }
}

#[test]
fn every_hidden_row_is_looked_at_in_turn() {
    let (_database, mut db) = orders();
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders select i, 'EU', -1, 'a' from generate_series(1, 25) i; update orders set amount = 1 where id % 2 = 0",
    );
    for _ in 0..3 {
        run(&mut db, "select audit._close_hidden(10)");
    }
    assert_eq!(
        show(
            &mut db,
            "select state, count(*) from audit.quarantine group by 1 order by 1"
        ),
        "(held,13)\n(released,12)"
    );
    run(
        &mut db,
        "update orders set amount = 1; select audit._close_hidden(10); select audit._close_hidden(10)",
    );
    assert_eq!(
        show(
            &mut db,
            "select state, count(*) from audit.quarantine group by 1"
        ),
        "(released,25)"
    );
}

#[test]
fn a_rule_that_raises_does_not_stop_the_tick() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'inverse', 'expression', '{"expression": "1 / amount > 0"}', action => 'quarantine', mode => 'hide'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'); update orders set amount = 0",
    );
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select key, state from audit.quarantine"),
        "(1,held)"
    );
    assert_eq!(release(&mut db, ""), "(1,refused,22012)");
}

#[test]
fn hidden_rows_of_a_partitioned_table_are_hidden_from_the_view_of_the_whole() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer, region text, amount integer, primary key (id, region)) partition by list (region);
        create table orders_eu partition of orders for values in ('EU'); create table orders_us partition of orders for values in ('US')",
    );
    rule(&mut db, HIDE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1), (2, 'US', -1); insert into orders_us values (3, 'US', -3); update orders set region = 'EU' where id = 2",
    );
    assert_eq!(show(&mut db, VISIBLE), "(1,1)");
    tick(&mut db);
    assert_eq!(
        show(&mut db, ENTRIES),
        "(\"[2, \"\"US\"\"]\",I,hide,{1},-1,discarded)\n(\"[3, \"\"US\"\"]\",I,hide,{1},-3,held)\n(\"[2, \"\"EU\"\"]\",U,hide,{1},-1,held)"
    );
}

#[test]
fn a_rule_in_the_shadow_hides_nothing() {
    let (_database, mut db) = orders();
    rule(&mut db, &format!("{HIDE}, shadow => true"));
    run(&mut db, "insert into orders values (1, 'EU', -1, 'a')");
    assert_eq!(
        show(
            &mut db,
            "select to_regclass('audit_compiled.public_orders_visible'), count(*) from audit.quarantine"
        ),
        "(,0)"
    );
}
