//! `audit-report image`: the dashboard, or one chart, as a picture.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit_core::Severity;
use audit_report::chart::{Kind, Size};
use audit_report::{Drawing, Range, Selection, Since, Style, png};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use diesel::PgConnection;

use crate::command::{html, serve};
use crate::connection::{ConnectionOptions, Database};

/// How many pixels of the picture one pixel of its design becomes.
const SCALE: f32 = 2.0;

/// Draws what the pipeline knows.
#[derive(Debug, Parser)]
#[command(
    name = "audit-report",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct AuditReport {
    #[command(flatten)]
    connection: ConnectionOptions,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draw the dashboard, or one chart
    #[command(after_help = charts())]
    Image(Box<ImageOptions>),
    /// Write the dashboard and all charts as one HTML file, to send or to print
    Html(Box<html::HtmlOptions>),
    /// Serve the dashboard as a live page
    Serve(Box<serve::ServeOptions>),
}

/// The charts, for `--help`.
fn charts() -> String {
    let mut text = String::from("Charts:\n");
    for kind in &Kind::ALL {
        text.push_str(&format!("  {:<12} {}\n", kind.name(), kind.about()));
    }
    text.push_str(
        "  summary:NAME            a declared summary: lines where it has buckets of time, else bars\n  \
           summary:NAME:MEASURE    another of its measures than the first",
    );
    text
}

#[derive(Debug, Args)]
struct ImageOptions {
    /// The file to write; its name ends in .png or .svg
    #[arg(long, value_name = "FILE", required_unless_present = "data")]
    out: Option<PathBuf>,
    /// One chart instead of the dashboard; they are listed below
    #[arg(long, value_name = "CHART")]
    chart: Option<Kind>,
    #[command(flatten)]
    selection: SelectionOptions,
    /// On white or on dark
    #[arg(long, value_enum, default_value_t = Paper::Light)]
    theme: Paper,
    /// Its size in pixels [default: 1600x1000 for the dashboard, 800x450 for a chart]
    #[arg(long, value_name = "WxH")]
    size: Option<Size>,
    /// How many pixels of a PNG one of these pixels becomes
    #[arg(long, value_name = "FACTOR", default_value_t = SCALE, value_parser = scale)]
    scale: f32,
    /// Another title
    #[arg(long)]
    title: Option<String>,
    /// Write the figures to this file, as JSON
    #[arg(long, value_name = "FILE.json")]
    data: Option<PathBuf>,
    /// Draw the figures that --data wrote to this file, without a database; days and zone are in it
    #[arg(
        long,
        value_name = "FILE.json",
        conflicts_with_all = ["chart", "since", "until", "table", "owner", "severity", "data"]
    )]
    from: Option<PathBuf>,
}

/// What figures are about.
#[derive(Debug, Clone, Args)]
pub struct SelectionOptions {
    /// The first day, for example 2026-11-01, or how far back: 30d, 12w, 1y [default: that of the first change]
    #[arg(long, value_name = "DAY")]
    since: Option<Since>,
    /// The last day [default: that of the last change]
    #[arg(long, value_name = "DAY")]
    until: Option<NaiveDate>,
    /// Where days begin [default: as the summaries, else UTC]
    #[arg(long, env = "AUDIT_TIME_ZONE", value_name = "ZONE")]
    time_zone: Option<Tz>,
    /// Only of this table; may be given several times
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// Only what this owner has to put right; may be given several times
    #[arg(long, value_name = "OWNER")]
    owner: Vec<String>,
    /// Only failures this bad; may be given several times
    #[arg(long, value_name = "SEVERITY")]
    severity: Vec<Severeness>,
}

impl From<SelectionOptions> for Selection {
    fn from(options: SelectionOptions) -> Self {
        Selection {
            range: Range {
                since: options.since,
                until: options.until,
                zone: options.time_zone,
            },
            tables: options.table,
            owners: options.owner,
            severities: options.severity.into_iter().map(|one| one.0).collect(),
        }
    }
}

/// A severity as an argument.
#[derive(Debug, Clone, Copy)]
struct Severeness(Severity);

impl ValueEnum for Severeness {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Severeness(Severity::Critical),
            Severeness(Severity::Important),
            Severeness(Severity::Normal),
            Severeness(Severity::Low),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Paper {
    Light,
    Dark,
}

fn scale(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(scale) if (0.1..=10.0).contains(&scale) => Ok(scale),
        _ => Err("write a factor from 0.1 to 10, for example 2".to_owned()),
    }
}

/// Runs the program, and returns what it has to say.
///
/// # Errors
/// Whatever stands in its way.
pub fn run(arguments: AuditReport) -> anyhow::Result<String> {
    let options = match arguments.command {
        Command::Image(options) => options,
        Command::Html(options) => {
            let database = Database::open(&arguments.connection)?;
            return html::run(&mut database.connect()?, *options);
        }
        Command::Serve(options) => {
            let database = Database::open(&arguments.connection)?;
            return serve::run(database.url(), &options);
        }
    };
    let mut text = String::new();
    if let Some(out) = &options.out {
        ending(out)?;
    }
    let mut drawing = match &options.from {
        Some(file) => read(file)?,
        None => {
            let database = Database::open(&arguments.connection)?;
            Drawing::load(
                &mut database.connect()?,
                options.chart.as_ref(),
                &options.selection.clone().into(),
            )?
        }
    };
    if let Some(title) = &options.title {
        drawing = drawing.titled(title);
    }
    if let Some(file) = &options.data {
        write(
            file,
            (serde_json::to_string_pretty(&drawing)? + "\n").as_bytes(),
        )?;
        text.push_str(&format!("✓ {}\n", file.display()));
    }
    if let Some(out) = &options.out {
        let style = match options.theme {
            Paper::Light => Style::light(),
            Paper::Dark => Style::dark(),
        };
        save(&drawing, &style, options.size, options.scale, out)?;
        text.push_str(&format!("✓ {}\n", out.display()));
    }
    Ok(text)
}

fn read(file: &Path) -> anyhow::Result<Drawing> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "`{}` holds no figures that `audit-report image --data` of this version wrote",
            file.display()
        )
    })
}

fn write(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    fs::write(file, content).with_context(|| format!("cannot write `{}`", file.display()))
}

/// What a picture is written as: the ending of its name.
fn ending(out: &Path) -> anyhow::Result<&str> {
    let ending = out.extension().and_then(|ending| ending.to_str());
    match ending {
        Some(ending @ ("png" | "svg")) => Ok(ending),
        _ => bail!(
            "cannot draw `{}`: its name must end in .png or .svg",
            out.display()
        ),
    }
}

fn save(
    drawing: &Drawing,
    style: &Style,
    size: Option<Size>,
    scale: f32,
    out: &Path,
) -> anyhow::Result<()> {
    let ending = ending(out)?;
    let svg = drawing.svg(style, size)?;
    let content = if ending == "png" {
        png(&svg, scale)?
    } else {
        svg.into_bytes()
    };
    write(out, &content)
}

/// Draws the dashboard into a file, whose ending says whether as PNG or as SVG.
///
/// # Errors
/// If the ending is neither, the database can't be read or the file can't be written.
pub fn draw(
    connection: &mut PgConnection,
    selection: &Selection,
    style: &Style,
    out: &Path,
) -> anyhow::Result<()> {
    save(
        &Drawing::load(connection, None, selection)?,
        style,
        None,
        SCALE,
        out,
    )
}

/// The dashboard for a mail, which shows it 600 pixels wide.
///
/// # Errors
/// If the database can't be read.
pub fn for_mail(connection: &mut PgConnection) -> anyhow::Result<Vec<u8>> {
    let svg = Drawing::load(connection, None, &Selection::default())?.svg(&Style::light(), None)?;
    Ok(png(&svg, 1.0)?)
}
