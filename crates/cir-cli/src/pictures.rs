//! Pictures into and out of commands.

use std::path::{Path, PathBuf};

use anyhow::Result;
use cir_core::Image;
use cir_gzs::Model;

/// Reads a picture at the model's size, and says so when it had another.
pub(crate) fn read(model: &Model, path: &Path) -> Result<Image> {
    let config = &model.card().config;
    let (image, resized) = cir_data::load_image(path, config.image_channels, config.image_size)?;
    if let Some((height, width)) = resized {
        let side = config.image_size;
        eprintln!("{}: resized from {width}x{height} to {side}x{side}", path.display());
    }
    Ok(image)
}

/// Where a command writes its picture.
#[derive(clap::Args)]
pub(crate) struct Output {
    /// PNG file to write.
    #[arg(short, long, value_name = "PNG", default_value = "out.png")]
    pub(crate) out: PathBuf,
    /// Enlarge the picture this many times, so that small models can be seen.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) enlarge: u8,
    /// Print a JSON object about what was written.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Output {
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
