//! A process that loads is killed again and again, at random moments.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

/// Tells the child process which lake to load into.
const LAKE_VARIABLE: &str = "SPARKLAKE_TEST_LAKE_TO_LOAD";
const KILLS: u32 = 12;

fn all_apps() -> Vec<App> {
    (0..12)
        .map(|number| app(&format!("app-{number:02}"), 1 + number).on_day(number as i32 % 3))
        .collect()
}

/// Not a test: what the killed process does. Loads whatever the ledger does not call loaded, two
/// applications at a time, and replaces one that is there already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test below, in a process of its own"]
async fn load_what_is_missing() {
    let Ok(uri) = std::env::var(LAKE_VARIABLE) else {
        return;
    };
    let lake = Lake::open_or_create(&uri, HashMap::new()).await.unwrap();
    let lock = lake.acquire("killed run").await.unwrap();
    lake.recover(&lock).await.unwrap();
    let ledger = lake.ledger().await.unwrap();
    let missing: Vec<App> = all_apps()
        .into_iter()
        .skip(1)
        .filter(|app| !ledger.is_current(&app.source().source_uri, &app.source().fingerprint))
        .collect();
    for apps in missing.chunks(2) {
        let first = all_apps().swap_remove(0);
        let apps = [std::slice::from_ref(&first), apps].concat();
        load(&lake, &lock, &apps, &[first.key()]).await.unwrap();
    }
}

fn start_child(uri: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "load::tests::kills::load_what_is_missing",
        ])
        .env(LAKE_VARIABLE, uri)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_at_any_moment_loses_and_doubles_nothing() {
    let home = TestLake::new();
    for kill in 0..KILLS {
        let mut child = start_child(&home.uri());
        // Spread over the child's life, from its first write to its last commit.
        tokio::time::sleep(Duration::from_millis(u64::from(60 + 140 * kill))).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(start_child(&home.uri()).wait().unwrap().success());
    let (lake, _lock) = home.start().await;
    assert_eq!(content(&lake).await, expected(&all_apps()));
    assert_eq!(lake.ledger().await.unwrap().len(), all_apps().len());
    assert!(
        lake.list_names(lake::layout::OPEN)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        lake.list_names(lake::layout::PENDING)
            .await
            .unwrap()
            .is_empty()
    );
}
