//! The sentences of SodaCL: what is measured, and which values are good.

use serde_json::Value;

use crate::import::aggregate::period;
use crate::import::mapped::Between;
use crate::policy::node::Node;
use crate::{Period, Severity, Unit};

/// What a check measures.
pub(super) enum Subject {
    /// Rows or values that are missing, invalid or there twice.
    Counted {
        what: String,
        columns: Vec<String>,
        percent: bool,
    },
    /// `values in (a) must exist in other (b)`.
    Reference {
        columns: Vec<String>,
        table: String,
        keys: Vec<String>,
        exists: bool,
    },
    /// `row_count same as other`.
    SameCount {
        table: String,
    },
    FailedRows,
    Anomaly,
    Number(Number),
}

/// A number of a table.
pub(super) enum Number {
    RowCount,
    Freshness {
        column: String,
    },
    Aggregate {
        function: String,
        column: String,
        argument: Option<f64>,
    },
    /// A metric that the check itself defines.
    Own {
        name: String,
    },
}

/// Which values are good, and how much it matters if one is not.
pub(super) struct Comparison {
    pub(super) severity: Severity,
    pub(super) passes: Between,
    /// The bounds as they were written, for lengths of time.
    written: Vec<String>,
}

impl Comparison {
    /// The greatest length of time that is good.
    pub(super) fn length(&self) -> Option<Period> {
        let is_upper =
            self.passes.max.is_some() && self.passes.min.is_none() && !self.passes.outside;
        match self.written.as_slice() {
            [written] if is_upper => length(written),
            _ => None,
        }
    }
}

/// The metric of a check, and what is good by its own words or by those of `warn` and `fail`.
pub(super) fn levels(
    written: &str,
    config: Option<&Node>,
) -> Result<(String, Vec<Comparison>), String> {
    let (metric, own) = split(written);
    let mut levels = Vec::new();
    if let Some(own) = own {
        levels.push(comparison(own, Severity::Important, true)?);
    }
    for (word, severity) in [("fail", Severity::Important), ("warn", Severity::Normal)] {
        let Some(node) = config.and_then(|config| config.get(word)) else {
            continue;
        };
        let Some(text) = node.text() else {
            return Err(format!("its `{word}` is no condition such as `when > 10`"));
        };
        let text = text.trim();
        let text = text.strip_prefix("when").unwrap_or(text).trim();
        // A condition may name the metric once more.
        let text = text.strip_prefix(metric.as_str()).unwrap_or(text).trim();
        levels.push(comparison(text, severity, false)?);
    }
    Ok((metric, levels))
}

/// The words before a comparison, and the comparison.
fn split(written: &str) -> (String, Option<&str>) {
    let mut depth = 0_i32;
    for (place, character) in written.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth > 0 => {}
            '<' | '>' | '=' | '!' => {
                return (written[..place].trim().to_owned(), Some(&written[place..]));
            }
            ' ' => {
                let rest = written[place..].trim_start();
                if rest.starts_with("between ") || rest.starts_with("not between ") {
                    return (written[..place].trim().to_owned(), Some(rest));
                }
            }
            _ => {}
        }
    }
    (written.trim().to_owned(), None)
}

/// `> 10`, `between (10 and 15]`: what is good if it is said so, else what is bad.
fn comparison(text: &str, severity: Severity, good: bool) -> Result<Comparison, String> {
    let wrong = || format!("`{text}` is no comparison");
    let text = text.trim();
    let (between, written) = if let Some(rest) = text.strip_prefix("not between ") {
        let (between, written) = both(rest).ok_or_else(wrong)?;
        (
            Between {
                outside: true,
                ..between
            },
            written,
        )
    } else if let Some(rest) = text.strip_prefix("between ") {
        both(rest).ok_or_else(wrong)?
    } else {
        let operator = ["<=", ">=", "!=", "<>", "==", "<", ">", "="]
            .into_iter()
            .find(|operator| text.starts_with(operator))
            .ok_or_else(wrong)?;
        let bound = text[operator.len()..].trim().to_owned();
        let value = Some(value(&bound).ok_or_else(wrong)?);
        let between = match operator {
            "<=" => Between {
                max: value,
                ..Between::default()
            },
            "<" => Between {
                max: value,
                below_max: true,
                ..Between::default()
            },
            ">=" => Between {
                min: value,
                ..Between::default()
            },
            ">" => Between {
                min: value,
                above_min: true,
                ..Between::default()
            },
            "=" | "==" => Between {
                min: value.clone(),
                max: value,
                ..Between::default()
            },
            _ => Between {
                min: value.clone(),
                max: value,
                outside: true,
                ..Between::default()
            },
        };
        (between, vec![bound])
    };
    Ok(Comparison {
        severity,
        passes: if good { between } else { negated(between) },
        written,
    })
}

/// `10 and 15`, `(10 and 15]`.
fn both(text: &str) -> Option<(Between, Vec<String>)> {
    let text = text.trim();
    let above_min = text.starts_with('(');
    let below_max = text.ends_with(')');
    let inner = text
        .trim_start_matches(['(', '['])
        .trim_end_matches([')', ']']);
    let (low, high) = inner.split_once(" and ")?;
    let (low, high) = (low.trim().to_owned(), high.trim().to_owned());
    let between = Between {
        min: Some(value(&low)?),
        max: Some(value(&high)?),
        above_min,
        below_max,
        outside: false,
    };
    Some((between, vec![low, high]))
}

/// Everything that does not lie between.
fn negated(between: Between) -> Between {
    match (&between.min, &between.max) {
        (Some(_), None) if !between.outside => Between {
            max: between.min,
            below_max: !between.above_min,
            ..Between::default()
        },
        (None, Some(_)) if !between.outside => Between {
            min: between.max,
            above_min: !between.below_max,
            ..Between::default()
        },
        _ => Between {
            outside: !between.outside,
            ..between
        },
    }
}

/// A number, a share as `5%`, a length of time as its text, or a date.
fn value(written: &str) -> Option<Value> {
    let text = written
        .trim_end_matches('%')
        .trim()
        .trim_matches(['\'', '"']);
    if text.is_empty() || text.contains(['(', ')', '\'', '"']) {
        return None;
    }
    if let Ok(number) = text.parse::<serde_json::Number>() {
        return Some(Value::Number(number));
    }
    // `1,000` and `1_000` are not numbers of SodaCL; dates and lengths of time begin with a digit.
    text.starts_with(|first: char| first.is_ascii_digit())
        .then(|| Value::String(text.to_owned()))
}

/// `27h`, `1d6h`, `90m`, and in hours if there is no unit.
fn length(written: &str) -> Option<Period> {
    if let Ok(number) = written.parse::<f64>() {
        return period(number, "hour");
    }
    let mut seconds: u64 = 0;
    let mut parts = 0;
    let mut only = None;
    let mut rest = written.trim();
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit())?;
        let count: u32 = rest[..end].parse().ok()?;
        let unit = rest[end..].chars().next()?;
        let unit_of = match unit {
            'd' => Unit::Day,
            'h' => Unit::Hour,
            'm' => Unit::Minute,
            's' => Unit::Second,
            _ => return None,
        };
        let period = Period::new(count, unit_of);
        only = Some(period);
        seconds = seconds.checked_add(u64::try_from(period.to_delta().num_seconds()).ok()?)?;
        parts += 1;
        rest = rest[end + unit.len_utf8()..].trim_start();
    }
    let whole = |unit: u64, of: Unit| {
        seconds.is_multiple_of(unit).then(|| {
            u32::try_from(seconds / unit)
                .ok()
                .map(|count| Period::new(count, of))
        })?
    };
    match parts {
        0 => None,
        1 => only,
        _ => whole(3_600, Unit::Hour)
            .or_else(|| whole(60, Unit::Minute))
            .or_else(|| whole(1, Unit::Second)),
    }
}

/// Reads what comes before the comparison.
pub(super) fn subject(metric: &str) -> Result<Subject, String> {
    let metric = metric.trim();
    let lower = metric.to_lowercase();
    if lower == "failed rows" {
        return Ok(Subject::FailedRows);
    }
    if lower == "row_count" {
        return Ok(Subject::Number(Number::RowCount));
    }
    if let Some(rest) = lower.strip_prefix("row_count same as ") {
        let table = &metric[metric.len() - rest.len()..];
        if table.split_whitespace().count() > 1 {
            return Err("it is about a table of another data source".to_owned());
        }
        return Ok(Subject::SameCount {
            table: table.trim().to_owned(),
        });
    }
    if lower.starts_with("values in ") {
        return reference(&metric["values in ".len()..]);
    }
    if let Some(rest) = lower.strip_prefix("freshness using ") {
        let mut words = rest.split_whitespace();
        let column = words.next().unwrap_or_default().to_owned();
        return match (words.next(), words.next()) {
            (None, _) => Ok(Subject::Number(Number::Freshness { column })),
            (Some("with"), Some("now")) => Ok(Subject::Number(Number::Freshness { column })),
            _ => Err("it has a variable, whose value only a scan knows".to_owned()),
        };
    }
    if lower == "anomaly detection for row_count" || lower == "anomaly score for row_count" {
        return Ok(Subject::Anomaly);
    }
    for (begin, reason) in [
        (
            "anomaly ",
            "no kind of rule learns which values of a metric are usual; `volume` does so for numbers of rows",
        ),
        (
            "change ",
            "no kind of rule compares a metric with what it was before",
        ),
        (
            "distribution_difference",
            "no kind of rule compares distributions",
        ),
        (
            "group by",
            "checks by group are not read; `group_by` of a summary with `bounds` says the like",
        ),
        (
            "group evolution",
            "no kind of rule compares the groups of a table with what they were",
        ),
        (
            "reconciliation",
            "reconciliation of two data sources is not read; `reconcile` compares two tables",
        ),
        ("percentile_", "the metric is not known"),
    ] {
        if lower.starts_with(begin) {
            return Err(reason.to_owned());
        }
    }
    let Some((function, rest)) = metric.split_once('(') else {
        if metric.is_empty() || metric.contains(char::is_whitespace) {
            return Err("it is no check that is known".to_owned());
        }
        return Ok(Subject::Number(Number::Own {
            name: metric.to_owned(),
        }));
    };
    let inner = rest
        .strip_suffix(')')
        .ok_or_else(|| "a parenthesis is not closed".to_owned())?;
    let arguments: Vec<String> = inner
        .split(',')
        .map(|argument| argument.trim().to_owned())
        .filter(|argument| !argument.is_empty())
        .collect();
    let function = function.trim().to_lowercase();
    let Some(column) = arguments.first().cloned() else {
        return Err("it is about no column".to_owned());
    };
    Ok(match function.as_str() {
        "missing_count" | "missing_percent" | "invalid_count" | "invalid_percent"
        | "duplicate_count" | "duplicate_percent" => {
            let (what, unit) = function
                .split_once('_')
                .unwrap_or((function.as_str(), "count"));
            Subject::Counted {
                what: what.to_owned(),
                columns: arguments,
                percent: unit == "percent",
            }
        }
        "freshness" if arguments.len() == 1 => Subject::Number(Number::Freshness { column }),
        "freshness" => return Err("it has a variable, whose value only a scan knows".to_owned()),
        _ => {
            let argument = arguments.get(1).and_then(|argument| argument.parse().ok());
            Subject::Number(Number::Aggregate {
                function,
                column,
                argument,
            })
        }
    })
}

/// `(a, b) must exist in other (c, d)`, also without parentheses.
fn reference(text: &str) -> Result<Subject, String> {
    let (ours, theirs, exists) = if let Some((ours, theirs)) = text.split_once(" must exist in ") {
        (ours, theirs, true)
    } else if let Some((ours, theirs)) = text.split_once(" must not exist in ") {
        (ours, theirs, false)
    } else {
        return Err("it does not say where the values must be".to_owned());
    };
    let columns = |text: &str| -> Vec<String> {
        let inner = text.trim().trim_start_matches('(').trim_end_matches(')');
        inner
            .split(',')
            .map(|column| column.trim().to_owned())
            .filter(|column| !column.is_empty())
            .collect()
    };
    let theirs = theirs.trim();
    let (table, keys) = theirs
        .split_once(['(', ' '])
        .ok_or_else(|| "it does not say in which column".to_owned())?;
    Ok(Subject::Reference {
        columns: columns(ours),
        table: table.trim().to_owned(),
        keys: columns(keys),
        exists,
    })
}
