//! Two months of real flights, looked at every three hours: what raises a critical alert, and what does not.

use audit_bin::demo::{ZONE, data, install, replay};
use audit_core::Severity;
use audit_core::alert::Message;
use audit_schema::Notice;
use audit_schema::testing::database;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

#[test]
fn in_two_months_the_blizzard_alone_is_critical_and_it_ends_by_itself() {
    let database = database();
    let mut connection = database.connect();
    install(&mut connection).unwrap();
    let (from, to) = (data::midnight(1, 1), data::midnight(3, 1));
    replay::load_reference_tables(&mut connection, from - TimeDelta::hours(4)).unwrap();
    let mut hours = data::hours(from, to).unwrap();
    let mut notices: Vec<Notice> = Vec::new();
    let mut hour = from;
    while hour < to {
        if let Some(reports) = hours.remove(&hour) {
            replay::write_hour(&mut connection, hour, reports).unwrap();
        }
        hour += TimeDelta::hours(1);
        if (hour - from).num_hours() % 3 == 0 {
            let report = audit_schema::tick(&mut connection, hour).unwrap();
            assert_eq!(report.errors, []);
            notices.extend(report.notices);
        }
    }

    let day = |time: DateTime<Utc>| time.with_timezone(&ZONE).date_naive().to_string();
    let critical: Vec<&Notice> = notices
        .iter()
        .filter(|notice| notice.severity == Severity::Critical)
        .collect();
    for airport in ["EWR", "JFK", "LGA"] {
        let about: Vec<(Message, String)> = critical
            .iter()
            .filter(|notice| notice.title.starts_with(airport))
            .map(|notice| (notice.message, day(notice.at)))
            .collect();
        let told = |message, day: &str| (message, day.to_owned());
        assert_eq!(about.first(), Some(&told(Message::Firing, "2013-02-08")));
        assert_eq!(about.last(), Some(&told(Message::Resolved, "2013-02-10")));
        let between = &about[1..about.len() - 1];
        assert!(
            between
                .iter()
                .all(|(message, _)| *message == Message::Repeat),
            "{airport}: {about:?}"
        );
    }
    assert!(
        critical
            .iter()
            .all(|notice| notice.policy == "cancellations"
                && ["EWR", "JFK", "LGA"].contains(&&notice.title[..3])),
        "{critical:#?}"
    );

    #[derive(QueryableByName)]
    struct Episodes {
        #[diesel(sql_type = BigInt)]
        number: i64,
        #[diesel(sql_type = Text)]
        ended_by: String,
    }
    let episodes: Episodes = diesel::sql_query(
        "select count(distinct alert.alert_id) as number, string_agg(distinct moved.actor, ', ') as ended_by
        from audit.alert as alert
        join audit.alert_transition as moved on moved.alert_id = alert.alert_id and moved.to_state = 'resolved'
        where alert.severity = 'critical'",
    )
    .get_result(&mut connection)
    .unwrap();
    assert_eq!((episodes.number, episodes.ended_by.as_str()), (3, "tick"));
}
