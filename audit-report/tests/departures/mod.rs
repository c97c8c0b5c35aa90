//! What the tests of figures share: departures of some days, and what SQL finds in them.
#![allow(dead_code, reason = "each test file uses its own part")]

use audit_report::chart::{self, Chart, Data, Kind};
use audit_report::{Range, Selection};
use audit_schema::testing::{Database, database};
use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// What a query finds.
pub fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    diesel::sql_query(format!("select ({sql})::bigint as number"))
        .get_result::<Number>(connection)
        .expect(sql)
        .number
}

/// Departures of the second week of February, told to have happened then; an airport that only some of them name.
pub fn departures() -> (Database, PgConnection) {
    let database = database();
    let mut connection = database.connect();
    connection
        .batch_execute(
            "create table public.departures (id integer primary key, day date, airport text, tailnum text);
            select audit.watch('public.departures', 'To plan crews.', 'ops@example.com');
            select audit.declare_rule('public.departures', 'tailnum_is_known', 'not_null', '{\"column\": \"tailnum\"}',
                severity => 'important', owner => 'fleet@example.com', fix_within => '1 day');
            select audit.declare_rule('public.departures', 'not_null_airport', 'not_null', '{\"column\": \"airport\"}',
                severity => 'low');
            select audit.declare_rule('public.departures', 'one_of_airport', 'one_of',
                '{\"column\": \"airport\", \"values\": [\"EWR\", \"JFK\", \"LGA\"]}',
                severity => 'critical', action => 'quarantine');
            select audit.compile('public.departures');",
        )
        .expect("the table is watched");
    for day in 5..=12 {
        connection
            .batch_execute(&format!(
                "begin;
                select audit.set_context(actor => 'replay', occurred_at => '2013-02-{day:02} 18:30:00 America/New_York');
                insert into public.departures
                select
                    {day} * 1000 + n,
                    '2013-02-{day:02}',
                    case when n % 10 = 0 then null when n = 7 then 'ORD' else 'JFK' end,
                    case when n <= case when {day} = 8 then 60 else 4 end then null else 'N' || n end
                from generate_series(1, 100) as n;
                commit;"
            ))
            .expect("a day is written");
    }
    (database, connection)
}

/// Ticks until nothing waits. Transactions of other tests hold the horizon of the whole cluster back for a moment.
pub fn fold(connection: &mut PgConnection) {
    for _ in 0..2_000 {
        connection
            .batch_execute("select audit.tick()")
            .expect("the tick runs");
        if number(connection, "select count(*) from audit.change") == 0 {
            return;
        }
        connection
            .batch_execute("select pg_sleep(0.01)")
            .expect("a moment passes");
    }
    panic!("the head does not become empty");
}

/// The rows of a query, one a line, as PostgreSQL writes records.
pub fn lines(connection: &mut PgConnection, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    diesel::sql_query(format!(
        "select shown::text as line from ({query}) as shown"
    ))
    .load::<Line>(connection)
    .expect(query)
    .into_iter()
    .map(|line| line.line)
    .collect()
}

/// The week of the departures.
pub fn week() -> Selection {
    Range {
        since: NaiveDate::from_ymd_opt(2013, 2, 5).map(Into::into),
        until: NaiveDate::from_ymd_opt(2013, 2, 12),
        zone: Some(chrono_tz::America::New_York),
    }
    .into()
}

/// A chart by its name.
pub fn load(connection: &mut PgConnection, kind: &str, selection: &Selection) -> Chart {
    let kind: Kind = kind.parse().expect("there is such a chart");
    chart::load(connection, &kind, selection).expect("the figures are read")
}

/// Runs statements that must succeed.
pub fn run(connection: &mut PgConnection, statements: &str) {
    connection.batch_execute(statements).expect(statements);
}

/// The figures of a chart of the week, which are the same before the tick has folded what was written and after.
pub fn figures(connection: &mut PgConnection, kind: &str) -> Data {
    let before = load(connection, kind, &week()).data;
    fold(connection);
    let after = load(connection, kind, &week()).data;
    assert_eq!(before, after, "the tick changes no figure");
    after
}
