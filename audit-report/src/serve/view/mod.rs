//! What the pages look like.

pub(super) mod alerts;
pub(super) mod dashboard;
pub(super) mod findings;
pub(super) mod history;
pub(super) mod pipeline;
pub(super) mod quarantine;
pub(super) mod rules;
pub(super) mod search;
pub(super) mod sign_in;
pub(super) mod tables;
pub(super) mod trouble;

use serde_json::{Map, Value};

use super::form::Form;
use super::session::Session;
use super::visit::{Page, Reader, Visit};
use crate::page::{Html, Look, document, part_of_address};

/// How many things a page of a list has.
pub(super) const PAGE: i64 = 50;

/// Whoever turns so many pages searches better.
pub(super) const LAST_PAGE: i64 = 1_000;

/// The pages that every page leads to.
const PLACES: [(&str, &str); 7] = [
    ("/", "Dashboard"),
    ("/tables", "Tables"),
    ("/rules", "Rules"),
    ("/findings", "Findings"),
    ("/alerts", "Alerts"),
    ("/quarantine", "Quarantine"),
    ("/pipeline", "Pipeline"),
];

/// Puts the frame around a page. With a mark it keeps itself up to date.
pub(super) fn frame(visit: &Visit, page: &Page, mark: Option<&str>) -> String {
    let mut html = Html::new();
    html.put(
        "<header>\n<nav class=\"bar\" aria-label=\"Pages\">\n<ul>",
        &[],
    );
    for (address, name) in PLACES {
        let here = if address == page.place {
            " aria-current=\"page\""
        } else {
            ""
        };
        html.put("<li><a href=\"{}\"", &[&address])
            .drawn(here)
            .put(">{}</a></li>", &[&name]);
    }
    html.put("</ul>\n", &[]);
    if mark.is_some() {
        html.put(
            "<span id=\"live\" class=\"live\" role=\"status\">as of when it was loaded</span>\n",
            &[],
        );
    }
    html.put(
        "<form class=\"search\" action=\"/search\" role=\"search\"><label><span class=\"hidden\">Search</span>\
         <input type=\"search\" name=\"q\" placeholder=\"Search\" maxlength=\"200\" value=\"{}\"></label> \
         <button class=\"second\">Search</button></form>\n",
        &[&if page.place == "/search" {
            visit.query.get("q").unwrap_or_default()
        } else {
            ""
        }],
    );
    who(&mut html, visit);
    html.put("</nav>\n", &[]);
    if !page.crumbs.is_empty() {
        html.put(
            "<nav class=\"crumbs\" aria-label=\"The way here\"><ol>",
            &[],
        );
        for (address, name) in &page.crumbs {
            html.put("<li><a href=\"{}\">{}</a></li>", &[address, name]);
        }
        html.put("</ol></nav>\n", &[]);
    }
    html.put("<div class=\"head\">\n<div><h1>{}</h1>", &[&page.title]);
    if !page.about.is_empty() {
        html.put("<p class=\"soft\">{}</p>", &[&page.about]);
    }
    html.put("</div>\n", &[])
        .add(&page.aside)
        .put("</div>\n</header>\n", &[]);
    html.put("<main id=\"main\" tabindex=\"-1\"", &[]);
    if let Some(mark) = mark {
        html.put(" data-mark=\"{}\"", &[&mark]);
    }
    html.put(">\n", &[]);
    if let Some(done) = visit.query.get("done").and_then(done) {
        html.put(
            "<div class=\"notice tone-good\" role=\"status\">{}</div>\n",
            &[&done],
        );
    }
    html.add(&page.body).put("</main>\n", &[]);
    document(
        &format!("{} – Data quality", page.title),
        &Look::Served,
        &html,
    )
}

/// What was done, after a form was sent. The address only names it, so that nobody can put words there.
fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "acknowledged" => "✓ You took the alert on.",
        "snoozed" => "✓ The alert rests until the time that you gave.",
        "resolved" => "✓ The alert is resolved.",
        "edited" => "✓ The row has new values. Its rules are asked when it is released.",
        "unchanged" => "The row already had these values.",
        "released" => "✓ The row is released.",
        "discarded" => "✓ The row is discarded.",
        "signed-in" => "✓ You are signed in.",
        "signed-out" => "✓ You are signed out.",
        _ => return None,
    })
}

fn who(html: &mut Html, visit: &Visit) {
    if visit.site.0.options.token.is_none() {
        return;
    }
    match &visit.session {
        Some(session) => {
            html.put(
                "<div class=\"who\"><span>{}</span> <form method=\"post\" action=\"/sign-out\">",
                &[&session.name],
            );
            secret(html, session);
            html.put(
                "<button class=\"second\">Sign out</button></form></div>\n",
                &[],
            );
        }
        None => {
            html.put("<a href=\"/sign-in\">Sign in</a>\n", &[]);
        }
    }
}

/// What shows that a form was sent by a page of this session.
pub(super) fn secret(html: &mut Html, session: &Session) {
    html.put(
        "<input type=\"hidden\" name=\"secret\" value=\"{}\">",
        &[&session.secret],
    );
}

/// The links to the pages before and after.
fn pages(html: &mut Html, visit: &Visit, number: i64, more: bool, total: Option<i64>) {
    if number == 1 && !more {
        return;
    }
    html.put(
        "<nav class=\"pages\" aria-label=\"Pages of the list\">",
        &[],
    );
    if number > 1 {
        link_to_page(html, visit, number - 1, "prev", "‹ Previous");
    }
    html.put("<span>Page {}", &[&number]);
    if let Some(total) = total {
        html.put(
            " of {}",
            &[&crate::format::thousands((total + PAGE - 1) / PAGE)],
        );
    }
    html.put("</span>", &[]);
    if more && number < LAST_PAGE {
        link_to_page(html, visit, number + 1, "next", "Next ›");
    }
    html.put("</nav>\n", &[]);
}

fn link_to_page(
    html: &mut Html,
    visit: &Visit,
    number: i64,
    rel: &'static str,
    name: &'static str,
) {
    let query = visit.query.with("page", &number.to_string());
    html.put(
        "<a rel=\"{}\" href=\"{}?{}\">{}</a>",
        &[&rel, &visit.path, &query, &name],
    );
}

/// Whether there are more on the pages after this one.
fn is_more(number: i64, total: i64) -> bool {
    number * PAGE < total
}

/// A field of a filter in which one types.
fn text_filter(html: &mut Html, form: &Form, name: &'static str, label: &'static str) {
    html.put(
        "<label>{}<br><input type=\"text\" name=\"{}\" maxlength=\"200\" value=\"{}\"></label>",
        &[&label, &name, &form.get(name).unwrap_or_default()],
    );
}

/// A field of a filter in which one chooses.
fn choice(
    html: &mut Html,
    form: &Form,
    name: &'static str,
    label: &'static str,
    choices: &[(&'static str, &'static str)],
) {
    html.put("<label>{}<br><select name=\"{}\">", &[&label, &name]);
    let chosen = form.get(name).unwrap_or_default();
    for (value, words) in choices {
        let selected = if *value == chosen { " selected" } else { "" };
        html.put("<option value=\"{}\"", &[value])
            .drawn(selected)
            .put(">{}</option>", &[words]);
    }
    html.put("</select></label>", &[]);
}

const SEVERITIES: [(&str, &str); 5] = [
    ("", "every severity"),
    ("critical", "▲ critical"),
    ("important", "◆ important"),
    ("normal", "● normal"),
    ("low", "○ low"),
];

/// A box to tick.
fn tick(html: &mut Html, form: &Form, name: &'static str, label: &'static str) {
    let checked = if form.is_on(name) { " checked" } else { "" };
    html.put(
        "<label class=\"check\"><input type=\"checkbox\" name=\"{}\" value=\"on\"",
        &[&name],
    )
    .drawn(checked)
    .put(">{}</label>", &[&label]);
}

/// What a filter holds that no field of it shows, such as the table whose rules are listed.
fn kept(html: &mut Html, form: &Form, name: &'static str) {
    if let Some(value) = form.get(name) {
        html.put(
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            &[&name, &value],
        );
    }
}

/// A severity that is asked for.
fn severity_asked(reader: &Reader<'_>) -> Result<Option<String>, super::visit::Trouble> {
    let severity: Option<audit_core::Severity> = reader
        .query()
        .parsed("severity", "critical, important, normal or low")?;
    Ok(severity.map(|severity| severity.name().to_owned()))
}

/// One fact: what it is called, and what it is.
fn fact(html: &mut Html, name: &'static str, value: &dyn std::fmt::Display) {
    let value = value.to_string();
    if !value.is_empty() {
        html.put("<div><dt>{}</dt><dd>", &[&name])
            .lines(&value)
            .put("</dd></div>", &[]);
    }
}

/// The address of the history of a row.
fn row_address(table_id: i32, key: &str) -> String {
    format!("/tables/{table_id}/row?key={}", part_of_address(key))
}

/// A table without the schema that says nothing.
fn short(table: &str) -> &str {
    table.strip_prefix("public.").unwrap_or(table)
}

/// A value of a row as a person reads it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The longest value that is shown whole.
const LONGEST_VALUE: usize = 2_000;

/// Writes a value as it is, shortened where it is endless.
fn value(html: &mut Html, class: &'static str, value: &Value) {
    let text = plain(value);
    html.put("<span class=\"value {}\">", &[&class]);
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => html.lines(&text[..end]).put(
            "… ({} letters)",
            &[&crate::format::thousands(
                i64::try_from(text.chars().count()).unwrap_or(i64::MAX),
            )],
        ),
        None => html.lines(&text),
    };
    html.put("</span>", &[]);
}

/// A row as a table of its columns.
fn row(html: &mut Html, caption: &str, fields: &Map<String, Value>) {
    html.put(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table class=\"values\"><caption>{}</caption>\
         <thead><tr><th scope=\"col\">column</th><th scope=\"col\">value</th></tr></thead><tbody>",
        &[&caption, &caption],
    );
    for (name, field) in fields {
        html.put("<tr><th scope=\"row\">{}</th><td>", &[name]);
        value(html, "", field);
        html.put("</td></tr>\n", &[]);
    }
    html.put("</tbody></table></div>\n", &[]);
}

/// A bar for a share, in the colour of a severity or none.
fn meter(html: &mut Html, share: f64, tone: &str) {
    html.put(
        "<svg class=\"meter\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"all\" width=\"100\" height=\"6\"/><rect class=\"part {}\" width=\"{}\" height=\"6\"/></svg>",
        &[&tone, &format!("{:.2}", (share * 100.0).clamp(0.0, 100.0))],
    );
}
