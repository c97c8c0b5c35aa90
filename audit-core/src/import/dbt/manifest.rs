//! `target/manifest.json`: everything that dbt knows of a project, with templates resolved.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::collect::{Check, Collector};
use super::super::document::{bounded, from_json, json_error, refused, without_mark};
use super::super::expectation::given_query;
use super::super::mapped::Mapped;
use super::super::{Imported, Tool};
use super::property::{args, constraints, contract, freshness_rules, map, qualified};
use super::{Config, names_in_call};
use crate::Error;
use crate::policy::node::Node;

/// The parts of a manifest that are of use; the rest, which is most of it, is not kept.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    nodes: BTreeMap<String, Item>,
    #[serde(default)]
    sources: BTreeMap<String, Item>,
    #[serde(default)]
    groups: BTreeMap<String, Value>,
}

/// A model, seed, snapshot, source or test. Nothing is taken for granted: versions differ, and files are edited.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    resource_type: Value,
    name: Value,
    schema: Value,
    alias: Value,
    identifier: Value,
    source_name: Value,
    description: Value,
    group: Value,
    config: Value,
    meta: Value,
    columns: Value,
    constraints: Value,
    contract: Value,
    test_metadata: Value,
    attached_node: Value,
    column_name: Value,
    file_key_name: Value,
    depends_on: Value,
    compiled_code: Value,
    compiled_sql: Value,
    freshness: Value,
    loaded_at_field: Value,
}

/// A table that dbt builds or reads.
struct Relation {
    called: String,
    table: String,
    /// The name of the source, if it is of one.
    source: Option<String>,
    name: String,
}

pub(super) fn read(text: &str, file: &str) -> Result<Imported, Error> {
    bounded(text, file)?;
    let manifest: Manifest =
        serde_json::from_str(without_mark(text)).map_err(|error| json_error(text, file, &error))?;
    let version = manifest
        .metadata
        .get("dbt_schema_version")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !version.contains("/manifest/") && manifest.nodes.is_empty() && manifest.sources.is_empty() {
        return Err(refused(
            text,
            file,
            None,
            "this is JSON, but no manifest of dbt",
            Some(
                "expected `target/manifest.json`, which `dbt parse`, `dbt compile` and `dbt build` write",
            ),
        ));
    }
    let mut read = Read {
        collector: Collector::new(Tool::Dbt, file),
        relations: relations(&manifest),
    };
    for (id, item) in manifest.nodes.iter().chain(&manifest.sources) {
        if read.relations.contains_key(id) {
            read.relation(id, item, &manifest.groups);
        }
    }
    for (id, item) in &manifest.nodes {
        if item.resource_type == "test" {
            read.test(id, item);
        }
    }
    Ok(read.collector.end())
}

fn relations(manifest: &Manifest) -> BTreeMap<String, Relation> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let tables = ["model", "seed", "snapshot", "source"];
    let mut relations = BTreeMap::new();
    for (id, item) in manifest.nodes.iter().chain(&manifest.sources) {
        let kind = item.resource_type.as_str().unwrap_or_default();
        let (Some(name), Some(schema)) = (text(&item.name), text(&item.schema)) else {
            continue;
        };
        if !tables.contains(&kind)
            || item.config.get("materialized").and_then(Value::as_str) == Some("ephemeral")
        {
            continue;
        }
        let source = text(&item.source_name).filter(|_| kind == "source");
        let table = text(&item.alias)
            .or_else(|| text(&item.identifier))
            .unwrap_or_else(|| name.clone());
        let called = source
            .as_ref()
            .map_or_else(|| name.clone(), |source| format!("{source}.{name}"));
        let table = qualified(&schema, &table);
        relations.insert(
            id.clone(),
            Relation {
                called,
                table,
                source,
                name,
            },
        );
    }
    relations
}

struct Read {
    collector: Collector,
    relations: BTreeMap<String, Relation>,
}

impl Read {
    /// The table itself, its contract, its constraints and its freshness.
    fn relation(&mut self, id: &str, item: &Item, groups: &BTreeMap<String, Value>) {
        let Some(Relation { called, table, .. }) = self.relations.get(id) else {
            return;
        };
        let (config, meta) = (
            from_json(item.config.clone()),
            from_json(serde_json::json!({ "meta": item.meta })),
        );
        let group = item
            .group
            .as_str()
            .or_else(|| item.config.get("group").and_then(Value::as_str));
        let group = group.and_then(|name| {
            groups
                .values()
                .find(|group| group.get("name").and_then(Value::as_str) == Some(name))
        });
        let of_group = group
            .and_then(|group| group.get("owner"))
            .cloned()
            .map(from_json);
        let owner = Config::new([Some(&meta), Some(&config)])
            .owner()
            .or_else(|| of_group.as_ref().and_then(super::owner));
        self.collector
            .table(table, item.description.as_str(), owner);

        let columns: Vec<Node> = match &item.columns {
            Value::Object(columns) => columns.values().cloned().map(from_json).collect(),
            _ => Vec::new(),
        };
        let other = |to: &str| resolve(&self.relations, to);
        for column in &columns {
            if let Some(name) = column.get("name").and_then(Node::text) {
                constraints(
                    &mut self.collector,
                    called,
                    table,
                    column,
                    Some(name),
                    &other,
                );
            }
        }
        let own = from_json(serde_json::json!({ "constraints": item.constraints }));
        constraints(&mut self.collector, called, table, &own, None, &other);
        let enforced = |value: &Value| value.get("enforced").and_then(Value::as_bool) == Some(true);
        if enforced(&item.contract) || item.config.get("contract").is_some_and(enforced) {
            contract(&mut self.collector, called, table, &own, &columns);
        }
        let freshness = from_json(item.freshness.clone());
        freshness_rules(
            &mut self.collector,
            called,
            table,
            &freshness,
            item.loaded_at_field.as_str(),
            None,
        );
    }

    fn test(&mut self, id: &str, item: &Item) {
        let metadata = from_json(item.test_metadata.clone());
        let config = from_json(item.config.clone());
        let config = Config::new([Some(&config)]);
        let compiled = item
            .compiled_code
            .as_str()
            .or_else(|| item.compiled_sql.as_str());
        let Some(relation) = self.about(item, &metadata) else {
            let reason = if config.disabled() {
                "it is switched off (`enabled: false`)"
            } else {
                "it is about no table that is known here"
            };
            self.collector.not(id, None, reason);
            return;
        };
        let kwargs = metadata.get("kwargs");
        let column = item.column_name.as_str().or_else(|| {
            kwargs
                .and_then(|kwargs| kwargs.get("column_name"))
                .and_then(Node::text)
        });
        let called = column.map_or_else(
            || relation.called.clone(),
            |column| format!("{}.{column}", relation.called),
        );
        let kind = metadata.get("name").and_then(Node::text).map(|name| {
            match metadata.get("namespace").and_then(Node::text) {
                Some(package) if package != "dbt" => format!("{package}.{name}"),
                _ => name.to_owned(),
            }
        });
        let name = item.name.as_str().unwrap_or(id);
        let from = kind.as_ref().map_or_else(
            || format!("{called}: test {name}"),
            |kind| format!("{called}: {kind}"),
        );
        let mut check = Check::new(&relation.table, from, None);
        if config.disabled() {
            self.collector
                .add(&check, Mapped::not("it is switched off (`enabled: false`)"));
            return;
        }
        check.why = item.description.as_str().unwrap_or_default().to_owned();
        let mut differences = Vec::new();
        config.apply(&mut check, &mut differences);
        let mapped = match &kind {
            None => singular(name, compiled),
            Some(kind) => {
                // A name that dbt has put together says nothing that kind and column do not say.
                let plain = kind.replace('.', "_");
                check.name = Some(name.to_owned()).filter(|name| {
                    !name.starts_with(&plain) && !name.starts_with(&format!("source_{plain}"))
                });
                let mut args = args(kwargs.into_iter().collect(), column);
                let table_of = |to: &str| resolve(&self.relations, to);
                args.table = &table_of;
                map(kind, &args, &mut check, compiled)
            }
        };
        let mapped = differences.into_iter().fold(mapped, Mapped::differs);
        self.collector.add(&check, mapped);
    }

    /// The table that a test is about: the one it is attached to, the one its arguments name, or the first that it reads.
    fn about(&self, item: &Item, metadata: &Node) -> Option<&Relation> {
        let attached = item
            .attached_node
            .as_str()
            .and_then(|id| self.relations.get(id));
        attached
            .or_else(|| {
                let model = metadata.at_path(&["kwargs", "model"])?.text()?;
                let call = ["ref(", "source("]
                    .iter()
                    .find_map(|call| model.find(call))
                    .map(|start| &model[start..])?;
                let table = resolve(&self.relations, call)?;
                self.relations
                    .values()
                    .find(|relation| relation.table == table)
            })
            .or_else(|| {
                let nodes = item.depends_on.get("nodes")?.as_array()?;
                nodes.iter().find_map(|id| self.relations.get(id.as_str()?))
            })
    }
}

/// A test that is a query of its own.
fn singular(name: &str, compiled: Option<&str>) -> Mapped {
    match compiled {
        Some(query) => given_query(name, query),
        None => Mapped::not("the manifest does not have its compiled query; run `dbt compile`"),
    }
}

fn resolve(relations: &BTreeMap<String, Relation>, to: &str) -> Option<String> {
    let names = names_in_call(to);
    let last = names.last()?;
    let found = relations.values().find(|relation| {
        relation.name == *last
            && (if to.contains("source(") {
                relation.source.as_ref() == names.first()
            } else {
                relation.source.is_none()
            })
    });
    found.map(|relation| relation.table.clone())
}
