//! What a study found, as a page and as Markdown.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use cir_metrics::Verdict;
use cir_train::{Interval, Intervals, Report, Tone, write_text};

use super::{
    compare::{Comparison, comparisons},
    file::{Role, Study},
    results::Results,
    table::{Table, differences, means, named},
    times::Times,
};

const READING: &str = "Differences are paired: the same seed trains both settings, and what is shown is the mean over \
    seeds of new minus old. Intervals are of 95 %, by Student's t over seeds. Better or worse stands where zero \
    lies outside.";

const SECONDS: &str = "Seconds are the median training's, beside others and whatever else the machine did: they do \
    not say what a setting costs.";

/// Writes `report.html` and `results.md` into the study's folder; returns the Markdown.
pub(super) fn write(
    folder: &Path,
    study: &Study,
    results: &Results,
    times: &Times,
) -> Result<String> {
    let mut report = Report::new(&study.name, &study.description);
    report.text(READING);
    let mut markdown = format!("# {}\n\n{}\n\n{READING}\n", study.name, study.description);
    for role in [Role::Judging, Role::Choosing] {
        if !study.seeds(role).is_empty() {
            section(&mut report, &mut markdown, study, results, role)?;
        }
    }
    report.section("What was compared");
    let mut what =
        format!("{} cases scored of each run, held-out ones where there are any.", study.count);
    if !study.smaller.is_empty() {
        what = format!("{what} Smaller than its file has it: {}.", study.smaller);
    }
    _ = writeln!(markdown, "\n{what}");
    report.text(what);
    let settings = settings(study, times);
    show(&mut report, &mut markdown, "Settings", &settings);
    _ = writeln!(markdown, "{SECONDS}\n");
    report.text(SECONDS);
    let described = study.settings.iter().filter(|setting| !setting.description.is_empty());
    for setting in described {
        let text = format!("{}: {}", setting.name, setting.description);
        _ = writeln!(markdown, "- {text}");
        report.text(text);
    }
    report.section("How it was made");
    for machine in times.machines() {
        report.text(format!("Trained on: {machine}."));
    }
    report.code(&*study.text);
    write_text(&folder.join("results.md"), &markdown)?;
    write_text(&folder.join("report.html"), &report.to_html())?;
    Ok(markdown)
}

fn section(
    report: &mut Report,
    markdown: &mut String,
    study: &Study,
    results: &Results,
    role: Role,
) -> Result<()> {
    let (heading, what) = match role {
        Role::Judging => ("Judged", "Seeds that nothing was chosen by"),
        Role::Choosing => ("Chosen by", "Seeds that settings were chosen by"),
    };
    let listed: Vec<_> = study.seeds(role).iter().map(u64::to_string).collect();
    report.section(heading);
    let what = format!("{what}: {}.", listed.join(", "));
    _ = writeln!(markdown, "\n## {heading}\n\n{what}\n");
    report.text(what);
    let all = comparisons(study, results, role)?;
    for comparison in &all {
        let text = verdict(study, comparison);
        _ = writeln!(markdown, "- {text}");
        report.text(text);
    }
    for against in &study.settings {
        let those: Vec<_> = all.iter().filter(|c| c.against == against.name).collect();
        if !those.is_empty() {
            let heading = format!("Against {}", against.name);
            show(report, markdown, &heading, &differences(study, &those));
        }
    }
    show(report, markdown, "Mean and standard deviation over seeds", &means(study, results, role));
    for (i, metric) in study.metrics.iter().enumerate() {
        let row = |comparison: &Comparison<'_>| {
            let found = &comparison.differences[i];
            Interval {
                name: format!("{} − {}", comparison.setting, comparison.against),
                points: found.pairs.clone(),
                mean: found.mean,
                interval: found.interval,
                tone: match found.verdict(metric.better) {
                    Verdict::Better => Tone::Good,
                    Verdict::Worse => Tone::Bad,
                    Verdict::Unclear => Tone::Plain,
                },
            }
        };
        if !all.is_empty() {
            report.intervals(&Intervals {
                title: named(metric),
                label: "difference; a faint dot for each seed".into(),
                rows: all.iter().map(row).collect(),
            });
        }
    }
    Ok(())
}

/// One sentence for each thing that can be said.
fn verdict(study: &Study, comparison: &Comparison<'_>) -> String {
    let (setting, against) = (comparison.setting, comparison.against);
    let seeds = seeds(comparison.seeds.len());
    if comparison.seeds.len() < 2 {
        return format!(
            "{setting} against {against}, {seeds}: nothing can be said before there are two."
        );
    }
    let said = [
        (Verdict::Better, "better in"),
        (Verdict::Worse, "worse in"),
        (Verdict::Unclear, "no clear difference in"),
    ]
    .map(|(verdict, words)| (words, comparison.metrics(study, verdict)));
    let said = said.iter().filter(|(_, metrics)| !metrics.is_empty());
    let said: Vec<_> =
        said.map(|(words, metrics)| format!("{words} {}", metrics.join(", "))).collect();
    let (metrics, chance) = (study.metrics.len(), study.metrics.len() as f64 / 20.);
    let unlike = match &comparison.unlike[..] {
        [] => String::new(),
        unlike => format!(" Measured by other protocols: {}.", unlike.join(", ")),
    };
    format!(
        "{setting} against {against}, {seeds}: {} (by chance {chance:.1} of {metrics} would seem better or \
         worse).{unlike}",
        said.join("; ")
    )
}

fn seeds(count: usize) -> String {
    format!("{count} seed{}", if count == 1 { "" } else { "s" })
}

fn show(report: &mut Report, markdown: &mut String, heading: &str, table: &Table) {
    report.text(heading);
    let plain = |row: &Vec<String>| row.iter().map(|cell| cell.replace("**", "")).collect();
    let rows: Vec<_> = table.rows.iter().map(plain).collect();
    report.table(&table.columns, &rows);
    _ = writeln!(markdown, "\n{heading}:\n\n{table}");
}

/// What the settings are and what they cost.
fn settings(study: &Study, times: &Times) -> Table {
    let first = study.settings.first().and_then(|setting| times.of(&setting.name));
    let row = |(i, setting): (usize, &super::file::Setting)| {
        let time = times.of(&setting.name);
        let of_first = time.zip(first).map(|(time, first)| time.seconds / first.seconds);
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".into());
        vec![
            setting.name.clone(),
            or_dash(time.map(|time| time.steps.to_string())),
            or_dash(time.map(|time| format!("{:.0}", time.seconds))),
            match i {
                0 => "1".into(),
                _ => or_dash(of_first.map(|ratio| format!("{ratio:.2}"))),
            },
            setting.against.join(", "),
        ]
    };
    let columns = ["", "steps", "seconds", "of the first's", "compared with"];
    Table {
        columns: columns.map(str::to_owned).into(),
        rows: study.settings.iter().enumerate().map(row).collect(),
    }
}
