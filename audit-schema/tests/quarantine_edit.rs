//! Rows in quarantine are looked at, edited and discarded; every value comes back exactly, whatever its type, and what
//! became of the table in the meantime is told.
#![cfg(feature = "embedded")]

mod shared;

use diesel::PgConnection;
use shared::{orders, refused, rule, run, show, tick, watched, wrong};

const POSITIVE: &str =
    r#"'positive', 'range', '{"column": "amount", "min": 0}', action => 'quarantine'"#;

/// Releases everything, and says what came of each row.
#[track_caller]
fn release(db: &mut PgConnection) -> String {
    show(
        db,
        "select key, outcome, (select string_agg(r ->> 'name', ' ') from jsonb_array_elements(reasons) r) from audit.release_held('{}')",
    )
}

/// Edits everything.
#[track_caller]
fn edit(db: &mut PgConnection, patch: &str) {
    run(
        db,
        &format!("select audit.edit_held('{{}}', '{patch}', 'by hand')"),
    );
}

const EVERY_TYPE: &str = r#"
    create schema shop;
    create type shop.mood as enum ('glad', 'it''s "so" so');
    create type shop.point3 as (x integer, y text, z numeric[]);
    create domain shop.positive as numeric check (value > 0);
    create domain shop.document as json;
    create domain shop.tags as text[];
    create table orders (
        id integer primary key, amount integer,
        b boolean, i2 smallint, i8 bigint, n numeric, n2 numeric(20, 6), f4 real, f8 double precision, m money,
        t text, v varchar(30), c char(8), ch "char", nm name, u uuid, by bytea,
        d date, ts timestamp, tz timestamptz, tm time, ttz timetz, iv interval,
        j json, jb jsonb, x xml, ta text[], na numeric[], tza timestamptz[], ja jsonb[], matrix integer[], ba bytea[],
        r int4range, rt tstzrange, mr nummultirange, p point, bx box, ip inet, mac macaddr, bits bit(5), vb bit varying,
        tsv tsvector, lsn pg_lsn, cls regclass, jp jsonpath,
        e shop.mood, ea shop.mood[], comp shop.point3, compa shop.point3[], pos shop.positive, doc shop.document, tags shop.tags
    )"#;

const VALUES: [&str; 4] = [
    r#"(1, -1, true, -32768, 9223372036854775807, 123456789012345678901234567890.00100, 1.500000, 'NaN', '-Infinity', '12.34',
        E'a "b" \\ \t\n é 💛 {}', 'x', 'ab', 'z', 'n', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00ff5c27',
        'infinity', '-infinity', 'infinity', '24:00:00', '23:59:59.999999+15:59', '-178000000 years 11 mons -3 days 04:05:06.000007',
        E' {"a": 1.0,\n "a": "\\u0000"} ', '{"b": [1.50, null]}', '<a>&amp;</a>', '{NULL,"NULL","a,b","{\"}"}', '{NaN,1.10}', '{infinity,"2024-02-29 12:00:00.5+05:30"}', '{"{\"a\":1}",null}', '[0:1][-1:0]={{1,2},{3,4}}', '{"\\xdeadbeef"}',
        '[1,5)', '["2024-01-01 00:00:00+01",)', '{[1.10,2],(5,)}', '(1.1,-2e-300)', '(1,2),(0,0.1)', '10.0.0.1/8', '08:00:2b:01:02:03', '10101', '1',
        '''a'':1A b:2', 'FFFFFFFF/FFFFFFFF', 'public.pair', '$."a"?(@ > 1.0)',
        'it''s "so" so', '{glad,"it''s \"so\" so"}', '(1,"a, (b) ""c""","{1.10,NULL}")', '{"(,,)","(2,\"\",{})"}', 0.0010, '{"z": 1,  "a": 2}', '{" a ",b}')"#,
    "(2, -1, null, 0, 0, 'NaN', null, '1e-40', 4.9e-324, '-0.01', '', '', '', '', '', null, '',
        '4713-01-01 BC', '4713-11-24 00:00:00 BC', '4714-11-24 00:00:00+00 BC', '00:00', '00:00:00-15:59', '0',
        'null', 'null', '', '{}', '{}', '{}', '{}', '{}', '{}', 'empty', 'empty', '{}', '(NaN,Infinity)', '(0,0),(0,0)', '::1', '08:00:2b:01:02:04', '00000', '',
        '', '0/0', null, '$', 'glad', '{}', '(,,)', '{}', 1e-300, '\"text\"', '{}')",
    "(3, -1, false, 1, 1, 'Infinity', -0.000001, '-0', '-0', '0', 'null', 'true', '12345678', '~', 'é', '00000000-0000-0000-0000-000000000000', '\\x',
        '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '12:00:00.000001', '12:00+00', '1 mon -1 day 00:00:00.5',
        '[]', '\"\"', null, null, '{1e10}', null, null, '{{1},{2}}', null, '(,)', '(,infinity)', '{(,)}', null, null, '0.0.0.0/0', null, '11111', '0101010101',
        null, null, 'pg_catalog.pg_class', null, null, null, null, null, null, null, null)",
    "(4, -1)",
];

#[test]
fn a_value_of_every_type_comes_back_as_it_was() {
    let (_database, mut db) = watched(
        "orders",
        &format!("{EVERY_TYPE}; create table public.pair (a integer)"),
    );
    rule(&mut db, POSITIVE);
    for (place, values) in VALUES.iter().enumerate() {
        // A writer's own settings must not show in what comes back.
        let settings = [
            "",
            "set datestyle = 'sql, dmy'; set timezone = 'Asia/Kolkata'; set intervalstyle = 'iso_8601'; set bytea_output = 'escape'; set extra_float_digits = -3;",
        ][place % 2];
        run(
            &mut db,
            &format!(
                "{settings} insert into orders{} values {values}; reset all",
                if place == 3 { " (id, amount)" } else { "" }
            ),
        );
    }
    run(&mut db, "create table plain (like orders including all)");
    for (place, values) in VALUES.iter().enumerate() {
        run(
            &mut db,
            &format!(
                "insert into plain{} values {values}",
                if place == 3 { " (id, amount)" } else { "" }
            ),
        );
    }
    run(&mut db, "update plain set amount = 1");
    assert_eq!(show(&mut db, "select count(*) from orders"), "(0)");
    edit(&mut db, r#"{"amount": 1}"#);
    run(
        &mut db,
        "set datestyle = 'german'; set timezone = 'America/New_York'; set intervalstyle = 'sql_standard'",
    );
    assert_eq!(
        release(&mut db),
        "(1,released,)\n(2,released,)\n(3,released,)\n(4,released,)"
    );
    run(&mut db, "reset all");
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        show(&mut db, "select * from plain order by id")
    );

    // The same through an update that is undone.
    run(
        &mut db,
        "update orders set amount = -1, t = 'changed', ta = '{changed}', comp = '(7,7,{7})', j = ' {} '",
    );
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        show(&mut db, "select * from plain order by id")
    );
    run(
        &mut db,
        "update plain set t = 'changed', ta = '{changed}', comp = '(7,7,{7})', j = ' {} '",
    );
    edit(&mut db, r#"{"amount": 1}"#);
    assert_eq!(
        release(&mut db),
        "(1,released,)\n(2,released,)\n(3,released,)\n(4,released,)"
    );
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        show(&mut db, "select * from plain order by id")
    );
    assert_eq!(wrong(&mut db), "");
    tick(&mut db);
    run(&mut db, "grant usage on schema shop to audit_owner");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn generated_and_numbered_columns_come_back() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer generated always as identity primary key, amount integer, twice integer generated always as (amount * 2) stored)",
    );
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders (amount) values (-1), (2); update orders set amount = -2",
    );
    edit(&mut db, r#"{"amount": 7}"#);
    assert_eq!(release(&mut db), "(1,released,)\n(2,released,)");
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        "(1,7,14)\n(2,7,14)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_column_that_came_later_takes_its_default() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', -2, 'b'); update orders set amount = -1;
        alter table orders add column currency text not null default 'EUR'; update orders set currency = 'USD'",
    );
    edit(&mut db, r#"{"amount": 3}"#);
    assert_eq!(release(&mut db), "(2,released,)\n(1,released,)");
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        "(1,EU,3,a,USD)\n(2,EU,3,b,EUR)"
    );
}

#[test]
fn a_value_without_a_column_is_refused_until_it_is_edited_away() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'), (2, 'EU', -2, null);
        alter table orders rename column note to remark; alter table orders drop column region",
    );
    edit(&mut db, r#"{"amount": 3}"#);
    assert_eq!(
        show(
            &mut db,
            "select key, reasons -> 0 ->> 'message' from audit.release_held('{}')"
        ),
        "(1,\"the table has no column note, region any more, and the value would be lost; edit it to null\")\n(2,\"the table has no column note, region any more, and the value would be lost; edit it to null\")"
    );
    edit(&mut db, r#"{"region": null}"#);
    assert_eq!(
        release(&mut db),
        "(1,refused,column_is_gone)\n(2,released,)"
    );
    edit(&mut db, r#"{"note": null, "remark": "a"}"#);
    assert_eq!(release(&mut db), "(1,released,)");
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        "(1,3,a)\n(2,3,)"
    );
    assert_eq!(
        show(
            &mut db,
            "select kind, old, new from audit.quarantine_event where kind = 'edited' and new -> 'amount' is null and old ->> 'note' is not null"
        ),
        "(edited,\"{ \"\"note\"\" : \"\"a\"\", \"\"remark\"\" : null }\",\"{ \"\"note\"\" : null, \"\"remark\"\" : \"\"a\"\" }\")"
    );
}

#[test]
fn a_column_whose_type_changed_takes_what_still_fits() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, '17'), (2, 'EU', -2, 'many'); alter table orders alter column note type integer using 0",
    );
    edit(&mut db, r#"{"amount": 3}"#);
    assert_eq!(release(&mut db), "(1,released,)\n(2,refused,22P02)");
    assert_eq!(show(&mut db, "select * from orders"), "(1,EU,3,17)");
}

#[test]
fn without_its_table_a_row_can_only_be_discarded() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'); select audit.unwatch('orders')",
    );
    assert_eq!(release(&mut db), "(1,refused,table_is_not_watched)");
    run(&mut db, "select audit.watch('orders')");
    rule(&mut db, POSITIVE);
    assert_eq!(release(&mut db), "(1,refused,positive)");
    run(&mut db, "alter table orders drop constraint orders_pkey");
    assert_eq!(release(&mut db), "(1,refused,table_has_no_primary_key)");
    run(&mut db, "drop table orders");
    assert_eq!(release(&mut db), "(1,refused,table_is_gone)");
    assert_eq!(
        show(
            &mut db,
            "select key, outcome from audit.discard_held('{}', 'the table is gone')"
        ),
        "(1,discarded)"
    );
}

#[test]
fn a_row_is_discarded_for_a_reason_and_once() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(&mut db, "insert into orders values (1, 'EU', -1, 'a')");
    let id = show(&mut db, "select quarantine_id from audit.quarantine");
    let filter = format!(r#"{{"ids": ["{}"]}}"#, id.trim_matches(['(', ')']));
    assert_eq!(
        refused(&mut db, "select audit.discard_held('{}', ' ')"),
        "reason_is_missing: rows are only discarded for a reason"
    );
    let discard = format!("select key, outcome from audit.discard_held('{filter}', 'a test')");
    assert_eq!(show(&mut db, &discard), "(1,discarded)");
    assert_eq!(show(&mut db, &discard), "(1,\"already discarded\")");
    assert_eq!(
        show(
            &mut db,
            &format!("select key, outcome from audit.release_held('{filter}')")
        ),
        "(1,\"already discarded\")"
    );
    assert_eq!(
        show(
            &mut db,
            &format!("select key, outcome from audit.edit_held('{filter}', '{{\"amount\": 1}}')")
        ),
        "(1,\"already discarded\")"
    );
    assert_eq!(
        show(&mut db, "select kind, reason from audit.quarantine_event"),
        "(discarded,\"a test\")"
    );
    assert_eq!(show(&mut db, "select count(*) from orders"), "(0)");
}

#[test]
fn what_was_done_is_never_changed() {
    let (_database, mut db) = orders();
    for statement in [
        "update audit.quarantine_event set reason = null",
        "delete from audit.quarantine_event",
        "truncate audit.quarantine_event",
    ] {
        assert_eq!(
            refused(&mut db, statement),
            "history_is_append_only: the history in audit.quarantine_event is append-only"
        );
    }
}

#[test]
fn rows_are_meant_by_table_rule_key_owner_time_and_number() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        &format!("{POSITIVE}, owner => 'sales', severity => 'important', fix_within => '1 day'"),
    );
    rule(
        &mut db,
        r#"'noted', 'not_null', '{"column": "note"}', action => 'quarantine', owner => 'desk'"#,
    );
    run(
        &mut db,
        "begin; select audit.set_context(actor => 'ana', occurred_at => '2013-02-08 18:00Z');
        insert into orders values (1, 'EU', -1, 'a'), (2, 'EU', 2, null); commit; insert into orders values (3, 'EU', -3, null)",
    );
    for (filter, keys) in [
        ("{}", "1 2 3"),
        (r#"{"table": "orders"}"#, "1 2 3"),
        (r#"{"table": "public.orders", "rule": "noted"}"#, "2 3"),
        (r#"{"table": "other"}"#, ""),
        (r#"{"owner": "sales"}"#, "1 3"),
        (r#"{"key": "2"}"#, "2"),
        (r#"{"until": "2013-02-09"}"#, "1 2"),
        (r#"{"since": "2013-02-08 18:00:01Z"}"#, "3"),
    ] {
        assert_eq!(
            show(
                &mut db,
                &format!("select string_agg(key, ' ' order by key) from audit.discard_held('{filter}', 'x', dry_run => true)")
            )
            .trim_matches(['(', ')', '"']),
            keys,
            "{filter}"
        );
    }
    assert_eq!(
        show(
            &mut db,
            "select string_agg(key, ' ' order by key) from audit.discard_held('{}', 'x', dry_run => true, most => 2)"
        ),
        "(\"1 2\")"
    );
    assert_eq!(
        refused(
            &mut db,
            r#"select audit.release_held('{"tabel": "orders"}')"#
        ),
        "filter_is_not_known: quarantine can not be filtered by `tabel`"
    );
    assert_eq!(
        show(
            &mut db,
            "select key, rules, severity, owner, writer, fix_by - since, age > '10 years' from audit.quarantined_row order by key"
        ),
        "(1,{positive},important,sales,ana,\"1 day\",t)\n(2,{noted},normal,desk,ana,,t)\n(3,\"{noted,positive}\",important,\"desk, sales\",postgres,\"1 day\",f)"
    );
}

#[test]
fn a_patch_must_fit_the_table() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer primary key, amount integer, twice integer generated always as (amount * 2) stored, tags text[], body jsonb)",
    );
    rule(&mut db, POSITIVE);
    run(&mut db, "insert into orders values (1, -1)");
    for (patch, refusal) in [
        (
            r#"{"amuont": 1}"#,
            "column_does_not_exist: table public.orders has no column `amuont`",
        ),
        (
            r#"{"amount": "many"}"#,
            "value_does_not_fit: a value of the patch does not fit its column: invalid input syntax for type integer: \"many\"",
        ),
        (
            r#"{"twice": 1}"#,
            "column_is_generated: column `twice` of public.orders is generated by PostgreSQL",
        ),
        (
            r#"{"id": null}"#,
            "key_can_not_be_null: column `id` is part of the primary key of public.orders and can not be null",
        ),
        (
            "{}",
            "patch_is_not_an_object: a patch is a json object of columns and their new values",
        ),
        (
            "[]",
            "patch_is_not_an_object: a patch is a json object of columns and their new values",
        ),
    ] {
        assert_eq!(
            refused(
                &mut db,
                &format!("select audit.edit_held('{{}}', '{patch}')")
            ),
            refusal
        );
    }
    edit(
        &mut db,
        r#"{"amount": 4, "id": 9, "tags": ["a b", null], "body": {"n": 1.50}}"#,
    );
    assert_eq!(release(&mut db), "(9,released,)");
    assert_eq!(
        show(&mut db, "select * from orders"),
        "(9,4,8,\"{\"\"a b\"\",NULL}\",\"{\"\"n\"\": 1.50}\")"
    );
}
