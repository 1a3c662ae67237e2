//! Pages for people, where data was asked for: what they are, and what they are called.

use memchr::memmem;

/// Where a page says what it is; the rest is not searched.
const HEAD: usize = 64 << 10;

/// Words of titles of pages where people log in, in lower case.
const LOGIN_TITLES: [&str; 10] = [
    "anmelden",
    "authenticat",
    "authoriz",
    "expired",
    "log in",
    "login",
    "sign in",
    "sign-in",
    "signin",
    "single sign-on",
];

/// What Databricks answers while it loads the history of a terminated cluster.
const LOADING: &str = "loading historical spark ui";

/// The page's beginning in lower case.
fn head(body: &[u8]) -> Vec<u8> {
    body[..body.len().min(HEAD)].to_ascii_lowercase()
}

/// Whether the answer is a page, by its type or its beginning.
pub(super) fn is_page(content_type: &str, body: &[u8]) -> bool {
    is_page_type(content_type)
        || body
            .iter()
            .find(|byte| !byte.is_ascii_whitespace() && !b"\xEF\xBB\xBF".contains(byte))
            .is_some_and(|byte| *byte == b'<')
}

/// Whether the answer says that it is a page.
pub(super) fn is_page_type(content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    content_type.starts_with("text/html") || content_type.starts_with("application/xhtml")
}

/// Whether the server says that it still loads the history.
pub(super) fn is_loading(body: &[u8]) -> bool {
    memmem::find(&head(body), LOADING.as_bytes()).is_some()
}

/// Whether people log in on the page.
pub(super) fn asks_for_login(body: &[u8]) -> bool {
    let head = head(body);
    ["type=\"password\"", "type='password'", "type=password"]
        .iter()
        .any(|field| memmem::find(&head, field.as_bytes()).is_some())
        || title(body).is_some_and(|title| {
            let title = title.to_lowercase();
            LOGIN_TITLES.iter().any(|word| title.contains(word))
        })
}

/// The page's title as it stands there.
pub(super) fn title(body: &[u8]) -> Option<String> {
    let head = head(body);
    let tag = memmem::find(&head, b"<title")?;
    let start = tag + memchr::memchr(b'>', &head[tag..])? + 1;
    let end =
        start + memmem::find(&head[start..], b"</title").unwrap_or(200.min(head.len() - start));
    let title = String::from_utf8_lossy(&body[start..end]).trim().to_owned();
    (!title.is_empty()).then_some(title)
}
