//! An object store over the network: discovery and reading through a server that speaks just enough
//! of S3.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

/// Serves `objects` of a bucket as S3 does, from threads that end with the test program.
fn serve(objects: Vec<(&'static str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let objects = Arc::new(objects);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let objects = Arc::clone(&objects);
            std::thread::spawn(move || answer_all(connection.unwrap(), &objects));
        }
    });
    address
}

fn answer_all(connection: TcpStream, objects: &[(&str, Vec<u8>)]) {
    let mut requests = BufReader::new(connection.try_clone().unwrap()).lines();
    let mut connection = connection;
    while let Some(Ok(request)) = requests.next() {
        let headers: Vec<_> = requests
            .by_ref()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let mut words = request.split(' ');
        let method = words.next().unwrap();
        let target = url::Url::parse("http://s3")
            .unwrap()
            .join(words.next().unwrap())
            .unwrap();
        let (mut status, mut body) = answer(&target, objects);
        let mut content_range = String::new();
        if let Some((from, to)) = headers.iter().find_map(|line| range_of(line)) {
            let (total, to) = (body.len(), to.min(body.len() - 1));
            (status, body) = ("206 Partial Content", body[from..=to].to_vec());
            content_range = format!("Content-Range: bytes {from}-{to}/{total}\r\n");
        }
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"tag\"\r\n{content_range}\
             Last-Modified: Fri, 20 Nov 2026 16:31:00 GMT\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        if method != "HEAD" {
            connection.write_all(&body).unwrap();
        }
    }
}

fn range_of(header: &str) -> Option<(usize, usize)> {
    let (from, to) = header
        .to_ascii_lowercase()
        .strip_prefix("range: bytes=")?
        .split_once('-')
        .map(|(from, to)| (from.parse().ok(), to.parse().ok()))?;
    Some((from?, to?))
}

fn answer(target: &url::Url, objects: &[(&str, Vec<u8>)]) -> (&'static str, Vec<u8>) {
    let query: HashMap<_, _> = target.query_pairs().collect();
    if let Some(prefix) = query.get("prefix") {
        return ("200 OK", listing(prefix, objects).into_bytes());
    }
    let path = object_store::path::Path::from_url_path(target.path()).unwrap();
    let key = path.as_ref().strip_prefix("bucket/").unwrap_or_default();
    match objects.iter().find(|(name, _)| *name == key) {
        _ if key == "secret" => ("403 Forbidden", Vec::new()),
        Some((_, body)) => ("200 OK", body.clone()),
        None => ("404 Not Found", Vec::new()),
    }
}

fn listing(prefix: &str, objects: &[(&str, Vec<u8>)]) -> String {
    let contents: String = objects
        .iter()
        .filter(|(key, _)| key.starts_with(prefix))
        .map(|(key, body)| {
            format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><ETag>tag</ETag>\
                 <LastModified>2026-11-20T16:31:00.000Z</LastModified></Contents>",
                body.len()
            )
        })
        .collect();
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>")
}

fn source(endpoint: &str, uri: &str) -> EventLogSource {
    let options = [
        ("aws_endpoint", endpoint),
        ("aws_allow_http", "true"),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "key"),
        ("aws_secret_access_key", "secret"),
    ];
    EventLogSource {
        uris: vec![uri.to_owned()],
        name: None,
        storage_options: options
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    }
}

#[test]
fn a_bucket_is_searched_and_its_objects_are_read() {
    let rolling = encode(Codec::Zstd, &[lines(300).as_bytes()]);
    let endpoint = serve(vec![
        ("logs/", Vec::new()),
        ("logs/folder/", Vec::new()),
        ("logs/folder/app 1%20", lines(3).into_bytes()),
        ("logs/eventlog_v2_a/events_1_a.zstd", rolling),
        ("logs/eventlog_v2_a/appstatus_a", Vec::new()),
        (
            "logs/zip/app.zip",
            zip_archive(&[("app_1", b"{\"a\":1}\n"), ("app_2", b"{\"a\":2}\n")]),
        ),
        ("logs-of-others/app-2", lines(1).into_bytes()),
    ]);
    let logs = Logs::new();
    let source = source(&endpoint, "s3a://bucket/logs/");
    let discovery = logs
        .runtime
        .block_on(discover(&source, &Window::default()))
        .unwrap();
    assert!(
        discovery
            .histories
            .iter()
            .all(|history| history.cluster_id.starts_with("s3://bucket/logs"))
    );
    let event_logs = logs_of(discovery);
    let found: Vec<_> = event_logs
        .iter()
        .map(|log| (log.uri.as_str(), logs.read(log).0))
        .collect();
    let expected = [
        ("s3://bucket/logs/eventlog_v2_a", lines(300)),
        ("s3://bucket/logs/folder/app%201%2520", lines(3)),
        (
            "s3://bucket/logs/zip/app.zip!/app_1",
            "{\"a\":1}\n".to_owned(),
        ),
        (
            "s3://bucket/logs/zip/app.zip!/app_2",
            "{\"a\":2}\n".to_owned(),
        ),
    ];
    assert_eq!(found, expected);
    assert_eq!(event_logs[0].files[0].etag.as_deref(), Some("tag"));
}

#[test]
fn a_single_object_is_found_and_a_missing_or_forbidden_one_is_not() {
    let endpoint = serve(vec![("logs/app 1", lines(3).into_bytes())]);
    let logs = Logs::new();
    let find = |uri: &str| {
        logs.runtime
            .block_on(discover(&source(&endpoint, uri), &Window::default()))
    };
    let one = find("s3://bucket/logs/app 1").unwrap().histories.remove(0);
    assert_eq!(one.cluster_id, "s3://bucket/logs");
    let log = one.log().unwrap();
    assert_eq!(log.layout, Layout::SingleFile);
    assert_eq!(logs.read(log).0, lines(3));
    assert_eq!(
        find("s3://bucket/logs/app 2").unwrap_err().kind(),
        "not_found"
    );
    let forbidden = find("s3://bucket/secret").unwrap_err();
    assert_eq!(
        (forbidden.kind(), forbidden.is_retryable()),
        ("unreachable", false)
    );
}
