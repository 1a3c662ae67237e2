//! Failures of object stores that a user can fix, recognised in what libraries say about them.
//!
//! A store answers with a status and a page of XML, and the libraries put both, with the request,
//! into one long text. For the common mistakes one sentence with the fix says more.

use std::error::Error;

/// What a user can do something about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailure {
    /// The store knows who asks and does not permit it.
    #[error(
        "access is denied{}; give these credentials the right to list, read and write objects there",
        in_parentheses(.code)
    )]
    Denied {
        /// The store's word for it, such as `AccessDenied`; empty where it has none.
        code: String,
    },
    /// The store does not accept the credentials.
    #[error(
        "the store does not accept the credentials{}; check the key and its secret, a temporary one \
         may have expired",
        in_parentheses(.code)
    )]
    BadCredentials {
        /// The store's word for it, such as `InvalidAccessKeyId`.
        code: String,
    },
    /// No credentials were given, and the machine has none to offer.
    #[error(
        "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or \
         their like of another cloud, give the machine a role, or add storage options"
    )]
    NoCredentials,
    /// There is no such bucket or container.
    #[error("the bucket does not exist; check its name, or create it first")]
    NoBucket,
    /// The bucket is somewhere else.
    #[error("the bucket is in another region; set it with --storage-option aws_region=…")]
    WrongRegion,
    /// No answer.
    #[error("{} does not answer; check the endpoint and the network", endpoint_or_store(.endpoint))]
    NoAnswer {
        /// Scheme, host and port; empty where it is not known.
        endpoint: String,
    },
}

/// Codes with which stores refuse credentials.
const BAD_CREDENTIALS: [&str; 8] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "AuthenticationFailed",
    "InvalidAuthenticationInfo",
    "invalid_grant",
];
/// Codes and words of a missing bucket.
const NO_BUCKET: [&str; 3] = [
    "NoSuchBucket",
    "ContainerNotFound",
    "The specified bucket does not exist",
];
/// What stands in the text when the machine was asked for credentials in vain.
const NO_CREDENTIALS: [&str; 5] = [
    "169.254.169.254",
    "metadata.google.internal",
    "IMDS",
    "no providers in chain",
    "the credential provider was not enabled",
];
/// What stands in the text when the bucket is in another region.
const WRONG_REGION: [&str; 3] = [
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "301 Moved Permanently",
];
/// What stands in the text when no connection came about.
const NO_ANSWER: [&str; 3] = ["(Connect)", "dns error", "Connection refused"];

impl StoreFailure {
    /// Recognises a failure in an error and its causes; `None` where the text had better be shown.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut text = error.to_string();
        let mut is_denied = is_denied(error);
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push(' ');
            text.push_str(&error.to_string());
            is_denied |= self::is_denied(error);
            cause = error.source();
        }
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let code = code_of(&text);
        if says(&NO_CREDENTIALS) {
            Some(Self::NoCredentials)
        } else if says(&NO_BUCKET) {
            Some(Self::NoBucket)
        } else if says(&WRONG_REGION) {
            Some(Self::WrongRegion)
        } else if says(&BAD_CREDENTIALS) || text.contains("401 Unauthorized") {
            Some(Self::BadCredentials { code })
        } else if text.contains("403 Forbidden") || is_denied {
            Some(Self::Denied { code })
        } else if says(&NO_ANSWER) {
            let endpoint = endpoint_of(&text);
            Some(Self::NoAnswer { endpoint })
        } else {
            None
        }
    }

    /// Whether trying again may help although nothing was changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::NoAnswer { .. })
    }
}

fn is_denied(error: &(dyn Error + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(
            object_store::Error::PermissionDenied { .. }
                | object_store::Error::Unauthenticated { .. }
        )
    )
}

/// The `<Code>` of an answer in XML.
fn code_of(text: &str) -> String {
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map_or("", |(code, _)| code.trim());
    let is_word = code.len() <= 64 && code.chars().all(|sign| sign.is_ascii_alphanumeric());
    if is_word {
        code.to_owned()
    } else {
        String::new()
    }
}

/// Scheme, host and port of the first address in the text.
fn endpoint_of(text: &str) -> String {
    let address = text
        .split([' ', '(', ')', ','])
        .find(|word| word.starts_with("http://") || word.starts_with("https://"));
    address
        .and_then(|address| url::Url::parse(address).ok())
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}

fn in_parentheses(code: &str) -> String {
    if code.is_empty() {
        String::new()
    } else {
        format!(" ({code})")
    }
}

fn endpoint_or_store(endpoint: &str) -> &str {
    if endpoint.is_empty() {
        "the store"
    } else {
        endpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<String> {
        let error = object_store::Error::Generic {
            store: "S3",
            source: text.into(),
        };
        StoreFailure::of(&error).map(|failure| failure.to_string())
    }

    const ANSWER: &str = "Error performing GET http://127.0.0.1:9000/lakes/a in 4ms - Server \
                          returned non-2xx status code: ";

    #[test]
    fn each_common_mistake_has_its_sentence() {
        let xml = |status: &str, code: &str| {
            told(&format!(
                "{ANSWER}{status}: <?xml version=\"1.0\"?> <Error><Code>{code}</Code></Error>"
            ))
            .unwrap_or_default()
        };
        let denied = xml("403 Forbidden", "AccessDenied");
        assert!(
            denied.starts_with("access is denied (AccessDenied);"),
            "{denied}"
        );
        let refused = xml("403 Forbidden", "InvalidAccessKeyId");
        assert!(
            refused.contains("credentials (InvalidAccessKeyId)"),
            "{refused}"
        );
        assert!(xml("404 Not Found", "NoSuchBucket").starts_with("the bucket does not exist"));
        let moved = xml("301 Moved Permanently", "PermanentRedirect");
        assert!(moved.contains("aws_region"), "{moved}");
        for text in [denied, refused, moved] {
            assert!(!text.contains('<') && !text.contains("127.0.0.1"), "{text}");
        }
        let alone = told("Error performing PUT http://169.254.169.254/latest/api/token in 12ms");
        assert!(alone.is_some_and(|text| text.contains("AWS_ACCESS_KEY_ID")));
        let silent = told(
            "Error performing GET http://127.0.0.1:4699/lakes/a?x=secret in 1ms - HTTP error: \
             client error (Connect): tcp connect error",
        );
        let silent = silent.unwrap_or_default();
        assert!(
            silent.starts_with("http://127.0.0.1:4699 does not answer"),
            "{silent}"
        );
        assert!(!silent.contains("secret"));
    }

    #[test]
    fn what_is_not_recognised_is_left_as_it_is() {
        assert_eq!(told(&format!("{ANSWER}500 Internal Server Error")), None);
        assert_eq!(told("the object is not there"), None);
    }
}
