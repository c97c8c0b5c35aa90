//! `audit-report`: draws the dashboard.

use std::process::ExitCode;

use audit_bin::{command::image, failure, terminal};
use clap::Parser;

fn main() -> ExitCode {
    match image::run(image::AuditReport::parse()).and_then(|text| Ok(terminal::print(&text)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::exit(&error),
    }
}
