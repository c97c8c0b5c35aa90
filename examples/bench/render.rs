//! The page and the chart that a run writes.

use std::fmt::Write as _;
use std::path::Path;

use audit_report::Style;
use audit_report::bars::{self, Bar, Panel};
use audit_report::format::{count, thousands};

use crate::Outcome;
use crate::figures::Figures;
use crate::lines::{self, Line, Target, bytes, rate, seconds};
use crate::work::Table;

const BEGIN: &str = "<!-- make bench: begin -->";
const END: &str = "<!-- make bench: end -->";

/// Writes the page between its marks, and the chart.
pub fn write(figures: &Figures, directory: &Path) -> Outcome<()> {
    let file = directory.join("PERFORMANCE.md");
    let text = if file.exists() {
        std::fs::read_to_string(&file)?
    } else {
        format!("{BEGIN}\n{END}\n")
    };
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("PERFORMANCE.md has no mark where the figures begin")?;
    let (_, after) = rest
        .split_once(END)
        .ok_or("PERFORMANCE.md has no mark where the figures end")?;
    let mut page = page(figures);
    if let Some(svg) = chart(figures) {
        std::fs::write(directory.join("performance.svg"), svg)?;
        page += "\n![What watching a table costs the writer](performance.svg)\n";
    }
    std::fs::write(&file, format!("{before}{BEGIN}\n{page}{END}{after}"))?;
    Ok(())
}

/// The part of the page that is made of figures.
pub fn page(figures: &Figures) -> String {
    let mut text = conditions(figures);
    text += "\n| | to reach | measured | | made of |\n|---|--:|--:|---|---|\n";
    for line in lines::all(figures) {
        let mark = match line.met() {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "",
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {mark} | {} |",
            line.title,
            line.target(),
            line.value(),
            line.detail
        );
    }
    for table in Table::ALL {
        text += &compared(figures, table);
    }
    text
}

/// Where, when and how the figures were taken: once for all parts that share it.
fn conditions(figures: &Figures) -> String {
    let mut text = String::new();
    let mut told: Vec<(&serde_json::Value, Vec<&str>)> = Vec::new();
    for (part, condition) in &figures.conditions {
        match told.iter_mut().find(|(known, _)| *known == condition) {
            Some((_, parts)) => parts.push(part),
            None => told.push((condition, vec![part])),
        }
    }
    for (condition, parts) in told {
        let word = |name: &str| condition[name].as_str().unwrap_or("?").to_owned();
        let _ = writeln!(
            text,
            "- {}: PostgreSQL {}, {}, on {}; {}, {} rows a bulk statement, {} s of single rows.{}",
            parts.join(", "),
            word("postgresql"),
            word("machine"),
            word("day"),
            count(condition["rounds"].as_i64().unwrap_or(0), "round", "rounds"),
            thousands(condition["rows"].as_i64().unwrap_or(0)),
            condition["seconds"],
            if condition["quick"] == true {
                " **A quick run, which shows that everything works and not how fast it is.**"
            } else {
                ""
            }
        );
    }
    text
}

/// All subjects of a table beside each other.
fn compared(figures: &Figures, table: Table) -> String {
    let name = table.name();
    let mut subjects = figures.subjects("bulk", name);
    if subjects.is_empty() {
        subjects = figures.subjects("single", name);
    }
    let columns = match table {
        Table::Flights => 20,
        Table::Narrow => 4,
    };
    let mut text = format!(
        "\n**{}{}, {columns} columns**; in brackets against no trigger, in the same round\n\n\
         | | insert | update | delete | log of insert and update | single-row inserts | single-row updates |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
        name[..1].to_uppercase(),
        &name[1..]
    );
    for subject in subjects {
        let cell = |part: &str, what: &str, write: fn(f64) -> String| {
            let key = |subject: &str| format!("{part}/{name}/{subject}/{what}");
            match figures.median(&key(subject)) {
                None => "–".to_owned(),
                Some(value) if subject == "bare" => write(value),
                Some(value) => {
                    let ratio = figures.ratio(&key(subject), &key("bare"));
                    let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
                    write(value) + &ratio
                }
            }
        };
        let log = |what: &str| {
            figures
                .median(&format!("bulk/{name}/{subject}/{what}"))
                .map(bytes)
        };
        let log = match (log("log_bytes"), log("packed_bytes")) {
            _ if ["bare", "empty_statement", "row_insert"].contains(&subject) => "–".to_owned(),
            (Some(log), Some(packed)) => format!("{log}, packed {packed}"),
            (Some(log), None) => log,
            _ => "–".to_owned(),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {log} | {} | {} |",
            figures.title(subject),
            cell("bulk", "insert_s", seconds),
            cell("bulk", "update_s", seconds),
            cell("bulk", "delete_s", seconds),
            cell("single", "inserts_per_s", rate),
            cell("single", "updates_per_s", rate),
        );
    }
    text
}

/// The chart; none before bulk statements and single rows were measured.
fn chart(figures: &Figures) -> Option<String> {
    let subjects = figures.subjects("bulk", "flights");
    if subjects.is_empty() || figures.subjects("single", "flights").is_empty() {
        return None;
    }
    let rows = thousands(figures.condition("bulk", "rows")? as i64);
    let panel =
        |title: String, what: &'static str, line: fn(&Figures, &str, &str, &str) -> Line| Panel {
            title,
            bars: subjects
                .iter()
                .filter(|subject| **subject != "bare")
                .filter_map(|subject| {
                    let line = line(figures, figures.title(subject), subject, what);
                    bar(figures, subject, &line)
                })
                .collect(),
        };
    let sizes = Panel {
        title: "Size of the log of that insert and update".to_owned(),
        bars: subjects
            .iter()
            .flat_map(|subject| {
                [
                    (*subject, "log_bytes", ""),
                    (*subject, "packed_bytes", ", packed"),
                ]
            })
            .filter(|(subject, ..)| {
                ["watched", "jsonb_statement", "jsonb_row"].contains(subject)
                    || subject.starts_with("peer_")
            })
            .filter_map(|(subject, what, suffix)| {
                let size = figures.median(&format!("bulk/flights/{subject}/{what}"))?;
                let label = format!("{}{suffix}", figures.title(subject));
                Some(Bar {
                    own: own(subject),
                    ..Bar::new(label, size, bytes(size))
                })
            })
            .collect(),
    };
    let panels = [
        panel(
            format!("Insert of {rows} rows, times no trigger"),
            "insert",
            lines::bulk,
        ),
        panel(
            format!("Update of {rows} rows, times no trigger"),
            "update",
            lines::bulk,
        ),
        panel(
            "Single-row inserts per second, share of no trigger".to_owned(),
            "inserts",
            lines::single,
        ),
        sizes,
    ];
    let condition = &figures.conditions["bulk"];
    let note = format!(
        "A table of 20 columns. PostgreSQL {}, {}, medians of {}. The mark across a bar is what it is to reach.",
        condition["postgresql"].as_str()?,
        condition["machine"].as_str()?,
        count(condition["rounds"].as_i64()?, "round", "rounds")
    );
    let style = Style {
        width: 1200,
        ..Style::light()
    };
    Some(bars::svg(
        "What watching a table costs the writer",
        &note,
        &panels,
        &style,
    ))
}

fn bar(figures: &Figures, subject: &str, line: &Line) -> Option<Bar> {
    let value = line.value?;
    let verdict = match line.met() {
        Some(true) => ", reached",
        Some(false) => ", missed",
        None => "",
    };
    let target = match line.target {
        Target::AtMost(target) | Target::AtLeast(target) => Some(target),
        Target::Open => None,
    };
    Some(Bar {
        own: own(subject),
        target,
        met: line.met(),
        ..Bar::new(figures.title(subject), value, line.value() + verdict)
    })
}

/// Whether it is the pipeline, and not what it is compared with.
fn own(subject: &str) -> bool {
    ["watched", "rules", "summaries", "full"].contains(&subject)
}
