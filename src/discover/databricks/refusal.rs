//! Why a workspace refused, in words that help.

use serde::Deserialize;

use crate::discover::DiscoverError;
use crate::http::HttpError;

/// A question to a workspace.
#[derive(Debug, Clone, Copy)]
pub(super) struct ApiRequest {
    /// Method and path, as people look it up.
    pub(super) call: &'static str,
    /// What to do when the caller may not ask it.
    pub(super) permission: &'static str,
}

impl ApiRequest {
    fn failed(self, uri: &str, code: &str, message: String, cure: &str) -> DiscoverError {
        DiscoverError::Platform {
            uri: uri.to_owned(),
            call: self.call.to_owned(),
            code: code.to_owned(),
            message,
            cure: cure.to_owned(),
            retryable: false,
        }
    }

    /// An element of the answer is not what the interface promises.
    pub(super) fn malformed(self, uri: &str, error: &serde_json::Error) -> DiscoverError {
        let message = format!("an element of the answer could not be read: {error}");
        self.failed(uri, "DATABRICKS_MALFORMED", message, "please report it")
    }

    /// The list has no end.
    pub(super) fn endless(self, uri: &str, pages: usize) -> DiscoverError {
        let message = format!("the list has no end; it was left after {pages} pages");
        let cure = "narrow the window or the filters";
        self.failed(uri, "DATABRICKS_ENDLESS_LIST", message, cure)
    }
}

/// The body of a refusal. Some parts of the interface use other names.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    error_code: Option<serde_json::Value>,
    error: Option<String>,
    message: Option<String>,
    error_description: Option<String>,
}

/// The workspace's own code, such as `PERMISSION_DENIED`, from the text of an answer: JSON, which may
/// be cut off, or what the HTTP client makes of it, `PERMISSION_DENIED: no`.
pub(super) fn error_code(text: &str) -> Option<String> {
    let parsed: Option<Body> = serde_json::from_str(text).ok();
    let code = match parsed {
        Some(body) => match body.error_code {
            Some(serde_json::Value::String(code)) => Some(code),
            _ => body.error,
        },
        None => field_of(text, "error_code")
            .or_else(|| split_code(text).map(|(code, _)| code))
            .map(str::to_owned),
    };
    code.filter(|code| is_code(code))
}

/// `PERMISSION_DENIED: no` in its parts.
fn split_code(text: &str) -> Option<(&str, &str)> {
    let (code, message) = text.split_once(": ").unwrap_or((text, text));
    let is_upper = !code.bytes().any(|byte| byte.is_ascii_lowercase());
    (is_upper && is_code(code) && !code.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some((code, message))
}

/// A text field of an object that is cut off.
fn field_of<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("\"{name}\""))?;
    let value = rest.trim_start_matches([' ', ':']).strip_prefix('"')?;
    value.split('"').next()
}

/// Codes go into tables: only what looks like one.
fn is_code(code: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=64).contains(&code.len()) && code.bytes().all(is_word)
}

/// What the workspace said, for people.
pub(super) fn message(text: &str) -> String {
    let body: Body = serde_json::from_str(text).unwrap_or_default();
    let said = body.message.or(body.error_description);
    let bare = || split_code(text).map_or(text, |(_, message)| message);
    let cut_off = || field_of(text, "message").unwrap_or_else(bare).to_owned();
    let said = said.unwrap_or_else(cut_off);
    let line: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(500).collect()
}

/// Turns a failed request into an error that names the call and the cure.
pub(super) fn explain(uri: &str, asked: ApiRequest, error: HttpError) -> DiscoverError {
    let (status, text) = match &error {
        HttpError::Status {
            status, message, ..
        } => (Some(*status), message.clone()),
        other => (other.status(), other.to_string()),
    };
    let code = error_code(&text);
    let Some(cure) = cure(status, code.as_deref(), &error.code(), asked) else {
        // The connection failed, not the call: the HTTP error knows better what to do.
        return DiscoverError::Http {
            uri: uri.to_owned(),
            source: error,
        };
    };
    let is_busy = matches!(
        code.as_deref(),
        Some("TEMPORARILY_UNAVAILABLE" | "REQUEST_LIMIT_EXCEEDED" | "RESOURCE_EXHAUSTED")
    );
    DiscoverError::Platform {
        uri: uri.to_owned(),
        call: asked.call.to_owned(),
        retryable: error.is_retryable() || is_busy,
        code: match code {
            Some(code) => format!("DATABRICKS_{}", code.to_ascii_uppercase()),
            None => error.code(),
        },
        message: message(&text),
        cure,
    }
}

fn cure(
    status: Option<u16>,
    code: Option<&str>,
    http_code: &str,
    asked: ApiRequest,
) -> Option<String> {
    let cure = match (status, code) {
        (_, Some("UNAUTHENTICATED" | "INVALID_TOKEN" | "invalid_client")) | (Some(401), _) => {
            "the token is wrong or has expired: make a new one, or use a service principal with an \
             OAuth secret, whose tokens are renewed by themselves"
        }
        (_, Some("FEATURE_DISABLED" | "ENDPOINT_NOT_FOUND" | "NOT_FOUND")) | (Some(404), None) => {
            "check that the workspace URL is that of a workspace (https://….cloud.databricks.com, \
             https://adb-….azuredatabricks.net) and not of the account console"
        }
        (_, Some("RESOURCE_DOES_NOT_EXIST" | "INVALID_PARAMETER_VALUE" | "CLUSTER_NOT_FOUND")) => {
            "nothing to do if it was deleted meanwhile"
        }
        (_, Some("REQUEST_LIMIT_EXCEEDED" | "RESOURCE_EXHAUSTED")) | (Some(429), _) => {
            "too many requests at once: lower max_cluster_threads, or raise batch_delay_seconds"
        }
        (_, Some("PERMISSION_DENIED")) | (Some(403), _) => asked.permission,
        (Some(500..=599), _) | (_, Some("TEMPORARILY_UNAVAILABLE" | "INTERNAL_ERROR")) => {
            "try again later; the workspace failed to answer"
        }
        _ if matches!(http_code, "LOGIN_PAGE" | "NOT_JSON") => {
            "the workspace answered with a page instead of data: the token is not of this \
             workspace, or the URL is not a workspace's"
        }
        (Some(_), _) => "see the message",
        (None, _) => return None,
    };
    Some(cure.to_owned())
}

/// Whether the workspace does not know the thing any more.
pub(super) fn is_gone(error: &DiscoverError) -> bool {
    matches!(
        error,
        DiscoverError::Platform { code, message, .. }
            if code == "DATABRICKS_RESOURCE_DOES_NOT_EXIST"
                || code == "DATABRICKS_CLUSTER_NOT_FOUND"
                || (code == "DATABRICKS_INVALID_PARAMETER_VALUE" && message.contains("does not exist"))
    )
}
