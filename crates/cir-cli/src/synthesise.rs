//! `cir synthesise`: a combination of attributes, each from a picture or from a value.

use std::path::{Path, PathBuf};

use anyhow::Result;
use cir_core::Image;
use cir_gzs::Model;

use crate::{model, pictures, usage::usage};

/// Arguments of `cir synthesise`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder or model.safetensors.
    model: PathBuf,
    /// For every attribute of the model NAME=PICTURE or NAME=VALUE (`cir info MODEL` lists both).
    #[arg(required = true, value_name = "NAME=SOURCE")]
    attributes: Vec<String>,
    /// Show the pictures among the sources to the left of the result.
    #[arg(long)]
    sources: bool,
    #[command(flatten)]
    output: pictures::Output,
}

/// Writes the synthesised picture.
pub(crate) fn run(args: Args) -> Result<()> {
    let sources = args.attributes.iter().filter_map(|pair| pair.split_once('='));
    args.output.check(sources.map(|(_, source)| Path::new(source)))?;
    let loaded = model::load(&args.model)?;
    let Some(model) = loaded.synthesiser() else {
        return Err(model::refusal(&*loaded, &args.model, "gzs"));
    };
    let blocks = model.partition().blocks();
    let mut sources: Vec<Option<Source>> = blocks.iter().map(|_| None).collect();
    for pair in &args.attributes {
        let Some((name, text)) = pair.split_once('=') else {
            return Err(usage(format!("{pair:?}: allowed: NAME=PICTURE or NAME=VALUE")));
        };
        let j = model.partition().index(name)?;
        if sources[j].is_some() {
            return Err(usage(format!("{name}: given twice; allowed: once")));
        }
        sources[j] = Some(Source::read(model, name, text)?);
    }
    let mut given = Vec::new();
    for (block, source) in blocks.iter().zip(sources) {
        match source {
            Some(source) => given.push(source),
            None => {
                let values = model
                    .card()
                    .schema
                    .attribute(&block.name)
                    .map(|a| model.card().schema.attributes()[a].values.join(", "))?;
                let name = &block.name;
                return Err(usage(format!(
                    "{name}: no source; allowed: a picture, or one of {values}"
                )));
            }
        }
    }
    let result = model.synthesise(&given.iter().map(|s| &s.latent).collect::<Vec<_>>())?;
    let row = match args.sources {
        true => given
            .into_iter()
            .map(|s| s.picture)
            .filter(Option::is_some)
            .chain([Some(result)])
            .collect(),
        false => vec![Some(result)],
    };
    let about = serde_json::json!({ "attributes": args.attributes });
    args.output.write(&Image::grid(&[row], 2), about)
}

/// Where a block comes from.
struct Source {
    latent: cir_core::Latent,
    picture: Option<Image>,
}

impl Source {
    /// A picture where there is a file of this name, else a value's prototype.
    fn read(model: &Model, name: &str, text: &str) -> Result<Self> {
        let path = Path::new(text);
        if path.is_file() {
            let picture = pictures::read(model, path)?;
            let latent = model.encode(std::slice::from_ref(&picture))?;
            return Ok(Self { latent, picture: Some(picture) });
        }
        let latent = model.prototype(name, text).map_err(|e| match cir_data::is_picture(path) {
            Ok(false) => usage(format!("{text:?} is no picture; as a value: {e}")),
            _ => usage(format!("{name}={text}: this file does not exist; as a value: {e}")),
        })?;
        Ok(Self { latent, picture: None })
    }
}
