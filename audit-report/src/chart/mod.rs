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
mod findings;
mod frame;
mod heatmap;
mod kind;
mod quality;
mod table;

use audit_schema::metrics::{self, Scope};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

pub use alerts::Alerts;
pub use findings::Findings;
pub use frame::{Frame, Size};
pub use heatmap::Heatmap;
pub use kind::{Kind, NoKind};
pub use quality::Quality;
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
    /// See [`Kind::Findings`].
    Findings(Findings),
    /// See [`Kind::Heatmap`].
    Heatmap(Heatmap),
    /// See [`Kind::Alerts`].
    Alerts(Alerts),
}

impl Data {
    fn figures(&self) -> &dyn Figures {
        match self {
            Data::Quality(data) => data,
            Data::Findings(data) => data,
            Data::Heatmap(data) => data,
            Data::Alerts(data) => data,
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
        let words = data.figures().words(&frame);
        Ok(Chart {
            title: words.title,
            note: words.note,
            description: words.description,
            frame,
            data,
        })
    })
}

fn read(connection: &mut PgConnection, kind: &Kind, scope: &Scope, frame: &Frame) -> Result<Data> {
    Ok(match kind {
        Kind::Quality => Data::Quality(Quality::load(connection, scope)?),
        Kind::Findings => Data::Findings(Findings::load(connection, scope, frame)?),
        Kind::Heatmap => Data::Heatmap(Heatmap::load(connection, scope)?),
        Kind::Alerts => Data::Alerts(Alerts::load(connection, scope)?),
    })
}

impl Chart {
    /// Draws it. The same chart, style and size always give the same text. Of the style only the theme counts.
    ///
    /// # Errors
    /// When plotters refuses to draw; no known figure makes it.
    pub fn svg(&self, style: &Style, size: Size) -> Result<String> {
        frame::svg(self, style, size)
    }

    /// The same figures in words: columns with their units, and rows.
    pub fn table(&self) -> Table {
        self.data.figures().table(&self.frame)
    }
}
