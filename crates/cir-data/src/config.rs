//! The `[data]` section of a recipe, and what it opens.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use cir_core::Attribute;
use serde::{Deserialize, Serialize};

use crate::card::{Card, CardAttribute, Kind, check_side};
use crate::group::members;
use crate::{
    Celeba, Division, Domains, Dsprites, DspritesNpz, Error, Faces, Folder, Fonts, Index,
    PrintHand, Result, SketchFaces, Source, Split,
};

/// Which images a run uses: the `[data]` section of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Name of a built-in card, or path of a TOML card.
    pub card: String,
    /// The folder or archive that holds the images, for cards that read files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// Side of the images in pixels.
    pub size: usize,
    /// The attributes to use, in this order; without them, all of the card's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// The values to use, for attributes that should not have all of the card's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Vec<String>>,
    /// The combinations or subjects that training never sees, or `"published"`.
    pub hold_out: Division,
}

/// A data set, ready for use.
#[derive(Clone)]
pub struct DataSet {
    /// Name of its card.
    pub name: String,
    /// The images.
    pub source: Arc<dyn Source>,
    /// Their labels.
    pub index: Arc<Index>,
    /// Which of them are for training.
    pub split: Split,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Side in pixels.
    pub size: usize,
}

impl DataSet {
    /// For each attribute and value the training images that show it.
    ///
    /// # Errors
    /// When there is no training image.
    pub fn shown_in_training(&self) -> Result<Vec<Vec<Vec<u32>>>> {
        members(&self.index, &self.split.train)
    }

    /// The images that a model is scored on which have the first and the second value of the attribute
    /// at `place` of the schema, one of two values.
    ///
    /// # Errors
    /// When there is none of either.
    pub fn scored_by_value(&self, place: usize) -> cir_core::Result<[Vec<usize>; 2]> {
        let (scored, which) = self.split.scored();
        let with = |value: u16| {
            let has = |i: &&usize| self.index.labels(**i)[place] == value;
            scored.iter().filter(has).copied().collect::<Vec<_>>()
        };
        let found = [0, 1].map(with);
        let attribute = &self.source.schema().attributes()[place];
        match found.iter().zip(&attribute.values).find(|(images, _)| images.is_empty()) {
            None => Ok(found),
            Some((_, value)) => Err(cir_core::Error::setting(
                "data.hold_out",
                format!("no {which} image with {}={value}", attribute.name),
                "images of both values to score",
            )),
        }
    }

    /// Checks that a model takes these pictures.
    ///
    /// # Errors
    /// When its pictures have another side or other channels.
    pub fn check_pictures(&self, size: usize, channels: usize) -> cir_core::Result<()> {
        if (size, channels) == (self.size, self.channels) {
            return Ok(());
        }
        let shape = |size, channels| format!("{size} px, {channels} channels");
        let allowed = format!("the data's {}", shape(self.size, self.channels));
        let field = "model.image_size, image_channels";
        Err(cir_core::Error::setting(field, shape(size, channels), allowed))
    }
}

impl DataConfig {
    /// Opens the data set: reads the card and all labels, checks them, and draws the hold-out.
    ///
    /// # Errors
    /// When a setting, the card, a file or a label is wrong; the message names it, what was found
    /// and what is allowed.
    pub fn open(&self) -> Result<DataSet> {
        let card = self.chosen(Card::open(&self.card)?)?;
        check_side("data.size", self.size, card.sides)?;
        let source = self.source(&card, self.wanted(&card)?)?;
        let index = Arc::new(Index::new(&*source)?);
        let split = Split::new(&index, self.hold_out)?;
        let (channels, size) = (card.channels, self.size);
        Ok(DataSet { name: card.name, source, index, split, channels, size })
    }

    /// The card with the attributes and values to use.
    ///
    /// # Errors
    /// When there is no such card, or it lacks an attribute or a value.
    pub fn card(&self) -> Result<Card> {
        let mut card = self.chosen(Card::open(&self.card)?)?;
        card.attributes = self.wanted(&card)?;
        Ok(card)
    }

    /// The card with the attributes to use.
    fn chosen(&self, mut card: Card) -> Result<Card> {
        if self.attributes.is_empty() {
            return Ok(card);
        }
        let all = std::mem::take(&mut card.attributes);
        for (j, name) in self.attributes.iter().enumerate() {
            if self.attributes[..j].contains(name) {
                let found = format!("{name:?} twice");
                return Err(Error::setting("data.attributes", found, "each name once"));
            }
            let Some(attribute) = all.iter().find(|a| a.name == *name) else {
                let names: Vec<&str> = all.iter().map(|a| a.name.as_str()).collect();
                let allowed = names.join(", ");
                return Err(Error::setting("data.attributes", format!("{name:?}"), allowed));
            };
            card.attributes.push(attribute.clone());
        }
        if let Some(pattern) = card.files.as_mut().and_then(|files| files.pattern.as_mut()) {
            for left_out in all.iter().filter(|a| !self.attributes.contains(&a.name)) {
                *pattern = pattern.replace(&format!("{{{}}}", left_out.name), "{*}");
            }
        }
        Ok(card)
    }

    /// For each attribute the values to use, if that is known before the labels are read.
    fn wanted(&self, card: &Card) -> Result<Vec<CardAttribute>> {
        let names: Vec<&str> = card.attributes.iter().map(|a| a.name.as_str()).collect();
        if let Some(name) = self.values.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(Error::setting("data.values", format!("{name:?}"), names.join(", ")));
        }
        let restricted = card.attributes.iter().map(|attribute| {
            let chosen = self.values.get(&attribute.name);
            if let Some(values) = chosen {
                check_values(attribute, values)?;
            }
            let values = chosen.or(attribute.values.as_ref()).cloned();
            Ok(CardAttribute { name: attribute.name.clone(), values })
        });
        restricted.collect()
    }

    fn source(&self, card: &Card, wanted: Vec<CardAttribute>) -> Result<Arc<dyn Source>> {
        let (distinct, side) = (&card.distinct, self.size);
        let section = |name: &str| Error::setting(name, "nothing", format!("a section [{name}]"));
        match card.kind {
            Kind::Fonts => {
                let fonts = card.fonts.as_ref().ok_or_else(|| section("fonts"))?;
                Ok(Arc::new(Fonts::new(listed(wanted)?, fonts, distinct, side)?))
            }
            Kind::Faces => {
                let faces = card.faces.as_ref().ok_or_else(|| section("faces"))?;
                Ok(Arc::new(Faces::new(listed(wanted)?, faces, side)?))
            }
            Kind::SketchFaces => {
                let faces = card.faces.as_ref().ok_or_else(|| section("faces"))?;
                Ok(Arc::new(SketchFaces::new(listed(wanted)?, faces, side)?))
            }
            Kind::PrintHand => {
                let hand = card.hand.as_ref().ok_or_else(|| section("hand"))?;
                let root = hand.files.is_some().then(|| self.root(card)).transpose()?;
                let attributes = listed(wanted)?;
                Ok(Arc::new(PrintHand::open(
                    attributes,
                    hand,
                    root.as_deref(),
                    card.channels,
                    side,
                )?))
            }
            Kind::Dsprites => Ok(Arc::new(Dsprites::new(listed(wanted)?, distinct, side)?)),
            Kind::DspritesNpz => {
                let root = self.root(card)?;
                Ok(Arc::new(DspritesNpz::open(&root, listed(wanted)?, distinct)?))
            }
            Kind::Celeba => {
                let root = self.root(card)?;
                let divided = self.hold_out == Division::Published;
                Ok(Arc::new(Celeba::open(&root, listed(wanted)?, card.channels, side, divided)?))
            }
            Kind::Unpaired => {
                let root = self.root(card)?;
                Ok(Arc::new(Domains::open(&root, listed(wanted)?, card.channels, side)?))
            }
            Kind::Folder => Ok(Arc::new(Folder::open(card, &self.root(card)?, wanted, side)?)),
        }
    }

    fn root(&self, card: &Card) -> Result<PathBuf> {
        let of_card = || card.files.as_ref().and_then(|files| files.root.clone());
        self.root.clone().or_else(of_card).ok_or_else(|| {
            let allowed = format!("the place of the images. {}", card.description.trim());
            Error::setting("data.root", "nothing", allowed)
        })
    }
}

/// Checks a recipe's choice of values against the card's.
fn check_values(attribute: &CardAttribute, chosen: &[String]) -> Result<()> {
    let field = format!("data.values.{}", attribute.name);
    let allowed = || attribute.values.as_ref().map_or("any".into(), |v| v.join(", "));
    if chosen.len() < 2 {
        let allowed = format!("at least two of: {}", allowed());
        return Err(Error::setting(field, format!("{chosen:?}"), allowed));
    }
    for (i, value) in chosen.iter().enumerate() {
        if attribute.values.as_ref().is_some_and(|all| !all.contains(value)) {
            return Err(Error::setting(field, format!("{value:?}"), allowed()));
        }
        if chosen[..i].contains(value) {
            return Err(Error::setting(field, format!("{value:?} twice"), "each value once"));
        }
    }
    Ok(())
}

/// Attributes of a source that draws: the card has all values.
fn listed(attributes: Vec<CardAttribute>) -> Result<Vec<Attribute>> {
    let with_values = attributes.into_iter().map(|a| {
        let missing = || Error::setting(format!("attributes.{}.values", a.name), "none", "a list");
        let values = a.values.ok_or_else(missing)?;
        Ok(Attribute { name: a.name, values })
    });
    with_values.collect()
}

impl std::fmt::Debug for DataSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (train, held_out) = (self.split.train.len(), self.split.held_out.len());
        f.debug_struct("DataSet")
            .field("name", &self.name)
            .field("size", &self.size)
            .field("channels", &self.channels)
            .field("train", &train)
            .field("held_out", &held_out)
            .finish_non_exhaustive()
    }
}
