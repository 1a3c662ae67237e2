//! What the names of files and folders tell about logs.
//!
//! Spark and the platforms name their files by rules; these functions know the rules and nothing of
//! files.

use super::history::Section;

/// What begins the folder of a rolling log.
const ROLLING_FOLDER: &str = "eventlog_v2_";
/// What ends the name of a log that is still being written.
const IN_PROGRESS: &str = ".inprogress";
/// What ends the name of a file that a History Server has compacted.
const COMPACT: &str = ".compact";

/// Endings that no event log has. Compressed text and `.json` are not among them, and neither are
/// packings that we cannot read (`.bz2`): their owner is to hear of it.
const OTHER_EXTENSIONS: &[&str] = &[
    "avro",
    "bak",
    "bat",
    "class",
    "cmd",
    "conf",
    "cpp",
    "crc",
    "css",
    "csv",
    "doc",
    "docx",
    "gif",
    "htm",
    "html",
    "info",
    "ini",
    "ipynb",
    "jar",
    "java",
    "jpeg",
    "jpg",
    "js",
    "lock",
    "md",
    "orc",
    "parquet",
    "pdf",
    "pem",
    "png",
    "properties",
    "py",
    "pyc",
    "r",
    "rs",
    "rst",
    "scala",
    "sh",
    "sql",
    "svg",
    "tar",
    "tgz",
    "toml",
    "ts",
    "tsv",
    "txt",
    "whl",
    "xls",
    "xlsx",
    "xml",
    "yaml",
    "yml",
];

/// First parts of the names of the other logs that EMR, YARN and Databricks deliver beside event
/// logs: `stdout.gz`, `stderr--2021-06-15--15-00`, `log4j-active.log`. In names that end in `.log` any
/// part may say so: `20240705_101501_00_setup.sh.stderr.log` is an init script's.
const OTHER_LOGS: &[&str] = &[
    "controller",
    "launch_container",
    "log4j",
    "prelaunch",
    "stderr",
    "stdout",
    "syslog",
];

/// Whole names, in lower case, of files that people and systems put beside logs.
const NOTES: &[&str] = &[
    "changelog",
    "changes",
    "contributing",
    "copying",
    "desktop.ini",
    "dockerfile",
    "license",
    "makefile",
    "notice",
    "readme",
    "thumbs.db",
];

/// First parts of the names of `.log` and `.out` files of daemons and of the JVM.
const DAEMONS: &[&str] = &["gc", "hadoop", "hive", "mapred", "yarn"];

/// Whether a folder or file is out of the question wherever it stands: hidden files (`.crc`), and
/// the `_SUCCESS`, `_delta_log`, `_temporary` and `_metadata` of tables.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_']) || name == "__MACOSX"
}

/// Whether a file's name says that it is no event log.
pub(super) fn is_other_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_folder_marker = name.ends_with("_$folder$");
    let first_part = name.split(['.', '-']).next().unwrap_or_default();
    let has_other_extension = name
        .rsplit_once('.')
        .is_some_and(|(_, extension)| OTHER_EXTENSIONS.contains(&extension));
    let is_other_archive = name.ends_with(".tar.gz");
    is_folder_marker
        || is_other_archive
        || has_other_extension
        || NOTES.contains(&name.as_str())
        || OTHER_LOGS.contains(&first_part)
        || is_process_log(&name, first_part)
}

/// Whether `name`, in lower case, is a log of a script, a daemon or the JVM.
fn is_process_log(name: &str, first_part: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let bare = name
        .strip_suffix(".log")
        .or_else(|| name.strip_suffix(".out"));
    bare.is_some_and(|bare| {
        DAEMONS.contains(&first_part) || bare.split('.').any(|part| OTHER_LOGS.contains(&part))
    })
}

/// Whether a folder is that of a rolling log.
pub(super) fn is_rolling_folder(name: &str) -> bool {
    name.starts_with(ROLLING_FOLDER)
}

/// The folder of the rolling log `id`.
pub(super) fn rolling_folder_of(id: &str) -> String {
    format!("{ROLLING_FOLDER}{id}")
}

/// Whether a file is a zip archive by its name.
pub(super) fn is_zip(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".zip")
}

/// The name of a single-file log without its in-progress ending; `None` when it has none.
pub(super) fn without_in_progress(name: &str) -> Option<&str> {
    name.strip_suffix(IN_PROGRESS)
}

/// A file in the folder of a rolling log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RollingFile {
    /// `events_<number>_…`; a compacted file sorts after the plain one of its number.
    Events { number: u64, is_compact: bool },
    /// `appstatus_…`, whose name alone matters.
    Status { in_progress: bool },
}

/// Reads the name of a file in the folder of a rolling log.
pub(crate) fn rolling_file(name: &str) -> Option<RollingFile> {
    if let Some(rest) = name.strip_prefix("events_") {
        let number = rest.split('_').next()?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_number.then(|| number.parse().ok()).flatten()?;
        return Some(RollingFile::Events {
            number,
            is_compact: name.ends_with(COMPACT),
        });
    }
    name.starts_with("appstatus_").then(|| RollingFile::Status {
        in_progress: name.ends_with(IN_PROGRESS),
    })
}

/// The log that a piece of a rolling log belongs to, by the end of its name: `x` of `events_2_x.zstd`
/// and of `appstatus_x`. `None` for other files.
pub(super) fn rolling_log_of(name: &str) -> Option<&str> {
    let rest = match rolling_file(name)? {
        RollingFile::Events { .. } => name.strip_prefix("events_")?.split_once('_')?.1,
        RollingFile::Status { .. } => name.strip_prefix("appstatus_")?,
    };
    Some(without_endings(rest)).filter(|id| !id.is_empty())
}

/// A file of Databricks' cluster log delivery, in reading order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DatabricksFile {
    /// `eventlog-YYYY-MM-DD--HH-MM[.gz]`, by its date as text, which sorts as time does.
    Dated(String),
    /// `eventlog`, the newest events.
    Newest,
}

/// Reads the name of a file of Databricks' cluster log delivery.
///
/// Only the exact names: people keep single logs under names like `eventlog_nested`, many in a
/// folder, and those are logs of their own.
pub(crate) fn databricks_file(name: &str) -> Option<DatabricksFile> {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    if name == "eventlog" {
        return Some(DatabricksFile::Newest);
    }
    let date = name.strip_prefix("eventlog-")?;
    has_shape(date, "0000-00-00--00-00").then(|| DatabricksFile::Dated(date.to_owned()))
}

/// Whether `text` is `shape` with any digits in the place of its zeros.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, expected): (u8, u8)| match expected {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

/// The part of a path after its last `/`.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The part of a path before its last `/`; empty when there is none.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A name without what marks compaction, progress and codec.
pub(crate) fn without_endings(name: &str) -> &str {
    let name = name.strip_suffix(".compact").unwrap_or(name);
    let name = name.strip_suffix(".inprogress").unwrap_or(name);
    name.split('.').next().unwrap_or(name)
}

/// The application that a file or folder is named after, where the name is one that Spark gives.
pub(crate) fn application_in_name(name: &str) -> Option<Section> {
    let bare = without_endings(name);
    yarn_attempt(bare).or_else(|| {
        is_application_id(bare).then(|| Section {
            application_id: bare.to_owned(),
            attempt_id: "0".to_owned(),
        })
    })
}

/// `application_<time>_<number>`, with the attempt's number after it.
fn yarn_attempt(name: &str) -> Option<Section> {
    let mut numbers = name.strip_prefix("application_")?.split('_');
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let time = numbers.next().filter(is_number)?;
    let number = numbers.next().filter(is_number)?;
    let attempt = numbers.next();
    let fits = attempt.as_ref().is_none_or(is_number) && numbers.next().is_none();
    fits.then(|| Section {
        application_id: format!("application_{time}_{number}"),
        attempt_id: attempt.unwrap_or("0").to_owned(),
    })
}

/// The ids of standalone clusters, of local mode, and of Kubernetes.
fn is_application_id(name: &str) -> bool {
    let is_all =
        |text: &str, of: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(of);
    let digits: fn(&u8) -> bool = u8::is_ascii_digit;
    if let Some(rest) = name.strip_prefix("app-") {
        return rest
            .split_once('-')
            .is_some_and(|(time, number)| is_all(time, digits) && is_all(number, digits));
    }
    if let Some(rest) = name.strip_prefix("local-") {
        return is_all(rest, digits);
    }
    if let Some(rest) = name.strip_prefix("spark-application-") {
        return is_all(rest, digits);
    }
    name.strip_prefix("spark-")
        .is_some_and(|rest| rest.len() == 32 && is_all(rest, u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_processes_are_no_event_logs() {
        for name in [
            "20240705_101501_00_setup.sh.stderr.log",
            "20240705_101501_00_setup.sh.stdout.log.gz",
            "log4j-2024-07-05-11.log.gz",
            "stderr--2024-07-05--11.gz",
            "gc.log",
            "yarn-yarn-nodemanager-ip-10-0-0-1.log.gz",
            "hadoop-hdfs-namenode-ip-10-0-0-1.out",
            "directory.info",
        ] {
            assert!(is_other_file(name), "{name}");
        }
        for name in [
            "app-20240705101500-0024.log",
            "nightly.log.gz",
            "hive-on-spark",
            "yarn",
            "my.stderr.study",
            "application_1700000000000_0042_1.zstd",
        ] {
            assert!(!is_other_file(name), "{name}");
        }
    }

    #[test]
    fn names_that_spark_gives_tell_application_and_attempt() {
        let of = |name: &str| {
            application_in_name(name).map(|section| (section.application_id, section.attempt_id))
        };
        let id = |id: &str, attempt: &str| Some((id.to_owned(), attempt.to_owned()));
        assert_eq!(
            of("application_1700000000000_0042_2.zstd.inprogress"),
            id("application_1700000000000_0042", "2")
        );
        assert_eq!(
            of("application_1700000000000_0042"),
            id("application_1700000000000_0042", "0")
        );
        assert_eq!(
            of("app-20240705101500-0024.lz4"),
            id("app-20240705101500-0024", "0")
        );
        assert_eq!(of("local-1700000000000"), id("local-1700000000000", "0"));
        let kubernetes = "spark-0123456789abcdef0123456789abcdef";
        assert_eq!(of(kubernetes), id(kubernetes, "0"));
        for other in [
            "events_without_start",
            "application_x_1",
            "app-1",
            "notes",
            "spark-abc",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
