//! The private server that everything runs on, and pgbench, which writes to it.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use audit_bin::demo::data;
use audit_notify::{Options as NotifyOptions, SystemClock, follow};
use audit_schema::embedded::{Cluster, Options};
use audit_schema::{connect, migrate};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Json;
use serde_json::Value;

use crate::Outcome;
use crate::work::Table;

/// What differs from PostgreSQL's own defaults. Commits are asynchronous, so that what is compared is the work and not
/// the disk; what was committed is on disk within a second.
const SETTINGS: [(&str, &str); 5] = [
    ("synchronous_commit", "off"),
    ("shared_buffers", "512MB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "1h"),
    ("max_connections", "100"),
];

/// The databases that all others are copied from: the rows to write, without and with the pipeline.
const PLAIN: &str = "bench_plain";
const PIPELINE: &str = "bench_pipeline";

/// A running server.
pub struct Server {
    cluster: Cluster,
}

impl Server {
    /// Starts the server and loads `rows` rows to write for each table.
    pub fn start(rows: i64) -> Outcome<Self> {
        let cluster = Cluster::start(Options {
            durable: true,
            settings: SETTINGS
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            ..Options::default()
        })?;
        let server = Self { cluster };
        server.run("postgres", &format!("create database {PLAIN}"))?;
        server.load(rows)?;
        server.run(
            "postgres",
            &format!("create database {PIPELINE} template {PLAIN}"),
        )?;
        migrate(&mut server.connect(PIPELINE)?)?;
        Ok(server)
    }

    /// A new database with the rows to write, and with the pipeline if it is wanted.
    pub fn create(&self, name: &str, pipeline: bool) -> Outcome<PgConnection> {
        let template = if pipeline { PIPELINE } else { PLAIN };
        self.run(
            "postgres",
            &format!("create database {name} template {template}"),
        )?;
        self.connect(name)
    }

    /// Removes a database, whoever is still connected to it.
    pub fn drop(&self, name: &str) -> Outcome<()> {
        self.run("postgres", &format!("drop database {name} with (force)"))
    }

    pub fn connect(&self, database: &str) -> Outcome<PgConnection> {
        Ok(connect(&self.cluster.url(database))?)
    }

    /// Autovacuum belongs to a long run, and is noise in a short one.
    pub fn autovacuum(&self, on: bool) -> Outcome<()> {
        let mut conn = self.connect("postgres")?;
        conn.batch_execute(&format!("alter system set autovacuum = {on}"))?;
        conn.batch_execute("select pg_reload_conf()")?;
        Ok(())
    }

    /// The version, as the server tells it.
    pub fn version(&self) -> Outcome<String> {
        Ok(
            diesel::dsl::sql::<diesel::sql_types::Text>("select current_setting('server_version')")
                .get_result(&mut self.connect("postgres")?)?,
        )
    }

    /// Runs scripts in turn, prepared, from several clients for some seconds. Returns transactions per second.
    pub fn pgbench(
        &self,
        database: &str,
        scripts: &[&str],
        clients: usize,
        seconds: u64,
    ) -> Outcome<f64> {
        let mut command = Command::new(self.cluster.server().bindir.join("pgbench"));
        command.args(["-n", "-M", "prepared"]);
        command.args([
            "-c",
            &clients.to_string(),
            "-j",
            &clients.min(2).to_string(),
        ]);
        command.args(["-T", &seconds.to_string()]);
        for (position, script) in scripts.iter().enumerate() {
            let file = self
                .cluster
                .socket_directory()
                .join(format!("{database}-{position}.pgbench"));
            std::fs::write(&file, script)?;
            command.arg("-f").arg(file);
        }
        let output = command
            .arg(self.cluster.url(database))
            .output()
            .map_err(|error| {
                format!("cannot run pgbench, which must be beside the server: {error}")
            })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || errors.contains("aborted") {
            return Err(format!("pgbench on `{database}`: {text}{errors}").into());
        }
        transactions_per_second(&text)
            .ok_or_else(|| format!("pgbench on `{database}` said `{text}`").into())
    }

    /// Ticks a database from now on, as `audit-notify --follow` does.
    pub fn follow(&self, database: &str) -> Ticking {
        let stop = Arc::new(AtomicBool::new(false));
        let (url, stopped) = (self.cluster.url(database), Arc::clone(&stop));
        Ticking {
            stop,
            thread: std::thread::spawn(move || {
                follow(&url, NotifyOptions::default(), SystemClock, stopped)
                    .map_err(|error| error.to_string())
            }),
        }
    }

    fn run(&self, database: &str, statement: &str) -> Outcome<()> {
        Ok(self.connect(database)?.batch_execute(statement)?)
    }

    fn load(&self, rows: i64) -> Outcome<()> {
        let mut conn = self.connect(PLAIN)?;
        for table in Table::ALL {
            let name = table.name();
            conn.batch_execute(table.definition())?;
            conn.batch_execute(&format!(
                "create table {name}_source (like {name}); alter table {name}_source drop column id"
            ))?;
        }
        let flights: Vec<Value> = data::hours(data::midnight(1, 1), data::midnight(3, 1))?
            .into_values()
            .flat_map(|hour| hour.into_values().flat_map(|report| report.flights))
            .take(usize::try_from(rows)?)
            .collect();
        let mut loaded: i64 = flights.len().try_into()?;
        diesel::sql_query(include_str!("sql/flights_load.sql"))
            .bind::<Json, _>(Value::Array(flights))
            .execute(&mut conn)?;
        while loaded < rows {
            let more = (rows - loaded).min(loaded);
            conn.batch_execute(&format!(
                "insert into flights_source select s.* from flights_source s limit {more}"
            ))?;
            loaded += more;
        }
        conn.batch_execute(&format!(
            "insert into narrow_source
            select i * 7919 % 5000, i * 31 % 100000 / 100.0, timestamptz '2013-01-01' + i * interval '7 seconds'
            from generate_series(1, {rows}) i"
        ))?;
        conn.batch_execute("vacuum analyze")?;
        Ok(())
    }
}

/// A tick that runs beside the writers, until it is stopped.
pub struct Ticking {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), String>>,
}

impl Ticking {
    pub fn stop(self) -> Outcome<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the tick panicked")??;
        Ok(())
    }
}

fn transactions_per_second(text: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix("tps = "))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
