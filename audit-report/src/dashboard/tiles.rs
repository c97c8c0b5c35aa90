//! The row of tiles: one number each, with its unit, a note and where it helps a trend.

use plotters::prelude::{ChartBuilder, LineSeries, ShapeStyle};

use super::draw::Sheet;
use super::tile::{Tile, Tone, tiles};
use crate::canvas::{Area, Type, fine};
use crate::draw::{GUTTER, rgb};
use crate::error::Result;
use crate::font::{self, Weight};
use crate::style::{LABEL, NOTE, NUMBER};

impl Sheet<'_> {
    pub(super) fn tiles(&mut self, area: Area) -> Result<()> {
        let width = (area.width + GUTTER) / 6.0;
        for (place, tile) in tiles(self.data).iter().enumerate() {
            let tile_area = Area {
                x: area.x + width * place as f64,
                width: width - GUTTER,
                ..area
            };
            self.tile(tile_area, tile)?;
        }
        Ok(())
    }

    fn tile(&mut self, area: Area, tile: &Tile) -> Result<()> {
        let palette = self.pen.palette;
        self.pen.canvas.outline(area, palette.border, 8.0);
        // The strip at its left, and what it vouches for.
        let mark = match tile.tone {
            Tone::Neutral => None,
            Tone::Good => Some(palette.good),
            Tone::Bad(severity) => Some(self.pen.color(severity)),
        };
        if let Some(color) = mark {
            let strip = Area {
                x: area.x - 1.0,
                y: area.y + 12.0,
                width: 3.0,
                height: area.height - 24.0,
            };
            self.pen.canvas.rectangle(strip, color, 1.5);
        }
        let inside = area.without(16.0, 0.0, 16.0, 0.0);
        self.pen.canvas.text(
            inside.x,
            area.y + 26.0,
            tile.label,
            Type::new(LABEL, palette.soft),
        );
        let mut x = inside.x;
        let color = mark.filter(|_| tile.sign.is_some()).unwrap_or(palette.ink);
        if let Some(severity) = tile.sign {
            self.pen
                .canvas
                .sign(severity, (x + 11.0, area.y + 50.0), 20.0, color);
            x += 32.0;
        }
        let width = self.pen.canvas.text(
            x,
            area.y + 60.0,
            &tile.number,
            Type::new(NUMBER, color).bold(),
        );
        let unit = match &tile.short_unit {
            Some(short) if font::width(&tile.unit, LABEL, Weight::Regular) > inside.width => short,
            _ => &tile.unit,
        };
        self.pen.canvas.text_in(
            inside.x,
            area.y + 80.0,
            inside.width,
            unit,
            Type::new(LABEL, palette.soft),
        );
        let note = if tile.tone == Tone::Good {
            palette.good
        } else {
            palette.quiet
        };
        self.pen.canvas.text_in(
            inside.x,
            area.y + 98.0,
            inside.width,
            &tile.note,
            Type::new(NOTE, note),
        );
        let room = inside.right() - (x + width + 16.0);
        if tile.trend.len() > 1 && room > 40.0 && tile.trend.iter().any(|value| *value > 0) {
            let spark = Area {
                x: inside.right() - room.min(84.0),
                y: area.y + 20.0,
                width: room.min(84.0),
                height: 36.0,
            };
            self.sparkline(spark, &tile.trend)?;
        }
        Ok(())
    }

    fn sparkline(&mut self, area: Area, values: &[i64]) -> Result<()> {
        let top = values.iter().copied().max().unwrap_or(0).max(1) as f64 * 1.05;
        let line = ShapeStyle {
            color: rgb(self.pen.palette.series).into(),
            filled: false,
            stroke_width: fine(1.4) as u32,
        };
        let last = values.len() - 1;
        self.pen.canvas.plot("sparkline", area, |root| {
            let mut chart =
                ChartBuilder::on(root).build_cartesian_2d(0.0..last as f64, 0.0..top)?;
            let points = values
                .iter()
                .enumerate()
                .map(|(place, value)| (place as f64, *value as f64));
            chart.draw_series(LineSeries::new(points, line))?;
            Ok(())
        })
    }
}
