//! The frame of the page: its head, its style, its sections.

use std::fmt::Write as _;

use super::{Item, Report};

const STYLE: &str = include_str!("style.css");

/// From how many headed sections on the page begins with links to them.
const CONTENTS_FROM: usize = 4;

/// Text as HTML, for elements and for quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Whether a cell fits in a column of numbers: `1.5e-3`, `12 %`, `0.91 ± 0.02`, `3/4`, `–`.
pub(super) fn is_numeric(cell: &str) -> bool {
    let cell = cell.trim();
    let foreign =
        |c: char| !(c.is_ascii_digit() || c.is_whitespace() || "+-−–—±.,%/×e".contains(c));
    matches!(cell.to_ascii_lowercase().as_str(), "nan" | "inf" | "-inf" | "n/a")
        || !cell.contains(foreign)
}

pub(super) fn page(report: &Report) -> String {
    let title = escape(&report.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n"
    );
    if !report.subtitle.is_empty() {
        _ = writeln!(html, "<p class=\"subtitle\">{}</p>", escape(&report.subtitle));
    }
    let headings = report.sections.iter().enumerate();
    let headings: Vec<_> =
        headings.filter_map(|(i, section)| Some((i, section.heading.as_ref()?))).collect();
    if headings.len() >= CONTENTS_FROM {
        html.push_str("<nav>");
        for (i, heading) in headings {
            _ = write!(html, "<a href=\"#section-{i}\">{}</a> ", escape(heading));
        }
        html.push_str("</nav>\n");
    }
    html.push_str("</header>\n<main>\n");
    for (i, section) in report.sections.iter().enumerate() {
        _ = writeln!(html, "<section id=\"section-{i}\">");
        if let Some(heading) = &section.heading {
            _ = writeln!(html, "<h2>{}</h2>", escape(heading));
        }
        items(&mut html, &section.items);
        html.push_str("</section>\n");
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn items(html: &mut String, items: &[Item]) {
    let is_chart = |item: &Item| matches!(item, Item::Chart(_));
    for group in items.chunk_by(|a, b| is_chart(a) && is_chart(b)) {
        let charts = group.iter().any(is_chart);
        if charts {
            html.push_str("<div class=\"charts\">\n");
        }
        for item in group {
            let (Item::Html(text) | Item::Chart(text)) = item;
            html.push_str(text);
            html.push('\n');
        }
        if charts {
            html.push_str("</div>\n");
        }
    }
}
