//! Sixteen clients that insert and update single rows: with capture alone, and with rules and summaries while the tick
//! packs and folds beside them. All share the machine's cores, so what the tick takes, the writers lack.

use crate::place::Place;
use crate::work::{Subject, Table};
use crate::{Bench, Outcome};

const CLIENTS: usize = 16;

/// A place, whether the tick runs beside the writers, and the name and title under which it is kept.
struct Condition {
    ticked: bool,
    name: &'static str,
    title: &'static str,
}

pub fn run(bench: &mut Bench<'_>) -> Outcome<()> {
    let table = Table::Flights;
    let conditions = [
        Condition {
            ticked: false,
            name: "watched",
            title: "watched",
        },
        Condition {
            ticked: true,
            name: "watched_ticked",
            title: "watched, tick running",
        },
        Condition {
            ticked: true,
            name: "full_ticked",
            title: "watched, 10 rules, 5 summaries, tick running",
        },
    ];
    let mut watched = Place::new(bench.server, &Subject::watched(), table)?;
    let mut full = Place::new(bench.server, &Subject::full(), table)?;
    bench.server.autovacuum(true)?;
    for round in 1..=bench.options.rounds {
        for offset in 0..conditions.len() {
            let condition = &conditions[(round + offset) % conditions.len()];
            bench.tell(round, condition.title, table);
            bench.title(condition.name, condition.title);
            let place = if condition.name == "full_ticked" {
                &mut full
            } else {
                &mut watched
            };
            measure(bench, condition, place)?;
        }
    }
    bench.server.autovacuum(false)?;
    watched.remove()?;
    full.remove()
}

fn measure(bench: &mut Bench<'_>, condition: &Condition, place: &mut Place<'_>) -> Outcome<()> {
    let seconds = bench.options.seconds * 2;
    let table = place.table;
    place.empty(true)?;
    let ticking = condition
        .ticked
        .then(|| bench.server.follow(&place.database));
    let update = table.single_update(bench.options.rows);
    let written = place.pgbench(&[table.single_insert(), &update], CLIENTS, seconds)?;
    let left = place.number("select coalesce(sum(c.rows), 0)::bigint from audit.change c")?;
    if let Some(ticking) = ticking {
        ticking.stop()?;
    }
    bench.keep(table.name(), condition.name, "writes_per_s", written);
    bench.keep(table.name(), condition.name, "left_rows", left as f64);
    Ok(())
}
