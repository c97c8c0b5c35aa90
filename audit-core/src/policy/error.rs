//! Errors in a policy: where, what, what was expected.

use std::fmt;

/// A place in a policy. Lines and columns count from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Which of the policy's files, from 0: the one that was named, then those that it includes.
    pub file: usize,
    /// The line.
    pub line: usize,
    /// The first character.
    pub column: usize,
    /// How many characters it takes on its line; 0 if that is not known.
    pub width: usize,
}

/// One error in a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named to the reader.
    pub file: String,
    /// Where in the file; `None` if the error is about the file as a whole.
    pub location: Option<Location>,
    /// The text of the line; of a very long one, the part around the place.
    pub source_line: String,
    /// How many characters of the line are missing at its start.
    pub(super) skipped: usize,
    /// What is wrong.
    pub message: String,
    /// What was expected, or what can be done.
    pub help: Option<String>,
}

/// All errors of a policy, file by file in the order of their places.
///
/// Shown, it is what a person sees in the terminal: for each error a line with file, line and column, the line
/// itself with a mark below the place, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyErrors {
    /// The errors: at least one.
    pub problems: Vec<Problem>,
}

/// Of a very long line what is around a column, and how many characters are missing before it.
pub(super) fn excerpt(line: &str, column: usize) -> (String, usize) {
    const LONGEST: usize = 160;
    const BEFORE: usize = 60;
    if line.chars().nth(LONGEST).is_none() {
        return (line.to_owned(), 0);
    }
    let skipped = column.saturating_sub(BEFORE + 1);
    (line.chars().skip(skipped).take(LONGEST).collect(), skipped)
}

impl PolicyErrors {
    /// Puts the errors in the order of their places.
    pub fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| {
            problem
                .location
                .map_or((0, 0, 0), |at| (at.file, at.line, at.column))
        });
        problems.dedup();
        PolicyErrors { problems }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.location else {
            write!(formatter, "{}: {}", self.file, self.message)?;
            if let Some(help) = &self.help {
                write!(formatter, "\n  = {help}")?;
            }
            return Ok(());
        };
        let number = at.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent = at.column.saturating_sub(1).saturating_sub(self.skipped);
        let before: String = self
            .source_line
            .chars()
            .take(indent)
            // A tab is as wide here as it is in the line above.
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        let room = self.source_line.chars().count().saturating_sub(indent);
        let mark = "^".repeat(at.width.clamp(1, room.max(1)));
        writeln!(
            formatter,
            "{}:{}:{}: {}",
            self.file, at.line, at.column, self.message
        )?;
        writeln!(formatter, "{gutter} |")?;
        writeln!(formatter, "{number} | {}", self.source_line)?;
        write!(formatter, "{gutter} | {before}{mark}")?;
        if let Some(help) = &self.help {
            write!(formatter, "\n{gutter} = {help}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(formatter, "{problem}\n")?;
        }
        match self.problems.len() {
            1 => write!(formatter, "1 error; nothing was applied"),
            count => write!(formatter, "{count} errors; nothing was applied"),
        }
    }
}

impl std::error::Error for PolicyErrors {}
