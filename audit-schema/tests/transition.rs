//! Rules about changes and about who writes: what they decide on an update, and what their actions do.
#![cfg(feature = "embedded")]

mod shared;

use shared::{orders, refused, rule, run, show, tick, watched, wrong};

const FINDINGS: &str =
    "select r.name, f.op, f.rows, f.new_failed, f.old_failed, f.action, f.keys, f.error
    from audit.finding f join audit.rule r using (rule_id) order by f.lsn, r.name";

/// Values before and after.
type Changes = &'static [(&'static str, &'static str)];

/// A kind, its definition, changes that pass and changes that fail.
const CHANGES: &[(&str, &str, Changes, Changes)] = &[
    (
        "immutable",
        r#"{"column": "region"}"#,
        &[("'EU'", "'EU'"), ("null", "null")],
        &[("'EU'", "'US'"), ("null", "'EU'"), ("'EU'", "null")],
    ),
    (
        "transition",
        r#"{"column": "region", "allowed": {"new": ["open", "it's"], "open": ["closed"], "closed": []}}"#,
        &[
            ("'new'", "'open'"),
            ("'new'", "'it''s'"),
            ("'open'", "'closed'"),
            ("'closed'", "'closed'"),
            ("'strange'", "'strange'"),
            ("null", "'closed'"),
            ("'closed'", "null"),
            ("null", "null"),
        ],
        &[
            ("'new'", "'closed'"),
            ("'closed'", "'open'"),
            ("'strange'", "'open'"),
        ],
    ),
    (
        "max_change",
        r#"{"column": "amount", "absolute": 10, "relative": 0.5}"#,
        &[
            ("10", "15"),
            ("10", "5"),
            ("-10", "-5"),
            ("100", "110"),
            ("null", "5"),
            ("5", "null"),
            ("0", "0"),
        ],
        &[
            ("10", "16"),
            ("100", "111"),
            ("0", "0.1"),
            ("10", "-10"),
            ("1", "'NaN'"),
        ],
    ),
    (
        "max_change",
        r#"{"column": "amount", "absolute": 10}"#,
        &[("0", "10"), ("5", "-5")],
        &[("0", "10.1")],
    ),
    (
        "max_change",
        r#"{"column": "amount", "relative": 0.1}"#,
        &[("100", "110")],
        &[("100", "111")],
    ),
    (
        "expression",
        r#"{"expression": "amount >= old.amount and 'old.amount' <> note"}"#,
        &[("1", "1"), ("1", "2"), ("null", "1")],
        &[("2", "1")],
    ),
];

#[test]
fn each_kind_of_change_passes_and_fails_what_it_should() {
    for (kind, definition, pass, fail) in CHANGES {
        let (_database, mut db) = orders();
        rule(
            &mut db,
            &format!("'r', '{kind}', '{}'", definition.replace('\'', "''")),
        );
        let column = if definition.contains("amount") {
            "amount"
        } else {
            "region"
        };
        for (changes, fails) in [(pass, false), (fail, true)] {
            for (before, after) in *changes {
                run(
                    &mut db,
                    &format!("insert into orders (id, {column}, note) values (1, {before}, 'x')"),
                );
                // Once as the only row of its statement, once among others.
                run(
                    &mut db,
                    &format!(
                        "update orders set {column} = {after}; insert into orders (id, {column}, note) values (0, {before}, 'x'), (2, {before}, 'x'); update orders set {column} = case id when 2 then {after} else {column} end; truncate orders"
                    ),
                );
                let expected = if fails {
                    "(U,1,1,{1})\n(U,3,1,{2})"
                } else {
                    ""
                };
                assert_eq!(
                    show(
                        &mut db,
                        "select op, rows, new_failed, keys from audit.finding order by lsn"
                    ),
                    expected,
                    "{kind} {definition}: {before} to {after}"
                );
                run(
                    &mut db,
                    "alter table audit.finding disable trigger all; delete from audit.finding; alter table audit.finding enable trigger all",
                );
            }
        }
    }
}

#[test]
fn null_fails_a_change_where_the_rule_says_so() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'r', 'transition', '{"column": "region", "allowed": {"new": ["open"]}}', nulls => 'fail'"#,
    );
    rule(
        &mut db,
        r#"'m', 'max_change', '{"column": "amount", "absolute": 1}', nulls => 'fail'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'new', 1, null), (2, null, 1, null), (3, 'new', null, null)",
    );
    run(&mut db, "update orders set region = 'open', amount = 1");
    assert_eq!(
        show(&mut db, FINDINGS),
        "(r,U,3,1,0,flag,{2},)\n(m,U,3,1,0,flag,{3},)"
    );
}

#[test]
fn a_condition_may_ask_what_the_row_was() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'closed_stays', 'immutable', '{"column": "amount"}', condition => 'old.region = ''closed'''"#,
    );
    // A rule about one row becomes one about changes: nobody has to note a new order, everybody a reopened one.
    rule(
        &mut db,
        r#"'reopened_noted', 'not_null', '{"column": "note"}', condition => 'old.region = ''closed'' and region <> ''closed'''"#,
    );
    assert_eq!(
        show(
            &mut db,
            "select name, class, applies from audit.rule order by 1"
        ),
        "(closed_stays,transition,\"((audit_old.region = 'closed'::text) IS TRUE)\")\n(reopened_noted,transition,\"(((audit_old.region = 'closed'::text) AND (audit_row.region <> 'closed'::text)) IS TRUE)\")"
    );
    run(
        &mut db,
        "insert into orders values (1, 'closed', 1, null), (2, 'open', 1, null)",
    );
    run(
        &mut db,
        "update orders set amount = 2; update orders set region = 'open'",
    );
    assert_eq!(
        show(&mut db, FINDINGS),
        "(closed_stays,U,2,1,0,flag,{1},)\n(reopened_noted,U,2,1,0,flag,{1},)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_change_is_judged_in_pairs_also_when_the_key_changes() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'r', 'expression', '{"expression": "amount = old.amount"}'"#,
    );
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 5000) i",
    );
    run(&mut db, "update orders set id = -id");
    assert_eq!(show(&mut db, "select count(*) from audit.finding"), "(0)");
    run(
        &mut db,
        "update orders set id = id - 10000, amount = case when id % 1000 = 0 then 0 else amount end",
    );
    assert_eq!(
        show(&mut db, FINDINGS),
        "(r,U,5000,5,0,flag,\"{-11000,-12000,-13000,-14000,-15000}\",)"
    );
}

#[test]
fn one_row_first_and_many_after_it_are_paired_at_the_same_speed() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'r', 'immutable', '{"column": "region"}'"#);
    run(
        &mut db,
        "insert into orders select i, 'EU', i, null from generate_series(1, 20000) i",
    );
    // The plan of the statement is made when two rows are updated, and kept. A nested loop would look at 400 million pairs.
    run(
        &mut db,
        "update orders set note = 'x' where id <= 2; set statement_timeout = '30s'; update orders set note = 'y'",
    );
    run(&mut db, "update orders set region = 'US' where id > 19000");
    assert_eq!(
        show(&mut db, "select new_failed from audit.finding"),
        "(1000)"
    );
}

#[test]
fn quarantine_restores_the_last_good_version_once() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'r', 'immutable', '{"column": "region"}', action => 'quarantine'"#,
    );
    rule(
        &mut db,
        r#"'m', 'max_change', '{"column": "amount", "absolute": 5}', action => 'quarantine'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'EU', 1, null), (3, 'EU', 1, null)",
    );
    run(&mut db, "update orders set region = 'US' where id = 1");
    run(
        &mut db,
        "update orders set amount = case id when 2 then 100 else 2 end",
    );
    assert_eq!(
        show(&mut db, "select id, region, amount from orders order by 1"),
        "(1,EU,2)\n(2,EU,1)\n(3,EU,2)"
    );
    assert_eq!(
        show(
            &mut db,
            "select q.op, q.key, r.name, q.row ->> 'region', q.row ->> 'amount' from audit.quarantine q join audit.rule r on r.rule_id = any (q.rules) order by q.lsn"
        ),
        "(U,1,r,US,1)\n(U,2,m,EU,100)"
    );
    assert_eq!(
        show(&mut db, FINDINGS),
        "(r,U,1,1,0,quarantine,{1},)\n(m,U,3,1,0,quarantine,{2},)"
    );
    assert_eq!(wrong(&mut db), "");
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn reject_refuses_the_change() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'r', 'immutable', '{"column": "region"}', action => 'reject'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'EU', 1, null)",
    );
    insta::assert_snapshot!(refused(&mut db, "update orders set region = 'US' where id = 1"), @"r: public.orders refuses the update: rule `r` fails for 1 of 1 rows");
    run(&mut db, "update orders set amount = 2; delete from orders");
    assert_eq!(show(&mut db, "select count(*) from audit.finding"), "(0)");
}

#[test]
fn a_change_has_findings_and_no_counter() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'EU', 1, null)",
    );
    rule(&mut db, r#"'r', 'immutable', '{"column": "region"}'"#);
    run(&mut db, "update orders set region = 'US'");
    for _ in 0..2 {
        assert_eq!(
            show(&mut db, "select failing, errors from audit.rule_counter"),
            "(0,0)"
        );
        assert_eq!(
            show(
                &mut db,
                "select failing, taken_as_failing, class, last_failed_hour is not null from audit.rule_status"
            ),
            "(0,0,transition,t)"
        );
        assert_eq!(
            show(
                &mut db,
                "select failures, share_passing_at_least from audit.table_quality"
            ),
            "(0,1)"
        );
        assert_eq!(
            show(&mut db, "select sum(failed) from audit.failure_by_hour"),
            "(2)"
        );
        assert_eq!(wrong(&mut db), "");
        tick(&mut db);
    }
    run(&mut db, "truncate orders");
    assert_eq!(show(&mut db, "select count(*) from audit.finding"), "(1)");
}

#[test]
fn a_change_that_can_not_be_judged_is_recorded_and_hides_no_other_failure() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'raises', 'expression', '{"expression": "amount / old.amount < 2"}'"#,
    );
    rule(&mut db, r#"'kept', 'immutable', '{"column": "region"}'"#);
    rule(
        &mut db,
        r#"'conditional', 'immutable', '{"column": "note"}', condition => '1 / old.amount > 0'"#,
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 0, 'x'), (2, 'EU', 1, 'x')",
    );
    run(
        &mut db,
        "update orders set region = 'US' where id = 1; update orders set region = 'US', amount = 3 where id in (1, 2)",
    );
    insta::assert_snapshot!(show(&mut db, FINDINGS), @r#"
(raises,U,1,0,0,flag,,"division by zero")
(kept,U,1,1,0,flag,{1},)
(conditional,U,1,0,0,flag,,"division by zero")
(raises,U,2,0,0,flag,,"division by zero")
(kept,U,2,1,0,flag,{2},)
(conditional,U,2,0,0,flag,,"division by zero")
"#);
    assert_eq!(
        show(
            &mut db,
            "select r.name, c.failing, c.errors from audit.rule_counter c join audit.rule r using (rule_id) order by 1"
        ),
        "(conditional,0,2)\n(kept,0,0)\n(raises,0,2)"
    );
    rule(
        &mut db,
        r#"'raises', 'expression', '{"expression": "amount / old.amount < 2"}', on_error => 'block'"#,
    );
    run(&mut db, "update orders set amount = 0");
    assert!(refused(&mut db, "update orders set amount = 1").contains("division by zero"));
}

#[test]
fn rows_that_can_not_be_paired_are_not_taken_for_kept() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id bigint, region text, amount numeric, primary key (id, region)) partition by list (region);
        create table orders_eu partition of orders for values in ('EU');
        create table orders_us partition of orders for values in ('US');
        create function drop_row() returns trigger language plpgsql as 'begin if new.id = 2 then return null; end if; return new; end';
        create trigger drop_row before insert on orders_us for each row execute function drop_row()",
    );
    rule(&mut db, r#"'r', 'immutable', '{"column": "amount"}'"#);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1), (2, 'EU', 1), (3, 'EU', 1); update orders set region = 'US'",
    );
    assert_eq!(
        show(&mut db, FINDINGS),
        "(r,U,2,0,0,flag,,\"rows before and after the update can not be paired\")"
    );
}

#[test]
fn a_value_without_equality_is_compared_as_it_is_written() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer primary key, body json)",
    );
    rule(&mut db, r#"'r', 'immutable', '{"column": "body"}'"#);
    run(
        &mut db,
        r#"insert into orders values (1, '{"a": 1}'); update orders set body = '{"a": 1}'; update orders set body = '{"a": 2}'"#,
    );
    assert_eq!(show(&mut db, FINDINGS), "(r,U,1,1,0,flag,{1},)");
}

#[test]
fn only_the_roles_and_applications_that_are_named_may_write() {
    let (database, mut db) = orders();
    let admin = show(&mut db, "select session_user");
    let admin = admin.trim_matches(['(', ')']);
    run(
        &mut db,
        "create role etl_of_this_test; grant all on orders to etl_of_this_test",
    );
    rule(
        &mut db,
        r#"'roles', 'writers', '{"roles": ["etl_of_this_test"]}'"#,
    );
    rule(
        &mut db,
        r#"'both', 'writers', '{"roles": ["etl_of_this_test"], "applications": ["billing", "it''s"]}'"#,
    );
    rule(
        &mut db,
        &format!(r#"'own', 'writers', '{{"roles": ["{admin}"]}}'"#),
    );
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'EU', 1, null)",
    );
    run(
        &mut db,
        "set role etl_of_this_test; update orders set amount = 2; set application_name = 'it''s'; update orders set amount = 3; reset role",
    );
    run(&mut db, "delete from orders where id = 1; truncate orders");
    insta::assert_snapshot!(show(&mut db, FINDINGS), @r#"
(roles,I,2,2,0,flag,"{1,2}",)
(both,I,2,2,0,flag,"{1,2}",)
(both,U,2,2,0,flag,"{1,2}",)
(roles,D,1,1,0,flag,{1},)
(both,D,1,1,0,flag,{1},)
(roles,T,0,1,0,flag,,)
(both,T,0,1,0,flag,,)
"#);
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.rule_counter where failing <> 0 or errors <> 0"
        ),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
    run(
        &mut db,
        "drop owned by etl_of_this_test; drop role etl_of_this_test",
    );
    drop(database);
}

#[test]
fn a_writer_who_may_not_is_refused_whatever_he_does() {
    let (_database, mut db) = orders();
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    rule(
        &mut db,
        r#"'w', 'writers', '{"applications": ["billing"]}', action => 'reject'"#,
    );
    for statement in [
        "insert into orders values (2, 'EU', 1, null)",
        "update orders set amount = 2",
        "delete from orders",
        "truncate orders",
    ] {
        assert!(
            refused(&mut db, statement).starts_with("w: "),
            "{statement}"
        );
    }
    run(
        &mut db,
        "set application_name = 'billing'; insert into orders values (2, 'EU', 1, null); update orders set amount = 2; delete from orders where id = 2; truncate orders",
    );
}

#[test]
fn what_a_wrong_writer_wrote_can_be_set_aside() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'US', 1, null)",
    );
    rule(
        &mut db,
        r#"'w', 'writers', '{"applications": ["billing"]}', action => 'quarantine', condition => 'region = ''EU'''"#,
    );
    run(
        &mut db,
        "insert into orders values (3, 'EU', 1, null), (4, 'US', 1, null); update orders set amount = 2; delete from orders where id in (1, 2)",
    );
    assert_eq!(
        show(&mut db, "select id, amount from orders order by 1"),
        "(4,2)"
    );
    assert_eq!(
        show(&mut db, FINDINGS),
        "(w,I,2,1,0,quarantine,{3},)\n(w,U,3,1,0,quarantine,{1},)\n(w,D,2,1,0,flag,{1},)"
    );
    assert_eq!(
        show(&mut db, "select op, key from audit.quarantine order by lsn"),
        "(I,3)\n(U,1)"
    );
    assert_eq!(
        show(&mut db, "select audit.replay_differences('orders')"),
        "(0)"
    );
}

#[test]
fn a_table_without_rules_about_changes_pays_nothing_for_them() {
    let (_database, mut db) = orders();
    rule(&mut db, r#"'r', 'not_null', '{"column": "region"}'"#);
    assert_eq!(
        show(
            &mut db,
            "select count(*) from pg_proc p where p.pronamespace = 'audit_compiled'::regnamespace and p.prosrc ~ 'full join .*audit position|pg_trigger_depth|session_user'"
        ),
        "(0)"
    );
}

#[test]
fn what_a_kind_can_not_mean_is_refused() {
    let (_database, mut db) = orders();
    let mut answers = String::new();
    for arguments in [
        r#"'r', 'max_change', '{"column": "region", "absolute": 1}'"#,
        r#"'r', 'immutable', '{"column": "regoin"}'"#,
        r#"'r', 'transition', '{"column": "amount", "allowed": {"a": ["b"]}}'"#,
        r#"'r', 'expression', '{"expression": "old.nowhere = 1"}'"#,
        r#"'r', 'expression', '{"expression": "amount - old.amount"}'"#,
        r#"'r', 'writers', '{"roles": ["a"]}', nulls => 'fail'"#,
        r#"'r', 'writers', '{"roles": ["a"]}', condition => 'old.amount = 1'"#,
        r#"'r', 'immutable', '{"column": "region"}', mostly => 0.9"#,
        r#"'r', 'not_null', '{"column": "region"}', mostly => 0.9, action => 'reject'"#,
        r#"'r', 'not_null', '{"column": "region"}', mostly => 0.9, condition => 'old.region is null'"#,
        r#"'r', 'not_future', '{"column": "amount"}'"#,
        r#"'r', 'no_overlap', '{"from": "amount", "to": "nowhere"}'"#,
        r#"'r', 'no_overlap', '{"from": "amount", "to": "region"}'"#,
        r#"'r', 'no_overlap', '{"from": "amount", "to": "amount"}', nulls => 'fail'"#,
    ] {
        answers += &refused(
            &mut db,
            &format!("select audit.declare_rule('orders', {arguments})"),
        );
        answers += "\n";
    }
    insta::assert_snapshot!(answers, @r#"
predicate_is_not_valid: column region is of type text, which has no differences
column_does_not_exist: table orders has no column `regoin`
predicate_is_not_valid: invalid input syntax for type numeric: "a"
predicate_is_not_valid: column old.nowhere does not exist
predicate_is_not_valid: argument of IS FALSE must be type boolean, not type numeric
nulls_say_nothing_to_the_kind: rule `r` is writers, and can have no nulls: fail
predicate_is_not_valid: missing FROM-clause entry for table "old"
mostly_is_about_rows_that_are_flagged: rule `r` can not be kept mostly
mostly_is_about_rows_that_are_flagged: rule `r` can not be kept mostly
mostly_is_about_rows_that_are_flagged: rule `r` can not be kept mostly
predicate_is_not_valid: operator does not exist: numeric <= timestamp with time zone
column_does_not_exist: table orders has no column `nowhere`
predicate_is_not_valid: operator does not exist: numeric < text
nulls_say_nothing_to_the_kind: rule `r` is no_overlap, and can have no nulls: fail
"#);
}

#[test]
fn a_policy_declares_them_and_an_event_starts_from_no_scan() {
    let (_database, mut db) = orders();
    let text = r"
version: 1
tables:
  public.orders:
    rules:
      - immutable: region
      - transition: { note: { new: [open], open: [] } }
      - max_change: { amount: { relative: 0.5 } }
      - writers: { applications: [billing] }
        shadow: true
      - name: grows
        expression: amount >= old.amount
        where: old.region = 'EU'
";
    let policy = audit_core::Policy::parse(text, "audit.yml").unwrap();
    let plan = audit_schema::plan(&mut db, &policy).unwrap();
    assert_eq!(plan.counts(), (5, 0, 0), "{plan}");
    assert!(plan.locks.iter().all(|lock| lock.scans == 0), "{plan}");
    audit_schema::apply(&mut db, &policy).unwrap();
    assert!(audit_schema::plan(&mut db, &policy).unwrap().is_empty());
    run(
        &mut db,
        "insert into orders values (1, 'EU', 10, 'new'); update orders set region = 'US', amount = 4, note = 'closed'",
    );
    assert_eq!(
        show(
            &mut db,
            "select r.name, f.op, f.action from audit.finding f join audit.rule r using (rule_id) order by f.lsn, 1"
        ),
        "(writers,I,shadow)\n(immutable_region,U,flag)\n(transition_note,U,flag)\n(max_change_amount,U,flag)\n(writers,U,shadow)\n(grows,U,flag)"
    );

    let wrong = text
        .replace("old.region = 'EU'", "old.reigon = 'EU'")
        .replace("relative: 0.5", "absolute: 1")
        .replace("max_change: { amount", "max_change: { note");
    let policy = audit_core::Policy::parse(&wrong, "audit.yml").unwrap();
    let errors = audit_schema::plan(&mut db, &policy)
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(errors, @r"
audit.yml:8:29: column note is of type text, which has no differences
  |
8 |       - max_change: { note: { absolute: 1 } }
  |                             ^

audit.yml:13:16: column old.reigon does not exist
   |
13 |         where: old.reigon = 'EU'
   |                ^^^^^^^^^^^^^^^^^
   = did you mean `region`?

2 errors; nothing was applied
");
}
