//! Rules that the rows of a table suggest, as a fragment of a policy with the evidence for each.

mod decide;
mod fragment;
mod natural_key;

use audit_core::{Format, RuleKind};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

pub use fragment::policy_fragment;

use crate::{Error, Result};

/// How a table is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// About how many rows are looked at. A table that has not many more is read whole.
    pub rows: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { rows: 100_000 }
    }
}

/// What is suggested for one table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggested {
    /// The table, as `schema.table`, quoted where SQL wants it.
    pub table: String,
    /// How many rows were looked at.
    pub rows: i64,
    /// About how many rows it has.
    pub estimated: i64,
    /// Whether all of its rows were looked at.
    pub whole: bool,
    /// The rules, in the order of the columns.
    pub rules: Vec<Suggestion>,
    /// What was seen and is no rule, one sentence each.
    pub notes: Vec<String>,
}

/// A rule that the rows suggest. None of the rows that were looked at contradicts it, but for what `mostly` allows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// What the rule demands.
    #[serde(serialize_with = "as_declared")]
    pub kind: RuleKind,
    /// The share of rows that has to pass; `None` means all.
    pub mostly: Option<f64>,
    /// What speaks for it, in one sentence.
    pub evidence: String,
}

/// A kind as `audit.rule` stores it: its name and its options.
fn as_declared<S: Serializer>(kind: &RuleKind, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::json!({ "name": kind.name(), "definition": kind.definition() })
        .serialize(serializer)
}

/// Looks at the rows of a table, with the rights of the role that is logged in, and suggests rules for it. It changes
/// nothing, and the table need not be watched.
///
/// Only rules are suggested that every row looked at passes, or 99 in a hundred where there are a thousand of them or
/// more. What the table's own constraints keep already is not suggested again.
///
/// # Examples
///
/// ```no_run
/// use audit_schema::suggest::{Options, policy_fragment, suggest};
///
/// # fn main() -> audit_schema::Result<()> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// let orders = suggest(&mut connection, "public.orders", &Options::default())?;
/// std::fs::write("orders.yml", policy_fragment(&[orders])).expect("the file can be written");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the table does not exist, is none, or may not be read.
pub fn suggest(connection: &mut PgConnection, table: &str, options: &Options) -> Result<Suggested> {
    // Every statement looks at the same rows.
    connection
        .build_transaction()
        .repeatable_read()
        .read_only()
        .run(|connection| {
            let profile = read(connection, table, options.rows.max(1))?;
            let key = natural_key::find(&profile, &mut |columns| {
                duplicates(connection, &profile.source, columns)
            })?;
            Ok(decide::decide(&profile, key))
        })
}

/// What is known of a table.
#[derive(Clone, Debug, Deserialize)]
struct Profile {
    table: String,
    estimated: i64,
    whole: bool,
    /// What stands behind `from`.
    source: String,
    /// The columns of its primary key and of its unique indexes.
    keys: Vec<Vec<String>>,
    columns: Vec<Column>,
}

/// What is known of a column.
#[derive(Clone, Debug, Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    sql_type: String,
    class: Class,
    not_null: bool,
    /// Its values come from a sequence.
    numbered: bool,
    /// The greatest number of characters that its type allows.
    max_length: Option<i64>,
    foreign_key: bool,
    /// The share of nulls in the whole table, by its statistics.
    null_frac: Option<f64>,
    /// How many different values the statistics expect; below 0 as a share of the rows.
    n_distinct: Option<f64>,
    #[serde(skip)]
    seen: Seen,
    /// The format in which nearly all values are written, and how many rows are not.
    #[serde(skip)]
    format: Option<(Format, i64)>,
    #[serde(skip)]
    references: Vec<Reference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    Boolean,
    Integer,
    Number,
    Text,
    Time,
    Uuid,
    Other,
}

/// What the rows that are looked at say about a column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Seen {
    rows: i64,
    present: i64,
    distinct: i64,
    min: Option<String>,
    max: Option<String>,
    future: i64,
    min_length: Option<i64>,
    max_length: Option<i64>,
    blank: i64,
    /// All values, where there are few.
    values: Option<Vec<String>>,
    /// How most values are written: A for a capital letter, a for a small one, 9 for a digit.
    shape: Option<String>,
    of_shape: i64,
}

/// A key of another table, in which values of a column were looked up.
#[derive(Clone, Debug, QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    key_table: String,
    #[diesel(sql_type = Text)]
    key_column: String,
    /// Whether the names fit.
    #[diesel(sql_type = Bool)]
    named: bool,
    #[diesel(sql_type = BigInt)]
    key_rows: i64,
    #[diesel(sql_type = BigInt)]
    looked_up: i64,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    missing: i64,
}

impl Column {
    fn is_unique(&self) -> bool {
        self.seen.present > 0 && self.seen.distinct == self.seen.present
    }
}

impl Profile {
    fn rows(&self) -> i64 {
        self.columns.first().map_or(0, |column| column.seen.rows)
    }

    /// Whether a unique index keeps these columns apart.
    fn is_key(&self, columns: &[&str]) -> bool {
        self.keys
            .iter()
            .any(|key| key.iter().all(|name| columns.contains(&name.as_str())))
    }
}

/// Formats that hardly any text is written in by accident, the strictest first.
const DISTINCT_FORMATS: [&str; 13] = [
    "uuid",
    "email",
    "url",
    "iban",
    "ip",
    "mac",
    "iso_date",
    "iso_datetime",
    "time",
    "ulid",
    "phone_e164",
    "hex_color",
    "semver",
];

/// Formats of a few letters, which are only thought of where the column is called so.
const NAMED_FORMATS: [(&str, &[&str]); 3] = [
    ("country", &["country", "nation", "nationality"]),
    ("currency", &["currency"]),
    ("language", &["language", "lang", "locale"]),
];

fn read(connection: &mut PgConnection, table: &str, rows: i64) -> Result<Profile> {
    let mut profile: Profile = object(
        diesel::sql_query("select audit._suggest_table($1::regclass, $2) as object")
            .bind::<Text, _>(table)
            .bind::<BigInt, _>(rows)
            .get_result(connection)?,
    )?;
    for column in &mut profile.columns {
        let class = match column.class {
            Class::Boolean => "boolean",
            Class::Integer => "integer",
            Class::Number => "number",
            Class::Text => "text",
            Class::Time => "time",
            Class::Uuid => "uuid",
            Class::Other => "other",
        };
        column.seen = object(
            diesel::sql_query(
                "select audit._suggest_column($1::regclass, $2, $3, $4, $5) as object",
            )
            .bind::<Text, _>(&profile.table)
            .bind::<Text, _>(&profile.source)
            .bind::<Text, _>(&column.name)
            .bind::<Text, _>(&column.sql_type)
            .bind::<Text, _>(class)
            .get_result(connection)?,
        )?;
        if column.seen.present == 0 {
            continue;
        }
        if column.class == Class::Text {
            column.format = format(connection, &profile.source, &column.name)?;
        }
        let is_number_of_its_own =
            profile.keys.iter().any(|key| *key == [column.name.clone()]) || column.numbered;
        if matches!(column.class, Class::Text | Class::Integer | Class::Uuid)
            && !column.foreign_key
            && !is_number_of_its_own
        {
            column.references = diesel::sql_query(
                "select * from audit._suggest_references($1::regclass, $2, $3, $4)",
            )
            .bind::<Text, _>(&profile.table)
            .bind::<Text, _>(&profile.source)
            .bind::<Text, _>(&column.name)
            .bind::<Text, _>(class)
            .load(connection)?;
        }
    }
    Ok(profile)
}

fn format(
    connection: &mut PgConnection,
    source: &str,
    column: &str,
) -> Result<Option<(Format, i64)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        format: String,
        #[diesel(sql_type = BigInt)]
        failing: i64,
    }
    let known = |name: &str| Format::ALL.into_iter().find(|format| format.name() == name);
    let named = NAMED_FORMATS.iter().filter(|(_, words)| {
        let mut parts = decide::words(column);
        parts.any(|part| words.contains(&part.as_str()))
    });
    let candidates: Vec<&str> = DISTINCT_FORMATS
        .into_iter()
        .chain(named.map(|(name, _)| *name))
        .filter(|name| known(name).is_some())
        .collect();
    let rows: Vec<Row> = diesel::sql_query("select * from audit._suggest_format($1, $2, $3)")
        .bind::<Text, _>(source)
        .bind::<Text, _>(column)
        .bind::<Array<Text>, _>(candidates)
        .load(connection)?;
    Ok(rows
        .first()
        .and_then(|row| Some((known(&row.format)?, row.failing))))
}

fn duplicates(connection: &mut PgConnection, source: &str, columns: &[&str]) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        duplicates: i64,
    }
    let row: Row = diesel::sql_query("select audit._suggest_duplicates($1, $2) as duplicates")
        .bind::<Text, _>(source)
        .bind::<Array<Text>, _>(columns)
        .get_result(connection)?;
    Ok(row.duplicates)
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Jsonb)]
    object: Value,
}

fn object<T: for<'de> Deserialize<'de>>(row: Object) -> Result<T> {
    serde_json::from_value(row.object).map_err(Error::unreadable)
}
