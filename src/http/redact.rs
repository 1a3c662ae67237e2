//! The secrets of requests: what a request carries must not come back in the text of its answer.

use reqwest::header::HeaderMap;
use url::Url;

use crate::redact::{self, KnownSecrets, is_sensitive_parameter};

/// The text on one line, without what a terminal would obey, and not longer than `limit`
/// characters.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
            length += 1;
        }
        for character in word.chars() {
            if length >= limit {
                line.push('…');
                return line;
            }
            line.push(character);
            length += 1;
        }
    }
    line
}

/// The secrets that a request carries, to be found again in the text of its answer.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    secrets: KnownSecrets,
}

impl Redactor {
    /// The secrets of a request: its headers that are marked as sensitive, values of its query with
    /// a telling name, and `further` ones.
    pub(super) fn new(headers: &HeaderMap, url: &Url, further: &[String]) -> Self {
        let mut secrets = further.to_vec();
        for value in headers.values().filter(|value| value.is_sensitive()) {
            if let Ok(text) = value.to_str() {
                add_header(&mut secrets, text);
            }
        }
        secrets.extend(
            url.query_pairs()
                .filter(|(name, _)| is_sensitive_parameter(name))
                .map(|(_, value)| value.into_owned()),
        );
        Self {
            secrets: KnownSecrets::new(secrets),
        }
    }

    /// The beginning of the text on one line, without secrets.
    pub(super) fn line(&self, text: &str, limit: usize) -> String {
        one_line(&redact::strict(&self.secrets.mask(text)), limit)
    }
}

/// All that an address holds and that gives access: its query, and long parts of its path.
pub(super) fn secrets_of_address(url: &Url) -> Vec<String> {
    let mut secrets = vec![url.to_string()];
    secrets.extend(url.query().map(str::to_owned));
    secrets.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    if let Some(segments) = url.path_segments() {
        secrets.extend(
            segments
                .filter(|segment| segment.len() >= 16)
                .map(str::to_owned),
        );
    }
    secrets.extend(url.password().map(str::to_owned));
    // A short value of a query is a flag or a number.
    secrets.retain(|secret| secret.len() >= 8);
    secrets
}

/// `Bearer xyz`, `a=b; c=d` and their parts.
fn add_header(secrets: &mut Vec<String>, text: &str) {
    secrets.push(text.to_owned());
    if let Some((_, credentials)) = text.split_once(' ') {
        secrets.push(credentials.to_owned());
    }
    for pair in text.split(';') {
        if let Some((_, value)) = pair.split_once('=') {
            secrets.push(value.trim().trim_matches('"').to_owned());
        }
    }
}
