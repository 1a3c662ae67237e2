//! The dashboard: each page says what the tables hold, every state has an address, and what an
//! address asks for can change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sparklake::analyze::Catalog;
use sparklake::ask::{AskLake, AskOptions};
use sparklake::load::Lake;
use sparklake::publish::dashboard::{Dashboard, router};

use super::context::TestContext;
use super::stored::rows;

/// Pages of a lake over HTTP.
pub(crate) struct Pages {
    address: SocketAddr,
    client: reqwest::Client,
}

/// An answer to a request.
pub(crate) struct Got {
    pub(crate) status: u16,
    policy: String,
    pub(crate) text: String,
}

impl Pages {
    pub(crate) async fn of(lake: &str) -> Self {
        Self::bounded(lake, AskOptions::default().memory_bytes).await
    }

    /// Pages whose queries may take that much memory.
    async fn bounded(lake: &str, memory_bytes: usize) -> Self {
        let catalog = Catalog::built_in().expect("a catalog");
        let views = catalog.shared_views().expect("views");
        let options = AskOptions {
            memory_bytes,
            views: Box::new(move || Ok(views.clone())),
            ..AskOptions::default()
        };
        let opened = Lake::open(lake, Default::default()).await.expect("a lake");
        let dashboard = Dashboard {
            ask: Arc::new(AskLake::new(&opened, options).expect("asked")),
            catalog: Arc::new(catalog),
            lake: lake.to_owned(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router(dashboard)).await });
        let client = reqwest::Client::builder().no_proxy().build();
        Self {
            address,
            client: client.expect("a client"),
        }
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Got {
        let request = self.client.get(format!("http://{}{path}", self.address));
        let answer = request.query(query).send().await.expect("an answer");
        Got {
            status: answer.status().as_u16(),
            policy: answer
                .headers()
                .get("content-security-policy")
                .and_then(|policy| policy.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            text: answer.text().await.expect("text"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_say_what_the_tables_hold() {
    let context = TestContext::with_loaded_lake();
    let lake = context
        .variable("SPARKLAKE_LAKE")
        .expect("a lake")
        .to_owned();
    let pages = Pages::of(&lake).await;
    let applications = rows(lake.as_ref(), "applications");
    let findings = rows(lake.as_ref(), "findings");

    for path in [
        "/",
        "/applications",
        "/jobs",
        "/findings",
        "/compare",
        "/sql",
    ] {
        let page = pages.get(path, &[]).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(
            page.policy
                .starts_with("default-src 'none'; style-src 'sha256-")
                && !page.policy.contains("unsafe"),
            "{}",
            page.policy
        );
        assert!(!page.text.contains(" style=\""), "{path} has one style");
        let current = format!("<a href=\"{path}\" aria-current=\"page\">");
        assert!(page.text.contains(&current), "{path} says where one is");
        assert!(!page.text.contains("<script"), "{path} needs no script");
    }

    let first = pages.get("/applications", &[("rows", "20")]).await.text;
    let count = applications.len();
    let caption = format!("1 to 20 of {count} applications");
    assert!(first.contains(&caption), "{caption}");
    let next = "/applications?rows=20&amp;page=1";
    assert!(first.contains(next), "the next page");
    let second = [("rows", "20"), ("page", "1")];
    let second = pages.get("/applications", &second).await.text;
    let listed = |text: &str| text.matches("href=\"/application?id=").count();
    assert_eq!(
        (listed(&first), listed(&second)),
        (20, (count - 20).min(20))
    );

    let skewed = pages
        .get("/applications", &[("q", "Skewed-Join")])
        .await
        .text;
    let expected = applications.iter().filter(|row| {
        row.get("application_name")
            .is_some_and(|name| name.contains("skewed-join"))
    });
    assert_eq!(listed(&skewed), expected.count());

    let worse = ["low", "medium", "high", "critical"];
    let severe: Vec<_> = findings
        .iter()
        .filter(|row| {
            row.get("severity")
                .is_some_and(|severity| worse.contains(&severity.as_str()))
        })
        .collect();
    let shown = |page: &str| page.matches("<span class=\"severity\">").count();
    let each = [("rank", "2"), ("show", "each")];
    let page = pages.get("/findings", &each).await.text;
    assert_eq!(shown(&page), severe.len().min(50));
    // Those of a rule in all runs of a job are one problem.
    let problems: BTreeSet<_> = severe
        .iter()
        .map(|row| {
            let job = row.get("job_key").filter(|key| !key.is_empty());
            (&row["rule_id"], job.unwrap_or(&row["application_id"]))
        })
        .collect();
    let page = pages.get("/findings", &[("rank", "2")]).await.text;
    assert_eq!(shown(&page), problems.len().min(50));
    let caption = format!("{} findings, those of a rule", severe.len());
    assert!(page.contains(&caption), "{caption}");

    let finding = findings.first().expect("a finding");
    let id = &finding["application_id"];
    let page = pages.get("/application", &[("id", id)]).await;
    assert_eq!(page.status, 200);
    let told = page.text.replace("&#39;", "'").replace("&quot;", "\"");
    let evidence = finding["evidence"].split(". ").next().expect("a sentence");
    assert!(told.contains(evidence), "{id}: {evidence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_ask_for_what_there_is_not_get_a_page_that_says_so() {
    let context = TestContext::with_loaded_lake();
    let lake = context
        .variable("SPARKLAKE_LAKE")
        .expect("a lake")
        .to_owned();
    let pages = Pages::of(&lake).await;

    let unknown = pages.get("/application", &[("id", "<b>local-1</b>")]).await;
    assert_eq!(unknown.status, 404);
    assert!(
        unknown.text.contains("&lt;b&gt;local-1&lt;/b&gt;"),
        "{}",
        unknown.text
    );
    assert_eq!(pages.get("/job", &[("key", "nobody")]).await.status, 404);
    assert_eq!(pages.get("/nowhere", &[]).await.status, 404);

    let nothing = pages.get("/applications", &[("q", "no such thing")]).await;
    assert!(nothing.text.contains("No application is like that."));

    let sum = pages
        .get("/sql", &[("query", "SELECT 20 + 22 AS answer")])
        .await
        .text;
    assert!(
        sum.contains(">42</th>") && sum.contains(">answer</th>"),
        "{sum}"
    );
    let wrong = pages
        .get("/sql", &[("query", "SELECT naem FROM applications")])
        .await;
    assert!(wrong.text.contains("naem"), "{}", wrong.text);
}

/// Every file below a folder with its size.
fn files(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => found.extend(files(&path)),
            Ok(metadata) => drop(found.insert(path, metadata.len())),
            Err(_) => {}
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sql_page_writes_nothing_and_reads_no_other_file() {
    let lake = TestContext::loaded_lake();
    let outside = tempfile::tempdir().expect("a folder");
    let secret = outside.path().join("secret.csv");
    std::fs::write(&secret, "word\nxyzzy\n").expect("written");
    let (secret, written) = (secret.display(), outside.path().join("written"));
    let written_name = written.display();
    let pages = Pages::of(&lake.display().to_string()).await;
    let before = files(&lake);
    for sql in [
        "INSERT INTO applications SELECT * FROM applications".to_owned(),
        "DELETE FROM applications".to_owned(),
        "UPDATE applications SET application_name = 'x'".to_owned(),
        "MERGE INTO applications USING jobs ON FALSE WHEN NOT MATCHED THEN INSERT DEFAULT VALUES"
            .to_owned(),
        "DROP TABLE applications".to_owned(),
        "TRUNCATE TABLE applications".to_owned(),
        "CREATE TABLE mine AS SELECT 1".to_owned(),
        "CREATE VIEW mine AS SELECT 1".to_owned(),
        "CREATE FUNCTION mine() RETURNS INT RETURN 1".to_owned(),
        format!("CREATE EXTERNAL TABLE mine STORED AS CSV LOCATION '{secret}'"),
        format!("COPY applications TO '{written_name}' STORED AS PARQUET"),
        format!("COPY (SELECT 1) TO '{written_name}' STORED AS CSV"),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "EXPLAIN ANALYZE DELETE FROM applications".to_owned(),
        format!("SELECT * FROM '{secret}'"),
        format!("SELECT * FROM \"{secret}\""),
        format!("SELECT * FROM \"file://{secret}\""),
        format!("SELECT * FROM read_csv('{secret}')"),
        format!("SELECT * FROM csv.`{secret}`"),
        format!("SELECT a.* FROM applications AS a JOIN '{secret}' AS s ON TRUE"),
        "SELECT * FROM '/etc/passwd'".to_owned(),
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet'".to_owned(),
        "SELECT 1; DROP TABLE applications".to_owned(),
    ] {
        let page = pages.get("/sql", &[("query", &sql)]).await;
        assert!(
            page.text.contains("The query gave no answer"),
            "{sql}: {}",
            page.text
        );
        assert!(!page.text.contains("xyzzy"), "{sql}: {}", page.text);
    }
    assert_eq!(files(&lake), before, "nothing in the lake has changed");
    assert!(!written.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sql_page_takes_no_more_memory_than_it_may() {
    let lake = TestContext::loaded_lake();
    let pages = Pages::bounded(&lake.display().to_string(), 64 << 20).await;
    for sql in [
        "SELECT ARRAY_AGG(REPEAT(a.host, 1000)) FROM tasks AS a CROSS JOIN tasks AS b CROSS JOIN tasks AS c",
        "SELECT LENGTH(REPEAT('x', 2000000000))",
    ] {
        let page = pages.get("/sql", &[("query", sql)]).await;
        assert!(
            page.text.contains("The query gave no answer"),
            "{sql}: {}",
            page.text
        );
    }
    // What is left is an answer, cut.
    let many = "SELECT a.task_id FROM tasks AS a CROSS JOIN tasks AS b";
    let page = pages.get("/sql", &[("query", many)]).await;
    assert!(
        page.text.contains("The first 500 rows; there are more"),
        "{}",
        page.text
    );
}
