//! What a program does not notice of a watched table.
#![cfg(feature = "embedded")]

mod shared;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use shared::{orders, refused, rule, run, show, watched, wrong};

#[test]
fn saving_all_columns_of_a_row_does_not_wait_for_those_who_refer_to_it() {
    let (database, mut db) = orders();
    run(
        &mut db,
        "create table lines (id integer primary key, order_id bigint references orders); select audit.watch('lines'); insert into orders values (1, 'EU', 1, null)",
    );
    let mut other = database.connect();
    run(&mut other, "begin; insert into lines values (1, 1)");
    // The key is written, as programs do that save all columns, but not changed: no lock against the reference is needed.
    run(
        &mut db,
        "set lock_timeout = '5s'; update orders set id = 1, region = 'US', amount = 2, note = null where id = 1",
    );
    run(&mut other, "commit");
    run(
        &mut db,
        "begin; update orders set id = 1, amount = 3 where id = 1",
    );
    run(
        &mut other,
        "set lock_timeout = '5s'; insert into lines values (2, 1)",
    );
    run(&mut db, "commit");
}

#[test]
fn writers_of_one_table_do_not_wait_for_each_other() {
    let (database, mut db) = orders();
    rule(
        &mut db,
        r#"'priced', 'range', '{"column": "amount", "min": 0}'"#,
    );
    let mut other = database.connect();
    run(
        &mut db,
        "begin; insert into orders values (1, 'EU', -1, null)",
    );
    run(
        &mut other,
        "set lock_timeout = '5s'; begin; insert into orders values (2, 'EU', -1, null), (3, 'EU', -1, null)",
    );
    run(&mut db, "commit");
    run(&mut other, "commit");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(3)"
    );
}

#[test]
fn no_setting_of_the_session_is_changed_by_a_write() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id bigint primary key, amount double precision, tags text[], during interval, at timestamptz, content bytea, note text)",
    );
    run(
        &mut db,
        r#"select audit.declare_rule('orders', 'priced', 'range', '{"column": "amount", "min": 0}', action => 'quarantine');
        select audit.declare_rule('orders', 'once', 'unique', '{"columns": ["note"]}'); select audit.compile('orders');
        set timezone = 'Asia/Kathmandu'; set datestyle = 'sql, dmy'; set intervalstyle = sql_standard; set bytea_output = escape; set extra_float_digits = -3; set work_mem = '123kB'; set audit.cause = 'mine';
        create temporary table before as select name, setting from pg_settings"#,
    );
    run(
        &mut db,
        "begin; insert into orders select i, 1 - i % 2 * 2, '{a}', '1 day', now(), '\\x00', i::text from generate_series(1, 3000) i;
        update orders set amount = -5 where id < 100; delete from orders where id > 2500",
    );
    let changed = "select b.name, b.setting, s.setting from before b join pg_settings s using (name) where b.setting is distinct from s.setting and b.name !~ 'transaction'";
    assert_eq!(show(&mut db, changed), "");
    assert_eq!(
        show(&mut db, "select current_setting('audit.cause')"),
        "(mine)"
    );
    run(&mut db, "commit");
    assert_eq!(show(&mut db, changed), "");
}

#[test]
fn how_a_session_reads_backslashes_changes_nothing() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        r#"set standard_conforming_strings = off; set backslash_quote = off; set escape_string_warning = on;
        select audit.declare_rule('orders', 'digits', 'matches', E'{"column": "note", "pattern": "^\\\\d+$"}');
        select audit.declare_rule('orders', 'two', 'expression', E'{"expression": "region ~ ''^\\\\w{2}$''"}', condition => E'note <> ''\\''');
        select audit.declare_rule('orders', E'b\\s', 'not_null', '{"column": "amount"}', action => 'reject');
        select audit.compile('orders')"#,
    );
    for off in ["off", "on"] {
        run(
            &mut db,
            &format!(
                "set standard_conforming_strings = {off}; insert into orders values (1, 'EU', 1, '12'); insert into orders values (2, 'EUR', 2, 'd'), (3, 'EU', 3, '7'); update orders set amount = 5"
            ),
        );
        assert_eq!(
            refused(
                &mut db,
                "insert into orders values (9, 'EU', null, '1'), (8, 'EU', null, '1')"
            ),
            "b\\s: public.orders refuses the insert: rule `b\\s` fails for 2 of 2 rows"
        );
        assert_eq!(
            show(
                &mut db,
                "select r.name, c.failing, c.errors from audit.rule_counter c join audit.rule r using (rule_id) order by r.rule_id"
            ),
            "(digits,1,0)\n(two,1,0)\n(\"b\\\\s\",0,0)",
            "{off}"
        );
        assert_eq!(wrong(&mut db), "", "{off}");
        run(
            &mut db,
            "alter table orders add column extra text; alter table orders drop column extra; delete from orders",
        );
        assert_eq!(wrong(&mut db), "", "{off}");
    }
}

#[test]
fn found_and_row_counts_are_those_of_the_statement() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'noted', 'not_null', '{"column": "note"}'"#);
    run(
        &mut db,
        "do $$ declare n bigint; context text; begin
            insert into orders values (1, 'EU', 1, null), (2, 'EU', 2, 'x');
            get diagnostics n = row_count; assert found and n = 2, n;
            update orders set amount = 3 where id = 1;
            get diagnostics n = row_count; assert found and n = 1, n;
            update orders set amount = 3 where id = 9;
            get diagnostics n = row_count; assert not found and n = 0, n;
            delete from orders;
            get diagnostics n = row_count; assert found and n = 2, n;
        end $$",
    );
}

#[test]
fn nothing_is_said_to_the_client_and_nobody_is_notified() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'noted', 'not_null', '{"column": "note"}'"#);
    // A transaction that notifies can not be prepared.
    run(
        &mut db,
        "begin; insert into orders values (1, 'EU', 1, null), (2, 'EU', 1, null); update orders set note = 'x'; truncate orders; prepare transaction 'silent'",
    );
    run(&mut db, "commit prepared 'silent'");
    assert_eq!(show(&mut db, "select pg_notification_queue_usage()"), "(0)");
}

#[test]
fn the_rights_and_names_that_a_program_sees_are_its_own() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "do $$ begin create role program; exception when duplicate_object then null; end $$; grant select, insert, update on orders to program;
        create table seen (who text, path text); grant insert on seen to program;
        create function look() returns trigger language plpgsql as $$ begin insert into seen values (current_user, current_setting('search_path')); return null; end $$;
        create trigger aa_look after insert on orders for each statement execute function look();
        create trigger zz_look after insert on orders for each statement execute function look();
        set role program; set search_path = public; insert into orders values (1); reset role; reset search_path",
    );
    assert_eq!(
        show(&mut db, "select distinct who, path from seen"),
        "(program,public)"
    );
    assert!(
        db.batch_execute("set role program; delete from orders")
            .is_err()
    );
}

#[test]
fn a_failing_statement_fails_as_before() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "alter table orders add constraint positive check (amount > 0); insert into orders values (1, 'EU', 1, null)",
    );
    for (statement, constraint) in [
        (
            "insert into orders values (1, 'EU', 1, null)",
            "orders_pkey",
        ),
        ("insert into orders values (2, 'EU', -1, null)", "positive"),
        ("update orders set amount = -1", "positive"),
    ] {
        match db.batch_execute(statement) {
            Err(diesel::result::Error::DatabaseError(_, information)) => {
                assert_eq!(information.constraint_name(), Some(constraint));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(show(&mut db, "select count(*) from audit.change"), "(1)");
}

#[test]
fn a_read_only_transaction_reads_a_watched_table() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1); begin read only; select * from orders; commit",
    );
    assert!(
        db.batch_execute("begin read only; insert into orders values (2)")
            .is_err()
    );
    run(&mut db, "rollback");
}

#[test]
fn the_number_of_rows_a_driver_is_told_is_that_of_the_statement() {
    let (_database, mut db) = orders();
    let told = diesel::sql_query("insert into orders select i from generate_series(1, 1500) i")
        .execute(&mut db);
    assert_eq!(told, Ok(1500));
    let told = diesel::sql_query("update orders set amount = 1 where id <= 1200").execute(&mut db);
    assert_eq!(told, Ok(1200));
    let told = diesel::sql_query("insert into orders values (1), (2000) on conflict do nothing")
        .execute(&mut db);
    assert_eq!(told, Ok(1));
    let told = diesel::sql_query("delete from orders").execute(&mut db);
    assert_eq!(told, Ok(1501));
}
