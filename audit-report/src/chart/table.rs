//! The figures of a chart in words.

use serde::{Deserialize, Serialize};

/// The figures of a chart as a table: behind the picture for those who do not see it, and for copying.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What its columns are.
    pub columns: Vec<Column>,
    /// A text for each column; empty where there is nothing to say.
    pub rows: Vec<Vec<String>>,
    /// How many rows were left out at the end.
    pub more: usize,
}

/// A column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// What it says.
    pub name: String,
    /// In which unit; empty for words and times.
    pub unit: String,
    /// Whether it holds numbers, which are written flush right.
    pub number: bool,
}

impl Column {
    /// A column of words or times.
    pub fn text(name: &str) -> Self {
        Column {
            name: name.into(),
            unit: String::new(),
            number: false,
        }
    }

    /// A column of numbers.
    pub fn number(name: impl Into<String>, unit: &str) -> Self {
        Column {
            name: name.into(),
            unit: unit.into(),
            number: true,
        }
    }

    /// Its name with its unit.
    pub fn heading(&self) -> String {
        if self.unit.is_empty() {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.unit)
        }
    }
}
