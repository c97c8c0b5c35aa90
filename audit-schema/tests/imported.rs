//! What was imported from other tools, on tables such as those files describe: PostgreSQL understands every rule, and the tick
//! can ask every question.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::import::{self, Imported, Options};
use audit_core::{Error, Policy};
use audit_schema::testing::{Database, database};
use audit_schema::{apply, plan};
use diesel::PgConnection;
use shared::{run, show};

type Importer = fn(&str, &str, &Options) -> Result<Imported, Error>;

/// Makes tables, applies what a file becomes, and asks every question.
fn applied(tables: &str, importer: Importer, text: &str) -> (Database, PgConnection, Policy) {
    let database = database();
    let mut db = database.connect();
    run(&mut db, tables);
    let imported = importer(text, "file", &Options::default()).unwrap();
    let fragment = imported.fragment();
    let policy =
        Policy::parse(&fragment, "fragment.yml").unwrap_or_else(|errors| panic!("{errors}"));
    if let Err(error) = plan(&mut db, &policy) {
        let source = std::error::Error::source(&error);
        panic!(
            "{}",
            source.map_or_else(|| error.to_string(), ToString::to_string)
        );
    }
    apply(&mut db, &policy).unwrap();
    assert!(plan(&mut db, &policy).unwrap().is_empty());
    audit_schema::tick(&mut db, chrono::Utc::now()).unwrap();
    assert_eq!(
        show(
            &mut db,
            "select name, detail from audit.time_rule_status where state = 'error' order by 1"
        ),
        ""
    );
    (database, db, policy)
}

const MEASURES: &str = "
    create table measures (a int, b int, c int, name text, at timestamptz, starts int, ends int, kind text);
    create table other (a int, b int);
    insert into measures values (1, 2, 3, 'ABC', now(), 1, 5, 'x'), (2, 2, 4, 'abc', now(), 6, 7, 'y');
    insert into other values (1, 2)";

#[test]
fn every_test_of_dbt_is_a_rule_that_can_be_asked() {
    let text = include_str!("../../audit-core/tests/import/files/dbt_every.yml");
    let (_database, mut db, policy) = applied(MEASURES, import::dbt, text);
    assert_eq!(policy.tables[0].rules.len(), 77);
    // The queries give what is wrong, and only that.
    assert_eq!(
        show(
            &mut db,
            "select name, fails from audit.time_rule_status
             where name in ('casing_name', 'fewer_rows_than', 'sequential_a', 'row_count', 'row_count_2', 'columns_match_set', 'column_count', 'increasing_a', 'median_a', 'most_common_a')
             order by 1"
        ),
        "(casing_name,t)\n(column_count,f)\n(columns_match_set,f)\n(fewer_rows_than,t)\n(increasing_a,f)\n(median_a,f)\n(most_common_a,t)\n(row_count,f)\n(row_count_2,t)\n(row_count_2,t)\n(sequential_a,f)"
    );
}

#[test]
fn every_expectation_is_a_rule_that_can_be_asked() {
    let tables = "
        create schema shop;
        create table shop.orders (order_id int, status varchar, amount numeric, paid numeric, ordered_at timestamptz, shipped_at timestamptz,
            country text, currency text, \"Amount\" int, code text, email text, net int, tax int, home text, office text, other text,
            deleted_at timestamptz, \"Country Code\" text);
        create table orders_copy (id int);
        insert into shop.orders (order_id, status, amount, paid) values (1, 'placed', 5, 6), (2, 'shipped', 7, 7)";
    let text = include_str!("../../audit-core/tests/import/files/orders_suite.json");
    let (_database, mut db, _) = applied(tables, import::gx, text);
    assert_eq!(
        show(
            &mut db,
            "select name, fails from audit.time_rule_status
             where name in ('unexpected_rows', 'exists_amount', 'type_status', 'reconcile', 'sum_amount', 'contains_status_2', 'columns_in_order') order by 1"
        ),
        "(columns_in_order,t)\n(contains_status_2,f)\n(exists_amount,f)\n(reconcile,t)\n(sum_amount,t)\n(type_status,f)\n(unexpected_rows,t)"
    );
    run(
        &mut db,
        "insert into shop.orders (order_id, status) values (3, 'lost')",
    );
    assert_eq!(
        show(
            &mut db,
            "select r.name from audit.finding f join audit.rule r using (rule_id) where f.op is not null and r.name in ('one_of_status', 'unique_order_id') order by 1"
        ),
        "(one_of_status)"
    );
}

#[test]
fn a_project_of_dbt_is_a_policy_for_its_tables() {
    let tables = "
        create schema shop; create schema billing_raw;
        create table customers (customer_id int primary key, email text, deleted_at date);
        create table shop.orders (order_id int, country_code text, customer_id int, status varchar(20), total numeric, tax numeric,
            subtotal numeric, ordered_at timestamptz, \"Order Note\" text, amount numeric);
        create table countries (code text);
        create table orders_snapshot (order_id int, valid_from timestamptz, valid_to timestamptz);
        create table billing_raw.\"Accounts\" (id int primary key, region text, _loaded_at timestamptz);
        create table billing_raw.ledger (_loaded_at timestamptz)";
    // An integer column knows no text: that `priority` test is about a column of another type.
    let text = include_str!("../../audit-core/tests/import/files/shop_schema.yml");
    let (_database, mut db, policy) = applied(tables, import::dbt, text);
    assert_eq!(policy.tables.len(), 6);
    run(
        &mut db,
        "insert into shop.orders (order_id, total) select n, -1 from generate_series(1, 12) n",
    );
    run(
        &mut db,
        "insert into shop.orders (order_id) select 30 from generate_series(1, 12)",
    );
    assert_eq!(
        show(
            &mut db,
            "select new_failed from audit.finding f join audit.rule r using (rule_id) where r.name = 'total_is_positive'"
        ),
        "(12)"
    );
}

#[test]
fn a_contract_is_a_policy_for_its_tables() {
    let tables = "
        create schema sales;
        create table sales.fct_orders (order_id uuid, status varchar(20), iban text, amount numeric, tags text[], homepage text, placed_on date,
            customer_id int, tenant_id int, placed_at timestamptz);
        create table sales.customers (customer_id int, tenant_id int)";
    let text = include_str!("../../audit-core/tests/import/files/shop_contract.yaml");
    let (_database, mut db, _) = applied(tables, import::odcs, text);
    assert_eq!(
        show(
            &mut db,
            "select name, fails from audit.time_rule_status where name in ('row_count', 'query_amount', 'usual_amount', 'fresh_placed_at') order by 1"
        ),
        "(fresh_placed_at,t)\n(query_amount,f)\n(row_count,t)\n(usual_amount,f)"
    );
}

#[test]
fn checks_of_soda_are_a_policy_for_their_tables() {
    let tables = "
        create schema geo;
        create table customers (ts timestamptz, name text, age int);
        create table orders (region text, total numeric, last_name text, first_name text, gender text, size numeric, email_address text, phone text,
            house_number text, zip text, code text, age int, status text, a int, b int, start_date timestamptz, end_date timestamptz, name text,
            country text, salary int, banned text, total_children text, cars int, distance numeric, standard_cost money, style text);
        create table eu_orders (id int); create table other (salary int, c int, d int); create table geo.countries (code text);
        create table blacklist (code text); create table other_table (id int); create table dim_customer (geography_key int);
        create table payments (id int)";
    let text = include_str!("../../audit-core/tests/import/files/shop_checks.yml");
    let (_database, mut db, policy) = applied(tables, import::sodacl, text);
    assert_eq!(policy.tables.len(), 3);
    assert_eq!(
        show(
            &mut db,
            "select name, fails from audit.time_rule_status where name in ('row_count', 'column_types', 'column_places', 'same_row_count') order by 1"
        ),
        "(column_places,t)\n(column_types,f)\n(row_count,t)\n(row_count,t)\n(row_count,t)\n(same_row_count,f)"
    );
    run(
        &mut db,
        "insert into orders (total_children, cars, zip) values ('2', 3, '1234')",
    );
    assert_eq!(
        show(
            &mut db,
            "select r.name from audit.finding f join audit.rule r using (rule_id) where f.op is not null and r.name in ('n', 'length_zip', 'not_null_size') order by 1"
        ),
        "(length_zip)\n(n)\n(not_null_size)"
    );
}
