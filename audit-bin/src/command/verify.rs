//! `audit verify`: the proof, by reading everything.

use std::collections::BTreeMap;

use audit_schema::inspect;
use audit_schema::verify::Verified;
use diesel::PgConnection;

use crate::command::Output;
use crate::terminal::{Style, count};

/// Proves everything about the database that is connected.
///
/// # Errors
/// If it can't be read. That something does not agree is no error but the output.
pub fn run(connection: &mut PgConnection, style: Style) -> anyhow::Result<Output> {
    let verified = audit_schema::verify(connection)?;
    let replayed = replay_all(connection)?;
    Ok(render(&verified, &replayed, style))
}

/// For each watched table that has a key, by how many rows the replayed log differs from it.
///
/// # Errors
/// If a table can't be read.
pub fn replay_all(connection: &mut PgConnection) -> anyhow::Result<Vec<(String, i64)>> {
    let mut replayed = Vec::new();
    for table in inspect::replayable_tables(connection)? {
        let differences = audit_schema::replay_differences(connection, &table)?;
        replayed.push((table, differences));
    }
    Ok(replayed)
}

/// One line for each kind of object, and one for each object that does not agree.
pub fn lines(verified: &[Verified], replayed: &[(String, i64)], style: Style) -> String {
    let mut lines = Vec::new();
    let mut by_kind: BTreeMap<(usize, &str), Vec<&Verified>> = BTreeMap::new();
    for object in verified {
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
    let different: Vec<_> = replayed
        .iter()
        .filter(|(_, differences)| *differences != 0)
        .collect();
    if !replayed.is_empty() && different.is_empty() {
        let all = count(size(replayed.len()), "table");
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

/// The proof with a last line that sums up; not well if anything does not agree.
pub fn render(verified: &[Verified], replayed: &[(String, i64)], style: Style) -> Output {
    let wrong = verified.iter().filter(|object| !object.ok).count()
        + replayed
            .iter()
            .filter(|(_, differences)| *differences != 0)
            .count();
    let all = count(size(verified.len() + replayed.len()), "check");
    let summary = if wrong == 0 {
        style.bold(&format!("{all}, all agree"))
    } else {
        style.bad(&format!("{all}, {wrong} do not agree"))
    };
    Output {
        text: format!("{}\n\n{summary}\n", lines(verified, replayed, style)),
        well: wrong == 0,
    }
}

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
