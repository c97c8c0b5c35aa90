//! How messages look: texts with the names of their parts in double braces, which a team can replace by its own.

/// The layout of messages.
///
/// # Examples
///
/// ```
/// use audit_notify::message::Templates;
///
/// let text = "{{headline}}\n\n{{lead}}{{why}}\n{{facts}}\nAsk #data-help. Alert {{alert_id}}\n";
/// assert!(Templates::default().with_text(text).is_ok());
/// assert_eq!(
///     Templates::default().with_text("{{hedline}}").unwrap_err().to_string(),
///     "a template has no part `hedline`; its parts are subject, headline, mark, severity, lead, why, facts, evidence, \
///      items, what_to_do, audience, alert_id"
/// );
/// ```
#[derive(Debug, Clone)]
pub struct Templates {
    pub(super) text: Template,
    pub(super) html: Template,
}

/// A part that does not exist was named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a template has no part `{name}`; its parts are {}", known.join(", "))]
pub struct TemplateError {
    name: String,
    known: Vec<&'static str>,
}

/// A text with the names of parts in double braces.
#[derive(Debug, Clone)]
pub(super) struct Template(String);

/// The parts of a plain text.
const TEXT: [&str; 12] = [
    "subject",
    "headline",
    "mark",
    "severity",
    "lead",
    "why",
    "facts",
    "evidence",
    "items",
    "what_to_do",
    "audience",
    "alert_id",
];

/// What HTML has besides.
const HTML: [&str; 4] = ["preheader", "picture", "color", "tint"];

impl Default for Templates {
    fn default() -> Self {
        Templates {
            text: Template(include_str!("mail.txt").to_owned()),
            html: Template(include_str!("mail.html").to_owned()),
        }
    }
}

impl Templates {
    /// Takes another layout for plain text.
    ///
    /// # Errors
    /// When it names a part that does not exist.
    pub fn with_text(self, text: &str) -> Result<Self, TemplateError> {
        let text = Template::checked(text, &TEXT)?;
        Ok(Templates { text, ..self })
    }

    /// Takes another layout for HTML.
    ///
    /// # Errors
    /// When it names a part that does not exist.
    pub fn with_html(self, html: &str) -> Result<Self, TemplateError> {
        let html = Template::checked(html, &[&TEXT[..], &HTML[..]].concat())?;
        Ok(Templates { html, ..self })
    }
}

impl Template {
    fn checked(text: &str, known: &[&'static str]) -> Result<Self, TemplateError> {
        for piece in text.split("{{").skip(1) {
            if let Some((name, _)) = piece.split_once("}}")
                && !known.contains(&name.trim())
            {
                return Err(TemplateError {
                    name: name.trim().to_owned(),
                    known: known.to_vec(),
                });
            }
        }
        Ok(Template(text.to_owned()))
    }

    /// Puts the parts in their places, once: what stands in a part is left as it is.
    pub(super) fn fill(&self, parts: &[(&'static str, String)]) -> String {
        let mut pieces = self.0.split("{{");
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let place = piece.split_once("}}").and_then(|(name, rest)| {
                let (_, part) = parts.iter().find(|(known, _)| *known == name.trim())?;
                Some((part, rest))
            });
            match place {
                Some((part, rest)) => {
                    filled.push_str(part);
                    filled.push_str(rest);
                }
                None => {
                    filled.push_str("{{");
                    filled.push_str(piece);
                }
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_part_is_no_template() {
        let template = Template("{{ headline }}: {{lead}} {{ open".to_owned());
        let parts = [
            ("headline", "{{lead}}".to_owned()),
            ("lead", "so".to_owned()),
        ];
        assert_eq!(template.fill(&parts), "{{lead}}: so {{ open");
    }
}
