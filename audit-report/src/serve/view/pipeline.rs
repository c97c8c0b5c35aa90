//! The pipeline itself: how far behind it is, who could not be told, and what the doctor says.

use audit_schema::browse;
use audit_schema::delivery;
use chrono::TimeDelta;
use diesel::PgConnection;

use super::super::visit::{Page, Reader, Trouble};
use super::fact;
use crate::format::{bytes, duration, thousands};
use crate::page::{Html, severity};

/// How many remarks are shown, the worst first.
const MOST: usize = 100;

pub(in super::super) fn show(
    _reader: &Reader<'_>,
    connection: &mut PgConnection,
) -> Result<Page, Trouble> {
    let gauges = browse::gauges(connection)?;
    let channels = delivery::figures(connection)?;
    let remarks = audit_schema::doctor(connection)?;
    let status = &gauges.pipeline;
    let spell = |seconds: f64| duration(TimeDelta::milliseconds((seconds * 1000.0) as i64));
    let mut html = Html::new();
    html.put("<dl class=\"facts\">", &[]);
    fact(
        &mut html,
        "behind the newest write",
        &spell(status.seconds_behind),
    );
    fact(
        &mut html,
        "last tick",
        &if gauges.since_tick < 0.0 {
            "none has run yet; start audit-notify".to_owned()
        } else {
            format!("{} ago", spell(gauges.since_tick))
        },
    );
    fact(
        &mut html,
        "log rows that wait for it",
        &thousands(status.waiting),
    );
    fact(&mut html, "sealed segments", &thousands(status.segments));
    fact(&mut html, "size of the log", &bytes(status.log_bytes));
    fact(
        &mut html,
        "messages delivered",
        &thousands(status.delivered),
    );
    fact(&mut html, "on the way", &thousands(status.undelivered));
    fact(&mut html, "given up", &thousands(status.dead));
    html.put("</dl>\n<section class=\"part\"><h2>Channels</h2>\n", &[]);
    if channels.is_empty() {
        html.put(
            "<p class=\"empty\">No channel is declared: nobody is told of alerts.</p>\n",
            &[],
        );
    } else {
        html.put(
            "<table class=\"stacked\"><thead><tr><th scope=\"col\">channel</th><th scope=\"col\">state</th>\
             <th scope=\"col\" class=\"n\">delivered</th><th scope=\"col\" class=\"n\">waiting</th><th scope=\"col\" class=\"n\">given up</th></tr></thead><tbody>\n",
            &[],
        );
        for channel in &channels {
            html.put(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\" data-label=\"delivered\">{}</td><td class=\"n\" data-label=\"waiting\">{}</td>\
                 <td class=\"n\" data-label=\"given up\">{}</td></tr>\n",
                &[
                    &channel.channel,
                    &if channel.paused { "paused: it was refused" } else { "open" },
                    &thousands(channel.attempts.first().copied().unwrap_or(0)),
                    &thousands(channel.waiting),
                    &thousands(channel.dead),
                ],
            );
        }
        html.put("</tbody></table>\n", &[]);
    }
    html.put(
        "</section>\n<section class=\"part\"><h2>What the doctor says</h2>\n",
        &[],
    );
    if remarks.is_empty() {
        html.put("<p class=\"empty good\">✓ All is well.</p>\n", &[]);
    }
    for remark in remarks.iter().take(MOST) {
        html.put(
            "<div class=\"notice tone-{}\"><p>",
            &[&remark.severity.name()],
        );
        severity(&mut html, remark.severity.name());
        html.put(
            " <strong>{}</strong>: {}</p><p class=\"soft value\">",
            &[&remark.object, &remark.what],
        );
        html.lines(&remark.todo).put("</p></div>\n", &[]);
    }
    if remarks.len() > MOST {
        html.put(
            "<p class=\"soft\">and {} more: `audit doctor` lists them</p>\n",
            &[&(remarks.len() - MOST)],
        );
    }
    html.put("</section>\n", &[]);
    Ok(Page::new("Pipeline", "/pipeline", html).about(format!("Database {}", status.database)))
}
