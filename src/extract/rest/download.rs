//! The raw log of an attempt, fetched from its server as a zip archive.
//!
//! One request gives all that Spark logged, so this is the better way wherever a server allows it. A
//! live driver answers with an archive of nothing.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::sync::Arc;

use futures::TryFutureExt;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use tempfile::NamedTempFile;
use tokio::runtime::Handle;
use url::Url;

use super::within_deadline;
use crate::discover::{EventLog, Layout, ServerApplication, SourceFile, archived_logs};
use crate::extract::error::ExtractError;
use crate::extract::eventlog;
use crate::extract::eventlog::codec::{DecodeLimits, zip};
use crate::extract::extraction::{Extraction, Identity};

/// Largest archive that is fetched. Spark packs its logs, so this is some terabyte of text.
const MAX_ARCHIVE_BYTES: u64 = 64 << 30;

/// The log of one attempt in an archive on this machine, which is removed with it.
#[derive(Debug)]
pub(super) struct FetchedLog {
    pub(super) log: EventLog,
    archive: NamedTempFile,
}

/// Fetches the archive of `application` and finds the log of the attempt in it.
///
/// # Errors
/// When the server gives no archive, or none with a log of this attempt.
pub(super) fn fetch(
    application: &ServerApplication,
    wanted: &Identity,
    runtime: &Handle,
    limits: &DecodeLimits,
) -> Result<FetchedLog, ExtractError> {
    let mut archive = download(application, limits, runtime)?;
    let uri = address(application);
    let candidates = logs_in(&mut archive, &uri, application)?;
    let copy_uri = copy_uri(&archive);
    // Archives of applications without attempt ids hold the logs of all attempts there are.
    let mut refusal = None;
    let mut found: Option<EventLog> = None;
    for log in candidates {
        match eventlog::identity::identify(&log, runtime, limits) {
            Ok(identified) => {
                for (log, identity) in identified {
                    let is_better = found.as_ref().is_none_or(|found| found.in_progress);
                    if is_wanted(&identity, wanted) && is_better {
                        found = Some(log);
                    }
                }
            }
            Err(error) => {
                refusal.get_or_insert(error);
            }
        }
    }
    match found {
        Some(log) => Ok(FetchedLog { log, archive }),
        None => Err(refusal.map_or_else(
            || ExtractError::NotAnEventLog {
                uri: uri.clone(),
                reason: "the archive holds no log of this attempt".to_owned(),
            },
            |error| error.renamed(&copy_uri, &uri),
        )),
    }
}

impl FetchedLog {
    /// Speaks of the server where an error names the copy.
    pub(super) fn rename_error(
        &self,
        error: ExtractError,
        application: &ServerApplication,
    ) -> ExtractError {
        error.renamed(&copy_uri(&self.archive), &address(application))
    }

    /// Speaks of the server where a loss names the copy.
    pub(super) fn rename_loss(
        &self,
        mut extraction: Extraction,
        application: &ServerApplication,
    ) -> Extraction {
        let copy = copy_uri(&self.archive);
        // The copy goes; the server lists its applications itself.
        extraction.others.clear();
        extraction.loss = extraction
            .loss
            .map(|loss| loss.replace(&copy, &address(application)));
        extraction
    }
}

/// What the archive is called in messages.
fn address(application: &ServerApplication) -> String {
    format!("{}/logs", application.uri)
}

fn is_wanted(identity: &Identity, wanted: &Identity) -> bool {
    identity.application_id == wanted.application_id && identity.attempt_id == wanted.attempt_id
}

fn download(
    application: &ServerApplication,
    limits: &DecodeLimits,
    runtime: &Handle,
) -> Result<NamedTempFile, ExtractError> {
    let failed = |error| ExtractError::from_io(error, &address(application));
    let mut archive = NamedTempFile::with_prefix("sparklake-").map_err(failed)?;
    let path = format!("api/v1/{}/logs", application.path());
    let download = application.client.download(
        "logs",
        &path,
        archive.as_file_mut(),
        empty,
        MAX_ARCHIVE_BYTES,
    );
    let download = download.map_err(|source| ExtractError::Http {
        uri: address(application),
        source,
    });
    within_deadline(application, limits, runtime, download)?;
    Ok(archive)
}

fn empty(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0)).map(|_| ())
}

/// The logs in an archive, not yet opened.
fn logs_in(
    archive: &mut NamedTempFile,
    uri: &str,
    application: &ServerApplication,
) -> Result<Vec<EventLog>, ExtractError> {
    let file = archive
        .reopen()
        .map_err(|error| ExtractError::from_io(error, uri))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let entries = zip::directory(BufReader::new(file)).map_err(|error| ExtractError::Corrupt {
        uri: uri.to_owned(),
        reason: error.to_string(),
    })?;
    let (found, _) = archived_logs(&entries);
    let mut logs: Vec<(Vec<zip::ZipEntry>, bool)> = found
        .into_iter()
        .map(|log| (log.entries, log.in_progress))
        .collect();
    // The server named it a log, whatever it is called.
    if let (true, [only]) = (logs.is_empty(), entries.as_slice()) {
        logs.push((vec![only.clone()], false));
    }
    if logs.is_empty() {
        return Err(ExtractError::EmptyLog {
            uri: uri.to_owned(),
        });
    }
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let path = Path::from_absolute_path(archive.path()).unwrap_or_default();
    let source = SourceFile {
        uri: copy_uri(archive),
        path,
        size,
        modified: application.last_updated,
        etag: None,
    };
    let to_log = |(zip_entries, in_progress)| EventLog {
        uri: copy_uri(archive),
        layout: Layout::Zip,
        files: vec![source.clone()],
        zip_entries,
        in_progress,
        section: None,
        store: Arc::clone(&store),
    };
    Ok(logs.into_iter().map(to_log).collect())
}

fn copy_uri(archive: &NamedTempFile) -> String {
    Url::from_file_path(archive.path()).map_or_else(
        |()| archive.path().display().to_string(),
        |uri| uri.to_string(),
    )
}
