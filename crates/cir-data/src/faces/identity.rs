//! What someone looks like: every part of a face drawn from the identity's number.

use cir_core::{Rng, rng};
use rand::Rng as _;
use rand::seq::IndexedRandom;

use super::colour::{
    CLOTHES, Colour, DARK_HAIR, FRAMES, GROUNDS, HATS, IRISES, LIGHT_HAIR, SKINS, along,
    beard_colour, lighten, mix,
};
use super::face::{
    Beard, Brows, Clothes, Degrees, Eyes, Face, Garment, Glasses, Ground, Hair, HairStyle, Hat,
    HatStyle, Head, Lens, Mouth, Nose, Pose,
};

const HAIR: [HairStyle; 9] = [
    HairStyle::Crop,
    HairStyle::Side,
    HairStyle::Quiff,
    HairStyle::Curls,
    HairStyle::Bob,
    HairStyle::Long,
    HairStyle::Waves,
    HairStyle::Afro,
    HairStyle::Bunches,
];
const HAT: [HatStyle; 5] =
    [HatStyle::Beanie, HatStyle::Bobble, HatStyle::Brim, HatStyle::Bowler, HatStyle::Cap];
const LENS: [Lens; 3] = [Lens::Round, Lens::Square, Lens::Pilot];
const GARMENT: [Garment; 5] =
    [Garment::Crew, Garment::Collar, Garment::Polo, Garment::Stripes, Garment::Hood];

impl Face {
    /// The face of identity number `identity`, with every degree 0.
    pub fn new(identity: u64) -> Self {
        let mut draw = Draw(rng(0, "faces", identity));
        let skin = along(&SKINS, draw.number(0., 1.));
        let ground = draw.ground();
        Self {
            degrees: Degrees::default(),
            pose: draw.pose(),
            head: draw.head(),
            skin,
            hair: draw.hair(skin),
            eyes: draw.eyes(),
            brows: draw.brows(),
            nose: draw.nose(),
            mouth: draw.mouth(skin),
            beard: draw.beard(),
            glasses: draw.glasses(),
            hat: draw.hat(),
            clothes: draw.clothes(&ground),
            ground,
        }
    }

    /// The same face with other degrees.
    #[must_use]
    pub fn with(mut self, degrees: Degrees) -> Self {
        self.degrees = degrees;
        self
    }
}

/// How much of each attribute an identity shows where nothing else says so: no or yes.
pub(crate) fn degrees(identity: u64) -> Degrees {
    let mut rng = rng(0, "faces/attributes", identity);
    Degrees::from_array(std::array::from_fn(|_| f32::from(u8::from(rng.random::<bool>()))))
}

/// Draws numbers and choices, one after the other.
pub(crate) struct Draw(pub(crate) Rng);

impl Draw {
    pub(crate) fn number(&mut self, from: f32, to: f32) -> f32 {
        from + (to - from) * self.0.random::<f32>()
    }

    pub(crate) fn one<T: Copy, const N: usize>(&mut self, of: &[T; N]) -> T {
        const { assert!(N > 0) };
        of.choose(&mut self.0).copied().unwrap_or(of[0])
    }

    /// One that passes a test, as nearly all do.
    fn one_that(&mut self, of: &[Colour], passes: impl Fn(Colour) -> bool) -> Colour {
        let mut tries = (0..50).filter_map(|_| of.choose(&mut self.0).copied());
        tries.find(|&colour| passes(colour)).unwrap_or(of[0])
    }

    /// One that differs visibly from `other`.
    fn unlike(&mut self, of: &[Colour], other: Colour) -> Colour {
        let apart = |c: Colour| (0..3).map(|i| u32::from(c[i].abs_diff(other[i]))).sum::<u32>();
        self.one_that(of, |c| apart(c) > 110)
    }

    fn pose(&mut self) -> Pose {
        Pose {
            tilt: self.number(-0.075, 0.075),
            x: self.number(-4., 4.),
            y: self.number(-1., 2.),
            scale: self.number(1.04, 1.17),
        }
    }

    fn head(&mut self) -> Head {
        Head {
            width: self.number(17.6, 20.),
            chin: self.number(22.5, 26.),
            jaw: self.number(0.62, 0.86),
            ear: self.number(4.6, 6.),
        }
    }

    fn hair(&mut self, skin: Colour) -> Hair {
        // A beard can be told from the skin, and hair too.
        let apart = |c: Colour| (0..3).map(|i| c[i].abs_diff(skin[i])).max() > Some(48);
        let light = self.one_that(&LIGHT_HAIR, |c| apart(beard_colour(c)) && apart(c));
        Hair {
            style: self.one(&HAIR),
            light,
            dark: self.one(&DARK_HAIR),
            mirrored: self.0.random(),
        }
    }

    fn eyes(&mut self) -> Eyes {
        Eyes {
            apart: self.number(8.5, 9.8),
            width: self.number(4.4, 5.2),
            round: self.number(0.9, 1.1),
            slant: self.number(-0.5, 0.8),
            colour: self.one(&IRISES),
        }
    }

    fn brows(&mut self) -> Brows {
        Brows {
            height: self.number(8.2, 9.6),
            thick: self.number(1.5, 2.5),
            arch: self.number(0.6, 1.8),
            slant: self.number(-0.6, 1.),
        }
    }

    fn nose(&mut self) -> Nose {
        Nose {
            length: self.number(7.6, 9.4),
            width: self.number(2.2, 3.3),
            bridge: self.0.random(),
        }
    }

    fn mouth(&mut self, skin: Colour) -> Mouth {
        let rouge = self.number(0.35, 0.75);
        Mouth {
            y: self.number(14.2, 15.6),
            width: self.number(5.6, 6.8),
            lips: self.number(0.9, 1.7),
            droop: self.number(-0.6, 0.3),
            colour: mix(skin, [186, 58, 70], rouge),
        }
    }

    fn beard(&mut self) -> Beard {
        Beard {
            length: self.number(1.5, 6.5),
            cheek: self.number(7., 10.),
            broad: self.number(0., 1.),
        }
    }

    fn glasses(&mut self) -> Glasses {
        Glasses { style: self.one(&LENS), colour: self.one(&FRAMES), thick: self.number(1.3, 1.9) }
    }

    fn hat(&mut self) -> Hat {
        let colour = self.one(&HATS);
        Hat { style: self.one(&HAT), colour, band: self.unlike(&HATS, colour) }
    }

    fn clothes(&mut self, ground: &Ground) -> Clothes {
        let colour = self.unlike(&CLOTHES, ground.disc);
        Clothes {
            style: self.one(&GARMENT),
            colour,
            accent: self.unlike(&CLOTHES, colour),
            shoulders: self.number(29., 35.),
        }
    }

    fn ground(&mut self) -> Ground {
        let colour = self.one(&GROUNDS);
        let light = self.number(0.25, 0.5);
        let radius = if self.0.random() { self.number(36., 43.) } else { 0. };
        Ground { colour, disc: lighten(colour, if radius > 0. { light } else { 0. }), radius }
    }
}
