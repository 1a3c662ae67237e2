//! Keeping secrets out of texts: the known ones, and what looks like one.

use reqwest::header::HeaderMap;
use url::Url;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Shorter texts are no secrets; masking them would make a text unreadable.
const MIN_SECRET: usize = 4;

/// A run of letters and digits as long as this, with both of them, is taken for a token.
const MIN_TOKEN: usize = 32;

/// Parts of names whose values are secrets, in lower case.
const SENSITIVE_PARTS: [&str; 14] = [
    "access_key",
    "accesskey",
    "accesstoken",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "passwd",
    "password",
    "secret",
    "signature",
    "token",
    "x-amz-",
];

/// Whole names whose values are secrets, in lower case.
const SENSITIVE_NAMES: [&str; 5] = ["auth", "jsessionid", "session_id", "sessionid", "sig"];

/// Beginnings of long identifiers that are no tokens.
const PLAIN_STARTS: [&str; 6] = [
    "app-",
    "application_",
    "appattempt_",
    "attempt_",
    "container_",
    "job_",
];

/// Masks what looks like a secret in somebody else's text: the user and query of an address, values
/// of `token=`, `"password":` and the like, long tokens.
///
/// Error texts of servers and libraries may repeat what they were sent, presigned addresses too.
pub fn without_secrets(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut expected = Expected::Word;
    for piece in pieces(text) {
        if piece.starts_with(is_delimiter) {
            masked.push_str(piece);
        } else {
            expected = expected.take(piece, &mut masked);
        }
    }
    masked
}

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

/// Whether a value of this name is a secret.
pub(super) fn is_sensitive_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SENSITIVE_NAMES.contains(&name.as_str())
        || SENSITIVE_PARTS.iter().any(|part| name.contains(part))
}

/// The secrets that a request carries, to be found again in the text of its answer.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    /// Longest first: one may be a part of another.
    secrets: Vec<String>,
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
                .filter(|(name, _)| is_sensitive_name(name))
                .map(|(_, value)| value.into_owned()),
        );
        secrets.retain(|secret| secret.len() >= MIN_SECRET);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// The beginning of the text on one line, without secrets.
    pub(super) fn line(&self, text: &str, limit: usize) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        one_line(&without_secrets(&text), limit)
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

fn is_delimiter(character: char) -> bool {
    character.is_whitespace() || "\"'`<>()[]{},;|\\".contains(character)
}

/// Runs of delimiters and runs of everything else, in turns.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let delimiters = is_delimiter(rest.chars().next()?);
        let end = rest
            .find(|character| is_delimiter(character) != delimiters)
            .unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// What the next word of a text may be, by those before it.
#[derive(Clone, Copy)]
enum Expected {
    /// Any word.
    Word,
    /// A colon behind a name of a secret.
    Colon,
    /// A secret's value.
    Value,
}

impl Expected {
    fn take(self, word: &str, masked: &mut String) -> Self {
        if matches!(word, ":" | "=") {
            masked.push_str(word);
            return match self {
                Self::Colon => Self::Value,
                _ => Self::Word,
            };
        }
        if matches!(self, Self::Value) {
            // The kind of authorization stands in front of the secret.
            let scheme = ["basic", "bearer", "negotiate", "digest"]
                .iter()
                .any(|scheme| word.eq_ignore_ascii_case(scheme));
            if scheme {
                masked.push_str(word);
                return Self::Value;
            }
            masked.push_str(MASK);
            return Self::Word;
        }
        masked.push_str(&mask_word(word));
        let name = word.trim_end_matches([':', '=']);
        match (is_sensitive_name(name), name.len() < word.len()) {
            (true, true) => Self::Value,
            (true, false) => Self::Colon,
            (false, _) => Self::Word,
        }
    }
}

fn mask_word(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://") {
        let (place, query) = match rest.find(['?', '#']) {
            Some(at) => (&rest[..at], "?***"),
            None => (rest, ""),
        };
        let (server, path) = match place.find('/') {
            Some(at) => place.split_at(at),
            None => (place, ""),
        };
        let host = server.rsplit('@').next().unwrap_or_default();
        return format!("{scheme}://{host}{}{query}", mask_tokens(path));
    }
    if let Some((place, query)) = word.split_once('?')
        && query.contains('=')
    {
        return format!("{}?{MASK}", mask_tokens(place));
    }
    let parts: Vec<String> = word.split('&').map(mask_assignment).collect();
    parts.join("&")
}

/// `name=value` and `name:value` without the value, when the name says that it is a secret.
fn mask_assignment(part: &str) -> String {
    if let Some(at) = part.find(['=', ':']) {
        let (name, value) = part.split_at(at);
        if value.len() > 1 && is_sensitive_name(name) {
            return format!("{name}{}{MASK}", &value[..1]);
        }
    }
    mask_tokens(part)
}

/// Masks the parts that look like tokens and leaves what is between them.
fn mask_tokens(text: &str) -> String {
    let is_token = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '+' | '_' | '=' | '-')
    };
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside = is_token(first);
        let end = rest
            .find(|character| is_token(character) != inside)
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if inside && looks_like_token(run) {
            masked.push_str(MASK);
        } else {
            masked.push_str(run);
        }
        rest = after;
    }
    masked
}

fn looks_like_token(run: &str) -> bool {
    // The beginning of every JSON Web Token: `{"` in Base64.
    if run.starts_with("eyJ") && run.len() >= 16 {
        return true;
    }
    run.len() >= MIN_TOKEN
        && run.bytes().any(|byte| byte.is_ascii_digit())
        && run.bytes().any(|byte| byte.is_ascii_alphabetic())
        && uuid::Uuid::try_parse(run).is_err()
        && !PLAIN_STARTS.iter().any(|start| run.starts_with(start))
}
