//! What `[notify]` of a job file sends and writes, and what it does to a run: nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use super::context::TestContext;
use super::world::fixtures;

/// Takes posts, answering each with the next of `statuses` (the last one again and again), and hands
/// over their heads and bodies.
fn listen(statuses: &'static [&'static str]) -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (send, receive) = channel();
    thread::spawn(move || {
        for (index, stream) in listener.incoming().flatten().enumerate() {
            let mut stream = stream;
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            let request = loop {
                let read = stream.read(&mut buffer).unwrap_or_default();
                bytes.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length = head.lines().find_map(|line| {
                        let (name, value) = line.split_once(':')?;
                        name.eq_ignore_ascii_case("content-length")
                            .then(|| value.trim().to_owned())
                    });
                    let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
                    if body.len() >= length || read == 0 {
                        break (head.to_owned(), body.to_owned());
                    }
                } else if read == 0 {
                    break (text, String::new());
                }
            };
            let status = statuses
                .get(index)
                .or(statuses.last())
                .copied()
                .unwrap_or("200 OK");
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            // Who hung up has its answer.
            let _ = stream.write_all(answer.as_bytes());
            if send.send(request).is_err() {
                return;
            }
        }
    });
    (format!("http://{address}"), receive)
}

fn job(context: &TestContext, notify: &str) {
    let logs = context.path().join("logs");
    std::fs::create_dir_all(&logs).expect("made");
    let log = "local-1795194017768.zstd";
    std::fs::copy(fixtures().join("spark35").join(log), logs.join(log)).expect("a log");
    let text = format!(
        "[lake]\nuri = \"lake\"\n[notify]\n{notify}\n[[source]]\nkind = \"event_log\"\nuris = [\"logs\"]\n"
    );
    context.file("job.toml", &text);
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("written")).expect("JSON")
}

#[test]
fn results_reach_a_webhook_and_its_address_reaches_nobody() {
    let mut context = TestContext::new();
    // The first attempt fails in a way that passes.
    let (url, requests) = listen(&["503 Busy", "200 OK"]);
    context.set(
        "HOOK",
        &format!("{url}/services/T0/PATHSECRET?sig=QUERYSECRET"),
    );
    job(
        &context,
        "webhook_url_env = \"HOOK\"\nmetrics_file = \"sparklake.prom\"\nfindings_file = \"findings.json\"\n\
         openlineage_file = \"lineage.ndjson\"\nmin_severity = \"low\"",
    );
    let ended = context.run(&["-vv", "run", "job.toml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for secret in ["PATHSECRET", "QUERYSECRET"] {
        assert!(!ended.err.contains(secret), "{}", ended.err);
    }
    let (head, first) = requests.recv().expect("a request");
    let (_, second) = requests.recv().expect("another attempt");
    assert!(
        head.starts_with("POST /services/T0/PATHSECRET?sig=QUERYSECRET HTTP/1.1"),
        "{head}"
    );
    assert_eq!(first, second);
    let message: Value = serde_json::from_str(&second).expect("JSON");
    let summary: Value =
        serde_json::from_str(ended.out.lines().last().expect("a summary")).expect("JSON");
    assert_eq!(message["run_id"], summary["run_id"]);
    let by_severity = message["findings_by_severity"]
        .as_object()
        .expect("numbers");
    let all: u64 = by_severity.values().filter_map(Value::as_u64).sum();
    assert_eq!(Some(all), summary["findings"].as_u64(), "{message}");
    assert!(
        message["findings"]
            .as_array()
            .is_some_and(|listed| !listed.is_empty()),
        "{message}"
    );
    assert_eq!(message, json(&context.path().join("findings.json")));

    let metrics = std::fs::read_to_string(context.path().join("sparklake.prom")).expect("written");
    assert!(
        metrics.contains("sparklake_run_exit_code{lake=\"lake\"} 0\n"),
        "{metrics}"
    );
    assert!(metrics.contains("outcome=\"loaded\"} 1\n"), "{metrics}");

    let lineage = std::fs::read_to_string(context.path().join("lineage.ndjson")).expect("written");
    let events: Vec<Value> = lineage
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<&Value> = events.iter().map(|event| &event["eventType"]).collect();
    assert_eq!(kinds, ["START", "COMPLETE"]);
    assert_eq!(events[1]["run"]["runId"], summary["run_id"]);
}

#[test]
fn what_cannot_be_told_is_a_warning_and_the_exit_code_is_that_of_the_run() {
    let mut context = TestContext::new();
    let (url, _requests) = listen(&["404 Not Found"]);
    context.set("HOOK", &format!("{url}/PATHSECRET"));
    job(
        &context,
        "webhook_url_env = \"HOOK\"\nmin_severity = \"info\"\nmetrics_file = \"nowhere/sparklake.prom\"\n\
         openlineage_url = \"http://127.0.0.1:1/api/v1/lineage\"\ntimeout_seconds = 3",
    );
    let ended = context.run(&["run", "job.toml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for told in [
        "the webhook at http://127.0.0.1:",
        "answered 404",
        "nowhere/sparklake.prom cannot be written",
        "OpenLineage at http://127.0.0.1:1",
        "the run itself is not affected",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert!(!ended.err.contains("PATHSECRET"), "{}", ended.err);
}

#[test]
fn an_address_that_is_not_there_or_written_down_is_told_before_the_run() {
    let context = TestContext::new();
    job(&context, "webhook_url_env = \"NOT_THERE\"");
    let ended = context.run(&["run", "job.toml"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended
            .err
            .contains("the environment variable NOT_THERE is not set"),
        "{}",
        ended.err
    );
    job(
        &context,
        "webhook_url = \"https://hooks.example.com/SECRET\"",
    );
    let ended = context.run(&["run", "job.toml"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended.err.contains("did you mean `webhook_url_"),
        "{}",
        ended.err
    );
    assert!(!context.path().join("lake").exists());
}
