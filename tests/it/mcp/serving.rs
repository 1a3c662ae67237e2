//! How tools are served: over HTTP to those who may ask, and by a program that a client starts, which
//! fetches applications that are in no lake.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};
use sparklake::publish::mcp::{HttpSettings, router};

use super::{EXECUTOR_LOSS, server};
use crate::context::TestContext;

#[tokio::test(flavor = "multi_thread")]
async fn over_http_only_those_ask_who_may() {
    const TOKEN: &str = "a-token-that-nobody-guesses";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let listen = listener.local_addr().expect("an address");
    let settings = HttpSettings {
        listen,
        token: Some(TOKEN.to_owned()),
        oauth: None,
        hosts: Vec::new(),
        origins: Vec::new(),
    };
    let router = router(server().await, None, settings).expect("allowed");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let post = |path: &str| {
        client
            .post(format!("http://{listen}{path}"))
            .header("accept", "application/json, text/event-stream")
            .json(&list)
    };
    let answer = post("/mcp")
        .bearer_auth(TOKEN)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(
        answer["result"]["tools"].as_array().expect("tools").len(),
        14
    );
    let health = client
        .get(format!("http://{listen}/health"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(health.status(), 200);
    let open = post("/mcp").send().await.expect("an answer");
    assert_eq!(open.status(), 401);
    assert_eq!(
        open.headers()["www-authenticate"],
        "Bearer realm=\"sparklake\""
    );
    let refused = [
        post("/mcp")
            .bearer_auth("another")
            .send()
            .await
            .expect("an answer")
            .status(),
        post("/mcp")
            .bearer_auth(TOKEN)
            .header("host", "evil.example.com")
            .send()
            .await
            .expect("an answer")
            .status(),
        post("/mcp")
            .bearer_auth(TOKEN)
            .header("origin", "https://evil.example.com")
            .send()
            .await
            .expect("an answer")
            .status(),
    ];
    assert_eq!(refused.map(|status| status.as_u16()), [401, 403, 403]);

    // The server answers by the length, before it reads the body, and hangs up: who still writes meets
    // a closed connection now and then.
    let mut too_large = None;
    for _ in 0..20 {
        let answer = post("/mcp")
            .bearer_auth(TOKEN)
            .body(vec![b' '; 2 << 20])
            .send()
            .await;
        if let Ok(answer) = answer {
            too_large = Some(answer.status().as_u16());
            break;
        }
    }
    assert_eq!(too_large, Some(413));
}

#[test]
fn a_server_for_other_machines_does_not_start_without_a_token() {
    let context = TestContext::with_empty_lake();
    let open = context.run(&["serve", "--lake", "lake", "--listen", "0.0.0.0:0"]);
    assert_eq!(open.code, 2, "{open:?}");
    assert!(open.err.contains("no token is set"), "{}", open.err);
    context.file("token", "short\n");
    let short = context.run(&[
        "serve",
        "--lake",
        "lake",
        "--listen",
        "0.0.0.0:0",
        "--token-file",
        "token",
    ]);
    assert_eq!(short.code, 2, "{short:?}");
    assert!(
        short.err.contains("fewer than 16 characters"),
        "{}",
        short.err
    );
    let nothing = context.run(&["mcp"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert!(
        nothing
            .err
            .contains("there is nothing to serve; add --lake"),
        "{}",
        nothing.err
    );
}

#[test]
fn an_application_that_is_in_no_lake_is_fetched_once_from_an_allowed_place() {
    let logs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs/spark4");
    let context = TestContext::new();
    let mut program = context
        .command(&["mcp", "--event-logs", logs])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = program.stdin.take().expect("an input");
    let mut output = BufReader::new(program.stdout.take().expect("an output"));
    let mut id = 0;
    let mut send = |method: &str, params: Value| -> Value {
        id += 1;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        writeln!(input, "{request}").expect("written");
        let mut line = String::new();
        output.read_line(&mut line).expect("read");
        serde_json::from_str(&line).expect("JSON")
    };
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    send("initialize", hello);
    let mut call = |name: &str, arguments: Value| -> Value {
        send("tools/call", json!({"name": name, "arguments": arguments}))["result"].clone()
    };
    let first = call("diagnose", json!({"app": EXECUTOR_LOSS}));
    let verdict = first["structuredContent"]["verdict"]
        .as_str()
        .expect("a verdict");
    assert!(
        verdict.contains("ran 44.4 s") && verdict.contains("fetched and judged live"),
        "{verdict}"
    );
    assert_eq!(
        first["structuredContent"]["findings"][0]["rule_id"],
        "lost_executors"
    );
    let second = call("executors", json!({"app": EXECUTOR_LOSS}));
    assert_eq!(
        second["structuredContent"]["executors"]
            .as_array()
            .expect("rows")
            .len(),
        5
    );
    for (app, expected) in [
        ("/etc/passwd", "may only read logs in"),
        ("app-99999999999999-0000", "none of "),
        ("**/*", "may only read logs in"),
    ] {
        let refused = call("diagnose", json!({"app": app}));
        assert_eq!(refused["isError"], true, "{refused}");
        let text = refused["content"][0]["text"].as_str().expect("a text");
        assert!(text.contains(expected), "{text}");
    }
    let lake = call("trends", json!({}));
    assert_eq!(lake["isError"], true, "{lake}");
    drop(input);
    let ended = program.wait_with_output().expect("ended");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(
        told.matches("an application was fetched and judged")
            .count(),
        1,
        "{told}"
    );
    assert_eq!(ended.status.code(), Some(0), "{told}");
}
