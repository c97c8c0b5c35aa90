//! `audit-report image`: the dashboard as a picture.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use audit_report::dashboard::{self, Range};
use audit_report::{Style, png};
use diesel::PgConnection;

/// How many pixels of the picture one pixel of its design becomes.
const SCALE: f32 = 2.0;

/// Draws the dashboard into a file, whose ending says whether as PNG or as SVG.
///
/// # Errors
/// If the ending is neither, the database can't be read or the file can't be written.
pub fn draw(
    connection: &mut PgConnection,
    range: &Range,
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
    let svg = dashboard::svg(&dashboard::load(connection, range)?, style)?;
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
        &dashboard::load(connection, &Range::default())?,
        &Style::light(),
    )?;
    Ok(png(&svg, 1.0)?)
}
