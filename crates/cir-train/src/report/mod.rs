//! One HTML page about a training run that needs no other file and no network.
//!
//! Pictures are data URIs, charts inline SVG, and there is no script: the page can be mailed,
//! archived next to the run, and still be read in ten years.

mod axis;
mod chart;
mod curves;
mod intervals;
mod line;
mod page;
#[cfg(test)]
mod tests;

use std::{fmt::Write as _, io};

use base64::{Engine, engine::general_purpose::STANDARD};
use cir_core::Image;

use crate::png::png;
use page::{escape, is_numeric};

pub use chart::{Chart, Series};
pub use curves::{curves, warnings};
pub use intervals::{Interval, Intervals, Tone};

/// Builds the page, item by item.
#[derive(Debug, Clone)]
pub struct Report {
    title: String,
    subtitle: String,
    sections: Vec<Section>,
}

/// Pictures in rows and columns, such as what each model makes of each input.
#[derive(Debug, Clone, Default)]
pub struct PictureTable {
    /// What stands over the pictures; may be empty.
    pub columns: Vec<String>,
    /// The rows, each as long as its pictures.
    pub rows: Vec<PictureRow>,
}

/// A row of pictures.
#[derive(Debug, Clone, Default)]
pub struct PictureRow {
    /// What stands before the pictures.
    pub header: String,
    /// The pictures; `None` leaves a place empty.
    pub pictures: Vec<Option<Image>>,
}

#[derive(Debug, Clone, Default)]
struct Section {
    heading: Option<String>,
    items: Vec<Item>,
}

#[derive(Debug, Clone)]
enum Item {
    Html(String),
    /// Kept apart from the rest because neighbouring charts share a row.
    Chart(String),
}

/// CSS pixels that the longer side of a table's picture comes close to.
const THUMBNAIL: usize = 72;
/// CSS pixels that a picture on its own is enlarged to at most.
const WIDE: usize = 640;

impl Report {
    /// A page that has only its heading.
    pub fn new(title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        Self { title: title.into(), subtitle: subtitle.into(), sections: Vec::new() }
    }

    /// Starts a section, into which later items go.
    pub fn section(&mut self, heading: impl Into<String>) -> &mut Self {
        self.sections.push(Section { heading: Some(heading.into()), items: Vec::new() });
        self
    }

    /// A paragraph; line breaks are kept.
    pub fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.html(format!("<p>{}</p>", escape(&text.into())))
    }

    /// A table of names and values.
    pub fn facts(&mut self, rows: &[(String, String)]) -> &mut Self {
        let rows: String = rows
            .iter()
            .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(value)))
            .collect();
        self.html(format!("<dl class=\"facts\">\n{rows}</dl>"))
    }

    /// A table whose first column names the rows; columns of numbers are right aligned.
    pub fn table(&mut self, columns: &[String], rows: &[Vec<String>]) -> &mut Self {
        let width = rows.iter().map(Vec::len).fold(columns.len(), usize::max);
        let classes: Vec<&str> = (0..width)
            .map(|column| {
                let mut cells = rows.iter().filter_map(|row| row.get(column));
                let numeric = column > 0 && cells.all(|cell| is_numeric(cell));
                if numeric { " class=\"n\"" } else { "" }
            })
            .collect();
        let mut html = String::from("<div class=\"scroll\"><table>\n<thead><tr>");
        for (column, class) in classes.iter().enumerate() {
            let name = columns.get(column).map_or("", String::as_str);
            _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escape(name));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            html.push_str("<tr>");
            for (column, class) in classes.iter().enumerate() {
                let cell = escape(row.get(column).map_or("", String::as_str));
                _ = match column {
                    0 => write!(html, "<th scope=\"row\">{cell}</th>"),
                    _ => write!(html, "<td{class}>{cell}</td>"),
                };
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody></table></div>");
        self.html(html)
    }

    /// Text in a fixed-width font, folded away until it is asked for.
    pub fn code(&mut self, text: impl Into<String>) -> &mut Self {
        let text = text.into();
        let text = text.trim_end();
        let lines = text.lines().count();
        let plural = if lines == 1 { "" } else { "s" };
        self.html(format!(
            "<details><summary>Show {lines} line{plural}</summary><pre><code>{}</code></pre>\
             </details>",
            escape(text)
        ))
    }

    /// Curves over the training step; neighbouring charts stand side by side if there is room.
    pub fn chart(&mut self, chart: &Chart) -> &mut Self {
        self.push(Item::Chart(chart.html()))
    }

    /// Numbers with their intervals, a row each; neighbouring charts stand side by side if there is room.
    pub fn intervals(&mut self, chart: &Intervals) -> &mut Self {
        self.push(Item::Chart(chart.html()))
    }

    /// Pictures in rows and columns, small ones enlarged.
    ///
    /// # Errors
    /// When a picture cannot be encoded.
    pub fn pictures(
        &mut self,
        caption: impl Into<String>,
        table: &PictureTable,
    ) -> io::Result<&mut Self> {
        let mut html = String::from("<figure><div class=\"scroll\"><table class=\"pictures\">\n");
        if table.columns.iter().any(|name| !name.is_empty()) {
            html.push_str("<thead><tr><td></td>");
            for name in &table.columns {
                _ = write!(html, "<th scope=\"col\">{}</th>", escape(name));
            }
            html.push_str("</tr></thead>\n");
        }
        html.push_str("<tbody>\n");
        for row in &table.rows {
            _ = write!(html, "<tr><th scope=\"row\">{}</th>", escape(&row.header));
            for (column, picture) in row.pictures.iter().enumerate() {
                let Some(picture) = picture else {
                    html.push_str("<td></td>");
                    continue;
                };
                let name = table.columns.get(column).map_or("", String::as_str);
                let alt = [row.header.as_str(), name].join(" ");
                // Whole factors only: others make some rows of pixels thicker than their neighbours.
                let side = picture.width().max(picture.height()).max(1);
                let factor = ((THUMBNAIL as f64 / side as f64).round() as usize).max(1);
                _ = write!(html, "<td>{}</td>", img(picture, factor, alt.trim())?);
            }
            html.push_str("</tr>\n");
        }
        let caption = escape(&caption.into());
        _ = write!(html, "</tbody></table></div><figcaption>{caption}</figcaption></figure>");
        Ok(self.html(html))
    }

    /// A picture on its own, such as a grid of samples.
    ///
    /// # Errors
    /// When the picture cannot be encoded.
    pub fn image(&mut self, caption: impl Into<String>, image: &Image) -> io::Result<&mut Self> {
        let caption = caption.into();
        let factor = (WIDE / image.width().max(1)).clamp(1, 4);
        let img = img(image, factor, &caption)?;
        let caption = escape(&caption);
        Ok(self.html(format!("<figure>{img}<figcaption>{caption}</figcaption></figure>")))
    }

    /// The page.
    pub fn to_html(&self) -> String {
        page::page(self)
    }

    fn html(&mut self, html: String) -> &mut Self {
        self.push(Item::Html(html))
    }

    fn push(&mut self, item: Item) -> &mut Self {
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        if let Some(section) = self.sections.last_mut() {
            section.items.push(item);
        }
        self
    }
}

fn img(image: &Image, factor: usize, alt: &str) -> io::Result<String> {
    let data = STANDARD.encode(png(image)?);
    let (width, height) = (image.width() * factor, image.height() * factor);
    let class = if factor > 1 { " class=\"pixels\"" } else { "" };
    Ok(format!(
        "<img{class} width=\"{width}\" height=\"{height}\" alt=\"{}\" \
         src=\"data:image/png;base64,{data}\">",
        escape(alt)
    ))
}
