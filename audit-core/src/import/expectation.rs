//! The vocabulary of Great Expectations, which dbt-expectations speaks too.

use serde_json::Value;

use super::aggregate;
use super::mapped::{Between, Mapped, Rows};
use super::shape;
use super::sql::{self, columns, folded, literal, literals, quoted};
use crate::RuleKind;
use crate::policy::identifier;
use crate::policy::node::Node;

/// The arguments of a check, and how names in them are meant.
pub(super) struct Args<'n> {
    /// Where an argument may stand; the first that has it wins.
    pub(super) maps: Vec<&'n Node>,
    /// The column above, if the check stands below one.
    pub(super) column: Option<String>,
    /// Whether names are SQL, in which `Status` means `status`.
    pub(super) folds: bool,
    /// Other tables, by what they are called in the file.
    pub(super) table: &'n dyn Fn(&str) -> Option<String>,
}

impl<'n> Args<'n> {
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.maps.iter().find_map(|map| map.get(key))
    }

    pub(super) fn text(&self, key: &str) -> Option<&'n str> {
        self.get(key).and_then(Node::text)
    }

    pub(super) fn value(&self, key: &str) -> Option<Value> {
        self.get(key).and_then(Node::constant)
    }

    pub(super) fn truth(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Node::truth)
    }

    /// A column by the way names are meant.
    pub(super) fn name(&self, written: &str) -> Result<String, Mapped> {
        if !self.folds {
            return Ok(written.to_owned());
        }
        folded(written).ok_or_else(|| {
            Mapped::not(format!("`{written}` is no column but an expression; write it as a rule of the kind `expression`"))
        })
    }

    /// The column of an argument.
    pub(super) fn column_of(&self, key: &str) -> Result<String, Mapped> {
        match self.text(key) {
            Some(name) => self.name(name),
            None => Err(Mapped::not(format!("it does not say its `{key}`"))),
        }
    }

    /// The column that the check is about.
    pub(super) fn subject(&self) -> Result<String, Mapped> {
        match self.text("column").or(self.text("column_name")) {
            Some(name) => self.name(name),
            None => match &self.column {
                Some(column) => self.name(column),
                None => Err(Mapped::not("it does not say which column it is about")),
            },
        }
    }

    /// The columns of an argument.
    pub(super) fn columns_of(&self, key: &str) -> Result<Vec<String>, Mapped> {
        let names = self.get(key).map(Node::texts).unwrap_or_default();
        if names.is_empty() {
            return Err(Mapped::not(format!("it does not say its `{key}`")));
        }
        names.iter().map(|name| self.name(name)).collect()
    }

    pub(super) fn group_by(&self) -> Result<Vec<String>, Mapped> {
        let node = self
            .get("group_by")
            .or_else(|| self.get("group_by_columns"));
        let names = node.map(Node::texts).unwrap_or_default();
        names.iter().map(|name| self.name(name)).collect()
    }

    /// `min_value` and `max_value`, and whether they belong to what is allowed.
    pub(super) fn between(&self) -> Between {
        let strictly = self.truth("strictly").unwrap_or(false);
        let outer = self.truth("inclusive") == Some(false);
        Between {
            min: self.bound("min_value"),
            max: self.bound("max_value"),
            above_min: strictly || outer || self.truth("strict_min").unwrap_or(false),
            below_max: strictly || outer || self.truth("strict_max").unwrap_or(false),
            outside: false,
        }
    }

    /// A bound. In dbt a text is SQL: a constant between quotes, a number, or an expression.
    fn bound(&self, key: &str) -> Option<Value> {
        let value = self.value(key)?;
        let Value::String(text) = &value else {
            return Some(value);
        };
        if !self.folds {
            return Some(value);
        }
        let text = text.trim();
        let inner = text
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''));
        if let Some(inner) = inner.filter(|inner| !inner.contains('\'')) {
            return Some(Value::String(inner.to_owned()));
        }
        let number: Option<serde_json::Number> = text.parse().ok();
        Some(number.map_or_else(
            || Value::Array(vec![Value::String(text.to_owned())]),
            Value::Number,
        ))
    }

    /// A list of constants, null left out, and whether they are to be taken as SQL.
    pub(super) fn values(&self, key: &str) -> Result<(Vec<Value>, bool), Mapped> {
        let Some(node) = self.get(key) else {
            return Err(Mapped::not(format!("it does not say its `{key}`")));
        };
        let values: Vec<Value> = node
            .one_or_many()
            .iter()
            .filter_map(Node::constant)
            .collect();
        let raw = self.truth("quote_values") == Some(false) || self.truth("quote") == Some(false);
        let is_text = values.iter().any(Value::is_string);
        Ok((values, raw && is_text))
    }

    /// Another table, as `schema.table`.
    pub(super) fn other(&self, key: &str) -> Result<String, Mapped> {
        let Some(written) = self.text(key) else {
            return Err(Mapped::not(format!("it does not say its `{key}`")));
        };
        (self.table)(written)
            .ok_or_else(|| Mapped::not(format!("`{written}` names no table that is known here")))
    }
}

/// What an expectation becomes; `None` if there is none of this name.
pub(super) fn map(name: &str, args: &Args<'_>, rows: Rows<'_>) -> Option<Mapped> {
    let known = of_rows(name, args, rows)
        .or_else(|| aggregate::map(name, args, rows))
        .or_else(|| shape::map(name, args, rows))?;
    Some(known.unwrap_or_else(|refused| refused))
}

type Attempt = Option<Result<Mapped, Mapped>>;

/// Those that look at rows.
fn of_rows(name: &str, args: &Args<'_>, rows: Rows<'_>) -> Attempt {
    let subject = || args.subject();
    Some(match name {
        "expect_column_values_to_not_be_null" => {
            subject().map(|column| Mapped::rule(RuleKind::NotNull { column }))
        }
        "expect_column_values_to_be_null" => subject().map(|column| {
            Mapped::expression(
                format!("null_{column}"),
                format!("{} is null", identifier(&column)),
            )
        }),
        "expect_column_values_to_be_unique" => subject().map(|column| unique(vec![column], rows)),
        "expect_column_values_to_be_in_set" | "expect_column_distinct_values_to_be_in_set" => {
            subject().and_then(|column| Ok(one_of(column, args.values("value_set")?, true)))
        }
        "expect_column_values_to_not_be_in_set" => {
            subject().and_then(|column| Ok(one_of(column, args.values("value_set")?, false)))
        }
        "expect_column_values_to_be_between" => {
            subject().map(|column| args.between().rule(&column))
        }
        "expect_column_value_lengths_to_be_between" => {
            subject().map(|column| args.between().length(&column))
        }
        "expect_column_value_lengths_to_equal" => {
            subject().map(|column| match args.value("value") {
                Some(value) => Between::exactly(value).length(&column),
                None => Mapped::not("it does not say its `value`"),
            })
        }
        "expect_column_values_to_match_regex" => subject().and_then(|column| pattern(column, args)),
        "expect_column_values_to_not_match_regex" => {
            subject().and_then(|column| texts(&column, "no_match", "!~", &[regex(args)?], "and"))
        }
        "expect_column_values_to_match_regex_list" => subject()
            .and_then(|column| texts(&column, "match", "~", &regexes(args)?, joined(args)?)),
        "expect_column_values_to_not_match_regex_list" => {
            let how = if joined_or_any(args) == "or" || !args.folds {
                "and"
            } else {
                "or"
            };
            subject().and_then(|column| texts(&column, "no_match", "!~", &regexes(args)?, how))
        }
        "expect_column_values_to_match_like_pattern" => subject()
            .and_then(|column| texts(&column, "like", "like", &list(args, "like_pattern")?, "and")),
        "expect_column_values_to_not_match_like_pattern" => subject().and_then(|column| {
            texts(
                &column,
                "not_like",
                "not like",
                &list(args, "like_pattern")?,
                "and",
            )
        }),
        "expect_column_values_to_match_like_pattern_list" => subject().and_then(|column| {
            texts(
                &column,
                "like",
                "like",
                &list(args, "like_pattern_list")?,
                joined(args)?,
            )
        }),
        "expect_column_values_to_not_match_like_pattern_list" => {
            let how = if joined_or_any(args) == "or" || !args.folds {
                "and"
            } else {
                "or"
            };
            subject().and_then(|column| {
                texts(
                    &column,
                    "not_like",
                    "not like",
                    &list(args, "like_pattern_list")?,
                    how,
                )
            })
        }
        "expect_column_pair_values_a_to_be_greater_than_b" => pair(args).map(|(a, b)| {
            let operator = if args.truth("or_equal") == Some(true) {
                ">="
            } else {
                ">"
            };
            Mapped::expression(
                format!("{a}_greater_than_{b}"),
                format!("{} {operator} {}", identifier(&a), identifier(&b)),
            )
        }),
        "expect_column_pair_values_to_be_equal" => pair(args).map(|(a, b)| {
            Mapped::expression(
                format!("{a}_equals_{b}"),
                format!("{} = {}", identifier(&a), identifier(&b)),
            )
        }),
        "expect_column_pair_values_to_be_in_set" => {
            pair(args).and_then(|(a, b)| pairs(&a, &b, args))
        }
        "expect_compound_columns_to_be_unique" => args.columns_of("column_list").map(|columns| {
            let ignore = args
                .text("ignore_row_if")
                .unwrap_or("all_values_are_missing");
            let mapped = unique(columns, rows);
            if ignore == "any_value_is_missing" {
                mapped
            } else {
                mapped.differs(
                    "rows with a null in one of the columns are different from all others here",
                )
            }
        }),
        // In dbt the sums of the columns are added, in Great Expectations the values of each row.
        "expect_multicolumn_sum_to_equal" => args.columns_of("column_list").and_then(|names| {
            let Some(total) = args.value("sum_total") else {
                return Err(Mapped::not("it does not say its `sum_total`"));
            };
            let rule = sql::slug(&format!("sum_of_{}", names.join("_")));
            let parts: Vec<String> = names.iter().map(|name| identifier(name)).collect();
            if !args.folds {
                return Ok(Mapped::expression(
                    rule,
                    format!("{} = {}", parts.join(" + "), literal(&total)),
                ));
            }
            let sums: Vec<String> = parts.iter().map(|name| format!("sum({name})")).collect();
            let total = if let Value::String(text) = &total {
                text.clone()
            } else {
                literal(&total)
            };
            Ok(aggregate::having(
                &rule,
                &sums.join(" + "),
                &format!("= {total}"),
                &args.group_by()?,
                rows,
            ))
        }),
        "expect_select_column_values_to_be_unique_within_record" => {
            args.columns_of("column_list").map(|names| {
                let mut parts = Vec::new();
                for (place, left) in names.iter().enumerate() {
                    for right in &names[place + 1..] {
                        parts.push(format!("{} <> {}", identifier(left), identifier(right)));
                    }
                }
                Mapped::expression(
                    format!("different_{}", names.join("_")),
                    parts.join(" and "),
                )
            })
        }
        "unexpected_rows_expectation" => match args.text("unexpected_rows_query") {
            Some(query) => Ok(given_query(
                "unexpected_rows",
                &query.replace("{batch}", rows.table),
            )),
            None => Err(Mapped::not("it does not say its `unexpected_rows_query`")),
        },
        _ => return None,
    })
}

/// A query that somebody else wrote, whose rows are failures.
pub(super) fn given_query(name: &str, query: &str) -> Mapped {
    let query = query.trim().trim_end_matches(';').trim();
    if query.is_empty() {
        return Mapped::not("the query is empty");
    }
    if query.contains(';') {
        return Mapped::not("the query has a semicolon, which a rule may not have");
    }
    if query.contains("{{") || query.contains("{%") {
        return Mapped::not("the query is a template; only what it is compiled to can be asked");
    }
    Mapped::query(name, query)
}

/// No two rows have the same values. A condition makes it a query, because the look-up knows none.
pub(super) fn unique(names: Vec<String>, rows: Rows<'_>) -> Mapped {
    if rows.condition.is_none() {
        return Mapped::rule(RuleKind::Unique { columns: names });
    }
    let known: Vec<String> = names
        .iter()
        .map(|name| format!("{} is not null", identifier(name)))
        .collect();
    let list = columns(&names);
    Mapped::query(
        format!("unique_{}", names.join("_")),
        format!(
            "select {list}, count(*) as rows_alike\nfrom {}\ngroup by {list}\nhaving count(*) > 1",
            rows.source_where(&known.join(" and "))
        ),
    )
}

pub(super) fn one_of(column: String, (values, raw): (Vec<Value>, bool), among: bool) -> Mapped {
    if values.is_empty() {
        return Mapped::not("its list of values is empty");
    }
    if raw {
        let values: Vec<String> = values
            .iter()
            .map(|value| value.as_str().map_or_else(|| literal(value), str::to_owned))
            .collect();
        let (name, operator) = if among {
            ("one_of", "in")
        } else {
            ("not_one_of", "not in")
        };
        return Mapped::expression(
            format!("{name}_{column}"),
            format!("{} {operator} ({})", identifier(&column), values.join(", ")),
        );
    }
    Mapped::rule(if among {
        RuleKind::OneOf { column, values }
    } else {
        RuleKind::NotOneOf { column, values }
    })
}

fn pattern(column: String, args: &Args<'_>) -> Result<Mapped, Mapped> {
    let pattern = regex(args)?;
    Ok(Mapped::rule(RuleKind::Matches { column, pattern }))
}

/// A pattern with the flags of dbt-expectations before it.
fn regex(args: &Args<'_>) -> Result<String, Mapped> {
    let Some(pattern) = args.text("regex") else {
        return Err(Mapped::not("it does not say its `regex`"));
    };
    with_flags(pattern, args)
}

fn regexes(args: &Args<'_>) -> Result<Vec<String>, Mapped> {
    let patterns = list(args, "regex_list")?;
    patterns
        .iter()
        .map(|pattern| with_flags(pattern, args))
        .collect()
}

fn with_flags(pattern: &str, args: &Args<'_>) -> Result<String, Mapped> {
    if let Some(unknown) = unknown_to_postgresql(pattern) {
        return Err(Mapped::not(format!(
            "PostgreSQL's regular expressions do not know `{unknown}`"
        )));
    }
    let flags = args.text("flags").unwrap_or_default();
    if !flags.chars().all(|flag| "bceimnpqstwx".contains(flag)) {
        return Err(Mapped::not(format!(
            "the flags `{flags}` are none of PostgreSQL"
        )));
    }
    Ok(if flags.is_empty() {
        pattern.to_owned()
    } else {
        format!("(?{flags}){pattern}")
    })
}

/// What other dialects of regular expressions have and PostgreSQL's has not.
pub(super) fn unknown_to_postgresql(pattern: &str) -> Option<&'static str> {
    [
        "(?P<", "\\p{", "\\P{", "(?>", "*+", "++", "?+", "(?i:", "\\h", "\\z",
    ]
    .into_iter()
    .find(|unknown| pattern.contains(unknown))
}

fn list(args: &Args<'_>, key: &str) -> Result<Vec<String>, Mapped> {
    let texts = args.get(key).map(Node::texts).unwrap_or_default();
    if texts.is_empty() {
        return Err(Mapped::not(format!("it does not say its `{key}`")));
    }
    Ok(texts)
}

/// Whether one of a list is enough.
fn joined(args: &Args<'_>) -> Result<&'static str, Mapped> {
    match args.text("match_on") {
        None | Some("any") => Ok("or"),
        Some("all") => Ok("and"),
        Some(other) => Err(Mapped::not(format!("`match_on: {other}` is not known"))),
    }
}

fn joined_or_any(args: &Args<'_>) -> &'static str {
    joined(args).unwrap_or("or")
}

fn texts(
    column: &str,
    name: &str,
    operator: &str,
    patterns: &[String],
    how: &str,
) -> Result<Mapped, Mapped> {
    let parts: Vec<String> = patterns
        .iter()
        .map(|pattern| {
            format!(
                "{}::text {operator} {}",
                identifier(column),
                quoted(pattern)
            )
        })
        .collect();
    Ok(Mapped::expression(
        format!("{name}_{column}"),
        parts.join(&format!(" {how} ")),
    ))
}

fn pair(args: &Args<'_>) -> Result<(String, String), Mapped> {
    Ok((args.column_of("column_A")?, args.column_of("column_B")?))
}

fn pairs(a: &str, b: &str, args: &Args<'_>) -> Result<Mapped, Mapped> {
    let Some(set) = args.get("value_pairs_set") else {
        return Err(Mapped::not("it does not say its `value_pairs_set`"));
    };
    let mut alternatives = Vec::new();
    for pair in set.items() {
        let [left, right] = pair.items() else {
            return Err(Mapped::not("its `value_pairs_set` is no list of pairs"));
        };
        let side = |name: &str, value: &Node| match value.constant() {
            Some(value) => format!("{} = {}", identifier(name), literal(&value)),
            None => format!("{} is null", identifier(name)),
        };
        alternatives.push(format!("({} and {})", side(a, left), side(b, right)));
    }
    if alternatives.is_empty() {
        return Err(Mapped::not("its list of values is empty"));
    }
    Ok(Mapped::expression(
        format!("pairs_{a}_{b}"),
        alternatives.join(" or "),
    ))
}

/// A `values` list of one column, for queries.
pub(super) fn each_missing(column: &str, values: &[Value], rows: Rows<'_>) -> String {
    let parts: Vec<String> = values
        .iter()
        .map(|value| {
            let text = quoted(
                &value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            );
            format!(
                "select {text}::text as missing where not exists (select from {})",
                rows.source_where(&format!("{} = {}", identifier(column), literal(value)))
            )
        })
        .collect();
    parts.join("\nunion all\n")
}

/// Values as a list of SQL.
pub(super) fn in_list(values: &[Value]) -> String {
    literals(values)
}
