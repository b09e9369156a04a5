//! Numbers with their intervals as inline SVG, a row each, around zero.

use std::fmt::Write as _;

use super::{
    axis::Axis,
    chart::{BOTTOM, RIGHT, WIDTH},
    page::escape,
};

/// Numbers with their intervals, such as what several settings change of one metric.
#[derive(Debug, Clone, Default)]
pub struct Intervals {
    /// What stands over the chart.
    pub title: String,
    /// What the axis counts.
    pub label: String,
    /// From top to bottom.
    pub rows: Vec<Interval>,
}

/// A row of [`Intervals`].
#[derive(Debug, Clone)]
pub struct Interval {
    /// What stands before it.
    pub name: String,
    /// What was measured, a faint dot each.
    pub points: Vec<f64>,
    /// A strong dot.
    pub mean: f64,
    /// A line.
    pub interval: Option<[f64; 2]>,
    /// Its colour.
    pub tone: Tone,
}

/// What a row's colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// For the better.
    Good,
    /// For the worse.
    Bad,
    /// Neither.
    Plain,
}

const ROW: f64 = 26.;
/// Room for the rows' names, and over them.
const LEFT: f64 = 190.;
const TOP: f64 = 6.;

impl Intervals {
    pub(super) fn html(&self) -> String {
        let title = escape(&self.title);
        let bottom = TOP + ROW * self.rows.len() as f64;
        let height = bottom + BOTTOM;
        let mut html = format!(
            "<figure class=\"chart\"><h3>{title}</h3>\n<svg viewBox=\"0 0 {WIDTH} {height}\" \
             role=\"img\" aria-label=\"{title}\">\n"
        );
        let axis = self.axis();
        let place = |x: f64| LEFT + axis.place(x) * (WIDTH - LEFT - RIGHT);
        for (at, label) in &axis.ticks {
            let class = if label == "0" { "axis zero" } else { "grid" };
            let at = place(*at);
            _ = writeln!(
                html,
                "<path class=\"{class}\" d=\"M{at:.1} {TOP}V{bottom}\"/>\
                 <text class=\"x\" x=\"{at:.1}\" y=\"{}\">{label}</text>",
                bottom + 16.
            );
        }
        _ = writeln!(
            html,
            "<text class=\"x\" x=\"{}\" y=\"{}\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.,
            height - 6.,
            escape(&self.label)
        );
        for (i, row) in self.rows.iter().enumerate() {
            row.draw(&mut html, TOP + ROW * (i as f64 + 0.5), &place);
        }
        html.push_str("</svg></figure>");
        html
    }

    /// Wide enough for all that is drawn, and for zero.
    fn axis(&self) -> Axis {
        let of = |row: &Interval| {
            let ends = row.interval.into_iter().flatten();
            ends.chain(row.points.iter().copied()).chain([row.mean]).collect::<Vec<_>>()
        };
        let all = self.rows.iter().flat_map(of).filter(|x| x.is_finite());
        let (low, high) = all.fold((0f64, 0f64), |(low, high), x| (low.min(x), high.max(x)));
        Axis::linear(low, high)
    }
}

impl Interval {
    fn draw(&self, html: &mut String, y: f64, place: &impl Fn(f64) -> f64) {
        let tone = match self.tone {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Plain => "plain",
        };
        let dot = |x: f64| format!("M{:.1} {y:.1}h0", place(x));
        let dots = self.points.iter().filter(|x| x.is_finite()).map(|&x| dot(x));
        _ = writeln!(
            html,
            "<text class=\"y\" x=\"{}\" y=\"{:.1}\">{}</text>\
             <path class=\"interval pairs {tone}\" d=\"{}\"/>",
            LEFT - 10.,
            y + 4.,
            escape(&self.name),
            dots.collect::<String>()
        );
        if let Some([low, high]) = self.interval.filter(|ends| ends.iter().all(|x| x.is_finite())) {
            let (low, high) = (place(low), place(high));
            _ = writeln!(
                html,
                "<path class=\"interval {tone}\" d=\"M{low:.1} {y:.1}H{high:.1}\"/>"
            );
        }
        if self.mean.is_finite() {
            let mean = dot(self.mean);
            _ = writeln!(html, "<path class=\"interval mean {tone}\" d=\"{mean}\"/>");
        }
    }
}
