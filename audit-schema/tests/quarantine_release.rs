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

#[test]
fn a_set_aside_update_is_applied_to_its_row() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', 2, 'b');
        update orders set amount = -amount, note = 'sale', id = id + 100",
    );
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        "(1,EU,1,a)\n(2,EU,2,b)"
    );
    edit(&mut db, r#"{"key": "101"}"#, r#"{"amount": 7}"#);
    assert_eq!(
        release(&mut db, "{}", ""),
        "(101,released,)\n(102,refused,positive)"
    );
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        "(2,EU,2,b)\n(101,EU,7,sale)"
    );
    all_agrees(&mut db);
}

#[test]
fn a_row_that_changed_in_the_meantime_is_replaced_only_when_forced() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'), (2, 'EU', 2, 'b'), (3, 'EU', -3, 'c');
        update orders set amount = -1;
        update orders set note = 'newer' where id = 1;
        delete from orders where id = 2;
        insert into orders values (3, 'EU', 33, 'newer')",
    );
    edit(&mut db, "{}", r#"{"amount": 5}"#);
    assert_eq!(
        release(&mut db, "{}", ""),
        "(3,refused,key_is_taken)\n(1,refused,row_changed)\n(2,refused,row_is_gone)"
    );
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        "(1,EU,1,newer)\n(3,EU,33,newer)"
    );
    assert_eq!(
        release(&mut db, "{}", ", overwrite => true"),
        "(3,released,)\n(1,released,)\n(2,released,)"
    );
    assert_eq!(
        show(&mut db, "select * from orders order by id"),
        "(1,EU,5,a)\n(2,EU,5,b)\n(3,EU,5,c)"
    );
    all_agrees(&mut db);
}

#[test]
fn of_two_versions_of_one_row_the_older_goes_first_and_the_newer_is_told_of_it() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'first'); insert into orders values (1, 'EU', -2, 'second'); insert into orders values (2, 'EU', -2, 'other')",
    );
    edit(&mut db, "{}", r#"{"amount": 5}"#);
    assert_eq!(
        release(&mut db, "{}", ""),
        "(1,released,)\n(1,refused,key_is_taken)\n(2,released,)"
    );
    assert_eq!(
        show(&mut db, "select id, note from orders order by id"),
        "(1,first)\n(2,other)"
    );
    all_agrees(&mut db);
}

#[test]
fn what_breaks_a_constraint_is_refused_and_the_others_go_back() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "create table regions (code text primary key);
        insert into regions values ('EU');
        insert into orders select i, 'EU', -1, 'n' || i from generate_series(1, 20) i;
        alter table orders alter note set not null;
        alter table orders add constraint note_is_short check (note <> 'n7');
        alter table orders add constraint region_is_known foreign key (region) references regions deferrable initially deferred;
        create unique index note_is_unique on orders (note);
        insert into orders values (100, 'EU', 1, 'n9')",
    );
    edit(&mut db, "{}", r#"{"amount": 5}"#);
    edit(&mut db, r#"{"key": "12"}"#, r#"{"region": "XX"}"#);
    edit(&mut db, r#"{"key": "13"}"#, r#"{"note": null}"#);
    assert_eq!(
        show(
            &mut db,
            "select key, outcome, reasons -> 0 ->> 'kind', reasons -> 0 ->> 'name' from audit.release_held('{}') where outcome <> 'released'"
        ),
        "(7,refused,constraint,note_is_short)\n(9,refused,constraint,note_is_unique)\n(12,refused,constraint,region_is_known)\n(13,refused,constraint,note)"
    );
    assert_eq!(show(&mut db, "select count(*) from orders"), "(17)");
    all_agrees(&mut db);
}

#[test]
fn a_reject_rule_that_came_later_refuses_by_name() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders select i, case when i % 3 = 0 then 'XX' else 'EU' end, -1, 'a' from generate_series(1, 60) i",
    );
    rule(
        &mut db,
        r#"'known', 'one_of', '{"column": "region", "values": ["EU"]}', action => 'reject', why => 'we sell in the EU only'"#,
    );
    edit(&mut db, "{}", r#"{"amount": 5}"#);
    assert_eq!(
        show(
            &mut db,
            "select outcome, reasons, count(*) from audit.release_held('{}') group by 1, 2 order by 1, 2"
        ),
        "(refused,\"[{\"\"kind\"\": \"\"rule\"\", \"\"name\"\": \"\"known\"\", \"\"message\"\": \"\"we sell in the EU only\"\"}]\",20)\n(released,,40)"
    );
    assert_eq!(
        show(
            &mut db,
            "select count(*), min(region), max(region) from orders"
        ),
        "(40,EU,EU)"
    );
    all_agrees(&mut db);
}

#[test]
fn a_row_that_would_only_be_flagged_because_it_was_bad_before_is_refused_all_the_same() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1, 'a'); update orders set amount = -1;
        alter table orders disable trigger audit_update; update orders set amount = -5; alter table orders enable trigger audit_update",
    );
    assert_eq!(
        release(&mut db, "{}", ", overwrite => true"),
        "(1,refused,positive)"
    );
    assert_eq!(show(&mut db, "select amount from orders"), "(-5)");
}

#[test]
fn duplicates_by_a_unique_rule_are_told_apart() {
    let (_database, mut db) = orders();
    run(&mut db, "insert into orders values (1, 'EU', 1, 'a')");
    rule(
        &mut db,
        r#"'once', 'unique', '{"columns": ["note"]}', action => 'quarantine'"#,
    );
    run(
        &mut db,
        "insert into orders values (2, 'EU', 2, 'a'), (3, 'EU', 3, 'a'), (4, 'EU', 4, 'a')",
    );
    edit(&mut db, r#"{"key": "2"}"#, r#"{"note": "b"}"#);
    edit(&mut db, r#"{"key": "4"}"#, r#"{"note": "b"}"#);
    assert_eq!(
        release(&mut db, "{}", ""),
        "(2,released,)\n(3,refused,once)\n(4,refused,once)"
    );
    all_agrees(&mut db);
}

#[test]
fn a_bulk_release_writes_in_few_statements() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders select i, 'EU', -i, 'x' from generate_series(1, 10000) i",
    );
    assert_eq!(
        show(
            &mut db,
            r#"select outcome, count(*) from audit.edit_held('{}', '{"amount": 1}') group by 1"#
        ),
        "(edited,10000)"
    );
    edit(&mut db, r#"{"key": "5000"}"#, r#"{"amount": -1}"#);
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select outcome, count(*) from audit.release_held('{}') group by 1 order by 1"
        ),
        "(refused,1)\n(released,9999)"
    );
    assert_eq!(
        show(&mut db, "select count(*), sum(rows) from audit.change"),
        "(10,9999)"
    );
    all_agrees(&mut db);
}

#[test]
fn a_dry_run_says_what_would_happen_and_leaves_no_trace() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'), (2, 'EU', -2, 'b')",
    );
    edit(&mut db, r#"{"key": "1"}"#, r#"{"amount": 5}"#);
    let before = "select (select count(*) from orders), (select count(*) from audit.quarantine_event), (select count(*) from audit.change),
        (select count(*) from audit.finding), (select string_agg(state, ',') from audit.quarantine)";
    let was = show(&mut db, before);
    assert_eq!(
        release(&mut db, "{}", ", dry_run => true"),
        "(1,released,)\n(2,refused,positive)"
    );
    assert_eq!(
        show(
            &mut db,
            "select key, outcome from audit.discard_held('{}', 'not needed', dry_run => true)"
        ),
        "(1,discarded)\n(2,discarded)"
    );
    assert_eq!(
        show(
            &mut db,
            r#"select key, outcome from audit.edit_held('{}', '{"note": "b"}', dry_run => true)"#
        ),
        "(1,edited)\n(2,unchanged)"
    );
    assert_eq!(show(&mut db, before), was);
}

#[test]
fn two_sessions_that_release_at_once_write_once() {
    let (database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders select i, 'EU', -1, 'a' from generate_series(1, 50) i",
    );
    edit(&mut db, "{}", r#"{"amount": 5}"#);
    let sessions: Vec<_> = (0..4)
        .map(|_| {
            let mut db = database.connect();
            std::thread::spawn(move || {
                show(
                    &mut db,
                    "select outcome, count(*) from audit.release_held('{}') group by 1",
                )
            })
        })
        .collect();
    let outcomes: Vec<_> = sessions
        .into_iter()
        .map(|session| session.join().unwrap())
        .collect();
    let released = outcomes.iter().filter(|o| o.as_str() == "(released,50)");
    assert_eq!(released.count(), 1, "{outcomes:?}");
    assert_eq!(
        show(
            &mut db,
            "select count(*), (select count(*) from audit.row_change where cause = 'release'), (select count(*) from audit.quarantine_event where kind = 'released') from orders"
        ),
        "(50,50,50)"
    );
    all_agrees(&mut db);
}

#[test]
fn the_second_of_two_sessions_waits_and_finds_it_done() {
    let (database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(&mut db, "insert into orders values (1, 'EU', -1, 'a')");
    edit(&mut db, "{}", r#"{"amount": 5}"#);
    run(&mut db, "begin");
    assert_eq!(release(&mut db, "{}", ""), "(1,released,)");
    let mut other = database.connect();
    let second = std::thread::spawn(move || release(&mut other, "{}", ""));
    // It has begun to wait when it holds a lock that is not granted.
    while show(
        &mut db,
        "select count(*) from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()",
    ) == "(0)"
    {}
    run(&mut db, "commit");
    assert_eq!(second.join().unwrap(), "(1,\"already released\",)");
    assert_eq!(show(&mut db, "select count(*) from orders"), "(1)");
}

#[test]
fn an_operator_needs_no_right_on_the_table_and_a_reader_may_only_look() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(&mut db, "insert into orders values (1, 'EU', -1, 'a')");
    run(
        &mut db,
        "begin; set local role audit_operator; select audit.set_context(actor => 'ana@example.com')",
    );
    edit(&mut db, "{}", r#"{"amount": 5}"#);
    assert_eq!(
        release(&mut db, "{}", ", reason => 'agreed'"),
        "(1,released,)"
    );
    assert_eq!(
        show(
            &mut db,
            "select kind, reason, actor, role from audit.quarantine_event order by at"
        ),
        "(edited,,ana@example.com,audit_operator)\n(released,agreed,ana@example.com,audit_operator)"
    );
    run(&mut db, "commit");
    assert_eq!(
        show(
            &mut db,
            "select actor, cause from audit.row_change where cause = 'release'"
        ),
        "(ana@example.com,release)"
    );
    run(&mut db, "set role audit_reader");
    for call in [
        "audit.release_held('{}')",
        "audit.discard_held('{}', 'x')",
        "audit.edit_held('{}', '{}')",
    ] {
        let refusal = shared::refused(&mut db, &format!("select {call}"));
        assert!(refusal.contains("permission denied"), "{refusal}");
    }
}

#[test]
fn a_row_that_a_trigger_of_the_table_drops_is_not_lost() {
    let (_database, mut db) = orders();
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', -1, 'a'), (2, 'EU', -1, 'b');
        create function skip() returns trigger language plpgsql as 'begin if new.note = ''a'' then return null; end if; return new; end';
        create trigger skip before insert on orders for each row execute function skip()",
    );
    edit(&mut db, "{}", r#"{"amount": 5}"#);
    assert_eq!(
        release(&mut db, "{}", ""),
        "(1,refused,row_was_not_written)\n(2,released,)"
    );
}

#[test]
fn rows_of_a_partitioned_table_go_back_where_they_belong() {
    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer, region text, amount integer, primary key (id, region)) partition by list (region);
        create table orders_eu partition of orders for values in ('EU'); create table orders_us partition of orders for values in ('US')",
    );
    rule(&mut db, POSITIVE);
    run(
        &mut db,
        "insert into orders values (1, 'EU', 1), (2, 'US', -1); update orders_eu set amount = -1; update orders set region = 'US', amount = -2",
    );
    edit(&mut db, r#"{"key": "[1, \"US\"]"}"#, r#"{"amount": 9}"#);
    edit(&mut db, r#"{"key": "[2, \"US\"]"}"#, r#"{"amount": 8}"#);
    assert_eq!(
        release(&mut db, "{}", ""),
        "(\"[2, \"\"US\"\"]\",released,)\n(\"[1, \"\"EU\"\"]\",refused,positive)\n(\"[1, \"\"US\"\"]\",released,)"
    );
    assert_eq!(
        show(
            &mut db,
            "select tableoid::regclass, * from orders order by id"
        ),
        "(orders_us,1,US,9)\n(orders_us,2,US,8)"
    );
    all_agrees(&mut db);
}
