//! `audit quarantine list`: the rows that were set aside and wait for a person.

use audit_schema::inspect::QuarantinedRow;

use crate::cells;
use crate::command::findings::values;
use crate::terminal::{Columns, Painted, Style, count, table_name};

/// Shows the rows that wait in quarantine.
pub fn render(rows: &[QuarantinedRow], style: Style) -> String {
    if rows.is_empty() {
        return style.good("✓ nothing is set aside") + "\n";
    }
    let mut columns = Columns::new(
        style,
        &[
            "when",
            "severity",
            "table",
            "key",
            "set aside",
            "because of",
            "values",
            "written by",
        ],
    );
    for row in rows {
        columns.row(cells![
            style.time(row.at),
            Painted::severity(&row.severity),
            table_name(&row.table),
            row.key.clone(),
            match row.op.as_str() {
                "U" => "update (undone)",
                _ => "insert",
            }
            .to_owned(),
            row.rules.join(", "),
            values(&row.values),
            row.writer.clone(),
        ]);
    }
    let shown = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    format!(
        "{}\n\n{}\n",
        columns.render(),
        style.bold(&format!("{} set aside", count(shown, "row")))
    )
}
