//! Rows that wait in quarantine: seen, edited, released after a check, or discarded.
//!
//! ```no_run
//! use audit_schema::quarantine::{self, Filter, Release};
//!
//! # fn main() -> audit_schema::Result<()> {
//! let mut connection = audit_schema::connect("postgresql:///shop")?;
//! let filter = Filter { rule: Some("range_amount".to_owned()), ..Filter::default() };
//! for held in quarantine::list(&mut connection, &filter)? {
//!     println!("{} {} waits for {}", held.table, held.key, held.owner);
//! }
//! quarantine::edit(&mut connection, &filter, &serde_json::json!({ "amount": 0 }), &Default::default())?;
//! for handled in quarantine::release(&mut connection, &filter, &Release::default())? {
//!     println!("{} {:?} {:?}", handled.key, handled.outcome, handled.reasons);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What is done is recorded with the role that is logged in, and with the person whom [`context::set`](crate::context::set)
//! names in the same transaction.

use audit_core::{Author, QuarantineMode};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Double, Json, Jsonb, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::author::AuthorRow;
use crate::history::object;
use crate::{Error, Result};

/// Which rows are meant. What is not given does not filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only these entries. A row that is named is answered for, also when it does not wait any more.
    pub ids: Vec<String>,
    /// Only of this table, as `schema.table` or `table`.
    pub table: Option<String>,
    /// Only of the rule with this name.
    pub rule: Option<String>,
    /// Only the rows with this primary key, as text.
    pub key: Option<String>,
    /// Only those for which this owner of a rule or table answers.
    pub owner: Option<String>,
    /// Only those that wait since then or later.
    pub since: Option<DateTime<Utc>>,
    /// Only those that waited before then.
    pub until: Option<DateTime<Utc>>,
    /// At most so many: the newest of a list, the oldest of what is worked on.
    pub limit: i64,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            table: None,
            rule: None,
            key: None,
            owner: None,
            since: None,
            until: None,
            limit: 10_000,
        }
    }
}

impl Filter {
    /// Only the entry with this identity.
    #[must_use]
    pub fn one(id: impl Into<String>) -> Self {
        Self {
            ids: vec![id.into()],
            ..Self::default()
        }
    }

    /// Whether it means every row that waits.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.definition() == Value::Object(Map::new())
    }

    fn definition(&self) -> Value {
        let mut definition = Map::new();
        if !self.ids.is_empty() {
            definition.insert("ids".to_owned(), self.ids.clone().into());
        }
        for (name, value) in [
            ("table", &self.table),
            ("rule", &self.rule),
            ("key", &self.key),
            ("owner", &self.owner),
        ] {
            if let Some(value) = value {
                definition.insert(name.to_owned(), value.clone().into());
            }
        }
        for (name, time) in [("since", self.since), ("until", self.until)] {
            if let Some(time) = time {
                definition.insert(name.to_owned(), time.to_rfc3339().into());
            }
        }
        Value::Object(definition)
    }
}

/// A row in quarantine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuarantinedRow {
    /// Identifies it.
    pub quarantine_id: String,
    /// Since when it waits: the time that the writer gave, or else the clock of the server.
    pub since: DateTime<Utc>,
    /// For how long, in seconds; in a replay, by the clock of the pipeline.
    pub age: f64,
    /// When somebody must have seen to it, by the strictest of its rules.
    pub fix_by: Option<DateTime<Utc>>,
    /// Schema and name of the table.
    pub table: String,
    /// Whether it was taken out of the table, or is there and hidden.
    pub mode: QuarantineMode,
    /// `I`: an insert. `U`: an update, which was undone if it was set aside.
    pub op: String,
    /// Primary key, as text.
    pub key: String,
    /// The quarantine rules that it fails.
    pub rules: Vec<String>,
    /// The worst severity among them.
    pub severity: String,
    /// Who answers for these rules, or else for the table. Empty if nobody was named.
    pub owner: String,
    /// The values of the columns that these rules read.
    pub values: Value,
    /// Who wrote: the person named, else the application, else the role.
    pub writer: String,
    /// `held`, `released` or `discarded`.
    pub state: String,
    /// How often it was edited.
    pub edits: i64,
    /// How often a release was refused.
    pub refusals: i64,
}

/// A row in quarantine, whole, with what was done with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// What a list tells of it.
    pub held: QuarantinedRow,
    /// The row as it was written, or as it was edited since.
    pub row: Map<String, Value>,
    /// The version that is in the table, as it was when the row was set aside.
    pub restored: Option<Map<String, Value>>,
    /// What was done with it, oldest first.
    pub events: Vec<Event>,
}

/// Something that was done with a row in quarantine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// `edited`, `released`, `refused` or `discarded`.
    pub kind: String,
    /// Why, in the words of whoever did it.
    pub reason: Option<String>,
    /// The values that an edit replaced.
    pub old: Option<Map<String, Value>>,
    /// The values that an edit put in their place.
    pub new: Option<Map<String, Value>>,
    /// Why a release was refused.
    pub reasons: Vec<Reason>,
    /// Who did it.
    pub author: Author,
}

/// What stands in the way of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Whether a rule, a constraint of the table, a fact, or any other error.
    pub kind: ReasonKind,
    /// The rule, the constraint, the fact, or the SQLSTATE of the error.
    pub name: String,
    /// What it means, for people.
    pub message: String,
}

/// What kind of thing stands in the way of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ReasonKind {
    /// A rule that the row still fails, or fails now.
    Rule,
    /// A constraint of the table.
    Constraint,
    /// `row_changed`, `row_is_gone` and `key_is_taken`, which [`Release::overwrite`] overcomes; `row_was_not_written`,
    /// `column_is_gone`, `table_is_gone`, `table_is_not_watched`, `table_has_no_primary_key`.
    Fact,
    /// Any other error of the write.
    Error,
}

/// What came of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It has new values.
    Edited,
    /// It had these values.
    Unchanged,
    /// It is in its table, and visible.
    Released,
    /// It stays where it is, for the reasons given.
    Refused,
    /// It was thrown away; or it was hidden and is gone.
    Discarded,
    /// It had been released before; nothing was done.
    AlreadyReleased,
    /// It had been discarded before; nothing was done.
    AlreadyDiscarded,
    /// There is no such entry.
    Unknown,
}

impl Outcome {
    /// The words for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Unchanged => "unchanged",
            Self::Released => "released",
            Self::Refused => "refused",
            Self::Discarded => "discarded",
            Self::AlreadyReleased => "already released",
            Self::AlreadyDiscarded => "already discarded",
            Self::Unknown => "unknown",
        }
    }

    const ALL: [Self; 8] = [
        Self::Edited,
        Self::Unchanged,
        Self::Released,
        Self::Refused,
        Self::Discarded,
        Self::AlreadyReleased,
        Self::AlreadyDiscarded,
        Self::Unknown,
    ];
}

/// A row that was edited, released or discarded, or should have been.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Handled {
    /// Identifies it.
    pub quarantine_id: String,
    /// Schema and name of the table; empty for an entry that does not exist.
    pub table: String,
    /// Primary key, as text.
    pub key: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was refused.
    pub reasons: Vec<Reason>,
    /// The values that an edit replaced.
    pub old: Option<Map<String, Value>>,
    /// The values that it put in their place.
    pub new: Option<Map<String, Value>>,
}

/// How rows are edited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Why, for the record.
    pub reason: Option<String>,
    /// Say what would happen, and do nothing.
    pub dry_run: bool,
}

/// How rows are released.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Why, for the record.
    pub reason: Option<String>,
    /// Replace a row of the table that changed, went or came in the meantime.
    pub overwrite: bool,
    /// Say what would happen: everything is tried, and taken back.
    pub dry_run: bool,
}

/// The rows that wait, newest first.
///
/// # Errors
/// If the pipeline is not installed or may not be read, or an id in the filter is none.
pub fn list(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<QuarantinedRow>> {
    let rows: Vec<Row> = diesel::sql_query(format!(
        "{COLUMNS} from audit.quarantined_row as held
        where held.quarantine_id in (select audit._select_held($1, null))
        order by held.since desc, held.lsn desc, held.key
        limit $2"
    ))
    .bind::<Jsonb, _>(filter.definition())
    .bind::<BigInt, _>(filter.limit)
    .load(connection)?;
    rows.into_iter().map(QuarantinedRow::try_from).collect()
}

/// How many rows wait.
///
/// # Errors
/// If the pipeline is not installed or may not be read.
pub fn count(connection: &mut PgConnection, filter: &Filter) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    Ok(
        diesel::sql_query("select count(*) as rows from audit._select_held($1, null)")
            .bind::<Jsonb, _>(filter.definition())
            .get_result::<Count>(connection)?
            .rows,
    )
}

/// The entry whose identity begins with some characters, whatever its state.
///
/// # Errors
/// [`Error::NoSuchRow`] if there is none, or more than one; or if the pipeline may not be read.
pub fn show(connection: &mut PgConnection, id: &str) -> Result<Shown> {
    let id = find(connection, id)?;
    let row: Row = diesel::sql_query(format!(
        "{COLUMNS} from audit.quarantined_row as held where held.quarantine_id = $1::uuid"
    ))
    .bind::<Text, _>(&id)
    .get_result(connection)?;
    let events: Vec<EventRow> = diesel::sql_query(
        "select event.at, event.kind, event.reason, event.old, event.new, coalesce(event.reasons, '[]') as reasons,
            event.session_role, event.actor, event.application, null as client, event.request_id
        from audit.quarantine_event as event
        where event.quarantine_id = $1::uuid
        order by event.at",
    )
    .bind::<Text, _>(&id)
    .load(connection)?;
    Ok(Shown {
        row: object(row.content.clone()).unwrap_or_default(),
        restored: row.restored.clone().and_then(object),
        held: row.try_into()?,
        events: events
            .into_iter()
            .map(Event::try_from)
            .collect::<Result<_>>()?,
    })
}

/// The whole identity of the entry that begins with some characters, as a list shortens it.
///
/// # Errors
/// [`Error::NoSuchRow`] if there is none, or more than one; or if the pipeline may not be read.
pub fn find(connection: &mut PgConnection, id: &str) -> Result<String> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        id: String,
    }
    // A range, so that the primary key finds it.
    let digits: String = id
        .chars()
        .filter(|character| *character != '-')
        .flat_map(char::to_lowercase)
        .collect();
    let none = |several| Error::NoSuchRow {
        id: id.to_owned(),
        several,
    };
    if digits.is_empty()
        || digits.len() > 32
        || !digits.chars().all(|digit| digit.is_ascii_hexdigit())
    {
        return Err(none(false));
    }
    let mut found: Vec<Found> = diesel::sql_query(
        "select quarantine_id::text as id
        from audit.quarantine
        where quarantine_id between rpad($1, 32, '0')::uuid and rpad($1, 32, 'f')::uuid
        limit 2",
    )
    .bind::<Text, _>(digits)
    .load(connection)?;
    match (found.pop(), found.pop()) {
        (Some(only), None) => Ok(only.id),
        (several, _) => Err(none(several.is_some())),
    }
}

/// Gives rows new values: `patch` is an object of columns and their values. The rules are asked when a row is released.
///
/// # Errors
/// [`Error::Refused`] if the patch does not fit the table: `column_does_not_exist`, `column_is_generated`,
/// `key_can_not_be_null`, `value_does_not_fit`, `patch_is_not_an_object`, `table_is_gone`. Then nothing is edited.
pub fn edit(
    connection: &mut PgConnection,
    filter: &Filter,
    patch: &Value,
    options: &Edit,
) -> Result<Vec<Handled>> {
    handled(
        diesel::sql_query(
            "select e.quarantine_id::text as quarantine_id, e.table_name, e.key, e.outcome, null::jsonb as reasons, e.old, e.new
            from audit.edit_held($1, $2, $3, dry_run => $4, most => $5) e",
        )
        .bind::<Jsonb, _>(filter.definition())
        .bind::<Jsonb, _>(patch)
        .bind::<Nullable<Text>, _>(&options.reason)
        .bind::<Bool, _>(options.dry_run)
        .bind::<BigInt, _>(filter.limit)
        .load(connection)?,
    )
}

/// Puts rows back into their tables, after every rule and constraint was checked again. A row that still fails stays, and
/// the others go; a row that was released before is left alone.
///
/// # Errors
/// If the role may not release, or the server is in the way; then nothing is released.
pub fn release(
    connection: &mut PgConnection,
    filter: &Filter,
    options: &Release,
) -> Result<Vec<Handled>> {
    handled(
        diesel::sql_query(
            "select r.quarantine_id::text as quarantine_id, r.table_name, r.key, r.outcome, r.reasons, null::json as old, null::json as new
            from audit.release_held($1, $2, overwrite => $3, dry_run => $4, most => $5) r",
        )
        .bind::<Jsonb, _>(filter.definition())
        .bind::<Nullable<Text>, _>(&options.reason)
        .bind::<Bool, _>(options.overwrite)
        .bind::<Bool, _>(options.dry_run)
        .bind::<BigInt, _>(filter.limit)
        .load(connection)?,
    )
}

/// Throws rows away, for a reason. What was set aside never comes into its table; what was hidden stays there, hidden.
///
/// # Errors
/// [`Error::Refused`] with `reason_is_missing` if the reason is blank, or if the role may not discard.
pub fn discard(
    connection: &mut PgConnection,
    filter: &Filter,
    reason: &str,
    dry_run: bool,
) -> Result<Vec<Handled>> {
    handled(
        diesel::sql_query(
            "select d.quarantine_id::text as quarantine_id, d.table_name, d.key, d.outcome, null::jsonb as reasons, null::json as old, null::json as new
            from audit.discard_held($1, $2, dry_run => $3, most => $4) d",
        )
        .bind::<Jsonb, _>(filter.definition())
        .bind::<Text, _>(reason)
        .bind::<Bool, _>(dry_run)
        .bind::<BigInt, _>(filter.limit)
        .load(connection)?,
    )
}

const COLUMNS: &str = "select
    held.quarantine_id::text as quarantine_id,
    held.since,
    extract(epoch from held.age)::double precision as age,
    held.fix_by,
    held.table_name,
    held.mode,
    held.op::text as op,
    held.key,
    held.rules,
    held.severity,
    held.owner,
    (
        select coalesce(json_object_agg(field.key, field.value order by field.key), '{}')
        from json_each(held.row) as field
        where field.key = any (held.columns)
    ) as values,
    held.writer,
    held.state,
    held.edits,
    held.refusals,
    held.row as content,
    held.restored";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    quarantine_id: String,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
    #[diesel(sql_type = Double)]
    age: f64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    fix_by: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Text)]
    op: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Array<Text>)]
    rules: Vec<String>,
    #[diesel(sql_type = Text)]
    severity: String,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Json)]
    values: Value,
    #[diesel(sql_type = Text)]
    writer: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    edits: i64,
    #[diesel(sql_type = BigInt)]
    refusals: i64,
    #[diesel(sql_type = Json)]
    content: Value,
    #[diesel(sql_type = Nullable<Json>)]
    restored: Option<Value>,
}

impl TryFrom<Row> for QuarantinedRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            quarantine_id: row.quarantine_id,
            since: row.since,
            age: row.age,
            fix_by: row.fix_by,
            table: row.table_name,
            mode: row.mode.parse().map_err(Error::unreadable)?,
            op: row.op,
            key: row.key,
            rules: row.rules,
            severity: row.severity,
            owner: row.owner,
            values: row.values,
            writer: row.writer,
            state: row.state,
            edits: row.edits,
            refusals: row.refusals,
        })
    }
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<Json>)]
    old: Option<Value>,
    #[diesel(sql_type = Nullable<Json>)]
    new: Option<Value>,
    #[diesel(sql_type = Jsonb)]
    reasons: Value,
    #[diesel(embed)]
    author: AuthorRow,
}

impl TryFrom<EventRow> for Event {
    type Error = Error;

    fn try_from(row: EventRow) -> Result<Self> {
        Ok(Self {
            at: row.at,
            kind: row.kind,
            reason: row.reason,
            old: row.old.and_then(object),
            new: row.new.and_then(object),
            reasons: serde_json::from_value(row.reasons).map_err(Error::unreadable)?,
            author: row.author.into(),
        })
    }
}

#[derive(QueryableByName)]
struct HandledRow {
    #[diesel(sql_type = Text)]
    quarantine_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    table_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    key: Option<String>,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    reasons: Option<Value>,
    #[diesel(sql_type = Nullable<Json>)]
    old: Option<Value>,
    #[diesel(sql_type = Nullable<Json>)]
    new: Option<Value>,
}

fn handled(rows: Vec<HandledRow>) -> Result<Vec<Handled>> {
    rows.into_iter()
        .map(|row| {
            Ok(Handled {
                quarantine_id: row.quarantine_id,
                table: row.table_name.unwrap_or_default(),
                key: row.key.unwrap_or_default(),
                outcome: Outcome::ALL
                    .into_iter()
                    .find(|outcome| outcome.name() == row.outcome)
                    .unwrap_or(Outcome::Unknown),
                reasons: match row.reasons {
                    Some(reasons) => serde_json::from_value(reasons).map_err(Error::unreadable)?,
                    None => Vec::new(),
                },
                old: row.old.and_then(object),
                new: row.new.and_then(object),
            })
        })
        .collect()
}
