//! Reading defaults: what holds where nothing else is said.

use super::node::Node;
use super::read::{Entry, Fields, Reader};
use super::{Declared, Defaults, Part, RuleDefaults};
use crate::{Action, Nulls, OnError, Period, QuarantineMode, Severity};

/// What defaults may say of rules, of all tables or of one.
pub(super) const OF_RULES: [&str; 6] =
    ["severity", "action", "mode", "nulls", "on_error", "shadow"];

impl Reader {
    pub(super) fn defaults(&mut self, policy: &Fields<'_>) -> Defaults {
        let mut defaults = Defaults {
            fix_within: Severity::ALL
                .into_iter()
                .map(|severity| (severity, severity.fix_within()))
                .collect(),
            ..Defaults::default()
        };
        let known = [
            &["owner", "fix_within", "retain", "time_zone", "silences"][..],
            &OF_RULES,
        ]
        .concat();
        let Some(fields) = policy.get("defaults").and_then(|entry| {
            self.note(&Declared::Defaults, Part::Name, entry.key);
            self.fields(entry.node, "`defaults`", &known, &[])
        }) else {
            return defaults;
        };
        defaults.owner = self.optional_text(&fields, "owner").unwrap_or_default();
        defaults.retain = self.retention(&fields, false);
        if let Some(periods) = fields.get("fix_within").and_then(|entry| {
            self.fields(
                entry.node,
                "`fix_within`",
                &["critical", "important", "normal", "low"],
                &[],
            )
        }) {
            for entry in periods.iter() {
                let severity = entry.name.parse::<Severity>();
                if let (Ok(severity), Some(period)) = (severity, self.fix_within(entry.node)) {
                    defaults.fix_within.insert(severity, period);
                }
            }
        }
        defaults.time_zone = fields
            .get("time_zone")
            .and_then(|entry| self.time_zone(entry.node));
        defaults.longest_silence = fields
            .get("silences")
            .and_then(|entry| self.longest_silence(entry));
        defaults.rules = self.defaults_of_rules(&fields, RuleDefaults::default());
        defaults
    }

    /// The defaults of the rules of one table: its own, then those of the policy.
    pub(super) fn defaults_of_table(
        &mut self,
        node: &Node,
        defaults: RuleDefaults,
    ) -> RuleDefaults {
        match self.fields(node, "`defaults` of a table", &OF_RULES, &[]) {
            Some(fields) => self.defaults_of_rules(&fields, defaults),
            None => defaults,
        }
    }

    fn defaults_of_rules(&mut self, fields: &Fields<'_>, otherwise: RuleDefaults) -> RuleDefaults {
        let own = RuleDefaults {
            severity: fields
                .get("severity")
                .and_then(|entry| self.severity(entry.node)),
            action: self.optional_word(
                fields,
                "action",
                &Action::ALL.map(|action| (action.name(), action)),
            ),
            mode: self.optional_word(
                fields,
                "mode",
                &QuarantineMode::ALL.map(|mode| (mode.name(), mode)),
            ),
            nulls: self.optional_word(
                fields,
                "nulls",
                &[Nulls::Pass, Nulls::Fail].map(|nulls| (nulls.name(), nulls)),
            ),
            on_error: self.optional_word(
                fields,
                "on_error",
                &[OnError::Pass, OnError::Block].map(|on_error| (on_error.name(), on_error)),
            ),
            shadow: fields
                .get("shadow")
                .and_then(|entry| self.truth(entry.node, "`shadow`")),
        };
        RuleDefaults {
            severity: own.severity.or(otherwise.severity),
            action: own.action.or(otherwise.action),
            mode: own.mode.or(otherwise.mode),
            nulls: own.nulls.or(otherwise.nulls),
            on_error: own.on_error.or(otherwise.on_error),
            shadow: own.shadow.or(otherwise.shadow),
        }
    }

    /// `silences: { longest: 7d }`.
    fn longest_silence(&mut self, entry: Entry<'_>) -> Option<Period> {
        let fields = self.fields(entry.node, "`silences` of the defaults", &["longest"], &[])?;
        let longest = fields.get("longest")?;
        self.length_of_time(longest)
    }
}
