//! One picture for both themes: what is drawn on white and on dark differs in its colours only, so the colours become
//! variables of the page, which knows what its reader prefers.

use std::fmt::Write as _;

use audit_core::{Severity, Theme};

use crate::style::{Palette, Style};

/// The names of the colours and what they are in a theme.
fn colors(theme: Theme) -> Vec<(String, &'static str)> {
    let Palette {
        paper,
        ink,
        soft,
        quiet,
        hairline,
        border,
        track,
        good,
        series,
        series_soft,
        heat,
        lines,
    } = match theme {
        Theme::Light => Style::light(),
        Theme::Dark => Style::dark(),
    }
    .palette();
    let mut colors: Vec<(String, &'static str)> = [
        ("paper", *paper),
        ("ink", ink),
        ("soft", soft),
        ("quiet", quiet),
        ("hairline", hairline),
        ("border", border),
        ("track", track),
        ("good", good),
        ("series", series),
        ("series-soft", series_soft),
    ]
    .map(|(name, color)| (name.to_owned(), color))
    .into();
    for (place, color) in heat.iter().enumerate() {
        colors.push((format!("heat-{}", place + 1), color));
    }
    for (place, color) in lines.iter().enumerate() {
        colors.push((format!("line-{}", place + 1), color));
    }
    for severity in Severity::ALL {
        colors.push((severity.name().to_owned(), severity.color(theme)));
    }
    colors
}

/// The variables of both themes as a style sheet. Paper is white: the dark theme is for screens.
pub(crate) fn variables() -> String {
    let list = |theme| {
        colors(theme)
            .iter()
            .fold(String::new(), |mut list, (name, color)| {
                let _ = write!(list, "--{name}:{color};");
                list
            })
    };
    format!(
        ":root{{color-scheme:light dark;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n\
         @media print{{:root{{color-scheme:light}}}}\n",
        list(Theme::Light),
        list(Theme::Dark)
    )
}

/// Makes one picture of two that differ in their colours only. `None` where they differ in more.
pub(crate) fn adaptive(light: &str, dark: &str) -> Option<String> {
    let (names, others) = (colors(Theme::Light), colors(Theme::Dark));
    let mut adapted = String::with_capacity(light.len());
    let (mut light, mut dark) = (light, dark);
    loop {
        match (next_color(light), next_color(dark)) {
            (None, None) => {
                adapted.push_str(light);
                return (light == dark).then_some(adapted);
            }
            (Some(here), Some(there)) if light[..here] == dark[..there] => {
                adapted.push_str(&light[..here]);
                let (one, other) = (&light[here..here + 7], &dark[there..there + 7]);
                let known = names.iter().zip(&others).find(|((_, light), (_, dark))| {
                    light.eq_ignore_ascii_case(one) && dark.eq_ignore_ascii_case(other)
                });
                let _ = match known {
                    Some(((name, _), _)) => write!(adapted, "var(--{name})"),
                    None if one == other => write!(adapted, "{one}"),
                    None => write!(adapted, "light-dark({one},{other})"),
                };
                (light, dark) = (&light[here + 7..], &dark[there + 7..]);
            }
            _ => return None,
        }
    }
}

/// Where the next attribute is a colour. In a text it can not be taken for one, because quotes are escaped there.
fn next_color(svg: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let place = from + svg[from..].find("\"#")? + 1;
        let is_color = svg
            .as_bytes()
            .get(place + 1..place + 8)
            .is_some_and(|rest| rest[..6].iter().all(u8::is_ascii_hexdigit) && rest[6] == b'"');
        if is_color {
            return Some(place);
        }
        from = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_variables() {
        assert_eq!(
            adaptive(
                "<rect fill=\"#FFFFFF\"/><text fill=\"#475467\">a</text><b c=\"#123456\"/>",
                "<rect fill=\"#0F172A\"/><text fill=\"#98A2B3\">a</text><b c=\"#654321\"/>"
            )
            .as_deref(),
            Some(
                "<rect fill=\"var(--paper)\"/><text fill=\"var(--low)\">a</text><b c=\"light-dark(#123456,#654321)\"/>"
            )
        );
    }

    #[test]
    fn pictures_that_differ_in_more_are_not_one() {
        assert_eq!(adaptive("<a b=\"#FFFFFF\"/>", "<c b=\"#0F172A\"/>"), None);
        assert_eq!(adaptive("<a/>", "<a/> "), None);
    }
}
