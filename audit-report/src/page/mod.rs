//! The dashboard as a page: tiles, charts and the tables behind them.
//!
//! [`html`] makes one self-contained file of it: it asks for nothing from anywhere, follows the reader's theme, fits a phone
//! and can be printed. The live page (feature `serve`) shows the same.

mod adaptive;
mod document;
mod figure;
mod markup;
mod tile;

use audit_schema::metrics;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

#[cfg(feature = "serve")]
pub(crate) use document::style_sheet;
pub(crate) use document::{Look, document};
use figure::Figure;
pub(crate) use markup::Html;
#[cfg(feature = "serve")]
pub(crate) use markup::{is_kept, part_of_address};

use crate::chart::{self, Chart, Kind};
use crate::dashboard::{self, Dashboard};
use crate::error::Result;
use crate::format::{bytes, count, date_range, duration};
use crate::selection::Selection;

/// Everything that a report shows, as plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The numbers at the top.
    pub dashboard: Dashboard,
    /// The charts, in the order in which they are shown.
    pub charts: Vec<(Kind, Chart)>,
    /// What was left out, in words; empty when nothing was.
    pub only: String,
}

/// In which order charts are shown: what fails, how good it is, what was done about it, and how the pipeline itself does.
const ORDER: [&str; 12] = [
    "findings",
    "pareto",
    "quality",
    "pass-rate",
    "heatmap",
    "alerts",
    "response",
    "quarantine",
    "freshness",
    "changes",
    "deliveries",
    "summary",
];

/// As many summaries as a page shows; each has a picture of its own with `audit-report image`.
const SUMMARIES: usize = 6;

/// Reads the figures of a report, all in one snapshot.
///
/// # Errors
/// When the pipeline is not installed or may not be read, or the selection names what is not there.
pub fn load(connection: &mut PgConnection, selection: &Selection) -> Result<Report> {
    metrics::in_one_snapshot(connection, |connection| {
        let dashboard = dashboard::load(connection, selection)?;
        let mut kinds = chart::kinds(connection)?;
        let mut summaries = 0;
        kinds.retain(|kind| {
            summaries += usize::from(kind.name() == "summary");
            kind.name() != "summary" || summaries <= SUMMARIES
        });
        kinds.sort_by_key(|kind| {
            ORDER
                .iter()
                .position(|name| *name == kind.name())
                .unwrap_or(ORDER.len())
        });
        let charts = kinds
            .into_iter()
            .filter_map(|kind| match chart::load(connection, &kind, selection) {
                Ok(chart) => Some(Ok((kind, chart))),
                // A summary that can not be folded, or has nothing of this selection, takes no other chart with it.
                Err(_) if matches!(kind, Kind::Summary { .. }) => None,
                Err(error) => Some(Err(error)),
            })
            .collect::<Result<_>>()?;
        Ok(Report {
            dashboard,
            charts,
            only: selection.only(),
        })
    })
}

/// Writes the tiles and the charts of a report.
pub(crate) fn write(html: &mut Html, report: &Report, linked: bool) -> Result<()> {
    let figures = report
        .charts
        .iter()
        .enumerate()
        .map(|(place, (kind, chart))| Figure::of(place + 1, kind, chart))
        .collect::<Result<Vec<_>>>()?;
    write_dashboard(html, &report.dashboard, &figures, linked);
    Ok(())
}

fn write_dashboard(html: &mut Html, data: &Dashboard, figures: &[Figure], linked: bool) {
    html.put(
        "<section aria-label=\"At a glance\">\n<h2 class=\"hidden\">At a glance</h2>\n",
        &[],
    );
    tile::write(html, &crate::dashboard::tile::tiles(data), linked);
    html.put("</section>\n<div class=\"charts\">\n", &[]);
    for figure in figures {
        figure.write(html);
    }
    html.put("</div>\n", &[]);
}

/// What the figures are of, for the right of the head.
pub(crate) fn when(html: &mut Html, data: &Dashboard, only: &str) {
    let zone = data.period.zone;
    let at = |time: chrono::DateTime<chrono::Utc>| {
        time.with_timezone(&zone)
            .format("%-d %b %Y %H:%M %Z")
            .to_string()
    };
    html.put(
        "<div class=\"when\">{}, {}<small>figures of {}, drawn {}</small>",
        &[
            &date_range(data.period.first, data.period.last),
            &zone.name(),
            &at(data.as_of),
            &at(data.drawn_at),
        ],
    );
    if !only.is_empty() {
        html.put("<small>{}</small>", &[&only]);
    }
    html.put("</div>\n", &[]);
}

/// How the figures come about, for whoever wants to know.
pub(crate) fn method(html: &mut Html, data: &Dashboard) {
    html.put(
        "<p>Failures are exact: a row counts once for every rule that it fails. Quality is the share of a table’s rows that \
         pass every rule; where rows may fail several rules it lies between two bounds. {}, {}; the log has {} in {}. Half of \
         the alerts were taken on within {} and ended within {}.</p>\n",
        &[
            &count(data.rules as i64, "rule", "rules"),
            &count(data.checked.tables as i64, "watched table", "watched tables"),
            &bytes(data.pipeline.log_bytes),
            &count(data.pipeline.segments, "sealed segment", "sealed segments"),
            &spell(data.median_to_acknowledge),
            &spell(data.median_to_resolve),
        ],
    );
}

fn spell(seconds: Option<i64>) -> String {
    seconds.map_or_else(
        || "–".to_owned(),
        |seconds| duration(chrono::TimeDelta::seconds(seconds)),
    )
}

/// Writes a severity as its sign and its word, in its colour.
#[cfg(feature = "serve")]
pub(crate) fn severity(html: &mut Html, name: &str) {
    match name.parse::<audit_core::Severity>() {
        Ok(severity) => html.put(
            "<span class=\"severity {}\"><span aria-hidden=\"true\">{}</span> {}</span>",
            &[&severity.name(), &severity.symbol(), &severity.name()],
        ),
        Err(_) => html.put("{}", &[&name]),
    };
}

/// Writes a report as one HTML file that needs nothing else: no network, no script, no font.
///
/// # Errors
/// When plotters refuses to draw; no known figure makes it.
///
/// # Examples
/// ```no_run
/// use audit_report::{Selection, page};
///
/// let mut connection = audit_schema::connect("postgres:///flights")?;
/// let report = page::load(&mut connection, &Selection::default())?;
/// std::fs::write("report.html", page::html(&report)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn html(report: &Report) -> Result<String> {
    let data = &report.dashboard;
    let mut body = Html::new();
    body.put(
        "<header class=\"head\">\n<h1>Data quality <span class=\"of\">{}</span></h1>\n",
        &[&data.database],
    );
    when(&mut body, data, &report.only);
    body.put("</header>\n<main id=\"main\" tabindex=\"-1\">\n", &[]);
    write(&mut body, report, false)?;
    body.put("</main>\n<footer>\n", &[]);
    method(&mut body, data);
    body.put("</footer>\n", &[]);
    Ok(document(
        &format!("Data quality of {}", data.database),
        &Look::Inside,
        &body,
    ))
}
