//! Rows come back from quarantine once, checked again, and exactly as they were.
#![cfg(feature = "embedded")]

mod shared;

use diesel::PgConnection;
use shared::{orders, rule, run, show, tick, watched, wrong};

const POSITIVE: &str =
    r#"'positive', 'range', '{"column": "amount", "min": 0}', action => 'quarantine'"#;

/// Releases what a filter means, and says what came of each row.
#[track_caller]
fn release(db: &mut PgConnection, filter: &str, options: &str) -> String {
    show(
        db,
        &format!(
            "select key, outcome, (select string_agg(r ->> 'name', ' ') from jsonb_array_elements(reasons) r)
            from audit.release_held('{filter}'{options})"
        ),
    )
}

/// Edits what a filter means.
#[track_caller]
fn edit(db: &mut PgConnection, filter: &str, patch: &str) -> String {
    show(
        db,
        &format!("select key, outcome, old, new from audit.edit_held('{filter}', '{patch}')"),
    )
}

/// The counters agree with a scan, the log with the table, before and after the tick.
#[track_caller]
fn all_agrees(db: &mut PgConnection) {
    assert_eq!(wrong(db), "");
    tick(db);
    assert_eq!(wrong(db), "");
    assert_eq!(show(db, "select audit.replay_differences('orders')"), "(0)");
}

#[test]
fn a_row_that_still_fails_stays_and_says_why() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(&mut db, "insert into orders values (1, 'EU', -1, 'a')");
    assert_eq!(release(&mut db, "{}", ""), "(1,refused,positive)");
    assert_eq!(show(&mut db, "select count(*) from orders"), "(0)");
    assert_eq!(
        show(
            &mut db,
            "select state, (select string_agg(kind, ',') from audit.quarantine_event) from audit.quarantine"
        ),
        "(held,refused)"
    );
    all_agrees(&mut db);
}

#[test]
fn an_edited_row_is_released_once() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1.50, 'a'), (2, 'EU', 2, 'b')",
    );
    assert_eq!(
        edit(&mut db, r#"{"key": "1"}"#, r#"{"amount": 1.50}"#),
        "(1,edited,\"{ \"\"amount\"\" : -1.50 }\",\"{ \"\"amount\"\" : 1.50 }\")"
    );
    let id = show(&mut db, "select quarantine_id from audit.quarantine");
    let filter = format!(r#"{{"ids": ["{}"]}}"#, id.trim_matches(['(', ')']));
    assert_eq!(release(&mut db, &filter, ""), "(1,released,)");
    assert_eq!(release(&mut db, &filter, ""), "(1,\"already released\",)");
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        "(1,EU,1.50,a)\n(2,EU,2,b)"
    );
    assert_eq!(
        show(
            &mut db,
            "select op, cause from audit.row_change where key = '1' order by lsn, place"
        ),
        "(I,)\n(D,quarantine)\n(I,release)"
    );
    all_agrees(&mut db);
}
