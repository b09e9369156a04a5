//! The discriminators of pictures and of content codes (i2i-dis.md, section 2).

use candle_core::{Result, Tensor};
use cir_ops::{Activation, Conv2dConfig, conv2d};

use crate::{
    ModelConfig,
    blocks::{LEAKY, Scope},
    spectral::Judging,
};

/// `disA`, `disA2`, `disB` or `disB2`: real pictures or made ones?
#[derive(Debug, Clone)]
pub struct Discriminator {
    /// The layers of each scale.
    scales: Vec<Vec<Judging>>,
    /// Whether a forward pass changes it.
    spectral: bool,
}

impl Discriminator {
    pub(crate) fn new(cfg: &ModelConfig, scope: &Scope, buffers: &Scope) -> Result<Self> {
        let w = cfg.width;
        let (kernel, depth) = Self::stages(cfg.scales);
        let scale = |prefix: &str| {
            let layer = |i: usize| {
                let cin = if i == 0 { cfg.image_channels } else { w << (i - 1) };
                let place = [scope, buffers].map(|s| s.pp(format!("{prefix}.{i}.model.1")));
                Judging::new([cin, w << i], [kernel, 2, 1], LEAKY, cfg.spectral_norm, &place)
            };
            let place = [scope, buffers].map(|s| s.pp(format!("{prefix}.{depth}")));
            let widths = [w << (depth - 1), 1];
            let last = Judging::new(widths, [1, 1, 0], Activation::None, cfg.spectral_norm, &place);
            (0..depth).map(layer).chain([last]).collect::<Result<Vec<_>>>()
        };
        let scales = match cfg.scales {
            1 => vec![scale("model")?],
            n => (0..n).map(|s| scale(&format!("Diss.{s}"))).collect::<Result<_>>()?,
        };
        Ok(Self { scales, spectral: cfg.spectral_norm })
    }

    /// The kernel of a halving stage, and how many there are.
    fn stages(scales: usize) -> (usize, usize) {
        // One scale goes deeper: its output is one number for pictures of up to 64 px.
        if scales > 1 { (4, 4) } else { (3, 6) }
    }

    /// The same network as a judge of others: no gradient runs into its parameters.
    pub fn fixed(&self) -> Self {
        let fixed = |layers: &Vec<Judging>| layers.iter().map(Judging::fixed).collect();
        Self { scales: self.scales.iter().map(fixed).collect(), spectral: self.spectral }
    }

    /// A map of logits for each scale. With spectral norm each call moves the norms' vectors on.
    ///
    /// # Shapes
    /// (B, image_channels, H, W) → (B, 1, h, w) for each scale.
    ///
    /// # Errors
    /// When the pictures have other channels or are too small.
    pub fn forward(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        let mut images = images.clone();
        let mut maps = Vec::with_capacity(self.scales.len());
        for (s, layers) in self.scales.iter().enumerate() {
            if s > 0 {
                images = shrunk(&images)?;
            }
            maps.push(layers.iter().try_fold(images.clone(), |x, layer| layer.forward(&x))?);
        }
        Ok(maps)
    }

    /// Whether each forward pass moves its spectral norms on, so that the order of calls counts.
    pub(crate) fn is_spectral(&self) -> bool {
        self.spectral
    }

    /// [`Self::forward`] of several batches one after the other; in one batch where that is the same.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub(crate) fn forward_each(&self, batches: &[&Tensor]) -> Result<Vec<Vec<Tensor>>> {
        if self.spectral {
            return batches.iter().map(|images| self.forward(images)).collect();
        }
        let maps = self.forward(&Tensor::cat(batches, 0)?)?;
        let mut from = 0;
        let part = |images: &&Tensor| {
            let (start, count) = (from, images.dim(0)?);
            from += count;
            maps.iter().map(|map| map.narrow(0, start, count)).collect()
        };
        batches.iter().map(part).collect()
    }
}

/// 3x3 average pooling with stride 2 on a picture padded by 1; what is padded does not count.
fn shrunk(x: &Tensor) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    let window = Tensor::ones((1, 1, 3, 3), x.dtype(), x.device())?;
    let cfg = Conv2dConfig { padding: 1, stride: 2, ..Default::default() };
    let sums = conv2d(&x.reshape((b * c, 1, h, w))?, &window, None, cfg)?;
    let ones = Tensor::ones((1, 1, h, w), x.dtype(), x.device())?;
    let shares = conv2d(&ones, &window, None, cfg)?.recip()?;
    let (_, _, h, w) = sums.dims4()?;
    sums.broadcast_mul(&shares)?.reshape((b, c, h, w))
}

/// `disContent`: of which domain is a content code?
#[derive(Debug, Clone)]
pub struct ContentDiscriminator(Vec<Judging>);

impl ContentDiscriminator {
    pub(crate) fn new(cfg: &ModelConfig, scope: &Scope) -> Result<Self> {
        let (w, stages) = (4 * cfg.width, cfg.content_stages);
        let layer = |i: usize| {
            let name =
                if i <= stages { format!("model.{i}.model.1") } else { format!("model.{i}") };
            // It never has spectral norms, so no buffers.
            let place = [scope, scope].map(|s| s.pp(&name));
            let (out, shape, activation) = match i {
                i if i < stages => (w, [7, 2, 1], LEAKY),
                i if i == stages => (w, [4, 1, 0], LEAKY),
                _ => (1, [1, 1, 0], Activation::None),
            };
            Judging::new([w, out], shape, activation, false, &place)
        };
        Ok(Self((0..stages + 2).map(layer).collect::<Result<_>>()?))
    }

    /// The same network as a judge of others: no gradient runs into its parameters.
    pub fn fixed(&self) -> Self {
        Self(self.0.iter().map(Judging::fixed).collect())
    }

    /// Logits for codes.
    ///
    /// # Shapes
    /// (B, 4·width, h, w) → (B, 1, h', w').
    ///
    /// # Errors
    /// When the codes have other channels or are too small.
    pub fn forward(&self, codes: &Tensor) -> Result<Tensor> {
        self.0.iter().try_fold(codes.clone(), |x, layer| layer.forward(&x))
    }
}
