//! `cir study`: trainings that together answer a question. Killed at any moment, it goes on where it
//! stopped, and ends in the same results.

mod compare;
mod conduct;
mod file;
mod page;
mod results;
mod run;
mod table;
mod times;
mod watch;

use std::{
    fs,
    io::ErrorKind::NotFound,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use anyhow::{Context, Result, bail};
use cir_train::{FolderLock, StopFlag, write_text};

use self::{
    conduct::{Conduct, plan},
    file::{Role, Setting, Smaller, Study},
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
    let study = Study::open(&args.file)?.smaller(args.smaller);
    let folder = args.out.unwrap_or_else(|| PathBuf::from("studies").join(study.folder()));
    let recipes = recipes(&study)?;
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let _lock = FolderLock::take(&folder, "a study that another process is running")?;
    let mut results = Results::open(folder.join("results.jsonl"), &study)?;
    keep_recipes(&study, &recipes, &folder, &mut results, args.again)?;
    let times = Times::open(folder.join("times.json"))?;
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.map_or(processors, usize::from);
    let plan = plan(&study, &recipes, &folder, (processors / jobs).max(1));
    let file = fs::read_to_string(&args.file).with_context(|| args.file.display().to_string())?;
    let mut conduct = Conduct { study: &study, folder: &folder, plan, results, times, file };

    let stop = StopFlag::on_signals()?;
    let failed = conduct.run(jobs, &stop)?;
    let markdown = conduct.write()?;
    if stop.is_raised() {
        let (file, out) = (args.file.display().to_string(), folder.display().to_string());
        let go_on = invoked::command(&["study", &file, "--out", &out]);
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

/// Writes the settings' recipes; where the folder holds another one of the same name, its results are
/// another's.
fn keep_recipes(
    study: &Study,
    recipes: &[Recipe],
    folder: &Path,
    results: &mut Results,
    again: bool,
) -> Result<()> {
    let kept = folder.join("recipes");
    fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
    for (setting, recipe) in study.settings.iter().zip(recipes) {
        let path = recipe_file(folder, setting);
        let old = read_if_there(&path)?;
        // One of before a field came to be is the same if it is read as the same.
        let same = |old: &String| Recipe::parse("", old, &[]).is_ok_and(|read| read == *recipe);
        let text = recipe.to_toml()?;
        if let Some(old) = old.filter(|old| !same(old)) {
            let rows = results.count_of(&setting.name);
            if !again {
                let changed = first_difference(&old, &text);
                return Err(usage(format!(
                    "setting {:?}: its recipe is another than {}, of which the folder has {rows} results: \
                     {changed}; allowed: the same, another --out, or --again to run it anew",
                    setting.name,
                    path.display()
                )));
            }
            results.forget(&setting.name)?;
            for seed in [Role::Choosing, Role::Judging].iter().flat_map(|&role| study.seeds(role)) {
                let run = run_folder(folder, setting, *seed);
                if run.exists() {
                    fs::remove_dir_all(&run).with_context(|| run.display().to_string())?;
                }
            }
        }
        write_text(&path, &text)?;
    }
    Ok(())
}

fn first_difference(old: &str, new: &str) -> String {
    let mut lines = old.lines().zip(new.lines()).filter(|(old, new)| old != new);
    lines.next().map_or_else(
        || "one is longer".into(),
        |(old, new)| format!("found {:?}, was {:?}", new.trim(), old.trim()),
    )
}

/// The text of a file; none where there is no such file.
fn read_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == NotFound => Ok(None),
        read => read.map(Some).with_context(|| path.display().to_string()),
    }
}

fn recipe_file(folder: &Path, setting: &Setting) -> PathBuf {
    folder.join("recipes").join(format!("{}.toml", setting.folder()))
}

fn run_folder(folder: &Path, setting: &Setting, seed: u64) -> PathBuf {
    folder.join("runs").join(format!("{}-{seed}", setting.folder()))
}
