//! All documents as one page that needs nothing else: no other file, no network, no script.

use std::collections::HashMap;
use std::fmt::Write;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, html};

use super::markdown::anchor;
use super::{Catalogue, of};
use crate::canvas::escape;

const STYLE: &str = include_str!("page.css");

/// The documents as one page of HTML, with their pictures in it; to be opened, sent and printed.
pub fn page(catalogue: &Catalogue) -> String {
    let documents = of(catalogue);
    let pictures: HashMap<&str, &str> = documents
        .iter()
        .filter(|document| document.name.ends_with(".svg"))
        .map(|document| (document.name.as_str(), document.text.as_str()))
        .collect();
    let mut contents = String::new();
    let mut body = String::new();
    for document in &documents {
        let Some(name) = document.name.strip_suffix(".md") else {
            continue;
        };
        // The page has contents of its own.
        if name == "README" {
            continue;
        }
        let chapter = chapter(name, &document.text, &pictures);
        let _ = write!(
            body,
            "<section id=\"{name}\">\n{}</section>\n",
            chapter.html
        );
        let _ = writeln!(
            contents,
            "<li><a href=\"#{name}\">{}</a><ul>",
            escape(&chapter.title)
        );
        for (id, heading) in &chapter.parts {
            let _ = writeln!(
                contents,
                "<li><a href=\"#{}\">{}</a></li>",
                escape(id),
                escape(heading)
            );
        }
        contents.push_str("</ul></li>\n");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>What is installed and what is audited</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the documents</a>\n\
         <nav aria-label=\"Contents\"><ul>\n{contents}</ul></nav>\n<main id=\"main\">\n{body}</main>\n</body>\n</html>\n"
    )
}

/// A document as a part of the page.
struct Chapter {
    title: String,
    /// The headings of the second level, and where they are.
    parts: Vec<(String, String)>,
    html: String,
}

fn chapter(name: &str, markdown: &str, pictures: &HashMap<&str, &str>) -> Chapter {
    let mut events: Vec<Event> = Vec::new();
    let mut title = String::new();
    let mut parts = Vec::new();
    // A heading is known when its text is: where it begins, until it ends.
    let mut heading: Option<(usize, String)> = None;
    let mut hidden = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            // What Mermaid draws, the pictures show.
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(ref language)))
                if &**language == "mermaid" =>
            {
                hidden = true;
            }
            Event::End(TagEnd::CodeBlock | TagEnd::Image) if hidden => hidden = false,
            _ if hidden => {}
            Event::Start(Tag::Image { ref dest_url, .. }) => {
                hidden = true;
                if let Some(svg) = pictures.get(&**dest_url) {
                    events.push(Event::Html(CowStr::from(format!(
                        "<span class=\"picture\" tabindex=\"0\" role=\"group\" aria-label=\"Picture, may be wider than the page\">{svg}</span>"
                    ))));
                }
            }
            Event::Start(Tag::Heading { level, .. }) => {
                heading = Some((events.len(), String::new()));
                events.push(Event::Start(Tag::Heading {
                    level,
                    id: None,
                    classes: Vec::new(),
                    attrs: Vec::new(),
                }));
            }
            Event::End(TagEnd::Heading(level)) => {
                if let Some((place, text)) = heading.take() {
                    let id = format!("{name}-{}", anchor(&text));
                    match level as usize {
                        1 => title = text,
                        2 => parts.push((id.clone(), text)),
                        _ => {}
                    }
                    events[place] = Event::Start(Tag::Heading {
                        level,
                        id: Some(CowStr::from(id)),
                        classes: Vec::new(),
                        attrs: Vec::new(),
                    });
                }
                events.push(Event::End(TagEnd::Heading(level)));
            }
            Event::Start(Tag::Link { dest_url, .. }) => events.push(Event::Start(Tag::Link {
                link_type: LinkType::Inline,
                dest_url: CowStr::from(target(name, &dest_url)),
                title: CowStr::Borrowed(""),
                id: CowStr::Borrowed(""),
            })),
            Event::Start(Tag::Table(alignments)) => {
                events.push(Event::Html(CowStr::Borrowed(
                    "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Table, may be wider than the page\">",
                )));
                events.push(Event::Start(Tag::Table(alignments)));
            }
            Event::End(TagEnd::Table) => {
                events.push(Event::End(TagEnd::Table));
                events.push(Event::Html(CowStr::Borrowed("</div>\n")));
            }
            // The documents themselves write no other markup; whatever else looks like it is a name.
            Event::InlineHtml(markup) if &*markup == "<br>" => events.push(Event::HardBreak),
            Event::InlineHtml(markup) | Event::Html(markup) => events.push(Event::Text(markup)),
            Event::Text(text) | Event::Code(text) if heading.is_some() => {
                if let Some((_, known)) = &mut heading {
                    known.push_str(&text);
                }
                events.push(Event::Text(text));
            }
            other => events.push(other),
        }
    }
    let mut text = String::new();
    html::push_html(&mut text, events.into_iter());
    Chapter {
        title,
        parts,
        html: text,
    }
}

/// Where a link of a document leads in the page.
fn target(document: &str, link: &str) -> String {
    match link.split_once('#') {
        Some(("", heading)) => format!("#{document}-{heading}"),
        Some((file, heading)) => format!("#{}-{heading}", file.trim_end_matches(".md")),
        None => format!("#{}", link.trim_end_matches(".md")),
    }
}
