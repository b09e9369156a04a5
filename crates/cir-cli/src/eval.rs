//! `cir eval`: scores a run on combinations that its training never saw.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use cir_data::DataSet;
use cir_gzs::{Evaluation, Model, evaluate};

use crate::{model, recipe::Recipe};

/// Held-out combinations scored at the end of a training.
pub(crate) const COUNT: usize = 512;

/// Arguments of `cir eval`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder.
    run: PathBuf,
    /// Held-out combinations to score.
    #[arg(long, default_value_t = COUNT as u32, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Print JSON in place of a table.
    #[arg(long)]
    json: bool,
}

/// Prints the scores.
pub(crate) fn run(args: Args) -> Result<()> {
    let (recipe, data, model) = open(&args.run)?;
    let scores = evaluate(&model, &data, args.count as usize, recipe.train.seed)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&scores)?);
    } else {
        print!("{}", table(&scores));
    }
    Ok(())
}

/// A run's recipe, data and model.
pub(crate) fn open(run: &std::path::Path) -> Result<(Recipe, Arc<DataSet>, Model)> {
    let recipe = Recipe::stored(run)?;
    let model = model::load(run)?;
    let data = Arc::new(recipe.data.open()?);
    Ok((recipe, data, model))
}

/// The scores for a terminal.
pub(crate) fn table(scores: &Evaluation) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let (made, again) = (&scores.zero_shot, &scores.reconstruction);
    let _ = writeln!(text, "{:<16} {:>10} {:>12} {:>8}", "", "zero-shot", "upper bound", "chance");
    for (i, name) in scores.attributes.iter().enumerate() {
        let row = (made.accuracy[i], again.accuracy[i], scores.chance[i]);
        let _ = writeln!(text, "{name:<16} {:>10.3} {:>12.3} {:>8.3}", row.0, row.1, row.2);
    }
    let _ = writeln!(text, "{:<16} {:>10.3} {:>12.3}", "all at once", made.all, again.all);
    let _ = writeln!(text, "{:<16} {:>10.4} {:>12.4}", "L1", made.l1, again.l1);
    let _ = writeln!(text, "over {} {} combinations", made.count, scores.combinations);
    text
}
