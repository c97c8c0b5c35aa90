//! Time-driven rules about numbers: volume against what is usual, agreement of two tables, queries, bounds on summaries.
#![cfg(feature = "embedded")]

mod shared;

use audit_schema::testing::Database;
use diesel::PgConnection;
use shared::{ask, refused, run, show, watched};

/// Orders with an amount, a region and the moment of the sale.
fn sales() -> (Database, PgConnection) {
    watched(
        "sales",
        "create table sales (id integer generated always as identity primary key, at timestamptz, region text, amount numeric)",
    )
}

/// Declares a time-driven rule on `sales` and compiles.
#[track_caller]
fn declare(db: &mut PgConnection, kind: &str, definition: &str) {
    run(
        db,
        &format!(
            "select audit.declare_rule('sales', '{kind}', '{kind}', $rule${definition}$rule$); select audit.compile('sales')"
        ),
    );
}

/// So many sales at a moment.
#[track_caller]
fn sell(db: &mut PgConnection, number: u32, moment: &str) {
    run(
        db,
        &format!(
            "insert into sales (at, region, amount) select '{moment}', 'EU', 1 from generate_series(1, {number})"
        ),
    );
}

/// Sales of Mondays at 10 in New York, from the week before backward.
fn mondays(db: &mut PgConnection, numbers: &[u32]) {
    for (weeks, number) in (1..).zip(numbers) {
        run(
            db,
            &format!(
                "insert into sales (at, region, amount)
                select (timestamp '2013-03-18 10:30' - {weeks} * interval '1 week') at time zone 'America/New_York', 'EU', 1
                from generate_series(1, {number})"
            ),
        );
    }
}

const HOURLY: &str = r#"{"per": "1 hour", "column": "at", "history": "8 weeks", "minimum": 4, "threshold": 3.5, "time_zone": "America/New_York"}"#;

#[test]
fn a_volume_is_compared_with_the_same_hour_of_other_weeks_also_when_clocks_were_changed() {
    let (_database, mut db) = sales();
    declare(&mut db, "volume", HOURLY);
    // 10 March was the day on which clocks went forward: before it, 10:30 in New York was 15:30 UTC, and then 14:30.
    mondays(&mut db, &[100, 104, 98, 102, 100, 97]);
    // An hour beside, and another day, say nothing.
    sell(&mut db, 500, "2013-03-11 11:30 America/New_York");
    sell(&mut db, 500, "2013-03-12 10:30 America/New_York");
    sell(&mut db, 93, "2013-03-18 10:59 America/New_York");
    let asked = [
        "2013-03-18 10:59 America/New_York",
        "2013-03-18 11:04 America/New_York",
    ]
    .map(|clock| ask(&mut db, clock));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,no_data,f,0,"0 of the 4 windows that are needed are known")
    (,ok,f,93,"93 rows in the window from Mon 2013-03-18 10:00, usual are 100.0")
    "#);
    sell(&mut db, 30, "2013-03-18 10:59 America/New_York");
    insta::assert_snapshot!(ask(&mut db, "2013-03-18 11:10 America/New_York"), @r#"(,failing,t,123,"123 rows in the window from Mon 2013-03-18 10:00, usual are 100.0")"#);
    insta::assert_snapshot!(show(&mut db, "select expected from audit.time_rule_state"), @r#"("90 to 110")"#);
}

#[test]
fn an_anomaly_is_not_learned_from() {
    let (_database, mut db) = sales();
    declare(
        &mut db,
        "volume",
        r#"{"per": "1 hour", "column": "at", "history": "8 weeks", "minimum": 2, "threshold": 3.5}"#,
    );
    // Four good weeks, and then six in which the feed is broken.
    run(
        &mut db,
        "insert into sales (at) select timestamptz '2013-03-18 10:30Z' + w * interval '1 week' from generate_series(-4, -1) w cross join lateral generate_series(1, 100 + w)",
    );
    let mut asked = Vec::new();
    for clock in ["03-18", "03-25", "04-01", "04-08", "04-15", "04-22"] {
        sell(&mut db, 20, &format!("2013-{clock} 10:30Z"));
        asked.push(ask(&mut db, &format!("2013-{clock} 11:00Z")));
    }
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,failing,t,20,"20 rows in the window from Mon 2013-03-18 10:00, usual are 97.5")
    (,failing,t,20,"20 rows in the window from Mon 2013-03-25 10:00, usual are 97.5")
    (,failing,t,20,"20 rows in the window from Mon 2013-04-01 10:00, usual are 97.5")
    (,failing,t,20,"20 rows in the window from Mon 2013-04-08 10:00, usual are 97.5")
    (,failing,t,20,"20 rows in the window from Mon 2013-04-15 10:00, usual are 97.5")
    (,failing,t,20,"20 rows in the window from Mon 2013-04-22 10:00, usual are 98.0")
    "#);
    insta::assert_snapshot!(show(&mut db, "select starts, rows, anomalous from audit.volume_verdict order by 1"), @r#"
    ("2013-03-18 10:00:00+00",20,t)
    ("2013-03-25 10:00:00+00",20,t)
    ("2013-04-01 10:00:00+00",20,t)
    ("2013-04-08 10:00:00+00",20,t)
    ("2013-04-15 10:00:00+00",20,t)
    ("2013-04-22 10:00:00+00",20,t)
    "#);
    // Two of the last eight weeks are good, and six are not: 100 is still what is usual.
    sell(&mut db, 100, "2013-04-29 10:30Z");
    insta::assert_snapshot!(ask(&mut db, "2013-04-29 11:00Z"), @r#"(,ok,f,100,"100 rows in the window from Mon 2013-04-29 10:00, usual are 98.5")"#);
    // Where all that is left was anomalous, nothing is known.
    run(
        &mut db,
        "delete from sales where at < '2013-03-18' or at > '2013-04-29'",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-04-29 11:05Z"), @r#"(,no_data,f,0,"0 of the 2 windows that are needed are known")"#);
}

#[test]
fn a_volume_is_judged_again_when_late_rows_come() {
    let (_database, mut db) = sales();
    declare(&mut db, "volume", HOURLY);
    mondays(&mut db, &[100, 100, 101, 99]);
    insta::assert_snapshot!(ask(&mut db, "2013-03-18 11:00 America/New_York"), @r#"(,failing,t,0,"0 rows in the window from Mon 2013-03-18 10:00, usual are 100.0")"#);
    sell(&mut db, 100, "2013-03-18 10:59 America/New_York");
    insta::assert_snapshot!(ask(&mut db, "2013-03-18 11:30 America/New_York"), @r#"(,ok,f,100,"100 rows in the window from Mon 2013-03-18 10:00, usual are 100.0")"#);
    insta::assert_snapshot!(show(&mut db, "select rows, anomalous from audit.volume_verdict"), @"(100,f)");
}

#[test]
fn a_number_that_was_always_the_same_may_move_by_the_threshold() {
    let (_database, mut db) = sales();
    declare(&mut db, "volume", HOURLY);
    mondays(&mut db, &[10, 10, 10, 10]);
    let mut asked = Vec::new();
    sell(&mut db, 13, "2013-03-18 10:00 America/New_York");
    asked.push(ask(&mut db, "2013-03-18 11:00 America/New_York"));
    sell(&mut db, 1, "2013-03-18 10:00 America/New_York");
    asked.push(ask(&mut db, "2013-03-18 11:05 America/New_York"));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,ok,f,13,"13 rows in the window from Mon 2013-03-18 10:00, usual are 10.0")
    (,failing,t,14,"14 rows in the window from Mon 2013-03-18 10:00, usual are 10.0")
    "#);
}

#[test]
fn where_most_numbers_are_equal_their_mean_deviation_is_the_scale() {
    let (_database, mut db) = sales();
    declare(&mut db, "volume", HOURLY);
    // The median deviation is 0, the mean one 10: 1.2533 * 10 * 3.5 is 43.9.
    mondays(&mut db, &[100, 100, 100, 100, 150]);
    sell(&mut db, 143, "2013-03-18 10:00 America/New_York");
    let mut asked = vec![ask(&mut db, "2013-03-18 11:00 America/New_York")];
    sell(&mut db, 1, "2013-03-18 10:00 America/New_York");
    asked.push(ask(&mut db, "2013-03-18 11:05 America/New_York"));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,ok,f,143,"143 rows in the window from Mon 2013-03-18 10:00, usual are 100.0")
    (,failing,t,144,"144 rows in the window from Mon 2013-03-18 10:00, usual are 100.0")
    "#);
}

#[test]
fn a_volume_needs_history_and_windows_before_the_first_row_are_none() {
    let (_database, mut db) = sales();
    declare(&mut db, "volume", HOURLY);
    // One of the last three weeks has no row, and nobody knows yet whether that is a number.
    mondays(&mut db, &[10, 12, 0]);
    insta::assert_snapshot!(ask(&mut db, "2013-03-18 11:00 America/New_York"), @r#"(,no_data,f,0,"2 of the 4 windows that are needed are known")"#);
    run(
        &mut db,
        "insert into sales (at) values (timestamp '2013-02-18 10:00' at time zone 'America/New_York')",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-03-18 11:05 America/New_York"), @r#"(,ok,f,0,"0 rows in the window from Mon 2013-03-18 10:00, usual are 5.5")"#);
}

#[test]
fn a_volume_may_be_about_drops_only_and_about_days_and_groups() {
    let (_database, mut db) = sales();
    declare(
        &mut db,
        "volume",
        r#"{"per": "1 day", "column": "at", "history": "6 weeks", "minimum": 4, "threshold": 3.5, "direction": "drop", "group_by": ["region"]}"#,
    );
    run(
        &mut db,
        "insert into sales (at, region) select timestamptz '2013-03-18 12:00Z' - w * interval '1 week', r from generate_series(0, 5) w cross join (values ('EU'), (null)) r (r) cross join generate_series(1, 20 + w)",
    );
    run(
        &mut db,
        "delete from sales where at = '2013-03-18 12:00Z' and region is null; insert into sales (at, region) select '2013-03-18 13:00Z', 'EU' from generate_series(1, 500)",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-03-19 00:00Z"), @r#"
    (null,failing,t,0,"0 rows in the window from Mon 2013-03-18 00:00, usual are 23.0")
    (EU,ok,f,520,"520 rows in the window from Mon 2013-03-18 00:00, usual are 23.0")
    "#);
}

#[test]
fn a_volume_of_what_was_written_comes_from_the_log() {
    let (_database, mut db) = sales();
    declare(
        &mut db,
        "volume",
        r#"{"per": "1 hour", "history": "8 weeks", "minimum": 2, "threshold": 3.5}"#,
    );
    for (day, number) in [("04", 50), ("11", 51), ("18", 49), ("25", 4)] {
        run(
            &mut db,
            &format!(
                "begin; select audit.set_context(occurred_at => '2013-03-{day} 10:10Z'); insert into sales (amount) select 1 from generate_series(1, {number}); commit"
            ),
        );
    }
    shared::tick(&mut db);
    insta::assert_snapshot!(ask(&mut db, "2013-03-25 11:00Z"), @r#"(,failing,t,4,"4 rows in the window from Mon 2013-03-25 10:00, usual are 50.0")"#);
}

#[test]
fn two_tables_agree_in_their_sums_by_group_and_within_a_tolerance() {
    let (_database, mut db) = sales();
    run(
        &mut db,
        "create schema \"the books\"; create table \"the books\".ledger (region text, \"to%tal\" double precision)",
    );
    declare(
        &mut db,
        "reconcile",
        r#"{"measure": "sum", "column": "amount", "table": "\"the books\".ledger", "its": "to%tal", "tolerance": 0.01, "group_by": ["region"]}"#,
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 00:00Z"), @r#"(,no_data,f,,"there is nothing to judge")"#);
    run(
        &mut db,
        "insert into sales (region, amount) values ('EU', 10), ('EU', 5), (null, 3), ('US', 1.005), ('alone', 1);
         insert into \"the books\".ledger values ('EU', 15), (null, 2), ('US', 1), ('theirs', 7)",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 01:00Z"), @r#"
    (null,failing,t,3,"a difference of 1")
    (EU,ok,f,15,"no difference")
    (US,ok,f,1.005,"a difference of 0.005")
    (alone,failing,t,1,"a difference of 1")
    (theirs,failing,t,0,"a difference of -7")
    "#);
    insta::assert_snapshot!(show(&mut db, "select group_values, value, expected from audit.time_rule_status where fails order by 1"), @r#"
    ("{""region"": null}",3,"2 in ""the books"".ledger, or up to 0.01 away")
    ("{""region"": ""alone""}",1,"0 in ""the books"".ledger, or up to 0.01 away")
    ("{""region"": ""theirs""}",0,"7 in ""the books"".ledger, or up to 0.01 away")
    "#);
    run(
        &mut db,
        "delete from sales where region in ('alone') or region is null; delete from \"the books\".ledger where region is null or region = 'theirs'",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 02:00Z"), @r#"
    (null,no_data,f,,"there is nothing of it any more")
    (EU,ok,f,15,"no difference")
    (US,ok,f,1.005,"a difference of 0.005")
    (alone,no_data,f,,"there is nothing of it any more")
    (theirs,no_data,f,,"there is nothing of it any more")
    "#);
}

#[test]
fn two_tables_agree_in_their_numbers_of_rows_under_a_condition() {
    let (_database, mut db) = sales();
    run(
        &mut db,
        "create table shipped (id integer); insert into sales (amount) values (1), (2), (null); insert into shipped values (1), (2);
         select audit.declare_rule('sales', 'shipped', 'reconcile', '{\"measure\": \"count\", \"table\": \"public.shipped\"}', 'amount is not null');
         select audit.declare_rule('sales', 'all_shipped', 'reconcile', '{\"measure\": \"count\", \"table\": \"public.shipped\"}');
         select audit.compile('sales')",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 00:00Z"), @r#"
    (,failing,t,3,"a difference of 1")
    (,ok,f,2,"no difference")
    "#);
    // The other table may go, which is an error of the rule and of nothing else.
    run(
        &mut db,
        "drop table shipped; insert into sales (amount) values (5)",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 01:00Z"), @r#"
    (,error,t,,"table public.shipped does not exist")
    (,error,f,,"table public.shipped does not exist")
    "#);
}

#[test]
fn each_row_of_a_query_is_a_failure() {
    let (_database, mut db) = sales();
    run(
        &mut db,
        "create schema shop; create table shop.regions (code text); create view shop.known as select code from shop.regions; set search_path = shop, public",
    );
    declare(
        &mut db,
        "sql",
        r#"{"query": "select region, count(*) as orders from sales where region not in (select code from known) group by region order by region -- as is"}"#,
    );
    run(
        &mut db,
        "set search_path = public; insert into sales (region) values ('EU'), ('US'), ('US'), ('it''s'), ('x')",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 00:00Z"), @r#"(,failing,t,4,"4 rows")"#);
    run(&mut db, "insert into shop.regions values ('EU')");
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 00:30Z"), @r#"(,failing,t,4,"4 rows")"#);
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 01:00Z"), @r#"(,failing,t,3,"3 rows")"#);
    insta::assert_snapshot!(show(&mut db, "select samples from audit.time_rule_state"), @r#"("[{""orders"": 2, ""region"": ""US""}, {""orders"": 1, ""region"": ""it's""}, {""orders"": 1, ""region"": ""x""}]")"#);
}

#[test]
fn a_query_can_not_write_whatever_it_calls() {
    let (_database, mut db) = sales();
    run(
        &mut db,
        "create table written (by text);
         grant all on written to public;
         create function write_down() returns integer language sql volatile as 'insert into public.written values (current_user) returning 1';
         create function write_anyway() returns integer language plpgsql volatile as 'begin perform set_config(''transaction_read_only'', ''off'', true); insert into public.written values (current_user); return 1; end';
         select audit.declare_rule('sales', 'a', 'sql', '{\"query\": \"select write_down()\"}');
         select audit.declare_rule('sales', 'b', 'sql', '{\"query\": \"select write_anyway()\"}');
         select audit.declare_rule('sales', 'c', 'sql', '{\"query\": \"select nextval(''public.sales_id_seq'')\"}');
         select audit.declare_rule('sales', 'd', 'fresh', '{\"within\": \"1 hour\", \"column\": \"at\"}', 'write_down() = 1');
         grant all on sequence sales_id_seq to public;
         insert into sales (at) values ('2013-02-07 23:30Z');
         select audit.compile('sales')",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 00:00Z"), @r#"
    (,error,f,,"cannot execute INSERT in a read-only transaction")
    (,error,f,,"cannot set transaction read-write mode inside a read-only transaction")
    (,error,f,,"cannot execute nextval() in a read-only transaction")
    (,error,f,,"cannot execute INSERT in a read-only transaction")
    "#);
    assert_eq!(show(&mut db, "select by from written"), "");
    // The transaction that asked writes as before.
    run(
        &mut db,
        "begin; select audit.ask_rule(due, '2013-02-09 00:00Z') from audit.due_rules('2013-02-09 00:00Z') due; insert into written values ('me'); commit",
    );
    assert_eq!(show(&mut db, "select by from written"), "(me)");
}

#[test]
fn what_is_no_query_is_refused() {
    let (_database, mut db) = sales();
    let refusal = |query: &str| {
        refused(
            &mut db,
            &format!(
                "select audit.declare_rule('sales', 'q', 'sql', jsonb_build_object('query', $query${query}$query$))"
            ),
        )
    };
    let refusals = [
        "delete from sales",
        "select 1; drop table sales",
        "with gone as (delete from sales returning *) select * from gone",
        "select 1 as a, 2 as a",
        "select nothing from sales",
        "select * into copy from sales",
        "",
    ]
    .map(refusal);
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    predicate_is_not_valid: syntax error at or near "from"
    predicate_is_not_valid: a query may not contain a semicolon
    predicate_is_not_valid: WITH clause containing a data-modifying statement must be at the top level
    predicate_is_not_valid: column "a" specified more than once
    predicate_is_not_valid: column "nothing" does not exist
    predicate_is_not_valid: SELECT ... INTO is not allowed here
    predicate_is_not_valid: syntax error at or near ")"
    "#);
}

/// A summary of the sales by day and region.
fn summed(db: &mut PgConnection) {
    run(
        db,
        r#"select audit.declare_summary('sales', 'by_day', '{
            "bucket": {"column": "at", "width": "1 day", "time_zone": "America/New_York"},
            "group_by": [{"name": "region", "expression": "region"}],
            "measures": [{"name": "sales", "function": "count", "expression": null}, {"name": "free", "function": "count_if", "expression": "amount = 0"}]}');
        select audit.compile('sales')"#,
    );
}

#[test]
fn a_ratio_over_a_summary_lies_in_its_bounds_in_each_group_of_the_day() {
    let (_database, mut db) = sales();
    summed(&mut db);
    declare(
        &mut db,
        "bounds",
        r#"{"on": "by_day", "value": "free / sales", "max": 0.25, "when": "sales >= 4 -- enough"}"#,
    );
    run(
        &mut db,
        "insert into sales (at, region, amount) select '2013-02-08 12:00 America/New_York', r, (n > f)::integer
         from (values ('EU', 4, 1), ('US', 4, 2), (null, 8, 3), ('few', 3, 3)) v (r, of, f) cross join lateral generate_series(1, of) n",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-08 23:59 America/New_York"), @r#"
    (null,failing,t,0.375,"free / sales is 0.375")
    (EU,ok,f,0.25,"free / sales is 0.25")
    (US,failing,t,0.5,"free / sales is 0.5")
    (few,no_data,f,,"there is too little to judge")
    "#);
    // Another day, of which some groups have no sale yet.
    run(
        &mut db,
        "insert into sales (at, region, amount) select '2013-02-09 00:01 America/New_York', 'US', 1 from generate_series(1, 5)",
    );
    insta::assert_snapshot!(ask(&mut db, "2013-02-09 00:10 America/New_York"), @r#"
    (null,no_data,f,,"there is nothing of it any more")
    (EU,no_data,f,,"there is nothing of it any more")
    (US,ok,f,0,"free / sales is 0")
    (few,no_data,f,,"there is nothing of it any more")
    "#);
}

#[test]
fn a_bucket_may_have_to_be_over_before_it_is_judged() {
    let (_database, mut db) = sales();
    summed(&mut db);
    declare(
        &mut db,
        "bounds",
        r#"{"on": "by_day", "value": "sales", "min": 2, "bucket": "complete"}"#,
    );
    sell(&mut db, 1, "2013-02-08 12:00 America/New_York");
    let asked = [
        "2013-02-08 23:59 America/New_York",
        "2013-02-09 00:04 America/New_York",
    ]
    .map(|clock| ask(&mut db, clock));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,no_data,f,,"there is nothing to judge")
    (EU,failing,t,1,"sales is 1")
    "#);
}

#[test]
fn a_rule_about_a_summary_that_is_not_there_or_divides_by_zero_is_in_error() {
    let (_database, mut db) = sales();
    declare(
        &mut db,
        "bounds",
        r#"{"on": "by_day", "value": "sales / free", "max": 2}"#,
    );
    let mut asked = vec![ask(&mut db, "2013-02-08 12:00Z")];
    summed(&mut db);
    sell(&mut db, 1, "2013-02-08 12:00Z");
    asked.push(ask(&mut db, "2013-02-08 12:10Z"));
    run(&mut db, "update sales set amount = 0");
    asked.push(ask(&mut db, "2013-02-08 12:20Z"));
    insta::assert_snapshot!(asked.join("\n"), @r#"
    (,error,f,,"there is no summary `by_day`")
    (,error,f,,"division by zero")
    (EU,ok,f,1,"sales / free is 1")
    "#);
}
