//! A service that draws one chart of its database: reads its figures, keeps them as JSON, and draws them later, without
//! a database, as SVG and as PNG.
//!
//! ```sh
//! cargo run --example chart_image
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::fs;

use audit_core::{Policy, Severity};
use audit_report::chart::{self, Chart, Kind, Size};
use audit_report::{Range, Selection, Style, png};
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
      - not_blank: name
        severity: important
summaries:
  customers_by_country:
    from: public.customers
    group_by: [country]
    measures: { customers: count }
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::start(Options::default())?;
    let mut connection = audit_schema::connect(&cluster.url("postgres"))?;
    connection.batch_execute(
        "create table public.customers (id int primary key, name text, email text, country text)",
    )?;
    audit_schema::migrate(&mut connection)?;
    audit_schema::apply(
        &mut connection,
        &Policy::parse(POLICY, "the policy of the customers")?,
    )?;
    connection.batch_execute(
        "insert into public.customers
        select
            n,
            case when n % 11 > 0 then 'customer ' || n else '' end,
            case when n % 7 = 0 then 'nobody' else n || '@example.com' end,
            (array['FR', 'DE', 'JP'])[1 + n % 3]
        from generate_series(1, 200) n",
    )?;

    // The last thirty days, and only what is at least important.
    let selection = Selection {
        severities: vec![Severity::Critical, Severity::Important],
        ..Range {
            since: Some("30d".parse()?),
            ..Range::default()
        }
        .into()
    };
    let by_country: Kind = "summary:customers_by_country:customers".parse()?;
    for kind in [Kind::Pareto, Kind::Quality, by_country] {
        let figures = chart::load(&mut connection, &kind, &selection)?;
        println!("{}\n  {}", figures.title, figures.description);
        for row in figures.table().rows.iter().take(2) {
            println!("  {}", row.join(" | "));
        }

        // Plain data: it can be kept, sent and drawn anywhere.
        let kept = serde_json::to_string(&figures)?;
        let figures: Chart = serde_json::from_str(&kept)?;
        let svg = figures.svg(&Style::dark(), Size::default())?;
        let picture = png(&svg, 2.0)?;
        let path = std::env::temp_dir().join(format!("audit-chart-{}.png", std::process::id()));
        fs::write(&path, &picture)?;
        println!("  drew {} bytes", picture.len());
        fs::remove_file(&path)?;
    }
    Ok(())
}
