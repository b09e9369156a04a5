//! What a page must hold whatever it is given.

use cir_core::Image;

use super::{line, *};

fn series(name: &str, points: &[(f64, f64)]) -> Series {
    Series { name: name.into(), points: points.into() }
}

fn chart(log_y: bool, series: Vec<Series>) -> String {
    Chart { title: "Loss".into(), y_label: "nats".into(), log_y, series }.html()
}

fn noise(n: usize) -> Vec<(f64, f64)> {
    (0..n).map(|i| (i as f64, ((i * 7919) % 101) as f64)).collect()
}

fn full() -> Report {
    let mut report = Report::new("Run", "of a test");
    let picture = Image::filled(32, 32, [10, 200, 30]);
    let row = PictureRow { header: "a".into(), pictures: vec![Some(picture.clone()), None] };
    let table = PictureTable { columns: vec!["in".into(), "out".into()], rows: vec![row] };
    report.text("before any section").section("All");
    report.facts(&[("seed".into(), "1".into())]);
    report.table(&["name".into(), "x".into()], &[vec!["a".into(), "0.5".into()]]);
    report.code("seed = 1\n");
    report.chart(&Chart { series: vec![series("loss", &noise(100))], ..Chart::default() });
    report.pictures("pairs", &table).unwrap().image("grid", &picture).unwrap();
    report
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let html = full().to_html();
    for outside in ["http", "//", "<script", "<link", "@import", "url("] {
        // Base64 may hold two slashes.
        let text: String =
            html.split("base64,").map(|s| s.split_once('"').map_or(s, |s| s.1)).collect();
        assert!(!text.contains(outside), "{outside}");
    }
    assert_eq!(html.matches("src=\"data:image/png;base64,iVBOR").count(), 2);
}

#[test]
fn tags_are_balanced() {
    let html = full().to_html();
    for tag in ["section", "div", "table", "tr", "td", "th", "dl", "figure", "svg", "text", "ul"] {
        let opened =
            html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn all_text_is_escaped() {
    let evil = || String::from("<script>\"'&");
    let mut report = Report::new(evil(), evil());
    let picture = Image::filled(1, 1, [0]);
    let row = PictureRow { header: evil(), pictures: vec![Some(picture.clone())] };
    report.section(evil()).text(evil()).code(evil()).facts(&[(evil(), evil())]);
    report.table(&[evil()], &[vec![evil(), evil()]]);
    let series = vec![series(&evil(), &[(0., 1.)])];
    report.chart(&Chart { title: evil(), y_label: evil(), log_y: false, series });
    let table = PictureTable { columns: vec![evil()], rows: vec![row] };
    report.pictures(evil(), &table).unwrap().image(evil(), &picture).unwrap();
    let html = report.to_html();
    assert!(!html.contains("<script>") && !html.contains(&evil()));
    assert!(html.matches("&lt;script&gt;&quot;&#39;&amp;").count() >= 18);
}

#[test]
fn a_column_is_right_aligned_if_all_its_cells_are_numbers() {
    let cells = |row: [&str; 3]| row.map(String::from).to_vec();
    let mut report = Report::new("", "");
    let rows = [cells(["1", "1.5e-3", "2"]), cells(["2", "0.91 ± 0.02", "none"])];
    let html = report.table(&cells(["id", "x", "y"]), &rows).to_html();
    assert!(html.contains("<th scope=\"row\">1</th><td class=\"n\">1.5e-3</td><td>2</td>"));
    assert!(html.contains("<th scope=\"col\" class=\"n\">x</th><th scope=\"col\">y</th>"));
}

#[test]
fn a_small_picture_is_enlarged_by_a_whole_factor() {
    let html = full().to_html();
    assert!(html.contains("<img class=\"pixels\" width=\"64\" height=\"64\" alt=\"a in\""));
}

#[test]
fn smoothing_keeps_end_points_and_straight_lines() {
    let points = noise(400);
    let smoothed = line::smooth(&points);
    assert_eq!(smoothed.len(), points.len());
    assert_eq!((smoothed[0], smoothed[399]), (points[0], points[399]));
    let spread = |p: &[(f64, f64)]| p[50..350].iter().map(|p| (p.1 - 50.).abs()).sum::<f64>();
    assert!(spread(&smoothed) < spread(&points) / 4.);
    let straight: Vec<_> = (0..100).map(|i| (f64::from(i), f64::from(3 * i))).collect();
    let smoothed = line::smooth(&straight);
    assert!(smoothed.iter().zip(&straight).all(|(a, b)| (a.1 - b.1).abs() < 1e-9));
}

#[test]
fn thinning_keeps_ends_and_spikes() {
    let mut points = noise(100_000);
    points[77_777].1 = 1e6;
    let thinned = line::thin(&points, line::DRAWN);
    assert!(thinned.len() <= line::DRAWN + 4);
    assert!(thinned.contains(&points[77_777]));
    assert_eq!((thinned.first(), thinned.last()), (points.first(), points.last()));
    assert!(thinned.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn only_noise_gets_a_trend() {
    let html = chart(false, vec![series("loss", &noise(100))]);
    assert!(html.contains("faint") && html.contains("loss <b>\u{2248} "));
    let straight: Vec<_> = (0..100).map(|i| (f64::from(i), f64::from(i))).collect();
    assert!(!chart(false, vec![series("rate", &straight)]).contains("faint"));
}

#[test]
fn odd_series_are_drawn_without_odd_numbers() {
    let big = f64::MAX / 4.;
    let cases: [&[(f64, f64)]; 10] = [
        &[],
        &[(0., f64::NAN)],
        &[(f64::NAN, 1.)],
        &[(5., 2.)],
        &[(5., 0.)],
        &[(0., 1.), (1., f64::NAN), (2., f64::INFINITY), (3., 2.)],
        &[(0., 1e-300), (1., 1e300)],
        &[(0., -big), (1., big)],
        &[(0., 1.), (1., 1. + 1e-16)],
        &[(0., -1.), (0., 1e-320)],
    ];
    for (i, points) in cases.into_iter().enumerate() {
        for log_y in [false, true] {
            let html = chart(log_y, vec![series("x", points), series("none", &[])]);
            let (_, svg) = html.split_once("</ul>").unwrap();
            for odd in ["NaN", "inf"] {
                assert!(!svg.contains(odd), "case {i}, log {log_y}: {svg}");
            }
            assert!(
                svg.contains("No data") || svg.matches("class=\"y\"").count() >= 2,
                "{i} {svg}"
            );
        }
    }
    assert!(chart(false, vec![]).contains("No data"));
    assert!(chart(false, vec![series("x", &[(5., 2.)])]).contains("dots"));
}

#[test]
fn intervals_are_drawn_around_zero_whatever_they_are() {
    let row = |points: &[f64], mean, interval, tone| Interval {
        name: "<new> − old".into(),
        points: points.into(),
        mean,
        interval,
        tone,
    };
    let html = Intervals {
        title: "leakage".into(),
        label: "difference".into(),
        rows: vec![
            row(&[-0.02, -0.04], -0.03, Some([-0.05, -0.01]), Tone::Good),
            row(&[0.01], 0.01, None, Tone::Plain),
            row(&[f64::NAN], f64::NAN, Some([f64::NEG_INFINITY, 1.]), Tone::Bad),
            row(&[], 0., None, Tone::Plain),
        ],
    }
    .html();
    assert!(html.contains("axis zero") && html.contains("interval mean good"));
    assert!(html.contains("&lt;new&gt; − old") && !html.contains("<new>"));
    assert_eq!(html.matches("class=\"interval good\"").count(), 1);
    assert!(!html.contains("NaN") && !html.contains("inf\"") && !html.contains("inf "), "{html}");
    assert!(Intervals::default().html().contains("axis zero"));
}

#[test]
fn curves_skip_a_torn_last_line() {
    let log = "{\"step\":1,\"loss\":2.5,\"phase\":\"a\"}\nnoise\n{\"loss\":1}\n\
               {\"step\":2,\"loss\":null,\"rate\":1}\n{\"step\":3,\"lo";
    let curves = curves(log);
    assert_eq!(curves.keys().collect::<Vec<_>>(), ["loss", "rate"]);
    assert_eq!((curves["loss"][0], curves["loss"][1].0), ((1., 2.5), 2.));
    assert!(curves["loss"][1].1.is_nan());
    assert_eq!(curves["rate"], [(2., 1.)]);
}
