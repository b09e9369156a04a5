//! `cir eval`: scores a run, on what its training never saw if its data hold anything out, and its representation.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use cir_data::DataSet;
use cir_train::{RunDir, RunFiles};

use crate::{
    algorithms::Model, model, paths, recipe::Recipe, report, representation::Representation,
    scores::Scores, seen::Seen,
};

/// Held-out cases scored at the end of a training.
pub(crate) const COUNT: usize = 512;

/// Pictures whose codes are looked at, for each case scored.
const CODES: usize = 4;

/// Cases scored for each path between pictures.
const PATHS: usize = 4;

/// Arguments of `cir eval`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder.
    run: PathBuf,
    /// Combinations, pairs (divided among the attributes), or translations each way to score; held-out ones
    /// where there are any. The report then shows these scores.
    #[arg(long, default_value_t = COUNT as u32, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Print JSON in place of a table.
    #[arg(long)]
    json: bool,
}

/// Prints the scores and writes them into the report.
pub(crate) fn run(args: Args) -> Result<()> {
    let (recipe, data, model) = open(&args.run)?;
    // A run that trains writes its own report at the end.
    let reported = RunFiles::of(&args.run).report().is_file();
    let run = reported.then(|| RunDir::open(&args.run)).transpose()?;
    let mut all = model.evaluate(&recipe, &data, args.count as usize)?;
    if let Some(editor) = model.editor() {
        let (count, seed) = (CODES * args.count as usize, recipe.train.seed);
        // A single block cannot be told from others.
        if editor.partition().len() > 1 {
            all.extend(Representation::of(editor, &data, count, seed)?.tables());
        }
        let (paths, steps) =
            ((args.count as usize).div_ceil(PATHS), recipe.algorithm.reader_steps());
        all.push(paths::scores(editor, &data, paths, steps, seed)?);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&Scores::numbers(&all))?);
    } else {
        let tables: Vec<_> = all.iter().map(|scores: &Scores| scores.table("")).collect();
        print!("{}", tables.join("\n"));
    }
    if let Some(run) = run {
        report::write(&recipe, &data, &*model, &all, &run)?;
        eprintln!("these scores are in {} now", run.report().display());
    }
    Ok(())
}

/// A run's recipe, data and model.
pub(crate) fn open(run: &std::path::Path) -> Result<(Recipe, Arc<DataSet>, Box<dyn Model>)> {
    let files = RunFiles::of(run);
    let recipe = Recipe::stored(&files)?;
    // Its model was made with this recipe, or else the report would show another.
    if let Some(unfinished) = recipe.unfinished(&files)? {
        eprintln!("{unfinished}");
    }
    let model = model::load(run)?;
    let data = Arc::new(recipe.data.open()?);
    Seen::check(&data, &files)?;
    Ok((recipe, data, model))
}
