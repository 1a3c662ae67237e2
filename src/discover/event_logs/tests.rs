//! Trees of files as platforms leave them, and what is found in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tempfile::TempDir;

use super::*;

struct Tree(TempDir);

impl Tree {
    /// A folder with files of these names, a few bytes each.
    fn new(names: &[&str]) -> Self {
        let tree = Self(TempDir::new().unwrap());
        names.iter().for_each(|name| drop(tree.write(name, b"{}")));
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn discover(&self) -> Discovery {
        discover_path(self.0.path()).unwrap()
    }

    /// What is found: layout, in progress, the log's path below the tree, its files' names.
    fn found(&self) -> Vec<(Layout, bool, String, Vec<String>)> {
        let discovery = self.discover();
        assert!(discovery.problems.is_empty(), "{:?}", discovery.problems);
        let root = format!("{}/", url::Url::from_file_path(self.0.path()).unwrap());
        let below = |uri: &str| uri.strip_prefix(&root).unwrap_or_default().to_owned();
        let name = |file: &SourceFile| file.path.filename().unwrap().to_owned();
        discovery
            .histories
            .iter()
            .filter_map(History::log)
            .map(|log| {
                (
                    log.layout,
                    log.in_progress,
                    below(&log.uri),
                    log.files.iter().map(name).collect(),
                )
            })
            .collect()
    }
}

fn first_log(discovery: &Discovery) -> &EventLog {
    discovery.histories[0].log().unwrap()
}

fn run(source: &EventLogSource, window: &Window) -> Result<Discovery, DiscoverError> {
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(discover(source, window))
}

fn source(uris: &[&str]) -> EventLogSource {
    let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
    EventLogSource {
        uris,
        ..Default::default()
    }
}

fn discover_path(path: &Path) -> Result<Discovery, DiscoverError> {
    run(&source(&[path.to_str().unwrap()]), &Window::default())
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn single_files_of_every_codec_are_logs() {
    let names = [
        "a", "b.zstd", "c.lz4", "d.snappy", "e.lzf", "f.gz", "g.json", "h.log",
    ];
    let found = Tree::new(&names).found();
    let expected: Vec<_> = names
        .iter()
        .map(|name| {
            (
                Layout::SingleFile,
                false,
                (*name).to_owned(),
                strings(&[name]),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_in_progress_file_gives_way_to_its_complete_twin() {
    let found = Tree::new(&["one.zstd.inprogress", "two", "two.inprogress"]).found();
    let expected = [
        (
            Layout::SingleFile,
            true,
            "one.zstd.inprogress".to_owned(),
            strings(&["one.zstd.inprogress"]),
        ),
        (
            Layout::SingleFile,
            false,
            "two".to_owned(),
            strings(&["two"]),
        ),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_no_log_is_passed_over() {
    let tree = Tree::new(&[
        ".app-1.crc",
        "_SUCCESS",
        "table/_delta_log/000.json",
        "table/part-0.parquet",
        "notes.txt",
        "README.md",
        "README",
        "LICENSE",
        "Thumbs.db",
        "job.py",
        "data.csv",
        "driver/stdout",
        "driver/stderr--2021-06-15--15-00",
        "driver/log4j-active.log",
        "steps/s-1/syslog.gz",
        "steps/s-1/controller.gz",
        ".hidden/app-2",
    ]);
    assert_eq!(tree.found(), []);
}

#[test]
fn rolling_logs_are_read_by_number() {
    let tree = Tree::new(&[
        "logs/eventlog_v2_app/events_10_app.zstd",
        "logs/eventlog_v2_app/events_9_app.zstd",
        "logs/eventlog_v2_app/events_11_app.zstd",
        "logs/eventlog_v2_app/notes",
    ]);
    tree.write("logs/eventlog_v2_app/appstatus_app.inprogress", b"");
    let files = [
        "events_9_app.zstd",
        "events_10_app.zstd",
        "events_11_app.zstd",
    ];
    let expected = (
        Layout::Rolling,
        true,
        "logs/eventlog_v2_app".to_owned(),
        strings(&files),
    );
    assert_eq!(tree.found(), [expected]);
}

#[test]
fn emr_serverless_counts_from_zero_and_needs_no_status_file() {
    let folder = "applications/00f/jobs/00g/sparklogs/eventlog_v2_00g";
    let names = [
        format!("{folder}/events_0_00g"),
        format!("{folder}/events_1_00g"),
    ];
    let found = Tree::new(&[&names[0], &names[1]]).found();
    let files = strings(&["events_0_00g", "events_1_00g"]);
    assert_eq!(found, [(Layout::Rolling, false, folder.to_owned(), files)]);
}

#[test]
fn compaction_replaces_all_before_it() {
    let tree = Tree::new(&[
        "eventlog_v2_a/events_1_a",
        "eventlog_v2_a/events_2_a.compact",
        "eventlog_v2_a/events_2_a",
        "eventlog_v2_a/events_4_a",
        "eventlog_v2_a/events_4_a.compact",
        "eventlog_v2_a/events_5_a",
        "eventlog_v2_a/appstatus_a",
    ]);
    let files = strings(&["events_4_a.compact", "events_5_a"]);
    assert_eq!(
        tree.found(),
        [(Layout::Rolling, false, "eventlog_v2_a".to_owned(), files)]
    );
}

#[test]
fn a_rolling_log_without_event_files_is_a_problem_and_hides_no_other() {
    let tree = Tree::new(&[
        "eventlog_v2_gap/events_1_gap",
        "eventlog_v2_gap/events_3_gap",
        "eventlog_v2_twice/events_1_twice",
        "eventlog_v2_twice/events_1_twice.zstd",
        "eventlog_v2_none/appstatus_none",
        "app-1",
    ]);
    let discovery = tree.discover();
    let files: Vec<_> = discovery
        .histories
        .iter()
        .filter_map(|history| history.log().map(|log| log.files.len()))
        .collect();
    assert_eq!(files, [1, 2, 2]);
    let [problem] = discovery.problems.as_slice() else {
        panic!("{:?}", discovery.problems);
    };
    assert_eq!(problem.error.kind(), "no_event_file");
    assert!(problem.uri.starts_with("file://"), "{}", problem.uri);
    assert!(
        problem.uri.ends_with("/eventlog_v2_none"),
        "{}",
        problem.uri
    );
}

#[test]
fn a_rolling_log_that_has_just_begun_is_not_there_yet() {
    let tree = Tree::new(&["eventlog_v2_new/appstatus_new.inprogress"]);
    assert_eq!(tree.found(), []);
}

#[test]
fn databricks_chunks_make_one_log() {
    let tree = Tree::new(&[
        "0615/eventlog/0615_10/77/eventlog",
        "0615/eventlog/0615_10/77/eventlog-2021-06-15--15-00.gz",
        "0615/eventlog/0615_10/77/eventlog-2021-06-15--14-00.gz",
        "0615/driver/stdout",
        "0616/eventlog/0616_10/78/eventlog",
    ]);
    let files = [
        "eventlog-2021-06-15--14-00.gz",
        "eventlog-2021-06-15--15-00.gz",
        "eventlog",
    ];
    let expected = [
        (
            Layout::Databricks,
            false,
            "0615/eventlog/0615_10/77".to_owned(),
            strings(&files),
        ),
        (
            Layout::Databricks,
            false,
            "0616/eventlog/0616_10/78".to_owned(),
            strings(&["eventlog"]),
        ),
    ];
    assert_eq!(tree.found(), expected);
}

#[test]
fn names_that_only_resemble_databricks_are_logs_of_their_own() {
    let names = ["eventlog_a.zstd", "eventlog_b", "eventlog-c"];
    let layouts: Vec<_> = Tree::new(&names)
        .found()
        .into_iter()
        .map(|log| log.0)
        .collect();
    assert_eq!(layouts, [Layout::SingleFile; 3]);
}

#[test]
fn a_named_file_is_a_log_whatever_its_name() {
    let tree = Tree::new(&["notes.txt", "eventlog", "eventlog-2021-06-15--15-00.gz"]);
    for name in ["notes.txt", "eventlog-2021-06-15--15-00.gz"] {
        let found = discover_path(&tree.path(name)).unwrap();
        assert_eq!(found.histories.len(), 1);
        assert_eq!(first_log(&found).layout, Layout::SingleFile);
        assert_eq!(first_log(&found).files[0].path.filename(), Some(name));
    }
}

#[test]
fn odd_names_survive_the_way_to_a_uri_and_back() {
    for name in [
        "with space",
        "100%",
        "a%20b",
        "ä#b",
        "what?",
        "q=1&x",
        "eventlog_v2_x y/events_1_%",
    ] {
        let tree = Tree::new(&[name]);
        let discovery = tree.discover();
        let file = &first_log(&discovery).files[0];
        let path = url::Url::parse(&file.uri).unwrap().to_file_path().unwrap();
        assert_eq!(path, tree.path(name), "{}", file.uri);
        let again = run(&source(&[&file.uri]), &Window::default()).unwrap();
        assert_eq!(first_log(&again).files[0].uri, file.uri);
    }
}

#[test]
fn relative_paths_and_dots_mean_the_same_folder() {
    let tree = Tree::new(&["logs/app-1", "other/x.csv"]);
    let direct = discover_path(&tree.path("logs")).unwrap();
    let dotted = discover_path(&tree.path("other/../logs/.")).unwrap();
    assert_eq!(direct.histories[0].uri(), dotted.histories[0].uri());
    let here = discover_path(Path::new("src")).unwrap();
    assert!(
        here.histories
            .iter()
            .all(|history| history.uri().starts_with("file:///"))
    );
}

#[test]
fn a_source_is_called_by_its_name_or_its_folder() {
    let tree = Tree::new(&["team logs/app-1", "team logs/eventlog_v2_b/events_1_b"]);
    let name_of = |path: &Path, name: Option<&str>| {
        let mut source = source(&[path.to_str().unwrap()]);
        source.name = name.map(str::to_owned);
        run(&source, &Window::default()).unwrap().histories[0]
            .cluster_name
            .clone()
    };
    assert_eq!(name_of(&tree.path("team logs"), None), "team logs");
    assert_eq!(name_of(&tree.path("team logs/"), None), "team logs");
    assert_eq!(name_of(&tree.path("team logs/app-1"), None), "team logs");
    assert_eq!(
        name_of(&tree.path("team logs/eventlog_v2_b"), None),
        "team logs"
    );
    assert_eq!(name_of(&tree.path("team logs"), Some("ours")), "ours");
}

#[test]
fn the_window_looks_at_the_newest_file() {
    let tree = Tree::new(&[
        "eventlog_v2_a/events_1_a",
        "eventlog_v2_a/events_2_a",
        "old",
    ]);
    let day = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400);
    let set = |name: &str, days: u64| {
        fs::File::options()
            .write(true)
            .open(tree.path(name))
            .unwrap()
            .set_modified(day(days))
            .unwrap();
    };
    set("eventlog_v2_a/events_1_a", 10);
    set("eventlog_v2_a/events_2_a", 20);
    set("old", 5);
    let names_in = |since: Option<u64>, until: Option<u64>| -> Vec<String> {
        let time = |days: u64| DateTime::<Utc>::from(day(days));
        let window = Window {
            since: since.map(time),
            until: until.map(time),
        };
        let found = run(&source(&[tree.0.path().to_str().unwrap()]), &window).unwrap();
        found
            .histories
            .iter()
            .map(|h| h.uri().rsplit('/').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names_in(Some(20), None), ["eventlog_v2_a"]);
    assert_eq!(names_in(None, Some(20)), ["old"]);
    assert_eq!(names_in(Some(6), Some(20)), strings(&[]));
    assert_eq!(names_in(None, None), ["eventlog_v2_a", "old"]);
}

#[test]
fn the_fingerprint_follows_the_content() {
    let tree = Tree::new(&["app-1.inprogress"]);
    let fingerprint = || tree.discover().histories[0].fingerprint();
    let before = fingerprint();
    assert_eq!(before, fingerprint());
    tree.write("app-1.inprogress", b"{} and more");
    assert_ne!(before, fingerprint());
}

#[test]
fn overlapping_places_give_each_log_once() {
    let tree = Tree::new(&["logs/app-1", "logs/app-2"]);
    let root = tree.0.path().to_str().unwrap().to_owned();
    let found = run(
        &source(&[
            &root,
            &format!("{root}/logs"),
            &format!("file://{root}/logs/app-1"),
        ]),
        &Window::default(),
    );
    assert_eq!(found.unwrap().histories.len(), 2);
}

#[test]
fn one_place_that_is_missing_is_a_problem_and_all_are_an_error() {
    let tree = Tree::new(&["app-1"]);
    let root = tree.0.path().to_str().unwrap();
    let some = run(&source(&["/nowhere/at/all", root]), &Window::default()).unwrap();
    assert_eq!((some.histories.len(), some.problems.len()), (1, 1));
    assert_eq!(some.problems[0].error.kind(), "not_found");
    assert_eq!(some.problems[0].uri, "/nowhere/at/all");

    let one = run(&source(&["/nowhere/at/all"]), &Window::default()).unwrap_err();
    assert_eq!(one.kind(), "not_found");
    let all = run(
        &source(&["/nowhere", "hdfs://namenode/logs"]),
        &Window::default(),
    )
    .unwrap_err();
    assert!(
        matches!(&all, DiscoverError::AllFailed(problems) if problems.len() == 2),
        "{all}"
    );
    assert_eq!(
        run(&source(&[]), &Window::default()).unwrap_err().kind(),
        "no_uri"
    );
}

#[test]
fn uris_that_mean_nothing_are_refused_with_the_reason() {
    let kind_of = |uri: &str| run(&source(&[uri]), &Window::default()).unwrap_err().kind();
    assert_eq!(kind_of("dbfs:/cluster-logs"), "unsupported_scheme");
    assert_eq!(kind_of("hdfs://namenode/logs"), "unsupported_scheme");
    assert_eq!(kind_of("  "), "invalid_uri");
    assert_eq!(kind_of("s3://key:secret@bucket/logs"), "invalid_uri");
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_and_loops_and_broken_links_passed_over() {
    use std::os::unix::fs::symlink;
    let outside = Tree::new(&["app-2"]);
    let tree = Tree::new(&["logs/app-1", "other/app-3"]);
    symlink(tree.path("other/app-3"), tree.path("logs/link")).unwrap();
    symlink(tree.path("other"), tree.path("logs/folder")).unwrap();
    symlink(tree.0.path(), tree.path("logs/loop")).unwrap();
    symlink("/nowhere", tree.path("logs/broken")).unwrap();
    let paths: Vec<_> = tree.found().into_iter().map(|log| log.2).collect();
    assert_eq!(
        paths,
        [
            "logs/app-1",
            "logs/folder/app-3",
            "logs/link",
            "other/app-3"
        ]
    );

    symlink(outside.path("app-2"), tree.path("logs/out")).unwrap();
    symlink(outside.0.path(), tree.path("logs/outer")).unwrap();
    symlink("/proc/kmsg", tree.path("logs/kernel")).unwrap();
    let discovery = tree.discover();
    assert_eq!(discovery.histories.len(), 4);
    let kinds: Vec<_> = discovery
        .problems
        .iter()
        .map(|problem| problem.error.kind())
        .collect();
    assert_eq!(kinds, ["outside_link"; 3]);
    // The folder that is named may be a link itself.
    symlink(tree.path("other"), outside.path("current")).unwrap();
    let current = discover_path(&outside.path("current")).unwrap();
    assert_eq!(current.histories.len(), 1);
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_opened() {
    let tree = Tree::new(&["app-1"]);
    let socket = std::os::unix::net::UnixListener::bind(tree.path("app-2")).unwrap();
    assert_eq!(tree.found().len(), 1);
    let named = discover_path(&tree.path("app-2")).unwrap_err();
    assert_eq!(named.kind(), "not_regular");
    assert_eq!(
        discover_path(Path::new("/dev/null")).unwrap_err().kind(),
        "not_regular"
    );
    drop(socket);
}

#[test]
fn places_may_have_wildcards_and_come_from_a_list() {
    let tree = Tree::new(&[
        "2024-07/app-1",
        "2024-08/app-2",
        "2024-08/eventlog_v2_a/events_1_a",
        "2025-01/app-3",
        "a*b/app-4",
    ]);
    let names = |uri: &str| -> Vec<String> {
        let found = run(&source(&[uri]), &Window::default()).unwrap();
        let name = |history: &History| history.uri().rsplit('/').next().unwrap().to_owned();
        found.histories.iter().map(name).collect()
    };
    let root = tree.0.path().display();
    assert_eq!(
        names(&format!("{root}/2024-*")),
        ["app-1", "app-2", "eventlog_v2_a"]
    );
    assert_eq!(names(&format!("{root}/2024-0?/app-*")), ["app-1", "app-2"]);
    assert_eq!(names(&format!("file://{root}/**/app-3")), ["app-3"]);
    assert_eq!(names(&format!("{root}/a*b")), ["app-4"]);
    let none = run(&source(&[&format!("{root}/2026-*")]), &Window::default());
    assert_eq!(none.unwrap_err().kind(), "not_found");

    let list = tree.write(
        "list.txt",
        format!("{root}/2024-07\n{root}/2025-*\n").as_bytes(),
    );
    assert_eq!(names(&format!("@{}", list.display())), ["app-1", "app-3"]);
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_a_problem_of_its_own() {
    use std::os::unix::ffi::OsStrExt;
    let tree = Tree::new(&["app-1"]);
    fs::write(
        tree.0.path().join(std::ffi::OsStr::from_bytes(b"app-\xff")),
        "{}",
    )
    .unwrap();
    let discovery = tree.discover();
    assert_eq!(discovery.histories.len(), 1);
    assert_eq!(discovery.problems.len(), 1);
    assert_eq!(discovery.problems[0].error.kind(), "unreadable_name");
}

#[test]
fn an_archive_that_cannot_be_opened_stays_a_candidate() {
    let found = Tree::new(&["damaged.zip"]).found();
    assert_eq!(
        found,
        [(
            Layout::Zip,
            false,
            "damaged.zip".to_owned(),
            strings(&["damaged.zip"])
        )]
    );
}
