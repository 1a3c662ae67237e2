//! The dashboard: each page says what the tables hold, every state has an address, and what an
//! address asks for can change nothing.

use std::net::SocketAddr;

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
        let catalog = Catalog::built_in().expect("a catalog");
        let views = catalog.shared_views().expect("views");
        let options = AskOptions {
            views: Box::new(move || Ok(views.clone())),
            ..AskOptions::default()
        };
        let opened = Lake::open(lake, Default::default()).await.expect("a lake");
        let dashboard = Dashboard {
            ask: AskLake::new(&opened, options).expect("asked"),
            catalog,
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
            page.policy.starts_with("default-src 'none'"),
            "{}",
            page.policy
        );
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

    let high = ["high", "critical"];
    let severe = findings
        .iter()
        .filter(|row| {
            row.get("severity")
                .is_some_and(|severity| high.contains(&severity.as_str()))
        })
        .count();
    let page = pages.get("/findings", &[("rank", "4")]).await.text;
    assert_eq!(
        page.matches("<span class=\"severity\">").count(),
        severe.min(50)
    );

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
    for forbidden in [
        "DROP TABLE applications",
        "INSERT INTO applications SELECT * FROM applications",
        "COPY applications TO '/tmp/applications.csv'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * FROM '/etc/passwd'",
    ] {
        let page = pages.get("/sql", &[("query", forbidden)]).await;
        assert!(
            page.text.contains("The query gave no answer"),
            "{forbidden}: {}",
            page.text
        );
    }
    let wrong = pages
        .get("/sql", &[("query", "SELECT naem FROM applications")])
        .await;
    assert!(wrong.text.contains("naem"), "{}", wrong.text);
}
