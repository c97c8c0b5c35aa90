//! The charts about what is now: rules that fail, quality of the tables, hours of the week, alerts.

use chrono::{DateTime, TimeDelta, Utc};

use super::Pen;
use crate::canvas::{Area, Type, clean, number};
use crate::dashboard::data::{AlertSpan, Dashboard, StepWidth};
use crate::dashboard::words;
use crate::font::{self, Weight};
use crate::format::{count, duration, percent, points, short, thousands};
use crate::style::{LABEL, NOTE};

impl Pen<'_> {
    pub(super) fn failing_rules(&mut self, area: Area) {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, &words::failing(data));
        if data.failing_rules.is_empty() {
            let text = if data.rules == 0 {
                "no rules are declared"
            } else {
                "every row passes every rule"
            };
            self.empty(inside, text);
            return;
        }
        let pitch = 48.0;
        let fit = (((inside.height + 8.0) / pitch) as usize).max(1);
        let shown = data.failing_rules.len().min(fit);
        let most = data
            .failing_rules
            .iter()
            .map(|rule| rule.failing)
            .max()
            .unwrap_or(1)
            .max(1) as f64;
        for (place, rule) in data.failing_rules.iter().take(shown).enumerate() {
            let y = inside.y + pitch * place as f64;
            let color = self.color(rule.severity);
            let number = thousands(rule.failing);
            let width = font::width(&number, LABEL, Weight::Bold);
            self.canvas.text(
                inside.right(),
                y + 10.0,
                &number,
                Type::new(LABEL, palette.ink).bold().end(),
            );
            self.canvas.text_in(
                inside.x,
                y + 10.0,
                inside.width - width - 16.0,
                &rule.says,
                Type::new(LABEL, palette.ink),
            );
            let track = Area {
                x: inside.x,
                y: y + 16.0,
                width: inside.width,
                height: 6.0,
            };
            self.canvas.rectangle(track, palette.track, 3.0);
            let bar = Area {
                width: (inside.width * rule.failing as f64 / most).max(3.0),
                ..track
            };
            self.canvas.rectangle(bar, color, bar.width.min(6.0) / 2.0);
            self.canvas
                .sign(rule.severity, (inside.x + 4.0, y + 31.0), 7.0, color);
            let mut words = vec![rule.severity.name().to_owned(), rule.table.clone()];
            if !rule.owner.is_empty() {
                words.push(rule.owner.clone());
            }
            let since = rule.since.map(|at| format!("since {}", self.day(at)));
            let since_room = since
                .as_deref()
                .map_or(0.0, |text| font::width(text, NOTE, Weight::Regular) + 12.0);
            self.canvas.text_in(
                inside.x + 13.0,
                y + 35.0,
                inside.width - 13.0 - since_room,
                &words.join(" · "),
                Type::new(NOTE, palette.soft),
            );
            if let Some(since) = since {
                self.canvas.text(
                    inside.right(),
                    y + 35.0,
                    &since,
                    Type::new(NOTE, palette.quiet).end(),
                );
            }
        }
        let more = data.failing_rules_in_all.saturating_sub(shown);
        if more > 0 {
            self.canvas.text(
                inside.x,
                area.bottom() + 6.0,
                &format!("and {} more", count(more as i64, "rule", "rules")),
                Type::new(NOTE, palette.quiet),
            );
        }
    }

    fn day(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.data.period.zone).naive_local();
        let pattern = match self.data.period.step {
            StepWidth::Hour => "%-d %b %H:%M",
            StepWidth::Day => "%-d %b",
            StepWidth::Week | StepWidth::Month | StepWidth::Year => "%-d %b %Y",
        };
        local.format(pattern).to_string()
    }

    pub(super) fn quality(&mut self, area: Area) {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, "Quality by table, share of rows that pass every rule");
        if data.tables.is_empty() {
            self.empty(inside, "no table is watched");
            return;
        }
        let fit = ((inside.height - 30.0) / 28.0) as usize;
        let shown = data.tables.len().min(fit.max(1));
        let pitch = ((inside.height - 34.0) / shown as f64).min(42.0);
        let name_room = data
            .tables
            .iter()
            .take(shown)
            .map(|table| font::width(&clean(&table.table), LABEL, Weight::Regular))
            .fold(60.0, f64::max)
            .min(130.0);
        let scale = Area {
            x: inside.x + name_room + 14.0,
            y: inside.y,
            width: inside.width - name_room - 14.0 - 206.0,
            height: pitch * shown as f64,
        };
        let lowest = data
            .tables
            .iter()
            .take(shown)
            .filter_map(|table| table.at_least)
            .fold(1.0, f64::min);
        let floor = quality_floor(lowest);
        let place_of = |share: f64| scale.x + scale.width * (share - floor) / (1.0 - floor);
        for step in 0..=2 {
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
        for (place, table) in data.tables.iter().take(shown).enumerate() {
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
            self.canvas.text(
                inside.right(),
                y + 4.0,
                &rows,
                Type::new(NOTE, palette.quiet).end(),
            );
            if let Some(change) = table.change {
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
        if data.tables.len() > shown {
            let more = count((data.tables.len() - shown) as i64, "table", "tables");
            let width = self.canvas.text(
                inside.x,
                area.bottom() + 2.0,
                &format!("and {more} more"),
                Type::new(NOTE, palette.quiet),
            );
            start += width + 16.0;
        }
        let shown = || data.tables.iter().take(shown);
        let mut foot = Vec::new();
        if shown().any(|table| match (table.at_least, table.at_most) {
            (Some(low), Some(high)) => percent(low) != percent(high),
            _ => false,
        }) {
            foot.push("line: rows may fail several rules");
        }
        if shown().any(|table| table.change.is_some()) {
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
            area.bottom() + 2.0,
            &foot,
            Type::new(NOTE, palette.quiet).end(),
        );
    }

    pub(super) fn by_hour(&mut self, area: Area) {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, &words::by_hour(data));
        let most = data.by_hour.iter().flatten().copied().max().unwrap_or(0);
        if most == 0 {
            self.empty(inside, "no findings in this range");
            return;
        }
        let mut values: Vec<i64> = data
            .by_hour
            .iter()
            .flatten()
            .copied()
            .filter(|value| *value > 0)
            .collect();
        values.sort_unstable();
        let usual = values[values.len() / 2];
        let grid = inside.without(36.0, 0.0, 0.0, 44.0);
        let (width, height) = (grid.width / 24.0, grid.height / 7.0);
        for (day, name) in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            .into_iter()
            .enumerate()
        {
            let y = grid.y + height * day as f64;
            self.canvas.text(
                grid.x - 8.0,
                y + height / 2.0 + 4.0,
                name,
                Type::new(LABEL, palette.soft).end(),
            );
            for hour in 0..24 {
                let value = data.by_hour.get(day).map_or(0, |hours| hours[hour]);
                let cell = Area {
                    x: grid.x + width * hour as f64 + 1.0,
                    y: y + 1.0,
                    width: width - 2.0,
                    height: height - 2.0,
                };
                self.canvas
                    .rectangle(cell, self.heat(value, most, usual), 2.0);
            }
        }
        for hour in (0..24).step_by(3) {
            self.canvas.text(
                grid.x + width * (f64::from(hour) + 0.5),
                grid.bottom() + 16.0,
                &format!("{hour:02}"),
                Type::new(LABEL, palette.soft).middle(),
            );
        }
        let y = area.bottom() + 2.0;
        let mut x = grid.x
            + self
                .canvas
                .text(grid.x, y, "none", Type::new(NOTE, palette.quiet))
            + 8.0;
        let steps: Vec<&'static str> = std::iter::once(palette.track).chain(palette.heat).collect();
        for color in steps {
            self.canvas.rectangle(
                Area {
                    x,
                    y: y - 9.0,
                    width: 14.0,
                    height: 10.0,
                },
                color,
                2.0,
            );
            x += 16.0;
        }
        self.canvas.text(
            x + 6.0,
            y,
            &format!(
                "up to {} in an hour of the week",
                count(most, "row", "rows")
            ),
            Type::new(NOTE, palette.quiet),
        );
    }

    /// The colour of a cell: five equal steps up to the highest; when that stands far above most others, steps that
    /// keep small numbers apart from each other.
    fn heat(&self, value: i64, most: i64, usual: i64) -> &'static str {
        if value <= 0 {
            return self.palette.track;
        }
        let share = value as f64 / most as f64;
        let share = if most > usual * 4 {
            share.sqrt()
        } else {
            share
        };
        let step = (share * 5.0).ceil() as usize;
        self.palette.heat[step.clamp(1, 5) - 1]
    }

    pub(super) fn alerts(&mut self, area: Area) {
        let (data, palette) = (self.data, self.palette);
        let inside = self.title(area, &words::alerts(data));
        if data.alerts.is_empty() {
            self.empty(inside, "no alerts in this range");
            return;
        }
        let rows = episodes_by_subject(data);
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
        let mut free_from = f64::MIN;
        for (tick, label) in
            words::ticks(&data.steps, data.period.step, (axis.width / 70.0) as usize)
        {
            let Some(at) = data.steps[tick]
                .start
                .and_local_timezone(data.period.zone)
                .earliest()
            else {
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
                self.episode(alert, y, from, to);
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
        if data.alerts_in_all > drawn {
            foot.push(format!(
                "and {} more",
                thousands((data.alerts_in_all - drawn) as i64)
            ));
        }
        if !parts.is_empty() {
            foot.push(format!("median time {}", parts.join(", ")));
        }
        self.canvas.text_in(
            inside.x,
            area.bottom() + 2.0,
            inside.width,
            &foot.join(" · "),
            Type::new(NOTE, palette.quiet),
        );
    }

    /// One episode as a bar; an open end has an arrow in the place of a round cap.
    fn episode(&mut self, alert: &AlertSpan, y: f64, from: f64, to: f64) {
        let color = self.color(alert.severity);
        let bar = Area {
            x: from,
            y: y - 4.0,
            width: (to - from).max(6.0),
            height: 8.0,
        };
        self.canvas.rectangle(bar, color, 4.0);
        if alert.resolved_at.is_none() {
            let x = bar.right() - 2.0;
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
fn episodes_by_subject(data: &Dashboard) -> Vec<(&AlertSpan, Vec<&AlertSpan>)> {
    let mut rows: Vec<(&AlertSpan, Vec<&AlertSpan>)> = Vec::new();
    for alert in &data.alerts {
        let same = |worst: &AlertSpan| worst.policy == alert.policy && worst.about == alert.about;
        match rows.iter_mut().find(|(worst, _)| same(worst)) {
            Some((_, episodes)) => episodes.push(alert),
            None => rows.push((alert, vec![alert])),
        }
    }
    rows
}

/// Where the scale of quality begins: the nearest round share below the lowest.
fn quality_floor(lowest: f64) -> f64 {
    [0.98, 0.95, 0.9, 0.8, 0.5]
        .into_iter()
        .find(|floor| lowest >= *floor)
        .unwrap_or(0.0)
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
