//! `audit doctor`: what is wrong with the pipeline, and what to do about it.

use audit_schema::doctor::Remark;
use diesel::PgConnection;

use crate::command::{Format, FormatOption, Output, json};
use crate::terminal::{Painted, Style, count};

/// Looks, and tells.
///
/// # Errors
/// If the database does not answer.
pub fn run(
    connection: &mut PgConnection,
    options: FormatOption,
    style: Style,
) -> anyhow::Result<Output> {
    let remarks = audit_schema::doctor(connection)?;
    Ok(match options.format {
        Format::Text => render(&remarks, style),
        Format::Json => Output {
            text: json(&remarks)?,
            well: !remarks.iter().any(Remark::is_wrong),
        },
    })
}

/// Shows the remarks as a person reads them, worst first; not well if anything is wrong.
pub fn render(remarks: &[Remark], style: Style) -> Output {
    if remarks.is_empty() {
        return Output::from(style.good("✓ nothing is wrong") + "\n");
    }
    let mut text = self::remarks(remarks, style);
    let wrong = remarks.iter().filter(|remark| remark.is_wrong()).count();
    let all = count(i64::try_from(remarks.len()).unwrap_or(i64::MAX), "remark");
    text.push_str(&if wrong == 0 {
        style.bold(&format!("{all}, nothing is wrong"))
    } else {
        style.bad(&format!("{all}, {wrong} to be put right"))
    });
    text.push('\n');
    Output {
        text,
        well: wrong == 0,
    }
}

/// Each remark: how bad it is, what is the case, and what to do.
pub(crate) fn remarks(remarks: &[Remark], style: Style) -> String {
    let mut text = String::new();
    for remark in remarks {
        let severity = style.paint(&Painted::severity(remark.severity.name()));
        text.push_str(&format!(
            "{severity}  {}  {}\n    {}\n    {}\n\n",
            style.bold(&remark.object),
            style.quiet(&remark.remark),
            remark.what,
            style.quiet(&format!("→ {}", remark.todo)),
        ));
    }
    text
}
