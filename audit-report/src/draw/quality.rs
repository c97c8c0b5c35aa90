//! Which share of the rows of each table is as it should be.

use super::Pen;
use crate::canvas::{Area, Type, clean};
use crate::dashboard::TableQuality;
use crate::font::{self, Weight};
use crate::format::{count, percent, points, short};
use crate::style::{LABEL, NOTE};

impl Pen {
    /// A dot for each table on a shared scale, the worst first; a line where the share is only known to lie between two.
    pub(crate) fn quality(&mut self, inside: Area, tables: &[TableQuality], in_all: usize) {
        let palette = self.palette;
        let bottom = inside.bottom() + 2.0;
        if tables.is_empty() {
            self.empty(inside, "no table is watched");
            return;
        }
        let fit = ((inside.height - 30.0) / 28.0) as usize;
        let shown = tables.len().min(fit.max(1));
        let pitch = ((inside.height - 34.0) / shown as f64).min(42.0);
        let name_room = tables
            .iter()
            .take(shown)
            .map(|table| font::width(&clean(&table.table), LABEL, Weight::Regular))
            .fold(60.0, f64::max)
            .min((inside.width * 0.28).max(100.0));
        // Where there is little room, the rows and the change are left to the table.
        let roomy = inside.width >= 420.0;
        let aside = if roomy { 206.0 } else { 84.0 };
        let scale = Area {
            x: inside.x + name_room + 14.0,
            y: inside.y,
            width: inside.width - name_room - 14.0 - aside,
            height: pitch * shown as f64,
        };
        let lowest = tables
            .iter()
            .take(shown)
            .filter_map(|table| table.at_least)
            .fold(1.0, f64::min);
        let floor = quality_floor(lowest);
        let place_of = |share: f64| scale.x + scale.width * (share - floor) / (1.0 - floor);
        for step in (0..=2).step_by(if roomy { 1 } else { 2 }) {
            let share = floor + (1.0 - floor) * f64::from(step) / 2.0;
            let x = place_of(share);
            self.canvas.line(
                (x, scale.y),
                (x, scale.bottom() + 2.0),
                palette.hairline,
                1.0,
            );
            self.canvas.text(
                x,
                scale.bottom() + 20.0,
                &format!("{} %", (share * 1000.0).round() / 10.0),
                Type::new(LABEL, palette.soft).middle(),
            );
        }
        for (place, table) in tables.iter().take(shown).enumerate() {
            let y = scale.y + pitch * (place as f64 + 0.5);
            self.canvas.text_in(
                inside.x,
                y + 4.0,
                name_room,
                &table.table,
                Type::new(LABEL, palette.ink),
            );
            self.canvas
                .line((scale.x, y), (scale.right(), y), palette.hairline, 2.0);
            let rows = match (table.rules, table.rows) {
                (0, _) => "no rules".to_owned(),
                (_, 1) => "1 row".to_owned(),
                (_, rows) => format!("{} rows", short(rows)),
            };
            if roomy {
                self.canvas.text(
                    inside.right(),
                    y + 4.0,
                    &rows,
                    Type::new(NOTE, palette.quiet).end(),
                );
            }
            if let (true, Some(change)) = (roomy, table.change) {
                let color = if change >= 0.000_5 {
                    palette.good
                } else {
                    palette.quiet
                };
                self.canvas.text(
                    inside.right() - 76.0,
                    y + 4.0,
                    &points(change),
                    Type::new(NOTE, color).end(),
                );
            }
            let (Some(low), Some(high)) = (table.at_least, table.at_most) else {
                self.canvas.text(
                    scale.right() + 12.0,
                    y + 4.0,
                    "–",
                    Type::new(LABEL, palette.quiet),
                );
                continue;
            };
            let color = if low >= 0.999 {
                palette.good
            } else {
                palette.series
            };
            if high - low > 0.000_5 {
                self.canvas
                    .line((place_of(low), y), (place_of(high), y), color, 3.0);
                self.canvas.circle((place_of(high), y), 3.0, color);
            }
            self.canvas.circle((place_of(low), y), 6.0, color);
            let number = if percent(low) == percent(high) {
                percent(low)
            } else {
                format!("≥ {}", percent(low))
            };
            self.canvas.text(
                scale.right() + 12.0,
                y + 4.0,
                &number,
                Type::new(LABEL, palette.ink).bold(),
            );
        }
        let mut start = inside.x;
        if in_all > shown {
            let more = count((in_all - shown) as i64, "table", "tables");
            let width = self.canvas.text(
                inside.x,
                bottom,
                &format!("and {more} more"),
                Type::new(NOTE, palette.quiet),
            );
            start += width + 16.0;
        }
        let shown = || tables.iter().take(shown);
        let mut foot = Vec::new();
        if shown().any(|table| match (table.at_least, table.at_most) {
            (Some(low), Some(high)) => percent(low) != percent(high),
            _ => false,
        }) {
            foot.push("line: rows may fail several rules");
        }
        if roomy && shown().any(|table| table.change.is_some()) {
            foot.push("pt: rows written in the second half against the first");
        }
        let foot = font::fit(
            &foot.join(" · "),
            NOTE,
            Weight::Regular,
            inside.right() - start,
        );
        self.canvas.text(
            inside.right(),
            bottom,
            &foot,
            Type::new(NOTE, palette.quiet).end(),
        );
    }
}

/// Where the scale of quality begins: the nearest round share below the lowest.
fn quality_floor(lowest: f64) -> f64 {
    [0.98, 0.95, 0.9, 0.8, 0.5]
        .into_iter()
        .find(|floor| lowest >= *floor)
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_of_quality_begins_below_the_lowest() {
        assert_eq!(quality_floor(0.999), 0.98);
        assert_eq!(quality_floor(0.74), 0.5);
        assert_eq!(quality_floor(0.1), 0.0);
    }
}
