//! Charts from made-up figures: their size and ink, that everything fits, and what is said.

mod made_up;

use audit_report::chart::{Chart, Kind, Size};
use audit_report::{Drawing, Style, png};
use resvg::{tiny_skia, usvg};

const SIZES: [Size; 3] = [
    Size {
        width: 800,
        height: 450,
    },
    Size::LEAST,
    Size {
        width: 1600,
        height: 900,
    },
];

fn draw(chart: &Chart, size: Size) -> String {
    chart.svg(&Style::light(), size).expect("it is drawn")
}

fn texts(svg: &str) -> Vec<String> {
    let tree = usvg::roxmltree::Document::parse(svg).expect("it is well-formed XML");
    tree.descendants()
        .filter(|node| node.has_tag_name("text"))
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

fn chart(charts: Vec<Chart>, name: &str) -> Chart {
    charts
        .into_iter()
        .find(|chart| chart.kind().name() == name)
        .expect("there is one of every kind")
}

#[test]
fn there_is_a_made_up_chart_of_every_kind() {
    for charts in [made_up::charts::ordinary(), made_up::charts::empty()] {
        for kind in Kind::ALL {
            assert!(charts.iter().any(|chart| chart.kind() == kind), "{kind}");
        }
        assert!(charts.iter().any(|chart| chart.kind().name() == "summary"));
    }
}

#[test]
fn every_chart_has_its_size_and_ink_on_both_papers() {
    for chart in made_up::charts::ordinary() {
        for style in [Style::light(), Style::dark()] {
            for size in SIZES {
                let svg = chart.svg(&style, size).expect("it is drawn");
                let picture =
                    tiny_skia::Pixmap::decode_png(&png(&svg, 1.0).expect("it is rasterised"))
                        .expect("it is a PNG");
                assert_eq!(
                    (picture.width(), picture.height()),
                    (size.width, size.height)
                );
                let paper = picture.pixel(0, 0).expect("there are pixels");
                let inked = picture.pixels().iter().filter(|pixel| **pixel != paper);
                let share = inked.count() as f64 / picture.pixels().len() as f64;
                assert!(share > 0.015, "{} {size:?}: {share:.3}", chart.kind());
            }
        }
    }
}

#[test]
fn nothing_leaves_the_picture_however_long_names_are() {
    for charts in [
        made_up::charts::ordinary(),
        made_up::charts::busy(),
        made_up::charts::hostile(),
        made_up::charts::empty(),
    ] {
        for chart in charts {
            for size in [Size::default(), Size::LEAST] {
                let svg = draw(&chart, size);
                assert!(
                    !svg.contains("NaN") && !svg.contains("inf"),
                    "{}",
                    chart.kind()
                );
                let picture =
                    tiny_skia::Pixmap::decode_png(&png(&svg, 1.0).expect("it is rasterised"))
                        .expect("it is a PNG");
                let paper = picture.pixel(0, 0);
                let (width, height) = (picture.width(), picture.height());
                let edge = (0..width)
                    .flat_map(|x| [(x, 0), (x, height - 1)])
                    .chain((0..height).flat_map(|y| [(0, y), (width - 1, y)]));
                for (x, y) in edge {
                    assert_eq!(
                        picture.pixel(x, y),
                        paper,
                        "{} {size:?} at {x}, {y}",
                        chart.kind()
                    );
                }
            }
        }
    }
}

#[test]
fn names_cannot_break_out_of_a_chart() {
    let elements = [
        "svg", "title", "desc", "rect", "line", "text", "path", "circle", "g", "polyline",
        "polygon",
    ];
    for chart in made_up::charts::hostile() {
        let svg = draw(&chart, Size::default());
        let tree = usvg::roxmltree::Document::parse(&svg).expect("it is well-formed XML");
        for node in tree.descendants().filter(|node| node.is_element()) {
            let name = node.tag_name().name();
            assert!(elements.contains(&name), "<{name}> in {}", chart.kind());
            assert!(
                node.attributes()
                    .all(|attribute| !attribute.name().starts_with("on"))
            );
        }
    }
}

#[test]
fn a_chart_without_anything_says_so() {
    let said = [
        ("quality", "no table is watched"),
        (
            "pass-rate",
            "no rows were written to a table with rules in this range",
        ),
        ("findings", "no findings in this range"),
        ("pareto", "no findings in this range"),
        ("heatmap", "no findings in this range"),
        ("freshness", "no table is watched"),
        ("changes", "no changes in this range"),
        ("alerts", "no alerts in this range"),
        ("response", "no alert was opened in this range"),
        ("quarantine", "no row waits in quarantine"),
        ("deliveries", "no messages in this range"),
        ("summary", "the summary has no rows in this range"),
    ];
    assert_eq!(said.len(), Kind::ALL.len() + 1);
    for chart in made_up::charts::empty() {
        let name = chart.kind().name();
        let (_, words) = said
            .iter()
            .find(|(kind, _)| *kind == name)
            .expect("every kind is listed");
        for size in SIZES {
            let texts = texts(&draw(&chart, size));
            assert!(texts.iter().any(|text| text == words), "{name}: {texts:?}");
        }
        assert!(
            chart.table().rows.is_empty() || matches!(name, "findings" | "heatmap" | "pass-rate"),
            "{name}"
        );
    }
}

#[test]
fn every_chart_says_its_days_zone_and_how_it_is_computed() {
    for chart in made_up::charts::ordinary() {
        let all = texts(&draw(&chart, Size::default())).join(" ");
        assert!(
            all.contains("1 Jan – 28 Feb 2013, America/New_York"),
            "{}: {all}",
            chart.kind()
        );
        assert!(chart.note.len() > 40, "{}", chart.note);
        assert!(
            chart
                .description
                .chars()
                .any(|letter| letter.is_ascii_digit()),
            "{}",
            chart.description
        );
        let svg = draw(&chart, Size::default());
        assert!(svg.contains("role=\"img\"") && svg.contains("<desc>"));
    }
}

#[test]
fn ten_thousand_things_are_cut_with_their_number() {
    for name in [
        "quality",
        "pass-rate",
        "pareto",
        "freshness",
        "alerts",
        "quarantine",
        "deliveries",
        "summary",
    ] {
        let chart = chart(made_up::charts::busy(), name);
        for size in SIZES {
            let svg = draw(&chart, size);
            let texts = texts(&svg);
            assert!(
                texts
                    .iter()
                    .any(|text| text.starts_with("and 9,9") && text.contains("more")),
                "{name} {size:?}: {texts:?}"
            );
            assert!(svg.len() < 300_000, "{name} {size:?}: {} bytes", svg.len());
        }
    }
}

#[test]
fn a_long_name_keeps_both_ends() {
    let texts = texts(&draw(
        &chart(made_up::charts::busy(), "pareto"),
        Size::default(),
    ));
    let name = texts
        .iter()
        .find(|text| text.contains('…'))
        .expect("a name does not fit");
    assert!(
        name.starts_with("warehouse") && name.ends_with("_v2"),
        "{name}"
    );
}

#[test]
fn figures_in_a_file_give_the_same_picture() {
    let drawings = made_up::charts::ordinary()
        .into_iter()
        .chain(made_up::charts::hostile())
        .map(|chart| Drawing::Chart(Box::new(chart)))
        .chain([Drawing::Dashboard(Box::new(made_up::ordinary()))]);
    for drawing in drawings {
        let kept = serde_json::to_string(&drawing).expect("it is written");
        let read: Drawing = serde_json::from_str(&kept).expect("it is read");
        let draw = |drawing: &Drawing| drawing.svg(&Style::dark(), None).expect("it is drawn");
        assert_eq!(draw(&read), draw(&drawing));
    }
}

#[test]
fn a_table_has_a_text_for_every_column() {
    for charts in [made_up::charts::ordinary(), made_up::charts::busy()] {
        for chart in charts {
            let table = chart.table();
            assert!(!table.rows.is_empty(), "{}", chart.kind());
            for row in &table.rows {
                assert_eq!(row.len(), table.columns.len(), "{}", chart.kind());
            }
        }
    }
}

#[test]
fn another_title_is_drawn() {
    let drawing = Drawing::Chart(Box::new(chart(made_up::charts::ordinary(), "heatmap")));
    let svg = drawing
        .titled("The week of <our> flights")
        .svg(&Style::light(), None)
        .expect("it is drawn");
    assert!(
        texts(&svg)
            .iter()
            .any(|text| text == "The week of <our> flights")
    );
}

#[test]
fn what_a_pareto_says() {
    insta::assert_snapshot!(
        texts(&draw(
            &chart(made_up::charts::ordinary(), "pareto"),
            Size::default()
        ))
        .join("\n")
    );
}

#[test]
fn what_the_times_of_response_say() {
    insta::assert_snapshot!(
        texts(&draw(
            &chart(made_up::charts::ordinary(), "response"),
            Size::default()
        ))
        .join("\n")
    );
}

#[test]
fn what_freshness_says() {
    insta::assert_snapshot!(
        texts(&draw(
            &chart(made_up::charts::ordinary(), "freshness"),
            Size::default()
        ))
        .join("\n")
    );
}
