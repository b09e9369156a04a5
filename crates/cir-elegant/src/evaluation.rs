//! Scores of exchanges between held-out faces, of which one has an attribute and the other has it not.

use cir_core::{Image, Scalars, rng};
use cir_data::{DataSet, Result};
use cir_metrics::{EditScores, Edited, Edits, Judge};
use rand::seq::IndexedRandom;
use serde::Serialize;

use crate::Model;

/// Pairs exchanged at once.
const BATCH: usize = 16;
/// Other subjects that a result is compared with.
const OTHERS: usize = 7;

/// The scores of a model.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Which images were scored: `held-out`, or `training` where nothing is held out.
    pub images: &'static str,
    /// Subjects that a result was told from for `identity`.
    pub others: usize,
    /// For each attribute.
    pub attributes: Vec<EditScores>,
    /// Over the attributes.
    pub mean: EditScores,
}

impl Evaluation {
    /// As named numbers for the log.
    pub fn scalars(&self) -> Scalars {
        let mut scalars = Scalars::new();
        for scores in self.attributes.iter().chain([&self.mean]) {
            let mut push = |what: &str, x| scalars.push((format!("{what}_{}", scores.name), x));
            push("precision", scores.precision);
            if scores.name == "mean" {
                push("changed", scores.changed);
                push("kept", scores.kept);
            }
        }
        scalars.push(("reader_mean".into(), self.mean.reader));
        if let Some(truth) = self.mean.truth {
            let ratio = truth.outside / truth.reconstruction.max(f64::MIN_POSITIVE);
            let of_truth = [
                ("l1_inside", truth.inside),
                ("l1_outside", truth.outside),
                ("l1_reconstruction", truth.reconstruction),
                ("l1_outside_ratio", ratio),
            ];
            scalars.extend(of_truth.map(|(name, x)| (name.to_owned(), x)));
            scalars.extend(truth.identity.map(|x| ("identity".to_owned(), x)));
        }
        scalars
    }
}

/// An exchange to look at.
#[derive(Debug, Clone)]
pub struct Swapped {
    /// The attribute.
    pub attribute: String,
    /// A (has it), B (has it not), A without it, B with it.
    pub pictures: [Image; 4],
}

/// `count` pairs for the attribute at `place` of the schema: images that have it, and that have it not.
///
/// # Errors
/// When there are none of either.
fn pairs(data: &DataSet, place: usize, count: usize, seed: u64) -> Result<Vec<[usize; 2]>> {
    let [without, with] = data.scored_by_value(place)?;
    let mut rng = rng(seed, "evaluation", place as u64);
    let pair = |_| Some([*with.choose(&mut rng)?, *without.choose(&mut rng)?]);
    Ok((0..count).map_while(pair).collect())
}

/// `count` exchanges of each attribute.
///
/// # Errors
/// When an image cannot be read or has another size than the model's.
pub fn swapped(model: &Model, data: &DataSet, count: usize, seed: u64) -> Result<Vec<Swapped>> {
    let config = &model.card().config;
    let mut all = Vec::new();
    for (block, place) in config.places(data.source.schema())?.into_iter().enumerate() {
        for [a, b] in pairs(data, place, count, seed)? {
            let (a, b) = (data.source.image(a)?, data.source.image(b)?);
            let one = std::slice::from_ref;
            let [_, _, c, d] = model.exchange(block, one(&a), one(&b))?;
            let edits = c.into_iter().zip(d);
            all.extend(edits.map(|(c, d)| Swapped {
                attribute: config.attributes[block].clone(),
                pictures: [a.clone(), b.clone(), c, d],
            }));
        }
    }
    Ok(all)
}

/// What reads the attributes of results: trained for `steps` steps on `data`'s training images.
///
/// # Errors
/// When an image cannot be read.
pub fn judge(data: &DataSet, steps: u64, seed: u64) -> Result<Judge> {
    let source = &*data.source;
    let example = |i| Ok((source.image(i)?, source.labels(i)));
    let images = [&data.split.train[..], data.split.scored().0];
    Judge::train(source.schema(), images, steps, seed, example)
}

/// Scores about `count` pairs, divided among the attributes.
///
/// # Errors
/// When an image cannot be read or has another size than the model's.
pub fn evaluate(
    model: &Model,
    data: &DataSet,
    judge: &Judge,
    count: usize,
    seed: u64,
) -> Result<Evaluation> {
    let (schema, config) = (data.source.schema(), &model.card().config);
    let mut rng = rng(seed, "others", 0);
    let shown =
        |images: &[usize]| images.iter().map(|&i| data.source.image(i)).collect::<Result<Vec<_>>>();

    let places = config.places(schema)?;
    let each = count.div_ceil(places.len());
    let images = data.split.scored().1;
    let of =
        format!("of=exchange images={images} others={OTHERS} {} seed={seed}", judge.protocol());
    let mut attributes = Vec::with_capacity(places.len());
    for (block, &place) in places.iter().enumerate() {
        let mut scores = Edits::default();
        for pairs in pairs(data, place, each, seed)?.chunks(BATCH) {
            let [with, without] =
                [0, 1].map(|side| pairs.iter().map(|p| p[side]).collect::<Vec<_>>());
            let [a1, b1, c, d] = model.exchange(block, &shown(&with)?, &shown(&without)?)?;
            for (sources, own, edits, value) in [(with, a1, c, 0), (without, b1, d, 1)] {
                for (found, &source) in judge.read(&edits)?.iter().zip(&sources) {
                    scores.read(found, data.index.labels(source), place, value);
                }
                let truths = Truths { data, sources, place, value };
                truths.compare(&own, &edits, &mut rng, &mut scores)?;
            }
        }
        attributes.push(scores.scores(&config.attributes[block], judge.accuracy()[place], &of));
    }
    let mean = EditScores::mean(&attributes, &of);
    Ok(Evaluation { images, others: OTHERS, attributes, mean })
}

/// Edits of the images numbered `sources`, in which the attribute at `place` was to become `value`.
struct Truths<'a> {
    data: &'a DataSet,
    sources: Vec<usize>,
    place: usize,
    value: u16,
}

impl Truths<'_> {
    /// Compares with the true pictures, where the source knows them.
    fn compare(
        &self,
        own: &[Image],
        edits: &[Image],
        rng: &mut cir_core::Rng,
        scores: &mut Edits,
    ) -> Result<()> {
        let source = &*self.data.source;
        for (k, &index) in self.sources.iter().enumerate() {
            let Some(truth) = source.changed(index, self.place, self.value) else { continue };
            // So few subjects that these many tries find none other are no data to score on.
            let others = (0..100 * OTHERS)
                .filter_map(|_| self.data.split.scored().0.choose(rng))
                .filter(|&&other| source.subject(other) != source.subject(index))
                .filter_map(|&other| self.like(other, truth))
                .take(OTHERS)
                .map(|other| source.image(other));
            scores.compare(Edited {
                original: &source.image(index)?,
                reconstruction: &own[k],
                result: &edits[k],
                truth: &source.image(truth)?,
                others: &others.collect::<Result<Vec<_>>>()?,
            })?;
        }
        Ok(())
    }

    /// The image of `other`'s subject that has all labels of the image `wanted`.
    fn like(&self, other: usize, wanted: usize) -> Option<usize> {
        let source = &*self.data.source;
        let labels = source.labels(wanted);
        let mut labels = labels.iter().enumerate();
        labels.try_fold(other, |i, (j, &value)| source.changed(i, j, value))
    }
}
