//! Values: whatever a column may hold comes back from the log as it was, one row at a time and many at once.
#![cfg(feature = "embedded")]

mod shared;

use diesel::PgConnection;
use shared::{run, show, tick, watched};

/// How many rows of a table are otherwise in its log, replayed from the head and from segments.
#[track_caller]
fn replays(db: &mut PgConnection, table: &str) {
    let differences = format!("select audit.replay_differences('{table}')");
    assert_eq!(show(db, &differences), "(0)", "in the head");
    tick(db);
    assert_eq!(show(db, &differences), "(0)", "in segments");
}

/// Types with values at their limits.
const LIMITS: &[(&str, &[&str])] = &[
    (
        "numeric",
        &[
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "123456789012345678901234567890123456789.0123456789012345678901234567890",
            "1e1000",
            "0.000",
            "-0.10",
            "1e-1000",
        ],
    ),
    ("numeric(12,3)", &["'NaN'", "999999999.999", "-0.001"]),
    (
        "double precision",
        &[
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "'-0'",
            "5e-324",
            "1.7976931348623157e308",
            "0.1",
        ],
    ),
    ("real", &["'NaN'", "1e-45", "3.4028235e38", "0.1"]),
    ("bigint", &["9223372036854775807", "-9223372036854775808"]),
    ("money", &["'12.34'", "'-92233720368547758.08'"]),
    (
        "timestamp",
        &[
            "'4713-01-01 00:00:00 BC'",
            "'294276-12-31 23:59:59.999999'",
            "'infinity'",
            "'-infinity'",
            "'2013-02-08 00:00:00.000001'",
        ],
    ),
    (
        "timestamptz",
        &[
            "'4713-01-02 00:00:00+00 BC'",
            "'294276-12-31 00:00:00.000001+00'",
            "'infinity'",
            "'-infinity'",
            "'1883-11-18 12:03:57-05'",
        ],
    ),
    (
        "date",
        &[
            "'4713-01-01 BC'",
            "'5874897-12-31'",
            "'infinity'",
            "'-infinity'",
        ],
    ),
    ("time", &["'24:00:00'", "'00:00:00.000001'"]),
    ("timetz", &["'24:00:00-15:59'", "'00:00:00+15:59'"]),
    (
        "interval",
        &[
            "'178000000 years'",
            "'-178000000 years -1 days +00:00:00.000001'",
            "'0'",
        ],
    ),
    (
        "text",
        &[
            "''",
            "' '",
            "e'\\x01\\x1f\\x7f'",
            "'\\u0000'",
            "'☃𝄞'",
            "repeat('\"\\', 100000)",
            "'null'",
        ],
    ),
    ("char(3)", &["''", "'a'"]),
    ("\"char\"", &["'a'", "''"]),
    ("bytea", &["''", "'\\x00ff'", "'\\x5c5c22'"]),
    ("boolean", &["true", "false"]),
    (
        "json",
        &[
            "'null'",
            "'{\"a\":1,\"a\":2}'",
            "' [1.0,  \"\\u0000\"] '",
            "'1e400'",
            "'\"\\ud834\\udd1e\"'",
        ],
    ),
    ("jsonb", &["'null'", "'{}'", "'[1.00, 1e10]'"]),
    ("xml", &["'<a>&amp;</a>'"]),
    ("uuid", &["'ffffffff-ffff-ffff-ffff-ffffffffffff'"]),
    ("inet", &["'::1/64'", "'10.0.0.1'"]),
    ("cidr", &["'10.0.0.0/8'"]),
    ("bit varying", &["''", "'101'"]),
    ("int4range", &["'empty'", "'(,)'", "'[1,5)'"]),
    ("numrange", &["'[1.50,NaN]'"]),
    ("int4multirange", &["'{}'", "'{[1,3),[5,)}'"]),
    (
        "integer[]",
        &["'{}'", "'{1,null}'", "'[-1:0]={1,2}'", "'{{1,2},{3,4}}'"],
    ),
    (
        "text[]",
        &["'{\"\",null,\"null\",\"a,b\",\"\\\"\",\"\\\\\"}'"],
    ),
    ("jsonb[]", &["array['{\"a\":[1]}', 'null']::jsonb[]"]),
    ("numeric[]", &["'{NaN,1.10,Infinity}'"]),
    ("timestamptz[]", &["'{infinity,2013-02-08 00:00+05:45}'"]),
    ("point", &["'(1e-300,-Infinity)'"]),
    ("polygon", &["'((0,0),(1,0.1))'"]),
    ("tsvector", &["$$'a b':1A,2 'it''s':3$$"]),
    ("tsquery", &["$$'a' & !'b'$$"]),
    ("pg_lsn", &["'FFFFFFFF/FFFFFFFF'"]),
    ("oid", &["4294967295"]),
    ("regclass", &["'pg_class'"]),
    ("txid_snapshot", &["'10:20:10,14'"]),
    ("mood", &["'la la'", "'it''s'"]),
    ("mood[]", &["'{so,\"la la\"}'"]),
    ("pair", &["'(1,\"a,\"\"b\")'", "'(,)'"]),
    ("pair[]", &["array[(1,'{\"x\"}'), null]::pair[]"]),
    ("positive", &["7"]),
    ("pairs", &["array[(1,'x')]::pair[]"]),
    ("span", &["'[a,b)'", "'empty'"]),
];

const TYPES: &str = "create type mood as enum ('so', 'la la', 'it''s');
    create type pair as (a integer, b text);
    create domain positive as integer check (value > 0);
    create domain pairs as pair[] check (array_ndims(value) = 1);
    create type span as range (subtype = text, collation = \"C\");";

#[test]
fn values_at_the_limits_of_their_types_come_back() {
    let columns: Vec<String> = LIMITS
        .iter()
        .enumerate()
        .map(|(n, (of_type, _))| format!("c{n} {of_type}"))
        .collect();
    let (_database, mut db) = watched(
        "limits",
        &format!(
            "{TYPES} create table limits (id integer primary key, {})",
            columns.join(", ")
        ),
    );
    let longest = LIMITS.iter().map(|(_, values)| values.len()).max().unwrap();
    for id in 0..longest {
        let values: Vec<&str> = LIMITS
            .iter()
            .map(|(_, values)| values.get(id).copied().unwrap_or("null"))
            .collect();
        run(
            &mut db,
            &format!("insert into limits values ({id}, {})", values.join(", ")),
        );
    }
    // The same in one statement, and again under settings that write them otherwise.
    run(
        &mut db,
        "set timezone = 'Asia/Kathmandu'; set datestyle = 'german'; set intervalstyle = sql_standard; set bytea_output = escape; set extra_float_digits = -15; set lc_monetary = 'C'; set xmloption = document; set quote_all_identifiers = on;
        create temporary table more as table limits; update more set id = id + 100; insert into limits select * from more;
        update limits set id = id + 1000; delete from limits where id % 2 = 0",
    );
    replays(&mut db, "limits");
}

#[test]
fn every_type_can_be_a_key() {
    for (of_type, values) in LIMITS {
        if [
            "json",
            "xml",
            "point",
            "polygon",
            "txid_snapshot",
            "interval",
        ]
        .contains(of_type)
        {
            // No operator class, or equal values that are written in several ways.
            continue;
        }
        let (_database, mut db) = watched(
            "keyed",
            &format!(
                "{TYPES} create table keyed (id {of_type}, other integer default 1, primary key (id, other), n integer); create table single (id {of_type} primary key, n integer)"
            ),
        );
        run(&mut db, "select audit.watch('single')");
        let (first, rest) = values.split_first().unwrap();
        // An index holds no entry of more than some kilobytes.
        let rest: Vec<&str> = rest
            .iter()
            .copied()
            .filter(|value| !value.contains("repeat"))
            .collect();
        for table in ["keyed", "single"] {
            run(
                &mut db,
                &format!(
                    "set timezone = 'Asia/Kathmandu'; insert into {table} (id, n) values ({first}, 1)"
                ),
            );
            if !rest.is_empty() {
                let rows: Vec<String> = rest.iter().map(|value| format!("({value}, 2)")).collect();
                run(
                    &mut db,
                    &format!("insert into {table} (id, n) values {}", rows.join(", ")),
                );
            }
            run(
                &mut db,
                &format!(
                    "set timezone = 'UTC'; set datestyle = 'sql'; update {table} set n = n + 1; update {table} set n = 0 where id = {first}::{of_type}; reset all"
                ),
            );
            assert_eq!(
                show(
                    &mut db,
                    &format!("select audit.replay_differences('{table}')")
                ),
                "(0)",
                "{table} {of_type}"
            );
        }
        tick(&mut db);
        for table in ["keyed", "single"] {
            assert_eq!(
                show(
                    &mut db,
                    &format!("select audit.replay_differences('{table}')")
                ),
                "(0)",
                "{table} {of_type}"
            );
        }
    }
}

#[test]
fn as_many_columns_as_a_table_can_have_are_captured() {
    let columns: Vec<String> = (1..1600)
        .map(|n| format!("c{n} boolean default {}", n % 3 == 0))
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
        "insert into broad values (1); insert into broad (id) select i from generate_series(2, 4) i;
        update broad set c7 = null where id = 1; update broad set c1599 = not c1599; delete from broad where id > 2",
    );
    replays(&mut db, "broad");
}

#[test]
fn generated_and_identity_columns_are_logged_as_the_table_has_them() {
    let (_database, mut db) = watched(
        "made",
        "create table made (id bigint generated always as identity primary key, other integer generated by default as identity, price numeric, total numeric generated always as (price * 2) stored, gone text)",
    );
    run(
        &mut db,
        "alter table made drop column gone; insert into made (price) values (1), (2); insert into made overriding system value values (10, 20, 3);
        insert into made (other, price) values (default, 4); update made set price = 5 where id = 1; update made set id = default where id = 10",
    );
    assert_eq!(
        show(
            &mut db,
            "select new ->> 'total' from audit.history('made', '1') where op = 'U'"
        ),
        "(10)"
    );
    replays(&mut db, "made");
}

#[test]
fn no_cast_that_a_user_made_runs_in_a_write() {
    let (_database, mut db) = watched(
        "moods",
        "create type mood as enum ('so', 'la'); create type pair as (a integer, b mood); create domain name as text; create type span as range (subtype = text);
        create function spy(mood) returns json language plpgsql as $$ begin raise exception 'the cast ran'; end $$;
        create function spy(pair) returns json language plpgsql as $$ begin raise exception 'the cast ran'; end $$;
        create function spy(span) returns json language plpgsql as $$ begin raise exception 'the cast ran'; end $$;
        create function spy_text(mood) returns text language plpgsql as $$ begin raise exception 'the cast ran'; end $$;
        create function spy_text(pair) returns text language plpgsql as $$ begin raise exception 'the cast ran'; end $$;
        create function spy_text(span) returns text language plpgsql as $$ begin raise exception 'the cast ran'; end $$;
        create cast (mood as json) with function spy(mood); create cast (pair as json) with function spy(pair); create cast (span as json) with function spy(span);
        create cast (mood as text) with function spy_text(mood) as implicit; create cast (pair as text) with function spy_text(pair) as assignment; create cast (span as text) with function spy_text(span) as implicit;
        create table moods (id mood, part span, p pair, m mood[], ps pair[], n name, primary key (id, part))",
    );
    run(
        &mut db,
        "insert into moods values ('so', '[a,b)', '(1,so)', '{so,la}', array[row(1, 'la')::pair], 'x');
        insert into moods values ('la', '[a,c)', null, null, null, null), ('la', '[b,c)', '(2,la)', '{}', '{}', '');
        update moods set m = '{la}' where n = 'x'; update moods set n = 'y'; delete from moods where p is null",
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select op, count(*) from audit.row_change group by 1 order by 1"
        ),
        "(D,1)\n(I,3)\n(U,4)"
    );
}
