//! One statement for all rows: insert, update, delete, and the size of the log of the first two.

use crate::place::Place;
use crate::work::{Table, subjects};
use crate::{Bench, Outcome};

pub fn run(bench: &mut Bench<'_>) -> Outcome<()> {
    for table in Table::ALL {
        let mut places = Place::all(bench.server, &subjects(table, &bench.options.peers), table)?;
        // The first round warms caches and is not counted.
        for round in 0..=bench.options.rounds {
            for place in &mut places {
                bench.tell(round, &place.subject.title, table);
                measure(bench, round, place)?;
            }
            places.rotate_left(1);
        }
        places.into_iter().try_for_each(Place::remove)?;
    }
    Ok(())
}

fn measure(bench: &mut Bench<'_>, round: usize, place: &mut Place<'_>) -> Outcome<()> {
    let table = place.table;
    place.empty(false)?;
    let log = place.log_bytes()?;

    let insert = place.timed(&table.bulk_insert())?;
    place.run(&[&format!("analyze {}", table.name()), "checkpoint"])?;
    let update = place.timed(&table.bulk_update())?;
    let head = place.log_bytes()? - log;

    if place.subject.pipeline {
        let packed = place.packed_bytes()?;
        place.drain()?;
        let packed = place.packed_bytes()? - packed;
        bench.record(round, place, "packed_bytes", packed as f64);
    }
    place.run(&[&format!("vacuum analyze {}", table.name()), "checkpoint"])?;
    let delete = place.timed(&table.bulk_delete())?;

    for (what, value) in [
        ("insert_s", insert),
        ("update_s", update),
        ("delete_s", delete),
        ("log_bytes", head as f64),
    ] {
        bench.record(round, place, what, value);
    }
    Ok(())
}
