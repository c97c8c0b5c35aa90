//! Declares a policy statement by statement. Stands in until `audit_schema::apply` is there.

use audit_core::Policy;
use diesel::sql_types::{Integer, Jsonb, Nullable, Text};
use diesel::{PgConnection, RunQueryDsl};

/// Declares everything.
///
/// # Errors
/// If a statement fails.
pub fn apply(c: &mut PgConnection, policy: &Policy) -> audit_schema::Result<()> {
    for table in &policy.tables {
        diesel::sql_query("select audit.watch($1::regclass, $2, $3)")
            .bind::<Text, _>(&table.name)
            .bind::<Text, _>(&table.why)
            .bind::<Text, _>(&table.owner)
            .execute(c)?;
        for rule in &table.rules {
            diesel::sql_query("select audit.declare_rule($1::regclass, $2, $3, $4, $5, $6, $7, $8, $9, $10::interval)")
                .bind::<Text, _>(&table.name)
                .bind::<Text, _>(&rule.name)
                .bind::<Text, _>(rule.kind.name())
                .bind::<Jsonb, _>(rule.kind.definition())
                .bind::<Nullable<Text>, _>(&rule.condition)
                .bind::<Text, _>(rule.severity.name())
                .bind::<Text, _>(rule.action.name())
                .bind::<Text, _>(&rule.owner)
                .bind::<Text, _>(&rule.why)
                .bind::<Nullable<Text>, _>(rule.fix_within.map(|period| period.to_string()))
                .execute(c)?;
        }
        for summary in policy
            .summaries
            .iter()
            .filter(|summary| summary.table == table.name)
        {
            diesel::sql_query("select audit.declare_summary($1::regclass, $2, $3)")
                .bind::<Text, _>(&table.name)
                .bind::<Text, _>(&summary.name)
                .bind::<Jsonb, _>(summary.definition())
                .execute(c)?;
        }
        diesel::sql_query("select audit.compile($1::regclass)")
            .bind::<Text, _>(&table.name)
            .execute(c)?;
    }
    for alert in &policy.alerts {
        diesel::sql_query("insert into audit.alert_policy (name, definition) values ($1, $2)")
            .bind::<Text, _>(&alert.name)
            .bind::<Jsonb, _>(alert.definition())
            .execute(c)?;
    }
    for channel in &policy.channels {
        diesel::sql_query(
            "insert into audit.channel (name, provider, definition) values ($1, $2, $3)",
        )
        .bind::<Text, _>(&channel.name)
        .bind::<Text, _>(channel.provider.name())
        .bind::<Jsonb, _>(channel.provider.definition())
        .execute(c)?;
    }
    for (position, route) in policy.routes.iter().enumerate() {
        diesel::sql_query("insert into audit.route (position, definition) values ($1, $2)")
            .bind::<Integer, _>(i32::try_from(position).unwrap_or(0) + 1)
            .bind::<Jsonb, _>(route.definition())
            .execute(c)?;
    }
    Ok(())
}
