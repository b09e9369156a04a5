//! A small classifier that reads the attributes of pictures, trained on labelled ones: the judge of
//! what a model made. Its own accuracy on pictures that it has not seen says how far to believe it.

use candle_core::{DType, Device, Module, Result, Tensor};
use candle_nn::Conv2dConfig;
use cir_core::{
    Adam, AdamConfig, Gradients, Image, Labels, LrSchedule, Params, PixelRange, Schema, rng,
};
use cir_ops::{Activation, Conv2d, ConvSpec, Initialisation, Linear};
use rand::seq::IndexedRandom;

use crate::probe;

/// Output channels of the convolutions, each of which halves the picture.
const WIDTHS: [usize; 4] = [16, 32, 64, 64];
/// Larger pictures are halved until they are no larger.
const LARGEST: usize = 64;
const HALVE: Conv2dConfig =
    Conv2dConfig { padding: 1, stride: 2, dilation: 1, groups: 1, cudnn_fwd_algo: None };
/// Pictures of a training step, and read at once.
const BATCH: usize = 64;
const RATE: f64 = 2e-3;

/// Reads the value of every attribute of a schema.
#[derive(Debug, Clone)]
pub struct Reader {
    convs: Vec<Conv2d>,
    linear: Linear,
    /// The number of values of each attribute.
    values: Vec<usize>,
}

impl Reader {
    /// A reader trained for `steps` steps on `pictures`, drawn from `seed`; `example` gives a picture
    /// and its labels by number.
    ///
    /// # Errors
    /// When there is no picture, sizes differ, and what `example` returns.
    pub fn train<E: From<candle_core::Error>>(
        schema: &Schema,
        pictures: &[usize],
        steps: u64,
        seed: u64,
        mut example: impl FnMut(usize) -> std::result::Result<(Image, Labels), E>,
    ) -> std::result::Result<Self, E> {
        let Some(&first) = pictures.first() else {
            return Err(candle_core::Error::msg("a reader needs pictures to learn from").into());
        };
        let (picture, _) = example(first)?;
        let values: Vec<_> = schema.attributes().iter().map(|a| a.values.len()).collect();
        let params = Params::new(seed);
        let reader = Self::new(&params, &picture, values)?;
        let adam = AdamConfig { lr: RATE, ..AdamConfig::default() };
        let mut adam = Adam::new(adam, &params)?;
        let schedule = LrSchedule::Cosine { warmup: 20, floor: 0.02 };
        for step in 1..=steps {
            let mut rng = rng(seed, "reader", step);
            let mut images = Vec::with_capacity(BATCH);
            let mut targets = Vec::new();
            for _ in 0..BATCH {
                let chosen = pictures.choose(&mut rng).copied().unwrap_or(first);
                let (image, labels) = example(chosen)?;
                images.push(image);
                targets.extend(reader.one_hot(&labels));
            }
            let learn = || -> Result<()> {
                let logits = reader.logits(&images)?;
                let targets = Tensor::from_vec(targets, logits.shape(), &Device::Cpu)?;
                let loss = cir_ops::bce_groups(&logits, &targets, 1)?.sum_all()?;
                let mut gradients = Gradients::new();
                gradients.accumulate(&params, &mut cir_ops::backward(&loss)?)?;
                adam.step(&params, &gradients, schedule.factor(step, steps))
            };
            learn()?;
        }
        Ok(reader)
    }

    fn new(params: &Params, picture: &Image, values: Vec<usize>) -> Result<Self> {
        let vb = params.builder(DType::F32, &Device::Cpu);
        let (mut cin, mut side) = (picture.channels(), [picture.height(), picture.width()]);
        while side[0] > LARGEST && side.iter().all(|side| side.is_multiple_of(2)) {
            side = side.map(|side| side / 2);
        }
        let mut convs = Vec::with_capacity(WIDTHS.len());
        for (j, out) in WIDTHS.into_iter().enumerate() {
            let init = Initialisation::He;
            let spec = ConvSpec { cin, out, kernel: 3, bias: true, cfg: HALVE, init };
            convs.push(Conv2d::of(spec, vb.pp(j))?.with_activation(Activation::Relu));
            cin = out;
            side = side.map(|side| side.div_ceil(2));
        }
        let flat = cin * side[0] * side[1];
        let linear = Linear::of(flat, values.iter().sum(), Initialisation::Pytorch, vb.pp("last"))?;
        Ok(Self { convs, linear, values })
    }

    /// The value of every attribute of each picture.
    ///
    /// # Errors
    /// When a picture has another size than those it has learnt from.
    pub fn read(&self, pictures: &[Image]) -> Result<Vec<Labels>> {
        let likeliest = |logits: &Vec<f64>| probe::likeliest(logits) as u16;
        let all = self.by_value(pictures)?;
        Ok(all.iter().map(|attributes| attributes.iter().map(likeliest).collect()).collect())
    }

    /// The probability of every value of every attribute of each picture, each by itself: a picture
    /// between two values may show neither, or both.
    ///
    /// # Errors
    /// When a picture has another size than those it has learnt from.
    pub fn probabilities(&self, pictures: &[Image]) -> Result<Vec<Vec<Vec<f64>>>> {
        let mut all = self.by_value(pictures)?;
        for logit in all.iter_mut().flatten().flatten() {
            *logit = 1. / (1. + (-*logit).exp());
        }
        Ok(all)
    }

    /// The logits of each picture by attribute and value.
    fn by_value(&self, pictures: &[Image]) -> Result<Vec<Vec<Vec<f64>>>> {
        let mut all = Vec::with_capacity(pictures.len());
        for pictures in pictures.chunks(BATCH) {
            for logits in self.logits(pictures)?.detach().to_vec2::<f32>()? {
                let mut logits = logits.into_iter().map(f64::from);
                let own = |&n: &usize| logits.by_ref().take(n).collect();
                all.push(self.values.iter().map(own).collect());
            }
        }
        Ok(all)
    }

    /// One logit for each value of each attribute.
    fn logits(&self, pictures: &[Image]) -> Result<Tensor> {
        let x = Image::to_tensor(pictures, PixelRange::Signed, DType::F32, &Device::Cpu)?;
        let mut x = x;
        while x.dim(2)? > LARGEST && x.dim(2)?.is_multiple_of(2) && x.dim(3)?.is_multiple_of(2) {
            x = x.avg_pool2d(2)?;
        }
        let x = self.convs.iter().try_fold(x, |x, conv| conv.forward(&x))?;
        self.linear.forward(&x.flatten_from(1)?)
    }

    fn one_hot(&self, labels: &[u16]) -> Vec<f32> {
        let of = |(&n, &label): (&usize, &u16)| {
            (0..n).map(move |value| f32::from(u8::from(value == usize::from(label))))
        };
        self.values.iter().zip(labels).flat_map(of).collect()
    }
}

/// The share of pictures in which each attribute was read as it is.
pub fn accuracy(read: &[Labels], truth: &[Labels]) -> Vec<f64> {
    let attributes = truth.first().map_or(0, Vec::len);
    let right = |j: usize| read.iter().zip(truth).filter(|(r, t)| r[j] == t[j]).count();
    (0..attributes).map(|j| right(j) as f64 / truth.len().max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use cir_core::Attribute;

    use super::*;

    /// Which half of a picture is bright, and whether its ground is dark, middling or bright.
    fn example(i: usize) -> Result<(Image, Labels)> {
        let (half, ground) = (i % 2, i / 2 % 3);
        let pixel = |at: usize| match (at % 16 < 8) == (half == 0) {
            true => 60 * ground as u8 + 100 + (i / 6 % 10) as u8,
            false => 60 * ground as u8,
        };
        let image = Image::new(1, 16, 16, (0..256).map(pixel).collect())?;
        Ok((image, vec![half as u16, ground as u16]))
    }

    fn schema() -> Schema {
        let attribute = |name: &str, values: &[&str]| Attribute {
            name: name.into(),
            values: values.iter().map(|v| (*v).to_owned()).collect(),
        };
        Schema::new(vec![
            attribute("half", &["left", "right"]),
            attribute("ground", &["dark", "middling", "bright"]),
        ])
        .unwrap()
    }

    fn trained(steps: u64) -> Vec<f64> {
        let train: Vec<_> = (0..48).collect();
        let reader = Reader::train(&schema(), &train, steps, 1, example).unwrap();
        let (images, labels): (Vec<_>, Vec<_>) = (48..60).map(|i| example(i).unwrap()).unzip();
        accuracy(&reader.read(&images).unwrap(), &labels)
    }

    #[test]
    fn it_learns_to_read_what_it_has_not_seen() {
        assert_eq!(trained(60), [1., 1.]);
        assert_ne!(trained(0), [1., 1.]);
    }

    #[test]
    fn what_is_read_is_the_likeliest() {
        let train: Vec<_> = (0..48).collect();
        let reader = Reader::train(&schema(), &train, 60, 1, example).unwrap();
        let (image, labels) = example(53).unwrap();
        let found = reader.probabilities(std::slice::from_ref(&image)).unwrap().remove(0);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 3]);
        for (p, &label) in found.iter().zip(&labels) {
            assert!(
                p.iter().all(|p| (0. ..=1.).contains(p)) && p[usize::from(label)] > 0.5,
                "{p:?}"
            );
        }
    }

    #[test]
    fn without_pictures_it_refuses() {
        assert!(Reader::train(&schema(), &[], 1, 1, example).is_err());
    }
}
