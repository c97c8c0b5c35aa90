//! Which database a command works on: the one that is named, or else the demo's, if one was kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use audit_schema::embedded::{Cluster, Options};
use audit_schema::inspect;
use clap::Args;
use diesel::PgConnection;

/// The options that every command understands.
#[derive(Debug, Clone, Args)]
pub struct ConnectionOptions {
    /// The database to work on, for example postgresql://localhost/app
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true,
        value_name = "URL"
    )]
    pub database_url: Option<String>,

    /// Where `audit demo --keep` left its server, which is used when no database is named
    #[arg(
        long,
        default_value = "audit-demo",
        global = true,
        value_name = "DIR",
        hide_short_help = true
    )]
    pub demo_dir: PathBuf,
}

impl ConnectionOptions {
    /// The database that is named. An empty variable of the environment names none.
    pub fn named(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }
}

/// A database that can be connected to. A server that was started for it stops when this is dropped.
#[derive(Debug)]
pub struct Database {
    url: String,
    /// Held because dropping it stops the server.
    server: Option<Cluster>,
}

impl Database {
    /// Finds the database, and starts the demo's server if that is the one.
    ///
    /// # Errors
    /// If no database is named and none was kept, or the kept server does not start.
    pub fn open(options: &ConnectionOptions) -> anyhow::Result<Self> {
        if let Some(url) = options.named() {
            return Ok(Self {
                url: url.to_owned(),
                server: None,
            });
        }
        let kept = kept_server(&options.demo_dir);
        if !kept.join("PG_VERSION").exists() {
            bail!(
                "no database is named: give --database-url or set DATABASE_URL (or run `audit demo --keep` first, to look at the demo's)"
            );
        }
        let data = kept.canonicalize()?;
        let server = Cluster::start(Options {
            keep: Some(data),
            ..Options::default()
        })
        .with_context(|| {
            format!(
                "could not start the server that the demo left in `{}`",
                options.demo_dir.display()
            )
        })?;
        Ok(Self {
            url: server.url(DEMO_DATABASE),
            server: Some(server),
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is the demo's.
    pub fn is_demo(&self) -> bool {
        self.server.is_some()
    }

    /// Connects to it, whatever it holds.
    ///
    /// # Errors
    /// If it can't be reached.
    pub fn connect_to_any(&self) -> anyhow::Result<PgConnection> {
        Ok(audit_schema::connect(&self.url)?)
    }

    /// Connects to it.
    ///
    /// # Errors
    /// If it can't be reached, or the pipeline is not installed in it.
    pub fn connect(&self) -> anyhow::Result<PgConnection> {
        let mut connection = self.connect_to_any()?;
        if !inspect::is_installed(&mut connection)? {
            bail!(
                "the pipeline is not installed in this database; install it with `audit migrate`"
            );
        }
        audit_schema::migrate::check_version(&mut connection)?;
        Ok(connection)
    }
}

/// The database of the demo on its own server.
pub const DEMO_DATABASE: &str = "flights";

/// Where the demo keeps its server: a data directory, or a link to one.
pub fn kept_server(demo_dir: &Path) -> PathBuf {
    demo_dir.join("server")
}
