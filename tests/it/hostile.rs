//! Logs and places that nobody would wish for: each gets its word in the ledger or its sentence on
//! standard error, and the good logs beside it are loaded as if they were alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::program::{Ended, load, load_command};
use super::stored::{Row, assert_same, content, rows};
use super::world::{RENAMED, copy_folder, fixtures, folder, remove, world};

/// A log that Spark wrote as plain text, and its application.
const GOOD: &str = RENAMED;
const GOOD_APPLICATION: &str = "local-1795193760469";
/// The first whole number that a double cannot hold.
const ODD: i64 = (1 << 53) + 1;

/// What becomes of a log: file, status, kind of error and number of bad lines.
type Fate = (&'static str, &'static str, &'static str, &'static str);
const FATES: [Fate; 31] = [
    ("bomb.zip", "quarantined", "decompression_bomb", ""),
    ("bomb.zstd", "quarantined", "decompression_bomb", ""),
    ("byte_order_mark", "loaded", "", "0"),
    ("control_byte", "partial", "bad_lines", "1"),
    ("copy_of_good", "skipped", "duplicate_application", ""),
    ("cut_off.zip", "partial", "missing_files", "0"),
    ("deep", "partial", "bad_lines", "2"),
    ("driver_log", "quarantined", "not_an_event_log", ""),
    ("empty", "quarantined", "empty_log", ""),
    (
        "events_without_start",
        "quarantined",
        "no_application_start",
        "",
    ),
    ("good", "loaded", "", "0"),
    ("half.zstd", "partial", "truncated", "0"),
    ("junk", "quarantined", "unknown_codec", ""),
    ("junk.gz", "quarantined", "corrupt", ""),
    ("junk.lz4", "quarantined", "corrupt", ""),
    ("junk.zip", "quarantined", "corrupt", ""),
    ("junk.zstd", "quarantined", "corrupt", ""),
    ("large_ids", "loaded", "", "0"),
    ("long_line", "partial", "bad_lines", "1"),
    ("negative_times", "loaded", "", "0"),
    ("no_id", "quarantined", "no_application_id", ""),
    ("nested.gz", "loaded", "", "0"),
    ("not_utf8", "loaded", "", "0"),
    ("packed.br", "quarantined", "unknown_codec", ""),
    ("prose", "quarantined", "not_an_event_log", ""),
    ("stub.zstd", "quarantined", "empty_log", ""),
    ("times_without_end", "loaded", "", "0"),
    ("twice.zip!/one", "loaded", "", "0"),
    ("two_in_one", "loaded", "", "0"),
    ("two_in_one#app-second/0", "loaded", "", "0"),
    ("utf16", "quarantined", "not_an_event_log", ""),
];

#[test]
fn every_hostile_log_is_told_by_its_kind_and_costs_no_other() {
    let folder = folder("hostile");
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    fs::create_dir(&logs).expect("a folder");
    write_hostile_logs(&logs);
    let ended = load(&logs, &lake);
    ended.assert_code(3);

    assert_fates(&lake, &logs);
    assert_good_rows(&lake);
    assert_large_ids(&lake);
    assert_times(&lake);
    assert_eq!(
        application_names(&lake, "app-not-utf8"),
        ["caf\u{fffd} \u{fffd}\u{fffd}"]
    );
    assert_eq!(rows_of(&lake, "sql_nodes", "app-deep").len(), 900);

    // The second night finds nothing new in any of them.
    let again = load(&logs, &lake);
    again.assert_code(0);
    assert_eq!(
        (again.count("unchanged"), again.count("bytes")),
        (31, 0),
        "{}",
        again.out
    );
}

fn assert_fates(lake: &Path, logs: &Path) {
    let root = format!("file://{}/", logs.display());
    let told: BTreeMap<String, [String; 3]> = rows(lake, "ingest_sources")
        .into_iter()
        .map(|row| {
            let of = |column: &str| row.get(column).cloned().unwrap_or_default();
            (
                of("source_uri").replace(&root, ""),
                [of("status"), of("error_kind"), of("bad_lines")],
            )
        })
        .collect();
    let mut expected: BTreeMap<String, [String; 3]> = FATES
        .into_iter()
        .map(|(file, status, kind, bad_lines)| {
            (
                file.to_owned(),
                [status, kind, bad_lines].map(str::to_owned),
            )
        })
        .collect();
    expected.insert(
        "twice.zip!/two".to_owned(),
        ["loaded", "", "0"].map(str::to_owned),
    );
    assert_eq!(told, expected);
}

/// The good log has the rows that it has in a lake without hostile neighbors.
fn assert_good_rows(lake: &Path) {
    for table in [
        "applications",
        "jobs",
        "stages",
        "tasks",
        "sql",
        "sql_nodes",
        "environment",
        "executors",
    ] {
        let plain = |lake: &Path| {
            let mut found = rows_of(lake, table, GOOD_APPLICATION);
            for row in &mut found {
                for column in [
                    "cluster_id",
                    "cluster_name",
                    "source_uri",
                    "last_updated",
                    "batch_id",
                    "ingested_at",
                ] {
                    row.remove(column);
                }
            }
            found.sort();
            found
        };
        let expected = plain(&world().fresh);
        assert!(!expected.is_empty(), "{table}");
        assert_eq!(plain(lake), expected, "{table}");
    }
}

fn assert_large_ids(lake: &Path) {
    let of = |table: &str, column: &str| -> Vec<String> {
        let mut values: Vec<_> = rows_of(lake, table, "app-large")
            .into_iter()
            .filter_map(|row| row.get(column).cloned())
            .collect();
        values.sort();
        values
    };
    assert_eq!(of("jobs", "job_id"), [ODD.to_string()]);
    assert_eq!(of("stages", "stage_id"), [(ODD + 2).to_string()]);
    assert_eq!(
        of("tasks", "task_id"),
        [(ODD + 4).to_string(), i64::MAX.to_string()]
    );
}

fn assert_times(lake: &Path) {
    let of = |application: &str, column: &str| {
        let mut found = rows_of(lake, "applications", application);
        assert_eq!(found.len(), 1, "{application}");
        found.remove(0).remove(column)
    };
    assert_eq!(
        of("app-negative", "start_time").as_deref(),
        Some("1969-12-31T23:59:59Z")
    );
    assert_eq!(
        of("app-negative", "app_date").as_deref(),
        Some("1969-12-31")
    );
    // A time that no calendar holds is no time.
    assert_eq!(of("app-endless", "end_time"), None);
}

fn application_names(lake: &Path, application: &str) -> Vec<String> {
    rows_of(lake, "applications", application)
        .into_iter()
        .filter_map(|mut row| row.remove("application_name"))
        .collect()
}

fn rows_of(lake: &Path, table: &str, application: &str) -> Vec<Row> {
    let mut found = rows(lake, table);
    found.retain(|row| {
        row.get("application_id")
            .is_some_and(|id| id == application)
    });
    found
}

// ---- the logs -------------------------------------------------------------------------------

fn write_hostile_logs(logs: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(logs.join(name), bytes).expect("a log");
    let good = fs::read(fixtures().join(GOOD)).expect("a fixture");
    let junk: Vec<u8> = (0..5_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x1f)
        .collect();
    write("good", &good);
    write(
        "copy_of_good",
        good.get(..good.len() * 3 / 4).expect("a part"),
    );
    write("empty", b"");
    write("junk", &[b"\x00\x01\x02", junk.as_slice()].concat());
    write("packed.br", &[b"\x8b\x02\x80", junk.as_slice()].concat());
    write("junk.gz", &[b"\x1f\x8b", junk.as_slice()].concat());
    write("junk.lz4", &[b"LZ4Block", junk.as_slice()].concat());
    write("junk.zip", &[b"PK\x03\x04", junk.as_slice()].concat());
    write(
        "junk.zstd",
        &[b"\x28\xb5\x2f\xfd", junk.as_slice()].concat(),
    );
    write("stub.zstd", b"\x28\xb5\x2f\xfd");
    let packed = fs::read(fixtures().join("spark35/local-1795194017768.zstd")).expect("a fixture");
    write("half.zstd", packed.get(..packed.len() / 2).expect("a half"));
    write(
        "prose",
        "It was a dark and stormy night.\n".repeat(100).as_bytes(),
    );
    write(
        "events_without_start",
        &event(
            "SparkListenerJobEnd",
            r#""Job ID":0,"Completion Time":1,"Job Result":{"Result":"JobSucceeded"}"#,
        ),
    );
    write(
        "no_id",
        &event(
            "SparkListenerApplicationStart",
            r#""App Name":"x","Timestamp":1,"User":"u""#,
        ),
    );
    write(
        "negative_times",
        &log("app-negative", -1_000, -500, &job(0, 0, &[0], -900)),
    );
    write(
        "times_without_end",
        &log(
            "app-endless",
            1_000,
            i64::MAX,
            &job(0, 0, &[0], i64::MAX - 5),
        ),
    );
    write(
        "large_ids",
        &log(
            "app-large",
            1_000,
            2_000,
            &job(ODD, ODD + 2, &[ODD + 4, i64::MAX], 1_100),
        ),
    );
    write("not_utf8", &not_utf8());
    write("deep", &log("app-deep", 1_000, 2_000, &deep_events()));
    write_long_line(&logs.join("long_line"));
    write("bomb.zstd", &bomb("app-bomb"));
    write_zip(
        &logs.join("bomb.zip"),
        &[("bomb.zstd", &bomb("app-packed-bomb"))],
    );
    let one = log("app-one", 1_000, 2_000, &job(0, 0, &[0], 1_100));
    let two = log("app-two", 1_000, 2_000, &job(0, 0, &[0], 1_100));
    write_zip(&logs.join("twice.zip"), &[("one", &one), ("two", &two)]);
    write_odd_texts(logs);
}

/// Good logs whose bytes were marked, damaged, packed again or put together on their way.
fn write_odd_texts(logs: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(logs.join(name), bytes).expect("a log");
    let small = |id: &str| log(id, 1_000, 2_000, &job(0, 0, &[0], 1_100));
    write(
        "byte_order_mark",
        &[b"\xef\xbb\xbf", small("app-marked").as_slice()].concat(),
    );
    let damaged = event("SparkListenerLogStart", "\"Spark Version\":\"\u{1}\"");
    write("control_byte", &[damaged, small("app-control")].concat());
    let wide = |text: Vec<u8>| -> Vec<u8> {
        let text = String::from_utf8(text).expect("as written above");
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    write("utf16", &wide(small("app-wide")));
    write(
        "driver_log",
        "24/07/05 10:15:00 INFO SparkContext: Running Spark version 3.5.1\n"
            .repeat(20)
            .as_bytes(),
    );
    write_zip(&logs.join("nested.zip"), &[("app", &small("app-nested"))]);
    let archive = fs::read(logs.join("nested.zip")).expect("an archive");
    fs::remove_file(logs.join("nested.zip")).expect("removed");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&archive).expect("written");
    write("nested.gz", &packed.finish().expect("written"));
    let jobs: Vec<u8> = (0..30)
        .flat_map(|id| job(id, id, &[id], 1_100 + 20 * id))
        .collect();
    let path = logs.join("cut_off.zip");
    write_zip(&path, &[("app", &log("app-cut", 1_000, 2_000, &jobs))]);
    let archive = fs::read(&path).expect("an archive");
    let half = archive.get(..archive.len() / 2).expect("a half");
    write("cut_off.zip", half);
    write(
        "two_in_one",
        &[small("app-first"), small("app-second")].concat(),
    );
}

pub(crate) fn event(name: &str, fields: &str) -> Vec<u8> {
    format!("{{\"Event\":\"{name}\",{fields}}}\n").into_bytes()
}

pub(crate) fn start(id: &str, time: i64) -> Vec<u8> {
    event(
        "SparkListenerApplicationStart",
        &format!(r#""App Name":"{id}","App ID":"{id}","Timestamp":{time},"User":"u""#),
    )
}

/// A small log of one application around `events`.
pub(crate) fn log(id: &str, start_time: i64, end_time: i64, events: &[u8]) -> Vec<u8> {
    let end = event(
        "SparkListenerApplicationEnd",
        &format!(r#""Timestamp":{end_time}"#),
    );
    [
        &event("SparkListenerLogStart", r#""Spark Version":"3.5.9""#),
        &start(id, start_time),
        events,
        &end,
    ]
    .concat()
}

/// A job of one stage, its tasks beginning at `time` and taking 10 ms.
pub(crate) fn job(job: i64, stage: i64, tasks: &[i64], time: i64) -> Vec<u8> {
    let end = time.saturating_add(10);
    let info = |completed: &str| {
        format!(
            r#"{{"Stage ID":{stage},"Stage Attempt ID":0,"Stage Name":"s","Number of Tasks":{},"RDD Info":[],"Parent IDs":[],"Details":"","Submission Time":{time},{completed}"Accumulables":[],"Resource Profile Id":0}}"#,
            tasks.len()
        )
    };
    let mut events = vec![
        event(
            "SparkListenerJobStart",
            &format!(
                r#""Job ID":{job},"Submission Time":{time},"Stage Infos":[{}],"Stage IDs":[{stage}],"Properties":{{}}"#,
                info("")
            ),
        ),
        event(
            "SparkListenerStageSubmitted",
            &format!(r#""Stage Info":{},"Properties":{{}}"#, info("")),
        ),
    ];
    for (index, task) in (0..).zip(tasks) {
        let of_task = |finish: i64| {
            format!(
                r#""Task Info":{{"Task ID":{task},"Index":{index},"Attempt":0,"Partition ID":{index},"Launch Time":{time},"Executor ID":"driver","Host":"h","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":{finish},"Failed":false,"Killed":false,"Accumulables":[]}}"#
            )
        };
        let of_stage = format!(r#""Stage ID":{stage},"Stage Attempt ID":0"#);
        events.push(event(
            "SparkListenerTaskStart",
            &format!("{of_stage},{}", of_task(0)),
        ));
        let ended = format!(
            r#"{of_stage},"Task Type":"ResultTask","Task End Reason":{{"Reason":"Success"}},{}"#,
            of_task(end)
        );
        events.push(event("SparkListenerTaskEnd", &ended));
    }
    let completed = info(&format!(r#""Completion Time":{end},"#));
    events.push(event(
        "SparkListenerStageCompleted",
        &format!(r#""Stage Info":{completed}"#),
    ));
    let result = format!(
        r#""Job ID":{job},"Completion Time":{end},"Job Result":{{"Result":"JobSucceeded"}}"#
    );
    events.push(event("SparkListenerJobEnd", &result));
    events.concat()
}

fn not_utf8() -> Vec<u8> {
    let text = log("app-not-utf8", 1_000, 2_000, &job(0, 0, &[0], 1_100));
    let text = String::from_utf8(text).expect("as written above");
    let (before, after) = text
        .split_once(r#""App Name":"app-not-utf8""#)
        .expect("a name");
    [
        before.as_bytes(),
        b"\"App Name\":\"caf\xe9 \xff\xfe\"",
        after.as_bytes(),
    ]
    .concat()
}

/// A plan of 900 nodes in a row, which is odd but can be; one of 10,000; and other JSON of that depth.
fn deep_events() -> Vec<u8> {
    let plan = |depth: usize| {
        let open = r#"{"nodeName":"Project","simpleString":"Project","metadata":{},"metrics":[],"children":["#;
        format!("{}{}", open.repeat(depth), "]}".repeat(depth))
    };
    let sql = |id: usize, plan: &str| {
        event(
            "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart",
            &format!(
                r#""executionId":{id},"description":"d","details":"","physicalPlanDescription":"p","sparkPlanInfo":{plan},"time":1200"#
            ),
        )
    };
    let nested = format!("{}1{}", r#"{"a":["#.repeat(10_000), "]}".repeat(10_000));
    let other = event(
        "SparkListenerEnvironmentUpdate",
        &format!(r#""Spark Properties":{nested}"#),
    );
    [
        sql(0, &plan(450)),
        sql(1, &plan(450)),
        sql(2, &plan(10_000)),
        other,
    ]
    .concat()
}

/// A line of 200 MB among good ones, after the application's start.
fn write_long_line(path: &Path) {
    let text = log("app-long", 1_000, 2_000, &job(0, 0, &[0], 1_100));
    let third_line = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(1)
        .expect("lines")
        .0
        + 1;
    let (before, after) = text.split_at(third_line);
    let mut file = BufWriter::new(File::create(path).expect("a log"));
    file.write_all(before).expect("written");
    file.write_all(b"{\"Event\":\"SparkListenerTaskEnd\",\"x\":\"")
        .expect("written");
    for _ in 0..200 {
        file.write_all(&[b'x'; 1 << 20]).expect("written");
    }
    file.write_all(b"\"}\n").expect("written");
    file.write_all(after).expect("written");
    file.into_inner().expect("written");
}

/// 500 MB of line ends in some 50 KB, after a proper beginning.
fn bomb(id: &str) -> Vec<u8> {
    let mut packed = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
    packed.write_all(&start(id, 1_000)).expect("written");
    for _ in 0..500 {
        packed.write_all(&[b'\n'; 1 << 20]).expect("written");
    }
    packed.finish().expect("written")
}

fn write_zip(path: &Path, entries: &[(&str, &[u8])]) {
    let mut archive = ZipWriter::new(File::create(path).expect("an archive"));
    for (name, bytes) in entries {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .expect("an entry");
        archive.write_all(bytes).expect("written");
    }
    archive.finish().expect("written");
}

// ---- the places -----------------------------------------------------------------------------

/// A folder of logs that is good, and quickly read.
fn good_logs(folder: &Path) -> PathBuf {
    let logs = folder.join("logs");
    fs::create_dir(&logs).expect("a folder");
    fs::copy(fixtures().join(GOOD), logs.join("good")).expect("a copy");
    logs
}

#[test]
fn a_lake_that_is_a_file_is_refused() {
    let folder = folder("lake_is_a_file");
    let lake = folder.join("lake");
    fs::write(&lake, "not a folder").expect("written");
    let ended = load(&good_logs(&folder), &lake);
    ended.assert_code(2);
    let expected = format!(
        "error: '{}' is not a location for a lake: it is a file, not a folder\n",
        lake.display()
    );
    assert_eq!(ended.summary()["exit_code"], 2);
    assert_eq!(ended.err, expected);
    assert_eq!(
        fs::read_to_string(&lake).expect("still there"),
        "not a folder"
    );
}

#[test]
fn a_lake_below_a_file_is_refused() {
    let folder = folder("lake_below_a_file");
    fs::write(folder.join("file"), "not a folder").expect("written");
    let lake = folder.join("file/lake");
    let ended = load(&good_logs(&folder), &lake);
    ended.assert_code(1);
    assert!(ended.err.starts_with("error: writing "), "{}", ended.err);
    assert!(
        ended.err.contains(&lake.display().to_string()),
        "{}",
        ended.err
    );
}

#[test]
fn a_folder_of_something_else_is_not_written_to() {
    let folder = folder("not_ours");
    let lake = folder.join("lake");
    fs::create_dir_all(lake.join("thesis")).expect("a folder");
    fs::write(lake.join("thesis/chapter1.tex"), "years of work").expect("written");
    let ended = load(&good_logs(&folder), &lake);
    ended.assert_code(2);
    assert!(
        ended
            .err
            .contains("is not a sparklake lake: it holds other files (such as 'thesis"),
        "{}",
        ended.err
    );
    let names: Vec<_> = fs::read_dir(&lake)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["thesis"]);
}

#[test]
fn a_folder_that_vanishes_while_it_is_read_is_told_of_and_tried_again() {
    let world = world();
    let loading = Duration::from_millis(
        world.fresh_run.count("discover_ms") + world.fresh_run.count("extract_ms"),
    );
    for (attempt, share) in (0..).zip([0.1, 0.5]) {
        let folder = folder(&format!("vanishing_{attempt}"));
        let (logs, lake) = (folder.join("logs"), folder.join("lake"));
        copy_folder(&world.logs, &logs);
        let run = load_command(&logs, &lake).spawn().expect("starts");
        sleep(loading.mul_f64(share));
        remove(&logs);
        let ended: Ended = run.wait_with_output().expect("ends").into();
        ended.assert_calm();
        match ended.code {
            // It was gone at once, or all had been read.
            Some(75 | 0) => {}
            Some(3) => assert_vanished(&ended, &lake),
            code => panic!("{code:?}: {}", ended.err),
        }
    }
}

/// What could not be read was gone, and will be tried again.
fn assert_vanished(ended: &Ended, lake: &Path) {
    for row in rows(lake, "ingest_sources") {
        let of = |column: &str| row.get(column).map_or("", String::as_str);
        let told = (of("status"), of("error_kind"), of("retryable"));
        // A rolled log that was listed while its files were removed has fewer of them.
        let is_fine = matches!(
            told,
            ("loaded", "", "")
                | (
                    "partial",
                    "truncated" | "no_application_start" | "missing_files",
                    _
                )
                | ("skipped", ..)
        );
        // A log was gone when it was opened, a folder when it was listed, or its pieces before the folder.
        let is_vanished = matches!(
            told,
            ("failed" | "unreachable", "vanished", "true")
                | ("unreachable", "no_event_file", "true")
        );
        assert!(is_fine || is_vanished, "{told:?}\n{}", ended.err);
    }
}

#[test]
fn a_full_disk_is_told_and_a_later_run_completes_the_lake() {
    let world = world();
    let lake = folder("full_disk");
    let Some(disk) = Disk::mount(&lake, "200k") else {
        println!("skipped: a disk of 200 KB cannot be mounted here");
        return;
    };
    let ended = load(&world.logs, &lake);
    ended.assert_code(1);
    assert!(
        ended.err.starts_with("error: no space is left to write "),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .contains("; free some and run again, nothing is lost"),
        "{}",
        ended.err
    );

    // Full at another moment.
    disk.resize("700k");
    let ended = load(&world.logs, &lake);
    ended.assert_code(1);
    assert!(
        ended.err.starts_with("error: no space is left to write "),
        "{}",
        ended.err
    );

    disk.resize("100m");
    load(&world.logs, &lake).assert_code(0);
    assert_same(
        &content(&lake, &world.logs),
        &content(&world.fresh, &world.logs),
        "once full",
    );
}

/// A file system in memory, unmounted on drop.
struct Disk<'p>(&'p Path);

impl<'p> Disk<'p> {
    fn mount(path: &'p Path, size: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(path)
            .output();
        mounted
            .ok()
            .filter(|output| output.status.success())
            .map(|_| Self(path))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        let done = Command::new("mount")
            .args(["-o", &options])
            .arg(self.0)
            .status()
            .expect("mount");
        assert!(done.success(), "the disk keeps its size");
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // A disk that stays mounted harms nobody but the next test run, which would say so.
        let _ = Command::new("umount").arg(self.0).status();
    }
}
