//! The figures as a page: the lines with what they are to reach, and the tables behind them.

use std::fmt::Write as _;
use std::path::Path;

use crate::Outcome;
use crate::figures::Figures;

const BEGIN: &str = "<!-- make bench: begin -->";
const END: &str = "<!-- make bench: end -->";

/// What a line is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    None,
}

/// A line of the table.
pub struct Line {
    pub title: &'static str,
    pub target: Target,
    pub value: Option<f64>,
    /// How a value is written.
    pub unit: Unit,
    /// What the ratio is made of.
    pub detail: String,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// So many times.
    Times,
    /// A share of another.
    Share,
    /// Percent of another.
    Percent,
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Unit::Times => format!("{value:.2} ×"),
            Unit::Share => format!("{value:.2}"),
            Unit::Percent => format!("{:.1} %", value * 100.0),
        }
    }
}

impl Line {
    fn target(&self) -> String {
        match self.target {
            Target::AtMost(most) => format!("≤ {}", self.unit.write(most)),
            Target::AtLeast(least) => format!("≥ {}", self.unit.write(least)),
            Target::None => "–".to_owned(),
        }
    }

    fn mark(&self) -> &'static str {
        match (self.target, self.value) {
            (Target::AtMost(most), Some(value)) if value <= most => "✓",
            (Target::AtLeast(least), Some(value)) if value >= least => "✓",
            (Target::None, _) | (_, None) => "",
            _ => "✗",
        }
    }
}

/// Every line that is measured, in the order in which it is shown.
pub fn lines(figures: &Figures) -> Vec<Line> {
    let bulk = |title, subject: &str, what: &str, target| {
        let key = |subject: &str| format!("bulk/flights/{subject}/{what}_s");
        Line {
            title,
            target,
            value: figures.ratio(&key(subject), &key("bare")),
            unit: Unit::Times,
            detail: both(figures, &key(subject), &key("bare"), |value| {
                format!("{value:.2} s")
            }),
        }
    };
    let single = |title, subject: &str, what: &str, target| {
        let key = |subject: &str| format!("single/flights/{subject}/{what}_per_s");
        Line {
            title,
            target,
            value: figures.ratio(&key(subject), &key("bare")),
            unit: Unit::Share,
            detail: both(figures, &key(subject), &key("bare"), |value| {
                format!("{:.1} k/s", value / 1e3)
            }),
        }
    };
    let log = |title, what: &str, target| {
        let (log, base) = (
            format!("bulk/flights/watched/{what}"),
            "bulk/flights/jsonb_statement/log_bytes",
        );
        Line {
            title,
            target,
            value: figures.ratio(&log, base),
            unit: Unit::Percent,
            detail: both(figures, &log, base, megabytes),
        }
    };
    vec![
        bulk(
            "bulk insert, capture",
            "watched",
            "insert",
            Target::AtMost(2.0),
        ),
        bulk(
            "bulk insert, 10 rules",
            "rules",
            "insert",
            Target::AtMost(2.7),
        ),
        bulk(
            "bulk update, capture",
            "watched",
            "update",
            Target::AtMost(1.6),
        ),
        bulk("bulk update, 10 rules", "rules", "update", Target::None),
        bulk("bulk delete, capture", "watched", "delete", Target::None),
        single(
            "single-row inserts, 4 clients, capture",
            "watched",
            "inserts",
            Target::AtLeast(0.60),
        ),
        single(
            "single-row inserts, 4 clients, 10 rules",
            "rules",
            "inserts",
            Target::AtLeast(0.55),
        ),
        single(
            "single-row updates, 4 clients, capture",
            "watched",
            "updates",
            Target::None,
        ),
        single(
            "single-row updates, 4 clients, 10 rules",
            "rules",
            "updates",
            Target::None,
        ),
        log(
            "log of bulk insert and update, as written, against one jsonb row per row",
            "log_bytes",
            Target::AtMost(0.04),
        ),
        log(
            "the same, packed, key index included",
            "packed_bytes",
            Target::None,
        ),
    ]
}

fn both(figures: &Figures, key: &str, base: &str, write: fn(f64) -> String) -> String {
    match (figures.median(key), figures.median(base)) {
        (Some(value), Some(base)) => format!("{} against {}", write(value), write(base)),
        _ => String::new(),
    }
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}

/// The part of the page that a run writes.
pub fn page(figures: &Figures) -> String {
    let mut text = String::from("| | to reach | measured | | |\n|---|--:|--:|---|---|\n");
    for line in lines(figures) {
        let value = line
            .value
            .map_or("not measured".to_owned(), |value| line.unit.write(value));
        let _ = writeln!(
            text,
            "| {} | {} | {value} | {} | {} |",
            line.title,
            line.target(),
            line.mark(),
            line.detail
        );
    }
    text
}

/// Writes the page between its marks.
pub fn write(figures: &Figures, directory: &Path) -> Outcome<()> {
    let file = directory.join("PERFORMANCE.md");
    let text = if file.exists() {
        std::fs::read_to_string(&file)?
    } else {
        format!("{BEGIN}\n{END}\n")
    };
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("PERFORMANCE.md has no mark where the figures begin")?;
    let (_, after) = rest
        .split_once(END)
        .ok_or("PERFORMANCE.md has no mark where the figures end")?;
    std::fs::write(
        &file,
        format!("{before}{BEGIN}\n{}{END}{after}", page(figures)),
    )?;
    Ok(())
}
