//! `cir data preview`: a grid of pictures; of a source that can change one attribute alone, each
//! person beside its changes.

use anyhow::Result;
use cir_core::Image;
use cir_data::Source;

use super::Pictures;
use crate::pictures;

/// Writes the grid; the labels of its pictures join the JSON object.
pub(super) fn preview(
    pictures: &Pictures,
    count: usize,
    seed: u64,
    output: &pictures::Output,
) -> Result<()> {
    let source = &*pictures.data.source;
    let rows = match changes(source, 0).len() {
        0 => 0,
        width => (count / width).max(1),
    };
    let (images, columns) = if rows > 0 && source.subject(0).is_some() {
        let chosen = pictures.choose(rows, seed);
        let images: Vec<usize> = chosen.iter().flat_map(|&i| changes(source, i)).collect();
        let columns = images.len() / chosen.len().max(1);
        (images, columns)
    } else {
        let chosen = pictures.choose(count, seed);
        let columns = (chosen.len() as f64).sqrt().ceil() as usize;
        (chosen, columns)
    };
    let pictures: Vec<Image> =
        images.iter().map(|&i| source.image(i)).collect::<cir_data::Result<_>>()?;
    let labels: Vec<_> =
        images.iter().map(|&i| source.schema().describe(&source.labels(i))).collect();
    let pictures: Vec<_> = pictures.into_iter().map(Some).collect();
    let rows: Vec<_> = pictures.chunks(columns.max(1)).map(<[_]>::to_vec).collect();
    output.write(&Image::grid(&rows, 2), serde_json::json!({ "labels": labels }))
}

/// An image, and for each attribute the one that differs in it alone; nothing if there is none.
fn changes(source: &dyn Source, index: usize) -> Vec<usize> {
    let labels = source.labels(index);
    let attributes = source.schema().attributes().iter().zip(&labels).enumerate();
    let changed = attributes.map(|(j, (attribute, &value))| {
        let next = (usize::from(value) + 1) % attribute.values.len();
        source.changed(index, j, next as u16)
    });
    std::iter::once(Some(index)).chain(changed).collect::<Option<_>>().unwrap_or_default()
}
