//! The dashboard.

use audit_core::Severity;
use audit_schema::inspect;
use diesel::PgConnection;

use super::super::visit::{Page, Reader, Trouble};
use super::{SEVERITIES, choice, text_filter};
use crate::page::{self, Html};
use crate::{Error, Range, Selection};

const RANGES: [(&str, &str); 6] = [
    ("", "all there is"),
    ("1d", "today"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("1y", "a year"),
];

pub(in super::super) fn show(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let query = reader.query();
    let severity: Option<Severity> =
        query.parsed("severity", "critical, important, normal or low")?;
    let table = query.word("table")?;
    if let Some(name) = &table
        && inspect::watched_table(connection, name)?.is_none()
    {
        return Err(Trouble::Bad(format!("No table `{name}` is watched.")));
    }
    let selection = Selection {
        range: Range {
            since: query.parsed("since", "a day such as 2026-11-01, or a length such as 30d")?,
            until: query.parsed("until", "a day such as 2026-11-30")?,
            zone: reader.visit.site.0.options.zone,
        },
        tables: table.into_iter().collect(),
        owners: query.word("owner")?.into_iter().collect(),
        severities: severity.into_iter().collect(),
    };
    let report = match page::load(connection, &selection) {
        Err(error @ Error::NoRange { .. }) => return Err(Trouble::Bad(error.to_string())),
        report => report?,
    };
    let mut html = Html::new();
    page::write(&mut html, &report, true)?;
    html.put(
        "<section class=\"part\"><h2>Show something else</h2><form class=\"filters\">",
        &[],
    );
    choice(&mut html, query, "since", "Range", &RANGES);
    text_filter(&mut html, query, "table", "Table");
    text_filter(&mut html, query, "owner", "Owner");
    choice(&mut html, query, "severity", "Severity", &SEVERITIES);
    html.put(
        "<button class=\"second\">Show</button></form></section>\n",
        &[],
    );
    let mut shown = Page::new("Data quality", "/", html).about(&report.dashboard.database);
    page::when(&mut shown.aside, &report.dashboard, &report.only);
    Ok(shown)
}
