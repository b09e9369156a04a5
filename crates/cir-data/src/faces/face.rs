//! A face as data: everything that a drawing of it depends on.
//!
//! Lengths are hundredths of the picture's side for a head of scale 1; the head's frame has its origin
//! between the eyes, y down, and is turned with the head (`frame.rs`).

use super::colour::Colour;

/// How much of each attribute a face shows, from 0 (no) to 1 (yes).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Degrees {
    /// From a straight mouth to a laughing one.
    pub smile: f32,
    /// How solid the glasses are.
    pub glasses: f32,
    /// How solid the hat is, and how far it is put on.
    pub hat: f32,
    /// How dense and long the beard is.
    pub beard: f32,
    /// From closed to open.
    pub open_eyes: f32,
    /// From the light to the dark colour of hair, brows and beard.
    pub dark_hair: f32,
}

/// A face: what an identity looks like, and how much of each attribute it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// The attributes.
    pub degrees: Degrees,
    /// Where the head is, and how it is held.
    pub pose: Pose,
    /// The shape of the head.
    pub head: Head,
    /// The colour of the skin.
    pub skin: Colour,
    /// The hair on the head.
    pub hair: Hair,
    /// The eyes.
    pub eyes: Eyes,
    /// The brows.
    pub brows: Brows,
    /// The nose.
    pub nose: Nose,
    /// The mouth.
    pub mouth: Mouth,
    /// The beard that the face has when it has one.
    pub beard: Beard,
    /// The glasses, likewise.
    pub glasses: Glasses,
    /// The hat, likewise.
    pub hat: Hat,
    /// What the body wears.
    pub clothes: Clothes,
    /// What is behind.
    pub ground: Ground,
}

/// Where the head is, and how it is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// The tangent of half the angle by which the head leans to the right.
    pub tilt: f32,
    /// How far right of the middle.
    pub x: f32,
    /// How far below its usual place.
    pub y: f32,
    /// The size of everything but the background.
    pub scale: f32,
}

/// The shape of a head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head {
    /// Half its width at the cheeks.
    pub width: f32,
    /// How far the chin is below the eyes.
    pub chin: f32,
    /// The width of the jaw as a share of that at the cheeks.
    pub jaw: f32,
    /// The height of an ear.
    pub ear: f32,
}

/// Hair: one style in two colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hair {
    /// How it is cut.
    pub style: HairStyle,
    /// Its colour where `dark_hair` is 0.
    pub light: Colour,
    /// Its colour where `dark_hair` is 1.
    pub dark: Colour,
    /// Whether it is parted on the other side.
    pub mirrored: bool,
}

/// How hair is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HairStyle {
    /// Short all round.
    Crop,
    /// Short, combed to one side.
    Side,
    /// Short, high above the forehead.
    Quiff,
    /// Short curls.
    Curls,
    /// To the chin, with a straight fringe.
    Bob,
    /// Below the shoulders, parted in the middle.
    Long,
    /// Below the shoulders, wavy, parted on one side.
    Waves,
    /// A cloud around the head.
    Afro,
    /// Two bunches.
    Bunches,
}

/// Two eyes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eyes {
    /// Half the distance of their centres.
    pub apart: f32,
    /// Half the width of one.
    pub width: f32,
    /// How round they are: 1 is usual.
    pub round: f32,
    /// How much higher their outer corners are.
    pub slant: f32,
    /// The iris.
    pub colour: Colour,
}

/// Two brows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brows {
    /// How far above the eyes.
    pub height: f32,
    /// How thick at the inner end.
    pub thick: f32,
    /// How much they are arched.
    pub arch: f32,
    /// How much higher the outer end is than the inner.
    pub slant: f32,
}

/// A nose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nose {
    /// How far its tip is below the eyes.
    pub length: f32,
    /// Half its width.
    pub width: f32,
    /// Whether the bridge's shadow is drawn too.
    pub bridge: bool,
}

/// A mouth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mouth {
    /// How far below the eyes.
    pub y: f32,
    /// Half its width when it does not smile.
    pub width: f32,
    /// How full the lips are.
    pub lips: f32,
    /// How far the corners of the straight mouth hang.
    pub droop: f32,
    /// The lips.
    pub colour: Colour,
}

/// A beard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beard {
    /// How far below the chin it reaches.
    pub length: f32,
    /// How high it reaches on the cheeks, below the eyes.
    pub cheek: f32,
    /// From pointed, 0, to broad, 1.
    pub broad: f32,
}

/// Glasses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glasses {
    /// The shape of a lens.
    pub style: Lens,
    /// The frame.
    pub colour: Colour,
    /// How thick the frame is.
    pub thick: f32,
}

/// The shape of a lens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lens {
    /// A circle.
    Round,
    /// A rectangle with round corners.
    Square,
    /// Narrower at the bottom.
    Pilot,
}

/// A hat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hat {
    /// Its kind.
    pub style: HatStyle,
    /// Most of it.
    pub colour: Colour,
    /// Its band.
    pub band: Colour,
}

/// A kind of hat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HatStyle {
    /// Knitted, turned up.
    Beanie,
    /// Knitted, with a bobble.
    Bobble,
    /// A broad brim and a creased crown.
    Brim,
    /// A round crown and a short brim.
    Bowler,
    /// A cap with a peak.
    Cap,
}

/// What the body wears.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clothes {
    /// Its kind.
    pub style: Garment,
    /// Most of it.
    pub colour: Colour,
    /// Collar, stripes, shirt.
    pub accent: Colour,
    /// Half the width of the shoulders.
    pub shoulders: f32,
}

/// A kind of garment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garment {
    /// A round neck.
    Crew,
    /// A shirt with a collar below a pullover.
    Collar,
    /// A collar up to the chin.
    Polo,
    /// A round neck and stripes.
    Stripes,
    /// A hood behind the neck.
    Hood,
}

/// What is behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ground {
    /// The background.
    pub colour: Colour,
    /// The disc behind the head.
    pub disc: Colour,
    /// The disc's radius; with 0 there is none.
    pub radius: f32,
}

impl Degrees {
    /// The degrees in the order of [`super::ATTRIBUTES`].
    pub fn from_array([smile, glasses, hat, beard, open_eyes, dark_hair]: [f32; 6]) -> Self {
        Self { smile, glasses, hat, beard, open_eyes, dark_hair }
    }

    /// The degrees in this order.
    pub fn to_array(self) -> [f32; 6] {
        [self.smile, self.glasses, self.hat, self.beard, self.open_eyes, self.dark_hair]
    }
}

impl Face {
    /// This face in the colours of another: skin, hair (and which of its two colours), eyes, lips,
    /// glasses, hat and clothes, and what is behind.
    #[must_use]
    pub fn in_colours_of(mut self, other: &Self) -> Self {
        self.skin = other.skin;
        self.degrees.dark_hair = other.degrees.dark_hair;
        self.hair = Hair { light: other.hair.light, dark: other.hair.dark, ..self.hair };
        self.eyes.colour = other.eyes.colour;
        self.mouth.colour = other.mouth.colour;
        self.glasses.colour = other.glasses.colour;
        self.hat = Hat { colour: other.hat.colour, band: other.hat.band, ..self.hat };
        let Clothes { colour, accent, .. } = other.clothes;
        self.clothes = Clothes { colour, accent, ..self.clothes };
        self.ground = other.ground;
        self
    }
}
