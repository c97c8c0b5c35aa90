//! Changes taken back: a transaction, or what an actor wrote, by statements that are shown first.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::undo::{self, Undo, UndoStatus};
use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use shared::{orders, refused, remember, run, show, tick, watched};

/// The number of the transaction in which statements ran.
fn transaction(db: &mut PgConnection, statements: &str) -> u64 {
    run(db, &format!("begin; {statements}"));
    let xid: String = diesel::dsl::sql::<Text>("select pg_current_xact_id()::text")
        .get_result(db)
        .unwrap();
    run(db, "commit");
    xid.parse().unwrap()
}

#[test]
fn a_transaction_is_taken_back_once_and_its_undoing_can_be_taken_back() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, 'it''s \\ ' || i from generate_series(1, 250) i",
    );
    remember(&mut db, 0);
    let wrong = transaction(
        &mut db,
        "update orders set amount = 0; update orders set id = 9000 where id = 5; delete from orders where id < 4; insert into orders values (2, 'x', 0, null)",
    );
    remember(&mut db, 1);
    tick(&mut db);
    let what = Undo::Transaction(wrong);
    let shown = undo::show(&mut db, &what, None).unwrap();
    assert_eq!(shown.len(), 255);
    assert_eq!(
        shown[0].statement.as_deref(),
        Some("delete from public.orders where id = '2'")
    );
    assert!(shown.iter().all(|step| step.status == UndoStatus::Ready));

    let done = undo::run(&mut db, &what, None).unwrap();
    assert!(done.iter().all(|step| step.status == UndoStatus::Done));
    let differences = "select count(*) from (select * from orders except select id, region, amount, note from remembered where n = ";
    assert_eq!(show(&mut db, &format!("{differences} 0) d")), "(0)");
    assert_eq!(show(&mut db, "select count(*) from orders"), "(250)");
    assert_eq!(
        show(
            &mut db,
            "select cause, count(*) from audit.row_change group by 1 order by 1 nulls first"
        ),
        "(,505)\n(undo,255)"
    );

    let error = undo::run(&mut db, &what, None).unwrap_err();
    assert_eq!(error.fact(), Some("undo_is_refused"));
    let undoing: String =
        diesel::dsl::sql::<Text>("select max(xid::text) from audit.change where cause = 'undo'")
            .get_result(&mut db)
            .unwrap();
    undo::run(&mut db, &Undo::Transaction(undoing.parse().unwrap()), None).unwrap();
    assert_eq!(show(&mut db, &format!("{differences} 1) d")), "(0)");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn a_row_that_changed_since_is_refused_with_the_later_change_and_nothing_runs() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'EU', 1, null)",
    );
    let wrong = transaction(&mut db, "update orders set amount = 0");
    run(
        &mut db,
        "begin; select audit.set_context('bob'); update orders set amount = 5 where id = 2; update orders set amount = 0 where id = 2; commit",
    );
    let later = show(&mut db, "select max(lsn) from audit.history('orders', '2')");
    let what = Undo::Transaction(wrong);
    let steps = undo::show(&mut db, &what, None).unwrap();
    let UndoStatus::Refused {
        reason,
        later: found,
    } = &steps[0].status
    else {
        panic!("{steps:?}");
    };
    assert!(reason.starts_with("changed since by bob at "), "{reason}");
    assert_eq!(format!("({})", found.as_deref().unwrap()), later);
    assert_eq!(steps[1].status, UndoStatus::Ready);

    let error = undo::run(&mut db, &what, None).unwrap_err();
    assert_eq!(error.fact(), Some("undo_is_refused"));
    assert_eq!(
        show(&mut db, "select id, amount from orders order by 1"),
        "(1,0)\n(2,0)"
    );
}

#[test]
fn a_row_that_changed_without_being_logged_is_refused() {
    let (_database, mut db) = orders();
    let wrong = transaction(&mut db, "insert into orders values (1, 'EU', 1, null)");
    run(
        &mut db,
        "set session_replication_role = replica; update orders set amount = 7; reset session_replication_role",
    );
    let steps = undo::show(&mut db, &Undo::Transaction(wrong), None).unwrap();
    let UndoStatus::Refused { reason, later } = &steps[0].status else {
        panic!("{steps:?}");
    };
    assert_eq!(
        reason,
        "the row is not as the change left it, and no change says why"
    );
    assert_eq!(*later, None);
}

#[test]
fn a_truncate_can_not_be_taken_back_nor_what_came_before_it() {
    let (_database, mut db) = orders();
    let before = transaction(&mut db, "insert into orders values (1, 'EU', 1, null)");
    let truncate = transaction(&mut db, "truncate orders");
    tick(&mut db);
    for xid in [before, truncate] {
        let steps = undo::show(&mut db, &Undo::Transaction(xid), None).unwrap();
        assert_eq!(steps.len(), 1);
        let UndoStatus::Refused { reason, .. } = &steps[0].status else {
            panic!("{steps:?}");
        };
        assert!(reason.contains("truncate"), "{reason}");
    }
}

#[test]
fn what_one_actor_wrote_in_a_span_of_time_is_taken_back_of_all_tables_or_of_one() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table items (id integer primary key); select audit.watch('items');
        insert into orders values (1, 'EU', 1, null);
        begin; select audit.set_context('ada'); insert into items values (1); update orders set amount = 2; commit;
        begin; select audit.set_context('bob'); insert into items values (2); commit",
    );
    let what =
        "select status, table_name, key from audit.undo(actor => 'ada', since => '2000-01-01'";
    assert_eq!(
        show(&mut db, &format!("{what}, until => now())")),
        "(ready,public.orders,1)\n(ready,public.items,1)"
    );
    assert_eq!(
        show(
            &mut db,
            &format!("{what}, target => 'items', execute => true)")
        ),
        "(done,public.items,1)"
    );
    assert_eq!(show(&mut db, "select id from items"), "(2)");
    assert_eq!(
        refused(
            &mut db,
            "select audit.undo(actor => 'eve', since => '2000-01-01')"
        ),
        "nothing_to_undo: nothing of that is in the log"
    );
    assert!(
        refused(&mut db, "select audit.undo(actor => 'ada')")
            .starts_with("undo_needs_one_selection")
    );
}

#[test]
fn what_a_foreign_key_deleted_comes_back_after_its_parent() {
    let (_database, mut db) = watched(
        "customers",
        "create table customers (id integer primary key, name text);
        create table \"the \"\"orders\" (id integer primary key, customer integer references customers on delete cascade on update cascade,
            parent integer references \"the \"\"orders\" on delete cascade, \"it's\" text, twice integer generated always as (id * 2) stored,
            n integer generated always as identity, j json)",
    );
    run(
        &mut db,
        "select audit.watch('\"the \"\"orders\"');
        insert into customers values (1, 'a'), (2, 'b');
        insert into \"the \"\"orders\" (id, customer, parent, \"it's\", j) values (1, 1, null, 'it''s \\', '{\"x\":  1}'), (2, 2, 1, null, null), (3, 2, 2, '', null);
        create table kept as select * from \"the \"\"orders\"",
    );
    for wrong in [
        "delete from customers where id = 1",
        "update customers set id = 7 where id = 2",
        "delete from \"the \"\"orders\" where id = 3; delete from \"the \"\"orders\" where id = 2",
    ] {
        let xid = transaction(&mut db, wrong);
        undo::run(&mut db, &Undo::Transaction(xid), None).unwrap();
        assert_eq!(
            show(
                &mut db,
                "select count(*) from (select o::text from \"the \"\"orders\" o union select k::text from kept k) d"
            ),
            "(3)",
            "{wrong}"
        );
        assert_eq!(
            show(&mut db, "select id, name from customers order by 1"),
            "(1,a)\n(2,b)"
        );
    }
}

#[test]
fn rows_that_came_later_do_not_go_with_the_parent_that_is_taken_back() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table items (id integer primary key, of_order bigint references orders on delete cascade)",
    );
    let xid = transaction(&mut db, "insert into orders values (1, 'EU', 1, null)");
    run(&mut db, "insert into items values (1, 1)");
    let error = undo::run(&mut db, &Undo::Transaction(xid), None).unwrap_err();
    assert_eq!(error.fact(), Some("undo_would_cascade"));
    assert_eq!(show(&mut db, "select count(*) from items"), "(1)");
}

#[test]
fn the_type_of_a_column_does_not_matter_to_what_is_taken_back() {
    let (_database, mut db) = watched(
        "things",
        "create type mood as enum ('ok', 'it''s'); create type pair as (a int, b text);
        create table things (id uuid primary key, a int[], b bytea, c jsonb, d json, e interval, f float8, g numeric, h timestamptz, i date, j mood, k pair,
            l int4range, m bit(3), n char(5), o boolean, p time, q inet, r \"char\", s point, t xml)",
    );
    run(
        &mut db,
        r#"set timezone = 'America/New_York'; set datestyle = 'SQL, DMY'; set intervalstyle = 'sql_standard'; set bytea_output = 'escape';
        insert into things values ('00000000-0000-0000-0000-000000000001', '{1,NULL}', '\x00ff', '{"a": "\\"}', '{"b":  1}', '-1 day 2 hours', 'NaN', 1.10, '-infinity', '0044-03-15 BC',
            'it''s', '(1,"a,b")', '[1,5)', '101', 'ab', true, '01:02', '10.0.0.1/8', 'x', '(1,2)', '<a/>');
        create table kept as select * from things"#,
    );
    for wrong in [
        "delete from things",
        "update things set (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t) = (select null::int[], null::bytea, null::jsonb, null::json, null::interval, null::float8, null::numeric, null::timestamptz, null::date, null::mood, null::pair, null::int4range, null::bit(3), null::char(5), null::boolean, null::time, null::inet, null::\"char\", null::point, null::xml)",
    ] {
        let xid = transaction(&mut db, wrong);
        undo::run(&mut db, &Undo::Transaction(xid), None).unwrap();
        assert_eq!(
            show(
                &mut db,
                "select count(*) from (select whole::text from things whole union select whole::text from kept whole) d"
            ),
            "(1)",
            "{wrong}"
        );
    }
}
