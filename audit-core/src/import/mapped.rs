//! What a check of another tool becomes, before it has a name and a place.

use serde_json::{Number, Value};

use super::sql;
use crate::policy::identifier;
use crate::{Asked, Function, Nulls, RuleKind, Severity, Sql};

/// What one check becomes.
#[derive(Debug, Default)]
pub(super) struct Mapped {
    pub(super) drafts: Vec<Draft>,
    /// What is different here.
    pub(super) differences: Vec<String>,
    /// What is worth knowing, although nothing is different.
    pub(super) remarks: Vec<String>,
    /// Why it is not possible.
    pub(super) refused: Option<String>,
}

/// A rule to be.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) what: What,
    /// The name, if the kind has none of its own.
    pub(super) name: Option<String>,
    pub(super) nulls: Nulls,
    pub(super) severity: Option<Severity>,
    /// The share that has to pass, if the check itself knows one.
    pub(super) mostly: Option<f64>,
    /// The condition of the check is in the rule already, so it is not written again as `where`.
    pub(super) knows_condition: bool,
}

#[derive(Debug)]
pub(super) enum What {
    Kind(RuleKind),
    /// A measure of a summary lies between bounds.
    Total(Total),
}

#[derive(Debug)]
pub(super) struct Total {
    pub(super) function: Function,
    pub(super) expression: Option<String>,
    pub(super) group_by: Vec<String>,
    pub(super) between: Between,
}

/// Bounds, each of which may itself belong to what is allowed or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Between {
    pub(super) min: Option<Value>,
    pub(super) max: Option<Value>,
    pub(super) above_min: bool,
    pub(super) below_max: bool,
    /// What lies between fails, and the rest passes.
    pub(super) outside: bool,
}

/// The rows that a check looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'c> {
    /// `schema.table`.
    pub(super) table: &'c str,
    pub(super) condition: Option<&'c str>,
}

impl Mapped {
    pub(super) fn not(reason: impl Into<String>) -> Self {
        Mapped {
            refused: Some(reason.into()),
            ..Mapped::default()
        }
    }

    pub(super) fn rule(kind: RuleKind) -> Self {
        Mapped::default().and(Draft::new(What::Kind(kind)))
    }

    /// A condition over the row.
    pub(super) fn expression(name: impl Into<String>, expression: impl Into<String>) -> Self {
        let expression = expression.into();
        Mapped::rule(RuleKind::Expression { expression }).named(name)
    }

    /// A query whose rows are failures; it knows the condition of the check.
    pub(super) fn query(name: impl Into<String>, query: impl Into<String>) -> Self {
        let kind = RuleKind::Sql(Sql {
            query: query.into(),
            asked: Asked::default(),
        });
        let mut mapped = Mapped::rule(kind).named(name);
        mapped.drafts[0].knows_condition = true;
        mapped
            .remarks
            .push("the tick asks it each hour; `every` says otherwise".to_owned());
        mapped
    }

    pub(super) fn total(name: impl Into<String>, total: Total) -> Self {
        let mut draft = Draft::new(What::Total(total));
        draft.name = Some(name.into());
        draft.knows_condition = true;
        Mapped::default().and(draft)
    }

    pub(super) fn and(mut self, draft: Draft) -> Self {
        self.drafts.push(draft);
        self
    }

    /// With all that another one becomes.
    pub(super) fn with(mut self, other: Mapped) -> Self {
        self.drafts.extend(other.drafts);
        self.differences.extend(other.differences);
        self.remarks.extend(other.remarks);
        self.refused = self.refused.or(other.refused);
        self
    }

    pub(super) fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(draft) = self.drafts.last_mut() {
            draft.name = Some(name.into());
        }
        self
    }

    pub(super) fn differs(mut self, difference: impl Into<String>) -> Self {
        self.differences.push(difference.into());
        self
    }
}

impl Draft {
    pub(super) fn new(what: What) -> Self {
        Draft {
            what,
            name: None,
            nulls: Nulls::Pass,
            severity: None,
            mostly: None,
            knows_condition: false,
        }
    }

    pub(super) fn is_time_driven(&self) -> bool {
        match &self.what {
            What::Kind(kind) => kind.is_time_driven(),
            What::Total(_) => true,
        }
    }
}

impl Rows<'_> {
    /// The table with its condition, as it stands after `from`.
    pub(super) fn source(&self) -> String {
        match self.condition {
            Some(condition) => format!("{} where ({condition})", self.table),
            None => self.table.to_owned(),
        }
    }

    /// The table with its condition and one more.
    pub(super) fn source_where(&self, more: &str) -> String {
        match self.condition {
            Some(condition) => format!("{} where ({condition}) and {more}", self.table),
            None => format!("{} where {more}", self.table),
        }
    }

    /// The table without its schema, for names.
    pub(super) fn name(&self) -> &str {
        let parts = crate::policy::table::identifiers(self.table);
        parts.last().copied().unwrap_or(self.table)
    }
}

impl Between {
    pub(super) fn is_open(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }

    pub(super) fn is_strict(&self) -> bool {
        self.above_min || self.below_max || self.outside
    }

    pub(super) fn exactly(value: Value) -> Self {
        Between {
            min: Some(value.clone()),
            max: Some(value),
            ..Between::default()
        }
    }

    /// The numbers of both bounds, if they belong to what is allowed and are numbers.
    pub(super) fn numbers(&self) -> Option<(Option<Number>, Option<Number>)> {
        let number = |bound: &Option<Value>| match bound {
            None => Some(None),
            Some(Value::Number(number)) => Some(Some(number.clone())),
            Some(_) => None,
        };
        if self.is_strict() {
            return None;
        }
        Some((number(&self.min)?, number(&self.max)?))
    }

    /// As an SQL condition over a value.
    pub(super) fn condition(&self, value: &str) -> String {
        let compare =
            |operator: &str, bound: &Value| format!("{value} {operator} {}", sql::literal(bound));
        if let (Some(min), Some(max)) = (&self.min, &self.max)
            && min == max
            && !self.is_strict()
        {
            return compare("=", min);
        }
        let parts = [
            self.min
                .as_ref()
                .map(|min| compare(if self.above_min { ">" } else { ">=" }, min)),
            self.max
                .as_ref()
                .map(|max| compare(if self.below_max { "<" } else { "<=" }, max)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.join(" and ") {
            inside if self.outside => format!("not ({inside})"),
            inside => inside,
        }
    }

    /// The rule over a column.
    pub(super) fn rule(&self, column: &str) -> Mapped {
        if self.is_open() {
            return Mapped::not(
                "neither a least nor a greatest value is given, so nothing can fail",
            );
        }
        if self.is_strict()
            || [&self.min, &self.max]
                .into_iter()
                .flatten()
                .any(Value::is_array)
        {
            return Mapped::expression(
                sql::slug(&format!("range_{column}")),
                self.condition(&identifier(column)),
            );
        }
        Mapped::rule(RuleKind::Range {
            column: column.to_owned(),
            min: self.min.clone(),
            max: self.max.clone(),
        })
    }

    /// The rule over the number of characters.
    pub(super) fn length(&self, column: &str) -> Mapped {
        if self.is_open() {
            return Mapped::not(
                "neither a least nor a greatest length is given, so nothing can fail",
            );
        }
        let whole = |bound: &Option<Value>, above: i64| match bound {
            None => Some(None),
            Some(value) => {
                let number = value.as_i64().or_else(|| {
                    let float = value.as_f64()?;
                    (float.fract() == 0.0 && float.abs() < 1e9).then_some(float as i64)
                })?;
                u32::try_from(number.saturating_add(above).max(0))
                    .ok()
                    .map(Some)
            }
        };
        let (above, below) = (i64::from(self.above_min), -i64::from(self.below_max));
        match (whole(&self.min, above), whole(&self.max, below)) {
            (Some(min), Some(max))
                if !self.outside
                    && self
                        .max
                        .as_ref()
                        .and_then(Value::as_i64)
                        .is_none_or(|max| max + below >= 0) =>
            {
                Mapped::rule(RuleKind::Length {
                    column: column.to_owned(),
                    min,
                    max,
                })
            }
            _ => Mapped::expression(
                sql::slug(&format!("length_{column}")),
                self.condition(&format!("char_length({}::text)", identifier(column))),
            ),
        }
    }
}
