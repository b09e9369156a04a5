//! The report of a finished run.

use std::time::Duration;

use anyhow::Result;
use cir_data::DataSet;
use cir_gzs::{Evaluation, Model};
use cir_train::{Chart, Report, RunDir, Series, curves, machine, write_text};

use crate::{backend, figures, recipe::Recipe};

/// Writes `report.html`.
pub(crate) fn write(
    recipe: &Recipe,
    data: &DataSet,
    model: &Model,
    scores: &Evaluation,
    run: &RunDir,
    took: Duration,
) -> Result<()> {
    let seed = recipe.train.seed;
    let mut report = Report::new(&recipe.head.name, &recipe.head.description);
    report.section("Scores on combinations never seen in training");
    report.text(
        "Every picture is put together from blocks of other pictures' latents. It is read back by \
         finding the value of an attribute whose true rendering lies nearest. The upper bound \
         encodes and decodes the true picture itself.",
    );
    let columns = ["", "zero-shot", "upper bound", "chance"].map(str::to_owned);
    report.table(&columns, &rows(scores));
    report.section("Recombination");
    report.text(
        "Each attribute is taken from the picture in its column; beside the result the truth.",
    );
    report.pictures("Held-out combinations", &figures::recombinations(model, data, seed)?)?;
    report.section("Interpolation");
    report.text(
        "One block moves from the left picture's to the right one's, and a quarter beyond both; \
         the others stay as in the left picture.",
    );
    report.pictures("One block at a time", &figures::strips(model, data, seed)?)?;
    report.section("Training");
    let log = std::fs::read_to_string(run.log()).unwrap_or_default();
    for chart in charts(&curves(&log)) {
        report.chart(&chart);
    }
    report.section("How it was made");
    let mut facts = machine();
    facts.push(("backend".into(), backend::name().into()));
    facts.push(("training images".into(), data.split.train.len().to_string()));
    facts.push(("held-out images".into(), data.split.held_out.len().to_string()));
    facts.push(("time of this process".into(), format!("{:.0} s", took.as_secs_f64())));
    report.facts(&facts);
    report.code(recipe.to_toml()?);
    Ok(write_text(&run.report(), &report.to_html())?)
}

fn rows(scores: &Evaluation) -> Vec<Vec<String>> {
    let (made, again) = (&scores.zero_shot, &scores.reconstruction);
    let number = |x: f64| format!("{x:.3}");
    let of = |(i, name): (usize, &String)| {
        let row = [made.accuracy[i], again.accuracy[i], scores.chance[i]].map(number);
        std::iter::once(name.clone()).chain(row).collect()
    };
    let mut rows: Vec<Vec<String>> = scores.attributes.iter().enumerate().map(of).collect();
    rows.push(vec!["all at once".into(), number(made.all), number(again.all), String::new()]);
    rows.push(vec![
        "L1".into(),
        format!("{:.4}", made.l1),
        format!("{:.4}", again.l1),
        String::new(),
    ]);
    rows
}

fn charts(curves: &std::collections::BTreeMap<String, Vec<(f64, f64)>>) -> Vec<Chart> {
    let chart = |title: &str, y_label: &str, log_y, names: &dyn Fn(&str) -> bool| {
        let series = curves.iter().filter(|(name, _)| names(name));
        let series =
            series.map(|(name, points)| Series { name: name.clone(), points: points.clone() });
        Chart { title: title.into(), y_label: y_label.into(), log_y, series: series.collect() }
    };
    let losses = ["recon", "combine", "unsup", "cycle", "cir"];
    let all = [
        chart("Loss terms", "unweighted sum", true, &|name| losses.contains(&name)),
        chart("Read back right on held-out combinations", "share", false, &|name| {
            name.starts_with("zero_shot_") && !name.ends_with("_l1")
        }),
        chart("Spread of the latents", "standard deviation", false, &|name| {
            name.starts_with("spread_")
        }),
        chart("Learning rate", "", false, &|name| name == "lr"),
    ];
    all.into_iter().filter(|chart| !chart.series.is_empty()).collect()
}
