//! `audit check` as a person runs it, and as it goes on after it was killed.

use std::process::{Child, Command, Output, Stdio};

use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{PgConnection, RunQueryDsl};

fn audit(database: &Database, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_remove("AUDIT_TIME_ZONE")
        .env("DATABASE_URL", database.url());
    command
}

/// The exit code and what was printed, with an ending that says how long it took cut off.
fn ended(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().map(|line| match line.split_once(" read · ") {
        Some((rows, _)) => format!("{rows} read"),
        None => line.to_owned(),
    });
    (output.status.code(), lines.collect::<Vec<_>>().join("\n"))
}

fn check(database: &Database, arguments: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["check"], arguments].concat();
    let output = audit(database, &arguments).output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    ended(&output)
}

/// A watched table of a hundred orders: every tenth has no region, the thirtieth and the sixtieth cost less than nothing.
fn shop() -> Database {
    let database = database();
    run(
        &mut database.connect(),
        "create table orders (id int primary key, region text, amount int);
         select audit.watch('orders');
         select audit.declare_rule('orders', 'region_is_known', 'not_null', '{\"column\": \"region\"}', severity => 'low', owner => 'shop@example.com');
         select audit.declare_rule('orders', 'amount_is_positive', 'range', '{\"column\": \"amount\", \"min\": 1}', severity => 'critical');
         select audit.declare_rule('orders', 'amount_is_small', 'range', '{\"column\": \"amount\", \"max\": 1000}');
         select audit.compile('orders');
         insert into orders select id, case when id % 10 <> 0 then 'r' || id end, case when id in (30, 60) then -1 else id end from generate_series(1, 100) id",
    );
    database
}

fn run(connection: &mut PgConnection, statements: &str) {
    connection
        .batch_execute(statements)
        .unwrap_or_else(|error| panic!("{error}"));
}

fn number(connection: &mut PgConnection, query: &str) -> i64 {
    diesel::select(diesel::dsl::sql::<BigInt>(&format!("({query})")))
        .get_result(connection)
        .unwrap()
}

#[test]
fn what_fails_is_shown_by_severity_with_keys_and_the_code_tells_the_worst() {
    let shop = shop();
    let (code, text) = check(&shop, &[]);
    assert_eq!(code, Some(13));
    insta::assert_snapshot!(text, @r"
    orders  100 rows read
    rule that fails     severity    rows   share  first keys   example         owner
    amount_is_positive  ▲ critical     2   2.0 %  30 60        amount -1
    region_is_known     ○ low         10  10.0 %  10 20 30 +7  region missing  shop@example.com
    ✓ 1 rule holds for every row

    1 table · 100 rows · 2 of 3 rules failing, the worst is critical
    ");
    assert_eq!(
        check(&shop, &["orders", "--rule", "region_is_known"]).0,
        Some(10)
    );
    assert_eq!(check(&shop, &["--rule", "amount_is_small"]).0, Some(0));
}

#[test]
fn the_status_tells_of_the_last_check_and_of_one_that_is_not_finished() {
    let shop = shop();
    check(&shop, &["--batch-rows", "10"]);
    run(
        &mut shop.connect(),
        "select audit.begin_check('orders'), audit.check_batch(2, 25)",
    );
    let output = audit(&shop, &["status"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> = text
        .lines()
        .skip_while(|line| !line.starts_with("last check"))
        .take_while(|line| !line.is_empty())
        .map(|line| {
            line.split_whitespace()
                .filter(|word| !word.contains(':'))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .map(|line| {
            line.split_once(" 20").map_or(line.clone(), |(name, rest)| {
                format!("{} …{}", &name[..6], &rest[3..])
            })
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    last check when rows rules failing state
    orders … 100 2 of 3 done
    orders … 25 1 of 3 25.0 % done; `audit check` goes on
    ");
}

#[test]
fn rules_of_a_policy_are_checked_before_it_is_applied() {
    let shop = shop();
    let path = std::env::temp_dir().join(format!("audit-{}-check.yml", std::process::id()));
    std::fs::write(
        &path,
        "version: 1\ntables:\n  public.orders:\n    rules:\n      - unique: region\n      - length: { region: { max: 2 } }\n        severity: important\n",
    )
    .unwrap();
    let (code, text) = check(&shop, &["--policy", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(code, Some(12));
    insta::assert_snapshot!(text, @r"
    orders  100 rows read
    rule that fails  severity     rows   share  first keys    example     owner
    length_region    ◆ important    81  81.0 %  11 12 13 +78  region r11
    ✓ 1 rule holds for every row
      unique_region: no index on its columns, so one statement read the whole table

    1 table · 100 rows · 1 of 2 rules failing, the worst is important
    ");
}

#[test]
fn what_can_not_be_checked_is_said() {
    let shop = shop();
    let said = |arguments: &[&str]| {
        let output = audit(&shop, arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    insta::assert_snapshot!(said(&["check", "orders", "--rule", "regoin"]).1, @r"
    error: public.orders has no rule `regoin`
      hint: Its rules are amount_is_positive, amount_is_small, region_is_known.
    ");
    insta::assert_snapshot!(said(&["check", "--rule", "regoin"]).1, @"error: there is no rule `regoin` to check");
    assert_eq!(said(&["check", "--throttle", "fast"]).0, Some(64));
    assert_eq!(said(&["check", "--throttle", "50%"]).0, Some(13));
}

/// A check that hangs on the fiftieth order until the gate is opened: at a known row, whatever the speed of the machine.
struct Gate {
    keeper: PgConnection,
    check: Child,
}

impl Gate {
    fn close(shop: &Database) -> Self {
        run(
            &mut shop.connect(),
            "create function passes(id int) returns boolean language plpgsql as
             $$ begin if id = 50 then perform pg_catalog.pg_advisory_xact_lock_shared(50); end if; return id <> 70; end $$;
             select audit.declare_rule('orders', 'passes_the_gate', 'expression', '{\"expression\": \"passes(id)\"}');
             select audit.compile('orders')",
        );
        let mut keeper = shop.connect();
        run(&mut keeper, "select pg_advisory_lock(50)");
        let check = audit(shop, &["check", "--batch-rows", "7"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { keeper, check }
    }

    /// Waits until the check hangs, and gives the number of the server process that it hangs in.
    fn reached(&mut self) -> i64 {
        let waiting = "select coalesce(max(l.pid), 0)::bigint from pg_locks l join pg_database d on d.oid = l.database
             where d.datname = current_database() and l.locktype = 'advisory' and not l.granted and l.objid = 50";
        loop {
            match number(&mut self.keeper, waiting) {
                0 => std::thread::yield_now(),
                process => return process,
            }
        }
    }

    fn kill_the_check(&mut self) {
        // On Unix this is SIGKILL.
        self.check.kill().unwrap();
        self.check.wait().unwrap();
    }

    fn gone(&mut self, process: i64) {
        while number(
            &mut self.keeper,
            &format!("select count(*) from pg_stat_activity where pid = {process}"),
        ) > 0
        {
            std::thread::yield_now();
        }
    }
}

/// Each rule that fails with its rows, and that every row was read exactly once, in one check.
fn result(shop: &Database) -> String {
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
        #[diesel(sql_type = Bool)]
        ended: bool,
    }
    let lines: Vec<Line> = diesel::sql_query(
        "select format('%s: %s of %s %s', name, failing, rows, keys) as line, ended_at is not null as ended
         from audit.check_result where failing > 0 order by check_run_id, name",
    )
    .load(&mut shop.connect())
    .unwrap();
    assert!(lines.iter().all(|line| line.ended));
    lines
        .into_iter()
        .map(|line| line.line)
        .collect::<Vec<_>>()
        .join("\n")
}

const EVERY_ROW_ONCE: &str = "amount_is_positive: 2 of 100 {30,60}
passes_the_gate: 1 of 100 {70}
region_is_known: 10 of 100 {10,20,30,40,50,60,70,80,90,100}";

#[test]
fn a_killed_check_whose_batch_was_lost_goes_on_and_reads_every_row_once() {
    let shop = shop();
    let mut gate = Gate::close(&shop);
    let process = gate.reached();
    gate.kill_the_check();
    run(
        &mut gate.keeper,
        &format!("select pg_terminate_backend({process})"),
    );
    gate.gone(process);
    assert_eq!(
        number(&mut gate.keeper, "select rows from audit.check_run"),
        49
    );
    run(&mut gate.keeper, "select pg_advisory_unlock(50)");

    let (code, text) = check(&shop, &["--batch-rows", "7"]);
    assert_eq!(code, Some(13));
    assert!(text.starts_with("orders  100 rows read\n"), "{text}");
    assert_eq!(result(&shop), EVERY_ROW_ONCE);
}

#[test]
fn a_killed_check_whose_batch_is_still_running_goes_on_behind_it_and_reads_every_row_once() {
    let shop = shop();
    let mut gate = Gate::close(&shop);
    let process = gate.reached();
    gate.kill_the_check();
    // The server does not know yet that nobody waits for the batch, and commits it.
    run(&mut gate.keeper, "select pg_advisory_unlock(50)");
    check(&shop, &["--batch-rows", "7"]);
    gate.gone(process);
    assert_eq!(result(&shop), EVERY_ROW_ONCE);
}
