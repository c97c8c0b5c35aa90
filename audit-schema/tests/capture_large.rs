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
        "insert into files values (1, repeat('x', 300 * 1024 * 1024)); insert into files values (2, repeat('y', 300 * 1024 * 1024)), (3, 'small');
        delete from files where id = 1",
    );
    assert_eq!(
        show(
            &mut db,
            "select op, sum(rows) from audit.change group by 1 order by 1"
        ),
        "(D,1)\n(I,3)"
    );
    assert_eq!(
        show(
            &mut db,
            "select octet_length(new ->> 'content') from audit.change where key_lo = '1' and op = 'I'"
        ),
        "(314572800)"
    );
    tick(&mut db);
    assert_eq!(show(&mut db, "select sum(rows) from audit.segment"), "(4)");
}
