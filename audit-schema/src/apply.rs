//! Makes a database be as a policy declares it.

mod alerts;
mod channels;
pub(crate) mod lock;
mod notices;
mod privacy;
mod refusals;
mod rules;
mod silences;
mod summaries;
mod tables;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use audit_core::policy::Problem;
use audit_core::{Policy, PolicyErrors};
use diesel::result::QueryResult;
use diesel::sql_types::{Integer, Oid, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};

use crate::applied::{self, Provenance};
use crate::declared::{self, Declared, Origin, Relation};
use crate::plan::{Difference, Kept, Lock, Object, Plan, Planned, Verb};
use crate::{Error, Result};
pub use lock::Holder;
use lock::Patience;

/// How a policy is applied.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long an attempt waits for locks at most. Writers queue behind a lock that is waited for.
    pub lock_timeout: Duration,
    /// How many more attempts there are after one that waited in vain.
    pub retries: u32,
    /// The pause before the second attempt. It doubles before each further one, up to half a minute.
    pub pause: Duration,
    /// Drop and change also what was declared by SQL, so that the database becomes exactly what the policy says.
    pub prune: bool,
    /// Who does it, for the record.
    pub by: Provenance,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(5),
            retries: 5,
            pause: Duration::from_secs(1),
            prune: false,
            by: Provenance::default(),
        }
    }
}

/// What a plan or an apply is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'p> {
    /// The rows of a table are read to say how many fail a rule.
    Counting {
        /// The table, as `schema.table`.
        table: &'p str,
        /// The rule.
        rule: &'p str,
    },
    /// Counters of a table start from a scan, while its writers wait.
    Starting {
        /// The table, as `schema.table`.
        table: &'p str,
        /// About how many rows it has.
        rows: i64,
        /// How often they are read.
        scans: usize,
    },
    /// The summaries of a table start from a scan, while its writers go on.
    Summing {
        /// The table, as `schema.table`.
        table: &'p str,
    },
    /// Somebody holds a lock; after a pause it is tried again.
    Locked {
        /// The table; `None` if somebody else applies a policy.
        table: Option<&'p str>,
        /// Who holds locks on it.
        holders: &'p [Holder],
        /// Which attempt it was, from 1.
        attempt: u32,
        /// How long the pause is.
        pause: Duration,
    },
}

/// Makes the database be as the policy declares it, in one transaction, and says what changed. Applying a policy again
/// changes nothing. New and changed summaries then start, each table in a transaction of its own; until then the former
/// version of a summary stands.
///
/// What an earlier policy declared and this one does not is dropped; what was logged, found and sent because of it stays.
/// What somebody declared or changed by SQL stays as it is, and is listed as kept. Writers of a table wait while its new
/// counters start from a scan; new summaries start while they go on. A lock is waited for five seconds, so that nobody
/// queues longer behind it, and then tried again, five times. Who applied what is recorded in `audit.applied_policy`.
/// The role must be a member of `audit_admin` and own the watched tables.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = audit_core::Policy::parse(&std::fs::read_to_string("audit.yml")?, "audit.yml")?;
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// audit_schema::apply(&mut connection, &policy)?;
/// assert!(audit_schema::apply(&mut connection, &policy)?.is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Policy`] with everything that the database does not understand, each with its place in the file; then
/// nothing was applied. [`Error::Locked`] if somebody held a lock for too long.
pub fn apply(connection: &mut PgConnection, policy: &Policy) -> Result<Plan> {
    apply_with(connection, policy, &Options::default(), &mut |_| {})
}

/// As [`apply()`], with options, and telling what it is busy with.
///
/// # Errors
///
/// As [`apply()`].
pub fn apply_with(
    connection: &mut PgConnection,
    policy: &Policy,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Plan> {
    let how = How {
        mode: Mode::Apply,
        prune: options.prune,
        counted_up_to: None,
        patience: options.lock_timeout,
    };
    let plan = lock::again(connection, options, progress, |connection, progress| {
        connection.transaction(|connection| {
            let plan = carry_out(connection, policy, &how, progress)?;
            let declared = declared::load(connection)?;
            applied::record(connection, policy.file(), &options.by, &plan, &declared)?;
            Ok(plan)
        })
    })?;
    start_summaries(connection, options, progress)?;
    Ok(plan)
}

/// Starts the summaries that have not started, each table in a transaction of its own, so that writers go on.
fn start_summaries(
    connection: &mut PgConnection,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<()> {
    #[derive(QueryableByName)]
    struct Unstarted {
        #[diesel(sql_type = Integer)]
        table_id: i32,
        #[diesel(sql_type = Oid)]
        relation: u32,
        #[diesel(sql_type = Text)]
        name: String,
    }
    let tables: Vec<Unstarted> = diesel::sql_query(
        "select w.table_id, w.relation::oid as relation, w.name
        from audit.watched_table w
        where w.unwatched_at is null and exists (select audit._unstarted_summaries(w.table_id))
        order by w.table_id",
    )
    .load(connection)?;
    for table in tables {
        let at = (table.relation, table.name.as_str());
        lock::again(connection, options, progress, |connection, progress| {
            let patience = Patience::new(options.lock_timeout);
            connection.transaction(|connection| {
                patience.lock(connection, None, LOCK)?;
                progress(Progress::Summing { table: at.1 });
                // Who began to write by an older function is waited for, and the lock given back at once.
                let passed = connection.transaction::<(), Error, _>(|connection| {
                    patience.lock(connection, Some(at), LOCK)?;
                    Err(diesel::result::Error::RollbackTransaction.into())
                });
                if let Err(error @ Error::Locked { .. }) = passed {
                    return Err(error);
                }
                // Somebody else may have started them meanwhile.
                diesel::sql_query(
                    "select audit.compile(w.relation)
                    from audit.watched_table w
                    where w.table_id = $1 and w.unwatched_at is null and exists (select audit._unstarted_summaries(w.table_id))",
                )
                .bind::<Integer, _>(table.table_id)
                .execute(connection)?;
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// What a table is locked with while its counters start: readers go on, writers wait.
const LOCK: &str = "share row exclusive";

/// How a policy is carried out.
pub(crate) struct How {
    /// Whether to last.
    pub(crate) mode: Mode,
    /// Whether what was declared by SQL goes too.
    pub(crate) prune: bool,
    /// The size in bytes up to which a table is read to count what fails; `None` counts nothing.
    pub(crate) counted_up_to: Option<i64>,
    /// How long all locks together are waited for.
    pub(crate) patience: Duration,
}

/// Whether changes are made to last, or only tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything is declared, but nothing is attached to a table; the caller rolls back.
    Try,
    /// Everything is declared and compiled.
    Apply,
}

impl How {
    /// Tried, without counting what fails. It waits so long until somebody else has applied a policy.
    pub(crate) const TRIED: Self = Self {
        mode: Mode::Try,
        prune: false,
        counted_up_to: None,
        patience: Duration::from_secs(60),
    };
}

/// Declares a policy. The caller has opened a transaction, and ends it.
pub(crate) fn carry_out(
    connection: &mut PgConnection,
    policy: &Policy,
    how: &How,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Plan> {
    // Two who apply at the same time would each plan from what the other is changing.
    let patience = Patience::new(how.patience);
    patience.lock(connection, None, LOCK)?;
    let declared = declared::load(connection)?;
    let mut work = Work {
        connection,
        policy,
        declared: &declared,
        mode: how.mode,
        how,
        progress,
        patience,
        plan: Plan::default(),
        problems: Vec::new(),
        touched: BTreeMap::new(),
        relations: HashMap::new(),
        counted_rows: HashMap::new(),
    };
    work.resolve_tables()?;
    work.retention()?;
    for table in &policy.tables {
        work.table(table)?;
    }
    let summaries = work.summaries()?;
    work.hidden_reads(&summaries)?;
    work.bounds(&summaries)?;
    work.alerts(&summaries)?;
    work.channels()?;
    work.routes()?;
    work.silences()?;
    work.finish()
}

struct Work<'w> {
    connection: &'w mut PgConnection,
    policy: &'w Policy,
    declared: &'w Declared,
    mode: Mode,
    how: &'w How,
    progress: &'w mut dyn FnMut(Progress<'_>),
    patience: Patience,
    plan: Plan,
    problems: Vec<Problem>,
    /// The tables to compile, by name, with how many counters have to start.
    touched: BTreeMap<String, Touched>,
    /// The tables of the policy that are there and can be watched, by name.
    relations: HashMap<String, Relation>,
    /// How many rows tables have, of those that were counted.
    counted_rows: HashMap<String, i64>,
}

#[derive(Default)]
struct Touched {
    relation: u32,
    /// About how many rows it has.
    rows: i64,
    is_new: bool,
    scans: usize,
    /// How long the plan took for scans like these, in seconds, and for how many of them.
    measured: f64,
    measured_scans: usize,
}

impl Touched {
    /// About how long all scans take.
    fn seconds(&self) -> Option<f64> {
        match self.measured_scans {
            0 => None,
            measured => Some(self.measured / measured as f64 * self.scans as f64),
        }
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Integer)]
    number: i32,
}

impl Work<'_> {
    fn finish(mut self) -> Result<Plan> {
        let policy_tables: Vec<u32> = self
            .relations
            .values()
            .map(|relation| relation.relation)
            .collect();
        let dropped = self
            .declared
            .tables
            .iter()
            .filter(|stored| !policy_tables.contains(&stored.relation));
        // A table that only has a wrong name in the policy must not look as if it were to be dropped; nothing is
        // applied then anyway.
        if !self.problems.is_empty() {
            return Err(PolicyErrors::new(self.problems).into());
        }
        for stored in dropped {
            if self.keep_table(stored)? {
                continue;
            }
            if self.mode == Mode::Apply {
                let table = Some((stored.relation, stored.name.as_str()));
                self.patience
                    .lock(self.connection, table, "access exclusive")?;
                diesel::sql_query("select audit.unwatch($1::oid::regclass)")
                    .bind::<Oid, _>(stored.relation)
                    .execute(self.connection)?;
            }
            self.plan.locks.push(Lock {
                table: stored.name.clone(),
                mode: "access exclusive",
                rows: 0,
                scans: 0,
                seconds: None,
            });
            self.drop_object(Object::Table, &stored.name, None);
        }
        for (table, touched) in std::mem::take(&mut self.touched) {
            let is_locked = touched.is_new || touched.scans > 0;
            if self.mode == Mode::Apply {
                if is_locked {
                    let at = Some((touched.relation, table.as_str()));
                    self.patience.lock(self.connection, at, LOCK)?;
                    (self.progress)(Progress::Starting {
                        table: &table,
                        rows: touched.rows,
                        scans: touched.scans,
                    });
                }
                diesel::sql_query(
                    "select audit.compile($1::oid::regclass, start_summaries => false)",
                )
                .bind::<Oid, _>(touched.relation)
                .execute(self.connection)?;
            }
            if is_locked {
                self.plan.locks.push(Lock {
                    seconds: touched.seconds(),
                    table,
                    mode: LOCK,
                    rows: touched.rows,
                    scans: touched.scans,
                });
            }
        }
        self.notices();
        Ok(self.plan)
    }

    /// Whether a table that is not in the policy stays watched, because of what was declared by SQL. Rules of it that an
    /// earlier policy declared go.
    fn keep_table(&mut self, stored: &declared::Table) -> Result<bool> {
        let declared = self.declared;
        let rules = || {
            let rules = declared.rules.iter();
            rules.filter(|rule| rule.relation == stored.relation)
        };
        let is_rule_by_sql =
            |rule: &&declared::Rule| declared.is_by_sql(Object::Rule, rule.rule_id);
        let by_sql = rules().filter(is_rule_by_sql).count();
        let is_summed = declared.summaries.iter().any(|summary| {
            summary.relation == stored.relation
                && declared.is_by_sql(Object::Summary, summary.summary_id)
        });
        let is_by_sql = declared.is_by_sql(Object::Table, stored.table_id);
        if self.how.prune || !(is_by_sql || by_sql > 0 || is_summed) {
            return Ok(false);
        }
        for rule in rules().filter(|rule| !is_rule_by_sql(rule)) {
            diesel::sql_query("select audit.retire_rule($1)")
                .bind::<Integer, _>(rule.rule_id)
                .execute(self.connection)?;
            self.touched
                .entry(stored.name.clone())
                .or_default()
                .relation = stored.relation;
            self.drop_object(Object::Rule, &rule.name, Some(&stored.name));
        }
        let what = match by_sql {
            0 => String::new(),
            1 => "with a rule of its own".to_owned(),
            rules => format!("with {rules} rules of its own"),
        };
        let origin = match rules().find(is_rule_by_sql) {
            Some(rule) if !is_by_sql => &rule.origin,
            _ => &stored.origin,
        };
        self.keep(Object::Table, &stored.name, None, what, origin, None);
        Ok(true)
    }

    /// Whether something that is in force and is not, or not so, in the policy stays because it was declared by SQL.
    fn stays(&self, object: Object, id: i32) -> bool {
        !self.how.prune && self.declared.is_by_sql(object, id)
    }

    /// Notes what stays. `differences` are those from what is in force to what the policy has, if it has anything.
    fn keep(
        &mut self,
        object: Object,
        name: &str,
        table: Option<&str>,
        what: String,
        origin: &Origin,
        differences: Option<Vec<Difference>>,
    ) {
        self.plan.kept.push(Kept {
            object,
            name: name.to_owned(),
            table: table.map(str::to_owned),
            what,
            declared_by: origin.declared_by.clone(),
            declared_at: origin.declared_at,
            in_policy: differences.is_some(),
            differences: differences.unwrap_or_default(),
        });
    }

    /// What is to be said of something that the policy has and somebody took back by SQL.
    fn taken_back(&self, object: Object, relation: Option<u32>, name: &str) -> Option<String> {
        let at = self.declared.taken_back_at(object, relation, name)?;
        Some(format!(
            "somebody took it back by SQL on {}; the policy brings it back",
            at.format("%-d %b %Y, %H:%M UTC")
        ))
    }

    /// Runs something that may fail, without losing what was done before.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.connection.transaction(work)
    }

    fn touch(&mut self, table: &str) -> &mut Touched {
        let (relation, rows) = self
            .relations
            .get(table)
            .map(|found| (found.relation, found.rows))
            .unwrap_or_default();
        let touched = self.touched.entry(table.to_owned()).or_default();
        touched.relation = relation;
        touched.rows = rows;
        touched
    }

    fn drop_object(&mut self, object: Object, name: &str, table: Option<&str>) {
        self.plan.changes.push(Planned {
            verb: Verb::Drop,
            object,
            name: name.to_owned(),
            table: table.map(str::to_owned),
            what: String::new(),
            severity: None,
            action: None,
            differences: Vec::new(),
            failing: None,
            cost: None,
            notes: Vec::new(),
        });
    }
}
