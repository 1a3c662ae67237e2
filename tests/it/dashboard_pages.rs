//! The pages about one application: each says what the tables hold, wrong addresses are explained, and
//! what a log says is text.

use super::context::TestContext;
use super::dashboard::Pages;
use super::stored::{Row, rows};

async fn pages() -> (String, Pages) {
    let context = TestContext::with_loaded_lake();
    let lake = context
        .variable("SPARKLAKE_LAKE")
        .expect("a lake")
        .to_owned();
    let pages = Pages::of(&lake).await;
    (lake, pages)
}

/// The application of that name.
fn named<'r>(applications: &'r [Row], name: &str) -> &'r Row {
    let mut found = applications
        .iter()
        .filter(|row| row["application_name"] == name);
    found.next().expect(name)
}

/// The text of a page as people read it.
fn read(html: &str) -> String {
    let mut text = String::new();
    for (index, part) in html.split('<').enumerate() {
        let shown = if index == 0 {
            Some(part)
        } else {
            part.split_once('>').map(|(_, text)| text)
        };
        text.push_str(shown.unwrap_or_default());
        text.push(' ');
    }
    let text = text.replace("&#39;", "'").replace("&quot;", "\"");
    text.replace("&gt;", ">")
        .replace("&lt;", "<")
        .replace("&amp;", "&")
}

fn grouped(number: usize) -> String {
    sparklake::publish::numbers::count(i64::try_from(number).expect("small"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_stage_counts_its_tasks_and_lists_them_in_order() {
    let (lake, pages) = pages().await;
    let applications = rows(lake.as_ref(), "applications");
    let id = &named(&applications, "tiny-tasks")["application_id"];
    let tasks = rows(lake.as_ref(), "tasks");
    let of_stage = |row: &&Row| &row["application_id"] == id && row["stage_id"] == "0";
    let tasks: Vec<&Row> = tasks.iter().filter(of_stage).collect();
    assert!(tasks.len() > 1_000, "{}", tasks.len());

    let asked = [("id", id.as_str()), ("stage", "0"), ("stage_attempt", "0")];
    let page = pages.get("/stage", &asked).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let text = read(&page.text);
    let all = grouped(tasks.len());
    assert!(
        text.contains(&format!("1 to 50 of {all} task attempts")),
        "{all}"
    );
    // Each task is in one cell of the map, which says how many it holds.
    let held = page.text.split("<title>").skip(1).filter_map(|title| {
        let (number, rest) = title.split_once(' ')?;
        let is_cell = rest.contains("begun from");
        is_cell.then(|| number.replace(',', "").parse::<usize>().expect("a number"))
    });
    assert_eq!(held.sum::<usize>(), tasks.len());
    let elements = page.text.matches('<').count() - page.text.matches("</").count();
    assert!(elements < 5_000, "{elements} elements for {all} tasks");
    // What is wrong comes first.
    let lead = page.text.split("class=\"lead\"").nth(1).expect("a lead");
    let lead = read(lead.split("</p>").next().expect("a sentence"));
    assert!(
        lead.contains("The stage is cut into far too many tiny tasks.  It ended after"),
        "{lead}"
    );

    let longest = tasks
        .iter()
        .map(|row| row["duration"].parse::<i64>().expect("ms"));
    let longest = sparklake::publish::numbers::duration(longest.max().expect("tasks") as f64);
    let list = text.split("task attempts").last().expect("the list");
    let first = list.find(&longest).expect("the longest task");
    assert!(first < 400, "the longest comes first: {first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_query_draws_each_operator_and_what_adaptive_execution_changed() {
    let (lake, pages) = pages().await;
    let changes = rows(lake.as_ref(), "sql_plan_changes");
    let changed = changes
        .iter()
        .find(|row| row["change"] == "partitions_coalesced")
        .expect("an adaptive query");
    let (id, sql_id) = (&changed["application_id"], &changed["sql_id"]);
    let nodes = rows(lake.as_ref(), "sql_nodes");
    let is_drawn = |row: &&Row| {
        &row["application_id"] == id
            && &row["sql_id"] == sql_id
            && !row["node_name"].starts_with("WholeStageCodegen")
    };
    let nodes: Vec<&Row> = nodes.iter().filter(is_drawn).collect();

    let asked = [("id", id.as_str()), ("sql", sql_id.as_str())];
    let page = pages.get("/query", &asked).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(
        page.text.matches("<rect class=\"node ").count(),
        nodes.len()
    );
    for node in &nodes {
        let id = &node["node_id"];
        assert!(
            page.text.contains(&format!("<a href=\"#node-{id}\">")),
            "node {id}"
        );
        assert!(
            page.text.contains(&format!("<tr id=\"node-{id}\">")),
            "row of node {id}"
        );
    }
    let text = read(&page.text);
    let expected = format!(
        "partitions coalesced, {} → {} partitions",
        changed["partitions_before"], changed["partitions_after"]
    );
    assert!(text.contains(&expected), "{expected}");

    let mut by_rows = asked.to_vec();
    by_rows.push(("show", "rows"));
    let by_rows = read(&pages.get("/query", &by_rows).await.text);
    let most = nodes
        .iter()
        .filter_map(|node| node.get("rows_output")?.parse::<usize>().ok());
    let most = most.max().expect("rows");
    assert!(
        by_rows.contains(&format!("{} rows", grouped(most))),
        "{most}"
    );

    let mut initial = asked.to_vec();
    initial.push(("plan", "initial"));
    let initial = pages.get("/query", &initial).await.text;
    let drawn = initial
        .split("<svg")
        .nth(1)
        .and_then(|svg| svg.split("</svg>").next());
    let drawn = drawn.expect("a graph");
    assert!(
        !drawn.contains("AQEShuffleRead") && drawn.contains("Exchange"),
        "{drawn}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_executors_and_configuration_of_an_application_are_whole() {
    let (lake, pages) = pages().await;
    let applications = rows(lake.as_ref(), "applications");
    let id = &named(&applications, "executor-loss")["application_id"];
    let of = |table: &str, wanted: fn(&Row) -> bool| {
        let all = rows(lake.as_ref(), table);
        let of = all
            .into_iter()
            .filter(|row| &row["application_id"] == id && wanted(row));
        of.collect::<Vec<Row>>()
    };
    let asked = [("id", id.as_str())];

    let executors = of("executors", |row| row["executor_id"] != "driver");
    let lost = executors.iter().filter(|row| {
        !["idle", "app_end"].contains(&row.get("loss_kind").map_or("app_end", |kind| kind))
    });
    let page = pages.get("/executors", &asked).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(
        page.text.matches("<rect class=\"held\"").count(),
        executors.len()
    );
    assert_eq!(
        page.text.matches("<line class=\"lost\"").count(),
        lost.count()
    );

    let stages = of("stages", |row| {
        row["status"] != "SKIPPED" && row.contains_key("submission_time")
    });
    let page = pages.get("/stages", &asked).await;
    assert_eq!(page.text.matches("<a href=\"/stage?").count(), stages.len());

    let queries = of("sql", |_| true);
    let page = pages.get("/queries", &asked).await;
    // Number and description of each are links.
    assert_eq!(
        page.text.matches("<a href=\"/query?").count(),
        2 * queries.len()
    );

    let set = of("environment", |row| row["section"] == "spark");
    let page = read(&pages.get("/configuration", &asked).await.text);
    assert!(
        page.contains(&format!("{} properties", set.len())),
        "{}",
        set.len()
    );
    for setting in &set {
        assert!(page.contains(&setting["key"]), "{}", setting["key"]);
    }
    let found = [
        ("id", id.as_str()),
        ("q", "EXECUTOR.MEMORY"),
        ("section", "all"),
    ];
    let found = read(&pages.get("/configuration", &found).await.text);
    assert!(found.contains("spark.executor.memory") && !found.contains("spark.app.name"));
    let defaults = [
        ("id", id.as_str()),
        ("section", "defaults"),
        ("q", "spark.sql.shuffle.partitions"),
    ];
    let defaults = read(&pages.get("/configuration", &defaults).await.text);
    assert!(
        defaults.contains("Each session can change it."),
        "{defaults}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_a_driver_in_local_mode_is_that_of_its_tasks() {
    let (lake, pages) = pages().await;
    let applications = rows(lake.as_ref(), "applications");
    let id = &named(&applications, "tiny-tasks")["application_id"];
    let durations = rows(lake.as_ref(), "tasks")
        .into_iter()
        .filter(|row| &row["application_id"] == id)
        .filter_map(|row| row.get("duration")?.parse::<i64>().ok());
    let worked = durations.sum::<i64>() as f64;
    // Spark gives a driver the run time of the application.
    let lived = rows(lake.as_ref(), "executors")
        .into_iter()
        .find(|row| &row["application_id"] == id && row["executor_id"] == "driver")
        .and_then(|row| row.get("total_duration")?.parse::<f64>().ok())
        .expect("a driver");
    let told = sparklake::publish::numbers::core_time;
    assert_ne!(told(worked), told(lived));
    let page = pages.get("/executors", &[("id", id)]).await;
    let text = read(&page.text);
    assert!(text.contains(&format!(" {} ", told(worked))), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_are_compared_or_offered() {
    let (lake, pages) = pages().await;
    let applications = rows(lake.as_ref(), "applications");
    let a = &named(&applications, "skewed-join")["application_id"];
    let b = &named(&applications, "tiny-tasks")["application_id"];
    let page = pages.get("/compare", &[("a", a), ("b", b)]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let text = read(&page.text);
    assert!(
        text.contains("These two runs have nothing in common"),
        "{text}"
    );
    assert!(text.contains("In numbers") && text.contains(a.as_str()));
    let one = pages.get("/compare", &[("b", b)]).await;
    assert_eq!(one.status, 200);
    assert!(
        read(&one.text).contains("run of tiny-tasks"),
        "{}",
        one.text
    );
    let same = pages.get("/compare", &[("a", a), ("b", a)]).await;
    assert_eq!(same.status, 404);
    assert!(same.text.contains("Both runs are"), "{}", same.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prediction_has_the_sizes_that_were_asked_for_and_wrong_ones_are_refused() {
    let (lake, pages) = pages().await;
    let applications = rows(lake.as_ref(), "applications");
    let run = named(&applications, "executor-loss");
    let id = run["application_id"].as_str();
    let page = pages
        .get("/whatif", &[("id", id), ("executors", "3,5..6")])
        .await;
    assert_eq!(page.status, 200, "{}", page.text);
    // What it ran with is there to compare.
    let ran = run["num_executors_max"].as_str();
    for size in ["3", "5", "6", ran] {
        let row = format!("<tr><th scope=\"row\" class=\"n\">{size}</th>");
        assert!(page.text.contains(&row), "{size}: {}", page.text);
    }
    let text = read(&page.text);
    assert!(text.contains("as it ran") && text.contains("Predicted run time by executors"));
    assert!(page.text.contains("type=\"range\""));
    for (field, value) in [
        ("executors", "0"),
        ("cores", "none"),
        ("memory", "1k"),
        ("data", "0"),
        ("deployment", "<b>moon</b>"),
        ("spot", "perhaps"),
    ] {
        let page = pages.get("/whatif", &[("id", id), (field, value)]).await;
        assert_eq!(page.status, 400, "{field}={value}: {}", page.text);
        assert!(read(&page.text).contains(value), "{field} is named");
        assert!(!page.text.contains("<b>moon"));
    }
    assert_eq!(pages.get("/whatif", &[("id", "nobody")]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_counts_what_was_loaded_and_names_what_was_not() {
    let (lake, pages) = pages().await;
    let sources = rows(lake.as_ref(), "ingest_sources");
    let of = |status: &str| {
        sources
            .iter()
            .filter(|row| row["status"] == status)
            .collect::<Vec<_>>()
    };
    let text = read(&pages.get("/", &[]).await.text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let seen = format!("Event logs seen {}", sources.len());
    assert!(text.contains(&seen), "{seen}");
    let whole = format!("Loaded in whole {}", of("loaded").len());
    assert!(text.contains(&whole), "{whole}");
    let partial = of("partial");
    assert!(!partial.is_empty());
    for row in partial {
        assert!(text.contains(&row["source_uri"]), "{}", row["source_uri"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sql_page_lists_the_views_that_need_no_join_before_the_tables() {
    let (_, pages) = pages().await;
    let text = pages.get("/sql", &[]).await.text;
    let place = |name: &str| {
        let link = format!("<a href=\"/sql?query=SELECT+*+FROM+{name}+LIMIT+20\">{name}</a>");
        text.find(&link).unwrap_or_else(|| panic!("no {name}"))
    };
    // The view of the query that the page begins with is among them.
    assert!(place("finding_details") < place("applications"));
    assert!(place("application_overview") < place("applications"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_addresses_get_a_page_that_says_what_is_wrong() {
    let (lake, pages) = pages().await;
    let applications = rows(lake.as_ref(), "applications");
    let id = named(&applications, "tiny-tasks")["application_id"].as_str();
    let not_there: [(&str, &[(&str, &str)]); 7] = [
        ("/stage", &[("id", id), ("stage", "99")]),
        (
            "/stage",
            &[("id", id), ("stage", "0"), ("stage_attempt", "7")],
        ),
        ("/query", &[("id", id), ("sql", "99")]),
        ("/executors", &[("id", "<i>nobody</i>")]),
        ("/configuration", &[("id", id), ("attempt", "9")]),
        ("/stages", &[("id", "nobody")]),
        ("/compare", &[("a", "nobody"), ("b", id)]),
    ];
    let mut linked = 0;
    for (path, query) in not_there {
        let page = pages.get(path, query).await;
        assert_eq!(page.status, 404, "{path} {query:?}");
        assert!(
            page.text.contains("<h1>Not in this lake</h1>"),
            "{}",
            page.text
        );
        assert!(!page.text.contains("<i>nobody"), "{}", page.text);
        // Where the page of the list is known, it is one click away.
        if let Some((_, rest)) = page.text.split_once(" are listed at ") {
            let address = rest.split(['.', '<']).next().unwrap_or_default();
            let link = format!("<a href=\"{address}\">Show them</a>");
            assert!(page.text.contains(&link), "{link}: {}", page.text);
            linked += 1;
        }
    }
    assert_eq!(linked, 3, "two stages and a query");
    let wrong: [(&str, &[(&str, &str)]); 6] = [
        ("/stage", &[("id", id)]),
        ("/stage", &[("id", id), ("stage", "x")]),
        ("/query", &[("id", id), ("sql", "0"), ("show", "<b>")]),
        ("/application", &[]),
        ("/applications", &[("page", "-1")]),
        ("/findings", &[("rank", "high")]),
    ];
    for (path, query) in wrong {
        let page = pages.get(path, query).await;
        assert_eq!(page.status, 400, "{path} {query:?}");
        assert!(
            page.text
                .contains("<h1>This address asks for something else</h1>"),
            "{}",
            page.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_log_says_is_text_on_every_page() {
    const EVIL: &str = "</title></svg><script>alert(1)</script>' onload='x";
    let context = TestContext::new();
    let log = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/logs/spark35/local-1795193760469"
    );
    let log = std::fs::read_to_string(log).expect("a log");
    let mut evil = log;
    for name in [
        "codec-none",
        "collect at ",
        "\"nodeName\":\"Exchange",
        "\"Host\":\"localhost",
        "*.sink.servlet.class",
    ] {
        assert!(evil.contains(name), "{name}");
        evil = evil.replace(name, &format!("{name}{EVIL}"));
    }
    std::fs::create_dir(context.path().join("logs")).expect("a folder");
    context.file("logs/app", &evil);
    let made = context.run(&["-q", "run", "--event-logs", "logs", "--lake", "lake"]);
    assert_eq!(made.code, 0, "{made:?}");
    let lake = context.path().join("lake").display().to_string();
    let id = rows(lake.as_ref(), "applications")[0]["application_id"].clone();
    let pages = Pages::of(&lake).await;
    let of: [(&str, &[(&str, &str)]); 9] = [
        ("/", &[]),
        ("/applications", &[]),
        ("/application", &[]),
        ("/stages", &[]),
        ("/stage", &[("stage", "0")]),
        ("/queries", &[]),
        ("/query", &[("sql", "0")]),
        ("/executors", &[]),
        ("/configuration", &[("section", "all")]),
    ];
    for (path, query) in of {
        let mut query = query.to_vec();
        query.push(("id", &id));
        let page = pages.get(path, &query).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(
            page.text.contains("&lt;script&gt;"),
            "{path} shows the name"
        );
        for markup in ["<script", "' onload", "</title></svg>"] {
            assert!(!page.text.contains(markup), "{path}: {markup}");
        }
    }
}
