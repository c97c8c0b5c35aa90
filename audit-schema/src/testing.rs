//! Databases for tests: a real one for each, made from a template in a few milliseconds.
//!
//! The first call in a process starts a private server, in memory where there is room, and installs the pipeline in a
//! template. The server goes when the process ends, however it ends.
//!
//! ```no_run
//! let database = audit_schema::testing::database();
//! let mut connection = database.connect();
//! ```

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::embedded::{Cluster, Options};

/// A database of a test's own, with the pipeline installed. It is dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
}

impl Database {
    /// A new connection, as a superuser.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    #[must_use]
    pub fn connect(&self) -> PgConnection {
        connect(&self.name)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        cluster().url(&self.name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed must fail with its own message. What is not dropped goes with the server.
        if let Ok(mut connection) = PgConnection::establish(&cluster().url("postgres")) {
            let _ = connection.batch_execute(&format!(
                "drop database if exists {} with (force)",
                self.name
            ));
        }
    }
}

/// A new database with the pipeline installed.
///
/// # Panics
///
/// When no server can be started, or the pipeline can not be installed.
#[must_use]
pub fn database() -> Database {
    LazyLock::force(&TEMPLATE);
    create("template audit_template")
}

/// A new database without the pipeline.
///
/// # Panics
///
/// When no server can be started.
#[must_use]
pub fn empty_database() -> Database {
    create("template template0")
}

/// The server of this process.
///
/// # Panics
///
/// When no server can be started.
#[must_use]
pub fn cluster() -> &'static Cluster {
    &CLUSTER
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let settings = [
        ("shared_buffers", "64MB"),
        ("max_connections", "200"),
        ("max_prepared_transactions", "10"),
    ];
    let options = Options {
        directory: memory(),
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..Options::default()
    };
    Cluster::start(options).unwrap_or_else(|error| panic!("{error}"))
});

static TEMPLATE: LazyLock<()> = LazyLock::new(|| {
    connect("postgres")
        .batch_execute("create database audit_template")
        .expect("a template can be made");
    let report = crate::migrate(&mut connect("audit_template"));
    report.unwrap_or_else(|error| panic!("the pipeline can not be installed: {}", chain(&error)));
});

fn create(from: &str) -> Database {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", LAST.fetch_add(1, Ordering::Relaxed));
    connect("postgres")
        .batch_execute(&format!("create database {name} {from}"))
        .unwrap_or_else(|error| panic!("cannot create a database: {error}"));
    Database { name }
}

fn connect(database: &str) -> PgConnection {
    crate::connect(&cluster().url(database)).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// The message of an error with those of its causes.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// A directory in memory, where more than a gigabyte of it is free.
fn memory() -> Option<PathBuf> {
    let output = std::process::Command::new("df")
        .args(["-Pk", "/dev/shm"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let free: u64 = text
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse()
        .ok()?;
    (free > 1 << 20).then(|| Path::new("/dev/shm").to_path_buf())
}
