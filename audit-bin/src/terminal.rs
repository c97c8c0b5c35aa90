//! How things look on a terminal: colours only where a person will see them, columns aligned, numbers to the right.

use std::io::{self, IsTerminal, Write};

use audit_core::Severity;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color as Ink, ColumnConstraint, ContentArrangement, Table,
};

/// What may be written to the terminal, and in which time zone times are shown.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether colours are written.
    pub color: bool,
    /// The zone in which times are shown.
    pub zone: Tz,
    /// The widest a table may become; `None` means as wide as it wants.
    pub width: Option<u16>,
}

/// When colours are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, if the variable NO_COLOR is not set
    #[default]
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

impl Style {
    /// No colours, UTC, any width: what a file or another program gets.
    pub const PLAIN: Self = Self {
        color: false,
        zone: Tz::UTC,
        width: None,
    };

    /// The style for standard output.
    pub fn of_standard_output(color: Color, zone: Tz) -> Self {
        let terminal = io::stdout().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            color: match color {
                Color::Auto => terminal && wanted,
                Color::Always => true,
                Color::Never => false,
            },
            zone,
            width: if terminal { terminal_width() } else { None },
        }
    }

    /// The style for standard error, as [`of_standard_output`](Self::of_standard_output).
    pub fn of_standard_error(zone: Tz) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            color: io::stderr().is_terminal() && wanted,
            zone,
            width: None,
        }
    }

    /// A text for a line of its own, in its tone.
    pub fn paint(self, text: &Painted) -> String {
        match text.tone {
            Some(tone) if self.color => format!("\u{1b}[{}m{}\u{1b}[0m", tone.code(), text.text),
            _ => text.text.clone(),
        }
    }

    /// For headings.
    pub fn bold(self, text: &str) -> String {
        self.paint(&Painted::new(text, Tone::Bold))
    }

    /// For what is there but should not draw the eye.
    pub fn quiet(self, text: &str) -> String {
        self.paint(&Painted::new(text, Tone::Quiet))
    }

    /// For what is as it should be.
    pub fn good(self, text: &str) -> String {
        self.paint(&Painted::new(text, Tone::Good))
    }

    /// For what is not.
    pub fn bad(self, text: &str) -> String {
        self.paint(&Painted::new(text, Tone::Severity(Severity::Critical)))
    }

    /// A time, in the style's zone, for example `8 Feb 2013, 18:00`.
    pub fn time(self, time: DateTime<Utc>) -> String {
        time.with_timezone(&self.zone)
            .format("%-d %b %Y, %H:%M")
            .to_string()
    }
}

/// How a text is meant. The terminal's own sixteen colours are used, because they suit its background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Bold,
    /// There, but it should not draw the eye.
    Quiet,
    /// As it should be.
    Good,
    /// As bad as this.
    Severity(Severity),
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Quiet | Self::Severity(Severity::Low) => "2",
            Self::Good => "32",
            Self::Severity(Severity::Critical) => "1;31",
            Self::Severity(Severity::Important) => "33",
            Self::Severity(Severity::Normal) => "34",
        }
    }

    fn apply(self, cell: Cell) -> Cell {
        match self {
            Self::Bold => cell.add_attribute(Attribute::Bold),
            Self::Quiet | Self::Severity(Severity::Low) => cell.add_attribute(Attribute::Dim),
            Self::Good => cell.fg(Ink::DarkGreen),
            Self::Severity(Severity::Critical) => {
                cell.fg(Ink::DarkRed).add_attribute(Attribute::Bold)
            }
            Self::Severity(Severity::Important) => cell.fg(Ink::DarkYellow),
            Self::Severity(Severity::Normal) => cell.fg(Ink::DarkBlue),
        }
    }
}

/// A text and how it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Painted {
    text: String,
    tone: Option<Tone>,
}

impl Painted {
    /// A text in a tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone: Some(tone),
        }
    }

    /// The symbol and the word of a severity, in its tone. A name that is none is shown as it is.
    pub fn severity(name: &str) -> Self {
        match name.parse::<Severity>() {
            Ok(severity) => Self::new(
                format!("{} {severity}", severity.symbol()),
                Tone::Severity(severity),
            ),
            Err(_) => name.into(),
        }
    }
}

impl From<String> for Painted {
    fn from(text: String) -> Self {
        Self { text, tone: None }
    }
}

impl From<&str> for Painted {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

fn terminal_width() -> Option<u16> {
    let mut probe = Table::new();
    probe.set_content_arrangement(ContentArrangement::Dynamic);
    probe.width()
}

/// A table in the making: a heading for each column, `>` before those whose numbers stand to the right.
#[derive(Debug)]
pub struct Columns {
    table: Table,
    to_the_right: Vec<bool>,
    empty: bool,
}

impl Columns {
    /// Starts a table.
    ///
    /// ```
    /// use audit_bin::terminal::{Columns, Style};
    /// let mut columns = Columns::new(Style::PLAIN, &["table", ">rows"]);
    /// columns.row(["public.flights", "51,955"]);
    /// assert_eq!(columns.render(), "table             rows\npublic.flights  51,955");
    /// ```
    pub fn new(style: Style, headings: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        if style.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        match style.width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic);
                table.set_width(width);
            }
            None => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        let to_the_right: Vec<bool> = headings
            .iter()
            .map(|heading| heading.starts_with('>'))
            .collect();
        table.set_header(headings.iter().zip(&to_the_right).map(|(heading, right)| {
            cell(
                Painted::new(heading.trim_start_matches('>'), Tone::Quiet),
                *right,
            )
        }));
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((if index == 0 { 0 } else { 2 }, 0));
            // On a narrow terminal texts are broken, but neither numbers nor times nor severities.
            if to_the_right[index] || matches!(headings[index], "when" | "severity" | "last failed")
            {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        Self {
            table,
            to_the_right,
            empty: true,
        }
    }

    /// Adds a row.
    pub fn row<I>(&mut self, cells: I)
    where
        I: IntoIterator,
        I::Item: Into<Painted>,
    {
        let cells = cells
            .into_iter()
            .zip(&self.to_the_right)
            .map(|(text, right)| cell(text.into(), *right));
        self.table.add_row(cells);
        self.empty = false;
    }

    /// Whether no row was added.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// The table as text, without blanks at the ends of lines.
    pub fn render(&self) -> String {
        let lines: Vec<String> = self
            .table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        lines.join("\n")
    }
}

fn cell(text: Painted, right: bool) -> Cell {
    let alignment = if right {
        CellAlignment::Right
    } else {
        CellAlignment::Left
    };
    let cell = Cell::new(text.text).set_alignment(alignment);
    match text.tone {
        Some(tone) => tone.apply(cell),
        None => cell,
    }
}

/// The cells of a row, from anything that is a text.
#[macro_export]
macro_rules! cells {
    ($($cell:expr),* $(,)?) => {
        [$($crate::terminal::Painted::from($cell)),*]
    };
}

/// A number with its thousands separated: `51,955`.
///
/// ```
/// assert_eq!(audit_bin::terminal::number(-51_955), "-51,955");
/// ```
pub fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// A number and what it counts: `1 row`, `2 rows`.
///
/// ```
/// assert_eq!(audit_bin::terminal::count(1, "row"), "1 row");
/// assert_eq!(audit_bin::terminal::count(2, "row"), "2 rows");
/// ```
pub fn count(how_many: i64, what: &str) -> String {
    format!(
        "{} {what}{}",
        number(how_many),
        if how_many == 1 { "" } else { "s" }
    )
}

/// The name of a table as a person says it: without `public.`, which is where tables are unless said otherwise.
///
/// ```
/// assert_eq!(audit_bin::terminal::table_name("public.flights"), "flights");
/// assert_eq!(audit_bin::terminal::table_name("shop.orders"), "shop.orders");
/// ```
pub fn table_name(name: &str) -> &str {
    name.strip_prefix("public.").unwrap_or(name)
}

/// A ratio in percent with one decimal: `3.4 %`.
///
/// ```
/// assert_eq!(audit_bin::terminal::percent(0.0338), "3.4 %");
/// ```
pub fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// A duration in its largest sensible unit: `4 h`, `2.5 d`.
///
/// ```
/// assert_eq!(audit_bin::terminal::duration(chrono::TimeDelta::hours(40)), "40 h");
/// assert_eq!(audit_bin::terminal::duration(chrono::TimeDelta::days(3)), "3 d");
/// ```
pub fn duration(duration: TimeDelta) -> String {
    match duration.num_minutes() {
        minutes if minutes < 1 => format!("{} s", duration.num_seconds()),
        minutes if minutes < 120 => format!("{minutes} min"),
        minutes if minutes < 48 * 60 => format!("{} h", minutes / 60),
        minutes => format!("{} d", minutes / (24 * 60)),
    }
}

/// A text that fits into `width` characters: a longer one keeps both of its ends.
///
/// ```
/// assert_eq!(audit_bin::terminal::shorten("departure_is_a_time_of_day", 13), "depart…of_day");
/// ```
pub fn shorten(text: &str, width: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let front = kept.div_ceil(2);
    let start: String = characters[..front].iter().collect();
    let end: String = characters[characters.len() - (kept - front)..]
        .iter()
        .collect();
    format!("{start}…{end}")
}

/// Writes text to standard output. That the reader has gone away is no error: it has seen enough.
///
/// # Errors
/// If writing fails for another reason.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| {
        if text.is_empty() || text.ends_with('\n') {
            Ok(())
        } else {
            out.write_all(b"\n")
        }
    });
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
