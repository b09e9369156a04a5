//! Pictures into and out of commands.

use std::path::{Path, PathBuf};

use anyhow::Result;
use cir_core::Image;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    algorithms::{Editor, Model},
    usage::usage,
};

/// Reads a picture at the model's size; says so when it has another.
pub(crate) fn read(model: &dyn Model, path: &Path) -> Result<Image> {
    let (channels, side) = model.pictures();
    let load = match model.translator() {
        Some(_) => cir_data::load_squeezed,
        None => cir_data::load_image,
    };
    let (image, resized) = load(path, channels, side)?;
    if let Some((height, width)) = resized {
        eprintln!("{}: resized from {width}x{height} to {side}x{side}", path.display());
    }
    Ok(image)
}

/// Reads a picture to edit: at its own size where the model keeps it.
pub(crate) fn read_to_edit(model: &dyn Editor, path: &Path) -> Result<Image> {
    if !model.keeps_size() {
        return read(model, path);
    }
    let (channels, side) = model.pictures();
    let image = cir_data::load_whole(path, channels)?;
    let (height, width) = (image.height(), image.width());
    if (height, width) != (side, side) {
        let path = path.display();
        eprintln!("{path}: {width}x{height} is kept; what changes is drawn at {side}x{side}");
    }
    Ok(image)
}

/// A bar of pictures done and time left.
pub(crate) fn progress(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} pictures, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Where a command writes its picture.
#[derive(clap::Args)]
pub(crate) struct Output {
    /// PNG file to write.
    #[arg(short, long, value_name = "PNG", default_value = "out.png", value_parser = png_name)]
    pub(crate) out: PathBuf,
    /// Enlarge the picture this many times, so that small models can be seen.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) enlarge: u8,
    /// Print a JSON object about what was written.
    #[arg(long)]
    pub(crate) json: bool,
}

fn png_name(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    let png = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
    png.then_some(path).ok_or("allowed: a name ending in .png")
}

impl Output {
    /// Refuses to write over one of the pictures that are `read`.
    pub(crate) fn check<'a>(&self, read: impl IntoIterator<Item = &'a Path>) -> Result<()> {
        let Ok(out) = self.out.canonicalize() else { return Ok(()) };
        match read.into_iter().find(|path| path.canonicalize().is_ok_and(|path| path == out)) {
            Some(path) => {
                let (out, path) = (self.out.display(), path.display());
                let allowed = "allowed: a name that is none of the pictures'";
                Err(usage(format!("--out {out}: it is {path}, which is read; {allowed}")))
            }
            None => Ok(()),
        }
    }

    /// Writes the picture and says so; `about` joins the JSON object.
    pub(crate) fn write(&self, image: &Image, about: serde_json::Value) -> Result<()> {
        let image = image.enlarged(usize::from(self.enlarge));
        cir_data::save_png(&self.out, &image)?;
        if self.json {
            let mut object = serde_json::json!({
                "out": self.out, "width": image.width(), "height": image.height(),
            });
            if let (Some(object), serde_json::Value::Object(about)) =
                (object.as_object_mut(), about)
            {
                object.extend(about);
            }
            println!("{object}");
        } else {
            println!("wrote {} ({}x{})", self.out.display(), image.width(), image.height());
        }
        Ok(())
    }
}
