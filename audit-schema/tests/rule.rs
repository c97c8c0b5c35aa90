//! What a rule decides, what it costs the writer, and that its counter is what a scan says.
#![cfg(feature = "embedded")]

mod shared;

use proptest::prelude::*;
use shared::{orders, refused, rule, run, show, tick, watched, wrong};

const FINDINGS: &str =
    "select r.name, f.op, f.rows, f.new_failed, f.old_failed, f.action, f.keys, f.samples, f.error
    from audit.finding f join audit.rule r using (rule_id) order by f.lsn";

/// A kind, its definition, values that pass and values that fail.
const KINDS: &[(&str, &str, &[&str], &[&str])] = &[
    ("not_null", "{}", &["'x'", "''"], &["null"]),
    (
        "not_blank",
        "{}",
        &["'x'", "null"],
        &["''", "'  '", "e'\\t'"],
    ),
    (
        "one_of",
        r#"{"values": ["a", "it's"]}"#,
        &["'a'", "'it''s'", "null"],
        &["'b'", "''"],
    ),
    (
        "not_one_of",
        r#"{"values": ["a"]}"#,
        &["'b'", "null"],
        &["'a'"],
    ),
    (
        "range",
        r#"{"min": "b", "max": "d"}"#,
        &["'b'", "'d'", "null"],
        &["'a'", "'e'"],
    ),
    (
        "length",
        r#"{"min": 2, "max": 3}"#,
        &["'ab'", "'☃☃☃'", "null"],
        &["'a'", "'abcd'"],
    ),
    (
        "matches",
        r#"{"pattern": "^[A-Z]+$"}"#,
        &["'AB'", "null"],
        &["'ab'", "''"],
    ),
    (
        "format",
        r#"{"format": "email"}"#,
        &["'a.b+c@example.com'", "null"],
        &["'a@'", "'a b@example.com'", "'@x'"],
    ),
    (
        "format",
        r#"{"format": "uuid"}"#,
        &["'00000000-0000-0000-0000-00000000000A'"],
        &["'0000'"],
    ),
    (
        "format",
        r#"{"format": "url"}"#,
        &["'https://example.com/a?b=c'"],
        &["'example.com'", "'https://'"],
    ),
    (
        "format",
        r#"{"format": "ip"}"#,
        &["'10.0.0.255'", "'::1'", "'2001:db8::8a2e:370:7334'"],
        &["'256.1.1.1'", "'1.2.3'", "':::'"],
    ),
    (
        "format",
        r#"{"format": "iso_date"}"#,
        &["'2013-02-28'"],
        &["'2013-13-01'", "'2013-04-31'", "'8 Feb'"],
    ),
    (
        "format",
        r#"{"format": "country"}"#,
        &["'DE'"],
        &["'XX'", "'de'"],
    ),
    (
        "format",
        r#"{"format": "currency"}"#,
        &["'EUR'"],
        &["'EURO'", "'ABC'"],
    ),
];

#[test]
fn each_kind_passes_and_fails_what_it_should() {
    for (kind, options, pass, fail) in KINDS {
        let (_database, mut db) = watched(
            "orders",
            "create table orders (id integer generated always as identity primary key, note text)",
        );
        let definition = options
            .replacen('{', r#"{"column": "note", "#, 1)
            .replace(", }", "}");
        rule(
            &mut db,
            &format!("'r', '{kind}', '{}'", definition.replace('\'', "''")),
        );
        for value in *pass {
            run(
                &mut db,
                &format!("insert into orders (note) values ({value})"),
            );
        }
        assert_eq!(show(&mut db, FINDINGS), "", "{kind} {options}");
        for value in *fail {
            run(
                &mut db,
                &format!("insert into orders (note) values ({value})"),
            );
        }
        assert_eq!(
            show(&mut db, "select failing from audit.rule_counter"),
            format!("({})", fail.len()),
            "{kind} {options}"
        );
        assert_eq!(wrong(&mut db), "", "{kind} {options}");
    }
}

#[test]
fn constants_take_the_type_of_their_column() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer primary key, at timestamptz, amount numeric, level smallint)",
    );
    rule(
        &mut db,
        r#"'a', 'range', '{"column": "at", "min": "2013-01-01", "max": "2013-12-31"}'"#,
    );
    rule(
        &mut db,
        r#"'b', 'one_of', '{"column": "level", "values": [1, 2]}'"#,
    );
    rule(
        &mut db,
        r#"'c', 'range', '{"column": "amount", "min": 0.5}'"#,
    );
    rule(
        &mut db,
        r#"'d', 'not_future', '{"column": "at", "tolerance": "1 hour"}'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, '2013-05-05', 0.5, 1), (2, '2014-01-01', 0.4, 3), (3, now() + interval '2 hours', 1, 1)",
    );
    assert_eq!(
        show(
            &mut db,
            "select r.name, c.failing from audit.rule_counter c join audit.rule r using (rule_id) order by 1"
        ),
        "(a,2)\n(b,1)\n(c,1)\n(d,1)"
    );
    assert!(refused(&mut db, r#"select audit.declare_rule('orders', 'e', 'one_of', '{"column": "level", "values": ["x"]}')"#)
        .starts_with("predicate_is_not_valid"));
}

#[test]
fn a_finding_says_how_many_which_and_what() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'positive', 'range', '{"column": "amount", "min": 0}', severity => 'critical'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, null), (2, 'EU', 1, null), (3, 'EU', -3, null)",
    );
    run(&mut db, "update orders set amount = 5 where id = 1");
    run(&mut db, "delete from orders where id = 3");
    insta::assert_snapshot!(show(&mut db, FINDINGS), @r#"
    (positive,I,3,2,0,flag,"{1,3}","[{""amount"" : -1}, {""amount"" : -3}]",)
    (positive,U,1,0,1,flag,,,)
    (positive,D,1,0,1,flag,,,)
    "#);
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(0)"
    );
}

#[test]
fn a_finding_names_a_hundred_keys_at_most_and_counts_all() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'r', 'not_null', '{"column": "region"}'"#);
    run(
        &mut db,
        "insert into orders select i, null, 1, null from generate_series(1, 5000) i",
    );
    assert_eq!(
        show(
            &mut db,
            "select new_failed, cardinality(keys), json_array_length(samples) from audit.finding"
        ),
        "(5000,100,3)"
    );
}

#[test]
fn null_passes_unless_the_rule_says_so() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'lenient', 'range', '{"column": "amount", "min": 0}'"#,
    );
    rule(
        &mut db,
        r#"'strict', 'range', '{"column": "amount", "min": 0}', nulls => 'fail'"#,
    );
    run(&mut db, "insert into orders values (1, 'EU', null, null)");
    assert_eq!(
        show(
            &mut db,
            "select r.name from audit.finding join audit.rule r using (rule_id)"
        ),
        "(strict)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_condition_says_which_rows_a_rule_is_about() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'r', 'not_null', '{"column": "note"}', condition => 'region = ''EU'''"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'US', 1, null), (3, null, 1, null)",
    );
    assert_eq!(show(&mut db, "select keys from audit.finding"), "({1})");
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_rejected_statement_writes_nothing_and_says_why() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'known_region', 'one_of', '{"column": "region", "values": ["EU", "US"]}', action => 'reject'"#,
    );
    rule(
        &mut db,
        r#"'noted', 'not_null', '{"column": "note"}', action => 'reject'"#,
    );
    insta::assert_snapshot!(
        refused(&mut db, "insert into orders values (1, 'EU', 1, 'x'), (2, 'XX', 1, null), (3, 'YY', 1, 'y')"),
        @"known_region: public.orders refuses the insert: rule `known_region` fails for 2 of 3 rows; rule `noted` fails for 1 of 3 rows"
    );
    assert_eq!(
        show(
            &mut db,
            "select (select count(*) from orders), (select count(*) from audit.change), (select count(*) from audit.finding)"
        ),
        "(0,0,0)"
    );
    run(&mut db, "insert into orders values (1, 'EU', 1, 'x')");
    assert!(refused(&mut db, "update orders set region = null, note = null").starts_with("noted"));
}

#[test]
fn a_reference_must_exist() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table regions (code text primary key); insert into regions values ('EU')",
    );
    rule(
        &mut db,
        r#"'r', 'references', '{"column": "region", "table": "public.regions", "key": "code"}'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'XX', 1, null), (3, null, 1, null); insert into orders values (4, 'YY', 1, null)",
    );
    run(
        &mut db,
        "update orders set region = 'EU' where id = 2; update orders set amount = 2",
    );
    assert_eq!(
        show(&mut db, FINDINGS),
        "(r,I,3,1,0,flag,{2},\"[{\"\"region\"\" : \"\"XX\"\"}]\",)\n(r,I,1,1,0,flag,{4},\"[{\"\"region\"\" : \"\"YY\"\"}]\",)\n(r,U,1,0,1,flag,,,)\n(r,U,4,1,1,flag,{4},\"[{\"\"region\"\" : \"\"YY\"\"}]\",)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn the_second_row_with_a_key_fails_a_unique_rule() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'once', 'unique', '{"columns": ["region", "amount"]}'"#,
    );
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    run(&mut db, "insert into orders values (2, 'EU', 1, null)");
    run(
        &mut db,
        "insert into orders values (3, 'US', 1, null), (4, 'US', 1, null), (5, null, 1, null), (6, null, 1, null)",
    );
    assert_eq!(
        show(&mut db, "select op, keys from audit.finding order by lsn"),
        "(I,{2})\n(I,{4})"
    );
    assert_eq!(wrong(&mut db), "");
    run(&mut db, "update orders set note = 'x'");
    run(&mut db, "update orders set amount = id where region = 'EU'");
    run(&mut db, "delete from orders where id = 3");
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_rule_that_raises_is_recorded_and_the_write_goes_on() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'ratio', 'expression', '{"expression": "100 / amount > 1"}'"#,
    );
    rule(&mut db, r#"'noted', 'not_null', '{"column": "note"}'"#);
    run(&mut db, "insert into orders values (1, 'EU', 0, null)");
    run(
        &mut db,
        "insert into orders values (2, 'EU', 200, 'x'), (3, 'EU', 0, 'y'); update orders set amount = 0 where id = 2; delete from orders where id = 2",
    );
    assert_eq!(show(&mut db, "select count(*) from orders"), "(2)");
    assert_eq!(
        show(
            &mut db,
            "select r.name, c.failing, c.errors from audit.rule_counter c join audit.rule r using (rule_id) order by 1"
        ),
        "(noted,1,0)\n(ratio,0,4)"
    );
    assert_eq!(
        show(
            &mut db,
            "select distinct error from audit.finding where error is not null"
        ),
        "(\"division by zero\")"
    );
}

#[test]
fn a_look_up_that_is_no_longer_allowed_does_not_break_the_write() {
    let (_database, mut db) = orders();
    run(&mut db, "create table regions (code text primary key)");
    rule(
        &mut db,
        r#"'r', 'references', '{"column": "region", "table": "public.regions", "key": "code"}', action => 'reject'"#,
    );
    run(
        &mut db,
        "revoke select on regions from audit_owner; insert into orders values (1, 'EU', 1, null); update orders set amount = 2; delete from orders",
    );
    assert_eq!(
        show(
            &mut db,
            "select op, new_failed, old_failed, error from audit.finding order by lsn"
        ),
        "(I,0,0,\"permission denied for table regions\")\n(U,0,0,\"permission denied for table regions\")\n(D,0,0,\"permission denied for table regions\")"
    );
    run(
        &mut db,
        "alter event trigger audit_forget_after_drop disable; drop table regions; insert into orders values (2, 'EU', 1, null)",
    );
    assert_eq!(
        show(
            &mut db,
            "select error from audit.finding order by lsn desc limit 1"
        ),
        "(\"relation \"\"public.regions\"\" does not exist\")"
    );
}

#[test]
fn a_rule_that_can_not_be_evaluated_does_not_pass_for_proven() {
    let (_database, mut db) = orders();
    run(&mut db, "insert into orders values (1, 'EU', 0, null)");
    rule(
        &mut db,
        r#"'ratio', 'expression', '{"expression": "100 / amount > 1"}'"#,
    );
    assert_eq!(
        show(&mut db, "select failing, errors from audit.rule_counter"),
        "(0,1)"
    );
    assert_eq!(
        wrong(&mut db),
        "(rule,public.orders.ratio,\"can not be evaluated\",0)"
    );
}

#[test]
fn a_missing_reference_fails_where_the_rule_says_so() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "create table regions (code text primary key); insert into regions values ('EU'); insert into orders values (1, null, 1, null)",
    );
    rule(
        &mut db,
        r#"'r', 'references', '{"column": "region", "table": "public.regions", "key": "code"}', nulls => 'fail'"#,
    );
    run(
        &mut db,
        "insert into orders values (2, null, 1, null), (3, 'EU', 1, null); insert into orders values (4, null, 1, null); delete from orders where id = 1",
    );
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(2)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_rule_that_raises_blocks_the_write_where_it_says_so() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'ratio', 'expression', '{"expression": "100 / amount > 1"}', on_error => 'block'"#,
    );
    insta::assert_snapshot!(
        refused(&mut db, "insert into orders values (1, 'EU', 0, null)"),
        @"ratio: public.orders refuses the insert: rule `ratio` can not be evaluated: division by zero"
    );
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
}

#[test]
fn wrong_declarations_are_refused_by_name() {
    let (_database, mut db) = orders();
    run(&mut db, "create table loose (a integer, b text)");
    run(&mut db, "select audit.watch('loose')");
    let mut answers = String::new();
    for arguments in [
        r#"'orders', 'r', 'not_null', '{"column": "regoin"}'"#,
        r#"'orders', 'r', 'expression', '{"expression": "amount >"}'"#,
        r#"'orders', 'r', 'expression', '{"expression": "amount"}'"#,
        r#"'orders', 'r', 'expression', '{"expression": "true; drop table orders"}'"#,
        r#"'orders', 'r', 'expression', '{"expression": "true) from (values (1)) x, lateral (select true"}'"#,
        r#"'orders', 'r', 'expression', '{"expression": "amount > 0 -- and so on"}', condition => 'nowhere = 1'"#,
        r#"'orders', 'r', 'matches', '{"column": "note", "pattern": "("}'"#,
        r#"'orders', 'r', 'references', '{"column": "region", "table": "public.nowhere", "key": "code"}'"#,
        r#"'orders', 'r', 'references', '{"column": "region", "table": "public.loose", "key": "c"}'"#,
        r#"'loose', 'r', 'not_null', '{"column": "b"}', action => 'quarantine'"#,
        r#"'audit.rule', 'r', 'not_null', '{"column": "b"}'"#,
        r#"'orders', 'r', 'unique', '{"columns": ["region"]}', condition => 'amount > 0'"#,
        r#"'orders', 'r', 'wonder', '{"column": "region"}'"#,
        r#"'orders', 'r', 'format', '{"column": "region", "format": "zodiac"}'"#,
    ] {
        answers += &refused(&mut db, &format!("select audit.declare_rule({arguments})"));
        answers += "\n";
    }
    insta::assert_snapshot!(answers, @r#"
    column_does_not_exist: table orders has no column `regoin`
    predicate_is_not_valid: syntax error at or near ")"
    predicate_is_not_valid: argument of IS FALSE must be type boolean, not type numeric
    predicate_is_not_valid: an expression may not contain a semicolon
    predicate_is_not_valid: syntax error at or near "from"
    predicate_is_not_valid: column "nowhere" does not exist
    predicate_is_not_valid: invalid regular expression: parentheses () not balanced
    referenced_table_does_not_exist: rule `r` refers to table `public.nowhere`, which does not exist
    predicate_is_not_valid: column audit_referenced.c does not exist
    table_has_no_primary_key: rule `r` can not quarantine rows of loose, which has no primary key
    table_is_not_watched: audit.rule is not watched
    unique_is_about_all_rows: rule `r` is unique, and can have neither a condition nor nulls: fail
    rule_kind_is_not_known: there is no kind of rule `wonder`
    format_is_not_known: there is no format `zodiac`
    "#);
    assert_eq!(show(&mut db, "select count(*) from audit.rule"), "(0)");
}

#[test]
fn a_rule_on_a_full_table_starts_from_a_scan() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders select i, case when i % 10 > 0 then 'EU' end, i, null from generate_series(1, 100) i",
    );
    rule(&mut db, r#"'r', 'not_null', '{"column": "region"}'"#);
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(10)"
    );
    run(
        &mut db,
        "delete from orders where id = 10; insert into orders values (101, null, 1, null), (102, null, 1, null)",
    );
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(11)"
    );
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_changed_rule_is_a_new_version_and_a_retired_one_stops() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'r', 'range', '{"column": "amount", "min": 0}'"#);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -5, null), (2, 'EU', 5, null)",
    );
    rule(&mut db, r#"'r', 'range', '{"column": "amount", "min": 0}'"#);
    assert_eq!(show(&mut db, "select count(*) from audit.rule"), "(1)");
    rule(
        &mut db,
        r#"'r', 'range', '{"column": "amount", "min": 10}'"#,
    );
    assert_eq!(
        show(&mut db, "select rule_id, failing from audit.rule_counter"),
        "(2,2)"
    );
    run(
        &mut db,
        "select audit.retire_rule(2); select audit.compile('orders'); insert into orders values (3, 'EU', -5, null)",
    );
    assert_eq!(
        show(&mut db, "select count(*) from audit.rule_counter"),
        "(0)"
    );
    assert_eq!(show(&mut db, "select count(*) from audit.finding"), "(1)");
}

#[test]
fn truncate_takes_every_failure_back() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'r', 'not_null', '{"column": "region"}'"#);
    run(
        &mut db,
        "insert into orders values (1, null, 1, null), (2, null, 1, null)",
    );
    tick(&mut db);
    run(
        &mut db,
        "insert into orders values (3, null, 1, null); truncate orders; insert into orders values (4, null, 1, null)",
    );
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(1)"
    );
    assert_eq!(wrong(&mut db), "");
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select failing from audit.rule_counter"),
        "(1)"
    );
    assert_eq!(wrong(&mut db), "");
}

/// A statement that a program might send.
fn statement() -> impl Strategy<Value = String> {
    let region = prop_oneof![Just("null"), Just("'EU'"), Just("'US'"), Just("'XX'")];
    let note = prop_oneof![Just("null"), Just("''"), Just("'note'")];
    let row = (0..12_i32, region.clone(), -3..6_i32, note)
        .prop_map(|(id, region, amount, note)| format!("({id}, {region}, {amount}, {note})"));
    prop_oneof![
        5 => proptest::collection::vec(row, 1..4).prop_map(|rows| format!(
            "insert into orders values {} on conflict (id) do update set region = excluded.region, amount = excluded.amount", rows[0]
        ) + &rows[1..].iter().map(|row| format!("; insert into orders values {row} on conflict do nothing")).collect::<String>()),
        3 => (0..12_i32, region, -3..6_i32).prop_map(|(id, region, amount)| format!("update orders set region = {region}, amount = amount + {amount} where id >= {id}")),
        1 => (0..12_i32).prop_map(|id| format!("update orders set id = id + 100 where id = {id}")),
        2 => (0..12_i32).prop_map(|id| format!("delete from orders where id % 5 = {}", id % 5)),
        1 => Just("truncate orders".to_owned()),
        1 => Just("begin; insert into orders select i, 'XX', -1, null from generate_series(200, 210) i on conflict do nothing; rollback".to_owned()),
        2 => Just("select audit.tick(now(), 3)".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Counters equal a scan, summaries equal their GROUP BY, and the replayed log equals the table, at every moment.
    #[test]
    fn the_pipeline_tells_the_truth_whatever_is_written(statements in proptest::collection::vec(statement(), 1..25)) {
        let (_database, mut db) = orders();
        run(&mut db, "create table regions (code text primary key); insert into regions values ('EU'), ('US')");
        rule(&mut db, r#"'region', 'not_null', '{"column": "region"}'"#);
        rule(&mut db, r#"'known', 'references', '{"column": "region", "table": "public.regions", "key": "code"}'"#);
        rule(&mut db, r#"'once', 'unique', '{"columns": ["region", "amount"]}'"#);
        rule(&mut db, r#"'positive', 'range', '{"column": "amount", "min": -2}', action => 'quarantine'"#);
        rule(&mut db, r#"'noted', 'not_blank', '{"column": "note"}', condition => 'amount > 1'"#);
        rule(&mut db, r#"'small', 'expression', '{"expression": "amount < 8"}', action => 'quarantine'"#);
        run(&mut db, r#"select audit.declare_summary('orders', 'by_region', '{
            "group_by": [{"name": "region", "expression": "region"}],
            "measures": [{"name": "orders", "function": "count"}, {"name": "noted", "function": "count_if", "expression": "note is not null"},
                {"name": "total", "function": "sum", "expression": "amount"}, {"name": "mean", "function": "avg", "expression": "amount"}]}');
            select audit.compile('orders')"#);
        for statement in &statements {
            run(&mut db, statement);
        }
        prop_assert_eq!(wrong(&mut db), "");
        prop_assert_eq!(show(&mut db, "select audit.replay_differences('orders')"), "(0)");
        tick(&mut db);
        prop_assert_eq!(wrong(&mut db), "");
        prop_assert_eq!(show(&mut db, "select audit.replay_differences('orders')"), "(0)");
        prop_assert_eq!(show(&mut db, "select count(*) from orders where amount < -2"), "(0)");
    }
}
