//! Summaries in the policy file: what is accepted, and what a person reads about what is not.

mod shared;

use audit_core::{Function, Policy};
use insta::assert_snapshot;
use shared::errors;

#[test]
fn a_summary_keeps_the_order_of_its_measures() {
    let policy = Policy::parse(
        "
version: 1
tables: { public.flights: {} }
summaries:
  departures_by_day:
    from: public.flights
    bucket: { column: time_hour, width: 1 day, time_zone: America/New_York }
    group_by: [origin, { long_haul: distance > 2000 }]
    measures:
      flights: count
      cancelled: { count_if: dep_time is null }
      mean_delay: { avg: dep_delay }
      airborne: { sum: air_time }
    where: dest <> 'EWR'
",
        "audit.yml",
    )
    .unwrap();
    let summary = &policy.summaries[0];
    assert_eq!(summary.table, "public.flights");
    assert_eq!(summary.measures[0].function, Function::Count);
    assert_snapshot!(serde_json::to_string_pretty(&summary.definition()).unwrap(), @r#"
    {
      "bucket": {
        "column": "time_hour",
        "time_zone": "America/New_York",
        "width": "1 day"
      },
      "group_by": [
        {
          "expression": "origin",
          "name": "origin"
        },
        {
          "expression": "distance > 2000",
          "name": "long_haul"
        }
      ],
      "measures": [
        {
          "expression": null,
          "function": "count",
          "name": "flights"
        },
        {
          "expression": "dep_time is null",
          "function": "count_if",
          "name": "cancelled"
        },
        {
          "expression": "dep_delay",
          "function": "avg",
          "name": "mean_delay"
        },
        {
          "expression": "air_time",
          "function": "sum",
          "name": "airborne"
        }
      ],
      "where": "dest <> 'EWR'"
    }
    "#);
}

#[test]
fn a_group_follows_a_references_rule_and_a_bucket_may_grow_old() {
    let policy = Policy::parse(
        "
version: 1
tables:
  public.flights:
    rules: [{ references: { carrier: public.airlines.carrier } }]
summaries:
  delays:
    from: public.flights
    bucket: { column: time_hour, width: 1 day }
    retain: 90 days
    group_by: [{ airline: carrier -> name, kind: payload -> 'kind' }]
    measures: { worst: { max: dep_delay }, first: { min: time_hour }, spread: { stddev: dep_delay } }
",
        "audit.yml",
    )
    .unwrap();
    let summary = &policy.summaries[0];
    assert_eq!(
        summary.definition()["group_by"],
        serde_json::json!([
            { "name": "airline", "expression": "carrier", "reference": { "table": "public.airlines", "key": "carrier", "column": "name" } },
            { "name": "kind", "expression": "payload -> 'kind'" },
        ])
    );
    assert_eq!(summary.definition()["retain"], "90 days");
    assert_eq!(summary.measures[2].function, Function::Stddev);
}

#[test]
fn what_of_a_summary_leads_nowhere_is_told() {
    assert_snapshot!(errors("
version: 1
tables: { public.flights: {} }
summaries:
  delays:
    from: public.flights
    group_by: [{ airline: carrier -> name }]
    retain: 90 days
    measures: { flights: count }
"), @r"
    audit.yml:7:27: no rule says which table `carrier` references
      |
    7 |     group_by: [{ airline: carrier -> name }]
      |                           ^^^^^^^^^^^^^^^
      = add `- references: { carrier: schema.table.column }` to the rules of the table

    audit.yml:8:5: `retain` is about buckets, and the summary has none
      |
    8 |     retain: 90 days
      |     ^^^^^^
      = add `bucket: { column: …, width: 1 day }`, or leave out `retain`

    2 errors; nothing was applied
    ");
}
