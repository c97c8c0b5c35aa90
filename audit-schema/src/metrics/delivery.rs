//! How long messages were on their way.

use chrono::NaiveDateTime;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamp};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use super::Scope;
use crate::Result;

/// What went through a channel in a window.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct ChannelDeliveries {
    /// The channel.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// Messages that were accepted by their provider.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Messages on their way.
    #[diesel(sql_type = BigInt)]
    pub undelivered: i64,
    /// Messages that were given up.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// Half of those delivered were so within this many seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub median_seconds: Option<f64>,
    /// Of twenty delivered nineteen were so within this many seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub p95_seconds: Option<f64>,
    /// How many channels there are in all.
    #[diesel(sql_type = BigInt)]
    pub channels: i64,
}

/// What was delivered through a channel in a step of time. Steps without a delivery are left out.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct DeliveryStep {
    /// The channel.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// Start of the step, in local time.
    #[diesel(sql_type = Timestamp)]
    pub start: NaiveDateTime,
    /// Messages that were accepted by their provider.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Half of them were so within this many seconds.
    #[diesel(sql_type = Double)]
    pub median_seconds: f64,
    /// Of twenty nineteen were so within this many seconds.
    #[diesel(sql_type = Double)]
    pub p95_seconds: f64,
}

/// The messages of alerts that the scope is about, and when what they tell happened.
const MESSAGES: &str = "audit.outbox as outbox
            join audit.channel as channel
                on channel.channel_id = outbox.channel_id
            join audit.alert as alert
                on alert.alert_id = outbox.alert_id
            left join audit.rule as rule
                on rule.rule_id = alert.rule_id
            where outbox.at >= $4
                and outbox.at < $5
                and ($1 is null or coalesce(rule.table_id, alert.table_id) = any ($1))
                and ($2 is null or alert.owner = any ($2))
                and ($3 is null or alert.severity = any ($3))";

/// From a message's queueing to its acceptance, in seconds, by the clock of the server.
const SECONDS: &str =
    "extract(epoch from greatest(outbox.delivered_at - outbox.created_at, interval '0'))::float8";

/// What went through each channel in a window, the busiest first, at most `limit`.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn channel_deliveries(
    connection: &mut PgConnection,
    scope: &Scope,
    limit: i64,
) -> Result<Vec<ChannelDeliveries>> {
    Ok(scope
        .query(&format!(
            "select
                channel.name as channel,
                count(*) filter (where outbox.state = 'delivered') as delivered,
                count(*) filter (where outbox.state in ('ready', 'sending')) as undelivered,
                count(*) filter (where outbox.state = 'dead') as dead,
                percentile_cont(0.5) within group (order by {SECONDS}) as median_seconds,
                percentile_cont(0.95) within group (order by {SECONDS}) as p95_seconds,
                count(*) over () as channels
            from {MESSAGES}
            group by channel.name
            order by count(*) desc, channel.name
            limit $8"
        ))
        .bind::<BigInt, _>(limit)
        .load(connection)?)
}

/// How long messages were on their way, by channel and step of time.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn delivery_steps(
    connection: &mut PgConnection,
    scope: &Scope,
    channels: &[String],
) -> Result<Vec<DeliveryStep>> {
    Ok(scope
        .query(&format!(
            "select
                channel.name as channel,
                date_trunc($7, outbox.at at time zone $6) as start,
                count(*) as delivered,
                percentile_cont(0.5) within group (order by {SECONDS}) as median_seconds,
                percentile_cont(0.95) within group (order by {SECONDS}) as p95_seconds
            from {MESSAGES}
                and outbox.state = 'delivered'
                and channel.name = any ($8)
            group by 1, 2
            order by 1, 2"
        ))
        .bind::<diesel::sql_types::Array<Text>, _>(channels)
        .load(connection)?)
}
