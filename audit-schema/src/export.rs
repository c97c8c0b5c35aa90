//! What is in force in a database, as a policy.

use audit_core::{
    AlertPolicy, Channel, Kept, Nulls, OnError, Policy, Provider, Retention, Rule, RuleKind,
    Severity, SilencePolicy, Summary, TablePolicy,
};
use diesel::{Connection, PgConnection};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::declared::{self, Declared};
use crate::words::length;
use crate::{Error, Result};

/// Reads everything that is in force as a policy: what was applied, and what was declared by SQL.
/// [`Policy::to_yaml`] writes it as a file; applying that file changes nothing.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// let policy = audit_schema::export(&mut connection)?;
/// std::fs::write("audit.yml", policy.to_yaml())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the pipeline is not installed, or may not be read.
pub fn export(connection: &mut PgConnection) -> Result<Policy> {
    let declared = connection.transaction(declared::load)?;
    let mut policy = Policy::default();
    policy.defaults.retain = retention(&declared.retain);
    for table in &declared.tables {
        policy.tables.push(TablePolicy {
            name: table.name.clone(),
            why: table.why.clone(),
            owner: table.owner.clone(),
            redact: table.redact.clone(),
            hash: table.hash.clone(),
            retain: retention(&table.retain),
            rules: declared
                .rules
                .iter()
                .filter(|rule| rule.relation == table.relation)
                .map(rule)
                .collect::<Result<_>>()?,
        });
    }
    let Declared {
        summaries,
        alerts,
        channels,
        routes,
        silences,
        longest_silence,
        ..
    } = declared;
    for stored in summaries {
        policy.summaries.push(Summary {
            name: stored.name,
            table: stored.table,
            ..read(stored.definition)?
        });
    }
    for stored in alerts {
        policy.alerts.push(AlertPolicy {
            name: stored.name,
            owner: Some(stored.owner).filter(|owner| !owner.is_empty()),
            ..read(stored.definition)?
        });
    }
    for stored in channels {
        policy.channels.push(Channel {
            name: stored.name,
            provider: read::<Provider>(stored.definition)?,
            per_minute: u32::try_from(stored.per_minute).unwrap_or(Channel::PER_MINUTE),
            per_second: stored
                .per_second
                .and_then(|count| u32::try_from(count).ok()),
        });
    }
    for route in routes.into_values() {
        policy.routes.push(read(route.definition)?);
    }
    for stored in silences {
        policy.silences.push(SilencePolicy {
            name: stored.name,
            ..read(stored.definition)?
        });
    }
    if let Some(text) = longest_silence {
        let seconds = declared::seconds(connection, std::slice::from_ref(&text))?;
        policy.defaults.longest_silence = seconds.get(&text).copied().and_then(length);
    }
    Ok(policy)
}

/// How long what is over is kept. What somebody declared by SQL in a way that no policy can say is left out.
fn retention(stored: &serde_json::Value) -> Retention {
    let mut retention = Retention::default();
    for kind in Kept::ALL {
        match stored.get(kind.name()).and_then(serde_json::Value::as_str) {
            Some("forever") => retention.keep(kind, None),
            Some(period) => {
                if let Ok(period) = period.parse() {
                    retention.keep(kind, Some(period));
                }
            }
            None => {}
        }
    }
    retention
}

fn rule(stored: &declared::Rule) -> Result<Rule> {
    Ok(Rule {
        name: stored.name.clone(),
        kind: RuleKind::from_definition(&stored.kind, stored.definition.clone())
            .map_err(Error::unreadable)?,
        condition: stored.condition.clone(),
        severity: word::<Severity>(&stored.severity)?,
        action: word(&stored.action)?,
        mode: word(&stored.mode)?,
        owner: stored.owner.clone(),
        why: stored.why.clone(),
        fix_within: stored.fix_within.and_then(length),
        nulls: word::<Nulls>(&stored.nulls)?,
        on_error: word::<OnError>(&stored.on_error)?,
        mostly: stored.mostly,
        shadow: stored.shadow,
    })
}

fn word<T: DeserializeOwned>(text: &str) -> Result<T> {
    read(Value::String(text.to_owned()))
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::unreadable)
}
