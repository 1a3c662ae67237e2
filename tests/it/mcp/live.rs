//! Clusters that are in no lake, asked for by their id: fetched from the platforms of the job file, and
//! from nowhere else.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::context::TestContext;
use crate::databricks::{DBFS_CLUSTER, workspace};
use crate::doubles::databricks::TOKEN;
use crate::doubles::emr::{Account, Application, Cluster, Ui, zipped};
use crate::doubles::emr_eks;
use crate::doubles::emr_serverless::{Service, application, job_run, serve};
use crate::doubles::job_runs::listed;
use crate::emr_serverless::ago;
use crate::world::fixtures;

/// `sparklake mcp` as a client starts it.
struct Program {
    program: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(context: &TestContext) -> Self {
        let mut program = context
            .command(&["mcp", "--job-file", "job.toml"])
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "s3cr3t")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("WORKSPACE_TOKEN", TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let input = program.stdin.take().expect("an input");
        let output = BufReader::new(program.stdout.take().expect("an output"));
        let mut program = Self {
            program,
            input,
            output,
        };
        let client = json!({"name": "t", "version": "1"});
        let hello =
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        program.send("initialize", hello);
        program
    }

    fn send(&mut self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        writeln!(self.input, "{request}").expect("written");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("read");
        serde_json::from_str(&line).expect("JSON")
    }

    fn diagnose(&mut self, app: &str) -> Value {
        let call = json!({"name": "diagnose", "arguments": {"app": app}});
        self.send("tools/call", call)["result"].clone()
    }

    /// Ids of the application that a call is about, and its cluster.
    fn found(&mut self, app: &str) -> (String, String) {
        let call = json!({"name": "diagnose", "arguments": {"app": app, "detail": "full"}});
        let result = self.send("tools/call", call)["result"].clone();
        assert_ne!(result["isError"], true, "{app}: {result}");
        let content = &result["structuredContent"];
        let verdict = content["verdict"].as_str().expect("a verdict");
        assert!(verdict.contains("fetched and judged live"), "{verdict}");
        let of = |name: &str| {
            let row = &content["application"][0];
            row[name].as_str().expect("an id").to_owned()
        };
        (of("cluster_id"), of("application_id"))
    }

    fn refused(&mut self, app: &str) -> String {
        let result = self.diagnose(app);
        assert_eq!(result["isError"], true, "{app}: {result}");
        result["content"][0]["text"]
            .as_str()
            .expect("a text")
            .to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn a_cluster_of_emr_is_asked_for_by_its_id_and_no_other_is_touched() {
    let log = fixtures().join("spark35/local-1795193760469");
    let cluster = |id: &str, application: &str| {
        Cluster::new(id, "nightly")
            .state(
                "TERMINATED",
                "2026-11-19T01:00:00Z",
                "2026-11-19T01:05:00Z",
                "2026-11-19T03:00:00Z",
            )
            .ui(Ui::AttachesAfter(1))
            .application(Application::of_log(&log, application))
    };
    let account = Account::new()
        .cluster(cluster("j-FIRST0000001", "application_1795193700001_0001"))
        .cluster(cluster("j-SECOND000001", "application_1795193700002_0001"))
        .start();
    let context = TestContext::new();
    let job = format!(
        "[[source]]\nkind = \"emr\"\naws_region = \"eu-west-1\"\naws_endpoint_url = \"{}\"\n\
         cluster_metrics = false\n",
        account.endpoint()
    );
    context.file("job.toml", &job);
    let mut program = Program::start(&context);
    let expected = (
        "j-SECOND000001".to_owned(),
        "application_1795193700002_0001".to_owned(),
    );
    assert_eq!(program.found("j-SECOND000001"), expected);
    assert_eq!(account.calls("CreatePersistentAppUI"), 1);
    // It is kept.
    let listed = account.calls("ListClusters");
    assert_eq!(program.found("j-SECOND000001"), expected);
    assert_eq!(account.calls("ListClusters"), listed);
    let unknown = program.refused("j-THIRD0000001");
    assert!(unknown.contains("none of emr"), "{unknown}");
    let asked = account.calls("ListClusters");
    let name = program.refused("nightly orders");
    assert!(name.contains("no application"), "{name}");
    assert_eq!(account.calls("ListClusters"), asked, "a name asks nobody");
}

/// The fixture under another application's id.
fn renamed_log(id: &str) -> String {
    let log = fixtures().join("spark35/local-1795193760469");
    let text = std::fs::read_to_string(log).expect("the fixture");
    text.replace("local-1795193760469", id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_run_of_emr_serverless_is_found_by_its_own_id_and_no_other_is_asked_about() {
    let logs = tempfile::tempdir().expect("a folder");
    let runs = [
        ("00app1", "00r1first"),
        ("00app1", "00r2second"),
        ("00app2", "00r3third"),
    ];
    for (application, run) in runs {
        let folder = format!("applications/{application}/jobs/{run}/sparklogs/eventlog_v2_{run}");
        let folder = logs.path().join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("events_1_{run}")), renamed_log(run)).expect("a log");
    }
    let place = format!("file://{}/", logs.path().display());
    let monitoring = json!({"s3MonitoringConfiguration": {"logUri": place}});
    let applications = ["00app1", "00app2"].map(|id| application(id, "etl", &monitoring));
    let double = serve(Service {
        applications: applications.to_vec(),
        job_runs: runs
            .iter()
            .map(|(application, run)| job_run(application, run, &ago(5), &ago(4)))
            .collect(),
    })
    .await;
    let context = TestContext::new();
    let job = format!(
        "[[source]]\nkind = \"emr_serverless\"\naws_region = \"eu-west-1\"\naws_endpoint_url = \"{}\"\n\
         managed_ui = false\nprocess_logs = false\n",
        double.address()
    );
    context.file("job.toml", &job);
    let mut program = Program::start(&context);
    let of = |application: &str, run: &str| (application.to_owned(), run.to_owned());
    assert_eq!(program.found("00r1first"), of("00app1", "00r1first"));
    assert_eq!(
        program.found("00app1/00r2second"),
        of("00app1", "00r2second")
    );
    assert_eq!(double.times("GetJobRun"), 2, "of no other run");
    // An application of EMR Serverless is a cluster.
    assert_eq!(program.found("00app2"), of("00app2", "00r3third"));
    let unknown = program.refused("00r4fourth");
    assert!(unknown.contains("none of emr_serverless"), "{unknown}");
    assert_eq!(double.times("GetJobRun"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_run_of_emr_on_eks_is_found_by_its_own_id_and_no_other_is_asked_about() {
    let runs = ["0000run1", "0000run2"];
    let overrides = json!({});
    let double = emr_eks::serve(emr_eks::Service {
        virtual_clusters: vec![emr_eks::virtual_cluster("vc12345", "RUNNING")],
        job_runs: runs
            .map(|run| emr_eks::job_run("vc12345", run, &ago(5), &ago(3), &overrides))
            .to_vec(),
    })
    .await;
    // AWS keeps the logs, and gives them through a History Server for each run.
    for run in runs {
        let id = format!("spark-{run}");
        let list = listed(&id, Some("2026-11-20T02:00:00.000GMT"));
        let zip = zipped(&id, renamed_log(&id).as_bytes());
        let mut state = double.lock();
        state.served.insert(run.to_owned(), list);
        state.archives.insert(id, zip);
    }
    let context = TestContext::new();
    let job = format!(
        "[[source]]\nkind = \"emr_eks\"\naws_region = \"eu-west-1\"\naws_endpoint_url = \"{}\"\n\
         process_logs = false\n",
        double.address()
    );
    context.file("job.toml", &job);
    let mut program = Program::start(&context);
    let of = |run: &str| ("vc12345".to_owned(), format!("spark-{run}"));
    assert_eq!(program.found("0000run2"), of("0000run2"));
    assert_eq!(program.found("vc12345/0000run1"), of("0000run1"));
    for call in ["DescribeJobRun", "CreatePersistentAppUI"] {
        assert_eq!(double.times(call), 2, "{call} of no other run");
    }
    let unknown = program.refused("vc54321/0000run1");
    assert!(unknown.contains("none of emr_eks"), "{unknown}");
    assert_eq!(double.times("DescribeJobRun"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_databricks_is_found_where_its_logs_are_delivered() {
    let served = workspace().serve().await;
    let context = TestContext::new();
    let job = format!(
        "[[source]]\nkind = \"databricks\"\nworkspace_url = \"{}\"\ntoken_env = \"WORKSPACE_TOKEN\"\n\
         process_logs = false\n",
        served.url
    );
    context.file("job.toml", &job);
    let mut program = Program::start(&context);
    let (cluster, _) = program.found(DBFS_CLUSTER);
    assert_eq!(cluster, DBFS_CLUSTER);
    let unknown = program.refused("9999-999999-abcdefgh");
    assert!(unknown.contains("none of databricks"), "{unknown}");
}
