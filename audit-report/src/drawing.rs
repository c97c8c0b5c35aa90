//! Everything that can be drawn: figures with what has to be known to draw them, which a file can hold.

use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use crate::chart::{self, Chart, Kind, Size};
use crate::dashboard::{self, Dashboard};
use crate::error::Result;
use crate::selection::Selection;
use crate::style::Style;

/// The dashboard, or a chart of its own. Written as JSON and read again, it is drawn the same, without a database.
///
/// # Examples
/// ```no_run
/// use audit_report::{Drawing, Selection, Style};
///
/// let mut connection = audit_schema::connect("postgres:///flights")?;
/// let drawing = Drawing::load(&mut connection, Some(&"pareto".parse()?), &Selection::default())?;
/// let kept = serde_json::to_string(&drawing)?;
///
/// let drawing: Drawing = serde_json::from_str(&kept)?;
/// let svg = drawing.svg(&Style::dark(), None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drawing {
    /// All of it in one picture.
    Dashboard(Box<Dashboard>),
    /// One question.
    Chart(Box<Chart>),
}

impl Drawing {
    /// Reads the figures of a chart, or else of the dashboard.
    ///
    /// # Errors
    /// As of [`chart::load`] and [`dashboard::load`].
    pub fn load(
        connection: &mut PgConnection,
        chart: Option<&Kind>,
        selection: &Selection,
    ) -> Result<Self> {
        Ok(match chart {
            Some(kind) => Drawing::Chart(Box::new(chart::load(connection, kind, selection)?)),
            None => Drawing::Dashboard(Box::new(dashboard::load(connection, selection)?)),
        })
    }

    /// Gives it another title.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Self {
        match &mut self {
            Drawing::Dashboard(dashboard) => dashboard.title = title.to_owned(),
            Drawing::Chart(chart) => chart.title = title.to_owned(),
        }
        self
    }

    /// Draws it, in its standard size if none is given.
    ///
    /// # Errors
    /// When plotters refuses to draw; no known figure makes it.
    pub fn svg(&self, style: &Style, size: Option<Size>) -> Result<String> {
        match self {
            Drawing::Dashboard(dashboard) => {
                let size = size.map_or((1600, 1000), |size| (size.width, size.height));
                let style = Style {
                    theme: style.theme,
                    width: size.0,
                    height: size.1,
                };
                dashboard::svg(dashboard, &style)
            }
            Drawing::Chart(chart) => chart.svg(style, size.unwrap_or_default()),
        }
    }
}
