//! `audit suggest`: a policy that the rows of some tables suggest.

use audit_schema::suggest::{Options, policy_fragment, suggest};
use clap::Args;
use diesel::PgConnection;

use crate::command::{Format, Output, json};

/// The options of `audit suggest`.
#[derive(Debug, Args)]
pub struct SuggestOptions {
    /// The tables, as schema.table or table
    #[arg(required = true, value_name = "TABLE")]
    tables: Vec<String>,
    /// Look at about so many rows of each
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(1..))]
    rows: i64,
    /// As a policy, or as JSON
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Looks at each table, and gives the policy as text.
///
/// # Errors
/// If a table does not exist or may not be read.
pub fn run(connection: &mut PgConnection, options: &SuggestOptions) -> anyhow::Result<Output> {
    let rows = options.rows;
    let suggested = options
        .tables
        .iter()
        .map(|table| suggest(connection, table, &Options { rows }))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match options.format {
        Format::Text => policy_fragment(&suggested).into(),
        Format::Json => json(&suggested)?.into(),
    })
}
