//! `audit`: installs the pipeline, applies policies, and shows what was logged and found.

use std::process::ExitCode;

use audit_bin::{cli, failure, terminal};
use clap::Parser;

fn main() -> ExitCode {
    match cli::run(cli::Audit::parse()) {
        Ok(output) => match terminal::print(&output.text) {
            Ok(()) if output.well => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
            Err(error) => failure::exit(&error.into()),
        },
        Err(error) => failure::exit(&error),
    }
}
