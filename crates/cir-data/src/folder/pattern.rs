//! Path patterns: `{attribute}` stands for a value, `{*}` for anything, both for at least one
//! character and within one part of the path; the rest stands for itself.
//!
//! Each takes as little as it can. An attribute may occur several times if it is the same each
//! time. A pattern without `/` is compared with the file's name alone.

use crate::error::listed;
use crate::{Error, Result};

/// A path pattern, checked.
#[derive(Debug)]
pub(crate) struct Pattern {
    text: String,
    pieces: Vec<Piece>,
    attributes: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Attribute(usize),
    Anything,
}

impl Pattern {
    /// Reads a pattern that must name each of `attributes`.
    ///
    /// # Errors
    /// When a brace is not closed, a name is no attribute, or an attribute is missing.
    pub(crate) fn new(text: &str, attributes: &[&str]) -> Result<Self> {
        let wrong =
            |found: String, allowed: String| Error::setting("files.pattern", found, allowed);
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                pieces.push(Piece::Literal(rest[..open].to_owned()));
            }
            let Some(length) = rest[open..].find('}') else {
                return Err(wrong(format!("{text:?}"), "a } for every {".into()));
            };
            let name = &rest[open + 1..open + length];
            let piece = match attributes.iter().position(|a| *a == name) {
                Some(j) => Piece::Attribute(j),
                None if name == "*" => Piece::Anything,
                None => {
                    let allowed = format!("{}, *", listed(attributes, 60));
                    return Err(wrong(format!("{{{name}}}"), allowed));
                }
            };
            if !matches!(pieces.last(), None | Some(Piece::Literal(_))) {
                let allowed = "some text between two braces, to tell where a value ends".into();
                return Err(wrong(format!("{text:?}"), allowed));
            }
            pieces.push(piece);
            rest = &rest[open + length + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        for (j, name) in attributes.iter().enumerate() {
            if !pieces.contains(&Piece::Attribute(j)) {
                return Err(wrong(format!("{text:?}"), format!("a pattern with {{{name}}}")));
            }
        }
        Ok(Self { text: text.to_owned(), pieces, attributes: attributes.len() })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The attributes' values in `path`, if it fits.
    pub(crate) fn labels(&self, path: &str) -> Option<Vec<String>> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let subject = if self.text.contains('/') { path } else { name };
        let mut values = vec![None; self.attributes];
        fits(&self.pieces, subject, &mut values).then_some(())?;
        values.into_iter().map(|value| value.map(str::to_owned)).collect()
    }
}

fn fits<'a>(pieces: &[Piece], text: &'a str, values: &mut [Option<&'a str>]) -> bool {
    let Some((piece, pieces)) = pieces.split_first() else { return text.is_empty() };
    let attribute = match piece {
        Piece::Literal(literal) => {
            return text.strip_prefix(literal.as_str()).is_some_and(|t| fits(pieces, t, values));
        }
        Piece::Attribute(j) => Some(*j),
        Piece::Anything => None,
    };
    let part = &text[..text.find('/').unwrap_or(text.len())];
    for (start, c) in part.char_indices() {
        let (value, rest) = text.split_at(start + c.len_utf8());
        let before = attribute.and_then(|j| values[j]);
        if before.is_some_and(|before| before != value) {
            continue;
        }
        if let Some(j) = attribute {
            values[j] = Some(value);
        }
        if fits(pieces, rest, values) {
            return true;
        }
        if let Some(j) = attribute {
            values[j] = before;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pattern: &str, attributes: &[&str], path: &str) -> Option<Vec<String>> {
        Pattern::new(pattern, attributes).unwrap().labels(path)
    }

    #[test]
    fn published_layouts_are_read() {
        let names = ["letter", "size", "font_colour", "back_colour", "font"];
        let fonts = "{letter}/{size}/{font_colour}/{back_colour}/{font}/\
                     {letter}_{size}_{font_colour}_{back_colour}_{font}.png";
        let path = "A/small/red/blue/my_font/A_small_red_blue_my_font.png";
        assert_eq!(labels(fonts, &names, path).unwrap(), ["A", "small", "red", "blue", "my_font"]);
        let other = "A/small/red/blue/my_font/B_small_red_blue_my_font.png";
        assert_eq!(labels(fonts, &names, other), None);

        let rafd = "Rafd{pose}_{identity}_{*}_{*}_{expression}_frontal.jpg";
        let names = ["identity", "expression", "pose"];
        let path = "any/Rafd090_01_Caucasian_female_angry_frontal.jpg";
        assert_eq!(labels(rafd, &names, path).unwrap(), ["01", "angry", "090"]);
        assert_eq!(labels(rafd, &names, &path.replace("frontal", "left")), None);

        let ilab = "{identity}-b{background}-c00-r{pose}-{*}";
        let names = ["identity", "background", "pose"];
        let path = "x/boat-i0004-b0017-c00-r01-l2-f3.jpg";
        assert_eq!(labels(ilab, &names, path).unwrap(), ["boat-i0004", "0017", "01"]);
    }

    #[test]
    fn values_stay_within_one_part_and_are_not_empty() {
        assert_eq!(labels("{a}/x.png", &["a"], "p/q/x.png"), None);
        assert_eq!(labels("{a}x.png", &["a"], "x.png"), None);
        assert_eq!(labels("{a}-{b}.png", &["a", "b"], "ä-ö-ü.png").unwrap(), ["ä", "ö-ü"]);
    }

    #[test]
    fn wrong_patterns_are_refused() {
        let error = |text: &str| Pattern::new(text, &["a", "b"]).unwrap_err().to_string();
        assert_eq!(error("{a}/{c}.png"), "files.pattern: found {c}; allowed: a, b, *");
        assert_eq!(
            error("{a}.png"),
            "files.pattern: found \"{a}.png\"; allowed: a pattern with {b}"
        );
        assert!(error("{a").ends_with("allowed: a } for every {"));
        assert!(error("{a}{b}").contains("between two braces"));
    }
}
