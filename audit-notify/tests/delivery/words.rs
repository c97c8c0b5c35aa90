//! What messages say.

use audit_notify::message::Kind;

use crate::notice::{bad_rows, blizzard, day, message, over};

#[test]
fn a_firing_alert_reads_as_plain_text() {
    let message = message(Kind::Firing, &[blizzard()]);
    assert_eq!(
        message.subject,
        "Critical: public.flights, cancellations, EWR"
    );
    insta::assert_snapshot!(message.text, @r#"
    EWR: 412 of 1,305 departures cancelled on 2013-02-08

    ▲ Critical · firing
    Since Friday 8 February 2013, 13:00 EST. Alert policy cancellations on public.flights.

      period      2013-02-08
      origin      EWR
      flights          1,305
      cancelled          412
      mean delay        26.7

      fires when cancelled > 0.25 * flights and flights >= 50

      cancelled, last 24 days  ▂▁▂▂▂▂▂▂▂▂▂▂▂▁▂▂▂▂▂▂▂▂▃█  at most 412 in a day

    What to do
      Follow the runbook: https://example.com/runbooks/cancellations
      See the numbers of every group:
        select * from audit_compiled."departures_by_day";
      See everything that is open:
        audit status
      Take it on, so that nobody is reminded:
        audit alerts ack 3c1f7f60
      Or silence it for a while:
        audit alerts snooze 3c1f7f60 --for 4h

    -- 
    Sent to ops@example.com through the channel ops. Owner: ops-data@example.com.
    Alert 3c1f7f60-0000-4000-8000-00000000000a
    "#);
}

#[test]
fn its_end_compares_then_and_now() {
    let message = message(Kind::Resolved, &[over()]);
    assert_eq!(
        message.subject,
        "Re: Critical: public.flights, cancellations, EWR"
    );
    insta::assert_snapshot!(message.text, @r#"
    Over after 32 hours: EWR: 412 of 1,305 departures cancelled on 2013-02-08

    ✓ Resolved · was critical
    It began Friday 8 February 2013, 13:00 EST and ended Saturday 9 February 2013, 21:00 EST. Alert policy cancellations on public.flights.

                        then  now
      period      2013-02-08  2013-02-09
      origin      EWR         EWR
      flights          1,305  301
      cancelled          412  31
      mean delay        26.7  12.5

      fires when cancelled > 0.25 * flights and flights >= 50

    To look further
      See the numbers of every group:
        select * from audit_compiled."departures_by_day";
      See everything that is open:
        audit status

    -- 
    Sent to ops@example.com through the channel ops. Owner: ops-data@example.com.
    Alert 3c1f7f60-0000-4000-8000-00000000000a
    "#);
}

#[test]
fn a_failing_rule_says_why_it_matters() {
    let message = message(Kind::Repeat, &[bad_rows("not_null_tailnum", "normal")]);
    insta::assert_snapshot!(message.text, @r"
    public.flights: 2,512 of 51,955 rows fail the rule not_null_tailnum

    ● Normal · still firing, for less than a minute
    Firing since Friday 8 February 2013, 18:00 UTC. Alert policy bad_rows on public.flights.
    Why it matters: A flight without a tail number cannot be matched to <maintenance>.

      failing         2,512
      rows           51,955
      failing ratio   4.8 %
      action         flag

      fires when failing_ratio > 0.04

      last 24 hours  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▁█▅  at most 1,700 rows in an hour
      for example    51955, ann@e•••e.com
      written by     loader, <ana>

    What to do
      See which rows fail, and who wrote them:
        audit findings
      See everything that is open:
        audit status
      Take it on, so that nobody is reminded:
        audit alerts ack 3c1f7f60
      Or silence it for a while:
        audit alerts snooze 3c1f7f60 --for 4h

    -- 
    Sent to ops@example.com through the channel ops. Owner: ops-data@example.com.
    Alert 3c1f7f60-0000-4000-8000-00000000000a
    ");
}

#[test]
fn many_alerts_are_told_in_one_message_the_worst_first() {
    let mut many: Vec<_> = (0..25)
        .map(|number| bad_rows(&format!("rule_{number}"), "normal"))
        .collect();
    many.push(over());
    many.push(bad_rows("range_distance", "critical"));
    let message = message(Kind::Several, &many);
    assert_eq!(
        message.subject,
        "Critical: 27 more alerts, 1 critical, 25 normal, 1 over"
    );
    insta::assert_snapshot!(message.text.lines().take(12).collect::<Vec<_>>().join("\n"), @r#"
    27 more alerts: 1 critical, 25 normal, 1 over

    ▲ Critical · 27 alerts
    So much happened at once, Friday 8 February 2013, 18:00 UTC, that the rest is told in one message.

      ▲ critical   public.flights: 2,512 of 51,955 rows fail the rule range_distance
      ● normal     public.flights: 2,512 of 51,955 rows fail the rule rule_0
      ● normal     public.flights: 2,512 of 51,955 rows fail the rule rule_1
      ● normal     public.flights: 2,512 of 51,955 rows fail the rule rule_2
      ● normal     public.flights: 2,512 of 51,955 rows fail the rule rule_3
      ● normal     public.flights: 2,512 of 51,955 rows fail the rule rule_4
      ● normal     public.flights: 2,512 of 51,955 rows fail the rule rule_5
    "#);
    assert!(message.text.contains("… and 7 more"));
}

#[test]
fn several_that_turn_out_to_be_one_are_told_as_one() {
    assert_eq!(
        message(Kind::Several, &[over()]),
        message(Kind::Resolved, &[over()])
    );
}

#[test]
fn html_escapes_what_people_wrote() {
    let html = message(Kind::Firing, &[bad_rows("not_null_tailnum", "normal")]).html(false);
    assert!(html.contains("matched to &lt;maintenance&gt;."));
    assert!(!html.contains("<maintenance>"));
    assert!(html.contains("loader, &lt;ana&gt;"));
}

#[test]
fn html_loads_nothing_from_outside() {
    for kind in [Kind::Firing, Kind::Resolved] {
        let html = message(kind, &[over()]).html(true);
        assert_eq!(
            html.matches("src=").count(),
            html.matches("src=\"cid:dashboard\"").count()
        );
        assert!(!html.contains("url(") && !html.contains("<link") && !html.contains("<script"));
    }
}

#[test]
fn the_colour_is_never_alone() {
    for (severity, mark) in [
        ("critical", "▲ Critical"),
        ("important", "◆ Important"),
        ("normal", "● Normal"),
        ("low", "○ Low"),
    ] {
        assert!(
            message(Kind::Firing, &[bad_rows("rule", severity)])
                .html(false)
                .contains(mark)
        );
    }
}

#[test]
fn a_digest_says_what_is_new_what_is_still_open_and_what_is_over() {
    let message = message(Kind::Digest, &day());
    assert_eq!(message.subject, "Digest: 2 new, 1 still open, 2 over");
    insta::assert_snapshot!(message.text, @r#"
    5 alerts in this digest: 2 new, 1 still open, 2 over

    ◆ Important · digest
    What happened from Friday 8 February 2013, 18:00 UTC to Sunday 10 February 2013, 02:00 UTC.

    New
      ◆ important  public.flights: 2,512 of 51,955 rows fail the rule range_air_time
                   since Friday 8 February 2013, 18:00 UTC · ops-data@example.com · alert 3c1f7f60
      ● normal     public.flights: 2,512 of 51,955 rows fail the rule not_null_tailnum
                   since Friday 8 February 2013, 18:00 UTC · ops-data@example.com · alert 3c1f7f60

    Still open from before
      ○ low        public.flights: 2,512 of 51,955 rows fail the rule references_dest
                   since Friday 8 February 2013, 18:00 UTC · taken on by Ann · ops-data@example.com · alert 3c1f7f60

    Over
      ▲ critical   public.flights: EWR: 412 of 1,305 departures cancelled on 2013-02-08
                   lasted 32 hours
      ▲ critical   public.flights: EWR: 412 of 1,305 departures cancelled on 2013-02-08
                   came and went, lasted 32 hours

    What to do
      See everything that is open:
        audit alerts list
      See one of them with its history:
        audit alerts show 3c1f7f60
      Take it on, so that nobody is reminded:
        audit alerts ack 3c1f7f60

    -- 
    Sent to ops@example.com through the channel ops.
    Alert 3c1f7f60-0000-4000-8000-00000000000a
    "#);
    assert!(message.html(false).contains("Still open from before</td>"));
    let places: Vec<&str> = message.data["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["digest"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["new", "new", "still open", "over", "over"]);
    assert_eq!(
        message.events.len(),
        4,
        "what only stands there is no event"
    );
}

#[test]
fn a_digest_of_what_is_over_is_not_in_the_colour_of_an_alert() {
    let mut came = over();
    came.is_new = true;
    let message = message(Kind::Digest, &[came]);
    assert_eq!(message.subject, "Digest: 1 over");
    assert!(
        message.text.contains("\n✓ Digest, all over\n"),
        "{}",
        message.text
    );
    assert!(!message.html(false).contains("#B42318"));
}

#[test]
fn what_is_told_again_says_why() {
    let mut worse = blizzard();
    worse.transition.from_state = Some("firing".to_owned());
    worse.transition.reason = "nobody has taken it on in time".to_owned();
    let message = message(Kind::Firing, &[worse]);
    assert!(
        message
            .text
            .contains(" Told again: nobody has taken it on in time.\n"),
        "{}",
        message.text
    );
}

#[test]
fn a_course_is_drawn_in_the_buckets_of_its_summary() {
    let mut quarters = blizzard();
    let course = quarters.course.as_mut().unwrap();
    (course.width, course.measure) = ("15 minutes".to_owned(), "mean_delay".to_owned());
    let text = message(Kind::Firing, &[quarters.clone()]).text;
    assert!(
        text.contains("  mean delay, last 24 times 15 minutes  ")
            && text.contains("at most 412 in 15 minutes"),
        "{text}"
    );
    quarters.course.as_mut().unwrap().values.fill(0.0);
    let text = message(Kind::Firing, &[quarters]).text;
    assert!(!text.contains("last 24"), "{text}");
}
