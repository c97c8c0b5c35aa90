//! The frame of a document: what stands around every page.

use base64::Engine;

use super::adaptive;
use super::markup::Html;

const RULES: &str = include_str!("style.css");

/// The style sheet of the report and of the live page, for both themes, for phones and for paper. The font is the one that
/// pictures are measured with, so that no word is wider than its room; a report carries it along.
pub(crate) fn style_sheet(look: &Look) -> String {
    let font = |weight: u32, address: &'static str, file: &[u8]| {
        let source = match look {
            Look::Inside => format!(
                "data:font/ttf;base64,{}",
                base64::engine::general_purpose::STANDARD.encode(file)
            ),
            Look::Served => address.to_owned(),
        };
        format!(
            "@font-face{{font-family:\"Noto Sans\";font-weight:{weight};font-display:swap;src:url({source})}}\n"
        )
    };
    [
        font(400, "/regular.ttf", notosans::REGULAR_TTF),
        font(700, "/bold.ttf", notosans::BOLD_TTF),
        adaptive::variables(),
        RULES.to_owned(),
    ]
    .concat()
}

/// Where the look of a document comes from.
pub(crate) enum Look {
    /// From within: the document needs nothing else.
    Inside,
    /// From files of the live page, which also bring it up to date.
    #[cfg_attr(
        not(feature = "serve"),
        expect(dead_code, reason = "only the live page has files")
    )]
    Served,
}

/// A whole document.
pub(crate) fn document(title: &str, look: &Look, body: &Html) -> String {
    let mut html = Html::new();
    html.put(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n",
        &[&title],
    );
    match look {
        Look::Inside => html
            .put("<style>\n", &[])
            .drawn(&style_sheet(look))
            .put("</style>\n", &[]),
        Look::Served => html.put(
            "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n\
             <link rel=\"stylesheet\" href=\"/style.css\">\n<script src=\"/live.js\" defer></script>\n",
            &[],
        ),
    };
    html.put(
        "</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<div class=\"page\">\n",
        &[],
    )
    .add(body)
    .put("</div>\n</body>\n</html>\n", &[]);
    html.into_string()
}
