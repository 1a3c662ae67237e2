//! A commit that dies at any moment and is completed later ends like one that did not die.

use super::*;

/// Dies at a step of a commit, then goes on as the next run would. Returns the lake's content and
/// what recovery reported.
async fn die_and_run_again(step: Step, passes: usize) -> (Content, Recovery) {
    let home = TestLake::new();
    let apps = [app("app-1", 3), app("app-2", 5).on_day(1)];
    let (lake, lock) = home.start().await;
    load(&lake, &lock, &[app("app-0", 2)], &[]).await.unwrap();
    lake.failpoint().arm(step, passes);
    load(&lake, &lock, &apps, &[]).await.unwrap_err();
    drop((lake, lock));

    let lake = home.open().await;
    let lock = lake.acquire("next run").await.unwrap();
    let recovery = lake.recover(&lock).await.unwrap();
    let ledger = lake.ledger().await.unwrap();
    let missing: Vec<App> = apps
        .iter()
        .filter(|app| !ledger.is_current(&app.source().source_uri, &app.source().fingerprint))
        .cloned()
        .collect();
    if !missing.is_empty() {
        load(&lake, &lock, &missing, &[]).await.unwrap();
    }
    let again = lake.recover(&lock).await.unwrap();
    assert!(again.is_clean(), "{again:?}");
    lake.refresh();
    (content(&lake).await, recovery)
}

fn undisturbed() -> Content {
    expected(&[app("app-0", 2), app("app-1", 3), app("app-2", 5)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_the_intent_nothing_remains() {
    let (content, recovery) = die_and_run_again(Step::Staged, 0).await;
    assert_eq!(content, undisturbed());
    assert_eq!(recovery.discarded.len(), 1);
    assert!(recovery.files_removed > 0, "{recovery:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_the_intent_the_commit_is_completed() {
    let steps = [
        (Step::IntentWritten, 0),
        (Step::BeforeTable, 0),
        (Step::TableCommitted, 0),
        (Step::TableCommitted, 1),
        (Step::TableCommitted, 2),
        (Step::BeforeLedger, 0),
        (Step::BeforeCleanup, 0),
        (Step::HalfCleaned, 0),
    ];
    for (step, passes) in steps {
        let (content, recovery) = die_and_run_again(step, passes).await;
        assert_eq!(content, undisturbed(), "killed at {step:?} after {passes}");
        assert_eq!(
            recovery.completed.len(),
            1,
            "killed at {step:?}: {recovery:?}"
        );
        assert_eq!(
            recovery.files_removed, 0,
            "killed at {step:?}: {recovery:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_an_application_is_replaced_the_new_rows_win() {
    for (step, passes) in [
        (Step::Staged, 0),
        (Step::IntentWritten, 0),
        (Step::TableCommitted, 1),
        (Step::BeforeLedger, 0),
    ] {
        let home = TestLake::new();
        let (lake, lock) = home.start().await;
        load(&lake, &lock, &[app("app-1", 3), app("app-2", 5)], &[])
            .await
            .unwrap();
        lake.failpoint().arm(step, passes);
        let grown = app("app-1", 7);
        load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
            .await
            .unwrap_err();
        drop((lake, lock));

        let (lake, lock) = home.start().await;
        let ledger = lake.ledger().await.unwrap();
        let source = grown.source();
        if !ledger.is_current(&source.source_uri, &source.fingerprint) {
            load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
                .await
                .unwrap();
        }
        let wanted = expected(&[grown, app("app-2", 5)]);
        assert_eq!(
            content(&lake).await,
            wanted,
            "killed at {step:?} after {passes}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_is_completed_before_the_next_one_of_the_same_run() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    lake.failpoint().arm(Step::TableCommitted, 1);
    load(&lake, &lock, &[app("app-1", 3)], &[])
        .await
        .unwrap_err();
    lake.failpoint().disarm();
    load(&lake, &lock, &[app("app-2", 4)], &[]).await.unwrap();
    assert_eq!(
        content(&lake).await,
        expected(&[app("app-1", 3), app("app-2", 4)])
    );
    let ledger = lake.ledger().await.unwrap();
    assert_eq!(ledger.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_leaves_committed_files_alone_when_an_open_note_outlives_its_commit() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let unit = stage(&lake, &batch, 0, &[app("app-1", 3)]).await;
    lake.commit(&lock, &batch, vec![unit], &[], vec![])
        .await
        .unwrap();
    let note = format!("{}/{}.json", lake::layout::OPEN, batch.id);
    lake.write_json(&note, &batch, object_store::PutMode::Create)
        .await
        .unwrap();
    let recovery = lake.recover(&lock).await.unwrap();
    assert_eq!(recovery.files_removed, 0);
    assert_eq!(content(&lake).await, expected(&[app("app-1", 3)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn temporary_files_of_cut_off_writes_are_removed() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let folder = lake.folder().unwrap().join("jobs/app_date=2024-05-01");
    std::fs::create_dir_all(&folder).unwrap();
    let name = format!("part-{}-00000.zstd.parquet#1", batch.id);
    std::fs::write(folder.join(&name), b"half").unwrap();
    let recovery = lake.recover(&lock).await.unwrap();
    assert_eq!(recovery.files_removed, 1);
    assert!(!folder.join(&name).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_go_on_when_the_note_of_the_last_one_is_lost() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let first = load(&lake, &lock, &[app("app-1", 1)], &[]).await.unwrap();
    std::fs::remove_file(lake.folder().unwrap().join(lake::layout::SEQUENCE)).unwrap();
    let second = load(&lake, &lock, &[app("app-2", 1)], &[]).await.unwrap();
    assert!(second.seq > first.seq, "{} after {}", second.seq, first.seq);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_files_were_vacuumed_is_taken_back_and_loaded_again() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    load(&lake, &lock, &[app("app-0", 2)], &[]).await.unwrap();
    lake.failpoint().arm(Step::TableCommitted, 1);
    let apps = [app("app-1", 3), app("app-2", 5).on_day(1)];
    load(&lake, &lock, &apps, &[]).await.unwrap_err();
    drop((lake, lock));

    // Weeks later; an engine that knows nothing of intents has deleted what no log names.
    let lake = home.open().await;
    let pending = lake.list_names(lake::layout::PENDING).await.unwrap();
    let mut intent: intent::Intent = lake.read_json(pending[0].as_ref()).await.unwrap().unwrap();
    intent.batch.started_at -= chrono::TimeDelta::days(30);
    let path = pending[0].as_ref();
    lake.write_json(path, &intent, object_store::PutMode::Overwrite)
        .await
        .unwrap();
    let file = &intent.ledger.adds[0].add.path;
    std::fs::remove_file(lake.folder().unwrap().join("ingest_sources").join(file)).unwrap();

    let (lake, lock) = home.start().await;
    assert_eq!(content(&lake).await, expected(&[app("app-0", 2)]));
    assert!(
        lake.list_names(lake::layout::PENDING)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(lake.ledger().await.unwrap().len(), 1);
    load(&lake, &lock, &apps, &[]).await.unwrap();
    assert_eq!(content(&lake).await, undisturbed());
}
