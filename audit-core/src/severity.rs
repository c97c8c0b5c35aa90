//! How much a failure matters, and how severities look.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{Error, Period};

/// How much a failure matters: who hears of it, and how soon it must be fixed.
///
/// The greatest severity is [`Severity::Critical`], so `max()` over failures finds the worst.
///
/// # Examples
///
/// ```
/// use audit_core::Severity;
///
/// let worst = [Severity::Low, Severity::Critical, Severity::Normal].into_iter().max();
/// assert_eq!(worst, Some(Severity::Critical));
/// assert_eq!("important".parse::<Severity>().unwrap().symbol(), "◆");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; nobody has to fix it.
    Low,
    /// To be fixed in the course of the work.
    Normal,
    /// To be fixed soon.
    Important,
    /// Business critical: to be fixed now.
    Critical,
}

/// The two grounds that pictures, pages and mails are drawn on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Dark ink on white.
    #[default]
    Light,
    /// Light ink on dark blue.
    Dark,
}

impl Severity {
    /// Every severity, worst first: the order in which people want to read them.
    pub const ALL: [Severity; 4] = [
        Severity::Critical,
        Severity::Important,
        Severity::Normal,
        Severity::Low,
    ];

    /// The word, in lower case, as the policy file and the database spell it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Important => "important",
            Severity::Normal => "normal",
            Severity::Low => "low",
        }
    }

    /// The word as a heading spells it.
    pub fn label(self) -> &'static str {
        match self {
            Severity::Critical => "Critical",
            Severity::Important => "Important",
            Severity::Normal => "Normal",
            Severity::Low => "Low",
        }
    }

    /// The shape that goes with the colour, for readers who cannot tell colours apart.
    pub fn symbol(self) -> &'static str {
        match self {
            Severity::Critical => "▲",
            Severity::Important => "◆",
            Severity::Normal => "●",
            Severity::Low => "○",
        }
    }

    /// The colour as `#RRGGBB`, with a contrast of at least 4.5 to 1 on the theme's ground.
    pub fn color(self, theme: Theme) -> &'static str {
        match (self, theme) {
            (Severity::Critical, Theme::Light) => "#931A11",
            (Severity::Important, Theme::Light) => "#B85C00",
            (Severity::Normal, Theme::Light) => "#175CD3",
            (Severity::Low, Theme::Light) => "#475467",
            (Severity::Critical, Theme::Dark) => "#F97066",
            (Severity::Important, Theme::Dark) => "#FDB022",
            (Severity::Normal, Theme::Dark) => "#53B1FD",
            (Severity::Low, Theme::Dark) => "#98A2B3",
        }
    }

    /// How long a failure of this severity may last, where nothing else is declared; `None` means for ever.
    pub fn fix_within(self) -> Option<Period> {
        match self {
            Severity::Critical => Some(Period::hours(4)),
            Severity::Important => Some(Period::days(1)),
            Severity::Normal => Some(Period::days(7)),
            Severity::Low => None,
        }
    }

    /// The same as [`fix_within`](Severity::fix_within), as a length of time to calculate with.
    pub fn fix_within_delta(self) -> Option<TimeDelta> {
        self.fix_within().map(Period::to_delta)
    }
}

impl Theme {
    /// The colour of the ground as `#RRGGBB`.
    pub fn background(self) -> &'static str {
        match self {
            Theme::Light => "#FFFFFF",
            Theme::Dark => "#0F172A",
        }
    }

    /// The colour of what passes and is good, as `#RRGGBB`.
    pub fn good(self) -> &'static str {
        match self {
            Theme::Light => "#027A48",
            Theme::Dark => "#47E5A0",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Severity::ALL
            .into_iter()
            .find(|severity| severity.name() == text)
            .ok_or_else(|| Error::UnknownWord {
                what: "severity",
                text: text.to_owned(),
                expected: "critical, important, normal or low",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_is_the_greatest() {
        let mut severities = Severity::ALL;
        severities.sort();
        severities.reverse();
        assert_eq!(severities, Severity::ALL);
    }

    #[test]
    fn every_severity_reads_back_from_its_name() {
        for severity in Severity::ALL {
            assert_eq!(severity.name().parse::<Severity>().unwrap(), severity);
            let json = serde_json::to_string(&severity).unwrap();
            assert_eq!(json, format!("\"{severity}\""));
            assert_eq!(serde_json::from_str::<Severity>(&json).unwrap(), severity);
        }
    }
}
