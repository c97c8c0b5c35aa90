//! Alerts, and the forms with which people act on them.

use audit_schema::alert;
use audit_schema::browse::{self, AlertFilter};
use diesel::PgConnection;

use super::super::visit::{Page, Reader, Trouble};
use super::{
    SEVERITIES, choice, fact, is_more, kept, pages, secret, severity_asked, short, text_filter,
    tick,
};
use crate::format::count;
use crate::page::{Html, severity};

const STATES: [&str; 4] = ["firing", "acknowledged", "snoozed", "resolved"];

pub(in super::super) fn list(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let query = reader.query();
    let state = query.word("state")?;
    if let Some(state) = state.as_deref().filter(|state| !STATES.contains(state)) {
        return Err(Trouble::Bad(format!(
            "`state` is `{state}`; expected one of {}",
            STATES.join(", ")
        )));
    }
    let filter = AlertFilter {
        text: query.word("q")?,
        resolved: query.is_on("resolved") || state.as_deref() == Some("resolved"),
        state,
        severity: severity_asked(reader)?,
        owner: query.word("owner")?,
        table_id: query.parsed("table", "the number of a table")?,
        rule_id: query.parsed("rule", "the number of a rule")?,
    };
    let page = reader.page()?;
    let listed = browse::alerts(connection, &filter, page)?;
    let mut html = Html::new();
    html.put("<form class=\"filters\">", &[]);
    text_filter(&mut html, query, "q", "Policy, words or table");
    text_filter(&mut html, query, "owner", "Owner");
    choice(&mut html, query, "severity", "Severity", &SEVERITIES);
    choice(
        &mut html,
        query,
        "state",
        "State",
        &[
            ("", "every state"),
            ("firing", "firing"),
            ("acknowledged", "acknowledged"),
            ("snoozed", "snoozed"),
            ("resolved", "resolved"),
        ],
    );
    tick(&mut html, query, "resolved", "also resolved");
    kept(&mut html, query, "table");
    kept(&mut html, query, "rule");
    html.put("<button class=\"second\">Filter</button></form>\n", &[]);
    if listed.rows.is_empty() {
        html.put(
            "<p class=\"empty\">{}</p>\n",
            &[&if filter == AlertFilter::default() {
                "No alert is open: all quiet."
            } else {
                "No alert is like that."
            }],
        );
    } else {
        html.put(
            "<table class=\"stacked\"><thead><tr><th scope=\"col\">alert</th><th scope=\"col\">severity</th><th scope=\"col\">state</th>\
             <th scope=\"col\">opened</th><th scope=\"col\">owner</th></tr></thead><tbody>\n",
            &[],
        );
        for alert in &listed.rows {
            html.put(
                "<tr><th scope=\"row\"><a href=\"/alerts/{}\">{}</a><span class=\"sub\">{}</span></th><td>",
                &[&alert.alert_id, &alert.title, &alert.policy],
            );
            severity(&mut html, &alert.severity);
            html.put("</td><td>{}", &[&alert.state]);
            if let Some(by) = alert
                .acknowledged_by
                .as_ref()
                .filter(|_| alert.state == "acknowledged")
            {
                html.put("<span class=\"sub\">by {}</span>", &[by]);
            }
            if let Some(muted) = &alert.muted {
                html.put("<span class=\"sub\">{}</span>", &[muted]);
            }
            html.put(
                "</td><td class=\"t\" data-label=\"opened\">{}</td><td data-label=\"owner\">{}</td></tr>\n",
                &[&reader.time(alert.opened_at), &alert.owner],
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
    Ok(Page::new("Alerts", "/alerts", html).about(count(listed.total, "alert", "alerts")))
}

pub(in super::super) fn show(
    reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let shown = match alert::show(connection, reader.identity()?) {
        Err(audit_schema::Error::Database(diesel::result::Error::NotFound)) => {
            return Err(Trouble::NotFound);
        }
        shown => shown?,
    };
    let alert = &shown.alert;
    let mut html = Html::new();
    html.put("<dl class=\"facts\"><div><dt>severity</dt><dd>", &[]);
    severity(&mut html, &alert.severity);
    html.put("</dd></div>", &[]);
    fact(&mut html, "state", &alert.state);
    fact(
        &mut html,
        "not told because of",
        &alert.muted.clone().unwrap_or_default(),
    );
    fact(&mut html, "policy", &alert.policy);
    fact(
        &mut html,
        "table",
        &alert.table.as_deref().map(short).unwrap_or_default(),
    );
    fact(&mut html, "rule", &alert.rule.clone().unwrap_or_default());
    if let Some(group) = alert.group.as_object() {
        let words: Vec<String> = group
            .iter()
            .map(|(name, value)| format!("{name} {}", super::plain(value)))
            .collect();
        fact(&mut html, "group", &words.join(", "));
    }
    fact(&mut html, "owner", &alert.owner);
    fact(&mut html, "opened", &reader.time(alert.opened_at));
    fact(
        &mut html,
        "taken on by",
        &alert.acknowledged_by.clone().unwrap_or_default(),
    );
    for (name, at) in [
        ("rests until", alert.snoozed_until),
        ("escalated", alert.escalated_at),
        ("resolved", alert.resolved_at),
    ] {
        if let Some(at) = at {
            fact(&mut html, name, &reader.time(at));
        }
    }
    if let Some(runbook) = &alert.runbook {
        // An address that is no web address is shown and leads nowhere.
        if runbook.starts_with("https://") || runbook.starts_with("http://") {
            html.put(
                "<div><dt>what to do</dt><dd><a rel=\"noreferrer noopener\" href=\"{}\">{}</a></dd></div>",
                &[runbook, runbook],
            );
        } else {
            fact(&mut html, "what to do", runbook);
        }
    }
    html.put("</dl>\n", &[]);
    acts(&mut html, reader, alert);
    html.put(
        "<section class=\"part\"><h2>What happened</h2><ol class=\"steps\">\n",
        &[],
    );
    for moved in &shown.transitions {
        html.put(
            "<li><strong>{}</strong> {} by {}<p class=\"soft\">{}</p>",
            &[
                &reader.time(moved.at),
                &moved.to_state,
                &moved.actor,
                &moved.title,
            ],
        );
        if !moved.reason.is_empty() {
            html.put("<p class=\"soft\">“{}”</p>", &[&moved.reason]);
        }
        html.put("</li>\n", &[]);
    }
    html.put("</ol></section>\n", &[]);
    if !shown.deliveries.is_empty() {
        html.put(
            "<section class=\"part\"><h2>Who was told</h2><table class=\"stacked\"><thead><tr><th scope=\"col\">when</th>\
             <th scope=\"col\">channel</th><th scope=\"col\">message</th><th scope=\"col\">state</th></tr></thead><tbody>\n",
            &[],
        );
        for delivery in &shown.deliveries {
            html.put(
                "<tr><th scope=\"row\" class=\"t\">{}</th><td data-label=\"to\">{}</td><td>{}</td><td>{}<span class=\"sub\">{}</span></td></tr>\n",
                &[&reader.time(delivery.at), &delivery.channel, &delivery.kind, &delivery.state, &delivery.last_error.clone().unwrap_or_default()],
            );
        }
        html.put("</tbody></table></section>\n", &[]);
    }
    Ok(Page::new(&alert.title, "/alerts", html).under("/alerts", "Alerts"))
}

fn acts(html: &mut Html, reader: &Reader<'_>, alert: &alert::Alert) {
    let Some(session) = &reader.visit.session else {
        return;
    };
    if alert.state == "resolved" {
        return;
    }
    if !reader.rights.act_on_alerts {
        html.put(
            "<div class=\"notice\"><h2>Nobody can act here</h2><p>The role {} may only read; it needs audit_operator.</p></div>\n",
            &[&reader.rights.role],
        );
        return;
    }
    html.put(
        "<section class=\"part\"><h2>Act on it</h2><div class=\"acts\">\n",
        &[],
    );
    for (verb, button, about) in [
        (
            "acknowledge",
            "Take it on",
            "It stays open, and nobody is reminded of it any more.",
        ),
        (
            "snooze",
            "Let it rest",
            "Nobody hears of it until then. If it still holds, it fires again.",
        ),
        (
            "resolve",
            "Resolve",
            "It is over, and everybody who was told of it hears so.",
        ),
    ] {
        html.put(
            "<form method=\"post\" action=\"/alerts/{}/{}\">",
            &[&alert.alert_id, &verb],
        );
        secret(html, session);
        html.put("<p class=\"soft\">{}</p>", &[&about]);
        if verb == "snooze" {
            html.put(
                "<label>For how long<select name=\"for\"><option value=\"1\">an hour</option><option value=\"4\">4 hours</option>\
                 <option value=\"24\">a day</option><option value=\"168\">a week</option></select></label>",
                &[],
            );
        }
        html.put(
            "<label>Why<input type=\"text\" name=\"reason\" maxlength=\"500\"></label><button>{}</button></form>\n",
            &[&button],
        );
    }
    html.put("</div></section>\n", &[]);
}
