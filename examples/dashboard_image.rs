//! A service that draws the dashboard of its database, for a report or a status page.
//!
//! ```sh
//! cargo run --example dashboard_image
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::fs;

use audit_core::Policy;
use audit_report::{Selection, Style, dashboard, png};
use audit_schema::embedded::{Cluster, Options};
use diesel::connection::SimpleConnection;

const POLICY: &str = "
version: 1
tables:
  public.customers:
    owner: crm@example.com
    rules:
      - format: { email: email }
        severity: important
        why: Invoices go by mail.
      - not_blank: name
        severity: normal
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::start(Options::default())?;
    let mut connection = audit_schema::connect(&cluster.url("postgres"))?;
    connection.batch_execute(
        "create table public.customers (id int primary key, name text, email text)",
    )?;
    audit_schema::migrate(&mut connection)?;
    audit_schema::apply(
        &mut connection,
        &Policy::parse(POLICY, "the policy of the customers")?,
    )?;
    connection.batch_execute(
        "insert into public.customers
        select n, 'customer ' || n, case when n % 7 = 0 then 'nobody' else n || '@example.com' end
        from generate_series(1, 200) n",
    )?;

    let figures = dashboard::load(&mut connection, &Selection::default())?;
    println!(
        "{} rows written, {} failures now",
        figures.checked.rows, figures.failing.rows
    );
    let svg = dashboard::svg(&figures, &Style::dark())?;
    let picture = png(&svg, 2.0)?;

    let path = std::env::temp_dir().join(format!("audit-example-{}.png", std::process::id()));
    fs::write(&path, &picture)?;
    println!("drew {} bytes", picture.len());
    fs::remove_file(&path)?;
    Ok(())
}
