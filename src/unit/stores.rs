//! The stores that a process has opened, by reference.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::ObjectStore;
use tokio::runtime::Handle;

use super::credentials::Credentials;
use super::error::UnitError;
use super::references::StoreReference;
use crate::config::Environment;
use crate::discover::open_store;

/// Stores that are opened once, or lent by whoever has opened them already.
#[derive(Debug)]
pub struct Stores {
    environment: Environment,
    runtime: Handle,
    opened: Mutex<HashMap<StoreReference, Arc<dyn ObjectStore>>>,
}

impl Stores {
    /// No stores yet; `environment` holds what credentials refer to. Must be called inside a tokio
    /// runtime.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            runtime: Handle::current(),
            opened: Mutex::default(),
        }
    }

    /// No stores yet; credentials refer to the variables of this process. Must be called inside a
    /// tokio runtime.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(Environment::of_process())
    }

    /// The variables that credentials refer to.
    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Takes a store that is open already, in place of one that was: temporary credentials are
    /// those of the newest.
    pub fn lend(&self, reference: StoreReference, store: Arc<dyn ObjectStore>) {
        self.locked().insert(reference, store);
    }

    /// The store of a reference. Nothing of it is read yet. Must not be called on a thread of an
    /// async task, unless that may block.
    ///
    /// # Errors
    /// The credentials are not declared or not there, or the URI is not that of a store.
    pub fn open(
        &self,
        reference: &StoreReference,
        credentials: &BTreeMap<String, Credentials>,
    ) -> Result<Arc<dyn ObjectStore>, UnitError> {
        if let Some(store) = self.locked().get(reference) {
            return Ok(Arc::clone(store));
        }
        let StoreReference {
            root,
            credentials: name,
        } = reference;
        let declared = credentials
            .get(name)
            .ok_or_else(|| UnitError::UnknownCredentials {
                root: root.clone(),
                name: name.clone(),
            })?;
        let options = self.runtime.block_on(declared.resolve(&self.environment))?;
        let store = open_store(root, &options)?;
        self.lend(reference.clone(), Arc::clone(&store));
        Ok(store)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<StoreReference, Arc<dyn ObjectStore>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
