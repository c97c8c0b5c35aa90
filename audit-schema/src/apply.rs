//! Makes a database be as a policy declares it.

mod alerts;
mod channels;
mod privacy;
mod refusals;
mod rules;
mod silences;
mod summaries;
mod tables;

use std::collections::{BTreeMap, HashMap};

use audit_core::policy::Problem;
use audit_core::{Policy, PolicyErrors};
use diesel::result::QueryResult;
use diesel::sql_types::{Integer, Oid};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};

use crate::Result;
use crate::declared::{self, Declared, Relation};
use crate::plan::{Lock, Object, Plan, Planned, Verb};

/// Makes the database be as the policy declares it, in one transaction, and says what changed. Applying a policy again
/// changes nothing. New and changed summaries then start, each table in a transaction of its own; until then the former
/// version of a summary stands.
///
/// A table, rule, summary, alert, channel or route that is in force and is not in the policy is dropped; what was
/// logged, found and sent because of it stays. Writers of a table wait while its new counters start from a scan; new
/// summaries start while they go on. The role must be a member of `audit_admin` and own the watched tables.
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
/// [`Error::Policy`](crate::Error::Policy) with everything that the database does not understand, each with its place in the file; then
/// nothing was applied.
pub fn apply(connection: &mut PgConnection, policy: &Policy) -> Result<Plan> {
    let plan = connection.transaction(|connection| carry_out(connection, policy, Mode::Apply))?;
    start_summaries(connection)?;
    Ok(plan)
}

/// Starts the summaries that have not started, each table in a transaction of its own, so that writers go on.
fn start_summaries(connection: &mut PgConnection) -> Result<()> {
    let tables: Vec<Number> = diesel::sql_query(
        "select w.table_id as number
        from audit.watched_table w
        where w.unwatched_at is null and exists (select audit._unstarted_summaries(w.table_id))
        order by w.table_id",
    )
    .load(connection)?;
    for table in tables {
        connection.transaction(|connection| {
            one_at_a_time(connection)?;
            // Somebody else may have started them meanwhile.
            diesel::sql_query(
                "select audit.compile(w.relation)
                from audit.watched_table w
                where w.table_id = $1 and w.unwatched_at is null and exists (select audit._unstarted_summaries(w.table_id))",
            )
            .bind::<Integer, _>(table.number)
            .execute(connection)
        })?;
    }
    Ok(())
}

/// Waits until nobody else applies a policy, in this transaction.
fn one_at_a_time(connection: &mut PgConnection) -> QueryResult<()> {
    diesel::sql_query(
        "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('audit.apply', 0))",
    )
    .execute(connection)?;
    Ok(())
}

/// Whether changes are made to last, or only tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything is declared, but nothing is attached to a table; the caller rolls back.
    Try,
    /// Everything is declared and compiled.
    Apply,
}

/// Declares a policy. The caller has opened a transaction, and ends it.
pub(crate) fn carry_out(
    connection: &mut PgConnection,
    policy: &Policy,
    mode: Mode,
) -> Result<Plan> {
    // Two who apply at the same time would each plan from what the other is changing.
    one_at_a_time(connection)?;
    let declared = declared::load(connection)?;
    let mut work = Work {
        connection,
        policy,
        declared: &declared,
        mode,
        plan: Plan::default(),
        problems: Vec::new(),
        touched: BTreeMap::new(),
        relations: HashMap::new(),
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
    plan: Plan,
    problems: Vec<Problem>,
    /// The tables to compile, by name, with how many counters have to start.
    touched: BTreeMap<String, Touched>,
    /// The tables of the policy that are there and can be watched, by name.
    relations: HashMap<String, Relation>,
}

#[derive(Default)]
struct Touched {
    is_new: bool,
    scans: usize,
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
            if self.mode == Mode::Apply {
                diesel::sql_query("select audit.unwatch($1::oid::regclass)")
                    .bind::<Oid, _>(stored.relation)
                    .execute(self.connection)?;
            }
            self.plan.locks.push(Lock {
                table: stored.name.clone(),
                mode: "access exclusive",
                rows: 0,
                scans: 0,
            });
            self.drop_object(Object::Table, &stored.name, None);
        }
        for (table, touched) in std::mem::take(&mut self.touched) {
            let Some(relation) = self.relations.get(&table) else {
                continue;
            };
            if self.mode == Mode::Apply {
                diesel::sql_query(
                    "select audit.compile($1::oid::regclass, start_summaries => false)",
                )
                .bind::<Oid, _>(relation.relation)
                .execute(self.connection)?;
            }
            if touched.is_new || touched.scans > 0 {
                self.plan.locks.push(Lock {
                    table,
                    mode: "share row exclusive",
                    rows: relation.rows,
                    scans: touched.scans,
                });
            }
        }
        Ok(self.plan)
    }

    /// Runs something that may fail, without losing what was done before.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.connection.transaction(work)
    }

    fn touch(&mut self, table: &str) -> &mut Touched {
        self.touched.entry(table.to_owned()).or_default()
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
            notes: Vec::new(),
        });
    }
}
