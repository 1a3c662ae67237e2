//! Whether a lake's store keeps two writers apart, and what follows when it does not.
//!
//! Everything that makes a lake safe, the lock, the numbers of commits and Delta's own log, stands
//! on one promise of the store: of several writers that create the same object, one succeeds. Some
//! stores accept the request and write over what is there. So the promise is tried out when a lake
//! is made and when it is first written to at another place. What was found is written down beside
//! the lake, with the place it holds for; a copy of the lake elsewhere is tried again.

use chrono::{DateTime, Utc};
use futures::future::join_all;
use object_store::path::Path;
use object_store::{Error, ObjectStore, PutMode, PutOptions, PutResult, UpdateVersion};
use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::lake::{Lake, layout};

/// Writers that create the same object at once when a store is tried.
const RIVALS: usize = 4;

/// How often a store is tried that refuses what it should take, before that counts.
const TRIALS: usize = 3;

/// What to do about a store that does not keep two writers apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StoreSafety {
    /// Refuse to write to it.
    #[default]
    Required,
    /// Write to it, with a warning: the user makes sure that one run works at a time.
    Waived,
}

impl StoreSafety {
    /// From the setting `allow_unsafe_store`.
    pub fn from_allow_unsafe(allow: bool) -> Self {
        if allow { Self::Waived } else { Self::Required }
    }
}

/// Whether a store keeps two writers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConditionalPuts {
    Kept,
    Missing,
}

/// The written result for a store that kept its promise.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ProbeResult {
    /// Where the lake lay, as the store names it.
    store: String,
    conditional_puts: bool,
    at: DateTime<Utc>,
    by: String,
}

impl Lake {
    /// Makes sure that the store keeps two writers apart. Tries it out unless that was done for
    /// this very place before.
    ///
    /// # Errors
    /// [`LoadError::NoConditionalPut`] where it does not and that was not waived.
    pub(super) async fn require_safe_store(&self) -> Result<(), LoadError> {
        let store = self.store_identity();
        // A damaged note is no more than a missing one.
        let noted: Option<ProbeResult> = self.read_json(layout::STORE).await.unwrap_or_default();
        if noted.is_some_and(|noted| noted.store == store && noted.conditional_puts) {
            return Ok(());
        }
        match self.try_conditional_puts().await? {
            ConditionalPuts::Kept => {
                let tried = ProbeResult {
                    store,
                    conditional_puts: true,
                    at: Utc::now(),
                    by: format!("sparklake {}", env!("CARGO_PKG_VERSION")),
                };
                self.write_json(layout::STORE, &tried, PutMode::Overwrite)
                    .await
            }
            ConditionalPuts::Missing if self.safety() == StoreSafety::Waived => {
                if self.has_rivals() {
                    return Ok(());
                }
                self.expect_rivals();
                tracing::warn!(
                    "the store of {} does not keep two writers apart (allow_unsafe_store is set): \
                     make sure that only one run works on this lake at a time, or rows may be \
                     doubled or lost",
                    self.uri()
                );
                Ok(())
            }
            ConditionalPuts::Missing => Err(LoadError::NoConditionalPut {
                uri: self.uri().to_owned(),
            }),
        }
    }

    /// Tries the store out. A put whose answer gets lost on its way is sent again and refused then, as if
    /// somebody else had been first: what looks so is tried anew.
    pub(super) async fn try_conditional_puts(&self) -> Result<ConditionalPuts, LoadError> {
        for _ in 0..TRIALS {
            match self.try_conditional_put().await? {
                Trial::Kept => return Ok(ConditionalPuts::Kept),
                Trial::Missing => return Ok(ConditionalPuts::Missing),
                Trial::Refused => {
                    tracing::debug!("the store refused a put without a rival; trying it again");
                }
            }
        }
        Ok(ConditionalPuts::Missing)
    }

    /// Tries the store out with an object of a name of its own, and removes it.
    async fn try_conditional_put(&self) -> Result<Trial, LoadError> {
        let name = format!("{}/probe-{}", layout::BOOKKEEPING, uuid::Uuid::now_v7());
        let path = Path::from(name.as_str());
        let store = self.undecorated_store();
        let found = try_out(store.as_ref(), &path, self.folder().is_none()).await;
        let removed = self.delete(&path).await;
        let found = found.map_err(|source| LoadError::storage("writing", name, source))?;
        removed?;
        Ok(found)
    }
}

/// What one try of a store gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    Kept,
    Missing,
    /// It refused what it should have taken.
    Refused,
}

/// Lets rivals create one object, then creates and changes it once more.
async fn try_out(store: &dyn ObjectStore, path: &Path, with_updates: bool) -> Result<Trial, Error> {
    let rivals = (0..RIVALS).map(|rival| put(store, path, rival, PutMode::Create));
    let mut winner = None;
    let mut failure = None;
    for outcome in join_all(rivals).await {
        match outcome {
            Ok(_) if winner.is_some() => return Ok(Trial::Missing),
            Ok(result) => winner = Some(UpdateVersion::from(result)),
            Err(error) => failure = Some(error),
        }
    }
    let Some(version) = winner else {
        return match failure {
            // Where a plain put works, it is the condition that the store does not know.
            Some(error) if !is_refusal(&error) => {
                match put(store, path, RIVALS, PutMode::Overwrite).await {
                    Ok(_) => Ok(Trial::Missing),
                    Err(_) => Err(error),
                }
            }
            _ => Ok(Trial::Refused),
        };
    };
    if !is_refused(put(store, path, RIVALS, PutMode::Create).await)? {
        return Ok(Trial::Missing);
    }
    if !with_updates {
        return Ok(Trial::Kept);
    }
    let first = put(store, path, RIVALS, PutMode::Update(version.clone())).await;
    if is_refused(first)? {
        return Ok(Trial::Refused);
    }
    let stale = put(store, path, RIVALS + 1, PutMode::Update(version)).await;
    Ok(if is_refused(stale)? {
        Trial::Kept
    } else {
        Trial::Missing
    })
}

/// Whether a put was refused for its condition. A condition that the store does not know is none.
fn is_refused(outcome: Result<PutResult, Error>) -> Result<bool, Error> {
    match outcome {
        Ok(_) | Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => Ok(false),
        Err(error) if is_refusal(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::AlreadyExists { .. } | Error::Precondition { .. }
    )
}

/// Each put has a body of its own: stores derive the version from it.
async fn put(
    store: &dyn ObjectStore,
    path: &Path,
    rival: usize,
    mode: PutMode,
) -> Result<PutResult, Error> {
    let options = PutOptions {
        mode,
        ..PutOptions::default()
    };
    let body = format!("probe {rival}");
    store.put_opts(path, body.into(), options).await
}
