//! Open Data Contract Standard: contracts of version 3.

pub(super) mod quality;

use super::aggregate::{fresh, period};
use super::collect::{Check, Collector};
use super::document::{json_or_yaml, refused};
use super::expectation::unique;
use super::mapped::{Between, Mapped, Rows};
use super::shape;
use super::sql::{quoted, slug};
use super::{Imported, Options, Tool};
use crate::policy::node::Node;
use crate::policy::{identifier, table::identifiers};
use crate::{Error, Format, RuleKind, Severity, Summary};

/// Under these names an exported contract keeps what it has no place for.
pub(crate) const RULE: &str = "auditRule";
/// As [`RULE`], for summaries.
pub(crate) const SUMMARIES: &str = "auditSummaries";

/// A table of the contract.
struct Table<'n> {
    /// What the contract calls it.
    called: &'n str,
    /// `schema.table`.
    name: String,
    node: &'n Node,
}

pub(super) fn read(text: &str, file: &str, options: &Options) -> Result<Imported, Error> {
    let root = json_or_yaml(text, file)?;
    let version = root
        .get("apiVersion")
        .and_then(Node::written)
        .unwrap_or_default();
    let is_contract = root.get("kind").and_then(Node::text) == Some("DataContract");
    if !is_contract || !version.starts_with("v3") {
        let message = if is_contract {
            format!("this is a contract of the version `{version}`")
        } else {
            "this is no data contract".to_owned()
        };
        return Err(refused(
            text,
            file,
            None,
            message,
            Some("expected `kind: DataContract` and `apiVersion: v3.0.0` or later"),
        ));
    }
    let mut collector = Collector::new(Tool::Odcs, file);
    for summary in custom(&root, SUMMARIES).map_or(&[][..], Node::items) {
        if let Ok(summary) = serde_json::from_value::<Summary>(summary.to_json()) {
            collector.summary(summary);
        }
    }
    let schema = schema(&root).unwrap_or(&options.schema);
    let owner = owner(&root);
    let mut tables = Vec::new();
    for node in root.get("schema").map_or(&[][..], Node::items) {
        match node
            .get("name")
            .or_else(|| node.get("physicalName"))
            .and_then(Node::text)
        {
            Some(called) => {
                let written = node
                    .get("physicalName")
                    .and_then(Node::text)
                    .unwrap_or(called);
                tables.push(Table {
                    called,
                    name: qualified(written, schema),
                    node,
                });
            }
            None => collector.not("schema", node.line(), "a table of it has no `name`"),
        }
    }
    for table in &tables {
        let of_table = custom(table.node, "owner")
            .and_then(Node::text)
            .map(str::to_owned);
        let why = table.node.get("description").and_then(Node::text);
        collector.table(&table.name, why, of_table.or_else(|| owner.clone()));
        columns(&mut collector, table, &tables);
        for item in table.node.get("quality").map_or(&[][..], Node::items) {
            quality::read(&mut collector, table, None, item);
        }
        relationships(&mut collector, table, None, table.node, &tables);
    }
    agreement(&mut collector, &root, &tables);
    Ok(collector.end())
}

/// The schema that a server of PostgreSQL, or else the first that has one, names.
fn schema(root: &Node) -> Option<&str> {
    let servers = root.get("servers").map_or(&[][..], Node::items);
    let named = |server: &&Node| server.get("schema").and_then(Node::text).is_some();
    let is_ours = |server: &&Node| {
        server
            .get("type")
            .and_then(Node::text)
            .is_some_and(|kind| kind.starts_with("postgres"))
    };
    let server = servers
        .iter()
        .filter(named)
        .find(is_ours)
        .or_else(|| servers.iter().find(named))?;
    server.get("schema").and_then(Node::text)
}

/// The member of the team whose role is to own.
fn owner(root: &Node) -> Option<String> {
    let team = root.get("team")?;
    let members = team.get("members").map_or(team.items(), Node::items);
    let owns = |member: &&Node| {
        member
            .get("role")
            .and_then(Node::text)
            .is_some_and(|role| role.to_lowercase().contains("owner"))
    };
    let member = members.iter().find(owns)?;
    member
        .get("username")
        .or_else(|| member.get("name"))
        .and_then(Node::text)
        .map(str::to_owned)
}

/// A property that the standard does not know.
fn custom<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let properties = node.get("customProperties").map_or(&[][..], Node::items);
    let property = properties
        .iter()
        .find(|property| property.get("property").and_then(Node::text) == Some(name))?;
    property.get("value")
}

fn qualified(written: &str, schema: &str) -> String {
    match identifiers(written).len() {
        2 => written.to_owned(),
        _ => format!("{}.{}", identifier(schema), identifier(written)),
    }
}

fn column_of(property: &Node) -> Option<&str> {
    property
        .get("physicalName")
        .or_else(|| property.get("name"))
        .and_then(Node::text)
}

/// What the properties of a table demand.
fn columns(collector: &mut Collector, table: &Table<'_>, tables: &[Table<'_>]) {
    let properties = table.node.get("properties").map_or(&[][..], Node::items);
    let rows = Rows {
        table: &table.name,
        condition: None,
    };
    let is = |property: &Node, key: &str| property.get(key).and_then(Node::truth) == Some(true);
    let severity = |property: &Node| {
        if is(property, "criticalDataElement") {
            Severity::Critical
        } else {
            Severity::Important
        }
    };
    let mut key: Vec<(f64, String, &Node)> = Vec::new();
    let mut typed = Vec::new();
    for property in properties {
        let Some(column) = column_of(property) else {
            collector.not(
                table.called,
                property.line(),
                "a property of it has no `name`",
            );
            continue;
        };
        let check = |what: &str| {
            let mut check = Check::new(
                &table.name,
                format!("{}.{column}: {what}", table.called),
                property.line(),
            );
            check.severity = severity(property);
            check
        };
        if is(property, "primaryKey") {
            let position = property.get("primaryKeyPosition").and_then(Node::number);
            key.push((
                position.filter(|place| *place > 0.0).unwrap_or(f64::MAX),
                column.to_owned(),
                property,
            ));
        } else if is(property, "required") {
            collector.add(
                &check("required"),
                Mapped::rule(RuleKind::NotNull {
                    column: column.to_owned(),
                }),
            );
        }
        if is(property, "unique") && !is(property, "primaryKey") {
            collector.add(&check("unique"), unique(vec![column.to_owned()], rows));
        }
        if let Some(name) = property.get("physicalType").and_then(Node::text) {
            typed.push((column.to_owned(), vec![name.to_owned()]));
        }
        if let Some(options) = property.get("logicalTypeOptions") {
            type_options(collector, column, options, &check);
        }
        if property.get("properties").is_some() || property.get("items").is_some() {
            collector.add(
                &check("nested properties"),
                Mapped::not("rules are about columns, not about parts of their values"),
            );
        }
        for item in property.get("quality").map_or(&[][..], Node::items) {
            quality::read(collector, table, Some(column), item);
        }
        relationships(collector, table, Some(column), property, tables);
    }
    key.sort_by(|(left, ..), (right, ..)| left.total_cmp(right));
    if let Some((_, _, first)) = key.first() {
        let names: Vec<String> = key.iter().map(|(_, column, _)| column.clone()).collect();
        let mut check = Check::new(
            &table.name,
            format!("{}.{}: primaryKey", table.called, names.join(", ")),
            first.line(),
        );
        check.severity = severity(first);
        let not_null = names.iter().map(|column| {
            Mapped::rule(RuleKind::NotNull {
                column: column.clone(),
            })
        });
        let mapped = not_null
            .reduce(Mapped::with)
            .unwrap_or_default()
            .with(unique(names.clone(), rows));
        collector.add(&check, mapped);
    }
    for (column, types) in typed {
        let check = Check::new(
            &table.name,
            format!("{}.{column}: physicalType", table.called),
            None,
        );
        let name = slug(&format!("type_{column}"));
        let mapped = shape::types(&name, &[(column, types)], rows);
        collector.add(&check, mapped.unwrap_or_else(|refused| refused));
    }
}

/// Bounds, lengths and patterns that belong to the type.
fn type_options(
    collector: &mut Collector,
    column: &str,
    options: &Node,
    check: &dyn Fn(&str) -> Check,
) {
    let value = |key: &str| options.get(key).and_then(Node::constant);
    // Either a bound, or whether `minimum` and `maximum` are themselves left out.
    let excludes = |key: &str| options.get(key).and_then(Node::truth) == Some(true);
    let other = |key: &str| value(key).filter(|value| !value.is_boolean());
    let between = Between {
        min: other("exclusiveMinimum").or_else(|| value("minimum")),
        max: other("exclusiveMaximum").or_else(|| value("maximum")),
        above_min: other("exclusiveMinimum").is_some() || excludes("exclusiveMinimum"),
        below_max: other("exclusiveMaximum").is_some() || excludes("exclusiveMaximum"),
        outside: false,
    };
    if !between.is_open() {
        collector.add(&check("minimum, maximum"), between.rule(column));
    }
    let length = Between {
        min: value("minLength"),
        max: value("maxLength"),
        ..Between::default()
    };
    if !length.is_open() {
        collector.add(&check("minLength, maxLength"), length.length(column));
    }
    if let Some(pattern) = options.get("pattern").and_then(Node::text) {
        collector.add(&check("pattern"), quality::pattern(column, pattern));
    }
    if let Some(format) = options.get("format").and_then(Node::text) {
        collector.add(&check("format"), named_format(column, format));
    }
    let name = identifier(column);
    if let Some(step) = value("multipleOf") {
        let step = super::sql::literal(&step);
        collector.add(
            &check("multipleOf"),
            Mapped::expression(format!("multiple_{column}"), format!("{name} % {step} = 0")),
        );
    }
    let items = Between {
        min: value("minItems"),
        max: value("maxItems"),
        ..Between::default()
    };
    if !items.is_open() {
        let expression = items.condition(&format!("cardinality({name})"));
        collector.add(
            &check("minItems, maxItems"),
            Mapped::expression(format!("items_{column}"), expression),
        );
    }
    if excludes("uniqueItems") {
        let expression =
            format!("cardinality({name}) = (select count(distinct item) from unnest({name}) item)");
        let mapped = Mapped::not(format!(
            "a rule of one row may ask no query; write it as `sql`, with the condition `{expression}`"
        ));
        collector.add(&check("uniqueItems"), mapped);
    }
}

/// A format that JSON schemas know by name. Those of dates say how a text would be written; a date is no text.
fn named_format(column: &str, format: &str) -> Mapped {
    let known = match format.to_lowercase().as_str() {
        "email" | "idn-email" => Format::Email,
        "uri" | "url" | "iri" => Format::Url,
        "hostname" | "idn-hostname" => Format::Hostname,
        "ipv4" => Format::Ipv4,
        "ipv6" => Format::Ipv6,
        "uuid" => Format::Uuid,
        "byte" => Format::Base64,
        _ => {
            return Mapped::not(format!(
                "the format `{format}` is not known; a column of its type needs none, and a text may have `matches`"
            ));
        }
    };
    let mapped = Mapped::rule(RuleKind::Format {
        column: column.to_owned(),
        format: known,
    });
    if known == Format::Url {
        mapped.differs("only addresses of http and https pass")
    } else {
        mapped
    }
}

/// References, since version 3.1.
fn relationships(
    collector: &mut Collector,
    table: &Table<'_>,
    column: Option<&str>,
    node: &Node,
    tables: &[Table<'_>],
) {
    for item in node.get("relationships").map_or(&[][..], Node::items) {
        let from = match column {
            Some(column) => vec![column.to_owned()],
            None => item.get("from").map(Node::texts).unwrap_or_default(),
        };
        let to = item.get("to").map(Node::texts).unwrap_or_default();
        let about = column.map_or_else(
            || table.called.to_owned(),
            |column| format!("{}.{column}", table.called),
        );
        let check = Check::new(
            &table.name,
            format!("{about}: relationship to {}", to.join(", ")),
            item.line(),
        );
        let mapped = match (from.as_slice(), to.as_slice()) {
            ([column], [to]) => {
                let mut parts: Vec<&str> = to
                    .trim_start_matches("schema/")
                    .split(['.', '/'])
                    .filter(|part| *part != "properties")
                    .collect();
                let key = parts.pop();
                let other = parts.pop();
                let other = other.and_then(|name| tables.iter().find(|table| table.called == name));
                match (other, key) {
                    (Some(other), Some(key)) => Mapped::rule(RuleKind::References {
                        column: column.rsplit('.').next().unwrap_or(column).to_owned(),
                        table: other.name.clone(),
                        key: key.to_owned(),
                    }),
                    _ => Mapped::not(format!(
                        "`{to}` names no property of a table of this contract"
                    )),
                }
            }
            ([], _) | (_, []) => Mapped::not("it does not say from where to where"),
            _ => Mapped::not("a reference of several columns can not be said"),
        };
        collector.add(&check, mapped);
    }
}

/// What is agreed about the service: how old data may be.
fn agreement(collector: &mut Collector, root: &Node, tables: &[Table<'_>]) {
    let default = root.get("slaDefaultElement").and_then(Node::text);
    for item in root.get("slaProperties").map_or(&[][..], Node::items) {
        let Some(property) = item.get("property").and_then(Node::text) else {
            collector.not("slaProperties", item.line(), "it has no `property`");
            continue;
        };
        let elements = item
            .get("element")
            .and_then(Node::text)
            .or(default)
            .unwrap_or_default();
        let elements: Vec<&str> = elements
            .split(',')
            .map(str::trim)
            .filter(|element| !element.is_empty())
            .collect();
        let from = format!("slaProperties: {property}");
        let wanted = matches!(
            property.to_lowercase().as_str(),
            "latency" | "ly" | "freshness" | "frequency" | "fy"
        );
        if !wanted {
            collector.not(from, item.line(), "no kind of rule says so; of what is agreed, `latency` and `frequency` become `fresh`");
            continue;
        }
        let within = item
            .get("value")
            .and_then(Node::number)
            .zip(item.get("unit").and_then(Node::text));
        let Some(within) = within.and_then(|(count, unit)| period(count, unit)) else {
            collector.not(
                from,
                item.line(),
                "its `value` and `unit` are no length of time",
            );
            continue;
        };
        // Without an element it is about every table.
        let all: Vec<&str> = tables.iter().map(|table| table.called).collect();
        for element in if elements.is_empty() { all } else { elements } {
            let (called, column) = element
                .split_once('.')
                .map_or((element, None), |(table, column)| (table, Some(column)));
            let Some(table) = tables.iter().find(|table| table.called == called) else {
                collector.not(
                    format!("{from} of {element}"),
                    item.line(),
                    "it names no table of this contract",
                );
                continue;
            };
            let check = Check::new(&table.name, format!("{from} of {element}"), item.line());
            let exported = item
                .get("id")
                .and_then(Node::text)
                .and_then(|id| id.rsplit_once('/'))
                .map(|(_, rule)| rule);
            if exported.is_some_and(|rule| collector.knows(&table.name, rule)) {
                continue;
            }
            let mapped = Mapped::rule(fresh(within, column.map(str::to_owned), Vec::new()));
            let mapped = if column.is_none() {
                mapped.differs("without a column the newest change counts that was written since the watch began")
            } else {
                mapped
            };
            collector.add(&check, mapped);
        }
    }
}

/// A text with the names of the table and the column put in.
fn filled(query: &str, table: &str, column: Option<&str>) -> String {
    let column = column.map(identifier);
    let mut query = query.to_owned();
    for (name, value) in [
        ("object", Some(table)),
        ("table", Some(table)),
        ("property", column.as_deref()),
        ("column", column.as_deref()),
    ] {
        if let Some(value) = value {
            query = query
                .replace(&format!("${{{name}}}"), value)
                .replace(&format!("{{{name}}}"), value);
        }
    }
    query
}

/// A list of texts as SQL.
fn texts(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    values.join(", ")
}
