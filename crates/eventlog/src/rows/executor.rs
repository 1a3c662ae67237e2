//! Tables `executors` and `processes`.

use std::collections::BTreeMap;

use crate::RowError;
use compact_str::CompactString;

use crate::event::ExecutorMetrics;

use super::text::{json_map, object};
use super::{FactTable, RowWriter, append_peaks};

/// Storage memory of one executor, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryMetrics {
    pub used_on_heap: i64,
    pub used_off_heap: i64,
    pub total_on_heap: i64,
    pub total_off_heap: i64,
}

/// Memory that one executor asks for, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorMemory {
    pub heap: i64,
    /// What the container has beside the heap: JVM internals, Python, buffers.
    pub overhead: i64,
    pub off_heap: i64,
    pub pyspark: i64,
}

impl ExecutorMemory {
    /// Memory of a process without a container.
    #[must_use]
    pub fn heap_only(heap: i64) -> Self {
        Self {
            heap,
            overhead: 0,
            off_heap: 0,
            pyspark: 0,
        }
    }

    /// All of it together: what the cluster manager is asked for.
    #[must_use]
    pub fn container(&self) -> i64 {
        self.heap
            .saturating_add(self.overhead)
            .saturating_add(self.off_heap)
            .saturating_add(self.pyspark)
    }
}

/// One executor. Times are epoch milliseconds, `total_duration` and `total_gc_time` milliseconds.
#[derive(Debug, Clone, Default)]
pub struct ExecutorRow {
    pub executor_id: CompactString,
    pub host_port: Option<Box<str>>,
    pub is_active: bool,
    pub rdd_blocks: i64,
    pub memory_used: i64,
    pub disk_used: i64,
    pub total_cores: i64,
    pub max_tasks: i64,
    pub active_tasks: i64,
    pub failed_tasks: i64,
    pub completed_tasks: i64,
    pub total_tasks: i64,
    pub total_duration: i64,
    pub total_gc_time: i64,
    pub total_input_bytes: i64,
    pub total_shuffle_read: i64,
    pub total_shuffle_write: i64,
    pub is_excluded: bool,
    pub max_memory: i64,
    pub add_time: i64,
    pub remove_time: Option<i64>,
    pub remove_reason: Option<Box<str>>,
    /// JSON object of log name to URL; empty where there is none.
    pub executor_logs: Box<str>,
    pub memory_metrics: Option<MemoryMetrics>,
    pub excluded_in_stages: Vec<i64>,
    pub peaks: Option<Box<ExecutorMetrics>>,
    /// JSON objects, empty where there is nothing.
    pub attributes: Box<str>,
    pub resources: Box<str>,
    pub resource_profile_id: i64,
    pub lifetime_ms: Option<i64>,
    /// Why the executor went: `idle`, `spot`, `oom`, `killed`, `decommissioned`, `lost` or `app_end`.
    pub loss_kind: Option<&'static str>,
    /// The exit code that `remove_reason` names.
    pub exit_code: Option<i64>,
    /// How often it was added.
    pub num_registrations: i64,
    pub memory: Option<ExecutorMemory>,
    /// Core-milliseconds over all its lives; `None` where it has no cores.
    pub core_time_ms: Option<i64>,
}

impl ExecutorRow {
    /// Log URLs as a JSON object.
    #[must_use]
    pub fn logs_json(&self) -> &str {
        object(&self.executor_logs)
    }

    /// Heap times lifetime, in byte-milliseconds.
    #[must_use]
    pub fn heap_time_byte_ms(&self) -> Option<i64> {
        self.over_lifetime(self.memory?.heap)
    }

    /// Container memory times lifetime, in byte-milliseconds.
    #[must_use]
    pub fn container_time_byte_ms(&self) -> Option<i64> {
        self.over_lifetime(self.memory?.container())
    }

    fn over_lifetime(&self, bytes: i64) -> Option<i64> {
        Some(self.lifetime_ms?.saturating_mul(bytes))
    }

    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::Executors, |row| {
            let memory = self.memory_metrics;
            row.string("executor_id", &self.executor_id)
                .opt_string("host_port", self.host_port.as_deref())
                .boolean("is_active", self.is_active)
                .bigint("rdd_blocks", self.rdd_blocks)
                .bigint("memory_used", self.memory_used)
                .bigint("disk_used", self.disk_used)
                .bigint("total_cores", self.total_cores)
                .bigint("max_tasks", self.max_tasks)
                .bigint("active_tasks", self.active_tasks)
                .bigint("failed_tasks", self.failed_tasks)
                .bigint("completed_tasks", self.completed_tasks)
                .bigint("total_tasks", self.total_tasks)
                .bigint("total_duration", self.total_duration)
                .bigint("total_gc_time", self.total_gc_time)
                .bigint("total_input_bytes", self.total_input_bytes)
                .bigint("total_shuffle_read", self.total_shuffle_read)
                .bigint("total_shuffle_write", self.total_shuffle_write)
                .boolean("is_blacklisted", self.is_excluded)
                .bigint("max_memory", self.max_memory)
                .opt_timestamp_ms("add_time", Some(self.add_time).filter(|time| *time > 0))
                .opt_timestamp_ms("remove_time", self.remove_time)
                .opt_string("remove_reason", self.remove_reason.as_deref())
                .opt_string("executor_logs", Some(self.logs_json()))
                .opt_bigint(
                    "used_on_heap_storage_memory",
                    memory.map(|m| m.used_on_heap),
                )
                .opt_bigint(
                    "used_off_heap_storage_memory",
                    memory.map(|m| m.used_off_heap),
                )
                .opt_bigint(
                    "total_on_heap_storage_memory",
                    memory.map(|m| m.total_on_heap),
                )
                .opt_bigint(
                    "total_off_heap_storage_memory",
                    memory.map(|m| m.total_off_heap),
                )
                .bigint_array("blacklisted_in_stages", &self.excluded_in_stages);
            append_peaks(row, self.peaks.as_deref());
            row.opt_string("attributes", Some(object(&self.attributes)))
                .opt_string("resources", Some(object(&self.resources)))
                .opt_bigint("resource_profile_id", Some(self.resource_profile_id))
                .boolean("is_excluded", self.is_excluded)
                .bigint_array("excluded_in_stages", &self.excluded_in_stages)
                .opt_bigint("lifetime_ms", self.lifetime_ms)
                .opt_string("loss_kind", self.loss_kind)
                .opt_bigint("exit_code", self.exit_code)
                .opt_bigint("num_registrations", Some(self.num_registrations))
                .opt_bigint("core_time_ms", self.core_time_ms)
                .opt_bigint("executor_memory_bytes", self.memory.map(|m| m.heap))
                .opt_bigint("memory_overhead_bytes", self.memory.map(|m| m.overhead))
                .opt_bigint("off_heap_memory_bytes", self.memory.map(|m| m.off_heap))
                .opt_bigint("pyspark_memory_bytes", self.memory.map(|m| m.pyspark))
                .opt_bigint("container_memory_bytes", self.memory.map(|m| m.container()))
                .opt_bigint(
                    "container_memory_time_byte_ms",
                    self.container_time_byte_ms(),
                );
        })
    }
}

/// A process that is no executor, such as YARN's application master.
#[derive(Debug, Clone)]
pub struct ProcessRow {
    pub process_id: String,
    pub host_port: String,
    pub is_active: bool,
    pub total_cores: i64,
    pub add_time: i64,
    pub remove_time: Option<i64>,
    pub process_logs: BTreeMap<String, String>,
}

impl ProcessRow {
    /// Appends the row.
    ///
    /// # Errors
    /// As [`RowWriter::append`].
    pub fn append(&self, writer: &mut RowWriter<'_>) -> Result<(), RowError> {
        writer.append(FactTable::Processes, |row| {
            row.string("process_id", &self.process_id)
                .opt_string("host_port", Some(&self.host_port))
                .boolean("is_active", self.is_active)
                .bigint("total_cores", self.total_cores)
                .opt_timestamp_ms("add_time", Some(self.add_time).filter(|time| *time > 0))
                .opt_timestamp_ms("remove_time", self.remove_time)
                .opt_string("process_logs", Some(&json_map(&self.process_logs)));
        })
    }
}
