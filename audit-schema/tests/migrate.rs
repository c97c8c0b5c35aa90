//! Installing and upgrading: by anybody who may, any number at once, and never over something that is not ours.
#![cfg(feature = "embedded")]

use audit_schema::context::{self, Context};
use audit_schema::testing::{self, Database};
use audit_schema::{Error, connect, migrate, uninstall};
use chrono::{TimeZone, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

#[test]
fn migrating_twice_changes_nothing() {
    let database = testing::empty_database();
    let mut connection = database.connect();
    assert!(migrate(&mut connection).unwrap().changed());
    let before = catalogue(&mut connection);
    assert!(!migrate(&mut connection).unwrap().changed());
    assert_eq!(before, catalogue(&mut connection));
}

#[test]
fn eight_processes_at_once_install_once() {
    let database = testing::empty_database();
    let reports: Vec<_> = std::thread::scope(|scope| {
        let migrating: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| migrate(&mut database.connect()).unwrap()))
            .collect();
        migrating
            .into_iter()
            .map(|report| report.join().unwrap())
            .collect()
    });
    assert_eq!(reports.iter().filter(|report| report.changed()).count(), 1);
}

#[test]
fn a_session_in_repeatable_read_waits_its_turn_as_well() {
    let database = testing::empty_database();
    run(
        &mut database.connect(),
        &format!(
            "alter database {} set default_transaction_isolation = 'repeatable read'",
            database.name()
        ),
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| migrate(&mut database.connect()).unwrap());
        }
    });
}

#[test]
fn applying_the_functions_again_gives_what_a_fresh_install_gives() {
    let database = testing::database();
    let mut connection = database.connect();
    let fresh = catalogue(&mut connection);
    run(
        &mut connection,
        "update audit.source set digest = 'of an older version'",
    );
    let report = migrate(&mut connection).unwrap();
    assert!(report.source_applied && report.migrations.is_empty());
    assert_eq!(fresh, catalogue(&mut connection));
}

#[test]
fn applying_the_functions_again_does_not_wait_for_writers() {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "update audit.source set digest = 'of an older version'",
    );
    let mut writer = database.connect();
    run(
        &mut writer,
        "begin; lock table audit.change, audit.finding in row exclusive mode",
    );
    run(&mut connection, "set lock_timeout = '2s'");
    assert!(migrate(&mut connection).unwrap().source_applied);
}

#[test]
fn what_is_uninstalled_leaves_no_trace_and_can_be_installed_again() {
    let database = testing::empty_database();
    let mut connection = database.connect();
    let before = catalogue(&mut connection);
    migrate(&mut connection).unwrap();
    let installed = catalogue(&mut connection);
    uninstall(&mut connection).unwrap();
    assert_eq!(before, catalogue(&mut connection));
    migrate(&mut connection).unwrap();
    assert_eq!(installed, catalogue(&mut connection));
}

#[test]
fn migrations_of_the_application_are_not_disturbed() {
    let database = testing::empty_database();
    let mut connection = database.connect();
    run(&mut connection, "create table __diesel_schema_migrations (version varchar(50) primary key, run_on timestamp not null default now());
        insert into __diesel_schema_migrations (version) values ('20200101000000')");
    migrate(&mut connection).unwrap();
    assert_eq!(
        text(
            &mut connection,
            "select string_agg(version, ',') from __diesel_schema_migrations"
        ),
        "20200101000000"
    );
    assert_eq!(
        text(
            &mut connection,
            "select count(*)::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        ),
        "1"
    );
}

#[test]
fn the_search_path_of_the_session_does_not_matter() {
    let database = testing::empty_database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "create schema elsewhere; set search_path = elsewhere",
    );
    migrate(&mut connection).unwrap();
    assert_eq!(
        text(
            &mut connection,
            "select count(*)::text from pg_class where relnamespace = 'elsewhere'::regnamespace"
        ),
        "0"
    );
    assert_eq!(text(&mut connection, "show search_path"), "elsewhere");
}

#[test]
fn a_schema_of_somebody_else_is_refused_and_not_touched() {
    for schema in ["audit", "audit_compiled"] {
        let database = testing::empty_database();
        let mut connection = database.connect();
        run(
            &mut connection,
            &format!("create schema {schema}; create table {schema}.migration (version text)"),
        );
        let before = catalogue(&mut connection);
        let refused = migrate(&mut connection).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "the schema `{schema}` exists, belongs to `postgres` and was not made by this program"
            )
        );
        assert_eq!(before, catalogue(&mut connection));
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "insert into audit.migration (version, name) values ('29991231000001', 'from the future')",
    );
    let refused = migrate(&mut connection).unwrap_err();
    assert!(
        matches!(&refused, Error::NewerSchema { version } if version == "29991231000001"),
        "{refused}"
    );
}

#[test]
fn a_role_that_may_create_roles_and_schemas_can_install() {
    let database = testing::empty_database();
    let mut connection = login(&database, "installer", "createrole noinherit");
    // The roles belong to the whole server, where a superuser may have made them for another database.
    run(
        &mut database.connect(),
        "do $$ begin if to_regrole('audit_owner') is not null then grant audit_owner to installer with admin option; end if; end $$",
    );
    run(
        &mut database.connect(),
        &format!("grant create on database {} to installer", database.name()),
    );
    assert!(migrate(&mut connection).unwrap().changed());
    assert!(!migrate(&mut connection).unwrap().changed());
    run(
        &mut database.connect(),
        "update audit.source set digest = 'of an older version'",
    );
    assert!(migrate(&mut connection).unwrap().changed());
    assert_eq!(
        text(
            &mut connection,
            "select nspowner::regrole::text from pg_namespace where nspname = 'audit'"
        ),
        "audit_owner"
    );
}

#[test]
fn a_role_that_may_not_create_a_schema_is_told_what_to_ask_for() {
    let database = testing::empty_database();
    let mut connection = login(&database, "visitor", "");
    let refused = migrate(&mut connection).unwrap_err().to_string();
    let name = database.name();
    assert_eq!(
        refused,
        format!(
            "the role `visitor` may not create a schema in the database `{name}`; its owner can run: grant create on database \"{name}\" to \"visitor\""
        )
    );
}

#[test]
fn a_role_that_may_not_act_as_the_owner_is_told_what_to_ask_for() {
    let _ = testing::database();
    let database = testing::empty_database();
    let mut connection = login(&database, "guest", "");
    run(
        &mut database.connect(),
        &format!("grant create on database {} to guest", database.name()),
    );
    let refused = migrate(&mut connection).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the role `guest` may not act as `audit_owner`; a superuser can run: grant audit_owner to \"guest\""
    );
}

#[test]
fn a_role_without_rights_learns_that_there_is_nothing_to_do() {
    let database = testing::database();
    let mut connection = login(&database, "application", "");
    assert!(!migrate(&mut connection).unwrap().changed());
    run(
        &mut database.connect(),
        "update audit.source set digest = 'of an older version'",
    );
    let refused = migrate(&mut connection).unwrap_err();
    assert!(matches!(refused, Error::NoRight { .. }), "{refused}");
}

#[test]
fn a_failed_upgrade_leaves_everything_as_it_was() {
    let database = testing::database();
    let mut connection = database.connect();
    // A function whose result has another type can not be replaced.
    run(&mut connection, "update audit.source set digest = 'of an older version';
        drop function audit.set_context;
        create function audit.set_context(actor text default null, request_id text default null, occurred_at timestamptz default null)
            returns integer language sql as 'select 1'");
    let before = catalogue(&mut connection);
    let refused = migrate(&mut connection).unwrap_err();
    assert!(
        matches!(&refused, Error::Source { path, .. } if path == "capture/set_context.sql"),
        "{refused}"
    );
    assert_eq!(before, catalogue(&mut connection));
}

#[test]
fn the_context_ends_with_its_transaction() {
    let database = testing::empty_database();
    let mut connection = database.connect();
    let context = Context {
        actor: Some("ana".to_owned()),
        request_id: Some("r-1".to_owned()),
        occurred_at: Some(Utc.with_ymd_and_hms(2013, 2, 8, 12, 0, 0).unwrap()),
    };
    connection
        .transaction(|connection| -> audit_schema::Result<()> {
            context::set(connection, &context)?;
            assert_eq!(text(connection, SETTINGS), "ana/r-1/1360324800000000");
            Ok(())
        })
        .unwrap();
    assert_eq!(text(&mut connection, SETTINGS), "//");
}

#[test]
fn the_context_can_be_set_from_sql_by_anybody_with_the_same_effect() {
    let database = testing::database();
    let mut connection = login(&database, "writer", "");
    run(
        &mut connection,
        "begin; select audit.set_context(actor => 'ana', request_id => 'r-1', occurred_at => '2013-02-08 12:00+00')",
    );
    assert_eq!(text(&mut connection, SETTINGS), "ana/r-1/1360324800000000");
    run(&mut connection, "select audit.set_context(actor => 'ben')");
    assert_eq!(text(&mut connection, SETTINGS), "ben//");
    run(&mut connection, "commit");
    assert_eq!(text(&mut connection, SETTINGS), "//");
}

#[test]
fn a_context_outside_a_transaction_is_refused() {
    let database = testing::empty_database();
    let refused = context::set(&mut database.connect(), &Context::default()).unwrap_err();
    assert!(matches!(refused, Error::NotInTransaction));
}

#[test]
fn a_time_that_the_log_can_not_hold_is_refused_by_name() {
    let database = testing::database();
    for time in [
        "1969-12-31 23:59:59+00",
        "infinity",
        "3000-01-01 00:00:00+00",
    ] {
        let refused = diesel::sql_query("select audit.set_context(occurred_at => $1::timestamptz)")
            .bind::<Text, _>(time)
            .execute(&mut database.connect())
            .map_err(Error::from)
            .unwrap_err();
        assert_eq!(refused.fact(), Some("occurred_at_is_in_range"), "{refused}");
    }
}

#[test]
fn the_log_can_not_be_changed_even_by_its_owner() {
    let database = testing::database();
    let mut connection = database.connect();
    run(&mut connection, "set role audit_owner");
    for table in ["change", "segment", "finding", "alert_transition"] {
        for statement in [
            format!("delete from audit.{table}"),
            format!("truncate audit.{table} cascade"),
        ] {
            let refused = Error::from(connection.batch_execute(&statement).unwrap_err());
            assert!(
                matches!(
                    refused.fact(),
                    Some("log_is_append_only" | "history_is_append_only")
                ),
                "{statement}: {refused:?}"
            );
        }
    }
}

#[test]
fn people_may_read_the_log_and_not_write_it() {
    let database = testing::database();
    let mut connection = database.connect();
    for role in ["audit_reader", "audit_operator", "audit_admin"] {
        let rights = text(
            &mut connection,
            &format!(
                "select string_agg(distinct privilege, ',') from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'trigger', 'references']) privilege,
                    unnest(array['change', 'segment', 'finding', 'quarantine', 'progress', 'alert_transition']) name
                where has_table_privilege('{role}', 'audit.' || name, privilege)"
            ),
        );
        assert_eq!(rights, "select", "{role}");
    }
}

const SETTINGS: &str = "select concat_ws('/', coalesce(current_setting('audit.actor', true), ''),
    coalesce(current_setting('audit.request_id', true), ''), coalesce(current_setting('audit.occurred_at', true), ''))";

fn run(connection: &mut PgConnection, statements: &str) {
    connection.batch_execute(statements).unwrap();
}

fn text(connection: &mut PgConnection, query: &str) -> String {
    diesel::select(diesel::dsl::sql::<Nullable<Text>>(&format!("({query})")))
        .get_result::<Option<String>>(connection)
        .or_else(|_| diesel::dsl::sql::<Nullable<Text>>(query).get_result(connection))
        .unwrap()
        .unwrap_or_default()
}

/// A connection of a role of this test's own.
fn login(database: &Database, role: &str, attributes: &str) -> PgConnection {
    run(
        &mut database.connect(),
        &format!("create role {role} login {attributes}"),
    );
    connect(&database.url().replace("//postgres@", &format!("//{role}@"))).unwrap()
}

/// Every object of the database with its definition, owner, rights and comment: what a dump would show.
fn catalogue(connection: &mut PgConnection) -> Vec<String> {
    diesel::dsl::sql::<Text>(include_str!("catalogue.sql"))
        .load(connection)
        .unwrap()
}
