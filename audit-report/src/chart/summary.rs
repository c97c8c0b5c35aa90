//! What a declared summary says: a line for each group where it has buckets of time, else a bar for each.

use audit_schema::metrics::{self, Scope};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, LISTED, Table, Words};
use crate::canvas::{Area, Type};
use crate::dashboard::{short_name, size};
use crate::draw::{Line, Pen, Row, Rows, Scale};
use crate::error::{Error, Result};
use crate::format::{count, decimal};
use crate::style::NOTE;

/// A measure of a declared summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// The table that it sums up, without its schema where that is `public`.
    pub table: String,
    /// The measure that is shown.
    pub measure: String,
    /// How it is computed: count, count_if, sum, avg, min, max or stddev.
    pub function: String,
    /// The columns that it is split by.
    pub split_by: Vec<String>,
    /// The width of a bucket and the zone that it begins in, where it has buckets.
    pub bucket: Option<(String, String)>,
    /// The groups with the largest values first.
    pub groups: Vec<Group>,
    /// How many groups there are; may be more than are in the list.
    pub in_all: usize,
    /// Whether there were more buckets in the range than are read, and only the newest are shown.
    pub cut: bool,
}

/// A group of a summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its values in words; empty for a summary without groups.
    pub name: String,
    /// Its value, without buckets; null where there is none.
    pub value: Option<f64>,
    /// Its value by bucket; buckets without it are left out.
    pub buckets: Vec<(DateTime<Utc>, Option<f64>)>,
}

/// How many lines a picture has room for.
const LINES: i64 = 6;

impl Summary {
    pub(super) fn load(
        connection: &mut PgConnection,
        scope: &Scope,
        name: &str,
        measure: Option<&str>,
    ) -> Result<Self> {
        let shape = metrics::summary(connection, name)?;
        let found = match measure {
            Some(name) => shape.measures.iter().find(|measure| measure.name == name),
            None => shape.measures.first(),
        };
        let measure = found.ok_or_else(|| Error::NoMeasure {
            summary: shape.name.clone(),
            measure: measure.unwrap_or_default().to_owned(),
            known: shape
                .measures
                .iter()
                .map(|measure| measure.name.clone())
                .collect(),
        })?;
        let limit = if shape.bucket.is_some() {
            LINES
        } else {
            LISTED
        };
        let points = metrics::summary_points(connection, scope, &shape, measure, limit)?;
        let mut summary = Summary {
            name: shape.name.clone(),
            table: short_name(&shape.table).to_owned(),
            measure: measure.name.clone(),
            function: measure.function.clone(),
            split_by: shape.groups.clone(),
            bucket: shape.bucket.clone(),
            in_all: points.first().map_or(0, |point| size(point.groups)),
            ..Summary::default()
        };
        for point in points {
            let known = summary
                .groups
                .last()
                .is_some_and(|group| group.name == point.name);
            if !known {
                summary.groups.push(Group {
                    name: point.name,
                    ..Group::default()
                });
            }
            if let Some(group) = summary.groups.last_mut() {
                match point.bucket {
                    Some(bucket) => group.buckets.push((bucket, point.value)),
                    None => group.value = point.value,
                }
            }
        }
        let longest = summary.groups.iter().map(|group| group.buckets.len()).max();
        summary.cut = longest.unwrap_or(0) as i64 >= metrics::BUCKETS;
        Ok(summary)
    }

    fn says(&self) -> String {
        self.measure.replace('_', " ")
    }

    fn last(group: &Group) -> Option<f64> {
        let last = group.buckets.iter().rev().find_map(|(_, value)| *value);
        last.or(group.value)
    }
}

impl Figures for Summary {
    fn words(&self, frame: &Frame) -> Words {
        let by = if self.split_by.is_empty() {
            String::new()
        } else {
            format!(" by {}", self.split_by.join(" and "))
        };
        let per = match &self.bucket {
            Some((width, _)) => format!(" per {}", width.strip_prefix("1 ").unwrap_or(width)),
            None => String::new(),
        };
        let cut = if self.cut {
            " Only the newest buckets of the range are shown."
        } else {
            ""
        };
        let in_buckets = match &self.bucket {
            Some((_, zone)) => format!(" Buckets begin in {zone}."),
            None => " Of all rows that are in the table now; the range does not count.".into(),
        };
        let told: Vec<String> = self
            .groups
            .iter()
            .take(3)
            .map(|group| {
                let value = Self::last(group).map_or_else(|| "nothing".to_owned(), decimal);
                if group.name.is_empty() {
                    value
                } else {
                    format!("{} {value}", group.name)
                }
            })
            .collect();
        let function = match self.function.as_str() {
            "count" => "number of rows",
            "count_if" => "number of rows for which a condition holds",
            "sum" => "sum",
            "avg" => "mean",
            "min" => "least value",
            "max" => "greatest value",
            _ => "standard deviation",
        };
        Words {
            title: format!(
                "{}{by}{per}, from {}",
                capital(&self.says()),
                self.name.replace('_', " ")
            ),
            note: format!(
                "{}: {function} in {}, exact as of {} in {}.{in_buckets}{cut}",
                self.says(),
                self.table,
                frame.local(frame.as_of),
                frame.period.zone.name()
            ),
            description: if told.is_empty() {
                "The summary has no rows in this range.".into()
            } else {
                format!(
                    "{}{}: {}.",
                    capital(&self.says()),
                    if self.bucket.is_some() {
                        ", last bucket"
                    } else {
                        ""
                    },
                    told.join("; ")
                )
            },
        }
    }

    fn table(&self, frame: &Frame) -> Table {
        let group = if self.split_by.is_empty() {
            "all".to_owned()
        } else {
            self.split_by.join(" · ")
        };
        let mut columns = vec![Column::text(&group)];
        if self.bucket.is_some() {
            columns.push(Column::text("bucket"));
        }
        columns.push(Column::number(self.says(), ""));
        let text = |value: Option<f64>| value.map_or_else(String::new, decimal);
        let mut rows = Vec::new();
        for group in &self.groups {
            if self.bucket.is_none() {
                rows.push(vec![group.name.clone(), text(group.value)]);
            }
            for (bucket, value) in &group.buckets {
                rows.push(vec![group.name.clone(), frame.local(*bucket), text(*value)]);
            }
        }
        Table {
            columns,
            rows,
            more: self.in_all.saturating_sub(self.groups.len()),
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, frame: &Frame) -> Result<()> {
        if self.groups.is_empty() {
            pen.empty(area, "the summary has no rows in this range");
            return Ok(());
        }
        if self.bucket.is_some() {
            self.draw_lines(pen, area, frame);
        } else {
            self.draw_bars(pen, area);
        }
        Ok(())
    }
}

impl Summary {
    fn draw_bars(&self, pen: &mut Pen, area: Area) {
        let color = pen.palette.series;
        let rows: Vec<Row> = self
            .groups
            .iter()
            .map(|group| Row {
                sign: None,
                label: if group.name.is_empty() {
                    "all rows".into()
                } else {
                    group.name.clone()
                },
                parts: group
                    .value
                    .map(|value| (value, color))
                    .into_iter()
                    .collect(),
                text: group.value.map_or_else(|| "none".into(), decimal),
                mark: None,
            })
            .collect();
        pen.rows(
            area,
            &Rows {
                rows: &rows,
                in_all: self.in_all,
                what: ("group", "groups"),
                top: None,
                aside: 0.0,
            },
        );
    }

    fn draw_lines(&self, pen: &mut Pen, area: Area, frame: &Frame) {
        let (start, end) = (frame.period.start(), frame.period.end());
        let span = (end - start).num_seconds().max(1) as f64;
        // A bucket that is missing interrupts a line: the usual distance of two tells which are.
        let mut gaps: Vec<i64> = self
            .groups
            .iter()
            .flat_map(|group| group.buckets.windows(2))
            .map(|pair| (pair[1].0 - pair[0].0).num_seconds())
            .collect();
        gaps.sort_unstable();
        let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
        let colors = pen.palette.lines;
        let mut lines: Vec<Line> = self
            .groups
            .iter()
            .enumerate()
            .map(|(nth, group)| {
                let mut points = Vec::new();
                let mut before: Option<DateTime<Utc>> = None;
                for (bucket, value) in &group.buckets {
                    // A month may have a tenth more days than another.
                    let far = |before: DateTime<Utc>| {
                        (*bucket - before).num_seconds() as f64 > usual as f64 * 1.25
                    };
                    if before.is_some_and(far) {
                        points.push((0.0, None));
                    }
                    let x = ((*bucket - start).num_seconds() as f64 + usual as f64 / 2.0) / span;
                    points.push((x.clamp(0.0, 1.0), *value));
                    before = Some(*bucket);
                }
                Line {
                    name: if group.name.is_empty() {
                        self.says()
                    } else {
                        group.name.clone()
                    },
                    text: Self::last(group).map_or_else(|| "none".into(), decimal),
                    sign: None,
                    color: colors[nth % colors.len()],
                    dashed: nth >= colors.len(),
                    dots: false,
                    width: 1.75,
                    points,
                }
            })
            .collect();
        let ends = Pen::room_of_ends(area, &lines);
        let plot = area.without(56.0, 8.0, ends, 44.0);
        lines.truncate((((plot.height + 12.0) / 30.0) as usize).max(1));
        let values = || {
            lines
                .iter()
                .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
        };
        let scale = Scale::numbers(
            values().fold(f64::INFINITY, f64::min).min(f64::MAX),
            values().fold(f64::NEG_INFINITY, f64::max).max(f64::MIN),
            5,
        );
        pen.grid(plot, &scale);
        pen.lines(plot, &scale, &lines);
        let shown = pen.ends(plot, &scale, &lines, ends);
        pen.time_labels(plot, &frame.period.steps(), frame.period.step);
        let mut foot = "beside each line: its last value".to_owned();
        if self.in_all > shown {
            let more = count((self.in_all - shown) as i64, "group", "groups");
            foot = format!("and {more} more with smaller values · {foot}");
        }
        let look = Type::new(NOTE, pen.palette.quiet);
        let y = area.bottom() - 2.0;
        pen.canvas.text_in(area.x, y, area.width, &foot, look);
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
