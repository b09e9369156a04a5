//! Labelled images: sources, indices, hold-outs, samplers, prefetch, and the cards that declare
//! data sets.
//!
//! A recipe's [`DataConfig`] names a [`Card`]; opening it gives a [`DataSet`]: a [`Source`] of
//! images, the [`Index`] over their labels, and the [`Split`] that keeps whole combinations away
//! from training. [`GroupSampler`] and [`EdgeSampler`] draw from the training part, and
//! [`Prefetch`] prepares batches ahead of time without changing their order.
//!
//! A data set of one's own needs either a card (a folder of images with a CSV file or a path
//! pattern) or an implementation of [`Source`].

mod card;
mod config;
mod decode;
mod dsprites;
mod edge;
mod error;
mod folder;
pub mod fonts;
mod grid;
mod group;
mod index;
mod npz;
mod prefetch;
mod source;
mod split;
mod sprites;

pub use card::{Card, CardAttribute, CsvCard, FilesCard, FontsCard, Kind, Unmatched, cards};
pub use config::{DataConfig, DataSet};
pub use decode::{Resize, load_image, load_resized, save_png};
pub use dsprites::Dsprites;
pub use edge::{Edge, EdgeSampler};
pub use error::{Error, Result};
pub use folder::Folder;
pub use fonts::Fonts;
pub use group::{Group, GroupSampler};
pub use index::Index;
pub use npz::DspritesNpz;
pub use prefetch::Prefetch;
pub use source::Source;
pub use split::{HoldOut, Split};
