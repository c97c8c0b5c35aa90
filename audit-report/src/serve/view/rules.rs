//! Rules in force.

use audit_schema::browse::{self, FindingFilter, Rule, RuleFilter};
use chrono::TimeDelta;
use diesel::PgConnection;

use super::super::visit::{Page, Reader, Trouble};
use super::{
    SEVERITIES, choice, fact, findings, is_more, kept, pages, severity_asked, short, text_filter,
    tick,
};
use crate::format::{count, duration, percent, thousands};
use crate::page::{Html, severity};

pub(in super::super) fn list(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let query = reader.query();
    let filter = RuleFilter {
        text: query.word("q")?,
        table_id: query.parsed("table", "the number of a table")?,
        owner: query.word("owner")?,
        severity: severity_asked(reader)?,
        failing: query.is_on("failing"),
        overdue: query.is_on("overdue"),
    };
    let page = reader.page()?;
    let listed = browse::rules(connection, &filter, page)?;
    let mut html = Html::new();
    html.put("<form class=\"filters\">", &[]);
    text_filter(&mut html, query, "q", "Rule, table, owner or reason");
    text_filter(&mut html, query, "owner", "Owner");
    choice(&mut html, query, "severity", "Severity", &SEVERITIES);
    tick(&mut html, query, "failing", "only failing");
    tick(&mut html, query, "overdue", "only overdue");
    kept(&mut html, query, "table");
    html.put("<button class=\"second\">Filter</button></form>\n", &[]);
    if listed.rows.is_empty() {
        html.put("<p class=\"empty\">No rule is like that.</p>\n", &[]);
    } else {
        table(&mut html, reader, &listed.rows, true);
    }
    pages(
        &mut html,
        reader.visit,
        page.number,
        is_more(page.number, listed.total),
        Some(listed.total),
    );
    Ok(Page::new("Rules", "/rules", html).about(count(listed.total, "rule", "rules")))
}

/// Rules, one a line.
pub(super) fn table(html: &mut Html, reader: &Reader<'_>, rules: &[Rule], tables: bool) {
    if rules.is_empty() {
        html.put("<p class=\"empty\">No rules are declared.</p>\n", &[]);
        return;
    }
    html.put(
        "<table class=\"stacked\"><thead><tr><th scope=\"col\">rule</th><th scope=\"col\">severity</th>\
         <th scope=\"col\" class=\"n\">failing now</th><th scope=\"col\" class=\"n\">overdue</th>\
         <th scope=\"col\">last failed</th><th scope=\"col\">owner</th></tr></thead><tbody>\n",
        &[],
    );
    for rule in rules {
        html.put(
            "<tr><th scope=\"row\"><a href=\"/rules/{}\">{}</a><span class=\"sub\">{}{}</span></th><td>",
            &[
                &rule.rule_id,
                &rule.name,
                &if tables {
                    format!("{} · ", short(&rule.table))
                } else {
                    String::new()
                },
                &rule.says(),
            ],
        );
        severity(html, &rule.severity);
        html.put(
            "</td><td class=\"n\" data-label=\"failing now\">{}",
            &[&thousands(rule.failing)],
        );
        if rule.failing > 0 {
            html.put("<span class=\"sub\">{}</span>", &[&share(rule)]);
        }
        html.put("</td><td class=\"n\" data-label=\"overdue\">", &[]);
        if rule.overdue > 0 {
            html.put("{}", &[&thousands(rule.overdue)]);
        }
        html.put(
            "</td><td class=\"t\" data-label=\"last failed\">{}</td><td data-label=\"owner\">{}</td></tr>\n",
            &[
                &rule
                    .last_failed
                    .map(|hour| {
                        hour.with_timezone(&reader.zone)
                            .format("%-d %b %Y %H:00")
                            .to_string()
                    })
                    .unwrap_or_default(),
                &rule.owner,
            ],
        );
    }
    html.put("</tbody></table>\n", &[]);
}

fn share(rule: &Rule) -> String {
    let share = if rule.rows > 0 {
        rule.failing as f64 / rule.rows as f64
    } else {
        0.0
    };
    let what = if rule.time_driven { "groups" } else { "rows" };
    format!("{} of {} {what}", percent(share), thousands(rule.rows))
}

pub(in super::super) fn show(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let rule = browse::rule(connection, reader.number()?)?.ok_or(Trouble::NotFound)?;
    let page = reader.page()?;
    let filter = FindingFilter {
        rule_id: Some(rule.rule_id),
        ..FindingFilter::default()
    };
    let (found, more) = browse::findings(connection, &filter, page)?;
    let mut html = Html::new();
    if let Some(broken) = &rule.broken {
        html.put(
            "<div class=\"notice tone-important\"><h2>It can not be evaluated at present</h2><p>{}</p></div>\n",
            &[broken],
        );
    }
    html.put("<dl class=\"facts\"><div><dt>severity</dt><dd>", &[]);
    severity(&mut html, &rule.severity);
    html.put("</dd></div>", &[]);
    fact(
        &mut html,
        "failing now",
        &if rule.failing > 0 {
            format!("{} ({})", thousands(rule.failing), share(&rule))
        } else {
            "0".to_owned()
        },
    );
    if rule.overdue > 0 {
        fact(&mut html, "overdue, at least", &thousands(rule.overdue));
    }
    fact(
        &mut html,
        "a failing row is",
        &match (rule.shadow, rule.action.as_str()) {
            (true, _) => "only counted: the rule is on trial",
            (_, "reject") => "refused",
            (_, "quarantine") => "set aside",
            _ => "written and flagged",
        },
    );
    fact(
        &mut html,
        "to be fixed within",
        &rule
            .fix_within
            .map(|seconds| duration(TimeDelta::milliseconds((seconds * 1000.0) as i64)))
            .unwrap_or_else(|| "no time is set".to_owned()),
    );
    fact(&mut html, "owner", &rule.owner);
    fact(
        &mut html,
        "only where",
        &rule.condition.clone().unwrap_or_default(),
    );
    for (name, at) in [
        ("first failed", rule.first_failed),
        ("last failed", rule.last_failed),
    ] {
        if let Some(at) = at {
            fact(
                &mut html,
                name,
                &at.with_timezone(&reader.zone).format("%-d %b %Y %H:00"),
            );
        }
    }
    if rule.errors > 0 {
        fact(
            &mut html,
            "could not be evaluated",
            &count(rule.errors, "time", "times"),
        );
    }
    html.put(
        "</dl>\n<ul class=\"pages\"><li><a href=\"/alerts?rule={}&amp;resolved=on\">Alerts of this rule</a></li>\
         <li><a href=\"/quarantine?rule={}\">Rows that it set aside</a></li></ul>\n",
        &[&rule.rule_id, &rule.rule_id],
    );
    html.put(
        "<section class=\"part\"><h2>Findings, newest first</h2>\n",
        &[],
    );
    findings::table(&mut html, reader, &found, false);
    pages(&mut html, reader.visit, page.number, more, None);
    html.put("</section>\n", &[]);
    let says = rule.says();
    let about = if rule.why.is_empty() {
        says
    } else {
        format!("{says}. {}", rule.why)
    };
    Ok(Page::new(&rule.name, "/rules", html)
        .under("/tables", "Tables")
        .under(format!("/tables/{}", rule.table_id), short(&rule.table))
        .about(about))
}
