//! Entities and relations: Mermaid by subject, and one picture of all.

use audit_schema::catalogue::{Catalogue, Reference, Table};

use super::area::{SUBJECTS, short_type, subject_of, tables_by_subject};
use super::markdown::{code, label};
use super::routes::{Box as TableBox, Line, Plan, lay_out};
use crate::canvas::{Area, Canvas, Type};
use crate::font::{self, Weight};
use crate::format::count;
use crate::style::{LABEL, NOTE, Style, TITLE};

/// The document: the picture, then a diagram for each subject.
pub fn erd(catalogue: &Catalogue) -> String {
    let mut text = String::from(
        "# Entities and relations\n\
         \n\
         Written by `audit docs` from an installed database. Do not edit.\n\
         \n\
         ![All entities of the pipeline and their relations](erd.svg)\n\
         \n\
         A solid line is a foreign key. A dashed line is a reference that PostgreSQL does not check: log tables carry no \
         foreign keys, because a writer must not lock what another writer locks. Partitions of the log are left out.\n",
    );
    for (subject, tables) in tables_by_subject(catalogue) {
        text.push_str(&format!("\n## {}\n\n{}\n\n", subject.name, subject.about));
        text.push_str("```mermaid\n");
        text.push_str(&diagram(catalogue, &tables));
        text.push_str("```\n");
    }
    text
}

/// All subjects in one Mermaid diagram.
pub fn erd_mermaid(catalogue: &Catalogue) -> String {
    diagram(catalogue, &catalogue.tables.iter().collect::<Vec<_>>())
}

fn diagram(catalogue: &Catalogue, tables: &[&Table]) -> String {
    let mut text = String::from("erDiagram\n");
    for table in tables {
        for reference in &table.references {
            text.push_str(&format!(
                "    {} {} {} : \"{}\"\n",
                entity(&reference.to),
                cardinality(reference),
                entity(&table.full_name()),
                label(&reference.columns.join(", "))
            ));
        }
    }
    for table in tables {
        let name = table.full_name();
        text.push_str(&format!("    {}[\"{}\"] {{\n", entity(&name), label(&name)));
        for column in &table.columns {
            let mut keys = Vec::new();
            if column.key {
                keys.push("PK");
            }
            if table
                .references
                .iter()
                .any(|reference| reference.columns.contains(&column.name))
            {
                keys.push("FK");
            }
            let keys = if keys.is_empty() {
                String::new()
            } else {
                format!(" {}", keys.join(", "))
            };
            let comment = if column.comment.is_empty() {
                String::new()
            } else {
                format!(" \"{}\"", label(&column.comment))
            };
            text.push_str(&format!(
                "        {} {}{keys}{comment}\n",
                word(&short_type(&column.data_type)),
                word(&column.name)
            ));
        }
        text.push_str("    }\n");
    }
    // Entities of other subjects appear by name only; so that the name is the whole one, it is said here.
    let mut others: Vec<&str> = tables
        .iter()
        .flat_map(|table| {
            table
                .references
                .iter()
                .map(|reference| reference.to.as_str())
        })
        .filter(|name| tables.iter().all(|table| table.full_name() != *name))
        .filter(|name| {
            catalogue
                .tables
                .iter()
                .any(|table| table.full_name() == *name)
        })
        .collect();
    others.sort_unstable();
    others.dedup();
    for name in others {
        text.push_str(&format!("    {}[\"{}\"]\n", entity(name), label(name)));
    }
    text
}

/// Mermaid's sign between the table that is referred to and the one that refers.
fn cardinality(reference: &Reference) -> String {
    let to = match (reference.many, reference.optional) {
        (true, _) => "}o",
        (false, true) => "|o",
        (false, false) => "||",
    };
    let line = if reference.checked { "--" } else { ".." };
    let from = if reference.one { "o|" } else { "o{" };
    format!("{to}{line}{from}")
}

/// A name that Mermaid takes without quotes; never the same for two tables.
fn entity(full_name: &str) -> String {
    word(full_name.strip_prefix("audit.").unwrap_or(full_name))
}

/// Letters, digits and underscores only. Anything else becomes its number, so that two names stay two.
fn word(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '_' | '[' | ']' | '(' | ')' => text.push(letter),
            '.' => text.push_str("__"),
            ',' => text.push('_'),
            letter if letter.is_ascii_alphanumeric() => text.push(letter),
            letter => text.push_str(&format!("x{:x}", u32::from(letter))),
        }
    }
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        text
    } else {
        format!("t{text}")
    }
}

const WIDTH: f64 = 252.0;
const HEADER: f64 = 26.0;
const ROW: f64 = 16.0;
const MARGIN: f64 = 32.0;

/// The picture: a box for every table of the pipeline with its columns, in columns by subject; lines from what refers
/// to what is referred to.
pub fn erd_svg(catalogue: &Catalogue) -> String {
    let subjects: Vec<_> = tables_by_subject(catalogue)
        .into_iter()
        .filter(|(subject, _)| subject.name != "Watched tables")
        .collect();
    let tables: Vec<&Table> = subjects
        .iter()
        .flat_map(|(_, tables)| tables.iter().copied())
        .collect();
    let boxes: Vec<TableBox> = tables
        .iter()
        .map(|table| {
            let subject = &SUBJECTS[subject_of(table)];
            TableBox {
                group: subject.name,
                column: subject.column,
                height: HEADER + ROW * table.columns.len() as f64 + 8.0,
            }
        })
        .collect();
    let row_of = |table: &Table, column: &str| {
        let place = table
            .columns
            .iter()
            .position(|other| other.name == column)
            .unwrap_or(0);
        HEADER + ROW * (place as f64 + 0.5) + 3.0
    };
    let mut lines = Vec::new();
    for (from, table) in tables.iter().enumerate() {
        for reference in &table.references {
            let Some(to) = tables
                .iter()
                .position(|other| other.full_name() == reference.to)
            else {
                continue;
            };
            lines.push(Line {
                from,
                to,
                from_row: row_of(table, reference.columns.first().map_or("", String::as_str)),
                to_row: row_of(
                    tables[to],
                    reference.to_columns.first().map_or("", String::as_str),
                ),
            });
        }
    }
    let plan = lay_out(&boxes, &lines, WIDTH, MARGIN, 76.0);
    let legend = 56.0;
    let style = Style {
        width: plan.width.ceil() as u32,
        height: (plan.height + legend).ceil() as u32,
        ..Style::light()
    };
    let palette = style.palette();
    let mut canvas = Canvas::new(&style);
    canvas.text(
        MARGIN,
        44.0,
        "Entities and relations of the pipeline",
        Type::new(22.0, palette.ink).bold(),
    );
    let columns = tables
        .iter()
        .map(|table| table.columns.len())
        .sum::<usize>();
    canvas.text(
        MARGIN,
        64.0,
        &format!(
            "{}, {}, {}. P belongs to the primary key, F refers to another table, ? may be null.",
            count(tables.len() as i64, "table", "tables"),
            count(columns as i64, "column", "columns"),
            count(lines.len() as i64, "reference", "references")
        ),
        Type::new(LABEL, palette.quiet),
    );
    draw_lines(&mut canvas, &plan, &lines, &tables, palette);
    for (place, table) in tables.iter().enumerate() {
        let (x, y) = plan.boxes[place];
        let area = Area {
            x,
            y,
            width: WIDTH,
            height: boxes[place].height,
        };
        draw_table(&mut canvas, area, table, palette);
    }
    for (name, x, y) in &plan.groups {
        canvas.text(*x, *y, name, Type::new(TITLE, palette.ink).bold());
    }
    let y = plan.height + 24.0;
    let mut x = MARGIN;
    for (text, dashed) in [
        ("foreign key", false),
        ("reference without a foreign key", true),
    ] {
        let dash = if dashed {
            " stroke-dasharray=\"4 3\""
        } else {
            ""
        };
        canvas.path(
            &format!("M{x} {y}H{}", x + 36.0),
            &format!(
                "fill=\"none\" stroke=\"{}\" stroke-width=\"1.3\"{dash}",
                palette.series
            ),
        );
        x += 44.0 + canvas.text(x + 44.0, y + 4.0, text, Type::new(NOTE, palette.soft)) + 28.0;
    }
    for (end, text) in [
        (End::AnyNumber, "any number refer to it"),
        (End::OneAtMost, "one at most refers to it"),
        (
            End::Exactly,
            "exactly one is referred to, with a ring one or none",
        ),
    ] {
        canvas.path(
            &format!("M{x} {y}H{}", x + 28.0),
            &format!(
                "fill=\"none\" stroke=\"{}\" stroke-width=\"1.3\"",
                palette.series
            ),
        );
        match end {
            End::Exactly => {
                parent_end(&mut canvas, x, y, 1.0, false, palette.series, palette.paper)
            }
            End::AnyNumber => {
                child_end(&mut canvas, x, y, 1.0, true, palette.series, palette.paper)
            }
            End::OneAtMost => {
                child_end(&mut canvas, x, y, 1.0, false, palette.series, palette.paper)
            }
        }
        x += 36.0 + canvas.text(x + 36.0, y + 4.0, text, Type::new(NOTE, palette.soft)) + 28.0;
    }
    canvas.finish(
        "Entities and relations of the pipeline",
        "Every table of the schema audit with its columns, grouped by subject; lines show which column refers to which table.",
    )
}

/// The ends of lines that the legend explains.
enum End {
    AnyNumber,
    OneAtMost,
    Exactly,
}

fn draw_table(canvas: &mut Canvas, area: Area, table: &Table, palette: &crate::style::Palette) {
    canvas.rectangle(area, palette.paper, 6.0);
    canvas.rectangle(
        Area {
            height: HEADER,
            ..area
        },
        palette.track,
        6.0,
    );
    canvas.outline(area, palette.heat[1], 6.0);
    canvas.line(
        (area.x, area.y + HEADER),
        (area.right(), area.y + HEADER),
        palette.heat[1],
        1.0,
    );
    let note = if table.partitioned.is_empty() {
        ""
    } else {
        "partitioned"
    };
    let note_width = font::width(note, NOTE, Weight::Regular);
    canvas.text_in(
        area.x + 10.0,
        area.y + 17.5,
        WIDTH - 24.0 - note_width,
        &table.name,
        Type::new(13.0, palette.ink).bold(),
    );
    canvas.text(
        area.right() - 10.0,
        area.y + 17.5,
        note,
        Type::new(NOTE, palette.quiet).end(),
    );
    for (place, column) in table.columns.iter().enumerate() {
        let y = area.y + HEADER + ROW * (place as f64 + 1.0) - 1.0;
        let refers = table
            .references
            .iter()
            .any(|reference| reference.columns.contains(&column.name));
        let mark = match (column.key, refers) {
            (true, true) => "PF",
            (true, false) => "P",
            (false, true) => "F",
            (false, false) => "",
        };
        let weight = if column.key {
            Type::new(NOTE, palette.ink).bold()
        } else {
            Type::new(NOTE, palette.ink)
        };
        canvas.text(
            area.x + 10.0,
            y,
            mark,
            Type::new(9.0, palette.series).bold(),
        );
        let kind = short_type(&column.data_type);
        let kind = if column.not_null {
            kind
        } else {
            format!("{kind}?")
        };
        let kind_width = font::width(&kind, NOTE, Weight::Regular).min(110.0);
        canvas.text_in(
            area.x + 28.0,
            y,
            WIDTH - 28.0 - 10.0 - kind_width - 8.0,
            &column.name,
            weight,
        );
        canvas.text(
            area.right() - 10.0,
            y,
            &font::fit(&kind, NOTE, Weight::Regular, 110.0),
            Type::new(NOTE, palette.quiet).end(),
        );
    }
}

fn draw_lines(
    canvas: &mut Canvas,
    plan: &Plan,
    lines: &[Line],
    tables: &[&Table],
    palette: &crate::style::Palette,
) {
    let inks = [
        palette.series,
        palette.soft,
        palette.series_soft,
        palette.heat[4],
    ];
    for trunk in &plan.trunks {
        let ink = inks[trunk.ink % inks.len()];
        let dash = if trunk
            .lines
            .iter()
            .all(|line| !is_checked(lines, tables, *line))
        {
            " stroke-dasharray=\"4 3\""
        } else {
            ""
        };
        canvas.path(
            &trunk.path,
            &format!("fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.3\"{dash} stroke-linejoin=\"round\""),
        );
    }
    for branch in &plan.branches {
        let reference = reference_of(lines, tables, branch.line);
        let ink = inks[branch.ink % inks.len()];
        let dash = if reference.checked {
            ""
        } else {
            " stroke-dasharray=\"4 3\""
        };
        canvas.path(
            &format!("M{} {}H{}", branch.trunk_x, branch.y, branch.box_x),
            &format!("fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.3\"{dash}"),
        );
        let direction = (branch.trunk_x - branch.box_x).signum();
        if branch.parent {
            parent_end(
                canvas,
                branch.box_x,
                branch.y,
                direction,
                reference.optional,
                ink,
                palette.paper,
            );
        } else {
            child_end(
                canvas,
                branch.box_x,
                branch.y,
                direction,
                !reference.one,
                ink,
                palette.paper,
            );
        }
    }
}

fn reference_of<'a>(lines: &[Line], tables: &[&'a Table], place: usize) -> &'a Reference {
    let line = &lines[place];
    let first = lines
        .iter()
        .position(|other| other.from == line.from)
        .unwrap_or(0);
    let known: Vec<&Reference> = tables[line.from]
        .references
        .iter()
        .filter(|reference| tables.iter().any(|other| other.full_name() == reference.to))
        .collect();
    known[place - first]
}

fn is_checked(lines: &[Line], tables: &[&Table], place: usize) -> bool {
    reference_of(lines, tables, place).checked
}

/// The end at the table that refers: a crow's foot for any number, a bar for one at most; the ring says none is allowed.
fn child_end(
    canvas: &mut Canvas,
    x: f64,
    y: f64,
    direction: f64,
    many: bool,
    ink: &str,
    paper: &str,
) {
    let stroke = format!("fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.3\"");
    if many {
        let tip = x + direction * 9.0;
        canvas.path(
            &format!("M{x} {}L{tip} {y}L{x} {}", y - 5.0, y + 5.0),
            &stroke,
        );
    } else {
        let bar = x + direction * 6.0;
        canvas.path(&format!("M{bar} {}V{}", y - 5.0, y + 5.0), &stroke);
    }
    ring(canvas, x + direction * 12.0, y, ink, paper);
}

/// The end at the table that is referred to: a bar, and another or a ring when it may be missing.
fn parent_end(
    canvas: &mut Canvas,
    x: f64,
    y: f64,
    direction: f64,
    optional: bool,
    ink: &str,
    paper: &str,
) {
    let stroke = format!("fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.3\"");
    let bar = x + direction * 5.0;
    canvas.path(&format!("M{bar} {}V{}", y - 5.0, y + 5.0), &stroke);
    if optional {
        ring(canvas, x + direction * 11.0, y, ink, paper);
    } else {
        let second = x + direction * 9.0;
        canvas.path(&format!("M{second} {}V{}", y - 5.0, y + 5.0), &stroke);
    }
}

fn ring(canvas: &mut Canvas, x: f64, y: f64, ink: &str, paper: &str) {
    canvas.path(
        &format!("M{} {y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0", x - 3.0),
        &format!("fill=\"{paper}\" stroke=\"{ink}\" stroke-width=\"1.2\""),
    );
}

/// Where a table is described in the breakdown.
pub(super) fn link(name: &str) -> String {
    format!(
        "[{}](breakdown.md#{})",
        code(name),
        super::markdown::anchor(name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words_that_mermaid_takes() {
        assert_eq!(entity("audit.rule"), "rule");
        assert_eq!(entity("public.flights"), "public__flights");
        assert_eq!(entity("public.my table"), "public__myx20table");
        assert_eq!(word("9lives"), "t9lives");
    }

    #[test]
    fn cardinalities_say_how_many() {
        let reference = Reference {
            columns: vec!["table_id".into()],
            to: "audit.watched_table".into(),
            to_columns: vec!["table_id".into()],
            checked: true,
            optional: false,
            one: false,
            many: false,
        };
        assert_eq!(cardinality(&reference), "||--o{");
        assert_eq!(
            cardinality(&Reference {
                checked: false,
                optional: true,
                ..reference.clone()
            }),
            "|o..o{"
        );
        assert_eq!(
            cardinality(&Reference {
                one: true,
                ..reference.clone()
            }),
            "||--o|"
        );
        assert_eq!(
            cardinality(&Reference {
                many: true,
                ..reference
            }),
            "}o--o{"
        );
    }
}
