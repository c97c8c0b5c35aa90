//! What people see on a terminal, without colours.

use audit_bin::command::{drift, findings, history, plan, quarantine, status, undo, verify::Proof};
use audit_bin::terminal::Style;
use audit_core::{Action, Author, Finding, Op, QuarantineMode, RowChange, Severity};
use audit_schema::doctor::Remark;
use audit_schema::inspect::{AlertStatus, PipelineStatus, RuleStatus, Status, TableStatus};
use audit_schema::plan::{
    Cost, Difference, Failing, Kept, Lock, Notice, Object, Plan, Planned, Verb,
};
use audit_schema::quarantine::{
    Event, Handled, Outcome, QuarantinedRow, Reason, ReasonKind, Shown,
};
use audit_schema::time_rule::TimeRuleStatus;
use audit_schema::undo::{UndoStatus, UndoStep};
use audit_schema::{Applied, Drift, Verified};
use chrono::{DateTime, TimeZone, Utc};
use insta::assert_snapshot;
use serde_json::{Value, json};

fn at(day: u32, hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2013, 2, day, hour, 0, 0).unwrap()
}

fn blizzard() -> Status {
    let rule = |name: &str, severity: &str, failing, failing_ratio| RuleStatus {
        table: "public.flights".to_owned(),
        name: name.to_owned(),
        severity: severity.to_owned(),
        action: "flag".to_owned(),
        shadow: false,
        taken_as_failing: failing,
        owner: "ops-data@example.com".to_owned(),
        time_driven: false,
        failing,
        errors: 0,
        failing_ratio,
        last_failed: (failing > 0).then(|| at(8, 17)),
    };
    Status {
        database: "flights".to_owned(),
        server_version: "15.14".to_owned(),
        pipeline: PipelineStatus {
            ticked_at: Some(at(8, 18)),
            clock: Some(at(8, 18)),
            head_rows: 0,
            waiting_seconds: 0,
            starting: Vec::new(),
            oldest_held_at: Some(at(6, 12)),
            segments: 3,
            sealed_rows: 51_955,
            delivered: 4,
            waiting: 1,
            collected: 0,
            dead: 0,
            paused_channels: Vec::new(),
        },
        tables: vec![TableStatus {
            name: "public.flights".to_owned(),
            owner: "ops-data@example.com".to_owned(),
            rows: 51_955,
            inserted: 51_961,
            updated: 3,
            deleted: 6,
            rules: 3,
            failing_rules: 2,
            held: 6,
        }],
        rules: vec![
            rule("one_of_origin", "critical", 0, 0.0),
            rule("references_dest", "important", 1288, 0.0248),
            rule("matches_tailnum", "low", 3743, 0.072),
        ],
        time_rules: Vec::new(),
        open_alerts: vec![AlertStatus {
            fingerprint: "cancellations/EWR".to_owned(),
            policy: "cancellations".to_owned(),
            severity: "critical".to_owned(),
            title: "EWR: 109 of 273 departures cancelled on 2013-02-08".to_owned(),
            state: "firing".to_owned(),
            owner: "ops-data@example.com".to_owned(),
            opened_at: at(8, 12),
            fired_at: Some(at(8, 12)),
            resolved_at: None,
        }],
        checks: Vec::new(),
        remarks: Vec::new(),
        last_apply: Some(Applied {
            applied_id: 1,
            applied_at: at(1, 9),
            applied_by: "deploy".to_owned(),
            person: "ann".to_owned(),
            program: "audit 0.1.0".to_owned(),
            file: "audit.yml".to_owned(),
            revision: Some("4f5e6d7c8b9a0011".to_owned()),
            digest: None,
            created: 9,
            changed: 0,
            dropped: 0,
            kept: 0,
        }),
    }
}

#[test]
fn the_status_tells_what_is_wrong_and_sums_it_up() {
    assert_snapshot!(status::render(&blizzard(), Style::PLAIN), @r"
    flights  PostgreSQL 15.14 · 8 Feb 2013, 18:00 UTC

    rules failing ▲ 0 critical   ◆ 1 important   ● 0 normal   ○ 1 low

    table      rows   passing  inserted  updated  deleted  set aside  rules failing
    flights  51,955  ≥ 90.3 %    51,961        3        6          6         2 of 3

    rule that fails now      severity      rows  share    last  owner
    flights.references_dest  ◆ important  1,288  2.5 %  60 min  ops-data@example.com
    flights.matches_tailnum  ○ low        3,743  7.2 %  60 min  ops-data@example.com

    open alert                                        severity    state   for  owner
    EWR: 109 of 273 departur…cancelled on 2013-02-08  ▲ critical  firing  6 h  ops-data…ple.com

    log         51,955 changed rows in 3 sealed segments
    quarantine  6 rows set aside · the oldest for 2 d
    deliveries  4 messages delivered, 1 waiting
    policy      last applied 1 Feb 2013, 09:00 by ann · as deploy · audit.yml · revision 4f5e6d7c8b9a
    doctor      ✓ nothing is wrong

    1 table · 2 of 3 rules failing · 1 alert open, 1 critical · 6 rows set aside
    ");
}

#[test]
fn a_status_without_a_fault_is_quiet() {
    let mut calm = blizzard();
    calm.open_alerts.clear();
    calm.rules.truncate(1);
    assert_snapshot!(status::render(&calm, Style::PLAIN), @r"
    flights  PostgreSQL 15.14 · 8 Feb 2013, 18:00 UTC

    rules failing ▲ 0 critical   ◆ 0 important   ● 0 normal   ○ 0 low

    table      rows  passing  inserted  updated  deleted  set aside  rules failing
    flights  51,955    100 %    51,961        3        6          6         2 of 3

    ✓ every row passes every rule

    ✓ no open alert

    log         51,955 changed rows in 3 sealed segments
    quarantine  6 rows set aside · the oldest for 2 d
    deliveries  4 messages delivered, 1 waiting
    policy      last applied 1 Feb 2013, 09:00 by ann · as deploy · audit.yml · revision 4f5e6d7c8b9a
    doctor      ✓ nothing is wrong

    1 table · 0 of 1 rule failing · 0 alerts open, 0 critical · 6 rows set aside
    ");
}

#[test]
fn a_status_tells_which_groups_fail_time_driven_rules() {
    let group = |name: &str, origin: Option<&str>, state: &str, fails: bool| TimeRuleStatus {
        table: "public.flights".to_owned(),
        name: name.to_owned(),
        kind: "fresh".to_owned(),
        severity: "critical".to_owned(),
        owner: "ops-data@example.com".to_owned(),
        shadow: false,
        group: match name {
            "fresh" => json!({ "origin": origin }),
            _ => json!({}),
        },
        state: state.to_owned(),
        fails,
        since: at(8, 16),
        checked_at: at(8, 18),
        value: None,
        expected: Some("no older than 2 hours".to_owned()),
        detail: Some("the newest is 04:00:00 old".to_owned()),
    };
    let mut late = blizzard();
    late.open_alerts.clear();
    late.rules.truncate(1);
    late.rules[0].time_driven = true;
    late.rules[0].failing = 2;
    late.rules[0].taken_as_failing = 2;
    late.time_rules = vec![
        group("fresh", Some("EWR"), "failing", true),
        group("fresh", None, "no_data", true),
        group("crews", None, "error", false),
        group("fresh", Some("JFK"), "ok", false),
    ];
    assert_snapshot!(status::render(&late, Style::PLAIN), @r"
    flights  PostgreSQL 15.14 · 8 Feb 2013, 18:00 UTC

    rules failing ▲ 1 critical   ◆ 0 important   ● 0 normal   ○ 0 low

    table      rows  passing  inserted  updated  deleted  set aside  rules failing
    flights  51,955    100 %    51,961        3        6          6         2 of 3

    ✓ every row passes every rule

    time-driven rule    severity    state    for  found
    flights.fresh EWR   ▲ critical  failing  2 h  the newest is 04:00:00 old
    flights.fresh null  ▲ critical  no data  2 h  the newest is 04:00:00 old
    flights.crews       ▲ critical  error    2 h  the newest is 04:00:00 old

    ✓ no open alert

    log         51,955 changed rows in 3 sealed segments
    quarantine  6 rows set aside · the oldest for 2 d
    deliveries  4 messages delivered, 1 waiting
    policy      last applied 1 Feb 2013, 09:00 by ann · as deploy · audit.yml · revision 4f5e6d7c8b9a
    doctor      ✓ nothing is wrong

    1 table · 1 of 1 rule failing · 0 alerts open, 0 critical · 6 rows set aside
    ");
    late.time_rules.drain(..3);
    assert!(status::render(&late, Style::PLAIN).contains("✓ every time-driven rule is kept"));
}

/// Rows of flights that were written with the wrong time in the air.
fn wrong_air_time() -> Finding {
    Finding {
        finding_id: "00000000-0000-0000-0000-000000000002".to_owned(),
        at: at(9, 0),
        occurred_at: Some(at(8, 17)),
        table: "public.flights".to_owned(),
        rule: "range_air_time".to_owned(),
        severity: Severity::Important,
        action: Action::Quarantine,
        shadow: false,
        owner: "EWR feed".to_owned(),
        op: Some(Op::Insert),
        rows: 12,
        new_failed: 2,
        old_failed: 0,
        keys: vec!["101".to_owned(), "102".to_owned()],
        samples: vec![json!({ "air_time": -12 }), json!({ "air_time": 0 })],
        error: None,
        fix_by: None,
        author: Author {
            session_role: "app".to_owned(),
            actor: Some("EWR feed".to_owned()),
            ..Author::default()
        },
    }
}

#[test]
fn findings_of_time_driven_rules_are_nobodys_write() {
    let finding = Finding {
        rule: "fresh".to_owned(),
        action: Action::Flag,
        op: None,
        rows: 0,
        new_failed: 1,
        keys: vec!["origin = EWR".to_owned()],
        samples: vec![
            json!({ "origin": "EWR", "found": "the newest is 04:00:00 old", "expected": "no older than 2 hours" }),
        ],
        ..wrong_air_time()
    };
    assert_snapshot!(findings::render(&[finding, wrong_air_time()], Style::PLAIN), @"
    when               severity     table    rule                        failed  of  key           example                     written by
    8 Feb 2013, 17:00  ◆ important  flights  fresh                            1      origin = EWR  the newest is 04:00:00 old  nobody: time passed
    8 Feb 2013, 17:00  ◆ important  flights  range_air_time (set aside)       2  12  101 +1        air_time -12                EWR feed

    2 findings shown · 2 rows
    ");
}

#[test]
fn findings_show_the_failing_values() {
    assert_snapshot!(findings::render(&[wrong_air_time()], Style::PLAIN), @r"
    when               severity     table    rule                        failed  of  key     example       written by
    8 Feb 2013, 17:00  ◆ important  flights  range_air_time (set aside)       2  12  101 +1  air_time -12  EWR feed

    1 finding shown · 2 rows
    ");
}

fn held(op: &str, mode: QuarantineMode) -> QuarantinedRow {
    QuarantinedRow {
        quarantine_id: "1a2b3c4d-0000-0000-0000-000000000001".to_owned(),
        since: at(6, 12),
        age: 7200.0,
        fix_by: Some(at(7, 12)),
        table: "public.flights".to_owned(),
        mode,
        op: op.to_owned(),
        key: "31411".to_owned(),
        rules: vec!["range_air_time".to_owned()],
        severity: "important".to_owned(),
        owner: "ops-data@example.com".to_owned(),
        values: json!({ "air_time": 28_800 }),
        writer: "EWR feed".to_owned(),
        state: "held".to_owned(),
        edits: 0,
        refusals: 0,
    }
}

#[test]
fn quarantine_says_why_a_row_waits() {
    let rows = [
        held("U", QuarantineMode::SetAside),
        held("I", QuarantineMode::Hide),
    ];
    assert_snapshot!(quarantine::render(&rows, 312, Style::PLAIN), @r"
    id        severity     table    key    what             because of      values          written by  owner                 for
    1a2b3c4d  ◆ important  flights  31411  update (undone)  range_air_time  air_time 28800  EWR feed    ops-data@example.com  2 h
    1a2b3c4d  ◆ important  flights  31411  hidden           range_air_time  air_time 28800  EWR feed    ops-data@example.com  2 h

    2 of 312 rows in quarantine
    ");
    assert_snapshot!(quarantine::render(&rows[..1], 1, Style::PLAIN), @r"
    id        severity     table    key    what             because of      values          written by  owner                 for
    1a2b3c4d  ◆ important  flights  31411  update (undone)  range_air_time  air_time 28800  EWR feed    ops-data@example.com  2 h

    1 row in quarantine · the oldest for 2 h
    ");
}

#[test]
fn a_row_in_quarantine_is_shown_with_what_was_done_with_it() {
    let reason = Reason {
        kind: ReasonKind::Rule,
        name: "range_air_time".to_owned(),
        message: "a flight takes at most a day".to_owned(),
    };
    let event = |kind: &str| Event {
        at: at(6, 13),
        kind: kind.to_owned(),
        reason: None,
        old: None,
        new: None,
        reasons: Vec::new(),
        author: Author {
            session_role: "ana".to_owned(),
            ..Author::default()
        },
    };
    let shown = Shown {
        held: held("U", QuarantineMode::SetAside),
        row: json!({ "air_time": 480, "dest": "LAX", "tailnum": null })
            .as_object()
            .cloned()
            .unwrap(),
        restored: json!({ "air_time": 118, "dest": "LAX", "tailnum": null })
            .as_object()
            .cloned(),
        events: vec![
            Event {
                reasons: vec![reason],
                ..event("refused")
            },
            Event {
                reason: Some("typing error".to_owned()),
                old: json!({ "air_time": 28_800 }).as_object().cloned(),
                new: json!({ "air_time": 480 }).as_object().cloned(),
                ..event("edited")
            },
        ],
    };
    assert_snapshot!(quarantine::render_one(&shown, Style::PLAIN), @r"
    flights 31411  1a2b3c4d-0000-0000-0000-000000000001
    held · update (undone) · ◆ important · since 6 Feb 2013, 12:00, for 2 h
    because of range_air_time · written by EWR feed · owner ops-data@example.com · to be seen to by 7 Feb 2013, 12:00

    column    value  in the table
    air_time  480    118
    dest      LAX    same
    tailnum   –      same

    6 Feb 2013, 13:00  refused by ana
      range_air_time: a flight takes at most a day

    6 Feb 2013, 13:00  edited by ana: typing error
      air_time 28800 → 480
    ");
}

#[test]
fn a_release_tells_what_was_refused_and_sums_up() {
    let row = |id: &str, outcome, reasons| Handled {
        quarantine_id: format!("{id}-0000-0000-0000-000000000001"),
        table: "public.flights".to_owned(),
        key: "31411".to_owned(),
        outcome,
        reasons,
        old: None,
        new: None,
    };
    let reason = |kind, name: &str, message: &str| Reason {
        kind,
        name: name.to_owned(),
        message: message.to_owned(),
    };
    let rows = [
        row("1a2b3c4d", Outcome::Released, Vec::new()),
        row(
            "2a2b3c4d",
            Outcome::Refused,
            vec![
                reason(
                    ReasonKind::Rule,
                    "range_air_time",
                    "a flight takes at most a day",
                ),
                reason(ReasonKind::Rule, "references_dest", "references dest"),
            ],
        ),
        row("3a2b3c4d", Outcome::Released, Vec::new()),
        row("4a2b3c4d", Outcome::AlreadyReleased, Vec::new()),
    ];
    assert_snapshot!(quarantine::render_handled(&rows, true, Style::PLAIN), @r"
    id        table    key    refused because of
    2a2b3c4d  flights  31411  range_air_time      a flight takes at most a day
                              references_dest     references dest

    2 rows released · 1 row refused · 1 row already released · a dry run: nothing was changed
    ");
}

#[test]
fn history_tells_what_each_change_made_different() {
    let version = |op, old: Option<&Value>, new: Option<&Value>, cause: Option<&str>| RowChange {
        lsn: "0/1A2B3C".to_owned(),
        xid: 7,
        at: at(7, 0),
        occurred_at: Some(at(6, 12)),
        table: "public.flights".to_owned(),
        op,
        key: Some("31411".to_owned()),
        old_key: None,
        author: Author {
            session_role: "app".to_owned(),
            actor: Some("alice@example.com".to_owned()),
            request_id: Some("4711".to_owned()),
            ..Author::default()
        },
        cause: cause.map(str::to_owned),
        old: old.and_then(Value::as_object).cloned(),
        new: new.and_then(Value::as_object).cloned(),
        sealed: true,
    };
    let good = json!({ "id": 31411, "air_time": 118, "tailnum": null });
    let bad = json!({ "id": 31411, "air_time": 28_800, "tailnum": null });
    let versions = [
        version(Op::Insert, None, Some(&good), None),
        version(Op::Update, Some(&good), Some(&bad), None),
        version(Op::Update, Some(&bad), Some(&good), Some("quarantine")),
    ];
    assert_snapshot!(history::render("public.flights", "31411", &versions, Style::PLAIN), @r"
    public.flights 31411

    6 Feb 2013, 12:00  inserted  by alice@example.com · request 4711 · transaction 7 · 0/1A2B3C · sealed
      air_time 118 · id 31411 · tailnum –

    6 Feb 2013, 12:00  updated  by alice@example.com · request 4711 · transaction 7 · 0/1A2B3C · sealed
      column    before  after
      air_time  118     28800

    6 Feb 2013, 12:00  updated  by alice@example.com · request 4711 · because of quarantine · transaction 7 · 0/1A2B3C · sealed
      column    before  after
      air_time  28800   118

    3 versions
    ");
}

#[test]
fn what_takes_changes_back_can_be_run_as_it_stands_whatever_a_key_holds() {
    let step = |key: &str, status| UndoStep {
        statement: Some("delete from public.tails where id = 'N1'".to_owned()),
        status,
        table: "public.tails".to_owned(),
        key: Some(key.to_owned()),
        op: Op::Insert,
        lsn: "0/1A2B3C".to_owned(),
        xid: 7,
        at: at(7, 0),
        unknown: Vec::new(),
    };
    let refused = UndoStatus::Refused {
        reason: "changed since by bob\nat 0/1A2B3D".to_owned(),
        later: Some("0/1A2B3D".to_owned()),
    };
    let output = undo::render(
        &[
            step("N1\n; drop table tails", UndoStatus::Ready),
            step("N2", refused),
        ],
        Style::PLAIN,
    );
    assert!(!output.well);
    assert_snapshot!(output.text, @r"
    -- insert of public.tails N1 ; drop table tails · 7 Feb 2013, 00:00 · 0/1A2B3C
    delete from public.tails where id = 'N1';
    -- insert of public.tails N2 · 7 Feb 2013, 00:00 · 0/1A2B3C
    -- ✗ refused: changed since by bob at 0/1A2B3D

    -- ✗ 1 of 2 changes refused, so nothing would be run
    ");
}

#[test]
fn a_proof_names_what_does_not_agree() {
    let verified = |kind: &str, object: &str, found: &str| Verified {
        kind: kind.to_owned(),
        object: object.to_owned(),
        expected: "7".to_owned(),
        found: found.to_owned(),
        ok: found == "7",
    };
    let output = Proof {
        verified: vec![
            verified("rows", "public.flights", "7"),
            verified("rule", "public.flights.one_of_origin", "8"),
        ],
        replayed: vec![("public.flights".to_owned(), 0)],
    }
    .render(Style::PLAIN);
    assert!(!output.well);
    assert_snapshot!(output.text, @r"
      ✓ 1 row counter: each says what a full scan of its table says
      ✗ 1 rule counter: 1 do not agree with a full scan
        public.flights.one_of_origin: the pipeline says 8, a full scan 7
      ✓ 1 table: the log, replayed, gives the same rows

    3 checks, 1 do not agree
    ");
}

fn planned(verb: Verb, object: Object, name: &str) -> Planned {
    Planned {
        verb,
        object,
        name: name.to_owned(),
        table: None,
        what: String::new(),
        severity: None,
        action: None,
        differences: Vec::new(),
        failing: None,
        cost: None,
        notes: Vec::new(),
    }
}

fn plan_of_a_shop() -> Plan {
    let rule = |name: &str, severity, action, cost| Planned {
        table: Some("public.orders".to_owned()),
        severity: Some(severity),
        action: Some(action),
        cost: Some(cost),
        ..planned(Verb::Create, Object::Rule, name)
    };
    Plan {
        changes: vec![
            Planned {
                what: "Orders are billed on the day they are placed.".to_owned(),
                ..planned(Verb::Create, Object::Table, "public.orders")
            },
            Planned {
                what: "amount at least 0".to_owned(),
                failing: Some(Failing {
                    failing: 12_400,
                    rows: 40_000_000,
                    sample: Some(99_880),
                }),
                ..rule("range_amount", Severity::Critical, Action::Reject, Cost::Row)
            },
            Planned {
                what: "region and note are unique together".to_owned(),
                notes: vec![
                    "no index on public.orders (region, note): every write of public.orders reads all of it"
                        .to_owned(),
                ],
                ..rule("unique_region_note", Severity::Normal, Action::Flag, Cost::Scan)
            },
            Planned {
                verb: Verb::Change,
                what: "region is not null".to_owned(),
                differences: vec![Difference {
                    property: "severity",
                    before: "normal".to_owned(),
                    after: "low".to_owned(),
                }],
                failing: Some(Failing {
                    failing: 0,
                    rows: 100,
                    sample: None,
                }),
                ..rule("not_null_region", Severity::Low, Action::Flag, Cost::Row)
            },
            planned(Verb::Drop, Object::Channel, "disk"),
        ],
        locks: vec![
            Lock {
                table: "public.orders".to_owned(),
                mode: "share row exclusive",
                rows: 40_000_000,
                scans: 3,
                seconds: Some(61.4),
            },
            Lock {
                table: "public.old".to_owned(),
                mode: "access exclusive",
                rows: 0,
                scans: 0,
                seconds: None,
            },
        ],
        notices: vec![Notice {
            table: "public.orders".to_owned(),
            rules: vec!["range_amount".to_owned()],
            what: "a statement that writes a failing row ends with an error".to_owned(),
        }],
        kept: vec![Kept {
            object: Object::Rule,
            name: "short_note".to_owned(),
            table: Some("public.orders".to_owned()),
            what: "note has at most 20 characters".to_owned(),
            declared_by: "alice".to_owned(),
            declared_at: at(7, 9),
            in_policy: true,
            differences: vec![Difference {
                property: "rule",
                before: "note has at most 20 characters".to_owned(),
                after: "note has at most 10 characters".to_owned(),
            }],
        }],
    }
}

#[test]
fn a_plan_says_what_changes_what_it_costs_who_waits_and_who_notices() {
    assert_snapshot!(plan::render(&plan_of_a_shop(), false, Style::PLAIN), @r"
    + table   orders  Orders are billed on the day they are placed.
      + rule    range_amount  ▲ critical, reject  amount at least 0
          about 12,400 of 40,000,000 rows fail it now, by a sample of 99,880
      + rule    unique_region_note  ● normal, flag  region and note are unique together
          ! no index on public.orders (region, note): every write of public.orders reads all of it
      ~ rule    not_null_region  ○ low, flag  region is not null
          severity: normal → low
          ✓ no row of 100 fails it now
    - channel disk

    what a write pays  rules  class                     cost
    orders                 2  row predicate             cheap: evaluated with the row, about 1 % of the rate of single-row writes
    orders                 1  look-up without an index  dear: reads the whole table for each statement that writes

    while it is applied  lock                 what happens                                               for (an estimate)
    orders               share row exclusive  writers wait while about 40,000,000 rows are read 3 times  about 62 s
    old                  access exclusive     readers and writers wait                                   a moment

    what clients may notice  because of    what
    orders                   range_amount  a statement that writes a failing row ends with an error

    = rule    orders.short_note  note has at most 20 characters
        declared by alice by SQL on 7 Feb 2013, 09:00; the policy has it otherwise:
        rule: note has at most 20 characters (in the policy: note has at most 10 characters)

    3 to create · 1 to change · 1 to drop · 1 declared by SQL kept, which --prune would not · nothing was changed; `audit apply` does it
    ");
}

#[test]
fn what_was_applied_is_told_without_what_is_over() {
    let mut applied = plan_of_a_shop();
    applied.changes.truncate(2);
    applied.kept.clear();
    assert_snapshot!(plan::render(&applied, true, Style::PLAIN), @r"
    + table   orders  Orders are billed on the day they are placed.
      + rule    range_amount  ▲ critical, reject  amount at least 0
          about 12,400 of 40,000,000 rows fail it now, by a sample of 99,880

    what a write pays  rules  class          cost
    orders                 1  row predicate  cheap: evaluated with the row, about 1 % of the rate of single-row writes

    ✓ applied: 2 created · 0 changed · 0 dropped
    ");
}

#[test]
fn drift_tells_of_the_last_apply_and_of_everything_that_differs() {
    let mut planned = plan_of_a_shop();
    planned.changes.truncate(2);
    let found = Drift {
        last: blizzard().last_apply,
        changes: planned.changes,
        kept: planned.kept,
        code: vec![Remark {
            severity: Severity::Critical,
            remark: "trigger_disabled".to_owned(),
            object: "public.orders".to_owned(),
            what: "insert is not logged: the trigger is disabled".to_owned(),
            todo: "alter table public.orders enable trigger audit_insert".to_owned(),
        }],
    };
    assert_snapshot!(drift::render(&found, Some(false), Style::PLAIN), @r"
    last applied 1 Feb 2013, 09:00 by ann · as deploy · audit.yml · revision 4f5e6d7c8b9a · the file has changed since

    what `audit apply` would change
    + table   orders  Orders are billed on the day they are placed.
      + rule    range_amount  ▲ critical, reject  amount at least 0
          about 12,400 of 40,000,000 rows fail it now, by a sample of 99,880

    what was declared by SQL; `audit apply` leaves it, --prune does not
    = rule    orders.short_note  note has at most 20 characters
        declared by alice by SQL on 7 Feb 2013, 09:00; the policy has it otherwise:
        rule: note has at most 20 characters (in the policy: note has at most 10 characters)

    generated code that is not that of the declarations
    ▲ critical  public.orders  trigger_disabled
        insert is not logged: the trigger is disabled
        → alter table public.orders enable trigger audit_insert

    2 differences · 1 by SQL · 1 remark about generated code
    ");
}

#[test]
fn a_status_is_never_wider_than_a_hundred_columns() {
    let mut wide = blizzard();
    let long = "a_name_that_somebody_chose_and_that_is_longer_than_it_should_be_by_far";
    for table in &mut wide.tables {
        table.name = format!("public.{long}");
    }
    for rule in &mut wide.rules {
        rule.table = format!("public.{long}");
        rule.owner = format!("{long}@example.com");
        rule.shadow = true;
    }
    wide.open_alerts[0].title = long.repeat(3);
    wide.open_alerts[0].owner = long.to_owned();
    wide.open_alerts[0].state = "acknowledged".to_owned();
    if let Some(last) = &mut wide.last_apply {
        last.file = long.to_owned();
    }
    wide.remarks = vec![Remark {
        severity: Severity::Important,
        remark: "declarations_not_compiled".to_owned(),
        object: long.repeat(2),
        what: String::new(),
        todo: String::new(),
    }];
    let text = status::render(&wide, Style::PLAIN);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}
