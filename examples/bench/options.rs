//! What a run is asked to do.

use std::path::PathBuf;

use crate::Outcome;
use crate::work::Subject;

pub const HELP: &str = "\
usage: make bench
       cargo run --example bench -- [options]

  --only PART,…   some of bulk, single, crowd, tick, size, history, memory, head (by default all)
  --rounds N      rounds, of which the median counts (5)
  --quick         small tables, short times, one round; writes into target/bench
  --minutes N     how long the part `head` writes (10)
  --peer NAME=install.sql,enable.sql[,reset.sql]
                  another audit extension through the work of bulk and single; may be given several times. The files are
                  run once in a database, once for a table (`{table}` or `:table` is its name), and before each
                  measurement. Writes into target/bench
  --output DIR    where performance.json, PERFORMANCE.md and performance.svg are written (docs)
";

/// Something that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Bulk,
    Single,
    Crowd,
    Tick,
    Size,
    History,
    Memory,
    Head,
}

impl Part {
    const ALL: [Part; 8] = [
        Part::Bulk,
        Part::Single,
        Part::Crowd,
        Part::Tick,
        Part::Size,
        Part::History,
        Part::Memory,
        Part::Head,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Part::Bulk => "bulk",
            Part::Single => "single",
            Part::Crowd => "crowd",
            Part::Tick => "tick",
            Part::Size => "size",
            Part::History => "history",
            Part::Memory => "memory",
            Part::Head => "head",
        }
    }
}

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct Options {
    pub parts: Vec<Part>,
    pub rounds: usize,
    pub quick: bool,
    /// How many rows a bulk statement writes.
    pub rows: i64,
    /// How long single rows are written.
    pub seconds: u64,
    /// How long the head is watched.
    pub minutes: f64,
    pub peers: Vec<Subject>,
    pub output: PathBuf,
}

impl Options {
    /// Reads the arguments; none if help is asked for.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Outcome<Option<Self>> {
        let mut parts = Part::ALL.to_vec();
        let (mut rounds, mut minutes, mut output) = (None, None, None);
        let mut quick = false;
        let mut peers = Vec::new();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--only" => parts = parts_named(&value()?)?,
                "--rounds" => rounds = Some(value()?.parse::<usize>()?.max(1)),
                "--minutes" => minutes = Some(value()?.parse()?),
                "--quick" => quick = true,
                "--peer" => peers.push(Subject::peer(&value()?)?),
                "--output" => output = Some(PathBuf::from(value()?)),
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("`{argument}` is not an option\n{HELP}").into()),
            }
        }
        // What is not the full measurement of the pipeline alone does not belong into the documents.
        let documents = if quick || !peers.is_empty() {
            "target/bench"
        } else {
            "docs"
        };
        Ok(Some(Self {
            parts,
            rounds: rounds.unwrap_or(if quick { 1 } else { 5 }),
            quick,
            rows: if quick { 20_000 } else { 100_000 },
            seconds: if quick { 1 } else { 5 },
            minutes: minutes.unwrap_or(if quick { 0.2 } else { 10.0 }),
            peers,
            output: output.unwrap_or_else(|| PathBuf::from(documents)),
        }))
    }
}

fn parts_named(names: &str) -> Outcome<Vec<Part>> {
    names
        .split(',')
        .map(|name| {
            Part::ALL
                .into_iter()
                .find(|part| part.name() == name)
                .ok_or_else(|| format!("`{name}` is not a part\n{HELP}").into())
        })
        .collect()
}

/// The machine in a few words: processor, cores, memory.
pub fn machine() -> String {
    let line = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let value = text
            .lines()
            .find(|line| line.starts_with(name))?
            .split(':')
            .nth(1)?;
        Some(value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = line("/proc/cpuinfo", "model name");
    let memory: Option<u64> = line("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse().ok());
    let mut words = vec![format!("{cores} cores")];
    words.extend(processor);
    words.extend(memory.map(|kilobytes| format!("{} GB of memory", kilobytes.div_ceil(1 << 20))));
    words.push(std::env::consts::OS.to_owned());
    words.join(", ")
}
