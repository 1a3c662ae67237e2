//! What the charts draw, found again in their markup.

use super::*;

fn numbers(svg: &str, class: &str, attribute: &str) -> Vec<f64> {
    let wanted = format!("class=\"{class}\"");
    svg.split('<')
        .filter(|element| element.contains(&wanted))
        .filter_map(|element| {
            let value = element.split(&format!(" {attribute}=\"")).nth(1)?;
            value.split('"').next()?.parse().ok()
        })
        .collect()
}

#[test]
fn overlapping_bars_take_lanes_and_lie_where_their_times_say() {
    let bar = |begin_ms: f64, length_ms: f64| TimelineBar {
        label: "x".to_owned(),
        begin_ms,
        length_ms,
        ..TimelineBar::default()
    };
    let chart = TimelineChart {
        span_ms: 100.0,
        bars: vec![bar(50.0, 50.0), bar(0.0, 60.0), bar(60.0, 10.0)],
        ..TimelineChart::default()
    };
    let svg = timeline(&chart).expect("bars");
    // The frame is 840 wide from 52 on, as that of `usage` above it; by time: 0–60, 50–100, 60–70 back in
    // the first lane.
    assert_eq!(numbers(&svg, "bar quiet", "x"), [52.0, 472.0, 556.0]);
    assert_eq!(numbers(&svg, "bar quiet", "width"), [504.0, 420.0, 84.0]);
    assert_eq!(numbers(&svg, "bar quiet", "y"), [6.0, 22.0, 6.0]);
}

#[test]
fn a_chart_stays_small_whatever_it_is_given() {
    let bars = (0..20_000).map(|index| TimelineBar {
        label: format!("Stage {index}"),
        begin_ms: f64::from(index % 10),
        length_ms: 1e3,
        ..TimelineBar::default()
    });
    let chart = TimelineChart {
        span_ms: 2e3,
        bars: bars.collect(),
        ..TimelineChart::default()
    };
    let svg = timeline(&chart).expect("bars");
    assert!(svg.len() < 100_000, "{}", svg.len());
    assert_eq!(svg.matches("<rect").count(), 400);
    let points = (0..50_000).map(|index| UsagePoint {
        begin_ms: f64::from(index),
        length_ms: 1.0,
        held: Some(4.0),
        busy: Some(2.0),
    });
    let svg = usage(&UsageChart {
        span_ms: 5e4,
        points: points.collect(),
        ..UsageChart::default()
    });
    assert!(svg.expect("areas").len() < 60_000);
}

#[test]
fn hostile_names_are_text() {
    let evil = "</title><script>alert(1)</script>\" onload=\"x\u{202e}\u{1b}";
    let chart = TimelineChart {
        title: evil.to_owned(),
        span_ms: 10.0,
        bars: vec![TimelineBar {
            label: evil.to_owned(),
            tip: evil.to_owned(),
            length_ms: 10.0,
            ..TimelineBar::default()
        }],
    };
    let svg = timeline(&chart).expect("a bar");
    assert!(
        !svg.contains("<script") && !svg.contains("\" onload"),
        "{svg}"
    );
    assert!(!svg.contains(['\u{202e}', '\u{1b}']));
    let part = Part {
        id: "\"><script>".to_owned(),
        label: evil.to_owned(),
        amount: 1.0,
    };
    let svg = parts(evil, &[part]).expect("a part");
    assert!(!svg.contains("<script"), "{svg}");
}

#[test]
fn what_is_not_known_is_not_drawn() {
    assert_eq!(timeline(&TimelineChart::default()), None);
    assert_eq!(usage(&UsageChart::default()), None);
    assert_eq!(distribution(&DistributionChart::default()), None);
    assert_eq!(parts("t", &[]), None);
    assert_eq!(
        pairs("t", &[Pair::default()], |value| value.to_string()),
        None
    );
    let nothing = UsageChart {
        span_ms: f64::NAN,
        points: vec![UsagePoint {
            held: Some(f64::INFINITY),
            ..UsagePoint::default()
        }],
        ..UsageChart::default()
    };
    assert_eq!(usage(&nothing), None);
    let chart = BarsChart {
        title: "t",
        bars: &[RunBar::default()],
        baseline: None,
        scale: Scale::Count,
    };
    assert_eq!(bars(&chart), None);
}

#[test]
fn a_histogram_shows_one_task_beside_a_hundred_thousand() {
    let chart = DistributionChart {
        buckets: vec![(10, 109_999), (30, 1), (-4, 7), (5_000, 3)],
        marks: vec![Mark {
            label: "median".to_owned(),
            ms: 40.0,
        }],
        ..DistributionChart::default()
    };
    let svg = distribution(&chart).expect("columns");
    let heights = numbers(&svg, "bar busy", "height");
    assert_eq!(heights.len(), 2);
    assert!(heights.iter().all(|height| *height >= 2.0), "{heights:?}");
    assert!(svg.contains("109,999 tasks of 32 ms to 45 ms"), "{svg}");
    assert!(svg.contains("median 40 ms"));
}

#[test]
fn usage_is_as_high_as_the_cores() {
    let point = |begin_ms: f64, held: f64, busy: f64| UsagePoint {
        begin_ms,
        length_ms: 50.0,
        held: Some(held),
        busy: Some(busy),
    };
    let svg = usage(&UsageChart {
        span_ms: 100.0,
        points: vec![point(0.0, 4.0, 1.0), point(50.0, 2.0, 2.0)],
        ..UsageChart::default()
    })
    .expect("areas");
    // 122 high above 144: 4 cores reach the top, 2 the half.
    assert!(
        svg.contains("class=\"held\" d=\"M52 144L52 22L472 22L472 83L892 83L892 144Z\""),
        "{svg}"
    );
    assert!(svg.contains("class=\"busy\" d=\"M52 144L52 113.5L472 113.5L472 83L892 83L892 144Z\""));
}

#[test]
fn a_heat_map_counts_by_launch_and_duration_and_shows_failures() {
    let cell = |slice, bucket, num_tasks, num_failed| HeatCell {
        slice,
        bucket,
        num_tasks,
        num_failed,
    };
    let chart = HeatChart {
        title: "t".to_owned(),
        span_ms: 60_000.0,
        num_slices: 60,
        cells: vec![
            cell(0, 10, 100_000, 0),
            cell(59, 20, 1, 0),
            cell(30, 14, 2, 2),
            cell(99, 10, 5, 0),
            cell(3, -1, 5, 0),
        ],
    };
    let svg = heat(&chart).expect("cells");
    assert_eq!(
        svg.matches("<rect").count(),
        3,
        "outside of the map is not drawn"
    );
    assert!(
        svg.contains("100,000 tasks of 32 ms to 45 ms, begun from 0 ms on"),
        "{svg}"
    );
    // Of 828 wide from 64 on: slice 59 of 60; the topmost of eleven rows.
    assert_eq!(numbers(&svg, "b1", "x"), [878.2]);
    assert_eq!(numbers(&svg, "b1", "y"), [20.5]);
    assert!(
        svg.contains("class=\"alarm\"") && svg.contains("2 tasks failed"),
        "{svg}"
    );
    assert_eq!(heat(&HeatChart::default()), None);
    // One row, from 46 s to 66 s, has room for one of the labels 50 s and 60 s.
    let flat = HeatChart {
        cells: vec![cell(0, 31, 4, 0)],
        ..chart
    };
    let svg = heat(&flat).expect("a cell");
    assert_eq!(
        svg.matches("text-anchor=\"end\" x=\"58\"").count(),
        1 + 1,
        "unit and tick: {svg}"
    );
}

#[test]
fn neighbors_of_one_color_in_a_lane_are_one_rectangle() {
    let lane = Lane {
        label: "1".to_owned(),
        begin_ms: 0.0,
        end_ms: Some(50.0),
        is_lost: true,
        busy: vec![1.0, 0.9, 0.3, 0.0, f64::NAN, 0.0],
        failed: vec![2],
        ..Lane::default()
    };
    let chart = LanesChart {
        title: "t".to_owned(),
        span_ms: 120.0,
        lanes: vec![lane; 50],
    };
    let svg = lanes(&chart).expect("lanes");
    // 796 wide from 96 on: six slices of 132.7, two of them busy alike.
    assert_eq!(numbers(&svg, "b4", "width").first(), Some(&265.3));
    assert_eq!(numbers(&svg, "b2", "x").first(), Some(&361.3));
    assert_eq!(svg.matches("class=\"held\"").count(), MAX_LANES);
    assert_eq!(svg.matches("class=\"alarm\"").count(), MAX_LANES);
    assert_eq!(lanes(&LanesChart::default()), None);
}

#[test]
fn a_curve_has_sizes_on_a_logarithmic_axis_and_an_interval() {
    let point = |size: f64, value: f64| CurvePoint {
        size,
        value,
        interval: Some((value * 0.5, value * 1.25)),
        mark: if size == 2.0 {
            "current".to_owned()
        } else {
            String::new()
        },
        ..CurvePoint::default()
    };
    let chart = CurveChart {
        title: "t".to_owned(),
        unit: "executors".to_owned(),
        scale: Scale::Time,
        points: vec![point(1.0, 80e3), point(2.0, 40e3), point(4.0, 20e3)],
    };
    let svg = curve(&chart).expect("a curve");
    // 800 wide from 76 on, 150 high above 170: twice the size is half of the way, 100 s the top.
    assert!(svg.contains("points=\"76,50 476,110 876,140\""), "{svg}");
    assert!(
        svg.contains("points=\"76,20 476,95 876,132.5 876,155 476,140 76,110\""),
        "{svg}"
    );
    assert!(svg.contains(">current</text>") && svg.contains(">executors</text>"));
    assert_eq!(curve(&CurveChart::default()), None);
}

#[test]
fn axes_have_round_values_in_the_units_of_people() {
    let texts = |scale: Scale, top: f64| {
        let svg = bars(&BarsChart {
            title: "t",
            bars: &[RunBar {
                value: Some(top),
                ..RunBar::default()
            }],
            baseline: None,
            scale,
        });
        let svg = svg.expect("a bar");
        let texts = svg.split("<text").skip(1).filter_map(|text| {
            let text = text.split('>').nth(1)?.split('<').next()?;
            (!text.is_empty()).then(|| text.to_owned())
        });
        texts.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(texts(Scale::Time, 173_000.0), "0 60 s 2 min");
    assert_eq!(texts(Scale::CoreTime, 1.73e7), "0 1 h 2 h 3 h 4 h");
    assert_eq!(texts(Scale::Usd, 0.27), "0 $0.10 $0.20");
    assert_eq!(texts(Scale::Count, 42.0), "0 10 20 30 40");
}
