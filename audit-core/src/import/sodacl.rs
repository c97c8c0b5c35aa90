//! SodaCL: the checks of Soda Core 3.

mod grammar;
mod valid;

use grammar::{Comparison, Subject, levels, subject};

use super::aggregate::{compared, count_rows, fresh, measure};
use super::collect::{Check, Collector, Threshold};
use super::document::{refused, yaml};
use super::expectation::{given_query, unique};
use super::mapped::{Between, Mapped, Rows};
use super::odcs::quality::allowed;
use super::shape;
use super::sql::{folded, slug};
use super::{Imported, Options, Tool};
use crate::policy::node::Node;
use crate::policy::{identifier, table::identifiers};
use crate::{
    Asked, Direction, Error, Function, Measured, Period, Reconcile, RuleKind, Severity, TimedRows,
    Unit, Volume,
};

/// The rows that the checks of a section look at.
struct Section<'o> {
    called: String,
    table: String,
    condition: Option<String>,
    options: &'o Options,
}

pub(super) fn read(text: &str, file: &str, options: &Options) -> Result<Imported, Error> {
    let root = yaml(text, file)?;
    if root.get("dataset").is_some() && root.get("columns").is_some() {
        let help = "contracts of Soda 4 are another language; expected `checks for orders:` with a list of checks";
        return Err(refused(
            text,
            file,
            Some(root.at),
            "this is a contract of Soda 4, not SodaCL",
            Some(help),
        ));
    }
    let begins = ["checks for ", "for each "];
    if !root.entries().any(|(key, _)| {
        begins
            .iter()
            .any(|begin| key.trim_start().starts_with(begin))
    }) {
        let at = (!root.is_null()).then_some(root.at);
        let help = "expected `checks for orders:` with a list of checks";
        return Err(refused(
            text,
            file,
            at,
            "this file has no checks in SodaCL",
            Some(help),
        ));
    }
    let mut collector = Collector::new(Tool::Sodacl, file);
    for (key, node) in root.entries() {
        let key = key.trim();
        if let Some(named) = key.strip_prefix("checks for ") {
            checks(&mut collector, &root, named, node, options);
        } else if key.starts_with("for each ") {
            for_each(&mut collector, key, node, options);
        } else if !key.starts_with("filter ") {
            collector.not(key, node.line(), "it is no check");
        }
    }
    Ok(collector.end())
}

/// `checks for orders:`, `checks for orders [daily]:`.
fn checks(collector: &mut Collector, root: &Node, named: &str, node: &Node, options: &Options) {
    let called = named.trim();
    let dataset = called.split('[').next().unwrap_or(called).trim();
    let Some(table) = table_of(dataset, options) else {
        collector.not(
            format!("checks for {called}"),
            node.line(),
            "it names no table",
        );
        return;
    };
    let mut section = Section {
        called: dataset.to_owned(),
        table,
        condition: None,
        options,
    };
    if called.contains('[') {
        let filter = root
            .get(&format!("filter {called}"))
            .and_then(|filter| filter.get("where"))
            .and_then(Node::written);
        match filter.as_deref().map(without_variables) {
            Some(Ok(condition)) => section.condition = Some(condition),
            Some(Err(reason)) => {
                return collector.not(format!("checks for {called}"), node.line(), reason);
            }
            None => {
                return collector.not(
                    format!("checks for {called}"),
                    node.line(),
                    format!("there is no `filter {called}` with a `where`"),
                );
            }
        }
    }
    each(collector, &section, node);
}

fn for_each(collector: &mut Collector, key: &str, node: &Node, options: &Options) {
    let datasets = node.get("datasets").or_else(|| node.get("tables"));
    for name in datasets.map(Node::texts).unwrap_or_default() {
        let name = name.trim();
        let name = name.strip_prefix("include ").unwrap_or(name).trim();
        if name.starts_with("exclude ") {
            continue;
        }
        match table_of(name, options).filter(|_| !name.contains(['%', '*'])) {
            Some(table) => {
                let section = Section {
                    called: name.to_owned(),
                    table,
                    condition: None,
                    options,
                };
                if let Some(checks) = node.get("checks") {
                    each(collector, &section, checks);
                }
            }
            None => collector.not(
                format!("{key}: {name}"),
                node.line(),
                "only the database knows which tables are meant; name them",
            ),
        }
    }
}

fn each(collector: &mut Collector, section: &Section<'_>, node: &Node) {
    if node.items().is_empty() {
        collector.not(
            format!("checks for {}", section.called),
            node.line(),
            "it is no list of checks",
        );
    }
    for item in node.items() {
        if let Some(written) = item.text() {
            one(collector, section, written, None, item);
            continue;
        }
        let mut entries = item.entries();
        match (entries.next(), entries.next()) {
            (Some((written, config)), None) => one(collector, section, written, Some(config), item),
            _ => collector.not(
                format!("checks for {}", section.called),
                item.line(),
                "it is neither a check nor a mapping of one",
            ),
        }
    }
}

fn one(
    collector: &mut Collector,
    section: &Section<'_>,
    written: &str,
    config: Option<&Node>,
    item: &Node,
) {
    let text = |key: &str| {
        config
            .and_then(|config| config.get(key))
            .and_then(Node::written)
    };
    let mut check = Check::new(
        &section.table,
        format!("{}: {written}", section.called),
        item.line(),
    );
    check.name = text("name").filter(|name| !name.contains("${"));
    check.why = text("description").unwrap_or_default();
    check.owner = config
        .and_then(|config| config.at_path(&["attributes", "owner"]))
        .and_then(Node::text)
        .map(str::to_owned);
    check.condition.clone_from(&section.condition);
    if let Some(filter) = text("filter") {
        match without_variables(&filter) {
            Ok(filter) => {
                check.condition = Some(match &check.condition {
                    Some(condition) => format!("({condition}) and ({filter})"),
                    None => filter,
                });
            }
            Err(reason) => return collector.add(&check, Mapped::not(reason)),
        }
    }
    if written.contains("${") {
        return collector.add(
            &check,
            Mapped::not("it has a variable, whose value only a scan knows"),
        );
    }
    if written.trim() == "schema" {
        return schema(collector, &check, config);
    }
    let (metric, levels) = match levels(written, config) {
        Ok(read) => read,
        Err(reason) => return collector.add(&check, Mapped::not(reason)),
    };
    let about = match subject(&metric) {
        Ok(about) => about,
        Err(reason) => return collector.add(&check, Mapped::not(reason)),
    };
    match about {
        Subject::Counted {
            what,
            columns,
            percent,
        } => counted(
            collector, section, check, config, &what, &columns, percent, &levels,
        ),
        Subject::Reference {
            columns,
            table,
            keys,
            exists,
        } => {
            let mapped = reference(section, &check, &columns, &table, &keys, exists);
            collector.add(&check, mapped);
        }
        Subject::SameCount { table } => {
            let mapped = same_count(section, &check, &table);
            collector.add(&check, mapped);
        }
        Subject::FailedRows => failed_rows(collector, &check, config, &levels),
        Subject::Anomaly => collector.add(&check, anomaly()),
        Subject::Number(number) => {
            if levels.is_empty() {
                return collector.add(&check, Mapped::not("it does not say which values are good"));
            }
            let several = levels.len() > 1;
            for level in &levels {
                let mut check = check.clone();
                check.severity = level.severity;
                if several {
                    check.from = format!(
                        "{} ({})",
                        check.from,
                        if level.severity == Severity::Normal {
                            "warn"
                        } else {
                            "fail"
                        }
                    );
                    check.name = check.name.map(|name| format!("{name} {}", level.severity));
                }
                let mapped = of_number(&number, section, &check, config, level);
                collector.add(&check, mapped);
            }
        }
    }
}

/// Missing, invalid and duplicate values, of which so many may be there.
#[expect(clippy::too_many_arguments, reason = "they are the parts of one check")]
fn counted(
    collector: &mut Collector,
    section: &Section<'_>,
    mut check: Check,
    config: Option<&Node>,
    what: &str,
    columns: &[String],
    percent: bool,
    levels: &[Comparison],
) {
    let condition = check.condition.clone();
    let rows = Rows {
        table: &section.table,
        condition: condition.as_deref(),
    };
    let columns: Option<Vec<String>> = columns.iter().map(|column| folded(column)).collect();
    let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
        return collector.add(&check, Mapped::not("it is about no column by its name"));
    };
    if levels.is_empty() {
        return collector.add(&check, Mapped::not("it does not say how many are good"));
    }
    let make = || match what {
        "missing" => valid::missing(&columns[0], config),
        "invalid" => valid::valid(&columns[0], config),
        _ => unique(columns.clone(), rows),
    };
    let counts_values = what == "duplicate";
    // Shares make a rule each; numbers are thresholds of one rule.
    if percent && levels.len() > 1 {
        for level in levels {
            let mut check = check.clone();
            check.severity = level.severity;
            check.from = format!(
                "{} ({})",
                check.from,
                if level.severity == Severity::Normal {
                    "warn"
                } else {
                    "fail"
                }
            );
            let mapped = allowed(make(), &level.passes, true, counts_values, &mut check);
            collector.add(&check, mapped);
        }
        return;
    }
    let mut thresholds: Vec<Threshold> = Vec::new();
    let mut mapped = make();
    let mut severity = Severity::Low;
    for level in levels {
        check.severity = level.severity;
        check.thresholds.clear();
        mapped = allowed(mapped, &level.passes, percent, counts_values, &mut check);
        severity = severity.max(check.severity);
        thresholds.append(&mut check.thresholds);
    }
    mapped.differences.dedup();
    check.severity = severity;
    check.thresholds = thresholds;
    collector.add(&check, mapped);
}

fn of_number(
    number: &grammar::Number,
    section: &Section<'_>,
    check: &Check,
    config: Option<&Node>,
    level: &Comparison,
) -> Mapped {
    let rows = Rows {
        table: &section.table,
        condition: check.condition.as_deref(),
    };
    let between = level.passes.clone();
    let attempt = match number {
        grammar::Number::RowCount => count_rows(between, Vec::new()),
        grammar::Number::Freshness { column } => return freshness(column, level),
        grammar::Number::Aggregate {
            function,
            column,
            argument,
        } => {
            let Some(column) = folded(column) else {
                return Mapped::not(format!("`{column}` is no column but an expression"));
            };
            aggregate(function, &column, *argument, between, rows)
        }
        grammar::Number::Own { name } => {
            let text = |what: &str| {
                config
                    .and_then(|config| config.get(&format!("{name} {what}")))
                    .and_then(Node::written)
            };
            match (text("expression"), text("query")) {
                (Some(expression), _) => {
                    super::aggregate::bounded(name, &expression, &between, &[], rows)
                }
                (None, Some(query)) => {
                    let asked = given_query(name, &query);
                    if asked.refused.is_some() {
                        return asked;
                    }
                    let query = query.trim().trim_end_matches(';').trim_end();
                    Ok(Mapped::query(
                        slug(name),
                        format!(
                            "select value\nfrom (\n{query}\n) as result (value)\nwhere not ({})",
                            between.condition("value")
                        ),
                    ))
                }
                (None, None) => Err(Mapped::not(format!("no metric is called `{name}`"))),
            }
        }
    };
    attempt.unwrap_or_else(|refused| refused)
}

fn aggregate(
    function: &str,
    column: &str,
    argument: Option<f64>,
    between: Between,
    rows: Rows<'_>,
) -> Result<Mapped, Mapped> {
    let name = identifier(column);
    let of_length = |function: Function| {
        let total = super::mapped::Total {
            function,
            expression: Some(format!("char_length({name}::text)")),
            group_by: Vec::new(),
            between: between.clone(),
        };
        Mapped::total(format!("{}_length_{column}", function.name()), total)
    };
    Ok(match function {
        "avg" => measure("avg", Function::Avg, column, between, Vec::new())?,
        "sum" => measure("sum", Function::Sum, column, between, Vec::new())?,
        "min" => measure("min", Function::Min, column, between, Vec::new())?,
        "max" => measure("max", Function::Max, column, between, Vec::new())?,
        "stddev" | "stddev_samp" => {
            measure("stddev", Function::Stddev, column, between, Vec::new())?
        }
        "avg_length" => of_length(Function::Avg),
        "min_length" => of_length(Function::Min),
        "max_length" => of_length(Function::Max),
        "stddev_pop" | "variance" | "var_pop" | "var_samp" => super::aggregate::bounded(
            &format!("{function}_{column}"),
            &format!("{function}({name})"),
            &between,
            &[],
            rows,
        )?,
        "distinct_count" => super::aggregate::bounded(
            &format!("distinct_{column}"),
            &format!("count(distinct {name})"),
            &between,
            &[],
            rows,
        )?,
        "percentile" => {
            let share = argument
                .filter(|share| (0.0..=1.0).contains(share))
                .ok_or_else(|| Mapped::not("its share is not between 0 and 1"))?;
            let value = format!("percentile_cont({share}) within group (order by {name})");
            super::aggregate::bounded(
                &format!("percentile_{share}_{column}"),
                &value,
                &between,
                &[],
                rows,
            )?
        }
        other => return Err(Mapped::not(format!("the metric `{other}` is not known"))),
    })
}

/// How old the newest value may be.
fn freshness(column: &str, level: &Comparison) -> Mapped {
    let Some(column) = folded(column) else {
        return Mapped::not(format!(
            "`{column}` is no column but an expression; `fresh` looks at a column"
        ));
    };
    match level.length() {
        Some(within) => Mapped::rule(fresh(within, Some(column), Vec::new())),
        None => Mapped::not("it says no greatest age such as `< 27h`"),
    }
}

fn reference(
    section: &Section<'_>,
    check: &Check,
    columns: &[String],
    table: &str,
    keys: &[String],
    exists: bool,
) -> Mapped {
    let ours: Option<Vec<String>> = columns.iter().map(|column| folded(column)).collect();
    let theirs: Option<Vec<String>> = keys.iter().map(|column| folded(column)).collect();
    let (Some(ours), Some(theirs), Some(other)) = (ours, theirs, table_of(table, section.options))
    else {
        return Mapped::not("it is about no columns of a table by their names");
    };
    if ours.is_empty() || ours.len() != theirs.len() {
        return Mapped::not("it has not as many columns on one side as on the other");
    }
    if let (true, [column], [key]) = (exists, ours.as_slice(), theirs.as_slice()) {
        return Mapped::rule(RuleKind::References {
            column: column.clone(),
            table: other,
            key: key.clone(),
        });
    }
    let rows = Rows {
        table: &section.table,
        condition: check.condition.as_deref(),
    };
    let known: Vec<String> = ours
        .iter()
        .map(|column| format!("{} is not null", identifier(column)))
        .collect();
    let (ours, theirs) = (super::sql::columns(&ours), super::sql::columns(&theirs));
    let operator = if exists { "except" } else { "intersect" };
    Mapped::query(
        slug(&format!(
            "{}_{}",
            if exists { "references" } else { "not_in" },
            columns.join("_")
        )),
        format!(
            "select {ours} from {}\n{operator}\nselect {theirs} from {other}",
            rows.source_where(&known.join(" and "))
        ),
    )
}

fn same_count(section: &Section<'_>, check: &Check, table: &str) -> Mapped {
    let Some(other) = table_of(table, section.options) else {
        return Mapped::not(format!("`{table}` names no table of this database"));
    };
    let Some(condition) = check.condition.as_deref() else {
        return Mapped::rule(RuleKind::Reconcile(Reconcile {
            measure: Measured::Count,
            table: other,
            tolerance: None,
            group_by: Vec::new(),
            asked: Asked::default(),
        }));
    };
    let rows = Rows {
        table: &section.table,
        condition: Some(condition),
    };
    let theirs = Rows {
        table: &other,
        condition: None,
    };
    compared(
        "same_row_count",
        "count(*)",
        rows,
        "count(*)",
        theirs,
        "ours.value = theirs.value",
    )
}

/// `fail condition`, `fail query` and the like.
fn failed_rows(
    collector: &mut Collector,
    check: &Check,
    config: Option<&Node>,
    levels: &[Comparison],
) {
    let text = |key: &str| {
        config
            .and_then(|config| config.get(key))
            .and_then(Node::written)
    };
    let mut any = false;
    for (word, severity) in [("fail", Severity::Important), ("warn", Severity::Normal)] {
        let mut check = check.clone();
        check.severity = severity;
        for level in levels {
            check.thresholds.push(Threshold {
                severity: level.severity,
                when: format!("not ({})", level.passes.condition("failing")),
            });
        }
        let mapped = match (
            text(&format!("{word} condition")),
            text(&format!("{word} query")),
        ) {
            (Some(condition), _) => match without_variables(&condition) {
                Ok(condition) => Mapped::expression("failed_rows", format!("not ({condition})")),
                Err(reason) => Mapped::not(reason),
            },
            (None, Some(query)) => match without_variables(&query) {
                Ok(query) => given_query("failed_rows", &query),
                Err(reason) => Mapped::not(reason),
            },
            (None, None) => continue,
        };
        any = true;
        collector.add(&check, mapped);
    }
    if !any {
        collector.add(
            check,
            Mapped::not("it has neither a `fail condition` nor a `fail query`"),
        );
    }
}

fn anomaly() -> Mapped {
    Mapped::rule(RuleKind::Volume(Volume {
        per: Period::days(1),
        history: Period::new(8, Unit::Week),
        minimum: 4,
        threshold: serde_json::Number::from_f64(3.5).unwrap_or_else(|| 4.into()),
        direction: Direction::Both,
        rows: TimedRows::default(),
        asked: Asked::default(),
    }))
    .differs("the rows written in a day are compared with those of the same weekday of eight weeks, by a robust z-score")
}

/// What columns there must be, and of which types.
fn schema(collector: &mut Collector, check: &Check, config: Option<&Node>) {
    let mut any = false;
    for (word, severity) in [("fail", Severity::Important), ("warn", Severity::Normal)] {
        let Some(level) = config.and_then(|config| config.get(word)) else {
            continue;
        };
        for (key, node) in level.entries() {
            any = true;
            let mut check = check.clone();
            check.severity = severity;
            check.from = format!("{} {word}, {key}", check.from);
            check.condition = None;
            let table = check.table.clone();
            let rows = Rows {
                table: &table,
                condition: None,
            };
            let names: Vec<String> = node
                .texts()
                .iter()
                .map(|name| name.trim().to_lowercase())
                .collect();
            let mapped = match key.trim() {
                "when required column missing" if names.is_empty() => {
                    Mapped::not("it names no column")
                }
                "when required column missing" => shape::required(&names, rows),
                "when forbidden column present" if names.is_empty() => {
                    Mapped::not("it names no column")
                }
                "when forbidden column present" => {
                    let patterns: Vec<String> =
                        names.iter().map(|name| name.replace('*', "%")).collect();
                    shape::forbidden(&patterns, rows)
                }
                "when wrong column type" => {
                    let typed: Vec<(String, Vec<String>)> = node
                        .entries()
                        .filter_map(|(column, name)| Some((folded(column)?, vec![name.written()?])))
                        .collect();
                    if typed.is_empty() {
                        Mapped::not("it names no column")
                    } else {
                        shape::types("column_types", &typed, rows).unwrap_or_else(|refused| refused)
                    }
                }
                "when wrong column index" => {
                    let places: Option<Vec<(String, u64)>> = node
                        .entries()
                        .map(|(column, place)| {
                            let place = place
                                .number()
                                .filter(|place| *place >= 1.0 && place.fract() == 0.0)?;
                            Some((folded(column)?, place as u64))
                        })
                        .collect();
                    match places {
                        Some(places) if !places.is_empty() => shape::places(&places, rows),
                        _ => Mapped::not("it names no column and its place"),
                    }
                }
                "when schema changes" => Mapped::not(
                    "no kind of rule compares the columns of a table with what they were",
                ),
                other => Mapped::not(format!("`{other}` is not known")),
            };
            collector.add(&check, mapped);
        }
    }
    if !any {
        collector.add(check, Mapped::not("it has neither `fail` nor `warn`"));
    }
}

fn table_of(name: &str, options: &Options) -> Option<String> {
    let parts: Vec<&str> = identifiers(name);
    let parts: Option<Vec<String>> = parts.iter().map(|part| folded(part)).collect();
    match parts?.as_slice() {
        [table] => Some(format!(
            "{}.{}",
            identifier(&options.schema),
            identifier(table)
        )),
        [.., schema, table] => Some(format!("{}.{}", identifier(schema), identifier(table))),
        [] => None,
    }
}

/// SQL in which the moment of the scan is `now()`.
fn without_variables(sql: &str) -> Result<String, String> {
    let mut text = sql.trim().to_owned();
    for now in [
        "TIMESTAMP '${NOW}'",
        "timestamp '${NOW}'",
        "'${NOW}'",
        "${NOW}",
    ] {
        text = text.replace(now, "now()");
    }
    if text.contains("${") {
        return Err("it has a variable, whose value only a scan knows".to_owned());
    }
    Ok(text)
}
