//! Whether a block can be moved alone and steadily: convexity along paths between scored pictures, one
//! block at a time, and beyond their ends.

use std::collections::{HashMap, hash_map::Entry};

use anyhow::Result;
use candle_core::DType;
use cir_core::{Latent, Sheet, rng};
use cir_data::DataSet;
use cir_metrics::{Convexity, Judge, Paths, Point, Sampling, Score};
use rand::seq::IndexedRandom;
use serde_json::json;

use crate::{algorithms::Editor, figures::pair, scores::Scores};

/// Pictures that the reader learns from at most, and their bytes.
const LEARNT: usize = 8192;
const KEPT: usize = 256 << 20;

/// Scores `count` paths, divided among the blocks; the classifier that reads the pictures is trained for
/// `reader_steps` steps.
pub(crate) fn scores(
    model: &dyn Editor,
    data: &DataSet,
    count: usize,
    reader_steps: u64,
    seed: u64,
) -> Result<Scores> {
    let source = &*data.source;
    let scored = data.split.scored().0;
    let judge = judge(data, reader_steps, seed)?;
    let (mut paths, mut read) = (Paths::default(), Vec::new());
    let mut rng = rng(seed, "paths", 0);
    let blocks = model.partition().blocks();
    for (j, block) in blocks.iter().enumerate() {
        let attribute = source.schema().attribute(&block.name)?;
        for _ in 0..count.div_ceil(blocks.len()) {
            let ends = pair(data, scored, &block.name, &mut rng)?;
            // Where all show the same value there is no way to another.
            let [from, to] = ends.map(|i| source.labels(i)[attribute]);
            if from == to {
                continue;
            }
            let (points, kept) = path(model, data, &judge, (j, attribute), ends)?;
            paths.add(&points)?;
            read.push(f64::from(u8::from(kept)));
        }
    }
    let images = data.split.scored().1;
    let of = format!("of=blocks images={images} {}", judge.protocol());
    let found = paths.scores(&of, Sampling { seed, ..Sampling::default() });
    let reader = read.iter().sum::<f64>() / read.len().max(1) as f64;
    Ok(table(&found, read.len(), images, reader))
}

/// What reads the pictures; it learns from few enough to be kept, since most are seen many times.
fn judge(data: &DataSet, steps: u64, seed: u64) -> Result<Judge> {
    let source = &*data.source;
    let most = (KEPT / (data.channels * data.size * data.size).max(1)).clamp(1, LEARNT);
    let mut rng = rng(seed, "pictures to learn from", 0);
    let learnt: Vec<_> = data.split.train.choose_multiple(&mut rng, most).copied().collect();
    let mut kept = HashMap::new();
    let example = |i| -> cir_data::Result<_> {
        let image = match kept.entry(i) {
            Entry::Occupied(image) => image.into_mut(),
            Entry::Vacant(place) => place.insert(source.image(i)?),
        };
        Ok((image.clone(), source.labels(i)))
    };
    Ok(Judge::train(source.schema(), [&learnt[..], data.split.scored().0], steps, seed, example)?)
}

/// The points from one image to another, on which block `j` moves; and whether the reader finds the other
/// attributes right in the true picture at the start.
fn path(
    model: &dyn Editor,
    data: &DataSet,
    judge: &Judge,
    (j, attribute): (usize, usize),
    ends: [usize; 2],
) -> Result<(Vec<Point>, bool)> {
    let source = &*data.source;
    let [a, b] = [source.image(ends[0])?, source.image(ends[1])?];
    let sheet = Sheet::strip(&[j], &Paths::FRACTIONS);
    let both = model.encode(&[a.clone(), b.clone()])?;
    let (start, target) = (both.rows(0, 1)?, both.rows(1, 1)?);
    let latents = model.partition().moved(&start, std::slice::from_ref(&target), sheet.tiles())?;
    let pictures = model.edits(&a, &[b], sheet.tiles())?;
    let again = distances(&model.encode(&pictures)?, &latents)?;
    let apart = distances(&start, &target)?[0];

    let labels = ends.map(|i| source.labels(i));
    let [from, to] = [0, 1].map(|end| usize::from(labels[end][attribute]));
    let kept = |found: &[Vec<f64>]| {
        let right =
            |(p, &label): (&Vec<f64>, &u16)| p.iter().all(|other| *other <= p[usize::from(label)]);
        let others = found.iter().zip(&labels[0]).enumerate().filter(|(i, _)| *i != attribute);
        others.map(|(_, pair)| pair).all(right)
    };
    let likely = judge.probabilities(&pictures)?;
    let true_kept = kept(&judge.probabilities(std::slice::from_ref(&a))?[0]);
    let point = |(k, picture): (usize, cir_core::Image)| {
        let p = &likely[k][attribute];
        Point {
            fraction: Paths::FRACTIONS[k],
            kept: kept(&likely[k]),
            degree: p[to] / (p[from] + p[to]).max(f64::MIN_POSITIVE),
            shows_target: p[to],
            again: again[k] / apart.max(f64::MIN_POSITIVE),
            picture,
            truth: None,
        }
    };
    Ok((pictures.into_iter().enumerate().map(point).collect(), true_kept))
}

/// The distance of each latent of one batch from that of the other.
fn distances(a: &Latent, b: &Latent) -> candle_core::Result<Vec<f64>> {
    let mut squares = vec![0.; a.batch()?];
    for (a, b) in a.codes().iter().zip(b.codes()) {
        let square = (a - b)?.sqr()?.flatten_from(1)?.sum(1)?.to_dtype(DType::F64)?;
        for (sum, square) in squares.iter_mut().zip(square.to_vec1::<f64>()?) {
            *sum += square;
        }
    }
    Ok(squares.into_iter().map(f64::sqrt).collect())
}

fn table(found: &Convexity, count: usize, of: &str, reader: f64) -> Scores {
    Scores {
        name: "paths",
        heading: "Between pictures, and beyond them",
        explanation: "One block moves from a picture's code to another's, and half the way beyond both. Others \
                      stayed: share of points between the ends at which a classifier reads all other attributes as \
                      in the first picture. Arrived: how certainly it finds the second's value at the target. \
                      Monotonic: change from end to end over all changes on the way. Uniform: 1 when the change is \
                      steady, 0 when it happens at once. Again: distance of a point from the code of its \
                      picture, over the distance of the two pictures' codes, at the ends and between. Intervals are \
                      of 95 %.",
        columns: Scores::interval_columns(),
        rows: rows(found),
        footer: format!(
            "of {count} paths between {of} pictures; on these themselves the classifier finds that others \
             stayed in {reader:.3}"
        ),
        protocols: Vec::new(),
        json: json!({ "reader": reader, "scores": found }),
    }
}

/// Scores of paths with their intervals, under [`Scores::interval_columns`].
pub(crate) fn rows(found: &Convexity) -> Vec<Vec<String>> {
    let scores = [
        ("others stayed", "1", &found.validity),
        ("beyond the ends", "1", &found.validity_beyond),
        ("arrived", "1", &found.arrival),
        ("monotonic", "1", &found.monotonicity),
        ("uniform", "1", &found.uniformity),
        ("again at ends", "0", &found.again_at_ends),
        ("again between", "0", &found.again_between),
    ];
    let row = |(name, ideal, score): (&str, &str, &Option<Score>)| {
        score.as_ref().map(|score| Scores::interval_row(name, ideal, score))
    };
    scores.into_iter().filter_map(row).collect()
}
