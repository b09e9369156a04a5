//! ELEGANT behind the commands.

use std::sync::Arc;

use anyhow::Result;
use candle_core::Device;
use cir_core::{Image, Latent, Partition, Schema, Tile};
use cir_data::DataSet;
use cir_elegant::{Elegant, ElegantConfig, Model as ElegantModel, Pairs, evaluate, judge, swapped};
use cir_metrics::EditScores;
use cir_train::{PictureRow, PictureTable, Report};

use super::{AlgorithmConfig, Curves, Editor, Model, Session, Training};
use crate::{figures::strips, recipe::Recipe, scores::Scores};

/// Exchanges of each attribute shown.
const ROWS: usize = 3;

pub(super) fn begin(
    config: &ElegantConfig,
    data: &Arc<DataSet>,
    steps: u64,
    seed: u64,
    device: &Device,
) -> Result<Box<dyn Training>> {
    let algorithm = Elegant::new(config.clone(), data.clone(), steps, seed, device)?;
    let pairs = Pairs::new(data.clone(), config, seed)?;
    Ok(Box::new(Session {
        algorithm,
        batches: Arc::new(move |step| pairs.batch(step)),
        model: |elegant| elegant.trained(),
    }))
}

impl Model for ElegantModel {
    fn card(&self) -> Result<serde_json::Value> {
        Ok(serde_json::to_value(self.card())?)
    }

    fn sizes(&self) -> String {
        let c = &self.card().config;
        format!(
            "images {0}x{0}, {1} channels; encoder {2:?}, discriminators {3:?}",
            c.image_size, c.image_channels, c.channels, c.discriminator
        )
    }

    fn pictures(&self) -> (usize, usize) {
        (self.card().config.image_channels, self.card().config.image_size)
    }

    fn schema(&self) -> &Schema {
        &self.card().schema
    }

    fn partition(&self) -> &Partition {
        self.partition()
    }

    fn editor(&self) -> Option<&dyn Editor> {
        Some(self)
    }

    fn evaluate(&self, recipe: &Recipe, data: &DataSet, count: usize) -> Result<Vec<Scores>> {
        let AlgorithmConfig::Elegant(config) = &recipe.algorithm else {
            anyhow::bail!("a recipe of another algorithm beside this model")
        };
        let seed = recipe.train.seed;
        let judge = judge(data, config.evaluation.reader_steps, seed)?;
        let found = evaluate(self, data, &judge, count, seed)?;
        let row = |scores: &EditScores| {
            let shares = [scores.precision, scores.changed, scores.kept];
            let truth = scores.truth.as_ref();
            let difference = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.4}"));
            let mut row = vec![scores.name.clone()];
            row.extend(shares.map(|x| format!("{x:.3}")));
            let identity = truth.and_then(|t| t.identity);
            row.push(identity.map_or("–".into(), |share| format!("{share:.3}")));
            row.push(difference(truth.map(|t| t.inside)));
            row.push(difference(truth.map(|t| t.outside)));
            row.push(difference(truth.map(|t| t.reconstruction)));
            row.push(format!("{:.3}", scores.reader));
            row
        };
        let columns = [
            "",
            "precision",
            "changed",
            "others stayed",
            "identity",
            "L1 inside",
            "L1 outside",
            "L1 plain",
            "reader",
        ];
        Ok(vec![Scores {
            name: "",
            heading: "Scores of exchanges",
            explanation: "Two faces, of which one has an attribute and the other has it not, \
                          exchange its block. Precision is the share of results in which the \
                          attribute changed as asked and all others stayed, as a classifier reads \
                          them; its own accuracy on true pictures is in the last column. Identity is \
                          the share of results that lie nearest to the true picture of their own \
                          subject among others with the same attributes. L1 is the mean absolute \
                          difference to the true picture, inside the region that should change and \
                          outside; plain is that of the reconstruction, outside too.",
            columns: columns.map(str::to_owned).into(),
            rows: found.attributes.iter().chain([&found.mean]).map(row).collect(),
            footer: format!(
                "over {} results, made from {} images; identity among {} others",
                found.mean.results, found.images, found.others
            ),
            protocols: vec![found.mean.protocol.clone()],
            json: serde_json::to_value(&found)?,
        }])
    }

    fn show(&self, report: &mut Report, data: &DataSet, seed: u64) -> Result<()> {
        report.section("Exchange");
        report.text("Two faces exchange one attribute; everything else stays theirs.");
        let columns = ["has it", "has it not", "first without", "second with"];
        let rows = swapped(self, data, ROWS, seed)?
            .into_iter()
            .map(|r| PictureRow { header: r.attribute, pictures: r.pictures.map(Some).into() });
        let table =
            PictureTable { columns: columns.map(str::to_owned).into(), rows: rows.collect() };
        report.pictures(format!("Some {} faces", data.split.scored().1), &table)?;
        report.section("Degrees");
        report.text(
            "One attribute moves from the left picture's to the right one's, and a quarter beyond \
             both; the rest stays as in the left picture.",
        );
        report.pictures(
            "One attribute at a time",
            &strips(self, data, data.split.scored().0, seed)?,
        )?;
        Ok(())
    }

    fn charts(&self) -> Vec<Curves> {
        vec![
            Curves::new("Discriminators", "binary cross entropy, sum of four", false, |name| {
                ["D1", "D2"].contains(&name)
            }),
            Curves::new(
                "Generator against them",
                "binary cross entropy, sum of two",
                false,
                |name| ["adv1", "adv2"].contains(&name),
            ),
            Curves::new("Reconstruction and CIR", "unweighted", true, |name| {
                ["reconstruction", "cir"].contains(&name)
            }),
            Curves::new("Discriminators' total by attribute", "", false, |name| {
                name.starts_with("D_")
            }),
            Curves::new("Generator's total by attribute", "", false, |name| name.starts_with("G_")),
            Curves::new("Edit precision", "share", false, |name| name.starts_with("precision_")),
            Curves::new("Spread of the codes", "standard deviation", false, |name| {
                name.starts_with("spread_")
            }),
            Curves::new("Learning rates", "", false, |name| name.starts_with("lr_")),
        ]
    }
}

impl Editor for ElegantModel {
    fn keeps_size(&self) -> bool {
        true
    }

    fn encode(&self, images: &[Image]) -> candle_core::Result<Latent> {
        self.encode(images)
    }

    fn edits(
        &self,
        source: &Image,
        targets: &[Image],
        tiles: &[Tile],
    ) -> candle_core::Result<Vec<Image>> {
        self.edits(source, targets, tiles)
    }
}
