//! Every row lands in exactly one place, whatever is written and whatever is done in quarantine.
#![cfg(feature = "embedded")]

mod shared;

use proptest::prelude::*;
use shared::{orders, rule, run, show, tick, wrong};

/// One thing that an application or an operator does. `{id}` stands for the number of the step, so that every row that is
/// ever inserted has a key of its own.
fn step() -> impl Strategy<Value = String> {
    let amount = -3..6_i32;
    let note = prop_oneof![2 => Just("'x'"), 1 => Just("null")];
    let key = 0..12_i32;
    let filter = prop_oneof![
        2 => key.clone().prop_map(|key| format!(r#"{{"key": "{key}"}}"#)),
        1 => Just("{}".to_owned()),
        1 => Just(r#"{"rule": "small"}"#.to_owned()),
    ];
    let statement = prop_oneof![
        6 => (amount.clone(), amount.clone(), note.clone()).prop_map(|(a, b, note)| format!(
            "insert into orders values ({{id}}, 'EU', {a}, {note}), ({{id}} + 1000, 'US', {b}, 'y')"
        )),
        4 => (amount.clone(), note, key).prop_map(|(amount, note, key)| format!(
            "update orders set amount = {amount}, note = {note} where id % 6 = {key} % 6"
        )),
        3 => (filter.clone(), amount).prop_map(|(filter, amount)| format!(
            r#"select audit.edit_held('{filter}', '{{"amount": {amount}}}')"#
        )),
        1 => filter.clone().prop_map(|filter| format!(
            r#"select audit.edit_held('{filter}', '{{"note": "z"}}')"#
        )),
        4 => (filter.clone(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(filter, overwrite, dry)| format!(
            "select audit.release_held('{filter}', overwrite => {overwrite}, dry_run => {dry})"
        )),
        1 => filter.prop_map(|filter| format!("select audit.discard_held('{filter}', 'why not')")),
        1 => Just("select audit.tick()".to_owned()),
    ];
    (statement, prop::bool::weighted(0.1)).prop_map(|(statement, undone)| {
        if undone {
            format!("begin; {statement}; rollback")
        } else {
            statement
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_lands_in_exactly_one_place(steps in proptest::collection::vec(step(), 1..30)) {
        let (_database, mut db) = orders();
        run(&mut db, "create table came (id bigint)");
        rule(&mut db, r#"'positive', 'range', '{"column": "amount", "min": 0}', action => 'quarantine'"#);
        rule(&mut db, r#"'small', 'expression', '{"expression": "amount < 4"}', action => 'quarantine'"#);
        rule(&mut db, r#"'noted', 'not_null', '{"column": "note"}', action => 'quarantine', mode => 'hide'"#);
        for (id, step) in steps.iter().enumerate() {
            run(&mut db, &step.replace("{id}", &id.to_string()));
            if step.starts_with("insert") {
                run(&mut db, &format!("insert into came values ({id}), ({id} + 1000)"));
            }
        }
        // A row that came is in the table, or it is held, or it was discarded: one of them.
        prop_assert_eq!(show(&mut db, "
            select c.id
            from came c
            where (select count(*) from orders o where o.id = c.id)
                + (select count(*) from audit.quarantine q where q.key = c.id::text and q.op = 'I' and q.mode = 'set_aside' and q.state <> 'released') <> 1"
        ), "");
        prop_assert_eq!(show(&mut db, "select o.id from orders o where not exists (select from came c where c.id = o.id)"), "");
        // What was released was written once, by one change each.
        prop_assert_eq!(show(&mut db, "
            select q.key, q.op
            from audit.quarantine q
            where q.mode = 'set_aside' and q.state = 'released'
            group by q.key, q.op
            having count(*) <> (select count(*) from audit.row_change c where c.cause = 'release' and c.key = q.key and c.op = q.op)
                and q.op = 'I'"
        ), "");
        prop_assert_eq!(show(&mut db, "select count(*) from orders where amount < 0 or amount >= 4"), "(0)");
        prop_assert_eq!(
            show(&mut db, "select id from audit_compiled.public_orders_visible order by id"),
            show(&mut db, "select id from orders where note is not null order by id")
        );
        prop_assert_eq!(wrong(&mut db), "");
        tick(&mut db);
        prop_assert_eq!(wrong(&mut db), "");
        prop_assert_eq!(show(&mut db, "select audit.replay_differences('orders')"), "(0)");
    }
}
