//! Folders that are lakes, that are not, and that somebody else holds.

use deltalake::kernel::{DataType as DeltaType, StructField, StructType};
use deltalake::protocol::SaveMode;

use super::*;
use crate::load::delta_fields::delta_fields;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_with_other_content_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("thesis.docx"), b"mine").unwrap();
    let uri = folder.path().display().to_string();
    let refused = Lake::open_or_create(&uri, HashMap::new())
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, LoadError::NotALake { found, .. } if found == "thesis.docx"),
        "{refused}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_lake_is_not_made_by_looking_at_it() {
    let home = TestLake::new();
    let missing = Lake::open(&home.uri(), HashMap::new()).await.unwrap_err();
    assert!(matches!(missing, LoadError::NoLake { .. }), "{missing}");
    assert!(!std::path::Path::new(&home.uri()).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_of_a_newer_format_is_refused() {
    let home = TestLake::new();
    let lake = home.open().await;
    let marker = lake.folder().unwrap().join(lake::layout::MARKER);
    let json = std::fs::read_to_string(&marker).unwrap();
    std::fs::write(
        &marker,
        json.replace("\"format_version\":1", "\"format_version\":99"),
    )
    .unwrap();
    let refused = Lake::open(&home.uri(), HashMap::new()).await.unwrap_err();
    assert!(
        matches!(refused, LoadError::NewerFormat { found: 99, .. }),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_killed_before_the_marker_does_not_spoil_the_folder() {
    let home = TestLake::new();
    std::fs::create_dir_all(format!("{}/{}", home.uri(), lake::layout::BOOKKEEPING)).unwrap();
    home.start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_with_spaces_and_signs_work() {
    let folder = TempDir::new().unwrap();
    let uri = folder.path().join("my lake #1 100%").display().to_string();
    let lake = Lake::open_or_create(&uri, HashMap::new()).await.unwrap();
    let lock = lake.acquire("run").await.unwrap();
    lake.recover(&lock).await.unwrap();
    load(&lake, &lock, &[app("app-1", 3)], &[]).await.unwrap();
    let replaced = app("app-1", 4);
    load(
        &lake,
        &lock,
        std::slice::from_ref(&replaced),
        &[replaced.key()],
    )
    .await
    .unwrap();
    assert_eq!(content(&lake).await, expected(&[replaced]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_runs_one_works_and_the_other_is_told_who_does() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let other = home.open().await;
    let held = other.acquire("second run").await.unwrap_err();
    let LoadError::Held(holder) = &held else {
        panic!("{held}");
    };
    assert_eq!(holder.run_id, "run");
    assert_eq!(holder.pid, std::process::id());
    assert!(held.is_retryable());
    lock.release().await;
    other.acquire("second run").await.unwrap();
    drop(lake);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_declared_table_is_there_with_comments_and_an_old_protocol() {
    let home = TestLake::new();
    let (lake, _lock) = home.start().await;
    for table in schema::tables() {
        let delta = lake.table(&table.name).await.unwrap();
        let state = delta.snapshot().unwrap();
        let protocol = state.protocol();
        assert_eq!(
            (protocol.min_reader_version(), protocol.min_writer_version()),
            (1, 2),
            "{}",
            table.name
        );
        assert_eq!(
            state.metadata().description(),
            Some(table.description.as_str())
        );
        assert_eq!(state.metadata().partition_columns(), &table.partition_by);
        for column in &table.columns {
            let field = state.schema().field(&column.name).unwrap().clone();
            let comment = field.metadata().get("comment").unwrap().to_string();
            assert!(
                comment.contains(&column.description),
                "{}.{}",
                table.name,
                column.name
            );
        }
        let sql = "SELECT count(*) FROM t";
        assert_eq!(
            query(&lake, &table.name, sql).await[0].num_rows(),
            1,
            "{}",
            table.name
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protocol_stays_old_after_rows_and_checkpoints() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    for number in 0..12 {
        load(&lake, &lock, &[app(&format!("app-{number:02}"), 1)], &[])
            .await
            .unwrap();
    }
    let log = lake.folder().unwrap().join("jobs/_delta_log");
    assert!(log.join("_last_checkpoint").exists());
    lake.refresh();
    let delta = lake.table("jobs").await.unwrap();
    let protocol = delta.snapshot().unwrap().protocol().clone();
    assert_eq!(
        (protocol.min_reader_version(), protocol.min_writer_version()),
        (1, 2)
    );
    assert_eq!(content(&lake).await.len(), 36);
}

/// Makes a table as an older version of this program would have, with other columns.
async fn make_table(lake: &Lake, name: &str, change: impl FnOnce(&mut Vec<StructField>)) {
    let table = schema::table(name).unwrap();
    let mut fields = delta_fields(table);
    change(&mut fields);
    deltalake::operations::create::CreateBuilder::new()
        .with_log_store(lake.handle(name).unwrap().log_store())
        .with_columns(fields)
        .with_partition_columns(table.partition_by.clone())
        .with_save_mode(SaveMode::ErrorIfExists)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_that_an_older_lake_lacks_are_added() {
    let home = TestLake::new();
    let lake = home.open().await;
    make_table(&lake, "jobs", |fields| {
        fields.retain(|field| field.name() != "status");
        if let Some(field) = fields.iter_mut().find(|field| field.name() == "job_name") {
            *field = field.clone().with_metadata([("comment", "an old comment")]);
        }
    })
    .await;
    let (lake, lock) = home.start().await;
    load(&lake, &lock, &[app("app-1", 3)], &[]).await.unwrap();
    let delta = lake.table("jobs").await.unwrap();
    let schema: StructType = delta.snapshot().unwrap().schema().as_ref().clone();
    assert!(schema.field("status").is_some());
    let comment = schema
        .field("job_name")
        .unwrap()
        .metadata()
        .get("comment")
        .unwrap()
        .to_string();
    assert!(!comment.contains("an old comment"), "{comment}");
    // Rows from before the change can be replaced as well.
    let grown = app("app-1", 4);
    load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
        .await
        .unwrap();
    assert_eq!(content(&lake).await, expected(&[grown]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_of_another_type_is_refused_by_name() {
    let home = TestLake::new();
    let lake = home.open().await;
    make_table(&lake, "jobs", |fields| {
        for field in fields.iter_mut().filter(|field| field.name() == "job_id") {
            *field = StructField::not_null("job_id", DeltaType::STRING);
        }
    })
    .await;
    let lake = home.open().await;
    let lock = lake.acquire("run").await.unwrap();
    let refused = lake.recover(&lock).await.unwrap_err();
    assert!(
        matches!(&refused, LoadError::TypeChanged { table, column, .. } if table == "jobs" && column == "job_id"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_tells_the_newest_version_of_each_history() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let (first, grown) = (app("app-1", 3), app("app-1", 4));
    load(&lake, &lock, &[first.clone(), app("app-2", 1)], &[])
        .await
        .unwrap();
    load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
        .await
        .unwrap();
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let mut failed = app("app-2", 2).source();
    failed.status = SourceStatus::Failed;
    failed.error = Some("the store was busy".to_owned());
    lake.commit(&lock, &batch, vec![], &[], vec![failed.clone()])
        .await
        .unwrap();

    let ledger = home.open().await.ledger().await.unwrap();
    assert_eq!(ledger.len(), 2);
    let uri = first.source().source_uri;
    assert!(ledger.is_current(&uri, &grown.source().fingerprint));
    assert!(!ledger.is_current(&uri, &first.source().fingerprint));
    assert!(!ledger.is_current(&failed.source_uri, &failed.fingerprint));
    let loaded = ledger.loaded(&app("app-2", 1).key()).unwrap();
    assert_eq!(
        loaded.status,
        SourceStatus::Loaded,
        "the failed version put no rows in"
    );
    assert_eq!(loaded.bytes, Some(1000));
    assert_eq!(loaded.complete, Some(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_of_a_lake_without_tables_is_empty() {
    let home = TestLake::new();
    assert!(home.open().await.ledger().await.unwrap().is_empty());
}
