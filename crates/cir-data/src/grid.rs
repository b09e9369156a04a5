//! Full grids of combinations, for sources that draw their images.

use cir_core::Schema;

use crate::{Error, Result};

/// The most images that a grid may have; the full dSprites grid has 737,280.
const MOST: u64 = 50_000_000;

/// The number of the combination `wanted` among those that [`combinations`] lists.
pub(crate) fn find(all: &[u16], wanted: &[u16]) -> Option<usize> {
    let m = wanted.len();
    let row = |i: usize| &all[i * m..(i + 1) * m];
    // The rows ascend, as the last attribute runs fastest.
    let (mut from, mut to) = (0, all.len() / m.max(1));
    while from < to {
        let middle = (from + to) / 2;
        match row(middle).cmp(wanted) {
            std::cmp::Ordering::Less => from = middle + 1,
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Greater => to = middle,
        }
    }
    None
}

/// The number of the combination that is number `index` but for one attribute's value.
pub(crate) fn changed(
    all: &[u16],
    m: usize,
    index: usize,
    attribute: usize,
    value: u16,
) -> Option<usize> {
    let mut labels = all.get(index * m..(index + 1) * m)?.to_vec();
    *labels.get_mut(attribute)? = value;
    find(all, &labels)
}

/// The labels of all combinations, the last attribute running fastest, without those in which two
/// attributes of a `distinct` pair have values of the same name; one after the other.
pub(crate) fn combinations(schema: &Schema, distinct: &[[String; 2]]) -> Result<Vec<u16>> {
    let attributes = schema.attributes();
    let count = attributes.iter().try_fold(1u64, |n, a| n.checked_mul(a.values.len() as u64));
    if count.is_none_or(|n| n > MOST) {
        let allowed = format!("values that have at most {MOST} combinations");
        return Err(Error::setting("data.values", "too many combinations", allowed));
    }
    let position = |name: &String| schema.attribute(name);
    let pairs = distinct.iter().map(|[a, b]| Ok((position(a)?, position(b)?)));
    let pairs = pairs.collect::<Result<Vec<_>>>()?;
    let mut labels = vec![0u16; attributes.len()];
    let mut all = Vec::new();
    loop {
        let name = |j: usize| &attributes[j].values[usize::from(labels[j])];
        if pairs.iter().all(|&(a, b)| name(a) != name(b)) {
            all.extend_from_slice(&labels);
        }
        let mut j = attributes.len();
        loop {
            if j == 0 {
                return Ok(all);
            }
            j -= 1;
            labels[j] += 1;
            if usize::from(labels[j]) < attributes[j].values.len() {
                break;
            }
            labels[j] = 0;
        }
    }
}
