//! `audit-report serve`: the live page.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use audit_core::SecretValue;
use audit_report::serve::{Options, Site};
use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::terminal;

/// The variable of the environment with the token.
const TOKEN: &str = "AUDIT_REPORT_TOKEN";

/// Where it listens, and who may do what.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Where it listens; port 0 takes any free one
    #[arg(
        long,
        env = "AUDIT_REPORT_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
    /// The address that people use where a reverse proxy stands before it, for example `https://audit.example.com`
    #[arg(long, env = "AUDIT_REPORT_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Another name under which it may be called; IP addresses and localhost always may
    #[arg(long = "allow-host", value_name = "NAME")]
    hosts: Vec<String>,
    /// A file with the token that people sign in with to act on alerts and quarantine; or set AUDIT_REPORT_TOKEN. Without
    /// a token the page is read-only
    #[arg(long, env = "AUDIT_REPORT_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How many connections to the database it opens at most
    #[arg(long, value_name = "COUNT", default_value_t = 6, value_parser = clap::value_parser!(u32).range(2..=100))]
    connections: u32,
    /// How long a statement may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=25))]
    statement_timeout: u64,
    /// The time zone in which times are shown [default: as the summaries, else UTC]
    #[arg(long, env = "AUDIT_TIME_ZONE", value_name = "ZONE")]
    time_zone: Option<Tz>,
    /// How its log is written
    #[arg(long, value_enum, default_value_t)]
    log: Log,
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

/// Serves the live page until it is told to stop.
///
/// # Errors
/// If the options make no sense or the address is taken.
pub fn run(database_url: &str, options: &ServeOptions) -> anyhow::Result<String> {
    log(options.log);
    let mut serve = Options::new(database_url);
    serve.public_url.clone_from(&options.public_url);
    serve.hosts.clone_from(&options.hosts);
    serve.token = token(options)?;
    serve.zone = options.time_zone;
    serve.connections = options.connections;
    serve.statement_timeout = Duration::from_secs(options.statement_timeout);
    let acting = serve.token.is_some();
    let site = Site::open(serve)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let mut stop = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        terminal::print(&format!(
            "http://{} {}\n",
            listener.local_addr()?,
            if acting {
                "· people who sign in with the token can act"
            } else {
                "· read-only"
            }
        ))?;
        site.serve(listener, async move {
            tokio::select! {
                _ = stop.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await?;
        anyhow::Ok(())
    })?;
    // A statement that still runs is not waited for.
    runtime.shutdown_background();
    Ok("stopped\n".to_owned())
}

/// The token, from the file or else from the environment.
fn token(options: &ServeOptions) -> anyhow::Result<Option<SecretValue>> {
    let text = match &options.token_file {
        Some(file) => fs::read_to_string(file)
            .with_context(|| format!("cannot read the token in `{}`", file.display()))?,
        None => match std::env::var(TOKEN) {
            Ok(text) if !text.trim().is_empty() => text,
            _ => return Ok(None),
        },
    };
    let text = text.trim();
    if text.is_empty() {
        bail!("the file with the token is empty");
    }
    Ok(Some(SecretValue::new(text)))
}

fn log(form: Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // It can be set once in a process; tests may have done so.
    let _ = match form {
        Log::Text => log.try_init(),
        Log::Json => log.json().try_init(),
    };
}
