//! The lines of the table: what is to be reached, and what was.

use crate::figures::Figures;

/// What a line is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// It is only there to be known.
    Open,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// So many times the other.
    Times,
    /// A share of the other.
    Share,
    Percent,
    Bytes,
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub title: String,
    pub target: Target,
    pub value: Option<f64>,
    pub unit: Unit,
    /// The medians that the value is made of.
    pub detail: String,
}

impl Line {
    pub fn value(&self) -> String {
        self.value
            .map_or("not measured".to_owned(), |value| self.unit.write(value))
    }

    pub fn target(&self) -> String {
        match self.target {
            Target::AtMost(most) => format!("≤ {}", self.unit.write(most)),
            Target::AtLeast(least) => format!("≥ {}", self.unit.write(least)),
            Target::Open => "–".to_owned(),
        }
    }

    /// Whether the target is reached; none where there is no target, or no value.
    pub fn met(&self) -> Option<bool> {
        let value = self.value?;
        match self.target {
            Target::AtMost(most) => Some(value <= most),
            Target::AtLeast(least) => Some(value >= least),
            Target::Open => None,
        }
    }
}

impl Unit {
    pub fn write(self, value: f64) -> String {
        match self {
            Unit::Times => format!("{value:.2} ×"),
            Unit::Share => format!("{value:.3}"),
            Unit::Percent => format!("{:.1} %", value * 100.0),
            Unit::Bytes => bytes(value),
        }
    }
}

/// What is bulk-written to the flights.
pub fn bulk(figures: &Figures, title: &str, subject: &str, what: &str) -> Line {
    let key = |subject: &str| format!("bulk/flights/{subject}/{what}_s");
    let target = match (what, subject) {
        ("insert", "watched") => Target::AtMost(2.0),
        ("insert", "rules") => Target::AtMost(2.7),
        ("update", "watched") => Target::AtMost(1.6),
        _ => Target::Open,
    };
    ratio(
        figures,
        title,
        (&key(subject), &key("bare")),
        (target, Unit::Times),
        seconds,
    )
}

/// What is written to the flights row by row.
pub fn single(figures: &Figures, title: &str, subject: &str, what: &str) -> Line {
    let key = |subject: &str| format!("single/flights/{subject}/{what}_per_s");
    let target = match (what, subject) {
        ("inserts", "watched") => Target::AtLeast(0.60),
        ("inserts", "rules") => Target::AtLeast(0.55),
        _ => Target::Open,
    };
    ratio(
        figures,
        title,
        (&key(subject), &key("bare")),
        (target, Unit::Share),
        rate,
    )
}

/// Every line, in the order in which it is shown.
pub fn all(figures: &Figures) -> Vec<Line> {
    use Target::{AtLeast, AtMost, Open};

    let rows = figures.condition("bulk", "rows").unwrap_or(100_000.0);
    let rows = audit_report::format::thousands(rows as i64);
    let mut lines = vec![
        bulk(
            figures,
            &format!("bulk insert of {rows} rows, capture"),
            "watched",
            "insert",
        ),
        bulk(figures, "… with 10 rules", "rules", "insert"),
        bulk(
            figures,
            &format!("bulk update of {rows} rows, capture"),
            "watched",
            "update",
        ),
        bulk(figures, "… with 10 rules", "rules", "update"),
        bulk(
            figures,
            &format!("bulk delete of {rows} rows, capture"),
            "watched",
            "delete",
        ),
        single(
            figures,
            "single-row inserts, 4 clients, capture",
            "watched",
            "inserts",
        ),
        single(figures, "… with 10 rules", "rules", "inserts"),
        single(
            figures,
            "single-row updates, 4 clients, capture",
            "watched",
            "updates",
        ),
        single(figures, "… with 10 rules", "rules", "updates"),
    ];
    let crowd = |subject: &str| format!("crowd/flights/{subject}/writes_per_s");
    let tick = |what: &str| format!("tick/flights/full/{what}_per_s");
    let log = |what: &str| format!("bulk/flights/watched/{what}");
    let yardstick = "bulk/flights/jsonb_statement/log_bytes";
    let size = |subject: &str, what: &str| format!("size/flights/{subject}/{what}");
    let (at_least, times) = ((AtLeast(0.80), Unit::Share), (AtLeast(4.0), Unit::Times));
    lines.extend([
        ratio(
            figures,
            "16 clients writing, 5 summaries and 10 rules, tick running, against capture alone",
            (&crowd("full_ticked"), &crowd("watched")),
            at_least,
            rate,
        ),
        ratio(
            figures,
            "… against capture alone with the tick running",
            (&crowd("full_ticked"), &crowd("watched_ticked")),
            (Open, Unit::Share),
            rate,
        ),
        ratio(
            figures,
            "tick: rows re-packed and folded per second, against one client's single-row inserts",
            (&tick("single_rows"), &tick("one_client")),
            times,
            rate,
        ),
        ratio(
            figures,
            "… of bulk statements, against one client that writes them",
            (&tick("bulk_rows"), &tick("bulk_writer")),
            (Open, Unit::Times),
            rate,
        ),
        ratio(
            figures,
            "log of bulk insert and update as written, against one jsonb row per row",
            (&log("log_bytes"), yardstick),
            (AtMost(0.04), Unit::Percent),
            bytes,
        ),
        ratio(
            figures,
            "… packed, key index included",
            (&log("packed_bytes"), yardstick),
            (AtMost(0.04), Unit::Percent),
            bytes,
        ),
        ratio(
            figures,
            "log of single-row writes, packed, key index included, against one jsonb row per row",
            (
                &size("watched", "log_bytes"),
                &size("jsonb_statement", "log_bytes"),
            ),
            (AtMost(0.15), Unit::Percent),
            bytes,
        ),
        ratio(
            figures,
            "… with 100 writes between two ticks, per row",
            (
                &size("watched", "trickle_bytes_per_row"),
                &size("jsonb_statement", "bytes_per_row"),
            ),
            (Open, Unit::Percent),
            bytes,
        ),
    ]);
    for order in ["sequential", "scattered"] {
        let key = |log: &str| format!("history/{order}/{log}/lookup_s");
        let size = |log: &str| figures.title(log).to_owned();
        let title = format!(
            "history of one key, {order} keys, log of {} against {}",
            size("large"),
            size("small")
        );
        lines.push(ratio(
            figures,
            &title,
            (&key("large"), &key("small")),
            (AtMost(1.5), Unit::Times),
            milliseconds,
        ));
    }
    let rows = figures.median("memory/flights/all/rows").unwrap_or(5e6);
    let rows = audit_report::format::short(rows as i64);
    for (what, title) in [
        ("insert", "the backend's own memory, peak, insert"),
        ("update", "… update"),
    ] {
        let key = |subject: &str, unit: &str| format!("memory/flights/{subject}/{what}_{unit}");
        let value = figures.median(&key("rules", "bytes"));
        let detail = |text: &str, subject: &str| {
            let (bytes_, seconds_) = (
                figures.median(&key(subject, "bytes"))?,
                figures.median(&key(subject, "s"))?,
            );
            Some(format!("{text} {} in {}", bytes(bytes_), seconds(seconds_)))
        };
        let details = [
            ("10 rules", "rules"),
            ("capture", "watched"),
            ("no trigger", "bare"),
        ];
        lines.push(Line {
            title: format!("a statement of {rows} rows, 10 rules: {title}"),
            target: AtMost(256.0 * 1024.0 * 1024.0),
            value,
            unit: Unit::Bytes,
            detail: details
                .iter()
                .filter_map(|(text, subject)| detail(text, subject))
                .collect::<Vec<_>>()
                .join("; "),
        });
    }
    lines.extend(head(figures));
    lines
}

/// The long run: how large the head was at most, and whether it was still growing in the second half.
fn head(figures: &Figures) -> [Line; 2] {
    let sizes = figures.all("head/flights/full/bytes");
    let most = |sizes: &[f64]| sizes.iter().copied().reduce(f64::max);
    let (first, second) = sizes.split_at(sizes.len() / 2);
    let length = chrono::TimeDelta::seconds(i64::try_from(sizes.len()).unwrap_or(0));
    let detail = |left: f64, written: f64| {
        format!(
            "{} written; at the end {left:.0} rows in the head, {}",
            rate(written),
            bytes(sizes.last().copied().unwrap_or(0.0))
        )
    };
    let (left, written) = (
        figures.median("head/flights/full/left_rows"),
        figures.median("head/flights/full/writes_per_s"),
    );
    [
        Line {
            title: format!(
                "size of the head in {} of single rows, at most",
                audit_report::format::duration(length)
            ),
            target: Target::Open,
            value: most(sizes),
            unit: Unit::Bytes,
            detail: left
                .zip(written)
                .map_or(String::new(), |(left, written)| detail(left, written)),
        },
        Line {
            title: "… at most in the second half, against the first".to_owned(),
            target: Target::Open,
            value: most(second)
                .zip(most(first))
                .map(|(second, first)| second / first),
            unit: Unit::Times,
            detail: String::new(),
        },
    ]
}

fn ratio(
    figures: &Figures,
    title: &str,
    (key, base): (&str, &str),
    (target, unit): (Target, Unit),
    write: fn(f64) -> String,
) -> Line {
    let detail = match (figures.median(key), figures.median(base)) {
        (Some(value), Some(base)) => format!("{} against {}", write(value), write(base)),
        _ => String::new(),
    };
    Line {
        title: title.to_owned(),
        target,
        value: figures.ratio(key, base),
        unit,
        detail,
    }
}

pub fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{seconds:.0} s")
    }
}

pub fn rate(per_second: f64) -> String {
    format!("{:.1} k/s", per_second / 1e3)
}

/// In the units of the targets: a megabyte is 2^20 bytes.
pub fn bytes(bytes: f64) -> String {
    audit_report::format::bytes(bytes.round() as i64)
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1e3)
}
