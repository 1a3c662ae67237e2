//! Stores that do not keep two writers apart, played by a double in memory.

use std::fmt;
use std::sync::{LazyLock, Mutex};

use async_trait::async_trait;
use deltalake::DeltaResult;
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreFactory, ObjectStoreRef, StorageConfig, default_logstore,
    logstore_factories, object_store_factories,
};
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use url::Url;

use super::*;

/// How a double answers conditional puts. The scheme of its address tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PutBehavior {
    Keeping,
    /// Keeps them, but the answer to each is lost, and it is sent again. Of probes only the first.
    LosingAnswers,
    /// Writes over what is there, as s3rver does.
    Ignoring,
    /// Says that it does not know such a thing.
    Refusing,
}

/// Objects by the host of an address: the same for all manners, as if a bucket moved.
static BUCKETS: LazyLock<Mutex<HashMap<String, Arc<InMemory>>>> = LazyLock::new(Mutex::default);
/// Names of the probes that were put, by host.
static PROBES: LazyLock<Mutex<Vec<String>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
struct Double {
    host: String,
    objects: Arc<InMemory>,
    manners: PutBehavior,
}

impl fmt::Display for Double {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} {}", self.manners, self.host)
    }
}

#[async_trait]
impl ObjectStore for Double {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> object_store::Result<PutResult> {
        let mut is_lost = options.mode != PutMode::Overwrite;
        if location.as_ref().contains("/probe-") {
            let mut probes = PROBES.lock().unwrap();
            is_lost &= !probes.contains(&self.host);
            probes.push(self.host.clone());
        }
        // Others get between a look and a write.
        tokio::task::yield_now().await;
        match self.manners {
            PutBehavior::LosingAnswers if is_lost => {
                let again = (payload.clone(), options.clone());
                self.objects.put_opts(location, payload, options).await?;
                return self.objects.put_opts(location, again.0, again.1).await;
            }
            PutBehavior::Keeping | PutBehavior::LosingAnswers => {}
            PutBehavior::Ignoring => options.mode = PutMode::Overwrite,
            PutBehavior::Refusing if options.mode == PutMode::Overwrite => {}
            PutBehavior::Refusing => {
                return Err(Error::NotImplemented {
                    operation: "conditional put".to_owned(),
                    implementer: self.to_string(),
                });
            }
        }
        self.objects.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(location, options).await
    }

    async fn get_opts(
        &self,
        location: &Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        let found = self.objects.get_opts(location, options).await;
        tokio::task::yield_now().await;
        found
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}

struct Factory(PutBehavior);

impl ObjectStoreFactory for Factory {
    fn parse_url_opts(
        &self,
        url: &Url,
        _config: &StorageConfig,
    ) -> DeltaResult<(ObjectStoreRef, Path)> {
        let host = url.host_str().unwrap().to_owned();
        let objects = Arc::clone(BUCKETS.lock().unwrap().entry(host.clone()).or_default());
        let manners = self.0;
        let double = Double {
            host,
            objects,
            manners,
        };
        Ok((Arc::new(double), Path::from(url.path())))
    }
}

impl LogStoreFactory for Factory {
    fn with_options(
        &self,
        store: ObjectStoreRef,
        root: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(store, root, location, options))
    }
}

fn register() {
    for (scheme, manners) in [
        ("keeping", PutBehavior::Keeping),
        ("losing", PutBehavior::LosingAnswers),
        ("ignoring", PutBehavior::Ignoring),
        ("refusing", PutBehavior::Refusing),
    ] {
        let scheme = Url::parse(&format!("{scheme}://")).unwrap();
        object_store_factories().insert(scheme.clone(), Arc::new(Factory(manners)));
        logstore_factories().insert(scheme, Arc::new(Factory(manners)));
    }
}

async fn make(uri: &str, safety: StoreSafety) -> Result<Lake, LoadError> {
    register();
    Lake::open_or_create_with(uri, HashMap::new(), safety).await
}

fn objects(host: &str) -> Arc<InMemory> {
    Arc::clone(BUCKETS.lock().unwrap().entry(host.to_owned()).or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_lake_is_made_on_a_store_without_conditional_puts() {
    for scheme in ["ignoring", "refusing"] {
        let host = format!("made-{scheme}");
        let uri = format!("{scheme}://{host}/lake");
        let refused = make(&uri, StoreSafety::Required).await.unwrap_err();
        assert!(
            matches!(refused, LoadError::NoConditionalPut { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("--allow-unsafe-store"));
        let left = objects(&host).list_with_delimiter(None).await.unwrap();
        assert!(
            left.objects.is_empty() && left.common_prefixes.is_empty(),
            "{left:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_leave_a_run_works_there_and_shuts_a_second_one_out() {
    for scheme in ["ignoring", "refusing"] {
        let uri = format!("{scheme}://allowed/{scheme}");
        let lake = make(&uri, StoreSafety::Waived).await.unwrap();
        let (one, other) = tokio::join!(lake.acquire("one"), lake.acquire("other"));
        let (lock, held) = match (one, other) {
            (Ok(lock), Err(error)) | (Err(error), Ok(lock)) => (lock, error),
            both => panic!("{scheme}: {both:?}"),
        };
        assert!(matches!(held, LoadError::Held(_)), "{scheme}: {held}");
        lake.recover(&lock).await.unwrap();
        let apps = [app("app-1", 3), app("app-2", 1)];
        load(&lake, &lock, &apps, &[]).await.unwrap();
        let grown = app("app-1", 4);
        load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
            .await
            .unwrap();
        assert_eq!(content(&lake).await, expected(&[grown, app("app-2", 1)]));
        lock.release().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_is_tried_once_and_again_at_another_place() {
    let uri = "keeping://moved/lake";
    let probes = || {
        let all = PROBES.lock().unwrap();
        all.iter().filter(|host| *host == "moved").count()
    };
    let lake = make(uri, StoreSafety::Required).await.unwrap();
    let tried = probes();
    assert!(tried > 0);
    lake.acquire("first").await.unwrap().release().await;
    let again = make(uri, StoreSafety::Required).await.unwrap();
    again.acquire("second").await.unwrap().release().await;
    assert_eq!(probes(), tried, "the second night tried the store again");

    let moved = make("ignoring://moved/lake", StoreSafety::Required)
        .await
        .unwrap();
    let refused = moved.acquire("third").await.unwrap_err();
    assert!(
        matches!(refused, LoadError::NoConditionalPut { .. }),
        "{refused}"
    );
    assert!(probes() > tried);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_the_place_says_what_it_lacks_and_leaves_nothing() {
    register();
    let probe = |scheme: &str, safety| {
        let uri = format!("{scheme}://looked/lake");
        async move { Lake::probe(&uri, HashMap::new(), safety).await }
    };
    let kept = probe("keeping", StoreSafety::Required).await.unwrap();
    assert!(kept.is_safe && !kept.is_lake);
    let refused = probe("ignoring", StoreSafety::Required).await.unwrap_err();
    assert!(
        matches!(refused, LoadError::NoConditionalPut { .. }),
        "{refused}"
    );
    assert!(
        !probe("refusing", StoreSafety::Waived)
            .await
            .unwrap()
            .is_safe
    );
    let left = objects("looked").list_with_delimiter(None).await.unwrap();
    assert!(left.objects.is_empty() && left.common_prefixes.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_get_lost_cost_nothing() {
    let lake = make("losing://lost/lake", StoreSafety::Required)
        .await
        .unwrap();
    let lock = lake.acquire("first").await.unwrap();
    lake.recover(&lock).await.unwrap();
    let apps = [app("app-1", 3), app("app-2", 1)];
    load(&lake, &lock, &apps, &[]).await.unwrap();
    let grown = app("app-1", 4);
    load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
        .await
        .unwrap();
    assert_eq!(content(&lake).await, expected(&[grown, app("app-2", 1)]));
    lock.release().await;
}
