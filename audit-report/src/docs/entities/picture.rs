//! Entities and relations as pictures: a box for every table with its columns, lines from what refers to what is
//! referred to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use audit_schema::catalogue::{Catalogue, Column, Reference, Table};

use super::super::area::{Diagram, SUBJECTS, diagrams, short_type, subject_of, tables_by_subject};
use super::super::routes::{Box as TableBox, Line, Plan, lay_out};
use crate::canvas::{Area, Canvas, Type};
use crate::font::{self, Weight};
use crate::format::count;
use crate::style::{LABEL, NOTE, Palette, Style, TITLE};

const WIDTH: f64 = 252.0;
const HEADER: f64 = 26.0;
const ROW: f64 = 16.0;
const MARGIN: f64 = 32.0;
/// Where a column of a picture is long enough.
const TALL: f64 = 1_400.0;

/// A table that is drawn, and where.
struct Placed<'c> {
    table: Cow<'c, Table>,
    group: &'c str,
    column: usize,
}

/// The picture of all tables of the pipeline, in columns by subject.
pub fn erd_svg(catalogue: &Catalogue) -> String {
    let placed: Vec<Placed> = tables_by_subject(catalogue)
        .into_iter()
        .filter(|(subject, _)| subject.name != "Watched tables")
        .flat_map(|(subject, tables)| {
            tables.into_iter().map(|table| Placed {
                table: Cow::Borrowed(table),
                group: subject.name,
                column: subject.column,
            })
        })
        .collect();
    draw("Entities and relations of the pipeline", &placed)
}

/// A picture for each subject: its tables whole, and of the tables of other subjects that they refer to the key.
pub(in super::super) fn subject_svg(catalogue: &Catalogue, diagram: &Diagram) -> String {
    let mut tables: Vec<Cow<Table>> = diagram
        .tables
        .iter()
        .map(|table| Cow::Borrowed(*table))
        .collect();
    let mut others: BTreeMap<String, &Table> = BTreeMap::new();
    for table in &diagram.tables {
        for reference in &table.references {
            let is_here = diagram
                .tables
                .iter()
                .any(|other| other.full_name() == reference.to);
            let other = catalogue
                .tables
                .iter()
                .find(|other| other.full_name() == reference.to);
            if let (false, Some(other)) = (is_here, other) {
                others.insert(reference.to.clone(), other);
            }
        }
    }
    let whole = tables.len();
    tables.extend(
        others
            .into_values()
            .map(|other| Cow::Owned(only_key(other))),
    );
    let levels = levels(&tables);
    // Tables of a level stand below each other, and beside each other where that would be too long.
    let mut order: Vec<usize> = (0..tables.len()).collect();
    order.sort_by_key(|place| levels[*place]);
    let mut columns = vec![0; tables.len()];
    let (mut column, mut level, mut height) = (0, 0, 0.0);
    for place in order {
        let tall = box_height(&tables[place]) + 20.0;
        if height > 0.0 && (levels[place] != level || height + tall > TALL) {
            column += 1;
            height = 0.0;
        }
        level = levels[place];
        height += tall;
        columns[place] = column;
    }
    let placed: Vec<Placed> = tables
        .into_iter()
        .enumerate()
        .map(|(place, table)| Placed {
            // The title names the subject of the whole picture.
            group: if place < whole {
                ""
            } else {
                SUBJECTS[subject_of(&table)].name
            },
            table,
            column: columns[place],
        })
        .collect();
    draw(&diagram.name, &placed)
}

/// All pictures by subject, with the names of their files.
pub fn erd_subject_svgs(catalogue: &Catalogue) -> Vec<(String, String)> {
    diagrams(catalogue)
        .iter()
        .map(|diagram| (diagram.file(), subject_svg(catalogue, diagram)))
        .collect()
}

/// A table of another subject, of which only the key is shown.
fn only_key(table: &Table) -> Table {
    let columns: Vec<Column> = table
        .columns
        .iter()
        .filter(|column| column.key)
        .cloned()
        .collect();
    Table {
        columns,
        references: Vec::new(),
        ..table.clone()
    }
}

/// How far each table is from one that refers to nothing. Where tables refer to each other in a circle, one of them is
/// taken as the first.
fn levels(tables: &[Cow<Table>]) -> Vec<usize> {
    fn level(
        place: usize,
        targets: &[Vec<usize>],
        known: &mut [Option<usize>],
        above: &mut Vec<usize>,
    ) -> usize {
        if let Some(level) = known[place] {
            return level;
        }
        above.push(place);
        let level_here = targets[place]
            .iter()
            .filter(|target| !above.contains(target))
            .copied()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|target| level(target, targets, known, above) + 1)
            .max()
            .unwrap_or(0);
        above.pop();
        known[place] = Some(level_here);
        level_here
    }
    let names: BTreeMap<String, usize> = tables
        .iter()
        .enumerate()
        .map(|(place, table)| (table.full_name(), place))
        .collect();
    let targets: Vec<Vec<usize>> = tables
        .iter()
        .map(|table| {
            table
                .references
                .iter()
                .filter_map(|reference| names.get(&reference.to).copied())
                .collect()
        })
        .collect();
    let mut known = vec![None; tables.len()];
    (0..tables.len())
        .map(|place| level(place, &targets, &mut known, &mut Vec::new()))
        .collect()
}

fn box_height(table: &Table) -> f64 {
    HEADER + ROW * table.columns.len() as f64 + 8.0
}

fn draw(title: &str, placed: &[Placed]) -> String {
    let tables: Vec<&Table> = placed.iter().map(|one| one.table.as_ref()).collect();
    let boxes: Vec<TableBox> = placed
        .iter()
        .map(|one| TableBox {
            group: one.group,
            column: one.column,
            height: box_height(&one.table),
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
        // The legend needs some width, however few tables there are.
        width: plan.width.max(900.0).ceil() as u32,
        height: (plan.height + legend).ceil() as u32,
        ..Style::light()
    };
    let palette = style.palette();
    let mut canvas = Canvas::new(&style);
    canvas.text(MARGIN, 44.0, title, Type::new(22.0, palette.ink).bold());
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
        title,
        "Tables with their columns, grouped by subject; lines show which column refers to which table.",
    )
}

/// The ends of lines that the legend explains.
enum End {
    AnyNumber,
    OneAtMost,
    Exactly,
}

fn draw_table(canvas: &mut Canvas, area: Area, table: &Table, palette: &Palette) {
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
    palette: &Palette,
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
