//! Deciding what a digest says: what is new, what is still open, what is over.

use std::cmp::Reverse;

use audit_core::Severity;
use audit_schema::outbox::Told;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::Kind;
use super::content::{
    Audience, Content, Item, MOST_EVENTS, SUBJECT, Step, data, kind_of, severity, short,
};
use super::format::{grouped, moment, shorten, words};

/// A digest is read in peace, so it may be longer than other messages.
const MOST_ITEMS: usize = 60;

/// Where an alert stands in a digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    New,
    Open,
    Over,
}

impl Place {
    const ALL: [Place; 3] = [Place::New, Place::Open, Place::Over];

    fn of(told: &Told) -> Self {
        match (kind_of(told), told.is_new) {
            (Kind::Resolved, _) => Place::Over,
            (_, true) => Place::New,
            (_, false) => Place::Open,
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Place::New => "New",
            Place::Open => "Still open from before",
            Place::Over => "Over",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Place::New => "new",
            Place::Open => "still open",
            Place::Over => "over",
        }
    }
}

/// What was collected, each alert once, by what became of it, how bad it is and what table it is about; then what is still open
/// from earlier digests.
pub(super) fn digest(all: &[Told], channel: &str, recipients: Vec<String>, zone: Tz) -> Content {
    let mut sorted: Vec<&Told> = all.iter().collect();
    sorted.sort_by_key(|told| (Place::of(told), Reverse(severity(told)), &told.table));
    let first = sorted[0];
    let at = |told: &&Told| told.transition.at;
    let news = || all.iter().filter(|told| !told.standing);
    let (from, until) = (
        news().map(|told| at(&told)).min(),
        news().map(|told| at(&told)).max(),
    );
    let until = until.unwrap_or(first.transition.at);
    let open = || sorted.iter().filter(|told| Place::of(told) != Place::Over);
    let worst = open().map(|told| severity(told)).max();
    let counts: Vec<String> = Place::ALL
        .into_iter()
        .map(|place| {
            let count = all.iter().filter(|told| Place::of(told) == place).count();
            (count, place.word())
        })
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", grouped(&count.to_string())))
        .collect();
    let counts = counts.join(", ");
    Content {
        kind: Kind::Digest,
        severity: worst.unwrap_or(Severity::Low),
        subject: shorten(&format!("Digest: {counts}"), SUBJECT),
        status: match worst {
            Some(_) => "Digest".to_owned(),
            None => "Digest, all over".to_owned(),
        },
        headline: format!(
            "{} in this digest: {counts}",
            match all.len() {
                1 => "1 alert".to_owned(),
                many => format!("{} alerts", grouped(&many.to_string())),
            }
        ),
        lead: match from.filter(|from| *from != until) {
            Some(from) => format!(
                "What happened from {} to {}.",
                moment(from, zone),
                moment(until, zone)
            ),
            None => format!("What happened on {}.", moment(until, zone)),
        },
        why: None,
        facts: Vec::new(),
        condition: None,
        evidence: None,
        items: sorted
            .iter()
            .take(MOST_ITEMS)
            .map(|told| item(told, zone))
            .collect(),
        unlisted: sorted.len().saturating_sub(MOST_ITEMS),
        runbook: None,
        steps: steps(open().next()),
        audience: Audience {
            channel: channel.to_owned(),
            recipients,
            owner: String::new(),
        },
        alert_id: first.alert.alert_id,
        thread: first.thread.unwrap_or(first.alert.alert_id),
        at: until,
        data: json!({
            "count": all.len(),
            "alerts": sorted.iter().take(MOST_ITEMS).map(|told| placed(told)).collect::<Vec<_>>(),
            "unlisted": sorted.len().saturating_sub(MOST_ITEMS),
        }),
        // Whoever keeps track of each alert knows those that only stand there still; what is over comes first.
        events: sorted
            .iter()
            .rev()
            .filter(|told| !told.standing)
            .take(MOST_EVENTS)
            .map(|told| placed(told))
            .collect(),
    }
}

fn item(told: &Told, zone: Tz) -> Item {
    let alert = &told.alert;
    let place = Place::of(told);
    let zone = alert
        .time_zone
        .as_deref()
        .and_then(|name| name.parse().ok())
        .unwrap_or(zone);
    let mut notes: Vec<String> = vec![match place {
        Place::Over => format!(
            "{}lasted {}",
            if told.is_new { "came and went, " } else { "" },
            words(told.transition.at - alert.opened_at)
        ),
        _ => format!("since {}", moment(alert.opened_at, zone)),
    }];
    if place != Place::Over {
        if let Some(person) = &alert.acknowledged_by {
            notes.push(format!("taken on by {person}"));
        }
        if !alert.owner.is_empty() {
            notes.push(alert.owner.clone());
        }
        notes.extend(alert.runbook.clone());
        notes.push(format!("alert {}", short(alert.alert_id)));
    }
    let title = match place {
        // What it was, not what the numbers are now that it is over.
        Place::Over => &alert.title,
        _ => &told.transition.title,
    };
    let about = told
        .table
        .iter()
        .chain(&told.rule)
        .all(|name| !title.contains(name.as_str()));
    Item {
        heading: Some(place.heading().to_owned()),
        severity: severity(told),
        resolved: place == Place::Over,
        title: match &told.table {
            Some(table) if about => format!("{table}: {title}"),
            _ => title.clone(),
        },
        note: Some(notes.join(" · ")),
    }
}

fn placed(told: &Told) -> Value {
    let mut data = data(told);
    data["digest"] = json!(Place::of(told).word());
    data
}

/// What to do about what is open; `open` is the worst of it.
fn steps(open: Option<&&Told>) -> Vec<Step> {
    let step = |text: &str, command: String| Step {
        text: text.to_owned(),
        command,
    };
    let mut steps = vec![step(
        "See everything that is open",
        "audit alerts list".to_owned(),
    )];
    if let Some(told) = open {
        let id = short(told.alert.alert_id);
        steps.push(step(
            "See one of them with its history",
            format!("audit alerts show {id}"),
        ));
        steps.push(step(
            "Take it on, so that nobody is reminded",
            format!("audit alerts ack {id}"),
        ));
    }
    steps
}
