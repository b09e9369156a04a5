//! Curves from a run's `metrics.jsonl`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Each named number of a log over the step.
///
/// The log has one JSON object a line, with "step" and named numbers. Lines that are no such
/// object are skipped: the last one of a killed run may be torn. A `null` is how JSON has to write
/// a number that is not finite; it becomes NaN, so that a chart shows the gap.
pub fn curves(metrics_jsonl: &str) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut curves: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for line in metrics_jsonl.lines() {
        let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else { continue };
        let Some(step) = fields.get("step").and_then(Value::as_f64) else { continue };
        for (name, value) in fields.iter().filter(|(name, _)| *name != "step") {
            let number = match value {
                Value::Null => f64::NAN,
                Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
                _ => continue,
            };
            // Not `entry`, which would need an owned name for each number of a long log.
            match curves.get_mut(name) {
                Some(curve) => curve.push((step, number)),
                None => _ = curves.insert(name.clone(), vec![(step, number)]),
            }
        }
    }
    curves
}

/// What a log warns of: steps and texts, in order.
pub fn warnings(metrics_jsonl: &str) -> Vec<(u64, String)> {
    let warning = |line: &str| {
        let fields = serde_json::from_str::<Map<String, Value>>(line).ok()?;
        let text = fields.get("warning")?.as_str()?.to_owned();
        Some((fields.get("step")?.as_u64()?, text))
    };
    metrics_jsonl.lines().filter_map(warning).collect()
}
