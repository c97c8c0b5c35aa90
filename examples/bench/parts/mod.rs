//! What is measured: a module each, which may be left out of a run.

mod bulk;
mod single;

use crate::options::Part;
use crate::{Bench, Outcome};

/// Measures a part.
pub fn run(bench: &mut Bench<'_>, part: Part) -> Outcome<()> {
    match part {
        Part::Bulk => bulk::run(bench),
        Part::Single => single::run(bench),
        part => Err(format!("{} is not measured yet", part.name()).into()),
    }
}
