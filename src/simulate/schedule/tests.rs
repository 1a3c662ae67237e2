//! Schedules worked out by hand, and published ones.

use super::*;
use crate::simulate::cluster::{Allocation, Losses};
use crate::simulate::workload::{Job, Stage};

/// A stage of these tasks after these parents.
fn stage(parents: &[u32], tasks: &[u32]) -> Stage {
    Stage {
        parents: parents.to_vec(),
        tasks: tasks.to_vec(),
        ..Stage::default()
    }
}

/// One job of these stages.
fn job(stages: Vec<Stage>) -> Workload {
    Workload {
        jobs: vec![Job::default()],
        stages,
        order_of_end: vec![0],
        tail_ms: 0,
    }
}

fn takes(workload: &Workload, cores: u32) -> u64 {
    let outcome = schedule(workload, &Cluster::fixed(1, cores)).expect("ends");
    outcome.duration_ms
}

/// Sparklens: stages of one task of 1 ms each, one after the other or side by side.
#[test]
fn the_vectors_of_sparklens_scheduler_hold() {
    let serial: Vec<Stage> = (0..11)
        .map(|index| stage(if index == 0 { &[] } else { &[0] }, &[1]))
        .enumerate()
        .map(|(index, mut stage)| {
            if let Some(parent) = stage.parents.first_mut() {
                *parent = u32::try_from(index).expect("small") - 1;
            }
            stage
        })
        .collect();
    let serial = job(serial);
    assert_eq!([1, 2].map(|cores| takes(&serial, cores)), [11, 11]);
    let beside = |number: u32| {
        let mut stages: Vec<Stage> = (0..number).map(|_| stage(&[], &[1])).collect();
        let all: Vec<u32> = (0..number).collect();
        stages.push(stage(&all, &[1]));
        job(stages)
    };
    let cores = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 100];
    let expected = [11, 6, 5, 4, 3, 3, 3, 3, 3, 2, 2, 2];
    assert_eq!(cores.map(|cores| takes(&beside(10), cores)), expected);
    assert_eq!(takes(&beside(100), 100), 2);
}

/// Sparklens' own application: two jobs of four tasks on four cores, and its driver's time.
#[test]
fn the_application_of_sparklens_takes_what_sparklens_says() {
    let mut second = stage(&[], &[3, 3, 3, 3]);
    second.job = 1;
    let workload = Workload {
        jobs: vec![
            Job {
                after: 0,
                gap_ms: 6_560,
                tail_ms: 0,
            },
            Job {
                after: 1,
                gap_ms: 957,
                tail_ms: 0,
            },
        ],
        stages: vec![stage(&[], &[30, 30, 30, 30]), second],
        order_of_end: vec![0, 1],
        tail_ms: 3_067,
    };
    // 10,584 ms of the driver and 30 + 3 of tasks.
    assert_eq!(takes(&workload, 4), 10_617);
    assert_eq!(takes(&workload, 8), 10_617);
    assert_eq!(takes(&workload, 2), 10_584 + 60 + 6);
    assert_eq!(workload.work_ms(), 132);
}

/// TPC-DS q52 as Tariq and Das measured it, list scheduling worked out by hand.
#[test]
fn tpc_ds_q52_takes_what_was_worked_out_by_hand() {
    let workload = job(vec![
        stage(&[], &[10_500]),
        stage(&[0], &[1_875]),
        stage(&[0], &[1_625; 15]),
        stage(&[1, 2], &[2_000; 40]),
        stage(&[3], &[1_000]),
        stage(&[4], &[1_000]),
    ]);
    let found = [4, 5, 6, 8].map(|cores| takes(&workload, cores));
    assert_eq!(found, [39_250, 35_000, 31_375, 26_000]);
}

#[test]
fn jobs_wait_for_those_that_had_ended_before_and_overlap_as_they_did() {
    // Two jobs side by side, a third 5 ms after the first of them had ended.
    let mut stages = vec![stage(&[], &[10]), stage(&[], &[30]), stage(&[], &[10])];
    for (index, stage) in (0..).zip(&mut stages) {
        stage.job = index;
    }
    let workload = Workload {
        jobs: vec![
            Job {
                after: 0,
                gap_ms: 100,
                tail_ms: 0,
            },
            Job {
                after: 0,
                gap_ms: 100,
                tail_ms: 0,
            },
            Job {
                after: 1,
                gap_ms: 5,
                tail_ms: 0,
            },
        ],
        stages,
        order_of_end: vec![0, 1, 2],
        tail_ms: 7,
    };
    // On two cores: 100..110, 100..130, 115..125.
    assert_eq!(takes(&workload, 2), 137);
    // On one: 100..110, then the second, which waits already, 110..140, then the third.
    assert_eq!(takes(&workload, 1), 157);
}

#[test]
fn gaps_of_stages_and_jobs_stay_whatever_the_cores() {
    let mut first = stage(&[], &[100; 4]);
    first.gap_ms = 20;
    first.tail_ms = 3;
    let mut second = stage(&[0], &[50]);
    second.gap_ms = 10;
    let mut workload = job(vec![first, second]);
    workload.jobs = vec![Job {
        after: 0,
        gap_ms: 1_000,
        tail_ms: 40,
    }];
    let fixed = 1_000 + 20 + 3 + 10 + 50 + 40;
    assert_eq!(takes(&workload, 4), fixed + 100);
    assert_eq!(takes(&workload, 2), fixed + 200);
    assert_eq!(takes(&workload, 400), fixed + 100);
    let ideal = schedule(&workload, &Cluster::unlimited()).expect("ends");
    assert_eq!(ideal.duration_ms, fixed + 100);
}

#[test]
fn without_any_executor_nothing_ends() {
    let workload = job(vec![stage(&[], &[1])]);
    assert_eq!(schedule(&workload, &Cluster::fixed(0, 4)), Err(Stuck));
    let mut lossy = Cluster::fixed(0, 4);
    lossy.losses.per_executor_hour = 1.0;
    assert_eq!(schedule(&workload, &lossy), Err(Stuck));
    // An application without a job takes what its driver takes.
    let idle = Workload {
        tail_ms: 500,
        ..Workload::default()
    };
    let outcome = schedule(&idle, &Cluster::fixed(0, 4)).expect("ends");
    assert_eq!(outcome.duration_ms, 500);
}

fn allocation(max: u32) -> Allocation {
    Allocation {
        initial: 0,
        min: 0,
        max,
        backlog_ms: 1_000,
        sustained_ms: 1_000,
        idle_ms: Some(60_000),
        ratio: 1.0,
        provisioning_ms: 2_000,
        first_ms: 0,
        keeps_shuffle: false,
    }
}

fn dynamic(allocation: Allocation) -> Cluster {
    Cluster {
        executors: Executors::Dynamic(allocation),
        ..Cluster::fixed(0, 1)
    }
}

#[test]
fn executors_smaller_than_a_task_run_nothing() {
    // `spark.task.cpus=2` on executors of one core.
    let workload = job(vec![stage(&[], &[10_000])]);
    let mut cluster = dynamic(allocation(100));
    cluster.slots_per_executor = 0;
    assert_eq!(schedule(&workload, &cluster), Err(Stuck));
}

#[test]
fn dynamic_allocation_doubles_what_it_asks_for_while_tasks_wait() {
    // 15 tasks of 10 s on executors of one core. Asked for at 1 s: 1, 2 s: 2, 3 s: 4, 4 s: 8;
    // they are there 2 s later, so that the last task starts at 6 s and ends at 16 s.
    let workload = job(vec![stage(&[], &[10_000; 15])]);
    let outcome = schedule(&workload, &dynamic(allocation(100))).expect("ends");
    assert_eq!((outcome.duration_ms, outcome.executors_max), (16_000, 15));
    // 1 from 3 s, 2 from 4 s, 4 from 5 s, 8 from 6 s, all until 16 s.
    assert_eq!(
        outcome.core_time_ms,
        13_000 + 2 * 12_000 + 4 * 11_000 + 8 * 10_000
    );
    // With at most three: from 3 s, 4 s and 4 s, five tasks each.
    let outcome = schedule(&workload, &dynamic(allocation(3))).expect("ends");
    assert_eq!((outcome.duration_ms, outcome.executors_max), (54_000, 3));
}

#[test]
fn an_executor_without_a_task_is_given_back_unless_it_holds_shuffle_files() {
    let two = |keeps_shuffle| {
        let mut second = stage(&[0], &[1_000]);
        second.gap_ms = 100_000;
        let workload = job(vec![stage(&[], &[10_000, 10_000]), second]);
        let cluster = dynamic(Allocation {
            initial: 2,
            keeps_shuffle,
            ..allocation(2)
        });
        schedule(&workload, &cluster).expect("ends")
    };
    // Given back at 70 s; one comes again 3 s after the second stage, which starts at 110 s.
    let outcome = two(false);
    assert_eq!(outcome.duration_ms, 110_000 + 3_000 + 1_000);
    assert_eq!(outcome.core_time_ms, 2 * 70_000 + 1_000);
    let outcome = two(true);
    assert_eq!(outcome.duration_ms, 111_000);
    assert_eq!(outcome.core_time_ms, 2 * 111_000);
}

#[test]
fn what_a_lost_executor_ran_runs_again_and_another_takes_its_place() {
    // One executor of one core, lost at 1 h / 2; the task starts again a minute later.
    let workload = job(vec![stage(&[], &[2_400_000])]);
    let cluster = Cluster {
        losses: Losses {
            per_executor_hour: 1.0,
            replacement_ms: 60_000,
            with_shuffle: false,
        },
        ..Cluster::fixed(1, 1)
    };
    let outcome = schedule(&workload, &cluster).expect("ends");
    assert_eq!(outcome.lost, 1);
    assert_eq!(outcome.duration_ms, 1_800_000 + 60_000 + 2_400_000);
    assert_eq!(outcome.core_time_ms, 1_800_000 + 2_400_000);
}

#[test]
fn a_task_longer_than_executors_live_does_not_run_for_ever() {
    let workload = job(vec![stage(&[], &[u32::MAX])]);
    let mut cluster = Cluster::fixed(1, 1);
    cluster.losses.per_executor_hour = 10.0;
    let outcome = schedule(&workload, &cluster).expect("ends");
    assert_eq!(outcome.lost, MAX_LOSSES);
}

#[test]
fn more_cores_never_lose_to_fewer_by_more_than_list_scheduling_may() {
    // Graham: no list schedule takes more than twice the best one, and none less than the work
    // over the cores or than the longest chain.
    let tasks: Vec<u32> = (0..500_u32).map(|index| 1 + index * 7_919 % 997).collect();
    let workload = job(vec![
        stage(&[], &tasks),
        stage(&[0], &tasks),
        stage(&[], &tasks),
    ]);
    let work = workload.work_ms();
    let ideal = schedule(&workload, &Cluster::unlimited()).expect("ends");
    for cores in [1, 2, 3, 7, 16, 64, 1_000, 5_000] {
        let found = takes(&workload, cores);
        let least = (work.div_ceil(u64::from(cores))).max(ideal.duration_ms);
        assert!(found >= least, "{cores}: {found} < {least}");
        assert!(
            found <= work.div_ceil(u64::from(cores)) + ideal.duration_ms,
            "{cores}: {found}"
        );
    }
    assert_eq!(takes(&workload, 1), work);
    assert_eq!(takes(&workload, 5_000), ideal.duration_ms);
}
