//! A watched table, or one of its rows, as it was at another time.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use crate::Result;

/// The rows that a table had.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AsOf {
    /// The columns of the table, in their order.
    pub columns: Vec<String>,
    /// Columns whose values the log does not know: they are redacted or hashed, and not among the columns.
    pub unknown: Vec<String>,
    /// The rows, in the order of their keys as text.
    pub rows: Vec<AsOfRow>,
}

/// A row that a table had. Its values are texts, because a number of PostgreSQL may have more digits than one of Rust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, QueryableByName)]
pub struct AsOfRow {
    /// The values in the order of the columns; `None` for null.
    #[diesel(sql_type = Array<Nullable<Text>>)]
    pub values: Vec<Option<String>>,
    /// The row as a json object.
    #[diesel(sql_type = Text)]
    pub json: String,
}

/// The rows of `table` as they were at a time, or the one row that had the primary key `key` then.
///
/// Every change logged until then is in it, and none logged later. Columns are those that the table has now, without those
/// that are redacted or hashed.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> audit_schema::Result<()> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// let yesterday = chrono::Utc::now() - chrono::TimeDelta::days(1);
/// let order = audit_schema::as_of(&mut connection, "public.orders", yesterday, Some("42"))?;
/// assert!(order.rows.len() <= 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the table is not watched or was not at that time, retention dropped what was then (`log_was_dropped`), the log has
/// only hashes of its keys (`keys_are_hashed`), or rows that a TRUNCATE took would be needed, which are not in
/// the log: see [`Error::fact`](crate::Error::fact). When the role may not read the log or the table.
pub fn as_of(
    connection: &mut PgConnection,
    table: &str,
    at: DateTime<Utc>,
    key: Option<&str>,
) -> Result<AsOf> {
    #[derive(QueryableByName)]
    struct Columns {
        #[diesel(sql_type = Array<Text>)]
        columns: Vec<String>,
        #[diesel(sql_type = Array<Text>)]
        unknown: Vec<String>,
    }

    let Columns { columns, unknown } = diesel::sql_query(
        "select
            array(select c.name from audit._log_column($1::regclass, 'known') c) as columns,
            array(
                select c.name
                from audit.watched_table w
                cross join unnest(w.redact || w.hash) c (name)
                where w.relation = $1::regclass and w.unwatched_at is null
                order by c.name
            ) as unknown",
    )
    .bind::<Text, _>(table)
    .get_result(connection)?;
    let rows = diesel::sql_query(
        "select
            array(select a.\"row\" ->> c.name from unnest($4) with ordinality c (name, position) order by c.position) as values,
            a.\"row\"::text as json
        from audit.as_of($1::regclass, $2, $3) a
        order by a.key, a.\"row\"",
    )
    .bind::<Text, _>(table)
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Text>, _>(key)
    .bind::<Array<Text>, _>(&columns)
    .load(connection)?;
    Ok(AsOf {
        columns,
        unknown,
        rows,
    })
}
