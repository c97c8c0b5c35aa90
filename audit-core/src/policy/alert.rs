//! Reading alerts and routes, and which channels there are.

use super::node::{Node, Tree};
use super::read::{Entry, Fields, Reader};
use super::summary::keys;
use super::{Declared, Location, Part};
use crate::{AlertPolicy, AlertSeverity, Channel, Provider, Route, Severity, Subject, say};

/// Providers of the design that are not built yet.
const LATER_PROVIDERS: [&str; 2] = ["teams", "opsgenie"];

impl Reader {
    pub(super) fn alerts(&mut self, policy: &Fields<'_>) -> Vec<AlertPolicy> {
        let Some(alerts) = policy
            .get("alerts")
            .and_then(|entry| self.map(entry.node, "`alerts`"))
        else {
            return Vec::new();
        };
        let summaries = policy.get("summaries").map(|entry| entry.node);
        alerts
            .iter()
            .filter_map(|entry| self.alert(entry, summaries))
            .collect()
    }

    fn alert(&mut self, entry: Entry<'_>, summaries: Option<&Node>) -> Option<AlertPolicy> {
        self.plain_name(entry.key, entry.name, "an alert");
        if entry.name == "pipeline" {
            self.refuse(
                entry.key,
                "an alert cannot be named `pipeline`",
                "the pipeline reports about itself under this name",
            );
        }
        let declared = Declared::Alert(entry.name.to_owned());
        self.note(&declared, Part::Name, entry.key);
        let fields = self.fields(
            entry.node,
            "an alert",
            &[
                "on",
                "when",
                "for",
                "keep_firing_for",
                "severity",
                "owner",
                "say",
                "runbook",
                "repeat_every",
            ],
            &[
                "inhibited_by",
                "parent",
                "group_by",
                "cap",
                "to",
                "notify",
                "silence",
            ],
        )?;
        let on = self.required_text(&fields, "on", "an alert", entry.key);
        let when = self.required_text(&fields, "when", "an alert", entry.key);
        if let Some(entry) = fields.get("when") {
            self.note(&declared, Part::Expression, entry.node.at);
        }
        let subject = on.and_then(|on| self.subject(&fields, on, &declared, summaries));
        let severity = self.alert_severity(&fields, subject.as_ref());
        let say = self.optional_text(&fields, "say");
        if let (Some(say), Some(subject), Some(entry)) = (&say, &subject, fields.get("say")) {
            self.names_are_known(say, entry.node.at, subject, summaries);
        }
        Some(AlertPolicy {
            name: entry.name.to_owned(),
            hold_for: self.optional_period(&fields, "for"),
            keep_firing_for: self.optional_period(&fields, "keep_firing_for"),
            owner: self.optional_text(&fields, "owner"),
            runbook: self.optional_text(&fields, "runbook"),
            repeat_every: self.optional_period(&fields, "repeat_every"),
            say,
            on: subject?,
            when: when?,
            severity: severity?,
        })
    }

    fn subject(
        &mut self,
        fields: &Fields<'_>,
        on: String,
        declared: &Declared,
        summaries: Option<&Node>,
    ) -> Option<Subject> {
        if on == "rules" {
            return Some(Subject::Rules);
        }
        let at = fields.get("on")?.node.at;
        self.note(declared, Part::Reference, at);
        let mut known: Vec<&str> = summaries.map(keys).unwrap_or_default();
        if known.contains(&on.as_str()) {
            return Some(Subject::Summary(on));
        }
        known.push("rules");
        self.unknown(at, "summary", &on, &known);
        None
    }

    fn alert_severity(
        &mut self,
        fields: &Fields<'_>,
        subject: Option<&Subject>,
    ) -> Option<AlertSeverity> {
        let Some(entry) = fields.get("severity") else {
            return Some(match subject {
                Some(Subject::Rules) => AlertSeverity::Inherit,
                _ => AlertSeverity::Fixed(Severity::Normal),
            });
        };
        let mut words = vec![("inherit", AlertSeverity::Inherit)];
        words.extend(
            Severity::ALL.map(|severity| (severity.name(), AlertSeverity::Fixed(severity))),
        );
        let severity = self.word(entry.node, "severity", &words)?;
        if severity == AlertSeverity::Inherit && matches!(subject, Some(Subject::Summary(_))) {
            self.refuse(
                entry.node.at,
                "a summary has no severity to inherit",
                "expected `critical`, `important`, `normal` or `low`",
            );
            return None;
        }
        Some(severity)
    }

    /// Every `{name}` of a sentence is a number or a group of what the alert looks at.
    fn names_are_known(
        &mut self,
        sentence: &str,
        at: Location,
        subject: &Subject,
        summaries: Option<&Node>,
    ) {
        let known: Vec<&str> = match subject {
            Subject::Rules => AlertPolicy::RULE_VARIABLES.to_vec(),
            Subject::Summary(name) => match summaries.map(|node| summary_columns(node, name)) {
                // A summary that is itself wrong has been reported; its columns are not known.
                Some(Some(columns)) => columns,
                _ => return,
            },
        };
        for name in say::names(sentence) {
            if !known.contains(&name) {
                self.unknown(at, "name in `say`", name, &known);
            }
        }
    }

    pub(super) fn channels(&mut self, policy: &Fields<'_>) -> Vec<Channel> {
        let Some(channels) = policy
            .get("channels")
            .and_then(|entry| self.map(entry.node, "`channels`"))
        else {
            return Vec::new();
        };
        channels
            .iter()
            .filter_map(|entry| {
                self.plain_name(entry.key, entry.name, "a channel");
                self.note(
                    &Declared::Channel(entry.name.to_owned()),
                    Part::Name,
                    entry.key,
                );
                let fields =
                    self.fields(entry.node, "a channel", &Provider::NAMES, &LATER_PROVIDERS)?;
                let mut providers = fields.iter();
                let Some(first) = providers.next() else {
                    if matches!(&entry.node.value, Tree::Map(map) if map.is_empty()) {
                        self.refuse(entry.key, "a channel needs a provider", None);
                    }
                    return None;
                };
                if let Some(second) = providers.next() {
                    self.refuse(
                        second.key,
                        format!(
                            "a channel has one provider, and this is `{}` and `{}`",
                            first.name, second.name
                        ),
                        None,
                    );
                }
                Some(Channel {
                    name: entry.name.to_owned(),
                    provider: self.provider(first)?,
                })
            })
            .collect()
    }

    pub(super) fn routes(&mut self, policy: &Fields<'_>) -> Vec<Route> {
        let channels: Vec<&str> = policy
            .get("channels")
            .map(|entry| keys(entry.node))
            .unwrap_or_default();
        let tables: Vec<&str> = policy
            .get("tables")
            .map(|entry| keys(entry.node))
            .unwrap_or_default();
        let Some(routes) = policy
            .get("routes")
            .and_then(|entry| self.list(entry.node, "`routes`"))
        else {
            return Vec::new();
        };
        let mut read: Vec<Route> = Vec::with_capacity(routes.len());
        let mut catches_all: Option<Location> = None;
        for (position, node) in routes.iter().enumerate() {
            if let Some(at) = catches_all {
                let help = format!("the route in line {} takes everything", at.line);
                self.refuse(node.at, "no alert comes to this route", help.as_str());
                break;
            }
            if let Some(route) = self.route(node, position, &channels, &tables) {
                if route.severity.is_empty()
                    && route.owner.is_none()
                    && route.table.is_none()
                    && !route.go_on
                {
                    catches_all = Some(node.at);
                }
                read.push(route);
            }
        }
        read
    }

    fn route(
        &mut self,
        node: &Node,
        position: usize,
        channels: &[&str],
        tables: &[&str],
    ) -> Option<Route> {
        self.note(&Declared::Route(position), Part::Name, node.at);
        let fields = self.fields(
            node,
            "a route",
            &["severity", "owner", "table", "to", "continue"],
            &["hours", "otherwise", "digest", "policy", "rule", "cap"],
        )?;
        let severity: Vec<Severity> = match fields.get("severity") {
            None => Vec::new(),
            Some(entry) => match &entry.node.value {
                Tree::List(_) => self
                    .list(entry.node, "`severity`")?
                    .iter()
                    .filter_map(|item| self.severity(item))
                    .collect(),
                _ => self.severity(entry.node).into_iter().collect(),
            },
        };
        let owner = self.optional_text(&fields, "owner");
        let table = self.optional_text(&fields, "table");
        if let (Some(table), Some(entry)) = (&table, fields.get("table"))
            && !tables.contains(&table.as_str())
        {
            self.unknown(entry.node.at, "watched table", table, tables);
        }
        let go_on = match fields.get("continue").map(|entry| entry.node) {
            None => false,
            Some(Node {
                value: Tree::Bool(go_on),
                ..
            }) => *go_on,
            Some(node) => {
                self.refuse(node.at, "`continue` must be `true` or `false`", None);
                false
            }
        };
        let Some(entry) = fields.get("to") else {
            self.missing(node.at, "to", "a route");
            return None;
        };
        let to = self.texts(entry.node, "`to`")?;
        for (channel, at) in &to {
            if !channels.contains(&channel.as_str()) {
                self.unknown(*at, "channel", channel, channels);
            }
        }
        Some(Route {
            severity,
            owner,
            table,
            to: to.into_iter().map(|(channel, _)| channel).collect(),
            go_on,
        })
    }
}

/// The columns of a summary as it stands in the file, whether or not the rest of it is right.
fn summary_columns<'n>(summaries: &'n Node, name: &str) -> Option<Vec<&'n str>> {
    let summary = entry(summaries, name)?;
    let mut columns: Vec<&str> = Vec::new();
    if entry(summary, "bucket").is_some() {
        columns.push("bucket");
    }
    if let Some(groups) = entry(summary, "group_by") {
        let items: Vec<&Node> = match &groups.value {
            Tree::List(items) => items.iter().collect(),
            _ => vec![groups],
        };
        for item in items {
            match &item.value {
                Tree::Text(column) => columns.push(column),
                _ => columns.extend(keys(item)),
            }
        }
    }
    columns.extend(keys(entry(summary, "measures")?));
    Some(columns)
}

fn entry<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match &node.value {
        Tree::Map(map) => map
            .iter()
            .find(|(key, _)| matches!(&key.value, Tree::Text(text) if text == name))
            .map(|(_, value)| value),
        _ => None,
    }
}
