//! The memory that a backend takes for one very large statement: its own, not what all backends share.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use crate::place::Place;
use crate::work::{Subject, Table};
use crate::{Bench, Outcome};

const EVERY: Duration = Duration::from_millis(20);

pub fn run(bench: &mut Bench<'_>) -> Outcome<()> {
    let table = Table::Flights;
    let copies = if bench.options.quick { 10 } else { 50 };
    let rows = copies * bench.options.rows;
    for subject in [Subject::bare(), Subject::watched(), Subject::rules()] {
        let mut place = Place::new(bench.server, &subject, table)?;
        let insert = format!("{}, generate_series(1, {copies})", table.bulk_insert());
        for (what, statement) in [("insert", insert), ("update", table.bulk_update())] {
            bench.say(&format!("{what} of {rows} rows, {}", subject.title));
            let (peak, seconds) = peak_of(&mut place, &statement)?;
            bench.record(1, &place, &format!("{what}_bytes"), peak);
            bench.record(1, &place, &format!("{what}_s"), seconds);
            // What the tick does with it is its own affair, but it must be able to.
            place.drain()?;
        }
        place.remove()?;
    }
    bench.keep("flights", "all", "rows", rows as f64);
    Ok(())
}

/// Runs a statement on a connection of its own. Returns the most memory that its backend had, in bytes, and the seconds.
fn peak_of(place: &mut Place<'_>, statement: &str) -> Outcome<(f64, f64)> {
    place.db = place.server.connect(&place.database)?;
    let backend = place.number("select pg_backend_pid()::bigint")?;
    let status = Path::new("/proc").join(backend.to_string()).join("status");
    anonymous(&status).ok_or("this system does not tell the memory of a process in /proc")?;

    let done = AtomicBool::new(false);
    let begun = Instant::now();
    let (peak, written) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = 0;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(anonymous(&status).unwrap_or(0));
                std::thread::sleep(EVERY);
            }
            peak
        });
        let written = place.db.batch_execute(statement);
        done.store(true, Ordering::Relaxed);
        (watcher.join(), written)
    });
    written?;
    let kilobytes = peak.map_err(|_| "the watcher panicked")?;
    Ok((kilobytes as f64 * 1024.0, begun.elapsed().as_secs_f64()))
}

/// The anonymous memory of a process, in kilobytes.
fn anonymous(status: &Path) -> Option<u64> {
    std::fs::read_to_string(status)
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
