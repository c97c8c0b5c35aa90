//! Expectations about a table or a column as a whole: measures of summaries where one keeps them, else queries.

use serde_json::Value;

use super::expectation::{self, Args, each_missing, in_list};
use super::mapped::{Between, Mapped, Rows, Total};
use super::sql::{columns, literal, slug};
use crate::policy::identifier;
use crate::{
    Asked, Fresh, Function, Gap, Measured, Period, Reconcile, RuleKind, TimedRows, Unit, Until,
};

type Attempt = Option<Result<Mapped, Mapped>>;

pub(super) fn map(name: &str, args: &Args<'_>, rows: Rows<'_>) -> Attempt {
    let subject = || args.subject();
    let value = || {
        args.value("value")
            .ok_or_else(|| Mapped::not("it does not say its `value`"))
    };
    Some(match name {
        "expect_table_row_count_to_be_between" => row_count(args.between(), args),
        "expect_table_row_count_to_equal" => value().and_then(|value| row_count(Between::exactly(value), args)),
        "expect_column_max_to_be_between" => total("max", Function::Max, args),
        "expect_column_min_to_be_between" => total("min", Function::Min, args),
        "expect_column_mean_to_be_between" => total("mean", Function::Avg, args),
        "expect_column_sum_to_be_between" => total("sum", Function::Sum, args),
        "expect_column_stdev_to_be_between" => total("stddev", Function::Stddev, args),
        "expect_column_median_to_be_between" => subject().and_then(|column| quantile(&column, 0.5, args.between(), args, rows)),
        "expect_column_quantile_values_to_be_between" => subject().and_then(|column| quantiles(&column, args, rows)),
        "expect_column_unique_value_count_to_be_between" => {
            subject().and_then(|column| distinct(&column, args.between(), args, rows))
        }
        "expect_column_distinct_count_to_equal" => {
            subject().and_then(|column| distinct(&column, Between::exactly(value()?), args, rows))
        }
        "expect_column_distinct_count_to_be_greater_than" => subject().and_then(|column| {
            let between = Between { min: Some(value()?), above_min: true, ..Between::default() };
            distinct(&column, between, args, rows)
        }),
        "expect_column_distinct_count_to_be_less_than" => subject().and_then(|column| {
            let between = Between { max: Some(value()?), below_max: true, ..Between::default() };
            distinct(&column, between, args, rows)
        }),
        "expect_column_proportion_of_unique_values_to_be_between" => subject().and_then(|column| {
            let share = format!("count(distinct {0})::numeric / nullif(count({0}), 0)", identifier(&column));
            bounded(&format!("proportion_unique_{column}"), &share, &args.between(), &args.group_by()?, rows)
        }),
        "expect_column_distinct_values_to_contain_set" => subject().and_then(|column| {
            let (values, _) = args.values("value_set")?;
            Ok(contains(&column, &values, rows))
        }),
        "expect_column_distinct_values_to_equal_set" => subject().and_then(|column| {
            let (values, raw) = args.values("value_set")?;
            let contains = contains(&column, &values, rows);
            Ok(expectation::one_of(column, (values, raw), true).with(contains))
        }),
        "expect_column_most_common_value_to_be_in_set" => subject().and_then(|column| most_common(&column, args, rows)),
        "expect_column_value_z_scores_to_be_less_than" => subject().and_then(|column| {
            let threshold = args.value("threshold").ok_or_else(|| Mapped::not("it does not say its `threshold`"))?;
            let distance = format!("({0} - avg({0}) over ()) / nullif(stddev_pop({0}) over (), 0)", identifier(&column));
            let found = if args.truth("double_sided") == Some(true) { "abs(z_score)" } else { "z_score" };
            Ok(scored(&column, "z_score", &distance, &format!("{found} >= {}", literal(&threshold)), rows))
        }),
        "expect_column_values_to_be_within_n_stdevs" => subject().and_then(|column| {
            let threshold = args.value("sigma_threshold").unwrap_or_else(|| 3.into());
            let groups = args.group_by()?;
            let over = if groups.is_empty() { String::new() } else { format!("partition by {}", columns(&groups)) };
            let distance = format!("({0} - avg({0}) over ({over})) / nullif(stddev({0}) over ({over}), 0)", identifier(&column));
            Ok(scored(&column, "stdevs", &distance, &format!("abs(z_score) > {}", literal(&threshold)), rows))
        }),
        "expect_column_values_to_be_within_n_moving_stdevs" => Err(Mapped::not(
            "no kind of rule knows moving deviations of a sum; `volume` compares numbers of rows with those of other weeks",
        )),
        "expect_column_kl_divergence_to_be_less_than" => {
            Err(Mapped::not("no kind of rule compares distributions"))
        }
        "expect_column_values_to_be_increasing" => subject().and_then(|column| monotonic(&column, true, args, rows)),
        "expect_column_values_to_be_decreasing" => subject().and_then(|column| monotonic(&column, false, args, rows)),
        "expect_column_values_to_have_consistent_casing" => subject().map(|column| {
            let column = identifier(&column);
            Mapped::query(
                slug(&format!("casing_{column}")),
                format!("select lower({column}::text) as value, count(distinct {column}::text) as spellings\nfrom {}\ngroup by 1\nhaving count(distinct {column}::text) > 1", rows.source()),
            )
        }),
        "expect_table_row_count_to_equal_other_table" | "expect_table_row_count_to_equal_other_table_times_factor" => other_count(args, rows),
        "expect_column_distinct_count_to_equal_other_table" => other_distinct(args, rows),
        "expect_table_aggregation_to_equal_other_table" => other_aggregate(args, rows),
        "expect_row_values_to_have_recent_data" => subject().and_then(|column| recent(column, Vec::new(), args)),
        "expect_grouped_row_values_to_have_recent_data" => {
            args.column_of("timestamp_column").and_then(|column| recent(column, args.group_by()?, args))
        }
        "expect_row_values_to_have_data_for_every_n_datepart" => args.column_of("date_col").and_then(|column| every(column, args)),
        _ => return None,
    })
}

/// A value over all rows, or over those of each group, as a query that gives what is wrong.
pub(super) fn having(
    name: &str,
    value: &str,
    condition: &str,
    group_by: &[String],
    rows: Rows<'_>,
) -> Mapped {
    let groups = columns(group_by);
    let (listed, grouped) = if groups.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("{groups}, "), format!("\ngroup by {groups}"))
    };
    Mapped::query(
        slug(name),
        format!(
            "select {listed}{value} as found\nfrom {}{grouped}\nhaving not ({value} {condition})",
            rows.source()
        ),
    )
}

pub(super) fn bounded(
    name: &str,
    value: &str,
    between: &Between,
    group_by: &[String],
    rows: Rows<'_>,
) -> Result<Mapped, Mapped> {
    if between.is_open() {
        return Err(Mapped::not(
            "neither a least nor a greatest value is given, so nothing can fail",
        ));
    }
    let groups = columns(group_by);
    let (listed, grouped) = if groups.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("{groups}, "), format!("\ngroup by {groups}"))
    };
    Ok(Mapped::query(
        slug(name),
        format!(
            "select {listed}{value} as found\nfrom {}{grouped}\nhaving not ({})",
            rows.source(),
            between.condition(value)
        ),
    ))
}

fn row_count(between: Between, args: &Args<'_>) -> Result<Mapped, Mapped> {
    count_rows(between, args.group_by()?)
}

/// So many rows are in the table.
pub(super) fn count_rows(between: Between, group_by: Vec<String>) -> Result<Mapped, Mapped> {
    let between = if between.outside {
        between
    } else {
        whole(between)
    };
    if between.is_open() {
        return Err(Mapped::not(
            "neither a least nor a greatest number is given, so nothing can fail",
        ));
    }
    Ok(Mapped::total(
        "row_count",
        Total {
            function: Function::Count,
            expression: None,
            group_by,
            between,
        },
    ))
}

/// More than 0 rows are at least 1.
fn whole(mut between: Between) -> Between {
    if let (true, Some(min)) = (
        between.above_min,
        between.min.as_ref().and_then(Value::as_i64),
    ) {
        between.min = min.checked_add(1).map(Value::from);
        between.above_min = false;
    }
    if let (true, Some(max)) = (
        between.below_max,
        between.max.as_ref().and_then(Value::as_i64),
    ) {
        between.max = max.checked_sub(1).map(Value::from);
        between.below_max = false;
    }
    between
}

fn total(name: &str, function: Function, args: &Args<'_>) -> Result<Mapped, Mapped> {
    measure(
        name,
        function,
        &args.subject()?,
        args.between(),
        args.group_by()?,
    )
}

/// A measure of a column lies between bounds.
pub(super) fn measure(
    name: &str,
    function: Function,
    column: &str,
    between: Between,
    group_by: Vec<String>,
) -> Result<Mapped, Mapped> {
    if between.is_open() {
        return Err(Mapped::not(
            "neither a least nor a greatest value is given, so nothing can fail",
        ));
    }
    let total = Total {
        function,
        expression: Some(identifier(column)),
        group_by,
        between,
    };
    Ok(Mapped::total(format!("{name}_{column}"), total))
}

fn distinct(
    column: &str,
    between: Between,
    args: &Args<'_>,
    rows: Rows<'_>,
) -> Result<Mapped, Mapped> {
    let count = format!("count(distinct {})", identifier(column));
    bounded(
        &format!("distinct_{column}"),
        &count,
        &between,
        &args.group_by()?,
        rows,
    )
}

pub(super) fn quantile(
    column: &str,
    share: f64,
    between: Between,
    args: &Args<'_>,
    rows: Rows<'_>,
) -> Result<Mapped, Mapped> {
    let value = format!(
        "percentile_cont({share}) within group (order by {})",
        identifier(column)
    );
    let name = if (share - 0.5).abs() < f64::EPSILON {
        "median".to_owned()
    } else {
        format!("quantile_{share}")
    };
    bounded(
        &format!("{name}_{column}"),
        &value,
        &between,
        &args.group_by()?,
        rows,
    )
}

fn quantiles(column: &str, args: &Args<'_>, rows: Rows<'_>) -> Result<Mapped, Mapped> {
    let share = |node: &crate::policy::node::Node| {
        node.number().filter(|share| (0.0..=1.0).contains(share))
    };
    if let Some(quantile_of) = args.get("quantile") {
        let share =
            share(quantile_of).ok_or_else(|| Mapped::not("its quantile is not between 0 and 1"))?;
        return quantile(column, share, args.between(), args, rows);
    }
    let ranges = args.get("quantile_ranges");
    let shares = ranges
        .and_then(|ranges| ranges.get("quantiles"))
        .map_or(&[][..], |node| node.items());
    let bounds = ranges
        .and_then(|ranges| ranges.get("value_ranges"))
        .map_or(&[][..], |node| node.items());
    if shares.is_empty() || shares.len() != bounds.len() {
        return Err(Mapped::not(
            "its `quantile_ranges` do not have as many `value_ranges` as `quantiles`",
        ));
    }
    let mut all = Mapped::default();
    for (node, bounds) in shares.iter().zip(bounds) {
        let share =
            share(node).ok_or_else(|| Mapped::not("its quantile is not between 0 and 1"))?;
        let between = Between {
            min: bounds.items().first().and_then(|bound| bound.constant()),
            max: bounds.items().get(1).and_then(|bound| bound.constant()),
            ..Between::default()
        };
        all = all.with(quantile(column, share, between, args, rows)?);
    }
    all.remarks.dedup();
    if args
        .get("allow_relative_error")
        .is_some_and(|node| node.truth() != Some(false))
    {
        all = all.differs("quantiles are exact here");
    }
    Ok(all)
}

fn contains(column: &str, values: &[Value], rows: Rows<'_>) -> Mapped {
    if values.is_empty() {
        return Mapped::not("its list of values is empty");
    }
    Mapped::query(
        slug(&format!("contains_{column}")),
        each_missing(column, values, rows),
    )
}

fn most_common(column: &str, args: &Args<'_>, rows: Rows<'_>) -> Result<Mapped, Mapped> {
    let (values, _) = args.values("value_set")?;
    if values.is_empty() {
        return Err(Mapped::not("its list of values is empty"));
    }
    if args
        .get("top_n")
        .and_then(|node| node.number())
        .is_some_and(|top| top != 1.0)
    {
        return Err(Mapped::not(
            "only the most common value can be asked for, not the first few",
        ));
    }
    let name = identifier(column);
    let query = format!(
        "select value, times\nfrom (\n  select {name} as value, count(*) as times, max(count(*)) over () as most\n  from {}\n  group by 1\n) by_value\nwhere times = most and value not in {}",
        rows.source_where(&format!("{name} is not null")),
        in_list(&values),
    );
    let mapped = Mapped::query(slug(&format!("most_common_{column}")), query);
    Ok(if args.truth("ties_okay") == Some(true) {
        mapped.differs("of several values that are equally common, all have to be in the list")
    } else {
        mapped
    })
}

fn scored(column: &str, name: &str, score: &str, fails: &str, rows: Rows<'_>) -> Mapped {
    Mapped::query(
        slug(&format!("{name}_{column}")),
        format!(
            "select value, z_score\nfrom (\n  select {} as value, {score} as z_score\n  from {}\n) scored\nwhere {fails}",
            identifier(column),
            rows.source()
        ),
    )
}

fn monotonic(column: &str, up: bool, args: &Args<'_>, rows: Rows<'_>) -> Result<Mapped, Mapped> {
    let by = match args.text("sort_column") {
        Some(by) => args.name(by)?,
        None if args.folds => column.to_owned(),
        None => return Err(Mapped::not("rows have no order of their own in a table")),
    };
    let groups = args.group_by()?;
    let partition = if groups.is_empty() {
        String::new()
    } else {
        format!("partition by {} ", columns(&groups))
    };
    let strictly = args.truth("strictly").unwrap_or(args.folds);
    let operator = match (up, strictly) {
        (true, true) => ">",
        (true, false) => ">=",
        (false, true) => "<",
        (false, false) => "<=",
    };
    let after = match args.get("step").and_then(|step| step.constant()) {
        Some(step) if up => format!("value = before + {}", literal(&step)),
        Some(step) => format!("value = before - {}", literal(&step)),
        None => format!("value {operator} before"),
    };
    let name = if up { "increasing" } else { "decreasing" };
    Ok(Mapped::query(
        slug(&format!("{name}_{column}")),
        format!(
            "select value, before\nfrom (\n  select {0} as value, lag({0}) over ({partition}order by {1}) as before\n  from {2}\n) in_order\nwhere not ({after})",
            identifier(column),
            identifier(&by),
            rows.source()
        ),
    ))
}

fn other_count(args: &Args<'_>, rows: Rows<'_>) -> Result<Mapped, Mapped> {
    let other =
        args.other("compare_model")
            .or_else(|refused| match args.get("other_table_name") {
                Some(_) => args.other("other_table_name"),
                None => Err(refused),
            })?;
    let factor = args
        .get("factor")
        .and_then(|node| node.number())
        .unwrap_or(1.0);
    let their_condition = args.text("compare_row_condition");
    let groups = args.group_by()?;
    let their_groups = args.get("compare_group_by").map(|node| node.texts());
    let same_groups = their_groups.is_none_or(|theirs| {
        theirs
            == args
                .get("group_by")
                .map(|node| node.texts())
                .unwrap_or_default()
    });
    if factor == 1.0 && rows.condition.is_none() && their_condition.is_none() && same_groups {
        return Ok(Mapped::rule(RuleKind::Reconcile(Reconcile {
            measure: Measured::Count,
            table: other,
            tolerance: None,
            group_by: groups,
            asked: Asked::default(),
        })));
    }
    if !groups.is_empty() {
        return Err(Mapped::not(
            "groups of different names, or with conditions of their own, can not be compared",
        ));
    }
    let theirs = Rows {
        table: &other,
        condition: their_condition,
    };
    Ok(compared(
        "row_count_of_other",
        "count(*)",
        rows,
        "count(*)",
        theirs,
        &format!("ours.value = theirs.value * {factor}"),
    ))
}

fn other_distinct(args: &Args<'_>, rows: Rows<'_>) -> Result<Mapped, Mapped> {
    let column = args.subject()?;
    let their_column = match args.text("compare_column_name") {
        Some(name) => args.name(name)?,
        None => column.clone(),
    };
    let other = args.other("compare_model")?;
    let theirs = Rows {
        table: &other,
        condition: args.text("compare_row_condition"),
    };
    let count = |column: &str| format!("count(distinct {})", identifier(column));
    Ok(compared(
        &format!("distinct_{column}_of_other"),
        &count(&column),
        rows,
        &count(&their_column),
        theirs,
        "ours.value = theirs.value",
    ))
}

fn other_aggregate(args: &Args<'_>, rows: Rows<'_>) -> Result<Mapped, Mapped> {
    let Some(expression) = args.text("expression") else {
        return Err(Mapped::not("it does not say its `expression`"));
    };
    if args.get("group_by").is_some() {
        return Err(Mapped::not(
            "aggregates by group can not be compared with those of another table; `reconcile` compares counts and sums by group",
        ));
    }
    let their_expression = args.text("compare_expression").unwrap_or(expression);
    let other = args.other("compare_model")?;
    let theirs = Rows {
        table: &other,
        condition: args.text("compare_row_condition"),
    };
    let condition = match (
        args.get("tolerance_percent").and_then(|node| node.number()),
        args.get("tolerance").and_then(|node| node.number()),
    ) {
        (Some(share), _) => format!("abs(ours.value - theirs.value) <= {share} * abs(ours.value)"),
        (None, Some(tolerance)) => format!("abs(ours.value - theirs.value) <= {tolerance}"),
        (None, None) => "ours.value = theirs.value".to_owned(),
    };
    Ok(compared(
        &format!("{expression}_of_other"),
        expression,
        rows,
        their_expression,
        theirs,
        &condition,
    ))
}

pub(super) fn compared(
    name: &str,
    ours: &str,
    rows: Rows<'_>,
    theirs: &str,
    other: Rows<'_>,
    condition: &str,
) -> Mapped {
    Mapped::query(
        slug(name),
        format!(
            "select ours.value as ours, theirs.value as theirs\nfrom (select {ours} as value from {}) ours\ncross join (select {theirs} as value from {}) theirs\nwhere not ({condition})",
            rows.source(),
            other.source()
        ),
    )
}

/// A number of a unit, such as 3 and `day`, as a length of time.
pub(super) fn period(count: f64, unit: &str) -> Option<Period> {
    let unit = match unit.trim().to_lowercase().trim_end_matches('s') {
        "second" | "sec" => Unit::Second,
        "minute" | "min" | "m" => Unit::Minute,
        "hour" | "h" | "hr" => Unit::Hour,
        "day" | "d" => Unit::Day,
        "week" | "w" => Unit::Week,
        "month" => Unit::Month,
        "quarter" => return period(count * 3.0, "month"),
        "year" | "y" | "yr" => Unit::Year,
        _ => return None,
    };
    let whole =
        count.is_finite() && count.fract() == 0.0 && count >= 1.0 && count <= f64::from(u32::MAX);
    if whole {
        return Some(Period::new(count as u32, unit));
    }
    // Half a day is twelve hours.
    let seconds = count * Period::new(1, unit).to_delta().num_seconds() as f64;
    let whole = seconds.is_finite()
        && seconds.fract() == 0.0
        && seconds >= 1.0
        && seconds <= f64::from(u32::MAX);
    whole.then_some(Period::new(seconds as u32, Unit::Second))
}

/// The newest value of a column is no older than a length of time.
pub(super) fn fresh(within: Period, column: Option<String>, group_by: Vec<String>) -> RuleKind {
    RuleKind::Fresh(Fresh {
        within,
        during: None,
        rows: TimedRows {
            column,
            time_zone: None,
            group_by,
        },
        asked: Asked::default(),
    })
}

pub(super) fn recent(
    column: String,
    group_by: Vec<String>,
    args: &Args<'_>,
) -> Result<Mapped, Mapped> {
    let count = args
        .get("interval")
        .and_then(|node| node.number())
        .map(f64::abs);
    let within = count
        .zip(args.text("datepart"))
        .and_then(|(count, unit)| period(count, unit));
    let Some(within) = within else {
        return Err(Mapped::not(
            "its `datepart` and `interval` are no length of time",
        ));
    };
    Ok(Mapped::rule(fresh(within, Some(column), group_by)))
}

fn every(column: String, args: &Args<'_>) -> Result<Mapped, Mapped> {
    let count = args
        .get("interval")
        .and_then(|node| node.number())
        .unwrap_or(1.0);
    let Some(width) = period(count, args.text("date_part").unwrap_or("day")) else {
        return Err(Mapped::not(
            "its `date_part` and `interval` are no length of time",
        ));
    };
    let kind = RuleKind::Gap(Gap {
        width,
        over: None,
        until: Until::Last,
        rows: TimedRows {
            column: Some(column),
            ..TimedRows::default()
        },
        asked: Asked::default(),
    });
    let mut mapped =
        Mapped::rule(kind).differs("it looks back 48 stretches; `over` says otherwise");
    if args.get("exclusion_condition").is_some()
        || args.get("test_start_date").is_some()
        || args.get("test_end_date").is_some()
    {
        mapped =
            mapped.differs("`exclusion_condition` and the dates of begin and end are not kept");
    }
    Ok(mapped)
}
