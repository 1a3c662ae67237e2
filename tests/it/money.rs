//! What is divided adds up to the whole, for every application there is.

use std::collections::{BTreeMap, BTreeSet};

use super::stored::{Row, rows};
use super::world::world;

/// The parts of `application_waste`, each in core time, memory and money.
const PARTS: [&str; 12] = [
    "useful",
    "fetch_wait",
    "gc",
    "spill",
    "scheduling",
    "retry",
    "speculation",
    "unfinished",
    "skew",
    "start_up",
    "driver_only",
    "idle",
];

/// Asserts that the parts of every row add up to its wholes within a thousandth, and that none is
/// negative; says how many rows had core time.
pub(crate) fn assert_parts_add_up(waste: &[BTreeMap<String, f64>]) -> usize {
    let mut divided = 0;
    for row in waste {
        for (unit, whole, also) in [
            ("core_ms", "core_time_ms", None),
            ("gb_hours", "memory_gb_hours", Some("unused_gb_hours")),
            ("usd", "cost_usd", None),
        ] {
            let parts: Vec<f64> = PARTS
                .iter()
                .filter_map(|part| row.get(&format!("{part}_{unit}")).copied())
                .collect();
            let Some(&whole) = row.get(whole).filter(|_| !parts.is_empty()) else {
                // Without a whole there are no parts; without core time nothing is divided.
                assert!(parts.is_empty() || whole == "memory_gb_hours", "{row:?}");
                continue;
            };
            assert_eq!(parts.len(), PARTS.len(), "{row:?}");
            assert!(parts.iter().all(|part| *part >= 0.0), "{row:?}");
            let sum: f64 =
                parts.iter().sum::<f64>() + also.and_then(|name| row.get(name)).unwrap_or(&0.0);
            assert!(
                (sum - whole).abs() <= whole * 1e-3,
                "{unit}: {sum} of {whole} in {row:?}"
            );
            divided += usize::from(unit == "core_ms");
        }
    }
    divided
}

fn numbers(row: &Row) -> BTreeMap<String, f64> {
    let numbers = row
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?)));
    numbers.collect()
}

#[test]
fn the_parts_of_waste_add_up_for_every_fixture() {
    let waste: Vec<_> = rows(&world().fresh, "application_waste")
        .iter()
        .map(numbers)
        .collect();
    assert_eq!(waste.len(), rows(&world().fresh, "applications").len());
    assert_eq!(assert_parts_add_up(&waste), applications_with_executors());
}

/// Applications that held a core for some time: two fixtures never get an executor.
fn applications_with_executors() -> usize {
    let applications = rows(&world().fresh, "applications");
    let held = |row: &&Row| row.get("core_time_ms").is_some_and(|held| held != "0");
    let working = applications.iter().filter(held).count();
    assert_eq!(working + 2, applications.len());
    working
}

/// One row of each application is the one that money comes from, and it is priced.
#[test]
fn every_fixture_has_one_preferred_cost() {
    let costs = rows(&world().fresh, "application_costs");
    let key = |row: &Row| {
        (
            row["cluster_id"].clone(),
            row["application_id"].clone(),
            row["attempt_id"].clone(),
        )
    };
    let preferred: Vec<_> = costs
        .iter()
        .filter(|row| row["is_preferred"] == "true")
        .map(key)
        .collect();
    let distinct: BTreeSet<_> = preferred.iter().collect();
    assert_eq!(preferred.len(), distinct.len());
    assert_eq!(preferred.len(), applications_with_executors());
    for row in &costs {
        assert_eq!(
            row.contains_key("cost_usd"),
            row["is_price_known"] == "true",
            "{row:?}"
        );
        assert_eq!(
            row.contains_key("missing_price"),
            row["is_price_known"] == "false",
            "{row:?}"
        );
        assert_ne!(
            row.get("cost_usd").map(String::as_str),
            Some("0.0"),
            "{row:?}"
        );
    }
}

/// Where each scenario wastes is where it was made to waste.
#[test]
fn scenarios_waste_what_they_were_made_to_waste() {
    let waste: Vec<_> = rows(&world().fresh, "application_waste");
    let share = |scenario: &str, part: &str| {
        let of_scenario: Vec<f64> = waste
            .iter()
            .filter(|row| row["application_name"] == scenario)
            .map(|row| {
                let row = numbers(row);
                row[&format!("{part}_core_ms")] / row["core_time_ms"]
            })
            .collect();
        assert!(!of_scenario.is_empty(), "no {scenario}");
        of_scenario.iter().copied().fold(f64::INFINITY, f64::min)
    };
    for (scenario, part, at_least) in [
        ("speculation", "speculation", 0.01),
        ("task-retries", "retry", 0.01),
        ("executor-loss", "retry", 0.05),
        ("killed-plain", "unfinished", 0.001),
        ("driver-gap", "driver_only", 0.2),
    ] {
        let found = share(scenario, part);
        assert!(found >= at_least, "{scenario}: {part} is {found}");
    }
}

/// Of three applications, by hand: lifetimes in milliseconds from the logs, and the price rows
/// c5.xlarge (4 cores, 8 GB of which 6 are for containers) 0.170 + 0.043 dollars an hour with EMR,
/// EMR Serverless 0.052624 a core and 0.0057785 a GB an hour, at least a minute of each worker.
#[test]
fn three_fixtures_cost_what_was_worked_out_by_hand() {
    const HOUR: f64 = 3_600_000.0;
    let on_ec2 = |instances: f64| instances / HOUR * (0.170 + 0.043);
    let on_serverless =
        |cores: f64, gigabytes: f64| cores / HOUR * 0.052_624 + gigabytes / HOUR * 0.005_778_5;
    let costs = rows(&world().fresh, "application_costs");
    let cost = |application: &str, deployment: &str| -> f64 {
        let row = costs.iter().find(|row| {
            row["application_id"] == application
                && row["deployment"] == deployment
                && row["purchase"] == "on_demand"
        });
        let row = row.unwrap_or_else(|| panic!("no {deployment} of {application}"));
        row["cost_usd"].parse().expect("a number")
    };
    for (application, ec2, serverless) in [
        // Four executors of 2 cores, two to an instance, and a driver of 1 core, four to an instance. None
        // lived a minute: workers of 2 cores and 4 GB, of 1 core and 2 GB.
        (
            "app-20261121120425-0000",
            on_ec2((10_630.0 + 15_322.0 + 14_393.0 + 9_191.0) / 2.0 + 44_405.0 / 4.0),
            on_serverless(
                4.0 * 60_000.0 * 2.0 + 60_000.0,
                4.0 * 60_000.0 * 4.0 + 60_000.0 * 2.0,
            ),
        ),
        // Four executors of 1 core, four to an instance; the driver lived longer than a minute.
        (
            "app-20261121121927-0000",
            on_ec2((28_955.0 + 25_939.0 + 31_430.0 + 23_540.0) / 4.0 + 61_951.0 / 4.0),
            on_serverless(
                4.0 * 60_000.0 + 61_951.0,
                4.0 * 60_000.0 * 2.0 + 61_951.0 * 2.0,
            ),
        ),
        // Local mode: the driver with 2 cores is the only executor.
        (
            "local-1795661130718",
            on_ec2(46_467.0 / 2.0),
            on_serverless(60_000.0 * 2.0, 60_000.0 * 4.0),
        ),
    ] {
        for (deployment, expected) in [("emr_ec2", ec2), ("emr_serverless", serverless)] {
            let found = cost(application, deployment);
            assert!(
                (found - expected).abs() < expected * 1e-9,
                "{application} {deployment}: {found}, not {expected}"
            );
        }
    }
}
