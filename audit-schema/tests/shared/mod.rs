//! What the tests of the engine share: a database with a watched table, and its rows as text.
#![allow(dead_code, reason = "each test file uses its own part")]

use audit_schema::testing::{self, Database};
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

/// A database with an empty watched table `orders`, and a connection to it.
pub fn orders() -> (Database, PgConnection) {
    watched(
        "orders",
        "create table orders (id bigint primary key, region text, amount numeric, note text)",
    )
}

/// A database with one watched table, and a connection to it.
pub fn watched(table: &str, create: &str) -> (Database, PgConnection) {
    let database = testing::database();
    let mut connection = database.connect();
    run(&mut connection, create);
    run(&mut connection, &format!("select audit.watch('{table}')"));
    (database, connection)
}

/// Runs statements that must succeed.
#[track_caller]
pub fn run(connection: &mut PgConnection, statements: &str) {
    if let Err(error) = connection.batch_execute(statements) {
        panic!("{error}\n{statements}");
    }
}

/// Runs statements that must fail: the name of the fact, and the message.
#[track_caller]
pub fn refused(connection: &mut PgConnection, statements: &str) -> String {
    match connection.batch_execute(statements) {
        Ok(()) => panic!("should fail: {statements}"),
        Err(diesel::result::Error::DatabaseError(_, information)) => format!(
            "{}: {}",
            information.constraint_name().unwrap_or("-"),
            information.message()
        ),
        Err(other) => panic!("{other}"),
    }
}

/// The rows of a query, one a line, as PostgreSQL writes records.
#[track_caller]
pub fn show(connection: &mut PgConnection, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    match diesel::sql_query(format!("select shown::text as line from ({query}) shown"))
        .load::<Line>(connection)
    {
        Ok(lines) => lines
            .into_iter()
            .map(|line| line.line)
            .collect::<Vec<_>>()
            .join("\n"),
        Err(error) => panic!("{error}\n{query}"),
    }
}

/// Declares a rule on `orders` and compiles.
#[track_caller]
pub fn rule(connection: &mut PgConnection, arguments: &str) {
    run(
        connection,
        &format!(
            "select audit.declare_rule('orders', {arguments}); select audit.compile('orders')"
        ),
    );
}

/// Runs the tick until the head is empty. Other tests hold transactions open in the same cluster, which hold the horizon
/// back, so it waits for them first: what is in the head goes as one batch.
pub fn tick(connection: &mut PgConnection) {
    for _ in 0..2000 {
        let below = show(
            connection,
            "select coalesce(bool_and(xid < pg_snapshot_xmin(pg_current_snapshot())), true) from audit.change",
        );
        if below == "(t)" {
            run(connection, "select audit.tick()");
            assert_eq!(show(connection, "select count(*) from audit.change"), "(0)");
            return;
        }
        run(connection, "select pg_sleep(0.005)");
    }
    panic!("the horizon did not move");
}

/// What `audit.verify()` finds wrong: empty when everything agrees.
pub fn wrong(connection: &mut PgConnection) -> String {
    show(
        connection,
        "select kind, object, expected, found from audit.verify() where not ok",
    )
}

/// Asks the time-driven rules that are due at a time, and shows how every group is.
#[track_caller]
pub fn ask(db: &mut PgConnection, clock: &str) -> String {
    run(
        db,
        &format!("select audit.ask_rule(due, '{clock}') from audit.due_rules('{clock}') due"),
    );
    show(
        db,
        "select (select string_agg(coalesce(value, 'null'), ' ') from jsonb_each_text(s.group_values)) as group, s.state, s.fails, s.value, s.detail
        from audit.time_rule_status s order by s.name, s.group_values",
    )
}

/// Remembers `orders` and the moment, under a number.
pub fn remember(db: &mut PgConnection, number: usize) {
    run(
        db,
        &format!(
            "create table if not exists moment (n integer primary key, at timestamptz);
            create table if not exists remembered as select 0 as n, orders.* from orders limit 0;
            insert into remembered select {number}, orders.* from orders;
            insert into moment values ({number}, clock_timestamp())"
        ),
    );
}
