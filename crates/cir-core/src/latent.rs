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
        let code =
            |i| Tensor::cat(&batches.iter().map(|z| z.code(i)).collect::<Result<Vec<_>>>()?, 0);
        match batches.len() {
            1 => Ok(first.clone()),
            _ => (0..first.0.len()).map(code).collect::<Result<_>>().map(Self),
        }
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
