//! What an encoder returns: one code, or several that were encoded separately.

use candle_core::{Result, Tensor};

/// The codes of a batch of images, each `(B, C)` or `(B, C, …)`.
///
/// GZS-Net has one vector, ELEGANT one feature map, I2I-Dis a content and an attribute code.
#[derive(Debug, Clone)]
pub struct Latent(Vec<Tensor>);

impl Latent {
    /// A latent of several codes.
    pub fn new(codes: Vec<Tensor>) -> Self {
        Self(codes)
    }

    /// The codes, in the partition's order.
    pub fn codes(&self) -> &[Tensor] {
        &self.0
    }

    /// Code number `i`.
    ///
    /// # Errors
    /// When there is no such code.
    pub fn code(&self, i: usize) -> Result<&Tensor> {
        match self.0.get(i) {
            Some(code) => Ok(code),
            None => candle_core::bail!("code {i} of a latent that has {}", self.0.len()),
        }
    }

    /// The batch size B.
    ///
    /// # Errors
    /// When the latent has no code.
    pub fn batch(&self) -> Result<usize> {
        self.code(0)?.dim(0)
    }

    /// Applies `f` to every code.
    ///
    /// # Errors
    /// What `f` returns.
    pub fn map(&self, f: impl FnMut(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self(self.0.iter().map(f).collect::<Result<_>>()?))
    }

    /// The latents of rows `start..start + count` of the batch.
    ///
    /// # Errors
    /// When the batch has fewer.
    pub fn rows(&self, start: usize, count: usize) -> Result<Self> {
        self.map(|code| code.narrow(0, start, count))
    }

    /// Several batches as one, in their order.
    ///
    /// # Errors
    /// When there is none, or their codes differ in number or shape.
    pub fn cat(batches: &[Self]) -> Result<Self> {
        let Some(first) = batches.first() else { candle_core::bail!("no latents to join") };
        if let Some(other) = batches.iter().find(|z| z.0.len() != first.0.len()) {
            candle_core::bail!("latents of {} and {} codes to join", first.0.len(), other.0.len());
        }
        let code = |i: usize| Tensor::cat(&batches.iter().map(|z| &z.0[i]).collect::<Vec<_>>(), 0);
        (0..first.0.len()).map(code).collect::<Result<_>>().map(Self)
    }

    /// The same numbers without their history: no gradient runs through them.
    pub fn detach(&self) -> Self {
        Self(self.0.iter().map(Tensor::detach).collect())
    }

    /// The batch repeated `n` times: (n·B, …), repetition by repetition.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn repeat(&self, n: usize) -> Result<Self> {
        match n {
            1 => Ok(self.clone()),
            _ => self.map(|code| Tensor::cat(&vec![code; n], 0)),
        }
    }
}

impl From<Tensor> for Latent {
    fn from(code: Tensor) -> Self {
        Self(vec![code])
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn code(first: f32) -> Tensor {
        Tensor::new(&[[first, first + 1.], [first + 2., first + 3.]], &Device::Cpu).unwrap()
    }

    #[test]
    fn rows_of_joined_batches_are_those_batches() {
        let [a, b] = [1., 5.].map(|first| Latent::new(vec![code(first), code(10. * first)]));
        let both = Latent::cat(&[a, b.clone()]).unwrap();
        assert_eq!(both.batch().unwrap(), 4);
        let found = both.rows(2, 2).unwrap();
        let numbers = |z: &Latent, i| z.code(i).unwrap().to_vec2::<f32>().unwrap();
        for i in 0..2 {
            assert_eq!(numbers(&found, i), numbers(&b, i));
        }
    }

    #[test]
    fn nothing_and_other_numbers_of_codes_are_refused() {
        assert!(Latent::cat(&[]).is_err());
        let [one, two] = [1, 2].map(|n| Latent::new(vec![code(1.); n]));
        let refusal = Latent::cat(&[two, one]).unwrap_err().to_string();
        assert!(refusal.contains("latents of 2 and 1 codes"), "{refusal}");
    }
}
