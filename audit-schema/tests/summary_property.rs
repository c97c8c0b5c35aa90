//! Whatever is declared and whatever is written: the view of a summary is what its GROUP BY gives.
#![cfg(feature = "embedded")]

mod shared;

use diesel::PgConnection;
use proptest::prelude::*;
use proptest::sample::subsequence;
use shared::{run, show, tick, watched};

const TABLES: &str = r#"
    create table zones (code text primary key, name text);
    insert into zones values ('EU', 'Europe'), ('US', 'America'), ('CA', 'America');
    create table readings (
        id bigint primary key, region text, code text collate "C", short varchar(3), whole integer, price numeric(8, 2),
        free numeric, reading double precision, level real, day date, at timestamptz
    )"#;

/// A group: its name, its declaration, and what it is to a GROUP BY over `readings r`.
const GROUPS: &[(&str, &str, &str)] = &[
    ("region", r#""expression": "region""#, "r.region"),
    ("big", r#""expression": "whole > 3""#, "r.whole > 3"),
    ("free_key", r#""expression": "free""#, "r.free"),
    ("level_key", r#""expression": "level""#, "r.level"),
    ("short", r#""expression": "short""#, "r.short"),
    (
        "zone",
        r#""expression": "region", "reference": {"table": "public.zones", "key": "code", "column": "name"}"#,
        "(select z.name from zones z where z.code = r.region)",
    ),
];

/// What may be a bucket: its declaration, and what it is to a GROUP BY.
const BUCKETS: &[(&str, &str)] = &[
    (
        r#"{"column": "at", "width": "1 day", "time_zone": "America/New_York"}"#,
        "date_trunc('day', r.at, 'America/New_York')",
    ),
    (
        r#"{"column": "at", "width": "15 minutes", "time_zone": "America/New_York"}"#,
        "date_bin('15 minutes', r.at, '2000-01-01 00:00-05')",
    ),
    (
        r#"{"column": "at", "width": "2 days", "time_zone": "America/New_York"}"#,
        "date_bin('2 days', r.at at time zone 'America/New_York', '2000-01-03') at time zone 'America/New_York'",
    ),
    (
        r#"{"column": "day", "width": "1 month", "time_zone": "America/New_York"}"#,
        "date_trunc('month', r.day::timestamp) at time zone 'America/New_York'",
    ),
];

/// A measure: function, expression, and what it is to a GROUP BY.
const MEASURES: &[(&str, &str, &str)] = &[
    ("count", "null", "count(*)"),
    (
        "count_if",
        r#""price > 2""#,
        "count(*) filter (where r.price > 2)",
    ),
    ("sum", r#""whole""#, "sum(r.whole)::numeric"),
    ("avg", r#""whole""#, "avg(r.whole)"),
    ("stddev", r#""whole""#, "stddev(r.whole)"),
    ("sum", r#""price""#, "sum(r.price)"),
    ("avg", r#""price""#, "avg(r.price)"),
    ("stddev", r#""price""#, "stddev(r.price)"),
    ("sum", r#""free""#, "sum(r.free)"),
    ("avg", r#""free""#, "avg(r.free)"),
    ("stddev", r#""free""#, "stddev(r.free)"),
    ("sum", r#""reading""#, "sum(r.reading::numeric)"),
    ("avg", r#""reading""#, "avg(r.reading::numeric)"),
    ("stddev", r#""reading""#, "stddev(r.reading::numeric)"),
    ("min", r#""whole""#, "min(r.whole)"),
    ("max", r#""whole""#, "max(r.whole)"),
    ("max", r#""price""#, "max(r.price)"),
    ("min", r#""free""#, "min(r.free)"),
    ("max", r#""reading""#, "max(r.reading)"),
    ("min", r#""code""#, "min(r.code)"),
    ("max", r#""code""#, "max(r.code)"),
    ("max", r#""short""#, "max(r.short)"),
    ("min", r#""day""#, "min(r.day)"),
    ("max", r#""at - at""#, "max(r.at - r.at)"),
    ("max", r#""at""#, "max(r.at)"),
];

#[derive(Clone, Debug)]
struct Summary {
    bucket: Option<usize>,
    groups: Vec<usize>,
    measures: Vec<usize>,
    condition: bool,
}

impl Summary {
    fn declare(&self, name: &str) -> String {
        let groups: Vec<_> = self
            .groups
            .iter()
            .map(|group| {
                format!(
                    r#"{{"name": "{}", {}}}"#,
                    GROUPS[*group].0, GROUPS[*group].1
                )
            })
            .collect();
        let measures: Vec<_> = self
            .measures
            .iter()
            .map(|measure| {
                let (function, expression, _) = MEASURES[*measure];
                format!(
                    r#"{{"name": "x{measure}", "function": "{function}", "expression": {expression}}}"#
                )
            })
            .collect();
        let mut definition = format!(
            r#""group_by": [{}], "measures": [{}]"#,
            groups.join(", "),
            measures.join(", ")
        );
        if let Some(bucket) = self.bucket {
            definition += &format!(r#", "bucket": {}"#, BUCKETS[bucket].0);
        }
        if self.condition {
            definition += r#", "where": "code < 'b'""#;
        }
        format!(
            "select audit.declare_summary('readings', '{name}', '{{{}}}')",
            definition.replace('\'', "''")
        )
    }

    fn group_by(&self) -> String {
        let keys: Vec<_> = self
            .bucket
            .iter()
            .map(|bucket| BUCKETS[*bucket].1)
            .chain(self.groups.iter().map(|group| GROUPS[*group].2))
            .collect();
        let measures = self.measures.iter().map(|measure| MEASURES[*measure].2);
        let columns: Vec<_> = keys.iter().copied().chain(measures).collect();
        let numbers: Vec<_> = (1..=keys.len()).map(|number| number.to_string()).collect();
        format!(
            "select {} from readings r {} group by {} having count(*) > 0",
            columns.join(", "),
            if self.condition {
                "where r.code < 'b'"
            } else {
                ""
            },
            if numbers.is_empty() {
                "()".to_owned()
            } else {
                numbers.join(", ")
            }
        )
    }
}

fn summary() -> impl Strategy<Value = Summary> {
    (
        proptest::option::of(0..BUCKETS.len()),
        subsequence((0..GROUPS.len()).collect::<Vec<_>>(), 0..3),
        subsequence((0..MEASURES.len()).collect::<Vec<_>>(), 1..7),
        any::<bool>(),
    )
        .prop_map(|(bucket, groups, measures, condition)| Summary {
            bucket,
            groups,
            measures,
            condition,
        })
}

/// A value of each column but the key.
fn values() -> impl Strategy<Value = [String; 10]> {
    let text =
        |words: &'static [&'static str]| proptest::sample::select(words).prop_map(str::to_owned);
    (
        text(&["null", "'EU'", "'US'", "'CA'", "'XX'"]),
        text(&["null", "'a'", "'B'", "'b'", "'A'", "''"]),
        text(&["null", "'x'", "'xy'", "'XY'"]),
        text(&["null", "-1", "0", "3", "4", "2147483647"]),
        text(&["null", "1.10", "2.20", "-3.33", "'NaN'"]),
        text(&[
            "null",
            "1",
            "1.0",
            "1.000",
            "0.1",
            "-0.00001",
            "123456789012345678.9",
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "1e-20",
        ]),
        text(&[
            "null",
            "0.1",
            "0.2",
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "1e15",
            "123.456",
            "-0.0",
            "1e-9",
        ]),
        text(&["null", "0", "-0.0", "1.5", "'NaN'"]),
        text(&[
            "null",
            "'2013-03-09'",
            "'2013-03-10'",
            "'2013-11-03'",
            "'2013-12-31'",
        ]),
        text(&[
            "null",
            "'2013-03-10 06:59:59+00'",
            "'2013-03-10 07:00+00'",
            "'2013-03-11 03:59+00'",
            "'2013-03-11 04:00+00'",
            "'2013-11-03 05:30+00'",
            "'2013-11-03 06:30+00'",
        ]),
    )
        .prop_map(|v| [v.0, v.1, v.2, v.3, v.4, v.5, v.6, v.7, v.8, v.9])
}

const COLUMNS: [&str; 10] = [
    "region", "code", "short", "whole", "price", "free", "reading", "level", "day", "at",
];

/// A statement that a program might send, or a tick.
fn statement() -> impl Strategy<Value = String> {
    let row =
        (0..10_i32, values()).prop_map(|(id, values)| format!("({id}, {})", values.join(", ")));
    let zone = proptest::sample::select(&["'EU'", "'US'", "'XX'"][..]);
    prop_oneof![
        6 => proptest::collection::vec(row, 1..5).prop_map(|rows| rows.iter().map(|row| format!("insert into readings values {row} on conflict (id) do update set free = excluded.free, code = excluded.code; ")).collect::<String>()),
        2 => values().prop_map(|values| format!("insert into readings select i, {} from generate_series(20, 23) i on conflict do nothing", values.join(", "))),
        4 => (0..10_i32, 0..10_usize, values()).prop_map(|(id, column, values)| format!("update readings set {} = {} where id >= {id}", COLUMNS[column], values[column])),
        1 => (0..10_i32).prop_map(|id| format!("update readings set id = id + 100 where id = {id}")),
        3 => (0..10_i32).prop_map(|id| format!("delete from readings where id % 4 = {}", id % 4)),
        1 => Just("truncate readings".to_owned()),
        1 => Just("begin; update readings set whole = 7, free = 7; delete from readings where id < 3; rollback".to_owned()),
        1 => Just("begin; insert into readings (id, region) values (50, 'EU'); savepoint s; update readings set whole = 9; rollback to s; truncate readings; insert into readings (id, region, whole) values (51, 'US', 5); commit".to_owned()),
        1 => (zone.clone(), any::<bool>()).prop_map(|(zone, gone)| if gone { format!("delete from zones where code = {zone}") } else { format!("insert into zones values ({zone}, 'Elsewhere') on conflict (code) do update set name = 'Elsewhere'") }),
        4 => Just("select audit.tick(now(), 3)".to_owned()),
        1 => Just("select audit._void_counters(1); select audit.compile('readings')".to_owned()),
    ]
}

/// Rows that are in only one of view and GROUP BY.
fn differences(db: &mut PgConnection, name: &str, summary: &Summary) -> String {
    let oracle = summary.group_by();
    show(
        db,
        &format!(
            "select 'view', d::text from (select * from audit_compiled.{name} except all {oracle}) d
            union all select 'group by', d::text from ({oracle} except all select * from audit_compiled.{name}) d"
        ),
    )
}

/// What `audit.verify()` finds wrong with summaries. The rule counts what referenced nothing when it was written.
fn wrong(db: &mut PgConnection) -> String {
    show(
        db,
        "select object, expected, found from audit.verify() where kind = 'summary' and not ok",
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_view_is_its_group_by(
        (first, second) in (summary(), summary()),
        before in proptest::collection::vec(statement(), 0..4),
        statements in proptest::collection::vec(statement(), 1..20),
    ) {
        let (_database, mut db) = watched("readings", TABLES);
        run(&mut db, r#"select audit.declare_rule('readings', 'known', 'references', '{"column": "region", "table": "public.zones", "key": "code"}')"#);
        for statement in &before {
            run(&mut db, statement);
        }
        run(&mut db, &format!("{}; {}; select audit.compile('readings')", first.declare("a"), second.declare("b")));
        for statement in &statements {
            run(&mut db, statement);
            prop_assert_eq!(differences(&mut db, "a", &first), "", "{}", statement);
            prop_assert_eq!(differences(&mut db, "b", &second), "", "{}", statement);
        }
        prop_assert_eq!(wrong(&mut db), "");
        tick(&mut db);
        prop_assert_eq!(differences(&mut db, "a", &first), "");
        prop_assert_eq!(differences(&mut db, "b", &second), "");
        prop_assert_eq!(wrong(&mut db), "");
    }
}
