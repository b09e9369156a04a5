//! Scores of translations of held-out pictures.

use cir_core::{Image, Scalars, rng};
use cir_data::{DataSet, Result};
use cir_metrics::{Reader, accuracy};
use rand::seq::IndexedRandom;
use serde::Serialize;

use crate::{Domain, I2iConfig, Model};

/// Held-out pictures on which the reader is examined.
const EXAMINED: usize = 512;
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

/// Tells the domains of pictures apart.
#[derive(Debug, Clone)]
pub struct Judge {
    reader: Reader,
    accuracy: f64,
    place: usize,
}

impl Judge {
    /// A reader trained on `data`'s training images, and examined.
    ///
    /// # Errors
    /// When an image cannot be read.
    pub fn new(data: &DataSet, config: &I2iConfig, seed: u64) -> Result<Self> {
        let source = &*data.source;
        let place = config.place(source.schema())?;
        let example = |i| Ok::<_, cir_data::Error>((source.image(i)?, source.labels(i)));
        let steps = config.evaluation.reader_steps;
        let reader = Reader::train(source.schema(), &data.split.train, steps, seed, example)?;
        let unseen =
            data.split.scored().0.choose_multiple(&mut rng(seed, "examination", 0), EXAMINED);
        let unseen = unseen.map(|&i| example(i)).collect::<Result<Vec<_>>>()?;
        let (pictures, truth): (Vec<_>, Vec<_>) = unseen.into_iter().unzip();
        let accuracy = accuracy(&reader.read(&pictures)?, &truth)[place];
        Ok(Self { reader, accuracy, place })
    }

    /// How many of the pictures look like `domain`'s.
    fn count(&self, pictures: &[Image], domain: Domain) -> Result<usize> {
        let found = self.reader.read(pictures)?;
        Ok(found.iter().filter(|labels| usize::from(labels[self.place]) == domain.index()).count())
    }
}

/// Scores `count` translations in each direction.
///
/// # Errors
/// When an image cannot be read.
pub fn evaluate(
    model: &Model,
    data: &DataSet,
    judge: &Judge,
    count: usize,
    seed: u64,
) -> Result<Evaluation> {
    let direction = |from| direction(model, data, judge, from, count, seed);
    Ok(Evaluation {
        images: data.split.scored().1,
        others: OTHERS,
        directions: [direction(Domain::A)?, direction(Domain::B)?],
    })
}

/// The scored images of both domains.
pub(crate) fn scored(data: &DataSet, place: usize) -> [Vec<usize>; 2] {
    Domain::BOTH.map(|x| {
        let of = |i: &&usize| usize::from(data.index.labels(**i)[place]) == x.index();
        data.split.scored().0.iter().filter(of).copied().collect()
    })
}

fn direction(
    model: &Model,
    data: &DataSet,
    judge: &Judge,
    from: Domain,
    count: usize,
    seed: u64,
) -> Result<Direction> {
    let (to, source) = (from.other(), &*data.source);
    let images = scored(data, judge.place);
    let mut rng = rng(seed, "evaluation", from.index() as u64);
    let (mut guided, mut random, mut spread, mut own) = (0, 0, 0., 0.);
    let (mut compared, mut sums) = (0, [0.; 3]);
    let mut done = 0;
    for k in 0..count {
        let (Some(&i), Some(&j)) =
            (images[from.index()].choose(&mut rng), images[to.index()].choose(&mut rng))
        else {
            break;
        };
        done += 1;
        let (image, reference) = (source.image(i)?, source.image(j)?);
        let remade = model.attribute(from, std::slice::from_ref(&image))?;
        own += model.translate(&image, from, from, &remade)?[0].l1(&image)?;
        let code = model.attribute(to, std::slice::from_ref(&reference))?;
        let made = model.translate(&image, from, to, &code)?;
        guided += judge.count(&made, to)?;
        let several = model.translate(
            &image,
            from,
            to,
            &model.random(RANDOM, seed.wrapping_add(k as u64))?,
        )?;
        random += judge.count(&several, to)?;
        spread += pairwise(&several)?;
        let Some(truth) = source.in_manner_of(i, j) else { continue };
        let l1 = made[0].l1(&truth?)?;
        let nearest = |pictures: &mut dyn Iterator<Item = Option<Result<Image>>>| -> Result<bool> {
            for picture in pictures.flatten() {
                if made[0].l1(&picture?)? <= l1 {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let mut others = |among: &[usize]| {
            let others = among.choose_multiple(&mut rng, OTHERS + 1).copied();
            others.filter(|other| ![i, j].contains(other)).take(OTHERS).collect::<Vec<_>>()
        };
        let contents = others(&images[from.index()]);
        let manners = others(&images[to.index()]);
        let content = nearest(&mut contents.iter().map(|&other| source.in_manner_of(other, j)))?;
        let manner = nearest(&mut manners.iter().map(|&other| source.in_manner_of(i, other)))?;
        compared += 1;
        for (sum, x) in
            sums.iter_mut().zip([l1, f64::from(u8::from(content)), f64::from(u8::from(manner))])
        {
            *sum += x;
        }
    }
    let mean = |sum: f64| sum / done.max(1) as f64;
    let [l1, content, manner] = sums.map(|sum| sum / f64::from(compared.max(1)));
    let names = model.card().domains();
    Ok(Direction {
        name: format!("{} to {}", names[from.index()], names[to.index()]),
        count: done,
        reader: judge.accuracy,
        domain: mean(guided as f64),
        domain_random: mean(random as f64 / RANDOM as f64),
        diversity: mean(spread),
        reconstruction: mean(own),
        truth: (compared > 0).then_some(Truth { l1, content, manner }),
    })
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
    /// The picture, the reference, the translation in its manner, the true one where it is known, and
    /// random translations.
    pub pictures: Vec<Option<Image>>,
}

/// `count` translations in each direction.
///
/// # Errors
/// When an image cannot be read.
pub fn shown(
    model: &Model,
    data: &DataSet,
    place: usize,
    count: usize,
    seed: u64,
) -> Result<Vec<Shown>> {
    let images = scored(data, place);
    let names = model.card().domains();
    let mut all = Vec::new();
    for from in Domain::BOTH {
        let (to, mut rng) = (from.other(), rng(seed, "shown", from.index() as u64));
        for k in 0..count {
            let (Some(&i), Some(&j)) =
                (images[from.index()].choose(&mut rng), images[to.index()].choose(&mut rng))
            else {
                continue;
            };
            let (image, reference) = (data.source.image(i)?, data.source.image(j)?);
            let code = model.attribute(to, std::slice::from_ref(&reference))?;
            let made = model.translate(&image, from, to, &code)?;
            let truth = data.source.in_manner_of(i, j).transpose()?;
            let codes = model.random(RANDOM, seed.wrapping_add(k as u64))?;
            let random = model.translate(&image, from, to, &codes)?;
            let mut pictures = vec![Some(image), Some(reference)];
            pictures.extend(made.into_iter().map(Some));
            pictures.push(truth);
            pictures.extend(random.into_iter().map(Some));
            let name = format!("{} to {}", names[from.index()], names[to.index()]);
            all.push(Shown { name, pictures });
        }
    }
    Ok(all)
}
