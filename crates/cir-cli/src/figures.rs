//! The pictures of a run's report: recombinations of held-out combinations, and strips along each
//! block.

use anyhow::Result;
use cir_core::{Image, rng};
use cir_data::DataSet;
use cir_gzs::{Model, recombine};
use cir_train::{PictureRow, PictureTable};
use rand::seq::IndexedRandom;

use crate::interpolate::{fractions, strip};

/// Held-out combinations shown.
const ROWS: usize = 10;

/// Held-out combinations: the sources in the margin, the result, and the truth beside it.
pub(crate) fn recombinations(model: &Model, data: &DataSet, seed: u64) -> Result<PictureTable> {
    let schema = data.source.schema();
    let mut columns: Vec<_> =
        schema.attributes().iter().map(|a| format!("{} from", a.name)).collect();
    columns.extend(["result".into(), "truth".into()]);
    let rows = recombine(model, data, ROWS, seed)?.into_iter().map(|r| PictureRow {
        header: schema.describe(&r.labels),
        pictures: r.donors.into_iter().chain([r.result, r.truth]).map(Some).collect(),
    });
    Ok(PictureTable { columns, rows: rows.collect() })
}

/// For each block a strip from one training picture towards another, the other blocks kept.
pub(crate) fn strips(model: &Model, data: &DataSet, seed: u64) -> Result<PictureTable> {
    let fractions = fractions(-0.25, 1.25, 7);
    let mut columns = vec!["from".to_owned()];
    columns.extend(fractions.iter().map(|t| format!("{t:.2}")));
    columns.push("towards".into());
    let mut rng = rng(seed, "strips", 0);
    let mut rows = Vec::new();
    for block in model.partition().blocks() {
        for _ in 0..2 {
            let pair = pair(data, &block.name, &mut rng)?;
            let (a, b) = (data.source.image(pair[0])?, data.source.image(pair[1])?);
            let za = model.encode(std::slice::from_ref(&a))?;
            let zb = model.encode(std::slice::from_ref(&b))?;
            let mut pictures = vec![Some(a)];
            pictures.extend(strip(model, &za, &zb, &[&block.name], &fractions)?);
            pictures.push(Some(b));
            rows.push(PictureRow { header: block.name.clone(), pictures });
        }
    }
    Ok(PictureTable { columns, rows })
}

/// Two training images with different values of an attribute.
fn pair(data: &DataSet, attribute: &str, rng: &mut cir_core::Rng) -> Result<[usize; 2]> {
    let attribute = data.source.schema().attribute(attribute)?;
    let train = &data.split.train;
    let Some(&a) = train.choose(rng) else { anyhow::bail!("no training image") };
    let value = |i: usize| data.source.labels(i)[attribute];
    let differing = (0..1000).filter_map(|_| train.choose(rng)).find(|&&b| value(b) != value(a));
    Ok([a, differing.copied().unwrap_or(a)])
}

/// A grid of pictures as one picture, for `cir data preview`.
pub(crate) fn contact_sheet(images: Vec<Image>, columns: usize) -> Image {
    let rows: Vec<Vec<_>> =
        images.chunks(columns.max(1)).map(|row| row.iter().cloned().map(Some).collect()).collect();
    Image::grid(&rows, 2)
}
