//! Any policy that parses, once it is applied, is what the database says is in force: a plan of it is empty, and what is in force, written as a
//! policy, is that policy. The database is
//! kept from case to case, so each policy is also reached from whatever the one before declared.
#![cfg(feature = "embedded")]

mod shared;

use std::cell::RefCell;

use audit_core::{Format, Function, Policy, Provider};
use audit_schema::{Error, apply, export, plan, testing};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};
use shared::run;

const TABLES: &str = "
    create table flights (
        id bigint primary key, carrier text, origin text, dest text, distance integer, delay numeric, dep_at timestamptz,
        arr_at timestamptz, day date, cancelled boolean not null default false, status text, contact text, \"odd Name\" text
    );
    create table airlines (carrier text primary key, name text);
    create table ledger (origin text, total numeric);
    insert into airlines values ('UA', 'United');
    insert into flights (id, carrier, origin, distance, delay, dep_at, arr_at, day)
    select n, 'UA', 'EWR', n, n, '2013-01-01'::timestamptz + n * interval '1 hour', '2013-01-01'::timestamptz + n * interval '1 hour', '2013-01-01'
    from generate_series(1, 5) n;
";
const TEXT_COLUMNS: [&str; 7] = [
    "carrier", "origin", "dest", "status", "contact", "odd Name", "carrier",
];

/// An object without the entries that are null.
fn object(entries: Vec<(&str, Value)>) -> Value {
    let entries = entries.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        entries
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn merged(mut left: Value, right: Value) -> Value {
    if let (Value::Object(left), Value::Object(right)) = (&mut left, right) {
        left.extend(right);
    }
    left
}

/// Something, or null.
fn maybe(strategy: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![2 => Just(Value::Null), 1 => strategy].boxed()
}

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(Value::from).boxed()
}

fn some_of(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    subsequence(words, 1..=words.len())
        .prop_map(|words| json!(words))
        .boxed()
}

/// Whatever people write into a file.
fn words() -> BoxedStrategy<Value> {
    prop_oneof![
        "[a-zA-Z0-9 ,.;:'\"%_#&*!|>@`é––日-]{0,20}[a-z]",
        Just("two\nlines, and a back\\slash".to_owned()),
        Just("null".to_owned()),
        Just("  yes".to_owned()),
        Just("0012".to_owned()),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn period() -> BoxedStrategy<Value> {
    let unit = select(&["s", "m", " hours", "d", " weeks", " months", "y"][..]);
    (1..40_u32, unit)
        .prop_map(|(count, unit)| json!(format!("{count}{unit}")))
        .boxed()
}

fn number() -> BoxedStrategy<Value> {
    prop_oneof![
        (-1_000_000..1_000_000_i64).prop_map(Value::from),
        (1..1_000_i64).prop_map(|n| json!(n as f64 / 8.0)),
        Just(json!("12345678901234567890.123")),
    ]
    .boxed()
}

fn positive() -> BoxedStrategy<Value> {
    (1..1_000_i64).prop_map(|n| json!(n as f64 / 16.0)).boxed()
}

fn condition() -> BoxedStrategy<Value> {
    one_of(&[
        "distance > 10",
        "origin is not null and dest <> 'it''s'",
        "\"odd Name\" like '%x%' or cancelled",
        "dep_at < arr_at -- departs first",
    ])
}

fn zone() -> BoxedStrategy<Value> {
    one_of(&["UTC", "America/New_York", "Asia/Kathmandu"])
}

fn two_bounds(strategy: fn() -> BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop_oneof![
        strategy().prop_map(|min| json!({ "min": min })),
        strategy().prop_map(|max| json!({ "max": max })),
    ]
    .boxed()
}

/// A kind of rule that is looked at when rows are written, and whether it is about one row.
fn written() -> BoxedStrategy<(Value, bool)> {
    let columns = || some_of(&["carrier", "origin", "odd Name"]);
    let text_column = || select(&TEXT_COLUMNS[..]);
    let by = |kind: &'static str, of: BoxedStrategy<Value>| {
        (select(&TEXT_COLUMNS[..]), of)
            .prop_map(move |(column, of)| json!({ kind: { column: of } }))
            .boxed()
    };
    let values = || {
        prop::collection::vec(words(), 1..4)
            .prop_map(|values| json!(values))
            .boxed()
    };
    let row = prop_oneof![
        columns().prop_map(|columns| json!({ "not_null": columns })),
        text_column().prop_map(|column| json!({ "not_blank": column })),
        by("one_of", values()),
        by("not_one_of", values()),
        two_bounds(number).prop_map(|bounds| json!({ "range": { "delay": bounds } })),
        Just(json!({ "range": { "day": { "min": "2013-01-01", "max": "2013-12-31" } } })),
        by(
            "length",
            (0..5_u32, 5..99_u32)
                .prop_map(|(min, max)| json!({ "min": min, "max": max }))
                .boxed()
        ),
        by("matches", one_of(&["^[A-Z]+$", "it's", "\\d{2,}"])),
        by(
            "format",
            select(&Format::ALL[..])
                .prop_map(|format| json!(format.name()))
                .boxed()
        ),
        Just(json!({ "not_future": ["dep_at", "arr_at"] })),
        period().prop_map(|period| json!({ "not_future": { "dep_at": { "tolerance": period } } })),
        condition().prop_map(|condition| json!({ "expression": condition })),
    ]
    .prop_map(|kind| (kind, true));
    let other = prop_oneof![
        Just(json!({ "references": { "carrier": "public.airlines.carrier" } })),
        columns().prop_map(|columns| json!({ "unique": columns })),
        maybe(columns()).prop_map(|columns| {
            let ends = vec![("columns", columns), ("from", json!("dep_at")), ("to", json!("arr_at"))];
            json!({ "no_overlap": object(ends) })
        }),
        columns().prop_map(|columns| json!({ "immutable": columns })),
        Just(json!({ "transition": { "status": { "new": ["open", "gone"], "open": "closed", "closed": [] } } })),
        (positive(), maybe(positive())).prop_map(|(absolute, relative)| {
            json!({ "max_change": { "distance": object(vec![("absolute", absolute), ("relative", relative)]) } })
        }),
        words().prop_map(|word| json!({ "writers": { "roles": ["etl"], "applications": [word] } })),
    ]
    .prop_map(|kind| (kind, false));
    prop_oneof![3 => row, 2 => other].boxed()
}

/// A kind of rule that the tick asks.
fn time_driven() -> BoxedStrategy<Value> {
    let rows = || {
        prop_oneof![
            Just(json!({})),
            (maybe(zone()), maybe(some_of(&["origin", "carrier"]))).prop_map(|(zone, groups)| {
                object(vec![
                    ("column", json!("dep_at")),
                    ("time_zone", zone),
                    ("group_by", groups),
                ])
            }),
        ]
    };
    let with = |kind: &'static str, own: BoxedStrategy<Value>| {
        (own, rows())
            .prop_map(move |(own, rows)| json!({ kind: merged(own, rows) }))
            .boxed()
    };
    let hours = || {
        maybe(one_of(&[
            "05:00-23:00 America/New_York",
            "Mon-Fri 22:00-06:00 UTC",
        ]))
    };
    prop_oneof![
        with("fresh", (period(), hours()).prop_map(|(within, during)| object(vec![("within", within), ("during", during)])).boxed()),
        (period(), maybe(one_of(&["last", "now"]))).prop_map(|(width, until)| {
            json!({ "gap": object(vec![("width", width), ("until", until), ("column", json!("dep_at"))]) })
        }),
        with("row_count", (1..50_u32).prop_map(|min| json!({ "per": "1 day", "min": min })).boxed()),
        with("volume", maybe(one_of(&["both", "drop", "spike"])).prop_map(|direction| object(vec![("per", json!("1 hour")), ("direction", direction)])).boxed()),
        maybe(positive()).prop_map(|tolerance| json!({ "reconcile": object(vec![("count", json!("public.ledger")), ("tolerance", tolerance), ("group_by", json!(["origin"]))]) })),
        Just(json!({ "reconcile": { "sum": { "delay": "public.ledger.total" } } })),
        Just(json!({ "sql": "select origin from public.flights where distance < 0" })),
        (number(), maybe(one_of(&["current", "complete"]))).prop_map(|(max, bucket)| {
            json!({ "bounds": object(vec![("on", json!("s0")), ("value", json!("flights / 2.0")), ("max", if max.is_number() { max } else { json!(3) }), ("bucket", bucket)]) })
        }),
    ]
    .boxed()
}

fn severity() -> BoxedStrategy<Value> {
    one_of(&["critical", "important", "normal", "low"])
}

fn fix_within() -> BoxedStrategy<Value> {
    prop_oneof![period(), Just(json!("none"))].boxed()
}

fn rule() -> BoxedStrategy<Value> {
    let every = (
        maybe(severity()),
        maybe(words()),
        maybe(words()),
        maybe(fix_within()),
        maybe(any::<bool>().prop_map(Value::from).boxed()),
    )
        .prop_map(|(severity, owner, why, fix_within, shadow)| {
            object(vec![
                ("severity", severity),
                ("owner", owner),
                ("why", why),
                ("fix_within", fix_within),
                ("shadow", shadow),
            ])
        })
        .boxed();
    let acts = (
        one_of(&["flag", "quarantine", "reject"]),
        any::<bool>(),
        maybe(one_of(&["pass", "fail"])),
        maybe(one_of(&["pass", "block"])),
        maybe(condition()),
        any::<bool>(),
    );
    let of_writes = (written(), acts).prop_map(
        |((kind, is_about_one_row), (action, hides, nulls, on_error, condition, mostly))| {
            let mode = (hides && action == "quarantine" && is_about_one_row).then_some("hide");
            let mostly = (mostly && action == "flag" && is_about_one_row).then_some(0.9);
            let takes_a_condition = !["unique", "no_overlap", "writers"]
                .iter()
                .any(|kind_name| kind.get(kind_name).is_some());
            let condition = if takes_a_condition {
                condition
            } else {
                Value::Null
            };
            let nulls = if is_about_one_row { nulls } else { Value::Null };
            merged(
                kind,
                object(vec![
                    ("action", action),
                    ("mode", json!(mode)),
                    ("nulls", nulls),
                    ("on_error", on_error),
                    ("where", condition),
                    ("mostly", json!(mostly)),
                ]),
            )
        },
    );
    let asked = (
        maybe(period()),
        maybe(one_of(&["pass", "keep", "fail"])),
        maybe(one_of(&["keep", "fail"])),
    );
    let of_time = (time_driven(), asked).prop_map(|(kind, (every, on_no_data, on_error))| {
        merged(
            kind,
            object(vec![
                ("every", every),
                ("on_no_data", on_no_data),
                ("on_error", on_error),
            ]),
        )
    });
    (prop_oneof![2 => of_writes, 1 => of_time], every)
        .prop_map(|(kind, every)| merged(kind, every))
        .boxed()
}

fn summary() -> BoxedStrategy<Value> {
    let bucket = (
        select(&["dep_at", "day"][..]),
        one_of(&["1 day", "1 week", "1 month"]),
        maybe(zone()),
    )
        .prop_map(|(column, width, zone)| {
            object(vec![
                ("column", json!(column)),
                ("width", width),
                ("time_zone", zone),
            ])
        });
    let groups = prop_oneof![
        Just(Value::Null),
        some_of(&["origin", "odd Name"]),
        Just(json!([{ "airline": "carrier -> name" }, "origin"])),
        Just(json!({ "far": "distance > 100", "odd": "upper(\"odd Name\")" })),
    ];
    let functions = subsequence(&Function::ALL[..], 0..Function::ALL.len());
    (
        maybe(bucket),
        groups,
        functions,
        maybe(condition()),
        maybe(period()),
    )
        .prop_map(|(bucket, groups, functions, condition, retain)| {
            let mut measures = Map::new();
            measures.insert("flights".to_owned(), json!("count"));
            for function in functions {
                let of = match function {
                    Function::Count => json!(true),
                    Function::CountIf => json!("cancelled"),
                    _ => json!("delay + distance"),
                };
                measures.insert(
                    format!("m_{}", function.name()),
                    json!({ function.name(): of }),
                );
            }
            let retain = if bucket.is_null() {
                Value::Null
            } else {
                retain
            };
            object(vec![
                ("from", json!("public.flights")),
                ("bucket", bucket),
                ("group_by", groups),
                ("measures", Value::Object(measures)),
                ("where", condition),
                ("retain", retain),
            ])
        })
        .boxed()
}

fn alert() -> BoxedStrategy<Value> {
    let subject = prop_oneof![
        Just(json!({ "on": "s0", "when": "flights > 3", "until": "flights < 2" })),
        Just(json!({ "on": "rules", "when": "failing_ratio > 0.05", "severity": "inherit" })),
        (period(), maybe(one_of(&["rule", "table"]))).prop_map(|(within, per)| object(vec![
            ("on", json!("findings")),
            ("within", within),
            ("per", per),
            ("when", json!("failed > 9"))
        ])),
        Just(json!({ "on": "overdue", "when": "overdue > 0", "per": "table" })),
    ];
    let words = (
        maybe(severity()),
        maybe(words()),
        maybe(words()),
        maybe(one_of(&["https://example.com/run"])),
        maybe(one_of(&["together", "each"])),
    );
    let times = (
        maybe(period()),
        maybe(period()),
        maybe(period()),
        maybe(period()),
    );
    let inhibited = maybe(some_of(&["public.flights", "parents"]));
    let escalate = maybe((period(), severity()).prop_map(
        |(after, severity)| json!({ "after": after, "to": ["c0"], "severity": severity }),
    ));
    (subject, words, times, inhibited, escalate)
        .prop_map(
            |(
                subject,
                (severity, owner, say, runbook, messages),
                (hold, keep, repeat, reopen),
                inhibited,
                escalate,
            )| {
                let rest = object(vec![
                    ("severity", severity),
                    ("owner", owner),
                    ("say", say),
                    ("runbook", runbook),
                    ("messages", messages),
                    ("for", hold),
                    ("keep_firing_for", keep),
                    ("repeat_every", repeat),
                    ("reopen_within", reopen),
                    ("inhibited_by", inhibited),
                    ("escalate", escalate),
                ]);
                merged(rest, subject)
            },
        )
        .boxed()
}

fn channel() -> BoxedStrategy<Value> {
    (select(&Provider::NAMES[..]), any::<bool>(), maybe((1..99_u32).prop_map(Value::from).boxed()))
        .prop_map(|(name, more, per_minute)| {
            let env = |name: &str| json!({ "env": name });
            let mail = json!({ "from": "A <a@example.com>", "to": ["b@example.com"], "cc": if more { json!(["c@example.com"]) } else { Value::Null }, "api_key": env("KEY") });
            let mail = object(mail.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.clone())).collect());
            let provider = match name {
                "resend" | "brevo" => mail,
                "sendgrid" => merged(mail, json!({ "region": "eu", "sandbox": more })),
                "postmark" => merged(mail, json!({ "stream": "alerts" })),
                "mailgun" => merged(mail, json!({ "domain": "example.com" })),
                "ses" => json!({ "from": "a@example.com", "to": "b@example.com", "region": "eu-west-1", "access_key_id": "id", "secret_access_key": env("KEY") }),
                "smtp" if more => json!({ "from": "a@example.com", "to": "b@example.com", "host": "mail", "port": 25, "tls": "none" }),
                "smtp" => json!({ "from": "a@example.com", "to": "b@example.com", "host": "mail", "user": "u", "password": { "file": "/run/p" } }),
                "slack" => json!({ "url": env("HOOK"), "allow_private": more }),
                "pagerduty" => json!({ "routing_key": env("KEY"), "region": if more { "eu" } else { "us" } }),
                "webhook" => json!({ "url": "https://example.com/hook", "secret": env("KEY") }),
                "file" => json!({ "directory": "mail" }),
                _ => json!({}),
            };
            object(vec![(name, provider), ("per_minute", per_minute.clone()), ("per_second", per_minute)])
        })
        .boxed()
}

fn route() -> BoxedStrategy<Value> {
    (
        maybe(some_of(&["critical", "low"])),
        maybe(words()),
        maybe(one_of(&[
            "Mon-Fri 08:00-18:00 Europe/London",
            "Fri-Mon 22:00-06:00 UTC",
        ])),
        maybe(one_of(&["wait", "next", "digest"])),
        maybe(one_of(&["hourly", "Mon-Fri 08:00 Europe/London", "weekly"])),
        any::<bool>(),
    )
        .prop_map(|(severity, owner, hours, otherwise, digest, go_on)| {
            let otherwise = if hours.is_null() {
                Value::Null
            } else {
                otherwise
            };
            let tells = hours.is_null() || otherwise == "digest";
            object(vec![
                ("otherwise", otherwise),
                ("digest", if tells { digest } else { Value::Null }),
                ("severity", severity),
                ("owner", owner),
                ("table", json!("public.flights")),
                ("hours", hours),
                ("continue", json!(go_on)),
                ("to", json!(["c0"])),
            ])
        })
        .boxed()
}

fn silence() -> BoxedStrategy<Value> {
    let group = maybe(Just(json!({ "origin": "EWR", "gate": 7 })));
    let time = prop_oneof![
        Just(json!({ "from": "2026-12-01 22:00 Europe/London", "until": "2026-12-02T06:00:00Z" })),
        Just(json!({ "hours": "Sat,Sun 22:00-02:00 UTC", "until": "2031-01-01" })),
        Just(json!({ "until": "2020-01-01" })),
    ];
    (group, some_of(&["critical", "normal"]), time, words(), words())
        .prop_map(|(group, severity, time, why, owner)| {
            merged(time, json!({ "match": object(vec![("group", group), ("severity", severity)]), "why": why, "owner": owner }))
        })
        .boxed()
}

fn named(prefix: &'static str, of: BoxedStrategy<Value>, least: usize) -> BoxedStrategy<Value> {
    prop::collection::vec(of, least..4)
        .prop_map(move |items| {
            let items = items.into_iter().enumerate();
            Value::Object(
                items
                    .map(|(number, item)| (format!("{prefix}{number}"), item))
                    .collect(),
            )
        })
        .boxed()
}

fn retention(kinds: &'static [&'static str]) -> BoxedStrategy<Value> {
    let how_long = prop_oneof![period(), Just(json!("forever"))];
    (select(kinds), how_long, select(kinds))
        .prop_map(|(kind, how_long, other)| {
            let mut kept = Map::from_iter([(other.to_owned(), json!("2y"))]);
            kept.insert(kind.to_owned(), how_long);
            Value::Object(kept)
        })
        .boxed()
}

/// The text of a policy: JSON, which is YAML.
fn policy() -> BoxedStrategy<String> {
    let rules = prop::collection::vec(rule(), 1..8).prop_map(|rules| {
        let rules = rules.into_iter().enumerate();
        rules
            .map(|(number, rule)| merged(rule, json!({ "name": format!("r{number}") })))
            .collect::<Vec<_>>()
    });
    let defaults = (
        maybe(words()),
        maybe(severity()),
        maybe(fix_within()),
        maybe(zone()),
        maybe(one_of(&["flag", "reject"])),
        maybe(one_of(&["pass", "block"])),
        maybe(retention(&["changes", "checks", "alerts", "deliveries"])),
    )
        .prop_map(|(owner, severity, low, zone, action, on_error, retain)| {
            object(vec![
                ("retain", retain),
                ("owner", owner),
                ("severity", severity),
                ("time_zone", zone),
                ("action", action),
                ("on_error", on_error),
                ("fix_within", object(vec![("low", low)])),
                ("silences", json!({ "longest": "90d" })),
            ])
        });
    let table = (
        maybe(words()),
        maybe(words()),
        maybe(Just(json!(["contact"]))),
        maybe(Just(json!("status"))),
        maybe(retention(&[
            "changes",
            "findings",
            "quarantine",
            "rejections",
        ])),
    )
        .prop_map(|(why, owner, redact, hash, retain)| {
            object(vec![
                ("why", why),
                ("owner", owner),
                ("redact", redact),
                ("hash", hash),
                ("retain", retain),
            ])
        });
    let tables = (rules, table, any::<bool>(), any::<bool>()).prop_map(|(rules, table, airlines, quoted)| {
        // Two ways of writing one name.
        let flights = merged(table, json!({ "rules": rules }));
        let references = json!({ "references": { "carrier": "public.airlines.carrier" }, "name": "leads_to_airlines" });
        let mut flights = flights;
        flights["rules"].as_array_mut().unwrap().push(references);
        let mut tables = Map::new();
        tables.insert("public.flights".to_owned(), flights);
        if airlines {
            let name = if quoted { "\"public\".airlines" } else { "public.airlines" };
            tables.insert(name.to_owned(), Value::Null);
        }
        Value::Object(tables)
    });
    (
        defaults,
        tables,
        named("s", summary(), 1),
        named("a", alert(), 0),
        named("c", channel(), 1),
        prop::collection::vec(route(), 0..3),
        named("q", silence(), 0),
    )
        .prop_map(|(defaults, tables, summaries, alerts, channels, mut routes, silences)| {
            routes.push(json!({ "to": "c0" }));
            json!({
                "version": 1, "defaults": defaults, "tables": tables, "summaries": summaries, "alerts": alerts,
                "channels": channels, "routes": routes, "silences": silences,
            })
            .to_string()
        })
        .boxed()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how many cases is told by who runs it"
)]
fn a_policy_that_was_applied_leaves_nothing_to_plan_and_is_read_back() {
    let database = testing::database();
    let connection = RefCell::new(database.connect());
    run(&mut connection.borrow_mut(), TABLES);
    let cases = std::env::var("POLICY_CASES").map_or(12, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let failed = |error: Error| TestCaseError::fail(format!("{error}\n{error:?}"));
    let schema = jsonschema::draft202012::new(&audit_core::policy::schema()).unwrap();
    let outcome = runner.run(&policy(), |text| {
        let value: Value = serde_json::from_str(&text).unwrap();
        let unknown: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        prop_assert!(unknown.is_empty(), "{unknown:?}");
        let policy = Policy::parse(&text, "audit.yml")
            .map_err(|errors| TestCaseError::fail(errors.to_string()))?;
        let connection = &mut *connection.borrow_mut();
        apply(connection, &policy).map_err(failed)?;
        let left = plan(connection, &policy).map_err(failed)?;
        prop_assert!(left.is_empty(), "{left}\n{text}");

        // What the database says is in force, written as a policy, is that policy.
        let written = export(connection).map_err(failed)?.to_yaml();
        let read = Policy::parse(&written, "written.yml")
            .map_err(|errors| TestCaseError::fail(format!("{errors}\n{written}")))?;
        let left = plan(connection, &read).map_err(failed)?;
        prop_assert!(left.is_empty(), "{left}\n{written}");
        prop_assert_eq!(read.to_yaml(), written);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
