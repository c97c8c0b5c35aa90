//! How fast the write path is: `make bench`.
//!
//! Runs the same work on tables with and without the pipeline, in turn in every round, on one private server, and writes
//! the raw figures, a table and a chart into `docs/`. What counts is the ratio of a round: whatever else the machine does
//! falls on all alike.
//!
//! ```sh
//! cargo run --example bench -- --quick                       # everything, small, into target/bench
//! cargo run --example bench -- --only bulk,single            # some parts; the others keep their figures
//! cargo run --example bench -- --only bulk --peer 'Other=install.sql,enable.sql'
//! ```
#![expect(
    clippy::print_stderr,
    reason = "a program that runs for minutes says what it is doing"
)]

mod figures;
mod lines;
mod options;
mod parts;
mod place;
mod render;
mod server;
mod work;

use chrono::Utc;
use serde_json::json;

use figures::Figures;
use options::{Options, Part};
use place::Place;
use server::Server;
use work::Table;

/// What can fail, fails with a message that is printed.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A run.
pub struct Bench<'a> {
    /// The server of the run.
    pub server: &'a Server,
    /// What was asked for.
    pub options: &'a Options,
    /// What was measured, now or earlier.
    pub figures: Figures,
    part: Part,
}

impl Bench<'_> {
    /// Keeps a value of a round. The round that warms up is number 0.
    pub fn record(&mut self, round: usize, place: &Place<'_>, what: &str, value: f64) {
        if round > 0 {
            self.keep(place.table.name(), &place.subject.name, what, value);
        }
        self.title(&place.subject.name, &place.subject.title);
    }

    /// Says what a subject is called.
    pub fn title(&mut self, subject: &str, title: &str) {
        self.figures
            .titles
            .insert(subject.to_owned(), title.to_owned());
    }

    /// Keeps a value that belongs to no place.
    pub fn keep(&mut self, table: &str, subject: &str, what: &str, value: f64) {
        self.figures
            .add(self.part.name(), table, subject, what, value);
    }

    /// Says what is being measured.
    pub fn tell(&self, round: usize, subject: &str, table: Table) {
        self.say(&format!(
            "round {round} of {}: {subject}, {}",
            self.options.rounds,
            table.name()
        ));
    }

    /// Says what is going on.
    pub fn say(&self, text: &str) {
        eprintln!("{:>8}  {text}", self.part.name());
    }
}

fn main() -> Outcome<()> {
    let Some(options) = Options::read(std::env::args().skip(1))? else {
        eprint!("{}", options::HELP);
        return Ok(());
    };
    std::fs::create_dir_all(&options.output)?;
    let file = options.output.join("performance.json");
    let server = Server::start(options.rows)?;
    let mut bench = Bench {
        server: &server,
        options: &options,
        figures: Figures::read(&file)?,
        part: options.parts[0],
    };
    for part in &options.parts {
        bench.part = *part;
        bench.figures.forget(part.name());
        parts::run(&mut bench, *part)?;
        bench.figures.conditions.insert(
            part.name().to_owned(),
            json!({
                "day": Utc::now().date_naive(),
                "rounds": options.rounds,
                "rows": options.rows,
                "seconds": options.seconds,
                "quick": options.quick,
                "postgresql": server.version()?,
                "machine": options::machine(),
            }),
        );
        // After every part, so that one that fails later takes nothing with it.
        bench.figures.write(&file)?;
        render::write(&bench.figures, &options.output)?;
    }
    eprintln!("\n{}", render::page(&bench.figures));
    Ok(())
}
