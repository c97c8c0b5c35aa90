//! A table in a database of its own, with its subject attached: where something is measured.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::Outcome;
use crate::server::Server;
use crate::work::{Subject, Table};

/// A table with its subject.
pub struct Place<'a> {
    pub server: &'a Server,
    pub database: String,
    pub subject: Subject,
    pub table: Table,
    pub db: PgConnection,
}

impl<'a> Place<'a> {
    /// Makes the database and attaches the subject to the table.
    pub fn new(server: &'a Server, subject: &Subject, table: Table) -> Outcome<Self> {
        let database = format!("bench_{}_{}", table.name(), subject.name);
        let mut db = server.create(&database, subject.pipeline)?;
        let attach = [subject.install.clone(), subject.enable(table)];
        for statements in attach.iter().filter(|text| !text.trim().is_empty()) {
            db.batch_execute(statements)
                .map_err(|error| format!("cannot set up `{}`: {error}", subject.title))?;
        }
        Ok(Self {
            server,
            database,
            subject: subject.clone(),
            table,
            db,
        })
    }

    /// A place for every subject.
    pub fn all(server: &'a Server, subjects: &[Subject], table: Table) -> Outcome<Vec<Self>> {
        subjects
            .iter()
            .map(|subject| Self::new(server, subject, table))
            .collect()
    }

    /// Removes the database.
    pub fn remove(self) -> Outcome<()> {
        let Self {
            server,
            database,
            db,
            ..
        } = self;
        drop(db);
        server.drop(&database)
    }

    /// Empties the table, and fills it again if it is to have rows; no trigger sees it.
    pub fn empty(&mut self, filled: bool) -> Outcome<()> {
        let name = self.table.name();
        let fill = if filled {
            self.table.bulk_insert()
        } else {
            String::new()
        };
        self.db.batch_execute(&format!(
            "set session_replication_role = replica; truncate {name} restart identity; {fill}; reset session_replication_role"
        ))?;
        self.drain()?;
        let reset = self.subject.reset.clone();
        self.run(&[&reset, &format!("vacuum analyze {name}"), "checkpoint"])
    }

    /// Packs what the pipeline has logged, which is not the writer's work. Returns how many log rows there were.
    pub fn drain(&mut self) -> Outcome<i64> {
        let mut moved = 0;
        if self.subject.pipeline {
            loop {
                match self.tick()? {
                    0 => break,
                    more => moved += more,
                }
            }
            self.db.batch_execute("vacuum audit.change")?;
        }
        Ok(moved)
    }

    /// One batch of the tick. Returns how many log rows it moved.
    pub fn tick(&mut self) -> Outcome<i64> {
        self.number("select coalesce(audit.tick(), 0)")
    }

    /// Runs statements one by one: some of them refuse to be part of a transaction.
    pub fn run(&mut self, statements: &[&str]) -> Outcome<()> {
        for statement in statements.iter().filter(|text| !text.trim().is_empty()) {
            self.db.batch_execute(statement)?;
        }
        Ok(())
    }

    /// How many seconds a statement takes.
    pub fn timed(&mut self, statement: &str) -> Outcome<f64> {
        let begun = Instant::now();
        self.db.batch_execute(statement)?;
        Ok(begun.elapsed().as_secs_f64())
    }

    /// The bytes of the log as it was written, with indexes: of the pipeline the head, of all others every table but
    /// those that are written to.
    pub fn log_bytes(&mut self) -> Outcome<i64> {
        if self.subject.pipeline {
            self.number("select pg_total_relation_size('audit.change')")
        } else {
            self.number(include_str!("sql/other_bytes.sql"))
        }
    }

    /// The bytes of the packed log with its indexes.
    pub fn packed_bytes(&mut self) -> Outcome<i64> {
        self.number(include_str!("sql/packed_bytes.sql"))
    }

    pub fn pgbench(&self, scripts: &[&str], clients: usize, seconds: u64) -> Outcome<f64> {
        self.server
            .pgbench(&self.database, scripts, clients, seconds)
    }

    pub fn number(&mut self, query: &str) -> Outcome<i64> {
        Ok(diesel::dsl::sql::<BigInt>(query).get_result(&mut self.db)?)
    }
}
