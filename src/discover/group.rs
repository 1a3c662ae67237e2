//! From a flat list of files to logs: which files belong together, and in which order.
//!
//! The same rules hold for a folder tree and for the inside of a zip archive, so this works on paths
//! and sizes alone.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::history::Layout;
use super::names::{self, DatabricksFile, RollingFile};
use super::problem::DiscoverError;

/// A file that may belong to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFile {
    /// Full path, `/` between its parts.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// Files that make up one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogGroup {
    /// Path of the log: its file, or its folder.
    pub path: String,
    pub layout: Layout,
    /// Paths of the files in reading order.
    pub files: Vec<String>,
    pub in_progress: bool,
}

/// What a list of files holds. Problems carry paths where they will carry URIs.
#[derive(Debug, Default)]
pub(crate) struct Grouped {
    pub logs: Vec<LogGroup>,
    pub problems: Vec<DiscoverError>,
}

/// Groups `files` into logs. What is certainly no log, by its name, is left out.
pub(crate) fn group(files: &[LogFile]) -> Grouped {
    let folder_markers = folder_markers(files);
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in files {
        if !folder_markers.contains(file.path.as_str()) {
            folders
                .entry(names::folder(&file.path))
                .or_default()
                .push(&file.path);
        }
    }
    let mut grouped = Grouped::default();
    for (folder, mut paths) in folders {
        paths.sort_unstable();
        if names::is_rolling_folder(names::file_name(folder)) {
            match rolling_log(folder, &paths) {
                Ok(log) => grouped.logs.extend(log),
                Err(problem) => grouped.problems.push(problem),
            }
        } else {
            let singles = take_rolling_logs(folder, paths, &mut grouped);
            group_folder(folder, &singles, &mut grouped.logs);
        }
    }
    grouped
        .logs
        .sort_by(|left, right| left.path.cmp(&right.path));
    grouped
}

/// Object stores have no folders; some tools put an empty object in the place of one.
fn folder_markers(files: &[LogFile]) -> HashSet<&str> {
    let folders: HashSet<&str> = files
        .iter()
        .flat_map(|file| {
            file.path
                .match_indices('/')
                .filter_map(|(at, _)| file.path.get(..at))
        })
        .collect();
    let is_marker = |file: &&LogFile| file.size == 0 && folders.contains(file.path.as_str());
    files
        .iter()
        .filter(is_marker)
        .map(|file| file.path.as_str())
        .collect()
}

/// A rolling log; `None` when it has just begun and no event file is there yet.
///
/// Files that the naming rules do not know are left out, as Spark's History Server does. A number
/// that is missing, or there twice, is for the extraction to judge: it reads what there is.
fn rolling_log(folder: &str, paths: &[&str]) -> Result<Option<LogGroup>, DiscoverError> {
    let uri = || folder.to_owned();
    let mut events = BTreeSet::new();
    let mut statuses = Vec::new();
    for path in paths {
        match names::rolling_file(names::file_name(path)) {
            Some(RollingFile::Events { number, is_compact }) => {
                events.insert(((number, is_compact), (*path).to_owned()));
            }
            Some(RollingFile::Status { in_progress }) => statuses.push(in_progress),
            None => {}
        }
    }
    // Renaming an object is copying and deleting, so for a moment both status files are there.
    let in_progress = !statuses.is_empty() && statuses.iter().all(|status| *status);
    if events.is_empty() {
        return match in_progress || statuses.is_empty() {
            true => Ok(None),
            false => Err(DiscoverError::NoEventFile { uri: uri() }),
        };
    }
    let last_compact = events
        .iter()
        .map(|(key, _)| *key)
        .filter(|(_, is_compact)| *is_compact)
        .max();
    if let Some(last_compact) = last_compact {
        events.retain(|(key, _)| *key >= last_compact);
    }
    Ok(Some(LogGroup {
        path: uri(),
        layout: Layout::Rolling,
        files: events.into_iter().map(|(_, path)| path).collect(),
        in_progress,
    }))
}

/// Takes the rolling logs out of a folder that is not named as theirs, as where one was copied without
/// its folder; gives the other files. A single piece without a status file stays a file of its own.
fn take_rolling_logs<'p>(folder: &str, paths: Vec<&'p str>, grouped: &mut Grouped) -> Vec<&'p str> {
    let mut by_log: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths.iter().copied() {
        if let Some(log) = names::rolling_log_of(names::file_name(path)) {
            by_log.entry(log).or_default().push(path);
        }
    }
    by_log.retain(|_, pieces| pieces.len() > 1);
    for (id, pieces) in &by_log {
        // There may be several: each goes by the folder that Spark would give it.
        let own_folder = names::rolling_folder_of(id);
        let place = match folder {
            "" => own_folder,
            folder => format!("{folder}/{own_folder}"),
        };
        match rolling_log(&place, pieces) {
            Ok(log) => grouped.logs.extend(log),
            Err(problem) => grouped.problems.push(problem),
        }
    }
    let is_taken = |path: &&str| {
        let log = names::rolling_log_of(names::file_name(path));
        log.is_some_and(|log| by_log.contains_key(log))
    };
    paths.into_iter().filter(|path| !is_taken(path)).collect()
}

/// A folder that is no rolling log: at most one Databricks log, and single files.
fn group_folder(folder: &str, paths: &[&str], logs: &mut Vec<LogGroup>) {
    let mut chunks: Vec<(DatabricksFile, &str)> = Vec::new();
    let mut singles = BTreeSet::new();
    for path in paths {
        let name = names::file_name(path);
        match names::databricks_file(name) {
            Some(chunk) => chunks.push((chunk, path)),
            None if names::is_other_file(name) => {}
            None => drop(singles.insert(*path)),
        }
    }
    if !chunks.is_empty() {
        chunks.sort();
        logs.push(LogGroup {
            path: folder.to_owned(),
            layout: Layout::Databricks,
            files: chunks
                .into_iter()
                .map(|(_, path)| path.to_owned())
                .collect(),
            in_progress: false,
        });
    }
    // The end of an application renames its log. Where that is copying and deleting, both names
    // exist for a moment, and the new one is complete.
    let is_superseded = |path: &&str| {
        names::without_in_progress(path).is_some_and(|complete| singles.contains(complete))
    };
    logs.extend(
        singles
            .iter()
            .filter(|path| !is_superseded(path))
            .map(|path| single_file(path)),
    );
}

/// A log of one file, whatever its name.
pub(crate) fn single_file(path: &str) -> LogGroup {
    LogGroup {
        path: path.to_owned(),
        layout: if names::is_zip(path) {
            Layout::Zip
        } else {
            Layout::SingleFile
        },
        files: vec![path.to_owned()],
        in_progress: names::without_in_progress(path).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn grouped(paths: &[&str]) -> Vec<(String, Layout, Vec<String>, bool)> {
        let files: Vec<_> = paths
            .iter()
            .map(|path| LogFile {
                path: (*path).to_owned(),
                size: 1,
            })
            .collect();
        let logs = group(&files).logs.into_iter();
        logs.map(|log| (log.path, log.layout, log.files, log.in_progress))
            .collect()
    }

    #[test]
    fn pieces_of_a_rolling_log_in_another_folder_stay_one_log() {
        let texts = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let log = |path: &str, layout, files: &[&str], in_progress| {
            (path.to_owned(), layout, texts(files), in_progress)
        };
        assert_eq!(
            grouped(&[
                "d/events_10_x.zstd",
                "d/events_9_x.zstd",
                "d/events_1_y",
                "d/app-1"
            ]),
            [
                log("d/app-1", Layout::SingleFile, &["d/app-1"], false),
                log(
                    "d/eventlog_v2_x",
                    Layout::Rolling,
                    &["d/events_9_x.zstd", "d/events_10_x.zstd"],
                    false
                ),
                log("d/events_1_y", Layout::SingleFile, &["d/events_1_y"], false),
            ]
        );
        assert_eq!(
            grouped(&[
                "appstatus_x.inprogress",
                "events_1_x",
                "events_1_y",
                "events_2_y",
            ]),
            [
                log("eventlog_v2_x", Layout::Rolling, &["events_1_x"], true),
                log(
                    "eventlog_v2_y",
                    Layout::Rolling,
                    &["events_1_y", "events_2_y"],
                    false
                ),
            ]
        );
    }

    fn files() -> impl Strategy<Value = Vec<LogFile>> {
        let folder = "(a/|eventlog_v2_x/|b/eventlog_v2_y/|)";
        let name = "(events_[0-9]{1,2}_x(\\.zstd)?(\\.compact)?|appstatus_x(\\.inprogress)?|eventlog\
                    |eventlog-2024-01-0[1-3]--00-00\\.gz|app-[0-9](\\.inprogress)?|a|x\\.zip|.{0,3})";
        let path = (folder, name).prop_map(|(folder, name)| format!("{folder}{name}"));
        prop::collection::vec((path, 0u64..2), 0..20).prop_map(|files| {
            let unique: BTreeMap<_, _> = files.into_iter().collect();
            unique
                .into_iter()
                .map(|(path, size)| LogFile { path, size })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn no_file_belongs_to_two_logs_and_the_order_of_the_list_does_not_matter(files in files()) {
            let grouped = group(&files);
            let mut seen = HashSet::new();
            for path in grouped.logs.iter().flat_map(|log| &log.files) {
                prop_assert!(files.iter().any(|file| file.path == *path));
                prop_assert!(seen.insert(path), "{path} is in two logs");
            }
            prop_assert!(grouped.logs.iter().all(|log| !log.files.is_empty()));
            let reversed: Vec<_> = files.into_iter().rev().collect();
            prop_assert_eq!(group(&reversed).logs, grouped.logs);
        }
    }
}
