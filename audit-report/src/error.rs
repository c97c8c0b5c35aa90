//! What can go wrong while reading, drawing and writing.

use std::path::PathBuf;

/// Why a picture or a document could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database could not be read.
    #[error("reading the figures from the database")]
    Database(#[source] audit_schema::Error),
    /// A range that ends before it begins.
    #[error("the range begins on {since}, after its last day, {until}")]
    NoRange {
        /// Its first day.
        since: chrono::NaiveDate,
        /// Its last day.
        until: chrono::NaiveDate,
    },
    /// A measure that a summary does not have, or that is no number.
    #[error("the summary `{summary}` has no measure `{measure}` that is a number; it has {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    NoMeasure {
        /// The summary.
        summary: String,
        /// What was asked for; empty for the first.
        measure: String,
        /// The measures that are numbers.
        known: Vec<String>,
    },
    /// A chart could not be drawn.
    #[error("drawing the chart `{chart}`: {reason}")]
    Draw {
        /// The chart, by its place in the dashboard.
        chart: &'static str,
        /// What plotters said.
        reason: String,
    },
    /// The SVG could not be turned into pixels.
    #[error("rasterising the picture: {reason}")]
    Raster {
        /// What the rasteriser said.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("writing or reading `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The live page can not be served like this.
    #[error("the live page can not be served: {reason}")]
    Serve {
        /// What stands in its way, and what to do.
        reason: String,
    },
    /// Documents in a directory differ from what the database says.
    #[error("out of date: {}; write them again with `audit docs`", .files.join(", "))]
    OutOfDate {
        /// The files that differ or are missing, in order.
        files: Vec<String>,
    },
}

impl From<audit_schema::Error> for Error {
    fn from(error: audit_schema::Error) -> Self {
        Error::Database(error)
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Error::Database(error.into())
    }
}

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
