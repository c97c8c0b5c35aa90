//! A watched table, or one of its rows, as it was at another time.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Jsonb, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Result;

/// The rows that a table had.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AsOf {
    /// The columns of the table, in their order.
    pub columns: Vec<String>,
    /// The rows, in the order of their keys as text.
    pub rows: Vec<Map<String, Value>>,
}

/// The rows of `table` as they were at a time, or the one row that had the primary key `key` then.
///
/// Every change logged until then is in it, and none logged later. Columns are those that the table has now.
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
/// When the table is not watched or was not at that time, or rows that a TRUNCATE took would be needed, which are not in
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
    }
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        row: Value,
    }

    let rows: Vec<Row> = diesel::sql_query(
        "select a.\"row\" from audit.as_of($1::regclass, $2, $3) a order by a.key, a.\"row\"",
    )
    .bind::<Text, _>(table)
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Text>, _>(key)
    .load(connection)?;
    let Columns { columns } = diesel::sql_query(
        "select array(select c.name from audit._log_column($1::regclass) c) as columns",
    )
    .bind::<Text, _>(table)
    .get_result(connection)?;
    Ok(AsOf {
        columns,
        rows: rows
            .into_iter()
            .filter_map(|row| match row.row {
                Value::Object(fields) => Some(fields),
                _ => None,
            })
            .collect(),
    })
}
