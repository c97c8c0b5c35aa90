//! The raw figures: every value of every round, as they stand in the file, and the medians that are made of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Outcome;

/// All that was measured, by part, table, subject and what it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Of each part: when, where and how it was measured.
    pub conditions: BTreeMap<String, Value>,
    /// What the subjects are called.
    pub titles: BTreeMap<String, String>,
    /// A value for every round, under `part/table/subject/what`.
    values: BTreeMap<String, Vec<f64>>,
}

impl Figures {
    /// The figures of earlier runs; none where there is no file.
    pub fn read(file: &Path) -> Outcome<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let text: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        let entries = |name: &str| text[name].as_object().into_iter().flatten();
        Ok(Self {
            conditions: entries("conditions")
                .map(|(part, value)| (part.clone(), value.clone()))
                .collect(),
            titles: entries("titles")
                .map(|(name, title)| (name.clone(), title.as_str().unwrap_or(name).to_owned()))
                .collect(),
            values: entries("values")
                .map(|(key, values)| {
                    let values = values.as_array().into_iter().flatten();
                    (key.clone(), values.filter_map(Value::as_f64).collect())
                })
                .collect(),
        })
    }

    pub fn write(&self, file: &Path) -> Outcome<()> {
        let values: Map<String, Value> = self
            .values
            .iter()
            .map(|(key, values)| (key.clone(), json!(values)))
            .collect();
        let all = json!({"conditions": self.conditions, "titles": self.titles, "values": values});
        // A line for each entry, so that a difference between two runs can be read.
        let text = serde_json::to_string_pretty(&all)?;
        std::fs::write(file, lists_on_one_line(&text) + "\n")?;
        Ok(())
    }

    /// Forgets what an earlier run measured in a part.
    pub fn forget(&mut self, part: &str) {
        let prefix = format!("{part}/");
        self.values.retain(|key, _| !key.starts_with(&prefix));
        self.conditions.remove(part);
    }

    /// Adds the value of the next round.
    pub fn add(&mut self, part: &str, table: &str, subject: &str, what: &str, value: f64) {
        // Six digits say more than any of these measurements does.
        let value = format!("{value:.5e}").parse().unwrap_or(value);
        self.values
            .entry([part, table, subject, what].join("/"))
            .or_default()
            .push(value);
    }

    /// The median of all rounds, under `part/table/subject/what`.
    pub fn median(&self, key: &str) -> Option<f64> {
        median(self.values.get(key)?.clone())
    }

    /// All values, under `part/table/subject/what`.
    pub fn all(&self, key: &str) -> &[f64] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// What a subject is called.
    pub fn title<'a>(&'a self, subject: &'a str) -> &'a str {
        self.titles.get(subject).map_or(subject, String::as_str)
    }

    /// A number of the conditions under which a part was measured.
    pub fn condition(&self, part: &str, name: &str) -> Option<f64> {
        self.conditions.get(part)?[name].as_f64()
    }

    /// The median of what each round's value is to the other's of the same round.
    pub fn ratio(&self, key: &str, base: &str) -> Option<f64> {
        let (values, bases) = (self.values.get(key)?, self.values.get(base)?);
        median(
            values
                .iter()
                .zip(bases)
                .filter(|(_, base)| **base != 0.0)
                .map(|(value, base)| value / base)
                .collect(),
        )
    }

    /// The subjects that were measured on a table in a part, in the order in which they are to be shown.
    pub fn subjects(&self, part: &str, table: &str) -> Vec<&str> {
        let order = [
            "bare",
            "empty_statement",
            "row_insert",
            "watched",
            "rules",
            "summaries",
            "full",
            "jsonb_statement",
            "jsonb_row",
        ];
        let prefix = format!("{part}/{table}/");
        let mut subjects: Vec<&str> = self
            .values
            .keys()
            .filter_map(|key| key.strip_prefix(&prefix)?.split('/').next())
            .collect();
        subjects.dedup();
        subjects.sort_by_key(|name| {
            order
                .iter()
                .position(|known| known == name)
                .unwrap_or(order.len())
        });
        subjects
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

/// Joins the lines of every list.
fn lists_on_one_line(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut in_list = false;
    for line in text.lines() {
        let bare = line.trim();
        if in_list {
            let gap = if bare.ends_with(',') && !bare.starts_with(']') {
                " "
            } else {
                ""
            };
            joined.push_str(bare);
            joined.push_str(gap);
        } else {
            joined.push_str(line);
        }
        in_list = if in_list {
            !bare.starts_with(']')
        } else {
            bare.ends_with('[')
        };
        if !in_list {
            joined.push('\n');
        }
    }
    joined.trim_end().to_owned()
}
