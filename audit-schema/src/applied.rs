//! Who applied which policy, and when.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::declared::Declared;
use crate::plan::{Object, Plan};
use crate::{Error, Result};

/// Who applies a policy, with what, and which version of it: for the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Who runs the program: a name, or else the user of the operating system.
    pub person: String,
    /// The program and its version.
    pub program: String,
    /// The revision of the file in version control.
    pub revision: Option<String>,
    /// The sha256 of the file, in hexadecimal digits.
    pub digest: Option<String>,
}

/// One time that a policy was applied and changed something.
#[derive(Clone, Debug, PartialEq, Serialize, QueryableByName)]
pub struct Applied {
    /// The number of the apply.
    #[diesel(sql_type = Integer)]
    pub applied_id: i32,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub applied_at: DateTime<Utc>,
    /// The role that was logged in.
    #[diesel(sql_type = Text)]
    pub applied_by: String,
    /// Who ran the program; empty if nobody said.
    #[diesel(sql_type = Text)]
    pub person: String,
    /// The program and its version.
    #[diesel(sql_type = Text)]
    pub program: String,
    /// The name of the policy file.
    #[diesel(sql_type = Text)]
    pub file: String,
    /// The revision of the file in version control.
    #[diesel(sql_type = Nullable<Text>)]
    pub revision: Option<String>,
    /// The sha256 of the file.
    #[diesel(sql_type = Nullable<Text>)]
    pub digest: Option<String>,
    /// How many declarations were new.
    #[diesel(sql_type = Integer)]
    pub created: i32,
    /// How many became different.
    #[diesel(sql_type = Integer)]
    pub changed: i32,
    /// How many were taken back.
    #[diesel(sql_type = Integer)]
    pub dropped: i32,
    /// How many declarations made by SQL were left as they were.
    #[diesel(sql_type = Integer)]
    pub kept: i32,
}

impl Applied {
    /// Who it was: the person, or else the role.
    #[must_use]
    pub fn who(&self) -> &str {
        match self.person.as_str() {
            "" => &self.applied_by,
            person => person,
        }
    }
}

/// The last policies that were applied, newest first.
///
/// # Errors
///
/// When the pipeline is not installed or may not be read.
pub fn applied(connection: &mut PgConnection, limit: i64) -> Result<Vec<Applied>> {
    Ok(diesel::sql_query(
        "select a.applied_id, a.applied_at, a.applied_by, a.person, a.program, a.file, a.revision, a.digest,
             a.created, a.changed, a.dropped, a.kept
         from audit.applied_policy a
         order by a.applied_id desc
         limit $1",
    )
    .bind::<BigInt, _>(limit)
    .load(connection)?)
}

/// Records an apply, if it changed anything or what the policy answers for has changed.
pub(crate) fn record(
    connection: &mut PgConnection,
    file: &str,
    by: &Provenance,
    plan: &Plan,
    declared: &Declared,
) -> Result<()> {
    let answers_for = answers_for(plan, declared);
    if plan.is_empty() && answers_for == declared.by_policy {
        return Ok(());
    }
    let mut numbers = Map::new();
    let mut sorted: Vec<_> = answers_for.into_iter().collect();
    sorted.sort_by_key(|(object, id)| (object.name(), *id));
    for (object, id) in sorted {
        if let Some(ids) = numbers
            .entry(object.name())
            .or_insert_with(|| json!([]))
            .as_array_mut()
        {
            ids.push(json!(id));
        }
    }
    let (created, changed, dropped) = plan.counts();
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    diesel::sql_query(
        "insert into audit.applied_policy (person, program, file, revision, digest, created, changed, dropped, kept, changes, declared)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind::<Text, _>(&by.person)
    .bind::<Text, _>(&by.program)
    .bind::<Text, _>(file)
    .bind::<Nullable<Text>, _>(&by.revision)
    .bind::<Nullable<Text>, _>(&by.digest)
    .bind::<Integer, _>(count(created))
    .bind::<Integer, _>(count(changed))
    .bind::<Integer, _>(count(dropped))
    .bind::<Integer, _>(count(plan.kept.len()))
    .bind::<Jsonb, _>(serde_json::to_value(&plan.changes).map_err(Error::unreadable)?)
    .bind::<Jsonb, _>(Value::Object(numbers))
    .execute(connection)?;
    Ok(())
}

/// What is in force because the policy says so: all but what was kept.
fn answers_for(plan: &Plan, declared: &Declared) -> HashSet<(Object, i32)> {
    let kept = |object: Object, table: Option<&str>, name: &str| {
        plan.kept.iter().any(|kept| {
            kept.object == object && kept.name == name && kept.table.as_deref() == table
        })
    };
    let mut numbers = HashSet::new();
    for table in &declared.tables {
        // What is left of a table that is kept was declared by SQL too.
        if kept(Object::Table, None, &table.name) {
            continue;
        }
        numbers.insert((Object::Table, table.table_id));
        for rule in declared
            .rules
            .iter()
            .filter(|rule| rule.relation == table.relation)
        {
            if !kept(Object::Rule, Some(&table.name), &rule.name) {
                numbers.insert((Object::Rule, rule.rule_id));
            }
        }
    }
    for summary in &declared.summaries {
        if !kept(Object::Summary, Some(&summary.table), &summary.name) {
            numbers.insert((Object::Summary, summary.summary_id));
        }
    }
    for alert in &declared.alerts {
        if !kept(Object::Alert, None, &alert.name) {
            numbers.insert((Object::Alert, alert.alert_policy_id));
        }
    }
    for channel in &declared.channels {
        if !kept(Object::Channel, None, &channel.name) {
            numbers.insert((Object::Channel, channel.channel_id));
        }
    }
    // Routes only have a meaning together.
    if !plan.kept.iter().any(|kept| kept.object == Object::Route) {
        numbers.extend(
            declared
                .routes
                .values()
                .map(|route| (Object::Route, route.route_id)),
        );
    }
    numbers
}
