//! A store without conditional puts, used at the user's own risk.
//!
//! Where the store would write over an object that it was asked to create, this looks whether the
//! object is there first. Between the look and the write another writer may come: two runs that
//! start at the same instant are told apart by the lock's second look (see `lease`), and no more
//! than that can be promised.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result, UpdateVersion,
};

/// Name in errors.
const STORE: &str = "store without conditional puts";

/// Looks before it puts.
#[derive(Debug)]
pub(super) struct LookBeforePut {
    inner: Arc<dyn ObjectStore>,
}

impl LookBeforePut {
    pub(super) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner }
    }

    /// Fails as a conditional put would, as far as one look tells.
    async fn look(&self, location: &Path, mode: &PutMode) -> Result<()> {
        let found = match self.inner.head(location).await {
            Ok(found) => Some(found),
            Err(Error::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        let path = location.to_string();
        match (mode, found) {
            (PutMode::Create, Some(_)) => Err(Error::AlreadyExists {
                path,
                source: "the object is there".into(),
            }),
            (PutMode::Update(expected), found) if !is_version(found.as_ref(), expected) => {
                Err(Error::Precondition {
                    path,
                    source: "the object has changed".into(),
                })
            }
            _ => Ok(()),
        }
    }
}

fn is_version(found: Option<&ObjectMeta>, expected: &UpdateVersion) -> bool {
    found.is_some_and(|found| found.e_tag == expected.e_tag)
}

impl fmt::Display for LookBeforePut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{STORE}: {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for LookBeforePut {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if options.mode == PutMode::Overwrite {
            return self.inner.put_opts(location, payload, options).await;
        }
        self.look(location, &options.mode).await?;
        let conditional = self
            .inner
            .put_opts(location, payload.clone(), options.clone())
            .await;
        match conditional {
            Ok(done) => Ok(done),
            Err(error @ (Error::AlreadyExists { .. } | Error::Precondition { .. })) => Err(error),
            // The store does not know such puts at all.
            Err(_) => {
                let options = PutOptions {
                    mode: PutMode::Overwrite,
                    ..options
                };
                self.inner.put_opts(location, payload, options).await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}
