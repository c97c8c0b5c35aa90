//! The technical breakdown: every schema, role, table, view, trigger and function.

use audit_core::Severity;
use audit_schema::catalogue::{Catalogue, Column, Function, Right, Table, Trigger, View};

use super::area::tables_by_subject;
use super::audited::{or_dash, plain};
use super::entities::link;
use super::markdown::{cell, code, codes, severity};

/// Every object that is installed, as Markdown.
pub fn breakdown(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "# Technical breakdown\n\
         \n\
         Written by `audit docs` from an installed database. Do not edit.\n\n",
    );
    let generated = catalogue
        .functions
        .iter()
        .filter(|function| function.schema == "audit_compiled")
        .count();
    text.push_str(&format!(
        "| kind | number |\n|---|---|\n\
         | [tables](#tables) | {} |\n| [views](#views) | {} |\n| [triggers](#triggers) | {} |\n\
         | [functions that people call](#functions-that-people-call) | {} |\n\
         | [functions inside](#functions-inside) | {} |\n| [generated functions](#generated-functions) | {generated} |\n\n",
        own_tables(catalogue).count(),
        catalogue.views.len(),
        catalogue.triggers.len(),
        catalogue.functions.iter().filter(|function| !function.internal()).count(),
        catalogue.functions.iter().filter(|function| function.internal()).count() - generated,
    ));
    schemas_and_roles(&mut text, catalogue);
    severities(&mut text, catalogue);
    tables(&mut text, catalogue);
    views(&mut text, catalogue);
    triggers(&mut text, catalogue);
    functions(&mut text, catalogue);
    text
}

fn own_tables(catalogue: &Catalogue) -> impl Iterator<Item = &Table> {
    catalogue
        .tables
        .iter()
        .filter(|table| matches!(table.schema.as_str(), "audit" | "audit_compiled"))
}

fn schemas_and_roles(text: &mut String, catalogue: &Catalogue) {
    text.push_str("## Schemas\n\n| schema | what for |\n|---|---|\n");
    for schema in &catalogue.schemas {
        text.push_str(&format!(
            "| {} | {} |\n",
            code(&schema.name),
            cell(&schema.comment)
        ));
    }
    text.push_str(
        "\n## Roles\n\
         \n\
         Writers of watched tables need no right on the pipeline at all.\n\
         \n\
         | role | what for | can log in | owns |\n|---|---|---|---|\n",
    );
    for role in &catalogue.roles {
        let what = match role.name.as_str() {
            "audit_owner" => {
                "owns every object of the pipeline; the functions that write the log run with its rights"
            }
            "audit_admin" => "declares: watched tables, rules, summaries, alert policies, channels",
            "audit_operator" => {
                "works: acknowledges and snoozes alerts, looks after what was set aside"
            }
            _ => "reads everything, changes nothing",
        };
        text.push_str(&format!(
            "| {} | {what} | {} | {} |\n",
            code(&role.name),
            if role.can_login { "yes" } else { "no" },
            if role.owns > 0 {
                role.owns.to_string()
            } else {
                "–".into()
            }
        ));
    }
    text.push('\n');
}

/// Where the severity of a failure shows.
fn severities(text: &mut String, catalogue: &Catalogue) {
    text.push_str(
        "## Severities\n\
         \n\
         | severity | rules that have it | has to be fixed within, unless declared otherwise |\n|---|---|---|\n",
    );
    for level in Severity::ALL {
        let rules = catalogue
            .watched
            .iter()
            .flat_map(|table| &table.rules)
            .filter(|rule| rule.severity == level)
            .count();
        text.push_str(&format!(
            "| {} | {rules} | {} |\n",
            severity(level),
            level
                .fix_within()
                .map_or_else(|| "no deadline".to_owned(), |period| period.to_string())
        ));
    }
    let with = |columns: &[Column]| columns.iter().any(|column| column.name == "severity");
    let tables = own_tables(catalogue)
        .filter(|table| with(&table.columns))
        .map(Table::full_name);
    let views = catalogue
        .views
        .iter()
        .filter(|view| with(&view.columns))
        .map(|view| format!("{}.{}", view.schema, view.name));
    let mut names: Vec<String> = tables.chain(views).collect();
    names.sort();
    text.push_str(&format!(
        "\nSeverity is a property of a rule and of an alert. It is a column of {}. A trigger and a generated function \
         below are as severe as the worst rule that they check.\n\n",
        names.iter().map(|name| link(name)).collect::<Vec<_>>().join(", ")
    ));
}

fn tables(text: &mut String, catalogue: &Catalogue) {
    text.push_str("## Tables\n");
    for (subject, tables) in tables_by_subject(catalogue) {
        if subject.name == "Watched tables" {
            continue;
        }
        text.push_str(&format!("\n### {}\n\n{}\n", subject.name, subject.about));
        for table in tables {
            describe_table(text, table, catalogue);
        }
    }
    text.push('\n');
}

fn describe_table(text: &mut String, table: &Table, catalogue: &Catalogue) {
    text.push_str(&format!(
        "\n#### {}\n\n{}\n\n",
        cell(&table.full_name()),
        or_dash(&cell(&table.comment))
    ));
    if !table.partitioned.is_empty() {
        text.push_str(&format!(
            "Partitioned by {}.\n\n",
            code(&table.partitioned.to_lowercase())
        ));
    }
    columns(text, &table.columns, |column| {
        let reference = table
            .references
            .iter()
            .find(|reference| reference.columns.contains(&column.name))?;
        Some(format!(
            "{} {}",
            if reference.checked { "→" } else { "⇢" },
            link(&reference.to)
        ))
    });
    let facts: Vec<String> = table
        .constraints
        .iter()
        .map(|constraint| {
            format!(
                "{}: {}",
                code(&constraint.name),
                code(&constraint.definition)
            )
        })
        .chain(table.indexes.iter().map(|index| {
            format!(
                "{}: {}index using {}",
                code(&index.name),
                if index.unique { "unique " } else { "" },
                code(&index.definition)
            )
        }))
        .collect();
    if !facts.is_empty() {
        text.push_str("\n<details><summary>Constraints and indexes</summary>\n\n");
        for fact in facts {
            text.push_str(&format!("* {fact}\n"));
        }
        text.push_str("\n</details>\n");
    }
    rights(text, &table.rights);
    let fired: Vec<String> = catalogue
        .triggers
        .iter()
        .filter(|trigger| trigger.table == table.full_name())
        .map(|trigger| code(&trigger.name))
        .collect();
    if !fired.is_empty() {
        text.push_str(&format!("\nTriggers: {}.\n", fired.join(", ")));
    }
}

fn columns(text: &mut String, columns: &[Column], note: impl Fn(&Column) -> Option<String>) {
    text.push_str("| column | type | | what is in it |\n|---|---|---|---|\n");
    for column in columns {
        let mut marks = Vec::new();
        if column.key {
            marks.push("key".to_owned());
        }
        if !column.not_null {
            marks.push("may be null".to_owned());
        }
        if !column.default.is_empty() {
            let given = if column.default.starts_with("generated") {
                column.default.clone()
            } else {
                format!("default {}", code(&column.default))
            };
            marks.push(given);
        }
        let mut what = vec![cell(&column.comment)];
        what.extend(note(column));
        what.retain(|part| !part.is_empty());
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            code(&column.name),
            code(&column.data_type),
            marks.join(", "),
            or_dash(&what.join(" "))
        ));
    }
}

fn rights(text: &mut String, rights: &[Right]) {
    if rights.is_empty() {
        text.push_str("\nRights: of its owner only.\n");
        return;
    }
    let told: Vec<String> = rights
        .iter()
        .map(|right| format!("{} may {}", role(&right.role), right.privileges.join(", ")))
        .collect();
    text.push_str(&format!("\nRights: {}.\n", told.join("; ")));
}

fn role(name: &str) -> String {
    if name == "everybody" {
        name.to_owned()
    } else {
        code(name)
    }
}

fn views(text: &mut String, catalogue: &Catalogue) {
    text.push_str("## Views\n");
    for view in &catalogue.views {
        describe_view(text, view, catalogue);
    }
    text.push('\n');
}

fn describe_view(text: &mut String, view: &View, catalogue: &Catalogue) {
    text.push_str(&format!(
        "\n### {}\n\n{}\n\n",
        cell(&format!("{}.{}", view.schema, view.name)),
        or_dash(&cell(&view.comment))
    ));
    text.push_str("| column | type | what is in it |\n|---|---|---|\n");
    for column in &view.columns {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            code(&column.name),
            code(&column.data_type),
            or_dash(&cell(&if column.comment.is_empty() {
                summed_up(catalogue, view, &column.name)
            } else {
                column.comment.clone()
            }))
        ));
    }
    if !view.reads.is_empty() {
        let reads: Vec<String> = view.reads.iter().map(|name| link(name)).collect();
        text.push_str(&format!("\nReads {}.\n", reads.join(", ")));
    }
    rights(text, &view.rights);
}

/// What a column of a summary's view is, from the summary's declaration.
fn summed_up(catalogue: &Catalogue, view: &View, column: &str) -> String {
    let Some(summary) = catalogue
        .watched
        .iter()
        .flat_map(|table| &table.summaries)
        .find(|summary| view.schema == "audit_compiled" && summary.name == view.name)
    else {
        return String::new();
    };
    let part = |list: &str| {
        summary.definition[list]
            .as_array()
            .and_then(|parts| parts.iter().find(|part| part["name"] == column))
    };
    let text = |value: &serde_json::Value| plain(value);
    if let Some(group) = part("group_by") {
        format!("Group: {}.", text(&group["expression"]))
    } else if let Some(measure) = part("measures") {
        let expression = text(&measure["expression"]);
        if expression.is_empty() {
            format!("Measure: {}.", text(&measure["function"]))
        } else {
            format!("Measure: {} of {expression}.", text(&measure["function"]))
        }
    } else if column == "bucket" {
        let bucket = &summary.definition["bucket"];
        format!(
            "Start of the stretch of {} in which {} lies, in {}.",
            text(&bucket["width"]),
            text(&bucket["column"]),
            text(&bucket["time_zone"])
        )
    } else {
        String::new()
    }
}

fn triggers(text: &mut String, catalogue: &Catalogue) {
    text.push_str(
        "## Triggers\n\
         \n\
         Watched tables carry triggers after statements only, never for each row.\n\
         \n\
         | table | trigger | fires | calls | severity | what for |\n|---|---|---|---|---|---|\n",
    );
    for trigger in &catalogue.triggers {
        text.push_str(&format!(
            "| {} | {} | {}{} | {} | {} | {} |\n",
            code(&trigger.table),
            code(&trigger.name),
            trigger.fires,
            if trigger.enabled {
                ""
            } else {
                " (switched off)"
            },
            code(&trigger.function),
            worst_rule(catalogue, &trigger.table, &trigger.fires),
            what_for(catalogue, trigger),
        ));
    }
    text.push('\n');
}

/// The worst severity among the rules that a trigger of a watched table checks. A delete or truncate checks none: it
/// only takes failures back.
fn worst_rule(catalogue: &Catalogue, table: &str, fires: &str) -> String {
    let checks = fires.contains("insert") || fires.contains("update");
    catalogue
        .watched
        .iter()
        .find(|watched| watched.name == table)
        .filter(|_| checks)
        .and_then(|watched| watched.rules.iter().map(|rule| rule.severity).max())
        .map_or_else(|| "–".to_owned(), severity)
}

fn what_for(catalogue: &Catalogue, trigger: &Trigger) -> String {
    let function = catalogue
        .functions
        .iter()
        .find(|function| format!("{}.{}", function.schema, function.name) == trigger.function);
    let comment = function
        .map(|function| function.comment.as_str())
        .unwrap_or_default();
    or_dash(&cell(comment))
}

fn functions(text: &mut String, catalogue: &Catalogue) {
    let (inside, open): (Vec<&Function>, Vec<&Function>) = catalogue
        .functions
        .iter()
        .partition(|function| function.internal());
    let (generated, inside): (Vec<&Function>, Vec<&Function>) = inside
        .into_iter()
        .partition(|function| function.schema == "audit_compiled");

    text.push_str("## Functions that people call\n");
    for function in open {
        text.push_str(&format!(
            "\n### {}\n\n",
            cell(&format!("{}.{}", function.schema, function.name))
        ));
        text.push_str(&format!("{}\n\n", or_dash(&cell(&function.comment))));
        text.push_str(&format!(
            "```sql\n{}.{}({}) returns {}\n```\n\n",
            function.schema, function.name, function.arguments, function.returns
        ));
        text.push_str(&format!(
            "{}, {}, runs with the rights of {}. May be called by {}.\n",
            function.language,
            function.volatility,
            if function.definer {
                "its owner"
            } else {
                "its caller"
            },
            callers(function)
        ));
    }
    text.push_str(
        "\n## Functions inside\n\
         \n\
         The pipeline calls these itself.\n\
         \n\
         | function | what for | returns | runs with the rights of | may be called by |\n|---|---|---|---|---|\n",
    );
    for function in inside {
        row(text, function, "");
    }
    text.push_str(
        "\n## Generated functions\n\
         \n\
         Written by `audit.compile()` from the declarations; made anew when a declaration or the table changes.\n\
         \n\
         | function | what for | returns | runs with the rights of | may be called by | severity |\n|---|---|---|---|---|---|\n",
    );
    for function in &generated {
        let name = format!("{}.{}", function.schema, function.name);
        let calling = catalogue
            .triggers
            .iter()
            .find(|trigger| trigger.function == name);
        let worst = calling.map_or_else(
            || "–".to_owned(),
            |trigger| worst_rule(catalogue, &trigger.table, &trigger.fires),
        );
        row(text, function, &format!(" {worst} |"));
    }
    if generated.is_empty() {
        text.push_str("| none: no table is watched | – | – | – | – | – |\n");
    }
}

fn row(text: &mut String, function: &Function, more: &str) {
    text.push_str(&format!(
        "| {} | {} | {} | {} | {} |{more}\n",
        code(&format!(
            "{}.{}({})",
            function.schema, function.name, function.arguments
        )),
        or_dash(&cell(&function.comment)),
        code(&function.returns),
        if function.definer {
            "its owner"
        } else {
            "its caller"
        },
        callers(function),
    ));
}

fn callers(function: &Function) -> String {
    if function.callers.iter().any(|caller| caller == "everybody") {
        "everybody".into()
    } else if function.callers.is_empty() {
        "its owner only".into()
    } else {
        codes(&function.callers)
    }
}
