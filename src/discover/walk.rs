//! Lists the files below a location.

use std::cell::RefCell;
use std::path::Path as LocalPath;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use walkdir::{DirEntry, WalkDir};

use super::history::SourceFile;
use super::location::Location;
use super::names;
use super::problem::DiscoverError;

/// What lies at a location.
#[derive(Debug)]
pub(super) enum LocationContents {
    /// A single file, which the user named, so it is a log whatever it is called.
    File(SourceFile),
    /// The files of a folder with all its folders, without hidden ones.
    Folder {
        files: Vec<SourceFile>,
        /// Parts of the folder that could not be looked at.
        problems: Vec<DiscoverError>,
    },
}

/// Lists what lies at `location`.
///
/// Local folders are walked here and not through [`object_store`], whose listing ends at the first
/// folder that it may not enter. Symbolic links are followed within the folder alone: one that leads
/// out could name any file of the machine, `/proc/kmsg` too, which never ends.
pub(super) async fn list(location: &Location) -> Result<LocationContents, DiscoverError> {
    if location.local.is_none() {
        return list_store(location).await;
    }
    let location = location.clone();
    let uri = location.given.clone();
    tokio::task::spawn_blocking(move || list_local(&location))
        .await
        .unwrap_or_else(|error| {
            Err(DiscoverError::Io {
                uri,
                source: error.into(),
            })
        })
}

async fn list_store(location: &Location) -> Result<LocationContents, DiscoverError> {
    let failed = |source| DiscoverError::Store {
        uri: location.given.clone(),
        source,
    };
    let prefix = Some(&location.path).filter(|path| !path.is_root());
    let objects: Vec<ObjectMeta> = location
        .store
        .list(prefix)
        .try_collect()
        .await
        .map_err(failed)?;
    let is_folder = !objects.is_empty() || location.path.is_root();
    if is_folder {
        let files = objects
            .into_iter()
            .filter(|object| !is_hidden_below(&object.location, &location.path))
            .map(|object| from_object(location, object))
            .collect();
        return Ok(LocationContents::Folder {
            files,
            problems: Vec::new(),
        });
    }
    match location.store.head(&location.path).await {
        Ok(object) => Ok(LocationContents::File(from_object(location, object))),
        Err(object_store::Error::NotFound { .. }) => Err(DiscoverError::NotFound {
            uri: location.given.clone(),
        }),
        Err(source) => Err(failed(source)),
    }
}

/// Whether a folder below `root`, or the object's own name, is hidden.
fn is_hidden_below(path: &Path, root: &Path) -> bool {
    path.prefix_match(root)
        .is_some_and(|mut parts| parts.any(|part| names::is_hidden(part.as_ref())))
}

fn from_object(location: &Location, object: ObjectMeta) -> SourceFile {
    SourceFile {
        uri: location.uri_of(object.location.as_ref()),
        path: object.location,
        size: object.size,
        modified: object.last_modified,
        etag: object.e_tag,
    }
}

fn list_local(location: &Location) -> Result<LocationContents, DiscoverError> {
    let root = location.local.as_deref().unwrap_or(LocalPath::new(""));
    let metadata = std::fs::metadata(root).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => DiscoverError::NotFound {
            uri: location.given.clone(),
        },
        _ => DiscoverError::Io {
            uri: location.given.clone(),
            source,
        },
    })?;
    if metadata.is_dir() {
        return walk_folder(location, root);
    }
    if !metadata.is_file() {
        return Err(DiscoverError::NotRegular {
            uri: location.given.clone(),
        });
    }
    from_metadata(location, root, &metadata).map(LocationContents::File)
}

fn walk_folder(location: &Location, root: &LocalPath) -> Result<LocationContents, DiscoverError> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let real_root = root.canonicalize().map_err(|source| DiscoverError::Io {
        uri: location.given.clone(),
        source,
    })?;
    let outside = RefCell::new(Vec::new());
    let is_wanted = |entry: &DirEntry| {
        if entry.depth() == 0 {
            return true;
        }
        if entry.file_name().to_str().is_some_and(names::is_hidden) {
            return false;
        }
        let leads_out = entry.path_is_symlink()
            && entry
                .path()
                .canonicalize()
                .is_ok_and(|target| !target.starts_with(&real_root));
        if leads_out {
            outside.borrow_mut().push(DiscoverError::OutsideLink {
                uri: display_uri(entry.path()),
            });
        }
        !leads_out
    };
    for entry in WalkDir::new(root)
        .follow_links(true)
        .into_iter()
        .filter_entry(is_wanted)
    {
        match entry.map_err(|error| walk_problem(location, root, error)) {
            Ok(entry) if entry.file_type().is_file() => match from_entry(location, &entry) {
                Ok(file) => files.push(file),
                Err(problem) => problems.push(problem),
            },
            Ok(_) => {}
            Err(Some(problem)) if files.is_empty() && problem.uri() == location.given => {
                return Err(problem);
            }
            Err(problem) => problems.extend(problem),
        }
    }
    problems.extend(outside.into_inner());
    Ok(LocationContents::Folder { files, problems })
}

fn from_entry(location: &Location, entry: &DirEntry) -> Result<SourceFile, DiscoverError> {
    let metadata = entry.metadata().map_err(|error| {
        let uri = display_uri(entry.path());
        match error.into_io_error() {
            Some(source) if source.kind() != std::io::ErrorKind::NotFound => {
                DiscoverError::Io { uri, source }
            }
            _ => DiscoverError::Vanished { uri },
        }
    })?;
    from_metadata(location, entry.path(), &metadata)
}

fn from_metadata(
    location: &Location,
    path: &LocalPath,
    metadata: &std::fs::Metadata,
) -> Result<SourceFile, DiscoverError> {
    let in_store = Path::from_absolute_path(path).map_err(|_| DiscoverError::UnreadableName {
        uri: display_uri(path),
    })?;
    // A file system without times of modification is no reason to leave a log out.
    let modified = metadata.modified().ok().and_then(to_utc);
    Ok(SourceFile {
        uri: location.uri_of(in_store.as_ref()),
        path: in_store,
        size: metadata.len(),
        modified: modified.unwrap_or(DateTime::UNIX_EPOCH),
        etag: None,
    })
}

/// `None` beyond the years that a date can bear; a file may claim any. (`From` would panic.)
fn to_utc(time: SystemTime) -> Option<DateTime<Utc>> {
    let since_epoch = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => chrono::TimeDelta::from_std(after).ok()?,
        Err(before) => -chrono::TimeDelta::from_std(before.duration()).ok()?,
    };
    DateTime::UNIX_EPOCH.checked_add_signed(since_epoch)
}

/// `None` for a link that leads nowhere, or back to a folder that it lies in: there is nothing new
/// behind it.
fn walk_problem(
    location: &Location,
    root: &LocalPath,
    error: walkdir::Error,
) -> Option<DiscoverError> {
    let path = error.path().unwrap_or(root);
    let uri = match path == root {
        true => location.given.clone(),
        false => display_uri(path),
    };
    let leads_back = error.loop_ancestor().is_some();
    let is_link = path.is_symlink();
    match error.into_io_error() {
        Some(source) if source.kind() == std::io::ErrorKind::NotFound => {
            (!is_link).then_some(DiscoverError::Vanished { uri })
        }
        Some(source) => Some(DiscoverError::Io { uri, source }),
        None => (!leads_back).then_some(DiscoverError::Vanished { uri }),
    }
}

/// A path for messages, also when it is not UTF-8.
fn display_uri(path: &LocalPath) -> String {
    format!("file://{}", path.display())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_of_modification_far_from_now_do_not_panic() {
        let hour = Duration::from_secs(3600);
        assert_eq!(to_utc(UNIX_EPOCH - hour).unwrap().timestamp(), -3600);
        assert_eq!(to_utc(UNIX_EPOCH + hour).unwrap().timestamp(), 3600);
        let absurd = UNIX_EPOCH
            .checked_add(Duration::from_secs(i64::MAX as u64))
            .unwrap();
        assert_eq!(to_utc(absurd), None);
    }
}
