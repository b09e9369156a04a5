//! TensorBoard event files of a run.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use cir_core::{Image, Scalars};

use crate::{Error, Observer, Result, StepRecord, events::EventWriter, png::png};

/// Writes scalars and samples for TensorBoard.
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    writer: EventWriter,
}

impl TensorBoard {
    /// A new event file for a run that has made `step` steps; TensorBoard drops what older files
    /// say of later ones.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn open(folder: &Path, step: u64) -> Result<Self> {
        let writer = EventWriter::create(folder, now(), step);
        Ok(Self { folder: folder.into(), writer: writer.map_err(Error::write(folder))? })
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0., |d| d.as_secs_f64())
}

impl Observer for TensorBoard {
    fn on_step(&mut self, record: &StepRecord) -> Result<()> {
        match record.logged {
            true => self.on_evaluation(record.step, record.scalars),
            false => Ok(()),
        }
    }

    fn on_evaluation(&mut self, step: u64, scores: &Scalars) -> Result<()> {
        self.writer.scalars(step, now(), scores).map_err(Error::write(&self.folder))
    }

    fn on_sample(&mut self, step: u64, image: &Image) -> Result<()> {
        let size = [image.width(), image.height(), image.channels()];
        png(image)
            .and_then(|png| self.writer.image(step, now(), "sample", &png, size))
            .map_err(Error::write(&self.folder))
    }
}
