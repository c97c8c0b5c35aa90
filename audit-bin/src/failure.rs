//! How errors are told: what was tried in one line, the causes below, and what the database advises.

use std::error::Error as StdError;
use std::io::{self, Write};
use std::process::ExitCode;

use audit_core::PolicyErrors;
use diesel::result::Error as DieselError;

/// The error as a person reads it, without a word of debugging.
///
/// ```
/// let error = anyhow::anyhow!("connection refused").context("cannot connect to the database");
/// assert_eq!(
///     audit_bin::failure::render(&error),
///     "error: cannot connect to the database\n  because connection refused\n"
/// );
/// ```
pub fn render(error: &anyhow::Error) -> String {
    // Errors of a policy are a text of many lines already, each with its place in the file.
    if let Some(errors) = error.chain().find_map(policy_errors) {
        return format!("{}\n", errors.to_string().trim_end());
    }
    if let Some(audit_core::Error::NotImported(problem)) = error.downcast_ref() {
        return format!("{problem}\n\nnothing was imported\n");
    }
    let mut text = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let message = cause.to_string();
        let message = message.trim_end();
        // Some errors repeat their source in their own message; it need not be read twice.
        if depth > 0 && text.contains(message) {
            continue;
        }
        let start = if depth == 0 { "error: " } else { "  because " };
        text.push_str(start);
        text.push_str(&message.replace('\n', "\n    "));
        text.push('\n');
        for note in notes(cause) {
            text.push_str("  ");
            text.push_str(&note.replace('\n', "\n    "));
            text.push('\n');
        }
    }
    text
}

fn policy_errors<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a PolicyErrors> {
    match error.downcast_ref() {
        Some(audit_schema::Error::Policy(errors)) => Some(errors),
        _ => error.downcast_ref(),
    }
}

/// What the database says besides its message.
fn notes(error: &(dyn StdError + 'static)) -> Vec<String> {
    let (detail, hint) =
        if let Some(audit_schema::Error::Refused { detail, hint, .. }) = error.downcast_ref() {
            (detail.clone(), hint.clone())
        } else if let Some(known) = error.downcast_ref::<audit_schema::Error>().and_then(advice) {
            (None, Some(known.to_owned()))
        } else if let Some(DieselError::DatabaseError(_, information)) = error.downcast_ref() {
            (
                information.details().map(str::to_owned),
                information.hint().map(str::to_owned),
            )
        } else {
            (None, None)
        };
    detail
        .into_iter()
        .chain(hint.map(|hint| format!("hint: {hint}")))
        .collect()
}

/// What to do about an error that the libraries have no words for, because they know no command line.
fn advice(error: &audit_schema::Error) -> Option<&'static str> {
    match error {
        audit_schema::Error::OlderSchema { .. } => Some("bring it up to date with `audit migrate`"),
        audit_schema::Error::NewerSchema { .. } => {
            Some("use the program that migrated it, or a newer one")
        }
        audit_schema::Error::Locked { .. } => Some(
            "try again when they are done, with more --retries, or with a longer --lock-timeout",
        ),
        audit_schema::Error::Database(DieselError::DatabaseError(_, information))
            if information.message().starts_with("permission denied") =>
        {
            Some(
                "to look at the pipeline takes the role audit_reader, to act audit_operator, to declare audit_admin: `grant audit_reader to …`",
            )
        }
        _ => None,
    }
}

/// Tells the error on standard error, and gives the exit code 1.
pub fn exit(error: &anyhow::Error) -> ExitCode {
    // There is nowhere left to say that this failed.
    let _ = io::stderr().write_all(render(error).as_bytes());
    ExitCode::FAILURE
}

/// Says that somebody asked to stop, and gives the code of the signal.
pub fn interrupted(code: u8) -> ExitCode {
    let _ = io::stderr().write_all(b"interrupted\n");
    code.into()
}
