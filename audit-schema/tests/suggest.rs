//! What the rows of a table suggest: a policy that can be applied as it is, and that none of the rows contradicts.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::Policy;
use audit_schema::suggest::{Options, Suggested, policy_fragment, suggest};
use audit_schema::testing::{self, Database};
use audit_schema::{apply, check, plan};
use diesel::PgConnection;
use shared::{run, show};

fn database() -> (Database, PgConnection) {
    let database = testing::database();
    let db = database.connect();
    (database, db)
}

fn suggested(db: &mut PgConnection, table: &str) -> Suggested {
    suggest(db, table, &Options::default()).unwrap()
}

fn parsed(text: &str) -> Result<Policy, audit_core::PolicyErrors> {
    Policy::parse(text, "suggested.yml")
}

/// The suggestions as they stand in the file, with what speaks for each.
fn rules(suggested: &Suggested) -> String {
    let text = policy_fragment(std::slice::from_ref(suggested));
    let (_, rules) = text.split_once("    rules:").unwrap();
    rules
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.contains("shadow"))
        .map(str::trim_start)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The suggested rules without what speaks for them.
fn only_rules(suggested: &Suggested) -> String {
    let rules = rules(suggested);
    let lines: Vec<&str> = rules
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    lines.join("\n")
}

/// Orders of a shop, as orders are: numbers, states, customers, mail addresses, times.
const ORDERS: &str = "
create table customers (id bigint generated always as identity primary key, name text not null);
insert into customers (name) select 'Customer ' || i from generate_series(1, 50) i;
create table orders (
    id bigint generated always as identity primary key,
    number text, state text, customer_id bigint, quantity int, price numeric(10, 2), mail text, note text,
    ordered_at timestamptz, nothing int, zip varchar(5)
);
insert into orders (number, state, customer_id, quantity, price, mail, note, ordered_at, zip)
select
    'ORD-' || lpad(i::text, 6, '0'),
    (array['new', 'paid', 'sent'])[1 + i % 3],
    1 + i % 50,
    1 + i % 12,
    (i % 900) / 7.0,
    case when i % 400 = 0 then 'none' else 'c' || i || '@example.com' end,
    case when i % 2 = 0 then repeat('words and ', 1 + i % 9) end,
    timestamptz '2013-01-05' + i * interval '1 minute',
    lpad((i * 37 % 9999)::text, 5, '0')
from generate_series(1, 2000) i;
";

#[test]
fn each_column_suggests_what_its_rows_have_in_common() {
    let (_database, mut db) = database();
    run(&mut db, ORDERS);
    let orders = suggested(&mut db, "orders");
    insta::assert_snapshot!(rules(&orders), @r#"
    # All 2,000 rows have a value.
    - not_null: number
    # 2,000 rows have a value, and no two the same.
    - unique: [number]
    # All 2,000 rows with a value are written so.
    - matches: { number: "^[A-Z]{3}-[0-9]{6}$" }
    # All 2,000 rows have a value.
    - not_null: state
    # 2,000 rows with a value have one of 3 values.
    - one_of: { state: [new, paid, sent] }
    # All 2,000 rows have a value.
    - not_null: customer_id
    # All 50 different values of 2,000 rows are found there.
    - references: { customer_id: public.customers.id }
    # All 2,000 rows have a value.
    - not_null: quantity
    # 2,000 rows with a value lie between 1 and 12.
    - range: { quantity: { min: 0, max: 20 } }
    # All 2,000 rows have a value.
    - not_null: price
    # 2,000 rows with a value lie between 0.00 and 128.43.
    - range: { price: { min: 0, max: 200 } }
    # All 2,000 rows have a value.
    - not_null: mail
    # 99.75 % of 2,000 rows with a value are written so.
    - format: { mail: email }
    mostly: 0.99
    # None of 1,000 rows with a value is blank.
    - not_blank: note
    # All 2,000 rows have a value.
    - not_null: ordered_at
    # 2,000 rows lie in the past, the latest on 2013-01-06.
    - not_future: ordered_at
    # The earliest of 2,000 rows is of 2013-01-05.
    - range: { ordered_at: { min: "2010-01-01" } }
    # All 2,000 rows have a value.
    - not_null: zip
    # 2,000 rows have a value, and no two the same.
    - unique: [zip]
    # All 2,000 rows with a value are written so.
    - matches: { zip: "^[0-9]{5}$" }
    "#);
    insta::assert_snapshot!(orders.notes.join("\n"), @r"
    An index keeps `id` unique.
    `nothing` has no value in any row that was looked at.
    ");
}

#[test]
fn the_suggestion_is_a_policy_that_can_be_applied_and_no_row_contradicts_it() {
    let (_database, mut db) = database();
    run(&mut db, ORDERS);
    let all = [
        suggested(&mut db, "orders"),
        suggested(&mut db, "customers"),
    ];
    let policy = parsed(&policy_fragment(&all)).unwrap();
    let mut rules = policy.tables.iter().flat_map(|table| &table.rules);
    assert!(rules.all(|rule| rule.shadow));
    let planned = plan(&mut db, &policy).unwrap();
    assert_eq!(
        planned.changes.len(),
        2 + all[0].rules.len() + all[1].rules.len()
    );
    apply(&mut db, &policy).unwrap();
    // A second reading of the same file has nothing to do.
    assert!(apply(&mut db, &policy).unwrap().is_empty());
    let checked = check(&mut db, "orders", &check::Options::default(), &mut |_| ())
        .unwrap()
        .unwrap();
    let failing: Vec<_> = checked
        .rules
        .iter()
        .filter(|rule| !rule.holds())
        .map(|rule| (&rule.name, rule.failing))
        .collect();
    // One address in four hundred, for which the rule says mostly.
    assert_eq!(failing, [(&"format_mail".to_owned(), 5)]);
    // In shadow nothing is refused.
    run(
        &mut db,
        "insert into orders (state, quantity) values ('lost', -5)",
    );
}

#[test]
fn names_that_are_hostile_are_quoted_everywhere() {
    let (_database, mut db) = database();
    run(
        &mut db,
        r#"create schema "Ev.il ""s""";
        create table "Ev.il ""s"""."key: # table" ("co.de ""1""" text primary key);
        insert into "Ev.il ""s"""."key: # table" select 'x' || i from generate_series(1, 40) i;
        create table "Ev.il ""s"""."no: {t}, %s" (
            "id" int generated always as identity,
            "true" text, "we ird""; drop table x; --" int, "%I %1$s {}: [a], #b" text, "line
break	\ ü " text, "- null" timestamptz, "audit_row" text
        );
        insert into "Ev.il ""s"""."no: {t}, %s" ("true", "we ird""; drop table x; --", "%I %1$s {}: [a], #b", "line
break	\ ü ", "- null", "audit_row")
        select (array['yes', 'no: #"', e'a\nb', ' x'])[1 + i % 4], i, 'x' || 1 + i % 40, 'it''s ' || i, timestamptz '2013-02-08' + i * interval '1 h', 'AB-' || i % 10
        from generate_series(1, 400) i"#,
    );
    let table = r#""Ev.il ""s"""."no: {t}, %s""#;
    let hostile = suggested(&mut db, table);
    assert_eq!(hostile.table, table);
    let text = policy_fragment(std::slice::from_ref(&hostile));
    let policy = parsed(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    // What is read is what was meant.
    let meant: Vec<_> = hostile.rules.iter().map(|rule| &rule.kind).collect();
    let read: Vec<_> = policy.tables[0]
        .rules
        .iter()
        .map(|rule| &rule.kind)
        .collect();
    assert_eq!(read, meant);
    apply(&mut db, &policy).unwrap();
    let checked = check(&mut db, table, &check::Options::default(), &mut |_| ())
        .unwrap()
        .unwrap();
    assert_eq!(checked.worst(), None);
    insta::assert_snapshot!(only_rules(&hostile), @r#"
    - not_null: "true"
    - one_of: { "true": [" x", "a\nb", "no: #\"", "yes"] }
    - not_null: "%I %1$s {}: [a], #b"
    - references: { "%I %1$s {}: [a], #b": "\"Ev.il \"\"s\"\"\".\"key: # table\".\"co.de \"\"1\"\"\"" }
    - not_null: "line\nbreak\u0009\\ ü "
    - unique: ["line\nbreak\u0009\\ ü "]
    - not_blank: "line\nbreak\u0009\\ ü "
    - length: { "line\nbreak\u0009\\ ü ": { max: 15 } }
    - not_null: "- null"
    - not_future: "- null"
    - range: { "- null": { min: "2010-01-01" } }
    - not_null: audit_row
    - one_of: { audit_row: [AB-0, AB-1, AB-2, AB-3, AB-4, AB-5, AB-6, AB-7, AB-8, AB-9] }
    "#);
}

#[test]
fn comments_hold_no_value_of_a_text_column_with_many_different_ones() {
    let (_database, mut db) = database();
    run(
        &mut db,
        "create table people (name text, mail text, tax_number text);
         insert into people select 'secret' || i, 'secret' || i || '@example.com', 'secret-' || i from generate_series(1, 2000) i",
    );
    let text = policy_fragment(&[suggested(&mut db, "people")]);
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn few_rows_suggest_nothing() {
    let (_database, mut db) = database();
    run(
        &mut db,
        "create table small (a int, b text); insert into small select i, 'x' from generate_series(1, 29) i",
    );
    let small = suggested(&mut db, "small");
    assert_eq!((small.rules.len(), small.notes.len()), (0, 1));
    let policy = parsed(&policy_fragment(&[small])).unwrap();
    assert_eq!(policy.tables.len(), 1);
}

#[test]
fn what_a_constraint_keeps_is_not_suggested_again() {
    let (_database, mut db) = database();
    run(
        &mut db,
        "create table regions (code text primary key);
         insert into regions select 'R' || i from generate_series(1, 30) i;
         create table sites (code text primary key, region text not null references regions, label text unique not null);
         insert into sites select 'S-' || i, 'R' || 1 + i % 30, repeat('x', i) from generate_series(1, 100) i",
    );
    let sites = suggested(&mut db, "sites");
    insta::assert_snapshot!(only_rules(&sites), @r"
    - not_blank: code
    - length: { code: { max: 10 } }
    - not_blank: region
    - length: { region: { max: 5 } }
    - not_blank: label
    ");
}

#[test]
fn a_number_is_not_taken_for_a_reference_because_it_is_small() {
    let (_database, mut db) = database();
    run(
        &mut db,
        "create table companies (id int primary key);
         insert into companies select generate_series(1, 1000);
         create table jobs (company_id int, seats int, parent_company int, billing_company_id int);
         insert into jobs select 1 + i % 900, 1 + i % 50, 1 + i % 9, 1 + i % 800 from generate_series(1, 2000) i",
    );
    let jobs = suggested(&mut db, "jobs");
    let references: Vec<String> = jobs
        .rules
        .iter()
        .map(|rule| rule.kind.to_string())
        .filter(|rule| rule.contains(" is in "))
        .collect();
    insta::assert_snapshot!(references.join("\n"), @r"
    company_id is in public.companies.id
    parent_company is in public.companies.id
    billing_company_id is in public.companies.id
    ");
}

#[test]
fn the_smallest_natural_key_is_found_in_a_table_that_is_only_numbered() {
    let (_database, mut db) = database();
    run(
        &mut db,
        "create table trips (id bigint generated always as identity primary key, at timestamptz not null, line text not null, platform int not null, seats int not null);
         insert into trips (at, line, platform, seats)
         select timestamptz '2013-01-01' + h * interval '1 h', 'L' || l, (h + l) % 4, 50 + (h * l) % 7 from generate_series(0, 199) h, generate_series(1, 10) l",
    );
    insta::assert_snapshot!(only_rules(&suggested(&mut db, "trips")), @r#"
    - not_future: at
    - range: { at: { min: "2010-01-01" } }
    - one_of: { line: [L1, L10, L2, L3, L4, L5, L6, L7, L8, L9] }
    - range: { platform: { min: 0, max: 5 } }
    - range: { seats: { min: 0, max: 100 } }
    - unique: [at, line]
    "#);
}

#[test]
fn a_large_table_is_looked_at_as_a_sample_and_statistics_know_more() {
    let (_database, mut db) = database();
    run(
        &mut db,
        "create table large (id int, half int, level int, state text);
         insert into large select i, i / 2, case i when 20000 then -500 when 19999 then -400 else i % 100 end, case when i = 20000 then null else 'a' || i % 3 end from generate_series(1, 20000) i;
         set default_statistics_target = 10000;
         analyze large",
    );
    let large = suggest(&mut db, "large", &Options { rows: 2_000 }).unwrap();
    assert!(
        !large.whole && large.rows > 500 && large.rows < 6_000,
        "{}",
        large.rows
    );
    assert_eq!(large.estimated, 20_000);
    insta::assert_snapshot!(only_rules(&large), @r"
    - not_null: id
    - unique: [id]
    - not_null: half
    - range: { half: { min: 0, max: 20000 } }
    - not_null: level
    - range: { level: { min: -1000, max: 200 } }
    - not_null: state
    mostly: 0.99
    - one_of: { state: [a0, a1, a2] }
    ");
}

#[test]
fn values_without_a_bound_suggest_no_range() {
    let (_database, mut db) = database();
    run(
        &mut db,
        "create table odd (a float8, b numeric, c timestamptz, d json, e int[], f bigint);
         insert into odd select case i when 7 then 'NaN' else i::float8 end, case i when 7 then 'NaN' else i::numeric end, case i when 7 then '-infinity' when 8 then 'infinity' else now() end, '{}', '{1}', i * 10000000000000000 from generate_series(1, 100) i",
    );
    let odd = suggested(&mut db, "odd");
    insta::assert_snapshot!(only_rules(&odd), @r"
    - not_null: a
    - not_null: b
    - not_null: c
    - not_null: d
    - not_null: e
    - not_null: f
    - unique: [f]
    ");
    assert!(parsed(&policy_fragment(&[odd])).is_ok());
}

#[test]
fn partitions_views_and_missing_rights() {
    let (_database, mut db) = database();
    run(
        &mut db,
        "create table parts (id int, region text) partition by range (id);
         create table parts_1 partition of parts for values from (0) to (500);
         create table parts_2 partition of parts for values from (500) to (5000);
         insert into parts select i, 'r' || i % 4 from generate_series(1, 1000) i;
         analyze parts;
         create view seen as select * from parts",
    );
    assert_eq!(suggested(&mut db, "parts").rows, 1_000);
    let view = suggest(&mut db, "seen", &Options::default()).unwrap_err();
    assert_eq!(view.fact(), Some("relation_can_not_be_watched"));
    run(
        &mut db,
        "grant select on parts to audit_reader; create table hidden (id int); set role audit_reader",
    );
    assert_eq!(suggested(&mut db, "parts").rows, 1_000);
    assert!(suggest(&mut db, "hidden", &Options::default()).is_err());
    assert_eq!(
        show(&mut db, "select 1"),
        "(1)",
        "the connection can be used on"
    );
}
