//! The examples of the libraries, run.

use candle_core::Device;
use cir_core::Image;
use cir_train::Algorithm;

#[path = "../../crates/cir-gzs/examples/own_autoencoder.rs"]
mod own_autoencoder;
#[path = "../../crates/cir-gzs/examples/own_data.rs"]
mod own_data;
#[path = "../../crates/cir-gzs/examples/swap_blocks.rs"]
mod swap_blocks;

#[test]
fn the_cir_term_joins_a_readers_own_autoencoder() {
    own_autoencoder::main().unwrap();
}

#[test]
fn gzs_net_trains_on_a_readers_own_data() {
    own_data::main().unwrap();
}

#[test]
fn two_blocks_of_a_stored_model_are_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let config = toml::from_str(include_str!("../../crates/cir-gzs/examples/own_data.toml"));
    let data = own_data::data().unwrap();
    let gzs = cir_gzs::Gzs::new(config.unwrap(), data.clone(), 1, 1, &Device::Cpu).unwrap();
    cir_train::save_model(&at("model.safetensors"), &gzs.model().unwrap()).unwrap();
    for (name, index) in [("a.png", 0), ("b.png", 17)] {
        cir_data::save_png(at(name), &data.source.image(index).unwrap()).unwrap();
    }
    let pictures = [&*at("a.png"), &*at("b.png")];
    swap_blocks::run(&at("model.safetensors"), pictures, ["light", "place"], &at("c.png")).unwrap();
    let (image, _): (Image, _) = cir_data::load_image(at("c.png"), 1, 16).unwrap();
    assert_eq!((image.channels(), image.width()), (1, 16));
}
