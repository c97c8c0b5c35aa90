//! Addresses, as providers want them.

use serde_json::{Value, json};

/// An address and the name that goes with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mailbox<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) address: &'a str,
}

impl<'a> Mailbox<'a> {
    /// Reads `Name <address>` or an address alone.
    pub(super) fn read(text: &'a str) -> Self {
        match text.rsplit_once('<') {
            Some((name, address)) => Mailbox {
                name: Some(name.trim().trim_matches('"')).filter(|name| !name.is_empty()),
                address: address.trim_end().trim_end_matches('>').trim(),
            },
            None => Mailbox {
                name: None,
                address: text.trim(),
            },
        }
    }

    /// `Name <address>`, with quotes where a name would be taken apart without them.
    pub(super) fn quoted(&self) -> String {
        let Some(name) = self.name else {
            return self.address.to_owned();
        };
        if !name.contains(|character| "()<>[]:;@\\,.\"".contains(character)) {
            return format!("{name} <{}>", self.address);
        }
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{name}\" <{}>", self.address)
    }

    /// `{"email": …, "name": …}`. A name must not hold commas or semicolons.
    pub(super) fn json(&self) -> Value {
        match self.name {
            Some(name) => json!({ "email": self.address, "name": name.replace([',', ';'], " ") }),
            None => json!({ "email": self.address }),
        }
    }
}

/// The addresses as a header has them, in UTF-8.
pub(super) fn quoted(addresses: &[String]) -> Vec<String> {
    addresses
        .iter()
        .map(|address| Mailbox::read(address).quoted())
        .collect()
}

/// The addresses as `{"email": …, "name": …}`.
pub(super) fn list(addresses: &[String]) -> Vec<Value> {
    addresses
        .iter()
        .map(|address| Mailbox::read(address).json())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_apart_from_its_address() {
        assert_eq!(
            Mailbox::read("\"Audit, Ops\" <audit@example.com>").json(),
            json!({ "email": "audit@example.com", "name": "Audit  Ops" })
        );
        assert_eq!(
            Mailbox::read("audit@example.com").json(),
            json!({ "email": "audit@example.com" })
        );
        assert_eq!(
            Mailbox::read("<audit@example.com>").json(),
            json!({ "email": "audit@example.com" })
        );
    }

    #[test]
    fn a_name_is_quoted_where_it_must_be() {
        for (written, quoted) in [
            ("audit@example.com", "audit@example.com"),
            ("Ünal <audit@example.com>", "Ünal <audit@example.com>"),
            (
                "Audit, \"Ops\" <audit@example.com>",
                "\"Audit, \\\"Ops\" <audit@example.com>",
            ),
        ] {
            assert_eq!(Mailbox::read(written).quoted(), quoted);
        }
    }
}
