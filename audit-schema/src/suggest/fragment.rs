//! A policy is written, with what speaks for each rule as a comment.

use audit_core::policy::{kind_options, scalar};

use super::Suggested;

/// The suggestions as a policy that `audit plan` reads: every rule is in shadow, which counts what fails and does nothing.
///
/// # Examples
///
/// ```
/// use audit_core::RuleKind;
/// use audit_schema::suggest::{Suggested, Suggestion, policy_fragment};
///
/// let orders = Suggested {
///     table: "public.orders".to_owned(),
///     rows: 5_000,
///     estimated: 5_000,
///     whole: true,
///     rules: vec![Suggestion {
///         kind: RuleKind::NotNull { column: "region".to_owned() },
///         mostly: Some(0.99),
///         evidence: "99.54 % of 5,000 rows have a value.".to_owned(),
///     }],
///     notes: Vec::new(),
/// };
/// assert!(policy_fragment(&[orders]).ends_with("
///       ## 99.54 % of 5,000 rows have a value.
///       - not_null: region
///         mostly: 0.99
///         shadow: true
/// "));
/// ```
#[must_use]
pub fn policy_fragment(suggested: &[Suggested]) -> String {
    let mut text = String::from(
        "# Suggested by `audit suggest` from the rows that are there, which may be wrong themselves. Every rule is in shadow: it is
# evaluated and counted, and nothing is done. Keep what is true, say why and how much it matters, and take the shadow away.

version: 1

tables:
",
    );
    for (place, table) in suggested.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        let looked_at = if table.whole {
            format!("All {} rows were looked at.", thousands(table.rows))
        } else {
            format!(
                "{} of about {} rows were looked at, as a sample of whole blocks.",
                thousands(table.rows),
                thousands(table.estimated)
            )
        };
        text += &format!("  # {looked_at}\n");
        for note in &table.notes {
            text += &format!("  # {note}\n");
        }
        text += &format!("  {}:\n", scalar(&table.table));
        // A table without rules is only watched.
        if table.rules.is_empty() {
            continue;
        }
        text += "    rules:\n";
        for (place, rule) in table.rules.iter().enumerate() {
            if place > 0 {
                text.push('\n');
            }
            text += &format!(
                "      # {}\n      - {}: {}\n",
                rule.evidence,
                rule.kind.name(),
                kind_options(&rule.kind)
            );
            if let Some(mostly) = rule.mostly {
                text += &format!("        mostly: {mostly}\n");
            }
            text += "        shadow: true\n";
        }
    }
    text
}

pub(super) fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
