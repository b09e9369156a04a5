//! `cir eval`: scores a run on what its training never saw.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use cir_data::DataSet;

use crate::{algorithms::Model, model, recipe::Recipe};

/// Held-out cases scored at the end of a training.
pub(crate) const COUNT: usize = 512;

/// Arguments of `cir eval`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder.
    run: PathBuf,
    /// Held-out combinations, or pairs for each attribute, to score.
    #[arg(long, default_value_t = COUNT as u32, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Print JSON in place of a table.
    #[arg(long)]
    json: bool,
}

/// Prints the scores.
pub(crate) fn run(args: Args) -> Result<()> {
    let (recipe, data, model) = open(&args.run)?;
    let scores = model.evaluate(&recipe, &data, args.count as usize)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&scores.json)?);
    } else {
        print!("{}", scores.table(""));
    }
    Ok(())
}

/// A run's recipe, data and model.
pub(crate) fn open(run: &std::path::Path) -> Result<(Recipe, Arc<DataSet>, Box<dyn Model>)> {
    let recipe = Recipe::stored(run)?;
    let model = model::load(run)?;
    let data = Arc::new(recipe.data.open()?);
    Ok((recipe, data, model))
}
