//! Data set cards: what a data set holds and where it comes from, as TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Resize, Result};

/// A data set, declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Where its images come from.
    pub kind: Kind,
    /// What it is, in a few words; for one that needs files, what to put where.
    pub description: String,
    /// Who made it.
    pub source: String,
    /// On which terms.
    pub licence: String,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// The smallest and the largest side in pixels.
    #[serde(default = "any_side")]
    pub sides: [usize; 2],
    /// The attributes in order.
    pub attributes: Vec<CardAttribute>,
    /// Pairs of attributes that never have values of the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distinct: Vec<[String; 2]>,
    /// Sizes and colours, for kind `fonts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fonts: Option<FontsCard>,
    /// How many there are, for kinds `faces` and `sketch-faces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faces: Option<FacesCard>,
    /// How many letters there are, for kind `print-hand`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<HandCard>,
    /// Where the files lie and how they are labelled, for kinds that read files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FilesCard>,
}

/// Where images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Letters drawn with the embedded fonts.
    Fonts,
    /// Drawn portraits.
    Faces,
    /// Sprites drawn to the dSprites grid.
    Dsprites,
    /// Drawn portraits and sketches, without pairs.
    SketchFaces,
    /// Letters in print and by hand, without pairs.
    PrintHand,
    /// The published dSprites archive.
    DspritesNpz,
    /// CelebA's list of attributes and the aligned pictures.
    Celeba,
    /// A folder of images, labelled by a CSV file or by their paths.
    Folder,
    /// Folders of two domains without pairs.
    Unpaired,
}

/// An attribute as a card declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardAttribute {
    /// Its name.
    pub name: String,
    /// Its values; without them, those that the labels of a folder have, sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

/// What the values of a `fonts` card mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FontsCard {
    /// Size of each size value, for a picture of side 128; at most 120.
    pub sizes: BTreeMap<String, f32>,
    /// Red, green and blue of each colour value.
    pub colours: BTreeMap<String, [u8; 3]>,
}

/// How many faces a card of drawn faces has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FacesCard {
    /// How many people there are. Kind `faces` draws each with every combination of the attributes,
    /// kind `sketch-faces` once.
    pub identities: usize,
}

/// How many letters a `print-hand` card has, and where those by hand come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandCard {
    /// How many pictures of each letter are drawn in each domain.
    pub instances: usize,
    /// Digits by hand; without them, letters are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<IdxCard>,
}

/// Idx files, as MNIST is published in; relative to the root. Files packed with gzip may have `.gz`
/// behind these names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdxCard {
    /// The pictures.
    pub images: PathBuf,
    /// Which digit each shows.
    pub labels: PathBuf,
}

/// Where the files of a data set lie, and how they are labelled: by `csv` or by `pattern`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesCard {
    /// The folder, or the archive; relative to the card. A recipe's `data.root` comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// How images of another size are brought to the size wanted.
    #[serde(default)]
    pub resize: Resize,
    /// Labels from a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<CsvCard>,
    /// Labels from the paths, such as `{shape}/{colour}_{*}.png`: `{name}` stands for a value of
    /// that attribute, `{*}` for anything; both within one part of the path. A pattern without `/`
    /// is compared with the file's name alone, in whatever folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What to do with images whose path does not fit or has a value that the card does not list.
    #[serde(default)]
    pub unmatched: Unmatched,
}

/// What to do with images that a pattern cannot label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmatched {
    /// Stop with an error.
    #[default]
    Refuse,
    /// Leave them out.
    Skip,
}

/// A table of labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvCard {
    /// The file, relative to the root.
    pub file: PathBuf,
    /// The column that holds the image's path, relative to the root.
    pub image_column: String,
    /// The column of each attribute whose column has another name.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
}

/// The built-in cards: name and text.
const BUILT_IN: [(&str, &str); 12] = [
    ("fonts", include_str!("../../../datasets/fonts.toml")),
    ("fonts-folder", include_str!("../../../datasets/fonts-folder.toml")),
    ("faces", include_str!("../../../datasets/faces.toml")),
    ("sketch-faces", include_str!("../../../datasets/sketch-faces.toml")),
    ("print-hand", include_str!("../../../datasets/print-hand.toml")),
    ("print-mnist", include_str!("../../../datasets/print-mnist.toml")),
    ("celeba", include_str!("../../../datasets/celeba.toml")),
    ("dsprites", include_str!("../../../datasets/dsprites.toml")),
    ("dsprites-npz", include_str!("../../../datasets/dsprites-npz.toml")),
    ("ilab-6pose", include_str!("../../../datasets/ilab-6pose.toml")),
    ("rafd", include_str!("../../../datasets/rafd.toml")),
    ("unpaired", include_str!("../../../datasets/unpaired.toml")),
];

/// The built-in cards.
///
/// # Errors
/// Never, as long as the tests pass.
pub fn cards() -> Result<Vec<Card>> {
    BUILT_IN.iter().map(|(name, text)| Card::parse(name, text)).collect()
}

impl Card {
    /// The built-in card of this name, or else the one in the file of this path.
    ///
    /// # Errors
    /// When there is no such card, or it cannot be read; the message says what is wrong.
    pub fn open(name_or_path: &str) -> Result<Self> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(name, text);
        }
        let path = Path::new(name_or_path);
        if !path.is_file() {
            let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            let allowed = format!("{}, or the path of a card (TOML)", names.join(", "));
            // A run keeps its card's path as it was given, which leads nowhere from elsewhere.
            let found = match (path.extension(), std::path::absolute(path)) {
                (Some(_), Ok(whole)) => format!("{name_or_path:?}, no file {}", whole.display()),
                _ => format!("{name_or_path:?}"),
            };
            return Err(Error::setting("data.card", found, allowed));
        }
        let text = std::fs::read_to_string(path).map_err(Error::io(path, "read the card"))?;
        let mut card = Self::parse(name_or_path, &text)?;
        if let (Some(files), Some(folder)) = (&mut card.files, path.parent()) {
            files.root = files.root.as_ref().map(|root| folder.join(root));
        }
        Ok(card)
    }

    /// Reads a card's text; `name` is for messages.
    ///
    /// # Errors
    /// When the text is not TOML, or a field is unknown, missing or not allowed.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let wrong = |message: String| Error::Card { card: name.into(), message };
        let card: Self = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        card.check().map_err(|e| wrong(e.to_string()))?;
        Ok(card)
    }

    fn check(&self) -> Result<()> {
        if !matches!(self.channels, 1 | 3) {
            return Err(Error::setting("channels", self.channels, "1 or 3"));
        }
        let names: Vec<&str> = self.attributes.iter().map(|a| a.name.as_str()).collect();
        if let Some(i) = (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
            let found = format!("{:?} twice", names[i]);
            return Err(Error::setting("attributes", found, "each name once"));
        }
        for name in self.distinct.iter().flatten() {
            if !names.contains(&name.as_str()) {
                return Err(Error::setting("distinct", format!("{name:?}"), names.join(", ")));
            }
        }
        for attribute in &self.attributes {
            if attribute.values.is_none() && self.kind != Kind::Folder {
                let field = format!("attributes.{}.values", attribute.name);
                return Err(Error::setting(field, "none", "a list of values"));
            }
        }
        match (self.kind, &self.fonts, &self.files) {
            (Kind::Fonts, None, _) => {
                Err(Error::setting("fonts", "nothing", "a section [fonts] with sizes and colours"))
            }
            (Kind::Faces | Kind::SketchFaces, ..) if self.faces.is_none() => {
                Err(Error::setting("faces", "nothing", "a section [faces] with identities"))
            }
            (Kind::PrintHand, ..) if self.hand.is_none() => {
                Err(Error::setting("hand", "nothing", "a section [hand] with instances"))
            }
            (Kind::Folder, _, Some(files)) => self.check_labels(files),
            (Kind::Folder, _, None) => {
                Err(Error::setting("files", "nothing", "a section [files] with csv or pattern"))
            }
            _ => Ok(()),
        }
    }

    fn check_labels(&self, files: &FilesCard) -> Result<()> {
        let names: Vec<&str> = self.attributes.iter().map(|a| a.name.as_str()).collect();
        match (&files.csv, &files.pattern) {
            (Some(csv), None) => {
                let unknown = csv.columns.keys().find(|name| !names.contains(&name.as_str()));
                unknown.map_or(Ok(()), |name| {
                    Err(Error::setting("files.csv.columns", format!("{name:?}"), names.join(", ")))
                })
            }
            (None, Some(pattern)) => crate::folder::Pattern::new(pattern, &names).map(drop),
            (csv, _) => {
                let found = if csv.is_some() { "both" } else { "neither" };
                Err(Error::setting("files", found, "either csv or pattern"))
            }
        }
    }
}

/// Checks a side against the smallest and the largest allowed.
pub(crate) fn check_side(field: &str, side: usize, [least, most]: [usize; 2]) -> Result<()> {
    if (least..=most).contains(&side) {
        return Ok(());
    }
    let allowed = if least == most { format!("{least}") } else { format!("{least} to {most}") };
    Err(Error::setting(field, side, allowed))
}

fn any_side() -> [usize; 2] {
    [8, 1024]
}
