//! `audit-report html` and `audit-report serve`, run as a person runs them.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;

const REPORT: &str = env!("CARGO_BIN_EXE_audit-report");

fn shop() -> Database {
    let database = database();
    database
        .connect()
        .batch_execute(
            "create table public.orders (id int primary key, amount numeric);
            select audit.watch('public.orders');
            insert into public.orders values (1, 1);",
        )
        .unwrap();
    database
}

fn report(database: &Database, arguments: &[&str]) -> Command {
    let mut command = Command::new(REPORT);
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_remove("AUDIT_REPORT_TOKEN")
        .env_remove("AUDIT_REPORT_TOKEN_FILE")
        .env_remove("AUDIT_TIME_ZONE")
        .env("DATABASE_URL", database.url());
    command
}

/// A program that serves, until it is dropped.
struct Serving {
    child: Child,
    first_line: String,
}

impl Serving {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        out.read_line(&mut first_line).unwrap();
        child.stdout = Some(out.into_inner());
        Serving { child, first_line }
    }

    fn address(&self) -> &str {
        self.first_line.split(' ').next().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_report_is_one_file() {
    let database = shop();
    let out = std::env::temp_dir().join(format!("audit-{}-report.html", std::process::id()));
    let ended = report(&database, &["html", "--since", "7d", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let html = std::fs::read_to_string(&out).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("in 7 days, 1 table"));
    std::fs::remove_file(out).unwrap();
}

#[test]
fn a_live_page_says_where_it_is_and_ends_when_it_is_told_to() {
    let database = shop();
    let mut serving = Serving::start(report(&database, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(
        serving.first_line.ends_with("· read-only\n"),
        "{}",
        serving.first_line
    );
    let page = ureq::get(format!("{}/tables", serving.address()))
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    assert!(page.contains("1 watched table"), "{page}");
    let killed = Command::new("kill")
        .args(["-TERM", &serving.child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert!(serving.child.wait().unwrap().success());
    let mut rest = String::new();
    serving
        .child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut rest)
        .unwrap();
    assert_eq!(rest, "stopped\n");
}

#[test]
fn people_can_act_where_there_is_a_token() {
    let database = shop();
    let mut command = report(&database, &["serve", "--listen", "127.0.0.1:0"]);
    command.env("AUDIT_REPORT_TOKEN", "0123456789abcdef0123456789abcdef");
    let serving = Serving::start(command);
    assert!(
        serving.first_line.contains("can act"),
        "{}",
        serving.first_line
    );
}

#[test]
fn options_that_are_not_safe_are_refused() {
    let database = shop();
    let refused = |arguments: &[&str], token: &str| {
        let ended = report(&database, arguments)
            .env("AUDIT_REPORT_TOKEN", token)
            .output()
            .unwrap();
        assert!(!ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stderr).unwrap()
    };
    let short = refused(&["serve"], "secret");
    assert!(
        short.contains("shorter than 16") && !short.contains("secret"),
        "{short}"
    );
    let path = refused(&["serve", "--public-url", "https://example.com/audit"], "");
    assert!(path.contains("without a path"), "{path}");
    let file = refused(&["serve", "--token-file", "/nowhere"], "");
    assert!(
        file.contains("cannot read the token in `/nowhere`"),
        "{file}"
    );
}
