//! A small data set and a small network for the tests of this crate.

use std::sync::Arc;

use cir_core::{
    Attribute, ChosenMoved, CirConfig, Distance, FractionDistribution, Granularity, Image, Labels,
    LrSchedule, Moved, Scale, Schema, Target,
};
use cir_data::{DataSet, HoldOut, Index, Source, Split};
use cir_ops::{Initialisation, Precision};

use crate::{ElegantConfig, LossConfig, ModelConfig, Optimisers, Sampling};

/// An attribute of two or more values.
fn attribute(name: &str, values: &[&str]) -> Attribute {
    Attribute { name: name.into(), values: values.iter().map(|v| (*v).into()).collect() }
}

pub(crate) fn schema() -> Schema {
    let skin = attribute("skin", &["pale", "tanned", "dark"]);
    Schema::new(vec![attribute("smile", &["no", "yes"]), skin, attribute("hat", &["no", "yes"])])
        .unwrap()
}

/// 16 px faces of a sort: the ground says the skin, a bar at the bottom the smile, one at the top the
/// hat; twelve combinations, each twice.
struct Faces(Schema);

impl Source for Faces {
    fn schema(&self) -> &Schema {
        &self.0
    }

    fn len(&self) -> usize {
        24
    }

    fn labels(&self, i: usize) -> Labels {
        vec![(i % 2) as u16, (i / 2 % 3) as u16, (i / 6 % 2) as u16]
    }

    fn image(&self, i: usize) -> cir_data::Result<Image> {
        let labels = self.labels(i);
        let ground = 90 + 60 * labels[1] as u8;
        let pixel = |at: usize| match at / 16 {
            12..14 if labels[0] == 1 => [200, 20, 20],
            1..4 if labels[2] == 1 => [20, 20, 200],
            _ => [ground, ground, ground],
        };
        Ok(Image::new(3, 16, 16, (0..256).flat_map(pixel).collect())?)
    }
}

pub(crate) fn data() -> Arc<DataSet> {
    let source = Arc::new(Faces(schema()));
    let index = Arc::new(Index::new(&*source).unwrap());
    let split = Split::new(&index, HoldOut { fraction: 0.25, seed: 1 }).unwrap();
    Arc::new(DataSet { name: "bars".into(), source, index, split, channels: 3, size: 16 })
}

pub(crate) fn config() -> ElegantConfig {
    let adam = cir_core::AdamConfig { betas: [0.5, 0.999], ..Default::default() };
    ElegantConfig {
        precision: Precision::Full,
        model: ModelConfig {
            image_size: 16,
            image_channels: 3,
            attributes: vec!["hat".into(), "smile".into()],
            block_widths: None,
            channels: vec![4, 8],
            discriminator: vec![4, 8],
            initialisation: Initialisation::Normal(0.02),
        },
        sampling: Sampling { batch: 2 },
        loss: LossConfig { reconstruction: 5., half_size: 0.5 },
        cir: CirConfig {
            lambda: 0.1,
            moved: Moved::Chosen(ChosenMoved::Trained),
            granularity: Granularity::Sample,
            t: FractionDistribution::Uniform,
            draws: 1,
            distance: Distance::Mse,
            target: Target::Attached,
            also_moved: false,
            scale: Scale::Absolute,
            start: 0,
            ramp: 0,
        },
        optimiser: Optimisers { generator: adam, discriminator: adam },
        schedule: LrSchedule::Constant,
    }
}
