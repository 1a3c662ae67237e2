//! What the names of files and folders tell about logs.
//!
//! Spark and the platforms name their files by rules; these functions know the rules and nothing of
//! files.

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
/// logs: `stdout.gz`, `stderr--2021-06-15--15-00`, `log4j-active.log`.
const OTHER_LOGS: &[&str] = &[
    "controller",
    "launch_container",
    "log4j",
    "prelaunch",
    "stderr",
    "stdout",
    "syslog",
];

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
    is_folder_marker || is_other_archive || has_other_extension || OTHER_LOGS.contains(&first_part)
}

/// Whether a folder is that of a rolling log.
pub(super) fn is_rolling_folder(name: &str) -> bool {
    name.starts_with(ROLLING_FOLDER)
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
pub(super) enum RollingFile {
    /// `events_<number>_…`; a compacted file sorts after the plain one of its number.
    Events { number: u64, is_compact: bool },
    /// `appstatus_…`, whose name alone matters.
    Status { in_progress: bool },
}

/// Reads the name of a file in the folder of a rolling log.
pub(super) fn rolling_file(name: &str) -> Option<RollingFile> {
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

/// A file of Databricks' cluster log delivery, in reading order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DatabricksFile {
    /// `eventlog-YYYY-MM-DD--HH-MM[.gz]`, by its date as text, which sorts as time does.
    Dated(String),
    /// `eventlog`, the newest events.
    Newest,
}

/// Reads the name of a file of Databricks' cluster log delivery.
///
/// Only the exact names: people keep single logs under names like `eventlog_nested`, many in a
/// folder, and those are logs of their own.
pub(super) fn databricks_file(name: &str) -> Option<DatabricksFile> {
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
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The part of a path before its last `/`; empty when there is none.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
