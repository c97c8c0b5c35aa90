//! Alerts from their opening over their acknowledgement to their end, on one axis of time.

use chrono::{DateTime, TimeDelta, Utc};

use super::Pen;
use crate::canvas::{Area, Type, clean, number};
use crate::dashboard::AlertSpan;
use crate::font::{self, Weight};
use crate::format::{duration, thousands};
use crate::period::Period;
use crate::style::{LABEL, NOTE};
use crate::words;

/// Alerts of a period, and what is known of all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alerts<'a> {
    pub(crate) period: &'a Period,
    pub(crate) as_of: DateTime<Utc>,
    pub(crate) alerts: &'a [AlertSpan],
    pub(crate) in_all: usize,
    pub(crate) median_to_acknowledge: Option<i64>,
    pub(crate) median_to_resolve: Option<i64>,
}

impl Pen {
    /// A row for each subject, the worst first, with a bar for each of its episodes.
    pub(crate) fn alerts(&mut self, inside: Area, data: &Alerts<'_>) {
        let palette = self.palette;
        if data.alerts.is_empty() {
            self.empty(inside, "no alerts in this range");
            return;
        }
        let rows = episodes_by_subject(data.alerts);
        let fit = (((inside.height - 48.0) / 26.0) as usize).max(1);
        let shown = rows.len().min(fit);
        let pitch = ((inside.height - 48.0) / shown as f64).min(34.0);
        let names: Vec<String> = rows
            .iter()
            .take(shown)
            .map(|(alert, _)| clean(&alert.name()))
            .collect();
        let name_room = names
            .iter()
            .map(|name| font::width(name, LABEL, Weight::Regular))
            .fold(60.0, f64::max)
            .min(inside.width * 0.46);
        let axis = Area {
            x: inside.x + name_room + 30.0,
            y: inside.y,
            width: inside.width - name_room - 30.0 - 10.0,
            height: pitch * shown as f64,
        };
        let (start, end) = (data.period.start(), data.period.end());
        let seconds = (end - start).num_seconds().max(1) as f64;
        let place_of = |at: DateTime<Utc>| {
            axis.x + axis.width * ((at - start).num_seconds() as f64 / seconds).clamp(0.0, 1.0)
        };
        let steps = data.period.steps();
        let mut free_from = f64::MIN;
        for (tick, label) in words::ticks(&steps, data.period.step, (axis.width / 70.0) as usize) {
            let Some(at) = steps[tick].and_local_timezone(data.period.zone).earliest() else {
                continue;
            };
            let (x, label) = (place_of(at.to_utc()), shortened(&label));
            let half = font::width(&label, LABEL, Weight::Regular) / 2.0;
            if x - half > free_from && x + half < inside.right() + 8.0 {
                self.canvas
                    .line((x, axis.y), (x, axis.bottom()), palette.hairline, 1.0);
                self.canvas.text(
                    x,
                    axis.bottom() + 18.0,
                    &label,
                    Type::new(LABEL, palette.soft).middle(),
                );
                free_from = x + half + 12.0;
            }
        }
        for (place, (worst, episodes)) in rows.iter().take(shown).enumerate() {
            let y = axis.y + pitch * (place as f64 + 0.5);
            self.canvas.sign(
                worst.severity,
                (inside.x + 5.0, y),
                9.0,
                self.color(worst.severity),
            );
            self.canvas.text_in(
                inside.x + 18.0,
                y + 4.0,
                name_room,
                &names[place],
                Type::new(LABEL, palette.ink),
            );
            for alert in episodes {
                let now = data.as_of.clamp(alert.opened_at, end.max(alert.opened_at));
                let from = place_of(alert.opened_at).min(axis.right() - 6.0);
                let to = place_of(alert.resolved_at.unwrap_or(now));
                let taken = alert
                    .acknowledged_at
                    .map(|at| place_of(at).clamp(from, to.max(from)));
                self.episode(alert, y, (from, taken, to));
            }
        }
        let mut parts = Vec::new();
        if let Some(seconds) = data.median_to_acknowledge {
            parts.push(format!(
                "to acknowledge {}",
                duration(TimeDelta::seconds(seconds))
            ));
        }
        if let Some(seconds) = data.median_to_resolve {
            parts.push(format!(
                "to resolve {}",
                duration(TimeDelta::seconds(seconds))
            ));
        }
        let mut foot = Vec::new();
        let drawn: usize = rows
            .iter()
            .take(shown)
            .map(|(_, episodes)| episodes.len())
            .sum();
        if data.in_all > drawn {
            foot.push(format!(
                "and {} more",
                thousands((data.in_all - drawn) as i64)
            ));
        }
        if data
            .alerts
            .iter()
            .any(|alert| alert.acknowledged_at.is_some())
        {
            foot.push("ring: taken on".to_owned());
        }
        if !parts.is_empty() {
            foot.push(format!("median time {}", parts.join(", ")));
        }
        self.canvas.text_in(
            inside.x,
            inside.bottom() + 2.0,
            inside.width,
            &foot.join(" · "),
            Type::new(NOTE, palette.quiet),
        );
    }

    /// One episode as a bar: thick until somebody took it on, where there is a ring, thin from then on. An open end has
    /// an arrow in the place of a round cap.
    fn episode(&mut self, alert: &AlertSpan, y: f64, (from, taken, to): (f64, Option<f64>, f64)) {
        let color = self.color(alert.severity);
        let right = to.max(from + 6.0);
        let mut bar = |from: f64, to: f64, height: f64| {
            let area = Area {
                x: from,
                y: y - height / 2.0,
                width: to - from,
                height,
            };
            self.canvas.rectangle(area, color, height / 2.0);
        };
        match taken {
            Some(taken) => {
                bar(taken, right, 3.0);
                bar(from, taken.max(from + 6.0).min(right), 8.0);
                self.canvas.circle((taken, y), 5.5, color);
                self.canvas.circle((taken, y), 3.0, self.palette.paper);
            }
            None => bar(from, right, 8.0),
        }
        if alert.resolved_at.is_none() {
            let x = right - 2.0;
            self.canvas.path(
                &format!(
                    "M{} {}L{} {}L{} {}Z",
                    number(x),
                    number(y - 7.0),
                    number(x + 9.0),
                    number(y),
                    number(x),
                    number(y + 7.0)
                ),
                &format!("fill=\"{color}\""),
            );
        }
    }
}

/// The episodes of one subject share a row: the worst one, then all of them. Rows are in the order of the alerts, the
/// worst severity first.
fn episodes_by_subject(alerts: &[AlertSpan]) -> Vec<(&AlertSpan, Vec<&AlertSpan>)> {
    let mut rows: Vec<(&AlertSpan, Vec<&AlertSpan>)> = Vec::new();
    for alert in alerts {
        let same = |worst: &AlertSpan| worst.policy == alert.policy && worst.about == alert.about;
        match rows.iter_mut().find(|(worst, _)| same(worst)) {
            Some((_, episodes)) => episodes.push(alert),
            None => rows.push((alert, vec![alert])),
        }
    }
    rows
}

fn shortened(label: &str) -> String {
    let mut words = label.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(day), Some(month), None) if month.chars().all(char::is_alphabetic) => {
            format!("{day} {}", month.chars().take(3).collect::<String>())
        }
        (Some(month), None, None) if month.chars().all(char::is_alphabetic) => {
            month.chars().take(3).collect()
        }
        _ => label.to_owned(),
    }
}
