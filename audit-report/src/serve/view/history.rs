//! The history of a row.

use std::collections::BTreeSet;

use audit_core::RowChange;
use audit_schema::browse;
use diesel::PgConnection;
use serde_json::{Map, Value};

use super::super::visit::{Page, Reader, Trouble};
use super::{short, value};
use crate::format::count;
use crate::page::Html;

/// As many versions as a page shows; a row that changed more often is read with `audit history`.
const MOST: usize = 200;

pub(in super::super) fn show(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let table = browse::table(connection, reader.number()?)?.ok_or(Trouble::NotFound)?;
    let Some(key) = reader.query().exact("key").filter(|key| !key.is_empty()) else {
        return Err(Trouble::Bad(
            "`key` is missing: the primary key of a row".to_owned(),
        ));
    };
    if !reader.rights.read_history {
        return Err(Trouble::Forbidden(format!(
            "The role {} may not read the history of rows (execute on audit.history).",
            reader.rights.role
        )));
    }
    if !table.has_key {
        return Err(Trouble::Bad(
            "The table has no primary key, so its rows can not be told apart.".to_owned(),
        ));
    }
    if key.contains('\0') {
        return Err(Trouble::NotFound);
    }
    let versions = audit_schema::history(connection, &table.relation, key)?;
    let mut html = Html::new();
    if versions.is_empty() {
        html.put(
            "<p class=\"empty\">The log knows no row with this key. It begins when the table was first watched, {}.</p>\n",
            &[&reader.time(table.watched_at)],
        );
    }
    if versions.len() > MOST {
        html.put(
            "<p class=\"soft\">The newest {} of {} versions.</p>\n",
            &[&MOST, &versions.len()],
        );
    }
    html.put("<ol class=\"steps\" reversed>\n", &[]);
    for (number, change) in versions.iter().enumerate().rev().take(MOST) {
        version(&mut html, reader, number, change);
    }
    html.put("</ol>\n", &[]);
    let about = count(
        i64::try_from(versions.len()).unwrap_or(i64::MAX),
        "version, newest first",
        "versions, newest first",
    );
    Ok(
        Page::new(format!("{} {key}", short(&table.name)), "/tables", html)
            .under("/tables", "Tables")
            .under(format!("/tables/{}", table.table_id), short(&table.name))
            .about(about),
    )
}

fn version(html: &mut Html, reader: &Reader<'_>, number: usize, change: &RowChange) {
    html.put(
        "<li><h2>{} <span class=\"soft\">{} by {}</span></h2><p class=\"quiet\">transaction {}, log position {}{}{}{}</p>\n",
        &[
            &reader.time(change.time()),
            &change.op,
            &change.author.name(),
            &change.xid,
            &change.lsn,
            &change.cause.as_ref().map(|cause| format!(", written by the pipeline for {cause}")).unwrap_or_default(),
            &change.author.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default(),
            &if change.sealed { ", sealed" } else { "" },
        ],
    );
    let nothing = Map::new();
    let (old, new) = (
        change.old.as_ref().unwrap_or(&nothing),
        change.new.as_ref().unwrap_or(&nothing),
    );
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let both = change.old.is_some() && change.new.is_some();
    let mut same = 0;
    html.put("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Version {}\"><table class=\"values\"><thead><tr><th scope=\"col\">column</th>", &[&(number + 1)]);
    if change.old.is_some() {
        html.put("<th scope=\"col\">before</th>", &[]);
    }
    if change.new.is_some() {
        html.put("<th scope=\"col\">after</th>", &[]);
    }
    html.put("</tr></thead><tbody>\n", &[]);
    for name in names {
        let (before, after) = (old.get(name), new.get(name));
        if both && before == after {
            same += 1;
            continue;
        }
        html.put("<tr><th scope=\"row\">{}</th>", &[name]);
        if change.old.is_some() {
            cell(html, "was", before);
        }
        if change.new.is_some() {
            cell(html, if both { "changed" } else { "" }, after);
        }
        html.put("</tr>\n", &[]);
    }
    html.put("</tbody></table></div>", &[]);
    if same > 0 {
        html.put(
            "<p class=\"quiet\">{} did not change</p>",
            &[&count(same, "column", "columns")],
        );
    }
    html.put("</li>\n", &[]);
}

fn cell(html: &mut Html, class: &'static str, field: Option<&Value>) {
    html.put("<td>", &[]);
    if let Some(field) = field {
        value(html, class, field);
    }
    html.put("</td>", &[]);
}
