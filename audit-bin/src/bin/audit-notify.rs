//! `audit-notify`: ticks and delivers alerts. With `--once` for cron, with `--follow` as a service.

use std::process::ExitCode;

use audit_bin::command::notify;
use clap::Parser;

fn main() -> ExitCode {
    notify::main(notify::AuditNotify::parse())
}
