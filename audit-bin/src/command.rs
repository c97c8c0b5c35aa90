//! The commands of `audit`, one module each.

pub mod findings;
pub mod quarantine;
pub mod status;
