//! `cir study`: trainings that together answer a question. Killed at any moment, it goes on where it
//! stopped, and ends in the same results.

mod compare;
mod conduct;
mod file;
mod kept;
mod page;
mod results;
mod run;
mod table;
mod times;

use std::{
    fs,
    io::ErrorKind::NotFound,
    iter,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use cir_train::{FolderLock, RunFiles, StopFlag, write_text};

use self::{
    conduct::{Conduct, plan},
    file::{Setting, Smaller, Study},
    results::Results,
    times::Times,
};
use crate::{
    backend, invoked,
    recipe::Recipe,
    usage::{Interrupted, usage},
};

/// Arguments of `cir study`.
#[derive(clap::Args)]
#[command(after_help = RESUMING)]
pub(crate) struct Args {
    /// The study, a TOML file.
    file: PathBuf,
    /// Folder of the study's runs and results [default: studies/ and its name].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Runs at the same time [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Run anew those settings whose recipe is another than that of their results.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    smaller: Smaller,
}

const RESUMING: &str = "\
Called again with the same file and folder, after ctrl-C, a crash or its end, a study goes on where it
stopped: runs that have a row in results.jsonl are not run again.";

/// Runs what is still to be run, then shows what was found.
pub(crate) fn run(args: Args) -> Result<()> {
    let study = Study::open(&args.file, &args.smaller)?;
    let folder = args.out.unwrap_or_else(|| PathBuf::from("studies").join(study.folder()));
    let recipes = recipes(&study)?;
    let kept = folder.join("recipes");
    fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
    let _lock = FolderLock::take(&folder, "a study that another process is running")?;
    let mut results = Results::open(folder.join("results.jsonl"), &study)?;
    let mut times = Times::open(folder.join("times.json"))?;
    for (setting, recipe) in study.settings.iter().zip(&recipes) {
        let (path, runs) = (kept::recipe(&folder, setting), kept::runs(&folder, setting)?);
        // A run may have begun with a recipe of which there is no row yet.
        let of_runs = runs.iter().map(|run| RunFiles::of(run).recipe());
        for path in iter::once(path.clone()).chain(of_runs) {
            let Some(changed) = kept::changed(&path, recipe)? else { continue };
            if !args.again {
                return Err(usage(format!(
                    "setting {:?}: its recipe is another than {}, of which the folder has {} results: {changed}; \
                     allowed: the same, another --out, or --again to run it anew",
                    setting.name,
                    path.display(),
                    results.count_of(&setting.name)
                )));
            }
            results.forget(&setting.name)?;
            times.forget(&setting.name)?;
            for run in runs {
                fs::remove_dir_all(&run).with_context(|| run.display().to_string())?;
            }
            break;
        }
        write_text(&path, &recipe.to_toml()?)?;
    }
    let plan = plan(&study, &recipes, &folder);
    let mut conduct = Conduct { study: &study, folder: &folder, plan, results, times };

    let stop = StopFlag::on_signals()?;
    let failed = conduct.run(args.jobs.map(usize::from), &stop);
    let markdown = conduct.write()?;
    if stop.is_raised() {
        let words: Vec<_> =
            std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        let go_on = invoked::command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        return Err(Interrupted(format!("stopped; go on with: {go_on}")).into());
    }
    print!("{markdown}");
    println!("\nresults, tables and report in {}", folder.display());
    match &failed[..] {
        [] => Ok(()),
        failed => bail!("{} runs failed:\n{}", failed.len(), failed.join("\n")),
    }
}

/// The recipe of every setting, checked with its data and network: an error after hours of the others'
/// trainings would be too late.
fn recipes(study: &Study) -> Result<Vec<Recipe>> {
    let recipe = |setting: &Setting| -> Result<Recipe> {
        let recipe = study.recipe(setting)?;
        let with = || format!("setting {:?}", setting.name);
        let data = Arc::new(recipe.data.open().with_context(with)?);
        let (steps, seed) = (recipe.train.steps, recipe.train.seed);
        recipe.algorithm.begin(&data, steps, seed, &backend::device()?).with_context(with)?;
        Ok(recipe)
    };
    study.settings.iter().map(recipe).collect()
}

/// The text of a file; none where there is no such file.
fn read_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == NotFound => Ok(None),
        read => read.map(Some).with_context(|| path.display().to_string()),
    }
}
