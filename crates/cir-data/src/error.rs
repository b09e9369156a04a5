//! The errors of this crate: each names the file or setting, what was found and what is allowed.

use std::path::{Path, PathBuf};

/// What can be wrong with a data set, a file or a setting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting, an attribute or a value that is not allowed.
    #[error(transparent)]
    Core(#[from] cir_core::Error),
    /// An error of the tensor library.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// The operating system refused.
    #[error("{}: cannot {action}: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: found {found}; expected {expected}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// A row of a table of labels is wrong.
    #[error("{} line {line}, {field}: found {found}; allowed: {allowed}", path.display())]
    Row {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column.
        field: String,
        /// What stands there.
        found: String,
        /// What could stand there.
        allowed: String,
    },
    /// A card that cannot be read.
    #[error("card {card}: {message}")]
    Card {
        /// Its name or path.
        card: String,
        /// What is wrong with it.
        message: String,
    },
    /// The group sampler needs, for every value, two images that agree in it and in nothing else.
    #[error(
        "{attribute}={value}: no two of the {images} training images share this value and differ \
         in every other attribute; {}give the attribute more varied images or leave the value out",
        hold_out_less(*images, *held_out)
    )]
    NoPartner {
        /// The attribute.
        attribute: String,
        /// The value.
        value: String,
        /// How many training images there are.
        images: usize,
        /// How many more there are, held out.
        held_out: usize,
    },
    /// Every training image lacks a partner for some attribute.
    #[error(
        "none of the {images} training images has, for every attribute, a partner that shares \
         only this attribute: the combinations are too sparse for groups; hold out less, leave \
         values out, or use the edge sampler"
    )]
    NoCentre {
        /// How many training images there are.
        images: usize,
    },
    /// Background work panicked.
    #[error("preparing batch {step} panicked: {message}")]
    Panic {
        /// The batch.
        step: u64,
        /// What the panic said.
        message: String,
    },
    /// Anything else that a batch-making closure reports.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A wrong setting, from anything printable.
    pub fn setting(
        field: impl Into<String>,
        found: impl std::fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        cir_core::Error::setting(field, found, allowed).into()
    }

    /// A file that is not what it should be.
    pub fn file(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), found: found.into(), expected: expected.into() }
    }

    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { path, action, cause }
    }
}

/// Advice, where holding out may be what took the partners away.
fn hold_out_less(images: usize, held_out: usize) -> String {
    match held_out {
        0 => String::new(),
        _ => {
            let all = images + held_out;
            let share = held_out as f64 / all as f64;
            format!("hold out less ({held_out} of {all} are: data.hold_out.fraction, {share:.2}), ")
        }
    }
}

/// At most `limit` of `names`, for messages.
pub(crate) fn listed<T: AsRef<str>>(names: &[T], limit: usize) -> String {
    let mut text = names.iter().take(limit).map(T::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > limit {
        text += &format!(", … ({} in all)", names.len());
    }
    text
}
