//! Parameters carry the published names and shapes, all of them and no other (i2i-dis.md, section 2).

use std::collections::BTreeMap;

use super::{FORMS, adversaries, config};
use crate::{Form, I2iConfig, ModelConfig};

type Shapes = BTreeMap<String, Vec<usize>>;

/// The tables of sections 1 and 2, written down anew.
#[derive(Default)]
struct Published {
    parameters: Shapes,
    buffers: Shapes,
}

impl Published {
    fn put(&mut self, name: String, shape: &[usize]) {
        assert_eq!(self.parameters.insert(name.clone(), shape.into()), None, "{name} twice");
    }

    fn conv(&mut self, name: &str, [cin, out]: [usize; 2], k: usize) {
        self.put(format!("{name}.weight"), &[out, cin, k, k]);
        self.put(format!("{name}.bias"), &[out]);
    }

    fn judging(&mut self, name: &str, [cin, out]: [usize; 2], k: usize, spectral: bool) {
        self.conv(name, [cin, out], k);
        if spectral {
            let shape = self.parameters.remove(&format!("{name}.weight")).unwrap();
            self.parameters.insert(format!("{name}.weight_orig"), shape.clone());
            self.buffers.insert(format!("{name}.weight"), shape);
            self.buffers.insert(format!("{name}.weight_u"), vec![out]);
        }
    }

    fn transposed(&mut self, name: &str, [cin, out]: [usize; 2], k: usize) {
        self.put(format!("{name}.weight"), &[cin, out, k, k]);
        self.put(format!("{name}.bias"), &[out]);
    }

    fn linear(&mut self, name: &str, [cin, out]: [usize; 2]) {
        self.put(format!("{name}.weight"), &[out, cin]);
        self.put(format!("{name}.bias"), &[out]);
    }

    fn res(&mut self, name: &str, c: usize) {
        self.conv(&format!("{name}.model.1"), [c, c], 3);
        self.conv(&format!("{name}.model.5"), [c, c], 3);
    }

    fn up(&mut self, name: &str, [cin, out]: [usize; 2]) {
        self.transposed(&format!("{name}.model.0"), [cin, out], 3);
        self.put(format!("{name}.model.1.weight"), &[out, 1, 1]);
        self.put(format!("{name}.model.1.bias"), &[out, 1, 1]);
    }

    fn basic(&mut self, name: &str, [cin, out]: [usize; 2]) {
        self.conv(&format!("{name}.conv.2"), [cin, cin], 3);
        self.conv(&format!("{name}.conv.4.1"), [cin, out], 3);
        self.conv(&format!("{name}.shortcut.1"), [cin, out], 1);
    }

    fn film(&mut self, name: &str, c: usize, code: usize) {
        for n in [1, 2] {
            self.conv(&format!("{name}.conv{n}.0.1"), [c, c], 3);
            self.conv(&format!("{name}.blk{n}.0"), [c + code, c + code], 1);
            self.conv(&format!("{name}.blk{n}.2"), [c + code, c], 1);
        }
    }

    fn enc_c(&mut self, input: usize, w: usize) {
        for x in ["A", "B"] {
            self.conv(&format!("enc_c.conv{x}.0.model.1"), [input, w], 7);
            self.conv(&format!("enc_c.conv{x}.1.model.1"), [w, 2 * w], 3);
            self.conv(&format!("enc_c.conv{x}.2.model.1"), [2 * w, 4 * w], 3);
            for i in 3..6 {
                self.res(&format!("enc_c.conv{x}.{i}"), 4 * w);
            }
        }
        self.res("enc_c.conv_share.0", 4 * w);
    }

    fn enc_a(&mut self, form: Form, input: usize, w: usize) {
        for (x, lower) in [("A", "a"), ("B", "b")] {
            if form == Form::FeatureWise {
                let at = |i: usize| format!("enc_a.model_{lower}.{i}");
                self.conv(&at(1), [input, w], 7);
                self.conv(&at(4), [w, 2 * w], 4);
                self.conv(&at(7), [2 * w, 4 * w], 4);
                self.conv(&at(10), [4 * w, 4 * w], 4);
                self.conv(&at(13), [4 * w, 4 * w], 4);
                self.conv(&at(16), [4 * w, 8], 1);
                continue;
            }
            self.conv(&format!("enc_a.conv_{x}.1"), [input, w], 4);
            self.basic(&format!("enc_a.conv_{x}.2"), [w, 2 * w]);
            self.basic(&format!("enc_a.conv_{x}.3"), [2 * w, 3 * w]);
            self.basic(&format!("enc_a.conv_{x}.4"), [3 * w, 4 * w]);
            self.linear(&format!("enc_a.fc_{x}.0"), [4 * w, 8]);
            self.linear(&format!("enc_a.fcVar_{x}.0"), [4 * w, 8]);
        }
    }

    fn generator(&mut self, form: Form, input: usize, w: usize) {
        let nz = 8;
        for x in ["A", "B"] {
            if form == Form::FeatureWise {
                self.linear(&format!("gen.mlp{x}.0"), [nz, 4 * w]);
                self.linear(&format!("gen.mlp{x}.2"), [4 * w, 4 * w]);
                self.linear(&format!("gen.mlp{x}.4"), [4 * w, 16 * w]);
                for n in 1..5 {
                    self.film(&format!("gen.dec{x}{n}"), 4 * w, 4 * w);
                }
                self.up(&format!("gen.dec{x}5.0"), [4 * w, 2 * w]);
                self.up(&format!("gen.dec{x}5.1"), [2 * w, w]);
                self.transposed(&format!("gen.dec{x}5.2"), [w, input], 1);
                continue;
            }
            for i in 0..3 {
                self.res(&format!("gen.dec{x}1.{i}"), 4 * w + nz);
            }
            self.up(&format!("gen.dec{x}2.0"), [4 * w + 2 * nz, 2 * w + nz]);
            self.up(&format!("gen.dec{x}3.0"), [2 * w + 2 * nz, w + nz]);
            self.transposed(&format!("gen.dec{x}4.0"), [w + 2 * nz, input], 1);
        }
        if form == Form::Concat {
            self.res("gen.dec_share.0", 4 * w);
        }
    }

    fn discriminators(&mut self, scales: usize, spectral: bool, input: usize, w: usize) {
        for net in ["disA", "disA2", "disB", "disB2"] {
            let (places, k, depth) = match scales {
                1 => (vec![format!("{net}.model")], 3, 6),
                n => ((0..n).map(|s| format!("{net}.Diss.{s}")).collect(), 4, 4),
            };
            for place in places {
                let mut cin = input;
                for i in 0..depth {
                    let out = w << i;
                    self.judging(&format!("{place}.{i}.model.1"), [cin, out], k, spectral);
                    cin = out;
                }
                self.judging(&format!("{place}.{depth}"), [cin, 1], 1, spectral);
            }
        }
        for i in 0..3 {
            self.conv(&format!("disContent.model.{i}.model.1"), [4 * w, 4 * w], 7);
        }
        self.conv("disContent.model.3.model.1", [4 * w, 4 * w], 4);
        self.conv("disContent.model.4", [4 * w, 1], 1);
    }
}

fn shapes(tensors: cir_core::NamedTensors) -> impl Iterator<Item = (String, Vec<usize>)> {
    tensors.into_iter().map(|(name, x)| (name, x.dims().to_vec()))
}

#[test]
fn names_and_shapes_are_the_published_ones() {
    for form in FORMS {
        for (scales, spectral_norm, image_channels) in
            [(1, false, 3), (1, true, 1), (3, false, 1), (3, true, 3)]
        {
            let (w, width) = (2, 2);
            let mut published = Published::default();
            published.enc_c(image_channels, w);
            published.enc_a(form, image_channels, w);
            published.generator(form, image_channels, w);
            published.discriminators(scales, spectral_norm, image_channels, w);

            let sizes = ModelConfig { form, image_channels, width, ..ModelConfig::default() };
            let model = ModelConfig { scales, spectral_norm, ..sizes };
            let mut small = I2iConfig { model, ..config() };
            small.sampling.crop = 216;
            let nets = adversaries(&small);
            let mut found = Shapes::new();
            for (network, learner) in nets.learners() {
                let tensors = learner.params().tensors();
                assert!(tensors.keys().all(|name| name.starts_with(&format!("{network}."))));
                found.extend(shapes(tensors));
            }
            assert_eq!(found, published.parameters, "{form:?}, {scales} scales");
            let buffers: Shapes = shapes(nets.buffers().tensors()).collect();
            assert_eq!(buffers, published.buffers, "{form:?}, {scales} scales");
        }
    }
}

#[test]
fn a_model_holds_what_translates_and_nothing_else() {
    let nets = adversaries(&config());
    let of = |name: &String| name.split('.').next().unwrap().to_owned();
    let networks: std::collections::BTreeSet<_> = nets.trained().keys().map(of).collect();
    assert_eq!(networks.into_iter().collect::<Vec<_>>(), ["enc_a", "enc_c", "gen"]);
}
