//! The same on an object store. Needs a server that speaks S3, with a bucket `lakes`.

use uuid::Uuid;

use super::*;

/// Endpoint of the server, such as `http://127.0.0.1:5000`.
const ENDPOINT_VARIABLE: &str = "SPARKLAKE_TEST_S3_ENDPOINT";

fn options() -> HashMap<String, String> {
    let endpoint = std::env::var(ENDPOINT_VARIABLE).unwrap();
    [
        ("aws_endpoint", endpoint.as_str()),
        ("aws_allow_http", "true"),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "test"),
        ("aws_secret_access_key", "test"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an S3 server"]
async fn a_lake_in_a_bucket_is_locked_loaded_killed_and_recovered() {
    let uri = format!("s3://lakes/{}", Uuid::new_v4());
    let lake = Lake::open_or_create(&uri, options()).await.unwrap();
    let lock = lake.acquire("run").await.unwrap();
    let held = lake.acquire("other").await.unwrap_err();
    assert!(
        matches!(&held, LoadError::Held(holder) if holder.run_id == "run"),
        "{held}"
    );
    lake.recover(&lock).await.unwrap();
    load(&lake, &lock, &[app("app-1", 3), app("app-2", 2)], &[])
        .await
        .unwrap();

    lake.failpoint().arm(Step::TableCommitted, 1);
    let grown = app("app-1", 5);
    load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
        .await
        .unwrap_err();
    let abandoned = lake.begin_batch(&lock, "run").await.unwrap();
    stage(&lake, &abandoned, 0, &[app("app-3", 1)]).await;
    lock.release().await;

    let lake = Lake::open(&uri, options()).await.unwrap();
    let lock = lake.acquire("next").await.unwrap();
    let recovery = lake.recover(&lock).await.unwrap();
    assert_eq!(recovery.completed.len(), 1, "{recovery:?}");
    assert_eq!(recovery.discarded, [abandoned.id]);
    assert_eq!(recovery.files_removed, 3, "{recovery:?}");
    assert_eq!(content(&lake).await, expected(&[grown, app("app-2", 2)]));
    lock.release().await;
    lake.acquire("last").await.unwrap().release().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an S3 server"]
async fn a_large_file_goes_up_in_parts() {
    let uri = format!("s3://lakes/{}", Uuid::new_v4());
    let lake = Lake::open_or_create(&uri, options()).await.unwrap();
    let lock = lake.acquire("run").await.unwrap();
    lake.recover(&lock).await.unwrap();
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let mut writer = UnitWriter::new(lake.staging(WriterSettings::default()), &batch, 0);
    let unit = tokio::task::spawn_blocking(move || {
        let app = app("app-1", 0);
        writer.begin_history().unwrap();
        for _ in 0..40 {
            // Random text does not compress: about 30 MB.
            let rows = app.rows("jobs", 10_000);
            let texts = (0..10_000).map(|_| {
                [Uuid::new_v4(), Uuid::new_v4()]
                    .map(|id| id.simple().to_string())
                    .concat()
            });
            let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
            let columns = rows
                .schema()
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .zip(rows.columns().iter().cloned())
                .chain([("job_name".to_owned(), texts)])
                .collect::<Vec<_>>();
            let rows = RecordBatch::try_from_iter(columns).unwrap();
            writer.write("jobs", rows).unwrap();
        }
        writer.commit_history().unwrap();
        writer.finish().unwrap()
    })
    .await
    .unwrap();
    assert!(unit.bytes() > 10 << 20, "{}", unit.bytes());
    lake.commit(&lock, &batch, vec![unit], &[], vec![])
        .await
        .unwrap();
    let found = query(&lake, "jobs", "SELECT count(DISTINCT job_name) FROM t").await;
    assert_eq!(
        found[0].column(0).as_primitive::<Int64Type>().value(0),
        400_000
    );
    lock.release().await;
}
