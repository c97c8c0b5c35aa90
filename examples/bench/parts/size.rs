//! The size of the log after single-row inserts and updates, packed, against one jsonb row per row. Both write the same
//! real rows in the same order, each in a transaction of its own, from within the server.

use crate::place::Place;
use crate::work::{Subject, Table};
use crate::{Bench, Outcome};

/// How many rows a slow writer writes between two ticks.
const TRICKLE: i64 = 100;

pub fn run(bench: &mut Bench<'_>) -> Outcome<()> {
    let table = Table::Flights;
    let rows = bench.options.rows;

    let mut yardstick = Place::new(bench.server, &Subject::jsonb_statement(), table)?;
    bench.tell(1, &yardstick.subject.title, table);
    let empty = yardstick.log_bytes()?;
    write(&mut yardstick, 1, rows)?;
    let bytes = yardstick.log_bytes()? - empty;
    bench.record(1, &yardstick, "log_bytes", bytes as f64);
    bench.record(
        1,
        &yardstick,
        "bytes_per_row",
        bytes as f64 / (2 * rows) as f64,
    );
    yardstick.remove()?;

    let mut place = Place::new(bench.server, &Subject::watched(), table)?;
    bench.tell(1, &place.subject.title, table);
    let empty = place.packed_bytes()?;
    let ticking = bench.server.follow(&place.database);
    write(&mut place, 1, rows)?;
    ticking.stop()?;
    place.drain()?;
    let bytes = place.packed_bytes()? - empty;
    bench.record(1, &place, "log_bytes", bytes as f64);

    // Written so slowly that the tick never has a thousand rows to pack.
    bench.say(&format!("{TRICKLE} rows between two ticks"));
    let slow = rows / 10;
    let before = place.packed_bytes()?;
    for first in (rows + 1..=rows + slow).step_by(TRICKLE as usize) {
        write(&mut place, first, first + TRICKLE - 1)?;
        place.drain()?;
    }
    let bytes = place.packed_bytes()? - before;
    bench.record(
        1,
        &place,
        "trickle_bytes_per_row",
        bytes as f64 / (2 * slow) as f64,
    );
    place.remove()
}

/// Inserts the rows that get these keys, then updates them, not in the order of their keys.
fn write(place: &mut Place<'_>, first: i64, last: i64) -> Outcome<()> {
    let statement = include_str!("../sql/one_by_one.sql")
        .replace("{first}", &first.to_string())
        .replace("{last}", &last.to_string());
    place.run(&[&statement])
}
