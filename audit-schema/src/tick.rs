//! What time itself causes: the log is packed and folded, time-driven rules are asked, and alert policies are evaluated.

mod seen;

use std::collections::HashMap;

use audit_core::Severity;
use audit_core::alert::{self, Silence, Standing, Step};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Timestamptz};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result, time_rule};
use seen::{Seen, Stored};

/// A tick gives way after so many batches, so that alerts are looked at even while writers outrun it.
const MOST_BATCHES: usize = 1_000;
/// Retention has time, and alerts have not.
const MOST_DROPS: usize = 10;

/// What a tick did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TickReport {
    /// How many changes were moved out of the head of the log.
    pub moved: i64,
    /// How much was dropped because it is older than it is kept: segments, findings, alerts and so on.
    pub dropped: i64,
    /// How many conditions hold.
    pub holding: usize,
    /// What people are told, in the order in which it was found.
    pub notices: Vec<Notice>,
    /// How many of these notices no route sends anywhere.
    pub unrouted: i64,
    /// Alert policies that could not be evaluated.
    pub errors: Vec<PolicyError>,
}

/// Something that people are told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notice {
    /// The alert policy.
    pub policy: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it fires, goes on, or is over.
    pub message: alert::Message,
    /// One sentence with the numbers.
    pub title: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An alert policy that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyError {
    /// The name of the policy.
    pub policy: String,
    /// What the database said.
    pub error: String,
}

/// Does what is due at a time: moves what has settled out of the head of the log, asks time-driven rules, looks at every alert
/// policy, writes alerts, their history and the deliveries they cause, and drops what is older than it is kept. Running it twice changes nothing, and several may run at once.
///
/// # Examples
///
/// ```no_run
/// let mut conn = audit_schema::connect("postgres://localhost/shop")?;
/// let report = audit_schema::tick(&mut conn, chrono::Utc::now())?;
/// for notice in &report.notices {
///     eprintln!("{} {}", notice.severity.symbol(), notice.title);
/// }
/// # Ok::<(), audit_schema::Error>(())
/// ```
///
/// # Errors
/// When the database can not be reached or refuses. A policy that can not be evaluated is no error: it is reported, and
/// alerted on.
pub fn tick(conn: &mut PgConnection, clock: DateTime<Utc>) -> Result<TickReport> {
    let moved = pack(conn, clock)?;
    time_rule::ask_due(conn, clock)?;
    let report = conn
        .build_transaction()
        .read_committed()
        .run(|conn| evaluate(conn, clock))?;
    // Last, because nobody waits for it.
    let dropped = retain(conn, clock)?;
    Ok(TickReport {
        moved,
        dropped,
        ..report
    })
}

/// Packs what is worth a segment: a short head is left to grow for a minute, since its readers are exact all the same.
fn pack(conn: &mut PgConnection, clock: DateTime<Utc>) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Moved {
        /// Null while another tick is moving them.
        #[diesel(sql_type = Nullable<BigInt>)]
        moved: Option<i64>,
    }

    let mut total = 0;
    for _ in 0..MOST_BATCHES {
        let Moved { moved } =
            diesel::sql_query("select audit.tick(clock => $1, patience => '1 minute') as moved")
                .bind::<Timestamptz, _>(clock)
                .get_result(conn)?;
        match moved {
            None | Some(0) => break,
            Some(moved) => total += moved,
        }
    }
    Ok(total)
}

/// Drops what is older than it is kept, a few steps at a time; once nothing is left it looks again after ten minutes.
fn retain(conn: &mut PgConnection, clock: DateTime<Utc>) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Dropped {
        /// Null while another tick is dropping.
        #[diesel(sql_type = Nullable<BigInt>)]
        dropped: Option<i64>,
    }

    let mut total = 0;
    for _ in 0..MOST_DROPS {
        let Dropped { dropped } = diesel::sql_query(
            "select audit.retain(clock => $1, patience => '10 minutes') as dropped",
        )
        .bind::<Timestamptz, _>(clock)
        .get_result(conn)?;
        match dropped {
            None | Some(0) => break,
            Some(dropped) => total += dropped,
        }
    }
    Ok(total)
}

fn evaluate(conn: &mut PgConnection, clock: DateTime<Utc>) -> Result<TickReport> {
    // The lock comes with the episodes, so it is held before anything is observed.
    let episodes: Vec<Stored> = objects(
        conn,
        "select latest as object from audit.latest_episodes($1) as latest",
        clock,
    )?;
    let episodes: HashMap<String, Stored> = episodes
        .into_iter()
        .map(|stored| (stored.fingerprint.clone(), stored))
        .collect();
    let silences: Vec<Silence> = objects(
        conn,
        "select silence as object from audit.silences_at($1) as silence",
        clock,
    )?;
    let seen: Vec<Seen> = objects(
        conn,
        "select seen as object from audit.observe($1) as seen",
        clock,
    )?;
    let mut looks: Vec<Look<'_>> = seen
        .iter()
        .map(|seen| Look::new(seen, episodes.get(&seen.fingerprint), &silences, clock))
        .collect();
    inhibit(&mut looks, clock);

    let mut report = TickReport::default();
    let mut records = Vec::new();
    for look in looks {
        let seen = look.seen;
        report.holding += usize::from(seen.holds);
        if let Some(error) = &seen.error {
            report.errors.push(PolicyError {
                policy: seen.policy.clone(),
                error: error.clone(),
            });
        }
        let Some(episode) = &look.step.episode else {
            continue;
        };
        report
            .notices
            .extend(look.step.messages().map(|message| Notice {
                policy: seen.policy.clone(),
                severity: episode.severity,
                message,
                title: look.observation.title.clone(),
                at: clock,
            }));
        let was_to_stay = look.before.is_some_and(|stored| stored.stays_resolved);
        if episode.is_open()
            || !look.step.transitions.is_empty()
            || was_to_stay != episode.stays_resolved
        {
            records.push(seen.record(
                look.before.filter(|_| !look.step.begins()),
                &look.observation,
                episode,
                &look.step.transitions,
                clock,
            )?);
        }
    }

    if !records.is_empty() {
        #[derive(QueryableByName)]
        struct Unrouted {
            #[diesel(sql_type = BigInt)]
            unrouted: i64,
        }
        let row: Unrouted = diesel::sql_query("select audit.record_alerts($1, $2) as unrouted")
            .bind::<Timestamptz, _>(clock)
            .bind::<Jsonb, _>(Value::Array(records))
            .get_result(conn)?;
        report.unrouted = row.unrouted;
    }
    Ok(report)
}

/// What was seen of one fingerprint, and what follows from it.
struct Look<'a> {
    seen: &'a Seen,
    before: Option<&'a Stored>,
    observation: alert::Observation,
    step: Step,
}

impl<'a> Look<'a> {
    fn new(
        seen: &'a Seen,
        before: Option<&'a Stored>,
        silences: &[Silence],
        clock: DateTime<Utc>,
    ) -> Self {
        let mut observation = seen.observation(before);
        observation.muted = silences
            .iter()
            .find(|silence| silence.matchers.matches(&observation))
            .map(Silence::to_string);
        let mut look = Look {
            step: Step {
                episode: None,
                transitions: Vec::new(),
            },
            seen,
            before,
            observation,
        };
        look.decide(clock);
        look
    }

    fn decide(&mut self, clock: DateTime<Utc>) {
        self.step = alert::step(
            self.before.map(Stored::episode).as_ref(),
            &self.observation,
            &self.seen.timing(),
            clock,
        );
    }

    fn is_firing(&self) -> bool {
        let episode = self.step.episode.as_ref();
        episode.is_some_and(alert::Episode::is_firing)
    }
}

/// Mutes what another alert explains that fires now, and decides anew. Whether an alert fires does not depend on whether
/// anybody is told, so no decision about another one changes by that.
fn inhibit(looks: &mut [Look<'_>], clock: DateTime<Utc>) {
    if looks.iter().all(|look| look.seen.inhibited_by.is_empty()) {
        return;
    }
    let firing: Vec<usize> = (0..looks.len())
        .filter(|place| looks[*place].is_firing())
        .collect();
    let standing: Vec<Standing<'_>> = firing
        .iter()
        .map(|place| looks[*place].seen.standing())
        .collect();
    let explained: Vec<(usize, String)> = alert::inhibitors(&standing)
        .into_iter()
        .zip(&firing)
        .filter_map(|(parent, place)| {
            let parent = &looks[firing[parent?]];
            Some((
                *place,
                format!(
                    "inhibited by {}: {}",
                    parent.seen.policy, parent.observation.title
                ),
            ))
        })
        .collect();
    for (place, reason) in explained {
        let look = &mut looks[place];
        look.observation.muted.get_or_insert(reason);
        look.decide(clock);
    }
}

fn objects<T: for<'de> Deserialize<'de>>(
    conn: &mut PgConnection,
    query: &str,
    clock: DateTime<Utc>,
) -> Result<Vec<T>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        object: Value,
    }

    diesel::sql_query(query)
        .bind::<Timestamptz, _>(clock)
        .load::<Row>(conn)?
        .into_iter()
        .map(|row| serde_json::from_value(row.object).map_err(Error::unreadable))
        .collect()
}
