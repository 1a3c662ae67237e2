//! What an application was given: its cluster manager, the shape of its executors, and whether they
//! come and go. Spark's defaults fill in for what was not set.

use crate::event::ResourceProfileAdded;
use crate::rows::{ApplicationShape, ExecutorMemory, ExecutorRow};

use super::environment::{Environment, Unit};
use super::job_key::{is_interactive, job_key};

const MEBIBYTE: i64 = 1 << 20;
/// Spark's default of `spark.executor.memory` and `spark.driver.memory`.
const DEFAULT_HEAP: i64 = 1 << 30;
/// Least overhead of a container, unless `minMemoryOverhead` says otherwise.
const MIN_OVERHEAD: i64 = 384 * MEBIBYTE;
const OVERHEAD_FACTOR: f64 = 0.10;
/// What EMR on EC2 sets since release 5.22.
const EMR_OVERHEAD_FACTOR: f64 = 0.1875;
/// What Spark keeps of the heap for itself before it shares out the rest.
const RESERVED_HEAP: i64 = 300 * MEBIBYTE;
/// Spark's default of `spark.memory.fraction`, since 2.0.
const MEMORY_FRACTION: f64 = 0.6;
/// Applications on Kubernetes that are not of the JVM.
const NON_JVM_OVERHEAD_FACTOR: f64 = 0.4;

/// Who starts the executors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClusterManager {
    /// The driver runs the tasks itself; the number of threads, where the master's name tells it.
    Local(Option<i64>),
    Yarn,
    Kubernetes,
    EmrServerless,
    Mesos,
    /// Standalone, as on Databricks, and whatever else gives no containers.
    Other,
}

/// The settings of one application.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'e> {
    environment: &'e Environment,
    manager: ClusterManager,
    is_emr: bool,
    /// Spark's major version, as far as it is known.
    major: Option<i64>,
    /// Memory on the heap for storage and execution that the driver registered with.
    driver_storage: Option<i64>,
}

impl<'e> Shape<'e> {
    /// The settings in `environment`, on the platform of the application's history.
    pub fn new(environment: &'e Environment, platform: &str, spark_version: Option<&str>) -> Self {
        let version = spark_version.unwrap_or_default();
        Self {
            environment,
            manager: manager(environment.spark("spark.master").unwrap_or_default()),
            is_emr: platform == "emr" || version.contains("amzn"),
            major: version
                .split('.')
                .next()
                .and_then(|major| major.parse().ok()),
            driver_storage: None,
        }
    }

    /// With what the driver's block manager registered with, which shows how large its heap is.
    #[must_use]
    pub fn with_driver(mut self, driver: Option<&ExecutorRow>) -> Self {
        self.driver_storage = driver.map(|row| {
            let on_heap = row.memory_metrics.map_or(0, |memory| memory.total_on_heap);
            if on_heap > 0 { on_heap } else { row.max_memory }
        });
        self
    }

    /// All that the application's row shows. `seen_cores` are those of executors that came,
    /// `driver_cores` those that the driver registered with.
    pub fn application(
        &self,
        name: &str,
        seen_cores: Option<i64>,
        driver_cores: Option<i64>,
    ) -> ApplicationShape {
        let environment = self.environment;
        let property = |key: &str| environment.spark(key).map(str::to_owned);
        let is_known = environment.is_known();
        let databricks_job = databricks_job(environment);
        let is_interactive = databricks_job.is_none()
            && (is_interactive(name, environment.system("sun.java.command"))
                || environment.spark("spark.repl.class.outputDir").is_some());
        let (databricks_key, databricks_run) = databricks_job.unzip();
        ApplicationShape {
            master: property("spark.master"),
            deploy_mode: property("spark.submit.deployMode"),
            queue: self.queue(),
            job_key: databricks_key.or_else(|| {
                (!is_interactive && !name.is_empty())
                    .then(|| job_key(name, environment.system("sun.java.command")))
            }),
            job_run_id: property("spark.databricks.job.runId").or(databricks_run),
            team: team(environment),
            is_local: property("spark.master").map(|_| self.is_local()),
            is_interactive,
            dynamic_allocation: is_known.then(|| {
                environment.is_true("spark.dynamicAllocation.enabled") && !self.is_local()
            }),
            shuffle_service: is_known.then(|| environment.is_true("spark.shuffle.service.enabled")),
            driver_memory_bytes: self.driver_heap(),
            driver_cores: self.driver_cores(),
            executor_cores: self.executor_cores(seen_cores, driver_cores),
            executor_memory: if self.is_local() {
                self.driver_heap().map(ExecutorMemory::heap_only)
            } else {
                self.executor_memory(0)
            },
        }
    }

    pub fn is_local(&self) -> bool {
        matches!(self.manager, ClusterManager::Local(_))
    }

    /// Cores of a local application: of the driver as it registered, else of the master's name.
    pub fn local_cores(&self) -> Option<i64> {
        match self.manager {
            ClusterManager::Local(cores) => cores,
            _ => None,
        }
    }

    /// Memory of one executor of a resource profile; `None` in local mode and where nothing is known.
    pub fn executor_memory(&self, profile_id: i64) -> Option<ExecutorMemory> {
        let environment = self.environment;
        if !environment.is_known() || self.is_local() {
            return None;
        }
        let profile = environment.resource_profile(profile_id);
        let requested = |name: &str| requested(profile, name);
        let heap = requested("memory")
            .or_else(|| environment.spark_size("spark.executor.memory", Unit::Mebibytes))
            .or_else(|| self.local_cluster_heap())
            .unwrap_or(DEFAULT_HEAP);
        let off_heap = requested("offHeap").filter(|size| *size > 0).or_else(|| {
            environment
                .is_true("spark.memory.offHeap.enabled")
                .then(|| environment.spark_size("spark.memory.offHeap.size", Unit::Bytes))
                .flatten()
        });
        let pyspark = requested("pyspark.memory")
            .filter(|size| *size > 0)
            .or_else(|| environment.spark_size("spark.executor.pyspark.memory", Unit::Mebibytes));
        Some(ExecutorMemory {
            heap,
            overhead: requested("memoryOverhead")
                .filter(|_| self.has_containers())
                .unwrap_or_else(|| self.overhead(heap)),
            // Before Spark 3 the container had no room of its own for it.
            off_heap: off_heap
                .filter(|_| !self.has_containers() || self.major.is_none_or(|major| major >= 3))
                .unwrap_or(0),
            pyspark: pyspark.unwrap_or(0),
        })
    }

    /// Memory of the driver; only in cluster mode does it have a container.
    pub fn driver_memory(&self) -> Option<ExecutorMemory> {
        let environment = self.environment;
        let heap = self.driver_heap()?;
        let mut memory = ExecutorMemory::heap_only(heap);
        if self.in_cluster_mode() && self.has_containers() {
            memory.overhead = environment
                .spark_size("spark.driver.memoryOverhead", Unit::Mebibytes)
                .unwrap_or_else(|| {
                    let factor = environment
                        .spark_fraction("spark.driver.memoryOverheadFactor")
                        .or_else(|| self.is_non_jvm().then_some(NON_JVM_OVERHEAD_FACTOR))
                        .unwrap_or(OVERHEAD_FACTOR);
                    share(heap, factor).max(MIN_OVERHEAD)
                });
        }
        Some(memory)
    }

    fn in_cluster_mode(&self) -> bool {
        self.environment.spark("spark.submit.deployMode") == Some("cluster")
    }

    fn has_containers(&self) -> bool {
        !matches!(
            self.manager,
            ClusterManager::Local(_) | ClusterManager::Other
        )
    }

    /// What a container has beside the heap of its executor.
    fn overhead(&self, heap: i64) -> i64 {
        let environment = self.environment;
        let size = |key: &str| environment.spark_size(key, Unit::Mebibytes);
        let factor = |key: &str| environment.spark_fraction(key);
        let (legacy_size, platform_factor) = match self.manager {
            ClusterManager::Local(_) | ClusterManager::Other => return 0,
            ClusterManager::Yarn => (
                size("spark.yarn.executor.memoryOverhead"),
                factor("spark.yarn.executor.memoryOverheadFactor")
                    .or(self.is_emr.then_some(EMR_OVERHEAD_FACTOR)),
            ),
            ClusterManager::Kubernetes => (
                size("spark.kubernetes.executor.memoryOverhead"),
                factor("spark.kubernetes.memoryOverheadFactor")
                    .or_else(|| self.is_non_jvm().then_some(NON_JVM_OVERHEAD_FACTOR)),
            ),
            ClusterManager::EmrServerless => {
                (None, factor("spark.emr-serverless.memoryOverheadFactor"))
            }
            ClusterManager::Mesos => (size("spark.mesos.executor.memoryOverhead"), None),
        };
        size("spark.executor.memoryOverhead")
            .or(legacy_size)
            .unwrap_or_else(|| {
                let factor = factor("spark.executor.memoryOverheadFactor")
                    .or(platform_factor)
                    .unwrap_or(OVERHEAD_FACTOR);
                let least = size("spark.executor.minMemoryOverhead").unwrap_or(MIN_OVERHEAD);
                share(heap, factor).max(least)
            })
    }

    /// Whether Kubernetes runs Python or R: Spark says so to its driver's pod only.
    fn is_non_jvm(&self) -> bool {
        let kind = self.environment.spark("spark.kubernetes.resource.type");
        kind.is_some_and(|kind| matches!(kind, "python" | "r"))
    }

    fn driver_heap(&self) -> Option<i64> {
        self.environment.is_known().then(|| {
            let set = self
                .environment
                .spark_size("spark.driver.memory", Unit::Mebibytes)
                .unwrap_or(DEFAULT_HEAP);
            // The JVM's own count is a little below the setting, so only a much larger one counts.
            self.seen_heap()
                .filter(|seen| *seen / 5 > set / 4)
                .unwrap_or(set)
        })
    }

    /// The heap of a driver in local mode by what its block manager got of it: programs that start
    /// Spark themselves (Databricks on one node, an IDE, a test) size it without a setting.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "bytes of one machine are far below 2^52"
    )]
    fn seen_heap(&self) -> Option<i64> {
        let storage = self.driver_storage.filter(|bytes| *bytes > 0)?;
        if !self.is_local() || self.major.is_none_or(|major| major < 2) {
            return None;
        }
        let fraction = self
            .environment
            .spark_fraction("spark.memory.fraction")
            .filter(|fraction| (0.05..=1.0).contains(fraction))
            .unwrap_or(MEMORY_FRACTION);
        Some(((storage as f64 / fraction) as i64).saturating_add(RESERVED_HEAP))
    }

    /// Cores of the driver: only in cluster mode does Spark ask for them.
    fn driver_cores(&self) -> Option<i64> {
        self.environment
            .spark_number("spark.driver.cores")
            .filter(|cores| *cores > 0)
            .or(self.in_cluster_mode().then_some(1))
    }

    fn executor_cores(&self, seen: Option<i64>, driver: Option<i64>) -> Option<i64> {
        let positive = |cores: Option<i64>| cores.filter(|cores| *cores > 0);
        if self.is_local() {
            return positive(driver).or(self.local_cores());
        }
        let profile = self.environment.resource_profile(0);
        positive(self.environment.spark_number("spark.executor.cores"))
            .or_else(|| positive(seen))
            .or_else(|| positive(Some(profile?.executor_resources.get("cores")?.amount)))
            // Elsewhere an executor takes all cores of its worker.
            .or_else(|| self.has_containers().then_some(1))
    }

    /// Memory of an executor in `local-cluster[executors, cores, mebibytes]`.
    fn local_cluster_heap(&self) -> Option<i64> {
        let master = self.environment.spark("spark.master")?;
        let inside = master.strip_prefix("local-cluster[")?.strip_suffix(']')?;
        let mebibytes: i64 = inside.rsplit(',').next()?.trim().parse().ok()?;
        mebibytes.checked_mul(MEBIBYTE)
    }

    fn queue(&self) -> Option<String> {
        [
            "spark.yarn.queue",
            "spark.kubernetes.driver.label.queue",
            "spark.kubernetes.driver.annotation.yunikorn.apache.org/queue",
            "spark.kubernetes.driver.label.kueue.x-k8s.io/queue-name",
        ]
        .iter()
        .find_map(|key| self.environment.spark(key).map(str::to_owned))
        .or_else(|| (self.manager == ClusterManager::Yarn).then(|| "default".to_owned()))
    }
}

/// A size that a resource profile asks for, in bytes.
fn requested(profile: Option<&ResourceProfileAdded>, name: &str) -> Option<i64> {
    let amount = profile?.executor_resources.get(name)?.amount;
    amount.checked_mul(MEBIBYTE).filter(|size| *size >= 0)
}

/// A share of a heap, in whole mebibytes as Spark counts.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "mebibytes are far below 2^52, and Spark truncates too"
)]
fn share(heap: i64, factor: f64) -> i64 {
    let mebibytes = (heap / MEBIBYTE) as f64 * factor;
    (mebibytes as i64).saturating_mul(MEBIBYTE)
}

fn manager(master: &str) -> ClusterManager {
    let master = master.trim().to_ascii_lowercase();
    if master == "local" {
        ClusterManager::Local(Some(1))
    } else if let Some(threads) = master.strip_prefix("local[") {
        let threads = threads.trim_end_matches(']').split(',').next();
        let threads = threads.and_then(|threads| threads.trim().parse().ok());
        ClusterManager::Local(threads.filter(|threads| *threads > 0))
    } else if master.starts_with("yarn") {
        ClusterManager::Yarn
    } else if master.contains("emr-serverless") {
        ClusterManager::EmrServerless
    } else if master.starts_with("k8s:") {
        ClusterManager::Kubernetes
    } else if master.starts_with("mesos:") {
        ClusterManager::Mesos
    } else {
        ClusterManager::Other
    }
}

/// Job and run of an application on a Databricks job cluster, by the cluster's name
/// (`job-<job>-run-<run>-…`).
fn databricks_job(environment: &Environment) -> Option<(String, String)> {
    let name = environment.spark("spark.databricks.clusterUsageTags.clusterName")?;
    let (job, rest) = name.strip_prefix("job-")?.split_once("-run-")?;
    let run = rest.split('-').next()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(job) && is_number(run)).then(|| (format!("job {job}"), run.to_owned()))
}

/// The team that labels and properties name.
fn team(environment: &Environment) -> Option<String> {
    [
        "spark.kubernetes.driver.label.team",
        "spark.kubernetes.driver.annotation.team",
        "spark.kubernetes.executor.label.team",
        "spark.emr-serverless.driverEnv.TEAM",
        "spark.team",
    ]
    .iter()
    .find_map(|key| environment.spark(key).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EnvironmentUpdate;

    const GIB: i64 = 1 << 30;
    const MIB: i64 = MEBIBYTE;

    type Properties<'p> = &'p [(&'p str, &'p str)];

    fn environment(properties: Properties<'_>) -> Environment {
        let mut environment = Environment::default();
        environment.on_update(EnvironmentUpdate {
            spark: properties
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..EnvironmentUpdate::default()
        });
        environment
    }

    fn container(platform: &str, version: &str, properties: Properties<'_>) -> Option<i64> {
        let environment = environment(properties);
        let settings = Shape::new(&environment, platform, Some(version));
        settings.executor_memory(0).map(|memory| memory.container())
    }

    /// The heap is (434.4 MiB / 0.6) + 300 MiB for Spark's default of 1 GiB, and 9314186035 bytes of a
    /// node of Databricks without a setting are 15.8 GB.
    #[test]
    fn the_heap_of_local_mode_is_what_its_driver_registered_with() {
        let seen = |properties: Properties<'_>, version: &str, bytes: i64| {
            let environment = environment(properties);
            let driver = ExecutorRow {
                max_memory: bytes,
                ..ExecutorRow::default()
            };
            let settings = Shape::new(&environment, "databricks", Some(version));
            let settings = settings.with_driver(Some(&driver));
            settings.driver_memory().map(|memory| memory.container())
        };
        let local = ("spark.master", "local[*, 4]");
        let cluster = ("spark.master", "spark://10.0.0.1:7077");
        let fraction = ("spark.memory.fraction", "0.5");
        assert_eq!(seen(&[local], "3.3.2", 455_501_414), Some(GIB));
        assert_eq!(seen(&[local], "3.3.2", 9_314_186_035), Some(15_838_216_191));
        assert_eq!(
            seen(&[local, fraction], "3.3.2", 9_314_186_035),
            Some(2 * 9_314_186_035 + 300 * MIB)
        );
        assert_eq!(seen(&[local], "1.5.0", 9_314_186_035), Some(GIB));
        assert_eq!(seen(&[cluster], "3.3.2", 9_314_186_035), Some(GIB));
        assert_eq!(
            seen(
                &[local, ("spark.driver.memory", "16g")],
                "3.3.2",
                9_314_186_035
            ),
            Some(16 * GIB)
        );
    }

    #[test]
    fn containers_are_as_large_as_the_cluster_managers_make_them() {
        let yarn = ("spark.master", "yarn");
        let k8s = ("spark.master", "k8s://https://1.2.3.4");
        let heap = ("spark.executor.memory", "10g");
        let cases: &[(&str, &str, Properties<'_>, i64)] = &[
            ("event_log", "3.5.1", &[yarn], GIB + 384 * MIB),
            ("event_log", "3.5.1", &[yarn, heap], 11 * GIB),
            ("emr", "3.5.1-amzn-1", &[yarn, heap], 10 * GIB + 1920 * MIB),
            (
                "event_log",
                "3.5.1-amzn-1",
                &[yarn, heap],
                10 * GIB + 1920 * MIB,
            ),
            (
                "emr",
                "3.5.1-amzn-1",
                &[
                    yarn,
                    heap,
                    ("spark.yarn.executor.memoryOverheadFactor", "0.2"),
                ],
                12 * GIB,
            ),
            (
                "event_log",
                "2.4.8",
                &[yarn, heap, ("spark.yarn.executor.memoryOverhead", "2048")],
                12 * GIB,
            ),
            (
                "event_log",
                "3.5.1",
                &[yarn, heap, ("spark.executor.memoryOverhead", "3g")],
                13 * GIB,
            ),
            (
                "event_log",
                "4.0.1",
                &[yarn, ("spark.executor.minMemoryOverhead", "1g")],
                2 * GIB,
            ),
            ("event_log", "3.5.1", &[k8s, heap], 11 * GIB),
            (
                "event_log",
                "3.5.1",
                &[k8s, heap, ("spark.kubernetes.resource.type", "python")],
                14 * GIB,
            ),
            (
                "event_log",
                "3.5.1",
                &[k8s, heap, ("spark.kubernetes.memoryOverheadFactor", "0.3")],
                13 * GIB,
            ),
            (
                "event_log",
                "3.5.1",
                &[
                    k8s,
                    heap,
                    ("spark.memory.offHeap.enabled", "true"),
                    ("spark.memory.offHeap.size", "2147483648"),
                    ("spark.executor.pyspark.memory", "1g"),
                ],
                14 * GIB,
            ),
            (
                "event_log",
                "2.4.8",
                &[
                    yarn,
                    heap,
                    ("spark.memory.offHeap.enabled", "true"),
                    ("spark.memory.offHeap.size", "2g"),
                ],
                11 * GIB,
            ),
            (
                "event_log",
                "3.5.1",
                &[("spark.master", "spark://h:7077"), heap],
                10 * GIB,
            ),
            (
                "event_log",
                "3.5.1",
                &[("spark.master", "local-cluster[2, 1, 512]")],
                512 * MIB,
            ),
        ];
        for (platform, version, properties, expected) in cases {
            let found = container(platform, version, properties);
            assert_eq!(
                found,
                Some(*expected),
                "{platform} {version} {properties:?}"
            );
        }
        assert_eq!(
            container("event_log", "3.5.1", &[("spark.master", "local[4]")]),
            None
        );
    }

    #[test]
    fn a_resource_profile_has_memory_of_its_own() {
        let mut environment = environment(&[
            ("spark.master", "yarn"),
            ("spark.executor.memory", "4g"),
            ("spark.executor.memoryOverheadFactor", "0.2"),
        ]);
        let profile = serde_json::json!({
            "Resource Profile Id": 1,
            "Executor Resource Requests": {
                "memory": {"Amount": 10240}, "offHeap": {"Amount": 1024}, "cores": {"Amount": 5}
            }
        });
        environment.on_resource_profile(serde_json::from_value(profile).expect("a profile"));
        let settings = Shape::new(&environment, "event_log", Some("3.5.1"));
        let memory = settings.executor_memory(1).expect("memory");
        assert_eq!(
            (
                memory.heap,
                memory.overhead,
                memory.off_heap,
                memory.container()
            ),
            (10 * GIB, 2 * GIB, GIB, 13 * GIB)
        );
        assert_eq!(
            settings.executor_memory(0).map(|memory| memory.heap),
            Some(4 * GIB)
        );
    }

    #[test]
    fn defaults_and_the_masters_name_tell_the_shape() {
        let shape = |properties: Properties<'_>, seen, driver| {
            let environment = environment(properties);
            let settings = Shape::new(&environment, "event_log", Some("3.5.1"));
            let shown = settings.application("orders", seen, driver);
            (
                shown.executor_cores,
                shown.executor_memory.map(|memory| memory.heap),
                shown.is_local,
            )
        };
        let local = |master| shape(&[("spark.master", master)], None, None);
        assert_eq!(local("local"), (Some(1), Some(GIB), Some(true)));
        assert_eq!(local("local[3]"), (Some(3), Some(GIB), Some(true)));
        assert_eq!(local("local[4,2]"), (Some(4), Some(GIB), Some(true)));
        assert_eq!(local("local[*]"), (None, Some(GIB), Some(true)));
        assert_eq!(
            shape(
                &[("spark.master", "local[*]"), ("spark.driver.memory", "8g")],
                None,
                Some(16)
            ),
            (Some(16), Some(8 * GIB), Some(true))
        );
        assert_eq!(local("yarn"), (Some(1), Some(GIB), Some(false)));
        assert_eq!(
            shape(&[("spark.master", "spark://h:7077")], Some(8), None),
            (Some(8), Some(GIB), Some(false))
        );
        assert_eq!(
            shape(&[("spark.executor.cores", "4")], None, None),
            (Some(4), Some(GIB), None)
        );
    }

    #[test]
    fn databricks_jobs_are_known_by_their_clusters() {
        let key = |cluster: &str| {
            let environment =
                environment(&[("spark.databricks.clusterUsageTags.clusterName", cluster)]);
            let settings = Shape::new(&environment, "databricks", None);
            let shown = settings.application("Databricks Shell", None, None);
            (shown.job_key, shown.job_run_id, shown.is_interactive)
        };
        assert_eq!(
            key("job-123-run-456-main"),
            (Some("job 123".to_owned()), Some("456".to_owned()), false)
        );
        assert_eq!(key("shared"), (None, None, true));
    }

    #[test]
    fn dynamic_allocation_needs_a_cluster() {
        let effective = |master: &str| {
            let environment = environment(&[
                ("spark.master", master),
                ("spark.dynamicAllocation.enabled", "TRUE"),
            ]);
            let settings = Shape::new(&environment, "event_log", Some("3.5.1"));
            settings.application("x", None, None).dynamic_allocation
        };
        assert_eq!(effective("yarn"), Some(true));
        assert_eq!(effective("local[2]"), Some(false));
    }
}
