//! Rules as queries that count the rows that fail, for tools that know SQL and not our kinds.

use crate::import::sql::{literal, literals, quoted};
use crate::policy::identifier;
use crate::{Nulls, Rule, RuleKind};

/// The query; none for rules that are no condition over a row, a reference or a query themselves.
pub(super) fn failing(rule: &Rule) -> Option<String> {
    if let RuleKind::Sql(sql) = &rule.kind {
        return Some(format!("SELECT COUNT(*) FROM (\n{}\n) failures", sql.query));
    }
    // `old` is the row before, which no query sees.
    if rule
        .condition
        .as_deref()
        .is_some_and(|condition| condition.contains("old."))
    {
        return None;
    }
    let passes = condition(&rule.kind)?;
    let fails = match rule.nulls {
        Nulls::Pass => format!("({passes}) IS FALSE"),
        Nulls::Fail => format!("({passes}) IS NOT TRUE"),
    };
    let of = rule
        .condition
        .as_ref()
        .map_or_else(String::new, |condition| format!(" AND ({condition})"));
    Some(format!("SELECT COUNT(*) FROM {{object}} WHERE {fails}{of}"))
}

/// The condition that a row passes if it is true.
fn condition(kind: &RuleKind) -> Option<String> {
    let bounds = |value: &str, min: Option<String>, max: Option<String>| {
        let parts = [
            min.map(|min| format!("{value} >= {min}")),
            max.map(|max| format!("{value} <= {max}")),
        ];
        parts
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" AND ")
    };
    Some(match kind {
        RuleKind::NotNull { column } => format!("{} IS NOT NULL", identifier(column)),
        RuleKind::NotBlank { column } => format!("{}::text !~ '^\\s*$'", identifier(column)),
        RuleKind::OneOf { column, values } => {
            format!("{} IN {}", identifier(column), literals(values))
        }
        RuleKind::NotOneOf { column, values } => {
            format!("{} NOT IN {}", identifier(column), literals(values))
        }
        RuleKind::Range { column, min, max } => bounds(
            &identifier(column),
            min.as_ref().map(literal),
            max.as_ref().map(literal),
        ),
        RuleKind::Length { column, min, max } => bounds(
            &format!("char_length({}::text)", identifier(column)),
            min.map(|min| min.to_string()),
            max.map(|max| max.to_string()),
        ),
        RuleKind::Matches { column, pattern } => {
            format!("{}::text ~ {}", identifier(column), quoted(pattern))
        }
        RuleKind::Expression { expression } if !expression.contains("old.") => expression.clone(),
        RuleKind::References { column, table, key } => {
            let column = identifier(column);
            format!(
                "{column} IS NULL OR {column} IN (SELECT {} FROM {table})",
                identifier(key)
            )
        }
        _ => return None,
    })
}
