//! Which attributes a picture has, and which values each can take.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One attribute and its values, in the order of their indices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Name, unique in its schema.
    pub name: String,
    /// Values, unique, at least two.
    pub values: Vec<String>,
}

/// The value index of every attribute of one picture, in schema order.
pub type Labels = Vec<u16>;

/// The attributes of a data set, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Attribute>", into = "Vec<Attribute>")]
pub struct Schema {
    attributes: Vec<Attribute>,
}

impl Schema {
    /// Checks and takes the attributes.
    ///
    /// # Errors
    /// When there is none, an attribute has fewer than two values, or a name or value repeats.
    pub fn new(attributes: Vec<Attribute>) -> Result<Self> {
        if attributes.is_empty() {
            return Err(Error::setting("attributes", "none", "at least one attribute"));
        }
        unique("attributes", attributes.iter().map(|a| &a.name))?;
        for a in &attributes {
            let field = format!("attributes.{}.values", a.name);
            if a.values.len() < 2 {
                let found = format!("{:?}", a.values);
                return Err(Error::setting(field, found, "at least two values"));
            }
            if a.values.len() > usize::from(u16::MAX) {
                return Err(Error::setting(field, a.values.len(), "at most 65535 values"));
            }
            unique(&field, a.values.iter())?;
        }
        Ok(Self { attributes })
    }

    /// The attributes in order.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The number of attributes.
    #[expect(clippy::len_without_is_empty, reason = "a schema is never empty")]
    pub fn len(&self) -> usize {
        self.attributes.len()
    }

    /// The position of the attribute called `name`.
    ///
    /// # Errors
    /// When there is none; the message lists those there are.
    pub fn attribute(&self, name: &str) -> Result<usize> {
        self.attributes.iter().position(|a| a.name == name).ok_or_else(|| {
            let names: Vec<_> = self.attributes.iter().map(|a| a.name.as_str()).collect();
            Error::setting("attribute", format!("{name:?}"), names.join(", "))
        })
    }

    /// The position of the attribute called `name`, which has two values.
    ///
    /// # Errors
    /// When there is none, or it has more.
    pub fn binary(&self, name: &str) -> Result<usize> {
        let place = self.attribute(name)?;
        match &self.attributes[place].values[..] {
            [_, _] => Ok(place),
            values => {
                let found = format!("{name:?} of {} values ({})", values.len(), values.join(", "));
                Err(Error::setting("attribute", found, "an attribute of two values"))
            }
        }
    }

    /// The index of `value` of attribute number `attribute`.
    ///
    /// # Errors
    /// When the attribute has no such value; the message lists those it has.
    pub fn value(&self, attribute: usize, value: &str) -> Result<u16> {
        let a = &self.attributes[attribute];
        let found = a.values.iter().position(|v| v == value);
        found.map(|i| i as u16).ok_or_else(|| {
            Error::setting(a.name.clone(), format!("{value:?}"), a.values.join(", "))
        })
    }

    /// The values' names of `labels`, as `attribute=value` pairs.
    pub fn describe(&self, labels: &[u16]) -> String {
        let pairs = self.attributes.iter().zip(labels);
        let text = |(a, &l): (&Attribute, &u16)| format!("{}={}", a.name, a.values[usize::from(l)]);
        pairs.map(text).collect::<Vec<_>>().join(" ")
    }

    /// How many combinations of values there are.
    pub fn combinations(&self) -> u64 {
        self.attributes.iter().map(|a| a.values.len() as u64).product()
    }
}

impl TryFrom<Vec<Attribute>> for Schema {
    type Error = Error;
    fn try_from(attributes: Vec<Attribute>) -> Result<Self> {
        Self::new(attributes)
    }
}

impl From<Schema> for Vec<Attribute> {
    fn from(schema: Schema) -> Self {
        schema.attributes
    }
}

/// An error naming the first text that occurs twice.
pub(crate) fn unique<'a>(field: &str, texts: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for text in texts {
        if !seen.insert(text) {
            return Err(Error::setting(field, format!("{text:?} twice"), "each name once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, values: &[&str]) -> Attribute {
        Attribute { name: name.into(), values: values.iter().map(|v| (*v).into()).collect() }
    }

    #[test]
    fn names_are_found_and_wrong_ones_are_named() {
        let schema =
            Schema::new(vec![attribute("shape", &["o", "x"]), attribute("hue", &["r", "g"])]);
        let schema = schema.unwrap();
        assert_eq!(schema.attribute("hue").unwrap(), 1);
        assert_eq!(schema.value(1, "g").unwrap(), 1);
        assert_eq!(schema.describe(&[1, 0]), "shape=x hue=r");
        let error = schema.value(1, "b").unwrap_err().to_string();
        assert_eq!(error, "hue: found \"b\"; allowed: r, g");
    }

    #[test]
    fn one_value_is_refused() {
        let error = Schema::new(vec![attribute("shape", &["o"])]).unwrap_err().to_string();
        assert_eq!(error, "attributes.shape.values: found [\"o\"]; allowed: at least two values");
    }
}
