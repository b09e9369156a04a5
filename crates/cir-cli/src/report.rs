//! The report of a finished run.

use std::collections::BTreeMap;

use anyhow::Result;
use cir_data::DataSet;
use cir_train::{Chart, Report, RunDir, Series, curves, machine, warnings, write_text};

use crate::{
    algorithms::{Curves, Model},
    backend,
    recipe::Recipe,
    scores::Scores,
};

/// Writes `report.html`.
pub(crate) fn write(
    recipe: &Recipe,
    data: &DataSet,
    model: &dyn Model,
    scores: &[Scores],
    run: &RunDir,
) -> Result<()> {
    let seed = recipe.train.seed;
    let log = std::fs::read_to_string(run.log()).unwrap_or_default();
    let mut report = Report::new(&recipe.head.name, &recipe.head.description);
    for scores in scores {
        report.section(scores.heading);
        report.text(scores.explanation);
        report.table(&scores.columns, &scores.rows);
        report.text(&*scores.footer);
        for protocol in &scores.protocols {
            report.text(format!("Protocol: {protocol}"));
        }
    }
    let warnings = warnings(&log);
    if !warnings.is_empty() {
        report.section("Warnings");
        for (step, warning) in warnings {
            report.text(format!("From step {step} on: {warning}."));
        }
    }
    model.show(&mut report, data, seed)?;
    report.section("Training");
    let curves = curves(&log);
    for chart in charts(&model.charts(), &curves) {
        report.chart(&chart);
    }
    report.section("How it was made");
    let mut facts = machine();
    facts.push(("backend".into(), backend::name().into()));
    facts.push(("training images".into(), data.split.train.len().to_string()));
    facts.push(("held-out images".into(), data.split.held_out.len().to_string()));
    if let Some((_, seconds)) = curves.get("seconds").and_then(|points| points.last()) {
        facts.push(("time of the process that trained".into(), format!("{seconds:.0} s")));
    }
    report.facts(&facts);
    report.code(recipe.to_toml()?);
    Ok(write_text(&run.report(), &report.to_html())?)
}

/// The charts that have a curve.
fn charts(charts: &[Curves], curves: &BTreeMap<String, Vec<(f64, f64)>>) -> Vec<Chart> {
    let chart = |chart: &Curves| {
        let series = curves.iter().filter(|(name, _)| (chart.names)(name));
        let series =
            series.map(|(name, points)| Series { name: name.clone(), points: points.clone() });
        Chart {
            title: chart.title.into(),
            y_label: chart.y_label.into(),
            log_y: chart.log_y,
            series: series.collect(),
        }
    };
    charts.iter().map(chart).filter(|chart| !chart.series.is_empty()).collect()
}
