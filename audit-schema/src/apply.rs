//! Makes a database be as a policy declares it.

use std::collections::{BTreeMap, HashMap};

use audit_core::policy::{Declared as At, Part, Problem, did_you_mean};
use audit_core::{
    AlertPolicy, AlertSeverity, Function, Policy, PolicyErrors, Route, Rule, RuleKind, Subject,
    Summary, TablePolicy,
};
use diesel::result::{
    DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError, QueryResult,
};
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Oid, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use serde_json::Value;

use crate::Result;
use crate::declared::{self, Declared, Relation};
use crate::plan::{Failing, Lock, Object, Plan, Planned, Verb};
use crate::words::{
    channel_in_words, differs, in_words, route_in_words, rule_differences, summary_in_words,
};

/// Makes the database be as the policy declares it, in one transaction, and says what changed. Applying a policy again
/// changes nothing.
///
/// A table, rule, summary, alert, channel or route that is in force and is not in the policy is dropped; what was
/// logged, found and sent because of it stays. Writers of a table wait while its new counters and summaries start from
/// a scan. The role must be a member of `audit_admin` and own the watched tables.
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
    connection.transaction(|connection| carry_out(connection, policy, Mode::Apply))
}

/// Whether changes are made to last, or only tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything is declared, but nothing is attached to a table; the caller rolls back.
    Try,
    /// Everything is declared and compiled.
    Apply,
}

/// A table above this size is not read only to count what a new rule would fail.
const LARGEST_COUNTED: i64 = 1 << 30;

/// Declares a policy. The caller has opened a transaction, and ends it.
pub(crate) fn carry_out(
    connection: &mut PgConnection,
    policy: &Policy,
    mode: Mode,
) -> Result<Plan> {
    // Two who apply at the same time would each plan from what the other is changing.
    diesel::sql_query(
        "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('audit.apply', 0))",
    )
    .execute(connection)?;
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
    for table in &policy.tables {
        work.table(table)?;
    }
    let summaries = work.summaries()?;
    work.alerts(&summaries)?;
    work.channels()?;
    work.routes()?;
    work.finish()
}

struct Work<'w> {
    connection: &'w mut PgConnection,
    policy: &'w Policy,
    declared: &'w Declared,
    mode: Mode,
    plan: Plan,
    problems: Vec<Problem>,
    /// The tables to compile, by name, with how many counters and summaries have to start.
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
    fn resolve_tables(&mut self) -> Result<()> {
        let mut names: Option<Vec<String>> = None;
        let mut seen: HashMap<u32, &str> = HashMap::new();
        for table in &self.policy.tables {
            let at = At::Table(table.name.clone());
            // What is not even a name makes the look-up itself fail.
            let found = match self.attempt(|connection| declared::relation(connection, &table.name))
            {
                Ok(found) => found,
                Err(DieselError::DatabaseError(..)) => None,
                Err(error) => return Err(error.into()),
            };
            let Some(relation) = found else {
                if names.is_none() {
                    names = Some(declared::table_names(self.connection)?);
                }
                let known = names.iter().flatten().map(String::as_str);
                let help = did_you_mean(&table.name, known).unwrap_or_else(|| {
                    "expected the name of a table of this database, as `schema.table`".to_owned()
                });
                self.problem(
                    &at,
                    &Part::Name,
                    format!("there is no table `{}`", table.name),
                    Some(help),
                );
                continue;
            };
            if relation.kind != "table" {
                let message = format!(
                    "`{}` cannot be watched: it is {}",
                    table.name, relation.kind
                );
                self.problem(
                    &at,
                    &Part::Name,
                    message,
                    Some("expected an ordinary or partitioned table".to_owned()),
                );
                continue;
            }
            if let Some(first) = seen.insert(relation.relation, &table.name) {
                let message = format!("`{}` and `{first}` are the same table", table.name);
                self.problem(&at, &Part::Name, message, None);
                continue;
            }
            self.relations.insert(table.name.clone(), relation);
        }
        Ok(())
    }

    fn table(&mut self, table: &TablePolicy) -> Result<()> {
        let Some(relation) = self.relations.get(&table.name) else {
            return Ok(());
        };
        let (oid, has_key) = (relation.relation, relation.has_key);
        let stored = self
            .declared
            .tables
            .iter()
            .find(|stored| stored.relation == oid);
        let mut change = Planned {
            verb: Verb::Create,
            object: Object::Table,
            name: table.name.clone(),
            table: None,
            what: table.why.clone(),
            severity: None,
            action: None,
            differences: Vec::new(),
            failing: None,
            notes: Vec::new(),
        };
        let changed = match stored {
            None => {
                if !has_key {
                    change
                        .notes
                        .push("no primary key: nobody can ask for the history of a row".to_owned());
                }
                self.touch(&table.name).is_new = true;
                self.touch(&table.name).scans += 1;
                true
            }
            Some(stored) => {
                change.verb = Verb::Change;
                change.what = String::new();
                differs(&mut change.differences, "why", &stored.why, &table.why);
                differs(
                    &mut change.differences,
                    "owner",
                    &stored.owner,
                    &table.owner,
                );
                !change.differences.is_empty()
            }
        };
        if changed {
            let mode = self.mode;
            let watched = self.attempt(|connection| match (mode, stored) {
                (Mode::Apply, _) => {
                    diesel::sql_query("select audit.watch($1::oid::regclass, $2, $3)")
                        .bind::<Oid, _>(oid)
                        .bind::<Text, _>(&table.why)
                        .bind::<Text, _>(&table.owner)
                        .execute(connection)
                }
                (Mode::Try, None) => {
                    diesel::sql_query("select audit._preview_watch($1::oid::regclass)")
                        .bind::<Oid, _>(oid)
                        .execute(connection)
                }
                (Mode::Try, Some(_)) => Ok(0),
            });
            if let Err(error) = watched {
                return self.refused(&At::Table(table.name.clone()), |_| Part::Name, error);
            }
            self.plan.changes.push(change);
        }

        let periods: Vec<String> = table
            .rules
            .iter()
            .filter_map(|rule| rule.fix_within.map(|period| period.to_string()))
            .collect();
        let seconds = declared::seconds(self.connection, &periods)?;
        for rule in &table.rules {
            self.rule(table, rule, oid, &seconds)?;
        }
        let stored_rules = self.declared.rules.iter();
        for stored in stored_rules.filter(|stored| stored.relation == oid) {
            if table.rules.iter().all(|rule| rule.name != stored.name) {
                diesel::sql_query("select audit.retire_rule($1)")
                    .bind::<Integer, _>(stored.rule_id)
                    .execute(self.connection)?;
                self.touch(&table.name);
                self.drop_object(Object::Rule, &stored.name, Some(&table.name));
            }
        }
        Ok(())
    }

    fn rule(
        &mut self,
        table: &TablePolicy,
        rule: &Rule,
        oid: u32,
        seconds: &HashMap<String, i64>,
    ) -> Result<()> {
        let definition = rule.kind.definition();
        let fix_within = rule
            .fix_within
            .and_then(|period| seconds.get(&period.to_string()).copied());
        let stored = self
            .declared
            .rules
            .iter()
            .find(|stored| stored.relation == oid && stored.name == rule.name);
        let differences = stored.map_or_else(Vec::new, |stored| {
            rule_differences(stored, rule, &definition, fix_within)
        });
        if stored.is_some_and(|stored| !stored.broken) && differences.is_empty() {
            return Ok(());
        }

        let at = At::Rule {
            table: table.name.clone(),
            rule: rule.name.clone(),
        };
        let outcome = self.attempt(|connection| {
            diesel::sql_query(
                "select audit.declare_rule($1::oid::regclass, $2, $3, $4, $5, $6, $7, $8, $9, $10::interval, $11, $12) as number",
            )
            .bind::<Oid, _>(oid)
            .bind::<Text, _>(&rule.name)
            .bind::<Text, _>(rule.kind.name())
            .bind::<Jsonb, _>(&definition)
            .bind::<Nullable<Text>, _>(&rule.condition)
            .bind::<Text, _>(rule.severity.name())
            .bind::<Text, _>(rule.action.name())
            .bind::<Text, _>(&rule.owner)
            .bind::<Text, _>(&rule.why)
            .bind::<Nullable<Text>, _>(rule.fix_within.map(|period| period.to_string()))
            .bind::<Text, _>(rule.nulls.name())
            .bind::<Text, _>(rule.on_error.name())
            .get_result::<Number>(connection)
        });
        let rule_id = match outcome {
            Ok(row) => row.number,
            Err(error) => return self.rule_refused(&at, rule, oid, error),
        };
        // A broken rule that can be evaluated again comes back by itself.
        if stored.is_some_and(|stored| stored.rule_id == rule_id) {
            return Ok(());
        }
        self.touch(&table.name).scans += 1;
        let change = Planned {
            verb: if stored.is_some() {
                Verb::Change
            } else {
                Verb::Create
            },
            object: Object::Rule,
            name: rule.name.clone(),
            table: Some(table.name.clone()),
            what: rule.kind.to_string(),
            severity: Some(rule.severity),
            action: Some(rule.action),
            differences,
            failing: self.count_failing(&table.name, rule_id)?,
            notes: self.rule_notes(table, rule)?,
        };
        self.plan.changes.push(change);
        Ok(())
    }

    /// Reports what is wrong with a rule: what the database said, and what it did not come to.
    fn rule_refused(&mut self, at: &At, rule: &Rule, oid: u32, error: DieselError) -> Result<()> {
        if let (
            RuleKind::References { table, key, .. },
            DieselError::DatabaseError(_, information),
        ) = (&rule.kind, &error)
        {
            let known = match information.constraint_name() {
                Some("referenced_table_does_not_exist") => {
                    let names = declared::table_names(self.connection)?;
                    let help = did_you_mean(table, names.iter().map(String::as_str))
                        .unwrap_or_else(|| "expected `schema.table.column`".to_owned());
                    Some((format!("there is no table `{table}`"), help))
                }
                Some("predicate_is_not_valid") => declared::relation(self.connection, table)?
                    .filter(|relation| !relation.columns.contains(key))
                    .map(|relation| {
                        let columns = relation.columns.iter().map(String::as_str);
                        let help = did_you_mean(key, columns).unwrap_or_else(|| {
                            format!("its columns are {}", relation.columns.join(", "))
                        });
                        (format!("table `{table}` has no column `{key}`"), help)
                    }),
                _ => None,
            };
            if let Some((message, help)) = known {
                self.problem(at, &Part::Reference, message, Some(help));
                return Ok(());
            }
        }
        let part = |information: &dyn DatabaseErrorInformation| rule_part(rule, information);
        self.refused(at, part, error)?;
        // The database stops at the first expression that it does not understand.
        if let Some(condition) = &rule.condition {
            self.check_expression(
                at,
                &Part::Condition,
                oid,
                &format!("({condition}\n) is true"),
            )?;
        }
        Ok(())
    }

    /// Reports an expression that the database does not understand.
    fn check_expression(&mut self, at: &At, part: &Part, oid: u32, sql: &str) -> Result<()> {
        let outcome = self.attempt(|connection| {
            diesel::sql_query("select audit._canonical($1::oid::regclass, $2)")
                .bind::<Oid, _>(oid)
                .bind::<Text, _>(sql)
                .execute(connection)
        });
        match outcome {
            Ok(_) => Ok(()),
            Err(error) => self.refused(at, |_| part.clone(), error),
        }
    }

    /// How many of the rows that exist fail a rule that was just declared.
    fn count_failing(&mut self, table: &str, rule_id: i32) -> Result<Option<Failing>> {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            failing: i64,
            #[diesel(sql_type = BigInt)]
            rows: i64,
        }
        let Some(relation) = self.relations.get_mut(table) else {
            return Ok(None);
        };
        // An apply starts the counters anyway, and the counters say.
        if self.mode == Mode::Apply || relation.bytes > LARGEST_COUNTED {
            return Ok(None);
        }
        let oid = relation.relation;
        let counted = self.attempt(|connection| {
            diesel::sql_query(format!(
                "select audit._scan_rule($1) as failing, (select count(*) from {}) as rows",
                table_in_sql(connection, oid)?
            ))
            .bind::<Integer, _>(rule_id)
            .get_result::<Count>(connection)
        });
        match counted {
            Ok(Count { failing, rows }) => {
                if let Some(relation) = self.relations.get_mut(table) {
                    relation.rows = rows;
                }
                Ok(Some(Failing { failing, rows }))
            }
            // Counting is a service; a plan is worth having without it.
            Err(DieselError::DatabaseError(..)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn rule_notes(&mut self, table: &TablePolicy, rule: &Rule) -> Result<Vec<String>> {
        let (looked_up, columns) = match &rule.kind {
            RuleKind::References { table, key, .. } => (table.as_str(), vec![key.clone()]),
            RuleKind::Unique { columns } => (table.name.as_str(), columns.clone()),
            _ => return Ok(Vec::new()),
        };
        if declared::has_index(self.connection, looked_up, &columns)? {
            return Ok(Vec::new());
        }
        Ok(vec![format!(
            "no index on {looked_up} ({}): every write of {} reads all of it",
            columns.join(", "),
            table.name
        )])
    }

    /// Declares the summaries, and gives the number of each one by its name.
    fn summaries(&mut self) -> Result<HashMap<String, i32>> {
        let mut numbers = HashMap::new();
        for stored in &self.declared.summaries {
            if self
                .policy
                .summaries
                .iter()
                .all(|summary| summary.name != stored.name)
            {
                // In a plan the view stays where readers use it.
                if self.mode == Mode::Apply {
                    diesel::sql_query("select audit.retire_summary($1)")
                        .bind::<Integer, _>(stored.summary_id)
                        .execute(self.connection)?;
                }
                self.drop_object(Object::Summary, &stored.name, Some(&stored.table));
            }
        }
        for (position, summary) in self.policy.summaries.iter().enumerate() {
            if let Some(number) = self.summary(summary, position)? {
                numbers.insert(summary.name.clone(), number);
            }
        }
        Ok(numbers)
    }

    fn summary(&mut self, summary: &Summary, position: usize) -> Result<Option<i32>> {
        let Some(oid) = self
            .relations
            .get(&summary.table)
            .map(|relation| relation.relation)
        else {
            return Ok(None);
        };
        let definition = summary.definition();
        let stored = self
            .declared
            .summaries
            .iter()
            .find(|stored| stored.name == summary.name);
        let mut differences = Vec::new();
        if let Some(stored) = stored {
            if stored.relation == oid && stored.definition == definition {
                return Ok(Some(stored.summary_id));
            }
            differs(&mut differences, "from", &stored.table, &summary.table);
            for property in ["bucket", "group_by", "measures", "where"] {
                differs(
                    &mut differences,
                    property,
                    &in_words(&stored.definition[property]),
                    &in_words(&definition[property]),
                );
            }
        }
        let at = At::Summary(summary.name.clone());
        // A plan must not take the view of the former version away from its readers, not even until it rolls back.
        let name = match (self.mode, stored) {
            (Mode::Try, Some(_)) => format!("audit_plan_{position}"),
            _ => summary.name.clone(),
        };
        let outcome = self.attempt(|connection| {
            diesel::sql_query("select audit.declare_summary($1::oid::regclass, $2, $3) as number")
                .bind::<Oid, _>(oid)
                .bind::<Text, _>(&name)
                .bind::<Jsonb, _>(&definition)
                .get_result::<Number>(connection)
        });
        let number = match outcome {
            Ok(row) => row.number,
            Err(error) => {
                let part =
                    |information: &dyn DatabaseErrorInformation| summary_part(summary, information);
                self.refused(&at, part, error)?;
                // The database stops at the first expression that it does not understand.
                for (part, sql) in summary_expressions(summary) {
                    self.check_expression(&at, &part, oid, &sql)?;
                }
                return Ok(None);
            }
        };
        self.touch(&summary.table).scans += 1;
        self.plan.changes.push(Planned {
            verb: if stored.is_some() {
                Verb::Change
            } else {
                Verb::Create
            },
            object: Object::Summary,
            name: summary.name.clone(),
            table: Some(summary.table.clone()),
            what: if stored.is_some() {
                String::new()
            } else {
                summary_in_words(summary)
            },
            severity: None,
            action: None,
            differences,
            failing: None,
            notes: Vec::new(),
        });
        Ok(Some(number))
    }

    fn alerts(&mut self, summaries: &HashMap<String, i32>) -> Result<()> {
        for stored in &self.declared.alerts {
            if self
                .policy
                .alerts
                .iter()
                .all(|alert| alert.name != stored.name)
            {
                diesel::sql_query("select audit.retire_alert($1)")
                    .bind::<Integer, _>(stored.alert_policy_id)
                    .execute(self.connection)?;
                self.drop_object(Object::Alert, &stored.name, None);
            }
        }
        for alert in &self.policy.alerts {
            self.alert(alert, summaries)?;
        }
        Ok(())
    }

    fn alert(&mut self, alert: &AlertPolicy, summaries: &HashMap<String, i32>) -> Result<()> {
        let definition = alert.definition();
        let owner = alert.owner.as_deref().unwrap_or_default();
        let summary = match &alert.on {
            Subject::Rules => None,
            Subject::Summary(name) => match summaries.get(name) {
                Some(number) => Some(*number),
                // The summary itself is wrong, which has been said.
                None => return Ok(()),
            },
        };
        let stored = self
            .declared
            .alerts
            .iter()
            .find(|stored| stored.name == alert.name);
        let mut differences = Vec::new();
        if let Some(stored) = stored {
            for property in [
                "on",
                "when",
                "for",
                "keep_firing_for",
                "severity",
                "say",
                "runbook",
                "repeat_every",
            ] {
                differs(
                    &mut differences,
                    property,
                    &in_words(&stored.definition[property]),
                    &in_words(&definition[property]),
                );
            }
            differs(&mut differences, "owner", &stored.owner, owner);
        }
        let at = At::Alert(alert.name.clone());
        let is_same = stored.is_some() && differences.is_empty();
        let mode = self.mode;
        let outcome = self.attempt(|connection| match mode {
            // A summary may have changed under an alert that stays the same.
            _ if is_same || mode == Mode::Try => {
                diesel::sql_query("select audit._check_alert($1, $2)")
                    .bind::<Jsonb, _>(&definition)
                    .bind::<Nullable<Integer>, _>(summary)
                    .execute(connection)
            }
            _ => diesel::sql_query("select audit.declare_alert($1, $2, $3)")
                .bind::<Text, _>(&alert.name)
                .bind::<Jsonb, _>(&definition)
                .bind::<Text, _>(owner)
                .execute(connection),
        });
        if let Err(error) = outcome {
            return self.refused(&at, |_| Part::Expression, error);
        }
        if is_same {
            return Ok(());
        }
        let mut notes = Vec::new();
        if self.policy.routes.is_empty() {
            notes.push("there is no route: nobody will hear of it".to_owned());
        }
        self.plan.changes.push(Planned {
            verb: if stored.is_some() {
                Verb::Change
            } else {
                Verb::Create
            },
            object: Object::Alert,
            name: alert.name.clone(),
            table: None,
            what: if stored.is_some() {
                String::new()
            } else {
                format!("{} when {}", alert.on, alert.when)
            },
            severity: match alert.severity {
                AlertSeverity::Inherit => None,
                AlertSeverity::Fixed(severity) => Some(severity),
            },
            action: None,
            differences,
            failing: None,
            notes,
        });
        Ok(())
    }

    fn channels(&mut self) -> Result<()> {
        for stored in &self.declared.channels {
            if self
                .policy
                .channels
                .iter()
                .all(|channel| channel.name != stored.name)
            {
                diesel::sql_query("select audit.retire_channel($1)")
                    .bind::<Integer, _>(stored.channel_id)
                    .execute(self.connection)?;
                self.drop_object(Object::Channel, &stored.name, None);
            }
        }
        for channel in &self.policy.channels {
            let definition = channel.provider.definition();
            let stored = self
                .declared
                .channels
                .iter()
                .find(|stored| stored.name == channel.name);
            if stored.is_some_and(|stored| {
                stored.provider == channel.provider.name() && stored.definition == definition
            }) {
                continue;
            }
            diesel::sql_query("select audit.declare_channel($1, $2, $3)")
                .bind::<Text, _>(&channel.name)
                .bind::<Text, _>(channel.provider.name())
                .bind::<Jsonb, _>(&definition)
                .execute(self.connection)?;
            let mut differences = Vec::new();
            if let Some(stored) = stored {
                differs(
                    &mut differences,
                    "channel",
                    &in_words(&stored.definition),
                    &in_words(&definition),
                );
            }
            self.plan.changes.push(Planned {
                verb: if stored.is_some() {
                    Verb::Change
                } else {
                    Verb::Create
                },
                object: Object::Channel,
                name: channel.name.clone(),
                table: None,
                what: if stored.is_some() {
                    String::new()
                } else {
                    channel_in_words(channel)
                },
                severity: None,
                action: None,
                differences,
                failing: None,
                notes: Vec::new(),
            });
        }
        Ok(())
    }

    fn routes(&mut self) -> Result<()> {
        let wanted: Vec<Value> = self.policy.routes.iter().map(Route::definition).collect();
        let mut is_same = true;
        for (position, route) in (1_i32..).zip(&self.policy.routes) {
            let definition = route.definition();
            let stored = self.declared.routes.get(&position);
            if stored == Some(&definition) {
                continue;
            }
            is_same = false;
            let mut differences = Vec::new();
            if let Some(stored) = stored {
                differs(
                    &mut differences,
                    "route",
                    &in_words(stored),
                    &in_words(&definition),
                );
            }
            self.plan.changes.push(Planned {
                verb: if stored.is_some() {
                    Verb::Change
                } else {
                    Verb::Create
                },
                object: Object::Route,
                name: position.to_string(),
                table: None,
                what: if stored.is_some() {
                    String::new()
                } else {
                    route_in_words(route)
                },
                severity: None,
                action: None,
                differences,
                failing: None,
                notes: Vec::new(),
            });
        }
        for position in self.declared.routes.keys() {
            if usize::try_from(*position).is_ok_and(|position| position > wanted.len()) {
                is_same = false;
                self.drop_object(Object::Route, &position.to_string(), None);
            }
        }
        if !is_same {
            diesel::sql_query("select audit.declare_routes($1)")
                .bind::<Jsonb, _>(Value::Array(wanted))
                .execute(self.connection)?;
        }
        Ok(())
    }

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
                diesel::sql_query("select audit.compile($1::oid::regclass)")
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

    fn problem(&mut self, at: &At, part: &Part, message: String, help: Option<String>) {
        self.problems
            .push(self.policy.problem(at, part, message, help));
    }

    /// Reports what the database refused with its place in the file. What is not about the policy is passed on.
    fn refused(
        &mut self,
        at: &At,
        part: impl FnOnce(&dyn DatabaseErrorInformation) -> Part,
        error: DieselError,
    ) -> Result<()> {
        // Only what the pipeline itself raised is about the policy, and it names a fact. A right that is missing, or a
        // lock that is not to be had, are not.
        let information = match &error {
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, information)
                if information.constraint_name().is_some() =>
            {
                information
            }
            _ => return Err(error.into()),
        };
        let part = part(information.as_ref());
        let message = information.message();
        let columns = self.columns_of(at);
        let missing = information
            .column_name()
            .map(str::to_owned)
            .or_else(|| missing_column(message));
        let help = match &missing {
            Some(missing) => did_you_mean(missing, columns.iter().map(String::as_str))
                .or_else(|| Some(format!("expected one of {}", columns.join(", ")))),
            None => information.hint().map(as_help),
        };
        // What the pipeline itself makes of a value needs no lesson in SQL.
        let is_sql = |part: &Part| {
            !matches!(part, Part::Expression)
                || match at {
                    At::Rule { table, rule } => self.policy.tables.iter().any(|of| {
                        of.name == *table
                            && of.rules.iter().any(|of| {
                                of.name == *rule && matches!(of.kind, RuleKind::Expression { .. })
                            })
                    }),
                    _ => true,
                }
        };
        let help = help.filter(|_| missing.is_some() || is_sql(&part));
        let message = readable(message);
        self.problem(at, &part, message, help);
        Ok(())
    }

    /// The names that an expression of a declaration may use.
    fn columns_of(&self, at: &At) -> Vec<String> {
        let summary = |name: &str| {
            self.policy
                .summaries
                .iter()
                .find(|summary| summary.name == *name)
        };
        let table = match at {
            At::Table(table) | At::Rule { table, .. } => Some(table),
            At::Summary(name) => summary(name).map(|summary| &summary.table),
            At::Alert(name) => {
                let alert = self.policy.alerts.iter().find(|alert| alert.name == *name);
                return match alert.map(|alert| &alert.on) {
                    Some(Subject::Summary(name)) => summary(name)
                        .map(|summary| summary.columns().into_iter().map(str::to_owned).collect())
                        .unwrap_or_default(),
                    _ => AlertPolicy::RULE_VARIABLES.map(str::to_owned).to_vec(),
                };
            }
            _ => None,
        };
        table
            .and_then(|table| self.relations.get(table))
            .map(|relation| relation.columns.clone())
            .unwrap_or_default()
    }
}

/// What of a rule the database refused.
fn rule_part(rule: &Rule, information: &dyn DatabaseErrorInformation) -> Part {
    match information.constraint_name() {
        Some("column_does_not_exist") => Part::Column(
            information
                .column_name()
                .or_else(|| rule.kind.columns().first().copied())
                .unwrap_or_default()
                .to_owned(),
        ),
        Some("table_has_no_primary_key") => Part::Action,
        Some("referenced_table_does_not_exist") => Part::Reference,
        _ => {
            // The database is given the condition inside of an expression of its own.
            let is_condition = rule.condition.as_ref().is_some_and(|condition| {
                information
                    .details()
                    .is_some_and(|detail| *detail == format!("({condition}\n) is true"))
            });
            if is_condition {
                Part::Condition
            } else {
                Part::Expression
            }
        }
    }
}

/// What of a summary the database refused.
fn summary_part(summary: &Summary, information: &dyn DatabaseErrorInformation) -> Part {
    if let Some("column_does_not_exist") = information.constraint_name() {
        return summary
            .bucket
            .as_ref()
            .map_or(Part::Name, |bucket| Part::Column(bucket.column.clone()));
    }
    let detail = information.details().unwrap_or_default();
    let found = summary_expressions(summary)
        .into_iter()
        .find(|(_, sql)| sql == detail);
    match found {
        Some((part, _)) => part,
        None if summary.bucket.is_some() => Part::Bucket,
        None => Part::Name,
    }
}

/// The expressions of a summary, as the database is given them.
fn summary_expressions(summary: &Summary) -> Vec<(Part, String)> {
    let groups = summary
        .group_by
        .iter()
        .map(|group| (Part::Group(group.name.clone()), group.expression.clone()));
    let measures = summary.measures.iter().filter_map(|measure| {
        let expression = measure.expression.as_ref()?;
        let sql = match measure.function {
            Function::CountIf => format!("({expression}\n) is true"),
            _ => format!("({expression}\n)::numeric"),
        };
        Some((Part::Measure(measure.name.clone()), sql))
    });
    let condition = summary
        .condition
        .iter()
        .map(|condition| (Part::Condition, format!("({condition}\n) is true")));
    groups.chain(measures).chain(condition).collect()
}

/// The column in a message such as `column "dep_tme" does not exist`.
fn missing_column(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("column ")?;
    let (name, _) = rest.split_once(" does not exist")?;
    let name = name.trim_matches('"');
    Some(
        name.rsplit_once('.')
            .map_or(name, |(_, column)| column)
            .to_owned(),
    )
}

/// A message of the database without the names that only the pipeline gives to things.
fn readable(message: &str) -> String {
    message
        .replace("audit_row.", "")
        .replace("audit_referenced.", "")
}

/// A hint of the database as a line of our own: no capital at its start, no full stop at its end.
fn as_help(hint: &str) -> String {
    let hint = hint.strip_suffix('.').unwrap_or(hint);
    let mut characters = hint.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn table_in_sql(connection: &mut PgConnection, oid: u32) -> QueryResult<String> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    Ok(diesel::sql_query("select $1::oid::regclass::text as name")
        .bind::<Oid, _>(oid)
        .get_result::<Name>(connection)?
        .name)
}
