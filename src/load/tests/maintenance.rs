//! Merging and deleting files changes no rows.

use chrono::TimeDelta;

use super::*;

async fn lake_with_small_files(home: &TestLake) -> (Lake, LakeLock, Content) {
    let (lake, lock) = home.start().await;
    let apps: Vec<App> = (0..4).map(|n| app(&format!("app-{n}"), n + 1)).collect();
    for app in &apps {
        load(&lake, &lock, std::slice::from_ref(app), &[])
            .await
            .unwrap();
    }
    (lake, lock, expected(&apps))
}

fn of(report: &[TableMaintenance], table: &str) -> TableMaintenance {
    report
        .iter()
        .find(|done| done.table == table)
        .unwrap()
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_are_merged_and_rows_stay() {
    let home = TestLake::new();
    let (lake, lock, rows) = lake_with_small_files(&home).await;
    let report = lake
        .maintain(&lock, &MaintainOptions::default())
        .await
        .unwrap();
    let jobs = of(&report, "jobs");
    assert_eq!(
        (jobs.files_before, jobs.files_merged, jobs.files_written),
        (4, 4, 1)
    );
    assert_eq!(jobs.files_deleted, 0, "readers may still need them");
    assert_eq!(content(&lake).await, rows);
    let protocol = lake
        .table("jobs")
        .await
        .unwrap()
        .snapshot()
        .unwrap()
        .protocol()
        .clone();
    assert_eq!(
        (protocol.min_reader_version(), protocol.min_writer_version()),
        (1, 2)
    );
    // What was merged can still be replaced.
    let grown = app("app-1", 9);
    load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
        .await
        .unwrap();
    assert_eq!(
        content(&lake).await[&("jobs".to_owned(), "app-1".to_owned())],
        9
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_tells_and_changes_nothing() {
    let home = TestLake::new();
    let (lake, lock, rows) = lake_with_small_files(&home).await;
    let files = data_files(&lake).len();
    let options = MaintainOptions {
        dry_run: true,
        orphans: true,
        ..MaintainOptions::default()
    };
    let version = lake.table("jobs").await.unwrap().version();
    let report = lake.maintain(&lock, &options).await.unwrap();
    assert_eq!(of(&report, "jobs").files_merged, 4);
    assert_eq!(data_files(&lake).len(), files);
    assert_eq!(lake.table("jobs").await.unwrap().version(), version);
    assert_eq!(content(&lake).await, rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_retention_needs_to_be_asked_for() {
    let home = TestLake::new();
    let (lake, lock, rows) = lake_with_small_files(&home).await;
    let mut options = MaintainOptions {
        retention: TimeDelta::zero(),
        orphans: true,
        ..MaintainOptions::default()
    };
    let refused = lake.maintain(&lock, &options).await.unwrap_err();
    assert!(
        matches!(refused, LoadError::ShortRetention { hours: 0, .. }),
        "{refused}"
    );

    let orphan = lake
        .folder()
        .unwrap()
        .join("jobs/app_date=2024-05-01/part-orphan.parquet");
    std::fs::write(&orphan, b"left by a killed run").unwrap();
    options.allow_short_retention = true;
    let report = lake.maintain(&lock, &options).await.unwrap();
    assert_eq!(
        of(&report, "jobs").files_deleted,
        5,
        "four merged files and the orphan"
    );
    assert!(!orphan.exists());
    assert_eq!(content(&lake).await, rows);
}

/// Files below the lake's folder, data, logs and bookkeeping.
fn all_files(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| match entry.path() {
            path if path.is_dir() => all_files(&path),
            _ => 1,
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_leaves_fewer_files_and_a_second_one_changes_none() {
    let home = TestLake::new();
    let (lake, lock, rows) = lake_with_small_files(&home).await;
    let grown = app("app-0", 1);
    load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
        .await
        .unwrap();
    let folder = lake.folder().unwrap().to_path_buf();
    let options = MaintainOptions {
        retention: TimeDelta::zero(),
        allow_short_retention: true,
        ..MaintainOptions::default()
    };
    let before = (data_files(&lake).len(), all_files(&folder));
    lake.maintain(&lock, &options).await.unwrap();
    let after = (data_files(&lake).len(), all_files(&folder));
    assert!(
        after.0 < before.0 && after.1 < before.1,
        "{before:?} {after:?}"
    );
    let again = lake.maintain(&lock, &options).await.unwrap();
    assert_eq!((data_files(&lake).len(), all_files(&folder)), after);
    let changed = |of: &TableMaintenance| of.files_merged + of.files_deleted + of.log_files_deleted;
    assert!(again.iter().all(|of| changed(of) == 0), "{again:?}");
    lake.refresh();
    assert_eq!(content(&lake).await, rows);
    // The next run finds the tables as they were left.
    lock.release().await;
    let (lake, _lock) = home.start().await;
    assert_eq!(content(&lake).await, rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_keeps_what_a_reader_may_still_need_and_writes_only_once() {
    let home = TestLake::new();
    let (lake, lock, rows) = lake_with_small_files(&home).await;
    let folder = lake.folder().unwrap().to_path_buf();
    let before = data_files(&lake);
    let options = MaintainOptions::default();
    lake.maintain(&lock, &options).await.unwrap();
    let after = data_files(&lake);
    assert!(before.iter().all(|file| after.contains(file)));
    let files = all_files(&folder);
    lake.maintain(&lock, &options).await.unwrap();
    assert_eq!(all_files(&folder), files);
    assert_eq!(content(&lake).await, rows);
}
