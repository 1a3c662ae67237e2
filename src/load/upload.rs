//! From a thread that encodes to an object store that is async.
//!
//! [`FileBuffer`] is what the Parquet encoder writes into. Small files stay in memory and go out in
//! one request; larger ones go out in parts while the rest is encoded. [`Uploads`] keeps a bounded
//! number of finished files in flight, so that a slow store slows the encoder instead of filling
//! memory.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::error::LoadError;

/// Size of a part, and the size up to which a file is sent in one request, in bytes.
const PART_BYTES: usize = 8 << 20;
/// Parts of one file that may be on their way at once.
const PARTS_IN_FLIGHT: usize = 4;
/// Finished files that may be on their way at once.
const FILES_IN_FLIGHT: usize = 16;

/// Takes the bytes of one file.
pub(super) struct FileBuffer {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    path: Path,
    buffer: Vec<u8>,
    multipart: Option<WriteMultipart>,
    size: u64,
}

impl FileBuffer {
    pub(super) fn new(store: Arc<dyn ObjectStore>, runtime: Handle, path: Path) -> Self {
        Self {
            store,
            runtime,
            path,
            buffer: Vec::new(),
            multipart: None,
            size: 0,
        }
    }

    /// Where the file goes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes taken so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    fn send_part(&mut self) -> io::Result<()> {
        let runtime = self.runtime.clone();
        if self.multipart.is_none() {
            let upload = runtime
                .block_on(self.store.put_multipart(&self.path))
                .map_err(io::Error::other)?;
            self.multipart = Some(WriteMultipart::new_with_chunk_size(upload, PART_BYTES));
        }
        if let Some(multipart) = self.multipart.as_mut() {
            runtime
                .block_on(multipart.wait_for_capacity(PARTS_IN_FLIGHT))
                .map_err(io::Error::other)?;
            let _context = runtime.enter();
            multipart.put(std::mem::take(&mut self.buffer).into());
        }
        Ok(())
    }

    /// Sends what is left and completes the file.
    async fn complete(mut self) -> Result<(), object_store::Error> {
        let rest = std::mem::take(&mut self.buffer);
        match self.multipart.take() {
            Some(mut multipart) => {
                multipart.put(rest.into());
                multipart.finish().await.map(|_| ())
            }
            None => self.store.put(&self.path, rest.into()).await.map(|_| ()),
        }
    }
}

impl Write for FileBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        self.size += bytes.len() as u64;
        if self.buffer.len() >= PART_BYTES {
            self.send_part()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for FileBuffer {
    /// A file that is not completed leaves no parts behind in a bucket.
    fn drop(&mut self) {
        if let Some(multipart) = self.multipart.take() {
            self.runtime.spawn(multipart.abort());
        }
    }
}

struct InFlight {
    path: Path,
    task: JoinHandle<Result<(), object_store::Error>>,
}

/// Finished files on their way to the store.
pub(super) struct Uploads {
    runtime: Handle,
    files: VecDeque<InFlight>,
}

impl Uploads {
    pub(super) fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            files: VecDeque::new(),
        }
    }

    /// Sends a finished file; waits for an earlier one when too many are on their way.
    pub(super) fn send(&mut self, file: FileBuffer) -> Result<(), LoadError> {
        if self.files.len() >= FILES_IN_FLIGHT {
            self.wait_for_one()?;
        }
        let path = file.path.clone();
        let task = self.runtime.spawn(file.complete());
        self.files.push_back(InFlight { path, task });
        Ok(())
    }

    /// Waits until all files are in the store.
    pub(super) fn wait(&mut self) -> Result<(), LoadError> {
        while !self.files.is_empty() {
            self.wait_for_one()?;
        }
        Ok(())
    }

    /// Removes files again whose rows are not wanted, once they have arrived.
    pub(super) fn discard(&mut self, store: &Arc<dyn ObjectStore>, paths: Vec<Path>) {
        if paths.is_empty() {
            return;
        }
        let (unwanted, wanted) = std::mem::take(&mut self.files)
            .into_iter()
            .partition::<VecDeque<_>, _>(|file| paths.contains(&file.path));
        self.files = wanted;
        let store = Arc::clone(store);
        self.runtime.spawn(async move {
            for file in unwanted {
                // Whether it arrived does not matter, it is deleted next.
                let _arrived = file.task.await;
            }
            for path in paths {
                if let Err(error) = store.delete(&path).await {
                    tracing::debug!(%path, %error, "an unwanted staged file stays until the next clean-up");
                }
            }
        });
    }

    fn wait_for_one(&mut self) -> Result<(), LoadError> {
        let Some(file) = self.files.pop_front() else {
            return Ok(());
        };
        match self.runtime.block_on(file.task) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(LoadError::storage("writing", file.path.to_string(), source)),
            Err(error) => Err(LoadError::Writer {
                reason: format!("the upload of {} was stopped: {error}", file.path),
            }),
        }
    }
}
