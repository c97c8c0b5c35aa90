//! The command line: audit, audit-notify and audit-report.
//!
//! A command is a function from its options to the text it prints; only the binaries read the environment and print.
//!
//! | module | what is in it |
//! |---|---|
//! | [`command`] | `audit migrate`, `plan`, `apply`, `status` … one module each |
//! | [`demo`] | `audit demo` |
//! | [`connection`] | which database a command works on |
//! | [`session`] | what all commands share: the database, and how its answers look |
//! | [`terminal`] | how things look on a terminal |

pub mod cli;
pub mod command;
pub mod connection;
pub mod demo;
pub mod failure;
pub mod interrupt;
pub mod progress;
pub mod session;
pub mod terminal;
