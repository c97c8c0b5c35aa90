//! Proof by reading everything: that counters and summaries say what a scan says, and that the log replays to the table.

use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use crate::Result;

/// One object that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Verified {
    /// What it is: `rows`, `rule`, `summary` or `seals`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Its name: a table, `table.rule`, a summary.
    #[diesel(sql_type = Text)]
    pub object: String,
    /// What reading everything gives.
    #[diesel(sql_type = Text)]
    pub expected: String,
    /// What the pipeline says.
    #[diesel(sql_type = Text)]
    pub found: String,
    /// Whether they agree.
    #[diesel(sql_type = Bool)]
    pub ok: bool,
}

/// Verifies every counter, every summary and the chain of seals, by reading the watched tables and the sealed log.
///
/// Rules that look at the clock or at another table count what failed when it was written, and may differ when that
/// changed since.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> audit_schema::Result<()> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// for object in audit_schema::verify(&mut connection)? {
///     assert!(object.ok, "{} {} should be {}, is {}", object.kind, object.object, object.expected, object.found);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the database does not answer, or the role may not verify.
pub fn verify(connection: &mut PgConnection) -> Result<Vec<Verified>> {
    Ok(diesel::sql_query(
        "select v.kind, v.object, v.expected, v.found, v.ok from audit.verify() v",
    )
    .load(connection)?)
}

/// Replays the log of a watched table and counts the rows in which the outcome differs from the table.
///
/// The watch must have begun when the table was empty.
///
/// # Errors
///
/// When the table is not watched or has no primary key.
pub fn replay_differences(connection: &mut PgConnection, table: &str) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Differences {
        #[diesel(sql_type = BigInt)]
        differences: i64,
    }
    let found: Differences =
        diesel::sql_query("select audit.replay_differences($1::regclass) as differences")
            .bind::<Text, _>(table)
            .get_result(connection)?;
    Ok(found.differences)
}
