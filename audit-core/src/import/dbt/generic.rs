//! Generic tests: those of dbt itself, of dbt_utils, of dbt-expectations and of elementary.

use super::super::aggregate::{compared, fresh, having, period, recent};
use super::super::expectation::{self, Args, given_query, one_of, unique};
use super::super::mapped::{Mapped, Rows};
use super::super::sql::{columns, quoted, slug};
use crate::policy::identifier;
use crate::policy::node::Node;
use crate::{Asked, Direction, Measured, Period, Reconcile, RuleKind, TimedRows, Unit, Volume};

/// What a test becomes. `compiled` is the query that it was compiled to.
pub(super) fn map(name: &str, args: &Args<'_>, rows: Rows<'_>, compiled: Option<&str>) -> Mapped {
    let (package, test) = name.split_once('.').unwrap_or(("", name));
    // dbt writes A and B, Great Expectations a and b.
    let test = test.to_lowercase();
    let mapped = match package {
        "dbt_expectations" => expectation::map(&test, args, rows),
        "dbt_utils" => utils(&test, args, rows).map(settled),
        "elementary" => elementary(&test, args),
        "" | "dbt" => own(&test, args, rows).map(settled),
        _ => None,
    };
    match (mapped, compiled) {
        (Some(mapped), Some(query)) if mapped.refused.is_some() && package != "elementary" => {
            let asked = given_query(&test, query);
            if asked.refused.is_some() {
                mapped
            } else {
                asked.differs("asked as the query that dbt compiled it to")
            }
        }
        (Some(mapped), _) => mapped,
        (None, Some(query)) if package != "elementary" => given_query(&test, query)
            .differs("no kind of rule is known for it: asked as the query that dbt compiled it to"),
        (None, _) => Mapped::not(
            "no kind of rule is known for this test; `target/manifest.json` after `dbt compile` has the query that it becomes",
        ),
    }
}

fn settled(attempt: Result<Mapped, Mapped>) -> Mapped {
    attempt.unwrap_or_else(|refused| refused)
}

/// The four tests of dbt itself.
fn own(test: &str, args: &Args<'_>, rows: Rows<'_>) -> Option<Result<Mapped, Mapped>> {
    Some(match test {
        "not_null" => args
            .subject()
            .map(|column| Mapped::rule(RuleKind::NotNull { column })),
        "unique" => args.subject().map(|column| unique(vec![column], rows)),
        "accepted_values" => args
            .subject()
            .and_then(|column| Ok(one_of(column, args.values("values")?, true))),
        "relationships" => args.subject().and_then(|column| references(column, args)),
        _ => return None,
    })
}

fn references(column: String, args: &Args<'_>) -> Result<Mapped, Mapped> {
    Ok(Mapped::rule(RuleKind::References {
        column,
        table: args.other("to")?,
        key: args.column_of("field")?,
    }))
}

fn utils(test: &str, args: &Args<'_>, rows: Rows<'_>) -> Option<Result<Mapped, Mapped>> {
    let subject = || args.subject();
    Some(match test {
        "accepted_range" => subject().map(|column| args.between().rule(&column)),
        "not_accepted_values" => subject().and_then(|column| Ok(one_of(column, args.values("values")?, false))),
        "not_empty_string" => subject().map(|column| {
            if args.truth("trim_whitespace") == Some(false) {
                return Mapped::expression(format!("not_empty_{column}"), format!("{}::text <> ''", identifier(&column)));
            }
            Mapped::rule(RuleKind::NotBlank { column }).differs("all white space counts as nothing here, not only spaces")
        }),
        "not_null_proportion" => subject().map(|column| {
            let share = args.get("at_least").and_then(Node::number);
            let mut mapped = Mapped::rule(RuleKind::NotNull { column });
            mapped.drafts[0].mostly = share;
            if args.get("at_most").and_then(Node::number).is_some_and(|most| most < 1.0) {
                mapped = mapped.differs("`at_most` is not kept");
            }
            if args.get("group_by_columns").is_some() {
                mapped = mapped.differs("the share is that of all rows, not of each group");
            }
            mapped
        }),
        "expression_is_true" => match args.get("expression").and_then(Node::written) {
            Some(expression) => Ok(match subject() {
                // Below a column the expression is what follows its name.
                Ok(column) => Mapped::expression(format!("{column}_{expression}"), format!("{} {expression}", identifier(&column))),
                Err(_) => Mapped::expression(expression.clone(), expression),
            }),
            None => Err(Mapped::not("it does not say its `expression`")),
        },
        "unique_combination_of_columns" => args.columns_of("combination_of_columns").map(|columns| {
            unique(columns, rows).differs("rows with a null in one of the columns are different from all others here")
        }),
        "relationships_where" => subject().and_then(|column| relationships_where(column, args, rows)),
        "recency" => args.column_of("field").and_then(|field| {
            let mapped = recent(field, args.group_by()?, args)?;
            Ok(if args.truth("ignore_time_component") == Some(true) {
                mapped.differs("the time of day is looked at")
            } else {
                mapped
            })
        }),
        "at_least_one" => subject().and_then(|column| {
            Ok(having(&format!("at_least_one_{column}"), &format!("count({})", identifier(&column)), "> 0", &args.group_by()?, rows))
        }),
        "not_constant" => subject().and_then(|column| {
            Ok(having(&format!("not_constant_{column}"), &format!("count(distinct {})", identifier(&column)), "<> 1", &args.group_by()?, rows))
        }),
        "equal_rowcount" => args.other("compare_model").and_then(|table| {
            if rows.condition.is_some() {
                let theirs = Rows { table: &table, condition: None };
                return Ok(compared("equal_rowcount", "count(*)", rows, "count(*)", theirs, "ours.value = theirs.value"));
            }
            let group_by = args.group_by()?;
            Ok(Mapped::rule(RuleKind::Reconcile(Reconcile {
                measure: Measured::Count,
                table,
                tolerance: None,
                group_by,
                asked: Asked::default(),
            })))
        }),
        "fewer_rows_than" => args.other("compare_model").map(|table| {
            let theirs = Rows { table: &table, condition: None };
            let mapped = compared("fewer_rows_than", "count(*)", rows, "count(*)", theirs, "ours.value < theirs.value");
            if args.get("group_by_columns").is_some() { mapped.differs("all rows are counted, not those of each group") } else { mapped }
        }),
        "cardinality_equality" => subject().and_then(|column| {
            let other = args.other("to")?;
            let (ours, theirs) = (identifier(&column), identifier(&args.column_of("field")?));
            let count = |name: &str, table: &str| format!("select {name} as value, count(*) as times from {table} group by 1");
            let (ours, theirs) = (count(&ours, &rows.source()), count(&theirs, &other));
            Ok(Mapped::query(slug(&format!("cardinality_{column}")), differing(&ours, &theirs)))
        }),
        "equality" => args.other("compare_model").and_then(|other| {
            let Ok(names) = args.columns_of("compare_columns") else {
                return Err(Mapped::not("without `compare_columns` the columns are known only to dbt; `reconcile` compares counts and sums"));
            };
            if args.get("precision").is_some() {
                return Err(Mapped::not("values can not be compared with a `precision`"));
            }
            let list = columns(&names);
            let (ours, theirs) = (format!("select {list} from {}", rows.source()), format!("select {list} from {other}"));
            Ok(Mapped::query("equality", differing(&ours, &theirs)))
        }),
        "mutually_exclusive_ranges" => ranges(args),
        "sequential_values" => subject().and_then(|column| sequential(&column, args, rows)),
        _ => return None,
    })
}

/// The rows that one query gives and the other does not.
fn differing(ours: &str, theirs: &str) -> String {
    format!("({ours} except {theirs})\nunion all\n({theirs} except {ours})")
}

fn relationships_where(column: String, args: &Args<'_>, rows: Rows<'_>) -> Result<Mapped, Mapped> {
    let always = |key: &str| {
        args.text(key)
            .is_none_or(|condition| condition.replace(' ', "") == "1=1")
    };
    if always("from_condition") && always("to_condition") {
        return references(column, args);
    }
    let (table, key) = (args.other("to")?, args.column_of("field")?);
    let (name, ours) = (slug(&format!("references_{column}")), identifier(&column));
    let from = args.text("from_condition").unwrap_or("true");
    let to = args.text("to_condition").unwrap_or("true");
    Ok(Mapped::query(
        name,
        format!(
            "select {ours}\nfrom {}\nexcept\nselect {} from {table} where {to}",
            rows.source_where(&format!("({from}) and {ours} is not null")),
            identifier(&key)
        ),
    ))
}

fn ranges(args: &Args<'_>) -> Result<Mapped, Mapped> {
    let (from, to) = (
        args.column_of("lower_bound_column")?,
        args.column_of("upper_bound_column")?,
    );
    let columns = match args.get("partition_by") {
        Some(node) => node
            .texts()
            .iter()
            .map(|name| args.name(name))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let mut mapped = Mapped::rule(RuleKind::NoOverlap { columns, from, to })
        .differs("that a range does not end before it begins is not asked; a null end is open");
    if args.text("gaps").is_some_and(|gaps| gaps != "allowed") {
        mapped = mapped.differs("whether there are gaps between ranges is not asked");
    }
    Ok(mapped)
}

fn sequential(column: &str, args: &Args<'_>, rows: Rows<'_>) -> Result<Mapped, Mapped> {
    let count = args.get("interval").and_then(Node::number).unwrap_or(1.0);
    let step = match args.text("datepart") {
        Some(unit) => match period(count, unit) {
            Some(period) => format!("interval {}", quoted(&period.to_string())),
            None => {
                return Err(Mapped::not(
                    "its `datepart` and `interval` are no length of time",
                ));
            }
        },
        None => count.to_string(),
    };
    let groups = args.group_by()?;
    let partition = if groups.is_empty() {
        String::new()
    } else {
        format!("partition by {} ", columns(&groups))
    };
    let name = identifier(column);
    Ok(Mapped::query(
        slug(&format!("sequential_{column}")),
        format!(
            "select value, before\nfrom (\n  select {name} as value, lag({name}) over ({partition}order by {name}) as before\n  from {}\n) in_order\nwhere not (value = before + {step})",
            rows.source()
        ),
    ))
}

/// Anomalies of elementary, as far as there is a kind of rule that looks for the like.
fn elementary(test: &str, args: &Args<'_>) -> Option<Mapped> {
    let column = args
        .text("timestamp_column")
        .and_then(super::super::sql::folded);
    Some(match test {
        "volume_anomalies" => {
            let direction = match args.text("anomaly_direction") {
                Some("drop") => Direction::Drop,
                Some("spike") => Direction::Spike,
                _ => Direction::Both,
            };
            let threshold = args
                .get("anomaly_sensitivity")
                .or_else(|| args.get("anomaly_threshold"));
            let threshold = threshold
                .and_then(Node::number)
                .filter(|number| *number > 0.0);
            let per = args.get("time_bucket").and_then(|bucket| {
                period(
                    bucket.get("count").and_then(Node::number)?,
                    bucket.get("period").and_then(Node::text)?,
                )
            });
            let known = [
                Period::hours(1),
                Period::days(1),
                Period::new(1, Unit::Week),
            ];
            let per = per
                .filter(|per| known.contains(per))
                .unwrap_or(Period::days(1));
            Mapped::rule(RuleKind::Volume(Volume {
                per,
                history: Period::new(8, Unit::Week),
                minimum: 4,
                threshold: serde_json::Number::from_f64(threshold.unwrap_or(3.0)).unwrap_or_else(|| 3.into()),
                direction,
                rows: TimedRows { column, ..TimedRows::default() },
                asked: Asked::default(),
            }))
            .differs("compared by a robust z-score with the same weekday and time of eight weeks, where elementary takes all of two weeks")
        }
        "freshness_anomalies" | "event_freshness_anomalies" => Mapped::not(
            "what is late by custom can not be learned; say `fresh` with a length of time",
        ),
        "data_freshness_sla" => match (
            args.get("sla_hours")
                .and_then(Node::number)
                .and_then(|hours| period(hours, "hour")),
            column,
        ) {
            (Some(within), column) => Mapped::rule(fresh(within, column, Vec::new())),
            _ => Mapped::not(
                "a time of day by which data is there can not be said; say `fresh` with a length of time",
            ),
        },
        "column_anomalies" | "all_columns_anomalies" | "dimension_anomalies" => Mapped::not(
            "no kind of rule learns what values are usual; `bounds` on a summary says which are",
        ),
        "schema_changes" | "schema_changes_from_baseline" => {
            Mapped::not("no kind of rule compares the columns of a table with what they were")
        }
        "json_schema" => Mapped::not("no kind of rule knows JSON schemas"),
        "exposure_schema_validity" => Mapped::not("exposures are not known here"),
        _ => return None,
    })
}
