//! `cir encode`: the latents of pictures, as safetensors or npy.

use std::path::PathBuf;

use anyhow::Result;
use candle_core::Tensor;

use crate::{model, pictures, usage::usage};

/// Arguments of `cir encode`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder or model.safetensors.
    model: PathBuf,
    /// Pictures, one row each.
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// File to write: .safetensors (one tensor a block, and `z`) or .npy (the whole latent).
    #[arg(short, long, default_value = "latents.safetensors")]
    out: PathBuf,
    /// Print a JSON object about what was written.
    #[arg(long)]
    json: bool,
}

/// Pictures encoded at once.
const BATCH: usize = 64;

/// Writes the latents.
pub(crate) fn run(args: Args) -> Result<()> {
    let extension = args.out.extension().and_then(|e| e.to_str());
    if !matches!(extension, Some("safetensors" | "npy")) {
        let out = args.out.display();
        return Err(usage(format!("--out {out}: allowed: a name ending in .safetensors or .npy")));
    }
    let model = model::load(&args.model)?;
    let editor = model::editor(&*model, &args.model)?;
    let mut rows = Vec::new();
    for paths in args.images.chunks(BATCH) {
        let images =
            paths.iter().map(|p| pictures::read(&*model, p)).collect::<Result<Vec<_>>>()?;
        rows.push(editor.encode(&images)?.code(0)?.clone());
    }
    let z = Tensor::cat(&rows, 0)?;
    if extension == Some("npy") {
        cir_train::write_atomically(&args.out, |at| z.write_npy(at))?;
    } else {
        let latent = z.clone().into();
        let mut tensors = std::collections::BTreeMap::from([("z".to_owned(), z.clone())]);
        for (j, block) in model.partition().blocks().iter().enumerate() {
            tensors.insert(block.name.clone(), model.partition().get(&latent, j)?.contiguous()?);
        }
        cir_train::save_tensors(&args.out, &tensors)?;
    }
    let (count, numbers) = (z.dim(0)?, z.elem_count() / z.dim(0)?);
    if args.json {
        let blocks = model.partition().blocks();
        let about = serde_json::json!({
            "out": args.out, "images": args.images, "shape": z.dims(), "blocks": blocks,
        });
        println!("{about}");
    } else {
        println!("wrote {} ({count} latents of {numbers} numbers)", args.out.display());
    }
    Ok(())
}
