//! Writing a policy as a file: what is in force, for teams that begin to keep it as one.

use serde_json::{Map, Value, json};

use super::Policy;
use super::lines::{scalar, value_text};
use super::summary::quoted_if_needed;
use crate::{
    Action, AlertPolicy, Channel, Function, Group, Measured, QuarantineMode, Reconcile, Route,
    Rule, RuleKind, SilencePolicy, Summary, TablePolicy,
};

/// A part of the file.
enum Part {
    /// Lines of keys, without those that have nothing to say.
    Map(Vec<(String, Part)>),
    /// Lines that begin with `- `.
    List(Vec<Part>),
    /// A value on one line.
    Value(Value),
}

/// The text of a policy that says the same. What comes from defaults, it says with every rule.
pub(super) fn yaml(policy: &Policy) -> String {
    let mut parts = vec![("version".to_owned(), Part::Value(json!(policy.version)))];
    let mut defaults = serde_json::Map::new();
    if let Some(longest) = policy.defaults.longest_silence {
        defaults.insert("silences".to_owned(), json!({ "longest": longest }));
    }
    if !policy.defaults.retain.is_empty() {
        defaults.insert("retain".to_owned(), policy.defaults.retain.definition());
    }
    if !defaults.is_empty() {
        parts.push(("defaults".to_owned(), Part::Value(Value::Object(defaults))));
    }
    let tables = policy.tables.iter().map(|of| (of.name.clone(), table(of)));
    let summaries = policy
        .summaries
        .iter()
        .map(|of| (of.name.clone(), summary(of)));
    let alerts = policy.alerts.iter().map(|of| (of.name.clone(), alert(of)));
    let channels = policy
        .channels
        .iter()
        .map(|of| (of.name.clone(), channel(of)));
    let silences = policy
        .silences
        .iter()
        .map(|of| (of.name.clone(), silence(of)));
    for (name, entries) in [
        ("tables", tables.collect()),
        ("summaries", summaries.collect()),
        ("alerts", alerts.collect()),
        ("channels", channels.collect()),
        ("silences", silences.collect::<Vec<_>>()),
    ] {
        if !entries.is_empty() {
            parts.push((name.to_owned(), Part::Map(entries)));
        }
    }
    if !policy.routes.is_empty() {
        let routes = policy.routes.iter().map(|of| Part::Value(route(of)));
        parts.push(("routes".to_owned(), Part::List(routes.collect())));
    }
    let mut text = String::new();
    lines(&Part::Map(parts), 0, &mut text);
    text
}

fn table(table: &TablePolicy) -> Part {
    let rules = table.rules.iter().map(rule).collect::<Vec<_>>();
    let mut parts = fields(vec![
        ("why", json!(table.why)),
        ("owner", json!(table.owner)),
    ]);
    for (name, columns) in [("redact", &table.redact), ("hash", &table.hash)] {
        if !columns.is_empty() {
            parts.push((name.to_owned(), Part::Value(json!(columns))));
        }
    }
    if !table.retain.is_empty() {
        let retain = Part::Value(table.retain.definition());
        parts.push(("retain".to_owned(), retain));
    }
    if !rules.is_empty() {
        parts.push(("rules".to_owned(), Part::List(rules)));
    }
    if parts.is_empty() {
        return Part::Value(Value::Null);
    }
    Part::Map(parts)
}

fn rule(rule: &Rule) -> Part {
    let (kind, asked) = kind(&rule.kind);
    // A name that would be given anyway need not be a plain one.
    let name = (rule.kind.default_name().as_ref() != Some(&rule.name)).then_some(&rule.name);
    let is_asked = rule.kind.is_time_driven();
    let mut parts = vec![(rule.kind.name().to_owned(), Part::Value(kind))];
    parts.extend(fields(vec![
        ("name", json!(name)),
        ("severity", json!(rule.severity)),
        (
            "action",
            unless(is_asked || rule.action == Action::Flag, json!(rule.action)),
        ),
        (
            "mode",
            unless(
                rule.mode == QuarantineMode::default(),
                json!(rule.mode.name()),
            ),
        ),
        ("owner", json!(rule.owner)),
        ("why", json!(rule.why)),
        (
            "fix_within",
            rule.fix_within
                .map_or(json!("none"), |period| json!(period)),
        ),
        ("where", json!(rule.condition)),
        (
            "nulls",
            unless(
                is_asked || rule.nulls == Default::default(),
                json!(rule.nulls),
            ),
        ),
        (
            "on_error",
            unless(
                is_asked || rule.on_error == Default::default(),
                json!(rule.on_error),
            ),
        ),
        ("mostly", json!(rule.mostly)),
        ("shadow", unless(!rule.shadow, json!(true))),
    ]));
    parts.extend(
        asked
            .into_iter()
            .map(|(name, value)| (name, Part::Value(value))),
    );
    Part::Map(parts)
}

/// What a kind is about, and how it is asked.
fn kind(kind: &RuleKind) -> (Value, Map<String, Value>) {
    let by = |column: &str, of: Value| json!({ column: of });
    let value = match kind {
        RuleKind::NotNull { column }
        | RuleKind::NotBlank { column }
        | RuleKind::Immutable { column }
        | RuleKind::NotFuture {
            column,
            tolerance: None,
        } => json!(column),
        RuleKind::OneOf { column, values } | RuleKind::NotOneOf { column, values } => {
            by(column, json!(values))
        }
        RuleKind::Matches { column, pattern } => by(column, json!(pattern)),
        RuleKind::Format { column, format } => by(column, json!(format.name())),
        RuleKind::References { column, table, key } => {
            by(column, json!(format!("{table}.{}", quoted_if_needed(key))))
        }
        RuleKind::Transition { column, allowed } => by(column, json!(allowed)),
        RuleKind::Expression { expression } => json!(expression),
        RuleKind::Unique { columns } => json!(columns),
        RuleKind::Range { column, .. }
        | RuleKind::Length { column, .. }
        | RuleKind::NotFuture { column, .. }
        | RuleKind::MaxChange { column, .. } => {
            let mut options = kind.definition();
            if let Value::Object(options) = &mut options {
                options.remove("column");
            }
            by(column, options)
        }
        RuleKind::NoOverlap { .. } | RuleKind::Writers { .. } => kind.definition(),
        RuleKind::Fresh(_)
        | RuleKind::Gap(_)
        | RuleKind::RowCount(_)
        | RuleKind::Volume(_)
        | RuleKind::Reconcile(_)
        | RuleKind::Sql(_)
        | RuleKind::Bounds(_) => return time_driven(kind),
    };
    (value, Map::new())
}

fn time_driven(kind: &RuleKind) -> (Value, Map<String, Value>) {
    let mut options = match kind.definition() {
        Value::Object(options) => options,
        _ => Map::new(),
    };
    let mut asked = Map::new();
    for name in ["every", "on_no_data", "on_error"] {
        if let Some(value) = options.remove(name) {
            asked.insert(name.to_owned(), value);
        }
    }
    match kind {
        RuleKind::Sql(sql) => return (json!(sql.query), asked),
        RuleKind::Reconcile(Reconcile { measure, table, .. }) => {
            for name in ["measure", "table", "column", "its"] {
                options.remove(name);
            }
            match measure {
                Measured::Count => options.insert("count".to_owned(), json!(table)),
                Measured::Sum { column, its } => options.insert(
                    "sum".to_owned(),
                    json!({ column: format!("{table}.{}", quoted_if_needed(its)) }),
                ),
            };
        }
        _ => {}
    }
    (Value::Object(options), asked)
}

fn summary(summary: &Summary) -> Part {
    let groups: Vec<Value> = summary.group_by.iter().map(group).collect();
    // In the order of the policy, which is that of the view's columns.
    let measures = summary.measures.iter().map(|measure| {
        let of = match (measure.function, &measure.expression) {
            (Function::Count, _) | (_, None) => json!("count"),
            (function, Some(expression)) => json!({ function.name(): expression }),
        };
        (measure.name.clone(), Part::Value(of))
    });
    let mut parts = fields(vec![
        ("from", json!(summary.table)),
        ("bucket", json!(summary.bucket)),
        ("group_by", unless(groups.is_empty(), json!(groups))),
    ]);
    parts.push(("measures".to_owned(), Part::Map(measures.collect())));
    parts.extend(fields(vec![
        ("where", json!(summary.condition)),
        ("retain", json!(summary.retain)),
    ]));
    Part::Map(parts)
}

fn group(group: &Group) -> Value {
    let Group {
        name, expression, ..
    } = group;
    match &group.reference {
        Some(reference) => json!({ name: format!("{expression} -> {}", reference.column) }),
        None if *expression == quoted_if_needed(name) => json!(name),
        None => json!({ name: expression }),
    }
}

fn alert(alert: &AlertPolicy) -> Part {
    let definition = alert.definition();
    let names = [
        "on",
        "within",
        "per",
        "when",
        "until",
        "for",
        "keep_firing_for",
        "severity",
        "say",
        "runbook",
        "repeat_every",
        "reopen_within",
        "messages",
        "inhibited_by",
        "escalate",
    ];
    let mut parts = fields(names.map(|name| (name, definition[name].clone())).to_vec());
    parts.extend(fields(vec![("owner", json!(alert.owner))]));
    Part::Map(parts)
}

fn channel(channel: &Channel) -> Part {
    let mut definition = channel.provider.definition();
    if channel.per_minute != Channel::PER_MINUTE {
        definition["per_minute"] = json!(channel.per_minute);
    }
    if channel.per_second.is_some() && channel.per_second != channel.provider.per_second() {
        definition["per_second"] = json!(channel.per_second);
    }
    Part::Value(definition)
}

fn route(route: &Route) -> Value {
    let mut definition = route.definition();
    if let Some(hours) = &route.hours {
        definition["hours"] = json!(hours.to_string());
    }
    if let Some(digest) = &route.digest {
        definition["digest"] = json!(digest.to_string());
    }
    definition
}

fn silence(silence: &SilencePolicy) -> Part {
    let mut matchers = json!(silence.matchers);
    if let Value::Object(matchers) = &mut matchers
        && let Some(policies) = matchers.remove("policy")
    {
        matchers.insert("alert".to_owned(), policies);
    }
    Part::Map(fields(vec![
        ("match", matchers),
        ("from", json!(silence.from)),
        ("until", json!(silence.until)),
        (
            "hours",
            json!(silence.hours.as_ref().map(ToString::to_string)),
        ),
        ("why", json!(silence.why)),
        ("owner", json!(silence.owner)),
    ]))
}

/// Entries, without those that say nothing.
fn fields(entries: Vec<(&str, Value)>) -> Vec<(String, Part)> {
    entries
        .into_iter()
        .filter(|(_, value)| !value.is_null() && *value != json!(""))
        .map(|(name, value)| (name.to_owned(), Part::Value(value)))
        .collect()
}

fn unless(is_said: bool, value: Value) -> Value {
    if is_said { Value::Null } else { value }
}

/// Writes a part below a key or a dash: what does not fit on their line follows, indented.
fn lines(part: &Part, indent: usize, text: &mut String) {
    match part {
        Part::Value(value) => {
            if !value.is_null() {
                text.push_str(&on_one_line(value));
            }
            text.push('\n');
        }
        Part::Map(entries) => {
            for (number, (name, part)) in entries.iter().enumerate() {
                // The first entry of an item stands behind its dash.
                if number > 0 || !text.ends_with("- ") {
                    text.push_str(&" ".repeat(indent));
                }
                text.push_str(&scalar(name));
                text.push(':');
                match part {
                    Part::Value(Value::Null) => {}
                    Part::Value(_) => text.push(' '),
                    _ => text.push('\n'),
                }
                lines(part, indent + 2, text);
            }
        }
        Part::List(items) => {
            for item in items {
                text.push_str(&" ".repeat(indent));
                text.push_str("- ");
                lines(item, indent + 2, text);
            }
        }
    }
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => value_text(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(name, value)| format!("{}: {}", scalar(name), on_one_line(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}
