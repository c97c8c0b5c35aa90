//! What the log must not know: redacted and hashed columns, in everything that is made of what was written.
#![cfg(feature = "embedded")]

mod shared;

use std::process::Command;

use audit_schema::testing::{self, Database};
use audit_schema::{embedded, tick as whole_tick};
use chrono::Utc;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use insta::assert_snapshot;
use proptest::prelude::*;
use shared::{refused, run, show, tick, wrong};

/// In every value of a redacted or hashed column; nothing else has it.
const MARK: &str = "KM7R4A";

/// A watched table whose `email` and `born` are redacted and whose `phone` is hashed.
fn people() -> (Database, PgConnection) {
    let (database, mut db) = open_people();
    run(
        &mut db,
        "select audit.redact('people', '{email,born}', '{phone}'); select audit.compile('people')",
    );
    (database, db)
}

/// The same table with nothing redacted.
fn open_people() -> (Database, PgConnection) {
    let database = testing::database();
    let mut db = database.connect();
    run(
        &mut db,
        "create table people (id bigint primary key, email text, born date, phone text, grade integer, note text);
         create index on people (phone);
         select audit.watch('people')",
    );
    (database, db)
}

/// Rules of every class and action, all about columns whose values must not be kept.
fn rules(db: &mut PgConnection) {
    run(
        db,
        r#"create table domains (email text primary key);
        select audit.declare_rule('people', 'written', 'matches', '{"column": "email", "pattern": "good"}');
        select audit.declare_rule('people', 'aside', 'expression', '{"expression": "email !~ ''aside''"}', action => 'quarantine');
        select audit.declare_rule('people', 'hidden', 'expression', '{"expression": "phone !~ ''hidden''"}', action => 'quarantine', mode => 'hide');
        select audit.declare_rule('people', 'refused', 'expression', '{"expression": "email !~ ''refused'' and phone !~ ''refused''"}', action => 'reject');
        select audit.declare_rule('people', 'raises', 'expression', '{"expression": "case when grade = 7 then email::integer > 0 else true end"}');
        select audit.declare_rule('people', 'known', 'references', '{"column": "email", "table": "public.domains", "key": "email"}');
        select audit.declare_rule('people', 'once', 'unique', '{"columns": ["phone"]}');
        select audit.declare_rule('people', 'fixed', 'immutable', '{"column": "email"}');
        select audit.declare_rule('people', 'graded', 'range', '{"column": "grade", "min": 0}', action => 'quarantine');
        select audit.declare_rule('people', 'asked', 'sql', '{"query": "select email, phone from public.people where grade >= 0", "every": "1 minute"}');
        select audit.declare_alert('bad_rows', '{"on": "rules", "when": "failing > 0", "severity": "inherit"}', '');
        select audit.compile('people')"#,
    );
}

/// Everything that the pipeline has, as `pg_dump` and a reader of its tables would see it, without what only its owner may.
fn everything_kept(database: &Database, db: &mut PgConnection) -> String {
    let dump = embedded::servers()
        .into_iter()
        .map(|server| server.bindir.join("pg_dump"))
        .find(|binary| binary.is_file())
        .map(|binary| {
            let output = Command::new(binary)
                .args(["--schema", "audit", "--schema", "audit_compiled"])
                .args(["--exclude-table-data", "audit.quarantine_secret"])
                .arg(database.url())
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8(output.stdout).unwrap()
        })
        .unwrap_or_default();
    let tables = show(
        db,
        "select format('select %L, t::text from %s t', c.relname, c.oid::regclass)
        from pg_class c
        where c.relnamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
            and c.relkind in ('r', 'v')
            and c.relname not in ('quarantine_secret', 'people_visible', 'public_people_visible')",
    );
    let mut text = dump;
    for query in tables.lines() {
        let query = query
            .trim_start_matches("(\"")
            .trim_end_matches("\")")
            .replace("\"\"", "\"");
        text.push_str(&show(db, &query));
    }
    text
}

/// The lines in which a value is that should not be there.
fn leaks(database: &Database, db: &mut PgConnection) -> Vec<String> {
    let text = everything_kept(database, db);
    assert!(text.contains("public.people"), "nothing was dumped");
    text.lines()
        .filter(|line| line.contains(MARK) || line.contains("1901-0"))
        .map(|line| line.chars().take(300).collect())
        .collect()
}

/// Refuses are evidence: what an application would hand in.
fn write(db: &mut PgConnection, statement: &str) {
    let attempt = db.batch_execute(statement);
    if let Err(diesel::result::Error::DatabaseError(_, information)) = attempt
        && let Some(evidence) = information.details()
        && evidence.starts_with('{')
    {
        run(
            db,
            &format!(
                "select audit.record_rejection('{}')",
                evidence.replace('\'', "''")
            ),
        );
    }
}

fn statement() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        4 => Just("good"), 2 => Just("bad"), 2 => Just("aside"), 2 => Just("hidden"), 1 => Just("refused")
    ];
    let grade = prop_oneof![5 => 0..5_i32, 1 => Just(7), 1 => Just(-1)];
    let id = 1..8_i32;
    let values = (kind, grade, 0..3_i32).prop_map(|(kind, grade, phone)| {
        format!("'{kind}-{MARK}-{phone}', '1901-02-03', '+{MARK}-{kind}-{phone}', {grade}")
    });
    let filter = prop_oneof![
        Just("{}".to_owned()),
        id.clone().prop_map(|id| format!(r#"{{"key": "{id}"}}"#))
    ];
    prop_oneof![
        4 => (id.clone(), values.clone()).prop_map(|(id, values)| format!("insert into people values ({id}, {values}, null)")),
        2 => values.clone().prop_map(|values| format!("insert into people select n, {values}, 'many' from generate_series(10, 1020) n on conflict do nothing")),
        2 => values.clone().prop_map(|values| format!("insert into people values (1, {values}, null) on conflict (id) do update set email = excluded.email, note = 'again'")),
        3 => (id.clone(), values.clone()).prop_map(|(id, values)| format!("update people set (email, born, phone, grade) = ({values}) where id = {id}")),
        2 => values.clone().prop_map(|values| format!("update people set (email, born, phone, grade) = ({values})")),
        1 => Just(format!("update people set email = email || '{MARK}' where id > 10")),
        2 => id.clone().prop_map(|id| format!("delete from people where id = {id}")),
        1 => Just("delete from people where id > 100".to_owned()),
        1 => Just("truncate people".to_owned()),
        2 => filter.clone().prop_map(|filter| format!(r#"select audit.edit_held('{filter}', '{{"email": "good-{MARK}", "phone": "+{MARK}", "born": "1901-01-01", "grade": 1}}', 'mended')"#)),
        2 => filter.clone().prop_map(|filter| format!("select audit.release_held('{filter}', overwrite => true)")),
        1 => filter.prop_map(|filter| format!("select audit.discard_held('{filter}', 'why not')")),
        1 => Just("select audit.tick()".to_owned()),
        1 => Just("select audit.check_batch(audit.begin_check('people', null, true), 100)".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_redacted_or_hashed_is_nowhere_but_in_its_table(statements in proptest::collection::vec(statement(), 1..12)) {
        let (database, mut db) = people();
        rules(&mut db);
        for statement in &statements {
            write(&mut db, statement);
        }
        tick(&mut db);
        whole_tick(&mut db, Utc::now()).unwrap();
        prop_assert_eq!(leaks(&database, &mut db), Vec::<String>::new());
        prop_assert_eq!(show(&mut db, "select audit.replay_differences('people')"), "(0)");
        // A rule that raises for some row can not be counted by a scan.
        prop_assert_eq!(wrong(&mut db).replace("(rule,public.people.raises,\"can not be evaluated\",0)", ""), "");
    }
}

#[test]
fn a_leak_would_be_found() {
    let (database, mut db) = open_people();
    rules(&mut db);
    run(
        &mut db,
        &format!("insert into people values (1, 'bad-{MARK}', '1901-02-03', '{MARK}', 1, null)"),
    );
    tick(&mut db);
    let found = leaks(&database, &mut db);
    assert!(found.len() > 3, "{found:?}");
}

const ADA: &str = "insert into people values (1, 'ada@x', '1815-12-10', '+44', 1, 'countess')";

#[test]
fn a_redacted_column_is_not_in_the_log_and_a_hashed_one_shows_that_it_changed() {
    let (_database, mut db) = people();
    run(&mut db, ADA);
    run(
        &mut db,
        "update people set phone = '+45'; update people set phone = '+44'; update people set phone = null",
    );
    tick(&mut db);
    assert_snapshot!(show(&mut db, r#"
        with version as (select op, new, new ->> 'phone' as phone, row_number() over (order by lsn) as n from audit.history('people', '1'))
        select n, op, new - 'phone' as new, length(phone) as digits, phone = first_value(phone) over (order by n) as as_at_first
        from version order by n"#), @r#"
    (1,I,"{""id"": 1, ""note"": ""countess"", ""grade"": 1}",64,t)
    (2,U,"{""id"": 1, ""note"": ""countess"", ""grade"": 1}",64,f)
    (3,U,"{""id"": 1, ""note"": ""countess"", ""grade"": 1}",64,t)
    (4,U,"{""id"": 1, ""note"": ""countess"", ""grade"": 1}",,)
    "#);
}

#[test]
fn a_change_of_a_redacted_column_alone_says_who_changed_the_row_and_when() {
    let (_database, mut db) = people();
    run(
        &mut db,
        "insert into people select n, 'x' || n, null, null, n, 'y' from generate_series(1, 2500) n;
         begin; select audit.set_context('ada'); update people set email = 'other'; commit",
    );
    tick(&mut db);
    assert_snapshot!(show(&mut db, "select actor, op, old, new, count(*) over () from audit.row_change where op = 'U' and key = '7'"),
        @r#"(ada,U,"{""id"": 7}","{""id"": 7}",1)"#);
    assert_eq!(
        show(
            &mut db,
            "select count(*), bool_and(at is not null) from audit.row_change where op = 'U'"
        ),
        "(2500,t)"
    );
}

#[test]
fn equal_values_of_two_tables_have_different_hashes_and_nobody_may_read_what_makes_them_so() {
    let (_database, mut db) = people();
    run(
        &mut db,
        "create table guests (id integer primary key, phone text);
         select audit.watch('guests'); select audit.redact('guests', hash => '{phone}'); select audit.compile('guests');
         insert into people (id, phone) values (1, '+44'), (2, '+44'); insert into guests values (1, '+44')",
    );
    assert_eq!(
        show(
            &mut db,
            "select count(distinct new ->> 'phone'), count(*) from audit.row_change"
        ),
        "(2,3)"
    );
    for role in ["audit_reader", "audit_operator", "audit_admin"] {
        for secret in [
            "select * from audit.hash_salt",
            "select * from audit.quarantine_secret",
            "select audit._salt(1)",
        ] {
            let said = refused(&mut db, &format!("begin; set local role {role}; {secret}"));
            assert!(said.contains("permission denied"), "{said}");
            run(&mut db, "rollback");
        }
    }
}

#[test]
fn evidence_has_a_marker_in_the_place_of_a_value() {
    let (_database, mut db) = people();
    rules(&mut db);
    run(
        &mut db,
        "insert into people values (1, 'bad', null, '+44', 7, null)",
    );
    assert_snapshot!(show(&mut db, "select r.name, f.keys, f.samples, f.error from audit.finding f join audit.rule r using (rule_id) order by 1"), @r#"
    (known,{1},"[{""email"" : ""(redacted)""}]",)
    (raises,,,"SQLSTATE 22P02; its message is not kept, because it may quote a redacted column")
    (written,{1},"[{""email"" : ""(redacted)""}]",)
    "#);
    let refusal = match diesel::connection::SimpleConnection::batch_execute(
        &mut db,
        "insert into people values (2, 'refused-one', null, '+44', 1, null)",
    ) {
        Err(diesel::result::Error::DatabaseError(_, information)) => {
            information.details().unwrap_or_default().to_owned()
        }
        other => panic!("{other:?}"),
    };
    assert!(
        refusal.contains("(redacted)") && refusal.contains("(hashed)"),
        "{refusal}"
    );
    assert!(!refusal.contains("refused-one"), "{refusal}");
}

#[test]
fn a_row_in_quarantine_is_shown_with_markers_and_released_as_it_was() {
    let (_database, mut db) = people();
    run(
        &mut db,
        r#"select audit.declare_rule('people', 'graded', 'range', '{"column": "grade", "min": 0}', action => 'quarantine');
        select audit.compile('people');
        insert into people values (1, 'ada@x', '1815-12-10', '+44', -1, 'countess'), (2, 'bob@x', null, '+45', 2, null);
        update people set email = 'bobby@x', grade = -2 where id = 2"#,
    );
    assert_snapshot!(show(&mut db, "select op, key, row, restored from audit.quarantined_row order by key"), @r#"
    (I,1,"{""id"":1,""email"":""(redacted)"",""born"":""(redacted)"",""phone"":""(hashed)"",""grade"":-1,""note"":""countess""}",)
    (U,2,"{""id"":2,""email"":""(redacted)"",""born"":""(redacted)"",""phone"":""(hashed)"",""grade"":-2,""note"":null}","{""id"":2,""email"":""(redacted)"",""born"":""(redacted)"",""phone"":""(hashed)"",""grade"":2,""note"":null}")
    "#);
    run(
        &mut db,
        r#"select audit.edit_held('{}', '{"grade": 3}'); select audit.edit_held('{"key": "1"}', '{"email": "lovelace@x"}', 'married')"#,
    );
    assert_snapshot!(show(&mut db, "select kind, reason, old, new from audit.quarantine_event order by reason nulls first, old::text"), @r#"
    (edited,,"{ ""grade"" : -1 }","{ ""grade"" : 3 }")
    (edited,,"{ ""grade"" : -2 }","{ ""grade"" : 3 }")
    (edited,married,"{ ""email"" : ""(redacted)"" }","{ ""email"" : ""(redacted)"" }")
    "#);
    assert_eq!(
        show(&mut db, "select outcome from audit.release_held('{}')"),
        "(released)
(released)"
    );
    assert_snapshot!(show(&mut db, "select * from people order by id"), @r"
    (1,lovelace@x,1815-12-10,+44,3,countess)
    (2,bobby@x,,+45,3,)
    ");
    assert_eq!(
        show(&mut db, "select count(*) from audit.quarantine_secret"),
        "(0)"
    );
}

#[test]
fn a_hidden_row_is_edited_and_released_with_its_true_values() {
    let (_database, mut db) = people();
    run(
        &mut db,
        r#"select audit.declare_rule('people', 'graded', 'range', '{"column": "grade", "min": 0}', action => 'quarantine', mode => 'hide');
        select audit.compile('people');
        insert into people values (1, 'ada@x', '1815-12-10', '+44', -1, 'countess');
        update people set email = 'countess@x';
        select audit.edit_held('{}', '{"grade": 4, "phone": "+46"}')"#,
    );
    assert_eq!(
        show(&mut db, "select outcome from audit.release_held('{}')"),
        "(released)"
    );
    assert_eq!(
        show(&mut db, "select * from people"),
        "(1,countess@x,1815-12-10,+46,4,countess)"
    );
    assert_eq!(
        show(&mut db, "select count(*) from audit.quarantine_secret"),
        "(0)"
    );
}

#[test]
fn why_a_row_is_not_released_names_the_constraint_and_no_value() {
    let (_database, mut db) = people();
    run(
        &mut db,
        r#"create unique index one_address on people (email);
        select audit.declare_rule('people', 'graded', 'range', '{"column": "grade", "min": 0}', action => 'quarantine');
        select audit.compile('people');
        insert into people values (1, 'ada@x', null, null, -1, null);
        insert into people values (2, 'ada@x', null, null, 1, null);
        select audit.edit_held('{}', '{"grade": 1}')"#,
    );
    assert_eq!(
        show(
            &mut db,
            "select outcome, reasons #>> '{0,message}' from audit.release_held('{}')"
        ),
        r#"(refused,"duplicate key value violates unique constraint ""one_address""")"#
    );
}

#[test]
fn a_table_as_it_was_is_without_what_the_log_does_not_know() {
    let (_database, mut db) = people();
    run(&mut db, ADA);
    let then = show(&mut db, "select clock_timestamp()::text");
    let then = then.trim_matches(['(', ')', '"']);
    run(
        &mut db,
        "update people set email = 'x', grade = 2, phone = '+45'",
    );
    assert_eq!(
        show(
            &mut db,
            &format!("select * from audit.as_of('people', '{then}')")
        ),
        r#"(1,"{""id"": 1, ""note"": ""countess"", ""grade"": 1}")"#
    );
    assert_eq!(
        show(
            &mut db,
            &format!("select * from audit.as_of(null::people, '{then}')")
        ),
        "(1,,,,1,countess)"
    );
    let at = then
        .parse::<chrono::DateTime<Utc>>()
        .unwrap_or_else(|_| Utc::now());
    let as_of = audit_schema::as_of(&mut db, "people", at, None).unwrap();
    assert_eq!(as_of.unknown, ["born", "email", "phone"]);
    assert_eq!(as_of.columns, ["id", "grade", "note"]);
}

#[test]
fn what_is_taken_back_leaves_redacted_columns_as_they_are_and_what_needs_them_is_refused() {
    let (_database, mut db) = people();
    run(&mut db, ADA);
    let undo = "select statement, status, reason, unknown from audit.undo(actor => session_user, since => '2000-01-01')";
    run(&mut db, "update people set grade = 2, email = 'x'");
    assert_snapshot!(show(&mut db, undo), @r#"
    ("update public.people set grade = '1' where id = '1'",ready,,"{email,born,phone}")
    ("delete from public.people where id = '1'",ready,,)
    "#);
    run(&mut db, "update people set phone = '+45'");
    assert_snapshot!(show(&mut db, &format!("{undo} limit 1")), @r#"(,refused,"it changed phone, of which the log has only a hash","{email,born,phone}")"#);
    run(&mut db, "delete from people");
    assert_snapshot!(show(&mut db, &format!("{undo} limit 1")), @r#"("insert into public.people (id, grade, note) values ('1', '2', 'countess')",refused,"the log does not know email, born, phone of the row that was deleted",)"#);
}

#[test]
fn a_key_can_be_hashed_and_not_redacted() {
    let (_database, mut db) = shared::watched(
        "accounts",
        "create table accounts (email text primary key, plan text)",
    );
    assert_snapshot!(refused(&mut db, "select audit.redact('accounts', '{email}')"),
        @"key_can_not_be_redacted: column `email` is part of the primary key of public.accounts: without it rows could not be told apart");
    run(
        &mut db,
        r#"select audit.redact('accounts', hash => '{email}');
        select audit.declare_rule('accounts', 'known', 'one_of', '{"column": "plan", "values": ["free", "paid"]}');
        select audit.compile('accounts');
        insert into accounts select 'a' || n, 'free' from generate_series(1, 1500) n;
        insert into accounts values ('ada@x', 'odd');
        update accounts set plan = 'paid' where email = 'ada@x';
        update accounts set email = 'lovelace@x' where email = 'ada@x'"#,
    );
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select op, old_key = new_key, length(new_key), new ->> 'plan' from audit.history('accounts', 'lovelace@x')"
        ),
        "(I,t,64,odd)\n(U,t,64,paid)\n(U,f,64,paid)"
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.finding f cross join audit.history('accounts', f.keys[1])"
        ),
        "(3)"
    );
    assert_snapshot!(refused(&mut db, "select audit.as_of('accounts', now())"), @"keys_are_hashed: the log of public.accounts knows its rows by hashes of their keys");
    assert_snapshot!(show(&mut db, "select status, reason from audit.undo(actor => session_user, since => '2000-01-01') limit 1"),
        @r#"(refused,"the log knows the rows by hashes of their keys only")"#);
    assert_eq!(
        show(&mut db, "select audit.replay_differences('accounts')"),
        "(0)"
    );
    assert_eq!(wrong(&mut db), "");
    // How far a check came is kept, too.
    run(
        &mut db,
        "select audit.check_batch(audit.begin_check('accounts', null, true), 100)",
    );
    assert_eq!(
        show(
            &mut db,
            "select plan ->> 'by_key', position ->> 'block' is not null from audit.check_run"
        ),
        "(false,t)"
    );
    // Whoever may not read the table can not try keys.
    let key = show(
        &mut db,
        "select new_key from audit.history('accounts', 'lovelace@x') limit 1",
    );
    let key = key.trim_matches(['(', ')']).to_owned();
    run(
        &mut db,
        "begin; set local session authorization audit_reader",
    );
    for (tried, versions) in [("lovelace@x", "(0)"), (key.as_str(), "(3)")] {
        let found = show(
            &mut db,
            &format!("select count(*) from audit.history('accounts', '{tried}')"),
        );
        assert_eq!(found, versions);
    }
    run(&mut db, "rollback");
}

#[test]
fn a_column_stays_redacted_under_a_new_name() {
    let (_database, mut db) = people();
    run(
        &mut db,
        "alter table people rename email to address; alter table people rename phone to mobile",
    );
    run(&mut db, ADA);
    assert_eq!(
        show(
            &mut db,
            "select w.redact, w.hash from audit.watched_table w"
        ),
        "(\"{address,born}\",{mobile})"
    );
    assert_eq!(
        show(
            &mut db,
            "select string_agg(k, ',' order by k) from audit.row_change r, jsonb_object_keys(r.new) k"
        ),
        "(\"grade,id,mobile,note\")"
    );
}

#[test]
fn a_redacted_column_that_becomes_part_of_the_key_is_hashed() {
    let (_database, mut db) = people();
    run(
        &mut db,
        "alter table people drop constraint people_pkey; alter table people add primary key (id, email)",
    );
    run(&mut db, ADA);
    assert_eq!(
        show(
            &mut db,
            "select key ~ '^\\[1, \"[0-9a-f]{64}\"\\]$', new ->> 'email' ~ '^[0-9a-f]{64}$' from audit.row_change"
        ),
        "(t,t)"
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*) from audit.history('people', '[1, \"ada@x\"]')"
        ),
        "(1)"
    );
    assert!(show(&mut db, "select remark from audit.doctor()").contains("key_redacted"));
}

#[test]
fn summaries_and_time_driven_rules_can_not_read_what_must_not_be_kept() {
    let (_database, mut db) = people();
    let by = |column: &str| {
        format!(
            r#"select audit.declare_summary('people', 'by_it', '{{"group_by": [{{"name": "it", "expression": "{column}"}}], "measures": [{{"name": "n", "function": "count"}}]}}')"#
        )
    };
    for column in ["email", "phone", "left(phone, 2)"] {
        assert!(refused(&mut db, &by(column)).starts_with("column_is_not_logged"));
    }
    run(&mut db, &by("note"));
    run(&mut db, "select audit.compile('people')");
    run(
        &mut db,
        "select audit.redact('people', '{email,born,note}')",
    );
    assert_snapshot!(refused(&mut db, "select audit.compile('people')"), @"column_is_redacted: the summary `by_it` reads the column `note`, whose values must not be kept");
    run(
        &mut db,
        r#"select audit.redact('people', '{email,born}');
        select audit.declare_rule('people', 'young', 'fresh', '{"column": "born", "within": "1 day"}')"#,
    );
    assert_snapshot!(refused(&mut db, "select audit.compile('people')"), @"column_is_redacted: the rule `young` reads the column `born`, whose values must not be kept");
}

#[test]
fn who_redacts_and_who_does_not_any_more_is_recorded_and_old_values_are_pointed_out() {
    let (_database, mut db) = open_people();
    run(&mut db, ADA);
    tick(&mut db);
    run(
        &mut db,
        "select audit.redact('people', '{email,born}', '{phone}'); select audit.compile('people')",
    );
    assert_snapshot!(show(&mut db, "select severity, object, regexp_replace(what, 'before .* has', 'before … has') as what, todo from audit.doctor() where remark = 'old_values_logged'"),
        @r#"(normal,public.people,"what was logged before … has the values of email, born, phone","it is kept for ever: declare how long in the policy, as in retain: { changes: 90d, findings: 90d }")"#);
    run(
        &mut db,
        "select audit.redact('people', '{email}', '{born}'); select audit.compile('people')",
    );
    assert_snapshot!(show(&mut db, "select change, object, was, became from audit.schema_drift order by at, object"), @r#"
    ("column redacted",born,,redacted)
    ("column redacted",email,,redacted)
    ("column hashed",phone,,hashed)
    ("column hashed",born,redacted,hashed)
    ("column logged again",phone,hashed,)
    "#);
    run(&mut db, "update people set grade = 9");
    assert_eq!(
        show(
            &mut db,
            "select new ->> 'phone', new ? 'email' from audit.row_change where op = 'U'"
        ),
        "(+44,f)"
    );
}

#[test]
fn nothing_is_suggested_that_quotes_a_value() {
    let (_database, mut db) = people();
    run(
        &mut db,
        "insert into people select n, 'ada@x', '1815-12-10', '+44', n % 3, 'countess' from generate_series(1, 300) n; analyze people",
    );
    let classes = "select c ->> 'name', c ->> 'class' from jsonb_array_elements(audit._suggest_table('people', 1000) -> 'columns') c";
    assert_eq!(
        show(&mut db, classes),
        "(id,integer)\n(email,other)\n(born,other)\n(phone,other)\n(grade,integer)\n(note,text)"
    );
}

#[test]
fn a_column_that_is_computed_from_a_redacted_one_is_pointed_out() {
    let (_database, mut db) = people();
    let remarks = "select what from audit.doctor() where remark = 'computed_from_hidden'";
    assert_eq!(show(&mut db, remarks), "");
    run(
        &mut db,
        "alter table people add column handle text generated always as (left(email, 3) || grade) stored",
    );
    assert_eq!(
        show(&mut db, remarks),
        "(\"handle is computed from email, and its values are logged\")"
    );
    run(
        &mut db,
        "select audit.redact('people', '{email,born,handle}', '{phone}'); select audit.compile('people')",
    );
    assert_eq!(show(&mut db, remarks), "");
}

#[test]
fn doctor_says_who_could_read_secrets() {
    let (_database, mut db) = people();
    run(&mut db, "grant select on audit.hash_salt to audit_reader");
    assert_snapshot!(show(&mut db, "select severity, object, what, todo from audit.doctor() where remark = 'secret_readable'"),
        @r#"(critical,audit.hash_salt,"audit_reader may select it, and so find out what is redacted or hashed","revoke all on audit.hash_salt from audit_reader")"#);
}
