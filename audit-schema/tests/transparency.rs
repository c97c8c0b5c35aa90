//! What unmodified programs did notice, found by the suites of `make test-transparency`.
#![cfg(feature = "embedded")]

mod shared;

use shared::{run, show, tick, watched, wrong};

#[test]
fn a_table_without_columns_is_watched() {
    let (_database, mut db) = watched("nothing", "create table nothing ()");
    run(&mut db, "insert into nothing default values");
    run(
        &mut db,
        "insert into nothing select from generate_series(1, 3)",
    );
    run(&mut db, "delete from nothing");
    tick(&mut db);
    assert_eq!(
        show(
            &mut db,
            "select op, count(*) from audit.row_change group by op order by op"
        ),
        "(D,4)\n(I,4)"
    );
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn a_table_that_loses_its_last_column_is_still_written() {
    let (_database, mut db) = watched("shrinking", "create table shrinking (a integer[])");
    run(&mut db, "insert into shrinking values ('{1}'), ('{2}')");
    run(&mut db, "alter table shrinking drop a");
    run(
        &mut db,
        "insert into shrinking select from generate_series(1, 3)",
    );
    tick(&mut db);
    assert_eq!(wrong(&mut db), "");
}

#[test]
fn watching_grants_nothing_on_a_schema_that_everybody_may_use() {
    let (_database, mut db) = watched("plain", "create table plain (id bigint)");
    assert_eq!(
        show(
            &mut db,
            "select count(*) from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'public' and a.grantee = 'audit_owner'::regrole"
        ),
        "(0)"
    );
}
