//! Labelled images: sources, indices, hold-outs, samplers, prefetch, and the cards that declare
//! data sets.
//!
//! A recipe's [`DataConfig`] names a [`Card`]; opening it gives a [`DataSet`]: a [`Source`] of
//! images, the [`Index`] over their labels, and the [`Split`] that keeps whole combinations, or whole
//! subjects, away from training. [`GroupSampler`], [`EdgeSampler`], [`PairSampler`] and
//! [`UnpairedSampler`] draw from the training part, and [`Prefetch`] prepares batches ahead of time
//! without changing their order.
//!
//! A data set of one's own needs either a card (a folder of images with a CSV file or a path
//! pattern) or an implementation of [`Source`].

pub mod align;
mod bicubic;
mod card;
mod celeba;
mod config;
mod decode;
mod domains;
mod draw;
mod dsprites;
mod edge;
mod error;
pub mod faces;
mod folder;
pub mod fonts;
mod grid;
mod group;
mod index;
mod npz;
mod pairs;
mod prefetch;
pub mod print_hand;
pub mod sketch;
mod source;
mod split;
mod sprites;
mod unpaired;

pub use card::{
    Card, CardAttribute, CsvCard, FacesCard, FilesCard, FontsCard, HandCard, IdxCard, Kind,
    Unmatched, cards,
};
pub use celeba::Celeba;
pub use config::{DataConfig, DataSet};
pub use decode::{
    Resize, is_picture, list_folder, load_image, load_resized, load_squeezed, load_whole, resize,
    save_png,
};
pub use domains::Domains;
pub use dsprites::Dsprites;
pub use edge::{Edge, EdgeSampler};
pub use error::{Error, Result};
pub use faces::Faces;
pub use folder::Folder;
pub use fonts::Fonts;
pub use group::{Group, GroupSampler};
pub use index::Index;
pub use npz::DspritesNpz;
pub use pairs::PairSampler;
pub use prefetch::Prefetch;
pub use print_hand::PrintHand;
pub use sketch::SketchFaces;
pub use source::Source;
pub use split::{Division, HeldOut, HoldOut, Part, Split};
pub use unpaired::{Place, UnpairedSampler};
