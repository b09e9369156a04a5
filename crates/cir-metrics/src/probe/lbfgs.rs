//! Limited-memory BFGS with a backtracking line search (Nocedal and Wright, *Numerical Optimization*,
//! 2006, algorithms 7.4, 7.5 and 3.1), for convex functions.

use std::collections::VecDeque;

/// Steps remembered.
const MEMORY: usize = 10;

/// The minimum of a convex function from `x` on: where no partial derivative exceeds `tolerance`, or
/// after `most` steps. `value` gives the function and writes its gradient.
pub(super) fn minimise(
    mut x: Vec<f64>,
    tolerance: f64,
    most: usize,
    mut value: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Vec<f64> {
    let mut gradient = vec![0.; x.len()];
    let mut f = value(&x, &mut gradient);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..most {
        if gradient.iter().all(|g| g.abs() <= tolerance) {
            break;
        }
        let direction = towards(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        // The first step knows nothing of the curvature.
        let mut length = if memory.is_empty() { 1. / dot(&gradient, &gradient).sqrt() } else { 1. };
        let mut next_gradient = vec![0.; x.len()];
        let found = (0..50).find_map(|_| {
            let next: Vec<_> = x.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
            let next_f = value(&next, &mut next_gradient);
            let enough = next_f <= f + 1e-4 * length * slope;
            length /= 2.;
            enough.then_some((next, next_f))
        });
        // No further descent in the numbers' precision.
        let Some((next, next_f)) = found else { break };
        let step: Vec<_> = next.iter().zip(&x).map(|(a, b)| a - b).collect();
        let change: Vec<_> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        (x, f, gradient) = (next, next_f, next_gradient);
        if dot(&step, &change) > 0. {
            memory.push_front((step, change));
            memory.truncate(MEMORY);
        }
    }
    x
}

/// Minus the approximate inverse Hessian times the gradient.
fn towards(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut weights = Vec::with_capacity(memory.len());
    for (step, change) in memory {
        let weight = dot(step, &q) / dot(step, change);
        add(&mut q, -weight, change);
        weights.push(weight);
    }
    if let Some((step, change)) = memory.front() {
        let scale = dot(step, change) / dot(change, change);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((step, change), weight) in memory.iter().zip(weights).rev() {
        let back = dot(change, &q) / dot(step, change);
        add(&mut q, weight - back, step);
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, x: &[f64]) {
    to.iter_mut().zip(x).for_each(|(to, x)| *to += factor * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ill_conditioned_bowl_is_descended() {
        let value = |x: &[f64], g: &mut [f64]| {
            let mut f = 0.;
            for (i, (x, g)) in x.iter().zip(g).enumerate() {
                let (weight, centre) = (10f64.powi(i as i32), i as f64);
                f += weight * (x - centre).powi(2) / 2.;
                *g = weight * (x - centre);
            }
            f
        };
        let found = minimise(vec![7., -3., 1., 20.], 1e-9, 200, value);
        for (i, x) in found.iter().enumerate() {
            assert!((x - i as f64).abs() < 1e-6, "{found:?}");
        }
    }
}
