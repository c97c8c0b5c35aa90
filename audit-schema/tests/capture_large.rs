//! A value that is too big for much of what one does with values.
#![cfg(feature = "embedded")]

mod shared;

use shared::{run, show, tick, watched};

#[test]
fn a_value_too_big_for_jsonb_does_not_break_the_write() {
    let (_database, mut db) = watched(
        "files",
        "create table files (id integer primary key, content text)",
    );
    run(
        &mut db,
        "insert into files values (1, repeat('x', 260 * 1024 * 1024)), (2, 'small')",
    );
    assert_eq!(
        show(
            &mut db,
            "select rows, octet_length(new ->> 'content') from audit.change order by 2"
        ),
        "(1,5)\n(1,272629760)"
    );
    tick(&mut db);
    assert_eq!(
        show(&mut db, "select rows from audit.segment"),
        "(1)\n(1)",
        "each in a segment of its own"
    );
}
