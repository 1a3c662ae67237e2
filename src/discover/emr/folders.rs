//! Folders of event logs that several clusters write to.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

use crate::discover::{Discovery, Window};

/// Folders of event logs that were listed already, by folder and window. Clusters of an account
/// share them, and one may hold the logs of years.
#[derive(Default)]
pub(super) struct Folders(Mutex<HashMap<String, Arc<OnceCell<Arc<Discovery>>>>>);

impl Folders {
    /// The logs of a folder in a window, listed at the first use.
    pub(super) async fn cell(
        &self,
        folder: &str,
        window: &Window,
    ) -> Arc<OnceCell<Arc<Discovery>>> {
        let key = format!("{folder} {window:?}");
        Arc::clone(self.0.lock().await.entry(key).or_default())
    }
}
