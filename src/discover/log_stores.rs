//! The object stores that logs are looked for in while one cluster is explored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_config::SdkConfig;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;

use super::aws::{self, AwsSettings, check_of, skipped_check};
use super::history::Discovery;
use super::location::Location;
use super::problem::DiscoverError;
use super::window::Window;
use super::{Check, event_logs};

/// Stores and folders, each resolved and listed once, however many job runs write to it.
#[derive(Debug)]
pub(super) struct LogStores {
    options: HashMap<String, String>,
    places: Mutex<HashMap<String, Location>>,
    /// Folders that many write to; `None` for one that cannot be looked at.
    shared: tokio::sync::Mutex<HashMap<String, Option<Discovery>>>,
}

impl LogStores {
    /// Stores with these settings, by the names of `object_store`.
    pub(super) fn new(options: HashMap<String, String>) -> Self {
        Self {
            options,
            places: Mutex::default(),
            shared: tokio::sync::Mutex::default(),
        }
    }

    /// The place below `root` that `folders` lead to.
    ///
    /// # Errors
    /// When `root` is no URI of a store.
    pub(super) fn place(&self, root: &str, folders: &[&str]) -> Result<Location, DiscoverError> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let root = if let Some(known) = places.get(root) {
            known.clone()
        } else {
            let place = Location::resolve(root, &self.options)?;
            places.entry(root.to_owned()).or_insert(place).clone()
        };
        let path = folders
            .iter()
            .fold(root.path.clone(), |path, folder| path.join(*folder));
        Ok(root.at(path))
    }

    /// The event logs in a folder that many write to whose names hold one of `ids`; `None` where it
    /// was told before that the folder cannot be looked at.
    ///
    /// # Errors
    /// When the folder cannot be looked at; only the first time.
    pub(super) async fn named_after(
        &self,
        folder: &str,
        ids: &[&str],
    ) -> Result<Option<Discovery>, DiscoverError> {
        let mut shared = self.shared.lock().await;
        if !shared.contains_key(folder) {
            let listed = match self.list(folder).await {
                // Nothing was ever written there.
                Err(DiscoverError::NotFound { .. }) => Ok(Discovery::default()),
                other => other,
            };
            let (known, error) = match listed {
                Ok(discovery) => (Some(discovery), None),
                Err(error) => (None, Some(error)),
            };
            shared.insert(folder.to_owned(), known);
            error.map_or(Ok(()), Err)?;
        }
        let Some(Some(all)) = shared.get_mut(folder) else {
            return Ok(None);
        };
        let is_named = |uri: &str| ids.iter().any(|id| uri.contains(id));
        let (named, others) = std::mem::take(&mut all.problems)
            .into_iter()
            .partition(|problem| is_named(&problem.uri));
        all.problems = others;
        let histories = all.histories.iter();
        let histories = histories.filter(|history| is_named(history.uri()));
        Ok(Some(Discovery {
            histories: histories.cloned().collect(),
            problems: named,
        }))
    }

    async fn list(&self, folder: &str) -> Result<Discovery, DiscoverError> {
        let source = event_logs::EventLogSource {
            uris: vec![folder.to_owned()],
            name: None,
            storage_options: self.options.clone(),
        };
        event_logs::discover(&source, &Window::default()).await
    }
}

const LIST_OBJECTS: &str = "s3:ListBucket";
const GET_OBJECT: &str = "s3:GetObject";

/// Where a job run's logs go.
pub(super) struct LogPlace<'a> {
    pub root: &'a str,
    pub folders: Vec<&'a str>,
    pub options: &'a HashMap<String, String>,
}

/// Tries to list the place of logs, and to read one of them.
pub(super) async fn check_logs(
    settings: &AwsSettings,
    config: &SdkConfig,
    place: Option<LogPlace<'_>>,
) -> [Check; 2] {
    let Some(place) = place else {
        let reason = "no job run names an S3 location of logs";
        return [LIST_OBJECTS, GET_OBJECT].map(|call| skipped_check(call, reason));
    };
    let found = first_object(settings, config, &place).await;
    let first = found.as_ref().ok().cloned().flatten();
    let listed = check_of(LIST_OBJECTS, found, |found| match found {
        Some(_) => format!("logs are in {}", place.root),
        None => format!("{} holds no log of the newest job run", place.root),
    });
    let read = match first {
        None => skipped_check(GET_OBJECT, "there is no log to try it on"),
        Some(object) => {
            let first_byte = object.store.get_range(&object.path, 0..1).await;
            let read = first_byte.map_err(|source| DiscoverError::Store {
                uri: object.given,
                source,
            });
            check_of(GET_OBJECT, read, |_| "logs can be read".to_owned())
        }
    };
    [listed, read]
}

async fn first_object(
    settings: &AwsSettings,
    config: &SdkConfig,
    place: &LogPlace<'_>,
) -> Result<Option<Location>, DiscoverError> {
    let options = aws::storage_options(settings, config, place.options).await?;
    let folder = LogStores::new(options).place(place.root, &place.folders)?;
    let objects = folder.store.list(Some(&folder.path));
    let mut objects = objects.try_filter(|object| futures::future::ready(object.size > 0));
    let first = objects.try_next().await;
    let first = first.map_err(|source| DiscoverError::Store {
        uri: folder.given.clone(),
        source,
    })?;
    Ok(first.map(|object| folder.at(object.location)))
}
