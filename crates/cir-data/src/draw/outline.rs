//! Outlines, made of ellipses, of smooth curves through points, and of lenses.

use zeno::{Command, Point, Transform};

/// Control points of a quarter of a circle lie this share of the radius along the tangents.
const QUARTER: f32 = 0.552_284_8;

/// One or several curves; what they enclose is filled by the non-zero rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outline(Vec<Command>);

impl Outline {
    /// An ellipse.
    pub(crate) fn ellipse(cx: f32, cy: f32, rx: f32, ry: f32) -> Self {
        let (kx, ky) = (rx * QUARTER, ry * QUARTER);
        let at = |x: f32, y: f32| Point::new(cx + x, cy + y);
        Self(vec![
            Command::MoveTo(at(rx, 0.)),
            Command::CurveTo(at(rx, ky), at(kx, ry), at(0., ry)),
            Command::CurveTo(at(-kx, ry), at(-rx, ky), at(-rx, 0.)),
            Command::CurveTo(at(-rx, -ky), at(-kx, -ry), at(0., -ry)),
            Command::CurveTo(at(kx, -ry), at(rx, -ky), at(rx, 0.)),
            Command::Close,
        ])
    }

    /// A circle.
    pub(crate) fn circle(cx: f32, cy: f32, radius: f32) -> Self {
        Self::ellipse(cx, cy, radius, radius)
    }

    /// A closed curve through the points, its tangents parallel to the line between the
    /// neighbours (Catmull-Rom).
    pub(crate) fn smooth(points: &[(f32, f32)]) -> Self {
        let n = points.len();
        let at = |i: usize| {
            let (x, y) = points[i % n];
            Point::new(x, y)
        };
        let mut commands = vec![Command::MoveTo(at(0))];
        for i in n..2 * n {
            let (before, from, to, after) = (at(i - 1), at(i), at(i + 1), at(i + 2));
            let (a, b) = (from + (to - before) * (1. / 6.), to - (after - from) * (1. / 6.));
            commands.push(Command::CurveTo(a, b, to));
        }
        commands.push(Command::Close);
        Self(commands)
    }

    /// [`Outline::smooth`] through the points of the right half, listed from the top down, and
    /// their mirror images.
    pub(crate) fn symmetric(right: &[(f32, f32)]) -> Self {
        // Points on the axis are their own mirror images.
        let left = right.iter().rev().filter(|(x, _)| *x > 0.).map(|&(x, y)| (-x, y));
        Self::smooth(&right.iter().copied().chain(left).collect::<Vec<_>>())
    }

    /// A closed line through the points.
    pub(crate) fn polygon(points: &[(f32, f32)]) -> Self {
        let mut commands: Vec<Command> =
            points.iter().map(|&(x, y)| Command::LineTo(Point::new(x, y))).collect();
        if let Some(Command::LineTo(first)) = commands.first().copied() {
            commands[0] = Command::MoveTo(first);
        }
        commands.push(Command::Close);
        Self(commands)
    }

    /// As [`Outline::smooth`], from the first point to the last: a line for a pen, with corners where
    /// `round` is 0.
    pub(crate) fn open(points: &[(f32, f32)], round: f32) -> Self {
        let at = |i: usize| {
            let (x, y) = points[i.min(points.len() - 1)];
            Point::new(x, y)
        };
        let mut commands: Vec<Command> =
            points.first().map(|&(x, y)| Command::MoveTo(Point::new(x, y))).into_iter().collect();
        for i in 1..points.len() {
            let (before, from, to, after) = (at(i.saturating_sub(2)), at(i - 1), at(i), at(i + 1));
            let (a, b) = (from + (to - before) * (round / 6.), to - (after - from) * (round / 6.));
            commands.push(Command::CurveTo(a, b, to));
        }
        Self(commands)
    }

    /// Straight lines through points; what is filled is closed anyway.
    pub(crate) fn polylines(all: &[Vec<Point>]) -> Self {
        let mut commands = Vec::with_capacity(all.iter().map(Vec::len).sum());
        for points in all {
            commands.extend(points.iter().enumerate().map(|(i, &p)| match i {
                0 => Command::MoveTo(p),
                _ => Command::LineTo(p),
            }));
        }
        Self(commands)
    }

    /// What lies between two arcs from `left` to `right`, whose middles have the heights `top` and
    /// `bottom`.
    pub(crate) fn lens(left: (f32, f32), right: (f32, f32), top: f32, bottom: f32) -> Self {
        let (l, r) = (Point::new(left.0, left.1), Point::new(right.0, right.1));
        let middle = (l + r) * 0.5;
        // A quadratic curve comes half as far as its control point.
        let control = |y: f32| Point::new(middle.x, middle.y + 2. * (y - middle.y));
        Self(vec![
            Command::MoveTo(l),
            Command::QuadTo(control(top), r),
            Command::QuadTo(control(bottom), l),
            Command::Close,
        ])
    }

    /// As [`Outline::lens`], with arcs that are flatter in the middle and steeper at the ends.
    pub(crate) fn bowl(left: (f32, f32), right: (f32, f32), top: f32, bottom: f32) -> Self {
        let (l, r) = (Point::new(left.0, left.1), Point::new(right.0, right.1));
        let (width, level) = (r.x - l.x, (l.y + r.y) / 2.);
        // A cubic curve comes three quarters as far as its two control points.
        let control = |x: f32, y: f32| Point::new(l.x + width * x, level + (y - level) / 0.75);
        Self(vec![
            Command::MoveTo(l),
            Command::CurveTo(control(0.25, top), control(0.75, top), r),
            Command::CurveTo(control(0.84, bottom), control(0.16, bottom), l),
            Command::Close,
        ])
    }

    /// Both outlines as one.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The mirror image of a part of the right half.
    pub(crate) fn mirror(&self) -> Self {
        self.moved(&Transform::scale(-1., 1.))
    }

    /// The outline in another frame.
    pub(crate) fn moved(&self, transform: &Transform) -> Self {
        Self(self.0.iter().map(|command| command.transform(transform)).collect())
    }

    /// The outline moved by this much.
    pub(crate) fn shifted(&self, x: f32, y: f32) -> Self {
        self.moved(&Transform::translation(x, y))
    }

    /// The curves as points, at most about `piece` apart.
    pub(crate) fn lines(&self, piece: f32) -> Vec<Vec<Point>> {
        let mut lines: Vec<Vec<Point>> = Vec::new();
        for command in &self.0 {
            let Some(line) = lines.last_mut() else {
                if let Command::MoveTo(p) = *command {
                    lines.push(vec![p]);
                }
                continue;
            };
            let from = line.last().copied().unwrap_or(Point::ZERO);
            let (a, b, to) = match *command {
                Command::MoveTo(p) => {
                    lines.push(vec![p]);
                    continue;
                }
                Command::LineTo(p) => (from, p, p),
                Command::QuadTo(c, p) => {
                    (from + (c - from) * (2. / 3.), p + (c - p) * (2. / 3.), p)
                }
                Command::CurveTo(a, b, p) => (a, b, p),
                Command::Close => (from, line[0], line[0]),
            };
            let length = [(from, a), (a, b), (b, to)].map(|(p, q)| (q - p).length());
            let pieces = (length.iter().sum::<f32>() / piece).ceil().clamp(1., 200.) as usize;
            line.extend((1..=pieces).map(|i| {
                let t = i as f32 / pieces as f32;
                let s = 1. - t;
                from * (s * s * s) + a * (3. * s * s * t) + b * (3. * s * t * t) + to * (t * t * t)
            }));
        }
        lines
    }

    /// As the rasteriser takes it.
    pub(crate) fn commands(&self) -> &[Command] {
        &self.0
    }

    /// A box that the outline lies in: left, top, right, bottom.
    pub(crate) fn bounds(&self) -> [f32; 4] {
        let mut all = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
        let mut take = |p: Point| {
            all = [all[0].min(p.x), all[1].min(p.y), all[2].max(p.x), all[3].max(p.y)];
        };
        for command in &self.0 {
            match *command {
                Command::MoveTo(p) | Command::LineTo(p) => take(p),
                Command::QuadTo(a, p) => [a, p].into_iter().for_each(&mut take),
                Command::CurveTo(a, b, p) => [a, b, p].into_iter().for_each(&mut take),
                Command::Close => {}
            }
        }
        all
    }
}
