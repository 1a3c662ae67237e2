//! How long the operators of a plan worked, without counting any time twice.
//!
//! Spark's and other engines' timing metrics overlap: an operator's timer may hold the time of the
//! operators that it pulls from, one timer may be a part of another, some run on the driver, some
//! count requests that run beside each other. Each timer is therefore one of:
//!
//! - **exclusive**, and complete: Photon's `exclusive time`, RAPIDS' `op time`. Nothing is added;
//! - **own**: time in which a task does this operator's work and nothing else, such as `scan time`,
//!   `sort time`, `shuffle write time`, `fetch wait time`. These are added;
//! - **inclusive**: it holds what the task spent in the operators below as well. Of it remains what
//!   they do not account for. `duration` of whole-stage code generation, `time in aggregation build`,
//!   `time to run Python workers`;
//! - **driver** time: `metadata time`, `time to collect`, `time to build`, `time to broadcast`;
//! - a part of another or in parallel to it, as `remote reqs duration`: left out.
//!
//! A node that has only unknown timers takes the largest of them.

use super::operator::Engine;

/// What an operator's timers say, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NodeTimers {
    own: Option<f64>,
    inclusive: Option<f64>,
    driver: Option<f64>,
    /// The inclusive timer says nothing that the exclusive one does not.
    is_exclusive: bool,
    /// The part of its own time that passes in the task of whoever pulls from it.
    pulled: f64,
}

/// How long an operator worked, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NodeTime {
    /// In tasks, without the operators below.
    pub exclusive: Option<f64>,
    /// In tasks, with what it pulled from.
    pub inclusive: Option<f64>,
    /// On the driver.
    pub driver: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    Exclusive,
    Own,
    Inclusive,
    Driver,
    Part,
}

impl Timer {
    fn of(engine: Engine, metric: &str) -> Self {
        match metric {
            "exclusive time" | "op time" => Self::Exclusive,
            "scan time"
            | "sort time"
            | "shuffle write time"
            | "fetch wait time"
            | "time to build hash map"
            | "task commit time"
            | "time to remove"
            | "time to commit changes" => Self::Own,
            "duration"
            | "stage duration"
            | "cumulative time"
            | "time in aggregation build"
            | "time to run Python workers"
            | "time to update"
            | "time of input iterator"
            | "totaltime of input iterator" => Self::Inclusive,
            "metadata time"
            | "time to collect"
            | "time to build"
            | "time to broadcast"
            | "job commit time"
            | "dynamic partition pruning time" => Self::Driver,
            metric if metric.starts_with("driver time") => Self::Driver,
            _ => Self::of_engine(engine, metric),
        }
    }

    fn of_engine(engine: Engine, metric: &str) -> Self {
        let is_own = match engine {
            Engine::Rapids => matches!(metric, "GPU decode time" | "buffer time" | "total time"),
            Engine::Comet => matches!(
                metric,
                "total time (in ms) spent in this operator" | "Total time for joining"
            ),
            // Velox reports each operator's wall time; a scan's holds its filter.
            Engine::Gluten => {
                (metric.starts_with("time of ") || metric.starts_with("totaltime of "))
                    && metric != "time of scan"
            }
            Engine::Spark | Engine::Photon => false,
        };
        if is_own { Self::Own } else { Self::Part }
    }
}

/// Timers that hold the others of their node, the most telling first: only the first counts.
const COMPLETE: [&str; 4] = [
    "scan time",
    "total time (in ms) spent in this operator",
    "time of scan and filter",
    "time of batch scan",
];

impl NodeTimers {
    /// Reads the timing metrics of the node called `name`, as names and milliseconds.
    pub fn read<'m>(name: &str, metrics: impl Iterator<Item = (&'m str, f64)>) -> Self {
        let engine = Engine::of(name);
        let metrics: Vec<(&str, f64)> = metrics
            .filter(|(_, ms)| ms.is_finite() && *ms >= 0.0)
            .map(|(metric, ms)| (plain(metric), ms))
            .collect();
        let of = |kind: Timer| {
            let ms = metrics
                .iter()
                .filter(move |(metric, _)| Timer::of(engine, metric) == kind)
                .map(|(_, ms)| *ms);
            ms.reduce(|sum, ms| sum + ms)
        };
        let named = |wanted: &str| {
            let found = metrics.iter().find(|(metric, _)| *metric == wanted)?;
            Some(found.1)
        };
        let exclusive = of(Timer::Exclusive);
        let complete = || {
            let is_native_scan = engine != Engine::Spark || name.contains("Scan");
            let mut holding = COMPLETE.iter().filter_map(|metric| named(metric));
            is_native_scan
                .then(|| holding.find(|ms| *ms > 0.0))
                .flatten()
        };
        let own = exclusive.or_else(complete).or_else(|| of(Timer::Own));
        let inclusive = of(Timer::Inclusive);
        let driver = of(Timer::Driver);
        let unknown = || {
            let largest = metrics.iter().map(|(_, ms)| *ms).reduce(f64::max);
            largest.filter(|_| inclusive.is_none() && driver.is_none())
        };
        let own = own.or_else(unknown);
        let is_source_of_exchange = name.contains("Exchange") && exclusive.is_none();
        let pulled = if is_source_of_exchange {
            named("fetch wait time")
        } else {
            own
        };
        Self {
            own,
            inclusive,
            driver,
            is_exclusive: exclusive.is_some(),
            pulled: pulled.unwrap_or(0.0),
        }
    }
}

/// Spark 2 put the unit, or how the values are shown, into the name.
fn plain(metric: &str) -> &str {
    let metric = metric.trim();
    let metric = metric
        .strip_suffix(" total (min, med, max)")
        .unwrap_or(metric);
    metric.strip_suffix(" (ms)").unwrap_or(metric)
}

/// How long each node worked. `within` is the place of the node whose inclusive time holds this
/// one's, which comes before it.
///
/// What an inclusive timer leaves for its node is what it exceeds the nodes within it by. Where
/// these exceed it, because operators that wait for each other are alive side by side, what
/// their own inclusive timers left is scaled down: no stage's operators take longer than it.
pub fn node_times(nodes: &[(NodeTimers, Option<usize>)]) -> Vec<NodeTime> {
    let mut below = vec![ChildTimers::default(); nodes.len()];
    let mut rests = vec![Rest::default(); nodes.len()];
    for (at, (timers, within)) in nodes.iter().enumerate().rev() {
        let inside = below.get(at).copied().unwrap_or_default();
        let rest = Rest::new(timers, inside);
        if let Some(slot) = rests.get_mut(at) {
            *slot = rest;
        }
        if let Some(holder) = within.filter(|holder| *holder < at)
            && let Some(holder) = below.get_mut(holder)
        {
            holder.own += inside.own + timers.pulled;
            holder.rests += inside.rests * rest.scale_below + rest.ms.unwrap_or(0.0);
        }
    }
    let mut times: Vec<NodeTime> = Vec::with_capacity(nodes.len());
    let mut scales: Vec<f64> = Vec::with_capacity(nodes.len());
    for ((timers, within), rest) in nodes.iter().zip(&rests) {
        let holder = within.and_then(|holder| Some((scales.get(holder)?, rests.get(holder)?)));
        let scale = holder.map_or(1.0, |(scale, rest)| scale * rest.scale_below);
        scales.push(scale);
        let own = timers.own.into_iter().chain(rest.ms.map(|ms| ms * scale));
        times.push(NodeTime {
            exclusive: own.reduce(|sum, ms| sum + ms),
            inclusive: timers.inclusive,
            driver: timers.driver,
        });
    }
    times
}

/// What the nodes within a node account for.
#[derive(Debug, Clone, Copy, Default)]
struct ChildTimers {
    own: f64,
    rests: f64,
}

/// What an inclusive timer leaves for its node, and by what the rests below it are scaled.
#[derive(Debug, Clone, Copy)]
struct Rest {
    ms: Option<f64>,
    scale_below: f64,
}

impl Default for Rest {
    fn default() -> Self {
        Self {
            ms: None,
            scale_below: 1.0,
        }
    }
}

impl Rest {
    fn new(timers: &NodeTimers, below: ChildTimers) -> Self {
        let Some(inclusive) = timers.inclusive.filter(|_| !timers.is_exclusive) else {
            return Self::default();
        };
        let left = inclusive - below.own;
        if left >= below.rests {
            return Self {
                ms: Some(left - below.rests),
                scale_below: 1.0,
            };
        }
        Self {
            ms: Some(0.0),
            scale_below: left.max(0.0) / below.rests.max(f64::MIN_POSITIVE),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timers(name: &str, metrics: &[(&str, f64)]) -> NodeTimers {
        NodeTimers::read(name, metrics.iter().copied())
    }

    fn exclusive(nodes: &[(NodeTimers, Option<usize>)]) -> Vec<Option<f64>> {
        let times = node_times(nodes);
        times.into_iter().map(|time| time.exclusive).collect()
    }

    #[test]
    fn photon_tells_exclusive_time_itself() {
        // Numbers of a real scan: dozens of timers, most of them parts of each other.
        let scan = timers(
            "PhotonScan parquet ",
            &[
                ("executor time CPU", 431_412.0),
                ("executor time IO wait", 40_212.0),
                ("cumulative time", 471_625.0),
                ("cloud storage request duration", 367_589.0),
                ("exclusive time", 471_625.0),
                ("executor time CPU - decoding columns", 219_577.0),
            ],
        );
        let project = timers(
            "PhotonProject",
            &[("cumulative time", 496_137.0), ("exclusive time", 24_512.0)],
        );
        let stage = timers("PhotonShuffleMapStage", &[("stage duration", 500_000.0)]);
        let times = node_times(&[(stage, None), (project, Some(0)), (scan, Some(1))]);
        let shown: Vec<_> = times.iter().map(|time| time.exclusive).collect();
        assert_eq!(shown, [Some(3_863.0), Some(24_512.0), Some(471_625.0)]);
        assert_eq!(times[1].inclusive, Some(496_137.0));
    }

    #[test]
    fn a_cluster_keeps_what_its_operators_do_not_account_for() {
        // WholeStageCodegen holds an aggregation, which holds a scan.
        let cluster = timers("WholeStageCodegen (1)", &[("duration", 1_000.0)]);
        let aggregate = timers("HashAggregate", &[("time in aggregation build", 900.0)]);
        let scan = timers(
            "Scan parquet",
            &[("scan time", 500.0), ("metadata time", 70.0)],
        );
        let nodes = [(cluster, None), (aggregate, Some(0)), (scan, Some(1))];
        assert_eq!(exclusive(&nodes), [Some(100.0), Some(400.0), Some(500.0)]);
        assert_eq!(node_times(&nodes)[2].driver, Some(70.0));
    }

    #[test]
    fn an_exchange_passes_on_only_what_its_reader_waits() {
        let cluster = timers("WholeStageCodegen (2)", &[("duration", 300.0)]);
        let exchange = timers(
            "Exchange",
            &[
                ("shuffle write time", 80.0),
                ("fetch wait time", 120.0),
                ("remote reqs duration", 9_999.0),
            ],
        );
        let below = timers("WholeStageCodegen (1)", &[("duration", 4_000.0)]);
        let nodes = [(cluster, None), (exchange, Some(0)), (below, None)];
        assert_eq!(exclusive(&nodes), [Some(180.0), Some(200.0), Some(4_000.0)]);
    }

    #[test]
    fn clusters_alive_side_by_side_do_not_exceed_the_one_that_reads_them() {
        // Both sides of a sort-merge join live as long as the join.
        let join = timers("WholeStageCodegen (5)", &[("duration", 1_000.0)]);
        let left = timers("WholeStageCodegen (2)", &[("duration", 1_000.0)]);
        let right = timers("WholeStageCodegen (4)", &[("duration", 900.0)]);
        let sort = timers("Sort", &[("sort time", 100.0)]);
        let nodes = [
            (join, None),
            (left, Some(0)),
            (sort, Some(1)),
            (right, Some(0)),
        ];
        // 100 are sorting; the other 900 are divided as 900 to 900.
        let expected = [Some(0.0), Some(450.0), Some(100.0), Some(450.0)];
        assert_eq!(exclusive(&nodes), expected);
    }

    #[test]
    fn a_broadcast_works_on_the_driver() {
        let broadcast = timers(
            "BroadcastExchange",
            &[
                ("time to collect", 5.0),
                ("time to build", 3.0),
                ("time to broadcast", 2.0),
            ],
        );
        let time = node_times(&[(broadcast, None)])[0];
        assert_eq!((time.exclusive, time.driver), (None, Some(10.0)));
    }

    #[test]
    fn other_engines_and_old_names_are_read() {
        for (name, metrics, expected) in [
            (
                "GpuFilter",
                &[("op time", 7.0), ("total time", 90.0)][..],
                7.0,
            ),
            (
                "GpuBatchScan",
                &[("buffer time", 4.0), ("GPU decode time", 5.0)],
                9.0,
            ),
            (
                "GpuScan csv",
                &[("scan time", 10.0), ("buffer time", 4.0)],
                10.0,
            ),
            (
                "CometFilter",
                &[("total time (in ms) spent in this operator", 6.0)],
                6.0,
            ),
            (
                "ScanTransformer parquet",
                &[
                    ("time of scan", 3.0),
                    ("time of scan and filter", 8.0),
                    ("io wait time", 2.0),
                ],
                8.0,
            ),
            ("ProjectExecTransformer", &[("time of project", 4.0)], 4.0),
            (
                "Scan csv",
                &[("scan time total (min, med, max)", 12.0)],
                12.0,
            ),
            ("SomethingNew", &[("part", 3.0), ("whole", 8.0)], 8.0),
        ] {
            let time = node_times(&[(timers(name, metrics), None)])[0];
            assert_eq!(time.exclusive, Some(expected), "{name}");
        }
    }

    proptest! {
        /// Whatever timers say: no time is negative, and nothing within the root exceeds it.
        #[test]
        fn times_within_an_inclusive_timer_never_exceed_it(
            durations in proptest::collection::vec((0.0..1e6f64, 0usize..64), 1..64)
        ) {
            let nodes: Vec<_> = durations.iter().enumerate().map(|(at, (ms, holder))| {
                let within = (at > 0).then(|| holder % at.max(1));
                (timers("WholeStageCodegen (1)", &[("duration", *ms)]), within)
            }).collect();
            let times = exclusive(&nodes);
            prop_assert!(times.iter().flatten().all(|ms| *ms >= 0.0));
            let total: f64 = times.iter().flatten().sum();
            prop_assert!(total <= durations[0].0 * 1.000_001 + 1e-6, "{} of {}", total, durations[0].0);
        }
    }
}
