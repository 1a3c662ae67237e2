//! A whole night on a platform, end to end: the program against doubles of EMR's interfaces, with
//! everything that goes wrong in a large account.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::doubles::emr::{Account, Application, Cluster, Running, Ui};
use super::program::{Ended, command};
use super::stored::{assert_same, content, rows};
use super::world::{fixtures, folder};

const CLUSTERS: usize = 40;
/// Clusters that have one application more than the others.
const LARGER: usize = 10;
const APPLICATIONS: usize = 38 * 5 + LARGER;
/// The cluster that never ran an application.
const EMPTY: usize = 11;
/// The cluster whose application interface never attaches.
const NEVER: usize = 23;
/// Requests after which a session of an application interface expires: in the middle of a cluster.
const SESSION_REQUESTS: usize = 4;

/// The account: throttled, with sessions that expire.
fn account() -> Running {
    let log = fixtures().join("spark35/local-1795193760469");
    let mut account = Account::new()
        .page_size(7)
        .throttle(20.0, 10.0)
        .session_requests(SESSION_REQUESTS);
    for number in 0..CLUSTERS {
        account = account.cluster(cluster(number, &log));
    }
    account.start()
}

fn cluster(number: usize, log: &Path) -> Cluster {
    let id = id(number);
    let mut cluster = Cluster::new(&id, &format!("nightly-{number}"))
        .state(
            "TERMINATED",
            "2026-11-19T01:00:00Z",
            "2026-11-19T01:05:00Z",
            "2026-11-19T03:00:00Z",
        )
        .ui(if number == NEVER {
            Ui::Never
        } else {
            Ui::AttachesAfter(1)
        });
    let applications = match number {
        EMPTY => 0,
        number if number < LARGER => 6,
        _ => 5,
    };
    for application in 0..applications {
        let id = format!("application_17951937{number:05}_{application:04}");
        cluster = cluster.application(Application::of_log(log, &id));
    }
    cluster
}

fn id(number: usize) -> String {
    format!("j-NIGHT{number:08}")
}

/// The program, told to load the account.
fn run(account: &Running, home: &Path, lake: &Path) -> Command {
    let job = home.join("job.toml");
    let text = format!(
        "[[source]]\nkind = \"emr\"\naws_region = \"eu-west-1\"\naws_endpoint_url = \"{}\"\n\
         persistent_ui_timeout_seconds = 12\ncluster_metrics = false\nbatch_size = 4\n",
        account.endpoint()
    );
    fs::write(&job, text).expect("a job file");
    let mut command = command(["-q", "run"]);
    command
        .arg(&job)
        .arg("--lake")
        .arg(lake)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// Must be nowhere.
const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";

fn ended(mut command: Command) -> Ended {
    command.output().expect("the program starts").into()
}

/// `analysis_status` of each cluster, by its newest row.
fn statuses(lake: &Path) -> BTreeMap<String, String> {
    let mut summaries = rows(lake, "cluster_summaries");
    summaries.sort_by_key(|row| row["run_id"].clone());
    summaries
        .into_iter()
        .map(|row| (row["cluster_id"].clone(), row["analysis_status"].clone()))
        .collect()
}

fn home(name: &str) -> (PathBuf, PathBuf) {
    let home = folder(name);
    let lake = home.join("lake");
    (home, lake)
}

#[test]
fn a_night_of_forty_clusters_lands_what_exists_and_tells_the_rest() {
    let account = account();
    let (home, lake) = home("nightly");
    let first = ended(run(&account, &home, &lake));
    first.assert_code(3);

    let applications = rows(&lake, "applications");
    let distinct: BTreeSet<_> = applications
        .iter()
        .map(|row| (&row["cluster_id"], &row["application_id"]))
        .collect();
    assert_eq!(applications.len(), APPLICATIONS, "{}", first.err);
    assert_eq!(distinct.len(), APPLICATIONS);
    assert!(applications.iter().all(|row| row["platform"] == "emr"));
    assert!(
        applications.iter().all(|row| row["team"] == "data"),
        "the tag `team` of its cluster"
    );
    assert!(
        applications
            .iter()
            .all(|row| row["history"] == "event_log_zip")
    );
    // 11 tasks in the log.
    assert_eq!(rows(&lake, "tasks").len(), APPLICATIONS * 11);

    let statuses = statuses(&lake);
    assert_eq!(statuses.len(), CLUSTERS);
    for (number, status) in (0..CLUSTERS).map(|number| (number, &statuses[&id(number)])) {
        match number {
            EMPTY => assert!(status.starts_with("NO_APPLICATIONS("), "{status}"),
            NEVER => assert_eq!(status, "FAILED(PERSISTENT_UI_NOT_READY)"),
            _ => assert_eq!(status, "COMPLETED", "{number}"),
        }
    }
    let summary = first.summary();
    let clusters = |key: &str| summary["clusters"][key].as_u64();
    assert_eq!(clusters("found"), Some(CLUSTERS as u64));
    assert_eq!(clusters("completed"), Some(CLUSTERS as u64 - 2));
    assert_eq!((clusters("empty"), clusters("failed")), (Some(1), Some(1)));
    assert_no_secret(&first, &lake);

    let mut status = command(["status", "--format", "json", "--lake"]);
    status.arg(&lake);
    let status: Value = serde_json::from_str(&ended(status).out).expect("JSON");
    let counted = |part: &str, count: &str, of: (&str, &str)| {
        let rows = status[part].as_array().expect("rows");
        let row = rows.iter().find(|row| row[of.0] == of.1);
        row.and_then(|row| row[count].as_u64())
    };
    let completed = ("analysis_status", "COMPLETED");
    assert_eq!(
        counted("clusters", "clusters", completed),
        Some(CLUSTERS as u64 - 2)
    );
    assert_eq!(
        counted("sources", "histories", ("status", "loaded")),
        Some(APPLICATIONS as u64)
    );

    // The second night asks only the cluster that failed.
    let asked = account.calls("CreatePersistentAppUI");
    let second = ended(run(&account, &home, &lake));
    second.assert_code(3);
    assert_eq!(account.calls("CreatePersistentAppUI"), asked + 1);
    assert_eq!(second.count("loaded"), 0, "{}", second.out);
    assert_eq!(
        second.summary()["clusters"]["unchanged"].as_u64(),
        Some(CLUSTERS as u64 - 1)
    );
    assert_eq!(rows(&lake, "applications").len(), APPLICATIONS);
}

#[test]
fn the_job_file_names_the_team_of_applications_without_tags() {
    let (home, lake) = home("teams");
    let job = home.join("job.toml");
    let log = fixtures().join("spark35/local-1795193760469");
    let text = format!(
        "[run]\nteam_by_user = {{ root = \"platform\", ann = \"science\" }}\n\
         [[source]]\nkind = \"event_log\"\nuris = [\"{}\"]\n",
        log.display()
    );
    fs::write(&job, text).expect("a job file");
    let mut run = command(["-q", "run"]);
    run.arg(&job).arg("--lake").arg(&lake);
    ended(run).assert_code(0);
    let teams: Vec<_> = rows(&lake, "applications")
        .into_iter()
        .map(|row| (row["spark_user"].clone(), row["team"].clone()))
        .collect();
    assert_eq!(teams, [("root".to_owned(), "platform".to_owned())]);

    let mut show = command(["config", "show"]);
    let shown = ended({
        show.arg(&job);
        show
    });
    shown.assert_code(0);
    let table: toml::Table = toml::from_str(&shown.out).expect("config show prints a job file");
    assert_eq!(
        table["run"]["team_by_user"]["ann"].as_str(),
        Some("science")
    );
}

#[test]
fn a_night_that_is_killed_in_the_middle_goes_on_where_it_was() {
    let account = account();
    let (home, lake) = home("nightly_killed");
    let mut child = run(&account, &home, &lake).spawn().expect("starts");
    let started = Instant::now();
    while account.calls("CreatePersistentAppUI") < CLUSTERS / 2 {
        assert!(
            child.try_wait().expect("a child").is_none() && started.elapsed().as_secs() < 300,
            "the run did not get to the middle"
        );
        sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let written_down: BTreeSet<String> = match lake.join("cluster_summaries").is_dir() {
        true => statuses(&lake)
            .into_iter()
            .filter(|(_, status)| status == "COMPLETED")
            .map(|(id, _)| id)
            .collect(),
        false => BTreeSet::new(),
    };
    assert!(!written_down.is_empty(), "no cluster was written down yet");

    ended(run(&account, &home, &lake)).assert_code(3);
    for arn in account.requests("CreatePersistentAppUI") {
        let arn = arn["TargetResourceArn"]
            .as_str()
            .expect("an ARN")
            .to_owned();
        let id = arn.rsplit('/').next().expect("an id").to_owned();
        let times = account
            .requests("CreatePersistentAppUI")
            .iter()
            .filter(|request| request["TargetResourceArn"] == arn.as_str())
            .count();
        let most = if written_down.contains(&id) { 1 } else { 2 };
        assert!(times <= most, "{id} was asked {times} times");
    }

    // The same rows as an undisturbed night.
    let (undisturbed_home, undisturbed) = self::home("nightly_undisturbed");
    ended(run(&account, &undisturbed_home, &undisturbed)).assert_code(3);
    let of_applications = |lake: &Path| {
        let mut tables = content(lake, Path::new("/"));
        tables.retain(|table, _| {
            !table.starts_with("cluster_") && table != "job_runs" && table != "ingest_sources"
        });
        tables
    };
    assert_same(
        &of_applications(&lake),
        &of_applications(&undisturbed),
        "a killed night",
    );
    assert_eq!(statuses(&lake), statuses(&undisturbed));
}

/// No key, cookie or signed address in anything that was written.
fn assert_no_secret(ended: &Ended, lake: &Path) {
    let mut texts = vec![ended.out.clone(), ended.err.clone()];
    for table in [
        "cluster_summaries",
        "ingest_sources",
        "applications",
        "runs",
    ] {
        for row in rows(lake, table) {
            texts.extend(row.into_values());
        }
    }
    for text in texts {
        for secret in [SECRET, "X-Amz-Signature", "authToken", "Cookie"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
