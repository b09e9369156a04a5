//! What a model's codes hold of each attribute: the metrics of blocks on pictures that it never saw.

use anyhow::Result;
use candle_core::{DType, Tensor};
use cir_core::rng;
use cir_data::DataSet;
use cir_metrics::{
    BlockMatrix, BlockProbes, Blocks, Codes, Dci, ForestConfig, Probe, Sampling, Score,
    correlation, dci,
};
use rand::seq::IndexedRandom;
use serde_json::json;

use crate::{algorithms::Editor, scores::Scores};

/// Pictures encoded at once.
const BATCH: usize = 32;
/// Trees of an attribute.
const TREES: usize = 50;

/// All scores of a model's codes; every attribute has a block of its name.
pub(crate) struct Representation {
    /// How many of which pictures.
    of: String,
    blocks: Vec<String>,
    matrix: BlockMatrix,
    own: Score,
    leakage: Score,
    information_gap: Score,
    dci: Dci,
    correlation: Score,
}

impl Representation {
    /// Scores the codes of `count` pictures of `data`, held-out ones if there are any.
    pub(crate) fn of(model: &dyn Editor, data: &DataSet, count: usize, seed: u64) -> Result<Self> {
        let (codes, blocks) = codes(model, data, count, seed)?;
        let sampling = Sampling { seed, ..Sampling::default() };
        let probes = BlockProbes::fit(&codes, &blocks, Probe::default(), sampling)?;
        let trees = ForestConfig { trees: TREES };
        let partition = model.partition();
        Ok(Self {
            of: format!("{} {} pictures", codes.rows(), data.split.scored().1),
            blocks: partition.blocks().iter().map(|block| block.name.clone()).collect(),
            matrix: probes.matrix(),
            own: probes.own(),
            leakage: probes.leakage(),
            information_gap: probes.information_gap(),
            dci: dci(&codes, Some(&blocks), trees, sampling)?,
            correlation: correlation(&codes, &blocks, Sampling { resamples: 100, ..sampling })?,
        })
    }

    /// The attribute-block matrix, then the single scores, each with its protocol.
    pub(crate) fn tables(&self) -> [Scores; 2] {
        let number = |x: f64| format!("{x:.3}");
        let row = |(a, name): (usize, &String)| {
            let found = self.matrix.accuracy[a].iter().map(|&share| number(share));
            let chance = number(self.matrix.chance[a]);
            std::iter::once(name.clone()).chain(found).chain([chance]).collect()
        };
        let ends = [String::new()].into_iter().chain(self.blocks.clone());
        let matrix = Scores {
            name: "blocks",
            heading: "What each block holds",
            explanation: "The share of pictures of which a linear classifier \
                          reads an attribute (row) right from a block of the code (column): as high \
                          as can be in its own block, and no better than chance in the others.",
            columns: ends.chain(["chance".into()]).collect(),
            rows: self.blocks.iter().enumerate().map(row).collect(),
            footer: format!("of attributes (rows) in blocks (columns), {}", self.of),
            protocols: vec![self.matrix.protocol.clone()],
            json: json!({ "names": self.blocks, "matrix": self.matrix }),
        };
        let scores = [
            ("own block", "1", &self.own),
            ("leakage", "0", &self.leakage),
            ("block MIG", "1", &self.information_gap),
            ("disentanglement", "1", &self.dci.disentanglement),
            ("completeness", "1", &self.dci.completeness),
            ("informativeness", "1", &self.dci.informativeness),
            ("correlation", "0", &self.correlation),
        ];
        let single = Scores {
            name: "representation",
            heading: "Scores of the representation",
            explanation: "Own block: mean accuracy of attributes read from their own blocks. Leakage: mean \
                          accuracy above chance from the others'. Block MIG: how much more an attribute's \
                          own block says of it than any other. Disentanglement, completeness and \
                          informativeness of blocks (DCI) from what bagged trees look at. Correlation: mean \
                          absolute correlation between numbers of different blocks. Intervals are of 95 %.",
            columns: Scores::interval_columns(),
            rows: scores
                .map(|(name, ideal, score)| Scores::interval_row(name, ideal, score))
                .into(),
            footer: format!("of the representation, {}", self.of),
            protocols: Vec::new(),
            json: scores
                .iter()
                .map(|(name, _, score)| ((*name).to_owned(), json!(score)))
                .collect(),
        };
        [matrix, single]
    }
}

/// Codes of `count` scored pictures, the mean over places where a block is a map, with the labels of the
/// attributes that have a block.
fn codes(model: &dyn Editor, data: &DataSet, count: usize, seed: u64) -> Result<(Codes, Blocks)> {
    let partition = model.partition();
    let schema = data.source.schema();
    let places = partition.blocks().iter().map(|block| schema.attribute(&block.name));
    let places = places.collect::<cir_core::Result<Vec<_>>>()?;
    let mut rng = rng(seed, "representation", 0);
    let chosen: Vec<_> = data.split.scored().0.choose_multiple(&mut rng, count).copied().collect();
    let (mut numbers, mut labels) = (Vec::new(), Vec::new());
    for images in chosen.chunks(BATCH) {
        let pictures = images.iter().map(|&i| data.source.image(i));
        let latent = model.encode(&pictures.collect::<cir_data::Result<Vec<_>>>()?)?;
        let blocks = (0..partition.len()).map(|j| flat(&partition.get(&latent, j)?));
        let rows = Tensor::cat(&blocks.collect::<candle_core::Result<Vec<_>>>()?, 1)?;
        numbers.extend(rows.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?);
        labels.extend(images.iter().map(|&i| {
            let all = data.source.labels(i);
            places.iter().map(|&place| all[place]).collect()
        }));
    }
    let values = places.iter().map(|&place| schema.attributes()[place].values.len()).collect();
    let mut end = 0;
    let ranges = partition.blocks().iter().map(|block| {
        end += block.width();
        end - block.width()..end
    });
    let blocks = Blocks::new(ranges.collect(), (0..partition.len()).collect())?;
    let width = blocks.ranges().last().map_or(0, |range| range.end);
    Ok((Codes::new(width, numbers, labels, values)?, blocks))
}

/// (B, w) of (B, w) or (B, w, H, W).
fn flat(block: &Tensor) -> candle_core::Result<Tensor> {
    match block.rank() {
        2 => Ok(block.clone()),
        _ => block.flatten_from(2)?.mean(2),
    }
}
