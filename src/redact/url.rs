//! Credentials in addresses: `scheme://user:password@host`, and Oracle's `user/password@host`.

use std::borrow::Cow;
use std::ops::Range;

use super::value::{is_already_masked, looks_random};

/// Longest part of an address that is looked at, in bytes.
const MAX_AUTHORITY: usize = 512;
/// Longest address that is looked at, in bytes.
const MAX_ADDRESS: usize = 8 << 10;

/// Ends of `://` as texts write it.
const SEPARATORS: [&str; 3] = ["://", ":\\/\\/", "%3A%2F%2F"];

/// The user and password of the address whose `://` is at `separator`.
pub(super) fn credentials(text: &str, separator: Range<usize>) -> Option<Range<usize>> {
    let start = separator.end;
    let rest = text.get(start..)?;
    let encoded = text
        .get(separator.clone())
        .is_some_and(|mark| mark.starts_with('%'));
    let bytes = rest.as_bytes();
    let window = bytes.get(..MAX_AUTHORITY).unwrap_or(bytes);
    if !encoded && memchr::memchr(b'@', window).is_none() {
        return None;
    }
    let length = window
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || b"\"'`<>,;".contains(byte))
        .unwrap_or(window.len());
    let mut whole = length;
    while !rest.is_char_boundary(whole) {
        whole -= 1;
    }
    let address = rest.get(..whole)?;
    let end = if encoded {
        address
            .find("%40")
            .filter(|at| address.get(..*at).is_some_and(|user| !user.contains("%2F")))?
    } else {
        user_end(address)?
    };
    let user = address.get(..end)?;
    let scheme = scheme_before(text, separator.start);
    is_secret(scheme, user).then(|| start..start + end)
}

/// Where the user's part of an address ends. A password may hold `/` and `@`, though it should not.
fn user_end(address: &str) -> Option<usize> {
    let at = address.find('@')?;
    let before = address.get(..at)?;
    let slash = before.find(['/', '?', '#', '\\']);
    let Some(slash) = slash else {
        // The last one in front of the path counts.
        let path = address.find(['/', '?', '#', '\\']).unwrap_or(address.len());
        return address.get(..path)?.rfind('@');
    };
    // host:8020/path@x has a port, user:pass/word@host has none.
    let (_, password) = before.get(..slash)?.split_once(':')?;
    let is_port = password.bytes().all(|byte| byte.is_ascii_digit());
    let is_bracket = before.starts_with('[');
    (!is_port && !is_bracket && !password.is_empty()).then_some(at)
}

/// `user:password` always; a user alone only where servers take a token there.
fn is_secret(scheme: &str, user: &str) -> bool {
    if is_already_masked(user) {
        return false;
    }
    let password = user
        .split_once(':')
        .or_else(|| user.split_once("%3A"))
        .or_else(|| user.split_once("%3a"))
        .map(|(_, password)| password);
    if let Some(password) = password {
        !password.is_empty() && !is_already_masked(password)
    } else {
        let takes_tokens = ["http", "https", "s3", "s3a", "s3n"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
        takes_tokens && user.len() >= 8 && looks_random(user)
    }
}

/// No more of a text than an address has.
fn beginning(text: &str) -> &str {
    let mut end = text.len().min(MAX_ADDRESS);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

fn scheme_before(text: &str, end: usize) -> &str {
    let before = text.get(..end).unwrap_or_default();
    let letters = before
        .bytes()
        .rev()
        .take(32)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(byte))
        .count();
    before.get(before.len() - letters..).unwrap_or_default()
}

/// The password of `jdbc:oracle:thin:user/password@host`, whose `jdbc:oracle:` is at `start`.
pub(super) fn oracle_password(text: &str, start: Range<usize>) -> Option<Range<usize>> {
    let rest = beginning(text.get(start.end..)?);
    let (driver, after) = rest.split_once(':')?;
    if driver.len() > 16 || driver.contains(char::is_whitespace) {
        return None;
    }
    let begin = start.end + driver.len() + 1;
    let end = after.find(|letter: char| letter.is_whitespace() || "\"'<>;".contains(letter));
    let address = after.get(..end.unwrap_or(after.len()))?;
    let credentials = address.get(..address.find('@')?)?;
    let slash = credentials.find('/')?;
    let password = credentials.get(slash + 1..)?;
    (!password.is_empty() && !is_already_masked(password))
        .then(|| begin + slash + 1..begin + credentials.len())
}

/// The query of the address whose `://` is at `separator`, with its question mark.
pub(super) fn query(text: &str, separator: Range<usize>) -> Option<Range<usize>> {
    let rest = beginning(text.get(separator.end..)?);
    let end = rest.find(|letter: char| letter.is_whitespace() || "\"'`<>".contains(letter));
    let address = rest.get(..end.unwrap_or(rest.len()))?;
    let mark = address.find(['?', '#'])?;
    let query = address.get(mark + 1..)?;
    (!query.is_empty() && !is_already_masked(query))
        .then(|| separator.end + mark + 1..separator.end + address.len())
}

/// The address without user, password and telling parameters of its query.
///
/// For addresses that rows and requests are found by: nothing else of them is touched, whatever
/// the names of folders may look like.
#[must_use]
pub fn without_credentials(address: &str) -> Cow<'_, str> {
    if !address.contains(['@', '?', '%']) {
        return Cow::Borrowed(address);
    }
    let mut shown = address.to_owned();
    if let Some(at) = SEPARATORS
        .iter()
        .find_map(|mark| shown.find(mark).map(|at| at..at + mark.len()))
        && let Some(secret) = credentials(&shown, at)
    {
        shown.replace_range(secret, super::MASK);
    }
    let Some(mark) = shown.find('?') else {
        return Cow::Owned(shown);
    };
    let (place, query) = shown.split_at(mark + 1);
    let parameters: Vec<String> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value))
                if super::names::is_sensitive_parameter(name) && !value.is_empty() =>
            {
                format!("{name}={}", super::MASK)
            }
            _ => parameter.to_owned(),
        })
        .collect();
    Cow::Owned(format!("{place}{}", parameters.join("&")))
}
