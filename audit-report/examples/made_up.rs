//! Draws dashboards and charts from made-up figures, to look at the drawing without a database:
//! `cargo run -p audit-report --example made_up -- target/pictures`

#[path = "../tests/made_up/mod.rs"]
mod made_up;

use std::path::PathBuf;

use audit_report::chart::Size;
use audit_report::dashboard::{self, Dashboard, Period};
use audit_report::{Style, png};
use chrono::NaiveDate;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "target/pictures".into()),
    );
    std::fs::create_dir_all(&directory)?;
    let draw = |name: &str,
                figures: &Dashboard,
                style: &Style|
     -> Result<(), Box<dyn std::error::Error>> {
        let svg = dashboard::svg(figures, style)?;
        std::fs::write(directory.join(name).with_extension("png"), png(&svg, 1.0)?)?;
        std::fs::write(directory.join(name).with_extension("svg"), svg)?;
        Ok(())
    };
    draw("ordinary", &made_up::ordinary(), &Style::light())?;
    draw("ordinary-dark", &made_up::ordinary(), &Style::dark())?;
    draw("empty", &made_up::empty(), &Style::light())?;
    draw("busy", &made_up::busy(), &Style::light())?;
    draw("busy-dark", &made_up::busy(), &Style::dark())?;
    draw("hostile", &made_up::hostile(), &Style::light())?;
    let two_days = Period::new(
        NaiveDate::from_ymd_opt(2013, 2, 8).ok_or("no such day")?,
        NaiveDate::from_ymd_opt(2013, 2, 9).ok_or("no such day")?,
        chrono_tz::America::New_York,
    );
    draw("hours", &made_up::random(two_days), &Style::light())?;
    draw(
        "narrow",
        &made_up::ordinary(),
        &Style {
            width: 1200,
            height: 840,
            ..Style::light()
        },
    )?;
    for (name, charts) in [
        ("ordinary", made_up::charts::ordinary()),
        ("empty", made_up::charts::empty()),
        ("busy", made_up::charts::busy()),
        ("hostile", made_up::charts::hostile()),
    ] {
        for (nth, chart) in charts.iter().enumerate() {
            for (form, style, size) in [
                ("", Style::light(), Size::default()),
                ("-dark", Style::dark(), Size::default()),
                ("-phone", Style::light(), Size::LEAST),
            ] {
                let file = format!("chart-{name}-{nth:02}-{}{form}", chart.kind().name());
                let svg = chart.svg(&style, size)?;
                let path = directory.join(file);
                std::fs::write(path.with_extension("png"), png(&svg, 1.0)?)?;
                std::fs::write(path.with_extension("svg"), svg)?;
            }
        }
    }
    Ok(())
}
