//! Applying a policy: what was declared by SQL stays, locks are waited for with patience, and who did it is recorded.
#![cfg(feature = "embedded")]

mod shared;

use std::time::Duration;

use audit_core::Policy;
use audit_schema::apply::{Options, Progress};
use audit_schema::plan::{self, Cost, Object, Verb, plan, plan_with};
use audit_schema::testing::{self, Database};
use audit_schema::{Error, Plan, Provenance, applied, apply, apply_with, drift};
use diesel::PgConnection;
use insta::assert_snapshot;
use shared::{run, show};

const POLICY: &str = "
version: 1
tables:
  public.orders:
    rules:
      - not_null: region
      - range: { amount: { min: 0 } }
        severity: critical
summaries:
  by_region: { from: public.orders, group_by: [region], measures: { orders: count } }
alerts:
  bad_rows: { on: rules, when: failing > 0 }
channels: { disk: { file: { directory: mail } } }
routes: [{ to: disk }]
";

/// A database in which [`POLICY`] was applied, with 100 rows.
fn shop() -> (Database, PgConnection) {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "create table orders (id bigint primary key, region text, amount numeric, note text);
         insert into orders select n, 'north', n - 5 from generate_series(1, 100) n;",
    );
    apply(&mut connection, &policy(POLICY)).unwrap();
    (database, connection)
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"))
}

/// What alice declares by SQL.
fn by_sql(connection: &mut PgConnection, statements: &str) {
    run(
        connection,
        "do $$ begin create role alice login superuser; exception when duplicate_object then null; end $$;
         set session authorization alice",
    );
    run(connection, statements);
    run(connection, "reset session authorization");
}

const RULE: &str = "select audit.declare_rule('orders', 'short_note', 'length', '{\"column\": \"note\", \"max\": 20}'); select audit.compile('orders');";

fn rules(connection: &mut PgConnection) -> String {
    show(
        connection,
        "select w.name, r.name, r.severity from audit.rule r join audit.watched_table w using (table_id) where r.retired_at is null order by 2",
    )
}

/// What is kept, without the times.
fn kept(plan: &Plan) -> Vec<String> {
    plan.kept
        .iter()
        .map(|kept| {
            format!(
                "{} {}: {}",
                kept.object.name(),
                kept.full_name(),
                kept.in_words()
            )
        })
        .collect()
}

fn pruning() -> Options {
    Options {
        prune: true,
        ..Options::default()
    }
}

#[test]
fn a_rule_that_was_declared_by_sql_is_shown_and_kept() {
    let (_database, mut connection) = shop();
    by_sql(&mut connection, RULE);
    let planned = plan(&mut connection, &policy(POLICY)).unwrap();
    assert!(planned.is_empty(), "{planned}");
    assert_eq!(
        kept(&planned),
        ["rule public.orders.short_note: declared by alice by SQL; not in the policy"]
    );
    assert_eq!(
        planned.to_string(),
        "= rule    public.orders.short_note: declared by alice by SQL; not in the policy\n0 to create, 0 to change, 0 to drop, 1 kept\n"
    );

    // Neither an apply that changes nothing nor one that changes something takes it.
    apply(&mut connection, &policy(POLICY)).unwrap();
    apply(&mut connection, &policy(&POLICY.replace("critical", "low"))).unwrap();
    assert_snapshot!(rules(&mut connection), @r"
    (public.orders,not_null_region,normal)
    (public.orders,range_amount,low)
    (public.orders,short_note,normal)
    ");
    let drift = drift(&mut connection, &policy(POLICY)).unwrap();
    assert_eq!(drift.kept.len(), 1);
    assert_eq!(drift.changes.len(), 1);
}

#[test]
fn pruning_drops_what_was_declared_by_sql() {
    let (_database, mut connection) = shop();
    by_sql(&mut connection, RULE);
    let options = plan::Options {
        prune: true,
        ..plan::Options::default()
    };
    let planned = plan_with(&mut connection, &policy(POLICY), &options, &mut |_| {}).unwrap();
    assert_eq!(planned.counts(), (0, 0, 1));
    let pruned = apply_with(&mut connection, &policy(POLICY), &pruning(), &mut |_| {}).unwrap();
    assert_eq!(pruned.counts(), (0, 0, 1));
    assert!(drift(&mut connection, &policy(POLICY)).unwrap().is_none());
}

#[test]
fn what_was_changed_by_sql_is_kept_until_the_policy_agrees_or_prunes() {
    let (_database, mut connection) = shop();
    by_sql(
        &mut connection,
        "select audit.declare_rule('orders', 'range_amount', 'range', '{\"column\": \"amount\", \"min\": -100}', severity => 'critical', fix_within => '4 hours');
         select audit.compile('orders');
         select audit.declare_alert('bad_rows', '{\"on\": \"rules\", \"when\": \"failing > 10\", \"severity\": \"inherit\"}');
         select audit.declare_channel('disk', 'file', '{\"file\": {\"directory\": \"post\"}}');
         select audit.declare_routes('[{\"to\": [\"disk\"], \"severity\": [\"critical\"]}]');
         select audit.declare_summary('orders', 'by_region', '{\"group_by\": [{\"name\": \"region\", \"expression\": \"region\"}], \"measures\": [{\"name\": \"many\", \"function\": \"count\"}]}');",
    );
    apply(&mut connection, &policy(POLICY)).unwrap();
    let applied = apply(&mut connection, &policy(POLICY)).unwrap();
    assert!(applied.is_empty(), "{applied}");
    assert_snapshot!(kept(&applied).join("\n"), @r"
        rule public.orders.range_amount: declared by alice by SQL; the policy has it otherwise
        summary by_region of public.orders: declared by alice by SQL; the policy has it otherwise
        alert bad_rows: declared by alice by SQL; the policy has it otherwise
        channel disk: declared by alice by SQL; the policy has it otherwise
        route routes: declared by alice by SQL; the policy has it otherwise
        ");
    let rule = &applied.kept[0];
    assert_eq!(rule.differences[0].before, "amount at least -100");
    assert_eq!(rule.differences[0].after, "amount at least 0");
    // The policy follows in one of them, and from then on it answers for it.
    let followed = POLICY.replace("amount: { min: 0 }", "amount: { min: -100 }");
    let adopted = apply(&mut connection, &policy(&followed)).unwrap();
    assert_eq!((adopted.changes.len(), adopted.kept.len()), (0, 4));
    let back = apply(&mut connection, &policy(POLICY)).unwrap();
    assert_eq!(back.counts(), (0, 1, 0));

    let pruned = apply_with(&mut connection, &policy(POLICY), &pruning(), &mut |_| {}).unwrap();
    assert_eq!(pruned.counts(), (0, 4, 0));
    assert!(drift(&mut connection, &policy(POLICY)).unwrap().is_none());
}

#[test]
fn what_was_taken_back_by_sql_comes_back_and_says_so() {
    let (_database, mut connection) = shop();
    by_sql(
        &mut connection,
        "select audit.retire_rule(rule_id) from audit.rule where name = 'not_null_region'; select audit.compile('orders');
         select audit.retire_alert(alert_policy_id) from audit.alert_policy;",
    );
    let planned = plan(&mut connection, &policy(POLICY)).unwrap();
    assert_eq!(planned.counts(), (2, 0, 0));
    for change in &planned.changes {
        assert!(
            change.notes[0].starts_with("somebody took it back by SQL on "),
            "{:?}",
            change.notes
        );
    }
    apply(&mut connection, &policy(POLICY)).unwrap();
    assert!(drift(&mut connection, &policy(POLICY)).unwrap().is_none());
}

#[test]
fn what_leaves_the_policy_goes_even_if_it_was_once_declared_by_sql() {
    let (_database, mut connection) = shop();
    by_sql(&mut connection, RULE);
    let adopted = POLICY.replace(
        "      - not_null: region\n",
        "      - not_null: region\n      - { name: short_note, length: { note: { max: 20 } }, fix_within: none }\n",
    );
    // It is as the policy has it already.
    assert!(
        apply(&mut connection, &policy(&adopted))
            .unwrap()
            .is_empty()
    );
    let left = apply(&mut connection, &policy(POLICY)).unwrap();
    assert_eq!(left.counts(), (0, 0, 1));
}

#[test]
fn a_table_that_leaves_the_policy_stays_watched_for_rules_declared_by_sql() {
    let (_database, mut connection) = shop();
    by_sql(&mut connection, RULE);
    let nothing = policy("version: 1\ntables: {}\n");
    let left = apply(&mut connection, &nothing).unwrap();
    assert_eq!(
        kept(&left),
        ["table public.orders: declared by alice by SQL; not in the policy"]
    );
    assert_snapshot!(rules(&mut connection), @"(public.orders,short_note,normal)");
    let pruned = apply_with(&mut connection, &nothing, &pruning(), &mut |_| {}).unwrap();
    assert_eq!(pruned.changes.last().unwrap().object, Object::Table);
    assert_snapshot!(rules(&mut connection), @"");
}

#[test]
fn an_apply_is_recorded_and_one_that_changes_nothing_is_not() {
    let (_database, mut connection) = shop();
    let options = Options {
        by: Provenance {
            person: "ann".to_owned(),
            program: "audit 0.1.0".to_owned(),
            revision: Some("4f5e6d".to_owned()),
            digest: Some("00ff".to_owned()),
        },
        ..Options::default()
    };
    let changed = policy(&POLICY.replace("critical", "low"));
    for _ in 0..2 {
        apply_with(&mut connection, &changed, &options, &mut |_| {}).unwrap();
    }
    let all = applied(&mut connection, 10).unwrap();
    assert_eq!(all.len(), 2);
    let last = &all[0];
    assert_eq!((last.who(), last.file.as_str()), ("ann", "audit.yml"));
    assert_eq!(last.revision.as_deref(), Some("4f5e6d"));
    assert_eq!((last.created, last.changed, last.dropped), (0, 1, 0));
    assert_eq!(all[1].created, 7);
    assert_snapshot!(show(
        &mut connection,
        "select c ->> 'verb', c ->> 'name', c -> 'differences' -> 0 ->> 'after' from audit.applied_policy a cross join jsonb_array_elements(a.changes) c order by a.applied_id desc limit 1"
    ), @"(change,range_amount,low)");
}

#[test]
fn an_apply_gives_up_on_a_locked_table_and_says_who_holds_it() {
    let (database, mut connection) = shop();
    let mut writer = database.connect();
    run(
        &mut writer,
        "set application_name = 'nightly load'; begin; insert into orders values (1000, 'south', 1, null)",
    );
    let options = Options {
        lock_timeout: Duration::from_millis(50),
        retries: 2,
        pause: Duration::from_millis(1),
        ..Options::default()
    };
    let more = policy(&POLICY.replace(
        "      - not_null: region\n",
        "      - not_null: [region, amount]\n",
    ));
    let mut attempts = Vec::new();
    let refused = apply_with(&mut connection, &more, &options, &mut |progress| {
        if let Progress::Locked { attempt, .. } = progress {
            attempts.push(attempt);
        }
    });
    let Err(Error::Locked {
        table,
        holders,
        attempts: tried,
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((attempts, tried), (vec![1, 2], 3));
    assert_eq!(table.as_deref(), Some("public.orders"));
    assert_eq!(holders[0].application.as_deref(), Some("nightly load"));
    assert_eq!(holders[0].state.as_deref(), Some("idle in transaction"));

    // Nothing was applied, and nothing of it is left in the way of others.
    run(&mut writer, "commit");
    assert!(drift(&mut connection, &policy(POLICY)).unwrap().is_none());
    run(
        &mut database.connect(),
        "set lock_timeout = '2s'; lock table orders in access exclusive mode nowait; "
            .replace("lock table", "begin; lock table")
            .as_str(),
    );
}

#[test]
fn an_apply_goes_on_when_the_lock_is_given_back() {
    let (database, mut connection) = shop();
    let mut writer = database.connect();
    run(
        &mut writer,
        "begin; insert into orders values (1000, 'south', 1, null)",
    );
    let options = Options {
        lock_timeout: Duration::from_millis(50),
        pause: Duration::from_millis(1),
        ..Options::default()
    };
    let more = policy(&POLICY.replace(
        "      - not_null: region\n",
        "      - not_null: [region, note]\n",
    ));
    let applied = apply_with(&mut connection, &more, &options, &mut |progress| {
        if let Progress::Locked { attempt: 1, .. } = progress {
            run(&mut writer, "commit");
        }
    })
    .unwrap();
    assert_eq!(applied.counts(), (1, 0, 0));
    assert_snapshot!(show(
        &mut connection,
        "select r.name, c.failing from audit.rule_counter c join audit.rule r using (rule_id) order by 1"
    ), @r"
    (not_null_note,101)
    (not_null_region,0)
    (range_amount,4)
    ");
}

#[test]
fn somebody_else_who_applies_is_named() {
    let (database, mut connection) = shop();
    let mut other = database.connect();
    run(
        &mut other,
        "set application_name = 'audit of ann'; begin; select audit._lock_for_apply(null, 'share row exclusive', '1 second')",
    );
    let options = Options {
        lock_timeout: Duration::from_millis(20),
        retries: 0,
        ..Options::default()
    };
    let refused = apply_with(&mut connection, &policy(POLICY), &options, &mut |_| {}).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.starts_with("somebody else applies a policy by process "),
        "{text}"
    );
    assert!(text.contains("audit of ann"), "{text}");
}

#[test]
fn of_a_large_table_a_sample_says_about_how_many_rows_would_fail() {
    let (_database, mut connection) = shop();
    run(&mut connection, "analyze orders");
    let more = policy(&POLICY.replace(
        "      - not_null: region\n",
        "      - not_null: [region, note]\n      - unique: [note]\n",
    ));
    let options = plan::Options {
        counted_up_to: 0,
        ..plan::Options::default()
    };
    let planned = plan_with(&mut connection, &more, &options, &mut |_| {}).unwrap();
    let rules: Vec<_> = planned
        .changes
        .iter()
        .map(|change| {
            (
                change.name.as_str(),
                change.failing.map(|failing| failing.in_words()),
            )
        })
        .collect();
    assert_eq!(
        rules,
        [
            (
                "not_null_note",
                Some("about 100 of 100 rows fail it now, by a sample of 100".to_owned())
            ),
            // That two rows are alike no sample tells.
            ("unique_note", None),
        ]
    );
}

#[test]
fn a_plan_says_what_each_rule_costs() {
    let (_database, mut connection) = shop();
    run(
        &mut connection,
        "create table regions (region text primary key, name text)",
    );
    let more = policy(&POLICY.replace(
        "      - not_null: region\n",
        "      - references: { region: public.regions.region }
      - references: { note: public.regions.name }
      - immutable: region
      - writers: { roles: [shop] }
      - row_count: { min: 1, per: 1 day }
",
    ));
    let planned = plan(&mut connection, &more).unwrap();
    let costs: Vec<_> = planned
        .changes
        .iter()
        .filter(|change| change.verb == Verb::Create)
        .map(|change| change.cost.unwrap())
        .collect();
    assert_eq!(
        costs,
        [
            Cost::Lookup,
            Cost::Scan,
            Cost::Transition,
            Cost::Statement,
            Cost::Time
        ]
    );
    assert!(planned.locks[0].seconds.is_some());
}

#[test]
fn generated_code_that_was_changed_is_drift() {
    let (_database, mut connection) = shop();
    assert!(drift(&mut connection, &policy(POLICY)).unwrap().is_none());
    run(
        &mut connection,
        "alter table orders disable trigger audit_insert",
    );
    let found = drift(&mut connection, &policy(POLICY)).unwrap();
    assert_eq!(found.code[0].remark, "trigger_disabled");
    assert_eq!(found.last.unwrap().file, "audit.yml");
}
