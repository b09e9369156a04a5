//! The adversarial loss: binary cross entropy of probabilities, as PyTorch computes it.

use candle_core::{Result, Tensor};

/// No logarithm is below this.
const LEAST_LOGARITHM: f64 = -100.;
/// No p(1-p) that is divided by is smaller.
const LEAST_VARIANCE: f64 = 1e-12;

/// The mean of -ln p (for `target` 1) or of -ln(1-p) (for 0) over each of `groups` equal parts of a
/// batch. Logarithms are not below -100, and the gradient is (p - target) / max(p(1-p), 1e-12) / n:
/// a saturated p gives finite ones.
///
/// # Shapes
/// `p` (groups · n, …) → (groups).
///
/// # Errors
/// When the batch does not divide into `groups`.
pub fn binary_cross_entropy(p: &Tensor, target: f64, groups: usize) -> Result<Tensor> {
    let p = p.reshape((groups, ()))?;
    let constant = p.detach();
    let complement = constant.affine(-1., 1.)?;
    // Only targets 0 and 1 are met in practice, but nothing here depends on it.
    let logarithm = |x: &Tensor| x.log()?.maximum(LEAST_LOGARITHM);
    let terms = ((logarithm(&constant)? * -target)? - (logarithm(&complement)? * (1. - target))?)?;
    let variance = (&constant * &complement)?.maximum(LEAST_VARIANCE)?;
    let slope = ((&constant - target)? / variance)?;
    // The value of `terms` with the gradient of `slope`·p: what is added is 0.
    let carrier = (slope * &p)?;
    (terms + (&carrier - carrier.detach())?)?.mean(1)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    fn value_and_gradient(p: &[f64], target: f64) -> (f64, Vec<f64>) {
        let p = Var::new(p, &Device::Cpu).unwrap();
        let loss = binary_cross_entropy(&p, target, 1).unwrap().squeeze(0).unwrap();
        let gradient = loss.backward().unwrap().get(&p).unwrap().to_vec1().unwrap();
        (loss.to_scalar().unwrap(), gradient)
    }

    #[test]
    fn values_and_gradients_are_those_of_the_formula() {
        let (value, gradient) = value_and_gradient(&[0.5, 0.8], 1.);
        assert!((value + (0.5f64.ln() + 0.8f64.ln()) / 2.).abs() < 1e-15);
        assert!((gradient[0] + 1.).abs() < 1e-15 && (gradient[1] + 0.625).abs() < 1e-15);
        let (value, gradient) = value_and_gradient(&[0.75], 0.);
        assert!((value + 0.25f64.ln()).abs() < 1e-15 && (gradient[0] - 4.).abs() < 1e-14);
    }

    #[test]
    fn a_saturated_probability_is_finite() {
        assert_eq!(value_and_gradient(&[0.], 1.), (100., vec![-1e12]));
        assert_eq!(value_and_gradient(&[1.], 0.), (100., vec![1e12]));
        assert_eq!(value_and_gradient(&[1.], 1.), (0., vec![0.]));
    }

    #[test]
    fn groups_are_apart() {
        let p = Tensor::new(&[[0.5f64], [0.5], [0.25], [0.25]], &Device::Cpu).unwrap();
        let found = binary_cross_entropy(&p, 1., 2).unwrap().to_vec1::<f64>().unwrap();
        assert!((found[0] - 2f64.ln()).abs() < 1e-15 && (found[1] - 4f64.ln()).abs() < 1e-15);
    }
}
