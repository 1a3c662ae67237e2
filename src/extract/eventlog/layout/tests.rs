//! Whole logs: files on disk and objects in memory, through discovery, to text.

mod s3;

use std::fs;
use std::path::Path;

use chrono::Utc;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::super::codec::Codec;
use super::super::codec::encode::{encode, zip_archive};
use super::*;
use crate::discover::event_logs::{EventLogSource, discover};
use crate::discover::{Content, Discovery, Window};

const CODECS: [(Codec, &str); 7] = [
    (Codec::Plain, "app-1"),
    (Codec::Gzip, "app-2.gz"),
    (Codec::Zstd, "app-3.zstd"),
    (Codec::Lz4, "app-4.lz4"),
    (Codec::Snappy, "app-5.snappy"),
    (Codec::Lzf, "app-6.lzf"),
    (Codec::SnappyBlock, "app-7.snappy"),
];

/// A folder of logs, and the runtime that reads them.
struct Logs {
    folder: TempDir,
    runtime: Runtime,
}

impl Logs {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            runtime: Runtime::new().unwrap(),
        }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn histories(&self) -> Vec<EventLog> {
        let source = EventLogSource {
            uris: vec![uri(self.folder.path())],
            ..Default::default()
        };
        let discovery = self
            .runtime
            .block_on(discover(&source, &Window::default()))
            .unwrap();
        assert!(discovery.problems.is_empty(), "{:?}", discovery.problems);
        logs_of(discovery)
    }

    fn only(&self) -> EventLog {
        let mut histories = self.histories();
        assert_eq!(histories.len(), 1, "{histories:?}");
        histories.remove(0)
    }

    fn open(&self, history: &EventLog) -> Result<LogReader, ExtractError> {
        self.open_within(history, &DecodeLimits::default())
    }

    fn open_within(
        &self,
        history: &EventLog,
        limits: &DecodeLimits,
    ) -> Result<LogReader, ExtractError> {
        open(history, self.runtime.handle(), limits)
    }

    fn read(&self, history: &EventLog) -> (String, Option<Truncation>) {
        let mut reader = self.open(history).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        (text, reader.truncation().cloned())
    }
}

fn logs_of(discovery: Discovery) -> Vec<EventLog> {
    let logs = discovery.histories.into_iter();
    logs.filter_map(|history| match history.content {
        Content::Log(log) => Some(log),
        Content::Server(_) => None,
    })
    .collect()
}

fn uri(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A log of one object that is only in memory.
fn in_memory(runtime: &Runtime, name: &str, content: Option<Vec<u8>>) -> EventLog {
    let store = Arc::new(InMemory::new());
    let path = object_store::path::Path::from(name);
    let size = content.as_ref().map_or(9, |content| content.len() as u64);
    if let Some(content) = content {
        runtime.block_on(store.put(&path, content.into())).unwrap();
    }
    let uri = format!("memory:///{name}");
    let file = SourceFile {
        uri: uri.clone(),
        path,
        size,
        modified: Utc::now(),
        etag: None,
    };
    EventLog {
        uri,
        layout: Layout::SingleFile,
        files: vec![file],
        zip_entries: Vec::new(),
        in_progress: false,
        section: None,
        store,
    }
}

fn lines(count: usize) -> String {
    (0..count)
        .map(|id| format!("{{\"Event\":\"SparkListenerTaskEnd\",\"Stage ID\":{id}}}\n"))
        .collect()
}

#[test]
fn every_codec_on_disk_and_in_a_store() {
    let logs = Logs::new();
    let text = lines(30_000);
    for (codec, name) in CODECS {
        let blocks: Vec<_> = text.as_bytes().chunks(30_000).collect();
        let content = encode(codec, &blocks);
        logs.write(name, &content);
        let remote = in_memory(&logs.runtime, name, Some(content));
        assert_eq!(logs.read(&remote), (text.clone(), None), "{codec}");
    }
    let histories = logs.histories();
    assert_eq!(histories.len(), CODECS.len());
    for history in histories {
        assert_eq!(logs.read(&history), (text.clone(), None), "{}", history.uri);
    }
}

#[test]
fn rolling_files_follow_by_number_with_a_line_end_between() {
    let logs = Logs::new();
    logs.write("eventlog_v2_app/events_10_app", "{\"ten\":10}");
    logs.write(
        "eventlog_v2_app/events_9_app.zstd",
        encode(Codec::Zstd, &[b"{\"nine\":9}"]),
    );
    logs.write("eventlog_v2_app/events_8_app", "");
    logs.write("eventlog_v2_app/events_7_app", "{\"seven\":7}\n");
    logs.write("eventlog_v2_app/appstatus_app", "");
    let text = "{\"seven\":7}\n{\"nine\":9}\n{\"ten\":10}";
    assert_eq!(logs.read(&logs.only()), (text.to_owned(), None));
}

#[test]
fn databricks_chunks_follow_by_rollover_number_where_all_have_one() {
    let chunk = |number: i64| {
        format!(
            "{{\"Event\":\"DBCEventLoggingListenerMetadata\",\"Rollover Number\":{number},\"SparkContext Id\":8880912756278443690}}\n"
        )
    };
    let logs = Logs::new();
    logs.write("eventlog", chunk(2));
    logs.write(
        "eventlog-2024-01-01--10-00.gz",
        encode(Codec::Gzip, &[chunk(1).as_bytes()]),
    );
    logs.write(
        "eventlog-2024-01-01--11-00.gz",
        encode(Codec::Gzip, &[chunk(0).as_bytes()]),
    );
    assert_eq!(
        logs.read(&logs.only()).0,
        [chunk(0), chunk(1), chunk(2)].concat()
    );

    logs.write("eventlog", "{\"Event\":\"SparkListenerTaskEnd\"}\n");
    let by_name = [
        chunk(1),
        chunk(0),
        "{\"Event\":\"SparkListenerTaskEnd\"}\n".to_owned(),
    ]
    .concat();
    assert_eq!(logs.read(&logs.only()).0, by_name);
}

#[test]
fn a_cut_off_file_ends_the_text_and_says_where() {
    let logs = Logs::new();
    let mut second = encode(Codec::Zstd, &[b"{\"b\":1}\n", b"{\"b\":2}\n"]);
    second.truncate(second.len() / 2 + 5);
    logs.write("eventlog_v2_app/events_1_app", "{\"a\":1}\n");
    logs.write("eventlog_v2_app/events_2_app.zstd", second);
    logs.write("eventlog_v2_app/events_3_app", "{\"c\":1}\n");
    let (text, truncation) = logs.read(&logs.only());
    assert_eq!(text, "{\"a\":1}\n{\"b\":1}\n");
    let truncation = truncation.unwrap();
    assert!(
        truncation.file.ends_with("/events_2_app.zstd"),
        "{truncation}"
    );
    assert_eq!(
        (truncation.offset, truncation.reason),
        (8, TruncationReason::CutOff)
    );
}

#[test]
fn damage_keeps_the_text_before_it() {
    let logs = Logs::new();
    let mut content = encode(Codec::Lz4, &[b"{\"a\":1}\n", b"{\"b\":1}\n"]);
    let last = content.len() - 22;
    content[last] ^= 0x20;
    logs.write("app-1", content);
    let (text, truncation) = logs.read(&logs.only());
    assert_eq!(text, "{\"a\":1}\n");
    assert!(matches!(
        truncation.unwrap().reason,
        TruncationReason::Corrupt(_)
    ));
}

#[test]
fn a_strange_file_after_good_ones_counts_as_damage() {
    let logs = Logs::new();
    logs.write("eventlog_v2_app/events_1_app", "{\"a\":1}\n");
    logs.write("eventlog_v2_app/events_2_app", [0, 1, 2, 3]);
    let (text, truncation) = logs.read(&logs.only());
    assert_eq!(text, "{\"a\":1}\n");
    assert!(truncation.unwrap().to_string().contains("00 01 02 03"));
}

#[test]
fn logs_without_any_text_are_errors_that_say_why() {
    let mut damaged = encode(Codec::Lz4, &[b"{}"]);
    damaged[22] ^= 0xff;
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("nothing", Vec::new(), "empty_log"),
        ("strange", vec![0, 1, 2, 0xfe], "unknown_codec"),
        ("damaged.lz4", damaged, "corrupt"),
        (
            "compressed_nothing.gz",
            encode(Codec::Gzip, &[b""]),
            "empty_log",
        ),
        ("just_begun.zstd", b"\x28\xb5".to_vec(), "empty_log"),
        ("archive.zip", zip_archive(&[]), "empty_log"),
    ];
    for (name, content, kind) in cases {
        let logs = Logs::new();
        logs.write(name, content);
        let error = logs.open(&logs.only()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.uri().ends_with(name), "{error}");
        assert!(!error.is_retryable());
    }
    let logs = Logs::new();
    logs.write("strange", [0, 1, 2, 0xfe]);
    assert!(
        logs.open(&logs.only())
            .unwrap_err()
            .to_string()
            .ends_with("begins with 00 01 02 fe")
    );
}

#[test]
fn files_that_vanish_are_worth_another_try() {
    let logs = Logs::new();
    logs.write("app-1", "{}");
    let history = logs.only();
    fs::remove_file(logs.folder.path().join("app-1")).unwrap();
    let on_disk = logs.open(&history).unwrap_err();
    let in_store = logs
        .open(&in_memory(&logs.runtime, "app-1", None))
        .unwrap_err();
    for error in [on_disk, in_store] {
        assert_eq!(error.kind(), "vanished");
        assert!(error.is_retryable());
        assert!(error.uri().ends_with("/app-1"));
    }
}

#[test]
fn a_file_that_vanishes_while_others_are_read_is_an_error_of_read() {
    let logs = Logs::new();
    logs.write("eventlog_v2_app/events_1_app", lines(1));
    logs.write("eventlog_v2_app/events_2_app", lines(1));
    let mut reader = logs.open(&logs.only()).unwrap();
    fs::remove_file(logs.folder.path().join("eventlog_v2_app/events_2_app")).unwrap();
    let mut text = Vec::new();
    let error = ExtractError::from_read(reader.read_to_end(&mut text).unwrap_err(), "");
    assert_eq!(text, lines(1).into_bytes());
    assert_eq!(error.kind(), "vanished");
    assert!(error.uri().ends_with("events_2_app"));
    assert!(reader.current_file().ends_with("events_2_app"));
}

#[test]
fn a_bomb_is_an_error_after_its_beginning() {
    let logs = Logs::new();
    logs.write(
        "bomb.zstd",
        encode(Codec::Zstd, &[vec![b' '; 8 << 20].as_slice()]),
    );
    let limits = DecodeLimits {
        expansion_free_bytes: 1 << 20,
        max_expansion: 2_000,
        ..DecodeLimits::default()
    };
    let mut reader = logs.open_within(&logs.only(), &limits).unwrap();
    let mut text = Vec::new();
    let error = ExtractError::from_read(reader.read_to_end(&mut text).unwrap_err(), "");
    assert_eq!(error.kind(), "decompression_bomb");
    assert!(
        text.len() >= 1 << 19 && text.len() <= 2 << 20,
        "{}",
        text.len()
    );
    assert_eq!(
        reader.read(&mut [0; 8]).unwrap(),
        0,
        "nothing comes after the error"
    );
}

#[test]
fn a_zip_is_read_in_the_order_of_its_log_from_disk_and_from_a_store() {
    let first = encode(Codec::Zstd, &[b"{\"a\":1}\n"]);
    let archive = zip_archive(&[
        ("eventlog_v2_app/events_10_app", b"{\"c\":1}\n"),
        ("eventlog_v2_app/events_9_app", b"{\"b\":1}\n"),
        ("eventlog_v2_app/events_8_app.zstd", &first),
        ("eventlog_v2_app/appstatus_app", b""),
    ]);
    let logs = Logs::new();
    logs.write("eventLogs-app.zip", &archive);
    let text = "{\"a\":1}\n{\"b\":1}\n{\"c\":1}\n";
    let history = logs.only();
    assert_eq!(history.layout, Layout::Zip);
    assert_eq!(logs.read(&history), (text.to_owned(), None));
    let remote = in_memory(&logs.runtime, "eventLogs-app.zip", Some(archive));
    assert_eq!(logs.read(&remote), (text.to_owned(), None));
}

#[test]
fn the_attempts_in_a_zip_are_logs_of_their_own() {
    let archive = zip_archive(&[
        ("app_1", b"{\"attempt\":1}\n"),
        ("app_2", b"{\"attempt\":2}\n"),
    ]);
    let logs = Logs::new();
    logs.write("eventLogs-app.zip", &archive);
    let histories = logs.histories();
    let read: Vec<_> = histories
        .iter()
        .map(|history| logs.read(history).0)
        .collect();
    assert_eq!(read, ["{\"attempt\":1}\n", "{\"attempt\":2}\n"]);
    assert!(histories[1].uri.ends_with("/eventLogs-app.zip!/app_2"));
    assert_ne!(histories[0].zip_entries, histories[1].zip_entries);

    let unchosen = in_memory(&logs.runtime, "eventLogs-app.zip", Some(archive));
    assert_eq!(logs.open(&unchosen).unwrap_err().kind(), "several_logs");
}

#[test]
fn an_object_is_read_on_a_blocking_thread_of_the_runtime() {
    let logs = Logs::new();
    let text = lines(5_000);
    let history = in_memory(&logs.runtime, "app-1", Some(text.clone().into_bytes()));
    let handle = logs.runtime.handle().clone();
    let read = logs.runtime.spawn_blocking(move || {
        let mut reader = open(&history, &handle, &DecodeLimits::default()).unwrap();
        let mut read = String::new();
        reader.read_to_string(&mut read).map(|_| read)
    });
    assert_eq!(logs.runtime.block_on(read).unwrap().unwrap(), text);
}

#[test]
fn compressed_bytes_count_all_files() {
    let logs = Logs::new();
    logs.write("eventlog_v2_app/events_1_app", lines(1000));
    logs.write(
        "eventlog_v2_app/events_2_app.gz",
        encode(Codec::Gzip, &[lines(1000).as_bytes()]),
    );
    let history = logs.only();
    let mut reader = logs.open(&history).unwrap();
    io::copy(&mut reader, &mut io::sink()).unwrap();
    assert_eq!(reader.compressed_bytes(), history.total_bytes());
}

#[test]
fn a_runtime_that_ends_while_an_object_is_read_does_not_pass_for_the_objects_end() {
    let logs = Logs::new();
    let text = lines(10);
    let history = in_memory(&logs.runtime, "app-1", Some(text.into_bytes()));
    let runtime = Runtime::new().unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let error = open(&history, &handle, &DecodeLimits::default()).unwrap_err();
    assert_eq!(error.kind(), "io");
    assert!(error.is_retryable());
}

#[test]
fn pieces_that_are_missing_are_named_and_the_others_are_read() {
    let archive = zip_archive(&[
        ("eventlog_v2_app/events_1_app", b"{\"a\":1}\n"),
        ("eventlog_v2_app/events_3_app", b"{\"a\":3}\n"),
    ]);
    let logs = Logs::new();
    logs.write("packed/app.zip", &archive);
    logs.write("folder/eventlog_v2_app/events_1_app", "{\"a\":1}\n");
    logs.write("folder/eventlog_v2_app/events_3_app", "{\"a\":3}\n");
    let mut found = logs.histories();
    found.push(in_memory(&logs.runtime, "app.zip", Some(archive)));
    assert_eq!(found.len(), 3);
    for log in found {
        let mut reader = logs.open(&log).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"a\":1}\n{\"a\":3}\n", "{}", log.uri);
        assert_eq!(
            reader.gap(),
            Some("event files 2 are missing"),
            "{}",
            log.uri
        );
    }
}

#[test]
fn a_piece_that_is_there_twice_is_read_once_and_the_longer_of_them() {
    let whole = lines(2_000);
    let logs = Logs::new();
    let mut cut = encode(Codec::Zstd, &[whole.as_bytes()]);
    cut.truncate(cut.len() / 2);
    logs.write("eventlog_v2_app/events_1_app", &whole);
    logs.write("eventlog_v2_app/events_1_app.zstd", cut);
    logs.write("eventlog_v2_app/events_2_app", "{\"a\":2}\n");
    let expected = [whole.as_str(), "{\"a\":2}\n"].concat();
    assert_eq!(logs.read(&logs.only()), (expected, None));
}

#[test]
fn chunks_of_two_contexts_are_two_logs() {
    let chunk = |context: i64, number: i64| {
        format!(
            "{{\"Event\":\"DBCEventLoggingListenerMetadata\",\"Rollover Number\":{number},\"SparkContext Id\":{context}}}\n"
        )
    };
    let logs = Logs::new();
    logs.write("eventlog", chunk(9, 0));
    logs.write(
        "eventlog-2024-01-01--11-00.gz",
        encode(Codec::Gzip, &[chunk(7, 0).as_bytes()]),
    );
    logs.write("eventlog-2024-01-01--12-00", chunk(7, 1));
    let log = logs.only();
    let split = split(&log, logs.runtime.handle(), &DecodeLimits::default()).unwrap();
    let read: Vec<_> = split
        .iter()
        .map(|part| (part.uri.replace(&log.uri, ""), logs.read(part).0))
        .collect();
    let first = [chunk(7, 0), chunk(7, 1)].concat();
    assert_eq!(
        read,
        [("#7".to_owned(), first), ("#9".to_owned(), chunk(9, 0))]
    );
}
