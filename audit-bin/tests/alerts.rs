//! `audit alerts` and `audit silence`, run as a person runs them.

use std::process::Command;

use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::{RunQueryDsl, sql_types::Text};

/// Runs `audit` and gives its exit code and what it said on both channels.
fn audit(database: &Database, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_audit"))
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .env_remove("AUDIT_TIME_ZONE")
        .output()
        .unwrap();
    let said =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

/// A shop with two alerts about its orders: one critical, one normal.
fn shop() -> Database {
    let database = database();
    database
        .connect()
        .batch_execute(
            r#"create table public.orders (id int primary key, amount numeric, note text);
            select audit.watch('orders', owner => 'shop@example.com');
            select audit.declare_rule('orders', 'positive', 'range', '{"column": "amount", "min": 0}', severity => 'critical');
            select audit.declare_rule('orders', 'noted', 'not_null', '{"column": "note"}', severity => 'normal', owner => 'desk@example.com');
            select audit.compile('orders');
            select audit.declare_alert('bad_rows', '{"on": "rules", "when": "failing > 0", "severity": "inherit", "messages": "each"}');
            select audit.declare_channel('ops', 'file', '{"file": {"directory": "/nowhere"}}');
            select audit.declare_routes('[{"to": ["ops"]}]');
            insert into orders values (1, -1, 'a'), (2, 2, null), (3, 3, null)"#,
        )
        .unwrap();
    tick(&database);
    database
}

fn tick(database: &Database) {
    let (code, said) = audit(database, &["tick"]);
    assert_eq!(code, 0, "{said}");
}

fn one(database: &Database, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    diesel::sql_query(format!("select ({query})::text as line"))
        .get_result::<Line>(&mut database.connect())
        .unwrap()
        .line
}

/// The first characters of the alert of a severity.
fn id(database: &Database, severity: &str) -> String {
    let id = one(
        database,
        &format!("select alert_id from audit.alert where severity = '{severity}'"),
    );
    id[..8].to_owned()
}

fn json(database: &Database, arguments: &[&str]) -> serde_json::Value {
    let (code, said) = audit(database, &[arguments, &["--format", "json"]].concat());
    assert_eq!(code, 0, "{said}");
    serde_json::from_str(&said).unwrap()
}

#[test]
fn open_alerts_are_listed_the_worst_first() {
    let database = shop();
    let (code, said) = audit(&database, &["alerts", "list"]);
    assert_eq!(code, 0, "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("id        severity    state   what"),
        "{said}"
    );
    assert!(
        lines[1].contains("▲ critical  firing  public.orders: 1 of 3 rows fail the rule positive"),
        "{said}"
    );
    assert!(
        lines[2].contains(
            "● normal    firing  public.orders: 2 of 3 rows fail the rule noted     bad_rows  desk@example.com"
        ),
        "{said}"
    );
    assert_eq!(lines[4], "2 open alerts");
    let (_, said) = audit(&database, &["alerts", "list", "--severity", "normal"]);
    assert!(said.ends_with("\n1 open alert\n"), "{said}");
    let (_, said) = audit(&database, &["alerts", "list", "--policy", "other"]);
    assert_eq!(said, "✓ no alert is open\n");
    let listed = json(&database, &["alerts", "list", "--table", "orders"]);
    assert_eq!(listed[0]["rule"], "positive");
    assert_eq!(listed[0]["state"], "firing");
}

#[test]
fn an_alert_is_taken_on_and_its_history_tells_by_whom() {
    let database = shop();
    let id = id(&database, "critical");
    let words = ["--reason", "calling the shop", "--actor", "ana"];
    assert_eq!(
        audit(
            &database,
            &[["alerts", "ack", &id].as_slice(), &words].concat()
        ),
        (0, "1 alert acknowledged\n".to_owned())
    );
    let (code, said) = audit(&database, &["alerts", "show", &id]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("▲ critical · acknowledged by ana · since "),
        "{said}"
    );
    assert!(
        said.contains("policy bad_rows · table orders · rule positive · owner shop@example.com"),
        "{said}"
    );
    assert!(
        said.contains("acknowledged  ana   calling the shop"),
        "{said}"
    );
    assert!(said.contains("ops      firing   ready"), "{said}");
    let shown = json(&database, &["alerts", "show", &id]);
    assert_eq!(shown["transitions"][2]["actor"], "ana");
    assert_eq!(shown["observed"]["failing"], 1);
}

#[test]
fn alerts_rest_for_a_while() {
    let database = shop();
    let (critical, normal) = (id(&database, "critical"), id(&database, "normal"));
    let (code, said) = audit(
        &database,
        &["alerts", "snooze", &critical, &normal, "--for", "4h"],
    );
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("2 alerts snoozed until "), "{said}");
    let (code, said) = audit(
        &database,
        &["alerts", "snooze", &normal, "--until", "2001-01-01"],
    );
    assert_eq!(code, 1);
    assert_eq!(
        said,
        "error: a snooze that ends at 2001-01-01 00:00:00+00 is over already\n  hint: Name a time that is to come.\n"
    );
    let (code, said) = audit(&database, &["alerts", "snooze", &normal]);
    assert_eq!(code, 64);
    assert!(said.contains("--for"), "{said}");
}

#[test]
fn a_resolved_alert_is_listed_when_it_is_asked_for() {
    let database = shop();
    let id = id(&database, "normal");
    assert_eq!(
        audit(
            &database,
            &["alerts", "resolve", &id, "--reason", "notes are optional"]
        ),
        (
            0,
            "1 alert resolved, until the condition has ended and holds again\n".to_owned()
        )
    );
    tick(&database);
    let (_, said) = audit(&database, &["alerts", "list"]);
    assert!(said.ends_with("\n1 open alert\n"), "{said}");
    let (_, said) = audit(&database, &["alerts", "list", "--all"]);
    assert!(said.ends_with("\n1 open alert · 1 resolved\n"), "{said}");
    let (code, said) = audit(&database, &["alerts", "resolve", &id]);
    assert_eq!(code, 1);
    assert!(
        said.ends_with(
            "is resolved, and can not be resolved\n  hint: Only an open alert can be resolved.\n"
        ),
        "{said}"
    );
}

#[test]
fn several_alerts_are_all_moved_or_none() {
    let database = shop();
    let (critical, normal) = (id(&database, "critical"), id(&database, "normal"));
    audit(&database, &["alerts", "resolve", &normal]);
    let (code, _) = audit(&database, &["alerts", "ack", &critical, &normal]);
    assert_eq!(code, 1);
    assert_eq!(
        one(
            &database,
            "select state from audit.alert where severity = 'critical'"
        ),
        "firing"
    );
}

#[test]
fn an_alert_that_does_not_exist_is_told() {
    let database = shop();
    assert_eq!(
        audit(&database, &["alerts", "ack", "zzz"]),
        (
            1,
            "error: no alert has an id that begins with `zzz`\n".to_owned()
        )
    );
}

#[test]
fn a_silence_is_added_listed_and_ended() {
    let database = shop();
    let add = [
        "silence",
        "add",
        "--table",
        "orders",
        "--severity",
        "normal",
        "--for",
        "2h",
        "--reason",
        "being typed in",
        "--actor",
        "ana",
    ];
    let (code, said) = audit(&database, &add);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(" silences table public.orders, severity normal until "),
        "{said}"
    );
    assert!(said.ends_with(" · 1 open alert now\n"), "{said}");
    tick(&database);
    let (_, said) = audit(&database, &["alerts", "list"]);
    assert!(said.contains("firing (muted)"), "{said}");
    assert!(said.ends_with("\n2 open alerts · 1 muted\n"), "{said}");

    let (_, said) = audit(&database, &["silence", "list"]);
    assert!(
        said.contains("in force  table public.orders, severity normal"),
        "{said}"
    );
    assert!(said.contains("ana  being typed in"), "{said}");
    assert!(said.ends_with("\n1 silence in force\n"), "{said}");
    let listed = json(&database, &["silence", "list"]);
    assert_eq!(listed[0]["mutes"], 1);
    assert_eq!(listed[0]["state"], "in_force");
    let id = listed[0]["silence_id"].as_str().unwrap()[..6].to_owned();
    assert_eq!(
        audit(&database, &["silence", "end", &id, "--actor", "ben"]),
        (
            0,
            "1 silence ended; what still fires is told at the next tick\n".to_owned()
        )
    );
    assert_eq!(
        audit(&database, &["silence", "list"]),
        (0, "✓ nothing is silenced\n".to_owned())
    );
    let (_, said) = audit(&database, &["silence", "list", "--all"]);
    assert!(said.contains("ended by ben"), "{said}");
}

#[test]
fn a_silence_says_for_what_until_when_and_why() {
    let database = shop();
    for (arguments, missing) in [
        (["--for", "2h", "--reason", "x"].as_slice(), "--policy"),
        (&["--policy", "bad_rows", "--reason", "x"], "--for"),
        (&["--policy", "bad_rows", "--for", "2h"], "--reason"),
    ] {
        let (code, said) = audit(
            &database,
            &[["silence", "add"].as_slice(), arguments].concat(),
        );
        assert_eq!(code, 64, "{said}");
        assert!(said.contains(missing), "{said}");
    }
    let (code, said) = audit(
        &database,
        &[
            "silence", "add", "--table", "ordres", "--for", "2h", "--reason", "x",
        ],
    );
    assert_eq!(
        (code, said.as_str()),
        (
            1,
            "error: `ordres` is not a watched table; did you mean `orders`?\n"
        )
    );
    let (code, said) = audit(&database, &["silence", "end", "abc"]);
    assert_eq!(
        (code, said.as_str()),
        (1, "error: no silence has an id that begins with `abc`\n")
    );
}

#[test]
fn who_only_reads_may_see_alerts_and_not_act() {
    let database = shop();
    let id = id(&database, "normal");
    for (role, may_act) in [("audit_reader", false), ("audit_operator", true)] {
        let run = |arguments: &[&str]| {
            Command::new(env!("CARGO_BIN_EXE_audit"))
                .args(arguments)
                .env("DATABASE_URL", database.url())
                .env("PGOPTIONS", format!("-c role={role}"))
                .output()
                .unwrap()
                .status
                .success()
        };
        assert!(run(&["alerts", "list"]));
        assert!(run(&["silence", "list"]));
        let silence = [
            "silence", "add", "--policy", "x", "--for", "1h", "--reason", "y",
        ];
        assert_eq!(run(&silence), may_act);
        assert_eq!(run(&["alerts", "ack", &id]), may_act);
    }
}
