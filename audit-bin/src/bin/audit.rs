//! `audit`: installs the pipeline, applies policies, and shows what was logged and found.

use std::process::ExitCode;

use audit_bin::{cli, failure, interrupt, terminal};

fn main() -> ExitCode {
    let ended = cli::run(cli::Audit::of_process());
    if let (Some(code), Err(_)) = (interrupt::code(), &ended) {
        return failure::interrupted(code);
    }
    match ended {
        Ok(ended) => match terminal::print(&ended.text) {
            Ok(()) => ended.code.into(),
            Err(error) => failure::exit(&error.into()),
        },
        Err(error) => failure::exit(&error),
    }
}
