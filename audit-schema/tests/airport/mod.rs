//! What the tests of alerts share: a watched table of flights, a summary of it, and two channels.
#![allow(dead_code, reason = "each test file uses its own part")]

use audit_core::alert::Message;
use audit_schema::testing::{Database, database};
use audit_schema::{TickReport, tick};
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

/// Flights of one origin, and a rule about their tail numbers.
pub fn airport() -> Database {
    let database = database();
    run(
        &database,
        "create table public.flights (id integer primary key, origin text, tailnum text, dep_time integer, time_hour timestamptz);
         select audit.watch('public.flights', 'departures drive planning', 'ops@example.com');
         select audit.declare_rule('public.flights', 'not_null_tailnum', 'not_null', '{\"column\": \"tailnum\"}', severity => 'important');
         select audit.declare_summary('public.flights', 'departures_by_day', '{
             \"bucket\": {\"column\": \"time_hour\", \"width\": \"1 day\", \"time_zone\": \"America/New_York\"},
             \"group_by\": [{\"name\": \"origin\", \"expression\": \"origin\"}],
             \"measures\": [{\"name\": \"flights\", \"function\": \"count\", \"expression\": null},
                            {\"name\": \"cancelled\", \"function\": \"count_if\", \"expression\": \"dep_time is null\"}]}');
         select audit.compile('public.flights');
         insert into audit.channel (name, provider, definition)
         values ('ops', 'file', '{\"file\": {\"directory\": \"/nowhere\"}}'), ('oncall', 'file', '{\"file\": {\"directory\": \"/nowhere\"}}');
         insert into audit.route (position, definition)
         values (1, '{\"severity\": [\"critical\"], \"to\": [\"oncall\", \"ops\"]}'), (2, '{\"table\": \"public.flights\", \"to\": [\"ops\"]}');",
    );
    database
}

/// Declares an alert policy.
pub fn policy(database: &Database, name: &str, definition: serde_json::Value) {
    diesel::sql_query("insert into audit.alert_policy (name, definition) values ($1, $2)")
        .bind::<Text, _>(name)
        .bind::<diesel::sql_types::Jsonb, _>(definition)
        .execute(&mut database.connect())
        .unwrap();
}

/// The policy that fires when a quarter of an airport's departures of the day is cancelled.
pub fn cancellations(database: &Database) {
    policy(
        database,
        "cancellations",
        serde_json::json!({
            "on": "departures_by_day",
            "when": "cancelled > 0.25 * flights and flights >= 4",
            "severity": "critical",
            "say": "{origin}: {cancelled} of {flights} departures cancelled on {bucket}",
            "repeat_every": "4 hours",
        }),
    );
}

/// Runs statements that must succeed.
pub fn run(database: &Database, sql: &str) {
    database.connect().batch_execute(sql).unwrap();
}

/// Noon in New York on the day of the blizzard.
pub fn noon() -> DateTime<Utc> {
    "2013-02-08T17:00:00Z".parse().unwrap()
}

/// Writes departures from EWR; those whose time is null are cancelled.
pub fn fly(database: &Database, ids: std::ops::RangeInclusive<i32>, dep_time: &str, day: &str) {
    run(
        database,
        &format!(
            "insert into public.flights select id, 'EWR', 'N1', {dep_time}, '{day} 12:00-05' from generate_series({}, {}) as id",
            ids.start(),
            ids.end()
        ),
    );
}

/// Ticks at a time.
pub fn ticked(database: &Database, clock: DateTime<Utc>) -> TickReport {
    tick(&mut database.connect(), clock).unwrap()
}

/// What a tick told.
pub fn told(report: &TickReport) -> Vec<(Message, &str)> {
    report
        .notices
        .iter()
        .map(|notice| (notice.message, notice.title.as_str()))
        .collect()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many rows there are.
pub fn count(database: &Database, from: &str) -> i64 {
    let row: Count = diesel::sql_query(format!("select count(*) as count from {from}"))
        .get_result(&mut database.connect())
        .unwrap();
    row.count
}

/// The only column of a query, one row a line.
pub fn line(database: &Database, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    diesel::sql_query(format!(
        "select coalesce(string_agg(line, E'\\n'), '') as line from ({query}) as lines (line)"
    ))
    .get_result::<Line>(&mut database.connect())
    .unwrap()
    .line
}

/// The only alert.
pub fn alert_id(database: &Database) -> Uuid {
    line(database, "select alert_id::text from audit.alert")
        .parse()
        .unwrap()
}
