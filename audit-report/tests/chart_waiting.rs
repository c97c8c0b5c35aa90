//! The figures that charts draw of what waits, and of what people do about it, are those that SQL finds.

mod departures;

use audit_core::Severity;
use audit_report::Selection;
use audit_report::chart::Data;
use departures::{departures, fold, lines, load, number, run, week};
use diesel::PgConnection;

#[test]
fn freshness_is_the_age_of_the_newest_change_against_the_limit() {
    let (_database, mut connection) = departures();
    run(
        &mut connection,
        "create table public.gates (id integer primary key, airport text, seen timestamptz);
        select audit.watch('public.gates');
        select audit.declare_rule('public.departures', 'departures_come', 'fresh', '{\"within\": \"1 day\"}', severity => 'important');
        select audit.declare_rule('public.gates', 'gates_are_seen', 'fresh', '{\"column\": \"seen\", \"within\": \"2 hours\", \"group_by\": [\"airport\"]}', severity => 'critical');
        select audit.compile('public.departures');
        select audit.compile('public.gates');
        insert into public.gates values (1, 'JFK', '2013-02-14 00:00Z'), (2, 'EWR', '2013-02-13 12:30Z');",
    );
    fold(&mut connection);
    let clock = "2013-02-14T01:00:00Z".parse().expect("a time");
    audit_schema::tick(&mut connection, clock).expect("the tick runs");
    let found = lines(
        &mut connection,
        "select 'departures', extract(epoch from '2013-02-14 01:00Z' - max(occurred_at))::bigint from audit.row_change where occurred_at is not null
        union all
        select 'gates · ' || airport, extract(epoch from '2013-02-14 01:00Z' - max(seen))::bigint from public.gates group by airport",
    );
    let Data::Freshness(freshness) = load(&mut connection, "freshness", &Selection::default()).data
    else {
        panic!("another chart");
    };
    let mut drawn: Vec<String> = freshness
        .entries
        .iter()
        .map(|entry| {
            let name = if entry.group.is_empty() {
                entry.table.clone()
            } else {
                format!("{} · {}", entry.table, entry.group)
            };
            let name = if name.contains(' ') {
                format!("\"{name}\"")
            } else {
                name
            };
            format!("({name},{})", entry.age.expect("it was asked"))
        })
        .collect();
    drawn.sort();
    let mut found = found;
    found.sort();
    assert_eq!(drawn, found);
    let late: Vec<(&str, bool)> = freshness
        .entries
        .iter()
        .map(|entry| (entry.group.as_str(), entry.age > entry.limit))
        .collect();
    // Twelve and a half hours of two, a day and a half of one, one hour of two.
    assert_eq!(late, [("EWR", true), ("", true), ("JFK", false)]);
    assert_eq!((freshness.in_all, freshness.too_old), (3, 2));
}

#[test]
fn quarantine_is_counted_by_rule_and_age() {
    let (_database, mut connection) = departures();
    run(
        &mut connection,
        "select audit.tick('2013-02-12 20:00:00 America/New_York')",
    );
    let found = lines(
        &mut connection,
        "select
            count(*) filter (where age < '1 hour'),
            count(*) filter (where age >= '1 hour' and age < '1 day'),
            count(*) filter (where age >= '1 day' and age < '7 days'),
            count(*) filter (where age >= '7 days' and age < '30 days'),
            count(*) filter (where age >= '30 days')
        from (
            select '2013-02-12 20:00:00 America/New_York' - occurred_at as age
            from audit.quarantine where state = 'held'
        ) as held",
    );
    let Data::Quarantine(quarantine) = load(&mut connection, "quarantine", &week()).data else {
        panic!("another chart");
    };
    let rule = &quarantine.rules[0];
    let drawn: Vec<String> = rule.held.iter().map(i64::to_string).collect();
    assert_eq!(vec![format!("({})", drawn.join(","))], found);
    assert_eq!(found, ["(0,1,6,1,0)"]);
    assert_eq!(
        (rule.rule.as_str(), rule.severity),
        ("one_of_airport", Severity::Critical)
    );
    assert_eq!((quarantine.held, quarantine.in_all), (8, 1));
}

#[test]
fn a_row_that_fails_two_rules_waits_in_both_bars_and_counts_once() {
    let (_database, mut connection) = departures();
    run(
        &mut connection,
        "select audit.declare_rule('public.departures', 'id_is_small', 'range', '{\"column\": \"id\", \"max\": 99999}', action => 'quarantine');
        select audit.compile('public.departures');
        insert into public.departures values (100001, '2013-02-12', 'ORD', 'N1');",
    );
    let Data::Quarantine(quarantine) = load(&mut connection, "quarantine", &week()).data else {
        panic!("another chart");
    };
    let held: Vec<(&str, i64)> = quarantine
        .rules
        .iter()
        .map(|rule| (rule.rule.as_str(), rule.held.iter().sum()))
        .collect();
    assert_eq!(held, [("one_of_airport", 9), ("id_is_small", 1)]);
    assert_eq!(quarantine.held, 9);
}

/// Alerts of two severities, some taken on and some over, and messages about them on two channels.
fn alerts(connection: &mut PgConnection) {
    run(
        connection,
        "insert into audit.alert (fingerprint, policy, severity, title, owner, state, opened_at, fired_at, acknowledged_at, last_held_at, resolved_at)
        select
            'f' || n, 'p', case when n % 3 = 0 then 'critical' else 'normal' end, 'alert ' || n, case when n % 2 = 0 then 'ada' else 'bob' end,
            case when n % 4 = 0 then 'firing' else 'resolved' end,
            opened_at, opened_at,
            case when n % 5 > 0 then opened_at + n * interval '7 minutes' end,
            opened_at,
            case when n % 4 > 0 then opened_at + n * n * interval '3 minutes' end
        from (select n, timestamptz '2013-02-05 12:00Z' + n * interval '1 hour' as opened_at from generate_series(1, 120) as n) as alert;
        insert into audit.channel (name, provider) values ('mail', 'resend'), ('chat', 'slack');
        with transition as (
            insert into audit.alert_transition (alert_id, to_state, at)
            select alert_id, 'firing', opened_at from audit.alert
            returning alert_transition_id, alert_id, at
        )
        insert into audit.outbox (alert_id, alert_transition_id, channel_id, kind, thread, at, state, created_at, delivered_at)
        select
            alert_id, alert_transition_id, channel_id, 'firing', gen_random_uuid(), at,
            case when alert_transition_id % 10 = 0 then 'dead' else 'delivered' end,
            now(),
            case when alert_transition_id % 10 > 0 then now() + alert_transition_id * interval '250 milliseconds' end
        from transition
        join audit.channel on channel.name = 'mail' or transition.alert_transition_id % 2 = 0;",
    );
}

#[test]
fn times_of_response_are_those_of_the_alerts() {
    let (_database, mut connection) = departures();
    alerts(&mut connection);
    let Data::Response(response) = load(&mut connection, "response", &week()).data else {
        panic!("another chart");
    };
    let mut drawn = Vec::new();
    for one in &response.severities {
        for (until, lengths) in [
            ("acknowledged_at", &one.to_acknowledge),
            ("resolved_at", &one.to_resolve),
        ] {
            drawn.push(format!(
                "({},{until},{},{},{},{:?})",
                one.severity,
                one.alerts,
                lengths.median.expect("there are some"),
                lengths.p90.expect("there are some"),
                lengths.classes
            ));
        }
    }
    let mut found = Vec::new();
    for severity in ["critical", "normal"] {
        for until in ["acknowledged_at", "resolved_at"] {
            let seconds = format!("extract(epoch from {until} - opened_at)");
            let ends = [
                0,
                300,
                900,
                3_600,
                14_400,
                86_400,
                259_200,
                604_800,
                1_000_000_000,
            ];
            let classes: Vec<i64> = ends
                .windows(2)
                .map(|pair| {
                    number(
                        &mut connection,
                        &format!(
                            "select count(*) from audit.alert where severity = '{severity}' and {seconds} >= {} and {seconds} < {}",
                            pair[0], pair[1]
                        ),
                    )
                })
                .collect();
            // A percentile by hand: between the two neighbours of its place in the sorted list.
            let percentile = |connection: &mut PgConnection, share: f64| {
                number(
                    connection,
                    &format!(
                        "with sorted as (
                            select seconds, row_number() over (order by seconds) - 1 as place, count(*) over () - 1 as last
                            from (select {seconds}::numeric as seconds from audit.alert where severity = '{severity}' and {until} is not null) as all_of_them
                        )
                        select trunc(sum(seconds * case
                            when place = floor(last * {share}) then 1 - (last * {share} - floor(last * {share}))
                            when place = floor(last * {share}) + 1 then last * {share} - floor(last * {share})
                            else 0 end))
                        from sorted"
                    ),
                )
            };
            let (median, p90) = (
                percentile(&mut connection, 0.5),
                percentile(&mut connection, 0.9),
            );
            let opened = number(
                &mut connection,
                &format!("select count(*) from audit.alert where severity = '{severity}'"),
            );
            found.push(format!(
                "({severity},{until},{opened},{median},{p90},{classes:?})"
            ));
        }
    }
    assert_eq!(drawn, found);
}

#[test]
fn deliveries_are_those_of_the_outbox() {
    let (_database, mut connection) = departures();
    alerts(&mut connection);
    let found = lines(
        &mut connection,
        "select channel.name, (outbox.at at time zone 'America/New_York')::date, count(*),
            percentile_cont(0.5) within group (order by extract(epoch from delivered_at - created_at)),
            percentile_cont(0.95) within group (order by extract(epoch from delivered_at - created_at))
        from audit.outbox join audit.channel using (channel_id)
        where outbox.state = 'delivered'
        group by 1, 2 order by 1, 2",
    );
    let dead = number(
        &mut connection,
        "select count(*) from audit.outbox where state = 'dead'",
    );
    let Data::Deliveries(deliveries) = load(&mut connection, "deliveries", &week()).data else {
        panic!("another chart");
    };
    let mut drawn: Vec<String> = deliveries
        .channels
        .iter()
        .flat_map(|channel| {
            channel.steps.iter().map(|step| {
                format!(
                    "({},{},{},{},{})",
                    channel.name,
                    step.start.date(),
                    step.delivered,
                    step.median,
                    step.p95
                )
            })
        })
        .collect();
    drawn.sort();
    assert_eq!(drawn, found);
    assert_eq!(
        deliveries.channels[0].name, "mail",
        "the busiest comes first"
    );
    assert_eq!(
        deliveries
            .channels
            .iter()
            .map(|channel| channel.dead)
            .sum::<i64>(),
        dead
    );
}
