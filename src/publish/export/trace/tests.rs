//! Lanes, counts and events of traces.

use serde_json::{Map, Value, json};

use super::events::{Slice, TraceWriter};
use super::lanes::Lanes;
use super::running::Running;

#[test]
fn spans_take_the_lowest_free_lane_and_never_overlap() {
    let mut lanes = Lanes::default();
    let spans = [
        (0, 10),
        (1, 5),
        (2, 3),
        (5, 9),
        (5, 6),
        (10, 12),
        (10, 10),
        (10, 11),
    ];
    let taken: Vec<usize> = spans
        .iter()
        .map(|(begin, end)| lanes.take(*begin, *end))
        .collect();
    assert_eq!(taken, [0, 1, 2, 1, 2, 0, 1, 1]);
    for (left, (begin, end)) in spans.iter().enumerate() {
        for (right, (other, _)) in spans.iter().enumerate().skip(left + 1) {
            let overlap = other >= begin && other < end;
            assert!(
                !overlap || taken[left] != taken[right],
                "{left} and {right}"
            );
        }
    }
}

#[test]
fn running_tasks_are_counted_once_for_each_time() {
    let mut running = Running::default();
    let mut counts = Vec::new();
    for (begin, end) in [(0, 10), (0, 4), (4, 6), (20, 21)] {
        counts.extend(running.start(begin, end));
    }
    counts.extend(running.end());
    assert_eq!(counts, [(0, 2), (4, 2), (6, 1), (10, 0), (20, 1), (21, 0)]);
}

#[test]
fn a_trace_is_json_with_times_from_its_origin() {
    let mut text = Vec::new();
    let mut writer = TraceWriter::new(&mut text, 1_000).expect("written");
    writer.process(1, "Nightly \"x\"").expect("written");
    writer
        .counter(1, "running tasks", "tasks", 1_500, 3)
        .expect("written");
    let mut arguments = Map::new();
    arguments.insert("task_id".to_owned(), json!(7));
    let slice = Slice {
        name: "stage 0.0",
        category: "task",
        process: 1,
        thread: 2,
        begin_ms: 1_002,
        end_ms: 1_005,
        arguments,
    };
    writer.slice(&slice).expect("written");
    let run = serde_json::from_value(json!({
        "platform": "event_log", "cluster_id": "c", "cluster_name": "c", "application_id": "app-1",
        "attempt_id": "0", "application_name": null, "job_key": null, "start_time": null,
    }));
    writer.finish(&run.expect("a run")).expect("written");
    let trace: Value = serde_json::from_slice(&text).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    assert_eq!(events.len(), 4);
    assert_eq!(
        events[2],
        json!({"ph": "C", "name": "running tasks", "pid": 1, "tid": 0, "ts": 500_000, "args": {"tasks": 3}})
    );
    assert_eq!(
        events[3],
        json!({"ph": "X", "name": "stage 0.0", "cat": "task", "pid": 1, "tid": 2, "ts": 2_000,
               "dur": 3_000, "args": {"task_id": 7}})
    );
    assert_eq!(trace["otherData"]["origin_ms"], 1_000);
}
