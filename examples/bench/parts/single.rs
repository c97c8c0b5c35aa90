//! Statements of one row, each in a transaction of its own, from four clients.

use crate::place::Place;
use crate::work::{Table, subjects};
use crate::{Bench, Outcome};

pub const CLIENTS: usize = 4;

pub fn run(bench: &mut Bench<'_>) -> Outcome<()> {
    let (rows, seconds) = (bench.options.rows, bench.options.seconds);
    for table in Table::ALL {
        let update = table.single_update(rows);
        let mut places = Place::all(bench.server, &subjects(table, &bench.options.peers), table)?;
        for round in 1..=bench.options.rounds {
            for place in &mut places {
                bench.tell(round, &place.subject.title, table);
                place.empty(true)?;
                let updates = place.pgbench(&[&update], CLIENTS, seconds)?;
                bench.record(round, place, "updates_per_s", updates);

                place.empty(false)?;
                let inserts = place.pgbench(&[table.single_insert()], CLIENTS, seconds)?;
                bench.record(round, place, "inserts_per_s", inserts);
            }
            places.rotate_left(1);
        }
        places.into_iter().try_for_each(Place::remove)?;
    }
    Ok(())
}
