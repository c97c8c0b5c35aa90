//! Notices with fixed ids and times.

use audit_notify::message::{Kind, Message, Templates, decide, render};
use audit_schema::outbox::{Course, Evidence, Told, ToldAlert, ToldTransition};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

pub fn delivery_id() -> Uuid {
    "8d2f2a60-0000-4000-8000-000000000001".parse().unwrap()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn blizzard() -> Told {
    let observed = json!({
        "bucket": "2013-02-08", "origin": "EWR", "flights": 1305, "cancelled": 412, "mean_delay": 26.6612,
    });
    Told {
        alert: ToldAlert {
            alert_id: "3c1f7f60-0000-4000-8000-00000000000a".parse().unwrap(),
            fingerprint: "cancellations {\"origin\": \"EWR\"}".to_owned(),
            policy: "cancellations".to_owned(),
            group_values: json!({ "origin": "EWR" }),
            severity: "critical".to_owned(),
            title: "EWR: 412 of 1,305 departures cancelled on 2013-02-08".to_owned(),
            owner: "ops-data@example.com".to_owned(),
            acknowledged_by: None,
            runbook: Some("https://example.com/runbooks/cancellations".to_owned()),
            time_zone: Some("America/New_York".to_owned()),
            opened_at: time("2013-02-08T18:00:00Z"),
            fired_at: Some(time("2013-02-08T18:00:00Z")),
            resolved_at: None,
            observed: observed.clone(),
        },
        transition: ToldTransition {
            from_state: Some("pending".to_owned()),
            to_state: "firing".to_owned(),
            at: time("2013-02-08T18:00:00Z"),
            reason: "the condition has held long enough".to_owned(),
            title: "EWR: 412 of 1,305 departures cancelled on 2013-02-08".to_owned(),
            observed,
        },
        table: Some("public.flights".to_owned()),
        rule: None,
        summary: Some("departures_by_day".to_owned()),
        columns: ["origin", "flights", "cancelled", "mean_delay"]
            .map(str::to_owned)
            .to_vec(),
        condition: Some("cancelled > 0.25 * flights and flights >= 50".to_owned()),
        evidence: None,
        course: Some(Course {
            measure: "cancelled".to_owned(),
            width: "1 day".to_owned(),
            values: [
                3, 0, 11, 9, 4, 6, 2, 8, 14, 10, 5, 7, 1, 0, 12, 9, 40, 22, 6, 3, 8, 17, 96, 412,
            ]
            .map(f64::from)
            .to_vec(),
        }),
        is_new: false,
        standing: false,
        thread: None,
    }
}

pub fn over() -> Told {
    let mut told = blizzard();
    told.alert.resolved_at = Some(time("2013-02-10T02:00:00Z"));
    told.transition = ToldTransition {
        from_state: Some("firing".to_owned()),
        to_state: "resolved".to_owned(),
        at: time("2013-02-10T02:00:00Z"),
        reason: "the condition does not hold any more".to_owned(),
        title: "EWR: 31 of 301 departures cancelled on 2013-02-09".to_owned(),
        observed: json!({
            "bucket": "2013-02-09", "origin": "EWR", "flights": 301, "cancelled": 31, "mean_delay": 12.5,
        }),
    };
    told
}

pub fn bad_rows(rule: &str, severity: &str) -> Told {
    let mut told = blizzard();
    told.alert.policy = "bad_rows".to_owned();
    told.alert.severity = severity.to_owned();
    told.alert.group_values = json!({});
    told.alert.time_zone = None;
    told.alert.runbook = None;
    told.transition.title = format!("public.flights: 2,512 of 51,955 rows fail the rule {rule}");
    told.alert.title = told.transition.title.clone();
    told.transition.observed = json!({
        "table": "public.flights", "rule": rule, "kind": "not_null", "failing": 2512, "rows": 51955,
        "failing_ratio": 0.048349, "errors": 0, "action": "flag",
        "why": "A flight without a tail number cannot be matched to <maintenance>.",
    });
    told.rule = Some(rule.to_owned());
    told.summary = None;
    told.course = None;
    told.condition = Some("failing_ratio > 0.04".to_owned());
    let mut trend = vec![0; 24];
    trend[20..].copy_from_slice(&[12, 0, 1_700, 800]);
    told.evidence = Some(Evidence {
        keys: vec!["51955".to_owned(), "ann@example.com".to_owned()],
        writers: vec!["loader".to_owned(), "<ana>".to_owned()],
        trend,
    });
    told
}

/// What a day brought: two new alerts, one that came and went, one that is still open, and one that is over.
pub fn day() -> Vec<Told> {
    let as_new = |told: Told| Told {
        is_new: true,
        ..told
    };
    let mut standing = bad_rows("references_dest", "low");
    standing.standing = true;
    standing.alert.acknowledged_by = Some("Ann".to_owned());
    let mut other = over();
    other.alert.alert_id = "3c1f7f60-0000-4000-8000-00000000000b".parse().unwrap();
    vec![
        other,
        standing,
        as_new(bad_rows("not_null_tailnum", "normal")),
        as_new(bad_rows("range_air_time", "important")),
        as_new(over()),
    ]
}

pub fn message(kind: Kind, told: &[Told]) -> Message {
    let recipients = vec!["ops@example.com".to_owned()];
    render(
        &decide(kind, told, "ops", recipients, chrono_tz::UTC).unwrap(),
        &Templates::default(),
    )
}
