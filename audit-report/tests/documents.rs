//! The documents say what is there, always in the same words.

use std::path::PathBuf;

use audit_report::{Error, docs, png};
use audit_schema::catalogue::{self, Catalogue};
use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use resvg::usvg;

/// Orders and customers, declared by hand, with names and reasons that try to break out.
fn declared() -> (Database, PgConnection) {
    let database = database();
    let mut connection = database.connect();
    connection
        .batch_execute(
            "create table public.customers (customer_id integer primary key, name text);
            create table public.\"odd | <b>orders\" (order_id integer primary key, customer_id integer, amount numeric,
                placed_at timestamptz);
            select audit.watch('public.customers', 'Who is billed.', 'crm@example.com');
            select audit.watch('public.\"odd | <b>orders\"', 'Money | <script>alert(1)</script>', 'sales@example.com');
            select audit.declare_rule('public.customers', 'name_is_there', 'not_blank', '{\"column\": \"name\"}',
                severity => 'important', fix_within => '1 day', why => 'Letters need a name.');
            select audit.declare_rule('public.\"odd | <b>orders\"', 'references_customer_id', 'references',
                '{\"column\": \"customer_id\", \"table\": \"public.customers\", \"key\": \"customer_id\"}',
                severity => 'critical', action => 'reject');
            select audit.declare_rule('public.\"odd | <b>orders\"', 'range_amount', 'range',
                '{\"column\": \"amount\", \"min\": 0}', severity => 'normal', action => 'quarantine', fix_within => '7 days');
            select audit.declare_summary('public.\"odd | <b>orders\"', 'orders_by_day',
                '{\"bucket\": {\"column\": \"placed_at\", \"width\": \"1 day\", \"time_zone\": \"Europe/Berlin\"},
                  \"group_by\": [],
                  \"measures\": [{\"name\": \"orders\", \"function\": \"count\", \"expression\": null}]}');
            select audit.compile('public.customers');
            select audit.compile('public.\"odd | <b>orders\"');
            insert into audit.alert_policy (name, definition) values
                ('few_orders', '{\"on\": \"orders_by_day\", \"when\": \"orders < 10\", \"severity\": \"important\"}');
            insert into audit.channel (name, provider, definition) values
                ('ops', 'file', '{\"file\": {\"directory\": \"mail\"}}'),
                ('oncall', 'webhook', '{\"webhook\": {\"url\": {\"env\": \"ONCALL_URL\"}, \"secret\": {\"file\": \"/run/key\"}}}');
            insert into audit.route (position, definition) values (1, '{\"to\": [\"ops\"]}');",
        )
        .expect("everything is declared");
    (database, connection)
}

fn read(connection: &mut PgConnection) -> Catalogue {
    catalogue::read(connection).expect("the catalogue is read")
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(connection: &mut PgConnection, sql: &str) -> usize {
    let row: Number = diesel::sql_query(format!("select ({sql})::bigint as number"))
        .get_result(connection)
        .expect(sql);
    usize::try_from(row.number).expect("not negative")
}

/// A directory of a test's own below the one that Cargo gives to tests.
fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    directory
}

#[test]
fn every_object_is_in_the_breakdown() {
    let (_database, mut connection) = declared();
    let catalogue = read(&mut connection);
    let functions = number(
        &mut connection,
        "select count(*) from pg_proc where pronamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)",
    );
    assert_eq!(catalogue.functions.len(), functions);
    let views = number(
        &mut connection,
        "select count(*) from pg_class where relkind = 'v' and relnamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)",
    );
    assert_eq!(catalogue.views.len(), views);
    let tables = number(
        &mut connection,
        "select count(*) from pg_class where relkind in ('r', 'p') and not relispartition
            and relnamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)",
    );
    let own = |schema: &str| schema == "audit" || schema == "audit_compiled";
    assert_eq!(
        catalogue
            .tables
            .iter()
            .filter(|table| own(&table.schema))
            .count(),
        tables
    );
    let text = docs::breakdown(&catalogue).replace('\\', "");
    for table in catalogue.tables.iter().filter(|table| own(&table.schema)) {
        assert!(
            text.contains(&format!("\n#### {}\n", table.full_name())),
            "{}",
            table.full_name()
        );
        for column in &table.columns {
            assert!(
                text.contains(&format!("| `{}` |", column.name)),
                "{}.{}",
                table.name,
                column.name
            );
        }
    }
    for function in &catalogue.functions {
        assert!(
            text.contains(&format!("{}.{}", function.schema, function.name)),
            "{}",
            function.name
        );
    }
}

#[test]
fn objects_of_the_pipeline_say_what_they_are_for() {
    let (_database, mut connection) = declared();
    let catalogue = read(&mut connection);
    let silent: Vec<String> = catalogue
        .tables
        .iter()
        .filter(|table| table.schema == "audit" && table.comment.is_empty())
        .map(|table| table.full_name())
        .chain(
            catalogue
                .views
                .iter()
                .filter(|view| view.comment.is_empty())
                .map(|view| view.name.clone()),
        )
        .chain(
            catalogue
                .functions
                .iter()
                .filter(|function| function.comment.is_empty())
                .map(|function| function.name.clone()),
        )
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn every_rule_is_among_the_audited_objects() {
    let (_database, mut connection) = declared();
    let text = docs::audited_objects(&read(&mut connection));
    for words in [
        "▲ business critical | reject",
        "`name is not blank` | ◆ important | flag | Letters need a name.",
        "within 1 day",
        "corrected and written again within 7 days",
        "by the writer, before it is written",
        "few_orders",
        "orders_by_day",
    ] {
        assert!(text.contains(words), "{words} is missing from:\n{text}");
    }
}

#[test]
fn channels_say_where_they_lead_and_keep_their_secrets() {
    let (_database, mut connection) = declared();
    let text = docs::flow(&read(&mut connection));
    assert!(text.contains("| `ops` | file | mail |"), "{text}");
    assert!(
        text.contains("| `oncall` | webhook | kept in the environment as ONCALL\\_URL |"),
        "{text}"
    );
    assert!(!text.contains("/run/key"));
}

#[test]
fn references_told_in_comments_are_in_the_diagram() {
    let (_database, mut connection) = declared();
    let text = docs::erd_mermaid(&read(&mut connection));
    assert!(
        text.contains("    watched_table ||..o{ change : \"table_id\"\n"),
        "{text}"
    );
    assert!(text.contains("    rule }o..o{ quarantine : \"rules\"\n"));
    assert!(text.contains("    watched_table ||--o{ rule : \"table_id\"\n"));
    assert!(text.contains("    watched_table ||--o| table_counter_base : \"table_id\"\n"));
}

#[test]
fn diagrams_are_well_formed() {
    let (_database, mut connection) = declared();
    let catalogue = read(&mut connection);
    entity_diagram(&docs::erd_mermaid(&catalogue));
    let document = docs::erd(&catalogue);
    let diagrams: Vec<&str> = document
        .split("```mermaid\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("it ends"))
        .collect();
    assert!(diagrams.len() > 5);
    for diagram in diagrams {
        entity_diagram(diagram);
    }
    flow_chart(&docs::flow_mermaid(&catalogue));
}

/// Checks a Mermaid entity diagram line by line against what Mermaid's grammar takes.
fn entity_diagram(diagram: &str) {
    let word = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_[]()-".contains(letter))
    };
    let quoted = |text: &str| {
        text.len() >= 2
            && text.starts_with('"')
            && text.ends_with('"')
            && !text[1..text.len() - 1].contains('"')
    };
    let mut lines = diagram.lines();
    assert_eq!(lines.next(), Some("erDiagram"));
    let mut inside = false;
    for line in lines {
        if inside {
            if line == "    }" {
                inside = false;
                continue;
            }
            let (head, comment) = match line.split_once(" \"") {
                Some((head, rest)) => (head, format!("\"{rest}")),
                None => (line, String::new()),
            };
            let parts: Vec<&str> = head.split_whitespace().collect();
            assert!(
                parts.len() >= 2 && word(parts[0]) && word(parts[1]),
                "{line}"
            );
            let keys = parts[2..].join(" ");
            assert!(
                matches!(keys.as_str(), "" | "PK" | "FK" | "PK, FK"),
                "{line}"
            );
            assert!(comment.is_empty() || quoted(&comment), "{line}");
        } else if let Some(name) = line.strip_suffix(" {") {
            let (name, label) = name.trim().split_once('[').expect("an entity has a label");
            assert!(word(name) && quoted(label.trim_end_matches(']')), "{line}");
            inside = true;
        } else if let Some((relation, label)) = line.split_once(" : ") {
            let parts: Vec<&str> = relation.split_whitespace().collect();
            assert!(
                parts.len() == 3 && word(parts[0]) && word(parts[2]) && quoted(label),
                "{line}"
            );
            let (from, to) = parts[1].split_at(2);
            assert!(matches!(from, "||" | "|o" | "}o"), "{line}");
            assert!(matches!(to, "--o{" | "..o{" | "--o|" | "..o|"), "{line}");
        } else {
            let (name, label) = line.trim().split_once('[').expect("an entity has a label");
            assert!(word(name) && quoted(label.trim_end_matches(']')), "{line}");
        }
    }
    assert!(!inside, "an entity is not closed");
}

/// Checks that subgraphs are closed, that no quote is left open and that every node of an edge is declared.
fn flow_chart(diagram: &str) {
    let mut lines = diagram.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    let (mut open, mut declared, mut used) = (0, Vec::new(), Vec::new());
    for line in lines.map(str::trim) {
        assert_eq!(line.matches('"').count() % 2, 0, "{line}");
        if line.starts_with("subgraph ") {
            open += 1;
        } else if line == "end" {
            open -= 1;
        } else if line.contains("-->") {
            let mut quoted = false;
            let plain: String = line
                .chars()
                .filter(|letter| {
                    quoted ^= *letter == '"';
                    !quoted && *letter != '"'
                })
                .collect();
            for node in plain
                .replace("-->", " ")
                .replace("--", " ")
                .split_whitespace()
            {
                used.push(node.to_owned());
            }
        } else {
            let name: String = line
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
                .collect();
            assert!(!name.is_empty(), "{line}");
            declared.push(name);
        }
    }
    assert_eq!(open, 0);
    for node in used {
        assert!(declared.contains(&node), "`{node}` is not declared");
    }
}

#[test]
fn names_cannot_become_markup() {
    let (_database, mut connection) = declared();
    for document in docs::all(&mut connection).expect("the documents are made") {
        // What stands between backticks is shown as it is.
        let outside_of_code: String = document.text.split('`').step_by(2).collect();
        assert!(!outside_of_code.contains("<script"), "{}", document.name);
        assert!(!outside_of_code.contains("<b>"), "{}", document.name);
    }
}

#[test]
fn pictures_are_well_formed_and_have_ink_on_them() {
    let (_database, mut connection) = declared();
    let catalogue = read(&mut connection);
    let subjects = docs::erd_subject_svgs(&catalogue);
    assert!(
        subjects
            .iter()
            .any(|(name, _)| name == "erd-watched-tables-of-public.svg")
    );
    for (_, svg) in &subjects {
        usvg::roxmltree::Document::parse(svg).expect("it is well-formed XML");
    }
    for svg in [docs::erd_svg(&catalogue), docs::flow_svg(&catalogue)] {
        usvg::roxmltree::Document::parse(&svg).expect("it is well-formed XML");
        assert!(png(&svg, 1.0).expect("it is rasterised").len() > 50_000);
    }
}

#[test]
fn two_installations_give_the_same_documents() {
    let (_first, mut one) = declared();
    let (_second, mut other) = declared();
    // What happens in a database is no part of its documents.
    other
        .batch_execute(
            "insert into public.customers values (1, 'Ada'), (2, ' ');
            select audit.tick();
            update public.customers set name = 'Grace' where customer_id = 2;",
        )
        .expect("something is written");
    let (one, other) = (
        docs::all(&mut one).expect("documents"),
        docs::all(&mut other).expect("documents"),
    );
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one.text, other.text, "{}", one.name);
    }
}

#[test]
fn documents_that_were_written_are_up_to_date() {
    let (_database, mut connection) = declared();
    let directory = directory("documents_that_were_written");
    let names = docs::write(&mut connection, &directory).expect("they are written");
    assert!(names.iter().all(|name| directory.join(name).is_file()));
    docs::check(&mut connection, &directory).expect("they are up to date");
}

#[test]
fn documents_that_differ_or_are_missing_are_named() {
    let (_database, mut connection) = declared();
    let directory = directory("documents_that_differ");
    docs::write(&mut connection, &directory).expect("they are written");
    std::fs::write(directory.join("flow.md"), "# Flow\n").expect("a file is written");
    std::fs::remove_file(directory.join("erd.svg")).expect("a file is removed");
    match docs::check(&mut connection, &directory) {
        Err(Error::OutOfDate { files }) => assert_eq!(files, ["flow.md", "erd.svg"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_table_belongs_to_a_subject() {
    let (_database, mut connection) = declared();
    let text = docs::erd(&read(&mut connection));
    let (_, installation) = text
        .split_once("## Installation")
        .expect("there is such a subject");
    let installation = installation.split("\n## ").next().expect("it has a text");
    let tables = installation.matches("] {").count();
    assert_eq!(
        tables, 2,
        "a table without a subject ends up here; give it one in docs/area.rs:\n{installation}"
    );
}

/// What stands in attributes of one name.
fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    page.split(&format!(" {name}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn the_page_needs_nothing_else_and_every_link_leads_somewhere() {
    let (_database, mut connection) = declared();
    let page = docs::page(&read(&mut connection));
    let places = attributes(&page, "id");
    let links = attributes(&page, "href");
    assert!(links.len() > 100, "{}", links.len());
    for link in links {
        let place = link.strip_prefix('#').expect("it stays in the page");
        assert!(places.contains(&place), "{link} leads nowhere");
    }
    assert!(attributes(&page, "src").is_empty());
    for word in ["<script", "<b>orders", "@import", "url("] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("odd | &lt;b&gt;orders"));
    assert!(page.matches("<svg").count() > 10);
    assert!(!page.contains("erDiagram"), "pictures stand for diagrams");
}

#[test]
fn rules_say_when_in_the_life_of_the_data_they_are_looked_at() {
    let (_database, mut connection) = declared();
    connection
        .batch_execute(
            "select audit.declare_rule('public.customers', 'fresh', 'fresh', '{\"within\": \"2 hours\", \"every\": \"10 minutes\"}',
                severity => 'critical', fix_within => '4 hours');
            select audit.declare_rule('public.customers', 'immutable_name', 'immutable', '{\"column\": \"name\"}');
            select audit.declare_rule('public.customers', 'short', 'length', '{\"column\": \"name\", \"max\": 9}', shadow => true);",
        )
        .expect("rules are declared");
    let catalogue = read(&mut connection);
    let text = docs::audited_objects(&catalogue);
    for words in [
        "| as the row is written | 1 rule with action `reject` |",
        "| as the row is updated | 1 rule with action `flag` |",
        "| as time passes: the tick asks | 1 rule with action `flag` | a finding is recorded, and the rule fails until it is right again |",
        "| 1 rule on trial | it is counted; nothing is done and nobody is told |",
        "| as time passes, asked every 10 minutes: kept, and marked as failing | within 4 hours |",
        "| as it is updated: kept, and marked |",
        "| as it is written: counted on trial, nothing follows | nothing yet: it is on trial |",
        "| `name` | `text` | May be null. | `not_blank_name`",
    ] {
        let words = words.replace("`not_blank_name`", "`name_is_there`");
        assert!(text.contains(&words), "{words} is not in\n{text}");
    }
    let flow = docs::flow(&catalogue);
    assert!(flow.contains("1 time-driven rule is asked as time passes"));
    assert!(flow.contains("1 on trial are only counted"), "{flow}");
}

#[test]
fn tables_that_a_rule_relates_are_related_in_the_diagram() {
    let (_database, mut connection) = declared();
    let text = docs::erd(&read(&mut connection));
    assert!(
        text.contains(
            "public__customers |o..o{ public__oddx20x7cx20x3cbx3eorders : \"customer_id\""
        ),
        "{text}"
    );
}

#[test]
fn a_thousand_tables_and_ten_thousand_rules_are_described() {
    let (_database, mut connection) = declared();
    let mut catalogue = read(&mut connection);
    let described = catalogue
        .tables
        .iter()
        .find(|table| table.name == "customers")
        .expect("it is watched")
        .clone();
    let watched = catalogue.watched[0].clone();
    for number in 0..1_000 {
        let mut table = described.clone();
        table.name = format!("table_{number}");
        let mut with_rules = watched.clone();
        with_rules.name = table.full_name();
        with_rules.rules = vec![watched.rules[0].clone(); 10];
        catalogue.tables.push(table);
        catalogue.watched.push(with_rules);
    }
    let flow = docs::flow_mermaid(&catalogue);
    assert!(flow.contains("and 991 more"), "{flow}");
    assert!(docs::flow_svg(&catalogue).contains("and 990 tables more"));
    let pictures = docs::erd_subject_svgs(&catalogue);
    assert!(
        pictures
            .iter()
            .any(|(name, _)| name == "erd-watched-tables-of-public-42-of-42.svg")
    );
    assert!(
        docs::audited_objects(&catalogue).contains("1,002 tables are watched with 10,003 rules")
    );
    assert!(docs::page(&catalogue).contains("id=\"audited-objects-publictable_999\""));
}
