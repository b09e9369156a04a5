//! Scores of translations of held-out pictures.

use candle_core::Tensor;
use cir_core::{Image, Labels, Scalars, rng};
use cir_data::{DataSet, Result};
use cir_metrics::Judge;
use cir_ops::side_by_side;
use rand::{Rng as _, seq::IndexedRandom};
use serde::Serialize;

use crate::{Domain, Model};

/// Other contents, and other manners, that a translation is told from.
const OTHERS: usize = 7;
/// Random translations of a picture that are compared with one another.
const RANDOM: usize = 4;

/// The scores of a model.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Which images were scored: `held-out`, or `training` where nothing is held out.
    pub images: &'static str,
    /// Contents, and manners, that a translation was told from.
    pub others: usize,
    /// A to B, then B to A.
    pub directions: [Direction; 2],
}

/// The scores of translations to one domain. L1 are mean absolute differences as shares of the full
/// range.
#[derive(Debug, Clone, Serialize)]
pub struct Direction {
    /// The names of the domains.
    pub name: String,
    /// Translations scored; a picture may be among them more than once.
    pub count: usize,
    /// Share of true pictures whose domain the reader reads right.
    pub reader: f64,
    /// Share of translations in another picture's manner that the reader takes for the domain's.
    pub domain: f64,
    /// Share of random translations that it does.
    pub domain_random: f64,
    /// L1 between random translations of a picture, over all pairs.
    pub diversity: f64,
    /// L1 between pictures of this direction's source and what is made of their own codes.
    pub reconstruction: f64,
    /// Comparison with the true pictures, where the data knows them.
    pub truth: Option<Truth>,
    /// Name, version, options, sizes and seed.
    pub protocol: String,
}

/// Translations in the manner of another picture, compared with the true picture.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Truth {
    /// L1 to the true picture.
    pub l1: f64,
    /// Share that lies nearest to the picture of its own content among others' in the same manner.
    pub content: f64,
    /// Share that lies nearest to the picture in its reference's manner among those in others'.
    pub manner: f64,
}

impl Evaluation {
    /// As named numbers for the log.
    pub fn scalars(&self) -> Scalars {
        let mut scalars = Scalars::new();
        for (direction, name) in self.directions.iter().zip(["to_b", "to_a"]) {
            let mut push = |what: &str, x| scalars.push((format!("{what}_{name}"), x));
            push("domain", direction.domain);
            push("domain_random", direction.domain_random);
            push("diversity", direction.diversity);
            push("l1_own", direction.reconstruction);
            if let Some(truth) = direction.truth {
                push("l1_truth", truth.l1);
                push("content", truth.content);
                push("manner", truth.manner);
            }
        }
        scalars
    }
}

/// What tells the domains apart: trained for `steps` steps on what `model` sees of `data`'s training
/// images.
///
/// # Errors
/// When an image cannot be read.
pub fn judge(model: &Model, data: &DataSet, steps: u64, seed: u64) -> Result<Judge> {
    let source = &*data.source;
    let example = |i| Ok((model.view(&source.image(i)?)?, source.labels(i)));
    let images = [&data.split.train[..], data.split.scored().0];
    Judge::train(source.schema(), images, steps, seed, example)
}

/// A held-out picture translated in the manner of another, and at random; all as the model sees them.
struct Translated {
    /// The picture and the reference, by number.
    indices: [usize; 2],
    image: Image,
    reference: Image,
    /// What is made of the picture's own codes.
    remade: Image,
    /// In the reference's manner.
    guided: Image,
    /// What that should be, where the data know it.
    truth: Option<Image>,
    random: Vec<Image>,
}

/// A model, and the images that it is scored on.
pub(crate) struct Held<'a> {
    pub(crate) model: &'a Model,
    pub(crate) data: &'a DataSet,
    /// The scored images of the domains, by number.
    pub(crate) domains: [Vec<usize>; 2],
    /// The place of the domains' attribute in the data's schema.
    place: usize,
}

impl<'a> Held<'a> {
    pub(crate) fn new(model: &'a Model, data: &'a DataSet) -> Result<Self> {
        let domains = &model.card().schema.attributes()[0];
        let place = data.source.schema().binary(&domains.name)?;
        Ok(Self { model, data, domains: data.scored_by_value(place)?, place })
    }

    /// What picture `i` would be in the manner of picture `j`, as the model sees it, where the data
    /// know that.
    pub(crate) fn in_manner_of(&self, i: usize, j: usize) -> Result<Option<Image>> {
        let picture = self.data.source.in_manner_of(i, j).transpose()?;
        Ok(picture.map(|picture| self.model.view(&picture)).transpose()?)
    }

    /// A translation from domain `from`.
    fn translated(&self, from: Domain, rng: &mut cir_core::Rng) -> Result<Translated> {
        let (to, model, source) = (from.other(), self.model, &*self.data.source);
        let mut one = |x: Domain| -> usize {
            let images = &self.domains[x.index()];
            images[rng.random_range(0..images.len())]
        };
        let indices @ [i, j] = [one(from), one(to)];
        let (image, reference) = (source.image(i)?, source.image(j)?);
        let manner = |x, picture| model.attribute(x, std::slice::from_ref(picture));
        let codes = [manner(to, &reference)?, model.random(RANDOM, rng.random())?];
        let mut random = model.translate(&image, from, to, &Tensor::cat(&codes, 0)?)?;
        let guided = random.remove(0);
        let remade = model.translate(&image, from, from, &manner(from, &image)?)?.remove(0);
        let (image, reference) = (model.view(&image)?, model.view(&reference)?);
        let truth = self.in_manner_of(i, j)?;
        Ok(Translated { indices, image, reference, remade, guided, truth, random })
    }
}

/// Scores `count` translations in each direction.
///
/// # Errors
/// When an image cannot be read, or no image of a domain is there to be scored.
pub fn evaluate(
    model: &Model,
    data: &DataSet,
    judge: &Judge,
    count: usize,
    seed: u64,
) -> Result<Evaluation> {
    let held = Held::new(model, data)?;
    let direction = |from| direction(&held, judge, from, count, seed);
    Ok(Evaluation {
        images: data.split.scored().1,
        others: OTHERS,
        directions: [direction(Domain::A)?, direction(Domain::B)?],
    })
}

fn direction(
    held: &Held<'_>,
    judge: &Judge,
    from: Domain,
    count: usize,
    seed: u64,
) -> Result<Direction> {
    let to = from.other();
    let looks = |pictures: &[Image]| -> Result<f64> {
        let found = judge.read(pictures)?;
        let right = |labels: &&Labels| usize::from(labels[held.place]) == to.index();
        Ok(found.iter().filter(right).count() as f64 / pictures.len() as f64)
    };
    let stream = format!("evaluation from {}", from.lower());
    let scored = side_by_side((0..count).collect(), |k| -> Result<_> {
        let mut rng = rng(seed, &stream, k as u64);
        let made = held.translated(from, &mut rng)?;
        let scores = [
            looks(std::slice::from_ref(&made.guided))?,
            looks(&made.random)?,
            pairwise(&made.random)?,
            made.image.l1(&made.remade)?,
        ];
        Ok((scores, against_truth(held, from, &made, &mut rng)?))
    })?;
    let (scores, truths): (Vec<_>, Vec<_>) = scored.into_iter().unzip();
    let [domain, domain_random, diversity, reconstruction] = means(&scores);
    let truths: Vec<_> = truths.into_iter().flatten().collect();
    let [l1, content, manner] = means(&truths);
    let (images, reader) = (held.data.split.scored().1, judge.protocol());
    Ok(Direction {
        name: held.model.card().direction(from),
        count,
        protocol: format!(
            "translation 1 images={images} random={RANDOM} others={OTHERS} {reader} count={count} seed={seed}"
        ),
        reader: judge.accuracy()[held.place],
        domain,
        domain_random,
        diversity,
        reconstruction,
        truth: (!truths.is_empty()).then_some(Truth { l1, content, manner }),
    })
}

/// L1 of a translation to the true picture, and whether this is nearer than those of other contents,
/// and of other manners, each 0 or 1.
fn against_truth(
    held: &Held<'_>,
    from: Domain,
    made: &Translated,
    rng: &mut cir_core::Rng,
) -> Result<Option<[f64; 3]>> {
    let Some(truth) = &made.truth else { return Ok(None) };
    let l1 = made.guided.l1(truth)?;
    let [i, j] = made.indices;
    let mut nearest =
        |x: Domain, picture: &dyn Fn(usize) -> Result<Option<Image>>| -> Result<Option<f64>> {
            let domain = &held.domains[x.index()];
            let mut told = 0;
            for other in domain.choose_multiple(rng, domain.len()) {
                let Some(other) = picture(*other)? else { continue };
                // Another image may show the same letter, or be in the same manner.
                if other == *truth {
                    continue;
                }
                if made.guided.l1(&other)? <= l1 {
                    return Ok(Some(0.));
                }
                told += 1;
                if told == OTHERS {
                    break;
                }
            }
            Ok((told > 0).then_some(1.))
        };
    let content = nearest(from, &|other| held.in_manner_of(other, j))?;
    let manner = nearest(from.other(), &|other| held.in_manner_of(i, other))?;
    Ok(content.zip(manner).map(|(content, manner)| [l1, content, manner]))
}

/// Each column's mean; 0 of none.
fn means<const N: usize>(rows: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|i| rows.iter().map(|row| row[i]).sum::<f64>() / rows.len().max(1) as f64)
}

/// The mean L1 over all pairs.
fn pairwise(pictures: &[Image]) -> Result<f64> {
    let (mut sum, mut pairs) = (0., 0);
    for (i, a) in pictures.iter().enumerate() {
        for b in &pictures[i + 1..] {
            sum += a.l1(b)?;
            pairs += 1;
        }
    }
    Ok(sum / f64::from(pairs.max(1)))
}

/// A translation to look at.
#[derive(Debug, Clone)]
pub struct Shown {
    /// From which domain to which.
    pub name: String,
    /// The picture, what is made of its own codes, the reference, the translation in its manner, the true
    /// one where it is known, and random translations.
    pub pictures: Vec<Option<Image>>,
}

/// `count` translations in each direction.
///
/// # Errors
/// When an image cannot be read, or no image of a domain is there to be shown.
pub fn shown(model: &Model, data: &DataSet, count: usize, seed: u64) -> Result<Vec<Shown>> {
    let held = Held::new(model, data)?;
    let mut all = Vec::with_capacity(2 * count);
    for from in Domain::BOTH {
        let mut rng = rng(seed, "shown", from.index() as u64);
        for _ in 0..count {
            let made = held.translated(from, &mut rng)?;
            let own = [made.image, made.remade, made.reference, made.guided].map(Some);
            let mut pictures = [&own[..], &[made.truth]].concat();
            pictures.extend(made.random.into_iter().map(Some));
            all.push(Shown { name: model.card().direction(from), pictures });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{data, model_of};

    /// Half of the held-out pictures show the same as any one of them, or are in its manner.
    #[test]
    fn what_is_right_is_nearest_to_its_truth_and_what_is_another_is_not() {
        let data = data();
        let model = model_of(&data);
        let held = Held::new(&model, &data).unwrap();
        for from in Domain::BOTH {
            let [shown, references] = [from, from.other()].map(|x| &held.domains[x.index()]);
            for (&i, &j) in shown.iter().zip(references.iter().rev()) {
                let truth = held.in_manner_of(i, j).unwrap().unwrap();
                let other =
                    shown.iter().find(|&&k| data.source.subject(k) != data.source.subject(i));
                let wrong = held.in_manner_of(*other.unwrap(), j).unwrap().unwrap();
                let mut made = held.translated(from, &mut rng(1, "test", 0)).unwrap();
                (made.indices, made.truth) = ([i, j], Some(truth.clone()));
                let mut score = |guided: Image| {
                    made.guided = guided;
                    against_truth(&held, from, &made, &mut rng(1, "test", 0)).unwrap()
                };
                assert_eq!(score(truth.clone()), Some([0., 1., 1.]));
                let [l1, content, _] = score(wrong).unwrap();
                assert!(l1 > 0. && content == 0.);
            }
        }
    }
}
