//! `audit-notify`: ticks, and delivers what is due.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use audit_notify::{Options, Outcome, RunReport, SystemClock, follow, run_once};
use chrono_tz::Tz;
use clap::{Args, Parser};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tracing_subscriber::EnvFilter;

use crate::command::image;
use crate::connection::{ConnectionOptions, Database};
use crate::failure;
use crate::terminal::{Painted, Style, Tone, count, print};

/// Ticks, and delivers alerts through the channels of the policy.
///
/// Exit codes of --once: 0 all that was due is done; 1 a message was given up, a channel is paused or cannot be used,
/// or an alert policy cannot be evaluated; 2 it could not run.
#[derive(Debug, Parser)]
#[command(name = "audit-notify", version, max_term_width = 100)]
pub struct AuditNotify {
    #[command(flatten)]
    connection: ConnectionOptions,

    #[command(flatten)]
    mode: Mode,

    /// How long to wait between two rounds of --follow, in seconds
    #[arg(long, default_value_t = 1, value_name = "SECONDS")]
    interval: u64,

    /// Write the log of --follow as json lines
    #[arg(long)]
    json: bool,

    /// The time zone of alerts that have none of their own
    #[arg(
        long,
        env = "AUDIT_TIME_ZONE",
        default_value = "UTC",
        value_name = "ZONE"
    )]
    time_zone: Tz,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Mode {
    /// Do what is due and return, for cron
    #[arg(long)]
    once: bool,

    /// Go on until stopped, as a service
    #[arg(long)]
    follow: bool,
}

/// Runs the program, and says with which code it ends.
pub fn main(arguments: AuditNotify) -> ExitCode {
    match run(&arguments) {
        Ok(well) if well => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            failure::exit(&error);
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &AuditNotify) -> anyhow::Result<bool> {
    let database = Database::open(&arguments.connection)?;
    let mut options = Options {
        interval: Duration::from_secs(arguments.interval),
        time_zone: arguments.time_zone,
        environment: Box::new(|name| std::env::var(name).ok()),
        picture: Some(Box::new(|connection| {
            image::for_mail(connection)
                .inspect_err(|error| tracing::warn!("the dashboard could not be drawn: {error:#}"))
                .ok()
        })),
        ..Options::default()
    };
    if arguments.mode.follow {
        log(arguments.json);
        // What is being sent when the signal comes is finished; a second signal ends the program at once.
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
            flag::register(signal, Arc::clone(&stop))?;
        }
        follow(database.url(), options, SystemClock, stop)?;
        return Ok(true);
    }
    let report = run_once(&mut database.connect()?, &mut options, &SystemClock)?;
    print(&render(
        &report,
        Style::of_standard_output(arguments.time_zone),
    ))?;
    Ok(report.outcome() != Outcome::Trouble)
}

fn log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false);
    if json {
        log.json().init();
    } else {
        log.init();
    }
}

/// What one run did, as a person reads it.
pub fn render(report: &RunReport, style: Style) -> String {
    if report.busy {
        return style.quiet("another audit-notify is at work, nothing done") + "\n";
    }
    let mut lines = Vec::new();
    for notice in &report.tick.notices {
        let text = format!(
            "{} {} {}: {}",
            notice.severity.symbol(),
            notice.severity,
            notice.message,
            notice.title
        );
        lines.push(style.paint(&Painted::new(text, Tone::Severity(notice.severity))));
    }
    for delivered in &report.delivered {
        lines.push(style.good(&format!("✓ {}: {}", delivered.channel, delivered.subject)));
    }
    for undelivered in &report.delayed {
        lines.push(format!(
            "  {}: {} is tried again: {}",
            undelivered.channel, undelivered.subject, undelivered.error
        ));
    }
    for undelivered in &report.dead {
        lines.push(style.bad(&format!(
            "✗ {}: {} was given up: {}",
            undelivered.channel, undelivered.subject, undelivered.error
        )));
    }
    for (channel, why) in report.paused.iter().chain(&report.unusable) {
        lines.push(style.bad(&format!("✗ the channel `{channel}` is out of use: {why}")));
    }
    for policy in &report.tick.errors {
        lines.push(style.bad(&format!(
            "✗ the alert policy `{}` cannot be evaluated: {}",
            policy.policy, policy.error
        )));
    }
    let size = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let mut facts = vec![
        format!("{} packed", count(report.tick.moved, "log row")),
        format!(
            "{} delivered",
            count(size(report.delivered.len()), "message")
        ),
    ];
    if !report.delayed.is_empty() {
        facts.push(format!("{} tried again later", report.delayed.len()));
    }
    if !report.dead.is_empty() {
        facts.push(format!("{} given up", report.dead.len()));
    }
    lines.push(style.bold(&facts.join(" · ")));
    lines.join("\n") + "\n"
}
