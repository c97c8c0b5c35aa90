//! Reading silences.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::Map;

use super::node::{Node, Tree};
use super::read::{Entry, Fields, Reader};
use super::summary::keys;
use super::{Declared, Defaults, Part};
use crate::SilencePolicy;
use crate::alert::Matchers;

impl Reader {
    pub(super) fn silences(
        &mut self,
        policy: &Fields<'_>,
        defaults: &Defaults,
    ) -> Vec<SilencePolicy> {
        let Some(silences) = policy
            .get("silences")
            .and_then(|entry| self.map(entry.node, "`silences`"))
        else {
            return Vec::new();
        };
        let names = |part: &str| {
            policy
                .get(part)
                .map(|entry| keys(entry.node))
                .unwrap_or_default()
        };
        let (alerts, tables) = (names("alerts"), names("tables"));
        silences
            .iter()
            .filter_map(|entry| self.silence(entry, defaults, &alerts, &tables))
            .collect()
    }

    fn silence(
        &mut self,
        entry: Entry<'_>,
        defaults: &Defaults,
        alerts: &[&str],
        tables: &[&str],
    ) -> Option<SilencePolicy> {
        self.plain_name(entry.key, entry.name, "a silence");
        let declared = Declared::Silence(entry.name.to_owned());
        self.note(&declared, Part::Name, entry.key);
        let fields = self.fields(
            entry.node,
            "a silence",
            &["match", "from", "until", "hours", "why", "owner"],
            &[],
        )?;
        let matchers = match fields.get("match") {
            Some(entry) => self.matchers(entry, alerts, tables),
            None => {
                self.missing(entry.key, "match", "a silence");
                None
            }
        };
        let zone = defaults.time_zone.as_deref();
        let from = fields
            .get("from")
            .map(|entry| self.moment(entry.node, zone));
        let until = match fields.get("until") {
            Some(entry) => self.moment(entry.node, zone),
            None => {
                let help = "every silence has an end, also one that comes again and again";
                self.refuse(entry.key, "a silence needs `until`", help);
                None
            }
        };
        let hours = fields.get("hours").map(|entry| self.some_hours(entry.node));
        let why = self.required_text(&fields, "why", "a silence", entry.key);
        let owner = self
            .optional_text(&fields, "owner")
            .or_else(|| Some(defaults.owner.clone()).filter(|owner| !owner.is_empty()));
        if owner.is_none() && fields.get("owner").is_none() {
            let help = "name who answers for it, here or in the `defaults`";
            self.refuse(entry.key, "a silence needs `owner`", help);
        }
        let from = match from {
            Some(from) => Some(from?),
            None => None,
        };
        let (until, hours) = (
            until?,
            match hours {
                Some(hours) => Some(hours?),
                None => None,
            },
        );
        let at = fields.get("until").map_or(entry.key, |until| until.node.at);
        if let Some(from) = from {
            if until <= from {
                let help = "`until` must be later than `from`";
                self.refuse(at, "the silence ends before it begins", help);
            }
            // What comes again and again lasts a day at most each time.
            if let (Some(longest), None) = (defaults.longest_silence, &hours)
                && until - from > longest.to_delta()
            {
                let message = format!("the silence lasts longer than {longest}");
                let help = "`defaults: { silences: { longest: … } }` says how long one may last";
                self.refuse(at, message, help);
            }
        }
        Some(SilencePolicy {
            name: entry.name.to_owned(),
            matchers: matchers?,
            from,
            until,
            hours,
            why: why?,
            owner: owner?,
        })
    }

    /// `{ alert: cancellations, table: public.flights, group: { origin: EWR } }`.
    fn matchers(&mut self, entry: Entry<'_>, alerts: &[&str], tables: &[&str]) -> Option<Matchers> {
        let known = ["alert", "table", "rule", "severity", "owner", "group"];
        let fields = self.fields(entry.node, "`match`", &known, &[])?;
        if matches!(&entry.node.value, Tree::Map(entries) if entries.is_empty()) {
            let help = "expected `alert`, `table`, `rule`, `severity`, `owner` or `group`";
            self.refuse(
                entry.node.at,
                "a silence must say which alerts it is for",
                help,
            );
            return None;
        }
        let mut words = |name: &str, declared: Option<&[&str]>| {
            let Some(entry) = fields.get(name) else {
                return Vec::new();
            };
            let words = self
                .texts(entry.node, &format!("`{name}`"))
                .unwrap_or_default();
            for (word, at) in &words {
                if let Some(known) = declared
                    && !known.contains(&word.as_str())
                    // What the pipeline says of itself.
                    && (name, word.as_str()) != ("alert", "pipeline")
                {
                    let what = if name == "table" {
                        "watched table"
                    } else {
                        name
                    };
                    self.undeclared(*at, what, word, known);
                }
            }
            words.into_iter().map(|(word, _)| word).collect()
        };
        let policy = words("alert", Some(alerts));
        let table = words("table", Some(tables));
        let rule = words("rule", None);
        let owner = words("owner", None);
        let severity = match fields.get("severity") {
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
        let mut group = Map::new();
        if let Some(values) = fields
            .get("group")
            .and_then(|entry| self.map(entry.node, "`group`"))
        {
            for entry in values.iter() {
                if let Some(value) = self.value(entry.node) {
                    group.insert(entry.name.to_owned(), value);
                }
            }
            if values.is_empty() {
                self.refuse(values.at, "`group` must not be empty", None);
            }
        }
        Some(Matchers {
            policy,
            table,
            rule,
            severity,
            owner,
            group,
        })
    }

    /// `2026-12-01 22:00 Europe/London`, `2026-12-01`, `2026-12-01T22:00:00Z`.
    fn moment(&mut self, node: &Node, zone: Option<&str>) -> Option<DateTime<Utc>> {
        const EXPECTED: &str =
            "expected `2026-12-01 22:00 Europe/London`, `2026-12-01` or `2026-12-01T22:00:00Z`";
        let text = self.text(node, "a time")?;
        if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
            return Some(time.to_utc());
        }
        let (time, zone) = match text.rsplit_once(' ') {
            Some((time, zone)) if zone.starts_with(|first: char| first.is_ascii_alphabetic()) => {
                (time.trim_end(), Some(zone))
            }
            _ => (text.as_str(), zone),
        };
        let local = NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M")
            .or_else(|_| NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S"))
            .or_else(|_| NaiveDate::parse_from_str(time, "%Y-%m-%d").map(|day| day.into()));
        let Ok(local) = local else {
            self.refuse(node.at, format!("`{text}` is not a time"), EXPECTED);
            return None;
        };
        let zone = zone.unwrap_or("UTC");
        if !self.time_zone_is_known(node.at, zone) {
            return None;
        }
        let time = zone
            .parse::<Tz>()
            .ok()
            .and_then(|zone| zone.from_local_datetime(&local).earliest());
        if time.is_none() {
            let message = format!("`{text}` is left out by the clocks of {zone}");
            self.refuse(node.at, message, "name a time an hour later or earlier");
        }
        time.map(|time| time.to_utc())
    }

    fn some_hours(&mut self, node: &Node) -> Option<crate::Hours> {
        let text = self.text(node, "`hours`")?;
        match text.parse::<crate::Hours>() {
            Ok(hours) => Some(hours),
            Err(error) => {
                let help = "expected days, a time of day and a time zone, for example `Sun 02:00-04:00 Europe/London`";
                self.refuse(node.at, error.to_string(), help);
                None
            }
        }
    }
}
