//! What all commands have in common: help with examples, JSON, exit codes, clear errors, quiet pipes, a clean Ctrl-C.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use audit_bin::cli::Audit;
use audit_bin::command::init::starter;
use audit_core::Policy;
use audit_schema::embedded::{Cluster, Options};
use audit_schema::testing::{Database, database, empty_database};
use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::Bool;
use diesel::{PgConnection, RunQueryDsl};
use serde_json::Value;

const AUDIT: &str = env!("CARGO_BIN_EXE_audit");

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("audit-cli-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn audit(url: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(AUDIT);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("USER", "ann")
        .env("DATABASE_URL", url);
    command
}

/// Its exit code, and what it said on standard output and standard error.
fn said(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

const POLICY: &str = "
version: 1
tables:
  public.orders:
    owner: shop@example.com
    rules:
      - range: { amount: { min: 0 } }
        severity: critical
      - not_null: note
        action: quarantine
alerts:
  bad_orders: { on: rules, when: failing > 0, severity: inherit }
channels:
  disk: { file: { directory: alerts } }
routes:
  - { to: disk }
";

/// A shop with a policy that is applied, a row that fails and one that was set aside.
fn shop(name: &str) -> (Database, Folder) {
    let database = database();
    let folder = Folder::new(name);
    folder.write("audit.yml", POLICY);
    let mut connection = database.connect();
    connection
        .batch_execute("create table public.orders (id int primary key, amount numeric, note text)")
        .unwrap();
    let (code, _, err) = said(&mut audit(&database.url(), &folder.0, &["apply"]));
    assert_eq!(code, 0, "{err}");
    connection
        .batch_execute("insert into public.orders values (1, -5, 'a'), (2, 5, 'b'), (3, 5, null); update public.orders set amount = 6 where id = 2")
        .unwrap();
    (database, folder)
}

#[track_caller]
fn holds(connection: &mut PgConnection, query: &str) -> bool {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        answer: bool,
    }
    diesel::sql_query(format!("select ({query}) as answer"))
        .get_result::<Answer>(connection)
        .unwrap()
        .answer
}

/// Waits until something holds, but not for ever.
#[track_caller]
fn until(connection: &mut PgConnection, query: &str) {
    let begun = Instant::now();
    while !holds(connection, query) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{query}");
        std::thread::yield_now();
    }
}

#[test]
fn every_command_has_an_example_in_its_help() {
    fn without_example(command: &clap::Command, without: &mut Vec<String>) {
        for inner in command.get_subcommands() {
            let after = inner.get_after_help().map(ToString::to_string);
            if !after.is_some_and(|text| text.contains("  audit ")) {
                without.push(inner.get_name().to_owned());
            }
            without_example(inner, without);
        }
    }
    let mut without = Vec::new();
    without_example(&Audit::grouped(), &mut without);
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn the_help_lists_every_command_once_in_its_group_and_the_exit_codes() {
    let folder = Folder::new("help");
    let (code, out, _) = said(&mut audit("", &folder.0, &["--help"]));
    assert_eq!(code, 0);
    for command in Audit::grouped().get_subcommands() {
        let line = format!("\n  {:<12} ", command.get_name());
        assert_eq!(out.matches(&line).count(), 1, "{line}{out}");
    }
    assert!(!out.contains("Further:"), "a command is in no group: {out}");
    assert!(out.contains("Exit codes: 0 done"), "{out}");
}

#[test]
fn wrong_arguments_end_with_64_and_a_hint() {
    let folder = Folder::new("usage");
    let (code, out, err) = said(&mut audit("", &folder.0, &["statsu"]));
    assert_eq!((code, out.as_str()), (64, ""));
    assert!(
        err.contains("a similar subcommand exists: 'status'"),
        "{err}"
    );
}

#[test]
fn whatever_shows_something_shows_it_as_json() {
    let (database, folder) = shop("json");
    let json = |arguments: &[&str]| -> (i32, Value) {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        let (code, out, err) = said(&mut audit(&database.url(), &folder.0, &all));
        assert_eq!(err, "", "{arguments:?}");
        let value = serde_json::from_str(&out);
        (
            code,
            value.unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}")),
        )
    };
    assert_eq!(json(&["migrate"]).1["source_applied"], false);
    assert_eq!(json(&["plan"]).1["changes"].as_array().unwrap().len(), 0);
    assert_eq!(json(&["apply"]).1["kept"].as_array().unwrap().len(), 0);
    let (code, drift) = json(&["drift"]);
    assert_eq!(
        (code, &drift["differs"], &drift["same_file"]),
        (0, &false.into(), &true.into())
    );
    assert_eq!(drift["last"]["person"], "ann");
    assert_eq!(json(&["tick"]).1["notices"][0]["policy"], "bad_orders");
    let (_, status) = json(&["status"]);
    assert_eq!(status["tables"][0]["held"], 1);
    assert_eq!(status["last_apply"]["created"], 6);
    assert_eq!(status["rules"][0]["name"], "range_amount");
    assert_eq!(json(&["findings"]).1.as_array().unwrap().len(), 2);
    assert_eq!(
        json(&["findings", "--rejected"]).1,
        Value::Array(Vec::new())
    );
    let (_, history) = json(&["history", "orders", "2"]);
    assert_eq!(history[1]["new"]["amount"], 6);
    let (_, held) = json(&["quarantine", "list"]);
    let id = held[0]["quarantine_id"].as_str().unwrap();
    assert_eq!(json(&["quarantine", "show", id]).1["row"]["id"], 3);
    let (code, handled) = json(&["quarantine", "release", id]);
    assert_eq!((code, &handled[0]["outcome"]), (1, &"refused".into()));
    let (_, undone) = json(&["undo", "--transaction", &history[1]["xid"].to_string()]);
    assert_eq!(undone[0]["op"], "update");
    let (_, alerts) = json(&["alerts", "list"]);
    let id = alerts[0]["alert_id"].as_str().unwrap();
    assert_eq!(json(&["alerts", "show", id]).1["severity"], "critical");
    assert_eq!(json(&["silence", "list"]).1, Value::Array(Vec::new()));
    let (_, deliveries) = json(&["deliveries", "list"]);
    let id = deliveries["deliveries"][0]["delivery_id"].as_str().unwrap();
    assert_eq!(
        json(&["deliveries", "show", id]).1["delivery"]["channel"],
        "disk"
    );
    assert!(
        json(&["verify"]).1["verified"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["ok"] == true)
    );
    assert!(json(&["doctor"]).1.is_array());
    assert_eq!(json(&["suggest", "orders"]).1[0]["table"], "public.orders");
    let (code, out, _) = said(&mut audit(
        &database.url(),
        &folder.0,
        &[
            "as-of",
            "orders",
            "2126-01-01",
            "--key",
            "2",
            "--format",
            "json",
        ],
    ));
    assert_eq!((code, out.lines().count()), (0, 1));
}

#[test]
fn a_plan_tells_by_its_exit_code_that_something_would_change_if_it_is_asked_to() {
    let (database, folder) = shop("exit");
    let code = |arguments: &[&str]| said(&mut audit(&database.url(), &folder.0, arguments)).0;
    assert_eq!(code(&["plan", "--exit-code"]), 0);
    folder.write("audit.yml", &POLICY.replace("critical", "low"));
    assert_eq!(code(&["plan"]), 0);
    assert_eq!(code(&["plan", "--exit-code"]), 2);
    assert_eq!(code(&["drift"]), 1);
    assert_eq!(code(&["plan", "--exit-code", "nowhere.yml"]), 1);
}

#[test]
fn drift_shows_what_was_declared_by_sql_and_apply_keeps_it_until_it_prunes() {
    let (database, folder) = shop("sql");
    database
        .connect()
        .batch_execute("select audit.declare_rule('orders', 'short', 'length', '{\"column\": \"note\", \"max\": 20}'); select audit.compile('orders')")
        .unwrap();
    let run = |arguments: &[&str]| said(&mut audit(&database.url(), &folder.0, arguments));
    let (code, out, _) = run(&["drift"]);
    assert_eq!(code, 1);
    assert!(out.contains("= rule    orders.short  note"), "{out}");
    assert!(out.contains("by SQL on "), "{out}");
    assert!(
        out.ends_with("0 differences · 1 by SQL · 0 remarks about generated code\n"),
        "{out}"
    );
    let (_, out, _) = run(&["apply"]);
    assert!(
        out.ends_with("nothing to do; 1 declared by SQL kept, which --prune would not\n"),
        "{out}"
    );
    let (_, out, _) = run(&["apply", "--prune", "--as", "bob", "--revision", "4f5e6d7c"]);
    assert!(
        out.ends_with("✓ applied: 0 created · 0 changed · 1 dropped\n"),
        "{out}"
    );
    let (code, out, _) = run(&["drift"]);
    assert_eq!(code, 0);
    assert!(
        out.contains(" by bob · as ")
            && out.contains("audit.yml · revision 4f5e6d7c · the file is the same"),
        "{out}"
    );
}

#[test]
fn colours_are_written_where_they_are_asked_for() {
    let (database, folder) = shop("color");
    let run = |arguments: &[&str]| said(&mut audit(&database.url(), &folder.0, arguments)).1;
    assert!(!run(&["status"]).contains('\u{1b}'));
    let coloured = run(&["status", "--color", "always"]);
    assert!(
        coloured.contains("\u{1b}[1;31m▲ 1 critical\u{1b}[0m"),
        "{coloured}"
    );
}

#[test]
fn a_first_policy_is_for_the_tables_of_the_database_and_is_never_overwritten() {
    let (database, folder) = shop("init");
    database
        .connect()
        .batch_execute("create table public.\"Odd's\" (id int primary key)")
        .unwrap();
    let run = |arguments: &[&str]| said(&mut audit(&database.url(), &folder.0, arguments));
    let (code, _, err) = run(&["init"]);
    assert_eq!(code, 1);
    assert!(
        err.contains("is there already; --force writes it anew"),
        "{err}"
    );
    let (code, out, err) = run(&["init", "first.yml"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("✓ first.yml, with 2 tables\n"), "{out}");
    let (code, out, err) = run(&["plan", "first.yml", "--prune"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("+ table   \"Odd's\""), "{out}");
    let (code, _, err) = run(&["init", "second.yml", "--table", "ordrs"]);
    assert_eq!(code, 1);
    assert!(err.contains("did you mean `orders`?"), "{err}");
    assert_eq!(run(&["init", "--force"]).0, 0);
}

#[test]
fn a_first_policy_needs_no_database() {
    let policy = Policy::parse(&starter(&[]), "audit.yml").unwrap();
    assert!(policy.tables.is_empty());
    let many: Vec<String> = (0..60).map(|place| format!("public.t{place}")).collect();
    assert_eq!(
        Policy::parse(&starter(&many), "audit.yml")
            .unwrap()
            .tables
            .len(),
        50
    );
}

#[test]
fn shells_complete_all_three_programs_and_each_command_has_a_page() {
    let folder = Folder::new("manual");
    for (program, word) in [
        ("audit", "drift"),
        ("audit-notify", "--once"),
        ("audit-report", "image"),
    ] {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let (code, out, err) = said(&mut audit(
                "",
                &folder.0,
                &["completions", shell, "--for", program],
            ));
            assert_eq!((code, err.as_str()), (0, ""));
            assert!(
                out.contains(word.trim_start_matches('-')),
                "{program} {shell}"
            );
        }
    }
    let (code, out, _) = said(&mut audit("", &folder.0, &["man", "--out", "man"]));
    assert_eq!(code, 0);
    assert!(out.starts_with("✓ "), "{out}");
    for page in [
        "audit.1",
        "audit-drift.1",
        "audit-quarantine-release.1",
        "audit-notify.1",
        "audit-report-image.1",
    ] {
        let text = fs::read_to_string(folder.0.join("man").join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

/// Every error that somebody may expect is told in words, with what to do, and without a word of debugging.
#[test]
fn expected_errors_are_told_in_words() {
    let (database, folder) = shop("errors");
    let run = |url: &str, arguments: &[&str]| {
        let (code, out, err) = said(&mut audit(url, &folder.0, arguments));
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        for word in [
            "panicked",
            "DatabaseError",
            "Error {",
            "RUST_BACKTRACE",
            "src/",
        ] {
            assert!(!err.contains(word), "{err}");
        }
        err
    };
    let url = database.url();
    let err = run(&url, &["history", "ordres", "1"]);
    assert_eq!(
        err,
        "error: `ordres` is not a watched table; did you mean `orders`?\n"
    );
    let err = run(&url, &["as-of", "elephants", "2026-01-01"]);
    assert_eq!(
        err,
        "error: `elephants` is not a watched table; watched are public.orders\n"
    );
    let err = run(&url, &["plan", "missing.yml"]);
    assert!(err.contains("missing.yml"), "{err}");

    let missing = url.replace(database.name(), "no_such_database");
    let err = run(&missing, &["status"]);
    assert!(
        err.contains("database \"no_such_database\" does not exist"),
        "{err}"
    );
    let err = run(&empty_database().url(), &["drift"]);
    assert!(err.contains("install it with `audit migrate`"), "{err}");

    let mut connection = database.connect();
    connection
        .batch_execute("do $$ begin create role stranger login; exception when duplicate_object then null; end $$")
        .unwrap();
    let stranger = format!(
        "{url}{}user=stranger",
        if url.contains('?') { '&' } else { '?' }
    );
    let err = run(&stranger, &["status"]);
    assert!(err.contains("permission denied"), "{err}");
    assert!(err.contains("audit_reader"), "{err}");

    connection
        .batch_execute("insert into audit.migration (version, name) values ('29991231000001', '2999-12-31-000001_to_come')")
        .unwrap();
    let err = run(&url, &["status"]);
    assert!(
        err.contains("29991231000001") && err.contains("a newer one"),
        "{err}"
    );
    connection
        .batch_execute("delete from audit.migration where version = '29991231000001' or version = (select max(version) from audit.migration where version < '2999')")
        .unwrap();
    let err = run(&url, &["status"]);
    assert!(
        err.contains("bring it up to date with `audit migrate`"),
        "{err}"
    );
}

#[test]
fn a_password_that_is_wrong_is_told_in_words() {
    let folder = Folder::new("password");
    folder.write(
        "hba.conf",
        "local all postgres trust\nlocal all all scram-sha-256\n",
    );
    let settings = [("hba_file", folder.0.join("hba.conf"))];
    let cluster = Cluster::start(Options {
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.display().to_string()))
            .to_vec(),
        ..Options::default()
    })
    .unwrap();
    let url = cluster.url("postgres");
    audit_schema::connect(&url)
        .unwrap()
        .batch_execute("create role ann login password 'right'")
        .unwrap();
    let wrong = url.replace("postgres@", "ann:wrong@");
    let (code, out, err) = said(&mut audit(&wrong, &folder.0, &["status"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.starts_with("error: cannot connect to the database\n  because "),
        "{err}"
    );
    assert!(
        err.contains("password authentication failed for user \"ann\""),
        "{err}"
    );
    assert!(!err.contains("wrong"), "{err}");
}

#[test]
fn a_reader_who_has_seen_enough_ends_the_program_quietly() {
    let (database, folder) = shop("pipe");
    database
        .connect()
        .batch_execute("insert into public.orders select n, 1, repeat('x', 200) from generate_series(10, 3000) n")
        .unwrap();
    let mut child = audit(
        &database.url(),
        &folder.0,
        &["as-of", "orders", "2126-01-01", "--format", "csv"],
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut first = String::new();
    let mut reader = BufReader::with_capacity(64, child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    assert_eq!(first, "id,amount,note\n");
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn ctrl_c_ends_an_apply_that_waits_and_leaves_nothing() {
    let (database, folder) = shop("interrupt");
    let mut connection = database.connect();
    let mut writer = database.connect();
    writer
        .batch_execute("begin; insert into public.orders values (100, 1, 'c')")
        .unwrap();
    folder.write(
        "audit.yml",
        &POLICY.replace("not_null: note", "not_null: [note, amount]"),
    );
    let mut child = audit(
        &database.url(),
        &folder.0,
        &["apply", "--lock-timeout", "10m"],
    )
    .stderr(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let waits = "exists (select from pg_stat_activity where datname = current_database() and application_name = 'audit apply' and wait_event_type = 'Lock')";
    until(&mut connection, waits);
    interrupt(&child);
    let status = child.wait().unwrap();
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!((status.code(), err.as_str()), (Some(130), "interrupted\n"));
    until(&mut connection, &format!("not {waits}"));
    writer.batch_execute("commit").unwrap();
    assert!(holds(
        &mut connection,
        "(select count(*) from audit.rule where retired_at is null) = 2"
    ));
}

#[test]
fn ctrl_c_cancels_what_the_server_reads() {
    let (database, folder) = shop("scan");
    let mut connection = database.connect();
    connection
        .batch_execute(
            "create function public.slowly(int) returns boolean language plpgsql as $$ begin perform pg_sleep(60); return true; end $$",
        )
        .unwrap();
    folder.write(
        "audit.yml",
        &POLICY.replace(
            "      - not_null: note",
            "      - { name: slow, expression: public.slowly(id) }\n      - not_null: note",
        ),
    );
    let mut child = audit(&database.url(), &folder.0, &["plan"])
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let reads = "exists (select from pg_stat_activity where datname = current_database() and application_name = 'audit plan' and wait_event = 'PgSleep')";
    until(&mut connection, reads);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    until(&mut connection, &format!("not {reads}"));
}
