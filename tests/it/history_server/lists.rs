//! Which applications of a server are wanted, and what a driver is taken for.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sparklake::discover::history_server::{ServerPlace, applications, check, discover};
use sparklake::discover::{CheckOutcome, Content, Window};
use sparklake::http::Client;
use sparklake::model::{Platform, ServerAccess};
use tokio::runtime::Runtime;

use super::collected::{extract_one, histories, runtime, source};
use crate::doubles::history_server::{Attempt, Double, Fault, START};

fn at(offset_ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(START + offset_ms)
}

#[test]
fn completed_applications_are_wanted_by_their_end() {
    let runtime = runtime();
    let served = runtime.block_on(Double::small().serve());
    let source = source(&served.url, ServerAccess::default());
    for (since, until, expected) in [
        (at(60_000), None, 1),
        (at(60_001), None, 0),
        (None, at(60_000), 0),
        (at(0), at(60_001), 1),
    ] {
        let window = Window { since, until };
        let found = runtime.block_on(discover(&source, &window, false, Some(3)));
        assert_eq!(
            found.expect("a list").histories.len(),
            expected,
            "{window:?}"
        );
    }
    let last = served
        .requests()
        .into_iter()
        .rfind(|request| request.contains("completed"));
    let last = last.expect("a request");
    for part in [
        "minEndDate=2026-11-20T10%3A00%3A00.000GMT",
        "maxEndDate=2026-11-20T10%3A01%3A00.001GMT",
        "limit=3",
    ] {
        assert!(last.contains(part), "{last}");
    }
}

#[test]
fn a_live_driver_is_read_over_rest_and_is_always_new() {
    let mut double = Double::small();
    double.attempts = vec![Attempt {
        id: None,
        start: START,
        end: None,
        last_updated: START,
    }];
    let runtime = runtime();
    let served = runtime.block_on(double.serve());
    let source = source(&served.url, ServerAccess::default());
    let without_running = runtime.block_on(discover(&source, &Window::default(), false, None));
    assert_eq!(without_running.expect("a list").histories.len(), 0);
    let found = histories(&runtime, &source);
    let [driver] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(driver.in_progress());
    let Content::Server(application) = &driver.content else {
        panic!("{driver:?}");
    };
    assert_eq!(application.access, ServerAccess::RestOnly);
    // A driver repeats its start here, and would seem never to change.
    assert!(application.last_updated > application.start_time);
    let (rows, extraction) = extract_one(runtime.handle(), driver).expect("rows");
    assert!(!extraction.complete && !extraction.truncated);
    let application = rows.only("applications");
    assert_eq!(application.get("completed"), Some(&false.into()));
    assert_eq!(application.get("end_time"), None);
    assert_eq!(rows.count("tasks"), 5);
}

/// The fingerprint of a double's application, under a name that stays whatever its address.
fn fingerprint(runtime: &Runtime, end: Option<i64>, last_updated: i64) -> String {
    let mut double = Double::small();
    double.attempts[0].end = end;
    double.attempts[0].last_updated = last_updated;
    let served = runtime.block_on(double.serve());
    let settings = source(&served.url, ServerAccess::default()).client;
    let client = Arc::new(Client::new(settings).expect("a client"));
    let place = ServerPlace {
        platform: Platform::Emr,
        cluster_id: "j-1".to_owned(),
        cluster_name: "nightly".to_owned(),
        uri_prefix: "arn:aws:elasticmapreduce:eu-west-1:1:cluster/j-1".to_owned(),
    };
    let window = Window::default();
    let found = runtime.block_on(applications(&client, &place, &window, true, None));
    let found = found.expect("a list");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].platform, Platform::Emr);
    assert_eq!(
        found[0].uri(),
        format!("{}/applications/local-1", place.uri_prefix)
    );
    found[0].fingerprint()
}

#[test]
fn only_what_runs_is_new_when_its_server_looked_again() {
    let runtime = runtime();
    let end = Some(START + 60_000);
    let completed = fingerprint(&runtime, end, START + 61_000);
    assert_eq!(completed, fingerprint(&runtime, end, START + 99_000));
    let running = fingerprint(&runtime, None, START + 61_000);
    assert_ne!(running, fingerprint(&runtime, None, START + 99_000));
    assert_ne!(running, completed);
}

#[test]
fn doctor_sees_the_version_and_the_list_or_says_what_to_do() {
    let runtime = runtime();
    let served = runtime.block_on(Double::small().serve());
    let checks = runtime.block_on(check(&source(&served.url, ServerAccess::default())));
    let passed: Vec<_> = checks.iter().map(|check| &check.outcome).collect();
    assert_eq!(*passed[0], CheckOutcome::Passed("Spark 4.0.1".to_owned()));
    assert!(matches!(passed[1], CheckOutcome::Passed(_)), "{checks:?}");
    let nobody = "http://127.0.0.1:1/".parse().expect("a URL");
    let checks = runtime.block_on(check(&source(&nobody, ServerAccess::default())));
    assert_eq!(checks.len(), 2);
    for check in checks {
        let CheckOutcome::Failed { problem, cure } = check.outcome else {
            panic!("{check:?}");
        };
        assert!(problem.contains("127.0.0.1:1"), "{problem}");
        assert!(!cure.is_empty(), "{problem}");
    }
}

#[test]
fn a_list_that_cannot_be_had_is_an_error_with_its_call() {
    let runtime = runtime();
    let served = runtime.block_on(Double::small().with_fault("", Fault::Status(500)).serve());
    let mut wrong = source(&served.url, ServerAccess::default());
    wrong.client.base = served.url.join("not/here/").expect("a URL");
    let error = runtime
        .block_on(discover(&wrong, &Window::default(), false, None))
        .expect_err("404");
    assert_eq!(error.code(), "HTTP_404");
    assert!(error.to_string().contains("api/v1/applications"), "{error}");
}
