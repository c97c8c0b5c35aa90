//! Ten thousand rules and a thousand tables.

use crate::live::{Served, run, text};

#[test]
fn ten_thousand_rules_and_a_thousand_tables_are_found_and_turned_over() {
    let database = audit_schema::testing::database();
    let mut connection = database.connect();
    // Declared as rows: watching and compiling a thousand tables is not what this is about.
    run(
        &mut connection,
        "insert into audit.watched_table (relation, name, why, owner, key_columns)
        select (100000 + n)::oid::regclass, 'public.table_' || n, 'number ' || n, 'team' || n % 20 || '@example.com', '{id}'
        from generate_series(1, 1000) as n;
        insert into audit.table_counter_base (table_id, rows) select table_id, 1000 from audit.watched_table;
        insert into audit.rule (table_id, name, kind, class, columns, definition, severity, owner, fix_within)
        select t.table_id, 'rule_' || n, 'not_null', 'row', '{id}', '{\"column\": \"id\"}',
            (array['critical', 'important', 'normal', 'low'])[1 + n % 4], t.owner, interval '1 day'
        from audit.watched_table t
        cross join generate_series(1, 10) as n;
        insert into audit.rule_counter_base (rule_id, failing) select rule_id, rule_id % 3 from audit.rule;
        insert into audit.rule_activity_base (rule_id, hour, findings, failed)
        select rule_id, date_trunc('hour', now()) - n * interval '1 hour', 1, 1 from audit.rule cross join generate_series(1, 5) as n;
        analyze audit.rule, audit.watched_table, audit.rule_counter_base, audit.table_counter_base, audit.rule_activity_base",
    );
    let served = Served::read_only(&database);
    for page in [
        "/",
        "/tables",
        "/tables?page=20",
        "/rules",
        "/rules?page=200",
        "/rules?failing=on&severity=critical",
        "/rules?overdue=on&owner=team3%40example.com",
        "/findings",
        "/pipeline",
        "/metrics",
    ] {
        let answer = served.get(page);
        assert_eq!(answer.status, 200, "{page}\n{}", answer.body);
        // However many there are, a page has a length that people and browsers can read.
        assert!(answer.body.len() < 400_000, "{page} {}", answer.body.len());
    }
    let tables = served.get("/tables").body;
    assert_eq!(tables.matches("<tr><th scope=\"row\">").count(), 50);
    assert!(
        tables.contains("Page 1 of 20") && tables.contains("/tables?page=2"),
        "{tables}"
    );
    assert!(
        served
            .get("/tables?page=21")
            .body
            .contains("No watched table is like that")
    );
    assert!(served.get("/rules").body.contains("10,000 rules"));
    let table = text(
        &mut connection,
        "select table_id from audit.watched_table where name = 'public.table_777'",
    );
    let found = served.get("/search?q=TABLE_777").body;
    assert!(
        found.contains(&format!("href=\"/tables/{table}\"")),
        "{found}"
    );
    assert_eq!(served.get(&format!("/tables/{table}")).status, 200);
}
