//! A walk through the README and the guide: their code blocks are run, in order, against a database of each page's own.
//! What can not be run is listed with the reason; a block that is neither run nor listed fails the test, and so does a
//! reason that is not needed any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use audit_schema::testing::{Database, database, empty_database};
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::Text;

/// What a page needs to be walked through.
struct Page {
    file: &'static str,
    /// What is in its database before: SQL.
    before: &'static str,
    /// What happens once the policy of the page is applied, before the page goes on: SQL.
    meanwhile: &'static str,
    /// Whether the pipeline is installed before; the README installs it itself.
    installed: bool,
    /// What the page made up, and the query that tells what it is in this database.
    made_up: &'static [(&'static str, &'static str)],
    /// Commands that end with another code than 0, as the page means them to.
    codes: &'static [(&'static str, i32)],
    /// Blocks and lines that can not be run, by how they begin, and why.
    left_out: &'static [(&'static str, &'static str)],
}

const PAGE: Page = Page {
    file: "",
    before: "",
    meanwhile: "",
    installed: true,
    made_up: &[],
    codes: &[],
    left_out: &[],
};

const FLIGHTS: &str = include_str!("../../examples/flights/schema.sql");

/// Kinds of blocks that are run; the others (output, other languages) are read only.
const KINDS: [&str; 4] = ["sh", "sql", "yaml", "console"];

struct Block {
    kind: String,
    lines: Vec<String>,
    /// The line of its fence, for messages.
    at: usize,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(kind) => {
                inside = true;
                blocks.push(Block {
                    kind: kind.trim().to_owned(),
                    lines: Vec::new(),
                    at: number + 1,
                });
            }
            None if inside => blocks.last_mut().unwrap().lines.push(line.to_owned()),
            None => {}
        }
    }
    blocks
}

/// One walk: the database, the folder in which commands are run, and what was left out so far.
struct Walk {
    page: &'static Page,
    database: Database,
    connection: PgConnection,
    folder: PathBuf,
    used: Vec<&'static str>,
    /// What the page made up and is known by now.
    known: Vec<(&'static str, String)>,
}

impl Walk {
    fn new(page: &'static Page) -> Self {
        let database = if page.installed {
            database()
        } else {
            empty_database()
        };
        let name = page.file.replace(['/', '.'], "-");
        let folder = std::env::temp_dir().join(format!("audit-walk-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut connection = database.connect();
        execute(&mut connection, page.before);
        Self {
            page,
            database,
            connection,
            folder,
            used: Vec::new(),
            known: Vec::new(),
        }
    }

    /// Whether something is listed as what can not be run.
    fn is_left_out(&mut self, text: &str) -> bool {
        let found = self
            .page
            .left_out
            .iter()
            .find(|(start, _)| text.trim_start().starts_with(start));
        self.used.extend(found.map(|(start, _)| *start));
        found.is_some()
    }

    /// The text with what the page made up as it is in this database.
    fn real(&mut self, text: &str) -> String {
        #[derive(QueryableByName)]
        struct Value {
            #[diesel(sql_type = Text)]
            value: String,
        }
        let mut real = text.to_owned();
        for (made_up, query) in self
            .page
            .made_up
            .iter()
            .filter(|(made_up, _)| text.contains(made_up))
        {
            // What a page shows is what it was when it was first named.
            if !self.known.iter().any(|(known, _)| known == made_up) {
                let found: Value = diesel::sql_query(format!("select ({query})::text as value"))
                    .get_result(&mut self.connection)
                    .unwrap_or_else(|error| panic!("{}: {made_up}: {error}", self.page.file));
                self.known.push((made_up, found.value));
            }
        }
        for (made_up, value) in &self.known {
            real = real.replace(made_up, value);
        }
        real
    }

    fn shell(&mut self, line: &str, at: usize) {
        let code = self
            .page
            .codes
            .iter()
            .find(|(start, _)| line.starts_with(start))
            .map_or(0, |(_, code)| *code);
        let real = self.real(line);
        let programs = Path::new(env!("CARGO_BIN_EXE_audit")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", &real])
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("DATABASE_URL", self.database.url())
            .env_remove("AUDIT_TIME_ZONE")
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{}:{at}: {real}\n{}{}",
            self.page.file,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn block(&mut self, block: &Block) {
        let text = block.lines.join("\n");
        // Of commands each line is looked at by itself.
        if matches!(block.kind.as_str(), "sql" | "yaml") && self.is_left_out(&text) {
            return;
        }
        match block.kind.as_str() {
            "sql" => {
                let real = self.real(&text);
                if let Err(error) = self.connection.batch_execute(&real) {
                    panic!("{}:{}: {error}\n{real}", self.page.file, block.at);
                }
            }
            "yaml" => {
                let version = if text.contains("version: 1") {
                    ""
                } else {
                    "version: 1\n"
                };
                fs::write(self.folder.join("audit.yml"), format!("{version}{text}\n")).unwrap();
                self.shell("audit plan", block.at);
                self.shell("audit apply", block.at);
                execute(&mut self.connection, self.page.meanwhile);
                self.shell("audit tick", block.at);
            }
            kind => {
                for (place, line) in block.lines.iter().enumerate() {
                    let line = match (kind, line.strip_prefix("$ ")) {
                        ("console", Some(command)) => command,
                        ("console", None) => continue,
                        _ if line.trim().is_empty() || line.starts_with('#') => continue,
                        _ => line,
                    };
                    if !self.is_left_out(line) {
                        self.shell(line, block.at + place + 1);
                    }
                }
            }
        }
    }
}

#[track_caller]
fn execute(connection: &mut PgConnection, statements: &str) {
    if !statements.is_empty() {
        let done = connection.batch_execute(statements);
        done.unwrap_or_else(|error| panic!("{error}: {statements}"));
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
fn walk(page: &'static Page) {
    let text = fs::read_to_string(root().join(page.file)).unwrap();
    let mut walk = Walk::new(page);
    let blocks = blocks(&text);
    for block in blocks
        .iter()
        .filter(|block| KINDS.contains(&block.kind.as_str()))
    {
        walk.block(block);
    }
    let unused: Vec<_> = page
        .left_out
        .iter()
        .filter(|(start, _)| !walk.used.contains(start))
        .collect();
    assert!(
        unused.is_empty(),
        "{}: nothing begins like this any more: {unused:?}",
        page.file
    );
}

const README: Page = Page {
    file: "README.md",
    installed: false,
    before: "
        create table public.customers (id bigint primary key);
        create table public.orders (
            id bigint primary key, customer_id bigint, amount numeric, shipping_address text
        );
        insert into public.customers values (1);
        insert into public.orders values (1, 1, 10, 'here');",
    left_out: &[
        ("make ", "what the Makefile does is for a whole checkout"),
        ("cargo run", "the demo, which has a test of its own"),
        (
            "export DATABASE_URL",
            "the address of the reader's database; the test names its own",
        ),
        (
            "audit plan audit.yml",
            "the policy is shown further down, where it is planned and applied",
        ),
        ("audit apply audit.yml", "as above"),
        ("audit drift", "nothing was applied yet"),
        (
            "audit-report serve",
            "runs until it is stopped; audit-report/tests/serve has one",
        ),
        (
            "audit as-of orders 2026-01-31",
            "the table is watched only further down",
        ),
        (
            "audit undo --transaction 740",
            "a transaction of the reader's own",
        ),
        ("* * * * *  audit-notify", "a line of a crontab"),
        (
            "audit-notify --follow",
            "runs until it is stopped; tests/notify.rs follows",
        ),
    ],
    ..PAGE
};

#[test]
fn the_readme() {
    walk(&README);
}

const ALERTS: Page = Page {
    file: "docs/guide/alerts.md",
    before: r#"
        create table public.orders (id int primary key, amount numeric, note text);
        select audit.watch('orders', owner => 'shop@example.com');
        select audit.declare_rule('orders', 'positive', 'range', '{"column": "amount", "min": 0}', severity => 'critical');
        select audit.declare_rule('orders', 'noted', 'not_null', '{"column": "note"}', severity => 'normal', owner => 'desk@example.com');
        select audit.compile('orders');
        select audit.declare_alert('bad_rows', '{"on": "rules", "when": "failing > 0", "severity": "inherit", "messages": "each"}');
        insert into orders values (1, -1, 'a'), (2, 2, null), (3, 3, null);"#,
    made_up: &[
        (
            "9d57",
            "select left(alert_id::text, 8) from audit.alert where severity = 'critical' limit 1",
        ),
        (
            "1b07",
            "select left(alert_id::text, 8) from audit.alert where severity = 'normal' limit 1",
        ),
        (
            "1a41",
            "select left(silence_id::text, 8) from audit.silence",
        ),
    ],
    ..PAGE
};

#[test]
fn alerts() {
    walk(&ALERTS);
}

const CHECK: Page = Page {
    file: "docs/guide/check-and-suggest.md",
    before: concat!(
        include_str!("../../examples/flights/schema.sql"),
        "
        select audit.watch('flights');
        select audit.declare_rule('flights', 'references_dest', 'references', '{\"column\": \"dest\", \"table\": \"public.airports\", \"key\": \"faa\"}');
        select audit.declare_rule('flights', 'not_null_tailnum', 'not_null', '{\"column\": \"tailnum\"}');
        select audit.compile('flights');"
    ),
    left_out: &[
("audit check --policy audit.yml", "the policy of the reader"),
        ("data_quality:", "the file of a CI service"),
    ],
    ..PAGE
};

#[test]
fn check_and_suggest() {
    walk(&CHECK);
}

const QUARANTINE: Page = Page {
    file: "docs/guide/quarantine.md",
    before:
        "
        create table public.orders (id bigint primary key, region text, amount numeric, note text);",
    meanwhile: "
        insert into public.orders values (2, 'north', -20, null), (3, 'north', 5, null), (7, 'north', -1, 'a test');",
    made_up: &[(
        "f609",
        "select left(quarantine_id::text, 8) from audit.quarantine where key = '2'",
    )],
    codes: &[("audit quarantine release --rule", 1)],
    ..PAGE
};

#[test]
fn quarantine() {
    walk(&QUARANTINE);
}

const READING: Page = Page {
    file: "docs/guide/reading-the-log.md",
    before: "
        create table public.orders (id bigint primary key, amount numeric);
        select audit.watch('orders');
        insert into orders values (42, 1), (43, 2);
        update orders set amount = 5 where id = 42;",
    made_up: &[
        (
            "2026-01-31 18:00",
            "select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')",
        ),
        (
            "2026-01-31 --",
            "select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || 'Z --'",
        ),
        (
            "0/1A2B3C8",
            "select lsn from audit.change order by lsn desc limit 1",
        ),
        (
            "740",
            "select xid from audit.change order by lsn desc limit 1",
        ),
    ],
    left_out: &[
        (
            "select step, statement, status, reason from audit.undo('0/1A2B3C8')",
            "ada is made up, and wrote nothing",
        ),
        (
            "audit undo --actor ada",
            "ada is made up, and wrote nothing",
        ),
        (
            "audit undo --transaction 740 --run",
            "was taken back in the block before",
        ),
    ],
    ..PAGE
};

#[test]
fn reading_the_log() {
    walk(&READING);
}

const REJECTIONS: Page = Page {
    file: "docs/guide/rejections.md",
    left_out: &[(
        "create extension dblink",
        "takes a password of the reader's; audit-schema/tests/reject.rs keeps evidence through dblink",
    )],
    ..PAGE
};

#[test]
fn rejections() {
    walk(&REJECTIONS);
}

const RULES: Page = Page {
    file: "docs/guide/rules.md",
    before: "
        create table public.orders (
            id bigint primary key, customer text, total numeric, status text, paid_at timestamptz, shipped_at timestamptz
        );",
    left_out: &[
        ("- immutable", "a part of a policy"),
        ("- writers", "a part of a policy"),
    ],
    ..PAGE
};

#[test]
fn rules() {
    walk(&RULES);
}

const SUMMARIES: Page = Page {
    file: "docs/guide/summaries.md",
    before: FLIGHTS,
    ..PAGE
};

#[test]
fn summaries() {
    walk(&SUMMARIES);
}

const TIME: Page = Page {
    file: "docs/guide/time-driven-rules.md",
    before: "
        create table public.flights (id bigint primary key, origin text, time_hour timestamptz, dep_time int, fee numeric);
        create table public.ledger (id bigint primary key, origin text, amount numeric);
        create table public.crews (id bigint primary key, flight_id bigint);",
    ..PAGE
};

#[test]
fn time_driven_rules() {
    walk(&TIME);
}

const DOCUMENTS: Page = Page {
    file: "docs/guide/documents.md",
    before: "create table public.orders (id bigint primary key); select audit.watch('orders');",
    ..PAGE
};

#[test]
fn documents() {
    walk(&DOCUMENTS);
}

const NOTIFY: Page = Page {
    file: "docs/guide/notify.md",
    before: "create table public.orders (id bigint primary key, amount numeric);",
    left_out: &[(
        "audit deliveries",
        "needs a provider that gives up; audit-bin/tests/notify.rs has one",
    )],
    ..PAGE
};

#[test]
fn notify() {
    walk(&NOTIFY);
}

const PRIVACY: Page = Page {
    file: "docs/guide/privacy-and-retention.md",
    before: "create table public.people (id bigint primary key, email text, born date, phone text, grade integer, note text);",
    made_up: &[
        (
            "434d",
            "select left(quarantine_id::text, 4) from audit.quarantine where key = '2'",
        ),
        (
            "2026-11-25T16:56:10Z",
            "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        ),
    ],
    ..PAGE
};

#[test]
fn privacy_and_retention() {
    walk(&PRIVACY);
}

const COMMAND_LINE: Page = Page {
    file: "docs/guide/command-line.md",
    before: "
        create table public.orders (id bigint primary key, region text, amount numeric, note text);
        insert into orders values (1, 'north', 5, null);",
    ..PAGE
};

#[test]
fn command_line() {
    walk(&COMMAND_LINE);
}

/// A new page must be walked through, too.
#[test]
fn every_page_of_the_guide_with_something_to_run_is_walked_through() {
    let walked = [
        README.file,
        ALERTS.file,
        CHECK.file,
        QUARANTINE.file,
        READING.file,
        REJECTIONS.file,
        RULES.file,
        SUMMARIES.file,
        TIME.file,
        DOCUMENTS.file,
        NOTIFY.file,
        COMMAND_LINE.file,
        PRIVACY.file,
        // Its examples are applied by audit-schema/tests/policy_guide.rs.
        "docs/guide/policy.md",
        // Its files are those of other tools; audit-bin/tests/import.rs has some.
        "docs/guide/import-and-export.md",
        // It makes a role of the whole server; audit-report/tests/serve has one.
        "docs/guide/live-page.md",
        "docs/guide/grafana.md",
    ];
    let mut missing = Vec::new();
    for entry in fs::read_dir(root().join("docs/guide")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("docs/guide/{}", path.file_name().unwrap().to_string_lossy());
        let text = fs::read_to_string(&path).unwrap();
        let runs = blocks(&text)
            .iter()
            .any(|block| KINDS.contains(&block.kind.as_str()));
        if runs && !walked.contains(&name.as_str()) {
            missing.push(name);
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
