//! Predictions worked out by hand.

use super::*;
use crate::simulate::facts::{JobFacts, Lifetime, Sizing, StageFacts};

const START: i64 = 1_700_000_000_000;

/// Ten seconds of the driver, then 16 tasks of 10 s on two executors of two cores that were there
/// after 4 s.
fn facts() -> Facts {
    let executor = Lifetime {
        added_ms: Some(START + 4_000),
        cores: 2,
        lifetime_ms: 46_000,
        is_reclaimed: false,
    };
    Facts {
        start_ms: START,
        duration_ms: 50_000,
        is_complete: true,
        executor_cores: Some(2),
        executor_memory_bytes: Some(4 << 30),
        num_executors_max: Some(2),
        core_time_ms: 184_000,
        jobs: vec![JobFacts {
            id: 0,
            submitted_ms: Some(START + 10_000),
            completed_ms: Some(START + 50_000),
        }],
        stages: vec![StageFacts {
            id: 0,
            job_ids: vec![0],
            submitted_ms: Some(START + 10_000),
            launched_ms: Some(START + 10_000),
            completed_ms: Some(START + 50_000),
            last_task_ms: Some(START + 50_000),
            num_tasks: 16,
            attempts: 1,
            has_succeeded: true,
            input_bytes: 1,
            tasks: vec![10_000; 16],
            ..StageFacts::default()
        }],
        executors: vec![executor; 2],
        ..Facts::default()
    }
}

fn shape(executors: u32, cores: u32) -> Shape {
    Shape {
        executors,
        cores,
        memory_bytes: Some(4 << 30),
    }
}

fn predict(facts: &Facts, scenario: Scenario) -> Prediction {
    let model = Model::new(facts).expect("known");
    model.predict(&scenario, Band::default()).expect("runs")
}

#[test]
fn the_current_shape_takes_what_was_measured_and_others_what_their_waves_take() {
    let found = predict(&facts(), Scenario::of(shape(2, 2)));
    assert_eq!((found.duration_ms, found.core_time_ms), (50_000, 184_000));
    assert_eq!(
        (found.low_ms, found.high_ms, found.is_current),
        (45_000, 55_000, true)
    );
    // 160 of 184 core-seconds were busy.
    assert!((found.idle_ratio - 24.0 / 184.0).abs() < 1e-9);
    let doubled = predict(&facts(), Scenario::of(shape(4, 2)));
    assert_eq!((doubled.duration_ms, doubled.is_current), (30_000, false));
    assert_eq!(doubled.core_time_ms, 8 * 26_000);
    // One doubling away the band is twice as wide.
    assert_eq!((doubled.low_ms, doubled.high_ms), (24_000, 36_000));
    assert_eq!(
        predict(&facts(), Scenario::of(shape(1, 2))).duration_ms,
        90_000
    );
    assert_eq!(
        predict(&facts(), Scenario::of(shape(2, 8))).duration_ms,
        20_000
    );
}

#[test]
fn what_the_schedule_does_not_explain_stays() {
    let mut slow = facts();
    // Everything ended 6 s later than the tasks say.
    slow.duration_ms = 56_000;
    slow.jobs[0].completed_ms = Some(START + 56_000);
    slow.stages[0].completed_ms = Some(START + 56_000);
    slow.stages[0].attempts = 2;
    let found = predict(&slow, Scenario::of(shape(4, 2)));
    assert_eq!(found.duration_ms, 36_000);
    let model = Model::new(&slow).expect("known");
    assert!((model.model_error_ratio() - (50.0 / 56.0 - 1.0)).abs() < 1e-9);
    assert_eq!((model.driver_ms(), model.ideal_ms()), (10_000, 26_000));
}

#[test]
fn twice_the_data_are_twice_the_tasks() {
    let doubled = Scenario {
        data_growth: 2.0,
        ..Scenario::of(shape(2, 2))
    };
    let found = predict(&facts(), doubled);
    assert_eq!((found.duration_ms, found.is_current), (90_000, false));
    let model = Model::new(&facts()).expect("known");
    let all = model.predict_all(
        &[doubled, Scenario::of(shape(2, 2)), doubled],
        Band::default(),
    );
    let durations: Vec<u64> = all.iter().map(|found| found.duration_ms).collect();
    assert_eq!(durations, [90_000, 50_000, 90_000]);
}

#[test]
fn memory_is_enough_by_measured_peaks_or_because_it_was() {
    let fits = |needed_gib: Option<i64>, is_pressed, memory_gib: u64, cores| {
        let mut facts = facts();
        facts.sizing = Some(Sizing {
            needed_memory_bytes: needed_gib.map(|gib| gib << 30),
            is_pressed,
        });
        let shape = Shape {
            executors: 2,
            cores,
            memory_bytes: Some(memory_gib << 30),
        };
        predict(&facts, Scenario::of(shape)).fits_memory
    };
    assert_eq!(fits(Some(3), false, 3, 2), Some(true));
    assert_eq!(fits(Some(3), false, 2, 2), Some(false));
    // Twice the tasks side by side may need twice the memory.
    assert_eq!(fits(Some(3), false, 4, 4), Some(false));
    assert_eq!(fits(Some(3), false, 6, 4), Some(true));
    // Not measured: only what it ran with is known to be enough.
    assert_eq!(fits(None, false, 4, 2), Some(true));
    assert_eq!(fits(None, false, 3, 2), None);
    // Tasks were short of memory already.
    assert_eq!(fits(Some(1), true, 3, 2), Some(false));
    // The peak with headroom is above what it has, and it ran.
    assert_eq!(fits(Some(5), false, 4, 2), Some(true));
}

#[test]
fn the_knee_is_where_more_cores_stop_paying() {
    let model = Model::new(&facts()).expect("known");
    let knee_of = |sizes: &[u32]| {
        let scenarios: Vec<Scenario> = sizes
            .iter()
            .map(|size| Scenario::of(shape(*size, 2)))
            .collect();
        let predictions = model.predict_all(&scenarios, Band::default());
        knee(&predictions).map(|place| sizes[place])
    };
    // 90, 50, 30, 20, 20 s.
    assert_eq!(knee_of(&[1, 2, 4, 8, 16]), Some(8));
    assert_eq!(knee_of(&[1, 2, 4]), Some(4));
    assert_eq!(knee_of(&[8, 16, 32]), Some(8));
    assert_eq!(knee_of(&[4]), None);
    assert_eq!(knee_of(&[4, 2]), None);
}

#[test]
fn the_grid_is_around_what_the_application_had() {
    let grid = |facts: &Facts| {
        let model = Model::new(facts).expect("known");
        let shapes = standard_grid(&model).into_iter();
        shapes
            .map(|shape| (shape.executors, shape.cores))
            .collect::<Vec<_>>()
    };
    assert_eq!(grid(&facts()), [(1, 2), (2, 2), (3, 2), (4, 2), (8, 2)]);
    let mut local = facts();
    local.is_local = true;
    local.executors = vec![Lifetime {
        cores: 4,
        ..Lifetime::default()
    }];
    assert_eq!(
        grid(&local),
        [(1, 2), (1, 3), (1, 4), (1, 6), (1, 8), (1, 16)]
    );
}

#[test]
fn spot_executors_are_taken_at_the_rate_that_was_measured() {
    let mut taken = facts();
    // One of two in 92 s of executor life: 39 an hour.
    taken.executors[0].is_reclaimed = true;
    let spot = Scenario {
        spot: true,
        ..Scenario::of(shape(2, 2))
    };
    let found = predict(&taken, spot);
    assert!(
        found.lost_executors >= 1 && found.duration_ms > 50_000,
        "{found:?}"
    );
    let quiet = predict(&facts(), spot);
    assert_eq!((quiet.lost_executors, quiet.duration_ms), (0, 50_000));
    assert!(quiet.high_ms > predict(&facts(), Scenario::of(shape(2, 2))).high_ms);
}
