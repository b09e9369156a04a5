//! The learned perceptual image patch similarity, version 0.1 (Zhang, Isola, Efros, Shechtman and Wang, *The
//! Unreasonable Effectiveness of Deep Features as a Perceptual Metric*, CVPR 2018, equation 1).

use std::path::Path;

use candle_core::{DType, Device, Module, Result, Tensor, bail};
use candle_nn::{Conv2dConfig, VarBuilder};
use cir_core::{Image, NamedTensors, PixelRange};
use cir_ops::{Activation, Conv2d};

use super::{
    similarity::Mean,
    stored::{read, strictly},
};
use crate::Score;

/// Whose features are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backbone {
    /// torchvision's `alexnet`, which the authors take for judging.
    Alex,
    /// torchvision's `vgg16`, which they take as a loss.
    Vgg,
}

/// The distance by the features behind five of the backbone's ReLUs.
#[derive(Debug, Clone)]
pub struct Lpips {
    backbone: Backbone,
    /// Up to each of the five.
    slices: Vec<Vec<Layer>>,
    /// (1, C, 1, 1) for each.
    weights: Vec<Tensor>,
}

#[derive(Debug, Clone)]
enum Layer {
    Conv(Conv2d),
    /// The maximum over windows of this side, with stride 2.
    Pool(usize),
}

impl Lpips {
    /// The network of safetensors files, one or several together; as [`Self::new`].
    ///
    /// # Errors
    /// When a file cannot be read, a tensor is in two of them, or as [`Self::new`].
    pub fn load<P: AsRef<Path>>(backbone: Backbone, files: &[P]) -> Result<Self> {
        let mut tensors = NamedTensors::new();
        for path in files {
            for (name, tensor) in read(path.as_ref())? {
                if tensors.contains_key(&name) {
                    bail!("tensor {name} of {} is in another file too", path.as_ref().display());
                }
                tensors.insert(name, tensor);
            }
        }
        Self::new(backbone, &tensors)
    }

    /// The network of torchvision's `features.0.weight`, … and the authors' `lin0.model.1.weight`, …
    /// torchvision's `classifier.*` may be there too.
    ///
    /// # Errors
    /// When another tensor is there, one is missing, or has another shape.
    pub fn new(backbone: Backbone, tensors: &NamedTensors) -> Result<Self> {
        let spared = |name: &str| name.starts_with("classifier.");
        strictly(tensors, spared, |vb| Self::build(backbone, vb))
    }

    fn build(backbone: Backbone, vb: VarBuilder) -> Result<Self> {
        let (mut cin, mut slices, mut weights) = (3, Vec::new(), Vec::new());
        for (i, slice) in backbone.slices().iter().enumerate() {
            let mut layers: Vec<_> = backbone.pool(i).map(Layer::Pool).into_iter().collect();
            for &(place, out, kernel, stride, padding) in *slice {
                let cfg = Conv2dConfig { stride, padding, ..Conv2dConfig::default() };
                let conv = Conv2d::new(cin, out, kernel, cfg, vb.pp("features").pp(place))?;
                layers.push(Layer::Conv(conv.with_activation(Activation::Relu)));
                cin = out;
            }
            weights.push(vb.get((1, cin, 1, 1), &format!("lin{i}.model.1.weight"))?);
            slices.push(layers);
        }
        Ok(Self { backbone, slices, weights })
    }

    /// The distance of each picture of `a` to the one at its place in `b`; 0 if they are equal. Grey pictures
    /// count as RGB; nothing is resized.
    ///
    /// # Errors
    /// When the numbers of pictures or their shapes differ, or they are too small for the backbone.
    pub fn distances(&self, a: &[Image], b: &[Image]) -> Result<Vec<f64>> {
        if a.len() != b.len() {
            bail!("LPIPS of {} pictures to {}", a.len(), b.len());
        }
        if a.is_empty() {
            return Ok(Vec::new());
        }
        let (mut x, mut y) = (self.input(a)?, self.input(b)?);
        if x.shape() != y.shape() {
            bail!("LPIPS of pictures of shape {:?} to {:?}", x.shape(), y.shape());
        }
        let mut sum = Tensor::zeros(a.len(), DType::F32, &Device::Cpu)?;
        for (slice, weight) in self.slices.iter().zip(&self.weights) {
            x = slice.iter().try_fold(x, |x, layer| layer.forward(&x))?;
            y = slice.iter().try_fold(y, |y, layer| layer.forward(&y))?;
            let apart = (unit(&x)? - unit(&y)?)?.sqr()?;
            sum = (sum + apart.broadcast_mul(weight)?.sum(1)?.mean((1, 2))?)?;
        }
        Ok(sum.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
    }

    /// The mean distance of pairs, with a normal interval.
    ///
    /// # Errors
    /// As [`Self::distances`], and when there is no pair.
    pub fn mean(&self, a: &[Image], b: &[Image]) -> Result<Score> {
        let (Some(first), true) = (a.first(), a.len() == b.len()) else {
            bail!("the mean LPIPS of {} pictures to {}", a.len(), b.len());
        };
        let mut mean = Mean::default();
        for (a, b) in a.chunks(BATCH).zip(b.chunks(BATCH)) {
            self.distances(a, b)?.into_iter().for_each(|distance| mean.add(distance));
        }
        let of = |image: &Image| format!("{}x{}", image.height(), image.width());
        let same = a.iter().all(|image| of(image) == of(first));
        let size = if same { of(first) } else { "several".into() };
        Ok(mean.score(format!("LPIPS 0.1 1 {:?} pictures={size}", self.backbone)))
    }

    /// (x - shift) / scale of pictures between -1 and 1, as ImageNet's networks expect them.
    fn input(&self, images: &[Image]) -> Result<Tensor> {
        let images: Vec<_> = images.iter().map(Image::to_rgb).collect();
        let x = Image::to_tensor(&images, PixelRange::Signed, DType::F32, &Device::Cpu)?;
        let (_, _, h, w) = x.dims4()?;
        let least = self.backbone.least_side();
        if h.min(w) < least {
            bail!("LPIPS of pictures of {w}x{h}; {:?} needs {least} and more", self.backbone);
        }
        let constant = |of: [f32; 3]| Tensor::from_slice(&of, (1, 3, 1, 1), &Device::Cpu);
        x.broadcast_sub(&constant([-0.030, -0.088, -0.188])?)?
            .broadcast_div(&constant([0.458, 0.448, 0.450])?)
    }
}

/// Pairs that are compared at a time.
const BATCH: usize = 16;

/// Every pixel's features scaled to length 1.
fn unit(x: &Tensor) -> Result<Tensor> {
    x.broadcast_div(&(x.sqr()?.sum_keepdim(1)?.sqrt()? + 1e-10)?)
}

impl Module for Layer {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Conv(conv) => conv.forward(x),
            Self::Pool(side) => x.max_pool2d_with_stride(*side, 2),
        }
    }
}

/// A convolution: its place in `features`, outputs, kernel, stride, padding.
type Place = (usize, usize, usize, usize, usize);

impl Backbone {
    fn slices(self) -> [&'static [Place]; 5] {
        match self {
            Self::Alex => [
                &[(0, 64, 11, 4, 2)],
                &[(3, 192, 5, 1, 2)],
                &[(6, 384, 3, 1, 1)],
                &[(8, 256, 3, 1, 1)],
                &[(10, 256, 3, 1, 1)],
            ],
            Self::Vgg => [
                &[(0, 64, 3, 1, 1), (2, 64, 3, 1, 1)],
                &[(5, 128, 3, 1, 1), (7, 128, 3, 1, 1)],
                &[(10, 256, 3, 1, 1), (12, 256, 3, 1, 1), (14, 256, 3, 1, 1)],
                &[(17, 512, 3, 1, 1), (19, 512, 3, 1, 1), (21, 512, 3, 1, 1)],
                &[(24, 512, 3, 1, 1), (26, 512, 3, 1, 1), (28, 512, 3, 1, 1)],
            ],
        }
    }

    /// Side of the pool before slice `i`; none before the first.
    fn pool(self, i: usize) -> Option<usize> {
        match self {
            Self::Alex => (1..3).contains(&i).then_some(3),
            Self::Vgg => (i > 0).then_some(2),
        }
    }

    /// The side of the smallest picture that leaves a pixel behind the last pool.
    pub(super) fn least_side(self) -> usize {
        match self {
            Self::Alex => 31,
            Self::Vgg => 16,
        }
    }
}
