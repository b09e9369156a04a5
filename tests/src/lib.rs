//! Parity with the original PyTorch programs, by fixtures of numbers that they computed.

pub mod parity;
