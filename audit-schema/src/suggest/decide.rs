//! From what the rows say to the rules that they suggest. Nothing here asks the database.

use audit_core::RuleKind;
use serde_json::{Number, Value};

use super::{Class, Column, Profile, Reference, Suggested, Suggestion};

/// Fewer rows say nothing about those to come.
const FEWEST_ROWS: i64 = 30;
/// Fewer rows say nothing about one in a hundred.
const FEWEST_FOR_A_SHARE: i64 = 1_000;
/// The share that is suggested where a few rows fail.
const MOSTLY: f64 = 0.99;
/// More different values are no set of choices.
const MOST_CHOICES: i64 = 20;

/// What is suggested for a table.
pub(super) fn decide(profile: &Profile, natural_key: Option<Vec<String>>) -> Suggested {
    let mut suggested = Suggested {
        table: profile.table.clone(),
        rows: profile.rows(),
        estimated: profile.estimated,
        whole: profile.whole,
        rules: Vec::new(),
        notes: Vec::new(),
    };
    if suggested.rows < FEWEST_ROWS {
        suggested.notes.push(format!(
            "{} are too few to suggest anything from.",
            rows(suggested.rows)
        ));
        return suggested;
    }
    for key in &profile.keys {
        let columns: Vec<String> = key.iter().map(|name| quoted(name)).collect();
        suggested
            .notes
            .push(format!("An index keeps {} unique.", columns.join(", ")));
    }
    for column in &profile.columns {
        Deciding {
            profile,
            column,
            suggested: &mut suggested,
        }
        .column();
    }
    if let Some(columns) = natural_key {
        let evidence = format!(
            "No two of all {} agree in these columns.",
            rows(profile.rows())
        );
        suggested.rules.push(Suggestion {
            kind: RuleKind::Unique { columns },
            mostly: None,
            evidence,
        });
    }
    suggested
}

struct Deciding<'d> {
    profile: &'d Profile,
    column: &'d Column,
    suggested: &'d mut Suggested,
}

impl Deciding<'_> {
    fn column(&mut self) {
        let seen = &self.column.seen;
        if !nameable(&self.column.name) {
            let name = quoted(&self.column.name);
            self.note(format!(
                "{name} has a semicolon in its name, so no rule can name it."
            ));
            return;
        }
        self.not_null();
        if seen.present == 0 {
            let name = quoted(&self.column.name);
            self.note(format!(
                "{name} has no value in any row that was looked at."
            ));
            return;
        }
        if self.column.numbered || self.column.class == Class::Other {
            return;
        }
        let unique = self.unique();
        let reference = self.reference();
        match self.column.class {
            Class::Text => self.text(reference),
            Class::Time => self.time(),
            Class::Integer | Class::Number
                if !unique
                    && reference.is_none()
                    && !self.column.foreign_key
                    && !is_number_of_something(&self.column.name) =>
            {
                self.range();
            }
            _ => {}
        }
    }

    fn not_null(&mut self) {
        let (column, seen) = (self.column, &self.column.seen);
        // The statistics know of rows that were not looked at.
        let elsewhere = column.null_frac.unwrap_or_default();
        if column.not_null || elsewhere > 1.0 - MOSTLY {
            return;
        }
        let missing = seen.rows - seen.present;
        let Some(mut mostly) = strength(missing, seen.rows) else {
            return;
        };
        if missing == 0 && elsewhere > 0.0 {
            mostly = Some(MOSTLY);
        }
        let evidence = match (missing, mostly) {
            (0, None) => format!("All {} have a value.", rows(seen.rows)),
            (0, Some(_)) => format!(
                "All {} have a value, but ANALYZE saw some that have none.",
                rows(seen.rows)
            ),
            _ => format!(
                "{} of {} have a value.",
                share(seen.present, seen.rows),
                rows(seen.rows)
            ),
        };
        let kind = RuleKind::NotNull {
            column: column.name.clone(),
        };
        self.add(kind, mostly, evidence);
    }

    fn unique(&mut self) -> bool {
        let (column, seen) = (self.column, &self.column.seen);
        let name = column.name.as_str();
        if self.profile.is_key(&[name]) {
            return true;
        }
        let candidate = matches!(column.class, Class::Integer | Class::Text | Class::Uuid)
            && column.is_unique()
            && seen.present >= FEWEST_ROWS;
        let by_statistics = column.n_distinct == Some(-1.0);
        if !candidate || !(self.profile.whole || by_statistics) {
            return false;
        }
        let mut evidence = format!("{} have a value, and no two the same", rows(seen.present));
        evidence += if self.profile.whole {
            "."
        } else {
            "; ANALYZE expects as many values as rows."
        };
        let kind = RuleKind::Unique {
            columns: vec![column.name.clone()],
        };
        self.add(kind, None, evidence);
        true
    }

    /// The best key of another table that the values are found in. A table that lists little else than these values is
    /// better than one in which they happen to be.
    fn reference(&mut self) -> Option<Reference> {
        let column = self.column;
        let enough = |reference: &&Reference| {
            nameable(&reference.key_table)
                && nameable(&reference.key_column)
                && (reference.named || (reference.looked_up >= 3 && reference.rows >= FEWEST_ROWS))
        };
        let best = column
            .references
            .iter()
            .filter(enough)
            .min_by_key(|reference| (reference.missing, !reference.named, reference.key_rows))?
            .clone();
        let target = format!(
            "{}.{}",
            best.key_table,
            audit_core::policy::identifier(&best.key_column)
        );
        let found = best.rows - best.missing;
        let Some(mostly) = strength(best.missing, best.rows) else {
            self.note(format!(
                "{}: {} of {} are found in {}, which is too few for a rule.",
                quoted(&column.name),
                share(found, best.rows),
                rows(best.rows),
                one_line(&target)
            ));
            return None;
        };
        let evidence = match mostly {
            None => format!(
                "All {} of {} are found there.",
                counted(best.looked_up, "different value", "different values"),
                rows(best.rows)
            ),
            Some(_) => format!(
                "{} of {} are found there.",
                share(found, best.rows),
                rows(best.rows)
            ),
        };
        let kind = RuleKind::References {
            column: column.name.clone(),
            table: best.key_table.clone(),
            key: best.key_column.clone(),
        };
        self.add(kind, mostly, evidence);
        Some(best)
    }

    fn text(&mut self, reference: Option<Reference>) {
        let (column, seen) = (self.column, &self.column.seen);
        let name = || column.name.clone();
        if let Some((format, failing)) = column.format
            && let Some(mostly) = strength(failing, seen.present)
        {
            let evidence = written(seen.present - failing, seen.present);
            self.add(
                RuleKind::Format {
                    column: name(),
                    format,
                },
                mostly,
                evidence,
            );
            return;
        }
        // A few out of a long list are choices, all out of a short one are not.
        let lists_them = reference
            .as_ref()
            .is_some_and(|reference| seen.distinct * 3 >= reference.key_rows);
        if !lists_them && self.one_of() {
            return;
        }
        if reference.is_some() {
            return;
        }
        if let Some(pattern) = seen.shape.as_deref().and_then(pattern)
            && seen.present >= FEWEST_ROWS
            && let Some(mostly) = strength(seen.present - seen.of_shape, seen.present)
        {
            let evidence = written(seen.of_shape, seen.present);
            self.add(
                RuleKind::Matches {
                    column: name(),
                    pattern,
                },
                mostly,
                evidence,
            );
            return;
        }
        let fixed = seen.min_length == seen.max_length;
        if let Some(mostly) = strength(seen.blank, seen.present).filter(|_| !fixed) {
            let evidence = match seen.blank {
                0 => format!("None of {} with a value is blank.", rows(seen.present)),
                blank => format!("{blank} of {} with a value are blank.", rows(seen.present)),
            };
            self.add(RuleKind::NotBlank { column: name() }, mostly, evidence);
        }
        self.length();
    }

    fn one_of(&mut self) -> bool {
        let (column, seen) = (self.column, &self.column.seen);
        let Some(values) = &seen.values else {
            return false;
        };
        // A share of the rows as the number of values means that they grow with the table.
        let grows = column.n_distinct.is_some_and(|expected| expected < 0.0) && !self.profile.whole;
        if grows
            || !(2..=MOST_CHOICES).contains(&seen.distinct)
            || !values.iter().all(|value| nameable(value))
            || seen.present < 20 * seen.distinct
        {
            return false;
        }
        let evidence = format!(
            "{} with a value have one of {}.",
            rows(seen.present),
            counted(seen.distinct, "value", "values")
        );
        let kind = RuleKind::OneOf {
            column: column.name.clone(),
            values: values.iter().cloned().map(Value::String).collect(),
        };
        self.add(kind, None, evidence);
        true
    }

    fn length(&mut self) {
        let (column, seen) = (self.column, &self.column.seen);
        let (Some(min), Some(max)) = (seen.min_length, seen.max_length) else {
            return;
        };
        if seen.present < FEWEST_FOR_A_SHARE / 10 {
            return;
        }
        let bound = |length: i64| u32::try_from(length).ok();
        let (least, most) = if min == max {
            (bound(min), bound(max))
        } else if max <= 40 && column.max_length.is_none() {
            (None, bound((max * 3 / 2 + 4) / 5 * 5))
        } else {
            return;
        };
        let evidence = format!(
            "{} with a value have {min} to {max} characters.",
            rows(seen.present)
        );
        let kind = RuleKind::Length {
            column: column.name.clone(),
            min: least,
            max: most,
        };
        self.add(kind, None, evidence);
    }

    fn time(&mut self) {
        let (column, seen) = (self.column, &self.column.seen);
        let (Some(min), Some(max)) = (&seen.min, &seen.max) else {
            return;
        };
        let year = |text: &str| {
            text.get(..4)?
                .parse::<i32>()
                .ok()
                .filter(|year| (1000..=9999).contains(year))
        };
        let day = |text: &str| text.get(..10).unwrap_or(text).to_owned();
        if let Some(mostly) = strength(seen.future, seen.present) {
            let evidence = match seen.future {
                0 => format!(
                    "{} lie in the past, the latest on {}.",
                    rows(seen.present),
                    day(max)
                ),
                future => format!(
                    "{} of {} lie in the past.",
                    share(seen.present - future, seen.present),
                    rows(seen.present)
                ),
            };
            let kind = RuleKind::NotFuture {
                column: column.name.clone(),
                tolerance: None,
            };
            self.add(kind, mostly, evidence);
        }
        if let Some(year) = year(min) {
            let evidence = format!("The earliest of {} is of {}.", rows(seen.present), day(min));
            let kind = RuleKind::Range {
                column: column.name.clone(),
                min: Some(Value::String(format!("{}-01-01", year / 10 * 10))),
                max: None,
            };
            self.add(kind, None, evidence);
        }
    }

    fn range(&mut self) {
        let (column, seen) = (self.column, &self.column.seen);
        let bound = |text: &Option<String>| {
            let value: f64 = text.as_deref()?.parse().ok()?;
            (value.is_finite() && value.abs() < 1e15).then_some(value)
        };
        if seen.present < FEWEST_ROWS {
            return;
        }
        let (Some(low), Some(high)) = (bound(&seen.min), bound(&seen.max)) else {
            let name = quoted(&column.name);
            self.note(format!(
                "{name} has values without a bound, such as NaN or infinity."
            ));
            return;
        };
        let (least, most) = natural_range(&column.name, low, high).map_or_else(
            || (wide_low(low, high, column.class), wide_high(high)),
            |(least, most)| (Some(least), most),
        );
        let evidence = format!(
            "{} with a value lie between {} and {}.",
            rows(seen.present),
            seen.min.as_deref().unwrap_or_default(),
            seen.max.as_deref().unwrap_or_default()
        );
        let kind = RuleKind::Range {
            column: column.name.clone(),
            min: least.map(number),
            max: Some(number(most)),
        };
        self.add(kind, None, evidence);
    }

    fn add(&mut self, kind: RuleKind, mostly: Option<f64>, evidence: String) {
        self.suggested.rules.push(Suggestion {
            kind,
            mostly,
            evidence,
        });
    }

    fn note(&mut self, note: String) {
        self.suggested.notes.push(note);
    }
}

/// Whether a name or a value may stand in a rule: the database takes a semicolon for the end of a statement.
pub(super) fn nameable(text: &str) -> bool {
    !text.contains(';')
}

/// Whether a rule that so many of the rows fail may be suggested: for all rows, for most, or not at all.
fn strength(failing: i64, of: i64) -> Option<Option<f64>> {
    match failing {
        0 => Some(None),
        failing if of >= FEWEST_FOR_A_SHARE && failing as f64 <= (1.0 - MOSTLY) * of as f64 => {
            Some(Some(MOSTLY))
        }
        _ => None,
    }
}

/// The words of a column's name, in small letters.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|character: char| !character.is_alphanumeric())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Whether a column holds numbers that count or measure nothing.
fn is_number_of_something(name: &str) -> bool {
    words(name)
        .last()
        .is_some_and(|last| ["id", "key", "code", "zip"].contains(&last.as_str()))
}

/// Bounds that everybody knows, if the values keep to them.
fn natural_range(name: &str, low: f64, high: f64) -> Option<(f64, f64)> {
    const KNOWN: [(&[&str], f64, f64); 10] = [
        (&["month"], 1.0, 12.0),
        (&["day"], 1.0, 31.0),
        (&["hour"], 0.0, 24.0),
        (&["minute"], 0.0, 59.0),
        (&["second"], 0.0, 60.0),
        (&["dow", "weekday"], 0.0, 7.0),
        (
            &["percent", "percentage", "pct", "humid", "humidity"],
            0.0,
            100.0,
        ),
        (
            &["dir", "direction", "heading", "bearing", "azimuth"],
            0.0,
            360.0,
        ),
        (&["lat", "latitude"], -90.0, 90.0),
        (&["lon", "lng", "longitude"], -180.0, 180.0),
    ];
    let last = words(name).last()?;
    if last == "year" && low >= 1800.0 && high <= 2100.0 {
        return Some((
            (low / 10.0).floor() * 10.0,
            (high / 10.0).floor() * 10.0 + 10.0,
        ));
    }
    KNOWN
        .iter()
        .find(|(names, least, most)| {
            names.contains(&last.as_str()) && low >= *least && high <= *most
        })
        .map(|(_, least, most)| (*least, *most))
}

/// A round number below the lowest value, with a fifth to spare; 0 if nothing is below. Measurements that keep away from 0,
/// such as temperatures, may as well go below it.
fn wide_low(low: f64, high: f64, class: Class) -> Option<f64> {
    if low < 0.0 {
        Some(-round_up(-low * 1.2))
    } else if class == Class::Number && low > 0.05 * high {
        None
    } else {
        Some(0.0)
    }
}

/// A round number above the highest value, with a fifth to spare; 0 if nothing is above.
fn wide_high(high: f64) -> f64 {
    if high <= 0.0 {
        0.0
    } else {
        round_up(high * 1.2)
    }
}

/// The next of 1, 2, 5, 10, 20, 50 …
fn round_up(value: f64) -> f64 {
    let magnitude = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * magnitude)
        .find(|round| *round >= value)
        .unwrap_or(value)
}

fn number(value: f64) -> Value {
    if value.fract() == 0.0 {
        Value::from(value as i64)
    } else {
        Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

/// The regular expression of a shape: `AAA-99` is three capital letters, a hyphen and two digits.
fn pattern(shape: &str) -> Option<String> {
    let mut pattern = String::from("^");
    let mut rest = shape.chars().peekable();
    let mut classes = 0;
    while let Some(character) = rest.next() {
        let mut times = 1;
        while rest.next_if_eq(&character).is_some() {
            times += 1;
        }
        let one = match character {
            'A' => "[A-Z]",
            'a' => "[a-z]",
            '9' => "[0-9]",
            '-' => "-",
            '_' => "_",
            '/' => "/",
            ':' => ":",
            '#' => "#",
            '.' => r"\.",
            '+' => r"\+",
            ' ' => " ",
            _ => return None,
        };
        classes += usize::from(one.starts_with('['));
        pattern += one;
        if times > 1 {
            pattern += &format!("{{{times}}}");
        }
    }
    pattern.push('$');
    (classes > 0).then_some(pattern)
}

fn rows(count: i64) -> String {
    counted(count, "row", "rows")
}

fn counted(count: i64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        super::fragment::thousands(count),
        if count == 1 { one } else { many }
    )
}

fn written(so: i64, of: i64) -> String {
    if so == of {
        format!("All {} with a value are written so.", rows(of))
    } else {
        format!(
            "{} of {} with a value are written so.",
            share(so, of),
            rows(of)
        )
    }
}

/// A share in percent that is never rounded up to all.
fn share(part: i64, of: i64) -> String {
    if part == of {
        return "100 %".to_owned();
    }
    format!(
        "{:.2} %",
        (part as f64 / of.max(1) as f64 * 10_000.0).floor() / 100.0
    )
}

fn quoted(name: &str) -> String {
    format!("`{}`", one_line(name))
}

/// A comment ends with its line, so a name may not end it.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_round_and_leave_room() {
        let bounds: Vec<f64> = [0.37, 4.0, 695.0, 1301.0, 4983.0].map(wide_high).to_vec();
        assert_eq!(bounds, [0.5, 5.0, 1_000.0, 2_000.0, 10_000.0]);
        assert_eq!(
            [
                wide_low(-43.0, 1301.0, Class::Integer),
                wide_low(17.0, 60.0, Class::Integer)
            ],
            [Some(-100.0), Some(0.0)]
        );
        assert_eq!(wide_low(10.9, 64.4, Class::Number), None);
        assert_eq!(wide_high(-1.0), 0.0);
        assert_eq!(natural_range("sched_hour", 5.0, 23.0), Some((0.0, 24.0)));
        assert_eq!(natural_range("hour", 5.0, 30.0), None);
        assert_eq!(
            natural_range("year", 1956.0, 2013.0),
            Some((1950.0, 2020.0))
        );
    }

    #[test]
    fn a_shape_becomes_a_regular_expression() {
        assert_eq!(pattern("AAA-99").as_deref(), Some("^[A-Z]{3}-[0-9]{2}$"));
        assert_eq!(pattern("a.9+9").as_deref(), Some(r"^[a-z]\.[0-9]\+[0-9]$"));
        assert_eq!(pattern("(9)"), None);
        assert_eq!(pattern("--"), None);
        assert_eq!(pattern(""), None);
    }

    #[test]
    fn one_in_a_hundred_of_a_thousand_may_fail() {
        assert_eq!(strength(0, 40), Some(None));
        assert_eq!(strength(1, 999), None);
        assert_eq!(strength(10, 1_000), Some(Some(0.99)));
        assert_eq!(strength(11, 1_000), None);
        assert_eq!(share(99_999, 100_000), "99.99 %");
        assert_eq!(share(999_999, 1_000_000), "99.99 %");
    }
}
