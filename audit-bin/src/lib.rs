//! The command line: audit, audit-notify and audit-report.

pub mod demo;
