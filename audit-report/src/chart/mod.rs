//! The charts, one question each: [`load`] reads the figures of a [`Kind`] into a plain [`Chart`], which draws itself
//! and writes itself as a [`Table`] without a database.
//!
//! ```no_run
//! use audit_report::chart::{self, Kind, Size};
//! use audit_report::{Range, Selection, Style};
//!
//! let mut connection = audit_schema::connect("postgres:///flights")?;
//! let last_month = Selection::from(Range { since: "30d".parse().ok(), ..Range::default() });
//! let chart = chart::load(&mut connection, &Kind::Findings, &last_month)?;
//! std::fs::write("findings.svg", chart.svg(&Style::light(), Size::default())?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alerts;
mod changes;
mod deliveries;
mod findings;
mod frame;
mod freshness;
mod heatmap;
mod kind;
mod pareto;
mod pass_rate;
mod quality;
mod quarantine;
mod response;
mod summary;
mod table;

use audit_schema::metrics::{self, Scope};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

pub use alerts::Alerts;
pub use changes::{Changes, Written};
pub use deliveries::{Channel, Deliveries, Latency};
pub use findings::Findings;
pub use frame::{Frame, NoSize, Size};
pub use freshness::{Fresh, Freshness};
pub use heatmap::Heatmap;
pub use kind::{Kind, NoKind};
pub use pareto::{Pareto, ParetoRule};
pub use pass_rate::{PassRate, PassRateStep, RulePassRate};
pub use quality::Quality;
pub use quarantine::{HeldByRule, Quarantine};
pub use response::{Distribution, Response, SeverityResponse};
pub use summary::{Group, Summary};
pub use table::{Column, Table};

use crate::canvas::Area;
use crate::draw::Pen;
use crate::error::Result;
use crate::selection::Selection;
use crate::style::Style;

/// One chart's worth of figures, and what is said about them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// A sentence that says what is shown.
    pub title: String,
    /// How it is computed, in which unit and zone.
    pub note: String,
    /// What somebody who sees it would read off it, in sentences with numbers: for those who do not see it.
    pub description: String,
    /// Of what database, days and time the figures are.
    pub frame: Frame,
    /// The figures.
    pub data: Data,
}

/// The figures of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "chart", rename_all = "kebab-case")]
pub enum Data {
    /// See [`Kind::Quality`].
    Quality(Quality),
    /// See [`Kind::PassRate`].
    PassRate(PassRate),
    /// See [`Kind::Findings`].
    Findings(Findings),
    /// See [`Kind::Pareto`].
    Pareto(Pareto),
    /// See [`Kind::Heatmap`].
    Heatmap(Heatmap),
    /// See [`Kind::Freshness`].
    Freshness(Freshness),
    /// See [`Kind::Changes`].
    Changes(Changes),
    /// See [`Kind::Alerts`].
    Alerts(Alerts),
    /// See [`Kind::Response`].
    Response(Response),
    /// See [`Kind::Quarantine`].
    Quarantine(Quarantine),
    /// See [`Kind::Deliveries`].
    Deliveries(Deliveries),
    /// See [`Kind::Summary`].
    Summary(Summary),
}

impl Data {
    fn figures(&self) -> &dyn Figures {
        match self {
            Data::Quality(data) => data,
            Data::PassRate(data) => data,
            Data::Findings(data) => data,
            Data::Pareto(data) => data,
            Data::Heatmap(data) => data,
            Data::Freshness(data) => data,
            Data::Changes(data) => data,
            Data::Alerts(data) => data,
            Data::Response(data) => data,
            Data::Quarantine(data) => data,
            Data::Deliveries(data) => data,
            Data::Summary(data) => data,
        }
    }
}

/// What is said about figures.
struct Words {
    title: String,
    note: String,
    description: String,
}

/// What every chart can do with its figures.
trait Figures {
    fn words(&self, frame: &Frame) -> Words;
    fn table(&self, frame: &Frame) -> Table;
    fn draw(&self, pen: &mut Pen, area: Area, frame: &Frame) -> Result<()>;
}

/// How many of a list of tables, rules or groups are read: more than any picture has room for.
const LISTED: i64 = 60;

/// Reads the figures of a chart, all in one snapshot. It reads counters, hourly activities, alerts, the outbox and
/// summaries, never the packed log: the time it takes does not grow with it.
///
/// # Errors
/// When the pipeline is not installed or may not be read, or the selection names what is not there.
pub fn load(connection: &mut PgConnection, kind: &Kind, selection: &Selection) -> Result<Chart> {
    metrics::in_one_snapshot(connection, |connection| {
        let status = metrics::pipeline(connection)?;
        let (period, scope) = selection.scope(connection, status.as_of)?;
        let frame = Frame {
            database: status.database,
            period,
            as_of: status.as_of,
            drawn_at: status.now,
            only: selection.only(),
        };
        let data = read(connection, kind, &scope, &frame)?;
        Ok(Chart::new(frame, data))
    })
}

fn read(connection: &mut PgConnection, kind: &Kind, scope: &Scope, frame: &Frame) -> Result<Data> {
    Ok(match kind {
        Kind::Quality => Data::Quality(Quality::load(connection, scope)?),
        Kind::PassRate => Data::PassRate(PassRate::load(connection, scope)?),
        Kind::Findings => Data::Findings(Findings::load(connection, scope, frame)?),
        Kind::Pareto => Data::Pareto(Pareto::load(connection, scope)?),
        Kind::Heatmap => Data::Heatmap(Heatmap::load(connection, scope)?),
        Kind::Freshness => Data::Freshness(Freshness::load(connection, scope, frame)?),
        Kind::Changes => Data::Changes(Changes::load(connection, scope)?),
        Kind::Alerts => Data::Alerts(Alerts::load(connection, scope)?),
        Kind::Response => Data::Response(Response::load(connection, scope)?),
        Kind::Quarantine => Data::Quarantine(Quarantine::load(connection, scope, frame)?),
        Kind::Deliveries => Data::Deliveries(Deliveries::load(connection, scope)?),
        Kind::Summary { name, measure } => {
            Data::Summary(Summary::load(connection, scope, name, measure.as_deref())?)
        }
    })
}

/// Every chart that a database has: those of [`Kind::ALL`], and one for each measure of each declared summary.
///
/// # Errors
/// When the pipeline is not installed or may not be read.
pub fn kinds(connection: &mut PgConnection) -> Result<Vec<Kind>> {
    let mut kinds = Kind::ALL.to_vec();
    for summary in metrics::summaries(connection)? {
        kinds.extend(summary.measures.into_iter().map(|measure| Kind::Summary {
            name: summary.name.clone(),
            measure: Some(measure.name),
        }));
    }
    Ok(kinds)
}

impl Chart {
    /// A chart of figures that are known already, and what is to be said about them.
    pub fn new(frame: Frame, data: Data) -> Self {
        let words = data.figures().words(&frame);
        Chart {
            title: words.title,
            note: words.note,
            description: words.description,
            frame,
            data,
        }
    }

    /// The question that it answers.
    pub fn kind(&self) -> Kind {
        match &self.data {
            Data::Quality(_) => Kind::Quality,
            Data::PassRate(_) => Kind::PassRate,
            Data::Findings(_) => Kind::Findings,
            Data::Pareto(_) => Kind::Pareto,
            Data::Heatmap(_) => Kind::Heatmap,
            Data::Freshness(_) => Kind::Freshness,
            Data::Changes(_) => Kind::Changes,
            Data::Alerts(_) => Kind::Alerts,
            Data::Response(_) => Kind::Response,
            Data::Quarantine(_) => Kind::Quarantine,
            Data::Deliveries(_) => Kind::Deliveries,
            Data::Summary(summary) => Kind::Summary {
                name: summary.name.clone(),
                measure: Some(summary.measure.clone()),
            },
        }
    }

    /// Draws it. The same chart, style and size always give the same text. Of the style only the theme counts.
    ///
    /// # Errors
    /// When plotters refuses to draw; no known figure makes it.
    pub fn svg(&self, style: &Style, size: Size) -> Result<String> {
        frame::svg(self, style, size)
    }

    /// Draws only what lies between its title and its note, for a page that says those itself.
    pub(crate) fn bare(&self, style: &Style, size: Size) -> Result<String> {
        frame::bare(self, style, size)
    }

    /// The same figures in words: columns with their units, and rows.
    pub fn table(&self) -> Table {
        self.data.figures().table(&self.frame)
    }
}
