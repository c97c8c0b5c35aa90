//! How long it takes to find the history of one key, in a log of many changed rows and in one of few. Every key has two
//! versions in both. Keys come in the order in which they are written, or scattered, as random identifiers are.

use std::time::Instant;

use audit_report::format::short;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::{Bench, Outcome};

/// How many changed rows the small log has.
const FEW: i64 = 100_000;
/// How many rows a statement writes.
const STATEMENT: i64 = 100_000;
/// How many keys are looked up in a round.
const LOOK_UPS: usize = 40;
/// A log whose look-ups take longer than this is not worth the rest of the round.
const PATIENCE: f64 = 20.0;

/// How keys follow each other: the name, their type, and the key of row number `n`.
const KEYS: [(&str, &str, &str); 2] = [
    ("sequential", "bigint", "n"),
    ("scattered", "uuid", "md5(n::text)::uuid"),
];

pub fn run(bench: &mut Bench<'_>) -> Outcome<()> {
    let many = if bench.options.quick {
        1_000_000
    } else {
        10_000_000
    };
    for (order, key_type, key) in KEYS {
        let mut logs = Vec::new();
        for (name, changes) in [("small", FEW), ("large", many)] {
            bench.say(&format!(
                "a log of {} changed rows, {order} keys",
                short(changes)
            ));
            bench.title(name, &format!("{} changed rows", short(changes)));
            let database = format!("bench_history_{order}_{name}");
            let mut db = bench.server.create(&database, true)?;
            build(&mut db, changes, key_type, key)?;
            let bytes: i64 = diesel::dsl::sql::<BigInt>(include_str!("../sql/packed_bytes.sql"))
                .get_result(&mut db)?;
            bench.keep(order, name, "bytes", bytes as f64);
            logs.push((name, database, db, changes / 2));
        }
        let mut random = Random(1);
        // The first round warms caches and plans.
        for round in 0..=bench.options.rounds {
            bench.say(&format!("round {round}: {LOOK_UPS} look-ups, {order} keys"));
            for (name, _, db, keys) in &mut logs {
                let median = look_up(db, *keys, key, &mut random)?;
                if round > 0 {
                    bench.keep(order, name, "lookup_s", median);
                }
            }
        }
        for (_, database, db, _) in logs {
            drop(db);
            bench.server.drop(&database)?;
        }
    }
    Ok(())
}

/// Inserts half as many rows as there are to be changes and updates each once, in bulk, ticking in between.
fn build(db: &mut PgConnection, changes: i64, key_type: &str, key: &str) -> Outcome<()> {
    use diesel::connection::SimpleConnection;

    db.batch_execute(&include_str!("../sql/history.sql").replace("{type}", key_type))?;
    let rows = changes / 2;
    for (first, statement) in (1..=rows)
        .step_by(STATEMENT as usize)
        .map(|first| (first, include_str!("../sql/history_insert.sql")))
        .chain(
            (1..=rows)
                .step_by(STATEMENT as usize)
                .map(|first| (first, include_str!("../sql/history_update.sql"))),
        )
    {
        let last = (first + STATEMENT - 1).min(rows);
        db.batch_execute(
            &statement
                .replace("{first}", &first.to_string())
                .replace("{last}", &last.to_string())
                .replace("{key}", key),
        )?;
        while diesel::dsl::sql::<BigInt>("select coalesce(audit.tick(), 0)")
            .get_result::<i64>(db)?
            > 0
        {}
    }
    for statement in [
        "vacuum analyze audit.segment",
        "vacuum audit.change",
        "checkpoint",
    ] {
        db.batch_execute(statement)?;
    }
    Ok(())
}

/// The median of the times that it takes to look up random keys.
fn look_up(db: &mut PgConnection, keys: i64, key: &str, random: &mut Random) -> Outcome<f64> {
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = Text)]
        key: String,
    }
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        versions: i64,
    }

    let mut times = Vec::new();
    while times.len() < LOOK_UPS && times.iter().sum::<f64>() < PATIENCE {
        let n = random.next().rem_euclid(keys) + 1;
        let Key { key } = diesel::sql_query(format!(
            "select ({key})::text as key from (values ({n}::bigint)) v (n)"
        ))
        .get_result(db)?;
        let begun = Instant::now();
        let Found { versions } = diesel::sql_query(
            "select count(*) as versions from audit.history('public.journey', $1)",
        )
        .bind::<Text, _>(&key)
        .get_result(db)?;
        times.push(begun.elapsed().as_secs_f64());
        if versions != 2 {
            return Err(format!("key {key} has {versions} versions in the log, not 2").into());
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Numbers without an order that a reader would see, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> i64 {
        // Knuth's MMIX generator; its high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64
    }
}
