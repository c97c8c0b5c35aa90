//! The programs, run as a person runs them: what they print, where, and how they end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use audit_schema::embedded::{Cluster, Options};
use audit_schema::testing::{Database, database, empty_database};
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;

const AUDIT: &str = env!("CARGO_BIN_EXE_audit");
const NOTIFY: &str = env!("CARGO_BIN_EXE_audit-notify");
const REPORT: &str = env!("CARGO_BIN_EXE_audit-report");

/// How a program ended and what it said.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A program with a database and no other environment that matters.
fn program(path: &str, url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(path);
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_remove("RESEND_API_KEY")
        .env_remove("AUDIT_TIME_ZONE")
        .env("DATABASE_URL", url);
    command
}

fn run(path: &str, url: &str, arguments: &[&str]) -> Ended {
    program(path, url, arguments).output().unwrap().into()
}

/// A file that is gone at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("audit-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn shop() -> Database {
    let database = database();
    database
        .connect()
        .batch_execute("create table public.orders (id int primary key, amount numeric)")
        .unwrap();
    database
}

const POLICY: &str = "
version: 1
tables:
  public.orders:
    owner: shop@example.com
    rules:
      - range: { amount: { min: 0 } }
        severity: critical
alerts:
  bad_orders:
    on: rules
    when: failing > 0
    severity: inherit
channels:
  ops: { resend: { from: audit@example.com, to: [ops@example.com], api_key: { env: RESEND_API_KEY } } }
routes:
  - { to: ops }
";

#[test]
fn migrating_twice_changes_nothing() {
    let database = empty_database();
    let first = run(AUDIT, &database.url(), &["migrate"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(first.out.contains("✓ functions and views"), "{}", first.out);
    assert_eq!(
        run(AUDIT, &database.url(), &["migrate"]).out,
        "✓ up to date\n"
    );
}

#[test]
fn a_database_without_the_pipeline_is_told_how_to_get_it() {
    let ended = run(AUDIT, &empty_database().url(), &["status"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.err,
        "error: the pipeline is not installed in this database; install it with `audit migrate`\n"
    );
}

#[test]
fn a_server_that_is_not_there_is_one_clear_line_with_its_cause() {
    let nowhere = "postgresql://127.0.0.1:1/nothing";
    let ended = run(AUDIT, nowhere, &["status"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .starts_with("error: cannot connect to the database\n  because "),
        "{}",
        ended.err
    );
    assert!(ended.out.is_empty());
    assert_eq!(run(NOTIFY, nowhere, &["--once"]).code, Some(2));
}

#[test]
fn without_a_database_it_says_how_to_name_one() {
    let mut command = program(AUDIT, "", &["status", "--demo-dir", "/nonexistent"]);
    let ended: Ended = command.env_remove("DATABASE_URL").output().unwrap().into();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("--database-url"), "{}", ended.err);
}

#[test]
fn a_wrong_policy_is_told_with_file_line_and_column_and_nothing_is_applied() {
    let database = shop();
    let wrong = Scratch::new(
        "wrong.yml",
        &POLICY.replace("amount: { min: 0 }", "amuont: { min: 0 }"),
    );
    let ended = run(AUDIT, &database.url(), &["apply", wrong.path()]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.starts_with(&format!("{}:7:18: ", wrong.path())),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("did you mean `amount`?"),
        "{}",
        ended.err
    );
    let status = run(AUDIT, &database.url(), &["status"]);
    assert!(status.out.contains("No table is watched"), "{}", status.out);
}

#[test]
fn a_plan_changes_nothing_and_applying_twice_changes_nothing() {
    let database = shop();
    let policy = Scratch::new("policy.yml", POLICY);
    let plan = run(AUDIT, &database.url(), &["plan", policy.path()]);
    assert!(plan.out.contains("+ table   orders"), "{}", plan.out);
    assert!(
        plan.out
            .ends_with("nothing was changed; `audit apply` does it\n"),
        "{}",
        plan.out
    );
    let applied = run(AUDIT, &database.url(), &["apply", policy.path()]);
    assert!(
        applied
            .out
            .ends_with("✓ applied: 5 created · 0 changed · 0 dropped\n"),
        "{}{}",
        applied.out,
        applied.err
    );
    let again = run(AUDIT, &database.url(), &["apply", policy.path()]);
    assert_eq!(
        again.out,
        "nothing to do: the database is as the policy declares it\n"
    );
}

#[test]
fn what_failed_is_found_and_a_missing_key_asks_for_a_person() {
    let database = shop();
    let policy = Scratch::new("found.yml", POLICY);
    run(AUDIT, &database.url(), &["apply", policy.path()]);
    database
        .connect()
        .batch_execute("insert into public.orders values (1, 5), (2, -5)")
        .unwrap();

    let findings = run(AUDIT, &database.url(), &["findings", "--table", "orders"]);
    assert!(
        findings.out.contains("▲ critical  orders  range_amount"),
        "{}",
        findings.out
    );
    assert!(
        findings.out.ends_with("1 finding shown · 1 row\n"),
        "{}",
        findings.out
    );
    let history = run(AUDIT, &database.url(), &["history", "orders", "2"]);
    assert!(history.out.contains("amount -5 · id 2"), "{}", history.out);
    let verify = run(AUDIT, &database.url(), &["verify"]);
    assert_eq!(verify.code, Some(0), "{}", verify.out);

    let notify = run(NOTIFY, &database.url(), &["--once"]);
    assert_eq!(notify.code, Some(1), "{}{}", notify.out, notify.err);
    assert!(notify.out.contains("RESEND_API_KEY"), "{}", notify.out);
    let status = run(AUDIT, &database.url(), &["status"]);
    assert!(
        status.out.contains("1 alert open, 1 critical"),
        "{}",
        status.out
    );
}

#[test]
fn a_table_is_shown_as_it_was_in_three_formats() {
    let database = shop();
    let policy = Scratch::new("as-of.yml", POLICY);
    run(AUDIT, &database.url(), &["apply", policy.path()]);
    let mut db = database.connect();
    db.batch_execute("insert into public.orders values (1, 5.50), (2, null)")
        .unwrap();
    let then: String = diesel::dsl::sql::<diesel::sql_types::Text>(
        "select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')",
    )
    .get_result(&mut db)
    .unwrap();
    db.batch_execute("update public.orders set amount = 7; delete from public.orders where id = 2")
        .unwrap();

    let shown = run(AUDIT, &database.url(), &["as-of", "orders", &then]);
    assert!(
        shown
            .out
            .ends_with("id  amount\n 1    5.50\n 2       –\n\n2 rows\n"),
        "{}{}",
        shown.out,
        shown.err
    );
    let csv = run(
        AUDIT,
        &database.url(),
        &["as-of", "orders", &then, "--format", "csv"],
    );
    assert_eq!(csv.out, "id,amount\n1,5.50\n2,\n");
    let json = run(
        AUDIT,
        &database.url(),
        &["as-of", "orders", &then, "--key", "2", "--format", "json"],
    );
    assert_eq!(json.out, "{\"id\": 2, \"amount\": null}\n");

    let early = run(AUDIT, &database.url(), &["as-of", "orders", "2001-01-01"]);
    assert_eq!(early.code, Some(1));
    assert!(
        early
            .err
            .starts_with("error: the log of public.orders does not tell how it was at "),
        "{}",
        early.err
    );
    let never = run(AUDIT, &database.url(), &["as-of", "orders", "yesterday"]);
    assert!(
        never.err.starts_with("error: `yesterday` is not a time"),
        "{}",
        never.err
    );
}

#[test]
fn the_doctor_says_what_is_wrong_and_ends_with_code_1() {
    let database = shop();
    let mut connection = database.connect();
    connection
        .batch_execute("select audit.watch('public.orders')")
        .unwrap();
    let well = run(AUDIT, &database.url(), &["doctor"]);
    assert_eq!(
        (well.code, well.out.as_str()),
        (Some(0), "✓ nothing is wrong\n")
    );
    connection
        .batch_execute("alter table public.orders disable trigger audit_insert")
        .unwrap();
    let wrong = run(AUDIT, &database.url(), &["doctor"]);
    assert_eq!(wrong.code, Some(1), "{}", wrong.err);
    assert_eq!(
        wrong.out,
        "▲ critical  public.orders  trigger_disabled
    insert is not logged: the trigger is disabled
    → alter table public.orders enable trigger audit_insert

1 remark, 1 to be put right
"
    );
}

#[test]
fn what_was_written_is_taken_back_only_when_told_to() {
    let database = shop();
    let policy = Scratch::new("undo.yml", POLICY);
    run(AUDIT, &database.url(), &["apply", policy.path()]);
    let mut db = database.connect();
    db.batch_execute(
        "insert into public.orders values (1, 5); begin; select audit.set_context('ada'); update public.orders set amount = 0; commit",
    )
    .unwrap();
    let undo = ["undo", "--actor", "ada", "--since", "2001-01-01"];
    let shown = run(AUDIT, &database.url(), &undo);
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert!(
        shown.out.contains(
            "\nupdate public.orders set amount = '5' where id = '1';\n\n-- 1 statement, not run; --run does it\n"
        ),
        "{}",
        shown.out
    );
    let amount = |db: &mut diesel::PgConnection| -> String {
        diesel::dsl::sql::<diesel::sql_types::Text>("select amount::text from public.orders")
            .get_result(db)
            .unwrap()
    };
    assert_eq!(amount(&mut db), "0");

    let done = run(AUDIT, &database.url(), &[&undo[..], &["--run"]].concat());
    assert!(
        done.out.ends_with("-- ✓ 1 statement run\n"),
        "{}{}",
        done.out,
        done.err
    );
    assert_eq!(amount(&mut db), "5");

    let again = run(AUDIT, &database.url(), &undo);
    assert_eq!(again.code, Some(1));
    assert!(
        again.out.contains("-- ✗ refused: changed since by "),
        "{}",
        again.out
    );
    let again = run(AUDIT, &database.url(), &[&undo[..], &["--run"]].concat());
    assert_eq!(again.code, Some(1));
    assert!(
        again.err.starts_with("error: nothing was undone: "),
        "{}",
        again.err
    );
    let nothing = run(AUDIT, &database.url(), &["undo"]);
    assert_eq!(nothing.code, Some(64));
}

#[test]
fn what_was_refused_is_shown_as_far_as_its_evidence_was_kept() {
    let database = shop();
    let mut connection = database.connect();
    connection
        .batch_execute(
            r#"select audit.watch('public.orders');
            select audit.declare_rule('public.orders', 'priced', 'not_null', '{"column": "amount"}', action => 'reject', severity => 'critical');
            select audit.compile('public.orders')"#,
        )
        .unwrap();
    let none = run(AUDIT, &database.url(), &["findings", "--rejected"]);
    assert_eq!(none.out, "✓ no evidence of a rejection\n");
    let error = connection
        .batch_execute("insert into public.orders values (1, 5), (2, null)")
        .unwrap_err();
    let rejection = audit_schema::Rejection::from_error(&error).unwrap();
    audit_schema::record_rejection(&mut connection, &rejection).unwrap();
    let shown = run(AUDIT, &database.url(), &["findings", "--rejected"]);
    assert!(
        shown.out.contains("▲ critical  orders  priced"),
        "{}",
        shown.out
    );
    assert!(
        shown.out.ends_with("1 refused statement shown\n"),
        "{}",
        shown.out
    );
}

#[test]
fn a_picture_needs_a_name_that_says_its_format() {
    let database = database();
    let ended = run(
        REPORT,
        &database.url(),
        &["image", "--out", "dashboard.gif"],
    );
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.err,
        "error: cannot draw `dashboard.gif`: its name must end in .png or .svg\n"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let database = database();
    let mut child = program(AUDIT, &database.url(), &["status"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_service_ends_well_when_it_is_told_to() {
    let database = database();
    let mut service = program(NOTIFY, &database.url(), &["--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It has begun when it has ticked.
    let mut connection = database.connect();
    for _ in 0..1000 {
        let ticked = diesel::sql_query("select from audit.progress where ticked_at is not null")
            .execute(&mut connection)
            .unwrap();
        if ticked == 1 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let told = Command::new("kill")
        .arg(service.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(service.wait().unwrap().code(), Some(0));
}

#[test]
fn a_kept_server_is_started_for_whoever_looks() {
    let directory = std::env::temp_dir().join(format!("audit-{}-kept", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    {
        let server = Cluster::start(Options {
            keep: Some(directory.join("server")),
            ..Options::default()
        })
        .unwrap();
        let mut connection = audit_schema::connect(&server.url("postgres")).unwrap();
        connection.batch_execute("create database flights").unwrap();
        let mut connection = audit_schema::connect(&server.url("flights")).unwrap();
        audit_schema::migrate(&mut connection).unwrap();
    }
    let look = |directory: &Path| -> Ended {
        let mut command = program(
            AUDIT,
            "",
            &["status", "--demo-dir", directory.to_str().unwrap()],
        );
        command.env_remove("DATABASE_URL").output().unwrap().into()
    };
    let (first, second) = (look(&directory), look(&directory));
    let _ = fs::remove_dir_all(&directory);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(
        first.out.starts_with("flights  PostgreSQL "),
        "{}",
        first.out
    );
    assert_eq!(first.out, second.out);
}
