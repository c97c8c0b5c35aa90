//! What tests of deliveries share: a database with trouble in it, channels, and a clock that stands still.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Duration;

use audit_notify::provider::Timeouts;
use audit_notify::{Channel, Clock, Envelope, Options, Receipt, RunReport, SendError, run_once};
use audit_schema::testing::{Database, database};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text};
use serde_json::{Value, json};

/// A clock that stands where a test puts it.
#[derive(Debug, Clone, Copy)]
pub struct At {
    pub now: DateTime<Utc>,
    pub wall: DateTime<Utc>,
}

impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        self.now
    }
    fn wait(&mut self, _at_most: Duration) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
    fn wall(&self) -> Option<DateTime<Utc>> {
        Some(self.wall)
    }
}

impl At {
    /// Noon of a day in February. The outbox was filled by the clock of the server, which is a little earlier.
    pub fn noon() -> Self {
        At {
            now: "2013-02-08T17:00:00Z".parse().unwrap(),
            wall: Utc::now() + TimeDelta::seconds(10),
        }
    }

    pub fn later(self, by: TimeDelta) -> Self {
        At {
            wall: self.wall + by,
            ..self
        }
    }
}

/// A table whose every row opens an alert while it is there.
pub fn trouble(rows: usize) -> Database {
    let database = database();
    run(
        &database,
        "create table public.trouble (name text primary key);
         select audit.watch('public.trouble');
         select audit.declare_summary('public.trouble', 'troubles', '{
             \"group_by\": [{\"name\": \"name\", \"expression\": \"name\"}],
             \"measures\": [{\"name\": \"rows\", \"function\": \"count\", \"expression\": null}]}');
         select audit.compile('public.trouble');
         insert into audit.alert_policy (name, definition)
         values ('trouble', '{\"on\": \"troubles\", \"when\": \"rows > 0\", \"severity\": \"critical\", \"say\": \"{name} is in trouble\", \"messages\": \"each\"}');
         insert into audit.route (position, definition) values (1, '{\"to\": [\"ops\"]}');",
    );
    run(
        &database,
        &format!("insert into public.trouble select 'T' || n from generate_series(1, {rows}) as n"),
    );
    database
}

pub fn run(database: &Database, sql: &str) {
    database.connect().batch_execute(sql).unwrap();
}

pub fn declare_channel(database: &Database, name: &str, provider: &str, definition: Value) {
    diesel::sql_query("insert into audit.channel (name, provider, definition) values ($1, $2, $3)")
        .bind::<Text, _>(name)
        .bind::<Text, _>(provider)
        .bind::<Jsonb, _>(definition)
        .execute(&mut database.connect())
        .unwrap();
}

pub fn resend(url: &str) -> Value {
    json!({ "resend": {
        "from": "audit@example.com", "to": ["ops@example.com"], "api_key": { "env": "KEY" }, "base_url": url,
        "allow_private": true,
    }})
}

pub fn options() -> Options {
    Options {
        environment: Box::new(|name| (name == "KEY").then(|| "re_a_very_secret_key".to_owned())),
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(20),
        },
        ..Options::default()
    }
}

pub fn once(database: &Database, clock: At) -> RunReport {
    run_once(&mut database.connect(), &mut options(), &clock).unwrap()
}

pub fn count(database: &Database, from: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    diesel::sql_query(format!("select count(*) as count from {from}"))
        .get_result::<Count>(&mut database.connect())
        .unwrap()
        .count
}

pub fn outcomes(database: &Database) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    diesel::sql_query(
        "select coalesce(string_agg(concat_ws(' ', attempt, outcome, status), ', ' order by delivery_attempt_id), '') as line \
         from audit.delivery_attempt",
    )
    .get_result::<Line>(&mut database.connect())
    .unwrap()
    .line
}

/// A channel of our own: keeps the subjects of what it is sent.
#[derive(Debug, Default)]
pub struct Board(Mutex<Vec<String>>);

impl Board {
    pub fn subjects(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Channel for Board {
    fn recipients(&self) -> Vec<String> {
        Vec::new()
    }
    fn takes_picture(&self) -> bool {
        false
    }
    fn send(&self, envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let subject = envelope.message.subject.clone();
        self.0.lock().unwrap().push(subject);
        Ok(Receipt::default())
    }
}
