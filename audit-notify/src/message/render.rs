//! Rendering: plain text, and HTML for mail programs: 600 pixels, tables, inline styles, nothing from outside.

use std::fmt::Write as _;

use audit_core::{Severity, Theme};

use super::{Content, Evidence, Fact, Kind, Message, PICTURE_ID, Templates};

pub(super) const PICTURE_BEGINS: &str = "<!-- picture begins -->";
pub(super) const PICTURE_ENDS: &str = "<!-- picture ends -->";

const INK: &str = "#101828";
const QUIET: &str = "#475467";
const LINE: &str = "#EAECF0";
const SANS: &str =
    "font-family:-apple-system,'Segoe UI',Roboto,'Noto Sans',Helvetica,Arial,sans-serif";
const MONO: &str =
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/// Names of the parts of a message, and how they are rendered.
type Parts = Vec<(&'static str, String)>;

/// Renders a message by templates.
#[must_use]
pub fn render(content: &Content, templates: &Templates) -> Message {
    Message {
        kind: content.kind,
        severity: content.severity,
        subject: content.subject.clone(),
        text: templates.text.fill(&text_parts(content)),
        html: templates.html.fill(&html_parts(content)),
        alert_id: content.alert_id,
        thread: Some(content.thread),
        at: content.at,
        data: content.data.clone(),
        events: content.events.clone(),
    }
}

/// The mark at the top: a shape and words, so that the colour is never alone.
fn mark(content: &Content) -> String {
    match content.kind {
        Kind::Resolved => format!("✓ {} · was {}", content.status, content.severity),
        Kind::Digest if is_over(content) => format!("✓ {}", content.status),
        _ => format!(
            "{} {} · {}",
            content.severity.symbol(),
            content.severity.label(),
            lower_first(&content.status)
        ),
    }
}

/// The parts of a plain text, each with the blank line before it where it is a paragraph of its own.
fn text_parts(content: &Content) -> Parts {
    let mut why = String::new();
    if let Some(said) = &content.why {
        let _ = write!(why, "\nWhy it matters: {said}");
    }
    let mut facts = String::new();
    if !content.facts.is_empty() {
        let widest = |of: fn(&Fact) -> &String| {
            let widths = content.facts.iter().map(|fact| of(fact).chars().count());
            widths.max().unwrap_or(0)
        };
        let (names, values) = (widest(|fact| &fact.name), widest(|fact| &fact.value));
        facts.push('\n');
        if content.kind == Kind::Resolved {
            let _ = writeln!(facts, "  {:names$}  {:>values$}  now", "", "then");
        }
        for fact in &content.facts {
            let now = fact.now.as_deref().unwrap_or_default();
            let value = if fact.is_number {
                format!("{:>values$}", fact.value)
            } else {
                format!("{:<values$}", fact.value)
            };
            let line = format!("  {:names$}  {value}  {now}", fact.name);
            let _ = writeln!(facts, "{}", line.trim_end());
        }
    }
    if let Some(condition) = &content.condition {
        let _ = writeln!(facts, "\n  fires when {condition}");
    }
    let mut evidence = String::new();
    if let Some(found) = &content.evidence {
        let (trend, label) = (&found.trend, &found.trend.label);
        let width = label.chars().count();
        let sparks = sparks(&trend.values);
        let _ = writeln!(evidence, "\n  {label}  {sparks}  {}", trend.most);
        for (words, list) in [("for example", &found.keys), ("written by", &found.writers)] {
            if !list.is_empty() {
                let _ = writeln!(evidence, "  {words:width$}  {}", list.join(", "));
            }
        }
    }
    let mut items = String::new();
    if !content.items.is_empty() {
        let mut heading = None;
        for (place, item) in content.items.iter().enumerate() {
            if place == 0 || item.heading != heading {
                heading.clone_from(&item.heading);
                let heading = heading
                    .as_ref()
                    .map_or(String::new(), |text| format!("{text}\n"));
                let _ = write!(items, "\n{heading}");
            }
            // Under a heading that says so, it is not said of each.
            let is_said = item.resolved && item.heading.is_none();
            let over = if is_said { "over: " } else { "" };
            let _ = writeln!(
                items,
                "  {} {:9}  {over}{}",
                item.severity.symbol(),
                item.severity,
                item.title
            );
            if let Some(note) = &item.note {
                let _ = writeln!(items, "    {:9}  {note}", "");
            }
        }
        if content.unlisted > 0 {
            let _ = writeln!(items, "  … and {} more", content.unlisted);
        }
    }
    let mut what_to_do = format!("{}\n", what_to_do_heading(content));
    if let Some(runbook) = &content.runbook {
        let _ = writeln!(what_to_do, "  Follow the runbook: {runbook}");
    }
    for step in &content.steps {
        let _ = writeln!(what_to_do, "  {}:\n    {}", step.text, step.command);
    }
    vec![
        ("subject", content.subject.clone()),
        ("headline", content.headline.clone()),
        ("mark", mark(content)),
        ("severity", content.severity.to_string()),
        ("lead", content.lead.clone()),
        ("why", why),
        ("facts", facts),
        ("evidence", evidence),
        ("items", items),
        ("what_to_do", what_to_do),
        ("audience", audience(content)),
        ("alert_id", content.alert_id.to_string()),
    ]
}

/// A chart of one line: a block for each number.
fn sparks(numbers: &[f64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    heights(numbers, BLOCKS.len() - 1)
        .into_iter()
        .map(|height| BLOCKS[height])
        .collect()
}

/// How high each number stands, of so many steps: zero only for none.
fn heights(numbers: &[f64], steps: usize) -> Vec<usize> {
    let most = numbers.iter().copied().fold(0.0, f64::max);
    numbers
        .iter()
        .map(|number| {
            // The highest that the number reaches: there are only a few steps.
            (1..=steps)
                .find(|step| number * (steps as f64) <= most * (*step as f64))
                .filter(|_| *number > 0.0)
                .unwrap_or_default()
        })
        .collect()
}

fn audience(content: &Content) -> String {
    let audience = &content.audience;
    let mut said = match audience.recipients.as_slice() {
        [] => format!("Sent through the channel {}.", audience.channel),
        recipients => format!(
            "Sent to {} through the channel {}.",
            recipients.join(", "),
            audience.channel
        ),
    };
    if !audience.owner.is_empty() {
        let _ = write!(said, " Owner: {}.", audience.owner);
    }
    said
}

/// The parts of the HTML: texts without marks of their own are escaped, the others are rows of the table.
fn html_parts(content: &Content) -> Parts {
    let (color, tint) = colors(content);
    let or_nothing = |some: Option<String>| some.unwrap_or_default();
    let why = content.why.as_ref().map(|why| {
        format!(
            "<p style=\"margin:8px 0 0;font-size:14px;line-height:21px;color:{QUIET}\"><b style=\"color:{INK}\">Why it matters:</b> {}</p>",
            escape(why)
        )
    });
    let picture = format!(
        "{PICTURE_BEGINS}<tr><td style=\"padding:16px 32px 8px\">\
         <img src=\"cid:{PICTURE_ID}\" width=\"536\" alt=\"The dashboard when this was sent\" \
         style=\"display:block;width:536px;max-width:100%;height:auto;border:1px solid {LINE};border-radius:4px\">\
         <p style=\"margin:6px 0 0;font-size:12px;line-height:16px;color:{QUIET}\">The dashboard when this was sent</p>\
         </td></tr>{PICTURE_ENDS}"
    );
    vec![
        ("subject", escape(&content.subject)),
        // What a list of mails shows next to the subject.
        ("preheader", escape(&content.headline)),
        ("headline", unbroken(&escape(&content.headline))),
        ("mark", escape(&mark(content))),
        ("severity", content.severity.to_string()),
        ("lead", escape(&content.lead)),
        ("why", or_nothing(why)),
        (
            "facts",
            or_nothing((!content.facts.is_empty()).then(|| facts(content))),
        ),
        (
            "evidence",
            or_nothing(
                content
                    .evidence
                    .as_ref()
                    .map(|found| evidence(found, color)),
            ),
        ),
        (
            "items",
            or_nothing((!content.items.is_empty()).then(|| items(content))),
        ),
        ("picture", picture),
        ("what_to_do", what_to_do(content, color)),
        ("audience", escape(&audience(content))),
        ("alert_id", content.alert_id.to_string()),
        ("color", color.to_owned()),
        ("tint", tint.to_owned()),
    ]
}

fn facts(content: &Content) -> String {
    let is_over = content.kind == Kind::Resolved;
    let head = format!(
        "padding:6px 0;font-size:12px;line-height:16px;font-weight:400;color:{QUIET};border-bottom:1px solid {LINE}"
    );
    let mut rows = String::new();
    if is_over {
        let _ = write!(
            rows,
            "<tr><th align=\"left\" style=\"{head}\">&nbsp;</th><th align=\"right\" style=\"{head}\">while it fired</th>\
             <th align=\"right\" style=\"{head}\">now</th></tr>"
        );
    }
    let cell =
        format!("padding:8px 0;font-size:14px;line-height:20px;border-bottom:1px solid {LINE}");
    for fact in &content.facts {
        let number = "font-weight:600;font-variant-numeric:tabular-nums";
        let _ = write!(
            rows,
            "<tr><td style=\"{cell};color:{QUIET}\">{}</td><td align=\"right\" style=\"{cell};{number};color:{}\">{}</td>",
            escape(&fact.name),
            if is_over { QUIET } else { INK },
            escape(&fact.value),
        );
        if let Some(now) = &fact.now {
            let _ = write!(
                rows,
                "<td align=\"right\" style=\"{cell};{number};padding-left:24px\">{}</td>",
                escape(now)
            );
        }
        rows.push_str("</tr>\n");
    }
    let condition = content.condition.as_ref().map_or_else(String::new, |condition| {
        format!(
            "<p style=\"margin:8px 0 0;font-size:12px;line-height:18px;color:{QUIET}\">Fires when \
             <span style=\"{MONO};color:{INK}\">{}</span></p>",
            escape(condition)
        )
    });
    format!(
        "<tr><td style=\"padding:12px 32px 8px\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" border=\"0\" style=\"border-top:1px solid {LINE};{SANS}\">{rows}</table>{condition}</td></tr>\n"
    )
}

/// How it came to that: a chart made of table cells, which every mail program draws, and some rows.
fn evidence(found: &Evidence, color: &str) -> String {
    const HEIGHT: usize = 36;
    let mut bars = String::new();
    for height in heights(&found.trend.values, HEIGHT) {
        let (height, color) = if height == 0 {
            (1, LINE)
        } else {
            (height, color)
        };
        let _ = write!(
            bars,
            "<td valign=\"bottom\" style=\"height:{HEIGHT}px;padding:0 2px 0 0\">\
             <div style=\"height:{height}px;line-height:1px;font-size:0;background:{color}\">&nbsp;</div></td>"
        );
    }
    let mut said = escape(&format!("{}, {}", found.trend.title, found.trend.most));
    for (words, list) in [("For example", &found.keys), ("Written by", &found.writers)] {
        if !list.is_empty() {
            let _ = write!(
                said,
                "<br>{words} <span style=\"{MONO};color:{INK}\">{}</span>",
                escape(&list.join(", "))
            );
        }
    }
    format!(
        "<tr><td style=\"padding:12px 32px 8px\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" border=\"0\" style=\"table-layout:fixed\"><tr>{bars}</tr></table>\
         <p style=\"margin:6px 0 0;font-size:12px;line-height:18px;color:{QUIET}\">{said}</p></td></tr>\n"
    )
}

fn items(content: &Content) -> String {
    let mut rows = String::new();
    let mut heading = None;
    for item in &content.items {
        if item.heading != heading {
            heading.clone_from(&item.heading);
            let _ = writeln!(
                rows,
                "<tr><td colspan=\"2\" style=\"padding:20px 0 6px;font-size:15px;line-height:20px;font-weight:600;color:{INK};border-bottom:1px solid {LINE}\">{}</td></tr>",
                escape(heading.as_deref().unwrap_or_default())
            );
        }
        let cell = format!(
            "padding:8px 0;font-size:14px;line-height:20px;border-bottom:1px solid {LINE};vertical-align:top"
        );
        let (color, word) = if item.resolved && item.heading.is_none() {
            (Theme::Light.good(), "✓ over".to_owned())
        } else if item.resolved {
            (Theme::Light.good(), format!("✓ {}", item.severity.label()))
        } else {
            (
                item.severity.color(Theme::Light),
                format!("{} {}", item.severity.symbol(), item.severity.label()),
            )
        };
        let _ = writeln!(
            rows,
            "<tr><td style=\"{cell};width:96px;color:{color};font-weight:600;font-size:13px;white-space:nowrap\">{word}</td>\
             <td style=\"{cell};padding-left:12px\">{}{}</td></tr>",
            unbroken(&escape(&item.title)),
            item.note.as_ref().map_or_else(String::new, |note| format!(
                "<br><span style=\"font-size:12px;line-height:18px;color:{QUIET}\">{}</span>",
                unbroken(&escape(note))
            ))
        );
    }
    if content.unlisted > 0 {
        let _ = write!(
            rows,
            "<tr><td colspan=\"2\" style=\"padding:8px 0;font-size:14px;line-height:20px;color:{QUIET}\">… and {} more</td></tr>",
            content.unlisted
        );
    }
    format!(
        "<tr><td style=\"padding:12px 32px 8px\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" \
         cellspacing=\"0\" border=\"0\" style=\"{}{SANS}\">{rows}</table></td></tr>\n",
        if heading.is_none() {
            format!("border-top:1px solid {LINE};")
        } else {
            String::new()
        }
    )
}

fn what_to_do(content: &Content, color: &str) -> String {
    let heading = what_to_do_heading(content);
    let mut said = format!(
        "<tr><td style=\"padding:16px 32px 24px\"><h2 style=\"margin:0 0 12px;font-size:16px;line-height:22px;font-weight:600;color:{INK}\">{heading}</h2>"
    );
    if let Some(runbook) = &content.runbook {
        if runbook.starts_with("https://") || runbook.starts_with("http://") {
            let _ = write!(
                said,
                "<p style=\"margin:0 0 16px\"><a href=\"{}\" style=\"display:inline-block;padding:9px 18px;border-radius:6px;background:{color};color:#FFFFFF;font-size:14px;line-height:20px;font-weight:600;text-decoration:none\">Open the runbook</a></p>",
                escape(runbook)
            );
        } else {
            let _ = write!(
                said,
                "<p style=\"margin:0 0 12px;font-size:14px;line-height:20px\">Follow the runbook: {}</p>",
                escape(runbook)
            );
        }
    }
    for step in &content.steps {
        let _ = write!(
            said,
            "<p style=\"margin:0 0 4px;font-size:13px;line-height:18px;color:{QUIET}\">{}</p>\
             <p style=\"margin:0 0 12px;padding:7px 12px;border-radius:4px;background:#F9FAFB;border:1px solid {LINE};{MONO};font-size:12px;line-height:18px;color:{INK};word-break:break-word\">{}</p>",
            escape(&step.text),
            escape(&step.command)
        );
    }
    said.push_str("</td></tr>\n");
    said
}

fn what_to_do_heading(content: &Content) -> &'static str {
    match content.kind {
        Kind::Resolved => "To look further",
        _ => "What to do",
    }
}

/// A list of alerts all of which are over.
fn is_over(content: &Content) -> bool {
    content.kind == Kind::Digest && content.items.iter().all(|item| item.resolved)
}

/// The colour of the band, and the same so light that text in the colour reads well on it.
fn colors(content: &Content) -> (&'static str, &'static str) {
    if content.kind == Kind::Resolved || is_over(content) {
        return (Theme::Light.good(), "#ECFDF3");
    }
    let tint = match content.severity {
        Severity::Critical => "#FEF3F2",
        Severity::Important => "#FFFAEB",
        Severity::Normal => "#EFF8FF",
        Severity::Low => "#F2F4F7",
    };
    (content.severity.color(Theme::Light), tint)
}

/// A date is not broken at its hyphens.
fn unbroken(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let is_digit = |place: Option<usize>| {
        place
            .and_then(|place| characters.get(place))
            .is_some_and(char::is_ascii_digit)
    };
    let unbroken = characters
        .iter()
        .enumerate()
        .map(|(place, character)| match character {
            '-' if is_digit(place.checked_sub(1)) && is_digit(Some(place + 1)) => '\u{2011}',
            other => *other,
        });
    unbroken.collect()
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
