//! The loop on a two-parameter regression: interruption changes nothing, and what must stop it does.

use std::{convert::Infallible, path::Path};

use candle_core::{DType, Device, Tensor};
use candle_nn::Init;
use cir_core::{AdamConfig, Gradients, Params, rng};
use rand::Rng as _;
use serde_json::Value;

use super::*;
use crate::{Learner, MetricsLog, Model, State, TensorBoard, load_checkpoint, warnings};

/// y = slope·x + offset, learned from noise-free samples; NaN at step `poison`. It warns from its fourth
/// step on.
struct Line {
    learner: Learner,
    slope: Tensor,
    offset: Tensor,
    poison: u64,
}

impl Line {
    fn new(poison: u64) -> Self {
        let params = Params::new(1);
        let vb = params.builder(DType::F32, &Device::Cpu);
        let start = Init::Uniform { lo: -1., up: 1. };
        let slope = vb.get_with_hints((), "slope", start).unwrap();
        let offset = vb.get_with_hints((), "offset", start).unwrap();
        let config = AdamConfig { lr: 0.1, ..AdamConfig::default() };
        let learner = Learner::new("", params, config).unwrap();
        Self { learner, slope, offset, poison }
    }
}

impl Algorithm for Line {
    type Batch = f32;

    fn step(&mut self, step: u64, x: f32) -> candle_core::Result<Scalars> {
        let y = ((&self.slope * f64::from(x))? + &self.offset)?;
        let loss = (y - f64::from(2. * x - 1.))?.sqr()?;
        let mut gradients = Gradients::new();
        gradients.accumulate(self.learner.params(), &mut loss.backward()?)?;
        self.learner.step(&gradients, 1.)?;
        let value =
            if step == self.poison { f64::NAN } else { f64::from(loss.to_scalar::<f32>()?) };
        Ok(vec![("fit".into(), value), ("total".into(), value)])
    }

    fn warning(&self) -> Option<String> {
        (self.learner.adam().updates() >= 4).then(|| "the line is long".into())
    }

    fn state(&self) -> State {
        Learner::state([&self.learner])
    }

    fn restore(&mut self, state: State) -> cir_core::Result<()> {
        Learner::restore([&mut self.learner], state)
    }

    fn model(&self) -> candle_core::Result<Model> {
        Ok(Model { tensors: self.learner.params().tensors(), card: "{}".into() })
    }
}

fn batches(done: u64) -> impl Iterator<Item = std::result::Result<f32, Infallible>> {
    (done + 1..).map(|step| Ok(rng(5, "x", step).random()))
}

const CONFIG: TrainConfig = TrainConfig {
    steps: 10,
    seed: 1,
    log_every: 2,
    sample_every: 0,
    evaluate_every: 0,
    checkpoint_every: 3,
};

fn go(run: &RunDir, line: &mut Line, done: u64, stop: &StopFlag) -> Result<Outcome> {
    let log = MetricsLog::open(&run.log(), done)?;
    train(line, batches(done), &CONFIG, run, done, &mut [Box::new(log)], stop)
}

fn bytes(run: &RunDir) -> [Vec<u8>; 2] {
    [run.model(), run.checkpoint()].map(|path| fs::read(path).unwrap())
}

/// The log without its times.
fn terms(run: &RunDir) -> Vec<Value> {
    let text = fs::read_to_string(run.log()).unwrap();
    let line = |line| {
        let mut fields: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        fields.retain(|name, _| !name.ends_with("seconds"));
        fields.into()
    };
    text.lines().map(line).collect()
}

#[test]
fn an_interrupted_run_ends_in_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = RunDir::create(&folder.path().join("whole"), "recipe", false).unwrap();
    assert_eq!(go(&whole, &mut Line::new(0), 0, &StopFlag::default()).unwrap(), Outcome::Finished);
    // Raised from the start, the flag ends every process after one step.
    let parts = RunDir::create(&folder.path().join("parts"), "recipe", false).unwrap();
    let stop = StopFlag::default();
    stop.raise();
    let mut done = 0;
    while done < CONFIG.steps {
        let mut line = Line::new(0);
        if done > 0 {
            let checkpoint = load_checkpoint(&parts.checkpoint()).unwrap();
            assert_eq!((checkpoint.step, checkpoint.recipe.as_str()), (done, "recipe"));
            line.restore(checkpoint.state).unwrap();
        }
        let outcome = go(&parts, &mut line, done, &stop).unwrap();
        done += 1;
        let expected = match done {
            10 => Outcome::Finished,
            step => Outcome::Interrupted { step },
        };
        assert_eq!(outcome, expected);
    }
    assert_eq!(bytes(&whole), bytes(&parts));
    assert_eq!(terms(&whole), terms(&parts));
    // Said once, when it began, however often the run was interrupted since.
    let log = fs::read_to_string(parts.log()).unwrap();
    assert_eq!(warnings(&log), [(4, "the line is long".to_owned())]);
}

#[test]
fn a_term_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::create(&folder.path().join("run"), "recipe", false).unwrap();
    let error = go(&run, &mut Line::new(5), 0, &StopFlag::default()).unwrap_err().to_string();
    assert!(error.starts_with("step 5: fit is NaN; the last good checkpoint is"), "{error}");
    assert!(error.ends_with("checkpoint.safetensors of step 3"), "{error}");
    assert_eq!(load_checkpoint(&run.checkpoint()).unwrap().step, 3);
}

#[test]
fn a_missing_batch_names_its_step() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::create(&folder.path().join("run"), "recipe", false).unwrap();
    let batches = [Ok(1f32), Err("b.png is torn")];
    let mut line = Line::new(0);
    let stop = StopFlag::default();
    let outcome = train(&mut line, batches, &CONFIG, &run, 0, &mut [], &stop);
    let error = outcome.unwrap_err().to_string();
    assert_eq!(error, "the batch of step 2: b.png is torn (saved after step 1)");
    // Nothing that was trained is lost.
    assert_eq!(load_checkpoint(&run.checkpoint()).unwrap().step, 1);
}

const KILLED: &str = "CIR_TRAIN_TEST_KILLED";

/// Goes on with the run in `folder`, or begins it, as the command line does.
fn process(folder: &Path, pause: Duration) {
    let run = match folder.join("recipe.toml").is_file() {
        true => RunDir::open(folder).unwrap(),
        false => RunDir::create(folder, "recipe", false).unwrap(),
    };
    let (mut line, mut done) = (Line::new(0), 0);
    if run.checkpoint().is_file() {
        let checkpoint = load_checkpoint(&run.checkpoint()).unwrap();
        line.restore(checkpoint.state).unwrap();
        done = checkpoint.step;
    }
    let config = TrainConfig { steps: 400, ..CONFIG };
    let batches = batches(done).inspect(|_| std::thread::sleep(pause));
    let mut observers: [Box<dyn Observer>; 2] = [
        Box::new(MetricsLog::open(&run.log(), done).unwrap()),
        Box::new(TensorBoard::open(&run.events(), done).unwrap()),
    ];
    let stop = StopFlag::default();
    train(&mut line, batches, &config, &run, done, &mut observers, &stop).unwrap();
}

#[test]
fn a_run_killed_at_any_moment_ends_in_the_same_bytes() {
    if let Some(folder) = std::env::var_os(KILLED) {
        return process(Path::new(&folder), Duration::from_millis(1));
    }
    let folder = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    process(&whole, Duration::ZERO);
    let mut killing = 0;
    for attempt in 0..6 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "train::tests::a_run_killed_at_any_moment_ends_in_the_same_bytes"])
            .env(KILLED, &killed)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + 23 * attempt));
        child.kill().unwrap();
        killing += u32::from(!child.wait().unwrap().success());
    }
    assert!(killing >= 3, "only {killing} were killed before they ended");
    process(&killed, Duration::ZERO);
    let [whole, killed] = [whole, killed].map(|path| RunDir::open(&path).unwrap());
    assert_eq!(bytes(&whole), bytes(&killed));
    assert_eq!(terms(&whole), terms(&killed));
}
