//! `audit --help`: the commands in groups, as people look for them.

use std::collections::BTreeSet;

use clap::Command;

/// Lists the commands in groups instead of in one long list. What is in no group stands at the end.
pub fn grouped(command: Command, groups: &[(&str, &[&str])]) -> Command {
    let styles = command.get_styles().clone();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut list = String::new();
    let mut listed = BTreeSet::new();
    let mut add = |title: &str, names: &[&str]| {
        list.push_str(&format!("\n{header}{title}:{header:#}\n"));
        for name in names {
            if let Some(found) = command.find_subcommand(name) {
                let about = found
                    .get_about()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                list.push_str(&format!("  {literal}{name:<12}{literal:#} {about}\n"));
                listed.insert((*name).to_owned());
            }
        }
    };
    for (title, names) in groups {
        add(title, names);
    }
    let rest: Vec<String> = command
        .get_subcommands()
        .filter(|found| !found.is_hide_set())
        .map(|found| found.get_name().to_owned())
        .filter(|name| {
            !groups
                .iter()
                .any(|(_, names)| names.contains(&name.as_str()))
        })
        .collect();
    if !rest.is_empty() {
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        add("Further", &rest);
    }
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{list}\n{header}Options:{header:#}\n{{options}}{{after-help}}"
    ))
}
