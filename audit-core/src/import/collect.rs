//! Checks become rules of tables: with names, severities and conditions, each read back before it is taken.

use serde_json::json;

use super::mapped::{Draft, Mapped, Total, What};
use super::sql::{self, free, slug};
use super::{Coverage, Imported, Tool, Verdict};
use crate::policy::{identifier, printable, rule_lines, scalar, value_text};
use crate::{
    Action, AlertPolicy, Asked, Bounds, Function, Group, Measure, OnError, OnNoData, Policy,
    QuarantineMode, Rule, RuleKind, Severity, Summary, TablePolicy, WhichBucket,
};

/// What a reader gathers.
pub(super) struct Collector {
    imported: Imported,
}

/// A check as it stands in the file, apart from what it checks.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// What it is about, and its kind.
    pub(super) from: String,
    pub(super) line: Option<usize>,
    /// `schema.table`.
    pub(super) table: String,
    /// The name that somebody gave it.
    pub(super) name: Option<String>,
    pub(super) severity: Severity,
    pub(super) owner: Option<String>,
    pub(super) why: String,
    pub(super) condition: Option<String>,
    pub(super) mostly: Option<f64>,
    /// Numbers of failing rows above which somebody is to hear of it.
    pub(super) thresholds: Vec<Threshold>,
}

/// More failing rows than these matter so much.
#[derive(Clone, Debug)]
pub(super) struct Threshold {
    pub(super) severity: Severity,
    /// A condition over `failing`, such as `failing > 1000`.
    pub(super) when: String,
}

impl Check {
    pub(super) fn new(table: &str, from: impl Into<String>, line: Option<usize>) -> Self {
        Check {
            from: from.into(),
            line,
            table: table.to_owned(),
            name: None,
            severity: Severity::Important,
            owner: None,
            why: String::new(),
            condition: None,
            mostly: None,
            thresholds: Vec::new(),
        }
    }
}

impl Collector {
    pub(super) fn new(tool: Tool, file: &str) -> Self {
        Collector {
            imported: Imported {
                tool,
                file: file.to_owned(),
                tables: Vec::new(),
                summaries: Vec::new(),
                alerts: Vec::new(),
                coverage: Vec::new(),
            },
        }
    }

    /// What was gathered; tables without a rule are left out.
    pub(super) fn end(mut self) -> Imported {
        self.imported.tables.retain(|table| !table.rules.is_empty());
        let tables = &self.imported.tables;
        self.imported
            .summaries
            .retain(|summary| tables.iter().any(|table| table.name == summary.table));
        self.imported
    }

    /// Says what a table is for and whose it is, before its first rule comes.
    pub(super) fn table(&mut self, name: &str, why: Option<&str>, owner: Option<String>) {
        let place = self.place_of(name);
        let table = &mut self.imported.tables[place];
        if table.why.is_empty() {
            table.why = clean(why.unwrap_or_default());
        }
        if let (true, Some(owner)) = (table.owner.is_empty(), owner) {
            table.owner = clean(&owner);
        }
    }

    /// Adds what a check becomes.
    pub(super) fn add(&mut self, check: &Check, mapped: Mapped) {
        let mut notes = mapped.differences;
        let mut rules = Vec::new();
        let mut refused = mapped.refused;
        let mut differs = !notes.is_empty();
        if refused.is_none() {
            if mapped.drafts.is_empty() {
                refused = Some("it demands nothing".to_owned());
            }
            let mut drafts = Vec::new();
            for draft in mapped.drafts {
                let draft = without_clock(check, draft);
                drafts.extend(by_threshold(check, draft, &mut notes));
            }
            for draft in drafts {
                match self.rule(check, draft, &mut notes) {
                    Ok(name) => rules.push(name),
                    Err(reason) => refused = refused.or(Some(reason)),
                }
            }
            differs |= !notes.is_empty();
            if let (Some(reason), false) = (&refused, rules.is_empty()) {
                notes.push(format!("one part is not possible: {reason}"));
                differs = true;
            }
        }
        let verdict = match (rules.is_empty(), differs) {
            (true, _) => {
                notes = vec![refused.unwrap_or_else(|| "it demands nothing".to_owned())];
                Verdict::NotPossible
            }
            (false, true) => Verdict::Different,
            (false, false) => Verdict::Imported,
        };
        if verdict != Verdict::NotPossible {
            notes.extend(mapped.remarks);
        }
        rules.dedup();
        self.imported.coverage.push(Coverage {
            check: shorten(&printable(&check.from).replace('\n', " ")),
            line: check.line,
            verdict,
            table: Some(check.table.clone()),
            rules,
            notes: notes
                .iter()
                .map(|note| printable(note).replace('\n', " "))
                .collect(),
        });
    }

    /// Adds a rule that the file has whole, because this program wrote it.
    pub(super) fn exact(&mut self, check: &Check, rule: &Rule) {
        let place = self.place_of(&check.table);
        let table = &self.imported.tables[place];
        let summary = match &rule.kind {
            RuleKind::Bounds(bounds) => self
                .imported
                .summaries
                .iter()
                .find(|summary| summary.name == bounds.on),
            _ => None,
        };
        let taken = table.rules.iter().any(|known| known.name == rule.name);
        let mut coverage = Coverage {
            check: shorten(&printable(&check.from).replace('\n', " ")),
            line: check.line,
            verdict: Verdict::Imported,
            table: Some(check.table.clone()),
            rules: vec![rule.name.clone()],
            notes: Vec::new(),
        };
        match read_back(table, rule, summary) {
            Ok(rule) if !taken => self.imported.tables[place].rules.push(rule),
            Ok(_) => {
                coverage.verdict = Verdict::NotPossible;
                coverage.rules.clear();
                coverage
                    .notes
                    .push("the table has two rules of its name".to_owned());
            }
            Err(reason) => {
                coverage.verdict = Verdict::NotPossible;
                coverage.rules.clear();
                coverage.notes.push(printable(&reason));
            }
        }
        self.imported.coverage.push(coverage);
    }

    /// A summary that the file has whole.
    pub(super) fn summary(&mut self, summary: Summary) {
        if !self
            .imported
            .summaries
            .iter()
            .any(|known| known.name == summary.name)
        {
            self.imported.summaries.push(summary);
        }
    }

    /// Whether a table has a rule of this name already.
    pub(super) fn knows(&self, table: &str, rule: &str) -> bool {
        let mut tables = self
            .imported
            .tables
            .iter()
            .filter(|known| known.name == table);
        tables.any(|table| table.rules.iter().any(|known| known.name == rule))
    }

    /// Says of a part of the file that it can not be imported, and why.
    pub(super) fn not(
        &mut self,
        from: impl Into<String>,
        line: Option<usize>,
        reason: impl Into<String>,
    ) {
        self.imported.coverage.push(Coverage {
            check: shorten(&printable(&from.into()).replace('\n', " ")),
            line,
            verdict: Verdict::NotPossible,
            table: None,
            rules: Vec::new(),
            notes: vec![printable(&reason.into())],
        });
    }

    fn place_of(&mut self, name: &str) -> usize {
        let tables = &mut self.imported.tables;
        tables
            .iter()
            .position(|table| table.name == name)
            .unwrap_or_else(|| {
                tables.push(TablePolicy {
                    name: name.to_owned(),
                    why: String::new(),
                    owner: String::new(),
                    redact: Vec::new(),
                    hash: Vec::new(),
                    retain: crate::Retention::default(),
                    rules: Vec::new(),
                });
                tables.len() - 1
            })
    }

    /// Makes a rule of a draft, and gives its name; or says why that is not possible.
    fn rule(
        &mut self,
        check: &Check,
        draft: Draft,
        notes: &mut Vec<String>,
    ) -> Result<String, String> {
        let place = self.place_of(&check.table);
        let time_driven = draft.is_time_driven();
        let condition = check.condition.clone().filter(|_| !draft.knows_condition);
        let mut mostly = draft.mostly.or(check.mostly);
        if time_driven && mostly.take().is_some() {
            note(
                notes,
                "it is asked as a whole, so the share of rows that has to pass is not kept",
            );
        }
        match mostly {
            Some(share) if share >= 1.0 => mostly = None,
            Some(share) if share <= 0.0 || share.is_nan() => {
                return Err("no row has to pass, so nothing can fail".to_owned());
            }
            _ => {}
        }
        if let Some(condition) = condition.as_deref().filter(|_| !time_driven)
            && sql::looks_at_the_clock(condition)
        {
            note(
                notes,
                "its condition looks at the clock: here that is the moment of the write, and a counter keeps what was counted then",
            );
        }
        let (kind, summary) = match draft.what {
            What::Kind(kind) => (kind, None),
            What::Total(total) => {
                let (kind, summary) = self.total(check, total);
                (kind, Some(summary))
            }
        };
        let same = |rule: &&mut Rule| {
            rule.kind == kind
                && rule.condition == condition
                && rule.nulls == draft.nulls
                && rule.mostly == mostly
        };
        if check.thresholds.is_empty()
            && summary.is_none()
            && let Some(rule) = self.imported.tables[place].rules.iter_mut().find(same)
        {
            rule.severity = rule.severity.max(draft.severity.unwrap_or(check.severity));
            rule.fix_within = rule.severity.fix_within();
            return Ok(rule.name.clone());
        }
        let has_semicolon = |text: &str| text.contains(';');
        let of_kind = match &kind {
            RuleKind::Expression { expression } => has_semicolon(expression),
            RuleKind::Sql(sql) => has_semicolon(&sql.query),
            _ => false,
        };
        if of_kind
            || condition.as_deref().is_some_and(has_semicolon)
            || (draft.knows_condition && check.condition.as_deref().is_some_and(has_semicolon))
        {
            return Err("its SQL has a semicolon, which a rule may not have".to_owned());
        }
        let table = &self.imported.tables[place];
        let plain = |name: &String| slug(name) == *name && name.len() <= 63;
        let name = check
            .name
            .as_deref()
            .map(slug)
            .or_else(|| draft.name.map(|name| slug(&name)));
        let name = name
            .or_else(|| {
                kind.default_name()
                    .map(|name| if plain(&name) { name } else { slug(&name) })
            })
            .unwrap_or_else(|| slug(kind.name()));
        let name = free(&name, |name| {
            table.rules.iter().any(|rule| rule.name == name)
        });
        let severity = draft.severity.unwrap_or(check.severity);
        let rule = Rule {
            name,
            kind,
            condition,
            severity,
            action: Action::Flag,
            mode: QuarantineMode::default(),
            owner: match &check.owner {
                Some(owner) if !clean(owner).is_empty() => clean(owner),
                _ => table.owner.clone(),
            },
            why: clean(&check.why),
            fix_within: severity.fix_within(),
            nulls: draft.nulls,
            on_error: OnError::default(),
            mostly,
            shadow: false,
        };
        let rule = read_back(table, &rule, summary.as_ref())?;
        let name = rule.name.clone();
        self.imported.tables[place].rules.push(rule);
        if let Some(summary) = summary {
            match self
                .imported
                .summaries
                .iter_mut()
                .find(|known| known.name == summary.name)
            {
                Some(known) => *known = summary,
                None => self.imported.summaries.push(summary),
            }
        }
        if !check.thresholds.is_empty() && !time_driven {
            let alerts = check
                .thresholds
                .iter()
                .map(|threshold| format!("`{}`", self.alert(check, &name, threshold)));
            let alerts: Vec<String> = alerts.collect();
            let plural = if alerts.len() == 1 { "" } else { "s" };
            note(
                notes,
                &format!(
                    "each failing row is found; from which number on it matters is said by the alert{plural} {}",
                    alerts.join(" and ")
                ),
            );
        }
        Ok(name)
    }

    /// The rule on a measure, and the summary that has it: one for all measures over the same rows.
    fn total(&self, check: &Check, total: Total) -> (RuleKind, Summary) {
        let group_by: Vec<Group> = total
            .group_by
            .iter()
            .map(|column| Group {
                name: slug(column),
                expression: identifier(column),
                reference: None,
            })
            .collect();
        let known = self.imported.summaries.iter().find(|summary| {
            summary.table == check.table
                && summary.condition == check.condition
                && summary.group_by == group_by
        });
        let mut summary = known.cloned().unwrap_or_else(|| {
            let rows = super::mapped::Rows {
                table: &check.table,
                condition: None,
            };
            let taken = |name: &str| {
                self.imported
                    .summaries
                    .iter()
                    .any(|summary| summary.name == name)
            };
            Summary {
                name: free(&slug(&format!("{}_totals", rows.name())), taken),
                table: check.table.clone(),
                bucket: None,
                group_by,
                measures: Vec::new(),
                condition: check.condition.clone(),
                retain: None,
            }
        });
        let same = |measure: &&Measure| {
            measure.function == total.function && measure.expression == total.expression
        };
        let measure = summary
            .measures
            .iter()
            .find(same)
            .map(|measure| measure.name.clone());
        let measure = measure.unwrap_or_else(|| {
            let name = match (&total.expression, total.function) {
                (None, _) => "row_count".to_owned(),
                (Some(expression), function) => slug(&format!("{}_{expression}", function.name())),
            };
            let name = free(&name, |name| summary.columns().contains(&name));
            summary.measures.push(Measure {
                name: name.clone(),
                function: total.function,
                expression: total.expression.clone(),
            });
            name
        });
        // An empty table has no groups, so a least number of rows would never be missed.
        let demands_rows = total.function == Function::Count
            && total
                .between
                .min
                .as_ref()
                .and_then(serde_json::Value::as_f64)
                .is_some_and(|min| min > 0.0 || (min >= 0.0 && total.between.above_min));
        let asked = Asked {
            on_no_data: demands_rows.then_some(OnNoData::Fail),
            ..Asked::default()
        };
        let (value, min, max) = match total.between.numbers() {
            Some((min, max)) => (measure, min, max),
            // Bounds are numbers that belong to what is allowed; anything else is asked as a condition.
            None => (
                format!(
                    "case when {} then 1 when {measure} is not null then 0 end",
                    total.between.condition(&measure)
                ),
                Some(1.into()),
                None,
            ),
        };
        let kind = RuleKind::Bounds(Bounds {
            on: summary.name.clone(),
            value,
            min,
            max,
            when: None,
            bucket: WhichBucket::default(),
            asked,
        });
        (kind, summary)
    }

    fn alert(&mut self, check: &Check, rule: &str, threshold: &Threshold) -> String {
        let wanted = slug(&format!("{rule}_{}", threshold.severity));
        let taken = |name: &str| {
            let taken = self.imported.alerts.iter().any(|alert| alert.name == name);
            taken || ["pipeline", "parents"].contains(&name)
        };
        let name = free(&wanted, taken);
        let when = format!(
            "\"table\" = {} and rule = {} and {}",
            sql::quoted(&check.table),
            sql::quoted(rule),
            threshold.when
        );
        let alert = serde_json::from_value::<AlertPolicy>(json!({
            "on": "rules", "when": when, "severity": threshold.severity,
        }));
        if let Ok(alert) = alert {
            self.imported.alerts.push(AlertPolicy {
                name: name.clone(),
                ..alert
            });
        }
        name
    }
}

/// A summary may not look at the clock: what it would sum up is asked as a query.
fn without_clock(check: &Check, draft: Draft) -> Draft {
    let What::Total(total) = &draft.what else {
        return draft;
    };
    let Some(condition) = check
        .condition
        .as_deref()
        .filter(|condition| sql::looks_at_the_clock(condition))
    else {
        return draft;
    };
    let rows = super::mapped::Rows {
        table: &check.table,
        condition: Some(condition),
    };
    let value = match (&total.expression, total.function) {
        (Some(expression), function) => format!("{}({expression})", function.name()),
        (None, _) => "count(*)".to_owned(),
    };
    let name = draft.name.clone().unwrap_or_default();
    match super::aggregate::bounded(&name, &value, &total.between, &total.group_by, rows) {
        Ok(mut mapped) => mapped.drafts.pop().unwrap_or(draft),
        Err(_) => draft,
    }
}

/// A query is asked as a whole: each threshold on the number of its rows makes a query of its own.
fn by_threshold(check: &Check, draft: Draft, notes: &mut Vec<String>) -> Vec<Draft> {
    if check.thresholds.is_empty() || !draft.is_time_driven() {
        return vec![draft];
    }
    let What::Kind(RuleKind::Sql(sql)) = &draft.what else {
        note(
            notes,
            "thresholds on the number of failing rows are not kept",
        );
        return vec![Draft {
            severity: Some(check.severity.max(Severity::Normal)),
            ..draft
        }];
    };
    let of = |threshold: &Threshold| {
        let query = format!(
            "select count(*) as failing\nfrom (\n{}\n) failures\nhaving {}",
            sql.query,
            threshold.when.replace("failing", "count(*)")
        );
        let mut of_threshold = Draft::new(What::Kind(RuleKind::Sql(crate::Sql {
            query,
            asked: sql.asked.clone(),
        })));
        of_threshold.name.clone_from(&draft.name);
        of_threshold.severity = Some(threshold.severity);
        of_threshold.knows_condition = true;
        of_threshold
    };
    check.thresholds.iter().map(of).collect()
}

/// The rule as the reader of policies understands it, or what the reader has against it.
fn read_back(table: &TablePolicy, rule: &Rule, summary: Option<&Summary>) -> Result<Rule, String> {
    let mut text = format!("version: 1\ntables:\n  {}:\n", scalar(&table.name));
    if !table.why.is_empty() {
        text += &format!("    why: {}\n", value_text(&table.why));
    }
    if !table.owner.is_empty() {
        text += &format!("    owner: {}\n", value_text(&table.owner));
    }
    text += "    rules:\n";
    for line in rule_lines(rule, &table.owner) {
        text += &format!("      {line}\n");
    }
    if let Some(summary) = summary {
        text += "summaries:\n";
        text += &super::fragment::summary(summary);
    }
    match Policy::parse(&text, "") {
        Ok(mut policy) => policy
            .tables
            .pop()
            .and_then(|mut table| table.rules.pop())
            .ok_or_else(|| "it demands nothing".to_owned()),
        Err(errors) => Err(errors
            .problems
            .first()
            .map_or_else(String::new, |problem| problem.message.clone())),
    }
}

/// A text of somebody as one line: without what would break a comment or a heading.
fn clean(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// A hostile file may hold long names.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn note(notes: &mut Vec<String>, text: &str) {
    if !notes.iter().any(|note| note == text) {
        notes.push(text.to_owned());
    }
}
