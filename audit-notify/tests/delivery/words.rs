//! What messages say.

use audit_notify::message::Kind;

use crate::notice::{bad_rows, blizzard, message, over};

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

    What to do
      Follow the runbook: https://example.com/runbooks/cancellations
      See the numbers of every group:
        select * from audit_compiled."departures_by_day";
      See everything that is open:
        audit status
      Take it on, so that nobody is reminded:
        select audit.acknowledge('3c1f7f60-0000-4000-8000-00000000000a', 'your name');
      Or silence it for a while:
        select audit.snooze('3c1f7f60-0000-4000-8000-00000000000a', now() + interval '4 hours', 'why');

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
        select audit.acknowledge('3c1f7f60-0000-4000-8000-00000000000a', 'your name');
      Or silence it for a while:
        select audit.snooze('3c1f7f60-0000-4000-8000-00000000000a', now() + interval '4 hours', 'why');

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
