//! Draws dashboards as SVG and PNG, and writes the documents of an installed database.
//!
//! * [`dashboard`]: figures as plain data, read from summaries and counters; drawn as one picture
//! * [`docs`]: what is installed and what is audited, as Markdown, Mermaid and SVG
//! * [`format`]: how numbers, durations and dates are written

mod canvas;
mod error;
mod font;
mod picture;
mod style;

pub mod dashboard;
pub mod docs;
pub mod format;

pub use error::{Error, Result};
pub use picture::png;
pub use style::Style;
