//! The report as a table for people.

use super::{
    cases::{self, Opponent},
    report::Report,
    row::Row,
};

const READING: &str = "A layer is c (convolution) or t (transposed), side of the kernel, stride, channels in and out, \
    side of the picture, batch. Times are medians, ratios ours by theirs (of wall time, CPU time, peak memory); the \
    bar is the largest ratio that is allowed. The share of peak counts the products of a direct convolution in \
    float32: filtering takes fewer, bfloat16 multiplies faster.";

/// The table, with the sums over all layers where all were timed.
pub(super) fn markdown(report: &Report) -> String {
    let mut lines = vec![format!("{}.", report.machine), String::new()];
    for limits in &report.limits {
        lines.push(format!(
            "With {} thread(s) the machine does {:.1} billion multiply-adds of f32 a second and moves {:.1} GB.",
            limits.threads,
            limits.multiply_adds / 1e9,
            limits.bytes / 1e9
        ));
    }
    lines.extend([String::new(), READING.into(), String::new()]);
    lines.push(
        "| work | threads | against | ours, ms | theirs, ms | ratio | of CPU time | of memory | bar | share of peak |"
            .into(),
    );
    lines.push(format!("|{}", " --- |".repeat(10)));
    let number = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.2}"));
    for row in report.rows.iter().chain(&layer_sums(&report.rows)) {
        let bar = match row.bar {
            Some(bar) if row.reached() => format!("{bar:.2}"),
            Some(bar) => format!("{bar:.2} **missed**"),
            None => String::new(),
        };
        let share = share(report, row).map_or(String::new(), |s| format!("{:.0} %", s * 100.));
        let precision = if row.precision == "full" { "" } else { " in bf16" };
        lines.push(format!(
            "| {}{precision} | {} | {} | {:.1} | {:.1} | {:.2} | {:.2} | {} | {bar} | {share} |",
            row.case,
            row.threads,
            row.against.name(),
            row.ours_seconds * 1e3,
            row.theirs_seconds * 1e3,
            row.wall_ratio,
            row.cpu_ratio,
            number(row.memory_ratio),
        ));
    }
    lines.join("\n") + "\n"
}

/// The share of the machine's multiply-adds that the work of `row` used.
fn share(report: &Report, row: &Row) -> Option<f64> {
    let limits = report.limits(row.threads)?;
    Some(row.multiplications? / row.ours_seconds / limits.multiply_adds)
}

/// A row for the sum over all layers, for each opponent and number of threads that all were timed of.
pub(super) fn layer_sums(rows: &[Row]) -> Vec<Row> {
    let mut sums: Vec<(usize, Row)> = Vec::new();
    for row in rows.iter().filter(|row| row.case.starts_with("layer ")) {
        let same = |(_, sum): &&mut (usize, Row)| {
            (sum.threads, sum.against) == (row.threads, row.against)
                && sum.precision == row.precision
        };
        if let Some((timed, sum)) = sums.iter_mut().find(same) {
            *timed += 1;
            // Weighted by the times that the ratios are of.
            let theirs = sum.theirs_seconds + row.theirs_seconds;
            let cpu = sum.cpu_ratio * sum.theirs_seconds + row.cpu_ratio * row.theirs_seconds;
            sum.cpu_ratio = cpu / theirs;
            sum.ours_seconds += row.ours_seconds;
            sum.theirs_seconds = theirs;
            sum.wall_ratio = sum.ours_seconds / theirs;
        } else {
            let tuned = row.against == Opponent::Tuned;
            let sum = Row {
                case: "all layers".into(),
                precision: row.precision.clone(),
                bar: tuned.then(|| cases::layers_bar(row.precision == "bf16")),
                memory_ratio: None,
                multiplications: None,
                variant: None,
                ..*row
            };
            sums.push((1, sum));
        }
    }
    let all = |(timed, sum): (usize, Row)| (timed == cases::LAYERS.len()).then_some(sum);
    sums.into_iter().filter_map(all).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{machine::Machine, row::tests::row},
        *,
    };

    #[test]
    fn layers_are_summed_by_time() {
        let layer = |i: usize| row(&format!("layer {i}"), &[if i == 0 { 1. } else { 3. }], &[4.]);
        let mut rows: Vec<_> = (1..cases::LAYERS.len()).map(layer).collect();
        rows.push(row("step", &[9.], &[1.]));
        assert!(layer_sums(&rows).is_empty(), "the sum of a part is no sum of all");
        rows.push(layer(0));
        let sums = layer_sums(&rows);
        let ratio = 34. / 48.;
        assert_eq!(sums.iter().map(|s| s.wall_ratio).collect::<Vec<_>>(), [ratio]);
        assert!((sums[0].cpu_ratio - ratio).abs() < 1e-12);
        assert_eq!(sums[0].bar, Some(0.65));

        let machine = Machine { machine: String::new(), versions: String::new(), rounds: 1 };
        let mut report = Report::open(machine, None, false).unwrap();
        report.rows = rows;
        let table = markdown(&report);
        assert!(table.contains("| all layers | 1 | PyTorch, tuned | 34000.0 | 48000.0 | 0.71 |"));
        assert!(table.contains("| 0.65 **missed** |"), "{table}");
    }
}
