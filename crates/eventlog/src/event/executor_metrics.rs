//! Peak executor metrics: memory and garbage collection as the executor polled them.

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Number of executor metrics that Spark 4.1 knows.
pub const EXECUTOR_METRIC_COUNT: usize = 23;

/// Names in the order of Spark's REST answers. Memory in bytes, times in milliseconds.
pub const EXECUTOR_METRICS: [&str; EXECUTOR_METRIC_COUNT] = [
    "JVMHeapMemory",
    "JVMOffHeapMemory",
    "OnHeapExecutionMemory",
    "OffHeapExecutionMemory",
    "OnHeapStorageMemory",
    "OffHeapStorageMemory",
    "OnHeapUnifiedMemory",
    "OffHeapUnifiedMemory",
    "DirectPoolMemory",
    "MappedPoolMemory",
    "ProcessTreeJVMVMemory",
    "ProcessTreeJVMRSSMemory",
    "ProcessTreePythonVMemory",
    "ProcessTreePythonRSSMemory",
    "ProcessTreeOtherVMemory",
    "ProcessTreeOtherRSSMemory",
    "MinorGCCount",
    "MinorGCTime",
    "MajorGCCount",
    "MajorGCTime",
    "TotalGCTime",
    "ConcurrentGCCount",
    "ConcurrentGCTime",
];

/// One reading of all executor metrics, in the order of [`EXECUTOR_METRICS`]; what a version does not
/// know is 0, as Spark's own reader has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorMetrics(pub [i64; EXECUTOR_METRIC_COUNT]);

impl Default for ExecutorMetrics {
    fn default() -> Self {
        Self([0; EXECUTOR_METRIC_COUNT])
    }
}

impl ExecutorMetrics {
    /// What Spark holds before the first reading: its first metric is below any reading.
    pub const UNSET: Self = {
        let mut values = [0; EXECUTOR_METRIC_COUNT];
        values[0] = -1;
        Self(values)
    };

    /// Whether there was a reading. A task that was lost with its executor ends without one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        let [first, ..] = self.0;
        first > -1
    }

    /// Raises each metric to the larger of the two readings.
    pub fn raise_to(&mut self, other: &Self) {
        for (peak, value) in self.0.iter_mut().zip(other.0) {
            *peak = (*peak).max(value);
        }
    }

    /// The `TotalGCTime` metric in milliseconds.
    #[must_use]
    pub fn total_gc_time(&self) -> i64 {
        let [.., total, _, _] = self.0;
        total
    }

    pub(super) fn set(&mut self, name: &str, value: i64) {
        if let Some(slot) = EXECUTOR_METRICS
            .iter()
            .position(|known| *known == name)
            .and_then(|at| self.0.get_mut(at))
        {
            *slot = value;
        }
    }
}

impl<'de> Deserialize<'de> for ExecutorMetrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetricsVisitor;

        impl<'de> Visitor<'de> for MetricsVisitor {
            type Value = ExecutorMetrics;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a map of executor metrics")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut metrics = ExecutorMetrics::default();
                while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    // Vendors add metrics of their own, not all of them whole numbers.
                    if EXECUTOR_METRICS.contains(&name.as_ref()) {
                        metrics.set(&name, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(metrics)
            }
        }

        deserializer.deserialize_map(MetricsVisitor)
    }
}
