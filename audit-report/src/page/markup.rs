//! HTML under construction. Markup is text of the program itself, which its type makes sure of; every value that is put
//! into it is escaped, so that no name, row or address can become markup.

use std::fmt::Display;

use crate::canvas::{clean, escape};

/// A piece of HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    pub(crate) fn new() -> Self {
        Html::default()
    }

    /// Writes markup; each `{}` in it becomes the next value, as one line of visible letters. A value may stand in a
    /// text or in a quoted attribute.
    pub(crate) fn put(&mut self, markup: &'static str, values: &[&dyn Display]) -> &mut Self {
        let mut parts = markup.split("{}");
        self.0.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            self.0.push_str(&escape(&clean(&value.to_string())));
            self.0.push_str(part);
        }
        debug_assert_eq!(markup.matches("{}").count(), values.len(), "{markup}");
        self
    }

    /// Writes a text with its line breaks.
    #[cfg(any(test, feature = "serve"))]
    pub(crate) fn lines(&mut self, text: &str) -> &mut Self {
        for (place, line) in text.split('\n').enumerate() {
            if place > 0 {
                self.0.push('\n');
            }
            let line = line.strip_suffix('\r').unwrap_or(line);
            self.0.push_str(&escape(&clean(line)));
        }
        self
    }

    /// Writes another piece.
    pub(crate) fn add(&mut self, other: &Html) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// Writes a picture that this crate has drawn, in which every text is escaped already.
    pub(crate) fn drawn(&mut self, svg: &str) -> &mut Self {
        self.0.push_str(svg);
        self
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Whether a text is written letter for letter, so that a form gives it back as it was.
#[cfg(feature = "serve")]
pub(crate) fn is_kept(text: &str) -> bool {
    text.split('\n').all(|line| clean(line) == line)
}

/// Writes a text so that it can be a part of the path or of the query of an address.
#[cfg(feature = "serve")]
pub(crate) fn part_of_address(text: &str) -> String {
    use std::fmt::Write as _;
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                part.push(char::from(byte));
            }
            other => {
                let _ = write!(part, "%{other:02X}");
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_becomes_markup() {
        let mut html = Html::new();
        html.put(
            "<a title=\"{}\">{}</a>",
            &[&"\" onclick=\"x", &"<script>\u{202E}"],
        )
        .lines("</p>\r\n&");
        assert_eq!(
            html.into_string(),
            "<a title=\"&quot; onclick=&quot;x\">&lt;script&gt;\u{FFFD}</a>&lt;/p&gt;\n&amp;"
        );
    }

    #[test]
    fn a_value_with_braces_takes_no_other_value() {
        let mut html = Html::new();
        html.put("{} {}", &[&"{}", &"b"]);
        assert_eq!(html.into_string(), "{} b");
    }

    #[cfg(feature = "serve")]
    #[test]
    fn an_address_holds_any_text() {
        assert_eq!(part_of_address("a b/ü?&"), "a%20b%2F%C3%BC%3F%26");
    }
}
