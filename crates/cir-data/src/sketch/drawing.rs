//! A face as lines: each part hides what lies behind it, then the pen goes along its outline.

use cir_core::Image;

use super::pen::{Pen, PenKind, Shading};
use crate::Result;
use crate::draw::{Canvas, Nib, Outline, Paint, Wobble};
use crate::faces::Face;
use crate::faces::parts::{Mark, Part, parts};

/// Draws a face with a pen.
pub(super) fn draw(face: &Face, pen: &Pen, side: usize) -> Result<Image> {
    let mut sketch = Sketch { canvas: Canvas::new(side, pen.paper), pen, hand: hand(pen, 0.5) };
    for part in parts(face) {
        if part.opacity > 0. {
            sketch.part(&part);
        }
    }
    sketch.canvas.image()
}

struct Sketch<'a> {
    canvas: Canvas,
    pen: &'a Pen,
    hand: Wobble,
}

impl Sketch<'_> {
    fn part(&mut self, part: &Part) {
        let outline = self.hand.outline(&part.outline);
        let inside = part.inside.as_ref().map(|inside| self.hand.outline(inside));
        let inside: Vec<&Outline> = inside.iter().collect();
        if matches!(part.mark, Mark::Outline | Mark::Fine | Mark::Hatched | Mark::Blank) {
            self.canvas.fill(&outline, &inside, Paint::new(self.pen.paper));
        }
        if matches!(part.mark, Mark::Hatched | Mark::Shade) {
            self.shade(&outline, &inside);
        }
        match part.mark {
            Mark::Solid => self.canvas.fill(&outline, &inside, self.ink()),
            Mark::Outline | Mark::Hatched => self.line(&outline, &inside, 1.),
            Mark::Fine => self.line(&outline, &inside, 0.7),
            Mark::Line => {
                let along = part.along.as_ref().unwrap_or(&part.outline);
                self.line(&self.hand.outline(along), &inside, 0.6);
            }
            _ => {}
        }
    }

    fn ink(&self) -> Paint {
        let (opacity, grain) = match self.pen.kind {
            PenKind::Pencil => (0.95, 0.2),
            PenKind::Ink => (1., 0.),
            PenKind::Marker => (0.95, 0.),
            PenKind::Chalk => (0.95, 0.3),
        };
        Paint { colour: self.pen.ink, opacity, grain }
    }

    /// Goes along an outline, with a line of the pen's width times `share`.
    fn line(&mut self, outline: &Outline, inside: &[&Outline], share: f32) {
        let nib = nib(self.pen, share);
        if self.pen.kind == PenKind::Pencil {
            // Two fainter lines that do not quite meet.
            let again = Wobble { phase: self.pen.hand.map(|x| x + 0.37), ..hand(self.pen, 0.6) };
            let ink = self.ink().opacity(0.7);
            self.canvas.fill(&nib.line(outline), inside, ink);
            self.canvas.fill(&nib.line(&again.outline(outline)), inside, ink.opacity(0.6));
        } else {
            self.canvas.fill(&nib.line(outline), inside, self.ink());
        }
    }

    fn shade(&mut self, outline: &Outline, inside: &[&Outline]) {
        let inside: Vec<&Outline> = inside.iter().copied().chain([outline]).collect();
        match self.pen.shading {
            Shading::Plain => {}
            Shading::Wash { opacity } => {
                self.canvas.fill(outline, &inside, self.ink().opacity(opacity));
            }
            Shading::Lines { gap } => {
                let lines = hatching(outline, gap / 100.);
                let lines = nib(self.pen, 0.6).line(&self.hand.outline(&lines));
                self.canvas.fill(&lines, &inside, self.ink().opacity(0.6));
            }
        }
    }
}

/// How an unsteady hand moves, by so many hundredths of the side.
fn hand(pen: &Pen, by: f32) -> Wobble {
    Wobble { by: by / 100., waves: 1., phase: pen.hand }
}

/// The pen's nib, its width times `share`.
fn nib(pen: &Pen, share: f32) -> Nib {
    let contrast = match pen.kind {
        PenKind::Ink => 0.55,
        PenKind::Marker => 0.3,
        PenKind::Pencil | PenKind::Chalk => 0.,
    };
    Nib { width: pen.width * share / 100., contrast, edge: (0.8, -0.6) }
}

/// Slanting lines over an outline, `gap` apart.
fn hatching(outline: &Outline, gap: f32) -> Outline {
    let [left, top, right, bottom] = outline.bounds();
    // Lines rise by 4 for 3 to the right, and meet the picture's lower edge at multiples of the gap, so
    // that hatchings of neighbours meet.
    let lean = (bottom - top) * 0.75;
    let offset = (1. - bottom) * 0.75;
    let first = ((left - lean - offset) / gap).floor() as i32;
    let last = ((right - offset) / gap).ceil() as i32;
    let line = |i: i32| {
        let x = i as f32 * gap + offset;
        Outline::open(&[(x, bottom), (x + lean, top)], 1.)
    };
    (first..=last).map(line).fold(Outline::default(), Outline::and)
}
