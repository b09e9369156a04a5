//! Scores of exchanges between held-out faces, of which one has an attribute and the other has it not.
//!
//! *Edit precision*: the share of results in which the attribute changed as asked and all others
//! stayed, as a classifier reads them. Where the data know the true picture of a changed attribute:
//! the difference to it, inside and outside the region where it differs from the original, and whether
//! the result lies nearest to the truth of its own subject.

use cir_core::{Image, Scalars, rng};
use cir_data::{DataSet, Result};
use cir_metrics::accuracy;
use rand::seq::IndexedRandom;
use serde::Serialize;

use crate::{Model, regions::Regions};

/// Pairs exchanged at once.
const BATCH: usize = 16;
/// Held-out pictures on which the reader is examined.
const EXAMINED: usize = 1024;
/// Other subjects that a result is compared with.
pub(crate) const OTHERS: usize = 7;

/// Scores of one attribute's exchanges, or their mean over the attributes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AttributeScores {
    /// The attribute, or `mean`.
    pub name: String,
    /// Share of held-out pictures that the reader reads right.
    pub reader: f64,
    /// Share of results in which the attribute changed as asked.
    pub changed: f64,
    /// Share of results in which all other attributes stayed.
    pub kept: f64,
    /// Share of results in which both are so.
    pub precision: f64,
    /// Differences to the true pictures, if the data know them.
    pub truth: Option<TruthScores>,
}

/// Mean absolute differences as shares of the full range, and identity.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct TruthScores {
    /// To the true picture, where it differs from the original.
    pub inside: f64,
    /// To the true picture, elsewhere.
    pub outside: f64,
    /// Of the reconstruction to the original, elsewhere too.
    pub reconstruction: f64,
    /// Share of results that lie nearest to the truth of their own subject, among other subjects with
    /// the same attributes.
    pub identity: f64,
}

/// The scores of a model.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Which images were scored: `held-out`, or `training` where nothing is held out.
    pub images: &'static str,
    /// Results for each attribute.
    pub results: usize,
    /// Subjects that a result was told from for `identity`.
    pub others: usize,
    /// For each attribute.
    pub attributes: Vec<AttributeScores>,
    /// Over the attributes.
    pub mean: AttributeScores,
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
                ("identity", truth.identity),
            ];
            scalars.extend(of_truth.map(|(name, x)| (name.to_owned(), x)));
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

/// The images that are scored, and what they are called.
fn scored(data: &DataSet) -> (&[usize], &'static str) {
    match data.split.held_out.is_empty() {
        true => (&data.split.train, "training"),
        false => (&data.split.held_out, "held-out"),
    }
}

/// `count` pairs for the attribute at `place` of the schema: images that have it, and that have it not.
fn pairs(data: &DataSet, place: usize, count: usize, seed: u64) -> Vec<[usize; 2]> {
    let labelled = |value| {
        let has = |i: &&usize| data.index.labels(**i)[place] == value;
        scored(data).0.iter().filter(has).copied().collect::<Vec<_>>()
    };
    let (with, without) = (labelled(1), labelled(0));
    let mut rng = rng(seed, "evaluation", place as u64);
    let pair = |_| Some([*with.choose(&mut rng)?, *without.choose(&mut rng)?]);
    (0..count).map_while(pair).collect()
}

/// `count` exchanges of each attribute.
///
/// # Errors
/// When an image cannot be read or has another size than the model's.
pub fn swapped(model: &Model, data: &DataSet, count: usize, seed: u64) -> Result<Vec<Swapped>> {
    let config = &model.card().config;
    let mut all = Vec::new();
    for (block, place) in config.places(data.source.schema())?.into_iter().enumerate() {
        for [a, b] in pairs(data, place, count, seed) {
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

/// Scores about `count` pairs, divided among the attributes.
///
/// # Errors
/// When an image cannot be read or has another size than the model's.
pub fn evaluate(
    model: &Model,
    data: &DataSet,
    reader_steps: u64,
    count: usize,
    seed: u64,
) -> Result<Evaluation> {
    let (schema, config) = (data.source.schema(), &model.card().config);
    let reader = model.reader(data, reader_steps, seed)?;
    let (images, name) = scored(data);
    let mut rng = rng(seed, "examination", 0);
    let examined: Vec<_> = images.choose_multiple(&mut rng, EXAMINED).copied().collect();
    let shown = examined.iter().map(|&i| data.source.image(i)).collect::<Result<Vec<_>>>()?;
    let truth: Vec<_> = examined.iter().map(|&i| data.source.labels(i)).collect();
    let own = accuracy(&reader.read(&shown)?, &truth);

    let places = config.places(schema)?;
    let each = count.div_ceil(places.len());
    let mut attributes = Vec::with_capacity(places.len());
    for (block, &place) in places.iter().enumerate() {
        let (mut changed, mut kept, mut both) = (0, 0, 0);
        let mut regions = Regions::default();
        for pairs in pairs(data, place, each, seed).chunks(BATCH) {
            let side = |side: usize| {
                pairs.iter().map(|pair| data.source.image(pair[side])).collect::<Result<Vec<_>>>()
            };
            let [a1, b1, c, d] = model.exchange(block, &side(0)?, &side(1)?)?;
            for (side, own, edits) in [(0, a1, c), (1, b1, d)] {
                let sources: Vec<_> = pairs.iter().map(|pair| pair[side]).collect();
                for (read, &source) in reader.read(&edits)?.iter().zip(&sources) {
                    let labels = data.index.labels(source);
                    let others = (0..labels.len()).filter(|&j| j != place);
                    let (as_asked, stayed) = (
                        usize::from(read[place]) == side,
                        others.into_iter().all(|j| read[j] == labels[j]),
                    );
                    changed += usize::from(as_asked);
                    kept += usize::from(stayed);
                    both += usize::from(as_asked && stayed);
                }
                regions.add(&*data.source, &sources, (place, side as u16), &own, &edits)?;
            }
        }
        let results = (2 * each).max(1) as f64;
        attributes.push(AttributeScores {
            name: config.attributes[block].clone(),
            reader: own[place],
            changed: changed as f64 / results,
            kept: kept as f64 / results,
            precision: both as f64 / results,
            truth: regions.scores(),
        });
    }
    let mean = mean(&attributes);
    Ok(Evaluation { images: name, results: 2 * each, others: OTHERS, attributes, mean })
}

fn mean(all: &[AttributeScores]) -> AttributeScores {
    let over = |of: &dyn Fn(&AttributeScores) -> f64| {
        all.iter().map(of).sum::<f64>() / all.len().max(1) as f64
    };
    let truths: Option<Vec<_>> = all.iter().map(|scores| scores.truth).collect();
    let over_truths = |truths: Vec<TruthScores>| {
        let over = |of: fn(&TruthScores) -> f64| {
            truths.iter().map(of).sum::<f64>() / truths.len().max(1) as f64
        };
        TruthScores {
            inside: over(|t| t.inside),
            outside: over(|t| t.outside),
            reconstruction: over(|t| t.reconstruction),
            identity: over(|t| t.identity),
        }
    };
    AttributeScores {
        name: "mean".into(),
        reader: over(&|scores| scores.reader),
        changed: over(&|scores| scores.changed),
        kept: over(&|scores| scores.kept),
        precision: over(&|scores| scores.precision),
        truth: truths.map(over_truths),
    }
}
