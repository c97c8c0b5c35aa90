//! `audit plan` and `audit apply`: what a policy would change, or has changed.

use audit_schema::plan::Plan;

use crate::terminal::{Painted, Style, Tone};

/// Shows a plan: green what is new, yellow what becomes different, red what goes.
pub fn render(plan: &Plan, applied: bool, style: Style) -> String {
    let mut text = String::new();
    for line in plan.to_string().lines() {
        let tone = match line.trim_start().chars().next() {
            Some('+') => Some(Tone::Good),
            Some('~' | '!') => Some(Tone::Severity(audit_core::Severity::Important)),
            Some('-') => Some(Tone::Severity(audit_core::Severity::Critical)),
            _ => None,
        };
        match tone {
            Some(tone) => text.push_str(&style.paint(&Painted::new(line, tone))),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    if !plan.is_empty() {
        let last = if applied {
            "applied"
        } else {
            "nothing was changed; `audit apply` does it"
        };
        text.push_str(&style.bold(last));
        text.push('\n');
    }
    text
}
