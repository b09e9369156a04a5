//! GZS-Net behind the commands.

use std::sync::Arc;

use anyhow::Result;
use candle_core::Device;
use cir_core::{Image, Latent, Partition, Schema, Tile};
use cir_data::DataSet;
use cir_gzs::{Groups, Gzs, GzsConfig, Model as Gzsnet, evaluate, recombine};
use cir_train::{PictureRow, PictureTable, Report};

use super::{Curves, Editor, Model, Session, Training};
use crate::{figures::strips, recipe::Recipe, scores::Scores};

/// Held-out combinations shown.
const ROWS: usize = 10;

pub(super) fn begin(
    config: &GzsConfig,
    data: &Arc<DataSet>,
    steps: u64,
    seed: u64,
    device: &Device,
) -> Result<Box<dyn Training>> {
    let algorithm = Gzs::new(config.clone(), data.clone(), steps, seed, device)?;
    let groups = Groups::new(data.clone(), config, seed)?;
    Ok(Box::new(Session {
        algorithm,
        batches: Arc::new(move |step| groups.batch(step)),
        model: |gzs| gzs.trained(),
    }))
}

impl Model for Gzsnet {
    fn card(&self) -> Result<serde_json::Value> {
        Ok(serde_json::to_value(self.card())?)
    }

    fn sizes(&self) -> String {
        let c = &self.card().config;
        format!(
            "images {0}x{0}, {1} channels; conv_dim {2}, depth {3}, hidden {4}, repeat_num {5}, \
             z_dim {6}",
            c.image_size, c.image_channels, c.conv_dim, c.depth, c.hidden, c.repeat_num, c.z_dim
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

    fn synthesiser(&self) -> Option<&cir_gzs::Model> {
        Some(self)
    }

    fn evaluate(&self, recipe: &Recipe, data: &DataSet, count: usize) -> Result<Vec<Scores>> {
        let found = evaluate(self, data, count, recipe.train.seed)?;
        let (made, again) = (&found.zero_shot, &found.reconstruction);
        let number = |x: f64| format!("{x:.3}");
        let of = |(i, name): (usize, &String)| {
            let row = [made.accuracy[i], again.accuracy[i], found.chance[i]].map(number);
            std::iter::once(name.clone()).chain(row).collect()
        };
        let mut rows: Vec<Vec<String>> = found.attributes.iter().enumerate().map(of).collect();
        rows.push(vec!["all at once".into(), number(made.all), number(again.all), String::new()]);
        let l1 = [made.l1, again.l1].map(|x| format!("{x:.4}"));
        rows.push(["L1".to_owned()].into_iter().chain(l1).chain([String::new()]).collect());
        Ok(vec![Scores {
            name: "",
            heading: "Scores of recombination",
            explanation: "Every picture is put together from blocks of other pictures' latents. It \
                          is read back by finding the value of an attribute whose true rendering \
                          lies nearest. The upper bound encodes and decodes the true picture itself.",
            columns: ["", "zero-shot", "upper bound", "chance"].map(str::to_owned).into(),
            rows,
            footer: format!("over {} {} combinations", made.count, found.combinations),
            protocols: vec![made.protocol.clone(), again.protocol.clone()],
            json: serde_json::to_value(&found)?,
        }])
    }

    fn show(&self, report: &mut Report, data: &DataSet, seed: u64) -> Result<()> {
        report.section("Recombination");
        report.text(
            "Each attribute is taken from the picture in its column; beside the result the truth.",
        );
        let caption = format!("Some {} combinations", data.split.scored().1);
        report.pictures(caption, &recombinations(self, data, seed)?)?;
        report.section("Interpolation");
        report.text(
            "One block moves from the left picture's to the right one's, and a quarter beyond \
             both; the others stay as in the left picture.",
        );
        report.pictures("One block at a time", &strips(self, data, &data.split.train, seed)?)?;
        Ok(())
    }

    fn charts(&self) -> Vec<Curves> {
        vec![
            Curves::new("Loss terms", "unweighted sum", true, |name| {
                ["recon", "combine", "unsup", "cycle", "cir"].contains(&name)
            }),
            Curves::new("Read back right", "share", false, |name| {
                name.starts_with("zero_shot_") && !name.ends_with("_l1")
            }),
            Curves::new("Spread of the latents", "standard deviation", false, |name| {
                name.starts_with("spread_")
            }),
            Curves::new("Learning rate", "", false, |name| name == "lr"),
        ]
    }
}

impl Editor for Gzsnet {
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

/// Held-out combinations: the sources in the margin, the result, and the truth beside it.
fn recombinations(model: &Gzsnet, data: &DataSet, seed: u64) -> Result<PictureTable> {
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
