//! The six numbers at the top of a page.

use audit_core::Severity;

use super::markup::Html;
use crate::dashboard::tile::{Tile, Tone};

impl Tone {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Tone::Neutral => "",
            Tone::Good => " tone-good",
            Tone::Bad(Severity::Critical) => " tone-critical",
            Tone::Bad(Severity::Important) => " tone-important",
            Tone::Bad(Severity::Normal) => " tone-normal",
            Tone::Bad(Severity::Low) => " tone-low",
        }
    }
}

/// Writes the row of tiles; on the live page each leads on.
pub(crate) fn write(html: &mut Html, tiles: &[Tile], linked: bool) {
    html.put("<ul class=\"tiles\">\n", &[]);
    for tile in tiles {
        html.put("<li class=\"tile{}\"><h2>", &[&tile.tone.class()]);
        if linked {
            html.put("<a href=\"{}\">{}</a>", &[&tile.more, &tile.label]);
        } else {
            html.put("{}", &[&tile.label]);
        }
        let bad = matches!(tile.tone, Tone::Bad(_)) && tile.sign.is_some();
        html.put(
            "</h2><div class=\"number{}\">",
            &[&if bad { " bad" } else { "" }],
        );
        if let Some(severity) = tile.sign {
            html.put(
                "<span class=\"sign\" aria-hidden=\"true\">{}</span>",
                &[&severity.symbol()],
            );
        }
        html.put("{}", &[&tile.number]);
        sparkline(html, &tile.trend);
        let note = if tile.tone == Tone::Good {
            "note good"
        } else {
            "note"
        };
        html.put(
            "</div><p>{}</p><p class=\"{}\">{}</p></li>\n",
            &[&tile.unit, &note, &tile.note],
        );
    }
    html.put("</ul>\n", &[]);
}

/// The course of a number; what it is now stands beside it in words.
fn sparkline(html: &mut Html, trend: &[i64]) {
    let most = trend.iter().copied().max().unwrap_or(0);
    if trend.len() < 2 || most <= 0 {
        return;
    }
    let step = 72.0 / (trend.len() - 1) as f64;
    let points: Vec<String> = trend
        .iter()
        .enumerate()
        .map(|(place, value)| {
            format!(
                "{:.1},{:.1}",
                place as f64 * step,
                27.0 - 26.0 * *value as f64 / most as f64
            )
        })
        .collect();
    html.put(
        "<svg class=\"spark\" viewBox=\"0 0 72 28\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><polyline points=\"{}\" vector-effect=\"non-scaling-stroke\"/></svg>",
        &[&points.join(" ")],
    );
}
