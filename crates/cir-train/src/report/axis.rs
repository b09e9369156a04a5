//! Axes: which range to show, where ticks go, what they say.

/// A range with its ticks, in the numbers that are drawn (logarithms on a logarithmic axis).
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Steps from the lowest, or 0 if that is not far off, to the highest.
    pub(super) fn steps(low: f64, high: f64) -> Self {
        let low = if low > 0. && low < 0.2 * high { 0. } else { low };
        let (low, high) = if low < high { (low, high) } else { (low - 1., high + 1.) };
        let spacing = nice((high - low) / 6.).max(1.);
        Self { low, high, ticks: multiples(low, high, spacing) }
    }

    /// Numbers from a tick at or under the lowest to one at or over the highest.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        // A range of nothing, or less than doubles resolve, would give no ticks.
        let least = low.abs().max(high.abs()) * 1e-9;
        let (low, high) = if high - low > least {
            (low, high)
        } else {
            let margin = if low == 0. { 1. } else { low.abs() * 0.1 };
            (low - margin, high + margin)
        };
        let spacing = nice((high - low) / 5.);
        let low = (low / spacing + 1e-9).floor() * spacing;
        let high = (high / spacing - 1e-9).ceil() * spacing;
        Self { low, high, ticks: multiples(low, high, spacing) }
    }

    /// Decimal logarithms, with ticks at powers of ten, and between them if these are few.
    pub(super) fn logarithmic(low: f64, high: f64) -> Self {
        let margin = ((high - low) * 0.05).max(0.02);
        let (low, high) = (low - margin, high + margin);
        let decades = high - low;
        let every = (decades / 6.).ceil().max(1.) as i32;
        let between: &[f64] = match decades {
            d if d > 3. => &[1.],
            d if d > 1.5 => &[1., 3.],
            _ => &[1., 2., 5.],
        };
        let mut ticks = Vec::new();
        // Within what a double can be, as the label is one.
        let powers = low.floor().max(-300.) as i32..=high.ceil().min(300.) as i32;
        for power in powers.filter(|power| power.rem_euclid(every) == 0) {
            for &digit in between {
                let at = f64::from(power) + digit.log10();
                if (low..=high).contains(&at) {
                    ticks.push((at, number(digit * 10f64.powi(power))));
                }
            }
        }
        if ticks.len() < 3 {
            // Less than a decade: round numbers at their places on the logarithmic axis.
            let (from, to) = (10f64.powf(low), 10f64.powf(high));
            let linear = multiples(from, to, nice((to - from) / 5.));
            ticks = linear.into_iter().map(|(at, label)| (at.log10(), label)).collect();
        }
        Self { low, high, ticks }
    }

    /// Where on the axis, from 0 to 1.
    pub(super) fn place(&self, x: f64) -> f64 {
        (x - self.low) / (self.high - self.low)
    }
}

/// The number of 1, 2, 5, 10, … times a power of ten that is not less.
fn nice(x: f64) -> f64 {
    let power = 10f64.powf(x.log10().floor());
    let digit = [1., 2., 5.].into_iter().find(|d| d * power >= x * (1. - 1e-9));
    digit.unwrap_or(10.) * power
}

fn multiples(low: f64, high: f64, spacing: f64) -> Vec<(f64, String)> {
    let (first, last) = ((low / spacing - 1e-9).ceil(), (high / spacing + 1e-9).floor());
    // Bounded, whatever rounding makes of an extreme range.
    let count = (last - first).clamp(0., 20.) as usize;
    let at = (0..=count).map(|i| (first + i as f64) * spacing);
    at.map(|x| (x, label(x, spacing, low.abs().max(high.abs())))).collect()
}

/// What a tick says: as many digits as tell it from its neighbours, in the largest tick's unit.
fn label(x: f64, spacing: f64, largest: f64) -> String {
    if x == 0. {
        return "0".into();
    }
    let (unit, suffix) = match largest {
        l if l >= 1e15 => return number(x),
        l if l < 2e-3 && spacing > 0.01 * l => return number(x),
        l if l >= 1e12 => (1e12, "T"),
        l if l >= 1e9 => (1e9, "G"),
        l if l >= 1e6 => (1e6, "M"),
        l if l >= 1e4 => (1e3, "k"),
        _ => (1., ""),
    };
    let digits = (-(spacing / unit * (1. + 1e-9)).log10().floor()).clamp(0., 12.) as usize;
    minus(format!("{:.digits$}{suffix}", x / unit))
}

/// A number in few characters, as in a legend.
pub(super) fn number(x: f64) -> String {
    let size = x.abs();
    if x == 0. || !x.is_finite() {
        return minus(x.to_string());
    }
    if !(1e-3 * (1. - 1e-9)..1e5).contains(&size) {
        let text = format!("{x:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return minus(format!("{digits}e{power}"));
    }
    let digits = (3. - size.log10().floor()).clamp(0., 6.) as usize;
    let text = format!("{x:.digits$}");
    minus(match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    })
}

/// With the sign that is as wide as a digit.
fn minus(text: String) -> String {
    text.replace('-', "\u{2212}")
}
