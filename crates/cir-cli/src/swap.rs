//! `cir swap`: exchanges one block between two pictures.

use std::path::PathBuf;

use anyhow::Result;
use cir_core::{Image, Sheet};

use crate::{model, pictures};

/// Arguments of `cir swap`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder or model.safetensors.
    model: PathBuf,
    /// First picture.
    a: PathBuf,
    /// Second picture.
    b: PathBuf,
    /// The block to exchange: an attribute's name (`cir info MODEL` lists them).
    #[arg(long, visible_alias = "attribute")]
    block: String,
    #[command(flatten)]
    output: pictures::Output,
}

/// Writes a row of four: A, B, A with B's block, B with A's block.
pub(crate) fn run(args: Args) -> Result<()> {
    args.output.check([&*args.a, &*args.b])?;
    let model = model::load(&args.model)?;
    let model = model::editor(&*model, &args.model)?;
    let (a, b) = (pictures::read_to_edit(model, &args.a)?, pictures::read_to_edit(model, &args.b)?);
    let sheet = Sheet::strip(&[model.partition().index(&args.block)?], &[1.]);
    let edit = |from: &Image, to: &Image| -> Result<_> {
        Ok(model.edits(from, std::slice::from_ref(to), sheet.tiles())?)
    };
    let (a_with_b, b_with_a) = (edit(&a, &b)?, edit(&b, &a)?);
    let row = [vec![a, b], a_with_b, b_with_a].concat().into_iter().map(Some).collect();
    let about = serde_json::json!({
        "block": args.block, "columns": ["a", "b", "a with b's block", "b with a's block"],
    });
    args.output.write(&Image::grid(&[row], 2), about)
}
