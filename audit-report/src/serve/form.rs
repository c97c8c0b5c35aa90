//! What people fill in: the words of an address and of a form.

use std::str::FromStr;

use super::visit::Trouble;

/// The longest query of an address.
pub(super) const LONGEST_QUERY: usize = 2_000;

/// The longest word that is searched for or filtered by.
const LONGEST_WORD: usize = 200;

/// Names and their values, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(text: &[u8]) -> Self {
        Form(
            form_urlencoded::parse(text)
                // Browsers write every line break as two letters.
                .map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n")))
                .collect(),
        )
    }

    /// The first value of this name that says anything.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim())
    }

    /// The first value of this name as it is.
    pub(super) fn exact(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A word that is looked for.
    pub(super) fn word(&self, name: &'static str) -> Result<Option<String>, Trouble> {
        match self.get(name) {
            Some(word) if word.chars().count() > LONGEST_WORD => Err(Trouble::Bad(format!(
                "`{name}` may have {LONGEST_WORD} letters at most"
            ))),
            // PostgreSQL has no such letter in its texts.
            Some(word) if word.contains('\0') => {
                Err(Trouble::Bad(format!("`{name}` has a letter that is none")))
            }
            word => Ok(word.map(str::to_owned)),
        }
    }

    /// Something of a kind.
    pub(super) fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>, Trouble> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    let shown: String = text.chars().take(40).collect();
                    Trouble::Bad(format!("`{name}` is `{shown}`; expected {expected}"))
                })
            })
            .transpose()
    }

    /// Whether a box is ticked.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "off")
    }

    /// The same with one value replaced, as the query of an address; an empty one is left out.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (known, kept) in &self.0 {
            if known != name && !kept.is_empty() {
                query.append_pair(known, kept);
            }
        }
        if !value.is_empty() {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_what_is_not_replaced() {
        let form = Form::read(b"q=a%20b&page=3&owner=");
        assert_eq!(form.with("page", "4"), "q=a+b&page=4");
        assert_eq!(form.get("owner"), None);
    }

    #[test]
    fn line_breaks_are_one_letter() {
        assert_eq!(Form::read(b"a=x%0D%0Ay").exact("a"), Some("x\ny"));
    }
}
