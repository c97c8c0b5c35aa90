//! What differs between a policy and a database.

use audit_core::Policy;
use diesel::PgConnection;
use serde::Serialize;

use crate::Result;
use crate::applied::{Applied, applied};
use crate::apply::How;
use crate::doctor::{Remark, doctor};
use crate::plan::{self, Kept, Planned};

/// What differs between a policy and a database.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// The last apply that changed something, if there was one.
    pub last: Option<Applied>,
    /// What [`apply`](crate::apply()) would change.
    pub changes: Vec<Planned>,
    /// What was declared by SQL, and what an apply would leave alone.
    pub kept: Vec<Kept>,
    /// Generated code that is not that of the declarations in force: changed, switched off, or out of date.
    pub code: Vec<Remark>,
}

/// What of doctor's remarks is about generated code.
const CODE: [&str; 9] = [
    "trigger_missing",
    "trigger_disabled",
    "function_changed",
    "declarations_not_compiled",
    "shape_drifted",
    "rule_broken",
    "summary_broken",
    "summary_not_started",
    "table_dropped",
];

/// Says what differs between a policy and a database: what the policy says and the database has not or has otherwise,
/// what somebody declared by SQL, and generated code that is not that of the declarations. It changes nothing.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = audit_core::Policy::parse(&std::fs::read_to_string("audit.yml")?, "audit.yml")?;
/// let mut connection = audit_schema::connect("postgresql:///shop")?;
/// assert!(audit_schema::drift(&mut connection, &policy)?.is_none());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`plan`](crate::plan()).
pub fn drift(connection: &mut PgConnection, policy: &Policy) -> Result<Drift> {
    let planned = plan::tried(connection, policy, &How::TRIED, &mut |_| {})?;
    let mut code = doctor(connection)?;
    code.retain(|remark| CODE.contains(&remark.remark.as_str()));
    Ok(Drift {
        last: applied(connection, 1)?.pop(),
        changes: planned.changes,
        kept: planned.kept,
        code,
    })
}

impl Drift {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.changes.is_empty() && self.kept.is_empty() && self.code.is_empty()
    }
}
