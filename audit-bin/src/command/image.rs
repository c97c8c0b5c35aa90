//! `audit-report image`: the dashboard as a picture.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit_core::Theme;
use audit_report::chart::{self, Kind, Size};
use audit_report::{Range, Selection, Since, Style, dashboard, png};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Parser, Subcommand, ValueEnum};
use diesel::PgConnection;

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
    /// Draw the dashboard
    Image {
        /// The file to write; its name ends in .png or .svg
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// On white or on dark
        #[arg(long, value_enum, default_value_t = Paper::Light)]
        theme: Paper,
        /// One chart instead of the dashboard
        #[arg(long, value_name = "CHART")]
        chart: Option<Kind>,
        /// The first day, for example 2026-11-01, or how far back: 30d, 12w, 1y [default: that of the first change]
        #[arg(long, value_name = "DAY")]
        since: Option<Since>,
        /// The last day [default: that of the last change]
        #[arg(long, value_name = "DAY")]
        until: Option<NaiveDate>,
        /// Where days begin [default: as the summaries, else UTC]
        #[arg(long, env = "AUDIT_TIME_ZONE", value_name = "ZONE")]
        time_zone: Option<Tz>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Paper {
    Light,
    Dark,
}

/// Runs the program, and returns what it has to say.
///
/// # Errors
/// Whatever stands in its way.
pub fn run(arguments: AuditReport) -> anyhow::Result<String> {
    let Command::Image {
        out,
        theme,
        chart,
        since,
        until,
        time_zone,
    } = arguments.command;
    let database = Database::open(&arguments.connection)?;
    let range = Range {
        since,
        until,
        zone: time_zone,
    };
    let style = Style {
        theme: match theme {
            Paper::Light => Theme::Light,
            Paper::Dark => Theme::Dark,
        },
        ..Style::default()
    };
    draw(
        &mut database.connect()?,
        chart.as_ref(),
        &range.into(),
        &style,
        &out,
    )?;
    Ok(format!("✓ {}\n", out.display()))
}

/// Draws the dashboard into a file, whose ending says whether as PNG or as SVG.
///
/// # Errors
/// If the ending is neither, the database can't be read or the file can't be written.
pub fn draw(
    connection: &mut PgConnection,
    chart: Option<&Kind>,
    selection: &Selection,
    style: &Style,
    out: &Path,
) -> anyhow::Result<()> {
    let ending = out
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    if !matches!(ending, "png" | "svg") {
        bail!(
            "cannot draw `{}`: its name must end in .png or .svg",
            out.display()
        );
    }
    let svg = match chart {
        Some(kind) => chart::load(connection, kind, selection)?.svg(style, Size::default())?,
        None => dashboard::svg(&dashboard::load(connection, selection)?, style)?,
    };
    let content = if ending == "png" {
        png(&svg, SCALE)?
    } else {
        svg.into_bytes()
    };
    fs::write(out, content).with_context(|| format!("cannot write `{}`", out.display()))
}

/// The dashboard for a mail, which shows it 600 pixels wide.
///
/// # Errors
/// If the database can't be read.
pub fn for_mail(connection: &mut PgConnection) -> anyhow::Result<Vec<u8>> {
    let svg = dashboard::svg(
        &dashboard::load(connection, &Selection::default())?,
        &Style::light(),
    )?;
    Ok(png(&svg, 1.0)?)
}
