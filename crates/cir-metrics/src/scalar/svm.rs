//! The linear support vector machine of one number, as liblinear solves it (Fan et al., *LIBLINEAR*, JMLR
//! 2008, section 2, L2-regularised L2-loss) and scikit-learn's `LinearSVC` calls it.

use candle_core::{Result, bail};

use crate::{probe::likeliest, statistics::shares};

/// How strongly weights are held to 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SvmConfig {
    /// Weight of the summed squared hinges against half the squared weight and bias.
    pub c: f64,
}

impl Default for SvmConfig {
    /// That of Locatello et al.
    fn default() -> Self {
        Self { c: 0.01 }
    }
}

/// For each value a weight and a bias, which separate it from the rest.
#[derive(Debug, Clone)]
pub(super) struct Svm {
    machines: Vec<[f64; 2]>,
}

/// An image: its number, on which side it belongs, and what an error costs.
struct Point {
    x: f64,
    side: f64,
    cost: f64,
}

impl Svm {
    /// Minimises ½(w² + b²) + Σ c_i max(0, 1 - y_i (w x_i + b))² for each value against the rest.
    ///
    /// An image of the value costs C n / (values that occur · images of the value). The rest cost C each, and
    /// as images of their own value only if that is the only other one: liblinear has it so.
    pub(super) fn fit(
        numbers: &[f64],
        labels: &[usize],
        values: usize,
        config: SvmConfig,
    ) -> Result<Self> {
        if !(config.c > 0. && config.c.is_finite()) {
            bail!("C={} of a support vector machine; above 0 is allowed", config.c);
        }
        let shares = shares(labels, values);
        let occurring = shares.iter().filter(|share| **share > 0.).count();
        let balanced = |value: usize| config.c / (occurring as f64 * shares[value]);
        let machine = |value: usize| {
            if shares[value] == 0. {
                // Never the likeliest.
                return [0., f64::NEG_INFINITY];
            }
            let point = |(&x, &label): (&f64, &usize)| {
                let own = label == value;
                let cost = if own || occurring == 2 { balanced(label) } else { config.c };
                Point { x, side: if own { 1. } else { -1. }, cost }
            };
            minimum(&numbers.iter().zip(labels).map(point).collect::<Vec<_>>())
        };
        Ok(Self { machines: (0..values).map(machine).collect() })
    }

    /// The value whose machine says most.
    pub(super) fn read(&self, x: f64) -> usize {
        likeliest(&self.machines.iter().map(|[weight, bias]| weight * x + bias).collect::<Vec<_>>())
    }

    #[cfg(test)]
    pub(super) fn machines(&self) -> &[[f64; 2]] {
        &self.machines
    }
}

/// The function at a weight and a bias, its gradient, and its curvature ww, wb and bb.
struct Place {
    at: [f64; 2],
    value: f64,
    gradient: [f64; 2],
    curvature: [f64; 3],
}

impl Place {
    fn new(at: [f64; 2], points: &[Point]) -> Self {
        let [w, b] = at;
        let mut place =
            Self { at, value: (w * w + b * b) / 2., gradient: at, curvature: [1., 0., 1.] };
        for Point { x, side, cost } in points {
            let missing = 1. - side * (w * x + b);
            if missing > 0. {
                place.value += cost * missing * missing;
                let slope = -2. * cost * missing * side;
                place.gradient[0] += slope * x;
                place.gradient[1] += slope;
                place.curvature[0] += 2. * cost * x * x;
                place.curvature[1] += 2. * cost * x;
                place.curvature[2] += 2. * cost;
            }
        }
        place
    }

    fn steepness(&self) -> f64 {
        self.gradient[0].hypot(self.gradient[1])
    }
}

/// Newton's method with a backtracking line search (Nocedal and Wright, *Numerical Optimization*, 2006,
/// algorithms 3.2 and 3.1). The function is strictly convex, and quadratic between finitely many lines: the
/// minimum is reached in a few steps.
fn minimum(points: &[Point]) -> [f64; 2] {
    let mut here = Place::new([0., 0.], points);
    let tolerance = 1e-10 * here.steepness();
    for _ in 0..100 {
        if here.steepness() <= tolerance {
            break;
        }
        let ([gw, gb], [ww, wb, bb]) = (here.gradient, here.curvature);
        let determinant = ww * bb - wb * wb;
        let step = [(wb * gb - bb * gw) / determinant, (wb * gw - ww * gb) / determinant];
        let slope = step[0] * gw + step[1] * gb;
        let shorter = |k| {
            let length = 0.5f64.powi(k);
            let next = [here.at[0] + length * step[0], here.at[1] + length * step[1]];
            let next = Place::new(next, points);
            (next.value <= here.value + 1e-4 * length * slope).then_some(next)
        };
        // No further descent in the numbers' precision.
        let Some(next) = (0..50).find_map(shorter) else { break };
        here = next;
    }
    here.at
}
