//! Reading routes.

use super::node::{Node, Tree};
use super::read::{Fields, Reader};
use super::summary::keys;
use super::{Declared, Location, Part};
use crate::{Digest, Hours, Otherwise, Route, Severity};

impl Reader {
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
                if route.otherwise == Otherwise::Next && position + 1 == routes.len() {
                    let help = "add a route below it, or let the messages wait";
                    self.refuse(
                        node.at,
                        "there is no next route for what comes at other hours",
                        help,
                    );
                }
                if route.severity.is_empty()
                    && route.owner.is_none()
                    && route.table.is_none()
                    && !route.go_on
                    && route.otherwise != Otherwise::Next
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
            &[
                "severity",
                "owner",
                "table",
                "hours",
                "otherwise",
                "digest",
                "to",
                "continue",
            ],
            &["policy", "rule", "cap"],
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
            self.undeclared(entry.node.at, "watched table", table, tables);
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
        let (hours, otherwise) = self.hours(&fields);
        let digest = self.digest(&fields, otherwise);
        let Some(entry) = fields.get("to") else {
            self.missing(node.at, "to", "a route");
            return None;
        };
        let to = self.texts(entry.node, "`to`")?;
        for (channel, at) in &to {
            if !channels.contains(&channel.as_str()) {
                self.undeclared(*at, "channel", channel, channels);
            }
        }
        Some(Route {
            severity,
            owner,
            table,
            hours,
            otherwise,
            digest,
            to: to.into_iter().map(|(channel, _)| channel).collect(),
            go_on,
        })
    }

    fn hours(&mut self, fields: &Fields<'_>) -> (Option<Hours>, Otherwise) {
        let hours = fields.get("hours").and_then(|entry| {
            let text = self.text(entry.node, "`hours`")?;
            let hours = text.parse::<Hours>();
            if let Err(error) = &hours {
                let help = "expected days, a time of day and a time zone";
                self.refuse(entry.node.at, error.to_string(), help);
            }
            hours.ok()
        });
        let words = [
            ("wait", Otherwise::Wait),
            ("next", Otherwise::Next),
            ("digest", Otherwise::Digest),
        ];
        let otherwise = self.optional_word(fields, "otherwise", &words);
        if let (Some(entry), None) = (fields.get("otherwise"), fields.get("hours")) {
            let help = "it says what happens outside of them";
            self.refuse(entry.key, "`otherwise` needs `hours`", help);
        }
        (hours, otherwise.unwrap_or_default())
    }

    fn digest(&mut self, fields: &Fields<'_>, otherwise: Otherwise) -> Option<Digest> {
        let entry = fields.get("digest")?;
        if fields.get("hours").is_some() && otherwise != Otherwise::Digest {
            let help = "say `otherwise: digest`, and it tells of what comes outside of them";
            self.refuse(entry.key, "a route has `hours` or a `digest`", help);
        }
        let text = self.text(entry.node, "`digest`")?;
        let digest = text.parse::<Digest>();
        if let Err(error) = &digest {
            let help = "days, and if you like a time of day and a time zone";
            self.refuse(entry.node.at, error.to_string(), help);
        }
        digest.ok()
    }
}
