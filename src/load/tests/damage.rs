//! Tables lose their log, parts of it, or data files: it is said, repaired, and the next run brings
//! the lake to the rows of one that nobody touched.

use std::fs;
use std::path::{Path as FilePath, PathBuf};

use super::*;

/// A table of each kind: the ledger, facts, a derived one and bookkeeping.
const TABLES: [&str; 5] = ["ingest_sources", "applications", "jobs", "findings", "runs"];

/// What happens to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    LogDeleted,
    TableDeleted,
    NewestCommitCutOff,
    NewestCommitDeleted,
    /// The one that replaced an application.
    MiddleCommitDeleted,
    /// Of a log whose older entries were cleaned away.
    CheckpointBroken,
    PutBackFromBackup,
    DataFileDeleted,
    DataFileCutOff,
}

fn final_apps() -> Vec<App> {
    vec![
        app("app-1", 5),
        app("app-2", 2),
        app("app-3", 1).on_day(1),
        app("app-4", 2),
    ]
}

fn counted(app: &App) -> SourceRecord {
    let mut source = app.source();
    source.rows = Some(1 + 3 * app.jobs as u64);
    source
}

async fn load_counted(lake: &Lake, lock: &LakeLock, apps: &[App], replaced: &[ApplicationKey]) {
    let batch = lake.begin_batch(lock, "run").await.unwrap();
    let unit = stage(lake, &batch, 0, apps).await;
    let sources = apps.iter().map(counted).collect();
    lake.commit(lock, &batch, vec![unit], replaced, sources)
        .await
        .unwrap();
}

/// Two findings for each application whose rows changed, as the rules would give.
async fn judge(lake: &Lake, lock: &LakeLock) {
    let pending = lake.pending_analysis().await.unwrap();
    let keys: Vec<ApplicationKey> = pending
        .iter()
        .flat_map(|pending| pending.applications.iter().cloned())
        .collect();
    if keys.is_empty() {
        return;
    }
    let batches = final_apps()
        .iter()
        .filter(|app| keys.contains(&app.key()))
        .map(|app| app.rows("findings", 2))
        .collect();
    let rows = vec![TableRows {
        table: "findings",
        batches,
    }];
    lake.commit_derived(lock, "run", rows, Replace::applications(keys))
        .await
        .unwrap();
    lake.analysis_done(lock, &pending).await.unwrap();
}

async fn note_run(lake: &Lake, lock: &LakeLock, number: usize) {
    let row = app("none", 0).rows("runs", 1);
    let columns = row
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(row.columns().iter().cloned())
        .map(|(name, column)| match name.as_str() {
            "run_id" => (name, same(&format!("run-{number}"), 1)),
            _ => (name, column),
        })
        .collect::<Vec<_>>();
    let rows = vec![TableRows {
        table: "runs",
        batches: vec![RecordBatch::try_from_iter(columns).unwrap()],
    }];
    lake.commit_derived(lock, "run", rows, Replace::Nothing)
        .await
        .unwrap();
}

/// What a run does: reads what the ledger does not call current, and judges it.
async fn run(lake: &Lake, lock: &LakeLock) {
    let ledger = lake.ledger().await.unwrap();
    let apps: Vec<App> = final_apps()
        .into_iter()
        .filter(|app| !ledger.is_current(&app.source().source_uri, &app.source().fingerprint))
        .collect();
    let replaced: Vec<ApplicationKey> = apps
        .iter()
        .map(App::key)
        .filter(|key| ledger.loaded(key).is_some())
        .collect();
    if !apps.is_empty() {
        load_counted(lake, lock, &apps, &replaced).await;
    }
    judge(lake, lock).await;
}

fn wanted() -> Content {
    let mut content = expected(&final_apps());
    for app in final_apps() {
        content.insert(("findings".to_owned(), app.id), 2);
    }
    content
}

/// A lake in which an application that shared its files was replaced; with a backup of its tables
/// from before the last commits.
async fn undisturbed() -> (TestLake, PathBuf) {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let first = [app("app-1", 3), app("app-2", 2)];
    load_counted(&lake, &lock, &first, &[]).await;
    judge(&lake, &lock).await;
    note_run(&lake, &lock, 1).await;
    load_counted(&lake, &lock, &[app("app-3", 1).on_day(1)], &[]).await;
    judge(&lake, &lock).await;
    note_run(&lake, &lock, 2).await;
    let backup = home.folder.path().join("backup");
    copy(FilePath::new(&home.uri()), &backup);
    let grown = app("app-1", 5);
    load_counted(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()]).await;
    judge(&lake, &lock).await;
    note_run(&lake, &lock, 3).await;
    load_counted(&lake, &lock, &[app("app-4", 2)], &[]).await;
    judge(&lake, &lock).await;
    note_run(&lake, &lock, 4).await;
    assert_eq!(content(&lake).await, wanted());
    lock.release().await;
    (home, backup)
}

fn copy(from: &FilePath, to: &FilePath) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn cut_in_half(path: &FilePath) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

/// A data file that is part of the table, and not only left in its folder.
async fn live_file(uri: &str, table: &str) -> PathBuf {
    let lake = Lake::open(uri, HashMap::new()).await.unwrap();
    let handle = lake.handle(table).unwrap();
    let state = handle.state().await.unwrap();
    let files = replace::live_files(&state, handle.contract()).unwrap();
    FilePath::new(uri)
        .join(table)
        .join(files[0].path().as_ref())
}

async fn damage(uri: &str, backup: &FilePath, table: &str, damage: Damage) {
    let folder = FilePath::new(uri).join(table);
    let log = folder.join("_delta_log");
    let mut entries: Vec<PathBuf> = fs::read_dir(&log)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    entries.sort();
    let newest = entries.last().unwrap();
    match damage {
        Damage::LogDeleted => fs::remove_dir_all(&log).unwrap(),
        Damage::TableDeleted => fs::remove_dir_all(&folder).unwrap(),
        Damage::NewestCommitCutOff => cut_in_half(newest),
        Damage::NewestCommitDeleted => fs::remove_file(newest).unwrap(),
        Damage::MiddleCommitDeleted => fs::remove_file(&entries[entries.len() - 2]).unwrap(),
        Damage::CheckpointBroken => {
            let lake = Lake::open(uri, HashMap::new()).await.unwrap();
            let delta = lake.table(table).await.unwrap();
            deltalake::protocol::checkpoints::create_checkpoint(&delta, None)
                .await
                .unwrap();
            for entry in &entries[..entries.len() - 1] {
                fs::remove_file(entry).unwrap();
            }
            let checkpoint = fs::read_dir(&log)
                .unwrap()
                .flatten()
                .map(|entry| entry.path())
                .find(|path| path.to_string_lossy().ends_with(".checkpoint.parquet"))
                .unwrap();
            cut_in_half(&checkpoint);
        }
        Damage::PutBackFromBackup => {
            fs::remove_dir_all(&folder).unwrap();
            copy(&backup.join(table), &folder);
        }
        Damage::DataFileDeleted => fs::remove_file(live_file(uri, table).await).unwrap(),
        Damage::DataFileCutOff => cut_in_half(&live_file(uri, table).await),
    }
}

/// Damages each table of a lake of its own, repairs it and runs. `is_noticed` tells whether a run
/// must refuse to work on the damaged lake.
async fn sweep(kind: Damage, is_noticed: bool) {
    let (original, backup) = undisturbed().await;
    for table in TABLES {
        let home = TestLake::new();
        copy(FilePath::new(&original.uri()), FilePath::new(&home.uri()));
        damage(&home.uri(), &backup, table, kind).await;

        let lake = home.open().await;
        let lock = lake.acquire("run").await.unwrap();
        if is_noticed {
            let refused = lake.recover(&lock).await.unwrap_err();
            let told = refused.to_string();
            let LoadError::TablesDamaged { damages } = refused else {
                panic!("{kind:?} of {table}: {told}");
            };
            assert_eq!(damages.len(), 1, "{kind:?} of {table}: {damages:?}");
            assert_eq!(damages[0].table, table);
            assert!(told.contains("maintain --repair"), "{told}");
            assert!(
                !told.contains("backtrace") && told.lines().count() == 1,
                "{told}"
            );
        }
        let repaired = lake.repair(&lock).await.unwrap();
        let of: Vec<&str> = repaired.tables.iter().map(|of| of.table.as_str()).collect();
        assert_eq!(of, [table], "{kind:?}: {repaired:?}");
        run(&lake, &lock).await;
        lock.release().await;

        let (lake, lock) = home.start().await;
        assert_eq!(
            content(&lake).await,
            wanted(),
            "{kind:?} of {table}: {repaired:?}"
        );
        let ledger = lake.ledger().await.unwrap();
        for app in final_apps() {
            let source = app.source();
            assert!(
                ledger.is_current(&source.source_uri, &source.fingerprint),
                "{kind:?} of {table}: {} is read every night",
                app.id
            );
        }
        let again = lake.repair(&lock).await.unwrap();
        assert_eq!(again, Repair::default(), "{kind:?} of {table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_that_is_whole_is_left_alone_by_a_repair() {
    let (home, _backup) = undisturbed().await;
    let (lake, lock) = home.start().await;
    let version = lake.table("jobs").await.unwrap().version();
    assert_eq!(lake.repair(&lock).await.unwrap(), Repair::default());
    lake.refresh();
    assert_eq!(lake.table("jobs").await.unwrap().version(), version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_was_done_is_asked_again_when_rows_of_its_applications_are_lost() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    load_counted(&lake, &lock, &[app("app-1", 3)], &[]).await;
    let cluster = |id: &str| ClusterRecord {
        cluster_uri: format!("arn:{id}"),
        fingerprint: "version-1".to_owned(),
        platform: "event_log".to_owned(),
        cluster_id: id.to_owned(),
        cluster_name: id.to_owned(),
        status: ClusterStatus::Done,
        failures: Vec::new(),
        histories: 1,
        measured_until: None,
        has_tasks: false,
    };
    let batch = lake.begin_batch(&lock, "run").await.unwrap();
    let clusters = [cluster("test"), cluster("other")];
    let unit = ClusterRecord::stage(&clusters, &lake, &batch)
        .await
        .unwrap();
    lake.commit(&lock, &batch, vec![unit], &[], Vec::new())
        .await
        .unwrap();
    fs::remove_file(live_file(&home.uri(), "jobs").await).unwrap();
    let repaired = lake.repair(&lock).await.unwrap();
    assert_eq!(repaired.marked_for_reload, 1, "{repaired:?}");
    lock.release().await;

    let (lake, _lock) = home.start().await;
    let ledger = lake.cluster_ledger().await.unwrap();
    let known = |id: &str| ledger.get(&format!("arn:{id}")).unwrap();
    assert!(!known("test").is_done);
    assert!(!known("test").has_tasks, "what else was known stays");
    assert!(known("other").is_done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_log_is_rebuilt() {
    sweep(Damage::LogDeleted, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_table_is_loaded_again() {
    sweep(Damage::TableDeleted, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newest_commit_that_is_cut_off_is_rebuilt() {
    sweep(Damage::NewestCommitCutOff, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newest_commit_that_is_gone_is_rebuilt() {
    sweep(Damage::NewestCommitDeleted, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_missing_in_the_middle_is_rebuilt() {
    sweep(Damage::MiddleCommitDeleted, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_checkpoint_is_rebuilt() {
    sweep(Damage::CheckpointBroken, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_from_a_backup_gets_what_it_lacks() {
    sweep(Damage::PutBackFromBackup, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_of_deleted_data_files_are_loaded_again() {
    sweep(Damage::DataFileDeleted, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_of_cut_off_data_files_are_loaded_again() {
    sweep(Damage::DataFileCutOff, false).await;
}
