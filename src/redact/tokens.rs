//! Secrets that show what they are: keys with a known beginning, and words that only a generator
//! of random letters writes.

use std::ops::Range;

use super::value::{is_already_masked, looks_random};

/// A kind of token: its beginning, whether case counts there, which letters follow and how many.
struct Shape {
    start: &'static str,
    is_letter: fn(u8) -> bool,
    least: usize,
}

/// Tokens that their issuers made recognizable.
const SHAPES: [Shape; 22] = [
    shape("dapi", is_hex, 16),
    shape("dose", is_hex, 16),
    shape("ghp_", is_word, 16),
    shape("gho_", is_word, 16),
    shape("ghu_", is_word, 16),
    shape("ghs_", is_word, 16),
    shape("ghr_", is_word, 16),
    shape("github_pat_", is_word, 16),
    shape("glpat-", is_word, 16),
    shape("xoxb-", is_word, 10),
    shape("xoxp-", is_word, 10),
    shape("xoxa-", is_word, 10),
    shape("xoxs-", is_word, 10),
    shape("AIza", is_word, 30),
    shape("ya29.", is_token, 16),
    shape("npm_", is_word, 30),
    shape("hf_", is_word, 30),
    shape("sk_live_", is_word, 10),
    shape("sk-", is_word, 32),
    shape("SG.", is_token, 30),
    shape("eyJ", is_token, 17),
    shape("hooks.slack.com/services/", is_token, 10),
];

const fn shape(start: &'static str, is_letter: fn(u8) -> bool, least: usize) -> Shape {
    Shape {
        start,
        is_letter,
        least,
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'-'
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_token(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'.' | b'/' | b'+' | b'=' | b'~')
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The beginnings of known tokens, as the scanner looks for them.
pub(super) fn known_starts() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().map(|shape| shape.start)
}

/// The known token that begins at `start`.
pub(super) fn known(text: &str, start: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let begins = start
        .start
        .checked_sub(1)
        .and_then(|before| bytes.get(before))
        .is_none_or(|before| !before.is_ascii_alphanumeric());
    let found = text.get(start.clone())?;
    let shape = SHAPES.iter().find(|shape| shape.start == found)?;
    let length = run(bytes, start.end, shape.is_letter);
    let token = text.get(start.end..start.end + length)?;
    let is_path = shape.start.starts_with("hooks");
    let is_web_token = shape.start != "eyJ" || token.contains('.') || token.len() > 40;
    let is_random = token.bytes().any(|byte| byte.is_ascii_digit()) || is_path;
    (begins && length >= shape.least && is_random && is_web_token).then(|| {
        let from = if is_path { start.end } else { start.start };
        from..start.end + length
    })
}

/// The id of an AWS key that begins at `start`: AKIA, ASIA and sixteen capitals and digits.
pub(super) fn aws_key_id(text: &str, start: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let kind = text.get(start.clone())?;
    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let begins = start
        .start
        .checked_sub(1)
        .and_then(|before| bytes.get(before))
        .is_none_or(|before| !before.is_ascii_alphanumeric());
    let length = run(bytes, start.end, is_capital);
    let ends = bytes
        .get(start.end + length)
        .is_none_or(|after| !after.is_ascii_lowercase());
    let is_upper = kind.bytes().all(|byte| byte.is_ascii_uppercase());
    (begins && ends && is_upper && (12..=32).contains(&length))
        .then(|| start.start..start.end + length)
}

/// Secret keys of AWS near the id of one: words of forty random letters.
pub(super) fn aws_secrets_near(text: &str, key_id: &Range<usize>) -> Vec<Range<usize>> {
    const NEAR: usize = 400;
    let from = boundary(text, key_id.start.saturating_sub(NEAR));
    let to = boundary(text, text.len().min(key_id.end + NEAR));
    words(text, from..to, is_base64)
        .filter(|word| {
            let spelled = text.get(word.clone()).unwrap_or_default();
            spelled.len() == 40 && is_random(spelled, 1, 0.3)
        })
        .collect()
}

/// Long random words anywhere in a text.
pub(super) fn random_words(text: &str) -> Vec<Range<usize>> {
    words(text, 0..text.len(), is_word_or_sign)
        .filter(|word| is_opaque(text.get(word.clone()).unwrap_or_default()))
        .collect()
}

/// Words of letters and digits in lines that are no frames of a stack. `script.py:12` is a place.
pub(super) fn odd_words_outside_frames(text: &str) -> Vec<Range<usize>> {
    const LEAST: usize = 8;
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_end();
        if !(trimmed.ends_with(')') && trimmed.contains('(')) {
            let words = line.split_inclusive(char::is_whitespace);
            let mut at = start;
            for word in words {
                let bare = word.trim_end();
                let is_word = bare.bytes().all(is_base64);
                if is_word && bare.len() >= LEAST && looks_random(bare) {
                    found.push(at..at + bare.len());
                }
                at += word.len();
            }
        }
        start += line.len();
    }
    found
}

/// What follows `Bearer ` and its like at `scheme`, if it is no word of a language.
pub(super) fn authorization(text: &str, scheme: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let begins = scheme
        .start
        .checked_sub(1)
        .and_then(|before| bytes.get(before))
        .is_none_or(|before| !before.is_ascii_alphanumeric());
    let rest = text.get(scheme.end..)?;
    let blank = ["%20", "+", "\\u0020"]
        .into_iter()
        .find(|blank| rest.starts_with(blank))
        .map_or_else(
            || rest.len() - rest.trim_start_matches([' ', '\t', ':']).len(),
            str::len,
        );
    let start = scheme.end + blank;
    let length = run(bytes, start, is_token);
    let credentials = text.get(start..start + length)?;
    let is_long = credentials.len() >= 8;
    let is_secret = is_long && (looks_random(credentials) || is_mixed(credentials));
    (begins && blank > 0 && is_secret && !is_already_masked(credentials))
        .then(|| start..start + length)
}

/// A private key in PEM armor that begins at `start` (`-----BEGIN`), to its end or the text's.
pub(super) fn private_key(text: &str, start: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(start.end..)?;
    let header = rest.get(..boundary(rest, rest.len().min(80)))?;
    let header_end = header.find("-----")?;
    let title = header.get(..header_end)?.to_ascii_uppercase();
    if !title.contains("PRIVATE") || !title.contains("KEY") {
        return None;
    }
    let from = start.end + header_end + 5;
    let body = text.get(from..)?;
    let end = match body.find("-----END") {
        Some(end) => end,
        None => run(body.as_bytes(), 0, |byte| {
            is_base64(byte)
                || byte.is_ascii_whitespace()
                || matches!(byte, b'\\' | b'-' | b':' | b',' | b'%')
        }),
    };
    let spelled = body.get(..end)?;
    (!spelled.trim().is_empty() && !is_already_masked(spelled)).then(|| from..from + end)
}

/// Base64 and the like: both cases and digits in every order. Names of classes and columns change
/// between them at the beginnings of words only.
fn is_random(word: &str, least_digits: usize, least_changes: f64) -> bool {
    let kind = |byte: u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let kinds: Vec<u8> = word.bytes().map(kind).collect();
    let count = |wanted: u8| kinds.iter().filter(|kind| **kind == wanted).count();
    let changes = kinds.windows(2).filter(|pair| pair.first() != pair.last());
    let share = changes.count() as f64 / word.len().max(1) as f64;
    count(0) >= 3 && count(1) >= 3 && count(2) >= least_digits && share >= least_changes
}

/// A word that is taken for a token by its length and letters.
fn is_opaque(word: &str) -> bool {
    const PLAIN_STARTS: [&str; 6] = [
        "app-",
        "application_",
        "appattempt_",
        "attempt_",
        "container_",
        "job_",
    ];
    if word.len() < 32
        || uuid::Uuid::try_parse(word).is_ok()
        || PLAIN_STARTS.iter().any(|start| word.starts_with(start))
    {
        return false;
    }
    let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_small = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    (is_hex && digits > 0) || (is_small && digits >= 3) || is_random(word, 3, 0.25)
}

fn is_word_or_sign(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'+' | b'=')
}

/// Capitals beyond the first letter, as no word of a language has them.
fn is_mixed(word: &str) -> bool {
    let inner = word.bytes().skip(1);
    let capitals = inner.filter(u8::is_ascii_uppercase).count();
    capitals > 0 && word.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn run(bytes: &[u8], from: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| is_part(**byte)).count()
}

/// Words of the given letters within a part of a text.
fn words(
    text: &str,
    within: Range<usize>,
    is_part: fn(u8) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = within.start;
    std::iter::from_fn(move || {
        while at < within.end && !bytes.get(at).is_some_and(|byte| is_part(*byte)) {
            at += 1;
        }
        let length = run(bytes, at, is_part);
        let word = at..at + length;
        at = word.end;
        (length > 0).then_some(word)
    })
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
