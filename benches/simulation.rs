//! A million tasks on twelve clusters.
//!
//! ```sh
//! cargo bench --bench simulation
//! ```
//!
//! Twenty stages of 50,000 tasks of 100 ms to 60 s, two of them side by side, on 10 to 500 percent
//! of 100 executors of four cores: what Sparklens tries, and took minutes for.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::time::Instant;

use sparklake::simulate::{Cluster, Job, Stage, Workload, schedule};

const STAGES: u32 = 20;
const TASKS: u32 = 50_000;
const PERCENT: [u32; 12] = [10, 20, 50, 80, 100, 110, 120, 150, 200, 300, 400, 500];

fn main() {
    let workload = workload();
    println!(
        "{} tasks, {} h of work",
        workload.num_tasks(),
        workload.work_ms() / 3_600_000
    );
    let begin = Instant::now();
    let found = std::thread::scope(|scope| {
        let halves = PERCENT.chunks(PERCENT.len() / 2).map(|part| {
            let workload = &workload;
            scope.spawn(move || -> Vec<_> {
                let play =
                    |percent: &u32| (*percent, schedule(workload, &Cluster::fixed(*percent, 4)));
                part.iter().map(play).collect()
            })
        });
        let running: Vec<_> = halves.collect();
        let ended = running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default());
        ended.collect::<Vec<_>>().concat()
    });
    let took = begin.elapsed();
    for (executors, outcome) in found {
        match outcome {
            Ok(outcome) => println!(
                "{executors:>4} executors: {:>6} s",
                outcome.duration_ms / 1_000
            ),
            Err(stuck) => println!("{executors:>4} executors: {stuck}"),
        }
    }
    println!("{:.2} s on two threads", took.as_secs_f64());
}

fn workload() -> Workload {
    let stage = |index: u32| Stage {
        id: index.into(),
        // Each waits for the one before the last.
        parents: index.checked_sub(2).into_iter().collect(),
        gap_ms: 50,
        tasks: (0..TASKS)
            .map(|task| 100 + (task * 7_919 + index * 104_729) % 59_900)
            .collect(),
        ..Stage::default()
    };
    Workload {
        jobs: vec![Job::default()],
        stages: (0..STAGES).map(stage).collect(),
        order_of_end: vec![0],
        tail_ms: 0,
    }
}
