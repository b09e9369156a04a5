//! Colours: the palettes that identities choose from, and mixtures.

pub use crate::draw::Colour;

/// From the lightest to the darkest; an identity lies somewhere between two neighbours.
pub(crate) const SKINS: [Colour; 7] = [
    [255, 226, 205],
    [250, 209, 178],
    [238, 188, 150],
    [219, 162, 120],
    [190, 130, 90],
    [158, 103, 70],
    [120, 77, 55],
];
/// Platinum, blonde, honey, copper, silver, sandy.
pub(crate) const LIGHT_HAIR: [Colour; 6] = [
    [245, 232, 196],
    [244, 214, 138],
    [230, 182, 96],
    [222, 132, 66],
    [218, 212, 208],
    [214, 176, 124],
];
/// Black, espresso, blue-black, dark auburn, dark brown.
pub(crate) const DARK_HAIR: [Colour; 5] =
    [[34, 28, 32], [58, 38, 34], [34, 36, 56], [70, 32, 34], [66, 46, 34]];
/// Brown, dark, green, blue, grey, hazel.
pub(crate) const IRISES: [Colour; 6] =
    [[104, 66, 40], [56, 38, 32], [78, 126, 84], [66, 124, 178], [104, 122, 136], [132, 100, 52]];
/// Pastels behind the heads.
pub(crate) const GROUNDS: [Colour; 12] = [
    [246, 207, 196],
    [250, 226, 176],
    [203, 222, 198],
    [188, 220, 234],
    [216, 206, 236],
    [248, 216, 226],
    [180, 218, 208],
    [236, 228, 212],
    [150, 184, 210],
    [236, 178, 148],
    [136, 178, 168],
    [190, 176, 206],
];
/// Clothes, and what is on them.
pub(crate) const CLOTHES: [Colour; 12] = [
    [58, 88, 132],
    [202, 86, 74],
    [76, 124, 104],
    [236, 182, 82],
    [112, 92, 150],
    [240, 236, 228],
    [70, 74, 86],
    [216, 126, 142],
    [66, 148, 164],
    [150, 78, 70],
    [128, 156, 92],
    [226, 140, 86],
];
/// Hats: strong colours, none of them a hair colour.
pub(crate) const HATS: [Colour; 8] = [
    [206, 72, 66],
    [48, 106, 152],
    [60, 138, 118],
    [238, 170, 60],
    [138, 96, 164],
    [62, 72, 110],
    [222, 108, 136],
    [108, 146, 78],
];
/// Frames of glasses.
pub(crate) const FRAMES: [Colour; 5] =
    [[40, 38, 46], [116, 58, 34], [168, 40, 52], [36, 62, 112], [60, 60, 66]];

/// White, as eyes and teeth have it.
pub(crate) const WHITE: Colour = [252, 251, 248];
/// Lashes, pupils.
pub(crate) const INK: Colour = [38, 30, 34];

/// `t` of the way from one colour to another.
pub(crate) fn mix(from: Colour, to: Colour, t: f32) -> Colour {
    let number = |a: u8, b: u8| f32::from(a) + (f32::from(b) - f32::from(a)) * t;
    std::array::from_fn(|c| number(from[c], to[c]).round() as u8)
}

/// The colour at `t`, from 0 to 1, along a palette.
pub(crate) fn along(palette: &[Colour], t: f32) -> Colour {
    let position = t.clamp(0., 1.) * (palette.len() - 1) as f32;
    let at = (position as usize).min(palette.len() - 2);
    mix(palette[at], palette[at + 1], position - at as f32)
}

/// A colour in the shade, warmer and darker by `t`.
pub(crate) fn shade(colour: Colour, t: f32) -> Colour {
    const SHADOW: [f32; 3] = [0.45, 0.28, 0.30];
    std::array::from_fn(|c| {
        (f32::from(colour[c]) * (1. - t + t * SHADOW[c])).round().clamp(0., 255.) as u8
    })
}

/// The colour of a beard that belongs to hair.
pub(crate) fn beard_colour(hair: Colour) -> Colour {
    shade(hair, 0.2)
}

/// A colour in the light.
pub(crate) fn lighten(colour: Colour, t: f32) -> Colour {
    mix(colour, [255, 255, 255], t)
}
