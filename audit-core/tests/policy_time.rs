//! Time-driven rules in the policy file: what is accepted, and what a person reads about what is not.

mod shared;

use audit_core::{Policy, RuleKind};
use insta::assert_snapshot;

/// A policy with rules of one table and a summary.
fn policy(rules: &str) -> String {
    format!(
        "version: 1
tables:
  public.flights:
    rules:
{rules}
summaries:
  departures_by_day:
    from: public.flights
    measures: {{ flights: count }}
"
    )
}

/// What a person reads about a rule that is wrong.
fn errors(rules: &str) -> String {
    shared::errors(&policy(rules))
}

const EVERY_KIND: &str = r#"
      - fresh: { within: 2h, during: "Mon-Fri  05:00-23:00 America/New_York" }
        severity: critical
      - fresh: { within: 1 day, column: time_hour, time_zone: UTC, group_by: origin }
        where: carrier <> 'XX'
        every: 10m
        on_no_data: pass
        on_error: fail
      - gap: { column: time_hour, width: 1h, over: 2 days, until: now, group_by: [origin, dest] }
      - row_count: { per: 1 day, min: 800, max: 1200, column: time_hour }
        shadow: true
      - row_count: { per: 1h, min: 1 }
        action: flag
      - volume: { per: 1h, column: time_hour }
      - name: drops
        volume: { per: 1 day, history: 12 weeks, minimum: 6, threshold: 3, direction: drop }
      - reconcile: { count: public.departures }
      - reconcile: { sum: { amount: public.ledger."the total" }, tolerance: 0.01, group_by: [origin] }
      - name: no_orphans
        sql: |
          select id
          from public.flights
      - bounds: { on: departures_by_day, value: cancelled / flights, max: 0.25, when: flights >= 50, bucket: complete }"#;

#[test]
fn every_kind_is_read_and_said_in_words() {
    let policy = Policy::parse(&policy(EVERY_KIND), "audit.yml").unwrap_or_else(|e| panic!("{e}"));
    let lines: Vec<String> = policy.tables[0]
        .rules
        .iter()
        .map(|rule| format!("{}: {}\n  {}", rule.name, rule.kind, rule.kind.definition()))
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    fresh: something is written every 2 hours during Mon-Fri 05:00-23:00 America/New_York
      {"during":"Mon-Fri 05:00-23:00 America/New_York","within":"2 hours"}
    fresh_time_hour_origin: time_hour has a new value every 1 day for each origin
      {"column":"time_hour","every":"10 minutes","group_by":["origin"],"on_error":"fail","on_no_data":"pass","time_zone":"UTC","within":"1 day"}
    gap_time_hour_origin_dest: a row in every 1 hour by time_hour for each origin and dest until now
      {"column":"time_hour","group_by":["origin","dest"],"over":"2 days","until":"now","width":"1 hour"}
    row_count_time_hour: between 800 and 1200 rows per 1 day by time_hour
      {"column":"time_hour","max":1200,"min":800,"per":"1 day"}
    row_count: at least 1 rows per 1 hour
      {"min":1,"per":"1 hour"}
    volume_time_hour: as many rows as usual per 1 hour by time_hour, by 8 weeks
      {"column":"time_hour","history":"8 weeks","minimum":4,"per":"1 hour","threshold":3.5}
    drops: no fewer rows than usual per 1 day, by 12 weeks
      {"direction":"drop","history":"12 weeks","minimum":6,"per":"1 day","threshold":3}
    reconcile: as many rows as public.departures
      {"measure":"count","table":"public.departures"}
    reconcile_amount_origin: the sum of amount is that of public.ledger.the total within 0.01 for each origin
      {"column":"amount","group_by":["origin"],"its":"the total","measure":"sum","table":"public.ledger","tolerance":0.01}
    no_orphans: no row from select id from public.flights
      {"query":"select id\nfrom public.flights"}
    bounds_departures_by_day: cancelled / flights of departures_by_day at most 0.25 when flights >= 50
      {"bucket":"complete","max":0.25,"on":"departures_by_day","value":"cancelled / flights","when":"flights >= 50"}
    "#);
}

#[test]
fn what_is_stored_is_read_back() {
    let policy = Policy::parse(&policy(EVERY_KIND), "audit.yml").unwrap_or_else(|e| panic!("{e}"));
    for rule in &policy.tables[0].rules {
        let kind = RuleKind::from_definition(rule.kind.name(), rule.kind.definition());
        assert_eq!(kind.unwrap(), rule.kind);
        assert!(rule.kind.is_time_driven());
        assert_eq!(rule.action.name(), "flag");
    }
}

#[test]
fn the_examples_of_the_guide_are_accepted() {
    let guide = include_str!("../../docs/guide/time-driven-rules.md");
    let blocks: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        Policy::parse(block, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"));
    }
    for kind in RuleKind::TIME_DRIVEN {
        assert!(guide.contains(&format!("| `{kind}` |")), "{kind}");
    }
}

#[test]
fn what_the_tick_asks_acts_on_no_row() {
    assert_snapshot!(errors(
        "
      - fresh: { within: 2h }
        action: reject
        mode: hide
        nulls: fail
        on_error: block
      - fresh: { within: 2h, column: at }
        mostly: 0.9
      - name: q
        sql: select 1
        where: true is true
      - not_null: tailnum
        every: 5m
        on_no_data: fail
        on_error: keep"
    ), @"
    audit.yml:7:9: `action` does not go with `fresh`, which the tick asks when rows are long written
      |
    7 |         action: reject
      |         ^^^^^^
      = it can only flag; leave `action` out

    audit.yml:8:9: `mode` is about quarantine, and the action is reject
      |
    8 |         mode: hide
      |         ^^^^
      = write `action: quarantine`, or leave `mode` out

    audit.yml:8:15: a rule of the kind `fresh` can not hide rows
      |
    8 |         mode: hide
      |               ^^^^
      = only rules about one row by itself can; leave `mode` out

    audit.yml:9:9: `nulls` does not go with `fresh`, which the tick asks when rows are long written
      |
    9 |         nulls: fail
      |         ^^^^^
      = `on_no_data` says what it means that there is no answer

    audit.yml:10:19: unknown on_error `block`
       |
    10 |         on_error: block
       |                   ^^^^^
       = expected `keep` or `fail`

    audit.yml:12:9: `mostly` does not go with `fresh`
       |
    12 |         mostly: 0.9
       |         ^^^^^^
       = the rule is asked by the tick, and is not about single rows

    audit.yml:15:9: `where` does not go with `sql`
       |
    15 |         where: true is true
       |         ^^^^^
       = write it into the query

    audit.yml:17:9: `every` is about rules that the tick asks
       |
    17 |         every: 5m
       |         ^^^^^
       = this rule looks at rows when they are written; leave it out

    audit.yml:18:9: `on_no_data` is about rules that the tick asks
       |
    18 |         on_no_data: fail
       |         ^^^^^^^^^^
       = this rule looks at rows when they are written; leave it out

    audit.yml:19:19: unknown on_error `keep`
       |
    19 |         on_error: keep
       |                   ^^^^
       = expected `pass` or `block`

    10 errors; nothing was applied
    ");
}

#[test]
fn a_rule_says_what_its_kind_needs() {
    assert_snapshot!(errors(
        "
      - fresh: 2h
      - fresh: { within: 0h }
      - fresh: { with: 2h }
      - fresh: { within: 2h, group_by: [origin] }
      - gap: { width: 1h }
      - row_count: { per: 1d }
      - row_count: { per: 1d, min: -1 }
      - row_count: { per: 1d, min: 3, max: 2 }
      - volume: { history: 4 weeks, minimum: 8, per: 1h }
      - volume: { per: 1h, threshold: -1, minimum: 0, direction: up }
      - sql: select 1"
    ), @"
    audit.yml:6:16: `fresh` must be a mapping, and this is a text
      |
    6 |       - fresh: 2h
      |                ^^
      = expected lines such as `key: value`

    audit.yml:7:26: `within` must last some time
      |
    7 |       - fresh: { within: 0h }
      |                          ^^

    audit.yml:8:9: `fresh` needs `within`
      |
    8 |       - fresh: { with: 2h }
      |         ^^^^^

    audit.yml:8:18: unknown key `with` in `fresh`
      |
    8 |       - fresh: { with: 2h }
      |                  ^^^^
      = did you mean `within`?

    audit.yml:9:30: `group_by` needs a `column` in which rows have their time
      |
    9 |       - fresh: { within: 2h, group_by: [origin] }
      |                              ^^^^^^^^
      = without one the rule reads no rows, but only when and how many were written

    audit.yml:10:9: `gap` needs `column`
       |
    10 |       - gap: { width: 1h }
       |         ^^^

    audit.yml:11:20: `row_count` needs a bound
       |
    11 |       - row_count: { per: 1d }
       |                    ^
       = expected `min`, `max` or both

    audit.yml:12:36: `min` is a whole number of rows, not below 0
       |
    12 |       - row_count: { per: 1d, min: -1 }
       |                                    ^^

    audit.yml:13:20: nothing is at least 3 and at most 2
       |
    13 |       - row_count: { per: 1d, min: 3, max: 2 }
       |                    ^
       = `min` must not be greater than `max`

    audit.yml:14:17: the rule needs 8 windows, and 4 weeks have 4
       |
    14 |       - volume: { history: 4 weeks, minimum: 8, per: 1h }
       |                 ^
       = a window is compared with the one at the same time of each week: lower `minimum` (4) or raise `history` (8 weeks)

    audit.yml:15:39: `threshold` must be a number above 0
       |
    15 |       - volume: { per: 1h, threshold: -1, minimum: 0, direction: up }
       |                                       ^^

    audit.yml:15:52: `minimum` is a number of windows, at least 1
       |
    15 |       - volume: { per: 1h, threshold: -1, minimum: 0, direction: up }
       |                                                    ^

    audit.yml:15:66: unknown direction `up`
       |
    15 |       - volume: { per: 1h, threshold: -1, minimum: 0, direction: up }
       |                                                                  ^^
       = expected `both`, `drop` or `spike`

    audit.yml:16:9: a query needs a `name`
       |
    16 |       - sql: select 1
       |         ^^^
       = findings and mails call the rule by it, for example `name: arrived_flights_departed`

    14 errors; nothing was applied
    ");
}

#[test]
fn hours_and_time_zones_are_those_that_exist() {
    assert_snapshot!(errors(
        r#"
      - fresh: { within: 2h, during: "5-23" }
      - name: b
        fresh: { within: 2h, during: "05:00-25:00" }
      - name: c
        fresh: { within: 2h, during: "Monday 05:00-23:00" }
      - name: d
        fresh: { within: 2h, during: "05:00-23:00 America/New_Yrok" }
      - name: e
        fresh: { within: 2h, during: "05:00-23:00 UTC UTC" }
      - gap: { width: 1h, column: at, time_zone: Mars }"#
    ), @r#"
    audit.yml:6:38: `5-23` are no hours
      |
    6 |       - fresh: { within: 2h, during: "5-23" }
      |                                      ^^^^^^
      = expected `05:00-23:00 America/New_York`, or `Mon-Fri 08:00-18:00 Europe/London`

    audit.yml:8:38: `05:00-25:00` are no hours
      |
    8 |         fresh: { within: 2h, during: "05:00-25:00" }
      |                                      ^^^^^^^^^^^^^
      = expected `05:00-23:00 America/New_York`, or `Mon-Fri 08:00-18:00 Europe/London`

    audit.yml:10:38: `Monday 05:00-23:00` are no hours
       |
    10 |         fresh: { within: 2h, during: "Monday 05:00-23:00" }
       |                                      ^^^^^^^^^^^^^^^^^^^^
       = expected `05:00-23:00 America/New_York`, or `Mon-Fri 08:00-18:00 Europe/London`

    audit.yml:12:38: unknown time zone `America/New_Yrok`
       |
    12 |         fresh: { within: 2h, during: "05:00-23:00 America/New_Yrok" }
       |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = did you mean `America/New_York`?

    audit.yml:14:38: `05:00-23:00 UTC UTC` are no hours
       |
    14 |         fresh: { within: 2h, during: "05:00-23:00 UTC UTC" }
       |                                      ^^^^^^^^^^^^^^^^^^^^^
       = expected `05:00-23:00 America/New_York`, or `Mon-Fri 08:00-18:00 Europe/London`

    audit.yml:15:50: unknown time zone `Mars`
       |
    15 |       - gap: { width: 1h, column: at, time_zone: Mars }
       |                                                  ^^^^
       = expected a name such as `America/New_York`

    6 errors; nothing was applied
    "#);
}

#[test]
fn tables_and_summaries_are_named_as_they_are() {
    assert_snapshot!(errors(
        "
      - reconcile: { count: ledger }
      - reconcile: { sum: { amount: ledger.total } }
      - reconcile: { sum: { amount: public.ledger.total, other: public.ledger.total } }
      - reconcile: { tolerance: 1 }
      - reconcile: { count: public.ledger, sum: { amount: public.ledger.total }, tolerance: 0 }
      - bounds: { on: departures_by_week, value: flights, min: 1 }
      - bounds: { on: departures_by_day, value: flights }
      - bounds: { on: departures_by_day, value: flights, max: many }"
    ), @"
    audit.yml:6:29: `ledger` does not name a table with its schema
      |
    6 |       - reconcile: { count: ledger }
      |                             ^^^^^^
      = expected `schema.table`, for example `public.ledger`

    audit.yml:7:37: `ledger.total` does not name a column of a table
      |
    7 |       - reconcile: { sum: { amount: ledger.total } }
      |                                     ^^^^^^^^^^^^
      = expected `schema.table.column`

    audit.yml:8:27: `sum` compares one column with one of another table
      |
    8 |       - reconcile: { sum: { amount: public.ledger.total, other: public.ledger.total } }
      |                           ^
      = expected `{ column: schema.table.column }`

    audit.yml:9:20: `reconcile` compares either counts or sums
      |
    9 |       - reconcile: { tolerance: 1 }
      |                    ^
      = expected `{ count: schema.table }` or `{ sum: { column: schema.table.column } }`

    audit.yml:10:20: `reconcile` compares either counts or sums
       |
    10 |       - reconcile: { count: public.ledger, sum: { amount: public.ledger.total }, tolerance: 0 }
       |                    ^
       = expected `{ count: schema.table }` or `{ sum: { column: schema.table.column } }`

    audit.yml:10:93: `tolerance` must be a number above 0
       |
    10 |       - reconcile: { count: public.ledger, sum: { amount: public.ledger.total }, tolerance: 0 }
       |                                                                                             ^

    audit.yml:11:23: unknown summary `departures_by_week`
       |
    11 |       - bounds: { on: departures_by_week, value: flights, min: 1 }
       |                       ^^^^^^^^^^^^^^^^^^
       = did you mean `departures_by_day`?

    audit.yml:12:17: `bounds` needs a bound
       |
    12 |       - bounds: { on: departures_by_day, value: flights }
       |                 ^
       = expected `min`, `max` or both

    audit.yml:13:63: `max` must be a number
       |
    13 |       - bounds: { on: departures_by_day, value: flights, max: many }
       |                                                               ^^^^

    9 errors; nothing was applied
    ");
}
