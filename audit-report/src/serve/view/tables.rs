//! Watched tables.

use audit_schema::browse::{self, RuleFilter, Table, TableFilter};
use diesel::PgConnection;

use super::super::visit::{Page, Reader, Trouble};
use super::{fact, is_more, pages, rules, short, text_filter, tick};
use crate::format::{count, percent, thousands};
use crate::page::Html;
use crate::page::part_of_address;

pub(in super::super) fn list(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let query = reader.query();
    let filter = TableFilter {
        text: query.word("q")?,
        owner: query.word("owner")?,
        failing: query.is_on("failing"),
    };
    let page = reader.page()?;
    let listed = browse::tables(connection, &filter, page)?;
    let mut html = Html::new();
    html.put("<form class=\"filters\">", &[]);
    text_filter(&mut html, query, "q", "Name, owner or reason");
    text_filter(&mut html, query, "owner", "Owner");
    tick(&mut html, query, "failing", "only with failures");
    html.put("<button class=\"second\">Filter</button></form>\n", &[]);
    if listed.rows.is_empty() {
        html.put(
            "<p class=\"empty\">No watched table is like that.</p>\n",
            &[],
        );
    } else {
        html.put(
            "<table class=\"stacked\"><thead><tr><th scope=\"col\">table</th><th scope=\"col\" class=\"n\">rows</th>\
             <th scope=\"col\">passing every rule</th><th scope=\"col\" class=\"n\">failures</th><th scope=\"col\" class=\"n\">failing rules</th>\
             <th scope=\"col\" class=\"n\">set aside</th><th scope=\"col\" class=\"n\">open alerts</th><th scope=\"col\">owner</th></tr></thead><tbody>\n",
            &[],
        );
        for table in &listed.rows {
            line(&mut html, table);
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
    Ok(Page::new("Tables", "/tables", html).about(count(
        listed.total,
        "watched table",
        "watched tables",
    )))
}

fn line(html: &mut Html, table: &Table) {
    html.put(
        "<tr><th scope=\"row\"><a href=\"/tables/{}\">{}</a></th><td class=\"n\" data-label=\"rows\">{}</td><td data-label=\"passing\">",
        &[&table.table_id, &short(&table.name), &thousands(table.rows)],
    );
    if let Some(share) = table.at_least {
        html.put("{}", &[&quality(table)]);
        super::meter(html, share, "");
    }
    html.put(
        "</td><td class=\"n\" data-label=\"failures\">{}</td><td class=\"n\" data-label=\"failing rules\">{} of {}</td>\
         <td class=\"n\" data-label=\"set aside\">{}</td><td class=\"n\" data-label=\"open alerts\">{}</td><td data-label=\"owner\">{}</td></tr>\n",
        &[
            &thousands(table.failures),
            &thousands(table.failing_rules),
            &thousands(table.rules),
            &thousands(table.held),
            &thousands(table.open_alerts),
            &table.owner,
        ],
    );
}

fn quality(table: &Table) -> String {
    match (table.at_least, table.at_most) {
        (Some(least), Some(most)) if (most - least).abs() < 0.000_5 => percent(least),
        (Some(least), Some(most)) => format!("{} to {}", percent(least), percent(most)),
        _ => "no rows yet".to_owned(),
    }
}

pub(in super::super) fn show(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let table = browse::table(connection, reader.number()?)?.ok_or(Trouble::NotFound)?;
    let page = reader.page()?;
    let filter = RuleFilter {
        table_id: Some(table.table_id),
        ..RuleFilter::default()
    };
    let listed = browse::rules(connection, &filter, page)?;
    let mut html = Html::new();
    html.put("<dl class=\"facts\">", &[]);
    fact(&mut html, "rows", &thousands(table.rows));
    fact(&mut html, "pass every rule", &quality(&table));
    fact(&mut html, "failures", &thousands(table.failures));
    fact(&mut html, "owner", &table.owner);
    fact(&mut html, "watched since", &reader.time(table.watched_at));
    if let Some(at) = table.written_at {
        fact(&mut html, "last written", &reader.time(at));
    }
    html.put("</dl>\n<ul class=\"pages\">", &[]);
    html.put(
        "<li><a href=\"/?table={}\">Charts of this table</a></li><li><a href=\"/findings?table={}\">Findings</a></li>\
         <li><a href=\"/alerts?table={}\">{}</a></li><li><a href=\"/quarantine?table={}\">{} set aside</a></li></ul>\n",
        &[
            &part_of_address(&table.name),
            &table.table_id,
            &table.table_id,
            &count(table.open_alerts, "open alert", "open alerts"),
            &table.table_id,
            &count(table.held, "row", "rows"),
        ],
    );
    if table.has_key && reader.rights.read_history {
        html.put(
            "<section class=\"part\"><h2>History of a row</h2><form class=\"filters\" action=\"/tables/{}/row\">\
             <label>Primary key<br><input type=\"text\" name=\"key\" required maxlength=\"1000\"></label>\
             <button class=\"second\">Show</button></form></section>\n",
            &[&table.table_id],
        );
    }
    html.put(
        "<section class=\"part\"><h2>{}</h2>\n",
        &[&count(listed.total, "rule", "rules")],
    );
    rules::table(&mut html, reader, &listed.rows, false);
    pages(
        &mut html,
        reader.visit,
        page.number,
        is_more(page.number, listed.total),
        Some(listed.total),
    );
    html.put("</section>\n", &[]);
    Ok(Page::new(short(&table.name), "/tables", html)
        .under("/tables", "Tables")
        .about(table.why))
}
