//! Reading time-driven rules.

use serde_json::Number;

use super::kind::Kind;
use super::node::{Node, Tree};
use super::read::{Entry, Fields, Reader};
use super::summary::keys;
use super::table::identifiers;
use super::{Declared, Location, Part, TablePolicy};
use crate::{
    Asked, Bounds, Direction, Fresh, Gap, Measured, OnAskError, OnNoData, Period, Reconcile,
    RowCount, RuleKind, Sql, TimedRows, Until, Volume, WhichBucket,
};

/// What may be said of the rows that a rule looks at.
const ROWS: [&str; 3] = ["column", "time_zone", "group_by"];
/// The weekdays of hours.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Reader {
    /// How a rule is asked. Nothing but time-driven rules is, and they are about nothing that is written at the moment.
    pub(super) fn asked(&mut self, fields: &Fields<'_>, kind: Option<Entry<'_>>) -> Asked {
        let Some(kind) = kind else {
            for name in ["every", "on_no_data"] {
                if let Some(entry) = fields.get(name) {
                    self.refuse(
                        entry.key,
                        format!("`{name}` is about rules that the tick asks"),
                        "this rule looks at rows when they are written; leave it out",
                    );
                }
            }
            return Asked::default();
        };
        for (name, help) in [
            ("action", "it can only flag; leave `action` out"),
            (
                "nulls",
                "`on_no_data` says what it means that there is no answer",
            ),
        ] {
            // To flag is what it does.
            let flags = |entry: &Entry<'_>| {
                name == "action" && matches!(&entry.node.value, Tree::Text(text) if text == "flag")
            };
            if let Some(entry) = fields.get(name).filter(|entry| !flags(entry)) {
                self.refuse(
                    entry.key,
                    format!("`{name}` does not go with `{}`, which the tick asks when rows are long written", kind.name),
                    help,
                );
            }
        }
        if let Some(entry) = fields.get("where")
            && ["sql", "bounds"].contains(&kind.name)
        {
            let help = match kind.name {
                "sql" => "write it into the query",
                _ => "write it into the `where` of the summary, or as `when` over its measures",
            };
            self.refuse(
                entry.key,
                format!("`where` does not go with `{}`", kind.name),
                help,
            );
        }
        Asked {
            every: fields
                .get("every")
                .and_then(|entry| self.length_of_time(entry)),
            on_no_data: self.optional_word(
                fields,
                "on_no_data",
                &[
                    ("pass", OnNoData::Pass),
                    ("keep", OnNoData::Keep),
                    ("fail", OnNoData::Fail),
                ],
            ),
            on_error: self.optional_word(
                fields,
                "on_error",
                &[("keep", OnAskError::Keep), ("fail", OnAskError::Fail)],
            ),
        }
    }

    /// The rule that a time-driven kind and its options stand for.
    pub(super) fn time_driven(&mut self, entry: Entry<'_>, asked: Asked) -> Option<Kind> {
        let mut kind = Kind {
            kind: RuleKind::Sql(Sql {
                query: String::new(),
                asked: Asked::default(),
            }),
            column: None,
            expression: Some(entry.node.at),
            reference: None,
            more_columns: Vec::new(),
        };
        kind.kind = match entry.name {
            "fresh" => self.fresh(entry, asked, &mut kind)?,
            "gap" => self.gap(entry, asked, &mut kind)?,
            "row_count" => self.row_count(entry, asked, &mut kind)?,
            "volume" => self.volume(entry, asked, &mut kind)?,
            "reconcile" => self.reconcile(entry, asked, &mut kind)?,
            "bounds" => self.bounds_of_summary(entry, asked, &mut kind)?,
            _ => RuleKind::Sql(Sql {
                query: self.text(entry.node, "a query")?,
                asked,
            }),
        };
        Some(kind)
    }

    /// `fresh: { within: 2h, during: "05:00-23:00 America/New_York", column: time_hour }`.
    fn fresh(&mut self, entry: Entry<'_>, asked: Asked, kind: &mut Kind) -> Option<RuleKind> {
        let fields = self.options(entry, &["within", "during"], &ROWS)?;
        let within = self.required_length(entry, &fields, "within");
        let during = fields
            .get("during")
            .map(|entry| self.hours_of_day(entry.node));
        let rows = self.timed_rows(&fields, kind);
        Some(RuleKind::Fresh(Fresh {
            within: within?,
            during: match during {
                Some(during) => Some(during?),
                None => None,
            },
            rows: rows?,
            asked,
        }))
    }

    /// `gap: { column: time_hour, width: 1h, over: 2 days }`.
    fn gap(&mut self, entry: Entry<'_>, asked: Asked, kind: &mut Kind) -> Option<RuleKind> {
        let fields = self.options(entry, &["width", "over", "until"], &ROWS)?;
        let width = self.required_length(entry, &fields, "width");
        let over = fields.get("over").map(|entry| self.length_of_time(entry));
        let until = self.optional_word(
            &fields,
            "until",
            &[("last", Until::Last), ("now", Until::Now)],
        );
        if fields.get("column").is_none() {
            self.missing(entry.key, "column", "`gap`");
        }
        let rows = self.timed_rows(&fields, kind)?;
        rows.column.as_ref()?;
        Some(RuleKind::Gap(Gap {
            width: width?,
            over: match over {
                Some(over) => Some(over?),
                None => None,
            },
            until: until.unwrap_or_default(),
            rows,
            asked,
        }))
    }

    /// `row_count: { per: 1 day, min: 800, max: 1200, column: time_hour }`.
    fn row_count(&mut self, entry: Entry<'_>, asked: Asked, kind: &mut Kind) -> Option<RuleKind> {
        let fields = self.options(entry, &["per", "min", "max"], &ROWS)?;
        let per = self.required_length(entry, &fields, "per");
        let bound = |reader: &mut Self, name: &str| match fields.get(name) {
            None => Some(None),
            Some(entry) => {
                let number = match &entry.node.value {
                    Tree::Number(number) => number.as_u64(),
                    _ => None,
                };
                if number.is_none() {
                    reader.refuse(
                        entry.node.at,
                        format!("`{name}` is a whole number of rows, not below 0"),
                        None,
                    );
                }
                number.map(Some)
            }
        };
        let (min, max) = (bound(self, "min"), bound(self, "max"));
        let rows = self.timed_rows(&fields, kind);
        let (min, max) = (min?, max?);
        let low_and_high = [min.map(Number::from), max.map(Number::from)];
        self.a_bound(entry, &low_and_high[0], &low_and_high[1])?;
        Some(RuleKind::RowCount(RowCount {
            per: per?,
            min,
            max,
            rows: rows?,
            asked,
        }))
    }

    /// `volume: { per: 1h, column: time_hour, history: 8 weeks, minimum: 4, threshold: 3.5 }`.
    fn volume(&mut self, entry: Entry<'_>, asked: Asked, kind: &mut Kind) -> Option<RuleKind> {
        let own = ["per", "history", "minimum", "threshold", "direction"];
        let fields = self.options(entry, &own, &ROWS)?;
        let per = self.required_length(entry, &fields, "per");
        let history = match fields.get("history") {
            Some(entry) => self.length_of_time(entry),
            None => Some(Period::new(8, crate::Unit::Week)),
        };
        let minimum = match fields.get("minimum").map(|entry| entry.node) {
            None => Some(4),
            Some(node) => {
                let count = match &node.value {
                    Tree::Number(number) => number.as_u64().filter(|count| *count > 0),
                    _ => None,
                };
                if count.is_none() {
                    self.refuse(
                        node.at,
                        "`minimum` is a number of windows, at least 1",
                        None,
                    );
                }
                count.and_then(|count| u32::try_from(count).ok())
            }
        };
        let threshold = match fields.get("threshold") {
            None => Number::from_f64(3.5),
            Some(entry) => self.above_nothing(entry),
        };
        let words = [
            ("both", Direction::Both),
            ("drop", Direction::Drop),
            ("spike", Direction::Spike),
        ];
        let direction = self.optional_word(&fields, "direction", &words);
        let rows = self.timed_rows(&fields, kind);
        let (history, minimum) = (history?, minimum?);
        let weeks = history.to_delta().num_weeks();
        if weeks < i64::from(minimum) {
            self.refuse(
                entry.node.at,
                format!("the rule needs {minimum} windows, and {history} have {weeks}"),
                "a window is compared with the one at the same time of each week: lower `minimum` (4) or raise `history` (8 weeks)",
            );
            return None;
        }
        Some(RuleKind::Volume(Volume {
            per: per?,
            history,
            minimum,
            threshold: threshold?,
            direction: direction.unwrap_or_default(),
            rows: rows?,
            asked,
        }))
    }

    /// `reconcile: { count: public.ledger }`, or `reconcile: { sum: { amount: public.ledger.total } }`.
    fn reconcile(&mut self, entry: Entry<'_>, asked: Asked, kind: &mut Kind) -> Option<RuleKind> {
        let known = ["count", "sum", "tolerance", "group_by"];
        let fields = self.fields(entry.node, "`reconcile`", &known, &[])?;
        let compared = match (fields.get("count"), fields.get("sum")) {
            (Some(count), None) => {
                kind.reference = Some(count.node.at);
                let table = self.text(count.node, "a table");
                table
                    .filter(|table| self.qualified_name(count.node.at, table))
                    .map(|table| (Measured::Count, table))
            }
            (None, Some(sum)) => self.summed(sum, kind),
            _ => {
                self.refuse(
                    entry.node.at,
                    "`reconcile` compares either counts or sums",
                    "expected `{ count: schema.table }` or `{ sum: { column: schema.table.column } }`",
                );
                None
            }
        };
        let tolerance = fields
            .get("tolerance")
            .map(|entry| self.above_nothing(entry));
        let group_by = self.group_by(&fields, kind);
        let (measure, table) = compared?;
        Some(RuleKind::Reconcile(Reconcile {
            measure,
            table,
            tolerance: match tolerance {
                Some(tolerance) => Some(tolerance?),
                None => None,
            },
            group_by: group_by?,
            asked,
        }))
    }

    fn summed(&mut self, entry: Entry<'_>, kind: &mut Kind) -> Option<(Measured, String)> {
        let pairs = self.map(entry.node, "`sum`")?;
        let mut pairs = pairs.iter();
        let (Some(pair), None) = (pairs.next(), pairs.next()) else {
            self.refuse(
                entry.node.at,
                "`sum` compares one column with one of another table",
                "expected `{ column: schema.table.column }`",
            );
            return None;
        };
        let text = self.text(pair.node, "a column of another table")?;
        let (table, its) = self.column_of_table(pair.node.at, &text)?;
        kind.reference = Some(pair.node.at);
        kind.more_columns.push((pair.name.to_owned(), pair.key));
        let column = pair.name.to_owned();
        Some((Measured::Sum { column, its }, table))
    }

    /// `bounds: { on: departures_by_day, value: cancelled / flights, max: 0.25, when: flights >= 50 }`.
    fn bounds_of_summary(
        &mut self,
        entry: Entry<'_>,
        asked: Asked,
        kind: &mut Kind,
    ) -> Option<RuleKind> {
        let known = ["on", "value", "min", "max", "when", "bucket"];
        let fields = self.fields(entry.node, "`bounds`", &known, &[])?;
        let on = self.required_text(&fields, "on", "`bounds`", entry.key);
        kind.reference = fields.get("on").map(|on| on.node.at);
        let value = self.required_text(&fields, "value", "`bounds`", entry.key);
        if let Some(value) = fields.get("value") {
            kind.expression = Some(value.node.at);
        }
        let bound = |reader: &mut Self, name: &str| match fields.get(name) {
            None => Some(None),
            Some(entry) => match &entry.node.value {
                Tree::Number(number) => Some(Some(number.clone())),
                _ => {
                    reader.refuse(entry.node.at, format!("`{name}` must be a number"), None);
                    None
                }
            },
        };
        let (min, max) = (bound(self, "min"), bound(self, "max"));
        let words = [
            ("current", WhichBucket::Current),
            ("complete", WhichBucket::Complete),
        ];
        let bucket = self.optional_word(&fields, "bucket", &words);
        let when = self.optional_text(&fields, "when");
        let (min, max) = (min?, max?);
        self.a_bound(entry, &min, &max)?;
        Some(RuleKind::Bounds(Bounds {
            on: on?,
            value: value?,
            min,
            max,
            when,
            bucket: bucket.unwrap_or_default(),
            asked,
        }))
    }

    /// Rules about a summary name one of the policy.
    pub(super) fn bounds_are_on_summaries(
        &mut self,
        tables: &[TablePolicy],
        summaries: Option<&Node>,
    ) {
        let known = summaries.map(keys).unwrap_or_default();
        for table in tables {
            for rule in &table.rules {
                let RuleKind::Bounds(bounds) = &rule.kind else {
                    continue;
                };
                let declared = Declared::Rule {
                    table: table.name.clone(),
                    rule: rule.name.clone(),
                };
                if !known.contains(&bounds.on.as_str())
                    && let Some(at) = self.source.locate(&declared, &Part::Reference)
                {
                    self.undeclared(at, "summary", &bounds.on, &known);
                }
            }
        }
    }

    fn options<'n>(&mut self, entry: Entry<'n>, own: &[&str], more: &[&str]) -> Option<Fields<'n>> {
        self.fields(
            entry.node,
            &format!("`{}`", entry.name),
            &[own, more].concat(),
            &[],
        )
    }

    fn timed_rows(&mut self, fields: &Fields<'_>, kind: &mut Kind) -> Option<TimedRows> {
        let column = match fields.get("column") {
            Some(entry) => {
                let column = self.text(entry.node, "`column`")?;
                kind.more_columns.push((column.clone(), entry.node.at));
                Some(column)
            }
            None => None,
        };
        if let (None, Some(entry)) = (&column, fields.get("group_by")) {
            self.refuse(
                entry.key,
                "`group_by` needs a `column` in which rows have their time",
                "without one the rule reads no rows, but only when and how many were written",
            );
            return None;
        }
        let time_zone = match fields.get("time_zone") {
            Some(entry) => Some(self.time_zone(entry.node)?),
            None => self.time_zone.clone(),
        };
        Some(TimedRows {
            column,
            time_zone,
            group_by: self.group_by(fields, kind)?,
        })
    }

    fn group_by(&mut self, fields: &Fields<'_>, kind: &mut Kind) -> Option<Vec<String>> {
        let Some(entry) = fields.get("group_by") else {
            return Some(Vec::new());
        };
        let columns = self.texts(entry.node, "`group_by`")?;
        kind.more_columns.extend(columns.iter().cloned());
        Some(columns.into_iter().map(|(column, _)| column).collect())
    }

    /// `05:00-23:00`, `Mon-Fri 08:00-18:00 Europe/London`.
    fn hours_of_day(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node, "`during`")?;
        let mut words = text.split_whitespace().peekable();
        let days = words.next_if(|word| word.starts_with(|first: char| first.is_alphabetic()));
        let known = |day: &str| DAYS.contains(&day);
        let days_are_known = days.is_none_or(|days| match days.split_once('-') {
            Some((first, last)) => known(first) && known(last),
            None => known(days),
        });
        let is_time = |text: &str, latest: u32| {
            let number = |digits: &str| {
                let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
                two.then(|| digits.parse::<u32>().unwrap_or(u32::MAX))
            };
            let time = text.split_once(':');
            let time = time.and_then(|(hour, minute)| number(hour).zip(number(minute)));
            time.is_some_and(|(hour, minute)| minute < 60 && hour * 60 + minute <= latest)
        };
        let times_are_known = words.next().and_then(|times| times.split_once('-'));
        let times_are_known = times_are_known
            .is_some_and(|(opens, closes)| is_time(opens, 24 * 60 - 1) && is_time(closes, 24 * 60));
        let zone = words.next();
        if !days_are_known || !times_are_known || words.next().is_some() {
            self.refuse(
                node.at,
                format!("`{text}` are no hours"),
                "expected `05:00-23:00 America/New_York`, or `Mon-Fri 08:00-18:00 Europe/London`",
            );
            return None;
        }
        if let Some(zone) = zone
            && !self.time_zone_is_known(node.at, zone)
        {
            return None;
        }
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    pub(super) fn time_zone(&mut self, node: &Node) -> Option<String> {
        let zone = self.text(node, "`time_zone`")?;
        self.time_zone_is_known(node.at, &zone).then_some(zone)
    }

    /// `schema.table.column`, as the table and its column.
    fn column_of_table(&mut self, at: Location, text: &str) -> Option<(String, String)> {
        let parts = identifiers(text);
        let [schema, table, column] = parts.as_slice() else {
            self.refuse(
                at,
                format!("`{text}` does not name a column of a table"),
                "expected `schema.table.column`",
            );
            return None;
        };
        Some((format!("{schema}.{table}"), super::kind::unquoted(column)))
    }

    fn a_bound(
        &mut self,
        entry: Entry<'_>,
        min: &Option<Number>,
        max: &Option<Number>,
    ) -> Option<()> {
        match (min, max) {
            (None, None) => {
                self.refuse(
                    entry.node.at,
                    format!("`{}` needs a bound", entry.name),
                    "expected `min`, `max` or both",
                );
                None
            }
            (Some(min), Some(max)) if min.as_f64() > max.as_f64() => {
                self.refuse(
                    entry.node.at,
                    format!("nothing is at least {min} and at most {max}"),
                    "`min` must not be greater than `max`",
                );
                None
            }
            _ => Some(()),
        }
    }

    /// A number above 0.
    fn above_nothing(&mut self, entry: Entry<'_>) -> Option<Number> {
        if let Tree::Number(number) = &entry.node.value
            && number.as_f64().is_some_and(|number| number > 0.0)
        {
            return Some(number.clone());
        }
        self.refuse(
            entry.node.at,
            format!("`{}` must be a number above 0", entry.name),
            None,
        );
        None
    }

    fn required_length(
        &mut self,
        entry: Entry<'_>,
        fields: &Fields<'_>,
        name: &str,
    ) -> Option<Period> {
        match fields.get(name) {
            Some(length) => self.length_of_time(length),
            None => {
                self.missing(entry.key, name, &format!("`{}`", entry.name));
                None
            }
        }
    }

    /// A length of time that is not none.
    pub(super) fn length_of_time(&mut self, entry: Entry<'_>) -> Option<Period> {
        let period = self.period(entry.node, &format!("`{}`", entry.name))?;
        if period.count() == 0 {
            self.refuse(
                entry.node.at,
                format!("`{}` must last some time", entry.name),
                None,
            );
            return None;
        }
        Some(period)
    }
}
