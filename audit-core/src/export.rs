//! A policy in the language of other tools.
//!
//! # Examples
//!
//! ```
//! use audit_core::export::{Contract, odcs};
//! use audit_core::{Policy, import};
//!
//! let text = "version: 1\ntables:\n  public.orders:\n    rules:\n      - not_null: status\n";
//! let policy = Policy::parse(text, "audit.yml").unwrap();
//! let exported = odcs(&policy, &Contract::default());
//! let imported = import::odcs(&exported.text, "contract.yaml", &import::Options::default()).unwrap();
//! assert_eq!(imported.tables, policy.tables);
//! ```

mod query;
mod yaml;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::import::{self, RULE, SUMMARIES};
use crate::policy::table::identifiers;
use crate::{Nulls, Policy, Rule, RuleKind, TablePolicy};

/// What a contract says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Its identifier, unique among the contracts of an organisation.
    pub id: String,
    /// The version of the contract itself, such as `1.0.0`.
    pub version: String,
    /// Its status, such as `draft` or `active`.
    pub status: String,
}

/// A contract, and what it could not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The contract, as YAML.
    pub text: String,
    /// How many rules it has.
    pub rules: usize,
    /// What is not in it, and why.
    pub notes: Vec<String>,
}

impl Default for Contract {
    fn default() -> Self {
        Contract {
            id: "audit".to_owned(),
            version: "1.0.0".to_owned(),
            status: "active".to_owned(),
        }
    }
}

/// Writes a policy as a contract of the Open Data Contract Standard, version 3.1.
///
/// What the standard has a word for is said in its words, conditions over a row as a query that counts the rows that fail.
/// What they leave out is kept in custom properties, so that [`import::odcs`](import::odcs()) gives the same rules.
pub fn odcs(policy: &Policy, contract: &Contract) -> Exported {
    let mut notes = Vec::new();
    let mut root = Map::new();
    root.insert("apiVersion".to_owned(), json!("v3.1.0"));
    root.insert("kind".to_owned(), json!("DataContract"));
    for (key, value) in [
        ("id", &contract.id),
        ("version", &contract.version),
        ("status", &contract.status),
    ] {
        root.insert(key.to_owned(), json!(value));
    }
    let schema: Vec<Value> = policy
        .tables
        .iter()
        .map(|table| schema(table, policy))
        .collect();
    root.insert("schema".to_owned(), Value::Array(schema));
    if !policy.defaults.owner.is_empty() {
        let member = json!({ "username": policy.defaults.owner, "role": "owner" });
        root.insert(
            "team".to_owned(),
            json!({ "name": "owners", "members": [member] }),
        );
    }
    let agreed: Vec<Value> = policy.tables.iter().flat_map(agreement).collect();
    if !agreed.is_empty() {
        root.insert("slaProperties".to_owned(), Value::Array(agreed));
    }
    let summaries: Vec<Value> = policy
        .summaries
        .iter()
        .filter(|summary| {
            policy
                .tables
                .iter()
                .flat_map(|table| &table.rules)
                .any(|rule| is_on(rule, &summary.name))
        })
        .map(|summary| {
            let mut value = summary.definition();
            if let Value::Object(object) = &mut value {
                object.insert("name".to_owned(), json!(summary.name));
                object.insert("table".to_owned(), json!(summary.table));
            }
            value
        })
        .collect();
    if !summaries.is_empty() {
        root.insert(
            "customProperties".to_owned(),
            json!([{ "property": SUMMARIES, "value": summaries }]),
        );
    }
    let others = policy.summaries.len() - summaries.len();
    for (count, what) in [
        (others, "summary that no rule looks at"),
        (policy.alerts.len(), "alert"),
        (policy.channels.len(), "channel"),
        (policy.routes.len(), "route"),
    ] {
        if count > 0 {
            let words = if count == 1 {
                format!("1 {what} is")
            } else {
                format!("{count} of the kind `{what}` are")
            };
            notes.push(format!(
                "{words} not in the contract, which is about data only"
            ));
        }
    }
    let text = yaml::write(&Value::Object(root));
    let rules = missing(&text, policy, &mut notes);
    Exported { text, rules, notes }
}

/// How many rules come back; each that does not is noted.
fn missing(text: &str, policy: &Policy, notes: &mut Vec<String>) -> usize {
    let imported = import::odcs(text, "", &import::Options::default()).ok();
    let mut count = 0;
    for table in &policy.tables {
        let known = imported
            .iter()
            .flat_map(|imported| &imported.tables)
            .find(|known| known.name == table.name);
        for rule in &table.rules {
            if known.is_some_and(|known| known.rules.contains(rule)) {
                count += 1;
            } else {
                notes.push(format!(
                    "the rule `{}` of {} would not come back as it is",
                    rule.name, table.name
                ));
            }
        }
    }
    count
}

fn is_on(rule: &Rule, summary: &str) -> bool {
    matches!(&rule.kind, RuleKind::Bounds(bounds) if bounds.on == summary)
}

/// A table: its columns that rules are about, each with its quality, and then what is about the table.
fn schema(table: &TablePolicy, policy: &Policy) -> Value {
    let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
    let mut of_table = Vec::new();
    for rule in &table.rules {
        let item = quality(rule, table);
        match rule.kind.columns().as_slice() {
            [column] => match columns.iter_mut().find(|(name, _)| name == column) {
                Some((_, items)) => items.push(item),
                None => columns.push(((*column).to_owned(), vec![item])),
            },
            _ => of_table.push(item),
        }
    }
    let mut schema = Map::new();
    schema.insert("name".to_owned(), json!(called(&table.name)));
    schema.insert("physicalName".to_owned(), json!(table.name));
    schema.insert("physicalType".to_owned(), json!("table"));
    if !table.why.is_empty() {
        schema.insert("description".to_owned(), json!(table.why));
    }
    if table.owner != policy.defaults.owner {
        schema.insert(
            "customProperties".to_owned(),
            json!([{ "property": "owner", "value": table.owner }]),
        );
    }
    let properties: Vec<Value> = columns
        .into_iter()
        .map(|(name, items)| json!({ "name": name, "quality": items }))
        .collect();
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), Value::Array(properties));
    }
    if !of_table.is_empty() {
        schema.insert("quality".to_owned(), Value::Array(of_table));
    }
    Value::Object(schema)
}

/// A table as the contract calls it: dots would be read as parts.
fn called(name: &str) -> String {
    let parts = identifiers(name);
    parts
        .last()
        .map_or(name, |last| last.trim_matches('"'))
        .replace('.', "_")
}

/// A rule in the words of the standard, with the rule itself beside it where those words say less.
fn quality(rule: &Rule, table: &TablePolicy) -> Value {
    let mut item = Map::new();
    item.insert("name".to_owned(), json!(rule.name));
    if !rule.why.is_empty() {
        item.insert("description".to_owned(), json!(rule.why));
    }
    let library = |metric: &str, arguments: Value| {
        let mut words = BTreeMap::from([("type", json!("library")), ("metric", json!(metric))]);
        if !arguments.is_null() {
            words.insert("arguments", arguments);
        }
        words
    };
    let words = match &rule.kind {
        _ if rule.condition.is_some() || rule.nulls == Nulls::Fail => counted(rule),
        RuleKind::NotNull { .. } => library("nullValues", Value::Null),
        RuleKind::OneOf { values, .. } => {
            library("invalidValues", json!({ "validValues": values }))
        }
        RuleKind::Matches { pattern, .. } => {
            library("invalidValues", json!({ "pattern": pattern }))
        }
        RuleKind::Unique { columns } if columns.len() == 1 => {
            library("duplicateValues", Value::Null)
        }
        RuleKind::Unique { columns } => {
            library("duplicateValues", json!({ "properties": columns }))
        }
        _ => counted(rule),
    };
    let in_words = words.contains_key("metric") || words.contains_key("query");
    item.extend(
        words
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value)),
    );
    if in_words {
        match rule.mostly {
            Some(share) => {
                item.insert(
                    "mustBeLessOrEqualTo".to_owned(),
                    json!(((1.0 - share) * 1e10).round() / 1e8),
                );
                item.insert("unit".to_owned(), json!("percent"));
            }
            None => {
                item.insert("mustBe".to_owned(), json!(0));
            }
        }
    }
    item.insert("severity".to_owned(), json!(rule.severity));
    if !says_all(&item, rule, table) {
        item.insert(
            "customProperties".to_owned(),
            json!([{ "property": RULE, "value": rule }]),
        );
    }
    Value::Object(item)
}

/// A query that counts the rows that fail, or where there is none the rule in our own words.
fn counted(rule: &Rule) -> BTreeMap<&'static str, Value> {
    match query::failing(rule) {
        // A share is one of rows, and a query gives a number.
        Some(query) if rule.mostly.is_none() => {
            BTreeMap::from([("type", json!("sql")), ("query", json!(query))])
        }
        _ => BTreeMap::from([
            ("type", json!("custom")),
            ("engine", json!("audit")),
            (
                "implementation",
                json!(crate::policy::rule_lines(rule, &rule.owner).join("\n")),
            ),
        ]),
    }
}

/// Whether the words of the standard alone give the same rule.
fn says_all(item: &Map<String, Value>, rule: &Rule, table: &TablePolicy) -> bool {
    let mut schema = json!({
        "name": called(&table.name),
        "physicalName": table.name,
        "customProperties": [{ "property": "owner", "value": table.owner }],
    });
    let of_column = rule.kind.columns();
    if let [column] = of_column.as_slice() {
        schema["properties"] = json!([{ "name": column, "quality": [item] }]);
    } else {
        schema["quality"] = json!([item]);
    }
    let contract = json!({ "apiVersion": "v3.1.0", "kind": "DataContract", "schema": [schema] });
    import::odcs(&contract.to_string(), "", &import::Options::default()).is_ok_and(|imported| {
        imported.alerts.is_empty()
            && imported
                .tables
                .iter()
                .flat_map(|table| &table.rules)
                .eq([rule])
    })
}

/// How old data may be, as readers of contracts look for it.
fn agreement(table: &TablePolicy) -> Vec<Value> {
    let fresh = table.rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Fresh(fresh) => Some((rule, fresh)),
        _ => None,
    });
    let called = called(&table.name);
    fresh
        .map(|(rule, fresh)| {
            let unit = fresh.within.to_string();
            let unit = unit
                .split_once(' ')
                .map_or("second", |(_, unit)| unit)
                .trim_end_matches('s')
                .to_owned();
            let element = fresh
                .rows
                .column
                .as_ref()
                .map_or_else(|| called.clone(), |column| format!("{called}.{column}"));
            json!({
                "id": format!("{called}/{}", rule.name),
                "property": "latency",
                "value": fresh.within.count(),
                "unit": unit,
                "element": element,
            })
        })
        .collect()
}
