//! What watching a table costs the writer.
//!
//! Writes the same rows to a plain table, a watched one, a watched one with ten rules, and a watched one with three
//! summaries, in turn and several times over, so that whatever else the machine does falls on all alike. What counts is
//! the ratio to the plain table in the same round; the times are those of the machine.
//!
//! `cargo run --release --features embedded --example bench -- [file [rounds]]` prints a table, and replaces the part of
//! the file between its two marks.
#![expect(
    clippy::print_stdout,
    reason = "a program whose result is what it prints"
)]

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use audit_schema::embedded::{Cluster, Options};
use audit_schema::{connect, migrate};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

type Failure = Box<dyn std::error::Error>;

const ROWS: i64 = 100_000;
const CLIENTS: i64 = 4;
const SINGLE_ROWS_FOR: Duration = Duration::from_secs(2);
const BEGIN: &str = "<!-- make bench: begin -->";
const END: &str = "<!-- make bench: end -->";

/// A table that is written to, and what is attached to it.
struct Subject {
    table: &'static str,
    title: &'static str,
    setup: &'static str,
}

const SUBJECTS: [Subject; 4] = [
    Subject {
        table: "plain",
        title: "not watched",
        setup: "",
    },
    Subject {
        table: "watched",
        title: "watched",
        setup: "select audit.watch('watched')",
    },
    Subject {
        table: "ruled",
        title: "watched, 10 rules",
        setup: RULES,
    },
    Subject {
        table: "summed",
        title: "watched, 3 summaries",
        setup: SUMMARIES,
    },
];

/// Twenty columns of the kinds that business tables have.
const TABLE: &str = "
    id bigint primary key, customer integer, region text, status text, amount numeric(12, 2), quantity integer,
    discount numeric(5, 2), currency text, email text, country text, created_at timestamptz, updated_at timestamptz,
    shipped_at timestamptz, note text, sku text, price double precision, paid boolean, tags text[], attributes jsonb,
    token uuid";

/// The columns of a row, as functions of `i`.
const ROW: &str = "
    i, (i % 1000)::integer, 'region ' || i % 20, (array['new', 'paid', 'sent', 'done'])[i % 4 + 1],
    (i % 100000) / 100.0, (i % 9)::integer + 1, i % 30, 'EUR', 'customer' || i % 1000 || '@example.com', 'DE',
    timestamptz '2024-01-01' + i % 525600 * interval '1 minute', timestamptz '2024-01-01' + i % 525600 * interval '1 minute',
    null, 'an order of the day', 'SKU-' || i % 5000, i % 977 * 1.5, i % 3 = 0, array['a', 'b'], '{\"channel\": \"web\"}',
    '6f0a1e9c-3d2b-4c5d-8e7f-000000000000'";

const RULES: &str = r#"
    select audit.watch('ruled');
    select audit.declare_rule('ruled', 'customer', 'not_null', '{"column": "customer"}');
    select audit.declare_rule('ruled', 'region', 'not_blank', '{"column": "region"}');
    select audit.declare_rule('ruled', 'status', 'one_of', '{"column": "status", "values": ["new", "paid", "sent", "done"]}');
    select audit.declare_rule('ruled', 'amount', 'range', '{"column": "amount", "min": 0, "max": 100000}');
    select audit.declare_rule('ruled', 'quantity', 'range', '{"column": "quantity", "min": 1}', action => 'reject');
    select audit.declare_rule('ruled', 'sku_length', 'length', '{"column": "sku", "min": 5, "max": 20}');
    select audit.declare_rule('ruled', 'sku', 'matches', '{"column": "sku", "pattern": "^SKU-[0-9]+$"}');
    select audit.declare_rule('ruled', 'email', 'format', '{"column": "email", "format": "email"}', action => 'quarantine');
    select audit.declare_rule('ruled', 'created', 'not_future', '{"column": "created_at"}');
    select audit.declare_rule('ruled', 'order', 'expression', '{"expression": "updated_at >= created_at"}');
    select audit.compile('ruled')"#;

const SUMMARIES: &str = r#"
    select audit.watch('summed');
    select audit.declare_summary('summed', 'by_region', '{"group_by": [{"name": "region", "expression": "region"}],
        "measures": [{"name": "orders", "function": "count"}, {"name": "total", "function": "sum", "expression": "amount"}]}');
    select audit.declare_summary('summed', 'by_status', '{"group_by": [{"name": "status", "expression": "status"}],
        "measures": [{"name": "orders", "function": "count"}, {"name": "unpaid", "function": "count_if", "expression": "not paid"}]}');
    select audit.declare_summary('summed', 'by_day', '{"bucket": {"column": "created_at", "width": "1 day", "time_zone": "UTC"},
        "group_by": [], "measures": [{"name": "orders", "function": "count"}, {"name": "mean", "function": "avg", "expression": "amount"}]}');
    select audit.compile('summed')"#;

/// What one round measured on one table.
struct Round {
    insert: f64,
    update: f64,
    single_rows: f64,
    log: f64,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next();
    let rounds: usize = arguments.next().map_or(Ok(5), |text| text.parse())?;

    let cluster = Cluster::start(Options {
        durable: true,
        settings: [
            ("shared_buffers", "512MB"),
            ("max_wal_size", "4GB"),
            ("autovacuum", "off"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..Options::default()
    })?;
    let url = cluster.url("postgres");
    let mut db = connect(&url)?;
    migrate(&mut db)?;
    db.batch_execute(&format!(
        "create table source ({TABLE}); insert into source select {ROW} from generate_series(1, {ROWS}) i; analyze source"
    ))?;
    for subject in &SUBJECTS {
        db.batch_execute(&format!(
            "create table {} ({TABLE}); {}",
            subject.table, subject.setup
        ))?;
    }

    let mut measured: Vec<Vec<Round>> = Vec::new();
    for round in 0..=rounds {
        let results = SUBJECTS
            .iter()
            .map(|subject| measure(&mut db, &url, subject))
            .collect::<Result<Vec<_>, Failure>>()?;
        // The first round warms caches and plans.
        if round > 0 {
            println!("round {round} of {rounds}");
            measured.push(results);
        }
    }

    let report = render(&measured, cluster.server().major);
    println!("\n{report}");
    if let Some(file) = file {
        let text = std::fs::read_to_string(&file)?;
        let (before, rest) = text
            .split_once(BEGIN)
            .ok_or("the file has no mark where the table begins")?;
        let (_, after) = rest
            .split_once(END)
            .ok_or("the file has no mark where the table ends")?;
        std::fs::write(&file, format!("{before}{BEGIN}\n{report}{END}{after}"))?;
    }
    Ok(())
}

fn measure(db: &mut PgConnection, url: &str, subject: &Subject) -> Result<Round, Failure> {
    let table = subject.table;
    db.batch_execute(&format!("truncate {table}"))?;
    drain(db)?;
    db.batch_execute("checkpoint")?;

    let insert = timed(db, &format!("insert into {table} select * from source"))?;
    db.batch_execute(&format!("analyze {table}"))?;
    let update = timed(
        db,
        &format!(
            "update {table} set amount = amount + 1, updated_at = updated_at + interval '1 day'"
        ),
    )?;
    let log: i64 = diesel::dsl::sql::<BigInt>(
        "select coalesce(sum(coalesce(pg_column_size(old), 0) + coalesce(pg_column_size(new), 0)), 0)::bigint from audit.change where op <> 'T'",
    )
    .get_result(db)?;

    db.batch_execute(&format!("truncate {table}"))?;
    drain(db)?;
    db.batch_execute("checkpoint")?;
    let single_rows = single_rows_a_second(url, table)?;
    Ok(Round {
        insert,
        update,
        single_rows,
        log: log as f64,
    })
}

/// Empties the head of the log, which is not the writer's work.
fn drain(db: &mut PgConnection) -> Result<(), Failure> {
    while diesel::dsl::sql::<BigInt>("select coalesce(audit.tick(), 0)").get_result::<i64>(db)? > 0
    {
    }
    db.batch_execute("vacuum audit.change")?;
    Ok(())
}

fn timed(db: &mut PgConnection, statement: &str) -> Result<f64, Failure> {
    let begun = Instant::now();
    db.batch_execute(statement)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Prepared inserts of one row each in a transaction of its own, from several clients, committed asynchronously.
fn single_rows_a_second(url: &str, table: &str) -> Result<f64, Failure> {
    let statement = format!(
        "insert into {table} select {} from (select $1 as i) one",
        ROW
    );
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    let written: i64 = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (statement, stop) = (&statement, &stop);
                scope.spawn(move || -> Result<i64, audit_schema::Error> {
                    let mut db = connect(url)?;
                    db.batch_execute("set synchronous_commit = off")?;
                    let mut written = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let id = client + CLIENTS * written;
                        diesel::sql_query(statement)
                            .bind::<BigInt, _>(id)
                            .execute(&mut db)?;
                        written += 1;
                    }
                    Ok(written)
                })
            })
            .collect();
        std::thread::sleep(SINGLE_ROWS_FOR);
        stop.store(true, Ordering::Relaxed);
        clients
            .into_iter()
            .map(|client| client.join().expect("a client does not panic"))
            .sum::<Result<i64, _>>()
    })?;
    Ok(written as f64 / begun.elapsed().as_secs_f64())
}

fn render(measured: &[Vec<Round>], major: u32) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "PostgreSQL {major}, {cores} cores, medians of {} rounds; in brackets the ratio to the table that is not watched, in the same round.\n",
        measured.len()
    );
    let _ = writeln!(
        text,
        "| | insert {0}k | update {0}k | log of both | single-row inserts/s, {CLIENTS} clients |",
        ROWS / 1000
    );
    let _ = writeln!(text, "|---|---|---|---|---|");
    for (position, subject) in SUBJECTS.iter().enumerate() {
        let all =
            |value: fn(&Round) -> f64| median(measured.iter().map(|round| value(&round[position])));
        let ratio = |value: fn(&Round) -> f64| {
            median(
                measured
                    .iter()
                    .map(|round| value(&round[position]) / value(&round[0])),
            )
        };
        let _ = writeln!(
            text,
            "| {} | {:.2} s ({:.1}×) | {:.2} s ({:.1}×) | {} | {:.1} k ({:.2}×) |",
            subject.title,
            all(|round| round.insert),
            ratio(|round| round.insert),
            all(|round| round.update),
            ratio(|round| round.update),
            if position == 0 {
                "–".to_owned()
            } else {
                format!("{:.1} MB", all(|round| round.log) / 1e6)
            },
            all(|round| round.single_rows) / 1e3,
            ratio(|round| round.single_rows),
        );
    }
    text
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
