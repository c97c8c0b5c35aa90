//! Rules on rows that exist: every row is read once, in short transactions, and a check that was cut off goes on.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::{Policy, Severity};
use audit_schema::check::{self, Checked, How, Options, check, check_policy};
use audit_schema::testing::Database;
use diesel::PgConnection;
use shared::{orders, rule, run, show, watched};

/// Batches of so many rows.
fn of(batch_rows: u32) -> Options {
    Options {
        batch_rows: Some(batch_rows),
        ..Options::default()
    }
}

fn checked(db: &mut PgConnection, options: &Options) -> Checked {
    check(db, "orders", options, &mut |_| ()).unwrap().unwrap()
}

/// What was found: the rules with their failing rows, errors and first keys.
fn found(checked: &Checked) -> String {
    let lines = checked.rules.iter().map(|rule| {
        let keys: Vec<&str> = rule.keys.iter().take(3).map(String::as_str).collect();
        let mut line = format!("{} {} [{}]", rule.name, rule.failing, keys.join(" "));
        if rule.errors > 0 {
            line += &format!(
                " {} errors [{}] {}",
                rule.errors,
                rule.error_keys.join(" "),
                rule.error.as_deref().unwrap_or_default()
            );
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Rows 1 to `rows`, every tenth without a region, with amounts from 1 down to 1 - rows.
fn filled(rows: i32) -> (Database, PgConnection) {
    let (database, mut db) = orders();
    run(
        &mut db,
        &format!(
            "insert into orders
             select id, case when id % 10 <> 0 then 'r' || id % 3 end, 2 - id, 'n' || id % 7
             from generate_series(1, {rows}) id"
        ),
    );
    (database, db)
}

#[test]
fn every_kind_of_rule_finds_the_rows_that_a_scan_finds() {
    let (_database, mut db) = filled(1_000);
    run(&mut db, "create table regions (code text primary key)");
    run(&mut db, "insert into regions values ('r0'), ('r1')");
    for arguments in [
        r#"'present', 'not_null', '{"column": "region"}'"#,
        r#"'low', 'range', '{"column": "amount", "min": -900}'"#,
        r#"'known', 'references', '{"column": "region", "table": "public.regions", "key": "code"}', nulls => 'fail'"#,
        r#"'known_of_n1', 'references', '{"column": "region", "table": "public.regions", "key": "code"}', 'note = ''n1'''"#,
        r#"'single', 'unique', '{"columns": ["amount"]}'"#,
        r#"'single_note', 'unique', '{"columns": ["region", "note"]}'"#,
        r#"'key', 'unique', '{"columns": ["id", "region"]}'"#,
        r#"'sane', 'expression', '{"expression": "amount > -995"}', 'region is not null'"#,
    ] {
        rule(&mut db, arguments);
    }
    for batch in [1_000_000, 1_000, 7, 1] {
        let checked = checked(&mut db, &of(batch));
        assert_eq!(checked.rows, 1_000);
        for rule in &checked.rules {
            assert_eq!(
                show(
                    &mut db,
                    &format!(
                        "select audit._scan_rule(rule_id) from audit.rule where name = '{}'",
                        rule.name
                    )
                ),
                format!("({})", rule.failing),
                "{} in batches of {batch}",
                rule.name
            );
        }
    }
}

#[test]
fn a_rule_says_which_rows_fail_it_with_samples_and_how_it_was_checked() {
    let (_database, mut db) = filled(100);
    run(&mut db, "create index on orders (note)");
    rule(
        &mut db,
        r#"'present', 'not_null', '{"column": "region"}', severity => 'critical'"#,
    );
    rule(
        &mut db,
        r#"'single_note', 'unique', '{"columns": ["note"]}'"#,
    );
    rule(
        &mut db,
        r#"'single_region', 'unique', '{"columns": ["region"]}'"#,
    );
    rule(
        &mut db,
        r#"'single', 'unique', '{"columns": ["id"]}', severity => 'low'"#,
    );
    let checked = checked(&mut db, &of(30));
    insta::assert_snapshot!(found(&checked), @r"
    present 10 [10 20 30]
    single_note 93 [8 9 10]
    single_region 87 [1 2 3]
    single 0 []
    ");
    let how: Vec<How> = checked.rules.iter().map(|rule| rule.how).collect();
    assert_eq!(how, [How::Row, How::Row, How::Whole, How::Proven]);
    assert_eq!(checked.rules[0].samples.len(), 3);
    assert_eq!(
        checked.rules[1].samples[0],
        serde_json::json!({"note": "n1"})
    );
    assert_eq!(checked.worst(), Some(Severity::Critical));
    // Three full batches and one of ten rows, and the statement over the whole table.
    assert_eq!(checked.batches, 5);
}

#[test]
fn what_fails_is_recorded_as_the_result_of_the_check_and_not_as_a_finding() {
    let (_database, mut db) = filled(50);
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    checked(&mut db, &of(20));
    assert_eq!(show(&mut db, "select count(*) from audit.finding"), "(0)");
    insta::assert_snapshot!(
        show(&mut db, "select table_name, name, how, rows, failing, errors, keys, samples -> 0, ended_at is not null from audit.check_result"),
        @r#"(public.orders,present,row,50,5,0,"{10,20,30,40,50}","{""region"": null}",t)"#
    );
    let last = check::last_checks(&mut db).unwrap();
    assert_eq!(
        (last[0].rows, last[0].expected, last[0].failing_rules),
        (50, 50, 1)
    );
}

#[test]
fn a_check_that_was_cut_off_goes_on_where_it_stopped() {
    let (database, mut db) = filled(100);
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    run(
        &mut db,
        "select audit.begin_check('orders'), audit.check_batch(1, 35)",
    );
    // Nothing is kept of a batch that was not committed.
    run(&mut db, "begin; select audit.check_batch(1, 35); rollback");
    assert_eq!(
        show(&mut db, "select position, rows from audit.check_run"),
        r#"("[""35""]",35)"#
    );
    let rest = checked(&mut database.connect(), &of(10));
    assert_eq!((rest.rows, rest.resumed_at), (100, 35));
    assert_eq!(found(&rest), "present 10 [10 20 30]");
    assert_eq!(show(&mut db, "select count(*) from audit.check_run"), "(1)");
    // The next one is a check of its own.
    assert_eq!(checked(&mut db, &of(10)).resumed_at, 0);
}

#[test]
fn a_check_begins_anew_when_told_to_and_when_its_rules_have_changed() {
    let (_database, mut db) = filled(100);
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    run(
        &mut db,
        "select audit.begin_check('orders'), audit.check_batch(1, 35)",
    );
    let restarted = Options {
        restart: true,
        ..of(10)
    };
    assert_eq!(checked(&mut db, &restarted).resumed_at, 0);
    run(
        &mut db,
        "select audit.begin_check('orders'), audit.check_batch(3, 35)",
    );
    rule(&mut db, r#"'present', 'not_null', '{"column": "note"}'"#);
    let again = checked(&mut db, &of(10));
    assert_eq!(
        (again.resumed_at, found(&again).as_str()),
        (0, "present 0 []")
    );
    insta::assert_snapshot!(shared::refused(&mut db, "select audit.check_batch(3, 1)"), @"check_was_given_up: the check with the number 3 is gone");
}

#[test]
fn two_at_once_share_the_work_and_read_every_row_once() {
    let (database, mut db) = filled(2_000);
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    let rows: Vec<i64> = std::thread::scope(|scope| {
        let both: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| checked(&mut database.connect(), &of(10)).rows))
            .collect();
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    // Whoever comes when the other has finished begins a check of its own.
    assert_eq!(rows, [2_000, 2_000]);
    assert_eq!(
        show(
            &mut db,
            "select distinct rows, results -> 0 ->> 'failing', ended_at is not null from audit.check_run"
        ),
        "(2000,200,t)"
    );
}

#[test]
fn rows_written_and_deleted_while_it_runs_do_not_break_it() {
    let (database, mut db) = filled(300);
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    let mut writer = database.connect();
    let mut batch = 0;
    let result = check(&mut db, "orders", &of(10), &mut |progress| {
        batch += 1;
        // Rows before and behind it, rows that it would end at, and always new ones after the last.
        run(
            &mut writer,
            &format!(
                "insert into orders values ({0}, null), (1000 + {0}, null);
                 delete from orders where id in ({1}, {1} - 50, 300 - {2}, 310 - {2});
                 update orders set amount = 5 where id = {1} + 100",
                -batch,
                progress.rows + 1,
                batch
            ),
        );
    });
    let checked = result.unwrap().unwrap();
    assert!(
        checked.rows > 200 && checked.rows <= 300,
        "{}",
        checked.rows
    );
    assert!(
        checked.rules[0]
            .keys
            .iter()
            .all(|key| key.parse::<i32>().unwrap() <= 300)
    );
}

#[test]
fn a_rule_that_raises_for_some_rows_is_checked_on_all_others() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'share', 'expression', '{"expression": "100 / amount < 50"}'"#,
    );
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    run(
        &mut db,
        "insert into orders select id, 'r', case when id in (3, 8, 40) then 0 else id end from generate_series(1, 100) id",
    );
    for batch in [1_000, 8, 1] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(found(&checked(&mut db, &of(batch))), @r"
            present 0 []
            share 2 [1 2] 3 errors [3 8 40] division by zero
            ");
        }
    }
}

#[test]
fn a_rule_that_raises_for_every_row_is_given_up_and_the_others_go_on() {
    let (_database, mut db) = filled(300);
    rule(
        &mut db,
        r#"'broken', 'expression', '{"expression": "1 / (id * 0) = 1"}'"#,
    );
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    let checked = checked(&mut db, &of(64));
    let broken = &checked.rules[0];
    assert_eq!(
        (broken.name.as_str(), broken.errors, broken.given_up),
        ("broken", 100, true)
    );
    assert_eq!((checked.rows, checked.rules[1].failing), (300, 30));
}

#[test]
fn keys_of_every_shape_are_read_in_their_order() {
    let keys = [
        ("a bigint, b text, primary key (b, a)", "i, 'k' || i % 7"),
        (r#""we ird""; --" int primary key, b text"#, "i, ''"),
        ("a numeric(6,2) primary key, b int", "i / 7.0 * 7, 1"),
        (
            "a double precision primary key, b int",
            "case i when 50 then 'NaN' when 51 then 'infinity' else i / 7.0 end, 1",
        ),
        (
            "a timestamptz primary key, b int",
            "timestamptz '2013-01-01' + i * interval '0.000001 s', 1",
        ),
        ("a interval primary key, b int", "i * interval '1 h', 1"),
        (
            "a bytea primary key, b int",
            "decode(lpad(to_hex(i), 4, '0'), 'hex'), 1",
        ),
        ("a char(5) primary key, b int", "'x' || i, 1"),
        (
            r#"a text collate "C" primary key, b int"#,
            "e'it''s \\\\ {\"' || i, 1",
        ),
        ("a int[] primary key, b int", "array[i % 3, i], 1"),
        ("a uuid primary key, b int", "md5(i::text)::uuid, 1"),
        (
            "a boolean, b pos, c mood, primary key (a, c, b)",
            "i % 2 = 0, i, (array['sad', 'ok'])[1 + i % 2]::mood",
        ),
    ];
    for (columns, values) in keys {
        let (_database, mut db) = watched(
            "orders",
            &format!(
                "create domain pos as int check (value > 0); create type mood as enum ('sad', 'ok');
                 create table orders ({columns}, r int);
                 insert into orders select {values}, i from generate_series(1, 100) i"
            ),
        );
        rule(&mut db, r#"'r', 'range', '{"column": "r", "min": 21}'"#);
        let checked = checked(&mut db, &of(9));
        assert_eq!(
            (
                checked.rows,
                checked.batches,
                checked.rules[0].failing,
                checked.by_key
            ),
            (100, 12, 20, true),
            "{columns}"
        );
        assert_eq!(checked.rules[0].keys.len(), 20, "{columns}");
    }
}

#[test]
fn a_table_without_a_primary_key_is_read_by_blocks() {
    let (_database, mut db) = watched("orders", "create table orders (id int, region text)");
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    rule(&mut db, r#"'single', 'unique', '{"columns": ["id"]}'"#);
    rule(
        &mut db,
        r#"'share', 'expression', '{"expression": "1 / (id - 7) < 2"}'"#,
    );
    run(&mut db, "create index on orders (id)");
    run(
        &mut db,
        "insert into orders select id % 1990, case when id % 10 <> 0 then repeat('x', 40) end from generate_series(1, 2000) id",
    );
    let checked = checked(&mut db, &of(1));
    assert!(!checked.by_key);
    assert_eq!(checked.rows, 2_000);
    insta::assert_snapshot!(found(&checked), @r"
    present 200 [(0,10) (0,20) (0,30)]
    share 0 [] 2 errors [(0,7) (17,74)] division by zero
    single 10 [(17,68) (17,69) (17,70)]
    ");
    assert!(checked.batches > 10, "{}", checked.batches);
}

#[test]
fn partitions_are_read_with_and_without_a_primary_key_and_may_go_while_it_runs() {
    for key in ["primary key (id)", "check (id > 0)"] {
        let (database, mut db) = watched(
            "orders",
            &format!(
                "create table orders (id int, region text, {key}) partition by range (id);
                 create table orders_1 partition of orders for values from (1) to (500);
                 create table orders_2 partition of orders for values from (500) to (1000) partition by range (id);
                 create table orders_2_1 partition of orders_2 for values from (500) to (600);
                 create table orders_2_2 partition of orders_2 for values from (600) to (1000);
                 create table orders_3 partition of orders for values from (1000) to (2000)"
            ),
        );
        rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
        rule(&mut db, r#"'single', 'unique', '{"columns": ["region"]}'"#);
        run(&mut db, "create index on orders (region)");
        run(
            &mut db,
            "insert into orders select id, case when id % 10 <> 0 then 'r' || id / 2 end from generate_series(1, 1999) id",
        );
        let whole = checked(&mut db, &of(50));
        assert_eq!((whole.rows, whole.rules[0].failing), (1_999, 199), "{key}");
        assert_eq!(
            show(&mut db, "select audit._scan_rule(2)"),
            format!("({})", whole.rules[1].failing),
            "{key}"
        );

        let mut other = database.connect();
        let mut dropped = false;
        let rest = check(&mut db, "orders", &of(50), &mut |progress| {
            if progress.rows > 0 && !dropped {
                run(&mut other, "drop table orders_2_2");
                dropped = true;
            }
        });
        assert_eq!(rest.unwrap().unwrap().rows, 1_599, "{key}");
    }
}

#[test]
fn tables_that_inherit_are_read_with_their_parent() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id int primary key, region text)",
    );
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    run(
        &mut db,
        "create table old_orders () inherits (orders);
         insert into orders select id from generate_series(1, 30) id;
         insert into old_orders select id from generate_series(1, 30) id",
    );
    assert_eq!(checked(&mut db, &of(10)).rules[0].failing, 60);
}

#[test]
fn an_empty_table_and_one_without_rules_are_no_error() {
    let (_database, mut db) = orders();
    assert_eq!(
        check(&mut db, "orders", &of(10), &mut |_| ()).unwrap(),
        None
    );
    assert_eq!(
        check::tables_with_rules(&mut db, &[]).unwrap(),
        Vec::<String>::new()
    );
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    assert_eq!(checked(&mut db, &of(10)).rows, 0);
    assert_eq!(check::tables_with_rules(&mut db, &[]).unwrap(), ["orders"]);
}

#[test]
fn what_can_not_be_checked_is_refused_with_its_name() {
    let (_database, mut db) = orders();
    run(&mut db, "create table other (id int)");
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    let mut fact = |table: &str, rule: &str| {
        let options = Options {
            rules: vec![rule.to_owned()],
            ..Options::default()
        };
        let error = check(&mut db, table, &options, &mut |_| ()).unwrap_err();
        error.fact().unwrap_or("-").to_owned()
    };
    assert_eq!(fact("other", "present"), "table_is_not_watched");
    assert_eq!(fact("orders", "prescent"), "rule_does_not_exist");
}

#[test]
fn an_operator_may_check_and_a_reader_may_look() {
    let (_database, mut db) = filled(20);
    rule(&mut db, r#"'present', 'not_null', '{"column": "region"}'"#);
    run(&mut db, "set role audit_operator");
    assert_eq!(checked(&mut db, &of(10)).rules[0].failing, 2);
    run(&mut db, "set role audit_reader");
    assert_eq!(
        show(&mut db, "select failing from audit.check_result"),
        "(2)"
    );
    assert!(check(&mut db, "orders", &of(10), &mut |_| ()).is_err());
}

#[test]
fn a_policy_is_checked_before_it_is_applied_and_leaves_nothing_behind() {
    let (_database, mut db) = filled(100);
    rule(&mut db, r#"'in_force', 'not_null', '{"column": "note"}'"#);
    run(
        &mut db,
        "create table regions (code text primary key); insert into regions values ('R1'), ('r2')",
    );
    let policy = Policy::parse(
        "
version: 1
tables:
  public.orders:
    rules:
      - not_null: region
        severity: important
      - unique: [note]
  public.regions:
    rules:
      - matches: { code: '^[a-z]' }
        action: reject
",
        "audit.yml",
    )
    .unwrap();
    let before = show(&mut db, "select * from audit.rule");
    let all = check_policy(&mut db, &policy, &[], &of(30), &mut |_| ()).unwrap();
    let shown: Vec<String> = all
        .iter()
        .map(|one| format!("{}: {} rows\n{}", one.table, one.rows, found(one)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    public.orders: 100 rows
    not_null_region 10 [10 20 30]
    unique_note 93 [1 2 3]
    public.regions: 2 rows
    matches_code 1 [R1]
    ");
    assert_eq!(show(&mut db, "select * from audit.rule"), before);
    assert_eq!(show(&mut db, "select count(*) from audit.check_run"), "(0)");
    let one = check_policy(
        &mut db,
        &policy,
        &["regions".to_owned()],
        &of(30),
        &mut |_| (),
    )
    .unwrap();
    assert_eq!(one.len(), 1);
}

#[test]
fn rules_about_changes_are_left_out_and_what_is_kept_mostly_or_on_trial_is_not_held_against_the_table()
 {
    let (_database, mut db) = filled(100);
    for arguments in [
        r#"'fixed', 'immutable', '{"column": "note"}'"#,
        r#"'who', 'writers', '{"roles": ["feed"]}'"#,
        r#"'most', 'not_null', '{"column": "region"}', mostly => 0.9, severity => 'critical'"#,
        r#"'more', 'not_null', '{"column": "region"}', mostly => 0.95, severity => 'low'"#,
        r#"'trial', 'not_null', '{"column": "region"}', shadow => true, severity => 'critical'"#,
        r#"'apart', 'no_overlap', '{"columns": ["note"], "from": "amount", "to": "id"}', severity => 'normal'"#,
    ] {
        rule(&mut db, arguments);
    }
    let checked = checked(&mut db, &of(30));
    let overlapping = show(
        &mut db,
        "select audit._scan_rule(rule_id) from audit.rule where name = 'apart'",
    );
    let apart = checked
        .rules
        .iter()
        .find(|rule| rule.name == "apart")
        .unwrap();
    assert_eq!(format!("({})", apart.failing), overlapping);
    assert!(apart.failing > 0 && apart.keys.len() == apart.failing as usize);
    let kept: Vec<_> = checked
        .rules
        .iter()
        .map(|rule| (rule.name.as_str(), checked.keeps(rule)))
        .collect();
    assert_eq!(
        kept,
        [
            ("most", true),
            ("trial", false),
            ("apart", false),
            ("more", false)
        ]
    );
    assert_eq!(checked.worst(), Some(Severity::Normal));
}
