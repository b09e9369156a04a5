//! Named loss terms: the total that is differentiated and the log line come from one place, so a
//! logged term is an optimised term.

use candle_core::{DType, Result, Tensor, bail};

use crate::{Error, add_to};

/// Named numbers in the order in which they were computed.
pub type Scalars = Vec<(String, f64)>;

/// Adds a named number: to the one of that name, or as a new one.
pub fn add_scalar(scalars: &mut Scalars, name: String, value: f64) {
    match scalars.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += value,
        None => scalars.push((name, value)),
    }
}

/// Checks weights of terms, by their names in a recipe's section `loss`.
///
/// # Errors
/// Names one that is below 0 or not finite.
pub fn check_weights(weights: &[(&str, f64)]) -> crate::Result<()> {
    match weights.iter().find(|(_, weight)| !(*weight >= 0. && weight.is_finite())) {
        None => Ok(()),
        Some((name, weight)) => {
            Err(Error::setting(format!("loss.{name}"), weight, "a number of at least 0"))
        }
    }
}

/// Loss terms with their names and weights.
#[derive(Debug, Clone, Default)]
pub struct Losses {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    names: Vec<String>,
    values: Tensor,
    weights: Vec<f64>,
}

impl Losses {
    /// No term yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one term.
    pub fn push(&mut self, name: impl Into<String>, value: Tensor, weight: f64) {
        self.parts.push(Part { names: vec![name.into()], values: value, weights: vec![weight] });
    }

    /// Adds terms, each a name and a weight, that were computed together.
    ///
    /// # Shapes
    /// `values` (n) for n terms.
    ///
    /// # Errors
    /// When the counts differ.
    pub fn extend(&mut self, terms: Vec<(String, f64)>, values: Tensor) -> Result<()> {
        if values.dims() != [terms.len()] {
            bail!("losses: {} terms for values of shape {:?}", terms.len(), values.shape());
        }
        let (names, weights) = terms.into_iter().unzip();
        self.parts.push(Part { names, values, weights });
        Ok(())
    }

    /// Σ weight·value, a scalar, or `None` when no term carries weight.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn total(&self) -> Result<Option<Tensor>> {
        let mut total: Option<Tensor> = None;
        for part in self.parts.iter().filter(|p| p.weights.iter().any(|w| *w != 0.)) {
            add_to(&mut total, part.weighted()?.sum_all()?)?;
        }
        Ok(total)
    }

    /// Every term's name and unweighted value.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn scalars(&self) -> Result<Scalars> {
        let mut scalars = Vec::new();
        for part in &self.parts {
            let values = part.values.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            scalars.extend(part.names.iter().cloned().zip(values));
        }
        Ok(scalars)
    }
}

impl Part {
    fn weighted(&self) -> Result<Tensor> {
        let weights = Tensor::new(&*self.weights, self.values.device())?;
        // A lone value may be a scalar.
        self.values.broadcast_mul(&weights.to_dtype(self.values.dtype())?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_total_is_the_weighted_sum_of_what_is_logged() {
        let mut losses = Losses::new();
        assert!(losses.total().unwrap().is_none());
        let values = Tensor::new(&[1f64, 2.], &Device::Cpu).unwrap();
        losses.extend(vec![("a".into(), 1.), ("b".into(), 3.)], values).unwrap();
        losses.push("c", Tensor::new(4f64, &Device::Cpu).unwrap(), 0.5);
        losses.push("d", Tensor::new(f64::NAN, &Device::Cpu).unwrap(), 0.);
        let total = losses.total().unwrap().unwrap().to_scalar::<f64>().unwrap();
        assert_eq!(total, 9.);
        let logged = losses.scalars().unwrap();
        assert_eq!(logged[..3], [("a".into(), 1.), ("b".into(), 2.), ("c".into(), 4.)]);
    }
}
