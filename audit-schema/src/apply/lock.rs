//! Locks that are waited for with patience, and given up before those who queue behind suffer.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Oid, Text};
use diesel::{PgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};

use super::{Options, Progress};
use crate::{Error, Result};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Somebody who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process of the server; `None` for a prepared transaction.
    pub pid: Option<i32>,
    /// The role.
    pub role: Option<String>,
    /// How the client calls itself.
    pub application: Option<String>,
    /// Its address; `None` on the server's own machine.
    pub client: Option<String>,
    /// `active`, `idle in transaction` …
    pub state: Option<String>,
    /// When the transaction began.
    pub since: Option<DateTime<Utc>>,
    /// What it runs, or ran last, as far as it may be seen.
    pub query: Option<String>,
}

/// How long somebody goes on waiting for locks, all of them together.
pub(crate) struct Patience(Instant);

impl Patience {
    pub(crate) fn new(length: Duration) -> Self {
        Self(Instant::now() + length)
    }

    /// Locks a table for the rest of the transaction; without one, all declarations.
    pub(crate) fn lock(
        &self,
        connection: &mut PgConnection,
        table: Option<(u32, &str)>,
        mode: &str,
    ) -> Result<()> {
        let left = self.0.saturating_duration_since(Instant::now());
        let outcome = diesel::sql_query(
            "select audit._lock_for_apply($1::oid::regclass, $2, $3 * interval '1 millisecond')",
        )
        .bind::<Nullable<Oid>, _>(table.map(|(oid, _)| oid))
        .bind::<Text, _>(mode)
        .bind::<BigInt, _>(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))
        .execute(connection)
        .map_err(Error::from);
        match outcome {
            Err(Error::Refused { fact, detail, .. })
                if fact == "table_is_locked" || fact == "policy_is_being_applied" =>
            {
                let holders = detail
                    .and_then(|detail| serde_json::from_str(&detail).ok())
                    .unwrap_or_default();
                Err(Error::Locked {
                    table: table.map(|(_, name)| name.to_owned()),
                    holders,
                    attempts: 1,
                })
            }
            outcome => outcome.map(|_| ()),
        }
    }
}

/// Does something again, after a pause that grows, for as long as it fails because of a lock.
pub(crate) fn again<T>(
    connection: &mut PgConnection,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
    mut work: impl FnMut(&mut PgConnection, &mut dyn FnMut(Progress<'_>)) -> Result<T>,
) -> Result<T> {
    let mut pause = options.pause;
    let mut attempts = 1;
    loop {
        match work(connection, progress) {
            Err(Error::Locked { table, holders, .. }) => {
                if attempts > options.retries {
                    return Err(Error::Locked {
                        table,
                        holders,
                        attempts,
                    });
                }
                progress(Progress::Locked {
                    table: table.as_deref(),
                    holders: &holders,
                    attempt: attempts,
                    pause,
                });
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
                attempts += 1;
            }
            outcome => return outcome,
        }
    }
}

/// `public.orders is locked by process 4711 (alice, psql, idle in transaction): lock table orders`.
pub(crate) fn in_words(table: Option<&str>, holders: &[Holder], attempts: u32) -> String {
    let tried = match attempts {
        1 => "nothing was applied".to_owned(),
        attempts => format!("nothing was applied in {attempts} attempts"),
    };
    let what = match table {
        Some(table) => format!("`{table}` is locked"),
        None => "somebody else applies a policy".to_owned(),
    };
    let who: Vec<String> = holders.iter().map(Holder::in_words).collect();
    match who.is_empty() {
        true => format!("{what}; {tried}"),
        false => format!("{what} by {}; {tried}", who.join(", and by ")),
    }
}

impl Holder {
    /// `process 4711 (alice, psql, idle in transaction, last `update orders …`)`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Some(pid) = self.pid else {
            return "a prepared transaction".to_owned();
        };
        let mut about: Vec<String> = [&self.role, &self.application, &self.client, &self.state]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        if let Some(query) = &self.query {
            let line = query.split_whitespace().collect::<Vec<_>>().join(" ");
            let short: String = line.chars().take(80).collect();
            let end = if short.len() < line.len() { " …" } else { "" };
            about.push(format!("`{short}{end}`"));
        }
        match about.is_empty() {
            true => format!("process {pid}"),
            false => format!("process {pid} ({})", about.join(", ")),
        }
    }
}
