//! `audit-report image`, run as a person runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;

const REPORT: &str = env!("CARGO_BIN_EXE_audit-report");

/// A directory that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("audit-image-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Runs `audit-report image` there: how it ended, and what it said.
    fn image(&self, url: Option<&str>, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(REPORT);
        command
            .arg("image")
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("AUDIT_TIME_ZONE")
            .env_remove("DATABASE_URL");
        if let Some(url) = url {
            command.env("DATABASE_URL", url);
        }
        let output = command.output().unwrap();
        let mut said = String::from_utf8(output.stdout).unwrap();
        said.push_str(&String::from_utf8(output.stderr).unwrap());
        (output.status.code(), said)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.0).join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two tables; of one a fifth of the rows fail.
fn shop() -> Database {
    let database = database();
    database
        .connect()
        .batch_execute(
            "create table public.orders (id int primary key, amount numeric);
            create table public.customers (id int primary key, name text);
            select audit.watch('public.orders');
            select audit.watch('public.customers');
            select audit.declare_rule('public.orders', 'priced', 'not_null', '{\"column\": \"amount\"}', severity => 'critical', owner => 'sales');
            select audit.declare_rule('public.customers', 'named', 'not_null', '{\"column\": \"name\"}', severity => 'low');
            select audit.compile('public.orders');
            select audit.compile('public.customers');
            insert into public.orders select n, case when n % 5 > 0 then n end from generate_series(1, 50) as n;
            insert into public.customers values (1, null)",
        )
        .unwrap();
    database
}

/// Width and height, as the head of a PNG has them.
fn size(png: &[u8]) -> (u32, u32) {
    let number = |from: usize| u32::from_be_bytes(png[from..from + 4].try_into().unwrap());
    assert_eq!(&png[1..4], b"PNG");
    (number(16), number(20))
}

#[test]
fn a_picture_has_the_size_and_scale_that_are_asked_for() {
    let (database, folder) = (shop(), Folder::new("size"));
    for (arguments, expected) in [
        (&["--chart", "pareto"][..], (1600, 900)),
        (&["--chart", "pareto", "--scale", "1"], (800, 450)),
        (
            &["--chart", "quality", "--size", "640x400", "--scale", "3"],
            (1920, 1200),
        ),
        (&["--scale", "1"], (1600, 1000)),
        (
            &["--scale", "1", "--size", "1280x900", "--theme", "dark"],
            (1280, 900),
        ),
    ] {
        let (code, said) = folder.image(
            Some(&database.url()),
            &[arguments, &["--out", "picture.png"]].concat(),
        );
        assert_eq!((code, said.as_str()), (Some(0), "✓ picture.png\n"));
        assert_eq!(
            size(&fs::read(folder.path("picture.png")).unwrap()),
            expected
        );
    }
}

#[test]
fn figures_are_drawn_the_same_without_a_database() {
    let (database, folder) = (shop(), Folder::new("from"));
    for chart in [&["--chart", "pareto"][..], &["--chart", "quality"], &[]] {
        let (code, said) = folder.image(
            Some(&database.url()),
            &[
                chart,
                &[
                    "--data",
                    "figures.json",
                    "--out",
                    "first.svg",
                    "--time-zone",
                    "Europe/Berlin",
                ],
            ]
            .concat(),
        );
        assert_eq!(
            (code, said.as_str()),
            (Some(0), "✓ figures.json\n✓ first.svg\n")
        );
        let (code, said) = folder.image(None, &["--from", "figures.json", "--out", "second.svg"]);
        assert_eq!((code, said.as_str()), (Some(0), "✓ second.svg\n"));
        assert_eq!(folder.read("first.svg"), folder.read("second.svg"));
        assert!(folder.read("second.svg").contains("Europe/Berlin"));
    }
}

#[test]
fn what_is_left_out_is_not_drawn_and_is_said() {
    let (database, folder) = (shop(), Folder::new("filter"));
    let url = database.url();
    let arguments = [
        "--chart",
        "pareto",
        "--table",
        "orders",
        "--severity",
        "critical",
        "--severity",
        "important",
        "--owner",
        "sales",
        "--title",
        "What sales has to fix",
        "--since",
        "7d",
        "--out",
        "p.svg",
    ];
    assert_eq!(folder.image(Some(&url), &arguments).0, Some(0));
    let svg = folder.read("p.svg");
    assert!(svg.contains("only table orders, owner sales, severity critical or important"));
    assert!(svg.contains(">What sales has to fix<"));
    assert!(svg.contains("amount is not null") && !svg.contains("name is not null"));
}

#[test]
fn what_can_not_be_drawn_is_refused_with_what_to_write() {
    let (database, folder) = (shop(), Folder::new("refused"));
    let url = database.url();
    fs::write(folder.path("other.json"), "{\"a\": 1}").unwrap();
    for (arguments, code, words) in [
        (
            &["--chart", "pie", "--out", "p.svg"][..],
            2,
            "there are quality, pass-rate, findings",
        ),
        (
            &["--since", "yesterday", "--out", "p.svg"],
            2,
            "write a day as 2026-11-01, or how far back as 30d",
        ),
        (
            &["--size", "huge", "--out", "p.svg"],
            2,
            "write width x height in pixels",
        ),
        (
            &["--scale", "100", "--out", "p.svg"],
            2,
            "write a factor from 0.1 to 10",
        ),
        (
            &["--severity", "awful", "--out", "p.svg"],
            2,
            "[possible values: critical, important, normal, low]",
        ),
        (
            &["--table", "lorries", "--out", "p.svg"],
            1,
            "no watched table is called `lorries`",
        ),
        (
            &["--chart", "summary:lorries", "--out", "p.svg"],
            1,
            "there is no summary called `lorries`",
        ),
        (
            &["--from", "other.json", "--out", "p.svg"],
            1,
            "`other.json` holds no figures",
        ),
        (
            &["--from", "nothing.json", "--out", "p.svg"],
            1,
            "cannot read `nothing.json`",
        ),
        (
            &[
                "--from",
                "other.json",
                "--chart",
                "pareto",
                "--out",
                "p.svg",
            ],
            2,
            "cannot be used with",
        ),
        (&["--chart", "pareto"], 2, "--out <FILE>"),
    ] {
        let (ended, said) = folder.image(Some(&url), arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    assert!(!folder.path("p.svg").exists());
}

#[test]
fn help_lists_every_chart() {
    let folder = Folder::new("help");
    let (code, said) = folder.image(None, &["--help"]);
    assert_eq!(code, Some(0));
    for kind in audit_report::chart::Kind::ALL {
        assert!(
            said.contains(&format!("  {:<12} {}", kind.name(), kind.about())),
            "{kind}: {said}"
        );
    }
    assert!(said.contains("summary:NAME"));
}
