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
    // The frame is 884 wide from 8 on; by time: 0–60, 50–100, 60–70 back in the first lane.
    assert_eq!(numbers(&svg, "bar plain", "x"), [8.0, 450.0, 538.4]);
    assert_eq!(numbers(&svg, "bar plain", "width"), [530.4, 442.0, 88.4]);
    assert_eq!(numbers(&svg, "bar plain", "y"), [6.0, 22.0, 6.0]);
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
        axis: |value| value.to_string(),
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
    // 122 high above 130: 4 cores reach the top, 2 the half.
    assert!(
        svg.contains("class=\"held\" d=\"M52 130L52 8L472 8L472 69L892 69L892 130Z\""),
        "{svg}"
    );
    assert!(svg.contains("class=\"busy\" d=\"M52 130L52 99.5L472 99.5L472 69L892 69L892 130Z\""));
}
