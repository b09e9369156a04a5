//! Pictures of every algorithm's report: strips along each block.

use anyhow::Result;
use cir_core::{Sheet, rng};
use cir_data::DataSet;
use cir_train::{PictureRow, PictureTable};
use rand::seq::IndexedRandom;

use crate::{algorithms::Editor, interpolate::fractions};

/// For each block two strips from one of `images` towards another, the other blocks kept.
pub(crate) fn strips(
    model: &dyn Editor,
    data: &DataSet,
    images: &[usize],
    seed: u64,
) -> Result<PictureTable> {
    let fractions = fractions(-0.25, 1.25, 7);
    let mut columns = vec!["from".to_owned()];
    columns.extend(fractions.iter().map(|t| format!("{t:.2}")));
    columns.push("towards".into());
    let mut rng = rng(seed, "strips", 0);
    let mut rows = Vec::new();
    for (j, block) in model.partition().blocks().iter().enumerate() {
        let sheet = Sheet::strip(&[j], &fractions);
        for _ in 0..2 {
            let pair = pair(data, images, &block.name, &mut rng)?;
            let (a, b) = (data.source.image(pair[0])?, [data.source.image(pair[1])?]);
            let made = model.edits(&a, &b, sheet.tiles())?;
            let pictures = sheet.arrange(&a, &b, made)?.concat();
            rows.push(PictureRow { header: block.name.clone(), pictures });
        }
    }
    Ok(PictureTable { columns, rows })
}

/// Two of `images` with different values of an attribute.
pub(crate) fn pair(
    data: &DataSet,
    images: &[usize],
    attribute: &str,
    rng: &mut cir_core::Rng,
) -> Result<[usize; 2]> {
    let attribute = data.source.schema().attribute(attribute)?;
    let Some(&a) = images.choose(rng) else { anyhow::bail!("no image to choose") };
    let value = |i: usize| data.source.labels(i)[attribute];
    let differing = (0..1000).filter_map(|_| images.choose(rng)).find(|&&b| value(b) != value(a));
    Ok([a, differing.copied().unwrap_or(a)])
}
