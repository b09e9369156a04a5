//! One forward pass: everything that is made of a batch (i2i-dis.md, section 4, items 1 to 8).

use candle_core::{DType, Device, Result, Tensor};
use cir_core::{Cut, Rng};
use rand::Rng as _;

use crate::{
    Domain, Form, LossConfig, Manner, ModelConfig, Prepared, Translators,
    domain::{both, both_at_once},
};

/// The pictures of an iteration, A's and B's.
#[derive(Debug, Clone)]
pub struct Views {
    /// (n, C, S, S): those that are encoded and translated.
    pub encoded: [Tensor; 2],
    /// (batch − n, C, S, S): other real pictures.
    pub others: [Tensor; 2],
}

/// Everything random of a full iteration's forward pass.
#[derive(Debug, Clone)]
pub struct Noise {
    /// (n, 4·width, S/4, S/4): added to the content codes.
    pub content: [Tensor; 2],
    /// (n, nz): with which attribute codes are sampled, in the `concat` form.
    pub attribute: Option<[Tensor; 2]>,
    /// (n, nz): random attribute codes, a second time for mode seeking; both domains' alike.
    pub random: Vec<Tensor>,
    /// (n, 4·width, S/4, S/4): added to the content codes of translations, of the pictures that show A's content and B's.
    pub content_again: [Tensor; 2],
    /// (n, nz): with which the attribute codes of translations are sampled, in the `concat` form.
    pub attribute_again: Option<[Tensor; 2]>,
}

/// Standard Gaussian numbers.
///
/// # Errors
/// Whatever candle reports.
pub fn gaussian(rng: &mut Rng, shape: &[usize], dtype: DType, device: &Device) -> Result<Tensor> {
    let count = shape.iter().product();
    let numbers: Vec<f64> = rng.sample_iter(rand_distr::StandardNormal).take(count).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
}

impl Noise {
    /// Draws what is added to the content codes of `n` encoded pictures of side `side`, in each domain.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn content(
        rng: &mut Rng,
        model: &ModelConfig,
        [n, side]: [usize; 2],
        dtype: DType,
        device: &Device,
    ) -> Result<[Tensor; 2]> {
        let shape = [n, 4 * model.width, side.div_ceil(4), side.div_ceil(4)];
        both(|_| gaussian(rng, &shape, dtype, device))
    }

    /// Draws everything for `n` encoded pictures of side `side`; first what [`Self::content`] draws.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn draw(
        rng: &mut Rng,
        model: &ModelConfig,
        loss: &LossConfig,
        size: [usize; 2],
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let content = |rng: &mut Rng| Self::content(rng, model, size, dtype, device);
        let shape = [size[0], model.attribute_width];
        let code = |rng: &mut Rng| gaussian(rng, &shape, dtype, device);
        let sampled = model.form == Form::Concat;
        let randoms = if loss.mode_seeking > 0. { 2 } else { 1 };
        Ok(Self {
            content: content(rng)?,
            attribute: sampled.then(|| both(|_| code(rng))).transpose()?,
            random: (0..randoms).map(|_| code(rng)).collect::<Result<_>>()?,
            content_again: content(rng)?,
            attribute_again: sampled.then(|| both(|_| code(rng))).transpose()?,
        })
    }
}

/// What the networks make of the encoded pictures; everything is A's, then B's. Content codes are
/// (n, 4·width, S/4, S/4), attribute codes (n, nz), pictures (n, C, S, S).
#[derive(Debug, Clone)]
pub struct Translations {
    /// Content codes, noise included.
    pub content: [Tensor; 2],
    /// What the attribute encoders say.
    pub manner: [Manner; 2],
    /// Attribute codes: sampled, in the `concat` form.
    pub attribute: [Tensor; 2],
    /// `fake_X_encoded`: the other domain's content with X's attribute code.
    pub translated: [Tensor; 2],
    /// `fake_XX_encoded`: from own codes.
    pub own: [Tensor; 2],
    /// `fake_X_random`, `fake_X_random2`: the other domain's content with random codes.
    pub random: [Vec<Tensor>; 2],
    /// Content codes found in translations: A's, found in B's pictures, and B's.
    pub content_again: [Tensor; 2],
    /// Attribute codes found in translations.
    pub attribute_again: [Tensor; 2],
    /// `fake_X_recon`: translated there and back.
    pub back: [Tensor; 2],
    /// Attribute codes found in the first random translations; means.
    pub random_again: [Tensor; 2],
    /// Where the graph is cut behind what was encoded, and behind what was decoded.
    encoded: [EncodedCuts; 2],
    decoded: [DecodedCuts; 2],
}

/// What a domain's encoders made, for others to go on from.
#[derive(Debug, Clone)]
struct EncodedCuts {
    content: Cut,
    mean: Cut,
    attribute: Cut,
    prepared: Cut,
}

/// What a domain's generator made of that.
#[derive(Debug, Clone)]
struct DecodedCuts {
    translated: Cut,
    random: Cut,
}

impl Translations {
    /// The forward pass.
    ///
    /// # Shapes
    /// `images` (n, C, S, S) of each domain.
    ///
    /// # Errors
    /// When the shapes do not fit the networks.
    pub fn new(nets: &Translators, images: &[Tensor; 2], noise: &Noise) -> Result<Self> {
        if noise.random.is_empty() {
            candle_core::bail!("no random attribute codes to translate with");
        }
        let Translators { content: enc_c, attribute: enc_a, generator } = nets;
        let sampled = |manner: &Manner, noise: &Option<[Tensor; 2]>, x: Domain| {
            manner.sample(noise.as_ref().map(|noise| &noise[x.index()]))
        };
        let [a, b] = both_at_once(|x| {
            let i = x.index();
            let content = (enc_c.encode(x, &images[i])? + &noise.content[i])?;
            let manner = enc_a.encode(x, &images[i])?;
            let attribute = sampled(&manner, &noise.attribute, x)?;
            let (cut, prepared) = generator.prepare(&content)?.cut()?;
            let cuts = EncodedCuts {
                content: Cut::new(&content)?,
                mean: Cut::new(&manner.mean)?,
                attribute: Cut::new(&attribute)?,
                prepared: cut,
            };
            Ok((content, manner, attribute, prepared, cuts))
        })?;
        let (content, manner, attribute, prepared, encoded) =
            ([a.0, b.0], [a.1, b.1], [a.2, b.2], [a.3, b.3], [a.4, b.4]);
        let n = images[0].dim(0)?;
        // What is differentiated at different times is decoded apart: a backward pass runs through
        // whole batches.
        let decode = |x: Domain, contents: &[&Prepared], codes: &[&Tensor]| {
            let images = generator.decode(x, &Prepared::cat(contents)?, &Tensor::cat(codes, 0)?)?;
            (0..codes.len()).map(|i| images.narrow(0, i * n, n)).collect::<Result<Vec<_>>>()
        };
        let [a, b] = both_at_once(|x| {
            let (own, other) = (&prepared[x.index()], &prepared[x.other().index()]);
            let z = encoded[x.index()].attribute.leaf();
            let pictures = decode(x, &[other, own], &[z, z])?;
            let contents = vec![other; noise.random.len()];
            let random = decode(x, &contents, &noise.random.iter().collect::<Vec<_>>())?;
            let [translated, own] = [0, 1].map(|i| pictures[i].clone());
            let cuts =
                DecodedCuts { translated: Cut::new(&translated)?, random: Cut::new(&random[0])? };
            Ok((translated, own, random, cuts))
        })?;
        let (translated, own, random, decoded) = ([a.0, b.0], [a.1, b.1], [a.2, b.2], [a.3, b.3]);

        let [a, b] = both_at_once(|x| {
            // The content of a picture translated to X is the other domain's.
            let (i, shown) = (x.index(), x.other());
            let content = enc_c.encode(shown, decoded[shown.index()].translated.leaf())?;
            let content = (content + &noise.content_again[i])?;
            let manner = enc_a.encode(x, decoded[i].translated.leaf())?;
            let attribute = sampled(&manner, &noise.attribute_again, x)?;
            let random = enc_a.encode(x, decoded[i].random.leaf())?.mean;
            let back = generator.decode(x, &generator.prepare(&content)?, &attribute)?;
            Ok((content, attribute, random, back))
        })?;
        let (content_again, attribute_again, random_again, back) =
            ([a.0, b.0], [a.1, b.1], [a.2, b.2], [a.3, b.3]);
        Ok(Self {
            content,
            manner,
            attribute,
            translated,
            own,
            random,
            content_again,
            attribute_again,
            back,
            random_again,
            encoded,
            decoded,
        })
    }

    /// Where the graph is cut: after encoding and after decoding, in A and in B.
    pub(crate) fn cuts(&self) -> [[Vec<Cut>; 2]; 2] {
        let encoded = |cuts: &EncodedCuts| {
            let EncodedCuts { content, mean, attribute, prepared } = cuts.clone();
            vec![content, mean, attribute, prepared]
        };
        let decoded = |cuts: &DecodedCuts| {
            let DecodedCuts { translated, random } = cuts.clone();
            vec![translated, random]
        };
        [self.encoded.each_ref().map(encoded), self.decoded.each_ref().map(decoded)]
    }

    /// Content and mean attribute code of `x`, behind the cut.
    pub(crate) fn latent(&self, x: Domain) -> [&Tensor; 2] {
        let cuts = &self.encoded[x.index()];
        [cuts.content.leaf(), cuts.mean.leaf()]
    }
}
