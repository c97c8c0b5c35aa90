//! Who writes how much to which table, over time.

use audit_schema::metrics::{self, Scope};
use chrono::NaiveDateTime;
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, Table, Words};
use crate::canvas::{Area, Type};
use crate::dashboard::{short_name, size};
use crate::draw::Pen;
use crate::error::Result;
use crate::format::{count, joined, percent, short, thousands};
use crate::style::{LABEL, NOTE};

/// Rows inserted, updated and deleted in the period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// The busiest tables, the busiest first.
    pub tables: Vec<String>,
    /// How many tables were written to; may be more than are in the list.
    pub tables_in_all: usize,
    /// The busiest actors, the busiest first: the actor that was named, else the application, else the role.
    pub actors: Vec<String>,
    /// How many actors wrote; may be more than are in the list.
    pub actors_in_all: usize,
    /// What they wrote. What others wrote, and to other tables, is added up.
    pub cells: Vec<Written>,
}

/// What one actor wrote to one table in one step of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The table; null for those that are not in the list, together.
    pub table: Option<String>,
    /// The actor; null for those that are not in the list, together.
    pub actor: Option<String>,
    /// Beginning of the step, in local time.
    pub start: NaiveDateTime,
    /// Rows.
    pub rows: i64,
}

/// How many tables and actors are named: steps of lightness that an eye can tell apart.
const NAMED: i64 = 4;

impl Changes {
    pub(super) fn load(connection: &mut PgConnection, scope: &Scope) -> Result<Self> {
        let steps = metrics::changes_by_actor(connection, scope, NAMED)?;
        let mut changes = Changes {
            tables_in_all: steps.first().map_or(0, |step| size(step.tables)),
            actors_in_all: steps.first().map_or(0, |step| size(step.actors)),
            cells: steps
                .into_iter()
                .map(|step| Written {
                    table: step.table.map(|table| short_name(&table).to_owned()),
                    actor: step.actor,
                    start: step.start,
                    rows: step.rows,
                })
                .collect(),
            ..Changes::default()
        };
        changes.tables = changes.ranked(&|cell| cell.table.clone());
        changes.actors = changes.ranked(&|cell| cell.actor.clone());
        Ok(changes)
    }

    fn ranked(&self, name: &dyn Fn(&Written) -> Option<String>) -> Vec<String> {
        let mut sums: Vec<(String, i64)> = Vec::new();
        for cell in &self.cells {
            let Some(name) = name(cell) else { continue };
            match sums.iter_mut().find(|(known, _)| *known == name) {
                Some((_, rows)) => *rows += cell.rows,
                None => sums.push((name, cell.rows)),
            }
        }
        sums.sort_by(|(one, few), (other, many)| many.cmp(few).then(one.cmp(other)));
        sums.into_iter().map(|(name, _)| name).collect()
    }

    fn rows(&self, is: &dyn Fn(&Written) -> bool) -> i64 {
        let cells = self.cells.iter().filter(|cell| is(cell));
        cells.map(|cell| cell.rows).sum()
    }

    /// Its named things and, where there are more, all others together.
    fn with_others(names: &[String], in_all: usize) -> Vec<Option<&str>> {
        let mut all: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
        if in_all > names.len() {
            all.push(None);
        }
        all
    }

    fn others(in_all: usize, named: &[String], one: &str, many: &str) -> String {
        let others = (in_all - named.len().min(in_all)) as i64;
        format!("{} more", count(others, one, many))
    }
}

impl Figures for Changes {
    fn words(&self, frame: &Frame) -> Words {
        let step = frame.period.step.name();
        let total = self.rows(&|_| true);
        let head = format!("Changes by table and actor per {step}");
        Words {
            title: if total == 0 {
                format!("{head}: none")
            } else {
                format!(
                    "{head}: {} to {} by {}",
                    count(total, "row", "rows"),
                    count(self.tables_in_all as i64, "table", "tables"),
                    count(self.actors_in_all as i64, "actor", "actors")
                )
            },
            note: format!(
                "Rows inserted, updated and deleted; truncates not counted. Each strip has a scale of its own, from zero to its \
                 highest column. The actor is the one that was named, else the application, else the role. Times in {}.",
                frame.period.zone.name()
            ),
            description: if total == 0 {
                "No changes in this range.".into()
            } else {
                let share = |rows: i64| percent(rows as f64 / total as f64);
                let tables = self.tables.iter().map(|name| {
                    let rows = self.rows(&|cell| cell.table.as_deref() == Some(name));
                    format!("{name} {}", share(rows))
                });
                let actors = self.actors.iter().map(|name| {
                    let rows = self.rows(&|cell| cell.actor.as_deref() == Some(name));
                    format!("{name} {}", share(rows))
                });
                format!(
                    "{} written. By table: {}. By actor: {}.",
                    count(total, "row", "rows"),
                    joined(tables, "and"),
                    joined(actors, "and")
                )
            },
        }
    }

    fn table(&self, frame: &Frame) -> Table {
        Table {
            columns: vec![
                Column::text(frame.period.step.name()),
                Column::text("table"),
                Column::text("actor"),
                Column::number("written", "rows"),
            ],
            rows: self
                .cells
                .iter()
                .map(|cell| {
                    vec![
                        frame.period.step.label(cell.start),
                        cell.table.clone().unwrap_or_else(|| {
                            Self::others(self.tables_in_all, &self.tables, "table", "tables")
                        }),
                        cell.actor.clone().unwrap_or_else(|| {
                            Self::others(self.actors_in_all, &self.actors, "actor", "actors")
                        }),
                        thousands(cell.rows),
                    ]
                })
                .collect(),
            more: 0,
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, frame: &Frame) -> Result<()> {
        if self.cells.is_empty() {
            pen.empty(area, "no changes in this range");
            return Ok(());
        }
        let palette = pen.palette;
        let mut colors: Vec<&'static str> = palette.heat.into_iter().rev().collect();
        let total = self.rows(&|_| true).max(1) as f64;
        let actors = Self::with_others(&self.actors, self.actors_in_all);
        colors.truncate(actors.len());
        let entries: Vec<_> = colors
            .iter()
            .zip(&actors)
            .map(|(color, actor)| {
                let rows = self.rows(&|cell| cell.actor.as_deref() == *actor);
                let name = actor.map_or_else(
                    || Self::others(self.actors_in_all, &self.actors, "actor", "actors"),
                    str::to_owned,
                );
                (*color, format!("{name} {}", percent(rows as f64 / total)))
            })
            .collect();
        pen.legend(area, area.y + 10.0, &entries);

        let starts = frame.period.steps();
        let strips = area.without(0.0, 22.0, 0.0, 24.0);
        let fits = ((strips.height / 44.0) as usize).max(1);
        let mut tables = Self::with_others(&self.tables, self.tables_in_all);
        tables.truncate(fits);
        let pitch = strips.height / tables.len() as f64;
        let names = (area.width * 0.22).clamp(80.0, 160.0);
        let mut last = strips;
        for (nth, table) in tables.iter().enumerate() {
            let strip = Area {
                x: area.x + names + 12.0,
                y: strips.y + pitch * nth as f64 + 6.0,
                width: area.width - names - 12.0,
                height: pitch - 12.0,
            };
            last = strip;
            let layers: Vec<(&'static str, Vec<i64>)> = actors
                .iter()
                .zip(&colors)
                .map(|(actor, color)| {
                    let mut values = vec![0; starts.len()];
                    for cell in &self.cells {
                        let here =
                            cell.table.as_deref() == *table && cell.actor.as_deref() == *actor;
                        if let (true, Ok(place)) = (here, starts.binary_search(&cell.start)) {
                            values[place] += cell.rows;
                        }
                    }
                    (*color, values)
                })
                .collect();
            let highest = (0..starts.len())
                .map(|place| layers.iter().map(|(_, values)| values[place]).sum::<i64>())
                .max()
                .unwrap_or(0);
            pen.columns("changes", strip, highest.max(1) as f64, &[], &layers)?;
            let (from, to) = ((strip.x, strip.bottom()), (strip.right(), strip.bottom()));
            pen.canvas.line(from, to, palette.hairline, 1.0);
            let rows = self.rows(&|cell| cell.table.as_deref() == *table);
            let name = table.map_or_else(
                || Self::others(self.tables_in_all, &self.tables, "table", "tables"),
                str::to_owned,
            );
            let middle = strip.y + strip.height / 2.0;
            let look = Type::new(LABEL, palette.ink);
            pen.canvas.text_in(area.x, middle - 8.0, names, &name, look);
            let look = Type::new(LABEL, palette.ink).bold();
            let text = if rows == 1 {
                "1 row".to_owned()
            } else {
                format!("{} rows", short(rows))
            };
            pen.canvas.text_in(area.x, middle + 8.0, names, &text, look);
            let look = Type::new(NOTE, palette.quiet);
            let text = format!("up to {}", short(highest));
            pen.canvas
                .text_in(area.x, middle + 22.0, names, &text, look);
        }
        pen.time_labels(last, &starts, frame.period.step);
        Ok(())
    }
}
