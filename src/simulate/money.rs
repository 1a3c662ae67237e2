//! What a scenario costs, by the prices that `application_costs` took.

use super::facts::{Cost, Facts};
use super::model::{Prediction, Shape};

/// Where and how the executors are bought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// A deployment of `application_costs`; `None`: the one that the application's money comes from.
    pub deployment: Option<String>,
    /// Whether the instances are spot.
    pub spot: bool,
}

impl Way {
    /// The row of `application_costs` that has the prices.
    pub fn row<'f>(&self, facts: &'f Facts) -> Option<&'f Cost> {
        let preferred = || facts.costs.iter().find(|cost| cost.is_preferred);
        let deployment = match (&self.deployment, self.spot) {
            (None, false) => return preferred(),
            (Some(deployment), _) => deployment,
            (None, true) => &preferred()?.deployment,
        };
        let purchase = if self.spot { "spot" } else { "on_demand" };
        let rows = facts
            .costs
            .iter()
            .filter(|cost| cost.deployment == *deployment);
        let mut rows: Vec<&Cost> = rows.filter(|cost| cost.purchase == purchase).collect();
        // What was billed says more than what is estimated.
        rows.sort_by(|left, right| left.basis.cmp(&right.basis));
        rows.into_iter().next()
    }
}

/// What the prediction costs; `None` where a price is not known. Executors cost by their core time,
/// and more where each core has more memory than it had; the driver by the time it lives.
pub fn cost(facts: &Facts, current: Shape, prediction: &Prediction, way: &Way) -> Option<f64> {
    let row = way.row(facts)?;
    let (cost_usd, vcpu_hours) = (row.cost_usd?, row.vcpu_hours?);
    let (measured_ms, core_ms) = (facts.duration_ms as f64, facts.core_time_ms as f64);
    if measured_ms <= 0.0 || core_ms <= 0.0 || vcpu_hours <= 0.0 {
        return None;
    }
    let of_executors = (core_ms / 3.6e6 / vcpu_hours).clamp(0.0, 1.0);
    let memory_per_core = |shape: Shape| {
        let memory = shape.memory_bytes? as f64;
        Some(memory / f64::from(shape.cores.max(1)))
    };
    let shape = prediction.scenario.shape;
    let denser = match (memory_per_core(shape), memory_per_core(current)) {
        (Some(memory), Some(had)) if had > 0.0 => (memory / had).max(1.0),
        _ => 1.0,
    };
    let executors = of_executors * prediction.core_time_ms as f64 / core_ms * denser;
    let driver = (1.0 - of_executors) * prediction.duration_ms as f64 / measured_ms;
    Some(cost_usd * (executors + driver))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::model::Scenario;

    const GIB: u64 = 1 << 30;

    fn row(deployment: &str, purchase: &str, cost_usd: Option<f64>) -> Cost {
        Cost {
            basis: "hypothetical".to_owned(),
            deployment: deployment.to_owned(),
            purchase: purchase.to_owned(),
            // Four core-hours of executors and one of the driver.
            vcpu_hours: Some(5.0),
            cost_usd,
            ..Cost::default()
        }
    }

    fn facts() -> Facts {
        let mut preferred = row("emr_ec2", "on_demand", Some(10.0));
        preferred.is_preferred = true;
        Facts {
            duration_ms: 3_600_000,
            core_time_ms: 4 * 3_600_000,
            costs: vec![
                preferred,
                row("emr_ec2", "spot", Some(4.0)),
                row("emr_serverless", "on_demand", Some(20.0)),
                row("databricks", "on_demand", None),
            ],
            ..Facts::default()
        }
    }

    fn shape(executors: u32, cores: u32, memory: u64) -> Shape {
        Shape {
            executors,
            cores,
            memory_bytes: Some(memory * GIB),
        }
    }

    fn costs(shape_now: Shape, hours: f64, way: &Way) -> Option<f64> {
        let prediction = Prediction {
            scenario: Scenario::of(shape_now),
            duration_ms: (hours * 3.6e6) as u64,
            low_ms: 0,
            high_ms: 0,
            core_time_ms: (hours * shape_now.total_cores() as f64 * 3.6e6) as u64,
            idle_ratio: 0.0,
            lost_executors: 0,
            is_current: false,
            fits_memory: None,
        };
        cost(&facts(), shape(1, 4, 16), &prediction, way)
    }

    fn assert_usd(found: Option<f64>, expected: f64) {
        assert!(
            found.is_some_and(|found| (found - expected).abs() < 1e-9),
            "{found:?}"
        );
    }

    #[test]
    fn executors_cost_by_their_core_time_and_the_driver_by_its_life() {
        let as_run = Way::default();
        assert_usd(costs(shape(1, 4, 16), 1.0, &as_run), 10.0);
        // Two executors for half the time: 8 USD of executors as before, half of the driver's 2.
        assert_usd(costs(shape(2, 4, 16), 0.5, &as_run), 9.0);
        // Twice the memory for each core: twice the instances.
        assert_usd(costs(shape(1, 4, 32), 1.0, &as_run), 18.0);
        // Half of it saves nothing: the cores decide.
        assert_usd(costs(shape(1, 4, 8), 1.0, &as_run), 10.0);
    }

    #[test]
    fn each_way_has_its_price_and_an_unknown_price_is_no_price() {
        let way = |deployment: Option<&str>, spot| Way {
            deployment: deployment.map(str::to_owned),
            spot,
        };
        let run = |way| costs(shape(1, 4, 16), 1.0, &way);
        assert_usd(run(way(None, true)), 4.0);
        assert_usd(run(way(Some("emr_serverless"), false)), 20.0);
        assert_eq!(run(way(Some("databricks"), false)), None);
        assert_eq!(run(way(Some("emr_serverless"), true)), None);
        assert_eq!(run(way(Some("elsewhere"), false)), None);
    }
}
