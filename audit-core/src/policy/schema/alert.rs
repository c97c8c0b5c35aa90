//! The schema of alerts and silences.

use serde_json::{Value, json};

use super::{object, period, severities, severity, text, texts, value, word};
use crate::Severity;

pub(super) fn alert() -> Value {
    let severities = Severity::ALL.map(Severity::name);
    let mut words = vec!["inherit"];
    words.extend(severities);
    let escalate = object(
        "`escalate`",
        "What happens if nobody takes the alert on.",
        [
            ("after", period("How long it is waited for somebody.")),
            ("to", texts("Channels that are told then, too.")),
            ("severity", severity("How much it matters from then on.")),
        ],
        &["after"],
    );
    object(
        "an alert",
        "Which number somebody must hear of.",
        [
            (
                "on",
                text("What is looked at: a summary by its name, `rules`, `findings` or `overdue`."),
            ),
            ("within", period("How far back findings are counted.")),
            (
                "per",
                word(
                    &["rule", "table"],
                    "Whether findings and overdue failures are counted by rule or by table.",
                ),
            ),
            (
                "when",
                text(
                    "The SQL condition over the numbers of what is looked at, for example `cancelled > 0.25 * flights`.",
                ),
            ),
            (
                "until",
                text("The SQL condition that ends it, if that is not the opposite of `when`."),
            ),
            (
                "for",
                period("How long the condition must hold before anybody is told."),
            ),
            (
                "keep_firing_for",
                period("How long it must be over before it is resolved."),
            ),
            (
                "severity",
                word(
                    &words,
                    "How much it matters: as much as the rule (`inherit`), or always the same.",
                ),
            ),
            ("owner", text("Who has to see to it.")),
            (
                "say",
                text("The sentence that people read, with `{names}` of groups and numbers."),
            ),
            ("runbook", text("Where it is written what to do.")),
            (
                "repeat_every",
                period("How often it is told again while it lasts."),
            ),
            (
                "reopen_within",
                period("If it comes back so soon, it is the same one."),
            ),
            (
                "messages",
                word(
                    &["together", "each"],
                    "Whether alerts of several groups are told in one message.",
                ),
            ),
            (
                "inhibited_by",
                texts(
                    "Other alerts, tables, or `parents`: while they have an alert, this one is not told.",
                ),
            ),
            ("escalate", escalate),
        ],
        &["on", "when"],
    )
}

pub(super) fn silence() -> Value {
    let mut matchers = object(
        "`match`",
        "Which alerts: those of which everything that is said here is true.",
        [
            ("alert", texts("Alerts of this policy.")),
            ("table", texts("Alerts about this table.")),
            ("rule", texts("Alerts about the rule with this name.")),
            ("severity", severities("Alerts of this severity.")),
            (
                "owner",
                texts("Alerts that this person or team has to see to."),
            ),
            (
                "group",
                json!({
                    "type": "object",
                    "description": "Alerts about a group with these values: `{ origin: EWR }`.",
                    "minProperties": 1,
                    "additionalProperties": value(),
                }),
            ),
        ],
        &[],
    );
    matchers["minProperties"] = json!(1);
    object(
        "a silence",
        "What nobody has to hear of. It is recorded all the same.",
        [
            ("match", matchers),
            (
                "from",
                text(
                    "When it begins: `2026-12-01 22:00 Europe/London`, `2026-12-01` or `2026-12-01T22:00:00Z`. By default when it is applied.",
                ),
            ),
            ("until", text("When it ends for good.")),
            (
                "hours",
                text(
                    "Hours in which it is in force again and again: `Sun 02:00-04:00 Europe/London`.",
                ),
            ),
            ("why", text("Why nobody has to hear of it.")),
            ("owner", text("Who answers for it.")),
        ],
        &["match", "until", "why"],
    )
}
