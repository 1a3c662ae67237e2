//! Secrets that a log holds reach no file of the lake, no statistic, no output; what stands around
//! them does.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::program::command;
use super::stored::{rows, tables};
use super::world::folder;

/// Every planted secret holds this.
const MARK: &str = "Pl4nted";
/// Every planted word that is no secret holds this.
const KEPT: &str = "harmless";

/// Writings of one secret, as users and libraries have them; `{}` is the secret.
const WRITINGS: [&str; 26] = [
    "password={}",
    "Password: {}",
    "db.PASSWORD = '{}'",
    "\"passphrase\":\"{}\"",
    "\\\"clientSecret\\\":\\\"{}\\\"",
    "-Djavax.net.ssl.trustStorePassword={}",
    "-Dapi.key={}",
    "-Dhttp.auth=Bearer {}",
    "--token {}",
    "--conf spark.x.key={}",
    "OPTIONS (user 'u', password '{}')",
    "CREATE USER u IDENTIFIED BY PASSWORD '{}'",
    "CREDENTIALS(AWS_SECRET_KEY='{}')",
    "s3a://AKX:{}@bucket/path",
    "jdbc:postgresql://u:{}@host/db",
    "jdbc:oracle:thin:scott/{}@host:1521:x",
    "jdbc:sqlserver://h;user=u;password={};x=y",
    "jdbc%3Apg%3A%2F%2Fu%3A{}%40host",
    "wasbs://c@a.blob.core.windows.net/x?sv=2020&sig={}&se=1",
    "AccountName=a;AccountKey={};EndpointSuffix=x",
    "Endpoint=sb://x;SharedAccessKey={}",
    "Authorization: Basic {}",
    "pwd -> {}",
    "sas_token%3D{}%26x",
    "<name>a.password</name><value>{}</value>",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
];

/// Gives out secrets, each once.
#[derive(Default)]
struct Planter {
    planted: usize,
}

impl Planter {
    /// All writings in one text, with harmless words between.
    fn text(&mut self) -> String {
        let written = WRITINGS.map(|writing| {
            self.planted += 1;
            writing.replace("{}", &format!("{MARK}{:04}xY", self.planted))
        });
        format!("{KEPT} begins {} {KEPT} ends", written.join(" and "))
    }

    fn secret(&mut self) -> String {
        self.planted += 1;
        format!("{MARK}{:04}xY", self.planted)
    }
}

#[test]
fn planted_secrets_reach_no_file_and_no_output() {
    let folder = folder("secrets");
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    fs::create_dir(&logs).expect("a folder");
    let mut planter = Planter::default();
    let events = events(&mut planter);
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    fs::write(logs.join("app-planted"), lines.join("\n") + "\n").expect("a log");
    assert!(planter.planted > 300, "{} secrets", planter.planted);

    let output = command(["-vv", "run", "--event-logs"])
        .arg(&logs)
        .arg("--lake")
        .arg(&lake)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains(MARK), "{text}");
    }
    let mut kept = 0;
    for table in tables(&lake) {
        for row in rows(&lake, &table) {
            let shown = format!("{row:?}");
            assert!(!shown.contains(MARK), "{table}: {}", around(&shown));
            kept += shown.matches(KEPT).count();
        }
        assert_log_is_clean(&lake.join(&table).join("_delta_log"));
    }
    // Masking takes the secrets and leaves what is around them.
    assert!(kept > 30, "{kept} harmless words are left");
}

fn around(text: &str) -> &str {
    let at = text.find(MARK).unwrap_or(0);
    text.get(at.saturating_sub(120)..(at + 60).min(text.len()))
        .unwrap_or(text)
}

fn assert_log_is_clean(log: &Path) {
    for entry in fs::read_dir(log).expect("a Delta log") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(MARK), "{}", around(&text));
    }
}

/// An application with a query, a job, a stage, tasks and an executor; secrets stand in every text.
fn events(planter: &mut Planter) -> Vec<Value> {
    const START: i64 = 1_795_193_753_805;
    let mut settings = serde_json::Map::new();
    for key in [
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.azure.account.key.a.dfs.core.windows.net",
        "spark.hadoop.fs.azure.sas.c.a.blob.core.windows.net",
        "spark.my.pwd",
        "spark.my.passPhrase",
        "spark.my.apiKey",
        "spark.my.fancy",
        "spark.executorEnv.AWS_SESSION",
        "spark.yarn.appMasterEnv.DB_PASS",
        "spark.ssl.keyStorePass",
        "spark.kafka.ssl.key",
        "spark.hadoop.fs.gs.auth.service.account.private.key",
        "spark.hadoop.dfs.adls.oauth2.credential",
    ] {
        settings.insert(key.to_owned(), json!(planter.secret()));
    }
    // The same secret stands in an error, without any name.
    let reused = planter.secret();
    settings.insert("spark.db.password".to_owned(), json!(reused));
    settings.insert("spark.redaction.regex".to_owned(), json!("(?i)fancy"));
    settings.insert(
        "spark.redaction.string.regex".to_owned(),
        json!("card-\\S+"),
    );
    settings.insert("spark.app.name".to_owned(), json!(planter.text()));
    settings.insert(
        "spark.driver.extraJavaOptions".to_owned(),
        json!(planter.text()),
    );
    let stage = json!({
        "Stage ID": 0, "Stage Attempt ID": 0, "Stage Name": planter.text(), "Number of Tasks": 1,
        "RDD Info": [{
            "RDD ID": 1, "Name": planter.text(), "Parent IDs": [], "Number of Partitions": 1,
            "Number of Cached Partitions": 1, "Memory Size": 1, "Disk Size": 0,
            "Storage Level": {"Use Disk": false, "Use Memory": true, "Replication": 1}
        }],
        "Parent IDs": [], "Details": planter.text(), "Accumulables": [], "Submission Time": START,
        "Completion Time": START + 9, "Failure Reason": planter.text()
    });
    let properties = json!({
        "spark.job.description": planter.text(), "spark.jobGroup.id": planter.text(),
        "spark.job.tags": planter.text(), "spark.sql.execution.id": "0",
        "spark.hadoop.fs.s3a.secret.key": planter.secret(), "callSite.short": planter.text()
    });
    let task = json!({
        "Task ID": 0, "Index": 0, "Attempt": 0, "Partition ID": 0, "Launch Time": START + 1,
        "Executor ID": "1", "Host": "h", "Locality": "PROCESS_LOCAL", "Speculative": false,
        "Getting Result Time": 0, "Finish Time": START + 5, "Failed": true, "Killed": false,
        "Accumulables": []
    });
    vec![
        json!({"Event": "SparkListenerLogStart", "Spark Version": "3.5.9"}),
        json!({
            "Event": "SparkListenerEnvironmentUpdate", "JVM Information": {"Java Home": planter.text()},
            "Spark Properties": settings,
            "Hadoop Properties": {"javax.jdo.option.ConnectionPassword": planter.secret(),
                "javax.jdo.option.ConnectionURL": planter.text()},
            "System Properties": {"sun.java.command": planter.text()},
            "Metrics Properties": {"*.sink.graphite.token": planter.secret()}, "Classpath Entries": {}
        }),
        json!({
            "Event": "SparkListenerApplicationStart", "App Name": planter.text(), "App ID": "app-planted",
            "Timestamp": START, "User": "u"
        }),
        json!({
            "Event": "SparkListenerExecutorAdded", "Timestamp": START, "Executor ID": "1",
            "Executor Info": {"Host": "h", "Total Cores": 1, "Log Urls": {"stdout": planter.text()},
                "Attributes": {"PW": planter.secret(), "note": planter.text()}, "Resources": {},
                "Resource Profile Id": 0}
        }),
        json!({
            "Event": "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart", "executionId": 0,
            "rootExecutionId": 0, "description": planter.text(), "details": planter.text(),
            "physicalPlanDescription": planter.text(), "time": START,
            "sparkPlanInfo": {"nodeName": "Scan JDBC", "simpleString": planter.text(), "children": [],
                "metadata": {"Location": planter.text(), "password": planter.secret()}, "metrics": []},
            "modifiedConfigs": {"spark.hadoop.fs.s3a.secret.key": planter.secret(),
                "spark.note": planter.text()}
        }),
        json!({
            "Event": "SparkListenerJobStart", "Job ID": 0, "Submission Time": START, "Stage Infos": [stage],
            "Stage IDs": [0], "Properties": properties
        }),
        json!({"Event": "SparkListenerStageSubmitted", "Stage Info": stage, "Properties": properties}),
        json!({"Event": "SparkListenerTaskStart", "Stage ID": 0, "Stage Attempt ID": 0, "Task Info": task}),
        json!({
            "Event": "SparkListenerTaskEnd", "Stage ID": 0, "Stage Attempt ID": 0, "Task Type": "ResultTask",
            "Task End Reason": {"Reason": "ExceptionFailure", "Class Name": "x.E",
                "Description": format!("{} for {reused} and card-{MARK}", planter.text()),
                "Stack Trace": [], "Full Stack Trace": planter.text(), "Accumulator Updates": []},
            "Task Info": task, "Task Executor Metrics": {}
        }),
        json!({"Event": "SparkListenerStageCompleted", "Stage Info": stage}),
        json!({
            "Event": "SparkListenerJobEnd", "Job ID": 0, "Completion Time": START + 10,
            "Job Result": {"Result": "JobFailed", "Exception": {"Message": planter.text(), "Stack Trace": []}}
        }),
        json!({
            "Event": "SparkListenerExecutorRemoved", "Timestamp": START + 11, "Executor ID": "1",
            "Removed Reason": planter.text()
        }),
        json!({
            "Event": "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd", "executionId": 0,
            "time": START + 12, "errorMessage": planter.text()
        }),
        json!({"Event": "SparkListenerApplicationEnd", "Timestamp": START + 13}),
    ]
}
