//! Language models ask the lake: every tool over the sample logs, within its budget; what is refused;
//! clients of each protocol version. How it is served is in [`serving`].

mod live;
mod oauth;
mod serving;

use std::collections::BTreeSet;
use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::service::{RoleClient, RunningService};
use rmcp::{RoleServer, ServiceExt};
use serde_json::{Map, Value, json};
use sparklake::analyze::Catalog;
use sparklake::load::Lake;
use sparklake::publish::mcp::{McpOptions, McpServer};

use crate::context::TestContext;

/// Most bytes of a summary and of any answer.
const SUMMARY_BYTES: usize = 12_000;
const FULL_BYTES: usize = 48_000;
/// A fixture with failing executors, and one with SQL and skew.
const EXECUTOR_LOSS: &str = "app-20261121120425-0000";
const SKEWED_JOIN: &str = "skewed-join";

struct Client {
    client: RunningService<RoleClient, ()>,
    _server: RunningService<RoleServer, McpServer>,
}

async fn server() -> McpServer {
    // Memory is that of the whole process, other tests included.
    bounded(2 << 30, Duration::from_secs(120)).await
}

/// A server whose queries may take so many bytes and so long.
async fn bounded(memory_bytes: usize, timeout: Duration) -> McpServer {
    let lake = TestContext::loaded_lake().display().to_string();
    let lake = Lake::open(&lake, Default::default()).await.expect("a lake");
    McpServer::new(McpOptions {
        lake: Some(lake),
        catalog: Catalog::built_in().expect("valid"),
        live: None,
        memory_bytes,
        timeout,
    })
    .expect("a server")
}

impl Client {
    async fn new() -> Self {
        Self::of(server().await).await
    }

    async fn of(server: McpServer) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (server, client) = tokio::join!(server.serve(theirs), ().serve(ours));
        Self {
            client: client.expect("a client"),
            _server: server.expect("a server"),
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> CallToolResult {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object");
        };
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        self.client.call_tool(request).await.expect("an answer")
    }

    /// The structured content of a call that succeeds, within its budget.
    async fn ask(&self, tool: &str, arguments: Value) -> Value {
        let full = arguments["detail"] == "full";
        let answer = self.call(tool, arguments.clone()).await;
        let text = text(&answer);
        assert_ne!(answer.is_error, Some(true), "{tool} {arguments}: {text}");
        let bytes = serde_json::to_vec(&answer).expect("JSON").len();
        let budget = if full { FULL_BYTES } else { SUMMARY_BYTES };
        assert!(bytes <= budget, "{tool} {arguments}: {bytes} bytes");
        let content = answer.structured_content.expect("structured content");
        let verdict = content["verdict"].as_str().expect("a verdict");
        assert!(
            text.starts_with(verdict),
            "{tool}: the text begins with the verdict"
        );
        assert!(
            verdict.len() > 10 && !verdict.contains("not captured"),
            "{tool} {arguments}: {verdict}"
        );
        content
    }

    /// The text of a call that is refused.
    async fn refused(&self, tool: &str, arguments: Value) -> String {
        let answer = self.call(tool, arguments.clone()).await;
        let text = text(&answer);
        assert_eq!(answer.is_error, Some(true), "{tool} {arguments}: {text}");
        text
    }
}

fn text(answer: &CallToolResult) -> String {
    let content = serde_json::to_value(&answer.content).expect("JSON");
    content[0]["text"].as_str().expect("a text").to_owned()
}

/// Whether `value` is as `schema` says, as far as our schemas say anything.
fn check(schema: &Value, value: &Value, path: &str) {
    if let Some(kind) = schema["type"].as_str() {
        let fits = match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            other => panic!("{path}: {other}"),
        };
        assert!(fits, "{path}: {value} is no {kind}");
    }
    if let (Some(known), Some(values)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, value) in values {
            if let Some(schema) = known.get(name) {
                check(schema, value, &format!("{path}.{name}"));
            }
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check(&schema["items"], item, &format!("{path}[]"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_answers_as_its_schema_says_and_within_its_budget() {
    let client = Client::new().await;
    let tools = client.client.list_all_tools().await.expect("tools");
    let app = EXECUTOR_LOSS;
    let calls = [
        ("find_applications", json!({})),
        (
            "find_applications",
            json!({"text": "SKEW", "order": "most_wasted", "limit": 2}),
        ),
        (
            "find_applications",
            json!({"state": "failed", "detail": "full"}),
        ),
        ("diagnose", json!({"app": app})),
        ("diagnose", json!({"app": SKEWED_JOIN, "detail": "full"})),
        ("slowest", json!({"kind": "jobs", "app": app})),
        ("slowest", json!({"kind": "stages"})),
        (
            "slowest",
            json!({"kind": "sql", "app": SKEWED_JOIN, "detail": "full"}),
        ),
        (
            "inspect",
            json!({"app": app, "stage_id": 1, "stage_attempt_id": 0, "detail": "full"}),
        ),
        (
            "inspect",
            json!({"app": SKEWED_JOIN, "sql_id": 0, "detail": "full"}),
        ),
        ("executors", json!({"app": app})),
        ("configuration", json!({"app": app})),
        (
            "configuration",
            json!({"app": app, "text": "memory", "defaults": true}),
        ),
        ("compare", json!({"app": app, "with": "exclusion"})),
        ("waste_and_cost", json!({})),
        ("waste_and_cost", json!({"app": app})),
        ("recommendations", json!({})),
        ("recommendations", json!({"job": SKEWED_JOIN})),
        ("trends", json!({})),
        ("trends", json!({"job": SKEWED_JOIN, "detail": "full"})),
        ("failures", json!({})),
        ("failures", json!({"app": app, "detail": "full"})),
        ("whatif", json!({"app": "executor-metrics"})),
        (
            "whatif",
            json!({"app": SKEWED_JOIN, "executors": "1..200", "detail": "full", "limit": 100}),
        ),
        ("photon_fit", json!({})),
        ("photon_fit", json!({"app": SKEWED_JOIN})),
        (
            "query",
            json!({"sql": "SELECT COUNT(*) AS n, COUNT(*) AS n2 FROM applications"}),
        ),
        ("query", json!({"describe": "all"})),
        ("query", json!({"describe": "stages"})),
        (
            "query",
            json!({"describe": "query_facts", "detail": "full"}),
        ),
    ];
    let called: BTreeSet<&str> = calls.iter().map(|(name, _)| *name).collect();
    for (name, arguments) in calls {
        let content = client.ask(name, arguments).await;
        let tool = tools.iter().find(|tool| tool.name == name).expect("a tool");
        let schema = Value::Object(tool.output_schema.as_deref().expect("a schema").clone());
        check(&schema, &content, name);
    }
    for tool in &tools {
        assert!(
            called.contains(tool.name.as_ref()),
            "{} was not called",
            tool.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_say_what_the_tables_say() {
    let client = Client::new().await;
    let sql = async |sql: String| client.ask("query", json!({"sql": sql})).await["rows"].clone();
    let found = client.ask("diagnose", json!({"app": EXECUTOR_LOSS})).await;
    let findings = sql(format!(
        "SELECT finding_id FROM findings WHERE application_id = '{EXECUTOR_LOSS}' ORDER BY finding_id"
    ))
    .await;
    let told: Vec<&Value> = found["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .collect();
    let mut told: Vec<String> = told
        .iter()
        .map(|row| row["finding_id"].to_string())
        .collect();
    told.sort();
    let stored: Vec<String> = findings
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row[0].to_string())
        .collect();
    assert!(!stored.is_empty());
    assert_eq!(told, stored);
    assert!(
        found["verdict"]
            .as_str()
            .expect("text")
            .starts_with("executor-loss (app-20261121120425-0000) ran 44.4 s")
    );

    // A prediction is the row of `simulations`, and what ran takes what it took.
    let predicted = client
        .ask("whatif", json!({"app": "executor-metrics"}))
        .await;
    let measured = sql(
        "SELECT observed_duration_ms FROM applications WHERE application_name = 'executor-metrics'"
            .to_owned(),
    )
    .await;
    let scenarios = predicted["scenarios"].as_array().expect("scenarios");
    let current = scenarios.iter().find(|row| row["is_current"] == true);
    assert_eq!(current.expect("one")["duration_ms"], measured[0][0]);
    assert_eq!(predicted["basis"][0]["measured_ms"], measured[0][0]);
    for row in scenarios {
        let stored = sql(format!(
            "SELECT s.duration_ms, s.is_current, s.is_knee FROM simulations AS s JOIN applications AS a \
             USING (platform, cluster_id, application_id, attempt_id) \
             WHERE a.application_name = 'executor-metrics' AND s.executors = {} AND s.cores_per_executor = {}",
            row["executors"], row["cores_per_executor"]
        ))
        .await;
        assert_eq!(
            stored[0],
            json!([row["duration_ms"], row["is_current"], row["is_knee"]])
        );
    }
    let verdict = predicted["verdict"].as_str().expect("a verdict");
    assert!(verdict.starts_with("executor-metrics (app-"), "{verdict}");
    assert!(verdict.contains("Interval: ±"), "{verdict}");

    // Parts of the core time add up to it.
    let parts = found["core_time"].as_array().expect("parts").iter();
    let sum: i64 = parts
        .map(|part| part["core_ms"].as_i64().expect("a number"))
        .sum();
    assert_eq!(Some(sum), found["application"][0]["core_time_ms"].as_i64());

    // A page after the other gives all applications once, in the order of the first.
    let total = sql("SELECT COUNT(*) FROM applications".to_owned()).await[0][0]
        .as_i64()
        .expect("a number");
    let mut seen = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = json!({"limit": 9, "cursor": cursor, "order": "slowest"});
        let page = client.ask("find_applications", page).await;
        let rows = page["applications"].as_array().expect("rows");
        seen.extend(rows.iter().map(|row| {
            (
                row["duration_ms"].as_i64(),
                row["application_id"].to_string(),
            )
        }));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(i64::try_from(seen.len()).expect("few"), total);
    assert!(
        seen.windows(2).all(|pair| pair[0].0 >= pair[1].0),
        "the slowest first"
    );
    seen.sort();
    seen.dedup();
    assert_eq!(i64::try_from(seen.len()).expect("few"), total, "each once");

    // Quantiles of a stage are those of the table.
    let stage = json!({"app": EXECUTOR_LOSS, "stage_id": 0, "stage_attempt_id": 0});
    let stage = client.ask("inspect", stage).await;
    let median = sql(format!(
        "SELECT median, max FROM task_quantiles WHERE application_id = '{EXECUTOR_LOSS}' AND stage_id = 0 AND \
         stage_attempt_id = 0 AND metric = 'duration'"
    ))
    .await;
    assert_eq!(stage["quantiles"][0]["metric"], "duration");
    assert_eq!(stage["quantiles"][0]["median"], median[0][0]);
    assert_eq!(stage["quantiles"][0]["max"], median[0][1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_about_any_application_is_too_long() {
    let client = Client::new().await;
    let applications = json!({"sql": "SELECT application_id FROM applications", "limit": 1000});
    let applications = client.ask("query", applications).await;
    for row in applications["rows"].as_array().expect("rows") {
        let app = row[0].as_str().expect("an id");
        client
            .ask(
                "diagnose",
                json!({"app": app, "detail": "full", "limit": 100}),
            )
            .await;
        client.ask("failures", json!({"app": app})).await;
    }
    let stages = json!({"kind": "stages", "detail": "full", "limit": 100});
    let stages = client.ask("slowest", stages).await;
    assert!(
        stages["cut"][0]["rows_left"]
            .as_u64()
            .expect("rows are left")
            > 0
    );
    // Plans are the longest texts.
    let queries = json!({"sql": "SELECT application_id, sql_id FROM sql ORDER BY LENGTH(plan_description) DESC LIMIT 5"});
    for row in client.ask("query", queries).await["rows"]
        .as_array()
        .expect("rows")
    {
        let sql = json!({"app": row[0], "sql_id": row[1], "detail": "full", "limit": 100});
        let sql = client.ask("inspect", sql).await;
        assert!(
            sql["plan"][0]["plan"]
                .as_str()
                .expect("a plan")
                .contains("Physical Plan")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answers_that_say_what_to_do() {
    let client = Client::new().await;
    let unknown = client
        .refused("diagnose", json!({"app": "app-20261121120425-000"}))
        .await;
    assert!(
        unknown.ends_with("did you mean `app-20261121120425-0000`?"),
        "{unknown}"
    );
    let unknown = client
        .refused(
            "compare",
            json!({"app": EXECUTOR_LOSS, "with": "skewed-joni"}),
        )
        .await;
    assert!(
        unknown.ends_with("did you mean `skewed-join`?"),
        "{unknown}"
    );
    let stage = client
        .refused("inspect", json!({"app": EXECUTOR_LOSS, "stage_id": 99}))
        .await;
    assert!(
        stage.starts_with("stage_id 99: there is no such stage"),
        "{stage}"
    );
    let neither = client
        .refused("inspect", json!({"app": EXECUTOR_LOSS}))
        .await;
    assert_eq!(neither, "give `stage_id` or `sql_id`; `slowest` lists both");
    let table = client.refused("query", json!({"describe": "stage"})).await;
    assert!(table.contains("did you mean `stages`?"), "{table}");
    let column = client
        .refused("query", json!({"sql": "SELECT stage FROM stages"}))
        .await;
    assert!(column.contains("stage_id"), "{column}");
    let request = CallToolRequestParams::new("diagnos");
    let no_tool = client
        .client
        .call_tool(request)
        .await
        .expect_err("no such tool");
    assert!(
        no_tool.to_string().contains("did you mean `diagnose`?"),
        "{no_tool}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_can_neither_write_nor_read_files_nor_take_the_machine() {
    let client = Client::new().await;
    for sql in [
        "INSERT INTO applications SELECT * FROM applications",
        "DELETE FROM applications",
        "UPDATE applications SET application_name = 'x'",
        "DROP TABLE applications",
        "CREATE TABLE mine AS SELECT 1",
        "CREATE EXTERNAL TABLE passwords STORED AS CSV LOCATION '/etc/passwd'",
        "COPY applications TO '/tmp/applications.parquet'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet'",
        "SELECT * FROM information_schema.df_settings; DROP TABLE applications",
    ] {
        let refused = client.refused("query", json!({"sql": sql})).await;
        assert!(!refused.contains("root:"), "{sql}: {refused}");
    }
    let many = "SELECT a.task_id FROM tasks AS a CROSS JOIN tasks AS b CROSS JOIN tasks AS c ORDER BY RANDOM()";
    let hurried = Client::of(bounded(64 << 20, Duration::from_secs(10)).await).await;
    let refused = hurried.refused("query", json!({"sql": many})).await;
    assert!(
        refused.contains("memory") || refused.contains("longer than"),
        "{refused}"
    );
    let long = hurried
        .refused(
            "query",
            json!({"sql": "SELECT LENGTH(REPEAT('x', 2000000000))"}),
        )
        .await;
    assert!(!long.is_empty());
    let rows = json!({"sql": "SELECT a.task_id, a.host FROM tasks AS a CROSS JOIN tasks AS b", "limit": 1000});
    let rows = client.ask("query", rows).await;
    assert_eq!(rows["truncated"], true);
}

/// A model that is told to type a command or a flag has nowhere to type it.
#[tokio::test(flavor = "multi_thread")]
async fn errors_of_queries_advise_what_the_tools_can_do() {
    let client = Client::of(bounded(64 << 20, Duration::from_secs(10)).await).await;
    for arguments in [
        json!({"sql": "DROP TABLE applications"}),
        json!({"sql": "SELECT * FROM nowhere"}),
        json!({"sql": "SELECT nothing FROM applications"}),
        json!({"sql": "SELECT read_csv('x') FROM applications"}),
        json!({"sql": "SELECT LENGTH(REPEAT('x', 2000000000))"}),
        json!({"describe": "nowhere"}),
    ] {
        let refused = client.refused("query", arguments.clone()).await;
        assert!(
            !refused.contains("`sparklake") && !refused.contains("--"),
            "{arguments}: {refused}"
        );
    }
}

/// What the server answers to each line, by the id of the request.
async fn exchange(lines: &[Value]) -> Vec<Value> {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let server = server().await;
    let serving = tokio::spawn(async move {
        server
            .serve(theirs)
            .await
            .expect("a server")
            .waiting()
            .await
    });
    let (read, mut write) = tokio::io::split(ours);
    let mut read = tokio::io::BufReader::new(read).lines();
    let mut answers = Vec::new();
    for line in lines {
        write
            .write_all(format!("{line}\n").as_bytes())
            .await
            .expect("written");
        if line.get("id").is_some() {
            let answer = read.next_line().await.expect("read").expect("an answer");
            answers.push(serde_json::from_str(&answer).expect("JSON"));
        }
    }
    drop(write);
    drop(read);
    serving.abort();
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_every_protocol_version_are_served() {
    let call = |id: i64, meta: Option<Value>| {
        let mut params = json!({"name": "query", "arguments": {"sql": "SELECT 1 AS one"}});
        if let Some(meta) = meta {
            params["_meta"] = meta;
        }
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
    };
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
        }});
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let answers = exchange(&[hello, ready, call(2, None)]).await;
        assert_eq!(answers[0]["result"]["protocolVersion"], version);
        assert_eq!(
            answers[1]["result"]["structuredContent"]["rows"],
            json!([[1]]),
            "{version}"
        );
        assert_eq!(answers[1]["result"].get("resultType"), None, "{version}");
    }
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}
    });
    let discover =
        json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}});
    let list =
        json!({"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": {"_meta": meta}});
    let answers = exchange(&[discover, call(2, Some(meta)), list]).await;
    let versions = answers[0]["result"]["supportedVersions"]
        .as_array()
        .expect("versions");
    assert!(versions.contains(&json!("2026-07-28")), "{versions:?}");
    assert_eq!(
        answers[1]["result"]["structuredContent"]["rows"],
        json!([[1]])
    );
    assert_eq!(answers[1]["result"]["resultType"], "complete");
    assert_eq!(answers[2]["result"]["ttlMs"], 300_000);
    assert_eq!(answers[2]["result"]["cacheScope"], "private");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_lead_to_pages_that_a_client_can_show() {
    const APP: &str = "ui://sparklake/pages";
    let client = Client::new().await;
    let read = async |uri: &str| {
        let request = rmcp::model::ReadResourceRequestParams::new(uri);
        let answer = client.client.read_resource(request).await;
        answer.map(|answer| serde_json::to_value(answer).expect("JSON")["contents"][0].clone())
    };
    let document = read(APP).await.expect("a document");
    assert_eq!(document["mimeType"], "text/html;profile=mcp-app");
    let tools = client.client.list_all_tools().await.expect("tools");
    let tools = serde_json::to_value(tools).expect("JSON");
    let with_page = tools.as_array().expect("a list").iter();
    let with_page = with_page.filter(|tool| tool["_meta"]["ui"]["resourceUri"] == APP);
    assert_eq!(with_page.count(), 3);

    let slowest = client.ask("slowest", json!({"kind": "sql"})).await;
    let (app, sql) = (
        &slowest["sql"][0]["application_id"],
        &slowest["sql"][0]["sql_id"],
    );
    let stages = client
        .ask("slowest", json!({"kind": "stages", "app": app}))
        .await;
    let stage = &stages["stages"][0]["stage_id"];
    for (tool, arguments, marks) in [
        (
            "diagnose",
            json!({"app": app}),
            ["Stages over time", "<svg class=\"chart"],
        ),
        (
            "inspect",
            json!({"app": app, "sql_id": sql}),
            ["<svg class=\"chart natural\"", "href=\"/query?"],
        ),
        (
            "inspect",
            json!({"app": app, "stage_id": stage}),
            ["<svg class=\"chart", "Quantiles of the tasks"],
        ),
        (
            "executors",
            json!({"app": app}),
            ["<svg class=\"chart", "aria-current=\"page\""],
        ),
    ] {
        let answer = client.call(tool, arguments).await;
        let answer = serde_json::to_value(answer).expect("JSON");
        let page = answer["_meta"]["sparklake/page"].as_str().expect("a page");
        let part = read(&format!("sparklake://pages{page}"))
            .await
            .expect("a page");
        let html = part["text"].as_str().expect("a text");
        for mark in marks {
            assert!(html.contains(mark), "{page}: {mark}: {html}");
        }
        for other in ["<script", "<style", " style=\"", "<html"] {
            assert!(!html.contains(other), "{page}: {other}");
        }
    }
    let app = app.as_str().expect("an id");
    for other in [
        format!("sparklake://pages/sql?query=SELECT+1&id={app}"),
        format!("sparklake://pages/findings?id={app}"),
        format!("sparklake://pages/../application?id={app}"),
        "sparklake://pages/application".to_owned(),
        "sparklake://pages/application?id=nobody-1".to_owned(),
        "ui://sparklake/other".to_owned(),
    ] {
        assert!(read(&other).await.is_err(), "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_prompts_are_there() {
    let client = Client::new().await;
    let read = async |uri: &str| {
        let request = rmcp::model::ReadResourceRequestParams::new(uri);
        client.client.read_resource(request).await
    };
    for (uri, word) in [
        ("sparklake://tables", "- `findings`: "),
        ("sparklake://tables/stages", "shuffle_read_bytes"),
        ("sparklake://tables/stage_facts", "```sql"),
        ("sparklake://rules", "- `task_skew` (skew)"),
        ("sparklake://rules/task_skew", "## Thresholds"),
    ] {
        let document = read(uri).await.expect("a document");
        let text = serde_json::to_string(&document.contents).expect("JSON");
        assert!(text.contains(word), "{uri}: {text}");
    }
    for uri in [
        "sparklake://tables/nothing",
        "file:///etc/passwd",
        "sparklake://rules/../tables",
    ] {
        assert!(read(uri).await.is_err(), "{uri}");
    }
    let arguments: Map<String, Value> =
        [("app".to_owned(), json!("nightly"))].into_iter().collect();
    let request = rmcp::model::GetPromptRequestParams::new("tune_job").with_arguments(arguments);
    let prompt = client.client.get_prompt(request).await.expect("a prompt");
    let text = serde_json::to_string(&prompt.messages).expect("JSON");
    assert!(text.contains("Tune the Spark job `nightly`"), "{text}");
    let missing = rmcp::model::GetPromptRequestParams::new("tune_job");
    assert!(client.client.get_prompt(missing).await.is_err());
}
