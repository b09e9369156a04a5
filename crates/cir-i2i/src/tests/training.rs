//! The training loop on drawn sketches: interruptions and threads change nothing.

use std::{fs, path::Path, sync::Arc};

use candle_core::Device;
use cir_core::{CirConfig, Scalars};
use cir_data::{DataConfig, DataSet, HeldOut, HoldOut};
use cir_train::{Algorithm as _, Outcome, RunDir, StopFlag, TrainConfig, load_checkpoint, train};

use super::{algorithm, config, data, with_model};
use crate::{Batches, Form, I2i, I2iConfig, ModelConfig, Second, Unit};

const TRAIN: TrainConfig = TrainConfig {
    steps: 4,
    seed: 1,
    log_every: 1,
    sample_every: 0,
    evaluate_every: 0,
    checkpoint_every: 2,
};

fn sketches() -> Arc<DataSet> {
    let config = DataConfig {
        card: "sketch-faces".into(),
        root: None,
        size: 64,
        attributes: vec![],
        values: Default::default(),
        hold_out: HoldOut { fraction: 0.1, seed: 1, of: HeldOut::Subjects }.into(),
    };
    Arc::new(config.open().unwrap())
}

fn small(change: impl FnOnce(&mut ModelConfig)) -> I2iConfig {
    let mut config = with_model(|m| {
        m.content_stages = 1;
        change(m);
    });
    config.domain = "domain".into();
    config.sampling.crop = 48;
    config
}

/// Trains in `folder`; `interrupted`, each process makes one step.
fn run(config: &I2iConfig, data: &Arc<DataSet>, folder: &Path, interrupted: bool) -> [Vec<u8>; 2] {
    let run = RunDir::create(folder, "recipe", false).unwrap();
    let batches = Batches::new(data.clone(), config, TRAIN.seed).unwrap();
    let stop = StopFlag::default();
    if interrupted {
        stop.raise();
    }
    let mut done = 0;
    loop {
        let mut i2i =
            I2i::new(config.clone(), data.clone(), TRAIN.steps, TRAIN.seed, &Device::Cpu).unwrap();
        if done > 0 {
            i2i.restore(load_checkpoint(&run.checkpoint()).unwrap().state).unwrap();
        }
        let batches = (done + 1..=TRAIN.steps).map(|step| batches.batch(step));
        match train(&mut i2i, batches, &TRAIN, &run, done, &mut [], &stop).unwrap() {
            Outcome::Finished => break,
            Outcome::Interrupted { step } => done = step,
        }
    }
    [run.model(), run.checkpoint()].map(|path| fs::read(path).unwrap())
}

#[test]
fn an_interrupted_run_ends_in_the_same_bytes() {
    let (data, folder) = (sketches(), tempfile::tempdir().unwrap());
    let stale = {
        let mut config = small(|m| m.form = Form::FeatureWise);
        config.updates.second = Second::Stale;
        config.schedule_in = Unit::Epochs;
        config
    };
    let configs = [small(|_| ()), small(|m| m.spectral_norm = true), stale];
    for (k, config) in configs.iter().enumerate() {
        let [whole, parts] =
            ["whole", "parts"].map(|name| folder.path().join(format!("{name}{k}")));
        assert_eq!(run(config, &data, &whole, false), run(config, &data, &parts, true));
    }
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let (data, folder) = (sketches(), tempfile::tempdir().unwrap());
    let config = small(|m| m.spectral_norm = true);
    let [one, three] = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&config, &data, &folder.path().join(threads.to_string()), false))
    });
    assert_eq!(one, three);
}

fn trained(i2i: &mut I2i, config: &I2iConfig, steps: u64) -> Vec<Scalars> {
    let batches = Batches::new(data(), config, 1).unwrap();
    (1..=steps).map(|step| i2i.step(step, batches.batch(step).unwrap()).unwrap()).collect()
}

#[test]
fn what_spectral_norms_keep_is_in_the_checkpoint() {
    let config = with_model(|m| m.spectral_norm = true);
    let mut i2i = algorithm(config.clone());
    trained(&mut i2i, &config, 2);
    let state = i2i.state();
    let kept = state.tensors.keys().filter(|name| name.starts_with("buffer.")).count();
    // Two of every layer: four networks of two scales of five layers.
    assert_eq!(kept, 80);
    let mut lacking = state.clone();
    lacking.tensors.remove("buffer.disB2.Diss.1.2.model.1.weight_u");
    let error = i2i.restore(lacking).unwrap_err().to_string();
    assert!(error.contains("disB2.Diss.1.2.model.1.weight_u: found nothing"), "{error}");
}

#[test]
fn terms_are_logged_when_they_count() {
    let mut config = config();
    config.updates.full_every = 2;
    config.cir = CirConfig { start: 4, ..config.cir };
    let logged = trained(&mut algorithm(config.clone()), &config, 4);
    let names = |step: usize| -> Vec<&str> {
        logged[step - 1].iter().map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(names(1), ["d_content", "d_content_norm", "lr"]);
    assert_eq!(names(2)[..6], ["d_a", "d_a2", "d_b", "d_b2", "d_content", "d_content_norm"]);
    for name in ["gan_a", "l1_cycle_b", "total_eg", "latent_a", "ms_b", "total_g", "lr"] {
        assert!(names(2).contains(&name), "{name} is not in {:?}", names(2));
    }
    for name in ["spread_content", "spread_attribute"] {
        assert!(names(4).contains(&name), "{name} is not in {:?}", names(4));
    }
    assert!(!names(2).contains(&"cir") && names(4).contains(&"cir"));
    config.cir.lambda = 0.;
    let logged = trained(&mut algorithm(config.clone()), &config, 4);
    assert!(logged.iter().flatten().all(|(name, _)| name != "cir"));
}

#[test]
fn the_rate_changes_with_the_epochs_where_they_are_counted() {
    let mut config = config();
    config.schedule_in = Unit::Epochs;
    config.schedule = cir_core::LrSchedule::Linear { constant: 0, length: 2 };
    config.sampling.batch = 8;
    config.updates.full_every = 100;
    let batches = Batches::new(data(), &config, 1).unwrap();
    let mut i2i = algorithm(config);
    let mut rates = vec![];
    for step in 1..=4 {
        let batch = batches.batch(step).unwrap();
        let logged = i2i.step(step, batch.clone()).unwrap();
        rates.push((batch.place.epoch, logged.last().unwrap().1));
    }
    // Sixteen pictures a domain are two batches.
    assert_eq!(rates.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [0, 0, 1, 1]);
    let first = rates[0].1;
    assert_eq!(first, rates[1].1);
    assert!((rates[2].1 - first * 2. / 3.).abs() < 1e-12 && rates[2].1 == rates[3].1, "{rates:?}");
}
