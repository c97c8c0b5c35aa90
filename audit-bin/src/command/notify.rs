//! `audit-notify`: ticks, and delivers what is due.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use std::{fs, io};

use anyhow::Context as _;
use audit_notify::message::Templates;
use audit_notify::provider::{Http, Reach, Timeouts};
use audit_notify::worker::{Due, Step};
use audit_notify::{Options, Outcome, RunReport, SystemClock, follow, preview, run_once};
use chrono_tz::Tz;
use clap::{Args, Parser, ValueEnum};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tracing_subscriber::EnvFilter;

use crate::command::image;
use crate::connection::{ConnectionOptions, Database};
use crate::failure;
use crate::terminal::{Color, Painted, Style, Tone, count, print};

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

    /// How long --follow waits at most between two rounds, in seconds; what is written is noticed at once
    #[arg(long, default_value_t = 1, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,

    /// How the log of --follow is written
    #[arg(long, value_enum, default_value_t)]
    log: Log,

    /// Keep figures about all channels in this file, as Prometheus's node exporter reads them
    #[arg(long, env = "AUDIT_METRICS", value_name = "FILE")]
    metrics: Option<PathBuf>,

    /// Where the team's own mail.html and mail.txt are, either or both
    #[arg(long, env = "AUDIT_TEMPLATES", value_name = "DIR")]
    templates: Option<PathBuf>,

    /// Post to this address after rounds that went well, so that somebody notices when they end
    #[arg(
        long,
        env = "AUDIT_PING_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    ping: Option<String>,

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

    /// Show the messages that are due, without sending or changing anything
    #[arg(long)]
    dry_run: bool,
}

/// How a log is written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Log {
    /// For people
    #[default]
    Text,
    /// A json object on each line
    Json,
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
    let environment = |name: &str| std::env::var(name).ok();
    let mut options = Options {
        interval: Duration::from_secs(arguments.interval),
        time_zone: arguments.time_zone,
        environment: Box::new(environment),
        picture: Some(Box::new(|connection| {
            image::for_mail(connection)
                .inspect_err(|error| tracing::warn!("the dashboard could not be drawn: {error:#}"))
                .ok()
        })),
        templates: arguments
            .templates
            .as_deref()
            .map_or_else(|| Ok(Templates::default()), templates)?,
        heartbeat: arguments
            .ping
            .as_deref()
            .map(heartbeat)
            .transpose()?
            .map(Arc::new),
        metrics: arguments.metrics.clone().map(keep_in),
        witness: environment("AUDIT_KILL_AT").map(kill_at).transpose()?,
        ..Options::default()
    };
    if arguments.mode.dry_run {
        let due = preview(&mut database.connect()?, &options, &SystemClock)?;
        print(&render_due(
            &due,
            Style::of_standard_output(Color::Auto, arguments.time_zone),
        ))?;
        return Ok(true);
    }
    if arguments.mode.follow {
        log(arguments.log);
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
        Style::of_standard_output(Color::Auto, arguments.time_zone),
    ))?;
    Ok(report.outcome() != Outcome::Trouble)
}

/// The address comes from whoever runs the program, not from the policy, so it may be anywhere.
fn heartbeat(url: &str) -> anyhow::Result<Http> {
    let reach = Reach {
        environment: &|name| std::env::var(name).ok(),
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(5),
        },
        allow_private: true,
        ca: None,
    };
    Http::new(url, reach).context("the address for signs of life can not be used")
}

/// The layouts that a folder has; the usual one for what it does not have.
fn templates(folder: &Path) -> anyhow::Result<Templates> {
    let read = |name: &str| match fs::read_to_string(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.is_dir() => Ok(None),
        read => read
            .map(Some)
            .with_context(|| format!("cannot read `{}`", folder.join(name).display())),
    };
    let mut templates = Templates::default();
    if let Some(text) = read("mail.txt")? {
        templates = templates.with_text(&text).context("in mail.txt")?;
    }
    if let Some(html) = read("mail.html")? {
        templates = templates.with_html(&html).context("in mail.html")?;
    }
    Ok(templates)
}

/// A reader never sees half of it.
fn keep_in(path: PathBuf) -> Box<dyn FnMut(&str) + Send> {
    let write = move |path: &Path, text: &str| -> io::Result<()> {
        let draft = path.with_extension("tmp");
        fs::write(&draft, text)?;
        fs::rename(draft, path)
    };
    Box::new(move |text| {
        if let Err(error) = write(&path, text) {
            tracing::warn!("`{}` could not be written: {error}", path.display());
        }
    })
}

/// Ends the program at one step of a delivery as `kill -9` would, for tests that ask what is lost.
fn kill_at(name: String) -> anyhow::Result<audit_notify::worker::Witness> {
    let steps = [
        ("claimed", Step::Claimed),
        ("kept", Step::Kept),
        ("sending", Step::Sending),
        ("answered", Step::Answered),
        ("written", Step::Written),
    ];
    let (_, at) = steps
        .into_iter()
        .find(|(known, _)| *known == name)
        .with_context(|| format!("a delivery has no step `{name}`"))?;
    Ok(Arc::new(move |step| {
        if step == at {
            std::process::abort();
        }
    }))
}

fn log(log: Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false);
    match log {
        Log::Json => lines.json().init(),
        Log::Text => lines.init(),
    }
}

/// What would go out, as a person reads it.
pub fn render_due(due: &[Due], style: Style) -> String {
    let mut text = String::new();
    for message in due {
        let to = match message.recipients.as_slice() {
            [] => String::new(),
            recipients => format!(" to {}", recipients.join(", ")),
        };
        let again = match message.attempt {
            ..=1 => String::new(),
            attempt => format!(", attempt {attempt}"),
        };
        text.push_str(&style.bold(&format!(
            "{}{to}{again}: {}",
            message.channel, message.subject
        )));
        text.push('\n');
        for line in message.text.lines() {
            text.push_str(format!("  {line}").trim_end());
            text.push('\n');
        }
        text.push('\n');
    }
    let due = i64::try_from(due.len()).unwrap_or(i64::MAX);
    text + &style.bold(&format!("{} due", count(due, "message")))
        + &style.quiet(" · a dry run: nothing was sent or changed")
        + "\n"
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
    for (channel, address) in &report.left_out {
        lines.push(style.bad(&format!(
            "✗ {channel}: {address} is dead, and left out from now on"
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
