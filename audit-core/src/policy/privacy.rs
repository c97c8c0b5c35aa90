//! Reading what the log must not know, and how long it remembers.

use super::node::Tree;
use super::read::{Entry, Fields, Reader};
use super::{Declared, Part};
use crate::{Kept, Period, Retention};

impl Reader {
    /// The columns of a table that are redacted, and those that are hashed.
    pub(super) fn hidden_columns(
        &mut self,
        fields: &Fields<'_>,
        table: &str,
    ) -> (Vec<String>, Vec<String>) {
        let declared = Declared::Table(table.to_owned());
        let columns = |reader: &mut Self, name: &str, others: &[String]| {
            let Some(entry) = fields.get(name) else {
                return Vec::new();
            };
            // An empty list is what is left when the last column is taken out of it.
            if matches!(&entry.node.value, Tree::List(items) if items.is_empty()) {
                return Vec::new();
            }
            let texts = reader.texts(entry.node, &format!("`{name}`"));
            for (column, at) in texts.iter().flatten() {
                if others.contains(column) {
                    reader.refuse(
                        *at,
                        format!("`{column}` is both redacted and hashed"),
                        "hash it if it has to be seen that it changed, else redact it",
                    );
                }
                reader.note(&declared, Part::Column(column.clone()), *at);
            }
            texts
                .into_iter()
                .flatten()
                .map(|(column, _)| column)
                .collect()
        };
        let redact: Vec<String> = columns(self, "redact", &[]);
        let hash = columns(self, "hash", &redact);
        (redact, hash)
    }

    /// How long what is over is kept, of a table or of everything.
    pub(super) fn retention(&mut self, fields: &Fields<'_>, of_a_table: bool) -> Retention {
        let mut retention = Retention::default();
        let kinds: Vec<Kept> = Kept::ALL
            .into_iter()
            .filter(|kind| !of_a_table || kind.is_of_a_table())
            .collect();
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        #[cfg(test)]
        super::read::asked::keys("`retain`", &names);
        let Some(entries) = fields
            .get("retain")
            .and_then(|entry| self.map(entry.node, "`retain`"))
        else {
            return retention;
        };
        for entry in entries.iter() {
            match kinds.iter().find(|kind| kind.name() == entry.name) {
                Some(kind) => {
                    if let Some(period) = self.how_long(entry) {
                        retention.keep(*kind, period);
                    }
                }
                None if Kept::ALL.iter().any(|kind| kind.name() == entry.name) => self.refuse(
                    entry.key,
                    format!("`{}` are not kept table by table", entry.name),
                    "write it below `defaults`",
                ),
                None => self.unknown_key(entry.key, "`retain`", entry.name, &names),
            }
        }
        retention
    }

    /// A length of time, or `forever`.
    fn how_long(&mut self, entry: Entry<'_>) -> Option<Option<Period>> {
        if matches!(&entry.node.value, Tree::Text(text) if text == "forever") {
            return Some(None);
        }
        let period = self.period(entry.node, &format!("`{}`", entry.name))?;
        if period.count() == 0 {
            self.refuse(
                entry.node.at,
                "nothing can be kept for no time",
                "expected a length of time such as `90d`, or `forever`",
            );
            return None;
        }
        Some(Some(period))
    }
}
