//! Expectations about columns and their types: queries of the catalogue, because no write changes them.

use super::expectation::Args;
use super::mapped::{Mapped, Rows};
use super::sql::{quoted, slug};
use crate::policy::node::Node;

/// What a rule about the shape of a table always says.
const DIFFERENCE: &str = "the tick asks the catalogue each hour, not when the table is altered";

pub(super) fn map(name: &str, args: &Args<'_>, rows: Rows<'_>) -> Option<Result<Mapped, Mapped>> {
    Some(match name {
        "expect_column_to_exist" => args.subject().map(|column| exists(&column, args, rows)),
        "expect_column_values_to_be_of_type" => args.subject().and_then(|column| {
            let name = args.text("type_").or(args.text("column_type"));
            of_types(&column, &name.map(str::to_owned).into_iter().collect::<Vec<_>>(), rows)
        }),
        "expect_column_values_to_be_in_type_list" => args.subject().and_then(|column| {
            let types = args.get("type_list").or(args.get("column_type_list")).map(Node::texts);
            of_types(&column, &types.unwrap_or_default(), rows)
        }),
        "expect_table_column_count_to_equal" => number(args, "value").map(|count| counted(&format!("= {count}"), rows)),
        "expect_table_column_count_to_be_between" => {
            let bound = |key: &str, operator: &str| number(args, key).ok().map(|count| format!("count(*) {operator} {count}"));
            let bounds: Vec<String> = [bound("min_value", ">="), bound("max_value", "<=")].into_iter().flatten().collect();
            if bounds.is_empty() {
                Err(Mapped::not("neither a least nor a greatest number is given, so nothing can fail"))
            } else {
                Ok(count_query(&bounds.join(" and "), rows))
            }
        }
        "expect_table_column_count_to_equal_other_table" => args.other("compare_model").map(|other| {
            count_query(&format!("count(*) = (select count(*) {})", of_table(&other)), rows)
        }),
        "expect_table_columns_to_match_set" => {
            let exact = args.truth("exact_match") != Some(false);
            list(args, &["column_set", "column_list"]).map(|names| {
                let mut parts = vec![missing(&names, rows)];
                if exact {
                    parts.push(others(&names, rows));
                }
                said("columns_match_set", &parts)
            })
        }
        "expect_table_columns_to_contain_set" => {
            list(args, &["column_list", "column_set"]).map(|names| said("columns_contain_set", &[missing(&names, rows)]))
        }
        "expect_table_columns_to_not_contain_set" => list(args, &["column_list", "column_set"]).map(|names| {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            let found = format!("select attname::text as not_wanted {} and attname in ({})", of_table(rows.table), names.join(", "));
            said("columns_not_wanted", &[found])
        }),
        "expect_table_columns_to_match_ordered_list" => list(args, &["column_list"]).map(|names| {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            let query = format!(
                "select array_agg(attname::text order by attnum) as found {}\nhaving array_agg(attname::text order by attnum) is distinct from array[{}]::text[]",
                of_table(rows.table),
                names.join(", ")
            );
            said("columns_in_order", &[query])
        }),
        _ => return None,
    })
}

/// The columns of a table in the catalogue, as the end of a query.
fn of_table(table: &str) -> String {
    format!(
        "from pg_catalog.pg_attribute where attrelid = to_regclass({}) and attnum > 0 and not attisdropped",
        quoted(table)
    )
}

fn said(name: &str, queries: &[String]) -> Mapped {
    Mapped::query(name, queries.join("\nunion all\n")).differs(DIFFERENCE)
}

/// Names of columns that the table does not have.
fn missing(names: &[String], rows: Rows<'_>) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!(
        "select wanted.name as column_name from unnest(array[{}]::text[]) wanted (name)\nwhere not exists (select {} and attname = wanted.name)",
        names.join(", "),
        of_table(rows.table)
    )
}

fn others(names: &[String], rows: Rows<'_>) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!(
        "select attname::text {} and attname not in ({})",
        of_table(rows.table),
        names.join(", ")
    )
}

/// The rule that certain columns are there.
pub(super) fn required(names: &[String], rows: Rows<'_>) -> Mapped {
    said("columns_required", &[missing(names, rows)])
}

/// The rule that no column is there whose name is like one of these, in which `%` is anything.
pub(super) fn forbidden(patterns: &[String], rows: Rows<'_>) -> Mapped {
    let parts: Vec<String> = patterns
        .iter()
        .map(|pattern| format!("attname like {}", quoted(pattern)))
        .collect();
    let query = format!(
        "select attname::text as not_wanted {} and ({})",
        of_table(rows.table),
        parts.join(" or ")
    );
    said("columns_forbidden", &[query])
}

fn exists(column: &str, args: &Args<'_>, rows: Rows<'_>) -> Mapped {
    let mapped = said(
        &slug(&format!("exists_{column}")),
        &[missing(&[column.to_owned()], rows)],
    );
    if args.get("column_index").is_some() {
        mapped.differs("the place of the column is not looked at")
    } else {
        mapped
    }
}

/// The rule that columns have certain types: all of `(column, types)`.
pub(super) fn types(
    name: &str,
    columns: &[(String, Vec<String>)],
    rows: Rows<'_>,
) -> Result<Mapped, Mapped> {
    let mut parts = Vec::new();
    for (column, names) in columns {
        let known: Vec<String> = names
            .iter()
            .filter_map(|name| postgresql_type(name))
            .collect();
        if known.is_empty() {
            return Err(Mapped::not(format!(
                "`{}` is no type of PostgreSQL",
                names.join("`, `")
            )));
        }
        let mut known: Vec<String> = known
            .iter()
            .map(|name| format!("{}::regtype", quoted(name)))
            .collect();
        known.sort();
        known.dedup();
        parts.push(format!(
            "(attname = {} and atttypid not in ({}))",
            quoted(column),
            known.join(", ")
        ));
    }
    let query = format!(
        "select attname::text as column_name, format_type(atttypid, atttypmod) as found\n{}\n  and ({})",
        of_table(rows.table),
        parts.join("\n    or ")
    );
    Ok(Mapped::query(name, query).differs(DIFFERENCE))
}

/// The rule that columns stand in certain places, counted from 1.
pub(super) fn places(columns: &[(String, u64)], rows: Rows<'_>) -> Mapped {
    let wrong: Vec<String> = columns
        .iter()
        .map(|(column, place)| format!("(name = {} and place <> {place})", quoted(column)))
        .collect();
    let query = format!(
        "select name, place\nfrom (select attname::text as name, row_number() over (order by attnum) as place {}) in_order\nwhere {}",
        of_table(rows.table),
        wrong.join(" or ")
    );
    said("column_places", &[query])
}

fn of_types(column: &str, names: &[String], rows: Rows<'_>) -> Result<Mapped, Mapped> {
    if names.is_empty() {
        return Err(Mapped::not("it does not say which type"));
    }
    types(
        &slug(&format!("type_{column}")),
        &[(column.to_owned(), names.to_vec())],
        rows,
    )
}

/// What PostgreSQL calls a type that other tools and databases call so; `None` for what it does not have.
fn postgresql_type(name: &str) -> Option<String> {
    let lower = name.trim().to_lowercase();
    let base = lower.split('(').next().unwrap_or_default().trim();
    let rest = lower.split_once(')').map_or("", |(_, rest)| rest.trim());
    let base = if rest.is_empty() {
        base.to_owned()
    } else {
        format!("{base} {rest}")
    };
    Some(
        match base.as_str() {
            "integer" | "int" | "int4" | "int32" | "integertype" => "integer",
            "bigint" | "int8" | "int64" | "long" | "longtype" | "biginteger" => "bigint",
            "smallint" | "int2" | "smallinteger" => "smallint",
            "numeric" | "decimal" | "number" | "decimaltype" => "numeric",
            "real" | "float4" => "real",
            "float" | "double precision" | "double_precision" | "float8" | "double" | "float64"
            | "doubletype" => "double precision",
            "text" | "string" | "str" | "stringtype" => "text",
            "varchar" | "character varying" => "character varying",
            "char" | "character" | "bpchar" => "character",
            "boolean" | "bool" | "booleantype" => "boolean",
            "date" | "datetype" => "date",
            "timestamp"
            | "timestamp without time zone"
            | "datetime"
            | "timestamp_ntz"
            | "timestamptype" => "timestamp without time zone",
            "timestamptz" | "timestamp with time zone" | "timestamp_tz" => {
                "timestamp with time zone"
            }
            "time" | "time without time zone" => "time without time zone",
            "timetz" | "time with time zone" => "time with time zone",
            "interval" => "interval",
            "uuid" => "uuid",
            "json" => "json",
            "jsonb" => "jsonb",
            "bytea" | "binary" => "bytea",
            "inet" => "inet",
            "cidr" => "cidr",
            "money" => "money",
            _ => return None,
        }
        .to_owned(),
    )
}

fn counted(condition: &str, rows: Rows<'_>) -> Mapped {
    count_query(&format!("count(*) {condition}"), rows)
}

fn count_query(condition: &str, rows: Rows<'_>) -> Mapped {
    let query = format!(
        "select count(*) as columns {}\nhaving not ({condition})",
        of_table(rows.table)
    );
    said("column_count", &[query])
}

fn number(args: &Args<'_>, key: &str) -> Result<u64, Mapped> {
    let count = args
        .get(key)
        .and_then(Node::number)
        .filter(|count| *count >= 0.0 && count.fract() == 0.0);
    count
        .map(|count| count as u64)
        .ok_or_else(|| Mapped::not(format!("its `{key}` is no number of columns")))
}

fn list(args: &Args<'_>, keys: &[&str]) -> Result<Vec<String>, Mapped> {
    let names = keys
        .iter()
        .find_map(|key| args.get(key))
        .map(Node::texts)
        .unwrap_or_default();
    if names.is_empty() {
        return Err(Mapped::not(format!("it does not say its `{}`", keys[0])));
    }
    // dbt-expectations compares in upper case unless it is told otherwise.
    let names = names.into_iter().map(|name| {
        if args.folds {
            name.to_lowercase()
        } else {
            name
        }
    });
    Ok(names.collect())
}
