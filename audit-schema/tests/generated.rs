//! What is generated for a table, whole, so that a reader sees what runs in the statements that write to it. The text is
//! in `snapshots`; `INSTA_UPDATE=always` writes it anew.
#![cfg(feature = "embedded")]

mod shared;

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use shared::{orders, rule, run, watched};

/// The functions that were generated, one after the other, without the position in the log and the snapshot at which each
/// began.
fn generated(db: &mut PgConnection) -> String {
    #[derive(QueryableByName)]
    struct Function {
        #[diesel(sql_type = Text)]
        definition: String,
    }
    let functions = diesel::sql_query(
        r"select regexp_replace(regexp_replace(regexp_replace(
            pg_get_functiondef(p.oid), '''\w+/\w+''::pg_lsn', '''0/1''::pg_lsn', 'g'), '''\d+''::xid8', '''1''::xid8', 'g'), '''[\d:,]+''::pg_snapshot', '''1:1:''::pg_snapshot', 'g'
        ) as definition
        from pg_proc p
        where p.pronamespace = 'audit_compiled'::regnamespace order by p.proname",
    )
    .load::<Function>(db)
    .unwrap();
    let text: Vec<String> = functions
        .into_iter()
        .map(|function| function.definition)
        .collect();
    text.join("\n")
}

#[track_caller]
fn check(name: &str, text: &str) {
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn a_table_that_is_only_watched() {
    let (_database, mut db) = orders();
    check("watched", &generated(&mut db));
}

#[test]
fn a_table_with_a_rule_of_each_class() {
    let (_database, mut db) = orders();
    run(&mut db, "create table regions (code text primary key)");
    rule(&mut db, r#"'given', 'not_null', '{"column": "region"}'"#);
    rule(
        &mut db,
        r#"'positive', 'range', '{"column": "amount", "min": 0}', action => 'quarantine'"#,
    );
    rule(
        &mut db,
        r#"'known', 'references', '{"column": "region", "table": "public.regions", "key": "code"}'"#,
    );
    rule(
        &mut db,
        r#"'fixed', 'immutable', '{"column": "region"}', action => 'reject'"#,
    );
    rule(
        &mut db,
        r#"'through_the_shop', 'writers', '{"applications": ["shop"]}'"#,
    );
    check("rules", &generated(&mut db));
}

#[test]
fn a_rule_that_can_raise_is_guarded() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'ratio', 'expression', '{"expression": "100 / amount > 1"}'"#,
    );
    check("guarded", &generated(&mut db));
}

#[test]
fn a_table_with_values_that_are_logged_as_text() {
    let (_database, mut db) = watched(
        "things",
        "create type mood as enum ('so', 'la'); create table things (a mood, b jsonb, c integer[], d timestamptz, e double precision, primary key (a, d))",
    );
    check("values", &generated(&mut db));
}

#[test]
fn a_summary() {
    let (_database, mut db) = orders();
    run(
        &mut db,
        r#"select audit.declare_summary('orders', 'by_region', '{"group_by": [{"name": "region", "expression": "region"}], "measures": [{"name": "orders", "function": "count"}, {"name": "total", "function": "sum", "expression": "amount"}, {"name": "largest", "function": "max", "expression": "amount"}]}'); select audit.compile('orders')"#,
    );
    check("summary", &generated(&mut db));
}

#[test]
fn a_table_with_redacted_and_hashed_columns() {
    let (_database, mut db) = watched(
        "people",
        "create table people (id bigint primary key, email text, phone text, grade integer)",
    );
    run(
        &mut db,
        r#"select audit.redact('people', '{email}', '{phone}');
        select audit.declare_rule('people', 'addressed', 'expression', '{"expression": "email ~ ''@''"}', action => 'quarantine');
        select audit.compile('people')"#,
    );
    check("redacted", &generated(&mut db));
}
