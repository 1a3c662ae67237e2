//! Addresses: joining, comparing and showing them.

use url::Url;

use super::error::HttpError;

/// Words that name pages where people log in, as a segment of a path.
const LOGIN_SEGMENTS: [&str; 16] = [
    "adfs",
    "authorize",
    "cas",
    "knoxauth",
    "knoxsso",
    "log-in",
    "login",
    "logon",
    "oauth",
    "oauth2",
    "openid-connect",
    "saml",
    "saml2",
    "sign-in",
    "signin",
    "sso",
];

/// One segment of a path, percent-encoded: application and execution ids come from other people's
/// programs, and may hold a slash.
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

/// The address as it may be shown: without user, query and fragment, where secrets are.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither fails where there is a host, and where there is none, there is no user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// The scheme and the server alone.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The base as a folder: its path ends in a slash, and there is nothing behind or in front of it.
pub(super) fn folder(base: &Url) -> Result<Url, HttpError> {
    if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
        return Err(HttpError::Settings {
            message: format!(
                "`{}` is no address of a server; write http://host:port/ or https://host/",
                shown(base)
            ),
        });
    }
    let mut base = base.clone();
    base.set_query(None);
    base.set_fragment(None);
    let path = format!("{}/", base.path().trim_end_matches('/'));
    base.set_path(&path);
    Ok(base)
}

/// The address of `path` below the folder `base`. What a proxy puts in front of all paths stays.
pub(super) fn join(base: &Url, path: &str, query: &[(&str, String)]) -> Result<Url, HttpError> {
    let path = path.trim_start_matches('/');
    // Such a segment would climb out of the folder, also percent-encoded.
    let climbs = path.split('/').any(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        matches!(plain.as_str(), "." | "..")
    });
    if climbs {
        return Err(HttpError::Settings {
            message: format!(
                "a path below {} has a segment `.` or `..`, which is not asked for",
                shown(base)
            ),
        });
    }
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path()));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// Whether what is meant for the server of `from` may be sent to that of `to`: the same server, or
/// its port with TLS, which Spark redirects to.
pub(super) fn same_server(from: &Url, to: &Url) -> bool {
    from.host() == to.host()
        && match (from.scheme(), to.scheme()) {
            ("http", "https") => true,
            (before, after) => {
                before == after && from.port_or_known_default() == to.port_or_known_default()
            }
        }
}

/// Whether a redirect from `asked` to `target` leads to a page where people log in, by its path.
pub(super) fn leads_to_login(asked: &Url, target: &Url) -> bool {
    let segments = |url: &Url| -> Vec<String> {
        url.path()
            .split('/')
            .map(|segment| {
                let stem = segment.split('.').next().unwrap_or_default();
                stem.to_ascii_lowercase()
            })
            .collect()
    };
    let before = segments(asked);
    segments(target)
        .iter()
        .any(|segment| LOGIN_SEGMENTS.contains(&segment.as_str()) && !before.contains(segment))
}
