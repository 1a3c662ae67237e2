//! The History Server's own expectations: its answers to requests about logs of Spark 1.3 to 3.3.

use std::path::Path;

use serde_json::Value;

use super::difference::differences;
use super::lake::Corpus;
use super::requests::Server;

/// Name of the source that Spark's logs are loaded under.
pub(super) const SOURCE: &str = "spark";

/// Fields of an application that tell when the server looked at the log; the expectations leave
/// them empty.
const OF_THE_SERVER: &[&str] = &["lastUpdated", "lastUpdatedEpoch"];

/// Differences that are printed of one answer.
const SHOWN: usize = 10;

/// An expectation: its file and the request that it answers.
struct Case {
    golden: String,
    path: String,
}

#[test]
#[ignore = "needs the corpus: SPARKLAKE_CONFORMANCE"]
fn the_history_servers_answers_follow_from_the_tables() {
    let corpus = Corpus::load();
    let server = Server::of(corpus);
    let cases = cases(&corpus.data.join("spark/cases.tsv"));
    let goldens = std::fs::read_dir(corpus.data.join("spark/goldens"))
        .expect("a folder")
        .count();
    assert_eq!(cases.len(), goldens, "every golden has a request");
    let mut different = 0;
    for Case { golden, path } in &cases {
        let found = differences(&expectation(&corpus.data, golden), &server.answer(path));
        let verdict = if found.is_empty() {
            "equal"
        } else {
            "DIFFERENT"
        };
        println!("{verdict} {golden} ({path})");
        for difference in found.iter().take(SHOWN) {
            println!("    {difference}");
        }
        different += usize::from(!found.is_empty());
    }
    println!(
        "{} of {} answers are equal",
        cases.len() - different,
        cases.len()
    );
    assert_eq!(different, 0, "answers that differ");
}

fn cases(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).expect("a list of cases");
    let case = |line: &str| {
        let mut columns = line.split('\t').map(str::to_owned);
        let golden = columns.next().expect("a file");
        Case {
            golden,
            path: columns.next().expect("a path"),
        }
    };
    text.lines().skip(1).map(case).collect()
}

fn expectation(data: &Path, golden: &str) -> Value {
    let text = std::fs::read_to_string(data.join("spark/goldens").join(golden)).expect("a golden");
    let mut expectation: Value = serde_json::from_str(&text).expect("JSON");
    let attempts = expectation
        .get_mut("attempts")
        .and_then(Value::as_array_mut);
    for attempt in attempts
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        attempt.retain(|field, _| !OF_THE_SERVER.contains(&field.as_str()));
    }
    expectation
}
