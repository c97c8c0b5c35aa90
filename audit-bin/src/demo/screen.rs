//! What the demo prints while it runs: numbered steps, what happens in the stream, and a bar of progress.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::{Painted, Style, Tone, number};

/// Where the demo tells what it does.
pub struct Screen {
    style: Style,
    out: Box<dyn Write + Send>,
    bar: ProgressBar,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Screen")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

impl Screen {
    /// A screen on standard output; the bar of progress is drawn only on a terminal.
    pub fn of_standard_output(style: Style) -> Self {
        Self {
            style,
            out: Box::new(io::stdout()),
            bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout()),
        }
    }

    /// A screen that writes into anything, without a bar.
    pub fn into_writer(style: Style, out: impl Write + Send + 'static) -> Self {
        Self {
            style,
            out: Box::new(out),
            bar: ProgressBar::hidden(),
        }
    }

    /// How things look on it.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Writes lines, above the bar if there is one.
    ///
    /// # Errors
    /// If writing fails; not if the reader has gone away.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        let out = &mut self.out;
        let written = self
            .bar
            .suspend(|| writeln!(out, "{text}").and_then(|()| out.flush()));
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Says that a step is done, what came of it and how long it took.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub fn done(&mut self, step: &str, result: &str, took: Duration) -> io::Result<()> {
        let style = self.style;
        let took = format!("{:.1} s", took.as_secs_f64());
        self.say(&format!(
            "{} {}  {result}  {}",
            style.good("✓"),
            style.bold(&format!("{step:<18}")),
            style.quiet(&took)
        ))
    }

    /// Tells of something in the stream, with its replayed time.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub fn event(&mut self, time: chrono::DateTime<chrono::Utc>, text: &Painted) -> io::Result<()> {
        let time = self.style.paint(&Painted::new(
            format!("{:<18}", self.style.time(time)),
            Tone::Quiet,
        ));
        let text = self.style.paint(text);
        self.say(&format!("    {time} {text}"))
    }

    /// Begins a bar of so many steps.
    pub fn begin(&mut self, steps: u64) {
        self.bar.set_length(steps);
        self.bar.set_position(0);
        if let Ok(style) =
            ProgressStyle::with_template("    {msg:<18} {bar:40} {percent:>3} %  {prefix}")
        {
            self.bar.set_style(style.progress_chars("━━─"));
        }
    }

    /// Moves the bar on to a time, at a rate.
    pub fn advance(&mut self, time: chrono::DateTime<chrono::Utc>, rows_per_second: i64) {
        self.bar.set_message(self.style.time(time));
        self.bar
            .set_prefix(format!("{} rows/s", number(rows_per_second)));
        self.bar.inc(1);
    }

    /// Takes the bar away.
    pub fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}
