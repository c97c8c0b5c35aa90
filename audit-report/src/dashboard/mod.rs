//! The dashboard: one picture that answers, from top to bottom, whether anything business critical is wrong now, how
//! good the data is, what fails most and whose it is, and whether the pipeline itself is well.
//!
//! [`load`] reads the figures into a plain [`Dashboard`], [`svg`] draws it, [`png`](crate::png) makes pixels of it.

mod data;
mod draw;
mod load;
mod words;

pub use data::{
    AlertSpan, Checked, Dashboard, Failing, FailingRule, OpenAlerts, Overdue, Period, Pipeline,
    Seconds, SetAside, Step, StepWidth, TableQuality, Writer,
};
pub use draw::svg;
pub use load::{Range, load};
