//! Rendering: plain text, and HTML for mail programs: 600 pixels, tables, inline styles, nothing from outside.

use std::fmt::Write as _;

use audit_core::{Severity, Theme};

use super::{Content, Evidence, Kind, Message, PICTURE_ID};

pub(super) const PICTURE_BEGINS: &str = "<!-- picture begins -->";
pub(super) const PICTURE_ENDS: &str = "<!-- picture ends -->";

const INK: &str = "#101828";
const QUIET: &str = "#475467";
const LINE: &str = "#EAECF0";
const SANS: &str =
    "font-family:-apple-system,'Segoe UI',Roboto,'Noto Sans',Helvetica,Arial,sans-serif";
const MONO: &str =
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/// Renders a message.
#[must_use]
pub fn render(content: &Content) -> Message {
    Message {
        kind: content.kind,
        severity: content.severity,
        subject: content.subject.clone(),
        text: text(content),
        html: html(content),
        alert_id: content.alert_id,
        at: content.at,
        data: content.data.clone(),
        events: content.events.clone(),
    }
}

/// The mark at the top: a shape and words, so that the colour is never alone.
fn mark(content: &Content) -> String {
    match content.kind {
        Kind::Resolved => format!("✓ {} · was {}", content.status, content.severity),
        _ => format!(
            "{} {} · {}",
            content.severity.symbol(),
            content.severity.label(),
            lower_first(&content.status)
        ),
    }
}

fn text(content: &Content) -> String {
    let mut text = format!(
        "{}\n\n{}\n{}\n",
        content.headline,
        mark(content),
        content.lead
    );
    if let Some(why) = &content.why {
        let _ = writeln!(text, "Why it matters: {why}");
    }
    if !content.facts.is_empty() {
        let widest = content
            .facts
            .iter()
            .map(|fact| fact.name.chars().count())
            .max()
            .unwrap_or(0);
        let values = content
            .facts
            .iter()
            .map(|fact| fact.value.chars().count())
            .max()
            .unwrap_or(0);
        text.push('\n');
        if content.kind == Kind::Resolved {
            let _ = writeln!(text, "  {:widest$}  {:>values$}  now", "", "then");
        }
        for fact in &content.facts {
            let now = fact.now.as_deref().unwrap_or_default();
            let value = if fact.is_number {
                format!("{:>values$}", fact.value)
            } else {
                format!("{:<values$}", fact.value)
            };
            let line = format!("  {:widest$}  {value}  {now}", fact.name);
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    if let Some(condition) = &content.condition {
        let _ = writeln!(text, "\n  fires when {condition}");
    }
    if let Some(evidence) = &content.evidence {
        let _ = writeln!(
            text,
            "\n  last 24 hours  {}  {}",
            sparks(&evidence.trend),
            evidence.most
        );
        if !evidence.keys.is_empty() {
            let _ = writeln!(text, "  for example    {}", evidence.keys.join(", "));
        }
        let _ = writeln!(text, "  written by     {}", evidence.writers.join(", "));
    }
    if !content.items.is_empty() {
        text.push('\n');
        for item in &content.items {
            let over = if item.resolved { "over: " } else { "" };
            let _ = writeln!(
                text,
                "  {} {:9}  {over}{}",
                item.severity.symbol(),
                item.severity,
                item.title
            );
        }
        if content.unlisted > 0 {
            let _ = writeln!(text, "  … and {} more", content.unlisted);
        }
    }
    let _ = write!(text, "\n{}\n", what_to_do_heading(content));
    if let Some(runbook) = &content.runbook {
        let _ = writeln!(text, "  Follow the runbook: {runbook}");
    }
    for step in &content.steps {
        let _ = writeln!(text, "  {}:\n    {}", step.text, step.command);
    }
    let _ = writeln!(
        text,
        "\n-- \n{}\nAlert {}",
        audience(content),
        content.alert_id
    );
    text
}

/// A chart of one line: a block for each number.
fn sparks(numbers: &[i64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    heights(numbers, BLOCKS.len() - 1)
        .into_iter()
        .map(|height| BLOCKS[height])
        .collect()
}

/// How high each number stands, of so many steps: zero only for none.
fn heights(numbers: &[i64], steps: usize) -> Vec<usize> {
    let most = u128::try_from(numbers.iter().copied().max().unwrap_or_default()).unwrap_or(0);
    numbers
        .iter()
        .map(|number| {
            let number = u128::try_from(*number).unwrap_or(0);
            match most {
                0 => 0,
                most => usize::try_from((number * steps as u128).div_ceil(most)).unwrap_or(steps),
            }
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

fn html(content: &Content) -> String {
    let (color, tint) = colors(content);
    let mut body = String::new();

    // The first line is what a list of messages shows next to the subject.
    let _ = writeln!(
        body,
        "<div style=\"display:none;max-height:0;overflow:hidden\">{}</div>\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"background:#F2F4F7\">\
         <tr><td align=\"center\" style=\"padding:24px 8px\">\n\
         <table role=\"presentation\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"width:600px;max-width:100%;background:#FFFFFF;border:1px solid {LINE};border-radius:8px;{SANS};color:{INK}\">\n\
         <tr><td style=\"height:6px;line-height:6px;font-size:0;background:{color};border-radius:8px 8px 0 0\">&nbsp;</td></tr>",
        escape(&content.headline),
    );

    let _ = writeln!(
        body,
        "<tr><td style=\"padding:24px 32px 8px\">\
         <span style=\"display:inline-block;padding:4px 12px;border-radius:12px;background:{tint};color:{color};font-size:13px;line-height:18px;font-weight:600\">{}</span>\
         <h1 style=\"margin:16px 0 8px;font-size:22px;line-height:30px;font-weight:600;color:{INK}\">{}</h1>\
         <p style=\"margin:0;font-size:14px;line-height:21px;color:{QUIET}\">{}</p>{}</td></tr>",
        escape(&mark(content)),
        unbroken(&escape(&content.headline)),
        escape(&content.lead),
        content.why.as_ref().map_or_else(String::new, |why| format!(
            "<p style=\"margin:8px 0 0;font-size:14px;line-height:21px;color:{QUIET}\"><b style=\"color:{INK}\">Why it matters:</b> {}</p>",
            escape(why)
        )),
    );

    if !content.facts.is_empty() {
        body.push_str(&facts(content));
    }
    if let Some(found) = &content.evidence {
        body.push_str(&evidence(found, color));
    }
    if !content.items.is_empty() {
        body.push_str(&items(content));
    }

    let _ = writeln!(
        body,
        "{PICTURE_BEGINS}<tr><td style=\"padding:16px 32px 8px\">\
         <img src=\"cid:{PICTURE_ID}\" width=\"536\" alt=\"The dashboard when this was sent\" \
         style=\"display:block;width:536px;max-width:100%;height:auto;border:1px solid {LINE};border-radius:4px\">\
         <p style=\"margin:6px 0 0;font-size:12px;line-height:16px;color:{QUIET}\">The dashboard when this was sent</p>\
         </td></tr>{PICTURE_ENDS}",
    );

    body.push_str(&what_to_do(content, color));

    let _ = write!(
        body,
        "<tr><td style=\"padding:16px 32px 24px;border-top:1px solid {LINE};font-size:12px;line-height:18px;color:{QUIET}\">{}<br>Alert {}</td></tr>\n\
         </table>\n</td></tr></table>",
        escape(&audience(content)),
        content.alert_id,
    );

    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light\">\
         <title>{}</title></head>\n<body style=\"margin:0;padding:0;background:#F2F4F7\">\n{body}\n</body></html>\n",
        escape(&content.subject),
    )
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

/// How a rule fails: a chart of the last day made of table cells, which every mail program draws, and some rows.
fn evidence(found: &Evidence, color: &str) -> String {
    const HEIGHT: usize = 36;
    let mut bars = String::new();
    for height in heights(&found.trend, HEIGHT) {
        let (height, color) = if height == 0 { (1, LINE) } else { (height, color) };
        let _ = write!(
            bars,
            "<td valign=\"bottom\" style=\"height:{HEIGHT}px;padding:0 2px 0 0\">\
             <div style=\"height:{height}px;line-height:1px;font-size:0;background:{color}\">&nbsp;</div></td>"
        );
    }
    let mut said = format!("Rows that failed in the last 24 hours, {}", found.most);
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
    for item in &content.items {
        let cell = format!(
            "padding:8px 0;font-size:14px;line-height:20px;border-bottom:1px solid {LINE};vertical-align:top"
        );
        let (color, word) = if item.resolved {
            (Theme::Light.good(), "✓ over".to_owned())
        } else {
            (
                item.severity.color(Theme::Light),
                format!("{} {}", item.severity.symbol(), item.severity.label()),
            )
        };
        let _ = writeln!(
            rows,
            "<tr><td style=\"{cell};width:96px;color:{color};font-weight:600;font-size:13px;white-space:nowrap\">{word}</td>\
             <td style=\"{cell};padding-left:12px\">{}</td></tr>",
            escape(&item.title)
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
         cellspacing=\"0\" border=\"0\" style=\"border-top:1px solid {LINE};{SANS}\">{rows}</table></td></tr>\n"
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

/// The colour of the band, and the same so light that text in the colour reads well on it.
fn colors(content: &Content) -> (&'static str, &'static str) {
    if content.kind == Kind::Resolved {
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
