//! What a cron job does every minute: pack and evaluate what is due, and deliver what people must hear of.
//! Here the messages go to files; another channel in the policy sends them by mail.
//!
//! ```sh
//! cargo run --example notify_from_cron
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]
#![expect(clippy::disallowed_methods, reason = "a program reads its environment")]

use std::fs;

use audit_core::Policy;
use audit_notify::{Options, Outcome, SystemClock, run_once};
use audit_schema::embedded::{Cluster, Options as ClusterOptions};
use diesel::connection::SimpleConnection;

const POLICY: &str = "
version: 1
tables:
  public.readings:
    owner: plant@example.com
    rules:
      - range: { celsius: { min: -40, max: 120 } }
        severity: important
        why: Beyond that the sensor is broken.
alerts:
  broken_sensors:
    on: rules
    when: failing_ratio > 0.1
    severity: inherit
channels:
  desk: { file: { directory: DIRECTORY } }
routes:
  - { to: desk }
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("audit-example-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let cluster = Cluster::start(ClusterOptions::default())?;
    let mut connection = audit_schema::connect(&cluster.url("postgres"))?;
    connection
        .batch_execute("create table public.readings (id int primary key, celsius numeric)")?;
    audit_schema::migrate(&mut connection)?;
    let policy = POLICY.replace("DIRECTORY", &directory.display().to_string());
    audit_schema::apply(
        &mut connection,
        &Policy::parse(&policy, "the policy of the plant")?,
    )?;

    connection.batch_execute("insert into public.readings select n, case when n % 5 = 0 then 999 else 20 end from generate_series(1, 100) n")?;

    // This is the cron job: `audit-notify --once` does the same.
    let mut options = Options {
        environment: Box::new(|name| std::env::var(name).ok()),
        ..Options::default()
    };
    let report = run_once(&mut connection, &mut options, &SystemClock)?;
    assert_eq!(report.outcome(), Outcome::Done);
    for delivered in &report.delivered {
        println!("delivered to {}: {}", delivered.channel, delivered.subject);
    }
    for entry in fs::read_dir(&directory)? {
        println!("{}", entry?.file_name().display());
    }

    // Once more: nothing is due, so nothing is sent twice.
    let report = run_once(&mut connection, &mut options, &SystemClock)?;
    println!("second run: {} delivered", report.delivered.len());
    fs::remove_dir_all(&directory)?;
    Ok(())
}
