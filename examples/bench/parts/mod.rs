//! What is measured: a module each, which may be left out of a run.

mod bulk;
mod crowd;
mod head;
mod history;
mod memory;
mod single;
mod size;
mod tick;

use crate::options::Part;
use crate::{Bench, Outcome};

/// Measures a part.
pub fn run(bench: &mut Bench<'_>, part: Part) -> Outcome<()> {
    match part {
        Part::Bulk => bulk::run(bench),
        Part::Single => single::run(bench),
        Part::Crowd => crowd::run(bench),
        Part::Tick => tick::run(bench),
        Part::Size => size::run(bench),
        Part::History => history::run(bench),
        Part::Memory => memory::run(bench),
        Part::Head => head::run(bench),
    }
}
