//! Statements: whichever way rows are written, the log tells what became of the table.
#![cfg(feature = "embedded")]

mod shared;

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use shared::{orders, run, show, tick, watched, wrong};

/// The log, replayed, gives each of the tables, from the head and from segments; and the counters agree.
#[track_caller]
fn replays(db: &mut PgConnection, tables: &[&str]) {
    for place in ["head", "segments"] {
        for table in tables {
            let differences = format!("select audit.replay_differences('{table}')");
            assert_eq!(show(db, &differences), "(0)", "{table} from the {place}");
        }
        assert_eq!(wrong(db), "", "{place}");
        tick(db);
    }
}

const KINDS: &str = "select op, sum(rows) from audit.change group by 1 order by 1";

#[test]
fn copy_with_freeze_is_still_possible_and_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        r"begin; truncate orders; copy orders from program 'printf ''1\tEU\t1\tx\n2\tUS\t2\ty\n''' with (freeze); commit",
    );
    assert_eq!(show(&mut db, KINDS), "(I,2)\n(T,0)");
    replays(&mut db, &["orders"]);
}

#[test]
fn a_chunk_of_one_row_is_read_as_that_row() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, 'n' || i from generate_series(1, 1001) i; update orders set amount = -amount;
        insert into orders select i, 'US', 1, repeat('x', 9000000) from generate_series(2001, 2003) i; update orders set region = 'DE' where id > 2000;
        delete from orders where id > 0",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) > 4 from audit.change where rows = 1"
        ),
        "(t)"
    );
    let wrong = "select count(*) from audit.row_change where (coalesce(new, old) ->> 'id')::integer <> key::integer";
    assert_eq!(show(&mut db, wrong), "(0)");
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 1001) i; update orders set id = id + 5000",
    );
    replays(&mut db, &["orders"]);
    assert_eq!(show(&mut db, wrong), "(0)");
}

#[test]
fn an_upsert_pairs_what_it_updates_and_logs_nothing_for_what_it_leaves() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'r' || i, i, null from generate_series(1, 10) i",
    );
    tick(&mut db);
    run(
        &mut db,
        "insert into orders select i, 's', -i, null from generate_series(6, 15) i on conflict (id) do update set amount = excluded.amount where orders.id <> 7;
        insert into orders values (1, 'x', 1, null), (16, 'x', 1, null) on conflict do nothing",
    );
    assert_eq!(show(&mut db, KINDS), "(I,6)\n(U,4)");
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.row_change where op = 'U' and new ? 'region' = false and (old ->> 'amount')::numeric = -(new ->> 'amount')::numeric"
        ),
        "(4)"
    );
    replays(&mut db, &["orders"]);
}

#[test]
fn a_merge_of_all_kinds_is_logged_kind_by_kind() {
    let (_database, mut db) = orders();
    if show(
        &mut db,
        "select current_setting('server_version_num')::integer >= 150000",
    ) == "(f)"
    {
        return;
    }
    run(
        &mut db,
        "insert into orders select i, 'r' || i, i, null from generate_series(1, 3000) i",
    );
    tick(&mut db);
    run(
        &mut db,
        "merge into orders o using (select i as id from generate_series(1, 4000) i order by random()) s on o.id = s.id
            when matched and o.id % 3 = 0 then delete
            when matched and o.id % 3 = 1 then update set amount = -o.amount
            when matched then do nothing
            when not matched then insert values (s.id, 'new', s.id, null)",
    );
    assert_eq!(show(&mut db, KINDS), "(D,1000)\n(I,1000)\n(U,1000)");
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.row_change where op = 'U' and (old ->> 'id' <> new ->> 'id' or (old ->> 'amount')::numeric <> -(new ->> 'amount')::numeric)"
        ),
        "(0)"
    );
    replays(&mut db, &["orders"]);
}

#[test]
fn a_truncate_of_several_tables_and_of_those_that_refer_to_them_is_logged_for_each() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table lines (id integer primary key, order_id bigint references orders); create table other (id integer primary key);
        select audit.watch('lines'); select audit.watch('other');
        insert into orders values (1), (2); insert into lines values (1, 1); insert into other values (1);
        truncate orders, other cascade; insert into orders values (3)",
    );
    assert_eq!(
        show(
            &mut db,
            "select w.name from audit.change c join audit.watched_table w using (table_id) where c.op = 'T' order by 1"
        ),
        "(public.lines)\n(public.orders)\n(public.other)"
    );
    replays(&mut db, &["orders", "lines", "other"]);
}

#[test]
fn what_foreign_keys_do_is_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table gone (id integer primary key, order_id bigint references orders on delete cascade on update cascade);
        create table blank (id integer primary key, order_id bigint references orders on delete set null);
        create table preset (id integer primary key, order_id bigint default 9 references orders on delete set default);
        create table deep (id integer primary key, gone_id integer references gone on delete cascade);
        select audit.watch('gone'); select audit.watch('blank'); select audit.watch('preset'); select audit.watch('deep');
        insert into orders values (1), (2), (9); insert into gone values (1, 1), (2, 2); insert into blank values (1, 1), (2, 2);
        insert into preset values (1, 1), (2, 2); insert into deep values (1, 1), (2, 1), (3, 2);
        delete from blank where order_id = 1; delete from preset where order_id = 1; update orders set id = 5 where id = 1;
        insert into blank values (3, 5); delete from orders where id < 9",
    );
    assert_eq!(
        show(
            &mut db,
            "select w.name, sum(c.rows) from audit.change c join audit.watched_table w using (table_id) where c.op <> 'I' group by 1 order by 1"
        ),
        "(public.blank,3)\n(public.deep,3)\n(public.gone,3)\n(public.orders,3)\n(public.preset,2)"
    );
    replays(&mut db, &["orders", "gone", "blank", "preset", "deep"]);
}

const READINGS: &str = "create table readings (id integer, place text, amount integer, primary key (id, place)) partition by list (place);
    create table readings_a partition of readings for values in ('a');
    create table readings_b partition of readings for values in ('b');
    create table readings_rest partition of readings default partition by range (id);
    create table readings_rest_1 partition of readings_rest for values from (0) to (100);
    create table readings_rest_2 partition of readings_rest default";

#[test]
fn rows_that_move_between_partitions_stay_paired() {
    let (_database, mut db) = watched("readings", READINGS);
    run(
        &mut db,
        "insert into readings select i, case i % 3 when 0 then 'a' when 1 then 'b' else 'c' end, i from generate_series(1, 300) i;
        update readings set place = case place when 'a' then 'b' when 'b' then 'c' else 'a' end, amount = -amount;
        update readings_rest set id = id + 1000 where id < 50; update readings_rest_2 set amount = 0; delete from readings_a where id % 2 = 0",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.row_change where op = 'U' and old ->> 'place' <> new ->> 'place' and (old ->> 'amount')::integer = -(new ->> 'amount')::integer"
        ),
        "(300)"
    );
    replays(&mut db, &["readings"]);
}

#[test]
fn a_row_that_is_dropped_while_it_moves_is_logged_as_deleted() {
    let (_database, mut db) = watched("readings", READINGS);
    run(
        &mut db,
        "insert into readings values (1, 'a', 1), (2, 'a', 2), (3, 'a', 3);
        create function drop_odd() returns trigger language plpgsql as $$ begin if new.id % 2 = 1 then return null; end if; return new; end $$;
        create trigger drop_odd before insert on readings_b for each row execute function drop_odd();
        update readings set place = 'b'",
    );
    assert_eq!(show(&mut db, "select id, place from readings"), "(2,b)");
    replays(&mut db, &["readings"]);
    run(
        &mut db,
        "insert into readings values (5, 'a', 5); update readings set place = 'b' where id = 5",
    );
    assert_eq!(show(&mut db, "select id, place from readings"), "(2,b)");
    replays(&mut db, &["readings"]);
}

#[test]
fn writing_through_views_and_rules_is_logged_where_it_lands() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table archive (id bigint primary key, note text); select audit.watch('archive');
        create view simple as select id, region, amount from orders where region = 'EU' with check option;
        create view guarded with (security_barrier) as select * from orders where amount < 100;
        create view complex as select o.id, o.note, a.note as archived from orders o left join archive a using (id);
        create function write_complex() returns trigger language plpgsql as $$ begin
            if tg_op = 'DELETE' then delete from orders where id = old.id; return old; end if;
            insert into orders (id, note) values (new.id, new.note) on conflict (id) do update set note = excluded.note;
            insert into archive values (new.id, new.archived) on conflict (id) do update set note = excluded.note;
            return new;
        end $$;
        create trigger write_complex instead of insert or update or delete on complex for each row execute function write_complex();
        create rule keep as on delete to orders do also insert into archive values (old.id + 1000, 'deleted');
        create view redirected as select id, note from archive;
        create rule redirect as on insert to redirected do instead insert into archive values (new.id, new.note);
        insert into simple values (1, 'EU', 1); update simple set amount = 2; insert into guarded values (2, 'US', 3, 'g'); update guarded set amount = amount + 1; delete from guarded where id = 2;
        insert into complex values (5, 'n', 'a'), (6, 'm', 'b'); update complex set note = 'z', archived = 'y' where id = 5; delete from complex where id = 6;
        insert into redirected values (77, 'r')",
    );
    assert_eq!(
        show(
            &mut db,
            "select (select count(*) from orders), (select count(*) from archive)"
        ),
        "(2,5)"
    );
    replays(&mut db, &["orders", "archive"]);
}

#[test]
fn what_an_applications_triggers_write_on_the_way_is_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table totals (region text primary key, amount numeric); select audit.watch('totals');
        create function add_up() returns trigger language plpgsql as $$ begin
            insert into totals values (new.region, new.amount) on conflict (region) do update set amount = totals.amount + excluded.amount;
            return null;
        end $$;
        create trigger add_up after insert on orders for each row execute function add_up();
        create function halve() returns trigger language plpgsql as $$ begin
            if new.amount > 100 and pg_trigger_depth() < 4 then update orders set amount = amount / 2 where id = new.id; end if;
            return null;
        end $$;
        create trigger halve after insert or update on orders for each row execute function halve();
        create function note_all() returns trigger language plpgsql as $$ begin update orders set note = 'seen' where note is null; return null; end $$;
        create trigger zz_note_all after insert on orders for each statement execute function note_all();
        insert into orders values (1, 'EU', 1000, null), (2, 'EU', 5, null), (3, 'US', 300, 'x'); update orders set amount = amount * 3",
    );
    assert_eq!(
        show(&mut db, "select region, amount from totals order by 1"),
        "(EU,1005)\n(US,300)"
    );
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select audit.replay_differences('totals')"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn only_what_remains_after_savepoints_and_caught_errors_is_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "begin; insert into orders values (1); savepoint a; insert into orders values (2); savepoint b; update orders set amount = 1; rollback to b;
        insert into orders values (3); release a; savepoint c; delete from orders; rollback to c; commit;
        do $$ begin
            insert into orders values (4);
            begin insert into orders values (5); perform 1 / 0; exception when division_by_zero then insert into orders values (6); end;
            begin insert into orders values (1); exception when unique_violation then null; end;
        end $$",
    );
    assert_eq!(
        show(
            &mut db,
            "select string_agg(key, ',' order by key) from audit.row_change"
        ),
        "(\"1,2,3,4,6\")"
    );
    replays(&mut db, &["orders"]);
}

#[test]
fn every_isolation_level_logs_and_none_fails_because_of_the_log() {
    let (database, mut db) = orders();
    run(
        &mut db,
        "create table other (id integer primary key, n integer); select audit.watch('other')",
    );
    let mut other = database.connect();
    for (n, level) in [
        "read uncommitted",
        "read committed",
        "repeatable read",
        "serializable",
    ]
    .iter()
    .enumerate()
    {
        // Each reads and writes a table of its own at the same time: nothing but the log is common to them.
        run(
            &mut db,
            &format!(
                "begin isolation level {level}; insert into orders select {n}, 'EU', count(*), null from orders"
            ),
        );
        run(
            &mut other,
            &format!(
                "begin isolation level {level}; insert into other select {n}, count(*) from other; update other set n = n + 1"
            ),
        );
        run(
            &mut db,
            "update orders set amount = amount + 1 where amount = (select max(amount) from orders); commit",
        );
        run(&mut other, "delete from other where id = 0; commit");
    }
    assert_eq!(
        show(
            &mut db,
            "select (select count(*) from orders), (select count(*) from other)"
        ),
        "(4,3)"
    );
    replays(&mut db, &["orders", "other"]);
}

#[test]
fn a_prepared_transaction_is_logged_when_it_commits_and_not_when_it_rolls_back() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "begin; insert into orders values (1); update orders set amount = 1; prepare transaction 'kept by statements'",
    );
    assert_eq!(show(&mut db, KINDS), "");
    run(&mut db, "commit prepared 'kept by statements'");
    assert_eq!(show(&mut db, KINDS), "(I,1)\n(U,1)");
    run(
        &mut db,
        "begin; delete from orders; prepare transaction 'dropped by statements'",
    );
    run(&mut db, "rollback prepared 'dropped by statements'");
    assert_eq!(show(&mut db, KINDS), "(I,1)\n(U,1)");
    replays(&mut db, &["orders"]);
}

#[test]
fn keys_that_change_places_under_a_deferred_constraint_are_paired() {
    let (_database, mut db) = watched(
        "seats",
        "create table seats (id integer, guest text, next integer, constraint seats_pkey primary key (id) deferrable initially deferred);
        create table rows_of_seats (id integer primary key); alter table seats add constraint next_is_there foreign key (next) references rows_of_seats deferrable initially deferred",
    );
    run(
        &mut db,
        "begin; insert into seats values (1, 'a', 2), (2, 'b', 1); insert into rows_of_seats select i from generate_series(1, 20) i; commit;
        begin; update seats set id = 3 - id; update seats set id = id + 10; update seats set next = next + 10; insert into seats values (3, 'c', 4); insert into seats values (4, 'd', 3); commit",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.row_change where op = 'U' and old ->> 'guest' <> new ->> 'guest'"
        ),
        "(0)"
    );
    replays(&mut db, &["seats"]);
}

#[test]
fn statements_within_statements_are_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table archive (id bigint primary key, amount numeric); select audit.watch('archive');
        insert into orders select i, 'EU', i, null from generate_series(1, 10) i;
        with moved as (delete from orders where id > 8 returning id, amount), kept as (update orders set note = 'kept' where id < 3 returning id)
            insert into archive select id, amount from moved union all select id + 100, 0 from kept;
        do $$ declare c cursor for select * from orders where id = 5 for update; r record; begin
            open c; fetch c into r; update orders set amount = 55 where current of c; close c;
        end $$;
        prepare w (bigint) as update orders set amount = -$1 where id = $1; execute w (6); execute w (7);
        create function write() returns bigint language sql as 'insert into orders values (50), (51); delete from orders where id = 51 returning id'; select write()",
    );
    diesel::sql_query("update orders set note = $1 where id = $2")
        .bind::<Text, _>("bound")
        .bind::<BigInt, _>(4)
        .execute(&mut db)
        .unwrap();
    replays(&mut db, &["orders", "archive"]);
}

#[test]
fn names_of_the_writer_do_not_reach_the_generated_functions() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "do $$ begin create role trickster; exception when duplicate_object then null; end $$; grant select, insert, update, delete on orders to trickster; create schema trap authorization trickster; set role trickster;
        create temporary table change (trap text); create temporary table finding (trap text); create temporary table new_rows (id bigint); create temporary table old_rows (id bigint); create temporary table orders (trap text);
        create domain pg_temp.text as integer check (value < 0); create domain pg_temp.json as integer; create domain pg_temp.bigint as integer check (value < 0);
        create function trap.to_json(anyelement) returns json language plpgsql as $$ begin raise exception 'trapped'; end $$;
        create function trap.current_setting(text, boolean) returns pg_catalog.text language plpgsql as $$ begin raise exception 'trapped'; end $$;
        create function trap.least(a integer, b integer) returns integer language plpgsql as $$ begin raise exception 'trapped'; end $$;
        create function trap.same(pg_catalog.text, pg_catalog.text) returns boolean language plpgsql as $$ begin raise exception 'trapped'; end $$;
        create operator trap.= (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = trap.same);
        set search_path = pg_temp, trap, public, pg_catalog;
        insert into public.orders values (1, 'EU', 1, 'a'); insert into public.orders values (2, 'EU', 1, 'a'), (3, 'EU', 1, 'a');
        update public.orders set amount = 2; update public.orders set amount = 3 where id = 1; delete from public.orders where id > 1; reset all; reset role; drop table pg_temp.orders",
    );
    run(
        &mut db,
        "drop schema trap cascade; drop domain pg_temp.text; drop domain pg_temp.json; drop domain pg_temp.bigint; drop table pg_temp.change, pg_temp.finding",
    );
    assert_eq!(show(&mut db, KINDS), "(D,2)\n(I,3)\n(U,4)");
    replays(&mut db, &["orders"]);
}
