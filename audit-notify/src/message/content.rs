//! Deciding what to say.

use audit_core::Severity;
use audit_schema::outbox::Told;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Kind;
use super::digest::digest;
use super::evidence::{Evidence, evidence};
use super::format::{grouped, moment, shorten, value, words};

/// A subject line is cut by many programs after so many characters.
pub(super) const SUBJECT: usize = 77;

/// Why alerts end, mostly, so that it need not be said.
const ENDED: &str = "the condition does not hold any more";

/// A list of more alerts than this is not read.
const MOST_ITEMS: usize = 20;

/// More events than this are not sent for one message.
pub(super) const MOST_EVENTS: usize = 100;

/// Everything a message says, in the order in which it says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// What it is about.
    pub kind: Kind,
    /// How bad it is; of several, the worst.
    pub severity: Severity,
    /// Under 78 characters, the same for all messages of an episode.
    pub subject: String,
    /// What is the matter, in two or three words: `Firing`, `Resolved`.
    pub status: String,
    /// One sentence with the numbers.
    pub headline: String,
    /// Since when, by which policy, on which table.
    pub lead: String,
    /// Why it matters, in the words of the rule's owner.
    pub why: Option<String>,
    /// The numbers.
    pub facts: Vec<Fact>,
    /// The condition that they meet.
    pub condition: Option<String>,
    /// How it came to that.
    pub evidence: Option<Evidence>,
    /// The alerts of a message that stands for many.
    pub items: Vec<Item>,
    /// How many more there are than listed.
    pub unlisted: usize,
    /// Where to read what to do.
    pub runbook: Option<String>,
    /// How to look further.
    pub steps: Vec<Step>,
    /// Who gets this, and why.
    pub audience: Audience,
    /// The episode; the first one of several.
    pub alert_id: Uuid,
    /// The episode in whose thread it is told.
    pub thread: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The same for programs.
    pub data: Value,
    /// The alerts of a message that stands for many, one by one.
    pub events: Vec<Value>,
}

/// A number and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// In words.
    pub name: String,
    /// As it was while the alert fired.
    pub value: String,
    /// As it is now that the alert is over.
    pub now: Option<String>,
    /// Numbers stand to the right.
    pub is_number: bool,
}

/// One of several alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Under which heading it stands, if there are any: those of one heading follow each other.
    pub heading: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it is over.
    pub resolved: bool,
    /// One sentence with the numbers.
    pub title: String,
    /// What else there is to know, such as since when.
    pub note: Option<String>,
}

/// Something to do, and the command that does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// In words.
    pub text: String,
    /// As typed.
    pub command: String,
}

/// Who gets a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// The name of the channel.
    pub channel: String,
    /// The addresses.
    pub recipients: Vec<String>,
    /// Who has to act.
    pub owner: String,
}

/// Decides what a message says. `zone` is for alerts that have no time zone of their own.
///
/// `None` if there is nothing to tell.
#[must_use]
pub fn decide(
    kind: Kind,
    told: &[Told],
    channel: &str,
    recipients: Vec<String>,
    zone: Tz,
) -> Option<Content> {
    match (kind, told) {
        (_, []) => None,
        // A message that was to stand for many and got only one is about that one.
        (Kind::Several, [one]) => Some(about_one(kind_of(one), one, channel, recipients, zone)),
        (Kind::Several, many) => Some(about_several(many, channel, recipients, zone)),
        (Kind::Digest, many) => Some(digest(many, channel, recipients, zone)),
        (kind, [one, ..]) => Some(about_one(kind, one, channel, recipients, zone)),
    }
}

pub(super) fn kind_of(told: &Told) -> Kind {
    match (
        told.transition.to_state.as_str(),
        told.transition.from_state.as_deref(),
    ) {
        ("resolved", _) => Kind::Resolved,
        (_, Some("firing")) => Kind::Repeat,
        _ => Kind::Firing,
    }
}

fn about_one(kind: Kind, told: &Told, channel: &str, recipients: Vec<String>, zone: Tz) -> Content {
    let alert = &told.alert;
    let at = told.transition.at;
    let zone = alert
        .time_zone
        .as_deref()
        .and_then(|name| name.parse().ok())
        .unwrap_or(zone);
    let severity = severity(told);
    let lasted = words(at - alert.opened_at);
    let since = moment(alert.opened_at, zone);
    let by = if told.is_about_pipeline() {
        "This is the audit pipeline itself.".to_owned()
    } else {
        let on = told
            .table
            .as_deref()
            .map(|table| format!(" on {table}"))
            .unwrap_or_default();
        format!("Alert policy {}{on}.", alert.policy)
    };
    let (status, headline, lead) = match kind {
        Kind::Resolved => (
            "Resolved".to_owned(),
            format!("Over after {lasted}: {}", alert.title),
            format!("It began {since} and ended {}. {by}", moment(at, zone)),
        ),
        Kind::Repeat => (
            format!("Still firing, for {lasted}"),
            told.transition.title.clone(),
            format!("Firing since {since}. {by}"),
        ),
        Kind::Acknowledged => (
            "Acknowledged".to_owned(),
            told.transition.title.clone(),
            format!("Somebody took it on {}. {by}", moment(at, zone)),
        ),
        Kind::Firing | Kind::Several | Kind::Digest => (
            "Firing".to_owned(),
            told.transition.title.clone(),
            format!("Since {since}. {by}"),
        ),
    };
    let why = told
        .transition
        .observed
        .get("why")
        .and_then(Value::as_str)
        .filter(|why| !why.is_empty());
    Content {
        kind,
        severity,
        subject: subject(told, severity, kind),
        status,
        headline,
        lead: match (kind, told.transition.reason.as_str()) {
            (Kind::Resolved, reason) if !reason.is_empty() && reason != ENDED => {
                format!("{lead} Why: {reason}.")
            }
            // That it began needs no reason; that it is told again does.
            (Kind::Firing, reason) if !reason.is_empty() && is_told_again(told) => {
                format!("{lead} Told again: {reason}.")
            }
            _ => lead,
        },
        why: why.map(str::to_owned),
        facts: facts(kind, told),
        condition: told.condition.clone(),
        evidence: Some(told)
            .filter(|_| kind != Kind::Resolved)
            .and_then(evidence),
        items: Vec::new(),
        unlisted: 0,
        runbook: alert.runbook.clone().filter(|_| kind != Kind::Resolved),
        steps: steps(kind, told),
        audience: Audience {
            channel: channel.to_owned(),
            recipients,
            owner: alert.owner.clone(),
        },
        alert_id: alert.alert_id,
        thread: told.thread.unwrap_or(alert.alert_id),
        at,
        data: data(told),
        events: Vec::new(),
    }
}

fn about_several(many: &[Told], channel: &str, recipients: Vec<String>, zone: Tz) -> Content {
    let first = &many[0];
    let is_over = |told: &&Told| kind_of(told) == Kind::Resolved;
    let (over, open): (Vec<&Told>, Vec<&Told>) = many.iter().partition(is_over);
    let worst = open
        .iter()
        .map(|told| severity(told))
        .max()
        .unwrap_or(Severity::Low);
    let mut sorted = open.clone();
    sorted.sort_by_key(|told| std::cmp::Reverse(severity(told)));
    sorted.extend(&over);
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|wanted| {
            (
                open.iter().filter(|told| severity(told) == wanted).count(),
                wanted.name(),
            )
        })
        .chain([(over.len(), "over")])
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", grouped(&count.to_string())))
        .collect();
    let counts = counts.join(", ");
    // Alerts of one policy share a message because they moved together; others because there were too many.
    let policy = &first.alert.policy;
    let together = many.iter().all(|told| told.alert.policy == *policy);
    let what = if together {
        format!("alerts of {policy}")
    } else {
        "more alerts".to_owned()
    };
    let headline = format!("{} {what}: {counts}", grouped(&many.len().to_string()));
    Content {
        kind: Kind::Several,
        severity: worst,
        subject: shorten(
            &format!("{}: {} {what}, {}", worst.label(), many.len(), counts),
            SUBJECT,
        ),
        status: format!("{} alerts", many.len()),
        headline,
        lead: match moment(first.transition.at, zone) {
            at if together => format!("They are told in one message, as of {at}."),
            at => format!("So much happened at once, {at}, that the rest is told in one message."),
        },
        why: None,
        facts: Vec::new(),
        condition: None,
        evidence: None,
        items: sorted
            .iter()
            .take(MOST_ITEMS)
            .map(|told| Item {
                heading: None,
                severity: severity(told),
                resolved: kind_of(told) == Kind::Resolved,
                title: told.transition.title.clone(),
                note: None,
            })
            .collect(),
        unlisted: many.len().saturating_sub(MOST_ITEMS),
        runbook: None,
        steps: vec![Step {
            text: "See everything that is open".to_owned(),
            command: "audit status".to_owned(),
        }],
        audience: Audience {
            channel: channel.to_owned(),
            recipients,
            owner: String::new(),
        },
        alert_id: first.alert.alert_id,
        thread: first.thread.unwrap_or(first.alert.alert_id),
        at: first.transition.at,
        data: json!({
            "count": many.len(),
            "alerts": sorted.iter().take(MOST_ITEMS).map(|told| data(told)).collect::<Vec<_>>(),
            "unlisted": many.len().saturating_sub(MOST_ITEMS),
        }),
        events: sorted
            .iter()
            .skip(open.len())
            .chain(sorted.iter().take(open.len()))
            .take(MOST_EVENTS)
            .map(|told| data(told))
            .collect(),
    }
}

pub(super) fn severity(told: &Told) -> Severity {
    told.alert.severity.parse().unwrap_or(Severity::Critical)
}

/// Severity, table, what, group: nothing that changes while the alert is open, so that mail programs keep the thread.
fn subject(told: &Told, severity: Severity, kind: Kind) -> String {
    let mut parts: Vec<String> = Vec::new();
    if told.is_about_pipeline() {
        parts.push("audit pipeline".to_owned());
    }
    parts.extend(told.table.clone());
    match &told.rule {
        Some(rule) => parts.push(rule.clone()),
        None if !told.is_about_pipeline() => parts.push(told.alert.policy.clone()),
        None => {}
    }
    let group = told.alert.group_values.as_object().into_iter().flatten();
    parts.extend(group.map(|(name, value)| match value {
        Value::String(text) => text.clone(),
        other => format!("{name} {other}"),
    }));
    let again = if kind == Kind::Firing { "" } else { "Re: " };
    let subject = format!("{again}{}: {}", severity.label(), parts.join(", "));
    // A value with a line break in it would end the header.
    shorten(&subject.replace(char::is_control, " "), SUBJECT)
}

/// What the table of numbers leaves out, because the sentences above it say it.
const TOLD_ELSEWHERE: [&str; 5] = ["table", "rule", "kind", "why", "policy"];

/// The numbers of a rule, in the order in which people ask for them.
const RULE_COLUMNS: [&str; 5] = ["failing", "rows", "failing_ratio", "errors", "action"];

fn facts(kind: Kind, told: &Told) -> Vec<Fact> {
    let nothing = Map::new();
    let now = told.transition.observed.as_object().unwrap_or(&nothing);
    let then = told.alert.observed.as_object().unwrap_or(&nothing);
    let is_over = kind == Kind::Resolved;
    let shown = if is_over { then } else { now };
    let group = told.alert.group_values.as_object().unwrap_or(&nothing);
    // The bucket and the group first, then the measures as declared, then what else there is.
    let place = |name: &str| {
        let declared = told
            .columns
            .iter()
            .map(String::as_str)
            .chain(RULE_COLUMNS)
            .position(|column| column == name);
        (
            name != "bucket",
            !group.contains_key(name),
            declared.unwrap_or(usize::MAX),
        )
    };
    let mut names: Vec<&String> = shown
        .iter()
        .filter(|(name, _)| !TOLD_ELSEWHERE.contains(&name.as_str()))
        .filter(|(name, value)| *name != "errors" || value.as_i64() != Some(0))
        .map(|(name, _)| name)
        .collect();
    names.sort_by_key(|name| place(name));
    let told_as = |name: &str, found: &Value| match found {
        // A year or a number of a gate is a name, not a quantity.
        Value::Number(number) if group.contains_key(name) => number.to_string(),
        found => value(name, found),
    };
    names
        .into_iter()
        .map(|name| Fact {
            name: if name == "bucket" {
                "period".to_owned()
            } else {
                name.replace('_', " ")
            },
            value: told_as(name, &shown[name]),
            now: is_over.then(|| {
                now.get(name)
                    .map_or_else(|| "–".to_owned(), |found| told_as(name, found))
            }),
            is_number: shown[name].is_number(),
        })
        .collect()
}

/// It was firing already: it matters more now, nobody has taken it on, or it was muted.
fn is_told_again(told: &Told) -> bool {
    told.transition.from_state.as_deref() == Some("firing")
}

/// As many characters of an identity as a person types.
pub(super) fn short(id: Uuid) -> String {
    id.to_string().chars().take(8).collect()
}

fn steps(kind: Kind, told: &Told) -> Vec<Step> {
    let step = |text: &str, command: String| Step {
        text: text.to_owned(),
        command,
    };
    let id = short(told.alert.alert_id);
    let mut steps = Vec::new();
    if told.is_about_pipeline() {
        let channel = told
            .alert
            .group_values
            .get("channel")
            .and_then(Value::as_str)
            .unwrap_or_default();
        // It is pasted into a shell.
        let plain = |character: char| character.is_alphanumeric() || "_-.".contains(character);
        let channel = if channel.chars().all(plain) {
            channel.to_owned()
        } else {
            format!("'{}'", channel.replace('\'', r"'\''"))
        };
        let is_about = |what: &str| told.alert.fingerprint.contains(&format!("\"{what}\""));
        if is_about("left_out") {
            steps.push(step(
                "Correct the address in the policy; or, if it works again, write to it again",
                format!("audit deliveries restore {channel} ADDRESS"),
            ));
        } else if is_about("unheard") {
            steps.push(step(
                "See what waits, and why",
                format!("audit deliveries list --channel {channel}"),
            ));
        } else if is_about("paused") {
            steps.push(step(
                "Put a key that works where the policy says, then use the channel again",
                format!("audit deliveries resume {channel}"),
            ));
        } else {
            steps.push(step(
                "Send what was given up once more",
                format!("audit deliveries retry --channel {channel}"),
            ));
        }
    } else if told.rule.is_some() {
        steps.push(step(
            "See which rows fail, and who wrote them",
            "audit findings".to_owned(),
        ));
    } else if let Some(summary) = &told.summary {
        steps.push(step(
            "See the numbers of every group",
            format!(
                "select * from audit_compiled.\"{}\";",
                summary.replace('"', "\"\"")
            ),
        ));
    }
    steps.push(step(
        "See everything that is open",
        "audit status".to_owned(),
    ));
    if kind != Kind::Resolved {
        steps.push(step(
            "Take it on, so that nobody is reminded",
            format!("audit alerts ack {id}"),
        ));
        steps.push(step(
            "Or silence it for a while",
            format!("audit alerts snooze {id} --for 4h"),
        ));
    }
    steps
}

pub(super) fn data(told: &Told) -> Value {
    let alert = &told.alert;
    json!({
        "alert_id": alert.alert_id,
        "fingerprint": alert.fingerprint,
        "policy": alert.policy,
        "severity": alert.severity,
        "state": told.transition.to_state,
        "title": told.transition.title,
        "table": told.table,
        "rule": told.rule,
        "group": alert.group_values,
        "owner": alert.owner,
        "runbook": alert.runbook,
        "condition": told.condition,
        "opened_at": alert.opened_at,
        "fired_at": alert.fired_at,
        "resolved_at": (told.transition.to_state == "resolved").then_some(alert.resolved_at),
        "reason": told.transition.reason,
        "observed": told.transition.observed,
    })
}
