//! The flow as a diagram that a web page draws.

use audit_schema::catalogue::{Catalogue, When};

use super::super::audited::rules;
use super::super::markdown::label;
use super::few;

/// The flow as a Mermaid diagram.
pub fn flow_mermaid(catalogue: &Catalogue) -> String {
    let mut text = String::from("flowchart LR\n");
    text.push_str("    subgraph write [\"in the writer's transaction\"]\n");
    let tables: Vec<String> = catalogue
        .watched
        .iter()
        .map(|table| label(&table.name))
        .collect();
    text.push_str(&format!(
        "        tables[\"{}\"]\n",
        if tables.is_empty() {
            "watched tables".to_owned()
        } else {
            few(tables).join("<br/>")
        }
    ));
    text.push_str(
        "        check{\"every rule, over all rows of the statement\"}\n\
         \x20       reject[\"reject: the statement fails\"]\n\
         \x20       quarantine[(\"audit.quarantine\")]\n\
         \x20       finding[(\"audit.finding\")]\n\
         \x20       change[(\"audit.change\")]\n\
         \x20   end\n\
         \x20   subgraph tick [\"audit.tick\"]\n\
         \x20       segment[(\"audit.segment, sealed\")]\n\
         \x20       counters[(\"counters\")]\n",
    );
    let summaries: Vec<String> = catalogue
        .watched
        .iter()
        .flat_map(|table| &table.summaries)
        .map(|summary| label(&summary.name))
        .collect();
    text.push_str(&format!(
        "        summaries[(\"{}\")]\n    end\n",
        if summaries.is_empty() {
            "summaries".to_owned()
        } else {
            format!("summaries:<br/>{}", few(summaries).join("<br/>"))
        }
    ));
    let policies: Vec<String> = catalogue
        .alert_policies
        .iter()
        .map(|policy| label(&policy.name))
        .collect();
    let channels: Vec<String> = catalogue
        .channels
        .iter()
        .map(|channel| label(&channel.name))
        .collect();
    text.push_str(&format!(
        "    subgraph telling [\"alerts\"]\n        policies{{\"{}\"}}\n        alert[(\"audit.alert\")]\n        outbox[(\"audit.outbox\")]\n        channels[\"{}\"]\n    end\n",
        if policies.is_empty() { "alert policies".to_owned() } else { format!("alert policies:<br/>{}", few(policies).join("<br/>")) },
        if channels.is_empty() { "channels".to_owned() } else { format!("channels:<br/>{}", few(channels).join("<br/>")) }
    ));
    if rules(catalogue).any(|rule| rule.when == When::Asked) {
        text.push_str(
            "    asked{\"time-driven rules: asked by the tick\"}\n\
             \x20   tick --> asked\n\
             \x20   asked -- \"a wrong answer\" --> finding\n",
        );
    }
    text.push_str(
        "    people([\"people who put it right\"])\n\
         \x20   dashboard[\"dashboard, SQL\"]\n\
         \x20   tables --> check\n\
         \x20   check -- \"a reject rule failed\" --> reject\n\
         \x20   check -- \"a quarantine rule failed\" --> quarantine\n\
         \x20   check -- \"any rule failed\" --> finding\n\
         \x20   check -- \"always\" --> change\n\
         \x20   change --> segment\n\
         \x20   change --> counters\n\
         \x20   change --> summaries\n\
         \x20   finding --> counters\n\
         \x20   counters --> policies\n\
         \x20   summaries --> policies\n\
         \x20   policies --> alert --> outbox --> channels --> people\n\
         \x20   counters --> dashboard\n\
         \x20   alert --> dashboard\n\
         \x20   dashboard --> people\n\
         \x20   quarantine -- \"looked after\" --> people\n\
         \x20   people -- \"corrections are writes\" --> tables\n",
    );
    text
}
