//! How long after a commit the request goes out, with one notifier that follows:
//! `cargo run --release -p audit-notify --example latency -- [COMMITS]`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use audit_notify::{Channel, Envelope, Options, Receipt, SendError, SystemClock, follow};
use audit_schema::embedded::{Cluster, Options as ClusterOptions};
use diesel::connection::SimpleConnection;

/// Where a request would begin: notes the time.
#[derive(Debug)]
struct Stopwatch(mpsc::Sender<Instant>);

impl Channel for Stopwatch {
    fn recipients(&self) -> Vec<String> {
        Vec::new()
    }
    fn takes_picture(&self) -> bool {
        false
    }
    fn send(&self, _envelope: &Envelope<'_>) -> Result<Receipt, SendError> {
        let _ = self.0.send(Instant::now());
        Ok(Receipt::default())
    }
}

const POLICY: &str = r#"
    create table public.trouble (name text primary key);
    select audit.watch('public.trouble');
    select audit.declare_summary('public.trouble', 'troubles', '{
        "group_by": [{"name": "name", "expression": "name"}],
        "measures": [{"name": "rows", "function": "count", "expression": null}]}');
    select audit.compile('public.trouble');
    insert into audit.alert_policy (name, definition)
    values ('trouble', '{"on": "troubles", "when": "rows > 0", "severity": "critical", "say": "{name} is in trouble"}');
    insert into audit.channel (name, provider, definition) values ('ops', 'custom', '{"custom": {}}');
    insert into audit.route (position, definition) values (1, '{"to": ["ops"]}');
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let commits: usize = std::env::args()
        .nth(1)
        .map_or(Ok(200), |text| text.parse())?;
    let cluster = Cluster::start(ClusterOptions::default())?;
    let url = cluster.url("postgres");
    let mut connection = audit_schema::connect(&url)?;
    audit_schema::migrate(&mut connection)?;
    connection.batch_execute(POLICY)?;

    let (requested, requests) = mpsc::channel();
    let options = Options {
        channels: [(
            "ops".to_owned(),
            Arc::new(Stopwatch(requested)) as Arc<dyn Channel>,
        )]
        .into(),
        ..Options::default()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let service = {
        let (url, stop) = (url.clone(), Arc::clone(&stop));
        std::thread::spawn(move || follow(&url, options, SystemClock, stop))
    };

    let mut took = Vec::with_capacity(commits);
    for number in 0..commits {
        // Anywhere within the time between two looks.
        std::thread::sleep(Duration::from_millis(
            200 + u64::try_from(number)? * 37 % 300,
        ));
        connection.batch_execute(&format!("insert into public.trouble values ('T{number}')"))?;
        let committed = Instant::now();
        let began = requests.recv_timeout(Duration::from_secs(60))?;
        took.push(began.saturating_duration_since(committed));
        // Few alerts a minute are the usual case; more would share a message.
        connection.batch_execute("update audit.outbox set at = at - interval '1 hour'")?;
    }
    stop.store(true, Ordering::Relaxed);
    service.join().map_err(|_| "the service panicked")??;

    took.sort();
    let percentile = |of: usize| took[(took.len() - 1) * of / 100].as_millis();
    println!(
        "{commits} commits, milliseconds from commit to request: median {}, p90 {}, p99 {}, longest {}",
        percentile(50),
        percentile(90),
        percentile(99),
        percentile(100)
    );
    Ok(())
}
