//! GZS-Net trained on a data set that is implemented as a trait: bars of two directions, three
//! brightnesses and three places.
//!
//! `cargo run --release -p cir-gzs --example own_data`

#![allow(
    clippy::print_stdout,
    dead_code,
    reason = "an example prints; the tests include it as a module"
)]

use std::sync::Arc;

use cir_core::{Attribute, Image, Labels, Schema};
use cir_data::{DataSet, HeldOut, HoldOut, Index, Source, Split};
use cir_gzs::{Groups, Gzs, GzsConfig};
use cir_train::Algorithm;

struct Bars(Schema);

impl Source for Bars {
    fn schema(&self) -> &Schema {
        &self.0
    }
    fn len(&self) -> usize {
        18
    }
    fn labels(&self, i: usize) -> Labels {
        vec![(i / 9) as u16, (i / 3 % 3) as u16, (i % 3) as u16]
    }
    fn image(&self, i: usize) -> cir_data::Result<Image> {
        let l = self.labels(i);
        let lit = |p: usize| (if l[0] == 0 { p / 16 } else { p % 16 }) / 5 == usize::from(l[2]);
        let pixels = (0..256).map(|p| if lit(p) { 100 + 75 * l[1] as u8 } else { 0 });
        Ok(Image::new(1, 16, 16, pixels.collect())?)
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

pub(crate) fn data() -> Result<Arc<DataSet>> {
    let attribute = |name: &str, n: usize| Attribute {
        name: name.into(),
        values: (0..n).map(|i| i.to_string()).collect(),
    };
    let schema = vec![attribute("direction", 2), attribute("light", 3), attribute("place", 3)];
    let source = Bars(Schema::new(schema)?);
    let index = Arc::new(Index::new(&source)?);
    let split = Split::new(&index, HoldOut { fraction: 0.1, seed: 1, of: HeldOut::Combinations })?;
    let name = "bars".into();
    let data = DataSet { name, source: Arc::new(source), index, split, channels: 1, size: 16 };
    Ok(Arc::new(data))
}

pub(crate) fn main() -> Result<()> {
    let data = data()?;
    let config: GzsConfig = toml::from_str(include_str!("own_data.toml"))?;
    let groups = Groups::new(data.clone(), &config, 1)?;
    let mut gzs = Gzs::new(config, data.clone(), 30, 1, &candle_core::Device::Cpu)?;
    for step in 1..=30 {
        let scalars = gzs.step(step, groups.batch(step)?)?;
        let total = scalars.iter().find(|(name, _)| name == "total");
        println!("step {step}: loss {:.4}", total.map_or(f64::NAN, |(_, loss)| *loss));
    }
    let scores = cir_gzs::evaluate(gzs.trained(), &data, 10, 1)?;
    let read = data.source.schema().attributes().iter().zip(&scores.zero_shot.accuracy);
    for (attribute, share) in read {
        println!("{}: {share:.2} read back right", attribute.name);
    }
    Ok(())
}
