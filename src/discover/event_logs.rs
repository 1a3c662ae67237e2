//! Finds event logs in folders and object stores.

use crate::model::Platform;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::group::{Grouped, LogFile, LogGroup, group, single_file};
use super::history::{Content, Discovery, EventLog, History, Layout, SourceFile};
use super::location::{self, Location};
use super::origin::{Origin, origin};
use super::pattern::{self, Pattern};
use super::problem::{DiscoverError, DiscoverProblem};
use super::walk::{self, LocationContents};
use super::window::Window;
use super::{Check, CheckOutcome, archive};

/// Places that hold event logs.
#[derive(Debug, Clone, Default)]
pub struct EventLogSource {
    /// Paths, absolute or relative, and URIs (`file://`, `s3://`, `gs://`, `abfss://`), each of a
    /// folder, which is searched with all its folders, or of a single file, which is taken as a log
    /// whatever its name. `*`, `?` and `**` stand for parts of names; `@FILE` is a file that lists
    /// places, one a line.
    pub uris: Vec<String>,
    /// What to call the cluster that they come from; by default the folder that they lie in. The
    /// clusters of Databricks' delivery keep the ids that their paths tell.
    pub name: Option<String>,
    /// Settings of the object store by the names of `object_store`, before those of the
    /// environment: `aws_endpoint`, `aws_region`, `allow_http`, …
    pub storage_options: HashMap<String, String>,
}

/// Finds the histories of `source` whose newest file was modified within `window`.
///
/// A place that cannot be looked at is a [`DiscoverProblem`] as long as another one can.
///
/// # Errors
/// When the source names no place, or none of its places can be looked at.
pub async fn discover(
    source: &EventLogSource,
    window: &Window,
) -> Result<Discovery, DiscoverError> {
    let mut histories = BTreeMap::new();
    let mut problems = Vec::new();
    let mut failures = Vec::new();
    let mut uris = Vec::with_capacity(source.uris.len());
    for given in &source.uris {
        match pattern::places(given) {
            Ok(places) => uris.extend(places),
            Err(error) => failures.push(DiscoverProblem {
                uri: given.clone(),
                error,
            }),
        }
    }
    let places = uris.len() + failures.len();
    for uri in &uris {
        match discover_uri(uri, source).await {
            Ok(found) => {
                let wanted = found
                    .histories
                    .into_iter()
                    .filter(|h| window.contains(h.modified()));
                histories.extend(wanted.map(|history| (history.uri().to_owned(), history)));
                problems.extend(found.problems);
            }
            Err(error) => failures.push(DiscoverProblem {
                uri: uri.clone(),
                error,
            }),
        }
    }
    if failures.len() == places {
        return Err(only_failures(failures));
    }
    problems.extend(failures);
    problems.sort_by(|left, right| left.uri.cmp(&right.uri));
    problems
        .dedup_by(|left, right| left.uri == right.uri && left.error.kind() == right.error.kind());
    Ok(Discovery {
        histories: histories.into_values().collect(),
        problems,
    })
}

/// Tries whether the places of `source` can be listed. Opens no log.
pub async fn check(source: &EventLogSource) -> Vec<Check> {
    let mut checks = Vec::with_capacity(source.uris.len());
    let places = |given: &String| pattern::places(given).unwrap_or_else(|_| vec![given.clone()]);
    for uri in &source.uris.iter().flat_map(places).collect::<Vec<_>>() {
        let outcome = match discover_uri(uri, source).await {
            Ok(found) if found.histories.is_empty() => CheckOutcome::Failed {
                problem: "there are no event logs".to_owned(),
                cure: "check that spark.eventLog.enabled is true and spark.eventLog.dir is this \
                       place"
                    .to_owned(),
            },
            Ok(found) => CheckOutcome::Passed(format!("{} logs", found.histories.len())),
            Err(error) => CheckOutcome::Failed {
                problem: error.to_string(),
                cure: "check the address, and the credentials in storage_options or in the \
                       environment"
                    .to_owned(),
            },
        };
        checks.push(Check {
            subject: format!("listing {uri}"),
            outcome,
        });
    }
    checks
}

/// The scheme of an address of event logs that no store is known for, such as `htp`.
pub fn unsupported_scheme(uri: &str) -> Option<String> {
    location::unsupported_scheme(uri)
}

/// Finds the histories in a place that is known already, such as one of a platform's own stores.
#[cfg_attr(
    not(any(feature = "databricks", feature = "emr")),
    allow(dead_code, reason = "platforms use it")
)]
pub(super) async fn discover_at(
    location: &Location,
    name: Option<&str>,
    window: &Window,
) -> Result<Discovery, DiscoverError> {
    let mut found = discover_location(location, name).await?;
    found
        .histories
        .retain(|history| window.contains(history.modified()));
    Ok(found)
}

fn only_failures(mut failures: Vec<DiscoverProblem>) -> DiscoverError {
    match failures.pop() {
        None => DiscoverError::NoUri,
        Some(only) if failures.is_empty() => only.error,
        Some(last) => {
            failures.push(last);
            DiscoverError::AllFailed(failures)
        }
    }
}

async fn discover_uri(uri: &str, source: &EventLogSource) -> Result<Discovery, DiscoverError> {
    let location = Location::resolve(uri, &source.storage_options)?;
    let name = source.name.as_deref();
    // A name with such characters is meant as it is where there is such a file.
    let is_there = location.local.as_deref().is_some_and(Path::exists);
    let Some((base, pattern)) = Pattern::split(location.path.as_ref()).filter(|_| !is_there) else {
        return discover_location(&location, name).await;
    };
    let depth = base.split('/').filter(|part| !part.is_empty()).count();
    let mut folder = location.at(location.path.parts().take(depth).collect());
    uri.clone_into(&mut folder.given);
    let found = match walk::list(&folder).await? {
        LocationContents::Folder {
            mut files,
            problems,
        } => {
            files.retain(|file| pattern.fits(file.path.as_ref()));
            LocationContents::Folder { files, problems }
        }
        LocationContents::File(_) => LocationContents::Folder {
            files: Vec::new(),
            problems: Vec::new(),
        },
    };
    if matches!(&found, LocationContents::Folder { files, problems } if files.is_empty() && problems.is_empty())
    {
        return Err(DiscoverError::NotFound {
            uri: uri.to_owned(),
        });
    }
    Ok(assemble(&folder, name, found).await)
}

/// Finds the histories at `location`, whenever they were modified.
pub(super) async fn discover_location(
    location: &Location,
    name: Option<&str>,
) -> Result<Discovery, DiscoverError> {
    let found = walk::list(location).await?;
    Ok(assemble(location, name, found).await)
}

/// Puts the files that were found together to logs.
async fn assemble(location: &Location, name: Option<&str>, found: LocationContents) -> Discovery {
    let (files, grouped, folder_problems) = match found {
        LocationContents::File(file) => {
            let logs = vec![single_file(file.path.as_ref())];
            (
                vec![file],
                Grouped {
                    logs,
                    problems: Vec::new(),
                },
                Vec::new(),
            )
        }
        LocationContents::Folder { files, problems } => {
            let grouped = group(&files.iter().map(to_log_file).collect::<Vec<_>>());
            (files, grouped, problems)
        }
    };
    let mut assembly = Assembly {
        location,
        name,
        files: files
            .into_iter()
            .map(|file| (file.path.as_ref().to_owned(), file))
            .collect(),
        discovery: Discovery::default(),
    };
    assembly
        .discovery
        .problems
        .extend(folder_problems.into_iter().map(DiscoverProblem::from));
    for problem in grouped.problems {
        assembly.add_problem(problem, |path| location.uri_of(path));
    }
    for log in grouped.logs {
        assembly.add_log(log).await;
    }
    assembly.discovery
}

fn to_log_file(file: &SourceFile) -> LogFile {
    LogFile {
        path: file.path.as_ref().to_owned(),
        size: file.size,
    }
}

/// Turns groups of paths into histories of one location.
struct Assembly<'a> {
    location: &'a Location,
    name: Option<&'a str>,
    files: HashMap<String, SourceFile>,
    discovery: Discovery,
}

impl Assembly<'_> {
    async fn add_log(&mut self, log: LogGroup) {
        let files: Vec<_> = log
            .files
            .iter()
            .filter_map(|path| self.files.get(path))
            .cloned()
            .collect();
        let uri = self.location.uri_of(&log.path);
        let origin = origin(self.location, &log.path, log.layout, self.name);
        let event_log = EventLog {
            uri,
            layout: log.layout,
            files,
            zip_entries: Vec::new(),
            in_progress: log.in_progress,
            section: None,
            store: self.location.store.clone(),
        };
        match event_log.layout {
            Layout::Zip => self.add_archive(event_log, &origin).await,
            _ => self.add_history(event_log, &origin),
        }
    }

    /// Adds the logs of an archive, or the archive itself when it does not tell them.
    async fn add_archive(&mut self, archive: EventLog, origin: &Origin) {
        let grouped = match archive.files.first() {
            Some(file) => archive::logs_in(self.location, file).await,
            None => None,
        };
        let holds_any = |(logs, problems): &(Vec<_>, Vec<_>)| logs.len() + problems.len() > 0;
        let Some((logs, problems)) = grouped.filter(holds_any) else {
            self.add_history(archive, origin);
            return;
        };
        let holds_several = logs.len() + problems.len() > 1;
        let uri_of = |path: &str| match holds_several {
            true => format!("{}!/{path}", archive.uri),
            false => archive.uri.clone(),
        };
        for problem in problems {
            self.add_problem(problem, uri_of);
        }
        for log in logs {
            let log = EventLog {
                uri: uri_of(&log.path),
                zip_entries: log.entries,
                in_progress: log.in_progress,
                ..archive.clone()
            };
            self.add_history(log, origin);
        }
    }

    fn add_history(&mut self, log: EventLog, origin: &Origin) {
        self.discovery.histories.push(History {
            platform: Platform::EventLog,
            cluster_id: origin.cluster_id.clone(),
            cluster_name: origin.cluster_name.clone(),
            content: Content::Log(log),
            job_run: None,
            process_logs: Vec::new(),
        });
    }

    fn add_problem(&mut self, problem: DiscoverError, uri_of: impl Fn(&str) -> String) {
        self.discovery
            .problems
            .push(problem.with_uri(uri_of).into());
    }
}

impl DiscoverError {
    /// The same problem of a log, with its path made a URI.
    fn with_uri(mut self, uri_of: impl Fn(&str) -> String) -> Self {
        if let Self::NoEventFile { uri } = &mut self {
            *uri = uri_of(uri);
        }
        self
    }
}

#[cfg(test)]
mod tests;
