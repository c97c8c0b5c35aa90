//! The figures that charts draw are those that SQL finds in the tables and in the raw log.

mod departures;

use audit_core::Severity;
use audit_report::chart::{self, Data, Kind};
use audit_report::{Range, Selection, Since, Style};
use audit_schema::testing::database;
use chrono::NaiveDate;
use departures::{departures, figures, lines, load, number, run, week};
use diesel::PgConnection;

#[test]
fn pass_rates_are_those_of_the_raw_log_and_its_findings() {
    let (_database, mut connection) = departures();
    let found = lines(
        &mut connection,
        "select rule.name, written.day, written.rows as checked, coalesce(failed.rows, 0) as failed
        from audit.rule as rule
        join (
            select change.table_id, (change.occurred_at at time zone 'America/New_York')::date as day, count(*) as rows
            from audit.row_change as change
            where change.op in ('I', 'U')
            group by 1, 2
        ) as written on written.table_id = rule.table_id
        left join (
            select finding.rule_id, (finding.occurred_at at time zone 'America/New_York')::date as day, sum(finding.new_failed) as rows
            from audit.finding as finding
            group by 1, 2
        ) as failed on failed.rule_id = rule.rule_id and failed.day = written.day
        order by 1, 2",
    );
    let Data::PassRate(pass_rate) = figures(&mut connection, "pass-rate") else {
        panic!("another chart");
    };
    let mut drawn: Vec<String> = pass_rate
        .rules
        .iter()
        .flat_map(|rule| {
            rule.steps.iter().map(|step| {
                format!(
                    "({},{},{},{})",
                    rule.rule,
                    step.start.date(),
                    step.checked,
                    step.failed
                )
            })
        })
        .collect();
    drawn.sort();
    assert_eq!(drawn, found);
    assert_eq!(drawn.len(), 3 * 8);
    assert_eq!(pass_rate.in_all, 3);
    // 88 of 800 tail numbers are missing, and that is the largest share but for the airports'.
    let worst: Vec<(&str, i64)> = pass_rate
        .rules
        .iter()
        .map(|rule| (rule.rule.as_str(), rule.failed))
        .collect();
    assert_eq!(
        worst,
        [
            ("tailnum_is_known", 88),
            ("not_null_airport", 80),
            ("one_of_airport", 8)
        ]
    );
}

#[test]
fn a_pareto_adds_up_the_findings() {
    let (_database, mut connection) = departures();
    let found = lines(
        &mut connection,
        "select rule.name, sum(finding.new_failed) as failed,
            round(sum(sum(finding.new_failed)) over (order by sum(finding.new_failed) desc) / sum(sum(finding.new_failed)) over (), 6) as so_far
        from audit.finding as finding
        join audit.rule as rule using (rule_id)
        group by 1
        order by 2 desc",
    );
    let failing = number(
        &mut connection,
        "select count(*) from public.departures where tailnum is null",
    );
    let Data::Pareto(pareto) = figures(&mut connection, "pareto") else {
        panic!("another chart");
    };
    let drawn: Vec<String> = pareto
        .rules
        .iter()
        .map(|rule| format!("({},{},{:.6})", rule.rule, rule.failed, rule.so_far))
        .collect();
    assert_eq!(drawn, found);
    assert_eq!(pareto.failed, 176);
    assert_eq!(pareto.rules[0].failing, failing);
}

#[test]
fn changes_are_those_of_the_raw_log_by_actor_and_table() {
    let (_database, mut connection) = departures();
    run(
        &mut connection,
        "create table public.gates (id integer primary key);
        select audit.watch('public.gates');
        select audit.compile('public.gates');",
    );
    for (actor, rows) in [
        ("ada", 30),
        ("bob", 20),
        ("cy", 9),
        ("di", 8),
        ("ed", 7),
        ("flo", 6),
    ] {
        run(
            &mut connection,
            &format!(
                "begin;
                select audit.set_context(actor => '{actor}', occurred_at => '2013-02-09 12:00 America/New_York');
                insert into public.gates select (select coalesce(max(id), 0) from public.gates) + n from generate_series(1, {rows}) as n;
                delete from public.gates where id % 5 = 0;
                commit;"
            ),
        );
    }
    let found = lines(
        &mut connection,
        "select watched.name, coalesce(change.actor, change.application, change.session_role),
            (change.occurred_at at time zone 'America/New_York')::date, count(*)
        from audit.row_change as change
        join audit.watched_table as watched using (table_id)
        where coalesce(change.actor, change.application, change.session_role) in ('replay', 'ada', 'bob', 'cy')
        group by 1, 2, 3
        order by 1, 2, 3",
    );
    let others = number(
        &mut connection,
        "select count(*) from audit.row_change where actor in ('di', 'ed', 'flo')",
    );
    let Data::Changes(changes) = figures(&mut connection, "changes") else {
        panic!("another chart");
    };
    let mut drawn: Vec<String> = changes
        .cells
        .iter()
        .filter_map(|cell| {
            let (table, actor) = (cell.table.as_ref()?, cell.actor.as_ref()?);
            Some(format!(
                "(public.{table},{actor},{},{})",
                cell.start.date(),
                cell.rows
            ))
        })
        .collect();
    drawn.sort();
    assert_eq!(drawn, found);
    let rest: i64 = changes
        .cells
        .iter()
        .filter(|cell| cell.actor.is_none())
        .map(|cell| cell.rows)
        .sum();
    assert_eq!(rest, others);
    assert_eq!((changes.tables_in_all, changes.actors_in_all), (2, 7));
    assert_eq!(changes.actors.len(), 4);
}

/// Summaries of the departures: by day and airport, and by airport alone.
fn summaries(connection: &mut PgConnection) {
    run(
        connection,
        r#"select audit.declare_summary('public.departures', 'by_day', '{
            "bucket": {"column": "day", "width": "1 day", "time_zone": "America/New_York"},
            "group_by": [{"name": "airport", "expression": "airport"}],
            "measures": [
                {"name": "departures", "function": "count", "expression": null},
                {"name": "mean_id", "function": "avg", "expression": "id"},
                {"name": "last tail", "function": "max", "expression": "tailnum"}
            ]}');
        select audit.declare_summary('public.departures', 'by "airport"', '{
            "group_by": [{"name": "airport", "expression": "airport"}],
            "measures": [{"name": "departures", "function": "count", "expression": null}]}');
        select audit.compile('public.departures');"#,
    );
}

#[test]
fn lines_of_a_summary_are_its_group_by() {
    let (_database, mut connection) = departures();
    summaries(&mut connection);
    let found = lines(
        &mut connection,
        "select coalesce(airport, 'null'), day, avg(id)::float8 from public.departures group by 1, 2 order by 1, 2",
    );
    let Data::Summary(summary) = figures(&mut connection, "summary:by_day:mean_id") else {
        panic!("another chart");
    };
    let mut drawn: Vec<String> = summary
        .groups
        .iter()
        .flat_map(|group| {
            group.buckets.iter().map(|(bucket, value)| {
                let day = bucket
                    .with_timezone(&chrono_tz::America::New_York)
                    .date_naive();
                format!("({},{day},{})", group.name, value.expect("there are rows"))
            })
        })
        .collect();
    drawn.sort();
    assert_eq!(drawn, found);
    assert_eq!((summary.in_all, summary.cut), (2, false));
}

#[test]
fn bars_of_a_summary_are_sorted_and_its_group_by() {
    let (_database, mut connection) = departures();
    summaries(&mut connection);
    let found = lines(
        &mut connection,
        "select coalesce(airport, 'null'), count(*) from public.departures group by 1 order by 2 desc",
    );
    let Data::Summary(summary) = figures(&mut connection, "summary:by \"airport\"") else {
        panic!("another chart");
    };
    let drawn: Vec<String> = summary
        .groups
        .iter()
        .map(|group| format!("({},{})", group.name, group.value.expect("there are rows")))
        .collect();
    assert_eq!(drawn, found);
}

#[test]
fn every_measure_that_is_a_number_is_a_chart() {
    let (_database, mut connection) = departures();
    summaries(&mut connection);
    let kinds = chart::kinds(&mut connection).expect("they are listed");
    let names: Vec<String> = kinds[Kind::ALL.len()..]
        .iter()
        .map(Kind::to_string)
        .collect();
    assert_eq!(
        names,
        [
            "summary:by \"airport\":departures",
            "summary:by_day:departures",
            "summary:by_day:mean_id"
        ]
    );
    for kind in kinds {
        let chart = chart::load(&mut connection, &kind, &week()).expect("it is read");
        assert_eq!(chart.kind(), kind);
        chart
            .svg(&Style::light(), chart::Size::default())
            .expect("it is drawn");
    }
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let (_database, mut connection) = departures();
    summaries(&mut connection);
    let mut refusal = |kind: &str, selection: &Selection| {
        let kind: Kind = kind.parse().expect("there is such a chart");
        let error = chart::load(&mut connection, &kind, selection).expect_err("it is not there");
        let cause = std::error::Error::source(&error)
            .map_or_else(String::new, |cause| format!(": {cause}"));
        format!("{error}{cause}")
    };
    let of_table = Selection {
        tables: vec!["arrivals".into()],
        ..week()
    };
    assert_eq!(
        refusal("pareto", &of_table),
        "reading the figures from the database: no watched table is called `arrivals`; `audit status` lists them"
    );
    assert_eq!(
        refusal("summary:by_night", &week()),
        "reading the figures from the database: there is no summary called `by_night` that can be read; there are by \"airport\", by_day"
    );
    assert_eq!(
        refusal("summary:by_day:last tail", &week()),
        "the summary `by_day` has no measure `last tail` that is a number; it has departures, mean_id"
    );
    let backwards = Range {
        since: NaiveDate::from_ymd_opt(2013, 2, 13).map(Since::Day),
        ..week().range
    };
    assert_eq!(
        refusal("pareto", &backwards.into()),
        "the range begins on 2013-02-13, after its last day, 2013-02-12"
    );
    assert!(
        "parto"
            .parse::<Kind>()
            .expect_err("no chart")
            .to_string()
            .contains("pareto")
    );
}

#[test]
fn a_selection_leaves_out_tables_owners_and_severities() {
    let (_database, mut connection) = departures();
    run(
        &mut connection,
        "create table public.gates (id integer primary key, name text);
        select audit.watch('public.gates', '', 'gates@example.com');
        select audit.declare_rule('public.gates', 'name_is_known', 'not_null', '{\"column\": \"name\"}', severity => 'critical');
        select audit.compile('public.gates');
        begin;
        select audit.set_context(actor => 'replay', occurred_at => '2013-02-08 12:00 America/New_York');
        insert into public.gates values (1, null), (2, null), (3, 'A');
        commit;",
    );
    let mut failed = |selection: Selection| {
        let Data::Pareto(pareto) = load(&mut connection, "pareto", &selection).data else {
            panic!("another chart");
        };
        let rules: Vec<String> = pareto
            .rules
            .iter()
            .map(|rule| format!("{} {}", rule.rule, rule.failed))
            .collect();
        rules.join(", ")
    };
    assert_eq!(
        failed(week()),
        "tailnum_is_known 88, not_null_airport 80, one_of_airport 8, name_is_known 2"
    );
    let only = |tables: &[&str], owners: &[&str], severities: &[Severity]| Selection {
        tables: tables.iter().map(ToString::to_string).collect(),
        owners: owners.iter().map(ToString::to_string).collect(),
        severities: severities.to_vec(),
        ..week()
    };
    assert_eq!(failed(only(&["gates"], &[], &[])), "name_is_known 2");
    assert_eq!(
        failed(only(
            &["public.gates", "departures"],
            &[],
            &[Severity::Critical]
        )),
        "one_of_airport 8, name_is_known 2"
    );
    // A rule without an owner is its table's.
    assert_eq!(
        failed(only(&[], &["gates@example.com"], &[])),
        "name_is_known 2"
    );
    assert_eq!(
        failed(only(
            &[],
            &["fleet@example.com", "ops@example.com"],
            &[Severity::Important, Severity::Low]
        )),
        "tailnum_is_known 88, not_null_airport 80"
    );
    assert_eq!(failed(only(&["gates"], &["ops@example.com"], &[])), "");

    let dashboard = audit_report::dashboard::load(
        &mut connection,
        &only(&["gates"], &[], &[Severity::Critical]),
    )
    .expect("it is read");
    assert_eq!(
        (
            dashboard.failing.rows,
            dashboard.failing.of_rows,
            dashboard.checked.rows
        ),
        (2, 3, 3)
    );
    assert_eq!(
        (
            dashboard.tables.len(),
            dashboard.set_aside.held,
            dashboard.writers_in_all
        ),
        (1, 0, 1)
    );
    assert_eq!(dashboard.only, "only table gates, severity critical");
}

#[test]
fn days_are_counted_back_from_today_by_the_clock_of_the_pipeline() {
    let (_database, mut connection) = departures();
    run(
        &mut connection,
        "select audit.tick('2013-02-20 12:00:00 America/New_York')",
    );
    let last_ten = Range {
        since: Some(Since::Days(10)),
        zone: Some(chrono_tz::America::New_York),
        until: None,
    };
    let chart = load(&mut connection, "findings", &last_ten.into());
    assert_eq!(chart.frame.days(), "11 Feb – 20 Feb 2013, America/New_York");
    let Data::Findings(findings) = chart.data else {
        panic!("another chart");
    };
    assert_eq!(findings.steps.len(), 10);
    assert_eq!(
        findings
            .steps
            .iter()
            .map(|step| step.failures())
            .sum::<i64>(),
        2 * 15
    );
}

#[test]
fn every_chart_of_a_database_without_anything_says_so() {
    let database = database();
    let mut connection = database.connect();
    for kind in Kind::ALL {
        let chart = chart::load(&mut connection, &kind, &Selection::default()).expect("it is read");
        let svg = chart
            .svg(&Style::light(), chart::Size::default())
            .expect("it is drawn");
        assert!(
            [">no ", ">every "].iter().any(|word| svg.contains(word)),
            "{kind}"
        );
    }
}

#[test]
fn a_reader_sees_every_chart_without_any_right_on_the_data() {
    let (_database, mut connection) = departures();
    summaries(&mut connection);
    run(&mut connection, "set role audit_reader");
    for kind in chart::kinds(&mut connection).expect("they are listed") {
        chart::load(&mut connection, &kind, &week()).expect("a reader may");
    }
}
