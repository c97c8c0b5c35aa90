//! `audit suggest`: a policy that the rows of some tables suggest.

use audit_schema::suggest::{Options, policy_fragment, suggest};
use diesel::PgConnection;

/// Looks at each table, and gives the policy as text.
///
/// # Errors
/// If a table does not exist or may not be read.
pub fn run(connection: &mut PgConnection, tables: &[String], rows: i64) -> anyhow::Result<String> {
    let suggested = tables
        .iter()
        .map(|table| suggest(connection, table, &Options { rows }))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(policy_fragment(&suggested))
}
