//! What the platforms of AWS have in common: how their services are reached, and what an error of
//! theirs means.
//!
//! All settings that are left out are taken from where the AWS tools take them: environment
//! variables, `~/.aws`, the instance's or the container's role.

mod endpoint_cap;

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use chrono::{DateTime, Utc};

use super::problem::DiscoverError;
use super::{Check, CheckOutcome};
use crate::http::Secret;
pub use endpoint_cap::EndpointCap;

/// The name that an assumed role's session bears in CloudTrail.
const SESSION_NAME: &str = "sparklake";
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest text of a service that a message repeats, in characters.
const MAX_MESSAGE: usize = 500;

/// How the services of AWS are reached.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    /// Region; by default that of the environment or the profile.
    pub region: Option<String>,
    /// Profile of `~/.aws/config`; by default that of the environment.
    pub profile: Option<String>,
    /// Address of every service, S3 included, instead of AWS's own: a test server, a gateway.
    pub endpoint_url: Option<String>,
    /// Addresses of single services, such as VPC endpoints, by the services' names in host names:
    /// `elasticmapreduce`, `s3`.
    pub endpoint_urls: BTreeMap<String, String>,
    /// Failures in a row after which an operation is not called any more; 0 for never.
    pub max_endpoint_failures: u32,
    /// Keys of one's own in place of those that the environment has.
    pub keys: Option<AwsKeys>,
    /// Role to assume before anything is asked: that of another account.
    pub assume_role_arn: Option<String>,
    /// External id that the role asks for.
    pub external_id: Option<String>,
    /// Attempts of one call, the first included. Between them the SDK waits, and slows down all
    /// calls of the service when it is throttled.
    pub max_attempts: u32,
    /// Longest wait for the answer of one attempt.
    pub timeout: Duration,
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsKeys {
    /// Its id.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: Secret,
    /// Belongs to keys that are valid for a while only.
    pub session_token: Option<Secret>,
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            endpoint_url: None,
            endpoint_urls: BTreeMap::new(),
            max_endpoint_failures: 3,
            keys: None,
            assume_role_arn: None,
            external_id: None,
            max_attempts: 8,
            timeout: Duration::from_secs(60),
        }
    }
}

/// Looks up what `settings` leave open, and assumes their role. Clients of all services are made
/// from the one result, so that they share credentials and the knowledge of being throttled.
///
/// Credentials are not asked for yet, unless a role is to be assumed with them.
pub async fn sdk_config(settings: &AwsSettings) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout))
        .operation_attempt_timeout(settings.timeout)
        .build();
    let retries = RetryConfig::adaptive().with_max_attempts(settings.max_attempts.max(1));
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(retries)
        .timeout_config(timeouts);
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &settings.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(keys) = &settings.keys {
        loader = loader.credentials_provider(keys.credentials());
    }
    let config = loader.load().await;
    match &settings.assume_role_arn {
        Some(role) => with_role(config, role, settings).await,
        None => config,
    }
}

async fn with_role(config: SdkConfig, role: &str, settings: &AwsSettings) -> SdkConfig {
    let of_sts = match settings.endpoint_urls.get("sts") {
        Some(url) => config.to_builder().endpoint_url(url).build(),
        None => config.clone(),
    };
    let mut role = AssumeRoleProvider::builder(role)
        .session_name(SESSION_NAME)
        .configure(&of_sts);
    if let Some(id) = &settings.external_id {
        role = role.external_id(id);
    }
    let provider = SharedCredentialsProvider::new(role.build().await);
    config.into_builder().credentials_provider(provider).build()
}

impl AwsKeys {
    fn credentials(&self) -> Credentials {
        let token = self.session_token.as_ref();
        Credentials::new(
            &self.access_key_id,
            self.secret_access_key.expose(),
            token.map(|token| token.expose().to_owned()),
            None,
            "settings",
        )
    }
}

/// Makes the client of a service: with an address of its own where there is one, and with the cap on
/// failures that all clients of the platform share.
macro_rules! client {
    ($sdk:ident, $service:literal, $config:expr, $settings:expr, $cap:expr) => {{
        let settings: &$crate::discover::aws::AwsSettings = $settings;
        let mut builder = $sdk::config::Builder::from($config).interceptor($cap.clone());
        if let Some(url) = settings.endpoint_urls.get($service) {
            builder = builder.endpoint_url(url);
        }
        $sdk::Client::from_conf(builder.build())
    }};
}
pub(super) use client;

impl AwsSettings {
    /// The cap on failures for the clients of one platform.
    pub fn endpoint_cap(&self) -> EndpointCap {
        EndpointCap::new(self.max_endpoint_failures)
    }

    /// Address of S3, where it is not AWS's own.
    fn s3_endpoint(&self) -> Option<&String> {
        self.endpoint_urls.get("s3").or(self.endpoint_url.as_ref())
    }

    /// Whether credentials come from somewhere that only the AWS SDK knows of, and object stores
    /// don't.
    fn has_own_credentials(&self) -> bool {
        self.profile.is_some() || self.keys.is_some() || self.assume_role_arn.is_some()
    }
}

/// Settings of an object store on S3 by which it is read as the platform is asked: `own` ones, then
/// the region, and the credentials where only the AWS SDK knows where they come from.
///
/// Such credentials are those of this moment; a role's are valid for an hour.
///
/// # Errors
/// When there are no credentials.
pub async fn storage_options(
    settings: &AwsSettings,
    config: &SdkConfig,
    own: &HashMap<String, String>,
) -> Result<HashMap<String, String>, DiscoverError> {
    let mut options = own.clone();
    let has = |options: &HashMap<String, String>, name: &str| {
        options.keys().any(|key| {
            let key = key.to_ascii_lowercase();
            key == name || key.strip_prefix("aws_") == Some(name)
        })
    };
    if let Some(region) = config.region().filter(|_| !has(own, "region")) {
        options.insert("aws_region".to_owned(), region.to_string());
    }
    if let Some(url) = settings.s3_endpoint()
        && !["endpoint", "endpoint_url", "endpoint_url_s3"]
            .iter()
            .any(|name| has(own, name))
    {
        options.insert(
            "aws_endpoint".to_owned(),
            url.trim_end_matches('/').to_owned(),
        );
        if url.starts_with("http://") {
            options.insert("allow_http".to_owned(), "true".to_owned());
        }
    }
    if !settings.has_own_credentials() || has(own, "access_key_id") {
        return Ok(options);
    }
    let Some(provider) = config.credentials_provider() else {
        return Ok(options);
    };
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| no_credentials("s3", "s3:GetObject", &chain(&error)))?;
    let mut add = |name: &str, value: &str| options.insert(name.to_owned(), value.to_owned());
    add("aws_access_key_id", credentials.access_key_id());
    add("aws_secret_access_key", credentials.secret_access_key());
    if let Some(token) = credentials.session_token() {
        add("aws_session_token", token);
    }
    Ok(options)
}

/// What an error of a call means. `uri` is what was asked about; `call` is the call by the name
/// that permissions have, such as `elasticmapreduce:ListClusters`.
pub fn call_error<E, R>(uri: &str, call: &str, error: &SdkError<E, R>) -> DiscoverError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Status + Debug + 'static,
{
    let text = chain(error);
    if !matches!(error, SdkError::ServiceError(_)) && is_about_credentials(&text) {
        return no_credentials(uri, call, &text);
    }
    let (code, message, cure, retryable) = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status();
            match answer.err().code() {
                Some(code) => service_error(call, code, answer.err().message(), status),
                None => unreadable(&text, status),
            }
        }
        SdkError::ResponseError(answer) => unreadable(&text, answer.raw().status()),
        SdkError::TimeoutError(_) => timeout(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => timeout(),
        SdkError::ConstructionFailure(_) => match given_up(error) {
            Some(given_up) => (
                "GIVEN_UP".to_owned(),
                given_up.to_string(),
                "remove the cause of its failures, and run again".to_owned(),
                true,
            ),
            None => not_sent(&text),
        },
        _ => unreachable_service(&text),
    };
    DiscoverError::Platform {
        uri: uri.to_owned(),
        call: call.to_owned(),
        code,
        message,
        cure,
        retryable,
    }
}

/// The refusal of the cap on failures, where an error comes from that.
fn given_up<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e endpoint_cap::GivenUp> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(given_up) = error.downcast_ref() {
            return Some(given_up);
        }
        cause = error.source();
    }
    None
}

/// The HTTP status of an answer.
pub trait Status {
    /// The status.
    fn status(&self) -> u16;
}

impl Status for aws_sdk_sts::config::http::HttpResponse {
    fn status(&self) -> u16 {
        Self::status(self).as_u16()
    }
}

/// Code, message, cure, and whether trying again may help.
type Meaning = (String, String, String, bool);

fn service_error(call: &str, code: &str, message: Option<&str>, status: u16) -> Meaning {
    // Some services send `com.amazon.coral.service#AccessDeniedException:http://…`.
    let code = code.rsplit('#').next().unwrap_or(code);
    let code = code.split(':').next().unwrap_or(code);
    let kind = Kind::of(code, status);
    let message = match (kind, message) {
        // Its text repeats the request's headers, the session token among them.
        (Kind::Signature, _) => "the signature of the request was refused".to_owned(),
        (_, Some(text)) if !text.trim().is_empty() => format!("{code}: {}", presentable(text)),
        _ => format!("{code} (HTTP {status})"),
    };
    let cure = kind.cure(call);
    let retryable = matches!(kind, Kind::Throttled | Kind::Internal);
    (format!("AWS_{code}"), message, cure, retryable)
}

/// Kinds of refusals that have a cure of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Denied,
    Expired,
    UnknownKey,
    Signature,
    OptIn,
    Throttled,
    NotFound,
    Invalid,
    Internal,
    Other,
}

impl Kind {
    fn of(code: &str, status: u16) -> Self {
        let code = code.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
        if has(&["throttl", "toomanyrequests", "limitexceeded", "slowdown"]) || status == 429 {
            Self::Throttled
        } else if has(&["expired"]) {
            Self::Expired
        } else if has(&[
            "invalidclienttokenid",
            "unrecognizedclient",
            "invalidaccesskey",
        ]) {
            Self::UnknownKey
        } else if has(&["signature", "requesttimetooskewed", "invalidtoken"]) {
            Self::Signature
        } else if has(&["optinrequired", "subscriptionrequired"]) {
            Self::OptIn
        } else if has(&[
            "accessdenied",
            "unauthorized",
            "notauthorized",
            "authfailure",
        ]) || matches!(status, 401 | 403)
        {
            Self::Denied
        } else if has(&["notfound", "doesnotexist"]) || status == 404 {
            Self::NotFound
        } else if has(&["internal", "unavailable", "timeout"]) || status >= 500 {
            Self::Internal
        } else if has(&["invalid", "validation"]) {
            Self::Invalid
        } else {
            Self::Other
        }
    }

    fn cure(self, call: &str) -> String {
        let text = match self {
            Self::Denied => {
                return format!(
                    "allow the action {call} in the policy of the user or role that sparklake runs \
                     as (the least policies are in jobs/iam)"
                );
            }
            Self::Expired => {
                "the credentials have expired: log in again (aws sso login), or renew the keys"
            }
            Self::UnknownKey => {
                "AWS does not know the access key: check that it is active, of the right partition, \
                 and that the region is enabled for the account"
            }
            Self::Signature => {
                "check the secret key, the session token, the region and this machine's clock"
            }
            Self::OptIn => "enable the service or the region for the account",
            Self::Throttled => {
                "AWS limits how often the account may ask: lower max_cluster_threads, raise \
                 max_attempts, or run at another hour"
            }
            Self::NotFound => "check the id, the region and the account",
            Self::Invalid => "check the id or ARN, and that its region is the source's region",
            Self::Internal => "AWS reports an internal error: run again later",
            Self::Other => "see the code in the documentation of the call",
        };
        text.to_owned()
    }
}

fn unreadable(text: &str, status: u16) -> Meaning {
    let is_refusal = status >= 400;
    let code = match is_refusal {
        true => format!("HTTP_{status}"),
        false => "AWS_BAD_ANSWER".to_owned(),
    };
    let message = format!("HTTP {status} with a body that is no answer of AWS ({text})");
    let cure = "check aws_endpoint_url and proxies: something else may answer in the place of AWS";
    let retryable = !is_refusal || status >= 500 || status == 429;
    (code, message, cure.to_owned(), retryable)
}

fn timeout() -> Meaning {
    (
        "TIMEOUT".to_owned(),
        "no answer in time".to_owned(),
        "check that this machine reaches the service (proxy, VPC endpoint, firewall), or raise the \
         timeout"
            .to_owned(),
        true,
    )
}

fn not_sent(text: &str) -> Meaning {
    (
        "AWS_REQUEST_NOT_SENT".to_owned(),
        text.to_owned(),
        "check aws_region, aws_endpoint_url and aws_profile".to_owned(),
        false,
    )
}

fn unreachable_service(text: &str) -> Meaning {
    (
        "CONNECTION_ERROR".to_owned(),
        text.to_owned(),
        "check the region's name, aws_endpoint_url, and that this machine reaches the service (DNS, \
         proxy, VPC endpoint, certificate)"
            .to_owned(),
        true,
    )
}

fn no_credentials(uri: &str, call: &str, text: &str) -> DiscoverError {
    // The SDK lists every place that it searched.
    let nowhere = text.contains("no credentials found in chain");
    let text = match nowhere {
        true => {
            "none are in the environment, the profile, a web identity token, the container or the \
             machine's role"
        }
        false => text,
    };
    DiscoverError::Platform {
        uri: uri.to_owned(),
        call: call.to_owned(),
        code: "AWS_NO_CREDENTIALS".to_owned(),
        message: text.to_owned(),
        cure: "give credentials: a role of the machine, AWS_PROFILE, aws sso login, or \
               AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; and check the role to assume"
            .to_owned(),
        retryable: false,
    }
}

/// Errors of credentials come from before the request, and have no code of their own.
fn is_about_credentials(text: &str) -> bool {
    [
        "credentials provider",
        "credential provider",
        "loading credentials",
        "provided credentials",
        "load credentials",
        "no identity",
        "identity resolver",
        "AssumeRole",
    ]
    .iter()
    .any(|mark| text.contains(mark))
}

/// An error with the errors that caused it, presentable.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        // An error that shows its cause as its own text would be told twice.
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    presentable(&texts.join(": "))
}

/// A text of a server on one line, cut, and without the queries of addresses: a presigned one holds
/// a signature there.
fn presentable(text: &str) -> String {
    let words = text.split_whitespace().map(without_query);
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn without_query(word: &str) -> String {
    match word.split_once('?') {
        Some((address, query)) if address.contains("://") && !query.is_empty() => {
            format!("{address}?…")
        }
        _ => word.to_owned(),
    }
}

/// A check of a call for `sparklake doctor`.
pub(super) fn check_of<T>(
    call: &str,
    result: Result<T, DiscoverError>,
    seen: impl FnOnce(T) -> String,
) -> Check {
    let outcome = match result {
        Ok(value) => CheckOutcome::Passed(seen(value)),
        Err(error) => failed_check(error),
    };
    Check {
        subject: call.to_owned(),
        outcome,
    }
}

fn failed_check(error: DiscoverError) -> CheckOutcome {
    match error {
        DiscoverError::Platform {
            code,
            message,
            cure,
            ..
        } => CheckOutcome::Failed {
            problem: format!("{code}: {message}"),
            cure,
        },
        other => CheckOutcome::Failed {
            problem: other.to_string(),
            cure: "see the message".to_owned(),
        },
    }
}

/// A check that was not made.
pub(super) fn skipped_check(call: &str, reason: impl Into<String>) -> Check {
    Check {
        subject: call.to_owned(),
        outcome: CheckOutcome::Skipped(reason.into()),
    }
}

/// Who AWS takes us for: works without any permission, so it tells wrong credentials from missing
/// permissions.
pub(super) async fn check_identity(config: &SdkConfig) -> Check {
    const CALL: &str = "sts:GetCallerIdentity";
    let identity = aws_sdk_sts::Client::new(config)
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| call_error("aws", CALL, &error));
    check_of(CALL, identity, |identity| {
        let arn = identity.arn().unwrap_or("an identity without ARN");
        format!("asks as {arn}")
    })
}

/// The SDK's time as ours; `None` for times that no calendar has.
pub(super) fn time(time: &aws_smithy_types::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

/// Our time as the SDK's, to the millisecond.
pub(super) fn aws_time(time: DateTime<Utc>) -> aws_smithy_types::DateTime {
    aws_smithy_types::DateTime::from_millis(time.timestamp_millis())
}

#[cfg(test)]
mod tests;
