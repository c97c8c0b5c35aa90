//! Text for Markdown and Mermaid, in which names and reasons that people wrote can not become markup.

use audit_core::{Action, Severity};

/// A text for a cell of a table: one line, nothing in it is markup.
pub(super) fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in crate::canvas::clean(text).chars() {
        match letter {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A name or a piece of code in a cell of a table or in text.
pub(super) fn code(text: &str) -> String {
    let text = crate::canvas::clean(text).replace('|', "\\|");
    if text.is_empty() {
        String::new()
    } else if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

/// Several names.
pub(super) fn codes<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    names
        .into_iter()
        .map(|name| code(name.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A text inside of a quoted Mermaid label.
pub(super) fn label(text: &str) -> String {
    crate::canvas::clean(text)
        .replace('&', "#amp;")
        .replace('"', "#quot;")
        .replace('<', "#lt;")
        .replace('>', "#gt;")
}

/// The word of a severity with its sign.
pub(super) fn severity(severity: Severity) -> String {
    let word = match severity {
        Severity::Critical => "business critical",
        other => other.name(),
    };
    format!("{} {word}", severity.symbol())
}

/// What an action does with a failing row.
pub(super) fn consequence(action: Action) -> &'static str {
    match action {
        Action::Reject => "the statement fails, nothing is written",
        Action::Quarantine => "the row is set aside; the last good version, if there is one, stays",
        Action::Flag => "the row is written and a finding recorded",
    }
}

/// An anchor as GitHub makes it of a heading.
pub(super) fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            letter if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_cell() {
        assert_eq!(cell("a|b\n<script>"), "a\\|b &lt;script&gt;");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(label("say \"no\""), "say #quot;no#quot;");
    }

    #[test]
    fn anchors_are_those_of_github() {
        assert_eq!(anchor("audit.watched_table"), "auditwatched_table");
    }
}
