//! One search over everything that has a name.

use audit_schema::browse::{self, HitKind};
use diesel::PgConnection;

use super::super::visit::{Page, Reader, Trouble};
use super::short;
use crate::page::{Html, part_of_address, severity};

/// How many of each kind are shown; the list of the kind has the rest.
const MOST: i64 = 20;

const KINDS: [(HitKind, &str); 5] = [
    (HitKind::Table, "Tables"),
    (HitKind::Rule, "Rules"),
    (HitKind::Owner, "Owners"),
    (HitKind::Alert, "Alerts"),
    (HitKind::Finding, "Findings of a row"),
];

pub(in super::super) fn show(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let mut html = Html::new();
    let Some(text) = reader.query().word("q")? else {
        html.put(
            "<p class=\"empty\">Type the name of a table, a rule, an owner or an alert policy, or the primary key of a row.</p>\n",
            &[],
        );
        return Ok(Page::new("Search", "/search", html));
    };
    let hits = browse::search(connection, &text, MOST)?;
    if hits.is_empty() {
        html.put("<p class=\"empty\">Nothing is called “{}”.</p>\n", &[&text]);
    }
    for (kind, heading) in KINDS {
        let found: Vec<_> = hits.iter().filter(|hit| hit.kind == kind).collect();
        if found.is_empty() {
            continue;
        }
        html.put(
            "<section class=\"part\"><h2>{}</h2><table class=\"stacked\"><tbody>\n",
            &[&heading],
        );
        for hit in found {
            let address = match kind {
                HitKind::Table => format!("/tables/{}", hit.id),
                HitKind::Rule => format!("/rules/{}", hit.id),
                HitKind::Owner => format!("/rules?owner={}", part_of_address(&hit.id)),
                HitKind::Alert => format!("/alerts/{}", hit.id),
                HitKind::Finding => format!("/findings/{}", hit.id),
            };
            html.put(
                "<tr><th scope=\"row\"><a href=\"{}\">{}</a></th><td>{}</td><td>",
                &[&address, &short(&hit.name), &hit.about],
            );
            if let Some(name) = &hit.severity {
                severity(&mut html, name);
            }
            html.put("</td></tr>\n", &[]);
        }
        html.put("</tbody></table></section>\n", &[]);
    }
    Ok(Page::new(format!("Search for “{text}”"), "/search", html))
}
