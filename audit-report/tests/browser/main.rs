//! The report and the live page in a real browser. `scripts/setup tests` installs what this needs.

#[path = "../live/mod.rs"]
mod live;

mod driver;

use std::time::Duration;

use audit_report::{Selection, page};
use serde_json::Value;

use driver::{Browser, ENTER, Eyes, TAB, text};
use live::{Served, TOKEN, add_hostile, run, shop, text as sql, until, within};

/// Serious findings of axe-core on the page that is open.
fn barriers(browser: &Browser) -> Vec<String> {
    let axe = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/browser/node_modules/axe-core/axe.min.js"
    );
    let axe = std::fs::read_to_string(axe)
        .unwrap_or_else(|error| panic!("{axe}: {error}; `scripts/setup tests` fetches it"));
    browser.run(&axe);
    let found = browser.run_async(
        "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] })
            .then((result) => done(result.violations
                .filter((one) => ['serious', 'critical', 'moderate'].includes(one.impact))
                .map((one) => one.id + ': ' + one.help + ' ' + one.nodes.slice(0, 3).map((node) => node.html).join(' | '))));",
    );
    found
        .as_array()
        .expect("violations")
        .iter()
        .map(text)
        .collect()
}

/// By how many pixels a page is wider than its window.
fn overhang(browser: &Browser) -> Value {
    browser.value("document.documentElement.scrollWidth - window.innerWidth")
}

fn report_of(
    database: &audit_schema::testing::Database,
    name: &str,
) -> (std::path::PathBuf, String) {
    let mut connection = database.connect();
    let report = page::load(&mut connection, &Selection::default()).expect("the figures are read");
    let html = page::html(&report).expect("it is drawn");
    let file =
        std::env::temp_dir().join(format!("audit-report-{}-{name}.html", std::process::id()));
    std::fs::write(&file, &html).expect("it is written");
    (file, html)
}

const PAGES: [&str; 9] = [
    "/",
    "/tables",
    "/rules",
    "/findings",
    "/alerts",
    "/quarantine",
    "/pipeline",
    "/search?q=orders",
    "/nothing",
];

/// The pages of single things.
fn single(connection: &mut diesel::PgConnection) -> Vec<String> {
    vec![
        "/tables/1".to_owned(),
        "/tables/1/row?key=7".to_owned(),
        format!(
            "/rules/{}",
            sql(connection, "select min(rule_id) from audit.rule")
        ),
        format!(
            "/findings/{}",
            sql(
                connection,
                "select finding_id from audit.finding where keys = '{7}'"
            )
        ),
        format!(
            "/alerts/{}",
            sql(connection, "select alert_id from audit.alert")
        ),
        format!(
            "/quarantine/{}",
            sql(connection, "select quarantine_id from audit.quarantine")
        ),
    ]
}

#[test]
fn every_page_loads_without_complaints_and_without_barriers() {
    let (database, mut connection) = shop();
    let served = Served::acting(&database);
    for dark in [false, true] {
        let browser = Browser::start(Eyes {
            dark,
            ..Eyes::default()
        });
        browser.open(&served.url("/sign-in"));
        assert_eq!(barriers(&browser), Vec::<String>::new(), "/sign-in");
        browser.type_into("input[name=name]", "Ada");
        browser.type_into("input[name=token]", TOKEN);
        browser.click("main button");
        let pages = PAGES
            .map(str::to_owned)
            .into_iter()
            .chain(single(&mut connection));
        for page in pages {
            browser.open(&served.url(&page));
            assert_eq!(
                barriers(&browser),
                Vec::<String>::new(),
                "{page}, dark: {dark}"
            );
            let complaints: Vec<String> = browser
                .complaints()
                .into_iter()
                // A browser notes every answer that is an error; this one should be.
                .filter(|line| page != "/nothing" || !line.contains("404"))
                .collect();
            assert_eq!(complaints, Vec::<String>::new(), "{page}");
        }
    }
}

#[test]
fn a_commit_is_seen_within_a_second() {
    let (database, mut connection) = shop();
    let served = Served::read_only(&database);
    let browser = Browser::start(Eyes::default());
    browser.open(&served.url("/rules?failing=on"));
    until("it listens", || {
        (browser.value("document.getElementById('live').textContent") == "live").then_some(())
    });
    let failing = "document.querySelector('main tbody td.n').firstChild.textContent";
    assert_eq!(browser.value(failing), "1");
    browser.run("window.stayed = true");
    run(
        &mut connection,
        "update public.orders set amount = -1 where id in (3, 4)",
    );
    within(Duration::from_secs(1), "the page shows it", &mut || {
        (browser.value(failing) == "3").then_some(())
    });
    // The page was not loaded anew, and a table that was opened stays open.
    assert_eq!(browser.value("window.stayed"), true);
    browser.open(&served.url("/"));
    until("it listens", || {
        (browser.value("document.getElementById('live').textContent") == "live").then_some(())
    });
    browser.click("details summary");
    let mark = browser.value("document.getElementById('main').dataset.mark");
    run(
        &mut connection,
        "update public.orders set amount = -1 where id = 5",
    );
    until("the dashboard shows it", || {
        (browser.value("document.getElementById('main').dataset.mark") != mark).then_some(())
    });
    assert_eq!(
        browser.value("document.querySelector('details').open"),
        true
    );
    assert_eq!(browser.value("document.activeElement.tagName"), "SUMMARY");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_tile_leads_to_the_history_of_a_row_with_and_without_scripts() {
    let (database, _connection) = shop();
    let served = Served::read_only(&database);
    for scripts in [true, false] {
        let browser = Browser::start(Eyes {
            scripts,
            ..Eyes::default()
        });
        browser.open(&served.url("/"));
        browser.click(".tile a[href='/rules?failing=on']");
        browser.click("main tbody th a[href^='/rules/']");
        browser.click("main tbody th a[href^='/findings/']");
        browser.click("main a[href^='/tables/1/row']");
        assert!(
            browser.address().ends_with("/tables/1/row?key=7"),
            "{}",
            browser.address()
        );
        let history = text(&browser.value("document.querySelector('main').innerText"));
        assert!(
            history.contains("update by postgres") && history.contains("-5"),
            "{history}"
        );
        browser.click(".crumbs li:last-child a");
        assert_eq!(
            browser.value("document.querySelector('h1').textContent"),
            "orders"
        );
    }
}

#[test]
fn the_keyboard_is_enough() {
    let (database, _connection) = shop();
    let served = Served::read_only(&database);
    let browser = Browser::start(Eyes::default());
    browser.open(&served.url("/"));
    browser.press(TAB);
    assert_eq!(browser.value("document.activeElement.className"), "skip");
    assert_eq!(
        browser.value("document.activeElement.getBoundingClientRect().top >= 0"),
        true
    );
    browser.press(ENTER);
    assert_eq!(browser.value("document.activeElement.id"), "main");
    // From the content on, the first stop is the first tile; a stop can be seen.
    let mut stops = Vec::new();
    for _ in 0..6 {
        browser.press(TAB);
        stops.push(text(
            &browser.value("document.activeElement.getAttribute('href')"),
        ));
        let seen = browser.value(
            "(() => {
                const stop = document.activeElement;
                const outlines = [getComputedStyle(stop), getComputedStyle(stop, '::after')];
                return outlines.some((one) => one.outlineStyle === 'solid' && parseFloat(one.outlineWidth) >= 2);
            })()",
        );
        assert_eq!(seen, true, "{stops:?}");
    }
    assert_eq!(
        stops,
        [
            "/tables",
            "/rules?failing=on",
            "/quarantine",
            "/alerts",
            "/rules?overdue=on",
            "/pipeline"
        ]
    );
    browser.press(ENTER);
    until("it is followed", || {
        browser.address().ends_with("/pipeline").then_some(())
    });
    // Nothing has to be reached by a number of its own.
    assert_eq!(browser.value("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"]):not([tabindex=\"-1\"])').length"), 0);
}

#[test]
fn hostile_names_are_read_and_not_run() {
    let (database, mut connection) = shop();
    add_hostile(&mut connection);
    let served = Served::read_only(&database);
    let browser = Browser::start(Eyes::default());
    let table = sql(
        &mut connection,
        "select max(table_id) from audit.watched_table",
    );
    let rule = sql(&mut connection, "select max(rule_id) from audit.rule");
    let finding = sql(
        &mut connection,
        &format!("select finding_id from audit.finding where rule_id = {rule}"),
    );
    let (file, _) = report_of(&database, "hostile");
    for address in [
        served.url("/"),
        served.url("/tables"),
        served.url(&format!("/tables/{table}")),
        served.url(&format!("/tables/{table}/row?key=x")),
        served.url(&format!("/rules/{rule}")),
        served.url(&format!("/findings/{finding}")),
        served.url(&format!("/search?q={}", live::encode(live::HOSTILE))),
        format!("file://{}", file.display()),
    ] {
        browser.open(&address);
        assert_eq!(
            browser.value("document.querySelectorAll('img, [onerror], body script').length"),
            0,
            "{address}"
        );
        let read = text(&browser.value("document.body.textContent"));
        assert!(read.contains("<script>alert"), "{address}\n{read}");
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{address}");
    }
    let _ = std::fs::remove_file(file);
}

#[test]
fn a_phone_shows_every_page_without_scrolling_sideways() {
    let (database, mut connection) = shop();
    add_hostile(&mut connection);
    let served = Served::acting(&database);
    let browser = Browser::start(Eyes {
        width: 360,
        height: 740,
        ..Eyes::default()
    });
    let pages = PAGES
        .map(str::to_owned)
        .into_iter()
        .chain(single(&mut connection));
    for page in pages {
        browser.open(&served.url(&page));
        assert_eq!(browser.value("window.innerWidth"), 360, "{page}");
        assert_eq!(overhang(&browser), 0, "{page}");
    }
    let (file, _) = report_of(&database, "phone");
    browser.open(&format!("file://{}", file.display()));
    assert_eq!(overhang(&browser), 0);
    let _ = std::fs::remove_file(file);
}

#[test]
fn a_person_signs_in_takes_an_alert_on_and_is_named() {
    let (database, mut connection) = shop();
    let served = Served::acting(&database);
    let browser = Browser::start(Eyes::default());
    browser.open(&served.url("/"));
    browser.click(".bar a[href='/sign-in']");
    browser.type_into("input[name=name]", "Ada Lovelace");
    browser.type_into("input[name=token]", TOKEN);
    browser.click("main button");
    until("she is signed in", || {
        (browser.value("document.querySelector('.who span')?.textContent") == "Ada Lovelace")
            .then_some(())
    });
    assert_eq!(
        browser.value("document.cookie"),
        "",
        "no script reads the session"
    );
    browser.click(".tile a[href='/alerts']");
    browser.click("main tbody th a");
    browser.type_into(
        "form[action$='/acknowledge'] input[name=reason]",
        "I look after it",
    );
    browser.click("form[action$='/acknowledge'] button");
    until("it is done", || {
        browser
            .address()
            .ends_with("?done=acknowledged")
            .then_some(())
    });
    assert_eq!(
        sql(&mut connection, "select acknowledged_by from audit.alert"),
        "Ada Lovelace"
    );
    let page = text(&browser.value("document.querySelector('main').innerText"));
    assert!(
        page.contains("acknowledged by Ada Lovelace") && page.contains("I look after it"),
        "{page}"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_report_needs_nothing_and_bars_nobody() {
    let (database, _connection) = shop();
    let (file, html) = report_of(&database, "report");
    assert!(!html.contains("src=\"") && !html.contains("<script") && !html.contains("<link"));
    for dark in [false, true] {
        let browser = Browser::start(Eyes {
            dark,
            ..Eyes::default()
        });
        browser.open(&format!("file://{}", file.display()));
        assert_eq!(barriers(&browser), Vec::<String>::new(), "dark: {dark}");
        assert_eq!(browser.complaints(), Vec::<String>::new());
        assert_eq!(browser.value("performance.getEntriesByType('resource').filter((one) => !one.name.startsWith('data:')).length"), 0);
        let paper = text(&browser.value("getComputedStyle(document.body).backgroundColor"));
        assert_eq!(
            paper,
            if dark {
                "rgb(15, 23, 42)"
            } else {
                "rgb(255, 255, 255)"
            }
        );
        // Every chart has a title, a name for those who hear it, and its figures as a table.
        let charts = browser.value("document.querySelectorAll('.chart').length");
        assert!(charts.as_i64() > Some(5), "{charts}");
        assert_eq!(
            browser.value("document.querySelectorAll('.chart h2').length"),
            charts
        );
        assert_eq!(browser.value("[...document.querySelectorAll('.chart svg')].every((one) => one.querySelector('title').textContent && one.querySelector('desc').textContent)"), true);
        assert_eq!(
            browser.value("document.querySelectorAll('.chart svg [fill^=\"light-dark\"]').length"),
            0
        );
    }
    let _ = std::fs::remove_file(file);
}
