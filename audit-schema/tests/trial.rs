//! Rules on trial, and rules that are kept by most rows.
#![cfg(feature = "embedded")]

mod shared;

use shared::{orders, rule, run, show, tick, wrong};

#[test]
fn a_shadow_counts_and_never_acts() {
    let (_database, mut db) = orders();
    for (name, kind, definition, action) in [
        ("a", "not_null", r#"{"column": "region"}"#, "reject"),
        (
            "b",
            "range",
            r#"{"column": "amount", "min": 0}"#,
            "quarantine",
        ),
        ("c", "unique", r#"{"columns": ["amount"]}"#, "reject"),
        ("d", "immutable", r#"{"column": "region"}"#, "quarantine"),
        ("e", "writers", r#"{"applications": ["billing"]}"#, "reject"),
        (
            "f",
            "expression",
            r#"{"expression": "1 / amount < 1"}"#,
            "reject",
        ),
        (
            "g",
            "no_overlap",
            r#"{"from": "id", "to": "amount"}"#,
            "reject",
        ),
    ] {
        rule(
            &mut db,
            &format!(
                "'{name}', '{kind}', '{definition}', action => '{action}', shadow => true, on_error => 'block'"
            ),
        );
    }
    run(
        &mut db,
        "insert into orders values (1, null, -1, null), (2, 'EU', -1, null), (3, 'EU', 0, null)",
    );
    run(
        &mut db,
        "update orders set region = 'US'; delete from orders where id = 1",
    );
    assert_eq!(
        show(&mut db, "select id from orders order by 1"),
        "(2)\n(3)"
    );
    assert_eq!(
        show(
            &mut db,
            "select distinct r.name, f.action from audit.finding f join audit.rule r using (rule_id) where f.new_failed > 0 or f.error is not null order by 1"
        ),
        "(a,shadow)\n(b,shadow)\n(c,shadow)\n(d,shadow)\n(e,shadow)\n(f,shadow)"
    );
    assert_eq!(
        show(&mut db, "select count(*) from audit.quarantine"),
        "(0)"
    );
    assert_eq!(
        show(
            &mut db,
            "select failing, taken_as_failing, shadow from audit.rule_status where name = 'b'"
        ),
        "(1,0,t)"
    );
    assert_eq!(
        show(
            &mut db,
            "select rules, failing_rules, failures, share_passing_at_least from audit.table_quality"
        ),
        "(0,0,0,1)"
    );
    assert_eq!(
        show(&mut db, "select count(*) from audit.failure_by_hour"),
        "(0)"
    );
    // The expression raises for the row with nothing in it.
    assert_eq!(
        wrong(&mut db),
        "(rule,public.orders.f,\"can not be evaluated\",0)"
    );
    let found = audit_schema::finding::findings(
        &mut db,
        &audit_schema::finding::Filter {
            limit: 100,
            ..Default::default()
        },
    )
    .unwrap();
    assert!(!found.is_empty() && found.iter().all(|finding| finding.shadow));
}

#[test]
fn a_shadow_never_alerts_and_a_rule_kept_mostly_only_when_too_few_rows_pass() {
    let (_database, mut db) = orders();
    rule(
        &mut db,
        r#"'trial', 'not_null', '{"column": "note"}', shadow => true"#,
    );
    rule(
        &mut db,
        r#"'mostly', 'not_null', '{"column": "region"}', mostly => 0.9, fix_within => '1 hour'"#,
    );
    run(
        &mut db,
        r#"select audit.declare_alert('bad', '{"on": "rules", "when": "failing > 0 or failing_ratio > 0", "severity": "inherit"}', '')"#,
    );
    const HOLDS: &str = "select o ->> 'fingerprint' is not null, o -> 'observed' ->> 'rule' from audit.observe(now()) o where (o ->> 'holds')::boolean and o ->> 'policy' = 'bad'";
    run(
        &mut db,
        "insert into orders select i, case when i > 1 then 'EU' end, 1, null from generate_series(1, 10) i",
    );
    assert_eq!(show(&mut db, HOLDS), "");
    assert_eq!(
        show(
            &mut db,
            "select failing, taken_as_failing from audit.rule_status where name = 'mostly'"
        ),
        "(1,0)"
    );
    assert_eq!(
        show(
            &mut db,
            "select failing_rules, failures, share_passing_at_least from audit.table_quality"
        ),
        "(0,0,1)"
    );
    assert_eq!(
        show(&mut db, "select count(*) from audit.unfixed_failure"),
        "(0)"
    );
    run(&mut db, "update orders set region = null where id = 2");
    tick(&mut db);
    assert_eq!(show(&mut db, HOLDS), "(t,mostly)");
    assert_eq!(
        show(
            &mut db,
            "select failing, taken_as_failing from audit.rule_status where name = 'mostly'"
        ),
        "(2,2)"
    );
    assert_eq!(
        show(
            &mut db,
            "select failing_rules, failures from audit.table_quality"
        ),
        "(1,2)"
    );
    assert_eq!(
        show(&mut db, "select failing from audit.unfixed_failure"),
        "(2)"
    );
    assert_eq!(wrong(&mut db), "");
}
