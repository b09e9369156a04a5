//! Metrics for representations whose parts are assigned to attributes.
//!
//! They take pictures, codes and closures, never a model. Those of codes return a [`Score`]: a value, its
//! interval, and the protocol by which it came about.

mod blocks;
#[cfg(test)]
mod checked;
mod codes;
mod convexity;
mod edits;
mod images;
mod judge;
mod paired;
mod probe;
mod read_back;
mod reader;
mod scalar;
mod score;
mod statistics;

pub use blocks::{BlockMatrix, BlockProbes, Blocks, Dci, correlation, dci};
pub use codes::Codes;
pub use convexity::{Convexity, Paths, Point, path_length};
pub use edits::{EditScores, Edited, Edits, TruthScores};
pub use images::{
    Backbone, Features, Filter, Inception, KernelDistance, Lpips, Moments, Neighbours, SetScore,
    Similarity, SimilarityScores, Subsets, features_of, frechet, kernel_distance,
    kernel_distance_of_subsets, neighbours, psnr, resize, ssim,
};
pub use judge::{EvaluationConfig, Judge};
pub use paired::{Better, Difference, Summary, Verdict};
pub use probe::{Forest, ForestConfig, Logistic, LogisticConfig, Probe};
pub use read_back::{ReadBack, Reading};
pub use reader::{Reader, accuracy};
pub use scalar::{
    Bins, IrsConfig, SvmConfig, Votes, explicitness, factor_vae, irs, mig, modularity, sap,
};
pub use score::{Sampling, Score};
