//! Routes: which alert goes to which channel.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, Hours, Severity};

/// Which alerts go to which channels. The first route that matches an alert wins, unless it says to go on.
///
/// # Examples
///
/// ```
/// use audit_core::{Route, Severity};
///
/// let route: Route = serde_json::from_str(r#"{"severity": ["critical"], "to": ["oncall"]}"#).unwrap();
/// assert!(route.matches(Severity::Critical, "ops@example.com", Some("public.flights")));
/// assert!(!route.matches(Severity::Low, "ops@example.com", None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Alerts of one of these severities; empty means of any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<Severity>,
    /// Alerts that this owner has to fix; `None` means anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Alerts about this table, as `schema.table`; `None` means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The hours in which the receivers are at work; `None` means always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// What happens to a message outside of these hours.
    #[serde(default, skip_serializing_if = "Otherwise::is_default")]
    pub otherwise: Otherwise,
    /// When digests go out: of everything that takes this route, or of what comes outside of its hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The names of the channels.
    pub to: Vec<String>,
    /// Whether the routes after this one are tried as well.
    #[serde(
        rename = "continue",
        default,
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub go_on: bool,
}

/// What happens to a message outside of the hours of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// It waits until the hours begin.
    #[default]
    Wait,
    /// It goes by the next route that matches.
    Next,
    /// It is collected, and told in one message when the hours begin, or when the digest of the route goes out.
    Digest,
}

impl Otherwise {
    fn is_default(&self) -> bool {
        *self == Otherwise::default()
    }
}

impl Route {
    /// Whether an alert with these properties takes this route.
    pub fn matches(&self, severity: Severity, owner: &str, table: Option<&str>) -> bool {
        (self.severity.is_empty() || self.severity.contains(&severity))
            && self.owner.as_deref().is_none_or(|wanted| wanted == owner)
            && self
                .table
                .as_deref()
                .is_none_or(|wanted| Some(wanted) == table)
    }

    /// What the database stores as the definition of the route.
    pub fn definition(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}
