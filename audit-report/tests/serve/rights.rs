//! What a role needs, and what is said where it lacks it.

use audit_report::serve::Options;
use audit_schema::testing::{Database, empty_database};
use diesel::PgConnection;

use crate::live::{Served, run, shop, until};

/// A role of this test that may log in, and the page as it reads.
fn as_role(database: &Database, connection: &mut PgConnection, grants: &str) -> (String, Served) {
    let role = format!("clerk_{}", database.name());
    run(connection, &format!("create role {role} login"));
    run(connection, &grants.replace("ROLE", &role));
    let url = database.url().replace("postgres@", &format!("{role}@"));
    (role, Served::with(Options::new(url)))
}

fn forget(connection: &mut PgConnection, role: &str) {
    run(
        connection,
        &format!("drop owned by {role}; drop role {role}"),
    );
}

#[test]
fn audit_reader_is_enough_to_see_everything() {
    let (database, mut connection) = shop();
    let (role, served) = as_role(&database, &mut connection, "grant audit_reader to ROLE");
    for page in [
        "/",
        "/tables",
        "/tables/1",
        "/tables/1/row?key=7",
        "/rules",
        "/rules/1",
        "/findings",
        "/alerts",
        "/quarantine",
        "/search?q=7",
        "/pipeline",
        "/metrics",
        "/healthz",
    ] {
        let answer = served.get(page);
        assert_eq!(answer.status, 200, "{page}\n{}", answer.body);
    }
    drop(served);
    forget(&mut connection, &role);
}

#[test]
fn a_role_without_rights_is_told_what_to_grant() {
    let (database, mut connection) = shop();
    let (role, served) = as_role(&database, &mut connection, "select 1");
    for page in ["/", "/rules", "/alerts"] {
        let answer = served.get(page);
        assert_eq!(answer.status, 403, "{page}\n{}", answer.body);
        assert!(
            answer.body.contains("grant audit_reader to"),
            "{}",
            answer.body
        );
    }
    let health = served.get("/healthz");
    assert_eq!(health.status, 503);
    assert!(health.body.contains("may not read the pipeline"));
    drop(served);
    forget(&mut connection, &role);
}

#[test]
fn contents_of_rows_are_shown_to_those_only_who_may_read_them() {
    let (database, mut connection) = shop();
    let (role, served) = as_role(
        &database,
        &mut connection,
        "grant usage on schema audit, audit_compiled to ROLE;
        grant select on all tables in schema audit, audit_compiled to ROLE;
        revoke select on audit.finding, audit.quarantined_row from ROLE;
        grant select (finding_id, lsn, xid, at, occurred_at, table_id, rule_id, op, rows, new_failed, old_failed, action, error,
            session_role, actor, application, request_id) on audit.finding to ROLE",
    );
    let finding = crate::live::text(
        &mut connection,
        "select finding_id from audit.finding where keys = '{7}'",
    );
    let page = served.get(&format!("/findings/{finding}"));
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(
        page.body.contains("may not read the contents of rows"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("key=7"), "{}", page.body);
    let row = served.get("/tables/1/row?key=7");
    assert_eq!(row.status, 403, "{}", row.body);
    let held = crate::live::text(
        &mut connection,
        "select quarantine_id from audit.quarantine",
    );
    assert_eq!(served.get(&format!("/quarantine/{held}")).status, 403);
    drop(served);
    forget(&mut connection, &role);
}

#[test]
fn a_database_without_the_pipeline_says_so() {
    let database = empty_database();
    let served = Served::read_only(&database);
    let answer = served.get("/");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("audit migrate"), "{}", answer.body);
}

#[test]
fn a_database_that_is_away_is_waited_for() {
    let (database, mut connection) = shop();
    let served = Served::read_only(&database);
    assert_eq!(served.get("/rules").status, 200);
    let mut other =
        audit_schema::connect(&audit_schema::testing::cluster().url("postgres")).unwrap();
    run(
        &mut other,
        &format!(
            "alter database {} with allow_connections false",
            database.name()
        ),
    );
    run(
        &mut other,
        &format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}' and application_name = 'audit-report'",
            database.name()
        ),
    );
    let answer = served.get("/rules");
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    run(
        &mut other,
        &format!(
            "alter database {} with allow_connections true",
            database.name()
        ),
    );
    until("it answers again", || {
        (served.get("/rules").status == 200).then_some(())
    });
    run(&mut connection, "select 1");
}
