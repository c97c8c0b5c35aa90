//! What is captured, and what a watched program does not notice of it.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::testing;
use diesel::prelude::*;
use shared::{orders, refused, rule, run, show, tick, watched, wrong};

const LOG: &str = "select op, rows, key_lo, key_hi, old, new from audit.change order by lsn";

#[test]
fn insert_update_delete_and_truncate_are_logged() {
    let (_database, mut db) = orders();
    run(&mut db, "insert into orders values (1, 'EU', 9.50, 'a')");
    run(&mut db, "update orders set amount = 10 where id = 1");
    run(&mut db, "delete from orders");
    run(&mut db, "truncate orders");
    insta::assert_snapshot!(show(&mut db, LOG), @r#"
    (I,1,1,1,,"{""id"":1,""region"":""EU"",""amount"":9.50,""note"":""a""}")
    (U,1,1,1,"{""id"":1,""region"":""EU"",""amount"":9.50,""note"":""a""}","{""id"":1,""region"":""EU"",""amount"":10,""note"":""a""}")
    (D,1,1,1,"{""id"":1,""region"":""EU"",""amount"":10,""note"":""a""}",)
    (T,0,,,,)
    "#);
}

#[test]
fn rows_of_one_statement_share_a_log_row() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 9, null), (2, 'US', 8, 'b')",
    );
    insta::assert_snapshot!(show(&mut db, LOG), @r#"(I,2,1,2,,"{""id"":[1, 2],""region"":[""EU"", ""US""],""amount"":[9, 8],""note"":[null, ""b""]}")"#);
}

#[test]
fn a_log_row_holds_a_thousand_rows_at_most() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 2500) i",
    );
    run(&mut db, "update orders set amount = amount + 1");
    assert_eq!(
        show(
            &mut db,
            "select op, rows, count(*) from audit.change group by 1, 2 order by 1, 2"
        ),
        "(I,500,1)\n(I,1000,2)\n(U,500,1)\n(U,1000,2)"
    );
}

#[test]
fn wide_rows_go_into_small_log_rows() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'EU', 1, repeat('x', 3000000) from generate_series(1, 6) i",
    );
    assert_eq!(
        show(&mut db, "select rows from audit.change"),
        "(2)\n(2)\n(2)"
    );
}

#[test]
fn copy_is_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        r"copy orders from program 'printf ''1\tEU\t1\tx\n2\tUS\t2\ty\n'''",
    );
    assert_eq!(show(&mut db, "select op, rows from audit.change"), "(I,2)");
}

#[test]
fn upsert_and_merge_are_logged_for_each_kind_of_change() {
    let (_database, mut db) = orders();
    run(&mut db, "insert into orders values (1, 'EU', 1, 'a')");
    run(
        &mut db,
        "insert into orders values (1, 'EU', 2, 'b'), (2, 'EU', 3, 'c')
            on conflict (id) do update set amount = excluded.amount",
    );
    if show(
        &mut db,
        "select current_setting('server_version_num')::integer >= 150000",
    ) == "(t)"
    {
        run(
            &mut db,
            "merge into orders o using (values (2, 5), (3, 6)) s (id, amount) on o.id = s.id
                when matched then update set amount = s.amount
                when not matched then insert values (s.id, 'US', s.amount, null)",
        );
    }
    assert_eq!(
        show(
            &mut db,
            "select op, sum(rows) > 0 from audit.change group by 1 order by 1"
        ),
        "(I,t)\n(U,t)"
    );
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn old_and_new_rows_are_paired_by_their_place_even_when_keys_change() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, 'r' || i, i, null from generate_series(1, 3000) i",
    );
    run(
        &mut db,
        "update orders set id = id + 100000, amount = -amount",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.row_change where op = 'U' and ((old ->> 'region') <> (new ->> 'region') or (new ->> 'id')::int - (old ->> 'id')::int <> 100000)"
        ),
        "(0)"
    );
    assert_eq!(
        show(
            &mut db,
            "select old_key, new_key, old ->> 'amount', new ->> 'amount' from audit.history('orders', '100007')"
        ),
        "(7,7,,7)\n(7,100007,7,-7)"
    );
}

#[test]
fn a_table_without_a_key_is_logged_without_keys() {
    let (_database, mut db) = watched("events", "create table events (what text)");
    run(&mut db, "insert into events values ('a'), ('a')");
    assert_eq!(
        show(&mut db, "select rows, key_lo from audit.change"),
        "(2,)"
    );
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select op, new ->> 'what' from audit.row_change"),
        "(I,a)\n(I,a)"
    );
}

#[test]
fn a_key_of_several_columns_is_a_json_array() {
    let (_database, mut db) = watched(
        "prices",
        r#"create table prices (day date, "Item" text, price numeric, primary key ("Item", day))"#,
    );
    run(
        &mut db,
        "insert into prices values ('2013-02-08', 'a,\"b', 1)",
    );
    run(
        &mut db,
        "insert into prices values ('2013-02-09', 'x', 1), ('2013-02-10', 'x', 1)",
    );
    run(
        &mut db,
        "update prices set price = 2 where day = '2013-02-09'",
    );
    tick(&mut db);
    run(
        &mut db,
        "update prices set price = 3 where day = '2013-02-09'",
    );
    assert_eq!(
        show(
            &mut db,
            r#"select op, new ->> 'price' from audit.history('prices', '["x", "2013-02-09"]')"#
        ),
        "(I,1)\n(U,2)\n(U,3)"
    );
    assert_eq!(
        show(
            &mut db,
            r#"select count(*) from audit.history('prices', '["a,\"b", "2013-02-08"]')"#
        ),
        "(1)"
    );
}

#[test]
fn every_type_comes_back_whatever_the_session_has_set() {
    let (_database, mut db) = watched(
        "types",
        "create type mood as enum ('so', 'la la');
        create type pair as (a integer, b text);
        create domain positive as integer check (value > 0);
        create table types (
            id timestamptz primary key, b boolean, i2 smallint, i8 bigint, n numeric, f4 real, f8 double precision, t text, c char(5),
            v varchar(9), u uuid, d date, ts timestamp, tz timestamptz, ti time, ttz timetz, iv interval, by bytea,
            ia integer[], ta text[], j json, jb jsonb, x xml, ip inet, m macaddr, r int4range, tr tstzrange, p point, e mood, ea mood[],
            co pair, po positive, g integer generated always as (i2 * 2) stored, bits bit(3), q tsvector
        )",
    );
    run(
        &mut db,
        r#"set timezone = 'Asia/Kathmandu'; set datestyle = 'sql, dmy'; set intervalstyle = sql_standard; set bytea_output = escape; set extra_float_digits = -3;
        insert into types values
        ('2013-02-08 01:00+00', true, -5, 9223372036854775807, 'NaN', '1.1754944e-38', 1.7976931348623157e308, E'tab\t"quote" \\ ☃', 'ab', 'x', gen_random_uuid(), '0044-03-15 BC', 'infinity', '-infinity', '24:00', '12:00+05:45', '1 year -2 days 03:04:05.678901', '\x00ff5c', '[2:3]={1,null}', '{"a,b",null,"n"}', '{"a": 1, "a": [1.00]}', '{"z": 1e3}', '<a/>', '::1/64', '08:00:2b:01:02:03', '[1,5)', '["2013-01-01 00:00+02",)', '(1.1,2.2)', 'la la', '{so,"la la"}', '(1,"a,b")', 7, default, '101', 'a:1 b'),
        ('2013-02-08 02:00+00', null, null, null, 123456789012345678901234567890.123456789012345678901234567890, 'NaN', 'infinity', '', null, null, null, null, null, null, null, null, null, '', '{}', null, 'null', 'null', null, null, null, 'empty', null, null, null, null, null, null, default, null, null);
        insert into types (id, f8, ia) values ('2013-02-08 03:00+00', 0.1, '{{1,2},{3,4}}');
        update types set n = 5, tz = '2013-01-01 00:00+00' where f8 = 0.1;"#,
    );
    assert_eq!(
        show(&mut db, "select audit.replay_differences('types')"),
        "(0)"
    );
    tick(&mut db);
    run(&mut db, "reset all");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('types')"),
        "(0)"
    );
    // The comparison sees a difference where there is one.
    run(
        &mut db,
        "set session_replication_role = replica; update types set j = '{}' where f8 = 0.1",
    );
    assert_eq!(
        show(&mut db, "select audit.replay_differences('types')"),
        "(1)"
    );
}

#[test]
fn no_column_name_can_clash_with_generated_code() {
    let names = [
        "id",
        "n",
        "audit_row",
        "old_rows",
        "new_rows",
        "many",
        "written",
        "chunk",
        "keys",
        "samples",
        "new_key",
        "old_object",
        "audit_object",
        "rows",
        "op",
        "select",
        "Weird \"quoted\" name",
        "; drop table x; --",
        "{key}",
        "%s",
        "$$",
        "table_id",
        "part",
    ];
    let columns: Vec<String> = names
        .iter()
        .map(|name| format!("\"{}\" text", name.replace('"', "\"\"")))
        .collect();
    let (_database, mut db) = watched(
        "clash",
        &format!(
            "create table clash ({}, primary key (n))",
            columns.join(", ")
        ),
    );
    let definition = r#"{"column": "{key}"}"#;
    run(
        &mut db,
        &format!(
            "select audit.declare_rule('clash', 'rule {{op}} ''$$', 'not_null', '{definition}', action => 'quarantine');
            select audit.declare_rule('clash', 'matches', 'expression', '{{\"expression\": \"written <> ''{{key}}'' or chunk is null\"}}');
            select audit.declare_rule('clash', 'unique', 'unique', '{{\"columns\": [\"many\", \"audit_row\"]}}');
            select audit.compile('clash')"
        ),
    );
    let values = |key: &str| {
        names
            .iter()
            .map(|name| {
                if *name == "n" {
                    format!("'{key}'")
                } else {
                    "'v'".to_owned()
                }
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    run(
        &mut db,
        &format!("insert into clash values ({})", values("1")),
    );
    run(
        &mut db,
        &format!(
            "insert into clash values ({}), ({})",
            values("2"),
            values("3")
        ),
    );
    run(&mut db, "update clash set written = '{key}'");
    run(&mut db, "update clash set \"{key}\" = null where n = '2'");
    run(&mut db, "delete from clash where n = '3'");
    assert_eq!(
        show(&mut db, "select n, \"{key}\" from clash order by n"),
        "(1,v)\n(2,v)"
    );
    assert_eq!(
        show(&mut db, "select key, op from audit.quarantine"),
        "(2,U)"
    );
    assert_eq!(wrong(&mut db), "");
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('clash')"),
        "(0)"
    );
}

#[test]
fn many_columns_are_captured() {
    let columns: Vec<String> = (0..300)
        .map(|n| format!("c{n} integer default {n}"))
        .collect();
    let (_database, mut db) = watched(
        "broad",
        &format!(
            "create table broad (id integer primary key, {})",
            columns.join(", ")
        ),
    );
    run(
        &mut db,
        "insert into broad values (1); insert into broad (id) select i from generate_series(2, 5) i; update broad set c7 = 0",
    );
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select audit.replay_differences('broad')"),
        "(0)"
    );
}

#[test]
fn statements_on_a_partitioned_table_and_on_its_partitions_are_logged_together() {
    let (_database, mut db) = watched(
        "readings",
        "create table readings (id integer, place text, primary key (id, place)) partition by list (place);
        create table readings_a partition of readings for values in ('a');
        create table readings_b (note integer, place text not null, id integer not null);
        alter table readings_b drop column note;
        alter table readings attach partition readings_b for values in ('b')",
    );
    run(&mut db, "insert into readings values (1, 'a'), (2, 'b')");
    run(&mut db, "insert into readings_a values (3, 'a')");
    run(
        &mut db,
        "insert into readings_b (place, id) values ('b', 4)",
    );
    run(&mut db, "update readings set place = 'b' where id = 1");
    run(
        &mut db,
        "create table readings_c partition of readings for values in ('c')",
    );
    run(&mut db, "insert into readings_c values (5, 'c')");
    assert_eq!(
        show(
            &mut db,
            "select count(distinct table_id), sum(rows) from audit.change"
        ),
        "(1,6)"
    );
    assert_eq!(
        show(&mut db, "select audit.replay_differences('readings')"),
        "(0)"
    );
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select audit.replay_differences('readings')"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn who_wrote_is_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "do $$ begin create role clerk; exception when duplicate_object then null; end $$;
        grant insert on orders to clerk;
        set application_name = 'billing';
        begin;
        select audit.set_context(actor => 'Ada', request_id => 'r-1', occurred_at => '2013-02-08 12:00+00');
        set local role clerk;
        insert into orders values (1, 'EU', 1, null);
        commit",
    );
    assert_eq!(
        show(
            &mut db,
            "select session_role, role, actor, application, client, request_id, occurred_at at time zone 'utc' from audit.change"
        ),
        "(postgres,clerk,Ada,billing,,r-1,\"2013-02-08 12:00:00\")"
    );
}

#[test]
fn writers_need_no_right_on_the_pipeline() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'r', 'not_null', '{"column": "region"}', action => 'quarantine'"#,
    );
    run(
        &mut db,
        "do $$ begin create role writer; exception when duplicate_object then null; end $$;
        grant select, insert, update, delete, truncate on orders to writer; set role writer",
    );
    run(
        &mut db,
        "insert into orders values (1, null, 1, null), (2, 'EU', 1, null); update orders set amount = 2; delete from orders",
    );
    assert!(refused(&mut db, "select * from audit.change").contains("permission denied"));
    assert!(
        refused(
            &mut db,
            "insert into audit.change (table_id, op, rows) values (1, 'I', 1)"
        )
        .contains("permission denied")
    );
    run(&mut db, "reset role");
    assert_eq!(
        show(&mut db, "select count(*) from audit.quarantine"),
        "(1)"
    );
}

#[test]
fn a_writer_can_not_break_his_write_by_what_he_sets() {
    let (_database, mut db) = orders();
    for value in [
        "x",
        "99999999999999999999",
        "-1",
        "1e3",
        "9999999999999999",
        "",
    ] {
        run(
            &mut db,
            &format!(
                "set audit.occurred_at = '{value}'; set audit.actor = 'x; \"'; insert into orders values ({}, 'EU', 1, null)",
                value.len() + 100
            ),
        );
    }
    run(
        &mut db,
        "set datestyle = 'german'; insert into orders values (1, 'EU', 1, null)",
    );
    assert_eq!(show(&mut db, "select count(*) from audit.change"), "(7)");
}

#[test]
fn lastval_and_the_tag_of_a_statement_stay_what_they_were() {
    let (_database, mut db) = watched(
        "numbered",
        "create table numbered (id integer generated always as identity primary key, name text)",
    );
    run(
        &mut db,
        r#"select audit.declare_rule('numbered', 'named', 'not_null', '{"column": "name"}', action => 'quarantine'); select audit.compile('numbered')"#,
    );
    let inserted = diesel::sql_query("insert into numbered (name) values ('a'), (null), ('c')")
        .execute(&mut db)
        .unwrap();
    assert_eq!(inserted, 3);
    assert_eq!(show(&mut db, "select lastval()"), "(3)");
    assert_eq!(show(&mut db, "select id from numbered"), "(1)\n(3)");
    let updated = diesel::sql_query("update numbered set name = null")
        .execute(&mut db)
        .unwrap();
    assert_eq!(updated, 2);
    assert_eq!(
        show(&mut db, "select id, name from numbered order by id"),
        "(1,a)\n(3,c)"
    );
    assert_eq!(
        show(
            &mut db,
            "select op, key from audit.quarantine order by lsn, key"
        ),
        "(I,2)\n(U,1)\n(U,3)"
    );
}

#[test]
fn a_statement_without_rows_logs_nothing_and_takes_no_transaction_id() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "begin; update orders set amount = 1; delete from orders; insert into orders select 1, 'x', 1, null where false",
    );
    assert_eq!(
        show(
            &mut db,
            "select pg_current_xact_id_if_assigned() is null, (select count(*) from audit.change)"
        ),
        "(t,0)"
    );
    run(&mut db, "commit");
}

#[test]
fn what_is_rolled_back_is_not_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "begin; insert into orders values (1, 'EU', 1, null); savepoint s; insert into orders values (2, 'EU', 1, null); rollback to s; commit",
    );
    assert_eq!(
        show(&mut db, "select new ->> 'id' from audit.change"),
        "(1)"
    );
}

#[test]
fn a_write_can_be_prepared() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'r', 'not_null', '{"column": "region"}', action => 'quarantine'"#,
    );
    run(
        &mut db,
        "begin; insert into orders values (1, null, 1, null), (2, 'EU', 1, null); prepare transaction 'two phases'",
    );
    run(&mut db, "commit prepared 'two phases'");
    assert_eq!(show(&mut db, "select count(*) from audit.change"), "(2)");
}

#[test]
fn what_can_not_be_watched_is_refused() {
    let database = testing::database();
    let mut db = database.connect();
    run(
        &mut db,
        "create view v as select 1; create temporary table t (a integer);
        create foreign data wrapper w; create server s foreign data wrapper w; create foreign table f (a integer) server s;
        create table p (a integer) partition by list (a); create foreign table f1 partition of p for values in (1) server s",
    );
    for target in ["v", "t", "f", "p", "audit.change", "pg_catalog.pg_class"] {
        let answer = refused(&mut db, &format!("select audit.watch('{target}')"));
        assert!(
            answer.starts_with("relation_can_not_be_watched"),
            "{target}: {answer}"
        );
    }
}

#[test]
fn a_table_that_hides_rows_is_refused_until_the_pipeline_may_see_them() {
    let database = testing::database();
    let mut db = database.connect();
    run(
        &mut db,
        "create table secret (id integer primary key); alter table secret enable row level security;
        create table orders (id integer primary key, region integer); select audit.watch('orders')",
    );
    assert_eq!(
        refused(&mut db, "select audit.watch('secret')"),
        "row_security_hides_rows: row-level security hides rows of public.secret from the pipeline"
    );
    assert!(
        refused(&mut db, r#"select audit.declare_rule('orders', 'r', 'references', '{"column": "region", "table": "public.secret", "key": "id"}')"#)
            .starts_with("row_security_hides_rows")
    );
}

#[test]
fn an_owner_of_tables_who_may_declare_needs_no_superuser() {
    let database = testing::database();
    let mut db = database.connect();
    run(
        &mut db,
        "do $$ begin create role shop_owner in role audit_admin; exception when duplicate_object then null; end $$;
        create schema shop authorization shop_owner; set role shop_owner;
        create table shop.regions (code text primary key); create table shop.orders (id integer primary key, region text, amount integer);
        select audit.watch('shop.orders')",
    );
    run(
        &mut db,
        r#"select audit.declare_rule('shop.orders', 'a', 'references', '{"column": "region", "table": "shop.regions", "key": "code"}');
        select audit.declare_rule('shop.orders', 'b', 'range', '{"column": "amount", "min": 0}', action => 'quarantine');
        select audit.declare_summary('shop.orders', 's', '{"group_by": [], "measures": [{"name": "n", "function": "count"}]}');
        select audit.compile('shop.orders');
        insert into shop.orders values (1, 'EU', 1), (2, 'EU', -1);
        alter table shop.orders add column note text;
        update shop.orders set note = 'x'"#,
    );
    assert_eq!(show(&mut db, "select n from audit_compiled.s"), "(1)");
    assert_eq!(wrong(&mut db), "");
    run(&mut db, "select audit.unwatch('shop.orders')");
}

#[test]
fn watching_twice_changes_nothing_and_unwatching_leaves_nothing_on_the_table() {
    let (_database, mut db) = orders();
    let before = show(
        &mut db,
        "select tgname from pg_trigger where tgrelid = 'orders'::regclass order by 1",
    );
    run(&mut db, "select audit.watch('orders', 'because', 'me')");
    assert_eq!(
        show(
            &mut db,
            "select tgname from pg_trigger where tgrelid = 'orders'::regclass order by 1"
        ),
        before
    );
    assert_eq!(
        show(&mut db, "select why, owner from audit.watched_table"),
        "(because,me)"
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null); select audit.unwatch('orders'); insert into orders values (2, 'EU', 1, null)",
    );
    assert_eq!(show(&mut db, "select count(*) from audit.change"), "(1)");
    assert_eq!(
        show(
            &mut db,
            "select (select count(*) from pg_trigger where tgrelid = 'orders'::regclass), (select count(*) from pg_proc where pronamespace = 'audit_compiled'::regnamespace)"
        ),
        "(0,0)"
    );
    run(
        &mut db,
        "select audit.watch('orders'); insert into orders values (3, 'EU', 1, null)",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select rows from audit.table_counter order by table_id"
        ),
        "(1)\n(3)"
    );
}

#[test]
fn compiling_again_changes_nothing_and_takes_no_lock_on_the_table() {
    let (database, mut db) = orders();
    rule(&mut db, r#"'r', 'not_null', '{"column": "region"}'"#);
    let before = show(
        &mut db,
        "select proname, prosrc from pg_proc where pronamespace = 'audit_compiled'::regnamespace order by 1",
    );
    let mut writer = database.connect();
    run(
        &mut writer,
        "begin; insert into orders values (1, 'EU', 1, null)",
    );
    run(
        &mut db,
        "set lock_timeout = '1s'; select audit.compile('orders')",
    );
    run(&mut writer, "commit");
    assert_eq!(
        show(
            &mut db,
            "select proname, prosrc from pg_proc where pronamespace = 'audit_compiled'::regnamespace order by 1"
        ),
        before
    );
}

#[test]
fn the_log_follows_the_columns() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'noted', 'not_null', '{"column": "note"}'"#);
    rule(
        &mut db,
        r#"'priced', 'range', '{"column": "amount", "min": 0}'"#,
    );
    run(&mut db, "insert into orders values (1, 'EU', 1, 'x')");
    run(
        &mut db,
        "alter table orders drop column note; alter table orders add column colour text default 'red'",
    );
    run(
        &mut db,
        "insert into orders values (2, 'EU', -1, 'blue'), (3, 'EU', 1, 'green'); alter table orders rename column colour to color",
    );
    run(&mut db, "update orders set color = 'white' where id = 1");
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select name, broken from audit.rule order by rule_id"
        ),
        "(noted,\"column note does not exist\")\n(priced,)"
    );
    assert_eq!(
        show(
            &mut db,
            "select op, old, new from audit.history('orders', '1')"
        ),
        "(I,,\"{\"\"id\"\": 1, \"\"note\"\": \"\"x\"\", \"\"amount\"\": 1, \"\"region\"\": \"\"EU\"\"}\")\n(U,\"{\"\"id\"\": 1, \"\"color\"\": \"\"red\"\", \"\"amount\"\": 1, \"\"region\"\": \"\"EU\"\"}\",\"{\"\"id\"\": 1, \"\"color\"\": \"\"white\"\", \"\"amount\"\": 1, \"\"region\"\": \"\"EU\"\"}\")"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn the_applications_own_cascades_and_triggers_are_logged() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table lines (id integer primary key, order_id bigint references orders on delete cascade on update cascade);
        select audit.watch('lines');
        create function touch() returns trigger language plpgsql as $$ begin new.note := 'touched'; return new; end $$;
        create trigger touch before insert or update on orders for each row execute function touch();
        insert into orders values (1, 'EU', 1, null), (2, 'EU', 1, null); insert into lines values (1, 1), (2, 1), (3, 2);
        update orders set id = 7 where id = 1; delete from orders where id = 7",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select audit.replay_differences('orders'), audit.replay_differences('lines')"
        ),
        "(0,0)"
    );
    assert_eq!(
        show(
            &mut db,
            "select new ->> 'note' from audit.history('orders', '2')"
        ),
        "(touched)"
    );
}

#[test]
fn a_users_own_cast_does_not_run_in_anothers_write() {
    let (_database, mut db) = watched(
        "moods",
        "create type mood as enum ('so', 'la');
        create function spy(mood) returns json language plpgsql as $$ begin raise exception 'the cast ran'; end $$;
        create cast (mood as json) with function spy(mood);
        create table moods (id mood primary key, other mood)",
    );
    run(
        &mut db,
        "insert into moods values ('so', 'la'); update moods set other = 'so'; insert into moods values ('la', null)",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select op, new ->> 'other' from audit.history('moods', 'so')"
        ),
        "(I,la)\n(U,so)"
    );
}
