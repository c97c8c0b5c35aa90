//! What clients of a watched table may notice once a policy is applied.

use audit_core::{Action, OnError, QuarantineMode, Rule};

use super::Work;
use crate::plan::{Notice, Object, Verb};

/// What a rule does that a client may notice: whether it is meant, and what to say.
type Effect = (fn(&Rule) -> bool, &'static str);

const EFFECTS: [Effect; 4] = [
    (
        |rule| rule.action == Action::Reject,
        "a statement that writes a failing row ends with an error (SQLSTATE AU001), and nothing of it is written",
    ),
    (
        |rule| rule.action == Action::Quarantine && rule.mode == QuarantineMode::SetAside,
        "a failing row that was inserted is gone after the statement, a failing update undone, though the row count and RETURNING showed them",
    ),
    (
        |rule| rule.action == Action::Quarantine && rule.mode == QuarantineMode::Hide,
        "failing rows stay in the table; who must not see them reads its view in audit_compiled, whose name ends in _visible",
    ),
    (
        |rule| rule.on_error == OnError::Block,
        "a statement for which the rule can not be evaluated ends with an error",
    ),
];

impl Work<'_> {
    /// Notes what clients may notice of the changes.
    pub(super) fn notices(&mut self) {
        for table in &self.policy.tables {
            let is_changed = |rule: &&Rule| {
                self.plan.changes.iter().any(|change| {
                    change.object == Object::Rule
                        && change.verb != Verb::Drop
                        && change.table.as_ref() == Some(&table.name)
                        && change.name == rule.name
                })
            };
            let changed: Vec<&Rule> = table
                .rules
                .iter()
                .filter(|rule| !rule.shadow)
                .filter(is_changed)
                .collect();
            for (is_meant, what) in EFFECTS {
                let rules: Vec<String> = changed
                    .iter()
                    .filter(|rule| is_meant(rule))
                    .map(|rule| rule.name.clone())
                    .collect();
                if !rules.is_empty() {
                    self.plan.notices.push(Notice {
                        table: table.name.clone(),
                        rules,
                        what: what.to_owned(),
                    });
                }
            }
        }
    }
}
