//! A service that watches a table of its own, writes to it, and reads what was found.
//!
//! ```sh
//! cargo run --example embed_in_a_service
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use audit_core::Policy;
use audit_schema::context::{self, Context};
use audit_schema::embedded::{Cluster, Options};
use audit_schema::finding::{self, Filter};
use audit_schema::inspect;
use audit_schema::quarantine;
use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, sql_query};

const POLICY: &str = "
version: 1
tables:
  public.orders:
    why: Orders are billed on the day they are placed.
    owner: shop@example.com
    rules:
      - not_blank: customer
        severity: important
      - range: { amount: { min: 0.01, max: 100000 } }
        severity: critical
        action: quarantine
        why: Nobody orders for nothing, and nobody without a call for more.
      - one_of: { state: [placed, paid, shipped] }
        severity: critical
        action: reject
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A server of its own, for trying it out. A service connects to its database instead.
    let cluster = Cluster::start(Options::default())?;
    let mut connection = audit_schema::connect(&cluster.url("postgres"))?;
    connection.batch_execute(
        "create table public.orders (id int primary key, customer text, amount numeric, state text)",
    )?;

    // Both may be called on every start: they do nothing when there is nothing to do.
    audit_schema::migrate(&mut connection)?;
    let policy = Policy::parse(POLICY, "the policy of the shop")?;
    audit_schema::apply(&mut connection, &policy)?;

    // A write as any other; saying on whose behalf is optional.
    connection.transaction(|connection| {
        let on_behalf_of = Context {
            actor: Some("alice@example.com".to_owned()),
            request_id: Some("request 4711".to_owned()),
            ..Context::default()
        };
        context::set(connection, &on_behalf_of)?;
        sql_query(
            "insert into public.orders values
                (1, 'Ada', 12.50, 'placed'),
                (2, '  ', 8.00, 'placed'),
                (3, 'Grace', -1.00, 'placed')",
        )
        .execute(connection)?;
        Ok::<_, audit_schema::Error>(())
    })?;

    // What must never be written fails in the statement that writes it.
    let rejected = sql_query("insert into public.orders values (4, 'Edsger', 3.00, 'lost')")
        .execute(&mut connection);
    if let Err(error) = rejected.map_err(audit_schema::Error::from) {
        println!("rejected: {error}");
    }

    let newest = Filter {
        limit: 10,
        ..Filter::default()
    };
    for finding in finding::findings(&mut connection, &newest)? {
        println!(
            "{}: {} of {} rows fail {} ({}), written by {}",
            finding.severity,
            finding.new_failed,
            finding.rows,
            finding.rule,
            finding.action,
            finding.author.name()
        );
    }
    for held in quarantine::list(&mut connection, &quarantine::Filter::default())? {
        println!(
            "set aside: order {} because of {}: {}",
            held.key,
            held.rules.join(", "),
            held.values
        );
    }
    for table in inspect::status(&mut connection)?.tables {
        println!(
            "{}: {} rows, {} of {} rules fail",
            table.name, table.rows, table.failing_rules, table.rules
        );
    }
    Ok(())
}
