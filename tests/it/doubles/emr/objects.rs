//! S3: listing and reading.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;

use super::{Account, Object};

/// Answers a request for `/bucket` or `/bucket/key`.
pub(super) fn answer(
    account: &Account,
    method: &Method,
    path: &str,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
) -> Response {
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    if account.denied.contains("ListBucket") && key.is_empty() {
        return error(StatusCode::FORBIDDEN, "AccessDenied");
    }
    if key.is_empty() {
        return list(account, bucket, query);
    }
    match account.objects.get(&(bucket.to_owned(), key.to_owned())) {
        Some(object) => read(method, object, headers),
        None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
    }
}

fn list(account: &Account, bucket: &str, query: &HashMap<String, String>) -> Response {
    let argument = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let (prefix, delimiter) = (argument("prefix"), argument("delimiter"));
    let after = argument("continuation-token");
    let mut folders = BTreeSet::new();
    let mut body = String::from("<?xml version=\"1.0\"?><ListBucketResult>");
    let mut count = 0;
    let mut last = String::new();
    let mut is_truncated = false;
    for ((_, key), object) in account.objects.iter().filter(|((b, _), _)| b == bucket) {
        let Some(rest) = key.strip_prefix(prefix).filter(|_| key.as_str() > after) else {
            continue;
        };
        if count == account.page_size {
            is_truncated = true;
            break;
        }
        count += 1;
        last.clone_from(key);
        match rest.split_once('/').filter(|_| !delimiter.is_empty()) {
            Some((folder, _)) => {
                folders.insert(format!("{prefix}{folder}/"));
            }
            None => {
                write!(
                    body,
                    "<Contents><Key>{key}</Key><LastModified>{}</LastModified>\
                     <ETag>\"e\"</ETag><Size>{}</Size></Contents>",
                    object.modified.format("%Y-%m-%dT%H:%M:%S.000Z"),
                    object.content.len()
                )
                .expect("a text");
            }
        }
    }
    for folder in folders {
        write!(
            body,
            "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        )
        .expect("a text");
    }
    write!(body, "<IsTruncated>{is_truncated}</IsTruncated>").expect("a text");
    if is_truncated {
        write!(
            body,
            "<NextContinuationToken>{last}</NextContinuationToken>"
        )
        .expect("a text");
    }
    body.push_str("</ListBucketResult>");
    xml(StatusCode::OK, body)
}

fn read(method: &Method, object: &Object, headers: &HeaderMap) -> Response {
    let content = &object.content;
    let range = headers
        .get(RANGE)
        .and_then(|range| range.to_str().ok()?.strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
        .map(|(from, to)| {
            let end = to.parse().map_or(content.len(), |to: usize| to + 1);
            match from.parse::<usize>() {
                Ok(from) => from..end.min(content.len()),
                // `-n`: the last n bytes.
                Err(_) => content.len().saturating_sub(end - 1)..content.len(),
            }
        });
    let mut response = Response::builder().header(ETAG, "\"e\"").header(
        LAST_MODIFIED,
        object
            .modified
            .format("%a, %d %b %Y %H:%M:%S GMT")
            .to_string(),
    );
    let body = match range {
        Some(range) => {
            let told = format!("bytes {}-{}/{}", range.start, range.end - 1, content.len());
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(CONTENT_RANGE, told);
            content[range].to_vec()
        }
        None => content.clone(),
    };
    response = response.header(CONTENT_LENGTH, body.len());
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        Body::from(body)
    };
    response.body(body).expect("an answer")
}

fn error(status: StatusCode, code: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    xml(status, body)
}

fn xml(status: StatusCode, body: String) -> Response {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/xml")
        .body(Body::from(body))
        .expect("an answer")
}
