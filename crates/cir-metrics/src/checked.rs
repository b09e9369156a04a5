//! What tests do with the independent values of `checks/`: read them, and put ours beside them.

use serde_json::Value;

use crate::Codes;

/// What was computed by both.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// The metric.
    pub(crate) name: String,
    /// The kind of data that it is of.
    pub(crate) kind: String,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// How far they may differ.
    pub(crate) allowed: f64,
}

impl Pair {
    pub(crate) fn new(name: &str, kind: &str, ours: f64, theirs: f64, allowed: f64) -> Self {
        Self { name: name.into(), kind: kind.into(), ours, theirs, allowed }
    }

    fn difference(&self) -> f64 {
        // Both may be infinite.
        if self.ours == self.theirs { 0. } else { (self.ours - self.theirs).abs() }
    }
}

/// Fails unless all are near enough; prints the pair of each metric and kind that is farthest apart.
#[expect(clippy::print_stdout, reason = "the table is the evidence; --nocapture shows it")]
pub(crate) fn agree(pairs: &[Pair]) {
    assert!(!pairs.is_empty(), "nothing was compared");
    println!("| metric | of | ours | independent | difference | allowed |");
    println!("|{}", " --- |".repeat(6));
    let mut shown = Vec::new();
    for Pair { name, kind, .. } in pairs {
        if shown.contains(&(name, kind)) {
            continue;
        }
        shown.push((name, kind));
        let same = pairs.iter().filter(|pair| (&pair.name, &pair.kind) == (name, kind));
        let worst = same.max_by(|a, b| a.difference().total_cmp(&b.difference()));
        let Some(pair @ &Pair { ours, theirs, allowed, .. }) = worst else { continue };
        let apart = pair.difference();
        println!("| {name} | {kind} | {ours:.6} | {theirs:.6} | {apart:.1e} | {allowed:.1e} |");
        assert!(apart <= allowed, "{name} of {kind}: {ours} and {theirs}");
    }
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

pub(crate) fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

pub(crate) fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect()
}

/// The codes of a case with the labels of the file.
pub(crate) fn codes(file: &Value, kind: &str, values: &[usize]) -> Codes {
    let numbers = rows(&file["cases"][kind]["codes"]);
    let labels = rows(&file["labels"]);
    let labels = labels.iter().map(|row| row.iter().map(|&x| x as u16).collect()).collect();
    Codes::new(numbers[0].len(), numbers.concat(), labels, values.to_vec()).unwrap()
}

/// The first half, from which is learnt there, and the second.
pub(crate) fn halves(codes: &Codes) -> [Codes; 2] {
    let half = codes.rows() / 2;
    [0..half, half..2 * half].map(|part| codes.select(&part.collect::<Vec<_>>()))
}
