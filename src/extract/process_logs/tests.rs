//! Logs as Spark, YARN and Python write them, and such as nobody should.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use flate2::Compression;
use flate2::write::GzEncoder;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use tokio::runtime::Runtime;

use super::*;
use crate::extract::rows::{FactTable, HistoryContext, RowSink, SinkError};

/// A line, and the signature it matches.
const LINES: &[(&str, Option<&str>)] = &[
    (
        "24/05/01 10:00:00 INFO SparkContext: Running Spark version 3.5.1",
        None,
    ),
    (
        "24/05/01 10:00:00 INFO Executor: Finished task 143.0 in stage 137.0 (TID 137)",
        None,
    ),
    (
        "24/05/01 10:00:00 INFO SparkEnv: spark.driver.maxResultSize=4g",
        None,
    ),
    (
        "24/05/01 10:00:00 INFO DAGScheduler: Job 3 finished: count at x.scala:3, took 1.37 s",
        None,
    ),
    (
        "24/05/01 10:02:03 ERROR Executor: Exception in task 7.0 in stage 4.0 (TID 91) java.lang.OutOfMemoryError: Java heap space",
        Some("java_heap_out_of_memory"),
    ),
    (
        "java.lang.OutOfMemoryError: GC overhead limit exceeded",
        Some("gc_overhead_limit"),
    ),
    (
        "java.lang.OutOfMemoryError: Cannot reserve 16777216 bytes of direct buffer memory (allocated: 1, limit: 2)",
        Some("direct_memory_out_of_memory"),
    ),
    (
        "java.lang.OutOfMemoryError: Metaspace",
        Some("metaspace_out_of_memory"),
    ),
    (
        "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory",
        Some("too_many_threads"),
    ),
    (
        "24/05/01 10:02:03 ERROR YarnClusterScheduler: Lost executor 3 on ip-10-0-0-1: Container killed by YARN for exceeding memory limits. 11.1 GB of 11 GB physical memory used.",
        Some("container_killed_memory"),
    ),
    (
        "Container [pid=1,containerID=container_1] is running 123B beyond the 'PHYSICAL' memory limit.",
        Some("container_killed_memory"),
    ),
    (
        "Container exited with a non-zero exit code 137. Error file: prelaunch.err.",
        Some("container_killed_memory"),
    ),
    ("Exit code: 137", Some("container_killed_memory")),
    (
        "Container exited with a non-zero exit code 143",
        Some("container_terminated"),
    ),
    (
        "org.apache.spark.memory.SparkOutOfMemoryError: Unable to acquire 65536 bytes of memory, got 0",
        Some("memory_not_acquired"),
    ),
    (
        "24/05/01 10:02:03 WARN YarnAllocator: Container from a bad node. Exit status: -100. Diagnostics: Container released on a *lost* node.",
        Some("spot_reclaimed"),
    ),
    (
        "Executor lost: Spot instance was terminated by the cloud provider",
        Some("spot_reclaimed"),
    ),
    (
        "24/05/01 10:02:03 WARN TaskSetManager: Lost task 1.0 in stage 2.0: ExecutorLostFailure (executor 5 exited caused by one of the running tasks) Reason: Executor heartbeat timed out after 160000 ms",
        Some("executor_heartbeat_timeout"),
    ),
    (
        "24/05/01 10:02:03 ERROR TaskSchedulerImpl: Lost executor 4 on 10.0.0.9: Remote RPC client disassociated.",
        Some("executor_lost"),
    ),
    (
        "java.io.IOException: No space left on device",
        Some("no_space_left"),
    ),
    (
        "1/1 local-dirs usable space is below configured utilization percentage/no more usable space [ /mnt/yarn : used space above threshold of 90.0% ]",
        Some("disk_unhealthy"),
    ),
    (
        "org.apache.spark.shuffle.MetadataFetchFailedException: Missing an output location for shuffle 3 partition 7",
        Some("shuffle_fetch_failed"),
    ),
    (
        "24/05/01 10:02:03 WARN TaskSetManager: Lost task 0.0 in stage 6.1: FetchFailed(BlockManagerId(2, h, 7337, None), shuffleId=1)",
        Some("shuffle_fetch_failed"),
    ),
    (
        "com.amazon.ws.emr.hadoop.fs.shaded.AmazonS3Exception: Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: X)",
        Some("access_denied"),
    ),
    (
        "com.amazonaws.services.s3.model.AmazonS3Exception: Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown)",
        Some("storage_throttled"),
    ),
    (
        "com.amazonaws.services.glue.model.AWSGlueException: Rate exceeded (Service: AWSGlue; Status Code: 400; Error Code: ThrottlingException)",
        Some("metastore_throttled"),
    ),
    (
        "org.apache.spark.sql.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://bucket/in/2024-05-01.",
        Some("path_not_found"),
    ),
    (
        "java.lang.NoSuchMethodError: 'scala.collection.mutable.ArrayOps x'",
        Some("class_not_found"),
    ),
    (
        "ModuleNotFoundError: No module named 'pandas'",
        Some("python_module_missing"),
    ),
    ("MemoryError", Some("python_out_of_memory")),
    (
        "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)",
        Some("python_worker_crashed"),
    ),
    (
        "org.apache.spark.SparkException: Could not execute broadcast in 300 secs.",
        Some("broadcast_timeout"),
    ),
    (
        "org.apache.spark.SparkException: Cannot broadcast the table that is larger than 8.0 GiB: 9.0 GiB",
        Some("broadcast_too_large"),
    ),
    (
        "org.apache.spark.SparkException: Kryo serialization failed: Buffer overflow. Available: 0, required: 1",
        Some("kryo_buffer_overflow"),
    ),
    (
        "org.apache.spark.SparkException: Job aborted due to stage failure: Total size of serialized results of 16 tasks (1048.5 MB) is bigger than spark.driver.maxResultSize (1024.0 MB)",
        Some("max_result_size_exceeded"),
    ),
    (
        "Parquet column cannot be converted in file s3://b/f.parquet. Column: [id], Expected: bigint, Found: INT32",
        Some("parquet_schema_mismatch"),
    ),
    (
        "24/05/01 10:02:03 WARN Executor: Issue communicating with driver in heartbeater",
        Some("driver_not_responding"),
    ),
    (
        "org.apache.spark.SparkException: Job aborted due to stage failure: Task 3 failed 4 times",
        Some("job_aborted"),
    ),
];

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

/// A place with these files.
fn place(runtime: &Runtime, files: &[(&str, Vec<u8>)]) -> ProcessLogPlace {
    let store = InMemory::new();
    for (name, content) in files {
        let path = Path::from(format!("logs/{name}"));
        runtime
            .block_on(store.put(&path, content.clone().into()))
            .expect("memory");
    }
    ProcessLogPlace {
        process: LoggedProcess::Executor,
        uri: "s3://bucket/logs".to_owned(),
        store: Arc::new(store),
        prefix: Path::from("logs"),
    }
}

fn scan_with(
    files: &[(&str, Vec<u8>)],
    scope: &ProcessLogScope<'_>,
    limits: &ProcessLogLimits,
) -> Scan {
    let runtime = runtime();
    let place = place(&runtime, files);
    scan(
        &[place],
        scope,
        limits,
        Signatures::built_in(),
        runtime.handle(),
    )
}

fn scan_files(files: &[(&str, Vec<u8>)]) -> Scan {
    scan_with(
        files,
        &ProcessLogScope::default(),
        &ProcessLogLimits::default(),
    )
}

fn ids(scan: &Scan) -> Vec<&str> {
    let findings = scan.findings.iter();
    findings
        .map(|finding| finding.signature.id.as_str())
        .collect()
}

#[test]
fn each_line_tells_of_the_trouble_that_it_should() {
    let signatures = Signatures::built_in();
    for (line, expected) in LINES {
        let found = signatures.first_match(line.as_bytes());
        assert_eq!(found.map(|found| found.id.as_str()), *expected, "{line}");
    }
}

#[test]
fn the_catalogue_is_complete_and_says_what_to_do() {
    let categories: HashSet<&str> = [
        "memory",
        "disk",
        "shuffle",
        "network",
        "resources",
        "spot",
        "permissions",
        "throttling",
        "data",
        "metadata",
        "dependencies",
        "python",
        "serialization",
        "reliability",
    ]
    .into();
    for signature in Signatures::built_in().all() {
        let id = &signature.id;
        assert!(categories.contains(signature.category.as_str()), "{id}");
        assert!(signature.recommendation.ends_with('.'), "{id}");
        let key = signature.config_key.as_deref().unwrap_or("spark.x");
        assert!(key.starts_with("spark.") || key.starts_with("fs."), "{id}");
    }
    let tested: BTreeSet<&str> = LINES.iter().filter_map(|(_, id)| *id).collect();
    assert!(tested.len() >= 28, "{}", tested.len());
}

#[test]
fn a_wrong_catalogue_names_its_line() {
    let signature = |id: &str, pattern: &str| {
        format!(
            "[[signature]]\nid = \"{id}\"\ntitle = \"t\"\ncategory = \"data\"\nseverity = \"low\"\n\
             patterns = ['{pattern}']\nrecommendation = \"r.\"\n"
        )
    };
    let refused = |text: String| Signatures::parse(&text).expect_err("wrong").to_string();
    let twice = signature("a", "x") + &signature("a", "y");
    assert!(refused(twice.clone()).contains("there twice"));
    assert_eq!(Signatures::parse(&twice).expect_err("wrong").line, 9);
    assert!(refused(signature("a", "(")).contains("unclosed group"));
    assert!(refused(signature("a", "x*")).contains("fits every line"));
    assert!(refused("[[signature]]\nid = 3".to_owned()).contains("string"));
    assert!(refused(signature("a", "x") + "priority = 1\n").contains("unknown field"));
    let own = Signatures::parse(&signature("own", "boom")).expect("right");
    assert_eq!(
        own.first_match(b"a boom").map(|s| s.id.as_str()),
        Some("own")
    );
}

#[test]
fn counts_times_and_places_come_from_all_files_plain_or_packed() {
    let first = b"24/05/01 10:00:00 ERROR X: java.lang.OutOfMemoryError: Java heap space\n\
                  \tat org.example.Foo\n\
                  Caused by: java.lang.OutOfMemoryError: Java heap space\n"
        .to_vec();
    let second = gzip(b"[2024-05-01 11:30:00.250] java.lang.OutOfMemoryError: Java heap space\r\n");
    let scan = scan_files(&[
        ("app-20240501100000-0000/0/stderr", first),
        ("app-20240501100000-0000/1/stderr.gz", second),
        ("app-20240501100000-0000/1/stdout", b"fine\n".to_vec()),
        (
            "app-20240501100000-0000/1/launch_container.sh",
            b"No space left on device".to_vec(),
        ),
    ]);
    assert!(scan.problems.is_empty(), "{:?}", scan.problems);
    assert_eq!((scan.files, scan.lines), (3, 5));
    assert!(!scan.is_truncated);
    let [finding] = scan.findings.as_slice() else {
        panic!("{:?}", scan.findings)
    };
    assert_eq!(finding.count, 3);
    let time = |text: &str| text.parse::<DateTime<Utc>>().ok();
    assert_eq!(finding.first_seen, time("2024-05-01T10:00:00Z"));
    assert_eq!(finding.last_seen, time("2024-05-01T11:30:00.250Z"));
    assert!(
        finding
            .log_uri
            .starts_with("s3://bucket/logs/app-20240501100000-0000/")
    );
    assert!(scan.bytes_read < scan.bytes_scanned + 100);
}

#[test]
fn lines_of_other_applications_and_times_are_left_out() {
    let line = |hour: u32| format!("24/05/01 {hour:02}:00:00 ERROR X: No space left on device\n");
    let text = (line(8) + "\tat x: No space left on device\n" + &line(10) + &line(20)).into_bytes();
    let scope = ProcessLogScope {
        application_id: Some("app-20240501100000-0000"),
        since: "2024-05-01T09:55:00Z".parse().ok(),
        until: "2024-05-01T10:30:00Z".parse().ok(),
    };
    let scan = scan_with(
        &[
            ("stderr", text.clone()),
            ("app-20240501100000-0000/0/stderr", text.clone()),
            ("app-20240501070000-0003/0/stderr", text),
        ],
        &scope,
        &ProcessLogLimits::default(),
    );
    assert_eq!(scan.files, 2);
    assert_eq!(scan.findings.first().map(|finding| finding.count), Some(2));
}

#[test]
fn reading_is_bounded_and_prefers_standard_error_and_the_end() {
    let mut large = vec![];
    for number in 0..20_000 {
        writeln!(large, "line {number} of no interest").expect("memory");
    }
    large.extend_from_slice(b"java.io.IOException: No space left on device\n");
    let limits = ProcessLogLimits {
        max_bytes_per_file: 1_000,
        ..ProcessLogLimits::default()
    };
    let scan = scan_with(
        &[("stderr", large.clone())],
        &ProcessLogScope::default(),
        &limits,
    );
    assert_eq!(ids(&scan), ["no_space_left"]);
    assert!(scan.is_truncated && scan.bytes_scanned <= 1_000);
    assert!(scan.lines < 40, "{}", scan.lines);

    let packed = [("stderr.gz", gzip(&large))];
    let scan = scan_with(&packed, &ProcessLogScope::default(), &limits);
    assert!(ids(&scan).is_empty() && scan.is_truncated);
    assert!(scan.bytes_scanned <= 1_000);

    let files = [
        (
            "a/stdout",
            b"Metaspace\njava.lang.OutOfMemoryError: Metaspace\n".to_vec(),
        ),
        (
            "b/stderr",
            b"java.io.IOException: No space left on device\n".to_vec(),
        ),
    ];
    let one_file = ProcessLogLimits {
        max_files: 1,
        ..ProcessLogLimits::default()
    };
    let scan = scan_with(&files, &ProcessLogScope::default(), &one_file);
    assert_eq!(
        (ids(&scan), scan.is_truncated),
        (vec!["no_space_left"], true)
    );
    let few_bytes = ProcessLogLimits {
        max_bytes_per_application: 45,
        ..ProcessLogLimits::default()
    };
    let scan = scan_with(&files, &ProcessLogScope::default(), &few_bytes);
    assert_eq!((scan.bytes_scanned, scan.is_truncated), (45, true));
}

#[test]
fn hostile_bytes_neither_stop_nor_blow_up_the_scan() {
    let no_line_end = vec![b'x'; 3 << 20];
    let mut binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    binary.extend_from_slice(b"\nERROR \xff\xfe\x1b[31m No space left on device \x00\xff\n");
    let bomb = gzip(&vec![b'a'; 40 << 20]);
    let mut cut = gzip(
        b"java.lang.OutOfMemoryError: Java heap space\n"
            .repeat(5_000)
            .as_slice(),
    );
    cut.truncate(cut.len() / 2);
    let damaged = [b"\x1f\x8b\x08\x00".to_vec(), vec![7; 200]].concat();
    let scan = scan_files(&[
        ("1/stderr", no_line_end),
        ("2/stderr", binary),
        ("3/stderr.gz", bomb),
        ("4/stderr.gz", cut),
        ("5/stderr.gz", damaged),
        ("6/stderr", b"\r\r\n\n\r".to_vec()),
    ]);
    assert_eq!(scan.files, 6);
    assert_eq!(scan.problems.len(), 2, "{:?}", scan.problems);
    assert!(scan.is_truncated);
    let excerpts: Vec<&str> = scan.findings.iter().map(|f| f.excerpt.as_str()).collect();
    assert!(ids(&scan).contains(&"no_space_left"), "{excerpts:?}");
    assert!(
        ids(&scan).contains(&"java_heap_out_of_memory"),
        "{excerpts:?}"
    );
    assert!(
        excerpts
            .iter()
            .all(|excerpt| !excerpt.contains(char::is_control))
    );
}

#[test]
fn excerpts_are_short_and_hold_no_secret() {
    let cases = [
        ("fs.s3a.secret.key=abcDEF123/xyz failed", "abcDEF123"),
        ("--password hunter22 --x", "hunter22"),
        ("\"token\" : \"t0ps3cret\", \"a\": 1", "t0ps3cret"),
        (
            "spark.hadoop.fs.azure.account.key.acc.dfs.core.windows.net: Zm9vYmFy== denied",
            "Zm9vYmFy",
        ),
        (
            "GET https://b.s3.amazonaws.com/k?X-Amz-Signature=deadbeef&X=1 403",
            "deadbeef",
        ),
        (
            "jdbc:postgresql://user:pa55word@host/db refused",
            "pa55word",
        ),
        (
            "InvalidAccessKeyId: AKIAIOSFODNN7EXAMPLE",
            "AKIAIOSFODNN7EXAMPLE",
        ),
        ("Authorization: Bearer abcdefghijkl.mnop", "abcdefghijkl"),
        (
            "key wJalrXUtnFEMI0K7MDENG1bPxRfiCYEXAMPLEKEY end",
            "wJalrXUtnFEMI",
        ),
        (
            "used dapi0123456789abcdef0123456789abcdef for it",
            "dapi0123456789",
        ),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
            "eyJzdWIi",
        ),
    ];
    for (text, secret) in cases {
        let shown = redact::strict(text);
        assert!(!shown.contains(secret), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
    for plain in [
        "java.io.FileNotFoundException: s3://bucket/table/part-00000-5d1f6b1e-1c2d-4e3f.c000.snappy.parquet",
        "org.apache.spark.sql.execution.datasources.parquet.VectorizedParquetRecordReader",
        "24/05/01 10:00:00 ERROR Executor: Exception in task 7.0 in stage 4.0 (TID 91)",
    ] {
        assert_eq!(redact::strict(plain), plain);
    }
    let long = format!("No space left on device {}\n", "é".repeat(5_000));
    let scan = scan_files(&[("stderr", long.into_bytes())]);
    let excerpt = scan
        .findings
        .first()
        .map(|finding| finding.excerpt.chars().count());
    assert_eq!(excerpt, Some(MAX_EXCERPT));
}

#[test]
fn times_are_read_in_the_forms_that_logs_have() {
    let cases = [
        ("24/05/01 10:00:01 INFO x", Some("2024-05-01T10:00:01Z")),
        (
            "2024-05-01 10:00:01,123 INFO x",
            Some("2024-05-01T10:00:01.123Z"),
        ),
        (
            "2024-05-01T10:00:01.123456Z x",
            Some("2024-05-01T10:00:01.123Z"),
        ),
        ("2024-05-01T10:00:01+02:00 x", Some("2024-05-01T08:00:01Z")),
        (
            "[2024-05-01 10:00:01.5]Container exited",
            Some("2024-05-01T10:00:01Z"),
        ),
        (
            r#"{"ts":"2024-05-01T10:00:01.123Z","level":"ERROR"}"#,
            Some("2024-05-01T10:00:01.123Z"),
        ),
        ("WARN 2024-05-01 10:00:01 x", Some("2024-05-01T10:00:01Z")),
        ("24/13/01 10:00:01 x", None),
        ("2024-02-30 10:00:01 x", None),
        ("\tat org.example.Foo(Foo.java:2024)", None),
        ("2024-05-01 99:99:99", None),
        ("2024-05-01", None),
        ("é2024-05-01 10:00:01", None),
        ("", None),
    ];
    for (line, expected) in cases {
        let expected = expected.and_then(|text| text.parse::<DateTime<Utc>>().ok());
        assert_eq!(stamp::time_of(line.as_bytes()), expected, "{line}");
    }
}

#[derive(Default)]
struct Kept(Vec<(&'static str, RecordBatch)>);

impl RowSink for Kept {
    fn write(&mut self, table: &'static str, batch: RecordBatch) -> Result<(), SinkError> {
        self.0.push((table, batch));
        Ok(())
    }
}

#[test]
fn findings_become_rows_of_their_table() {
    let scan = scan_files(&[
        ("1/stderr", b"MemoryError\nMemoryError\n".to_vec()),
        (
            "2/stderr",
            b"24/05/01 10:00:00 ERROR X: RECEIVED SIGNAL TERM\n".to_vec(),
        ),
    ]);
    let context = HistoryContext {
        platform: "databricks".to_owned(),
        cluster_id: "c".to_owned(),
        cluster_name: "c".to_owned(),
        application_id: "app-1".to_owned(),
        attempt_id: "0".to_owned(),
        start_time: 1_714_557_600_000,
        job_run: None,
        team: Default::default(),
        batch_id: "b".to_owned(),
        ingested_at: Utc::now(),
    };
    let mut kept = Kept::default();
    let mut writer = RowWriter::new(context, &mut kept);
    write(&scan, &mut writer).expect("rows fit their contract");
    writer.flush().expect("rows fit their contract");
    assert_eq!(writer.counts().of(FactTable::LogFindings), 2);
    let [(table, batch)] = kept.0.as_slice() else {
        panic!("{:?}", kept.0.len())
    };
    assert_eq!((*table, batch.num_rows()), ("log_findings", 2));
    assert_eq!(ids(&scan), ["python_out_of_memory", "container_terminated"]);
}
