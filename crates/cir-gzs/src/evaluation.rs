//! Scores on combinations that training never saw: synthesis from other images' blocks, and the
//! reconstruction of the true picture as an upper bound.

use cir_core::{Image, Labels, Scalars, rng};
use cir_data::{DataSet, Result};
use cir_metrics::{ReadBack, Reading};
use rand::seq::IndexedRandom;
use serde::Serialize;

use crate::Model;

/// Pictures decoded at once.
const BATCH: usize = 32;

/// A held-out combination put together from blocks of training images.
#[derive(Debug, Clone)]
pub struct Recombination {
    /// The combination's values, in schema order.
    pub labels: Labels,
    /// For each attribute, in schema order, a training image that shows the wanted value; its
    /// other values are random.
    pub donors: Vec<Image>,
    /// What the model made of the donors' blocks.
    pub result: Image,
    /// The true picture, encoded and decoded.
    pub reconstruction: Image,
    /// The true picture.
    pub truth: Image,
}

/// Scores over combinations, held-out ones if there are any.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Names of the attributes.
    pub attributes: Vec<String>,
    /// Which combinations were scored: `held-out`, or `training` where nothing is held out.
    pub combinations: &'static str,
    /// One over each attribute's number of values.
    pub chance: Vec<f64>,
    /// Pictures synthesised from other images' blocks.
    pub zero_shot: Reading,
    /// The true pictures, encoded and decoded: an upper bound.
    pub reconstruction: Reading,
}

impl Evaluation {
    /// As named numbers for the log.
    pub fn scalars(&self) -> Scalars {
        let mut scalars = Scalars::new();
        for (prefix, reading) in
            [("zero_shot", &self.zero_shot), ("reconstruction", &self.reconstruction)]
        {
            for (name, accuracy) in self.attributes.iter().zip(&reading.accuracy) {
                scalars.push((format!("{prefix}_{name}"), *accuracy));
            }
            scalars.push((format!("{prefix}_all"), reading.all));
            scalars.push((format!("{prefix}_l1"), reading.l1));
        }
        scalars
    }
}

/// `count` held-out combinations (all, if there are fewer), put together from training images;
/// which ones, and from which images, is drawn from `seed`. Where nothing is held out, of the
/// training's own combinations.
///
/// # Errors
/// When the data's attributes are not the model's, training shows not every value, or an image cannot be
/// read or has another size than the model's.
pub fn recombine(
    model: &Model,
    data: &DataSet,
    count: usize,
    seed: u64,
) -> Result<Vec<Recombination>> {
    let mut rng = rng(seed, "evaluation", 0);
    let chosen: Vec<_> = data.split.scored().0.choose_multiple(&mut rng, count).copied().collect();
    let schema = data.source.schema();
    model.card().config.check_schema(schema)?;
    let shown = data.shown_in_training()?;
    let mut results = Vec::with_capacity(chosen.len());
    for wanted in chosen.chunks(BATCH) {
        let (mut truths, mut donors) = (Vec::new(), vec![Vec::new(); schema.len()]);
        for &index in wanted {
            truths.push(data.source.image(index)?);
            for (attribute, &value) in data.source.labels(index).iter().enumerate() {
                let Some(&donor) = shown[attribute][usize::from(value)].choose(&mut rng) else {
                    let attribute = &schema.attributes()[attribute];
                    let (name, value) = (&attribute.name, &attribute.values[usize::from(value)]);
                    let found = format!("no training image with {name}={value}");
                    let allowed = "a division that shows every value to training";
                    return Err(cir_core::Error::setting("data.hold_out", found, allowed).into());
                };
                donors[attribute].push(data.source.image(donor as usize)?);
            }
        }
        let latents = donors
            .iter()
            .map(|images| model.encode(images))
            .collect::<candle_core::Result<Vec<_>>>()?;
        let joined = model.partition().combine(&latents.iter().collect::<Vec<_>>())?;
        let made = model.decode(&joined)?;
        let again = model.decode(&model.encode(&truths)?)?;
        for (i, (((&index, truth), result), reconstruction)) in
            wanted.iter().zip(truths).zip(made).zip(again).enumerate()
        {
            results.push(Recombination {
                labels: data.source.labels(index),
                donors: donors.iter().map(|images| images[i].clone()).collect(),
                result,
                reconstruction,
                truth,
            });
        }
    }
    Ok(results)
}

/// Scores the combinations of [`recombine`] by reading them back.
///
/// # Errors
/// When an image cannot be read or has another size than the model's.
pub fn evaluate(model: &Model, data: &DataSet, count: usize, seed: u64) -> Result<Evaluation> {
    let attributes = data.source.schema().attributes();
    let values: Vec<_> = attributes.iter().map(|a| a.values.len()).collect();
    let (mut zero_shot, mut again) = (ReadBack::new(values.clone()), ReadBack::new(values.clone()));
    let render = |labels: &[u16]| match data.index.find(labels) {
        Some(index) => data.source.image(index).map(Some),
        None => Ok(None),
    };
    for r in recombine(model, data, count, seed)? {
        zero_shot.read(&r.result, &r.labels, render)?;
        again.read(&r.reconstruction, &r.labels, render)?;
    }
    let combinations = data.split.scored().1;
    let of = |how: &str| format!("of={how} combinations={combinations} seed={seed}");
    Ok(Evaluation {
        attributes: attributes.iter().map(|a| a.name.clone()).collect(),
        combinations,
        chance: values.iter().map(|&n| 1. / n as f64).collect(),
        zero_shot: zero_shot.reading(&of("recombination")),
        reconstruction: again.reading(&of("reconstruction")),
    })
}
