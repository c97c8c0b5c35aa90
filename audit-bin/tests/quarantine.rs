//! `audit quarantine`, run as a person runs it.

use std::process::Command;

use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::{RunQueryDsl, sql_types::Text};

/// Runs `audit quarantine` and gives its exit code and what it said on both channels. Ids are cut out.
fn quarantine(database: &Database, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_audit"))
        .arg("quarantine")
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .env_remove("AUDIT_TIME_ZONE")
        .output()
        .unwrap();
    let said =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

/// A shop with four orders in quarantine.
fn shop() -> Database {
    let database = database();
    database
        .connect()
        .batch_execute(
            r#"create table public.orders (id int primary key, amount numeric, note text);
            select audit.watch('orders', owner => 'shop@example.com');
            select audit.declare_rule('orders', 'positive', 'range', '{"column": "amount", "min": 0}', action => 'quarantine', why => 'nobody is paid for buying');
            select audit.declare_rule('orders', 'noted', 'not_null', '{"column": "note"}', action => 'quarantine', owner => 'desk@example.com');
            select audit.compile('orders');
            insert into orders values (1, -1, 'a'), (2, -2, 'b'), (3, 3, null), (4, -4, null)"#,
        )
        .unwrap();
    database
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

#[test]
fn rows_are_listed_with_their_age_and_owner() {
    let database = shop();
    let (code, said) = quarantine(&database, &["list", "--owner", "desk@example.com"]);
    assert_eq!(code, 0, "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].contains("owner") && lines[0].ends_with("for"),
        "{said}"
    );
    assert!(said.contains("desk@example.com  "), "{said}");
    assert!(
        said.contains("noted, positive  amount -4, note missing"),
        "{said}"
    );
    assert!(
        said.contains("2 rows in quarantine · the oldest for "),
        "{said}"
    );
    let (_, said) = quarantine(&database, &["list", "--limit", "1"]);
    assert!(said.contains("1 of 4 rows in quarantine"), "{said}");
    let (_, said) = quarantine(&database, &["list", "--until", "2001-01-01"]);
    assert_eq!(said, "✓ nothing is set aside\n");
}

#[test]
fn a_row_is_edited_tried_released_and_told_of() {
    let database = shop();
    let id = one(
        &database,
        "select quarantine_id from audit.quarantine where key = '1'",
    );
    let short = &id[..8];
    let (code, said) = quarantine(
        &database,
        &[
            "edit",
            short,
            "--set",
            "amount=5",
            "--set",
            "note=free text",
            "--reason",
            "sign was wrong",
            "--actor",
            "ana",
        ],
    );
    assert_eq!((code, said.as_str()), (0, "1 row edited\n"));
    let (code, said) = quarantine(&database, &["release", "--rule", "positive", "--dry-run"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.ends_with("1 row released · 2 rows refused · a dry run: nothing was changed\n"),
        "{said}"
    );
    assert!(
        said.contains("positive            nobody is paid for buying"),
        "{said}"
    );
    assert_eq!(one(&database, "select count(*) from orders"), "0");

    assert_eq!(
        quarantine(&database, &["release", short]),
        (0, "1 row released\n".to_owned())
    );
    assert_eq!(
        quarantine(&database, &["release", short]),
        (0, "1 row already released\n".to_owned())
    );
    assert_eq!(
        one(&database, "select string_agg(o::text, ' ') from orders o"),
        "(1,5,\"free text\")"
    );

    let (code, said) = quarantine(&database, &["show", short]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("edited by ana: sign was wrong\n  amount -1 → 5\n  note a → free text\n"),
        "{said}"
    );
    assert!(said.contains("released by postgres\n"), "{said}");
}

#[test]
fn rows_are_discarded_with_a_reason() {
    let database = shop();
    let (code, said) = quarantine(&database, &["discard", "--key", "4"]);
    assert_eq!(code, 64);
    assert!(said.contains("--reason"), "{said}");
    assert_eq!(
        quarantine(
            &database,
            &["discard", "--key", "4", "--reason", "a test order"]
        ),
        (0, "1 row discarded\n".to_owned())
    );
    assert_eq!(
        quarantine(
            &database,
            &["discard", "--key", "4", "--reason", "a test order"]
        ),
        (0, "no row in quarantine is meant\n".to_owned())
    );
}

#[test]
fn everything_is_never_meant_by_mistake() {
    let database = shop();
    assert_eq!(
        quarantine(&database, &["release"]),
        (
            1,
            "error: no row is named; give ids, a filter such as --rule, or --all\n".to_owned()
        )
    );
    assert_eq!(
        quarantine(
            &database,
            &["edit", "--all", "--patch", r#"{"amount": 1, "note": "x"}"#]
        ),
        (0, "4 rows edited\n".to_owned())
    );
    assert_eq!(
        quarantine(&database, &["release", "--all"]),
        (0, "4 rows released\n".to_owned())
    );
}

#[test]
fn what_does_not_fit_is_told() {
    let database = shop();
    let (code, said) = quarantine(&database, &["edit", "--key", "1", "--set", "amuont=5"]);
    assert_eq!(code, 1);
    assert_eq!(
        said,
        "error: table public.orders has no column `amuont`\n  hint: Its columns are id, amount, note.\n"
    );
    let (code, said) = quarantine(&database, &["show", "zzz"]);
    assert_eq!(
        (code, said.as_str()),
        (
            1,
            "error: no row in quarantine has an id that begins with `zzz`\n"
        )
    );
    let (code, said) = quarantine(&database, &["edit", "--key", "1"]);
    assert_eq!(code, 64);
    assert!(said.contains("--set"), "{said}");
}
