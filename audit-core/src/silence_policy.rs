//! Silences that a policy declares: planned work, and hours in which a fault is known.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Hours;
use crate::alert::Matchers;

/// A silence that a policy declares: for a planned time, or for hours that come again and again until a day. What it
/// matches is recorded and not told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilencePolicy {
    /// Its name; kept beside the definition.
    #[serde(default, skip_serializing)]
    pub name: String,
    /// Which alerts.
    pub matchers: Matchers,
    /// When it begins; `None` means when it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// When it ends for good.
    pub until: DateTime<Utc>,
    /// The hours in which it is in force, if it is not all the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Why nobody has to hear of it.
    pub why: String,
    /// Who answers for it.
    pub owner: String,
}

impl SilencePolicy {
    /// The definition as it is stored, without the name.
    pub fn definition(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}
