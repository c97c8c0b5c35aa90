//! Rows that may not last at the same time.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::testing::Database;
use diesel::PgConnection;
use proptest::prelude::*;
use shared::{refused, rule, run, show, tick, watched, wrong};

const FINDINGS: &str =
    "select f.op, f.new_failed, f.old_failed, f.keys, f.error from audit.finding f order by f.lsn";

fn bookings(arguments: &str) -> (Database, PgConnection) {
    let (database, mut db) = watched(
        "orders",
        "create table orders (id integer primary key, room text, starts_at integer, ends_at integer, state text);
        create index orders_room on orders (room, starts_at)",
    );
    rule(
        &mut db,
        &format!(
            r#"'r', 'no_overlap', '{{"columns": ["room"], "from": "starts_at", "to": "ends_at"}}'{arguments}"#
        ),
    );
    (database, db)
}

#[test]
fn rows_of_one_key_may_touch_and_may_not_overlap() {
    let (_database, mut db) = bookings("");
    run(
        &mut db,
        "insert into orders values (1, 'a', 10, 20), (2, 'a', 20, 30), (3, 'b', 10, 30), (4, 'a', null, 99), (5, null, 10, 20), (6, 'a', 15, 15), (7, 'a', 18, 12)",
    );
    assert_eq!(show(&mut db, FINDINGS), "");
    run(&mut db, "insert into orders values (8, 'a', 29, null)");
    run(
        &mut db,
        "insert into orders values (9, 'c', 1, 5), (10, 'c', 4, 6), (11, 'c', 6, 7)",
    );
    // The row that was there fails since, too: both have to be looked at.
    assert_eq!(show(&mut db, FINDINGS), "(I,2,0,{8},)\n(I,2,0,\"{9,10}\",)");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(4)"
    );
    assert_eq!(wrong(&mut db), "");
    run(&mut db, "update orders set state = 'x'");
    assert_eq!(wrong(&mut db), "");
    run(
        &mut db,
        "update orders set ends_at = 29 where id = 2; delete from orders where id = 9",
    );
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_row_that_spans_many_makes_all_of_them_fail() {
    let (_database, mut db) = bookings("");
    run(
        &mut db,
        "insert into orders select i, 'a', i * 10, i * 10 + 10 from generate_series(1, 50) i",
    );
    run(&mut db, "insert into orders values (99, 'a', 0, null)");
    assert_eq!(show(&mut db, FINDINGS), "(I,51,0,{99},)");
    run(&mut db, "delete from orders where id = 99");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_condition_says_which_rows_count() {
    let (_database, mut db) = bookings(", condition => 'state is distinct from ''cancelled'''");
    run(
        &mut db,
        "insert into orders values (1, 'a', 10, 20, 'cancelled'); insert into orders values (2, 'a', 10, 20, 'booked')",
    );
    assert_eq!(show(&mut db, FINDINGS), "");
    run(&mut db, "update orders set state = 'booked' where id = 1");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(2)"
    );
    assert_eq!(wrong(&mut db), "");
    run(
        &mut db,
        "update orders set state = 'cancelled' where id = 2",
    );
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn an_overlap_can_be_refused_and_set_aside() {
    let (_database, mut db) = bookings(", action => 'reject'");
    run(&mut db, "insert into orders values (1, 'a', 10, 20)");
    assert_eq!(
        refused(
            &mut db,
            "insert into orders values (2, 'a', 30, 40), (3, 'a', 15, 35)"
        ),
        "r: public.orders refuses the insert: rule `r` fails for 2 of 2 rows"
    );
    rule(
        &mut db,
        r#"'r', 'no_overlap', '{"columns": ["room"], "from": "starts_at", "to": "ends_at"}', action => 'quarantine'"#,
    );
    run(
        &mut db,
        "insert into orders values (2, 'a', 15, 35), (3, 'b', 1, 2); update orders set room = 'a', starts_at = 19, ends_at = 22 where id = 3",
    );
    assert_eq!(
        show(&mut db, "select id, room from orders order by 1"),
        "(1,a)\n(3,b)"
    );
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn without_columns_all_rows_are_compared_and_times_are_fine() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer primary key, valid_from date, valid_to timestamptz)",
    );
    rule(
        &mut db,
        r#"'r', 'no_overlap', '{"from": "valid_from", "to": "valid_to"}'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, '2013-01-01', '2013-02-01'), (2, '2013-02-02', null); insert into orders values (3, '2014-01-01', null)",
    );
    assert_eq!(show(&mut db, FINDINGS), "(I,2,0,{3},)");
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_table_that_has_overlaps_starts_from_a_scan() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer primary key, room text, starts_at integer, ends_at integer)",
    );
    run(
        &mut db,
        "insert into orders values (1, 'a', 1, 5), (2, 'a', 1, 5), (3, 'a', 4, 9), (4, 'a', 9, 10)",
    );
    rule(
        &mut db,
        r#"'r', 'no_overlap', '{"columns": ["room"], "from": "starts_at", "to": "ends_at"}'"#,
    );
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(3)"
    );
    tick(&mut db);
    run(&mut db, "delete from orders where id = 1");
    assert_eq!(wrong(&mut db), "");
}

fn statement() -> impl Strategy<Value = String> {
    let row = (
        0..40_i32,
        0..2_i32,
        prop::option::weighted(0.9, 0..12_i32),
        prop::option::weighted(0.8, 0..14_i32),
    );
    let shown = |value: Option<i32>| value.map_or("null".to_owned(), |value| value.to_string());
    prop_oneof![
        4 => prop::collection::vec(row, 1..6).prop_map(move |rows| {
            let rows: Vec<String> = rows
                .into_iter()
                .map(|(id, room, from, to)| format!("({id}, '{room}', {}, {}, null)", shown(from), shown(to)))
                .collect();
            format!("insert into orders values {} on conflict do nothing", rows.join(", "))
        }),
        2 => (0..40_i32, -3..4_i32).prop_map(|(id, by)| format!("update orders set starts_at = starts_at + {by}, state = 'x' where id >= {id}")),
        1 => (0..40_i32).prop_map(|id| format!("update orders set ends_at = null where id = {id}")),
        1 => (0..40_i32).prop_map(|id| format!("update orders set room = '1' where id % 7 = {}", id % 7)),
        1 => (0..40_i32).prop_map(|id| format!("update orders set state = case when state is null then 'cancelled' end where id % 3 = {}", id % 3)),
        2 => (0..40_i32).prop_map(|id| format!("delete from orders where id % 5 = {}", id % 5)),
        1 => Just("truncate orders".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The counter is the number of rows that overlap another one, as a comparison of every row with every other says.
    #[test]
    fn the_counter_is_what_comparing_all_rows_says(statements in prop::collection::vec(statement(), 1..20), on_some in any::<bool>()) {
        let condition = "state is distinct from 'cancelled'";
        let (_database, mut db) = bookings(if on_some { ", condition => 'state is distinct from ''cancelled'''" } else { "" });
        for statement in &statements {
            run(&mut db, statement);
            let applies = if on_some { condition } else { "true" };
            let compared = show(&mut db, &format!(
                "select count(*) from orders a where {} and (starts_at < ends_at or ends_at is null) and starts_at is not null and exists (
                    select from (select * from orders where {applies}) b
                    where b.id <> a.id and b.room = a.room and b.starts_at is not null and (b.starts_at < b.ends_at or b.ends_at is null)
                        and (a.ends_at is null or b.starts_at < a.ends_at) and (b.ends_at is null or a.starts_at < b.ends_at))",
                applies.replace("state", "a.state")
            ));
            prop_assert_eq!(show(&mut db, "select failing from audit.rule_counter"), compared, "{}", statement);
            prop_assert_eq!(wrong(&mut db), "");
        }
    }
}
