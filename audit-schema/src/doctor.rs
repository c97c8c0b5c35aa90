//! What is wrong with the pipeline in a database, and what to do about it.

use audit_core::Severity;
use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;

use crate::{Error, Result};

/// One thing that is wrong, or could be better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// How bad it is.
    pub severity: Severity,
    /// Its name, for example `trigger_disabled`: the same for every object that it is about.
    pub remark: String,
    /// What it is about: a table, a rule, a process, a role.
    pub object: String,
    /// What is the case.
    pub what: String,
    /// What to do: a statement, where one statement does it.
    pub todo: String,
}

impl Remark {
    /// Whether something is wrong; the lowest severity is advice.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.severity != Severity::Low
    }
}

/// Looks for what is wrong with the pipeline, worst first: nothing when all is well.
///
/// It reads the catalogue, the head of the log and its newest segment, but no watched table, so it may run each minute.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> audit_schema::Result<()> {
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// for remark in audit_schema::doctor::doctor(&mut connection)? {
///     eprintln!("{}: {}\n  {}", remark.object, remark.what, remark.todo);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the database does not answer, or the role may not read the log.
pub fn doctor(connection: &mut PgConnection) -> Result<Vec<Remark>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        severity: String,
        #[diesel(sql_type = Text)]
        remark: String,
        #[diesel(sql_type = Text)]
        object: String,
        #[diesel(sql_type = Text)]
        what: String,
        #[diesel(sql_type = Text)]
        todo: String,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select d.severity, d.remark, d.object, d.what, d.todo from audit.doctor() d",
    )
    .load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(Remark {
                severity: row.severity.parse().map_err(Error::unreadable)?,
                remark: row.remark,
                object: row.object,
                what: row.what,
                todo: row.todo,
            })
        })
        .collect()
}
