//! Reading watched tables and their rules.

use std::collections::HashMap;

use super::node::{Node, Tree};
use super::read::{Entry, Fields, Reader, is_plain_name, one_of};
use super::suggest::nearest;
use super::{Declared, Defaults, Location, Part, TablePolicy};
use crate::{Action, Nulls, OnError, QuarantineMode, Retention, Rule, RuleKind, Severity};

/// What every rule may say, whatever its kind.
const ATTRIBUTES: [&str; 14] = [
    "name",
    "severity",
    "action",
    "mode",
    "owner",
    "why",
    "fix_within",
    "where",
    "nulls",
    "on_error",
    "mostly",
    "shadow",
    "every",
    "on_no_data",
];
/// Kinds of the design that are not built yet.
const LATER_KINDS: [&str; 2] = ["schema", "distribution"];

impl Reader {
    pub(super) fn tables(&mut self, policy: &Fields<'_>, defaults: &Defaults) -> Vec<TablePolicy> {
        let Some(tables) = policy
            .get("tables")
            .and_then(|entry| self.map(entry.node, "`tables`"))
        else {
            return Vec::new();
        };
        tables
            .iter()
            .filter_map(|entry| self.table(entry, defaults))
            .collect()
    }

    fn table(&mut self, entry: Entry<'_>, defaults: &Defaults) -> Option<TablePolicy> {
        self.qualified_name(entry.key, entry.name);
        self.note(
            &Declared::Table(entry.name.to_owned()),
            Part::Name,
            entry.key,
        );
        let mut table = TablePolicy {
            name: entry.name.to_owned(),
            why: String::new(),
            owner: defaults.owner.clone(),
            redact: Vec::new(),
            hash: Vec::new(),
            retain: Retention::default(),
            rules: Vec::new(),
        };
        // A table that is only watched needs no words.
        if matches!(entry.node.value, Tree::Null) {
            return Some(table);
        }
        let fields = self.fields(
            entry.node,
            "a table",
            &[
                "why", "owner", "redact", "hash", "retain", "defaults", "rules",
            ],
            &["mode", "columns", "snapshot", "capture"],
        )?;
        table.why = self.optional_text(&fields, "why").unwrap_or_default();
        if let Some(owner) = self.optional_text(&fields, "owner") {
            table.owner = owner;
        }
        (table.redact, table.hash) = self.hidden_columns(&fields, entry.name);
        table.retain = self.retention(&fields, true);
        let of_rules = match fields.get("defaults") {
            Some(entry) => self.defaults_of_table(entry.node, defaults.rules),
            None => defaults.rules,
        };
        let defaults = &Defaults {
            rules: of_rules,
            ..defaults.clone()
        };
        if let Some(rules) = fields
            .get("rules")
            .and_then(|entry| self.list(entry.node, "`rules`"))
        {
            let mut names = HashMap::new();
            for node in rules {
                self.rule(node, &mut table, defaults, &mut names);
            }
        }
        Some(table)
    }

    fn rule(
        &mut self,
        node: &Node,
        table: &mut TablePolicy,
        defaults: &Defaults,
        names: &mut HashMap<String, Location>,
    ) {
        let Some(fields) = self.map(node, "a rule") else {
            return;
        };
        let kind_entry = self.kind_entry(&fields);

        // Read all attributes, also when the kind is wrong: their errors are worth knowing at the same time.
        let name = fields.get("name").and_then(|entry| {
            let text = self.text(entry.node, "`name`")?;
            Some((text, entry.node.at))
        });
        let severity = match fields.get("severity") {
            Some(entry) => self.severity(entry.node),
            None => Some(defaults.rules.severity.unwrap_or(Severity::Normal)),
        };
        let time_driven = kind_entry.filter(|kind| RuleKind::TIME_DRIVEN.contains(&kind.name));
        let action = self.optional_word(
            &fields,
            "action",
            &Action::ALL.map(|action| (action.name(), action)),
        );
        // Rows are acted on one by one, when they are written.
        let may_act = time_driven.is_none() && fields.get("mostly").is_none();
        let action = match fields.get("action") {
            Some(_) => action.unwrap_or_default(),
            None if may_act => defaults.rules.action.unwrap_or_default(),
            None => Action::default(),
        };
        let own_mode = self.mode(&fields, action);
        let owner = self
            .optional_text(&fields, "owner")
            .unwrap_or_else(|| table.owner.clone());
        let why = self.optional_text(&fields, "why").unwrap_or_default();
        let condition = self.optional_text(&fields, "where");
        // Nothing is compared with nothing here; see `audit.declare_rule`.
        let knows_nulls = time_driven.is_none()
            && kind_entry
                .is_some_and(|kind| !["unique", "no_overlap", "writers"].contains(&kind.name));
        let nulls = self
            .optional_word(
                &fields,
                "nulls",
                &[Nulls::Pass, Nulls::Fail].map(|nulls| (nulls.name(), nulls)),
            )
            .or(defaults.rules.nulls.filter(|_| knows_nulls))
            .unwrap_or_default();
        let asked = self.asked(&fields, time_driven);
        let on_error = match time_driven {
            Some(_) => OnError::default(),
            None => self
                .optional_word(
                    &fields,
                    "on_error",
                    &[OnError::Pass, OnError::Block].map(|on_error| (on_error.name(), on_error)),
                )
                .or(defaults.rules.on_error)
                .unwrap_or_default(),
        };
        let mostly = fields
            .get("mostly")
            .and_then(|entry| self.mostly(entry, action, kind_entry));
        let shadow = match fields.get("shadow") {
            Some(entry) => self.truth(entry.node, "`shadow`").unwrap_or_default(),
            None => defaults.rules.shadow.unwrap_or_default(),
        };
        let fix_within = match fields.get("fix_within") {
            Some(entry) => self.fix_within(entry.node),
            None => severity.map(|severity| {
                defaults
                    .fix_within
                    .get(&severity)
                    .copied()
                    .unwrap_or_default()
            }),
        };

        let Some(kind_entry) = kind_entry else { return };
        let kinds = match time_driven {
            Some(entry) => self.time_driven(entry, asked).into_iter().collect(),
            None => self.kinds(kind_entry),
        };
        let several = kinds.len() > 1;
        if let Some((name, at)) = &name {
            // A rule of several columns gives each of its rules such a name, which may be written as it is.
            let column = match kinds.as_slice() {
                [kind] => kind.column.as_ref(),
                _ => None,
            };
            let stem = column
                .and_then(|(column, _)| name.strip_suffix(column.as_str())?.strip_suffix('_'));
            if !stem.is_some_and(is_plain_name) {
                self.plain_name(*at, name, "a rule");
            }
        }
        let unnamed = match kinds.first().map(|kind| &kind.kind) {
            _ if fields.get("name").is_some() => None,
            Some(RuleKind::Expression { .. }) => Some("an expression"),
            Some(RuleKind::Sql(_)) => Some("a query"),
            _ => None,
        };
        if let Some(unnamed) = unnamed {
            self.refuse(
                kind_entry.key,
                format!("{unnamed} needs a `name`"),
                "findings and mails call the rule by it, for example `name: arrived_flights_departed`",
            );
        }
        let (Some(severity), Some(fix_within)) = (severity, fix_within) else {
            return;
        };

        for kind in kinds {
            let at = kind.column.as_ref().map_or(kind_entry.key, |(_, at)| *at);
            let (rule_name, name_at) = match (&name, &kind.column) {
                (Some((name, _)), Some((column, _))) if several => (format!("{name}_{column}"), at),
                (Some((name, name_at)), _) => (name.clone(), *name_at),
                (None, _) => match kind.kind.default_name() {
                    Some(name) => (name, at),
                    None => continue,
                },
            };
            if let Some(first) = names.get(&rule_name) {
                let help = format!(
                    "the first one is in line {}; give one of them a `name` of its own",
                    first.line
                );
                self.refuse(
                    name_at,
                    format!("the table has two rules named `{rule_name}`"),
                    help.as_str(),
                );
                continue;
            }
            names.insert(rule_name.clone(), name_at);
            let mode = match own_mode {
                Some(mode) => mode,
                None if action == Action::Quarantine && kind.kind.is_about_one_row() => {
                    defaults.rules.mode.unwrap_or_default()
                }
                None => QuarantineMode::default(),
            };
            if let (QuarantineMode::Hide, Some(entry), false) =
                (mode, fields.get("mode"), kind.kind.is_about_one_row())
            {
                self.refuse(
                    entry.node.at,
                    format!(
                        "a rule of the kind `{}` can not hide rows",
                        kind.kind.name()
                    ),
                    "only rules about one row by itself can; leave `mode` out",
                );
            }
            let declared = Declared::Rule {
                table: table.name.clone(),
                rule: rule_name.clone(),
            };
            self.note(&declared, Part::Name, name_at);
            for (column, at) in kind.column.iter().chain(&kind.more_columns) {
                self.note(&declared, Part::Column(column.clone()), *at);
            }
            for (part, at) in [
                (Part::Expression, kind.expression),
                (Part::Reference, kind.reference),
                (
                    Part::Condition,
                    fields.get("where").map(|entry| entry.node.at),
                ),
                (
                    Part::Action,
                    fields.get("action").map(|entry| entry.node.at),
                ),
            ] {
                if let Some(at) = at {
                    self.note(&declared, part, at);
                }
            }
            table.rules.push(Rule {
                name: rule_name,
                kind: kind.kind,
                condition: condition.clone(),
                severity,
                action,
                mode,
                owner: owner.clone(),
                why: why.clone(),
                fix_within,
                nulls,
                on_error,
                mostly,
                shadow,
            });
        }
    }

    /// The share of rows that has to pass. Only counters know shares, and only what is flagged may be left as it is.
    fn mostly(&mut self, entry: Entry<'_>, action: Action, kind: Option<Entry<'_>>) -> Option<f64> {
        let share = match &entry.node.value {
            Tree::Number(number) => number.as_f64(),
            _ => None,
        };
        let Some(share) = share.filter(|share| *share > 0.0 && *share < 1.0) else {
            self.refuse(
                entry.node.at,
                "`mostly` is the share of rows that has to pass",
                "expected a number above 0 and below 1, for example `mostly: 0.95`",
            );
            return None;
        };
        if action != Action::Flag {
            self.refuse(
                entry.key,
                format!("`mostly` does not go with `action: {action}`"),
                "a row is acted on by itself, whatever the others are; leave one of the two out",
            );
            return None;
        }
        let about_changes = ["immutable", "transition", "max_change", "writers"];
        if let Some(kind) = kind.filter(|kind| about_changes.contains(&kind.name)) {
            self.refuse(
                entry.key,
                format!("`mostly` does not go with `{}`", kind.name),
                "the rule is about changes, of which no share of the rows can be told",
            );
            return None;
        }
        if let Some(kind) = kind.filter(|kind| RuleKind::TIME_DRIVEN.contains(&kind.name)) {
            self.refuse(
                entry.key,
                format!("`mostly` does not go with `{}`", kind.name),
                "the rule is asked by the tick, and is not about single rows",
            );
            return None;
        }
        Some(share)
    }

    /// What quarantine does with a row, if the rule says it.
    fn mode(&mut self, fields: &Fields<'_>, action: Action) -> Option<QuarantineMode> {
        let mode = self.optional_word(
            fields,
            "mode",
            &QuarantineMode::ALL.map(|mode| (mode.name(), mode)),
        );
        if let (Some(entry), Some(_)) = (fields.get("mode"), mode)
            && action != Action::Quarantine
        {
            self.refuse(
                entry.key,
                format!("`mode` is about quarantine, and the action is {action}"),
                "write `action: quarantine`, or leave `mode` out",
            );
        }
        mode
    }

    /// The entry that says the kind. Everything else that is not known is reported.
    fn kind_entry<'n>(&mut self, fields: &Fields<'n>) -> Option<Entry<'n>> {
        #[cfg(test)]
        super::read::asked::keys("a rule", &[&ATTRIBUTES[..], &RuleKind::NAMES].concat());
        let mut kind: Option<Entry<'n>> = None;
        let mut explained = false;
        let is_kind = |entry: &Entry<'_>| RuleKind::NAMES.contains(&entry.name);
        let has_kind = fields.iter().any(|entry| is_kind(&entry));
        for entry in fields.iter() {
            if is_kind(&entry) {
                if let Some(first) = kind {
                    self.refuse(
                        entry.key,
                        format!(
                            "a rule has one kind, and this is `{}` and `{}`",
                            first.name, entry.name
                        ),
                        "begin a rule of its own with `- `",
                    );
                } else {
                    kind = Some(entry);
                }
            } else if LATER_KINDS.contains(&entry.name) {
                explained = true;
                self.not_yet(entry.key, entry.name);
            } else if !ATTRIBUTES.contains(&entry.name) {
                // Without a kind, a word that is near to none of the kinds may be a misspelt attribute.
                let attribute = has_kind
                    || (nearest(entry.name, RuleKind::NAMES).is_none()
                        && nearest(entry.name, ATTRIBUTES).is_some());
                if attribute {
                    self.unknown_key(entry.key, "a rule", entry.name, &ATTRIBUTES);
                } else {
                    explained = true;
                    self.unknown(entry.key, "kind of rule", entry.name, &RuleKind::NAMES);
                }
            }
        }
        if kind.is_none() && !explained {
            let help = format!("expected {}", one_of(&RuleKind::NAMES));
            self.refuse(fields.at, "the rule has no kind", help.as_str());
        }
        kind
    }

    /// A table is named with its schema, so that it means the same for everybody.
    pub(super) fn qualified_name(&mut self, at: Location, name: &str) -> bool {
        let qualified = identifiers(name).len() == 2;
        if !qualified {
            let help = if name.contains('.') {
                "expected `schema.table`".to_owned()
            } else {
                format!("expected `schema.table`, for example `public.{name}`")
            };
            self.refuse(
                at,
                format!("`{name}` does not name a table with its schema"),
                help.as_str(),
            );
        }
        qualified
    }
}

/// The identifiers of a dotted name, in which dots between double quotes do not count. Empty if one of them is.
pub(crate) fn identifiers(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (position, character) in name.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                parts.push(&name[start..position]);
                start = position + 1;
            }
            _ => {}
        }
    }
    parts.push(&name[start..]);
    if quoted || parts.iter().any(|part| part.trim().is_empty()) {
        return Vec::new();
    }
    parts
}
