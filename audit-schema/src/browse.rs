//! What a person looks up, page by page: tables, rules, findings, alerts, rows in quarantine; and the mark by which a page
//! that is open learns that there is something new.
//!
//! Everything is found by its number, never by a name that somebody chose, and nothing here reads a watched table.

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};

use crate::Result;

mod alerts;
mod findings;
mod gauges;
mod quarantine;
mod rules;
mod search;
mod tables;

pub use alerts::{AlertFilter, alerts};
pub use findings::{Contents, FindingFilter, Found, finding, findings};
pub use gauges::{Gauges, SeverityGauge, gauges};
pub use quarantine::{HeldFilter, HeldRow, held};
pub use rules::{Rule, RuleFilter, rule, rules};
pub use search::{Hit, HitKind, search};
pub use tables::{Table, TableFilter, table, tables};

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1 on.
    pub number: i64,
    /// How many a page has.
    pub size: i64,
}

impl Page {
    fn offset(self) -> i64 {
        (self.number.max(1) - 1).saturating_mul(self.size)
    }
}

/// A part of a list, and how long the list is.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// How many there are on all pages.
    pub total: i64,
}

/// Where the words of a person occur, whatever their case; `%` and `_` are letters like any other.
const MENTIONS: &str = "position(lower($1) in lower(concat_ws(' ', ";

/// What the role that is logged in may do.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Rights {
    /// The role.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Whether the pipeline is installed.
    #[diesel(sql_type = Bool)]
    pub installed: bool,
    /// Read what there is, as `audit_reader` may.
    #[diesel(sql_type = Bool)]
    pub read: bool,
    /// Read the contents of rows that findings kept as samples.
    #[diesel(sql_type = Bool)]
    pub read_samples: bool,
    /// Read the contents of rows in quarantine.
    #[diesel(sql_type = Bool)]
    pub read_held: bool,
    /// Read the versions of a row.
    #[diesel(sql_type = Bool)]
    pub read_history: bool,
    /// Take alerts on, let them rest, resolve them.
    #[diesel(sql_type = Bool)]
    pub act_on_alerts: bool,
    /// Edit, release and discard rows in quarantine.
    #[diesel(sql_type = Bool)]
    pub act_on_quarantine: bool,
}

/// What the role that is logged in may do. Asking needs no right at all, and no pipeline.
///
/// # Errors
/// If the database can not be reached.
pub fn rights(connection: &mut PgConnection) -> Result<Rights> {
    Ok(diesel::sql_query(
        "select
            current_user::text as role,
            found.relation is not null as installed,
            coalesce(has_table_privilege(found.relation, 'select'), false) as read,
            coalesce(has_column_privilege(to_regclass('audit.finding'), 'samples', 'select'), false) as read_samples,
            coalesce(has_column_privilege(to_regclass('audit.quarantined_row'), 'row', 'select'), false) as read_held,
            coalesce(has_function_privilege(to_regprocedure('audit.history(regclass, text)'), 'execute'), false) as read_history,
            coalesce(has_function_privilege(to_regprocedure('audit.acknowledge(uuid, text, timestamptz)'), 'execute'), false)
                as act_on_alerts,
            coalesce(
                has_function_privilege(to_regprocedure('audit.release_held(jsonb, text, boolean, boolean, bigint)'), 'execute'),
                false
            ) as act_on_quarantine
        from (select to_regclass('audit.rule_status') as relation) as found",
    )
    .get_result(connection)?)
}

/// What differs between two moments between which something was committed that people see. Compare it, do not read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    transactions: String,
    contents: String,
}

/// The mark of this moment. Where no transaction has begun or ended since `known` it looks at nothing; else at the head,
/// which the tick keeps short, and at the ends of a few indexes.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn mark(connection: &mut PgConnection, known: Option<&Mark>) -> Result<Mark> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        transactions: String,
        #[diesel(sql_type = Nullable<Text>)]
        contents: Option<String>,
    }
    let row: Row = diesel::sql_query(
        "select
            pg_current_snapshot()::text as transactions,
            case
                when pg_current_snapshot()::text is distinct from $1 then concat_ws(
                    ' ',
                    (select count(*) || ' ' || coalesce(max(change.lsn), '0/0') from audit.change as change),
                    (select progress.folded_below::text || ' ' || coalesce(progress.ticked_at > now() - interval '5 minutes', false) from audit.progress as progress),
                    (select max(moved.alert_transition_id) from audit.alert_transition as moved),
                    (select max(made.delivery_attempt_id) from audit.delivery_attempt as made),
                    (select count(*) from audit.quarantine_event as event),
                    (select max(rule.rule_id) || ' ' || count(rule.retired_at) from audit.rule as rule),
                    (select max(watched.table_id) || ' ' || count(watched.unwatched_at) from audit.watched_table as watched),
                    (select max(moved.time_rule_transition_id) from audit.time_rule_transition as moved)
                )
            end as contents",
    )
    .bind::<Nullable<Text>, _>(known.map(|known| &known.transactions))
    .get_result(connection)?;
    Ok(Mark {
        transactions: row.transactions,
        contents: row
            .contents
            .or_else(|| known.map(|known| known.contents.clone()))
            .unwrap_or_default(),
    })
}

impl Mark {
    /// The mark in few letters, to be handed to a page and back.
    #[must_use]
    pub fn digest(&self) -> String {
        use sha2::{Digest, Sha256};
        Sha256::digest(self.contents.as_bytes())
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Whether people see something else than at the other mark.
    #[must_use]
    pub fn differs_from(&self, other: &Mark) -> bool {
        self.contents != other.contents
    }
}

/// How many rows a query has.
#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}
