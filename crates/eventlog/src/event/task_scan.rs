//! The hot path: task starts and ends as Spark writes them, scanned without a JSON parser.
//!
//! Spark writes the keys of these events in one fixed order and without blanks, so most of a line
//! can be recognised by comparing bytes. The scanner knows that order and nothing else: at the
//! first byte it does not expect it gives up (`None`), and serde parses the line instead. What it
//! does return is what serde would have returned; `tests/it/event_parsers.rs` compares the two on
//! every line of every log.

use compact_str::CompactString;

use super::executor_metrics::{EXECUTOR_METRICS, ExecutorMetrics};
use super::task::{
    Accumulable, EndReason, InputMetrics, OutputMetrics, ShufflePushReadMetrics,
    ShuffleReadMetrics, ShuffleWriteMetrics, SqlUpdate, TaskEnd, TaskInfo, TaskMetrics, TaskStart,
};

/// Scans task events of one log.
#[derive(Debug, Default)]
pub(super) struct TaskScanner {
    /// The last executor metrics block and what it says: neighboring tasks mostly repeat it,
    /// since it is all zeros unless polling is on.
    last_metrics_text: Vec<u8>,
    last_metrics: ExecutorMetrics,
    /// Size hint for the next task's SQL updates.
    sql_updates: usize,
}

impl TaskScanner {
    pub(super) fn task_start(&mut self, line: &[u8]) -> Option<TaskStart> {
        let mut cursor = Cursor { rest: line };
        cursor.literal(b"{\"Event\":\"SparkListenerTaskStart\",\"Stage ID\":")?;
        let stage_id = cursor.integer()?;
        cursor.literal(b",\"Stage Attempt ID\":")?;
        let stage_attempt_id = cursor.integer()?;
        cursor.literal(b",\"Task Info\":{")?;
        let mut info = task_info_head(&mut cursor)?;
        if cursor.rest != b"]}}" {
            // Before 3.4 a start may carry accumulables: the event shares its task info with the end.
            self.accumulables(&mut cursor, &mut info)?;
            (cursor.rest == b"]}}").then_some(())?;
        }
        Some(TaskStart {
            stage_id,
            stage_attempt_id,
            info,
        })
    }

    pub(super) fn task_end(&mut self, line: &[u8]) -> Option<Box<TaskEnd>> {
        let mut cursor = Cursor { rest: line };
        cursor.literal(b"{\"Event\":\"SparkListenerTaskEnd\",\"Stage ID\":")?;
        let stage_id = cursor.integer()?;
        cursor.literal(b",\"Stage Attempt ID\":")?;
        let stage_attempt_id = cursor.integer()?;
        cursor.literal(b",\"Task Type\":")?;
        let task_type = cursor.text()?;
        // Other reasons carry messages and stack traces: rare, and serde's business.
        cursor.literal(b",\"Task End Reason\":{\"Reason\":\"Success\"},\"Task Info\":{")?;
        let mut info = task_info_head(&mut cursor)?;
        self.accumulables(&mut cursor, &mut info)?;
        cursor.literal(b"]},")?;
        let executor_metrics = if cursor.skip(b"\"Task Executor Metrics\":{") {
            let metrics = self.executor_metrics(&mut cursor)?;
            cursor.literal(b"},")?;
            metrics
        } else {
            ExecutorMetrics::default()
        };
        cursor.literal(b"\"Task Metrics\":{")?;
        let metrics = task_metrics(&mut cursor)?;
        (cursor.rest == b"}}").then_some(())?;
        Some(Box::new(TaskEnd {
            stage_id,
            stage_attempt_id,
            task_type,
            reason: EndReason::success(),
            info,
            executor_metrics,
            metrics,
        }))
    }

    /// The elements of `Accumulables`, up to (not including) the closing bracket.
    fn accumulables(&mut self, cursor: &mut Cursor<'_>, info: &mut TaskInfo) -> Option<()> {
        if cursor.peek()? == b']' {
            return Some(());
        }
        info.sql_updates.reserve(self.sql_updates);
        loop {
            cursor.literal(b"{\"ID\":")?;
            let id = cursor.integer()?;
            if cursor.skip(b",\"Name\":\"internal.metrics.") {
                skip_internal_accumulable(cursor)?;
            } else {
                accumulable(cursor, id, info)?;
            }
            if !cursor.skip(b",") {
                break;
            }
        }
        self.sql_updates = info.sql_updates.len();
        Some(())
    }

    /// The members of the executor metrics object, up to (not including) its closing brace.
    fn executor_metrics(&mut self, cursor: &mut Cursor<'_>) -> Option<ExecutorMetrics> {
        let known = self.last_metrics_text.len();
        if known > 0
            && cursor.rest.get(known) == Some(&b'}')
            && cursor.rest.get(..known) == Some(self.last_metrics_text.as_slice())
        {
            cursor.rest = cursor.rest.get(known..)?;
            return Some(self.last_metrics);
        }
        let text = cursor.rest.get(..memchr::memchr(b'}', cursor.rest)?)?;
        let mut metrics = ExecutorMetrics::default();
        let mut members = Cursor { rest: text };
        while !members.rest.is_empty() {
            let name = members.plain_text()?;
            members.literal(b":")?;
            // Other vendors' metrics may be fractional or nested: not for this scanner.
            EXECUTOR_METRICS.contains(&name).then_some(())?;
            metrics.set(name, members.integer()?);
            if !members.skip(b",") {
                members.rest.is_empty().then_some(())?;
            }
        }
        self.last_metrics_text.clear();
        self.last_metrics_text.extend_from_slice(text);
        self.last_metrics = metrics;
        cursor.rest = cursor.rest.get(text.len()..)?;
        Some(metrics)
    }
}

/// Members of `Task Info` up to and including `"Accumulables":[`.
fn task_info_head(cursor: &mut Cursor<'_>) -> Option<TaskInfo> {
    cursor.literal(b"\"Task ID\":")?;
    let task_id = cursor.integer()?;
    cursor.literal(b",\"Index\":")?;
    let index = cursor.integer()?;
    cursor.literal(b",\"Attempt\":")?;
    let attempt = cursor.integer()?;
    let partition_id = if cursor.skip(b",\"Partition ID\":") {
        cursor.integer()?
    } else {
        -1
    };
    cursor.literal(b",\"Launch Time\":")?;
    let launch_time = cursor.integer()?;
    cursor.literal(b",\"Executor ID\":")?;
    let executor_id = cursor.text()?;
    cursor.literal(b",\"Host\":")?;
    let host = cursor.text()?;
    cursor.literal(b",\"Locality\":")?;
    let locality = cursor.text()?;
    cursor.literal(b",\"Speculative\":")?;
    let speculative = cursor.boolean()?;
    cursor.literal(b",\"Getting Result Time\":")?;
    let getting_result_time = cursor.integer()?;
    cursor.literal(b",\"Finish Time\":")?;
    let finish_time = cursor.integer()?;
    cursor.literal(b",\"Failed\":")?;
    let failed = cursor.boolean()?;
    cursor.literal(b",\"Killed\":")?;
    let killed = cursor.boolean()?;
    cursor.literal(b",\"Accumulables\":[")?;
    Some(TaskInfo {
        task_id,
        index,
        attempt,
        partition_id,
        launch_time,
        executor_id,
        host,
        locality,
        speculative,
        getting_result_time,
        finish_time,
        failed,
        killed,
        sql_updates: Vec::new(),
        accumulables: Vec::new(),
    })
}

/// What follows `"internal.metrics.` of an accumulable whose value is a number: these repeat the
/// task metrics. The one with a list as value is left to serde, and so is one that bears the name
/// but is not said to be internal.
fn skip_internal_accumulable(cursor: &mut Cursor<'_>) -> Option<()> {
    let end = memchr::memchr2(b'"', b'\\', cursor.rest)?;
    cursor.rest = cursor.rest.get(end..)?;
    cursor.literal(b"\"")?;
    for key in [&b",\"Update\":"[..], b",\"Value\":"] {
        if cursor.skip(key) {
            cursor.skip_integer();
        }
    }
    cursor.literal(b",\"Internal\":true,\"Count Failed Values\":true}")
}

/// An accumulable that is not Spark's own, after its id.
fn accumulable(cursor: &mut Cursor<'_>, id: i64, info: &mut TaskInfo) -> Option<()> {
    let name = if cursor.skip(b",\"Name\":") {
        Some(cursor.plain_text()?)
    } else {
        None
    };
    let update = if cursor.skip(b",\"Update\":") {
        Some(cursor.plain_text()?)
    } else {
        None
    };
    let value = if cursor.skip(b",\"Value\":") {
        Some(cursor.plain_text()?)
    } else {
        None
    };
    cursor.literal(b",\"Internal\":")?;
    let internal = cursor.boolean()?;
    cursor.literal(b",\"Count Failed Values\":")?;
    cursor.boolean()?;
    if cursor.skip(b",\"Metadata\":\"sql\"}") {
        if let Some(value) = update.and_then(|update| update.parse().ok()) {
            info.sql_updates.push(SqlUpdate {
                accumulator_id: id,
                value,
            });
        }
        return Some(());
    }
    cursor.literal(b"}")?;
    if !internal {
        info.accumulables.push(Accumulable {
            id,
            name: name.map(str::to_owned),
            update: update.map(str::to_owned),
            value: value.map(str::to_owned),
            internal,
            metadata: None,
        });
    }
    Some(())
}

/// Members of `Task Metrics` including its closing brace's predecessor, in the order of all writers since 1.6.
fn task_metrics(cursor: &mut Cursor<'_>) -> Option<TaskMetrics> {
    cursor.literal(b"\"Executor Deserialize Time\":")?;
    let executor_deserialize_time = cursor.integer()?;
    let executor_deserialize_cpu_time = cursor.optional(b",\"Executor Deserialize CPU Time\":")?;
    cursor.literal(b",\"Executor Run Time\":")?;
    let executor_run_time = cursor.integer()?;
    let executor_cpu_time = cursor.optional(b",\"Executor CPU Time\":")?;
    let peak_execution_memory = cursor.optional(b",\"Peak Execution Memory\":")?;
    let peak_on_heap_execution_memory = cursor.optional(b",\"Peak On Heap Execution Memory\":")?;
    let peak_off_heap_execution_memory =
        cursor.optional(b",\"Peak Off Heap Execution Memory\":")?;
    cursor.literal(b",\"Result Size\":")?;
    let result_size = cursor.integer()?;
    cursor.literal(b",\"JVM GC Time\":")?;
    let jvm_gc_time = cursor.integer()?;
    cursor.literal(b",\"Result Serialization Time\":")?;
    let result_serialization_time = cursor.integer()?;
    cursor.literal(b",\"Memory Bytes Spilled\":")?;
    let memory_bytes_spilled = cursor.integer()?;
    cursor.literal(b",\"Disk Bytes Spilled\":")?;
    let disk_bytes_spilled = cursor.integer()?;
    cursor.literal(b",\"Shuffle Read Metrics\":{")?;
    let shuffle_read = shuffle_read_metrics(cursor)?;
    cursor.literal(b",\"Shuffle Write Metrics\":{\"Shuffle Bytes Written\":")?;
    let bytes_written = cursor.integer()?;
    cursor.literal(b",\"Shuffle Write Time\":")?;
    let write_time = cursor.integer()?;
    cursor.literal(b",\"Shuffle Records Written\":")?;
    let records_written = cursor.integer()?;
    cursor.literal(b"},\"Input Metrics\":{\"Bytes Read\":")?;
    let input_bytes = cursor.integer()?;
    cursor.literal(b",\"Records Read\":")?;
    let input_records = cursor.integer()?;
    cursor.literal(b"},\"Output Metrics\":{\"Bytes Written\":")?;
    let output_bytes = cursor.integer()?;
    cursor.literal(b",\"Records Written\":")?;
    let output_records = cursor.integer()?;
    // Block updates are listed only for cached data; serde reads them.
    cursor.literal(b"},\"Updated Blocks\":[]")?;
    Some(TaskMetrics {
        executor_deserialize_time,
        executor_deserialize_cpu_time,
        executor_run_time,
        executor_cpu_time,
        peak_execution_memory,
        peak_on_heap_execution_memory,
        peak_off_heap_execution_memory,
        result_size,
        jvm_gc_time,
        result_serialization_time,
        memory_bytes_spilled,
        disk_bytes_spilled,
        shuffle_read,
        shuffle_write: ShuffleWriteMetrics {
            bytes_written,
            write_time,
            records_written,
        },
        input: InputMetrics {
            bytes_read: input_bytes,
            records_read: input_records,
        },
        output: OutputMetrics {
            bytes_written: output_bytes,
            records_written: output_records,
        },
        updated_blocks: Vec::new(),
    })
}

/// Members of `Shuffle Read Metrics` and its closing brace.
fn shuffle_read_metrics(cursor: &mut Cursor<'_>) -> Option<ShuffleReadMetrics> {
    cursor.literal(b"\"Remote Blocks Fetched\":")?;
    let remote_blocks_fetched = cursor.integer()?;
    cursor.literal(b",\"Local Blocks Fetched\":")?;
    let local_blocks_fetched = cursor.integer()?;
    cursor.literal(b",\"Fetch Wait Time\":")?;
    let fetch_wait_time = cursor.integer()?;
    cursor.literal(b",\"Remote Bytes Read\":")?;
    let remote_bytes_read = cursor.integer()?;
    let remote_bytes_read_to_disk = cursor.optional(b",\"Remote Bytes Read To Disk\":")?;
    cursor.literal(b",\"Local Bytes Read\":")?;
    let local_bytes_read = cursor.integer()?;
    cursor.literal(b",\"Total Records Read\":")?;
    let records_read = cursor.integer()?;
    let remote_reqs_duration = cursor.optional(b",\"Remote Requests Duration\":")?;
    let push = if cursor.skip(b",\"Push Based Shuffle\":{") {
        push_metrics(cursor)?
    } else {
        ShufflePushReadMetrics::default()
    };
    cursor.literal(b"}")?;
    Some(ShuffleReadMetrics {
        remote_blocks_fetched,
        local_blocks_fetched,
        fetch_wait_time,
        remote_bytes_read,
        remote_bytes_read_to_disk,
        local_bytes_read,
        records_read,
        remote_reqs_duration,
        push,
    })
}

/// Members of `Push Based Shuffle` and its closing brace.
fn push_metrics(cursor: &mut Cursor<'_>) -> Option<ShufflePushReadMetrics> {
    cursor.literal(b"\"Corrupt Merged Block Chunks\":")?;
    let corrupt_merged_block_chunks = cursor.integer()?;
    cursor.literal(b",\"Merged Fetch Fallback Count\":")?;
    let merged_fetch_fallback_count = cursor.integer()?;
    cursor.literal(b",\"Merged Remote Blocks Fetched\":")?;
    let remote_merged_blocks_fetched = cursor.integer()?;
    cursor.literal(b",\"Merged Local Blocks Fetched\":")?;
    let local_merged_blocks_fetched = cursor.integer()?;
    cursor.literal(b",\"Merged Remote Chunks Fetched\":")?;
    let remote_merged_chunks_fetched = cursor.integer()?;
    cursor.literal(b",\"Merged Local Chunks Fetched\":")?;
    let local_merged_chunks_fetched = cursor.integer()?;
    cursor.literal(b",\"Merged Remote Bytes Read\":")?;
    let remote_merged_bytes_read = cursor.integer()?;
    cursor.literal(b",\"Merged Local Bytes Read\":")?;
    let local_merged_bytes_read = cursor.integer()?;
    cursor.literal(b",\"Merged Remote Requests Duration\":")?;
    let remote_merged_reqs_duration = cursor.integer()?;
    cursor.literal(b"}")?;
    Some(ShufflePushReadMetrics {
        corrupt_merged_block_chunks,
        merged_fetch_fallback_count,
        remote_merged_blocks_fetched,
        local_merged_blocks_fetched,
        remote_merged_chunks_fetched,
        local_merged_chunks_fetched,
        remote_merged_bytes_read,
        local_merged_bytes_read,
        remote_merged_reqs_duration,
    })
}

/// What is left of a line.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline]
    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    #[inline]
    fn skip(&mut self, literal: &[u8]) -> bool {
        self.literal(literal).is_some()
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The number behind `key`, or 0 where the writer does not know the key.
    #[inline]
    fn optional(&mut self, key: &[u8]) -> Option<i64> {
        if self.skip(key) {
            self.integer()
        } else {
            Some(0)
        }
    }

    /// A whole number that JSON allows and `i64` holds.
    #[inline]
    fn integer(&mut self) -> Option<i64> {
        let negative = self.skip(b"-");
        let mut value: i64 = 0;
        let mut digits = 0_usize;
        while let Some(digit) = self
            .rest
            .get(digits)
            .map(|byte| byte.wrapping_sub(b'0'))
            .filter(|digit| *digit < 10)
        {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
            digits += 1;
        }
        // 18 digits cannot overflow; longer numbers, leading zeros and fractions are serde's.
        let leading_zero = digits > 1 && self.rest.first() == Some(&b'0');
        if digits == 0 || digits > 18 || leading_zero {
            return None;
        }
        self.rest = self.rest.get(digits..)?;
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        Some(if negative { -value } else { value })
    }

    /// Digits whose value is not needed.
    #[inline]
    fn skip_integer(&mut self) {
        self.skip(b"-");
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        self.rest = self.rest.get(digits.count()..).unwrap_or_default();
    }

    #[inline]
    fn boolean(&mut self) -> Option<bool> {
        if self.skip(b"false") {
            Some(false)
        } else {
            self.literal(b"true")?;
            Some(true)
        }
    }

    /// A string without escapes or control characters.
    #[inline]
    fn plain_text(&mut self) -> Option<&'a str> {
        self.literal(b"\"")?;
        let end = memchr::memchr(b'"', self.rest)?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        if text.iter().any(|byte| *byte == b'\\' || *byte < b' ') {
            return None;
        }
        self.rest = rest.get(1..)?;
        std::str::from_utf8(text).ok()
    }

    #[inline]
    fn text(&mut self) -> Option<CompactString> {
        self.plain_text().map(CompactString::new)
    }
}
