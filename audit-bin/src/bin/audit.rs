//! `audit`: installs the pipeline, applies policies, and shows what was logged and found.

use std::process::ExitCode;

use audit_bin::{cli, failure, terminal};

fn main() -> ExitCode {
    match cli::run(cli::Audit::of_process()) {
        Ok(ended) => match terminal::print(&ended.text) {
            Ok(()) => ended.code.into(),
            Err(error) => failure::exit(&error.into()),
        },
        Err(error) => failure::exit(&error),
    }
}
