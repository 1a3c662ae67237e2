//! Applications that are not in the lake, from the sources of the settings: what was allowed at the
//! start is narrowed to the one application that is asked for, never widened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::Context;
use super::error::CliError;
use super::run;
use crate::discover::event_logs::{self, EventLogSource};
use crate::discover::history_server::HistoryServerSource;
use crate::discover::{DiscoverError, OneCluster, Window};
use crate::pipeline::{LiveError, LiveLake, NamedSource, Reload, RunRequest, Source};
use crate::publish::mcp::{Fetched, LiveFailure, LiveSource};

/// Most applications of a cluster that are fetched when it is asked for by its id, the newest first.
const MAX_OF_CLUSTER: usize = 20;

/// The sources that applications may be fetched from.
pub(super) struct LiveSources {
    /// What a run over all of them would be.
    request: RunRequest,
}

impl LiveSources {
    /// The sources of the settings; `None` where there are none.
    ///
    /// # Errors
    /// A setting makes no sense, or a secret is not where it is said to be.
    pub(super) async fn of(context: &Context) -> Result<Option<Self>, CliError> {
        let settings = &context.settings;
        if settings.sources.is_empty() {
            return Ok(None);
        }
        // The lake of live applications is made when one is fetched.
        let nowhere = String::new();
        let mut request =
            run::request_into(nowhere, &settings.sources, settings, &context.environment).await?;
        request.window = Window::default();
        request.include_running = true;
        request.include_tasks = true;
        request.max_applications = None;
        request.reload = Reload::default();
        request.workers = None;
        request.hands_out = None;
        request.engine = None;
        Ok(Some(Self { request }))
    }

    /// The sources with nothing but what `wanted` names.
    async fn narrowed(&self, wanted: &str) -> Result<Vec<NamedSource>, LiveFailure> {
        let is_place = wanted.contains(['/', '\\']);
        if !is_place && !is_id(wanted) {
            return Err(LiveFailure::NotFound);
        }
        let mut narrowed = Vec::new();
        let mut failure = LiveFailure::NotFound;
        let mut is_allowed = false;
        for named in &self.request.sources {
            let source = match &named.source {
                Source::EventLogs(source) => {
                    let uris = source.uris.iter().filter_map(|root| match is_place {
                        true => is_under(wanted, root).then(|| wanted.to_owned()),
                        false => within(root, wanted),
                    });
                    let uris: Vec<String> = uris.collect();
                    is_allowed |= !uris.is_empty();
                    let source = EventLogSource {
                        uris,
                        ..source.clone()
                    };
                    match holds_logs(&source).await {
                        Ok(true) => Source::EventLogs(source),
                        Ok(false) => continue,
                        Err(error) => {
                            failure = LiveFailure::Failed(error.to_string());
                            continue;
                        }
                    }
                }
                Source::HistoryServer(source) if !is_place => {
                    Source::HistoryServer(Box::new(HistoryServerSource {
                        application_id: Some(wanted.to_owned()),
                        ..source.as_ref().clone()
                    }))
                }
                Source::Platform(platform) => match OneCluster::of(platform, wanted) {
                    Some(one) => Source::Platform(Arc::new(one)),
                    None => continue,
                },
                Source::HistoryServer(_) => continue,
            };
            narrowed.push(NamedSource {
                source,
                ..named.clone()
            });
        }
        if is_place && !is_allowed && narrowed.is_empty() {
            return Err(LiveFailure::NotAllowed(format!(
                "this server may only read logs in {}",
                self.places().join(", ")
            )));
        }
        match narrowed.is_empty() {
            true => Err(failure),
            false => Ok(narrowed),
        }
    }
}

#[async_trait]
impl LiveSource for LiveSources {
    fn places(&self) -> Vec<String> {
        let sources = self.request.sources.iter();
        let places = sources.flat_map(|named| named.source.places());
        places
            .map(|place| self.request.redactor.text(&place).into_owned())
            .collect()
    }

    async fn fetch(&self, wanted: &str) -> Result<Fetched, LiveFailure> {
        let sources = self.narrowed(wanted).await?;
        let is_platform = |named: &NamedSource| matches!(named.source, Source::Platform(_));
        let on_platform = sources.iter().any(is_platform);
        let request = RunRequest {
            sources,
            max_applications: on_platform.then_some(MAX_OF_CLUSTER),
            ..self.request.clone()
        };
        let live = LiveLake::load(request).await.map_err(|error| match error {
            // A cluster may be there and its history refused: then the reason says more.
            LiveError::Nothing {
                was_found: false,
                has_problem,
                ..
            } if !(on_platform && has_problem) => LiveFailure::NotFound,
            other => LiveFailure::Failed(other.to_string()),
        })?;
        Ok(Fetched {
            lake: live.lake().clone(),
            is_whole: live.summary().partial == 0,
            keep: Box::new(live),
        })
    }
}

/// Whether a text can be a part of the name of an application's log.
fn is_id(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    text.len() >= 4 && text.chars().all(is_plain) && !text.contains("..")
}

/// Where logs of that name lie in an allowed place: any depth below a folder; a file itself, which is
/// all there is to find in it.
fn within(root: &str, id: &str) -> Option<String> {
    let path = local(root);
    if path.as_deref().is_some_and(Path::is_file) {
        return Some(root.to_owned());
    }
    (!root.starts_with('@')).then(|| format!("{}/**/*{id}*", root.trim_end_matches('/')))
}

/// Whether a place that a client names lies in an allowed one. Local paths are compared as they are
/// on the disk, links followed; others as texts without steps upward.
fn is_under(wanted: &str, root: &str) -> bool {
    if wanted.contains(['*', '?']) || wanted.starts_with('@') || root.contains(['*', '?']) {
        return false;
    }
    match (local(wanted), local(root)) {
        (Some(wanted), Some(root)) => match (wanted.canonicalize(), root.canonicalize()) {
            (Ok(wanted), Ok(root)) => wanted.starts_with(root),
            _ => false,
        },
        (None, None) => {
            let root = root.trim_end_matches('/');
            let below = wanted.strip_prefix(root);
            let is_below = below.is_some_and(|below| below.is_empty() || below.starts_with('/'));
            is_below
                && !wanted.contains(['%', '\\', '#'])
                && wanted.split('/').all(|part| part != ".." && part != ".")
        }
        _ => false,
    }
}

/// The path on this machine's disk; `None` for what is elsewhere.
fn local(uri: &str) -> Option<PathBuf> {
    match uri.split_once("://") {
        Some(("file", path)) => Some(PathBuf::from(path)),
        Some(_) => None,
        None => Some(PathBuf::from(uri)),
    }
}

/// Whether there is a log in the places of a source.
async fn holds_logs(source: &EventLogSource) -> Result<bool, DiscoverError> {
    if source.uris.is_empty() {
        return Ok(false);
    }
    match event_logs::discover(source, &Window::default()).await {
        Ok(found) => Ok(!found.histories.is_empty()),
        Err(DiscoverError::NotFound { .. }) => Ok(false),
        Err(DiscoverError::AllFailed(problems))
            if problems
                .iter()
                .all(|problem| matches!(problem.error, DiscoverError::NotFound { .. })) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_an_allowed_place_can_be_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = folder.path().join("logs");
        std::fs::create_dir_all(logs.join("deep")).expect("folders");
        for file in ["logs/deep/app-1", "secret", "logs-not"] {
            std::fs::write(folder.path().join(file), "").expect("a file");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path().join("secret"), logs.join("link"))
            .expect("a link");
        let root = logs.display().to_string();
        let under = |path: &str| is_under(path, &root);
        assert!(under(&format!("{root}/deep/app-1")));
        assert!(under(&format!("file://{root}/deep/app-1")));
        assert!(under(&format!("{root}/deep/../deep/app-1")));
        for outside in [
            format!("{root}/../secret"),
            format!("{root}/link"),
            format!("{root}-not"),
            format!("{root}/*"),
            format!("@{root}/deep/app-1"),
            "/etc/passwd".to_owned(),
            format!("s3://bucket{root}/deep/app-1"),
        ] {
            assert!(!under(&outside), "{outside}");
        }
        let bucket = |uri: &str| is_under(uri, "s3://bucket/logs/");
        assert!(bucket("s3://bucket/logs/app-1.zstd"));
        for outside in [
            "s3://bucket/logs-other/app-1",
            "s3://bucket/logs/../other/app-1",
            "s3://bucket/logs/%2e%2e/other",
            "s3://other/logs/app-1",
            "https://example.com/logs/app-1",
        ] {
            assert!(!bucket(outside), "{outside}");
        }
    }

    #[test]
    fn an_id_cannot_carry_a_pattern_or_a_path() {
        for id in [
            "app-20261121120425-0000",
            "application_1713000000000_0001",
            "j-2AB3C4D5E6F7G.zstd",
        ] {
            assert!(is_id(id), "{id}");
        }
        for other in ["*", "a?b-c", "..", "a..b", "app", "with space", "@list"] {
            assert!(!is_id(other), "{other}");
        }
    }
}
