//! I2I-Dis behind the commands.

use std::sync::Arc;

use anyhow::Result;
use candle_core::Device;
use cir_core::{Partition, Schema};
use cir_data::DataSet;
use cir_i2i::{
    Batches, Between, Direction, I2i, I2iConfig, Model as Translator, ModelCard, between, evaluate,
    judge, shown,
};
use cir_train::{PictureRow, PictureTable, Report};

use super::{AlgorithmConfig, Curves, Model, Session, Training};
use crate::{paths, recipe::Recipe, scores::Scores};

/// Translations scored for each path between two manners.
const PATHS: usize = 4;

/// Translations shown in each direction.
const ROWS: usize = 8;

pub(super) fn begin(
    config: &I2iConfig,
    data: &Arc<DataSet>,
    steps: u64,
    seed: u64,
    device: &Device,
) -> Result<Box<dyn Training>> {
    let algorithm = I2i::new(config.clone(), data.clone(), steps, seed, device)?;
    let batches = Batches::new(data.clone(), config, seed)?;
    Ok(Box::new(Session {
        algorithm,
        batches: Arc::new(move |step| batches.batch(step)),
        model: |i2i| i2i.trained(),
    }))
}

impl Model for Translator {
    fn card(&self) -> Result<serde_json::Value> {
        Ok(serde_json::to_value(self.card())?)
    }

    fn sizes(&self) -> String {
        let ModelCard { config: c, size, crop, .. } = self.card();
        format!(
            "the middle {crop}x{crop} of images {size}x{size}, {} channels; {:?} form, width {}, {} blocks; from {} to {} and back",
            c.image_channels,
            c.form,
            c.width,
            c.blocks,
            self.card().domains()[0],
            self.card().domains()[1],
        )
    }

    fn pictures(&self) -> (usize, usize) {
        (self.card().config.image_channels, self.card().size)
    }

    fn schema(&self) -> &Schema {
        &self.card().schema
    }

    fn partition(&self) -> &Partition {
        self.partition()
    }

    fn translator(&self) -> Option<&cir_i2i::Model> {
        Some(self)
    }

    fn evaluate(&self, recipe: &Recipe, data: &DataSet, count: usize) -> Result<Vec<Scores>> {
        let AlgorithmConfig::I2i(config) = &recipe.algorithm else {
            anyhow::bail!("a recipe of another algorithm beside this model")
        };
        let seed = recipe.train.seed;
        let judge = judge(self, data, config.evaluation.reader_steps, seed)?;
        let found = evaluate(self, data, &judge, count, seed)?;
        let paths = count.div_ceil(PATHS);
        let between = between(self, data, &judge, paths, seed)?;
        let row = |direction: &Direction| {
            let truth = direction.truth.map(|t| {
                [format!("{:.3}", t.content), format!("{:.3}", t.manner), format!("{:.4}", t.l1)]
            });
            let rest = [
                format!("{:.3}", direction.domain),
                format!("{:.3}", direction.domain_random),
                format!("{:.4}", direction.diversity),
                format!("{:.4}", direction.reconstruction),
                format!("{:.3}", direction.reader),
            ];
            let name = std::iter::once(direction.name.clone());
            name.chain(truth.into_iter().flatten()).chain(rest).collect()
        };
        let known = found.directions.iter().all(|direction| direction.truth.is_some());
        let truth: &[&str] = if known { &["content", "manner", "L1 truth"] } else { &[] };
        let rest = ["domain", "domain, random", "diversity", "L1 own", "reader"];
        let columns = [&[""], truth, &rest].concat();
        let guessing = match known {
            true => format!(
                "; content and manner among {} others, where guessing finds {:.3}",
                found.others,
                1. / (found.others + 1) as f64
            ),
            false => String::new(),
        };
        let own = Scores {
            name: "",
            heading: "Scores of translations",
            explanation: "A picture is translated in the manner of another. Where its true picture \
                          is known, content is the share of translations that lie nearer to the \
                          true picture of their own content than to those of others in the same \
                          manner, manner the share that lie nearer to the true one in their \
                          reference's manner than to those in others'; L1 truth is the mean \
                          absolute difference to it. Domain is the share that a classifier takes \
                          for pictures of the domain, also of random translations; its own \
                          accuracy on true pictures is in the last column. Diversity is the mean \
                          absolute difference between random translations of one picture, L1 own \
                          that between pictures and what is made of their own codes.",
            columns: columns.into_iter().map(str::to_owned).collect(),
            rows: found.directions.iter().map(row).collect(),
            footer: format!(
                "over {} translations of {} pictures in each direction{guessing}",
                found.directions[0].count, found.images
            ),
            protocols: vec![found.directions[0].protocol.clone()],
            json: serde_json::to_value(&found)?,
        };
        let mut all = vec![own];
        if between.iter().any(|between| between.paths > 0) {
            all.push(between_table(&found.directions.each_ref().map(|d| &*d.name), &between)?);
        }
        Ok(all)
    }

    fn show(&self, report: &mut Report, data: &DataSet, seed: u64) -> Result<()> {
        report.section("Translation");
        report.text(
            "A picture made anew from its own codes, in the manner of a reference, beside it the true \
             picture where it is known, and with random attribute codes.",
        );
        let rows: Vec<_> = shown(self, data, ROWS, seed)?
            .into_iter()
            .map(|row| PictureRow { header: row.name, pictures: row.pictures })
            .collect();
        let random = rows.first().map_or(0, |row| row.pictures.len() - 5);
        let mut columns: Vec<String> =
            ["picture", "own codes", "reference", "translation", "truth"].map(str::to_owned).into();
        columns.extend((1..=random).map(|i| format!("random {i}")));
        let caption = format!("Some {} pictures", data.split.scored().1);
        report.pictures(caption, &PictureTable { columns, rows })?;
        Ok(())
    }

    fn charts(&self) -> Vec<Curves> {
        vec![
            Curves::new("Discriminators", "binary cross entropy", false, |name| {
                name.starts_with("d_") && name != "d_content_norm"
            }),
            Curves::new("Generator against them", "binary cross entropy", false, |name| {
                name.starts_with("gan")
            }),
            Curves::new("Reconstruction and CIR", "unweighted", true, |name| {
                name.starts_with("l1_self") || name.starts_with("l1_cycle") || name == "cir"
            }),
            Curves::new("Codes", "unweighted", true, |name| {
                ["kl_", "l2_", "latent_", "ms_"].iter().any(|start| name.starts_with(start))
            }),
            Curves::new("Translations", "share", false, |name| {
                ["content_to_", "manner_to_", "domain_"].iter().any(|s| name.starts_with(s))
            }),
            Curves::new("Spread of the codes", "standard deviation", false, |name| {
                name.starts_with("spread_")
            }),
            Curves::new("Learning rate", "", false, |name| name == "lr"),
        ]
    }
}

/// Scores of paths between two manners, in each direction.
fn between_table(directions: &[&str; 2], found: &[Between; 2]) -> Result<Scores> {
    let rows = directions.iter().zip(found).flat_map(|(direction, between)| {
        let named = move |mut row: Vec<String>| {
            row[0] = format!("{direction}: {}", row[0]);
            row
        };
        paths::rows(&between.scores).into_iter().map(named)
    });
    let counts = directions.iter().zip(found);
    let counts = counts.map(|(direction, found)| format!("{} {direction}", found.paths));
    Ok(Scores {
        name: "between",
        heading: "Between two manners, and beyond them",
        explanation: "A picture is translated with attribute codes on the line through those of two references. Others \
                      stayed: share of points between the ends that a classifier reads like the true pictures at \
                      both ends wherever these read alike. Arrived: share that at the second reference lies nearer \
                      to the true picture in its manner than to that in the first's; monotonic and uniform: how \
                      steadily it gets there. Again: distance of a code from the one found in its picture, over \
                      the distance of the references' codes. Intervals are of 95 %.",
        columns: Scores::interval_columns(),
        rows: rows.collect(),
        footer: format!("of paths between two manners, {}", counts.collect::<Vec<_>>().join(", ")),
        protocols: Vec::new(),
        json: serde_json::to_value(found)?,
    })
}
