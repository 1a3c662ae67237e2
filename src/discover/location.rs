//! From what a user wrote to a store and a path in it.
//!
//! Plain paths are taken literally. URIs are percent-decoded, as URIs are: a key that really holds
//! `%20` is written `%2520`. Every URI that sparklake shows is encoded by the same rule, so it can be
//! given back as it is.

use std::collections::HashMap;
use std::path::{Component, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use super::problem::DiscoverError;

/// Prefixes of the environment variables that configure a store. Others bear names like `TOKEN` or
/// `REGION` that a store's configuration knows as well, but mean something else.
const ENVIRONMENT_PREFIXES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// The name of a source whose URI has neither folder nor host.
const NAMELESS: &str = "event_logs";

/// A place to look at: a folder or a file of a store.
#[derive(Debug, Clone)]
pub(super) struct Location {
    /// As the user wrote it, for messages.
    pub given: String,
    pub store: Arc<dyn ObjectStore>,
    /// Place in the store.
    pub path: Path,
    /// The same place on this machine, for local files.
    pub local: Option<PathBuf>,
    /// The store's own URI.
    root: Url,
}

impl Location {
    /// Finds out what `given` means. Nothing is read or asked yet.
    ///
    /// `options` go before the environment. Their names are those of `object_store`, such as
    /// `aws_endpoint`.
    pub(super) fn resolve(
        given: &str,
        options: &HashMap<String, String>,
    ) -> Result<Self, DiscoverError> {
        let invalid = |reason: String| DiscoverError::InvalidUri {
            uri: given.to_owned(),
            reason,
        };
        let url = to_url(given).map_err(invalid)?;
        if !is_supported(url.scheme()) {
            let scheme = url.scheme().to_owned();
            return Err(DiscoverError::UnsupportedScheme {
                uri: given.to_owned(),
                scheme,
            });
        }
        let local = match url.scheme() {
            "file" => Some(
                url.to_file_path()
                    .map_err(|()| invalid("it names no local path".to_owned()))?,
            ),
            _ => None,
        };
        let (store, path) = object_store::parse_url_opts(&url, with_environment(options))
            .map_err(|error| invalid(error.to_string()))?;
        let mut root = url;
        root.set_path("/");
        Ok(Self {
            given: given.to_owned(),
            store: Arc::from(store),
            path,
            local,
            root,
        })
    }

    /// Another place of the same store.
    pub(super) fn at(&self, path: Path) -> Self {
        let given = self.uri_of(path.as_ref());
        let is_local = self.local.is_some();
        let local = Url::parse(&given).ok().filter(|_| is_local);
        Self {
            store: self.store.clone(),
            local: local.and_then(|url| url.to_file_path().ok()),
            root: self.root.clone(),
            given,
            path,
        }
    }

    /// A place in a store that is there already, whose root has the URI `root`.
    #[cfg_attr(
        not(any(feature = "databricks", feature = "emr")),
        allow(dead_code, reason = "platforms use it")
    )]
    pub(super) fn in_store(store: Arc<dyn ObjectStore>, path: Path, root: Url) -> Self {
        let mut location = Self {
            given: String::new(),
            store,
            path,
            local: None,
            root,
        };
        location.given = location.uri_of(location.path.as_ref());
        location
    }

    /// The folder or file `name` in this folder.
    #[cfg_attr(
        not(any(feature = "databricks", feature = "emr")),
        allow(dead_code, reason = "platforms use it")
    )]
    pub(super) fn child(&self, name: &str) -> Self {
        let path = self.path.clone().join(name);
        Self {
            given: self.uri_of(path.as_ref()),
            store: Arc::clone(&self.store),
            local: self.local.as_ref().map(|folder| folder.join(name)),
            root: self.root.clone(),
            path,
        }
    }

    /// The URI of a path of the same store.
    pub(super) fn uri_of(&self, path: &str) -> String {
        let mut uri = self.root.clone();
        if let Ok(mut segments) = uri.path_segments_mut() {
            segments
                .clear()
                .extend(path.split('/').filter(|segment| !segment.is_empty()));
        }
        uri.into()
    }

    /// The host (the bucket), for what lies in no folder.
    pub(super) fn host_name(&self) -> String {
        let host = self.root.host_str().filter(|host| !host.is_empty());
        host.unwrap_or(NAMELESS).to_owned()
    }
}

/// Opens the store that `root`, the URI of its root or of a place in it, belongs to. Nothing is read
/// or asked yet.
///
/// # Errors
/// When it is no URI of a store, or the options make no sense.
pub fn open_store(
    root: &str,
    options: &HashMap<String, String>,
) -> Result<Arc<dyn ObjectStore>, DiscoverError> {
    Location::resolve(root, options).map(|location| location.store)
}

/// The scheme of an address that no store is known for, such as `htp`.
pub(super) fn unsupported_scheme(given: &str) -> Option<String> {
    let url = to_url(given).ok()?;
    (!is_supported(url.scheme())).then(|| url.scheme().to_owned())
}

fn is_supported(scheme: &str) -> bool {
    let is_any = cfg!(any(feature = "aws", feature = "azure", feature = "gcp"));
    scheme == "file"
        || (cfg!(feature = "aws") && scheme == "s3")
        || (cfg!(feature = "gcp") && scheme == "gs")
        || (cfg!(feature = "azure") && matches!(scheme, "az" | "adl" | "azure" | "abfs" | "abfss"))
        || (is_any && scheme == "https")
}

fn with_environment(options: &HashMap<String, String>) -> Vec<(String, String)> {
    let is_for_stores = |name: &str| {
        ENVIRONMENT_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
    };
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| is_for_stores(name));
    let own = options
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    environment.chain(own).collect()
}

/// A plain path or a URI as URL; the error says what is wrong.
fn to_url(given: &str) -> Result<Url, String> {
    if given.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if !has_scheme(given) {
        return path_to_url(given);
    }
    // Neither has a meaning here, but both occur in the names of objects.
    let given = given.replace('#', "%23").replace('?', "%3F");
    let mut url = Url::parse(&given).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "s3a" | "s3n") {
        url.set_scheme("s3")
            .map_err(|()| "it names no bucket".to_owned())?;
    }
    // A URI goes to logs and ledgers; a password must not.
    if url.password().is_some() {
        return Err("it holds a password; give credentials by options or environment".to_owned());
    }
    Ok(url)
}

/// `scheme:/…`; a single letter is the drive of a Windows path.
fn has_scheme(given: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.len() > 1
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    given
        .split_once(":/")
        .is_some_and(|(scheme, _)| is_scheme(scheme))
}

fn path_to_url(given: &str) -> Result<Url, String> {
    let path = std::path::absolute(given).map_err(|error| error.to_string())?;
    // Only the file system knows what `..` means after a symbolic link. Otherwise links stay as they
    // are written, so that a log keeps its URI when `current` points to another folder tomorrow.
    let path = match path.components().any(|part| part == Component::ParentDir) {
        true => path.canonicalize().map_err(|error| error.to_string())?,
        false => path,
    };
    Url::from_file_path(&path).map_err(|()| "it is no absolute path".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(given: &str) -> Result<Location, DiscoverError> {
        Location::resolve(given, &HashMap::new())
    }

    #[test]
    fn every_store_keeps_its_uri_and_decodes_its_path() {
        let cases = [
            (
                "s3://bucket/my logs/a%2520b",
                "my logs/a%20b",
                "s3://bucket/my%20logs/a%2520b",
            ),
            ("s3n://bucket/a#b?c", "a#b?c", "s3://bucket/a%23b%3Fc"),
            ("gs://bucket/logs/", "logs", "gs://bucket/logs"),
            (
                "abfss://container@account.dfs.core.windows.net/logs",
                "logs",
                "abfss://container@account.dfs.core.windows.net/logs",
            ),
            ("file:/data/100%25", "data/100%", "file:///data/100%25"),
            ("/data/100%", "data/100%", "file:///data/100%25"),
        ];
        for (given, path, uri) in cases {
            let location = resolve(given).unwrap();
            assert_eq!(location.path.as_ref(), path, "{given}");
            assert_eq!(location.uri_of(path), uri, "{given}");
        }
    }

    #[test]
    fn another_place_of_the_same_store_is_as_if_it_had_been_resolved() {
        for (root, below) in [
            ("s3://bucket/my logs", "s3://bucket/my%20logs/a"),
            ("/data/100%", "file:///data/100%25/a"),
        ] {
            let root = resolve(root).unwrap();
            let place = root.at(root.path.clone().join("a"));
            let resolved = resolve(below).unwrap();
            assert_eq!(place.given, below);
            assert_eq!(place.path, resolved.path);
            assert_eq!(place.local, resolved.local);
        }
    }
}
