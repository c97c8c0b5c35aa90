//! The log read back: the versions of a row, and tables as they were.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::testing::Database;
use diesel::PgConnection;
use proptest::prelude::*;
use shared::{orders, refused, remember, run, show, tick, watched};

/// The remembered moments at which `as_of` does not give what was remembered.
const WRONG_MOMENTS: &str = "select m.n, d.rows from moment m cross join lateral (
        select count(*) as rows from (
            (select a.* from audit.as_of(null::orders, m.at) a except all select r.id, r.region, r.amount, r.note from remembered r where r.n = m.n)
            union all
            (select r.id, r.region, r.amount, r.note from remembered r where r.n = m.n except all select a.* from audit.as_of(null::orders, m.at) a)
        ) different
    ) d where d.rows <> 0 order by m.n";

#[test]
fn a_row_is_followed_through_all_its_keys_and_no_further() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null); update orders set id = 2; update orders set id = 3;
        insert into orders values (1, 'US', 9, 'another')",
    );
    tick(&mut db);
    run(
        &mut db,
        "update orders set id = 4, amount = 2 where id = 3; delete from orders where id = 4; insert into orders values (4, 'US', 9, 'a third')",
    );
    let versions = |db: &mut PgConnection, key| {
        show(
            db,
            &format!(
                "select op, old_key, new_key, coalesce(new, old) ->> 'note' from audit.history('orders', '{key}')"
            ),
        )
    };
    let whole = "(I,1,1,)\n(U,1,2,)\n(U,2,3,)\n(U,3,4,)\n(D,4,4,)";
    assert_eq!(versions(&mut db, 2), whole);
    assert_eq!(versions(&mut db, 3), whole);
    // The key itself may have been that of more than one row.
    assert_eq!(
        versions(&mut db, 4),
        format!("{whole}\n(I,4,4,\"a third\")")
    );
    assert_eq!(
        versions(&mut db, 1),
        "(I,1,1,)\n(U,1,2,)\n(U,2,3,)\n(I,1,1,another)\n(U,3,4,)\n(D,4,4,)"
    );
}

#[test]
fn keys_that_go_to_and_fro_are_followed_once() {
    let (_database, mut db) = orders();
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    for _ in 0..10 {
        run(
            &mut db,
            "update orders set id = 2; update orders set id = 1",
        );
    }
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select count(*) from audit.history('orders', '1')"),
        "(21)"
    );
}

#[test]
fn a_history_shows_columns_that_are_gone_and_those_that_came() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null); alter table orders drop column region; alter table orders add column place text default 'home';
        update orders set amount = 2",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select old ->> 'region', new ->> 'region', new ->> 'place' from audit.history('orders', '1')"
        ),
        "(,EU,)\n(,,home)"
    );
}

#[test]
fn a_history_needs_a_watched_table_with_a_key() {
    let (_database, mut db) = watched("events", "create table events (what text)");
    assert_eq!(
        refused(&mut db, "select audit.history('events', '1')"),
        "table_has_no_primary_key: the rows of public.events can not be told apart"
    );
    run(&mut db, "create table plain (id integer primary key)");
    assert_eq!(
        refused(&mut db, "select audit.history('plain', '1')"),
        "table_is_not_watched: public.plain is not watched"
    );
}

#[test]
fn a_history_asked_of_a_partition_is_that_of_the_whole_table() {
    let (_database, mut db) = watched(
        "visits",
        "create table visits (id integer, year integer, primary key (id, year)) partition by list (year);
        create table visits_1 partition of visits for values in (1);
        create table visits_2 partition of visits for values in (2)",
    );
    run(
        &mut db,
        "insert into visits_1 values (1, 1); update visits set year = 2",
    );
    for table in ["visits", "visits_1"] {
        assert_eq!(
            show(
                &mut db,
                &format!("select op, old_key, new_key from audit.history('{table}', '[1, 2]')")
            ),
            "(I,\"[1, 1]\",\"[1, 1]\")\n(U,\"[1, 1]\",\"[1, 2]\")"
        );
    }
}

#[test]
fn no_key_lies_in_two_segments_of_a_layer_and_what_has_no_layer_is_found_by_its_hashes() {
    let (_database, mut db) = watched("things", "create table things (id text primary key, n int)");
    for n in 0..12 {
        run(
            &mut db,
            &format!(
                "insert into things select md5((i * 12 + {n})::text), i from generate_series(1, 600) i"
            ),
        );
        tick(&mut db);
    }
    assert_eq!(
        show(
            &mut db,
            "select count(*), count(layer), count(distinct layer) from audit.segment"
        ),
        "(12,8,8)"
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from things t cross join lateral audit.history('things', t.id) h where t.n <= 20 and h.new ->> 'n' <> t.n::text"
        ),
        "(0)"
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from things t cross join lateral audit.history('things', t.id) h where t.n <= 20"
        ),
        "(240)"
    );
    assert_eq!(
        show(
            &mut db,
            "select a.segment_id from audit.segment a join audit.segment b on b.segment_id < a.segment_id and b.layer = a.layer and b.key_lo <= a.key_hi and b.key_hi >= a.key_lo"
        ),
        ""
    );
}

#[test]
fn readers_read_the_log_and_need_the_right_to_read_the_table_for_what_it_was() {
    let (database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null);
        do $$ begin create role reading_reader login; exception when duplicate_object or unique_violation then null; end $$;
        grant audit_reader to reading_reader",
    );
    tick(&mut db);
    let mut reader = as_role(&database, "reading_reader");
    assert_eq!(show(&mut reader, "select key from audit.row_change"), "(1)");
    assert_eq!(
        show(
            &mut reader,
            "select op from audit.history('public.orders', '1')"
        ),
        "(I)"
    );
    assert!(
        refused(&mut reader, "select audit.as_of('public.orders', now())")
            .contains("permission denied for table orders")
    );
    run(&mut db, "grant select on orders to reading_reader");
    assert_eq!(
        show(
            &mut reader,
            "select key from audit.as_of('public.orders', now())"
        ),
        "(1)"
    );
    // Undoing is writing.
    let lsn = show(&mut db, "select lsn from audit.history('orders', '1')");
    let lsn = lsn.trim_matches(['(', ')']);
    assert_eq!(
        show(
            &mut reader,
            &format!("select status, statement from audit.undo('{lsn}')")
        ),
        "(ready,\"delete from public.orders where id = '1'\")"
    );
    assert!(
        refused(
            &mut reader,
            &format!("select audit.undo('{lsn}', execute => true)")
        )
        .contains("permission denied for table orders")
    );
}

/// A session of a role without further rights.
fn as_role(database: &Database, role: &str) -> PgConnection {
    let mut connection = database.connect();
    run(
        &mut connection,
        &format!("set session authorization {role}"),
    );
    connection
}

#[test]
fn a_table_is_given_back_as_it_was_before_and_after_what_was_there_already() {
    let database = audit_schema::testing::database();
    let mut db = database.connect();
    run(
        &mut db,
        "create table orders (id bigint primary key, region text, amount numeric, note text);
        insert into orders values (9100, 'old', 1.10, null), (9101, 'old', 2, null), (9102, 'old', 3, null);
        select audit.watch('orders')",
    );
    for (number, statements) in [
        "select 1",
        "insert into orders select i, 'EU', i, null from generate_series(1, 1500) i",
        "update orders set id = id + 5000 where id in (7, 9100); insert into orders values (7, 'new', null, '')",
        "delete from orders where id in (9101, 14100); update orders set amount = amount * 2 where id < 10",
        "insert into orders values (9101, 'again', 1, null)",
    ]
    .iter()
    .enumerate()
    {
        run(&mut db, statements);
        remember(&mut db, number);
        if number == 2 {
            tick(&mut db);
        }
    }
    assert_eq!(show(&mut db, WRONG_MOMENTS), "");
    assert_eq!(
        show(
            &mut db,
            "select m.n, a.key, a.row ->> 'amount' from moment m cross join lateral audit.as_of('orders', m.at, '9101') a order by 1"
        ),
        "(0,9101,2)\n(1,9101,2)\n(2,9101,2)\n(4,9101,1)"
    );
}

#[test]
fn rows_that_a_truncate_took_are_given_back_if_the_log_has_them_all() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 20) i; delete from orders where id = 3",
    );
    remember(&mut db, 0);
    run(
        &mut db,
        "truncate orders; insert into orders values (1, 'EU', 1, null)",
    );
    remember(&mut db, 1);
    tick(&mut db);
    assert_eq!(show(&mut db, WRONG_MOMENTS), "");
}

#[test]
fn rows_that_a_truncate_took_and_that_are_older_than_the_watch_are_refused() {
    let database = audit_schema::testing::database();
    let mut db = database.connect();
    run(
        &mut db,
        "create table orders (id bigint primary key, region text, amount numeric, note text);
        insert into orders values (1, 'old', 1, null);
        select audit.watch('orders')",
    );
    remember(&mut db, 0);
    run(&mut db, "truncate orders");
    let message = refused(&mut db, "select audit.as_of('orders', m.at) from moment m");
    assert!(
        message.starts_with("truncated_rows_are_not_logged: public.orders was truncated at "),
        "{message}"
    );
    assert_eq!(
        show(&mut db, "select count(*) from audit.as_of('orders', now())"),
        "(0)"
    );
    let message = refused(&mut db, "select audit.as_of('orders', '2001-01-01')");
    assert!(message.starts_with("table_was_not_watched: "), "{message}");
}

#[test]
fn a_table_without_a_key_is_given_back_by_whole_rows() {
    let (_database, mut db) = watched("events", "create table events (what text, j json)");
    run(
        &mut db,
        "insert into events values ('a', '{\"x\":  1}'), ('a', '{\"x\":  1}'), ('b', null);
        create table moment as select clock_timestamp() as at;
        delete from events where ctid = '(0,1)'; update events set what = 'c' where what = 'b'; insert into events values ('b', null)",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select a.* from moment m cross join lateral audit.as_of(null::events, m.at) a order by 1"
        ),
        "(a,\"{\"\"x\"\":  1}\")\n(a,\"{\"\"x\"\":  1}\")\n(b,)"
    );
    assert_eq!(
        show(&mut db, "select audit.replay_differences('events')"),
        "(0)"
    );
}

#[test]
fn a_table_without_a_key_to_which_the_log_does_not_lead_is_refused() {
    let database = audit_schema::testing::database();
    let mut db = database.connect();
    run(
        &mut db,
        "create table events (what text); insert into events values ('a'), ('b'); select audit.watch('events');
        create table moment as select clock_timestamp() as at;
        update events set what = 'c' where what = 'b';
        set session_replication_role = replica; delete from events where what = 'c'; reset session_replication_role",
    );
    assert!(
        refused(&mut db, "select audit.as_of('events', m.at) from moment m")
            .starts_with("log_does_not_lead_there")
    );
}

#[test]
fn what_an_applications_own_triggers_wrote_does_not_confuse_what_was() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create function count_up() returns trigger language plpgsql as $$ begin update orders set amount = amount + 1 where id = new.id; return null; end $$;
        create trigger count_up after insert on orders for each row execute function count_up()",
    );
    remember(&mut db, 0);
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    remember(&mut db, 1);
    run(&mut db, "update orders set amount = 0; delete from orders");
    tick(&mut db);
    assert_eq!(show(&mut db, WRONG_MOMENTS), "");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn what_nested_updates_of_many_rows_wrote_does_not_confuse_what_was() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create function shift() returns trigger language plpgsql as $$ begin
            if pg_trigger_depth() = 1 then update orders set amount = amount + 1, note = 'shifted' where id % 2 = 0; end if; return null;
        end $$;
        create trigger a_shift after update on orders for each statement execute function shift();
        insert into orders select i, 'EU', i, null from generate_series(1, 20) i",
    );
    remember(&mut db, 0);
    run(&mut db, "update orders set amount = amount * 2");
    remember(&mut db, 1);
    run(
        &mut db,
        "update orders set region = 'US' where id > 5; delete from orders where id = 7",
    );
    remember(&mut db, 2);
    for _ in ["head", "segments"] {
        assert_eq!(show(&mut db, WRONG_MOMENTS), "");
        assert_eq!(
            show(&mut db, "select audit.replay_differences('orders')"),
            "(0)"
        );
        tick(&mut db);
    }
}

#[test]
fn a_history_has_whole_rows_where_other_versions_tell_what_an_update_left_out() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "select audit.unwatch('orders'); insert into orders select i, 'EU', i, 'n' from generate_series(1, 3) i; select audit.watch('orders');
        update orders set amount = 10; update orders set region = 'US'; delete from orders where id = 2; update orders set note = 'x' where id = 3",
    );
    for _ in ["head", "segments"] {
        assert_eq!(
            show(
                &mut db,
                "select old ? 'note', old ->> 'amount', new ->> 'amount', old ->> 'region', new ->> 'region' from audit.history('orders', '1') order by lsn"
            ),
            "(f,1,10,EU,EU)\n(f,10,10,EU,US)",
            "nothing tells more"
        );
        for (key, versions) in [
            ("2", "(EU,EU,n)\n(EU,US,n)\n(US,,)"),
            ("3", "(EU,EU,n)\n(EU,US,n)\n(US,US,x)"),
        ] {
            assert_eq!(
                show(
                    &mut db,
                    &format!(
                        "select old ->> 'region', new ->> 'region', new ->> 'note' from audit.history('orders', '{key}') order by lsn"
                    )
                ),
                versions
            );
        }
        tick(&mut db);
    }
}

#[test]
fn a_history_carries_nothing_over_a_change_of_the_columns() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, 'n' from generate_series(1, 2) i; alter table orders drop column region;
        update orders set amount = 10; update orders set note = 'x' where id = 1",
    );
    assert_eq!(
        show(
            &mut db,
            "select (select string_agg(k, '+' order by k) from jsonb_object_keys(new) k), new ->> 'note' from audit.history('orders', '1') order by lsn"
        ),
        "(amount+id+note+region,n)\n(amount+id+note,n)\n(amount+id+note,x)"
    );
}

#[test]
fn columns_that_came_or_went_do_not_hide_what_was() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'n'), (2, 'EU', 1, 'n'); create table moment as select clock_timestamp() as at;
        update orders set amount = 2 where id = 1; alter table orders drop column region; alter table orders add column place text default 'home';
        update orders set amount = 3 where id = 1; insert into orders values (3, 3, null, 'away')",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select a.id, a.amount, a.note from moment m cross join lateral audit.as_of(null::orders, m.at) a order by 1"
        ),
        "(1,1,n)\n(2,1,n)"
    );
}

/// A statement that a program might send.
fn statement() -> impl Strategy<Value = String> {
    let id = 0..12_i32;
    prop_oneof![
        4 => (id.clone(), -3..6_i32).prop_map(|(id, amount)| format!("insert into orders values ({id}, 'EU', {amount}, null) on conflict (id) do update set amount = excluded.amount")),
        2 => (id.clone(), -3..6_i32).prop_map(|(id, amount)| format!("update orders set amount = amount + {amount} where id >= {id}")),
        2 => (id.clone(), -3..6_i32).prop_map(|(id, amount)| format!("update orders set region = 'R' || id % 2, note = case when id % 3 = 0 then '{amount}' else note end where id <= {id}")),
        2 => (id.clone(), id.clone()).prop_map(|(id, to)| format!("update orders set id = {to} where id = {id} and not exists (select from orders where id = {to})")),
        1 => (id.clone()).prop_map(|id| format!("update orders set id = 11 - id where id in ({id}, 11 - {id}) and {id} > 20")),
        2 => id.clone().prop_map(|id| format!("delete from orders where id % 4 = {}", id % 4)),
        1 => id.prop_map(|id| format!("begin; delete from orders; insert into orders values ({id}, 'XX', 1, null); rollback")),
        2 => Just("select audit.tick()".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// The history of every key is what was done, the table is given back as it was after every statement, the log replays
    /// to the table, and taking everything back, newest first, leaves nothing.
    #[test]
    fn the_log_tells_what_was_done_whatever_it_was(statements in proptest::collection::vec(statement(), 1..16)) {
        let (_database, mut db) = orders();
        // What was done to each row, written down by the table itself.
        run(&mut db, "
            create table done (n integer generated always as identity, op text, old_key text, new_key text, old orders, new orders);
            create function note_down() returns trigger language plpgsql as $$ begin
                insert into done (op, old_key, new_key, old, new) values (left(tg_op, 1), coalesce(old.id, new.id), coalesce(new.id, old.id), old, new);
                return null;
            end $$;
            create trigger note_down after insert or update or delete on orders for each row execute function note_down()");
        for (number, statement) in statements.iter().enumerate() {
            run(&mut db, statement);
            remember(&mut db, number);
        }
        prop_assert_eq!(show(&mut db, WRONG_MOMENTS), "");
        prop_assert_eq!(show(&mut db, "select audit.replay_differences('orders')"), "(0)");
        tick(&mut db);
        prop_assert_eq!(show(&mut db, WRONG_MOMENTS), "");
        prop_assert_eq!(show(&mut db, "select audit.replay_differences('orders')"), "(0)");
        prop_assert_eq!(
            show(&mut db, "
                select d.n, k.key from done d cross join lateral (select d.old_key as key union select d.new_key) k
                where not exists (
                    select from audit.history('orders', k.key) h
                    where h.op::text = d.op and h.old_key = d.old_key and h.new_key = d.new_key
                        and h.old is not distinct from to_jsonb(d.old) and h.new is not distinct from to_jsonb(d.new)
                )"),
            ""
        );
        prop_assert_eq!(
            show(&mut db, "select (select count(*) from done) - count(*) from audit.row_change"),
            "(0)"
        );
        run(&mut db, "drop trigger note_down on orders");
        if show(&mut db, "select count(*) from audit.row_change") != "(0)" {
            run(&mut db, "select audit.undo(actor => session_user, since => '2000-01-01', execute => true)");
        }
        prop_assert_eq!(show(&mut db, "select count(*) from orders"), "(0)");
    }
}
