//! What DDL does to a watched table: it is recorded, followed where it can be, and never breaks a write that may pass.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::testing;
use shared::{orders, refused, rule, run, show, tick, watched, wrong};

const DRIFT: &str = "select change, object, was, became, command from audit.schema_drift order by lsn, change, object";
const BROKEN: &str =
    "select name, broken from audit.rule where retired_at is null order by rule_id";

const POSITIVE: &str =
    r#"'positive', 'range', '{"column": "amount", "min": 0}', action => 'quarantine'"#;

#[test]
fn columns_that_come_go_and_change_are_recorded_with_who_did_it() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "set application_name = 'migration';
        begin; select audit.set_context(actor => 'Ada', request_id => 'r-1');
        alter table orders add column colour text, drop column note; commit;
        alter table orders alter column region type varchar(20);
        alter table orders rename column colour to color",
    );
    insta::assert_snapshot!(show(&mut db, DRIFT), @r#"
    ("column dropped",note,text,,"ALTER TABLE")
    ("column added",colour,,text,"ALTER TABLE")
    ("column retyped",region,text,"character varying(20)","ALTER TABLE")
    ("column renamed",colour,colour,color,"ALTER TABLE")
    "#);
    assert_eq!(
        show(
            &mut db,
            "select distinct table_name, session_role, application, actor, request_id from audit.schema_drift where change ~ 'added|dropped'"
        ),
        "(public.orders,postgres,migration,Ada,r-1)"
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'red'); update orders set color = 'blue'",
    );
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn ddl_that_changes_nothing_is_no_drift() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "alter table orders alter column note set default 'x'; alter table orders set (fillfactor = 90);
        create table other (id integer); create index on orders (region); select audit.compile('orders')",
    );
    assert_eq!(show(&mut db, DRIFT), "");
}

#[test]
fn a_dropped_column_breaks_its_rules_and_no_write() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'noted', 'not_null', '{"column": "note"}'"#);
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null); alter table orders drop column note; insert into orders values (2, 'EU', 1)",
    );
    assert_eq!(
        show(&mut db, BROKEN),
        "(noted,\"column note does not exist\")\n(positive,)"
    );
    assert_eq!(
        show(&mut db, DRIFT),
        "(\"column dropped\",note,text,,\"ALTER TABLE\")\n(\"rule broken\",noted,,\"column note does not exist\",\"ALTER TABLE\")"
    );
    assert_eq!(
        show(
            &mut db,
            "select r.name, c.errors from audit.rule_counter c join audit.rule r using (rule_id) order by 1"
        ),
        "(noted,1)\n(positive,0)"
    );
    // When it is back the rule is too, and its counter starts from what is there.
    run(
        &mut db,
        "alter table orders add column note text; insert into orders values (3, 'EU', 1, null); select audit.compile('orders');
        insert into orders values (4, 'EU', 1, null)",
    );
    assert_eq!(show(&mut db, BROKEN), "(noted,)\n(positive,)");
    assert_eq!(wrong(&mut db), "");
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(
            &mut db,
            "select r.name, c.failing from audit.rule_counter c join audit.rule r using (rule_id) order by 1"
        ),
        "(noted,4)\n(positive,0)"
    );
}

#[test]
fn a_broken_rule_that_blocks_refuses_writes_and_says_why() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'noted', 'not_null', '{"column": "note"}', on_error => 'block'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'x'); alter table orders drop column note",
    );
    for statement in [
        "insert into orders values (2, 'EU', 1)",
        "update orders set amount = 2",
    ] {
        assert!(
            refused(&mut db, statement)
                .ends_with("rule `noted` can not be evaluated: column note does not exist"),
            "{statement}"
        );
    }
    run(
        &mut db,
        "update orders set amount = 2 where false; insert into orders select from orders where false; delete from orders",
    );
    rule(&mut db, POSITIVE);
    assert!(
        refused(&mut db, "insert into orders values (2, 'EU', -1)").starts_with("noted: "),
        "with other rules too"
    );
    run(
        &mut db,
        "alter table orders add column note text; insert into orders values (2, 'EU', 1, 'x')",
    );
}

#[test]
fn a_column_whose_new_type_the_predicate_does_not_fit_breaks_the_rule_and_no_write() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    rule(
        &mut db,
        r#"'cheap', 'expression', '{"expression": "amount < 100"}'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null); alter table orders alter column amount type text;
        insert into orders values (2, 'EU', 'much', null); update orders set amount = '-1' where id = 1",
    );
    let broken = show(
        &mut db,
        "select name, broken ~ 'operator does not exist' from audit.rule order by 1",
    );
    assert_eq!(broken, "(cheap,t)\n(positive,t)");
    run(
        &mut db,
        "delete from orders where id = 2; alter table orders alter column amount type bigint using amount::bigint;
        select audit.compile('orders'); insert into orders values (3, 'EU', -3, null), (4, 'EU', 400, null)",
    );
    assert_eq!(show(&mut db, BROKEN), "(positive,)\n(cheap,)");
    assert_eq!(
        show(&mut db, "select id from orders order by 1"),
        "(1)\n(4)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn rules_and_keys_follow_a_column_to_its_new_name() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table regions (code text primary key); insert into regions values ('EU')",
    );
    rule(&mut db, POSITIVE);
    rule(
        &mut db,
        r#"'said', 'expression', '{"expression": "note <> ''audit_row.amount'' or note = ''it''''s amount'' or amount > 5"}', condition => 'amount is not null'"#,
    );
    rule(
        &mut db,
        r#"'known', 'references', '{"column": "region", "table": "public.regions", "key": "code"}'"#,
    );
    rule(
        &mut db,
        r#"'once', 'unique', '{"columns": ["region", "note"]}'"#,
    );
    run(&mut db, "insert into orders values (1, 'EU', 1, 'a')");
    run(
        &mut db,
        r#"alter table orders rename column amount to "Total $"; alter table orders rename column id to order_id;
        alter table orders rename column region to area; alter table orders rename column note to amount"#,
    );
    assert_eq!(
        show(&mut db, BROKEN),
        "(positive,)\n(said,)\n(known,)\n(once,)"
    );
    insta::assert_snapshot!(show(&mut db, "select name, columns, predicate, applies from audit.rule order by rule_id"), @r#"
    (positive,"{""Total $""}","(audit_row.""Total $"" >= '0'::numeric)",)
    (said,"{""Total $"",amount}","((audit_row.amount <> 'audit_row.amount'::text) OR (audit_row.amount = 'it''s amount'::text) OR (audit_row.""Total $"" > (5)::numeric))","((audit_row.""Total $"" IS NOT NULL) IS TRUE)")
    (known,{area},,)
    (once,"{area,amount}",,)
    "#);
    run(
        &mut db,
        "insert into orders values (2, 'EU', -1, 'b'), (3, 'XX', 1, 'audit_row.amount'), (4, 'EU', 1, 'a')",
    );
    assert_eq!(
        show(
            &mut db,
            "select r.name, c.failing from audit.rule_counter c join audit.rule r using (rule_id) order by 1"
        ),
        "(known,1)\n(once,1)\n(positive,0)\n(said,1)"
    );
    assert_eq!(show(&mut db, "select key from audit.quarantine"), "(2)");
    assert_eq!(wrong(&mut db), "");
    run(&mut db, "update orders set area = 'EU' where order_id = 3");
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select op, new ->> 'area' from audit.history('orders', '3')"
        ),
        "(I,XX)\n(U,EU)"
    );
}

#[test]
fn what_was_written_under_the_old_name_of_the_key_is_found_by_its_key() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null); insert into orders select i, 'EU', 1, null from generate_series(2, 1500) i;
        alter table orders rename column id to order_id; update orders set amount = 2 where order_id = 1",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select op, rows, key_lo, key_hi from audit.segment order by op, rows, key_lo"
        ),
        "(I,500,1,1500)\n(I,1000,10,999)\n(U,1,1,1)"
    );
}

#[test]
fn a_table_keeps_its_log_under_a_new_name_and_in_another_schema() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        r#"insert into orders values (1, 'EU', 1, null); create schema "Shop";
        alter table orders rename to purchases; alter table purchases set schema "Shop";
        insert into "Shop".purchases values (2, 'EU', -1, null), (3, 'EU', 1, null)"#,
    );
    assert_eq!(
        show(&mut db, DRIFT),
        "(\"table renamed\",public.orders,orders,purchases,\"ALTER TABLE\")\n(\"table moved\",public.purchases,public,Shop,\"ALTER TABLE\")"
    );
    assert_eq!(
        show(&mut db, "select name from audit.watched_table"),
        "(\"\"\"Shop\"\".purchases\")"
    );
    assert_eq!(
        show(
            &mut db,
            r#"select (select count(*) from audit.change), (select count(*) from audit.quarantine), (select count(*) from "Shop".purchases), (select count(*) from pg_proc where pronamespace = 'audit_compiled'::regnamespace)"#
        ),
        "(3,1,2,4)"
    );
    run(
        &mut db,
        r#"alter schema "Shop" rename to mall; update mall.purchases set amount = -1 where id = 3"#,
    );
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(&mut db, "select name from audit.watched_table"),
        "(mall.purchases)"
    );
    run(&mut db, "select audit.unwatch('mall.purchases')");
    assert_eq!(
        show(
            &mut db,
            "select count(*) from pg_proc where pronamespace = 'audit_compiled'::regnamespace"
        ),
        "(0)"
    );
}

#[test]
fn a_dropped_table_is_no_longer_watched_and_keeps_its_log() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        r#"select audit.declare_summary('orders', 'totals', '{"group_by": [], "measures": [{"name": "n", "function": "count"}]}'); select audit.compile('orders');
        insert into orders values (1, 'EU', 1, null); drop table orders"#,
    );
    assert_eq!(
        show(
            &mut db,
            "select name, unwatched_at is not null from audit.watched_table"
        ),
        "(public.orders,t)"
    );
    assert_eq!(
        show(&mut db, DRIFT),
        "(\"table dropped\",public.orders,,,\"DROP TABLE\")"
    );
    assert_eq!(
        show(
            &mut db,
            "select (select count(*) from pg_proc where pronamespace = 'audit_compiled'::regnamespace), (select count(*) from audit.rule where retired_at is null), (select count(*) from audit.change)"
        ),
        "(0,0,1)"
    );
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select op, key from audit.row_change"),
        "(I,1)"
    );
    run(
        &mut db,
        "create schema s; create table s.orders (id integer primary key); select audit.watch('s.orders'); insert into s.orders values (1); drop schema s cascade",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.watched_table where unwatched_at is null"
        ),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_function_that_a_predicate_reads_may_go_and_come_back() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create function fair(numeric) returns boolean language sql as 'select $1 < 100'",
    );
    rule(
        &mut db,
        r#"'fair', 'expression', '{"expression": "fair(amount)"}'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 150, null); drop function fair(numeric); insert into orders values (2, 'EU', 200, null)",
    );
    assert_eq!(
        show(&mut db, BROKEN),
        "(fair,\"function public.fair(numeric) does not exist\")"
    );
    run(
        &mut db,
        "create function fair(numeric) returns boolean language sql as 'select $1 < 120'; insert into orders values (3, 'EU', 110, null)",
    );
    assert_eq!(show(&mut db, BROKEN), "(fair,)");
    run(&mut db, "select audit.compile('orders')");
    assert_eq!(wrong(&mut db), "");
    // Another body decides otherwise about the rows that are there: the counter starts again.
    run(
        &mut db,
        "create or replace function fair(numeric) returns boolean language sql as 'select $1 < 1000'",
    );
    assert_eq!(
        show(
            &mut db,
            "select change, object from audit.schema_drift where command = 'CREATE FUNCTION' order by lsn"
        ),
        "(\"rule mended\",fair)\n(\"function replaced\",\"public.fair(numeric)\")"
    );
    run(&mut db, "select audit.compile('orders')");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
    run(
        &mut db,
        "alter function fair(numeric) rename to just; insert into orders values (4, 'EU', 1, null)",
    );
    assert_eq!(
        show(&mut db, BROKEN),
        "(fair,\"function public.fair(numeric) does not exist\")"
    );
}

#[test]
fn a_referenced_table_may_go_and_come_back() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table regions (code text primary key); insert into regions values ('EU')",
    );
    rule(
        &mut db,
        r#"'known', 'references', '{"column": "region", "table": "public.regions", "key": "code"}'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'XX', 1, null); drop table regions; insert into orders values (2, 'EU', 1, null)",
    );
    assert_eq!(
        show(&mut db, BROKEN),
        "(known,\"column code of public.regions does not exist\")"
    );
    run(
        &mut db,
        "create table regions (code text primary key); insert into regions values ('EU'); select audit.compile('orders'); insert into orders values (3, 'YY', 1, null)",
    );
    assert_eq!(show(&mut db, BROKEN), "(known,)");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(2)"
    );
    run(
        &mut db,
        "alter table regions rename to areas; insert into orders values (4, 'EU', 1, null)",
    );
    assert_eq!(
        show(&mut db, BROKEN),
        "(known,\"column code of public.regions does not exist\")"
    );
    run(&mut db, "alter table areas rename to regions");
    assert_eq!(show(&mut db, BROKEN), "(known,)");
    run(
        &mut db,
        "alter table regions rename column code to id; insert into orders values (5, 'EU', 1, null)",
    );
    assert_eq!(
        show(&mut db, BROKEN),
        "(known,\"column code of public.regions does not exist\")"
    );
}

#[test]
fn a_primary_key_may_come_change_and_go() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer not null, region text not null, amount integer)",
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1); alter table orders add primary key (id)",
    );
    run(&mut db, "insert into orders values (2, 'EU', 1)");
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "alter table orders drop constraint orders_pkey, add primary key (id, region); insert into orders values (3, 'EU', 1)",
    );
    assert_eq!(
        show(&mut db, "select key_hi from audit.change order by lsn"),
        "()\n(2)\n(\"[3, \"\"EU\"\"]\")"
    );
    assert_eq!(show(&mut db, BROKEN), "(positive,)");
    run(
        &mut db,
        "alter table orders drop constraint orders_pkey; insert into orders values (4, 'EU', -1)",
    );
    assert_eq!(
        show(&mut db, BROKEN),
        "(positive,\"the table has no primary key, which setting rows aside needs\")"
    );
    assert_eq!(
        show(
            &mut db,
            "select change, was, became from audit.schema_drift where change = 'key changed' order by lsn"
        ),
        "(\"key changed\",[],\"[\"\"id\"\"]\")\n(\"key changed\",\"[\"\"id\"\"]\",\"[\"\"id\"\", \"\"region\"\"]\")\n(\"key changed\",\"[\"\"id\"\", \"\"region\"\"]\",[])"
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select key_lo, rows from audit.segment order by key_lo collate \"C\" nulls first"
        ),
        "(,2)\n(2,1)\n(\"[3, \"\"EU\"\"]\",1)"
    );
}

#[test]
fn partitions_that_come_and_go_are_followed_and_their_rows_counted_again() {
    let (_database, mut db) = watched(
        "readings",
        "create table readings (id integer, place text, amount integer, primary key (id, place)) partition by list (place);
        create table readings_a partition of readings for values in ('a')",
    );
    run(
        &mut db,
        r#"select audit.declare_rule('readings', 'positive', 'range', '{"column": "amount", "min": 0}');
        select audit.declare_summary('readings', 'places', '{"group_by": [{"name": "place", "expression": "place"}], "measures": [{"name": "n", "function": "count"}]}');
        select audit.compile('readings');
        create table readings_b (id integer not null, place text not null, amount integer, primary key (id, place)); insert into readings_b values (1, 'b', -1), (2, 'b', 2);
        alter table readings attach partition readings_b for values in ('b');
        insert into readings_b values (3, 'b', -1); insert into readings values (4, 'a', -1), (5, 'b', 1)"#,
    );
    run(&mut db, "select audit.compile('readings')");
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(
            &mut db,
            "select failing, (select rows from audit.table_counter) from audit.rule_counter"
        ),
        "(3,5)"
    );
    run(
        &mut db,
        "alter table readings detach partition readings_b; insert into readings_b values (6, 'b', -1)",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from pg_trigger where tgrelid = 'readings_b'::regclass"
        ),
        "(0)"
    );
    run(&mut db, "select audit.compile('readings')");
    assert_eq!(wrong(&mut db), "");
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(1)"
    );
    run(
        &mut db,
        "drop table readings_a; select audit.compile('readings')",
    );
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(
            &mut db,
            "select change, object from audit.schema_drift order by lsn"
        ),
        "(\"child attached\",public.readings_b)\n(\"child detached\",public.readings_b)\n(\"child detached\",public.readings_a)"
    );
}

#[test]
fn children_by_inheritance_are_logged_with_their_parent() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table special (gift text) inherits (orders);
        insert into special values (1, 'EU', 1, 'a', 'ribbon'); insert into orders values (2, 'EU', 2, 'b');
        update orders set amount = 7; update special set gift = 'card'; delete from special",
    );
    assert_eq!(
        show(
            &mut db,
            "select op, sum(rows) from audit.change group by 1 order by 1"
        ),
        "(D,1)\n(I,2)\n(U,3)"
    );
    assert_eq!(wrong(&mut db), "");
    // Several relations in one statement have several shapes: what parent and child share is logged.
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.change where op = 'U' and rows = 2 and new ->> 'gift' is null"
        ),
        "(1)"
    );
    run(
        &mut db,
        "create table late (id bigint not null, region text, amount numeric, note text); alter table late inherit orders; insert into late values (5)",
    );
    assert_eq!(show(&mut db, "select rows from audit.table_counter"), "(2)");
    run(
        &mut db,
        "alter table late no inherit orders; insert into late values (6); select audit.compile('orders')",
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_foreign_table_can_not_come_below_a_watched_one() {
    let (_database, mut db) = watched(
        "readings",
        "create table readings (id integer, place text) partition by list (place);
        create table readings_a partition of readings for values in ('a');
        create foreign data wrapper w; create server s foreign data wrapper w",
    );
    run(
        &mut db,
        "create table plain (id integer, place text); select audit.watch('plain')",
    );
    for statement in [
        "create foreign table f partition of readings for values in ('f') server s",
        "create foreign table f (id integer, place text) server s; alter table readings attach partition f for values in ('f')",
        "create foreign table f (id integer, place text) server s; alter foreign table f inherit plain",
        "create foreign table f () inherits (plain) server s",
    ] {
        assert!(
            refused(&mut db, &format!("begin; {statement}")).contains("the foreign table"),
            "{statement}"
        );
        run(&mut db, "rollback");
    }
    run(
        &mut db,
        "create foreign table f (id integer, place text) server s; insert into readings values (1, 'a'); insert into plain values (1)",
    );
}

#[test]
fn triggers_that_are_switched_off_and_row_security_are_recorded() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "alter table orders disable trigger audit_insert; alter table orders enable trigger audit_insert;
        alter table orders enable row level security",
    );
    assert_eq!(
        show(
            &mut db,
            "select change, object from audit.schema_drift order by lsn"
        ),
        "(\"trigger disabled\",\"audit_insert on public.orders\")\n(\"trigger enabled\",\"audit_insert on public.orders\")\n(\"row security on\",public.orders)"
    );
}

#[test]
fn without_the_event_trigger_compiling_notices_the_drift() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'noted', 'not_null', '{"column": "note"}'"#);
    run(
        &mut db,
        "alter event trigger audit_recompile_after_ddl disable; alter event trigger audit_forget_after_drop disable;
        alter table orders drop column note; alter table orders rename column amount to total; select audit.compile('orders');
        insert into orders values (1, 'EU', 1)",
    );
    assert_eq!(
        show(&mut db, DRIFT),
        "(\"column renamed\",amount,amount,total,)\n(\"column dropped\",note,text,,)\n(\"rule broken\",noted,,\"column note does not exist\",)"
    );
}

#[test]
fn ddl_of_somebody_without_rights_on_the_pipeline_is_followed() {
    let database = testing::database();
    let mut db = database.connect();
    run(
        &mut db,
        "do $$ begin create role architect; exception when duplicate_object then null; end $$;
        create schema shop authorization architect; create table shop.orders (id integer primary key, note text) partition by range (id);
        create table shop.orders_1 partition of shop.orders for values from (0) to (10);
        alter table shop.orders owner to architect; alter table shop.orders_1 owner to architect; select audit.watch('shop.orders')",
    );
    run(
        &mut db,
        r#"select audit.declare_rule('shop.orders', 'noted', 'not_null', '{"column": "note"}'); select audit.compile('shop.orders');
        set role architect;
        create table shop.orders_2 partition of shop.orders for values from (10) to (20);
        insert into shop.orders_2 values (11, 'x');
        alter table shop.orders rename column note to remark; alter table shop.orders add column colour text; alter table shop.orders drop column remark;
        insert into shop.orders values (1), (12);
        alter table shop.orders detach partition shop.orders_1; insert into shop.orders_1 values (2);
        drop table shop.orders_2; drop table shop.orders; reset role"#,
    );
    assert_eq!(show(&mut db, "select sum(rows) from audit.change"), "(3)");
    assert_eq!(
        show(
            &mut db,
            "select change from audit.schema_drift where change ~ '^table' or change ~ 'rule'"
        ),
        "(\"rule broken\")\n(\"table dropped\")"
    );
}

#[test]
fn partitions_in_other_schemas_are_watched_and_go_with_their_schema() {
    let (_database, mut db) = watched(
        "readings",
        "create schema elsewhere; create table readings (id integer) partition by list (id); create table elsewhere.readings_1 partition of readings for values in (1);
        create table readings_2 partition of readings for values in (2)",
    );
    run(
        &mut db,
        "insert into readings values (1), (2); insert into elsewhere.readings_1 values (1); drop schema elsewhere cascade",
    );
    assert_eq!(
        show(
            &mut db,
            "select change, object from audit.schema_drift order by at"
        ),
        "(\"child detached\",elsewhere.readings_1)"
    );
    run(&mut db, "insert into readings values (2)");
    assert_eq!(
        show(&mut db, "select sum(rows) from audit.change where op = 'I'"),
        "(4)"
    );
}

#[test]
fn an_event_trigger_of_ones_own_that_fails_does_not_keep_a_dropped_table_watched() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table dropped (name text);
        create function note_dropped() returns event_trigger language plpgsql as $$ begin
            insert into dropped select d.object_identity from pg_event_trigger_dropped_objects() d where d.object_type in ('table', 'function');
        end $$;
        create event trigger note_dropped on sql_drop execute function note_dropped();
        set client_min_messages = error; drop table orders; reset client_min_messages",
    );
    assert_eq!(
        show(
            &mut db,
            "select w.name, w.unwatched_at is not null from audit.watched_table w"
        ),
        "(public.orders,t)"
    );
    assert_eq!(show(&mut db, "select name from dropped"), "(public.orders)");
}
