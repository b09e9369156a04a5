//! `cir study`: trainings that together answer a question. Killed at any moment, it goes on where it
//! stopped, and ends in the same results.

mod compare;
mod file;
mod page;
mod results;
mod run;
mod table;
mod times;
mod watch;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use cir_train::{FolderLock, StopFlag, write_text};
use serde_json::Value;

use self::{
    file::{Role, Setting, Smaller, Study},
    results::{Results, Row, found},
    run::Run,
    times::{Time, Times},
    watch::Watch,
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
    /// Folder of the study's runs and results [default: studies/NAME].
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

/// Between two looks at the runs.
const LOOK: Duration = Duration::from_millis(500);

/// Runs what is still to be run, then shows what was found.
pub(crate) fn run(args: Args) -> Result<()> {
    let study = Study::open(&args.file)?.smaller(args.smaller);
    let folder = args.out.unwrap_or_else(|| PathBuf::from("studies").join(&study.name));
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
        let (text, old) = (recipe.to_toml()?, fs::read_to_string(&path).ok());
        if old.as_ref().is_some_and(|old| *old != text) {
            let rows = results.count_of(&setting.name);
            if !again {
                let changed = first_difference(&old.unwrap_or_default(), &text);
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

fn recipe_file(folder: &Path, setting: &Setting) -> PathBuf {
    folder.join("recipes").join(format!("{}.toml", setting.folder()))
}

fn run_folder(folder: &Path, setting: &Setting, seed: u64) -> PathBuf {
    folder.join("runs").join(format!("{}-{seed}", setting.folder()))
}

/// A run of the study.
struct Planned {
    setting: usize,
    role: Role,
    steps: u64,
    run: Run,
}

/// All runs: seed by seed, so that there is something to compare early.
fn plan(study: &Study, recipes: &[Recipe], folder: &Path, threads: usize) -> Vec<Planned> {
    let mut plan = Vec::new();
    for role in [Role::Choosing, Role::Judging] {
        for &seed in study.seeds(role) {
            plan.extend(study.trained(role).map(|i| {
                let setting = &study.settings[i];
                let run = Run {
                    recipe: recipe_file(folder, setting),
                    folder: run_folder(folder, setting, seed),
                    seed,
                    count: study.count,
                    threads,
                };
                Planned { setting: i, role, steps: recipes[i].train.steps, run }
            }));
        }
    }
    plan
}

/// A study while it runs.
struct Conduct<'a> {
    study: &'a Study,
    folder: &'a Path,
    plan: Vec<Planned>,
    results: Results,
    times: Times,
    /// The text of the study's file.
    file: String,
}

/// What a worker tells.
enum Event {
    Begun(usize),
    Ended(usize, Result<Option<Value>>),
}

impl Conduct<'_> {
    /// Runs what has no row, several at once; says which runs failed.
    fn run(&mut self, jobs: usize, stop: &StopFlag) -> Result<Vec<String>> {
        let (done, open): (Vec<_>, Vec<_>) =
            (0..self.plan.len()).partition(|&i| self.row(i).is_some());
        let steps = |runs: &[usize]| runs.iter().map(|&i| self.plan[i].steps).sum::<u64>();
        let made = steps(&done);
        let begun: u64 = open.iter().map(|&i| self.plan[i].run.progress().0).sum();
        let mut watch = Watch::new(made + steps(&open), made + begun);
        watch.say(&format!(
            "{}: {} runs, {} of them done; {jobs} at a time into {}",
            self.study.name,
            self.plan.len(),
            done.len(),
            self.folder.display()
        ));
        let runs: Vec<Run> = self.plan.iter().map(|planned| planned.run.clone()).collect();
        let (queue, mut failed) = (Mutex::new(open.into_iter()), Vec::new());
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..jobs {
                let (tell, queue, runs) = (tell.clone(), &queue, &runs);
                scope.spawn(move || {
                    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
                    while !stop.is_raised()
                        && let Some(i) = next()
                    {
                        // Nobody listens where the study itself has failed.
                        let _ = tell.send(Event::Begun(i));
                        let _ = tell.send(Event::Ended(i, runs[i].go(stop)));
                    }
                });
            }
            drop(tell);
            let heard = self.listen(&told, &mut watch, &mut failed);
            if heard.is_err() {
                stop.raise();
            }
            heard
        })?;
        Ok(failed)
    }

    fn listen(
        &mut self,
        told: &mpsc::Receiver<Event>,
        watch: &mut Watch,
        failed: &mut Vec<String>,
    ) -> Result<()> {
        let mut running: Vec<usize> = Vec::new();
        loop {
            match told.recv_timeout(LOOK) {
                Ok(Event::Begun(i)) => running.push(i),
                Ok(Event::Ended(i, ended)) => {
                    running.retain(|&other| other != i);
                    match ended.and_then(|printed| printed.map(|p| self.take(i, &p)).transpose()) {
                        Ok(None) => {}
                        Ok(Some(())) => watch.say(&format!("{} done", self.name(i))),
                        Err(error) => {
                            let line = format!("{}: {error:#}", self.name(i));
                            watch.say(&line);
                            failed.push(line);
                        }
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let all = 0..self.plan.len();
            let done = all.clone().filter(|&i| self.row(i).is_some()).count();
            let steps = all.map(|i| match self.row(i) {
                Some(_) => self.plan[i].steps,
                None => self.plan[i].run.progress().0,
            });
            let names: Vec<_> = running.iter().map(|&i| self.name(i)).collect();
            let runs = format!("{done} of {} runs, now {}", self.plan.len(), names.join(" and "));
            watch.show(steps.sum(), &runs);
        }
    }

    fn row(&self, i: usize) -> Option<&Row> {
        let planned = &self.plan[i];
        self.results.row(&self.study.settings[planned.setting].name, planned.run.seed)
    }

    fn name(&self, i: usize) -> String {
        let planned = &self.plan[i];
        format!("{} with seed {}", self.study.settings[planned.setting].name, planned.run.seed)
    }

    /// A run's scores become a row.
    fn take(&mut self, i: usize, printed: &Value) -> Result<()> {
        let Planned { setting, role, steps, run } = &self.plan[i];
        let setting = &self.study.settings[*setting].name;
        let row = Row {
            setting: setting.clone(),
            role: *role,
            seed: run.seed,
            steps: *steps,
            count: run.count,
            scores: found(&self.study.metrics, printed, &run.scores())?,
        };
        let (steps, seconds) = run.progress();
        self.times.add(setting, run.seed, Time { steps, seconds })?;
        self.results.add(row)?;
        self.write().map(drop)
    }

    fn write(&self) -> Result<String> {
        page::write(self.folder, self.study, &self.results, &self.times, &self.file)
    }
}
