//! How large the head of the log gets in a long run: four clients write as fast as they can, the tick runs beside them,
//! autovacuum is on, and every second the head is measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::place::Place;
use crate::work::{Subject, Table};
use crate::{Bench, Outcome};

const CLIENTS: usize = 4;

pub fn run(bench: &mut Bench<'_>) -> Outcome<()> {
    let table = Table::Flights;
    let seconds = (bench.options.minutes * 60.0).ceil() as u64;
    let mut place = Place::new(bench.server, &Subject::full(), table)?;
    place.empty(true)?;
    bench.say(&format!(
        "{seconds} seconds of single rows, {}",
        place.subject.title
    ));
    bench.server.autovacuum(true)?;
    let ticking = bench.server.follow(&place.database);
    let update = table.single_update(bench.options.rows);
    let (server, database) = (bench.server, place.database.clone());

    let done = AtomicBool::new(false);
    let (written, sizes) = std::thread::scope(|scope| {
        let writers = scope.spawn(|| {
            let written = server.pgbench(
                &database,
                &[table.single_insert(), &update],
                CLIENTS,
                seconds,
            );
            done.store(true, Ordering::Relaxed);
            written
        });
        let mut sizes = Vec::new();
        while !done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_secs(1));
            match place.log_bytes() {
                Ok(bytes) => sizes.push(bytes as f64),
                Err(error) => return (Err(error), sizes),
            }
        }
        let written = writers
            .join()
            .unwrap_or_else(|_| Err("pgbench panicked".into()));
        (written, sizes)
    });
    let written = written?;
    let left = place.number("select coalesce(sum(c.rows), 0)::bigint from audit.change c")?;
    ticking.stop()?;
    bench.server.autovacuum(false)?;

    for bytes in sizes {
        bench.record(1, &place, "bytes", bytes);
    }
    bench.record(1, &place, "writes_per_s", written);
    bench.record(1, &place, "left_rows", left as f64);
    place.remove()
}
