//! Rows that make way for others.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grown_application_takes_the_place_of_its_earlier_rows() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let others = [app("app-1", 3), app("app-2", 4), app("app-3", 5).on_day(2)];
    load(&lake, &lock, &others, &[]).await.unwrap();
    let grown = app("app-2", 9);
    let report = load(&lake, &lock, std::slice::from_ref(&grown), &[grown.key()])
        .await
        .unwrap();
    assert_eq!(
        content(&lake).await,
        expected(&[app("app-1", 3), grown, app("app-3", 5)])
    );
    // The file of another day is not touched.
    let jobs = &report.tables["jobs"];
    assert_eq!((jobs.files_removed, jobs.files_added), (1, 2), "{jobs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_of_the_same_name_on_another_cluster_stays() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    load(&lake, &lock, &[app("app-1", 3)], &[]).await.unwrap();
    let mut elsewhere = app("app-1", 3).key();
    elsewhere.cluster_id = "another".to_owned();
    load(&lake, &lock, &[app("app-2", 1)], &[elsewhere])
        .await
        .unwrap();
    assert_eq!(
        content(&lake).await,
        expected(&[app("app-1", 3), app("app-2", 1)])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survivors_keep_all_their_values() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    load(&lake, &lock, &[app("app-1", 3), app("app-2", 4)], &[])
        .await
        .unwrap();
    let sql = "SELECT * FROM t WHERE application_id = 'app-1' ORDER BY job_id";
    let before = query(&lake, "jobs", sql).await;
    load(&lake, &lock, &[], &[app("app-2", 4).key()])
        .await
        .unwrap();
    let after = query(&lake, "jobs", sql).await;
    let show = |batches: &[RecordBatch]| {
        arrow::util::pretty::pretty_format_batches(batches)
            .unwrap()
            .to_string()
    };
    assert_eq!(show(&before), show(&after));
    assert_eq!(content(&lake).await, expected(&[app("app-1", 3)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_reaches_derived_tables_too() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let (one, two) = (app("app-1", 1), app("app-2", 1));
    load(&lake, &lock, &[one.clone(), two.clone()], &[])
        .await
        .unwrap();
    let rows = vec![TableRows {
        table: "findings",
        batches: vec![one.rows("findings", 4), two.rows("findings", 6)],
    }];
    lake.commit_derived(&lock, "run", rows, Replace::Nothing)
        .await
        .unwrap();
    load(&lake, &lock, std::slice::from_ref(&one), &[one.key()])
        .await
        .unwrap();
    let mut wanted = expected(&[one, two]);
    wanted.insert(("findings".to_owned(), "app-2".to_owned()), 6);
    assert_eq!(content(&lake).await, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn derived_rows_replace_those_that_are_named() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let (one, two) = (app("app-1", 1), app("app-2", 1).on_day(1));
    let commit = async |rows: Vec<RecordBatch>, replace: Replace| {
        let rows = vec![TableRows {
            table: "findings",
            batches: rows,
        }];
        lake.commit_derived(&lock, "run", rows, replace)
            .await
            .unwrap();
        let content = content(&lake).await;
        content
            .into_iter()
            .map(|((_, app), rows)| (app, rows))
            .collect::<Vec<_>>()
    };
    let named = |pairs: &[(&str, i64)]| -> Vec<(String, i64)> {
        pairs
            .iter()
            .map(|(app, rows)| ((*app).to_owned(), *rows))
            .collect()
    };
    let rows = |app: &App, rows| app.rows("findings", rows);

    let all = commit(vec![rows(&one, 2), rows(&two, 3)], Replace::Nothing).await;
    assert_eq!(all, named(&[("app-1", 2), ("app-2", 3)]));
    let one_again = Replace::applications([one.key()]);
    assert_eq!(
        commit(vec![rows(&one, 5)], one_again).await,
        named(&[("app-1", 5), ("app-2", 3)])
    );
    let second_day = Replace::Dates(["2024-05-02".parse().unwrap()].into());
    assert_eq!(commit(vec![], second_day).await, named(&[("app-1", 5)]));
    assert_eq!(
        commit(vec![rows(&two, 1)], Replace::Everything).await,
        named(&[("app-2", 1)])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_application_is_noted_for_analysis_until_it_is_done() {
    let home = TestLake::new();
    let (lake, lock) = home.start().await;
    let one = app("app-1", 1);
    let report = load(&lake, &lock, std::slice::from_ref(&one), &[])
        .await
        .unwrap();
    let pending = lake.pending_analysis().await.unwrap();
    let [first] = pending.as_slice() else {
        panic!("one commit is pending, not {pending:?}");
    };
    assert_eq!(first.seq, report.seq);
    assert!(first.applications.contains(&one.key()));
    assert!(first.app_dates.contains(&"2024-05-01".parse().unwrap()));
    lake.analysis_done(&lock, &pending).await.unwrap();
    assert!(lake.pending_analysis().await.unwrap().is_empty());
}
