//! Entities and relations: Mermaid and a picture by subject, and one picture of all.

mod picture;

use audit_schema::catalogue::{Catalogue, Reference, Table};

use super::area::{diagrams, short_type};
use super::markdown::{cell, code, label};

pub use picture::{erd_subject_svgs, erd_svg};

/// The document: the picture, then a diagram for each subject.
pub fn erd(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "# Entities and relations\n\
         \n\
         Written by `audit docs` from an installed database. Do not edit.\n\
         \n\
         ![All entities of the pipeline and their relations](erd.svg)\n\
         \n\
         A solid line is a foreign key. A dashed line is a reference that PostgreSQL does not check: log tables carry no \
         foreign keys, because a writer must not lock what another writer locks; between watched tables it is a rule that \
         checks it. Partitions of the log are left out.\n",
    );
    for one in diagrams(catalogue) {
        let name = cell(&one.name);
        text.push_str(&format!(
            "\n## {name}\n\n{}\n\n![{name}]({})\n\n```mermaid\n{}```\n",
            one.about,
            one.file(),
            diagram(catalogue, &one.tables)
        ));
    }
    text
}

/// All subjects in one Mermaid diagram.
pub fn erd_mermaid(catalogue: &Catalogue) -> String {
    diagram(catalogue, &catalogue.tables.iter().collect::<Vec<_>>())
}

fn diagram(catalogue: &Catalogue, tables: &[&Table]) -> String {
    let mut text = String::from("erDiagram\n");
    for table in tables {
        for reference in &table.references {
            text.push_str(&format!(
                "    {} {} {} : \"{}\"\n",
                entity(&reference.to),
                cardinality(reference),
                entity(&table.full_name()),
                label(&reference.columns.join(", "))
            ));
        }
    }
    for table in tables {
        let name = table.full_name();
        text.push_str(&format!("    {}[\"{}\"] {{\n", entity(&name), label(&name)));
        for column in &table.columns {
            let mut keys = Vec::new();
            if column.key {
                keys.push("PK");
            }
            if table
                .references
                .iter()
                .any(|reference| reference.columns.contains(&column.name))
            {
                keys.push("FK");
            }
            let keys = if keys.is_empty() {
                String::new()
            } else {
                format!(" {}", keys.join(", "))
            };
            let comment = if column.comment.is_empty() {
                String::new()
            } else {
                format!(" \"{}\"", label(&column.comment))
            };
            text.push_str(&format!(
                "        {} {}{keys}{comment}\n",
                word(&short_type(&column.data_type)),
                word(&column.name)
            ));
        }
        text.push_str("    }\n");
    }
    // Entities of other subjects appear by name only; so that the name is the whole one, it is said here.
    let mut others: Vec<&str> = tables
        .iter()
        .flat_map(|table| {
            table
                .references
                .iter()
                .map(|reference| reference.to.as_str())
        })
        .filter(|name| tables.iter().all(|table| table.full_name() != *name))
        .filter(|name| {
            catalogue
                .tables
                .iter()
                .any(|table| table.full_name() == *name)
        })
        .collect();
    others.sort_unstable();
    others.dedup();
    for name in others {
        text.push_str(&format!("    {}[\"{}\"]\n", entity(name), label(name)));
    }
    text
}

/// Mermaid's sign between the table that is referred to and the one that refers.
fn cardinality(reference: &Reference) -> String {
    let to = match (reference.many, reference.optional) {
        (true, _) => "}o",
        (false, true) => "|o",
        (false, false) => "||",
    };
    let line = if reference.checked { "--" } else { ".." };
    let from = if reference.one { "o|" } else { "o{" };
    format!("{to}{line}{from}")
}

/// A name that Mermaid takes without quotes; never the same for two tables.
fn entity(full_name: &str) -> String {
    word(full_name.strip_prefix("audit.").unwrap_or(full_name))
}

/// Letters, digits and underscores only. Anything else becomes its number, so that two names stay two.
fn word(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '_' | '[' | ']' | '(' | ')' => text.push(letter),
            '.' => text.push_str("__"),
            ',' => text.push('_'),
            letter if letter.is_ascii_alphanumeric() => text.push(letter),
            letter => text.push_str(&format!("x{:x}", u32::from(letter))),
        }
    }
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        text
    } else {
        format!("t{text}")
    }
}

/// Where a table is described in the breakdown.
pub(super) fn link(name: &str) -> String {
    format!(
        "[{}](breakdown.md#{})",
        code(name),
        super::markdown::anchor(name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words_that_mermaid_takes() {
        assert_eq!(entity("audit.rule"), "rule");
        assert_eq!(entity("public.flights"), "public__flights");
        assert_eq!(entity("public.my table"), "public__myx20table");
        assert_eq!(word("9lives"), "t9lives");
    }

    #[test]
    fn cardinalities_say_how_many() {
        let reference = Reference {
            columns: vec!["table_id".into()],
            to: "audit.watched_table".into(),
            to_columns: vec!["table_id".into()],
            checked: true,
            optional: false,
            one: false,
            many: false,
        };
        assert_eq!(cardinality(&reference), "||--o{");
        assert_eq!(
            cardinality(&Reference {
                checked: false,
                optional: true,
                ..reference.clone()
            }),
            "|o..o{"
        );
        assert_eq!(
            cardinality(&Reference {
                one: true,
                ..reference.clone()
            }),
            "||--o|"
        );
        assert_eq!(
            cardinality(&Reference {
                many: true,
                ..reference
            }),
            "}o--o{"
        );
    }
}
