//! `audit verify`: the proof, by reading everything.

use std::collections::BTreeMap;

use audit_schema::inspect;
use audit_schema::verify::Verified;
use diesel::PgConnection;
use serde_json::json as object;

use crate::command::{Format, FormatOption, Output, json};
use crate::terminal::{Style, count};

/// Reads everything, and tells what does not agree.
///
/// # Errors
/// As [`Proof::read`].
pub fn run(
    connection: &mut PgConnection,
    options: FormatOption,
    style: Style,
) -> anyhow::Result<Output> {
    let proof = Proof::read(connection)?;
    Ok(match options.format {
        Format::Text => proof.render(style),
        Format::Json => Output {
            text: json(&object!({
                "verified": proof.verified,
                "replayed": proof
                    .replayed
                    .iter()
                    .map(|(table, differences)| object!({ "table": table, "differences": differences }))
                    .collect::<Vec<_>>(),
            }))?,
            well: proof.wrong() == 0,
        },
    })
}

/// Everything that the pipeline says, compared with what reading everything gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Each counter, each summary and the chain of seals.
    pub verified: Vec<Verified>,
    /// For each watched table whose log begins with its first row, by how many rows the replayed log differs from it.
    pub replayed: Vec<(String, i64)>,
}

impl Proof {
    /// Reads everything.
    ///
    /// # Errors
    /// If something can't be read. That something does not agree is no error but a result.
    pub fn read(connection: &mut PgConnection) -> anyhow::Result<Self> {
        let verified = audit_schema::verify(connection)?;
        let mut replayed = Vec::new();
        for table in inspect::replayable_tables(connection)? {
            let differences = audit_schema::replay_differences(connection, &table)?;
            replayed.push((table, differences));
        }
        Ok(Self { verified, replayed })
    }

    /// How many of its objects do not agree.
    pub fn wrong(&self) -> usize {
        let verified = self.verified.iter().filter(|object| !object.ok).count();
        verified
            + self
                .replayed
                .iter()
                .filter(|(_, differences)| *differences != 0)
                .count()
    }

    /// One line for each kind of object, and one for each object that does not agree.
    pub fn lines(&self, style: Style) -> String {
        let mut lines = Vec::new();
        let mut by_kind: BTreeMap<(usize, &str), Vec<&Verified>> = BTreeMap::new();
        for object in &self.verified {
            let place = KINDS
                .iter()
                .position(|(kind, ..)| *kind == object.kind)
                .unwrap_or(KINDS.len());
            by_kind
                .entry((place, &object.kind))
                .or_default()
                .push(object);
        }
        for ((place, kind), objects) in by_kind {
            let (_, one, agreement) =
                KINDS
                    .get(place)
                    .copied()
                    .unwrap_or(("", kind, "agree with a full scan"));
            let wrong: Vec<_> = objects.iter().filter(|object| !object.ok).collect();
            let all = count(size(objects.len()), one);
            if wrong.is_empty() {
                lines.push(style.good(&format!("  ✓ {all}: {agreement}")));
                // The chain says what retention dropped.
                let dropped = objects.iter().filter(|object| object.kind == "seals");
                for object in dropped.filter(|object| object.found != object.expected) {
                    lines.push(style.quiet(&format!("    {}", object.found)));
                }
                continue;
            }
            lines.push(style.bad(&format!(
                "  ✗ {all}: {} do not agree with a full scan",
                wrong.len()
            )));
            for object in wrong {
                lines.push(style.bad(&format!(
                    "    {}: the pipeline says {}, a full scan {}",
                    object.object, object.found, object.expected
                )));
            }
        }
        let different: Vec<_> = self
            .replayed
            .iter()
            .filter(|(_, differences)| *differences != 0)
            .collect();
        if !self.replayed.is_empty() && different.is_empty() {
            let all = count(size(self.replayed.len()), "table");
            lines.push(style.good(&format!(
                "  ✓ {all}: the log, replayed, gives the same rows"
            )));
        }
        for (table, differences) in different {
            lines.push(style.bad(&format!(
                "  ✗ {table}: the log, replayed, differs in {}",
                count(*differences, "row")
            )));
        }
        lines.join("\n")
    }

    /// The lines and one that sums up; not well if anything does not agree.
    pub fn render(&self, style: Style) -> Output {
        let wrong = self.wrong();
        let all = count(size(self.verified.len() + self.replayed.len()), "check");
        let summary = if wrong == 0 {
            style.bold(&format!("{all}, all agree"))
        } else {
            style.bad(&format!("{all}, {wrong} do not agree"))
        };
        Output {
            text: format!("{}\n\n{summary}\n", self.lines(style)),
            well: wrong == 0,
        }
    }
}

/// What a kind is called, and what is true of all its objects if they agree.
const KINDS: [(&str, &str, &str); 4] = [
    (
        "rows",
        "row counter",
        "each says what a full scan of its table says",
    ),
    (
        "rule",
        "rule counter",
        "each says what a full scan with its predicate says",
    ),
    (
        "summary",
        "summary view",
        "every group and measure is what GROUP BY gives",
    ),
    (
        "seals",
        "chain of seals",
        "no segment of the log was changed, added or removed",
    ),
];

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
