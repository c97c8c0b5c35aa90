//! The dashboard: one picture that answers, from top to bottom, whether anything business critical is wrong now, how
//! good the data is, what fails most and whose it is, and whether the pipeline itself is well.
//!
//! [`load`] reads the figures into a plain [`Dashboard`], [`svg`] draws it, [`png`](crate::png) makes pixels of it.

mod data;
mod draw;
mod load;
pub(crate) mod tile;
mod tiles;

pub(crate) use data::place;
pub use data::{
    AlertSpan, Checked, Dashboard, Failing, FailingRule, OpenAlerts, Overdue, Pipeline, Seconds,
    SetAside, Step, TableQuality, Writer,
};
pub use draw::svg;
pub use load::load;
pub(crate) use load::{
    EPISODES, read_alerts, read_hours_of_week, read_quality, says, short_name, size, steps,
};

pub use crate::period::{Period, StepWidth};
