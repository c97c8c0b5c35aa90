//! What a person asks of an installed database: what it is, and how it is doing.
//!
//! All of it comes from counters, findings and the outbox; nothing here scans a watched table.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use crate::Result;
use crate::applied::Applied;
use crate::check::LastCheck;
use crate::doctor::Remark;
use crate::time_rule::TimeRuleStatus;

/// How the pipeline and the data are doing, in the snapshot of the reader.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The database.
    pub database: String,
    /// The version of its server, for example `15.14`.
    pub server_version: String,
    /// How far the tick has come and what waits for it.
    pub pipeline: PipelineStatus,
    /// The watched tables, by name.
    pub tables: Vec<TableStatus>,
    /// The rules in force: worst severity first, then most failing rows first.
    pub rules: Vec<RuleStatus>,
    /// Every group of every time-driven rule: what fails first.
    pub time_rules: Vec<TimeRuleStatus>,
    /// Alerts that are not resolved, worst first.
    pub open_alerts: Vec<AlertStatus>,
    /// The last check of each table that was ever checked, and checks that are not finished.
    pub checks: Vec<LastCheck>,
    /// What doctor has to say, worst first.
    pub remarks: Vec<Remark>,
    /// The last apply of a policy that changed something.
    pub last_apply: Option<Applied>,
}

/// How far the tick has come and what waits for it.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct PipelineStatus {
    /// When the last tick ran, by the clock of the server.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ticked_at: Option<DateTime<Utc>>,
    /// The time that tick was run for, which differs from `ticked_at` in a replay.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub clock: Option<DateTime<Utc>>,
    /// Changed rows in the head of the log, not yet sealed.
    #[diesel(sql_type = BigInt)]
    pub head_rows: i64,
    /// For how many seconds the oldest of them has waited to be folded; 0 when none waits.
    #[diesel(sql_type = BigInt)]
    pub waiting_seconds: i64,
    /// Summaries that start from a scan at this moment, with the percentage of their table that was read.
    #[diesel(sql_type = Array<Text>)]
    pub starting: Vec<String>,
    /// Since when the oldest row in quarantine waits; `None` when none does.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest_held_at: Option<DateTime<Utc>>,
    /// Sealed segments.
    #[diesel(sql_type = BigInt)]
    pub segments: i64,
    /// Rows in sealed segments.
    #[diesel(sql_type = BigInt)]
    pub sealed_rows: i64,
    /// Messages that arrived.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Messages that wait for their turn or their next attempt.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// News that are collected for a digest.
    #[diesel(sql_type = BigInt)]
    pub collected: i64,
    /// Messages that could not be delivered.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
    /// Channels that are paused, because their credentials were refused.
    #[diesel(sql_type = Array<Text>)]
    pub paused_channels: Vec<String>,
}

/// One watched table.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct TableStatus {
    /// Schema and name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Who answers for its data.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// Rows in it now.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Rows inserted since the watch began.
    #[diesel(sql_type = BigInt)]
    pub inserted: i64,
    /// Rows updated since the watch began.
    #[diesel(sql_type = BigInt)]
    pub updated: i64,
    /// Rows deleted since the watch began.
    #[diesel(sql_type = BigInt)]
    pub deleted: i64,
    /// Rules in force.
    #[diesel(sql_type = BigInt)]
    pub rules: i64,
    /// Rules that at least one row fails now.
    #[diesel(sql_type = BigInt)]
    pub failing_rules: i64,
    /// Rows that wait in quarantine.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
}

/// One rule in force.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct RuleStatus {
    /// Schema and name of the table.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// The name of the rule.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// `critical`, `important`, `normal` or `low`.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// `flag`, `quarantine` or `reject`.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// It is on trial: evaluated and counted, but it never acts and never alerts.
    #[diesel(sql_type = Bool)]
    pub shadow: bool,
    /// Rows that fail it now, or 0 if it is on trial or enough rows pass it.
    #[diesel(sql_type = BigInt)]
    pub taken_as_failing: i64,
    /// Who has to fix what fails.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// Whether the tick asks it: then groups fail it, and not rows.
    #[diesel(sql_type = Bool)]
    pub time_driven: bool,
    /// Rows that fail it now.
    #[diesel(sql_type = BigInt)]
    pub failing: i64,
    /// Statements for which it could not be evaluated.
    #[diesel(sql_type = BigInt)]
    pub errors: i64,
    /// Share of the table's rows that fail it, from 0 to 1.
    #[diesel(sql_type = Double)]
    pub failing_ratio: f64,
    /// When it last failed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_failed: Option<DateTime<Utc>>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub struct AlertStatus {
    /// The identity of what it is about: the same for every episode.
    #[diesel(sql_type = Text)]
    pub fingerprint: String,
    /// The policy that raised it.
    #[diesel(sql_type = Text)]
    pub policy: String,
    /// `critical`, `important`, `normal` or `low`.
    #[diesel(sql_type = Text)]
    pub severity: String,
    /// What it says.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// `pending`, `firing`, `acknowledged`, `snoozed` or `resolved`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Who has to act.
    #[diesel(sql_type = Text)]
    pub owner: String,
    /// When its condition began to hold.
    #[diesel(sql_type = Timestamptz)]
    pub opened_at: DateTime<Utc>,
    /// When people were first told.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub fired_at: Option<DateTime<Utc>>,
    /// When it was over.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub resolved_at: Option<DateTime<Utc>>,
}

/// Tells how the pipeline and the data are doing.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn status(connection: &mut PgConnection) -> Result<Status> {
    #[derive(QueryableByName)]
    struct Server {
        #[diesel(sql_type = Text)]
        database: String,
        #[diesel(sql_type = Text)]
        server_version: String,
    }
    let server: Server = diesel::sql_query(
        "select current_database()::text as database,
                split_part(current_setting('server_version'), ' ', 1) as server_version",
    )
    .get_result(connection)?;
    let pipeline = diesel::sql_query(
        "select
            progress.ticked_at,
            progress.clock,
            (select coalesce(sum(change.rows), 0)::bigint from audit.change as change) as head_rows,
            (select coalesce(extract(epoch from clock_timestamp() - min(change.at)), 0)::bigint from audit.change as change) as waiting_seconds,
            array(select format('%s %s %%', scan.summary, scan.percent) from audit.summary_progress as scan order by 1) as starting,
            (select min(coalesce(aside.occurred_at, aside.at)) from audit.quarantine as aside where aside.state = 'held') as oldest_held_at,
            (select count(*) from audit.segment) as segments,
            (select coalesce(sum(segment.rows), 0)::bigint from audit.segment as segment) as sealed_rows,
            (select count(*) from audit.outbox where state = 'delivered') as delivered,
            (select coalesce(sum(channel.waiting), 0)::bigint from audit.channel_state as channel) as waiting,
            (select coalesce(sum(channel.collected), 0)::bigint from audit.channel_state as channel) as collected,
            (select count(*) from audit.outbox where state = 'dead') as dead,
            array(
                select channel.name
                from audit.channel as channel
                where channel.paused_at is not null and channel.retired_at is null
                order by channel.name
            ) as paused_channels
        from audit.progress as progress",
    )
    .get_result(connection)?;
    let tables = diesel::sql_query(
        "select
            watched.name,
            watched.owner,
            counter.rows,
            counter.inserted,
            counter.updated,
            counter.deleted,
            (
                select count(*)
                from audit.rule as rule
                where rule.table_id = watched.table_id and rule.retired_at is null and not rule.shadow
            ) as rules,
            (
                select count(*)
                from audit.rule_status as rule
                where rule.table_id = watched.table_id and rule.taken_as_failing > 0
            ) as failing_rules,
            (
                select count(*)
                from audit.quarantine as held
                where held.table_id = watched.table_id and held.state = 'held'
            ) as held
        from audit.watched_table as watched
        join audit.table_counter as counter using (table_id)
        where watched.unwatched_at is null
        order by watched.name",
    )
    .load(connection)?;
    let rules = diesel::sql_query(
        "select
            watched.name as \"table\",
            rule.name,
            rule.severity,
            rule.action,
            rule.shadow,
            rule.taken_as_failing,
            rule.owner,
            rule.class = 'time' as time_driven,
            counter.failing,
            counter.errors,
            coalesce(counter.failing::double precision / nullif(rule.rows, 0), 0) as failing_ratio,
            (
                select max(coalesce(finding.occurred_at, finding.at))
                from audit.finding as finding
                where finding.rule_id = rule.rule_id and finding.new_failed > 0
            ) as last_failed
        from audit.rule_status as rule
        join audit.watched_table as watched using (table_id)
        join audit.rule_counter as counter using (rule_id)
        order by
            rule.shadow,
            array_position(array['critical', 'important', 'normal', 'low'], rule.severity),
            counter.failing desc,
            watched.name,
            rule.name",
    )
    .load(connection)?;
    let open_alerts = diesel::sql_query(format!(
        "{ALERTS} where alert.state <> 'resolved'
        order by
            array_position(array['critical', 'important', 'normal', 'low'], alert.severity),
            alert.opened_at,
            alert.title"
    ))
    .load(connection)?;
    Ok(Status {
        database: server.database,
        server_version: server.server_version,
        pipeline,
        tables,
        rules,
        time_rules: crate::time_rule::time_rules(connection)?,
        open_alerts,
        checks: crate::check::last_checks(connection)?,
        remarks: crate::doctor::doctor(connection)?,
        last_apply: crate::applied::applied(connection, 1)?.pop(),
    })
}

/// All alerts that people were told of, oldest first.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn alerts(connection: &mut PgConnection) -> Result<Vec<AlertStatus>> {
    Ok(diesel::sql_query(format!(
        "{ALERTS} where alert.fired_at is not null order by alert.fired_at, alert.title"
    ))
    .load(connection)?)
}

const ALERTS: &str = "select
    alert.fingerprint,
    alert.policy,
    alert.severity,
    alert.title,
    alert.state,
    alert.owner,
    alert.opened_at,
    alert.fired_at,
    alert.resolved_at
from audit.alert as alert";

/// Whether the pipeline is installed in a database.
///
/// # Errors
/// If the catalogue may not be read.
pub fn is_installed(connection: &mut PgConnection) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Installed {
        #[diesel(sql_type = Bool)]
        installed: bool,
    }
    let found: Installed = diesel::sql_query(
        "select exists (
            select
            from pg_catalog.pg_class as relation
            join pg_catalog.pg_namespace as schema on schema.oid = relation.relnamespace
            where schema.nspname = 'audit' and relation.relname = 'progress'
        ) as installed",
    )
    .get_result(connection)?;
    Ok(found.installed)
}

/// Whether a database holds no table, view or sequence of anybody, besides what the system and the pipeline own.
///
/// # Errors
/// If the catalogue may not be read.
pub fn is_empty(connection: &mut PgConnection) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Empty {
        #[diesel(sql_type = Bool)]
        empty: bool,
    }
    let found: Empty = diesel::sql_query(
        "select not exists (
            select
            from pg_catalog.pg_class as relation
            join pg_catalog.pg_namespace as schema on schema.oid = relation.relnamespace
            where schema.nspname !~ '^pg_' and schema.nspname <> 'information_schema'
        ) as empty",
    )
    .get_result(connection)?;
    Ok(found.empty)
}

/// A watched table, found by the name that a person typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct WatchedTable {
    /// The number by which the log names it.
    #[diesel(sql_type = Integer)]
    pub table_id: i32,
    /// Schema and name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether it has a primary key, by which its rows can be found.
    #[diesel(sql_type = Bool)]
    pub has_key: bool,
    /// Changes until this moment were dropped by retention.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub kept_from: Option<DateTime<Utc>>,
    /// Columns whose values the log does not know, because they are redacted or hashed.
    #[diesel(sql_type = Array<Text>)]
    pub hidden: Vec<String>,
}

/// The watched tables whose log begins with their first row and of which nothing was dropped, so that it can be replayed.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn replayable_tables(connection: &mut PgConnection) -> Result<Vec<String>> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let tables: Vec<Named> = diesel::sql_query(
        "select watched.name
        from audit.watched_table as watched
        join audit.table_counter as counter using (table_id)
        where watched.unwatched_at is null
            and watched.kept_from is null
            and (counter.truncated > 0 or counter.rows = counter.inserted - counter.deleted)
        order by watched.name",
    )
    .load(connection)?;
    Ok(tables.into_iter().map(|table| table.name).collect())
}

/// The names of all watched tables.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn watched_tables(connection: &mut PgConnection) -> Result<Vec<String>> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let tables: Vec<Named> = diesel::sql_query(
        "select watched.name
        from audit.watched_table as watched
        where watched.unwatched_at is null
        order by watched.name",
    )
    .load(connection)?;
    Ok(tables.into_iter().map(|table| table.name).collect())
}

/// The names of the tables of a database that could be watched, and are not the pipeline's.
///
/// # Errors
/// If the catalogue may not be read.
pub fn tables(connection: &mut PgConnection) -> Result<Vec<String>> {
    Ok(crate::declared::table_names(connection)?)
}

/// Finds a watched table by `schema.table`, or by `table` where that is the name of one only.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn watched_table(connection: &mut PgConnection, name: &str) -> Result<Option<WatchedTable>> {
    Ok(diesel::sql_query(
        "select watched.table_id, watched.name, watched.key_columns <> '{}' as has_key,
            watched.kept_from, watched.redact || watched.hash as hidden
        from audit.watched_table as watched
        where watched.unwatched_at is null
            and $1 in (watched.name, split_part(watched.name, '.', 2))
        order by (watched.name = $1) desc, watched.name
        limit 1",
    )
    .bind::<Text, _>(name)
    .get_result(connection)
    .optional()?)
}
