//! Findings.

use audit_core::Op;
use audit_schema::browse::{self, FindingFilter, Found};
use diesel::PgConnection;
use serde_json::Value;

use super::super::visit::{Page, Reader, Trouble};
use super::{
    SEVERITIES, choice, fact, kept, pages, row, row_address, severity_asked, short, text_filter,
};
use crate::format::{count, thousands};
use crate::page::{Html, severity};

pub(in super::super) fn list(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let query = reader.query();
    let filter = FindingFilter {
        table_id: query.parsed("table", "the number of a table")?,
        rule_id: query.parsed("rule", "the number of a rule")?,
        severity: severity_asked(reader)?,
        owner: query.word("owner")?,
    };
    let page = reader.page()?;
    let (found, more) = browse::findings(connection, &filter, page)?;
    let mut html = Html::new();
    html.put("<form class=\"filters\">", &[]);
    text_filter(&mut html, query, "owner", "Owner");
    choice(&mut html, query, "severity", "Severity", &SEVERITIES);
    kept(&mut html, query, "table");
    kept(&mut html, query, "rule");
    html.put("<button class=\"second\">Filter</button></form>\n", &[]);
    table(&mut html, reader, &found, true);
    pages(&mut html, reader.visit, page.number, more, None);
    Ok(Page::new("Findings", "/findings", html)
        .about("What failed, newest first: one rule failed by one statement."))
}

/// Findings, one a line.
pub(super) fn table(html: &mut Html, reader: &Reader<'_>, found: &[Found], rules: bool) {
    if found.is_empty() {
        html.put("<p class=\"empty\">Nothing was found.</p>\n", &[]);
        return;
    }
    html.put(
        "<table class=\"stacked\"><thead><tr><th scope=\"col\">when</th><th scope=\"col\">what</th><th scope=\"col\">severity</th>\
         <th scope=\"col\" class=\"n\">failed</th><th scope=\"col\">written by</th></tr></thead><tbody>\n",
        &[],
    );
    for finding in found {
        html.put(
            "<tr><th scope=\"row\" class=\"t\"><a href=\"/findings/{}\">{}</a></th><td>",
            &[&finding.finding_id, &reader.time(finding.at)],
        );
        if rules {
            rule_link(html, finding);
            html.put(
                "<span class=\"sub\">{} of {}</span>",
                &[&what(finding), &short(&finding.table)],
            );
        } else {
            html.put("{}", &[&what(finding)]);
        }
        html.put("</td><td>", &[]);
        severity(html, &finding.severity);
        html.put(
            "</td><td class=\"n\" data-label=\"failed\">{}</td><td data-label=\"by\">{}</td></tr>\n",
            &[
                &if finding.error.is_some() {
                    "error".to_owned()
                } else {
                    format!("{} of {}", thousands(finding.failed), thousands(finding.rows))
                },
                &finding.writer,
            ],
        );
    }
    html.put("</tbody></table>\n", &[]);
}

fn rule_link(html: &mut Html, finding: &Found) {
    if finding.in_force {
        html.put(
            "<a href=\"/rules/{}\">{}</a>",
            &[&finding.rule_id, &finding.rule],
        );
    } else {
        html.put(
            "{} <span class=\"sub\">no longer in force</span>",
            &[&finding.rule],
        );
    }
}

fn what(finding: &Found) -> String {
    let op = finding
        .op
        .as_deref()
        .and_then(|letter| Op::from_letter(letter).ok())
        .map_or("asked by the tick", Op::name);
    match finding.action.as_str() {
        "quarantine" => format!("{op}, set aside"),
        "reject" => format!("{op}, refused"),
        "shadow" => format!("{op}, on trial"),
        _ => format!("{op}, flagged"),
    }
}

pub(in super::super) fn show(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let (finding, contents) =
        browse::finding(connection, reader.identity()?, reader.rights.read_samples)?
            .ok_or(Trouble::NotFound)?;
    let mut html = Html::new();
    if let Some(error) = &finding.error {
        html.put(
            "<div class=\"notice tone-important\"><h2>The rule itself raised an error</h2><p>{}</p></div>\n",
            &[error],
        );
    }
    html.put("<dl class=\"facts\"><div><dt>severity</dt><dd>", &[]);
    severity(&mut html, &finding.severity);
    html.put("</dd></div><div><dt>rule</dt><dd>", &[]);
    rule_link(&mut html, &finding);
    html.put(
        "</dd></div><div><dt>table</dt><dd><a href=\"/tables/{}\">{}</a></dd></div>",
        &[&finding.table_id, &short(&finding.table)],
    );
    fact(&mut html, "what happened", &what(&finding));
    fact(
        &mut html,
        "failed",
        &format!(
            "{} of {}",
            thousands(finding.failed),
            count(finding.rows, "written row", "written rows")
        ),
    );
    fact(&mut html, "written by", &finding.writer);
    fact(
        &mut html,
        "request",
        &finding.request_id.clone().unwrap_or_default(),
    );
    fact(&mut html, "owner", &finding.owner);
    if let Some(at) = finding.fix_by {
        fact(&mut html, "to be fixed by", &reader.time(at));
    }
    html.put("</dl>\n", &[]);
    if !reader.rights.read_samples {
        html.put(
            "<div class=\"notice\"><h2>The rows are not shown</h2><p>The role {} may not read the contents of rows (select on audit.finding).</p></div>\n",
            &[&reader.rights.role],
        );
    }
    if !contents.keys.is_empty() {
        html.put("<section class=\"part\"><h2>Failing rows</h2><p class=\"soft\">The primary keys of the first of them; each leads to the history of its row.</p><ul class=\"pages\">\n", &[]);
        for key in &contents.keys {
            if reader.rights.read_history {
                html.put(
                    "<li><a class=\"value\" href=\"{}\">{}</a></li>",
                    &[&row_address(finding.table_id, key), key],
                );
            } else {
                html.put("<li class=\"value\">{}</li>", &[key]);
            }
        }
        html.put("</ul></section>\n", &[]);
    }
    let samples = match contents.samples {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(rows)) => rows,
        Some(only) => vec![only],
    };
    if !samples.is_empty() {
        html.put(
            "<section class=\"part\"><h2>Samples, as they were written</h2>\n",
            &[],
        );
        for (place, sample) in samples.iter().enumerate() {
            match sample {
                Value::Object(fields) => row(&mut html, &format!("Sample {}", place + 1), fields),
                other => super::value(&mut html, "", other),
            }
        }
        html.put("</section>\n", &[]);
    }
    Ok(Page::new(
        format!("{} failed {}", finding.rule, reader.time(finding.at)),
        "/findings",
        html,
    )
    .under("/tables", "Tables")
    .under(
        format!("/tables/{}", finding.table_id),
        short(&finding.table),
    )
    .under(format!("/rules/{}", finding.rule_id), finding.rule))
}
