//! How long messages are on their way.

use audit_schema::metrics::{self, Scope};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::PgConnection;
use serde::{Deserialize, Serialize};

use super::{Column, Figures, Frame, Table, Words};
use crate::canvas::{Area, Type};
use crate::dashboard::size;
use crate::draw::{Line, Pen, Scale};
use crate::error::Result;
use crate::format::{count, duration, thousands};
use crate::style::{LABEL, NOTE};

/// Messages of the period, by channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deliveries {
    /// The busiest first.
    pub channels: Vec<Channel>,
    /// How many channels had messages; may be more than are in the list.
    pub in_all: usize,
}

/// What went through a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Messages that were accepted by their provider.
    pub delivered: i64,
    /// Messages on their way.
    pub undelivered: i64,
    /// Messages that were given up.
    pub dead: i64,
    /// Half of those delivered were so within so many seconds.
    pub median: Option<f64>,
    /// Of twenty delivered nineteen were so within so many seconds.
    pub p95: Option<f64>,
    /// The same by step of time; steps without a delivery are left out.
    pub steps: Vec<Latency>,
}

/// How long messages of a step were on their way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Its beginning, in local time.
    pub start: NaiveDateTime,
    /// Messages.
    pub delivered: i64,
    /// Half of them were delivered within so many seconds.
    pub median: f64,
    /// Of twenty nineteen were delivered within so many seconds.
    pub p95: f64,
}

/// How many channels are listed.
const CHANNELS: i64 = 12;

fn long(seconds: f64) -> String {
    duration(TimeDelta::milliseconds((seconds * 1000.0).round() as i64))
}

impl Channel {
    fn fate(&self) -> String {
        let mut parts = vec![format!("{} delivered", thousands(self.delivered))];
        if self.undelivered > 0 {
            parts.push(format!("{} on the way", thousands(self.undelivered)));
        }
        if self.dead > 0 {
            parts.push(format!("{} given up", thousands(self.dead)));
        }
        parts.join(", ")
    }

    fn speed(&self) -> String {
        match (self.median, self.p95) {
            (Some(median), Some(p95)) => {
                format!("median {}, 95 % {}", long(median), long(p95))
            }
            _ => "none delivered".into(),
        }
    }
}

impl Deliveries {
    pub(super) fn load(connection: &mut PgConnection, scope: &Scope) -> Result<Self> {
        let channels = metrics::channel_deliveries(connection, scope, CHANNELS)?;
        let names: Vec<String> = channels.iter().map(|one| one.channel.clone()).collect();
        let steps = metrics::delivery_steps(connection, scope, &names)?;
        Ok(Deliveries {
            in_all: channels.first().map_or(0, |one| size(one.channels)),
            channels: channels
                .into_iter()
                .map(|one| Channel {
                    steps: steps
                        .iter()
                        .filter(|step| step.channel == one.channel)
                        .map(|step| Latency {
                            start: step.start,
                            delivered: step.delivered,
                            median: step.median_seconds,
                            p95: step.p95_seconds,
                        })
                        .collect(),
                    name: one.channel,
                    delivered: one.delivered,
                    undelivered: one.undelivered,
                    dead: one.dead,
                    median: one.median_seconds,
                    p95: one.p95_seconds,
                })
                .collect(),
        })
    }
}

impl Figures for Deliveries {
    fn words(&self, frame: &Frame) -> Words {
        let sum = |of: &dyn Fn(&Channel) -> i64| self.channels.iter().map(of).sum::<i64>();
        let (delivered, dead) = (sum(&|one| one.delivered), sum(&|one| one.dead));
        let waiting = sum(&|one| one.undelivered);
        let head = "How long messages were on their way, by channel";
        Words {
            title: match (delivered + waiting + dead, dead) {
                (0, _) => head.into(),
                (all, 0) => format!("{head}: {}", count(all, "message", "messages")),
                (all, dead) => format!(
                    "{head}: {} of {} given up",
                    thousands(dead),
                    count(all, "message", "messages")
                ),
            },
            note: format!(
                "From queueing to acceptance by the provider, with retries, quiet hours and the channel's limit, by the time of \
                 what a message tells. Thick: median; thin: 95 % were faster. Each strip has a scale of its own. Times in {}.",
                frame.period.zone.name()
            ),
            description: if self.channels.is_empty() {
                "No messages in this range.".into()
            } else {
                let told: Vec<String> = self
                    .channels
                    .iter()
                    .take(4)
                    .map(|one| format!("{}: {}, {}", one.name, one.fate(), one.speed()))
                    .collect();
                format!("{}.", told.join("; "))
            },
        }
    }

    fn table(&self, frame: &Frame) -> Table {
        let mut rows = Vec::new();
        for channel in &self.channels {
            rows.push(vec![
                channel.name.clone(),
                "all".to_owned(),
                thousands(channel.delivered),
                thousands(channel.undelivered),
                thousands(channel.dead),
                channel.median.map_or_else(String::new, long),
                channel.p95.map_or_else(String::new, long),
            ]);
            rows.extend(channel.steps.iter().map(|step| {
                vec![
                    channel.name.clone(),
                    frame.period.step.label(step.start),
                    thousands(step.delivered),
                    String::new(),
                    String::new(),
                    long(step.median),
                    long(step.p95),
                ]
            }));
        }
        Table {
            columns: vec![
                Column::text("channel"),
                Column::text(frame.period.step.name()),
                Column::number("delivered", "messages"),
                Column::number("on the way", "messages"),
                Column::number("given up", "messages"),
                Column::text("median"),
                Column::text("95 % within"),
            ],
            rows,
            more: self.in_all.saturating_sub(self.channels.len()),
        }
    }

    fn draw(&self, pen: &mut Pen, area: Area, frame: &Frame) -> Result<()> {
        if self.channels.is_empty() {
            pen.empty(area, "no messages in this range");
            return Ok(());
        }
        let palette = pen.palette;
        let starts = frame.period.steps();
        let strips = area.without(0.0, 0.0, 0.0, 42.0);
        let fits = ((strips.height / 64.0) as usize).max(1);
        let shown = self.channels.len().min(fits);
        let pitch = strips.height / shown as f64;
        let names = (area.width * 0.26).clamp(96.0, 190.0);
        let mut last = strips;
        for (nth, channel) in self.channels.iter().take(shown).enumerate() {
            let strip = Area {
                x: area.x + names + 60.0,
                y: strips.y + pitch * nth as f64 + 8.0,
                width: area.width - names - 60.0,
                height: pitch - 20.0,
            };
            last = strip;
            let highest = channel
                .steps
                .iter()
                .map(|step| step.p95)
                .fold(0.0, f64::max);
            let scale = Scale::seconds(highest, if strip.height > 110.0 { 4 } else { 2 });
            pen.grid(strip, &scale);
            let line = |value: &dyn Fn(&Latency) -> f64, color: &'static str, width: f64| Line {
                name: String::new(),
                text: String::new(),
                sign: None,
                color,
                dashed: false,
                dots: true,
                width,
                // Nothing is interrupted where there was nothing to send.
                points: starts
                    .iter()
                    .enumerate()
                    .filter_map(|(place, start)| {
                        let x = (place as f64 + 0.5) / starts.len() as f64;
                        let step = channel.steps.iter().find(|step| step.start == *start)?;
                        Some((x, Some(value(step))))
                    })
                    .collect(),
            };
            let lines = [
                line(&|step| step.median, palette.lines[0], 2.25),
                line(&|step| step.p95, palette.lines[2], 1.25),
            ];
            pen.lines(strip, &scale, &lines);
            let y = strip.y + strip.height / 2.0;
            let dead = channel.dead > 0;
            let color = if dead {
                pen.color(audit_core::Severity::Important)
            } else {
                palette.soft
            };
            let texts = [
                (channel.name.clone(), Type::new(LABEL, palette.ink).bold()),
                (channel.speed(), Type::new(NOTE, palette.soft)),
                (channel.fate(), Type::new(NOTE, color)),
            ];
            for (line, (text, look)) in texts.into_iter().enumerate() {
                let y = y - 8.0 + 15.0 * line as f64;
                pen.canvas.text_in(area.x, y, names, &text, look);
            }
        }
        pen.time_labels(last, &starts, frame.period.step);
        if self.in_all > shown {
            let more = count((self.in_all - shown) as i64, "channel", "channels");
            let look = Type::new(NOTE, palette.quiet);
            let y = area.bottom() - 2.0;
            pen.canvas
                .text(area.x, y, &format!("and {more} more"), look);
        }
        Ok(())
    }
}
