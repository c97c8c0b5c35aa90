//! What it answers to those who only look.

use crate::live::{HOSTILE, Served, add_hostile, encode, run, shop, text, until};

const PAGES: [&str; 12] = [
    "/",
    "/tables",
    "/tables/1",
    "/tables/1/row?key=7",
    "/rules",
    "/rules?failing=on&overdue=on&severity=critical&q=amount&owner=nobody",
    "/rules/1",
    "/findings",
    "/alerts?resolved=on",
    "/quarantine?state=all",
    "/search?q=orders",
    "/pipeline",
];

#[test]
fn every_page_is_there_with_headers_that_keep_strangers_out() {
    let (database, _connection) = shop();
    let served = Served::read_only(&database);
    for page in PAGES {
        let answer = served.get(page);
        assert_eq!(answer.status, 200, "{page}\n{}", answer.body);
        assert!(answer.body.contains("<main id=\"main\""), "{page}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        // Nothing of it would need more than the policy allows.
        assert!(
            !answer.body.contains(" style=") && !answer.body.contains("<style"),
            "{page}"
        );
        assert!(!answer.body.contains("<script>"), "{page}");
    }
    assert_eq!(served.get("/nothing").status, 404);
    assert!(
        served
            .get("/nothing")
            .header("content-security-policy")
            .is_some()
    );
}

#[test]
fn pages_lead_from_a_table_to_the_history_of_a_row() {
    let (database, mut connection) = shop();
    let served = Served::read_only(&database);
    let table = served.get("/tables/1").body;
    let rule = text(
        &mut connection,
        "select rule_id from audit.rule where name like 'range%'",
    );
    assert!(
        table.contains(&format!("href=\"/rules/{rule}\"")),
        "{table}"
    );
    let rule = served.get(&format!("/rules/{rule}")).body;
    let finding = text(
        &mut connection,
        "select finding_id from audit.finding where keys = '{7}'",
    );
    assert!(
        rule.contains(&format!("href=\"/findings/{finding}\"")),
        "{rule}"
    );
    let finding = served.get(&format!("/findings/{finding}")).body;
    assert!(
        finding.contains("href=\"/tables/1/row?key=7\""),
        "{finding}"
    );
    let row = served.get("/tables/1/row?key=7").body;
    assert!(row.contains("<span class=\"value was\">7</span>"), "{row}");
    assert!(
        row.contains("<span class=\"value changed\">-5</span>"),
        "{row}"
    );
}

#[test]
fn hostile_names_and_rows_are_text_on_every_page() {
    let (database, mut connection) = shop();
    add_hostile(&mut connection);
    let served = Served::read_only(&database);
    let table = text(
        &mut connection,
        "select max(table_id) from audit.watched_table",
    );
    let rule = text(&mut connection, "select max(rule_id) from audit.rule");
    let finding = text(
        &mut connection,
        &format!("select finding_id from audit.finding where rule_id = {rule}"),
    );
    for page in [
        "/".to_owned(),
        "/tables".to_owned(),
        format!("/tables/{table}"),
        format!("/tables/{table}/row?key={}", encode(HOSTILE)),
        format!("/tables/{table}/row?key=x"),
        "/rules".to_owned(),
        format!("/rules/{rule}"),
        format!("/findings/{finding}"),
        format!("/search?q={}", encode(HOSTILE)),
        format!("/rules?q={}&owner={}", encode(HOSTILE), encode(HOSTILE)),
    ] {
        let answer = served.get(&page);
        assert_eq!(answer.status, 200, "{page}\n{}", answer.body);
        assert!(!answer.body.contains("<img"), "{page}\n{}", answer.body);
        assert!(!answer.body.contains("<script>alert"), "{page}");
        assert!(
            answer.body.contains("&lt;img src=x onerror=alert(1)&gt;"),
            "{page}\n{}",
            answer.body
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let (database, _connection) = shop();
    let served = Served::read_only(&database);
    for (page, says) in [
        ("/rules?page=abc", "expected a number"),
        ("/rules?page=0", "from 1 to"),
        ("/rules?page=99999999999999999999", "expected a number"),
        ("/findings?severity=awful", "expected critical"),
        ("/findings?table=one", "expected the number of a table"),
        ("/alerts?state=angry", "expected one of"),
        ("/quarantine?state=angry", "expected held"),
        ("/?since=yesterday", "expected a day"),
        ("/?since=2026-02-01&until=2026-01-01", "2026"),
        ("/?table=nothing", "is watched"),
        ("/tables/1/row", "is missing"),
        ("/search?q=%00x", "a letter that is none"),
    ] {
        let answer = served.get(page);
        assert_eq!(answer.status, 400, "{page}\n{}", answer.body);
        assert!(answer.body.contains(says), "{page}\n{}", answer.body);
    }
    for page in [
        "/tables/0",
        "/tables/x",
        "/rules/-1",
        "/findings/1",
        "/alerts/%3Cb%3E",
        "/quarantine/00000000-0000-4000-8000-000000000000",
        "/alerts/00000000-0000-4000-8000-000000000000",
    ] {
        assert_eq!(served.get(page).status, 404, "{page}");
    }
    let long = "x".repeat(300);
    assert_eq!(served.get(&format!("/search?q={long}")).status, 400);
    let endless = "x".repeat(3_000);
    assert_eq!(served.get(&format!("/search?q={endless}")).status, 414);
    assert_eq!(served.get(&format!("/{endless}")).status, 414);
}

#[test]
fn a_method_that_an_address_does_not_have_is_refused() {
    let (database, _connection) = shop();
    let served = Served::read_only(&database);
    for (method, page) in [
        ("POST", "/"),
        ("DELETE", "/rules/1"),
        ("PUT", "/style.css"),
        ("GET", "/sign-out"),
        ("TRACE", "/"),
    ] {
        let answer = served.send(method, page, &[], "");
        assert_eq!(answer.status, 405, "{method} {page}");
        assert!(answer.header("content-security-policy").is_some());
    }
}

#[test]
fn it_answers_to_its_own_names_only() {
    let (database, _connection) = shop();
    let served = Served::read_only(&database);
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
    ] {
        let answer = served.send("GET", "/", &[("Host", host)], "");
        assert_eq!(answer.status, 421, "{host}");
    }
    assert_eq!(
        served
            .send("GET", "/healthz", &[("Host", "localhost:1")], "")
            .status,
        200
    );
    assert_eq!(
        served
            .send("GET", "/healthz", &[("Host", "[::1]")], "")
            .status,
        200
    );
}

#[test]
fn a_listener_hears_of_a_commit_and_not_of_others() {
    use std::io::{Read, Write};
    let (database, mut connection) = shop();
    let served = Served::read_only(&database);
    let mut stream = std::net::TcpStream::connect(served.address).unwrap();
    write!(
        stream,
        "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n",
        served.address
    )
    .unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut heard = String::new();
    let mut marks = |wanted: usize| {
        until("the mark comes", || {
            let mut buffer = [0; 4096];
            if let Ok(size) = stream.read(&mut buffer) {
                heard.push_str(&String::from_utf8_lossy(&buffer[..size]));
            }
            let marks: Vec<String> = heard
                .lines()
                .filter_map(|line| line.strip_prefix("data: ").map(str::to_owned))
                .collect();
            (marks.len() >= wanted).then_some(marks)
        })
    };
    let first = marks(1);
    // A transaction that changes nothing that people see, and one that is undone.
    run(&mut connection, "select pg_current_xact_id()");
    run(
        &mut connection,
        "begin; update public.orders set amount = 9 where id = 9; rollback",
    );
    run(
        &mut connection,
        "update public.orders set amount = -9 where id = 9",
    );
    let both = marks(2);
    assert_ne!(first[0], both[1]);
    // The page that is made now knows that it is up to date.
    let page = served.get("/").body;
    assert!(
        page.contains(&format!("data-mark=\"{}\"", both[1])),
        "{}",
        both[1]
    );
}

#[test]
fn prometheus_reads_as_many_figures_whatever_there_is() {
    let (database, mut connection) = shop();
    let served = Served::read_only(&database);
    let before = served.get("/metrics");
    assert_eq!(before.status, 200, "{}", before.body);
    assert!(
        before
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    for line in [
        "audit_failing_rows{severity=\"critical\"} 1",
        "audit_failing_rules{severity=\"critical\"} 1",
        "audit_alerts_open{severity=\"critical\",state=\"firing\"} 1",
        "audit_quarantine_rows 1",
        "audit_up 1",
    ] {
        assert!(
            before.body.contains(&format!("{line}\n")),
            "{line}\n{}",
            before.body
        );
    }
    add_hostile(&mut connection);
    let after = served.get("/metrics");
    assert_eq!(before.body.lines().count(), after.body.lines().count());
}

#[test]
fn it_is_well_while_the_tick_keeps_up() {
    let (database, mut connection) = shop();
    let served = Served::read_only(&database);
    let answer = served.get("/healthz");
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    run(
        &mut connection,
        "update audit.progress set ticked_at = now() - interval '20 minutes', clock = now() - interval '20 minutes'",
    );
    let answer = served.get("/healthz");
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains("the last tick ran 12"),
        "{}",
        answer.body
    );
}

#[test]
fn it_ends_although_somebody_still_listens() {
    use std::io::{Read, Write};
    let (database, _connection) = shop();
    let mut served = Served::read_only(&database);
    let mut stream = std::net::TcpStream::connect(served.address).unwrap();
    write!(
        stream,
        "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n",
        served.address
    )
    .unwrap();
    let mut buffer = [0; 16];
    stream.read_exact(&mut buffer).unwrap();
    served.stop();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
}
