//! Redaction and retention in a policy file: planned, applied, and refused with their place.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::Policy;
use audit_schema::testing::{Database, database};
use audit_schema::{apply, plan};
use diesel::PgConnection;
use insta::assert_snapshot;
use shared::{run, show};

fn people() -> (Database, PgConnection) {
    let database = database();
    let mut db = database.connect();
    run(
        &mut db,
        "create table people (id bigint primary key, email text, phone text, city text, born date, at timestamptz)",
    );
    (database, db)
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// What a person reads about a policy that the database refuses, planned and applied.
#[track_caller]
fn errors(db: &mut PgConnection, text: &str) -> String {
    let policy = policy(text);
    let text = |error: audit_schema::Error| {
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
    };
    let planned = match plan(db, &policy) {
        Ok(plan) => panic!("the policy was planned: {plan}"),
        Err(error) => text(error),
    };
    assert_eq!(apply(db, &policy).map_err(text).unwrap_err(), planned);
    planned
}

const POLICY: &str = "
version: 1
defaults:
  retain: { changes: 2y, alerts: 36h }
tables:
  public.people:
    redact: [email]
    hash: [phone]
    retain: { changes: 90d, findings: forever }
summaries:
  by_city: { from: public.people, group_by: [city], measures: { people: count } }
";

#[test]
fn redaction_and_retention_are_planned_applied_and_found_again() {
    let (_database, mut db) = people();
    let policy = policy(POLICY);
    let planned = plan(&mut db, &policy).unwrap();
    assert_snapshot!(planned, @r"
    ~ retain  defaults
        retain changes: (nothing) → 2 years
        retain alerts: (nothing) → 36 hours
    + table   public.people
        redact: (nothing) → email
        hash: (nothing) → phone
        retain changes: (nothing) → 90 days
        retain findings: (nothing) → forever
    + summary by_city of public.people: people = count by city
    ! writers of public.people wait (share row exclusive), while it is read once
    2 to create, 1 to change, 0 to drop
    ");
    assert_eq!(show(&mut db, "select count(*) from audit.retention"), "(0)");
    assert_eq!(apply(&mut db, &policy).unwrap(), planned);
    assert!(plan(&mut db, &policy).unwrap().is_empty());
    run(
        &mut db,
        "insert into people values (1, 'ada@x', '+44', 'London')",
    );
    assert_eq!(
        show(
            &mut db,
            "select string_agg(k, ' ' order by k), max(length(new ->> 'phone')) from audit.row_change, jsonb_object_keys(new) k"
        ),
        "(\"at born city id phone\",64)"
    );
    assert_eq!(
        show(&mut db, "select kind, keep from audit.retention order by 1"),
        "(alerts,\"36 hours\")\n(changes,\"2 years\")"
    );
}

#[test]
fn what_changes_is_said_with_what_becomes_of_the_log() {
    let (_database, mut db) = people();
    apply(&mut db, &policy(POLICY)).unwrap();
    let changed = policy(
        "
version: 1
defaults:
  retain: { changes: 2y, deliveries: 90d }
tables:
  public.people:
    hash: [email, id]
    redact: [born]
    retain: { changes: forever, checks: 30d }
summaries:
  by_city: { from: public.people, group_by: [city], measures: { people: count } }
",
    );
    assert_snapshot!(plan(&mut db, &changed).unwrap(), @r"
    ~ retain  defaults
        retain alerts: 36 hours → (nothing)
        retain deliveries: (nothing) → 90 days
    ~ table   public.people
        redact: email → born
        hash: phone → email, id
        retain changes: 90 days → forever
        retain findings: forever → (nothing)
        retain checks: (nothing) → 30 days
        ! what was logged before has the values of born, id, and is kept for ever
        ! values of phone are logged again
        ! the key is hashed: no as-of and no undo, and histories are found by the hash
    0 to create, 2 to change, 0 to drop
    ");
    apply(&mut db, &changed).unwrap();
    assert!(plan(&mut db, &changed).unwrap().is_empty());
    let nothing = policy(
        "
version: 1
tables:
  public.people:
summaries:
  by_city: { from: public.people, group_by: [city], measures: { people: count } }
",
    );
    apply(&mut db, &nothing).unwrap();
    assert!(plan(&mut db, &nothing).unwrap().is_empty());
    assert_eq!(
        show(
            &mut db,
            "select redact, hash, hidden_at, retain, (select count(*) from audit.retention) from audit.watched_table"
        ),
        "({},{},,{},0)"
    );
}

#[test]
fn what_can_not_be_is_said_where_it_stands() {
    let (_database, mut db) = people();
    assert_snapshot!(errors(&mut db, "
version: 1
tables:
  public.people:
    redact: [emial]
    hash: [elephant]
"), @r"
    audit.yml:5:14: table public.people has no column `emial`
      |
    5 |     redact: [emial]
      |              ^^^^^
      = did you mean `email`?

    audit.yml:6:12: table public.people has no column `elephant`
      |
    6 |     hash: [elephant]
      |            ^^^^^^^^
      = expected one of id, email, phone, city, born, at

    2 errors; nothing was applied
    ");
    assert_snapshot!(errors(&mut db, "
version: 1
tables:
  public.people:
    redact: [email, id]
"), @r"
    audit.yml:5:21: column `id` is part of the primary key of public.people: without it rows could not be told apart
      |
    5 |     redact: [email, id]
      |                     ^^
      = hash it: then the history of a row is found by the hash of its key

    1 error; nothing was applied
    ");
    assert_snapshot!(errors(&mut db, "
version: 1
tables:
  public.people:
    redact: [email, at]
    hash: [phone, city, born]
    rules:
      - fresh: { within: 1h, column: at, group_by: [phone] }
      - matches: { email: '@' }
summaries:
  by_city: { from: public.people, group_by: [city], measures: { people: count } }
  prefixes: { from: public.people, group_by: [{ prefix: 'left(phone, 2)' }], measures: { people: count } }
  youngest: { from: public.people, measures: { born: { max: born } } }
  with_mail: { from: public.people, measures: { people: count }, where: email is not null }
  daily: { from: public.people, bucket: { column: at, width: 1 day }, measures: { people: count } }
"), @r"
    audit.yml:8:38: the rule `fresh_at_phone` reads `at`, whose values are not kept
      |
    8 |       - fresh: { within: 1h, column: at, group_by: [phone] }
      |                                      ^^
      = take the column out of the rule, or out of `redact` and `hash`

    audit.yml:8:53: the rule `fresh_at_phone` reads `phone`, whose values are not kept
      |
    8 |       - fresh: { within: 1h, column: at, group_by: [phone] }
      |                                                     ^^^^^
      = take the column out of the rule, or out of `redact` and `hash`

    audit.yml:11:46: the values of the column `city` are not in the log, so they can not be summed up
       |
    11 |   by_city: { from: public.people, group_by: [city], measures: { people: count } }
       |                                              ^^^^
       = a column that is redacted, hashed or computed when it is read can be in no summary

    audit.yml:12:57: the values of the column `phone` are not in the log, so they can not be summed up
       |
    12 |   prefixes: { from: public.people, group_by: [{ prefix: 'left(phone, 2)' }], measures: { people: count } }
       |                                                         ^^^^^^^^^^^^^^^^
       = a column that is redacted, hashed or computed when it is read can be in no summary

    audit.yml:13:61: the values of the column `born` are not in the log, so they can not be summed up
       |
    13 |   youngest: { from: public.people, measures: { born: { max: born } } }
       |                                                             ^^^^
       = a column that is redacted, hashed or computed when it is read can be in no summary

    audit.yml:14:73: the values of the column `email` are not in the log, so they can not be summed up
       |
    14 |   with_mail: { from: public.people, measures: { people: count }, where: email is not null }
       |                                                                         ^^^^^^^^^^^^^^^^^
       = a column that is redacted, hashed or computed when it is read can be in no summary

    audit.yml:15:51: the values of the column `at` are not in the log, so they can not be summed up
       |
    15 |   daily: { from: public.people, bucket: { column: at, width: 1 day }, measures: { people: count } }
       |                                                   ^^
       = a column that is redacted, hashed or computed when it is read can be in no summary

    7 errors; nothing was applied
    ");
}

#[test]
fn redacting_what_a_standing_summary_or_rule_reads_is_refused_where_they_stand() {
    let (_database, mut db) = people();
    let with = |hidden: &str, measures: &str| {
        format!(
            "
version: 1
tables:
  public.people:
    {hidden}
    rules:
      - gap: {{ column: at, width: 1h, group_by: [city] }}
summaries:
  by_city: {{ from: public.people, group_by: [city], measures: {{ people: count{measures} }} }}
"
        )
    };
    apply(&mut db, &policy(&with("", ", born: { min: born }"))).unwrap();
    assert_snapshot!(errors(&mut db, &with("redact: [city]", ", born: { min: born }")), @r"
    audit.yml:7:50: the rule `gap_at_city` reads `city`, whose values are not kept
      |
    7 |       - gap: { column: at, width: 1h, group_by: [city] }
      |                                                  ^^^^
      = take the column out of the rule, or out of `redact` and `hash`

    audit.yml:9:46: the summary `by_city` reads `city`, whose values are not kept
      |
    9 |   by_city: { from: public.people, group_by: [city], measures: { people: count, born: { min: born } } }
      |                                              ^^^^
      = take the column out of the summary, or out of `redact` and `hash`

    2 errors; nothing was applied
    ");
    // A summary that does not read the column any more is no hindrance.
    let without = policy(&with("hash: [born]", ""));
    plan(&mut db, &without).unwrap();
    apply(&mut db, &without).unwrap();
    assert!(plan(&mut db, &without).unwrap().is_empty());
    assert_eq!(
        show(
            &mut db,
            "select remark from audit.doctor() where severity = 'critical'"
        ),
        ""
    );
}

#[test]
fn a_summary_that_shows_a_redacted_column_of_another_table_is_refused() {
    let (_database, mut db) = people();
    run(
        &mut db,
        "create table orders (id integer primary key, person bigint)",
    );
    assert_snapshot!(errors(&mut db, "
version: 1
tables:
  public.people:
    redact: [email]
  public.orders:
    rules:
      - references: { person: public.people.id }
summaries:
  by_person: { from: public.orders, group_by: [{ who: person -> email }], measures: { orders: count } }
"), @r"
    audit.yml:10:55: the summary `by_person` reads `email`, whose values are not kept
       |
    10 |   by_person: { from: public.orders, group_by: [{ who: person -> email }], measures: { orders: count } }
       |                                                       ^^^^^^^^^^^^^^^
       = take the column out of the summary, or out of `redact` and `hash`

    1 error; nothing was applied
    ");
}
