//! Alert policies: declared, changed and retired.

use std::collections::HashMap;

use audit_core::policy::{Declared as At, Part};
use audit_core::{AlertPolicy, AlertSeverity, Subject};
use diesel::RunQueryDsl;
use diesel::result::DatabaseErrorInformation;
use diesel::sql_types::{Integer, Jsonb, Nullable, Text};

use super::{Mode, Work};
use crate::Result;
use crate::plan::{Object, Planned, Verb};
use crate::words::{differs, in_words};

impl Work<'_> {
    pub(super) fn alerts(&mut self, summaries: &HashMap<String, i32>) -> Result<()> {
        for stored in &self.declared.alerts {
            if self
                .policy
                .alerts
                .iter()
                .all(|alert| alert.name != stored.name)
            {
                if self.stays(Object::Alert, stored.alert_policy_id) {
                    let what = in_words(&stored.definition["when"]);
                    self.keep(
                        Object::Alert,
                        &stored.name,
                        None,
                        what,
                        &stored.origin,
                        None,
                    );
                    continue;
                }
                diesel::sql_query("select audit.retire_alert($1)")
                    .bind::<Integer, _>(stored.alert_policy_id)
                    .execute(self.connection)?;
                self.drop_object(Object::Alert, &stored.name, None);
            }
        }
        for alert in &self.policy.alerts {
            self.alert(alert, summaries)?;
        }
        Ok(())
    }

    fn alert(&mut self, alert: &AlertPolicy, summaries: &HashMap<String, i32>) -> Result<()> {
        let definition = alert.definition();
        let owner = alert.owner.as_deref().unwrap_or_default();
        let summary = match &alert.on {
            Subject::Rules | Subject::Findings | Subject::Overdue => None,
            Subject::Summary(name) => match summaries.get(name) {
                Some(number) => Some(*number),
                // The summary itself is wrong, which has been said.
                None => return Ok(()),
            },
        };
        let stored = self
            .declared
            .alerts
            .iter()
            .find(|stored| stored.name == alert.name);
        let mut differences = Vec::new();
        if let Some(stored) = stored {
            for property in [
                "on",
                "within",
                "per",
                "when",
                "until",
                "for",
                "keep_firing_for",
                "severity",
                "say",
                "runbook",
                "repeat_every",
                "reopen_within",
                "messages",
                "inhibited_by",
                "escalate",
            ] {
                differs(
                    &mut differences,
                    property,
                    &in_words(&stored.definition[property]),
                    &in_words(&definition[property]),
                );
            }
            differs(&mut differences, "owner", &stored.owner, owner);
        }
        if let Some(stored) = stored
            && !differences.is_empty()
            && self.stays(Object::Alert, stored.alert_policy_id)
        {
            let what = in_words(&stored.definition["when"]);
            self.keep(
                Object::Alert,
                &stored.name,
                None,
                what,
                &stored.origin,
                Some(differences),
            );
            return Ok(());
        }
        let at = At::Alert(alert.name.clone());
        let is_same = stored.is_some() && differences.is_empty();
        let mode = self.mode;
        let outcome = self.attempt(|connection| match mode {
            // A summary may have changed under an alert that stays the same.
            _ if is_same || mode == Mode::Try => {
                diesel::sql_query("select audit._check_alert($1, $2)")
                    .bind::<Jsonb, _>(&definition)
                    .bind::<Nullable<Integer>, _>(summary)
                    .execute(connection)
            }
            _ => diesel::sql_query("select audit.declare_alert($1, $2, $3)")
                .bind::<Text, _>(&alert.name)
                .bind::<Jsonb, _>(&definition)
                .bind::<Text, _>(owner)
                .execute(connection),
        });
        if let Err(error) = outcome {
            let part = |refusal: &dyn DatabaseErrorInformation| match refusal.constraint_name() {
                Some("alert_ending_is_not_valid") => Part::Ending,
                _ => Part::Expression,
            };
            return self.refused(&at, part, error);
        }
        if is_same {
            return Ok(());
        }
        let mut notes = Vec::new();
        if stored.is_none() {
            notes.extend(self.taken_back(Object::Alert, None, &alert.name));
        }
        if self.policy.routes.is_empty() {
            notes.push("there is no route: nobody will hear of it".to_owned());
        }
        self.plan.changes.push(Planned {
            verb: if stored.is_some() {
                Verb::Change
            } else {
                Verb::Create
            },
            object: Object::Alert,
            name: alert.name.clone(),
            table: None,
            what: if stored.is_some() {
                String::new()
            } else {
                format!("{} when {}", alert.on, alert.when)
            },
            severity: match alert.severity {
                AlertSeverity::Inherit => None,
                AlertSeverity::Fixed(severity) => Some(severity),
            },
            action: None,
            differences,
            failing: None,
            cost: None,
            notes,
        });
        Ok(())
    }
}
