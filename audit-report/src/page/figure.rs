//! A chart on a page: the picture in both themes and for two widths, and the same as a table.

use audit_core::Theme;

use super::adaptive::adaptive;
use super::markup::Html;
use crate::chart::{Chart, Kind, Size, Table};
use crate::error::Result;
use crate::format::count;
use crate::style::Style;

/// A chart, ready to be put into a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    /// Names it within the page.
    id: String,
    title: String,
    note: String,
    /// The picture for a screen and for paper.
    wide: String,
    /// The picture for a phone.
    narrow: String,
    /// Whether it takes a row of its own.
    full: bool,
    table: Table,
}

/// The sizes in which charts are drawn: a page shows them about as large, so that their words are as large as others.
const FULL: Size = Size {
    width: 1040,
    height: 330,
};
const HALF: Size = Size {
    width: 580,
    height: 340,
};
const NARROW: Size = Size {
    width: 344,
    height: 320,
};

impl Figure {
    /// Draws a chart for a page.
    pub(crate) fn of(place: usize, kind: &Kind, chart: &Chart) -> Result<Self> {
        let full = matches!(kind, Kind::Findings | Kind::Changes);
        let table = chart.table();
        // A list of things is as high as its rows need, so that a short one leaves no hole.
        let high = |size: Size| match kind {
            Kind::Quality | Kind::Alerts | Kind::Pareto | Kind::Freshness | Kind::Quarantine => {
                Size {
                    height: (table.rows.len() as u32 * 30 + 80).clamp(200, size.height),
                    ..size
                }
            }
            _ => size,
        };
        Ok(Figure {
            id: format!("chart-{place}"),
            title: chart.title.clone(),
            note: chart.note.clone(),
            wide: both(chart, high(if full { FULL } else { HALF }))?,
            narrow: both(chart, high(NARROW))?,
            full,
            table,
        })
    }

    pub(crate) fn write(&self, html: &mut Html) {
        html.put(
            "<section class=\"chart{}\" aria-labelledby=\"{}-title\">\n<h2 id=\"{}-title\">{}</h2>\n<figure>\n<div class=\"wide\">",
            &[
                &if self.full { " full" } else { "" },
                &self.id,
                &self.id,
                &self.title,
            ],
        )
        .drawn(&self.wide)
        .put("</div>\n<div class=\"narrow\">", &[])
        .drawn(&self.narrow)
        .put("</div>\n", &[]);
        if !self.note.is_empty() {
            html.put("<figcaption>{}</figcaption>\n", &[&self.note]);
        }
        html.put("</figure>\n", &[]);
        if !self.table.rows.is_empty() {
            self.write_table(html);
        }
        html.put("</section>\n", &[]);
    }

    fn write_table(&self, html: &mut Html) {
        html.put(
            "<details id=\"{}-table\"><summary>As a table<span class=\"hidden\">: {}</span></summary>\n\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table>\n<thead><tr>",
            &[&self.id, &self.title, &self.title],
        );
        for column in &self.table.columns {
            let class = if column.number { " class=\"n\"" } else { "" };
            html.put("<th scope=\"col\"", &[])
                .drawn(class)
                .put(">{}</th>", &[&column.heading()]);
        }
        html.put("</tr></thead>\n<tbody>\n", &[]);
        for row in &self.table.rows {
            html.put("<tr>", &[]);
            for (cell, column) in row.iter().zip(&self.table.columns) {
                let class = if column.number { " class=\"n\"" } else { "" };
                html.put("<td", &[]).drawn(class).put(">{}</td>", &[cell]);
            }
            html.put("</tr>\n", &[]);
        }
        html.put("</tbody>\n</table></div>", &[]);
        if self.table.more > 0 {
            html.put(
                "<p class=\"quiet\">and {} more</p>",
                &[&count(self.table.more as i64, "row", "rows")],
            );
        }
        html.put("</details>\n", &[]);
    }
}

/// One picture that follows the theme of its reader.
fn both(chart: &Chart, size: Size) -> Result<String> {
    let style = |theme| Style {
        theme,
        ..Style::default()
    };
    let light = chart.bare(&style(Theme::Light), size)?;
    let dark = chart.bare(&style(Theme::Dark), size)?;
    // Two themes that differ in more than colours are not expected; the light one can be read on its own paper.
    let drawn = adaptive(&light, &dark).unwrap_or(light);
    // A page that allows no styles of its parts says the same in its style sheet.
    Ok(drawn.replacen(" style=\"font-variant-numeric: tabular-nums\"", "", 1))
}
