//! Defaults of rules, and silences that a policy declares.

mod shared;

use audit_core::{Policy, RuleKind};
use insta::assert_snapshot;
use shared::errors;

fn policy(text: &str) -> Policy {
    Policy::parse(text, "audit.yml").unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn a_default_holds_for_the_rules_that_it_can_be_said_of() {
    let policy = policy(
        "
version: 1
defaults:
  severity: important
  action: quarantine
  mode: hide
  nulls: fail
  on_error: block
  time_zone: America/New_York
tables:
  public.a:
    rules:
      - not_blank: x
      - unique: y
      - not_null: z
        action: reject
      - not_null: w
        mostly: 0.9
      - row_count: { per: 1 day, min: 1 }
  public.b:
    defaults: { severity: low, action: flag, shadow: true }
    rules:
      - not_null: x
      - not_null: y
        shadow: false
        severity: critical
summaries:
  daily: { from: public.a, bucket: { column: at, width: 1 day }, measures: { rows: count } }
",
    );
    let rules: Vec<String> = policy
        .tables
        .iter()
        .flat_map(|table| &table.rules)
        .map(|rule| {
            format!(
                "{}: {} {} {} nulls {} on_error {} shadow {}",
                rule.name,
                rule.severity,
                rule.action,
                rule.mode.name(),
                rule.nulls.name(),
                rule.on_error.name(),
                rule.shadow
            )
        })
        .collect();
    assert_snapshot!(rules.join("\n"), @r"
    not_blank_x: important quarantine hide nulls fail on_error block shadow false
    unique_y: important quarantine set_aside nulls pass on_error block shadow false
    not_null_z: important reject set_aside nulls fail on_error block shadow false
    not_null_w: important flag set_aside nulls fail on_error block shadow false
    row_count: important flag set_aside nulls pass on_error pass shadow false
    not_null_x: low flag set_aside nulls fail on_error block shadow true
    not_null_y: critical flag set_aside nulls fail on_error block shadow false
    ");
    let RuleKind::RowCount(count) = &policy.tables[0].rules[4].kind else {
        panic!("expected a rule about a number of rows");
    };
    assert_eq!(count.rows.time_zone.as_deref(), Some("America/New_York"));
    let bucket = policy.summaries[0].bucket.as_ref().unwrap();
    assert_eq!(bucket.time_zone, "America/New_York");
}

#[test]
fn silences_are_read_with_times_as_people_write_them() {
    let policy = policy(
        "
version: 1
defaults: { owner: ops@example.com, time_zone: America/New_York, silences: { longest: 30d } }
tables: { public.a: { rules: [{ not_null: x }] } }
alerts: { bad: { on: rules, when: failing > 0 } }
silences:
  move:
    match: { table: public.a, alert: [bad, pipeline], severity: [low, normal], group: { origin: EWR, gate: 7 } }
    from: 2026-12-01 22:00 Europe/London
    until: 2026-12-02 06:00
    why: The feed is moved.
  nightly:
    match: { rule: not_null_x, owner: ops@example.com }
    hours: Sun 02:00-04:00 Europe/London
    until: 2027-06-01
    why: The nightly load.
    owner: data@example.com
",
    );
    let silences: Vec<String> = policy
        .silences
        .iter()
        .map(|silence| format!("{} {}", silence.name, silence.definition()))
        .collect();
    assert_snapshot!(silences.join("\n"), @r#"
    move {"from":"2026-12-01T22:00:00Z","matchers":{"group":{"gate":7,"origin":"EWR"},"policy":["bad","pipeline"],"severity":["low","normal"],"table":["public.a"]},"owner":"ops@example.com","until":"2026-12-02T11:00:00Z","why":"The feed is moved."}
    nightly {"hours":{"days":[7],"from":"02:00","time_zone":"Europe/London","to":"04:00"},"matchers":{"owner":["ops@example.com"],"rule":["not_null_x"]},"owner":"data@example.com","until":"2027-06-01T04:00:00Z","why":"The nightly load."}
    "#);
}

#[test]
fn a_silence_without_an_end_a_reason_or_somebody_who_answers_for_it_is_refused() {
    assert_snapshot!(errors("
version: 1
defaults: { silences: { longest: 1d, longer: 2d }, severity: hihg, defaults: 1 }
tables: { public.a: { defaults: { owner: x } } }
silences:
  forever: { match: { table: public.b }, hours: always }
  nothing: { match: {}, until: soon, why: x, owner: x }
  long: { match: { alert: bad }, from: 2026-12-01, until: 2026-12-03, why: x, owner: x }
  back: { match: { severity: low }, from: 2026-12-03, until: 2026-12-01, why: x, owner: x }
  gone: { match: { severity: low }, until: \"2026-03-29 01:30 Europe/London\", why: x, owner: x }
  Upper: { match: { severity: low, group: {} }, until: \"2026-03-29 01:30 Mars/Olympus\", why: '', owner: x }
"), @r#"
    audit.yml:3:38: unknown key `longer` in `silences` of the defaults
      |
    3 | defaults: { silences: { longest: 1d, longer: 2d }, severity: hihg, defaults: 1 }
      |                                      ^^^^^^
      = did you mean `longest`?

    audit.yml:3:62: unknown severity `hihg`
      |
    3 | defaults: { silences: { longest: 1d, longer: 2d }, severity: hihg, defaults: 1 }
      |                                                              ^^^^
      = expected `critical`, `important`, `normal` or `low`

    audit.yml:3:68: unknown key `defaults` in `defaults`
      |
    3 | defaults: { silences: { longest: 1d, longer: 2d }, severity: hihg, defaults: 1 }
      |                                                                    ^^^^^^^^
      = expected `owner`, `fix_within`, `retain`, `time_zone`, `silences`, `severity`, `action`, `mode`, `nulls`, `on_error` or `shadow`

    audit.yml:4:35: unknown key `owner` in `defaults` of a table
      |
    4 | tables: { public.a: { defaults: { owner: x } } }
      |                                   ^^^^^
      = expected `severity`, `action`, `mode`, `nulls`, `on_error` or `shadow`

    audit.yml:6:3: a silence needs `until`
      |
    6 |   forever: { match: { table: public.b }, hours: always }
      |   ^^^^^^^
      = every silence has an end, also one that comes again and again

    audit.yml:6:3: a silence needs `why`
      |
    6 |   forever: { match: { table: public.b }, hours: always }
      |   ^^^^^^^

    audit.yml:6:3: a silence needs `owner`
      |
    6 |   forever: { match: { table: public.b }, hours: always }
      |   ^^^^^^^
      = name who answers for it, here or in the `defaults`

    audit.yml:6:30: unknown watched table `public.b`
      |
    6 |   forever: { match: { table: public.b }, hours: always }
      |                              ^^^^^^^^
      = did you mean `public.a`?

    audit.yml:6:49: `always` are not hours such as `Mon-Fri 08:00-18:00 Europe/London`
      |
    6 |   forever: { match: { table: public.b }, hours: always }
      |                                                 ^^^^^^
      = expected days, a time of day and a time zone, for example `Sun 02:00-04:00 Europe/London`

    audit.yml:7:21: a silence must say which alerts it is for
      |
    7 |   nothing: { match: {}, until: soon, why: x, owner: x }
      |                     ^
      = expected `alert`, `table`, `rule`, `severity`, `owner` or `group`

    audit.yml:7:32: `soon` is not a time
      |
    7 |   nothing: { match: {}, until: soon, why: x, owner: x }
      |                                ^^^^
      = expected `2026-12-01 22:00 Europe/London`, `2026-12-01` or `2026-12-01T22:00:00Z`

    audit.yml:8:27: unknown alert `bad`
      |
    8 |   long: { match: { alert: bad }, from: 2026-12-01, until: 2026-12-03, why: x, owner: x }
      |                           ^^^
      = none is declared

    audit.yml:8:59: the silence lasts longer than 1 day
      |
    8 |   long: { match: { alert: bad }, from: 2026-12-01, until: 2026-12-03, why: x, owner: x }
      |                                                           ^^^^^^^^^^
      = `defaults: { silences: { longest: … } }` says how long one may last

    audit.yml:9:62: the silence ends before it begins
      |
    9 |   back: { match: { severity: low }, from: 2026-12-03, until: 2026-12-01, why: x, owner: x }
      |                                                              ^^^^^^^^^^
      = `until` must be later than `from`

    audit.yml:10:44: `2026-03-29 01:30 Europe/London` is left out by the clocks of Europe/London
       |
    10 |   gone: { match: { severity: low }, until: "2026-03-29 01:30 Europe/London", why: x, owner: x }
       |                                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = name a time an hour later or earlier

    audit.yml:11:3: `Upper` cannot be the name of a silence
       |
    11 |   Upper: { match: { severity: low, group: {} }, until: "2026-03-29 01:30 Mars/Olympus", why: '', owner: x }
       |   ^^^^^
       = expected lower-case letters, digits and `_`, at most 63, not beginning with a digit

    audit.yml:11:43: `group` must not be empty
       |
    11 |   Upper: { match: { severity: low, group: {} }, until: "2026-03-29 01:30 Mars/Olympus", why: '', owner: x }
       |                                           ^

    audit.yml:11:56: unknown time zone `Mars/Olympus`
       |
    11 |   Upper: { match: { severity: low, group: {} }, until: "2026-03-29 01:30 Mars/Olympus", why: '', owner: x }
       |                                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = expected a name such as `America/New_York`

    audit.yml:11:94: `why` must not be empty
       |
    11 |   Upper: { match: { severity: low, group: {} }, until: "2026-03-29 01:30 Mars/Olympus", why: '', owner: x }
       |                                                                                              ^^

    19 errors; nothing was applied
    "#);
}
