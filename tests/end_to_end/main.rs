//! The whole way through, on real data: an empty server, the policy, nineteen days of flights as a stream of
//! transactions, the notifier beside it, real mail over real HTTP, the pictures and the proof.
//!
//! The demo runs once for all tests here. What it claims is compared with what SQL says about the plain tables.

mod grafana;

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use audit_bin::demo::data::Outcome;
use audit_bin::demo::screen::Screen;
use audit_bin::demo::{DemoOptions, Finished, ZONE, run};
use audit_bin::terminal::Style;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// The demo, when it has run, and what it printed.
struct Ran {
    finished: Mutex<Finished>,
    printed: String,
}

static DEMO: LazyLock<Ran> = LazyLock::new(|| {
    let printed = Paper::default();
    let options = DemoOptions {
        quick: true,
        keep: false,
        directory: Path::new(env!("CARGO_TARGET_TMPDIR")).join("end-to-end"),
        database_url: None,
        program: "audit".to_owned(),
    };
    let style = Style {
        zone: ZONE,
        ..Style::PLAIN
    };
    let finished =
        run(&options, &mut Screen::into_writer(style, printed.clone())).expect("the demo runs");
    Ran {
        finished: Mutex::new(finished),
        printed: printed.text(),
    }
});

fn demo() -> MutexGuard<'static, Finished> {
    DEMO.finished
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The only number that a query gives.
fn number(query: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let mut connection = audit_schema::connect(&demo().url).unwrap();
    diesel::sql_query(format!("select ({query})::bigint as number"))
        .get_result::<Number>(&mut connection)
        .unwrap()
        .number
}

/// The only column that a query gives.
fn texts(query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let mut connection = audit_schema::connect(&demo().url).unwrap();
    let lines: Vec<Line> = diesel::sql_query(format!(
        "select line::text as line from ({query}) as asked (line)"
    ))
    .load(&mut connection)
    .unwrap();
    lines.into_iter().map(|line| line.line).collect()
}

/// Runs a query as somebody who may read what the pipeline knows, and nothing else.
fn as_reader(query: &str) {
    let mut connection = audit_schema::connect(&demo().url).unwrap();
    connection.test_transaction::<_, diesel::result::Error, _>(|connection| {
        diesel::sql_query("set local role audit_reader").execute(connection)?;
        diesel::sql_query(format!("select from ({query}) as asked")).execute(connection)
    });
}

fn failing(rule: &str) -> i64 {
    number(&format!(
        "select counter.failing from audit.rule_counter as counter join audit.rule as rule using (rule_id)
        join audit.watched_table as watched on watched.table_id = rule.table_id
        where watched.name || '.' || rule.name = 'public.{rule}' and rule.retired_at is null"
    ))
}

#[test]
fn every_line_of_the_proof_holds() {
    let demo = demo();
    assert!(demo.holds(), "{:#?}\n{:#?}", demo.verified, demo.replayed);
    assert_eq!(demo.replayed.len(), 5);
}

#[test]
fn counters_say_what_sql_says_about_the_plain_tables() {
    assert_eq!(
        failing("flights.not_null_tailnum"),
        number("select count(*) from public.flights where tailnum is null")
    );
    assert_eq!(
        failing("flights.references_dest"),
        number(
            "select count(*) from public.flights f where not exists (select from public.airports a where a.faa = f.dest)"
        )
    );
    assert_eq!(
        failing("flights.references_tailnum"),
        number(
            "select count(*) from public.flights f
            where tailnum is not null and not exists (select from public.planes p where p.tailnum = f.tailnum)"
        )
    );
    assert_eq!(
        failing("weather.not_null_pressure"),
        number("select count(*) from public.weather where pressure is null")
    );
    assert_eq!(
        failing("flights.range_air_time"),
        0,
        "what fails it is set aside"
    );
}

#[test]
fn a_summary_says_what_group_by_says() {
    let columns = "bucket, origin, flights, cancelled, round(mean_delay::numeric, 6)";
    let live = format!(
        "select row({columns}) from audit_compiled.departures_by_day order by bucket, origin"
    );
    let scanned = format!(
        "select row({columns}) from (
            select
                date_trunc('day', time_hour, 'America/New_York') as bucket,
                origin,
                count(*) as flights,
                count(*) filter (where dep_time is null) as cancelled,
                avg(dep_delay) as mean_delay
            from public.flights
            group by 1, 2
        ) as grouped
        order by bucket, origin"
    );
    let live = texts(&live);
    assert_eq!(live, texts(&scanned));
    assert_eq!(live.len(), 19 * 3, "nineteen days, three airports");
}

#[test]
fn made_up_rows_become_what_they_should() {
    for (made_up, told) in &demo().made_up {
        assert_eq!(told.outcome, made_up.then, "{}", made_up.made_up);
    }
    let outcomes: std::collections::BTreeSet<_> = demo()
        .made_up
        .iter()
        .map(|(_, told)| told.outcome)
        .collect();
    assert_eq!(
        outcomes.len(),
        5,
        "accepted, flagged, quarantined, restored and rejected are all shown"
    );
}

#[test]
fn the_only_real_row_that_is_set_aside_is_a_wind_of_a_thousand_miles_an_hour() {
    assert_eq!(
        texts(
            "select held.row ->> 'wind_speed' from audit.quarantine as held
            where held.actor is distinct from 'made-up rows'"
        ),
        ["1048.36058"]
    );
}

#[test]
fn what_is_set_aside_is_not_in_the_table_and_what_was_restored_is_as_before() {
    let set_aside = demo()
        .made_up
        .iter()
        .filter(|(_, told)| matches!(told.outcome, Outcome::Quarantined | Outcome::Restored))
        .count();
    assert_eq!(
        number("select count(*) from audit.quarantine where actor = 'made-up rows'"),
        i64::try_from(set_aside).unwrap()
    );
    assert_eq!(
        number(
            "select count(*) from public.flights where air_time < 1 or distance < 1 or air_time > 1440"
        ),
        0
    );
    assert_eq!(
        number("select count(*) from public.flights where origin not in ('EWR', 'JFK', 'LGA')"),
        0
    );
    let restored = demo().corrected_flight().unwrap().to_owned();
    assert_eq!(
        number(&format!(
            "select air_time from public.flights where id = {restored}"
        )),
        118
    );
    assert_eq!(
        number(&format!(
            "select count(*) from audit.history('public.flights', '{restored}')"
        )),
        4
    );
}

#[test]
fn the_blizzard_alone_raises_the_critical_alert_and_it_ends_by_itself() {
    // The days and airports on which, at the end of some hour, a quarter of the day's departures so far was cancelled.
    let stormy = texts(
        "select distinct origin from (
            select
                origin,
                sum(count(*)) over running as flights,
                sum(count(*) filter (where dep_time is null)) over running as cancelled
            from public.flights
            group by origin, time_hour
            window running as (
                partition by origin, date_trunc('day', time_hour, 'America/New_York') order by time_hour
            )
        ) as day_so_far
        where cancelled > 0.25 * flights and flights >= 50
        order by 1",
    );
    assert_eq!(stormy, ["EWR", "JFK", "LGA"]);
    let alerts = demo().alerts.clone();
    let critical: Vec<_> = alerts
        .iter()
        .filter(|alert| alert.severity == "critical")
        .collect();
    assert_eq!(critical.len(), stormy.len(), "{critical:#?}");
    for alert in critical {
        let day = |time: chrono::DateTime<chrono::Utc>| {
            time.with_timezone(&ZONE).date_naive().to_string()
        };
        assert_eq!(alert.policy, "cancellations");
        assert_eq!(alert.fired_at.map(day).as_deref(), Some("2013-02-08"));
        assert_eq!(alert.resolved_at.map(day).as_deref(), Some("2013-02-10"));
    }
}

#[test]
fn each_critical_alert_is_mailed_when_it_fires_and_when_it_is_over() {
    let mails = demo().mails.clone();
    for airport in ["EWR", "JFK", "LGA"] {
        let about: Vec<_> = mails
            .iter()
            .filter(|mail| mail.subject.contains("cancellations") && mail.subject.contains(airport))
            .map(|mail| fs::read_to_string(&mail.file).unwrap())
            .collect();
        let (first, last) = (about.first().unwrap(), about.last().unwrap());
        assert!(
            first.contains("departures cancelled on 2013-02-08"),
            "{airport}"
        );
        assert!(
            first.contains("data:image/png;base64,"),
            "the dashboard is in the mail"
        );
        assert!(last.contains("Resolved"), "{airport}");
    }
    assert!(mails.iter().all(|mail| mail.to == "ops@example.com"));
    assert_eq!(
        number("select count(*) from audit.outbox where state = 'delivered'"),
        i64::try_from(mails.len()).unwrap(),
        "the outbox and the mail API agree"
    );
}

#[test]
fn nothing_is_left_to_deliver() {
    assert_eq!(
        number("select count(*) from audit.outbox where state <> 'delivered'"),
        0
    );
}

#[test]
fn every_changed_row_is_logged_once_sealed_or_still_in_the_head() {
    let sealed = number("select coalesce(sum(rows), 0) from audit.segment");
    let head = number("select coalesce(sum(rows), 0) from audit.change");
    assert!(sealed > 0);
    assert_eq!(
        sealed + head,
        number("select sum(inserted + updated + deleted) from audit.table_counter")
    );
}

#[test]
fn the_log_tells_who_wrote_without_the_writer_having_a_right_on_it() {
    assert_eq!(
        texts(
            "select distinct actor from audit.row_change where table_id = (select table_id from audit.watched_table where name = 'public.weather') order by 1"
        ),
        ["EWR feed", "JFK feed", "LGA feed"]
    );
    assert_eq!(
        number(
            "select count(*) from information_schema.role_table_grants where grantee = 'flights_feed' and table_schema like 'audit%'"
        ),
        0
    );
}

#[test]
fn the_dashboard_is_drawn() {
    let pictures = demo().pictures.clone();
    assert_eq!(pictures.len(), 3);
    for picture in pictures {
        let content = fs::read(&picture).unwrap();
        assert!(
            content.len() > 20_000,
            "{} has {} bytes",
            picture.display(),
            content.len()
        );
        let is_png = content.starts_with(b"\x89PNG");
        assert_eq!(
            is_png,
            picture.extension().is_some_and(|ending| ending == "png")
        );
    }
}

#[test]
fn what_is_printed_names_the_steps_the_alerts_the_proof_and_the_files() {
    drop(demo());
    let printed = &DEMO.printed;
    for expected in [
        "✓ server started",
        "✓ policy applied",
        "▲ critical alert: EWR:",
        "✓ over: EWR:",
        "a carrier that nobody knows → rejected",
        "✓ 3 summary views: every group and measure is what GROUP BY gives",
        "✓ 5 tables: the log, replayed, gives the same rows",
        "dashboard.png",
        "mail/index.html",
    ] {
        assert!(
            printed.contains(expected),
            "`{expected}` is missing in\n{printed}"
        );
    }
    assert!(
        !printed.contains('\u{1b}'),
        "no colours where nobody sees them"
    );
}
