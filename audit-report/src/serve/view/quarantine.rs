//! Rows in quarantine, and the forms with which people release, edit and discard them.

use audit_schema::browse::{self, HeldFilter};
use audit_schema::quarantine::{self, Shown};
use chrono::TimeDelta;
use diesel::PgConnection;
use serde_json::Value;

use super::super::session::Session;
use super::super::visit::{Page, Reader, Trouble};
use super::{
    choice, fact, is_more, kept, pages, plain, row, row_address, secret, short, text_filter,
};
use crate::format::{count, duration};
use crate::page::{Html, is_kept, severity};

const STATES: [(&str, &str); 4] = [
    ("", "waiting"),
    ("released", "released"),
    ("discarded", "discarded"),
    ("all", "all"),
];

pub(in super::super) fn list(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let query = reader.query();
    let state = match query.word("state")?.as_deref() {
        None | Some("held") => Some("held".to_owned()),
        Some("all") => None,
        Some(known @ ("released" | "discarded")) => Some(known.to_owned()),
        Some(other) => {
            return Err(Trouble::Bad(format!(
                "`state` is `{other}`; expected held, released, discarded or all"
            )));
        }
    };
    let filter = HeldFilter {
        table_id: query.parsed("table", "the number of a table")?,
        rule_id: query.parsed("rule", "the number of a rule")?,
        owner: query.word("owner")?,
        state,
    };
    let page = reader.page()?;
    let listed = browse::held(connection, &filter, page)?;
    let mut html = Html::new();
    html.put("<form class=\"filters\">", &[]);
    text_filter(&mut html, query, "owner", "Owner");
    choice(&mut html, query, "state", "State", &STATES);
    kept(&mut html, query, "table");
    kept(&mut html, query, "rule");
    html.put("<button class=\"second\">Filter</button></form>\n", &[]);
    if listed.rows.is_empty() {
        html.put("<p class=\"empty\">No row is in quarantine.</p>\n", &[]);
    } else {
        html.put(
            "<table class=\"stacked\"><thead><tr><th scope=\"col\">row</th><th scope=\"col\">because of</th><th scope=\"col\">severity</th>\
             <th scope=\"col\">since</th><th scope=\"col\">to be seen to by</th><th scope=\"col\">owner</th></tr></thead><tbody>\n",
            &[],
        );
        for held in &listed.rows {
            html.put(
                "<tr><th scope=\"row\"><a href=\"/quarantine/{}\">{} {}</a><span class=\"sub\">{}</span></th><td data-label=\"because of\">{}</td><td>",
                &[
                    &held.quarantine_id,
                    &short(&held.table),
                    &held.key,
                    &if held.state == "held" { format!("written by {}", held.writer) } else { held.state.clone() },
                    &held.rules.join(", "),
                ],
            );
            severity(&mut html, &held.severity);
            html.put(
                "</td><td class=\"t\" data-label=\"since\">{}<span class=\"sub\">{} ago</span></td><td class=\"t\" data-label=\"by\">{}</td><td data-label=\"owner\">{}</td></tr>\n",
                &[
                    &reader.time(held.since),
                    &duration(TimeDelta::seconds(held.age as i64)),
                    &held.fix_by.map(|at| reader.time(at)).unwrap_or_default(),
                    &held.owner,
                ],
            );
        }
        html.put("</tbody></table>\n", &[]);
    }
    pages(
        &mut html,
        reader.visit,
        page.number,
        is_more(page.number, listed.total),
        Some(listed.total),
    );
    Ok(Page::new("Quarantine", "/quarantine", html).about(format!(
        "{} set aside or hidden until somebody releases, edits or discards them.",
        count(listed.total, "row", "rows")
    )))
}

pub(in super::super) fn show(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let id = reader.identity()?;
    if !reader.rights.read_held {
        return Err(Trouble::Forbidden(format!(
            "The role {} may not read the contents of rows in quarantine (select on audit.quarantined_row).",
            reader.rights.role
        )));
    }
    let shown = match quarantine::show(connection, &id.to_string()) {
        Err(audit_schema::Error::NoSuchRow { .. }) => return Err(Trouble::NotFound),
        shown => shown?,
    };
    let held = &shown.held;
    let mut html = Html::new();
    html.put("<dl class=\"facts\"><div><dt>severity</dt><dd>", &[]);
    severity(&mut html, &held.severity);
    html.put("</dd></div>", &[]);
    fact(
        &mut html,
        "state",
        &match held.state.as_str() {
            "held" => "waits",
            other => other,
        },
    );
    fact(&mut html, "because of", &held.rules.join(", "));
    fact(&mut html, "since", &reader.time(held.since));
    if let Some(at) = held.fix_by {
        fact(&mut html, "to be seen to by", &reader.time(at));
    }
    fact(&mut html, "owner", &held.owner);
    fact(&mut html, "written by", &held.writer);
    html.put("</dl>\n", &[]);
    if let Some(table) = table_of(connection, &held.table)?
        && reader.rights.read_history
    {
        html.put(
            "<p class=\"pages\"><a href=\"{}\">History of this row</a></p>\n",
            &[&row_address(table, &held.key)],
        );
    }
    let acting = reader
        .visit
        .session
        .as_ref()
        .filter(|_| held.state == "held" && reader.rights.act_on_quarantine);
    match acting {
        Some(session) => forms(&mut html, &id.to_string(), &shown, session),
        None => {
            html.put("<section class=\"part\"><h2>The row</h2>\n", &[]);
            row(&mut html, "As it was written, or edited since", &shown.row);
            html.put("</section>\n", &[]);
        }
    }
    if let Some(restored) = &shown.restored {
        html.put("<section class=\"part\"><h2>In the table</h2>\n", &[]);
        row(&mut html, "The version that readers see", restored);
        html.put("</section>\n", &[]);
    }
    events(&mut html, reader, &shown);
    Ok(Page::new(
        format!("{} {}", short(&held.table), held.key),
        "/quarantine",
        html,
    )
    .under("/quarantine", "Quarantine"))
}

fn table_of(connection: &mut PgConnection, name: &str) -> Result<Option<i32>, Trouble> {
    Ok(audit_schema::inspect::watched_table(connection, name)?.map(|table| table.table_id))
}

fn events(html: &mut Html, reader: &Reader<'_>, shown: &Shown) {
    if shown.events.is_empty() {
        return;
    }
    html.put(
        "<section class=\"part\"><h2>What was done</h2><ol class=\"steps\">\n",
        &[],
    );
    for event in &shown.events {
        html.put(
            "<li><strong>{}</strong> {} by {}",
            &[&reader.time(event.at), &event.kind, &event.author.name()],
        );
        if let Some(reason) = &event.reason {
            html.put("<p class=\"soft\">“{}”</p>", &[reason]);
        }
        for (name, new) in event.new.iter().flatten() {
            html.put("<p>{} ", &[name]);
            if let Some(old) = event.old.as_ref().and_then(|old| old.get(name)) {
                super::value(html, "was", old);
            }
            html.put(" → ", &[]);
            super::value(html, "changed", new);
            html.put("</p>", &[]);
        }
        for reason in &event.reasons {
            html.put(
                "<p class=\"soft\">{}: {}</p>",
                &[&reason.name, &reason.message],
            );
        }
        html.put("</li>\n", &[]);
    }
    html.put("</ol></section>\n", &[]);
}

/// The longest value that can be edited here. One with letters that a page does not show can not be, either: the form
/// would give back something else.
const LONGEST_FIELD: usize = 10_000;

fn forms(html: &mut Html, id: &str, shown: &Shown, session: &Session) {
    html.put(
        "<section class=\"part\"><h2>The row</h2>\n<form method=\"post\" action=\"/quarantine/{}/edit\">",
        &[&id],
    );
    secret(html, session);
    html.put(
        "<table class=\"stacked\"><thead><tr><th scope=\"col\">column</th><th scope=\"col\">value</th><th scope=\"col\">null</th></tr></thead><tbody>\n",
        &[],
    );
    for (place, (name, field)) in shown.row.iter().enumerate() {
        html.put(
            "<tr><th scope=\"row\"><label for=\"f{}\">{}</label></th>",
            &[&place, name],
        );
        let text = if field.is_null() {
            String::new()
        } else {
            plain(field)
        };
        if text.len() > LONGEST_FIELD || !is_kept(&text) || !is_kept(name) {
            html.put("<td>", &[]);
            super::value(html, "", field);
            html.put("</td><td></td></tr>\n", &[]);
            continue;
        }
        let lines = text.lines().count().clamp(1, 12);
        html.put(
            "<td><input type=\"hidden\" name=\"n{}\" value=\"{}\"><textarea hidden aria-label=\"{} before\" name=\"w{}\">\n",
            &[&place, name, name, &place],
        )
        .lines(&text)
        .put(
            "</textarea><textarea id=\"f{}\" name=\"f{}\" rows=\"{}\">\n",
            &[&place, &place, &lines],
        )
        .lines(&text)
        .put("</textarea></td><td>", &[]);
        if field.is_null() {
            html.put(
                "<input type=\"hidden\" name=\"z{}\" value=\"on\">",
                &[&place],
            );
        }
        let checked = if matches!(field, Value::Null) {
            " checked"
        } else {
            ""
        };
        html.put(
            "<label class=\"check\"><input type=\"checkbox\" name=\"o{}\" value=\"on\"",
            &[&place],
        )
        .drawn(checked)
        .put(
            "><span class=\"hidden\">{} is </span>null</label></td></tr>\n",
            &[name],
        );
    }
    html.put(
        "</tbody></table>\n<p class=\"filters\"><label>Why<br><input type=\"text\" name=\"reason\" maxlength=\"500\"></label> <button class=\"second\">Save the values</button></p></form></section>\n",
        &[],
    );
    html.put(
        "<section class=\"part\"><h2>Act on it</h2><div class=\"acts\">\n",
        &[],
    );
    html.put(
        "<form method=\"post\" action=\"/quarantine/{}/release\">",
        &[&id],
    );
    secret(html, session);
    html.put(
        "<p class=\"soft\">Put it into its table. Every rule and constraint is asked again.</p>\
         <label>Why<input type=\"text\" name=\"reason\" maxlength=\"500\"></label>\
         <label class=\"check\"><input type=\"checkbox\" name=\"overwrite\" value=\"on\">also if its row changed in the meantime</label>\
         <button>Release</button></form>\n<form method=\"post\" action=\"/quarantine/{}/discard\">",
        &[&id],
    );
    secret(html, session);
    html.put(
        "<p class=\"soft\">Throw it away. A reason is needed.</p>\
         <label>Why<input type=\"text\" name=\"reason\" maxlength=\"500\" required></label>\
         <button class=\"danger\">Discard</button></form>\n</div></section>\n",
        &[],
    );
}
