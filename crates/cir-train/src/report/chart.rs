//! Curves over the training step as inline SVG.

use std::fmt::Write as _;

use super::{
    axis::{Axis, number},
    line::{self, Point},
    page::escape,
};

/// Curves over the training step.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// What stands over the chart.
    pub title: String,
    /// What the vertical axis counts.
    pub y_label: String,
    /// Whether the vertical axis is logarithmic; numbers that are not positive are then left out.
    pub log_y: bool,
    /// The curves.
    pub series: Vec<Series>,
}

/// A curve.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Step and number; one that is not finite makes a gap.
    pub points: Vec<(f64, f64)>,
}

/// Charts stand side by side, so all are this wide.
pub(super) const WIDTH: f64 = 560.;
const HEIGHT: f64 = 300.;
/// Room for the labels at the left, right, top and bottom of the curves.
const LEFT: f64 = 62.;
pub(super) const RIGHT: f64 = 16.;
const TOP: f64 = 10.;
pub(super) const BOTTOM: f64 = 42.;
const INNER_WIDTH: f64 = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT: f64 = HEIGHT - TOP - BOTTOM;
/// What may be drawn beyond the axes: half of a dot.
const EDGE: f64 = 4.;
/// Colours that the style has; further curves are dashed.
const COLOURS: usize = 8;
/// A line of at most so many points shows each of them.
const DOTS: usize = 30;

/// A stretch of a series without gaps: what is measured and, if that is noisy, its trend.
struct Run {
    measured: Vec<Point>,
    trend: Option<Vec<Point>>,
}

impl Chart {
    pub(super) fn html(&self) -> String {
        let runs: Vec<Vec<Run>> = self.series.iter().map(|s| self.runs(s)).collect();
        let title = escape(&self.title);
        let mut html = format!("<figure class=\"chart\"><h3>{title}</h3>\n<ul class=\"legend\">");
        for (index, (series, runs)) in self.series.iter().zip(&runs).enumerate() {
            self.legend(&mut html, index, series, runs);
        }
        _ = write!(
            html,
            "</ul>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n"
        );
        match self.axes(&runs) {
            Some((x, y)) => self.plot(&mut html, &runs, &x, &y),
            None => {
                let (x, y) = (WIDTH / 2., HEIGHT / 2.);
                _ = write!(html, "<text class=\"none\" x=\"{x}\" y=\"{y}\">No data</text>");
            }
        }
        html.push_str("</svg></figure>");
        html
    }

    fn runs(&self, series: &Series) -> Vec<Run> {
        // The logarithm comes first, so that smoothing averages what is seen.
        let drawn = |&(x, y): &Point| (x, if self.log_y { y.log10() } else { y });
        let points: Vec<Point> = series.points.iter().map(drawn).collect();
        let runs = line::runs(&points).into_iter();
        runs.map(|measured| {
            let trend = line::is_noisy(&measured).then(|| line::smooth(&measured));
            Run { measured, trend }
        })
        .collect()
    }

    fn axes(&self, runs: &[Vec<Run>]) -> Option<(Axis, Axis)> {
        let mut steps = (f64::INFINITY, f64::NEG_INFINITY);
        let mut numbers = steps;
        let widen = |range: &mut (f64, f64), x: f64| *range = (range.0.min(x), range.1.max(x));
        for run in runs.iter().flatten() {
            run.measured.iter().for_each(|p| widen(&mut steps, p.0));
            // A few outliers of a noisy series must not press its trend flat.
            let cut = if run.trend.is_some() { run.measured.len() / 100 } else { 0 };
            let mut sorted: Vec<f64> = run.measured.iter().map(|p| p.1).collect();
            sorted.sort_by(f64::total_cmp);
            let kept = sorted.iter().skip(cut).take(sorted.len() - 2 * cut);
            let trend = run.trend.iter().flatten().map(|p| &p.1);
            kept.chain(trend).for_each(|&y| widen(&mut numbers, y));
        }
        let y = if self.log_y { Axis::logarithmic } else { Axis::linear };
        (steps.0 <= steps.1).then(|| (Axis::steps(steps.0, steps.1), y(numbers.0, numbers.1)))
    }

    fn legend(&self, html: &mut String, index: usize, series: &Series, runs: &[Run]) {
        let last = series.points.iter().max_by(|a, b| a.0.total_cmp(&b.0));
        let last = match (last, runs.last().filter(|run| run.trend.is_some())) {
            (None, _) => "no data".into(),
            // One number of a noisy series says little of where it has come to.
            (Some(point), Some(run)) if point.1.is_finite() => {
                let mean = line::last_mean(&run.measured);
                format!("\u{2248} {}", number(if self.log_y { 10f64.powf(mean) } else { mean }))
            }
            (Some(point), _) => number(point.1),
        };
        let left_out = series.points.len() - runs.iter().map(|r| r.measured.len()).sum::<usize>();
        let note = match (left_out, self.log_y) {
            (0, _) => String::new(),
            (n, false) => format!(" <i>({n} not finite)</i>"),
            (n, true) => format!(" <i>({n} not positive or not finite)</i>"),
        };
        let (class, name) = (class(index), escape(&series.name));
        _ = write!(
            html,
            "<li><svg class=\"key\" viewBox=\"0 0 18 8\"><path class=\"{class}\" d=\"M1 4H17\"/>\
             </svg>{name} <b>{last}</b>{note}</li>"
        );
    }

    fn plot(&self, html: &mut String, runs: &[Vec<Run>], x: &Axis, y: &Axis) {
        let (right, bottom) = (LEFT + INNER_WIDTH, TOP + INNER_HEIGHT);
        for (at, label) in &y.ticks {
            let at = bottom - y.place(*at) * INNER_HEIGHT;
            _ = writeln!(
                html,
                "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>\
                 <text class=\"y\" x=\"{}\" y=\"{:.1}\">{label}</text>",
                LEFT - 8.,
                at + 4.
            );
        }
        _ = writeln!(html, "<path class=\"axis\" d=\"M{LEFT} {bottom}H{right}\"/>");
        for (at, label) in &x.ticks {
            let at = LEFT + x.place(*at) * INNER_WIDTH;
            _ = writeln!(
                html,
                "<path class=\"axis\" d=\"M{at:.1} {bottom}v4\"/>\
                 <text class=\"x\" x=\"{at:.1}\" y=\"{}\">{label}</text>",
                bottom + 18.
            );
        }
        let middle = (LEFT + INNER_WIDTH / 2., TOP + INNER_HEIGHT / 2.);
        _ = writeln!(
            html,
            "<text class=\"x\" x=\"{}\" y=\"{}\">step</text>\
             <text class=\"x\" transform=\"translate(14 {}) rotate(-90)\">{}</text>",
            middle.0,
            HEIGHT - 6.,
            middle.1,
            escape(&self.y_label)
        );
        // An SVG in the SVG cuts off outliers without an identifier that would have to be unique.
        _ = writeln!(
            html,
            "<svg x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\">",
            LEFT - EDGE,
            TOP - EDGE,
            INNER_WIDTH + 2. * EDGE,
            INNER_HEIGHT + 2. * EDGE
        );
        let place = |&(a, b): &Point| {
            (EDGE + x.place(a) * INNER_WIDTH, EDGE + (1. - y.place(b)) * INNER_HEIGHT)
        };
        // All that is faint first: no series' noise may cover another's trend.
        for faint in [true, false] {
            for (index, runs) in runs.iter().enumerate() {
                let dots = runs.iter().map(|r| r.measured.len()).sum::<usize>() <= DOTS;
                for run in runs.iter().filter(|run| !faint || run.trend.is_some()) {
                    let points = run.trend.as_ref().filter(|_| !faint).unwrap_or(&run.measured);
                    let points = line::thin(points, line::DRAWN);
                    let points: Vec<Point> = points.iter().map(place).collect();
                    draw(html, &points, index, faint, dots);
                }
            }
        }
        html.push_str("</svg>\n");
    }
}

fn class(index: usize) -> String {
    let dashed = if index >= COLOURS { " dashed" } else { "" };
    format!("line c{}{dashed}", index % COLOURS)
}

fn draw(html: &mut String, points: &[Point], index: usize, faint: bool, dots: bool) {
    let faint = if faint { " faint" } else { "" };
    _ = write!(html, "<path class=\"{}{faint}\" d=\"", class(index));
    for (i, (x, y)) in points.iter().enumerate() {
        let command = if i == 0 { 'M' } else { 'L' };
        _ = write!(html, "{command}{x:.1} {y:.1}");
    }
    html.push_str("\"/>");
    // A point between two gaps has no line that would show it.
    if dots || points.len() == 1 {
        // Lines of no length with round ends: dots in the line's colour, of which none is cut.
        _ = write!(html, "<path class=\"{} dots\" d=\"", class(index));
        for (x, y) in points {
            _ = write!(html, "M{x:.1} {y:.1}h0");
        }
        html.push_str("\"/>");
    }
    html.push('\n');
}
