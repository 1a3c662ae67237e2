//! Units of a run that other processes work through.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sparklake::discover::event_logs::EventLogSource;
use sparklake::pipeline::{
    self, NamedSource, NoProgress, RunEnd, RunRequest, RunStatus, RunWatch, Source,
};
use sparklake::unit::{
    AnalysisOrder, AnalysisResult, Credentials, GroupsOrder, GroupsResult, Listener, Order,
    UnitError, UnitResult, Workers,
};
use walkdir::WalkDir;

use super::program::{Ended, command};
use super::stored::{assert_same, content, live_files, rows, tables};
use super::world::{folder, world};

/// The variable that the orders of these tests refer to, and what it holds.
const VARIABLE: &str = "UNITS_TEST_KEY";
const SECRET: &str = "Zx81kQ0vT5mPq7Lw";

/// Gives every order to a process of its own, more than once.
#[derive(Debug)]
struct Processes {
    times: usize,
    /// Whether the processes get the secret that orders refer to.
    with_secret: bool,
    /// All that went out and came back.
    messages: Mutex<Vec<String>>,
}

impl Processes {
    fn new(times: usize, with_secret: bool) -> Arc<Self> {
        Arc::new(Self {
            times,
            with_secret,
            messages: Mutex::default(),
        })
    }

    fn messages(&self) -> Vec<String> {
        self.messages.lock().expect("messages").clone()
    }

    /// The results of an order, as often as it is given.
    fn results<R>(
        &self,
        json: &str,
        parse: impl Fn(&[u8]) -> Result<R, UnitError>,
    ) -> Result<Vec<R>, UnitError> {
        let result = |_| {
            let ended = work(json, self.with_secret);
            let mut messages = self.messages.lock().expect("messages");
            messages.extend([json.to_owned(), ended.out.clone()]);
            if ended.code != Some(0) {
                return Err(UnitError::Worker { reason: ended.err });
            }
            parse(ended.out.as_bytes())
        };
        (0..self.times).map(result).collect()
    }
}

impl Workers for Processes {
    fn work(
        &self,
        orders: &[Order],
        listener: &dyn Listener,
    ) -> Result<Vec<UnitResult>, UnitError> {
        let mut results = Vec::new();
        for order in orders {
            results.extend(self.results(&order.to_json()?, UnitResult::parse)?);
            for outcome in results.last().iter().flat_map(|result| &result.outcomes) {
                listener.history_done(outcome);
            }
        }
        Ok(results)
    }

    fn judge(&self, orders: &[AnalysisOrder]) -> Result<Vec<AnalysisResult>, UnitError> {
        let mut results = Vec::new();
        for order in orders {
            results.extend(self.results(&order.to_json()?, AnalysisResult::parse)?);
        }
        Ok(results)
    }

    fn judge_groups(&self, orders: &[GroupsOrder]) -> Result<Vec<GroupsResult>, UnitError> {
        let mut results = Vec::new();
        for order in orders {
            results.extend(self.results(&order.to_json()?, GroupsResult::parse)?);
        }
        Ok(results)
    }
}

/// `sparklake worker` with this order.
fn work(order: &str, with_secret: bool) -> Ended {
    let mut worker = command(["-q", "worker", "--order", "-", "--result", "-"]);
    // Nothing may depend on the folder that the run works in.
    worker.current_dir("/").stdin(Stdio::piped());
    if with_secret {
        worker.env(VARIABLE, SECRET);
    }
    let mut worker = worker.spawn().expect("it starts");
    let mut input = worker.stdin.take().expect("its input");
    input.write_all(order.as_bytes()).expect("it reads");
    drop(input);
    worker.wait_with_output().expect("it ends").into()
}

/// A run over `logs` whose units `workers` work through.
async fn run(logs: &Path, lake: &Path, workers: Arc<dyn Workers>) -> RunEnd {
    let reference = ("aws_secret_access_key_env".to_owned(), VARIABLE.to_owned());
    let request = RunRequest {
        lake: lake.display().to_string(),
        storage_options: Default::default(),
        lake_credentials: Credentials::default(),
        store_safety: Default::default(),
        sources: vec![NamedSource {
            name: "source[0]".to_owned(),
            source: Source::EventLogs(EventLogSource {
                uris: vec![logs.display().to_string()],
                ..EventLogSource::default()
            }),
            credentials: Some(Credentials {
                options: BTreeMap::from([reference]),
                aws: None,
            }),
        }],
        workers: Some(workers),
        hands_out: None,
        engine: None,
        resume: None,
        redactor: Default::default(),
        window: Default::default(),
        dry_run: false,
        record_unchanged: true,
        include_running: false,
        include_tasks: true,
        teams: Default::default(),
        reload: Default::default(),
        threads: 2,
        rules_dir: None,
        rule_overrides: Default::default(),
        identify_timeout: Duration::from_secs(60),
        extract_timeout: Duration::from_secs(600),
        max_applications: None,
    };
    pipeline::run(&request, &NoProgress, &RunWatch::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn other_processes_give_the_rows_of_threads_and_a_doubled_unit_changes_nothing() {
    let world = world();
    let lake = folder("units_twice");
    let workers = Processes::new(2, true);
    let end = run(&world.logs, &lake, Arc::clone(&workers) as _).await;
    assert_eq!(end.summary.status, RunStatus::Done, "{end:?}");
    assert_same(
        &content(&lake, &world.logs),
        &content(&world.fresh, &world.logs),
        "units of other processes",
    );
    // Orders of several units, each twice, with their results.
    let messages = workers.messages();
    assert!(messages.len() >= 8, "{} messages", messages.len());
    for message in &messages {
        assert!(!message.contains(SECRET), "{message}");
    }
    assert!(messages.iter().any(|message| message.contains(VARIABLE)));

    // What was staged twice is gone.
    let deadline = Instant::now() + Duration::from_secs(60);
    while unused_files(&lake) != BTreeSet::new() {
        assert!(Instant::now() < deadline, "{:?}", unused_files(&lake));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Data files that no table refers to.
fn unused_files(lake: &Path) -> BTreeSet<PathBuf> {
    let mut unused = BTreeSet::new();
    for table in tables(lake) {
        let live = live_files(lake, &table);
        let folder = lake.join(&table);
        let files = WalkDir::new(&folder).into_iter().filter_map(Result::ok);
        for file in files.filter(|file| file.path().extension().is_some_and(|e| e == "parquet")) {
            let path = file.path().strip_prefix(&folder).expect("below");
            let is_checkpoint = path.starts_with("_delta_log");
            if !is_checkpoint && !live.contains_key(path.to_str().expect("UTF-8")) {
                unused.insert(file.path().to_owned());
            }
        }
    }
    unused
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_the_secret_that_an_order_names_says_which() {
    let world = world();
    let lake = folder("units_secret");
    let end = run(&world.logs, &lake, Processes::new(1, false)).await;
    assert_eq!(end.summary.status, RunStatus::Failed, "{end:?}");
    let error = end.summary.error.expect("an error");
    assert!(
        error.contains("the environment variable UNITS_TEST_KEY is not set"),
        "{error}"
    );
    assert!(rows(&lake, "applications").is_empty());
}

/// Asks what a worker says to orders that are wrong, and to one whose log is gone.
#[derive(Debug)]
struct Interview {
    gone: PathBuf,
    asked: Mutex<Vec<Order>>,
}

impl Workers for Interview {
    fn work(
        &self,
        orders: &[Order],
        _listener: &dyn Listener,
    ) -> Result<Vec<UnitResult>, UnitError> {
        self.asked.lock().expect("orders").extend(orders.to_vec());
        fs::remove_file(&self.gone).expect("removed");
        let work = |order: &Order| {
            let ended = work(&order.to_json()?, true);
            ended.assert_code(0);
            UnitResult::parse(ended.out.as_bytes())
        };
        orders.iter().map(work).collect()
    }

    fn judge(&self, orders: &[AnalysisOrder]) -> Result<Vec<AnalysisResult>, UnitError> {
        let judge = |order: &AnalysisOrder| {
            let other = AnalysisOrder {
                fingerprint: "of other rules".to_owned(),
                ..order.clone()
            };
            let refused = work(&other.to_json()?, true);
            refused.assert_code(2);
            assert!(
                refused.err.contains("the rules of the order are not those"),
                "{}",
                refused.err
            );
            let ended = work(&order.to_json()?, true);
            ended.assert_code(0);
            AnalysisResult::parse(ended.out.as_bytes())
        };
        orders.iter().map(judge).collect()
    }

    fn judge_groups(&self, orders: &[GroupsOrder]) -> Result<Vec<GroupsResult>, UnitError> {
        let judge = |order: &GroupsOrder| {
            let other = GroupsOrder {
                fingerprint: "of other rules".to_owned(),
                ..order.clone()
            };
            let refused = work(&other.to_json()?, true);
            refused.assert_code(2);
            assert!(
                refused.err.contains("the rules of the order are not those"),
                "{}",
                refused.err
            );
            let ended = work(&order.to_json()?, true);
            ended.assert_code(0);
            GroupsResult::parse(ended.out.as_bytes())
        };
        orders.iter().map(judge).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_orders_have_clear_answers_and_a_log_that_is_gone_costs_itself_alone() {
    let home = folder("units_wrong");
    let (logs, lake) = (home.join("logs"), home.join("lake"));
    fs::create_dir_all(&logs).expect("a folder");
    let fixtures = super::world::fixtures().join("spark35");
    for name in ["local-1795193760469", "local-1795194017768.zstd"] {
        fs::copy(fixtures.join(name), logs.join(name)).expect("a log");
    }
    let interview = Arc::new(Interview {
        gone: logs.join("local-1795194017768.zstd"),
        asked: Mutex::default(),
    });
    let end = run(&logs, &lake, Arc::clone(&interview) as _).await;
    assert_eq!(end.summary.status, RunStatus::Partial, "{end:?}");
    assert_eq!(rows(&lake, "applications").len(), 1);
    let ledger = rows(&lake, "ingest_sources");
    let gone = ledger
        .iter()
        .find(|row| row.get("error_kind").map(String::as_str) == Some("vanished"))
        .expect("a row of the log that is gone");
    assert_eq!(gone.get("status").map(String::as_str), Some("failed"));

    let order = interview.asked.lock().expect("orders")[0].clone();
    let json = order.to_json().expect("JSON");
    let ask = |order: &str, code: i32, expected: &str| {
        let ended = work(order, true);
        ended.assert_code(code);
        assert!(ended.out.is_empty(), "{}", ended.out);
        assert!(ended.err.contains(expected), "{}\n{expected}", ended.err);
    };
    ask(&json, 1, "is not open any more");
    ask("", 2, "the order cannot be read");
    let newer = json.replacen("\"version\":1", "\"version\":99", 1);
    ask(&newer, 2, "the order has version 99");
    let mut nowhere = order.clone();
    nowhere.lake.uri = format!("file://{}/", home.join("nowhere").display());
    ask(&nowhere.to_json().expect("JSON"), 2, "there is no lake at");
    let mut unreachable = order;
    unreachable.lake.uri = "s3://bucket/lake/".to_owned();
    let options = [
        ("aws_endpoint", "http://127.0.0.1:9"),
        ("aws_region", "eu-west-1"),
        ("allow_http", "true"),
        ("aws_access_key_id", "id"),
        ("aws_secret_access_key_env", VARIABLE),
        ("max_retries", "0"),
    ];
    unreachable.lake.credentials.options = options
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let json = unreachable.to_json().expect("JSON");
    let ended = work(&json, true);
    ended.assert_code(1);
    assert!(ended.err.contains("_sparklake/lake.json"), "{}", ended.err);
    assert!(!ended.err.contains(SECRET), "{}", ended.err);
}
