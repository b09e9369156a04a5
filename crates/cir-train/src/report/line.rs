//! What becomes of a series before it is drawn: gaps, smoothing, thinning.

/// A point of a line.
pub(super) type Point = (f64, f64);

/// Points that a drawn line has at most; a chart is about as many pixels wide.
pub(super) const DRAWN: usize = 600;
/// A shorter line is not smoothed: one can follow its points.
const SMOOTHED_FROM: usize = 40;
/// The part of a line that is averaged into one of its points, as a divisor.
const WINDOWS: usize = 20;

/// The runs of finite points, by x.
pub(super) fn runs(points: &[Point]) -> Vec<Vec<Point>> {
    // Larger numbers would overflow in sums and differences: as good as infinite.
    let is_finite = |x: f64| x.abs() < 1e300;
    let mut points = points.to_vec();
    points.retain(|p| is_finite(p.0));
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let runs = points.split(|p| !is_finite(p.1)).filter(|run| !run.is_empty());
    runs.map(<[Point]>::to_vec).collect()
}

/// Whether the line turns so often that only its trend can be read.
pub(super) fn is_noisy(points: &[Point]) -> bool {
    let turns = points.windows(3).filter(|w| (w[1].1 - w[0].1) * (w[2].1 - w[1].1) < 0.).count();
    points.len() >= SMOOTHED_FROM && 4 * turns > points.len()
}

/// The mean of a line's last part, as long as a smoothing window.
pub(super) fn last_mean(points: &[Point]) -> f64 {
    let last = &points[points.len() - points.len().div_ceil(WINDOWS)..];
    last.iter().map(|p| p.1).sum::<f64>() / last.len() as f64
}

/// Means over a window that shrinks towards both ends.
///
/// The window stays symmetric, so that a trend does not shift the line, and the ends stay what was
/// measured.
pub(super) fn smooth(points: &[Point]) -> Vec<Point> {
    // Twice, as one pass of a box leaves the noise's corners.
    pass(&pass(points))
}

fn pass(points: &[Point]) -> Vec<Point> {
    let half = points.len() / WINDOWS / 2;
    let mut sums = Vec::with_capacity(points.len() + 1);
    sums.push(0.);
    let mut sum = 0.;
    for point in points {
        sum += point.1;
        sums.push(sum);
    }
    let mean = |(i, &(x, y)): (usize, &Point)| {
        let half = half.min(i).min(points.len() - 1 - i);
        match half {
            0 => (x, y),
            _ => (x, (sums[i + half + 1] - sums[i - half]) / (2 * half + 1) as f64),
        }
    };
    points.iter().enumerate().map(mean).collect()
}

/// At most about `limit` of the points: both ends, and the lowest and the highest of each stretch
/// between, so that no spike is lost.
pub(super) fn thin(points: &[Point], limit: usize) -> Vec<Point> {
    let (&[first, ref inner @ .., last], true) = (points, points.len() > limit) else {
        return points.to_vec();
    };
    let mut thinned = vec![first];
    for stretch in inner.chunks((2 * inner.len()).div_ceil(limit.max(2)).max(2)) {
        let by_y = |a: &(usize, &Point), b: &(usize, &Point)| a.1.1.total_cmp(&b.1.1);
        let lowest = stretch.iter().enumerate().min_by(by_y).map_or(0, |(i, _)| i);
        let highest = stretch.iter().enumerate().max_by(by_y).map_or(0, |(i, _)| i);
        thinned.push(stretch[lowest.min(highest)]);
        if lowest != highest {
            thinned.push(stretch[lowest.max(highest)]);
        }
    }
    thinned.push(last);
    thinned
}
