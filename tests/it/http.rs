//! The HTTP client against servers that behave badly.

#![expect(
    clippy::unwrap_used,
    reason = "a double that does not come up fails its test"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use serde_json::{Value, json};
use sparklake::http::{
    Auth, Client, ClientSettings, HttpError, Login, LoginError, Secret, Session,
};
use tokio::net::TcpStream;
use url::Url;

/// A request as a double has received it.
#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// All that the request said, as a careless server puts it into its answers.
    fn echo(&self) -> String {
        format!(
            "{} {} {:?} {}",
            self.method, self.uri, self.headers, self.body
        )
    }
}

/// A server that answers as a test wants it to.
struct Double {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Double {
    /// `answer` gets every request and how many came before it.
    async fn start(
        answer: impl Fn(&Seen, usize) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::slow(Duration::ZERO, answer).await
    }

    /// The same, after a while.
    async fn slow(
        pause: Duration,
        answer: impl Fn(&Seen, usize) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let router = router(Arc::clone(&seen), pause, answer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, seen }
    }

    fn base(&self) -> Url {
        Url::parse(&format!("http://{}/", self.address)).unwrap()
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn hits(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

fn router(
    seen: Arc<Mutex<Vec<Seen>>>,
    pause: Duration,
    answer: impl Fn(&Seen, usize) -> Response + Clone + Send + Sync + 'static,
) -> Router {
    Router::new().fallback(move |request: Request<Body>| {
        let (seen, answer) = (Arc::clone(&seen), answer.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let request = Seen {
                method: head.method,
                uri: head.uri,
                headers: head.headers,
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let before = {
                let mut seen = seen.lock().unwrap();
                seen.push(request.clone());
                seen.len() - 1
            };
            tokio::time::sleep(pause).await;
            answer(&request, before)
        }
    })
}

/// A server below HTTP: it writes `answers` as they are, one a connection, and then hangs up; for
/// `None` it keeps silent.
struct RawDouble {
    base: Url,
    connections: Arc<AtomicUsize>,
}

impl RawDouble {
    fn start(answers: Vec<Option<Vec<u8>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let _ = connection.read(&mut [0; 8_192]);
                match answers.get(number).or(answers.last()).unwrap() {
                    Some(answer) => connection.write_all(answer).unwrap(),
                    None => silent.push(connection),
                }
            }
        });
        Self { base, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn raw_answer(length: usize, body: &str) -> Option<Vec<u8>> {
    Some(
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
        .into_bytes(),
    )
}

/// Patient enough for a busy machine, and with waits that a test does not notice.
fn settings(base: &Url) -> ClientSettings {
    let mut settings = ClientSettings::new(base.clone());
    settings.http.first_delay = Duration::from_millis(1);
    settings.http.max_delay = Duration::from_millis(10);
    settings.http.loading_delay = Duration::from_millis(5);
    settings.http.attempts = 3;
    settings
}

fn client(base: &Url) -> Client {
    Client::new(settings(base)).unwrap()
}

async fn get(client: &Client, path: &str) -> Result<Value, HttpError> {
    client.get_json("applications", path, &[]).await
}

fn status(status: u16, body: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.to_owned()).into_response()
}

fn with_header(mut response: Response, name: &'static str, value: &str) -> Response {
    response
        .headers_mut()
        .insert(HeaderName::from_static(name), value.parse().unwrap());
    response
}

fn ok() -> Response {
    axum::Json(json!({"ok": true})).into_response()
}

fn html(page: &str) -> Response {
    axum::response::Html(page.to_owned()).into_response()
}

fn redirect(to: &str) -> Response {
    with_header(status(302, ""), "location", to)
}

#[tokio::test]
async fn requests_carry_what_the_settings_say() {
    let double = Double::start(|_, _| ok()).await;
    let mut settings = settings(&double.base().join("gateway/spark").unwrap());
    settings.http.auth = Auth::Basic {
        username: "me".to_owned(),
        password: Secret::new("pass"),
    };
    settings.http.cookies = Some(Secret::new("a=1"));
    settings.http.headers = vec![("x-proxy".to_owned(), Secret::new("yes"))];
    let client = Client::new(settings).unwrap();
    let answer: Value = client
        .get_json(
            "jobs",
            "api/v1/applications",
            &[("status", "a b".to_owned())],
        )
        .await
        .unwrap();
    assert_eq!(answer, json!({"ok": true}));
    let seen = &double.seen()[0];
    assert_eq!(
        seen.uri.to_string(),
        "/gateway/spark/api/v1/applications?status=a+b"
    );
    assert_eq!(seen.header("authorization"), "Basic bWU6cGFzcw==");
    assert_eq!(seen.header("cookie"), "a=1");
    assert_eq!(seen.header("x-proxy"), "yes");
    assert_eq!(seen.header("accept"), "application/json");
    assert_eq!(client.address(), format!("{}gateway/spark/", double.base()));
}

#[tokio::test]
async fn json_is_posted() {
    let double = Double::start(|seen, _| {
        axum::Json(json!({"method": seen.method.as_str(), "body": seen.body})).into_response()
    })
    .await;
    let answer: Value = client(&double.base())
        .post_json("runs", "api/2.2/jobs/runs", &json!({"limit": 1}))
        .await
        .unwrap();
    assert_eq!(answer, json!({"method": "POST", "body": "{\"limit\":1}"}));
}

#[tokio::test]
async fn what_may_pass_is_asked_again() {
    for busy in [408, 425, 429, 500, 502, 503, 504] {
        let double = Double::start(move |_, before| match before {
            0 | 1 => with_header(status(busy, "busy"), "retry-after", "0"),
            _ => ok(),
        })
        .await;
        let client = client(&double.base());
        get(&client, "a").await.unwrap();
        assert_eq!(double.hits(), 3, "{busy}");
        assert_eq!(client.requests_sent(), 3);
    }
}

#[tokio::test]
async fn attempts_end_and_the_last_answer_is_told() {
    let double = Double::start(|_, _| status(500, "java.lang.OutOfMemoryError\n\tat x")).await;
    let error = get(&client(&double.base()), "a").await.unwrap_err();
    assert_eq!(double.hits(), 3);
    assert_eq!(error.code(), "HTTP_500");
    assert_eq!(error.status(), Some(500));
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(
        text.starts_with(&format!(
            "GET {}a answered 500: java.lang.OutOfMemoryError at x; ",
            double.base()
        )),
        "{text}"
    );
}

#[tokio::test]
async fn what_does_not_pass_is_asked_once() {
    for refused in [400, 401, 403, 404, 405, 410, 422] {
        let double = Double::start(move |_, _| status(refused, "no")).await;
        let error = get(&client(&double.base()), "a").await.unwrap_err();
        assert_eq!(double.hits(), 1, "{refused}");
        assert_eq!(error.code(), format!("HTTP_{refused}"));
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_long_retry_after_is_cut_or_ends_the_request() {
    let double = Double::start(|_, before| match before {
        0 => with_header(status(429, ""), "retry-after", "86400"),
        _ => ok(),
    })
    .await;
    // Up to `max_delay` …
    get(&client(&double.base()), "a").await.unwrap();
    assert_eq!(double.hits(), 2);

    // … and a wait that the deadline does not allow is not begun.
    let double = Double::start(|_, _| {
        with_header(
            status(429, ""),
            "retry-after",
            "Fri, 01 Jan 2100 00:00:00 GMT",
        )
    })
    .await;
    let mut settings = settings(&double.base());
    settings.http.max_delay = Duration::from_secs(86_400);
    settings.http.request_deadline = Duration::from_secs(3_600);
    let error = get(&Client::new(settings).unwrap(), "a").await.unwrap_err();
    assert_eq!(error.code(), "HTTP_429");
    assert_eq!(double.hits(), 1);
}

#[tokio::test]
async fn errors_in_json_are_told_with_their_code() {
    let double = Double::start(|_, _| {
        let body = json!({"error_code": "PERMISSION_DENIED", "message": "not yours"});
        (StatusCode::FORBIDDEN, axum::Json(body)).into_response()
    })
    .await;
    let error = get(&client(&double.base()), "a").await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("403: PERMISSION_DENIED: not yours"),
        "{error}"
    );
}

#[tokio::test]
async fn kerberos_is_named() {
    let double =
        Double::start(|_, _| with_header(status(401, ""), "www-authenticate", "Negotiate")).await;
    let error = get(&client(&double.base()), "a").await.unwrap_err();
    assert!(error.to_string().contains("Kerberos"), "{error}");
}

#[tokio::test]
async fn a_hanging_server_times_out() {
    let double = RawDouble::start(vec![None]);
    let mut settings = settings(&double.base);
    settings.http.read_timeout = Duration::from_millis(100);
    settings.http.attempts = 2;
    let error = get(&Client::new(settings).unwrap(), "a").await.unwrap_err();
    assert_eq!(error.code(), "TIMEOUT");
    assert!(error.to_string().contains("within 100ms"), "{error}");
    assert_eq!(double.connections(), 2);
}

#[tokio::test]
async fn the_deadline_holds_over_everything() {
    let double = RawDouble::start(vec![None]);
    let mut settings = settings(&double.base);
    settings.http.request_deadline = Duration::from_millis(100);
    let error = get(&Client::new(settings).unwrap(), "a").await.unwrap_err();
    assert_eq!(error.code(), "TIMEOUT");
    assert!(error.to_string().contains("deadline of 100ms"), "{error}");
    assert_eq!(double.connections(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_in_the_middle_times_out() {
    let stalls = Double::start(|_, _| {
        let begun = futures::stream::iter([Ok::<_, std::io::Error>("{\"ok\": ")]);
        let stream = futures::StreamExt::chain(begun, futures::stream::pending());
        Body::from_stream(stream).into_response()
    })
    .await;
    let mut settings = settings(&stalls.base());
    settings.http.read_timeout = Duration::from_millis(100);
    settings.http.attempts = 1;
    let error = get(&Client::new(settings).unwrap(), "a").await.unwrap_err();
    assert_eq!(error.code(), "TIMEOUT");
    assert!(error.to_string().contains("after 7 bytes"), "{error}");
}

#[tokio::test]
async fn a_closed_port_is_a_connection_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let client = client(&base);
    let error = get(&client, "a").await.unwrap_err();
    assert_eq!(error.code(), "CONNECTION_ERROR");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(error.is_retryable());
    assert_eq!(client.requests_sent(), 3);
}

#[tokio::test]
async fn an_unknown_host_is_named_as_such() {
    // Longer than a name may be: no resolver asks anybody.
    let base = Url::parse(&format!("http://{}.invalid/", "a".repeat(70))).unwrap();
    let error = get(&client(&base), "a").await.unwrap_err();
    assert_eq!(error.code(), "DNS");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_again() {
    let body = "{\"ok\": true}";
    let double = RawDouble::start(vec![
        raw_answer(body.len(), "{\"ok\":"),
        raw_answer(body.len(), body),
    ]);
    let client = client(&double.base);
    assert_eq!(get(&client, "a").await.unwrap(), json!({"ok": true}));
    assert_eq!(double.connections(), 2);

    let double = RawDouble::start(vec![raw_answer(100, "{\"ok\":")]);
    let error = get(&self::client(&double.base), "a").await.unwrap_err();
    assert_eq!(error.code(), "TRUNCATED");
    assert_eq!(double.connections(), 3);
}

#[tokio::test]
async fn json_that_ends_in_its_middle_is_asked_again() {
    let double = Double::start(|_, before| match before {
        0 => status(200, ""),
        1 => status(200, "[{\"id\": 1}, {\"id\""),
        _ => status(200, "[{\"id\": 1}]"),
    })
    .await;
    assert_eq!(
        get(&client(&double.base()), "a").await.unwrap(),
        json!([{"id": 1}])
    );
    assert_eq!(double.hits(), 3);
}

#[tokio::test]
async fn answers_of_the_wrong_shape_are_asked_for_once() {
    for (body, code) in [
        ("{\"id\": 1}", "INVALID_JSON"),
        ("[1, 2", "INVALID_JSON"),
        ("no such app", "NOT_JSON"),
    ] {
        let double = Double::start(move |_, _| status(200, body)).await;
        let error = client(&double.base())
            .get_json::<Vec<String>>("jobs", "a", &[])
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(double.hits(), 1);
    }
}

#[tokio::test]
async fn deep_nesting_is_refused_without_harm() {
    let double = Double::start(|_, _| status(200, &"[".repeat(1 << 20))).await;
    let error = get(&client(&double.base()), "a").await.unwrap_err();
    assert_eq!(error.code(), "INVALID_JSON");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_text_is_read() {
    let plan = "x".repeat(3 << 20);
    let body = json!({"planDescription": plan}).to_string();
    let double = Double::start(move |_, _| status(200, &body)).await;
    let answer = get(&client(&double.base()), "a").await.unwrap();
    assert_eq!(answer["planDescription"].as_str().unwrap().len(), 3 << 20);
}

#[tokio::test]
async fn a_page_is_not_taken_for_data() {
    let double =
        Double::start(|_, _| html("<html><title>Acme\n \u{1b}[31mPortal</title><p>Welcome</html>"))
            .await;
    let error = get(&client(&double.base()), "a").await.unwrap_err();
    assert_eq!(error.code(), "NOT_JSON");
    assert!(error.to_string().contains("“Acme [31mPortal”"), "{error}");
    assert_eq!(double.hits(), 1);

    let double = Double::start(|_, _| html("<form><input type=\"password\"></form>")).await;
    let error = get(&client(&double.base()), "a").await.unwrap_err();
    assert_eq!(error.code(), "LOGIN_PAGE");
    assert!(error.to_string().contains("cookies"), "{error}");
}

#[tokio::test]
async fn a_history_that_loads_is_waited_for() {
    let double = Double::start(|_, before| match before {
        0 => html("<h1>Loading historical Spark UI</h1>"),
        1 => status(200, "Loading historical Spark UI ..."),
        2 => status(503, "Loading Historical Spark UI"),
        _ => ok(),
    })
    .await;
    let mut patient = settings(&double.base());
    patient.http.attempts = 1;
    get(&Client::new(patient).unwrap(), "a").await.unwrap();
    assert_eq!(double.hits(), 4);

    let double = Double::start(|_, _| html("Loading historical Spark UI")).await;
    let mut hurried = settings(&double.base());
    hurried.http.loading_delay = Duration::from_secs(60);
    hurried.http.request_deadline = Duration::from_secs(30);
    let error = get(&Client::new(hurried).unwrap(), "a").await.unwrap_err();
    assert_eq!(error.code(), "LOADING");
    assert!(error.is_retryable());
    assert_eq!(double.hits(), 1);
}

#[tokio::test]
async fn redirects_on_the_server_are_followed_with_cookies() {
    let double = Double::start(|seen, _| match seen.uri.path() {
        "/a" => with_header(redirect("/history/b"), "set-cookie", "s=1; Path=/"),
        _ => ok(),
    })
    .await;
    let mut settings = settings(&double.base());
    settings.http.auth = Auth::Bearer(Secret::new("token"));
    settings.http.cookies = Some(Secret::new("given=2;"));
    get(&Client::new(settings).unwrap(), "a").await.unwrap();
    let second = &double.seen()[1];
    assert_eq!(second.uri.path(), "/history/b");
    assert_eq!(second.header("cookie"), "given=2; s=1");
    assert_eq!(second.header("authorization"), "Bearer token");
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let double = Double::start(|_, _| redirect("/a")).await;
    let error = get(&client(&double.base()), "a").await.unwrap_err();
    assert_eq!(error.code(), "HTTP_302");
    assert_eq!(double.hits(), 11);
}

#[tokio::test]
async fn another_server_gets_nothing() {
    let other = Double::start(|_, _| ok()).await;
    let target = other.base().join("collect?token=MARKER").unwrap();
    let double = Double::start(move |_, _| redirect(target.as_str())).await;
    let mut settings = settings(&double.base());
    settings.http.auth = Auth::Bearer(Secret::new("token"));
    let error = get(&Client::new(settings).unwrap(), "a").await.unwrap_err();
    assert_eq!(error.code(), "LOGIN_PAGE");
    assert!(error.to_string().contains(&other.address.to_string()));
    assert!(!error.to_string().contains("MARKER"));
    assert_eq!((double.hits(), other.hits()), (1, 0));
}

#[tokio::test]
async fn a_redirect_to_a_login_page_is_told() {
    let double = Double::start(|_, _| redirect("/login?next=/a")).await;
    let error = get(&client(&double.base()), "a").await.unwrap_err();
    assert_eq!(error.code(), "LOGIN_PAGE");
    assert!(error.to_string().contains("/login;"), "{error}");
    assert_eq!(double.hits(), 1);
}

#[tokio::test]
async fn what_keeps_failing_is_not_asked_any_more() {
    let double = Double::start(|seen, _| match seen.uri.path() {
        "/stages" => status(500, "broken"),
        _ => ok(),
    })
    .await;
    let client = client(&double.base());
    for _ in 0..3 {
        let error = client
            .get_json::<Value>("stages", "stages", &[])
            .await
            .unwrap_err();
        assert_eq!(error.code(), "HTTP_500");
    }
    assert_eq!(double.hits(), 9);
    for _ in 0..5 {
        let error = client
            .get_json::<Value>("stages", "stages", &[])
            .await
            .unwrap_err();
        assert!(
            matches!(
                &error,
                HttpError::GivenUp { endpoint: "stages", failures: 3, last }
                    if last.code() == "HTTP_500"
            ),
            "{error:?}"
        );
        assert_eq!(error.code(), "GIVEN_UP");
    }
    assert_eq!(double.hits(), 9);
    // Another kind is not to blame.
    get(&client, "applications").await.unwrap();
    assert_eq!(double.hits(), 10);
}

#[tokio::test]
async fn requests_that_wait_for_their_turn_are_given_up_too() {
    let double = Double::start(|_, _| status(500, "broken")).await;
    let mut settings = settings(&double.base());
    settings.http.concurrency = 1;
    settings.http.attempts = 1;
    let client = Client::new(settings).unwrap();
    let outcomes = join_all((0..10).map(|_| get(&client, "a"))).await;
    assert!(outcomes.iter().all(Result::is_err));
    assert_eq!(double.hits(), 3);
}

#[tokio::test]
async fn a_success_forgives_and_a_404_is_an_answer() {
    let double = Double::start(|seen, before| match seen.uri.path() {
        "/missing" => status(404, "no such app"),
        _ if before % 3 == 2 => ok(),
        _ => status(400, "no"),
    })
    .await;
    let client = client(&double.base());
    for request in 0..9 {
        assert_eq!(get(&client, "a").await.is_ok(), request % 3 == 2);
    }
    for _ in 0..9 {
        let error = get(&client, "missing").await.unwrap_err();
        assert_eq!(error.status(), Some(404));
    }
    assert_eq!(double.hits(), 18);
}

#[tokio::test]
async fn requests_under_way_are_bounded() {
    let under_way = Arc::new(Mutex::new((0_usize, 0_usize)));
    let counter = Arc::clone(&under_way);
    let router = Router::new().fallback(move || {
        let counter = Arc::clone(&counter);
        async move {
            {
                let mut counts = counter.lock().unwrap();
                counts.0 += 1;
                counts.1 = counts.1.max(counts.0);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            counter.lock().unwrap().0 -= 1;
            ok()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut settings = settings(&base);
    settings.http.concurrency = 2;
    let client = Client::new(settings).unwrap();
    for outcome in join_all((0..8).map(|_| get(&client, "a"))).await {
        outcome.unwrap();
    }
    assert_eq!(under_way.lock().unwrap().1, 2);
}

#[tokio::test]
async fn answers_larger_than_allowed_are_refused() {
    for compressed in [false, true] {
        let double = Double::start(move |_, _| {
            let text = json!(["x".repeat(100_000)]).to_string();
            if !compressed {
                return status(200, &text);
            }
            with_header(
                gzip(text.as_bytes()).into_response(),
                "content-encoding",
                "gzip",
            )
        })
        .await;
        let mut small = settings(&double.base());
        small.http.max_answer_bytes = 10_000;
        let error = get(&Client::new(small).unwrap(), "a").await.unwrap_err();
        assert_eq!(error.code(), "TOO_LARGE");
        assert_eq!(double.hits(), 1);
        let answer = get(&client(&double.base()), "a").await.unwrap();
        assert_eq!(answer[0].as_str().unwrap().len(), 100_000);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn download(client: &Client, max_bytes: u64) -> (Vec<u8>, Result<u64, HttpError>) {
    let mut into = Vec::new();
    let restart = |into: &mut Vec<u8>| {
        into.clear();
        Ok(())
    };
    let outcome = client
        .download("logs", "logs", &mut into, restart, max_bytes)
        .await;
    (into, outcome)
}

#[tokio::test]
async fn a_download_that_breaks_off_begins_anew() {
    let double = RawDouble::start(vec![
        raw_answer(10, "01234"),
        Some(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()),
        raw_answer(10, "abcdefghij"),
    ]);
    let (into, outcome) = download(&client(&double.base), 100).await;
    assert_eq!(
        (outcome.unwrap(), into.as_slice()),
        (10, &b"abcdefghij"[..])
    );
    assert_eq!(double.connections(), 3);
}

#[tokio::test]
async fn a_download_is_bounded_with_and_without_a_promise() {
    let double = Double::start(|_, before| {
        if before == 0 {
            status(200, "0123456789")
        } else {
            let pieces = ["01234", "56789"].map(Ok::<_, std::io::Error>);
            Body::from_stream(futures::stream::iter(pieces)).into_response()
        }
    })
    .await;
    let client = client(&double.base());
    for _ in 0..2 {
        let (into, outcome) = download(&client, 9).await;
        assert_eq!(outcome.unwrap_err().code(), "TOO_LARGE");
        assert!(into.len() < 10);
    }
    let (into, outcome) = download(&client, 10).await;
    assert_eq!((outcome.unwrap(), into.len()), (10, 10));
}

#[tokio::test]
async fn a_download_takes_longer_than_the_deadline_while_bytes_come() {
    let double = Double::start(|_, _| {
        let pieces = futures::stream::unfold(0, async |sent| {
            tokio::time::sleep(Duration::from_millis(60)).await;
            (sent < 10).then_some((Ok::<_, std::io::Error>("x"), sent + 1))
        });
        Body::from_stream(pieces).into_response()
    })
    .await;
    let mut settings = settings(&double.base());
    settings.http.request_deadline = Duration::from_millis(500);
    let (_, outcome) = download(&Client::new(settings).unwrap(), 100).await;
    assert_eq!(outcome.unwrap(), 10);
}

#[tokio::test]
async fn a_download_of_a_page_is_none() {
    let double = Double::start(|_, before| match before {
        0 => html("Loading historical Spark UI"),
        1 => status(200, "Loading historical Spark UI"),
        _ => html("<title>Portal</title>"),
    })
    .await;
    let (into, outcome) = download(&client(&double.base()), 1 << 20).await;
    assert_eq!(outcome.unwrap_err().code(), "NOT_JSON");
    assert!(into.is_empty());
    assert_eq!(double.hits(), 3);
}

#[tokio::test]
async fn a_full_disk_is_not_the_servers_fault() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let double = Double::start(|_, _| status(200, "bytes")).await;
    let client = client(&double.base());
    for _ in 0..5 {
        let error = client
            .download("logs", "logs", &mut Full, |_| Ok(()), 100)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "WRITE");
    }
    assert_eq!(double.hits(), 5);
}

/// Makes the session of a number.
type Make = Box<dyn Fn(usize) -> Result<Session, LoginError> + Send + Sync>;

/// Gives one session after the other, and counts them.
struct Sessions {
    made: AtomicUsize,
    make: Make,
}

impl Sessions {
    fn new(
        make: impl Fn(usize) -> Result<Session, LoginError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            made: AtomicUsize::new(0),
            make: Box::new(make),
        })
    }

    /// Sessions with the bearer tokens `token-1`, `token-2` and so on.
    fn of_tokens() -> Arc<Self> {
        Self::new(|number| {
            Ok(Session {
                auth: Some(Auth::Bearer(Secret::new(format!("token-{number}")))),
                ..Session::default()
            })
        })
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sessions")
    }
}

#[async_trait]
impl Login for Sessions {
    async fn log_in(&self) -> Result<Session, LoginError> {
        let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        (self.make)(number)
    }
}

#[tokio::test]
async fn an_expired_session_is_renewed_once_for_all_requests() {
    for refusal in [401, 403, 302] {
        let valid = Arc::new(AtomicUsize::new(1));
        let at_server = Arc::clone(&valid);
        let double = Double::slow(Duration::from_millis(10), move |seen, _| {
            let valid = at_server.load(Ordering::SeqCst);
            if seen.header("authorization") == format!("Bearer token-{valid}") {
                return ok();
            }
            match refusal {
                302 => redirect("https://idp.example/login?next=x"),
                _ => status(refusal, "expired"),
            }
        })
        .await;
        let login = Sessions::of_tokens();
        let mut settings = settings(&double.base());
        settings.login = Some(login.clone());
        settings.http.concurrency = 10;
        let client = Client::new(settings).unwrap();
        for outcome in join_all((0..10).map(|_| get(&client, "a"))).await {
            outcome.unwrap();
        }
        assert_eq!((login.made(), double.hits()), (1, 10));

        valid.store(2, Ordering::SeqCst);
        for outcome in join_all((0..10).map(|_| get(&client, "a"))).await {
            outcome.unwrap();
        }
        assert_eq!((login.made(), double.hits()), (2, 30), "{refusal}");
    }
}

#[tokio::test]
async fn a_refusal_right_after_a_login_is_final() {
    let double = Double::start(|_, _| status(403, "not yours")).await;
    let login = Sessions::of_tokens();
    let mut settings = settings(&double.base());
    settings.login = Some(login.clone());
    let client = Client::new(settings).unwrap();
    let error = get(&client, "a").await.unwrap_err();
    assert_eq!(error.code(), "HTTP_403");
    assert!(error.to_string().contains("login did not help"), "{error}");
    assert_eq!((login.made(), double.hits()), (2, 2));
}

#[tokio::test]
async fn a_failed_login_fails_all_who_wait_for_it() {
    let double = Double::start(|_, _| ok()).await;
    let login = Sessions::new(|_| {
        Err(LoginError {
            code: "PERSISTENT_UI_NOT_READY".to_owned(),
            message: "not attached; see https://h/x?X-Amz-Signature=MARKER".to_owned(),
            retryable: true,
        })
    });
    let mut settings = settings(&double.base());
    settings.login = Some(login.clone());
    settings.http.concurrency = 10;
    let client = Client::new(settings).unwrap();
    for outcome in join_all((0..10).map(|_| get(&client, "a"))).await {
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), "SESSION_PERSISTENT_UI_NOT_READY");
        assert!(error.is_retryable());
        assert!(!format!("{error}{error:?}").contains("MARKER"));
    }
    assert_eq!((login.made(), double.hits()), (1, 0));
    assert_eq!(get(&client, "a").await.unwrap_err().code(), "GIVEN_UP");
    assert_eq!(login.made(), 1);
}

/// A gate that knows a presigned address and sends on to the server, which sets its cookie.
async fn gate(to: &Double) -> Double {
    let target = to.base().join("enter?ticket=MARKER-ticket").unwrap();
    Double::start(move |seen, _| match seen.uri.query() {
        Some("token=MARKER-token") => redirect(target.as_str()),
        _ => status(403, &seen.echo()),
    })
    .await
}

#[tokio::test]
async fn a_visit_collects_the_cookies_of_the_session() {
    let server = Double::start(|seen, _| match seen.uri.path() {
        "/enter" => with_header(html("welcome"), "set-cookie", "session=MARKER; Path=/"),
        _ if seen.header("cookie") == "session=MARKER" => ok(),
        _ => status(401, ""),
    })
    .await;
    let gate = gate(&server).await;
    let visit = gate.base().join("shs?token=MARKER-token").unwrap();
    let base = server.base().join("shs/").unwrap();
    let login = Sessions::new(move |_| {
        Ok(Session {
            visit: Some(Secret::new(visit.as_str())),
            base: Some(base.clone()),
            auth: None,
        })
    });
    let mut settings = settings(&Url::parse("http://placeholder.invalid/").unwrap());
    settings.login = Some(login.clone());
    settings.http.auth = Auth::Bearer(Secret::new("for the server"));
    let client = Client::new(settings).unwrap();
    get(&client, "api/v1/applications").await.unwrap();
    get(&client, "api/v1/applications").await.unwrap();
    assert_eq!(login.made(), 1);
    assert_eq!(client.requests_sent(), 4);
    assert_eq!(client.address(), format!("{}shs/", server.base()));
    assert_eq!(server.seen()[1].uri.path(), "/shs/api/v1/applications");
    assert_eq!(gate.seen()[0].header("authorization"), "");
    assert!(!format!("{client:?}").contains("MARKER"));
}

#[tokio::test]
async fn a_visit_that_fails_says_so_without_its_address() {
    let server = Double::start(|_, _| ok()).await;
    for (token, hits) in [("MARKER-expired", 1), ("MARKER-busy", 3)] {
        let gate = Double::start(|seen, _| {
            let busy = seen.uri.query().is_some_and(|query| query.contains("busy"));
            status(if busy { 503 } else { 403 }, &seen.echo())
        })
        .await;
        let visit = gate
            .base()
            .join(&format!("MARKER-path-of-many-letters?token={token}"))
            .unwrap();
        let login = Sessions::new(move |_| {
            Ok(Session {
                visit: Some(Secret::new(visit.as_str())),
                ..Session::default()
            })
        });
        let mut settings = settings(&server.base());
        settings.login = Some(login);
        let error = get(&Client::new(settings).unwrap(), "a").await.unwrap_err();
        let code = if hits == 3 {
            "SESSION_HTTP_503"
        } else {
            "SESSION_HTTP_403"
        };
        assert_eq!(error.code(), code);
        assert_eq!(error.is_retryable(), hits == 3);
        assert_eq!((gate.hits(), server.hits()), (hits, 0));
        assert!(!format!("{error}{error:?}").contains("MARKER"), "{error}");
    }
}

/// Accepts with TLS.
struct TlsListener {
    listener: tokio::net::TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = tokio_rustls::server::TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A client that does not like the certificate hangs up.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A server with a certificate of its own for `localhost`, and the certificate's file.
async fn tls_double(folder: &Path) -> (Url, std::path::PathBuf) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.join("ca.pem");
    std::fs::write(&file, certified.cert.pem()).unwrap();
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let listener = TlsListener {
        listener,
        acceptor: Arc::new(config).into(),
    };
    let router = Router::new().fallback(async || ok());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (
        Url::parse(&format!("https://localhost:{port}/")).unwrap(),
        file,
    )
}

#[tokio::test]
async fn a_certificate_is_checked_against_the_given_authority() {
    let folder = tempfile::tempdir().unwrap();
    let (base, file) = tls_double(folder.path()).await;

    let stranger = client(&base);
    let error = get(&stranger, "a").await.unwrap_err();
    assert_eq!(error.code(), "CERTIFICATE");
    assert!(error.to_string().contains("`ca_file`"), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(stranger.requests_sent(), 1);

    let mut trusting = settings(&base);
    trusting.http.ca_file = Some(file.clone());
    get(&Client::new(trusting).unwrap(), "a").await.unwrap();

    let mut careless = settings(&base);
    careless.http.accept_invalid_certificates = true;
    get(&Client::new(careless).unwrap(), "a").await.unwrap();

    let mut other_name = base.clone();
    other_name.set_host(Some("127.0.0.1")).unwrap();
    let mut trusting = settings(&other_name);
    trusting.http.ca_file = Some(file);
    let error = get(&Client::new(trusting).unwrap(), "a").await.unwrap_err();
    assert_eq!(error.code(), "CERTIFICATE");
    assert!(error.to_string().contains("host name"), "{error}");
}

#[tokio::test]
async fn tls_at_a_port_without_it_is_explained() {
    let double = Double::start(|_, _| ok()).await;
    let base = Url::parse(&format!("https://{}/", double.address)).unwrap();
    let error = get(&client(&base), "a").await.unwrap_err();
    assert_eq!(error.code(), "CONNECTION_ERROR");
    assert!(error.to_string().contains("https or http"), "{error}");
    assert!(!error.is_retryable());
}

#[test]
fn settings_that_do_not_fit_are_refused_at_once() {
    let base = Url::parse("http://h:18080").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "not a certificate").unwrap();
    let change: [fn(&mut ClientSettings, &Path); 6] = [
        |settings, _| settings.http.headers = vec![("no name".to_owned(), Secret::new("MARKER"))],
        |settings, _| settings.http.headers = vec![("name".to_owned(), Secret::new("MARKER\n"))],
        |settings, _| settings.http.cookies = Some(Secret::new("MARKER\n")),
        |settings, _| settings.http.auth = Auth::Bearer(Secret::new("MARKER\n")),
        |settings, file| settings.http.ca_file = Some(file.to_owned()),
        |settings, file| settings.http.ca_file = Some(file.join("missing")),
    ];
    for change in change {
        let mut settings = settings(&base);
        change(&mut settings, &file);
        let error = Client::new(settings).unwrap_err();
        assert_eq!(error.code(), "SETTINGS");
        assert!(!format!("{error}{error:?}").contains("MARKER"), "{error}");
    }
    let base = Url::parse("ftp://h/").unwrap();
    assert_eq!(Client::new(settings(&base)).unwrap_err().code(), "SETTINGS");
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A server that repeats what it was told in every answer that can be an error.
fn careless(seen: &Seen) -> Response {
    let echo = seen.echo();
    match seen.uri.path().trim_start_matches('/') {
        "text" => status(200, &echo),
        "page" => html(&format!("<title>{}</title>", seen.header("cookie"))),
        "login_page" => html(&format!("<title>Log in {echo}</title>")),
        "shape" => axum::Json(json!([echo])).into_response(),
        "truncated" => status(200, &format!("[\"{}", echo.replace(['"', '\\'], ""))),
        "json_error" => {
            let body = json!({"error": "denied", "message": echo});
            (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
        }
        "away" => redirect(
            &format!("https://other.example/MARKER-in-a-path?{echo:.40}").replace(' ', "+"),
        ),
        "to_login" => redirect("/login?token=MARKER"),
        "circle" => redirect("/circle?token=MARKER"),
        code => status(code.parse().unwrap_or(200), &echo),
    }
}

#[tokio::test]
async fn no_secret_gets_into_an_error_or_a_log() {
    let log = LogBuffer::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("sparklake=trace")
        .with_writer(move || writer.clone())
        .finish();
    // For all threads: what a thread without a subscriber logs first is switched off for the others
    // where there is only one subscriber.
    tracing::subscriber::set_global_default(subscriber).expect("no other test listens");

    let double = Double::start(|seen, _| careless(seen)).await;
    let auths = [
        Auth::Bearer(Secret::new("MARKER-bearer")),
        Auth::Basic {
            username: "me".to_owned(),
            password: Secret::new("MARKER-password"),
        },
    ];
    let expected = [
        ("400", "HTTP_400"),
        ("401", "HTTP_401"),
        ("404", "HTTP_404"),
        ("500", "HTTP_500"),
        ("text", "NOT_JSON"),
        ("page", "NOT_JSON"),
        ("login_page", "LOGIN_PAGE"),
        ("shape", "INVALID_JSON"),
        ("truncated", "TRUNCATED"),
        ("json_error", "HTTP_400"),
        ("away", "LOGIN_PAGE"),
        ("to_login", "LOGIN_PAGE"),
        ("circle", "HTTP_302"),
    ];
    for auth in auths {
        let mut settings = settings(&double.base());
        settings.http.auth = auth;
        settings.http.cookies = Some(Secret::new("session=MARKER-cookie; other=MARKER-too"));
        settings.http.headers = vec![("x-key".to_owned(), Secret::new("MARKER-header"))];
        settings.http.max_endpoint_failures = 1;
        settings.http.attempts = 2;
        let client = Client::new(settings).unwrap();
        let query = [("token", "MARKER-query".to_owned())];
        for (path, code) in expected {
            for attempt in 0..2 {
                let error = client
                    .get_json::<Vec<u64>>(path, path, &query)
                    .await
                    .unwrap_err();
                let given_up = attempt > 0 && path != "404";
                assert_eq!(error.code(), if given_up { "GIVEN_UP" } else { code });
                let told = format!("{error}\n{error:?}\n{client:?}");
                assert!(!told.contains("MARKER"), "{path}: {told}");
                // Basic authentication in Base64.
                assert!(!told.contains("bWU6TUFSS0VS"), "{path}: {told}");
            }
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("answered") && log.contains("asking again"),
        "{log}"
    );
    assert!(
        !log.contains("MARKER") && !log.contains("bWU6TUFSS0VS"),
        "{log}"
    );
    assert!(
        double
            .seen()
            .iter()
            .any(|seen| seen.echo().contains("MARKER-query"))
    );
}

#[tokio::test]
async fn no_secret_gets_into_an_error_of_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let silent = RawDouble::start(vec![None]);
    let garbage = RawDouble::start(vec![Some(b"MARKER is not HTTP\r\n\r\n".to_vec())]);
    let unknown = Url::parse(&format!("http://{}.invalid/", "a".repeat(70))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (tls, _) = tls_double(folder.path()).await;
    for (base, code) in [
        (closed, "CONNECTION_ERROR"),
        (silent.base.clone(), "TIMEOUT"),
        (garbage.base.clone(), "CONNECTION_ERROR"),
        (unknown, "DNS"),
        (tls, "CERTIFICATE"),
    ] {
        let mut settings = settings(&base);
        settings.http.auth = Auth::Bearer(Secret::new("MARKER-bearer"));
        settings.http.read_timeout = Duration::from_millis(500);
        settings.http.attempts = 1;
        let query = [("page_token", "MARKER-query".to_owned())];
        let error = Client::new(settings)
            .unwrap()
            .get_json::<Value>("a", "a", &query)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!format!("{error}{error:?}").contains("MARKER"), "{error}");
    }
}
