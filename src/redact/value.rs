//! Where the value after a name stands in a text: `name=value`, `"name": "value"`, `--name value`,
//! `name 'value'`, escaped and encoded forms of them.

use std::ops::Range;

use super::names::{self, Strength};

/// Longest name that is looked at, in bytes.
const MAX_NAME: usize = 160;
/// Longest value in quotes, in bytes: a quotation mark without its other half is no value.
const MAX_QUOTED: usize = 16 << 10;

/// What Spark writes in place of a secret, and we too.
pub(crate) const MASK: &str = "*********(redacted)";

/// The value that belongs to the name around `stem`, if the name announces a secret and the value
/// can be one.
pub(super) fn of_name(text: &str, stem: Range<usize>) -> Option<Range<usize>> {
    let name = name_around(text, &stem)?;
    let spelled = text.get(name.clone())?;
    let strength = match names::strength(spelled) {
        Some(strength) => strength,
        None if names::is_property_key(spelled) => Strength::Weak,
        None => return None,
    };
    let found = value_after(text, &name, strength)?;
    let value = text.get(found.range.clone())?;
    is_secret(value, strength, found.link).then_some(found.range)
}

/// The value that belongs to a name which somebody else knows to be secret.
pub(super) fn of_secret_name(text: &str, stem: Range<usize>) -> Option<Range<usize>> {
    let name = name_around(text, &stem)?;
    let found = value_after(text, &name, Strength::Strong)?;
    let value = text.get(found.range.clone())?;
    is_secret(value, Strength::Strong, found.link).then_some(found.range)
}

/// Whether a value under a name of that strength is a secret, and not masked yet.
pub(super) fn is_secret_value(value: &str, strength: Strength) -> bool {
    is_secret(value, strength, Link::Assigned)
}

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// `=`, `->`, a quoted name: surely an assignment.
    Assigned,
    /// A colon or a space in running text.
    Loose,
}

struct NameMatch {
    range: Range<usize>,
    link: Link,
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// The whole name that `stem` is a part of.
fn name_around(text: &str, stem: &Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let before = bytes.get(..stem.start)?;
    let after = bytes.get(stem.end..)?;
    let left = before
        .iter()
        .rev()
        .take(MAX_NAME)
        .take_while(|byte| is_name_byte(**byte))
        .count();
    let right = after
        .iter()
        .take(MAX_NAME)
        .take_while(|byte| is_name_byte(**byte))
        .count();
    let mut start = stem.start - left;
    let mut end = stem.end + right;
    // The letter of an escape (`\n`) and the digits of an encoded character (`%26`) are no part.
    let escape = start.checked_sub(1).and_then(|at| bytes.get(at).copied());
    match escape {
        Some(b'\\') if matches!(bytes.get(start), Some(b'n' | b't' | b'r')) => start += 1,
        Some(b'\\') if bytes.get(start) == Some(&b'u') => start += 5,
        Some(b'%') => start += 2,
        _ => {}
    }
    while end > stem.end && matches!(bytes.get(end - 1), Some(b'.' | b'-')) {
        end -= 1;
    }
    (start <= stem.start).then_some(start..end)
}

fn value_after(text: &str, name: &Range<usize>, strength: Strength) -> Option<NameMatch> {
    let bytes = text.as_bytes();
    let mut at = name.end;
    // The column of a plan: password#12.
    if bytes.get(at) == Some(&b'#') {
        at += 1 + digits(bytes, at + 1);
        at += usize::from(bytes.get(at) == Some(&b'L'));
    }
    let quote = quote_at(text, at);
    let quoted_name = quote.is_some();
    at += quote.map_or(0, str::len);
    at += usize::from(quoted_name && bytes.get(at) == Some(&b']'));
    if let Some(value) = in_markup(text, at) {
        return Some(value);
    }
    let after_name = at;
    at = skip_blanks(bytes, at, false);
    let (length, mut link) = match separator_at(text, at) {
        Some(separator) => separator,
        None => return without_separator(text, name, after_name, at, strength, quoted_name),
    };
    // /etc/passwd:/etc/passwd is a mount.
    let before = name.start.checked_sub(1).and_then(|at| bytes.get(at));
    if before == Some(&b'/') && link == Link::Loose {
        return None;
    }
    if quoted_name {
        link = Link::Assigned;
    }
    at += length;
    // A value in quotes may stand on the next line.
    let far = skip_blanks(bytes, at, true);
    at = match quote_at(text, far) {
        Some(_) => far,
        None => skip_blanks(bytes, at, false),
    };
    let spelled = text.get(name.clone())?.to_ascii_lowercase();
    let range = if spelled.ends_with("cookie") && quote_at(text, at).is_none() {
        link = Link::Assigned;
        at..line_end(text, at)
    } else {
        let start = skip_scheme(text, at);
        // What follows `Bearer` is no word of a sentence.
        link = if start > at { Link::Assigned } else { link };
        value_at(text, start, !quoted_name)?
    };
    Some(NameMatch { range, link })
}

/// A cookie ends with its line, or where the text around it does.
fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find(['\n', '\r', '"', '\'']).unwrap_or(rest.len())
}

/// `<password>x</password>` and `<name>…password</name><value>x</value>`.
fn in_markup(text: &str, at: usize) -> Option<NameMatch> {
    let rest = text.get(at..)?;
    let start = if let Some(after) = rest.strip_prefix("</name>") {
        let inner = after.trim_start();
        let value = inner.strip_prefix("<value>")?;
        text.len() - value.len()
    } else if rest.starts_with('>') && !rest.starts_with(">=") {
        at + 1
    } else {
        return None;
    };
    let value = text.get(start..)?;
    let length = value.find("</").filter(|length| *length <= MAX_QUOTED)?;
    Some(NameMatch {
        range: start..start + length,
        link: Link::Assigned,
    })
}

/// `--password x`, `["--password","x"]`, `(spark.x.password,x)`, `PASSWORD 'x'`.
fn without_separator(
    text: &str,
    name: &Range<usize>,
    after_name: usize,
    after_blanks: usize,
    strength: Strength,
    quoted_name: bool,
) -> Option<NameMatch> {
    let bytes = text.as_bytes();
    let spelled = text.get(name.clone())?;
    let is_flag = spelled.starts_with('-');
    let before = name.start.checked_sub(1).and_then(|at| bytes.get(at));
    let is_tuple = before == Some(&b'(') && spelled.contains('.');
    let mut at = after_blanks;
    if bytes.get(at) == Some(&b',') && (is_flag || is_tuple) {
        at = skip_blanks(bytes, at + 1, false);
    } else if after_blanks == after_name {
        return None;
    } else if !is_flag {
        let is_worded = strength == Strength::Strong || quoted_name;
        quote_at(text, at).filter(|_| is_worded)?;
    }
    if is_flag && bytes.get(at) == Some(&b'-') {
        return None;
    }
    Some(NameMatch {
        range: value_at(text, skip_scheme(text, at), true)?,
        link: if is_flag { Link::Assigned } else { Link::Loose },
    })
}

fn digits(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn skip_blanks(bytes: &[u8], at: usize, lines: bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let is_blank =
        |byte: &&u8| matches!(byte, b' ' | b'\t') || (lines && byte.is_ascii_whitespace());
    at + rest.iter().take(256).take_while(is_blank).count()
}

/// The length and kind of the separator at a place.
fn separator_at(text: &str, at: usize) -> Option<(usize, Link)> {
    let rest = text.get(at..)?;
    // The longer ones first.
    for separator in ["<=>", ":=", "=>", "->", "==", "=", "\\u003d", "\\u003D"] {
        if rest.starts_with(separator) {
            return Some((separator.len(), Link::Assigned));
        }
    }
    for separator in ["%3D", "%3d", "%3A", "%3a"] {
        if rest.starts_with(separator) {
            return Some((separator.len(), Link::Assigned));
        }
    }
    // Not the colon of `token://`.
    (rest.starts_with(':') && !rest.starts_with("://") && !rest.starts_with("::"))
        .then_some((1, Link::Loose))
}

/// Past the kind of authorization in front of a value: `Bearer x`.
fn skip_scheme(text: &str, at: usize) -> usize {
    let quote = quote_at(text, at).map_or(0, str::len);
    let Some(rest) = text.get(at + quote..) else {
        return at;
    };
    for scheme in ["bearer", "basic", "negotiate", "digest", "token", "apikey"] {
        let Some(head) = rest.get(..scheme.len()) else {
            continue;
        };
        let blank = rest.as_bytes().get(scheme.len());
        if head.eq_ignore_ascii_case(scheme) && blank == Some(&b' ') {
            return at + quote + scheme.len() + 1;
        }
    }
    at
}

/// A quotation mark as texts write it: plain, escaped, encoded.
fn quote_at(text: &str, at: usize) -> Option<&str> {
    const ENCODED: [&str; 7] = ["&quot;", "&#34;", "&#39;", "&apos;", "%22", "%27", "%60"];
    let rest = text.get(at..)?;
    let slashes = rest.bytes().take_while(|byte| *byte == b'\\').count();
    let mark = rest.get(slashes..)?;
    if mark.starts_with(['"', '\'', '`']) {
        return rest.get(..=slashes);
    }
    if slashes > 0 && (mark.starts_with("u0022") || mark.starts_with("u0027")) {
        return rest.get(..slashes + 5);
    }
    ENCODED
        .into_iter()
        .find(|encoded| slashes == 0 && rest.starts_with(encoded))
}

/// The value that begins at a place; `None` where there is none.
fn value_at(text: &str, at: usize, may_hold_more: bool) -> Option<Range<usize>> {
    let range = match quote_at(text, at) {
        Some(quote) => {
            let start = at + quote.len();
            start..quoted_end(text, start, quote)
        }
        None => at..bare_end(text, at, may_hold_more),
    };
    (range.start < range.end).then_some(range)
}

/// The end of a value that began with `quote`.
fn quoted_end(text: &str, start: usize, quote: &str) -> usize {
    let bytes = text.as_bytes();
    let limit = text.len().min(start + MAX_QUOTED);
    let slashes = quote.bytes().take_while(|byte| *byte == b'\\').count();
    let mark = quote.get(slashes..).unwrap_or(quote);
    let mut from = start;
    let end_of_line = || {
        let rest = bytes.get(start..limit).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        boundary(text, start + length)
    };
    loop {
        let Some(rest) = bytes.get(from..limit) else {
            return end_of_line();
        };
        let Some(found) = memchr::memmem::find(rest, mark.as_bytes()) else {
            return end_of_line();
        };
        let at = from + found;
        let before = bytes.get(start..at).unwrap_or_default();
        let escapes = before
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        let after = at + mark.len();
        let is_doubled = mark == "'" && slashes == 0 && bytes.get(after) == Some(&b'\'');
        if is_doubled {
            from = after + 1;
        } else if escapes <= slashes && (slashes > 0 || escapes == 0) {
            return at - escapes;
        } else {
            from = after;
        }
    }
}

/// The end of a value without quotes. What may be a part of a password (`a,b`, `a&b`) ends it only
/// where something else begins behind it.
fn bare_end(text: &str, at: usize, may_hold_more: bool) -> usize {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..).unwrap_or_default();
    if matches!(rest.first(), Some(b'(' | b'[' | b'{' | b'<')) {
        return at;
    }
    if rest.starts_with(b"${")
        && let Some(end) = memchr::memchr(b'}', rest.get(..256).unwrap_or(rest))
    {
        return at + end + 1;
    }
    for (offset, byte) in rest.iter().enumerate() {
        let here = at + offset;
        match byte {
            _ if byte.is_ascii_whitespace() || byte.is_ascii_control() => return here,
            b'"' | b'\'' | b'`' | b'>' => return here,
            b'\\' if quote_at(text, here).is_some() => return here,
            b'\\' if ends_in_escape(bytes, here) => return here,
            b'%' if matches!(
                bytes.get(here + 1..here + 3),
                Some(b"26" | b"22" | b"27" | b"20")
            ) =>
            {
                return here;
            }
            b'<' if bytes.get(here + 1) == Some(&b'/') => return here,
            b',' | b';' | b'&' | b'|' | b')' | b']' | b'}'
                if !may_hold_more || ends_value(bytes, here + 1) =>
            {
                return here;
            }
            _ => {}
        }
    }
    text.len()
}

/// A line's end, or `&`, as JSON writes it.
fn ends_in_escape(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    rest.starts_with(b"u0026")
        || (matches!(rest.first(), Some(b'n' | b't' | b'r'))
            && !rest.get(1).is_some_and(u8::is_ascii_lowercase))
}

/// Whether what follows a delimiter is not a part of the value before it.
fn ends_value(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(first) = rest.first() else {
        return true;
    };
    if !is_name_byte(*first) {
        return true;
    }
    let name = rest.iter().take(64).take_while(|byte| is_name_byte(**byte));
    let after = rest.get(name.count()..).unwrap_or_default();
    let blanks = skip_blanks(after, 0, false);
    let after = after.get(blanks..).unwrap_or_default();
    matches!(after.first(), Some(b'=' | b':')) || after.starts_with(b"->")
}

/// The nearest boundary of a character at or before a place.
fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn is_secret(value: &str, strength: Strength, link: Link) -> bool {
    let value = value.trim();
    if value.is_empty() || is_already_masked(value) || is_reference(value) || is_flag(value) {
        return false;
    }
    if strength == Strength::Strong {
        return true;
    }
    let is_number = value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    if is_number || value.len() < 4 {
        return false;
    }
    link == Link::Assigned || looks_random(value)
}

/// Whether a mask stands here already, ours or another's.
pub(super) fn is_already_masked(value: &str) -> bool {
    value.starts_with("*********") // Spark's, whole or cut
        || value.bytes().all(|byte| byte == b'*')
        || (value.len() >= 4 && value.bytes().all(|byte| matches!(byte, b'x' | b'X')))
        || value.to_ascii_lowercase().contains("redacted")
}

/// Whether the value only says where the secret is: `${env:X}`, `{{secrets/scope/key}}`.
fn is_reference(value: &str) -> bool {
    let inner = value
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .or_else(|| {
            let rest = value.strip_prefix("{{")?;
            rest.strip_suffix("}}")
        });
    inner.is_some_and(|inner| !inner.contains(":-") && !inner.contains(['{', '}']))
}

fn is_flag(value: &str) -> bool {
    [
        "true",
        "false",
        "null",
        "none",
        "nil",
        "yes",
        "no",
        "undefined",
        "required",
    ]
    .iter()
    .any(|word| value.eq_ignore_ascii_case(word))
}

/// Words of a language have no digits among their letters.
pub(super) fn looks_random(value: &str) -> bool {
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    value.len() >= 6 && letters && digits
}
