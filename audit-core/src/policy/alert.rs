//! Reading alerts, and which channels there are.

use super::node::{Node, Tree};
use super::read::{Entry, Fields, Reader};
use super::summary::keys;
use super::{Declared, Location, Part};
use crate::{
    AlertPolicy, AlertSeverity, Channel, Escalate, Messages, Per, Period, Provider, Severity,
    Subject, say,
};

/// Providers of the design that are not built yet.
/// How many messages a channel gets at most.
const PACE: [&str; 2] = ["per_minute", "per_second"];

const LATER_PROVIDERS: [&str; 2] = ["teams", "opsgenie"];

/// What an alert may name.
struct Known<'n> {
    summaries: Option<&'n Node>,
    alerts: Vec<&'n str>,
    tables: Vec<&'n str>,
    channels: Vec<&'n str>,
}

impl Reader {
    pub(super) fn alerts(&mut self, policy: &Fields<'_>) -> Vec<AlertPolicy> {
        let Some(alerts) = policy
            .get("alerts")
            .and_then(|entry| self.map(entry.node, "`alerts`"))
        else {
            return Vec::new();
        };
        let names = |part: &str| {
            policy
                .get(part)
                .map(|entry| keys(entry.node))
                .unwrap_or_default()
        };
        let known = Known {
            summaries: policy.get("summaries").map(|entry| entry.node),
            alerts: alerts.iter().map(|entry| entry.name).collect(),
            tables: names("tables"),
            channels: names("channels"),
        };
        alerts
            .iter()
            .filter_map(|entry| self.alert(entry, &known))
            .collect()
    }

    fn alert(&mut self, entry: Entry<'_>, known: &Known<'_>) -> Option<AlertPolicy> {
        self.plain_name(entry.key, entry.name, "an alert");
        let taken = match entry.name {
            "pipeline" => Some("the pipeline reports about itself under this name"),
            "parents" => Some("in `inhibited_by` it means the tables that a table refers to"),
            _ => None,
        };
        if let Some(why) = taken {
            let message = format!("an alert cannot be named `{}`", entry.name);
            self.refuse(entry.key, message, why);
        }
        let declared = Declared::Alert(entry.name.to_owned());
        self.note(&declared, Part::Name, entry.key);
        let fields = self.fields(
            entry.node,
            "an alert",
            &[
                "on",
                "within",
                "per",
                "when",
                "until",
                "for",
                "keep_firing_for",
                "severity",
                "owner",
                "say",
                "runbook",
                "repeat_every",
                "reopen_within",
                "messages",
                "inhibited_by",
                "escalate",
            ],
            &["cap", "to", "notify", "silence"],
        )?;
        let on = self.required_text(&fields, "on", "an alert", entry.key);
        let when = self.required_text(&fields, "when", "an alert", entry.key);
        if let Some(entry) = fields.get("when") {
            self.note(&declared, Part::Expression, entry.node.at);
        }
        if let Some(entry) = fields.get("until") {
            self.note(&declared, Part::Ending, entry.node.at);
        }
        let subject = on.and_then(|on| self.subject(&fields, on, &declared, known));
        let severity = self.alert_severity(&fields, subject.as_ref());
        let (within, per) = self.counted(&fields, subject.as_ref(), entry.key);
        let say = self.optional_text(&fields, "say");
        if let (Some(say), Some(subject), Some(entry)) = (&say, &subject, fields.get("say")) {
            self.names_are_known(say, entry.node.at, subject, per, known);
        }
        let messages = [("together", Messages::Together), ("each", Messages::Each)];
        Some(AlertPolicy {
            name: entry.name.to_owned(),
            hold_for: self.optional_period(&fields, "for"),
            keep_firing_for: self.optional_period(&fields, "keep_firing_for"),
            owner: self.optional_text(&fields, "owner"),
            runbook: self.optional_text(&fields, "runbook"),
            repeat_every: self.optional_period(&fields, "repeat_every"),
            reopen_within: self.optional_period(&fields, "reopen_within"),
            until: self.optional_text(&fields, "until"),
            messages: self
                .optional_word(&fields, "messages", &messages)
                .unwrap_or_default(),
            inhibited_by: self.inhibited_by(&fields, entry.name, known),
            escalate: self.escalate(&fields, known),
            within,
            per,
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
        known: &Known<'_>,
    ) -> Option<Subject> {
        match on.as_str() {
            "rules" => return Some(Subject::Rules),
            "findings" => return Some(Subject::Findings),
            "overdue" => return Some(Subject::Overdue),
            _ => {}
        }
        let at = fields.get("on")?.node.at;
        self.note(declared, Part::Reference, at);
        let mut words: Vec<&str> = known.summaries.map(keys).unwrap_or_default();
        if words.contains(&on.as_str()) {
            return Some(Subject::Summary(on));
        }
        words.extend(Subject::WORDS);
        self.undeclared(at, "summary", &on, &words);
        None
    }

    /// How far back findings are counted, and whether by rule or by table.
    fn counted(
        &mut self,
        fields: &Fields<'_>,
        subject: Option<&Subject>,
        at: Location,
    ) -> (Option<Period>, Per) {
        let within = self.some_time(fields, "within");
        let words = [("rule", Per::Rule), ("table", Per::Table)];
        let per = self
            .optional_word(fields, "per", &words)
            .unwrap_or_default();
        let of_findings = matches!(subject, None | Some(Subject::Findings));
        if let (false, Some(entry)) = (of_findings, fields.get("within")) {
            let help = "`rules`, `overdue` and summaries are looked at as they are now";
            self.refuse(entry.key, "`within` is only for alerts on `findings`", help);
        }
        if subject == Some(&Subject::Findings) && fields.get("within").is_none() {
            let help = "for example `within: 1h`: the findings of the last hour are counted";
            self.refuse(at, "an alert on `findings` needs `within`", help);
        }
        if let (Some(entry), Some(Subject::Rules | Subject::Summary(_))) =
            (fields.get("per"), subject)
        {
            let message = "`per` is only for alerts on `findings` and `overdue`";
            self.refuse(entry.key, message, None);
        }
        (within, per)
    }

    /// A length of time that is longer than none.
    fn some_time(&mut self, fields: &Fields<'_>, name: &str) -> Option<Period> {
        let period = self.optional_period(fields, name)?;
        if let (0, Some(entry)) = (period.count(), fields.get(name)) {
            let message = format!("`{name}` must be longer than no time");
            self.refuse(entry.node.at, message, None);
        }
        Some(period)
    }

    fn inhibited_by(&mut self, fields: &Fields<'_>, own: &str, known: &Known<'_>) -> Vec<String> {
        let Some(entry) = fields.get("inhibited_by") else {
            return Vec::new();
        };
        let names = self.texts(entry.node, "`inhibited_by`").unwrap_or_default();
        for (name, at) in &names {
            if name == own {
                let help = "name another alert, a table, or `parents`";
                self.refuse(*at, "an alert cannot inhibit itself", help);
            } else if name != "parents"
                && !known.alerts.contains(&name.as_str())
                && !known.tables.contains(&name.as_str())
            {
                let words: Vec<&str> = known
                    .alerts
                    .iter()
                    .filter(|alert| **alert != own)
                    .chain(&known.tables)
                    .copied()
                    .chain(["parents"])
                    .collect();
                self.undeclared(*at, "alert or watched table", name, &words);
            }
        }
        names.into_iter().map(|(name, _)| name).collect()
    }

    fn escalate(&mut self, fields: &Fields<'_>, known: &Known<'_>) -> Option<Escalate> {
        let entry = fields.get("escalate")?;
        let fields = self.fields(entry.node, "`escalate`", &["after", "to", "severity"], &[])?;
        let to = match fields.get("to") {
            Some(entry) => self.texts(entry.node, "`to`").unwrap_or_default(),
            None => Vec::new(),
        };
        for (channel, at) in &to {
            if !known.channels.contains(&channel.as_str()) {
                self.undeclared(*at, "channel", channel, &known.channels);
            }
        }
        let severity = fields
            .get("severity")
            .and_then(|entry| self.severity(entry.node));
        if fields.get("to").is_none() && fields.get("severity").is_none() {
            let help =
                "`to: [channel]` tells more people, `severity: critical` makes it matter more";
            self.refuse(entry.key, "`escalate` needs `to` or `severity`", help);
        }
        if fields.get("after").is_none() {
            self.missing(entry.key, "after", "`escalate`");
        }
        Some(Escalate {
            after: self.some_time(&fields, "after")?,
            to: to.into_iter().map(|(channel, _)| channel).collect(),
            severity,
        })
    }

    fn alert_severity(
        &mut self,
        fields: &Fields<'_>,
        subject: Option<&Subject>,
    ) -> Option<AlertSeverity> {
        let Some(entry) = fields.get("severity") else {
            return Some(match subject {
                Some(Subject::Rules | Subject::Findings | Subject::Overdue) => {
                    AlertSeverity::Inherit
                }
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
        per: Per,
        known: &Known<'_>,
    ) {
        let known: Vec<&str> = match (subject.variables(per), known.summaries) {
            (Some(variables), _) => variables.to_vec(),
            (None, Some(summaries)) => match summary_columns(summaries, &subject.to_string()) {
                Some(columns) => columns,
                // A summary that is itself wrong has been reported; its columns are not known.
                None => return,
            },
            (None, None) => return,
        };
        for name in say::names(sentence) {
            if !known.contains(&name) {
                self.unknown(at, "name in `say`", name, &known);
            }
        }
    }

    /// `None` if nothing is said, or not a number of messages.
    fn pace(&mut self, fields: &Fields<'_>, name: &str, help: &str) -> Option<u32> {
        let entry = fields.get(name)?;
        let number = match &entry.node.value {
            Tree::Number(number) => number.as_u64(),
            _ => None,
        };
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(number @ 1..=1_000) => Some(number),
            _ => {
                let message = format!("`{name}` must be a number of messages");
                let help = format!("expected a whole number from 1 to 1000; {help}");
                self.refuse(entry.node.at, message, help.as_str());
                None
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
                let mut names = Provider::NAMES.to_vec();
                names.extend(PACE);
                let fields = self.fields(entry.node, "a channel", &names, &LATER_PROVIDERS)?;
                let mut providers = fields.iter().filter(|entry| !PACE.contains(&entry.name));
                let Some(first) = providers.next() else {
                    if matches!(&entry.node.value, Tree::Map(map) if map.iter().all(|(key, _)| matches!(&key.value, Tree::Text(name) if PACE.contains(&name.as_str())))) {
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
                let provider = self.provider(first)?;
                let help = "the last message of a minute speaks for all that follow";
                let per_minute = self.pace(&fields, "per_minute", help);
                let help = "more than the provider allows are only refused";
                let per_second = self.pace(&fields, "per_second", help);
                Some(Channel {
                    name: entry.name.to_owned(),
                    per_minute: per_minute.unwrap_or(Channel::PER_MINUTE),
                    per_second: per_second.or(provider.per_second()),
                    provider,
                })
            })
            .collect()
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
