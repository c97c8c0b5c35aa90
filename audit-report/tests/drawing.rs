//! What is drawn: the size of the picture, that there is ink on it, and the words.

mod made_up;

use audit_core::Theme;
use audit_report::bars::{self, Bar, Panel};
use audit_report::dashboard::{self, Dashboard, Period};
use audit_report::{Style, png};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use resvg::{tiny_skia, usvg};

fn draw(dashboard: &Dashboard) -> String {
    dashboard::svg(dashboard, &Style::light()).expect("it is drawn")
}

fn pixels(svg: &str, scale: f32) -> tiny_skia::Pixmap {
    tiny_skia::Pixmap::decode_png(&png(svg, scale).expect("it is rasterised")).expect("it is a PNG")
}

fn share_of_ink(picture: &tiny_skia::Pixmap) -> f64 {
    let paper = picture.pixel(0, 0).expect("there are pixels");
    let inked = picture
        .pixels()
        .iter()
        .filter(|pixel| **pixel != paper)
        .count();
    inked as f64 / picture.pixels().len() as f64
}

#[test]
fn the_standard_picture_has_1600_by_1000_pixels() {
    let svg = draw(&made_up::ordinary());
    let once = pixels(&svg, 1.0);
    assert_eq!((once.width(), once.height()), (1600, 1000));
    let twice = pixels(&svg, 2.0);
    assert_eq!((twice.width(), twice.height()), (3200, 2000));
}

#[test]
fn there_is_ink_on_every_picture() {
    assert!(share_of_ink(&pixels(&draw(&made_up::ordinary()), 1.0)) > 0.08);
    assert!(share_of_ink(&pixels(&draw(&made_up::busy()), 1.0)) > 0.15);
    assert!(share_of_ink(&pixels(&draw(&made_up::empty()), 1.0)) > 0.01);
}

#[test]
fn a_tick_that_does_not_run_is_told() {
    let mut dashboard = made_up::ordinary();
    assert!(!draw(&dashboard).contains("since the last tick"));
    dashboard.pipeline.silent = 7_200.0;
    let svg = draw(&dashboard);
    assert!(svg.contains("since the last tick") && !svg.contains("behind the newest write"));
}

#[test]
fn text_is_drawn_without_any_font_of_the_system() {
    let words = "<svg xmlns='http://www.w3.org/2000/svg' width='200' height='40' font-family='sans-serif'>\
                 <rect width='200' height='40' fill='#fff'/><text x='10' y='25'>Data quality</text></svg>";
    assert!(share_of_ink(&pixels(words, 1.0)) > 0.03);
}

#[test]
fn dark_pictures_are_dark() {
    let svg = dashboard::svg(&made_up::ordinary(), &Style::dark()).expect("it is drawn");
    let corner = pixels(&svg, 1.0)
        .pixel(2, 2)
        .expect("there are pixels")
        .demultiply();
    assert_eq!(
        format!(
            "#{:02X}{:02X}{:02X}",
            corner.red(),
            corner.green(),
            corner.blue()
        ),
        Theme::Dark.background()
    );
}

#[test]
fn the_same_figures_give_the_same_picture() {
    assert_eq!(draw(&made_up::ordinary()), draw(&made_up::ordinary()));
}

#[test]
fn the_title_names_the_days_that_stand_out() {
    let svg = draw(&made_up::ordinary());
    assert!(svg.contains("Findings by day and severity: 8 and 9 February stand out"));
    assert!(svg.contains("LGA: 206 of 260 departures cancelled on 8 February"));
}

#[test]
fn numbers_have_separated_thousands() {
    let svg = draw(&made_up::ordinary());
    assert!(svg.contains(">56,305<") && svg.contains(">1,204<"));
}

#[test]
fn nothing_is_said_with_words() {
    let svg = draw(&made_up::empty());
    for words in [
        "no findings in this range",
        "no rules are declared",
        "no table is watched",
        "no alerts in this range",
        "no changes in this range",
    ] {
        assert!(svg.contains(words), "{words}");
    }
}

#[test]
fn names_cannot_break_out() {
    let svg = draw(&made_up::hostile());
    let tree = usvg::roxmltree::Document::parse(&svg).expect("it is well-formed XML");
    let elements = [
        "svg", "title", "desc", "rect", "line", "text", "path", "circle", "g", "polyline",
        "polygon",
    ];
    for node in tree.descendants().filter(|node| node.is_element()) {
        assert!(
            elements.contains(&node.tag_name().name()),
            "<{}>",
            node.tag_name().name()
        );
        assert!(
            node.attributes()
                .all(|attribute| !attribute.name().starts_with("on"))
        );
    }
    assert!(share_of_ink(&pixels(&svg, 1.0)) > 0.08);
}

#[test]
fn any_period_in_any_zone_can_be_drawn() {
    // Zones in which a day was skipped, midnight does not exist on some days, and the clock changes by half an hour.
    let zones = [
        Tz::UTC,
        Tz::Pacific__Apia,
        Tz::America__Sao_Paulo,
        Tz::Australia__Lord_Howe,
    ];
    for days in [
        1, 2, 3, 4, 21, 22, 60, 100, 101, 365, 730, 731, 3_660, 3_661, 40_000,
    ] {
        for zone in zones {
            let last = NaiveDate::from_ymd_opt(2018, 11, 30).expect("a date");
            let period = Period::new(last - TimeDelta::days(days - 1), last, zone);
            assert_eq!(period.days(), days);
            let figures = made_up::random(period);
            assert!(
                figures.steps.len() <= 130,
                "{days} days are {} columns",
                figures.steps.len()
            );
            let svg = draw(&figures);
            assert!(
                !svg.contains("NaN") && !svg.contains("inf\""),
                "{days} days in {zone}"
            );
            usvg::roxmltree::Document::parse(&svg).expect("it is well-formed XML");
        }
    }
}

#[test]
fn the_longest_and_the_shortest_period_can_be_drawn() {
    for (first, last) in [
        (NaiveDate::MIN, NaiveDate::MAX),
        (NaiveDate::MAX, NaiveDate::MIN),
    ] {
        draw(&made_up::random(Period::new(
            first,
            last,
            Tz::America__New_York,
        )));
    }
}

#[test]
fn nothing_is_written_outside_of_the_picture() {
    for dashboard in [
        made_up::ordinary(),
        made_up::busy(),
        made_up::hostile(),
        made_up::empty(),
    ] {
        for style in [
            Style::light(),
            Style {
                width: 1200,
                height: 840,
                ..Style::light()
            },
        ] {
            let svg = dashboard::svg(&dashboard, &style).expect("it is drawn");
            let picture = pixels(&svg, 1.0);
            let paper = picture.pixel(0, 0).expect("there are pixels");
            let (width, height) = (picture.width(), picture.height());
            let edge = (0..width)
                .flat_map(|x| [(x, 0), (x, height - 1)])
                .chain((0..height).flat_map(|y| [(0, y), (width - 1, y)]));
            for (x, y) in edge {
                assert_eq!(
                    picture.pixel(x, y),
                    Some(paper),
                    "{} at {x}, {y}",
                    dashboard.database
                );
            }
        }
    }
}

#[test]
fn a_bar_is_as_long_as_its_share_of_the_longest() {
    let panel = Panel {
        title: "Seconds for one statement".into(),
        bars: vec![Bar::new("half", 0.5, "0.5 s"), Bar::new("all", 1.0, "1 s")],
    };
    let svg = bars::svg("What it costs", "", &[panel], &Style::light());
    let lengths: Vec<f64> = svg
        .lines()
        .filter(|line| line.contains("height=\"14\""))
        .map(|line| {
            let (_, width) = line.split_once("width=\"").expect("a bar has a width");
            let (width, _) = width.split_once('"').expect("the width ends");
            width.parse().expect("the width is a number")
        })
        .collect();
    assert_eq!(lengths.len(), 2);
    assert!((lengths[0] * 2.0 - lengths[1]).abs() < 0.02, "{lengths:?}");
    assert!(share_of_ink(&pixels(&svg, 1.0)) > 0.05);
}
