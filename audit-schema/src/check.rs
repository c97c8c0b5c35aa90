//! Rules on rows that exist: read in many short transactions, so that a table may be as large as it wants.

use std::thread;
use std::time::{Duration, Instant};

use audit_core::{Action, Policy, Severity};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{Connection, OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::apply::{self, carry_out};
use crate::{Error, Result};

/// How a table is checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The rules that are checked, by name; none means all.
    pub rules: Vec<String>,
    /// Begin anew, even if a check of the same rules was not finished.
    pub restart: bool,
    /// Exactly so many rows in a batch; `None` lets a batch grow until it lasts about a tenth of a second.
    pub batch_rows: Option<u32>,
    /// How much of the time is worked.
    pub throttle: Throttle,
}

/// How much a check holds itself back, so that others are not disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Throttle {
    /// Not at all.
    #[default]
    None,
    /// It works for this share of the time, above 0 and at most 1, and rests for the other.
    Share(f64),
    /// It reads at most so many rows in a second.
    RowsPerSecond(f64),
}

/// How far a check has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'c> {
    /// The table, as `schema.table`.
    pub table: &'c str,
    /// Rows that were read, with those that were read before the check was picked up.
    pub rows: i64,
    /// Rows that were read before the check was picked up.
    pub resumed_at: i64,
    /// About how many rows there are.
    pub expected: i64,
    /// The rule that is asked of the whole table in one statement, after all rows were read; none is left if `None`.
    pub whole: Option<&'c str>,
}

/// What a check of one table found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// The table, as `schema.table`.
    pub table: String,
    /// Rows that were read.
    pub rows: i64,
    /// Rows that an earlier, unfinished check had read already.
    pub resumed_at: i64,
    /// Transactions that it took.
    pub batches: i64,
    /// Whether rows were read by primary key; else by their place in the file, as there is none.
    pub by_key: bool,
    /// How long this process took, with its rests.
    pub took: Duration,
    /// The longest batch of this process: no transaction lasted longer.
    pub longest: Duration,
    /// What was found for each rule, worst severity first.
    pub rules: Vec<CheckedRule>,
}

/// What a check found for one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckedRule {
    /// The name of the rule.
    pub name: String,
    /// How much a failure matters.
    pub severity: Severity,
    /// What happens to a row that fails it when it is written. A check does nothing to it.
    pub action: Action,
    /// Who has to fix what fails.
    pub owner: String,
    /// The share of rows that has to pass for it to be taken as kept; `None` means all.
    pub mostly: Option<f64>,
    /// It is on trial: nobody hears of what fails.
    pub shadow: bool,
    /// How it was checked.
    pub how: How,
    /// Rows that fail it.
    pub failing: i64,
    /// The primary keys of the first 100 of them, as text; their places (`ctid`) in a table without a primary key.
    pub keys: Vec<String>,
    /// The columns of the rule in the first three of them.
    pub samples: Vec<Value>,
    /// Rows for which it raised an error: they neither pass nor fail.
    pub errors: i64,
    /// The first such error.
    pub error: Option<String>,
    /// The keys of the rows for which it did.
    pub error_keys: Vec<String>,
    /// Whether it raised so many errors that it was given up before the last row.
    pub given_up: bool,
}

/// How a rule is checked on rows that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It was asked of every row.
    Row,
    /// One statement over the whole table, because no index serves it.
    Whole,
    /// A unique index of the table keeps it, so that nothing had to be read.
    Proven,
}

/// The last check of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, QueryableByName)]
pub struct LastCheck {
    /// The table, as `schema.table`.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// When it had read everything; `None` until then.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
    /// Rows that were read.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// About how many there were when it began.
    #[diesel(sql_type = BigInt)]
    pub expected: i64,
    /// Rules that were checked.
    #[diesel(sql_type = BigInt)]
    pub rules: i64,
    /// Rules that some row fails, or for which some row raises an error.
    #[diesel(sql_type = BigInt)]
    pub failing_rules: i64,
}

impl CheckedRule {
    /// Whether every row passes.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.failing == 0 && self.errors == 0
    }
}

impl Checked {
    /// Whether a rule is kept: every row passes it, or as many as its `mostly` demands.
    #[must_use]
    pub fn keeps(&self, rule: &CheckedRule) -> bool {
        let allowed = rule
            .mostly
            .map_or(0.0, |mostly| (1.0 - mostly) * self.rows as f64);
        rule.errors == 0 && rule.failing as f64 <= allowed + 1e-9
    }

    /// The worst severity among the rules that are not kept, those in shadow left out.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.rules
            .iter()
            .filter(|rule| !rule.shadow && !self.keeps(rule))
            .map(|rule| rule.severity)
            .max()
    }
}

/// Checks the rules of a watched table on all rows that exist, in batches of a transaction each, and records the result in
/// the database. Nothing is done to a row that fails.
///
/// A check that was cut off, however hard, is picked up where it stopped. Two who check the same rules of a table at the
/// same time share the work. A row that is written while the check goes on is checked by the write; the check may see it
/// before or after. `None` comes back for a table without a rule that can be checked.
///
/// # Examples
///
/// ```no_run
/// use audit_schema::check::{Options, Throttle, check};
///
/// # fn main() -> audit_schema::Result<()> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// let options = Options { throttle: Throttle::Share(0.25), ..Options::default() };
/// if let Some(checked) = check(&mut connection, "public.orders", &options, &mut |_| ())? {
///     for rule in checked.rules.iter().filter(|rule| !rule.holds()) {
///         println!("{}: {} rows, first {:?}", rule.name, rule.failing, rule.keys.first());
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Refused`] with `table_is_not_watched`, `rule_does_not_exist`, or `check_was_given_up` if somebody began the
/// same check anew. The connection must have no transaction open.
pub fn check(
    connection: &mut PgConnection,
    table: &str,
    options: &Options,
    on_progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Option<Checked>> {
    #[derive(QueryableByName)]
    struct Begun {
        #[diesel(sql_type = Nullable<BigInt>)]
        number: Option<i64>,
    }
    #[derive(QueryableByName)]
    struct Run {
        #[diesel(sql_type = Text)]
        table: String,
        #[diesel(sql_type = Jsonb)]
        plan: Value,
        #[diesel(sql_type = BigInt)]
        expected: i64,
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    let rules = (!options.rules.is_empty()).then_some(&options.rules);
    let begun: Begun = alone(connection, |connection| {
        diesel::sql_query("select audit.begin_check($1::regclass, $2, $3) as number")
            .bind::<Text, _>(table)
            .bind::<Nullable<Array<Text>>, _>(rules)
            .bind::<Bool, _>(options.restart)
            .get_result(connection)
    })?;
    let Some(number) = begun.number else {
        return Ok(None);
    };
    let run: Option<Run> = diesel::sql_query(
        "select w.name as \"table\", c.plan, c.expected, c.rows
         from audit.check_run c
         join audit.watched_table w using (table_id)
         where c.check_run_id = $1",
    )
    .bind::<BigInt, _>(number)
    .get_result(connection)
    .optional()?;
    let Some(run) = run else { return Ok(None) };

    let work = Work {
        table: run.table,
        plan: read(run.plan)?,
        expected: run.expected,
        resumed_at: run.rows,
    };
    let checked = work.carry_on(options, on_progress, &mut |most| {
        alone(connection, |connection| {
            diesel::sql_query("select audit.check_batch($1, $2) as progress")
                .bind::<BigInt, _>(number)
                .bind::<Integer, _>(most)
                .get_result(connection)
        })
    })?;
    Ok(Some(checked))
}

/// Checks the rules of a policy that need not be applied, on the rows of its tables. Nothing of it is kept in the
/// database, so a check that was cut off can not be picked up.
///
/// `tables` names the tables of the policy that are meant; none means all. The role must be one that may
/// [`plan`](crate::plan()) the policy, and the rows are read with its rights.
///
/// # Errors
///
/// [`Error::Policy`] with everything that the database does not understand, each with its place in the file.
pub fn check_policy(
    connection: &mut PgConnection,
    policy: &Policy,
    tables: &[String],
    options: &Options,
    on_progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Checked>> {
    #[derive(QueryableByName)]
    struct Planned {
        #[diesel(sql_type = Text)]
        table: String,
        #[diesel(sql_type = Nullable<Jsonb>)]
        plan: Option<Value>,
        #[diesel(sql_type = BigInt)]
        expected: i64,
    }
    let rules = (!options.rules.is_empty()).then_some(&options.rules);
    let names: Vec<&str> = policy
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    let mut planned: Vec<Planned> = Vec::new();
    let outcome = connection.transaction::<(), Error, _>(|connection| {
        // What is declared by SQL otherwise is not what is asked about.
        let how = apply::How {
            prune: true,
            ..apply::How::TRIED
        };
        carry_out(connection, policy, &how, &mut |_| {})?;
        planned = diesel::sql_query(
            "select w.name as \"table\", audit._check_plan(w.table_id, $3) as plan,
                 coalesce((select c.rows from audit.table_counter c where c.table_id = w.table_id),
                     (select greatest(c.reltuples, 0)::bigint from pg_catalog.pg_class c where c.oid = w.relation))::bigint as expected
             from audit.watched_table w
             where w.unwatched_at is null
                 and w.relation in (select pg_catalog.to_regclass(n) from pg_catalog.unnest($1) n)
                 and (pg_catalog.cardinality($2) = 0 or w.relation in (select n::regclass from pg_catalog.unnest($2) n))
             order by w.name",
        )
        .bind::<Array<Text>, _>(&names)
        .bind::<Array<Text>, _>(tables)
        .bind::<Nullable<Array<Text>>, _>(rules)
        .load(connection)?;
        Err(Error::Database(diesel::result::Error::RollbackTransaction))
    });
    match outcome {
        Err(Error::Database(diesel::result::Error::RollbackTransaction)) | Ok(()) => {}
        Err(error) => return Err(error),
    }

    let mut checked = Vec::new();
    for Planned {
        table,
        plan,
        expected,
    } in planned
    {
        let Some(plan) = plan else { continue };
        let work = Work {
            table,
            plan: read(plan.clone())?,
            expected,
            resumed_at: 0,
        };
        let mut progress =
            json!({ "position": null, "rows": 0, "batches": 0, "ended": false, "results": null });
        checked.push(work.carry_on(options, on_progress, &mut |most| {
            let step: Step = alone(connection, |connection| {
                diesel::sql_query(
                    "select audit._check_step($1, case
                         when $2 -> 'results' = 'null' then $2 || pg_catalog.jsonb_build_object('results', audit._check_results($1))
                         else $2
                     end, $3) as progress",
                )
                .bind::<Jsonb, _>(&plan)
                .bind::<Jsonb, _>(&progress)
                .bind::<Integer, _>(most)
                .get_result(connection)
            })?;
            progress = step.progress.clone();
            Ok(step)
        })?);
    }
    Ok(checked)
}

/// The watched tables that have a rule, or one of the rules that are named, by name.
///
/// # Errors
///
/// When the role may not read the declarations.
pub fn tables_with_rules(connection: &mut PgConnection, rules: &[String]) -> Result<Vec<String>> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    Ok(diesel::sql_query(
        "select w.relation::text as name
         from audit.watched_table w
         where w.unwatched_at is null
             and exists (
                 select
                 from audit.rule r
                 where r.table_id = w.table_id
                     and r.retired_at is null
                     and (r.name = any ($1) or pg_catalog.cardinality($1) = 0)
             )
         order by w.name",
    )
    .bind::<Array<Text>, _>(rules)
    .load::<Name>(connection)?
    .into_iter()
    .map(|row| row.name)
    .collect())
}

/// The last check of every watched table that was ever checked, and every check that is not finished, by table.
///
/// # Errors
///
/// When the role may not read the pipeline's tables.
pub fn last_checks(connection: &mut PgConnection) -> Result<Vec<LastCheck>> {
    Ok(diesel::sql_query(
        "select w.name as \"table\", c.started_at, c.ended_at, c.rows, c.expected,
             pg_catalog.cardinality(c.rules)::bigint as rules,
             (
                 select count(*)
                 from pg_catalog.jsonb_array_elements(c.results) r
                 where (r ->> 'failing')::bigint > 0 or (r ->> 'errors')::bigint > 0
             ) as failing_rules
         from audit.check_run c
         join audit.watched_table w using (table_id)
         where w.unwatched_at is null
             and (
                 c.ended_at is null
                 or c.check_run_id = (
                     select max(l.check_run_id) from audit.check_run l where l.table_id = c.table_id and l.ended_at is not null
                 )
             )
         order by w.name, c.check_run_id",
    )
    .load(connection)?)
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Jsonb)]
    progress: Value,
}

/// The parts of a plan that a person hears of.
#[derive(Deserialize)]
struct Plan {
    by_key: bool,
    rules: Vec<PlannedRule>,
}

#[derive(Deserialize)]
struct PlannedRule {
    name: String,
    severity: String,
    action: String,
    owner: String,
    mostly: Option<f64>,
    shadow: bool,
    how: How,
}

#[derive(Deserialize)]
struct Reached {
    rows: i64,
    batches: i64,
    #[serde(default)]
    ended: bool,
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    failing: i64,
    keys: Vec<String>,
    samples: Vec<Value>,
    errors: i64,
    error: Option<String>,
    error_keys: Vec<String>,
    given_up: bool,
    waits: bool,
}

struct Work {
    table: String,
    plan: Plan,
    expected: i64,
    resumed_at: i64,
}

impl Work {
    /// Takes step after step, until there is none left.
    fn carry_on(
        self,
        options: &Options,
        on_progress: &mut dyn FnMut(Progress<'_>),
        step: &mut dyn FnMut(i32) -> Result<Step>,
    ) -> Result<Checked> {
        let (started, mut longest) = (Instant::now(), Duration::ZERO);
        let mut most = options
            .throttle
            .at_most(options.batch_rows.unwrap_or(FIRST_BATCH));
        let mut rows = self.resumed_at;
        self.tell(on_progress, rows, None);
        loop {
            let begun = Instant::now();
            let reached: Reached = read(step(i32::try_from(most).unwrap_or(i32::MAX))?.progress)?;
            let took = begun.elapsed();
            longest = longest.max(took);
            let whole = || {
                let waits = reached.results.iter().position(|found| found.waits)?;
                Some(self.plan.rules.get(waits)?.name.as_str())
            };
            self.tell(on_progress, reached.rows, whole());
            if reached.ended {
                return self.checked(reached, started.elapsed(), longest);
            }
            thread::sleep(options.throttle.rest(reached.rows - rows, took));
            rows = reached.rows;
            if options.batch_rows.is_none() {
                most = options.throttle.at_most(next_size(most, took));
            }
        }
    }

    fn tell(&self, on_progress: &mut dyn FnMut(Progress<'_>), rows: i64, whole: Option<&str>) {
        on_progress(Progress {
            table: &self.table,
            rows,
            resumed_at: self.resumed_at,
            expected: self.expected,
            whole,
        });
    }

    fn checked(self, reached: Reached, took: Duration, longest: Duration) -> Result<Checked> {
        let rules = self
            .plan
            .rules
            .into_iter()
            .zip(reached.results)
            .map(|(rule, found)| {
                Ok(CheckedRule {
                    name: rule.name,
                    severity: rule.severity.parse().map_err(Error::unreadable)?,
                    action: rule.action.parse().map_err(Error::unreadable)?,
                    owner: rule.owner,
                    mostly: rule.mostly,
                    shadow: rule.shadow,
                    how: rule.how,
                    failing: found.failing,
                    keys: found.keys,
                    samples: found.samples,
                    errors: found.errors,
                    error: found.error,
                    error_keys: found.error_keys,
                    given_up: found.given_up,
                })
            });
        Ok(Checked {
            table: self.table,
            rows: reached.rows,
            resumed_at: self.resumed_at,
            batches: reached.batches,
            by_key: self.plan.by_key,
            took,
            longest,
            rules: rules.collect::<Result<_>>()?,
        })
    }
}

/// Small enough to be short on a slow machine; it doubles with each batch from there.
const FIRST_BATCH: u32 = 1_000;
/// Below this the work around a batch costs more than the batch.
const SMALLEST_BATCH: u32 = 100;
/// Above this nothing is gained.
const LARGEST_BATCH: u32 = 500_000;
/// How long a batch should last.
const BATCH: Duration = Duration::from_millis(100);

/// The size of the next batch, after one of `size` rows took so long.
fn next_size(size: u32, took: Duration) -> u32 {
    let factor = (BATCH.as_secs_f64() / took.as_secs_f64().max(1e-6)).clamp(0.25, 2.0);
    // A batch is at most half a million rows, which a float holds exactly.
    ((f64::from(size) * factor) as u32).clamp(SMALLEST_BATCH, LARGEST_BATCH)
}

impl Throttle {
    /// How long to rest after a batch of so many rows that took so long.
    fn rest(self, rows: i64, took: Duration) -> Duration {
        match self {
            Throttle::None => Duration::ZERO,
            Throttle::Share(share) => {
                let share = share.clamp(0.001, 1.0);
                took.mul_f64(1.0 / share - 1.0)
            }
            Throttle::RowsPerSecond(rate) => {
                let due = Duration::from_secs_f64(rows.max(0) as f64 / rate.max(0.1));
                due.saturating_sub(took)
            }
        }
    }

    /// A batch that is due to rest for long reads less, so that the rests are short and many.
    fn at_most(self, size: u32) -> u32 {
        match self {
            Throttle::RowsPerSecond(rate) => size.min((rate / 2.0).max(1.0) as u32),
            _ => size,
        }
    }
}

/// Runs a statement in a transaction of its own, in which each statement sees what is committed.
fn alone<T>(
    connection: &mut PgConnection,
    statement: impl FnOnce(&mut PgConnection) -> diesel::QueryResult<T>,
) -> Result<T> {
    Ok(connection
        .build_transaction()
        .read_committed()
        .run(statement)?)
}

fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_grows_until_it_lasts_a_tenth_of_a_second() {
        assert_eq!(next_size(1_000, Duration::from_millis(5)), 2_000);
        assert_eq!(next_size(10_000, Duration::from_millis(100)), 10_000);
        assert_eq!(next_size(10_000, Duration::from_millis(200)), 5_000);
        assert_eq!(next_size(10_000, Duration::from_secs(9)), 2_500);
        assert_eq!(next_size(100, Duration::from_secs(9)), SMALLEST_BATCH);
        assert_eq!(next_size(LARGEST_BATCH, Duration::ZERO), LARGEST_BATCH);
    }

    #[test]
    fn a_throttled_check_rests_for_the_other_share_of_the_time() {
        let took = Duration::from_millis(100);
        assert_eq!(Throttle::None.rest(1_000, took), Duration::ZERO);
        assert_eq!(
            Throttle::Share(0.25).rest(1_000, took),
            Duration::from_millis(300)
        );
        assert_eq!(Throttle::Share(1.0).rest(1_000, took), Duration::ZERO);
        assert_eq!(
            Throttle::RowsPerSecond(2_000.0).rest(1_000, took),
            Duration::from_millis(400)
        );
        assert_eq!(
            Throttle::RowsPerSecond(2_000.0).rest(100, took),
            Duration::ZERO
        );
        assert_eq!(Throttle::RowsPerSecond(2_000.0).at_most(50_000), 1_000);
    }
}
