//! Writes that are refused: what the error says, and where its evidence is kept.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::embedded::{Cluster, Options};
use audit_schema::rejection::{Rejection, record_rejection};
use audit_schema::{Error, finding, testing};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorInformation, Error as DieselError};
use shared::{orders, rule, run, show, watched};

const POSITIVE: &str = r#"'positive', 'range', '{"column": "amount", "min": 0}', action => 'reject', severity => 'critical', owner => 'shop@example.com', why => 'Amounts are never negative.'"#;
const PLACED: &str = r#"'placed', 'not_null', '{"column": "region"}', action => 'reject'"#;

/// Statements that must fail: the error.
#[track_caller]
fn error(db: &mut PgConnection, statements: &str) -> DieselError {
    match db.batch_execute(statements) {
        Ok(()) => panic!("should fail: {statements}"),
        Err(error) => error,
    }
}

#[track_caller]
fn information(error: DieselError) -> Box<dyn DatabaseErrorInformation + Send + Sync> {
    match error {
        DieselError::DatabaseError(_, information) => information,
        other => panic!("{other}"),
    }
}

#[track_caller]
fn rejection(db: &mut PgConnection, statements: &str) -> Rejection {
    let error = error(db, statements);
    Rejection::from_error(&error).unwrap_or_else(|| panic!("no rejection: {error}"))
}

/// What a program in PL/pgSQL sees of the error, without its values that differ each time.
const FIELDS: &str = "
    create function fields(statement text) returns text language plpgsql as $$
    declare
        state text; named text; of_schema text; of_table text; of_column text; said text; advice text;
    begin
        execute statement;
        return 'nothing was refused';
    exception when others then
        get stacked diagnostics state = returned_sqlstate, named = constraint_name, of_schema = schema_name,
            of_table = table_name, of_column = column_name, said = message_text, advice = pg_exception_hint;
        return concat_ws(E'\\n', state, named, of_schema, of_table, of_column, said, advice);
    end $$";

#[test]
fn a_refusal_has_a_field_for_everything() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(&mut db, FIELDS);
    insta::assert_snapshot!(show(&mut db, "select fields('insert into orders values (1, ''EU'', -5, null), (2, ''EU'', 5, null)')"), @r#"
    ("AU001
    positive
    public
    orders
    amount
    public.orders refuses the insert: rule `positive` fails for 1 of 2 rows
    Amounts are never negative. Nothing of the statement was written. Correct the rows, or ask the owner of the rule.")
    "#);
    let said = information(error(
        &mut db,
        "insert into orders values (1, 'EU', -5, null)",
    ));
    assert_eq!(
        (
            said.constraint_name(),
            said.table_name(),
            said.column_name()
        ),
        (Some("positive"), Some("orders"), Some("amount"))
    );
    assert!(
        said.hint()
            .is_some_and(|hint| hint.contains("never negative"))
    );
    assert_eq!(show(&mut db, "select count(*) from orders"), "(0)");
}

#[test]
fn all_rules_that_refuse_are_named_with_their_rows_keys_and_samples() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    rule(&mut db, PLACED);
    rule(&mut db, r#"'noted', 'not_null', '{"column": "note"}'"#);
    let refused = rejection(
        &mut db,
        "begin; select audit.set_context(actor => 'Ada', request_id => 'r-1'); set local application_name = 'billing';
        insert into orders values (1, 'EU', -1, null), (2, null, -2, null), (3, 'EU', 3, null)",
    );
    run(&mut db, "rollback");
    let shown: Vec<_> = refused
        .rejected
        .iter()
        .map(|rule| {
            format!(
                "{} {} {} {}",
                rule.rule,
                rule.rows,
                rule.keys.join(","),
                serde_json::to_string(&rule.samples).unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    positive 2 1,2 [{"amount":-1},{"amount":-2}]
    placed 1 2 [{"region":null}]
    "#);
    assert_eq!(
        refused.rejected[0].owner.as_deref(),
        Some("shop@example.com")
    );
    assert_eq!(
        (refused.table.as_str(), refused.op.as_str(), refused.rows),
        ("public.orders", "insert", 3)
    );
    assert_eq!(
        (
            refused.actor.as_deref(),
            refused.request_id.as_deref(),
            refused.application.as_deref(),
            refused.session_role.as_str()
        ),
        (Some("Ada"), Some("r-1"), Some("billing"), "postgres")
    );
}

#[test]
fn an_update_that_is_refused_leaves_the_rows_as_they_were() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, null), (2, 'EU', 2, null)",
    );
    rule(&mut db, POSITIVE);
    let refused = rejection(&mut db, "update orders set amount = amount - 2");
    assert_eq!(
        (refused.op.as_str(), &refused.rejected[0].keys[..]),
        ("update", &["1".to_owned()][..])
    );
    assert_eq!(
        show(
            &mut db,
            "select sum(amount), (select count(*) from audit.finding) from orders"
        ),
        "(3,0)"
    );
}

#[test]
fn a_table_without_a_key_refuses_without_keys() {
    let (_database, mut db) = watched(
        "events",
        r#"create table "events" (what text, "Big Column" text)"#,
    );
    run(
        &mut db,
        r#"select audit.declare_rule('events', 'a "b" ''c'' % {x}', 'not_null', '{"column": "Big Column"}', action => 'reject'); select audit.compile('events')"#,
    );
    let refused = rejection(&mut db, "insert into events values ('x'), ('y')");
    assert_eq!(refused.rejected[0].rule, r#"a "b" 'c' % {x}"#);
    assert_eq!(refused.rejected[0].keys, Vec::<String>::new());
    assert_eq!(refused.rejected[0].rows, 2);
}

#[test]
fn a_huge_value_is_not_in_the_error() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'short', 'length', '{"column": "note", "max": 10}', action => 'reject'"#,
    );
    let refused = rejection(
        &mut db,
        "insert into orders values (1, 'EU', 1, repeat('x', 10000000))",
    );
    assert_eq!(
        (refused.rejected[0].rows, refused.rejected[0].samples.len()),
        (1, 0)
    );
}

#[test]
fn a_rule_that_blocks_is_named_among_those_that_refuse() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    rule(
        &mut db,
        r#"'divides', 'expression', '{"expression": "100 / amount > 1"}', on_error => 'block'"#,
    );
    let refused = rejection(
        &mut db,
        "insert into orders values (1, 'EU', 0, null), (2, 'EU', -1, null)",
    );
    let shown: Vec<_> = refused
        .rejected
        .iter()
        .map(|rule| (rule.rule.as_str(), rule.rows, rule.error.as_deref()))
        .collect();
    assert_eq!(
        shown,
        [
            ("positive", 1, None),
            ("divides", 0, Some("division by zero"))
        ]
    );
}

#[test]
fn another_error_is_no_rejection() {
    let (_database, mut db) = orders();
    run(&mut db, "insert into orders values (1, 'EU', 1, null)");
    for statement in [
        "insert into orders values (1, 'EU', 1, null)",
        "select 1 / 0",
        "do $$ begin raise exception using errcode = 'AU001', message = 'x', detail = '{\"rejected\": []}'; end $$",
    ] {
        assert_eq!(
            Rejection::from_error(&error(&mut db, statement)),
            None,
            "{statement}"
        );
    }
}

#[test]
fn an_application_hands_its_evidence_in_and_twice_is_once() {
    let (database, mut db) = orders();
    rule(&mut db, POSITIVE);
    rule(&mut db, PLACED);
    run(
        &mut db,
        "do $$ begin create role shop_app login; exception when duplicate_object then null; end $$;
        grant insert on orders to shop_app",
    );
    let mut app = audit_schema::connect(&database.url().replace("postgres@", "shop_app@")).unwrap();
    let refused = rejection(
        &mut app,
        "insert into orders values (1, null, -1, null), (2, 'EU', -1, null)",
    );
    let denied = record_rejection(&mut app, &refused);
    assert!(
        matches!(&denied, Err(Error::Database(error)) if error.to_string().contains("permission denied")),
        "{denied:?}"
    );
    run(
        &mut db,
        "grant execute on function audit.record_rejection(json) to shop_app",
    );
    assert!(record_rejection(&mut app, &refused).unwrap());
    assert!(!record_rejection(&mut app, &refused).unwrap());
    assert_eq!(
        show(
            &mut db,
            "select table_name, rule, severity, op, written, rows, keys from audit.rejected_rule order by place"
        ),
        "(public.orders,positive,critical,insert,2,2,\"{1,2}\")\n(public.orders,placed,normal,insert,2,1,{1})"
    );
    assert_eq!(
        show(
            &mut db,
            "select r.name, a.findings, a.failed, a.rejected from audit.rule_activity a join audit.rule r using (rule_id) order by 1"
        ),
        "(placed,0,0,1)\n(positive,0,0,2)"
    );
    // The second makes another one.
    let again = rejection(&mut app, "insert into orders values (1, 'EU', -1, null)");
    record_rejection(&mut app, &again).unwrap();
    let filter = finding::Filter {
        rule: Some("positive".to_owned()),
        limit: 10,
        ..finding::Filter::default()
    };
    let seen = finding::rejections(&mut db, &filter).unwrap();
    let seen: Vec<_> = seen
        .iter()
        .map(|seen| (seen.rejection_id.clone(), seen.rejected.rows))
        .collect();
    assert_eq!(
        seen,
        [
            (again.rejection_id.to_string(), 1),
            (refused.rejection_id.to_string(), 2)
        ]
    );
}

#[test]
fn evidence_is_not_recorded_inside_a_transaction() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    let refused = rejection(&mut db, "insert into orders values (1, 'EU', -1, null)");
    let answer = db.transaction(|db| record_rejection(db, &refused));
    assert!(matches!(answer, Err(Error::InTransaction)), "{answer:?}");
}

#[test]
fn what_is_no_evidence_is_not_kept() {
    let (_database, mut db) = orders();
    for evidence in ["[]", "{}", r#"{"rejected": [], "table_id": 99}"#, "null"] {
        assert!(
            shared::refused(
                &mut db,
                &format!("select audit.record_rejection('{evidence}')")
            )
            .starts_with("evidence_is_not_valid"),
            "{evidence}"
        );
    }
}

/// A second connection that asks for no password.
fn second_connection(db: &mut PgConnection) {
    run(
        db,
        "create extension dblink;
        grant execute on function dblink_connect_u(text, text) to audit_owner;
        do $$ begin create role evidence login in role audit_operator; exception when duplicate_object then null; end $$;
        do $$ begin
            execute format('create server evidence foreign data wrapper dblink_fdw options (dbname %L, host %L, port %L, connect_timeout ''2'')',
                current_database(), current_setting('unix_socket_directories'), current_setting('port'));
        end $$;
        grant usage on foreign server evidence to audit_owner;
        create user mapping for public server evidence options (user 'evidence');
        select audit.keep_rejections('evidence')",
    );
}

#[test]
fn the_second_connection_keeps_the_evidence_that_the_rollback_takes() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    second_connection(&mut db);
    run(
        &mut db,
        "do $$ begin create role writer; exception when duplicate_object then null; end $$; grant insert on orders to writer; set role writer",
    );
    // The application catches the error and goes on: nothing of it is in the log of the server as an error.
    run(
        &mut db,
        "do $$ begin insert into orders values (1, 'EU', -1, null); exception when others then null; end $$",
    );
    let refused = rejection(
        &mut db,
        "begin; insert into orders values (2, 'EU', -1, null)",
    );
    run(&mut db, "rollback; reset role");
    assert_eq!(
        show(
            &mut db,
            "select k.keys, k.session_role, k.role, r.recorded_by from audit.rejected_rule k join audit.rejection r using (rejection_id) order by k.at"
        ),
        "({1},postgres,writer,evidence)\n({2},postgres,writer,evidence)"
    );
    // Handing the same in again keeps it once.
    assert!(!record_rejection(&mut db, &refused).unwrap());
    assert_eq!(
        show(
            &mut db,
            "select count(*) from pg_stat_activity where usename = 'evidence'"
        ),
        "(0)"
    );
    run(
        &mut db,
        "select audit.keep_rejections(null); set client_min_messages = error",
    );
    rejection(&mut db, "insert into orders values (3, 'EU', -1, null)");
    assert_eq!(show(&mut db, "select count(*) from audit.rejection"), "(2)");
}

#[test]
fn a_release_that_is_refused_answers_by_itself_and_leaves_no_evidence() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'noted', 'not_null', '{"column": "note"}', action => 'quarantine'"#,
    );
    run(&mut db, "insert into orders values (1, 'EU', -1, null)");
    rule(&mut db, POSITIVE);
    second_connection(&mut db);
    run(
        &mut db,
        r#"select audit.edit_held('{}', '{"note": "x"}'); set quote_all_identifiers = on"#,
    );
    for dry_run in [true, false] {
        assert_eq!(
            show(
                &mut db,
                &format!("select outcome from audit.release_held('{{}}', dry_run => {dry_run})")
            ),
            "(refused)"
        );
    }
    assert_eq!(show(&mut db, "select count(*) from audit.rejection"), "(0)");
    rejection(&mut db, "insert into orders values (2, 'EU', -1, 'x')");
    assert_eq!(show(&mut db, "select count(*) from audit.rejection"), "(1)");
}

#[test]
fn a_second_connection_that_fails_changes_nothing_for_the_writer() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(&mut db, FIELDS);
    const WRITE: &str = "select fields('insert into orders values (1, ''EU'', -1, null)')";
    let expected = show(&mut db, WRITE);
    second_connection(&mut db);
    assert_eq!(show(&mut db, WRITE), expected);
    assert_eq!(show(&mut db, "select count(*) from audit.rejection"), "(1)");
    for broken in [
        // dblink_connect() insists on a password, and the server asks for none.
        "revoke execute on function dblink_connect_u(text, text) from audit_owner",
        "grant execute on function dblink_connect_u(text, text) to audit_owner; alter server evidence options (set host '/nonexistent')",
        "alter server evidence options (set host '127.0.0.1', set port '1')",
        "drop user mapping for public server evidence",
        "revoke usage on foreign server evidence from audit_owner",
        "drop server evidence cascade",
        "drop extension dblink cascade",
    ] {
        run(
            &mut db,
            &format!("set client_min_messages = error; {broken}"),
        );
        assert_eq!(show(&mut db, WRITE), expected, "{broken}");
        assert_eq!(
            show(&mut db, "select count(*) from audit.rejection"),
            "(1)",
            "{broken}"
        );
    }
}

#[test]
fn a_server_that_can_not_be_used_is_not_named() {
    let (_database, mut db) = orders();
    assert_eq!(
        shared::refused(&mut db, "select audit.keep_rejections('nowhere')"),
        "server_can_not_be_used: there is no foreign server \"nowhere\" that audit_owner may use"
    );
}

#[test]
fn a_server_that_asks_for_a_password_needs_no_superuser_right_and_the_log_tells_every_rejection() {
    let directory = std::env::temp_dir().join(format!("audit-{}-reject", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    {
        let server = Cluster::start(Options {
            keep: Some(directory.join("server")),
            ..Options::default()
        })
        .unwrap();
        let mut db = audit_schema::connect(&server.url("postgres")).unwrap();
        audit_schema::migrate(&mut db).unwrap();
        run(
            &mut db,
            "create table orders (id bigint primary key, region text, amount numeric, note text);
            select audit.watch('orders');
            create extension dblink;
            create role evidence login in role audit_operator password 'open sesame';
            do $$ begin
                execute format('create server evidence foreign data wrapper dblink_fdw options (dbname %L, host %L, port %L)',
                    current_database(), current_setting('unix_socket_directories'), current_setting('port'));
            end $$;
            grant usage on foreign server evidence to audit_owner;
            create user mapping for audit_owner server evidence options (user 'evidence', password 'open sesame');
            select audit.keep_rejections('evidence');
            do $$ begin
                execute format('copy (values (''local all evidence scram-sha-256''), (''local all all trust'')) to %L', current_setting('hba_file'));
            end $$;
            select pg_reload_conf()",
        );
        // The new rules hold for connections that begin after the postmaster has read them.
        for _ in 0..500 {
            let open =
                PgConnection::establish(&server.url("postgres").replace("postgres@", "evidence@"));
            if open.is_err() {
                break;
            }
            run(&mut db, "select pg_sleep(0.01)");
        }
        rule(&mut db, POSITIVE);
        rejection(&mut db, "insert into orders values (7, 'EU', -1, null)");
        assert_eq!(
            show(&mut db, "select keys from audit.rejected_rule"),
            "({7})"
        );

        run(
            &mut db,
            "set log_error_verbosity = terse; set log_min_messages = log;
            do $$ begin insert into orders values (8, 'EU', -1, null); exception when others then null; end $$",
        );
        let log = show(
            &mut db,
            "select regexp_matches(pg_read_file(current_setting('unix_socket_directories') || '/server.log'), 'audit rejection \\{[^\\n]*\"keys\" ?: ?\\[\"(\\d+)\"\\]', 'g')",
        );
        assert_eq!(log, "({7})\n({8})");
    }
    let _ = std::fs::remove_dir_all(&directory);
}

#[test]
fn a_template_database_has_no_second_connection() {
    let database = testing::database();
    assert_eq!(
        show(
            &mut database.connect(),
            "select count(*) from audit.setting"
        ),
        "(0)"
    );
}
