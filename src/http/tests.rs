//! The parts of the client that need no server. Those that do are tested in `tests/it/http.rs`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use url::Url;

use super::cap::FailureCap;
use super::error::HttpError;
use super::redact::{Redactor, one_line};
use super::{ClientSettings, address, page, path_segment, retry};
use crate::redact::{MASK, strict as without_secrets};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn paths_are_joined_below_the_base_with_and_without_a_slash() {
    for base in ["https://h/gateway/spark", "https://h/gateway/spark/"] {
        let base = address::folder(&url(base)).unwrap();
        for path in ["api/v1/applications", "/api/v1/applications"] {
            assert_eq!(
                address::join(&base, path, &[("minDate", "2026-01-01 a&b".to_owned())])
                    .unwrap()
                    .as_str(),
                "https://h/gateway/spark/api/v1/applications?minDate=2026-01-01+a%26b"
            );
        }
    }
}

#[test]
fn an_id_stays_one_segment_of_the_path() {
    let base = address::folder(&url("http://h:18080")).unwrap();
    let path = format!("applications/{}/jobs", path_segment("a/b?c#d %ä"));
    assert_eq!(
        address::join(&base, &path, &[]).unwrap().as_str(),
        "http://h:18080/applications/a%2Fb%3Fc%23d%20%25%C3%A4/jobs"
    );
}

#[test]
fn a_path_does_not_climb_out_of_the_base() {
    let base = address::folder(&url("http://h/spark")).unwrap();
    for id in ["..", "%2E%2e", "."] {
        let path = format!("applications/{id}/jobs");
        assert!(address::join(&base, &path, &[]).is_err(), "{id}");
    }
}

#[test]
fn credentials_are_for_the_same_server_and_its_port_with_tls() {
    let from = url("http://h:18080/a");
    assert!(address::same_server(&from, &url("http://h:18080/b")));
    assert!(address::same_server(&from, &url("https://h:18480/b")));
    assert!(!address::same_server(&from, &url("http://h:18081/b")));
    assert!(!address::same_server(&from, &url("http://h.evil:18080/b")));
    assert!(!address::same_server(
        &url("https://h/a"),
        &url("http://h/a")
    ));
    assert!(address::same_server(
        &url("https://h/a"),
        &url("https://h:443/b")
    ));
}

#[test]
fn a_login_is_known_by_its_path_unless_the_base_is_called_so() {
    let asked = url("https://h/gateway/sso/api/v1/applications");
    assert!(address::leads_to_login(
        &asked,
        &url("https://h/login.html")
    ));
    assert!(address::leads_to_login(&asked, &url("https://h/oauth2/x")));
    assert!(!address::leads_to_login(
        &asked,
        &url("https://h/gateway/sso/history/applications")
    ));
}

#[test]
fn what_looks_like_a_secret_is_masked() {
    for (text, masked) in [
        (
            "GET https://user:pw@h/p/a?X-Amz-Signature=abc&x=1 failed",
            "GET https://{}@h/p/a?{} failed",
        ),
        (
            r#"{"access_token":"abc.def","expires_in":3600}"#,
            r#"{"access_token":"{}","expires_in":3600}"#,
        ),
        ("Authorization: Bearer abc1", "Authorization: Bearer {}"),
        ("password=hunter2&user=me", "password={}&user=me"),
        ("token = 'abc1'", "token = '{}'"),
        ("/sql?token=abc1 not found", "/sql?token={} not found"),
        ("eyJhbGciOiJIUzI1NiJ9.payload", "{}"),
        (
            "dapi0123456789abcdef0123456789abcdef is no token",
            "{} is no token",
        ),
    ] {
        assert_eq!(without_secrets(text), masked.replace("{}", MASK));
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "no such app: application_1700000000000_0001",
        "container_1700000000000_0001_01_000001 was killed",
        "RequestId: 0d1e7f2c-4a5b-4c6d-8e9f-0a1b2c3d4e5f",
        "org.apache.spark.sql.execution.datasources.v2.DataSourceV2ScanRelation",
        "The security token included in the request is expired",
        "https://h:18080/api/v1/applications/app-20240101120000-0000",
    ] {
        assert_eq!(without_secrets(text), text);
    }
}

#[test]
fn known_secrets_are_masked_wherever_they_stand() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer short1"),
        ("cookie", "a=first; b=\"second\""),
        ("x-key", "third"),
    ] {
        let mut value = HeaderValue::from_static(value);
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.insert("accept", HeaderValue::from_static("plain"));
    let redactor = Redactor::new(
        &headers,
        &url("https://h/?sig=fourth&status=running"),
        &["fifth".to_owned()],
    );
    assert_eq!(
        redactor.line("short1 first second third fourth fifth plain running", 200),
        "{} {} {} {} {} {} plain running".replace("{}", MASK)
    );
}

#[test]
fn texts_of_others_are_one_line_of_bounded_length() {
    assert_eq!(one_line(" a\n\tb\u{1b}[31mc \u{0}", 100), "a b [31mc");
    assert_eq!(one_line("äöüäöü", 3), "äöü…");
}

#[test]
fn pages_are_known_by_type_and_by_beginning() {
    assert!(page::is_page("text/html; charset=utf-8", b"{}"));
    assert!(page::is_page(
        "application/json",
        b"\xEF\xBB\xBF \n<!doctype html>"
    ));
    assert!(!page::is_page("application/json", b" [1]"));
    assert_eq!(
        page::title(b"<HTML><TITLE lang=en> Sign in </TITLE>").as_deref(),
        Some("Sign in")
    );
    assert_eq!(
        page::title(b"<title>never closed").as_deref(),
        Some("never closed")
    );
    assert_eq!(page::title(b"<title"), None);
    assert!(page::asks_for_login(b"<title>Sign in</title>"));
    assert!(page::asks_for_login(b"<input TYPE=\"password\">"));
    assert!(!page::asks_for_login(b"<title>History Server</title>"));
    assert!(page::is_loading(b"<p>Loading historical Spark UI</p>"));
}

#[test]
fn a_server_asks_for_a_wait_in_seconds_or_until_a_time() {
    let now: DateTime<Utc> = "1994-11-06T08:49:30Z".parse().unwrap();
    let asked = |text: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
        retry::retry_after(&headers, now)
    };
    assert_eq!(asked("120"), Some(Duration::from_secs(120)));
    assert_eq!(
        asked("Sun, 06 Nov 1994 08:49:37 GMT"),
        Some(Duration::from_secs(7))
    );
    assert_eq!(asked("Sun, 06 Nov 1994 08:49:00 GMT"), Some(Duration::ZERO));
    assert_eq!(asked("soon"), None);
}

#[test]
fn waits_double_up_to_the_longest_and_respect_the_server() {
    let mut settings = ClientSettings::new(url("http://h"));
    settings.http.first_delay = Duration::from_secs(1);
    settings.http.max_delay = Duration::from_secs(10);
    let delays: Vec<_> = retry::delays(&settings.http).take(8).collect();
    for (number, delay) in delays.iter().enumerate() {
        let least = Duration::from_secs(1 << number.min(3)).min(settings.http.max_delay);
        assert!(
            *delay >= least && *delay <= settings.http.max_delay,
            "{delays:?}"
        );
    }
    let second = Duration::from_secs(1);
    assert_eq!(retry::wait(second, None, &settings.http), second);
    assert_eq!(
        retry::wait(second, Some(second * 5), &settings.http),
        second * 6
    );
    assert_eq!(
        retry::wait(second, Some(second * 3_600), &settings.http),
        settings.http.max_delay
    );
}

#[test]
fn a_cap_of_nothing_never_gives_up() {
    let cap = FailureCap::new(0);
    for _ in 0..10 {
        cap.note::<()>(
            "jobs",
            &Err(HttpError::Timeout {
                url: "GET http://h/".to_owned(),
                message: "late".to_owned(),
                cure: "wait".to_owned(),
            }),
        );
    }
    assert!(cap.check("jobs").is_ok());
}

#[test]
fn no_setting_shows_a_secret() {
    let mut settings = ClientSettings::new(url("https://me:MARKER@h/?t=MARKER"));
    settings.http.auth = super::Auth::Bearer(super::Secret::new("MARKER"));
    settings.http.cookies = Some(super::Secret::new("a=MARKER"));
    settings.http.headers = vec![("x-key".to_owned(), super::Secret::new("MARKER"))];
    let session = super::Session {
        visit: Some(super::Secret::new("https://h/MARKER")),
        base: Some(url("https://me:MARKER@h/?t=MARKER")),
        auth: Some(settings.http.auth.clone()),
    };
    assert!(!format!("{settings:?}{session:?}").contains("MARKER"));
    let error = super::Client::new(settings).unwrap_err();
    assert_eq!(error.code(), "SETTINGS");
    assert!(!format!("{error}{error:?}").contains("MARKER"));
}
