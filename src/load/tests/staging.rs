//! The worker's side: histories, partitions, limits, statistics.

use std::time::Duration;

use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;

async fn with_writer<T: Send + 'static>(
    lake: &Lake,
    lock: &LakeLock,
    settings: WriterSettings,
    work: impl FnOnce(UnitWriter) -> T + Send + 'static,
) -> (Batch, T) {
    let batch = lake.begin_batch(lock, "run").await.unwrap();
    let writer = UnitWriter::new(lake.staging(settings), &batch, 0);
    let done = tokio::task::spawn_blocking(move || work(writer))
        .await
        .unwrap();
    (batch, done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_failed_history_never_reach_a_file() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    // Both ways: held back in memory, and encoded while the history is read.
    for hold_back_bytes in [64 << 20, 0] {
        let settings = WriterSettings {
            hold_back_bytes,
            ..WriterSettings::default()
        };
        let (_, unit) = with_writer(&lake, &lock, settings, |mut writer| {
            for (id, good) in [("good-1", true), ("bad", false), ("good-2", true)] {
                writer.begin_history().unwrap();
                writer.write("jobs", app(id, 0).rows("jobs", 10)).unwrap();
                if good {
                    assert_eq!(writer.commit_history().unwrap().rows, 10);
                } else {
                    writer.rollback_history().unwrap();
                }
            }
            writer.finish().unwrap()
        })
        .await;
        assert_eq!(unit.rows["jobs"], 20);
        let rows: u64 = unit.tables["jobs"].iter().map(|file| file.rows).sum();
        assert_eq!(rows, 20);
        for file in &unit.tables["jobs"] {
            assert!(
                !file.add.stats.as_ref().unwrap().contains("bad"),
                "{:?}",
                file.add.stats
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_is_dropped_leaves_no_files() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let settings = WriterSettings {
        hold_back_bytes: 0,
        target_file_bytes: 1,
        ..WriterSettings::default()
    };
    with_writer(&lake, &lock, settings, |mut writer| {
        writer.begin_history().unwrap();
        writer
            .write("jobs", app("app-1", 0).rows("jobs", 10))
            .unwrap();
    })
    .await;
    for _ in 0..100 {
        if data_files(&lake).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("left behind: {:?}", data_files(&lake));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_of_one_day_share_a_file_and_days_do_not() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let apps = [app("app-1", 2), app("app-2", 2), app("app-3", 2).on_day(1)];
    let unit = stage(&lake, &batch, 0, &apps).await;
    let files = &unit.tables["jobs"];
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        let date = file.add.partition_values["app_date"].clone().unwrap();
        assert!(
            file.add
                .path
                .starts_with(&format!("app_date={date}/part-{}", batch.id))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_spans_days_is_split() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let (batch, unit) = with_writer(&lake, &lock, WriterSettings::default(), |mut writer| {
        let days = [app("app-1", 0), app("app-1", 0).on_day(1)];
        let rows: Vec<RecordBatch> = days.iter().map(|app| app.rows("jobs", 3)).collect();
        let mixed = arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap();
        writer.begin_history().unwrap();
        writer.write("jobs", mixed).unwrap();
        writer.commit_history().unwrap();
        writer.finish().unwrap()
    })
    .await;
    lake.commit(&lock, &batch, vec![unit], &[], vec![])
        .await
        .unwrap();
    let sql = "SELECT count(*) FROM t WHERE app_date = DATE '2024-05-02'";
    let found = query(&lake, "jobs", sql).await;
    assert_eq!(found[0].column(0).as_primitive::<Int64Type>().value(0), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_closed_at_the_target_size() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let settings = WriterSettings {
        target_file_bytes: 1,
        ..WriterSettings::default()
    };
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let unit = stage_with(
        &lake,
        &batch,
        0,
        &[app("app-1", 2), app("app-2", 2)],
        settings,
    )
    .await;
    assert_eq!(unit.tables["jobs"].len(), 2);
    lake.commit(&lock, &batch, vec![unit], &[], vec![])
        .await
        .unwrap();
    assert_eq!(
        content(&lake).await,
        expected(&[app("app-1", 2), app("app-2", 2)])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_few_rows_is_snappy_and_a_larger_one_zstd() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    for (unit, jobs, codec) in [(0, 7, "snappy"), (1, 5000, "zstd")] {
        stage(&lake, &batch, unit, &[app(&format!("app-{unit}"), jobs)]).await;
        let written = data_files(&lake);
        let named: Vec<&String> = written
            .iter()
            .filter(|file| file.contains("/jobs/") && file.ends_with(&format!(".{codec}.parquet")))
            .collect();
        let [path] = named.as_slice() else {
            panic!("{codec}: {written:?}");
        };
        let file = std::fs::File::open(path).unwrap();
        let file = SerializedFileReader::new(file).unwrap();
        let column = file.metadata().row_group(0).column(0);
        let found = column.compression().to_string().to_lowercase();
        assert!(found.starts_with(codec), "{path}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sum_of_small_limits_still_writes_everything() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let settings = WriterSettings {
        hold_back_bytes: 0,
        queue_bytes: 1,
        row_group_memory_bytes: 1,
        ..WriterSettings::default()
    };
    let apps: Vec<App> = (0..20)
        .map(|n| app(&format!("app-{n:02}"), 5).on_day(n))
        .collect();
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let unit = stage_with(&lake, &batch, 0, &apps, settings).await;
    lake.commit(&lock, &batch, vec![unit], &[], vec![])
        .await
        .unwrap();
    assert_eq!(content(&lake).await, expected(&apps));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_bound_what_is_in_the_file() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let unit = stage(&lake, &batch, 0, &[app("app-1", 7), app("app-2", 2)]).await;
    let file = &unit.tables["jobs"][0];
    let stats: serde_json::Value =
        serde_json::from_str(file.add.stats.as_deref().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], 9);
    assert_eq!(stats["minValues"]["application_id"], "app-1");
    assert_eq!(stats["maxValues"]["application_id"], "app-2");
    assert_eq!(stats["minValues"]["job_id"], 0);
    assert_eq!(stats["maxValues"]["job_id"], 6);
    assert_eq!(stats["nullCount"]["job_id"], 0);
    let ingested = batch.started_at.format("%Y-%m-%dT%H:%M:%S").to_string();
    let least = stats["minValues"]["ingested_at"].as_str().unwrap();
    assert!(
        least.starts_with(&ingested) && least.ends_with('Z'),
        "{least}"
    );
    assert!(stats["minValues"].as_object().unwrap().len() <= 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_break_the_contract_are_refused_with_the_column() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let (_, refused) = with_writer(&lake, &lock, WriterSettings::default(), |mut writer| {
        let rows = app("app-1", 0).rows("jobs", 2);
        let kept: Vec<usize> = (0..rows.num_columns())
            .filter(|index| rows.schema().field(*index).name() != "job_id")
            .collect();
        writer.begin_history().unwrap();
        writer
            .write("applications", app("app-1", 0).rows("applications", 1))
            .unwrap();
        let refused = writer
            .write("jobs", rows.project(&kept).unwrap())
            .unwrap_err();
        writer.rollback_history().unwrap();
        assert!(writer.finish().unwrap().tables.is_empty());
        LoadError::from_sink(refused)
    })
    .await;
    assert!(refused.to_string().contains("job_id"), "{refused}");
    assert!(!refused.is_retryable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_staged_unit_survives_the_way_through_json() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let unit = stage(&lake, &batch, 3, &[app("app-1", 7)]).await;
    let text = serde_json::to_string(&unit).unwrap();
    let unit: StagedUnit = serde_json::from_str(&text).unwrap();
    lake.commit(&lock, &batch, vec![unit], &[], vec![])
        .await
        .unwrap();
    assert_eq!(content(&lake).await, expected(&[app("app-1", 7)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_store_is_reported_by_the_unit() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    // A file where the table's partition folder has to be.
    let blocked = lake.folder().unwrap().join("jobs/app_date=2024-05-01");
    std::fs::write(&blocked, b"in the way").unwrap();
    let (_, failed) = with_writer(&lake, &lock, WriterSettings::default(), |mut writer| {
        writer.begin_history().unwrap();
        writer
            .write("jobs", app("app-1", 0).rows("jobs", 2))
            .unwrap();
        writer
            .commit_history()
            .and_then(|_| writer.finish())
            .unwrap_err()
    })
    .await;
    assert!(
        failed.to_string().contains("jobs/app_date=2024-05-01"),
        "{failed}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_lost_rows_can_never_be_finished() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let blocked = lake.folder().unwrap().join("jobs/app_date=2024-05-01");
    std::fs::write(&blocked, b"in the way").unwrap();
    let settings = WriterSettings {
        target_file_bytes: 1,
        hold_back_bytes: 0,
        ..WriterSettings::default()
    };
    let (_, outcome) = with_writer(&lake, &lock, settings, |mut writer| {
        writer.begin_history().unwrap();
        let rows = app("app-1", 0).rows("jobs", 2);
        // Uploads fail later than they are handed over; on a busy machine much later.
        let failed = (0..60_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            writer.write("jobs", rows.clone()).is_err()
        });
        let rolled_back = writer.rollback_history();
        writer.begin_history().unwrap();
        let again = writer.write("stages", app("app-1", 0).rows("stages", 2));
        let _ = writer.commit_history();
        (
            failed,
            rolled_back.is_ok(),
            again.is_err(),
            writer.finish().is_err(),
        )
    })
    .await;
    assert_eq!(outcome, (true, true, true, true));
}
