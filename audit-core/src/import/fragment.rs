//! What was imported, as a policy with comments.

use super::{Coverage, Imported, Verdict};
use crate::policy::{rule_lines, scalar, value_text};
use crate::{AlertPolicy, Function, Summary};

pub(super) fn write(imported: &Imported) -> String {
    let mut text = format!(
        "# Imported from {} by `audit import {}`: {}.\n",
        comment(&imported.file),
        imported.tool.word(),
        imported
            .summary()
            .split_once(": ")
            .map_or(String::new(), |(_, rest)| rest.to_owned()),
    );
    text += "# Every rule flags: rows are written and findings recorded. Say `action: quarantine` or `action: reject` where more is wanted.\n\nversion: 1\n\n";
    if imported.tables.is_empty() {
        text += "tables: {}\n";
        return text;
    }
    text += "tables:\n";
    for (place, table) in imported.tables.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        text += &format!("  {}:\n", scalar(&table.name));
        if !table.why.is_empty() {
            text += &format!("    why: {}\n", value_text(&table.why));
        }
        if !table.owner.is_empty() {
            text += &format!("    owner: {}\n", value_text(&table.owner));
        }
        text += "    rules:\n";
        for (place, rule) in table.rules.iter().enumerate() {
            if place > 0 {
                text.push('\n');
            }
            let checks = imported.coverage.iter().filter(|check| {
                check.table.as_deref() == Some(&table.name) && check.rules.contains(&rule.name)
            });
            for check in checks {
                text += &said(check);
            }
            for line in rule_lines(rule, &table.owner) {
                text += &format!("      {line}\n");
            }
        }
    }
    if !imported.summaries.is_empty() {
        text += "\nsummaries:\n";
        let summaries: Vec<String> = imported.summaries.iter().map(summary).collect();
        text += &summaries.join("\n");
    }
    if !imported.alerts.is_empty() {
        text += "\nalerts:\n";
        let alerts: Vec<String> = imported.alerts.iter().map(alert).collect();
        text += &alerts.join("\n");
    }
    text
}

/// Where a rule is from, and what is different.
fn said(check: &Coverage) -> String {
    let line = check
        .line
        .map_or_else(String::new, |line| format!("line {line}, "));
    let mut text = format!("      # {line}{}\n", comment(&check.check));
    if check.verdict == Verdict::Different {
        for note in &check.notes {
            text += &format!("      #   {}\n", comment(note));
        }
    }
    text
}

/// The lines of a summary, in the place where they stand in a policy.
pub(super) fn summary(summary: &Summary) -> String {
    let mut text = format!(
        "  {}:\n    from: {}\n",
        scalar(&summary.name),
        value_text(&summary.table)
    );
    if let Some(bucket) = &summary.bucket {
        text += &format!(
            "    bucket: {{ column: {}, width: {}, time_zone: {} }}\n",
            value_text(&bucket.column),
            bucket.width.short(),
            value_text(&bucket.time_zone)
        );
    }
    if let Some(retain) = summary.retain {
        text += &format!("    retain: {}\n", retain.short());
    }
    if !summary.group_by.is_empty() {
        let groups = summary.group_by.iter().map(|group| {
            if group.name == group.expression {
                scalar(&group.name)
            } else {
                format!(
                    "{{ {}: {} }}",
                    scalar(&group.name),
                    value_text(&group.expression)
                )
            }
        });
        text += &format!(
            "    group_by: [{}]\n",
            groups.collect::<Vec<_>>().join(", ")
        );
    }
    if let Some(condition) = &summary.condition {
        text += &format!("    where: {}\n", value_text(condition));
    }
    text += "    measures:\n";
    for measure in &summary.measures {
        let how = match (&measure.expression, measure.function) {
            (Some(expression), function) => {
                format!("{{ {}: {} }}", function.name(), value_text(expression))
            }
            (None, _) => Function::Count.name().to_owned(),
        };
        text += &format!("      {}: {how}\n", scalar(&measure.name));
    }
    text
}

fn alert(alert: &AlertPolicy) -> String {
    format!(
        "  {}:\n    on: {}\n    when: {}\n    severity: {}\n",
        scalar(&alert.name),
        alert.on,
        value_text(&alert.when),
        alert.severity
    )
}

/// A text in a comment: on one line, and without what steers a terminal.
fn comment(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control()
                || matches!(
                    character,
                    '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                )
            {
                ' '
            } else {
                character
            }
        })
        .collect()
}
