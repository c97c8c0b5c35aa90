//! `audit demo`: the whole pipeline on real data, from an empty server to a dashboard and a proof.
//!
//! Departures and weather of two months are replayed hour by hour, as a stream of transactions. Beside it runs the loop
//! of `audit-notify`, with a clock that tells the replayed time, and mails what it has to say to a mail API on loopback.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use audit_core::Policy;
use audit_report::Range;
use audit_schema::embedded::{Cluster, Options as ClusterOptions};
use audit_schema::inspect::{self, AlertStatus, Status};
use audit_schema::verify::Verified;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::Args;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::command::Output;
use crate::command::verify::Proof;
use crate::connection::{DEMO_DATABASE, kept_server};
use crate::session::Session;
use crate::terminal::{Painted, Tone, count, number};
use data::{MadeUp, Outcome};
use mail_api::MailApi;
use replay::{Told, Written};
use screen::Screen;

pub mod clock;
pub mod data;
pub mod mail_api;
pub mod notifier;
pub mod replay;
pub mod screen;

/// The zone in which the demo tells times: that of the airports.
pub const ZONE: Tz = Tz::America__New_York;

/// How often the notifier looks, in replayed time.
const TICK: TimeDelta = TimeDelta::hours(3);

/// The port that the mail API takes if it is free, so that its address is the same each time.
const MAIL_PORT: u16 = 8025;

/// The options of `audit demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Only 25 January to 12 February
    #[arg(long)]
    quick: bool,
    /// Leave the server's data behind, for `audit status` and the others to look at
    #[arg(long)]
    keep: bool,
    /// Where all files go
    #[arg(long, default_value = "audit-demo", value_name = "DIR")]
    dir: PathBuf,
}

/// Runs the demo on the database that is named, or else on a server of its own. Not well if something does not hold.
///
/// # Errors
/// As [`run`].
pub fn command(session: &Session, arguments: DemoArguments) -> anyhow::Result<Output> {
    let options = DemoOptions {
        quick: arguments.quick,
        keep: arguments.keep,
        directory: arguments.dir,
        database_url: session.named().map(str::to_owned),
        program: std::env::args()
            .next()
            .unwrap_or_else(|| "audit".to_owned()),
    };
    let style = session.style_in(ZONE);
    let finished = run(&options, &mut Screen::of_standard_output(style))?;
    Ok(Output {
        text: String::new(),
        well: finished.holds(),
    })
}

/// How the demo is run.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Only 25 January to 12 February.
    pub quick: bool,
    /// Leave the server's data behind, for looking at it afterwards.
    pub keep: bool,
    /// Where all files go.
    pub directory: PathBuf,
    /// An empty database to use instead of a server of its own.
    pub database_url: Option<String>,
    /// How the person called this program, for the commands that the demo names.
    pub program: String,
}

impl DemoOptions {
    fn from(&self) -> DateTime<Utc> {
        if self.quick {
            data::midnight(1, 25)
        } else {
            data::midnight(1, 1)
        }
    }

    fn to(&self) -> DateTime<Utc> {
        if self.quick {
            data::midnight(2, 13)
        } else {
            data::midnight(3, 1)
        }
    }
}

/// What the demo leaves: the database, still running, and what happened in it.
#[derive(Debug)]
pub struct Finished {
    /// Address of the database.
    pub url: String,
    /// How much was written.
    pub written: Written,
    /// What became of the made-up writes.
    pub made_up: Vec<(MadeUp, Told)>,
    /// The alerts that people were told of.
    pub alerts: Vec<AlertStatus>,
    /// The mails that arrived.
    pub mails: Vec<mail_api::Message>,
    /// Each counter, each summary and the seals, compared with a full scan.
    pub verified: Vec<Verified>,
    /// For each watched table, by how many rows the replayed log differs from it.
    pub replayed: Vec<(String, i64)>,
    /// The pictures.
    pub pictures: Vec<PathBuf>,
    /// Held because dropping it stops the server.
    _server: Option<Cluster>,
}

impl Finished {
    /// The key of the flight that the made-up stream corrects: its history has something to tell.
    pub fn corrected_flight(&self) -> Option<&str> {
        self.made_up
            .iter()
            .find(|(made_up, _)| made_up.update.is_some())
            .and_then(|(_, told)| told.key.as_deref())
    }

    /// Whether every line of the proof holds and every made-up row became what it should.
    pub fn holds(&self) -> bool {
        self.verified.iter().all(|verified| verified.ok)
            && self
                .replayed
                .iter()
                .all(|(_, differences)| *differences == 0)
            && self
                .made_up
                .iter()
                .all(|(made_up, told)| made_up.then == told.outcome)
    }
}

/// Runs the demo.
///
/// # Errors
/// If there is no server, or anything on the way fails.
pub fn run(options: &DemoOptions, screen: &mut Screen) -> anyhow::Result<Finished> {
    let directory = prepare(&options.directory)?;
    let mail_directory = directory.join("mail");
    mail_api::empty_folder(&mail_directory)?;

    let (url, server) = step_server(options, &directory, screen)?;
    let mut connection = audit_schema::connect(&url)?;
    step_schema(&mut connection, screen)?;
    step_policy(&mut connection, screen)?;
    // The evening before: the dashboard then shows the days of the replay as they were.
    let started = Instant::now();
    let loaded =
        replay::load_reference_tables(&mut connection, options.from() - TimeDelta::hours(4))?;
    let loaded: Vec<String> = loaded
        .iter()
        .map(|(table, rows)| format!("{table} {}", number(*rows)))
        .collect();
    screen.done("tables loaded", &loaded.join(" · "), started.elapsed())?;

    let mail_api = MailApi::start(mail_api::Options {
        directory: mail_directory,
        api_key: notifier::API_KEY.to_owned(),
        preferred_port: MAIL_PORT,
    })?;
    let (written, made_up) = step_replay(options, &url, &mut connection, &mail_api, screen)?;

    let status = inspect::status(&mut connection)?;
    totals(&status, &mail_api, screen)?;
    let Proof { verified, replayed } = step_proof(&mut connection, screen)?;
    let pictures = step_pictures(options, &mut connection, &directory, screen)?;
    let finished = Finished {
        url,
        written,
        made_up,
        alerts: inspect::alerts(&mut connection)?,
        mails: mail_api.messages(),
        verified,
        replayed,
        pictures,
        _server: server,
    };
    further(options, &finished, screen)?;
    Ok(finished)
}

/// Makes the folder of the demo, and returns it as a path that is right from everywhere.
fn prepare(directory: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(directory)
        .and_then(|()| directory.canonicalize())
        .with_context(|| format!("could not make the folder `{}`", directory.display()))
}

fn step_server(
    options: &DemoOptions,
    directory: &Path,
    screen: &mut Screen,
) -> anyhow::Result<(String, Option<Cluster>)> {
    let started = Instant::now();
    if let Some(url) = &options.database_url {
        let mut connection = audit_schema::connect(url)?;
        let status = inspect::is_empty(&mut connection)?;
        if !status {
            bail!(
                "the demo needs an empty database, and the one that is named holds tables; make one with `createdb`"
            );
        }
        screen.done(
            "server found",
            "the database that DATABASE_URL names",
            started.elapsed(),
        )?;
        return Ok((url.clone(), None));
    }
    let kept = kept_server(directory);
    remove_server(&kept)?;
    let server = if options.keep {
        start_kept(&kept)?
    } else {
        Cluster::start(ClusterOptions::default())?
    };
    let mut connection = audit_schema::connect(&server.url("postgres"))?;
    connection.batch_execute(include_str!(
        "../../examples/flights/replay/create_database.sql"
    ))?;
    let place = if options.keep {
        format!("{}/server", options.directory.display())
    } else {
        "removed at the end".to_owned()
    };
    screen.done(
        "server started",
        &format!("PostgreSQL {}, private, {place}", server.server().major),
        started.elapsed(),
    )?;
    Ok((server.url(DEMO_DATABASE), Some(server)))
}

/// Starts a server whose data stays. PostgreSQL does not run as root, and the account that it runs as instead may be
/// unable to enter the folder of the demo; the data then goes to /var/tmp, and the folder holds a link to it.
fn start_kept(kept: &Path) -> anyhow::Result<Cluster> {
    let options = |directory: &Path| ClusterOptions {
        keep: Some(directory.to_path_buf()),
        ..ClusterOptions::default()
    };
    match Cluster::start(options(kept)) {
        Err(audit_schema::Error::Unreachable { .. }) => {
            let _ = fs::remove_dir(kept);
            let elsewhere =
                Path::new("/var/tmp").join(format!("audit-demo-{}", std::process::id()));
            let server = Cluster::start(options(&elsewhere))?;
            std::os::unix::fs::symlink(&elsewhere, kept)
                .with_context(|| format!("could not link `{}`", kept.display()))?;
            Ok(server)
        }
        result => Ok(result?),
    }
}

/// Removes what an earlier demo kept.
fn remove_server(kept: &Path) -> anyhow::Result<()> {
    let Ok(data) = kept.canonicalize() else {
        // Nothing there, or a link to nothing.
        let _ = fs::remove_file(kept);
        return Ok(());
    };
    if !data.join("PG_VERSION").exists() {
        bail!(
            "`{}` is not a server that a demo has left, so it is not touched; name another folder with --dir",
            kept.display()
        );
    }
    if data.join("postmaster.pid").exists() {
        // Starting it shows whether the lock is stale, and says who holds it if not.
        drop(Cluster::start(ClusterOptions {
            keep: Some(data.clone()),
            ..ClusterOptions::default()
        })?);
    }
    fs::remove_dir_all(&data).with_context(|| format!("could not remove `{}`", data.display()))?;
    let _ = fs::remove_file(kept);
    Ok(())
}

fn step_schema(connection: &mut PgConnection, screen: &mut Screen) -> anyhow::Result<()> {
    let started = Instant::now();
    let report = audit_schema::migrate(connection)?;
    let migrations = i64::try_from(report.migrations.len()).unwrap_or(i64::MAX);
    screen.done(
        "schema installed",
        &count(migrations, "migration"),
        started.elapsed(),
    )?;
    Ok(())
}

/// Installs the pipeline, makes the tables of the demo and applies its policy. Nothing is written into the tables.
///
/// # Errors
/// If a statement fails.
pub fn install(connection: &mut PgConnection) -> anyhow::Result<()> {
    audit_schema::migrate(connection)?;
    apply_policy(connection)?;
    Ok(())
}

fn apply_policy(connection: &mut PgConnection) -> anyhow::Result<Policy> {
    let policy = Policy::parse(data::POLICY, data::POLICY_FILE)?;
    connection.transaction(|connection| {
        connection.batch_execute(data::SCHEMA)?;
        audit_schema::apply(connection, &policy)
    })?;
    Ok(policy)
}

fn step_policy(connection: &mut PgConnection, screen: &mut Screen) -> anyhow::Result<()> {
    let started = Instant::now();
    let policy = apply_policy(connection)?;
    let rules = policy
        .tables
        .iter()
        .map(|table| table.rules.len())
        .sum::<usize>();
    let facts = [
        count(size(policy.tables.len()), "table"),
        count(size(rules), "rule"),
        format!("{} summaries", policy.summaries.len()),
        format!("{} alert policies", policy.alerts.len()),
        count(size(policy.channels.len()), "channel"),
    ];
    screen.done("policy applied", &facts.join(" · "), started.elapsed())?;
    Ok(())
}

fn step_replay(
    options: &DemoOptions,
    url: &str,
    reader: &mut PgConnection,
    mail_api: &MailApi,
    screen: &mut Screen,
) -> anyhow::Result<(Written, Vec<(MadeUp, Told)>)> {
    let (from, to) = (options.from(), options.to());
    let mut hours = data::hours(from, to)?;
    let mut made_up: Vec<MadeUp> = data::made_up()?;
    made_up.retain(|made_up| (from..to).contains(&made_up.at));
    let mut made_up = made_up.into_iter().peekable();

    let mut writer = audit_schema::connect(url)?;
    writer.batch_execute(include_str!(
        "../../examples/flights/replay/become_the_feed.sql"
    ))?;
    let (hand, clock) = clock::replay_clock(from);
    let notifier = notifier::Notifier::start(url, &mail_api.url(), clock)?;

    let days = |time: DateTime<Utc>| time.with_timezone(&ZONE).format("%-d %B").to_string();
    screen.say(&format!(
        "  {} {} to {} 2013, hour by hour; audit-notify looks every {} hours of replayed time",
        screen.style().bold("replaying"),
        days(from),
        days(to - TimeDelta::hours(1)),
        TICK.num_hours(),
    ))?;
    screen.begin(u64::try_from((to - from).num_hours()).unwrap_or_default());

    let started = Instant::now();
    let mut writing = Duration::ZERO;
    let mut written = Written::default();
    let mut told = Vec::new();
    let mut news = News::default();
    let mut hour = from;
    while hour < to {
        let began = Instant::now();
        if let Some(reports) = hours.remove(&hour) {
            written += replay::write_hour(&mut writer, hour, reports)?;
        }
        writing += began.elapsed();
        let next = hour + TimeDelta::hours(1);
        while let Some(next_made_up) = made_up.next_if(|made_up| made_up.at < next) {
            let outcome = replay::write_made_up(&mut writer, reader, &next_made_up)?;
            screen.event(next_made_up.at, &describe(&next_made_up, &outcome))?;
            written.transactions += 1;
            told.push((next_made_up, outcome));
        }
        if (next - from).num_hours() % TICK.num_hours() == 0 || next == to {
            if !hand.step(next) {
                break;
            }
            news.tell(reader, screen)?;
        }
        screen.advance(next, written.rate(writing));
        hour = next;
    }
    hand.end();
    screen.end();
    notifier.join()?;

    let rows = written.rows();
    let rate = written.rate(writing);
    screen.done(
        "replayed",
        &format!(
            "{} in {} at {} rows/s, {} mailed",
            count(rows, "row"),
            count(written.transactions, "transaction"),
            number(rate),
            count(size(mail_api.messages().len()), "message"),
        ),
        started.elapsed(),
    )?;
    Ok((written, told))
}

/// One line about a made-up row: what it is and what became of it.
fn describe(made_up: &MadeUp, told: &Told) -> Painted {
    let tone = match told.outcome {
        Outcome::Accepted => Tone::Quiet,
        _ if told.outcome == made_up.then => Tone::Good,
        _ => Tone::Severity(audit_core::Severity::Critical),
    };
    Painted::new(
        format!("made up: {} → {}", made_up.made_up, told.outcome.name()),
        tone,
    )
}

/// Alerts that were told already, so that each is told once when it fires and once when it is over.
#[derive(Debug, Default)]
struct News {
    told: HashMap<(String, DateTime<Utc>), bool>,
}

impl News {
    fn tell(&mut self, reader: &mut PgConnection, screen: &mut Screen) -> anyhow::Result<()> {
        for alert in inspect::alerts(reader)? {
            let key = (alert.fingerprint.clone(), alert.opened_at);
            let known = self.told.get(&key).copied();
            let symbol = alert
                .severity
                .parse()
                .map_or("", audit_core::Severity::symbol);
            if known.is_none() {
                let severity = alert
                    .severity
                    .parse()
                    .unwrap_or(audit_core::Severity::Normal);
                let text = format!("{symbol} {} alert: {}", alert.severity, alert.title);
                screen.event(
                    alert.fired_at.unwrap_or(alert.opened_at),
                    &Painted::new(text, Tone::Severity(severity)),
                )?;
            }
            if let Some(resolved_at) = alert.resolved_at.filter(|_| known != Some(true)) {
                screen.event(
                    resolved_at,
                    &Painted::new(format!("✓ over: {}", alert.title), Tone::Good),
                )?;
            }
            self.told.insert(key, alert.resolved_at.is_some());
        }
        Ok(())
    }
}

fn totals(status: &Status, mail_api: &MailApi, screen: &mut Screen) -> anyhow::Result<()> {
    let rows = status.tables.iter().map(|table| table.rows).sum();
    let logged = status.pipeline.sealed_rows + status.pipeline.head_rows;
    let failing = status.rules.iter().filter(|rule| rule.failing > 0).count();
    let held = status.tables.iter().map(|table| table.held).sum();
    let critical = status
        .open_alerts
        .iter()
        .filter(|alert| alert.severity == "critical")
        .count();
    let lines = [
        format!(
            "{} in {}",
            count(rows, "row"),
            count(size(status.tables.len()), "table")
        ),
        format!(
            "{} logged in {}",
            count(logged, "change"),
            count(status.pipeline.segments, "sealed segment")
        ),
        format!(
            "{failing} of {} fail for some row",
            count(size(status.rules.len()), "rule")
        ),
        format!("{} set aside", count(held, "row")),
        format!(
            "{} open, {critical} of them critical",
            count(size(status.open_alerts.len()), "alert")
        ),
        format!(
            "{} mailed, {} dead",
            count(size(mail_api.messages().len()), "message"),
            status.pipeline.dead
        ),
    ];
    screen.say(&format!(
        "\n{}\n  {}",
        screen.style().bold("Totals"),
        lines.join("\n  ")
    ))?;
    Ok(())
}

fn step_proof(connection: &mut PgConnection, screen: &mut Screen) -> anyhow::Result<Proof> {
    let proof = Proof::read(connection)?;
    screen.say(&format!(
        "\n{}\n{}",
        screen.style().bold("Proof, by reading everything"),
        proof.lines(screen.style())
    ))?;
    Ok(proof)
}

fn step_pictures(
    options: &DemoOptions,
    connection: &mut PgConnection,
    directory: &Path,
    screen: &mut Screen,
) -> anyhow::Result<Vec<PathBuf>> {
    let started = Instant::now();
    let range = Range {
        since: Some(options.from().with_timezone(&ZONE).date_naive().into()),
        until: Some(
            (options.to() - TimeDelta::hours(1))
                .with_timezone(&ZONE)
                .date_naive(),
        ),
        zone: Some(ZONE),
    };
    let mut pictures = Vec::new();
    for (name, style) in [
        ("dashboard.png", audit_report::Style::light()),
        ("dashboard.svg", audit_report::Style::light()),
        ("dashboard-dark.png", audit_report::Style::dark()),
    ] {
        let path = directory.join(name);
        crate::command::image::draw(connection, &range.clone().into(), &style, &path)?;
        pictures.push(path);
    }
    screen.say("")?;
    screen.done(
        "dashboard drawn",
        &count(size(pictures.len()), "picture"),
        started.elapsed(),
    )?;
    Ok(pictures)
}

/// Names the files that were made, and the commands to look further.
fn further(options: &DemoOptions, finished: &Finished, screen: &mut Screen) -> anyhow::Result<()> {
    let style = screen.style();
    let directory = options.directory.display();
    let mut lines = vec![
        format!("\n{}", style.bold("Look at")),
        format!(
            "  {directory}/dashboard.png      all of it in one picture (also .svg, and -dark.png)"
        ),
        format!("  {directory}/mail/index.html    the mails, as they arrived"),
    ];
    if let Some(mail) = finished
        .mails
        .iter()
        .find(|mail| mail.subject.to_lowercase().contains("critical"))
    {
        let file = mail
            .file
            .file_name()
            .map(|name| name.to_string_lossy())
            .unwrap_or_default();
        lines.push(format!("  {directory}/mail/{file}"));
    }
    if options.keep && options.database_url.is_none() {
        lines.push(format!(
            "\n{}",
            style.bold("Look further, in the server that was kept")
        ));
        let mut commands = vec!["status".to_owned()];
        if let Some(key) = finished.corrected_flight() {
            commands.push(format!("history flights {key}"));
        }
        commands.extend(["findings", "quarantine list", "verify"].map(str::to_owned));
        let elsewhere = if options.directory == Path::new("audit-demo") {
            String::new()
        } else {
            format!(" --demo-dir {directory}")
        };
        for command in commands {
            lines.push(format!("  {} {command}{elsewhere}", options.program));
        }
    } else if options.database_url.is_none() {
        lines.push(format!("\n{}", style.quiet("With --keep the server's data stays, for `status`, `history flights KEY`, `findings` and `quarantine list`.")));
    }
    screen.say(&lines.join("\n"))?;
    Ok(())
}

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
