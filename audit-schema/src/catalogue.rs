//! What is installed, read from PostgreSQL's own catalogue: tables, views, triggers, functions and roles with their
//! comments and rights; and what is declared: watched tables with their rules, summaries, alert policies, channels.
//!
//! Everything is in a fixed order and nothing in it depends on when or where the pipeline was installed: there are no
//! object numbers, no times, and no partitions of the log, which come and go with the months.

mod declarations;
mod functions;
mod relations;
mod roles;

use std::collections::BTreeMap;

use audit_core::{Action, AlertPolicy, Provider, Route, Severity};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::words::{alert_in_words, provider_in_words, route_in_words};
use declarations::{declared, watched};
use functions::{functions, triggers};
use relations::{schemas, tables, views};
use roles::roles;

/// Everything that is installed and declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Catalogue {
    /// The pipeline's two schemas.
    pub schemas: Vec<Schema>,
    /// The pipeline's tables, and the watched ones.
    pub tables: Vec<Table>,
    /// The pipeline's views.
    pub views: Vec<View>,
    /// Triggers that call the pipeline, on its own and on watched tables.
    pub triggers: Vec<Trigger>,
    /// The pipeline's functions.
    pub functions: Vec<Function>,
    /// The pipeline's roles.
    pub roles: Vec<Role>,
    /// The watched tables as declared, with their rules and summaries.
    pub watched: Vec<Watched>,
    /// The alert policies in force.
    pub alert_policies: Vec<Declared>,
    /// The channels in force.
    pub channels: Vec<Declared>,
    /// The routes in force, in the order in which they are tried.
    pub routes: Vec<Declared>,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub comment: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub comment: String,
    /// How it is partitioned, for example `RANGE (month)`; empty if it is not.
    pub partitioned: String,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// Its constraints: the primary key first, then by name.
    pub constraints: Vec<Constraint>,
    /// What it refers to.
    pub references: Vec<Reference>,
    /// Its indexes that are not behind a constraint.
    pub indexes: Vec<Index>,
    /// Who else than its owner may do what.
    pub rights: Vec<Right>,
}

impl Table {
    /// Schema and name.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: String,
    /// Whether it must have a value.
    pub not_null: bool,
    /// What it is when nothing is given; empty if nothing.
    pub default: String,
    /// What is in it.
    pub comment: String,
    /// Whether it belongs to the primary key.
    pub key: bool,
}

/// A constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Constraint {
    /// The fact that it holds.
    pub name: String,
    /// Its definition in SQL.
    pub definition: String,
}

/// From columns of one table to another table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// The columns that refer.
    pub columns: Vec<String>,
    /// Schema and name of the other table.
    pub to: String,
    /// Its columns.
    pub to_columns: Vec<String>,
    /// Whether PostgreSQL checks it. Log tables carry no foreign keys, because a writer must not lock what another
    /// writer locks; their columns say in their comments what they refer to.
    pub checked: bool,
    /// Whether a row may refer to nothing.
    pub optional: bool,
    /// Whether at most one row refers to each row of the other table.
    pub one: bool,
    /// Whether one row refers to several rows of the other table: a column with an array.
    pub many: bool,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its definition, from the method on.
    pub definition: String,
    /// Whether it allows a value once only.
    pub unique: bool,
}

/// What somebody may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Right {
    /// A role, or `everybody`.
    pub role: String,
    /// In lower case, in the order of the alphabet: `insert`, `select`, `execute` …
    pub privileges: Vec<String>,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it shows.
    pub comment: String,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// The pipeline's tables and views that it reads, by schema and name.
    pub reads: Vec<String>,
    /// Who else than its owner may do what.
    pub rights: Vec<Right>,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// Schema and name of its table.
    pub table: String,
    /// When it fires: `after insert, for each statement`.
    pub fires: String,
    /// Schema and name of the function that it calls.
    pub function: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether its table is one of the pipeline's own.
    pub own: bool,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its arguments with names, types and defaults.
    pub arguments: String,
    /// What it returns.
    pub returns: String,
    /// The language it is written in.
    pub language: String,
    /// `immutable`, `stable` or `volatile`.
    pub volatility: String,
    /// Whether it runs with the rights of its owner instead of those of its caller.
    pub definer: bool,
    /// The search_path that it sets for itself; empty if none.
    pub search_path: String,
    /// What it does.
    pub comment: String,
    /// Who else than its owner may call it.
    pub callers: Vec<String>,
}

impl Function {
    /// Whether only the pipeline itself calls it: its name begins with an underscore, it is a trigger function, or it is
    /// generated.
    pub fn internal(&self) -> bool {
        self.name.starts_with('_')
            || self.schema == "audit_compiled"
            || matches!(self.returns.as_str(), "trigger" | "event_trigger")
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether somebody can log in as it.
    pub can_login: bool,
    /// How many tables, views and functions of the pipeline it owns.
    pub owns: i32,
}

/// A watched table as declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Watched {
    /// Schema and name.
    pub name: String,
    /// Why it is watched.
    pub why: String,
    /// Who answers for its data.
    pub owner: String,
    /// The columns of its primary key.
    pub key_columns: Vec<String>,
    /// Its rules in force, the worst severity first.
    pub rules: Vec<DeclaredRule>,
    /// The summaries of it, by name.
    pub summaries: Vec<Declared>,
}

/// A rule as declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeclaredRule {
    /// Its name.
    pub name: String,
    /// Its kind, as the policy spells it.
    pub kind: String,
    /// What it demands, in words.
    pub demands: String,
    /// The columns that it reads.
    pub columns: Vec<String>,
    /// It is about rows for which this SQL condition is true; empty means about all.
    pub condition: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// What happens to a failing row.
    pub action: Action,
    /// Who has to fix what fails.
    pub owner: String,
    /// Why it exists.
    pub why: String,
    /// How long a failure may last, in words; empty means for ever.
    pub fix_within: String,
    /// Whether a predicate that is null fails.
    pub nulls_fail: bool,
    /// Whether an error of the rule itself fails the write.
    pub error_blocks: bool,
    /// When it is looked at.
    pub when: When,
    /// Of a rule that time asks, how often at most, in words; empty means as often as its question is cheap.
    pub every: String,
    /// Whether it is on trial: evaluated and counted, but nothing follows.
    pub shadow: bool,
    /// The share of rows that has to pass; nothing means all of them.
    pub mostly: Option<f64>,
    /// Whether a row that it sets aside stays in its table, hidden from the view of visible rows.
    pub hides: bool,
}

/// When in the life of the data a rule is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// As a row is written.
    Written,
    /// As a row is updated: the rule compares the row before and after.
    Updated,
    /// As time passes: the tick asks.
    Asked,
}

/// Anything else that is declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Declared {
    /// Its name; of a route its position.
    pub name: String,
    /// Who it belongs to, where that is known; of a channel the provider.
    pub owner: String,
    /// What it does, in one line.
    pub what: String,
    /// As declared.
    pub definition: serde_json::Value,
}

/// Reads everything that is installed and declared.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn read(connection: &mut PgConnection) -> Result<Catalogue> {
    crate::metrics::in_one_snapshot(connection, |connection| {
        Ok(Catalogue {
            schemas: schemas(connection)?,
            tables: tables(connection)?,
            views: views(connection)?,
            triggers: triggers(connection)?,
            functions: functions(connection)?,
            roles: roles(connection)?,
            watched: watched(connection)?,
            alert_policies: declared(
                connection,
                "select policy.name, policy.owner, policy.definition
                from audit.alert_policy as policy
                where policy.retired_at is null
                order by policy.name collate \"C\"",
                |definition| Ok(alert_in_words(&AlertPolicy::deserialize(definition)?)),
            )?,
            channels: declared(
                connection,
                "select channel.name, channel.provider as owner, channel.definition
                from audit.channel as channel
                where channel.retired_at is null
                order by channel.name collate \"C\"",
                |definition| Ok(provider_in_words(&Provider::deserialize(definition)?)),
            )?,
            routes: declared(
                connection,
                "select route.position::text as name, '' as owner, route.definition
                from audit.route as route
                where route.retired_at is null
                order by route.position",
                |definition| Ok(route_in_words(&Route::deserialize(definition)?)),
            )?,
        })
    })
}

fn grouped<Row, K: Ord, V>(rows: Vec<Row>, part: impl Fn(Row) -> (K, V)) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for row in rows {
        let (key, value) = part(row);
        groups.entry(key).or_default().push(value);
    }
    groups
}
