//! The runs of a study, several at a time, and what becomes of their scores.

use std::{
    path::Path,
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use anyhow::Result;
use cir_train::{ProgressLine, RunFiles, StopFlag, machine};
use serde_json::Value;

use super::{
    file::{Role, Study},
    kept, page,
    results::{Results, Row, found},
    run::Run,
    times::{Time, Times},
};
use crate::recipe::Recipe;

/// Between two looks at the runs.
const LOOK: Duration = Duration::from_millis(500);
/// Between two plain lines of progress.
const PLAIN_EVERY: Duration = Duration::from_secs(60);

/// A run of the study.
pub(super) struct Planned {
    setting: usize,
    role: Role,
    steps: u64,
    run: Run,
}

/// All runs: seed by seed, so that there is something to compare early.
pub(super) fn plan(study: &Study, recipes: &[Recipe], folder: &Path) -> Vec<Planned> {
    let mut plan = Vec::new();
    for role in [Role::Choosing, Role::Judging] {
        for &seed in study.seeds(role) {
            plan.extend(study.trained(role).map(|i| {
                let setting = &study.settings[i];
                let run = Run {
                    recipe: kept::recipe(folder, setting),
                    files: RunFiles::of(kept::run(folder, setting, seed)),
                    seed,
                    count: study.count,
                };
                Planned { setting: i, role, steps: recipes[i].train.steps, run }
            }));
        }
    }
    plan
}

/// A study while it runs.
pub(super) struct Conduct<'a> {
    pub(super) study: &'a Study,
    pub(super) folder: &'a Path,
    pub(super) plan: Vec<Planned>,
    pub(super) results: Results,
    pub(super) times: Times,
}

/// What a worker tells.
enum Event {
    Begun(usize),
    Ended(usize, Result<Option<Value>>),
}

impl Conduct<'_> {
    /// Runs what has no row, several at once; says which runs failed.
    pub(super) fn run(&mut self, jobs: Option<usize>, stop: &StopFlag) -> Vec<String> {
        let (done, open): (Vec<_>, Vec<_>) =
            (0..self.plan.len()).partition(|&i| self.row(i).is_some());
        let steps = |runs: &[usize]| runs.iter().map(|&i| self.plan[i].steps).sum::<u64>();
        let made = steps(&done);
        let begun: u64 = open.iter().map(|&i| self.plan[i].run.progress().0).sum();
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let jobs = jobs.unwrap_or(processors).min(open.len());
        let threads = (processors / jobs.max(1)).max(1);
        let total = made + steps(&open);
        let mut line = ProgressLine::new(total, made + begun, PLAIN_EVERY);
        line.say(&format!(
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
                        // It is heard until all workers have ended.
                        let _ = tell.send(Event::Begun(i));
                        let _ = tell.send(Event::Ended(i, runs[i].go(threads, stop)));
                    }
                });
            }
            drop(tell);
            self.listen(&told, &mut line, &mut failed);
        });
        failed
    }

    fn listen(
        &mut self,
        told: &mpsc::Receiver<Event>,
        line: &mut ProgressLine,
        failed: &mut Vec<String>,
    ) {
        let mut running: Vec<usize> = Vec::new();
        loop {
            match told.recv_timeout(LOOK) {
                Ok(Event::Begun(i)) => running.push(i),
                Ok(Event::Ended(i, ended)) => {
                    running.retain(|&other| other != i);
                    match ended.and_then(|printed| printed.map(|p| self.take(i, &p)).transpose()) {
                        Ok(None) => {}
                        Ok(Some(())) => line.say(&format!("{} done", self.name(i))),
                        Err(error) => {
                            let failure = format!("{}: {error:#}", self.name(i));
                            line.say(&failure);
                            failed.push(failure);
                        }
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            let all = 0..self.plan.len();
            let done = all.clone().filter(|&i| self.row(i).is_some()).count();
            let steps = all.map(|i| match self.row(i) {
                Some(_) => self.plan[i].steps,
                None => self.plan[i].run.progress().0,
            });
            let names: Vec<_> = running.iter().map(|&i| self.name(i)).collect();
            let runs = format!("{done} of {} runs, now {}", self.plan.len(), names.join(" and "));
            line.show(steps.sum(), &runs);
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
        let machine: Vec<_> =
            machine().into_iter().map(|(what, is)| format!("{what} {is}")).collect();
        let time = Time { steps, seconds, machine: machine.join(", ") };
        self.times.add(setting, run.seed, time)?;
        self.results.add(row)?;
        self.write().map(drop)
    }

    /// Writes tables and page; returns the tables.
    pub(super) fn write(&self) -> Result<String> {
        page::write(self.folder, self.study, &self.results, &self.times)
    }
}
