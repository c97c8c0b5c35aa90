//! How fast the tick moves the head into segments, counters and summaries, against how fast one client fills it.

use crate::place::Place;
use crate::work::{Subject, Table};
use crate::{Bench, Outcome};

/// The clients that fill the head are more than one only to be done sooner.
const FILLING: usize = 4;

pub fn run(bench: &mut Bench<'_>) -> Outcome<()> {
    let subjects = [Subject::watched(), Subject::full()];
    let mut places = Place::all(bench.server, &subjects, Table::Flights)?;
    for round in 1..=bench.options.rounds {
        for place in &mut places {
            bench.tell(round, &place.subject.title, place.table);
            single_rows(bench, round, place)?;
            bulk(bench, round, place)?;
        }
        places.rotate_left(1);
    }
    places.into_iter().try_for_each(Place::remove)
}

fn single_rows(bench: &mut Bench<'_>, round: usize, place: &mut Place<'_>) -> Outcome<()> {
    let (insert, seconds) = (place.table.single_insert(), bench.options.seconds);
    place.empty(false)?;
    let written = place.pgbench(&[insert], 1, seconds)?;
    place.pgbench(&[insert], FILLING, seconds)?;
    let (rows, seconds) = tick_all(place)?;
    bench.record(round, place, "one_client_per_s", written);
    bench.record(round, place, "single_rows_per_s", rows / seconds);
    Ok(())
}

fn bulk(bench: &mut Bench<'_>, round: usize, place: &mut Place<'_>) -> Outcome<()> {
    let table = place.table;
    place.empty(false)?;
    let writing = place.timed(&table.bulk_insert())? + place.timed(&table.bulk_update())?;
    let (rows, ticking) = tick_all(place)?;
    bench.record(round, place, "bulk_writer_per_s", rows / writing);
    bench.record(round, place, "bulk_rows_per_s", rows / ticking);
    Ok(())
}

/// Ticks until the head is empty. Returns how many rows it held, and how many seconds that took.
fn tick_all(place: &mut Place<'_>) -> Outcome<(f64, f64)> {
    let rows = place.number("select coalesce(sum(c.rows), 0)::bigint from audit.change c")?;
    let mut seconds = 0.0;
    while place.number("select count(*) from audit.change")? > 0 {
        seconds += place.timed("select audit.tick()")?;
    }
    Ok((rows as f64, seconds))
}
